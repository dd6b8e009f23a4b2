"""`sample`, `describe`, `check` and `plot`: what a schedule shows of itself."""

import builtins
import itertools
import subprocess
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import matplotlib.axes
import numpy as np
import optax
import pytest
from catalogue import CASES

import warmup_optax as wo
from warmup_optax import _phases, _schedule

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FLOAT = jax.dtypes.canonicalize_dtype(float)
RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


# ------------------------------------------------------------------ sample
@pytest.mark.parametrize(
    "counts",
    [
        5,
        2.5,
        True,
        np.int64(7),
        [0, 4, 9],
        range(2, 50, 7),
        range(0),
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.zeros((2, 0)),
        np.array([0, 3.5], np.float16),
        [2**40, -(2**40)],
        10**30,
    ],
    ids=str,
)
def test_sample_takes_any_counts(counts):
    schedule = wo.warmup_linear(0.5, warmup_steps=8, total_steps=40)
    values = wo.sample(schedule, counts)
    assert type(values) is np.ndarray
    assert values.dtype == FLOAT
    assert values.shape == np.shape(counts)
    assert np.array_equal(
        values, np.asarray(schedule(counts if not isinstance(counts, range) else list(counts)))
    )


def test_sample_takes_arrays_of_jax_and_functions_of_others():
    counts = jnp.arange(10)
    line = optax.linear_schedule(0.5, 0.25, 8)
    assert wo.sample(line, counts).tolist() == [line(count) for count in range(10)]
    assert wo.sample(3, counts).tolist() == [3.0] * 10


def test_sample_refuses_what_is_not_a_count():
    for counts in ("5", [1, "a"], None, {1, 2}):
        with pytest.raises(TypeError, match="count must be a whole or real number"):
            wo.sample(wo.constant(1.0), counts)
    with pytest.raises(TypeError, match=r"sample.*traced"):
        jax.jit(lambda x: wo.sample(wo.constant(x), [1]))(1.0)
    with pytest.raises(ValueError, match="stack"):
        wo.sample(wo.stack([wo.constant(1.0), wo.constant(2.0)]), [1])


def test_sample_of_a_million_steps_takes_well_under_a_second(compilations):
    schedule = wo.warmup_cosine(3e-4, warmup_steps=1000, total_steps=900_000)
    wo.sample(schedule, range(2**20))
    before, begin = compilations(), time.process_time()
    values = wo.sample(schedule, range(1_000_000))
    assert time.process_time() - begin < 1
    assert compilations() == before  # the same power of two
    assert values[1000] == np.asarray(3e-4, FLOAT)


def test_sample_compiles_nothing_for_other_lengths(compilations):
    schedule = wo.warmup_cosine(3e-4, warmup_steps=10, total_steps=777)
    wo.sample(schedule, range(100))
    before = compilations()
    for length in (0, 1, 2, 3, 17, 255, 256):
        assert wo.sample(schedule, range(length)).shape == (length,)
    wo.sample(schedule, 7)
    assert compilations() == before


def test_sample_runs_on_the_cpu_backend_and_nowhere_else(monkeypatch):
    """Another device is the default, and is said to be of another backend, as a GPU would be."""
    accelerator, cpu = jax.devices()[5], jax.local_devices(backend="cpu")[0]
    ran_on = []
    program_of = _schedule._program

    def watched(schedule):
        program = program_of(schedule)
        assert program is not None

        def run(numbers, count):
            value = program.run(numbers, count)
            ran_on.append(value.devices())
            return value

        return _schedule.Program(run, program.numbers, program.x64)

    monkeypatch.setattr(_schedule, "_program", watched)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    schedule = wo.warmup_linear(0.5, warmup_steps=8, total_steps=40)
    with jax.default_device(accelerator):
        assert jnp.ones(()).devices() == {accelerator}
        held = [array for array in jax.live_arrays() if accelerator in array.devices()]
        for counts in (5, range(100)):
            wo.sample(schedule, counts)
        wo.describe(schedule)
        wo.check(schedule, 40)
        plt.close(wo.plot(schedule, 40).figure)
        left = [array for array in jax.live_arrays() if accelerator in array.devices()]
    assert len(ran_on) >= 5
    assert set(map(frozenset, ran_on)) == {frozenset([cpu])}
    assert len(left) <= len(held)


