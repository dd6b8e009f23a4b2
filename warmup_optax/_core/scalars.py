"""The numbers of a program: reals and whole numbers of the default dtypes, and whole numbers past int32.

Scalars of Python become NumPy scalars, and operations are those of `jax.lax`. JAX traces a `lax` operation on
them in 20 us, ``jnp.where`` or an operator in 80, and ``jnp.where`` leaves a function call in the program
(JAX 0.10.2).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar, cast, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

LARGEST = 2**61  # no count is larger: it is the first number that a Wide cannot hold
INT32_MAX = 2**31 - 1
_LIMB = 30  # bits of the lower half of a Wide: the sum of two halves fits int32
_MASK = 2**_LIMB - 1
# The largest float32 below 2**61: a conversion of 2**61 itself to a Wide would overflow.
_MOST_REAL = float(np.nextafter(np.float32(LARGEST), np.float32(0)))

# What a program computes with. NumPy's scalars and arrays pass for those of JAX, whose operations take them.
Scalar: TypeAlias = jax.Array | np.ndarray | np.number | int | float
Numeric: TypeAlias = jax.Array | float  # a number of a schedule: one of Python, or traced


def default_float() -> np.dtype:
    """float32, or float64 under x64."""
    return _FLOATS[x64()]


def default_int() -> np.dtype:
    """int32, or int64 under x64."""
    return _INTS[x64()]


# Whether numbers have 64 bits. Every eager call checks this, and a Python function would take twice as long.
x64: Callable[[], bool] = functools.partial(getattr, jax.config, "jax_enable_x64")

_FLOATS = {False: np.dtype(np.float32), True: np.dtype(np.float64)}
_INTS = {False: np.dtype(np.int32), True: np.dtype(np.int64)}


def _operation(traced: Callable[..., jax.Array], concrete: Callable[..., object]) -> Callable[..., jax.Array]:
    """An operation on numbers of one dtype: that of `lax` for traced ones, the operator for known ones."""

    def operation(a: jax.Array, *b: jax.Array) -> jax.Array:
        if any(isinstance(x, Tracer) for x in (a, *b)) and all(x.shape == a.shape for x in b):
            return traced(a, *b)
        return cast(jax.Array, concrete(a, *b))

    return operation


_add, _sub = _operation(lax.add, operator.add), _operation(lax.sub, operator.sub)
_mul, _div = _operation(lax.mul, operator.mul), _operation(lax.div, operator.truediv)
_and, _or = _operation(lax.bitwise_and, operator.and_), _operation(lax.bitwise_or, operator.or_)
_shl = _operation(lax.shift_left, operator.lshift)
_shr = _operation(lax.shift_right_arithmetic, operator.rshift)
_shr_unsigned = _operation(lax.shift_right_logical, operator.rshift)
_gt, _ge = _operation(lax.gt, operator.gt), _operation(lax.ge, operator.ge)
_lt, _eq = _operation(lax.lt, operator.lt), _operation(lax.eq, operator.eq)
_neg, _abs = _operation(lax.neg, operator.neg), _operation(lax.abs, abs)
_floor, _min = _operation(lax.floor, jnp.floor), _operation(lax.min, jnp.minimum)


class Wide(NamedTuple):
    """The whole number ``high * 2**30 + low``, below 2**61 in size, where an int32 is too short.

    Attributes:
      high: How many times ``2**30``, rounded down. An int32.
      low: The remainder, at least 0 and below ``2**30``. An int32.
    """

    high: jax.Array
    low: jax.Array

    @classmethod
    def of(cls, x: Length) -> Wide:
        """The same number. A real number must be whole; one of 2**61 or more is held below that."""
        x = exact(x)
        if isinstance(x, Wide):
            return x
        if isinstance(x, (int, float)):
            high, low = divmod(int(max(min(x, LARGEST - 1), 1 - LARGEST)), 2**_LIMB)
            return cls(_array(np.int32(high)), _array(np.int32(low)))
        if isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.int64:  # a table of the host
            halves = np.divmod(np.clip(x, 1 - LARGEST, LARGEST - 1), 2**_LIMB)
            return cls(*(_array(half.astype(np.int32)) for half in halves))
        x = _array(x)
        if not is_integral(x):
            most, limb, zero = (_array(x.dtype.type(y)) for y in (_MOST_REAL, 2.0**_LIMB, 0))
            size = _min(_abs(x), most)
            high = _floor(_div(size, limb))
            positive = cls(high.astype(np.int32), _sub(size, _mul(high, limb)).astype(np.int32))
            return select(_lt(x, zero), -positive, positive)
        x = integer(x) if x.dtype.itemsize < 4 else x
        limb, mask = x.dtype.type(_LIMB), x.dtype.type(_MASK)
        shifted = _shr if jnp.issubdtype(x.dtype, jnp.signedinteger) else _shr_unsigned
        return cls(shifted(x, limb).astype(np.int32), _and(x, mask).astype(np.int32))

    def __add__(self, other: Wide) -> Wide:  # pyright: ignore[reportIncompatibleMethodOverride]
        low = _add(self.low, other.low)
        return Wide(_add(_add(self.high, other.high), _shr(low, _LIMB32)), _and(low, _MASK32))

    def __sub__(self, other: Wide) -> Wide:
        low = _sub(self.low, other.low)
        return Wide(_add(_sub(self.high, other.high), _shr(low, _LIMB32)), _and(low, _MASK32))

    def __neg__(self) -> Wide:
        return Wide.of(0) - self

    def __mul__(self, other: Wide) -> Wide:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The product, exact where it is below 2**61 in size; otherwise it wraps."""
        high, low = _product(self.low, other.low)
        # The product of the upper halves matters too: both halves of a negative number are large.
        upper = _add(_shl(_mul(self.high, other.high), _LIMB32), high)
        return Wide(_add(_add(upper, _mul(self.high, other.low)), _mul(self.low, other.high)), low)

    def at_least(self, other: Wide) -> jax.Array:
        """Return whether this number is at least ``other``."""
        above = _gt(self.high, other.high)
        return _or(above, _and(_eq(self.high, other.high), _ge(self.low, other.low)))

    def negative(self) -> jax.Array:
        """Return whether this number is below 0."""
        return _lt(self.high, _ZERO32)

    def real(self) -> jax.Array:
        """The nearest real number, up to 1.5 units in the last place."""
        negative = self.negative()  # both halves of -1 are large: a sum of them would cancel
        high, low = select(negative, -self, self)
        size = _add(_mul(real(high), real(2.0**_LIMB)), real(low))
        return select(negative, _neg(size), size)

    def narrow(self) -> jax.Array:
        """An int32: the largest where it does not fit. The number must not be negative."""
        whole = _or(_shl(self.high, _LIMB32), self.low)
        return select(self.fits(), whole, _array(np.int32(INT32_MAX)))

    def fits(self) -> jax.Array:
        """Return whether `narrow` is exact."""
        return _lt(self.high, _array(np.int32(2)))


