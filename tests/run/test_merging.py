"""Checkpoints of a constant rate, merged: the weights, the average, and the cooldown that they stand for."""

import functools
import math
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

import warmup_optax as wo

CURVES = {
    "linear": (wo.linear, lambda p: 1 - p),
    "cosine": (wo.cosine, lambda p: math.cos(math.pi * p / 2) ** 2),
    "one_minus_sqrt": (wo.one_minus_sqrt, lambda p: 1 - math.sqrt(p)),
    "a square": (functools.partial(wo.polynomial, power=2.0), lambda p: (1 - p) ** 2),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_the_weights(name, n):
    """The paper's formula, in float64 with float32 as JAX's default."""
    shape, weight = CURVES[name]
    found = wo.checkpoint_weights(shape, n)
    assert found.dtype == np.float64
    w = [weight(j / n) for j in range(n + 1)]
    expected = [1 - w[1], *(w[j] - w[j + 1] for j in range(1, n - 1)), w[n - 1]] if n > 1 else [1.0]
    np.testing.assert_allclose(found, expected, atol=4e-16)  # each w_j is within 2 ULP of at most 1
    assert found.sum() == pytest.approx(1, abs=1e-15 * n)


def test_linear_is_the_plain_mean():
    assert wo.checkpoint_weights(wo.linear, 8).tolist() == [0.125] * 8


@pytest.mark.parametrize("name", CURVES)
def test_it_is_the_cooldown_where_gradients_do_not_depend_on_the_parameters(name):
    """Gradients of a linear loss: the merged checkpoints of a constant rate are the cooldown's parameters."""
    shape, begin, n, rate = CURVES[name][0], 3, 6, 0.5
    grads = jnp.asarray(np.random.default_rng(0).standard_normal((begin + n, 4)), jnp.float32)

    def train(schedule):
        optimizer = optax.sgd(schedule)

        @jax.jit
        def run(params, state):
            def step(carry, grad):
                updates, state = optimizer.update(grad, carry[1], carry[0])
                params = optax.apply_updates(carry[0], updates)
                return (params, state), params

            return jax.lax.scan(step, (params, state), grads)[1]

        params = jnp.zeros(4)
        return run(params, optimizer.init(params))

    checkpoints = train(wo.constant(rate))[begin:]  # the first is that of the update before the rate falls
    merged = wo.merge_checkpoints(wo.checkpoint_weights(shape, n), checkpoints)
    cooled = train(wo.with_cooldown(wo.constant(rate), begin=begin, steps=n, shape=shape))[-1]
    np.testing.assert_allclose(merged, cooled, rtol=0, atol=2e-6)  # sums of nine float32 numbers of order 1


def test_one_tree_is_in_memory_at_a_time():
    alive, most = weakref.WeakSet(), []

    class Array(np.ndarray):
        __hash__ = object.__hash__  # so that it can be in the set

    def load(i):
        array = np.full((3,), float(i)).view(Array)
        alive.add(array)
        most.append(len(alive))
        return {"w": array}

    merged = wo.merge_checkpoints([0.25] * 4, (load(i) for i in range(4)))
    assert merged["w"].tolist() == [1.5] * 3
    assert most == [1, 1, 1, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.complex64])
def test_numpy_leaves_stay_numpy_and_keep_their_dtype(dtype):
    trees = [{"a": np.full((2,), x, dtype), "b": [np.asarray(x, dtype)]} for x in (1.0, 2.0, 4.0)]
    merged = wo.merge_checkpoints([0.5, 0.25, 0.25], iter(trees))
    assert jax.tree.structure(merged) == jax.tree.structure(trees[0])
    for leaf in jax.tree.leaves(merged):
        assert isinstance(leaf, (np.ndarray, np.generic))
        assert leaf.dtype == dtype
        assert (leaf == 2).all()


def test_low_precision_is_summed_in_float32():
    """256 bfloat16 numbers just over 1: a bfloat16 sum would stop growing."""
    one = jnp.asarray([1.0078125], jnp.bfloat16)
    merged = wo.merge_checkpoints([1 / 256] * 256, (one for _ in range(256)))
    assert merged.dtype == jnp.bfloat16
    assert merged == one


