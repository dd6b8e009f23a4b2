"""Schedules on another clock: later, faster, in stairs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .._core import checks
from .._core.node import checked
from .._core.schedule import Lowered, Schedule, ScheduleLike, Steps, as_schedule_argument
from .._core.time import Factor, Time, whole_number


class Shift(Schedule, kind="shift"):
    """Made by `shift`."""

    schedule: Schedule = checked(as_schedule_argument)
    steps: Steps = checked(checks.steps, at_least=None)

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.since(self.steps))


def shift(schedule: ScheduleLike, steps: Steps) -> Schedule:
    r"""A schedule that starts later (or, with a negative number, has started already).

    .. math:: v(c) = s(\max(c - d, 0))

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`d`, in optimizer updates, any whole number. The value at 0 is held before ``d``;
        a negative number skips the schedule's first ``-d`` steps.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If ``steps`` is not whole.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.shift(wo.linear(0.0, 1.0, 4), 10)([0, 10, 12]).tolist()
    [0.0, 0.0, 0.5]
    >>> wo.shift(wo.linear(0.0, 1.0, 4), -1)([0, 1]).tolist()
    [0.25, 0.5]
    """
    return Shift(schedule, steps)  # pyright: ignore[reportArgumentType]


class SpeedUp(Schedule, kind="speed_up"):
    """Made by `speed_up`."""

    schedule: Schedule = checked(as_schedule_argument)
    factor: Steps = checked(checks.steps, at_least=1)

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.times(self.factor))


def speed_up(schedule: ScheduleLike, factor: Steps) -> Schedule:
    r"""A schedule that goes ``factor`` counts forward with every update.

    .. math:: v(c) = s(k c)

    For a schedule written in examples, with the batch size as the factor; and for phases that do not last
    whole numbers of updates: 2.5 updates are 5 counts of a schedule that is sped up by 2.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      factor: :math:`k`, a whole number >= 1. Both counts stay whole, so nothing is rounded.

    Returns:
      A `Schedule`. ``factor * count`` is a whole number of up to 61 bits, beyond int32 too, so lengths of
      trillions of tokens are exact.

    Raises:
      ValueError: If ``factor`` is not a whole number >= 1.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.speed_up(wo.linear(0.0, 1.0, 5), 2)([0, 1, 2, 3]).round(1).tolist()
    [0.0, 0.4000000059604645, 0.800000011920929, 1.0]
    """
    return SpeedUp(schedule, factor)  # pyright: ignore[reportArgumentType]


class Rescale(Schedule, kind="rescale"):
    """Made by `rescale`."""

    schedule: Schedule = checked(as_schedule_argument)
    numerator: Steps = checked(checks.steps, at_least=1)
    denominator: Steps = checked(checks.steps, at_least=1)

    def lower(self) -> Lowered:
        factor = Fraction(int(self.numerator), int(self.denominator))
        if factor.denominator == 1:
            return SpeedUp(self.schedule, factor.numerator).lower()
        return _Rescaled(self.schedule.lower(), Factor.of(factor))


class _Rescaled(Lowered):
    _data = ("schedule", "factor")

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.scaled(self.factor))


class Staircase(Schedule, kind="staircase"):
    """Made by `staircase`."""

    schedule: Schedule = checked(as_schedule_argument)
    steps: Steps = checked(checks.steps, at_least=1)

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.stairs(self.steps))


def staircase(schedule: ScheduleLike, steps: Steps) -> Schedule:
    r"""A schedule that goes one count forward every ``steps`` updates: once an epoch, say.

    .. math:: v(c) = s(\lfloor c / n \rfloor)

    Args:
      schedule: :math:`s`, written in epochs (or whatever has ``steps`` updates): a schedule, a function of a
        count, or a number.
      steps: :math:`n`, in optimizer updates, a whole number >= 1.

    Returns:
      A `Schedule`, constant between multiples of ``steps``. PyTorch's and timm's schedulers give this when
      they are stepped once an epoch.

    Raises:
      ValueError: If ``steps`` is not a whole number >= 1.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.staircase(wo.linear(1.0, 0.0, 4), 100)([0, 99, 100, 399, 400]).tolist()
    [1.0, 1.0, 0.75, 0.25, 0.0]
    """
    return Staircase(schedule, steps)  # pyright: ignore[reportArgumentType]
