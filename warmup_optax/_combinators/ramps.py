"""Ramps that meet a schedule at its value: a warmup before it, a cooldown after it."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias, cast, final

import jax

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.lowered import Lowered
from .._core.node import Node, checked, static, unchecked
from .._core.phases import CONSTANT, Phase, View, delayed, window
from .._core.scalars import Length, Numeric, Scalar, lowered_steps, select
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, NumberField, ScheduleField, ScheduleLike, ShapeLike, Steps
from .._shapes.finite import linear

Option: TypeAlias = Numeric | str | None  # what a `functools.partial` may fix


@final
class Shape(Node):
    """A shape as an argument: a function, and the keyword arguments that a `functools.partial` fixed.

    Fixed numbers are leaves, like any other number. Fixed strings, bools and ``None`` are static.
    """

    function: Callable[..., Schedule] = static()
    words: tuple[tuple[str, str | bool | None], ...] = static(default=())
    names: tuple[str, ...] = static(default=())
    numbers: tuple[Numeric, ...] = ()

    def __call__(self, init_value: Scalar, end_value: Scalar, steps: Length) -> Schedule:
        """Build the shape between two values."""
        return self.function(init_value, end_value, steps, **self.options())

    def options(self) -> dict[str, Option]:
        """Return the keyword arguments that the partial fixed."""
        return dict(zip(self.names, self.numbers, strict=True)) | dict(self.words)

    @property
    def name(self) -> str:
        """The name of the function."""
        return getattr(self.function, "__name__", "function")

    def between(self, init_value: Scalar, end_value: Scalar, steps: Length) -> Lowered:
        """Return the lowered shape between two values, which may be traced or batched."""
        with unchecked():
            return self(init_value, end_value, steps).lower()

    def __repr__(self) -> str:
        fixed = ", ".join(f"{k}={v!r}" for k, v in self.options().items())
        name = getattr(self.function, "__name__", repr(self.function))
        return f"functools.partial({name}, {fixed})" if fixed else name


if TYPE_CHECKING:
    from .._core.types import Field

    ShapeField: TypeAlias = Field[Shape, ShapeLike]
else:
    ShapeField: TypeAlias = Shape

_FIX = "pass linear, cosine, another finite shape, or a functools.partial of one"


def shape_argument(where: str, name: str, shape: object) -> Shape:
    """Check that the argument is a function ``(init_value, end_value, steps)``, and return it as a `Shape`."""
    allowed = "a function that makes a shape"
    if isinstance(shape, Shape):
        return shape
    if isinstance(shape, Schedule):
        checks.raise_bad_argument(where, name, shape, allowed, _FIX, error=TypeError)
    if isinstance(shape, functools.partial) and not shape.args:
        words = {k: v for k, v in shape.keywords.items() if v is None or isinstance(v, (str, bool))}
        others = {k: v for k, v in sorted(shape.keywords.items()) if k not in words}
        numbers = tuple(checks.number(where, f"{name}'s {k}", v) for k, v in others.items())
        return Shape(shape.func, tuple(sorted(words.items())), tuple(others), numbers)
    checks.function(where, name, shape, allowed=allowed, fix=_FIX)
    return Shape(cast(Callable[..., Schedule], shape))


def try_shape(
    where: str, name: str, shape: Shape, init_value: Scalar, end_value: Scalar, steps: Length, /, **names: str
) -> None:
    """Build the shape once, so that its argument errors are raised at construction, under the name ``where``."""
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


@final
class WithWarmup(Schedule, kind="with_warmup"):
    """Made by `with_warmup`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    steps: NumberField = checked(checks.steps)
    init_value: NumberField = checked(checks.number, default=0.0)
    shape: ShapeField = checked(shape_argument, default=Shape(linear))
    overlap: bool = checked(checks.boolean, default=False, static=True)

    def _check_together(self) -> None:
        try_shape(self._kind, "shape", self.shape, self.init_value, 1.0, self.steps)

    def lower(self) -> Lowered:
        steps = lowered_steps(self.steps)
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
        # During the warmup the time of the schedule stays at the handover. So one evaluation gives both the
        # end value of the warmup and the value after it.
        after = time.clamp(self.steps, None) if self.overlap else time.after(self.steps)
        value = self.schedule.evaluate(after)
        warmup = self.shape.between(self.init_value, value, self.steps).evaluate(time)
        return select(time.reached(self.steps), value, warmup)


