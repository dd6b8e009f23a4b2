"""Schedules one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from .._core import checks
from .._core.lowered import Lowered, Record
from .._core.node import checked, static
from .._core.phases import Phase, View, causes, delayed, window
from .._core.scalars import Length, real, select, whole_number
from .._core.schedule import Schedule, ScheduleLike, Steps, schedules_argument
from .._core.tables import form, table, take
from .._core.time import UNROLLED, Time


def _offsets(where: str, name: str, values: Any) -> tuple[Any, ...]:
    values = checks.sequence(where, name, values, "None or a sequence of whole numbers of steps")
    return tuple(checks.steps(where, f"{name}[{i}]", x, at_least=None) for i, x in enumerate(values))


class Join(Schedule, kind="join"):
    """Made by `join`."""

    schedules: tuple[Schedule, ...] = checked(schedules_argument)
    boundaries: Any = checked(checks.boundaries)
    offsets: Any = checked(_offsets, default=None)

    def _check_together(self) -> None:
        phases, where = len(self.schedules), self._kind
        checks.as_many(where, "boundaries", self.boundaries, phases - 1, "one fewer than ${schedules}")
        if self.offsets is not None:
            allowed = "as many as ${schedules} (or None: each phase starts at its own 0)"
            checks.as_many(where, "offsets", self.offsets, phases, allowed)

    def lower(self) -> Lowered:
        """Phases of one structure become one group whose numbers are tables: one gather, one evaluation."""
        count = len(self.schedules)
        boundaries = tuple(map(whole_number, self.boundaries))
        starts, ends = (0, *boundaries), (*boundaries, None)
        if self.offsets is None:  # a clock that begins with its phase is 0 before it
            clocks = [(None, end, start, False) for start, end in zip(starts, ends, strict=True)]
        else:
            ahead = [not (isinstance(x, (int, float)) and x >= 0) for x in self.offsets]
            offsets = map(whole_number, self.offsets)
            clocks = list(zip(starts, ends, offsets, ahead, strict=True))
        alike: dict[Any, dict[int, list[Any]]] = {}
        for i, (schedule, (start, end, offset, leads)) in enumerate(zip(self.schedules, clocks, strict=True)):
            phase = _Phase(schedule.lower(), start, end, offset, leads)
            leaves, structure = jax.tree.flatten(phase)
            alike.setdefault((structure, tuple(map(form, leaves))), {})[i] = leaves
        groups = []
        for (structure, _), rows in alike.items():
            columns = zip(*rows.values(), strict=True)
            phase = jax.tree.unflatten(structure, [x[0] if len(rows) == 1 else table(x) for x in columns])
            groups.append(_PhaseGroup(phase, tuple(rows), count))
        if len(groups) == count <= UNROLLED:
            return _Few(tuple(group.phase for group in groups), boundaries)
        return _Joined(tuple(groups), boundaries if count <= UNROLLED + 1 else table(boundaries))

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


class _Phase(Lowered):
    """A schedule in its phase: finite, and not used, at the counts of other phases."""

    schedule: Lowered
    start: Length | None
    end: Length | None
    offset: Length
    leads: bool = static()  # whether the offset may be negative

    def evaluate(self, time: Time) -> jax.Array:
        time = time.clamp(self.start, self.end)
        time = time.shift(self.offset) if self.leads else time.after(self.offset)
        return real(self.schedule.evaluate(time))


class _Few(Lowered):
    """A join of a few phases, each of a structure of its own."""

    phases: tuple[_Phase, ...]
    boundaries: tuple[Length, ...]

    def evaluate(self, time: Time) -> jax.Array:
        value = self.phases[0].evaluate(time)
        for phase, boundary in zip(self.phases[1:], self.boundaries, strict=True):
            value = select(time.reached(boundary), phase.evaluate(time), value)
        return value


class _PhaseGroup(Record):
    """All phases of a join that have one structure; its numbers are scalars, or tables with a row each."""

    phase: _Phase
    members: tuple[int, ...] = static()
    phases: int = static()

    def at(self, time: Time, index: Any) -> Any:
        """The value in phase ``index``; finite, and not used, if another group owns it."""
        phase = self.phase
        if len(self.members) > 1:  # never all: the last phase, without an end, is of a structure of its own
            rows = np.searchsorted(self.members, np.arange(self.phases), side="right") - 1
            phase = take(phase, take(np.maximum(rows, 0).astype(np.int32), index))
        return phase.evaluate(time)

    def owns(self, index: Any) -> Any:
        """Whether phase ``index`` is of this group."""
        first, last = self.members[0], self.members[-1]
        if last - first + 1 == len(self.members):
            return (index >= first) & (index <= last) if first < last else index == first
        return take(np.isin(np.arange(self.phases), self.members), index)


class _Joined(Lowered):
    """A join with its phases sorted into groups."""

    groups: tuple[_PhaseGroup, ...]
    boundaries: Any

    def evaluate(self, time: Time) -> jax.Array:
        index = time.locate(self.boundaries)
        value = self.groups[0].at(time, index)
        for group in self.groups[1:]:
            value = select(group.owns(index), group.at(time, index), value)
        return value


def join(
    schedules: Sequence[ScheduleLike],
    boundaries: Sequence[Steps],
    offsets: Sequence[Steps] | None = None,
) -> Join:
    r"""One schedule after the other, each in its own phase.

    .. math:: v(c) = s_i(c - o_i) \quad\text{for}\quad b_{i-1} \le c < b_i

    Args:
      schedules: :math:`s_i`, a sequence of schedules, functions of a count, or numbers; at least one.
      boundaries: :math:`b_i`, the counts at which the next phase begins: whole numbers >= 0, strictly
        increasing, one fewer than ``schedules``. A first boundary of 0 leaves the first phase empty.
      offsets: :math:`o_i`, the count at which each phase's own clock is at 0, one whole number for each
        schedule. None: each phase starts at its own 0 (Optax, PyTorch's SequentialLR). All 0: every phase
        sees the global count (Keras, TF Model Garden, MediaPipe, Paddle). An offset later than the phase's
        begin holds the phase's first value until then; a negative one is a head start.

    Returns:
      A `Schedule`. Before count 0 the value at 0 holds. Nothing makes the ends of phases meet: see
      `with_warmup` and `with_cooldown` for that. The compiled program grows with the number of *kinds* of
      phases (a kind is a shape; its numbers do not matter), not with the number of phases; that of a function
      which takes the join as an argument grows with the phases, whose numbers come one by one.

    Raises:
      ValueError: If the lengths do not fit or the boundaries are not increasing (Optax accepts both in
        silence, and drops or skips a phase).
      TypeError: If an argument is not a sequence of what it should be.

    >>> import warmup_optax as wo
    >>> wo.join([wo.linear(0.0, 1.0, 4), wo.cosine(1.0, 0.0, 8)], [4])([0, 2, 4, 12]).tolist()
    [0.0, 0.5, 1.0, 0.0]
    >>> wo.join([0.0, wo.linear(0.0, 1.0, 4)], [2], offsets=[0, 0])([1, 2, 3]).tolist()
    [0.0, 0.5, 0.75]
    """
    return Join(schedules, boundaries, offsets)  # pyright: ignore[reportArgumentType]
