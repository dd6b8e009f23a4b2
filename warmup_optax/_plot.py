"""Schedules as pictures. Matplotlib is loaded when the first picture is asked for."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _checks
from ._inspect import sample
from ._phases import FAR, horizon, phases, settled
from ._schedule import Schedule

POINTS = 2000  # more than a picture has columns
MOST_MARKS = 40  # more boundaries would be a grey wall


def plot(schedules: Any, num_steps: Any, *, ax: Any = None) -> Any:
    """Draws one or several schedules, and marks where their phases begin.

    Args:
      schedules: A schedule (or a function of a count, or a number), a dict of them by name, or a sequence.
      num_steps: Updates to show: counts from 0 to this one. A whole number >= 1.
      ax: Matplotlib axes to draw on; None makes a figure with new ones.

    Returns:
      The axes, labelled, with a legend if there are several schedules. Values come from the host.

    Raises:
      ImportError: If matplotlib is not installed.
      ValueError: If ``num_steps`` is not a whole number >= 1, there is no schedule, or one is a stack.
      TypeError: If an argument is of the wrong type, or a schedule's numbers are traced.

    >>> import warmup_optax as wo
    >>> peaks = {str(peak): wo.warmup_cosine(peak, warmup_steps=10, total_steps=100) for peak in (1.0, 0.5)}
    >>> ax = wo.plot(peaks, 100)
    >>> ax.get_xlabel(), ax.get_ylabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('count (optimizer updates)', 'learning rate', ['1.0', '0.5'])
    """
    named = _named(schedules)
    last = min(int(_checks.steps("plot", "num_steps", num_steps, at_least=1)), int(FAR))
    if ax is None:
        ax = _pyplot().subplots(figsize=(7.2, 3.6), layout="constrained")[1]
    draw(ax, named, last)
    return ax


def draw(ax: Any, named: Mapping[str, Schedule], last: int) -> None:
    """The drawing itself, on axes of whatever figure."""
    several = len(named) > 1
    for name, schedule in named.items():
        counts, begins = points(schedule, last)
        (line,) = ax.plot(counts, _drawable(schedule, counts), label=name, linewidth=1.8)
        color = line.get_color()
        ax.plot(begins, _drawable(schedule, begins), "o", color=color, markersize=4, label="_begins")
        for begin in begins if not several else ():
            ax.axvline(begin, color="0.5", linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    ax.set_xlabel("count (optimizer updates)")
    ax.set_ylabel("learning rate")
    ax.margins(x=0.02)
    with contextlib.suppress(AttributeError):  # axes of the user's may be logarithmic
        ax.ticklabel_format(axis="x", style="sci", scilimits=(0, 6))
        ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 4))
    ax.grid(visible=True, color="0.92", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if several:
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
        ax.legend(frameon=False, ncols=min(len(named), 4), **above)


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
        named = {str(name): settled("plot", schedule) for name, schedule in schedules.items()}
    elif isinstance(schedules, (list, tuple)):
        named = {f"schedules[{i}]": settled("plot", schedule) for i, schedule in enumerate(schedules)}
    else:
        named = {"schedule": settled("plot", schedules)}
    if not named:
        raise ValueError("plot: schedules must hold at least one schedule, got none")
    return named


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise _absent(error) from error
    return plt


def _absent(error: ImportError) -> ImportError:
    return ImportError(f'plot needs matplotlib: pip install "warmup-optax[plot]" ({error})', name=error.name)


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
        schedule = settled("plot", schedule)
        save({"": schedule}, horizon(schedule), buffer, size=(5.4, 2.4), format="png", dpi=110)
    except Exception:  # a notebook that only wanted to show a value must not fail
        return None
    return buffer.getvalue()


Schedule.displays["image/png"] = png
