"""Decays and warmups that never end, as functions of a local count that starts at 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import final

import jax
import jax.numpy as jnp

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import checked, static
from .._core.phases import Phase, View
from .._core.powers import HUGE, LOG_HUGE, TINY, growth_limit, rate_power, split_rate
from .._core.scalars import Length, Scalar, lowered_steps, real
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, NumberField, OptionalField, Steps


@final
class Exponential(Schedule, kind="exponential"):
    """Made by `exponential`."""

    init_value: NumberField = checked(checks.number)
    decay_rate: NumberField = checked(checks.number, above=0, fix="for a constant rate use constant()")
    transition_steps: NumberField = checked(checks.steps, at_least=1)
    staircase: bool = checked(checks.boolean, default=False, static=True)
    end_value: OptionalField = checked(checks.number, default=None)

    def lower(self) -> Lowered:
        rate, dropped = split_rate(self.decay_rate)
        steps = lowered_steps(self.transition_steps)
        return _Exponential(self.init_value, rate, dropped, steps, self.end_value, self.staircase)

    def walk(self, view: View) -> Iterator[Phase]:
        yield Phase(0, self._kind, floor=self.end_value if self.decay_rate < 1 else None)


class _Exponential(Lowered):
    init_value: Scalar
    rate: Scalar
    dropped: Scalar
    steps: Length
    end_value: Scalar | None
    staircase: bool = static()

    def evaluate(self, time: Time) -> jax.Array:
        init_value, rate = real(self.init_value), real(self.rate)
        whole, part = time.quotient(self.steps)
        factor = rate_power(rate, self.dropped, whole, 0.0 if self.staircase else part)
        value = jnp.clip(init_value * factor, -HUGE, HUGE)
        value = jnp.where(time.started(), value, init_value)
        if self.end_value is None:
            return value
        bound = real(self.end_value)
        return jnp.where(rate < 1, jnp.maximum(value, bound), jnp.minimum(value, bound))


@checks.by_name
def exponential(
    init_value: Number,
    *,
    decay_rate: Number,
    transition_steps: Steps,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Exponential:
    r"""Exponential decay: multiply by ``decay_rate`` every ``transition_steps``, smoothly or as a staircase.

    .. math:: v(t) = I\, r^{t/n} \quad\text{or, as a staircase,}\quad I\, r^{\lfloor t/n \rfloor}

    Also known as step decay if ``staircase`` is true.

    The last update of a run of ``N`` updates is at count ``N - 1``, and the decay continues after it.

    Typical: ``decay_rate=0.97`` every 2.4 epochs (EfficientNet, Tan & Le 2019). See also `warmup_exponential`,
    `geometric`, which reaches an end value, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly, unless ``end_value`` bounds it. Any finite
        number.
      decay_rate: :math:`r`, the factor for each ``transition_steps``, a number > 0. Above 1 the rate grows.
      transition_steps: :math:`n`, the number of updates from one factor to the next, a whole number >= 1.
      staircase: If true, apply the factor in discrete steps, at each multiple of ``transition_steps``.
      end_value: A bound of the curve at every count, 0 included. As in Optax, it is a floor if ``decay_rate``
        is below 1, and a ceiling otherwise. ``None``: no bound.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. It is accurate to 8 ULP, plus 1 ULP for
      each halving. Growth stops at ``exp(60)`` times ``init_value``.

    Raises:
      ValueError: If a value is not finite, ``decay_rate`` <= 0, or ``transition_steps`` is not a whole
        number >= 1.
      TypeError: If an argument is not a number, or ``staircase`` is not a bool.

    A concrete ``decay_rate`` keeps float64 precision, so ``0.9999`` per step is still accurate after 100,000
    steps. A traced ``decay_rate`` has only the precision of float32.

    >>> import warmup_optax as wo
    >>> wo.exponential(1.0, decay_rate=0.5, transition_steps=2)([0, 2, 4]).tolist()
    [1.0, 0.5, 0.25]
    >>> wo.exponential(1.0, decay_rate=0.5, transition_steps=2, staircase=True)([0, 1, 2]).tolist()
    [1.0, 1.0, 0.5]
    """
    return Exponential(init_value, decay_rate, transition_steps, staircase, end_value)


@final
class InverseSqrt(Schedule, kind="inverse_sqrt"):
    """Made by `inverse_sqrt`."""

    init_value: NumberField = checked(checks.number)
    timescale: NumberField = checked(checks.number, above=0)

    def evaluate(self, time: Time) -> jax.Array:
        return real(self.init_value) / jnp.sqrt(1 + time.ratio(self.timescale))


@checks.by_name
def inverse_sqrt(init_value: Number, *, timescale: Number) -> InverseSqrt:
    r"""Inverse square-root decay: the decay of the Transformer, without a final step. Also known as rsqrt.

    .. math:: v(t) = I \sqrt{\frac{\tau}{\tau + t}}

    The last update of a run of ``N`` updates is at count ``N - 1``, and the decay continues after it.

    Typical: a ``timescale`` of 4000 (Transformer) or 10,000 (big_vision). See also `warmup_inverse_sqrt`,
    `with_cooldown`, which ends the run, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      timescale: :math:`\tau`, in optimizer updates, a whole or fractional number > 0. The rate has halved at
        ``t = 3 * timescale``. After a warmup of ``W`` steps, ``timescale=W`` gives the
        :math:`\sqrt{W / count}` of fairseq and T5. big_vision uses 10,000, as does Hugging Face without a
        warmup.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. It is accurate to 8 ULP.

    Raises:
      ValueError: If a value is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Vaswani et al., Attention Is All You Need (2017), section 5.3.

    >>> import warmup_optax as wo
    >>> wo.inverse_sqrt(1.0, timescale=100)([0, 300]).tolist()
    [1.0, 0.5]
    """
    return InverseSqrt(init_value, timescale)


@final
class InverseTime(Schedule, kind="inverse_time"):
    """Made by `inverse_time`."""

    init_value: NumberField = checked(checks.number)
    decay_rate: NumberField = checked(checks.number, above=0, fix="for a constant rate use constant()")
    transition_steps: NumberField = checked(checks.steps, at_least=1)
    staircase: bool = checked(checks.boolean, default=False, static=True)

    def evaluate(self, time: Time) -> jax.Array:
        steps = self.transition_steps
        elapsed = real(time.cycle(steps)[0]) if self.staircase else time.ratio(steps)
        return real(self.init_value) / (1 + real(self.decay_rate) * elapsed)


@checks.by_name
def inverse_time(
    init_value: Number, *, decay_rate: Number, transition_steps: Steps, staircase: bool = False
) -> InverseTime:
    r"""Inverse-time decay, smooth or as a staircase. Also known as 1/t decay.

    .. math:: v(t) = \frac{I}{1 + r\, t / n} \quad\text{or, as a staircase,}\quad
              \frac{I}{1 + r \lfloor t / n \rfloor}

    The last update of a run of ``N`` updates is at count ``N - 1``, and the decay continues after it.

    See also `inverse_sqrt`, `shapes.power_law`, `with_cooldown`, which ends the run, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      decay_rate: :math:`r`, a number > 0. After ``transition_steps`` the rate is
        ``init_value / (1 + decay_rate)``.
      transition_steps: :math:`n`, in optimizer updates, a whole number >= 1.
      staircase: If true, the rate changes only at multiples of ``transition_steps``.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. It is accurate to 8 ULP.

    Raises:
      ValueError: If a value is not finite, ``decay_rate`` <= 0, or ``transition_steps`` is not a whole
        number >= 1.
      TypeError: If an argument is not a number, or ``staircase`` is not a bool.

    >>> import warmup_optax as wo
    >>> wo.inverse_time(1.0, decay_rate=1.0, transition_steps=10)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    return InverseTime(init_value, decay_rate, transition_steps, staircase)


