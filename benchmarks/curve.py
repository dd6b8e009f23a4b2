"""A whole curve: 1,000,000 steps.

For plots, tables and tests: a warmup and a cosine at every count of a run, in a NumPy array on the host and in
an array on the device. PyTorch and transformers go step by step in Python, Keras as written too (its figures
are from fewer steps); `jit(vmap)` is what makes Optax's and Keras's fast.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

from ._measure import absent, in_turn, peer

STEPS = 1_000_000
PEAK, WARMUP = 3e-4, 10_000
BASE = "Optax, jit(vmap), to NumPy"


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way."""
    steps = 20_000 if quick else STEPS
    counts, on_device = np.arange(steps), jnp.arange(steps)
    ours = wo.warmup_cosine(PEAK, warmup_steps=WARMUP, total_steps=STEPS)
    closed = jax.jit(lambda all_counts: ours(all_counts))
    theirs = jax.jit(jax.vmap(optax.warmup_cosine_decay_schedule(0.0, PEAK, WARMUP, STEPS)))
    vectors: dict[str, Callable[[], Any]] = {
        "warmup_optax, sample, to NumPy": lambda: wo.sample(ours, counts),
        BASE: lambda: np.asarray(theirs(counts)),
        "warmup_optax, on the device": lambda: ours(on_device),
        "warmup_optax, on the device, inside a jit": lambda: closed(on_device),
        "Optax, jit(vmap), on the device": lambda: theirs(on_device),
    }
    keras = peer("keras")
    name = "Keras, jit(vmap), on the device"
    if keras is not None:
        decay = _keras(keras)
        vectorised = jax.jit(jax.vmap(decay))
        vectors[name] = lambda: vectorised(on_device)
    times = in_turn(vectors, seconds=2 if quick else 30)
    rows = [
        _row(way, times.seconds(way), steps, steps, f"{times.ratio(way, BASE):.3g} x") for way in vectors
    ]
    if keras is None:
        rows.append(absent(_row(name)))
    base = times.seconds(BASE) / steps
    loops = {
        "PyTorch, step by step": (_torch(), 2_000 if quick else 100_000),
        "transformers, its lambda step by step": (_transformers(), 2_000 if quick else 100_000),
        "Keras, step by step": (None if keras is None else _keras(keras), 5 if quick else 20),
    }
    for way, (call, number) in loops.items():
        if call is None:
            rows.append(absent(_row(way)))
            continue
        start = time.perf_counter()
        for count in range(number):
            float(call(count))
        took = time.perf_counter() - start
        rows.append(_row(way, took, number, steps, f"{took / number / base:.3g} x"))
    return rows


def _row(way: str, seconds: Any = None, measured: Any = None, steps: Any = None, ratio: Any = None) -> dict:
    return {
        "way": way,
        "ns a step": seconds and 1e9 * seconds / measured,
        f"{STEPS:,} steps (ms)": seconds and 1e3 * seconds / measured * STEPS,
        "beside Optax, jit(vmap)": ratio,
        "steps measured": measured and f"{measured:,}",
    }


def _keras(keras: Any) -> Callable[[Any], Any]:
    schedules = keras.optimizers.schedules
    return schedules.CosineDecay(0.0, STEPS - WARMUP, warmup_target=PEAK, warmup_steps=WARMUP)


def _torch() -> Callable[[int], Any] | None:
    torch = peer("torch")
    if torch is None:
        return None
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # without its optimizer
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    schedulers = torch.optim.lr_scheduler
    rise = schedulers.LinearLR(optimizer, start_factor=1e-3, total_iters=WARMUP)
    fall = schedulers.CosineAnnealingLR(optimizer, STEPS - WARMUP)
    scheduler = schedulers.SequentialLR(optimizer, [rise, fall], [WARMUP])

    def step(_: int) -> float:
        value = optimizer.param_groups[0]["lr"]
        scheduler.step()
        return value

    return step


def _transformers() -> Callable[[int], Any] | None:
    torch, transformers = peer("torch"), peer("transformers")
    if torch is None or transformers is None:
        return None
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    factor = transformers.get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS).lr_lambdas[0]
    return lambda count: PEAK * factor(count)
