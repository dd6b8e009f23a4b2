"""The code that the editor copies is executed: its rates next to `sample` at every step of a run."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from support.editor import catalogue, in_node, needs_node

import warmup_optax as wo

TOTAL = 120
RUN = {"peak_value": 3e-4, "warmup_steps": 10, "total_steps": 100}
COSINE = {"kind": "cosine", "init_value": 0.1, "end_value": 0.01, "steps": 50}
STEPS = {"kind": "piecewise_constant", "values": [0.1, 0.02, 0.003], "boundaries": [10, 40]}
CONFIGS = [
    {"kind": "warmup_cosine", **RUN},
    {"kind": "warmup_cosine", **RUN, "end_value": 1e-5},
    {"kind": "warmup_cosine", **RUN, "hold_steps": 20, "init_value": 1e-6, "exponent": 2.0},
    {"kind": "warmup_linear", **RUN},
    {"kind": "warmup_linear", **RUN, "end_value": 3e-5, "hold_steps": 7},
    {"kind": "warmup_constant", "peak_value": 0.1, "warmup_steps": 30},
    {"kind": "warmup_polynomial", **RUN, "power": 2, "end_value": 1e-7},
    {
        "kind": "warmup_exponential",
        "peak_value": 0.1,
        "warmup_steps": 8,
        "decay_rate": 0.5,
        "transition_steps": 9,
    },
    {"kind": "warmup_inverse_sqrt", "peak_value": 0.1, "warmup_steps": 12},
    {"kind": "warmup_inverse_sqrt", "peak_value": 0.1, "warmup_steps": 0, "timescale": 30.0},
    {"kind": "warmup_stable_decay", **RUN, "decay_steps": 20},
    {"kind": "warmup_stable_decay", **RUN, "decay_steps": 20, "decay_shape": "linear", "init_value": 3e-5}
    | {"end_value": 3e-5},
    {
        "kind": "warmup_stable_decay",
        **RUN,
        "decay_steps": 20,
        "decay_shape": {"kind": "polynomial", "power": 2},
    },
    {"kind": "warmup_cosine_restarts", "peak_value": 0.1, "warmup_steps": 5, "cycle_steps": 20, "decay": 0.5},
    {
        "kind": "warmup_cosine_restarts",
        "peak_value": 0.1,
        "warmup_steps": 5,
        "cycle_steps": 20,
        "growth": 1.5,
    },
    {"kind": "warmup_piecewise_constant", "values": [0.1, 0.01], "boundaries": [50], "warmup_steps": 5},
    {"kind": "one_cycle", "peak_value": 0.1, "total_steps": 100},
    *({"kind": "constant", "value": 0.5}, COSINE, STEPS),
    {"kind": "exponential", "init_value": 0.1, "decay_rate": 0.9, "transition_steps": 10, "end_value": 0.04},
    {"kind": "exponential", "init_value": 0.1, "decay_rate": 0.9, "transition_steps": 10, "staircase": True},
    {"kind": "with_cooldown", "schedule": {"kind": "inverse_sqrt", "init_value": 0.1, "timescale": 20}}
    | {"begin": 60, "steps": 30, "shape": "one_minus_sqrt"},
    {"kind": "with_warmup", "schedule": STEPS, "steps": 15, "shape": "cosine", "overlap": True},
    {"kind": "join", "schedules": [0.02, COSINE, STEPS], "boundaries": [20, 60], "offsets": [0, 25, 0]},
    {"kind": "product", "schedules": [COSINE, STEPS, 2]},
    {"kind": "add", "schedules": [{"kind": "scale", "schedule": STEPS, "factor": 0.5}, COSINE]},
    {
        "kind": "minimum",
        "schedules": [COSINE, {"kind": "linear", "init_value": 0, "end_value": 1, "steps": 70}],
    },
    {"kind": "clip", "schedule": {"kind": "shift", "schedule": COSINE, "steps": -10}, "min_value": 0.05},
    {
        "kind": "staircase",
        "schedule": {"kind": "linear", "init_value": 1, "end_value": 0, "steps": 5},
        "steps": 20,
    },
    {"kind": "stretch", "schedule": STEPS, "factor": "3/2"},
    {"kind": "in_steps", "schedule": COSINE, "boundaries": [], "starts": [0], "rates": [32], "scale": 64},
    {"kind": "restart", "schedule": {"kind": "radam", "value": 0.1, "b2": 0.9}, "period": 40},
]


def others():
    """The short schedules of the catalogue, for the kinds that are not above."""
    for _, config in catalogue():
        if len(json.dumps(config)) < 600:
            yield config


@functools.cache
def snippets():
    """Triples of a schedule, its config and the texts of all targets."""
    configs = [{"version": 1, **config} for config in CONFIGS] + list(others())
    answers = in_node([{"config": config, "total": TOTAL} for config in configs], "snippets.mjs")
    return [(wo.from_config(config), config, answer) for config, answer in zip(configs, answers, strict=True)]


@pytest.fixture(autouse=True)
def as_users_do():
    """The suite's strict promotion of dtypes is not what other libraries are written for."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def executed(text):
    names = {"__name__": "snippet"}
    exec(compile(text, "<snippet>", "exec"), names)
    return names


