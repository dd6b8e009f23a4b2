"""Shapes that never end: they fall (or grow) for ever, on a local count that starts at 0."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from . import _checks
from ._node import prepared, static
from ._numerics import HUGE, rate_power, with_dropped
from ._schedule import Number, Schedule
from ._time import Time, real


class Exponential(Schedule):
    """Made by `exponential`."""

    init_value: Number
    decay_rate: Number
    transition_steps: Number
    staircase: bool = static(default=False)
    end_value: Number | None = None
    # What float32 drops from decay_rate. A rate is raised to large powers, which magnify its rounding.
    dropped: Any = prepared(default=None)

    def prepare(self) -> Exponential:
        return with_dropped(self, "decay_rate")

    def evaluate(self, time: Time) -> Any:
        init_value, rate = real(self.init_value), real(self.decay_rate)
        whole, part = time.divide(self.transition_steps)
        # Two powers: a whole exponent is exact at any size, and the other is below 1.
        factor = rate_power(rate, self.dropped, whole)
        value = init_value * (factor if self.staircase else factor * jnp.power(rate, part))
        value = jnp.clip(value, -HUGE, HUGE)
        if self.end_value is not None:
            bound = real(self.end_value)
            value = jnp.where(rate < 1, jnp.maximum(value, bound), jnp.minimum(value, bound))
        return jnp.where(time.started(), value, init_value)


def exponential(
    init_value: Number,
    *,
    decay_rate: Number,
    transition_steps: Number,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Exponential:
    r"""Multiplies by ``decay_rate`` every ``transition_steps``, smoothly or in stairs.

    .. math:: v(t) = I\, r^{t/n} \quad\text{or, in stairs,}\quad I\, r^{\lfloor t/n \rfloor}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      decay_rate: :math:`r` > 0, the factor of each ``transition_steps``; above 1 it grows.
      transition_steps: :math:`n`, in optimizer updates, a whole number >= 1.
      staircase: Whether the factor comes all at once, at the end of each ``transition_steps``.
      end_value: A bound that the curve does not pass: a floor for a rate below 1, a ceiling otherwise
        (Optax's rule). None for no bound.

    Returns:
      A `Schedule` without an end: it goes on for ever. The value at 0 holds before 0. Within 8 ULP and one
      for each halving. A growth stops at ``exp(60)`` times its start.

    Raises:
      ValueError: If a number is not finite, ``decay_rate`` <= 0, or ``transition_steps`` is not a whole
        number >= 1.
      TypeError: If an argument is not a number, or ``staircase`` not a bool.

    Concrete rates are used to float64's precision, so ``0.9999`` a step is right after 100,000 steps. A rate
    that comes as a traced float32 number is what float32 makes of it.

    >>> import warmup_optax as wo
    >>> wo.exponential(1.0, decay_rate=0.5, transition_steps=2)([0, 2, 4]).tolist()
    [1.0, 0.5, 0.25]
    >>> wo.exponential(1.0, decay_rate=0.5, transition_steps=2, staircase=True)([0, 1, 2]).tolist()
    [1.0, 1.0, 0.5]
    """
    where = "exponential"
    return Exponential(
        _checks.number(where, "init_value", init_value),
        _checks.number(where, "decay_rate", decay_rate, above=0, fix="for a constant rate use constant()"),
        _checks.steps(where, "transition_steps", transition_steps, at_least=1),
        _checks.boolean(where, "staircase", staircase),
        None if end_value is None else _checks.number(where, "end_value", end_value),
    )


class InverseSqrt(Schedule):
    """Made by `inverse_sqrt`."""

    init_value: Number
    timescale: Number

    def evaluate(self, time: Time) -> Any:
        return real(self.init_value) / jnp.sqrt(1 + time.ratio(self.timescale))


def inverse_sqrt(init_value: Number, *, timescale: Number) -> InverseSqrt:
    r"""Falls as one over the square root of time: the decay of the Transformer, without a horizon.

    .. math:: v(t) = I \sqrt{\frac{\tau}{\tau + t}}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      timescale: :math:`\tau` > 0, in optimizer updates, whole or not: at ``t = 3 * timescale`` the rate has
        halved. After a warmup of ``W`` steps, ``timescale=W`` gives the :math:`\sqrt{W / count}` of fairseq
        and T5; big_vision and Hugging Face take 10,000.

    Returns:
      A `Schedule` without an end. The value at 0 holds before 0. Within 8 ULP.

    Raises:
      ValueError: If a number is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Vaswani et al., Attention Is All You Need (2017), section 5.3.

    >>> import warmup_optax as wo
    >>> wo.inverse_sqrt(1.0, timescale=100)([0, 300]).tolist()
    [1.0, 0.5]
    """
    return InverseSqrt(
        _checks.number("inverse_sqrt", "init_value", init_value),
        _checks.number("inverse_sqrt", "timescale", timescale, above=0),
    )


class InverseTime(Schedule):
    """Made by `inverse_time`."""

    init_value: Number
    decay_rate: Number
    transition_steps: Number
    staircase: bool = static(default=False)

    def evaluate(self, time: Time) -> Any:
        steps = self.transition_steps
        passed = time.cycle(steps)[0] if self.staircase else time.ratio(steps)
        return real(self.init_value) / (1 + real(self.decay_rate) * passed)


def inverse_time(
    init_value: Number, *, decay_rate: Number, transition_steps: Number, staircase: bool = False
) -> InverseTime:
    r"""Falls as one over time, smoothly or in stairs.

    .. math:: v(t) = \frac{I}{1 + r\, t / n} \quad\text{or, in stairs,}\quad
              \frac{I}{1 + r \lfloor t / n \rfloor}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      decay_rate: :math:`r` > 0: after ``transition_steps`` the rate is ``init_value / (1 + decay_rate)``.
      transition_steps: :math:`n`, in optimizer updates, a whole number >= 1.
      staircase: Whether time is counted in whole ``transition_steps``.

    Returns:
      A `Schedule` without an end. The value at 0 holds before 0. Within 8 ULP.

    Raises:
      ValueError: If a number is not finite, ``decay_rate`` <= 0, or ``transition_steps`` is not a whole
        number >= 1.
      TypeError: If an argument is not a number, or ``staircase`` not a bool.

    >>> import warmup_optax as wo
    >>> wo.inverse_time(1.0, decay_rate=1.0, transition_steps=10)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    where = "inverse_time"
    return InverseTime(
        _checks.number(where, "init_value", init_value),
        _checks.number(where, "decay_rate", decay_rate, above=0, fix="for a constant rate use constant()"),
        _checks.steps(where, "transition_steps", transition_steps, at_least=1),
        _checks.boolean(where, "staircase", staircase),
    )
