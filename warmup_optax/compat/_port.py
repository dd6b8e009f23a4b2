"""What all of `compat` shares: plain numbers in, and errors in the words of the library that is imitated.

A module that has a constructor with `port` also suggests the nearest names for one that it does not have.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from numbers import Rational
from typing import Any, NoReturn, ParamSpec, TypeVar

from .._core import checks
from .._core.checks import renamed as renamed
from .._suggestions import no_attribute

P = ParamSpec("P")
R = TypeVar("R")


def port(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets the errors of a constructor name it, and the argument that its user wrote.

    The core says ``linear: steps must be ..., got -1``; through ``@port(steps="decay_steps")`` the user of
    `compat.keras` reads ``compat.keras.PolynomialDecay: decay_steps must be ..., got -1``. JAX's own errors
    pass through.

    Arguments annotated as numbers reach the constructor as Python numbers or as tracers: what is no finite
    number is refused here, once for all of them.

    Args:
      **names: For an argument of the core, the one that it was made of.
    """

    def decorate(constructor: Callable[P, R]) -> Callable[P, R]:
        library = constructor.__module__.split(".")[2]
        where = f"compat.{library}.{constructor.__name__}"
        _suggest_names(f"{__package__}.{library}")
        parameters = inspect.signature(constructor).parameters
        checked = {name: check for name, p in parameters.items() if (check := _check_for(p))}

        @functools.wraps(constructor)
        def ported(*args: P.args, **kwargs: P.kwargs) -> R:
            def clean(name: str, value: Any) -> Any:
                return checked[name](where, name, value) if name in checked else value

            positional = [*map(clean, parameters, args), *args[len(parameters) :]]
            named = {name: clean(name, value) for name, value in kwargs.items()}
            with checks.renamed(where, **names):
                return constructor(*positional, **named)  # pyright: ignore[reportCallIssue]

        return ported

    return decorate


def _suggest_names(module_name: str) -> None:
    """Lets a module answer for a name that it does not have."""
    names = vars(sys.modules[module_name])

    def __getattr__(name: str) -> NoReturn:
        raise no_attribute(module_name, name, [*names])

    names.setdefault("__getattr__", __getattr__)


def _check_for(parameter: inspect.Parameter) -> Callable[[str, str, Any], Any] | None:
    """What an argument goes through before the constructor sees it, by its annotation."""
    words = set(str(parameter.annotation).replace("|", " ").split())
    if parameter.kind is parameter.VAR_KEYWORD or not words or words == {"None"}:
        return None
    if words <= {"bool"}:
        return checks.boolean
    if not words <= {"int", "float", "Number", "None"}:
        return None
    return _number_or_none if "None" in words else plain_number


def _number_or_none(where: str, name: str, value: Any) -> Any:
    return None if value is None else plain_number(where, name, value)


def plain_number(where: str, name: str, value: Any) -> Any:
    """A finite number as Python's own, whole if it was; a tracer or a fraction as itself."""
    number = checks.number(where, name, value)
    if checks.is_traced(value) or isinstance(value, (int, float, Rational)):
        return value
    return int(value) if hasattr(value, "__index__") and number.is_integer() else number


def refuse(
    name: str, value: Any, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raises the error for an argument of the constructor that is being called."""
    checks.raise_bad_argument("", name, value, allowed, fix, error=error)


def check_number(name: str, value: Any, **bounds: Any) -> None:
    """Refuses what is no finite number within ``bounds`` (of `checks.number`; traced ones say nothing)."""
    checks.number("", name, value, **{key: x for key, x in bounds.items() if not checks.is_traced(x)})


def check_steps(name: str, value: Any, at_least: int | None = 1, fix: str = "") -> None:
    """Refuses what is no whole number of steps from ``at_least`` on."""
    checks.steps("", name, value, at_least=at_least, fix=fix)


def check_concrete(name: str, *values: Any) -> None:
    """Refuses a traced number where the phases that there are depend on it."""
    for value in values:
        if checks.is_traced(value):
            fix = "which phases there are depends on it: build the schedule outside of jit, grad and vmap"
            refuse(name, value, "a concrete number", fix, error=TypeError)


def as_tuple(name: str, values: Any, allowed: str) -> tuple[Any, ...]:
    """Any sequence as a tuple."""
    return checks.sequence("", name, values, allowed)


def within_argument(name: str, keys: Iterable[str]) -> contextlib.AbstractContextManager[None]:
    """Lets the errors raised inside name the entries of a dict that is the argument ``name``."""
    return checks.renamed("", **{key: f"{name}[{key!r}]" for key in keys})
