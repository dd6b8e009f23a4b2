"""Curves as SVG text: drawn in a few milliseconds, in the colors of the surrounding page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from ..plot import tick_labels

WIDTH, HEIGHT = 540, 270
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 14, 42  # margins around the axes
TEXT = 'font-size="12" fill="currentColor" stroke="none"'
_FAINT = 'stroke="currentColor" stroke-opacity="0.15"'
_DOTS = 'stroke="currentColor" stroke-opacity="0.45" stroke-dasharray="2 3"'


def svg(counts: np.ndarray, curves: Mapping[str, np.ndarray], begins: Iterable[int]) -> str:
    """Draw curves by color, the last one on top, with dotted lines where phases begin."""
    last = float(counts[-1])
    every = np.concatenate(list(curves.values()))
    every = every[np.isfinite(every)]
    across, up = ticks(0, last, whole=True), ticks(every.min(initial=0), every.max(initial=0))
    low, high = up[0], up[-1]

    def x(count: np.ndarray | float) -> np.ndarray:
        return LEFT + np.asarray(count) / last * (WIDTH - LEFT - RIGHT)

    def y(value: np.ndarray | float) -> np.ndarray:
        return TOP + (high - np.asarray(value)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = []
    for tick, label in zip(up, tick_labels(up), strict=True):
        parts.append(f'<path {_FAINT} d="M{LEFT},{y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text {TEXT} x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{label}</text>')
    for tick, label in zip(across, tick_labels(across), strict=True):
        if tick <= last:
            place = f'x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 17}"'
            parts.append(f'<text {TEXT} {place} text-anchor="middle">{label}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text {TEXT} x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">optimizer updates</text>')
    parts += [f'<path {_DOTS} d="M{x(begin):.1f},{TOP}V{HEIGHT - BOTTOM}"/>' for begin in begins]
    for color, values in curves.items():
        parts.append(
            f'<path fill="none" stroke="{color}" stroke-width="2" d="{_line(x(counts), y(values))}"/>'
        )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" style="display:block;width:100%;height:auto"'
    return f'<svg {size} role="img" aria-label="learning rate">{"".join(parts)}</svg>'


def _line(x: np.ndarray, y: np.ndarray) -> str:
    """Return the path of a line through the points, with gaps at points that are not finite."""
    finite = np.flatnonzero(np.isfinite(y))
    runs = np.split(finite, np.flatnonzero(np.diff(finite) > 1) + 1)
    points = [f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return "".join("M" + " ".join(points[run[0] : run[-1] + 1]) for run in runs if run.size)


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return a few round numbers. The first is at most ``low``, and the last is at least ``high``."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= span / 5 * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, final = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, max(final, first + 1) + 1)]
