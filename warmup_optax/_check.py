"""A linter for schedules: what is most often wrong with one, found before the run instead of after it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _checks
from ._inspect import sample
from ._phases import FAR, Phase, phases, settled
from ._schedule import Function, Schedule

DENSE = 2**17  # runs of so many steps are looked at update by update, longer ones at as many counts
MOST_PHASES = 2**12
TOLERANCE = 0.01  # smaller changes are nobody's mistake: of the larger value at a jump, else of the largest


@dataclass(frozen=True)
class Finding:
    """Something that `check` found.

    Attributes:
      name: What it is: one of the names in the table of `check`, which stay as they are.
      step: The count at which it shows.
      message: A sentence that says what happens and how to mend it.
    """

    name: str
    step: int
    message: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.name}: {self.message}"


def check(schedule: Any, total_steps: Any) -> list[Finding]:
    """Looks for what is most often wrong with a schedule, in a run of so many updates.

    ===================== =================================================================================
    name                  what was found
    ===================== =================================================================================
    zero_first_update     the first update, or the first few, have rate 0 and change nothing
    zero_to_the_end       the rate is 0 from some step to the end of the run, so that updates are wasted
    jump                  the ends of two joined phases do not meet, by more than 1 %
    floor_not_reached     the ``end_value`` of an exponential, or ``min_value`` of a clip, is never in effect
    still_falling         the run ends before a decay does
    cooldown_cut          the run ends before a cooldown does
    rises_after_the_end   training on would raise the rate again, by more than 1 % of the largest
    phase_not_reached     the run ends before a phase begins
    negative              a rate below 0
    not_finite            a NaN or an infinity, from a function of somebody else's
    ===================== =================================================================================

    A finding is true, but may be meant: a warmup from exactly 0 is a `zero_first_update`, a row of restarts
    `rises_after_the_end`. Steps between phases of `piecewise_constant` and `restart` are no jumps.

    Args:
      schedule: A `Schedule`, a function of a count (of which only the values can be judged), or a number.
      total_steps: Updates in the run, counts ``0 <= count < total_steps``: a whole number >= 1.

    Returns:
      The findings by step, none for a schedule that has nothing wrong.

    Raises:
      ValueError: If ``total_steps`` is not a whole number >= 1, or the schedule is a stack.
      TypeError: If an argument is of the wrong type, or the schedule's numbers are traced.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=900, init_value=1e-5)
    >>> wo.check(schedule, total_steps=900)
    []
    >>> for finding in wo.check(schedule, total_steps=1000):
    ...     print(finding)
    step 900: zero_to_the_end: the rate is 0 from step 900 to the end of the run, so that 100 updates change \
nothing; make the schedule 1000 steps long, or stop at 900
    """
    schedule = settled("check", schedule)
    total = int(_checks.steps("check", "total_steps", total_steps, at_least=1))
    run = _Run(schedule, total)
    found = itertools.chain(
        _not_finite(run), _negative(run), _zero(run), _jumps(run), _floors(run), _unfinished(run), _rises(run)
    )
    return sorted(found, key=lambda finding: finding.step)


class _Run:
    """A schedule's phases, and its values in a run and after it."""

    def __init__(self, schedule: Schedule, total: int) -> None:
        self.schedule, self.total = schedule, total
        # Of a row of restarts only those near the run are of interest.
        near = itertools.takewhile(lambda p: not p.again or p.first < 4 * total, phases(schedule))
        self.phases = list(itertools.islice(near, MOST_PHASES))
        firsts = [phase.first for phase in self.phases if phase.first < 4 * total]
        beside = [count + k for count in [0, *firsts, total] for k in (-1, 0, 1)]
        if total <= DENSE:
            every = np.arange(total)
        else:
            spread = np.linspace(0, total - 1, DENSE).astype(np.int64)
            every = np.unique([*spread, *(count for count in beside if 0 <= count < total)])
        later = np.unique(
            [*np.linspace(total, 2 * total, 64).astype(np.int64), *(c for c in beside if c >= total)]
        )
        self.counts, self.later = every, later
        self.values, self.after = np.split(self.at(np.append(every, later)), [every.size])
        finite = np.abs(self.values[np.isfinite(self.values)])
        self.small = TOLERANCE * float(finite.max(initial=0))

    def at(self, counts: Any) -> np.ndarray:
        """The values at counts, in float64."""
        return sample(self.schedule, counts).astype(np.float64)

    def pairs(self) -> Iterator[tuple[Phase, Phase]]:
        """Each phase and the one after it."""
        return itertools.pairwise(self.phases)


def _not_finite(run: _Run) -> Iterator[Finding]:
    bad = np.flatnonzero(~np.isfinite(run.values))
    if bad.size:
        step, value = int(run.counts[bad[0]]), run.values[bad[0]]
        message = (
            f"the rate is {value} here; look into the function that gives it, or keep this count from it"
        )
        yield Finding("not_finite", step, message)


def _negative(run: _Run) -> Iterator[Finding]:
    below = np.flatnonzero((run.values < 0) & np.isfinite(run.values))
    if below.size:
        step, value = int(run.counts[below[0]]), run.values[below[0]]
        message = (
            f"the rate is {value:.4g}, which climbs the loss; raise the value it goes to, or clip(..., 0)"
        )
        yield Finding("negative", step, message)


