"""Where the phases of a schedule begin: the one walk over its structure, in absolute counts.

A node is asked for its phases in its own time, lazily, since a restart has infinitely many. A combinator
shifts, cuts and stretches those of its parts. A node that says nothing is one phase, from 0 on.

Each rule takes the time from which on phases are wanted. It may yield earlier ones as well; a restart goes
to the cycle of that time by arithmetic, because a resumed schedule may have had millions of cycles.
"""

from __future__ import annotations

import bisect
import functools
import heapq
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import numpy as np

from .._combinators.arithmetic import Clip, Maximum, Minimum
from .._combinators.clocks import InSteps, Shift, SpeedUp, Staircase
from .._combinators.join import Join
from .._combinators.ramps import WithCooldown, WithWarmup
from .._combinators.restart import Restart
from .._combinators.stretch import Stretch
from .._core import checks
from .._core.schedule import Add, Constant, Divide, Function, Product, Scale, Schedule, as_schedule_argument
from .._shapes.endless import Exponential
from .._shapes.finite import FiniteSchedule
from .._shapes.piecewise import PiecewiseConstant, PiecewiseCosine, PiecewiseLinear
from .sample import values_at

CONSTANT = "constant"
JUMPS = ("join", "cycle", "step")  # the causes that need not carry the value on
CAUSES = (*JUMPS, "cooldown", "warmup", "knot", "start", "end")  # of two at once the first counts
CYCLES = 4  # the number shown of an endless row of cycles
FAR = 2.0**62


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
    """

    begin: float
    shape: str
    cause: str = "start"
    start: Callable[[], float] | None = None
    last: Callable[[], float] | None = None
    floor: float | None = None
    again: bool = False

    @property
    def first(self) -> int:
        """The first count in it."""
        nearest = round(self.begin)
        return nearest if math.isclose(self.begin, nearest, rel_tol=1e-12) else math.ceil(self.begin)


def concrete(where: str, schedule: Any) -> Schedule:
    """A schedule whose numbers are Python's, for a function ``where`` that reads them on the host."""
    schedule = as_schedule_argument(where, "schedule", schedule)
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
    """The phases that hold at least one count, from count 0 on. There may be no end of them."""
    for phase, following in _with_next(walk(schedule)):
        if following is None or following.first > phase.first:
            yield phase


def horizon(schedule: Schedule) -> int:
    """A number of steps that shows what a schedule does: to its end, or through some of its endless part."""
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


def _longest(node: Any) -> float:
    """The largest number of steps anywhere in a schedule."""
    if isinstance(node, tuple):
        return max(map(_longest, node), default=0)
    if not isinstance(node, Schedule):
        return 0
    if isinstance(node, Exponential):
        return node.transition_steps / max(abs(math.log(node.decay_rate)), 1e-6)
    fields = node._arguments().items()
    own = [x for name, x in fields if name.endswith(("steps", "timescale", "period")) and x is not None]
    return max([0, *own, *(_longest(value) for _, value in fields)])


# ------------------------------------------------------------------ tools for the walk


def _with_next(found: Iterable[Phase]) -> Iterator[tuple[Phase, Phase | None]]:
    return itertools.pairwise(itertools.chain(found, [None]))  # pyright: ignore[reportReturnType]


def _value(schedule: Schedule, count: float) -> Callable[[], float]:
    """The value at a count of the schedule's own time, worked out when asked for."""
    return lambda: float(values_at(schedule, np.asarray(max(count, 0))))


def _mapped(phase: Phase, function: Callable[[float], float], floor: float | None) -> Phase:
    """A phase whose values went through ``function``."""

    def map_value(value: Callable[[], float] | None) -> Callable[[], float] | None:
        return None if value is None else lambda: function(value())

    return phase._replace(start=map_value(phase.start), last=map_value(phase.last), floor=floor)


