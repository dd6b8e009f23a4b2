"""What a schedule is evaluated as: its numbers worked out, its phases grouped into tables."""

from __future__ import annotations

import abc
import dataclasses
import typing

import jax

from .node import register_pytree, static
from .time import Time


@typing.dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static,))
class Record:
    """A frozen dataclass that is a pytree: its fields are children, those marked with `static` structure."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        marked = tuple(f.name for f in fields if f.metadata.get("static"))
        register_pytree(cls, tuple(f.name for f in fields if f.name not in marked), marked)


class Lowered(Record, abc.ABC):
    """A schedule as it is evaluated: numbers, and other `Lowered` objects."""

    @abc.abstractmethod
    def evaluate(self, time: Time) -> jax.Array:
        """The value at a local time: one scalar in, one scalar out."""