def _zero(run: _Run) -> Iterator[Finding]:
    used = np.flatnonzero(run.values != 0)
    if not used.size:
        message = "the rate is 0 at every update, so that nothing is learned; give a peak above 0"
        yield Finding("zero_to_the_end", 0, message)
        return
    first, last = used[0], used[-1]
    if first > 0:
        count = run.counts[first]
        wasted = "update has rate 0 and changes" if count == 1 else f"{count} updates have rate 0 and change"
        instead = f"start the warmup at {run.values[first]:.3g}, say, the rate of update {count}"
        yield Finding("zero_first_update", 0, f"the first {wasted} nothing; {instead}")
    if last + 1 < run.values.size:
        step = int(run.counts[last + 1])
        wasted = f"{run.total - step} updates change" if run.total - step > 1 else "one update changes"
        yield Finding(
            "zero_to_the_end",
            step,
            f"the rate is 0 from step {step} to the end of the run, so that {wasted} nothing; "
            f"make the schedule {run.total} steps long, or stop at {step}",
        )


def _jumps(run: _Run) -> Iterator[Finding]:
    for before, phase in run.pairs():
        step = phase.first
        if phase.cause != "join" or before.last is None or phase.again or step >= run.total:
            continue
        left, (previous, right) = before.last(), run.at(np.array([step - 1, step]))
        # A left phase that itself starts a cycle right here is where it was one update earlier.
        gap = min(abs(right - left), abs(right - previous))
        if gap > TOLERANCE * max(abs(left), abs(right), abs(previous)):
            yield Finding(
                "jump",
                step,
                f"the rate jumps from {left:.4g} to {right:.4g} where two phases join; start the second at "
                "the end of the first, on its own clock (offsets=None), or use with_warmup or with_cooldown",
            )


def _floors(run: _Run) -> Iterator[Finding]:
    lowest: dict[float, tuple[float, int]] = {}
    ends = [phase.first for phase in run.phases[1:]]
    for phase, end in itertools.zip_longest(run.phases, ends, fillvalue=math.inf):
        if not isinstance(phase, Phase) or phase.floor is None or phase.again:
            continue
        inside = np.flatnonzero((run.counts >= phase.first) & (run.counts < end))
        if inside.size:
            least, step = float(np.min(run.values[inside])), int(run.counts[inside[-1]])
            lowest[phase.floor] = min(lowest.get(phase.floor, (math.inf, 0))[0], least), step
    for floor, (least, step) in lowest.items():
        if least > floor + 1e-5 * abs(floor):
            message = f"the floor {floor:.4g} is never reached, only {least:.4g}; decay faster, or longer"
            yield Finding("floor_not_reached", step, message)


def _unfinished(run: _Run) -> Iterator[Finding]:
    """Phases that the run cuts off, and the first of those that it does not come to."""
    total = run.total
    for before, phase in run.pairs():
        if phase.first < total or phase.again:
            continue
        if before.first < total and phase.cause == "end":
            yield from _cut(run, before, phase.first)
        if phase.cause != "end" and phase.first >= total:
            what = f"cooldown ({phase.shape})" if phase.cause == "cooldown" else f"phase ({phase.shape})"
            message = (
                f"the {what} that begins at step {phase.first} is never reached in {total} steps; "
                "shorten what comes before it, or train longer"
            )
            yield Finding("phase_not_reached", phase.first, message)
            return
    if isinstance(run.schedule, Function):  # nobody can look into it: a decay is over where it stays the same
        now, later, latest = run.at(np.array([total, 2 * total, 4 * total]))
        if later == latest and now - later > run.small:
            yield _still_falling(run, f"it goes on to {later:.4g}")


def _cut(run: _Run, phase: Phase, end: int) -> Iterator[Finding]:
    now, goal = run.at(np.array([run.total, min(end, int(FAR))]))
    goes_on = f"{phase.shape} goes on to {goal:.4g} at step {end}"
    if abs(now - goal) <= run.small:
        return
    if phase.cause == "cooldown":
        left = run.total - phase.first
        message = (
            f"the cooldown of {end - phase.first} steps is longer than the {left} steps that are left of the "
            f"run: {goes_on}; give it {left} steps, or begin it earlier"
        )
        yield Finding("cooldown_cut", phase.first, message)
    elif now > goal:
        yield _still_falling(run, goes_on)


def _still_falling(run: _Run, goes_on: str) -> Finding:
    message = (
        f"the rate is still falling when the run ends, at {run.values[-1]:.4g}, and its end value is not "
        f"reached: {goes_on}; make the schedule {run.total} steps long, or train longer"
    )
    return Finding("still_falling", run.total - 1, message)


def _rises(run: _Run) -> Iterator[Finding]:
    last = run.values[-1]
    higher = np.flatnonzero(run.after > last + run.small)
    if higher.size:
        step, value = int(run.later[higher[0]]), run.after[higher[0]]
        message = (
            f"a run that goes on after {run.total} steps sees the rate rise from {last:.4g} to {value:.4g}; "
            "if that is not meant, give the schedule the length of the run, or hold its end with join()"
        )
        yield Finding("rises_after_the_end", step, message)
