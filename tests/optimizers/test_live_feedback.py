"""Rules compared with the originals: PyTorch's ReduceLROnPlateau and transformers' GreedyLR, update by update.

In float64, so that a comparison of losses has the same answer as with Python's floats.
"""

from importlib.metadata import version

import jax
import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax import feedback

pytestmark = pytest.mark.live
RUNS, UPDATES = 250, 400


def losses_of(rng):
    """A decay with noise, a few jumps, and stretches that repeat a loss exactly."""
    steps = np.arange(UPDATES)
    losses = np.exp(-steps / rng.uniform(30, 400)) + rng.normal(
        0, rng.choice([0.0, 1e-3, 0.02, 0.2]), UPDATES
    )
    losses[rng.integers(0, UPDATES, 3)] *= 4
    begin = rng.integers(0, UPDATES - 50)
    losses[begin : begin + 50] = losses[begin]
    return losses


def ours(rule, losses):
    """The rate of each update."""

    def step(state, loss):
        return rule.step(state, loss), type(rule).scale(rule, state)

    return np.asarray(jax.jit(lambda rule, losses: jax.lax.scan(step, rule.init(), losses)[1])(rule, losses))


def theirs(scheduler, optimizer, losses):
    rates = []
    for loss in losses:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(float(loss))
    return rates


def optimizer_of(torch):
    return torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(1))], lr=1.0
    )  # the first rate is 1, so a rate is a scale, bit for bit


def test_reduce_lr_on_plateau():
    """Relative thresholds with positive losses, absolute ones with losses of any sign, both modes."""
    torch = pytest.importorskip("torch")
    changes = 0
    with jax.enable_x64(True):
        for seed in range(RUNS):
            rng = np.random.default_rng(seed)
            losses, mode = losses_of(rng), str(rng.choice(["min", "max"]))
            threshold, relative = float(rng.choice([1e-4, 1e-2, 0.1])), bool(rng.integers(2))
            losses = np.abs(losses) + 1e-3 if relative else losses - rng.choice([0.0, 2.0])
            given = {
                "factor": float(rng.choice([0.1, 0.5, 0.9])),
                "patience": int(rng.integers(0, 12)),
                "cooldown": int(rng.integers(0, 6)),
            }
            low = float(rng.choice([0.0, 0.01, 0.2]))
            optimizer = optimizer_of(torch)
            scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, mode, threshold=threshold, threshold_mode="rel" if relative else "abs",
                min_lr=low, eps=0.0, **given
            )  # fmt: skip
            expected = theirs(scheduler, optimizer, losses)
            margin = {"rtol": threshold} if relative else {"rtol": 0.0, "atol": threshold}
            given["patience"] += 1  # PyTorch waits for one loss more
            rule = feedback.Plateau(mode=mode, min_scale=low, **given, **margin)
            np.testing.assert_allclose(ours(rule, losses), expected, rtol=1e-12, err_msg=f"{seed}: {rule}")
            changes += np.count_nonzero(np.diff(expected))
    print(
        f"\nReduceLROnPlateau, PyTorch {version('torch')}: {RUNS} runs of {UPDATES} updates, {changes} changes"
    )
    assert changes > RUNS


def test_greedy_lr():
    """Every argument at random: both modes, both thresholds, smoothing, resets."""
    torch = pytest.importorskip("torch")
    theirs_of = pytest.importorskip("transformers.optimization").GreedyLR
    changes = resets = stuck = 0
    with jax.enable_x64(True):
        for seed in range(RUNS):
            rng = np.random.default_rng(seed)
            losses, relative = losses_of(rng), bool(rng.integers(2))
            losses = np.abs(losses) + 1e-3 if relative else losses - rng.choice([0.0, 2.0])
            given = {
                "mode": str(rng.choice(["min", "max"])),
                "threshold_mode": "rel" if relative else "abs",
                "threshold": float(rng.choice([1e-6, 1e-3, 0.05])),
                "factor": float(rng.choice([0.5, 0.9, 0.95])),
                "patience": int(rng.integers(0, 7)),
                "cooldown": int(rng.integers(0, 6)),
                "warmup": int(rng.integers(0, 6)),
                "smooth": bool(rng.integers(2)),
                "window_size": int(rng.choice([1, 5, 50])),
                "reset_start": int(rng.choice([1, 3, 500])),
            }
            low, high, eps = float(rng.choice([0.01, 0.5])), float(rng.choice([1.0, 1.5, 10.0])), 1e-8
            optimizer = optimizer_of(torch)
            scheduler = theirs_of(optimizer, min_lr=low, max_lr=high, eps=eps, **given)
            expected = theirs(scheduler, optimizer, losses)
            rule = feedback.Greedy(min_scale=low, max_scale=high, eps=eps, **given)
            found = np.asarray(expected)
            # A rate of theirs a rounding above min_lr stays there, because the rest of the way is below eps.
            near = np.flatnonzero((found > low) & (found - low <= eps))
            until, stuck = (near[0], stuck + 1) if near.size else (UPDATES, stuck)
            mine = ours(rule, losses)[:until]
            np.testing.assert_allclose(mine, found[:until], rtol=1e-12, err_msg=f"{seed}: {rule}")
            changes += np.count_nonzero(np.diff(found))
            resets += np.count_nonzero((found[:-1] == low) & (found[1:] == 1.0))
    print(
        f"\nGreedyLR, transformers {version('transformers')}: {RUNS} runs, {changes} changes, {resets} resets"
    )
    assert changes > RUNS
    print(f"{stuck} runs are compared up to where theirs is stuck above min_lr")
    assert resets > 10
    assert stuck < RUNS / 10


def test_the_fault_of_the_relative_mode():
    """Equal negative losses: PyTorch keeps the rate, this does not."""
    torch = pytest.importorskip("torch")
    optimizer = optimizer_of(torch)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    assert set(theirs(scheduler, optimizer, [-1.0] * 8)) == {1.0}
    found = ours(feedback.Plateau(factor=0.5, patience=2), np.full(8, -1.0, wo.sample(0.0, 0).dtype))
    np.testing.assert_allclose(found, [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125])
