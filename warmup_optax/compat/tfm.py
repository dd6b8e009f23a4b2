"""TF Model Garden's schedules (``tf-models-official`` 2.20, ``official.modeling.optimization.lr_schedule``).

All of them count from the start of the run, so a warmup does not shift the decay unless the decay has an
``offset``. Before ``offset``, a ``...WithOffset`` curve is extrapolated *backwards*, above its first rate. Every
constructor accepts the original's ``name`` and ignores it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Annotated

import warmup_optax as wo

from . import keras
from ._arguments import Counts, Fixed, Ignored, Length, NonNegative, Number, Positive, Rates, Steps, Whole
from ._parts import is_zero, remaining
from ._port import is_concrete, port, refuse
from ._rules import Scalar, ScheduleLike

After = Annotated[ScheduleLike, "A schedule, any function of a count, or a number."]
Power = Annotated[Number, "Any number."]
Begin = Annotated[Whole, "The count at which it begins."]
Offset = Annotated[Fixed[Whole], "The count of ``initial_learning_rate``."]
Rate = Annotated[Number, "The rate at ``offset``."]
Stairs = Annotated[bool, "Whether to apply the factor in discrete steps."]


@port(schedule="after_warmup_lr_sched")
def LinearWarmup(
    after_warmup_lr_sched: After,
    warmup_steps: Steps,
    warmup_learning_rate: Annotated[Number, "The rate of the first update."],
    name: Ignored = None,
) -> wo.Schedule:
    """Linear warmup from ``warmup_learning_rate`` to the value of a schedule at ``warmup_steps``.

    From ``count == warmup_steps`` on, the rate is that of the schedule, which counts from the start of the run.
    So the rate does not jump, but the first ``warmup_steps`` updates of the schedule are never used.

    >>> import warmup_optax as wo
    >>> tfm.LinearWarmup(wo.linear(1.0, 0.0, 8), 4, 0.0)([0, 2, 4, 6]).tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    return wo.with_warmup(
        after_warmup_lr_sched, steps=warmup_steps, init_value=warmup_learning_rate, overlap=True
    )


@port(schedule="after_warmup_lr_sched")
def PolynomialWarmUp(
    after_warmup_lr_sched: After,
    warmup_steps: Steps,
    power: Annotated[Positive, "The exponent; above 1 the rise is slow at first."] = 1.0,
    name: Ignored = "PolynomialWarmup",
) -> wo.Schedule:
    """Polynomial warmup, a power of the elapsed time, up to the value of a schedule at ``warmup_steps``.

    Count 0 has the rate of count 1, so the rate is never 0. From ``warmup_steps`` on, the rate is that of the
    schedule, which counts from the start of the run.

    >>> tfm.PolynomialWarmUp(1.0, 4, power=2.0)([0, 1, 2, 4]).tolist()
    [0.0625, 0.0625, 0.25, 1.0]
    """
    rise = functools.partial(wo.polynomial, power=power, origin="init")
    schedule = wo.with_warmup(after_warmup_lr_sched, steps=warmup_steps, shape=rise, overlap=True)
    return schedule if is_zero(warmup_steps) else wo.shift(wo.shift(schedule, -1), 1)  # the count, at least 1


@port(init_value="initial_learning_rate")
def DirectPowerDecay(
    initial_learning_rate: Annotated[Number, "The rate of the first two updates."],
    power: Annotated[Number, "Any number; -0.5 is the usual decay."] = 1.0,
    name: Ignored = "DirectPowerDecay",
) -> wo.Schedule:
    """``initial_learning_rate * max(count, 1) ** power``. The default power makes it *grow*.

    >>> tfm.DirectPowerDecay(1.0, power=-0.5)([0, 1, 4, 16]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return wo.shift(wo.shapes.power_law(initial_learning_rate, power=power), 1)


@port(init_value="initial_learning_rate", steps="offset")
def PowerAndLinearDecay(
    initial_learning_rate: Annotated[Number, "The rate of the first updates."],
    total_decay_steps: Annotated[Steps, "Updates from ``offset`` on."],
    power: Power = 1.0,
    linear_decay_fraction: NonNegative = 0.1,
    offset: Begin = 0,
    name: Ignored = "PowerAndLinearDecay",
) -> wo.Schedule:
    """A power law with a linear cooldown to 0.

    The rate is ``initial_learning_rate`` up to ``offset + 1``, then times ``(count - offset) ** power``. Over the
    last ``linear_decay_fraction`` of ``total_decay_steps`` it is also multiplied by a ramp from 1 to 0. It is 0
    from ``offset + total_decay_steps`` on. With a fraction of 0 the power law never ends.

    >>> tfm.PowerAndLinearDecay(1.0, 16, power=-0.5, linear_decay_fraction=0.5)([0, 1, 4, 16]).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    law = wo.shift(wo.shapes.power_law(initial_learning_rate, power=power), offset + 1)
    if is_zero(total_decay_steps * linear_decay_fraction):
        return law
    end = remaining(total_decay_steps, -offset, 0)
    ramp = wo.linear(end / (total_decay_steps * linear_decay_fraction), 0.0, end)
    return law * wo.clip(ramp, max_value=1.0)


