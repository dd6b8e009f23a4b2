"""Argument checks and errors of all ports, with the original's names.

A module that uses `port` also suggests similar names for a missing one.
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
from ._rules import LAST, Scalar, concrete

P = ParamSpec("P")
R = TypeVar("R")


def port(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check the arguments of a constructor, and name the user's argument in its errors.

    The core raises ``linear: steps must be ..., got -1``. With ``@port(steps="decay_steps")`` the user of
    `compat.keras` gets ``compat.keras.PolynomialDecay: decay_steps must be ..., got -1``. JAX's own errors are
    unchanged. The annotation of an argument states its values: a number, a bool, or an alias of `_arguments`.
    The constructor receives Python numbers or tracers. A schedule given a `LastStep` starts one step after it.

    Args:
      **names: The constructor's argument for each argument of the core.
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
        accepted = [x for x in signature.parameters.values() if x.kind is not x.VAR_KEYWORD]
        accepted += [inspect.Parameter(x, inspect.Parameter.KEYWORD_ONLY) for x in others.names]

        @functools.wraps(constructor)
        def ported(*args: P.args, **kwargs: P.kwargs) -> R:
            with checks.renamed(where):
                checks.check_names(where, accepted, args, kwargs)
                pairs = zip(declared.items(), args, strict=False)
                positional = [found.read(where, name, x) for (name, found), x in pairs]
                named = {name: declared.get(name, others).read(where, name, x) for name, x in kwargs.items()}
            with checks.renamed(where, **names):
                made = constructor(*positional, *args[len(positional) :], **named)  # pyright: ignore[reportCallIssue]
                last = (dict(zip(declared, positional, strict=False)) | named).get(last_step or "", -1)
                return made if is_concrete(last) and last == -1 else wo.shift(made, -1 - last)  # pyright: ignore

        ported.__signature__ = shown(signature, get_type_hints(inspect.unwrap(constructor)), declared)  # pyright: ignore[reportAttributeAccessIssue]
        ported.__doc__ = documented(library, constructor.__doc__ or "", signature.parameters, declared)
        return ported

    return decorate


def _publish(module_name: str, constructor: str) -> None:
    """Add a constructor to the module's ``__all__``, and make the module suggest names for a missing one."""
    names = vars(sys.modules[module_name])

    def __getattr__(name: str) -> NoReturn:
        raise no_attribute(module_name, name, [*names])

    names.setdefault("__getattr__", __getattr__)
    if constructor[0] != "_":
        names.setdefault("__all__", []).append(constructor)


def refuse(
    name: str, value: object, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raise the error for an argument of the constructor that is being called."""
    checks.raise_bad_argument("", name, value, allowed, fix, error=error)


def check_number(name: str, value: object, **bounds: Any) -> None:
    """Raise unless the value is a finite number within ``bounds`` of `checks.number`. Ignore traced bounds."""
    checks.number("", name, value, **{key: x for key, x in bounds.items() if not checks.is_traced(x)})


def check_steps(name: str, value: object, at_least: int | None = 1, fix: str = "") -> None:
    """Raise unless the value is a whole number of steps, at least ``at_least``."""
    checks.steps("", name, value, at_least=at_least, fix=fix)


def check_above(name: str, value: Scalar, sign: int = 1, **other: Scalar) -> None:
    """Raise if a number is not above another argument (below it if ``sign`` is -1), and both are concrete."""
    ((bound, limit),) = other.items()
    if is_concrete(value) and is_concrete(limit) and not sign * value > sign * limit:
        refuse(name, value, f"{'above' if sign == 1 else 'below'} {bound}={limit!r}")


check_below = functools.partial(check_above, sign=-1)


def check_concrete(name: str, *values: object) -> None:
    """Raise for traced numbers, because the set of phases depends on these values."""
    for value in values:
        concrete.check("", name, value)


def within_argument(name: str, keys: Iterable[str]) -> AbstractContextManager[None]:
    """Return a context in which errors name the entries of the dict argument ``name``."""
    return checks.renamed("", **{key: f"{name}[{key!r}]" for key in keys})


def is_concrete(number: object) -> bool:
    """Return whether a value is a Python or NumPy number, and not a tracer."""
    return isinstance(number, Real)
