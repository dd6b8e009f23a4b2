"""Reports of Optax users about functions that this library wraps or reads, and the behavior here.

The number is that of the issue or pull request of google-deepmind/optax. A function that is wrapped brings its
known defects along, so read this list again when you add a wrapper.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import GRADS, NAN, PARAMS, SCHEDULE, rate, standard_promotion  # noqa: F401 (a fixture)

import warmup_optax as wo


def steps(optimizer, n, grads=GRADS, params=PARAMS):
    """``n`` compiled updates: the last update and the state."""
    update, state = jax.jit(optimizer.update), optimizer.init(params)
    for _ in range(n):
        updates, state = update(grads, state, params)
    return updates, state


# ------------------------------------------------------------------ inject_hyperparams


def test_415_the_first_update_has_the_value_at_0():
    updates, state = steps(wo.scheduled(optax.sgd, learning_rate=SCHEDULE), 1)
    assert rate(updates) == SCHEDULE(0) == wo.applied_values(state)["learning_rate"]


@pytest.mark.parametrize("name", ["adam", "amsgrad", "adamw", "lion"])
def test_1532_the_same_bits_as_without_injection(name):
    """Injected constants such as ``b2`` are float32 arrays, and ``1 - b2`` differs. Here they stay numbers."""
    make = getattr(optax, name)
    injected, _ = steps(wo.scheduled(make, learning_rate=SCHEDULE), 5)
    plain, _ = steps(make(SCHEDULE), 5)
    jax.tree.map(np.testing.assert_array_equal, injected, plain)


def test_1414_values_are_float32_where_the_parameters_are_bfloat16():
    params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), PARAMS)
    updates, state = steps(
        wo.scheduled(optax.adamw, learning_rate=wo.constant(1e-3), b2=wo.constant(0.999)), 2, params, params
    )
    assert {leaf.dtype for leaf in jax.tree.leaves(updates)} == {jnp.dtype(jnp.bfloat16)}
    assert {name: float(x) for name, x in wo.applied_values(state).items()} == {
        "learning_rate": np.float32(1e-3),
        "b2": np.float32(0.999),  # bfloat16 has 1.0
    }


def test_412_an_optimizer_with_integer_arguments_is_compiled():
    optimizer = wo.scheduled(optax.adafactor, learning_rate=SCHEDULE)
    state = jax.jit(optimizer.init)(PARAMS)
    assert wo.applied_values(state)["learning_rate"] == SCHEDULE(0)


def test_1373_a_mask_that_can_be_called_is_not_called():
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass
    class Net:
        w: jax.Array

        def __call__(self, x):
            raise AssertionError("called as if it were a schedule")

    net, mask = Net(jnp.ones(2)), Net(True)  # pyright: ignore[reportArgumentType]
    optimizer = wo.scheduled(optax.adamw, learning_rate=SCHEDULE, mask=mask)
    assert wo.applied_values(optimizer.init(net))["learning_rate"] == SCHEDULE(0)


# ------------------------------------------------------------------ MultiSteps


def test_145_the_inner_optimizer_gets_the_parameters():
    """Weight decay needs them, and a scheduled one reads its schedule at the count of real updates."""
    inner = optax.chain(optax.add_decayed_weights(wo.linear(1.0, 0.0, 4)), optax.sgd(1.0))
    updates, _ = steps(optax.MultiSteps(inner, 2), 4, jax.tree.map(jnp.zeros_like, GRADS))
    assert float(updates["a"][0]) == -0.75 * float(PARAMS["a"][0])


@pytest.mark.parametrize("schedule", [SCHEDULE, wo.with_feedback(SCHEDULE, wo.feedback.Plateau(begin=1))])
def test_377_1038_gradients_in_another_precision_than_the_parameters(schedule):
    params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), PARAMS)
    optimizer = optax.MultiSteps(wo.scheduled(optax.adamw, learning_rate=schedule), 2)
    state = optimizer.init(params)
    update = jax.jit(optimizer.update)
    for _ in range(4):
        updates, state = update(GRADS, state, params, value=jnp.float32(1.0))
    assert wo.applied_value(schedule, state) == SCHEDULE(1)
    assert all(np.isfinite(x.astype(np.float32)).all() for x in map(np.asarray, jax.tree.leaves(updates)))


def test_828_gradients_that_are_set_to_zero_count():
    optimizer = optax.MultiSteps(optax.chain(optax.zero_nans(), optax.sgd(SCHEDULE)), 2)
    _, state = steps(optimizer, 6, NAN)
    assert wo.applied_value(SCHEDULE, state) == SCHEDULE(2)
    assert wo.update_count(state) == 3


def test_a_schedule_of_whole_numbers_says_how_many_batches_to_accumulate():
    """Optax's state is int32, and a schedule's value is a real number: OpenNMT/OpenNMT-py#1367."""
    batches = wo.piecewise_constant([1, 2, 4], [4, 8])
    optimizer = optax.MultiSteps(optax.sgd(SCHEDULE), lambda count: batches(count).astype(jnp.int32))
    update, state, done = jax.jit(optimizer.update), optimizer.init(PARAMS), []
    for _ in range(12):
        _, state = update(GRADS, state, PARAMS)
        done.append(int(wo.update_count(state)))
    assert done == [1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]


# ------------------------------------------------------------------ conditionally_transform, apply_if_finite


def test_183_an_update_without_the_transformation_does_not_advance_the_schedule():
    """The gradients are then passed through as they are, which is documented there; the count stays."""
    optimizer = optax.conditionally_transform(optax.sgd(SCHEDULE), lambda step: step % 2 == 0)
    updates, state = steps(optimizer, 4)
    assert float(updates["a"][0]) == 1.0
    assert wo.applied_value(SCHEDULE, state) == SCHEDULE(1)
    assert wo.update_count(state) == 2


def test_1746_after_too_many_errors_the_schedule_advances_with_accepted_updates():
    optimizer = optax.apply_if_finite(optax.sgd(SCHEDULE), max_consecutive_errors=2)
    update, state = jax.jit(optimizer.update), optimizer.init(PARAMS)
    counts = []
    for grads in (GRADS, NAN, NAN, NAN, NAN, GRADS, NAN):
        _, state = update(grads, state, PARAMS)
        counts.append(int(wo.update_count(state)))
    assert counts == [1, 1, 1, 2, 3, 4, 4]  # the third and fourth in a row are accepted
    assert wo.applied_value(SCHEDULE, state) == SCHEDULE(3)


# ------------------------------------------------------------------ a first rate of 0


RUN = wo.warmup_cosine(1e-2, warmup_steps=4, total_steps=20)


@pytest.mark.parametrize("name", ["prodigy", "dadapt_adamw"])
@pytest.mark.parametrize(
    ("schedule", "finite"),
    [
        (RUN, False),
        (wo.shift(RUN, -1), True),
        (wo.warmup_cosine(1e-2, warmup_steps=4, total_steps=20, init_value=1e-5), True),
    ],
)
def test_a_first_rate_of_0_and_an_optimizer_that_divides_by_it(name, schedule, finite):
    """Nerogar/OneTrainer#253: 0 / 0 in their estimates. If it becomes finite, the linter's sentence goes."""
    optimizer = getattr(optax.contrib, name)(schedule)
    update, params, state = jax.jit(optimizer.update), PARAMS, optimizer.init(PARAMS)
    for _ in range(4):
        updates, state = update(GRADS, state, params)
        params = optax.apply_updates(params, updates)
    assert np.isfinite(params["a"]).all() == finite
    noted = [finding.name for finding in wo.check(schedule, 20)]
    assert ("zero_first_update" in noted) == (not finite)
