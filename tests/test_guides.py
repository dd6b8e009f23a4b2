"""The guides: every cell runs, and the lines that they recommend do what they say."""

import functools
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support import pages

import warmup_optax as wo


@functools.cache
def run(name):
    """The names that a guide defines. Several tests read those of one, and none of them changes any."""
    return pages.run(f"guides/{name}")


def values(schedule, counts):
    return wo.sample(schedule, counts).astype(np.float64)


def test_typing():
    page = run("typing")
    assert page["longer"].total_steps == 2000
    assert page["chosen"] == page["schedule"]


def test_own_nodes(monkeypatch):
    module = types.ModuleType("a_notebook")  # a config finds a class by its module
    monkeypatch.setitem(sys.modules, module.__name__, module)
    page = pages.run("guides/own_nodes", vars(module))
    counts = [0, 50, 100, 799, 800, 900, 999, 1000, 5000]
    expected = [0, 0.5, 1, 1, 1, 0.5, 1 / 200, 0, 0]
    assert values(page["trapezoid"], counts) == pytest.approx(np.array(expected) * 1e-3, rel=1e-5)
    assert values(page["floored"], [0, 1000]) == pytest.approx([1e-4, 1e-4])
    assert values(page["noisy"], range(100)).std() == pytest.approx(1e-4 / 3**0.5, rel=0.3)  # uniform
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        page["Ramp"](1.0, 0)
    table = wo.describe(page["trapezoid"]).split()
    assert [table[i] for i in (5, 10, 15, 20)] == ["0", "100", "800", "1000"]
    nodes = {name: page[name] for name in ("decay", "wobble", "parabola", "noisy", "floored", "trapezoid")}
    traced = jax.jit(lambda nodes: {name: node(7) for name, node in nodes.items()})(nodes)
    for name, node in nodes.items():
        assert traced[name] == pytest.approx(float(node(7)), rel=1e-6), name


def test_hyperparameters():
    page = run("hyperparameters")
    assert values(page["nanochat"], [0, 400, 1000, 2000]) == pytest.approx([0.85, 0.97, 0.97, 0.9])
    assert values(page["modded"], [0, 150, 300, 1950, 2000]) == pytest.approx([0.85, 0.9, 0.95, 0.95, 0.85])
    assert values(page["momentum"], [0, 300, 1000]) == pytest.approx([0.946, 0.85, 0.95], abs=1e-5)
    counts = np.arange(0, 200_000, 1111)
    expected = np.minimum(0.9999, (1 + counts) / (10 + counts))
    np.testing.assert_allclose(values(page["decay"], counts), expected, rtol=1e-6)  # float32
    assert page["train_step"]._cache_size() == 1


@pytest.mark.exhaustive
def test_ending_a_run():
    page = run("ending_a_run")
    peak, trunk, finished = page["peak"], page["trunk"], page["finished"]
    before = range(0, 800, 7)
    np.testing.assert_array_equal(wo.sample(page["branch"], before), wo.sample(trunk, before))
    for name, (cooled, merged) in list(page["table"].items())[1:]:
        constant = page["table"]["constant rate"]
        assert cooled < constant / 2, name  # the page: both take most of the noise away
        assert merged < constant / 2, name
    counts = [0, 500, 999, 1000, 1050, 2000]
    expected = [0, float(finished(500)), float(finished(999)), 3e-5, peak, 0]
    np.testing.assert_allclose(values(page["rewarmed"], counts), expected, rtol=1e-6)
    assert values(page["longer"], [1600, 2000]) == pytest.approx([peak, 0])
    np.testing.assert_array_equal(wo.sample(page["extended"], range(600)), wo.sample(finished, range(600)))
    at = float(finished(600))
    assert values(page["extended"], [600, 1300, 2000]) == pytest.approx([at, (at + 3e-5) / 2, 3e-5])
    assert (np.diff(values(page["extended"], range(100, 2001))) <= 0).all()
    ratio = values(page["calmer"], range(1, 999)) / values(finished, range(1, 999))
    np.testing.assert_allclose(ratio, np.repeat([1, 0.5], [599, 399]), rtol=1e-6)
    low = 3e-5 + (peak - 3e-5) / 50
    counts = [0, 50, 100, 300, 325, 349, 350, 599, 600, 850]
    expected = [0, peak / 2, peak, peak, (peak + 3e-5) / 2, low, peak, low, peak, peak]
    np.testing.assert_allclose(values(page["wsd_s"], counts), expected, rtol=1e-6)
    counts = [0, 100, 250, 400, 2000, 2100, 2200, 9999]
    expected = [0, peak, 2e-4, 1e-4, 1e-4, 1e-5, 1e-6, 1e-6]
    np.testing.assert_allclose(values(page["annealed"], counts), expected, rtol=2e-6)


