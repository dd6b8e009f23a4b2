"""What makes a schedule a value: a frozen dataclass that is a pytree, compares, hashes, prints and pickles.

A subclass of `Node` lists its fields and nothing else. Numbers, and nodes inside, are pytree leaves and
children; a field marked with `static()` is a choice that a compiled program is specialised on.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import typing
from typing import Any, ClassVar

import jax


def static(**kwargs: Any) -> Any:
    """A field that is a choice (a word, a flag, a function), not a number."""
    return dataclasses.field(metadata={"static": True}, **kwargs)


def prepared(*, default: None) -> Any:
    """A field that `Schedule.prepare` fills in from the others: no part of the value."""
    return dataclasses.field(default=default, metadata={"prepared": True})


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static, prepared))
class Node:
    """The base of every value of this library; a subclass becomes a frozen dataclass and a pytree."""

    # Made by __init_subclass__: the fields that are the value, in order.
    _value_fields: ClassVar[tuple[str, ...]] = ()
    _class: ClassVar[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The class is one of a node's choices: JAX 0.10.2 and 0.12.0 take two structures of dataclasses for
        # equal that differ in the class alone, so that `jit` now and then ran the program of another node.
        cls.__annotations__ = {**inspect.get_annotations(cls), "_class": "type"}
        hidden = {"static": True, "prepared": True}
        cls._class = dataclasses.field(default=cls, kw_only=True, metadata=hidden)
        # eq=False: the generated __eq__ and __hash__ would fail on an array or a tracer as a field.
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        cls._value_fields = tuple(f.name for f in fields if not f.metadata.get("prepared"))
        jax.tree_util.register_dataclass(
            cls,
            data_fields=[f.name for f in fields if not f.metadata.get("static")],
            meta_fields=[f.name for f in fields if f.metadata.get("static")],
        )

    @classmethod
    def kind(cls) -> str:
        """The name of the function that makes this node: `OneMinusSqrt` is made by `one_minus_sqrt`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def arguments(self) -> dict[str, Any]:
        """The arguments that rebuild this node, those at their default left out."""
        defaults = {f.name: f.default for f in dataclasses.fields(self)}  # pyright: ignore[reportArgumentType]
        found = {name: getattr(self, name) for name in self._value_fields}
        return {name: x for name, x in found.items() if not _is_default(x, defaults[name])}

    def _key(self) -> tuple[Any, ...] | None:
        """What equality compares; None where a number is an array or traced, which has no `==`."""
        if not all(isinstance(leaf, (int, float)) for leaf in jax.tree.leaves(self)):
            return None
        return tuple(getattr(self, name) for name in self._value_fields)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Node)
        mine, theirs = self._key(), other._key()
        return mine is not None and theirs is not None and mine == theirs

    def __hash__(self) -> int:
        if "_hash" not in self.__dict__:
            key = self._key()
            value = object.__hash__(self) if key is None else hash((type(self).__name__, key))
            self.__dict__["_hash"] = value  # not a field: frozen guards the fields
        return self.__dict__["_hash"]

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments().items())
        return f"{self.kind()}({arguments})"

    def __getstate__(self) -> dict[str, Any]:
        # Pickles and copies take the fields alone, not what was compiled for them or hashed here.
        names = [f.name for f in dataclasses.fields(self)]  # pyright: ignore[reportArgumentType]
        return {name: self.__dict__[name] for name in names}


def _is_default(value: Any, default: Any) -> bool:
    comparable = (int, float, str, Node)  # an array would answer == with an array
    return value is default or (
        isinstance(value, comparable) and isinstance(default, comparable) and value == default
    )


def importable(function: Any) -> bool:
    """Whether a function lives in a module under its own name, and so as long as the process."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return getattr(module, getattr(function, "__qualname__", ""), None) is function


class Curve(Node):
    """A shape as an argument: the function, and what a `functools.partial` had fixed of it.

    Numbers that were fixed are leaves like any other number; words are choices.
    """

    function: Any = static()
    words: tuple[tuple[str, str | bool | None], ...] = static(default=())
    names: tuple[str, ...] = static(default=())
    numbers: tuple[Any, ...] = ()

    def __call__(self, init_value: Any, end_value: Any, steps: Any) -> Any:
        """The shape between two values."""
        options = dict(zip(self.names, self.numbers, strict=True))
        return self.function(init_value, end_value, steps, **options, **dict(self.words))

    def options(self) -> dict[str, Any]:
        """What the partial had fixed."""
        return dict(zip(self.names, self.numbers, strict=True)) | dict(self.words)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        if not self.options():
            return name
        fixed = ", ".join(f"{k}={v!r}" for k, v in self.options().items())
        return f"functools.partial({name}, {fixed})"
