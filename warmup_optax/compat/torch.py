"""``torch.optim.lr_scheduler`` (PyTorch 2.13), and `LearningRateWarmUP` of PyTorch-Learning-Rate-WarmUp.

The first argument is the base learning rate ``lr``, which PyTorch reads from the optimizer. Update 0 uses the
rate that the constructor sets. Update ``n`` uses the rate after ``n`` calls of ``scheduler.step()``. If a run
steps once per epoch, convert its lengths to updates. A scheduler given ``last_epoch`` starts one step after
that epoch.

PyTorch multiplies the last rate at every step, and rounds each time. The ports are closed forms. Where a
scheduler raises an error after its end, the last rate stays.
"""

from __future__ import annotations

from typing import Annotated

import warmup_optax as wo

from ._arguments import (
    Counts,
    Fixed,
    Fraction,
    Ignored,
    LastStep,
    Length,
    Milestones,
    Number,
    Positive,
    Steps,
    Tuple,
    UpTo1,
)
from ._cycles import ScaleFn, ScaleMode, ThreePhase, cyclic, one_cycle
from ._parts import in_ticks, in_updates, is_zero, product, stairs
from ._port import port, refuse
from ._rules import ScheduleLike, one_of

Rate = Annotated[Number, "The base learning rate."]
Total = Annotated[Fixed[Length] | None, "Updates of the run. None for ``epochs * steps_per_epoch``."]


