"""What all of `compat` shares: errors in the words of the library that a constructor stands for."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def port(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets the errors of a constructor name it, and the argument that its user wrote.

    The core says ``linear: steps must be ..., got -1``; through ``@port(steps="decay_steps")`` the user of
    `compat.keras` reads ``compat.keras.PolynomialDecay: decay_steps must be ..., got -1``. A constructor's
    own errors start with the name of the argument.

    Args:
      **names: For an argument of the core, the one that it was made of.
    """

    def decorate(constructor: Callable[P, R]) -> Callable[P, R]:
        where = f"compat.{constructor.__module__.split('.')[2]}.{constructor.__name__}"

        @functools.wraps(constructor)
        def ported(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return constructor(*args, **kwargs)
            except (TypeError, ValueError, ArithmeticError) as error:
                message = str(error)
                if message.startswith(f"{constructor.__name__}()"):  # Python's own: a missing argument
                    raise
                message = re.sub(r"^[\w.]+: ", "", message)
                message = re.sub(r"^\w+", lambda found: names.get(found[0], found[0]), message)
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{where}: {message}") from error

        return ported

    return decorate
