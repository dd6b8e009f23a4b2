"""Annotations of the ports' arguments: each carries a rule, its wording, and a line of the docstring.

``step_size: Length`` is an int that `port` checks before anything is computed with it. `port` adds the range to
the signature and to the docstring. A string in the metadata is the argument's line in the docstring. A tuple
has the names that ``**`` accepts.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import jax

from .._core import checks
from ._rules import LAST, Check, Scalar, at_least, bounded, checked, concrete, finite, items, rates

T = TypeVar("T")
IGNORED = "Ignored; accepted for compatibility."
# Arguments that several libraries share.
Number = Annotated[Scalar, finite]
Positive = Annotated[Scalar, bounded("> 0", above=0)]
NonNegative = Annotated[Scalar, bounded(">= 0", at_least=0)]
Fraction = Annotated[float, bounded("in [0, 1]", at_least=0, at_most=1)]
UpTo1 = Annotated[float, bounded("in (0, 1]", above=0, at_most=1)]
OpenFraction = Annotated[float, bounded("in (0, 1)", above=0, below=1)]
Length = Annotated[int, at_least(1)]
Steps = Annotated[int, at_least(0)]
Whole = Annotated[int, at_least(None)]
LastStep = Annotated[int, LAST, "The last completed step; -1 for none."]
Fixed = Annotated[T, concrete]  # a number that the set of phases depends on
Milestones = Annotated[Sequence[int], items("whole numbers of steps", concrete, at_least(None))]
Counts = Annotated[Sequence[int], items("whole numbers of steps", concrete, at_least(0))]
Lengths = Annotated[Sequence[float], items("a sequence of numbers of steps", bounded("", at_least=0))]
Rates = Annotated[Sequence[float], rates]
Tuple = Annotated[Sequence[T], items("a sequence")]
Ignored = Annotated[object, IGNORED]


class Declared:
    """The declaration of an argument: its rules, its range in words, its line in the docstring, its names."""

    def __init__(self, hint: object) -> None:
        kinds, metadata = _parts_of(hint)
        self.optional = NoneType in kinds
        self.rules = [x for x in metadata if isinstance(x, Check)]
        self.text = next((x for x in reversed(metadata) if isinstance(x, str)), "")
        self.names: tuple[str, ...] = next((x for x in metadata if isinstance(x, tuple)), ())
        self.kinds = kinds - {NoneType}
        if self.kinds == {bool}:
            self.rules.append(Check(checks.boolean))
        elif self.kinds and self.kinds <= {int, float, jax.Array}:
            self.rules += [finite] * all(rule is concrete for rule in self.rules)
        self.range = ", ".join(rule.words for rule in self.rules if rule.words)

    def read(self, where: str, name: str, value: object) -> Any:
        """Check a value, and return what the constructor receives."""
        return value if value is None and self.optional else checked(self.rules, where, name, value)


def _parts_of(hint: object) -> tuple[set[object], list[object]]:
    """Return the types that an annotation allows, and its metadata, the outermost last."""
    if hasattr(hint, "__metadata__"):
        kinds, metadata = _parts_of(get_args(hint)[0])
        return kinds, [*metadata, *hint.__metadata__]  # pyright: ignore[reportAttributeAccessIssue]
    if get_origin(hint) in (Union, UnionType):
        found = [_parts_of(kind) for kind in get_args(hint)]
        return set().union(*(kinds for kinds, _ in found)), [x for _, metadata in found for x in metadata]
    return {hint if isinstance(hint, type) else object}, []


def shown(
    signature: inspect.Signature, types: dict[str, type], declared: dict[str, Declared]
) -> inspect.Signature:
    """Return the signature with the ranges in its annotations."""

    def annotated(parameter: inspect.Parameter) -> inspect.Parameter:
        found, kind = declared[parameter.name].range, types.get(parameter.name, parameter.empty)
        return parameter.replace(annotation=Annotated[kind, Check(checks.boolean, found)] if found else kind)

    return signature.replace(parameters=[annotated(x) for x in signature.parameters.values()])


def documented(library: str, text: str, parameters: Iterable[str], declared: dict[str, Declared]) -> str:
    """Return the docstring with the annotations' texts and ranges in ``Args``, and its example with an import."""
    lines = inspect.cleandoc(text).splitlines()
    example = next((i for i, line in enumerate(lines) if line.startswith(">>>")), len(lines))
    lines[example:example] = [f">>> from warmup_optax.compat import {library}"] * (example < len(lines))
    heads = ("Returns:", "Raises:", ">>>")
    start = next((i for i, line in enumerate(lines) if line == "Args:"), None)
    if start is None:
        start = next((i for i, line in enumerate(lines) if line.startswith(heads)), len(lines))
        lines[start:start] = ["Args:", ""]
    end = next((i for i in range(start + 1, len(lines)) if lines[i][:1].strip()), len(lines))
    written: dict[str, list[str]] = {"": []}
    for line in lines[start + 1 : end]:
        if found := re.match(r"  (\*{0,2}\w+): ", line):
            written[found[1].lstrip("*")] = []
        [*written.values()][-1].append(line)
    entries: list[str] = []
    for name in parameters:
        found = declared[name]
        if name in written:
            extra = f" ({found.range}):" if found.range else ":"
            written[name][0] = written[name][0].replace(":", extra, 1)
            while not written[name][-1]:  # the empty line before the next section
                written[name].pop()
            entries += written[name]
        elif found.text:
            entries.append(
                f"  {name} ({found.range}): {found.text}" if found.range else f"  {name}: {found.text}"
            )
        elif found.range:
            entries.append(f"  {name}: {found.range[0].upper()}{found.range[1:]}.")
    head = lines[: start + 1] if entries else lines[:start]
    return "\n".join([*head, *entries, "", *lines[end:]])
