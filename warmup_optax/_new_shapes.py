"""Curves of a logarithm, of a quotient and of a decay's half-life: DeepSpeed's warmup, REX, beta schedules.

They follow the rules of the other shapes: a local count from 0, fractions from exact integers, and no
difference of nearly equal numbers.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax.numpy as jnp

from . import _checks
from ._node import prepared
from ._numerics import LOG_HUGE, TINY
from ._schedule import Number, Schedule
from ._shapes import Finite
from ._time import Time, real


class Logarithmic(Finite):
    """Made by `logarithmic`."""

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        return self._weights(p * real(self.steps), p, q)

    def _weights(self, t: Any, p: Any, q: Any) -> tuple[Any, Any]:
        whole = jnp.log(jnp.maximum(real(self.steps), 2))
        # ln(n / t): from the remaining fraction near the end, where it is small.
        early = (p > 0) & (p < 0.5) & (t > 1)
        of_init = jnp.where(early, -jnp.log(jnp.where(early, p, 0.5)), -jnp.log1p(-jnp.minimum(q, 0.5)))
        of_end = jnp.log1p(jnp.maximum(t - 1, 0))
        return jnp.where(t > 1, of_init / whole, 1), of_end / whole

    def evaluate(self, time: Time) -> Any:
        of_init, of_end = self._weights(time.ratio(1), *time.progress(self.steps))
        between = real(self.init_value) * of_init + real(self.end_value) * of_end
        return jnp.where(time.reached(self.steps), real(self.end_value), between)


def logarithmic(init_value: Number, end_value: Number, steps: Number) -> Logarithmic:
    r"""From one value to another with the logarithm of the count: fast first, then ever slower.

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
    >>> wo.logarithmic(0.0, 1.0, steps=16)([0, 1, 2, 4, 16, 20]).round(6).tolist()
    [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    """
    return Logarithmic(
        _checks.number("logarithmic", "init_value", init_value),
        _checks.number("logarithmic", "end_value", end_value),
        _checks.steps("logarithmic", "steps", steps),
    )


class Rex(Finite):
    """Made by `rex`."""

    curvature: Number = 0.5
    rest: Any = prepared(default=None)  # 1 - curvature, of which float32 would keep few digits

    def prepare(self) -> Rex:
        curvature = self.curvature if isinstance(self.curvature, float) else real(self.curvature)
        return dataclasses.replace(self, rest=1 - curvature)

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        c = real(self.curvature)
        rest = 1 - c if self.rest is None else real(self.rest)
        # Both are 1 - c p, each without a difference for its sign of c.
        below = jnp.where(c < 0, 1 - jnp.minimum(c, 0) * p, rest + jnp.maximum(c, 0) * q)
        return q / below, rest * p / below


def rex(init_value: Number, end_value: Number, steps: Number, *, curvature: Number = 0.5) -> Rex:
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
    >>> wo.rex(1.0, 0.0, steps=4)([0, 2, 3, 4]).round(6).tolist()
    [1.0, 0.6666669845581055, 0.4000000059604645, 0.0]
    """
    curvature = _checks.number("rex", "curvature", curvature)
    if not _checks.traced(curvature) and curvature >= 1:
        _checks.refuse("rex", "curvature", curvature, "a number below 1", "at 1 the curve would never fall")
    return Rex(
        _checks.number("rex", "init_value", init_value),
        _checks.number("rex", "end_value", end_value),
        _checks.steps("rex", "steps", steps),
        curvature,
    )


class HalfLife(Finite):
    """Made by `half_life`."""

    lives: Any = prepared(default=None)  # -1 / ln(b) of both ends

    def prepare(self) -> HalfLife:
        return dataclasses.replace(self, lives=(_life(self.init_value), _life(self.end_value)))

    def evaluate(self, time: Time) -> Any:
        (p, q), (first, last) = time.progress(self.steps), self.lives
        life = real(first) * q + real(last) * p
        # Below the shortest life the value is 0 in float32.
        between = jnp.exp(-1 / jnp.maximum(life, 1 / LOG_HUGE))
        between = jnp.where(life > 1 / LOG_HUGE, between, 0)
        init_value, end_value = real(self.init_value), real(self.end_value)
        return jnp.where(time.reached(self.steps), end_value, jnp.where(time.started(), between, init_value))


def _life(decay: Any) -> Any:
    """``-1 / ln(decay)``, the half-life in units of ``ln 2``; 0 for a decay of 0."""
    if isinstance(decay, float):
        return -1 / math.log(decay) if decay > 0 else 0.0
    decay = real(decay)
    # A decay that is not in (0, 1) is one of a phase that is not taken: it must not spoil a gradient.
    inside = (decay > TINY) & (decay < 1)
    return jnp.where(inside, -1 / jnp.log(jnp.where(inside, decay, 0.5)), 0)


def half_life(init_value: Number, end_value: Number, steps: Number) -> HalfLife:
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
    >>> wo.half_life(0.9, 0.9999, steps=1000)([0, 1, 100, 1000]).round(4).tolist()
    [0.8999999761581421, 0.949999988079071, 0.9989999532699585, 0.9998999834060669]
    """
    return HalfLife(
        _decay("half_life", "init_value", init_value),
        _decay("half_life", "end_value", end_value),
        _checks.steps("half_life", "steps", steps),
    )


class DebiasedDecay(Schedule):
    """Made by `debiased_decay`."""

    decay: Number

    def evaluate(self, time: Time) -> Any:
        decay, t = real(self.decay), time.ratio(1)
        log = jnp.log(jnp.clip(decay, TINY, 1 - 2**-24))  # the largest float32 below 1
        part = jnp.expm1(log * t) / jnp.expm1(log * (t + 1))
        return decay * jnp.minimum(part, 1)  # above 1 by its rounding alone


def debiased_decay(decay: Number) -> DebiasedDecay:
    r"""The decay with which a moving average that starts at 0 is a weighted mean from its first update on.

    .. math:: v(t) = d\, \frac{1 - d^t}{1 - d^{t + 1}}

    Args:
      decay: :math:`d` in [0, 1), the decay that it rises to.

    Returns:
      A `Schedule` without an end: 0 at ``t = 0`` (the average is the first number), nearly
      ``t / (t + 1)`` (the plain mean) as long as ``t`` is small beside ``1 / (1 - d)``, and ``d`` in the
      end. The value at 0 holds before 0. Within 8 ULP.

    Raises:
      ValueError: If ``decay`` is not in [0, 1).
      TypeError: If it is not a number.

    Source: Kingma & Ba, Adam (2015), section 3, whose bias correction this is, moved into the decay; AXLearn
    and Adafactor compute it so.

    >>> import warmup_optax as wo
    >>> wo.debiased_decay(0.9)([0, 1, 2, 100]).round(4).tolist()
    [0.0, 0.47369998693466187, 0.6309999823570251, 0.8999999761581421]
    """
    return DebiasedDecay(_decay("debiased_decay", "decay", decay))


def _decay(where: str, name: str, value: Any) -> Any:
    """The decay of a moving average, checked."""
    value = _checks.number(where, name, value)
    if not _checks.traced(value) and not 0 <= value < 1:
        _checks.refuse(where, name, value, "a number in [0, 1)", "it is the decay of a moving average")
    return value
