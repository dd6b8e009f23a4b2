"""The lowered form of a schedule, for evaluation: its numbers computed, its phases grouped into tables."""

from __future__ import annotations

import abc
import dataclasses
import typing
from typing import ClassVar

import jax

from .node import register_pytree, static
from .time import Time


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static,))
class Record:
    """A frozen dataclass that is a pytree: its fields are children, those marked with `static` structure.

    All records share one constructor. Compiling three methods for each of thirty classes was a sixth of the time
    that the library takes to import.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()  # the names of the fields
    _defaults: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(init=False, eq=False, repr=False)(cls)
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        cls._defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
        marked = tuple(f.name for f in fields if f.metadata.get("static"))
        register_pytree(cls, tuple(f.name for f in fields if f.name not in marked), marked)

    if not typing.TYPE_CHECKING:

        def __init__(self, *values: object, **named: object) -> None:
            fields, names = vars(self), self.__match_args__
            fields.update(self._defaults, **named)
            fields.update(zip(names, values, strict=False))
            if fields.keys() != set(names) or len(values) > len(names):
                raise TypeError(f"{type(self).__name__} takes {', '.join(names)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


class Lowered(Record, abc.ABC):
    """A schedule as it is evaluated: numbers, and other `Lowered` objects."""

    @abc.abstractmethod
    def evaluate(self, time: Time) -> jax.Array:
        """The value at a local time: one scalar in, one scalar of the default float dtype out."""
