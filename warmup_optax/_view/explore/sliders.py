"""The numbers of a schedule: their names, the scales of their sliders, and the schedule with new numbers."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar, cast

import jax
import numpy as np

from ..._combinators.ramps import Shape
from ..._core.node import Node

Tree = TypeVar("Tree")


class Number(NamedTuple):
    """A number of a schedule.

    Attributes:
      name: Its path in the schedule: ``peak_value``, ``schedules[1].end_value``.
      node: The path of its node, "" for the schedule itself.
      kind: The kind of that node.
      value: The number. An ``int`` stays whole.
      bounds: The bounds of its field: ``above``, ``at_least``, ``below``, ``at_most``, ``nonzero``.
    """

    name: str
    node: str
    kind: str
    value: float
    bounds: dict[str, float]


def numbers(
    tree: object,
    name: str = "",
    node: str = "",
    kind: str = "",
    bounds: Mapping[str, float | None] | None = None,
) -> Iterator[Number]:
    """Yield the numbers of a schedule, in the order of its leaves."""
    if isinstance(tree, (int, float)):
        known = {key: bound for key, bound in (bounds or {}).items() if bound is not None}
        yield Number(name.removeprefix("."), node.removeprefix("."), kind, tree, known)
    elif isinstance(tree, Shape):
        for key, value in zip(tree.names, tree.numbers, strict=True):
            yield from numbers(value, f"{name}.{key}", name, tree.name)
    else:
        if isinstance(tree, Node):
            node, kind = name, tree._kind
        for (key,), child in jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda x: x is not tree):
            if isinstance(tree, Node):
                bounds = getattr(tree._checks[key.name], "keywords", {})
            yield from numbers(child, f"{name}{key}", node, kind, bounds)


def rebuild(tree: Tree, values: Iterator[float | str]) -> Tree:
    """Return the schedule with new numbers, in the order of the leaves. Every node is checked."""
    children, structure = jax.tree.flatten(tree, is_leaf=lambda x: x is not tree)
    if len(children) == 1 and children[0] is tree:
        return cast(Tree, next(values))
    made = jax.tree.unflatten(structure, [rebuild(child, values) for child in children])
    if isinstance(made, Node):
        if _takes_its_fields(type(made)):
            return cast(Tree, dataclasses.replace(made))  # pyright: ignore[reportArgumentType]
        made._check_fields()
    return cast(Tree, made)


@functools.cache
def _takes_its_fields(cls: type[Node]) -> bool:
    """Return whether the constructor's arguments are the fields. A user-defined ``__init__`` may take others."""
    return set(inspect.signature(cls).parameters) == set(cls._fields)


def scale(number: Number, last: int, largest: float) -> list[float]:
    """Return the values of a slider in increasing order, including the current one."""
    value, bounds = number.value, number.bounds
    above, least = bounds.get("above", -math.inf), bounds.get("at_least", -math.inf)
    below, most = bounds.get("below", math.inf), bounds.get("at_most", math.inf)
    low, high, size = max(above, least), min(below, most), abs(value)
    is_rate = number.name.rstrip("[]0123456789").endswith(("value", "values"))
    if isinstance(value, int):
        high = max(last, 2 * abs(value))
        low = -high if value < 0 else int(max(low, 0))
        step = 10 ** max(math.floor(math.log10((high - low) / 500)), 0)
        found = [low, *range(step * (low // step + 1), high, step), high]
    elif math.isfinite(low) and math.isfinite(high):
        found = _even(low, high)
    elif is_rate or (size and not 0.01 <= size <= 1000):
        top = math.floor(math.log10(size or largest or 1.0))
        sizes = (float(f"{m}e{e}") for e in range(top - 3, top + 1) for m in range(10, 100))
        found = [0.0, *(math.copysign(x, value) for x in sizes)]
    else:
        reach = 2 * size if size >= 1 else 1.0
        found = _even(-reach, 0.0) if value < 0 else _even(max(low, 0.0), reach)
    allowed = (x for x in found if above < x < below and least <= x <= most)
    return sorted({*allowed, value} - {0 if bounds.get("nonzero") else math.nan})


def _even(low: float, high: float) -> list[float]:
    """Return a few hundred evenly spaced round numbers."""
    power = math.floor(math.log10((high - low) / 200))
    return [round(low + k * 10.0**power, -power) for k in range(round((high - low) / 10.0**power) + 1)]


def parse(text: str, whole: bool) -> float | str:
    """Parse a number. Return other text unchanged, so that the schedule raises its error for it."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if whole and number.is_integer() else number


def short(number: float) -> str:
    """Format a number as people write it: 3e-4, 0.9, 1000."""
    if isinstance(number, int):
        return str(number)
    if number == 0 or 1e-3 <= abs(number) < 1e6:
        return np.format_float_positional(number, trim="-")
    return np.format_float_scientific(number, trim="-", exp_digits=1)
