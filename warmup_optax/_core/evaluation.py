"""How a schedule is evaluated: inside a trace, by a compiled program, on the host.

A program is compiled for a structure (which nodes, how many phases), whatever the numbers. The programs of
the last structures are kept; one with a function of the user's in it stays with its schedule.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .time import Time, default_float, default_int, real

if TYPE_CHECKING:
    from .schedule import Lowered, Schedule

MOST_PROGRAMS = 256  # structures whose programs are kept; a training run has a handful
MOST_PACKED = (
    64  # numbers of a leaf that travels in the buffer with the scalars; more are a table of their own
)
INT32_MAX = 2**31 - 1
_TOO_DEEP = (
    "this schedule is nested deeper than Python's stack allows; write many terms as one add(...) and many "
    "factors as one product(...), or raise sys.setrecursionlimit"
)


def evaluate(schedule: Schedule, count: Any) -> jax.Array:
    """The values of a schedule at a count or an array of counts."""
    if not isinstance(count, Tracer):
        count = normalize_count(count)
    try:
        if isinstance(count, Tracer):
            return _values(schedule.lower(), count)
        program = program_of(schedule)
        return _staged(schedule.lower(), count) if program is None else program(count)
    except RecursionError:
        raise RecursionError(_TOO_DEEP) from None


def _values(lowered: Lowered, count: Any) -> jax.Array:
    """A lowered schedule at an array of counts. Nodes see scalars: ``vmap`` makes the rest."""
    count = jnp.asarray(count)

    def at(count: jax.Array) -> jax.Array:
        value = real(lowered.evaluate(Time.of(count)))
        if jnp.issubdtype(count.dtype, jnp.floating) and not value.shape:
            value = jnp.where(jnp.isnan(count), jnp.nan, value)
        return value

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
_staged = jax.jit(_values, inline=True)

_programs: collections.OrderedDict[Any, Callable[..., jax.Array]] = collections.OrderedDict()


@dataclasses.dataclass(eq=False, slots=True)
class Program:
    """The compiled program of a schedule's structure, with the schedule's numbers.

    Scalars travel in one buffer: a call costs by its arguments. Tables are arguments of their own. The first
    call leaves them on the device, where later ones find them.
    """

    run: Callable[..., jax.Array]
    numbers: tuple[np.ndarray, ...]
    x64: bool
    resident: tuple[jax.Array, ...] | None = None

    def __call__(self, count: Any) -> jax.Array:
        """The values at a `normalize_count`."""
        if self.resident is None:
            with jax.ensure_compile_time_eval():  # inside a trace too the numbers are no part of it
                resident = tuple(map(jax.device_put, self.numbers))
            if any(isinstance(x, Tracer) for x in resident):  # an eager shard_map traces everything
                return self.run(count, *self.numbers)
            self.resident = resident
        return self.run(count, *self.resident)


def program_of(schedule: Schedule) -> Program | None:
    """The program for a schedule; None for one with traced numbers."""
    x64 = jax.config.read("jax_enable_x64")  # not default_int(): that would be a tenth of a call
    program = schedule.__dict__.get("_program")
    if program is not None and program.x64 is x64:
        return program
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(schedule)):
        return None
    leaves, structure = jax.tree.flatten(schedule.lower())
    numbers, layout = _pack(leaves)
    run = _programs.get((structure, layout))
    if run is None:

        def schedule_at(count: Any, *numbers: jax.Array) -> jax.Array:
            with jax.transfer_guard("allow"):  # tracing makes the program's own constants
                return _values(jax.tree.unflatten(structure, _unpack(numbers, layout)), count)

        run = jax.jit(schedule_at)
    if not _holds_function(schedule):
        _programs[structure, layout] = run
        _programs.move_to_end((structure, layout))
        if len(_programs) > MOST_PROGRAMS:
            _programs.popitem(last=False)
    program = vars(schedule)["_program"] = Program(run, numbers, x64)
    return program


def _holds_function(node: Any) -> bool:
    """Whether a function of the user's is inside."""
    if not getattr(node, "_is_pure", True):
        return True
    fields = [getattr(node, name) for name in getattr(node, "_fields", ())]
    return any(map(_holds_function, jax.tree.leaves(fields, is_leaf=lambda x: hasattr(x, "_is_pure"))))


