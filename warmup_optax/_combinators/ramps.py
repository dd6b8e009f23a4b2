"""Ramps that meet a schedule at the schedule's own value: a warmup before it, a cooldown after it."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import Node, checked, static, unchecked
from .._core.phases import CONSTANT, Phase, View, delayed, window
from .._core.scalars import Length, Scalar, real, select, whole_number
from .._core.schedule import (
    Number,
    NumberField,
    Schedule,
    ScheduleLike,
    ShapeLike,
    Steps,
    as_schedule_argument,
)
from .._core.time import Time
from .._shapes.finite import linear


class Shape(Node):
    """A shape as an argument: the function, and what a `functools.partial` had fixed of it.

    Numbers that were fixed are leaves like any other number; words are choices.
    """

    function: Callable[..., Any] = static()
    words: tuple[tuple[str, str | bool | None], ...] = static(default=())
    names: tuple[str, ...] = static(default=())
    numbers: tuple[Any, ...] = ()

    def __call__(self, init_value: Any, end_value: Any, steps: Any) -> Any:
        """The shape between two values."""
        return self.function(init_value, end_value, steps, **self.options())

    def options(self) -> dict[str, Any]:
        """What the partial had fixed."""
        return dict(zip(self.names, self.numbers, strict=True)) | dict(self.words)

    @property
    def name(self) -> str:
        """The name of the function."""
        return getattr(self.function, "__name__", "function")

    def between(self, init_value: Any, end_value: Any, steps: Any) -> Lowered:
        """The shape between two values that may be traced or batched, lowered."""
        with unchecked():
            return self(init_value, end_value, steps).lower()

    def __repr__(self) -> str:
        fixed = ", ".join(f"{k}={v!r}" for k, v in self.options().items())
        name = getattr(self.function, "__name__", repr(self.function))
        return f"functools.partial({name}, {fixed})" if fixed else name


_FIX = "give linear, cosine, another finite shape, or functools.partial of one"


def shape_argument(where: str, name: str, shape: Any) -> Shape:
    """A function ``(init_value, end_value, steps)`` that makes a schedule."""
    allowed = "a function that makes a shape"
    if isinstance(shape, Shape):
        return shape
    if isinstance(shape, Schedule):
        checks.raise_bad_argument(where, name, shape, allowed, _FIX, error=TypeError)
    if isinstance(shape, functools.partial) and not shape.args:
        words = {k: v for k, v in shape.keywords.items() if v is None or isinstance(v, (str, bool))}
        rest = {k: v for k, v in sorted(shape.keywords.items()) if k not in words}
        numbers = tuple(checks.number(where, f"{name}'s {k}", v) for k, v in rest.items())
        return Shape(shape.func, tuple(sorted(words.items())), tuple(rest), numbers)
    return Shape(checks.function(where, name, shape, allowed=allowed, fix=_FIX))


def try_shape(
    where: str, name: str, shape: Shape, init_value: Any, end_value: Any, steps: Any, /, **names: str
) -> None:
    """Makes a shape once, so that what it refuses is refused at construction, in the words of ``where``."""
    try:
        inspect.signature(shape.function).bind(init_value, end_value, steps, **shape.options())
    except (TypeError, ValueError) as error:
        allowed = "a function of (init_value, end_value, steps)"
        fix = f"fix its other arguments with functools.partial ({error})"
        checks.raise_bad_argument(where, name, shape, allowed, fix, error=TypeError)
    with checks.renamed(where, **{key: f"{name}'s {key}" for key in shape.options()}, **names):
        made = shape(init_value, end_value, steps)
    if not isinstance(made, Schedule):
        allowed = "a function that makes a schedule"
        checks.raise_bad_argument(where, name, shape, allowed, _FIX, error=TypeError)


class WithWarmup(Schedule, kind="with_warmup"):
    """Made by `with_warmup`."""

    schedule: Schedule = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps)
    init_value: NumberField = checked(checks.number, default=0.0)
    shape: Any = checked(shape_argument, default=Shape(linear))
    overlap: bool = checked(checks.boolean, default=False, static=True)

    def _check_together(self) -> None:
        try_shape(self._kind, "shape", self.shape, self.init_value, 1.0, self.steps)

    def lower(self) -> Lowered:
        steps = whole_number(self.steps)
        return _WithWarmup(self.schedule.lower(), steps, self.init_value, self.shape, self.overlap)

    def walk(self, view: View) -> Iterator[Phase]:
        yield Phase(0, self.shape.name)
        later = view._replace(begin=max(view.begin, self.steps))
        after = delayed(self.schedule, 0 if self.overlap else self.steps, later)
        yield from window(after, self.steps, math.inf, cause="warmup")


class _WithWarmup(Lowered):
    schedule: Lowered
    steps: Length
    init_value: Scalar
    shape: Shape
    overlap: bool = static()

    def evaluate(self, time: Time) -> jax.Array:
        # Before the hand-over the schedule's time is held at it, so one evaluation is both the goal of the
        # warmup and the value after it.
        after = time.clamp(self.steps, None) if self.overlap else time.after(self.steps)
        value = real(self.schedule.evaluate(after))
        warmup = real(self.shape.between(self.init_value, value, self.steps).evaluate(time))
        return select(time.reached(self.steps), value, warmup)


def with_warmup(
    schedule: ScheduleLike,
    *,
    steps: Steps,
    init_value: Number = 0.0,
    shape: ShapeLike = linear,
    overlap: bool = False,
) -> WithWarmup:
    r"""A warmup in front of any schedule, up to the schedule's own value, so without a jump.

    .. math:: v(c) = \text{shape}(I, s(h), W)(c) \ \text{for}\ c < W, \qquad
              v(c) = s(c - W) \ \text{(or } s(c) \text{ with overlap) from } W \text{ on}

    with the hand-over :math:`h = 0`, or :math:`h = W` with overlap.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`W`, in optimizer updates, a whole number >= 0; with 0 there is no warmup.
      init_value: :math:`I`, the learning rate of the first update. Any finite number that the shape takes.
      shape: The curve of the warmup: `linear`, `cosine`, any finite shape, a ``functools.partial`` of one
        (``partial(polynomial, power=2, origin="init")``), or any function ``(init_value, end_value, steps)``
        that makes a schedule.
      overlap: False: the schedule starts after the warmup (Optax, Hugging Face). True: it has been running
        under the warmup, which hides its first ``steps`` (TF Model Garden, MediaPipe).

    Returns:
      A `Schedule`. The full rate is at ``count == steps``; before 0 the value at 0 holds.

    Raises:
      ValueError: If ``steps`` is negative or fractional, or ``init_value`` is not one the shape takes.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> decay = wo.linear(1.0, 0.0, 10)
    >>> wo.with_warmup(decay, steps=5)([0, 1, 5, 10, 15]).round(1).tolist()
    [0.0, 0.20000000298023224, 1.0, 0.5, 0.0]
    >>> wo.with_warmup(decay, steps=5, overlap=True)([0, 5, 10]).tolist()
    [0.0, 0.5, 0.0]
    """
    return WithWarmup(schedule, steps, init_value, shape, overlap)  # pyright: ignore[reportArgumentType]


class WithCooldown(Schedule, kind="with_cooldown"):
    """Made by `with_cooldown`."""

    schedule: Schedule = checked(as_schedule_argument)
    begin: NumberField = checked(checks.steps)
    steps: NumberField = checked(checks.steps)
    end_value: NumberField = checked(checks.number, default=0.0)
    shape: Any = checked(shape_argument, default=Shape(linear))

    def _check_together(self) -> None:
        try_shape(self._kind, "shape", self.shape, 1.0, self.end_value, self.steps)

    def lower(self) -> Lowered:
        begin, steps = whole_number(self.begin), whole_number(self.steps)
        return _WithCooldown(self.schedule.lower(), begin, steps, self.end_value, self.shape)

    def walk(self, view: View) -> Iterator[Phase]:
        if view.begin < self.begin:
            yield from window(self.schedule.walk(view), 0, self.begin)
        yield Phase(self.begin, self.shape.name, "cooldown")
        yield Phase(self.begin + self.steps, CONSTANT, "end" if self.steps else "step")


class _WithCooldown(Lowered):
    schedule: Lowered
    begin: Length
    steps: Length
    end_value: Scalar
    shape: Shape

    def evaluate(self, time: Time) -> jax.Array:
        # From `begin` on the schedule's time is held there: its value is where the cooldown starts.
        value = real(self.schedule.evaluate(time.clamp(None, self.begin)))
        cooldown = self.shape.between(value, self.end_value, self.steps)
        return select(time.reached(self.begin), real(cooldown.evaluate(time.after(self.begin))), value)


def with_cooldown(
    schedule: ScheduleLike,
    *,
    begin: Steps,
    steps: Steps,
    end_value: Number = 0.0,
    shape: ShapeLike = linear,
) -> WithCooldown:
    r"""Branches a cooldown off any schedule, from whatever its value is there.

    .. math:: v(c) = s(c) \ \text{for}\ c < b, \qquad
              v(c) = \text{shape}(s(b), E, n)(c - b) \ \text{from } b \text{ on}

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      begin: :math:`b`, the count at which the cooldown begins, a whole number >= 0: a checkpoint's step.
      steps: :math:`n`, the length of the cooldown in optimizer updates, a whole number >= 0; with 0 it is
        ``end_value`` from ``begin`` on.
      end_value: :math:`E`, the learning rate at ``begin + steps`` and after it. Any finite number that the
        shape takes.
      shape: The curve: as for `with_warmup`. `one_minus_sqrt` does best in the literature.

    Returns:
      A `Schedule`. Before ``begin`` it is ``schedule``, bit for bit, so a run can be resumed with it.

    Raises:
      ValueError: If a number of steps is negative or fractional, or ``end_value`` is not one the shape takes.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.with_cooldown(wo.constant(1.0), begin=10, steps=4)([0, 10, 12, 14, 20]).tolist()
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    return WithCooldown(schedule, begin, steps, end_value, shape)  # pyright: ignore[reportArgumentType]
