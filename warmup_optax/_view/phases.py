"""The phases of a schedule in absolute counts, and the number of steps to show."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import jax
import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.phases import CONSTANT as CONSTANT
from .._core.phases import FAR as FAR
from .._core.phases import JUMPS as JUMPS
from .._core.phases import Phase as Phase
from .._core.phases import View, with_next
from .._core.schedule import Schedule
from .._core.types import ScheduleLike
from .._shapes.endless import Exponential
from .sample import to_look_at, values_at

CYCLES = 4  # the number of cycles to show if they never end


def _value(schedule: Schedule, count: float) -> Callable[[], float]:
    """Return a function that evaluates the schedule at ``count``, a local count."""
    return lambda: float(values_at(schedule, np.asarray(max(count, 0))))


def concrete(where: str, schedule: ScheduleLike) -> Schedule:
    """Return the schedule with Python numbers, for the function ``where``, which reads them on the host."""
    schedule = as_schedule_argument(where, "schedule", to_look_at(schedule))
    leaves = jax.tree.leaves(schedule)
    if any(map(checks.is_traced, leaves)):
        allowed, fix = "of known numbers", f"these are traced: call {where} outside of jit and vmap"
        checks.raise_bad_argument(where, "schedule", schedule, allowed, fix, error=TypeError)
    if any(np.shape(leaf) for leaf in leaves):
        fix = "this is a stack: give one of the schedules that unstack() gives"
        checks.raise_bad_argument(where, "schedule", schedule, "one schedule", fix)
    return jax.tree.map(
        lambda x: x if isinstance(x, (int, float)) else np.asarray(jax.device_get(x)).item(), schedule
    )


def phases(schedule: Schedule) -> Iterator[Phase]:
    """Yield the phases that contain at least one count >= 0. There may be infinitely many."""
    for phase, following in with_next(schedule.walk(View(_value))):
        if following is None or following.first > phase.first:
            yield phase


def horizon(schedule: Schedule) -> int:
    """Return a number of steps to show: up to the end of the schedule, or a part of one that never ends."""
    found = list(itertools.islice(phases(schedule), 2**10))
    last = found[-1]
    if last.again:
        cycles = [phase.first for phase in found if phase.cause == "cycle" and phase.first > 0]
        return cycles[:CYCLES][-1] if cycles else max(last.first, 1)
    end = min(last.first, int(FAR) // 4)
    if last.cause == "end" and len(found) > 1:
        before, after = values_at(schedule, np.array([min(found[-2].first, end), end]))
        return end if after < before else 2 * end  # what a curve has risen to is held for a purpose
    if last.shape == CONSTANT:
        return end + end // 4 or 100
    return int(4 * max(end, min(_longest(schedule), FAR / 4), 25))


def _longest(node: object) -> float:
    """Return the largest number of steps of any node in a schedule."""
    if isinstance(node, tuple):
        return max(map(_longest, node), default=0)
    if not isinstance(node, Schedule):
        return 0
    if isinstance(node, Exponential):
        return node.transition_steps / max(abs(math.log(node.decay_rate)), 1e-6)
    fields = node._arguments().items()
    ours = [x for name, x in fields if name.endswith(("steps", "timescale", "period"))]
    own = [x for x in ours if isinstance(x, (int, float))]
    return max([0, *own, *(_longest(value) for _, value in fields)])
