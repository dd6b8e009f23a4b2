"""The base that every schedule shares."""

from __future__ import annotations

import abc
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

import jax
import numpy as np

from . import checks, evaluation, received
from .lowered import Lowered
from .node import Check, Node, is_steps, leafwise
from .phases import Phase, View, causes
from .scalars import Numeric, lowered_steps, real
from .time import Time
from .types import Count, Number, ScheduleLike

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
            if isinstance(value, Time):
                raise TypeError(f"{must} a Time; return time.elapsed() for the number of steps")
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

    # NumPy must leave `np.float32(0.1) * schedule` to us, not build an array of objects:
    # https://numpy.org/neps/nep-0013-ufunc-overrides.html
    __array_ufunc__: ClassVar[None] = None
    _convert: ClassVar[Check]  # the check of a field that is a schedule: `as_schedule_argument`, set with it

    def __init_subclass__(cls, kind: str | None = None, **kwargs: object) -> None:
        super().__init_subclass__(kind, **kwargs)
        if "lower" in vars(cls) and "evaluate" not in vars(cls):
            cls.evaluate = _by_lowering(cls.lower)  # pyright: ignore
        elif "evaluate" in vars(cls) and "lower" not in vars(cls):  # of the two, the newer one is the curve
            cls.lower = Schedule.lower
        if "phases" in vars(cls) and "walk" not in vars(cls):
            cls.walk = Schedule.walk

    @classmethod
    def _check_of(cls, words: frozenset[str]) -> Check:
        # A field annotated as a schedule takes what `join` takes.
        if words <= {"Schedule", "None", "Optional"}:
            return cls._convert
        if "Schedule" in words:
            return functools.partial(leafwise, item=cls._convert)
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
        # The same node with lowered children, which its `evaluate` evaluates as it would schedules.
        lowered = object.__new__(type(self))
        for name in self._fields:
            value = getattr(self, name)
            choice = name in self._static_fields
            vars(lowered)[name] = (
                value if choice else _lowered_field(value, self._checks[name], lambda child: child.lower())
            )
        return _Evaluated(lowered)

    def _received_fields(self) -> received.Fields:
        """The fields of a user-defined node, lowered."""
        names = tuple(name for name in self._fields if name not in self._static_fields)
        values = [
            _lowered_field(getattr(self, name), self._checks[name], received.Child.of) for name in names
        ]
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
        if not all(map(_is_phase, pairs)):
            raise TypeError(
                f"{type(self).__name__}.phases() must give pairs of a count and a name, got {pairs}; "
                'write: yield 0, "warmup"'
            )
        begins = [float(first) for first, _ in pairs]
        if not begins or begins[0] != 0 or any(x >= y for x, y in itertools.pairwise(begins)):
            raise ValueError(
                f"{type(self).__name__}.phases() must give pairs (begin, name), the first begin 0 and each "
                f"greater than the one before, got begins {begins}"
            )
        for first, (_, name), cause in zip(begins, pairs, causes("knot"), strict=False):
            yield Phase(first, name, cause)

    def _is_pure(self) -> bool:
        """Return whether no user-defined function is inside, because one may read variables that change."""
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

    if TYPE_CHECKING:  # `_combinators.arithmetic` defines the operators: sums and products are schedules, too

        def __mul__(self, other: ScheduleLike) -> Schedule: ...
        def __rmul__(self, other: ScheduleLike) -> Schedule: ...
        def __add__(self, other: ScheduleLike) -> Schedule: ...
        def __radd__(self, other: ScheduleLike) -> Schedule: ...
        def __sub__(self, other: ScheduleLike) -> Schedule: ...
        def __rsub__(self, other: ScheduleLike) -> Schedule: ...
        def __neg__(self) -> Schedule: ...
        def __truediv__(self, other: Number) -> Schedule: ...


def _is_phase(pair: object) -> bool:
    """Return whether a part of `Schedule.phases` is a count and a name."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        return False
    return isinstance(pair[1], str) and not isinstance(pair[0], str) and hasattr(pair[0], "__float__")


def _by_lowering(lower: Callable[[Schedule], Lowered]) -> Callable[[Schedule, Time], jax.Array]:
    def evaluate(self: Schedule, time: Time) -> jax.Array:
        """The value at a local `Time`."""
        return lower(self).evaluate(time)

    return evaluate


def _lowered_field(value: object, check: Check, child: Callable[[Schedule], Lowered]) -> object:
    """The value of a field as it is evaluated: schedules lowered, whole numbers past int32 exact."""
    if isinstance(value, Schedule):
        return child(value)
    if isinstance(value, (int, float)):
        if is_steps(check):
            return lowered_steps(value)
        return float(value) if isinstance(value, int) and abs(value) > checks.INT32_MAX else value
    if isinstance(value, (tuple, list, dict)):
        is_leaf = lambda x: isinstance(x, Schedule)  # noqa: E731
        return jax.tree.map(lambda x: _lowered_field(x, check, child), value, is_leaf=is_leaf)
    return value
