"""The JSON Schema of configs, for editors and validators."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from .._combinators.ramps import Shape, shape_argument
from .._combinators.stretch import factor_argument
from .._core import checks
from .._core.as_schedule import as_schedule_argument, schedules_argument
from .._core.checks import FLOAT32_MAX, FLOAT32_MIN
from .._core.node import Node
from .._core.schedule import Schedule
from .._optimizers.feedback import Rule, argument_name, rule_argument, scale_or_infinity
from .._shapes.finite import FiniteSchedule, finite_argument
from .config import _OMITTED, _RENAMED, JSON, VERSION, _Kind, _kinds, _shapes

_Object: TypeAlias = dict[str, JSON]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {
    "above": "exclusiveMinimum",
    "at_least": "minimum",
    "below": "exclusiveMaximum",
    "at_most": "maximum",
}


@checks.by_name
def config_schema() -> dict[str, JSON]:
    """Return the JSON Schema of a config, draft 2020-12, for editors and validators.

    An editor that has it completes the kinds and keys of a YAML or JSON file while you type, shows what each key
    means, and underlines a wrong one. The site publishes it, and ``warmup-optax schema`` prints it.

    Returns:
      A new dict of plain JSON. Each kind is a definition: its keys with descriptions, types, ranges and defaults,
      from the signature and the docstring of the function of that name. Your own kinds are in it if their modules
      are imported. A schema describes keys one by one, so `from_config` has more rules: lengths that must fit,
      boundaries that must increase, phases that must fit into a run.

    >>> import warmup_optax as wo
    >>> schema = wo.config_schema()
    >>> schema["$defs"]["linear"]["required"]
    ['kind', 'init_value', 'end_value', 'steps']
    >>> schema["$defs"]["linear"]["properties"]["steps"]["minimum"]
    0
    """
    kinds = _kinds()
    definitions: _Object = {kind: _definition(kind, known) for kind, known in sorted(kinds.items())}
    return {
        "$schema": _DIALECT,
        "title": "A schedule of warmup_optax",
        "description": "What warmup_optax.to_config writes and warmup_optax.from_config reads.",
        "required": ["version"],
        "$ref": "#/$defs/config",
        "$defs": {**_shared(kinds), **definitions},
    }


def _shared(kinds: dict[str, _Kind]) -> _Object:
    """Return the definitions that are not kinds."""
    shapes = _shapes()
    finite = [kind for kind, known in kinds.items() if issubclass(known.node, FiniteSchedule)]
    rules = [kind for kind, known in kinds.items() if issubclass(known.node, Rule)]
    schedules = [kind for kind, known in kinds.items() if issubclass(known.node, Schedule)]
    return {
        "config": _one_of([kind for kind in kinds if kind not in rules]),
        "rule": _one_of(rules),
        "number": {"type": "number", "minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX},
        "schedule": _one_of(schedules),
        "schedule_or_number": {"anyOf": [{"$ref": "#/$defs/schedule"}, {"$ref": "#/$defs/number"}]},
        "finite_schedule": {
            "$ref": "#/$defs/schedule",
            "properties": {"kind": {"enum": sorted(finite)}},
        },
        "shape": {
            "description": "The name of a shape, or a dict with its kind and the options to fix.",
            "anyOf": [
                {"enum": [kind for kind in shapes if not _options(kinds[kind])["required"]]},
                {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": {"enum": list(shapes)}},
                    "allOf": [_if_kind(kind, _options(kinds[kind])) for kind in shapes],
                },
            ],
        },
    }


def _one_of(kinds: Sequence[str]) -> _Object:
    """An object of one of some kinds."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": sorted(kinds)}, "version": _version()},
        "allOf": _chosen(sorted(kinds), "#/$defs/"),
    }


def _version() -> _Object:
    return {
        "const": VERSION,
        "description": "The version of the format. A config inside another may have it.",
    }


def _chosen(kinds: list[str], prefix: str) -> list[JSON]:
    """Select the definition by the kind in the config, so that an editor shows only the errors of that kind."""
    return [_if_kind(kind, {"$ref": prefix + kind}) for kind in kinds]


def _if_kind(kind: str, schema: _Object) -> _Object:
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": schema}


def _definition(kind: str, known: _Kind) -> _Object:
    """Return the definition of one kind."""
    summary, described = _documented(known)
    keys: _Object = {"kind": {"const": kind}, "version": _version()}
    required: list[JSON] = ["kind"]
    for name, parameter in known.parameters().items():
        has_default = parameter.default is not parameter.empty
        keys[name] = _key(known, name, described.get(name, ""), has_default, parameter.default)
        if not has_default and name not in _OMITTED.get(kind, {}):
            required.append(name)
    for (owner, old), new in _RENAMED.items():
        if owner == kind:
            keys[old] = {
                "description": f"What 0.1 called {new}.",
                "deprecated": True,
                "$ref": "#/$defs/number",
            }
    return {
        "description": summary,
        "type": "object",
        "properties": keys,
        "required": required,
        "additionalProperties": False,
    }


