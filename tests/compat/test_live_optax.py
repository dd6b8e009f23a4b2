"""`compat.optax` compared with the installed Optax: over random arguments, and in Optax's own tests."""

import importlib.util
import pathlib
import types
import unittest

import jax
import numpy as np
import optax as peer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import golden

from warmup_optax.compat import optax

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

COUNTS = np.arange(120)
# Tests of Optax that expect bad input to be accepted silently.
SILENT = ("test_zero_steps_schedule", "test_nonvalid_transition_steps", "test_nonvalid_decay_rate")


def real(low, high):
    """Numbers of the sizes that rates have; 0 too, if it is allowed."""
    positive = st.floats(max(low, 2**-20), high)
    return st.just(0.0) | positive if low == 0 else positive


def steps(low, high):
    return st.integers(low, high)


value, knots = real(0, 1), st.dictionaries(steps(0, 60), real(0, 2), max_size=5)
line = {"init_value": value, "end_value": value, "transition_steps": steps(0, 50)}
decay = {
    "transition_steps": steps(0, 20),
    "decay_rate": real(0.1, 1.5),
    "staircase": st.booleans(),
    "end_value": st.none() | value,
}
begin = {"transition_begin": steps(0, 20)}
warmup = {"init_value": value, "peak_value": value, "warmup_steps": steps(0, 20)}
cosine = warmup | {"decay_steps": steps(21, 60), "end_value": value, "exponent": real(0.3, 3)}
one_cycle = {"transition_steps": steps(1, 80), "peak_value": value, "pct_start": real(0.01, 0.5)}
factors = {"div_factor": real(1, 40), "final_div_factor": real(1, 1e4)}
ARGUMENTS = {
    "constant_schedule": {"value": value},
    "linear_schedule": line | begin,
    "polynomial_schedule": line | begin | {"power": real(0.2, 4)},
    "piecewise_constant_schedule": {"init_value": value, "boundaries_and_scales": st.none() | knots},
    "piecewise_interpolate_schedule": {
        "interpolate_type": st.sampled_from(["linear", "cosine"]),
        "init_value": value,
        "boundaries_and_scales": st.none() | knots,
    },
    "cosine_decay_schedule": {
        "init_value": value,
        "decay_steps": steps(1, 60),
        "alpha": real(0, 1.2),
        "exponent": real(0.3, 3),
    },
    "exponential_decay": {"init_value": value} | decay | begin,
    "linear_onecycle_schedule": one_cycle | factors | {"pct_final": real(0.5, 0.95)},
    "cosine_onecycle_schedule": one_cycle | factors,
    "warmup_constant_schedule": warmup,
    "warmup_cosine_decay_schedule": cosine,
    "warmup_exponential_decay_schedule": warmup | decay | begin,
    "sgdr_schedule": {"cosine_kwargs": st.lists(st.fixed_dictionaries(cosine), min_size=1, max_size=4)},
}


def standard():
    """Optax's closures need JAX's default type promotion, which the suite forbids."""
    return jax.numpy_dtype_promotion("standard")


@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=12)
@given(data=st.data())
def test_random_arguments(name, data):
    arguments = data.draw(st.fixed_dictionaries(ARGUMENTS[name]))
    with jax.enable_x64(True), standard(), jax.numpy_rank_promotion("allow"):
        expected = np.broadcast_to(jax.vmap(getattr(peer, name)(**arguments))(COUNTS), COUNTS.shape)
    schedule = getattr(optax, name)(**arguments)
    golden.compare(schedule(COUNTS), expected, golden.EXACT, steps=COUNTS)
    golden.check_saved(schedule)


def each(tests):
    """The tests of a suite of suites."""
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


@pytest.mark.parametrize("name", ["_schedule", "_join"])
def test_optaxs_own_tests(name):
    found = importlib.util.find_spec(f"optax.schedules.{name}_test")
    if found is None or found.origin is None:
        pytest.skip("this Optax was installed without its tests")
    source = pathlib.Path(found.origin).read_text()
    for module in ("_schedule", "_join"):
        source = source.replace(
            f"from optax.schedules import {module}\n", f"from warmup_optax.compat import optax as {module}\n"
        )
    module = types.ModuleType(found.name)
    with standard():
        exec(source, vars(module))
        tests = list(each(unittest.defaultTestLoader.loadTestsFromModule(module)))
        run = [test for test in tests if not test.id().split(".")[-1].startswith(SILENT)]
        assert len(run) > 0.8 * len(tests)
        result = unittest.TestSuite(run).run(unittest.TestResult())
    assert result.wasSuccessful(), result.failures + result.errors
