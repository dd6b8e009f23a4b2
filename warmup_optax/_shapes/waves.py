"""Periodic curves that never end, as functions of a local count that starts at 0.

A wave moves from one value to another in ``n`` steps, and back in ``m`` steps. The count within a period is the
remainder of an integer division. So the position in the wave is as exact after 2^31 steps as in the first
period. The fraction of each half is an exact integer, divided once.
"""

from __future__ import annotations

import abc
from typing import final

import jax

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import checked, static
from .._core.scalars import Length, Scalar, lowered_steps, real, select, total
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, NumberField, OptionalField, Steps
from .finite import Curve, half_cosine, linear_weights


class _Wave(Schedule):
    """A periodic curve from one value to another and back. Both values are exactly the given numbers."""

    init_value: NumberField = checked(checks.number)
    end_value: NumberField = checked(checks.number)
    steps: NumberField = checked(checks.steps, at_least=1)

    def _back(self) -> float:
        """The number of steps from ``end_value`` back to ``init_value``."""
        return self.steps

    @abc.abstractmethod
    def _curve(self) -> Curve:
        """The weights of the two values, as a function of the elapsed and the remaining fraction."""

    def lower(self) -> Lowered:
        steps, back = lowered_steps(self.steps), lowered_steps(self._back())
        period = total(self.steps, self._back())
        return _Waved(self.init_value, self.end_value, steps, back, period, self._curve())


class _Waved(Lowered):
    init_value: Scalar
    end_value: Scalar
    steps: Length
    back: Length
    period: Length
    curve: Curve = static()

    def evaluate(self, time: Time) -> jax.Array:
        local = time.cycle(self.period)[1]
        returning, since_turn = local.reached(self.steps), local.after(self.steps)
        (p, q), (p_back, q_back) = local.progress(self.steps), since_turn.progress(self.back)
        of_init, of_end = self.curve(select(returning, q_back, p), select(returning, p_back, q))
        init_value, end_value = real(self.init_value), real(self.end_value)
        between = init_value * of_init + end_value * of_end
        after_turn = select(since_turn.started(), between, end_value)
        return select(returning, after_turn, select(local.started(), between, init_value))


@final
class CosineWave(_Wave, kind="cosine_wave"):
    """Made by `cosine_wave`."""

    def _curve(self) -> Curve:
        return half_cosine


@checks.by_name
def cosine_wave(init_value: Number, end_value: Number, steps: Steps) -> CosineWave:
    r"""Periodic cosine annealing without restarts: down as `cosine`, up along the same curve, and so on.

    .. math:: v(t) = E + (I - E) \left(\tfrac12 + \tfrac12 \cos \pi \tfrac{t}{n}\right)

    At the last update before each extreme, ``t = n - 1``, ``2n - 1`` and so on, the value is close to it.

    See also `cosine`, which is finite, `restart`, and :doc:`/coming_from/torch`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0, 2n, 4n, ...``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n, 3n, ...``, exactly. Any finite number.
      steps: :math:`n`, half a period, in optimizer updates, a whole number >= 1.

    Returns:
      A `Schedule` that never ends. Up to ``n`` it equals ``cosine(init_value, end_value, steps)``, which stays
      at ``end_value`` after that. The cosine annealing of PyTorch and Paddle, and the cosine of Hugging Face,
      behave like this wave if training continues past their end. The value at 0 applies before 0. It is
      accurate to 8 ULP at every count.

    Raises:
      ValueError: If a value is not finite, or ``steps`` is not a whole number >= 1.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.shapes.cosine_wave(1.0, 0.0, steps=4)([0, 2, 4, 6, 8, 12]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0, 0.0]
    """
    return CosineWave(init_value, end_value, steps)


@final
class TriangleWave(_Wave, kind="triangle_wave"):
    """Made by `triangle_wave`."""

    back_steps: OptionalField = checked(checks.steps, at_least=1, default=None)

    def _back(self) -> float:
        return self.steps if self.back_steps is None else self.back_steps

    def _curve(self) -> Curve:
        return linear_weights


@checks.by_name
def triangle_wave(
    init_value: Number, end_value: Number, steps: Steps, back_steps: Steps | None = None
) -> TriangleWave:
    r"""Triangle wave between two values that never ends. Also known as a cyclical learning rate (CLR).

    .. math:: v(t) = I + (E - I) \begin{cases} r / n & r \le n \\ (n + m - r) / m & r > n \end{cases}
              \qquad r = t \bmod (n + m)

    At the last update before an extreme, the value is one step of the linear ramp short of it.

    Typical: ``steps`` of 2 to 10 epochs (Smith 2017). See also `cosine_wave`, `one_cycle`, `restart`, and
    :doc:`/coming_from/torch`.

    Args:
      init_value: :math:`I`, the learning rate at ``t = 0, n + m, ...``, exactly. Any finite number.
      end_value: :math:`E`, the learning rate at ``t = n, 2n + m, ...``, exactly. Any finite number.
      steps: :math:`n`, the number of updates from ``init_value`` to ``end_value``, a whole number >= 1.
      back_steps: :math:`m`, the number of updates from ``end_value`` back to ``init_value``, a whole number
        >= 1. ``None``: ``steps``.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. If both values have the same sign, it is
      accurate to 8 ULP at every count.

      For the "triangular2" of PyTorch with ``init_value=0``, multiply it by
      ``exponential(1.0, decay_rate=0.5, transition_steps=n + m, staircase=True)``. For "exp_range", multiply it
      by a smooth exponential.

    Raises:
      ValueError: If a value is not finite, or a number of steps is not a whole number >= 1.
      TypeError: If an argument is not a number.

    Source: Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.2.

    >>> import warmup_optax as wo
    >>> wo.shapes.triangle_wave(0.0, 1.0, steps=4, back_steps=2)([0, 1, 4, 5, 6, 10]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0, 1.0]
    """
    return TriangleWave(init_value, end_value, steps, back_steps)
