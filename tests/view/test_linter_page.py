"""The page of the linter: its cells run, and each section shows the finding that it is named after."""

import re
from pathlib import Path

import jax
import matplotlib
import pytest
from support.pages import cells

import warmup_optax as wo
from warmup_optax._view.check import NOTES, WARNINGS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "linter.md").read_text()
INTRODUCTION, *REST = re.split(r"^### ", PAGE, flags=re.MULTILINE)
SECTIONS = {re.match(r"`(\w+)`", section).group(1): section for section in REST}  # pyright: ignore[reportOptionalMemberAccess]


def test_every_finding_has_its_section():
    assert sorted(SECTIONS) == sorted((*WARNINGS, *NOTES))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_shows_its_finding_and_the_fix(name):
    namespace = {}
    for code in cells(INTRODUCTION):
        exec(code, namespace)
    shown = []
    namespace["show"] = lambda *args, **kwargs: shown.append((args, kwargs))
    with jax.numpy_dtype_promotion("standard"):
        for code in cells(SECTIONS[name]):
            exec(code, namespace)
        ((schedule, total_steps), options), *_ = shown
        found = {finding.name for finding in wo.check(schedule, total_steps)}
        fixed = wo.check(options["fixed"], total_steps)
    assert name in found
    assert name not in {finding.name for finding in fixed}
    assert {finding.severity for finding in fixed} <= {"note"}


def test_the_pictures_are_drawn(capsys, monkeypatch):
    """The page's own function, once: it draws two curves, and prints what was found."""
    namespace = {}
    for code in cells(INTRODUCTION):
        exec(code, namespace)
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    exec(cells(SECTIONS["jump"])[0], namespace)
    assert len(drawn[0].axes[0].get_legend().get_texts()) == 2
    plt.close("all")
    printed = capsys.readouterr().out
    assert printed.startswith("step 100: warning: jump: ")
    assert printed.endswith("fixed: nothing found\n")
