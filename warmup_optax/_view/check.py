"""A linter for schedules: it finds common mistakes before the run."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .._core import checks
from .._core.as_schedule import Function
from .._core.schedule import Schedule
from .._core.types import ScheduleLike, Steps
from .phases import CONSTANT, FAR, Phase, concrete, phases
from .sample import run_length, sample

if TYPE_CHECKING:
    from .sample import HasLength

DENSE = 2**17  # longer runs are checked at about this many counts, shorter ones at every update
MOST_PHASES = 2**12
TOLERANCE = 0.01  # smaller changes are ignored: relative to the larger value at a jump, else to the largest
CLOCK_END = 2**31 - 1  # optimizers count in int32, and their count stays at its maximum
CYCLIC = "triangle_wave"  # rises and falls intentionally: a cyclical learning rate

NOTES = ("zero_first_update", "warmup_below_one_step", "flat_to_the_end", "rises_after_the_end")
WARNINGS = (
    "zero_at_the_start",
    "zero_to_the_end",
    "jump",
    "rises_again",
    "floor_not_reached",
    "ends_in_warmup",
    "still_falling",
    "cooldown_cut",
    "phase_not_reached",
    "beyond_the_clock",
    "negative",
    "not_finite",
    "cycles_below_one_step",
)


@dataclass(frozen=True)
class Finding:
    """One problem that `check` found. It prints as one line.

    Attributes:
      name: The kind of problem: a name from the table of `check`. These names are stable.
      severity: "warning", or "note" if it is usually intended. It depends only on the name.
      step: The count at which the problem appears.
      message: A sentence that describes the problem and how to fix it.
    """

    name: str
    severity: Literal["warning", "note"]
    step: int
    message: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.severity}: {self.name}: {self.message}"


@checks.by_name
def check(
    schedule: ScheduleLike, total_steps: Steps | HasLength, *, ignore: str | Iterable[str] = ()
) -> list[Finding]:
    """Check a schedule for common mistakes in a run of ``total_steps`` updates: a linter for schedules.

    ===================== ======== ======================================================================
    name                  severity problem
    ===================== ======== ======================================================================
    zero_first_update     note     the first update has rate 0 and changes nothing, as in a warmup from 0; with
                                   ``optax.contrib.prodigy`` and ``dadapt_adamw`` the parameters become NaN
    warmup_below_one_step note     a warmup ends before the second update: a fraction or a percentage of the
                                   run was passed as a number of steps
    flat_to_the_end       note     a decay ends before the run does, at a rate above 0
    zero_at_the_start     warning  the first several updates have rate 0 and change nothing
    zero_to_the_end       warning  the rate is 0 from some step to the end of the run: updates are wasted
    jump                  warning  the ends of two joined phases do not meet, by more than 1 %
    rises_again           warning  a curve decays and then rises again during the run, by more than 1 % of the
                                   largest rate, as a periodic cosine does after its minimum
    rises_after_the_end   note     if the run continued, the rate would rise, by more than 1 % of the largest
    floor_not_reached     warning  the ``end_value`` of an exponential, or the ``min_value`` of a clip, never
                                   applies
    ends_in_warmup        warning  the run ends before the warmup does
    still_falling         warning  the run ends before a decay does
    cooldown_cut          warning  the run ends before a cooldown does
    phase_not_reached     warning  the run ends before a phase begins
    beyond_the_clock      warning  a phase begins or ends at a count that the optimizer cannot reach
    negative              warning  a rate is below 0
    cycles_below_one_step warning  the cycles of a restart are shorter than one update
    not_finite            warning  a rate is NaN or infinite; it comes from a function outside this library
    ===================== ======== ======================================================================

    If a finding is intended, pass its name as ``ignore``. Explicit changes are not reported: the steps of
    `piecewise_constant`, the rise at a restart, a separate phase that rises (a second warmup in a `join`), and
    a cyclical rate (``triangle_wave``). Every recipe passes without a warning if ``total_steps`` is that of
    the recipe.

    Args:
      schedule: A `Schedule`, a function of a count, or a number. Of a function only the values are checked.
        Of a `with_feedback` the schedule without the feedback is checked.
      total_steps: The length of the run in updates, ``0 <= count < total_steps``: a whole number >= 1, or a
        `TrainingRun`.
      ignore: The name of a finding to leave out, or several names.

    Returns:
      The findings, sorted by step. The list is empty if there are none.

    Raises:
      ValueError: If ``total_steps`` is not a whole number >= 1, ``ignore`` has a name that is not in the
        table, or the schedule is a stack.
      TypeError: If an argument has the wrong type, or the schedule has traced numbers.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=900, init_value=1e-5)
    >>> wo.check(schedule, total_steps=900)
    []
    >>> for finding in wo.check(schedule, total_steps=1000):
    ...     print(finding)
    step 900: warning: zero_to_the_end: the rate is 0 from step 900 to the end of the run, so 100 \
