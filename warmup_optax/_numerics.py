"""Powers without cancellation and without infinite gradients: what several shapes share."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._time import default_float, default_int, real

TINY = float(np.finfo(np.float32).tiny)  # the least argument of a log or a root: keeps gradients finite
HUGE = float(np.finfo(np.float32).max)
LOG_HUGE = 88.0  # exp(88) is the last whole power of e that float32 holds
LOG_MOST = 60.0  # a growth by exp(60) is enough for anyone, and its gradient is still finite in float32


def split_power(x: jax.Array, y: jax.Array, power: Any) -> tuple[jax.Array, jax.Array]:
    """``(x**k, 1 - x**k)`` for weights ``x + y == 1``, neither with cancellation."""
    power = real(power)
    x, y = jnp.maximum(x, TINY), jnp.minimum(y, 1)
    log_x = jnp.where(y < 0.5, jnp.log1p(-jnp.minimum(y, 0.5)), jnp.log(x))
    # A power of 1 is the weights themselves, bit for bit.
    plain = power == 1
    return jnp.where(plain, x, jnp.power(x, power)), jnp.where(plain, y, -jnp.expm1(power * log_x))


def rate_power(rate: jax.Array, dropped: Any, times: jax.Array) -> jax.Array:
    """``rate ** times`` for whole ``times``; ``dropped`` is what float32 cut off from the rate, or None.

    A growth stops at ``exp(60)``.
    """
    # 1e-18 leaves any count through, and its inverse and the square of that are finite, for the gradient.
    times = jnp.minimum(times, LOG_MOST / jnp.maximum(jnp.log(rate), 1e-18))
    power = jnp.power(rate, times)
    if dropped is None:
        return power
    return power * jnp.exp(jnp.clip(times * (real(dropped) / rate), -LOG_MOST, LOG_MOST))


def with_dropped(node: Any, name: str) -> Any:
    """``node`` with its field ``dropped`` set to what float32 cuts off from the concrete number ``name``."""
    rate = getattr(node, name)
    if not isinstance(rate, float):
        return node
    return dataclasses.replace(node, dropped=rate - float(np.asarray(rate, default_float())))


def table(numbers: tuple[Any, ...]) -> Any:
    """Numbers as one array, of the default integer dtype if all are whole: on the host if concrete."""
    kinds = {form(x)[1] for x in numbers}
    dtype = default_int() if kinds == {"i"} else default_float()
    types = set(map(type, numbers))
    if types <= {int, float}:  # a join has thousands of these
        return np.asarray(numbers, dtype)
    if all(issubclass(x, (int, float, np.generic, np.ndarray)) for x in types):
        return np.stack([np.asarray(x, dtype) for x in numbers])
    return jnp.stack([jnp.asarray(x, dtype) for x in numbers])


def form(number: Any) -> tuple[tuple[int, ...], str]:
    """The shape of a number, or of an array of them, and the letter of its type: "i" if it is whole."""
    if type(number) is float:  # asked first: JAX's own answer takes twenty times as long
        return (), "f"
    if type(number) is int:
        return (), "i"
    dtype = jnp.result_type(number)
    return jnp.shape(number), "i" if jnp.issubdtype(dtype, jnp.integer) else dtype.kind
