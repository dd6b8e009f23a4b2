"""Tracing and lowering.

The cost of each new train step before XLA compiles it: the time in which JAX traces a schedule at a traced
count and lowers it to StableHLO, and the number of instructions. *A new schedule* includes its construction
in each round. *Again* is a schedule that was traced before, as in a second train step or in an evaluation
step. The restarts are four cosines after a warmup, each twice as long as the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

import warmup_optax as wo

from ._measure import in_turn

PEAK, WARMUP, CYCLE, CYCLES = 3e-4, 100, 1000, 4
Make = Callable[[], Callable[[Any], Any]]


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each schedule and way."""
    rows = []
    for name, (ours, theirs) in recipes().items():
        kept, theirs_kept = ours(), theirs()
        candidates = {
            f"warmup_optax: {name}, a new schedule": lambda ours=ours: lowered(ours()),
            f"warmup_optax: {name}, again": lambda kept=kept: lowered(kept),
            f"Optax: {name}, a new schedule": lambda theirs=theirs: lowered(theirs()),
            f"Optax: {name}, again": lambda kept=theirs_kept: lowered(kept),
        }
        times = in_turn(candidates, seconds=2 if quick else 30)
        for way, function in candidates.items():
            base = f"Optax: {name}, {way.rpartition(', ')[2]}"
            rows.append(
                {
                    "schedule": way,
                    "trace and lower (ms)": times.seconds(way) * 1e3,
                    "relative to Optax": f"{times.ratio(way, base):.3g} x",
                    "instructions": len(re.findall(r" = ", function().as_text())),
                }
            )
    return rows


def recipes() -> dict[str, tuple[Make, Make]]:
    """Return each library's constructors of schedules, by name."""
    total = 10_000
    cycles = [
        {
            "init_value": 0.0 if i == 0 else PEAK,
            "peak_value": PEAK,
            "warmup_steps": WARMUP if i == 0 else 0,
            "decay_steps": CYCLE * 2**i + (WARMUP if i == 0 else 0),
        }
        for i in range(CYCLES)
    ]
    return {
        "warmup and cosine": (
            lambda: wo.warmup_cosine(PEAK, warmup_steps=WARMUP, total_steps=total),
            lambda: optax.warmup_cosine_decay_schedule(0.0, PEAK, WARMUP, total),
        ),
        "warmup and restarts": (
            lambda: wo.warmup_cosine_restarts(PEAK, warmup_steps=WARMUP, cycle_steps=CYCLE, growth=2),
            lambda: optax.sgdr_schedule(cycles),
        ),
    }


def lowered(schedule: Callable[[Any], Any]) -> Any:
    """The StableHLO of a schedule at a traced count, by a function that `jit` has not seen."""
    return jax.jit(lambda count: schedule(count)).lower(np.int32(0))
