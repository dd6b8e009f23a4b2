"""Arithmetic with schedules, for any function of a count; the operators of `Schedule` are the same nodes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .._core import checks
from .._core.node import checked
from .._core.schedule import (
    Add,
    Divide,
    Number,
    Product,
    Scale,
    Schedule,
    ScheduleLike,
    as_schedule_argument,
)
from .._core.time import Time, real


def scale(schedule: ScheduleLike, factor: Number) -> Schedule:
    """A schedule times a number; ``schedule * factor`` is the same.

    Args:
      schedule: A schedule, a function of a count, or a number.
      factor: Any finite number, negative ones included.

    Returns:
      A `Schedule`: at every count the schedule's value times ``factor``, rounded once.

    Raises:
      ValueError: If ``factor`` is not finite.
      TypeError: If it is not a number: two schedules are multiplied by `product`.

    >>> import warmup_optax as wo
    >>> float(wo.scale(wo.linear(0.0, 1.0, 4), 10)(1)), float((wo.linear(0.0, 1.0, 4) * 10)(1))
    (2.5, 2.5)
    """
    return Scale(schedule, factor)  # pyright: ignore[reportArgumentType]


def divide(schedule: ScheduleLike, divisor: Number) -> Schedule:
    """A schedule over a number; ``schedule / divisor`` is the same.

    ``schedule / peak`` is the schedule's shape alone: exactly 1 where the schedule is at ``peak``. Times
    another peak it serves a second parameter group or a weight decay.

    Args:
      schedule: A schedule, a function of a count, or a number.
      divisor: Any finite number but 0.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If ``divisor`` is 0 or not finite.
      TypeError: If it is not a number.

    >>> import warmup_optax as wo
    >>> (wo.linear(0.0, 0.3, 4) / 0.3)([0, 2, 4]).tolist()
    [0.0, 0.5, 1.0]
    """
    return Divide(schedule, divisor)  # pyright: ignore[reportArgumentType]


class Clip(Schedule, kind="clip"):
    """Made by `clip`."""

    schedule: Schedule = checked(as_schedule_argument)
    min_value: Any = checked(checks.number, default=None)
    max_value: Any = checked(checks.number, default=None)

    def _check_together(self) -> None:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            fix = "give min_value, max_value or both"
            checks.raise_bad_argument(self._kind, "min_value", None, "a number where max_value is None", fix)
        if low is not None and high is not None:
            allowed = f"at least min_value={low}"
            checks.at_least(self._kind, "max_value", high, low, allowed, "swap them")

    def evaluate(self, time: Time) -> Any:
        value = real(self.schedule.evaluate(time))
        if self.min_value is not None:
            value = jnp.maximum(value, real(self.min_value))
        if self.max_value is not None:
            value = jnp.minimum(value, real(self.max_value))
        return value


def clip(
    schedule: ScheduleLike, min_value: Number | None = None, max_value: Number | None = None
) -> Schedule:
    """A schedule held between a floor and a ceiling.

    Args:
      schedule: A schedule, a function of a count, or a number.
      min_value: The floor, any finite number; None for none.
      max_value: The ceiling, any finite number not below the floor; None for none.

    Returns:
      A `Schedule`, exactly the bound where the bound holds.

    Raises:
      ValueError: If a bound is not finite, the floor is above the ceiling, or there is neither.
      TypeError: If a bound is not a number.

    >>> import warmup_optax as wo
    >>> wo.clip(wo.linear(1.0, 0.0, 4), min_value=0.25)([0, 2, 4]).tolist()
    [1.0, 0.5, 0.25]
    """
    return Clip(schedule, min_value, max_value)  # pyright: ignore[reportArgumentType]


def product(*schedules: ScheduleLike) -> Schedule:
    """Schedules multiplied count by count; ``a * b`` is the same. PyTorch's ChainedScheduler, T5's factors.

    Args:
      *schedules: Schedules, functions of a count, or numbers; at least one. All see the same count.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If there is none.
      TypeError: If one is neither a schedule, a function nor a number.

    >>> import warmup_optax as wo
    >>> wo.product(wo.linear(0.0, 1.0, 4), wo.constant(0.5), 2)([1, 4]).tolist()
    [0.25, 1.0]
    """
    return Product(schedules)  # pyright: ignore[reportArgumentType]


def add(*schedules: ScheduleLike) -> Schedule:
    """Schedules added count by count; ``a + b`` is the same.

    Args:
      *schedules: Schedules, functions of a count, or numbers; at least one. All see the same count.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If there is none.
      TypeError: If one is neither a schedule, a function nor a number.

    >>> import warmup_optax as wo
    >>> (wo.linear(0.0, 1.0, 4) + 0.5)([0, 4]).tolist()
    [0.5, 1.5]
    """
    return Add(schedules)  # pyright: ignore[reportArgumentType]