def _window(
    found: Iterable[Phase],
    begin: float,
    end: float,
    at_begin: Any = None,
    at_end: Any = None,
    cause: str = "",
) -> Iterator[Phase]:
    """The phases in ``[begin, end)``; ``at_begin`` and ``at_end`` are the values there, if it is a cut."""
    for phase, following in _with_next(found):  # pragma: no branch (the last phase has no end)
        stop = math.inf if following is None else following.begin
        if stop <= begin or phase.begin >= end or begin >= end:
            continue
        if phase.begin <= begin:
            start = at_begin or (phase.start if phase.begin == begin else None)
            phase = phase._replace(begin=begin, start=start, cause=cause or phase.cause)
        whole = stop < end or end == math.inf or (stop == end and phase.last)
        yield phase if whole else phase._replace(last=at_end)
        if stop >= end:
            return


def _delayed(schedule: Schedule, steps: float, begin: float) -> Iterator[Phase]:
    """The phases from ``begin`` on of a schedule whose clock is at 0 at ``steps``, held before that."""
    found = walk(schedule, max(begin - steps, 0))
    first = next(found)
    if begin < steps and first.shape != CONSTANT:
        yield Phase(-math.inf, CONSTANT)
        yield first._replace(begin=steps)
    else:
        yield first._replace(begin=-math.inf)
    for phase in found:
        yield phase._replace(begin=phase.begin + steps)


# ------------------------------------------------------------------ the walk: one rule for each kind of node


@functools.singledispatch
def walk(node: Any, begin: float = 0.0) -> Iterator[Phase]:
    """The phases of a node in its own time, those at least that are not over at ``begin``.

    This is the rule for a node that has no other. Its method ``phases()`` gives the schedule whose phases it
    has, or pairs ``(begin, name)``, or None for a single phase.
    """
    told = node.phases()
    if told is None:
        yield Phase(0, node._kind)
    elif isinstance(told, Schedule):
        yield from walk(told, begin)
    else:
        begins = [float(first) for first, _ in told]
        if not begins or begins[0] != 0 or any(x >= y for x, y in itertools.pairwise(begins)):
            raise ValueError(
                f"{type(node).__name__}.phases() must give pairs (begin, name), the first begin 0 and each "
                f"greater than the one before, got begins {begins}"
            )
        for (first, name), cause in zip(told, _causes("knot"), strict=False):
            yield Phase(first, name, cause)


@walk.register
def _(node: Constant, begin: float = 0.0) -> Iterator[Phase]:
    yield Phase(0, CONSTANT)


@walk.register
def _(node: Function, begin: float = 0.0) -> Iterator[Phase]:
    name = getattr(node.function, "__qualname__", type(node.function).__name__)
    yield Phase(0, name.split(".<locals>")[0])


@walk.register
def _(node: FiniteSchedule, begin: float = 0.0) -> Iterator[Phase]:
    if node.steps > 0:
        yield Phase(0, node._kind)
    yield Phase(node.steps, CONSTANT, "end" if node.steps > 0 else "start")


@walk.register
def _(node: Exponential, begin: float = 0.0) -> Iterator[Phase]:
    yield Phase(0, node._kind, floor=node.end_value if node.decay_rate < 1 else None)


@walk.register
def _(node: PiecewiseConstant, begin: float = 0.0) -> Iterator[Phase]:
    for first, value, cause in zip((0, *node.boundaries), node.values, _causes("step"), strict=False):
        yield Phase(first, CONSTANT, cause, last=functools.partial(float, value))


@walk.register(PiecewiseLinear)
@walk.register(PiecewiseCosine)
def _(node: Any, begin: float = 0.0) -> Iterator[Phase]:
    name = node._kind.removeprefix("piecewise_")
    between = [Phase(knot, name, "knot") for knot in node.boundaries[:-1]]
    every = [Phase(-math.inf, CONSTANT), *between, Phase(node.boundaries[-1], CONSTANT, "end")]
    yield from _window(every, 0, math.inf)


