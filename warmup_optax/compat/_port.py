"""What all of `compat` shares: errors in the words of the library that a constructor stands for.

A module that has a constructor with `port` also suggests the nearest names for one that it does not have.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

from .._core import checks
from .._tools.suggestions import no_attribute

P = ParamSpec("P")
R = TypeVar("R")


def port(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets the errors of a constructor name it, and the argument that its user wrote.

    The core says ``linear: steps must be ..., got -1``; through ``@port(steps="decay_steps")`` the user of
    `compat.keras` reads ``compat.keras.PolynomialDecay: decay_steps must be ..., got -1``. JAX's own errors
    pass through.

    Args:
      **names: For an argument of the core, the one that it was made of.
    """

    def decorate(constructor: Callable[P, R]) -> Callable[P, R]:
        library = constructor.__module__.split(".")[2]
        where = f"compat.{library}.{constructor.__name__}"
        _suggest_names(f"{__package__}.{library}")
        parameters = inspect.signature(constructor).parameters
        numbers = {name for name, p in parameters.items() if _is_number(str(p.annotation))}

        @functools.wraps(constructor)
        def ported(*args: P.args, **kwargs: P.kwargs) -> R:
            for name, value in {**dict(zip(parameters, args, strict=False)), **kwargs}.items():
                if name in numbers and isinstance(value, (str, bytes)):
                    fix = "write the number without quotes"
                    checks.raise_bad_argument(where, name, value, "a number", fix, error=TypeError)
            with checks.renamed(where, **names):
                return constructor(*args, **kwargs)

        return ported

    return decorate


def _suggest_names(module_name: str) -> None:
    """Lets a module answer for a name that it does not have."""
    names = vars(sys.modules[module_name])

    def __getattr__(name: str) -> NoReturn:
        raise no_attribute(module_name, name, [*names])

    names.setdefault("__getattr__", __getattr__)


def _is_number(annotation: str) -> bool:
    words = set(annotation.replace("|", " ").split())
    return bool(words) and words <= {"int", "float", "Number", "None"} and words != {"None"}


def refuse(
    name: str, value: Any, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raises the error for an argument of the constructor that is being called."""
    checks.raise_bad_argument("", name, value, allowed, fix, error=error)
