"""Rules for the arguments of the ports. Annotations carry them, and `port` checks them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from numbers import Rational
from typing import Any, TypeAlias

import jax

import warmup_optax as wo

from .._core import checks

Scalar: TypeAlias = float | jax.Array
Function: TypeAlias = Callable[[Any], Any]  # of a count
ScheduleLike: TypeAlias = wo.Schedule | Function | Scalar
Shape: TypeAlias = Callable[[Scalar, Scalar, int], wo.Schedule]  # of two values and a length
CONCRETE = "the set of phases depends on it: build the schedule outside of jit, grad and vmap"


class Check:
    """A rule for an argument, in the metadata of its annotation.

    Args:
      check: A function of the constructor's name, the argument's name and its value. It returns the value that
        the constructor receives.
      words: The rule as `help` shows it.
    """

    def __init__(self, check: Callable[[str, str, Any], object], words: str = "") -> None:
        self.check, self.words = check, words

    def __repr__(self) -> str:
        return self.words


def plain_number(where: str, name: str, value: object, **bounds: Any) -> Any:
    """Return a finite number as Python's int or float. Tracers and fractions are unchanged."""
    number = checks.number(where, name, value, **bounds)
    if checks.is_traced(value) or isinstance(value, (int, float, Rational)):
        return value
    return int(number) if hasattr(value, "__index__") and float(number).is_integer() else number


def _steps(where: str, name: str, value: object, at_least: int | None) -> object:
    checks.steps(where, name, value, at_least=at_least)
    return value


def _concrete(where: str, name: str, value: object) -> object:
    if checks.is_traced(value):
        checks.raise_bad_argument(where, name, value, "a concrete number", CONCRETE, error=TypeError)
    return value


def _items(where: str, name: str, value: object, of: Sequence[Check], allowed: str) -> object:
    items = checks.sequence(where, name, value, allowed)
    return tuple(checked(of, where, f"{name}[{i}]", item) for i, item in enumerate(items))


def checked(rules: Iterable[Check], where: str, name: str, value: object) -> Any:
    """Return a value after all of its rules have been applied."""
    return functools.reduce(lambda passed, rule: rule.check(where, name, passed), rules, value)


def bounded(words: str, **bounds: float) -> Check:
    """A rule: a finite number within the bounds of `checks.number`."""
    return Check(functools.partial(plain_number, **bounds), words)


def one_of(*words: str) -> Check:
    """A rule: one of the given strings."""
    return Check(functools.partial(checks.choice, words=words), "one of " + ", ".join(map(repr, words)))


def items(words: str, *rules: Check) -> Check:
    """A rule: a sequence whose items follow the given rules. The constructor receives a tuple."""
    return Check(functools.partial(_items, of=rules, allowed=words))


def _cut(where: str, name: str, value: object) -> object:
    return int(value)  # pyright: ignore[reportArgumentType]


def at_least(bound: int | None) -> Check:
    """A rule: a whole number of steps, at least ``bound``. None: no bound."""
    words = "a whole number" if bound is None else f"a whole number >= {bound}"
    return Check(functools.partial(_steps, at_least=bound), words)


concrete = Check(_concrete)
finite = Check(plain_number)
rates = items("a sequence of rates", finite)
cut_counts = items("a sequence of counts", concrete, finite, Check(_cut))
LAST = at_least(-1)