@walk.register
def _(node: Join, begin: float = 0.0) -> Iterator[Phase]:
    firsts = (0, *node.boundaries)
    offsets = firsts if node.offsets is None else node.offsets
    windows = zip(
        node.schedules, firsts, (*node.boundaries, math.inf), offsets, _causes("join"), strict=False
    )
    for schedule, first, end, offset, cause in windows:
        if end <= begin:
            continue
        at_begin = _value(schedule, first - offset) if first > 0 else None
        at_end = _value(schedule, end - offset)
        found = _delayed(schedule, offset, max(first, begin))
        yield from _window(found, first, end, at_begin, at_end, cause)


@walk.register
def _(node: WithWarmup, begin: float = 0.0) -> Iterator[Phase]:
    yield Phase(0, node.shape.name)
    after = _delayed(node.schedule, 0 if node.overlap else node.steps, max(begin, node.steps))
    yield from _window(after, node.steps, math.inf, cause="warmup")


@walk.register
def _(node: WithCooldown, begin: float = 0.0) -> Iterator[Phase]:
    if begin < node.begin:
        yield from _window(walk(node.schedule, begin), 0, node.begin)
    yield Phase(node.begin, node.shape.name, "cooldown")
    yield Phase(node.begin + node.steps, CONSTANT, "end" if node.steps else "step")


@walk.register
def _(node: Shift, begin: float = 0.0) -> Iterator[Phase]:
    yield from _window(_delayed(node.schedule, node.steps, begin), 0, math.inf)


@walk.register
def _(node: SpeedUp, begin: float = 0.0) -> Iterator[Phase]:
    for phase in walk(node.schedule, begin * node.factor):
        yield phase._replace(begin=phase.begin / node.factor)


@walk.register
def _(node: Stretch, begin: float = 0.0) -> Iterator[Phase]:
    factor = Fraction(str(node.factor)) if isinstance(node.factor, float) else Fraction(node.factor)
    numerator, denominator = float(factor.numerator), float(factor.denominator)
    for phase in walk(node.schedule, begin * denominator / numerator):
        yield phase._replace(begin=phase.begin * numerator / denominator)


@walk.register
def _(node: InSteps, begin: float = 0.0) -> Iterator[Phase]:
    firsts = (0, *node.boundaries)

    def units(count: float) -> float:
        i = bisect.bisect_right(firsts, count) - 1
        return (node.starts[i] + (count - firsts[i]) * node.rates[i]) / node.scale

    def count(units: float) -> float:
        i = max(bisect.bisect_right(node.starts, units * node.scale) - 1, 0)
        return firsts[i] + (units * node.scale - node.starts[i]) / node.rates[i]

    for phase in walk(node.schedule, units(begin)):
        yield phase._replace(begin=count(phase.begin) if math.isfinite(phase.begin) else phase.begin)


