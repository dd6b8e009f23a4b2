"""What a learning-rate range test suggests: the readings of fastai and Lightning, and the errors."""

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
    found = wo.suggest_learning_rate(case["rates"], floats(case["losses"]))
    assert found.steepest == case["steep"]
    assert found.valley == case["valley"]
    smoothed = floats(case["smoothed"])[len(case["rates"]) // 10 :]
    # 12 digits in the file
    np.testing.assert_allclose(found.losses, smoothed[: len(found.losses)], rtol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=IDS)
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
    """Neither the fall from a high loss nor what is random there."""
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
        (RATES, FALLING[:-1], {}, "losses must be of length 60, as many as rates, got .* its length is 59"),
        (RATES[::-1], FALLING, {}, "rates must be positive numbers, each greater than the one before"),
        (RATES - 1e-6, FALLING, {}, "rates must be positive numbers"),
        (RATES, 4 - FALLING, {}, "losses must be falling somewhere"),
        (RATES, FALLING * np.nan, {}, "losses must be at least 3 before the blow-up"),
        (RATES, FALLING, {"skip_begin": 58}, "losses must be at least 3"),
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
