"""Every constructor, lowered for every platform: no loop, no branch, no call out of the program.

Needs no compiler and no device. One platform at a time: an export for several of them has a branch on which
one it is for. What to look for is in the StableHLO: `jnp.interp` and the default `jnp.searchsorted` have a
`while`, `lax.cond` and `jnp.piecewise` a `case`, some operations only on some platforms.
"""

import functools
import re

import jax
import jax.numpy as jnp
import optax
import pytest
from support.catalogue import CASES, LONG, ONE_OF_EACH

PLATFORMS = ["cpu", "cuda", "rocm", "tpu"]
first_platform = pytest.mark.parametrize(
    "platform", ["tpu", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in PLATFORMS[:-1])]
)
COUNT = jax.ShapeDtypeStruct((), jnp.int32)
EVERY = {case.name: case.schedule for case in [*CASES, *LONG]}


def control(platform, function, *arguments):
    """The control flow in a program lowered for one platform, as words."""
    return found(platform, jax.jit(function).trace(*arguments))


def found(platform, traced):
    """The same of what has been traced already, which is the larger part of the work."""
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert "stablehlo" in text
    words = r"(?:stablehlo|mhlo|chlo)\.(while|case|if|send|recv|custom_call|infeed|outfeed)\b"
    return sorted(set(re.findall(words, text)))


def guilty(platform, functions):
    """The functions of a count that contain control flow, with its names."""
    every = {name: control(platform, function, COUNT) for name, function in functions.items()}
    return {name: words for name, words in every.items() if words}


@functools.cache
def closed_over():
    return jax.jit(lambda c: {k: s(c) for k, s in EVERY.items()}).trace(COUNT)


@first_platform
def test_numbers_closed_over(platform):
    """Law 7, all of them in one program; one by one only if there is something to find."""
    assert not found(platform, closed_over()), guilty(platform, EVERY)


@functools.cache
def as_arguments():
    leaves, structure = jax.tree.flatten({case.name: case.schedule for case in ONE_OF_EACH})

    def at(leaves, count):
        schedules = jax.tree.unflatten(structure, leaves)
        return {name: schedule(count) for name, schedule in schedules.items()}

    return jax.jit(at).trace(leaves, COUNT)


@first_platform
def test_numbers_as_arguments(platform):
    """The same with the schedules as data, where nothing is worked out ahead."""
    assert not found(platform, as_arguments()), guilty(platform, EVERY)


@functools.cache
def differentiated():
    schedules = {case.name: case.schedule for case in ONE_OF_EACH}

    def gradients(schedules, counts):
        return {
            name: jax.grad(lambda s: jnp.sum(s(counts)), allow_int=True)(schedule)
            for name, schedule in schedules.items()
        }

    counts = jax.ShapeDtypeStruct((3,), jnp.int32)
    return jax.jit(gradients).trace(schedules, counts)


@first_platform
def test_gradients_and_vectors(platform):
    """Differentiated and mapped over counts: still a straight line."""
    assert not found(platform, differentiated())


@first_platform
def test_in_a_train_step(platform):
    """An update of AdamW: the optimizer brings none, so there is none at all."""
    optimizers = {case.name: optax.adamw(case.schedule) for case in ONE_OF_EACH}
    params = {name: jnp.ones((4, 4)) for name in optimizers}
    with jax.numpy_dtype_promotion("standard"):  # Optax's own optimizers do not pass under strict
        optimizer = optax.partition(optimizers, {name: name for name in optimizers})
        state = jax.eval_shape(optimizer.init, params)
        assert not control(platform, lambda s, p: optimizer.update(p, s, p), state, params)


def test_the_search_finds_a_loop():
    """The test of the test: each of these is a loop or a branch."""
    table = jnp.arange(4.0)
    seen = [
        control("tpu", lambda c: jnp.interp(c.astype(float), table, table), COUNT),
        control("tpu", lambda c: jnp.searchsorted(table, c.astype(float)), COUNT),
        control("tpu", lambda c: jax.lax.cond(c > 3, jnp.sin, jnp.cos, c.astype(float)), COUNT),
        control("cuda", lambda c: jax.lax.fori_loop(0, 3, lambda i, x: x + i, c), COUNT),
    ]
    assert seen == [["while"], ["while"], ["case"], ["while"]]
