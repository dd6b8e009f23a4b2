"""The documents keep their word: every block of the README runs, and CONTRIBUTING's shape is a shape."""

import doctest
import importlib.util
import re
from pathlib import Path

import jax
import matplotlib
import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax import _shapes

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(document):
    return [(kind, text) for kind, text in BLOCK.findall((ROOT / document).read_text())]


def test_the_readme_runs_from_top_to_bottom():
    """Python blocks are executed and sessions compared, in one namespace, as typed by a reader."""
    matplotlib.use("Agg")
    names = {"__name__": "readme"}
    ran = []
    # A reader's JAX: 32 bits, and not the strict promotion, which Optax's own schedules do not take.
    standard = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with standard[0], standard[1], jax.enable_x64(False):
        run_blocks(names, ran)
    assert ran.count("python") >= 5
    assert ran.count("pycon") >= 2


def run_blocks(names, ran):
    for kind, text in blocks("README.md"):
        ran.append(kind)
        if "jax import export" in text and not importlib.util.find_spec("flatbuffers"):
            continue
        if kind == "python":
            exec(compile(text, "README.md", "exec"), names)
        elif kind == "pycon":
            session = doctest.DocTestParser().get_doctest(text, names, "README.md", "README.md", 0)
            results = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(session, clear_globs=False)
            assert results.attempted > 0
            assert results.failed == 0, "see the captured output"
            names.update(session.globs)


def test_the_readme_names_only_what_there_is():
    """Every `wo.name` of the README and of CONTRIBUTING is public; every linked file is there."""
    for document in ["README.md", "CONTRIBUTING.md"]:
        text = (ROOT / document).read_text()
        assert set(re.findall(r"\bwo\.(\w+)", text)) - {"compat"} <= set(wo.__all__)
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / link).exists(), link


def test_the_recipes_in_the_readme_are_all_of_them():
    """A recipe that is added is also told of."""
    recipes = {name for name in wo.__all__ if name.startswith("warmup_")} | {"one_cycle"}
    table = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert recipes == table


def test_the_shape_of_contributing_passes_the_laws():
    """The own example of the page, pasted into the namespace of `_shapes.py`, is a shape in every way."""
    (text,) = [text for kind, text in blocks("CONTRIBUTING.md") if "class QuarterSine" in text]
    indent = re.match(r" *", text).group()
    names = dict(vars(_shapes))
    exec(re.sub(f"^{indent}", "", text, flags=re.MULTILINE), names)
    quarter_sine = names["quarter_sine"]

    steps = 1000
    schedule = quarter_sine(0.1, 0.003, steps)
    t = np.arange(steps + 1)
    q, p = (steps - t) / steps, t / steps
    exact = 0.1 * np.sin(np.pi / 2 * q) + 0.003 * 2 * np.sin(np.pi / 4 * p) ** 2
    values = np.asarray(schedule(t), np.float64)
    assert np.all(np.abs(values - exact) <= 8 * np.spacing(exact.astype(np.float32)))  # law 4
    assert (values[0], values[-1]) == (schedule(0), schedule(10**6))
    assert np.float32(values[-1]) == np.float32(0.003)
    assert schedule == quarter_sine(0.1, 0.003, steps)
    assert eval(repr(schedule), names) == schedule
    slopes = jax.grad(lambda s: s(steps - 1), allow_int=True)(schedule)
    assert np.isfinite(slopes.init_value)
    warm = wo.with_warmup(wo.constant(0.1), steps=10, shape=quarter_sine)
    assert (float(warm(0)), np.float32(warm(10))) == (0.0, np.float32(0.1))
    with pytest.raises(ValueError, match="quarter_sine: steps must be a whole number"):
        quarter_sine(0.1, 0.0, 2.5)
