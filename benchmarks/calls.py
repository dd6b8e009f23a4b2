"""An eager call, and reading a float.

The cost of one value of a warmup and a cosine in a REPL, a logging line or a data loader. *Call* is the call
alone, and *as a float* includes the conversion to a Python float. For JAX libraries, the floor of the first
is a `jax.jit` that returns its argument, and the floor of the second is the same with `float()`. For
libraries that compute in Python, the floor is a closure that multiplies. PyTorch returns a value only after a
step of its scheduler. Keras, called directly, compiles the branch of its warmup at every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import warmup_optax as wo

from . import _peers
from ._measure import absent, in_turn

RECIPE = (3e-4, 100, 1000)  # peak, warmup, total
COUNT = 500
FLOOR, ARRAY, PYTHON = "floor: jit of the identity", ", count in a jax.Array", "floor: a Python closure"
VALUES = ("call (us)", "x floor", "Optax takes", "as a float (us)", "x floor of floats")


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each way to ask."""
    ours, theirs = _peers.ours(*RECIPE), _peers.optax_(*RECIPE)
    identity, on_device = jax.jit(lambda count: count), jnp.asarray(COUNT, jnp.int32)
    peak = RECIPE[0]
    asked = {
        FLOOR: _call(identity),
        "warmup_optax": _call(ours),
        "Optax": _call(theirs),
        "Keras": _call(_peers.keras_(*RECIPE)),
        "jax.jit of warmup_optax": _call(jax.jit(ours)),
        "jax.jit of Optax": _call(jax.jit(theirs)),
        FLOOR + ARRAY: _call(identity, on_device),
        "warmup_optax" + ARRAY: _call(ours, on_device),
        "Optax" + ARRAY: _call(theirs, on_device),
    }
    in_python = {
        PYTHON: _call(lambda count: peak * count),
        "PyTorch (a scheduler's step)": _call(_peers.pytorch(*RECIPE)),
        "transformers (its lambda)": _call(_peers.transformers_(*RECIPE)),
    }
    calls = {name: call for name, call in asked.items() if call is not None}
    floats = {name: _float(call) for name, call in calls.items()}
    floats["warmup_optax, sample"] = lambda: float(wo.sample(ours, COUNT))
    floats |= {name: call for name, call in in_python.items() if call is not None}
    seconds = 1.0 if quick else 30.0
    called, read = in_turn(calls, seconds=seconds), in_turn(floats, seconds=seconds)
    rows = []
    for name in [*asked, "warmup_optax, sample", *in_python]:
        row = {"asked": name} | dict.fromkeys(VALUES)
        if name not in floats:
            rows.append(absent(row))
            continue
        form = ARRAY if name.endswith(ARRAY) else ""
        if name in called:
            row["call (us)"] = called.seconds(name) * 1e6
            row["x floor"] = called.ratio(name, FLOOR + form)
            row["Optax takes"] = f"{called.ratio('Optax' + form, name):.3g} x"
        row["as a float (us)"] = read.seconds(name) * 1e6
        row["x floor of floats"] = read.ratio(name, PYTHON if name in in_python else FLOOR + form)
        rows.append(row)
    return rows


def _call(schedule: Callable[[Any], Any] | None, count: Any = COUNT) -> Callable[[], Any] | None:
    return None if schedule is None else lambda: schedule(count)


def _float(call: Callable[[], Any]) -> Callable[[], float]:
    return lambda: float(call())
