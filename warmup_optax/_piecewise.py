"""Shapes given by a table: steps and straight lines between knots, of any number, in one gather."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from . import _checks
from ._numerics import table
from ._schedule import Number, Schedule
from ._time import UNROLLED, Time, real, take


class PiecewiseConstant(Schedule):
    """Made by `piecewise_constant`."""

    values: tuple[Number, ...]
    boundaries: tuple[Number, ...]

    def prepare(self) -> PiecewiseConstant:
        if len(self.boundaries) <= UNROLLED or not isinstance(self.boundaries, tuple):
            return self
        return dataclasses.replace(self, values=table(self.values), boundaries=table(self.boundaries))

    def evaluate(self, time: Time) -> Any:
        if isinstance(self.boundaries, tuple):
            value = real(self.values[0])
            for boundary, later in zip(self.boundaries, self.values[1:], strict=True):
                value = jnp.where(time.reached(boundary), real(later), value)
            return value
        return take(real(self.values), time.locate(self.boundaries))


def piecewise_constant(values: Any, boundaries: Any) -> PiecewiseConstant:
    r"""Steps: a value for each phase between boundaries.

    .. math:: v(t) = \text{values}[i] \quad\text{for}\quad b_{i-1} \le t < b_i

    Args:
      values: The learning rate of each phase, absolute (Optax takes factors that multiply up). A sequence
        of finite numbers, at least one.
      boundaries: The counts at which the next value begins, in optimizer updates: whole numbers >= 0,
        strictly increasing, one fewer than ``values``. At a boundary the *new* value holds, as in Optax,
        PyTorch and Paddle; Keras and TF Model Garden change one update later.

    Returns:
      A `Schedule`, exactly one of ``values`` everywhere: the first before the first boundary and before 0,
      the last from the last boundary on.

    Raises:
      ValueError: If the lengths do not fit, the boundaries are not increasing, or a number is bad.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.piecewise_constant([1.0, 0.5, 0.25], [10, 20])([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    values = _checks.numbers("piecewise_constant", "values", values)
    if not values:
        raise ValueError("piecewise_constant: values must hold at least one number, got none")
    return PiecewiseConstant(
        values, _checks.boundaries("piecewise_constant", boundaries, phases=len(values), phase_name="values")
    )


class PiecewiseLinear(Schedule):
    """Made by `piecewise_linear`."""

    values: tuple[Number, ...]
    boundaries: tuple[Number, ...]

    def prepare(self) -> PiecewiseLinear:
        if not isinstance(self.boundaries, tuple):
            return self
        return dataclasses.replace(self, values=table(self.values), boundaries=table(self.boundaries))

    def evaluate(self, time: Time) -> Any:
        values, boundaries = real(self.values), jnp.asarray(self.boundaries)
        knots = boundaries.shape[0]
        reached = time.locate(boundaries)
        left = jnp.clip(reached - 1, 0, max(knots - 2, 0))
        right = jnp.minimum(left + 1, knots - 1)
        start, end = take(boundaries, left), take(boundaries, right)
        p, q = time.since(start).progress(end - start)
        between = take(values, left) * q + take(values, right) * p
        # At a knot and outside the value is selected: it is the user's number.
        held = jnp.where(reached == 0, values[0], values[knots - 1])
        inside = jnp.where(time.since(start).started(), between, take(values, left))
        return jnp.where((reached == 0) | (reached == knots), held, inside)


def piecewise_linear(values: Any, boundaries: Any) -> PiecewiseLinear:
    r"""Straight lines between knots, held outside them.

    .. math:: v(t) = y_i \frac{b_{i+1} - t}{b_{i+1} - b_i} + y_{i+1} \frac{t - b_i}{b_{i+1} - b_i}
              \quad\text{for}\quad b_i \le t < b_{i+1}

    Args:
      values: :math:`y_i`, the learning rate at each knot, exactly: a sequence of finite numbers, at least
        one.
      boundaries: :math:`b_i`, the counts of the knots, in optimizer updates: whole numbers >= 0, strictly
        increasing, as many as ``values``.

    Returns:
      A `Schedule`. The first value holds up to the first knot, the last from the last knot on. Within 8 ULP
      between knots of one sign.

    Raises:
      ValueError: If the lengths differ, the boundaries are not increasing, or a number is bad.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.piecewise_linear([0.0, 1.0, 0.5], [0, 4, 8])([0, 1, 4, 6, 9]).tolist()
    [0.0, 0.25, 1.0, 0.75, 0.5]
    """
    where = "piecewise_linear"
    values = _checks.numbers(where, "values", values)
    boundaries = _checks.sequence(where, "boundaries", boundaries, "a sequence of whole numbers of steps")
    if not values or len(values) != len(boundaries):
        raise ValueError(
            f"{where}: boundaries must be as many as values, at least one of each, got {len(values)} values "
            f"and {len(boundaries)} boundaries; each boundary is the count at which its value is reached"
        )
    return PiecewiseLinear(values, _checks.increasing(where, boundaries))
