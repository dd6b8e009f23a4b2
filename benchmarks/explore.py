"""A move of a slider in `wo.explore`.

One thousand moves of random sliders to random positions, for a run of 1,000 updates. The time is that of the
host, from the message of the browser to the replies, without the browser. *Curve* is the immediate part: the
schedule is rebuilt and checked, 1,000 points are evaluated, and the picture and the line of code are written.
*All* adds the phases and the findings, which wait for a pause in a notebook. *Built* is the time until the
sliders appear, including all compilations. The last column counts the compilations of the moves.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

import warmup_optax as wo

from ._measure import compilations

MOVES = 1000
RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}
STEPS = 1000


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for a schedule."""
    phases = [wo.cosine(1e-3 / (i + 1), 1e-5, 25) for i in range(40)]
    schedules = {
        "warmup_cosine": wo.warmup_cosine(3e-4, **RUN),
        "warmup_cosine_restarts": wo.warmup_cosine_restarts(
            3e-4, warmup_steps=100, cycle_steps=100, growth=1.5
        ),
        "with_cooldown of a warmup_stable_decay": wo.with_cooldown(
            wo.warmup_stable_decay(3e-4, **RUN, decay_steps=200), begin=500, steps=100
        ),
        "a join of 40 cosines": wo.join(phases, range(25, 1000, 25)),
    }
    return [_row(name, schedule, 50 if quick else MOVES) for name, schedule in schedules.items()]


def _row(name: str, schedule: wo.Schedule, moves: int) -> dict[str, Any]:
    start = time.perf_counter()
    explorer = wo.explore(schedule, STEPS)
    built = time.perf_counter() - start
    _moved(explorer, 5)
    with compilations() as compiled:
        everything = _moved(explorer, moves)
        explorer._report = lambda: None
        curve = _moved(explorer, moves)
    return {
        "schedule": name,
        "sliders": len(explorer.sliders),
        "built (ms)": built * 1e3,
        "curve, median (ms)": statistics.median(curve) * 1e3,
        "curve, 95 % (ms)": statistics.quantiles(curve, n=20)[-1] * 1e3,
        "all, median (ms)": statistics.median(everything) * 1e3,
        "all, 95 % (ms)": statistics.quantiles(everything, n=20)[-1] * 1e3,
        "compilations": compiled.number,
    }


def _moved(explorer: wo.nodes.Explorer, moves: int) -> list[float]:
    """Seconds of moves that the schedule took."""
    choose, seconds = random.Random(0), []
    while len(seconds) < moves:
        slider = choose.choice(list(explorer.sliders.values()))
        before, schedule = slider.value, explorer.schedule
        position = choose.randint(slider.min, slider.max)
        start = time.perf_counter()
        slider.value = position
        took = time.perf_counter() - start
        if explorer.schedule is not schedule:
            seconds.append(took)
        else:
            slider.value = before
    return seconds
