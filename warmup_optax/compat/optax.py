"""The constructors of ``optax.schedules`` (Optax 0.2.8), with the same signatures: a drop-in.

What Optax makes as closures are values here: they print, compare, pickle, vmap, and keep their digits in
the tail of a decay. At every count they are the same, also with a ``transition_steps`` of 0, which in Optax
is the start for ever (a shape of 0 steps is over at once in this library). What Optax takes in silence and
cannot have been meant raises: negative lengths and begins, a ``decay_rate`` of 0, a join that does not fit.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jax.core import Tracer

import warmup_optax as wo

from ._port import port

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
      transition_steps: Length, a whole number >= 0; with 0 it stays at ``init_value``.
      transition_begin: Where it begins, a whole number >= 0.

    >>> from warmup_optax.compat import optax
    >>> schedule = optax.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4, transition_begin=2)
    >>> schedule([0, 2, 4, 6]).tolist()
    [1.0, 1.0, 0.25, 0.0]
    """
    curve = wo.polynomial(init_value, end_value, transition_steps, power=power)
    return _begun(wo.constant(init_value) if _is(transition_steps, 0) else curve, transition_begin)


@port(steps="transition_steps")
def linear_schedule(
    init_value: Number, end_value: Number, transition_steps: int, transition_begin: int = 0
) -> wo.Schedule:
    """A straight line from one value to another.

    ``init_value`` up to ``transition_begin``; ``end_value`` from ``transition_begin + transition_steps`` on.

    Args:
      init_value: The first value.
      end_value: The last value.
      transition_steps: Length, a whole number >= 0; with 0 it stays at ``init_value``.
      transition_begin: Where it begins, a whole number >= 0.

    >>> from warmup_optax.compat import optax
    >>> optax.linear_schedule(0.0, 1.0, transition_steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    line = wo.linear(init_value, end_value, transition_steps)
    return _begun(wo.constant(init_value) if _is(transition_steps, 0) else line, transition_begin)


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
    return wo.piecewise_constant(*reversed(_cumulative(init_value, boundaries_and_scales)))


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
    if interpolate_type not in ("linear", "cosine"):
        raise ValueError(f"interpolate_type must be one of 'linear', 'cosine', got {interpolate_type!r}")
    boundaries, values = _cumulative(init_value, boundaries_and_scales)
    knots = boundaries if boundaries[:1] == [0] else [0, *boundaries]
    values = values[-len(knots) :]
    return (wo.piecewise_linear if interpolate_type == "linear" else wo.shapes.piecewise_cosine)(
        values, knots
    )


@port(steps="decay_steps")
def cosine_decay_schedule(
    init_value: Number, decay_steps: int, alpha: Number = 0.0, exponent: Number = 1.0
) -> wo.Schedule:
    """Half a cosine from ``init_value`` at 0 to ``alpha * init_value`` at ``decay_steps`` and after it.

    Args:
      init_value: The first value.
      decay_steps: Length of the decay, a whole number >= 1.
      alpha: The last value, as a fraction of ``init_value``.
      exponent: A power > 0 of the cosine.

    >>> from warmup_optax.compat import optax
    >>> optax.cosine_decay_schedule(1.0, 4)([0, 2, 4, 9]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    _positive(decay_steps=decay_steps)
    return wo.cosine(init_value, alpha * init_value, decay_steps, exponent=exponent)


@port()
def exponential_decay(
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Number | None = None,
) -> wo.Schedule:
    """Multiplies by ``decay_rate`` every ``transition_steps``, from ``transition_begin`` on, for ever.

    Args:
      init_value: The rate up to ``transition_begin``.
      transition_steps: A whole number >= 0; with 0 it stays at ``init_value``.
      decay_rate: > 0; Optax takes 0 for a constant, which raises here.
      transition_begin: A whole number >= 0.
      staircase: Whether the factor comes all at once.
      end_value: A floor for a rate below 1 and a ceiling otherwise, for ``init_value`` too.

    >>> from warmup_optax.compat import optax
    >>> optax.exponential_decay(1.0, 10, 0.5, transition_begin=5, end_value=0.3)([0, 15, 35]).tolist()
    [1.0, 0.5, 0.30000001192092896]
    """
    if _is(transition_steps, 0):
        return wo.constant(init_value)
    decay = wo.exponential(
        init_value, decay_rate=decay_rate, transition_steps=transition_steps, staircase=staircase
    )
    if end_value is not None:
        decay = wo.clip(decay, **{"min_value" if decay_rate < 1 else "max_value": end_value})
    return _begun(decay, transition_begin)


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
      transition_steps: Length of the whole, a whole number >= 1.
      peak_value: The highest rate.
      pct_start: The part of the run that rises.
      pct_final: The part of the run up to the end of the first fall.
      div_factor: The peak over the first rate.
      final_div_factor: The first rate over the last.

    >>> from warmup_optax.compat import optax
    >>> optax.linear_onecycle_schedule(10, 1.0, 0.3, 0.7, div_factor=4.0)([0, 3, 7]).tolist()
    [0.25, 1.0, 0.25]
    """
    _positive(transition_steps=transition_steps, div_factor=div_factor, final_div_factor=final_div_factor)
    knots = {
        int(pct_start * transition_steps): div_factor,
        int(pct_final * transition_steps): 1.0 / div_factor,
    }
    knots[transition_steps] = 1.0 / final_div_factor
    return piecewise_interpolate_schedule("linear", peak_value / div_factor, knots)


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
      transition_steps: Length of the whole, a whole number >= 1.
      peak_value: The highest rate.
      pct_start: The part of the run that rises.
      div_factor: The peak over the first rate.
      final_div_factor: The first rate over the last.

    >>> from warmup_optax.compat import optax
    >>> optax.cosine_onecycle_schedule(10, 1.0, div_factor=4.0, final_div_factor=2.0)([0, 3, 10]).tolist()
    [0.25, 1.0, 0.125]
    """
    _positive(transition_steps=transition_steps, div_factor=div_factor, final_div_factor=final_div_factor)
    last = 1.0 / (div_factor * final_div_factor)
    knots = {int(pct_start * transition_steps): div_factor, int(transition_steps): last}
    return piecewise_interpolate_schedule("cosine", peak_value / div_factor, knots)


@port(transition_steps="warmup_steps", end_value="peak_value")
def warmup_constant_schedule(init_value: Number, peak_value: Number, warmup_steps: int) -> wo.Schedule:
    """A line to a rate that then stays.

    Args:
      init_value: The rate of the first update.
      peak_value: The rate from ``warmup_steps`` on.
      warmup_steps: A whole number >= 0; with 0 it stays at ``init_value`` (`wo.warmup_constant` does not).

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
      warmup_steps: A whole number >= 0; with 0 the first update is at the peak.
      decay_steps: The length of the whole, more than ``warmup_steps``.
      end_value: The last value.
      exponent: A power > 0 of the cosine.

    >>> from warmup_optax.compat import optax
    >>> optax.warmup_cosine_decay_schedule(0.0, 1.0, 4, 12)([0, 1, 4, 8, 12]).round(6).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    if not _traced(decay_steps, warmup_steps) and not decay_steps > warmup_steps:
        raise ValueError(
            f"decay_steps must be more than warmup_steps={warmup_steps}, got {decay_steps}; it includes them"
        )
    return wo.warmup_cosine(
        peak_value,
        warmup_steps=warmup_steps,
        total_steps=decay_steps,
        init_value=init_value,
        end_value=0.0 if _is(peak_value, 0) else end_value,
        exponent=exponent,
    )


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
      warmup_steps: A whole number >= 0; with 0 the first update is at the peak.
      transition_steps: As for `exponential_decay`.
      decay_rate: As for `exponential_decay`.
      transition_begin: Updates at the peak before the decay, a whole number >= 0.
      staircase: Whether the factor comes all at once.
      end_value: As for `exponential_decay`.

    >>> from warmup_optax.compat import optax
    >>> optax.warmup_exponential_decay_schedule(0.0, 1.0, 4, 10, 0.5)([0, 4, 14]).tolist()
    [0.0, 1.0, 0.5]
    """
    warmup = linear_schedule(init_value, peak_value, warmup_steps)
    arguments = (transition_steps, decay_rate, transition_begin, staircase, end_value)
    return wo.join([warmup, exponential_decay(peak_value, *arguments)], [warmup_steps])


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
    cycles = [dict(kwargs) for kwargs in cosine_kwargs]
    ends = itertools.accumulate(kwargs["decay_steps"] for kwargs in cycles)
    return wo.join([warmup_cosine_decay_schedule(**kwargs) for kwargs in cycles], list(ends)[:-1])


@port()
def join_schedules(schedules: Sequence[Callable[[Number], Number]], boundaries: Sequence[int]) -> wo.Schedule:
    """One schedule after the other, each from its own 0.

    From ``count == boundaries[i]`` on the next schedule runs, on ``count - boundaries[i]``.

    Args:
      schedules: Schedules or any functions of a count, Optax's closures included.
      boundaries: Whole numbers >= 0, strictly increasing, one fewer than ``schedules``.

    >>> from warmup_optax.compat import optax
    >>> optax.join_schedules([lambda count: 1.0, optax.constant_schedule(2.0)], [3])([2, 3]).tolist()
    [1.0, 2.0]
    """
    return wo.join(schedules, boundaries)


def _traced(*numbers: Number) -> bool:
    return any(isinstance(x, Tracer) for x in numbers)


def _is(number: Number, value: int) -> bool:
    return not _traced(number) and number == value


def _positive(**numbers: Number) -> None:
    for name, number in numbers.items():
        if not _traced(number) and not number > 0:
            raise ValueError(f"{name} must be a finite number > 0, got {number!r}")


def _begun(schedule: wo.Schedule, transition_begin: Number) -> wo.Schedule:
    """The schedule from ``transition_begin`` on."""
    if not _traced(transition_begin) and transition_begin < 0:
        raise ValueError(f"transition_begin must be a whole number of steps >= 0, got {transition_begin!r}")
    return schedule if _is(transition_begin, 0) else wo.shift(schedule, transition_begin)


def _cumulative(init_value: Number, boundaries_and_scales: dict[int, float] | None) -> tuple[list, list]:
    """The sorted boundaries, and the products of the scales up to each, ``init_value`` first."""
    pairs = sorted((boundaries_and_scales or {}).items())
    for boundary, scale in pairs:
        if not _traced(scale) and not scale >= 0:
            raise ValueError(f"boundaries_and_scales[{boundary}] must be a scale >= 0, got {scale!r}")
    scales = [scale for _, scale in pairs]
    return [b for b, _ in pairs], list(itertools.accumulate(scales, operator.mul, initial=init_value))
