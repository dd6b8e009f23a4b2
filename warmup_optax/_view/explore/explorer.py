"""Explore a schedule with sliders in a notebook. ipywidgets is imported by the first `Explorer`."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import itertools
from collections.abc import Callable, Hashable
from html import escape
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..._core import checks
from ..._core.scalars import default_float, default_int
from ..._core.schedule import Schedule
from ..._core.types import ScheduleLike, Steps
from ..._extras import missing
from ..check import check
from ..describe import HEADER, table
from ..phases import concrete, horizon, phases
from ..plot import MOST_MARKS
from ..sample import evaluate_with, run_length, sample
from .sliders import numbers, parse, rebuild, scale, short
from .svg import svg

if TYPE_CHECKING:
    import ipywidgets

    from ..sample import HasLength

POINTS = 1000  # points of the curve: more than the picture has columns of pixels
BLOCK = 1024  # counts per evaluation
PAUSE = 0.1  # seconds without a change before the phases and the findings are updated
BLUE, ORANGE, RED = "#3b8ed8", "#e0812f", "#e05252"  # readable on white and on black


@checks.by_name
def explore(
    schedule: ScheduleLike,
    total_steps: Steps | HasLength | None = None,
    *,
    compare: ScheduleLike | None = None,
) -> Explorer:
    """Explore a schedule interactively in a notebook: move sliders and watch the curve, phases and findings.

    Each number of the schedule has a slider and a text box, labeled with its path (``peak_value``,
    ``schedules[1].end_value``). The box also accepts numbers outside the range of the slider. Whole numbers
    stay whole. Values, and other numbers that are very large or very small, have a logarithmic slider. It
    starts at 0 if 0 is allowed. Other numbers have a linear slider, between their bounds if they have two.
    Words, flags and shapes cannot be changed.

    Below the curve is the code of the schedule with a copy button, then the output of `describe` and `check`.
    If a number is not allowed, the error is shown and the last valid curve stays, faded. The curve is
    compiled once, for all numbers.

    Args:
      schedule: A `Schedule`, also a user-defined one, a function of a count, or a number.
      total_steps: The length of the run in updates: a whole number >= 1, or a `TrainingRun`. The curve shows
        the counts from 0 to this one, and `check` checks a run of this length. None: the whole schedule, or
        the beginning of one that never ends.
      compare: A second schedule, drawn in another color. None: no second schedule.

    Returns:
      An `Explorer`, which a notebook displays. Its ``schedule`` has the current numbers.

    Raises:
      ImportError: If ipywidgets is not installed.
      ValueError: If ``total_steps`` is not a whole number >= 1, or a schedule is a stack.
      TypeError: If an argument has the wrong type, or a schedule has traced numbers.

    >>> import warmup_optax as wo
    >>> explorer = wo.explore(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000), 1000)
    >>> list(explorer.boxes)[:3]
    ['peak_value', 'warmup_steps', 'total_steps']
    >>> explorer.boxes["peak_value"].value = "1e-3"  # the same as typing it
    >>> explorer.schedule
    warmup_cosine(peak_value=0.001, warmup_steps=100, total_steps=1000)
    """
    schedule = concrete("explore", schedule)
    last = horizon(schedule) if total_steps is None else run_length("explore", total_steps)
    with checks.renamed("explore", schedule="compare"):
        other = None if compare is None else concrete("explore", compare)
    return Explorer(schedule, last, other)


class Explorer:
    """The interactive view that `explore` returns.

    Attributes:
      schedule: The schedule with the current numbers, or with the last valid ones if those raise an error.
      widget: The widget that a notebook displays.
      sliders: The slider of each number, by name. Its value is an index into the values of its scale.
      boxes: The text box of each number, by name.
    """

    def __init__(self, schedule: Schedule, last: int, other: Schedule | None) -> None:
        try:
            import ipywidgets as widgets
        except ImportError as error:
            raise missing("explore", "ipywidgets", "widgets", error) from error
        self.schedule: Schedule = schedule
        self._last, self._other = last, other
        self.sliders: dict[str, ipywidgets.IntSlider] = {}
        self.boxes: dict[str, ipywidgets.Text] = {}
        self._counts = np.unique(np.linspace(0, last, POINTS).astype(np.int64))
        self._evaluate = _Programs()
        self._later: asyncio.TimerHandle | None = None
        self._curves = {} if other is None else {ORANGE: self._values(other)}
        self._picture, self._error, self._lines, self._below = (widgets.HTML() for _ in range(4))
        self._redraw(schedule)
        self._report()
        self._prepare()

        found, cells = list(numbers(schedule)), []
        self._numbers: list[float | str] = [number.value for number in found]
        several = len({number.node for number in found}) > 1
        largest = np.max(np.abs(self._curves[BLUE]), initial=0, where=np.isfinite(self._curves[BLUE]))
        for i, number in enumerate(found):
            if several and (i == 0 or number.node != found[i - 1].node):
                heading = widgets.HTML(f"<b>{escape(number.kind)}</b> {escape(number.node)}")
                heading.layout.grid_area = "auto / 1 / auto / -1"  # all columns
                cells.append(heading)
            positions = scale(number, last, float(largest))
            slider = widgets.IntSlider(positions.index(number.value), 0, len(positions) - 1, readout=False)
            box = widgets.Text(short(number.value), continuous_update=False)
            slider.layout.width = box.layout.width = "auto"
            self._connect(i, slider, box, positions)
            self.sliders[number.name], self.boxes[number.name] = slider, box
            cells += [widgets.Label(number.name.removeprefix(number.node).removeprefix(".")), slider, box]
        columns = {"grid_template_columns": "fit-content(14em) minmax(6em, 1fr) 6.5em", "grid_gap": "0 8px"}
        room = {"flex": "1 1 320px", "max_height": "320px", "overflow": "auto", "align_content": "flex-start"}
        self._picture.layout.flex = "2 1 400px"
        grid = widgets.GridBox(cells, layout=widgets.Layout(**columns, **room))
        beside = widgets.HBox([self._picture, grid], layout=widgets.Layout(flex_flow="row wrap"))
        self.widget: ipywidgets.VBox = widgets.VBox([beside, self._error, self._lines, self._below])
        for part in (self._picture, self._lines, self._below):
            part.add_class("warmup-optax-follows")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def _connect(
        self, i: int, slider: ipywidgets.IntSlider, box: ipywidgets.Text, positions: list[float]
    ) -> None:
        """Connect a slider and a box. The slider writes to the box, and the number is always read from it."""
        whole = isinstance(self._numbers[i], int)

        def nearest(number: float) -> int:
            return min(bisect.bisect_left(positions, number), len(positions) - 1)

        def on_slider(_: object) -> None:
            present = self._numbers[i]
            if isinstance(present, str) or slider.value != nearest(present):  # unless the box moved it
                box.value = short(positions[slider.value])

        def on_box(_: object) -> None:
            self._numbers[i] = number = parse(box.value, whole)
            if not isinstance(number, str):
                slider.value = nearest(number)
            self._follow()

        slider.observe(on_slider, "value")
        box.observe(on_box, "value")

    def _follow(self) -> None:
        """Apply the numbers: redraw the curve now, and report after a pause if an event loop is running."""
        try:
            schedule = rebuild(self.schedule, iter(self._numbers))
            self._redraw(schedule)
        except Exception as error:  # a user-defined node may raise any error
            sentence = escape(str(error) or repr(error))
            self._error.value = f'<div role="alert" style="color:{RED}">{sentence}</div>'
            self.widget.add_class("warmup-optax-invalid")
            return
        self.schedule, self._error.value = schedule, ""
        self.widget.remove_class("warmup-optax-invalid")
        if self._later is not None:
            self._later.cancel()
        try:
            self._later = asyncio.get_running_loop().call_later(PAUSE, self._report)
        except RuntimeError:
            self._report()

    def _values(self, schedule: Schedule) -> np.ndarray:
        with evaluate_with(self._evaluate):
            return sample(schedule, self._counts).astype(np.float64)

    def _redraw(self, schedule: Schedule) -> None:
        """Redraw the curve and the line of code."""
        self._curves[BLUE] = self._values(schedule)
        near = itertools.takewhile(lambda first: first <= self._last, (x.first for x in phases(schedule)))
        begins = [first for first in itertools.islice(near, MOST_MARKS) if first > 0]
        self._picture.value = svg(self._counts, self._curves, begins)
        other = "" if self._other is None else _line(ORANGE, self._other)
        self._lines.value = STYLE + _line(BLUE, schedule, COPY) + other

    def _prepare(self) -> None:
        """Compile what a later report may need: a phase of length 0 may become longer."""
        longer = jax.tree.map(lambda x: x or type(x)(1), self.schedule)
        for schedule in (self.schedule, longer):
            with evaluate_with(self._evaluate), contextlib.suppress(Exception):  # these may be invalid
                for phase in itertools.islice(phases(schedule), MOST_MARKS):
                    for value in filter(None, (phase.start, phase.last)):
                        value()
                sample(schedule, [0.5])  # a time between two counts

    def _report(self) -> None:
        """Update the phases and the findings."""
        with evaluate_with(self._evaluate):
            rows, rest = table(self.schedule)
            findings = [escape(str(finding)) for finding in check(self.schedule, self._last)]
        body = "".join(f"<tr>{''.join(map(_cell, HEADER, row))}</tr>" for row in (HEADER, *rows))
        below = "".join(f"<div>{finding}</div>" for finding in findings or ["check: nothing found"])
        self._below.value = f'<div style="line-height:1.5"><table>{body}</table>{escape(rest)}{below}</div>'


STYLE = "<style>.warmup-optax-invalid .warmup-optax-follows { opacity: 0.3 }</style>"
# Runs in the page. An insecure page has no clipboard API, so there the line is selected and copied.
COPY = """<button style="margin-left:8px;padding:0 8px;font:inherit;color:inherit;
background:none;border:1px solid;border-radius:3px" onclick="
const say = text => { this.textContent = text }, line = this.previousElementSibling;
const done = () => { say('Copied'); setTimeout(say, 1500, 'Copy') };
const select = () => { getSelection().selectAllChildren(line); document.execCommand('copy'); done() };
navigator.clipboard ? navigator.clipboard.writeText(line.textContent).then(done, select) : select()
">Copy</button>"""


