"""`explore` without a browser: what a move of a slider does. `test_jupyterlab.py` moves one with a mouse."""

import asyncio
import builtins
import functools
import html
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.catalogue import ONE_OF_EACH

import warmup_optax as wo
from warmup_optax._view.explore import explorer as tool
from warmup_optax._view.explore.sliders import Number, numbers, scale, short
from warmup_optax._view.explore.svg import svg, ticks

pytest.importorskip("ipywidgets")

STEPS = 100


class Swelling(wo.Schedule):
    """A schedule, a dict of numbers and a choice."""

    schedule: wo.Schedule
    parts: dict
    period: float = 20.0
    wave: str = wo.static(default="cos")

    def evaluate(self, time):
        wave = jnp.cos(2 * jnp.pi * time.ratio(self.period))
        return self.schedule.evaluate(time) * (self.parts["a"] + self.parts["b"] * wave)


class Fading(wo.Schedule):
    """A constructor whose arguments are not the fields."""

    value: float
    rate: float

    def __init__(self, value, *, half_life=10.0):
        self.value = value
        self.rate = 1.0 / half_life

    def evaluate(self, time):
        return self.value * 2.0 ** -(time.ratio(1.0) * self.rate)


class Floored(wo.Schedule):
    """A user-defined check."""

    value: float
    floor: float = 0.01

    def __post_init__(self):
        if self.floor > self.value:
            raise RuntimeError

    def evaluate(self, time):
        return jnp.maximum(self.value / (1.0 + time.ratio(10.0)), self.floor)


def table(count):
    """A function that takes whole counts alone."""
    return jnp.asarray([0.3, 0.2, 0.1])[jnp.minimum(count, 2)]


SCHEDULES = {case.name: case.schedule for case in ONE_OF_EACH} | {
    "of one's own": Swelling(wo.linear(1.0, 0.1, 20), {"a": 1.5, "b": 0.5}),
    "own constructor": Fading(0.1, half_life=8.0),
    "function": wo.with_warmup(table, steps=5),
    "partial": wo.with_warmup(wo.constant(0.1), steps=9, shape=functools.partial(wo.polynomial, power=2)),
    "exponent": wo.cosine(0.1, 0.0, 50, exponent=2.0),
    "growth": wo.restart(wo.linear(0.1, 0.01, 30), period=20, growth=1.5, decay=0.5),
}


@pytest.fixture(autouse=True, scope="module")
def _shared_programs():
    """The cases are made of the same shapes: each is compiled for the first."""
    programs = tool._Programs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "_Programs", lambda: programs)
        yield


def warmup(**numbers):
    return wo.warmup_cosine(3e-4, **{"warmup_steps": 10, "total_steps": 100} | numbers)


def error_of(explorer):
    return html.unescape(re.sub("<.*?>", "", explorer._error.value))


# ------------------------------------------------------------------ dragging
def drag(explorer):
    """Moves each slider a little, to both ends and back; the position and what it made of the schedule."""
    for slider in explorer.sliders.values():
        at_first = slider.value
        for position in (min(at_first + 1, slider.max), slider.max, slider.min, at_first):
            slider.value = position
            if not error_of(explorer):
                yield position == slider.max, explorer.schedule, explorer._curves[tool.BLUE]


SOME = {"warmup_cosine", "join", "growth", "function", "partial", "own constructor", "of one's own"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in SOME else pytest.mark.exhaustive) for name in SCHEDULES],
)
def test_the_curve_and_the_line_follow_every_slider(name, compilations, monkeypatch):
    """For every constructor and nodes of a user's own; and nothing is compiled."""
    for report in ("_report", "_prepare"):  # the next test's
        monkeypatch.setattr(wo.nodes.Explorer, report, lambda self: None)
    explorer = wo.explore(SCHEDULES[name], STEPS)
    assert len(explorer.sliders) == len(jax.tree.leaves(SCHEDULES[name]))
    before, drawn = compilations(), []
    for far, schedule, curve in drag(explorer):
        assert jax.tree.leaves(schedule) == [float(box.value) for box in explorer.boxes.values()]
        assert html.escape(repr(schedule)) in explorer._lines.value
        drawn.append((far, schedule, curve))
    assert compilations() == before
    assert len(drawn) >= 2 * len(explorer.sliders)
    for _, schedule, curve in [drawn[-1], *(made for made in drawn if made[0])]:
        expected = wo.sample(schedule, range(STEPS + 1))
        # Numbers that are arguments of a program round otherwise than on the host; no pixel moves.
        np.testing.assert_allclose(curve, expected, rtol=1e-4, atol=1e-6 * np.max(np.abs(expected)))