@port(max_value="pre_offset_learning_rate", offsets="offset")
def PowerDecayWithOffset(
    initial_learning_rate: Annotated[Number, "The rate at ``offset + 1``."],
    power: Power = 1.0,
    offset: Annotated[Whole, "The last count before the power law."] = 0,
    pre_offset_learning_rate: Annotated[Number, "The rate up to ``offset``, and the maximum."] = 1.0e6,
    name: Ignored = "PowerDecayWithOffset",
) -> wo.Schedule:
    """A capped power law: ``initial_learning_rate * (count - offset) ** power`` after ``offset``. It never ends.

    Up to and including ``offset`` the rate is ``pre_offset_learning_rate``. So with the defaults the first update
    has the rate 1e6.

    >>> schedule = tfm.PowerDecayWithOffset(1.0, -0.5, offset=2, pre_offset_learning_rate=0.75)
    >>> schedule([0, 2, 3, 6]).tolist()
    [0.75, 0.75, 0.75, 0.5]
    """
    law = wo.shapes.power_law(initial_learning_rate, power=power)
    capped = wo.clip(law, max_value=pre_offset_learning_rate)
    return wo.join([pre_offset_learning_rate, capped], [remaining(offset, -1, 0)], offsets=[0, offset + 1])


@port()
def StepCosineDecayWithOffset(
    boundaries: Annotated[Counts, "Increasing counts, at least two."],
    values: Annotated[Rates, "The rates, one for each boundary."],
    offset: Annotated[Fixed[Whole], "The count that the boundaries are counted from."] = 0,
    name: Ignored = "StepCosineDecayWithOffset",
) -> wo.Schedule:
    """Half cosines from each value to the next.

    From ``offset + boundaries[i]`` to ``offset + boundaries[i + 1]`` the rate changes from ``values[i]`` to
    ``values[i + 1]``. From the last boundary on, the original gives NaN. Here the rate of the update before it
    stays, slightly above the last value of a decay. The first cosine begins at ``offset``, not at ``offset +
    boundaries[0]``. If ``boundaries[0]`` is not 0, it oscillates until ``boundaries[1]``, as in the original's
    own example. Before ``offset`` it is mirrored.

    >>> tfm.StepCosineDecayWithOffset([0, 4, 8], [1.0, 0.5, 0.0])([0, 2, 4, 6]).round(6).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    if len(values) != len(boundaries) or len(values) < 2:
        allowed = "of the same length as values, at least two"
        refuse("boundaries", boundaries, allowed, f"there are {len(values)} values")
    for i, (left, right) in enumerate(itertools.pairwise(boundaries), 1):
        if not right > left:
            refuse(f"boundaries[{i}]", right, f"greater than the one before it, {left}")
    delay = max(offset, 0)
    begins = [0, *boundaries[1:-1]]
    lengths = [right - left for left, right in itertools.pairwise(boundaries)]
    ends = itertools.pairwise(values)
    waves = [wo.shapes.cosine_wave(*pair, length) for pair, length in zip(ends, lengths, strict=True)]
    left = math.sin(math.pi / 2 * (lengths[-1] + begins[-1] + 1 - boundaries[-1]) / lengths[-1]) ** 2
    last = values[-1] + (values[-2] - values[-1]) * left
    offsets = [_whole_waves_before(delay, lengths[0]), *(delay + begin for begin in begins[1:]), 0]
    schedule = wo.join([*waves, last], [delay + boundary for boundary in boundaries[1:]], offsets=offsets)
    return schedule if offset >= 0 else wo.shift(schedule, offset)


@port()
def PiecewiseConstantDecayWithOffset(
    offset: Annotated[Whole, "Added to the boundaries."] = 0,
    *,
    boundaries: Annotated[Sequence[float], "As for `compat.keras.PiecewiseConstantDecay`."],
    values: Annotated[Sequence[float], "The rates, one more than ``boundaries``."],
    name: Ignored = "PiecewiseConstant",
) -> wo.Schedule:
    """Step decay, delayed by ``offset``. At a boundary the *old* value still applies.

    >>> schedule = tfm.PiecewiseConstantDecayWithOffset(5, boundaries=[10], values=[1.0, 0.5])
    >>> schedule([0, 15, 16]).tolist()
    [1.0, 1.0, 0.5]
    """
    return wo.shift(keras.PiecewiseConstantDecay(boundaries, values), offset)


@port()
def PolynomialDecayWithOffset(
    offset: Offset = 0,
    *,
    initial_learning_rate: Rate,
    decay_steps: Length,
    end_learning_rate: Annotated[Number, "The last rate."] = 0.0001,
    power: Positive = 1.0,
    cycle: Annotated[bool, "As for `compat.keras.PolynomialDecay`."] = False,
    name: Ignored = "PolynomialDecay",
) -> wo.Schedule:
    """Polynomial decay, delayed by ``offset`` and extrapolated backwards before that.

    The rate is *above* ``initial_learning_rate`` before ``offset``, and ``end_learning_rate`` from ``offset +
    decay_steps`` on. With ``cycle`` the original divides by 0 before ``offset``. Here the rate is
    ``initial_learning_rate`` there.

    >>> options = {"initial_learning_rate": 1.0, "end_learning_rate": 0.0}
    >>> tfm.PolynomialDecayWithOffset(2, decay_steps=4, **options)([0, 2, 4, 6, 7]).tolist()
    [1.5, 1.0, 0.5, 0.0, 0.0]
    """
    schedule = keras.PolynomialDecay(initial_learning_rate, decay_steps, end_learning_rate, power, cycle)
    if cycle or offset <= 0:
        return wo.shift(schedule, offset)
    rise = _power(offset, (decay_steps + offset) / decay_steps, power)
    first = end_learning_rate + (initial_learning_rate - end_learning_rate) * rise
    return wo.polynomial(first, end_learning_rate, decay_steps + offset, power=power)


@port(init_value="initial_learning_rate")
def ExponentialDecayWithOffset(
    offset: Annotated[Whole, "The count of ``initial_learning_rate``."] = 0,
    *,
    initial_learning_rate: Rate,
    decay_steps: Length,
    decay_rate: Positive,
    staircase: Stairs = False,
    name: Ignored = "ExponentialDecay",
) -> wo.Schedule:
    """Exponential decay: times ``decay_rate`` every ``decay_steps``, also before ``offset``. It never ends.

    With a ``decay_rate`` below 1 the rate is *above* ``initial_learning_rate`` before ``offset``. With
    ``staircase``, one of its steps is at ``offset``.

    >>> options = dict(initial_learning_rate=1.0, decay_steps=10, decay_rate=0.5)
    >>> tfm.ExponentialDecayWithOffset(10, **options)([0, 10, 20]).tolist()
    [2.0, 1.0, 0.5]
    >>> tfm.ExponentialDecayWithOffset(5, **options, staircase=True)([0, 4, 5, 14, 15]).tolist()
    [2.0, 2.0, 1.0, 1.0, 0.5]
    """
    before = -(-offset // decay_steps)  # the curve begins this number of whole decay_steps before the offset
    first = initial_learning_rate * _power(offset, decay_rate, -before)
    return wo.shift(
        keras.ExponentialDecay(first, decay_steps, decay_rate, staircase), offset - before * decay_steps
    )


@port()
def CosineDecayWithOffset(
    offset: Offset = 0,
    *,
    initial_learning_rate: Rate,
    decay_steps: Length,
    alpha: Annotated[Number, "The floor, as a fraction of the full rate."] = 0.0,
    name: Ignored = "CosineDecay",
    warmup_target: Annotated[Number | None, "As for `compat.keras.CosineDecay`."] = None,
    warmup_steps: Annotated[Steps, "As for `compat.keras.CosineDecay`."] = 0,
) -> wo.Schedule:
    """Cosine decay, delayed by ``offset`` and mirrored before that.

    The rate is below ``initial_learning_rate`` before ``offset``, and at the floor from ``offset + decay_steps``
    on. With a ``warmup_target``, the linear warmup is extrapolated backwards.

    >>> schedule = tfm.CosineDecayWithOffset(2, initial_learning_rate=1.0, decay_steps=4)
    >>> schedule([0, 2, 4, 6, 7]).round(6).tolist()
    [0.5, 1.0, 0.5, 0.0, 0.0]
    """
    schedule = keras.CosineDecay(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps)
    if offset <= 0 or (warmup_target is not None and is_zero(warmup_steps)):
        return wo.shift(schedule, offset)
    if warmup_target is None:
        wave = wo.shapes.cosine_wave(initial_learning_rate, alpha * initial_learning_rate, decay_steps)
        return wo.join([wave, schedule], [offset], offsets=[_whole_waves_before(offset, decay_steps), offset])
    peak = offset + warmup_steps
    first = warmup_target - (warmup_target - initial_learning_rate) * peak / warmup_steps
    decay = wo.cosine(warmup_target, alpha * warmup_target, decay_steps)
    return wo.join([wo.linear(first, warmup_target, peak), decay], [peak])


def _whole_waves_before(offset: int, steps: int) -> int:
    """Return a count <= 0 that is a whole number of waves of ``2 * steps`` before ``offset``."""
    return -(-offset % (2 * steps))


def _power(offset: int, base: Scalar, exponent: Scalar) -> Scalar:
    """Return a power. One above the range of float32 raises an error."""
    try:
        power = base**exponent
    except OverflowError:
        power = math.inf
    if is_concrete(power) and power > 1e38:
        refuse("offset", offset, "smaller", "the first rates would be too large for float32")
    return power