@final
class PowerLaw(Schedule, kind="power_law"):
    """Made by `power_law`."""

    init_value: NumberField = checked(checks.number)
    power: NumberField = checked(checks.number)
    timescale: NumberField = checked(checks.number, above=0, default=1.0)

    def evaluate(self, time: Time) -> jax.Array:
        base = 1 + time.ratio(self.timescale)
        power = growth_limit(jnp.log(base), real(self.power))  # growth stops before it overflows float32
        return jnp.clip(real(self.init_value) * jnp.power(base, power), -HUGE, HUGE)


@checks.by_name
def power_law(init_value: Number, *, power: Number, timescale: Number = 1.0) -> PowerLaw:
    r"""Power-law decay (or growth), without a final step.

    .. math:: v(t) = I \left(1 + \frac{t}{\tau}\right)^k

    The last update of a run of ``N`` updates is at count ``N - 1``. With a ``timescale`` of 1, its rate is
    ``init_value * N**power``. The curve continues after it.

    Typical: a ``power`` of -0.5 (Transformer) or -0.51 (Power Scheduler). See also `inverse_sqrt`,
    `inverse_time`, `with_cooldown`, which ends the run, and :doc:`/guides/ending_a_run`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      power: :math:`k`, any finite number. -0.5 is `inverse_sqrt`, -1 is `inverse_time`. Above 0 the rate grows.
      timescale: :math:`\tau`, in optimizer updates, a whole or fractional number > 0. With 1, the rate of the
        ``n``-th update, counted from 1, is ``init_value * n**power``.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. It is accurate to 8 ULP, times
      ``abs(power)`` if that is above 1. Growth stops at ``exp(60)`` times ``init_value``.

    Raises:
      ValueError: If a value is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Shen et al., Power Scheduler (2024), section 3; TF Model Garden's ``DirectPowerDecay``.

    >>> import warmup_optax as wo
    >>> wo.shapes.power_law(1.0, power=-0.5)([0, 3, 15]).tolist()
    [1.0, 0.5, 0.25]
    >>> wo.shapes.power_law(1.0, power=-2, timescale=10)([0, 10, 30]).tolist()
    [1.0, 0.25, 0.0625]
    """
    return PowerLaw(init_value, power, timescale)


