"""The first call, in a fresh process.

Time and compilations in a process that has imported everything and has initialized a device. The first
columns are up to the first value of a schedule as a Python float. The others are for the first value of a
second schedule of the same recipe with other numbers. This is the waiting time in a notebook, in a script
that tries learning rates, or in a test suite.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax

from . import _peers
from ._measure import ABSENT, absent, compilations, fresh, medians, peer

ROUNDS = 7
LENGTHS = (100, 1000)  # warmup, total
VALUES = ["first (ms)", "compilations", "second (ms)", "its compilations", "Optax takes (first)"]
LIBRARIES = {
    "floor: jit of a product": "identity",
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
    """Print the figures of the fresh process, which measures once."""
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
    """Return a function that makes a warmup and a cosine with a peak."""
    recipes: dict[str, Callable[[float], Any]] = {
        "identity": lambda peak: jax.jit(lambda count: count * peak),
        "ours": lambda peak: _peers.ours(peak, *LENGTHS),
        "optax": lambda peak: _peers.optax_(peak, *LENGTHS),
        "jitted": lambda peak: jax.jit(_peers.optax_(peak, *LENGTHS)),
        "keras": lambda peak: _peers.keras_(peak, *LENGTHS),
    }
    return recipes[name] if name != "keras" or peer("keras") else None