class ExactSteps:
    """A whole number of steps in the ``evaluate`` of a user-defined node.

    It is exact in the methods of `Time`. In any other arithmetic it is a scalar of the default float dtype.

    Attributes:
      exact: The number.
    """

    __array_ufunc__ = None  # NumPy leaves its scalar times this to this

    def __init__(self, exact: Wide | jax.Array | np.ndarray | np.number | int) -> None:
        self.exact = exact

    def __jax_array__(self) -> jax.Array:
        return jnp.asarray(real(self))

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(real(self), name)

    def __index__(self) -> int:
        raise TypeError("this number may be traced; mark a field that must be a Python int with wo.static()")

    def __repr__(self) -> str:
        return f"ExactSteps({self.exact})"


def _as_real(name: str) -> Callable[..., object]:
    def method(self: ExactSteps, *others: object) -> object:
        return getattr(jnp.asarray(real(self)), name)(
            *(real(x) if isinstance(x, ExactSteps) else x for x in others)
        )

    return method


for _name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow"]:
    for _side in ("", "r"):
        setattr(ExactSteps, f"__{_side}{_name}__", _as_real(f"__{_side}{_name}__"))
for _name in ["neg", "pos", "abs", "lt", "le", "gt", "ge", "eq", "ne", "float", "int", "bool", "round"]:
    setattr(ExactSteps, f"__{_name}__", _as_real(f"__{_name}__"))