@pytest.mark.parametrize(
    "name",
    [
        "warmup_cosine",
        "of one's own",
        *(
            pytest.param(name, marks=pytest.mark.exhaustive)
            for name in ["warmup_cosine_restarts", "join", "with_cooldown", "clip", "function"]
        ),
    ],
)
def test_the_table_and_the_findings_compile_nothing_either(name, compilations):
    explorer = wo.explore(SCHEDULES[name], STEPS)
    before, reports = compilations(), {explorer._below.value for _ in drag(explorer)}
    assert compilations() == before
    assert len(reports) > len(explorer.sliders)


def test_a_move_back_gives_the_schedule_back():
    """A slider that did not move does not round its number, on its scale or not."""
    schedule = warmup(total_steps=12345, end_value=1.2345678e-05)
    explorer = wo.explore(schedule, 100_000)
    slider = explorer.sliders["warmup_steps"]
    slider.value += 3
    assert explorer.schedule == warmup(total_steps=12345, end_value=1.2345678e-05, warmup_steps=300)
    slider.value -= 3
    assert explorer.schedule == schedule


def test_the_text_of_a_box_is_the_number():
    """Also beyond the ends of the slider, which stops there."""
    explorer = wo.explore(warmup(), STEPS)
    explorer.boxes["total_steps"].value = "1e6"
    explorer.boxes["peak_value"].value = "0.00012345"
    assert explorer.schedule == wo.warmup_cosine(0.00012345, warmup_steps=10, total_steps=1_000_000)
    assert explorer.sliders["total_steps"].value == explorer.sliders["total_steps"].max
    positions = scale(Number("peak_value", "", "", 3e-4, {}), STEPS, 1.0)
    assert positions[explorer.sliders["peak_value"].value] == 0.00013


def test_the_table_and_the_findings_follow():
    explorer = wo.explore(warmup(init_value=1e-5), STEPS)
    assert "nothing found" in explorer._below.value
    explorer.boxes["total_steps"].value = "80"
    shown = html.unescape(re.sub("<.*?>", " ", explorer._below.value)).split()
    assert shown[: shown.index("step")] == wo.describe(explorer.schedule).split()
    (finding,) = wo.check(explorer.schedule, STEPS)
    assert " ".join(shown[shown.index("step") :]) == str(finding)


def test_the_table_waits_for_a_pause_and_the_curve_does_not():
    """In a notebook there is an event loop: many moves, one report."""
    explorer, reports = wo.explore(warmup(), STEPS), []
    report = explorer._report
    explorer._report = lambda: reports.append(report())

    async def moves():
        for _ in range(3):
            picture = explorer._picture.value
            explorer.sliders["warmup_steps"].value += 1
            assert explorer._picture.value != picture
            await asyncio.sleep(0)
        assert reports == []
        await asyncio.sleep(2 * tool.PAUSE)

    asyncio.run(moves())
    assert reports == [None]
    assert ">13<" in explorer._below.value


# ------------------------------------------------------------------ errors
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("2000", "total_steps must be at least warmup_steps + hold_steps = 2000, got 100"),
        ("2.5", "warmup_steps must be a whole number of steps >= 0, got 2.5; round it"),
        ("-1", "warmup_steps must be a whole number of steps >= 0, got -1"),
        ("ten", "warmup_steps must be a whole number of steps >= 0, got 'ten'"),
        ("nan", "warmup_steps must be a whole number of steps >= 0, got nan"),
        ("", "warmup_steps must be a whole number of steps >= 0, got ''"),
    ],
)
def test_a_number_that_raises_an_error(written, sentence):
    """The error is shown, the last curve stays in gray, and the next valid number is accepted."""
    explorer = wo.explore(warmup(), STEPS)
    shown = explorer._picture.value, explorer._lines.value
    explorer.boxes["warmup_steps"].value = written
    assert error_of(explorer).startswith(f"warmup_cosine: {sentence}")
    assert (explorer._picture.value, explorer._lines.value) == shown
    assert explorer.schedule == warmup()
    assert "warmup-optax-invalid" in explorer.widget._dom_classes
    explorer.sliders["warmup_steps"].value = 20
    assert error_of(explorer) == ""
    assert explorer.schedule == warmup(warmup_steps=20)
    assert "warmup-optax-invalid" not in explorer.widget._dom_classes


