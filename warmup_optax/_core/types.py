"""The types of arguments, and of fields that store a converted argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing import Generic, Protocol, SupportsFloat, TypeVar, overload

    import jax
    from jax.typing import ArrayLike

    from .node import Node
    from .schedule import Schedule

    class _HasJaxArray(Protocol):
        def __jax_array__(self) -> jax.Array: ...

    Number: TypeAlias = SupportsFloat  # what float() takes: JAX's arrays, and so traced scalars, too
    Steps: TypeAlias = SupportsFloat
    Count: TypeAlias = ArrayLike | _HasJaxArray | Sequence[float] | Sequence[Sequence[float]]
    ScheduleLike: TypeAlias = "Schedule" | Callable[..., ArrayLike | SupportsFloat] | SupportsFloat
    ShapeLike: TypeAlias = Callable[..., "Schedule"]  # a finite shape: of two values and a length

    G = TypeVar("G")
    S = TypeVar("S")

    class Field(Generic[G, S]):
        """A field that is given an ``S``, and whose value is a ``G``."""

        @overload
        def __get__(self, instance: None, owner: type) -> Field[G, S]: ...
        @overload
        def __get__(self, instance: Node, owner: type) -> G: ...
        def __get__(self, instance: Node | None, owner: type) -> Field[G, S] | G: ...
        def __set__(self, instance: Node, value: S) -> None: ...

    NumberField: TypeAlias = Field[float, Number]
    OptionalField: TypeAlias = Field[float | None, Number | None]
    NumbersField: TypeAlias = Field[tuple[float, ...], Sequence[Number]]
    OptionalNumbersField: TypeAlias = Field[tuple[float, ...] | None, Sequence[Number] | None]
    ScheduleField: TypeAlias = Field["Schedule", ScheduleLike]
    SchedulesField: TypeAlias = Field[tuple["Schedule", ...], Sequence[ScheduleLike]]
else:  # what a command line that is made from a signature can parse
    Number: TypeAlias = float
    Steps: TypeAlias = int
    Count: TypeAlias = float
    ScheduleLike: TypeAlias = float
    ShapeLike: TypeAlias = Callable
    NumberField: TypeAlias = float
    OptionalField: TypeAlias = float | None
    NumbersField: TypeAlias = tuple[float, ...]
    OptionalNumbersField: TypeAlias = tuple[float, ...] | None
    ScheduleField: TypeAlias = "Schedule"
    SchedulesField: TypeAlias = tuple["Schedule", ...]
