"""An eager call, and reading a float.

What a REPL, a logging line or a data loader pays for one value of a warmup and a cosine. *Call* is the call
alone; *as a float* is the number in Python's hands. The floor of the first is a `jax.jit` that gives back its
argument, of the second the same read by `float()`; for libraries that compute in Python it is a closure that
multiplies. PyTorch gives a value only by a step of its scheduler.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

from ._measure import absent, in_turn, peer

PEAK, WARMUP, TOTAL, COUNT = 3e-4, 100, 1000, 500
FLOORS = {"int": "floor: jit of the identity", "jax": "floor: jit of the identity, jax.Array count"}


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way to ask."""
    ours = wo.warmup_cosine(PEAK, warmup_steps=WARMUP, total_steps=TOTAL)
    theirs = optax.warmup_cosine_decay_schedule(0.0, PEAK, WARMUP, TOTAL)
    identity, on_device = jax.jit(lambda count: count), jnp.asarray(COUNT, jnp.int32)
    calls: dict[str, Callable[[], Any] | None] = {
        FLOORS["int"]: lambda: identity(COUNT),
        "warmup_optax": lambda: ours(COUNT),
        "jax.jit of warmup_optax": _with(jax.jit(ours), COUNT),
        "Optax": lambda: theirs(COUNT),
        "jax.jit of Optax": _with(jax.jit(theirs), COUNT),
        "Keras": _keras(),
        FLOORS["jax"]: lambda: identity(on_device),
        "warmup_optax, jax.Array count": lambda: ours(on_device),
        "Optax, jax.Array count": lambda: theirs(on_device),
    }
    in_python: dict[str, Callable[[], Any] | None] = {
        "floor: a Python closure": _closure(PEAK),
        "PyTorch (a scheduler's step)": _torch(),
        "transformers (its lambda)": _transformers(),
    }
    given = {name: call for name, call in calls.items() if call is not None}
    floats = {name: _float(call) for name, call in given.items()}
    floats["warmup_optax, sample"] = lambda: float(wo.sample(ours, COUNT))
    floats |= {name: call for name, call in in_python.items() if call is not None}
    seconds = 1.0 if quick else 30.0
    called, read = in_turn(given, seconds=seconds), in_turn(floats, seconds=seconds)
    rows = []
    for name in [*calls, "warmup_optax, sample", *in_python]:
        floor = FLOORS["jax" if "jax.Array" in name else "int"]
        row = {"asked": name} | dict.fromkeys(
            ["call (us)", "x floor", "Optax takes", "as a float (us)", "x floor of floats"]
        )
        if name not in floats:
            rows.append(absent(row))
            continue
        if name in called:
            base = "Optax, jax.Array count" if "jax.Array" in name else "Optax"
            row["call (us)"] = called.seconds(name) * 1e6
            row["x floor"] = called.ratio(name, floor)
            row["Optax takes"] = f"{called.ratio(base, name):.3g} x"
        row["as a float (us)"] = read.seconds(name) * 1e6
        row["x floor of floats"] = read.ratio(name, "floor: a Python closure" if name in in_python else floor)
        rows.append(row)
    return rows


def _with(function: Callable[[Any], Any], count: int) -> Callable[[], Any]:
    return lambda: function(count)


def _float(call: Callable[[], Any]) -> Callable[[], float]:
    return lambda: float(call())


def _closure(value: float) -> Callable[[], float]:
    return lambda: value * COUNT


def _keras() -> Callable[[], Any] | None:
    keras = peer("keras")
    if keras is None:
        return None
    decay = keras.optimizers.schedules.CosineDecay(0.0, TOTAL - WARMUP, warmup_target=PEAK, warmup_steps=WARMUP)
    return lambda: decay(COUNT)


def _torch() -> Callable[[], Any] | None:
    torch = peer("torch")
    if torch is None:
        return None
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # without its optimizer
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    schedulers = torch.optim.lr_scheduler
    rise = schedulers.LinearLR(optimizer, start_factor=1e-3, total_iters=WARMUP)
    fall = schedulers.CosineAnnealingLR(optimizer, TOTAL - WARMUP)
    scheduler = schedulers.SequentialLR(optimizer, [rise, fall], [WARMUP])

    def step() -> float:
        scheduler.step()
        return optimizer.param_groups[0]["lr"]

    return step


def _transformers() -> Callable[[], Any] | None:
    torch, transformers = peer("torch"), peer("transformers")
    if torch is None or transformers is None:
        return None
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = transformers.get_cosine_schedule_with_warmup(optimizer, WARMUP, TOTAL)
    factor = scheduler.lr_lambdas[0]
    return lambda: PEAK * factor(COUNT)


def check() -> None:
    """That ours and Optax's are the same schedule."""
    ours = wo.warmup_cosine(PEAK, warmup_steps=WARMUP, total_steps=TOTAL)
    theirs = optax.warmup_cosine_decay_schedule(0.0, PEAK, WARMUP, TOTAL)
    np.testing.assert_allclose(ours(np.arange(TOTAL)), theirs(np.arange(TOTAL)), rtol=1e-3, atol=1e-12)
