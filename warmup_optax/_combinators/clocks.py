"""Time transformations of schedules: a delay, other units, a staircase."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

import jax

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.lowered import Lowered
from .._core.node import checked, static
from .._core.phases import CONSTANT, Phase, View, delayed, window
from .._core.scalars import Length, Numeric, Wide, lowered_steps, may_be_negative
from .._core.schedule import Schedule
from .._core.tables import Table, boundaries_of, table_of_steps, take
from .._core.time import Time
from .._core.types import NumberField, NumbersField, ScheduleField, ScheduleLike, Steps


@final
class Shift(Schedule, kind="shift"):
    """Made by `shift`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps, at_least=None)

    def lower(self) -> Lowered:
        return Shifted(self.schedule.lower(), lowered_steps(self.steps), may_be_negative(self.steps))

    def walk(self, view: View) -> Iterator[Phase]:
        yield from window(delayed(self.schedule, self.steps, view), 0, math.inf)


class Shifted(Lowered):
    """A schedule on a clock that starts at ``steps``."""

    schedule: Lowered
    steps: Length
    leads: bool = static()  # whether ``steps`` may be negative: then the time may exceed the largest int32

    def evaluate(self, time: Time) -> jax.Array:
        return self.schedule.evaluate(time.shift(self.steps) if self.leads else time.after(self.steps))


@checks.by_name
def shift(schedule: ScheduleLike, steps: Steps) -> Shift:
    r"""Delay a schedule by ``steps``, or skip its first steps if ``steps`` is negative.

    .. math:: v(c) = s(\max(\max(c, 0) - d, 0))

    The last update of a run of ``N`` updates has the value of ``schedule`` at ``N - 1 - steps``. A schedule of
    ``n`` steps ends at ``n + steps``.

    See also `join`, `stretch`, and :doc:`/guides/resuming`.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`d`, the delay in optimizer updates, any whole number. If it is negative, the first ``-d``
        steps of the schedule are skipped.

    Returns:
      A `Schedule`. Before count ``d`` it is constant at the first value of ``schedule``. Counts before 0 have the
      value at 0, as in every schedule.

    Raises:
      ValueError: If ``steps`` is not whole.
      TypeError: If ``schedule`` is not a schedule, a function or a number, or ``steps`` is not a number.

    >>> import warmup_optax as wo
    >>> wo.shift(wo.linear(0.0, 1.0, 4), 10)([0, 10, 12]).tolist()
    [0.0, 0.0, 0.5]
    >>> wo.shift(wo.linear(0.0, 1.0, 4), -1)([0, 1]).tolist()
    [0.25, 0.5]
    """
    return Shift(schedule, steps)


@final
class SpeedUp(Schedule, kind="speed_up"):
    """A schedule that advances by ``factor`` counts with each update.

    It is available in configs only. In code, use ``stretch(schedule, Fraction(1, factor))``.

    Args:
      schedule: A schedule, a function of a count, or a number.
      factor: The number of counts per update, a whole number >= 1.
    """

    schedule: ScheduleField = checked(as_schedule_argument)
    factor: NumberField = checked(checks.steps, at_least=1)

    def evaluate(self, time: Time) -> Numeric:
        return self.schedule.evaluate(time.scale(self.factor))

    def walk(self, view: View) -> Iterator[Phase]:
        for phase in self.schedule.walk(view.scaled(self.factor)):
            yield phase._replace(begin=phase.begin / self.factor)


@final
class InSteps(Schedule, kind="in_steps"):
    r"""A schedule whose counts are other units (tokens, examples, epochs), as a schedule of updates.

    .. math:: v(c) = s\!\left(\frac{x_i + (c - b_{i-1}) r_i}{k}\right) \quad\text{for}\quad b_{i-1} \le c < b_i

    `TrainingRun.in_steps` makes it, from a batch size or a batch-size ramp.

    Args:
      schedule: :math:`s`, a function of units: a schedule, a function of a count, or a number.
      boundaries: :math:`b_i`, the counts at which the next segment begins. A strictly increasing sequence of
        whole numbers >= 0.
      starts: :math:`x_i`, the units consumed before the first update of each segment. A sequence of whole
        numbers >= 0, one more than ``boundaries``.
      rates: :math:`r_i`, the units that each update of a segment consumes. A sequence of whole numbers >= 0,
        one for each of ``starts``.
      scale: :math:`k`, the common denominator of ``starts`` and ``rates``, a whole number >= 1.

    The number of units is exact up to 2^61. The value at 0 applies before 0.

    >>> import warmup_optax as wo
    >>> ramp = wo.nodes.InSteps(wo.linear(0.0, 1.0, 80), boundaries=(2,), starts=(0, 20), rates=(10, 40))
    >>> ramp([0, 1, 2, 3, 4]).tolist()
    [0.0, 0.125, 0.25, 0.75, 1.0]
    """

    schedule: ScheduleField = checked(as_schedule_argument)
    boundaries: NumbersField = checked(checks.boundaries)
    starts: NumbersField = checked(checks.step_counts)
    rates: NumbersField = checked(checks.step_counts)
    scale: NumberField = checked(checks.steps, at_least=1, default=1)

    def _check_together(self) -> None:
        for name, values in (("starts", self.starts), ("rates", self.rates)):
            allowed = "one more than ${boundaries}"
            checks.as_many(self._kind, name, values, len(self.boundaries) + 1, allowed)

    def lower(self) -> Lowered:
        firsts = table_of_steps((0, *self.boundaries))
        segments = _Segments(firsts, table_of_steps(self.starts), table_of_steps(self.rates))
        scale = None if isinstance(self.scale, int) and self.scale == 1 else lowered_steps(self.scale)
        return _InSteps(self.schedule.lower(), boundaries_of(self.boundaries), segments, scale)

    def walk(self, view: View) -> Iterator[Phase]:
        yield from window(_in_units(self, view), 0, math.inf)


