"""A power of time that never ends: the family of `inverse_sqrt` and `inverse_time`, of any power."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from . import _checks
from ._numerics import HUGE, LOG_MOST
from ._schedule import Number, Schedule
from ._time import Time, real


class PowerLaw(Schedule):
    """Made by `power_law`."""

    init_value: Number
    power: Number
    timescale: Number = 1.0

    def evaluate(self, time: Time) -> Any:
        base = 1 + time.ratio(self.timescale)
        # A growth stops before it leaves float32. The bound itself is finite where log(base) is 0.
        power = jnp.minimum(real(self.power), LOG_MOST / jnp.maximum(jnp.log(base), 1e-18))
        return jnp.clip(real(self.init_value) * jnp.power(base, power), -HUGE, HUGE)


def power_law(init_value: Number, *, power: Number, timescale: Number = 1.0) -> PowerLaw:
    r"""Falls (or grows) as a power of time, without a horizon.

    .. math:: v(t) = I \left(1 + \frac{t}{\tau}\right)^k

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      power: :math:`k`, any finite number: -0.5 is `inverse_sqrt`, -1 `inverse_time`; above 0 it grows.
      timescale: :math:`\tau` > 0, in optimizer updates, whole or not. With 1 the rate of the ``n``-th
        update, counted from 1, is ``init_value * n**power``.

    Returns:
      A `Schedule` without an end. The value at 0 holds before 0. Within 8 ULP, times ``abs(power)`` if that
      is above 1. A growth stops at ``exp(60)`` times its start.

    Raises:
      ValueError: If a number is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Shen et al., Power Scheduler (2024), section 3; TF Model Garden's ``DirectPowerDecay``.

    >>> import warmup_optax as wo
    >>> wo.power_law(1.0, power=-0.5)([0, 3, 15]).tolist()
    [1.0, 0.5, 0.25]
    >>> wo.power_law(1.0, power=-2, timescale=10)([0, 10, 30]).tolist()
    [1.0, 0.25, 0.0625]
    """
    return PowerLaw(
        _checks.number("power_law", "init_value", init_value),
        _checks.number("power_law", "power", power),
        _checks.number("power_law", "timescale", timescale, above=0),
    )
