"""The JSON Schema of configs: it accepts what `from_config` reads, and rejects every invalid config."""

import json

import pytest
from support.configs import GOLDEN
from support.editor import catalogue, mutated, sentence

import warmup_optax as wo
from warmup_optax._convert.config import _kinds

jsonschema = pytest.importorskip("jsonschema")

# Rules between several keys, which a schema of each key cannot have: words of the sentences that tell them.
BETWEEN_KEYS = (
    *("must be of length", "greater than the one before it", "shorten one of them", "swap them"),
    *("where max_value is None", "when warmup_steps=0", "for 65536 cycles", "missing a required"),
    *("within a thousand million of 0", "'s power must be", "up to 2**53"),
    *(
        "with_warmup: init_value must be a finite number > 0",
        "with_cooldown: end_value must be a finite number > 0",
    ),
    *("with_cooldown: shape must be", "with_warmup: steps must be a whole number of steps >= 1"),
)


@pytest.fixture(scope="module")
def validator():
    schema = wo.config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_saved_configs_are_valid(file, validator):
    validator.validate(json.loads(file.read_text()))


def test_configs_of_the_catalogue_are_valid(validator):
    for _, config in catalogue():
        validator.validate(config)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.exhaustive), 59])
def test_it_rejects_what_from_config_rejects(validator, every):
    """Configs with one thing wrong, and those of them that are right after all; by default every 59th."""
    rejected, configs = 0, list(mutated())
    for config in configs[::every]:  # the schema of a list of fifty kinds takes milliseconds
        error = sentence(config)
        if error is None:
            validator.validate(config)
        elif not any(words in error for words in BETWEEN_KEYS):
            assert not validator.is_valid(config), (error, config)
            rejected += 1
    assert rejected > len(configs) // every // 2


def test_an_argument_that_0_2_did_not_require_is_not_required(validator):
    """`from_config` reads such a config, so the schema accepts it."""
    config = {"version": 1, "kind": "in_steps", "schedule": {"kind": "constant", "value": 0.1}}
    config |= {"starts": [0], "rates": [10]}
    assert wo.from_config(config) == wo.nodes.InSteps(wo.constant(0.1), (), (0,), (10,))
    validator.validate(config)
    del config["rates"]
    assert not validator.is_valid(config)


def test_every_argument_is_described():
    definitions = wo.config_schema()["$defs"]
    for kind, known in _kinds().items():
        if not known.node.__module__.startswith("warmup_optax"):
            continue
        definition = definitions[kind]
        keys = definition["properties"]
        current = [name for name, key in keys.items() if not key.get("deprecated")]
        assert current == ["kind", "version", *known.parameters()]
        assert definition["description"]
        for name in known.parameters():
            assert keys[name].get("description"), (kind, name)


def test_ranges_and_defaults_are_those_of_the_functions():
    keys = wo.config_schema()["$defs"]
    assert (
        keys["finite_exponential"]["properties"]["ratio"].items()
        >= {"exclusiveMinimum": 0, "exclusiveMaximum": 1}.items()
    )
    assert keys["restart"]["properties"]["growth"].items() >= {"minimum": 1, "default": 1}.items()
    assert keys["shift"]["properties"]["steps"]["minimum"] < -(2**31)
    assert keys["staircase"]["properties"]["steps"].items() >= {"type": "integer", "minimum": 1}.items()
    assert keys["polynomial"]["properties"]["origin"]["enum"] == ["end", "init"]
    assert keys["with_warmup"]["properties"]["shape"]["default"] == "linear"
    assert keys["one_cycle"]["properties"]["shape"]["default"] == "cosine"
