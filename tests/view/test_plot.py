"""`plot`, and the picture that a notebook shows."""

import builtins
from typing import Any

import jax
import matplotlib
import matplotlib.axes
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._view import phases as _phases
from warmup_optax._view.plot import tick_labels

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}


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
    assert [side for side, spine in ax.spines.items() if spine.get_visible()] == ["left", "bottom"]
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


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.0001, 0.0002, 0.0003], ["0", "1e-4", "2e-4", "3e-4"]),
        ([0.0, 5e-5, 1e-4, 1.5e-4], ["0", "5e-5", "1e-4", "1.5e-4"]),
        ([-2.5e-5, 0.0, 2.5e-5], ["-2.5e-5", "0", "2.5e-5"]),
        ([0.0, 0.0005, 0.001], ["0", "0.0005", "0.0010"]),
        ([0.0, 0.25, 0.5], ["0", "0.25", "0.50"]),
        ([0.10001, 0.10002], ["0.10001", "0.10002"]),
        ([0.0, 500.0, 1000.0], ["0", "500", "1,000"]),
        ([0.0, 250_000.0, 500_000.0], ["0", "250,000", "500,000"]),
        ([0.0, 500_000.0, 1_000_000.0], ["0", "5e5", "1e6"]),
        ([0.0, 2e9, 4e9], ["0", "2e9", "4e9"]),
        ([0.0], ["0"]),
        ([], []),
    ],
    ids=str,
)
def test_tick_labels_are_whole_numbers_by_themselves(ticks, labels):
    assert tick_labels(ticks) == labels


@pytest.mark.parametrize(("peak", "steps"), [(3e-4, 1000), (1e-2, 30), (0.1, 2_000_000), (1e-7, 10**8)])
def test_nothing_is_in_a_corner_of_the_picture(peak, steps):
    ax = wo.plot(wo.warmup_cosine(peak, warmup_steps=steps // 10, total_steps=steps), steps)
    ax.figure.canvas.draw()
    for axis in (ax.xaxis, ax.yaxis):
        assert axis.get_offset_text().get_text() == ""
        shown = [text.get_text() for text in axis.get_ticklabels()]
        assert len(set(shown)) == len(shown) > 2


def test_plot_of_values_that_cannot_be_drawn():
    wo.plot(lambda count: 1.0 / (5.0 - count.astype("float32")), 10).figure.canvas.draw()
    wo.plot(wo.constant(3e38) * 2.0, 10).figure.canvas.draw()


def test_schedules_longer_than_any_run():
    endless = wo.linear(1.0, 0.0, 10**30)
    assert wo.describe(endless).splitlines()[1].split() == ["0", str(int(1e30)), "linear", "1", "1"]
    assert wo.check(endless, 100) == [] == wo.check(wo.constant(1.0), 10**15)
    wo.plot(endless, _phases.horizon(endless))
    wo.plot(endless, 10**30)


def test_bad_arguments_of_plot_raise_errors():
    with pytest.raises(ValueError, match="plot: total_steps must be a whole number of steps >= 1, got 0"):
        wo.plot(wo.constant(1.0), 0)
    with pytest.raises(ValueError, match="plot: schedules must be at least one schedule"):
        wo.plot({}, 10)
    with pytest.raises(ValueError, match=r"plot: schedule must be one schedule, .* is a stack"):
        wo.plot(wo.stack([wo.constant(1.0), wo.constant(2.0)]), 10)
    with pytest.raises(TypeError, match="plot: schedule must be"):
        wo.plot([None], 10)


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
    with pytest.raises(
        ImportError, match=r'^plot needs matplotlib: pip install -e "\.\[plot\]" in a checkout'
    ):
        wo.plot(wo.constant(1.0), 10)


MANY = {
    f"peak {i:.0e} and a long label": wo.warmup_cosine(i, warmup_steps=9, total_steps=99)
    for i in range(1, 15)
}
LEGENDS = {
    "two": dict(list(MANY.items())[:2]),
    "fourteen long names": MANY,
    "thirty": {f"schedule {i:02}": wo.constant(i) for i in range(30)},
    "a very long name": {"a" * 200: wo.constant(1.0), "b": wo.constant(2.0)},
}


@pytest.mark.parametrize("name", LEGENDS)
def test_a_legend_leaves_room_for_the_curves(name):
    """Warnings are errors here, and Matplotlib warns where a legend leaves no room at all."""
    ax = wo.plot(LEGENDS[name], 100)
    figure = ax.figure
    figure.canvas.draw()
    assert ax.get_position().width > 0.5
    assert ax.get_position().height > 0.5
    inside = figure.bbox.padded(1)  # a pixel of rounding
    legend = ax.get_legend()
    box = legend.get_window_extent()
    assert inside.x0 <= box.x0
    assert inside.y0 <= box.y0
    assert box.x1 <= inside.x1
    assert box.y1 <= inside.y1
    assert len(legend.get_texts()) == len(LEGENDS[name])
    plt.close(figure)


def test_the_length_of_a_run_is_a_number_of_steps():
    schedule = wo.warmup_cosine(1.0, warmup_steps=10, total_steps=100)
    for run in (wo.TrainingRun(total_steps=40), wo.TrainingRun(num_examples=80, batch_size=4, num_epochs=2)):
        ax = wo.plot(schedule, run)
        assert max(ax.lines[0].get_xdata()) == 40
        assert wo.check(schedule, run) == wo.check(schedule, 40)
    assert max(wo.plot(schedule).lines[0].get_xdata()) == 100
    assert (
        max(wo.plot([schedule, wo.warmup_linear(1.0, warmup_steps=9, total_steps=200)]).lines[0].get_xdata())
        == 200
    )
    plt.close("all")
