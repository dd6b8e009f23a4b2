"""The base that every schedule shares, numbers and functions as schedules, and the operators."""

from __future__ import annotations

import abc
import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from . import checks, evaluation, received
from .lowered import Lowered
from .node import Check, Node, as_python, checked, is_steps, leafwise, shown, static
from .phases import CONSTANT, Phase, View, causes, mapped, together
from .scalars import Numeric, Scalar, real, whole_number
from .time import Time

if TYPE_CHECKING:
    from typing import Generic, Protocol, SupportsFloat, TypeVar, overload

    class _HasJaxArray(Protocol):
        def __jax_array__(self) -> jax.Array: ...

    Number: TypeAlias = SupportsFloat  # what float() takes: JAX's arrays, and so traced scalars, too
    Steps: TypeAlias = SupportsFloat
    Count: TypeAlias = ArrayLike | _HasJaxArray | Sequence[float] | Sequence[Sequence[float]]
    ScheduleLike: TypeAlias = "Schedule" | Callable[..., ArrayLike | SupportsFloat] | SupportsFloat
    ShapeLike: TypeAlias = Callable[..., "Schedule"]  # a finite shape: of two values and a length

    G = TypeVar("G")
    S = TypeVar("S")

    class Field(Generic[G, S]):
        """A field that is given an ``S``, and whose value is a ``G``."""

        @overload
        def __get__(self, instance: None, owner: type) -> Field[G, S]: ...
        @overload
        def __get__(self, instance: Node, owner: type) -> G: ...
        def __get__(self, instance: Node | None, owner: type) -> Field[G, S] | G: ...
        def __set__(self, instance: Node, value: S) -> None: ...

    NumberField: TypeAlias = Field[float, Number]
    OptionalField: TypeAlias = Field[float | None, Number | None]
    NumbersField: TypeAlias = Field[tuple[float, ...], Sequence[Number]]
    OptionalNumbersField: TypeAlias = Field[tuple[float, ...] | None, Sequence[Number] | None]
    ScheduleField: TypeAlias = Field["Schedule", ScheduleLike]
    SchedulesField: TypeAlias = Field[tuple["Schedule", ...], Sequence[ScheduleLike]]
else:  # what a command line that is made from a signature can parse
    Number: TypeAlias = float
    Steps: TypeAlias = int
    Count: TypeAlias = float
    ScheduleLike: TypeAlias = float
    ShapeLike: TypeAlias = Callable
    NumberField: TypeAlias = float
    OptionalField: TypeAlias = float | None
    NumbersField: TypeAlias = tuple[float, ...]
    OptionalNumbersField: TypeAlias = tuple[float, ...] | None
    ScheduleField: TypeAlias = "Schedule"
    SchedulesField: TypeAlias = tuple["Schedule", ...]


# A checker would ask for `evaluate` where a class has `lower` instead.
_abstract = (lambda method: method) if TYPE_CHECKING else abc.abstractmethod


class _Evaluated(Lowered):
    """A schedule that is evaluated by its own ``evaluate``, the schedules in it lowered."""

    node: Schedule

    def evaluate(self, time: Time) -> jax.Array:
        return real(self.node.evaluate(time))


class _UserDefined(Lowered):
    """A user-defined node that is evaluated by its ``evaluate``."""

    fields: received.Fields

    def evaluate(self, time: Time) -> jax.Array:
        value = self.fields.node().evaluate(time)
        must = f"{self.fields.cls._kind}.evaluate must return one scalar, got"
        fix = "return one scalar for one time; an array of counts is mapped over it"
        if not (isinstance(value, (int, float)) or hasattr(value, "dtype")):
            fix = "return schedule.evaluate(time)" if isinstance(value, Schedule) else fix
            raise TypeError(f"{must} {value!r}; {fix}")
        if np.shape(value):
            raise ValueError(f"{must} shape {np.shape(value)}; {fix}")
        return real(value)


