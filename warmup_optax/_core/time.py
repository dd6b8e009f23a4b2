"""The clock that a node sees, and the one home of division and floor of time.

A time is a whole count of steps and, between two counts, the two parts of the step around it: what has passed
of it and what is left. Whole counts stay integers until the last division, so every boundary at a whole count
is found exactly, whatever stretches, repeats or shifts the schedule around it. The elapsed and the remaining
time are each formed from exact differences: ``t / n`` in float32 is good to half a unit in the last place
(ULP), but ``1 - t / n`` near the end has lost every digit, so no curve subtracts a fraction from one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

UNROLLED = 8  # up to eight boundaries are compared one by one, which needs no table
BLOCKS = 8  # of a level when more are searched
_LIMB = 30  # bits of the lower half of a Wide
_HALF = 31  # bits of each half of a fraction in a Factor
LARGEST = 2**61  # no count is larger


def default_float() -> Any:
    """float32, or float64 under x64."""
    return jax.dtypes.canonicalize_dtype(np.float64)


def default_int() -> Any:
    """int32, or int64 under x64."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def is_whole(x: Any) -> bool:
    """Whether a number (traced or not) is of an integer type."""
    return isinstance(x, Wide) or jnp.issubdtype(jnp.result_type(x), jnp.integer)


def real(x: Any) -> jax.Array:
    """A number in the default float dtype, strongly typed."""
    if isinstance(x, Wide):
        negative = x.high < 0  # both halves of -1 are large
        size = _where(negative, Wide(np.int32(0), np.int32(0)).minus(x), x)
        value = real(size.high) * 2.0**_LIMB + real(size.low)
        return jnp.where(negative, -value, value)
    return _of_dtype(x, default_float())


def _of_dtype(x: Any, dtype: Any) -> jax.Array:
    """``jnp.asarray(x, dtype)``, without the time that it takes for what already is that: a fifth of a trace."""
    if isinstance(x, jax.Array) and x.dtype == dtype and not x.weak_type:
        return x
    return jnp.asarray(x, dtype)


# ------------------------------------------------------------------ whole numbers beyond int32


class Wide(NamedTuple):
    """The whole number ``high * 2**30 + low`` where an int32 is too short: counts of tokens, say."""

    high: Any
    low: Any

    @classmethod
    def of(cls, x: Any) -> Wide:
        """An integer of the default dtype, a Python one, or a whole real number."""
        if isinstance(x, Wide):
            return x
        if isinstance(x, (int, float)):
            high, low = divmod(int(max(min(x, LARGEST - 1), 1 - LARGEST)), 2**_LIMB)
            return cls(np.int32(high), np.int32(low))
        if not is_whole(x):
            size = jnp.minimum(abs(x), float(LARGEST))
            high = jnp.floor(size / 2.0**_LIMB)
            positive = cls(high.astype(jnp.int32), (size - high * 2.0**_LIMB).astype(jnp.int32))
            return _where(x < 0, cls(0, 0).minus(positive), positive)
        x = jnp.asarray(x)
        return cls(x >> _LIMB, x & (2**_LIMB - 1))

    def minus(self, other: Wide) -> Wide:
        """The difference, exact."""
        low = self.low - other.low
        return Wide(self.high - other.high + (low >> _LIMB), low & (2**_LIMB - 1))

    def times(self, other: Wide) -> Wide:
        """The product, exact where it is below 2**61."""
        high, low = _product(self.low, other.low, _LIMB)
        return Wide(high + self.high * other.low + self.low * other.high, low)


def whole_number(steps: Any) -> Any:
    """A concrete whole number of steps as it is evaluated: a `Wide` past int32 where there is no int64."""
    if not isinstance(steps, (int, float)) or abs(steps) <= np.iinfo(np.int32).max:
        return steps
    if abs(steps) >= LARGEST or not float(steps).is_integer():
        return steps
    return Wide.of(steps) if default_int() == np.int32 else min(int(steps), LARGEST)


def _aligned(a: Any, b: Any) -> tuple[Any, Any]:
    """Two whole numbers in one form."""
    if isinstance(a, Wide) or isinstance(b, Wide):
        return Wide.of(a), Wide.of(b)
    return _of_dtype(a, default_int()), _of_dtype(b, default_int())


