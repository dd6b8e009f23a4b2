"""The figures in the prose of a page: each is in the code or the output of the page, or is computed here.

A figure is a number with two significant digits, of three digits, with decimals, or in percent.
"""

import inspect
import re

import jax.numpy as jnp
import numpy as np
import pytest
from support import pages

import warmup_optax as wo
from warmup_optax._convert import config

DOCS = pages.ROOT / "docs"
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
def test_every_figure_is_code_or_output(page, capsys, monkeypatch):
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
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("agg")
        pytest.importorskip("matplotlib.pyplot")
        monkeypatch.chdir((DOCS / page).parent)
        names |= pages.run(page)
        matplotlib.pyplot.close("all")
        printed = numbers(capsys.readouterr().out)
        values = {figure: float(eval(computed[figure], names)) for figure in left if figure in computed}
    for figure in left:
        if figure in values:
            assert is_among(figure, np.array([values[figure]])), (figure, values[figure])
        else:
            assert is_among(figure, printed), f"{figure}: not in the code or the output of the page"