def assert_rates(rates, schedule, config, text, within=1e-6):
    """By the largest rate, which may come after the run. Eight ULP of float32 are up to 9.5e-7."""
    wanted = wo.sample(schedule, np.arange(TOTAL + 1)).astype(np.float64)
    largest = np.abs(wo.sample(schedule, np.arange(10 * TOTAL))).max().astype(np.float64)
    np.testing.assert_allclose(rates, wanted, rtol=0, atol=within * largest, err_msg=f"{config}\n{text}")


# Optax and Keras compute in float32: 0.999 ** 120 magnifies the rounding of 0.999, 3e-8, 120 times.
IN_FLOAT32 = 4e-6


pytestmark = needs_node
browser = pytest.mark.browser
live = pytest.mark.live


@browser
def test_warmup_optax():
    for schedule, config, texts in snippets():
        text = texts["warmup_optax"]["text"]
        made = executed(text)["schedule"]
        assert wo.from_config(wo.to_config(made)) == made
        np.testing.assert_array_equal(
            wo.sample(made, range(TOTAL + 1)),
            wo.sample(schedule, range(TOTAL + 1)),
            err_msg=f"{config}\n{text}",
        )


@browser
def test_json_and_yaml():
    for schedule, config, texts in snippets():
        for text, load in ((texts["JSON"]["text"], json.loads), (texts["YAML"]["text"], yaml.safe_load)):
            assert wo.from_config(load(text)) == schedule, (config, text)


@browser
def test_optax():
    for schedule, config, texts in snippets():
        text = texts["Optax"]["text"]
        assert "warmup_optax" not in text
        made = executed(text)["schedule"]
        rates = [float(made(jnp.asarray(step, jnp.int32))) for step in range(TOTAL + 1)]
        assert_rates(rates, schedule, config, text, IN_FLOAT32)


@browser
def test_a_target_says_what_it_cannot_express():
    """A table then, and for the first recipes of everybody none."""
    for _, config, texts in snippets():
        for name, answer in texts.items():
            assert answer["exact"] == ("RATES" not in answer["text"]), (config, name)
            assert answer["exact"] or "table" in answer["note"]
    plain = {
        "warmup_cosine",
        "warmup_linear",
        "warmup_stable_decay",
        "warmup_constant",
        "warmup_inverse_sqrt",
    }
    tables = {config["kind"] for _, config, texts in snippets() if not texts["PyTorch"]["exact"]}
    assert not tables & plain
    assert {"radam", "restart"} <= tables


def torch_rates(text):
    """The rates of a run as its optimizer has them, one after each step."""
    names = executed(text)
    optimizer, scheduler = names["optimizer"], names["scheduler"]
    rates = []
    for _ in range(TOTAL + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@live
@pytest.mark.parametrize("target", ["PyTorch", "Transformers"])
def test_pytorch(target):
    pytest.importorskip("torch")
    if target == "Transformers":
        pytest.importorskip("transformers")
    for schedule, config, texts in snippets():
        text, total = texts[target]["text"], config.get("total_steps", TOTAL)
        rates = torch_rates(text)
        if "get_cosine" in text:  # which rises again after the end
            rates[total + 1 :] = wo.sample(schedule, range(total + 1, TOTAL + 1)).tolist()
        assert_rates(rates, schedule, config, text)


@live
def test_keras():
    pytest.importorskip("keras")
    for schedule, config, texts in snippets():
        text = texts["Keras"]["text"]
        made = executed(text)["schedule"]
        rates = [float(made(step)) for step in range(TOTAL + 1)]
        assert_rates(rates, schedule, config, text, IN_FLOAT32)