def test_sample_without_a_cpu_backend_says_what_to_do(monkeypatch):
    def no_cpu(*args, **kwargs):
        raise RuntimeError("Unknown backend cpu")

    monkeypatch.setattr(jax, "local_devices", no_cpu)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(RuntimeError, match="JAX_PLATFORMS leaves the CPU backend out; add it"):
        wo.sample(wo.constant(0.5), 3)


# ------------------------------------------------------------------ phases
def cells(text):
    """``(from, to, shape, start, end)`` of each row of a `describe`, None for an empty cell."""
    head, *lines = [line for line in text.splitlines() if not line.startswith("and ")]
    ends = [head.index(name) + len(name) for name in ("from", "to", "start", "end")]
    for line in lines:
        begin, to, rest = line[: ends[0]], line[ends[0] : ends[1]], line[ends[1] : ends[2]]
        shape, _, start = rest.strip().rpartition(" ")
        end = line[ends[2] :].strip()
        yield int(begin), int(to) if to.strip() else None, shape.strip(), float(start), float(end or "nan")


@every_case
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
    [case for case in CASES if case.serialisable and "stair" not in repr(case.schedule)],
    ids=lambda case: case.name,
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


def test_describe_names_functions_and_refuses_what_has_no_numbers():
    text = wo.describe(wo.join([optax.linear_schedule(0.0, 1.0, 9), wo.radam(1.0, b2=0.9)], [9]))
    assert "polynomial_schedule" in text
    assert text.splitlines()[-1].split()[:2] == ["9", "radam"]
    with pytest.raises(ValueError, match="describe: this schedule is a stack"):
        wo.describe(wo.stack([wo.constant(1.0), wo.constant(2.0)]))
    with pytest.raises(TypeError, match="are traced; call describe outside of jit"):
        jax.jit(lambda x: wo.describe(wo.constant(x)))(1.0)
    with pytest.raises(TypeError, match="describe: schedule must be"):
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


def test_a_node_of_the_users_own_is_one_phase_until_it_says_more():
    class Halves(wo.Schedule):
        value: float
        steps: int

        def evaluate(self, time):
            return jnp.where(time.reached(self.steps), self.value, 2 * self.value)

    schedule = wo.shift(Halves(1.0, 10), 5)
    assert [phase.shape for phase in _phases.phases(schedule)] == ["constant", "halves"]

    @_phases.walk.register
    def _(node: Halves):
        yield _phases.Phase(0, "high")
        yield _phases.Phase(node.steps, "low", "step")

    assert [(p.first, p.shape) for p in _phases.phases(schedule)] == [
        (0, "constant"),
        (5, "high"),
        (15, "low"),
    ]


# ------------------------------------------------------------------ plot
@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def test_plot_labels_its_axes_and_marks_the_phases():
    schedule = wo.warmup_stable_decay(3e-4, **RUN, decay_steps=200)
    ax = wo.plot(schedule, 1200)
    assert isinstance(ax, matplotlib.axes.Axes)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("count (optimizer updates)", "learning rate")
    assert ax.get_legend() is None
    curve, begins, *walls = ax.get_lines()
    counts, values = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
    assert (counts[0], counts[-1]) == (0, 1200)
    assert np.array_equal(values, wo.sample(schedule, counts))
    assert np.asarray(begins.get_xdata()).tolist() == [100, 800, 1000]
    assert [np.asarray(line.get_xdata())[0] for line in walls] == [100, 800, 1000]


