"""What all of `compat` shares: arguments that are checked first, and errors in the original's words.

A module that has a constructor with `port` also suggests the nearest names for one that it lacks.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from numbers import Real
from typing import Any, NoReturn, ParamSpec, TypeVar, get_type_hints

import warmup_optax as wo

from .._core import checks
from .._suggestions import no_attribute
from ._arguments import Declared, documented, shown
from ._rules import LAST, concrete

P = ParamSpec("P")
R = TypeVar("R")


def port(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Checks the arguments of a constructor, and lets its errors name the argument that its user wrote.

    The core says ``linear: steps must be ..., got -1``; through ``@port(steps="decay_steps")`` the user of
    `compat.keras` reads ``compat.keras.PolynomialDecay: decay_steps must be ..., got -1``. JAX's own errors
    pass through. What an argument may be is its annotation: a number, a bool, or one of the above. Numbers
    reach the constructor as Python numbers or as tracers. A `LastStep` moves the schedule to the step after it.

    Args:
      **names: For an argument of the core, the one that it was made of.
    """

    def decorate(constructor: Callable[P, R]) -> Callable[P, R]:
        library = constructor.__module__.split(".")[2]
        where = f"compat.{library}.{constructor.__name__}"
        _publish(f"{__package__}.{library}", constructor.__name__)
        signature = inspect.signature(constructor)
        hints = get_type_hints(inspect.unwrap(constructor), include_extras=True)
        declared = {name: Declared(hints.get(name)) for name in signature.parameters}
        last_step = next((name for name, found in declared.items() if LAST in found.rules), None)
        kinds = {parameter.kind: name for name, parameter in signature.parameters.items()}
        others = declared.get(kinds.get(inspect.Parameter.VAR_KEYWORD, ""), Declared(None))

        @functools.wraps(constructor)
        def ported(*args: P.args, **kwargs: P.kwargs) -> R:
            with checks.renamed(where):
                pairs = zip(declared.items(), args, strict=False)
                positional = [found.read(where, name, x) for (name, found), x in pairs]
                named = {name: declared.get(name, others).read(where, name, x) for name, x in kwargs.items()}
            with checks.renamed(where, **names):
                made = constructor(*positional, *args[len(positional) :], **named)  # pyright: ignore[reportCallIssue]
                last = (dict(zip(declared, positional, strict=False)) | named).get(last_step or "", -1)
                return made if is_concrete(last) and last == -1 else wo.shift(made, -1 - last)  # pyright: ignore

        ported.__signature__ = shown(signature, get_type_hints(inspect.unwrap(constructor)), declared)  # pyright: ignore[reportAttributeAccessIssue]
        ported.__doc__ = documented(constructor.__doc__ or "", signature.parameters, declared)
        return ported

    return decorate


def _publish(module_name: str, constructor: str) -> None:
    """Adds a constructor to the module's ``__all__``, and lets the module answer for a name that it lacks."""
    names = vars(sys.modules[module_name])

    def __getattr__(name: str) -> NoReturn:
        raise no_attribute(module_name, name, [*names])

    names.setdefault("__getattr__", __getattr__)
    if constructor[0] != "_":
        names.setdefault("__all__", []).append(constructor)


def refuse(
    name: str, value: object, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raises the error for an argument of the constructor that is being called."""
    checks.raise_bad_argument("", name, value, allowed, fix, error=error)


def check_number(name: str, value: object, **bounds: Any) -> None:
    """Refuses what is no finite number within ``bounds`` (of `checks.number`; traced ones say nothing)."""
    checks.number("", name, value, **{key: x for key, x in bounds.items() if not checks.is_traced(x)})


def check_steps(name: str, value: object, at_least: int | None = 1, fix: str = "") -> None:
    """Refuses what is no whole number of steps from ``at_least`` on."""
    checks.steps("", name, value, at_least=at_least, fix=fix)


def check_below(name: str, value: object, **other: Any) -> None:
    """Refuses a number that is not below another argument, where both are known."""
    ((bound, limit),) = other.items()
    if is_concrete(value) and is_concrete(limit) and not value < limit:  # pyright: ignore[reportOperatorIssue]
        refuse(name, value, f"below {bound}={limit!r}")


def check_above(name: str, value: object, **other: Any) -> None:
    """Refuses a number that is not above another argument, where both are known."""
    ((bound, limit),) = other.items()
    if is_concrete(value) and is_concrete(limit) and not value > limit:  # pyright: ignore[reportOperatorIssue]
        refuse(name, value, f"above {bound}={limit!r}")


def check_concrete(name: str, *values: object) -> None:
    """Refuses a traced number where the phases that there are depend on it."""
    for value in values:
        concrete.check("", name, value)


def as_tuple(name: str, values: object, allowed: str) -> tuple[Any, ...]:
    """Any sequence as a tuple."""
    return checks.sequence("", name, values, allowed)


def within_argument(name: str, keys: Iterable[str]) -> AbstractContextManager[None]:
    """Lets the errors raised inside name the entries of a dict that is the argument ``name``."""
    return checks.renamed("", **{key: f"{name}[{key!r}]" for key in keys})


def is_concrete(number: object) -> bool:
    """Whether it is a number of Python's or NumPy's, and not a traced one."""
    return isinstance(number, Real)
