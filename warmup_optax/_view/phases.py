"""Where the phases of a schedule begin: the one walk over its structure, in absolute counts.

A node is asked for its phases in its own time, lazily, since a restart has infinitely many. A combinator
shifts, cuts and stretches those of its parts. A node that says nothing is one phase, from 0 on.

Each rule takes a `View`: the time after which phases are wanted, and the time that passes from one count to the
next. It may yield earlier phases as well. A restart goes to a cycle by arithmetic, because a resumed schedule
may have had millions of cycles. Where cycles are shorter than one update, it yields one phase for all of them.
So a phase costs a time that depends on the size of the expression alone, not on its numbers.
"""

from __future__ import annotations

import bisect
import functools
import heapq
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
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


class View(NamedTuple):
    """What is wanted of the phases of a node.

    Attributes:
      begin: Phases that are over at this time of the node are not wanted.
      step: The time of the node that passes from one count to the next.
    """

    begin: float = 0.0
    step: float = 1.0

    def after(self, start: float) -> View:
        """The same on a clock that starts at ``start``, which is at 0 before that."""
        return View(max(self.begin - start, 0.0), self.step)

    def scaled(self, factor: float) -> View:
        """The same on a clock that is ``factor`` times as fast."""
        return View(self.begin * factor, self.step * factor)


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
    start: Callable[[], float] | None = None
    last: Callable[[], float] | None = None
    floor: float | None = None
    again: bool = False
    short: bool = False

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
    for phase, following in _with_next(walk(schedule, View())):
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
        if phase.begin >= end or begin >= end:
            return
        if stop <= begin:
            continue
        if phase.begin <= begin:
            start = at_begin or (phase.start if phase.begin == begin else None)
            phase = phase._replace(begin=begin, start=start, cause=cause or phase.cause)
        whole = stop < end or end == math.inf or (stop == end and phase.last)
        yield phase if whole else phase._replace(last=at_end)
        if stop >= end:
            return


def _delayed(schedule: Schedule, steps: float, view: View) -> Iterator[Phase]:
    """The phases of a schedule whose clock is at 0 at ``steps``, and before that."""
    found = walk(schedule, view.after(steps))
    first = next(found)
    if view.begin < steps and first.shape != CONSTANT:
        yield Phase(-math.inf, CONSTANT)
        yield first._replace(begin=steps)
    else:
        yield first._replace(begin=-math.inf)
    for phase in found:
        yield phase._replace(begin=phase.begin + steps)


# ------------------------------------------------------------------ the walk: one rule for each kind of node


@functools.singledispatch
def walk(node: Any, view: View) -> Iterator[Phase]:
    """The phases of a node in its own time, those at least that are in the view.

    This is the rule for a node that has no other. Its method ``phases()`` gives the schedule whose phases it
    has, or pairs ``(begin, name)``, or None for a single phase.
    """
    told = node.phases()
    if told is None:
        yield Phase(0, node._kind)
    elif isinstance(told, Schedule):
        yield from walk(told, view)
    else:
        told = list(told)
        begins = [float(first) for first, _ in told]
        if not begins or begins[0] != 0 or any(x >= y for x, y in itertools.pairwise(begins)):
            raise ValueError(
                f"{type(node).__name__}.phases() must give pairs (begin, name), the first begin 0 and each "
                f"greater than the one before, got begins {begins}"
            )
        for (first, name), cause in zip(told, _causes("knot"), strict=False):
            yield Phase(first, name, cause)


@walk.register
def _(node: Constant, view: View) -> Iterator[Phase]:
    yield Phase(0, CONSTANT)


@walk.register
def _(node: Function, view: View) -> Iterator[Phase]:
    name = getattr(node.function, "__qualname__", type(node.function).__name__)
    yield Phase(0, name.split(".<locals>")[0])


@walk.register
def _(node: FiniteSchedule, view: View) -> Iterator[Phase]:
    if node.steps > 0:
        yield Phase(0, node._kind)
    yield Phase(node.steps, CONSTANT, "end" if node.steps > 0 else "start")


@walk.register
def _(node: Exponential, view: View) -> Iterator[Phase]:
    yield Phase(0, node._kind, floor=node.end_value if node.decay_rate < 1 else None)


@walk.register
def _(node: PiecewiseConstant, view: View) -> Iterator[Phase]:
    for first, value, cause in zip((0, *node.boundaries), node.values, _causes("step"), strict=False):
        yield Phase(first, CONSTANT, cause, last=functools.partial(float, value))


