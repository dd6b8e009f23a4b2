"""Errors for bad arguments of the ports name the original's arguments."""

import importlib
import inspect
import typing

import jax
import pytest

import warmup_optax as wo
from warmup_optax.compat import (
    fairseq,
    keras,
    levanter,
    mmengine,
    optax,
    paddle,
    timm,
    torch,
    transformers,
)
from warmup_optax.compat._arguments import Declared

# A good value for each argument that has no default, by module and constructor or for all of them.
GOOD = {
    "boundaries": [4, 8],
    "values": [1.0, 0.5, 0.25],
    "milestones": [4],
    "schedulers": [1.0, 0.5],
    "schedules": [1.0, 0.5],
    "cosine_kwargs": [{"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 2, "decay_steps": 6}],
    "after_warmup_lr_sched": 0.5,
    "decay_schedule_fn": 0.5,
    "schedule": 0.5,
    "lr": 0.25,
    "max_lr": 0.5,
    "lr_warmup_steps": 2,
    "lr_decay_steps": 8,
    "lr_decay_style": "linear",
    "init_lr": 0.0,
    "min_lr": 0.0,
    "decay_steps": 8,
    "total_steps": 20,
    "total_num_update": 20,
    "start_lr": 0.0,
    "end_lr": 0.5,
    "max_update": 20,
    "num_training_steps": 20,
    "name": "linear",
    "interpolate_type": "linear",
    "learning_rate": 0.25,
    "decay_t": 4,
    "t_initial": 8,
}
SPECIAL = {
    ("transformers", "from_config"): {"config": {"learning_rate": 0.1}, "num_training_steps": 20},
    ("fairseq", "from_config"): {
        "config": {"lr_scheduler": {"_name": "fixed"}, "optimization": {"lr": [0.1]}},
    },
    ("optax", "join_schedules"): {"boundaries": [4]},
    ("paddle", "MultiStepDecay"): {"milestones": [4, 8]},
    ("tfm", "StepCosineDecayWithOffset"): {"values": [1.0, 0.5]},
    ("timm", "MultiStepLRScheduler"): {"decay_t": [4, 8]},
    ("fairseq", "TriStageLRSchedule"): {"decay_steps": 4},
    ("torch", "OneCycleLR"): {"total_steps": 20},
    ("fairseq", "CosineLRSchedule"): {"max_update": 20},
    ("transformers", "get_wsd_schedule"): {"num_training_steps": 20},
    ("transformers", "get_scheduler"): {"num_warmup_steps": 2, "num_training_steps": 20},
    ("transformers", "get_cosine_with_min_lr_schedule_with_warmup"): {"min_lr": 0.1},
    ("transformers", "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"): {"min_lr": 0.1},
    ("keras", "lr_warmup_cosine_decay"): {"total_steps": 20},
    ("pytorch_warmup", "RAdamWarmup"): {"b2": 0.9},
}
LIBRARIES = (
    "fairseq",
    "keras",
    "mediapipe",
    "megatron",
    "optax",
    "paddle",
    "pytorch_warmup",
    "tfm",
    "timm",
    "torch",
    "transformers",
)


def constructors():
    """``(library, name, constructor)`` of every port."""
    for library in LIBRARIES:
        module = importlib.import_module(f"warmup_optax.compat.{library}")
        for name in module.__all__:
            yield library, name, getattr(module, name)


def declared(constructor):
    """The declaration in the annotation of each argument."""
    hints = typing.get_type_hints(inspect.unwrap(constructor), include_extras=True)
    return {name: Declared(hints.get(name)) for name in inspect.signature(constructor).parameters}


def good_arguments(library, name, constructor):
    given = SPECIAL.get((library, name), {})
    arguments, found = {}, declared(constructor)
    for parameter in inspect.signature(constructor).parameters.values():
        if parameter.name in given:
            arguments[parameter.name] = given[parameter.name]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            number = 4 if int in found[parameter.name].kinds else 0.25
            arguments[parameter.name] = GOOD.get(parameter.name, number)
    return arguments


def numeric(constructor):
    """The names of its arguments that are numbers, and whether they are lengths."""
    found = declared(constructor).items()
    numbers = {name: x for name, x in found if x.kinds and x.kinds <= {int, float, jax.Array}}
    return {
        name: x.range.startswith(("a whole number >= 0", "a whole number >= 1"))
        for name, x in numbers.items()
    }


PORTS = list(constructors())


@pytest.mark.parametrize(
    ("library", "name", "constructor"), PORTS, ids=lambda x: x if isinstance(x, str) else ""
)
def test_every_number_is_checked_under_its_own_name(library, name, constructor):
    where = f"compat.{library}.{name}"
    good = good_arguments(library, name, constructor)
    assert isinstance(constructor(**good), wo.Schedule)
    for argument, is_length in numeric(constructor).items():
        bad = ["4", float("nan"), float("inf"), True, [1, 2]]
        bad += [-3] * is_length
        for value in bad:
            with pytest.raises((wo.ArgumentError, wo.ArgumentTypeError)) as caught:
                constructor(**good | {argument: value})
            error = caught.value
            assert str(error).startswith(f"{where}: {argument} must be "), str(error)
            assert (error.function, error.argument) == (where, argument)
            assert error.allowed
            assert error.value is value or str(error.value) == str(value)


@pytest.mark.parametrize(
    ("build", "argument"),
    [
        (lambda: torch.MultiStepLR(1.0, [3, "5"]), "milestones[1]"),
        (lambda: torch.MultiStepLR(1.0, 3), "milestones"),
        (lambda: torch.SequentialLR(1.0, [1.0]), "schedulers"),
        (lambda: torch.SequentialLR([1.0, 0.5], [-1]), "milestones[0]"),
        (lambda: torch.SequentialLR([1.0, "x"], [4]), "schedulers[1]"),
        (lambda: torch.ChainedScheduler(1.0, []), "schedulers"),
        (lambda: torch.CyclicLR(0.0, 1.0, 4, mode="saw"), "mode"),
        (lambda: torch.OneCycleLR(1.0, 10, pct_start=0.1), "pct_start"),
        (lambda: paddle.OneCycleLR(1.0, 10, phase_pct=0.1), "phase_pct"),
        (lambda: paddle.PiecewiseDecay([4, 2], [1.0, 0.5, 0.1]), "boundaries[1]"),
        (lambda: paddle.PiecewiseDecay([4], [1.0, float("nan")]), "values[1]"),
        (lambda: paddle.PolynomialDecay(1.0, 0), "decay_steps"),
        (lambda: keras.PiecewiseConstantDecay(["4"], [1.0, 0.5]), "boundaries[0]"),
        (lambda: keras.ExponentialDecay(1.0, 9, 0.5, staircase="no"), "staircase"),
        (lambda: transformers.get_cosine_with_hard_restarts_schedule_with_warmup(1.0, 2, 9, 0), "num_cycles"),
        (lambda: transformers.get_scheduler("linear", 1.0, -2, 9), "num_warmup_steps"),
        (lambda: timm.CosineLRScheduler(1.0, 8, lr_max=2.0), "lr_max"),
        (lambda: timm.CosineLRScheduler(1.0, 8, noise_range_t=0.5), "noise_range_t"),
        (lambda: timm.MultiStepLRScheduler(1.0, ["4"]), "decay_t[0]"),
        (lambda: timm.WSDLRScheduler(1.0, 8, 9), "decay_t"),
        (lambda: fairseq.FixedLRSchedule(["x"]), "lr[0]"),
        (lambda: fairseq.TriStageLRSchedule(1.0, phase_ratio=[0.5, 0.5], max_update=9), "phase_ratio"),
        (lambda: optax.piecewise_constant_schedule(1.0, [(4, 0.5)]), "boundaries_and_scales"),
        (lambda: optax.cosine_onecycle_schedule(9, 1.0, pct_start=-0.5), "pct_start"),
        (lambda: optax.sgdr_schedule([GOOD["cosine_kwargs"][0] | {"decay_steps": 1}]), "cosine_kwargs[0]"),
        (lambda: optax.join_schedules([1.0, 0.5], ["4"]), "boundaries[0]"),
    ],
)
def test_an_invalid_number_is_reported_under_its_name(build, argument):
    with pytest.raises((wo.ArgumentError, wo.ArgumentTypeError)) as caught:
        build()
    assert caught.value.function.startswith("compat.")
    assert caught.value.argument.startswith(argument)
    assert f": {argument}" in str(caught.value)


def misspelled():
    """Every port, and the longest name of its arguments."""
    for library in wo.compat.__all__:
        module = importlib.import_module(f"warmup_optax.compat.{library}")
        for name in module.__all__:
            constructor = getattr(module, name)
            if inspect.isfunction(constructor):
                longest = max(inspect.signature(constructor).parameters, key=len)
                yield pytest.param(constructor, longest, id=f"{library}-{name}")


@pytest.mark.parametrize(("constructor", "argument"), list(misspelled()))
def test_an_error_suggests_the_name_of_a_misspelled_argument(constructor, argument):
    with pytest.raises(wo.ArgumentTypeError, match=f"; write {argument}=3$") as caught:
        constructor(**{argument + "s": 3})
    assert caught.value.argument == argument + "s"
    assert (
        caught.value.function == f"compat.{constructor.__module__.rpartition('.')[2]}.{constructor.__name__}"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: mmengine.param_schedulers([{"type": "PolyLR", "powr": 2}], lr=1.0), "did you mean power?"),
        (
            lambda: fairseq.from_config({"lr_scheduler": {"_name": "fixed", "lr_shrnk": 1}}),
            r"lr_scheduler\.lr_shrnk must be left out, got 1; fixed has .*; did you mean lr_shrink",
        ),
        (
            lambda: levanter.from_config({"lr_schedul": "linear"}, num_train_steps=9),
            r"optimizer\.lr_schedul must be left out, .* did you mean lr_schedule",
        ),
    ],
)
def test_an_error_suggests_the_key_of_a_configuration(build, message):
    with pytest.raises(wo.ArgumentError, match=message):
        build()


def test_jax_raises_its_error_for_a_tracer():
    with pytest.raises(jax.errors.JAXTypeError):
        jax.jit(lambda rate: torch.LinearLR(float(rate))(0))(1.0)


def test_a_tracer_that_phases_depend_on_raises_an_error():
    with pytest.raises(
        wo.ArgumentTypeError, match=r"^compat\.torch\.OneCycleLR: total_steps must be a concrete"
    ):
        jax.jit(lambda n: torch.OneCycleLR(1.0, n)(0))(10)