def test_jax_leaves_stay_where_they_are():
    mesh = jax.make_mesh((len(jax.devices()),), ("data",))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    trees = [jax.device_put(jnp.full((8,), x), split) for x in (1.0, 3.0)]
    merged = wo.merge_checkpoints([0.5, 0.5], trees)
    assert merged.sharding.is_equivalent_to(split, 1)
    assert merged.tolist() == [2.0] * 8


def test_through_orbax(tmp_path):
    ocp = pytest.importorskip("orbax.checkpoint")
    with ocp.CheckpointManager(tmp_path) as manager:
        for step, value in ((8, 1.0), (9, 2.0), (10, 6.0)):
            tree = {"params": {"w": np.full((2,), value, np.float32)}, "count": jnp.int32(step)}
            manager.save(step, args=ocp.args.StandardSave(tree))
        manager.wait_until_finished()
    with ocp.CheckpointManager(tmp_path) as manager:  # another process, as it were
        restore = ocp.args.StandardRestore()
        trees = (manager.restore(step, args=restore)["params"] for step in manager.all_steps())
        merged = wo.merge_checkpoints(wo.checkpoint_weights(wo.linear, 3), trees)
    np.testing.assert_allclose(merged["w"], [3.0, 3.0], rtol=1e-6)  # float32, weights of 1/3


W = np.ones((2,), np.float32)
BAD: list[Any] = [
    ([0.5, 0.5], [{"w": W}], "trees must match weights in number, got 1 trees for 2 weights"),
    ([0.5, 0.5], [{"w": W}] * 3, "trees must match weights in number, got more than 2"),
    ([0.5, 0.4], [{"w": W}] * 2, r"weights must be numbers that add up to 1, got \[0.5, 0.4\]; divide"),
    ([0.5, 0.5], [{"w": W}, {"w": np.ones((3,), np.float32)}], r"trees must be alike, got float32\[2\] at"),
    ([0.5, 0.5], [{"w": W}, {"w": W.astype(np.float64)}], r"float64\[2\] at \['w'\] in tree 1"),
    ([0.5, 0.5], [{"w": W}, {"v": W}], r"at \['w'\] in tree 0 and .* at \['v'\] in tree 1"),
    ([0.5, 0.5], [{"w": W}, {"w": W, "x": W}], "got 1 leaves in tree 0 and 2 in tree 1"),
    ([0.5, 0.5], [[W], (W,)], "trees must be alike, got PyTreeDef"),
    ([1.0], [{"w": W, "step": np.int32(7)}], r"got int32 at \['step'\]; give the parameters alone"),
    ([1.0], [{"w": True}], "real or complex numbers, got <class 'bool'>"),
    ([1.0], [{"key": jax.random.key(0)}], r"numbers, got key<fry> at \['key'\]"),
    (0.5, [{"w": W}], "weights must be a sequence of numbers"),
]


@pytest.mark.parametrize(("weights", "trees", "message"), BAD)
def test_trees_that_cannot_be_averaged(weights, trees, message):
    with pytest.raises((ValueError, TypeError), match=f"merge_checkpoints: .*{message}"):
        wo.merge_checkpoints(weights, trees)


@pytest.mark.parametrize(
    ("shape", "n", "message"),
    [
        (wo.linear, 0, "num_checkpoints must be a whole number of steps >= 1, got 0"),
        (wo.linear, 2.5, "num_checkpoints must be a whole number"),
        (wo.linear(1.0, 0.0, 4), 4, "shape must be a shape that falls from 1 to 0, .* give the function"),
        ("linear", 4, "shape must be a shape"),
        (wo.geometric, 4, "shape must be a shape that falls from 1 to 0, .*end_value"),
        (lambda a, b, n: wo.constant(1.0), 4, "shape must be .* it runs from 1.0 to 1.0"),
    ],
)
def test_shapes_that_are_no_cooldown(shape, n, message):
    with pytest.raises((ValueError, TypeError), match=f"checkpoint_weights: {message}"):
        wo.checkpoint_weights(shape, n)
