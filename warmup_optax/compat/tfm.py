"""TF Model Garden's schedules (``tf-models-official`` 2.20, ``official.modeling.optimization.lr_schedule``).

They all count from the beginning of the run: a warmup does not shift what comes after it, unless that is
given an ``offset``. The ``...WithOffset`` family does not stop at its start: before ``offset`` a curve goes
on *backwards*, above its first rate. Every constructor takes the original's ``name``,
which is ignored.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import warmup_optax as wo

from . import keras
from ._parts import is_concrete, is_zero, remaining
from ._port import as_tuple, check_concrete, check_number, check_steps, port, refuse


@port(steps="warmup_steps", schedule="after_warmup_lr_sched", init_value="warmup_learning_rate")
def LinearWarmup(
    after_warmup_lr_sched: Any, warmup_steps: int, warmup_learning_rate: float, name: str | None = None
) -> wo.Schedule:
    """A line from ``warmup_learning_rate`` up to where a schedule will be at ``warmup_steps``.

    From ``count == warmup_steps`` on the schedule itself, which has been counting from 0: no jump, but its
    first ``warmup_steps`` updates are not seen.

    Args:
      after_warmup_lr_sched: A schedule, any function of a count, or a number.
      warmup_steps: A whole number >= 0.
      warmup_learning_rate: The rate of the first update.
      name: Ignored; accepted for compatibility.

    >>> import warmup_optax as wo
    >>> from warmup_optax.compat import tfm
    >>> tfm.LinearWarmup(wo.linear(1.0, 0.0, 8), 4, 0.0)([0, 2, 4, 6]).tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    return wo.with_warmup(
        after_warmup_lr_sched, steps=warmup_steps, init_value=warmup_learning_rate, overlap=True
    )


@port(steps="warmup_steps", schedule="after_warmup_lr_sched")
def PolynomialWarmUp(
    after_warmup_lr_sched: Any, warmup_steps: int, power: float = 1.0, name: str = "PolynomialWarmup"
) -> wo.Schedule:
    """A power of the elapsed time up to where a schedule will be at ``warmup_steps``.

    The first update counts as the second: at 0 the rate is that of 1, never 0. From ``warmup_steps`` on the
    schedule itself, which has been counting from 0.

    Args:
      after_warmup_lr_sched: A schedule, any function of a count, or a number.
      warmup_steps: A whole number >= 0.
      power: > 0: above 1 it rises slowly first.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> tfm.PolynomialWarmUp(1.0, 4, power=2.0)([0, 1, 2, 4]).tolist()
    [0.0625, 0.0625, 0.25, 1.0]
    """
    check_number("power", power, above=0)
    rise = functools.partial(wo.polynomial, power=power, origin="init")
    schedule = wo.with_warmup(after_warmup_lr_sched, steps=warmup_steps, shape=rise, overlap=True)
    return schedule if is_zero(warmup_steps) else wo.shift(wo.shift(schedule, -1), 1)  # the count, at least 1