class Schedule(Node):
    """A learning-rate schedule: an immutable value that you can call with a count of optimizer updates.

    It is an ``optax.Schedule``, so Optax accepts it wherever it accepts a schedule. It is a frozen dataclass and
    a JAX pytree whose leaves are its numbers, so you can print, compare, hash, pickle and save it, and pass it
    through ``jit``, ``vmap``, ``grad``, ``pmap`` and ``shard_map``.

    A user-defined schedule is a subclass that lists its numbers as fields and defines `evaluate`. Fields are
    numbers, schedules, and tuples, lists and dicts of them. A field annotated ``wo.Schedule`` accepts a schedule,
    a number, or a function of a count. A whole number of steps is marked with `steps`, and a choice (a word, a
    flag, a function, a seed) with `static`. An ``__init__`` or ``__post_init__`` may check the arguments.

    >>> import jax.numpy as jnp
    >>> import warmup_optax as wo
    >>> class Breathing(wo.Schedule):
    ...     value: float
    ...     period: float
    ...
    ...     def evaluate(self, time):
    ...         return self.value * (1.5 + 0.5 * jnp.cos(2 * jnp.pi * time.ratio(self.period)))
    >>> schedule = wo.with_warmup(Breathing(0.1, 50.0), steps=10)
    >>> round(float(schedule(10)), 6), schedule == wo.with_warmup(Breathing(0.1, 50.0), steps=10)
    (0.2, True)
    """

    # NumPy must leave `np.float32(0.1) * schedule` to us, not build an array of objects.
    __array_ufunc__: ClassVar[None] = None

    def __init_subclass__(cls, kind: str | None = None, **kwargs: object) -> None:
        super().__init_subclass__(kind, **kwargs)
        if "lower" in vars(cls) and "evaluate" not in vars(cls):
            cls.evaluate = _by_lowering(cls.lower)  # pyright: ignore
        elif "evaluate" in vars(cls) and "lower" not in vars(cls):  # of the two, the newer one is the curve
            cls.lower = Schedule.lower
        if "phases" in vars(cls) and "walk" not in vars(cls):
            cls.walk = Schedule.walk

    @classmethod
    def _check_of(cls, words: set[str]) -> Check:
        # A field annotated as a schedule takes what `join` takes.
        if words <= {"Schedule", "None", "Optional"}:
            return as_schedule_argument
        if "Schedule" in words:
            return functools.partial(leafwise, item=as_schedule_argument)
        return super()._check_of(words)

    @_abstract
    def evaluate(self, time: Time) -> Numeric:
        """The value at a local `Time`: one scalar in, one scalar out, straight-line arithmetic.

        A user-defined schedule defines it. Number fields are scalars of the default float dtype. They may be
        traced, so use ``jnp.where`` instead of a Python ``if``. A child offers ``self.child.evaluate(time)`` and
        its own fields, such as ``self.child.peak_value``.

        Args:
          time: The local time. It starts at 0 and is never negative.

        Returns:
          A scalar.
        """
        raise NotImplementedError

    def lower(self) -> Lowered:
        """This schedule as it is evaluated.

        Work that does not depend on the count is done here once, on the host if the numbers are concrete. A
        schedule that is an expression of others may define ``lower`` instead of `evaluate`, by lowering
        that expression: ``return wo.join([...], [...]).lower()``.

        Returns:
          An object with ``evaluate(time)`` that is a pytree of numbers, of a private type.
        """
        if not self._is_ours:
            return _UserDefined(self._received_fields())
        lowered = object.__new__(type(self))
        for name in self._fields:
            value = getattr(self, name)
            choice = name in self._static_fields
            vars(lowered)[name] = value if choice else _lowered(value, self._checks[name], _lower)
        return _Evaluated(lowered)

    def _received_fields(self) -> received.Fields:
        """The fields of a user-defined node, lowered."""
        names = tuple(name for name in self._fields if name not in self._static_fields)
        values = [_lowered(getattr(self, name), self._checks[name], received.Child.of) for name in names]
        choices = tuple((name, getattr(self, name)) for name in self._static_fields)
        return received.Fields(tuple(values), names, choices, type(self))

    def phases(self) -> Schedule | Iterable[tuple[float, str]] | None:
        """The phases that `describe`, `check` and `plot` show; a user-defined node may define it.

        Returns:
          None for one phase with the name of the class, the default. Or another schedule, whose phases it has.
          Or pairs ``(begin, name)``: the local count at which a phase begins, the first at 0, and the name of
          its curve. The name of a phase without a change is ``"constant"``.
        """
        return None

    def walk(self, view: View) -> Iterator[Phase]:
        """The phases of this schedule in its own time, those at least that are in the view.

        A combinator of the library defines it. A user-defined node defines `phases`, from which it follows.

        Args:
          view: The time from which phases are wanted, and the time between two counts.

        Returns:
          An iterator, which may have no end.
        """
        simple = self.phases()
        if simple is None:
            yield Phase(0, self._kind)
            return
        if isinstance(simple, Schedule):
            yield from simple.walk(view)
            return
        pairs = list(simple)
        begins = [float(first) for first, _ in pairs]
        if not begins or begins[0] != 0 or any(x >= y for x, y in itertools.pairwise(begins)):
            raise ValueError(
                f"{type(self).__name__}.phases() must give pairs (begin, name), the first begin 0 and each "
                f"greater than the one before, got begins {begins}"
            )
        for first, (_, name), cause in zip(begins, pairs, causes("knot"), strict=False):
            yield Phase(first, name, cause)

    def _is_pure(self) -> bool:
        """Whether no function of a user's is inside: such a function may read what changes."""
        fields = [getattr(self, name) for name in self._fields]
        children = jax.tree.leaves(fields, is_leaf=lambda x: isinstance(x, Schedule))
        return all(child._is_pure() for child in children if isinstance(child, Schedule))

    def __call__(self, count: Count) -> jax.Array:
        """The learning rate of optimizer update number ``count``, counted from 0.

        Args:
          count: A whole or real number, or an array of them, of any dtype. Counts before 0 are held at 0,
            unsigned ones never wrap. A count of NaN gives NaN. Integers past int32 need x64, or are rounded
            as float32 counts are.

        Returns:
          An array of the shape of ``count``, of the default float dtype.
        """
        return evaluation.evaluate(self, count)

    def __mul__(self, other: ScheduleLike) -> Schedule:
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

    __rmul__ = __mul__

    def __add__(self, other: ScheduleLike) -> Schedule:
        return Add(_flat(Add, self, other))

    def __radd__(self, other: ScheduleLike) -> Schedule:
        if type(other) is int and other == 0:  # the start of sum(schedules)
            return self
        return Add(_flat(Add, other, self))

    def __sub__(self, other: ScheduleLike) -> Schedule:
        schedule = as_schedule(other)
        folded = Constant(-schedule.value) if isinstance(schedule, Constant) else -schedule
        return Add(_flat(Add, self, folded))

    def __rsub__(self, other: ScheduleLike) -> Schedule:
        return Add(_flat(Add, other, -self))

    def __neg__(self) -> Schedule:
        return Scale(self, -1.0)

    def __truediv__(self, other: Number) -> Schedule:
        if callable(other):
            _refuse_divisor(other, "schedule(count)")
        return Divide(self, other)

    if not TYPE_CHECKING:  # a checker reports what is not there

        def __rtruediv__(self, other: ScheduleLike) -> NoReturn:
            _refuse_divisor(self, "number")

        def __pow__(self, other: ScheduleLike) -> NoReturn:
            fix = "write schedule * schedule, or as_schedule(lambda count: schedule(count) ** power)"
            checks.raise_bad_argument("schedule ** power", "the base", self, "a number", fix, error=TypeError)

        __rpow__ = __pow__

    def _operand(self, least: int) -> str:
        """This schedule as an operand, in parentheses unless it binds as tightly as ``least``."""
        text, tightness = self._written()
        return text if tightness >= least else f"({text})"

    def _written(self) -> tuple[str, int]:
        """The code that makes this schedule, and how tightly its operator binds."""
        return repr(self), _CALL


