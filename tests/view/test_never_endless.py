"""`describe`, `check`, `plot`, `explore` and the command line end, for every schedule that can be built.

Their work is counted in calls of the functions that walk over the phases, so the test says the same on every
machine, and an endless walk fails instead of hanging. The values are zeros: what they cost is `sample`'s.
"""

import contextlib
import itertools
import json
import random
import sys
from fractions import Fraction

import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax._cli import main
from warmup_optax._view import phases
from warmup_optax._view.explore.explorer import MOST_MARKS
from warmup_optax._view.plot import points
from warmup_optax._view.sample import evaluate_with

LENGTHS = [0, 1, 2, 3, 5, 41, 100, 1000, 10**6, 2**31 - 1, 10**10, 2**40]
PERIODS = LENGTHS[1:]


WALKING = {"walk", "window", "delayed", "together", "with_next", "phases", "_in_units", "_stretches"}


def zeros(schedule, counts):
    return np.zeros(np.shape(counts), np.float32)


class TooMuch(Exception):
    """More calls than a walk that ends would take."""


@contextlib.contextmanager
def at_most(calls):
    """Counts the calls of the functions that walk: each phase that a rule yields is one."""
    spent = 0

    def count(frame, event, arg):
        nonlocal spent
        if event == "call" and frame.f_code.co_name in WALKING:
            spent += 1
            if spent > calls:
                raise TooMuch

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


# ------------------------------------------------------------------------------------- wild schedules
def _bounds(r, n):
    return sorted(r.sample([*range(1, 50), *PERIODS[4:]], n))


def _shape(r):
    return r.choice(
        [
            lambda: wo.constant(1.0),
            lambda: wo.linear(1.0, 0.1, r.choice(LENGTHS)),
            lambda: wo.cosine(1.0, 0.1, r.choice(LENGTHS)),
            lambda: wo.exponential(1.0, decay_rate=0.5, transition_steps=r.choice(PERIODS), end_value=0.1),
            lambda: wo.piecewise_constant([1.0, 0.5, 0.2], _bounds(r, 2)),
            lambda: wo.piecewise_linear([1.0, 0.5, 0.2], _bounds(r, 3)),
            lambda: wo.as_schedule(np.cos),
            lambda: wo.shapes.triangle_wave(1.0, 0.1, r.choice(PERIODS)),
            lambda: wo.warmup_cosine_restarts(1.0, warmup_steps=2, cycle_steps=5, growth=r.choice([1, 2])),
        ]
    )()


def _clock(r, schedule):
    boundaries = _bounds(r, r.choice([0, 1, 3]))
    starts = [r.choice([0, 0, 7, 2**40])]
    rates = [r.choice([0, 1, 3, 1000, 2**20, 2**40]) for _ in range(len(boundaries) + 1)]
    for (begin, end), rate in zip(zip([0, *boundaries], boundaries, strict=False), rates, strict=False):
        seen = starts[-1] + (end - begin) * rate
        starts.append(r.choice([seen, seen, seen, 0, 5]) if seen < 2**60 else 0)
    return wo.nodes.InSteps(schedule, boundaries, starts, rates, r.choice([1, 1, 7]))


def _wrapped(r, schedule):
    length, period = r.choice(LENGTHS), r.choice(PERIODS)
    return r.choice(
        [
            lambda: wo.restart(
                schedule, period=period, growth=r.choice([1, 1, 1, 1.1, 1.5, 2, 3]), decay=0.9
            ),
            lambda: wo.restart(schedule, period=r.choice([1, 2, 5, 41])),
            lambda: wo.shift(schedule, r.choice([-1, 1]) * length),
            lambda: wo.with_warmup(schedule, steps=length, overlap=r.random() < 0.5),
            lambda: wo.with_cooldown(schedule, begin=length, steps=period),
            lambda: wo.join(
                [_shape(r), schedule], [period], offsets=r.choice([None, [0, 0], [-length, -period]])
            ),
            lambda: wo.staircase(schedule, period),
            lambda: wo.stretch(schedule, r.choice([period, Fraction(1, period), 0.3, 1e-6])),
            lambda: _clock(r, schedule),
            lambda: _clock(r, schedule),
            lambda: schedule * 0.5 + _shape(r),
            lambda: schedule * wo.restart(_shape(r), period=period),
            lambda: wo.minimum(schedule, _shape(r)),
            lambda: wo.clip(schedule, 0.01),
        ]
    )()


def wild(seed):
    """A schedule of up to four combinators."""
    r = random.Random(seed)
    while True:
        with contextlib.suppress(ValueError):  # a growth with too many cycles, say
            schedule = _shape(r)
            for _ in range(r.choice([1, 2, 3, 4])):
                schedule = _wrapped(r, schedule)
            return schedule


# Each phase is passed on by the rules around it, in some calls each. `check` took 0.02 s of CPU for one of 600
# schedules, and 0.8 s for the slowest, which has 4,096 cycles of four combinators. `describe` looks at 25 phases.
A_PHASE = 250
LIMITS = {
    "describe": (lambda schedule: wo.describe(schedule), 2**7 * A_PHASE),
    "check": (lambda schedule: wo.check(schedule, 1000), 2**13 * A_PHASE),
    "plot": (lambda schedule: points(schedule, min(phases.horizon(schedule), 10**9)), 2**12 * A_PHASE),
    "explore": (
        lambda schedule: list(itertools.islice(phases.phases(schedule), MOST_MARKS)),
        2**12 * A_PHASE,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 2000), marks=pytest.mark.exhaustive)])
