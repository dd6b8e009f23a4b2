"""Convert schedules to plain JSON, and back.

The kind in a config is the name of a function, or of a class without such a function. The other keys are the
arguments. Reading a config calls the function, so a config is checked like code.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeGuard, cast

import jax
from jax.core import Tracer

from .._combinators.ramps import Shape, shape_argument
from .._core import checks
from .._core.as_schedule import Function, as_schedule_argument
from .._core.node import Node, as_python
from .._core.schedule import Schedule
from .._core.types import ScheduleLike
from .._optimizers.feedback import FeedbackSchedule, Rule

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | float | bool | None"

VERSION = 1
DEEPEST = 100  # nested dicts and lists: Python's stack has room for about 1000 calls
MOST_VALUES = 2**18  # keys and items of a whole config: YAML aliases can expand to billions
_TOO_DEEP = f"dicts and lists may be nested {DEEPEST} deep, and these are deeper; flatten the schedule"
_TOO_MANY = f"a config may hold {MOST_VALUES} values, and this one holds more"
# Keys that version 0.1 wrote under another name: (kind, old name) to the new name.
_RENAMED = {("tanh", "lower"): "start", ("tanh", "upper"): "stop"}
_OMITTED: dict[str, dict[str, list[int]]] = {
    "in_steps": {"boundaries": []}
}  # arguments that 0.2 did not require
_Parameters = dict[str, inspect.Parameter]
_SAVED = (Schedule, FeedbackSchedule, Rule)  # the classes that have kinds
_FINITE = ("init_value", "end_value", "steps")  # the first arguments of every shape that can be an argument


@checks.by_name
def to_config(schedule: ScheduleLike | FeedbackSchedule) -> dict[str, Any]:
    """Convert a schedule to plain JSON: only dicts, lists, strings, bools and finite numbers.

    Args:
      schedule: A `Schedule`, a `with_feedback`, or a number. Its numbers must be concrete, and it must not
        contain a Python function.

    Returns:
      A new dict: ``{"version": 1, "kind": ..., ...}``. A ``kind`` is the name of a function of this library.
      The other keys are the arguments of that function, without those at their default. Nested schedules are
      dicts of the same form without a version. A shape that is an argument is its name, or
      ``{"kind": name, ...}`` with the arguments of its ``functools.partial``. A concrete array, for example a
      learned number of the schedule, is saved as a number. No value is None, so the dict can also be written
      as YAML or TOML.

    Raises:
      TypeError: If a part cannot be saved: a Python function (an Optax closure, a lambda), a stack, a traced
        number, or a node whose class is not at the top level of a module.
      ValueError: If a number is not finite, or an array is not valid for its function (2.5 steps).

    A user-defined schedule class at the top level of a module is saved under its name, and read by that class.
    With ``class Breathing(wo.Schedule, kind="breathing")`` it is read by the function ``breathing`` of the same
    module.

    >>> import json, warmup_optax as wo
    >>> schedule = wo.with_warmup(wo.constant(0.1), steps=10, shape=wo.cosine)
    >>> print(json.dumps(wo.to_config(schedule)))
    {"version": 1, "kind": "with_warmup", "schedule": {"kind": "constant", "value": 0.1}, "steps": 10, \
"shape": "cosine"}
    """
    if not isinstance(schedule, FeedbackSchedule):
        schedule = as_schedule_argument("to_config", "schedule", schedule)
    try:
        config = {"version": VERSION, **_saved_node(schedule, "")}
    except RecursionError:
        raise ValueError(f"to_config: {_TOO_DEEP}") from None
    _plain(config, "to_config")
    if any(hasattr(leaf, "dtype") for leaf in jax.tree.leaves(schedule)):  # arrays have passed no checks
        _read(config, "to_config")
    return config


@checks.by_name
def from_config(config: Mapping[str, Any]) -> Schedule:
    """Build the schedule that a config describes.

    Args:
      config: A result of `to_config`, also after a round trip through JSON, YAML or TOML, or a config written
        by hand: ``{"version": 1, "kind": "warmup_cosine", "peak_value": 3e-4, ...}``. Any mapping works, for
        example a ``ConfigDict`` of ml_collections or a ``DictConfig`` of OmegaConf. A number is accepted in
        place of a nested schedule. A nested config may have a version. Import the module of a user-defined
        class first.

    Returns:
      A `Schedule` equal to the one that was saved. For the kind ``"with_feedback"`` it is the result of
      `with_feedback`. The annotation names `Schedule` alone, because a type checker would reject
      ``optax.adamw(wo.from_config(config))`` for a union with `nodes.FeedbackSchedule`. If `to_config` wrote
      ``config``, `to_config` of the result is equal to ``config``.

    Raises:
      ValueError: If the version is missing or newer, a kind or a key is unknown, a key is missing, or a number
        is not valid for the function of that kind. The message names the place, and lists the valid names.
        If the config is nested more than 100 levels deep, or has more than 262,144 values.
      TypeError: If a value has the wrong type.

    >>> import warmup_optax as wo
    >>> wo.from_config({"version": 1, "kind": "linear", "init_value": 0, "end_value": 0.1, "steps": 10})
    linear(init_value=0.0, end_value=0.1, steps=10)
    >>> wo.from_config({"version": 1, "kind": "linear", "init_value": 0, "end_value": 0.1, "step": 10})
    Traceback (most recent call last):
      ...
    ValueError: from_config: linear takes no 'step'; its keys are init_value, end_value, steps
    """
    return _read(config, "from_config")


class _Unreadable(Exception):
    """An error in a config: its message, and the type of the exception to raise."""

    def __init__(self, message: str, error: type[Exception]) -> None:
        super().__init__(message)
        self.message, self.error = message, error


def _read(config: object, where: str) -> Schedule:
    """Read a config as `from_config` does, with the name ``where`` in errors."""
    try:
        if not _is_mapping(config):
            _fail("", f"config must be a dict, as to_config makes it, got {_shown(config)}", TypeError)
        config = _plain(config, where)
        if "version" not in config:
            _fail("", f'"version" is missing; this is version {VERSION}: add "version": {VERSION}')
        schedule = _built(config, "")
    except _Unreadable as bad:
        raise bad.error(f"{where}: {bad.message}") from None
    if isinstance(schedule, Rule):
        fix = "put it into a with_feedback"
        checks.raise_bad_argument(where, "config", schedule, "a schedule, and not a rule", fix)
    return cast(Schedule, schedule)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether a value is a mapping. The dicts of ml_collections are not subclasses of Mapping."""
    keyed = hasattr(value, "keys") and hasattr(value, "__getitem__")
    return isinstance(value, Mapping) or (
        keyed and not isinstance(value, type) and not hasattr(value, "dtype")
    )