_SUM, _TERM, _SIGNED, _CALL = range(4)  # how tightly: a + b, a * b, -a, f(a)


def _refuse_divisor(divisor: object, dividend: str) -> NoReturn:
    """The error for a quotient by a schedule, whose value may be 0."""
    fix = f"write as_schedule(lambda count: {dividend} / divisor(count)), infinite where the divisor is 0"
    checks.raise_bad_argument("division", "the divisor", divisor, "a number", fix, error=TypeError)


def _by_lowering(lower: Callable[[Schedule], Lowered]) -> Callable[[Schedule, Time], jax.Array]:
    def evaluate(self: Schedule, time: Time) -> jax.Array:
        """The value at a local `Time`."""
        return lower(self).evaluate(time)

    return evaluate


def _lower(schedule: Schedule) -> Lowered:
    return schedule.lower()


def _lowered(value: object, check: Check, child: Callable[[Schedule], Lowered]) -> object:
    """The value of a field as it is evaluated: schedules lowered, whole numbers past int32 exact."""
    if isinstance(value, Schedule):
        return child(value)
    if isinstance(value, (int, float)):
        if is_steps(check):
            return whole_number(value)
        return float(value) if isinstance(value, int) and abs(value) > checks.INT32_MAX else value
    if isinstance(value, (tuple, list, dict)):
        is_leaf = lambda x: isinstance(x, Schedule)  # noqa: E731
        return jax.tree.map(lambda x: _lowered(x, check, child), value, is_leaf=is_leaf)
    return value