def _minus(a: Any, b: Any) -> Any:
    a, b = _aligned(a, b)
    return a.minus(b) if isinstance(a, Wide) else a - b


def _at_least(a: Any, b: Any) -> Any:
    a, b = _aligned(a, b)
    if isinstance(a, Wide):
        return (a.high > b.high) | ((a.high == b.high) & (a.low >= b.low))
    return a >= b


def _where(condition: Any, a: Any, b: Any) -> Any:
    a, b = _aligned(a, b)
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), a, b)


def _product(a: Any, b: Any, bits: int) -> tuple[Any, Any]:
    """``divmod(a * b, 2**bits)`` for whole numbers below ``2**31`` and bits of 30 or 31."""
    a, b = (jnp.asarray(x).astype(jnp.uint32) for x in (a, b))
    half = jnp.uint32(16)
    mask = jnp.uint32(0xFFFF)
    a_high, a_low, b_high, b_low = a >> half, a & mask, b >> half, b & mask
    middle = a_low * b_high + a_high * b_low
    lowest = a_low * b_low
    low = lowest + (middle << half)
    high = a_high * b_high + (middle >> half) + (low < lowest).astype(jnp.uint32)
    above = (high << jnp.uint32(32 - bits)) | (low >> jnp.uint32(bits))
    return above.astype(jnp.int32), (low & jnp.uint32(2**bits - 1)).astype(jnp.int32)


def _divided(a: Any, b: Any) -> tuple[Any, Any]:
    """``divmod(a, b)`` of whole numbers, ``a >= 0`` and ``b >= 1``, exact."""
    a, b = _aligned(a, b)
    if not isinstance(a, Wide):
        quotient = jax.lax.div(a, b)
        return quotient, a - quotient * b
    zero, quotient, left = Wide.of(0), Wide.of(0), a
    for _ in range(3):  # each quotient of reals is right to 22 bits
        estimate = Wide.of(jnp.floor(real(left) / real(b)))
        quotient, left = quotient.minus(zero.minus(estimate)), left.minus(estimate.times(b))
    for step in (-1, 1):
        off = _at_least(zero.minus(Wide.of(1)), left) if step < 0 else _at_least(left, b)
        correction = _where(off, Wide.of(step), zero)
        quotient, left = quotient.minus(zero.minus(correction)), left.minus(correction.times(b))
    return quotient, left


def divide_real(x: Any, steps: Any) -> tuple[jax.Array, jax.Array]:
    """``divmod(x, steps)`` of reals, ``x >= 0``: a quotient that should be whole is.

    XLA may turn the division into a product with a reciprocal, which misses whole quotients (41 of 41); so
    the floor is repaired by the remainder, and what is a few roundings short of a whole number is that.
    """
    whole = jax.lax.stop_gradient(jnp.floor(x / steps))
    rest = x - whole * steps
    slack = steps * _nearly(whole + 1)
    step = jax.lax.stop_gradient(jnp.where(rest >= steps - slack, 1, jnp.where(rest < -slack, -1, 0)))
    whole = whole + step
    rest = x - whole * steps
    return whole, rest + jax.lax.stop_gradient(jnp.maximum(-rest, 0))


def _nearly(size: Any) -> Any:
    """How far a real of this size may be from the number that it was computed for: some four roundings."""
    return jnp.minimum(2 * float(jnp.finfo(default_float()).eps) * size, 0.25)


# ------------------------------------------------------------------ a factor of time


