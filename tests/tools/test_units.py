"""Units: epochs, examples, tokens and fractions in steps, against loops that count and exact fractions."""

import copy
import dataclasses
import decimal
import math
import pickle
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given

import warmup_optax as wo

RUN: dict[str, Any] = {"num_examples": 1000, "batch_size": 10, "num_epochs": 3}


def test_the_paddle_note():
    """118,287 images at batch 64: 4,000 iterations are 2.16 epochs; of 22,720 images 2.16 epochs are 766."""
    assert round(wo.TrainingRun(num_examples=118_287, batch_size=64).epochs(4000), 2) == 2.16
    run = wo.TrainingRun(num_examples=22_720, batch_size=64, num_epochs=2.16)
    assert run.steps_per_epoch == 355
    assert run.total_steps == run.steps(epochs=2.16) == run.steps(fraction=1) == 766


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("accumulation_steps", [1, 3, 7])
def test_a_loop_that_counts(drop_last, accumulation_steps):
    """Every unit is what a loop over a loader, with the accumulation of `optax.MultiSteps`, counts."""
    num_examples, batch_size, num_epochs, tokens_per_example = 53, 5, 4, 11
    run = wo.TrainingRun(
        num_examples=num_examples,
        batch_size=batch_size,
        num_epochs=num_epochs,
        drop_last=drop_last,
        accumulation_steps=accumulation_steps,
        tokens_per_example=tokens_per_example,
    )
    optimizer = optax.MultiSteps(optax.sgd(0.1), accumulation_steps)
    state: Any = optimizer.init(jnp.zeros(()))
    with jax.numpy_dtype_promotion("standard"):  # which MultiSteps needs
        update = jax.jit(optimizer.update).lower(jnp.ones(()), state).compile()
    examples = 0
    for epoch in range(num_epochs):
        for first in range(0, num_examples, batch_size):
            size = min(batch_size, num_examples - first)
            if size < batch_size and drop_last:
                continue
            _, state = update(jnp.ones(()), state)
            # every count of examples that this batch completes
            examples += size
            done = int(state.gradient_step)
            assert run.steps(examples=examples) == done
            assert run.steps(tokens=examples * tokens_per_example) == done
            assert run.steps(tokens=(examples + 1) * tokens_per_example - 1) == done
        assert run.steps(epochs=epoch + 1) == int(state.gradient_step)
        if not epoch:
            assert run.steps_per_epoch == int(state.gradient_step)
    assert run.total_steps == int(state.gradient_step)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.29", 0.29),
        ("0.29", np.float64(0.29)),
        ("0.29", np.float32(0.29)),
        ("0.29", jnp.float32(0.29)),
        ("0.29", np.array(0.29)),
        ("0.29", decimal.Decimal("0.29")),
        ("1e-2", 1e-2),
        ("1", 1),
        ("1", 1.0),
        ("1", np.int8(1)),
        ("1/3", Fraction(1, 3)),
        ("1/3", 1 / 3),
        ("0.8", 0.7 + 0.1),
        ("0.3", 0.1 + 0.2),
    ],
)
def test_a_float_is_the_number_that_was_meant(written, value):
    for total in (10, 100, 300, 12_345, 10**9):
        exact = math.floor(Fraction(written) * total)
        assert wo.TrainingRun(num_examples=1, batch_size=1, total_steps=total).steps(fraction=value) == exact
        assert wo.TrainingRun(num_examples=total, batch_size=1).steps(epochs=value) == exact


@given(
    st.integers(1, 10**7),
    st.integers(1, 10**4),
    st.integers(1, 9),
    st.booleans(),
    st.decimals(0, 1000, places=4),
)
def test_exact_rational_arithmetic(num_examples, batch_size, accumulation_steps, drop_last, epochs):
    batches = num_examples // batch_size if drop_last else -(-num_examples // batch_size)
    arguments = {"num_examples": num_examples, "batch_size": batch_size, "drop_last": drop_last}
    if not batches:
        with pytest.raises(ValueError, match="leaves no batch"):
            wo.TrainingRun(**arguments)
        return
    run = wo.TrainingRun(**arguments, accumulation_steps=accumulation_steps)
    exact = math.floor(Fraction(epochs) * batches / accumulation_steps)
    assert run.steps(epochs=float(epochs)) == exact
    assert run.steps(epochs=epochs) == exact
    if exact:
        assert wo.TrainingRun(
            **arguments, accumulation_steps=accumulation_steps, num_epochs=float(epochs)
        ) == (wo.TrainingRun(**arguments, accumulation_steps=accumulation_steps, num_epochs=epochs))


