"""Accuracy over 100,000 steps, against float64.

The error of the float32 learning rate at every step, in units in the last place (ULP), against the same
equation in float64. Half a ULP is the smallest error that float32 allows. For JAX libraries, the table shows
the worst of eager calls, of `jit` over a vector and of `jit` in a loop. PyTorch computes in float64, and its
numbers are rounded to float32. *First* and *last* say whether the values at count 0 and at the end are
exactly the user's numbers.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

from ._measure import absent, peer
from ._peers import sgd

STEPS, QUICK_STEPS = 100_000, 2_000
PEAK, FLOOR = 3e-4, 3e-5
EXACT = "exact"


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each shape and library."""
    steps = QUICK_STEPS if quick else STEPS
    counts = np.arange(steps + 1)
    rows = []
    for shape, truth in truths(steps).items():
        for library, build in LIBRARIES.items():
            row = {"schedule": shape, "library": library} | dict.fromkeys(
                ["largest (ULP)", "99th percentile (ULP)", "largest (relative)", "first", "last"]
            )
            schedules = build(steps)
            if schedules is None:
                rows.append(absent(row))
            elif shape in schedules:
                errors = [error(values, truth) for values in schedules[shape](counts)]
                worst = max(errors, key=lambda found: found["largest (ULP)"])
                ends = {
                    end: next((found[end] for found in errors if found[end] != EXACT), EXACT)
                    for end in ("first", "last")
                }
                rows.append(row | worst | ends)
            else:
                rows.append(row | {"largest (ULP)": "has none"})
    return rows


