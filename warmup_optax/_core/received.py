"""The arguments that the ``evaluate`` of a user-defined node receives: numbers as scalars, children as nodes.

A number reaches ``evaluate`` in many forms: as a Python number under `jit`, as a tracer of an argument, as an
entry of a buffer. Here each becomes the same thing, by the check of its field: a scalar of the default float
dtype, or a `Whole` number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import jax
import numpy as np

from .checks import shortened
from .lowered import Lowered, Record
from .node import Check, Node, is_steps, static
from .scalars import Length, Scalar, Whole, Wide, exact, is_whole, real, whole_number
from .time import Time

if TYPE_CHECKING:
    from .schedule import Schedule

_LETTERS = {int: "i", np.int32: "i", float: "f"}  # of the table that a concrete number is in
Numbers: TypeAlias = tuple[jax.Array | np.ndarray, ...]
_DTYPES = {"f": np.float64, "i": np.int64}


class Form(NamedTuple):
    """The parts of a node other than its numbers.

    Attributes:
      cls: Its class.
      structure: Its tree structure.
      letters: The letter of each number's table; empty if the numbers are not in tables.
    """

    cls: type[Node]
    structure: Hashable
    letters: str


def packed(node: Node) -> tuple[Numbers, Form]:
    """The numbers of a node, and its form.

    Concrete numbers are in two tables, so a number that ``evaluate`` does not read costs nothing.
    """
    leaves, structure = jax.tree.flatten(_exact(node, None))
    letters = "".join(_LETTERS.get(type(leaf), "?") for leaf in leaves)
    if "?" in letters:
        return tuple(leaves), Form(type(node), structure, "")
    tables = [
        np.asarray([x for x, own in zip(leaves, letters, strict=True) if own == letter], _DTYPES[letter])
        for letter in sorted(set(letters))
    ]
    return tuple(tables), Form(type(node), structure, letters)


def _unpacked(numbers: Numbers, form: Form) -> Node:
    """The node that `packed` took."""
    if not form.letters:
        return jax.tree.unflatten(form.structure, numbers)
    rows = {letter: _rows(table) for letter, table in zip(sorted(set(form.letters)), numbers, strict=True)}
    return jax.tree.unflatten(form.structure, [next(rows[letter]) for letter in form.letters])


def _rows(table: jax.Array | np.ndarray) -> Iterator[Scalar]:
    return iter(table.tolist()) if isinstance(table, np.ndarray) else (table[i] for i in range(len(table)))


def _exact(value: object, check: Check | None) -> object:
    """A node with its whole numbers past int32 exact."""
    if isinstance(value, Node):
        made = object.__new__(type(value))
        vars(made).update({name: _exact(vars(value)[name], value._checks[name]) for name in value._fields})
        return made
    if isinstance(value, (tuple, list, dict)):
        return _mapped(lambda item: _exact(item, check), value)
    return whole_number(cast(Scalar, value)) if check is not None and is_steps(check) else value


def _mapped(
    function: Callable[[object], object], value: Sequence[object] | Mapping[Hashable, object]
) -> object:
    """A tuple, a list or a dict with ``function`` of each item; a named tuple stays one."""
    if isinstance(value, Mapping):
        return {key: function(item) for key, item in value.items()}
    each = map(function, value)
    make = cast(Callable[..., object], type(value))
    return make(*each) if hasattr(value, "_fields") else make(each)


class Child(Lowered):
    """A child of a user-defined node, lowered, and its numbers for the node to read."""

    lowered: Lowered
    numbers: Numbers
    form: Form = static()

    @classmethod
    def of(cls, schedule: Schedule) -> Child:
        """A schedule as a child."""
        return cls(schedule.lower(), *packed(schedule))

    def evaluate(self, time: Time) -> jax.Array:
        return self.lowered.evaluate(time)

    def as_received(self) -> Node:
        """The child as ``evaluate`` receives it. Its numbers are unpacked when one is read."""
        return _child(self.form.cls, lambda: self.lowered, lambda: _unpacked(self.numbers, self.form))


class Fields(Record):
    """The fields of a user-defined node, lowered."""

    values: tuple[object, ...]
    names: tuple[str, ...] = static()
    choices: tuple[tuple[str, Hashable], ...] = static()
    cls: type[Node] = static()

    def node(self) -> Schedule:
        """The node as its ``evaluate`` receives it."""
        made = object.__new__(self.cls)
        fields = dict(zip(self.names, self.values, strict=True)) | dict(self.choices)
        vars(made).update(_received_fields(self.cls, fields))
        return cast("Schedule", made)


def _child(cls: type[Node], lower: Callable[[], Lowered], node: Callable[[], Node]) -> Node:
    made = object.__new__(cls)

    def fields() -> dict[str, object]:
        return _received_fields(cls, vars(node()))

    def evaluate(time: Time) -> jax.Array:
        if not isinstance(time, Time):
            raise TypeError(
                f"evaluate must receive a Time, got {shortened(time)}; write child.evaluate(time), "
                "child.evaluate(time.shift(steps)) for a later start, or child(count) for a number"
            )
        return lower().evaluate(time)

    # Its fields are for reading; its value is that of the lowered child, so both methods are replaced here.
    vars(made).update(_later=fields, lower=lower, evaluate=evaluate)
    return made


def _received_fields(cls: type[Node], fields: Mapping[str, object]) -> dict[str, object]:
    received = {}
    for name in cls._fields:
        choice = name in cls._static_fields
        received[name] = fields[name] if choice else _as_received(fields[name], cls._checks[name])
    return received


def _as_received(value: object, check: Check) -> object:
    if isinstance(value, Node):
        lower = getattr(value, "lower", None)  # the shape of a ramp has none
        return value if lower is None else _child(type(value), lower, lambda: value)
    as_received = getattr(value, "as_received", None)  # of a lowered child, or of the factor of a stretch
    if as_received is not None:
        return as_received()
    if isinstance(value, (tuple, list, dict)) and not isinstance(value, Wide):
        return _mapped(lambda item: _as_received(item, check), value)
    if value is None or isinstance(value, (str, bool)):
        return value
    number = exact(cast(Length, value))
    return (
        Whole(number)
        if is_steps(check) and not isinstance(number, float) and is_whole(number)
        else real(number)
    )