@port(init_value="initial_learning_rate")
def DirectPowerDecay(
    initial_learning_rate: float, power: float = 1.0, name: str = "DirectPowerDecay"
) -> wo.Schedule:
    """``initial_learning_rate * max(count, 1) ** power``. The default power makes it *grow*.

    Args:
      initial_learning_rate: The rate of the first two updates.
      power: Any number; -0.5 is the usual decay.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> tfm.DirectPowerDecay(1.0, power=-0.5)([0, 1, 4, 16]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return wo.shift(wo.shapes.power_law(initial_learning_rate, power=power), 1)


@port(init_value="initial_learning_rate", steps="offset")
def PowerAndLinearDecay(
    initial_learning_rate: float,
    total_decay_steps: int,
    power: float = 1.0,
    linear_decay_fraction: float = 0.1,
    offset: int = 0,
    name: str = "PowerAndLinearDecay",
) -> wo.Schedule:
    """A power law that a line takes down to 0 in its last part.

    ``initial_learning_rate`` up to ``offset + 1``, then times ``(count - offset) ** power``; over the last
    ``linear_decay_fraction`` of ``total_decay_steps`` also times a line from 1 to 0. 0 from ``offset +
    total_decay_steps`` on; with a fraction of 0 the power law has no end.

    Args:
      initial_learning_rate: The rate of the first updates.
      total_decay_steps: A whole number >= 0, from ``offset`` on.
      power: Any number.
      linear_decay_fraction: >= 0.
      offset: The count at which it begins, any whole number.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> tfm.PowerAndLinearDecay(1.0, 16, power=-0.5, linear_decay_fraction=0.5)([0, 1, 4, 16]).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    check_steps("total_decay_steps", total_decay_steps, at_least=0)
    check_number("linear_decay_fraction", linear_decay_fraction, at_least=0)
    check_steps("offset", offset, at_least=None)
    law = wo.shift(wo.shapes.power_law(initial_learning_rate, power=power), offset + 1)
    if is_zero(total_decay_steps * linear_decay_fraction):
        return law
    end = remaining(total_decay_steps, -offset, 0)
    line = wo.linear(end / (total_decay_steps * linear_decay_fraction), 0.0, end)
    return law * wo.clip(line, max_value=1.0)


@port(init_value="initial_learning_rate", max_value="pre_offset_learning_rate", offsets="offset")
def PowerDecayWithOffset(
    initial_learning_rate: float,
    power: float = 1.0,
    offset: int = 0,
    pre_offset_learning_rate: float = 1.0e6,
    name: str = "PowerDecayWithOffset",
) -> wo.Schedule:
    """``initial_learning_rate * (count - offset) ** power``, capped, after ``offset``; without an end.

    Up to and including ``offset`` the rate is ``pre_offset_learning_rate``: with the defaults the first
    update has the rate 1e6.

    Args:
      initial_learning_rate: The rate at ``offset + 1``.
      power: Any number.
      offset: The last count before the law, any whole number.
      pre_offset_learning_rate: The rate up to ``offset``, and the cap after it.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> schedule = tfm.PowerDecayWithOffset(1.0, -0.5, offset=2, pre_offset_learning_rate=0.75)
    >>> schedule([0, 2, 3, 6]).tolist()
    [0.75, 0.75, 0.75, 0.5]
    """
    check_steps("offset", offset, at_least=None)
    capped = wo.clip(
        wo.shapes.power_law(initial_learning_rate, power=power), max_value=pre_offset_learning_rate
    )
    begin = remaining(offset, -1, 0)
    return wo.join([pre_offset_learning_rate, capped], [begin], offsets=[0, offset + 1])


