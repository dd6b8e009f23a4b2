"""`describe`, and the walk over the phases that it shows."""

import itertools
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.catalogue import CASES, ONE_OF_EACH

import warmup_optax as wo
from warmup_optax._combinators import restart as _restart
from warmup_optax._view import phases as _phases

RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}

first_of_each = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case in ONE_OF_EACH else pytest.mark.exhaustive)
        for case in CASES
    ],
)


def cells(text):
    """``(from, to, shape, start, end)`` of each row of a `describe`, None for an empty cell."""
    head, *lines = [line for line in text.splitlines() if not line.startswith("and ")]
    ends = [head.index(name) + len(name) for name in ("from", "to", "start", "end")]
    for line in lines:
        begin, to, rest = line[: ends[0]], line[ends[0] : ends[1]], line[ends[1] : ends[2]]
        shape, _, start = rest.strip().rpartition(" ")
        end = line[ends[2] :].strip()
        yield int(begin), int(to) if to.strip() else None, shape.strip(), float(start), float(end or "nan")


@first_of_each
def test_the_table_agrees_with_the_schedule(case):
    """Phases follow one another, and their values are the schedule's own."""
    rows = list(cells(wo.describe(case.schedule)))
    assert rows[0][0] == 0
    begins = [begin for begin, *_ in rows]
    lasts = [10 * begin + 10 if end is None else end - 1 for begin, end, *_ in rows]
    at_begin, at_last = wo.sample(case.schedule, [begins, lasts])
    for i, (begin, end, shape, first, last) in enumerate(rows):
        assert end == (begins[i + 1] if i + 1 < len(rows) else end)
        assert end is None or begin < end
        assert first == pytest.approx(at_begin[i], rel=1e-5, abs=1e-30)
        if shape == "constant":
            assert last == first
            assert at_last[i] == at_begin[i]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case in ONE_OF_EACH else pytest.mark.exhaustive)
        for case in CASES
        if case.serialisable and "stair" not in repr(case.schedule)
    ],
)
def test_every_jump_of_a_schedule_is_a_boundary(case):
    """Between the boundaries found a schedule is smooth, but for the stairs of a staircase."""
    begins = {p.first for p in itertools.takewhile(lambda p: p.first < 4000, _phases.phases(case.schedule))}
    blocks = [wo.sample(case.schedule, range(begin, begin + 256)) for begin in range(0, 3000, 256)]
    values = np.concatenate(blocks).astype(float)
    change = np.abs(np.diff(values))
    around = np.maximum(np.roll(change, 1), np.roll(change, -1))
    jumps = 1 + np.flatnonzero((change > 0.02 * np.abs(values).max()) & (change > 4 * around))
    assert set(jumps.tolist()) <= begins


def test_describe_shows_what_runs_into_a_jump():
    joined = wo.join([wo.linear(0.0, 1.0, 10), wo.cosine(0.5, 0.0, 40), 0.25], [10, 30]) * 2
    assert wo.describe(joined) == (
        "from  to  shape     start  end\n"
        "   0  10  linear        0    2\n"
        "  10  30  cosine        1  0.5\n"
        "  30      constant    0.5  0.5"
    )


def test_describe_stops_where_it_gets_long():
    cycles = wo.warmup_cosine_restarts(1.0, warmup_steps=10, cycle_steps=16, growth=1.5, decay=0.5)
    assert wo.describe(cycles) == (
        "from   to  shape   start  end\n"
        "   0   10  linear      0    1\n"
        "  10   26  cosine      1    0\n"
        "  26   50  cosine    0.5    0\n"
        "  50   86  cosine   0.25    0\n"
        "  86  140  cosine  0.125    0\n"
        "and so on, cycle after cycle"
    )
    steps = wo.piecewise_constant([0.9**i for i in range(100)], range(10, 1000, 10))
    assert len(wo.describe(steps).splitlines()) == 26
    assert wo.describe(steps).endswith("\nand more phases")