@given(st.integers(1, 10**9), st.integers(1, 10**4), st.integers(1, 9), st.integers(0, 10**12))
def test_epochs_is_the_inverse_of_steps(num_examples, batch_size, accumulation_steps, steps):
    run = wo.TrainingRun(
        num_examples=num_examples,
        batch_size=batch_size,
        drop_last=False,
        accumulation_steps=accumulation_steps,
    )
    assert run.steps(epochs=run.epochs(steps)) == steps


def test_a_run_is_a_value():
    run = wo.TrainingRun(**RUN)
    same = wo.TrainingRun(num_examples=np.int32(1000), batch_size=10.0, num_epochs=jnp.asarray(3))
    assert run == same == pickle.loads(pickle.dumps(run)) == copy.deepcopy(run)
    assert hash(run) == hash(same)
    assert run == wo.TrainingRun(**RUN, total_steps=300)
    assert run != wo.TrainingRun(**dict(RUN, num_epochs=4))
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.batch_size = 3  # pyright: ignore[reportAttributeAccessIssue]
    assert type(run.total_steps) is type(run.steps_per_epoch) is type(run.steps(fraction=0.5)) is int


@pytest.mark.parametrize(
    "text",
    [
        "TrainingRun(num_examples=1000, batch_size=10)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=3)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=2.16)",
        "TrainingRun(num_examples=1000, batch_size=10, total_steps=777)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=1, drop_last=False, accumulation_steps=4, "
        "tokens_per_example=1)",
    ],
)
def test_repr_is_code(text):
    run = eval(text, {"TrainingRun": wo.TrainingRun})
    assert repr(run) == text
    assert eval(repr(run), {"TrainingRun": wo.TrainingRun}) == run


def test_a_number_of_steps_goes_through():
    run = wo.TrainingRun(**RUN)
    assert run.steps(steps=0) == 0
    assert run.steps(steps=np.int64(12)) == 12
    assert run.steps(epochs=0) == run.steps(fraction=0) == run.steps(examples=0) == 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"num_examples": 0}, ValueError, "num_examples must be a finite number >= 1, got 0"),
        ({"num_examples": 10.5}, ValueError, "num_examples must be a whole number >= 1, got 10.5"),
        ({"num_examples": "10"}, TypeError, "num_examples .* without quotes"),
        ({"batch_size": True}, TypeError, "batch_size .* bool"),
        ({"batch_size": -1}, ValueError, "batch_size"),
        (
            {"batch_size": 1001},
            ValueError,
            "batch_size=1001 is more than num_examples=1000.*drop_last=False",
        ),
        ({"num_epochs": math.nan}, ValueError, "num_epochs"),
        ({"num_epochs": -1}, ValueError, "num_epochs"),
        (
            {"num_epochs": 0.001},
            ValueError,
            "num_epochs=0.001 is shorter than one step of 10 examples",
        ),
        ({"num_epochs": 0}, ValueError, "shorter than one step"),
        (
            {"total_steps": 301},
            ValueError,
            "num_epochs=3 is 300 steps, got total_steps=301; give one of them",
        ),
        ({"num_epochs": None, "total_steps": 0}, ValueError, "total_steps"),
        ({"drop_last": 1}, TypeError, "drop_last must be True or False"),
        ({"accumulation_steps": 0}, ValueError, "accumulation_steps"),
        ({"tokens_per_example": 0}, ValueError, "tokens_per_example"),
    ],
)
def test_a_bad_run_is_refused(changes, error, says):
    with pytest.raises(error, match=f"TrainingRun: .*{says}"):
        wo.TrainingRun(**RUN | changes)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (
            {},
            TypeError,
            "exactly one of steps, epochs, examples, tokens, fraction must be given, got none",
        ),
        ({"steps": 1, "epochs": 0.5}, TypeError, "exactly one of .* got steps=1 and epochs=0.5"),
        ({"steps": 1.5}, ValueError, "steps must be a whole number >= 0, got 1.5"),
        ({"steps": -1}, ValueError, "steps"),
        ({"epochs": -0.1}, ValueError, "epochs"),
        ({"epochs": math.inf}, ValueError, "epochs"),
        ({"examples": 0.5}, ValueError, "examples"),
        (
            {"fraction": 10},
            ValueError,
            "fraction must be a number between 0 and 1, got 10; divide a percentage",
        ),
        ({"fraction": [0.1]}, TypeError, "fraction"),
        ({"tokens": 10}, ValueError, "tokens=10 .* give TrainingRun tokens_per_example"),
    ],
)
def test_a_bad_duration_is_refused(arguments, error, says):
    with pytest.raises(error, match=f"TrainingRun.steps: .*{says}"):
        wo.TrainingRun(**RUN).steps(**arguments)


