"""Calls as users of other libraries type them first: the error says what to write instead."""

import functools
import inspect
import re
import types

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._core import checks


class Parabola(wo.Schedule):
    peak_value: float
    steps: int = wo.steps()

    def evaluate(self, time):
        return self.peak_value * (1 - time.ratio(1) ** 2 / self.steps**2)


def public():
    """Every name that a user calls: functions, classes to construct, and methods."""
    found = {"Parabola": Parabola}
    for module in (wo, wo.shapes, wo.feedback, wo.nodes):
        prefix = "" if module is wo else module.__name__.rpartition(".")[2] + "."
        found |= {f"{prefix}{name}": getattr(module, name) for name in module.__all__}
    for cls in (wo.TrainingRun, wo.nodes.Groups):
        methods = {name: x for name, x in vars(cls).items() if inspect.isfunction(x) and name[0] != "_"}
        found |= {f"{cls.__name__}.{name}": functools.partial(x, None) for name, x in methods.items()}
    kinds = types.FunctionType, functools.partial, type(wo.Schedule)
    found = {name: x for name, x in found.items() if isinstance(x, kinds) and not inspect.isabstract(x)}
    return found | {"TrainingRun": wo.TrainingRun}


def named(function):
    """The arguments that can be given by name."""
    parameters = inspect.signature(function).parameters.values()
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return [p.name for p in parameters if p.kind in kinds]


CALLED = {name: function for name, function in public().items() if named(function)}


def caught(call):
    with pytest.raises(TypeError) as info:
        call()
    return info.value


@pytest.mark.parametrize("name", CALLED)
def test_misspelled_arguments(name):
    """A letter doubled, and the last one left out, of every argument of everything public."""
    function = CALLED[name]
    for argument in named(function):
        for wrong in (argument[0] + argument, argument[:-1]):
            if len(wrong) < 2 or wrong in named(function):  # b of b1 and b2
                continue
            error = caught(lambda wrong=wrong: function(**{wrong: 3}))
            assert isinstance(error, wo.ArgumentTypeError)
            assert error.argument == wrong
            assert error.function == re.sub("^(shapes|feedback|nodes).", "", name)
            assert error.allowed == f"one of its arguments, {', '.join(named(function))}"
            assert error.fix.partition(";")[0] == f"write {argument}=3"


def test_every_kind_of_call_is_tried():
    functions = {name for name in wo.__all__ if inspect.isfunction(getattr(wo, name))}
    without_names = {"config_schema", "maximum", "minimum", "path_mask", "scheduled"}
    assert functions - set(CALLED) == without_names
    assert {"TrainingRun.steps", "Groups.describe", "feedback.Spike", "shapes.rex", "nodes.Join"} <= set(
        CALLED
    )


@pytest.mark.parametrize(
    ("call", "fix"),
    [
        (lambda: wo.minimum(schedules=[1.0, 2.0]), "write minimum(1.0, 2.0)"),
        (lambda: wo.path_mask(patterns="kernel"), "write path_mask('kernel')"),
    ],
)
def test_arguments_without_a_name(call, fix):
    assert fix in str(caught(call))


def test_an_error_of_the_function_itself_is_its_own():
    def failing(count, *, scale=1):
        return failing(count, scal=scale)

    for called in (failing, checks.by_name(lambda count: int(count, bas=3))):
        error = caught(lambda called=called: called(3))
        assert not isinstance(error, wo.ArgumentTypeError)
    error = caught(lambda: wo.sample(lambda count: failing(count), [3]))
    assert "scal" in str(error)


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
