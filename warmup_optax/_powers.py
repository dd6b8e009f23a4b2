"""A power of time that never ends: the family of `inverse_sqrt` and `inverse_time`, of any power."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from . import _checks
from ._node import static
from ._numerics import HUGE
from ._schedule import Number, Schedule
from ._time import Time, real

LOG_STEEP = 80.0  # exp(80) leaves room below float32's largest number for the gradients of a steep growth


class PowerLaw(Schedule):
    """Made by `power_law`."""

    init_value: Number
    power: Number
    timescale: Number = 1.0
    staircase: bool = static(default=False)

    def evaluate(self, time: Time) -> Any:
        passed = time.divide(self.timescale)[0] if self.staircase else time.ratio(self.timescale)
        base = 1 + passed
        # A growth stops before it leaves float32. The bound itself is finite where log(base) is 0.
        power = jnp.minimum(real(self.power), LOG_STEEP / jnp.maximum(jnp.log(base), 1e-3))
        return jnp.clip(real(self.init_value) * jnp.power(base, power), -HUGE, HUGE)


def power_law(
    init_value: Number, *, power: Number, timescale: Number = 1.0, staircase: bool = False
) -> PowerLaw:
    r"""Falls (or grows) as a power of time, without a horizon.

    .. math:: v(t) = I \left(1 + \frac{t}{\tau}\right)^k \quad\text{or, in stairs,}\quad
              I \left(1 + \lfloor t / \tau \rfloor\right)^k

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      power: :math:`k`, any finite number: -0.5 is `inverse_sqrt`, -1 `inverse_time`; above 0 it grows.
      timescale: :math:`\tau` > 0, in optimizer updates, whole or not (in stairs a whole number >= 1). With
        1 the rate of update number ``n``, counted from 1, is ``init_value * n**power``.
      staircase: Whether time is counted in whole timescales.

    Returns:
      A `Schedule` without an end. The value at 0 holds before 0. Within 8 ULP times ``abs(power)``, at
      least 8. A growth stops at 5e34 times ``init_value``, before it leaves float32.

    Raises:
      ValueError: If a number is not finite, or ``timescale`` is not above 0.
      TypeError: If an argument is not a number, or ``staircase`` not a bool.

    Source: Shen et al., Power Scheduler (2024), section 3; TF Model Garden's ``DirectPowerDecay``.

    >>> import warmup_optax as wo
    >>> wo.power_law(1.0, power=-0.5)([0, 3, 99]).round(6).tolist()
    [1.0, 0.5, 0.10000000149011612]
    >>> wo.power_law(1.0, power=-1, timescale=10, staircase=True)([0, 9, 10, 30]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    where = "power_law"
    staircase = _checks.boolean(where, "staircase", staircase)
    return PowerLaw(
        _checks.number(where, "init_value", init_value),
        _checks.number(where, "power", power),
        _checks.steps(where, "timescale", timescale, at_least=1)
        if staircase
        else _checks.number(where, "timescale", timescale, above=0),
        staircase,
    )
