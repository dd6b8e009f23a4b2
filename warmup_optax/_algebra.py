"""Arithmetic with schedules, and the stack that maps over them. The operators of `Schedule` live here."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from . import _checks
from ._numerics import table
from ._schedule import Number, Schedule, taken
from ._time import Time, real


class Scale(Schedule):
    """Made by `scale`."""

    schedule: Schedule
    factor: Number

    def evaluate(self, time: Time) -> Any:
        return real(self.schedule.evaluate(time)) * real(self.factor)


def scale(schedule: Any, factor: Number) -> Schedule:
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
    return Scale(taken("scale", "schedule", schedule), _checks.number("scale", "factor", factor))


class Divide(Schedule):
    """Made by `divide`."""

    schedule: Schedule
    divisor: Number

    def evaluate(self, time: Time) -> Any:
        value, divisor = real(self.schedule.evaluate(time)), real(self.divisor)
        quotient = value / divisor
        # XLA may turn the quotient into a product with a reciprocal, which misses 1. The slope is the same.
        missed = jnp.where(value == divisor, 1 - quotient, 0)
        return quotient + jax.lax.stop_gradient(missed)


def divide(schedule: Any, divisor: Number) -> Schedule:
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
    divisor = _checks.number("divide", "divisor", divisor)
    if not _checks.traced(divisor) and divisor == 0:
        _checks.refuse("divide", "divisor", divisor, "a finite number other than 0")
    return Divide(taken("divide", "schedule", schedule), divisor)


class Clip(Schedule):
    """Made by `clip`."""

    schedule: Schedule
    min_value: Number | None = None
    max_value: Number | None = None

    def evaluate(self, time: Time) -> Any:
        value = real(self.schedule.evaluate(time))
        if self.min_value is not None:
            value = jnp.maximum(value, real(self.min_value))
        if self.max_value is not None:
            value = jnp.minimum(value, real(self.max_value))
        return value


def clip(schedule: Any, min_value: Number | None = None, max_value: Number | None = None) -> Schedule:
    """A schedule held between a floor and a ceiling.

    Args:
      schedule: A schedule, a function of a count, or a number.
      min_value: The floor, any finite number; None for none.
      max_value: The ceiling, any finite number not below the floor; None for none.

    Returns:
      A `Schedule`, exactly the bound where the bound holds.

    Raises:
      ValueError: If a bound is not finite, or the floor is above the ceiling.
      TypeError: If a bound is not a number.

    >>> import warmup_optax as wo
    >>> wo.clip(wo.linear(1.0, 0.0, 4), min_value=0.25)([0, 2, 4]).tolist()
    [1.0, 0.5, 0.25]
    """
    low = None if min_value is None else _checks.number("clip", "min_value", min_value)
    high = None if max_value is None else _checks.number("clip", "max_value", max_value)
    if low is not None and high is not None:
        _checks.ordered("clip", f"min_value={low} is above max_value={high}", low, high, "swap them")
    return Clip(taken("clip", "schedule", schedule), low, high)


class Product(Schedule):
    """Made by `product`."""

    schedules: tuple[Schedule, ...]

    def evaluate(self, time: Time) -> Any:
        values = [real(schedule.evaluate(time)) for schedule in self.schedules]
        result = values[0]
        for value in values[1:]:
            result = result * value
        return result

    def __repr__(self) -> str:
        return f"{self.kind()}({', '.join(map(repr, self.schedules))})"


def product(*schedules: Any) -> Schedule:
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
    return Product(_all_taken("product", schedules))


class Add(Schedule):
    """Made by `add`."""

    schedules: tuple[Schedule, ...]

    def evaluate(self, time: Time) -> Any:
        values = [real(schedule.evaluate(time)) for schedule in self.schedules]
        result = values[0]
        for value in values[1:]:
            result = result + value
        return result

    def __repr__(self) -> str:
        return f"{self.kind()}({', '.join(map(repr, self.schedules))})"


def add(*schedules: Any) -> Schedule:
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
    return Add(_all_taken("add", schedules))


def _all_taken(where: str, schedules: tuple[Any, ...]) -> tuple[Schedule, ...]:
    if not schedules:
        raise ValueError(f"{where}: schedules must hold at least one schedule, got none")
    return tuple(taken(where, f"schedules[{i}]", s) for i, s in enumerate(schedules))


def stack(schedules: Any) -> Any:
    """Schedules of one structure as one schedule with batched numbers, for ``jax.vmap``.

    Args:
      schedules: A sequence of schedules built in the same way, with other numbers: 64 `warmup_cosine`, say.

    Returns:
      A `Schedule` each of whose numbers is an array with an entry for each of ``schedules``. It is data:
      map over it, it cannot be called with a count by itself.

    Raises:
      ValueError: If there is none, or two differ in more than their numbers.
      TypeError: If one is not a schedule.

    >>> import jax, warmup_optax as wo
    >>> stacked = wo.stack([wo.linear(0.0, peak, 4) for peak in (1.0, 2.0)])
    >>> jax.vmap(lambda schedule: schedule(2))(stacked).tolist()
    [0.5, 1.0]
    """
    if isinstance(schedules, Schedule):
        _checks.refuse("stack", "schedules", schedules, "a sequence of schedules", error=TypeError)
    schedules = _checks.sequence("stack", "schedules", schedules, "a sequence of schedules")
    if not schedules:
        raise ValueError("stack: schedules must hold at least one schedule, got none")
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, Schedule):
            fix = "make it one with as_schedule"
            _checks.refuse("stack", f"schedules[{i}]", schedule, "a schedule", fix, error=TypeError)
    first = jax.tree.structure(schedules[0])
    for i, schedule in enumerate(schedules):
        if jax.tree.structure(schedule) != first:
            raise ValueError(
                f"stack: schedules must be built alike, got {schedule!r} as schedules[{i}] beside "
                f"{schedules[0]!r}; only their numbers may differ"
            )
    return jax.tree.map(lambda *numbers: jnp.asarray(table(numbers)), *schedules)


Schedule.operators.update(scale=scale, divide=divide, product=product, add=add)
