"""Curves that single optimizers and libraries are known for: tanh decay, RAdam's warmup, and the like.

They follow the rules of the other shapes: a local count from 0, fractions from exact integers, and two
weights that are each computed without cancellation.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax.numpy as jnp

from . import _checks
from ._node import prepared
from ._numerics import split_power
from ._schedule import Number, Schedule
from ._shapes import Finite
from ._time import Time, real

STEEP = 88.0  # exp(88) is the last whole power of e that float32 holds


class Tanh(Finite):
    """Made by `tanh`."""

    lower: Number = -7.0
    upper: Number = 3.0

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        # (1 - tanh(x)) / 2 is 1 / (1 + exp(2x)), of which neither tail is a difference.
        twice = 2 * (real(self.lower) * q + real(self.upper) * p)
        twice = jnp.clip(twice, -STEEP, STEEP)
        return 1 / (1 + jnp.exp(twice)), 1 / (1 + jnp.exp(-twice))

    def evaluate(self, time: Time) -> Any:
        of_init, of_end = self.weights(*time.progress(self.steps))
        between = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.reached(self.steps), real(self.end_value), between)


def tanh(
    init_value: Number, end_value: Number, steps: Number, *, lower: Number = -7.0, upper: Number = 3.0
) -> Tanh:
    r"""A piece of a hyperbolic tangent from one value to another: long high, then quickly low.

    .. math:: v(t) = E + (I - E)\, \tfrac12 \left(1 - \tanh\frac{a (n - t) + b t}{n}\right), \quad 0 \le t < n

    Args:
      init_value: :math:`I`, the value that the whole curve comes from. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n`` and after it, exactly. Any finite number.
      steps: :math:`n`, in optimizer updates, a whole number >= 0; with 0 it is ``end_value`` everywhere.
      lower: :math:`a`, where on the tangent the piece begins. Below -4 the first value is ``init_value``
        within 0.04 % of the way; it is not exactly that.
      upper: :math:`b`, where it ends: the value just before ``t = n`` is as far from ``end_value`` as
        :math:`(1 - \tanh b) / 2` of the way, 0.25 % for 3. The rest is a jump.

    Returns:
      A `Schedule`. The value at 0 holds before 0, ``end_value`` holds after ``n``. Within 8 ULP, and one
      more for each halving of a weight.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is negative or fractional.
      TypeError: If an argument is not a number.

    Source: Hsueh et al., Stochastic Gradient Descent with Hyperbolic-Tangent Decay (2018), section 3.

    >>> import warmup_optax as wo
    >>> wo.tanh(1.0, 0.0, steps=10)([0, 5, 7, 9, 10]).round(4).tolist()
    [1.0, 0.9819999933242798, 0.5, 0.017999999225139618, 0.0]
    """
    return Tanh(
        _checks.number("tanh", "init_value", init_value),
        _checks.number("tanh", "end_value", end_value),
        _checks.steps("tanh", "steps", steps),
        _checks.number("tanh", "lower", lower),
        _checks.number("tanh", "upper", upper),
    )


class FiniteExponential(Finite):
    """Made by `finite_exponential`."""

    ratio: Number

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        # (r^p - r) / (1 - r) and (1 - r^p) / (1 - r), with r = exp(-x): no power is subtracted.
        x = -jnp.log(real(self.ratio))
        return jnp.expm1(x * q) / jnp.expm1(x), jnp.expm1(-x * p) / jnp.expm1(-x)


def finite_exponential(
    init_value: Number, end_value: Number, steps: Number, *, ratio: Number
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
    >>> wo.finite_exponential(1.0, 0.0, steps=2, ratio=0.25)([0, 1, 2]).round(4).tolist()
    [1.0, 0.33329999446868896, 0.0]
    """
    where = "finite_exponential"
    ratio = _checks.number(where, "ratio", ratio, above=0)
    if not _checks.traced(ratio) and ratio >= 1:
        _checks.refuse(where, "ratio", ratio, "a number in (0, 1)", "for a straight line use linear()")
    return FiniteExponential(
        _checks.number(where, "init_value", init_value),
        _checks.number(where, "end_value", end_value),
        _checks.steps(where, "steps", steps),
        ratio,
    )


class ExponentialApproach(Schedule):
    """Made by `exponential_approach`."""

    init_value: Number
    end_value: Number
    timescale: Number

    def evaluate(self, time: Time) -> Any:
        passed = time.ratio(self.timescale)
        of_init, of_end = jnp.exp(-passed), -jnp.expm1(-passed)
        value = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.started(), value, real(self.init_value))


def exponential_approach(init_value: Number, end_value: Number, *, timescale: Number) -> ExponentialApproach:
    r"""Comes closer and closer to a value: fast first, then ever slower.

    .. math:: v(t) = E + (I - E)\, e^{-t/\tau}

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate that it approaches. Any finite number.
      timescale: :math:`\tau` > 0, in optimizer updates, whole or not: the time in which the distance falls
        to 37 %. As a warmup, ``1 / (1 - b2)`` matches the bias correction of Adam's second moment.

    Returns:
      A `Schedule` without an end; after about ``17 * timescale`` it is ``end_value`` in float32. The value
      at 0 holds before 0. Within 8 ULP, and one for each halving where ``end_value`` is 0.

    Raises:
      ValueError: If a number is not finite, or ``timescale`` <= 0.
      TypeError: If an argument is not a number.

    Source: Ma & Yarats, On the Adequacy of Untuned Warmup for Adaptive Optimization (2019), section 5.

    >>> import warmup_optax as wo
    >>> wo.exponential_approach(0.0, 1.0, timescale=10)([0, 10, 1000]).round(4).tolist()
    [0.0, 0.632099986076355, 1.0]
    """
    where = "exponential_approach"
    return ExponentialApproach(
        _checks.number(where, "init_value", init_value),
        _checks.number(where, "end_value", end_value),
        _checks.number(where, "timescale", timescale, above=0),
    )


