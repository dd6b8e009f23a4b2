"""The base that every schedule shares, and how a schedule is evaluated: traced, eager, on the host."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from . import _checks
from ._node import Curve, Node, importable, static
from ._time import Time, default_float, default_int, real

if TYPE_CHECKING:
    Number = Any  # what float() takes, or a traced scalar: type checkers have no name for it
else:
    Number = float  # what makers of command lines read off a signature (tyro)


class Schedule(Node):
    """A learning-rate schedule: a value that can be called with a count of optimizer updates.

    It is an ``optax.Schedule``, so it goes wherever Optax takes a callable; and it is a frozen dataclass
    and a JAX pytree whose leaves are its numbers, so it can be printed, compared, hashed, pickled, saved,
    and passed through ``jit``, ``vmap``, ``grad``, ``pmap`` and ``shard_map``.

    A node of your own is a subclass that lists its numbers as fields and defines `evaluate`:

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

    # numpy must leave `np.float32(0.1) * schedule` to us, not build an array of objects.
    __array_ufunc__: ClassVar[None] = None

    def evaluate(self, time: Time) -> Any:
        """The value at a local `Time`: one scalar in, one scalar out, straight-line arithmetic.

        What every node defines. ``time`` starts at 0 and is never negative.
        """
        raise NotImplementedError(f"{type(self).__name__} must define evaluate(time)")

    def prepare(self) -> Schedule:
        """This schedule, made ready for `evaluate`: what is the same at every count, done once.

        Numbers that are concrete are worked out here on the host in float64; `evaluate` is then left with
        few leaves and little to do. The default prepares the nodes among the fields.
        """
        changes = {}
        for name in self._value_fields:
            value = getattr(self, name)
            if isinstance(value, Schedule):
                changes[name] = value.prepare()
            elif isinstance(value, tuple) and value and all(isinstance(x, Schedule) for x in value):
                changes[name] = tuple(x.prepare() for x in value)
        changed = any(getattr(self, name) is not value for name, value in changes.items())
        return dataclasses.replace(self, **changes) if changed else self

    def __call__(self, count: Any) -> jax.Array:
        """The learning rate of optimizer update number ``count``, counted from 0.

        Args:
          count: A whole or real number, or an array of them, of any dtype. Counts before 0 are held at 0,
            unsigned ones never wrap. Integers past int32 need x64, or are rounded as float32 counts are.

        Returns:
          An array of the shape of ``count``, of the default float dtype.
        """
        if not isinstance(count, Tracer):
            count = host_count(count)
            program = _program(self)
            if program is not None:
                return program(count)
            if _lives(self):
                return _staged(self.prepare(), count)
        return _evaluate(self.prepare(), jnp.asarray(count))

    # How a notebook shows a schedule. Pictures are drawn in a room below, which puts its function here.
    displays: ClassVar[dict[str, Callable[[Schedule], bytes | None]]] = {}

    def _repr_png_(self) -> bytes | None:
        draw = self.displays.get("image/png")
        return None if draw is None else draw(self)

    # Arithmetic. The nodes are combinators, a room below, which puts their factories here by name.
    operators: ClassVar[dict[str, Callable[..., Schedule]]] = {}

    def __mul__(self, other: Any) -> Schedule:
        if callable(other):
            return self.operators["product"](self, other)
        return self.operators["scale"](self, other)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Schedule:
        return self.operators["add"](self, other)

    def __radd__(self, other: Any) -> Schedule:
        return self.operators["add"](other, self)

    def __sub__(self, other: Any) -> Schedule:
        return self.operators["add"](self, -as_schedule(other))

    def __rsub__(self, other: Any) -> Schedule:
        return self.operators["add"](other, -self)

    def __neg__(self) -> Schedule:
        return self.operators["scale"](self, -1.0)

    def __truediv__(self, other: Any) -> Schedule:
        return self.operators["divide"](self, other)


