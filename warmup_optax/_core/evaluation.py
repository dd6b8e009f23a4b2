"""Evaluation of schedules: inside a trace, by a compiled program, or on the host.

A program is compiled for a structure (which nodes, how many phases), and serves all numbers. The programs of
the most recent structures are kept. A program with a user-defined function stays with its schedule.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from . import checks, scalars
from .lowered import Lowered
from .scalars import Scalar, default_float, default_int
from .time import Time

if TYPE_CHECKING:
    from .schedule import Schedule

MOST_PROGRAMS = 256  # structures whose programs are kept; a training run has a handful
MOST_PACKED = 64  # numbers of a leaf that is packed into a buffer; more are a separate table
_TOO_DEEP = (
    "this schedule is nested deeper than Python's stack allows; write many terms as one add(...) and many "
    "factors as one product(...), or raise sys.setrecursionlimit"
)


def evaluate(schedule: Schedule, count: object) -> jax.Array:
    """The values of a schedule at a count or an array of counts."""
    try:
        if isinstance(count, Tracer):
            return _values(lowered_form(schedule), count)
        count = checks.count(count)
        program = program_of(schedule)
        return _staged(lowered_form(schedule), count) if program is None else program.call(count)
    except RecursionError:
        raise RecursionError(_TOO_DEEP) from None


def lowered_form(schedule: Schedule) -> Lowered:
    """A schedule as it is evaluated. If all its numbers are concrete, it is computed once and kept.

    It is kept for the mode, of 32 or 64 bits, in which it was made. What holds a tracer or an array of a device
    is not kept.
    """
    x64 = scalars.x64()
    kept = schedule.__dict__.get("_lowered")
    if kept is not None and kept[0] is x64:
        return kept[1]
    sizes = {np.shape(leaf) for leaf in jax.tree.leaves(schedule)} - {()}
    if sizes:
        raise ValueError(
            f"this schedule is a stack of numbers of shape {sizes.pop()}, called with one count; "
            "map over it: jax.vmap(lambda schedule: schedule(count))(stacked)"
        )
    lowered = schedule.lower()
    on_host = (int, float, np.generic, np.ndarray)
    if all(isinstance(leaf, on_host) for leaf in jax.tree.leaves((schedule, lowered))):
        vars(schedule)["_lowered"] = x64, lowered
    return lowered


def _values(lowered: Lowered, count: ArrayLike) -> jax.Array:
    """A lowered schedule at an array of counts. Nodes see scalars: ``vmap`` makes the rest."""
    count = jnp.asarray(count)

    def at(count: jax.Array) -> jax.Array:
        value = lowered.evaluate(Time.of(count))
        if jnp.issubdtype(count.dtype, jnp.floating):
            value = jnp.where(jnp.isnan(count), jnp.nan, value)
        return jnp.asarray(value)

    for _ in range(count.ndim):
        at = jax.vmap(at)
    with np.errstate(all="ignore"):  # operations on two concrete numbers are NumPy's, and as silent as XLA's
        return at(count)


# For traced numbers at a count that is not: one program, where an eager vmap would go operation by operation.
# Inside a trace it leaves no mark.
_staged = jax.jit(_values, inline=True)

# Of each number: whether it is real, its shape, and whether it is in a buffer.
Layout: TypeAlias = tuple[tuple[bool, tuple[int, ...], bool], ...]
Buffer: TypeAlias = jax.Array | np.ndarray


class Buffers(NamedTuple):
    """The numbers of a lowered schedule: scalars in two buffers, since a call costs by its arguments.

    A buffer without numbers is None, which is no argument of the program.
    """

    reals: Buffer | None
    wholes: Buffer | None
    tables: tuple[Buffer, ...]


@dataclasses.dataclass(eq=False, slots=True)
class Program:
    """The compiled program of a schedule's structure, with the schedule's numbers.

    The first call puts the numbers on the device, and later calls use them there.

    Attributes:
      call: Returns the values at a count that `checks.count` returned.
    """

    run: Callable[..., jax.Array]
    numbers: Buffers
    x64: bool
    call: Callable[[ArrayLike], jax.Array] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.call = self._first_call

    def _first_call(self, count: ArrayLike) -> jax.Array:
        with jax.ensure_compile_time_eval():  # inside a trace too the numbers are no part of it
            numbers = jax.device_put(self.numbers)
        if any(isinstance(x, Tracer) for x in jax.tree.leaves(numbers)):  # an eager shard_map traces all
            return self.run(*self.numbers, count)
        self.call = functools.partial(self.run, *numbers)
        return self.call(count)


def program_of(schedule: Schedule) -> Program | None:
    """The program for a schedule; None for one with traced numbers."""
    x64 = scalars.x64()
    program = schedule.__dict__.get("_program")
    if program is not None and program.x64 is x64:
        return program
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(schedule)):
        return None
    leaves, structure = jax.tree.flatten(lowered_form(schedule))
    numbers, layout = pack(leaves)
    compiled = _compiled if schedule._is_pure() else _compiled.__wrapped__
    program = vars(schedule)["_program"] = Program(compiled(structure, layout), numbers, x64)
    return program


@functools.lru_cache(MOST_PROGRAMS)
def _compiled(structure: Hashable, layout: Layout) -> Callable[..., jax.Array]:
    """The program of a structure. Its first arguments are buffers, so that `functools.partial` can bind them."""

    def schedule_at(
        reals: Buffer | None, wholes: Buffer | None, tables: tuple[Buffer, ...], count: jax.Array
    ) -> jax.Array:
        # Constants of the program are transfers: https://github.com/jax-ml/jax/issues/16002
        with jax.transfer_guard("allow"):
            numbers = unpack(Buffers(reals, wholes, tables), layout)
            return _values(jax.tree.unflatten(structure, numbers), count)

    return jax.jit(schedule_at)


def pack(leaves: list[Scalar]) -> tuple[Buffers, Layout]:
    """Numbers as a buffer of reals, one of whole numbers, and tables."""
    reals, wholes, tables, layout = [], [], [], []
    for leaf in leaves:
        array = np.asarray(leaf)
        is_real = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        array = array.astype(default_float() if is_real else default_int())
        packed = array.size <= MOST_PACKED
        layout.append((is_real, array.shape, packed))
        (tables if not packed else reals if is_real else wholes).append(array)
    return Buffers(_joined(reals), _joined(wholes), tuple(tables)), tuple(layout)


def _joined(arrays: list[np.ndarray]) -> np.ndarray | None:
    return np.concatenate([array.ravel() for array in arrays]) if arrays else None


def unpack(numbers: Buffers, layout: Layout) -> list[Buffer]:
    """The numbers that `pack` took."""
    leaves, rest = [], iter(numbers.tables)
    starts = {True: 0, False: 0}
    for is_real, shape, packed in layout:
        if not packed:
            leaves.append(next(rest))
            continue
        buffer, start, size = numbers.reals if is_real else numbers.wholes, starts[is_real], math.prod(shape)
        assert buffer is not None
        leaves.append(buffer[start : start + size].reshape(shape) if shape else buffer[start])
        starts[is_real] += size
    return leaves


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
            return np.asarray(program.call(counts))
        try:
            cpu = jax.local_devices(backend="cpu")[0]
        except RuntimeError as error:
            raise RuntimeError(
                "sample computes on the host, and JAX_PLATFORMS leaves the CPU backend out; "
                "add it behind the others, as in JAX_PLATFORMS=cuda,cpu"
            ) from error
        with jax.default_device(cpu):
            return np.asarray(program.run(*program.numbers, counts))
