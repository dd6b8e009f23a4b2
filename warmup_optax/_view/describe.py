"""The phases of a schedule as a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._core import checks
from .._core.schedule import Schedule
from .._core.types import ScheduleLike, Steps
from .phases import CONSTANT, CYCLES, FAR, JUMPS, Phase, concrete, phases
from .sample import note_of, run_length, sample

if TYPE_CHECKING:
    from .sample import HasLength

MOST_ROWS = 24
HEADER = ("from", "to", "shape", "start", "end")


@checks.by_name
def describe(schedule: ScheduleLike, total_steps: Steps | HasLength | None = None) -> str:
    """Return a table of a schedule's phases: the counts, the shape and the values of each.

    A phase has the counts ``from <= count < to``. ``start`` is its value at ``from``, and ``end`` is the value
    that it approaches at ``to``. If ``end`` differs from the ``start`` of the next phase, the schedule jumps.
    A phase with a single value is ``constant``.

    Args:
      schedule: A `Schedule`, a function of a count (one phase), or a number.
      total_steps: The length of the run in updates: a whole number >= 1, or a `TrainingRun`. Later phases are
        not shown. None: show all phases.

    Returns:
      The table as text, with one line for each phase that has a count >= 0. A schedule that has ended by
      count 0, for example a resumed one, is one line. At most 24 phases are shown. For a `with_feedback` the
      table shows the schedule, followed by a line with the rule.

    Raises:
      TypeError: If the schedule has traced numbers.
      ValueError: If the schedule is a stack, or ``total_steps`` is not a whole number >= 1.

    >>> import warmup_optax as wo
    >>> print(wo.describe(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)))
    from    to  shape      start     end
       0   100  linear         0  0.0003
     100  1000  cosine    0.0003       0
    1000        constant       0       0
    >>> print(wo.describe(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000), total_steps=550))
    from   to  shape    start      end
       0  100  linear       0   0.0003
     100  550  cosine  0.0003  0.00015
    """
    total = None if total_steps is None else run_length("describe", total_steps)
    rows, rest = table(concrete("describe", schedule), total)
    columns = []
    for cells in zip(HEADER, *rows, strict=True):
        width, align = max(map(len, cells)), "<" if cells[0] == "shape" else ">"
        columns.append([f"{cell:{align}{width}}" for cell in cells])
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return "\n".join(filter(None, [*lines, rest, note_of(schedule)]))


def table(schedule: Schedule, total: int | None = None) -> tuple[list[tuple[str, ...]], str]:
    """Return the rows below `HEADER` for a concrete schedule, and a line about omitted phases, or ""."""
    found = list(itertools.islice(_cut(phases(schedule), total), MOST_ROWS + 1))
    rest = "" if len(found) <= MOST_ROWS else "and more phases"
    cycles = [i for i, phase in enumerate(found) if phase.cause == "cycle"]
    if found[-1].again and len(cycles) >= CYCLES:
        found, rest = found[: cycles[CYCLES - 1] + 1], "and so on, cycle after cycle"
    firsts = np.array([min(phase.first, int(FAR)) for phase in found])
    begins = np.array([min(phase.begin, FAR) for phase in found])
    starts = sample(schedule, firsts)
    runs_to = sample(schedule, firsts if np.array_equal(firsts, begins) else begins)
    rows = []
    for i, phase in enumerate(found if not rest and total is None else found[:-1]):
        to, end = "", ""
        if i + 1 < len(found):
            last = phase.last if found[i + 1].cause in JUMPS else None
            to, end = str(found[i + 1].first), _number(last() if last else runs_to[i + 1])
        if phase.shape == CONSTANT:
            end = _number(starts[i])
        rows.append((str(phase.first), to, phase.shape, _number(starts[i]), end))
    return rows, rest


def _cut(found: Iterator[Phase], total: int | None) -> Iterator[Phase]:
    """Yield the phases of a run of ``total`` updates, and a phase that begins at its end."""
    for phase in found:
        if total is not None and phase.first >= total:
            yield phase if phase.first == total else Phase(total, CONSTANT, "end")
            return
        yield phase
    if total is not None:
        yield Phase(total, CONSTANT, "end")


def _number(value: float) -> str:
    return f"{float(value) + 0.0:.6g}"  # no -0
