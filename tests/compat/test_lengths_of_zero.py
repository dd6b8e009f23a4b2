"""Lengths, factors and numbers of cycles that are 0, and what no table of an original has: by its rule."""

import decimal
import math

import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax.compat import (
    axlearn,
    fairseq,
    levanter,
    megatron,
    optax,
    paddle,
    scenic,
    tfm,
    timm,
    torch,
    transformers,
)

COMPOUND = {"base_learning_rate": 1.0, "steps_per_decay": 4}
WSD = transformers.get_wsd_schedule
VALUES = {  # a schedule, counts, and the values there
    "optax.polynomial_schedule": (optax.polynomial_schedule(0.5, 0.0, 2.0, 0), [0, 3], [0.5, 0.5]),
    "optax.linear_schedule": (optax.linear_schedule(0.5, 0.0, 0), [0, 3], [0.5, 0.5]),
    "optax.exponential_decay": (optax.exponential_decay(0.5, 0, 0.1), [0, 3], [0.5, 0.5]),
    "torch.PolynomialLR": (torch.PolynomialLR(0.5, 0), [0, 3], [0.5, 0.5]),
    "torch.PolynomialLR, power": (torch.PolynomialLR(0.5, 4, power=0), [0, 3, 9], [0.5, 0.5, 0.5]),
    "torch.StepLR, gamma": (torch.StepLR(0.5, 3, gamma=0.0), [0, 2, 3, 9], [0.5, 0.5, 0.0, 0.0]),
    "timm, no cycle": (timm.CosineLRScheduler(1.0, 10, lr_min=0.1, cycle_limit=0), [0, 3], [1.0, 0.1]),
    "timm, two cycles that shrink": (
        timm.CosineLRScheduler(1.0, 10, lr_min=0.0, cycle_mul=0.5, cycle_decay=0.5, cycle_limit=2),
        [0, 5, 10, 15, 99],
        [1.0, 0.5, 0.5, 0.0, 0.0],
    ),
    "transformers, all warmup": (
        transformers.get_polynomial_decay_schedule_with_warmup(1.0, 4, 4),
        [0, 3, 4, 9],
        [0.0, 0.75, 0.75, 0.75],
    ),
    "transformers, no decay": (
        WSD(1.0, 4, 0, num_stable_steps=8, min_lr_ratio=0.1),
        [2, 4, 11, 12, 20],
        [0.55, 1.0, 1.0, 0.1, 0.1],
    ),
    "transformers, a whole cosine": (
        WSD(1.0, 4, 8, num_stable_steps=0, decay_type="cosine", num_cycles=1),
        [4, 6, 8, 10, 12],
        [1.0, 0.5, 0.0, 0.5, 0.0],
    ),
    "transformers, no cosine": (
        WSD(1.0, 4, 8, num_stable_steps=0, decay_type="cosine", num_cycles=0),
        [4, 11, 12],
        [1.0, 1.0, 0.0],
    ),
    "megatron, no decay": (
        megatron.OptimizerParamScheduler(0.0, 1.0, 0.25, 4, 12, "WSD", wsd_decay_steps=0),
        [0, 2, 4, 12, 13],
        [0.0, 0.5, 1.0, 1.0, 0.25],
    ),
    "levanter, no descent": (
        levanter.lr_scheduler(20, learning_rate=0.5, min_lr_ratio=1.0, warmup=0, lr_schedule="inv"),
        [0, 9, 30],
        [0.5, 0.5, 0.5],
    ),
    "paddle, as many rates as boundaries": (
        paddle.PiecewiseDecay([3, 9], [1.0, 0.5, 0.25, 0.125]),
        [0, 3, 9, 99],
        [1.0, 0.5, 0.125, 0.125],
    ),
    "scenic, a factor of 0": (
        scenic.compound_lr_scheduler(COMPOUND | {"factors": "constant * decay_every", "decay_factor": 0.0}),
        [0, 3, 4, 9],
        [1.0, 1.0, 0.0, 0.0],
    ),
    "torch, a run in epochs": (
        torch.OneCycleLR(1.0, epochs=2, steps_per_epoch=10),
        [0, 5, 19],
        [0.04, 1.0, 4e-6],
    ),
    "a decimal number": (torch.ConstantLR(decimal.Decimal("0.5"), 1.0, 3), [0, 9], [0.5, 0.5]),
    "an integer of NumPy": (torch.LinearLR(np.int64(2), 0.5, 1.0, 2), [0, 2], [1.0, 2.0]),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_rule(name):
    schedule, counts, values = VALUES[name]
    np.testing.assert_allclose(wo.sample(schedule, counts), values, rtol=2e-6, atol=1e-7)


REFUSED = {
    "axlearn": (
        lambda: axlearn.linear_schedule_with_warmup(1.0, max_step=3, warmup_steps=4),
        r"max_step must be >= warmup_steps \(4\), got 3",
    ),
    "fairseq": (
        lambda: fairseq.TriStageLRSchedule([], 1, 1, 1),
        "lr must be a rate, or a list of at least one",
    ),
    "optax.sgdr_schedule": (
        lambda: optax.sgdr_schedule([3]),  # pyright: ignore[reportArgumentType]
        r"cosine_kwargs\[0\] must be a dict of arguments with decay_steps, got 3",
    ),
    "optax.join_schedules": (
        lambda: optax.join_schedules([], []),
        r"schedules must be at least one schedule, got \(\)",
    ),
    "paddle, a rate too few": (
        lambda: paddle.PiecewiseDecay([3, 9], [1.0, 0.5]),
        "boundaries must be of length 1, one fewer than values",
    ),
    "torch.OneCycleLR": (
        lambda: torch.OneCycleLR(1.0),
        "total_steps must be a number of updates, got None; or give epochs and steps_per_epoch",
    ),
    "tfm, too large": (
        lambda: tfm.ExponentialDecayWithOffset(
            10_000, initial_learning_rate=1.0, decay_steps=10, decay_rate=0.5
        ),
        "offset must be smaller, got 10000; the first rates would be too large for float32",
    ),
    "tfm, too large for any float": (
        lambda: tfm.ExponentialDecayWithOffset(
            100_000, initial_learning_rate=1.0, decay_steps=10, decay_rate=0.5
        ),
        "offset must be smaller, got 100000",
    ),
    "scenic, no text": (
        lambda: scenic.compound_lr_scheduler(COMPOUND | {"factors": 3}),
        "factors must be names of factors",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_raises_an_error(name):
    make, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_decay_to_nothing_in_one_update():
    """`rate**(t / length)` with a rate of 0 is 1 at its first count and 0 after it."""
    from warmup_optax.compat._factors import decay

    assert decay(0.0, 7, staircase=False)([0, 1, 7]).tolist() == [1.0, 0.0, 0.0]
    assert math.isclose(float(decay(0.5, 7, staircase=False)(7)), 0.5, rel_tol=1e-6)
