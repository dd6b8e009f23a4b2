"""The first call, in a fresh process.

Time and compilations from a process that has imported everything and has a device, to the first value of a
schedule in Python's hands, and to the first value of a second schedule of the same recipe with other
numbers: what a notebook, a script that tries learning rates, or a test suite waits for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import optax

import warmup_optax as wo

from ._measure import ABSENT, absent, compilations, fresh, medians, peer

ROUNDS = 7
VALUES = ["first value (ms)", "compilations", "second schedule (ms)", "its compilations", "Optax takes (first)"]
LIBRARIES = {
    "floor: jit of the identity": "identity",
    "warmup_optax": "ours",
    "Optax": "optax",
    "jax.jit of Optax": "jitted",
    "Keras": "keras",
}


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each library."""
    rounds: list[dict[str, Any]] = []
    for _ in range(1 if quick else ROUNDS):
        rounds.append({library: measured(name) for library, name in LIBRARIES.items()})
    rows = []
    for library in LIBRARIES:
        found = [each[library] for each in rounds]
        if found[0] is None:
            rows.append(absent({"library": library} | dict.fromkeys(VALUES)))
            continue
        row = {"library": library} | medians(found)
        times = [each["Optax"][VALUES[0]] / each[library][VALUES[0]] for each in rounds]
        row[VALUES[4]] = f"{sorted(times)[len(times) // 2]:.3g} x"
        rows.append(row)
    return rows


def measured(name: str) -> dict[str, Any] | None:
    """A fresh process's figures; None if the library is not installed."""
    code = f"from benchmarks import first_call; first_call.measure({name!r})"
    found = fresh(code)[0]
    return None if found.get("missing") else found


def measure(name: str) -> None:
    """What the fresh process does, once: prints its figures."""
    build = builder(name)
    if build is None:
        print(json.dumps({"missing": ABSENT}))
        return
    jax.devices()
    figures: list[float] = []
    for peak in (3e-4, 1e-3):
        with compilations() as compiled:
            start = time.perf_counter()
            float(build(peak)(500))
            took = time.perf_counter() - start
        figures += [took * 1e3, compiled.number]
    print(json.dumps(dict(zip(VALUES[:4], figures, strict=True))))


def builder(name: str) -> Callable[[float], Callable[[Any], Any]] | None:
    """How a library makes a warmup and a cosine with a peak."""
    if name == "keras":
        keras = peer("keras")
        if keras is None:
            return None
        decay = keras.optimizers.schedules.CosineDecay
        return lambda peak: decay(0.0, 900, warmup_target=peak, warmup_steps=100)
    return {
        "identity": lambda peak: jax.jit(lambda count: count * peak),
        "ours": lambda peak: wo.warmup_cosine(peak, warmup_steps=100, total_steps=1000),
        "optax": lambda peak: optax.warmup_cosine_decay_schedule(0.0, peak, 100, 1000),
        "jitted": lambda peak: jax.jit(optax.warmup_cosine_decay_schedule(0.0, peak, 100, 1000)),
    }[name]
