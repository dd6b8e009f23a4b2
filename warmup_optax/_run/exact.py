"""Exact numbers for the lengths of a run, in Python's integers and fractions.

A float is the decimal number that it prints as, so 0.29 of 100 steps are 29, although ``0.29 * 100 < 29`` in
floating point. A float of more than 9 digits is treated as the rounded result of a computation, such as
``1 / 3``. If a number of steps is within this rounding (a relative ``2**-50``) of a whole number, it is rounded
to it. So ``1 / 3`` of 300 steps are 100.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .._core import checks
from .._core.types import Number

_WRITTEN_DIGITS = 9  # of a float literal; only one computed float in ten million has so few digits
_FLOAT_ROUNDING = Fraction(1, 2**50)  # relative, a few units in a float's last place


class Exact(NamedTuple):
    """The exact value that a float literal stands for.

    Attributes:
      value: The number.
      error: The largest rounding error of the float.
    """

    value: Fraction
    error: Fraction

    def times(self, factor: Fraction | int) -> Exact:
        return Exact(self.value * factor, self.error * factor)

    def floor(self) -> int:
        """Round down, except that a value within float rounding of a whole number is that number."""
        nearest = round(self.value)
        return nearest if abs(self.value - nearest) <= self.error else math.floor(self.value)


def exact_number(
    where: str, name: str, value: Any, *, at_least: float | None = 0, allowed: str = "a finite number"
) -> Exact:
    """Return a finite number exactly. A float is the decimal number that it prints as, in its precision."""
    if checks.is_traced(value):
        fix = "convert units outside of jit, before the schedule is made"
        checks.raise_bad_argument(
            where, name, value, f"{allowed}, known before tracing", fix, error=TypeError
        )
    as_float = checks.number(where, name, value, at_least=at_least)
    if not isinstance(value, float) and not hasattr(value, "dtype") and hasattr(value, "as_integer_ratio"):
        return Exact(Fraction(*value.as_integer_ratio()), Fraction(0))  # int, Fraction and Decimal
    written = Decimal(str(np.asarray(value)[()]) if hasattr(value, "dtype") else repr(as_float))
    exact = Fraction(written)
    is_rounded = exact.denominator != 1 and len(written.as_tuple().digits) > _WRITTEN_DIGITS
    return Exact(exact, abs(exact) * _FLOAT_ROUNDING if is_rounded else Fraction(0))


def whole_number(where: str, name: str, value: Any, *, at_least: int) -> int:
    """Return a whole number of any size, as a Python ``int``."""
    allowed = f"a whole number >= {at_least}"
    exact, _ = exact_number(where, name, value, at_least=at_least, allowed=allowed)
    if exact.denominator != 1:
        checks.raise_bad_argument(where, name, value, allowed)
    return int(exact)


def shortest(exact: Fraction, given: Number) -> Number:
    """Return the number as an ``int``, as the ``float`` that prints as this number, or as a fraction."""
    if exact.denominator == 1:
        return int(exact)
    as_float = float(exact)
    stands_for_it = isinstance(given, float) or Fraction(Decimal(repr(as_float))) == exact
    return as_float if stands_for_it else exact
