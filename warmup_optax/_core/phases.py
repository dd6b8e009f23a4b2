"""Where the phases of a schedule begin: what `Schedule.walk` of a node returns, and tools for it.

A node gives its phases in its own time, lazily, since a restart has infinitely many. A combinator shifts, cuts
and stretches those of its parts. A node that defines neither `walk` nor `phases` is one phase.

Each rule takes a `View`: the time after which phases are wanted, and the time that passes from one count to the
next. It may yield earlier phases as well. A restart goes to a cycle by arithmetic, because a resumed schedule
may have had millions of cycles. Where cycles are shorter than one update, it yields one phase for all of them.
So a phase costs a time that depends on the size of the expression alone, not on its numbers.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from .schedule import Schedule

Value: TypeAlias = Callable[[], float]  # a value that is computed when it is needed

CONSTANT = "constant"
JUMPS = ("join", "cycle", "step")  # the causes that need not carry the value on
CAUSES = (*JUMPS, "cooldown", "warmup", "knot", "start", "end")  # of two at one count the first applies
FAR = 2.0**62


class View(NamedTuple):
    """A request for the phases of a node.

    Attributes:
      value: Return a function that computes the value of a schedule at a count of the schedule.
      begin: Phases that end by this time of the node are not needed.
      step: The time of the node that passes from one count to the next.
    """

    value: Callable[[Schedule, float], Value]
    begin: float = 0.0
    step: float = 1.0

    def after(self, start: float) -> View:
        """The same on a clock that starts at ``start``, which is at 0 before that."""
        return self._replace(begin=max(self.begin - start, 0.0))

    def scaled(self, factor: float) -> View:
        """The same on a clock that is ``factor`` times as fast."""
        return self._replace(begin=self.begin * factor, step=self.step * factor)


class Phase(NamedTuple):
    """A part of a schedule that is one curve.

    Attributes:
      begin: When it begins: a count, or for a cycle that a restart stretched a time between two counts.
      shape: The name of the curve, `CONSTANT` where a value is held.
      cause: What ended the phase before it, one of `CAUSES`; "end": a finite curve that was over.
      start: The value at ``begin``, if the phase before may run up to another.
      last: The value that the curve runs up to, if the next phase may begin with another.
      floor: A bound that the curve was given to stop at.
      again: Whether it repeats a phase of the first cycle of a restart.
      short: Whether it stands for many cycles, each shorter than one update.
    """

    begin: float
    shape: str
    cause: str = "start"
    start: Value | None = None
    last: Value | None = None
    floor: float | None = None
    again: bool = False
    short: bool = False

    @property
    def first(self) -> int:
        """The first count in it."""
        nearest = round(self.begin)
        return nearest if math.isclose(self.begin, nearest, rel_tol=1e-12) else math.ceil(self.begin)


# ------------------------------------------------------------------ tools for the rules


def with_next(found: Iterable[Phase]) -> Iterator[tuple[Phase, Phase | None]]:
    return itertools.pairwise(itertools.chain(found, [None]))  # pyright: ignore[reportReturnType]


def mapped(phase: Phase, function: Callable[[float], float], floor: float | None) -> Phase:
    """A phase whose values went through ``function``."""

    def map_value(value: Value | None) -> Value | None:
        return None if value is None else lambda: function(value())

    return phase._replace(start=map_value(phase.start), last=map_value(phase.last), floor=floor)


def window(
    found: Iterable[Phase],
    begin: float,
    end: float,
    at_begin: Value | None = None,
    at_end: Value | None = None,
    cause: str = "",
) -> Iterator[Phase]:
    """The phases in ``[begin, end)``; ``at_begin`` and ``at_end`` are the values there, if it is a cut."""
    for phase, following in with_next(found):  # pragma: no branch (the last phase has no end)
        stop = math.inf if following is None else following.begin
        if phase.begin >= end or begin >= end:
            return
        if stop <= begin:
            continue
        if phase.begin <= begin:
            start = at_begin or (phase.start if phase.begin == begin else None)
            phase = phase._replace(begin=begin, start=start, cause=cause or phase.cause)
        uncut = stop < end or end == math.inf or (stop == end and phase.last)
        yield phase if uncut else phase._replace(last=at_end)
        if stop >= end:
            return


def delayed(schedule: Schedule, steps: float, view: View) -> Iterator[Phase]:
    """The phases of a schedule whose clock is at 0 at ``steps``, and before that."""
    found = schedule.walk(view.after(steps))
    first = next(found)
    if view.begin < steps and first.shape != CONSTANT:
        yield Phase(-math.inf, CONSTANT)
        yield first._replace(begin=steps)
    else:
        yield first._replace(begin=-math.inf)
    for phase in found:
        yield phase._replace(begin=phase.begin + steps)


def causes(later: str) -> Iterator[str]:
    """The cause of the first of a row of phases, and of all after it."""
    return itertools.chain(["start"], itertools.repeat(later))


def together(
    schedules: tuple[Schedule, ...], sign: str, combine: Callable[[Iterable[float]], float], view: View
) -> Iterator[Phase]:
    """The phases of several schedules together: one begins wherever one of theirs does."""
    every = [
        zip(window(schedule.walk(view), view.begin, math.inf), itertools.repeat(i))
        for i, schedule in enumerate(schedules)
    ]
    merged = heapq.merge(*every, key=lambda pair: pair[0].begin)
    now: list[Phase | None] = [None] * len(schedules)
    pending: Phase | None = None
    for first, pairs in itertools.groupby(merged, key=lambda pair: pair[0].begin):
        changed = {i: phase for phase, i in pairs}
        if pending is not None:
            ends = [phase.last if phase and i in changed else None for i, phase in enumerate(now)]
            yield pending._replace(last=_combined(schedules, ends, first, combine, view))
        starts = [changed[i].start if i in changed else None for i in range(len(schedules))]
        now = [changed.get(i, phase) for i, phase in enumerate(now)]
        cause = min((phase.cause for phase in changed.values()), key=CAUSES.index)
        known = [phase for phase in now if phase is not None]
        curves = [shape for shape in dict.fromkeys(phase.shape for phase in known) if shape != CONSTANT]
        again, short = any(phase.again for phase in known), any(phase.short for phase in known)
        start = _combined(schedules, starts, first, combine, view) if any(starts) else None
        pending = Phase(first, sign.join(curves) or CONSTANT, cause, start, again=again, short=short)
    if pending is not None:  # pragma: no branch (every schedule has a phase)
        yield pending


def _combined(
    schedules: tuple[Schedule, ...],
    known: Sequence[Value | None],
    count: float,
    combine: Callable[[Iterable[float]], float],
    view: View,
) -> Value:
    """The value of several schedules together at a count, of which some are known."""
    each = [value or view.value(schedule, count) for schedule, value in zip(schedules, known, strict=True)]
    return lambda: combine([value() for value in each])
