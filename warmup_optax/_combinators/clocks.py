"""Schedules on another clock: later, in other units, in stairs."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from .._core import checks
from .._core.node import checked
from .._core.numerics import table
from .._core.schedule import Lowered, NumberField, Schedule, ScheduleLike, Steps, as_schedule_argument
from .._core.time import UNROLLED, Time, Wide, default_int, take, whole_number


class Shift(Schedule, kind="shift"):
    """Made by `shift`."""

    schedule: Schedule = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps, at_least=None)

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
    """A schedule that goes ``factor`` counts forward with every update, a whole number >= 1.

    A kind of configs; in code it is ``stretch(schedule, Fraction(1, factor))``.
    """

    schedule: Schedule = checked(as_schedule_argument)
    factor: NumberField = checked(checks.steps, at_least=1)

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.times(self.factor))


class InSteps(Schedule, kind="in_steps"):
    r"""A schedule written in other units (tokens, examples, epochs), on the clock of updates.

    .. math:: v(c) = s\!\left(\frac{x_i + (c - b_{i-1}) r_i}{k}\right) \quad\text{for}\quad b_{i-1} \le c < b_i

    Made by `TrainingRun.in_steps`, from a batch size or a ramp of batch sizes.

    Args:
      schedule: :math:`s`, whose counts are units: a schedule, a function of a count, or a number.
      boundaries: :math:`b_i`, the updates at which another rate begins: whole numbers >= 0, increasing.
      starts: :math:`x_i`, the units seen before the first update of each segment: whole numbers >= 0, one
        more than ``boundaries``.
      rates: :math:`r_i`, the units that an update of each segment takes: one whole number >= 0 for each start.
      scale: :math:`k`, by which ``starts`` and ``rates`` are too large, a whole number >= 1.

    The units seen are exact up to 2^61. Before count 0 the value at 0 applies.

    >>> import warmup_optax as wo
    >>> ramp = wo.nodes.InSteps(wo.linear(0.0, 1.0, 80), boundaries=(2,), starts=(0, 20), rates=(10, 40))
    >>> ramp([0, 1, 2, 3, 4]).tolist()
    [0.0, 0.125, 0.25, 0.75, 1.0]
    """

    schedule: Schedule = checked(as_schedule_argument)
    boundaries: Any = checked(checks.boundaries)
    starts: Any = checked(checks.step_counts)
    rates: Any = checked(checks.step_counts)
    scale: NumberField = checked(checks.steps, at_least=1, default=1)

    def _check_together(self) -> None:
        for name, values in (("starts", self.starts), ("rates", self.rates)):
            allowed = "one more than ${boundaries}"
            checks.as_many(self._kind, name, values, len(self.boundaries) + 1, allowed)

    def lower(self) -> Lowered:
        firsts, starts, rates = ((0, *self.boundaries), self.starts, self.rates)
        wide: Any = Wide.of if default_int() == np.int32 else int
        rows = [table(tuple(map(wide, column))) for column in (firsts, starts, rates)]
        boundaries = tuple(map(whole_number, self.boundaries))
        scale = None if isinstance(self.scale, int) and self.scale == 1 else whole_number(self.scale)
        return _InSteps(self.schedule.lower(), boundaries, rows, scale)


class _InSteps(Lowered):
    _data = ("schedule", "boundaries", "rows", "scale")

    def evaluate(self, time: Time) -> Any:
        many = len(self.boundaries) > UNROLLED
        row = time.locate(jax.tree.map(lambda x: x[1:], self.rows[0]) if many else self.boundaries)
        first, start, rate = take(self.rows, row)
        units = time.since(first).times(rate).plus(start)
        return self.schedule.evaluate(units if self.scale is None else units.over(self.scale))


class Staircase(Schedule, kind="staircase"):
    """Made by `staircase`."""

    schedule: Schedule = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps, at_least=1)

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
