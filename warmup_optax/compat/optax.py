"""The constructors of ``optax.schedules`` (Optax 0.2.8), with the same signatures: a drop-in.

What Optax makes as closures are values here: they print, compare, pickle, vmap, and keep their digits in
the tail of a decay. At every count they are the same, also with a ``transition_steps`` of 0, which in Optax
is the start throughout (a shape of 0 steps is over at once in this library).

What programs really pass to Optax, and what becomes of it here:

* Lengths and boundaries that are not whole (half an epoch, a fraction of a run) are taken as they are.
* Two equal boundaries of `join_schedules` (a hold of 0 steps) leave out the schedule between them.
* More boundaries than `join_schedules` needs (MaxText and others append the end of the run): the last ones
  are left out, as in Optax, with a warning.
* Negative lengths and begins (``run - warmup`` of a run shorter than its warmup) are constants in Optax, or
  0, in silence. Here they are refused, as are boundaries that decrease, fewer boundaries than schedules need
  (Optax never runs the last ones), and negative boundaries.
* A ``decay_rate`` or ``power`` of 0, a constant in Optax, is refused: `constant_schedule` says it.
* Rates below 0, for an optimizer that adds its updates, are numbers like others.
"""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import warmup_optax as wo

from ._parts import in_ticks, in_updates, is_concrete, is_zero, meaning
from ._port import as_tuple, check_concrete, check_number, plain_number, port, refuse, within_argument

Number = Any