def _plain(config: Mapping[str, object], where: str) -> dict[str, object]:
    """Copy a config to new dicts and lists. Raise an error if it is nested too deeply or too large."""
    size = 0

    def copied(value: object, depth: int) -> object:
        nonlocal size
        size += 1
        if size > MOST_VALUES:
            raise ValueError(f"{where}: {_TOO_MANY}")
        mapping = _is_mapping(value)
        if not mapping and (not isinstance(value, Sequence) or isinstance(value, (str, bytes))):
            return value
        if depth > DEEPEST:
            raise ValueError(f"{where}: {_TOO_DEEP}")
        if mapping:
            return {key: copied(value[key], depth + 1) for key in value.keys()}  # pyright: ignore  # noqa: SIM118
        return [copied(item, depth + 1) for item in value]

    return cast(dict[str, object], copied(config, 0))


# ------------------------------------------------------------------ kinds


class _Kind(NamedTuple):
    """A kind of node: the function that makes it from its arguments, and its class."""

    make: Callable[..., Node]
    node: type[Node]

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Return the arguments by name. Those of a class are its fields."""
        if not self.by_class:
            return dict(inspect.signature(self.make).parameters)
        return {
            name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_default(default))
            for name, default in self.node._defaults.items()
        }

    @property
    def by_class(self) -> bool:
        """Return whether the class makes the node, because no function has the name of its kind."""
        return self.make is self.node

    def __call__(self, *args: object, **kwargs: object) -> Node:
        """Make the node. A constructor whose arguments are not the fields is not called."""
        if not self.by_class or set(inspect.signature(self.make).parameters) == set(self.node._fields):
            return self.make(*args, **kwargs)
        node = object.__new__(self.node)
        given = {name: kwargs.get(name, default) for name, default in self.node._defaults.items()}
        vars(node).update(given)
        node._check_fields()
        return node

    def is_shape(self, name: str) -> bool:
        """Return whether an argument is a shape, which is saved as its name, and not a schedule or a number."""
        return getattr(self.node._checks.get(name), "func", None) is shape_argument


def _default(default: object) -> object:
    return inspect.Parameter.empty if default is dataclasses.MISSING else default


def _kind(name: str) -> _Kind | None:
    """Return the kind of a name: that of the library, or the newest at the top level of a user's module."""
    registered = Node._registered.get(name, [])
    ours = [cls for cls in registered if cls._is_ours]
    for cls in ours or reversed(registered):
        if not issubclass(cls, _SAVED) or issubclass(cls, Function) or inspect.isabstract(cls):
            continue
        make = None if cls in ours and cls.__name__ == name else cls._made_by()  # a base has no kind
        if make is not None:
            return _Kind(cast(Callable[..., Node], make), cls)
    return None


