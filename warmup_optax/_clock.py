"""Schedules that count something else than updates: examples, parts of an update, epochs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from . import _checks
from ._schedule import Number, Schedule, taken
from ._time import Time, is_whole, real


class SpeedUp(Schedule):
    """Made by `speed_up`."""

    schedule: Schedule
    factor: Number

    def evaluate(self, time: Time) -> Any:
        count, factor = time.count, self.factor
        if is_whole(count) and is_whole(factor):
            # Whole counts stay whole, and are held where the product would no longer be one.
            factor = jnp.maximum(jnp.asarray(factor, count.dtype), 1)
            largest = jnp.asarray(jnp.iinfo(count.dtype).max, count.dtype)
            count = jnp.minimum(count, jax.lax.div(largest, factor)) * factor
        else:
            count = real(count) * real(factor)
        return self.schedule.evaluate(Time(count, time.unit))


def speed_up(schedule: Any, factor: Number) -> SpeedUp:
    r"""A schedule that goes ``factor`` counts forward with every update.

    .. math:: v(c) = s(k c)

    For a schedule written in examples, with the batch size as the factor; and for phases that do not last
    whole numbers of updates: 2.5 updates are 5 counts of a schedule that is sped up by 2.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      factor: :math:`k`, a whole number >= 1. Both counts stay whole, so nothing is rounded.

    Returns:
      A `Schedule`. Where ``factor * count`` would leave int32 (at two thousand million examples, say) it is
      held: a schedule that has ended by then does not notice.

    Raises:
      ValueError: If ``factor`` is not a whole number >= 1.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.speed_up(wo.linear(0.0, 1.0, 5), 2)([0, 1, 2, 3]).round(1).tolist()
    [0.0, 0.4000000059604645, 0.800000011920929, 1.0]
    """
    schedule = taken("speed_up", "schedule", schedule)
    return SpeedUp(schedule, _checks.steps("speed_up", "factor", factor, at_least=1))


class Staircase(Schedule):
    """Made by `staircase`."""

    schedule: Schedule
    steps: Number

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(Time(time.cycle(self.steps)[0]))


def staircase(schedule: Any, steps: Number) -> Staircase:
    r"""A schedule that goes one count forward every ``steps`` updates: once an epoch, say.

    .. math:: v(c) = s(\lfloor c / n \rfloor)

    Args:
      schedule: :math:`s`, written in epochs (or whatever has ``steps`` updates): a schedule, a function of a
        count, or a number.
      steps: :math:`n`, in optimizer updates, a whole number >= 1.

    Returns:
      A `Schedule`, constant between multiples of ``steps``. PyTorch's and timm's schedulers give this when
      they are stepped once an epoch.

    Raises:
      ValueError: If ``steps`` is not a whole number >= 1.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.staircase(wo.linear(1.0, 0.0, 4), 100)([0, 99, 100, 399, 400]).tolist()
    [1.0, 1.0, 0.75, 0.25, 0.0]
    """
    schedule = taken("staircase", "schedule", schedule)
    return Staircase(schedule, _checks.steps("staircase", "steps", steps, at_least=1))