@walk.register
def _(node: Staircase, begin: float = 0.0) -> Iterator[Phase]:
    for phase in walk(node.schedule, begin // node.steps):
        yield phase._replace(begin=phase.first * node.steps)


@walk.register
def _(node: Restart, begin: float = 0.0) -> Iterator[Phase]:
    period, growth, decay = float(node.period), float(node.growth), float(node.decay)
    at_end = _value(node.schedule, period)
    for cycle in itertools.count(_cycle_at(begin, period, growth)):
        unit = growth**cycle
        first = period * (cycle if growth == 1 else (unit - 1) / (growth - 1))
        factor = _power(decay, cycle)
        inside = walk(node.schedule, max(begin - first, 0) / unit)
        for phase in _window(inside, 0, period, None, at_end, "cycle" if cycle else "start"):
            floor = None if phase.floor is None else phase.floor * factor
            phase = _mapped(phase, functools.partial(operator.mul, factor), floor)
            yield phase._replace(begin=first + phase.begin * unit, again=cycle > 0)
        if first + period * unit > FAR:
            return


def _cycle_at(time: float, period: float, growth: float) -> int:
    """The cycle of a restart at a time, or the one before it where the arithmetic rounds."""
    if time <= period:
        return 0
    if growth == 1:
        return max(int(time // period) - 1, 0)
    return max(int(math.log1p(time * (growth - 1) / period) / math.log(growth)) - 1, 0)


def _power(base: float, exponent: int) -> float:
    try:
        return base**exponent
    except OverflowError:
        return math.inf


@walk.register
def _(node: Scale, begin: float = 0.0) -> Iterator[Phase]:
    for phase in walk(node.schedule, begin):
        floor = phase.floor * node.factor if phase.floor is not None and node.factor > 0 else None
        yield _mapped(phase, functools.partial(operator.mul, node.factor), floor)


@walk.register
def _(node: Divide, begin: float = 0.0) -> Iterator[Phase]:
    yield from walk(Scale(node.schedule, 1 / node.divisor), begin)


@walk.register
def _(node: Clip, begin: float = 0.0) -> Iterator[Phase]:
    low = -math.inf if node.min_value is None else node.min_value
    high = math.inf if node.max_value is None else node.max_value
    for phase in walk(node.schedule, begin):
        floor = phase.floor if node.min_value is None else node.min_value
        yield _mapped(phase, lambda value: min(max(value, low), high), floor)


@walk.register
def _(node: Product, begin: float = 0.0) -> Iterator[Phase]:
    yield from _together(node.schedules, " * ", math.prod, begin)


@walk.register
def _(node: Add, begin: float = 0.0) -> Iterator[Phase]:
    yield from _together(node.schedules, " + ", math.fsum, begin)


@walk.register
def _(node: Minimum, begin: float = 0.0) -> Iterator[Phase]:
    yield from _together(node.schedules, " or ", min, begin)


@walk.register
def _(node: Maximum, begin: float = 0.0) -> Iterator[Phase]:
    yield from _together(node.schedules, " or ", max, begin)


def _causes(later: str) -> Iterator[str]:
    """The cause of the first of a row of phases, and of all after it."""
    return itertools.chain(["start"], itertools.repeat(later))


def _together(
    schedules: tuple[Schedule, ...], sign: str, combine: Callable[[Any], float], begin: float
) -> Iterator[Phase]:
    """The phases of several schedules at once: one begins wherever one of theirs does."""
    every = [
        zip(_window(walk(schedule, begin), begin, math.inf), itertools.repeat(i))
        for i, schedule in enumerate(schedules)
    ]
    merged = heapq.merge(*every, key=lambda pair: pair[0].begin)
    now: list[Any] = [None] * len(schedules)
    pending: Phase | None = None
    for first, pairs in itertools.groupby(merged, key=lambda pair: pair[0].begin):
        changed = {i: phase for phase, i in pairs}
        if pending is not None:
            ends = [phase.last if i in changed else None for i, phase in enumerate(now)]
            yield pending._replace(last=_combined(schedules, ends, first, combine))
        starts = [changed[i].start if i in changed else None for i in range(len(schedules))]
        now = [changed.get(i, phase) for i, phase in enumerate(now)]
        cause = min((phase.cause for phase in changed.values()), key=CAUSES.index)
        curves = [shape for shape in dict.fromkeys(phase.shape for phase in now) if shape != CONSTANT]
        again = any(phase.again for phase in now)
        start = _combined(schedules, starts, first, combine) if any(starts) else None
        pending = Phase(first, sign.join(curves) or CONSTANT, cause, start, again=again)
    if pending is not None:  # pragma: no branch (every schedule has a phase)
        yield pending


def _combined(schedules: Any, known: Any, count: float, combine: Any) -> Callable[[], float]:
    """The value of several schedules together at a count, of which some are known."""
    each = [value or _value(schedule, count) for schedule, value in zip(schedules, known, strict=True)]
    return lambda: combine([value() for value in each])
