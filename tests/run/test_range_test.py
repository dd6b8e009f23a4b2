"""The suggestions of a learning-rate range test: the readings of fastai and Lightning, and the errors."""

import json
from pathlib import Path

import numpy as np
import pytest

import warmup_optax as wo

GOLDEN = Path(__file__).parents[1] / "golden" / "range_test.json"
CASES = json.loads(GOLDEN.read_text())["cases"]
IDS = [case["id"] for case in CASES]


def floats(values):
    return np.array([float(x) for x in values])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_fastai(case):
    """Raw losses in, the defaults: its smoothing, its stop, its slices, its two readings."""
    if case["id"] == "noise 60":  # fastai reads a rate off it
        with pytest.raises(ValueError, match="losses must be falling by more than noise does"):
            wo.suggest_learning_rate(case["rates"], floats(case["losses"]))
        return
    found = wo.suggest_learning_rate(case["rates"], floats(case["losses"]))
    assert found.steepest == case["steep"]
    assert found.valley == case["valley"]
    smoothed = floats(case["smoothed"])[len(case["rates"]) // 10 :]
    # 12 digits in the file
    np.testing.assert_allclose(found.losses, smoothed[: len(found.losses)], rtol=1e-11)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["id"] != "noise 60"], ids=lambda case: case["id"]
)
def test_lightning(case):
    """On a curve that is smoothed already, as its callback keeps it."""
    smoothed = floats(case["smoothed"])
    rates = case["rates"][: len(smoothed)]
    found = wo.suggest_learning_rate(rates, smoothed, smoothing=0.0, blow_up=None, skip_begin=10, skip_end=1)
    assert found.steepest_per_rate == case["lightning"]


RATES = wo.sample(wo.geometric(1e-6, 1.0, 59), range(60))
FALLING = np.linspace(3.0, 1.0, 60)


def test_a_curve_that_only_falls():
    """The whole of it is the valley, and half way on a log axis is its middle."""
    found = wo.suggest_learning_rate(RATES, FALLING, smoothing=0.0, skip_begin=0, skip_end=0)
    assert found.valley == float(RATES[60 - 1 - 60 + 20 + 10])
    assert len(found.rates) == len(found.losses) == 60


def test_what_follows_a_blow_up_is_not_read():
    """Neither the decrease from a high loss nor its noise."""
    losses = FALLING.copy()
    losses[40:] = [50.0, 5.0] * 10
    found = wo.suggest_learning_rate(RATES, losses, smoothing=0.0)
    same = wo.suggest_learning_rate(RATES[:41], losses[:41], smoothing=0.0, skip_begin=6)
    assert (found.steepest, found.valley) == (same.steepest, same.valley)
    assert found.rates[-1] == RATES[35]
    assert wo.suggest_learning_rate(RATES, losses, smoothing=0.0, blow_up=None).steepest >= RATES[40]


def test_losses_below_0_have_no_blow_up():
    with pytest.raises(
        ValueError, match=r"suggest_learning_rate: blow_up must be None for losses below 0, got 4\.0; write"
    ):
        wo.suggest_learning_rate(RATES, FALLING - 2)
    found, same = (
        wo.suggest_learning_rate(RATES, losses, smoothing=0.0, blow_up=None)
        for losses in (FALLING - 2, FALLING)
    )
    assert found.valley == same.valley


@pytest.mark.parametrize(
    ("rates", "losses", "options", "message"),
    [
        (
            RATES,
            FALLING[:-1],
            {},
            "losses must be of length 60, the number of rates, got .* its length is 59",
        ),
        (RATES[::-1], FALLING, {}, "rates must be positive numbers, each greater than the one before"),
        (RATES - 1e-6, FALLING, {}, "rates must be positive numbers"),
        (
            RATES,
            4 - FALLING,
            {},
            r"losses must be falling by more than noise does .* these fall by 0\.0: begin",
        ),
        (RATES, FALLING * np.nan, {}, "losses must be at least 21 before the blow-up"),
        (RATES, FALLING, {"skip_begin": 58}, "losses must be at least 21 .* 0 remain"),
        (RATES, FALLING, {"smoothing": 1.0}, r"smoothing must be a number in \[0, 1\), got 1.0"),
        (RATES, FALLING, {"smoothing": -0.1}, "smoothing must be a finite number >= 0"),
        (RATES, FALLING, {"skip_end": -1}, "skip_end must be a whole number of steps >= 0"),
        (RATES, FALLING, {"blow_up": 1.0}, "blow_up must be a finite number > 1"),
        (0.1, FALLING, {}, "rates must be a sequence of numbers, one for each update"),
        (RATES, ["a", "b"], {}, "losses must be a sequence of numbers"),
    ],
)
def test_bad_input(rates, losses, options, message):
    with pytest.raises((ValueError, TypeError), match=f"suggest_learning_rate: {message}"):
        wo.suggest_learning_rate(rates, losses, **options)


SWEEP = np.geomspace(1e-6, 1.0, 100)


def error_of(losses, **options):
    try:
        wo.suggest_learning_rate(SWEEP[: len(losses)], losses, **options)
    except ValueError as error:
        return "losses must be falling by more than noise does" in str(error)
    return False


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("level", [0.0, 1.4, -3.1, 1e-30])
@pytest.mark.parametrize("smoothing", [0.0, 0.98])
def test_a_flat_loss_has_no_rate(dtype, level, smoothing):
    """The smoothing of a constant wobbles by its rounding (davidtvs/pytorch-lr-finder#10)."""
    assert error_of(np.full(100, level, dtype), smoothing=smoothing, blow_up=None)


def test_the_rounding_of_float32_is_no_fall():
    """A loss that is constant but for its last bit."""
    bits = np.random.default_rng(0).integers(-1, 2, 100)
    losses = np.float32(1.4) + bits.astype(np.float32) * np.spacing(np.float32(1.4))
    losses[70:] -= np.spacing(np.float32(1.4))
    assert error_of(losses)


NOISES = {
    "normal": lambda random, n: random.normal(size=n),
    "uniform": lambda random, n: random.random(n),
    "heavy tails": lambda random, n: random.standard_t(2, n),
    "skewed": lambda random, n: random.lognormal(size=n),
    "two values": lambda random, n: random.integers(0, 2, n).astype(float),
    "few spikes": lambda random, n: (random.random(n) < 0.03).astype(float),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("length", [30, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_noise_has_no_rate(noise, length):
    """At most 1 in 250 series of pure noise are read, so that of 500 more than 8 have a probability of 0.02 %."""
    random = np.random.default_rng(length)
    series = [10 + NOISES[noise](random, length) for _ in range(500)]
    assert sum(not error_of(losses, blow_up=None, skip_end=0) for losses in series) <= 8


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("blown_up", [False, True])
def test_a_real_fall_is_read(seed, blown_up):
    """A loss that is flat, falls by four times its noise around 1e-3, and blows up from 0.3 on or does not."""
    losses = 2.3 - 0.4 / (1 + (SWEEP / 1e-3) ** -1.5) + 0.1 * np.random.default_rng(seed).normal(size=100)
    if blown_up:
        losses += np.maximum(0, SWEEP - 0.3) * 30
    found = wo.suggest_learning_rate(SWEEP, losses)
    assert 1e-6 < found.valley < 1


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_the_size_of_the_losses_does_not_matter(shift):
    """Ranks are the same for every scale: a fall of 1e-3 without noise is one, from 10 and from 10,000."""
    losses = 10 + shift - 1e-3 * (10 + shift) / (1 + (SWEEP / 1e-3) ** -1)
    assert not error_of(losses)
