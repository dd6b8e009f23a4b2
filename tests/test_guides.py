"""The guides: every cell runs, and the lines that they recommend do what they say.

The figures in the prose of every page are in the code or the output of the page, or are computed here. A figure
is a number with two significant digits, of three digits, with decimals, or in percent.
"""

import contextlib
import functools
import inspect
import io
import re
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support import pages

import warmup_optax as wo
from warmup_optax._convert import config

DOCS = pages.ROOT / "docs"


@functools.cache
def run(page):
    """The names that a page defines, and what it prints. Several tests read them, and none changes any."""
    pytest.importorskip("matplotlib").use("agg")
    with contextlib.chdir((DOCS / page).parent), contextlib.redirect_stdout(io.StringIO()) as printed:
        names = pages.run(page)
    pytest.importorskip("matplotlib.pyplot").close("all")
    return names, printed.getvalue()


def names_of(guide):
    return run(f"guides/{guide}")[0]


def values(schedule, counts):
    return wo.sample(schedule, counts).astype(np.float64)


def test_typing():
    page = names_of("typing")
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
    page = names_of("hyperparameters")
    assert values(page["nanochat"], [0, 400, 1000, 2000]) == pytest.approx([0.85, 0.97, 0.97, 0.9])
    assert values(page["modded"], [0, 150, 300, 1950, 2000]) == pytest.approx([0.85, 0.9, 0.95, 0.95, 0.85])
    assert values(page["momentum"], [0, 300, 1000]) == pytest.approx([0.946, 0.85, 0.95], abs=1e-5)
    counts = np.arange(0, 200_000, 1111)
    expected = np.minimum(0.9999, (1 + counts) / (10 + counts))
    np.testing.assert_allclose(values(page["decay"], counts), expected, rtol=1e-6)  # float32
    assert page["train_step"]._cache_size() == 1


@pytest.mark.exhaustive
def test_ending_a_run():
    page = names_of("ending_a_run")
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
    page = names_of("resuming")
    schedule, longer, after = page["schedule"], page["longer"], range(500, 750)
    assert float(wo.applied_value(longer, page["new_state"])) == float(longer(500)) != float(schedule(500))
    assert int(wo.update_count(page["new_state"])) == 501
    np.testing.assert_array_equal(values(page["extended"], range(501)), values(schedule, range(501)))
    assert values(page["extended"], [1999, 2000]) == pytest.approx([0, 0], abs=1e-8)
    assert page["run"].steps(examples=1000 * 256) == 750
    np.testing.assert_array_equal(values(page["resumed"], range(501)), values(schedule, range(501)))
    examples_seen = [500 + 2 * (count - 500) for count in after]  # in batches of 256
    np.testing.assert_array_equal(values(page["resumed"], after), values(schedule, examples_seen))


def test_every_schedule_of_the_steps_fits_its_run():
    page = names_of("steps")
    growing = page["growing"]
    assert page["every_four"].total_steps == 8775
    assert growing.total_steps == 15_025
    assert [finding.name for finding in wo.check(page["unchanged"], growing.total_steps)][
        -1
    ] == "still_falling"


@pytest.mark.exhaustive
def test_range_test():
    page = names_of("range_test")
    assert 1e-6 < page["found"].steepest_per_rate < page["found"].steepest < 10
    assert np.isfinite(page["best"])


def test_groups():
    """Three groups fine-tune a pretrained model; the group that joins later is not late."""
    page = names_of("groups")
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


def test_change_the_schedule():
    """The figures that the text of the page states."""
    page, printed = run("guides/change_the_schedule")
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


def test_deadline():
    """36 updates of uneven length decay to the end, and a stop in between changes nothing but the clock."""
    page = names_of("deadline")
    rates = np.array(page["rates"])
    assert 0 < rates[-1] < 0.05 * rates.max()
    assert rates.argmax() < len(rates) / 5  # the warmup is a tenth of the time
    assert page["used"] + page["left"] == page["BUDGET"]
    assert page["used"] < 1_200  # the hour in the queue is not in it
    assert 0 < page["first"][-1] - page["second"][0] < 0.1 * page["first"][-1]  # one update further
    assert page["second"][-1] < 0.05 * rates.max()