def test_resuming():
    """The schedule changes between two updates, and the count continues."""
    pytest.importorskip("matplotlib").use("agg")
    page = run("resuming")
    schedule, longer, after = page["schedule"], page["longer"], range(500, 750)
    assert float(wo.applied_value(longer, page["new_state"])) == float(longer(500)) != float(schedule(500))
    assert int(wo.update_count(page["new_state"])) == 501
    np.testing.assert_array_equal(values(page["extended"], range(501)), values(schedule, range(501)))
    assert values(page["extended"], [1999, 2000]) == pytest.approx([0, 0], abs=1e-8)
    assert page["run"].steps(examples=1000 * 256) == 750
    np.testing.assert_array_equal(values(page["resumed"], range(501)), values(schedule, range(501)))
    examples_seen = [500 + 2 * (count - 500) for count in after]  # in batches of 256
    np.testing.assert_array_equal(values(page["resumed"], after), values(schedule, examples_seen))
    import matplotlib.pyplot as plt

    plt.close("all")


def test_every_schedule_of_the_steps_fits_its_run():
    page = run("steps")
    growing = page["growing"]
    assert page["every_four"].total_steps == 8775
    assert growing.total_steps == 15_025
    assert [finding.name for finding in wo.check(page["unchanged"], growing.total_steps)][
        -1
    ] == "still_falling"


@pytest.mark.exhaustive
def test_range_test():
    pytest.importorskip("matplotlib").use("agg")
    page = run("range_test")
    assert 1e-6 < page["found"].steepest_per_rate < page["found"].steepest < 10
    assert np.isfinite(page["best"])
    import matplotlib.pyplot as plt

    plt.close("all")


def test_groups():
    """Three groups fine-tune a pretrained model; the group that joins later is not late."""
    pytest.importorskip("matplotlib").use("agg")
    page = run("groups")
    x, y, start = page["x"], page["y"], page["start"]
    optimizer = optax.chain(optax.adamw(page["schedule"]), page["by_group"])
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        tuned, _ = page["train"](start, optimizer, x, y, 100)
        old, low = page["old"], page["low"]
        assert page["accuracy"](old, page["images"][low], page["labels"][low]) > 0.95
        assert page["accuracy"](start, x, y) < 0.5
        assert page["accuracy"](tuned, x, y) > 0.85
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), start, tuned)
    assert moved["embed"] == {"kernel": 0.0, "bias": 0.0}
    assert 0 < moved["layers"][0]["kernel"] < moved["head"]["kernel"]
    joined, after = page["joined"], range(50, 101)
    assert (values(joined, range(31)) == 0).all()
    np.testing.assert_array_equal(
        values(joined, after), values(page["schedule"], after)
    )  # not 20 updates late
    np.testing.assert_array_equal(values(page["join_in"], [0, 29, 30, 40, 50, 99]), [0, 0, 0, 0.5, 1, 1])
    assert page["first_step"]._cache_size() == 1
    import matplotlib.pyplot as plt

    plt.close("all")


def test_change_the_schedule(monkeypatch, capsys):
    """The figures that the text of the page states."""
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(pages.ROOT / "docs" / "guides")  # the page reads a file of the repository
    page = run("change_the_schedule")
    printed = capsys.readouterr().out
    assert "multiply the peak by 0.54 (0.45 to 0.64)\nnew peak: 1.61e-04" in printed
    assert "35% fewer updates" in printed
    assert "b1 must be above 0.9375" in printed
    table = page["table"]
    assert table["warmup_constant"].factor == pytest.approx(0.32, abs=0.005)  # "the table says 0.32"
    assert min(table, key=lambda name: table[name].bound_ratio) == "warmup_linear"
    assert {name.partition(",")[0] for name in table} == {
        name for name in wo.__all__ if name.startswith("warmup_") or name == "one_cycle"
    }
    # "26 groups", "up to 40 %", "5 to 8 % where only the cooldown differs"
    assert len(page["groups"]) == 26
    assert 1.35 < np.exp(page["misses"].max()) < 1.45
    for total in np.unique(page["totals"]):
        here = page["totals"] == total
        assert 0.05 < page["misses"][here].std() < 0.085
        # "losses of cooldowns from 40 % to 90 % differ by 0.006 at the most, and the best is 60 %"
        linear = page["finals"][here][2:6]
        assert np.ptp(linear) < 0.00605
        assert page["finals"][here].argmin() == 3
    import matplotlib.pyplot as plt

    plt.close("all")


