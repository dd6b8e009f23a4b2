"""The names users come for, for a run of known length: a few lines each over shapes and combinators.

In all recipes the peak is at ``count == warmup_steps``, ``total_steps`` includes the warmup, and ``*_steps``
are numbers of optimizer updates. A hold is not a phase: the warmup, which is over, holds its end until the
decay begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from . import _checks
from ._combinators import join
from ._recipes_endless import rise
from ._schedule import Number, Schedule
from ._shapes import cosine, linear, one_minus_sqrt, polynomial
from ._time import real


def _fall(where: str, begin: Any, total_steps: Any, **parts: Any) -> tuple[Any, Any]:
    """``(total_steps, steps left after begin)``, with the parts of ``begin`` for the message."""
    total_steps = _checks.steps(where, "total_steps", total_steps, at_least=1)
    shown = " + ".join(f"{name}={value}" for name, value in parts.items())
    fix = "shorten them or train longer (total_steps includes the warmup)"
    _checks.ordered(where, f"{shown} is more than total_steps={total_steps}", begin, total_steps, fix)
    return total_steps, total_steps - begin


def warmup_linear(
    peak_value: Number,
    *,
    warmup_steps: Number,
    total_steps: Number,
    hold_steps: Number = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> Schedule:
    """A linear warmup, a hold, and a linear decay: the schedule of BERT.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and through the hold, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0.
      total_steps: Updates of the whole run, warmup and hold included; ``end_value`` from there on.
      hold_steps: Updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``total_steps`` and after it, exactly.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and hold are longer than the run, or a number is bad.
      TypeError: If an argument is not a number.

    Source: Devlin et al., BERT (2019), appendix A.2.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_linear(1.0, warmup_steps=4, total_steps=12)
    >>> schedule([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    arguments = ("warmup_linear", peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value)
    return _warmup_then(*arguments, decay=linear)


def warmup_cosine(
    peak_value: Number,
    *,
    warmup_steps: Number,
    total_steps: Number,
    hold_steps: Number = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
) -> Schedule:
    """A linear warmup, a hold, and half a cosine down: the default of most training runs.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and through the hold, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0.
      total_steps: Updates of the whole run, warmup and hold included (Optax calls it ``decay_steps``; the
        ``decay_steps`` of Keras leaves the warmup out); ``end_value`` from there on.
      hold_steps: Updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``total_steps`` and after it, exactly; absolute, not a fraction of the peak.
      exponent: A power > 0 of the cosine, Optax's.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and hold are longer than the run, or a number is bad.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), with the warmup of Goyal et al. (2017), section 2.2.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(1.0, warmup_steps=4, total_steps=12)
    >>> schedule([0, 1, 4, 8, 12]).round(6).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    arguments = ("warmup_cosine", peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value)
    exponent = _checks.number("warmup_cosine", "exponent", exponent, above=0)
    return _warmup_then(*arguments, decay=cosine, exponent=exponent)


def warmup_polynomial(
    peak_value: Number,
    *,
    power: Number,
    warmup_steps: Number,
    total_steps: Number,
    hold_steps: Number = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> Schedule:
    """A linear warmup, a hold, and a decay by a power of the remaining time.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and through the hold, exactly.
      power: > 0: 1 is `warmup_linear`, 2 falls faster first.
      warmup_steps: Updates of warmup, a whole number >= 0.
      total_steps: Updates of the whole run, warmup and hold included; ``end_value`` from there on.
      hold_steps: Updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``total_steps`` and after it, exactly.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and hold are longer than the run, or a number is bad.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.warmup_polynomial(1.0, power=2, warmup_steps=4, total_steps=12)([4, 8, 12]).tolist()
    [1.0, 0.25, 0.0]
    """
    where = "warmup_polynomial"
    arguments = (where, peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value)
    return _warmup_then(*arguments, decay=polynomial, power=_checks.number(where, "power", power, above=0))


def _warmup_then(
    where: str,
    peak_value: Any,
    warmup_steps: Any,
    total_steps: Any,
    hold_steps: Any,
    init_value: Any,
    end_value: Any,
    *,
    decay: Callable[..., Schedule],
    **options: Any,
) -> Schedule:
    """A linear warmup, a hold, and a finite shape to the end of the run."""
    peak_value, warmup_steps, init_value = rise(where, peak_value, warmup_steps, init_value)
    hold_steps = _checks.steps(where, "hold_steps", hold_steps)
    end_value = _checks.number(where, "end_value", end_value)
    begin = warmup_steps + hold_steps
    _, left = _fall(where, begin, total_steps, warmup_steps=warmup_steps, hold_steps=hold_steps)
    phases = [linear(init_value, peak_value, warmup_steps), decay(peak_value, end_value, left, **options)]
    return join(phases, [begin])


def warmup_stable_decay(
    peak_value: Number,
    *,
    warmup_steps: Number,
    decay_steps: Number,
    total_steps: Number,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    decay_shape: Callable[..., Any] = one_minus_sqrt,
) -> Schedule:
    """A linear warmup, a long plateau, and a short decay (WSD): stop, extend or branch the plateau at will.

    Args:
      peak_value: The rate from ``count == warmup_steps`` to the decay, exactly.
      warmup_steps: Updates of warmup, a whole number >= 0.
      decay_steps: Updates of the decay alone, a whole number >= 0; it ends at ``total_steps``.
      total_steps: Updates of the whole run; ``end_value`` from there on.
      init_value: The rate of the first update.
      end_value: The rate at ``total_steps`` and after it, exactly.
      decay_shape: The curve of the decay: a finite shape, or a ``functools.partial`` of one.

    Returns:
      A `Schedule`. To branch a cooldown off a run that goes on, use `with_cooldown`.

    Raises:
      ValueError: If warmup and decay are longer than the run, or a number is bad.
      TypeError: If an argument is of the wrong type.

    Source: Hu et al., MiniCPM (2024), section 4; the shape: Hägele et al. (2024), section 4.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_stable_decay(1.0, warmup_steps=4, decay_steps=4, total_steps=20)
    >>> schedule([0, 4, 16, 17, 20]).tolist()
    [0.0, 1.0, 1.0, 0.5, 0.0]
    """
    where = "warmup_stable_decay"
    peak_value, warmup_steps, init_value = rise(where, peak_value, warmup_steps, init_value)
    decay_steps = _checks.steps(where, "decay_steps", decay_steps)
    end_value = _checks.number(where, "end_value", end_value)
    parts = {"warmup_steps": warmup_steps, "decay_steps": decay_steps}
    total_steps, _ = _fall(where, warmup_steps + decay_steps, total_steps, **parts)
    fix = "give a finite shape, as one_minus_sqrt, linear or cosine"
    shape = _checks.function(where, "decay_shape", decay_shape, "a function that makes a shape", fix)
    decay = shape(peak_value, end_value, decay_steps)
    warmup = linear(init_value, peak_value, warmup_steps)
    return join([warmup, decay], [total_steps - decay_steps])


def one_cycle(
    peak_value: Number,
    *,
    total_steps: Number,
    warmup_fraction: Number = 0.3,
    div_factor: Number = 25.0,
    final_div_factor: Number = 1e4,
    shape: Callable[..., Any] = cosine,
) -> Schedule:
    """Up and down once (1cycle): from a fraction of the peak to the peak, and to nearly nothing.

    Args:
      peak_value: The rate at ``count == round(warmup_fraction * total_steps)``, exactly.
      total_steps: Updates of the whole run, a whole number >= 1.
      warmup_fraction: The part of the run that rises, in [0, 1].
      div_factor: > 0: the first update's rate is ``peak_value / div_factor``.
      final_div_factor: > 0: the rate at ``total_steps`` is the first update's over this.
      shape: The curve of both ways: a finite shape, or a ``functools.partial`` of one.

    Returns:
      A `Schedule`. (PyTorch's peaks one update earlier and raises after the end; `compat.torch` has it.)

    Raises:
      ValueError: If a number is bad.
      TypeError: If an argument is of the wrong type.

    Source: Smith & Topin, Super-Convergence (2018), section 4.

    >>> import warmup_optax as wo
    >>> schedule = wo.one_cycle(1.0, total_steps=100, div_factor=4.0, final_div_factor=2.0)
    >>> schedule([0, 30, 100]).tolist()
    [0.25, 1.0, 0.125]
    """
    where = "one_cycle"
    peak_value = _checks.number(where, "peak_value", peak_value)
    total_steps = _checks.steps(where, "total_steps", total_steps, at_least=1)
    fraction = _checks.number(where, "warmup_fraction", warmup_fraction, at_least=0)
    init_value = peak_value / _checks.number(where, "div_factor", div_factor, above=0)
    end_value = init_value / _checks.number(where, "final_div_factor", final_div_factor, above=0)
    if not _checks.traced(fraction) and fraction > 1:
        fix = "it is a part of total_steps"
        _checks.refuse(where, "warmup_fraction", fraction, "a number in [0, 1]", fix)
    if _checks.traced(fraction) or _checks.traced(total_steps):
        up = jnp.round(real(fraction) * real(total_steps))
        total_steps = real(total_steps)
    else:
        up = round(fraction * total_steps)
    fix = "give a finite shape, as cosine or linear"
    shape = _checks.function(where, "shape", shape, "a function that makes a shape", fix)
    return join([shape(init_value, peak_value, up), shape(peak_value, end_value, total_steps - up)], [up])
