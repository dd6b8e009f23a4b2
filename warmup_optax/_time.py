"""The count that a node sees: whole numbers kept whole until the last division.

Accuracy near the end of a long decay is decided here. A fraction ``t / n`` in float32 is good to half a
unit in the last place (ULP), but ``1 - t / n`` near the end is not: it has lost every digit that ``t / n``
had beyond ``1``. So the remaining fraction is computed by itself, as ``(n - t) / n`` with the difference
taken in integers, and no curve ever subtracts a fraction from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

FLOAT_COUNT_MAX = 2.0**62  # an infinite count is held here, so that no difference of counts is NaN
UNROLLED = 8  # up to so many boundaries are compared one by one, which needs no table
BLOCKS = 8  # of a level when more are searched


def default_float() -> Any:
    """float32, or float64 under x64."""
    return jax.dtypes.canonicalize_dtype(np.float64)


def default_int() -> Any:
    """int32, or int64 under x64."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def real(x: Any) -> jax.Array:
    """A number in the default float dtype, strongly typed."""
    return jnp.asarray(x, default_float())


def is_whole(x: Any) -> bool:
    """Whether a number (traced or not) is of an integer type."""
    return jnp.issubdtype(jnp.result_type(x), jnp.integer)


@dataclass(frozen=True)
class Time:
    """A local count of steps, never negative, and the length of a step.

    Attributes:
      count: A scalar, integer or floating point: how many ticks have passed.
      unit: How many ticks a step has. ``None`` is one. A restart stretches its schedule by making the
        steps longer and leaving the count whole, which keeps both fractions exact.
      left: In a cycle of a restart, ``(ticks, period)``: how many ticks are left to the end of its
        ``period`` steps. Where a cycle ends between two counts that is known better than its length.
    """

    count: jax.Array
    unit: Any = None
    left: tuple[Any, Any] | None = None

    @classmethod
    def of(cls, count: Any) -> Time:
        """The time at ``count`` on Optax's clock, whatever its dtype; counts before 0 are 0."""
        count = jnp.asarray(count)
        whole = jnp.issubdtype(count.dtype, jnp.integer) or count.dtype == jnp.bool_
        if not whole and not jnp.issubdtype(count.dtype, jnp.floating):
            raise TypeError(f"a schedule's count must be a whole or real number, got dtype {count.dtype}")
        dtype = default_int() if whole else default_float()
        if jnp.issubdtype(count.dtype, jnp.unsignedinteger):
            # An unsigned count past the largest signed one stays there; a plain cast would wrap below 0.
            largest = min(jnp.iinfo(count.dtype).max, jnp.iinfo(dtype).max)
            count = jnp.minimum(count, jnp.asarray(largest, count.dtype))
        count = jnp.maximum(count.astype(dtype), 0)
        return cls(count if whole else jnp.minimum(count, real(FLOAT_COUNT_MAX)))

    @property
    def whole(self) -> bool:
        """Whether it counts whole steps."""
        return self.unit is None and is_whole(self.count)

    def _ticks(self, steps: Any) -> tuple[jax.Array, jax.Array]:
        """``(count, steps)`` in ticks and in one dtype: integers if both are, else floats."""
        if self.whole and is_whole(steps):
            return self.count, jnp.asarray(steps, self.count.dtype)
        steps = real(steps)
        return real(self.count), steps if self.unit is None else steps * self.unit

    def reached(self, steps: Any) -> jax.Array:
        """Whether ``count >= steps``."""
        count, steps = self._ticks(steps)
        return count >= steps

    def started(self) -> jax.Array:
        """Whether ``count > 0``."""
        return self.count > 0

    def progress(self, steps: Any) -> tuple[jax.Array, jax.Array]:
        """The elapsed fraction ``t / n`` and the remaining one ``(n - t) / n``, ``t`` held in ``[0, n]``.

        Both are exact integers divided once (float counts and counts past 2^24 are rounded first). A
        length of 0 gives finite fractions of no meaning: who asks selects the end there.
        """
        given = steps
        count, steps = self._ticks(steps)
        count = jnp.minimum(count, steps)
        length = real(jnp.maximum(steps, 1))
        if self.left is None:
            return real(count) / length, real(steps - count) / length
        rest, period = self.left
        rest = jnp.maximum(rest + (real(given) - period) * self.unit, 0)
        return count / length, rest / length

    def between(self, begin: Any, end: Any) -> tuple[jax.Array, jax.Array]:
        """The steps since ``begin`` and those to ``end`` as floats, negative on the wrong side."""
        count, begin = self._ticks(begin)
        since, until = real(count - begin), real(self._ticks(end)[1] - count)
        return (since, until) if self.unit is None else (since / self.unit, until / self.unit)

    def ratio(self, scale: Any) -> jax.Array:
        """``t / scale`` as a float, for a scale that need not be whole."""
        scale = real(scale)
        return real(self.count) / (scale if self.unit is None else scale * self.unit)

    def cycle(self, steps: Any) -> tuple[jax.Array, Time]:
        """How many times ``steps`` has passed, as a float, and the time since it last had."""
        count, steps = self._ticks(steps)
        steps = jnp.maximum(steps, 1)
        # Both are positive, so the truncation of an integer division is the floor.
        whole = jax.lax.div(count, steps) if is_whole(count) else jnp.floor(count / steps)
        return real(whole), Time(jnp.maximum(count - whole * steps, 0), self.unit)

    def divide(self, steps: Any) -> tuple[jax.Array, jax.Array]:
        """``(whole, part)`` as floats: how many times ``steps`` has passed, and the fraction since."""
        whole, rest = self.cycle(steps)
        return whole, rest.progress(steps)[0]

    def since(self, start: Any) -> Time:
        """The time that began at ``start``, held at 0 before it. A negative start is a head start."""
        given = start
        count, start = self._ticks(start)
        if not is_whole(count):
            left = self.left
            if left is not None:
                rest, period = left[0], left[1] - real(given)
                left = (jnp.minimum(rest, period * self.unit), period)
            return Time(jnp.maximum(count - start, 0), self.unit, left)
        passed = count - start
        overflowed = (start < 0) & (passed < count)
        largest = jnp.iinfo(count.dtype).max
        return Time(jnp.where(overflowed, largest, jnp.maximum(passed, 0)), self.unit)

    def held(self, first: Any, last: Any) -> Time:
        """This time held in ``[first, last]``; ``None`` for no bound."""
        count = self.count
        if first is not None:
            count, first = Time(count, self.unit)._ticks(first)
            count = jnp.maximum(count, first)
        if last is not None:
            count, last = Time(count, self.unit)._ticks(last)
            count = jnp.minimum(count, last)
        left = self.left and (self.left[0] + (real(self.count) - real(count)), self.left[1])
        return Time(count, self.unit, left)

    def locate(self, boundaries: Any) -> jax.Array:
        """How many of the increasing ``boundaries`` have been reached: the index of the phase.

        A few are compared one by one. An array of more is searched, eight blocks to a level: each level
        takes one row of seven boundaries, so the program grows with the logarithm alone, and a reduction of
        seven is short enough to be no kernel of its own on a GPU.
        """
        if len(boundaries) <= UNROLLED:
            found = [self.reached(boundary).astype(jnp.int32) for boundary in boundaries]
            return sum(found[1:], found[0]) if found else jnp.zeros((), jnp.int32)
        size = boundaries.shape[0]
        block = 1
        while block * BLOCKS <= size:
            block *= BLOCKS
        # Padding repeats the last boundary; the count of what was reached is cut to the real ones.
        xp = np if isinstance(boundaries, np.ndarray) else jnp  # known boundaries are laid out on the host
        padding = xp.broadcast_to(boundaries[-1], (block * BLOCKS - size,))
        table = xp.concatenate([boundaries, padding])
        found = jnp.zeros((), jnp.int32)
        while block:
            ends = table[block - 1 :: block].reshape(-1, BLOCKS)[:, : BLOCKS - 1]
            found = found * BLOCKS + jnp.sum(self.reached(take(ends, found)), dtype=jnp.int32)
            block //= BLOCKS
        return jnp.minimum(found, size)

    def plain(self) -> jax.Array:
        """The count in steps, for a function that knows nothing of ticks."""
        return self.count if self.unit is None else self.count / self.unit


def take(table: Any, row: jax.Array) -> jax.Array:
    """``table[row]`` for a row known to be inside."""
    return jax.lax.dynamic_index_in_dim(jnp.asarray(table), row, keepdims=False, allow_negative_indices=False)
