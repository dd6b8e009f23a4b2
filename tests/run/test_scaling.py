"""A run's numbers at another batch size or length."""

import math
from fractions import Fraction

import jax
import numpy as np
import pytest

import warmup_optax as wo

ADAM = {"learning_rate": 3e-4, "b1": 0.9, "b2": 0.95, "eps": 1e-8, "weight_decay": 0.1}


def scaled(batch_size, base_batch_size=256, **arguments):
    return wo.scale_hyperparams(
        **({"batch_size": batch_size, "base_batch_size": base_batch_size} | ADAM | arguments)
    )


def test_the_square_root_rule():
    """The rule of Malladi et al. where the root is rational: the decimals that one would write."""
    assert scaled(1024) == {
        "learning_rate": 6e-4,
        "b1": 0.6,
        "b2": 0.8,
        "eps": 5e-9,
        "weight_decay": 0.2,
    }
    assert scaled(64) == {
        "learning_rate": 1.5e-4,
        "b1": 0.975,
        "b2": 0.9875,
        "eps": 2e-8,
        "weight_decay": 0.05,
    }


def test_an_irrational_root():
    found = scaled(512)
    assert found["learning_rate"] == pytest.approx(3e-4 * math.sqrt(2), rel=1e-15)
    assert found["eps"] == pytest.approx(1e-8 / math.sqrt(2), rel=1e-15)
    assert (found["b1"], found["b2"]) == (0.8, 0.9)  # not 0.8000000000000000x


def test_the_linear_rule_changes_the_rate_alone():
    """Goyal et al., section 2.1: everything else is kept."""
    found = scaled(8192, rule="linear", learning_rate=0.1, b1=0.9, eps=1e-8, weight_decay=1e-4)
    assert found == {"learning_rate": 3.2, "b1": 0.9, "b2": 0.95, "eps": 1e-8, "weight_decay": 1e-4}


@pytest.mark.parametrize("rule", ["sqrt", "linear"])
@pytest.mark.parametrize("length_ratio", [1, 2, 0.5, Fraction(1, 3)])
def test_the_timescale_of_weight_decay_is_a_fraction_of_the_run(rule, length_ratio):
    """1 / (rate * weight decay) updates of B examples, divided by the examples of the run."""
    found = scaled(512, b1=None, rule=rule, length_ratio=length_ratio)
    timescale = 512 / (found["learning_rate"] * found["weight_decay"]) / float(length_ratio)
    assert timescale == pytest.approx(256 / (3e-4 * 0.1), rel=1e-14)


def test_the_memory_of_a_moment_is_the_same_number_of_examples():
    found = scaled(1000, base_batch_size=250)
    for name in ("b1", "b2"):
        assert 1000 / (1 - found[name]) == pytest.approx(250 / (1 - ADAM[name]), rel=1e-14)


@pytest.mark.parametrize("rule", ["sqrt", "linear"])
def test_there_and_back(rule):
    there = scaled(768, rule=rule, length_ratio=3)
    back = wo.scale_hyperparams(
        **there, batch_size=256, base_batch_size=768, rule=rule, length_ratio=Fraction(1, 3)
    )
    assert back == pytest.approx(ADAM, rel=1e-14)


@pytest.mark.parametrize("rule", ["sqrt", "linear"])
def test_the_same_batch_and_length_change_nothing(rule):
    assert scaled(256, rule=rule) == ADAM
    assert scaled(256, rule=rule, b1=0.0)["b1"] == 0.0


def test_only_what_was_given_comes_back():
    assert scaled(512, b1=None, b2=None, eps=None, weight_decay=None).keys() == {"learning_rate"}
    assert list(scaled(512, b2=None, eps=None)) == ["learning_rate", "b1", "weight_decay"]
    found = scaled(np.int64(512), learning_rate=np.float32(3e-4), length_ratio=np.float64(2))
    assert all(type(value) is float for value in found.values())


def test_the_rate_is_that_of_scale_learning_rate():
    for batch_size in (8, 200, 512, 1024):
        for rule in ("sqrt", "linear"):
            alone = wo.scale_learning_rate(3e-4, batch_size=batch_size, base_batch_size=256, rule=rule)
            assert scaled(batch_size, b1=None, b2=None, rule=rule)["learning_rate"] == alone


def test_where_the_rule_has_no_answer():
    assert scaled(2559)["b1"] == pytest.approx(1 - 2559 / 2560, rel=1e-9)
    says = (
        r"scale_hyperparams: b1 must be above 0.9 for a batch 10 times as large, got 0.9; k \(1 - b1\) is 1, "
        r"and the rule has no solution once this reaches 1: take less than 10 times the batch size"
    )
    with pytest.raises(ValueError, match=says):
        scaled(2560)
    with pytest.raises(ValueError, match=r"b2 must be above .* take less than 20 times"):
        scaled(2560 * 4, b1=None)
    assert scaled(2560, rule="linear")["b1"] == 0.9


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be"),
        ({"base_batch_size": 2.5}, ValueError, "base_batch_size must be a whole number >= 1, got 2.5"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate must be a finite number >= 0"),
        ({"learning_rate": None}, TypeError, "learning_rate must be"),
        ({"b1": 1.0}, ValueError, "b1 must be a number >= 0 and < 1, got 1.0"),
        ({"b2": -0.1}, ValueError, "b2 must be"),
        ({"eps": math.nan}, ValueError, "eps must be"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay must be"),
        ({"length_ratio": 0}, ValueError, "length_ratio must be a finite number > 0"),
        ({"rule": "square"}, ValueError, "rule must be one of 'linear', 'sqrt', got 'square'"),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error, match=f"scale_hyperparams: {says}"):
        scaled(**({"batch_size": 512} | arguments))


def test_traced_numbers():
    with pytest.raises(TypeError, match=r"scale_hyperparams: learning_rate .* outside of jit"):
        jax.jit(lambda x: scaled(512, learning_rate=x))(1.0)
