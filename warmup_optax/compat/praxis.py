"""Praxis (2025): the classes of ``praxis.schedules``, as functions.

They are multipliers there, which the learner multiplies with its ``learning_rate``: the rate is ``lr *
praxis.Cosine(...)``. Update ``n`` has ``value_at(n)``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import warmup_optax as wo

from ._joined import joined
from ._parts import is_concrete, is_zero, meaning
from ._port import check_concrete, check_number, check_steps, port, refuse

Number = Any


@port()
def Constant(value: Number = 1.0) -> wo.Schedule:
    """The same multiplier at every update.

    Args:
      value: The multiplier.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Constant(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port(init_value="start", end_value="limit", steps="start")
def Polynomial(
    power: Number = 1,
    start: Sequence[Number] = (0, 1.0),
    limit: Sequence[Number] = (1, 1.0),
    origin: str = "start",
) -> wo.Schedule:
    """A polynomial between two points ``(n, value)``, held outside them.

    Args:
      power: Above 0.
      start: The first point.
      limit: The last point, at a later update.
      origin: "start", where the curve is flat at the first point for a power above 1 (also as a decay), or
        "limit", where it is so at the last one: the polynomial decay of others.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Polynomial(2, (0, 1.0), (4, 0.0))([0, 2, 4]).tolist()
    [1.0, 0.75, 0.0]
    >>> praxis.Polynomial(2, (0, 1.0), (4, 0.0), "limit")([0, 2, 4]).tolist()
    [1.0, 0.25, 0.0]
    """
    (x0, y0), (x1, y1) = _points(start, limit)
    bend = meaning({"start": "init", "limit": "end"}, "origin", origin)
    return wo.shift(wo.polynomial(y0, y1, x1 - x0, power=power, origin=bend), x0)


@port(init_value="start", end_value="limit", steps="start")
def Linear(
    power: Number = 1,
    start: Sequence[Number] = (0, 1.0),
    limit: Sequence[Number] = (1, 1.0),
    origin: str = "start",
) -> wo.Schedule:
    """`Polynomial`, of which it is a subclass that changes nothing: ``power`` is 1 unless given.

    Args:
      power: Above 0.
      start: The first point ``(n, value)``.
      limit: The last point, at a later update.
      origin: "start" or "limit".

    >>> from warmup_optax.compat import praxis
    >>> praxis.Linear(start=(2, 0.0), limit=(6, 1.0))([0, 2, 4, 9]).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    return Polynomial(power, start, limit, origin)


@port(init_value="start", end_value="limit", steps="start")
def Exponential(start: Sequence[Number] = (0, 1.0), limit: Sequence[Number] = (1, 0.5)) -> wo.Schedule:
    """A straight line on a logarithmic axis between two points ``(n, value)``, held outside them.

    Args:
      start: The first point, its value above 0.
      limit: The last point, its value above 0, at a later update.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Exponential((2, 1.0), (4, 0.25))([0, 2, 3, 4, 9]).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """
    (x0, y0), (x1, y1) = _points(start, limit)
    return wo.shift(wo.geometric(y0, y1, x1 - x0), x0)


@port(init_value="initial_value", end_value="final_value", steps="total_steps")
def Cosine(initial_value: Number = 1.0, final_value: Number = 0.0, total_steps: int = 0) -> wo.Schedule:
    """Half a cosine, and then its last value.

    Args:
      initial_value: The first value.
      final_value: The last value, from update ``total_steps`` on.
      total_steps: >= 0. With 0, which it is unless given, the original's update 0 is NaN; here it has
        ``final_value`` like the others.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Cosine(1.0, 0.0, 8)([0, 4, 8, 20]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return wo.cosine(initial_value, final_value, total_steps)


@port(init_value="start", end_value="limit", steps="start")
def DelayedCosine(start: Sequence[Number] = (0, 1.0), limit: Sequence[Number] = (1, 0.5)) -> wo.Schedule:
    """Half a cosine between two points ``(n, value)``, held outside them.

    Args:
      start: The first point, its value above 0.
      limit: The last point, its value >= 0, at a later update.

    >>> from warmup_optax.compat import praxis
    >>> praxis.DelayedCosine((2, 1.0), (6, 0.0))([0, 2, 4, 6]).round(6).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    (x0, y0), (x1, y1) = _points(start, limit)
    check_number("start[1]", y0, above=0)
    check_number("limit[1]", y1, at_least=0)
    return wo.shift(wo.cosine(y0, y1, x1 - x0), x0)


@port(steps="warmup_steps", end_value="max", init_value="max", value="max")
def LinearRampupPolynomialDecay(
    warmup_steps: int = 0,
    decay_start: int = 0,
    decay_end: int = 0,
    power: Number = 1,
    min_ratio: Number = 0.01,
    max: Number = 0.0,
) -> wo.Schedule:
    """A line up from 0, a hold, and a polynomial down that is slow at first, for a power above 1.

    Args:
      warmup_steps: The first update at ``max``.
      decay_start: The last update at ``max``, not before ``warmup_steps``.
      decay_end: The first update at the last value, after ``decay_start``.
      power: Above 0; from the start, as `Polynomial` has it.
      min_ratio: The last value, as a part of ``max``.
      max: The highest value, above 0; it must be given.

    >>> from warmup_optax.compat import praxis
    >>> schedule = praxis.LinearRampupPolynomialDecay(4, 6, 10, power=2, min_ratio=0.0, max=1.0)
    >>> schedule([0, 2, 4, 6, 8, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.75, 0.0]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    return _ramped(warmup_steps, decay_start, max, wo.polynomial(max, low, steps, power=power, origin="init"))


@port(steps="warmup_steps", end_value="max", init_value="max", value="max")
def LinearRampupCosineDecay(
    start_step: int = 0,
    warmup_steps: int = 0,
    decay_start: int = 0,
    decay_end: int = 0,
    min_ratio: Number = 0.01,
    max: Number = 0.0,
) -> wo.Schedule:
    """A line up from 0, a hold, and half a cosine down; before ``start_step`` it is 1, whatever ``max`` is.

    Args:
      start_step: The update from which all the others are counted, >= 0.
      warmup_steps: The first update at ``max``.
      decay_start: The last update at ``max``, not before ``warmup_steps``; usually ``warmup_steps + 1``.
      decay_end: The first update at the last value, after ``decay_start``.
      min_ratio: The last value, as a part of ``max``, >= 0.
      max: The highest value, above 0; it must be given.

    >>> from warmup_optax.compat import praxis
    >>> schedule = praxis.LinearRampupCosineDecay(3, 4, 4, 8, min_ratio=0.0, max=0.5)
    >>> schedule([0, 2, 3, 5, 7, 9, 11]).round(6).tolist()
    [1.0, 1.0, 0.0, 0.25, 0.5, 0.25, 0.0]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    check_number("min_ratio", min_ratio, at_least=0)
    schedule = _ramped(warmup_steps, decay_start, max, wo.cosine(max, low, steps))
    return wo.join([1.0, schedule], [start_step]) if start_step > 0 else schedule


@port(steps="warmup_steps", end_value="min_ratio", init_value="max", value="max")
def LinearRampupExponentialDecay(
    warmup_steps: int = 0,
    decay_start: int = 0,
    decay_end: int = 0,
    min_ratio: Number = 0.01,
    max: Number = 0.0,
) -> wo.Schedule:
    """A line up from 0, a hold, and an exponential down.

    Args:
      warmup_steps: The first update at ``max``.
      decay_start: The last update at ``max``, not before ``warmup_steps``.
      decay_end: The first update at the last value, after ``decay_start``.
      min_ratio: The last value, as a part of ``max``, above 0.
      max: The highest value, above 0; it must be given.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupExponentialDecay(4, 6, 8, 0.25, 1.0)([0, 2, 4, 6, 7, 8]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.25]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    return _ramped(warmup_steps, decay_start, max, wo.geometric(max, low, steps))


@port()
def PiecewiseConstant(boundaries: Sequence[int], values: Sequence[Number]) -> wo.Schedule:
    """Steps; a value that is not above 0, but for the last, counts as not set: the next one is in its place.

    Args:
      boundaries: The updates from which the next value holds, in order. One may come twice.
      values: One more value. Where none is set before the last boundary, it is 0.

    >>> from warmup_optax.compat import praxis
    >>> praxis.PiecewiseConstant([2, 4], [1.0, 0.0, 0.5])([0, 1, 2, 3, 4]).tolist()
    [1.0, 1.0, 0.0, 0.0, 0.5]
    >>> praxis.PiecewiseConstant([2, 4, 6], [1.0, 0.0, 0.5, 0.25])([1, 2, 4, 6]).tolist()
    [1.0, 0.5, 0.5, 0.25]
    """
    if boundaries is None or values is None:
        name, given = ("boundaries", boundaries) if boundaries is None else ("values", values)
        refuse(name, given, "a sequence of numbers")
    if len(values) != len(boundaries) + 1:
        refuse("values", list(values), f"of length {len(boundaries) + 1}, one more than the boundaries")
    if sorted(boundaries) != list(boundaries):
        refuse("boundaries", list(boundaries), "sorted")
    used: list[Any] = [values[-1], 0.0]
    for value in reversed(values[:-1]):
        used.append(value if not is_concrete(value) or value > 0 else used[-1])
    last, _, *before = used
    begins = {0: before.pop() if before else last}
    for boundary in boundaries:  # a boundary that comes again replaces itself
        begins[max(boundary, 0)] = before.pop() if before else last
    return wo.piecewise_constant(list(begins.values()), list(begins)[1:])


@port(steps="boundaries", end_value="values")
def LinearRampupPiecewiseConstant(boundaries: Sequence[int], values: Sequence[Number]) -> wo.Schedule:
    """A line up from 0 to the first value at the first boundary, and then `PiecewiseConstant`.

    Args:
      boundaries: The updates from which each value holds, in order, the first above 0.
      values: As many values; as there, one that is not above 0, but for the last, counts as not set.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupPiecewiseConstant([4, 8], [1.0, 0.5])([0, 2, 4, 8]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if not boundaries or len(boundaries) != len(values):
        allowed = f"as many as the values ({len(values)}), and at least one"
        refuse("boundaries", list(boundaries), allowed)
    first = boundaries[0]
    check_steps("boundaries[0]", first)
    steps = PiecewiseConstant([b - first for b in boundaries[1:]], values)
    return wo.join([wo.linear(0.0, values[0], first), steps], [first])


@port(timescale="warmup_steps", steps="warmup_steps")
def Transformer(
    warmup_steps: int = 4000, model_dim: int = 512, worker_replicas: int = 1, decay_end: int | None = None
) -> wo.Schedule:
    """A line up and an inverse square root down, on ``n + 1``: the peak is at ``n == W - 1``.

    Args:
      warmup_steps: ``W`` is ``warmup_steps * worker_replicas``, >= 0.
      model_dim: The peak is ``(model_dim * W) ** -0.5``; above 0.
      worker_replicas: How many workers there are.
      decay_end: The update whose value holds after it; None for no end.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Transformer(warmup_steps=4, model_dim=4)([0, 1, 3, 15]).tolist()
    [0.0625, 0.125, 0.25, 0.125]
    """
    steps = warmup_steps * worker_replicas
    check_number("model_dim", model_dim, above=0)
    check_steps("warmup_steps", steps, at_least=0)
    if decay_end is not None:
        check_steps("decay_end", decay_end, at_least=0)
    if steps == 0:
        schedule: Any = wo.inverse_sqrt(model_dim**-0.5, timescale=1)
    else:
        peak = (model_dim * steps) ** -0.5
        schedule = wo.shift(wo.warmup_inverse_sqrt(peak, warmup_steps=steps), -1)
    if decay_end is None:
        return schedule
    rate = (decay_end + 1) ** -0.5
    last = rate if steps == 0 else min((decay_end + 1) * steps**-1.5, rate)
    return wo.join([schedule, model_dim**-0.5 * last], [decay_end])


@port(init_value="multiplier")
def SqrtDecay(decay_start: Number = 10000, multiplier: Number = 1.0, offset: Number = 0.0) -> wo.Schedule:
    """``multiplier / sqrt(max(n - offset, decay_start))``: constant, and then an inverse square root.

    Args:
      decay_start: Where the decay begins, behind ``offset``; above 0, whole or not.
      multiplier: What is multiplied with it.
      offset: Taken off the update, whole or not.

    >>> from warmup_optax.compat import praxis
    >>> praxis.SqrtDecay(decay_start=4)([0, 4, 16]).tolist()
    [0.5, 0.5, 0.25]
    """
    check_concrete("decay_start", decay_start)
    check_concrete("offset", offset)
    check_number("decay_start", decay_start, above=0)
    begin = max(math.ceil(decay_start + offset), 0)
    decay = wo.inverse_sqrt(multiplier * (begin - offset) ** -0.5, timescale=begin - offset)
    return wo.join([multiplier * decay_start**-0.5, decay], [begin])


@port(peak_value="peak")
def LinearRampupSqrtDecay(peak: Number = 1.0, warmup_steps: int = 4000) -> wo.Schedule:
    """A line up to ``peak`` at ``n == warmup_steps``, an inverse square root down; update 0 counts as 1.

    Args:
      peak: The highest value.
      warmup_steps: >= 0; with 0 all is 0, as in the original.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupSqrtDecay(1.0, 4)([0, 1, 2, 4, 16]).tolist()
    [0.25, 0.25, 0.5, 1.0, 0.5]
    """
    if is_zero(warmup_steps):
        return wo.constant(0.0)
    return wo.shift(wo.shift(wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps), -1), 1)


@port()
def PiecewiseSchedule(boundaries: Sequence[int], schedules: Sequence[Any]) -> wo.Schedule:
    """One schedule after the other, each on its own clock.

    Args:
      boundaries: The updates at which all but the first begin, >= 0 and in order.
      schedules: One more schedule.

    >>> from warmup_optax.compat import praxis
    >>> praxis.PiecewiseSchedule([4], [praxis.Constant(), praxis.Cosine(1.0, 0.0, 4)])([0, 4, 8]).tolist()
    [1.0, 1.0, 0.0]
    """
    for before, boundary in itertools.pairwise([0, *boundaries]):
        if boundary < before:
            refuse("boundaries", list(boundaries), ">= 0 and in order", f"{boundary} is below {before}")
    if len(schedules) != len(boundaries) + 1:
        refuse("boundaries", list(boundaries), f"one fewer than the schedules ({len(schedules)})")
    return joined(schedules, [0, *boundaries])


@port(period="steps")
def CycleSchedule(schedules: Sequence[Any], steps: Sequence[int]) -> wo.Schedule:
    """Schedules that take turns without an end; each is on the clock of the whole run, not on its own.

    Args:
      schedules: The schedules.
      steps: How many updates each turn has, >= 0.

    >>> from warmup_optax.compat import praxis
    >>> line = praxis.Linear(start=(0, 1.0), limit=(8, 0.0))
    >>> praxis.CycleSchedule([line, praxis.Constant(2.0)], [3, 1])([0, 2, 3, 4, 7]).tolist()
    [1.0, 0.75, 2.0, 0.5, 2.0]
    """
    if not steps or len(schedules) != len(steps):
        refuse("steps", list(steps), f"as many as the schedules ({len(schedules)}), and at least one")
    if min(steps) < 0 or not sum(steps):
        refuse("steps", list(steps), ">= 0, and one above 0")
    ends = list(itertools.accumulate(steps))
    turns = []
    for schedule, length, end in zip(schedules, steps, ends, strict=True):
        if length == ends[-1]:
            return wo.as_schedule(schedule)
        if length:
            turn = wo.piecewise_constant([0.0, 1.0, 0.0], [end - length, end])
            turns.append(wo.as_schedule(schedule) * wo.restart(turn, period=ends[-1]))
    return sum(turns[1:], turns[0])


@port(transition_steps="half_life_steps", steps="start_step", end_value="min")
def ContinuousSchedule(
    initial_value: Number = 1.0, start_step: int = 400_000, half_life_steps: int = 100_000, min: Number = 0.01
) -> wo.Schedule:
    """Constant, and then half in every ``half_life_steps``, down to ``initial_value * min``.

    Args:
      initial_value: The first value.
      start_step: The update from which it falls.
      half_life_steps: The half-life, a whole number > 0.
      min: The last value as a part of the first, in (0, 1); reached between two updates.

    >>> from warmup_optax.compat import praxis
    >>> praxis.ContinuousSchedule(1.0, 2, 2, 0.125)([0, 2, 4, 6, 8, 99]).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.125, 0.125]
    """
    check_number("min", min, above=0, below=1)
    fall = wo.exponential(1.0, decay_rate=0.5, transition_steps=half_life_steps, end_value=min)
    return initial_value * wo.shift(fall, start_step)


def _points(start: Any, limit: Any) -> tuple[Any, Any]:
    """Two points ``(update, value)``, in order."""
    for name, point in (("start", start), ("limit", limit)):
        if not isinstance(point, (tuple, list)) or len(point) != 2:
            refuse(name, point, "a point (update, value), of length 2")
    if start[0] >= limit[0]:
        refuse("limit", limit, f"at an update after that of start ({start[0]})")
    return start, limit


def _ramp(warmup_steps: int, decay_start: int, decay_end: int, min_ratio: Number, top: Number) -> Any:
    """The last value of a ramp's decay, and its length."""
    if decay_start < warmup_steps:
        refuse("decay_start", decay_start, f">= warmup_steps ({warmup_steps})")
    if decay_end <= decay_start:
        refuse("decay_end", decay_end, f"> decay_start ({decay_start})")
    check_number("max", top, above=0, fix="it must be given")
    return top * min_ratio, decay_end - decay_start


def _ramped(warmup_steps: int, decay_start: int, top: Number, decay: wo.Schedule) -> Any:
    """A line up from 0, and ``top`` until the decay begins."""
    return joined([wo.linear(0.0, top, max(warmup_steps, 0)), top, decay], [0, warmup_steps, decay_start])
