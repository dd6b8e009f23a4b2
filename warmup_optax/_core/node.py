"""What makes a schedule a value: a frozen dataclass that is a pytree, compares, hashes, prints and pickles.

A subclass of `Node` lists its fields. Numbers, and nodes inside, are pytree leaves and children; a field
marked with `static()` is a choice that a compiled program is specialised on. A tree is rebuilt without the
constructor, so a constructor may check its arguments.
"""

from __future__ import annotations

import abc
import contextlib
import contextvars
import dataclasses
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, ClassVar

import jax
import numpy as np
from jax.core import Tracer

from . import checks
from .checks import as_python as as_python

_MISSING: Any = dataclasses.MISSING
_RESERVED = ("kind", "version")  # keys of a config
_checking = contextvars.ContextVar("warmup_optax_checking", default=True)


def static(*, default: Any = _MISSING) -> Any:
    """Marks a field of a node as a choice (a word, a flag, a function) instead of a number.

    Args:
      default: The value of the field when the constructor is not given one; without it the field is required.

    Returns:
      A dataclass field. Its value must be hashable. It is a part of the pytree's structure: a function that
      was compiled for one choice is compiled anew for another.

    >>> import warmup_optax as wo
    >>> class Mirrored(wo.FiniteSchedule):
    ...     origin: str = wo.static(default="end")
    ...
    ...     def weights(self, p, q):
    ...         return (q, p) if self.origin == "end" else (p, q)
    >>> float(Mirrored(1.0, 0.0, 4)(1)), float(Mirrored(1.0, 0.0, 4, origin="init")(1))
    (0.75, 0.25)
    """
    return dataclasses.field(default=default, metadata={"static": True})


def checked(
    check: Callable[..., Any],
    *,
    default: Any = _MISSING,
    static: bool = False,
    kw_only: bool = False,
    **options: Any,
) -> Any:
    """A field whose value goes through ``check(function, argument, value, **options)`` at construction.

    A default of None also allows None.
    """
    metadata = {"static": static, "check": functools.partial(check, **options)}
    return dataclasses.field(default=default, kw_only=kw_only, metadata=metadata)


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Builds nodes inside without checks: their numbers were checked, or may be batched."""
    token = _checking.set(False)
    try:
        yield
    finally:
        _checking.reset(token)


def register_pytree(cls: type, data: tuple[str, ...], static: tuple[str, ...]) -> None:
    """Registers a class as a pytree; the class is a part of the structure.

    `jax.tree_util.register_dataclass` leaves it out (JAX 0.10.2 and 0.12.0): two structures of different
    classes with as many fields compare equal, and `jit` may run the program of the other.
    """
    keys = tuple(map(jax.tree_util.GetAttrKey, data))

    def flatten(node: Any) -> tuple[tuple[Any, ...], Any]:
        fields = node.__dict__
        return tuple([fields[name] for name in data]), (cls, tuple([fields[name] for name in static]))

    def flatten_with_keys(node: Any) -> tuple[tuple[Any, ...], Any]:
        children, aux = flatten(node)
        return tuple(zip(keys, children, strict=True)), aux

    def unflatten(aux: Any, children: Iterable[Any]) -> Any:
        node = object.__new__(cls)
        node.__dict__.update(zip(data, children, strict=True))
        node.__dict__.update(zip(static, aux[1], strict=True))
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


class _NodeType(abc.ABCMeta):
    """Checks the fields of a node once it is constructed, whatever its constructor is."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's, which `__call__` would hide."""
        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    if not typing.TYPE_CHECKING:  # a checker reads the constructor of the class

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            node = cls.__new__(cls, *args, **kwargs)
            node.__dict__["_open"] = True  # an __init__ of the user's own may assign
            node.__init__(*args, **kwargs)
            if _checking.get():
                node._check_fields()
            node.__dict__.pop("_open", None)
            return node


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static, checked))
class Node(metaclass=_NodeType):
    """The base of every value of this library; a subclass becomes a frozen dataclass and a pytree."""

    # Made by __init_subclass__.
    _fields: ClassVar[tuple[str, ...]] = ()
    _static_fields: ClassVar[tuple[str, ...]] = ()
    _checks: ClassVar[dict[str, Callable[..., Any]]] = {}
    _defaults: ClassVar[dict[str, Any]] = {}
    _kind: ClassVar[str] = "Node"
    _home: ClassVar[str] = __name__  # the module where the class was made; `__module__` is the public one
    _registered: ClassVar[dict[str, list[type[Node]]]] = {}  # the classes of each kind, the newest last

    def __init_subclass__(cls, kind: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._kind, cls._home = kind or cls.__name__, cls.__module__
        Node._registered.setdefault(cls._kind, []).append(cls)
        _refuse_fields(cls)
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        known = cls._checks  # of the bases: a second @dataclass would have dropped their metadata
        for name in ("__setattr__", "__delattr__"):  # a second @dataclass(frozen=True) would trip over them
            delattr(cls, name)
        for name in ("__eq__", "__hash__", "__repr__"):  # and would replace what is inherited
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))
        cls._fields = tuple(f.name for f in fields)
        inherited = set(cls._static_fields) - set(inspect.get_annotations(cls))
        cls._static_fields = tuple(f.name for f in fields if f.metadata.get("static") or f.name in inherited)
        cls._checks = {f.name: f.metadata.get("check") or known.get(f.name, _plain) for f in fields}
        cls._defaults = {f.name: f.default for f in fields}
        data = tuple(name for name in cls._fields if name not in cls._static_fields)
        register_pytree(cls, data, cls._static_fields)

    @classmethod
    def _made_by(cls) -> Callable[..., Any] | None:
        """The function named as the kind beside the class, else the class; None if its module has neither."""
        home = vars(sys.modules[cls._home]) if cls._home in sys.modules else {}
        function = home.get(cls._kind)
        if inspect.isfunction(function):
            return function
        return cls if home.get(cls.__name__) is cls else None

    @classmethod
    def _made_by_name(cls) -> str:
        """The name of what makes the node, as a user reaches it."""
        if inspect.isfunction(cls._made_by()):
            return cls._kind
        return f"nodes.{cls.__name__}" if cls._is_ours() else cls.__name__

    @classmethod
    def _is_ours(cls) -> bool:
        """Whether the class is the library's own."""
        return cls._home.partition(".")[0] == __name__.partition(".")[0]

    def _check_fields(self) -> None:
        cls, fields = type(self), vars(self)
        for name, check in cls._checks.items():
            value = fields[name]
            if name in cls._static_fields and check is _plain:
                _hashable(cls._kind, name, value)
            elif value is not None or cls._defaults[name] is not None:
                fields[name] = check(cls._kind, name, value)
        self._check_together()

    def _check_together(self) -> None:
        """What the fields must be to one another."""

    def __setattr__(self, name: str, value: Any) -> None:
        if "_open" not in self.__dict__:
            instead = "make another with dataclasses.replace"
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}; {instead}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _arguments(self) -> dict[str, Any]:
        """The arguments that rebuild this node, those at their default left out."""
        found = {name: getattr(self, name) for name in self._fields}
        return {name: x for name, x in found.items() if not _is_default(x, self._defaults[name])}

    def _key(self) -> tuple[Any, ...] | None:
        """What equality compares; None where a number is traced or one of many, which has no `==`."""
        leaves, structure = jax.tree.flatten(self)
        if type(self)._fields and any(map(_has_no_value, leaves)):
            return None
        numbers = [as_python(leaf) for leaf in leaves]
        # 2**24 + 1 and 2.0**24 + 1 are equal, and not the same schedule.
        return structure, tuple(map(type, numbers)), tuple(numbers)

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
            vars(self)["_hash"] = object.__hash__(self) if key is None else hash(key[1:])
        return self.__dict__["_hash"]

    def __repr__(self) -> str:
        arguments = [f"{name}={shown(value)}" for name, value in self._arguments().items()]
        return f"{self._made_by_name()}({', '.join(arguments)})"

    def __getstate__(self) -> dict[str, Any]:
        # Pickles and copies take the fields alone, not what was compiled for them or hashed here.
        return {name: self.__dict__[name] for name in self._fields}


