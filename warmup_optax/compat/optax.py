"""A drop-in replacement for ``optax.schedules`` (Optax 0.2.8): all of its constructors, with the same signatures.

Optax returns closures, and this module returns values: you can print, compare, pickle and vmap them. They also
keep their precision in the tail of a decay. The values are the same at every count. Lengths and boundaries need
not be whole. Negative rates are allowed, for an optimizer that adds its updates. Some arguments that Optax
accepts silently raise an error: see `docs/coming_from/optax.md`.
"""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Fraction, Lengths, NonNegative, Number, Positive, Tuple
from ._config import Config
from ._parts import in_ticks, in_updates, is_zero
from ._port import check_concrete, check_number, is_concrete, port, refuse, within_argument
from ._rules import Check, Scalar, ScheduleLike, one_of, plain_number


def _scales(where: str, name: str, value: object) -> object:
    """Check a mapping from boundaries to factors, and sort it."""
    if not isinstance(value, Mapping):
        refuse(name, value, "a dict of a scale for each boundary", error=TypeError)
    for boundary, scale in value.items():
        check_number(name, boundary, at_least=0)
        check_number(f"{name}[{boundary}]", scale, at_least=0)
    pairs = [(plain_number(where, name, boundary), scale) for boundary, scale in value.items()]
    return dict(sorted(pairs, key=operator.itemgetter(0)))


First = Annotated[Number, "The first value."]
Last = Annotated[Number, "The last value."]
Length = Annotated[NonNegative, "In updates, whole or not; with 0 the rate stays at ``init_value``."]
Begin = Annotated[NonNegative, "The count at which the transition begins, whole or not."]
Scales = Annotated[Mapping[float, Scalar] | None, Check(_scales), "Factors >= 0, by boundary, in any order."]
Exponent = Annotated[Positive, "The exponent of the cosine decay."]
Stairs = Annotated[bool, "Whether to apply the factor in discrete steps."]
Floor = Annotated[Number | None, "A minimum if ``decay_rate`` < 1, else a maximum; also of the first value."]
Whole = Annotated[Fixed[Positive], "The length of the run, in updates."]
Peak = Annotated[Number, "The highest rate."]
Rising = Annotated[Fixed[Fraction], "The fraction of the run that is the rise."]
Falling = Annotated[Fixed[Fraction], "The fraction of the run up to the end of the first decay."]
Div = Annotated[Positive, "The peak divided by the first rate."]
FinalDiv = Annotated[Positive, "The first rate divided by the last."]
Warmup = Annotated[NonNegative, "Updates of warmup, whole or not; with 0 the first update is at the peak."]