def test_feedback():
    page = names_of("feedback")
    expected = [1, 1, 1 / 1.5, 1 / 1.5**2, 1 / 1.5**2]
    assert page["rates"] == pytest.approx([3e-4 * x for x in expected])
    with jax.numpy_dtype_promotion("standard"):
        found = np.asarray(page["run"](jnp.asarray(page["losses"], jnp.float32)))
    expected = values(page["careful"].schedule, range(300))
    expected[151:201] *= 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float(page["opt_state"].mean) == 2.5
    assert page["final_rate"]._cache_size() == 1


def test_explore():
    pytest.importorskip("ipywidgets")
    page = names_of("explore")
    assert page["explorer"].schedule == wo.warmup_cosine(3e-4, warmup_steps=305, total_steps=1000)


def test_independent_weight_decay():
    """A parameter without a gradient shrinks by the same fraction whatever the peak is, with the multiplier."""
    page = names_of("hyperparameters")
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
    names_of("bf16")
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
    errors = run("trust/tests")[0]["errors"]
    assert errors["warmup_optax"].max() <= 2
    assert errors["Optax"].max() > 1000


def test_the_guide_to_nodes_names_every_method_of_time():
    public = [name for name in vars(wo.Time) if not name.startswith("_")]
    text = (pages.ROOT / "docs" / "guides" / "own_nodes.md").read_text()
    assert [name for name in public if f"time.{name}(" not in text and f"Time.{name}(" not in text] == []


# Expressions in the names of the page, after its cells ran.
COMPUTED = {
    "guides/bf16": {
        "2,147,483,647": "jnp.iinfo('int32').max",
        "16,777,216": "2 / jnp.finfo('float32').eps",
        "256": "2 / jnp.finfo('bfloat16').eps",
        "0.2 %": "100 * jnp.finfo('bfloat16').eps / 4",
        "0.4 %": "100 * jnp.finfo('bfloat16').eps / 2",
        "0.8 %": "100 * jnp.finfo('bfloat16').eps",
    },
    "guides/change_the_schedule": {
        "0.006": "max(np.ptp(finals[totals == t][2:6]) for t in np.unique(totals))",
        "40 %": "round(100 * (np.exp(misses.max()) - 1), -1)",
        "5 %": "100 * min(misses[totals == t].std() for t in np.unique(totals))",
    },
    "guides/deadline": {"150": "1000 * max(next(durations) for _ in range(3))"},
    "guides/feedback": {
        "1.5": "adaptive.rule.factor",
        "151": "np.argmax(losses) + 1",
        "200": "np.argmax(losses) + careful.rule.steps",
    },
    "guides/groups": {"14": "len(wo.layerwise(0.75, num_layers=12))"},
    "guides/linter": {"2,147,483,647": "jnp.iinfo('int32').max", "2.1": "jnp.iinfo('int32').max / 1e9"},
    "reference/config_format": {
        "0.3": "inspect.signature(wo.one_cycle).parameters['warmup_fraction'].default",
        "25": "inspect.signature(wo.one_cycle).parameters['div_factor'].default",
        "10000": "inspect.signature(wo.one_cycle).parameters['final_div_factor'].default",
        "262,144": "config.MOST_VALUES",
        "3.4028234663852886e38": "float(jnp.finfo('float32').max)",
    },
}
# Figures that no cell can compute, and where each comes from.
YAML = "a version of YAML"
GIVEN = {
    "guides/change_the_schedule": {
        "-0.5": "the exponent of 1 / sqrt(T)",
        "0.5": "advice: where a factor is large",
    },
    "guides/configs": {"1.2": YAML},
    "guides/cost": {"4,096": "benchmarks/joins.py measures it"},
    "guides/ending_a_run": {"640": "an invented run"},
    "guides/which": {
        "480": "600 steps, of which the last 120 are the decay",
        "10 %": "Haegele et al. 2024",
        "20 %": "the same",
    },
    "reference/config_format": {"1.1": YAML, "1.2": YAML},
    "trust/performance": {
        "100,000": "STEPS of benchmarks/accuracy.py",
        "64": "the schedules of benchmarks/sweep.py",
    },
    "trust/tests": {"11": "the number of a law"},
}