@port(transition_steps="step_size", decay_rate="gamma", init_value="lr")
def StepLR(
    lr: Rate,
    step_size: Annotated[Length, "Updates from one factor to the next."],
    gamma: Annotated[float, "The factor, > 0. With 0 the rate is 0 from ``step_size`` on."] = 0.1,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Step decay: ``lr * gamma**(n // step_size)``. It never ends.

    >>> torch.StepLR(1.0, step_size=10, gamma=0.5)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return stairs(lr, gamma, step_size)


@port(values="lr")
def MultiStepLR(
    lr: Rate,
    milestones: Annotated[Milestones, "Counts in any order. A repeated milestone multiplies twice."],
    gamma: Annotated[float, "The factor."] = 0.1,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Step decay with a factor at each milestone, from ``n == milestone`` on. The last rate stays.

    >>> torch.MultiStepLR(1.0, milestones=[10, 20], gamma=0.5)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    begins = sorted({m for m in milestones if m >= 0})  # milestones before 0 have no effect
    rates = [lr, *(lr * gamma ** sum(0 <= m <= begin for m in milestones) for begin in begins)]
    return wo.piecewise_constant(rates, begins)


@port(boundaries="total_iters", values="lr")
def ConstantLR(
    lr: Rate,
    factor: Fraction = 1.0 / 3,
    total_iters: Annotated[Steps, "The first update with the full rate."] = 5,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """``factor * lr`` before update ``total_iters``, then ``lr``.

    With ``total_iters=0`` the rate stays at ``factor * lr``, and with ``factor=0`` at 0, because PyTorch divides
    by the factor at ``total_iters`` and never at update 0. In a `SequentialLR`, PyTorch's later scheduler with
    ``total_iters=0`` is ``lr`` instead. Write ``lr`` there.

    >>> torch.ConstantLR(1.0, factor=0.5, total_iters=4)([0, 3, 4]).tolist()
    [0.5, 0.5, 1.0]
    """
    if is_zero(total_iters) or is_zero(factor):
        return wo.constant(lr * factor)
    return wo.piecewise_constant([lr * factor, lr], [total_iters])


@port(init_value="lr")
def LinearLR(
    lr: Rate,
    start_factor: UpTo1 = 1.0 / 3,
    end_factor: Fraction = 1.0,
    total_iters: Annotated[Steps, "Updates of the ramp."] = 5,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """A linear ramp from ``start_factor * lr`` to ``end_factor * lr`` at ``total_iters``, then constant.

    With ``total_iters=0`` the rate stays at ``start_factor * lr``, as in PyTorch.

    >>> torch.LinearLR(1.0, start_factor=0.5, total_iters=4)([0, 2, 4, 9]).tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    end_factor = start_factor if is_zero(total_iters) else end_factor
    return wo.linear(lr * start_factor, lr * end_factor, total_iters)


@port(decay_rate="gamma", init_value="lr")
def ExponentialLR(
    lr: Rate,
    gamma: Annotated[float, "The factor of every update, > 0. With 0 the rate is 0 from update 1 on."],
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Exponential decay: ``lr * gamma**n``. It never ends.

    >>> torch.ExponentialLR(1.0, gamma=0.5)([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    return stairs(lr, gamma, 1)


@port(init_value="lr")
def PolynomialLR(
    lr: Rate,
    total_iters: Annotated[Steps, "Updates of the decay."] = 5,
    power: Annotated[float, "The exponent, > 0. With 0 the rate stays at ``lr``."] = 1.0,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Polynomial decay: ``lr * (1 - n / total_iters)**power``, and 0 from update ``total_iters`` on.

    With ``total_iters=0`` the rate stays at ``lr``, as in PyTorch.

    >>> torch.PolynomialLR(1.0, total_iters=4, power=2)([0, 2, 4, 9]).tolist()
    [1.0, 0.25, 0.0, 0.0]
    """
    if is_zero(total_iters) or is_zero(power):
        return wo.constant(lr)
    return wo.polynomial(lr, 0.0, total_iters, power=power)


@port(init_value="lr", end_value="eta_min")
def CosineAnnealingLR(
    lr: Rate,
    T_max: Annotated[Positive, "Half a period, in updates, whole or not."],
    eta_min: Annotated[float, "The rate at ``T_max``; it may be above ``lr``."] = 0.0,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """A periodic cosine from ``lr`` to ``eta_min`` at update ``T_max``, which then *rises again*. It never ends.

    >>> torch.CosineAnnealingLR(1.0, T_max=4)([0, 2, 4, 6, 8]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    ticks, (half,) = in_ticks(T_max)
    return in_updates(wo.shapes.cosine_wave(lr, eta_min, half), ticks)


@port(init_value="lr", end_value="eta_min", growth="T_mult", period="T_0")
def CosineAnnealingWarmRestarts(
    lr: Rate,
    T_0: Annotated[Length, "Updates of the first cosine."],
    T_mult: Length = 1,
    eta_min: Annotated[float, "The value that every cycle approaches."] = 0.0,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Cosine decay with warm restarts (SGDR): each cycle is ``T_mult`` times as long as the previous one.

    ``eta_min`` is approached but not reached, because update ``T_0`` has ``lr`` again. The cycles never end.

    >>> torch.CosineAnnealingWarmRestarts(1.0, T_0=4, T_mult=2)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    return wo.restart(wo.cosine(lr, eta_min, T_0), period=T_0, growth=T_mult)


@port(init_value="base_lr", decay_rate="gamma")
def CyclicLR(
    base_lr: Annotated[Number, "The lower rate."],
    max_lr: Annotated[Number, "The upper rate."],
    step_size_up: Annotated[Positive, "Updates of the rise, whole or not."] = 2000,
    step_size_down: Annotated[Positive | None, "Updates of the decay; None for ``step_size_up``."] = None,
    mode: Annotated[str, '"triangular", "triangular2" or "exp_range"; unless ``scale_fn``.'] = "triangular",
    gamma: Annotated[float, 'The factor of each update in "exp_range", > 0.'] = 1.0,
    scale_fn: ScaleFn = None,
    scale_mode: ScaleMode = "cycle",
    cycle_momentum: Ignored = True,
    base_momentum: Ignored = 0.8,
    max_momentum: Ignored = 0.9,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Cyclical learning rate (CLR): a triangle wave from ``base_lr`` up to ``max_lr`` and back. It never ends.

    The height halves with each cycle in mode "triangular2", and is multiplied by ``gamma**n`` in "exp_range".

    >>> torch.CyclicLR(0.5, 1.0, step_size_up=2, mode="triangular2")([0, 1, 2, 4, 6]).tolist()
    [0.5, 0.75, 1.0, 0.5, 0.75]
    """
    return cyclic(base_lr, max_lr, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode)


@port(init_value="max_lr")
def OneCycleLR(
    max_lr: Annotated[Number, "The rate of the peak."],
    total_steps: Total = None,
    epochs: Annotated[Length | None, "See ``total_steps``."] = None,
    steps_per_epoch: Annotated[Length | None, "See ``total_steps``."] = None,
    pct_start: Annotated[Fixed[Fraction], "The fraction of the run that is the rise."] = 0.3,
    anneal_strategy: Annotated[str, one_of("cos", "linear")] = "cos",
    cycle_momentum: Ignored = True,
    base_momentum: Ignored = 0.85,
    max_momentum: Ignored = 0.95,
    div_factor: Annotated[Positive, "Update 0 has ``max_lr / div_factor``."] = 25.0,
    final_div_factor: Annotated[Positive, "The first rate divided by the last."] = 1e4,
    three_phase: ThreePhase = False,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """The 1cycle policy: up to ``max_lr``, and down to the first rate divided by ``final_div_factor``.

    The first rate is ``max_lr / div_factor``. The peak is at ``pct_start * total_steps - 1``, whole or not, and
    the last rate at ``total_steps - 1``. Update ``total_steps`` has an extrapolated rate, which may be *negative*
    if linear. After it PyTorch raises an error, while here that rate stays.

    >>> cycle = {"pct_start": 1 / 3, "div_factor": 2, "final_div_factor": 1}
    >>> torch.OneCycleLR(1.0, 9, anneal_strategy="linear", **cycle)([0, 1, 2, 5, 8]).tolist()
    [0.5, 0.75, 1.0, 0.75, 0.5]
    """
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            refuse("total_steps", total_steps, "a number of updates", "or give epochs and steps_per_epoch")
        total_steps = epochs * steps_per_epoch
    rates = max_lr / div_factor, max_lr, max_lr / div_factor / final_div_factor
    return one_cycle(*rates, total_steps, anneal_strategy, three_phase, pct_start=pct_start)


@port(schedules="schedulers", boundaries="milestones")
def SequentialLR(
    schedulers: Annotated[Tuple[ScheduleLike], "Schedules, each with its own base learning rate."],
    milestones: Annotated[Counts, "The counts at which all schedulers but the first begin."],
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Schedulers in sequence, each on its own clock, which starts at its milestone.

    A scheduler between two equal milestones is skipped. Each runs as it does alone. PyTorch's behavior is the
    same, except for a later `ConstantLR` with ``total_iters=0``.

    >>> warmup, decay = torch.LinearLR(1.0, 0.5, total_iters=2), torch.StepLR(1.0, 2, gamma=0.5)
    >>> torch.SequentialLR([warmup, decay], milestones=[2])([0, 1, 2, 3, 4]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    if len(milestones) != len(schedulers) - 1:
        said = f"there are {len(schedulers)} schedulers"
        refuse("milestones", milestones, "one fewer than schedulers", said)
    begins = [0, *milestones]
    kept = [i for i, begin in enumerate(begins) if begin not in begins[i + 1 :]]
    return wo.join([schedulers[i] for i in kept], [begins[i] for i in kept[1:]])


@port(divisor="lr")
def ChainedScheduler(
    lr: Annotated[Number, "The base learning rate that all of ``schedulers`` were made with."],
    schedulers: Annotated[Tuple[ScheduleLike], "Schedules, at least one."],
) -> wo.Schedule:
    """The product of schedulers that all count from 0, each as a factor of the base learning rate.

    PyTorch does this with `StepLR`, `MultiStepLR`, `ConstantLR`, `LinearLR`, `ExponentialLR`, `PolynomialLR`, and
    `CosineAnnealingLR` up to its ``T_max`` with ``eta_min=0``. The others replace the current rate by their own,
    so a chain with them is not a product.

    >>> parts = [torch.ConstantLR(1.0, 0.5, total_iters=2), torch.ExponentialLR(1.0, gamma=0.5)]
    >>> torch.ChainedScheduler(1.0, parts)([0, 1, 2]).tolist()
    [0.5, 0.25, 0.25]
    """
    if not schedulers:
        refuse("schedulers", schedulers, "at least one schedule")
    first, *others = map(wo.as_schedule, schedulers)
    return product(first, *(other / lr for other in others))


@port(end_value="target_lr", schedules="after_scheduler")
def LearningRateWarmUP(
    warmup_iteration: Annotated[Steps, "Updates of warmup."],
    target_lr: Annotated[Number, "The end of the ramp; it need not equal the first rate after it."],
    after_scheduler: Annotated[ScheduleLike | None, "A schedule; None for ``target_lr``."] = None,
) -> wo.Schedule:
    """Linear warmup to ``target_lr``, then another scheduler, from PyTorch-Learning-Rate-WarmUp.

    The original counts from 1: update ``n`` is its iteration ``n + 1``. Update 0 has ``target_lr /
    warmup_iteration``, and update ``warmup_iteration - 1`` has ``target_lr``. The next update has the rate of
    ``after_scheduler`` at *its* update 1, so its update 0 is never used.

    >>> after = torch.LinearLR(1.0, start_factor=1.0, end_factor=0.5, total_iters=4)
    >>> torch.LearningRateWarmUP(4, 1.0, after)([0, 2, 3, 4, 5, 7]).tolist()
    [0.25, 0.75, 1.0, 0.875, 0.75, 0.5]
    """
    after = target_lr if after_scheduler is None else after_scheduler
    ramp = wo.linear(0.0, target_lr, warmup_iteration)
    return wo.join([ramp, after], [warmup_iteration], offsets=[-1, warmup_iteration - 1])
