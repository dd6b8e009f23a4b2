"""Configs: every schedule written and read, the files of older versions, and the errors."""

import functools
import json
import tomllib
from pathlib import Path
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tomli_w
import yaml
from support.catalogue import CASES
from support.configs import ANYTHING, GOLDEN, HALF, RULES, malformed, nested

import warmup_optax as wo
from warmup_optax._convert import config as _config
from warmup_optax._optimizers.feedback import Rule
from warmup_optax._recipes import Recipe

WRITTEN_AS = (Path(__file__).parent.parent / "golden_config" / "written_as.txt").read_text().splitlines()


class Swaying(wo.Schedule):
    """A user's own node."""

    value: float
    period: float = 50.0

    def evaluate(self, time):
        return self.value * (1.5 + 0.5 * jnp.cos(time.ratio(self.period)))


class Bent(wo.Schedule, kind="bent"):
    """A user-defined node and a function with the same arguments."""

    init_value: float
    end_value: float
    steps: int = wo.steps()
    bend: float = 1.0

    def evaluate(self, time):
        return jnp.where(time.reached(self.steps), self.end_value, self.init_value)


def bent(init_value, end_value, steps, *, bend=1.0):
    if bend <= 0:
        raise ValueError(f"bent: bend must be > 0, got {bend}")
    return Bent(init_value, end_value, steps, bend)


class RunAgain(wo.Schedule):
    value: float

    def evaluate(self, time):
        return self.value


OLD_NODE = RunAgain


class RunAgain(wo.Schedule):  # as where the cell of a notebook is run again
    value: float

    def evaluate(self, time):
        return self.value


class Linear(wo.Schedule, kind="linear"):
    """A user's own node with the name of one of ours."""

    value: float

    def evaluate(self, time):
        return self.value


def through_json(config):
    return json.loads(json.dumps(config, allow_nan=False))


def through_yaml(config):
    return yaml.safe_load(yaml.safe_dump(config))


def through_toml(config):
    return tomllib.loads(tomli_w.dumps(config))


def plain(value):
    """Return whether a value is what JSON holds, exactly: no tuple, no subclass, no None, no NaN."""
    if type(value) is dict:
        return all(type(key) is str and plain(inner) for key, inner in value.items())
    if type(value) is list:
        return all(map(plain, value))
    return type(value) in (bool, int, str) or (type(value) is float and np.isfinite(value))


# ------------------------------------------------------------------ there and back
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_schedule_comes_back(case):
    if not case.serialisable:
        with pytest.raises(TypeError, match=r"^to_config: .* Python function, which has no form in a config"):
            wo.to_config(case.schedule)
        return
    config = wo.to_config(case.schedule)
    assert plain(config)
    for through in (through_json, through_yaml, through_toml):
        assert through(config) == config
        again = wo.from_config(through(config))
        assert again == case.schedule
        assert hash(again) == hash(case.schedule)
        assert json.dumps(wo.to_config(again)) == json.dumps(config)


def test_whole_numbers_stay_whole_and_the_others_do_not():
    saved = wo.to_config(wo.warmup_linear(1, warmup_steps=2.0, total_steps=3_000_000_000))
    expected = {"peak_value": float, "warmup_steps": int, "total_steps": float}  # the last is past int32
    assert {name: type(saved[name]) for name in expected} == expected


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_configs_of_the_past_are_read(file):
    """The format does not change: these files are never written again."""
    config = json.loads(file.read_text())
    assert config["kind"] == file.stem
    schedule = wo.from_config(config)
    assert repr(schedule) == WRITTEN_AS[GOLDEN.index(file)]
    renamed = {"lower": "start", "upper": "stop"}  # of `tanh`: the old names are read, the new ones written
    assert wo.to_config(schedule) == {renamed.get(key, key): value for key, value in config.items()}


def test_every_kind_has_a_config_of_the_past():
    nodes = {kind: known.node for kind, known in _config._kinds().items()}
    ours = {kind for kind, node in nodes.items() if node.__module__.startswith("warmup_optax")}
    recipes = {kind for kind, node in nodes.items() if issubclass(node, Recipe)}
    rules = {kind for kind, node in nodes.items() if issubclass(node, Rule)}
    assert {file.stem for file in GOLDEN} == ours - recipes - rules
    assert {f"feedback.{file.stem}" for file in RULES} == rules & ours
    assert len(recipes) >= 10


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_rules_of_the_past_are_read(file):
    """Each with every argument; these files are never written again either."""
    config = json.loads(file.read_text())
    schedule: Any = wo.from_config(config)
    assert type(schedule.rule).__name__ == file.stem
    assert set(config["rule"]) - {"kind"} == set(type(schedule.rule)._fields)
    assert wo.to_config(schedule) == config


