"""Undocumented behavior of dependencies that this library and its tests rely on.

CONTRIBUTING.md lists each with its reason. A test here fails with one sentence when the dependency changes, and
not somewhere else. Where documented behavior is enough, take that; a new entry needs a row in both places.
"""

import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._optimizers import hyperparams, state

ROOT = Path(__file__).parents[1]
GRADS = {"w": jnp.ones((2, 3))}


def changed(library, what, where):
    version = importlib.metadata.version(library)
    return f"{library} {version} changed undocumented behavior: {what}. {where} relies on it."


def states(tree):
    """The class names of all NamedTuples in a state, with their fields."""
    found = {}
    for _, node in state.states(tree):
        found[type(node).__name__] = set(node._fields)
        for field in node._fields:
            found |= states(getattr(node, field))
    return found


# ------------------------------------------------------------------ Optax: the classes of its states, by name

SCHEDULE = wo.linear(1.0, 0.5, 8)
STATES = {  # the optimizer, the class in its state, and the field that is read
    "ScaleByScheduleState": (lambda: optax.sgd(SCHEDULE), "count"),
    "WrappedScheduleState": (lambda: wo.scheduled(optax.sgd, learning_rate=SCHEDULE), "count"),
    "WeightDecaySchedule": (lambda: optax.add_decayed_weights(SCHEDULE), "count"),
    "InjectStatefulHyperparamsState": (
        lambda: wo.scheduled(optax.sgd, learning_rate=SCHEDULE),
        "hyperparams",
    ),
    "MultiStepsState": (lambda: optax.MultiSteps(optax.sgd(SCHEDULE), 2), "inner_opt_state"),
    "ApplyIfFiniteState": (lambda: optax.apply_if_finite(optax.sgd(SCHEDULE), 2), "inner_state"),
    "ConditionallyTransformState": (
        lambda: optax.conditionally_transform(optax.sgd(SCHEDULE), lambda n: n > 2),
        "inner_state",
    ),
    "ConditionallyMaskState": (
        lambda: optax.conditionally_mask(optax.sgd(SCHEDULE), lambda n: n > 2),
        "inner_state",
    ),
    "ApplyEvery": (lambda: optax.apply_every(2), "count"),
    "ProdigyState": (lambda: optax.contrib.prodigy(SCHEDULE), "count"),
    "DAdaptAdamWState": (lambda: optax.contrib.dadapt_adamw(SCHEDULE), "count"),
    "MomoState": (lambda: optax.contrib.momo(SCHEDULE), "count"),
    "MomoAdamState": (lambda: optax.contrib.momo_adam(SCHEDULE), "count"),
    "MadgradState": (lambda: optax.contrib.madgrad(SCHEDULE), "count"),
    "ScaleByAdemamixState": (lambda: optax.contrib.ademamix(SCHEDULE), "count"),
    "ReduceLROnPlateauState": (lambda: optax.contrib.reduce_on_plateau(), "count"),
    "ScheduleFreeState": (lambda: optax.contrib.schedule_free_sgd(0.1), "step_count"),
    "SAMState": (lambda: optax.contrib.sam(optax.sgd(SCHEDULE), optax.sgd(0.1)), "opt_state"),
}
# An older Optax has it, and none that is supported makes one.
NOT_MADE = {"InjectHyperparamsState"}


@pytest.mark.parametrize("name", STATES)
def test_optax_names_the_states_of_its_optimizers(name):
    make, field = STATES[name]
    with jax.numpy_dtype_promotion("standard"):
        found = states(make().init(GRADS))
    assert field in found.get(name, ()), changed(
        "optax", f"the state {name} with a field {field!r} is not there, only {found}", "applied_value"
    )


def test_every_name_that_is_read_is_in_the_table():
    read = state._SCHEDULES | state._ASKING | state._OTHER | state._HOLDING | hyperparams._INJECTED
    assert read | {"ScheduleFreeState"} == STATES.keys() | NOT_MADE


