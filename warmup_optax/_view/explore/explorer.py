"""A schedule under sliders, in a notebook. ipywidgets is loaded when the first one is made."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import itertools
from html import escape
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..._core import checks
from ..._core.scalars import default_float, default_int
from ..._core.schedule import Schedule, ScheduleLike, Steps
from ..._extras import missing
from ..check import check
from ..describe import HEADER, table
from ..phases import concrete, horizon, phases
from ..plot import MOST_MARKS
from ..sample import evaluate_with, run_length, sample
from .sliders import numbers, parse, rebuild, scale, short
from .svg import svg

if TYPE_CHECKING:
    from ..sample import HasLength

POINTS = 1000  # of the curve: more than the picture has columns
BLOCK = 1024  # counts that are evaluated at once
PAUSE = 0.1  # seconds without a change, after which the phases and the findings follow
BLUE, ORANGE, RED = "#3b8ed8", "#e0812f", "#e05252"  # readable on white and on black


def explore(
    schedule: ScheduleLike,
    total_steps: Steps | HasLength | None = None,
    *,
    compare: ScheduleLike | None = None,
) -> Explorer:
    """A schedule under sliders, in a notebook: its curve, phases and findings follow as one drags.

    Each number of the schedule has a slider, under the name by which it is reached (``peak_value``,
    ``schedules[1].end_value``), and a box that takes any number, one beyond the ends of the slider too.
    Whole numbers stay whole. Rates (what is named a value), and other numbers that are very large or small,
    have a logarithmic scale, with 0 before its first number where 0 is allowed; the rest a linear one,
    between their bounds where they have two. Choices (a word, a flag, which shape) stay as they are.

    The line of code that makes the schedule is below the curve, with a button that copies it; then what
    `describe` and `check` say. If the schedule refuses a number, its error is shown, and the last curve
    stays, in grey. The curve is compiled once, whatever the numbers.

    Args:
      schedule: A `Schedule`, one of your own included, a function of a count, or a number.
      total_steps: Updates in the run: counts from 0 to this one are drawn, and `check` judges a run of this
        length. A whole number >= 1, or a `TrainingRun`. None shows the whole schedule, or some of what is
        endless.
      compare: A second schedule, which is drawn in another colour; None for none.

    Returns:
      An `Explorer`, which a notebook shows. Its ``schedule`` is that of the sliders, for the next cell.

    Raises:
      ImportError: If ipywidgets is not installed.
      ValueError: If ``total_steps`` is not a whole number >= 1, or a schedule is a stack.
      TypeError: If an argument is of the wrong type, or a schedule's numbers are traced.

    >>> import warmup_optax as wo
    >>> explorer = wo.explore(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000), 1000)
    >>> list(explorer.boxes)[:3]
    ['peak_value', 'warmup_steps', 'total_steps']
    >>> explorer.boxes["peak_value"].value = "1e-3"  # what typing it does
    >>> explorer.schedule
    warmup_cosine(peak_value=0.001, warmup_steps=100, total_steps=1000)
    """
    schedule = concrete("explore", schedule)
    last = horizon(schedule) if total_steps is None else run_length("explore", total_steps)
    with checks.renamed("explore", schedule="compare"):
        other = None if compare is None else concrete("explore", compare)
    return Explorer(schedule, last, other)


class Explorer:
    """Made by `explore`: a schedule under sliders.

    Attributes:
      schedule: The schedule of the sliders; while they stand at numbers that it refuses, the last before.
      widget: What a notebook shows.
      sliders: The slider of each number, by name. Its value is a position on the scale of the number.
      boxes: The text box of each number, by name.
    """

    def __init__(self, schedule: Schedule, last: int, other: Schedule | None) -> None:
        try:
            import ipywidgets as widgets
        except ImportError as error:
            raise missing("explore", "ipywidgets", "widgets", error) from error
        self.schedule, self._last, self._other = schedule, last, other
        self.sliders, self.boxes = {}, {}
        self._counts = np.unique(np.linspace(0, last, POINTS).astype(np.int64))
        self._evaluate = _Programs()
        self._later: asyncio.TimerHandle | None = None
        self._curves = {} if other is None else {ORANGE: self._values(other)}
        self._picture, self._error, self._lines, self._below = (widgets.HTML() for _ in range(4))
        self._redraw(schedule)
        self._report()
        self._prepare()

        found, cells = list(numbers(schedule)), []
        self._numbers = [number.value for number in found]
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
        self.widget = widgets.VBox([beside, self._error, self._lines, self._below])
        for part in (self._picture, self._lines, self._below):
            part.add_class("warmup-optax-follows")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def _connect(self, i: int, slider: Any, box: Any, positions: list[Any]) -> None:
        """The slider writes into the box, and what is in the box is the number, however it came there."""
        whole = isinstance(self._numbers[i], int)

        def nearest(number: float) -> int:
            return min(bisect.bisect_left(positions, number), len(positions) - 1)

        def on_slider(_: Any) -> None:
            present = self._numbers[i]
            if isinstance(present, str) or slider.value != nearest(present):  # not if it followed the box
                box.value = short(positions[slider.value])

        def on_box(_: Any) -> None:
            self._numbers[i] = number = parse(box.value, whole)
            if not isinstance(number, str):
                slider.value = nearest(number)
            self._follow()

        slider.observe(on_slider, "value")
        box.observe(on_box, "value")

    def _follow(self) -> None:
        """Takes the numbers over: the curve at once, the rest after a pause, if there is an event loop."""
        try:
            schedule = rebuild(self.schedule, iter(self._numbers))
            self._redraw(schedule)
        except Exception as error:  # a node of the user's own may raise anything
            sentence = escape(str(error) or repr(error))
            self._error.value = f'<div role="alert" style="color:{RED}">{sentence}</div>'
            self.widget.add_class("warmup-optax-refused")
            return
        self.schedule, self._error.value = schedule, ""
        self.widget.remove_class("warmup-optax-refused")
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
        """The curve and the line of code."""
        self._curves[BLUE] = self._values(schedule)
        near = itertools.takewhile(lambda first: first <= self._last, (x.first for x in phases(schedule)))
        begins = [first for first in itertools.islice(near, MOST_MARKS) if first > 0]
        self._picture.value = svg(self._counts, self._curves, begins)
        other = "" if self._other is None else _line(ORANGE, self._other)
        self._lines.value = STYLE + _line(BLUE, schedule, COPY) + other

    def _prepare(self) -> None:
        """Compiles now what a report may ask later: a phase that has no length yet may get one."""
        longer = jax.tree.map(lambda x: x or type(x)(1), self.schedule)
        for schedule in (self.schedule, longer):
            with evaluate_with(self._evaluate), contextlib.suppress(Exception):  # of numbers that nobody gave
                for phase in itertools.islice(phases(schedule), MOST_MARKS):
                    for value in filter(None, (phase.start, phase.last)):
                        value()
                sample(schedule, [0.5])  # a time between two counts

    def _report(self) -> None:
        """The phases and the findings."""
        with evaluate_with(self._evaluate):
            rows, rest = table(self.schedule)
            findings = [escape(str(finding)) for finding in check(self.schedule, self._last)]
        body = "".join(f"<tr>{''.join(map(_cell, HEADER, row))}</tr>" for row in (HEADER, *rows))
        below = "".join(f"<div>{finding}</div>" for finding in findings or ["check: nothing found"])
        self._below.value = f'<div style="line-height:1.5"><table>{body}</table>{escape(rest)}{below}</div>'


STYLE = "<style>.warmup-optax-refused .warmup-optax-follows { opacity: 0.3 }</style>"
# Runs in the page. Where there is no clipboard (a page that is not secure), the line is selected and copied.
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
    """Evaluates schedules by one program for each structure, whatever their numbers and the counts.

    The library's own programs are of what a schedule lowers to, which may depend on a number: a cosine with an
    exponent of 1 has no power. And a function of the user's is traced anew for each schedule.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

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
            flat = checks.count(np.ravel(counts))
            flat = flat.astype(default_int() if flat.dtype.kind in "iub" else default_float())
            blocks = np.pad(flat, (0, -flat.size % BLOCK), mode="edge").reshape(-1, BLOCK)
            values = [np.asarray(self._kept[key](numbers, block)) for block in blocks]
        return np.concatenate(values)[: flat.size].reshape(np.shape(counts))