class Constant(Schedule, kind="constant"):
    """Made by `constant`."""

    value: NumberField = checked(checks.number)

    def evaluate(self, time: Time) -> jax.Array:
        return real(self.value)

    def walk(self, view: View) -> Iterator[Phase]:
        yield Phase(0, CONSTANT)


@checks.by_name
@checks.by_name
def constant(value: Number) -> Constant:
    """The same learning rate at every count.

    Args:
      value: Any finite number.

    Returns:
      A `Schedule`, exactly ``value`` everywhere, of the shape of the count. Optax's constant schedule
      returns a Python number for every count.

    Raises:
      ValueError: If ``value`` is not finite.
      TypeError: If it is not a number.

    >>> import warmup_optax as wo
    >>> wo.constant(0.5)([0, 7]).tolist()
    [0.5, 0.5]
    """
    return Constant(value)


class Function(Schedule, kind="as_schedule"):
    """Any function of a count as a schedule; made by `as_schedule`. Compares by the function."""

    function: Callable[..., ArrayLike] = static()

    def _is_pure(self) -> bool:
        return False

    def evaluate(self, time: Time) -> jax.Array:
        value = time.call(self.function)
        if jnp.shape(value) != ():
            raise ValueError(
                f"a schedule must give one number for one count, got shape {jnp.shape(value)} "
                f"from {self.function!r}; return a scalar"
            )
        return real(cast(Scalar, value))

    def walk(self, view: View) -> Iterator[Phase]:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        yield Phase(0, name.split(".<locals>")[0])


@checks.by_name
def as_schedule(schedule: ScheduleLike) -> Schedule:
    """Convert a number, a function of a count, or a schedule to a `Schedule`.

    Args:
      schedule: A finite number, a callable ``count -> value`` such as an Optax schedule, or a `Schedule`,
        which is returned unchanged. A function must be pure, as for ``jax.jit``: other variables that it uses
        are read once, when it is traced.

    Returns:
      A `Schedule`. One made from a function has that function as a fixed part: it compares by the function,
      and cannot be saved by `to_config`.

    Raises:
      TypeError: If it is none of these.

    >>> import optax, warmup_optax as wo
    >>> wo.as_schedule(0.1)
    constant(value=0.1)
    >>> float(wo.as_schedule(optax.linear_schedule(0.0, 1.0, 4))(1))
    0.25
    """
    return as_schedule_argument("as_schedule", "schedule", schedule)


def is_stateful(schedule: object) -> bool:
    """Whether it is a stateful schedule, as Optax tells: by its methods."""
    return callable(schedule) and hasattr(schedule, "init") and hasattr(schedule, "update")


def as_schedule_argument(where: str, name: str, schedule: object) -> Schedule:
    """`as_schedule` for an argument ``name`` of a function ``where``, which its errors speak of."""
    if isinstance(schedule, Schedule):
        return schedule
    allowed = "a schedule, a function of a count, or a finite number"
    if is_stateful(schedule):
        fix = "its value depends on an optimizer's state: give it to scheduled or to optax.inject_hyperparams"
        checks.raise_bad_argument(where, name, schedule, allowed, fix, error=TypeError)
    if isinstance(schedule, type) or not (callable(schedule) or hasattr(schedule, "__float__")):
        checks.raise_bad_argument(where, name, schedule, allowed, error=TypeError)
    if callable(schedule):
        return Function(cast(Callable[..., ArrayLike], schedule))
    return Constant(checks.number(where, name, schedule))


