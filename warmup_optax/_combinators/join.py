"""Join schedules one after another."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.as_schedule import schedules_argument
from .._core.lowered import Lowered, Record
from .._core.node import checked, static
from .._core.phases import Phase, View, causes, delayed, window
from .._core.scalars import Length, Scalar, lowered_steps, may_be_negative, select
from .._core.schedule import Schedule
from .._core.tables import Table, boundaries_of, shape_and_kind, table_of, take
from .._core.time import Time
from .._core.types import NumbersField, OptionalNumbersField, ScheduleLike, SchedulesField, Steps
from .clocks import Shifted


@final
class Join(Schedule, kind="join"):
    """Made by `join`."""

    schedules: SchedulesField = checked(schedules_argument)
    boundaries: NumbersField = checked(checks.boundaries)
    offsets: OptionalNumbersField = checked(checks.step_counts, at_least=None, default=None)

    def _check_together(self) -> None:
        phases, where = len(self.schedules), self._kind
        checks.as_many(where, "boundaries", self.boundaries, phases - 1, "one fewer than ${schedules}")
        if self.offsets is not None:
            allowed = "one for each of ${schedules} (or None: each phase starts at its own 0)"
            checks.as_many(where, "offsets", self.offsets, phases, allowed)

    def lower(self) -> Lowered:
        """Group the phases with the same tree structure. A group has tables as numbers, and is evaluated once."""
        count = len(self.schedules)
        starts = (0, *map(lowered_steps, self.boundaries))
        ends = (*starts[1:], None)
        if self.offsets is None:  # the time of a phase is clamped to 0 before the phase begins
            clocks = [(None, end, start, False) for start, end in zip(starts, ends, strict=True)]
        else:
            offsets, leads = map(lowered_steps, self.offsets), map(may_be_negative, self.offsets)
            clocks = list(zip(starts, ends, offsets, leads, strict=True))
        alike: dict[tuple[Hashable, Hashable], dict[int, list[Scalar]]] = {}
        for i, (schedule, (start, end, offset, leads)) in enumerate(zip(self.schedules, clocks, strict=True)):
            phase = _Phase(schedule.lower(), offset, leads, start, end)
            leaves, structure = jax.tree.flatten(phase)
            alike.setdefault((structure, tuple(map(shape_and_kind, leaves))), {})[i] = leaves
        groups = []
        for (structure, _), rows in alike.items():
            columns = zip(*rows.values(), strict=True)
            phase = jax.tree.unflatten(structure, [x[0] if len(rows) == 1 else table_of(x) for x in columns])
            groups.append(_PhaseGroup(phase, tuple(rows), count))
        boundaries = boundaries_of(self.boundaries)
        if len(groups) == count and type(boundaries) is tuple:
            return _Few(tuple(group.phase for group in groups), boundaries)
        return _Joined(tuple(groups), boundaries)

    def walk(self, view: View) -> Iterator[Phase]:
        firsts = (0, *self.boundaries)
        offsets = firsts if self.offsets is None else self.offsets
        windows = zip(
            self.schedules, firsts, (*self.boundaries, math.inf), offsets, causes("join"), strict=False
        )
        for schedule, first, end, offset, cause in windows:
            if end <= view.begin:
                continue
            at_begin = view.value(schedule, first - offset) if first > 0 else None
            at_end = view.value(schedule, end - offset)
            found = delayed(schedule, offset, view._replace(begin=max(first, view.begin)))
            yield from window(found, first, end, at_begin, at_end, cause)


class _Phase(Shifted):
    """A schedule in its phase. At the counts of other phases its value is finite, and ignored."""

    start: Length | None
    end: Length | None

    def evaluate(self, time: Time) -> jax.Array:
        return super().evaluate(time.clamp(self.start, self.end))


class _Few(Lowered):
    """A join of a few phases, each with a different tree structure."""

    phases: tuple[_Phase, ...]
    boundaries: tuple[Length, ...]

    def evaluate(self, time: Time) -> jax.Array:
        value = self.phases[0].evaluate(time)
        for phase, boundary in zip(self.phases[1:], self.boundaries, strict=True):
            value = select(time.reached(boundary), phase.evaluate(time), value)
        return value


class _PhaseGroup(Record):
    """All phases of a join with the same tree structure. Numbers are scalars, or tables with a row per phase."""

    phase: _Phase
    members: tuple[int, ...] = static()
    phases: int = static()

    def at(self, time: Time, index: jax.Array) -> jax.Array:
        """The value in phase ``index``. If another group owns that phase, the value is finite, and ignored."""
        phase = self.phase
        if len(self.members) > 1:  # never all: the last phase has no end, so its tree structure differs
            rows = np.searchsorted(self.members, np.arange(self.phases), side="right") - 1
            phase = take(phase, take(np.maximum(rows, 0).astype(np.int32), index))
        return phase.evaluate(time)

    def owns(self, index: jax.Array) -> jax.Array:
        """Return whether phase ``index`` belongs to this group."""
        first, last = self.members[0], self.members[-1]
        if last - first + 1 == len(self.members):
            return (index >= first) & (index <= last) if first < last else index == first
        return take(jnp.asarray(np.isin(np.arange(self.phases), self.members)), index)


class _Joined(Lowered):
    """A join whose phases are sorted into groups."""

    groups: tuple[_PhaseGroup, ...]
    boundaries: tuple[Length, ...] | Table

    def evaluate(self, time: Time) -> jax.Array:
        index = time.locate(self.boundaries)
        value = self.groups[0].at(time, index)
        for group in self.groups[1:]:
            value = select(group.owns(index), group.at(time, index), value)
        return value


@checks.by_name
def join(
    schedules: Sequence[ScheduleLike],
    boundaries: Sequence[Steps],
    offsets: Sequence[Steps] | None = None,
) -> Join:
    r"""Join schedules one after another, each in its own phase. Also known as a sequential schedule.

    .. math:: v(c) = s_i(c - o_i) \quad\text{for}\quad b_{i-1} \le c < b_i

    At the last update of a phase, ``c = b_i - 1``, the value is still that of :math:`s_i`. The last phase never
    ends.

    See also `with_warmup`, `with_cooldown`, `piecewise_linear`, and :doc:`/guides/resuming`.

    Args:
      schedules: :math:`s_i`, a sequence of schedules, functions of a count, or numbers. At least one.
      boundaries: :math:`b_i`, the counts at which the next phase begins. A strictly increasing sequence of
        whole numbers >= 0, one fewer than ``schedules``. A first boundary of 0 leaves the first phase empty.
      offsets: :math:`o_i`, the count at which the local time of each phase is 0. A sequence of whole numbers,
        one for each schedule. ``None``: each phase starts at its own 0 (Optax, PyTorch's SequentialLR). All 0:
        every phase receives the global count (Keras, TF Model Garden, MediaPipe, Paddle). If an offset is
        after the start of its phase, the phase stays at its first value until then. If it is before the start,
        the first steps of the schedule are skipped. An offset may be negative.

    Returns:
      A `Schedule`. The value at 0 applies before 0. The curve may jump at a boundary. For a continuous curve,
      use `with_warmup` and `with_cooldown`.

      The compiled program grows with the number of different kinds of phases, not with the number of phases.
      The numbers of a phase do not change its kind. If the join is an argument of the jitted function, the
      program grows with the number of phases, because each number is a separate argument.

    Raises:
      ValueError: If there is not one more schedule than boundaries, or not one offset for each schedule. If a
        boundary is negative, not whole, or not above the previous one, or an offset is not whole. (Optax
        accepts a wrong number of boundaries and wrong orders silently, and drops or skips a phase.)
      TypeError: If ``schedules`` is not a sequence of schedules, functions or numbers, or another argument is
        not a sequence of numbers.

    >>> import warmup_optax as wo
    >>> wo.join([wo.linear(0.0, 1.0, 4), wo.cosine(1.0, 0.0, 8)], [4])([0, 2, 4, 12]).tolist()
    [0.0, 0.5, 1.0, 0.0]
    >>> wo.join([0.0, wo.linear(0.0, 1.0, 4)], [2], offsets=[0, 0])([1, 2, 3]).tolist()
    [0.0, 0.5, 0.75]
    """
    return Join(schedules, boundaries, offsets)