@final
class ExponentialApproach(Schedule, kind="exponential_approach"):
    """Made by `exponential_approach`."""

    init_value: NumberField = checked(checks.number)
    end_value: NumberField = checked(checks.number)
    timescale: NumberField = checked(checks.number, above=0)

    def evaluate(self, time: Time) -> jax.Array:
        elapsed = time.ratio(self.timescale)
        of_init, of_end = jnp.exp(-elapsed), -jnp.expm1(-elapsed)
        value = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.started(), value, real(self.init_value))


@checks.by_name
def exponential_approach(init_value: Number, end_value: Number, *, timescale: Number) -> ExponentialApproach:
    r"""Exponential relaxation towards ``end_value``: fast at first, then ever slower.

    .. math:: v(t) = E + (I - E)\, e^{-t/\tau}

    At the last update of a run of ``N`` updates, the value differs from ``end_value`` by
    ``exp(-(N - 1) / timescale)`` of the initial difference.

    Typical: a ``timescale`` of 1000, for ``b2=0.999`` (Ma & Yarats 2019). See also `radam`,
    `adam_warmup_steps`, and :doc:`/guides/which`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate that the curve approaches. Any finite number.
      timescale: :math:`\tau`, in optimizer updates, a whole or fractional number > 0. In this time the
        distance to ``end_value`` decreases to 37 %. As a warmup, ``1 / (1 - b2)`` matches the bias correction
        of Adam's second moment.

    Returns:
      A `Schedule` that never ends. After about ``17 * timescale`` it equals ``end_value`` in float32. The value
      at 0 applies before 0. It is accurate to 8 ULP, plus 1 ULP for each halving if ``end_value`` is 0.

    Raises:
      ValueError: If a value is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Ma & Yarats, On the Adequacy of Untuned Warmup for Adaptive Optimization (2019), section 5.

    >>> import warmup_optax as wo
    >>> wo.shapes.exponential_approach(0.0, 1.0, timescale=10)([0, 10, 1000]).round(4).tolist()
    [0.0, 0.632099986076355, 1.0]
    """
    return ExponentialApproach(init_value, end_value, timescale)


# The series of x * coth(x) - 1 in powers of x^2, accurate to float32 up to x = 0.75.
_COTH = (1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555, -1382 / 638512875, 4 / 18243225)


@final
class Radam(Schedule, kind="radam"):
    """Made by `radam`."""

    value: NumberField = checked(checks.number)
    b2: NumberField = checked(
        checks.number, above=0.6, below=1, fix="RAdam has no rectification term for a smaller b2"
    )

    def lower(self) -> Lowered:
        # The rate -log(b2) loses most of its digits in float32, so a concrete one is computed in float64.
        # The limit is rho_inf - 4.
        if isinstance(self.b2, float):
            return _Radam(self.value, -math.log(self.b2), (5 * self.b2 - 3) / (1 - self.b2))
        b2 = real(self.b2)
        return _Radam(self.value, -jnp.log1p(b2 - 1), (5 * b2 - 3) / (1 - b2))


class _Radam(Lowered):
    value: Scalar
    rate: Scalar
    limit: Scalar

    def evaluate(self, time: Time) -> jax.Array:
        # With x = rate * t / 2, the paper's rho is rho_inf - 2t / (exp(2x) - 1). For small x this is a small
        # difference of large numbers, so rho is computed as t - 2/rate * (x coth(x) - its value at t = 1).
        rate, limit, t = real(self.rate), real(self.limit), time.ratio(1)
        late = limit - 2 * t / jnp.expm1(jnp.clip(rate * t, 1.5, LOG_HUGE))
        early_t = jnp.minimum(t, 1.5 / rate)
        early = (early_t - 4) - 2 / rate * (_coth(rate * early_t / 2) - _coth(rate / 2))
        rho = jnp.where(rate * t < 1.5, early, late)  # minus 4
        safe = jnp.where(rho > 0, rho, 1)
        square = safe / limit * ((safe + 2) / (limit + 2)) * ((limit + 4) / (safe + 4))
        return real(self.value) * jnp.where(rho > 0, jnp.sqrt(square), 0)