def test_describe_names_functions_and_raises_an_error_without_numbers():
    text = wo.describe(wo.join([optax.linear_schedule(0.0, 1.0, 9), wo.shapes.radam(1.0, b2=0.9)], [9]))
    assert "polynomial_schedule" in text
    assert text.splitlines()[-1].split()[:2] == ["9", "radam"]
    with pytest.raises(ValueError, match=r"describe: schedule must be one schedule, .* is a stack"):
        wo.describe(wo.stack([wo.constant(1.0), wo.constant(2.0)]))
    with pytest.raises(
        TypeError,
        match=r"describe: schedule must be of known numbers, .* are traced: call describe outside of jit",
    ):
        jax.jit(lambda x: wo.describe(wo.constant(x)))(1.0)
    with pytest.raises(TypeError, match=r"describe: schedule must be"):
        wo.describe("linear")
    arrays = jax.tree.map(jnp.asarray, wo.warmup_linear(0.5, **RUN))
    assert wo.describe(arrays) == wo.describe(wo.warmup_linear(0.5, **RUN))


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (wo.warmup_cosine(1.0, **RUN), 1000),
        (wo.warmup_constant(1.0, warmup_steps=100), 200),
        (wo.warmup_inverse_sqrt(1.0, warmup_steps=100), 400),
        (wo.piecewise_constant([1.0, 0.5], [400]), 500),
        (wo.restart(wo.cosine(1.0, 0.0, 50), period=50), 200),
        (wo.exponential(1.0, decay_rate=0.99, transition_steps=1), 397),
        (wo.constant(1.0), 100),
    ],
    ids=repr,
)
def test_horizon_is_a_sensible_number_of_steps(schedule, steps):
    assert _phases.horizon(schedule) == steps


# ------------------------------------------------------------------ ended phases, and late cycles
OVER = {
    "a port": wo.compat.torch.LinearLR(1.0, total_iters=10, last_epoch=30),
    "a recipe": wo.shift(wo.warmup_linear(1.0, **RUN, end_value=0.5), -2000),
    "nested": wo.shift(wo.shift(wo.cosine(1.0, 0.5, 5), -5) * 2.0, -1),
    "sped up": wo.stretch(wo.shift(wo.linear(1.0, 0.5, 10), -10), Fraction(1, 7)),
}


@pytest.mark.parametrize("name", OVER)
def test_a_schedule_that_is_over_at_count_0_is_one_phase(name):
    schedule = OVER[name]
    value = float(schedule(0))
    assert _phases.horizon(schedule) == 100
    assert list(cells(wo.describe(schedule))) == [(0, None, "constant", value, value)]
    assert [finding.name for finding in wo.check(schedule, 50)] == []


LATE = {
    "resumed": wo.shift(wo.restart(wo.linear(1.0, 0.1, 7), period=7), -2_000_000_000),
    "of one step": wo.shift(wo.restart(wo.linear(1.0, 0.1, 1), period=1), -2_000_000_000),
    "joined late": wo.join([1.0, wo.restart(wo.cosine(1.0, 0.1, 9), period=9)], [10**9], offsets=[0, 0]),
    "slower and slower": wo.shift(
        wo.restart(wo.linear(1.0, 0.1, 7), period=7, growth=1.5, decay=0.9), -100_000_000
    ),
    "in a sum": 0.5 + wo.shift(wo.restart(wo.linear(1.0, 0.1, 7), period=7), -(10**9)),
    "in a product": wo.shift(
        wo.restart(wo.linear(1.0, 0.1, 7), period=7) * wo.piecewise_constant([1.0, 0.5], [999_999_990]),
        -999_999_980,
    ),
    "in a restart": wo.restart(wo.shift(wo.restart(wo.linear(1.0, 0.1, 3), period=3), -(10**9)), period=12),
}