jax.tree_util.register_pytree_node(
    ExactSteps, lambda x: ((x.exact,), None), lambda _, leaves: ExactSteps(*leaves)
)

T = TypeVar("T")


def exact(x: T | ExactSteps) -> T:
    """The number of `ExactSteps`, anything else unchanged."""
    return cast(T, x.exact) if isinstance(x, ExactSteps) else x


Integer: TypeAlias = Wide | ExactSteps | jax.Array | np.ndarray | np.number | int
Length: TypeAlias = Integer | float  # a number of steps, not known to be whole


def _array(x: object) -> jax.Array:
    return cast(jax.Array, x)


_ZERO32, _LIMB32, _MASK32 = (_array(np.int32(x)) for x in (0, _LIMB, _MASK))


def is_integral(x: Length) -> bool:
    """Return whether a number (traced or not) has an integer type."""
    if isinstance(x, (Wide, ExactSteps, int)):
        return True
    return not isinstance(x, float) and jnp.issubdtype(jnp.result_type(x), jnp.integer)


def real(x: Length) -> jax.Array:
    """A number in the default float dtype, strongly typed."""
    x = exact(x)
    return x.real() if isinstance(x, Wide) else _of_dtype(x, default_float())


def integer(x: Length) -> jax.Array:
    """A whole number of at most 32 bits (64 under x64), no `Wide`, in the default integer dtype.

    A Python int of more than a clock holds is the largest that it holds.
    """
    x = exact(x)
    return _of_dtype(_array(max(-LARGEST, min(x, LARGEST)) if isinstance(x, int) else x), default_int())


def _of_dtype(x: Scalar, dtype: np.dtype) -> jax.Array:
    if isinstance(x, (int, float)):
        return _array(dtype.type(x))
    if x.dtype == dtype and not getattr(x, "weak_type", False):
        return _array(x)
    return _array(x.astype(dtype)) if isinstance(x, (np.ndarray, np.generic)) else jnp.asarray(x, dtype)


def lowered_steps(steps: Scalar) -> Length:
    """A concrete whole number of steps as it is evaluated: a `Wide` past int32 where there is no int64."""
    if not isinstance(steps, (int, float)) or abs(steps) <= INT32_MAX:
        return steps
    if abs(steps) >= LARGEST or not float(steps).is_integer():
        return float(steps)
    return int(steps) if x64() else Wide.of(steps)


def may_be_negative(steps: Length) -> bool:
    """Return whether a number of steps may be below 0, so that a clock shifted by it may have a head start."""
    return not (isinstance(steps, (int, float)) and steps >= 0)