def _refuse_fields(cls: type[Node]) -> None:
    """Refuses fields that could not work, when the class is made."""
    for name, annotation in inspect.get_annotations(cls).items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")) or name.startswith("_"):
            continue
        if name in _RESERVED or any(name in vars(base) for base in cls.__mro__[1:] if _is_base(base, name)):
            raise TypeError(
                f"{cls.__name__}: a field cannot be named {name!r}, which every schedule has; rename it"
            )
        default = cls.__dict__.get(name)
        marked = isinstance(default, dataclasses.Field) and default.metadata
        if annotation in (str, bool, "str", "bool") and not marked:
            given = (
                "" if default is None or isinstance(default, dataclasses.Field) else f"default={default!r}"
            )
            word = annotation if isinstance(annotation, str) else annotation.__name__
            raise TypeError(
                f"{cls.__name__}: {name} is a {word}, which is a choice and not a number; "
                f"write {name}: {word} = wo.static({given})"
            )


def _is_base(base: type, name: str) -> bool:
    """Whether ``base`` has ``name`` as something other than a field."""
    return base is not object and name not in getattr(base, "_fields", ())


def _plain(where: str, name: str, value: Any) -> Any:
    """The field of a user's node: numbers and nodes, also in tuples, lists and dicts."""
    for leaf in jax.tree.leaves(value):
        number = isinstance(leaf, (int, float, np.generic, np.ndarray, jax.Array)) or hasattr(leaf, "dtype")
        if isinstance(leaf, (bool, np.bool_)) or not number:
            kind = type(leaf).__name__
            fix = f"mark a choice as one: {name}: {kind} = wo.static()"
            allowed = "made of numbers and schedules"
            checks.raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
    return _as_tuples(value)


def _as_tuples(value: Any) -> Any:
    """Numbers as Python's, and lists as tuples, which is what a config gives back."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return tuple(map(_as_tuples, value))
    if isinstance(value, dict):
        return {key: _as_tuples(item) for key, item in value.items()}
    return as_python(value) if hasattr(value, "dtype") else value


def _hashable(where: str, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        allowed, fix = "hashable, being a static choice", "a list as a tuple, say"
        checks.raise_bad_argument(where, name, value, allowed, fix, error=TypeError)


def _has_no_value(leaf: Any) -> bool:
    return isinstance(leaf, Tracer) or not isinstance(as_python(leaf), (int, float))


class _Word(str):
    """A text that prints as it is, without quotes."""

    def __repr__(self) -> str:
        return self


def shown(value: Any) -> str:
    """A field's value as code: a concrete array as its number, a ratio as the text that makes it."""
    if isinstance(value, Fraction):
        return repr(str(value))
    held = hasattr(value, "dtype") or isinstance(value, (tuple, list, dict))
    return repr(jax.tree.map(_printed, value) if held else value)


def _printed(leaf: Any) -> Any:
    # The gradient of a whole number is an array of bytes that hold nothing.
    return _Word("float0") if getattr(leaf, "dtype", None) == jax.dtypes.float0 else as_python(leaf)


def _is_default(value: Any, default: Any) -> bool:
    value = as_python(value) if hasattr(value, "dtype") else value
    comparable = (int, float, str, Node)  # an array would answer == with an array
    return value is default or (
        isinstance(value, comparable) and isinstance(default, comparable) and value == default
    )