class Constant(Schedule):
    """Made by `constant`."""

    value: Number

    def evaluate(self, time: Time) -> Any:
        return real(self.value)


class Function(Schedule):
    """Any function of a count, taken as a schedule; made by `as_schedule`. Compares by the function."""

    function: Callable[[Any], Any] = static()

    @classmethod
    def kind(cls) -> str:
        return "as_schedule"

    def evaluate(self, time: Time) -> Any:
        value = self.function(time.plain())
        if jnp.shape(value) != ():
            raise ValueError(
                f"a schedule must give one number for one count, got shape {jnp.shape(value)} "
                f"from {self.function!r}; return a scalar"
            )
        return value


def as_schedule(schedule: Any) -> Schedule:
    """Takes a number, any function of a count, or a schedule, and gives a schedule.

    Args:
      schedule: A finite number (held for ever), a callable ``count -> value`` (an Optax closure, say), or
        a `Schedule`, which is given back as it is.

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
    return taken("as_schedule", "schedule", schedule)


def taken(where: str, name: str, schedule: Any) -> Schedule:
    """`as_schedule` for an argument ``name`` of a function ``where``, which its errors speak of."""
    if isinstance(schedule, Schedule):
        return schedule
    if isinstance(schedule, type) or schedule is None:
        allowed = "a schedule, a function of a count, or a number"
        _checks.refuse(where, name, schedule, allowed, error=TypeError)
    if callable(schedule):
        return Function(schedule)
    return Constant(_checks.number(where, name, schedule, fix="give a schedule, a function or a number"))


def _evaluate(schedule: Schedule, count: jax.Array) -> jax.Array:
    """A prepared schedule at an array of counts. Nodes see scalars: ``vmap`` makes the rest."""

    def at(count: jax.Array) -> jax.Array:
        return real(schedule.evaluate(Time.of(count)))

    for _ in range(count.ndim):
        at = jax.vmap(at)
    value = at(count)
    if value.shape != count.shape:
        extra = value.shape[count.ndim :]
        raise ValueError(
            f"this schedule is a stack of numbers of shape {extra}, called with one count; "
            "map over it: jax.vmap(lambda schedule: schedule(count))(stacked)"
        )
    return value


# For traced numbers at a count that is not: one program, where an eager vmap would go operation by operation.
# Inside a trace it leaves no mark.
_staged = jax.jit(lambda schedule, count: _evaluate(schedule, jnp.asarray(count)), inline=True)


# One jitted function for each structure (which nodes, how many phases), whatever the numbers. A structure
# with a function in it that may die (a closure) keeps its program on the schedule and dies with it.
_programs: dict[Any, Callable[..., jax.Array]] = {}


@dataclasses.dataclass(eq=False, slots=True)
class Program:
    """The compiled program of a schedule's structure, with the schedule's numbers.

    All numbers travel in one buffer: a call costs by its arguments, and a join has thousands of numbers.
    The first call leaves them on the device, where later ones find them.
    """

    run: Callable[[Any, Any], jax.Array]
    numbers: np.ndarray
    x64: bool
    resident: jax.Array | None = None

    def __call__(self, count: Any) -> jax.Array:
        """The values at a `host_count`."""
        if self.resident is None:
            with jax.ensure_compile_time_eval():  # inside a trace too the numbers are no part of it
                resident = jax.device_put(self.numbers)
            if isinstance(resident, Tracer):  # an eager shard_map traces everything
                return self.run(self.numbers, count)
            self.resident = resident
        return self.run(self.resident, count)


def _program(schedule: Schedule) -> Program | None:
    """The program for a schedule; None for one with traced numbers."""
    x64 = jax.config.read("jax_enable_x64")  # not default_int(): that would be a tenth of a call
    program = schedule.__dict__.get("_program")
    if program is not None and program.x64 is x64:
        return program
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(schedule)):
        return None
    leaves, structure = jax.tree.flatten(schedule.prepare())
    numbers, layout = _pack(leaves)
    run = _programs.get((structure, layout))
    if run is None:

        def schedule_at(numbers: jax.Array, count: Any) -> jax.Array:
            return _evaluate(jax.tree.unflatten(structure, _unpack(numbers, layout)), jnp.asarray(count))

        run = jax.jit(schedule_at)
        if _lives(schedule):
            _programs[structure, layout] = run
    program = schedule.__dict__["_program"] = Program(run, numbers, x64)
    return program


Layout = tuple[tuple[bool, tuple[int, ...]], ...]  # of each number: whether it is real, and its shape


def _pack(leaves: list[Any]) -> tuple[np.ndarray, Layout]:
    """Numbers as one buffer of the default integer, the real ones by their bits."""
    arrays = [np.asarray(leaf) for leaf in leaves]
    reals = [array.dtype.kind == "f" or array.dtype.name == "bfloat16" for array in arrays]
    whole, real_ = default_int(), default_float()
    words = [
        (array.astype(real_).view(whole) if is_real else array.astype(whole)).ravel()
        for array, is_real in zip(arrays, reals, strict=True)
    ]
    layout = tuple(zip(reals, (array.shape for array in arrays), strict=True))
    return np.concatenate(words) if words else np.zeros(0, whole), layout


def _unpack(buffer: jax.Array, layout: Layout) -> list[jax.Array]:
    """The numbers in a buffer that `_pack` made."""
    leaves, start = [], 0
    for is_real, shape in layout:
        size = math.prod(shape)
        words = jax.lax.slice(buffer, (start,), (start + size,)).reshape(shape)
        leaves.append(jax.lax.bitcast_convert_type(words, default_float()) if is_real else words)
        start += size
    return leaves


def _lives(node: Any) -> bool:
    """Whether every function inside is a module's own, so that a program may be kept for its structure."""
    if isinstance(node, (Function, Curve)) and not importable(node.function):
        return False
    if isinstance(node, tuple):
        return all(map(_lives, node))
    return not isinstance(node, Node) or all(_lives(getattr(node, name)) for name in node._value_fields)


