"""Where the phases of a schedule begin: the one walk over its structure, in absolute counts.

A node is asked for its phases in its own time, lazily, since a restart has no end of them. A combinator
shifts, cuts and stretches those of its parts. What a node does not tell is one phase, from 0 for ever.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from . import (
    _algebra,
    _arcs,
    _checks,
    _clock,
    _combinators,
    _endless,
    _factors,
    _piecewise,
    _restart,
    _shapes,
)
from ._node import Curve
from ._schedule import Constant, Function, Schedule, on_host, taken

CONSTANT = "constant"
JUMPS = ("join", "cycle", "step")  # the causes that need not carry the value on
CAUSES = (*JUMPS, "cooldown", "warmup", "knot", "start", "end")  # the one that counts of two at once, first
CYCLES = 4  # of an endless row of cycles so many are shown
FAR = 2.0**62


class Phase(NamedTuple):
    """A part of a schedule that is one curve.

    Attributes:
      begin: When it begins: a count, or for a cycle that a restart stretched a time between two counts.
      shape: The name of the curve, `CONSTANT` where a value is held.
      cause: What ended the phase before it, one of `CAUSES`; "end": a finite curve that was over.
      last: The value that the curve runs up to, if the next phase may begin with another.
      floor: A bound that the curve was given to stop at.
      again: Whether it repeats a phase of the first cycle of a restart.
    """

    begin: float
    shape: str
    cause: str = "start"
    last: Callable[[], float] | None = None
    floor: float | None = None
    again: bool = False

    @property
    def first(self) -> int:
        """The first count in it."""
        nearest = round(self.begin)
        return nearest if math.isclose(self.begin, nearest, rel_tol=1e-12) else math.ceil(self.begin)


def settled(where: str, schedule: Any) -> Schedule:
    """A schedule whose numbers are Python's, for a function ``where`` that reads them on the host."""
    schedule = taken(where, "schedule", schedule)
    leaves = jax.tree.leaves(schedule)
    if any(map(_checks.traced, leaves)):
        raise TypeError(
            f"{where}: the numbers of this schedule are traced; call {where} outside of jit and vmap"
        )
    if any(np.shape(leaf) for leaf in leaves):
        raise ValueError(f"{where}: this schedule is a stack; give one of the schedules that were stacked")
    return jax.tree.map(lambda x: x if isinstance(x, (int, float)) else np.asarray(x).item(), schedule)


def phases(schedule: Schedule) -> Iterator[Phase]:
    """The phases that hold at least one count, from count 0 on. There may be no end of them."""
    for phase, following in _with_next(walk(schedule)):
        if following is None or following.first > phase.first:
            yield phase