def test_optax_reads_the_signature_that_a_function_shows():
    """`scheduled` injects the schedules alone, by a signature that lists them."""

    def make(**values):
        return optax.sgd(**values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    make.__signature__ = inspect.Signature([inspect.Parameter("learning_rate", keyword)])  # pyright: ignore[reportFunctionMemberAccess]
    injected = optax.inject_hyperparams(make)(learning_rate=SCHEDULE).init(GRADS)
    assert set(injected.hyperparams) == {"learning_rate"}, changed(
        "optax", "inject_hyperparams does not inject what `__signature__` lists", "scheduled"
    )


# ------------------------------------------------------------------ JAX


def test_jax_has_one_class_of_tracers():
    seen = []
    jax.jit(lambda x: seen.append(x) or x)(1.0)
    jax.vmap(lambda x: seen.append(x) or x)(jnp.ones(2))
    jax.grad(lambda x: seen.append(x) or x)(1.0)
    assert all(isinstance(x, jax.core.Tracer) for x in seen), changed(
        "jax", "a traced number is no instance of jax.core.Tracer", "every check of an argument"
    )


def test_jax_says_whether_numbers_have_64_bits():
    for x64 in (False, True):
        with jax.enable_x64(x64):
            assert jax.config.jax_enable_x64 is x64, changed(
                "jax", "jax.config.jax_enable_x64 does not follow jax.enable_x64", "the cache of programs"
            )


def test_jax_says_whether_its_backends_run():
    """In a separate process: in this one they do."""
    code = (
        "import jax, warmup_optax\n"
        "from jax._src import xla_bridge\n"
        "before = xla_bridge.backends_are_initialized()\n"
        "jax.numpy.zeros(1)\n"
        "print(before, xla_bridge.backends_are_initialized())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["False", "True"], (
        changed("jax", "jax._src.xla_bridge.backends_are_initialized is gone", "sample in a forked process")
        + ran.stderr[-500:]
    )


def test_jax_keeps_a_weak_type_through_an_update():
    value = jax.jit(lambda x: jnp.asarray(0.0).at[...].set(x))(np.float32(0.1))
    assert value.weak_type, changed(
        "jax", "`.at[...].set` makes a weak type strong", "scheduled, with bfloat16"
    )


def test_jax_says_when_it_compiles(compilations):
    before = compilations()
    jax.jit(lambda x: x * 3 + before)(1.0)
    assert compilations() == before + 1, changed(
        "jax", "no event ends with backend_compile_duration", "tests that count compilations"
    )


def test_jax_counts_the_programs_of_a_function():
    function = jax.jit(lambda x: x + 1)
    for x in (1.0, 2.0, jnp.ones(2)):
        function(x)
    assert function._cache_size() == 2, changed(
        "jax", "_cache_size() of a jit", "the guide of hyperparameters"
    )  # pyright: ignore[reportFunctionMemberAccess]


# ------------------------------------------------------------------ PyYAML, Matplotlib, ipywidgets


def test_yaml_gives_each_alias_the_node_of_its_anchor():
    """The check of merged keys walks the composed graph, in which an alias is the anchored node itself."""
    yaml = pytest.importorskip("yaml")
    root = yaml.compose("a: &x {b: 1}\nc: *x\nd: {<<: *x}", yaml.SafeLoader)
    (_, a), (_, c), (_, d) = root.value
    ((merge, merged),) = d.value
    same = a is c is merged and merge.value == "<<"
    assert same, changed(
        "PyYAML", "an alias is another node than its anchor", "the command line, for merged keys"
    )


@pytest.mark.live
def test_keras_keeps_the_count_that_it_passes_to_a_schedule():
    """`to_keras` finds the optimizer on the stack, by the variable that it passes on."""
    keras = pytest.importorskip("keras")
    optimizer = keras.optimizers.SGD(wo.to_keras(SCHEDULE), gradient_accumulation_steps=2)
    weight = keras.Variable(np.ones(2, np.float32))
    optimizer.build([weight])
    rates = []
    for _ in range(4):
        optimizer.apply([keras.ops.ones(2)])
        rates.append(float(optimizer.learning_rate))
    expected = wo.sample(SCHEDULE, [0, 1, 1, 2]).tolist()
    assert rates == expected, changed(
        "keras",
        "a schedule is not called by a method of its optimizer with `optimizer._iterations`",
        "to_keras",
    )


@pytest.mark.live
def test_torch_keeps_the_attributes_of_a_scheduler_in_its_state():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    assert {"last_epoch", "proportions"} <= scheduler.state_dict().keys(), changed(
        "torch", "LRScheduler.state_dict() does not hold the attributes", "to_torch"
    )


# ------------------------------------------------------------------ the list

SOURCES = [
    *(ROOT / "warmup_optax").rglob("*.py"),
    *(ROOT / "tests").rglob("*.py"),
    *(ROOT / "docs").rglob("*.py"),
]
PRIVATE = re.compile(
    r"jax\._src[\w.]*|sys\._getframe|_pytest|keras\.src|torch\._\w+|\._iterations|\._cache_size|config\.read\("
    r"|getoption\(\"\w|jax\.core\.\w+|jax\.interpreters"
)
KNOWN = {
    "jax._src.xla_bridge": {"sample.py", "run.py", "test_undocumented.py"},
    "sys._getframe": {"keras.py"},
    "._iterations": {"keras.py", "test_keras_and_torch.py"},
    "._cache_size": {
        "test_guides.py",
        "test_hyperparams.py",
        "test_feedback.py",
        "test_groups.py",
        "test_train_bytes.py",
        "targets.py",
    },
    "jax.core.Tracer": {"curves.py", "test_undocumented.py"},
    "_pytest": {"test_undocumented.py"},
}


def test_nothing_else_that_is_private_is_used():
    """A private name of a dependency is in `KNOWN`, and in the table of CONTRIBUTING.md, or not used."""
    for source in SOURCES:
        for found in PRIVATE.findall(source.read_text()):
            if source.name == "test_undocumented.py":
                continue
            name = next((known for known in KNOWN if found.startswith(known)), found)
            assert source.name in KNOWN.get(name, ()), f"{source.relative_to(ROOT)} uses {found}"


def test_the_list_in_contributing_names_every_test_here():
    table = (
        (ROOT / "CONTRIBUTING.md").read_text().partition("## What is not documented")[2].partition("\n## ")[0]
    )
    listed = set(re.findall(r"`(test_\w+)`", table))
    here = {name for name in globals() if name.startswith("test_")}
    meta = {
        "test_nothing_else_that_is_private_is_used",
        "test_the_list_in_contributing_names_every_test_here",
        "test_every_name_that_is_read_is_in_the_table",
    }
    assert listed == here - meta