Layout = tuple[tuple[bool, tuple[int, ...], bool], ...]  # of each: whether it is real, its shape, if packed


def _pack(leaves: list[Any]) -> tuple[tuple[np.ndarray, ...], Layout]:
    """Numbers as one buffer of the default integer, the real ones by their bits; then the tables."""
    whole, real_ = default_int(), default_float()
    words, tables, layout = [np.zeros(0, whole)], [], []
    for leaf in leaves:
        array = np.asarray(leaf)
        is_real = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        array = array.astype(real_ if is_real else whole)
        packed = array.size <= MOST_PACKED
        layout.append((is_real, array.shape, packed))
        if packed:
            words.append(array.ravel().view(whole) if is_real else array.ravel())
        else:
            tables.append(array)
    return (np.concatenate(words), *tables), tuple(layout)


def _unpack(numbers: tuple[jax.Array, ...], layout: Layout) -> list[jax.Array]:
    """The numbers that `_pack` took."""
    buffer, *tables = numbers
    leaves, start, rest = [], 0, iter(tables)
    for is_real, shape, packed in layout:
        if not packed:
            leaves.append(next(rest))
            continue
        size = math.prod(shape)
        words = jax.lax.slice(buffer, (start,), (start + size,)).reshape(shape)
        leaves.append(jax.lax.bitcast_convert_type(words, default_float()) if is_real else words)
        start += size
    return leaves


def normalize_count(count: Any) -> Any:
    """A concrete count in a form that ``jit`` takes without wrapping: 64-bit integers need care."""
    if type(count) is int:
        if -INT32_MAX <= count <= INT32_MAX:
            return count
        largest = int(np.iinfo(default_int()).max)
        return count if -largest <= count <= largest else float(min(max(count, -largest), 2**62))
    if isinstance(count, (jax.Array, float, bool)):
        return count
    if hasattr(count, "__jax_array__"):  # a variable of Flax or Keras
        return normalize_count(count.__jax_array__())
    if isinstance(count, np.integer) and not isinstance(count, np.timedelta64):
        return normalize_count(int(count))
    try:
        array = np.asarray(count)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"a schedule's count must be a whole or real number, got {count!r}") from error
    numbers = array.dtype.kind == "O" and all(
        hasattr(x, "__float__") for x in array.flat
    )  # None would be NaN
    if numbers:  # whole numbers past int64, fractions, decimals
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            array = array.astype(np.float64)
    known = array.dtype.kind in "biuf" or jnp.issubdtype(array.dtype, np.floating)  # bfloat16 is "V"
    if not known:
        raise TypeError(f"a schedule's count must be a whole or real number, got {count!r}")
    if array.dtype.kind in "iu" and array.dtype != default_int():
        limits = np.iinfo(default_int())
        if array.size and (array.max() > limits.max or array.min() < limits.min):
            return array.astype(default_float())
        return array.astype(default_int())
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array  # a long double


def evaluate_on_host(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """The values at ``counts``, computed by the CPU backend alone, whatever the default device is."""
    try:
        program = program_of(schedule)
    except RecursionError:
        raise RecursionError(_TOO_DEEP) from None
    if program is None:
        raise TypeError("sample reads numbers on the host, and this schedule's are traced; sample it outside")
    with jax.ensure_compile_time_eval():  # also from inside a trace, where a logging line may be
        if jax.default_backend() == "cpu":
            return np.asarray(program(counts))
        try:
            cpu = jax.local_devices(backend="cpu")[0]
        except RuntimeError as error:
            raise RuntimeError(
                "sample computes on the host, and JAX_PLATFORMS leaves the CPU backend out; "
                "add it behind the others, as in JAX_PLATFORMS=cuda,cpu"
            ) from error
        with jax.default_device(cpu):
            return np.asarray(program.run(counts, *program.numbers))