def error(values: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Return the distance of a float32 curve from a float64 curve."""
    values = np.asarray(values, np.float32).astype(np.float64)
    distance = np.abs(values - truth)
    ulp = distance / np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)
    run, nonzero = ulp[:-1], truth[:-1] != 0  # the end, which may be 0, has a separate column
    return {
        "largest (ULP)": float(run.max()),
        "99th percentile (ULP)": float(np.percentile(run, 99)),
        "largest (relative)": float((distance[:-1][nonzero] / np.abs(truth[:-1][nonzero])).max()),
        "first": _end(values[0], truth[0], ulp[0]),
        "last": _end(values[-1], truth[-1], ulp[-1]),
    }


def _end(value: float, truth: float, ulp: float) -> str:
    if ulp < 0.6:  # the float32 nearest to the user's number
        return EXACT
    return f"{ulp:.0f} ULP off" if truth else f"{value:.1e} for 0"


def truths(steps: int) -> dict[str, np.ndarray]:
    """The equations in float64, from the elapsed and the remaining fraction, so that nothing cancels."""
    t = np.arange(steps + 1, dtype=np.float64)
    p, q = t / steps, (steps - t) / steps
    down, up = np.sin(np.pi / 2 * q) ** 2, np.sin(np.pi / 2 * p) ** 2
    warmup, decay = steps // 100, steps // 5
    rise = PEAK / 1000 * (1 - np.minimum(t / warmup, 1)) + PEAK * np.minimum(t / warmup, 1)
    return {
        "linear to 0": PEAK * q,
        "cosine to 0": PEAK * down,
        "cosine to a tenth": PEAK * down + FLOOR * up,
        "polynomial to 0 (power 2)": PEAK * q**2,
        "exponential (10 halvings)": PEAK * 0.5 ** (t / (steps // 10)),
        "warmup, stable, decay to 0": np.where(t < warmup, rise, PEAK * np.minimum((steps - t) / decay, 1)),
    }


def in_jax(schedule: Callable[[Any], Any]) -> Callable[[np.ndarray], Iterable[np.ndarray]]:
    """A schedule's curve, computed in the three ways that a program may compute it."""

    def curves(counts: np.ndarray) -> Iterable[np.ndarray]:
        given = jnp.asarray(counts, jnp.int32)
        yield np.asarray(schedule(given))
        yield np.asarray(jax.jit(jax.vmap(schedule))(given))
        yield np.asarray(jax.jit(lambda all_counts: jax.lax.map(schedule, all_counts))(given))

    return curves


def ours(steps: int) -> dict[str, Any]:
    """`warmup_optax`."""
    arguments = {"warmup_steps": steps // 100, "decay_steps": steps // 5, "total_steps": steps}
    stable = wo.warmup_stable_decay(PEAK, **arguments, init_value=PEAK / 1000, decay_shape=wo.linear)
    schedules = [
        wo.linear(PEAK, 0.0, steps),
        wo.cosine(PEAK, 0.0, steps),
        wo.cosine(PEAK, FLOOR, steps),
        wo.polynomial(PEAK, 0.0, steps, power=2),
        wo.exponential(PEAK, decay_rate=0.5, transition_steps=steps // 10),
        stable,
    ]
    return dict(zip(truths(steps), map(in_jax, schedules), strict=True))


def optax_(steps: int) -> dict[str, Any]:
    """Optax."""
    warmup, decay = steps // 100, steps // 5
    phases = [
        optax.linear_schedule(PEAK / 1000, PEAK, warmup),
        optax.constant_schedule(PEAK),
        optax.linear_schedule(PEAK, 0.0, decay),
    ]
    schedules = [
        optax.linear_schedule(PEAK, 0.0, steps),
        optax.cosine_decay_schedule(PEAK, steps),
        optax.cosine_decay_schedule(PEAK, steps, alpha=FLOOR / PEAK),
        optax.polynomial_schedule(PEAK, 0.0, 2, steps),
        optax.exponential_decay(PEAK, steps // 10, 0.5),
        optax.join_schedules(phases, [warmup, steps - decay]),
    ]
    return dict(zip(truths(steps), map(in_jax, schedules), strict=True))


def keras_(steps: int) -> dict[str, Any] | None:
    """Keras, on JAX. It has no join, so no warmup, stable, decay."""
    keras = peer("keras")
    if keras is None:
        return None
    k = keras.optimizers.schedules
    schedules = [
        k.PolynomialDecay(PEAK, steps, end_learning_rate=0.0),
        k.CosineDecay(PEAK, steps),
        k.CosineDecay(PEAK, steps, alpha=FLOOR / PEAK),
        k.PolynomialDecay(PEAK, steps, end_learning_rate=0.0, power=2.0),
        k.ExponentialDecay(PEAK, steps // 10, 0.5),
    ]
    return dict(zip(truths(steps), map(in_jax, schedules), strict=False))


def pytorch(steps: int) -> dict[str, Any] | None:
    """PyTorch, step by step, as its schedulers must be."""
    torch = peer("torch")
    if torch is None:
        return None
    s = torch.optim.lr_scheduler
    warmup, decay = steps // 100, steps // 5

    def stable(optimizer: Any) -> Any:
        rise = s.LinearLR(optimizer, start_factor=1 / 1000, end_factor=1.0, total_iters=warmup)
        hold = s.ConstantLR(optimizer, factor=1.0, total_iters=0)
        fall = s.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=decay)
        return s.SequentialLR(optimizer, [rise, hold, fall], [warmup, steps - decay])

    schedulers = [
        lambda o: s.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=steps),
        lambda o: s.CosineAnnealingLR(o, steps),
        lambda o: s.CosineAnnealingLR(o, steps, eta_min=FLOOR),
        lambda o: s.PolynomialLR(o, total_iters=steps, power=2.0),
        lambda o: s.ExponentialLR(o, 0.5 ** (1 / (steps // 10))),
        stable,
    ]

    def curves(build: Callable[[Any], Any], counts: np.ndarray) -> Iterable[np.ndarray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a scheduler steps without its optimizer
            optimizer = sgd(PEAK)
            scheduler = build(optimizer)
            values = np.empty(len(counts))
            for i in range(len(counts)):
                values[i] = optimizer.param_groups[0]["lr"]
                scheduler.step()
        yield values

    return {
        shape: functools.partial(curves, build)
        for shape, build in zip(truths(steps), schedulers, strict=True)
    }


LIBRARIES: dict[str, Callable[[int], dict[str, Any] | None]] = {
    "warmup_optax": ours,
    "Optax": optax_,
    "Keras": keras_,
    "PyTorch (float64)": pytorch,
}
