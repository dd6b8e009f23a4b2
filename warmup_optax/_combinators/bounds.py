"""Bounds of schedules: clip, minimum and maximum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import final

import jax
import jax.numpy as jnp

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.node import checked
from .._core.phases import Phase, View, mapped, together
from .._core.scalars import real
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, OptionalField, ScheduleField, ScheduleLike
from .arithmetic import Together


@final
class Clip(Schedule, kind="clip"):
    """Made by `clip`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    min_value: OptionalField = checked(checks.number, default=None)
    max_value: OptionalField = checked(checks.number, default=None)

    def _check_together(self) -> None:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            fix = "pass min_value, max_value or both"
            checks.raise_bad_argument(self._kind, "min_value", None, "a number where max_value is None", fix)
        if low is not None and high is not None:
            allowed = f"at least min_value={low}"
            checks.at_least(self._kind, "max_value", high, low, allowed, "swap them")

    def evaluate(self, time: Time) -> jax.Array:
        value = real(self.schedule.evaluate(time))
        if self.min_value is not None:
            value = jnp.maximum(value, real(self.min_value))
        if self.max_value is not None:
            value = jnp.minimum(value, real(self.max_value))
        return value

    def walk(self, view: View) -> Iterator[Phase]:
        low = -math.inf if self.min_value is None else self.min_value
        high = math.inf if self.max_value is None else self.max_value
        for phase in self.schedule.walk(view):
            floor = phase.floor if self.min_value is None else self.min_value
            yield mapped(phase, lambda value: min(max(value, low), high), floor)


@checks.by_name
def clip(schedule: ScheduleLike, min_value: Number | None = None, max_value: Number | None = None) -> Clip:
    """Clip a schedule to a floor and a ceiling. Also known as clamp.

    The bounds apply at every count, including that of the last update.

    See also `minimum`, `maximum`, and :doc:`/guides/ending_a_run`.

    Args:
      schedule: A schedule, a function of a count, or a number.
      min_value: The floor, any finite number. ``None``: no floor.
      max_value: The ceiling, any finite number >= ``min_value``. ``None``: no ceiling.

    Returns:
      A `Schedule`. Where a bound applies, the value is exactly that bound.

    Raises:
      ValueError: If a bound is not finite, ``min_value`` is above ``max_value``, or both are ``None``.
      TypeError: If ``schedule`` is not a schedule, a function or a number, or a bound is not a number.

    >>> import warmup_optax as wo
    >>> wo.clip(wo.linear(1.0, 0.0, 4), min_value=0.25)([0, 2, 4]).tolist()
    [1.0, 0.5, 0.25]
    """
    return Clip(schedule, min_value, max_value)


@final
class Minimum(Together, kind="minimum"):
    """Made by `minimum`."""

    _combine = staticmethod(jnp.minimum)

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " or ", min, view)


@checks.by_name
def minimum(*schedules: ScheduleLike) -> Minimum:
    r"""Take the smallest of several schedules at every count.

    For example, Noam's schedule is the minimum of a linear ramp and an inverse square-root decay.

    .. math:: v(c) = \min_i s_i(c)

    The last update of a run of ``N`` updates has the smallest of the values at ``N - 1``.

    See also `maximum`, `clip`, `join`, and :doc:`/guides/which`.

    Args:
      *schedules: :math:`s_i`: schedules, functions of a count, or numbers. At least one. All are evaluated at the
        same count.

    Returns:
      A `Schedule`, exactly one of the values. Where two are equal, each receives half of the gradient.

    Raises:
      ValueError: If there is no schedule.
      TypeError: If an argument is not a schedule, a function or a number.

    >>> import warmup_optax as wo
    >>> wo.minimum(wo.linear(0.0, 1.0, 4), wo.linear(1.0, 0.0, 4), 0.375)([0, 1, 2, 3]).tolist()
    [0.0, 0.25, 0.375, 0.25]
    """
    return Minimum(schedules)


@final
class Maximum(Together, kind="maximum"):
    """Made by `maximum`."""

    _combine = staticmethod(jnp.maximum)

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " or ", max, view)


@checks.by_name
def maximum(*schedules: ScheduleLike) -> Maximum:
    r"""Take the largest of several schedules at every count, such as a decay with another decay as its floor.

    .. math:: v(c) = \max_i s_i(c)

    The last update of a run of ``N`` updates has the largest of the values at ``N - 1``.

    See also `minimum`, `clip`, and :doc:`/guides/ending_a_run`.

    Args:
      *schedules: :math:`s_i`: schedules, functions of a count, or numbers. At least one. All are evaluated at the
        same count.

    Returns:
      A `Schedule`, exactly one of the values. Where two are equal, each receives half of the gradient.

    Raises:
      ValueError: If there is no schedule.
      TypeError: If an argument is not a schedule, a function or a number.

    >>> import warmup_optax as wo
    >>> wo.maximum(wo.linear(1.0, 0.0, 4), wo.linear(0.0, 1.0, 4))([0, 1, 2, 3]).tolist()
    [1.0, 0.75, 0.5, 0.75]
    """
    return Maximum(schedules)
