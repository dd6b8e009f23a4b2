"""Argument checks, and the wording of every error.

A check takes the name of the user's function and of the user's argument, so a message always speaks of
what was written. It returns the number in the one form the library keeps: a Python ``float`` for a value,
a Python ``int`` for a count of steps. Traced numbers pass through unseen: nothing about them is known yet.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import jax
import numpy as np
from jax.core import Tracer

INT32_MAX = 2**31 - 1
FLOAT32_MAX = float(np.finfo(np.float32).max)


def traced(value: object) -> bool:
    """Whether ``value`` is a tracer: a number that has no value yet."""
    return isinstance(value, Tracer)


def refuse(
    where: str, name: str, value: object, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raises the one sentence that every bad argument gets."""
    shown = repr(value)
    shown = shown if len(shown) <= 200 else shown[:197] + "..."
    raise error(f"{where}: {name} must be {allowed}, got {shown}" + (f"; {fix}" if fix else ""))


def _scalar(where: str, name: str, value: Any, allowed: str) -> Any:
    """One concrete number as a Python ``int`` or ``float``; a tracer as itself."""
    if isinstance(value, (bool, np.bool_)):
        refuse(where, name, value, allowed, "a bool is not a number here", error=TypeError)
    if type(value) in (int, float):
        return value
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        if value.ndim:
            fix = "build one schedule per number and stack() them, or map over the numbers with jax.vmap"
            refuse(where, name, value, allowed, fix, error=TypeError)
        if value.dtype == bool:
            refuse(where, name, value, allowed, "a bool is not a number here", error=TypeError)
        return value if traced(value) else _scalar(where, name, value.item(), allowed)
    if callable(value):
        fix = "a schedule goes where a schedule is asked for, a number here"
        refuse(where, name, value, allowed, fix, error=TypeError)
    if isinstance(value, (str, bytes, complex)) or value is None:
        fix = "write the number without quotes" if isinstance(value, (str, bytes)) else ""
        refuse(where, name, value, allowed, fix, error=TypeError)
    try:
        return value.__index__() if hasattr(value, "__index__") else float(value)
    except (TypeError, ValueError, OverflowError):
        refuse(where, name, value, allowed, error=TypeError)


def number(
    where: str,
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    fix: str = "",
) -> Any:
    """A finite number as a Python ``float``, or a tracer.

    Args:
      where: The user's function.
      name: The user's argument.
      value: What came.
      above: The number must be greater than this.
      at_least: The number must be this or greater.
      fix: What to write instead, appended to the message.
    """
    allowed = "a finite number"
    if above is not None:
        allowed += f" > {above:g}"
    if at_least is not None:
        allowed += f" >= {at_least:g}"
    value = _scalar(where, name, value, allowed)
    if traced(value):
        return value.astype(jax.dtypes.canonicalize_dtype(np.float64))  # so that it mixes with the others
    try:
        as_float = float(value)
    except OverflowError:
        as_float = math.inf
    if not math.isfinite(as_float) or abs(as_float) > FLOAT32_MAX:
        refuse(where, name, value, allowed, "float32 holds numbers up to 3.4e38" if value == value else "")
    if (above is not None and not as_float > above) or (at_least is not None and not as_float >= at_least):
        refuse(where, name, value, allowed, fix)
    return as_float


def steps(where: str, name: str, value: Any, *, at_least: int | None = 0, fix: str = "") -> Any:
    """A whole number of steps as a Python ``int``, a ``float`` past int32, or a tracer."""
    allowed = "a whole number of steps" + ("" if at_least is None else f" >= {at_least}")
    value = _scalar(where, name, value, allowed)
    if traced(value):
        return value
    if isinstance(value, float) and not value.is_integer():  # NaN and the infinities are not integers either
        round_it = "round it: a step is one optimizer update" if math.isfinite(value) else ""
        refuse(where, name, value, allowed, round_it)
    if at_least is not None and value < at_least:
        refuse(where, name, value, allowed, fix)
    if abs(value) <= INT32_MAX:
        return int(value)
    return number(where, name, value)


def ordered(where: str, names: str, shorter: Any, longer: Any, fix: str) -> None:
    """Refuses ``shorter > longer`` when both are concrete; ``names`` shows the sum and its bound."""
    if not traced(shorter) and not traced(longer) and shorter > longer:
        raise ValueError(f"{where}: {names}; {fix}")


def numbers(where: str, name: str, values: Any) -> tuple:
    """A sequence of finite numbers, as a tuple."""
    values = sequence(where, name, values, "a sequence of numbers")
    return tuple(number(where, f"{name}[{i}]", value) for i, value in enumerate(values))


def boundaries(where: str, values: Any, *, phases: int, phase_name: str) -> tuple:
    """Strictly increasing step counts, one fewer than there are phases."""
    values = sequence(where, "boundaries", values, "a sequence of whole numbers of steps")
    if len(values) != phases - 1:
        raise ValueError(
            f"{where}: boundaries must be one fewer than {phase_name}, got {len(values)} boundaries "
            f"{_short(values)} for {phases} {phase_name}; give {max(phases - 1, 0)}"
        )
    return increasing(where, values)


def increasing(where: str, values: Sequence[Any]) -> tuple:
    """Step counts >= 0, each greater than the one before."""
    checked = tuple(steps(where, f"boundaries[{i}]", value) for i, value in enumerate(values))
    for i, (left, right) in enumerate(itertools.pairwise(checked)):
        if not traced(left) and not traced(right) and left >= right:
            raise ValueError(
                f"{where}: boundaries must be strictly increasing, got {_short(checked)} "
                f"(boundaries[{i}]={left} is not below boundaries[{i + 1}]={right}); "
                "sort them and drop repeated ones"
            )
    return checked


def sequence(where: str, name: str, values: Any, allowed: str) -> tuple:
    """Any list, tuple or 1-d array as a tuple of its items."""
    if isinstance(values, (jax.Array, np.ndarray)):
        if values.ndim != 1:
            refuse(where, name, values, allowed, error=TypeError)
        return tuple(values)
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        refuse(where, name, values, allowed, f"put it in a list: [{values!r}]", error=TypeError)
    return tuple(values)


def boolean(where: str, name: str, value: Any) -> bool:
    """True or False: a choice, never traced."""
    if not isinstance(value, (bool, np.bool_)):
        refuse(where, name, value, "True or False (a choice, known before tracing)", error=TypeError)
    return bool(value)


def choice(where: str, name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of a few words."""
    if value not in allowed:
        refuse(where, name, value, "one of " + ", ".join(map(repr, allowed)))
    return value


def function(where: str, name: str, value: Any, allowed: str, fix: str = "") -> Callable[..., Any]:
    """Something that can be called."""
    if not callable(value):
        refuse(where, name, value, allowed, fix, error=TypeError)
    return value


def _short(values: Sequence[Any]) -> str:
    shown = [str(value) for value in values]
    return "(" + ", ".join(shown if len(shown) <= 8 else [*shown[:4], "...", *shown[-3:]]) + ")"
