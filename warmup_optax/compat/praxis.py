"""Praxis (July 2026, at feeaff1): the classes of ``praxis.schedules``, as functions.

They are multipliers there, which the learner multiplies with its ``learning_rate``: the rate is ``lr *
praxis.Cosine(...)``. Update ``n`` has ``value_at(n)``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Annotated, Any

import warmup_optax as wo

from ._arguments import Counts, Fixed, Length, Number, OpenFraction, Positive, Steps, Tuple, Whole
from ._parts import is_zero, joined, product
from ._port import check_number, check_steps, is_concrete, port, refuse
from ._rules import Check, Scalar, finite, items, one_of, plain_number


def _point(where: str, name: str, value: object) -> object:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        refuse(name, value, "a point (update, value), of length 2")
    return tuple(plain_number(where, f"{name}[{i}]", number) for i, number in enumerate(value))


def _sorted(where: str, name: str, value: Any) -> object:
    if sorted(value) != list(value):
        refuse(name, list(value), "sorted")
    return value


Point = Annotated[Sequence[Number], Check(_point), "The first point ``(n, value)``."]
Limit = Annotated[Sequence[Number], Check(_point), "The last point, at a later update."]
Power = Positive
Warmup = Annotated[Fixed[Whole], "The first update at ``max``."]
Start = Annotated[Fixed[Whole], "The last update at ``max``, not before ``warmup_steps``."]
End = Annotated[Fixed[Whole], "The first update at the last value, after ``decay_start``."]
Ratio = Annotated[Number, "The last value, as a fraction of ``max``."]
Peak = Annotated[Number, "The highest value, above 0; it must be given."]
Origin = Annotated[str, one_of("start", "limit")]
Boundaries = Annotated[Sequence[float], items("a sequence of numbers", finite), Check(_sorted)]
Values = Annotated[Sequence[float], items("a sequence of numbers", finite), "One value more."]


@port()
def Constant(value: Number = 1.0) -> wo.Schedule:
    """The same multiplier at every update.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Constant(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port(steps="start")
def Polynomial(
    power: Power = 1, start: Point = (0, 1.0), limit: Limit = (1, 1.0), origin: Origin = "start"
) -> wo.Schedule:
    """A polynomial between two points ``(n, value)``, constant outside them.

    With ``origin="start"`` the curve is flat at the first point for a power above 1 (also as a decay), with
    "limit" at the last one: the polynomial decay of others.

    >>> from warmup_optax.compat import praxis
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
    power: Power = 1, start: Point = (0, 1.0), limit: Limit = (1, 1.0), origin: Origin = "start"
) -> wo.Schedule:
    """`Polynomial`, of which it is a subclass that changes nothing: ``power`` is 1 unless given.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Linear(start=(2, 0.0), limit=(6, 1.0))([0, 2, 4, 9]).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    return Polynomial(power, start, limit, origin)


@port(init_value="start", end_value="limit", steps="start")
def Exponential(start: Point = (0, 1.0), limit: Limit = (1, 0.5)) -> wo.Schedule:
    """A straight line on a logarithmic axis between two points, their values above 0; constant outside them.

    >>> from warmup_optax.compat import praxis
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
    """Half a cosine, and then its last value.

    With the default ``total_steps=0`` update 0 of the original is NaN. Here it has ``final_value`` like the
    others.

    >>> from warmup_optax.compat import praxis
    >>> praxis.Cosine(1.0, 0.0, 8)([0, 4, 8, 20]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return wo.cosine(initial_value, final_value, total_steps)


@port(steps="start")
def DelayedCosine(start: Point = (0, 1.0), limit: Limit = (1, 0.5)) -> wo.Schedule:
    """Half a cosine between two points, the first value above 0, the last at least 0; constant outside them.

    >>> from warmup_optax.compat import praxis
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
    power: Power = 1,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """A linear ramp up from 0, a hold, and a polynomial down that is slow first, for a power above 1.

    >>> from warmup_optax.compat import praxis
    >>> schedule = praxis.LinearRampupPolynomialDecay(4, 6, 10, power=2, min_ratio=0.0, max=1.0)
    >>> schedule([0, 2, 4, 6, 8, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.75, 0.0]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    return _ramped(warmup_steps, decay_start, max, wo.polynomial(max, low, steps, power=power, origin="init"))


@port()
def LinearRampupCosineDecay(
    start_step: Annotated[Fixed[Steps], "The update from which all the others are counted."] = 0,
    warmup_steps: Warmup = 0,
    decay_start: Start = 0,
    decay_end: End = 0,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """A linear ramp up from 0, a hold, and half a cosine down; before ``start_step`` it is 1.

    >>> from warmup_optax.compat import praxis
    >>> schedule = praxis.LinearRampupCosineDecay(3, 4, 4, 8, min_ratio=0.0, max=0.5)
    >>> schedule([0, 2, 3, 5, 7, 9, 11]).round(6).tolist()
    [1.0, 1.0, 0.0, 0.25, 0.5, 0.25, 0.0]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    check_number("min_ratio", min_ratio, at_least=0)
    schedule = _ramped(warmup_steps, decay_start, max, wo.cosine(max, low, steps))
    return wo.join([1.0, schedule], [start_step]) if start_step > 0 else schedule


@port(end_value="min_ratio")
def LinearRampupExponentialDecay(
    warmup_steps: Warmup = 0,
    decay_start: Start = 0,
    decay_end: End = 0,
    min_ratio: Ratio = 0.01,
    max: Peak = 0.0,
) -> wo.Schedule:
    """A linear ramp up from 0, a hold, and an exponential down, to a ``min_ratio`` above 0.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupExponentialDecay(4, 6, 8, 0.25, 1.0)([0, 2, 4, 6, 7, 8]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.25]
    """
    low, steps = _ramp(warmup_steps, decay_start, decay_end, min_ratio, max)
    return _ramped(warmup_steps, decay_start, max, wo.geometric(max, low, steps))


@port()
def PiecewiseConstant(
    boundaries: Annotated[Boundaries, "In order; one may come twice."], values: Values
) -> wo.Schedule:
    """Steps. A value that is not above 0, except for the last, counts as not set: the next one replaces it.

    Each value applies from its boundary on. Of two equal boundaries the first has no effect. Where no value is
    set before the last boundary, it is 0.

    >>> from warmup_optax.compat import praxis
    >>> praxis.PiecewiseConstant([2, 4], [1.0, 0.0, 0.5])([0, 1, 2, 3, 4]).tolist()
    [1.0, 1.0, 0.0, 0.0, 0.5]
    >>> praxis.PiecewiseConstant([2, 4, 6], [1.0, 0.0, 0.5, 0.25])([1, 2, 4, 6]).tolist()
    [1.0, 0.5, 0.5, 0.25]
    """
    if len(values) != len(boundaries) + 1:
        refuse("values", list(values), f"of length {len(boundaries) + 1}, one more than the boundaries")
    used: list[Any] = [values[-1], 0.0]
    for value in reversed(values[:-1]):
        used.append(value if not is_concrete(value) or value > 0 else used[-1])
    last, _, *before = used
    begins: dict[float, Any] = {0: before.pop() if before else last}
    for boundary in boundaries:  # a boundary that comes again replaces itself
        begins[max(boundary, 0)] = before.pop() if before else last
    return wo.piecewise_constant(list(begins.values()), list(begins)[1:])


@port(steps="boundaries", end_value="values")
def LinearRampupPiecewiseConstant(
    boundaries: Annotated[
        Boundaries, "The updates from which each value applies, in order, the first above 0."
    ],
    values: Annotated[
        Values, "The same number of values; one that is not above 0 counts as not set, as there."
    ],
) -> wo.Schedule:
    """A linear ramp up from 0 to the first value at the first boundary, and then `PiecewiseConstant`.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupPiecewiseConstant([4, 8], [1.0, 0.5])([0, 2, 4, 8]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if not boundaries or len(boundaries) != len(values):
        refuse("boundaries", list(boundaries), f"as many as the values ({len(values)}), and at least one")
    first = boundaries[0]
    check_steps("boundaries[0]", first)
    steps = PiecewiseConstant([b - first for b in boundaries[1:]], values)
    return wo.join([wo.linear(0.0, values[0], first), steps], [first])


@port()
def Transformer(
    warmup_steps: Annotated[Fixed[Steps], "``W`` is ``warmup_steps * worker_replicas``."] = 4000,
    model_dim: Annotated[Positive, "The peak is ``(model_dim * W) ** -0.5``."] = 512,
    worker_replicas: Annotated[Fixed[Steps], "The number of workers."] = 1,
    decay_end: Annotated[Steps | None, "The update whose value stays after it; None for no end."] = None,
) -> wo.Schedule:
    """A linear ramp up and an inverse square root down, on ``n + 1``: the peak is at ``n == W - 1``.

    >>> from warmup_optax.compat import praxis
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
    decay_start: Annotated[
        Fixed[Positive], "Where the decay begins, after ``offset``, whole or not."
    ] = 10000,
    multiplier: Annotated[Number, "A factor."] = 1.0,
    offset: Annotated[Fixed[Number], "Subtracted from the update, whole or not."] = 0.0,
) -> wo.Schedule:
    """``multiplier / sqrt(max(n - offset, decay_start))``: constant, and then an inverse square root.

    >>> from warmup_optax.compat import praxis
    >>> praxis.SqrtDecay(decay_start=4)([0, 4, 16]).tolist()
    [0.5, 0.5, 0.25]
    """
    begin = max(math.ceil(decay_start + offset), 0)
    decay = wo.inverse_sqrt(multiplier * (begin - offset) ** -0.5, timescale=begin - offset)
    return wo.join([multiplier * decay_start**-0.5, decay], [begin])


@port()
def LinearRampupSqrtDecay(
    peak: Annotated[Number, "The highest value."] = 1.0,
    warmup_steps: Annotated[Steps, "With 0 all is 0, as in the original."] = 4000,
) -> wo.Schedule:
    """A linear ramp to ``peak`` at ``n == warmup_steps``, an inverse square root down; update 0 counts as 1.

    >>> from warmup_optax.compat import praxis
    >>> praxis.LinearRampupSqrtDecay(1.0, 4)([0, 1, 2, 4, 16]).tolist()
    [0.25, 0.25, 0.5, 1.0, 0.5]
    """
    if is_zero(warmup_steps):
        return wo.constant(0.0)
    return wo.shift(wo.shift(wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps), -1), 1)


@port()
def PiecewiseSchedule(
    boundaries: Annotated[Tuple[int], "The updates at which all but the first begin, >= 0 and in order."],
    schedules: Annotated[Tuple[Any], "One more schedule."],
) -> wo.Schedule:
    """One schedule after the other, each on its own clock.

    >>> from warmup_optax.compat import praxis
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
    schedules: Annotated[Tuple[Any], "The schedules."],
    steps: Annotated[Counts, "The number of updates of each turn, one of them above 0."],
) -> wo.Schedule:
    """Schedules that take turns and never end; each is on the clock of the whole run, not on its own.

    >>> from warmup_optax.compat import praxis
    >>> line = praxis.Linear(start=(0, 1.0), limit=(8, 0.0))
    >>> praxis.CycleSchedule([line, praxis.Constant(2.0)], [3, 1])([0, 2, 3, 4, 7]).tolist()
    [1.0, 0.75, 2.0, 0.5, 2.0]
    """
    if not sum(steps) or len(schedules) != len(steps):
        refuse("steps", list(steps), f"as many as the schedules ({len(schedules)}), one of them above 0")
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
    start_step: Annotated[Whole, "The update from which it falls."] = 400_000,
    half_life_steps: Length = 100_000,
    min: Annotated[
        OpenFraction, "The last value as a fraction of the first, reached between two updates."
    ] = 0.01,
) -> wo.Schedule:
    """Constant, and then half in every ``half_life_steps``, down to ``initial_value * min``.

    >>> from warmup_optax.compat import praxis
    >>> praxis.ContinuousSchedule(1.0, 2, 2, 0.125)([0, 2, 4, 6, 8, 99]).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.125, 0.125]
    """
    fall = wo.exponential(1.0, decay_rate=0.5, transition_steps=half_life_steps, end_value=min)
    return initial_value * wo.shift(fall, start_step)


def _points(start: Any, limit: Any) -> tuple[Any, Any, Any, Any]:
    """Two points ``(update, value)``, in order."""
    if start[0] >= limit[0]:
        refuse("limit", limit, f"at an update after that of start ({start[0]})")
    return *start, *limit


def _ramp(
    warmup_steps: int, decay_start: int, decay_end: int, min_ratio: Scalar, top: Scalar
) -> tuple[Any, int]:
    """The last value of a ramp's decay, and its length."""
    check_steps("decay_start", decay_start, at_least=warmup_steps, fix="the warmup comes first")
    check_steps("decay_end", decay_end, at_least=decay_start + 1, fix="it must be after decay_start")
    check_number("max", top, above=0, fix="it must be given")
    return top * min_ratio, decay_end - decay_start


def _ramped(warmup_steps: int, decay_start: int, top: Scalar, decay: wo.Schedule) -> wo.Schedule:
    """A linear ramp up from 0, and ``top`` until the decay begins."""
    return joined([wo.linear(0.0, top, max(warmup_steps, 0)), top, decay], [0, warmup_steps, decay_start])
