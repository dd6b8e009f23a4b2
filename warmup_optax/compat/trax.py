"""Trax (April 2025, at 7c189c2): the makers of ``trax.supervised.lr_schedules``.

The training loop counts before it updates, so update ``n`` uses the rate of Trax's step ``n + 1``. A warmup
therefore begins above 0, and ends one update earlier than with the same numbers in other libraries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, TypeAlias

import warmup_optax as wo

from . import _factors
from ._arguments import Length, NonNegative, Number
from ._parts import is_zero
from ._port import check_number, port, refuse
from ._rules import Scalar

Tail: TypeAlias = Callable[[int, Scalar], wo.Schedule]
Warmup = Annotated[NonNegative, ":math:`W`, in updates, whole or not. The full rate is at update ``W``."]
Peak = Annotated[Number, ":math:`M`, any finite number."]


@port()
def constant(value: Number) -> wo.Schedule:
    """A constant learning rate.

    >>> trax.constant(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(value)


@port()
def warmup(n_warmup_steps: Warmup, max_value: Peak) -> wo.Schedule:
    r"""Linear warmup to ``max_value``, then constant. The first rate is ``max_value / (W + 1)``.

    .. math:: v(n) = M \min\left(1, \frac{n + 1}{W + 1}\right)

    >>> trax.warmup(3, 1.0)([0, 1, 3, 9]).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """
    return _BodyAndTail(max_value, body_start=n_warmup_steps + 1)


@port()
def warmup_and_rsqrt_decay(n_warmup_steps: Warmup, max_value: Peak) -> wo.Schedule:
    r"""Linear warmup to ``max_value``, then inverse-square-root decay.

    .. math:: v(n) = M \min\left(\frac{n + 1}{W + 1}, \sqrt{\frac{W + 1}{n + 1}}\right)

    >>> trax.warmup_and_rsqrt_decay(3, 1.0)([0, 1, 3, 15]).tolist()
    [0.25, 0.5, 1.0, 0.5]
    """
    start = n_warmup_steps + 1
    return wo.shift(_factors.warmup(0.0, start, max_value) * _factors.rsqrt(1.0, start, start), -1)


@port(value="constant", decay_rate="decay_factor")
def multifactor(
    factors: Annotated[str, "Names joined by ``*``."] = "constant * linear_warmup * rsqrt_decay",
    constant: Number = 0.1,
    warmup_steps: Number = 400,
    decay_factor: Annotated[Number, ">= 0, for ``decay_every``."] = 0.5,
    steps_per_decay: Annotated[Number, "In updates, > 0; the first drop is one earlier."] = 20_000,
    steps_per_cycle: Number = 100_000,
    second_constant: Number = 0.01,
    second_constant_step: Number = 10_000,
    minimum: Annotated[Number, ":math:`m`, the lowest rate."] = 0,
) -> wo.Schedule:
    r"""The product of the factors named in a string, never below a minimum. It never ends.

    .. math:: v(n) = \max\Big(m, \prod_i f_i(n + 1)\Big)

    The factors are those of `compat.t5x.create_learning_rate_scheduler` without ``linear_decay``, evaluated at
    step ``n + 1``. In addition, ``two_constants`` is ``constant`` before step ``second_constant_step``, then
    ``second_constant``.

    Args:
      warmup_steps: In updates, >= 0, whole or not; > 0 for ``linear_warmup``. The full rate is at update
        ``warmup_steps - 1``.
      steps_per_cycle: In updates, > 0. The rate is at the peak again at update ``warmup_steps + steps_per_cycle -
        1``.
      second_constant_step: In steps, >= 0. The second constant applies from update ``second_constant_step - 1``
        on.

    >>> trax.multifactor(constant=1.0, warmup_steps=4)([0, 3, 15]).tolist()
    [0.125, 0.5, 0.25]
    """
    if is_zero(warmup_steps) and "linear_warmup" in factors:
        refuse("warmup_steps", warmup_steps, "a number > 0 for linear_warmup", "leave that factor out")

    def two_constants() -> wo.Schedule:
        check_number("second_constant_step", second_constant_step, at_least=0)
        return wo.piecewise_constant([constant, second_constant], [math.ceil(second_constant_step)])

    meanings = _factors.t5_factors(constant, warmup_steps, decay_factor, steps_per_decay, steps_per_cycle)
    product = _factors.multiply(factors, meanings | {"two_constants": two_constants})
    return wo.clip(wo.shift(product, -1), min_value=minimum)


@port()
def _BodyAndTail(
    body_value: Annotated[Number, "The rate of the body."],
    body_start: Annotated[NonNegative | None, "Trax's step of the body; None for ``tail_start``."] = None,
    tail_start: Annotated[Length | None, "Trax's step at which the tail starts; None for no tail."] = None,
    tail_fn: Tail | None = None,
) -> wo.Schedule:
    """Trax's class of this name, for code that uses it: linear warmup from step 0, the body, and a tail.

    Args:
      tail_fn: `_rsqrt`, a `_CosineSawtoothTail`, or any function of ``(tail_start, body_value)`` that returns a
        schedule.

    >>> trax._BodyAndTail(1.0, body_start=2, tail_start=4, tail_fn=trax._rsqrt)([0, 1, 3, 15]).tolist()
    [0.5, 1.0, 1.0, 0.5]
    """
    if tail_start is not None and tail_fn is None:
        refuse("tail_fn", None, "a function where a tail_start is given")
    body_start = tail_start if body_start is None else body_start
    if body_start is None:
        refuse("body_start", None, "a step, or tail_start one")
    schedule = _factors.warmup(0.0, body_start, body_value)
    if tail_start is not None and tail_fn is not None:
        tail = tail_fn(tail_start, body_value)
        schedule = wo.join([schedule, tail], [max(body_start, tail_start)], [0, tail_start])
    return wo.shift(schedule, -1)


def _rsqrt(tail_start: int, body_value: Scalar) -> wo.Schedule:
    """``body_value * sqrt(tail_start / step)``."""
    return wo.inverse_sqrt(body_value, timescale=tail_start)


@port()
def _CosineSawtoothTail(steps_per_cycle: Length, min_value: Number = 1e-5) -> Tail:
    """Half a cosine from the body's rate to ``min_value``, repeatedly."""
    return lambda tail_start, body_value: wo.restart(
        wo.cosine(body_value, min_value, steps_per_cycle), period=steps_per_cycle
    )
