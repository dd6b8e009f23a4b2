"""Pictures made by the build: the curve of a docstring's own example, and the ten recipes on the first page."""

from __future__ import annotations

import contextlib
import doctest
import hashlib
import html
import inspect
import io
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np
import warmup_optax as wo
from recipes_picture import RECIPES, TOTAL
from sphinx.util import logging
from warmup_optax._view.explore.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, svg
from warmup_optax._view.phases import horizon
from warmup_optax._view.plot import points

from editor import link

LOGGER = logging.getLogger(__name__)

BLUE = "#3b8ed8"  # visible on white and on black
SMOOTH = 200  # at least this many points per curve


def called(function: Any) -> list[tuple[wo.Schedule, Any]]:
    """The schedules that the examples of a docstring call, with the counts."""
    names = dict(inspect.unwrap(function).__globals__)  # as doctest runs them
    found: list[tuple[wo.Schedule, Any]] = []
    original = wo.Schedule.__call__

    def recorded(self: wo.Schedule, count: Any) -> Any:
        if isinstance(count, jax.core.Tracer):
            return original(self, count)
        found.append((self, count))
        return np.zeros(np.shape(count), np.float32)  # the tests check the values, which need a compilation

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


def drawable(found: list[tuple[wo.Schedule, Any]]) -> wo.Schedule | None:
    """The first schedule that was called at more than one count."""
    for schedule, _ in found:
        counts = np.concatenate([np.ravel(np.asarray(c)) for s, c in found if s is schedule])
        leaves = jax.tree.leaves(schedule)  # arrays in a stack
        known = not any(isinstance(leaf, jax.core.Tracer) or np.ndim(leaf) for leaf in leaves)
        if known and len(np.unique(counts)) > 1:
            return schedule
    return None


def picture(schedule: wo.Schedule, alt: str, last: int = 0) -> str:
    """Draw the curve up to its last phase or to ``last``, with the value under the pointer.

    An example may have only four steps. A short curve is also drawn between its counts, so that it is smooth.
    """
    last = last or horizon(schedule)
    parts = max(1, SMOOTH // last)
    finer = wo.stretch(schedule, parts) if parts > 1 else schedule
    times, begins = points(finer, last * parts)
    rates = np.asarray(wo.sample(finer, times), np.float64)
    drawn = svg(times / parts, {BLUE: rates}, begins / parts).replace(
        'aria-label="learning rate"', f'aria-label="{html.escape(alt)}"'
    )
    return drawn.removesuffix("</svg>") + readings(times, rates, parts) + "</svg>"


def readings(times: np.ndarray, rates: np.ndarray, parts: int) -> str:
    """Return strips over a curve, each with a whole count and its value as the text under the pointer."""
    whole = np.flatnonzero(times % parts == 0)
    shown = whole[np.unique(np.linspace(0, len(whole) - 1, 50).astype(int))]
    x = LEFT + times[shown] / times[-1] * (WIDTH - LEFT - RIGHT)
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    return "".join(
        f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT - TOP - BOTTOM}">'
        f"<title>count {times[at] // parts:,}: {rates[at]:.3g}</title></rect>"
        for at, left, right in zip(shown, edges, edges[1:], strict=False)
    )


def figure(drawn: str, caption: str) -> str:
    """A picture with its caption, as HTML on one line."""
    return f'<figure class="curve">{drawn}<figcaption><p>{caption}</p></figcaption></figure>'


def recipes() -> str:
    """The ten recipes, a panel each that leads to its page."""
    panels = []
    for name, schedule in RECIPES.items():
        rates = wo.sample(schedule, np.arange(TOTAL + 1))
        path = " ".join(f"{count},{55 - 50 * rate:.1f}" for count, rate in enumerate(rates.tolist()))
        look = (
            f'viewBox="0 0 {TOTAL} 60" preserveAspectRatio="none" role="img" aria-label="The curve of {name}"'
        )
        line = f'fill="none" stroke="{BLUE}" stroke-width="2" vector-effect="non-scaling-stroke"'
        drawn = f'<svg {look}><polyline {line} points="{path}"/></svg>'
        label = name.replace("_", "_<wbr>")
        panels.append(f'<a href="_generated/api/warmup_optax.{name}.html">{drawn}<code>{label}</code></a>')
    return figure(
        f'<div class="recipes">{"".join(panels)}</div>',
        "The ten recipes. Each is a complete schedule, and most start with a warmup.",
    )


def add_picture(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Puts the picture of the example before the example."""
    at = next((i for i, line in enumerate(lines) if line.lstrip().startswith(">>>")), None)
    shapes = name.startswith("warmup_optax.compat.") or name.rpartition(".")[2] in SHOWN
    if what != "function" or at is None or not shapes:
        return
    kept = Path(app.srcdir) / "_generated" / "curves" / f"{name}.html"
    key = hashlib.sha256("\n".join([SOURCES, app.env.docname, *lines]).encode()).hexdigest()
    if not kept.exists() or not kept.read_text().startswith(key):
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            kept.write_text(f"{key}\n{of_the_example(app.env.docname, name, obj)}")
        except Exception as error:
            LOGGER.warning("the example of %s fails: %r", name, error)
            return
    if text := kept.read_text().partition("\n")[2]:
        lines[at:at] = ["", ".. raw:: html", "", f"   {text}", ""]


def of_the_example(docname: str, name: str, function: Any) -> str:
    """The picture of a function's example; nothing if it shows no curve."""
    schedule = drawable(called(function))
    if schedule is None:
        return ""
    alt = f"Learning rate against count for the example of {name.rpartition('.')[2]}"
    caption = "The schedule of the example below. Dotted lines mark where a phase begins."
    return figure(picture(schedule, alt), f"{caption} {in_the_editor(docname, schedule)}")


def in_the_editor(docname: str, schedule: wo.Schedule) -> str:
    """A link that opens the editor on a schedule; nothing for one that a config cannot hold."""
    try:
        state = link(wo.to_config(schedule))
    except (TypeError, ValueError):
        return ""
    return f'<a href="{"../" * docname.count("/")}editor/index.html#{state}">Open it in the editor</a>.'


def sources() -> str:
    """A digest of what outputs and pictures depend on: the library, the modules of notebooks and this file."""
    modules = (Path(__file__).parents[2] / "colab").glob("train_*.py")
    files = [*sorted(Path(wo.__file__).parent.rglob("*.py")), *sorted(modules), Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


SOURCES = sources()
SHAPED = ("clip", "maximum", "minimum", "restart", "shift", "staircase", "stretch")
SHOWN = {*RECIPES, *wo.shapes.__all__, *SHAPED, "join", "with_cooldown", "with_warmup"}


def first_page(app: Any) -> None:
    """Draws what the first page shows."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    (folder / "recipes.html").write_text(recipes())


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("builder-inited", first_page)
    app.connect("autodoc-process-docstring", add_picture, priority=900)  # after napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