# ------------------------------------------------------------------ written by hand
def test_a_recipe_is_a_kind():
    config = {
        "version": 1,
        "kind": "warmup_cosine",
        "peak_value": 1,
        "warmup_steps": 10,
        "total_steps": 100.0,
    }
    schedule = wo.from_config(config)
    assert schedule == wo.warmup_cosine(1.0, warmup_steps=10, total_steps=100)
    assert wo.from_config(wo.to_config(schedule)) == schedule
    config = {"version": 1, "kind": "one_cycle", "peak_value": 1.0, "total_steps": 10, "shape": "linear"}
    assert wo.from_config(config) == wo.one_cycle(1.0, total_steps=10, shape=wo.linear)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("cosine", wo.cosine),
        ({"kind": "cosine"}, wo.cosine),
        ({"kind": "cosine", "exponent": 2}, functools.partial(wo.cosine, exponent=2)),
        (
            {"kind": "polynomial", "power": 2, "origin": "init"},
            functools.partial(wo.polynomial, power=2, origin="init"),
        ),
    ],
)
def test_a_shape_is_a_name_or_a_dict(shape, expected):
    config = {"version": 1, "kind": "with_warmup", "schedule": 0.1, "steps": 10, "shape": shape}
    assert wo.from_config(config) == wo.with_warmup(0.1, steps=10, shape=expected)


def test_configs_are_made_of_configs():
    """A number is a schedule, and what `to_config` wrote may be pasted with its version."""
    parts = [0.5, wo.to_config(wo.linear(0.5, 0.0, 10))]
    joined = wo.from_config({"version": 1, "kind": "join", "schedules": parts, "boundaries": [5]})
    assert joined == wo.join([0.5, wo.linear(0.5, 0.0, 10)], [5])
    assert wo.to_config(0.5) == {"version": 1, "kind": "constant", "value": 0.5}


def test_other_mappings_and_sequences_will_do():
    from types import MappingProxyType

    config = {"kind": "join", "schedules": (MappingProxyType(HALF), 0.1), "boundaries": (5,)}
    assert wo.from_config(MappingProxyType({"version": 1} | config)) == wo.join(
        [wo.cosine(0.1, 0.0, 100), 0.1], [5]
    )


JOINED: dict = {
    "version": 1,
    "kind": "join",
    "schedules": [{"kind": "with_warmup", "schedule": 0.1, "steps": 5, "shape": {"kind": "cosine"}}, HALF],
    "boundaries": [10],
}


def test_a_config_dict_of_ml_collections_is_a_config():
    config_dict = pytest.importorskip("ml_collections").ConfigDict
    for config in (config_dict(JOINED), config_dict(wo.to_config(wo.from_config(JOINED)))):
        assert wo.from_config(config) == wo.from_config(JOINED)
        assert wo.from_config(config.lock()) == wo.from_config(JOINED)


def test_a_dict_config_of_omegaconf_is_a_config():
    omegaconf = pytest.importorskip("omegaconf").OmegaConf
    assert wo.from_config(omegaconf.create(JOINED)) == wo.from_config(JOINED)
    linked = omegaconf.create({"peak": 0.1, "lr": {"version": 1, "kind": "constant", "value": "${peak}"}})
    assert wo.from_config(linked.lr) == wo.constant(0.1)


# ------------------------------------------------------------------ user-defined nodes
def test_a_node_of_the_users_own_is_saved_without_being_registered():
    schedule = wo.with_warmup(Swaying(0.1, 20.0), steps=10)
    config = wo.to_config(schedule)
    assert config["schedule"] == {"kind": "Swaying", "value": 0.1, "period": 20.0}
    assert wo.from_config(through_json(config)) == schedule
    with pytest.raises(
        ValueError, match=r"from_config: schedule: Swaying takes no 'spam'; its keys are value, per"
    ):
        wo.from_config(config | {"schedule": {"kind": "Swaying", "value": 0.1, "spam": 1}})
    with pytest.raises(TypeError, match="Swaying: value must be a finite number, got 'x'"):
        wo.from_config({"version": 1, "kind": "Swaying", "value": "x"})


