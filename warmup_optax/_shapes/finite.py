"""Finite shapes: curves from one value to another in a given number of steps.

Let ``t`` be the local count and ``n`` the number of steps. A finite shape uses the elapsed fraction
``p = t / n`` and the remaining fraction ``q = (n - t) / n``, both exact. Its value is
``init * w(q) + end * w(p)``. The two weights add up to 1, and each is computed without cancellation, so the
tail of a decay to 0 keeps all its digits.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, TypeAlias, cast, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._core import checks
from .._core.lowered import Lowered, Record
from .._core.node import checked, static
from .._core.phases import CONSTANT, Phase, View
from .._core.powers import LOG_HUGE, TINY, split_power
from .._core.received import Fields
from .._core.scalars import Length, Numeric, Scalar, lowered_steps, real, select
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, NumberField, Steps

Weights: TypeAlias = tuple[jax.Array, jax.Array]  # of init_value and end_value; they add up to 1
Ends: TypeAlias = tuple[jax.Array, jax.Array]  # init_value and end_value
Elapsed: TypeAlias = Callable[[], jax.Array]  # gives the local count
Numbers: TypeAlias = tuple[Scalar | Fields, ...]  # what a curve takes; a user-defined one takes its fields
Curve: TypeAlias = Callable[..., Weights]  # arguments: the elapsed and the remaining fraction, then numbers

_DECAY = "it is the decay rate of a moving average"
_NEVER_0 = "geometric decay never reaches 0: use linear or cosine, or a small positive value"


class FiniteSchedule(Schedule, kind="FiniteSchedule"):
    """A finite shape: a curve from one value to another in a given number of steps.

    Both end values are exactly the given numbers. For a user-defined finite shape, write a subclass that
    defines `weights`. It may add fields after the three below.

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
      init_value: The value at ``t = 0`` and before it.
      end_value: The value at ``t = steps`` and after it. The last of the ``steps`` updates, at
        ``t = steps - 1``, does not reach it.
      steps: The length in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
    """

    init_value: NumberField = checked(checks.number)
    end_value: NumberField = checked(checks.number)
    steps: NumberField = checked(checks.steps)

    @abc.abstractmethod
    # Any: a user may annotate the fractions as numbers or as arrays.
    def weights(self, p: Any, q: Any) -> tuple[Numeric, Numeric]:
        """Return the weights of ``init_value`` and ``end_value``.

        A user-defined finite shape defines this method.

        Args:
          p: The elapsed fraction, a real scalar in [0, 1], accurate to half a ULP.
          q: The remaining fraction, equal to ``1 - p`` and equally accurate. It is not computed as a difference.

        Returns:
          Two weights that add up to 1. To keep all digits, compute neither as a difference of nearly equal
          numbers. The weights are ignored at both ends, where the value is exactly ``init_value`` or
          ``end_value``.
        """
        raise NotImplementedError

    def _between(self) -> _Between:
        """The curve between both ends; of a user-defined shape that of its `weights`."""
        return _WeightedSum((self._received_fields(),), _user_defined_weights)

    def lower(self) -> _Finite:
        return _Finite(self.init_value, self.end_value, lowered_steps(self.steps), self._between())

    def walk(self, view: View) -> Iterator[Phase]:
        if self.steps > 0:
            yield Phase(0, self._kind)
        yield Phase(self.steps, CONSTANT, "end" if self.steps > 0 else "start")


def _user_defined_weights(p: jax.Array, q: jax.Array, fields: Fields) -> Weights:
    weights = cast(FiniteSchedule, fields.node()).weights(p, q)
    if not isinstance(weights, (tuple, list)) or [np.shape(weight) for weight in weights] != [(), ()]:
        raise TypeError(
            f"{fields.cls._kind}.weights must return two scalars, got {weights!r}; "
            "return the weight of init_value and the weight of end_value"
        )
    return real(weights[0]), real(weights[1])


class _Between(Record, abc.ABC):
    """The values of a finite shape between both ends."""

    exact_start: ClassVar[bool] = True  # whether the value at 0 is ``init_value``

    @abc.abstractmethod
    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        """The value at the elapsed fraction ``p``, where ``q`` is the remaining one."""


class _WeightedSum(_Between):
    """The sum of the two values, each times its weight."""

    numbers: Numbers
    curve: Curve = static()

    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        return _weighted(ends, self.curve(p, q, *self.numbers))


def _weighted(ends: Ends, weights: Weights) -> jax.Array:
    return lax.add(*(lax.mul(end, real(weight)) for end, weight in zip(ends, weights, strict=True)))


class _Finite(Lowered):
    """A finite shape; with a power, its elapsed fraction is raised to it."""

    init_value: Scalar
    end_value: Scalar
    steps: Length
    between: _Between
    power: Scalar | None = None

    def evaluate(self, time: Time) -> jax.Array:
        p, q = time.progress(self.steps)
        t = time.elapsed
        if self.power is not None:
            p, q = split_power(p, q, self.power)
            t = lambda: p * real(self.steps)  # noqa: E731
        ends = real(self.init_value), real(self.end_value)
        value = self.between.value(p, q, t, ends)
        # The ends are selected, because XLA may turn t / n into t * (1 / n), which misses 1 for n = 41:
        # https://github.com/tensorflow/tensorflow/issues/24061
        if self.between.exact_start:
            value = select(time.started(), value, ends[0])
        return select(time.reached(self.steps), ends[1], value)


class _Shape(FiniteSchedule):
    """A finite shape of the library."""

    @abc.abstractmethod
    def _between(self) -> _Between:
        """The curve between both ends."""


class _WeightedShape(_Shape):
    """A finite shape whose weights are a function of the two fractions and of numbers."""

    @abc.abstractmethod
    def _curve(self) -> tuple[Curve, Numbers]:
        """The function that returns the weights, and the numbers to pass after the two fractions."""

    def _between(self) -> _Between:
        curve, numbers = self._curve()
        return _WeightedSum(numbers, curve)

    def weights(self, p: jax.Array, q: jax.Array) -> Weights:
        curve, numbers = self._curve()
        return curve(p, q, *numbers)


def linear_weights(p: jax.Array, q: jax.Array) -> Weights:
    """The weights of a linear ramp."""
    return q, p


@final
class Linear(_WeightedShape, kind="linear"):
    """Made by `linear`."""

    def _curve(self) -> tuple[Curve, Numbers]:
        return linear_weights, ()


@checks.by_name
def linear(init_value: Number, end_value: Number, steps: Steps) -> Linear:
    r"""Linear ramp from one value to another: a linear warmup or a linear decay.

    .. math:: v(t) = I \frac{n - t}{n} + E \frac{t}{n}, \quad 0 \le t \le n

    At the last update, ``t = n - 1``, the value is one step of the ramp short of ``end_value``.

    Typical: a warmup of 10,000 steps, then a decay to 0 (BERT, Devlin et al. 2019). See also `warmup_linear`,
    `with_warmup`, `polynomial`, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value``
        everywhere. (Optax's linear schedule stays at its start value.)

    Returns:
      A `Schedule`. It takes a scalar or an array of counts, and returns an array of the same shape and of the
      default float dtype. The value at 0 applies before 0, and ``end_value`` after ``n``. If
      both values have the same sign, it is accurate to 4 ULP.

    Raises:
      ValueError: If a value is not finite, or ``steps`` is negative or not whole.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.linear(0.0, 1.0, steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return Linear(init_value, end_value, steps)


@final
class Cosine(_WeightedShape, kind="cosine"):
    """Made by `cosine`."""

    exponent: NumberField = checked(checks.number, above=0, default=1.0)

    def _curve(self) -> tuple[Curve, Numbers]:
        # A concrete exponent of 1 has a separate tree structure, whose program computes no power.
        if isinstance(self.exponent, float) and self.exponent == 1:
            return half_cosine, ()
        return _cosine_power, (self.exponent,)


def half_cosine(p: jax.Array, q: jax.Array) -> Weights:
    """The weights of half a period of a cosine."""
    # (1 + cos(pi p)) / 2 loses all digits in the tail. The squared sine of the half-angle from the nearer end
    # keeps them, and 1 minus it is at least 0.5, so it keeps them too.
    early = lax.lt(p, q)
    sine = lax.sin(lax.mul(real(np.pi / 2), select(early, p, q)))
    near = lax.mul(sine, sine)
    other = lax.sub(real(1.0), near)
    return select(early, other, near), select(early, near, other)


def _cosine_power(p: jax.Array, q: jax.Array, exponent: Scalar) -> Weights:
    return split_power(*half_cosine(p, q), exponent)


@checks.by_name
def cosine(init_value: Number, end_value: Number, steps: Steps, *, exponent: Number = 1.0) -> Cosine:
    r"""Cosine annealing from one value to another: half a period, flat at both ends. Also known as cosine decay.

    .. math:: v(t) = E + (I - E) \left(\tfrac12 + \tfrac12 \cos \pi \tfrac{t}{n}\right)^k

    At the last update, ``t = n - 1``, the value is close to ``end_value``. With 1000 steps and an ``exponent``
    of 1, it differs by 2.5e-6 of the total change.

    Typical: an ``end_value`` of 0 (SGDR), or of a tenth of the peak (GPT-3, Brown et al. 2020). See also
    `warmup_cosine`, `restart`, `shapes.cosine_wave`, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number. It is a
        rate, not a fraction of the peak such as ``alpha`` in Optax and Keras.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
      exponent: :math:`k`, the power of the cosine, a number > 0, as in Optax. Above 1 the curve decays earlier.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. (The cosines of PyTorch,
      Paddle and Hugging Face rise again after ``n``.) It is accurate to 8 ULP, times ``exponent``. This
      includes the tail of a decay to 0, where ``1 + cos`` in float32 has no correct digit.

    Raises:
      ValueError: If a value is not finite, ``steps`` is negative or not whole, or ``exponent`` <= 0.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), section 3, equation 5.

    >>> import warmup_optax as wo
    >>> wo.cosine(1.0, 0.0, steps=4)([0, 2, 4, 9]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return Cosine(init_value, end_value, steps, exponent)


@final
class Polynomial(_WeightedShape, kind="polynomial"):
    """Made by `polynomial`."""

    power: NumberField = checked(checks.number, above=0)
    origin: Literal["end", "init"] = checked(checks.choice, words=("end", "init"), default="end", static=True)

    def _curve(self) -> tuple[Curve, Numbers]:
        if isinstance(self.power, float) and self.power == 1:
            return linear_weights, ()
        return _power_of_remaining if self.origin == "end" else _power_of_elapsed, (self.power,)


def _power_of_remaining(p: jax.Array, q: jax.Array, power: Scalar) -> Weights:
    return split_power(q, p, power)


def _power_of_elapsed(p: jax.Array, q: jax.Array, power: Scalar) -> Weights:
    of_end, of_init = split_power(p, q, power)
    return of_init, of_end


@checks.by_name
def polynomial(
    init_value: Number,
    end_value: Number,
    steps: Steps,
    *,
    power: Number,
    origin: Literal["end", "init"] = "end",
) -> Polynomial:
    r"""Polynomial decay or warmup: a power of the remaining or of the elapsed fraction. Also known as poly decay.

    .. math::
      v(t) = I + (E - I)\left(1 - (1 - t/n)^k\right) \ \text{(origin }\texttt{"end"}\text{)}

      v(t) = I + (E - I)(t/n)^k \ \text{(origin }\texttt{"init"}\text{)}

    At the last update, ``t = n - 1``, the value differs from ``end_value`` by ``n**-power`` of the total change.
    With ``origin="init"``, it differs by about ``power / n``.

    Typical: a ``power`` of 1 (BERT), 2 (LARS, You et al. 2017) or 0.9 (DeepLab, Chen et al. 2017). See also
    `warmup_polynomial`, `linear`, `shapes.k_decay`, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
      power: :math:`k`, a number > 0. With 1 the curve is `linear`.
      origin: The end at which the curve is a pure power, and flat if ``power`` > 1. ``"end"`` is the decay of
        Optax, Keras, PyTorch and Hugging Face. As a warmup it rises fast at first. ``"init"`` is the warmup
        of TF Model Garden. It rises slowly at first.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP,
      times ``power``.

    Raises:
      ValueError: If a value is not finite, ``steps`` is negative or not whole, ``power`` <= 0, or ``origin``
        is neither ``"end"`` nor ``"init"``.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.polynomial(1.0, 0.0, steps=4, power=2)([0, 2, 4]).tolist()
    [1.0, 0.25, 0.0]
    >>> wo.polynomial(0.0, 1.0, steps=4, power=2, origin="init")([0, 2, 4]).tolist()
    [0.0, 0.25, 1.0]
    """
    return Polynomial(init_value, end_value, steps, power, origin)


@final
class OneMinusSqrt(_WeightedShape, kind="one_minus_sqrt"):
    """Made by `one_minus_sqrt`."""

    def _curve(self) -> tuple[Curve, Numbers]:
        return _one_minus_sqrt, ()


def _one_minus_sqrt(p: jax.Array, q: jax.Array) -> Weights:
    root = jnp.sqrt(jnp.maximum(p, TINY))
    return q / (1 + root), root  # 1 - sqrt(p) = (1 - p) / (1 + sqrt(p)), without cancellation


@checks.by_name
def one_minus_sqrt(init_value: Number, end_value: Number, steps: Steps) -> OneMinusSqrt:
    r"""Square-root decay, the cooldown of WSD: steep at first, gentle at the end.

    Also known as ``minus_sqrt`` in Megatron-LM, ``1-sqrt`` in Hugging Face, and ``sqrt`` in torchtitan.

    .. math:: v(t) = I + (E - I) \sqrt{t / n}

    At the last update, ``t = n - 1``, the value differs from ``end_value`` by about ``1 / (2 * n)`` of the total
    change: half a step of a linear ramp.

    Typical: the last 10 % to 20 % of the run (Hägele et al. 2024). See also `warmup_stable_decay`,
    `with_cooldown`, and :doc:`/guides/ending_a_run`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP.

    Raises:
      ValueError: If a value is not finite, or ``steps`` is negative or not whole.
      TypeError: If an argument is not a number.

    Source: Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations (2024).

    >>> import warmup_optax as wo
    >>> wo.one_minus_sqrt(1.0, 0.0, steps=4)([0, 1, 4]).tolist()
    [1.0, 0.5, 0.0]
    """
    return OneMinusSqrt(init_value, end_value, steps)


@final
class Geometric(_Shape, kind="geometric"):
    """Made by `geometric`."""

    init_value: NumberField = checked(checks.number, above=0, fix=_NEVER_0)
    end_value: NumberField = checked(checks.number, above=0, fix=_NEVER_0)
    steps: NumberField = checked(checks.steps)

    def weights(self, p: jax.Array, q: jax.Array) -> Weights:
        return _exponential_weights(p, q, -_log_ratio(self.init_value, self.end_value))

    def _between(self) -> _Between:
        return _GeometricMean()


class _GeometricMean(_Between):
    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        log_ratio = _log_ratio(*ends)
        # Computed from the nearer end, because the error grows with the exponent. So it is at most half.
        return jnp.where(p < q, ends[0] * jnp.exp(log_ratio * p), ends[1] * jnp.exp(-log_ratio * q))


def _log_ratio(init_value: Scalar, end_value: Scalar) -> jax.Array:
    # An end value <= 0 can only belong to a phase that is not selected. Its log must not put a NaN into the
    # gradient: https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where
    above, below = (jnp.where(real(value) > 0, real(value), 1) for value in (end_value, init_value))
    return jnp.log(above / below)


def _exponential_weights(p: jax.Array, q: jax.Array, x: Scalar) -> Weights:
    # (r^p - r) / (1 - r) and (1 - r^p) / (1 - r) with r = exp(-x). expm1 avoids the differences of powers.
    x = real(x)
    straight = abs(x) < TINY
    x = jnp.where(straight, 1, x)
    of_init, of_end = jnp.expm1(x * q) / jnp.expm1(x), jnp.expm1(-x * p) / jnp.expm1(-x)
    return jnp.where(straight, q, of_init), jnp.where(straight, p, of_end)


@checks.by_name
def geometric(init_value: Number, end_value: Number, steps: Steps) -> Geometric:
    r"""Exponential decay between two values: each step multiplies by the same factor.

    .. math:: v(t) = I^{1 - t/n} E^{t/n}

    At the last update, ``t = n - 1``, the value is ``end_value`` divided by the factor of one step,
    ``(end_value / init_value)**(1 / n)``.

    Typical: from 1e-7 to 10 in 100 steps, the learning-rate range test of fastai. See also `exponential`, which
    never ends, `suggest_learning_rate`, and :doc:`/guides/range_test`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. A number > 0.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. A number > 0.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP, plus
      1 ULP for each halving between the two values.

    Raises:
      ValueError: If a value is not finite or not above 0, or ``steps`` is negative or not whole. A geometric
        decay never reaches 0: use `linear` or `cosine`, or a small positive ``end_value``.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.geometric(1.0, 0.01, steps=4)([0, 2, 4]).round(6).tolist()
    [1.0, 0.10000000149011612, 0.009999999776482582]
    """
    return Geometric(init_value, end_value, steps)


@final
class Tanh(_Shape, kind="tanh"):
    """Made by `tanh`."""

    start: NumberField = checked(checks.number, default=-7.0)
    stop: NumberField = checked(checks.number, default=3.0)

    def weights(self, p: jax.Array, q: jax.Array) -> Weights:
        return _tanh_weights(p, q, self.start, self.stop)

    def _between(self) -> _Between:
        return _TanhSum(self.start, self.stop)


class _TanhSum(_Between):
    start: Scalar
    stop: Scalar

    exact_start: ClassVar[bool] = False

    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        return _weighted(ends, _tanh_weights(p, q, self.start, self.stop))


def _tanh_weights(p: jax.Array, q: jax.Array, start: Scalar, stop: Scalar) -> Weights:
    # (1 - tanh(x)) / 2 = 1 / (1 + exp(2x)), which has no cancellation in either tail.
    twice = jnp.clip(2 * (real(start) * q + real(stop) * p), -LOG_HUGE, LOG_HUGE)
    return 1 / (1 + jnp.exp(twice)), 1 / (1 + jnp.exp(-twice))


@checks.by_name
def tanh(
    init_value: Number, end_value: Number, steps: Steps, *, start: Number = -7.0, stop: Number = 3.0
) -> Tanh:
    r"""Hyperbolic-tangent decay: stays high, then drops quickly. Also known as HTD.

    .. math:: v(t) = E + (I - E)\, \tfrac12 \left(1 - \tanh\frac{a (n - t) + b t}{n}\right), \quad 0 \le t < n

    The last update, at ``t = n - 1``, comes before the jump to ``end_value``. With 1000 steps and the defaults,
    its value differs from ``end_value`` by 0.25 % of the total change.

    Typical: the defaults, which are those of timm's ``TanhLRScheduler``. See also `cosine`, `k_decay`, and
    :doc:`/coming_from/timm`.

    Args:
      init_value: :math:`I`, the upper asymptote of the tangent, or the lower one for a rise. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
      start: :math:`a`, the position on the axis of the tangent at ``t = 0``. Any finite number. Below -4 the
        first value differs from ``init_value`` by less than 0.04 % of ``end_value - init_value``.
      stop: :math:`b`, the position on the axis of the tangent at ``t = n``. Any finite number. The curve jumps
        to ``end_value`` at ``t = n``, by the fraction :math:`(1 - \tanh b) / 2` of the difference: 0.25 % for 3.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP, plus
      1 ULP for each halving of a weight.

    Raises:
      ValueError: If a value is not finite, or ``steps`` is negative or not whole.
      TypeError: If an argument is not a number.

    Source: Hsueh et al., Stochastic Gradient Descent with Hyperbolic-Tangent Decay (2018), section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.tanh(1.0, 0.0, steps=10)([0, 5, 7, 9, 10]).round(4).tolist()
    [1.0, 0.9819999933242798, 0.5, 0.017999999225139618, 0.0]
    """
    return Tanh(init_value, end_value, steps, start, stop)


@final
class FiniteExponential(_WeightedShape, kind="finite_exponential"):
    """Made by `finite_exponential`."""

    ratio: NumberField = checked(checks.number, above=0, below=1, fix="for a linear ramp use linear()")

    def _curve(self) -> tuple[Curve, Numbers]:
        # For a ratio near 1 the log is taken in float64, because float32 keeps few digits of 1 - ratio.
        concrete = isinstance(self.ratio, float)
        x = -math.log(self.ratio) if concrete else -jnp.log(real(self.ratio))
        return _exponential_weights, (x,)


@checks.by_name
def finite_exponential(
    init_value: Number, end_value: Number, steps: Steps, *, ratio: Number
) -> FiniteExponential:
    r"""Exponential decay, rescaled to reach ``end_value`` exactly, which may be 0.

    .. math:: v(t) = I + (E - I) \frac{1 - r^{t/n}}{1 - r}

    At the last update, ``t = n - 1``, the value differs from ``end_value`` by about
    ``ratio * log(1 / ratio) / (1 - ratio) / n`` of the total change.

    Typical: a ``ratio`` of 0.5 (Megatron-LM) or 0.1 (timm). See also `geometric`, `exponential`, and
    :doc:`/guides/ending_a_run`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
      ratio: :math:`r`, the factor by which the exponential decays in ``steps`` before it is rescaled, in
        (0, 1). Near 1 the curve is nearly linear. Megatron-LM uses 0.5, timm 0.1.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP, plus
      1 ULP for each halving in ``ratio``. For an exponential between two values above 0, use `geometric`.

    Raises:
      ValueError: If a value is not finite, ``steps`` is negative or not whole, or ``ratio`` is not between 0
        and 1.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.shapes.finite_exponential(1.0, 0.0, steps=2, ratio=0.25)([0, 1, 2]).round(4).tolist()
    [1.0, 0.33329999446868896, 0.0]
    """
    return FiniteExponential(init_value, end_value, steps, ratio)


@final
class Logarithmic(_Shape, kind="logarithmic"):
    """Made by `logarithmic`."""

    def weights(self, p: jax.Array, q: jax.Array) -> Weights:
        return _logarithmic_weights(p * real(self.steps), p, q, self.steps)

    def _between(self) -> _Between:
        return _LogarithmicSum(lowered_steps(self.steps))


class _LogarithmicSum(_Between):
    steps: Length

    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        return _weighted(ends, _logarithmic_weights(t(), p, q, self.steps))


def _logarithmic_weights(t: jax.Array, p: jax.Array, q: jax.Array, steps: Length) -> Weights:
    log_steps = jnp.log(jnp.maximum(real(steps), 2))
    # ln(n / t). Near the end it is small, so it is computed from the remaining fraction.
    early = (p > 0) & (p < 0.5) & (t > 1)
    of_init = jnp.where(early, -jnp.log(jnp.where(early, p, 0.5)), -jnp.log1p(-jnp.minimum(q, 0.5)))
    of_end = jnp.log1p(jnp.maximum(t - 1, 0))
    return jnp.where(t > 1, of_init / log_steps, 1), of_end / log_steps


@checks.by_name
def logarithmic(init_value: Number, end_value: Number, steps: Steps) -> Logarithmic:
    r"""Logarithmic warmup or decay, linear in the log of the count: fast at first, then ever slower.

    .. math:: v(t) = I + (E - I) \frac{\ln t}{\ln n}, \quad 1 \le t \le n

    At the last update, ``t = n - 1``, the value differs from ``end_value`` by about ``1 / (n * log(n))`` of the
    total change.

    Typical: a warmup of 1000 steps, the default of DeepSpeed. See also `linear`, `exponential_approach`, and
    :doc:`/coming_from/deepspeed`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0`` and ``t = 1``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
        With 1 it is ``end_value`` from ``t = 1``. (DeepSpeed lengthens a shorter warmup to 2.)

    Returns:
      A `Schedule`. The value is ``init_value`` up to ``t = 1``, and ``end_value`` from ``t = n``. It is accurate
      to 8 ULP.

    Raises:
      ValueError: If a value is not finite, or ``steps`` is negative or not whole.
      TypeError: If an argument is not a number.

    Source: DeepSpeed, ``WarmupLR`` with its default ``warmup_type`` of "log".

    >>> import warmup_optax as wo
    >>> wo.shapes.logarithmic(0.0, 1.0, steps=16)([0, 1, 2, 4, 16, 20]).round(6).tolist()
    [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    """
    return Logarithmic(init_value, end_value, steps)


@final
class Rex(_WeightedShape, kind="rex"):
    """Made by `rex`."""

    curvature: NumberField = checked(
        checks.number, below=1, default=0.5, fix="with 1 the curve would not decay"
    )

    def _curve(self) -> tuple[Curve, Numbers]:
        # 1 - curvature is computed in float64 if concrete, because float32 keeps few digits of it.
        curvature = self.curvature if isinstance(self.curvature, float) else real(self.curvature)
        return _hyperbola, (curvature, 1 - curvature)


def _hyperbola(p: jax.Array, q: jax.Array, c: Scalar, one_minus_c: Scalar) -> Weights:
    c, one_minus_c = real(c), real(one_minus_c)
    # Both branches equal 1 - c p. Each is free of cancellation for its sign of c.
    divisor = jnp.where(c < 0, 1 - jnp.minimum(c, 0) * p, one_minus_c + jnp.maximum(c, 0) * q)
    return q / divisor, one_minus_c * p / divisor


@checks.by_name
def rex(init_value: Number, end_value: Number, steps: Steps, *, curvature: Number = 0.5) -> Rex:
    r"""REX decay, part of a hyperbola: above the linear decay, and steeper towards the end.

    .. math:: v(t) = E + (I - E) \frac{z}{(1 - c) + c z}, \quad z = \frac{n - t}{n}

    At the last update, ``t = n - 1``, the value is about ``1 / (1 - curvature)`` steps of a linear ramp short of
    ``end_value``: two steps by default.

    Typical: a ``curvature`` of 0.5 (the paper) or 0.9 (axolotl). See also `linear`, `polynomial`, and
    :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.
      curvature: :math:`c`, a number < 1. 0 gives a linear decay. Towards 1 the decay comes later, below 0
        earlier. The paper uses 0.5, and axolotl 0.9. init2winit writes it as ``1 - beta``.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP.

    Raises:
      ValueError: If a value is not finite, ``steps`` is negative or not whole, or ``curvature`` >= 1.
      TypeError: If an argument is not a number.

    A concrete ``curvature`` keeps float64 precision. A traced ``curvature`` has only the precision of float32.

    Source: Chen, Wolfe & Kyrillidis, REX: Revisiting Budgeted Training with an Improved Schedule (2021),
    section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.rex(1.0, 0.0, steps=4)([0, 2, 3, 4]).round(6).tolist()
    [1.0, 0.6666669845581055, 0.4000000059604645, 0.0]
    """
    return Rex(init_value, end_value, steps, curvature)


@final
class HalfLife(_Shape, kind="half_life"):
    """Made by `half_life`."""

    init_value: NumberField = checked(checks.number, at_least=0, below=1, fix=_DECAY)
    end_value: NumberField = checked(checks.number, at_least=0, below=1, fix=_DECAY)
    steps: NumberField = checked(checks.steps)

    def _between(self) -> _Between:
        return _MeanLifetime(_lifetime(self.init_value), _lifetime(self.end_value))

    def weights(self, p: jax.Array, q: jax.Array) -> Weights:
        # The fraction of the difference between the decay rates. If they are equal, any fraction is right.
        between = _decay_between(_lifetime(self.init_value), _lifetime(self.end_value), p, q)
        difference = real(self.end_value) - real(self.init_value)
        safe = jnp.where(difference == 0, 1, difference)
        of_end = jnp.where(difference == 0, p, (between - real(self.init_value)) / safe)
        return 1 - of_end, of_end


class _MeanLifetime(_Between):
    first: Scalar
    last: Scalar

    def value(self, p: jax.Array, q: jax.Array, t: Elapsed, ends: Ends) -> jax.Array:
        return _decay_between(self.first, self.last, p, q)


def _decay_between(first: Scalar, last: Scalar, p: jax.Array, q: jax.Array) -> jax.Array:
    lifetime = real(first) * q + real(last) * p
    # For a shorter lifetime the decay rate is 0 in float32.
    between = jnp.exp(-1 / jnp.maximum(lifetime, 1 / LOG_HUGE))
    return jnp.where(lifetime > 1 / LOG_HUGE, between, 0)


def _lifetime(decay: Scalar) -> Scalar:
    """The number of steps in which the weight of an old value decays to 1 / e."""
    if isinstance(decay, float):
        return -1 / math.log(decay) if decay > 0 else 0.0
    decay = real(decay)
    # A decay rate outside (0, 1) can only belong to a phase that is not selected. Its log must not put a NaN into
    # the gradient.
    inside = (decay > TINY) & (decay < 1)
    return jnp.where(inside, -1 / jnp.log(jnp.where(inside, decay, 0.5)), 0)


@checks.by_name
def half_life(init_value: Number, end_value: Number, steps: Steps) -> HalfLife:
    r"""Interpolate between two EMA decay rates, linearly in half-life: the beta3 schedule of AdEMAMix.

    .. math:: v(t) = 2^{-1 / h(t)}, \qquad h(t) = \frac{n - t}{n} h_I + \frac{t}{n} h_E, \qquad
              h_b = \frac{\ln \frac12}{\ln b}

    At the last update, ``t = n - 1``, the half-life is one step of a linear ramp short of its end.

    Typical: from ``b1=0.9`` to 0.9999 over the whole run (the paper). See also `debiased_decay`, `scheduled`,
    and :doc:`/guides/hyperparameters`.

    Args:
      init_value: :math:`I`, the decay rate at ``t = 0``, exactly, in [0, 1). For example, Adam's ``b1``.
      end_value: :math:`E`, the decay rate at ``t = n`` and after it, exactly, in [0, 1).
      steps: :math:`n`, in optimizer updates, a whole number >= 0. With 0 the value is ``end_value`` everywhere.

    Returns:
      A `Schedule`. The value at 0 applies before 0, and ``end_value`` after ``n``. It is accurate to 8 ULP, plus
      1 ULP for each halving below 1. (On a linear ramp from 0.9 to 0.9999 the half-life would still be below a
      tenth of its final value when 1 % of the steps remain.)

    Raises:
      ValueError: If ``init_value`` or ``end_value`` is not in [0, 1), or ``steps`` is negative or not whole.
      TypeError: If an argument is not a number.

    Source: Pagliardini, Ablin & Grangier, The AdEMAMix Optimizer (2024), section 3, the schedule of beta3.
    (The paper subtracts 1 from each half-life. This does not change the interpolation.)

    >>> import warmup_optax as wo
    >>> wo.shapes.half_life(0.9, 0.9999, steps=1000)([0, 1, 100, 1000]).round(4).tolist()
    [0.8999999761581421, 0.949999988079071, 0.9989999532699585, 0.9998999834060669]
    """
    return HalfLife(init_value, end_value, steps)


def finite_argument(where: str, name: str, schedule: object) -> FiniteSchedule:
    """Check that the argument is a finite shape, and return it."""
    if not isinstance(schedule, FiniteSchedule):
        fix = "for a complete schedule, apply k_decay to the shapes in it"
        checks.raise_bad_argument(
            where, name, schedule, "a finite shape, such as cosine(...)", fix, error=TypeError
        )
    return schedule


@final
class KDecay(Schedule, kind="k_decay"):
    """Made by `k_decay`."""

    schedule: FiniteSchedule = checked(finite_argument)
    k: NumberField = checked(checks.number, above=0)

    def lower(self) -> Lowered:
        return dataclasses.replace(self.schedule.lower(), power=self.k)

    def phases(self) -> Schedule:
        return self.schedule


@checks.by_name
def k_decay(schedule: Schedule, k: Number) -> KDecay:
    r"""K-decay: a finite shape whose elapsed fraction is raised to the power ``k``.

    With ``k`` above 1 a decay stays high for longer, and decays faster at the end.

    .. math:: v(t) = s\left(n\, (t/n)^k\right)

    At the last update, ``t = n - 1``, the value is that of the shape about ``k`` steps before its end.

    See also `polynomial`, `linear`, `cosine`, and :doc:`/coming_from/timm`.

    Args:
      schedule: :math:`s`, a finite shape of :math:`n` steps, such as `linear`, `cosine` or `polynomial`.
      k: The power of the elapsed fraction, a number > 0. With 1 the curve is the shape itself.

    Returns:
      A `Schedule`. Its values at and beyond both ends are those of the shape, exactly. It is accurate to 8 ULP,
      times ``1 + k`` and times the exponent of the shape.

    Raises:
      ValueError: If ``k`` is not finite or not above 0.
      TypeError: If ``schedule`` is not a finite shape, or ``k`` is not a number.

    Source: Zhang & Li, k-decay: A New Method for Learning Rate Schedule (2020), section 3.

    >>> import warmup_optax as wo
    >>> wo.shapes.k_decay(wo.linear(1.0, 0.0, 4), 2)([0, 2, 4, 9]).tolist()
    [1.0, 0.75, 0.0, 0.0]
    """
    return KDecay(schedule, k)  # pyright: ignore[reportArgumentType]
