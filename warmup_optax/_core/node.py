"""The base of all nodes: a frozen dataclass that is a pytree, compares, hashes, prints and pickles.

A subclass of `Node` lists its fields. Numbers, and nodes inside, are pytree leaves and children; a field
marked with `static()` is a choice that a compiled program is specialized on. A tree is rebuilt without the
constructor, so a constructor may check its arguments. The check of a field that names none follows from its
annotation.
"""

from __future__ import annotations

import abc
import ast
import contextlib
import contextvars
import dataclasses
import functools
import inspect
import math
import sys
import typing
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias, cast

import jax
import numpy as np
from jax.core import Tracer

from . import checks
from .checks import as_python as as_python
from .scalars import Numeric

Check: TypeAlias = Callable[
    [str, str, object], object
]  # (function, argument, value) -> the value as it is kept
_Aux: TypeAlias = tuple[type, tuple[Hashable, ...]]

_PACKAGE = __name__.partition(".")[0]
_MISSING: object = dataclasses.MISSING
_RESERVED = ("kind", "version")  # keys of a config
_ONE_NUMBER = {"float", "None", "Optional"}
_CHOICES = {"str", "bool", "Literal", "Callable"}
_checking = contextvars.ContextVar("warmup_optax_checking", default=True)


@checks.by_name
def static(*, default: object = _MISSING) -> Any:
    """Mark a field of a user-defined node as a choice instead of a number.

    A choice is a word, a flag, a function, a seed, or a size that Python code needs as an ``int``.

    Args:
      default: The value of the field when the constructor receives none. Without it the field is required.

    Returns:
      A dataclass field. Its value must be hashable. Its annotation is not checked, but you can check it in
      ``__post_init__``. In ``evaluate`` it is the value that the user gave. It is a part of the pytree's
      structure: a function that was compiled for one choice is compiled again for another.

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


@checks.by_name
def steps(*, default: object = _MISSING) -> Any:
    """Mark a field of a user-defined node as a whole number of steps.

    In ``evaluate`` the field is exact in the methods of `Time`. In any other arithmetic it is a scalar of the
    default float dtype, so ``self.steps**2`` never wraps. The field may also be a tuple of whole numbers.

    Args:
      default: The value of the field when the constructor receives none. Without it the field is required.

    Returns:
      A dataclass field. The number is a leaf of the pytree: another number compiles nothing. The constructor
      raises an error if the number is not whole.

    >>> import warmup_optax as wo
    >>> class Parabola(wo.Schedule):
    ...     peak: float
    ...     steps: int = wo.steps()
    ...
    ...     def evaluate(self, time):
    ...         return self.peak * (1 - time.ratio(1) ** 2 / self.steps**2)
    >>> float(Parabola(1.0, steps=100_000)(50_000))
    0.75
    """
    return dataclasses.field(default=default, metadata={"check": functools.partial(leafwise, item=_step)})


def checked(
    check: Callable[..., object],
    *,
    default: object = _MISSING,
    static: bool = False,
    kw_only: bool = False,
    **options: object,
) -> Any:
    """A field of the library whose value goes through ``check(function, argument, value, **options)``.

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
    """Register a class as a pytree; the class is a part of the structure.

    `jax.tree_util.register_dataclass` leaves it out (JAX 0.10.2 and 0.12.0): two structures of different
    classes with the same number of fields compare equal, and `jit` may run the program of the other.
    """
    keys = tuple(map(jax.tree_util.GetAttrKey, data))

    def flatten(node: object) -> tuple[tuple[object, ...], _Aux]:
        fields = vars(node)
        if "_later" in fields:
            _complete(fields)
        return tuple([fields[name] for name in data]), (cls, tuple([fields[name] for name in static]))

    def flatten_with_keys(node: object) -> tuple[tuple[tuple[object, object], ...], _Aux]:
        children, aux = flatten(node)
        return tuple(zip(keys, children, strict=True)), aux

    def unflatten(aux: _Aux, children: Iterable[object]) -> object:
        node = object.__new__(cls)
        node.__dict__.update(zip(data, children, strict=True))
        node.__dict__.update(zip(static, aux[1], strict=True))
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


def _complete(fields: dict[str, object]) -> None:
    """Works out the fields of a child that ``evaluate`` received."""
    later = cast(Callable[[], dict[str, object]], fields.pop("_later"))
    fields.update(later())


