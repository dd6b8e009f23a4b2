"""The largest error of every constructor, on every device that is here.

In units of the last place of float32 (ULP), against the float64 equations of `tests/reference.py`, over the
counts and the cases that the tests use, each compiled with its numbers inside and with its numbers as data.
*Allowed* is what the case with the largest error may have; a first column of numbers is the CPU's, the next,
if there is one, that of the accelerator that JAX found.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import numpy as np

from ._measure import ROOT

TINY = np.finfo(np.float32).tiny


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each constructor."""
    sys.path[:0] = [str(ROOT / "tests")]
    from catalogue import CASES, LONG, ONE_OF_EACH  # pyright: ignore[reportMissingImports]

    rows: dict[str, dict[str, Any]] = {}
    devices = {device.platform: device for device in [jax.devices("cpu")[0], jax.devices()[0]]}
    for case in ONE_OF_EACH[::8] if quick else [*CASES, *LONG]:
        exact = case.reference(case.counts)
        row = rows.setdefault(case.expression.name, {"constructor": case.expression.name, "allowed": 0.0})
        for device in devices.values():
            title = "cpu" if device.platform == "cpu" else device.device_kind
            with jax.default_device(device):
                found = [errors(values, exact) for values in ways(case)]
            error = np.max(found, axis=0)
            if (largest := float(error.max())) >= row.get(title, 0.0):
                row[title] = largest
                row["allowed"] = max(
                    row["allowed"], float(case.tolerance(case.counts, exact)[error.argmax()])
                )
    return list(rows.values())


def ways(case: Any) -> list[Any]:
    """The values of a case at its counts, its numbers folded into the program and given to it."""
    return [
        jax.jit(lambda counts: case.schedule(counts))(case.counts),
        jax.jit(lambda schedule, counts: schedule(counts))(case.schedule, case.counts),
    ]


def errors(values: Any, exact: np.ndarray) -> np.ndarray:
    """Distances in ULP of float32; below its normal range a value may be 0."""
    size = np.maximum(np.abs(exact).astype(np.float32), TINY)
    ulp = np.where(np.abs(exact) < TINY, TINY, np.spacing(size))
    return np.abs(np.asarray(values, np.float64) - exact) / ulp