def test_deadline():
    """36 updates of uneven length decay to the end, and a stop in between changes nothing but the clock."""
    page = run("deadline")
    rates = np.array(page["rates"])
    assert 0 < rates[-1] < 0.05 * rates.max()
    assert rates.argmax() < len(rates) / 5  # the warmup is a tenth of the time
    assert page["used"] + page["left"] == page["BUDGET"]
    assert page["used"] < 1_200  # the hour in the queue is not in it
    assert 0 < page["first"][-1] - page["second"][0] < 0.1 * page["first"][-1]  # one update further
    assert page["second"][-1] < 0.05 * rates.max()


def test_feedback():
    pytest.importorskip("matplotlib").use("agg")
    page = run("feedback")
    expected = [1, 1, 1 / 1.5, 1 / 1.5**2, 1 / 1.5**2]
    assert page["rates"] == pytest.approx([3e-4 * x for x in expected])
    with jax.numpy_dtype_promotion("standard"):
        found = np.asarray(page["run"](jnp.asarray(page["losses"], jnp.float32)))
    expected = values(page["careful"].schedule, range(300))
    expected[151:201] *= 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float(page["opt_state"].mean) == 2.5
    assert page["final_rate"]._cache_size() == 1
    import matplotlib.pyplot as plt

    plt.close("all")


def test_explore():
    pytest.importorskip("ipywidgets")
    page = run("explore")
    assert page["explorer"].schedule == wo.warmup_cosine(3e-4, warmup_steps=305, total_steps=1000)


def test_independent_weight_decay():
    """A parameter without a gradient shrinks by the same fraction whatever the peak is, with the multiplier."""
    page = run("hyperparameters")
    counts = range(5)
    fractions = 3e-5 * values(page["rate"] / 3e-4, counts)
    optimizer, params = page["independent"], {"w": jnp.ones(1)}

    @jax.jit
    def step(params, state):
        updates, state = optimizer.update({"w": jnp.zeros(1)}, state, params)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for n in counts:
        before = params["w"].item()
        with jax.numpy_dtype_promotion("standard"):
            params, state = step(params, state)
        # the difference from 1 has few digits in float32: half a unit in its last place
        assert 1 - params["w"].item() / before == pytest.approx(fractions[n], abs=6e-8)
        assert float(wo.applied_value(page["rate"], state)) == page["rate"](n)
    # AdamC, above it on the page, falls with the square
    assert values(0.1 * (page["rate"] / 3e-4), [550]) == pytest.approx([0.05], rel=1e-6)
    assert float(optax.apply_updates(page["w"], page["updates"])[0]) == pytest.approx(0.995, rel=1e-6)


def test_bfloat16():
    """The largest update that is lost, in all of one binade: 0.2 to 0.4 % of the parameter."""
    run("bf16")
    params = np.arange(1.0, 2.0, 2**-7).astype(jnp.bfloat16)[1:]  # all numbers between 1 and 2
    for relative, changed in ((0.0019, 0), (0.0040, len(params))):
        update = (params.astype(np.float32) * relative).astype(jnp.bfloat16)
        assert np.sum(params + update != params) == changed, relative
    middle = (params.astype(np.float32) * 0.003).astype(jnp.bfloat16)
    assert 0 < np.sum(params + middle != params) < len(params)
    exact = np.geomspace(1e-5, 1e-3, 1000)
    rounded = exact.astype(jnp.bfloat16).astype(np.float64)
    assert 0.003 < np.max(np.abs(rounded / exact - 1)) < 0.004


def test_the_picture_of_accuracy():
    """The errors in the picture, without those of a rounded reference or of a clipped 0."""
    pytest.importorskip("matplotlib").use("agg")
    errors = run("../trust/tests")["errors"]
    assert errors["warmup_optax"].max() <= 2
    assert errors["Optax"].max() > 1000
    import matplotlib.pyplot as plt

    plt.close("all")


def test_the_guide_to_nodes_names_every_method_of_time():
    public = [name for name in vars(wo.Time) if not name.startswith("_")]
    text = (pages.ROOT / "docs" / "guides" / "own_nodes.md").read_text()
    assert [name for name in public if f"time.{name}(" not in text and f"Time.{name}(" not in text] == []
