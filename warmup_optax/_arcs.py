"""Half cosines between knots that need not be whole counts."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np

from . import _checks
from ._node import prepared
from ._numerics import table
from ._schedule import Number, Schedule
from ._time import Time, default_float, default_int, real, take


class PiecewiseCosine(Schedule):
    """Made by `piecewise_cosine`."""

    values: tuple[Number, ...]
    boundaries: tuple[Number, ...]
    # A boundary is a whole count and a part of a step after it, so that a part does not drown in a large
    # count; and the first count that is not before it.
    wholes: Any = prepared(default=None)
    parts: Any = prepared(default=None)
    firsts: Any = prepared(default=None)

    def prepare(self) -> PiecewiseCosine:
        if self.wholes is not None:
            return self
        concrete = all(isinstance(x, (int, float)) for x in self.boundaries)
        xp: Any = np if concrete else jnp
        boundaries = np.asarray(self.boundaries, np.float64) if concrete else real(table(self.boundaries))
        parts = boundaries - xp.floor(boundaries)
        wholes, firsts = (x.astype(default_int()) for x in (xp.floor(boundaries), xp.ceil(boundaries)))
        parts = parts.astype(default_float())
        return dataclasses.replace(
            self, values=table(self.values), boundaries=(), wholes=wholes, parts=parts, firsts=firsts
        )

    def evaluate(self, time: Time) -> Any:
        values, knots = real(self.values), self.firsts.shape[0]
        # A whole count has passed a knot from the next whole count on.
        reached = time.locate(self.firsts if time.whole else real(self.wholes) + self.parts)
        left = jnp.clip(reached - 1, 0, max(knots - 2, 0))
        right = jnp.minimum(left + 1, knots - 1)
        begin, end = take(self.wholes, left), take(self.wholes, right)
        after_begin, after_end = take(self.parts, left), take(self.parts, right)
        # From whole counts and a part. Outside the knots the value is selected: there is no angle there.
        since, until = time.between(begin, end)
        elapsed, remaining = jnp.maximum(since - after_begin, 0), jnp.maximum(until + after_end, 0)
        length = real(jnp.maximum(end - begin, 0)) + (after_end - after_begin)
        quarter = real(np.pi / 2) / jnp.where(length > 0, length, 1)
        of_init, of_end = jnp.square(jnp.sin(quarter * remaining)), jnp.square(jnp.sin(quarter * elapsed))
        between = take(values, left) * of_init + take(values, right) * of_end
        # At a knot and outside the value is selected: it is the user's number.
        inside = jnp.where(elapsed > 0, between, take(values, left))
        held = jnp.where(reached == 0, values[0], values[knots - 1])
        return jnp.where((reached == 0) | (reached == knots), held, inside)


def piecewise_cosine(values: Any, boundaries: Any) -> PiecewiseCosine:
    r"""Half cosines between knots, held outside them: `piecewise_linear` with level knots.

    .. math:: v(t) = y_i \cos^2 \left(\tfrac\pi2 p\right) + y_{i+1} \sin^2 \left(\tfrac\pi2 p\right),
              \qquad p = \frac{t - b_i}{b_{i+1} - b_i} \quad\text{for}\quad b_i \le t < b_{i+1}

    Args:
      values: :math:`y_i`, the learning rate at each knot, exactly: a sequence of finite numbers, at least
        one.
      boundaries: :math:`b_i`, the times of the knots in optimizer updates, strictly increasing, as many as
        ``values``; between counts, or before 0, if need be (PyTorch puts the peak of a one-cycle of 25
        steps at 6.5).

    Returns:
      A `Schedule`. The first value holds up to the first knot, the last from the last knot on. Within 8 ULP
      between knots of one sign.

    Raises:
      ValueError: If the lengths differ, the boundaries are not increasing, or a number is bad.
      TypeError: If an argument is not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.piecewise_cosine([0.0, 1.0, 0.5], [0, 2, 4.5])([0, 1, 2, 5]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    where = "piecewise_cosine"
    values = _checks.numbers(where, "values", values)
    boundaries = _checks.numbers(where, "boundaries", boundaries)
    if not values or len(values) != len(boundaries):
        raise ValueError(
            f"{where}: boundaries must be as many as values, at least one of each, got {len(values)} values "
            f"and {len(boundaries)} boundaries; each boundary is the time at which its value is reached"
        )
    for i, (left, right) in enumerate(
        itertools.pairwise((-_checks.INT32_MAX, *boundaries, _checks.INT32_MAX))
    ):
        if not _checks.traced(left) and not _checks.traced(right) and left >= right:
            i = min(i, len(boundaries) - 1)
            allowed = "above the one before it, within int32"
            _checks.refuse(
                where, f"boundaries[{i}]", boundaries[i], allowed, "sort them and drop repeated ones"
            )
    return PiecewiseCosine(values, boundaries)
