"""A schedule is an `optax.Schedule`: optimizers take it; every device computes the same rate."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from support import reference

import warmup_optax as wo

W, T, PEAK = 3, 12, 0.125
STEPS = np.arange(16, dtype=np.int32)
PARAMS = {"w": np.full((4, 2), 0.5, np.float32), "b": np.zeros(2, np.float32)}
GRADS = jax.tree.map(np.ones_like, PARAMS)

OPTIMIZERS = {
    "adamw": optax.adamw,
    "sgd": optax.sgd,
    "lion": optax.lion,
    "lamb": optax.lamb,
    "adafactor": optax.adafactor,
}


@pytest.fixture(autouse=True)
def optax_promotes():
    """Optax's own optimizers (Adam's `decay**count`) do not pass under strict promotion."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def make(module=wo, peak=PEAK):
    return module.warmup_cosine(peak, warmup_steps=W, total_steps=T, end_value=0.01)


def rates():
    """The rate of each update, in float32 from the float64 equation."""
    return make(reference)(STEPS)


def run(tx, steps, grads=GRADS):
    """The updates of `steps` steps under jit, and the last state."""
    update = jax.jit(tx.update)
    state, updates = tx.init(PARAMS), []
    for _ in range(steps):
        update_, state = update(grads, state, PARAMS)
        updates.append(update_)
    return updates, state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_a_schedule_where_it_takes_a_number(name):
    """Update `n` of every optimizer uses `schedule(n)`: the same as a number given by hand."""
    scheduled, _ = run(OPTIMIZERS[name](learning_rate=make()), W + 2)
    state = OPTIMIZERS[name](learning_rate=0.0).init(PARAMS)

    @jax.jit
    def by_hand(rate, state):
        return OPTIMIZERS[name](learning_rate=rate).update(GRADS, state, PARAMS)

    for count, got in enumerate(scheduled):
        wanted, state = by_hand(make()(count), state)
        # XLA may fuse the optimizer's own arithmetic in another way, not the rate: a few roundings
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8)


def test_the_update_of_sgd_is_the_rate_itself():
    """With a gradient of ones the update is minus the rate, from 0 at the first one to the end."""
    updates, _ = run(optax.sgd(make()), len(STEPS))
    got = np.array([-float(update["b"][0]) for update in updates])
    np.testing.assert_allclose(got, rates(), rtol=8 * 2.0**-23)
    assert got[0] == 0.0
    assert got[W] == PEAK
    assert set(got[T:]) == {float(np.float32(0.01))}


def test_chain_and_scale_by_schedule():
    """Twice in one chain: as the rate, and as the decay of the weights."""
    decay = make() / PEAK
    tx = optax.chain(
        optax.clip_by_global_norm(1e9),
        optax.scale_by_schedule(make()),
        optax.add_decayed_weights(decay),
        optax.scale(-1.0),
    )
    updates, _ = run(tx, len(STEPS))
    got = np.array([-float(update["w"][0, 0]) for update in updates])
    np.testing.assert_allclose(got, rates() + 0.5 * rates() / PEAK, rtol=16 * 2.0**-23)


def test_adamw_takes_a_schedule_of_weight_decay():
    """Without a gradient AdamW only decays the weights: by the product of the two schedules."""
    zeros = jax.tree.map(np.zeros_like, GRADS)
    updates, _ = run(optax.adamw(make(), weight_decay=wo.linear(1.0, 0.5, T)), len(STEPS), zeros)
    got = np.array([-float(update["w"][0, 0]) for update in updates])
    wanted = 0.5 * rates() * reference.linear(1.0, 0.5, T)(STEPS)
    np.testing.assert_allclose(got, wanted, rtol=16 * 2.0**-23)


def test_multi_steps_counts_updates_not_batches():
    """Under accumulation the count increases once every `k` batches; `k` may be a schedule."""
    every = wo.piecewise_constant([1, 2], [4])
    for k in (2, lambda count: jnp.asarray(every(count), jnp.int32)):
        tx = optax.MultiSteps(optax.sgd(make()), every_k_schedule=k)
        updates, state = run(tx, 12)
        applied = [-float(update["b"][0]) for update in updates]
        count = int(state.gradient_step)
        assert count == (6 if k == 2 else 8)
        used = [rate for rate in applied if rate != 0.0]
        np.testing.assert_allclose(used, rates()[1:count], rtol=8 * 2.0**-23)


def test_inject_hyperparams_shows_the_rate():
    """The state contains the rate of the last update, next to another injected schedule."""
    tx = optax.inject_hyperparams(optax.adamw)(learning_rate=make(), weight_decay=wo.linear(1.0, 0.5, T))
    _, state = run(tx, 6)
    wanted = {"learning_rate": make(reference), "weight_decay": reference.linear(1.0, 0.5, T)}
    for name, equation in wanted.items():
        np.testing.assert_allclose(state.hyperparams[name], equation(5), rtol=8 * 2.0**-23)


