"""Fourteen learning rates for one model: layer-wise decay of twelve layers.

A model of 12 layers, an embedding and a head, 26 small arrays, under AdamW with a weight decay: the factors
of `layerwise` behind one optimizer, and an optimizer for each group in `optax.partition`. *Leaves* are the
arrays of the optimizer's state. *Trace* and *compile* are of one train step, each in a fresh process, in
turn; *step* is a call of it. *Largest difference* is that of the parameters after 30 updates, relative to
the largest of their array, from those of the first row.
"""

from __future__ import annotations

import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

from ._measure import compilations, fresh, in_turn, medians

LAYERS, WIDTH, UPDATES = 12, 16, 30
ROUNDS = 3
SCHEDULE = wo.warmup_cosine(1e-3, warmup_steps=10, total_steps=100)
FACTORS = wo.layerwise(0.75, LAYERS)


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way to give fourteen groups their rates."""
    found: dict[str, list[Any]] = {way: [] for way in WAYS}
    for _ in range(1 if quick else ROUNDS):
        for way, rounds in found.items():
            rounds += fresh(f"from benchmarks import groups; groups.measure({way!r})", timeout=600)
    ends = {way: [np.asarray(leaf) for leaf in rounds[0].pop("end")] for way, rounds in found.items()}
    for rounds in found.values():
        for each in rounds[1:]:
            del each["end"]
    base = next(iter(ends.values()))
    return [
        {"fourteen groups": way}
        | medians(rounds)
        | {"largest difference": max(float(_apart(a, b)) for a, b in zip(ends[way], base, strict=True))}
        for way, rounds in found.items()
    ]


def _apart(a: np.ndarray, b: np.ndarray) -> Any:
    return np.abs(a - b).max() / np.abs(b).max()


def measure(way: str) -> None:
    """Measure in the fresh process, and print one row."""
    params = {
        "embed": jnp.ones((32, WIDTH)),
        "layers": [{"w": jnp.full((WIDTH, WIDTH), 0.1), "bias": jnp.zeros(WIDTH)} for _ in range(LAYERS)],
        "head": jnp.ones((WIDTH, 32)),
    }
    grads = jax.tree.map(lambda x: jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape), params)
    optimizer = WAYS[way]()
    state = optimizer.init(params)

    def step(params: Any, state: Any) -> Any:
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    times = [time.perf_counter()]
    traced = jax.jit(step).trace(params, state)
    times.append(time.perf_counter())
    lowered = traced.lower()
    with compilations() as compiled:
        program = lowered.compile()
    end, after = params, state
    for _ in range(UPDATES):
        end, after = program(end, after)
    calls = in_turn({"call": lambda: program(params, state)}, seconds=0.5, rounds=1)
    row = {
        "leaves": len(jax.tree.leaves(state)),
        "trace (ms)": 1e3 * (times[1] - times[0]),
        "compile (ms)": 1e3 * compiled.seconds,
        "step (us)": calls.seconds("call") * 1e6,
    }
    print(json.dumps(row | {"end": [np.asarray(x).tolist() for x in jax.tree.leaves(end)]}))


def matrices(tree: Any) -> Any:
    """The mask of the weight decay."""
    return jax.tree.map(lambda x: x.ndim > 1, tree)


def adamw(learning_rate: Any) -> optax.GradientTransformation:
    """The optimizer of every row."""
    return optax.adamw(learning_rate, weight_decay=0.1, mask=matrices)


def with_groups() -> optax.GradientTransformation:
    """Factors behind one optimizer."""
    return optax.chain(adamw(SCHEDULE), wo.groups(FACTORS))


def with_partition() -> optax.GradientTransformation:
    """An optimizer for each group."""
    each = {pattern: adamw(SCHEDULE * factor) for pattern, factor in FACTORS.items()}
    return optax.partition(each, wo.groups(FACTORS).labels)


WAYS = {"wo.groups": with_groups, "optax.partition": with_partition}