def _kinds() -> dict[str, _Kind]:
    """Return all kinds, in alphabetical order."""
    found = {name: _kind(name) for name in sorted(Node._registered)}
    return {name: kind for name, kind in found.items() if kind is not None}


# ------------------------------------------------------------------ saving


def _saved_node(node: Node, path: str) -> dict[str, JSON]:
    cls, kind, at = type(node), node._kind, path or "schedule"
    if isinstance(node, Function):
        raise TypeError(
            f"to_config: {at} is a Python function, which has no form in a config: {node.function!r}; "
            "build it from this library's schedules, or make it a node (see Schedule)"
        )
    known = _kind(kind)
    if isinstance(node, Rule) and known is None:
        raise TypeError(
            f"to_config: {at} has no form in a config, got {node!r}; "
            "subclass feedback.Rule at the top of a module"
        )
    if known is None or known.node is not cls:
        fix = "define the class at the top level of a module"
        if known is not None and known.node._is_ours:
            fix = f"this library has a kind of the name {kind!r}, so rename the class"
        elif known is not None:
            fix = "a newer class has the same name, so make the schedule again or rename the class"
        raise TypeError(
            f"to_config: {at} is a {cls.__module__}.{cls.__qualname__}, and {kind!r} does not lead back to "
            f"it; {fix}"
        )
    saved: dict[str, JSON] = {"kind": kind}
    for name, value in node._arguments().items():
        saved[name] = _saved(value, f"{path}.{name}" if path else name)
    return saved