def test_partition_and_apply_if_finite():
    """Wrappers of Optax keep the schedule of each group, and a skipped update does not count."""
    tx = optax.partition({"a": optax.sgd(make()), "b": optax.sgd(make() * 0.5)}, {"w": "a", "b": "b"})
    updates, _ = run(optax.apply_if_finite(tx, 5), W + 1)
    assert updates[W]["w"][0, 0] == -PEAK
    assert updates[W]["b"][0] == -PEAK / 2
    nan = jax.tree.map(lambda g: g * np.nan, GRADS)
    tx = optax.apply_if_finite(optax.sgd(make()), 5)
    update, state = jax.jit(tx.update), tx.init(PARAMS)
    for grads in (GRADS, nan, nan, GRADS):
        updates, state = update(grads, state, PARAMS)
    assert updates["b"][0] == -np.float32(make()(1))


def test_optax_joins_our_schedules_and_we_join_its():
    """Closures and values mix, in both directions."""
    ours, theirs = wo.linear(0.5, 0.25, 8), optax.linear_schedule(0.25, 0.0, 4)
    joined = [optax.join_schedules([ours, theirs], [8]), wo.join([ours, theirs], [8])]
    wanted = reference.join([reference.linear(0.5, 0.25, 8), reference.linear(0.25, 0.0, 4)], [8])
    for schedule in joined:
        got = [float(schedule(count)) for count in STEPS]
        np.testing.assert_allclose(got, wanted(STEPS), rtol=8 * 2.0**-23, atol=1e-9)


# -------------------------------------------------------------------------------- many devices
def _update_of_one(count, tx):
    """The update of a parameter whose gradient is 1, with the optimizer's clock set to `count`."""
    state = optax.tree_utils.tree_set(tx.init(jnp.zeros(())), count=count)
    update, _ = tx.update(jnp.ones(()), state, jnp.zeros(()))
    return -update


@pytest.fixture(scope="module")
def bits():
    """The rates of plain `jit`, as bits; every other way of running must give the same."""
    return np.asarray(jax.jit(make())(STEPS)).tobytes()


@pytest.fixture(scope="module")
def mesh():
    assert len(jax.devices("cpu")) == 8
    return jax.make_mesh((8,), ("data",), (AxisType.Auto,), devices=jax.devices("cpu"))


def test_each_device_computes_the_same_bits(bits, mesh):
    """`pmap`, `shard_map` and `jit` over sharded counts give the rates of plain `jit`."""
    schedule = make()
    pmapped = jax.pmap(lambda count: schedule(count), devices=jax.devices("cpu"))
    assert np.asarray(pmapped(STEPS.reshape(8, 2))).tobytes() == bits
    spec = PartitionSpec("data")
    sharded = jax.device_put(STEPS, NamedSharding(mesh, spec))
    mapped = jax.shard_map(lambda count: schedule(count), mesh=mesh, in_specs=spec, out_specs=spec)
    assert np.asarray(jax.jit(mapped)(sharded)).tobytes() == bits
    out = jax.jit(lambda count: schedule(count))(sharded)
    assert out.sharding.is_equivalent_to(sharded.sharding, 1)
    assert np.asarray(out).tobytes() == bits


def test_the_optimizer_on_many_devices_uses_the_same_bits(bits, mesh):
    """The same inside an optimizer's update, where the state holds the count."""
    update = jax.vmap(functools.partial(_update_of_one, tx=optax.sgd(make())))
    assert np.asarray(jax.jit(update)(STEPS)).tobytes() == bits
    spec = PartitionSpec("data")
    mapped = jax.shard_map(update, mesh=mesh, in_specs=spec, out_specs=spec)
    assert np.asarray(jax.jit(mapped)(STEPS)).tobytes() == bits
    pmapped = jax.pmap(update, devices=jax.devices("cpu"))
    assert np.asarray(pmapped(STEPS.reshape(8, 2))).tobytes() == bits


# ------------------------------------------------------------------------- the schedule as data
def _step(schedule, params, state):
    """One step towards 1, under AdamW."""
    grads = jax.grad(lambda p: jnp.sum((p["w"] - 1.0) ** 2) + jnp.sum(p["b"]))(params)
    updates, state = optax.adamw(schedule).update(grads, state, params)
    return optax.apply_updates(params, updates), state


def test_a_train_step_that_takes_the_schedule_is_compiled_once():
    """Section 4: other numbers, the same program; and `vmap` trains a population in one."""
    traces = []

    @jax.jit
    def train_step(schedule, params, state):
        traces.append(schedule)
        return _step(schedule, params, state)

    def train(schedule, step):
        params = jax.tree.map(jnp.asarray, PARAMS)
        state = optax.adamw(make()).init(params)
        for _ in range(5):
            params, state = step(schedule, params, state)
        return params["w"]

    peaks = [0.125, 0.25, 0.5]
    finals = [train(make(peak=peak), train_step) for peak in peaks]
    assert len(traces) == 1
    assert len({float(final[0, 0]) for final in finals}) == 3

    closed_over = [jax.jit(functools.partial(_step, make(peak=peak))) for peak in peaks]
    alone = [train(None, lambda _, *args, step=step: step(*args)) for step in closed_over]
    np.testing.assert_allclose(finals, alone, rtol=1e-5)
    stack = wo.stack([make(peak=peak) for peak in peaks])
    population = jax.vmap(lambda schedule: train(schedule, train_step))(stack)
    np.testing.assert_allclose(population, finals, rtol=1e-5)