def schedules_argument(where: str, name: str, schedules: object) -> tuple[Schedule, ...]:
    """A sequence of schedules, at least one."""
    allowed = "a sequence of schedules"
    if isinstance(schedules, Schedule):
        checks.raise_bad_argument(where, name, schedules, allowed, "put it in a list", error=TypeError)
    schedules = checks.sequence(where, name, schedules, allowed)
    if not schedules:
        checks.raise_bad_argument(where, name, schedules, "at least one schedule")
    return tuple(as_schedule_argument(where, f"{name}[{i}]", x) for i, x in enumerate(schedules))


# ------------------------------------------------------------------ arithmetic


class _Operator(Schedule):
    """A schedule that prints as an operator."""

    @abc.abstractmethod
    def _written(self) -> tuple[str, int]:
        """The expression."""

    def __repr__(self) -> str:
        return self._written()[0]


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
            return f"-{self.schedule._operand(_SIGNED)}", _SIGNED
        return f"{self.schedule._operand(_TERM)} * {shown(factor)}", _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        for phase in self.schedule.walk(view):
            floor = phase.floor * self.factor if phase.floor is not None and self.factor > 0 else None
            yield mapped(phase, functools.partial(operator.mul, self.factor), floor)


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
        # XLA may turn the quotient into a product with a reciprocal, which misses 1. The gradient is the same.
        missed = jnp.where(value == divisor, 1 - quotient, 0)
        return quotient + jax.lax.stop_gradient(missed)

    def _written(self) -> tuple[str, int]:
        return f"{self.schedule._operand(_TERM)} / {shown(self.divisor)}", _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from Scale(self.schedule, 1 / self.divisor).walk(view)


class Together(Schedule, kind="Together"):
    """Several schedules at the same time, combined from left to right."""

    schedules: SchedulesField = checked(schedules_argument)

    _combine: ClassVar[Callable[[jax.Array, jax.Array], jax.Array]]

    def evaluate(self, time: Time) -> jax.Array:
        values = [real(schedule.evaluate(time)) for schedule in self.schedules]
        result = values[0]
        for value in values[1:]:
            result = type(self)._combine(result, value)
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


class Product(_Chain, kind="product"):
    """Schedules multiplied count by count: ``a * b``.

    Args:
      schedules: Schedules, functions of a count, or numbers; at least one.
    """

    _combine = staticmethod(operator.mul)

    def _joined(self, first: Schedule, others: Sequence[Schedule]) -> tuple[str, int]:
        return " * ".join([first._operand(_TERM), *(x._operand(_SIGNED) for x in others)]), _TERM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " * ", math.prod, view)


class Add(_Chain, kind="add"):
    """Schedules added count by count: ``a + b``.

    Args:
      schedules: Schedules, functions of a count, or numbers; at least one.
    """

    _combine = staticmethod(operator.add)

    def _joined(self, first: Schedule, others: Sequence[Schedule]) -> tuple[str, int]:
        number = _number(first) if _number(others[0]) is None else None
        text = first._operand(_SUM) if number is None else repr(number)
        for other in others:
            number = _number(other)
            if number is not None:
                text += f" - {-number!r}" if number < 0 else f" + {number!r}"
            elif isinstance(other, Scale) and other._written()[1] == _SIGNED:
                text += f" - {other.schedule._operand(_TERM)}"
            else:
                text += f" + {other._operand(_TERM)}"
        return text, _SUM

    def walk(self, view: View) -> Iterator[Phase]:
        yield from together(self.schedules, " + ", math.fsum, view)


def _number(schedule: Schedule) -> float | None:
    """The concrete number of a constant, which an operator takes as it is."""
    value = as_python(schedule.value) if type(schedule) is Constant else None
    return value if isinstance(value, float) else None


def _flat(cls: type[Together], left: ScheduleLike, right: ScheduleLike) -> tuple[ScheduleLike, ...]:
    """Operands of ``left op right``, flattened if ``left`` is already the same operation."""
    return (*left.schedules, right) if isinstance(left, cls) and type(left) is cls else (left, right)