def test_a_run_without_a_length_says_so():
    run = wo.TrainingRun(num_examples=1000, batch_size=10)
    assert run.steps(epochs=1.5) == 150
    for ask in (lambda: run.total_steps, lambda: run.steps(fraction=0.1)):
        with pytest.raises(ValueError, match="the run has no length; give num_epochs or total_steps"):
            ask()


def test_traced_numbers_are_refused():
    with pytest.raises(TypeError, match=r"TrainingRun.steps: epochs .* outside of jit"):
        jax.jit(lambda x: wo.TrainingRun(**RUN).steps(epochs=x))(1.0)
    with pytest.raises(TypeError, match=r"scale_learning_rate: base_value .* outside of jit"):
        jax.jit(lambda x: wo.scale_learning_rate(x, batch_size=512))(1.0)


def test_scale_learning_rate():
    assert wo.scale_learning_rate(0.1, batch_size=8192) == 3.2
    assert wo.scale_learning_rate(0.1, batch_size=768) == 0.3  # not 0.30000000000000004
    assert wo.scale_learning_rate(0.1, batch_size=64, base_batch_size=128) == 0.05
    assert wo.scale_learning_rate(np.float32(0.1), batch_size=256) == 0.1
    assert wo.scale_learning_rate(-0.1, batch_size=512) == -0.2
    assert wo.scale_learning_rate(1e-3, batch_size=1024, rule="sqrt") == 2e-3
    assert wo.scale_learning_rate(1.0, batch_size=512, rule="sqrt") == math.sqrt(2)
    scaled = wo.constant(0.1) * wo.scale_learning_rate(1.0, batch_size=512)
    assert float(scaled(0)) == pytest.approx(0.2, rel=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 32.5}, ValueError, "batch_size must be a whole number >= 1, got 32.5"),
        ({"batch_size": 32, "base_batch_size": 0}, ValueError, "base_batch_size"),
        (
            {"batch_size": 32, "rule": "log"},
            ValueError,
            "rule must be one of 'linear', 'sqrt', got 'log'",
        ),
        ({"base_value": math.nan, "batch_size": 32}, ValueError, "base_value"),
        ({"base_value": wo.constant(0.1), "batch_size": 32}, TypeError, "base_value"),
    ],
)
def test_a_bad_scaling_is_refused(arguments, error, says):
    with pytest.raises(error, match=f"scale_learning_rate: .*{says}"):
        wo.scale_learning_rate(**{"base_value": 0.1} | arguments)


@pytest.mark.parametrize(
    ("b2", "steps"),
    [
        (0.999, 2000),
        (np.float32(0.999), 2000),
        (jnp.float32(0.999), 2000),
        (0.99, 200),
        (0.98, 100),
        (0.95, 40),
        (0.9999, 20_000),
        (0.9999999, 20_000_000),
        (0.997, 666),
        (1 - 1 / 1500, 3000),
        (1 - 1 / 7000, 14_000),
        (0, 2),
        (0.0, 2),
    ],
)
def test_adam_warmup_steps(b2, steps):
    assert wo.adam_warmup_steps(b2) == steps


@pytest.mark.parametrize("b2", [1, 1.0, 1.5, -0.1, math.nan])
def test_a_bad_b2_is_refused(b2):
    with pytest.raises(ValueError, match=f"adam_warmup_steps: b2 must be .*, got {b2}"):
        wo.adam_warmup_steps(b2)
