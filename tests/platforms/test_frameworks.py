"""Schedules in other people's frameworks: what to pass, and what it costs."""

import argparse
import dataclasses
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo

PEAKS = (0.1, 0.2, 0.3, 0.4)
COUNT = 4


def make(peak=0.1):
    return wo.warmup_cosine(peak, warmup_steps=3, total_steps=10)


# The same recipe as a configuration holds it.
CONFIG = {"version": 1, "kind": "warmup_cosine", "peak_value": 0.1, "warmup_steps": 3, "total_steps": 10}


@pytest.fixture(autouse=True)
def frameworks_promote():
    """Their own code does not pass under strict promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def traces(jit, schedules):
    """``(how often a jitted function of a schedule is traced, its values)``."""
    traced = []

    @jit
    def rate(schedule, count):
        traced.append(schedule)
        return schedule(count)

    values = [float(rate(schedule, jnp.asarray(COUNT))) for schedule in schedules]
    return len(traced), values


def close(values, peaks=PEAKS):
    """Traced numbers and concrete ones are two programs of one curve."""
    np.testing.assert_allclose(values, [float(make(peak)(COUNT)) for peak in peaks], rtol=8 * 2.0**-23)


# ------------------------------------------------------------------ libraries of layers


class TestNNX:
    @pytest.fixture
    def nnx(self):
        return pytest.importorskip("flax.nnx")

    def test_as_an_argument_its_numbers_are_data(self, nnx):
        count, values = traces(nnx.jit, [make(peak) for peak in PEAKS])
        assert count == 1
        close(values)

    def test_as_an_attribute_of_a_module_it_is_part_of_the_structure(self, nnx):
        """It counts with the module, and other numbers are another program."""

        class Model(nnx.Module):
            def __init__(self, schedule):
                self.schedule, self.count = schedule, nnx.Variable(jnp.asarray(0))

        traced = []

        @nnx.jit
        def advance(model):
            traced.append(model)
            rate = model.schedule(model.count[...])
            model.count[...] += 1
            return rate

        for peak in PEAKS[:2]:
            model = Model(make(peak))
            rates = [float(advance(model)) for _ in range(12)]
            np.testing.assert_allclose(rates, make(peak)(np.arange(12)), rtol=8 * 2.0**-23)
        assert len(traced) == 2


@pytest.mark.live
class TestHaiku:
    def test_inside_a_transformed_function(self):
        """A schedule is a pure function, so it needs nothing of Haiku's; the count is Haiku's state."""
        hk = pytest.importorskip("haiku")

        def advance():
            count = hk.get_state("count", (), jnp.int32, init=jnp.zeros)
            hk.set_state("count", count + 1)
            return make()(count)

        model = hk.transform_with_state(advance)
        params, state = model.init(None)
        apply = jax.jit(model.apply)
        rates = []
        for _ in range(6):
            rate, state = apply(params, state, None)
            rates.append(float(rate))
        np.testing.assert_allclose(rates, make()(np.arange(6)), rtol=8 * 2.0**-23)


@pytest.mark.live
class TestEquinox:
    @pytest.fixture
    def eqx(self):
        return pytest.importorskip("equinox")

    def test_filter_jit_compiles_for_every_python_number(self, eqx):
        """Python numbers are static there; so a sweep over schedules compiles each."""
        count, values = traces(eqx.filter_jit, [make(peak) for peak in PEAKS])
        assert count == len(PEAKS)
        close(values)

    def test_filter_jit_compiles_once_for_arrays(self, eqx):
        """`jax.tree.map(jnp.asarray, schedule)`: the same curve, whose numbers are data."""
        count, values = traces(eqx.filter_jit, [jax.tree.map(jnp.asarray, make(peak)) for peak in PEAKS])
        assert count == 1
        close(values)

    def test_filter_grad_sees_the_real_numbers(self, eqx):
        """The derivative by the peak is the value over the peak; steps are whole and have none."""
        schedule = wo.cosine(0.1, 0.0, 10)
        gradient = eqx.filter_grad(lambda schedule: schedule(COUNT))(jax.tree.map(jnp.asarray, schedule))
        np.testing.assert_allclose(gradient.init_value, float(schedule(COUNT)) / 0.1, rtol=8 * 2.0**-23)
        assert gradient.steps is None

    def test_leaves_are_serialised(self, eqx):
        """Into a schedule of the same structure; `to_config` needs none."""
        file = io.BytesIO()
        eqx.tree_serialise_leaves(file, make(0.3))
        file.seek(0)
        assert eqx.tree_deserialise_leaves(file, make(0.1)) == make(0.3)

    def test_as_a_field_of_a_module(self, eqx):
        class Trainer(eqx.Module):
            schedule: wo.Schedule
            count: jax.Array

        trainer = Trainer(jax.tree.map(jnp.asarray, make()), jnp.asarray(COUNT))
        close([eqx.filter_jit(lambda trainer: trainer.schedule(trainer.count))(trainer)], PEAKS[:1])


# ------------------------------------------------------------------ trainers


def test_a_logger_that_maps_over_schedules_takes_the_bound_method():
    """Kauldron's does: a schedule is a tree of numbers, its `__call__` is one leaf."""
    schedules = {"learning_rate": make(), "decay": optax.constant_schedule(0.5)}
    with pytest.raises(TypeError, match="not callable"):
        jax.tree.map(lambda schedule: schedule(COUNT), schedules)
    schedules["learning_rate"] = make().__call__
    logged = jax.tree.map(lambda schedule: float(schedule(COUNT)), schedules)
    assert logged == {"learning_rate": float(make()(COUNT)), "decay": 0.5}
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(schedules)]
    assert sorted(paths) == ["['decay']", "['learning_rate']"]
    optax.sgd(schedules["learning_rate"]).init(jnp.ones(1))  # it is still an optax.Schedule


