"""Sums, products and multiples of schedules, and the operators of `Schedule` that make them."""

from __future__ import annotations

import abc
import functools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import NoReturn, final

import jax
import jax.numpy as jnp

from .._core import checks
from .._core.as_schedule import Constant, as_schedule, as_schedule_argument, schedules_argument
from .._core.node import Node, as_python, checked, shown
from .._core.phases import Phase, View, mapped, together
from .._core.scalars import real
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, NumberField, ScheduleField, ScheduleLike, SchedulesField

_SUM, _TERM, _SIGNED, _CALL = range(4)  # how tightly an operator binds: a + b, a * b, -a, f(a)


class _Operator(Schedule):
    """A schedule that prints as an operator."""

    @abc.abstractmethod
    def _written(self) -> tuple[str, int]:
        """The code that makes this schedule, and how tightly its operator binds."""

    def __repr__(self) -> str:
        return self._written()[0]


def _operand(schedule: Schedule, least: int) -> str:
    """A schedule as an operand, in parentheses unless it binds as tightly as ``least``."""
    text, tightness = schedule._written() if isinstance(schedule, _Operator) else (repr(schedule), _CALL)
    return text if tightness >= least else f"({text})"


@final
class Scale(_Operator, kind="scale"):
    """A schedule times a number: ``schedule * factor``.

    Args:
      schedule: A schedule, a function of a count, or a number.
      factor: Any finite number.
    """

    schedule: ScheduleField = checked(as_schedule_argument)
    factor: NumberField = checked(checks.number)

    def evaluate(self, time: Time) -> jax.Array:
        return real(self.schedule.evaluate(time)) * real(self.factor)

    def _written(self) -> tuple[str, int]:
        factor = as_python(self.factor)
        if type(factor) is float and factor == -1:
            return f"-{_operand(self.schedule, _SIGNED)}", _SIGNED
        return f"{_operand(self.schedule, _TERM)} * {shown(factor)}", _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        for phase in self.schedule.walk(view):
            floor = None if phase.floor is None else phase.floor * self.factor
            yield mapped(phase, functools.partial(operator.mul, self.factor), floor)


@final
class Divide(_Operator, kind="divide"):
    """A schedule over a number: ``schedule / divisor``.

    Args:
      schedule: A schedule, a function of a count, or a number.
      divisor: Any finite number but 0.
    """

    schedule: ScheduleField = checked(as_schedule_argument)
    divisor: NumberField = checked(checks.number, nonzero=True)

    def evaluate(self, time: Time) -> jax.Array:
        value, divisor = real(self.schedule.evaluate(time)), real(self.divisor)
        quotient = value / divisor
        # XLA may turn the quotient into a product with a reciprocal, which misses 1 where the divisor is 41:
        # https://github.com/tensorflow/tensorflow/issues/24061. The gradient is the same.
        missed = jnp.where(value == divisor, 1 - quotient, 0)
        return quotient + jax.lax.stop_gradient(missed)

    def _written(self) -> tuple[str, int]:
        return f"{_operand(self.schedule, _TERM)} / {shown(self.divisor)}", _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from Scale(self.schedule, 1 / self.divisor).walk(view)


class Together(Schedule, kind="Together"):
    """Several schedules at the same time, combined from left to right."""

    schedules: SchedulesField = checked(schedules_argument)

    @staticmethod
    @abc.abstractmethod
    def _combine(left: jax.Array, right: jax.Array, /) -> jax.Array:
        """Two values as one."""

    def evaluate(self, time: Time) -> jax.Array:
        values = [real(schedule.evaluate(time)) for schedule in self.schedules]
        result = values[0]
        for value in values[1:]:
            result = self._combine(result, value)
        return result

    def __repr__(self) -> str:
        return f"{self._kind}({', '.join(map(repr, self.schedules))})"


class _Chain(Together, _Operator):
    """Schedules with one operator between them."""

    def _written(self) -> tuple[str, int]:
        first, *others = self.schedules
        if not others or type(first) is type(self):  # operators would make another tree
            return Node.__repr__(self), _CALL
        return self._joined(first, others)

    @abc.abstractmethod
    def _joined(self, first: Schedule, others: Sequence[Schedule]) -> tuple[str, int]:
        """The schedules between operators."""

    def __repr__(self) -> str:
        return self._written()[0]