class _NodeType(abc.ABCMeta):
    """Checks the fields of a node once it is constructed, whatever its constructor is."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's, which `__call__` would hide."""
        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    if not typing.TYPE_CHECKING:  # a checker reads the constructor of the class

        def __call__(cls, *args: object, **kwargs: object) -> Node:
            node = cls.__new__(cls, *args, **kwargs)
            node.__dict__["_open"] = True  # a user-defined __init__ may assign
            try:
                node.__init__(*args, **kwargs)
            except TypeError as error:
                checks.explain_call(error, cls, args, kwargs)
                raise
            if _checking.get():
                node._check_fields()
            node.__dict__.pop("_open", None)
            return node

        def __setattr__(cls, name: str, value: object) -> None:
            # A second @dataclass would drop what marks the fields.
            if name == "__dataclass_params__" and "_kind" in cls.__dict__:
                raise TypeError(f"{cls.__name__} is a dataclass already, as every node is; remove @dataclass")
            super().__setattr__(name, value)


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static, steps, checked))
class Node(metaclass=_NodeType):
    """The base of every value of this library; a subclass becomes a dataclass, frozen, and a pytree."""

    # Set by __init_subclass__.
    _kind: ClassVar[str] = "Node"
    _fields: ClassVar[tuple[str, ...]] = ()
    _static_fields: ClassVar[tuple[str, ...]] = ()
    _checks: ClassVar[dict[str, Check]] = {}
    _defaults: ClassVar[dict[str, object]] = {}
    _home: ClassVar[str] = __name__  # the module where the class was made; `__module__` is the public one
    _registered: ClassVar[dict[str, list[type[Node]]]] = {}  # the classes of each kind, the newest last
    _optional: ClassVar[frozenset[str]] = frozenset()  # the fields that may be None
    _is_ours: ClassVar[bool] = True  # whether the class is the library's own

    def __init_subclass__(cls, kind: str | None = None, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(eq=False, repr=False)(cls)
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        cls._fields = tuple(f.name for f in fields)
        cls._static_fields = tuple(f.name for f in fields if f.metadata.get("static"))
        cls._checks, cls._optional = dict(cls._checks), cls._optional
        for f in fields:
            if f.name in inspect.get_annotations(cls):
                words = _words(cls, f.type)
                _refuse_field(cls, f, words)
                choice = _choice if f.metadata.get("static") else None
                cls._checks[f.name] = f.metadata.get("check") or choice or cls._check_of(words)
                optional = {f.name} if f.default is None or words & {"None", "Optional"} else set()
                cls._optional = (cls._optional - {f.name}) | optional
            if f.name in vars(cls):  # a default there would hide that an instance lacks the field
                delattr(cls, f.name)
        cls._defaults = {f.name: f.default for f in fields}
        # A class in an example of a docstring has the module of the library, and no kind.
        inside = cls.__module__.partition(".")[0] == _PACKAGE
        cls._is_ours = inside and (kind is not None or cls.__name__.startswith("_"))
        cls._kind, cls._home = kind or cls.__name__, cls.__module__
        Node._registered.setdefault(cls._kind, []).append(cls)
        data = tuple(name for name in cls._fields if name not in cls._static_fields)
        register_pytree(cls, data, cls._static_fields)

    @classmethod
    def _made_by(cls) -> Callable[..., object] | None:
        """The function that the kind names in the class's module, else the class; None if there is neither."""
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
        return f"nodes.{cls.__name__}" if cls._is_ours else cls.__name__

    @classmethod
    def _check_of(cls, words: frozenset[str]) -> Check:
        """The check of a field without one, for the types in its annotation."""
        return _only_number if words <= _ONE_NUMBER else functools.partial(leafwise, item=_number)

    def _check_fields(self) -> None:
        cls, fields = type(self), vars(self)
        for name, check in cls._checks.items():
            if name not in fields:
                if cls._defaults[name] is dataclasses.MISSING:
                    raise TypeError(f"{cls._kind}.__init__ must assign {name}, which is a field")
                fields[name] = cls._defaults[name]
            if fields[name] is not None or name not in cls._optional:
                fields[name] = check(cls._kind, name, fields[name])
        self._check_together()

    def _check_together(self) -> None:
        """Check the fields that depend on each other."""

    def __setattr__(self, name: str, value: object) -> None:
        if "_open" not in self.__dict__:
            instead = "make another with dataclasses.replace"
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}; {instead}")
        if name not in type(self)._fields and not isinstance(
            inspect.getattr_static(self, name, None), property
        ):
            # A trace and a pickle keep the fields alone, so the attribute would be missing in `evaluate`.
            raise AttributeError(
                f"{type(self)._kind}.__init__ assigns {name}, which is not one of its fields, "
                f"{list(type(self)._fields)}; to add a field, annotate it in the class: {name}: float"
            )
        object.__setattr__(self, name, value)

    if not typing.TYPE_CHECKING:  # a checker would take every name for one that is there

        def __getattr__(self, name: str) -> object:
            """A field that is worked out when it is first read: see `received`."""
            if name in type(self)._fields and "_later" in self.__dict__:
                _complete(self.__dict__)
                return getattr(self, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _arguments(self) -> dict[str, object]:
        """The arguments that rebuild this node, those at their default left out."""
        found = {name: getattr(self, name) for name in self._fields}
        return {name: x for name, x in found.items() if not _is_default(x, self._defaults[name])}

    def _key(self) -> tuple[Hashable, ...] | None:
        """Return the key that equality compares, or None if a number is traced or batched and has no `==`."""
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

    def __getstate__(self) -> dict[str, object]:
        # Pickles and copies take the fields alone, not what was compiled for them or hashed here.
        return {name: self.__dict__[name] for name in self._fields}


# ------------------------------------------------------------------ what a field may be


def is_steps(check: Check) -> bool:
    """Return whether a field with this check is one or several whole numbers of steps."""
    item = check.keywords.get("item", check.func) if isinstance(check, functools.partial) else check
    return item in (checks.steps, checks.step_counts, checks.boundaries, _step)


def _words(cls: type, annotation: object) -> frozenset[str]:
    """The names of the types in an annotation; those of the keys of a dict are left out."""
    if isinstance(annotation, str):
        module = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        with contextlib.suppress(Exception):  # a name that is known to a checker alone
            annotation = eval(annotation, {**vars(typing), **module}, dict(vars(cls)))
    return _words_of(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


@functools.cache
def _words_of(text: str) -> frozenset[str]:
    try:
        return frozenset(_names(ast.parse(text, mode="eval").body))
    except SyntaxError:  # a class of a function prints with <locals>
        return frozenset({text.rpartition(".")[2]})


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(None):
            yield "None"
        case ast.Constant(str(text)):  # a forward reference inside a tuple, say
            yield text.rpartition(".")[2]
        case ast.Name(name) | ast.Attribute(attr=name):
            yield name
        case ast.Subscript(ast.Name(name) | ast.Attribute(attr=name), inside):
            items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            yield name
            for item in items[1:] if name.lower().endswith(("dict", "mapping")) else items:
                yield from _names(item)
        case ast.BinOp(left, ast.BitOr(), right):
            yield from _names(left)
            yield from _names(right)


def _refuse_field(cls: type[Node], field: dataclasses.Field[object], words: frozenset[str]) -> None:
    """Raise an error for a field that could not work, when the class is made."""
    name, annotation = field.name, inspect.get_annotations(cls)[field.name]
    hides = any(name in vars(base) and name not in getattr(base, "_fields", ()) for base in cls.__mro__[1:-1])
    if name in _RESERVED or hides:
        raise TypeError(
            f"{cls.__name__}: a field cannot be named {name!r}, which every schedule has; rename it"
        )
    if field.metadata:
        return
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    if field.default is steps or field.default is static:
        mark = "wo.steps" if field.default is steps else "wo.static"
        raise TypeError(
            f"{cls.__name__}: {name} needs the parentheses of {mark}; write {name}: {text} = {mark}()"
        )
    given = "" if field.default is dataclasses.MISSING else f"default={field.default!r}"
    if "Callable" in words:
        raise TypeError(
            f"{cls.__name__}: {name} is annotated as a function, which may be a schedule or a choice; "
            f"write {name}: wo.Schedule for a schedule or a function of the count, or "
            f"{name}: Callable = wo.static({given}) for any other function"
        )
    if words & _CHOICES:
        raise TypeError(
            f"{cls.__name__}: {name} is a {text}, which is a choice and not a number; "
            f"write {name}: {text} = wo.static({given})"
        )
    if "int" in words:
        raise TypeError(
            f"{cls.__name__}: {name} is annotated {text}, which may be a number of steps or a Python int; write "
            f"{name}: {text} = wo.steps({given}) for steps, {name}: {text} = wo.static({given}) for a Python int "
            f"(a seed, a size), or float for any other number"
        )


def leafwise(where: str, name: str, value: object, *, item: Check) -> object:
    """A field of a user-defined node: ``item`` checks every number in it. Lists become tuples."""
    if isinstance(value, (list, tuple)):
        each = [leafwise(where, f"{name}[{i}]", x, item=item) for i, x in enumerate(value)]
        make = cast(Callable[..., object], type(value))
        return make(*each) if hasattr(value, "_fields") else tuple(each)
    if isinstance(value, Mapping):
        return {key: leafwise(where, f"{name}[{key!r}]", x, item=item) for key, x in value.items()}
    return item(where, name, value)


def _number(where: str, name: str, value: object) -> Node | Numeric:
    """A finite number, or a schedule."""
    return value if isinstance(value, Node) else _only_number(where, name, value)


def _only_number(where: str, name: str, value: object) -> Numeric:
    _explain(where, name, value, "a finite number")
    return checks.number(where, name, as_python(value))


def _step(where: str, name: str, value: object) -> Numeric:
    _explain(where, name, value, "a whole number of steps")
    return checks.steps(where, name, as_python(value), at_least=None)


_SEED = "for a PRNG key write seed: int = wo.static() and jax.random.key(self.seed)"


def _explain(where: str, name: str, value: object, allowed: str) -> None:
    """Raise an error for what is no number, which says what to write instead."""
    is_array = hasattr(value, "dtype")
    function = callable(value) and not is_array
    field, kind = name.partition("[")[0], "Callable" if function else type(value).__name__
    fix = f"mark a choice as one: {field}: {kind} = wo.static()"
    if value is None:
        fix = f"to allow None write {field}: float | None = None"
    elif isinstance(value, Node):
        fix = f"annotate a schedule as one: {field}: wo.Schedule"
    elif isinstance(value, (tuple, list)):
        fix = f"for several numbers annotate a tuple: {field}: tuple[float, ...]"
    elif is_array and _is_key(value):
        fix = _SEED
    elif is_array and value.shape:  # pyright: ignore
        fix = "for a table write a tuple, as values.tolist() gives it"
    elif not (function or isinstance(value, (bool, np.bool_))) and (is_array or hasattr(value, "__float__")):
        return
    checks.raise_bad_argument(where, name, value, allowed, fix, error=TypeError)


def _is_key(value: object) -> bool:
    """Return whether an array is a PRNG key, new-style or old-style."""
    dtype = getattr(value, "dtype", np.dtype(object))
    old = isinstance(value, jax.Array) and dtype == np.uint32 and value.shape in ((2,), (4,))
    return old or jax.numpy.issubdtype(dtype, jax.dtypes.prng_key)


def _choice(where: str, name: str, value: object) -> object:
    """A choice is hashable, and equal to itself."""
    fix = "a list as a tuple, say"
    try:
        hash(value)
    except TypeError:
        fix = _SEED if _is_key(value) else fix
        checks.raise_bad_argument(where, name, value, "hashable, being a static choice", fix, error=TypeError)
    if isinstance(value, float) and not math.isfinite(value):
        checks.raise_bad_argument(where, name, value, "finite")
    return value


def _has_no_value(leaf: object) -> bool:
    return isinstance(leaf, Tracer) or not isinstance(as_python(leaf), (int, float))


class _Word(str):
    """A text that prints as it is, without quotes."""

    def __repr__(self) -> str:
        return self


def shown(value: object) -> str:
    """A field's value as code: a concrete array as its number, a ratio as the text that makes it."""
    if isinstance(value, Fraction):
        return repr(str(value))
    held = hasattr(value, "dtype") or isinstance(value, (tuple, list, dict))
    return repr(jax.tree.map(_printed, value) if held else value)


def _printed(leaf: object) -> object:
    # The gradient of a whole number is an array of bytes that hold nothing.
    return _Word("float0") if getattr(leaf, "dtype", None) == jax.dtypes.float0 else as_python(leaf)


def _is_default(value: object, default: object) -> bool:
    value = as_python(value) if hasattr(value, "dtype") else value
    comparable = (int, float, str, Node)  # an array would answer == with an array
    return value is default or (
        isinstance(value, comparable) and isinstance(default, comparable) and value == default
    )