@walk.register(PiecewiseLinear)
@walk.register(PiecewiseCosine)
def _(node: Any, view: View) -> Iterator[Phase]:
    name = node._kind.removeprefix("piecewise_")
    between = [Phase(knot, name, "knot") for knot in node.boundaries[:-1]]
    every = [Phase(-math.inf, CONSTANT), *between, Phase(node.boundaries[-1], CONSTANT, "end")]
    yield from _window(every, 0, math.inf)


@walk.register
def _(node: Join, view: View) -> Iterator[Phase]:
    firsts = (0, *node.boundaries)
    offsets = firsts if node.offsets is None else node.offsets
    windows = zip(
        node.schedules, firsts, (*node.boundaries, math.inf), offsets, _causes("join"), strict=False
    )
    for schedule, first, end, offset, cause in windows:
        if end <= view.begin:
            continue
        at_begin = _value(schedule, first - offset) if first > 0 else None
        at_end = _value(schedule, end - offset)
        found = _delayed(schedule, offset, view._replace(begin=max(first, view.begin)))
        yield from _window(found, first, end, at_begin, at_end, cause)


@walk.register
def _(node: WithWarmup, view: View) -> Iterator[Phase]:
    yield Phase(0, node.shape.name)
    later = view._replace(begin=max(view.begin, node.steps))
    after = _delayed(node.schedule, 0 if node.overlap else node.steps, later)
    yield from _window(after, node.steps, math.inf, cause="warmup")


@walk.register
def _(node: WithCooldown, view: View) -> Iterator[Phase]:
    if view.begin < node.begin:
        yield from _window(walk(node.schedule, view), 0, node.begin)
    yield Phase(node.begin, node.shape.name, "cooldown")
    yield Phase(node.begin + node.steps, CONSTANT, "end" if node.steps else "step")


@walk.register
def _(node: Shift, view: View) -> Iterator[Phase]:
    yield from _window(_delayed(node.schedule, node.steps, view), 0, math.inf)


@walk.register
def _(node: SpeedUp, view: View) -> Iterator[Phase]:
    for phase in walk(node.schedule, view.scaled(node.factor)):
        yield phase._replace(begin=phase.begin / node.factor)


@walk.register
def _(node: Stretch, view: View) -> Iterator[Phase]:
    factor = Fraction(str(node.factor)) if isinstance(node.factor, float) else Fraction(node.factor)
    numerator, denominator = float(factor.numerator), float(factor.denominator)
    for phase in walk(node.schedule, view.scaled(denominator / numerator)):
        yield phase._replace(begin=phase.begin * numerator / denominator)


@walk.register
def _(node: InSteps, view: View) -> Iterator[Phase]:
    yield from _window(_in_units(node, view), 0, math.inf)


def _in_units(node: InSteps, view: View) -> Iterator[Phase]:
    firsts, scale = (0, *node.boundaries), node.scale
    starts = [start / scale for start in node.starts]
    rates = [rate / scale for rate in node.rates]
    running, short = False, False
    for i, j in _stretches(firsts, starts, rates):
        first, end = firsts[i], firsts[j] if j < len(firsts) else math.inf
        if end <= view.begin:
            continue
        if not max(rates[i:j]):  # no unit is seen: the value stays
            yield Phase(first, CONSTANT, "step" if running else "start")
            continue
        continues = (
            running and not short and starts[i] == _units(firsts[i], firsts[:i], starts[:i], rates[:i])
        )
        begin = max(first, view.begin)
        slowest = min([rate for rate in rates[i:j] if rate])
        now = _units(begin, firsts[i:j], starts[i:j], rates[i:j])
        running = True
        for phase in walk(node.schedule, View(now, slowest)):
            known = phase.begin <= now and i > 0  # it began in an earlier stretch, or the clock was set to it
            if known and continues and phase.begin < starts[i] and not phase.short:
                continue
            count = first if known else _count(phase.begin, firsts[i:j], starts[i:j], rates[i:j])
            if count >= end or count == math.inf:
                break
            short = phase.short
            yield phase._replace(begin=count, cause="knot" if known and not continues else phase.cause)


def _stretches(firsts: Sequence[int], starts: list[float], rates: list[float]) -> Iterator[tuple[int, int]]:
    """The segments from ``i`` to ``j`` that are one clock: no unit is left out, and the rates are alike."""
    i, low, high = 0, math.inf, 0.0
    for j in range(1, len(firsts) + 1):
        low, high = min(low, rates[j - 1] or low), max(high, rates[j - 1])
        if j == len(firsts):
            yield i, j
            return
        follows = starts[j] == starts[j - 1] + (firsts[j] - firsts[j - 1]) * rates[j - 1]
        if not follows or max(high, rates[j]) > 8 * min(low, rates[j] or low):
            yield i, j
            i, low, high = j, math.inf, 0.0