def test_two_numbers_that_are_good_together():
    """One raises an error until the other follows."""
    explorer = wo.explore(warmup(), STEPS)
    explorer.boxes["warmup_steps"].value = "150"
    assert "shorten" in error_of(explorer)
    explorer.boxes["total_steps"].value = "200"
    assert explorer.schedule == warmup(warmup_steps=150, total_steps=200)


def test_whatever_a_node_of_ones_own_raises_is_shown():
    explorer = wo.explore(Floored(0.1), STEPS)
    explorer.boxes["value"].value = "0.001"
    assert error_of(explorer) == "RuntimeError()"
    assert explorer.schedule == Floored(0.1)


def test_bad_arguments():
    with pytest.raises(wo.ArgumentError, match=r"^explore: total_steps must be a whole number of steps >= 1"):
        wo.explore(warmup(), 0)
    with pytest.raises(wo.ArgumentTypeError, match=r"^explore: schedule must be a schedule, a function"):
        wo.explore("cosine", STEPS)
    with pytest.raises(wo.ArgumentError, match=r"^explore: compare must be one schedule"):
        wo.explore(warmup(), STEPS, compare=wo.stack([warmup(), warmup()]))


def test_without_ipywidgets_it_says_what_to_install(monkeypatch):
    import_ = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ipywidgets":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'^explore needs ipywidgets: pip install -e "\.\[widgets\]"'):
        wo.explore(warmup(), STEPS)


# ------------------------------------------------------------------ names and scales
def test_numbers_are_named_by_where_they_are():
    schedule = wo.join([wo.warmup_constant(0.1, warmup_steps=5), SCHEDULES["partial"]], [50])
    found = {number.name: (number.kind, number.node) for number in numbers(schedule)}
    assert found == {
        "schedules[0].peak_value": ("warmup_constant", "schedules[0]"),
        "schedules[0].warmup_steps": ("warmup_constant", "schedules[0]"),
        "schedules[0].init_value": ("warmup_constant", "schedules[0]"),
        "schedules[1].schedule.value": ("constant", "schedules[1].schedule"),
        "schedules[1].steps": ("with_warmup", "schedules[1]"),
        "schedules[1].init_value": ("with_warmup", "schedules[1]"),
        "schedules[1].shape.power": ("polynomial", "schedules[1].shape"),
        "boundaries[0]": ("join", ""),
    }
    own = [number.name for number in numbers(SCHEDULES["of one's own"])]
    assert own[-3:] == ["parts['a']", "parts['b']", "period"]
    assert own[0] == "schedule.init_value"


@pytest.mark.parametrize(
    ("schedule", "name", "ends", "some"),
    [
        (warmup(), "peak_value", (0.0, 9.9e-3), [1e-6, 3e-4, 3.1e-4]),
        (warmup(), "init_value", (0.0, 9.9e-3), [1e-6, 3e-4]),  # the rates of the curve
        (warmup(), "warmup_steps", (0, 1000), [1, 2, 999]),
        (warmup(total_steps=70_000), "total_steps", (1, 140_000), [100, 70_000, 70_100]),
        (warmup(), "exponent", (0.01, 2.0), [0.5, 1.0]),
        (wo.constant(-0.2), "value", (-9.9, 0.0), [-0.1]),
        (wo.geometric(1.0, 0.1, 10), "init_value", (0.01, 99.0), [1.0]),  # never 0
        (wo.shift(warmup(), -30), "steps", (-1000, 1000), [-30, 0]),
        (wo.exponential(1.0, decay_rate=0.9, transition_steps=5), "decay_rate", (0.001, 1.0), [0.95]),
        (wo.exponential(1.0, decay_rate=0.9, transition_steps=5), "transition_steps", (1, 1000), [2]),
        (wo.one_cycle(0.1, total_steps=100), "warmup_fraction", (0.0, 1.0), [0.3, 0.301]),
        (wo.one_cycle(0.1, total_steps=100), "final_div_factor", (100.0, 990_000.0), [1e4, 1.1e4]),
        (wo.one_cycle(0.1, total_steps=100), "div_factor", (0.1, 50.0), [25.0, 25.1]),
        (wo.restart(warmup(), period=9), "growth", (1.0, 2.0), [1.5]),
        (wo.shapes.tanh(1.0, 0.0, 10), "start", (-14.0, 0.0), [-7.0, -6.9]),
        (warmup() / 0.5, "divisor", (0.001, 1.0), [0.5]),
        (wo.shapes.radam(1.0, b2=0.999), "b2", (0.601, 0.999), [0.99]),
    ],
)
def test_scales(schedule, name, ends, some):
    """Whole numbers stay whole; rates are logarithmic; the rest is linear; bounds that are excluded are."""
    (number,) = (x for x in numbers(schedule) if x.name == name)
    found = scale(number, 1000, largest=3e-4)
    assert (found[0], found[-1]) == ends
    assert set(some) <= set(found)
    assert found == sorted(set(found))
    assert {type(x) for x in found} == {type(number.value)}
    assert 100 <= len(found) <= 2100


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3e-4, "3e-4"),
        (0.0, "0"),
        (1.0, "1"),
        (0.001, "0.001"),
        (1e4, "10000"),
        (-2.5e-7, "-2.5e-7"),
        (7, "7"),
    ],
)
def test_numbers_are_written_shortly(number, text):
    assert short(number) == text
    assert float(text) == number