class Factor(NamedTuple):
    """A real factor of time, and an offset below one step, to 62 and 31 bits after the point.

    With 64-bit numbers ``whole`` is the factor and ``offset`` the offset, as they are.
    """

    whole: Any
    high: Any
    low: Any
    offset: Any

    @classmethod
    def of(cls, factor: Fraction, offset: Fraction = Fraction(0)) -> Factor:
        """From exact numbers: ``0 <= factor < 2**31`` and ``0 <= offset < 1``."""
        if default_int() != np.int32:
            return cls(np.float64(factor), np.float64(0), np.float64(0), np.float64(offset))
        whole, bits = divmod(math.floor(factor * 2 ** (2 * _HALF)), 2 ** (2 * _HALF))
        high, low = divmod(bits, 2**_HALF)
        return cls(*map(np.int32, (whole, high, low, math.floor(offset * 2**_HALF))))

    def __call__(self, count: Any) -> tuple[Any, Any, Any]:
        """``count * factor + offset`` as a whole number, a part after it and the rest to the next one."""
        if default_int() != np.int32:
            x = real(count) * self.whole + self.offset
            whole = jnp.floor(x + _nearly(x) + 2.0**-28)
            part = jnp.clip(x - whole, 0, 1)
            return whole.astype(default_int()), part, 1 - part
        whole, above = _product(count, self.high, _HALF)
        below, _ = _product(count, self.low, _HALF)
        bits = jnp.uint32(0)
        for x in (above, below, self.offset):
            bits = (bits & jnp.uint32(2**_HALF - 1)) + jnp.asarray(x).astype(jnp.uint32)
            whole = whole + (bits >> jnp.uint32(_HALF)).astype(jnp.int32)
        bits = (bits & jnp.uint32(2**_HALF - 1)).astype(jnp.int32)
        # Each of the three was rounded down: what is 8 of 2**31 parts short of a whole number is that.
        full = bits >= np.int32(2**_HALF - 8)
        whole, bits = whole + full.astype(jnp.int32), jnp.where(full, 0, bits)
        whole = whole + count * jnp.asarray(self.whole)
        unit = 2.0**-_HALF
        return whole, real(bits) * unit, real(jnp.int32(2**_HALF - 1) - bits) * unit + unit


# ------------------------------------------------------------------ the clock


