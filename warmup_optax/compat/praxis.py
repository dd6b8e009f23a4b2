"""Praxis (July 2026, at feeaff1): the classes of ``praxis.schedules``, as functions.

In Praxis they are factors of the learner's ``learning_rate``, so the rate is ``lr * praxis.Cosine(...)``. Update
``n`` has ``value_at(n)``.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Annotated

import warmup_optax as wo

from ._arguments import Counts, Fixed, Length, Number, OpenFraction, Positive, Steps, Tuple, Whole
from ._parts import is_zero, joined, product
from ._port import check_number, check_steps, is_concrete, port, refuse
from ._rules import Check, Scalar, ScheduleLike, Shape, finite, items, one_of, plain_number


def _point(where: str, name: str, value: object) -> object:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        refuse(name, value, "a point (update, value), of length 2")
    return tuple(plain_number(where, f"{name}[{i}]", number) for i, number in enumerate(value))


def _sorted(where: str, name: str, value: tuple[float, ...]) -> object:
    if sorted(value) != list(value):
        refuse(name, list(value), "sorted")
    return value


Point = Annotated[Sequence[float], Check(_point), "The first point ``(n, value)``."]
Limit = Annotated[Sequence[float], Check(_point), "The last point ``(n, value)``, at a later update."]
Warmup = Annotated[Fixed[Whole], "The first update at ``max``."]
Start = Annotated[Fixed[Whole], "The last update at ``max``, not before ``warmup_steps``."]
End = Annotated[Fixed[Whole], "The update at which the decay ends, after ``decay_start``."]
Ratio = Annotated[Number, "The last value, as a fraction of ``max``."]
Peak = Annotated[Number, "The highest value, above 0; required."]
Origin = Annotated[str, one_of("start", "limit")]
Boundaries = Annotated[Sequence[float], items("a sequence of numbers", finite), Check(_sorted)]
Values = Annotated[
    Sequence[float], items("a sequence of numbers", finite), "The values, one more than ``boundaries``."
]


@port()
def Constant(value: Number = 1.0) -> wo.Schedule:
    """A constant factor.

    >>> praxis.Constant(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port(steps="start")
def Polynomial(
    power: Positive = 1, start: Point = (0, 1.0), limit: Limit = (1, 1.0), origin: Origin = "start"
) -> wo.Schedule:
    """A polynomial between two points ``(n, value)``, constant outside them.

    For a power above 1 the curve is flat at the first point with ``origin="start"``, and at the last one with
    "limit". The polynomial decay of other libraries is "limit".

    >>> praxis.Polynomial(2, (0, 1.0), (4, 0.0))([0, 2, 4]).tolist()
    [1.0, 0.75, 0.0]
    >>> praxis.Polynomial(2, (0, 1.0), (4, 0.0), "limit")([0, 2, 4]).tolist()
    [1.0, 0.25, 0.0]
    """
    x0, y0, x1, y1 = _points(start, limit)
    bend = "init" if origin == "start" else "end"
    return wo.shift(wo.polynomial(y0, y1, x1 - x0, power=power, origin=bend), x0)


@port(steps="start")
def Linear(
    power: Positive = 1, start: Point = (0, 1.0), limit: Limit = (1, 1.0), origin: Origin = "start"
) -> wo.Schedule:
    """The same as `Polynomial`, of which the original is a subclass without changes.

    >>> praxis.Linear(start=(2, 0.0), limit=(6, 1.0))([0, 2, 4, 9]).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    return Polynomial(power, start, limit, origin)


@port(init_value="start", end_value="limit", steps="start")
def Exponential(start: Point = (0, 1.0), limit: Limit = (1, 0.5)) -> wo.Schedule:
    """Exponential interpolation between two points with values above 0, constant outside them.

    >>> praxis.Exponential((2, 1.0), (4, 0.25))([0, 2, 3, 4, 9]).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """
    x0, y0, x1, y1 = _points(start, limit)
    return wo.shift(wo.geometric(y0, y1, x1 - x0), x0)


@port()
def Cosine(
    initial_value: Annotated[Number, "The first value."] = 1.0,
    final_value: Annotated[Number, "The last value, from update ``total_steps`` on."] = 0.0,
    total_steps: Steps = 0,
) -> wo.Schedule:
    """Cosine decay, which stays at its last value.

    With the default ``total_steps=0`` the original gives NaN at update 0. Here every update has ``final_value``.

    >>> praxis.Cosine(1.0, 0.0, 8)([0, 4, 8, 20]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return wo.cosine(initial_value, final_value, total_steps)


@port(steps="start")
def DelayedCosine(start: Point = (0, 1.0), limit: Limit = (1, 0.5)) -> wo.Schedule:
    """Half a cosine between two points, constant outside them. The first value is above 0, the last at least 0.

    >>> praxis.DelayedCosine((2, 1.0), (6, 0.0))([0, 2, 4, 6]).round(6).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    x0, y0, x1, y1 = _points(start, limit)
    check_number("start[1]", y0, above=0)
    check_number("limit[1]", y1, at_least=0)
    return wo.shift(wo.cosine(y0, y1, x1 - x0), x0)


@port()
def LinearRampupPolynomialDecay(
    warmup_steps: Warmup = 0,
    decay_start: Start = 0,
    decay_end: End = 0,
    power: Positive = 1,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """Linear warmup from 0, plateau, and polynomial decay, slow at first for a power above 1.

    >>> schedule = praxis.LinearRampupPolynomialDecay(4, 6, 10, power=2, min_ratio=0.0, max=1.0)
    >>> schedule([0, 2, 4, 6, 8, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.75, 0.0]
    """
    decay = functools.partial(wo.polynomial, power=power, origin="init")
    return _ramped(warmup_steps, decay_start, decay_end, min_ratio, max, decay)


@port()
def LinearRampupCosineDecay(
    start_step: Annotated[Fixed[Steps], "The update from which the other lengths count."] = 0,
    warmup_steps: Warmup = 0,
    decay_start: Start = 0,
    decay_end: End = 0,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """Linear warmup from 0, plateau, and cosine decay. Before ``start_step`` the factor is 1.

    >>> schedule = praxis.LinearRampupCosineDecay(3, 4, 4, 8, min_ratio=0.0, max=0.5)
    >>> schedule([0, 2, 3, 5, 7, 9, 11]).round(6).tolist()
    [1.0, 1.0, 0.0, 0.25, 0.5, 0.25, 0.0]
    """
    check_number("min_ratio", min_ratio, at_least=0)
    schedule = _ramped(warmup_steps, decay_start, decay_end, min_ratio, max, wo.cosine)
    return wo.join([1.0, schedule], [start_step]) if start_step > 0 else schedule


@port(end_value="min_ratio")
def LinearRampupExponentialDecay(
    warmup_steps: Warmup = 0,
    decay_start: Start = 0,
    decay_end: End = 0,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """Linear warmup from 0, plateau, and exponential decay to a ``min_ratio`` above 0.

    >>> praxis.LinearRampupExponentialDecay(4, 6, 8, 0.25, 1.0)([0, 2, 4, 6, 7, 8]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.25]
    """
    return _ramped(warmup_steps, decay_start, decay_end, min_ratio, max, wo.geometric)


@port()
def PiecewiseConstant(
    boundaries: Annotated[Boundaries, "Updates in increasing order; two may be equal."], values: Values
) -> wo.Schedule:
    """A piecewise constant factor. A value that is not above 0 is replaced by the next one, except for the last.

    Each value applies from its boundary on. Of two equal boundaries the first has no effect. If the values before
    the last boundary are all replaced, the factor is 0 there.

    >>> praxis.PiecewiseConstant([2, 4], [1.0, 0.0, 0.5])([0, 1, 2, 3, 4]).tolist()
    [1.0, 1.0, 0.0, 0.0, 0.5]
    >>> praxis.PiecewiseConstant([2, 4, 6], [1.0, 0.0, 0.5, 0.25])([1, 2, 4, 6]).tolist()
    [1.0, 0.5, 0.5, 0.25]
    """
    if len(values) != len(boundaries) + 1:
        refuse("values", list(values), f"of length {len(boundaries) + 1}, one more than the boundaries")
    used = [values[-1], 0.0]
    for value in reversed(values[:-1]):
        used.append(value if not is_concrete(value) or value > 0 else used[-1])
    last, _, *before = used
    begins: dict[float, Scalar] = {0: before.pop() if before else last}
    for boundary in boundaries:  # of two equal boundaries, the second replaces the first
        begins[max(boundary, 0)] = before.pop() if before else last
    return wo.piecewise_constant(list(begins.values()), list(begins)[1:])


@port(steps="boundaries", end_value="values")
def LinearRampupPiecewiseConstant(
    boundaries: Annotated[Boundaries, "The updates from which each value applies, the first above 0."],
    values: Annotated[
        Values, "The same number of values. One that is not above 0 is replaced, as in `PiecewiseConstant`."
    ],
) -> wo.Schedule:
    """Linear warmup from 0 to the first value at the first boundary, then `PiecewiseConstant`.

    >>> praxis.LinearRampupPiecewiseConstant([4, 8], [1.0, 0.5])([0, 2, 4, 8]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if not boundaries or len(boundaries) != len(values):
        allowed = f"of the same length as the values ({len(values)}), and not empty"
        refuse("boundaries", list(boundaries), allowed)
    first = boundaries[0]
    check_steps("boundaries[0]", first)
    steps = PiecewiseConstant([b - first for b in boundaries[1:]], values)
    return wo.join([wo.linear(0.0, values[0], first), steps], [first])


@port()
def Transformer(
    warmup_steps: Annotated[Fixed[Steps], "``W`` is ``warmup_steps * worker_replicas``."] = 4000,
    model_dim: Annotated[Positive, "The peak is ``(model_dim * W) ** -0.5``."] = 512,
    worker_replicas: Annotated[Fixed[Steps], "The number of workers."] = 1,
    decay_end: Annotated[Steps | None, "The update after which the value stays; None for no end."] = None,
) -> wo.Schedule:
    """Linear warmup and inverse-square-root decay (Noam), at ``n + 1``. The peak is at ``n == W - 1``.

    >>> praxis.Transformer(warmup_steps=4, model_dim=4)([0, 1, 3, 15]).tolist()
    [0.0625, 0.125, 0.25, 0.125]
    """
    steps = warmup_steps * worker_replicas
    if steps == 0:
        schedule = wo.inverse_sqrt(model_dim**-0.5, timescale=1)
    else:
        schedule = wo.shift(wo.warmup_inverse_sqrt((model_dim * steps) ** -0.5, warmup_steps=steps), -1)
    if decay_end is None:
        return schedule
    rate = (decay_end + 1) ** -0.5
    last = rate if steps == 0 else min((decay_end + 1) * steps**-1.5, rate)
    return wo.join([schedule, model_dim**-0.5 * last], [decay_end])


@port(init_value="multiplier")
def SqrtDecay(
    decay_start: Annotated[Fixed[Positive], "Updates from ``offset`` to the decay, whole or not."] = 10000,
    multiplier: Annotated[Number, "A factor."] = 1.0,
    offset: Annotated[Fixed[Number], "Subtracted from the update, whole or not."] = 0.0,
) -> wo.Schedule:
    """``multiplier / sqrt(max(n - offset, decay_start))``: constant, then inverse-square-root decay.

    >>> praxis.SqrtDecay(decay_start=4)([0, 4, 16]).tolist()
    [0.5, 0.5, 0.25]
    """
    begin = max(math.ceil(decay_start + offset), 0)
    decay = wo.inverse_sqrt(multiplier * (begin - offset) ** -0.5, timescale=begin - offset)
    return wo.join([multiplier * decay_start**-0.5, decay], [begin])


@port()
def LinearRampupSqrtDecay(
    peak: Annotated[Number, "The highest value."] = 1.0,
    warmup_steps: Annotated[Steps, "Updates of warmup; with 0 every value is 0, as in the original."] = 4000,
) -> wo.Schedule:
    """Linear warmup to ``peak`` at ``n == warmup_steps``, then inverse-square-root decay. Update 0 counts as 1.

    >>> praxis.LinearRampupSqrtDecay(1.0, 4)([0, 1, 2, 4, 16]).tolist()
    [0.25, 0.25, 0.5, 1.0, 0.5]
    """
    if is_zero(warmup_steps):
        return wo.constant(0.0)
    return wo.shift(wo.shift(wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps), -1), 1)


@port()
def PiecewiseSchedule(
    boundaries: Annotated[Tuple[int], "The begins of all schedules but the first, >= 0 and in order."],
    schedules: Annotated[Tuple[ScheduleLike], "The schedules, one more than ``boundaries``."],
) -> wo.Schedule:
    """Schedules in sequence, each on its own clock.

    >>> praxis.PiecewiseSchedule([4], [praxis.Constant(), praxis.Cosine(1.0, 0.0, 4)])([0, 4, 8]).tolist()
    [1.0, 1.0, 0.0]
    """
    for i, (before, boundary) in enumerate(itertools.pairwise([0, *boundaries])):
        check_steps(f"boundaries[{i}]", boundary, at_least=before, fix="they must be in order")
    if len(schedules) != len(boundaries) + 1:
        refuse("boundaries", list(boundaries), f"one fewer than the schedules ({len(schedules)})")
    return joined(schedules, [0, *boundaries])


@port()
def CycleSchedule(
    schedules: Annotated[Tuple[ScheduleLike], "The schedules."],
    steps: Annotated[Counts, "The number of updates of each schedule in a cycle; at least one is above 0."],
) -> wo.Schedule:
    """Schedules that alternate and never end. Each is evaluated at the count of the run, not on its own clock.

    >>> line = praxis.Linear(start=(0, 1.0), limit=(8, 0.0))
    >>> praxis.CycleSchedule([line, praxis.Constant(2.0)], [3, 1])([0, 2, 3, 4, 7]).tolist()
    [1.0, 0.75, 2.0, 0.5, 2.0]
    """
    if not sum(steps) or len(schedules) != len(steps):
        allowed = f"of the same length as the schedules ({len(schedules)}), with a number above 0"
        refuse("steps", list(steps), allowed)
    ends = list(itertools.accumulate(steps))
    turns = []
    for schedule, length, end in zip(schedules, steps, ends, strict=True):
        if length == ends[-1]:
            return wo.as_schedule(schedule)
        if length:
            turn = wo.piecewise_constant([0.0, 1.0, 0.0], [end - length, end])
            turns.append(product(schedule, wo.restart(turn, period=ends[-1])))
    return sum(turns[1:], turns[0])


@port()
def ContinuousSchedule(
    initial_value: Annotated[Number, "The first value."] = 1.0,
    start_step: Annotated[Whole, "The update at which the decay begins."] = 400_000,
    half_life_steps: Length = 100_000,
    min: Annotated[OpenFraction, "The last value as a fraction of the first."] = 0.01,
) -> wo.Schedule:
    """Constant, then exponential decay with the half-life ``half_life_steps``, down to ``initial_value * min``.

    >>> praxis.ContinuousSchedule(1.0, 2, 2, 0.125)([0, 2, 4, 6, 8, 99]).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.125, 0.125]
    """
    fall = wo.exponential(1.0, decay_rate=0.5, transition_steps=half_life_steps, end_value=min)
    return initial_value * wo.shift(fall, start_step)


def _points(start: Sequence[float], limit: Sequence[float]) -> Sequence[float]:
    """Check that two points ``(update, value)`` are in order, and return their four numbers."""
    if start[0] >= limit[0]:
        refuse("limit", limit, f"at an update after that of start ({start[0]})")
    return *start, *limit


def _ramped(
    warmup_steps: int, decay_start: int, decay_end: int, min_ratio: Scalar, top: Scalar, decay: Shape
) -> wo.Schedule:
    """Linear warmup from 0, plateau at ``top``, and a decay to ``min_ratio * top``."""
    check_steps("decay_start", decay_start, at_least=warmup_steps, fix="the warmup comes first")
    check_steps("decay_end", decay_end, at_least=decay_start + 1, fix="it must be after decay_start")
    check_number("max", top, above=0, fix="it is required")
    down = decay(top, top * min_ratio, decay_end - decay_start)
    return joined([wo.linear(0.0, top, max(warmup_steps, 0)), top, down], [0, warmup_steps, decay_start])
