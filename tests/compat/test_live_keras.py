"""`compat.keras` compared with the installed Keras, on JAX and so in float32, over random arguments."""

import os
import warnings

import jax
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import golden

from warmup_optax.compat import keras

os.environ.setdefault("KERAS_BACKEND", "jax")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    peer = pytest.importorskip("keras")

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

COUNTS = np.arange(100)


def real(low, high):
    """Numbers of the sizes that rates have; 0 too, if it is allowed."""
    positive = st.floats(max(low, 2**-20), high, width=32)
    return st.just(0.0) | positive if low == 0 else positive


def steps(low, high):
    return st.integers(low, high)


first, stairs = {"initial_learning_rate": real(2**-10, 1)}, {"staircase": st.booleans()}
ARGUMENTS = {
    "ExponentialDecay": first | stairs | {"decay_steps": steps(1, 40), "decay_rate": real(0.125, 1)},
    "InverseTimeDecay": first | stairs | {"decay_steps": steps(1, 40), "decay_rate": real(0.125, 4)},
    "PolynomialDecay": first
    | {
        "decay_steps": steps(1, 40),
        "end_learning_rate": real(0, 2**-10),
        "power": real(0.25, 3),
        "cycle": st.booleans(),
    },
    "CosineDecay": first | {"decay_steps": steps(1, 60), "alpha": real(0, 1)},
    "CosineDecay-warmup": first
    | {
        "decay_steps": steps(1, 60),
        "alpha": real(0, 1),
        "warmup_target": real(0, 1),
        "warmup_steps": steps(0, 30),
    },
    "CosineDecayRestarts": first
    | {"first_decay_steps": steps(1, 20), "t_mul": st.just(1.0), "m_mul": real(0.25, 1), "alpha": real(0, 1)},
}


def check(name, arguments):
    build = getattr(peer.optimizers.schedules, name)(**arguments)
    with jax.numpy_dtype_promotion("standard"):
        expected = jax.jit(jax.vmap(build))(COUNTS)
    schedule = getattr(keras, name)(**arguments)
    # What Keras's own float32 leaves: near the foot of a curve the rounding of its 1 + cos and 1 - p.
    golden.compare(schedule(COUNTS), expected, golden.SINGLE, near_zero=1e-6, steps=COUNTS)
    golden.check_saved(schedule)


@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=8)
@given(data=st.data())
def test_random_arguments(name, data):
    arguments = data.draw(st.fixed_dictionaries(ARGUMENTS[name]))
    assume(arguments.get("power", 1) >= 1 or not arguments["cycle"])  # 0 ** power is all of Keras's rounding
    check(name.partition("-")[0], arguments)


@settings(max_examples=8)
@given(st.lists(steps(0, 90), min_size=1, max_size=6, unique=True), st.data())
def test_random_boundaries(boundaries, data):
    values = data.draw(st.lists(real(0, 1), min_size=len(boundaries) + 1, max_size=len(boundaries) + 1))
    check("PiecewiseConstantDecay", {"boundaries": sorted(boundaries), "values": values})