def _units(count: float, firsts: Sequence[int], starts: list[float], rates: list[float]) -> float:
    """The units seen at a count."""
    i = max(bisect.bisect_right(firsts, count) - 1, 0)
    return starts[i] + (count - firsts[i]) * rates[i]


def _count(units: float, firsts: Sequence[int], starts: list[float], rates: list[float]) -> float:
    """The time at which units have been seen; infinity for never."""
    i = max(bisect.bisect_left(starts, units) - 1, 0)
    if units <= starts[i]:
        return firsts[i] if units == starts[i] or not rates[i] else firsts[i] + (units - starts[i]) / rates[i]
    reached = firsts[i] + (units - starts[i]) / rates[i] if rates[i] else math.inf
    return min(reached, firsts[i + 1]) if i + 1 < len(firsts) else reached


@walk.register
def _(node: Staircase, view: View) -> Iterator[Phase]:
    inside = View(view.begin // node.steps, max(view.step / node.steps, 1.0))  # whole counts alone are seen
    for phase in walk(node.schedule, inside):
        yield phase._replace(begin=phase.first * node.steps)


@walk.register
def _(node: Restart, view: View) -> Iterator[Phase]:
    period, growth, decay = float(node.period), float(node.growth), float(node.decay)
    at_end = _value(node.schedule, period)
    cycle = _cycle_at(view.begin, period, growth)
    while True:
        unit = growth**cycle
        first = period * (cycle if growth == 1 else (unit - 1) / (growth - 1))
        if period * unit < view.step:
            yield Phase(first, node._kind, "cycle" if cycle else "start", again=cycle > 0, short=True)
            if growth == 1:
                return
            cycle = max(cycle + 1, math.ceil(math.log(view.step / period) / math.log(growth)))
            continue
        factor = _power(decay, cycle)
        inside = walk(node.schedule, view.after(first).scaled(1 / unit))
        for phase in _window(inside, 0, period, None, at_end, "cycle" if cycle else "start"):
            floor = None if phase.floor is None else phase.floor * factor
            phase = _mapped(phase, functools.partial(operator.mul, factor), floor)
            yield phase._replace(begin=first + phase.begin * unit, again=cycle > 0)
        if first + period * unit > FAR:
            return
        cycle += 1


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
def _(node: Scale, view: View) -> Iterator[Phase]:
    for phase in walk(node.schedule, view):
        floor = phase.floor * node.factor if phase.floor is not None and node.factor > 0 else None
        yield _mapped(phase, functools.partial(operator.mul, node.factor), floor)


@walk.register
def _(node: Divide, view: View) -> Iterator[Phase]:
    yield from walk(Scale(node.schedule, 1 / node.divisor), view)


@walk.register
def _(node: Clip, view: View) -> Iterator[Phase]:
    low = -math.inf if node.min_value is None else node.min_value
    high = math.inf if node.max_value is None else node.max_value
    for phase in walk(node.schedule, view):
        floor = phase.floor if node.min_value is None else node.min_value
        yield _mapped(phase, lambda value: min(max(value, low), high), floor)


@walk.register
def _(node: Product, view: View) -> Iterator[Phase]:
    yield from _together(node.schedules, " * ", math.prod, view)


@walk.register
def _(node: Add, view: View) -> Iterator[Phase]:
    yield from _together(node.schedules, " + ", math.fsum, view)


@walk.register
def _(node: Minimum, view: View) -> Iterator[Phase]:
    yield from _together(node.schedules, " or ", min, view)


@walk.register
def _(node: Maximum, view: View) -> Iterator[Phase]:
    yield from _together(node.schedules, " or ", max, view)


def _causes(later: str) -> Iterator[str]:
    """The cause of the first of a row of phases, and of all after it."""
    return itertools.chain(["start"], itertools.repeat(later))


def _together(
    schedules: tuple[Schedule, ...], sign: str, combine: Callable[[Any], float], view: View
) -> Iterator[Phase]:
    """The phases of several schedules at once: one begins wherever one of theirs does."""
    every = [
        zip(_window(walk(schedule, view), view.begin, math.inf), itertools.repeat(i))
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
        again, short = any(phase.again for phase in now), any(phase.short for phase in now)
        start = _combined(schedules, starts, first, combine) if any(starts) else None
        pending = Phase(first, sign.join(curves) or CONSTANT, cause, start, again=again, short=short)
    if pending is not None:  # pragma: no branch (every schedule has a phase)
        yield pending


def _combined(schedules: Any, known: Any, count: float, combine: Any) -> Callable[[], float]:
    """The value of several schedules together at a count, of which some are known."""
    each = [value or _value(schedule, count) for schedule, value in zip(schedules, known, strict=True)]
    return lambda: combine([value() for value in each])