@port()
def constant_schedule(value: Number) -> wo.Schedule:
    """A constant learning rate.

    >>> optax.constant_schedule(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port(steps="transition_steps")
def polynomial_schedule(
    init_value: First, end_value: Last, power: Positive, transition_steps: Length, transition_begin: Begin = 0
) -> wo.Schedule:
    """Polynomial decay: ``(init - end) * (1 - t / transition_steps)**power + end``.

    The value is ``init_value`` up to ``transition_begin``, and ``end_value`` from ``transition_begin +
    transition_steps`` on.

    >>> schedule = optax.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4, transition_begin=2)
    >>> schedule([0, 2, 4, 6]).tolist()
    [1.0, 1.0, 0.25, 0.0]
    """
    ticks, (steps, begin) = in_ticks(transition_steps, transition_begin)
    if is_zero(steps):
        return wo.constant(init_value)
    return in_updates(_later(wo.polynomial(init_value, end_value, steps, power=power), begin), ticks)


@port()
def linear_schedule(
    init_value: First, end_value: Last, transition_steps: Length, transition_begin: Begin = 0
) -> wo.Schedule:
    """A linear ramp from one value to another.

    The value is ``init_value`` up to ``transition_begin``, and ``end_value`` from ``transition_begin +
    transition_steps`` on.

    >>> optax.linear_schedule(0.0, 1.0, transition_steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return _ramp(init_value, end_value, transition_steps, transition_begin)


def _ramp(first: Scalar, last: Scalar, steps: Scalar, begin: Scalar = 0) -> wo.Schedule:
    ticks, (steps, begin) = in_ticks(steps, begin)
    return (
        wo.constant(first)
        if is_zero(steps)
        else in_updates(_later(wo.linear(first, last, steps), begin), ticks)
    )


@port(values="boundaries_and_scales", boundaries="boundaries_and_scales")
def piecewise_constant_schedule(
    init_value: Annotated[Number, "The rate before the first boundary."], boundaries_and_scales: Scales = None
) -> wo.Schedule:
    """Step decay: each boundary multiplies the rate by its scale, from that count on.

    >>> optax.piecewise_constant_schedule(1.0, {5: 0.5, 8: 0.5})([4, 5, 8]).tolist()
    [1.0, 0.5, 0.25]
    """
    boundaries, values = _cumulative(init_value, boundaries_and_scales)
    firsts = [math.ceil(boundary) for boundary in boundaries]  # the first whole count with the new rate
    kept = [i for i, first in enumerate(firsts) if first not in firsts[i + 1 :]]
    return wo.piecewise_constant([values[0], *(values[i + 1] for i in kept)], [firsts[i] for i in kept])


@port(values="boundaries_and_scales", boundaries="boundaries_and_scales")
def piecewise_interpolate_schedule(
    interpolate_type: Annotated[str, one_of("linear", "cosine")],
    init_value: Annotated[Number, "The rate at 0."],
    boundaries_and_scales: Scales = None,
) -> wo.Schedule:
    """Linear ramps or half cosines between the rates of `piecewise_constant_schedule`.

    The value is ``init_value`` at 0, unless 0 is a boundary. At each boundary it is the product of the scales so
    far. After the last boundary it stays.

    >>> optax.piecewise_interpolate_schedule("linear", 1.0, {4: 0.5, 8: 0.0})([0, 2, 4, 6, 9]).tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    return _interpolated(interpolate_type, init_value, boundaries_and_scales)


def _interpolated(
    interpolate_type: str, init_value: Scalar, boundaries_and_scales: Mapping[float, Scalar] | None
) -> wo.Schedule:
    boundaries, values = _cumulative(init_value, boundaries_and_scales)
    knots = boundaries if boundaries[:1] == [0] else [0, *boundaries]
    curves = {"linear": wo.piecewise_linear, "cosine": wo.shapes.piecewise_cosine}
    ticks, knots = in_ticks(*knots)
    return in_updates(curves[interpolate_type](values[-len(knots) :], knots), ticks)


@port()
def cosine_decay_schedule(
    init_value: First,
    decay_steps: Annotated[Positive, "The length of the decay, whole or not."],
    alpha: Annotated[Number, "The last value, as a fraction of ``init_value``."] = 0.0,
    exponent: Exponent = 1.0,
) -> wo.Schedule:
    """Cosine decay from ``init_value`` at 0 to ``alpha * init_value`` at ``decay_steps``, where it stays.

    >>> optax.cosine_decay_schedule(1.0, 4)([0, 2, 4, 9]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    ticks, (steps,) = in_ticks(decay_steps)
    return in_updates(wo.cosine(init_value, alpha * init_value, steps, exponent=exponent), ticks)


@port()
def exponential_decay(
    init_value: Annotated[Number, "The rate up to ``transition_begin``."],
    transition_steps: Length,
    decay_rate: Positive,
    transition_begin: Begin = 0,
    staircase: Stairs = False,
    end_value: Floor = None,
) -> wo.Schedule:
    """Exponential decay: times ``decay_rate`` every ``transition_steps``, from ``transition_begin`` on.

    >>> optax.exponential_decay(1.0, 10, 0.5, transition_begin=5, end_value=0.3)([0, 15, 35]).tolist()
    [1.0, 0.5, 0.30000001192092896]
    """
    ticks, (steps, begin) = in_ticks(transition_steps, transition_begin)
    if is_zero(steps):
        return wo.constant(init_value)
    decay = wo.exponential(init_value, decay_rate=decay_rate, transition_steps=steps, staircase=staircase)
    if end_value is not None:
        check_concrete("decay_rate", decay_rate)
        decay = wo.clip(decay, **{"min_value" if decay_rate < 1 else "max_value": end_value})
    return in_updates(_later(decay, begin), ticks)


@port(values="peak_value")
def linear_onecycle_schedule(
    transition_steps: Whole,
    peak_value: Peak,
    pct_start: Rising = 0.3,
    pct_final: Falling = 0.85,
    div_factor: Div = 25.0,
    final_div_factor: FinalDiv = 1e4,
) -> wo.Schedule:
    """The 1cycle policy with three linear ramps: up to the peak, back down, and almost to 0.

    The value is ``peak_value / div_factor`` at 0. It is the peak at ``int(pct_start * transition_steps)``, and
    the first value again at ``int(pct_final * transition_steps)``. From ``transition_steps`` on it is the first
    value divided by ``final_div_factor``, as in Optax's code but not its docstring. If two of these counts are
    equal, the phase between them is skipped.

    >>> optax.linear_onecycle_schedule(10, 1.0, 0.3, 0.7, div_factor=4.0)([0, 3, 7]).tolist()
    [0.25, 1.0, 0.25]
    """
    ends = int(pct_start * transition_steps), int(pct_final * transition_steps), float(transition_steps)
    knots = dict(zip(ends, (div_factor, 1.0 / div_factor, 1.0 / final_div_factor), strict=True))
    return _interpolated("linear", peak_value / div_factor, dict(sorted(knots.items())))


@port(values="peak_value")
def cosine_onecycle_schedule(
    transition_steps: Whole,
    peak_value: Peak,
    pct_start: Rising = 0.3,
    div_factor: Div = 25.0,
    final_div_factor: FinalDiv = 1e4,
) -> wo.Schedule:
    """The 1cycle policy with two half cosines: up to the peak, and down almost to 0.

    The value is ``peak_value / div_factor`` at 0, and the peak at ``int(pct_start * transition_steps)``. From
    ``transition_steps`` on it is the first value divided by ``final_div_factor``.

    >>> optax.cosine_onecycle_schedule(10, 1.0, div_factor=4.0, final_div_factor=2.0)([0, 3, 10]).tolist()
    [0.25, 1.0, 0.125]
    """
    last = 1.0 / (div_factor * final_div_factor)
    knots = {int(pct_start * transition_steps): div_factor, int(transition_steps): last}
    return _interpolated("cosine", peak_value / div_factor, dict(sorted(knots.items())))


@port()
def warmup_constant_schedule(
    init_value: Annotated[Number, "The rate of the first update."],
    peak_value: Annotated[Number, "The rate from ``warmup_steps`` on."],
    warmup_steps: Annotated[NonNegative, "With 0 it stays at ``init_value``, unlike `wo.warmup_constant`."],
) -> wo.Schedule:
    """Linear warmup, then constant.

    >>> optax.warmup_constant_schedule(0.0, 1.0, 4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return _ramp(init_value, peak_value, warmup_steps)


@port()
def warmup_cosine_decay_schedule(
    init_value: Annotated[Number, "The rate of the first update."],
    peak_value: Annotated[Number, "The rate at ``warmup_steps``."],
    warmup_steps: Warmup,
    decay_steps: Annotated[Number, "The length of the run, warmup included; more than ``warmup_steps``."],
    end_value: Last = 0.0,
    exponent: Exponent = 1.0,
) -> wo.Schedule:
    """Linear warmup, then cosine decay.

    The peak is at ``warmup_steps``. ``decay_steps`` *includes* the warmup: the rate is ``end_value`` from
    ``decay_steps`` on. With a ``peak_value`` of 0 the last value is 0, and ``end_value`` is ignored.

    >>> optax.warmup_cosine_decay_schedule(0.0, 1.0, 4, 12)([0, 1, 4, 8, 12]).round(6).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    if is_concrete(decay_steps) and is_concrete(warmup_steps) and not decay_steps > warmup_steps:
        refuse("decay_steps", decay_steps, f"more than warmup_steps={warmup_steps}", "it includes them")
    ticks, (warmup, total) = in_ticks(warmup_steps, decay_steps)
    last = 0.0 if is_zero(peak_value) else end_value
    decay = wo.cosine(peak_value, last, total - warmup, exponent=exponent)
    return in_updates(wo.with_warmup(decay, steps=warmup, init_value=init_value), ticks)


@port()
def warmup_exponential_decay_schedule(
    init_value: Annotated[Number, "The rate of the first update."],
    peak_value: Annotated[Number, "The rate at ``warmup_steps``."],
    warmup_steps: Warmup,
    transition_steps: Length,
    decay_rate: Positive,
    transition_begin: Annotated[NonNegative, "Updates at the peak before the decay, whole or not."] = 0,
    staircase: Stairs = False,
    end_value: Floor = None,
) -> wo.Schedule:
    """Linear warmup to the peak at ``warmup_steps``, then `exponential_decay` on its own clock.

    >>> optax.warmup_exponential_decay_schedule(0.0, 1.0, 4, 10, 0.5)([0, 4, 14]).tolist()
    [0.0, 1.0, 0.5]
    """
    ticks, (steps, warmup, begin) = in_ticks(transition_steps, warmup_steps, transition_begin)
    decay = exponential_decay(peak_value, steps, decay_rate, begin, staircase, end_value)
    return in_updates(wo.join([wo.linear(init_value, peak_value, warmup), decay], [warmup]), ticks)


@port()
def sgdr_schedule(
    cosine_kwargs: Annotated[Tuple[Config], "For each cycle. Its ``decay_steps`` include the warmup."],
) -> wo.Schedule:
    """Warm restarts (SGDR): one `warmup_cosine_decay_schedule` after another. The last value stays.

    >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=2, decay_steps=6)
    >>> optax.sgdr_schedule([cycle, cycle])([0, 2, 6, 8, 12]).tolist()
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    cycles, ends = [], [0]
    for i, kwargs in enumerate(cosine_kwargs):
        if not isinstance(kwargs, Mapping) or "decay_steps" not in kwargs:
            refuse(f"cosine_kwargs[{i}]", kwargs, "a dict of arguments with decay_steps", error=TypeError)
        with within_argument(f"cosine_kwargs[{i}]", kwargs):
            cycles.append(warmup_cosine_decay_schedule(**kwargs))
        ends.append(ends[-1] + kwargs["decay_steps"])
    if not cycles:
        refuse("cosine_kwargs", cosine_kwargs, "at least one dict")
    return _joined(cycles, ends[1:-1])


@port()
def join_schedules(
    schedules: Annotated[Tuple[ScheduleLike], "Schedules or any functions of a count, Optax's included."],
    boundaries: Annotated[Lengths, "Numbers that do not decrease, one fewer than ``schedules``."],
) -> wo.Schedule:
    """Schedules in sequence, each on its own clock.

    From ``count == boundaries[i]`` on, the next schedule is evaluated at ``count - boundaries[i]``. A schedule
    between two equal boundaries is skipped. Extra boundaries are ignored, with a ``UserWarning``.

    >>> optax.join_schedules([lambda count: 1.0, optax.constant_schedule(2.0)], [3])([2, 3]).tolist()
    [1.0, 2.0]
    """
    needed = len(schedules) - 1
    if needed < 0:
        refuse("schedules", schedules, "at least one schedule")
    if len(boundaries) < needed:
        refuse("boundaries", boundaries, f"{needed} numbers for {len(schedules)} schedules")
    if len(boundaries) > needed:
        said = f"{len(schedules)} schedules have {needed} boundaries; ignoring the last of the "
        warnings.warn(f"compat.optax.join_schedules: {said}{len(boundaries)}", UserWarning, stacklevel=3)
    return _joined(schedules, boundaries[:needed])


def _joined(schedules: Sequence[ScheduleLike], boundaries: Sequence[float]) -> wo.Schedule:
    """`wo.join` of boundaries that need not be whole and may be equal."""
    for i, (left, right) in enumerate(itertools.pairwise(boundaries), 1):
        check_number(f"boundaries[{i}]", right, at_least=left, fix="they must not decrease")
    begins = [0, *boundaries]
    kept = [i for i, begin in enumerate(begins) if not _same(begin, begins[i + 1 : i + 2])]
    ticks, begins = in_ticks(*begins)
    parts = [schedules[i] for i in kept]
    if ticks > 1:  # each of them continues to count updates
        parts = [wo.stretch(part, ticks) for part in parts]
    return in_updates(wo.join(parts, [begins[i] for i in kept[1:]]), ticks)


def _same(begin: object, following: Sequence[object]) -> bool:
    return is_concrete(begin) and any(is_concrete(other) and begin == other for other in following)


def _later(schedule: wo.Schedule, steps: Scalar) -> wo.Schedule:
    return schedule if is_zero(steps) else wo.shift(schedule, steps)


def _cumulative(
    init_value: Scalar, scales: Mapping[float, Scalar] | None
) -> tuple[list[float], list[Scalar]]:
    """Return the boundaries, and ``init_value`` followed by its product with the scales up to each boundary."""
    values = [init_value]
    for scale in (scales or {}).values():
        values.append(values[-1] * scale)
    return [*(scales or {})], values