def host_count(count: Any) -> Any:
    """A concrete count in a form that ``jit`` takes without wrapping: 64-bit integers need care."""
    if type(count) is int:
        if -_checks.INT32_MAX <= count <= _checks.INT32_MAX:
            return count
        largest = int(np.iinfo(default_int()).max)
        return count if -largest <= count <= largest else float(min(max(count, -largest), 2**62))
    if isinstance(count, (jax.Array, float, bool)):
        return count
    if isinstance(count, np.integer):
        return host_count(int(count))
    try:
        array = np.asarray(count)
    except OverflowError:
        array = np.asarray(count, object)
    known = array.dtype.kind in "biuf" or jnp.issubdtype(array.dtype, np.floating)  # bfloat16 is "V"
    if not known:
        raise TypeError(f"a schedule's count must be a whole or real number, got {count!r}")
    if array.dtype.kind in "iu" and array.dtype != default_int():
        limits = np.iinfo(default_int())
        if array.size and (array.max() > limits.max or array.min() < limits.min):
            return array.astype(default_float())
        return array.astype(default_int())
    return array


def on_host(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """The values at ``counts``, computed by the CPU backend alone, whatever the default device is."""
    program = _program(schedule)
    if program is None:
        raise TypeError("sample reads numbers on the host, and this schedule's are traced; sample it outside")
    if jax.default_backend() == "cpu":
        with jax.ensure_compile_time_eval():  # also from inside a trace, where a logging line may be
            return np.asarray(program(counts))
    try:
        cpu = jax.local_devices(backend="cpu")[0]
    except RuntimeError as error:
        raise RuntimeError(
            "sample computes on the host, and JAX_PLATFORMS leaves the CPU backend out; "
            "add it behind the others, as in JAX_PLATFORMS=cuda,cpu"
        ) from error
    with jax.default_device(cpu), jax.ensure_compile_time_eval():
        return np.asarray(program.run(program.numbers, counts))