def _saved(value: object, path: str) -> JSON:
    """Convert the value of a field to JSON."""
    if isinstance(value, (Schedule, Rule)):
        return _saved_node(value, path)
    if isinstance(value, Shape):
        return _saved_shape(value, path)
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise ValueError(f"to_config: {path} must be finite, got {value!r}")
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, (tuple, list)):
        return [_saved(item, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict) and "kind" not in value and all(isinstance(key, str) for key in value):
        return {key: _saved(item, f"{path}.{key}") for key, item in value.items()}
    if hasattr(value, "dtype") and not isinstance(value, Tracer) and not value.ndim:  # pyright: ignore
        return _saved(as_python(value), path)
    fix = ""
    if isinstance(value, Tracer):
        fix = "; it is traced: call to_config outside of jit, vmap and grad"
    elif value is None:
        fix = "; leave it out, or make None its default"
    elif hasattr(value, "dtype"):
        fix = "; if this is a stack, save the schedules that were stacked one by one"
    raise TypeError(f"to_config: {path} must be a number, got {_shown(value)}{fix}")


def _saved_shape(shape: Shape, path: str) -> JSON:
    name = getattr(shape.function, "_kind", getattr(shape.function, "__name__", ""))
    known = _kind(name)
    if known is None or shape.function not in known:
        raise TypeError(
            f"to_config: {path} is a Python function, which has no form in a config: {shape!r}; "
            f"use {', '.join(_shapes())}, or functools.partial of one"
        )
    options = {name: _saved(x, f"{path}.{name}") for name, x in shape.options().items()}
    return {"kind": name, **options} if options else name


def _shapes() -> list[str]:
    """Return the kinds that can be an argument: finite shapes from one value to another."""
    return [name for name, known in _kinds().items() if tuple(known.parameters())[:3] == _FINITE]


# ------------------------------------------------------------------ reading


def _built(config: Mapping[str, object], path: str) -> Node:
    """Build the schedule that the dict at ``path`` of the config describes."""
    rest = dict(config)
    if "version" in rest:
        _check_version(rest.pop("version"), path)
    _rename(rest)
    kind, known, keys = _looked_up(rest, path)
    lacking = [name for name, p in keys.items() if p.default is p.empty and name not in rest]
    if lacking:
        _fail(path, f"{kind} lacks {', '.join(lacking)}; its keys are {', '.join(keys)}")
    arguments = {name: rest[name] for name in keys if name in rest}
    for name, value in arguments.items():
        inside = f"{path}.{name}" if path else name
        read = _shape if known.is_shape(name) else _field_value if known.by_class else _value
        arguments[name] = read(value, inside)
        if keys[name].kind is keys[name].VAR_POSITIONAL and not isinstance(arguments[name], tuple):
            _fail(inside, f"must be a list, got {_shown(value)}", TypeError)
    call = inspect.BoundArguments(inspect.Signature(list(keys.values())), arguments)
    try:
        schedule = known(*call.args, **call.kwargs)
    except (ValueError, TypeError) as error:
        _fail(path, str(error), ValueError if isinstance(error, ValueError) else TypeError)
    return schedule


def _rename(rest: dict[str, object]) -> None:
    """Update the keys of a config that an earlier version wrote."""
    said = rest.get("kind")
    if isinstance(said, str):
        for name, value in _OMITTED.get(said, {}).items():
            rest.setdefault(name, value)
    for (kind, old), new in _RENAMED.items():
        # Check the type first, because comparing an array gives an array.
        if isinstance(said, str) and said == kind and old in rest:
            rest[new] = rest.pop(old)


def _check_version(version: object, path: str) -> None:
    if type(version) is not int:
        _fail(path, f"version must be a whole number, got {_shown(version)}", TypeError)
    if version > VERSION:
        known = f"{VERSION}, the newest that this warmup_optax reads; update warmup_optax"
        _fail(path, f"version {version} is newer than {known}")
    if version < VERSION:
        _fail(path, f"version must be {VERSION}, got {version}")


def _looked_up(rest: dict[str, object], path: str, skip: int = 0) -> tuple[str, _Kind, _Parameters]:
    """Return a kind by name, as ``(name, kind, keys)``. Remove it from ``rest``, and check the other keys."""
    lacking = "kind" not in rest
    kind = rest.pop("kind", "")
    known = _kind(kind) if isinstance(kind, str) else None
    if known is None or not isinstance(kind, str) or (skip and tuple(known.parameters())[:skip] != _FINITE):
        names = _shapes() if skip else list(_kinds())
        valid = ", ".join(names)
        if lacking:
            _fail(path, f'"kind" is missing; it must be one of {valid}')
        if not isinstance(kind, str):
            _fail(path, f"kind must be a string, one of {valid}, got {_shown(kind)}", TypeError)
        near = difflib.get_close_matches(kind, names, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        meant += "; if it is a user-defined class, import its module first"
        _fail(path, f"kind must be one of {valid}, got {_shown(kind)}{meant}")
    keys = dict(list(known.parameters().items())[skip:])
    for name in rest:
        if name not in keys:
            valid = "its keys are " + ", ".join(keys) if keys else "it has no options"
            _fail(path, f"{kind} takes no {_shown(name)}; {valid}")
    return kind, known, keys


def _value(value: object, path: str) -> object:
    """Read a value: dicts become schedules, and lists become tuples. The function checks the rest."""
    if isinstance(value, Mapping):
        return _built(value, path)
    if isinstance(value, (list, tuple)):
        return tuple(_value(item, f"{path}[{i}]") for i, item in enumerate(value))
    if callable(value):
        _fail(path, f"a config holds no Python functions, got {_shown(value)}", TypeError)
    return value


def _field_value(value: object, path: str) -> object:
    """Read the value of a field of a class, which may be a dict of schedules."""
    if isinstance(value, Mapping) and "kind" not in value:
        return {key: _field_value(item, f"{path}.{key}") for key, item in value.items()}
    return _value(value, path)


def _shape(value: object, path: str) -> Callable[..., Node]:
    """Read a shape: its name, or a dict with its options."""
    rest = dict(value) if isinstance(value, Mapping) else {"kind": value}
    _, known, _ = _looked_up(rest, path, skip=len(_FINITE))
    for name, option in rest.items():
        if not isinstance(option, (bool, int, float, str)):
            _fail(f"{path}.{name}", f"must be a number, a word or a bool, got {_shown(option)}", TypeError)
    return functools.partial(known.make, **rest) if rest else known.make


def _fail(path: str, message: str, error: type[Exception] = ValueError) -> NoReturn:
    raise _Unreadable(f"{path}: {message}" if path else message, error) from None


def _shown(value: object) -> str:
    shown = repr(value)  # of bounded size, because `_plain` has counted the values
    return shown if len(shown) <= 80 else shown[:77] + "..."