def test_the_function_with_the_name_of_a_node_reads_it():
    schedule = wo.with_cooldown(0.1, begin=5, steps=10, shape=functools.partial(bent, bend=2.0))
    config = wo.to_config(schedule)
    assert config["shape"] == {"kind": "bent", "bend": 2.0}
    assert wo.from_config(config) == schedule
    with pytest.raises(ValueError, match="from_config: bent: bend must be > 0, got -1"):
        wo.from_config(
            {"version": 1, "kind": "bent", "init_value": 1, "end_value": 0, "steps": 9, "bend": -1}
        )


def test_a_node_that_could_not_be_found_again_raises_an_error():
    class Local(wo.Schedule):
        value: float

        def evaluate(self, time):
            return self.value

    top = "define the class at the top level of a module"
    for node, kind, fix in (
        (Local(0.1), "Local", top),
        (Linear(0.1), "linear", "this library has a kind of the name 'linear', so rename the class"),
        (OLD_NODE(0.1), "RunAgain", "a newer class has the same name, so make the schedule again or rename"),
    ):
        with pytest.raises(
            TypeError,
            match=rf"to_config: schedule is a test_config.* and '{kind}' does not lead back to it; {fix}",
        ):
            wo.to_config(wo.shift(node, 1))
    assert "Local" not in _config._kinds()
    assert wo.from_config(
        {"version": 1, "kind": "linear", "init_value": 1, "end_value": 0, "steps": 1}
    ) == wo.linear(1, 0, 1)


# ------------------------------------------------------------------ errors
def deep(depth):
    schedule = wo.constant(1.0)
    for _ in range(depth):
        schedule = schedule * 1.0
    return schedule


def top(kind, **keys):
    return {"version": 1, "kind": kind, **keys}


def changed(**keys):
    return {"version": 1, **HALF, **keys}


def warmup(shape):
    return top("with_warmup", schedule=0.1, steps=5, shape=shape)


