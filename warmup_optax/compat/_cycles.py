"""Cyclical and 1cycle schedules. PyTorch and Paddle share them, because Paddle copied PyTorch's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import warmup_optax as wo

from ._parts import exact, in_ticks, in_updates, is_zero, meaning, stairs
from ._port import refuse


def cyclic(
    base: Any, top: Any, up: Any, down: Any, mode: Any, gamma: Any, scale_fn: Any, scale_mode: Any
) -> wo.Schedule:
    """A triangle wave between two rates. Its height may decay with each cycle or with each update."""
    ticks, (up, down) = in_ticks(up, up if down is None else down)
    wave = in_updates(wo.shapes.triangle_wave(base, top, up, down), ticks)
    if scale_fn is not None:
        by_cycle = in_updates(wo.staircase(wo.shift(scale_fn, -1), up + down), ticks)
        height = meaning({"cycle": by_cycle, "iterations": scale_fn}, "scale_mode", scale_mode)
    else:
        heights = {
            "triangular": lambda: None,
            "triangular2": lambda: in_updates(stairs(1.0, 0.5, up + down), ticks),
            "exp_range": lambda: stairs(1.0, gamma, 1),
        }
        height = meaning(heights, "mode", mode)()
    if height is None:
        return wave
    height = wo.as_schedule(height)
    return wave * height + (1.0 - height) * base


def one_cycle(
    first: Any, peak: Any, last: Any, total_steps: Any, strategy: str, three_phase: bool, **part: Any
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


def _anneal(strategy: str, rates: Sequence[Any], ends: Sequence[Any], total: Any) -> wo.Schedule:
    """Curves through ``rates`` at 0 and ``ends``. From ``total`` on, the last extrapolated value stays."""
    shape = wo.cosine if strategy == "cos" else wo.linear
    starts = [0, *ends[:-1]]
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
    curves = [shape(rates[i], rates[i + 1], end[i] - start[i]) for i in own]
    offsets = [*(start[i] for i in own), 0]
    return in_updates(wo.join([*curves, beyond], [begin[i] for i in own], offsets), ticks)
