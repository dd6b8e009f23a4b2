"""In the train step.

A small network (64-64-10, Adam, batches of 64) and one compiled update with a fixed learning rate, with our
schedule and with Optax's. The table shows the time of an update relative to the fixed rate, timed in turn,
and the size of the program: instructions of the StableHLO, and kernels of the compiled program. *Undisturbed*
compares the quickest tenth of the rounds, which other work on the machine affects least. *The same again* is
the fixed rate compiled a second time, so its difference is noise. *Control* is a schedule that is slow on
purpose, a loop of 3,000 steps, to show that the benchmark can measure a slow schedule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

import warmup_optax as wo

from ._measure import in_turn

PEAK, WARMUP, TOTAL, RESTARTS = 3e-4, 100, 10_000, 64
FIXED, AGAIN = "none: a fixed rate", "none: the same again"


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each schedule."""
    steps, programs = {}, {}
    for name, rate in rates().items():
        steps[name], programs[name] = step(rate)
    times = in_turn(steps, seconds=2 if quick else 60, batch=2e-3)
    fixed = programs[FIXED]
    rows = []
    for name, size in programs.items():
        row = {"schedule": name, "an update (us)": times.seconds(name) * 1e6}
        row["relative to a fixed rate"] = f"{times.ratio(name, FIXED):.3f} x"
        row["undisturbed"] = f"{times.quickest(name) / times.quickest(FIXED):.3f} x"
        for what, number in size.items():
            row[what] = number
            row[f"more {what}"] = number - fixed[what]
        rows.append(row)
    return rows


def rates() -> dict[str, Any]:
    """The learning rates to compare."""
    lengths = [100 * (i + 1) for i in range(RESTARTS)]
    bounds = [sum(lengths[: i + 1]) for i in range(RESTARTS - 1)]
    return {
        FIXED: PEAK,
        AGAIN: PEAK,
        "warmup_optax: warmup and cosine": wo.warmup_cosine(PEAK, warmup_steps=WARMUP, total_steps=TOTAL),
        "Optax: warmup and cosine": optax.warmup_cosine_decay_schedule(0.0, PEAK, WARMUP, TOTAL),
        f"warmup_optax: {RESTARTS} cosines": wo.join([wo.cosine(PEAK, 0.0, n) for n in lengths], bounds),
        f"Optax: {RESTARTS} cosines": optax.join_schedules(
            [optax.cosine_decay_schedule(PEAK, n) for n in lengths], bounds
        ),
        "control: a loop of 3,000 steps": _slow,
    }


def _slow(count: Any) -> jax.Array:
    start = jnp.asarray(count, jnp.float32)
    return PEAK + 1e-12 * jax.lax.fori_loop(0, 3000, lambda i, x: jnp.cos(x + i), start)


def step(rate: Any) -> tuple[Callable[[], Any], dict[str, int]]:
    """An update that continues from the last one, and the size of its program."""
    keys = jax.random.split(jax.random.key(0), 4)
    params = {
        "hidden": jax.random.normal(keys[0], (64, 64)) / 8,
        "bias": jnp.zeros(64),
        "head": jax.random.normal(keys[1], (64, 10)) / 8,
    }
    images, labels = jax.random.normal(keys[2], (64, 64)), jax.random.randint(keys[3], (64,), 0, 10)
    optimizer = optax.adam(rate)

    def loss(params: Any) -> jax.Array:
        logits = jax.nn.relu(images @ params["hidden"] + params["bias"]) @ params["head"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def update(params: Any, state: Any) -> tuple[Any, Any]:
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    carry = params, optimizer.init(params)
    lowered = jax.jit(update).lower(*carry)
    program = lowered.compile()

    def go() -> Any:
        nonlocal carry
        carry = program(*carry)
        return carry

    return go, {
        "instructions": len(re.findall(r" = ", lowered.as_text())),
        "kernels": kernels(program.as_text() or ""),
    }


def kernels(text: str) -> int:
    """Count what a compiled program runs in turn: fusions, calls and loops of its entry computation."""
    entry = text[text.index("\nENTRY") :].split("\n}")[0]
    idle = r"= \S+ (parameter|constant|tuple|get-tuple-element|bitcast|copy)\("
    return sum(" = " in line and not re.search(idle, line) for line in entry.splitlines()[1:])