REFUSED = [
    # the config itself, and its version
    (None, TypeError, "config must be a dict, as to_config makes it, got None"),
    ([HALF], TypeError, "config must be a dict"),
    ("linear", TypeError, "config must be a dict.*got 'linear'"),
    (HALF, ValueError, '"version" is missing; this is version 1: add "version": 1'),
    (changed(version=2), ValueError, "version 2 is newer than 1, the newest .* reads; update warmup_optax"),
    (changed(version=0), ValueError, "version must be 1, got 0"),
    (changed(version="1"), TypeError, "version must be a whole number, got '1'"),
    (changed(version=True), TypeError, "version must be a whole number, got True"),
    (changed(version=1.0), TypeError, "version must be a whole number, got 1.0"),
    # kinds
    ({"version": 1}, ValueError, '"kind" is missing; it must be one of .*add, .*with_warmup$'),
    (top(3), TypeError, "kind must be a string, one of .*add, .*, got 3"),
    (top("liner"), ValueError, "kind must be one of .*linear.*, got 'liner'; did you mean linear?"),
    (top("as_schedule"), ValueError, "kind must be one of"),
    (top("stack"), ValueError, "kind must be one of"),
    (top("joined"), ValueError, "kind must be one of"),
    (top("__class__"), ValueError, "kind must be one of"),
    # keys
    (changed(step=3), ValueError, "cosine takes no 'step'; its keys are init_value, end_value, steps, expon"),
    ({**changed(), 3: 3}, ValueError, "cosine takes no 3; its keys are"),
    (top("cosine", steps=1), ValueError, "cosine lacks init_value, end_value; its keys are"),
    # values, in the words of the function
    (changed(steps=2.5), ValueError, "cosine: steps must be a whole number of steps >= 0, got 2.5; round"),
    (changed(steps=True), TypeError, "cosine: steps must be a whole.*a bool is not a number"),
    (changed(steps=None), TypeError, "cosine: steps must be a whole number of steps >= 0, got None"),
    (changed(steps=[1]), TypeError, "cosine: steps must be"),
    (changed(steps=HALF), TypeError, "cosine: steps must be .*a number here"),
    (changed(init_value=float("nan")), ValueError, "cosine: init_value must be a finite number, got nan"),
    (changed(init_value="0.1"), TypeError, "cosine: init_value .*write the number without quotes"),
    (changed(init_value="3e-4"), TypeError, "cosine: .* YAML 1.1 reads 3e-4 as text: write 3.0e-4, or read"),
    ({"version": 1, "kind": np.ones(2)}, TypeError, "kind must be a string"),
    (changed(init_value=abs), TypeError, "init_value: a config holds no Python functions"),
    (top("scale", schedule=optax.constant_schedule(1.0), factor=1), TypeError, "schedule: a config holds no"),
    # deeper down
    (
        top("join", schedules=[0.1, {**HALF, "steps": -1}], boundaries=[1]),
        ValueError,
        r"schedules\[1\]: cosine: steps must be a whole number of steps >= 0, got -1",
    ),
    (
        top("join", schedules=[0.1, {**HALF, "kind": "cos"}], boundaries=[1]),
        ValueError,
        r"schedules\[1\]: kind must be one of",
    ),
    (
        top("scale", factor=1, schedule={"kind": "shift", "steps": 1, "schedule": {}}),
        ValueError,
        'schedule.schedule: "kind" is missing',
    ),
    (top("scale", factor=1, schedule=changed(version=7)), ValueError, "schedule: version 7 is newer"),
    (top("join", schedules=HALF, boundaries=[]), TypeError, "join: schedules must be a sequence"),
    (top("join", schedules=[], boundaries=[]), ValueError, "join: schedules must be at least one schedule"),
    (top("product", schedules=HALF), TypeError, "product: schedules must be a sequence of schedules"),
    (top("product", schedules=[]), ValueError, "product: schedules must be at least one schedule"),
    # shapes
    (warmup("exponential"), ValueError, "shape: kind must be one of .*cosine, .*, got 'exponential'"),
    (warmup({"kind": "linear", "power": 2}), ValueError, "shape: linear takes no 'power'; it has no options"),
    (warmup({"kind": "cosine", "steps": 2}), ValueError, "shape: cosine takes no 'steps'; its keys are expo"),
    (
        warmup({"kind": "cosine", "exponent": HALF}),
        TypeError,
        "shape.exponent: must be a number, a word or a",
    ),
    (warmup({"kind": "cosine", "exponent": -1}), ValueError, "with_warmup: .*exponent must be a finite"),
    (
        warmup("polynomial"),
        TypeError,
        "with_warmup: shape must be a function of .*, got polynomial; .*'power'",
    ),
    (warmup(wo.linear), TypeError, "shape: kind must be a string"),
    (warmup(None), TypeError, "shape: kind must be a string"),
    (nested(101), ValueError, "dicts and lists may be nested 100 deep"),
    (nested(100_000), ValueError, "dicts and lists may be nested 100 deep"),
]


@pytest.mark.parametrize(("config", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_the_error_of_a_bad_config_names_the_place(config, error, message):
    with pytest.raises(error, match=f"^from_config: {message}") as caught:
        wo.from_config(config)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is error


def with_leaves(schedule, leaf):
    """A schedule whose numbers were replaced, by an optimizer say, past its constructor."""
    return jax.tree.map(lambda _: leaf, schedule)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: wo.join([0.1, lambda c: c], [5]), TypeError, r"schedules\[1\] is a Python function"),
        (lambda: optax.constant_schedule(0.1), TypeError, "schedule is a Python function"),
        (
            lambda: wo.with_warmup(0.1, steps=5, shape=lambda i, e, n: wo.linear(i, e, n)),
            TypeError,
            r"shape is a Python function, which .*; use .*cosine, .*linear.*, or functools.partial of one",
        ),
        (
            lambda: wo.stack([wo.constant(1.0), wo.constant(2.0)]),
            TypeError,
            "value must be a number, got Array.*; if this is a stack, save the schedules",
        ),
        (lambda: with_leaves(Swaying(0.1), float("nan")), ValueError, "value must be finite, got nan"),
        (
            lambda: with_leaves(Swaying(0.1), None),
            TypeError,
            "value must be a number, got None",
        ),
        (lambda: deep(101), ValueError, "dicts and lists may be nested 100 deep"),
        (lambda: deep(300), ValueError, "dicts and lists may be nested 100 deep"),
        (lambda: "linear", TypeError, "schedule must be a schedule, a function"),
    ],
)
def test_what_cannot_be_saved_raises_an_error(make, error, message):
    with pytest.raises(error, match=f"^to_config: {message}"):
        wo.to_config(make())