updates change nothing; make the schedule 1000 steps long, or stop at 900
    """
    schedule = concrete("check", schedule)
    total = run_length("check", total_steps)
    ignored = _names("check", ignore)
    run = _Run(schedule, total)
    looks = (
        _not_finite,
        _negative,
        _zero,
        _short_warmup,
        _short_cycles,
        _flat,
        _jumps,
        _floors,
        _unfinished,
        _rises,
        _clock,
    )
    found = itertools.chain.from_iterable(look(run) for look in looks)
    return sorted((f for f in found if f.name not in ignored), key=lambda finding: finding.step)


def _names(where: str, ignore: str | Iterable[str]) -> frozenset[str]:
    names = [ignore] if isinstance(ignore, str) else checks.sequence(where, "ignore", ignore, "names")
    every = (*WARNINGS, *NOTES)
    for name in names:
        if name not in every:
            near = difflib.get_close_matches(str(name), every, 1)
            fix = f"did you mean {near[0]}?" if near else ""
            checks.raise_bad_argument(
                where, "ignore", name, "one or several of " + ", ".join(sorted(every)), fix
            )
    return frozenset(map(str, names))


def _finding(name: str, step: int, message: str) -> Finding:
    return Finding(name, "note" if name in NOTES else "warning", step, message)


class _Run:
    """The phases of a schedule, and its values during a run and after it."""

    def __init__(self, schedule: Schedule, total: int) -> None:
        self.schedule, self.total = schedule, total
        # Of the cycles of a restart, only those near the run matter.
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
        self.seen = np.minimum(np.append(every, later), CLOCK_END)  # the largest count of an optimizer
        self.found = sample(schedule, self.seen).astype(np.float64)
        self.values, self.after = np.split(self.found, [every.size])
        finite = np.abs(self.values[np.isfinite(self.values)])
        self.small = TOLERANCE * float(finite.max(initial=0))
        self.warmup = self._cut_warmup()

    def at(self, *counts: int) -> np.ndarray:
        """Return the values at ``counts``, in float64."""
        places = np.minimum(np.searchsorted(self.seen, counts), self.seen.size - 1)
        if np.array_equal(self.seen[places], counts):  # a few counts would be another program
            return self.found[places]
        return sample(self.schedule, np.array(counts)).astype(np.float64)

    def beside(self, step: int) -> tuple[float, float]:
        """Return the values at the count before a phase begins and at its first count."""
        index = int(np.searchsorted(self.counts, step))
        return float(self.values[index - 1]), float(self.values[index])

    def _cut_warmup(self) -> int | None:
        """Return the count at which the first warmup ends, if the run ends before it."""
        if len(self.phases) < 2 or self.phases[0].shape == CONSTANT:
            return None
        end = self.phases[1].first
        # A curve that rises during the whole run and ends with it is not a warmup.
        cut = end > self.total if self.phases[1].cause == "end" else end >= self.total
        now, goal = self.at(0, min(end, int(FAR)))
        return end if cut and goal > now else None

    def pairs(self) -> Iterator[tuple[Phase, Phase]]:
        """Yield each phase with the next one."""
        return itertools.pairwise(self.phases)


def _not_finite(run: _Run) -> Iterator[Finding]:
    bad = np.flatnonzero(~np.isfinite(run.values))
    if bad.size:
        step, value = int(run.counts[bad[0]]), run.values[bad[0]]
        message = (
            f"the rate is {value} here; look into the function that gives it, or keep this count from it"
        )
        yield _finding("not_finite", step, message)


def _negative(run: _Run) -> Iterator[Finding]:
    below = np.flatnonzero((run.values < 0) & np.isfinite(run.values))
    if below.size:
        step, value = int(run.counts[below[0]]), run.values[below[0]]
        message = (
            f"the rate is {value:.4g}, which increases the loss; raise the value it goes to, or clip(..., 0)"
        )
        yield _finding("negative", step, message)


def _zero(run: _Run) -> Iterator[Finding]:
    used = np.flatnonzero(run.values != 0)
    if not used.size:
        message = "the rate is 0 at every update, so nothing is learned; give a peak above 0"
        yield _finding("zero_to_the_end", 0, message)
        return
    first, last = used[0], used[-1]
    if first > 0:
        count = int(run.counts[first])
        instead = f"start the warmup at {run.values[first]:.3g}, say, the rate of update {count}"
        if count == 1:
            # Both optimizers divide by a sum of rates: https://github.com/Nerogar/OneTrainer/issues/253
            message = (
                f"the first update has rate 0 and changes nothing, and makes the parameters of Prodigy and "
                f"D-Adaptation NaN; {instead}"
            )
            yield _finding("zero_first_update", 0, message)
        else:
            message = f"the first {count} updates have rate 0 and change nothing; {instead}"
            yield _finding("zero_at_the_start", 0, message)
    if last + 1 < run.values.size:
        step = int(run.counts[last + 1])
        wasted = f"{run.total - step} updates change" if run.total - step > 1 else "one update changes"
        yield _finding(
            "zero_to_the_end",
            step,
            f"the rate is 0 from step {step} to the end of the run, so {wasted} nothing; "
            f"make the schedule {run.total} steps long, or stop at {step}",
        )


def _short_warmup(run: _Run) -> Iterator[Finding]:
    """Find a rising first phase that contains only the first count."""
    if len(run.phases) < 2 or run.phases[0].shape == CONSTANT or not 0 < run.phases[1].begin < 1:
        return
    now, peak = run.at(0, 1)
    if peak > now:
        length = run.phases[1].begin
        message = (
            f"the warmup of {length:.3g} steps is shorter than one update, so the rate is {peak:.4g} from "
            "update 1 on; if you meant a fraction of the run, write "
            f"TrainingRun(...).steps(fraction={length:.3g})"
        )
        yield _finding("warmup_below_one_step", 0, message)


def _short_cycles(run: _Run) -> Iterator[Finding]:
    """Find restarts that are more frequent than updates, for example in a schedule of tokens."""
    for phase in run.phases:
        if phase.short and phase.first < run.total:
            message = (
                "the cycles here are shorter than one update, so the rate of an update is from anywhere in "
                "a cycle; give the period in the unit of the schedule's clock, or make it longer"
            )
            yield _finding("cycles_below_one_step", phase.first, message)
            return


def _flat(run: _Run) -> Iterator[Finding]:
    """Find a decay that ends before the run does, at a rate above 0."""
    inside = [phase for phase in run.phases if phase.first < run.total]
    curves = [i for i, phase in enumerate(inside) if phase.shape != CONSTANT]
    if not curves or curves[-1] + 1 == len(inside):
        return
    # An explicit constant phase (a step, the second schedule of a join) is not the end of a decay.
    curve, over = inside[curves[-1]], inside[curves[-1] + 1]
    before, value, last = *run.at(curve.first, over.first), run.values[-1]
    if over.cause == "end" and not over.again and before > value == last > 0 and run.total - over.first > 1:
        message = (
            f"the decay is over at step {over.first} of {run.total}, and the rate stays at {value:.4g}; if the "
            f"whole run should decay, make the schedule {run.total} steps long"
        )
        yield _finding("flat_to_the_end", over.first, message)


def _jumps(run: _Run) -> Iterator[Finding]:
    for before, phase in run.pairs():
        step = phase.first
        if phase.cause != "join" or before.last is None or phase.again or step >= run.total:
            continue
        previous, right = run.beside(step)
        if phase.start is None and abs(right - previous) <= TOLERANCE * max(abs(right), abs(previous)):
            continue  # the gap is at most this
        left = before.last()
        # If phases meet between two counts, compare the values where they meet, not those at the counts.
        right = right if phase.start is None else phase.start()
        # If the left phase starts a cycle at this very count, its value one update earlier is the right one.
        gap = min(abs(right - left), abs(right - previous))
        if gap > TOLERANCE * max(abs(left), abs(right), abs(previous)):
            yield _finding(
                "jump",
                step,
                f"the rate jumps from {left:.4g} to {right:.4g} where two phases join; start the second at "
                "the end of the first, on its own clock (offsets=None), or use with_warmup or with_cooldown",
            )


def _floors(run: _Run) -> Iterator[Finding]:
    lowest: dict[float, tuple[float, int]] = {}
    ends = [phase.first for phase in run.phases[1:]]
    for phase, end in itertools.zip_longest(run.phases, ends, fillvalue=math.inf):
        if not isinstance(phase, Phase) or phase.floor is None:
            continue
        inside = np.flatnonzero((run.counts >= phase.first) & (run.counts < end))
        if inside.size:
            least, step = float(np.min(run.values[inside])), int(run.counts[inside[-1]])
            lowest[phase.floor] = min(lowest.get(phase.floor, (math.inf, 0))[0], least), step
    for floor, (least, step) in lowest.items():
        if least > floor + 1e-5 * abs(floor):
            message = f"the floor {floor:.4g} is never reached, only {least:.4g}; decay faster, or longer"
            yield _finding("floor_not_reached", step, message)


def _unfinished(run: _Run) -> Iterator[Finding]:
    """Find phases that the run cuts off, and the first phase that it does not reach."""
    total = run.total
    if run.warmup is not None:
        now, goal = run.values[-1], run.at(run.warmup)[0]
        yield _finding(
            "ends_in_warmup",
            total - 1,
            f"the run ends inside the warmup, which continues to step {run.warmup}: the highest rate is "
            f"{now:.4g} of {goal:.4g}; shorten the warmup, or train longer",
        )
        return
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
            yield _finding("phase_not_reached", phase.first, message)
            return
    if isinstance(run.schedule, Function):  # only its values are known: it has ended if they stay the same
        now, later, latest = run.at(total, 2 * total, 4 * total)
        if later == latest and now - later > run.small:
            yield _still_falling(run, f"it continues to {later:.4g}")


def _cut(run: _Run, phase: Phase, end: int) -> Iterator[Finding]:
    now, goal = run.at(run.total, min(end, int(FAR)))
    goes_on = f"{phase.shape} continues to {goal:.4g} at step {end}"
    if abs(now - goal) <= run.small:
        return
    if phase.cause == "cooldown":
        left = run.total - phase.first
        message = (
            f"the cooldown of {end - phase.first} steps is longer than the {left} steps that are left of the "
            f"run: {goes_on}; give it {left} steps, or begin it earlier"
        )
        yield _finding("cooldown_cut", phase.first, message)
    elif now > goal:
        yield _still_falling(run, goes_on)


def _still_falling(run: _Run, goes_on: str) -> Finding:
    message = (
        f"the rate is still falling when the run ends, at {run.values[-1]:.4g}, and its end value is not "
        f"reached: {goes_on}; make the schedule {run.total} steps long, or train longer"
    )
    return _finding("still_falling", run.total - 1, message)


def _rises(run: _Run) -> Iterator[Finding]:
    ends = [phase.first for phase in run.phases[1:]]
    for phase, end in itertools.zip_longest(run.phases, ends, fillvalue=run.total):
        if not isinstance(phase, Phase) or phase.first >= run.total:
            break
        if CYCLIC in phase.shape:
            continue
        inside = slice(*np.searchsorted(run.counts, [phase.first, min(end, run.total)]))
        if (found := _risen(run.counts[inside], run.values[inside], run.small)) is not None:
            foot, low, high = found
            yield _finding(
                "rises_again",
                foot,
                f"the rate falls to {low:.4g} at step {foot} and rises again, to {high:.4g}: this curve "
                "continues as a wave; make it as long as the run, or keep its end value with join()",
            )
            return
    last = run.values[-1]
    higher = np.flatnonzero(run.after > last + run.small)
    if higher.size and run.warmup is None:
        step, value = int(run.later[higher[0]]), run.after[higher[0]]
        owner = [phase for phase in run.phases if phase.first <= step][-1]
        if owner.again or owner.short or CYCLIC in owner.shape:
            return
        message = (
            f"if the run continues after {run.total} steps, the rate rises from {last:.4g} to {value:.4g}; "
            "if that is not intended, give the schedule the length of the run, or keep its end value with "
            "join()"
        )
        yield _finding("rises_after_the_end", step, message)


def _risen(counts: np.ndarray, values: np.ndarray, small: float) -> tuple[int, float, float] | None:
    """Return ``(where, low, high)`` of a fall and a later rise, both by more than ``small``, or None."""
    if values.size < 3 or not np.isfinite(values).all():
        return None
    lowest_after_fall = np.where(np.maximum.accumulate(values) - values > small, values, np.inf)
    floor = np.minimum.accumulate(lowest_after_fall)
    risen = np.flatnonzero(values - floor > small)
    if not risen.size:
        return None
    foot = int(np.argmin(lowest_after_fall[: risen[0] + 1]))
    # The foot is the lowest value before the rise; the high is the largest value after it.
    return int(counts[foot]), float(values[foot]), float(values[risen[0] :].max())


def _clock(run: _Run) -> Iterator[Finding]:
    """Find phases that begin or end after the largest count of an optimizer."""
    end = "make the schedule shorter: an optimizer counts in int32 and stays at 2147483647"
    for before, phase in run.pairs():
        if phase.first > CLOCK_END and run.total > CLOCK_END:
            what = f"the end of {before.shape}" if phase.cause == "end" else f"the phase ({phase.shape})"
            yield _finding("beyond_the_clock", CLOCK_END, f"{what} is due at step {phase.first}; {end}")
            return
