"""10,000 schedules: memory, programs, threads.

One fresh process creates 10,000 schedules, all different, calls each at one count and drops it. First they
have 50 structures (five curves in ten combinations). Then they have 400, which is more than the 256 whose
programs are cached, with 25 schedules of each one after the other. The table shows the programs that JAX
compiled and those that are still cached. *Alive* is the number of schedules that are still referenced. Memory
is the resident memory of the process (RSS).
"""

from __future__ import annotations

import gc
import json
import os
import threading
from typing import Any

from ._measure import compilations, fresh

ALL, SAME = 10_000, 25


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each point of the way."""
    return fresh(f"from benchmarks import scale; scale.measure({1000 if quick else ALL})")[0]


def measure(number: int) -> None:
    """Measure in the fresh process, and print the rows."""
    import warmup_optax as wo
    from warmup_optax._core import evaluation

    rows = []

    def report(structures: int, made: int, compiled: int) -> None:
        gc.collect()
        alive = sum(isinstance(x, wo.Schedule) for x in gc.get_objects())
        row = {"structures": structures, "schedules made": made, "compiled": compiled}
        row |= {
            "kept": evaluation._compiled.cache_info().currsize,
            "alive": alive,
            "threads": threading.active_count(),
        }
        rows.append(row | {"memory (MiB)": resident()})

    with compilations() as compiled:
        for made in range(number):
            _structure(made % 50, made)(7)
            if made + 1 in (50, number // 10, number):
                report(50, made + 1, compiled.number)
    with compilations() as compiled:
        for made in range(number):
            _structure(made // SAME % 400, number + made)(7)
        report(400, number, compiled.number)
    print(json.dumps(rows))


def _structure(index: int, number: int) -> Any:
    """A schedule of one of 400 structures; with another number, of other numbers."""
    import warmup_optax as wo

    peak, steps = 1e-3 * (1 + number * 1e-4), 100 + number % 50
    curves = [wo.cosine, wo.linear, wo.geometric, wo.one_minus_sqrt, wo.shapes.tanh]
    curve = curves[index % 5](peak, peak / 10, steps)
    ways = [
        lambda x: x,
        lambda x: wo.with_warmup(x, steps=10),
        lambda x: wo.with_cooldown(x, begin=50, steps=10),
        lambda x: wo.with_cooldown(wo.with_warmup(x, steps=10), begin=50, steps=10),
        lambda x: wo.restart(x, period=steps),
        lambda x: wo.shift(x, 5),
        lambda x: wo.staircase(x, 3),
        lambda x: wo.clip(x, max_value=peak),
        lambda x: x * 0.5,
        lambda x: wo.join([x, peak / 2], [steps]),
    ]
    schedule, more = ways[index // 5 % 10](curve), index // 50
    if more:
        schedule = schedule * wo.piecewise_constant([1.0] * (more + 1), range(1, more + 1))
    return schedule


def resident() -> int:
    """The memory of this process, in MiB; nothing where the system has no `/proc`."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except OSError:
        return 0
