"""A sweep: 64 learning-rate schedules of the digits model.

Eight peaks and eight warmups, each for a run of 20 updates of the small transformer of
`colab/train_digits.py`. Ours runs in two ways: all in one vmapped program over a `stack`, and as one compiled
run that is called 64 times with the schedule as its argument. Optax's schedules are closures, so each of them
is a separate program. This is stopped after some minutes, and *schedules* says how many ran. Optax also runs
with one handwritten program per warmup, with the peak as a traced factor. Wall time is that of the whole
sweep, including tracing and compilation. *Memory* is the largest growth of the process. Each way runs in a
fresh process.
"""

from __future__ import annotations

import json
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

from ._measure import ABSENT, compilations, fresh

PEAKS = tuple(float(x) for x in np.geomspace(1e-4, 3e-2, 8))
WARMUPS = (0, 2, 4, 6, 8, 10, 12, 14)
STEPS, BATCH = 20, 64
PATIENCE = 300.0  # seconds for the programs of Optax's closures
VALUES = ("schedules", "wall (s)", "compilations", "compiling (s)", "memory (MB)", "mean last loss")
RATIOS = {"wall a schedule": VALUES[1], "compiling a schedule": VALUES[3]}


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way to run the sweep."""
    number = 4 if quick else len(PEAKS) * len(WARMUPS)
    rows = []
    for way in WAYS:
        row = {"sweep": way} | dict.fromkeys((*VALUES, *RATIOS))
        try:
            row |= fresh(f"from benchmarks import sweep; sweep.measure({way!r}, {number})", timeout=3600)[0]
        except RuntimeError as error:
            if "ModuleNotFoundError" not in str(error):
                raise
            row[VALUES[0]] = f"{ABSENT}: the extra `demo`"
        rows.append(row)
    for row in rows:
        for name, value in RATIOS.items() if row[VALUES[1]] else ():
            mine, base = (each[value] / each["schedules"] for each in (row, rows[0]))
            row[name] = f"{mine / base:.3g} x"
    return rows


def points(number: int) -> list[tuple[float, int]]:
    """The first ``number`` pairs of a peak and a warmup, a warmup's peaks one after the other."""
    return [(peak, warmup) for warmup in WARMUPS for peak in PEAKS][:number]


def measure(way: str, number: int) -> None:
    """Run the whole sweep once in the fresh process, and print its figures."""
    train = trainer()
    jax.block_until_ready(jnp.zeros(1))
    before = _megabytes()
    with compilations() as compiled:
        start = time.perf_counter()
        losses = np.asarray(WAYS[way](train, number))
        wall = time.perf_counter() - start
    grown = _megabytes() - before
    figures = [len(losses), wall, compiled.number, compiled.seconds, grown, float(losses.mean())]
    print(json.dumps(dict(zip(VALUES, figures, strict=True))))


def _megabytes() -> float:
    """The peak memory of this process; `getrusage` would include the parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024


def trainer() -> Callable[[Callable[[Any], Any]], jax.Array]:
    """A run of the digits model with a schedule: its last loss."""
    from colab import train_digits

    data, _ = train_digits.load_digits()
    params = jax.jit(train_digits.init_params)(jax.random.key(0))
    order = np.random.default_rng(0).integers(len(data.labels), size=(STEPS, BATCH))
    images, labels = data.images[order], data.labels[order]

    def train(schedule: Callable[[Any], Any]) -> jax.Array:
        optimizer = optax.adamw(schedule)

        def update(carry: Any, batch: Any) -> tuple[Any, jax.Array]:
            params, state = carry
            loss, gradients = jax.value_and_grad(train_digits.loss_fn)(params, train_digits.Batch(*batch))
            updates, state = optimizer.update(gradients, state, params)
            return (optax.apply_updates(params, updates), state), loss

        return jax.lax.scan(update, (params, optimizer.init(params)), (images, labels))[1][-1]

    return train


def vmapped(train: Any, number: int) -> Any:
    """All schedules in one call, as the rows of a stack."""
    return jax.jit(jax.vmap(train))(wo.stack(our_schedules(number)))


def as_data(train: Any, number: int) -> Any:
    """One program, called with one schedule after the other."""
    compiled = jax.jit(train)
    return [compiled(schedule) for schedule in our_schedules(number)]


def our_schedules(number: int) -> list[wo.Schedule]:
    """Peaks and warmups as `warmup_optax` schedules."""
    return [wo.warmup_cosine(peak, warmup_steps=warmup, total_steps=STEPS) for peak, warmup in points(number)]


def closures(train: Any, number: int) -> Any:
    """A program for each of Optax's closures, up to a limit."""
    losses: list[Any] = []
    start = time.perf_counter()
    for peak, warmup in points(number):
        if time.perf_counter() - start > PATIENCE:
            break
        schedule = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, STEPS)
        losses.append(jax.jit(lambda schedule=schedule: train(schedule))())
    return losses


def closures_by_hand(train: Any, number: int) -> Any:
    """A program for each warmup: the schedule to a peak of 1, times a traced peak."""
    losses, programs = [], {}
    for peak, warmup in points(number):
        if warmup not in programs:
            unit = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, STEPS)
            programs[warmup] = jax.jit(lambda peak, unit=unit: train(lambda count: peak * unit(count)))
        losses.append(programs[warmup](peak))
    return losses


WAYS: dict[str, Callable[[Any, int], Any]] = {
    "warmup_optax: one vmapped program": vmapped,
    "warmup_optax: one program, the schedule as data": as_data,
    "Optax: a program for each schedule": closures,
    "Optax, by hand: a program for each warmup": closures_by_hand,
}