class _Segments(NamedTuple):
    """Tables with one row per segment: its first update, the units consumed before it, the units per update."""

    firsts: jax.Array | Wide
    starts: jax.Array | Wide
    rates: jax.Array | Wide


class _InSteps(Lowered):
    schedule: Lowered
    boundaries: tuple[Length, ...] | Table
    segments: _Segments
    scale: Length | None

    def evaluate(self, time: Time) -> jax.Array:
        segment = take(self.segments, time.locate(self.boundaries))
        units = time.after(segment.firsts).scale(segment.rates).advance(segment.starts)
        return self.schedule.evaluate(units if self.scale is None else units.rescale(self.scale))


@final
class Staircase(Schedule, kind="staircase"):
    """Made by `staircase`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps, at_least=1)

    def evaluate(self, time: Time) -> Numeric:
        return self.schedule.evaluate(time.floor_divide(self.steps))

    def walk(self, view: View) -> Iterator[Phase]:
        # The inner schedule is evaluated at whole counts only.
        inside = view._replace(begin=view.begin // self.steps, step=max(view.step / self.steps, 1.0))
        for phase in self.schedule.walk(inside):
            yield phase._replace(begin=phase.first * self.steps)


@checks.by_name
def staircase(schedule: ScheduleLike, steps: Steps) -> Staircase:
    r"""Advance a schedule by one count every ``steps`` updates, for example once per epoch.

    .. math:: v(c) = s(\lfloor c / n \rfloor)

    If ``schedule`` takes ``k`` epochs, the last ``steps`` updates, up to ``c = k * steps - 1``, have its value
    at ``k - 1``.

    See also `piecewise_constant`, `stretch`, `TrainingRun`, and :doc:`/guides/steps`.

    Args:
      schedule: :math:`s`, in epochs, or in any other unit of ``steps`` updates: a schedule, a function of a
        count, or a number.
      steps: :math:`n`, the number of optimizer updates per count of ``schedule``, a whole number >= 1.

    Returns:
      A `Schedule`, constant between multiples of ``steps``. The schedulers of PyTorch and timm behave like this
      if you step them once per epoch.

    Raises:
      ValueError: If ``steps`` is not a whole number >= 1.
      TypeError: If ``schedule`` is not a schedule, a function or a number, or ``steps`` is not a number.

    >>> import warmup_optax as wo
    >>> wo.staircase(wo.linear(1.0, 0.0, 4), 100)([0, 99, 100, 399, 400]).tolist()
    [1.0, 1.0, 0.75, 0.25, 0.0]
    """
    return Staircase(schedule, steps)


def _in_units(node: InSteps, view: View) -> Iterator[Phase]:
    firsts, scale = (0, *node.boundaries), node.scale
    starts = [start / scale for start in node.starts]
    rates = [rate / scale for rate in node.rates]
    running, short = False, False
    for i, j in _stretches(firsts, starts, rates):
        first, end = firsts[i], firsts[j] if j < len(firsts) else math.inf
        if end <= view.begin:
            continue
        continues = (
            running and not short and starts[i] == _units(firsts[i], firsts[:i], starts[:i], rates[:i])
        )
        if not max(rates[i:j]):  # no units are consumed, so the value is constant
            yield Phase(first, CONSTANT, "end" if continues else "step" if running else "start")
            continue
        begin = max(first, view.begin)
        slowest = min([rate for rate in rates[i:j] if rate])
        now = _units(begin, firsts[i:j], starts[i:j], rates[i:j])
        running = True
        for phase in node.schedule.walk(view._replace(begin=now, step=slowest)):
            earlier = phase.begin <= now and i > 0  # began before this run of segments, or at its start
            if earlier and continues and phase.begin < starts[i] and not phase.short:
                continue
            count = first if earlier else _count(phase.begin, firsts[i:j], starts[i:j], rates[i:j])
            if count >= end:
                break
            short = phase.short
            yield phase._replace(begin=count, cause="knot" if earlier and not continues else phase.cause)


def _stretches(firsts: Sequence[float], starts: list[float], rates: list[float]) -> Iterator[tuple[int, int]]:
    """Runs of segments, from ``i`` to ``j``: no gap in units, and rates within a factor of 8.

    A clock that stops for good is a run.
    """
    i, low, high = 0, math.inf, 0.0
    stop = max((j for j, rate in enumerate(rates, 1) if rate), default=0)
    for j in range(1, len(firsts) + 1):
        low, high = min(low, rates[j - 1] or low), max(high, rates[j - 1])
        if j == len(firsts):
            yield i, j
            return
        follows = starts[j] == starts[j - 1] + (firsts[j] - firsts[j - 1]) * rates[j - 1]
        if j == stop or not follows or max(high, rates[j]) > 8 * min(low, rates[j] or low):
            yield i, j
            i, low, high = j, math.inf, 0.0


def _units(count: float, firsts: Sequence[float], starts: list[float], rates: list[float]) -> float:
    """The number of units consumed before a count."""
    i = max(bisect.bisect_right(firsts, count) - 1, 0)
    return starts[i] + (count - firsts[i]) * rates[i]


def _count(units: float, firsts: Sequence[float], starts: list[float], rates: list[float]) -> float:
    """The count at which that many units are consumed, or infinity."""
    i = max(bisect.bisect_left(starts, units) - 1, 0)
    if units <= starts[i]:
        return firsts[i] if units == starts[i] or not rates[i] else firsts[i] + (units - starts[i]) / rates[i]
    reached = firsts[i] + (units - starts[i]) / rates[i] if rates[i] else math.inf
    return min(reached, firsts[i + 1]) if i + 1 < len(firsts) else reached
