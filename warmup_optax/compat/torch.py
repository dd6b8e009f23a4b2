"""``torch.optim.lr_scheduler`` (PyTorch 2.13), and `LearningRateWarmUP` of PyTorch-Learning-Rate-WarmUp.

Where PyTorch takes the base learning rate from the optimizer it is the first argument here, ``lr``. Update
0 has the rate that the constructor sets, update ``n`` the one after ``n`` calls of ``scheduler.step()``: call
the schedulers of a run that stepped once an epoch with epochs in updates. A scheduler with ``last_epoch``
begins one step behind it.

PyTorch multiplies the last rate at every step, and rounds each time; these are the closed forms. Where a
scheduler raises after its end, the last rate holds.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import warmup_optax as wo

from ._cycles import cyclic, one_cycle
from ._parts import in_ticks, in_updates, is_zero, stairs, starting_after
from ._port import as_tuple, check_concrete, check_number, check_steps, port, refuse

Number = Any


@port(transition_steps="step_size", decay_rate="gamma", init_value="lr")
def StepLR(lr: Number, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> wo.Schedule:
    """``lr * gamma**(n // step_size)``: a factor at every ``step_size``-th update, without an end.

    Args:
      lr: The base learning rate.
      step_size: Updates from one factor to the next, >= 1.
      gamma: The factor, > 0; or 0, for a rate of 0 from ``step_size`` on.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.StepLR(1.0, step_size=10, gamma=0.5)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    check_steps("step_size", step_size)
    return starting_after(stairs(lr, gamma, step_size), last_epoch)


@port(values="lr")
def MultiStepLR(
    lr: Number, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
) -> wo.Schedule:
    """A factor at every milestone: the new rate from ``n == milestone`` on; the last one holds.

    Args:
      lr: The base learning rate.
      milestones: Counts of updates in any order; one that comes twice multiplies twice.
      gamma: The factor.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.MultiStepLR(1.0, milestones=[10, 20], gamma=0.5)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    given = as_tuple("milestones", milestones, "whole numbers of steps")
    for i, milestone in enumerate(given):
        check_concrete(f"milestones[{i}]", milestone)
        check_steps(f"milestones[{i}]", milestone, at_least=None)
    milestones = sorted(m for m in given if m >= 0)  # those before 0 are never met
    begins = sorted(set(milestones))
    rates = [lr, *(lr * gamma ** sum(m <= begin for m in milestones) for begin in begins)]
    return starting_after(wo.piecewise_constant(rates, begins), last_epoch)


@port(boundaries="total_iters", values="lr")
def ConstantLR(
    lr: Number, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
) -> wo.Schedule:
    """``factor * lr`` before update ``total_iters``, ``lr`` from it on.

    With ``total_iters=0`` it stays at ``factor * lr``, and with ``factor=0`` at 0: PyTorch divides by the
    factor at ``total_iters``, and update 0 is never that. (As a later scheduler of a `SequentialLR` PyTorch's
    with ``total_iters=0`` is ``lr``, not ``factor * lr``: write ``lr`` there.)

    Args:
      lr: The base learning rate.
      factor: In [0, 1].
      total_iters: The update that has the full rate first, >= 0.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.ConstantLR(1.0, factor=0.5, total_iters=4)([0, 3, 4]).tolist()
    [0.5, 0.5, 1.0]
    """
    check_number("factor", factor, at_least=0, at_most=1)
    check_steps("total_iters", total_iters, at_least=0)
    starting_after(lr, last_epoch)
    if is_zero(total_iters) or is_zero(factor):
        return wo.constant(lr * factor)
    return starting_after(wo.piecewise_constant([lr * factor, lr], [total_iters]), last_epoch)


@port(steps="total_iters", init_value="lr")
def LinearLR(
    lr: Number,
    start_factor: float = 1.0 / 3,
    end_factor: float = 1.0,
    total_iters: int = 5,
    last_epoch: int = -1,
) -> wo.Schedule:
    """A line from ``start_factor * lr`` to ``end_factor * lr`` at update ``total_iters``, held after it.

    With ``total_iters=0`` it stays at ``start_factor * lr``, as in PyTorch.

    Args:
      lr: The base learning rate.
      start_factor: In (0, 1].
      end_factor: In [0, 1].
      total_iters: Updates of the line, >= 0.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.LinearLR(1.0, start_factor=0.5, total_iters=4)([0, 2, 4, 9]).tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    check_number("start_factor", start_factor, above=0, at_most=1)
    check_number("end_factor", end_factor, at_least=0, at_most=1)
    end_factor = start_factor if is_zero(total_iters) else end_factor
    return starting_after(wo.linear(lr * start_factor, lr * end_factor, total_iters), last_epoch)


@port(decay_rate="gamma", init_value="lr")
def ExponentialLR(lr: Number, gamma: float, last_epoch: int = -1) -> wo.Schedule:
    """``lr * gamma**n``, without an end.

    Args:
      lr: The base learning rate.
      gamma: The factor of every update, > 0; or 0, for a rate of 0 from update 1 on.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.ExponentialLR(1.0, gamma=0.5)([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    return starting_after(stairs(lr, gamma, 1), last_epoch)


@port(steps="total_iters", init_value="lr")
def PolynomialLR(lr: Number, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> wo.Schedule:
    """``lr * (1 - n / total_iters)**power``, and 0 from update ``total_iters`` on.

    With ``total_iters=0`` it stays at ``lr``, as in PyTorch.

    Args:
      lr: The base learning rate.
      total_iters: Updates of the decay, >= 0.
      power: > 0; or 0, for ``lr`` throughout.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.PolynomialLR(1.0, total_iters=4, power=2)([0, 2, 4, 9]).tolist()
    [1.0, 0.25, 0.0, 0.0]
    """
    check_steps("total_iters", total_iters, at_least=0)
    starting_after(lr, last_epoch)
    if is_zero(total_iters) or is_zero(power):
        return wo.constant(lr)
    return starting_after(wo.polynomial(lr, 0.0, total_iters, power=power), last_epoch)


@port(steps="T_max", init_value="lr", end_value="eta_min")
def CosineAnnealingLR(lr: Number, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> wo.Schedule:
    """A cosine from ``lr`` to ``eta_min`` at update ``T_max``, which then *rises again* and so on.

    Args:
      lr: The base learning rate.
      T_max: Half the period, in updates, whole or not.
      eta_min: The other end; it may be above ``lr``.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.CosineAnnealingLR(1.0, T_max=4)([0, 2, 4, 6, 8]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    check_number("T_max", T_max, above=0)
    ticks, (half,) = in_ticks(T_max)
    return starting_after(in_updates(wo.shapes.cosine_wave(lr, eta_min, half), ticks), last_epoch)


@port(steps="T_0", period="T_0", growth="T_mult", init_value="lr", end_value="eta_min")
def CosineAnnealingWarmRestarts(
    lr: Number, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
) -> wo.Schedule:
    """Cosines from ``lr`` towards ``eta_min``, each ``T_mult`` times as long as the last.

    Update ``T_0`` has ``lr`` again: ``eta_min`` is never reached, and there is no end.

    Args:
      lr: The base learning rate.
      T_0: Updates of the first cosine, >= 1.
      T_mult: A whole number >= 1.
      eta_min: Where every cosine is bound for.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.CosineAnnealingWarmRestarts(1.0, T_0=4, T_mult=2)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    check_steps("T_0", T_0)
    check_steps("T_mult", T_mult)
    return starting_after(wo.restart(wo.cosine(lr, eta_min, T_0), period=T_0, growth=T_mult), last_epoch)


@port(init_value="base_lr", steps="step_size_up", back_steps="step_size_down", decay_rate="gamma")
def CyclicLR(
    base_lr: Number,
    max_lr: Number,
    step_size_up: Number = 2000,
    step_size_down: Number | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
    last_epoch: int = -1,
) -> wo.Schedule:
    """A triangle between ``base_lr`` and ``max_lr``: ``base_lr`` at update 0, up, down, and again.

    The height is halved with every cycle in mode "triangular2", and is ``gamma**n`` of itself in "exp_range".

    Args:
      base_lr: The lower rate.
      max_lr: The upper rate.
      step_size_up: Updates of the way up, whole or not.
      step_size_down: Updates of the way down; None for ``step_size_up``.
      mode: "triangular", "triangular2" or "exp_range"; not looked at where there is a ``scale_fn``.
      gamma: The factor of each update in "exp_range", > 0.
      scale_fn: A factor of the height, written with ``jax.numpy``. It becomes part of the schedule, which
        can then not be saved.
      scale_mode: What ``scale_fn`` is a function of: the "cycle", counted from 1, or the number of
        "iterations".
      cycle_momentum: Ignored; accepted for compatibility.
      base_momentum: Ignored; accepted for compatibility.
      max_momentum: Ignored; accepted for compatibility.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> torch.CyclicLR(0.5, 1.0, step_size_up=2, mode="triangular2")([0, 1, 2, 4, 6]).tolist()
    [0.5, 0.75, 1.0, 0.5, 0.75]
    """
    check_number("step_size_up", step_size_up, above=0)
    check_number("step_size_down", step_size_up if step_size_down is None else step_size_down, above=0)
    cycle = cyclic(base_lr, max_lr, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode)
    return starting_after(cycle, last_epoch)


@port(init_value="max_lr")
def OneCycleLR(
    max_lr: Number,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
    last_epoch: int = -1,
) -> wo.Schedule:
    """Up from ``max_lr / div_factor`` to ``max_lr``, and down to that over ``final_div_factor``.

    The peak is at ``pct_start * total_steps - 1``, whole or not, the last rate at ``total_steps - 1``. Update
    ``total_steps`` has an extrapolated rate (a *negative* one if linear), which is held here; PyTorch raises.

    Args:
      max_lr: The rate of the peak.
      total_steps: Updates of the whole; or ``epochs`` times ``steps_per_epoch``.
      epochs: See ``total_steps``.
      steps_per_epoch: See ``total_steps``.
      pct_start: The part of the whole that rises, in [0, 1].
      anneal_strategy: "cos" or "linear".
      cycle_momentum: Ignored, as the momenta; accepted for compatibility.
      base_momentum: Ignored; accepted for compatibility.
      max_momentum: Ignored; accepted for compatibility.
      div_factor: Update 0 has ``max_lr / div_factor``.
      final_div_factor: The last rate is the first one over this.
      three_phase: Whether the way down goes by the first rate, as long after the peak as it took up.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> cycle = {"pct_start": 1 / 3, "div_factor": 2, "final_div_factor": 1}
    >>> torch.OneCycleLR(1.0, 9, anneal_strategy="linear", **cycle)([0, 1, 2, 5, 8]).tolist()
    [0.5, 0.75, 1.0, 0.75, 0.5]
    """
    for name, number in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if number is not None:
            check_number(name, number, above=0)
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            refuse("total_steps", total_steps, "a number of updates", "or give epochs and steps_per_epoch")
        total_steps = epochs * steps_per_epoch
    check_number("div_factor", div_factor, above=0)
    check_number("final_div_factor", final_div_factor, above=0)
    first = max_lr / div_factor
    last = first / final_div_factor
    cycle = one_cycle(
        first, max_lr, last, total_steps, pct_start, anneal_strategy, three_phase, part_name="pct_start"
    )
    return starting_after(cycle, last_epoch)


@port(schedules="schedulers", boundaries="milestones")
def SequentialLR(schedulers: Sequence[Any], milestones: Sequence[int], last_epoch: int = -1) -> wo.Schedule:
    """One scheduler after the other: the next one's own update 0 is at its milestone.

    Where milestones are equal, the schedulers between them are passed over. Each runs as it does alone, which
    is PyTorch's too but for a later `ConstantLR` of no updates.

    Args:
      schedulers: Schedules, each with its own base learning rate.
      milestones: Where the next one begins, one fewer than ``schedulers``.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import torch
    >>> warmup, decay = torch.LinearLR(1.0, 0.5, total_iters=2), torch.StepLR(1.0, 2, gamma=0.5)
    >>> torch.SequentialLR([warmup, decay], milestones=[2])([0, 1, 2, 3, 4]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    schedulers = as_tuple("schedulers", schedulers, "a sequence of schedules")
    milestones = as_tuple("milestones", milestones, "whole numbers of steps")
    if len(milestones) != len(schedulers) - 1:
        fix = f"there are {len(schedulers)} schedulers"
        refuse("milestones", milestones, "one fewer than schedulers", fix)
    for i, milestone in enumerate(milestones):
        check_concrete(f"milestones[{i}]", milestone)
        check_steps(f"milestones[{i}]", milestone, at_least=0)
    begins = [0, *milestones]
    kept = [i for i, begin in enumerate(begins) if begin not in begins[i + 1 :]]
    return starting_after(wo.join([schedulers[i] for i in kept], [begins[i] for i in kept[1:]]), last_epoch)


@port(schedules="schedulers", divisor="lr")
def ChainedScheduler(lr: Number, schedulers: Sequence[Any]) -> wo.Schedule:
    """Schedulers that all count from 0, each a factor on the base learning rate: their product over ``lr``.

    That is what PyTorch does with `StepLR`, `MultiStepLR`, `ConstantLR`, `LinearLR`, `ExponentialLR`,
    `PolynomialLR`, and `CosineAnnealingLR` up to its ``T_max`` with ``eta_min=0``. The others put their own
    rate in the place of what they find: a chain with them has no such form.

    Args:
      lr: The base learning rate that all of ``schedulers`` were made with.
      schedulers: Schedules.

    >>> from warmup_optax.compat import torch
    >>> parts = [torch.ConstantLR(1.0, 0.5, total_iters=2), torch.ExponentialLR(1.0, gamma=0.5)]
    >>> torch.ChainedScheduler(1.0, parts)([0, 1, 2]).tolist()
    [0.5, 0.25, 0.25]
    """
    if not as_tuple("schedulers", schedulers, "a sequence of schedules"):
        refuse("schedulers", schedulers, "at least one schedule")
    first, *others = schedulers
    factors = [wo.as_schedule(first), *(wo.as_schedule(other) / lr for other in others)]
    return functools.reduce(operator.mul, factors)


@port(end_value="target_lr", steps="warmup_iteration", schedules="after_scheduler")
def LearningRateWarmUP(warmup_iteration: int, target_lr: Number, after_scheduler: Any = None) -> wo.Schedule:
    """A line to ``target_lr``, then another scheduler, of PyTorch-Learning-Rate-WarmUp.

    The original counts from 1: update ``n`` is its iteration ``n + 1``. Update 0 has ``target_lr /
    warmup_iteration``, update ``warmup_iteration - 1`` has ``target_lr``, and the next one has the after
    scheduler's rate of *its* update 1: its update 0 is never used.

    Args:
      warmup_iteration: Updates of warmup, >= 0.
      target_lr: The rate that the line goes to; nothing ties it to the after scheduler's.
      after_scheduler: A schedule; None holds ``target_lr`` (the original then fails after the warmup).

    >>> from warmup_optax.compat import torch
    >>> after = torch.LinearLR(1.0, start_factor=1.0, end_factor=0.5, total_iters=4)
    >>> torch.LearningRateWarmUP(4, 1.0, after)([0, 2, 3, 4, 5, 7]).tolist()
    [0.25, 0.75, 1.0, 0.875, 0.75, 0.5]
    """
    check_steps("warmup_iteration", warmup_iteration, at_least=0)
    after = target_lr if after_scheduler is None else after_scheduler
    line = wo.linear(0.0, target_lr, warmup_iteration)
    return wo.join([line, after], [warmup_iteration], offsets=[-1, warmup_iteration - 1])
