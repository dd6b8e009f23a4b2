"""The arguments that the ``evaluate`` of a user-defined node receives: numbers as scalars, children as nodes.

A number reaches ``evaluate`` in many forms: as a Python number under `jit`, as a tracer of an argument, as an
entry of a buffer. Here each becomes the same thing, by the check of its field: a scalar of the default float
dtype, or `ExactSteps`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import jax
import numpy as np

from .checks import shortened
from .evaluation import Buffers, Layout, pack, unpack
from .lowered import Lowered, Record
from .node import Check, Node, is_steps, static
from .scalars import ExactSteps, Length, Scalar, Wide, exact, is_integral, lowered_steps, real
from .time import Time

if TYPE_CHECKING:
    from .schedule import Schedule


def _exact(value: object, check: Check | None) -> object:
    """A node with its whole numbers past int32 exact."""
    if isinstance(value, Node):
        made = object.__new__(type(value))
        vars(made).update({name: _exact(vars(value)[name], value._checks[name]) for name in value._fields})
        return made
    if isinstance(value, (tuple, list, dict)):
        return _mapped(lambda item: _exact(item, check), value)
    return lowered_steps(cast(Scalar, value)) if check is not None and is_steps(check) else value


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
    """A child of a user-defined node, lowered, and its numbers for the node to read.

    Concrete numbers are in two buffers, so those that ``evaluate`` does not read add nothing to a program.
    """

    lowered: Lowered
    numbers: Buffers | list[Scalar]
    layout: Layout = static()  # of buffers
    structure: Hashable = static()
    cls: type[Node] = static()

    @classmethod
    def of(cls, schedule: Schedule) -> Child:
        """A schedule as a child."""
        leaves, structure = jax.tree.flatten(_exact(schedule, None))
        concrete = all(isinstance(x, (int, float, np.generic)) for x in leaves)
        numbers, layout = pack(leaves) if concrete else (leaves, ())
        return cls(schedule.lower(), numbers, layout, structure, type(schedule))

    def evaluate(self, time: Time) -> jax.Array:
        return self.lowered.evaluate(time)

    def as_received(self) -> Node:
        """The child as ``evaluate`` receives it. Its numbers are unpacked when one is read."""
        return _child(self.cls, lambda: self.lowered, self._node)

    def _node(self) -> Node:
        numbers = self.numbers
        leaves = numbers if isinstance(numbers, list) else unpack(numbers, self.layout)
        return jax.tree.unflatten(self.structure, leaves)


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
        ExactSteps(number)
        if is_steps(check) and not isinstance(number, float) and is_integral(number)
        else real(number)
    )