@port()
def StepCosineDecayWithOffset(
    boundaries: Sequence[int],
    values: Sequence[float],
    offset: int = 0,
    name: str = "StepCosineDecayWithOffset",
) -> wo.Schedule:
    """Half cosines from each value to the next.

    From ``offset + boundaries[i]`` to ``offset + boundaries[i + 1]`` it falls from ``values[i]`` to
    ``values[i + 1]``. From the last boundary on the original gives NaN; here the rate of the update before
    it holds, just short of the last value. ``boundaries[0]`` is no start: the first cosine begins at
    ``offset``, and if ``boundaries[0]`` is not 0 goes up and down until ``boundaries[1]`` (the original's
    own example does); before ``offset`` it is mirrored.

    Args:
      boundaries: Whole numbers, increasing, at least two.
      values: As many rates.
      offset: The count that the boundaries are counted from.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> tfm.StepCosineDecayWithOffset([0, 4, 8], [1.0, 0.5, 0.0])([0, 2, 4, 6]).round(6).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    boundaries = as_tuple("boundaries", boundaries, "a sequence of counts")
    values = as_tuple("values", values, "a sequence of rates")
    if len(values) != len(boundaries) or len(values) < 2:
        fix = f"there are {len(values)} values"
        refuse("boundaries", boundaries, "as many as values, at least two", fix)
    for i, (boundary, value) in enumerate(zip(boundaries, values, strict=True)):
        check_concrete(f"boundaries[{i}]", boundary)
        check_steps(f"boundaries[{i}]", boundary, at_least=0)
        check_number(f"values[{i}]", value)
        if i and not boundary > boundaries[i - 1]:
            refuse(f"boundaries[{i}]", boundary, f"greater than the one before it, {boundaries[i - 1]}")
    check_concrete("offset", offset)
    check_steps("offset", offset, at_least=None)
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


@port(steps="offset")
def PiecewiseConstantDecayWithOffset(
    offset: int = 0,
    *,
    boundaries: Sequence[float],
    values: Sequence[float],
    name: str = "PiecewiseConstant",
) -> wo.Schedule:
    """Steps, ``offset`` updates later; at a boundary the *old* value still holds.

    ``values[0]`` up to and including ``offset + boundaries[0]``, and so on.

    Args:
      offset: Added to the boundaries, any whole number.
      boundaries: As for `compat.keras.PiecewiseConstantDecay`.
      values: The rates, one more than ``boundaries``.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> schedule = tfm.PiecewiseConstantDecayWithOffset(5, boundaries=[10], values=[1.0, 0.5])
    >>> schedule([0, 15, 16]).tolist()
    [1.0, 1.0, 0.5]
    """
    check_steps("offset", offset, at_least=None)
    return wo.shift(keras.PiecewiseConstantDecay(boundaries, values), offset)


@port(steps="decay_steps", init_value="initial_learning_rate", end_value="end_learning_rate")
def PolynomialDecayWithOffset(
    offset: int = 0,
    *,
    initial_learning_rate: float,
    decay_steps: int,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str = "PolynomialDecay",
) -> wo.Schedule:
    """A power of the remaining time, ``offset`` updates later, and going on backwards before that.

    ``initial_learning_rate`` at ``offset`` and *more* before it; ``end_learning_rate`` from ``offset +
    decay_steps`` on. With ``cycle`` the original divides by zero just before ``offset``: there
    ``initial_learning_rate`` holds.

    Args:
      offset: The count of ``initial_learning_rate``, any whole number.
      initial_learning_rate: As for `compat.keras.PolynomialDecay`.
      decay_steps: A whole number >= 1.
      end_learning_rate: The last rate; 0.0001 if it is left out.
      power: > 0.
      cycle: As for `compat.keras.PolynomialDecay`.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> schedule = tfm.PolynomialDecayWithOffset(
    ...     2, initial_learning_rate=1.0, decay_steps=4, end_learning_rate=0.0
    ... )
    >>> schedule([0, 2, 4, 6, 7]).tolist()
    [1.5, 1.0, 0.5, 0.0, 0.0]
    """
    check_concrete("offset", offset)
    check_steps("offset", offset, at_least=None)
    arguments = (initial_learning_rate, decay_steps, end_learning_rate, power, cycle)
    schedule = keras.PolynomialDecay(*arguments)
    if cycle or offset <= 0:
        return wo.shift(schedule, offset)
    rise = _power("offset", offset, (decay_steps + offset) / decay_steps, power)
    first = end_learning_rate + (initial_learning_rate - end_learning_rate) * rise
    return wo.polynomial(first, end_learning_rate, decay_steps + offset, power=power)


@port(init_value="initial_learning_rate", transition_steps="decay_steps", steps="offset")
def ExponentialDecayWithOffset(
    offset: int = 0,
    *,
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str = "ExponentialDecay",
) -> wo.Schedule:
    """Multiplies by ``decay_rate`` every ``decay_steps``, before ``offset`` too.

    ``initial_learning_rate`` at ``offset`` and, for a rate below 1, *more* before it; in stairs the first
    stair up is just before it. Without an end.

    Args:
      offset: The count of ``initial_learning_rate``, any whole number.
      initial_learning_rate: The rate at ``offset``.
      decay_steps: A whole number >= 1.
      decay_rate: > 0.
      staircase: Whether the factor comes all at once.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import tfm
    >>> options = dict(initial_learning_rate=1.0, decay_steps=10, decay_rate=0.5)
    >>> tfm.ExponentialDecayWithOffset(10, **options)([0, 10, 20]).tolist()
    [2.0, 1.0, 0.5]
    >>> tfm.ExponentialDecayWithOffset(5, **options, staircase=True)([0, 4, 5, 14, 15]).tolist()
    [2.0, 2.0, 1.0, 1.0, 0.5]
    """
    check_steps("offset", offset, at_least=None)
    keras.ExponentialDecay(initial_learning_rate, decay_steps, decay_rate, staircase)  # checks the numbers
    before = -(-offset // decay_steps)  # the curve begins so many whole decay_steps before the offset
    first = initial_learning_rate * _power("offset", offset, decay_rate, -before)
    decay = keras.ExponentialDecay(first, decay_steps, decay_rate, staircase)
    return wo.shift(decay, offset - before * decay_steps)


@port(steps="decay_steps", init_value="initial_learning_rate")
def CosineDecayWithOffset(
    offset: int = 0,
    *,
    initial_learning_rate: float,
    decay_steps: int,
    alpha: float = 0.0,
    name: str = "CosineDecay",
    warmup_target: float | None = None,
    warmup_steps: int = 0,
) -> wo.Schedule:
    """Half a cosine, ``offset`` updates later, and mirrored before that.

    ``initial_learning_rate`` at ``offset``, less before it; the floor from ``offset + decay_steps`` on. With
    a ``warmup_target`` it is the line of the warmup that goes on backwards.

    Args:
      offset: The count of ``initial_learning_rate``, any whole number.
      initial_learning_rate: As for `compat.keras.CosineDecay`.
      decay_steps: A whole number >= 1.
      alpha: The floor, as a fraction of the full rate.
      name: Ignored; accepted for compatibility.
      warmup_target: As for `compat.keras.CosineDecay`.
      warmup_steps: As for `compat.keras.CosineDecay`.

    >>> from warmup_optax.compat import tfm
    >>> schedule = tfm.CosineDecayWithOffset(2, initial_learning_rate=1.0, decay_steps=4)
    >>> schedule([0, 2, 4, 6, 7]).round(6).tolist()
    [0.5, 1.0, 0.5, 0.0, 0.0]
    """
    check_concrete("offset", offset)
    check_steps("offset", offset, at_least=None)
    arguments = (initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps)
    schedule = keras.CosineDecay(*arguments)
    if offset <= 0 or (warmup_target is not None and is_zero(warmup_steps)):
        return wo.shift(schedule, offset)
    if warmup_target is None:
        wave = wo.shapes.cosine_wave(initial_learning_rate, alpha * initial_learning_rate, decay_steps)
        start = _whole_waves_before(offset, decay_steps)
        return wo.join([wave, schedule], [offset], offsets=[start, offset])
    peak = offset + warmup_steps
    first = warmup_target - (warmup_target - initial_learning_rate) * peak / warmup_steps
    decay = wo.cosine(warmup_target, alpha * warmup_target, decay_steps)
    return wo.join([wo.linear(first, warmup_target, peak), decay], [peak])


def _whole_waves_before(offset: int, steps: int) -> int:
    """A count <= 0 that lies whole waves of ``2 * steps`` before ``offset``."""
    return -(-offset % (2 * steps))


def _power(name: str, value: int, base: float, exponent: float) -> float:
    """A power that must be a learning rate still."""
    try:
        power = base**exponent
    except OverflowError:
        power = math.inf
    if is_concrete(power) and power > 1e38:
        refuse(name, value, "smaller", "the first rates would be too large for float32")
    return power
