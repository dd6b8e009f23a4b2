"""Curves on a local count that starts at 0. They know no absolute time, and nothing of one another.

Every shape is a node (its numbers and its equation) and the function that checks the numbers and makes the
node. With ``t`` the local count, a finite shape of ``n`` steps uses the elapsed fraction ``p = t / n`` and
the remaining fraction ``q = (n - t) / n``, each exact, and is ``init * w(q) + end * w(p)``: two weights that
add up to one and are each computed without cancellation, so the tail of a decay to 0 keeps all its digits.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from . import _checks
from ._node import static
from ._numerics import TINY, split_power
from ._schedule import Constant, Number, Schedule
from ._time import Time, real


class Finite(Schedule):
    """A curve from one value to another in a number of steps, both ends exactly the user's numbers."""

    init_value: Number
    end_value: Number
    steps: Number

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        """The weights of `init_value` and `end_value` where ``p`` has elapsed and ``q = 1 - p`` remains."""
        raise NotImplementedError

    def evaluate(self, time: Time) -> Any:
        p, q = time.progress(self.steps)
        of_init, of_end = self.weights(p, q)
        init_value, end_value = real(self.init_value), real(self.end_value)
        between = init_value * of_init + end_value * of_end
        # The ends are selected: XLA may turn t / n into a product with 1 / n, which misses 1.
        return jnp.where(time.reached(self.steps), end_value, jnp.where(time.started(), between, init_value))


def _ends(where: str, init_value: Any, end_value: Any, steps: Any, **limits: Any) -> tuple[Any, Any, Any]:
    """The three arguments that all finite shapes share, checked."""
    return (
        _checks.number(where, "init_value", init_value, **limits),
        _checks.number(where, "end_value", end_value, **limits),
        _checks.steps(where, "steps", steps),
    )


class Linear(Finite):
    """Made by `linear`."""

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        return q, p


