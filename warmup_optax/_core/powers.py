"""Powers without cancellation, with finite gradients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .scalars import Scalar, default_float, real

TINY = float(np.finfo(np.float32).tiny)  # the least argument of a log or a root: keeps gradients finite
HUGE = float(np.finfo(np.float32).max)
LOG_HUGE = 88.0  # exp(88) is the last whole power of e that float32 holds
LOG_MOST = 60.0  # cap on growth: the gradient of exp(60) is still finite in float32


def split_power(x: jax.Array, y: jax.Array, power: Scalar) -> tuple[jax.Array, jax.Array]:
    """``(x**k, 1 - x**k)`` for weights ``x + y == 1``, neither with cancellation."""
    if isinstance(power, float) and power in (2, 3, 4):
        # Known to the program, a small whole power is a product: 1 - x**k = (1 - x)(1 + x + ... + x**(k - 1)).
        powers = [x**i for i in range(1, int(power) + 1)]
        return powers[-1], y * sum(powers[:-1], 1.0)
    power = real(power)
    x_safe, y_safe = jnp.maximum(x, TINY), jnp.minimum(y, 1)
    log_x = jnp.where(y_safe < 0.5, jnp.log1p(-jnp.minimum(y_safe, 0.5)), jnp.log(x_safe))
    raised, lost = jnp.power(x_safe, power), -jnp.expm1(power * log_x)
    # A power of 1 is the weights themselves, bit for bit; its gradient is that of any other power.
    missed = jax.tree.map(lambda a, b: jnp.where(power == 1, a - b, 0), (x, y), (raised, lost))
    return raised + jax.lax.stop_gradient(missed[0]), lost + jax.lax.stop_gradient(missed[1])


def growth_limit(log_rate: jax.Array, times: jax.Array) -> jax.Array:
    """``times``, held where a growth by ``exp(log_rate)`` each time has come to ``exp(60)``."""
    grows = log_rate > 0
    return jnp.where(grows, jnp.minimum(times, LOG_MOST / jnp.where(grows, log_rate, 1)), times)


def rate_power(
    rate: jax.Array, dropped: Scalar, whole: jax.Array, part: jax.Array | float = 0.0
) -> jax.Array:
    """``rate ** (whole + part)``; ``dropped`` is what float32 cut off from it. A growth stops at ``exp(60)``."""
    # A whole exponent is exact at any size; those of the part and of what was dropped are small.
    log_rate = jnp.log(rate)
    whole = growth_limit(log_rate, whole)
    rest = whole * (real(dropped) / rate) + part * log_rate
    return jnp.power(rate, whole) * jnp.exp(jnp.clip(rest, -LOG_MOST, LOG_MOST))


def split_rate(rate: Scalar) -> tuple[Scalar, Scalar]:
    """A rate in the default float dtype, and what that cuts off from it; large powers magnify its rounding."""
    return rate, rate - float(np.asarray(rate, default_float())) if isinstance(rate, float) else 0.0