# x * coth(x) - 1 in powers of x^2, good to float32 up to x = 0.75.
_COTH = (1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555, -1382 / 638512875, 4 / 18243225)


class Radam(Schedule):
    """Made by `radam`."""

    value: Number
    b2: Number
    rate: Any = prepared(default=None)  # -log(b2), of which float32 would keep few digits
    limit: Any = prepared(default=None)  # rho_inf - 4

    def prepare(self) -> Radam:
        if isinstance(self.b2, float):
            rate, limit = -math.log(self.b2), (5 * self.b2 - 3) / (1 - self.b2)
        else:
            b2 = real(self.b2)
            rate, limit = -jnp.log1p(b2 - 1), (5 * b2 - 3) / (1 - b2)
        return dataclasses.replace(self, rate=rate, limit=limit)

    def evaluate(self, time: Time) -> Any:
        # With x = rate * t / 2 the rho of the paper is rho_inf - 2t / (exp(2x) - 1), a small difference of
        # large numbers as long as x is small; there it is t - 2/rate * (x coth(x) - its value at t = 1).
        rate, limit, t = real(self.rate), real(self.limit), time.ratio(1)
        late = limit - 2 * t / jnp.expm1(jnp.clip(rate * t, 1.5, STEEP))
        early_t = jnp.minimum(t, 1.5 / rate)
        early = (early_t - 4) - 2 / rate * (_coth(rate * early_t / 2) - _coth(rate / 2))
        rho = jnp.where(rate * t < 1.5, early, late)  # minus 4
        safe = jnp.where(rho > 0, rho, 1)
        square = safe / limit * ((safe + 2) / (limit + 2)) * ((limit + 4) / (safe + 4))
        return real(self.value) * jnp.where(rho > 0, jnp.sqrt(square), 0)


def _coth(x: Any) -> Any:
    """``x * coth(x) - 1`` for ``0 <= x <= 0.75``."""
    square, total = jnp.square(x), real(0)
    for coefficient in reversed(_COTH):
        total = square * (coefficient + total)
    return total


def radam(value: Number, *, b2: Number) -> Radam:
    r"""The rectification of RAdam as a warmup for Adam: what its second moment can be trusted with.

    .. math::
      v(t) = V \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho}{(\rho - 4)(\rho - 2)\,\rho_t}}, \qquad
      \rho_t = \rho - \frac{2 t\, b_2^t}{1 - b_2^t}, \qquad \rho = \frac{2}{1 - b_2} - 1

    Args:
      value: :math:`V`, the learning rate that it rises to. Any finite number.
      b2: :math:`b_2` in (0.6, 1), Adam's decay of the second moment.

    Returns:
      A `Schedule` without an end. As long as :math:`\rho_t \le 4`, up to ``t = 4`` for a usual ``b2``, it is
      0 (RAdam itself makes updates without a second moment there); ``shift(radam(...), -5)`` starts behind
      that. After about ``20 / (1 - b2)`` it is ``value``. The value at 0 holds before 0. Within 8 ULP for a
      ``b2`` from 0.9 on; below, the first step at which :math:`\rho_t` is just above 4 may have fewer digits.

    Raises:
      ValueError: If ``value`` is not finite, or ``b2`` not between 0.6 and 1.
      TypeError: If an argument is not a number.

    A concrete ``b2`` is used to float64's precision. One that comes as a traced float32 number is what
    float32 makes of it, which leaves ``1 - b2`` few digits.

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (2020), section 4.2.

    >>> import warmup_optax as wo
    >>> wo.radam(1.0, b2=0.999)([4, 5, 100, 1000, 20000]).round(4).tolist()
    [0.0, 0.01730000041425228, 0.21529999375343323, 0.6452999711036682, 1.0]
    """
    b2 = _checks.number("radam", "b2", b2)
    if not _checks.traced(b2) and not 0.6 < b2 < 1:
        _checks.refuse("radam", "b2", b2, "a number in (0.6, 1)", "no smaller one has a rectification")
    return Radam(_checks.number("radam", "value", value), b2)


class KDecay(Schedule):
    """Made by `k_decay`."""

    schedule: Schedule
    k: Number

    def evaluate(self, time: Time) -> Any:
        shape = self.schedule
        assert isinstance(shape, Finite)
        p, q = split_power(*time.progress(shape.steps), self.k)
        of_init, of_end = shape.weights(p, q)
        init_value, end_value = real(shape.init_value), real(shape.end_value)
        between = init_value * of_init + end_value * of_end
        return jnp.where(time.reached(shape.steps), end_value, jnp.where(time.started(), between, init_value))


def k_decay(schedule: Any, k: Number) -> KDecay:
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
    >>> wo.k_decay(wo.linear(1.0, 0.0, 4), 2)([0, 2, 4, 9]).tolist()
    [1.0, 0.75, 0.0, 0.0]
    """
    if not isinstance(schedule, Finite):
        fix = "for a whole schedule, apply k_decay to the shapes in it"
        _checks.refuse(
            "k_decay", "schedule", schedule, "a finite shape, as cosine(...)", fix, error=TypeError
        )
    return KDecay(schedule, _checks.number("k_decay", "k", k, above=0))