@dataclass(frozen=True)
class Time:
    """A local time of a schedule, in steps, never negative.

    A node's ``evaluate(time)`` is given one and asks it: `progress` for the elapsed and the remaining
    fraction of a length, `ratio` for the time over a scale, `reached` and `started` for boundaries, `cycle`
    and `divide` for what repeats, `since` and `held` for another clock for a child.

    Attributes:
      whole: The count of whole steps that have passed: an integer scalar.
      part: What has passed of the step after them, in [0, 1); None at a whole count.
      rest: What is left of that step, ``1 - part``, known by itself; None at a whole count.
    """

    whole: Any
    part: Any = None
    rest: Any = None

    @classmethod
    def of(cls, count: Any) -> Time:
        """The time at ``count`` on Optax's clock, whatever its dtype; counts before 0 are 0."""
        count = jnp.asarray(count)
        if not jnp.issubdtype(count.dtype, jnp.integer) and count.dtype != jnp.bool_:
            if not jnp.issubdtype(count.dtype, jnp.floating):
                raise TypeError(f"a schedule's count must be a whole or real number, got dtype {count.dtype}")
            return cls.of_real(real(count))
        dtype = default_int()
        if jnp.issubdtype(count.dtype, jnp.unsignedinteger):
            # An unsigned count past the largest signed one stays there; a plain cast would wrap below 0.
            largest = min(jnp.iinfo(count.dtype).max, jnp.iinfo(dtype).max)
            count = jnp.minimum(count, jnp.asarray(largest, count.dtype))
        return cls(jnp.maximum(count.astype(dtype), 0))

    @classmethod
    def of_real(cls, count: Any) -> Time:
        """The time at a real number of steps; before 0 it is 0."""
        count = jnp.clip(count, 0, float(LARGEST))
        whole = jax.lax.stop_gradient(jnp.floor(count))
        part = count - whole
        return cls(
            Wide.of(whole) if default_int() == np.int32 else whole.astype(default_int()), part, 1 - part
        )

    def _real(self) -> jax.Array:
        return real(self.whole) if self.part is None else real(self.whole) + self.part

    def _whole_at(self, moment: Any, early: Any) -> Time:
        """This time, but the whole count ``moment`` where ``early``."""
        whole = _where(early, moment, self.whole)
        if self.part is None:
            return Time(whole)
        return Time(whole, jnp.where(early, 0, self.part), jnp.where(early, 1, self.rest))

    def started(self) -> jax.Array:
        """Whether any time has passed."""
        begun = _at_least(self.whole, 1)
        return begun if self.part is None else begun | (self.part > 0)

    def reached(self, steps: Any) -> jax.Array:
        """Whether ``steps`` have passed, ``time >= steps``."""
        return _at_least(self.whole, steps) if is_whole(steps) else self._real() >= real(steps)

    def between(self, begin: Any, end: Any) -> tuple[jax.Array, jax.Array]:
        """The steps since ``begin`` and those to ``end`` as reals, negative on the wrong side."""
        if not (is_whole(begin) and is_whole(end)):
            return self._real() - real(begin), real(end) - self._real()
        if self.part is None:
            return real(_minus(self.whole, begin)), real(_minus(end, self.whole))
        return real(_minus(self.whole, begin)) + self.part, real(
            _minus(_minus(end, self.whole), 1)
        ) + self.rest

    def progress(self, steps: Any) -> tuple[jax.Array, jax.Array]:
        """The elapsed fraction ``t / n`` and the remaining one ``(n - t) / n``, ``t`` held in ``[0, n]``.

        Each is an exact difference divided once. A length of 0 gives finite fractions without a meaning: the
        caller selects the end there.
        """
        elapsed, remaining = self.between(0, steps)
        length = real(steps)
        safe = jnp.where(length > 0, length, 1)
        return jnp.minimum(elapsed, length) / safe, jnp.maximum(remaining, 0) / safe

    def ratio(self, scale: Any) -> jax.Array:
        """``t / scale`` as a real, for a scale that need not be whole."""
        return self._real() / real(scale)

    def cycle(self, steps: Any) -> tuple[Any, Time]:
        """How many times ``steps`` have passed, a whole number, and the time since the last of them."""
        if is_whole(steps):
            number, rest = _divided(self.whole, _where(_at_least(steps, 1), steps, 1))
            return number, Time(rest, self.part, self.rest)
        number, rest = divide_real(self._real(), jnp.where(real(steps) > 0, real(steps), 1))
        return number, Time.of_real(rest)

    def divide(self, steps: Any) -> tuple[jax.Array, jax.Array]:
        """``(whole, part)`` as reals: how many times ``steps`` have passed, and the fraction since."""
        number, rest = self.cycle(steps)
        return real(number), rest.progress(steps)[0]

    def stairs(self, steps: Any) -> Time:
        """The time that advances by one with every ``steps``."""
        number, _ = self.cycle(steps)
        return Time(number if is_whole(number) else Time.of_real(number).whole)

    def since(self, start: Any) -> Time:
        """The time that began at ``start``, held at 0 before it. A negative start is a head start."""
        if not is_whole(start):
            return Time.of_real((real(self.whole) - real(start)) + (0 if self.part is None else self.part))
        whole, start = _aligned(self.whole, start)
        if not isinstance(whole, Wide):  # a head start may lead past the last integer
            start = jnp.maximum(start, whole - jnp.iinfo(whole.dtype).max)
        passed = _minus(whole, start)
        return Time(passed, self.part, self.rest)._whole_at(0, _at_least(-1, passed))

    def held(self, first: Any, last: Any) -> Time:
        """This time held in ``[first, last]``; ``None`` for no bound."""
        time = self if first is None else self._bounded(first, lower=True)
        return time if last is None else time._bounded(last, lower=False)

    def _bounded(self, bound: Any, *, lower: bool) -> Time:
        if is_whole(bound):
            reached = _at_least(self.whole, bound)
            return self._whole_at(bound, ~reached if lower else reached)
        return Time.of_real((jnp.maximum if lower else jnp.minimum)(self._real(), real(bound)))

    def locate(self, boundaries: Any) -> jax.Array:
        """How many of the increasing ``boundaries`` have been reached: the index of the phase.

        A few, in a tuple, are compared one by one. A table of more is searched, eight blocks to a level: each
        level takes one row of seven boundaries, so the program grows with the logarithm alone, and a
        reduction of seven is short enough to be no kernel of its own on a GPU.
        """
        if isinstance(boundaries, tuple) and not isinstance(boundaries, Wide):
            found = [self.reached(boundary).astype(jnp.int32) for boundary in boundaries]
            return sum(found[1:], found[0]) if found else jnp.zeros((), jnp.int32)
        size = jax.tree.leaves(boundaries)[0].shape[0]
        if size <= UNROLLED:
            return self.locate(tuple(jax.tree.map(lambda x, i=i: x[i], boundaries) for i in range(size)))
        block = 1
        while block * BLOCKS <= size:
            block *= BLOCKS

        def laid_out(column: Any) -> Any:
            # Padding repeats the last boundary; the count of what was reached is cut to the real ones.
            xp = np if isinstance(column, np.ndarray) else jnp
            return xp.concatenate([column, xp.broadcast_to(column[-1], (block * BLOCKS - size,))])

        table = jax.tree.map(laid_out, boundaries)
        found = jnp.zeros((), jnp.int32)
        while block:
            ends = jax.tree.map(lambda x, n=block: x[n - 1 :: n].reshape(-1, BLOCKS)[:, : BLOCKS - 1], table)
            found = found * BLOCKS + jnp.sum(self.reached(take(ends, found)), dtype=jnp.int32)
            block //= BLOCKS
        return jnp.minimum(found, size)

    def times(self, factor: Any) -> Time:
        """The time that goes ``factor`` steps forward with every step, ``factor`` whole and >= 1."""
        if default_int() == np.int32:
            whole = Wide.of(self.whole).times(Wide.of(factor))
        else:
            largest = jax.lax.div(jnp.asarray(LARGEST, default_int()), jnp.asarray(factor, default_int()))
            whole = jnp.minimum(self.whole, largest) * jnp.asarray(factor, default_int())
        if self.part is None:
            return Time(whole)
        inside = Time.of_real(self.part * real(factor))
        return Time(_minus(whole, _minus(0, inside.whole)), inside.part, inside.rest)

    def plus(self, steps: Any) -> Time:
        """The time ``steps`` later, a whole number >= 0."""
        return Time(_minus(self.whole, _minus(0, steps)), self.part, self.rest)

    def over(self, steps: Any) -> Time:
        """The time in units of ``steps`` > 0: both parts of a unit are exact where ``steps`` is whole."""
        number, rest = self.cycle(steps)
        number = number if is_whole(number) else Time.of_real(number).whole
        elapsed, remaining = rest.between(0, steps)
        unit = real(steps)
        return Time(number, elapsed / unit, remaining / unit)

    def scaled(self, factor: Factor) -> Time:
        """The time times a real factor, plus an offset below one step."""
        whole, part, rest = factor(self.narrow())
        if self.part is None:
            return Time(whole, part, rest)
        slope = real(factor.whole) + (0 if default_int() != np.int32 else real(factor.high) * 2.0**-_HALF)
        part = part + self.part * slope
        carry = jnp.floor(part + _nearly(1.0))
        part = jnp.clip(part - carry, 0, 1)
        return Time(_minus(whole, _minus(0, carry.astype(default_int()))), part, 1 - part)

    def narrow(self) -> Any:
        """The whole count as an integer of the default dtype, held at the largest."""
        if not isinstance(self.whole, Wide):
            return self.whole
        fits = self.whole.high < 2
        return jnp.where(fits, (self.whole.high << _LIMB) | self.whole.low, np.iinfo(np.int32).max)

    def count(self) -> jax.Array:
        """The time as a plain count, for a function that knows nothing of parts."""
        return self.narrow() if self.part is None else self._real()


