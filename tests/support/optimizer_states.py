"""Optimizers run step by step: what an update really applied, and what the library says that it did.

The rate of an update is recovered from the update itself: plain gradient descent moves by minus the rate
times the gradient, and every other optimizer by the rate times what it does at a constant rate of 1.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo

# No two counts have the same value, no value is 0, and float32 holds all of them exactly.
SCHEDULE = wo.linear(1.0, 0.5, steps=64)
OTHER = wo.linear(0.25, 0.125, steps=64)
PARAMS = {"a": jnp.full((3,), 2.0), "b": jnp.full((2,), 3.0)}
GRADS = {"a": jnp.ones((3,)), "b": jnp.ones((2,))}
NAN = {"a": jnp.full((3,), jnp.nan), "b": jnp.ones((2,))}
LABELS = {"a": "one", "b": "two"}

sgd = optax.sgd


@pytest.fixture(autouse=True)
def standard_promotion():
    """Optax needs standard promotion; `strictly` puts the strict one back for the library."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def strictly(function):
    @functools.wraps(function)
    def wrapped(*args):
        with jax.numpy_dtype_promotion("strict"):
            return function(*args)

    return wrapped


applied, upcoming, update_count = map(strictly, (wo.applied_value, wo.next_value, wo.update_count))


def made(optimizer) -> Any:
    """An optimizer that takes any further argument, its update compiled, its states without a type."""
    optimizer = optax.with_extra_args_support(optimizer)
    return optax.GradientTransformationExtraArgs(optimizer.init, jax.jit(optimizer.update))


def asked_by(make):
    """An optimizer, and the list of the counts at which it asks its schedule, for rates out of reach."""
    asked, traced = [], []

    def schedule(count):
        traced.append(count)
        return SCHEDULE(count)

    optimizer = optax.with_extra_args_support(make(schedule))

    @jax.jit
    def compiled(*args, **further):
        traced.clear()
        return optimizer.update(*args, **further), tuple(traced)

    def update(*args, **further):
        result, counts = compiled(*args, **further)
        asked.extend(map(int, counts))
        return result

    return optax.GradientTransformationExtraArgs(optimizer.init, update), asked


def rate(updates, leaf="a"):
    """The rate of an update of plain gradient descent with gradients of ones."""
    return -np.asarray(updates[leaf])[0]


def run(optimizer, calls, *, grads=GRADS) -> Any:
    """Updates, each checked: eager and inside `jit`, what was said to be next is what then was applied.

    ``calls`` has for each call of `update` the number of the update that it makes, from 0, or None for none.
    """
    optimizer = optax.with_extra_args_support(optimizer)

    @jax.jit
    def step(state):
        expected = upcoming(SCHEDULE, state)
        updates, state = optimizer.update(grads, state, PARAMS)
        return updates, state, expected, applied(SCHEDULE, state)

    state = optimizer.init(PARAMS)
    done = 0
    for number in calls:
        before = upcoming(SCHEDULE, state)
        updates, state, expected, inside = step(state)
        assert before == expected == SCHEDULE(done)
        if number is None:
            assert rate(updates) == 0
        else:
            assert number == done
            assert rate(updates) == SCHEDULE(number)
            done += 1
        assert update_count(state) == done
        outside = applied(SCHEDULE, state)
        assert outside == inside == SCHEDULE(max(done - 1, 0))
        assert isinstance(outside, jax.Array)
        assert (outside.dtype, outside.shape, outside.weak_type) == (inside.dtype, (), False)
    return state
