"""Cyclical and 1cycle schedules. PyTorch and Paddle share them, because Paddle copied PyTorch's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Annotated

import warmup_optax as wo

from ._parts import exact, in_ticks, in_updates, is_zero, meaning, stairs
from ._port import refuse
from ._rules import Function, Scalar, ScheduleLike

ScaleFn = Annotated[Function | None, "Replaces ``mode``. Write it with ``jax.numpy``. It cannot be saved."]
ScaleMode = Annotated[str, 'The argument of ``scale_fn``: the "cycle", counted from 1, or "iterations".']
ThreePhase = Annotated[bool, "Whether to return to the first rate as fast as it rose, before the last decay."]


def cyclic(
    base: Scalar,
    top: Scalar,
    size_up: Scalar,
    size_down: Scalar | None,
    mode: str,
    gamma: Scalar,
    scale_fn: Function | None,
    scale_mode: str,
) -> wo.Schedule:
    """A triangle wave between two rates. Its height may decay with each cycle or with each update."""
    ticks, (up, down) = in_ticks(size_up, size_up if size_down is None else size_down)
    wave = in_updates(wo.shapes.triangle_wave(base, top, up, down), ticks)
    if scale_fn is not None:
        by_cycle = in_updates(wo.staircase(wo.shift(scale_fn, -1), up + down), ticks)
        by_mode = {"cycle": by_cycle, "iterations": wo.as_schedule(scale_fn)}
        height = meaning(by_mode, "scale_mode", scale_mode)
    else:
        heights: dict[str, Callable[[], wo.Schedule | None]] = {
            "triangular": lambda: None,
            "triangular2": lambda: in_updates(stairs(1.0, 0.5, up + down), ticks),
            "exp_range": lambda: stairs(1.0, gamma, 1),
        }
        height = meaning(heights, "mode", mode)()
    return wave if height is None else wave * height + (1.0 - height) * base


def one_cycle(
    first: Scalar,
    peak: Scalar,
    last: Scalar,
    total_steps: int,
    strategy: str,
    three_phase: bool,
    **part: float,
) -> wo.Schedule:
    """A rise to ``peak`` at ``part * total_steps - 1``, then a decay to ``last`` at ``total_steps - 1``.

    Pass ``part`` under its name in the original.
    """
    ((name, fraction),) = part.items()
    rates = [first, peak, *([first] if three_phase else []), last]
    top = exact(fraction) * exact(total_steps) - 1  # not a whole number of updates
    if is_zero(top):
        fix = "the peak is at the first update then, so no update is left for the rise"
        refuse(name, fraction, f"different from 1 / total_steps (total_steps={total_steps})", fix)
    ends = [top, *([2 * top] if three_phase else []), exact(total_steps) - 1]
    return _anneal(strategy, rates, ends, total_steps)


def _anneal(strategy: str, rates: Sequence[Scalar], ends: Sequence[Fraction], total: int) -> wo.Schedule:
    """Curves through ``rates`` at 0 and ``ends``. From ``total`` on, the last extrapolated value stays."""
    shape = wo.cosine if strategy == "cos" else wo.linear
    starts = [Fraction(0), *ends[:-1]]
    begins = [min(begin, total) for begin in (*itertools.accumulate(starts, max), total)]
    # Phases of positive length that contain an update.
    own = [i for i, end in enumerate(ends) if starts[i] < end and begins[i] < begins[i + 1]]
    last = next((i for i, end in enumerate(ends) if total <= end), len(ends) - 1)
    if starts[last] == ends[last]:
        beyond = rates[last]
    else:
        done = (total - starts[last]) / (ends[last] - starts[last])
        weight = (1 + math.cos(math.pi * done)) / 2 if strategy == "cos" else float(1 - done)
        beyond = rates[last + 1] + (rates[last] - rates[last + 1]) * weight
    ticks, counts = in_ticks(*starts, *begins[1:], *ends)
    start, begin, end = (counts[i : i + len(ends)] for i in range(0, 3 * len(ends), len(ends)))
    curves: list[ScheduleLike] = [shape(rates[i], rates[i + 1], end[i] - start[i]) for i in own]
    offsets = [*(start[i] for i in own), 0]
    return in_updates(wo.join([*curves, beyond], [begin[i] for i in own], offsets), ticks)
