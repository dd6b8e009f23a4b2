"""Pictures made by the build: the curve of a docstring's own example, and the ten recipes on the first page."""

from __future__ import annotations

import base64
import contextlib
import doctest
import inspect
import io
import json
import warnings
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
import warmup_optax as wo
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from recipes_picture import RECIPES, TOTAL
from sphinx.util import logging
from warmup_optax._view.phases import horizon

LOGGER = logging.getLogger(__name__)

GRAY = "#888888"  # readable on white and on black, so that one picture serves both
BLUE = "#3b8ed8"


def called(function: Any) -> list[tuple[wo.Schedule, Any]]:
    """The schedules that the examples of a docstring call at their top level, with the counts."""
    names = dict(inspect.unwrap(function).__globals__)  # as doctest runs them
    found: list[tuple[wo.Schedule, Any]] = []
    depth = 0
    original = wo.Schedule.__call__

    def recorded(self: wo.Schedule, count: Any) -> Any:
        nonlocal depth
        if depth == 0 and not isinstance(count, jax.core.Tracer):
            found.append((self, count))
        depth += 1
        try:
            return original(self, count)
        finally:
            depth -= 1

    wo.Schedule.__call__ = recorded
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            for example in doctest.DocTestParser().get_examples(inspect.getdoc(function) or ""):
                try:
                    exec(compile(example.source, "<docstring>", "single"), names)
                except Exception:
                    if not example.exc_msg:  # an example may show an error
                        raise
    finally:
        wo.Schedule.__call__ = original
    return found


def drawable(found: list[tuple[wo.Schedule, Any]]) -> tuple[wo.Schedule, np.ndarray] | None:
    """The first schedule that was called at more than one count, and those counts."""
    for schedule, _ in found:
        with contextlib.suppress(Exception):  # a stack, or traced numbers
            counts = np.unique(np.concatenate([np.ravel(np.asarray(c)) for s, c in found if s is schedule]))
            counts = counts[np.isfinite(counts) & (counts >= 0)]
            while len(counts) > 2 and counts[-1] > 8 * counts[-2]:  # a value that stays is not a picture
                counts = counts[:-1]
            if len(counts) > 1 and np.ndim(schedule(0)) == 0:
                return schedule, counts
    return None


def axes(figure: Figure, *place: int) -> Any:
    """Axes for both backgrounds."""
    ax = figure.add_subplot(*place)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GRAY)
    ax.tick_params(colors=GRAY, labelsize=8)
    return ax


def draw(schedule: wo.Schedule, counts: np.ndarray, path: Path) -> None:
    """Draw a curve to a little past its last phase, with a dot at each count of the example."""
    last = max(float(counts[-1]), 1.15 * min(horizon(schedule), 20 * float(counts[-1])))
    figure = Figure(figsize=(4.6, 2.0), layout="constrained")
    ax = axes(figure, 1, 1, 1)
    dense = np.unique(np.concatenate([np.linspace(0, last, 600), counts, counts[counts > 0] - 1e-3]))
    rates = values(schedule, dense)
    ax.plot(dense, rates, color=BLUE, linewidth=1.8)
    ax.plot(counts, rates[np.searchsorted(dense, counts)], "o", color=BLUE, markersize=4)
    ax.set_xlabel("count", color=GRAY, fontsize=8)
    ax.margins(0.03, 0.08)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rates.min() >= 0 and rates.max() > 0:
        ax.set_ylim(-0.05 * rates.max(), None)
    figure.savefig(path, transparent=True)


def values(schedule: wo.Schedule, counts: np.ndarray) -> np.ndarray:
    """The rates, for Matplotlib."""
    return np.asarray(schedule(counts), np.float64)


def draw_recipes(path: Path) -> None:
    """The ten recipes, a panel each."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    counts = np.arange(TOTAL + 1)
    for index, (name, schedule) in enumerate(RECIPES.items()):
        ax = axes(figure, 2, 5, index + 1)
        ax.plot(counts, values(schedule, counts), color=BLUE, linewidth=1.8)
        ax.set_title(name, fontsize=9, color=GRAY, family="monospace")
        ax.set_ylim(-0.04, 1.08)
        ax.set(xticks=[], yticks=[])
    figure.savefig(path, transparent=True)


def add_picture(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Puts the picture of the example before the example."""
    at = next((i for i, line in enumerate(lines) if line.lstrip().startswith(">>>")), None)
    shapes = name.startswith("warmup_optax.compat.") or name.rpartition(".")[2] in SHOWN
    if what != "function" or at is None or not shapes:
        return
    try:
        picture = drawable(called(obj))
    except Exception as error:
        LOGGER.warning("the example of %s fails: %r", name, error)
        return
    if picture is None:
        return
    folder = Path(app.srcdir) / "_generated" / "curves"
    folder.mkdir(parents=True, exist_ok=True)
    draw(*picture, folder / f"{name}.svg")
    image = [
        f".. figure:: /_generated/curves/{name}.svg",
        f"   :alt: Learning rate against count for the example of {name.rpartition('.')[2]}",
        "   :class: curve dark-light",
        "",
        "   The schedule of the example below. The dots are the counts that the example evaluates.",
        f"   {in_the_editor(app.env.docname, picture[0])}",
    ]
    lines[at:at] = ["", *image, ""]


def in_the_editor(docname: str, schedule: wo.Schedule) -> str:
    """A link that opens the editor on a schedule; nothing for one that a config cannot hold."""
    try:
        state = json.dumps({"config": wo.to_config(schedule)}).encode()
    except (TypeError, ValueError):
        return ""
    address = base64.urlsafe_b64encode(state).decode().rstrip("=")
    return f"`Open it in the editor <{'../' * docname.count('/')}editor/index.html#{address}>`__."


SHAPED = ("clip", "maximum", "minimum", "restart", "shift", "staircase", "stretch")
SHOWN = {*RECIPES, *wo.shapes.__all__, *SHAPED, "join", "with_cooldown", "with_warmup"}


def first_page(app: Any) -> None:
    """Draws what the first page shows."""
    matplotlib.rcParams["svg.hashsalt"] = "warmup_optax"  # the same picture from every build
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    draw_recipes(folder / "recipes.svg")


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("builder-inited", first_page)
    app.connect("autodoc-process-docstring", add_picture, priority=900)  # after napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
