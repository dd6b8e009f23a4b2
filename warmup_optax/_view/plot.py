"""Plots of schedules. Matplotlib is imported by the first plot."""

from __future__ import annotations

import io
import itertools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .._core import checks
from .._core.schedule import Schedule
from .._core.types import ScheduleLike, Steps
from .._extras import missing
from .phases import concrete, horizon, phases
from .sample import note_of, run_length, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter

    from .sample import HasLength

POINTS = 2000  # more than a picture has columns of pixels
MOST_MARKS = 40  # more lines at boundaries would hide the curve
ROW = 84  # characters in a row of a legend above the axes
LONGEST = 40  # characters of a name in a legend; longer names are cut


@checks.by_name
def plot(
    schedules: ScheduleLike | Mapping[str, ScheduleLike] | Sequence[ScheduleLike],
    total_steps: Steps | HasLength | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plot one or several schedules, and mark where their phases begin.

    Args:
      schedules: A schedule (or a function of a count, or a number), a dict of them by name, or a sequence. For
        a `with_feedback` the plot shows the schedule, and its title describes the rule.
      total_steps: The last count to show: a whole number >= 1, or a `TrainingRun`. The plot starts at count 0.
        None: the whole of the longest schedule, or the beginning of one that never ends.
      ax: The Matplotlib axes to draw on. None: the axes of a new figure.

    Returns:
      The axes, with labels, and with a legend if there are several schedules. Values are computed on the host.

    Raises:
      ImportError: If Matplotlib is not installed.
      ValueError: If ``total_steps`` is not a whole number >= 1, there is no schedule, or one is a stack.
      TypeError: If an argument has the wrong type, or a schedule has traced numbers.

    >>> import warmup_optax as wo
    >>> peaks = {str(peak): wo.warmup_cosine(peak, warmup_steps=10, total_steps=100) for peak in (1.0, 0.5)}
    >>> ax = wo.plot(peaks, 100)
    >>> ax.get_xlabel(), ax.get_ylabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('count (optimizer updates)', 'learning rate', ['1.0', '0.5'])
    """
    named = _named(schedules)
    last = max(map(horizon, named.values())) if total_steps is None else run_length("plot", total_steps)
    # Each line of a legend on the right is 0.24 inches high.
    height = 3.6 if _fits_above(named) else max(3.6, 0.24 * len(named) + 0.7)
    axes = _pyplot().subplots(figsize=(7.2, height), layout="constrained")[1] if ax is None else ax
    draw(axes, named, last)
    shown = schedules.values() if isinstance(schedules, Mapping) else schedules
    notes = {note_of(each): None for each in (shown if isinstance(shown, Iterable) else [shown])}
    if any(notes):
        axes.set_title("\n".join(filter(None, notes)), loc="left", fontsize="small")
    return axes


def draw(ax: Axes, named: Mapping[str, Schedule], last: int) -> None:
    """Draw schedules on existing axes."""
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
        if axis.get_scale() == "linear":  # the axes of the caller may be logarithmic
            axis.set_major_formatter(_formatter())
    ax.grid(visible=True, color="0.5", alpha=0.16, linewidth=0.8)  # visible on a white and on a dark page
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if several:
        if _fits_above(named):
            place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": _columns(named)}
        else:
            place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "fontsize": "small"}
        ax.legend(frameon=False, borderaxespad=0.2, **place)


def _columns(named: Mapping[str, Schedule]) -> int:
    """Return the number of legend labels in a row above the axes."""
    return max(
        1, min(4, len(named), ROW // (max(map(len, named)) + 5))
    )  # the line sample of a label is 5 characters wide


def _fits_above(named: Mapping[str, Schedule]) -> bool:
    """Return whether a legend above the axes has at most two rows."""
    return len(named) <= 2 * _columns(named)


def _drawable(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """Return the values in float64, which has room for the margins around the largest; NaN if infinite."""
    values = sample(schedule, counts).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def points(schedule: Schedule, last: int, most: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts to draw, with each boundary and the count before it, and the boundaries to mark."""
    near = itertools.takewhile(lambda phase: phase.first <= last, phases(schedule))
    begins = [phase.first for phase in itertools.islice(near, most) if phase.first > 0]
    spread = np.linspace(0, last, min(last, most) + 1).astype(np.int64)
    beside = np.array([*begins, *(count - 1 for count in begins)], np.int64)
    return np.unique(np.append(spread, beside)), np.array(
        begins if len(begins) <= MOST_MARKS else [], np.int64
    )


def _named(
    schedules: ScheduleLike | Mapping[str, ScheduleLike] | Sequence[ScheduleLike],
) -> dict[str, Schedule]:
    if isinstance(schedules, Mapping):
        named = {str(name): concrete("plot", schedule) for name, schedule in schedules.items()}
    elif isinstance(schedules, (list, tuple)):
        named = {f"schedules[{i}]": concrete("plot", schedule) for i, schedule in enumerate(schedules)}
    else:
        named = {"schedule": concrete("plot", schedules)}  # pyright: ignore[reportArgumentType]
    if not named:
        checks.raise_bad_argument("plot", "schedules", schedules, "at least one schedule")
    return named


def _pyplot() -> ModuleType:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise _absent(error) from error
    return plt


def _absent(error: ImportError) -> ImportError:
    return missing("plot", "matplotlib", "plot", error)


def _formatter() -> Formatter:
    """Return a formatter of complete tick labels, without a common power of ten in a corner of the plot."""
    from matplotlib.ticker import Formatter

    class Plain(Formatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:.6g}"

        def format_ticks(self, values: Iterable[float]) -> list[str]:
            return tick_labels([float(value) for value in values])

    return Plain()


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Return labels of evenly spaced ticks: decimals, or numbers such as 3e-4 if those would be long."""
    step = min((abs(b - a) for a, b in itertools.pairwise(ticks)), default=0) or max(
        map(abs, ticks), default=0
    )
    if not step or not math.isfinite(step):
        return [f"{tick:.4g}" for tick in ticks]
    largest = max(map(abs, ticks))
    if 1e-3 <= largest < 1e6:
        digits = next(d for d in itertools.count() if abs(round(step, d) - step) < 1e-3 * step)
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
    file: IO[bytes] | str | os.PathLike[str],
    *,
    size: tuple[float, float] = (8, 4.5),
    **options: Any,
) -> None:
    """Save a plot to a file, without pyplot: no window, no global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _absent(error) from error
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots(), named, last)
    figure.savefig(file, **options)


def png(schedule: Schedule) -> bytes | None:
    """Return a small plot for a notebook, or None if it cannot be drawn; the notebook then shows the text."""
    buffer = io.BytesIO()
    try:
        schedule = concrete("plot", schedule)
        save({"": schedule}, horizon(schedule), buffer, size=(5.4, 2.4), format="png", dpi=110)
    except Exception:  # showing a value in a notebook must not fail
        return None
    return buffer.getvalue()