@checks.by_name
def with_warmup(
    schedule: ScheduleLike,
    *,
    steps: Steps,
    init_value: Number = 0.0,
    shape: ShapeLike = linear,
    overlap: bool = False,
) -> WithWarmup:
    r"""Add a warmup to any schedule. It ramps to the value of the schedule, so the curve is continuous.

    .. math::
      v(c) = \text{shape}(I, s(h), W)(c) \ \text{for}\ c < W

      v(c) = s(c - W) \ \text{(with overlap, } s(c) \text{) for}\ c \ge W

    The handover is at :math:`h = 0`, or at :math:`h = W` with overlap.

    At the last warmup update, ``c = steps - 1``, the value is one step of ``shape`` short of the value at the
    handover.

    Typical: 2000 steps (Llama, Touvron et al. 2023), or 5 epochs (ResNet-50, Goyal et al. 2017). See also
    `with_cooldown`, `warmup_cosine` and the other recipes, `adam_warmup_steps`, and :doc:`/guides/which`.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`W`, the number of warmup updates, a whole number >= 0. With 0 there is no warmup.
      init_value: :math:`I`, the learning rate of the first update. Any finite number that ``shape`` accepts.
      shape: The curve of the warmup: a finite shape such as `linear` or `cosine`, or a ``functools.partial`` of
        one, such as ``partial(polynomial, power=2, origin="init")``. Any other function
        ``(init_value, end_value, steps)`` that returns a schedule works as well.
      overlap: If false, the schedule starts at its count 0 after the warmup (Optax, Hugging Face). If true, the
        schedule runs from count 0, and the warmup replaces its first ``steps`` updates (TF Model Garden,
        MediaPipe).

    Returns:
      A `Schedule`. The warmup reaches the value of ``schedule`` at ``count == steps``. The value at 0 applies
      before 0.

    Raises:
      ValueError: If ``steps`` is negative or not whole, or ``init_value`` is not finite or not accepted by
        ``shape``.
      TypeError: If ``schedule`` is not a schedule, a function or a number, ``shape`` is not a function that
        returns a schedule, ``steps`` or ``init_value`` is not a number, or ``overlap`` is not a bool.

    >>> import warmup_optax as wo
    >>> decay = wo.linear(1.0, 0.0, 10)
    >>> wo.with_warmup(decay, steps=5)([0, 1, 5, 10, 15]).round(1).tolist()
    [0.0, 0.20000000298023224, 1.0, 0.5, 0.0]
    >>> wo.with_warmup(decay, steps=5, overlap=True)([0, 5, 10]).tolist()
    [0.0, 0.5, 0.0]
    """
    return WithWarmup(schedule, steps, init_value, shape, overlap)


@final
class WithCooldown(Schedule, kind="with_cooldown"):
    """Made by `with_cooldown`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    begin: NumberField = checked(checks.steps)
    steps: NumberField = checked(checks.steps)
    end_value: NumberField = checked(checks.number, default=0.0)
    shape: ShapeField = checked(shape_argument, default=Shape(linear))

    def _check_together(self) -> None:
        try_shape(self._kind, "shape", self.shape, 1.0, self.end_value, self.steps)

    def lower(self) -> Lowered:
        begin, steps = lowered_steps(self.begin), lowered_steps(self.steps)
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
        # After `begin` the time of the schedule stays at `begin`. Its value there is where the cooldown starts.
        value = self.schedule.evaluate(time.clamp(None, self.begin))
        cooldown = self.shape.between(value, self.end_value, self.steps).evaluate(time.after(self.begin))
        return select(time.reached(self.begin), cooldown, value)


@checks.by_name
def with_cooldown(
    schedule: ScheduleLike,
    *,
    begin: Steps,
    steps: Steps,
    end_value: Number = 0.0,
    shape: ShapeLike = linear,
) -> WithCooldown:
    r"""Add a cooldown to any schedule, starting from its value at ``begin``. Also known as an annealing phase.

    .. math::
      v(c) = s(c) \ \text{for}\ c < b

      v(c) = \text{shape}(s(b), E, n)(c - b) \ \text{for}\ c \ge b

    At the last update, ``c = begin + steps - 1``, the value is one step of ``shape`` short of ``end_value``.

    Typical: 10 % to 20 % of the run (Hägele et al. 2024). See also `warmup_stable_decay`, which plans the
    cooldown from the start, `one_minus_sqrt`, and :doc:`/guides/ending_a_run`.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      begin: :math:`b`, the count at which the cooldown begins, a whole number >= 0. Usually the step of a
        checkpoint.
      steps: :math:`n`, the length of the cooldown in optimizer updates, a whole number >= 0. With 0 the value
        is ``end_value`` from ``begin``.
      end_value: :math:`E`, the learning rate at ``begin + steps`` and after it. Any finite number that
        ``shape`` accepts.
      shape: The curve of the cooldown, as for `with_warmup`. In the experiments of Hägele et al. (2024),
        arXiv 2405.18392, `one_minus_sqrt` performed better than `linear`.

    Returns:
      A `Schedule`. Before ``begin`` it equals ``schedule``, so you can resume a run with it. (In another program
      XLA may fuse the same operations in another way, which can change the last bit of a value.)

    Raises:
      ValueError: If a number of steps is negative or not whole, or ``end_value`` is not finite or not accepted
        by ``shape``.
      TypeError: If ``schedule`` is not a schedule, a function or a number, ``shape`` is not a function that
        returns a schedule, or ``begin``, ``steps`` or ``end_value`` is not a number.

    >>> import warmup_optax as wo
    >>> wo.with_cooldown(wo.constant(1.0), begin=10, steps=4)([0, 10, 12, 14, 20]).tolist()
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    return WithCooldown(schedule, begin, steps, end_value, shape)