def test_plot_draws_several_with_a_legend():
    schedules = {"linear": wo.warmup_linear(1.0, **RUN), "cosine": optax.cosine_decay_schedule(1.0, 1000)}
    with jax.numpy_dtype_promotion("standard"):  # Optax's closures need it
        ax, other = wo.plot(schedules, 1000), wo.plot(list(schedules.values()), 1000)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["linear", "cosine"]
    assert [text.get_text() for text in other.get_legend().get_texts()] == ["schedules[0]", "schedules[1]"]


def test_plot_draws_on_axes_that_are_given():
    figure, (left, right) = plt.subplots(1, 2)
    right.set_yscale("log")
    assert wo.plot(wo.exponential(1.0, decay_rate=0.9, transition_steps=10), 100, ax=right) is right
    assert not left.get_lines()
    assert figure.get_axes() == [left, right]


def test_plot_shows_jumps_as_jumps():
    """However many steps there are, the count before a boundary is among the points."""
    ax = wo.plot(wo.piecewise_constant([1.0, 0.1], [777_777]), 1_000_000)
    counts = np.asarray(ax.get_lines()[0].get_xdata()).tolist()
    assert {777_776, 777_777} <= set(counts)
    assert len(counts) < 3000


def test_plot_of_values_that_cannot_be_drawn():
    wo.plot(lambda count: 1.0 / (5.0 - count.astype("float32")), 10).figure.canvas.draw()
    wo.plot(wo.constant(3e38) * 2.0, 10).figure.canvas.draw()


def test_schedules_longer_than_any_run():
    endless = wo.linear(1.0, 0.0, 10**30)
    assert wo.describe(endless).splitlines()[1].split() == ["0", str(int(1e30)), "linear", "1", "1"]
    assert wo.check(endless, 100) == [] == wo.check(wo.constant(1.0), 10**15)
    wo.plot(endless, _phases.horizon(endless))
    wo.plot(endless, 10**30)


def test_plot_refuses_bad_arguments():
    with pytest.raises(ValueError, match="plot: num_steps must be a whole number of steps >= 1, got 0"):
        wo.plot(wo.constant(1.0), 0)
    with pytest.raises(ValueError, match="plot: schedules must hold at least one"):
        wo.plot({}, 10)
    with pytest.raises(ValueError, match="plot: this schedule is a stack"):
        wo.plot(wo.stack([wo.constant(1.0), wo.constant(2.0)]), 10)
    with pytest.raises(TypeError, match="plot: schedule must be"):
        wo.plot([None], 10)


# ------------------------------------------------------------------ notebooks, imports
def test_a_notebook_shows_a_picture():
    picture = wo.warmup_cosine(3e-4, **RUN)._repr_png_()
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 60_000
    assert not plt.get_fignums()


def test_a_notebook_shows_text_where_there_is_nothing_to_draw(monkeypatch):
    assert wo.stack([wo.constant(1.0), wo.constant(2.0)])._repr_png_() is None
    traced = []
    jax.eval_shape(lambda x: traced.append(wo.constant(x)._repr_png_()), 1.0)
    assert traced == [None]
    monkeypatch.setattr(builtins, "__import__", _without("matplotlib"))
    assert wo.constant(1.0)._repr_png_() is None


def _without(module, import_=builtins.__import__):
    def importing(name, *args, **kwargs):
        if name.split(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_(name, *args, **kwargs)

    return importing


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setattr(builtins, "__import__", _without("matplotlib"))
    with pytest.raises(ImportError, match=r'pip install "warmup-optax\[plot\]"'):
        wo.plot(wo.constant(1.0), 10)


def test_the_import_is_as_light_as_that_of_optax():
    code = """
import sys, jax, optax
before = set(sys.modules)
import warmup_optax
new = {name.split(".")[0] for name in set(sys.modules) - before}
assert not new - set(sys.stdlib_module_names) - {"warmup_optax"}, new
assert "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
