"""Curves given by a table: constant steps, and linear or cosine interpolation between knots.

The compiled program does not grow with the number of knots, because the knots are looked up with one gather.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.lowered import Lowered
from .._core.node import checked
from .._core.phases import CONSTANT, Phase, View, causes, window
from .._core.scalars import (
    LARGEST,
    Length,
    Scalar,
    Wide,
    default_float,
    default_int,
    real,
    select,
    x64,
)
from .._core.schedule import Schedule
from .._core.tables import Moment, Table, boundaries_of, table_of, table_of_boundaries, table_of_steps, take
from .._core.time import Time
from .._core.types import Number, NumbersField, Steps
from .finite import Curve, half_cosine, linear_weights


@final
class PiecewiseConstant(Schedule, kind="piecewise_constant"):
    """Made by `piecewise_constant`."""

    values: NumbersField = checked(checks.numbers)
    boundaries: NumbersField = checked(checks.boundaries)

    def _check_together(self) -> None:
        allowed = "one fewer than ${values}"
        checks.as_many(self._kind, "boundaries", self.boundaries, len(self.values) - 1, allowed)

    def lower(self) -> Lowered:
        boundaries = boundaries_of(self.boundaries)
        if type(boundaries) is tuple:
            return _Steps(self.values, boundaries)
        return _StepTable(table_of(self.values), boundaries)

    def walk(self, view: View) -> Iterator[Phase]:
        for first, value, cause in zip((0, *self.boundaries), self.values, causes("step"), strict=False):
            yield Phase(first, CONSTANT, cause, last=functools.partial(float, value))


class _Steps(Lowered):
    values: tuple[Scalar, ...]
    boundaries: tuple[Length, ...]

    def evaluate(self, time: Time) -> jax.Array:
        value = real(self.values[0])
        for boundary, later in zip(self.boundaries, self.values[1:], strict=True):
            value = select(time.reached(boundary), real(later), value)
        return value


class _StepTable(Lowered):
    values: jax.Array
    boundaries: tuple[Length, ...] | Table

    def evaluate(self, time: Time) -> jax.Array:
        return take(real(self.values), time.locate(self.boundaries))


@checks.by_name
def piecewise_constant(values: Sequence[Number], boundaries: Sequence[Steps]) -> PiecewiseConstant:
    r"""Piecewise-constant schedule: one value for each phase. Also known as step decay, or multi-step.

    .. math:: v(t) = \text{values}[i] \quad\text{for}\quad b_{i-1} \le t < b_i

    At the last update of a run, the value is that of the last phase that has begun.

    Typical: a factor of 0.1 at epochs 30, 60 and 80 of 90 (ResNet-50, Goyal et al. 2017). See also
    `warmup_piecewise_constant`, `piecewise_linear`, `staircase`, and :doc:`/guides/which`.

    Args:
      values: The learning rate of each phase: a sequence of finite numbers, at least one. They are rates.
        (Optax takes factors that multiply the previous value.)
      boundaries: The counts at which the next value begins, in optimizer updates. A strictly increasing
        sequence of whole numbers >= 0, one fewer than ``values``. The *new* value applies at a boundary, as
        in Optax, PyTorch and Paddle. Keras and TF Model Garden change one update later.

    Returns:
      A `Schedule`, whose value is exactly one of ``values`` everywhere. The first value applies before the
      first boundary, and before 0. The last value applies at the last boundary and after it.

    Raises:
      ValueError: If there is not one more value than boundaries, a boundary is negative, not whole, or not above
        the previous one, or a value is not finite.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.piecewise_constant([1.0, 0.5, 0.25], [10, 20])([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    return PiecewiseConstant(values, boundaries)


def _between(knots: Sequence[float], name: str) -> Iterator[Phase]:
    """The phases of a curve through knots."""
    pieces = [Phase(knot, name, "knot") for knot in knots[:-1]]
    return window([Phase(-math.inf, CONSTANT), *pieces, Phase(knots[-1], CONSTANT, "end")], 0, math.inf)


@final
class PiecewiseLinear(Schedule, kind="piecewise_linear"):
    """Made by `piecewise_linear`."""

    values: NumbersField = checked(checks.numbers)
    boundaries: NumbersField = checked(checks.boundaries)

    def _check_together(self) -> None:
        _check_lengths(self)

    def lower(self) -> Lowered:
        return _LinearPieces(table_of(self.values), table_of_boundaries(self.boundaries))

    def walk(self, view: View) -> Iterator[Phase]:
        return _between(self.boundaries, self._kind.removeprefix("piecewise_"))


class _LinearPieces(Lowered):
    values: jax.Array
    boundaries: jax.Array | Wide

    def evaluate(self, time: Time) -> jax.Array:
        reached, left, right, size = _piece(time, self.boundaries, self.values)
        since, until = time.distances(take(self.boundaries, left), take(self.boundaries, right))
        return _between_knots(self.values, reached, left, right, size, since, until, linear_weights)


def _piece(time: Time, boundaries: Table, values: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, int]:
    """The number of knots reached, the indices of the knots left and right of the time, and the total number."""
    reached, size = time.locate(boundaries), values.shape[0]
    left = jnp.maximum(reached - 1, 0)
    return reached, left, jnp.minimum(left + 1, size - 1), size


def _between_knots(
    values: jax.Array,
    reached: jax.Array,
    left: jax.Array,
    right: jax.Array,
    size: int,
    since: jax.Array,
    until: jax.Array,
    weights: Curve,
) -> jax.Array:
    """The value, given the time since the left knot and the time until the right knot."""
    values, since, until = real(values), jnp.maximum(since, 0), jnp.maximum(until, 0)
    length = since + until
    safe = jnp.where(length > 0, length, 1)
    of_left, of_right = weights(since / safe, until / safe)
    # At a knot and outside the knots the value is selected, so that it is exactly the given number.
    between = jnp.where(
        since > 0, take(values, left) * of_left + take(values, right) * of_right, take(values, left)
    )
    outside = jnp.where(reached == 0, values[0], values[size - 1])
    return jnp.where((reached == 0) | (reached == size), outside, between)


def _check_lengths(node: PiecewiseLinear | PiecewiseCosine) -> None:
    allowed = "one for each of ${values}: the count at which the value is reached"
    checks.as_many(node._kind, "boundaries", node.boundaries, len(node.values), allowed)


@checks.by_name
def piecewise_linear(values: Sequence[Number], boundaries: Sequence[Steps]) -> PiecewiseLinear:
    r"""Linear interpolation between knots, constant outside them.

    .. math:: v(t) = y_i \frac{b_{i+1} - t}{b_{i+1} - b_i} + y_{i+1} \frac{t - b_i}{b_{i+1} - b_i}
              \quad\text{for}\quad b_i \le t < b_{i+1}

    At the last update before a knot, the value is one step of the linear ramp short of the value of the knot.

    Typical: 0, 0.4 and 0 at epochs 0, 5 and 24 (ResNet on CIFAR-10, Page 2018). See also `join`,
    `piecewise_constant`, `shapes.piecewise_cosine`, and :doc:`/guides/learning`.

    Args:
      values: :math:`y_i`, the learning rate at each knot, exactly: a sequence of finite numbers, at least
        one.
      boundaries: :math:`b_i`, the count of each knot, in optimizer updates. A strictly increasing sequence of
        whole numbers >= 0, one for each value.

    Returns:
      A `Schedule`. The first value applies up to the first knot, and the last value from the last knot.
      Between two values of the same sign it is accurate to 8 ULP.

    Raises:
      ValueError: If the lengths differ, a boundary is negative, not whole, or not above the previous one, or a
        value is not finite.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.piecewise_linear([0.0, 1.0, 0.5], [0, 4, 8])([0, 1, 4, 6, 9]).tolist()
    [0.0, 0.25, 1.0, 0.75, 0.5]
    """
    return PiecewiseLinear(values, boundaries)


@final
class PiecewiseCosine(Schedule, kind="piecewise_cosine"):
    """Made by `piecewise_cosine`."""

    values: NumbersField = checked(checks.numbers)
    boundaries: NumbersField = checked(checks.numbers)

    def _check_together(self) -> None:
        _check_lengths(self)
        checks.increasing(self._kind, "boundaries", self.boundaries)
        for i in (0, -1):
            if not checks.is_traced(self.boundaries[i]) and abs(self.boundaries[i]) >= LARGEST:
                i, allowed = i % len(self.boundaries), "within 2^61 of 0"
                checks.raise_bad_argument(self._kind, f"boundaries[{i}]", self.boundaries[i], allowed)

    def lower(self) -> Lowered:
        if all(isinstance(x, (int, float)) for x in self.boundaries):
            before = tuple(map(math.floor, self.boundaries))
            parts = [float(knot - whole) for knot, whole in zip(self.boundaries, before, strict=True)]
            knots = Moment(table_of_steps(before), np.asarray(parts, default_float()))
        else:
            reals = real(table_of(self.boundaries))
            before = jnp.floor(reals)
            knots = Moment(before.astype(default_int()) if x64() else Wide.of(before), reals - before)
        return _CosinePieces(table_of(self.values), knots)

    def walk(self, view: View) -> Iterator[Phase]:
        return _between(self.boundaries, self._kind.removeprefix("piecewise_"))


class _CosinePieces(Lowered):
    values: jax.Array
    knots: Moment

    def evaluate(self, time: Time) -> jax.Array:
        reached, left, right, size = _piece(time, self.knots, self.values)
        before, after = take(self.knots, left), take(self.knots, right)
        since, until = time.distances(before.whole, after.whole)
        since, until = since - before.part, until + after.part
        return _between_knots(self.values, reached, left, right, size, since, until, half_cosine)


@checks.by_name
def piecewise_cosine(values: Sequence[Number], boundaries: Sequence[Number]) -> PiecewiseCosine:
    r"""Cosine interpolation between knots, constant outside them: `piecewise_linear`, but flat at each knot.

    .. math:: v(t) = y_i \cos^2 \left(\tfrac\pi2 p\right) + y_{i+1} \sin^2 \left(\tfrac\pi2 p\right),
              \qquad p = \frac{t - b_i}{b_{i+1} - b_i} \quad\text{for}\quad b_i \le t < b_{i+1}

    At the last update before a knot, the value is close to that of the knot.

    See also `piecewise_linear`, `cosine`, `one_cycle`, and :doc:`/coming_from/torch`.

    Args:
      values: :math:`y_i`, the learning rate at each knot, exactly: a sequence of finite numbers, at least
        one.
      boundaries: :math:`b_i`, the time of each knot, in optimizer updates. A strictly increasing sequence of
        finite numbers, one for each value. A knot may be fractional, or before 0. (PyTorch puts the peak of a
        one-cycle of 25 steps at 6.5.)

    Returns:
      A `Schedule`. The first value applies up to the first knot, and the last value from the last knot.
      Between two values of the same sign it is accurate to 8 ULP.

    Raises:
      ValueError: If the lengths differ, a boundary is not above the previous one or not within 2^61 of 0, or a
        value is not finite.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.shapes.piecewise_cosine([0.0, 1.0, 0.5], [0, 2, 4.5])([0, 1, 2, 5]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return PiecewiseCosine(values, boundaries)