def _line(color: str, schedule: Schedule, button: str = "") -> str:
    mark = f'<span style="color:{color}">&#9632;</span>'
    code = f'<code style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(repr(schedule))}</code>'
    return f'<div style="line-height:1.5">{mark} {code}{button}</div>'


def _cell(column: str, text: str) -> str:
    align = "left" if column == "shape" else "right"
    return f'<td style="padding:0 1.2em 0 0;text-align:{align}">{escape(text)}</td>'


class _Programs:
    """An evaluator that compiles one program for each structure, for all numbers and counts.

    The library compiles the lowered form of a schedule, which may depend on a number: a cosine with exponent 1
    is lowered without a power. The library also traces a user-defined function again for each schedule.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Callable[..., jax.Array]] = {}

    def __call__(self, schedule: Schedule, counts: np.ndarray) -> np.ndarray:
        leaves, structure = jax.tree.flatten(schedule)
        whole = [isinstance(x, int) and abs(x) <= checks.INT32_MAX for x in leaves]
        numbers = [
            np.asarray(x, default_int() if is_whole else default_float())
            for x, is_whole in zip(leaves, whole, strict=True)
        ]
        key = structure, tuple(whole)
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            if key not in self._kept:
                self._kept[key] = jax.jit(
                    lambda numbers, counts: jax.tree.unflatten(structure, numbers)(counts)
                )
            flat = np.asarray(checks.count(np.ravel(counts)))
            flat = flat.astype(default_int() if flat.dtype.kind in "iub" else default_float())
            blocks = np.pad(flat, (0, -flat.size % BLOCK), mode="edge").reshape(-1, BLOCK)
            values = [np.asarray(self._kept[key](numbers, block)) for block in blocks]
        return np.concatenate(values)[: flat.size].reshape(np.shape(counts))
