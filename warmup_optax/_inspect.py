"""A schedule's values on the host, and its phases as a table."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ._phases import CONSTANT, CYCLES, FAR, JUMPS, phases, settled
from ._schedule import host_count, on_host, taken
from ._time import default_float

LEAST = 256  # vectors of counts are at least so long when they are evaluated: fewer programs
MOST_ROWS = 24
HEADER = ("from", "to", "shape", "start", "end")


def sample(schedule: Any, counts: Any) -> np.ndarray:
    """A schedule's values at many counts, computed on the host.

    For loggers, data loaders, tests and plots: it runs on JAX's CPU backend, so it puts nothing on an
    accelerator and does not wait for what one is doing. (With ``JAX_PLATFORMS`` set, the CPU must be in it.)

    Args:
      schedule: A `Schedule`, a function of a count that JAX can trace (an Optax closure), or a number.
      counts: Counts of optimizer updates: a number, a range, a list or an array of any shape and dtype.

    Returns:
      A NumPy array of the shape of ``counts``, of JAX's default float dtype. Other counts of a similar number
      compile nothing: vectors are padded to the next power of two.

    Raises:
      TypeError: If ``counts`` are not numbers, or the schedule's own numbers are traced.
      ValueError: If the schedule is a stack.

    >>> import warmup_optax as wo
    >>> wo.sample(wo.linear(0.0, 1.0, steps=4), range(6)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    schedule = taken("sample", "schedule", schedule)
    if isinstance(counts, range):
        counts = np.arange(counts.start, counts.stop, counts.step)
    array = np.asarray(host_count(counts))
    if not array.size:
        return np.zeros(array.shape, default_float())
    flat = array.ravel()
    padded = max(LEAST, 1 << (flat.size - 1).bit_length())
    return on_host(schedule, np.pad(flat, (0, padded - flat.size), mode="edge"))[: flat.size].reshape(
        array.shape
    )


def describe(schedule: Any) -> str:
    """A table of a schedule's phases: where each begins and ends, its shape, and its values there.

    A phase owns the counts ``from <= count < to``. ``start`` is its value at ``from``, and ``end`` the value
    that it runs up to at ``to``: where that is not the next phase's ``start``, the schedule jumps. A value
    that is held is ``constant``.

    Args:
      schedule: A `Schedule`, a function of a count (one phase, since nobody can look into it), or a number.

    Returns:
      Text, a line for each phase. Of more than 24 phases the first 24 are shown.

    Raises:
      TypeError: If the schedule's numbers are traced.
      ValueError: If the schedule is a stack.

    >>> import warmup_optax as wo
    >>> print(wo.describe(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)))
    from    to  shape      start     end
       0   100  linear         0  0.0003
     100  1000  cosine    0.0003       0
    1000        constant       0       0
    """
    rows, rest = table(settled("describe", schedule))
    columns = []
    for cells in zip(HEADER, *rows, strict=True):
        width, align = max(map(len, cells)), "<" if cells[0] == "shape" else ">"
        columns.append([f"{cell:{align}{width}}" for cell in cells])
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return "\n".join(lines + [rest] * bool(rest))


def table(schedule: Any) -> tuple[list[tuple[str, ...]], str]:
    """The rows under `HEADER` for a settled schedule, and a line about what is left out, or ""."""
    found = list(itertools.islice(phases(schedule), MOST_ROWS + 1))
    rest = "" if len(found) <= MOST_ROWS else "and more phases"
    cycles = [i for i, phase in enumerate(found) if phase.cause == "cycle"]
    if found[-1].again and len(cycles) >= CYCLES:
        found, rest = found[: cycles[CYCLES - 1] + 1], "and so on, cycle after cycle"
    firsts = np.array([min(phase.first, int(FAR)) for phase in found])
    begins = np.array([min(phase.begin, FAR) for phase in found])
    starts = sample(schedule, firsts)
    runs_to = sample(schedule, firsts if np.array_equal(firsts, begins) else begins)
    rows = []
    for i, phase in enumerate(found if not rest else found[:-1]):
        to, end = "", ""
        if i + 1 < len(found):
            last = phase.last if found[i + 1].cause in JUMPS else None
            to, end = str(found[i + 1].first), _number(last() if last else runs_to[i + 1])
        if phase.shape == CONSTANT:
            end = _number(starts[i])
        rows.append((str(phase.first), to, phase.shape, _number(starts[i]), end))
    return rows, rest


def _number(value: Any) -> str:
    return f"{float(value) + 0.0:.6g}"  # no -0
