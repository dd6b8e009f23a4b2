"""The largest error of every constructor, on every device that is here.

In float32 units in the last place (ULP), against the float64 equations of `tests/support/reference.py`, over
the counts and the cases of the tests. Each schedule is compiled with its numbers as constants and with its
numbers as data, which float32 rounds first. *Of its limit* is the largest error as a fraction of the limit of
its case, so it is below 1. The columns of the CPU come first, and then those of the accelerator, if JAX finds
one.
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
    from support.catalogue import CASES, LONG, ONE_OF_EACH  # pyright: ignore[reportMissingImports]

    rows: dict[str, dict[str, Any]] = {}
    devices = {device.platform: device for device in [jax.devices("cpu")[0], jax.devices()[0]]}
    for case in ONE_OF_EACH[::8] if quick else [*CASES, *LONG]:
        row = rows.setdefault(case.expression.name, {"constructor": case.expression.name})
        for device in devices.values():
            title = "cpu" if device.platform == "cpu" else device.device_kind
            with jax.default_device(device):
                error = measured(case)
            share = error / case.tolerance(case.counts, case.reference(case.counts))
            for column, value in ((f"{title} (ULP)", error), (f"{title}, of its limit", share)):
                row[column] = max(row.get(column, 0.0), float(value.max()))
    return list(rows.values())


def measured(case: Any) -> np.ndarray:
    """The error at each of its counts, the larger one of two ways to compile it."""
    from support import reference  # pyright: ignore[reportMissingImports]
    from support.expressions import rounded  # pyright: ignore[reportMissingImports]

    exact = case.reference(case.counts)
    as_float32 = rounded(case.expression).on(reference)(case.counts)
    inside = jax.jit(lambda counts: case.schedule(counts))(case.counts)
    data = jax.jit(lambda schedule, counts: schedule(counts))(case.schedule, case.counts)
    of_data = np.minimum(distance(data, exact), distance(data, as_float32))
    return np.maximum(distance(inside, exact), of_data)


def distance(values: Any, exact: np.ndarray) -> np.ndarray:
    """In ULP of float32; below its normal range a value may be 0."""
    size = np.abs(exact).astype(np.float32)
    ulp = np.where(size < TINY, TINY, np.spacing(np.maximum(size, TINY)))
    return np.abs(np.asarray(values, np.float64) - exact) / ulp
