"""Lengths that are not whole, or traced: the ports follow the formulas of their originals, far out too."""

import math

import jax
import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax.compat import fairseq, keras, optax, paddle, timm, torch, transformers

FAR = np.concatenate([np.arange(0, 50_000, 977), np.arange(200_000, 4_000_000, 99_991)])
# A float32 holds the phase of a wave to 2**-24. The derivative of a cosine by its phase is at most pi / 2.
TOLERANCE = 4e-7


def triangle(n, low, high, half):
    """PyTorch's CyclicLR, in float64."""
    within = np.abs(n / half - 2 * np.floor(1 + n / (2 * half)) + 1)
    return low + (high - low) * np.maximum(0, 1 - within)


def cosine(n, half):
    return (1 + np.cos(np.pi * n / half)) / 2


def hard(n, total, cycles):
    done = n / total
    return np.where(done >= 1, 0.0, (1 + np.cos(np.pi * ((cycles * done) % 1))) / 2)


LENGTH = 1000 * math.pi
WITH_CYCLES = transformers.get_cosine_schedule_with_warmup
FRACTIONAL = {
    "triangle": (torch.CyclicLR(0, 1, step_size_up=LENGTH), triangle(FAR, 0, 1, LENGTH)),
    "triangle-4-digits": (
        torch.CyclicLR(1e-4, 1.0, step_size_up=2345.6789),
        triangle(FAR, 1e-4, 1.0, 2345.6789),
    ),
    "cosine": (torch.CosineAnnealingLR(1.0, T_max=LENGTH), cosine(FAR, LENGTH)),
    "7.333": (WITH_CYCLES(1.0, 0, 1_000_000, 7.333), cosine(FAR, 1e6 / (2 * 7.333))),
    "3.14159": (WITH_CYCLES(1.0, 0, 1_000_000, 3.14159), cosine(FAR, 1e6 / (2 * 3.14159))),
    "1.2345": (WITH_CYCLES(1.0, 0, 1_000_000, 1.2345), cosine(FAR, 1e6 / (2 * 1.2345))),
    "hard": (
        transformers.get_cosine_with_hard_restarts_schedule_with_warmup(1.0, 0, 1_000_000, 7.333),
        hard(FAR, 1e6, 7.333),
    ),
    "period": (
        fairseq.CosineLRSchedule(1.0, lr_period_updates=LENGTH, lr_shrink=1.0),
        (1 + np.cos(np.pi * ((FAR / LENGTH) % 1))) / 2,
    ),
}


@pytest.mark.parametrize("name", FRACTIONAL)
def test_a_length_that_is_no_short_fraction_never_freezes(name):
    schedule, rule = FRACTIONAL[name]
    np.testing.assert_allclose(wo.sample(schedule, FAR), rule, rtol=0, atol=TOLERANCE)


def test_two_lengths_of_no_common_unit():
    up, down = 1000 * math.pi, 700 * math.e
    within = np.fmod(FAR, up + down)
    rule = np.where(within < up, within / up, (up + down - within) / down)
    schedule = torch.CyclicLR(0, 1, up, down)
    # Each length is rounded to 2**-30 of an update: over the 800 cycles here, a millionth of an update.
    np.testing.assert_allclose(wo.sample(schedule, FAR), rule, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("t_mult", "period"), [(0.999, 100), (0.95, 300.5), (1 / 3, 9)])
def test_many_periods_that_shrink(t_mult, period):
    """Against the periods summed up in float64, which is exact to 1e-9 of an update here."""
    schedule = fairseq.CosineLRSchedule(1.0, lr_period_updates=period, t_mult=t_mult, lr_shrink=0.9999)
    n = np.arange(int(0.9 * period / (1 - t_mult)), step=3)
    begins = np.concatenate([[0], np.cumsum(period * t_mult ** np.arange(7000))])
    i = np.searchsorted(begins, n + 1e-9, side="right") - 1
    done = (n - begins[i]) / (period * t_mult**i)
    np.testing.assert_allclose(
        wo.sample(schedule, n), 0.9999**i * (1 + np.cos(np.pi * done)) / 2, rtol=0, atol=2e-6
    )


COUNTS = np.arange(40)
TRACED = {
    "keras.CosineDecay": lambda n: keras.CosineDecay(0.0, n, warmup_target=1.0, warmup_steps=4),
    "keras.PolynomialDecay": lambda n: keras.PolynomialDecay(1.0, n, 0.0),
    "keras.WarmUpCosineDecay": lambda n: keras.WarmUpCosineDecay(0.0, 1.0, n, 30, 2),
    "paddle.LinearWarmup": lambda n: paddle.LinearWarmup(1.0, n, 0.0, 1.0),
    "torch.StepLR": lambda n: torch.StepLR(1.0, n),
    "torch.CosineAnnealingLR": lambda n: torch.CosineAnnealingLR(1.0, n),
    "torch.last_epoch": lambda n: torch.LinearLR(1.0, total_iters=20, last_epoch=n),
    "transformers.cosine": lambda n: WITH_CYCLES(1.0, 4, n, 1.5),
    "timm.CosineLRScheduler": lambda n: timm.CosineLRScheduler(1.0, n, cycle_limit=2, warmup_t=3),
    "optax.polynomial_schedule": lambda n: optax.polynomial_schedule(1.0, 0.0, 2, n, 3),
    "optax.join_schedules": lambda n: optax.join_schedules([1.0, optax.linear_schedule(1.0, 0.0, n)], [n]),
}


def test_a_traced_length_is_a_length():
    def both(n):
        return [{name: make(steps)(COUNTS) for name, make in TRACED.items()} for steps in (n, 10)]

    traced, known = jax.jit(both)(10)
    for name in TRACED:
        np.testing.assert_allclose(traced[name], known[name], rtol=0, atol=2e-6, err_msg=name)