@port()
def constant_schedule(value: Number) -> wo.Schedule:
    """The same rate at every count.

    Args:
      value: Any finite number.

    >>> from warmup_optax.compat import optax
    >>> optax.constant_schedule(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port(steps="transition_steps")
def polynomial_schedule(
    init_value: Number,
    end_value: Number,
    power: Number,
    transition_steps: int,
    transition_begin: int = 0,
) -> wo.Schedule:
    """A power of the remaining time: ``(init - end) * (1 - t / transition_steps)**power + end``.

    ``init_value`` up to ``transition_begin``; ``end_value`` from ``transition_begin + transition_steps`` on.

    Args:
      init_value: The first value.
      end_value: The last value.
      power: > 0.
      transition_steps: Length, >= 0, whole or not; with 0 it stays at ``init_value``.
      transition_begin: Where it begins, >= 0, whole or not.

    >>> from warmup_optax.compat import optax
    >>> schedule = optax.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4, transition_begin=2)
    >>> schedule([0, 2, 4, 6]).tolist()
    [1.0, 1.0, 0.25, 0.0]
    """
    check_number("power", power, above=0)
    check_number("transition_steps", transition_steps, at_least=0)
    ticks, (steps, begin) = _lengths(transition_steps, transition_begin=transition_begin)
    if is_zero(steps):
        return wo.constant(init_value)
    return in_updates(_later(wo.polynomial(init_value, end_value, steps, power=power), begin), ticks)


@port(steps="transition_steps")
def linear_schedule(
    init_value: Number, end_value: Number, transition_steps: int, transition_begin: int = 0
) -> wo.Schedule:
    """A straight line from one value to another.

    ``init_value`` up to ``transition_begin``; ``end_value`` from ``transition_begin + transition_steps`` on.

    Args:
      init_value: The first value.
      end_value: The last value.
      transition_steps: Length, >= 0, whole or not; with 0 it stays at ``init_value``.
      transition_begin: Where it begins, >= 0, whole or not.

    >>> from warmup_optax.compat import optax
    >>> optax.linear_schedule(0.0, 1.0, transition_steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    check_number("transition_steps", transition_steps, at_least=0)
    ticks, (steps, begin) = _lengths(transition_steps, transition_begin=transition_begin)
    if is_zero(steps):
        return wo.constant(init_value)
    return in_updates(_later(wo.linear(init_value, end_value, steps), begin), ticks)


@port(values="boundaries_and_scales", boundaries="boundaries_and_scales")
def piecewise_constant_schedule(
    init_value: Number, boundaries_and_scales: dict[int, float] | None = None
) -> wo.Schedule:
    """Steps: each boundary multiplies the rate by its scale, from that count on.

    Args:
      init_value: The rate before the first boundary.
      boundaries_and_scales: A factor >= 0 for each boundary; factors multiply up. In any order.

    >>> from warmup_optax.compat import optax
    >>> optax.piecewise_constant_schedule(1.0, {5: 0.5, 8: 0.5})([4, 5, 8]).tolist()
    [1.0, 0.5, 0.25]
    """
    boundaries, values = _cumulative(init_value, boundaries_and_scales)
    firsts = [math.ceil(boundary) for boundary in boundaries]  # the first whole count with the new rate
    kept = [i for i, first in enumerate(firsts) if first not in firsts[i + 1 :]]
    return wo.piecewise_constant([values[0], *(values[i + 1] for i in kept)], [firsts[i] for i in kept])


@port(values="boundaries_and_scales", boundaries="boundaries_and_scales")
def piecewise_interpolate_schedule(
    interpolate_type: str, init_value: Number, boundaries_and_scales: dict[int, float] | None = None
) -> wo.Schedule:
    """Lines, or half cosines, between the rates that `piecewise_constant_schedule` jumps between.

    ``init_value`` at 0 (unless a boundary is there), each product of scales at its boundary, the last after.

    Args:
      interpolate_type: ``"linear"`` or ``"cosine"``.
      init_value: The rate at 0.
      boundaries_and_scales: A factor >= 0 for each boundary; factors multiply up. In any order.

    >>> from warmup_optax.compat import optax
    >>> optax.piecewise_interpolate_schedule("linear", 1.0, {4: 0.5, 8: 0.0})([0, 2, 4, 6, 9]).tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    meaning(dict.fromkeys(("linear", "cosine")), "interpolate_type", interpolate_type)
    return _interpolated(interpolate_type, init_value, boundaries_and_scales)


def _interpolated(
    interpolate_type: str, init_value: Number, boundaries_and_scales: dict[int, float] | None
) -> wo.Schedule:
    boundaries, values = _cumulative(init_value, boundaries_and_scales)
    knots = boundaries if boundaries[:1] == [0] else [0, *boundaries]
    values = values[-len(knots) :]
    curves = {"linear": wo.piecewise_linear, "cosine": wo.shapes.piecewise_cosine}
    ticks, knots = in_ticks(*knots)
    return in_updates(curves[interpolate_type](values, knots), ticks)


@port(steps="decay_steps")
def cosine_decay_schedule(
    init_value: Number, decay_steps: int, alpha: Number = 0.0, exponent: Number = 1.0
) -> wo.Schedule:
    """Half a cosine from ``init_value`` at 0 to ``alpha * init_value`` at ``decay_steps`` and after it.

    Args:
      init_value: The first value.
      decay_steps: Length of the decay, > 0, whole or not.
      alpha: The last value, as a fraction of ``init_value``.
      exponent: A power > 0 of the cosine.

    >>> from warmup_optax.compat import optax
    >>> optax.cosine_decay_schedule(1.0, 4)([0, 2, 4, 9]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    check_number("decay_steps", decay_steps, above=0)
    ticks, (steps,) = in_ticks(decay_steps)
    return in_updates(wo.cosine(init_value, alpha * init_value, steps, exponent=exponent), ticks)


@port()
def exponential_decay(
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Number | None = None,
) -> wo.Schedule:
    """Multiplies by ``decay_rate`` every ``transition_steps``, from ``transition_begin`` on.

    Args:
      init_value: The rate up to ``transition_begin``.
      transition_steps: >= 0, whole or not; with 0 it stays at ``init_value``.
      decay_rate: > 0.
      transition_begin: >= 0, whole or not.
      staircase: Whether the factor comes all at once.
      end_value: A floor for a rate below 1 and a ceiling otherwise, for ``init_value`` too.

    >>> from warmup_optax.compat import optax
    >>> optax.exponential_decay(1.0, 10, 0.5, transition_begin=5, end_value=0.3)([0, 15, 35]).tolist()
    [1.0, 0.5, 0.30000001192092896]
    """
    check_number("transition_steps", transition_steps, at_least=0)
    check_number("decay_rate", decay_rate, above=0)
    ticks, (steps, begin) = _lengths(transition_steps, transition_begin=transition_begin)
    if is_zero(steps):
        return wo.constant(init_value)
    decay = wo.exponential(init_value, decay_rate=decay_rate, transition_steps=steps, staircase=staircase)
    if end_value is not None:
        check_concrete("decay_rate", decay_rate)
        decay = wo.clip(decay, **{"min_value" if decay_rate < 1 else "max_value": end_value})
    return in_updates(_later(decay, begin), ticks)


@port(steps="transition_steps")
def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Number,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> wo.Schedule:
    """Up to the peak, back down, and on to nearly nothing, in three lines.

    ``peak_value / div_factor`` at 0, the peak at ``int(pct_start * transition_steps)``, the first value
    again at ``int(pct_final * transition_steps)``, and that over ``final_div_factor`` (by Optax's code, not
    its text) at ``transition_steps`` and after it. Where two of these counts are one a phase is lost.

    Args:
      transition_steps: Length of the whole, > 0.
      peak_value: The highest rate.
      pct_start: The part of the run that rises, in [0, 1].
      pct_final: The part of the run up to the end of the first fall, in [0, 1].
      div_factor: The peak over the first rate.
      final_div_factor: The first rate over the last.

    >>> from warmup_optax.compat import optax
    >>> optax.linear_onecycle_schedule(10, 1.0, 0.3, 0.7, div_factor=4.0)([0, 3, 7]).tolist()
    [0.25, 1.0, 0.25]
    """
    _check_onecycle(transition_steps, div_factor, final_div_factor, pct_start=pct_start, pct_final=pct_final)
    knots = {
        int(pct_start * transition_steps): div_factor,
        int(pct_final * transition_steps): 1.0 / div_factor,
    }
    knots[transition_steps] = 1.0 / final_div_factor
    return _interpolated("linear", peak_value / div_factor, knots)


@port(steps="transition_steps")
def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Number,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> wo.Schedule:
    """Up to the peak and down to nearly nothing, in two half cosines.

    ``peak_value / div_factor`` at 0, the peak at ``int(pct_start * transition_steps)``, and the first value
    over ``final_div_factor`` from ``transition_steps`` on.

    Args:
      transition_steps: Length of the whole, > 0.
      peak_value: The highest rate.
      pct_start: The part of the run that rises, in [0, 1].
      div_factor: The peak over the first rate.
      final_div_factor: The first rate over the last.

    >>> from warmup_optax.compat import optax
    >>> optax.cosine_onecycle_schedule(10, 1.0, div_factor=4.0, final_div_factor=2.0)([0, 3, 10]).tolist()
    [0.25, 1.0, 0.125]
    """
    _check_onecycle(transition_steps, div_factor, final_div_factor, pct_start=pct_start)
    last = 1.0 / (div_factor * final_div_factor)
    knots = {int(pct_start * transition_steps): div_factor, int(transition_steps): last}
    return _interpolated("cosine", peak_value / div_factor, knots)


@port(transition_steps="warmup_steps", end_value="peak_value")
def warmup_constant_schedule(init_value: Number, peak_value: Number, warmup_steps: int) -> wo.Schedule:
    """A line to a rate that then stays.

    Args:
      init_value: The rate of the first update.
      peak_value: The rate from ``warmup_steps`` on.
      warmup_steps: >= 0, whole or not; with 0 it stays at ``init_value`` (`wo.warmup_constant` does not).

    >>> from warmup_optax.compat import optax
    >>> optax.warmup_constant_schedule(0.0, 1.0, 4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return linear_schedule(init_value, peak_value, warmup_steps)


@port(total_steps="decay_steps")
def warmup_cosine_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: int,
    decay_steps: int,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
) -> wo.Schedule:
    """A line to the peak, then half a cosine.

    The peak is at ``warmup_steps``; ``decay_steps`` *includes* the warmup: ``end_value`` is at
    ``decay_steps`` and after it. With a ``peak_value`` of 0 the end is 0, whatever ``end_value`` is.

    Args:
      init_value: The rate of the first update.
      peak_value: The rate at ``warmup_steps``.
      warmup_steps: >= 0, whole or not; with 0 the first update is at the peak.
      decay_steps: The length of the whole, more than ``warmup_steps``.
      end_value: The last value.
      exponent: A power > 0 of the cosine.

    >>> from warmup_optax.compat import optax
    >>> optax.warmup_cosine_decay_schedule(0.0, 1.0, 4, 12)([0, 1, 4, 8, 12]).round(6).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    check_number("warmup_steps", warmup_steps, at_least=0)
    if is_concrete(decay_steps) and is_concrete(warmup_steps) and not decay_steps > warmup_steps:
        refuse("decay_steps", decay_steps, f"more than warmup_steps={warmup_steps}", "it includes them")
    ticks, (warmup, total) = in_ticks(warmup_steps, decay_steps)
    schedule = wo.warmup_cosine(
        peak_value,
        warmup_steps=warmup,
        total_steps=total,
        init_value=init_value,
        end_value=0.0 if is_zero(peak_value) else end_value,
        exponent=exponent,
    )
    return in_updates(schedule, ticks)


@port()
def warmup_exponential_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Number | None = None,
) -> wo.Schedule:
    """A line to the peak at ``warmup_steps``, then `exponential_decay` on its own clock.

    Args:
      init_value: The rate of the first update.
      peak_value: The rate at ``warmup_steps``.
      warmup_steps: >= 0, whole or not; with 0 the first update is at the peak.
      transition_steps: As for `exponential_decay`.
      decay_rate: As for `exponential_decay`.
      transition_begin: Updates at the peak before the decay, >= 0, whole or not.
      staircase: Whether the factor comes all at once.
      end_value: As for `exponential_decay`.

    >>> from warmup_optax.compat import optax
    >>> optax.warmup_exponential_decay_schedule(0.0, 1.0, 4, 10, 0.5)([0, 4, 14]).tolist()
    [0.0, 1.0, 0.5]
    """
    check_number("warmup_steps", warmup_steps, at_least=0)
    lengths = {"warmup_steps": warmup_steps, "transition_begin": transition_begin}
    ticks, (steps, warmup, begin) = _lengths(transition_steps, **lengths)
    line = wo.linear(init_value, peak_value, warmup)
    decay = exponential_decay(peak_value, steps, decay_rate, begin, staircase, end_value)
    return in_updates(wo.join([line, decay], [warmup]), ticks)


@port()
def sgdr_schedule(cosine_kwargs: Iterable[dict[str, Number]]) -> wo.Schedule:
    """One `warmup_cosine_decay_schedule` after the other; the last one's end holds.

    Args:
      cosine_kwargs: The arguments of each cycle; its ``decay_steps`` is its length, warmup included.

    >>> from warmup_optax.compat import optax
    >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=2, decay_steps=6)
    >>> optax.sgdr_schedule([cycle, cycle])([0, 2, 6, 8, 12]).tolist()
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    cycles, ends = [], [0]
    for i, kwargs in enumerate(as_tuple("cosine_kwargs", cosine_kwargs, "a sequence of dicts")):
        if not isinstance(kwargs, Mapping) or "decay_steps" not in kwargs:
            refuse(f"cosine_kwargs[{i}]", kwargs, "a dict of arguments with decay_steps", error=TypeError)
        with within_argument(f"cosine_kwargs[{i}]", kwargs):
            cycles.append(warmup_cosine_decay_schedule(**kwargs))
        ends.append(ends[-1] + kwargs["decay_steps"])
    if not cycles:
        refuse("cosine_kwargs", cosine_kwargs, "at least one dict")
    return _joined(cycles, ends[1:-1])


@port()
def join_schedules(schedules: Sequence[Callable[[Number], Number]], boundaries: Sequence[int]) -> wo.Schedule:
    """One schedule after the other, each from its own 0.

    From ``count == boundaries[i]`` on the next schedule runs, on ``count - boundaries[i]``.

    Args:
      schedules: Schedules or any functions of a count, Optax's closures included.
      boundaries: Numbers >= 0 that do not decrease, one fewer than ``schedules``. Between two equal ones the
        schedule is left out. More than one fewer are left out with a ``UserWarning``.

    >>> from warmup_optax.compat import optax
    >>> optax.join_schedules([lambda count: 1.0, optax.constant_schedule(2.0)], [3])([2, 3]).tolist()
    [1.0, 2.0]
    """
    schedules = as_tuple("schedules", schedules, "a sequence of schedules")
    boundaries = as_tuple("boundaries", boundaries, "a sequence of numbers of steps")
    for i, boundary in enumerate(boundaries):
        check_number(f"boundaries[{i}]", boundary, at_least=0)
    needed = len(schedules) - 1
    if needed < 0:
        refuse("schedules", schedules, "at least one schedule")
    if len(boundaries) < needed:
        refuse("boundaries", boundaries, f"{needed} numbers for {len(schedules)} schedules")
    if len(boundaries) > needed:
        message = (
            f"compat.optax.join_schedules: {len(schedules)} schedules have {needed} boundaries; ignoring "
        )
        warnings.warn(message + f"the last of the {len(boundaries)} given", UserWarning, stacklevel=3)
    return _joined(schedules, boundaries[:needed])


def _joined(schedules: Sequence[Any], boundaries: Sequence[Any]) -> wo.Schedule:
    """`wo.join` of boundaries that need not be whole, or increasing where they are equal."""
    begins = [0, *map(_plain, boundaries)]
    for i, (left, right) in enumerate(itertools.pairwise(begins[1:])):
        if is_concrete(left) and is_concrete(right) and right < left:
            refuse(f"boundaries[{i + 1}]", right, f"at least the one before it, {left}")
    kept = [i for i, begin in enumerate(begins) if not _same(begin, begins[i + 1 : i + 2])]
    ticks, begins = in_ticks(*begins)
    parts = [schedules[i] for i in kept]
    if ticks > 1:  # each of them goes on counting updates
        parts = [wo.stretch(part, ticks) for part in parts]
    return in_updates(wo.join(parts, [begins[i] for i in kept[1:]]), ticks)


def _plain(number: Any) -> Any:
    """A number as Python's own."""
    return plain_number("", "boundaries", number)


def _same(begin: Any, following: Sequence[Any]) -> bool:
    return is_concrete(begin) and any(is_concrete(other) and begin == other for other in following)


def _lengths(transition_steps: Number, **begins: Number) -> tuple[int, tuple[Any, ...]]:
    """Lengths in ticks, each begin known to be at least 0."""
    for name, begin in begins.items():
        check_number(name, begin, at_least=0)
    return in_ticks(transition_steps, *begins.values())


def _later(schedule: wo.Schedule, steps: Number) -> wo.Schedule:
    return schedule if is_zero(steps) else wo.shift(schedule, steps)


def _check_onecycle(
    transition_steps: Number, div_factor: Number, final_div_factor: Number, **parts: Number
) -> None:
    check_concrete("transition_steps", transition_steps)
    check_number("transition_steps", transition_steps, above=0)
    check_number("div_factor", div_factor, above=0)
    check_number("final_div_factor", final_div_factor, above=0)
    for name, part in parts.items():
        check_concrete(name, part)
        check_number(name, part, at_least=0, at_most=1)


def _cumulative(init_value: Number, boundaries_and_scales: dict[int, float] | None) -> tuple[list, list]:
    """The sorted boundaries, and the products of the scales up to each, ``init_value`` first."""
    given = {} if boundaries_and_scales is None else boundaries_and_scales
    if not isinstance(given, Mapping):
        refuse("boundaries_and_scales", given, "a dict of a scale for each boundary", error=TypeError)
    for boundary, scale in given.items():
        check_number("boundaries_and_scales", boundary, at_least=0)
        check_number(f"boundaries_and_scales[{boundary}]", scale, at_least=0)
    pairs = sorted(((_plain(b), scale) for b, scale in given.items()), key=operator.itemgetter(0))
    scales = [scale for _, scale in pairs]
    return [b for b, _ in pairs], list(itertools.accumulate(scales, operator.mul, initial=init_value))