def test_the_work_is_bounded(name, seeds):
    look, limit = LIMITS[name]
    for seed in seeds:
        schedule = wild(seed)
        with evaluate_with(zeros), at_most(limit):
            try:
                look(schedule)
            except Exception as error:
                raise AssertionError(f"seed {seed}: {schedule!r}") from error


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 2000), marks=pytest.mark.exhaustive)])
def test_the_command_line_ends(seeds, tmp_path, capsys):
    """A table and the linter, of a file. Functions have no form in one."""
    for seed in seeds:
        try:
            text = json.dumps(wo.to_config(wild(seed)))
        except TypeError:
            continue
        path = tmp_path / f"{seed}.json"
        path.write_text(text)
        with evaluate_with(zeros), at_most(2**13 * A_PHASE):
            try:
                status = main(["check", str(path), "--total-steps", "1000"])
            except Exception as error:
                raise AssertionError(f"seed {seed}: {text}") from error
        assert status in (0, 1), f"seed {seed}: {text}"
    capsys.readouterr()


@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 2000), marks=pytest.mark.exhaustive)])
def test_the_table_has_the_values(seeds):
    """Of those that end: the first column is increasing, and the values are the schedule's."""
    for seed in seeds:
        schedule = wild(seed)
        rows = [line.split() for line in wo.describe(schedule).splitlines()[1:] if line[:1] in " 0123456789"]
        firsts = [int(row[0]) for row in rows]
        assert firsts == sorted(set(firsts)), f"seed {seed}: {schedule!r}"
        assert firsts[0] == 0, f"seed {seed}: {schedule!r}"


# ------------------------------------------------------------------------------ what was endless, or failed
def _lines(schedule):
    with evaluate_with(zeros), at_most(2**7 * A_PHASE):
        return [tuple(line.split()[:3]) for line in wo.describe(schedule).splitlines()[1:]]


def test_restarts_of_restarts_with_a_head_start():
    nested = wo.restart(wo.restart(wo.linear(1.0, 0.0, 5), period=5), period=50)
    assert _lines(wo.shift(nested, -96))[:2] == [("0", "4", "linear"), ("4", "9", "linear")]
    joined = wo.join([0.5, nested], [10], offsets=[0, -86])
    assert _lines(joined)[:3] == [("0", "10", "constant"), ("10", "14", "linear"), ("14", "19", "linear")]


def test_a_clock_that_stops():
    """A rate of 0 units: the value stays."""
    line = wo.linear(0.0, 1.0, 80)
    stops = wo.nodes.InSteps(line, [2], [0, 20], [10, 0])
    assert _lines(stops) == [("0", "2", "linear"), ("2", "constant", "0")]
    decay = wo.staircase(wo.cosine(1.0, 0.0, 8), 10)
    ramp = wo.nodes.InSteps(decay, [2, 4, 6], [0, 20, 60, 60], [10, 20, 0, 0])
    assert _lines(ramp) == [("0", "4", "cosine"), ("4", "constant", "0")]
    assert [finding.name for finding in wo.check(ramp, 10)] == ["flat_to_the_end"]
    jumps = wo.nodes.InSteps(line, [2, 4], [0, 20, 40], [10, 0, 0])
    assert _lines(jumps) == [("0", "2", "linear"), ("2", "4", "constant"), ("4", "constant", "0")]
    assert wo.describe(wo.nodes.InSteps(line, [], [40], [0])).split()[-4:] == ["0", "constant", "0.5", "0.5"]
    pauses = wo.nodes.InSteps(line, [2, 10], [0, 20, 20], [10, 0, 10])
    assert _lines(pauses) == [("0", "16", "linear"), ("16", "constant", "0")]
    assert wo.check(stops, 10, ignore="zero_first_update") == []


def test_cycles_that_are_shorter_than_an_update_are_one_phase():
    cycles = wo.restart(wo.linear(1.0, 0.0, 10), period=10)
    assert _lines(wo.nodes.InSteps(cycles, [], [0], [11])) == [("0", "restart", "0")]
    assert _lines(wo.nodes.InSteps(cycles, [], [0], [10]))[0] == ("0", "1", "linear")
    ramp = wo.nodes.InSteps(cycles, [8, 16], [0, 8, 8 + 8 * 2**40], [1, 2**40, 1])
    assert _lines(ramp)[:3] == [("0", "8", "linear"), ("8", "16", "restart"), ("16", "20", "linear")]
    growing = wo.nodes.InSteps(wo.restart(wo.linear(1.0, 0.0, 10), period=10, growth=2), [], [0], [1000])
    assert [line[2] for line in _lines(growing)[:3]] == ["restart", "linear", "linear"]


def test_thousands_of_segments_are_one_clock():
    run = wo.TrainingRun(num_examples=1000, batch_size=128, drop_last=False, num_epochs=20_000)
    schedule = run.in_steps(wo.warmup_cosine(1.0, warmup_steps=1000, total_steps=10**7), unit="examples")
    assert len(schedule.boundaries) == 40_000
    assert _lines(schedule) == [("0", "8", "linear"), ("8", "80000", "cosine"), ("80000", "constant", "0")]


def test_a_clock_that_is_set():
    """Units that jump, in a config written by hand: the phase of the new unit begins there."""
    schedule = wo.join([wo.linear(0.0, 1.0, 10), wo.cosine(1.0, 0.0, 50)], [10])
    back = wo.nodes.InSteps(schedule, [20, 40], [0, 20, 0], [1, 1, 2])
    assert [line[2] for line in _lines(back)[:4]] == ["linear", "cosine", "linear", "cosine"]
    assert [line[0] for line in _lines(back)[:4]] == ["0", "10", "40", "45"]