def _coth(x: jax.Array) -> jax.Array:
    """``x * coth(x) - 1`` for ``0 <= x <= 0.75``."""
    square, total = jnp.square(x), real(0)
    for coefficient in reversed(_COTH):
        total = square * (coefficient + total)
    return total


@checks.by_name
def radam(value: Number, *, b2: Number) -> Radam:
    r"""RAdam's variance rectification term, used as a warmup for Adam.

    .. math::
      v(t) = V \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho}{(\rho - 4)(\rho - 2)\,\rho_t}}, \qquad
      \rho_t = \rho - \frac{2 t\, b_2^t}{1 - b_2^t}, \qquad \rho = \frac{2}{1 - b_2} - 1

    The last update of a run of ``N`` updates is at count ``N - 1``. After more than ``20 / (1 - b2)`` steps,
    its rate is ``value``.

    Typical: ``b2=0.999`` (the paper). See also `exponential_approach`, `adam_warmup_steps`, and
    :doc:`/guides/which`.

    Args:
      value: :math:`V`, the learning rate at the end of the rise. Any finite number.
      b2: :math:`b_2`, Adam's decay rate of the second moment, in (0.6, 1).

    Returns:
      A `Schedule` that never ends. It is 0 while :math:`\rho_t \le 4`, which is up to ``t = 4`` for a usual
      ``b2``. (At these steps RAdam itself updates without a second moment.) ``shift(radam(...), -5)`` starts
      after them. After about ``20 / (1 - b2)`` steps it is ``value``. The value at 0 applies before 0.

      It is accurate to 8 ULP for ``b2`` >= 0.9. Below that, the first step at which :math:`\rho_t` is just
      above 4 may have fewer digits.

    Raises:
      ValueError: If ``value`` is not finite, or ``b2`` is not between 0.6 and 1.
      TypeError: If an argument is not a number.

    A concrete ``b2`` keeps float64 precision. A traced ``b2`` has only the precision of float32, which leaves
    few digits of ``1 - b2``.

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (2020), section 4.2.

    >>> import warmup_optax as wo
    >>> wo.shapes.radam(1.0, b2=0.999)([4, 5, 100, 1000, 20000]).round(4).tolist()
    [0.0, 0.01730000041425228, 0.21529999375343323, 0.6452999711036682, 1.0]
    """
    return Radam(value, b2)


@final
class DebiasedDecay(Schedule, kind="debiased_decay"):
    """Made by `debiased_decay`."""

    decay: NumberField = checked(
        checks.number, at_least=0, below=1, fix="it is the decay rate of a moving average"
    )

    def evaluate(self, time: Time) -> jax.Array:
        decay, t = real(self.decay), time.ratio(1)
        log = jnp.log(jnp.clip(decay, TINY, 1 - 2**-24))  # the largest float32 below 1
        part = jnp.expm1(log * t) / jnp.expm1(log * (t + 1))
        return decay * jnp.minimum(part, 1)  # only rounding can bring it above 1


@checks.by_name
def debiased_decay(decay: Number) -> DebiasedDecay:
    r"""Bias-corrected decay rate of an exponential moving average, as in Adam. Also known as debiased EMA decay.

    With it, a moving average that starts at 0 is a weighted mean from its first update.

    .. math:: v(t) = d\, \frac{1 - d^t}{1 - d^{t + 1}}

    The last update of a run of ``N`` updates is at count ``N - 1``. In a long run, its value is ``decay``.

    Typical: a ``decay`` of 0.999, Adam's ``b2``. See also `half_life`, `scheduled`, and
    :doc:`/guides/hyperparameters`.

    Args:
      decay: :math:`d`, the final decay rate, in [0, 1).

    Returns:
      A `Schedule` that never ends. At ``t = 0`` it is 0, so the average is the first number. While ``t`` is
      much smaller than ``1 / (1 - d)`` it is nearly ``t / (t + 1)``, the plain mean. For large ``t`` it is
      ``d``. The value at 0 applies before 0. It is accurate to 8 ULP.

    Raises:
      ValueError: If ``decay`` is not in [0, 1).
      TypeError: If ``decay`` is not a number.

    Source: Kingma & Ba, Adam (2015), section 3. The bias correction is moved into the decay rate, as in AXLearn
    and Adafactor.

    >>> import warmup_optax as wo
    >>> wo.shapes.debiased_decay(0.9)([0, 1, 2, 100]).round(4).tolist()
    [0.0, 0.47369998693466187, 0.6309999823570251, 0.8999999761581421]
    """
    return DebiasedDecay(decay)
