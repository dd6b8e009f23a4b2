"""Signatures of the ports: the type of each argument by its short name, without the rules that check it.

An annotation of a port carries a range and a line of the docstring, which stand under "Parameters" already.
"""

from __future__ import annotations

import collections.abc
import inspect
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import jax
import warmup_optax as wo
from sphinx.util.inspect import stringify_signature

SCHEDULE_LIKE = {wo.Schedule, collections.abc.Callable, float}  # with arrays, which no name shows


def short(hint: object) -> str:
    """Return the name of a type, without arrays; empty for any type."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if {get_origin(part) or part for part in inside} >= SCHEDULE_LIKE:
            return "ScheduleLike"
        names = [short(part) for part in inside if part is not jax.Array]
        return " | ".join(names) if all(names) else ""
    if hint is NoneType:
        return "None"
    if origin is Literal:
        return " | ".join(map(repr, inside))
    name = getattr(origin or hint, "__name__", "")
    if name in ("Any", "object") or not isinstance(origin or hint, type):
        return ""
    names = [short(part) for part in inside] if name != "Callable" else []
    return f"{name}[{', '.join(names)}]" if names and all(names) else name


def shorten(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str, str] | None:
    """Replace the annotations in the signature of a port."""
    if not name.startswith("warmup_optax.compat.") or not inspect.isfunction(obj):
        return None
    hints = get_type_hints(inspect.unwrap(obj))
    found = inspect.signature(obj)
    parameters = [
        parameter.replace(annotation=short(hints.get(parameter.name)) or parameter.empty)
        for parameter in found.parameters.values()
    ]
    shown = stringify_signature(found.replace(parameters=parameters, return_annotation=found.empty))
    return shown, short(hints.get("return")) or returns or ""


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
