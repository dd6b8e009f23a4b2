"""Calls as users of other libraries type them first: the error says what to write instead."""

import inspect

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo

RECIPES = [name for name in wo.__all__ if name.startswith("warmup_")] + ["one_cycle"]


def caught(call):
    with pytest.raises(TypeError) as info:
        call()
    return info.value


def test_all_recipes_are_decorated():
    for name in RECIPES:
        function = getattr(wo, name)
        assert inspect.unwrap(function) is not function, name
        assert function.__name__ == name
        error = caught(lambda function=function: function(nonsense=1))
        assert error.argument == "nonsense"
        assert "peak_value" in str(error) or "values" in str(error)


@pytest.mark.parametrize(
    ("call", "written"),
    [
        (
            lambda: wo.warmup_cosine(3e-4, 100, 1000),
            "warmup_cosine(0.0003, warmup_steps=100, total_steps=1000)",
        ),
        (
            lambda: wo.warmup_cosine(3e-4, 100, 1000, 50, end_value=1e-5),
            "warmup_cosine(0.0003, warmup_steps=100, total_steps=1000, hold_steps=50, end_value=1e-05)",
        ),
        (lambda: wo.warmup_constant(3e-4, 100), "warmup_constant(0.0003, warmup_steps=100)"),
        (lambda: wo.one_cycle(0.1, 100), "one_cycle(0.1, total_steps=100)"),
    ],
)
def test_arguments_by_position(call, written):
    """The error writes the call, and the call that it writes is right."""
    error = caught(call)
    assert isinstance(error, wo.ArgumentTypeError)
    assert str(error).endswith(f"write {written}")
    assert isinstance(eval(f"wo.{written}"), wo.Schedule)


@pytest.mark.parametrize(
    ("call", "argument", "fix"),
    [
        (
            lambda: wo.warmup_cosine(3e-4, warmup_steps=100, decay_steps=1000),
            "decay_steps",
            "write total_steps=1000; it includes the warmup, as decay_steps of optax.warmup_cosine_decay",
        ),
        (lambda: wo.warmup_cosine(lr=3e-4, warmup_steps=1, total_steps=9), "lr", "write peak_value=0.0003"),
        (
            lambda: wo.warmup_linear(3e-4, num_warmup_steps=1, total_steps=9),
            "num_warmup_steps",
            "write warmup_steps=1",
        ),
        (lambda: wo.warmup_cosine(3e-4, warmup_steps=1, total_step=9), "total_step", "write total_steps=9"),
        (lambda: wo.one_cycle(3e-4, transition_steps=9), "transition_steps", "write total_steps=9"),
    ],
)
def test_arguments_of_another_name(call, argument, fix):
    error = caught(call)
    assert isinstance(error, wo.ArgumentTypeError)
    assert error.argument == argument
    assert fix in str(error)


def test_a_missing_argument_is_named():
    assert "total_steps" in str(caught(lambda: wo.warmup_cosine(3e-4, warmup_steps=1)))  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("name", RECIPES)
def test_the_signature_is_the_functions(name):
    assert list(inspect.signature(getattr(wo, name)).parameters) == list(
        inspect.signature(inspect.unwrap(getattr(wo, name))).parameters
    )


@pytest.mark.parametrize("value", [0.05, 0.1, 0.999])
@pytest.mark.parametrize(
    "call",
    [
        lambda value: wo.warmup_cosine(1e-3, warmup_steps=value, total_steps=1000),
        lambda value: wo.linear(1.0, 0.0, value),
        lambda value: wo.with_cooldown(wo.constant(1.0), begin=10, steps=value),
    ],
)
def test_a_fraction_of_the_run_as_steps(call, value):
    """Rounded it would be 0 or 1; the fix, as written, is a number of steps."""
    with pytest.raises(ValueError, match="for a fraction of the run write") as info:
        call(value)
    assert "round it" not in str(info.value)
    fix = f"TrainingRun(total_steps=...).steps(fraction={value:g})"
    assert fix in str(info.value)
    assert eval("wo." + fix.replace("...", "1000")) == round(1000 * value)


def test_other_steps_that_are_not_whole_are_rounded():
    with pytest.raises(ValueError, match=r"got 2\.5; round it: a step is one optimizer update"):
        wo.linear(1.0, 0.0, 2.5)


@pytest.mark.parametrize("text", ["3e-4", "6E-4", "1e5", "1.5e5", "-2e-3", b"3e-4"])
def test_a_number_that_yaml_reads_as_text(text):
    shown = text.decode() if isinstance(text, bytes) else text
    with pytest.raises(TypeError, match=r"YAML 1\.1 reads") as info:
        wo.constant(text)  # pyright: ignore[reportArgumentType]
    written = str(info.value).partition(": write ")[2].partition(",")[0]
    assert float(written) == float(shown)
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(shown) == shown  # a text
    assert yaml.safe_load(written) == float(shown)


def test_other_texts_have_quotes():
    with pytest.raises(TypeError, match=r"got '0\.1'; write the number without quotes"):
        wo.constant("0.1")  # pyright: ignore[reportArgumentType]


STATE = optax.adamw(wo.constant(0.1)).init({f"l{i}": jnp.ones((20, 20)) for i in range(100)})


@pytest.mark.parametrize("call", [wo.constant(0.1), lambda state: wo.sample(wo.constant(0.1), state)])
@pytest.mark.parametrize("state", [STATE, STATE[0]], ids=["state", "part"])
def test_a_state_as_the_count(call, state):
    """40,000 numbers are in it, and not in the message."""
    error = caught(lambda: call(state))
    assert len(str(error)) < 400
    assert str(error).endswith("of an optimizer's state take applied_value(schedule, opt_state)")
    assert "\n" not in str(error)


@pytest.mark.parametrize("make", [wo.warmup_cosine, wo.warmup_linear])
def test_a_run_of_no_steps(make):
    with pytest.raises(
        ValueError, match=f"{make.__name__}: total_steps must be a whole number of steps >= 1, got 0"
    ):
        make(0.1, warmup_steps=0, total_steps=0)


@pytest.mark.parametrize("make", [optax.scale, optax.sm3])
def test_an_optimizer_that_takes_no_schedule(make):
    params = {"w": jnp.ones(3)}
    optimizer = make(wo.constant(0.1))
    with pytest.raises(TypeError, match=r"takes no schedule: optax\.scale_by_schedule does"):
        optimizer.update(params, optimizer.init(params), params)


@pytest.mark.parametrize("array", [jnp.ones(3), [1.0, 2.0], np.ones((2, 2), np.float32)])
def test_a_schedule_times_an_array(array):
    for multiply in (lambda: wo.constant(0.1) * array, lambda: array * wo.constant(0.1)):
        error = caught(multiply)
        assert "call the schedule with a count first" in str(error)