# ------------------------------------------------------------------ the picture
def test_the_second_schedule_has_its_color_and_its_line():
    other = wo.with_warmup(table, steps=5)
    explorer = wo.explore(warmup(), STEPS, compare=other)
    assert [explorer._picture.value.count(f'stroke="{color}"') for color in (tool.ORANGE, tool.BLUE)] == [
        1,
        1,
    ]
    assert html.escape(repr(other)) in explorer._lines.value
    assert explorer._lines.value.count("<button") == 1
    before = explorer._curves[tool.ORANGE]
    explorer.sliders["peak_value"].value += 1
    assert explorer._curves[tool.ORANGE] is before


def test_the_picture_is_the_curve():
    """Every point is where the labels of the axes say, within the tenths of a pixel that are written."""
    counts, values = np.arange(5), np.array([0.0, 0.5, 1.0, 0.5, 0.25])
    picture = svg(counts, {"red": values}, [2])
    (line,) = re.findall('stroke="red" stroke-width="2" d="M(.*?)"', picture)
    x, y = np.array([point.split(",") for point in line.split()], float).T
    labels = re.findall('x="([^"]*)" y="([^"]*)" text-anchor="(middle|end)">([^<]*)<', picture)
    across = {
        float(label): float(x) for x, _, where, label in labels if where == "middle" and label.isdigit()
    }
    up = {float(label): float(y) - 4 for _, y, where, label in labels if where == "end"}
    assert list(across) == [0, 1, 2, 3, 4]
    assert x.tolist() == pytest.approx(list(across.values()), abs=0.11)
    assert list(up) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert y == pytest.approx(up[0] + values * (up[1] - up[0]), abs=0.11)
    assert f'd="M{across[2]},' in picture  # where a phase begins


def test_the_picture_has_gaps_where_there_is_no_value():
    values = np.array([1.0, 2.0, np.nan, np.inf, 3.0])
    picture = svg(np.arange(5), {"red": values}, [])
    (line,) = re.findall('stroke="red" stroke-width="2" d="(.*?)"', picture)
    assert [len(run.split()) for run in line.split("M")[1:]] == [2, 1]
    nothing = svg(np.arange(2), {"red": np.full(2, np.nan)}, [])
    assert 'd=""' in nothing


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 3e-4, [0, 1e-4, 2e-4, 3e-4]),
        (0, 3.1e-4, [0, 1e-4, 2e-4, 3e-4, 4e-4]),
        (-1, 7, [-2, 0, 2, 4, 6, 8]),
        (0, 0, [0, 0.2]),
    ],
)
def test_ticks_are_round_and_hold_the_curve(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_counts_have_whole_ticks():
    assert ticks(0, 3, whole=True) == [0, 1, 2, 3]


# ------------------------------------------------------------------ in a notebook
def test_a_notebook_shows_the_widgets():
    explorer = wo.explore(warmup(), STEPS)
    (shown,) = [data for key, data in explorer._repr_mimebundle_().items() if "widget-view" in key]
    assert shown["model_id"] == explorer.widget.model_id


def test_runs_longer_than_32_bits_count():
    class Long(wo.Schedule):
        steps: int = wo.steps()

        def evaluate(self, time):
            return time.progress(self.steps)[1]

    for schedule in (wo.linear(1e-3, 0.0, 3_000_000_000), Long(2**40)):
        explorer = wo.explore(schedule, 4_000_000_000)
        curve = explorer._curves[tool.BLUE]
        np.testing.assert_allclose(curve, wo.sample(schedule, explorer._counts), atol=1e-6)
        explorer.sliders["steps"].value -= 1
        assert error_of(explorer) == ""


def test_a_schedule_without_numbers_is_drawn():
    explorer = wo.explore(table, STEPS)
    assert explorer.sliders == {}
    assert explorer._curves[tool.BLUE].tolist() == wo.sample(table, range(STEPS + 1)).tolist()
