"""Tables: many numbers as one array, and a row of each as scalars again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, TypeVar, cast, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .scalars import (
    INT32_MAX,
    LARGEST,
    Length,
    Numeric,
    Scalar,
    Wide,
    default_float,
    default_int,
    is_integral,
    lowered_steps,
)

UNROLLED = 8  # up to eight boundaries are compared one by one, which needs no table
T = TypeVar("T")


class Moment(NamedTuple):
    """A time between two whole counts: the one before it, and the part of a step after that, in [0, 1).

    So a part of a step keeps its digits at a large count. Both may be tables.
    """

    whole: jax.Array | Wide
    part: jax.Array | np.ndarray


Table: TypeAlias = jax.Array | Wide | Moment  # numbers, a row each


@overload
def table_of(numbers: Sequence[Scalar]) -> jax.Array: ...
@overload
def table_of(numbers: Sequence[Length]) -> jax.Array | Wide: ...
def table_of(numbers: Sequence[Length]) -> jax.Array | Wide:
    """Numbers as one array, of the default integer dtype if all are whole: on the host if concrete."""
    if any(isinstance(x, Wide) for x in numbers):
        wide = [Wide.of(x) for x in numbers]
        return Wide(table_of(tuple(x.high for x in wide)), table_of(tuple(x.low for x in wide)))
    dtype = default_int() if {shape_and_kind(x)[1] for x in numbers} <= {"i"} else default_float()
    types = set(map(type, numbers))
    if types <= {int, float}:  # a join has thousands of these
        return cast(jax.Array, np.asarray(numbers, dtype))
    if all(issubclass(x, (int, float, np.generic, np.ndarray)) for x in types):
        return cast(jax.Array, np.stack([np.asarray(x, dtype) for x in numbers]))
    return jnp.stack([jnp.asarray(x, dtype) for x in numbers])


def table_of_steps(numbers: Sequence[Length]) -> jax.Array | Wide:
    """Integers as one table, clipped to 2**61: of `Wide` numbers if one does not fit the default integer."""
    concrete = [int(max(-LARGEST, min(x, LARGEST))) for x in numbers if isinstance(x, (int, float))]
    if len(concrete) < len(numbers):
        return table_of(tuple(map(Wide.of, numbers)) if default_int() == np.int32 else numbers)
    array = np.asarray(concrete, np.int64)
    short = default_int() == np.int64 or np.abs(array).max(initial=0) <= INT32_MAX
    return cast(jax.Array, array.astype(default_int())) if short else Wide.of(array)


def boundaries_of(numbers: Sequence[Numeric]) -> tuple[Length, ...] | Table:
    """Boundaries for `Time.locate`: a few in a tuple, which needs no table, and more in a table."""
    few = len(numbers) <= UNROLLED
    return tuple(map(lowered_steps, numbers)) if few else table_of_boundaries(numbers)


def table_of_boundaries(numbers: Sequence[Numeric]) -> jax.Array | Wide:
    """Boundaries as one table. One past the clock, or past int32 as an argument, is real, and rounds no other."""
    evaluated = tuple(map(lowered_steps, numbers))
    alike = len(set(map(is_integral, evaluated))) == 1
    return table_of(evaluated) if alike else table_of_steps(numbers)


def shape_and_kind(number: Length) -> tuple[tuple[int, ...], str]:
    """The shape of a number, or of an array of them, and the letter of its type: "i" if it is whole."""
    if type(number) is float:  # asked first: JAX's own answer takes 9 us (JAX 0.10.2)
        return (), "f"
    if type(number) is int or type(number) is np.int32:
        return (), "i"
    dtype = jnp.result_type(number)
    return jnp.shape(cast(jax.Array, number)), "i" if jnp.issubdtype(dtype, jnp.integer) else dtype.kind


def take(tables: T, row: Scalar) -> T:
    """``table[row]``, of each array of a tree, for a row known to be inside."""
    mesh = jax.sharding.get_abstract_mesh()
    explicit = jax.sharding.AxisType.Explicit in mesh.axis_types

    def of(x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        if explicit:  # a mask picks the row, not a gather: https://github.com/jax-ml/jax/issues/28542
            here = (np.arange(x.shape[0]) == row).reshape((-1,) + (1,) * (x.ndim - 1))
            return jnp.sum(jnp.where(here, x, jnp.zeros((), x.dtype)), axis=0, dtype=x.dtype)
        # `lax.dynamic_index_in_dim` wraps negative rows, and leaves a call in the program (JAX 0.10.2).
        starts = (jnp.asarray(row, np.int32), *[np.int32(0)] * (x.ndim - 1))
        return lax.squeeze(
            lax.dynamic_slice(x, starts, (1, *x.shape[1:]), allow_negative_indices=False), (0,)
        )

    return jax.tree.map(of, tables)
