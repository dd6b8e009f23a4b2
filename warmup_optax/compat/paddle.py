"""Paddle's schedulers (``paddle.optimizer.lr``, Paddle 3.3), and the detection models' warmup.

The count here is Paddle's ``last_epoch`` in a run that steps its scheduler once after every update. Every
constructor accepts Paddle's ``verbose`` and ignores it.
"""

from __future__ import annotations

import math
from typing import Annotated

import jax.numpy as jnp

import warmup_optax as wo

from . import keras
from ._arguments import (
    Fixed,
    Fraction,
    Ignored,
    LastStep,
    Length,
    NonNegative,
    Number,
    OpenFraction,
    Positive,
    Rates,
    Steps,
    Tuple,
    UpTo1,
)
from ._cycles import ScaleFn, ScaleMode, ThreePhase, cyclic, one_cycle
from ._parts import stairs, warmed
from ._port import check_above, check_number, is_concrete, port, refuse
from ._rules import ScheduleLike, bounded, one_of

Rate = Annotated[Number, "The first rate."]
Peak = Annotated[Number, "The peak."]
Counts = Annotated[Tuple[int], "Increasing counts."]


@port()
def NoamDecay(
    d_model: Annotated[Positive, "The width of the model (its embedding dimension)."],
    warmup_steps: Length,
    learning_rate: Annotated[Number, "A factor."] = 1.0,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """The Noam schedule of the Transformer: linear warmup, then inverse-square-root decay.

    The rate is 0 at count 0, while the paper counts from 1. The peak at ``warmup_steps`` is ``learning_rate /
    sqrt(d_model * warmup_steps)``. The decay never ends.

    >>> paddle.NoamDecay(d_model=4, warmup_steps=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.125, 0.25, 0.125]
    """
    peak = learning_rate * d_model**-0.5 * warmup_steps**-0.5
    return wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps)