def _options(known: _Kind) -> _Object:
    """Return the definition of a kind as a shape: without the values and the length that a combinator sets."""
    whole = _definition(known.node._kind, known)
    keys, required = whole["properties"], whole["required"]
    assert isinstance(keys, dict)
    assert isinstance(required, list)
    given = ("version", "init_value", "end_value", "steps")
    return {
        "properties": {name: schema for name, schema in keys.items() if name not in given},
        "required": [name for name in required if name not in (*given, "kind")],
        "additionalProperties": False,
    }


def _key(known: _Kind, name: str, description: str, has_default: bool, default: object) -> _Object:
    """Return the schema of one argument."""
    schema: _Object = {"description": description} if description else {}
    accepted = _value(known.node, name)
    if has_default and default is None:
        schema["anyOf"] = [accepted, {"type": "null"}]
    else:
        schema.update(accepted)
    if has_default and (written := _written(default)) is not None:
        schema["default"] = written
    return schema


def _written(default: object) -> JSON:
    """Return a default in the form of a config, or None if it has no such form."""
    if isinstance(default, Shape):
        return default.name
    if inspect.isfunction(default):
        return default.__name__
    if isinstance(default, tuple):
        return list(default)
    written = isinstance(default, (bool, int, str)) or (isinstance(default, float) and math.isfinite(default))
    return cast(JSON, default) if written else None


def _value(node: type[Node], name: str) -> _Object:
    """Return the schema of the values that the check of a field accepts."""
    check = node._checks.get(name)
    rules = check.keywords if isinstance(check, functools.partial) else {}
    function = check.func if isinstance(check, functools.partial) else check
    if function in (checks.steps, checks.step_counts):
        least = rules.get("at_least", 0)
        whole = dict(_WHOLE, minimum=-FLOAT32_MAX if least is None else least)
        return whole if function is checks.steps else {"type": "array", "items": whole}
    if function is checks.number:
        found: _Object = {_BOUNDS[key]: value for key, value in rules.items() if key in _BOUNDS}
        if rules.get("above") == 0:
            found["minimum"] = FLOAT32_MIN
        if rules.get("nonzero"):
            found["not"] = {"exclusiveMinimum": -FLOAT32_MIN, "exclusiveMaximum": FLOAT32_MIN}
        return {"$ref": "#/$defs/number", **found}
    if function is checks.choice:
        return {"enum": list(rules["words"])}
    made = _FIXED.get(getattr(function, "__name__", ""))
    return {} if made is None else made()


def _reference(name: str) -> Callable[[], _Object]:
    return lambda: {"$ref": f"#/$defs/{name}"}


def _list_of(item: _Object, **more: JSON) -> Callable[[], _Object]:
    return lambda: {"type": "array", "items": item, **more}


_WHOLE: _Object = {"type": "integer", "minimum": 0, "maximum": FLOAT32_MAX}
# By the name of a check, for checks without their own rules. A check without an entry accepts anything.
_FIXED: dict[str, Callable[[], _Object]] = {
    checks.boolean.__name__: lambda: {"type": "boolean"},
    checks.numbers.__name__: _list_of({"$ref": "#/$defs/number"}, minItems=1),
    checks.boundaries.__name__: _list_of(_WHOLE),
    factor_argument.__name__: lambda: {
        "anyOf": [
            {"$ref": "#/$defs/number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^\s*0*[1-9][0-9]*/0*[1-9][0-9]*\s*$"},
        ]
    },
    as_schedule_argument.__name__: _reference("schedule_or_number"),
    schedules_argument.__name__: _list_of({"$ref": "#/$defs/schedule_or_number"}, minItems=1),
    finite_argument.__name__: _reference("finite_schedule"),
    shape_argument.__name__: _reference("shape"),
    rule_argument.__name__: _reference("rule"),
    argument_name.__name__: lambda: {"type": "string", "pattern": r"^\w+$"},
    scale_or_infinity.__name__: lambda: {"$ref": "#/$defs/number", "exclusiveMinimum": 0},
}


# ------------------------------------------------------------------ what the docstrings say


def _documented(known: _Kind) -> tuple[str, dict[str, str]]:
    """Return the first sentence of the docstring of a kind, and the description of each argument."""
    text = inspect.getdoc(known.make) or ""
    summary = _plain_text(text.partition("\n\n")[0])
    found = re.search(r"^(?:Args|Attributes):\n((?:[ ]+.*\n?|\n(?=[ ]))+)", text, flags=re.M)
    if found is None:
        return summary, {}
    described, name = {}, ""
    for line in inspect.cleandoc(found[1]).splitlines():
        begin = re.match(r"\*?(\w+): (.*)", line)
        if begin and not line.startswith(" "):
            name, described[begin[1]] = begin[1], begin[2]
        elif name:
            described[name] += " " + line.strip()
    return summary, {key: _plain_text(value) for key, value in described.items()}


def _plain_text(text: str) -> str:
    """Return the text of a docstring without markup."""
    text = re.sub(r":math:`([^`]*)`", r"\1", " ".join(text.split()))
    return re.sub(r"`+([^`]*)`+", r"\1", text)