def test_traced_numbers_raise_errors():
    with pytest.raises(
        TypeError, match=r"^to_config: factor must be a number.*it is traced: call to_config out"
    ):
        jax.jit(lambda factor: wo.to_config(wo.constant(0.1) * factor))(2.0)


@pytest.mark.parametrize("as_array", [jnp.asarray, np.asarray, np.float32], ids=lambda f: f.__name__)
def test_concrete_arrays_are_saved_as_numbers(as_array):
    """As the leaves are after steps of gradient descent on a schedule."""
    schedule = wo.with_cooldown(wo.piecewise_linear([0.5, 0.25], [3, 8]), begin=8, steps=4)
    learned = jax.tree.map(lambda x: as_array(x) if isinstance(x, float) else x, schedule)
    config = wo.to_config(learned)
    assert plain(config)
    assert wo.from_config(through_json(config)) == schedule


def test_arrays_of_whole_numbers_are_saved_as_whole_numbers():
    schedule = jax.tree.map(jnp.asarray, wo.warmup_linear(0.5, warmup_steps=5, total_steps=10))
    assert wo.from_config(wo.to_config(schedule)) == wo.warmup_linear(0.5, warmup_steps=5, total_steps=10)


def test_a_learned_number_that_could_not_be_read_raises_an_error():
    learned = jax.tree.map(lambda x: jnp.asarray(x - 0.5), wo.linear(1.0, 0.0, 10))
    with pytest.raises(ValueError, match=r"^to_config: linear: steps must be a whole number .* got 9\.5"):
        wo.to_config(learned)


def test_a_bomb_of_aliases_raises_an_error():
    """Forty lists, each twice in the next: 2^40 values in a few lines of YAML."""
    bomb = [0.1]
    for _ in range(40):
        bomb = [bomb, bomb]
    for config in (
        top("join", schedules=bomb, boundaries=[]),
        top("join", schedules=[], boundaries={1: bomb}),
    ):
        with pytest.raises(ValueError, match=r"^from_config: a config may hold 262144 values"):
            wo.from_config(config)


def test_a_config_that_contains_itself_raises_an_error():
    config = top("scale", factor=1.0)
    config["schedule"] = config
    with pytest.raises(ValueError, match=r"^from_config: dicts and lists may be nested 100 deep"):
        wo.from_config(config)


def test_as_deep_as_is_allowed():
    assert wo.from_config(wo.to_config(deep(100))) == deep(100)


# ------------------------------------------------------------------ malformed by the hundred
@hypothesis.given(malformed() | ANYTHING)
def test_malformed_configs_give_one_clear_error(config):
    try:
        schedule = wo.from_config(config)
    except (ValueError, TypeError) as error:
        text = str(error)
        assert text.startswith("from_config: ") and "\n" not in text  # noqa: PT018
    else:
        assert wo.from_config(wo.to_config(schedule)) == schedule


def test_a_table_of_numbers_is_no_config():
    """It has keys and items, and a dtype, as a column of pandas has."""

    class Table:
        dtype = np.dtype(float)

        def keys(self):
            return ["kind"]

        def __getitem__(self, key):
            return "linear"

    with pytest.raises(TypeError, match=r"^from_config: config must be a dict"):
        wo.from_config(Table())


class Raised(wo.Schedule):
    """A user's own node, with a field that has the old name of one of `tanh`."""

    value: float
    upper: float

    def evaluate(self, time):
        return self.value + self.upper


def test_an_old_name_of_another_kind_is_not_renamed():
    assert wo.from_config(wo.to_config(Raised(1.0, 2.0))) == Raised(1.0, 2.0)


def test_a_config_of_0_2_may_lack_the_boundaries_of_one_segment():
    """The function `in_steps` of 0.2 had a default; the class that replaces it requires the argument."""
    schedule = {"kind": "linear", "init_value": 0.0, "end_value": 1.0, "steps": 80}
    config = {"version": 1, "kind": "in_steps", "schedule": schedule, "starts": [0], "rates": [10]}
    assert wo.from_config(config)([0, 4, 8]).tolist() == [0.0, 0.5, 1.0]