def linear(init_value: Number, end_value: Number, steps: Number) -> Linear:
    r"""A straight line from one value to another.

    .. math:: v(t) = I \frac{n - t}{n} + E \frac{t}{n}, \quad 0 \le t \le n

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 it is over at once:
        ``end_value`` at every count (Optax's linear schedule would stay at its start for ever).

    Returns:
      A `Schedule`: scalar or array count in, the same shape out, of the default float dtype. The value at
      0 holds before 0, ``end_value`` holds after ``n``. Within 4 ULP of the equation between the ends.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.linear(0.0, 1.0, steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return Linear(*_ends("linear", init_value, end_value, steps))


class Cosine(Finite):
    """Made by `cosine`."""

    exponent: Number = 1.0

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        # (1 + cos(pi p)) / 2 is 0 to all digits in the tail; the sine of the other half-angle is not.
        of_init = jnp.square(jnp.sin(real(np.pi / 2) * q))
        of_end = jnp.square(jnp.sin(real(np.pi / 2) * p))
        return split_power(of_init, of_end, self.exponent)


def cosine(init_value: Number, end_value: Number, steps: Number, *, exponent: Number = 1.0) -> Cosine:
    r"""Half a cosine from one value to another: flat at both ends.

    .. math:: v(t) = E + (I - E) \left(\tfrac12 + \tfrac12 \cos \pi \tfrac{t}{n}\right)^k

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly; absolute, not the fraction
        ``alpha`` of the peak that Optax and Keras take. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      exponent: :math:`k` > 0, Optax's: above 1 the curve falls earlier.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``; PyTorch's, Paddle's and
      Hugging Face's cosines rise again there. Within 8 ULP of the equation (times ``exponent``) also in
      the tail of a decay to 0, where ``1 + cos`` in float32 has no digit left.

    Raises:
      ValueError: If a number is not finite, ``steps`` is negative or fractional, or ``exponent`` <= 0.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), section 3, equation 5.

    >>> import warmup_optax as wo
    >>> wo.cosine(1.0, 0.0, steps=4)([0, 2, 4, 9]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return Cosine(
        *_ends("cosine", init_value, end_value, steps),
        _checks.number("cosine", "exponent", exponent, above=0),
    )


class Polynomial(Finite):
    """Made by `polynomial`."""

    power: Number
    origin: str = static(default="end")

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        if self.origin == "end":
            return split_power(q, p, self.power)
        of_end, of_init = split_power(p, q, self.power)
        return of_init, of_end


def polynomial(
    init_value: Number, end_value: Number, steps: Number, *, power: Number, origin: str = "end"
) -> Polynomial:
    r"""A power of the remaining, or of the elapsed, time.

    .. math::
      v(t) = I + (E - I)\left(1 - (1 - t/n)^k\right) \ \text{(origin "end")}, \qquad
      v(t) = I + (E - I)(t/n)^k \ \text{(origin "init")}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      power: :math:`k` > 0. 1 is `linear`, bit for bit.
      origin: The end at which the curve is a pure power, so flat for ``power`` > 1. ``"end"`` is the decay
        of Optax, Keras, PyTorch and Hugging Face; as a warmup it rises fast first. ``"init"`` is the
        warmup of TF Model Garden, which rises slowly first.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP times
      ``power`` of the equation.

    Raises:
      ValueError: If a number is not finite, ``steps`` is negative or fractional, ``power`` <= 0, or
        ``origin`` is another word.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.polynomial(1.0, 0.0, steps=4, power=2)([0, 2, 4]).tolist()
    [1.0, 0.25, 0.0]
    >>> wo.polynomial(0.0, 1.0, steps=4, power=2, origin="init")([0, 2, 4]).tolist()
    [0.0, 0.25, 1.0]
    """
    return Polynomial(
        *_ends("polynomial", init_value, end_value, steps),
        _checks.number("polynomial", "power", power, above=0),
        _checks.choice("polynomial", "origin", origin, ("end", "init")),
    )


class OneMinusSqrt(Finite):
    """Made by `one_minus_sqrt`."""

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        root = jnp.sqrt(jnp.maximum(p, TINY))
        return q / (1 + root), root  # 1 - sqrt(p) = (1 - p) / (1 + sqrt(p)), without the difference


def one_minus_sqrt(init_value: Number, end_value: Number, steps: Number) -> OneMinusSqrt:
    r"""The cooldown that does best in the study of warmup-stable-decay: steep first, gentle at the end.

    .. math:: v(t) = I + (E - I) \sqrt{t / n}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP. Named
      ``minus_sqrt`` in Megatron-LM, ``1-sqrt`` in Hugging Face, ``sqrt`` in torchtitan.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    Source: Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations
    (2024), section 4.

    >>> import warmup_optax as wo
    >>> wo.one_minus_sqrt(1.0, 0.0, steps=4)([0, 1, 4]).tolist()
    [1.0, 0.5, 0.0]
    """
    return OneMinusSqrt(*_ends("one_minus_sqrt", init_value, end_value, steps))


class Geometric(Finite):
    """Made by `geometric`."""

    def evaluate(self, time: Time) -> Any:
        p, q = time.progress(self.steps)
        init_value, end_value = real(self.init_value), real(self.end_value)
        # An end that is not positive is one of a phase that is not taken: its log must not spoil a gradient.
        above, below = (jnp.where(value > 0, value, 1) for value in (end_value, init_value))
        log_ratio = jnp.log(above / below)
        # From the nearer end, so that the exponent, whose rounding is what one sees, is at most half.
        between = jnp.where(p < q, init_value * jnp.exp(log_ratio * p), end_value * jnp.exp(-log_ratio * q))
        return jnp.where(time.reached(self.steps), end_value, jnp.where(time.started(), between, init_value))


def geometric(init_value: Number, end_value: Number, steps: Number) -> Geometric:
    r"""A straight line on a logarithmic axis: every step multiplies by the same factor.

    .. math:: v(t) = I^{1 - t/n} E^{t/n}

    Args:
      init_value: :math:`I` > 0, the learning rate at ``t = 0``, exactly.
      end_value: :math:`E` > 0, the learning rate at ``t = n`` and after it, exactly.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP, and one
      more for each halving between the ends.

    Raises:
      ValueError: If an end is not > 0 (no factor leads to 0: use `linear`, or a small positive end), or
        ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.geometric(1.0, 0.01, steps=4)([0, 2, 4]).round(6).tolist()
    [1.0, 0.10000000149011612, 0.009999999776482582]
    """
    fix = "a factor never reaches 0: use linear or cosine, or a small positive value"
    return Geometric(*_ends("geometric", init_value, end_value, steps, above=0, fix=fix))


def constant(value: Number) -> Constant:
    """The same learning rate at every count.

    Args:
      value: Any finite number.

    Returns:
      A `Schedule`, exactly ``value`` everywhere, of the shape of the count (Optax's constant schedule
      gives back a Python number whatever the count).

    Raises:
      ValueError: If ``value`` is not finite.
      TypeError: If it is not a number.

    >>> import warmup_optax as wo
    >>> wo.constant(0.5)([0, 7]).tolist()
    [0.5, 0.5]
    """
    return Constant(_checks.number("constant", "value", value))
