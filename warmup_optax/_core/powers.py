"""Powers without cancellation, with finite gradients."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax

from .scalars import Scalar, default_float, real, select

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
    power, half, one = real(power), real(0.5), real(1.0)
    x_safe, y_safe = lax.max(x, real(TINY)), lax.min(y, one)
    log_x = select(lax.lt(y_safe, half), lax.log1p(lax.neg(lax.min(y_safe, half))), lax.log(x_safe))
    raised, lost = lax.pow(x_safe, power), lax.neg(lax.expm1(lax.mul(power, log_x)))
    # A power of 1 is the weights themselves, bit for bit; its gradient is that of any other power.
    linear = lax.eq(power, one)
    same = [lax.add(a, lax.stop_gradient(lax.sub(b, a))) for a, b in ((raised, x), (lost, y))]
    return select(linear, same[0], raised), select(linear, same[1], lost)


def growth_limit(log_rate: jax.Array, times: jax.Array) -> jax.Array:
    """``times``, held where a growth by ``exp(log_rate)`` each time has come to ``exp(60)``."""
    grows = lax.gt(log_rate, real(0.0))
    most = lax.div(real(LOG_MOST), select(grows, log_rate, real(1.0)))
    return select(grows, lax.min(times, most), times)


def rate_power(
    rate: jax.Array, dropped: Scalar, whole: jax.Array, part: jax.Array | float = 0.0
) -> jax.Array:
    """``rate ** (whole + part)``; ``dropped`` is what float32 cut off from it. A growth stops at ``exp(60)``."""
    # A whole exponent is exact at any size; those of the part and of what was dropped are small.
    log_rate = lax.log(rate)
    whole = growth_limit(log_rate, whole)
    rest = lax.mul(whole, lax.div(real(dropped), rate))
    rest = lax.add(rest, lax.mul(real(part), log_rate))
    return lax.mul(lax.pow(rate, whole), lax.exp(lax.clamp(real(-LOG_MOST), rest, real(LOG_MOST))))


def split_rate(rate: Scalar) -> tuple[Scalar, Scalar]:
    """A rate in the default float dtype, and what that cuts off from it; large powers magnify its rounding."""
    return rate, rate - float(np.asarray(rate, default_float())) if isinstance(rate, float) else 0.0