@pytest.mark.parametrize("name", LATE)
def test_the_cycles_before_count_0_are_not_walked(name, monkeypatch):
    """A resumed restart may have had billions of them; the phases in sight agree with the values."""
    walked = []
    shift = _restart.mapped  # once for each phase of a cycle
    monkeypatch.setattr(_restart, "mapped", lambda *args: walked.append(0) or shift(*args))
    schedule = LATE[name]
    found = list(itertools.islice(_phases.phases(schedule), 12))
    assert 0 < len(walked) < 100
    begins = [phase.first for phase in found]
    assert begins[0] == 0
    assert begins == sorted(set(begins))
    values = wo.sample(schedule, range(min(begins[-1], 100))).astype(float)
    jumps = 1 + np.flatnonzero(abs(np.diff(values)) > 0.75 * np.ptp(values))
    assert set(jumps.tolist()) <= set(begins)
    assert wo.describe(schedule)
    assert _phases.horizon(schedule) > 0


def test_the_cycle_of_a_late_count_is_the_one_that_the_walk_comes_to():
    """By arithmetic as by walking, for cycles of many lengths."""
    for growth in (1, 1.1, 1.5, 2):
        schedule = wo.restart(wo.linear(1.0, 0.1, 7), period=7, growth=growth, decay=0.5)
        walked = [phase.first for phase in itertools.islice(_phases.phases(schedule), 12)]
        for count in (begin + near for begin in walked[1:-1] for near in (-1, 0, 1)):
            now, later = itertools.islice(_phases.phases(wo.shift(schedule, -count)), 2)
            assert now.first == 0
            assert later.first + count == next(begin for begin in walked if begin > count)


def test_a_clock_of_examples_counts_on_past_int32():
    """A schedule of 3e11 examples, as updates see it."""
    examples = wo.warmup_stable_decay(1.0, warmup_steps=2 * 10**9, decay_steps=10**10, total_steps=3 * 10**11)
    schedule = wo.stretch(examples, Fraction(1, 4_194_304))
    rows = list(cells(wo.describe(schedule)))
    ends = [-(-units // 4_194_304) for units in (2 * 10**9, 29 * 10**10, 3 * 10**11)]
    assert [row[2] for row in rows] == ["linear", "constant", "one_minus_sqrt", "constant"]
    assert [row[0] for row in rows] == [0, *ends]
    assert wo.sample(schedule, [ends[0], ends[2], 2**31 - 1]).tolist() == [1.0, 0.0, 0.0]


# ------------------------------------------------------------------ user-defined nodes
class Halves(wo.Schedule):
    value: float
    steps: int = wo.steps()

    def evaluate(self, time):
        return jnp.where(time.reached(self.steps), self.value, 2 * self.value)


class NamedHalves(Halves):
    def phases(self):
        return [(0, "high"), (self.steps, "low")]


class LikeAJoin(Halves):
    def phases(self):
        return wo.join([wo.constant(2 * self.value), wo.linear(self.value, 0.0, 10)], [self.steps])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Halves, [(0, "constant"), (5, "Halves")]),
        (NamedHalves, [(0, "constant"), (5, "high"), (15, "low")]),
        (LikeAJoin, [(0, "constant"), (15, "linear"), (25, "constant")]),
    ],
)
def test_a_node_of_the_users_own_is_one_phase_until_it_says_more(node, expected):
    schedule = wo.shift(node(1.0, 10), 5)
    assert [(phase.first, phase.shape) for phase in _phases.phases(schedule)] == expected
    assert len(wo.describe(schedule).splitlines()) == 1 + len(expected)
    assert wo.check(schedule, 30) is not None


def test_user_defined_phases_out_of_order_raise_an_error():
    class Backwards(Halves):
        def phases(self):
            return [(0, "high"), (self.steps, "low"), (1, "again")]

    with pytest.raises(ValueError, match=r"^Backwards\.phases\(\) must give pairs"):
        wo.describe(Backwards(1.0, 10))


@pytest.mark.parametrize("pairs", [[], [(1, "late")]], ids=["none", "without the first"])
def test_user_defined_phases_begin_at_0(pairs):
    class Begins(Halves):
        def phases(self):
            return pairs

    with pytest.raises(
        ValueError, match=r"^Begins\.phases\(\) must give pairs \(begin, name\), the first begin 0"
    ):
        wo.describe(Begins(1.0, 10))