def horizon(schedule: Schedule) -> int:
    """A number of steps that shows what a schedule does: to its end, or through some of its endless part."""
    found = list(itertools.islice(phases(schedule), 2**10))
    last = found[-1]
    if last.again:
        return [phase.first for phase in found if phase.cause == "cycle"][:CYCLES][-1]
    end = min(last.first, int(FAR) // 4)
    if last.cause == "end":
        before, after = on_host(schedule, np.array([min(found[-2].first, end), end]))
        return end if after < before else 2 * end  # what a curve has risen to is held for a purpose
    if last.shape == CONSTANT:
        return end + end // 4 or 100
    return int(4 * max(end, min(_longest(schedule), FAR / 4), 25))


def _longest(node: Any) -> float:
    """The largest number of steps anywhere in a schedule."""
    if isinstance(node, tuple):
        return max(map(_longest, node), default=0)
    if not isinstance(node, Schedule):
        return 0
    if isinstance(node, _endless.Exponential):
        return node.transition_steps / max(abs(math.log(node.decay_rate)), 1e-6)
    fields = node.arguments().items()
    own = [x for name, x in fields if name.endswith(("steps", "timescale", "period")) and x is not None]
    return max([0, *own, *(_longest(value) for _, value in fields)])


# ------------------------------------------------------------------ tools for the walk


def _with_next(found: Iterable[Phase]) -> Iterator[tuple[Phase, Phase | None]]:
    return itertools.pairwise(itertools.chain(found, [None]))  # pyright: ignore[reportReturnType]


def _value(schedule: Schedule, count: float) -> Callable[[], float]:
    """The value at a count of the schedule's own time, worked out when asked for."""
    return lambda: float(on_host(schedule, np.asarray(max(count, 0))))


def _mapped(phase: Phase, function: Callable[[float], float], floor: float | None) -> Phase:
    """A phase whose values went through ``function``."""
    last = phase.last
    return phase._replace(last=None if last is None else lambda: function(last()), floor=floor)


def _window(
    found: Iterable[Phase], begin: float, end: float, at_end: Any = None, cause: str = ""
) -> Iterator[Phase]:
    """The phases in ``[begin, end)``. ``at_end`` is the value where they are cut, ``cause`` of the first."""
    for phase, following in _with_next(found):
        stop = math.inf if following is None else following.begin
        if stop <= begin or phase.begin >= end or begin >= end:
            continue
        whole = stop < end or end == math.inf or (stop == end and phase.last)
        last = phase.last if whole else at_end
        cause_ = cause if cause and phase.begin <= begin else phase.cause
        yield phase._replace(begin=max(phase.begin, begin), last=last, cause=cause_)
        if stop >= end:
            return


def _shifted(found: Iterable[Phase], steps: float) -> Iterator[Phase]:
    """Phases that begin later, the first value held until then; or earlier, before 0."""
    found = iter(found)
    first = next(found)
    if steps > 0 and first.shape != CONSTANT:
        yield Phase(-math.inf, CONSTANT)
        yield first._replace(begin=steps)
    else:
        yield first._replace(begin=-math.inf)
    for phase in found:
        yield phase._replace(begin=phase.begin + steps)


def _curve(curve: Curve) -> str:
    return getattr(curve.function, "__name__", "function")


# ------------------------------------------------------------------ the walk: one rule for each kind of node


@functools.singledispatch
def walk(node: Any) -> Iterator[Phase]:
    """The phases of a node in its own time. Register a rule for a node of your own that has several."""
    yield Phase(0, node.kind())


@walk.register
def _(node: Constant) -> Iterator[Phase]:
    yield Phase(0, CONSTANT)


@walk.register
def _(node: Function) -> Iterator[Phase]:
    name = getattr(node.function, "__qualname__", type(node.function).__name__)
    yield Phase(0, name.split(".<locals>")[0])


@walk.register
def _(node: _shapes.Finite) -> Iterator[Phase]:
    if node.steps > 0:
        yield Phase(0, node.kind())
    yield Phase(node.steps, CONSTANT, "end" if node.steps > 0 else "start")


@walk.register
def _(node: _endless.Exponential) -> Iterator[Phase]:
    yield Phase(0, node.kind(), floor=node.end_value if node.decay_rate < 1 else None)


@walk.register
def _(node: _piecewise.PiecewiseConstant) -> Iterator[Phase]:
    for begin, value, cause in zip((0, *node.boundaries), node.values, _causes("step"), strict=False):
        yield Phase(begin, CONSTANT, cause, functools.partial(float, value))


@walk.register(_piecewise.PiecewiseLinear)
@walk.register(_arcs.PiecewiseCosine)
def _(node: Any) -> Iterator[Phase]:
    name = node.kind().removeprefix("piecewise_")
    between = [Phase(begin, name, "knot") for begin in node.boundaries[:-1]]
    every = [Phase(-math.inf, CONSTANT), *between, Phase(node.boundaries[-1], CONSTANT, "end")]
    yield from _window(every, 0, math.inf)


@walk.register
def _(node: _factors.KDecay) -> Iterator[Phase]:
    yield from walk(node.schedule)


@walk.register
def _(node: _combinators.Join) -> Iterator[Phase]:
    begins = (0, *node.boundaries)
    offsets = begins if node.offsets is None else node.offsets
    windows = zip(
        node.schedules, begins, (*node.boundaries, math.inf), offsets, _causes("join"), strict=False
    )
    for schedule, begin, end, offset, cause in windows:
        at_end = _value(schedule, end - offset)
        yield from _window(_shifted(walk(schedule), offset), begin, end, at_end, cause)


@walk.register
def _(node: _combinators.WithWarmup) -> Iterator[Phase]:
    yield Phase(0, _curve(node.shape))
    after = walk(node.schedule) if node.overlap else _shifted(walk(node.schedule), node.steps)
    yield from _window(after, node.steps, math.inf, cause="warmup")


@walk.register
def _(node: _combinators.WithCooldown) -> Iterator[Phase]:
    yield from _window(walk(node.schedule), 0, node.begin)
    yield Phase(node.begin, _curve(node.shape), "cooldown")
    yield Phase(node.begin + node.steps, CONSTANT, "end" if node.steps else "step")


@walk.register
def _(node: _combinators.Shift) -> Iterator[Phase]:
    yield from _window(_shifted(walk(node.schedule), node.steps), 0, math.inf)


@walk.register
def _(node: _clock.SpeedUp) -> Iterator[Phase]:
    for phase in walk(node.schedule):
        yield phase._replace(begin=phase.begin / node.factor)


@walk.register
def _(node: _clock.Staircase) -> Iterator[Phase]:
    for phase in walk(node.schedule):
        yield phase._replace(begin=phase.first * node.steps)


@walk.register
def _(node: _restart.Restart) -> Iterator[Phase]:
    begin, unit, factor, at_end = 0.0, 1.0, 1.0, _value(node.schedule, node.period)
    for cause in _causes("cycle"):
        for phase in _window(walk(node.schedule), 0, node.period, at_end, cause):
            floor = None if phase.floor is None else phase.floor * factor
            phase = _mapped(phase, functools.partial(operator.mul, factor), floor)
            yield phase._replace(begin=begin + phase.begin * unit, again=begin > 0)
        begin, unit, factor = begin + node.period * unit, unit * node.growth, factor * node.decay
        if begin > FAR:
            return


@walk.register
def _(node: _algebra.Scale) -> Iterator[Phase]:
    for phase in walk(node.schedule):
        floor = phase.floor * node.factor if phase.floor is not None and node.factor > 0 else None
        yield _mapped(phase, functools.partial(operator.mul, node.factor), floor)


@walk.register
def _(node: _algebra.Divide) -> Iterator[Phase]:
    yield from walk(_algebra.Scale(node.schedule, 1 / node.divisor))


@walk.register
def _(node: _algebra.Clip) -> Iterator[Phase]:
    low = -math.inf if node.min_value is None else node.min_value
    high = math.inf if node.max_value is None else node.max_value
    for phase in walk(node.schedule):
        floor = phase.floor if node.min_value is None else node.min_value
        yield _mapped(phase, lambda value: min(max(value, low), high), floor)


@walk.register
def _(node: _algebra.Product) -> Iterator[Phase]:
    yield from _together(node.schedules, " * ", math.prod)


@walk.register
def _(node: _algebra.Add) -> Iterator[Phase]:
    yield from _together(node.schedules, " + ", math.fsum)


def _causes(later: str) -> Iterator[str]:
    """The cause of the first of a row of phases, and of all after it."""
    return itertools.chain(["start"], itertools.repeat(later))


def _together(schedules: tuple[Schedule, ...], sign: str, combine: Callable[[Any], float]) -> Iterator[Phase]:
    """The phases of several schedules at once: one begins wherever one of theirs does."""
    every = [zip(walk(schedule), itertools.repeat(i)) for i, schedule in enumerate(schedules)]
    merged = heapq.merge(*every, key=lambda pair: pair[0].begin)
    now: list[Any] = [None] * len(schedules)
    pending: Phase | None = None
    for begin, pairs in itertools.groupby(merged, key=lambda pair: pair[0].begin):
        changed = {i: phase for phase, i in pairs}
        if pending is not None:
            ends = [phase.last if i in changed else None for i, phase in enumerate(now)]
            yield pending._replace(last=_combined(schedules, ends, begin, combine))
        now = [changed.get(i, phase) for i, phase in enumerate(now)]
        cause = min((phase.cause for phase in changed.values()), key=CAUSES.index)
        curves = [shape for shape in dict.fromkeys(phase.shape for phase in now) if shape != CONSTANT]
        again = any(phase.again for phase in now)
        pending = Phase(begin, sign.join(curves) or CONSTANT, cause, again=again)
    if pending is not None:
        yield pending


def _combined(schedules: Any, ends: Any, count: float, combine: Any) -> Callable[[], float]:
    """The value that several schedules run up to together at a count."""
    each = [end or _value(schedule, count) for schedule, end in zip(schedules, ends, strict=True)]
    return lambda: combine([value() for value in each])
