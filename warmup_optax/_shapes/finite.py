"""Curves from one value to another in a number of steps.

With ``t`` the local count, a finite shape of ``n`` steps uses the elapsed fraction ``p = t / n`` and the
remaining fraction ``q = (n - t) / n``, each exact, and is ``init * w(q) + end * w(p)``: two weights that add up
to one and are each computed without cancellation, so the tail of a decay to 0 keeps all its digits.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import lax

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import checked, static
from .._core.phases import CONSTANT, Phase, View
from .._core.powers import LOG_HUGE, TINY, split_power
from .._core.received import Fields
from .._core.scalars import Length, Scalar, real, select, whole_number
from .._core.schedule import Number, NumberField, Schedule, Steps
from .._core.time import Time

Weights: TypeAlias = tuple[Any, Any]  # of the two ends; they add up to 1
Curve: TypeAlias = Callable[..., Weights]  # of the elapsed and the remaining fraction, and numbers

_DECAY = "it is the decay of a moving average"
_NEVER_0 = "a factor never reaches 0: use linear or cosine, or a small positive value"


class FiniteSchedule(Schedule, kind="FiniteSchedule"):
    """A curve from one value to another in a number of steps, both ends exactly the user's numbers.

    A finite shape of your own is a subclass that defines `weights`, and may add fields after the three:

    >>> import jax.numpy as jnp
    >>> import warmup_optax as wo
    >>> class QuarterSine(wo.FiniteSchedule):
    ...     def weights(self, p, q):
    ...         # 1 - sin(pi q / 2) = 2 sin(pi p / 4)**2, which keeps its digits where p is small.
    ...         return jnp.sin(jnp.pi / 2 * q), 2 * jnp.square(jnp.sin(jnp.pi / 4 * p))
    >>> QuarterSine(1.0, 0.0, steps=3)([0, 2, 3]).round(6).tolist()
    [1.0, 0.5, 0.0]
    >>> wo.with_warmup(wo.constant(1.0), steps=4, shape=QuarterSine)([0, 4]).tolist()
    [0.0, 1.0]

    Attributes:
      init_value: The value at ``t = 0`` and before.
      end_value: The value at ``t = steps`` and after.
      steps: The length in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
    """

    init_value: NumberField = checked(checks.number)
    end_value: NumberField = checked(checks.number)
    steps: NumberField = checked(checks.steps)

    @abc.abstractmethod
    def weights(self, p: Any, q: Any) -> Weights:
        """The weights of ``init_value`` and ``end_value``; what a finite shape of your own defines.

        Args:
          p: The elapsed fraction, a real scalar in [0, 1], exact to half a unit in the last place.
          q: The remaining fraction, ``1 - p`` as exact; never computed as a difference.

        Returns:
          Two weights that add up to 1, neither of them a difference of nearly equal numbers. At the ends
          they are not used: the ends are the user's numbers.
        """
        raise NotImplementedError

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        """The weights as a function, and the numbers that it takes."""
        return _own_weights, (self._received_fields(),)

    def lower(self) -> Lowered:
        return self._in_power(None)

    def _in_power(self, power: Scalar | None) -> Lowered:
        """The shape, lowered, in a power of time."""
        curve, numbers = self._curve()
        steps = whole_number(self.steps)
        return _Finite(self.init_value, self.end_value, steps, numbers, power, curve)

    def walk(self, view: View) -> Iterator[Phase]:
        if self.steps > 0:
            yield Phase(0, self._kind)
        yield Phase(self.steps, CONSTANT, "end" if self.steps > 0 else "start")


def _own_weights(p: Any, q: Any, fields: Fields) -> Weights:
    weights = fields.node().weights(p, q)
    if not isinstance(weights, (tuple, list)) or [np.shape(weight) for weight in weights] != [(), ()]:
        raise TypeError(
            f"{fields.cls._kind}.weights must return two scalars, got {weights!r}; "
            "return the weight of init_value and the weight of end_value"
        )
    return weights[0], weights[1]


class _Finite(Lowered):
    """A curve between two values by the weights of the two."""

    init_value: Scalar
    end_value: Scalar
    steps: Length
    numbers: tuple[Any, ...]
    power: Scalar | None
    curve: Curve = static()

    def evaluate(self, time: Time) -> Any:
        p, q = time.progress(self.steps)
        if self.power is not None:
            p, q = split_power(p, q, self.power)
        of_init, of_end = self.curve(p, q, *self.numbers)
        init_value, end_value = real(self.init_value), real(self.end_value)
        between = lax.add(lax.mul(init_value, real(of_init)), lax.mul(end_value, real(of_end)))
        return _with_ends(time, self.steps, init_value, between, end_value)


def _with_ends(time: Time, steps: Length, init_value: Any, between: Any, end_value: Any) -> Any:
    # The ends are selected: XLA may turn t / n into a product with 1 / n, which misses 1.
    return select(time.reached(steps), end_value, select(time.started(), between, init_value))


class _Shape(FiniteSchedule):
    """A finite shape of the library: a function of the fractions, and numbers."""

    @abc.abstractmethod
    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        """The weights as a function, and the numbers that it takes."""

    def weights(self, p: Any, q: Any) -> Weights:
        curve, numbers = self._curve()
        return curve(p, q, *numbers)


def line(p: Any, q: Any) -> Weights:
    """The weights of a straight line."""
    return q, p


class Linear(_Shape, kind="linear"):
    """Made by `linear`."""

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        return line, ()


def linear(init_value: Number, end_value: Number, steps: Steps) -> Linear:
    r"""A straight line from one value to another.

    .. math:: v(t) = I \frac{n - t}{n} + E \frac{t}{n}, \quad 0 \le t \le n

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 it is over at once:
        ``end_value`` at every count (Optax's linear schedule would stay at its start).

    Returns:
      A `Schedule`: scalar or array count in, the same shape out, of the default float dtype. The value at
      0 holds before 0, ``end_value`` holds after ``n``. Within 4 ULP of the equation between ends of one sign.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.linear(0.0, 1.0, steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return Linear(init_value, end_value, steps)


class Cosine(_Shape, kind="cosine"):
    """Made by `cosine`."""

    exponent: NumberField = checked(checks.number, above=0, default=1.0)

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        # A concrete exponent of 1 is a structure of its own, which costs no power.
        if isinstance(self.exponent, float) and self.exponent == 1:
            return half_cosine, ()
        return _cosine_power, (self.exponent,)


def half_cosine(p: Any, q: Any) -> Weights:
    """The weights of half a cosine."""
    # (1 + cos(pi p)) / 2 is 0 to all digits in the tail; the squared sine of the nearer half-angle is not, and
    # one minus it, at least a half, loses none.
    early = lax.lt(p, q)
    sine = lax.sin(lax.mul(real(np.pi / 2), select(early, p, q)))
    near = lax.mul(sine, sine)
    other = lax.sub(real(1.0), near)
    return select(early, other, near), select(early, near, other)


def _cosine_power(p: Any, q: Any, exponent: Any) -> Weights:
    return split_power(*half_cosine(p, q), exponent)


def cosine(init_value: Number, end_value: Number, steps: Steps, *, exponent: Number = 1.0) -> Cosine:
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
    return Cosine(init_value, end_value, steps, exponent)


class Polynomial(_Shape, kind="polynomial"):
    """Made by `polynomial`."""

    power: NumberField = checked(checks.number, above=0)
    origin: Literal["end", "init"] = checked(checks.choice, words=("end", "init"), default="end", static=True)

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        if isinstance(self.power, float) and self.power == 1:
            return line, ()
        return _power_of_remaining if self.origin == "end" else _power_of_elapsed, (self.power,)


def _power_of_remaining(p: Any, q: Any, power: Any) -> Weights:
    return split_power(q, p, power)


def _power_of_elapsed(p: Any, q: Any, power: Any) -> Weights:
    of_end, of_init = split_power(p, q, power)
    return of_init, of_end


def polynomial(
    init_value: Number,
    end_value: Number,
    steps: Steps,
    *,
    power: Number,
    origin: Literal["end", "init"] = "end",
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
    return Polynomial(init_value, end_value, steps, power, origin)


class OneMinusSqrt(_Shape, kind="one_minus_sqrt"):
    """Made by `one_minus_sqrt`."""

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        return _one_minus_sqrt, ()


def _one_minus_sqrt(p: Any, q: Any) -> Weights:
    root = jnp.sqrt(jnp.maximum(p, TINY))
    return q / (1 + root), root  # 1 - sqrt(p) = (1 - p) / (1 + sqrt(p)), without the difference


def one_minus_sqrt(init_value: Number, end_value: Number, steps: Steps) -> OneMinusSqrt:
    r"""The square root of the elapsed fraction: steep first, gentle at the end.

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
    return OneMinusSqrt(init_value, end_value, steps)


class Geometric(FiniteSchedule, kind="geometric"):
    """Made by `geometric`."""

    init_value: NumberField = checked(checks.number, above=0, fix=_NEVER_0)
    end_value: NumberField = checked(checks.number, above=0, fix=_NEVER_0)
    steps: NumberField = checked(checks.steps)

    def weights(self, p: Any, q: Any) -> Weights:
        return _exponential_weights(p, q, -_log_ratio(self.init_value, self.end_value))

    def lower(self) -> Lowered:
        return _Geometric(self.init_value, self.end_value, whole_number(self.steps))


class _Geometric(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length

    def evaluate(self, time: Time) -> Any:
        p, q = time.progress(self.steps)
        init_value, end_value = real(self.init_value), real(self.end_value)
        log_ratio = _log_ratio(init_value, end_value)
        # From the nearer end, so that the exponent, whose rounding is what one sees, is at most half.
        between = jnp.where(p < q, init_value * jnp.exp(log_ratio * p), end_value * jnp.exp(-log_ratio * q))
        return _with_ends(time, self.steps, init_value, between, end_value)


def _log_ratio(init_value: Any, end_value: Any) -> Any:
    # An end that is not positive is one of a phase that is not taken: its log must not spoil a gradient.
    above, below = (jnp.where(real(value) > 0, real(value), 1) for value in (end_value, init_value))
    return jnp.log(above / below)


def _exponential_weights(p: Any, q: Any, x: Any) -> Weights:
    # (r^p - r) / (1 - r) and (1 - r^p) / (1 - r), with r = exp(-x): no power is subtracted.
    x = real(x)
    line = abs(x) < TINY
    x = jnp.where(line, 1, x)
    of_init, of_end = jnp.expm1(x * q) / jnp.expm1(x), jnp.expm1(-x * p) / jnp.expm1(-x)
    return jnp.where(line, q, of_init), jnp.where(line, p, of_end)


def geometric(init_value: Number, end_value: Number, steps: Steps) -> Geometric:
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
    return Geometric(init_value, end_value, steps)


class Tanh(FiniteSchedule, kind="tanh"):
    """Made by `tanh`."""

    start: NumberField = checked(checks.number, default=-7.0)
    stop: NumberField = checked(checks.number, default=3.0)

    def weights(self, p: Any, q: Any) -> Weights:
        return _tanh_weights(p, q, self.start, self.stop)

    def lower(self) -> Lowered:
        return _Tanh(self.init_value, self.end_value, whole_number(self.steps), self.start, self.stop)


class _Tanh(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length
    start: Scalar
    stop: Scalar

    def evaluate(self, time: Time) -> Any:
        of_init, of_end = _tanh_weights(*time.progress(self.steps), self.start, self.stop)
        between = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.reached(self.steps), real(self.end_value), between)


def _tanh_weights(p: Any, q: Any, start: Any, stop: Any) -> Weights:
    # (1 - tanh(x)) / 2 is 1 / (1 + exp(2x)), of which neither tail is a difference.
    twice = jnp.clip(2 * (real(start) * q + real(stop) * p), -LOG_HUGE, LOG_HUGE)
    return 1 / (1 + jnp.exp(twice)), 1 / (1 + jnp.exp(-twice))


def tanh(
    init_value: Number, end_value: Number, steps: Steps, *, start: Number = -7.0, stop: Number = 3.0
) -> Tanh:
    r"""A piece of a hyperbolic tangent from one value to another: long high, then quickly low.

    .. math:: v(t) = E + (I - E)\, \tfrac12 \left(1 - \tanh\frac{a (n - t) + b t}{n}\right), \quad 0 \le t < n

    Args:
      init_value: :math:`I`, the value that the whole curve comes from. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      start: :math:`a`, where on the tangent the piece begins. Below -4 the first value is ``init_value``
        within 0.04 % of the way; it is not exactly that.
      stop: :math:`b`, where it ends: the value just before ``t = n`` is as far from ``end_value`` as
        :math:`(1 - \tanh b) / 2` of the way, 0.25 % for 3. The rest is a jump.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP, and one
      more for each halving of a weight.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    Source: Hsueh et al., Stochastic Gradient Descent with Hyperbolic-Tangent Decay (2018), section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.tanh(1.0, 0.0, steps=10)([0, 5, 7, 9, 10]).round(4).tolist()
    [1.0, 0.9819999933242798, 0.5, 0.017999999225139618, 0.0]
    """
    return Tanh(init_value, end_value, steps, start, stop)


class FiniteExponential(_Shape, kind="finite_exponential"):
    """Made by `finite_exponential`."""

    ratio: NumberField = checked(checks.number, above=0, below=1, fix="for a straight line use linear()")

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        # A ratio near 1 has its digits in 1 - ratio, which float32 would drop.
        concrete = isinstance(self.ratio, float)
        x = -math.log(self.ratio) if concrete else -jnp.log(real(self.ratio))
        return _exponential_weights, (x,)


def finite_exponential(
    init_value: Number, end_value: Number, steps: Steps, *, ratio: Number
) -> FiniteExponential:
    r"""An exponential decay, stretched to arrive at a value that need not be above 0.

    .. math:: v(t) = I + (E - I) \frac{1 - r^{t/n}}{1 - r}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number, 0 too.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      ratio: :math:`r` in (0, 1): what the exponential would fall to in ``steps``, before the stretching. Near
        1 the curve is a straight line; 0.5 is Megatron-LM's, 0.1 timm's.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP, and one
      more for each halving of ``ratio``. (`geometric` is the exponential between two values above 0.)

    Raises:
      ValueError: If a number is not finite, ``steps`` is negative or fractional, or ``ratio`` is not
        between 0 and 1.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.shapes.finite_exponential(1.0, 0.0, steps=2, ratio=0.25)([0, 1, 2]).round(4).tolist()
    [1.0, 0.33329999446868896, 0.0]
    """
    return FiniteExponential(init_value, end_value, steps, ratio)


class Logarithmic(FiniteSchedule, kind="logarithmic"):
    """Made by `logarithmic`."""

    def weights(self, p: Any, q: Any) -> Weights:
        return _logarithmic_weights(p * real(self.steps), p, q, self.steps)

    def lower(self) -> Lowered:
        return _Logarithmic(self.init_value, self.end_value, whole_number(self.steps))


class _Logarithmic(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length

    def evaluate(self, time: Time) -> Any:
        of_init, of_end = _logarithmic_weights(time.elapsed(), *time.progress(self.steps), self.steps)
        between = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.reached(self.steps), real(self.end_value), between)


def _logarithmic_weights(t: Any, p: Any, q: Any, steps: Any) -> Weights:
    whole = jnp.log(jnp.maximum(real(steps), 2))
    # ln(n / t): from the remaining fraction near the end, where it is small.
    early = (p > 0) & (p < 0.5) & (t > 1)
    of_init = jnp.where(early, -jnp.log(jnp.where(early, p, 0.5)), -jnp.log1p(-jnp.minimum(q, 0.5)))
    of_end = jnp.log1p(jnp.maximum(t - 1, 0))
    return jnp.where(t > 1, of_init / whole, 1), of_end / whole


def logarithmic(init_value: Number, end_value: Number, steps: Steps) -> Logarithmic:
    r"""From one value to another with the logarithm of the count: fast first, then slower and slower.

    .. math:: v(t) = I + (E - I) \frac{\ln t}{\ln n}, \quad 1 \le t \le n

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0`` and ``t = 1``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere, and
        with 1 from ``t = 1`` on. (DeepSpeed takes 2 for a shorter warmup.)

    Returns:
      A `Schedule`. ``init_value`` holds up to ``t = 1``, ``end_value`` from ``n`` on. Within 8 ULP of the
      equation.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    Source: DeepSpeed, ``WarmupLR``, whose ``warmup_type`` is "log" unless given.

    >>> import warmup_optax as wo
    >>> wo.shapes.logarithmic(0.0, 1.0, steps=16)([0, 1, 2, 4, 16, 20]).round(6).tolist()
    [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    """
    return Logarithmic(init_value, end_value, steps)


class Rex(_Shape, kind="rex"):
    """Made by `rex`."""

    curvature: NumberField = checked(
        checks.number, below=1, default=0.5, fix="at 1 the curve would never fall"
    )

    def _curve(self) -> tuple[Curve, tuple[Any, ...]]:
        # 1 - curvature, of which float32 would keep few digits.
        curvature = self.curvature if isinstance(self.curvature, float) else real(self.curvature)
        return _hyperbola, (curvature, 1 - curvature)


def _hyperbola(p: Any, q: Any, c: Any, rest: Any) -> Weights:
    c, rest = real(c), real(rest)
    # Both are 1 - c p, each without a difference for its sign of c.
    below = jnp.where(c < 0, 1 - jnp.minimum(c, 0) * p, rest + jnp.maximum(c, 0) * q)
    return q / below, rest * p / below


def rex(init_value: Number, end_value: Number, steps: Steps, *, curvature: Number = 0.5) -> Rex:
    r"""A piece of a hyperbola: a line that is held up, and falls faster the nearer the end is.

    .. math:: v(t) = E + (I - E) \frac{z}{(1 - c) + c z}, \quad z = \frac{n - t}{n}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      curvature: :math:`c` < 1: 0 is a straight line, nearer to 1 the fall is later, below 0 it is earlier.
        0.5 is the paper's; axolotl's is 0.9, init2winit writes it as ``1 - beta``.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP of the
      equation.

    Raises:
      ValueError: If a number is not finite, ``steps`` is negative or fractional, or ``curvature`` >= 1.
      TypeError: If an argument is not a number.

    A concrete ``curvature`` is used to float64's precision. One that comes as a traced float32 number is
    what float32 makes of it.

    Source: Chen, Wolfe & Kyrillidis, REX: Revisiting Budgeted Training with an Improved Schedule (2021),
    section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.rex(1.0, 0.0, steps=4)([0, 2, 3, 4]).round(6).tolist()
    [1.0, 0.6666669845581055, 0.4000000059604645, 0.0]
    """
    return Rex(init_value, end_value, steps, curvature)


class HalfLife(FiniteSchedule, kind="half_life"):
    """Made by `half_life`."""

    init_value: NumberField = checked(checks.number, at_least=0, below=1, fix=_DECAY)
    end_value: NumberField = checked(checks.number, at_least=0, below=1, fix=_DECAY)
    steps: NumberField = checked(checks.steps)

    def lower(self) -> Lowered:
        lives = _life(self.init_value), _life(self.end_value)
        return _HalfLife(self.init_value, self.end_value, whole_number(self.steps), *lives)

    def weights(self, p: Any, q: Any) -> Weights:
        # The fraction of the way from one decay to the other; where they are equal there is no way.
        between = _decay_between(_life(self.init_value), _life(self.end_value), p, q)
        way = real(self.end_value) - real(self.init_value)
        safe = jnp.where(way == 0, 1, way)
        done = jnp.where(way == 0, p, (between - real(self.init_value)) / safe)
        return 1 - done, done


class _HalfLife(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length
    first: Scalar
    last: Scalar

    def evaluate(self, time: Time) -> Any:
        between = _decay_between(self.first, self.last, *time.progress(self.steps))
        return _with_ends(time, self.steps, real(self.init_value), between, real(self.end_value))


def _decay_between(first: Any, last: Any, p: Any, q: Any) -> Any:
    life = real(first) * q + real(last) * p
    # Below the shortest life the value is 0 in float32.
    between = jnp.exp(-1 / jnp.maximum(life, 1 / LOG_HUGE))
    return jnp.where(life > 1 / LOG_HUGE, between, 0)


def _life(decay: Any) -> Any:
    """The steps in which a decay falls to 1 / e."""
    if isinstance(decay, float):
        return -1 / math.log(decay) if decay > 0 else 0.0
    decay = real(decay)
    # A decay that is not in (0, 1) is one of a phase that is not taken: it must not spoil a slope.
    inside = (decay > TINY) & (decay < 1)
    return jnp.where(inside, -1 / jnp.log(jnp.where(inside, decay, 0.5)), 0)


def half_life(init_value: Number, end_value: Number, steps: Steps) -> HalfLife:
    r"""From one decay of a moving average to another, with a half-life that grows along a straight line.

    .. math:: v(t) = 2^{-1 / h(t)}, \qquad h(t) = \frac{n - t}{n} h_I + \frac{t}{n} h_E, \qquad
              h_b = \frac{\ln \frac12}{\ln b}

    Args:
      init_value: :math:`I` in [0, 1), the decay at ``t = 0``, exactly: Adam's ``b1``, say.
      end_value: :math:`E` in [0, 1), the decay at ``t = n`` and after it, exactly.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP, and one
      more for each halving below 1. (On a straight line from 0.9 to 0.9999 the
      half-life would still be below a tenth of its last one when 1 % of the steps is left.)

    Raises:
      ValueError: If an end is not in [0, 1), or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    Source: Pagliardini, Ablin & Grangier, The AdEMAMix Optimizer (2024), section 3: the schedule of beta3.
    (The paper subtracts 1 from the half-life, which changes nothing between two of them.)

    >>> import warmup_optax as wo
    >>> wo.shapes.half_life(0.9, 0.9999, steps=1000)([0, 1, 100, 1000]).round(4).tolist()
    [0.8999999761581421, 0.949999988079071, 0.9989999532699585, 0.9998999834060669]
    """
    return HalfLife(init_value, end_value, steps)


def finite_argument(where: str, name: str, schedule: Any) -> FiniteSchedule:
    """A finite shape."""
    if not isinstance(schedule, FiniteSchedule):
        fix = "for a whole schedule, apply k_decay to the shapes in it"
        checks.raise_bad_argument(
            where, name, schedule, "a finite shape, as cosine(...)", fix, error=TypeError
        )
    return schedule


class KDecay(Schedule, kind="k_decay"):
    """Made by `k_decay`."""

    schedule: Any = checked(finite_argument)
    k: NumberField = checked(checks.number, above=0)

    def lower(self) -> Lowered:
        return self.schedule._in_power(self.k)

    def phases(self) -> Schedule:
        return self.schedule


def k_decay(schedule: Schedule, k: Number) -> KDecay:
    r"""A finite shape in a power of time: above 1 it stays high for longer, and falls faster at the end.

    .. math:: v(t) = s\left(n\, (t/n)^k\right)

    Args:
      schedule: :math:`s`, a finite shape of :math:`n` steps: `linear`, `cosine`, `polynomial`, ...
      k: > 0; 1 is the shape itself.

    Returns:
      A `Schedule` with the ends of the shape, exactly, and its rule before and after them. Within 8 ULP
      times ``1 + k`` (and times the shape's own exponent).

    Raises:
      ValueError: If ``k`` is not above 0.
      TypeError: If ``schedule`` is not a finite shape, or ``k`` not a number.

    Source: Zhang & Li, k-decay: A New Method for Learning Rate Schedule (2020), section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.k_decay(wo.linear(1.0, 0.0, 4), 2)([0, 2, 4, 9]).tolist()
    [1.0, 0.75, 0.0, 0.0]
    """
    return KDecay(schedule, k)
