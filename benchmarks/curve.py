"""A whole curve: 1,000,000 steps.

For plots, tables and tests: a warmup and a cosine at every count of a run, as a NumPy array on the host, and
as an array on the device. Optax and Keras are measured in their fastest way, a compiled `vmap`. PyTorch and
transformers step one by one in Python, as does Keras as written, and are measured on fewer steps. `sample`
checks for counts that would wrap, and pads to a power of two so that a new length does not compile a program.
This is its cost compared with the plain conversion.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import warmup_optax as wo

from . import _peers
from ._measure import absent, in_turn

STEPS = 1_000_000
RECIPE = (3e-4, 10_000, STEPS)  # peak, warmup, total
BASE = "Optax, jit(vmap), to NumPy"


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way."""
    steps = 20_000 if quick else STEPS
    counts, on_device = np.arange(steps), jnp.arange(steps)
    ours, keras = _peers.ours(*RECIPE), _peers.keras_(*RECIPE)
    closed, theirs = jax.jit(lambda given: ours(given)), jax.jit(jax.vmap(_peers.optax_(*RECIPE)))
    np.testing.assert_allclose(wo.sample(ours, counts), theirs(counts), atol=1e-6 * RECIPE[0])
    vectors: dict[str, Callable[[], Any]] = {
        "warmup_optax, sample, to NumPy": lambda: wo.sample(ours, counts),
        BASE: lambda: np.asarray(theirs(counts)),
        "warmup_optax, on the device": lambda: ours(on_device),
        "warmup_optax, on the device, in a jit": lambda: closed(on_device),
        "Optax, jit(vmap), on the device": lambda: theirs(on_device),
    }
    if keras is not None:
        vectorised = jax.jit(jax.vmap(keras))
        vectors["Keras, jit(vmap), on the device"] = lambda: vectorised(on_device)
    times = in_turn(vectors, seconds=2 if quick else 30)
    rows = [_row(way, times.seconds(way) / steps, times.ratio(way, BASE), steps) for way in vectors]
    some = 2_000 if quick else 100_000
    loops = {
        "PyTorch, step by step": (_peers.pytorch(*RECIPE), some),
        "transformers, its lambda step by step": (_peers.transformers_(*RECIPE), some),
        "Keras, step by step": (keras, 5 if quick else 20),
    }
    for way, (schedule, number) in loops.items():
        if schedule is None:
            rows.append(absent(_row(way, None, None, None)))
            continue
        start = time.perf_counter()
        for count in range(number):
            float(schedule(count))
        a_step = (time.perf_counter() - start) / number
        rows.append(_row(way, a_step, a_step * steps / times.seconds(BASE), number))
    return rows


def _row(way: str, a_step: float | None, ratio: float | None, measured: int | None) -> dict[str, Any]:
    return {
        "way": way,
        "ns a step": None if a_step is None else 1e9 * a_step,
        f"{STEPS:,} steps (ms)": None if a_step is None else 1e3 * a_step * STEPS,
        "relative to Optax, jit(vmap)": None if ratio is None else f"{ratio:.3g} x",
        "steps measured": measured,
    }