@final
class Product(_Chain, kind="product"):
    """Schedules multiplied count by count: ``a * b``.

    Args:
      schedules: Schedules, functions of a count, or numbers; at least one.
    """

    _combine = staticmethod(operator.mul)

    def _joined(self, first: Schedule, others: Sequence[Schedule]) -> tuple[str, int]:
        return " * ".join([_operand(first, _TERM), *(_operand(x, _SIGNED) for x in others)]), _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " * ", math.prod, view)


@final
class Add(_Chain, kind="add"):
    """Schedules added count by count: ``a + b``.

    Args:
      schedules: Schedules, functions of a count, or numbers; at least one.
    """

    _combine = staticmethod(operator.add)

    def _joined(self, first: Schedule, others: Sequence[Schedule]) -> tuple[str, int]:
        number = _number(first) if _number(others[0]) is None else None
        text = _operand(first, _SUM) if number is None else repr(number)
        for other in others:
            number = _number(other)
            if number is not None:
                text += f" - {-number!r}" if number < 0 else f" + {number!r}"
            elif isinstance(other, Scale) and other._written()[1] == _SIGNED:
                text += f" - {_operand(other.schedule, _TERM)}"
            else:
                text += f" + {_operand(other, _TERM)}"
        return text, _SUM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " + ", math.fsum, view)


def _number(schedule: Schedule) -> float | None:
    """The concrete number of a constant, which an operator takes as it is."""
    value = as_python(schedule.value) if type(schedule) is Constant else None
    return value if isinstance(value, float) else None


def _flat(cls: type[Together], left: ScheduleLike, right: ScheduleLike) -> tuple[ScheduleLike, ...]:
    """Operands of ``left op right``, flattened if ``left`` is already the same operation."""
    return (*left.schedules, right) if isinstance(left, cls) else (left, right)


# ------------------------------------------------------------------ the operators


def _multiply(self: Schedule, other: ScheduleLike) -> Schedule:
    if callable(other):
        return Product(_flat(Product, self, other))
    # What an optimizer does that takes a number alone, as optax.scale and sm3.
    if getattr(other, "ndim", 0) or isinstance(other, (list, tuple)):
        allowed = "a number or a schedule"
        fix = (
            "to scale an array, call the schedule with a count first: schedule(count) * array. An optimizer "
            "that multiplies its updates by its argument takes no schedule: optax.scale_by_schedule does"
        )
        checks.raise_bad_argument("schedule * other", "other", other, allowed, fix, error=TypeError)
    return Scale(self, other)


def _add(self: Schedule, other: ScheduleLike) -> Schedule:
    return Add(_flat(Add, self, other))


def _add_to(self: Schedule, other: ScheduleLike) -> Schedule:
    if type(other) is int and other == 0:  # the start of sum(schedules)
        return self
    return Add(_flat(Add, other, self))


def _subtract(self: Schedule, other: ScheduleLike) -> Schedule:
    other = as_schedule(other)
    folded = Constant(-other.value) if isinstance(other, Constant) else -other
    return Add(_flat(Add, self, folded))


def _subtract_from(self: Schedule, other: ScheduleLike) -> Schedule:
    return Add(_flat(Add, other, -self))


def _negate(self: Schedule) -> Schedule:
    return Scale(self, -1.0)


def _divide(self: Schedule, other: Number) -> Schedule:
    if callable(other):
        _refuse_divisor(other, "schedule(count)")
    return Divide(self, other)


def _divide_into(self: Schedule, other: ScheduleLike) -> NoReturn:
    _refuse_divisor(self, "number")


def _refuse_divisor(divisor: object, dividend: str) -> NoReturn:
    """The error for a quotient by a schedule, whose value may be 0."""
    fix = f"write as_schedule(lambda count: {dividend} / divisor(count)), infinite where the divisor is 0"
    checks.raise_bad_argument("division", "the divisor", divisor, "a number", fix, error=TypeError)


def _power(self: Schedule, other: ScheduleLike) -> NoReturn:
    fix = "write schedule * schedule, or as_schedule(lambda count: schedule(count) ** power)"
    checks.raise_bad_argument("schedule ** power", "the base", self, "a number", fix, error=TypeError)


Schedule.__mul__ = Schedule.__rmul__ = _multiply
Schedule.__add__, Schedule.__radd__ = _add, _add_to
Schedule.__sub__, Schedule.__rsub__ = _subtract, _subtract_from
Schedule.__neg__, Schedule.__truediv__ = _negate, _divide
# A checker reports these instead, so it does not see them.
for _name, _refusal in {"__rtruediv__": _divide_into, "__pow__": _power, "__rpow__": _power}.items():
    setattr(Schedule, _name, _refusal)