def test_a_trainer_that_counts_from_1_takes_a_shift():
    """AXLearn calls a schedule with `count + 1`."""
    counts = np.arange(14)
    np.testing.assert_array_equal(wo.shift(make(), 1)(counts + 1), make()(counts))


def test_a_trainer_that_looks_names_up_in_optax(monkeypatch):
    """Tunix: `schedule_type` names a function of `optax.schedules`, its rates are read from the state."""
    monkeypatch.setattr(optax.schedules, "warmup_cosine", wo.warmup_cosine, raising=False)
    options = {name: value for name, value in CONFIG.items() if name not in ("version", "kind")}
    schedule = getattr(optax.schedules, CONFIG["kind"])(**options)
    optimizer = optax.inject_hyperparams(optax.sgd, hyperparam_dtype=jnp.float32)(learning_rate=schedule)
    params = jnp.ones(2)
    state = optimizer.init(params)
    for count in range(5):
        _, state = optimizer.update(params, state, params)
        assert float(state.hyperparams["learning_rate"]) == float(make()(count))


# ------------------------------------------------------------------ configurations


def test_an_argument_parser_takes_json():
    """The one that Python has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--schedule", type=lambda text: wo.from_config(json.loads(text)))
    assert parser.parse_args(["--schedule", json.dumps(CONFIG)]).schedule == make()


@pytest.mark.live
class TestMlCollections:
    @pytest.fixture
    def ConfigDict(self):
        return pytest.importorskip("ml_collections").ConfigDict

    def test_a_config_holds_the_arguments(self, ConfigDict):
        """One number is replaced, as `--config.schedule.peak_value=0.3` does."""
        config = ConfigDict({"schedule": CONFIG})
        config.schedule.peak_value = 0.3
        assert wo.from_config(config.schedule.to_dict()) == make(0.3)
        config.schedule = wo.to_config(make(0.2))
        assert wo.from_config(config.schedule.to_dict()) == make(0.2)

    def test_a_config_holds_a_schedule(self, ConfigDict):
        assert ConfigDict({"schedule": make()}).schedule == make()


@pytest.mark.live
class TestHydra:
    @pytest.fixture
    def instantiate(self):
        omegaconf, hydra = pytest.importorskip("omegaconf"), pytest.importorskip("hydra")
        return lambda text: hydra.utils.instantiate(omegaconf.OmegaConf.create(text))

    def test_a_target_is_a_function_of_the_library(self, instantiate):
        made = instantiate(
            "{_target_: warmup_optax.warmup_cosine, peak_value: 1e-1, warmup_steps: 3, total_steps: 10}"
        )
        assert made == make()

    def test_schedules_and_shapes_inside(self, instantiate):
        """A shape, which is a function, through `hydra.utils.get_method`."""
        made = instantiate("""
            _target_: warmup_optax.with_cooldown
            schedule: {_target_: warmup_optax.constant, value: 0.1}
            begin: 10
            steps: 4
            shape: {_target_: hydra.utils.get_method, path: warmup_optax.cosine}
        """)
        assert made == wo.with_cooldown(wo.constant(0.1), begin=10, steps=4, shape=wo.cosine)

    def test_a_list_of_schedules_is_converted(self, instantiate):
        """`_convert_: all`; without it Hydra puts the list, and what was made in it, into its own types."""
        made = instantiate("""
            _target_: warmup_optax.join
            _convert_: all
            schedules:
            - {_target_: warmup_optax.linear, init_value: 0, end_value: 0.1, steps: 4}
            - {_target_: warmup_optax.constant, value: 0.1}
            boundaries: [4]
        """)
        assert made == wo.join([wo.linear(0.0, 0.1, 4), wo.constant(0.1)], [4])

    def test_a_config_of_ours_in_one_of_hydras(self, instantiate):
        config = {"_target_": "warmup_optax.from_config", "_convert_": "all", "config": CONFIG}
        assert instantiate(config) == make()


@pytest.mark.live
def test_draccus_reads_and_writes_a_field(tmp_path):
    """Two lines register our configs for fields of type `Schedule`, in files and on the command line."""
    draccus = pytest.importorskip("draccus")
    draccus.decode.register(wo.Schedule, wo.from_config)
    draccus.encode.register(wo.Schedule, wo.to_config)
    path = tmp_path / "train.yaml"
    path.write_text(draccus.dump(Training(make(0.3), seed=1)))
    with path.open() as file:
        assert draccus.load(Training, file) == Training(make(0.3), seed=1)
    read = draccus.parse(Training, args=["--learning_rate", json.dumps(CONFIG), "--seed", "2"])
    assert read == Training(make(), seed=2)


@dataclasses.dataclass
class Training:
    learning_rate: wo.Schedule
    seed: int = 0


@pytest.mark.live
def test_tyro_makes_a_command_line_of_a_recipe():
    """Every argument of the function is an option."""
    tyro = pytest.importorskip("tyro")
    typed = ["--peak-value", "0.1", "--warmup-steps", "3", "--total-steps", "10"]
    assert tyro.cli(wo.warmup_cosine, args=typed) == make()
    typed = ["--peak-value", "0.1", "--warmup-steps", "3", "--decay-rate", "0.5", "--transition-steps", "5"]
    wanted = wo.warmup_exponential(0.1, warmup_steps=3, decay_rate=0.5, transition_steps=5)
    assert tyro.cli(wo.warmup_exponential, args=typed) == wanted