FENCE = re.compile(r"^ *(```+|:::+)[^\n]*\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"^ *caption: *>?((?:.*\n)(?:  +.*\n)*)", re.MULTILINE)
WORDS = re.compile(
    r"^( *)(?:alt|caption):.*\n(?:\1 +.*\n)*", re.MULTILINE
)  # options of a cell that are prose
# Code, targets of links, papers (a year, a number of arXiv, a section) and formulas.
NOT_PROSE = re.compile(
    r"\A---\n.*?^---\n|`[^`]*`|\]\([^)]*\)|\$[^$]*\$"
    r"|\b(?:19|20)\d\d\b\)?(?=\])|(?<=\[)\d{4}\.\d{5}(?=\])|section [\d.]+",
    re.MULTILINE | re.DOTALL,
)
NUMBER = re.compile(r"(?<![\w.^-])-?\d[\d,_]*(?:\.\d+)?(?:e[+-]?\d+)?(?:(?: to \d[\d.]*)? ?%)?")


def figures(text):
    """The figures in the prose and the captions of a page, as they are written."""
    captions = "".join(match[1] for match in CAPTION.finditer(text))
    found = []
    for match in NUMBER.finditer(NOT_PROSE.sub("", FENCE.sub("", text)) + captions):
        figure = match[0].rstrip(",")
        digits = re.sub(r"\D", "", figure.partition("e")[0]).lstrip("0")
        whole = "." not in figure
        if "%" in figure or not whole or len(digits.rstrip("0") if whole else digits) > 1 or len(digits) > 2:
            found += [f"{part.strip(' %')} %" for part in figure.split(" to ")] if "%" in figure else [figure]
    return sorted(set(found))


def numbers(text):
    return np.array([float(x.replace("_", "").replace(",", "").strip()) for x in PLAIN.findall(text)])


PLAIN = re.compile(r"\d[\d_]*(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")


def is_among(figure, values):
    """Return whether one of the values is the figure, rounded as the figure is."""
    number = float(figure.replace(",", "").strip(" %"))
    decimals = len(figure.strip(" %").partition(".")[2].partition("e")[0])
    if "e" in figure:
        return bool(np.any(np.isclose(values, number, rtol=1e-6)))
    values = np.concatenate([values, 100 * values]) if "%" in figure else values
    return bool(np.any(np.round(values, decimals) == number))


PAGES = sorted(
    str(file.relative_to(DOCS).with_suffix(""))
    for file in DOCS.rglob("*.md")
    if "_generated" not in file.parts and pages.cells(file.read_text())
)


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_is_code_or_output(page):
    text = (DOCS / page).with_suffix(".md").read_text()
    code = numbers("\n".join([*pages.cells(text), *re.findall(r"`[^`]*`", WORDS.sub("", text))]))
    computed, given = COMPUTED.get(page, {}), GIVEN.get(page, {})
    left = [figure for figure in figures(text) if not is_among(figure, code) and figure not in given]
    assert set(computed) <= set(left), "not on the page, or in its code"
    assert set(given) <= set(figures(text)), "not on the page"
    names = {"config": config, "inspect": inspect, "jnp": jnp, "np": np, "wo": wo}
    try:  # most need no cell
        values = {figure: float(eval(computed[figure], names)) for figure in left}
        printed = numbers("")
    except (KeyError, NameError):
        defined, output = run(page)
        names |= defined
        printed = numbers(output)
        values = {figure: float(eval(computed[figure], names)) for figure in left if figure in computed}
    for figure in left:
        if figure in values:
            assert is_among(figure, np.array([values[figure]])), (figure, values[figure])
        else:
            assert is_among(figure, printed), f"{figure}: not in the code or the output of the page"
