"""Numbers as they are written: the arithmetic of a run is that of Python's integers and fractions.

A float stands for the decimal number that it prints as, so 0.29 of 100 steps are 29 although
``0.29 * 100 < 29`` in floating point. A float of more than 9 digits counts as the rounded result of a
computation, such as ``1 / 3``: a number of steps that misses a whole number by no more than that rounding (a
relative ``2**-50``) is that number, so ``1 / 3`` of 300 steps are 100.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .._core import checks
from .._core.schedule import Number

_WRITTEN_DIGITS = 9  # of a float that somebody wrote; one computed float in ten million prints as shortly
_FLOAT_ROUNDING = Fraction(1, 2**50)  # relative, a few units in a float's last place


class Exact(NamedTuple):
    """A number as it was meant.

    Attributes:
      value: The number.
      error: By how much a float that stands for it may be wrong.
    """

    value: Fraction
    error: Fraction

    def times(self, factor: Fraction | int) -> Exact:
        return Exact(self.value * factor, self.error * factor)

    def floor(self) -> int:
        """Rounded down, unless it is a whole number but for the rounding of a float."""
        nearest = round(self.value)
        return nearest if abs(self.value - nearest) <= self.error else math.floor(self.value)


def exact_number(
    where: str, name: str, value: Any, *, at_least: float | None = 0, allowed: str = "a finite number"
) -> Exact:
    """A finite number; a float is the decimal number that it prints as, in its own precision."""
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
    """A whole number of any size, as a Python ``int``."""
    allowed = f"a whole number >= {at_least}"
    exact, _ = exact_number(where, name, value, at_least=at_least, allowed=allowed)
    if exact.denominator != 1:
        checks.raise_bad_argument(where, name, value, allowed)
    return int(exact)


def shortest(exact: Fraction, given: Any) -> Number:
    """The number as an ``int``, as the ``float`` that prints as it, or as the fraction that it is."""
    if exact.denominator == 1:
        return int(exact)
    as_float = float(exact)
    stands_for_it = isinstance(given, float) or Fraction(Decimal(repr(as_float))) == exact
    return as_float if stands_for_it else exact