@port()
def PiecewiseDecay(
    boundaries: Annotated[Tuple[int], "Increasing counts, at least one."],
    values: Annotated[Tuple[float], "One more than ``boundaries``. Of additional rates the last is used."],
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Step decay: ``values[i]`` before ``boundaries[i]``, and the next value from there.

    >>> paddle.PiecewiseDecay([10, 20], [1.0, 0.5, 0.25])([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    if not boundaries:
        refuse("boundaries", boundaries, "at least one count")
    if len(values) > len(boundaries):
        values = [*values[: len(boundaries)], values[-1]]
    return wo.piecewise_constant(values, boundaries)


@port(decay_rate="gamma")
def NaturalExpDecay(
    learning_rate: Rate, gamma: Positive, last_epoch: LastStep = -1, verbose: Ignored = False
) -> wo.Schedule:
    """Natural exponential decay: ``learning_rate * exp(-gamma * count)``. It never ends.

    >>> import math
    >>> paddle.NaturalExpDecay(1.0, gamma=math.log(2))([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    factor = math.exp(-gamma) if is_concrete(gamma) else jnp.exp(-gamma)
    return wo.exponential(learning_rate, decay_rate=factor, transition_steps=1)


@port(decay_rate="gamma")
def InverseTimeDecay(
    learning_rate: Rate, gamma: Number, last_epoch: LastStep = -1, verbose: Ignored = False
) -> wo.Schedule:
    """Inverse-time decay: ``learning_rate / (1 + gamma * count)``. It never ends.

    >>> paddle.InverseTimeDecay(1.0, gamma=0.5)([0, 2, 6]).tolist()
    [1.0, 0.5, 0.25]
    """
    return wo.inverse_time(learning_rate, decay_rate=gamma, transition_steps=1)


@port()
def PolynomialDecay(
    learning_rate: Rate,
    decay_steps: Length,
    end_lr: Annotated[Number, "The last rate."] = 0.0001,
    power: Positive = 1.0,
    cycle: Annotated[bool, "Whether ``decay_steps`` grows to its next multiple each time it ends."] = False,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Polynomial decay, the same as `compat.keras.PolynomialDecay`.

    ``end_lr`` is reached at ``decay_steps`` and stays. With ``cycle`` the rate jumps up again one update after
    each multiple of ``decay_steps``, to a lower peak each time.

    >>> paddle.PolynomialDecay(1.0, 4, end_lr=0.0)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return keras.PolynomialDecay(learning_rate, decay_steps, end_lr, power, cycle)


@port(schedules="learning_rate")
def LinearWarmup(
    learning_rate: Annotated[ScheduleLike, "A schedule, any function of a count, or a number."],
    warmup_steps: Length,
    start_lr: Annotated[Number, "The rate of the first update."],
    end_lr: Annotated[Number, "The end of the ramp, above ``start_lr``."],
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Linear warmup from ``start_lr`` towards ``end_lr``, then a schedule on its own clock.

    The ramp would reach ``end_lr`` at ``warmup_steps``. At that count ``learning_rate`` starts, at its own
    count 0. The rate jumps if its first value is not ``end_lr``.

    >>> decay = paddle.PiecewiseDecay([2], [1.0, 0.5])
    >>> paddle.LinearWarmup(decay, warmup_steps=4, start_lr=0.0, end_lr=1.0)([0, 1, 4, 5, 6]).tolist()
    [0.0, 0.25, 1.0, 1.0, 0.5]
    """
    check_above("end_lr", end_lr, start_lr=start_lr)
    return warmed(end_lr, warmup_steps, learning_rate, start_lr)


@port()
def ExponentialDecay(
    learning_rate: Rate, gamma: OpenFraction, last_epoch: LastStep = -1, verbose: Ignored = False
) -> wo.Schedule:
    """Exponential decay: ``learning_rate * gamma ** count``. It never ends.

    >>> paddle.ExponentialDecay(1.0, gamma=0.5)([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    return wo.exponential(learning_rate, decay_rate=gamma, transition_steps=1)


@port(boundaries="milestones", values="learning_rate")
def MultiStepDecay(
    learning_rate: Rate,
    milestones: Counts,
    gamma: Annotated[float, bounded("< 1", below=1)] = 0.1,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Step decay: times ``gamma`` from each milestone on.

    >>> paddle.MultiStepDecay(1.0, [2, 4], gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return wo.piecewise_constant([learning_rate * gamma**i for i in range(len(milestones) + 1)], milestones)


@port()
def StepDecay(
    learning_rate: Rate,
    step_size: Length,
    gamma: OpenFraction = 0.1,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Step decay: times ``gamma`` every ``step_size`` updates, from each multiple on. It never ends.

    >>> paddle.StepDecay(1.0, step_size=2, gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return stairs(learning_rate, gamma, step_size)


@port()
def LinearLR(
    learning_rate: Annotated[Number, "The rate that the factors multiply."],
    total_steps: Annotated[Length, "The count at which the ramp ends."],
    start_factor: UpTo1 = 1.0 / 3,
    end_factor: Fraction = 1.0,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """A linear ramp from ``learning_rate * start_factor`` to ``learning_rate * end_factor``, then constant.

    >>> paddle.LinearLR(1.0, total_steps=4, start_factor=0.5)([0, 2, 4, 9]).tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    return wo.linear(learning_rate * start_factor, learning_rate * end_factor, total_steps)


@port()
def exponential_with_warmup_decay(
    learning_rate: Annotated[Number, "The rate at the end of the ramp."],
    boundaries: Counts,
    values: Annotated[Rates, "The rates, one more than ``boundaries``."],
    warmup_iter: Annotated[Steps, "Updates of warmup."],
    warmup_factor: Annotated[Number, "The first rate as a fraction of ``learning_rate``."],
) -> wo.Schedule:
    """The schedule of Paddle's detection models: linear warmup, then step decay.

    The boundaries count from the start of the run. During the warmup they have no effect. At a boundary the new
    value applies. The rate jumps at ``warmup_iter`` if ``learning_rate`` is not ``values[0]``.

    >>> schedule = paddle.exponential_with_warmup_decay(1.0, [8], [1.0, 0.5], 4, warmup_factor=0.5)
    >>> schedule([0, 2, 4, 7, 8]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    warmup = wo.linear(learning_rate * warmup_factor, learning_rate, warmup_iter)
    return wo.join([warmup, wo.piecewise_constant(values, boundaries)], [warmup_iter], offsets=[0, 0])


@port()
def CosineAnnealingDecay(
    learning_rate: Annotated[Number, "The rate at 0, ``2 * T_max``, ..."],
    T_max: Annotated[Length, "Half a period."],
    eta_min: Annotated[Number, "The rate at ``T_max``, ``3 * T_max``, ..."] = 0,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """A periodic cosine: down to ``eta_min`` at ``T_max``, then up again to ``learning_rate``. It never ends.

    >>> paddle.CosineAnnealingDecay(1.0, T_max=4)([0, 2, 4, 6, 8]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    return wo.shapes.cosine_wave(learning_rate, eta_min, T_max)


@port(growth="T_mult")
def CosineAnnealingWarmRestarts(
    learning_rate: Peak,
    T_0: Annotated[Length, "The length of the first cycle."],
    T_mult: Length = 1,
    eta_min: Annotated[Number, "The value that every cycle approaches."] = 0,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Cosine decay with warm restarts (SGDR): each cycle is ``T_mult`` times as long as the previous one.

    ``eta_min`` is approached but not reached. Paddle's restarts inside a `LinearWarmup` can be one update late.

    >>> paddle.CosineAnnealingWarmRestarts(1.0, T_0=4, T_mult=2)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    return wo.restart(wo.cosine(learning_rate, eta_min, T_0), period=T_0, growth=T_mult)


@port(decay_rate="exp_gamma")
def CyclicLR(
    base_learning_rate: Annotated[Number, "The lowest rate, at count 0."],
    max_learning_rate: Annotated[Number, "The rate at the first peak, at ``step_size_up``."],
    step_size_up: Length,
    step_size_down: Annotated[Length | None, "None for ``step_size_up``."] = None,
    mode: Annotated[str, '"triangular", "triangular2" or "exp_range".'] = "triangular",
    exp_gamma: Annotated[Positive, 'The factor of each update in "exp_range".'] = 1.0,
    scale_fn: ScaleFn = None,
    scale_mode: ScaleMode = "cycle",
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """Cyclical learning rate (CLR): a triangle wave up to ``max_learning_rate`` and back. It never ends.

    The height above ``base_learning_rate`` is constant in mode "triangular", halves with each cycle in
    "triangular2", and is multiplied by ``exp_gamma`` with each update in "exp_range".

    >>> paddle.CyclicLR(0.0, 1.0, 4, 2, mode="triangular2")([0, 2, 4, 5, 6, 10]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    rates = (base_learning_rate, max_learning_rate)
    return cyclic(*rates, step_size_up, step_size_down, mode, exp_gamma, scale_fn, scale_mode)


@port(init_value="max_learning_rate")
def OneCycleLR(
    max_learning_rate: Peak,
    total_steps: Fixed[Length],
    divide_factor: Annotated[Positive, "The peak divided by the first rate."] = 25.0,
    end_learning_rate: Annotated[NonNegative, "The rate at ``total_steps - 1``."] = 0.0001,
    phase_pct: Annotated[Fixed[Fraction], "The fraction of the rise; < 0.5 with three phases."] = 0.3,
    anneal_strategy: Annotated[str, one_of("cos", "linear")] = "cos",
    three_phase: ThreePhase = False,
    last_epoch: LastStep = -1,
    verbose: Ignored = False,
) -> wo.Schedule:
    """The 1cycle policy: up to the peak, and down almost to 0.

    The rate is ``max_learning_rate / divide_factor`` at 0. The peak is at ``phase_pct * total_steps - 1``, which
    may be between two counts. ``end_learning_rate``, a rate and not a divisor as in PyTorch, is at ``total_steps
    - 1``. At ``total_steps`` the last curve continues: a cosine has risen slightly, and a linear ramp is *below*
    its end, possibly negative. After that the original raises an error. Here that rate stays.

    >>> paddle.OneCycleLR(1.0, 10, divide_factor=4.0, phase_pct=0.5)([0, 2, 4]).round(3).tolist()
    [0.25, 0.625, 1.0]
    """
    if three_phase:
        check_number(
            "phase_pct", phase_pct, below=0.5, fix="with three phases the first decay is as long as the rise"
        )
    rates = max_learning_rate / divide_factor, max_learning_rate, end_learning_rate
    return one_cycle(*rates, total_steps, anneal_strategy, three_phase, phase_pct=phase_pct)