def take(table: Any, row: Any) -> Any:
    """``table[row]``, of each array of a tree, for a row known to be inside."""
    mesh = jax.sharding.get_abstract_mesh()
    explicit = jax.sharding.AxisType.Explicit in mesh.axis_types

    def of(x: Any) -> jax.Array:
        x = jnp.asarray(x)
        if explicit:  # where shardings are types a gather has none: the row is picked by a mask
            here = (np.arange(x.shape[0]) == row).reshape((-1,) + (1,) * (x.ndim - 1))
            return jnp.sum(jnp.where(here, x, jnp.zeros((), x.dtype)), axis=0, dtype=x.dtype)
        return jax.lax.dynamic_index_in_dim(x, row, keepdims=False, allow_negative_indices=False)

    return jax.tree.map(of, table)


def total(a: Any, b: Any) -> Any:
    """The sum of two lengths as it is evaluated; held at the largest count where a traced sum would wrap."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return whole_number(a + b)
    if not (is_whole(a) and is_whole(b)) or isinstance(a, Wide) or isinstance(b, Wide):
        return real(a) + real(b)
    a, b = jnp.asarray(a, default_int()), jnp.asarray(b, default_int())
    largest = jnp.iinfo(default_int()).max
    return jnp.where(a <= largest - b, a + b, largest)
