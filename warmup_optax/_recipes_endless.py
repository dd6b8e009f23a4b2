"""The names users come for, for a run without an end: a few lines each over shapes and combinators."""

from __future__ import annotations

from typing import Any

from . import _checks
from ._algebra import add
from ._combinators import join, with_warmup
from ._endless import exponential, inverse_sqrt
from ._piecewise import piecewise_constant
from ._restart import restart
from ._schedule import Number, Schedule
from ._shapes import cosine, linear


def rise(where: str, peak_value: Any, warmup_steps: Any, init_value: Any) -> tuple[Any, Any, Any]:
    """The three arguments of every warmup, checked in the name of the recipe."""
    return (
        _checks.number(where, "peak_value", peak_value),
        _checks.steps(where, "warmup_steps", warmup_steps),
        _checks.number(where, "init_value", init_value),
    )


def warmup_constant(peak_value: Number, *, warmup_steps: Number, init_value: Number = 0.0) -> Schedule:
    """A linear warmup to a rate that then stays.

    Args:
      peak_value: The rate from ``count == warmup_steps`` on, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0. With 0 the rate is ``peak_value`` at once (with
        Optax it is ``init_value`` for ever).
      init_value: The rate of the first update.

    Returns:
      A `Schedule`: ``linear(init_value, peak_value, warmup_steps)``, which holds its end.

    Raises:
      ValueError: If a number is bad.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.warmup_constant(1.0, warmup_steps=4)([0, 1, 4, 100]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    peak_value, warmup_steps, init_value = rise("warmup_constant", peak_value, warmup_steps, init_value)
    return linear(init_value, peak_value, warmup_steps)


def warmup_exponential(
    peak_value: Number,
    *,
    warmup_steps: Number,
    decay_rate: Number,
    transition_steps: Number,
    hold_steps: Number = 0,
    staircase: bool = False,
    end_value: Number | None = None,
    init_value: Number = 0.0,
) -> Schedule:
    """A linear warmup, a hold, and a decay by a factor for every so many steps.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and through the hold, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0.
      decay_rate: The factor of each ``transition_steps``, > 0.
      transition_steps: Updates from one factor to the next, a whole number >= 1.
      hold_steps: Updates at the peak between warmup and decay, a whole number >= 0.
      staircase: Whether each factor comes all at once.
      end_value: A bound that the decay does not pass, as in `exponential`; None for none.
      init_value: The rate of the first update.

    Returns:
      A `Schedule` without an end.

    Raises:
      ValueError: If a number is bad.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_exponential(1.0, warmup_steps=4, decay_rate=0.5, transition_steps=10)
    >>> schedule([0, 4, 14, 24]).tolist()
    [0.0, 1.0, 0.5, 0.25]
    """
    where = "warmup_exponential"
    peak_value, warmup_steps, init_value = rise(where, peak_value, warmup_steps, init_value)
    hold_steps = _checks.steps(where, "hold_steps", hold_steps)
    decay = exponential(
        peak_value,
        decay_rate=_checks.number(where, "decay_rate", decay_rate, above=0),
        transition_steps=_checks.steps(where, "transition_steps", transition_steps, at_least=1),
        staircase=_checks.boolean(where, "staircase", staircase),
        end_value=None if end_value is None else _checks.number(where, "end_value", end_value),
    )
    warmup = linear(init_value, peak_value, warmup_steps)
    return join([warmup, decay], [warmup_steps + hold_steps])


def warmup_piecewise_constant(
    values: Any, boundaries: Any, *, warmup_steps: Number, init_value: Number = 0.0
) -> Schedule:
    """A linear warmup into steps whose boundaries are counts of the whole run.

    Args:
      values: The rate of each phase, as for `piecewise_constant`.
      boundaries: The counts at which the next value begins, warmup included: they do not move with it.
      warmup_steps: Updates of warmup, a whole number >= 0; it ends at the value that holds there.
      init_value: The rate of the first update.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If the lengths do not fit, the boundaries are not increasing, or a number is bad.
      TypeError: If an argument is of the wrong type.

    Source: He et al., Deep Residual Learning (2016), section 3.4, with the warmup of Goyal et al. (2017).

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_piecewise_constant([1.0, 0.5], [10], warmup_steps=4)
    >>> schedule([0, 2, 4, 9, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5]
    """
    where = "warmup_piecewise_constant"
    values = _checks.numbers(where, "values", values)
    boundaries = _checks.boundaries(where, boundaries, phases=len(values), phase_name="values")
    warmup_steps = _checks.steps(where, "warmup_steps", warmup_steps)
    init_value = _checks.number(where, "init_value", init_value)
    steps = piecewise_constant(values, boundaries)
    return with_warmup(steps, steps=warmup_steps, init_value=init_value, overlap=True)


def warmup_inverse_sqrt(
    peak_value: Number, *, warmup_steps: Number, timescale: Number | None = None, init_value: Number = 0.0
) -> Schedule:
    r"""A linear warmup and a decay as one over the square root of time: the Transformer's schedule.

    Args:
      peak_value: The rate at ``count == warmup_steps``, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0.
      timescale: :math:`\tau` > 0 of `inverse_sqrt`. None takes ``warmup_steps``, which gives the
        ``peak_value * sqrt(warmup_steps / count)`` of the paper, fairseq and T5.
      init_value: The rate of the first update.

    Returns:
      A `Schedule` without an end.

    Raises:
      ValueError: If a number is bad, or there is neither a warmup nor a timescale.
      TypeError: If an argument is not a number.

    Source: Vaswani et al., Attention Is All You Need (2017), section 5.3.

    >>> import warmup_optax as wo
    >>> wo.warmup_inverse_sqrt(1.0, warmup_steps=100)([0, 50, 100, 400]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    where = "warmup_inverse_sqrt"
    peak_value, warmup_steps, init_value = rise(where, peak_value, warmup_steps, init_value)
    if timescale is None:
        if not _checks.traced(warmup_steps) and warmup_steps == 0:
            allowed = "a number > 0 when warmup_steps=0"
            _checks.refuse(where, "timescale", None, allowed, "give one, as 10_000")
        timescale = warmup_steps
    timescale = _checks.number(where, "timescale", timescale, above=0)
    decay = inverse_sqrt(peak_value, timescale=timescale)
    return join([linear(init_value, peak_value, warmup_steps), decay], [warmup_steps])


def warmup_cosine_restarts(
    peak_value: Number,
    *,
    warmup_steps: Number,
    cycle_steps: Number,
    growth: Number = 1,
    decay: Number = 1.0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> Schedule:
    """One linear warmup, then cosines that start again at the peak (SGDR).

    Args:
      peak_value: The rate at ``count == warmup_steps``, exactly; cycle ``i`` starts at
        ``peak_value * decay**i``.
      warmup_steps: Updates of warmup, a whole number >= 0.
      cycle_steps: Updates of the first cycle, a whole number >= 1.
      growth: >= 1, whole or not: each cycle is so many times as long as the last.
      decay: > 0: the factor from one peak to the next.
      init_value: The rate of the first update.
      end_value: The rate that every cycle falls to (the same for all), which a cycle's last update just
        misses: at the very end of a cycle the next one starts.

    Returns:
      A `Schedule` without an end.

    Raises:
      ValueError: If a number is bad.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), section 3.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine_restarts(1.0, warmup_steps=4, cycle_steps=8, decay=0.5)
    >>> schedule([0, 4, 8, 12, 16]).round(6).tolist()
    [0.0, 1.0, 0.5, 0.5, 0.25]
    """
    where = "warmup_cosine_restarts"
    peak_value, warmup_steps, init_value = rise(where, peak_value, warmup_steps, init_value)
    cycle_steps = _checks.steps(where, "cycle_steps", cycle_steps, at_least=1)
    growth = _checks.number(where, "growth", growth, at_least=1)
    decay = _checks.number(where, "decay", decay, above=0)
    end_value = _checks.number(where, "end_value", end_value)
    # Only the part that comes from the peak is scaled from cycle to cycle; the part from the floor is not.
    peaks = restart(cosine(peak_value, 0.0, cycle_steps), period=cycle_steps, growth=growth, decay=decay)
    floor = restart(cosine(0.0, end_value, cycle_steps), period=cycle_steps, growth=growth)
    warmup = linear(init_value, peak_value, warmup_steps)
    return join([warmup, add(peaks, floor)], [warmup_steps])
