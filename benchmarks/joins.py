"""A long join: trace, lower, compile and call.

Cosine restarts written out as a join of cosines, and the steps of a piecewise constant. This library stores
phases of one kind as rows of a table, so the program does not grow with them (*instructions* of the
StableHLO). The table itself grows by a few numbers per phase. Each library runs in fresh processes, in turn,
smallest join first, until its time is up. *Build* is the construction of the schedule.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any

import jax
import optax

import warmup_optax as wo

from ._measure import compilations, fresh, in_turn, medians

PHASES = (2, 8, 64, 512, 4096)
SECONDS = 90  # for one library and one kind of join, all sizes together
ROUNDS = 3
PEAK, CYCLE = 3e-4, 100
STAGES = ("build (ms)", "trace (ms)", "lower (ms)", "compile (ms)", "call (us)", "eager call (us)")


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each kind of join, number of phases and library."""
    sizes, seconds = (PHASES[:3], 20) if quick else (PHASES, SECONDS)
    rounds: dict[tuple[str, str], list[dict[int, Any]]] = {}
    todo = dict.fromkeys(BUILDERS, sizes)
    for _ in range(1 if quick else ROUNDS):
        for (kind, library), given in todo.items():
            code = f"from benchmarks import joins; joins.measure({kind!r}, {library!r}, {given})"
            found = {row["phases"]: row for row in fresh(code, timeout=seconds)}
            rounds.setdefault((kind, library), []).append(found)
            todo[kind, library] = tuple(found)  # what took too long is not tried again
    rows = []
    for (kind, library), size in itertools.product(rounds, sizes):
        row = {"join": kind, "phases": size, "library": library}
        found = [each[size] for each in rounds[kind, library] if size in each]
        missing = dict.fromkeys((*STAGES, "instructions")) | {STAGES[1]: f"stopped after {seconds} s"}
        rows.append(row | (medians(found) if found else missing))
    return sorted(rows, key=lambda row: (row["join"], row["phases"]))


def measure(kind: str, library: str, sizes: tuple[int, ...]) -> None:
    """Measure in the fresh process, and print a row after each size."""
    build = BUILDERS[kind, library]
    one_size(build, 3)  # JAX's own first steps
    for size in sizes:
        print(json.dumps({"phases": size} | one_size(build, size)), flush=True)


def one_size(build: Callable[[int], Callable[[Any], Any]], size: int) -> dict[str, Any]:
    """The stages of one join, each done once, and its calls."""
    times = [time.perf_counter()]
    schedule = build(size)
    times.append(time.perf_counter())
    traced = jax.jit(lambda count: schedule(count)).trace(CYCLE // 2)
    times.append(time.perf_counter())
    lowered = traced.lower()
    times.append(time.perf_counter())
    with compilations() as compiled:
        program = lowered.compile()
    stages = [1e3 * (end - begin) for begin, end in itertools.pairwise(times)] + [1e3 * compiled.seconds]
    instructions = len(re.findall(r" = |^\s*return", lowered.as_text(), re.MULTILINE))
    calls = [_call(function) for function in (program, schedule)]
    return dict(zip(STAGES, [*stages, *calls], strict=True)) | {"instructions": instructions}


def _call(function: Callable[[Any], Any]) -> float:
    """Microseconds a call: the median of half a second's batches."""
    times = in_turn({"call": lambda: function(CYCLE // 2)}, seconds=0.5, rounds=1)
    return times.seconds("call") * 1e6


def boundaries(phases: int) -> list[int]:
    """Where each phase but the first begins."""
    return list(range(CYCLE, CYCLE * phases, CYCLE))


def peaks(phases: int) -> list[float]:
    """A peak for each phase."""
    return [PEAK / (1 + i) for i in range(phases)]


def our_cosines(phases: int) -> wo.Schedule:
    """`warmup_optax`'s join of cosines."""
    return wo.join([wo.cosine(peak, 0.0, CYCLE) for peak in peaks(phases)], boundaries(phases))


def their_cosines(phases: int) -> optax.Schedule:
    """Optax's join of cosines."""
    cosines = [optax.cosine_decay_schedule(peak, CYCLE) for peak in peaks(phases)]
    return optax.join_schedules(cosines, boundaries(phases))


def our_steps(phases: int) -> wo.Schedule:
    """`warmup_optax`'s steps."""
    return wo.piecewise_constant(peaks(phases), boundaries(phases))


def their_steps(phases: int) -> optax.Schedule:
    """Optax's steps, by the factor from one to the next."""
    factors = [after / before for before, after in itertools.pairwise(peaks(phases))]
    return optax.piecewise_constant_schedule(PEAK, dict(zip(boundaries(phases), factors, strict=True)))


BUILDERS: dict[tuple[str, str], Callable[[int], Callable[[Any], Any]]] = {
    ("cosine restarts", "warmup_optax"): our_cosines,
    ("cosine restarts", "Optax"): their_cosines,
    ("steps", "warmup_optax"): our_steps,
    ("steps", "Optax"): their_steps,
}