def test_describe_ends_with_the_run():
    """Phases after the end are left out, and the last one ends there with its value at the end."""
    schedule = wo.warmup_cosine(1.0, warmup_steps=100, total_steps=1000)
    rows = {
        50: ["0 50 linear 0 0.5"],
        100: ["0 100 linear 0 1"],
        550: ["0 100 linear 0 1", "100 550 cosine 1 0.5"],
        1000: ["0 100 linear 0 1", "100 1000 cosine 1 0"],
        2000: ["0 100 linear 0 1", "100 1000 cosine 1 0", "1000 2000 constant 0 0"],
    }
    for total, expected in rows.items():
        assert [" ".join(line.split()) for line in wo.describe(schedule, total).splitlines()[1:]] == expected
    assert wo.describe(schedule, wo.TrainingRun(total_steps=550)) == wo.describe(schedule, 550)
    assert wo.describe(wo.constant(0.1), 10).splitlines()[1].split() == ["0", "10", "constant", "0.1", "0.1"]
    many = wo.describe(wo.restart(wo.linear(1.0, 0.0, 10), period=10), 25).splitlines()
    assert [line.split()[0] for line in many[1:]] == ["0", "10", "20"]
    assert many[-1].split() == ["20", "25", "linear", "1", "0.5"]


def test_describe_raises_an_error_for_a_run_of_no_steps():
    with pytest.raises(ValueError, match="describe: total_steps must be a whole number of steps >= 1, got 0"):
        wo.describe(wo.constant(0.1), 0)
    with pytest.raises(TypeError, match="describe: total_steps must be a whole number of steps >= 1, got"):
        wo.describe(wo.constant(0.1), wo.one_cycle(0.1, total_steps=9))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="TrainingRun: the run has no length"):
        wo.describe(wo.constant(0.1), wo.TrainingRun(batch_size=8))


def test_a_ramp_whose_segments_follow_is_no_phase():
    """Rates so far apart that each segment is walked by itself; the last begins where the one before it ends."""
    ramp = wo.nodes.InSteps(wo.linear(0.0, 1.0, 1000), (10, 20), (0, 10, 110), (1, 10, 100))
    assert [phase.first for phase in _phases.phases(ramp)] == [0, 29]


def test_the_phases_inside_a_cycle_grow_with_it():
    two = wo.join([wo.linear(0.0, 1.0, 4), wo.cosine(1.0, 0.0, 12)], [4])
    found = itertools.islice(_phases.phases(wo.restart(two, period=10, growth=2)), 6)
    assert [phase.first for phase in found] == [0, 4, 10, 18, 30, 46]


def test_a_cycle_of_one_step_inside_a_cycle_is_not_too_short():
    inner = wo.restart(wo.linear(1.0, 0.0, 1), period=1)
    found = itertools.islice(_phases.phases(wo.restart(inner, period=3)), 6)
    assert [phase.first for phase in found] == [0, 1, 2, 3, 4, 5]


def test_a_phase_that_begins_at_a_pause_is_found_once():
    two = wo.join([wo.linear(0.0, 1.0, 10), wo.cosine(1.0, 0.0, 10)], [10])
    pause = wo.nodes.InSteps(two, (10, 20), (0, 10, 10), (1, 0, 1))
    assert [phase.first for phase in _phases.phases(pause)] == [0, 10, 30]


def test_the_cycles_of_a_staircase_are_those_of_its_steps():
    """Cycles of 3 steps are not too short to be shown, however many updates a step has."""
    stairs = wo.staircase(wo.restart(wo.linear(1.0, 0.0, 3), period=3), 10)
    assert [phase.first for phase in itertools.islice(_phases.phases(stairs), 4)] == [0, 30, 60, 90]
    assert "cycles_below_one_step" not in {finding.name for finding in wo.check(stairs, 120)}


def test_a_phase_that_a_leap_begins_is_not_a_join():
    two = wo.join([wo.linear(0.0, 1.0, 20), wo.cosine(2.0, 0.0, 10)], [20])
    leap = wo.nodes.InSteps(two, boundaries=(10,), starts=(0, 20), rates=(1, 1))
    assert [(phase.first, phase.cause) for phase in _phases.phases(leap)] == [
        (0, "start"),
        (10, "knot"),
        (20, "end"),
    ]
