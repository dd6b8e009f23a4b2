"""Schedules as pictures. Matplotlib is loaded when the first picture is asked for."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import checks
from .._core.schedule import Schedule, ScheduleLike, Steps
from .._extras import missing
from .phases import concrete, horizon, phases
from .sample import note_of, run_length, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .sample import HasLength

POINTS = 2000  # more than a picture has columns
MOST_MARKS = 40  # more boundaries would be a grey wall
ROW = 84  # letters in a row of a legend above the axes
LONGEST = 40  # letters of a name in a legend; the rest of a longer one is cut


def plot(
    schedules: ScheduleLike | Mapping[str, ScheduleLike] | Sequence[ScheduleLike],
    total_steps: Steps | HasLength | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draws one or several schedules, and marks where their phases begin.

    Args:
      schedules: A schedule (or a function of a count, or a number), a dict of them by name, or a sequence. Of a
        `with_feedback` it draws the schedule, and names the rule above.
      total_steps: Updates to show, counts from 0 to this one: a whole number >= 1, or a `TrainingRun`. None shows
        the whole of the longest schedule, or some of what is endless.
      ax: Matplotlib axes to draw on; None makes a figure with new ones.

    Returns:
      The axes, labelled, with a legend if there are several schedules. Values come from the host.

    Raises:
      ImportError: If matplotlib is not installed.
      ValueError: If ``total_steps`` is not a whole number >= 1, there is no schedule, or one is a stack.
      TypeError: If an argument is of the wrong type, or a schedule's numbers are traced.

    >>> import warmup_optax as wo
    >>> peaks = {str(peak): wo.warmup_cosine(peak, warmup_steps=10, total_steps=100) for peak in (1.0, 0.5)}
    >>> ax = wo.plot(peaks, 100)
    >>> ax.get_xlabel(), ax.get_ylabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('count (optimizer updates)', 'learning rate', ['1.0', '0.5'])
    """
    named = _named(schedules)
    last = max(map(horizon, named.values())) if total_steps is None else run_length("plot", total_steps)
    # A line of a legend at the right is 0.24 inches high.
    height = 3.6 if _fits_above(named) else max(3.6, 0.24 * len(named) + 0.7)
    axes = _pyplot().subplots(figsize=(7.2, height), layout="constrained")[1] if ax is None else ax
    draw(axes, named, last)
    shown = schedules.values() if isinstance(schedules, Mapping) else schedules
    notes = {note_of(each): None for each in (shown if isinstance(shown, Iterable) else [shown])}
    if any(notes):
        axes.set_title("\n".join(filter(None, notes)), loc="left", fontsize="small")
    return axes


def draw(ax: Any, named: Mapping[str, Schedule], last: int) -> None:
    """The drawing itself, on axes of whatever figure."""
    several = len(named) > 1
    for name, schedule in named.items():
        counts, begins = points(schedule, last)
        label = name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."
        (line,) = ax.plot(counts, _drawable(schedule, counts), label=label, linewidth=1.8)
        color = line.get_color()
        ax.plot(begins, _drawable(schedule, begins), "o", color=color, markersize=4, label="_begins")
        for begin in begins if not several else ():
            ax.axvline(begin, color="0.5", linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    ax.set_xlabel("count (optimizer updates)")
    ax.set_ylabel("learning rate")
    ax.margins(x=0.02)
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "linear":  # axes of the user's may be logarithmic
            axis.set_major_formatter(_formatter())
    ax.grid(visible=True, color="0.5", alpha=0.16, linewidth=0.8)  # on a white page and on a dark one
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if several:
        if _fits_above(named):
            place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": _columns(named)}
        else:
            place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "fontsize": "small"}
        ax.legend(frameon=False, borderaxespad=0.2, **place)


def _columns(named: Mapping[str, Schedule]) -> int:
    """How many labels of a legend stand in a row above the axes."""
    return max(
        1, min(4, len(named), ROW // (max(map(len, named)) + 5))
    )  # a sample of the line is 5 letters wide


def _fits_above(named: Mapping[str, Schedule]) -> bool:
    """Whether the legend is at most two rows above the axes."""
    return len(named) <= 2 * _columns(named)


def _drawable(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """The values in float64, which has room for the margins of the largest; without infinities."""
    values = sample(schedule, counts).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def points(schedule: Schedule, last: int, most: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Counts to draw a line through, boundaries and the counts before them included; and the boundaries."""
    near = itertools.takewhile(lambda phase: phase.first <= last, phases(schedule))
    begins = [phase.first for phase in itertools.islice(near, most) if phase.first > 0]
    spread = np.linspace(0, last, min(last, most) + 1).astype(np.int64)
    beside = np.array([*begins, *(count - 1 for count in begins)], np.int64)
    return np.unique(np.append(spread, beside)), np.array(
        begins if len(begins) <= MOST_MARKS else [], np.int64
    )


def _named(schedules: Any) -> dict[str, Schedule]:
    if isinstance(schedules, Mapping):
        named = {str(name): concrete("plot", schedule) for name, schedule in schedules.items()}
    elif isinstance(schedules, (list, tuple)):
        named = {f"schedules[{i}]": concrete("plot", schedule) for i, schedule in enumerate(schedules)}
    else:
        named = {"schedule": concrete("plot", schedules)}
    if not named:
        checks.raise_bad_argument("plot", "schedules", schedules, "at least one schedule")
    return named


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise _absent(error) from error
    return plt


def _absent(error: ImportError) -> ImportError:
    return missing("plot", "matplotlib", "plot", error)


def _formatter() -> Any:
    """Tick labels that are whole numbers by themselves: no power of ten in a corner of the picture."""
    from matplotlib.ticker import Formatter

    class Plain(Formatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:.6g}"

        def format_ticks(self, values: Any) -> list[str]:
            return tick_labels([float(value) for value in values])

    return Plain()


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Labels of evenly spaced ticks: decimals, or the 3e-4 of a training script where those are long."""
    step = min((abs(b - a) for a, b in itertools.pairwise(ticks)), default=0) or max(
        map(abs, ticks), default=0
    )
    if not step or not math.isfinite(step):
        return [f"{tick:.4g}" for tick in ticks]
    largest = max(map(abs, ticks))
    if 1e-3 <= largest < 1e6:
        digits = next((d for d in range(12) if abs(round(step, d) - step) < 1e-3 * step), 12)
        labels = [f"{tick:,.{digits}f}" for tick in ticks]
    else:
        labels = [_scientific(tick, step) for tick in ticks]
    return ["0" if abs(tick) < 1e-3 * step else label for tick, label in zip(ticks, labels, strict=True)]


def _scientific(tick: float, step: float) -> str:
    digits = max(0, math.floor(math.log10(max(abs(tick), step))) - math.floor(math.log10(step)) + 1)
    mantissa, _, exponent = f"{tick:.{digits}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent)}"


def save(
    named: Mapping[str, Schedule],
    last: int,
    file: Any,
    *,
    size: tuple[float, float] = (8, 4.5),
    **options: Any,
) -> None:
    """Writes a picture, without pyplot: no window, no global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _absent(error) from error
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots(), named, last)
    figure.savefig(file, **options)


def png(schedule: Schedule) -> bytes | None:
    """A small picture for a notebook; None, and so the text, for what cannot be drawn."""
    buffer = io.BytesIO()
    try:
        schedule = concrete("plot", schedule)
        save({"": schedule}, horizon(schedule), buffer, size=(5.4, 2.4), format="png", dpi=110)
    except Exception:  # a notebook that only wanted to show a value must not fail
        return None
    return buffer.getvalue()
