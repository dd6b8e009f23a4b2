"""What a schedule is evaluated as: its numbers worked out, its phases grouped into tables."""

from __future__ import annotations

import abc
import dataclasses
import inspect
import typing
from typing import Any, ClassVar

import jax

from .node import register_pytree, static
from .time import Time


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static,))
class Record:
    """A frozen value that is a pytree: its fields are children, those marked with `static` structure.

    A dataclass to a checker. `dataclasses` would compile three methods for each of thirty classes, a sixth of
    the time that the library takes to import.
    """

    _names: ClassVar[tuple[str, ...]] = ()
    _static_names: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        own = tuple(inspect.get_annotations(cls))
        given = {name: vars(cls)[name] for name in own if name in vars(cls)}
        for name in given:  # an instance has the value
            delattr(cls, name)
        marked = tuple(name for name, value in given.items() if isinstance(value, dataclasses.Field))
        cls._names, cls._static_names = cls._names + own, cls._static_names + marked
        cls._defaults = cls._defaults | {name: x for name, x in given.items() if name not in marked}
        data = tuple(name for name in cls._names if name not in cls._static_names)
        register_pytree(cls, data, cls._static_names)

    if not typing.TYPE_CHECKING:

        def __init__(self, *values: Any, **named: Any) -> None:
            fields = self.__dict__
            fields.update(self._defaults, **named)
            fields.update(zip(self._names, values, strict=False))
            if len(fields) != len(self._names):
                raise TypeError(f"{type(self).__name__} takes {', '.join(self._names)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


class Lowered(Record, abc.ABC):
    """A schedule as it is evaluated: numbers, and other `Lowered` objects."""

    @abc.abstractmethod
    def evaluate(self, time: Time) -> jax.Array:
        """The value at a local time: one scalar in, one scalar out."""
