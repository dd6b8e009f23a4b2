"""Curves that go back and forth without an end, on a local count that starts at 0.

A wave goes out from one value to another in ``n`` steps, and back in ``m``. The count within the wave comes
from a whole-number division, so the phase of a wave is as exact after 2^31 steps as in the first one, and
the fractions of the way out and of the way back are each an exact integer divided once.
"""

from __future__ import annotations

import abc
from typing import Any

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import checked, static
from .._core.scalars import Length, Scalar, real, select, total, whole_number
from .._core.schedule import Number, NumberField, Schedule, Steps
from .._core.time import Time
from .finite import Curve, half_cosine, line


class _Wave(Schedule):
    """A curve out to one value and back to the first, again and again, both ends exactly the user's."""

    init_value: NumberField = checked(checks.number)
    end_value: NumberField = checked(checks.number)
    steps: NumberField = checked(checks.steps, at_least=1)

    def _back(self) -> Any:
        """The steps of the way back."""
        return self.steps

    @abc.abstractmethod
    def _curve(self) -> Curve:
        """The weights of the two ends, by the elapsed and the remaining fraction of the way out."""

    def lower(self) -> Lowered:
        steps, back = whole_number(self.steps), whole_number(self._back())
        period = total(self.steps, self._back())
        return _Waved(self.init_value, self.end_value, steps, back, period, self._curve())


class _Waved(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length
    back: Length
    period: Length
    curve: Curve = static()

    def evaluate(self, time: Time) -> Any:
        local = time.cycle(self.period)[1]
        turned, way_back = local.reached(self.steps), local.after(self.steps)
        (out, left), (gone, to_go) = local.progress(self.steps), way_back.progress(self.back)
        of_init, of_end = self.curve(select(turned, to_go, out), select(turned, gone, left))
        init_value, end_value = real(self.init_value), real(self.end_value)
        between = init_value * of_init + end_value * of_end
        at_end = select(way_back.started(), between, end_value)
        return select(turned, at_end, select(local.started(), between, init_value))


class CosineWave(_Wave, kind="cosine_wave"):
    """Made by `cosine_wave`."""

    def _curve(self) -> Curve:
        return half_cosine


def cosine_wave(init_value: Number, end_value: Number, steps: Steps) -> CosineWave:
    r"""A whole cosine without an end: down as `cosine` does, up the same way, and down again.

    .. math:: v(t) = E + (I - E) \left(\tfrac12 + \tfrac12 \cos \pi \tfrac{t}{n}\right)

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0, 2n, 4n, ...``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n, 3n, ...``, exactly. Any finite number.
      steps: :math:`n`, half a period, in optimizer updates, a whole number >= 1.

    Returns:
      A `Schedule` without an end: the same as ``cosine(init_value, end_value, steps)`` up to ``n``, where
      that one stays. It is what PyTorch's and Paddle's cosine annealing and Hugging Face's cosine do when
      training goes on past their end. The value at 0 holds before 0. Within 8 ULP at every count.

    Raises:
      ValueError: If a number is not finite, or ``steps`` is not a whole number >= 1.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.shapes.cosine_wave(1.0, 0.0, steps=4)([0, 2, 4, 6, 8, 12]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0, 0.0]
    """
    return CosineWave(init_value, end_value, steps)


class TriangleWave(_Wave, kind="triangle_wave"):
    """Made by `triangle_wave`."""

    back_steps: Any = checked(checks.steps, at_least=1, default=None)

    def _back(self) -> Any:
        return self.steps if self.back_steps is None else self.back_steps

    def _curve(self) -> Curve:
        return line


def triangle_wave(
    init_value: Number, end_value: Number, steps: Steps, back_steps: Steps | None = None
) -> TriangleWave:
    r"""Straight out to one value and straight back, without an end: a cyclical learning rate.

    .. math:: v(t) = I + (E - I) \begin{cases} r / n & r \le n \\ (n + m - r) / m & r > n \end{cases}
              \qquad r = t \bmod (n + m)

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0, n + m, ...``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n, 2n + m, ...``, exactly. Any finite number.
      steps: :math:`n`, the way from ``init_value`` to ``end_value``, in optimizer updates, a whole number
        >= 1.
      back_steps: :math:`m`, the way back, a whole number >= 1; None for ``steps``.

    Returns:
      A `Schedule` without an end. The value at 0 holds before 0. Within 8 ULP at every count between ends
      of one sign. Times ``exponential(1.0, decay_rate=0.5, transition_steps=n + m, staircase=True)`` it is
      the "triangular2" of PyTorch (from 0), times a smooth exponential the "exp_range".

    Raises:
      ValueError: If a number is not finite, or a number of steps is not a whole number >= 1.
      TypeError: If an argument is not a number.

    Source: Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.2.

    >>> import warmup_optax as wo
    >>> wo.shapes.triangle_wave(0.0, 1.0, steps=4, back_steps=2)([0, 1, 4, 5, 6, 10]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0, 1.0]
    """
    return TriangleWave(init_value, end_value, steps, back_steps)