@overload
def select(condition: jax.Array, a: Wide, b: Wide) -> Wide: ...
@overload
def select(condition: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array: ...
def select(condition: jax.Array, a: Wide | jax.Array, b: Wide | jax.Array) -> Wide | jax.Array:
    """``a`` where the condition is true, else ``b``: both `Wide`, or both arrays of one dtype and shape."""
    if isinstance(a, Wide) and isinstance(b, Wide):
        return Wide(*(select(condition, x, y) for x, y in zip(a, b, strict=True)))
    first, second = _array(a), _array(b)
    if jnp.shape(first) == jnp.shape(second) == jnp.shape(condition):
        return lax.select(condition, first, second)
    return jnp.where(condition, first, second)


def _wide(a: Length, b: Length) -> tuple[Wide, Wide] | None:
    """Both numbers as `Wide` ones, if one is."""
    a, b = exact(a), exact(b)
    return (Wide.of(a), Wide.of(b)) if isinstance(a, Wide) or isinstance(b, Wide) else None


def plus(a: Length, b: Length) -> Wide | jax.Array:
    """The sum of two whole numbers, which must fit their form."""
    wide = _wide(a, b)
    return wide[0] + wide[1] if wide else lax.add(integer(a), integer(b))


def minus(a: Length, b: Length) -> Wide | jax.Array:
    """The difference of two whole numbers, which must fit their form."""
    wide = _wide(a, b)
    return wide[0] - wide[1] if wide else lax.sub(integer(a), integer(b))


def at_least(a: Length, b: Length) -> jax.Array:
    """Return whether ``a >= b``."""
    wide = _wide(a, b)
    if wide:
        return wide[0].at_least(wide[1])
    a, b = integer(a), integer(b)
    return lax.ge(a, b) if jnp.shape(a) == jnp.shape(b) else a >= b


def choose(condition: jax.Array, a: Length, b: Length) -> Wide | jax.Array:
    """`select` for two whole numbers of any form."""
    wide = _wide(a, b)
    return select(condition, *wide) if wide else select(condition, integer(a), integer(b))


def divided(a: Length, b: Length) -> tuple[Wide | jax.Array, Wide | jax.Array]:
    """``divmod(a, b)`` of whole numbers, ``a >= 0`` and ``b >= 1``, exact."""
    b = exact(b)
    if not isinstance(a, Wide):
        a, short = integer(a), b.narrow() if isinstance(b, Wide) else integer(b)
        quotient = lax.div(a, short)
        if isinstance(b, Wide):
            quotient = select(b.fits(), quotient, _array(np.int32(0)))
        return quotient, lax.sub(a, lax.mul(quotient, short))
    b, quotient, rest = Wide.of(b), Wide.of(0), a
    for _ in range(3):  # each quotient of reals is right to 22 bits, and the whole one has up to 61
        estimate = Wide.of(_floor(_div(rest.real(), b.real())))
        quotient, rest = quotient + estimate, rest - estimate * b
    for step in (-1, 1):  # the last estimate may be off by one
        off = rest.negative() if step < 0 else rest.at_least(b)
        correction = select(off, Wide.of(step), Wide.of(0))
        quotient, rest = quotient + correction, rest - correction * b
    return quotient, rest


def times(a: Length, b: Length) -> Wide | jax.Array:
    """The product of whole numbers >= 0, held below 2**61. A `Wide` where there is no int64."""
    if x64():
        a, b = integer(a), integer(b)
        return lax.mul(lax.min(a, lax.div(np.int64(LARGEST), lax.max(b, np.int64(1)))), b)
    a, b = Wide.of(a), Wide.of(b)
    # A product of up to 2**62 has wrapped where it is negative; for a larger one an estimate is enough.
    product = a * b
    too_large = _or(product.negative(), _ge(_mul(a.real(), b.real()), real(1.5 * LARGEST)))
    return select(too_large, Wide.of(LARGEST), product)


def _product(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``divmod(a * b, 2**30)`` for whole numbers below ``2**31``: long multiplication of halves of 16 bits."""
    a, b = (jnp.asarray(x).astype(jnp.uint32) for x in (a, b))
    half, low_half, limb, beyond, low_limb = (
        _array(np.uint32(x)) for x in (16, 0xFFFF, _LIMB, 32 - _LIMB, _MASK)
    )
    (a_high, a_low), (b_high, b_low) = ((_shr_unsigned(x, half), _and(x, low_half)) for x in (a, b))
    middle, lowest = _add(_mul(a_low, b_high), _mul(a_high, b_low)), _mul(a_low, b_low)
    low = _add(lowest, _shl(middle, half))
    carried = _lt(low, lowest).astype(jnp.uint32)
    high = _add(_add(_mul(a_high, b_high), _shr_unsigned(middle, half)), carried)
    above = _or(_shl(high, beyond), _shr_unsigned(low, limb))
    return above.astype(jnp.int32), _and(low, low_limb).astype(jnp.int32)


def total(a: Scalar, b: Scalar) -> Length:
    """The sum of two lengths as it is evaluated; exact also where a traced sum would wrap."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return lowered_steps(a + b)
    if not (is_integral(a) and is_integral(b)):
        return real(a) + real(b)
    a, b = integer(a), integer(b)
    return lax.add(a, b) if x64() else Wide.of(a) + Wide.of(b)
