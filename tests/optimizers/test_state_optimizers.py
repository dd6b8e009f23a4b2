"""The learning rate in an optimizer state, for every optimizer of Optax, and in Flax."""

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import (  # noqa: F401 (a fixture acts by being here)
    GRADS,
    OTHER,
    PARAMS,
    SCHEDULE,
    applied,
    asked_by,
    made,
    rate,
    sgd,
    standard_promotion,
    upcoming,
    update_count,
)

import warmup_optax as wo


def test_an_optimizer_without_a_schedule_counts_too():
    """For a rate that the loop applies by itself; counters of other things are not taken for it."""
    plateau = optax.contrib.reduce_on_plateau(accumulation_size=3)
    optimizer = made(optax.chain(optax.adam(1.0), optax.ema(0.9), optax.apply_every(2), plateau))
    state = optimizer.init(PARAMS)
    for number in range(4):
        assert upcoming(SCHEDULE, state) == SCHEDULE(number)
        _, state = optimizer.update(GRADS, state, PARAMS, value=1.0)
        assert applied(SCHEDULE, state) == SCHEDULE(number)
    state = optax.lbfgs().init(PARAMS)
    assert upcoming(SCHEDULE, state) == SCHEDULE(0)


def test_schedule_free_with_a_scheduled_base():
    """The base optimizer scales the steps, and counts from 0: recovered from its iterate z."""
    optimizer = made(optax.contrib.schedule_free(sgd(SCHEDULE), SCHEDULE))
    params, state = PARAMS, optimizer.init(PARAMS)
    assert applied(SCHEDULE, state) == SCHEDULE(0)
    for number in range(4):
        expected = upcoming(SCHEDULE, state)
        z = state.z["a"][0]
        updates, state = optimizer.update(GRADS, state, params)
        params = optax.apply_updates(params, updates)
        assert z - state.z["a"][0] == pytest.approx(float(SCHEDULE(number)), rel=1e-6)
        assert expected == applied(SCHEDULE, state) == SCHEDULE(number)
        assert update_count(state) == number + 1 == state.step_count - 1


@pytest.mark.parametrize("base", [sgd(0.1), optax.adam(0.1, b1=0.0)])
def test_schedule_free_with_a_constant_base(base):
    """Only the averaging asks the schedule, from 1 on: recovered from what asked it."""
    optimizer, asked = asked_by(lambda schedule: optax.contrib.schedule_free(base, schedule))
    state = optimizer.init(PARAMS)
    assert applied(SCHEDULE, state) == SCHEDULE(1)
    for number in (1, 2, 3):
        assert upcoming(SCHEDULE, state) == SCHEDULE(number)
        _, state = optimizer.update(GRADS, state, PARAMS)
        assert asked[-1] == number
        assert applied(SCHEDULE, state) == SCHEDULE(number)


def test_schedule_free_adamw():
    state = optax.contrib.schedule_free_adamw(cast(Any, SCHEDULE)).init(PARAMS)
    assert update_count(state) == 0


def test_mechanize():
    """Its tuner sees the base optimizer's updates; the base asks the schedule with its own count."""
    optimizer, asked = asked_by(lambda schedule: optax.contrib.mechanize(sgd(schedule)))
    state = optimizer.init(PARAMS)
    for number in range(3):
        _, state = optimizer.update(GRADS, state, PARAMS)
        assert asked[-1] == number
        assert applied(SCHEDULE, state) == SCHEDULE(number)


def test_lookahead():
    optimizer = made(optax.lookahead(sgd(SCHEDULE), sync_period=3, slow_step_size=0.5))
    params = optax.LookaheadParams.init_synced(PARAMS)
    state = optimizer.init(params)
    for number in range(5):
        updates, state = optimizer.update(GRADS, state, params)
        assert applied(SCHEDULE, state) == SCHEDULE(number)
        if (number + 1) % 3:
            assert rate(updates.fast) == SCHEDULE(number)


def test_sam_counts_synchronizations():
    optimizer = made(optax.contrib.sam(sgd(SCHEDULE), sgd(0.5), sync_period=2))
    params: Any = PARAMS
    state = optimizer.init(params)
    for call in range(6):
        start = params
        updates, state = optimizer.update(GRADS, state, params)
        params = optax.apply_updates(params, updates)
        if call % 2:
            number = call // 2
            assert applied(SCHEDULE, state) == SCHEDULE(number)
            # away by the adversary's 0.5, then back and down from there
            assert start["a"][0] - params["a"][0] == pytest.approx(0.5 + float(SCHEDULE(number)), rel=1e-6)
        assert update_count(state) == (call + 1) // 2


def test_sam_with_two_schedules_is_ambiguous():
    optimizer = made(optax.contrib.sam(sgd(SCHEDULE), sgd(OTHER), sync_period=3))
    state = optimizer.init(PARAMS)
    _, state = optimizer.update(GRADS, state, PARAMS)
    for ask in (upcoming, jax.jit(upcoming)):
        with pytest.raises(ValueError, match="must hold counts that advance together"):
            ask(SCHEDULE, state)
    assert upcoming(SCHEDULE, state.opt_state) == SCHEDULE(0)
    assert upcoming(OTHER, state.adv_state) == OTHER(1)


OPTIMIZERS = {
    "adabelief": optax.adabelief,
    "adadelta": optax.adadelta,
    "adafactor": functools.partial(
        optax.adafactor, multiply_by_parameter_scale=False, clipping_threshold=None
    ),
    "adagrad": optax.adagrad,
    "adam": optax.adam,
    "adamax": optax.adamax,
    "adamw": functools.partial(optax.adamw, weight_decay=0.0),
    "adan": functools.partial(optax.adan, weight_decay=0.0),
    "amsgrad": optax.amsgrad,
    "lamb": optax.lamb,
    "lars": functools.partial(optax.lars, momentum=0.0),
    "lion": functools.partial(optax.lion, weight_decay=0.0),
    "nadam": optax.nadam,
    "noisy_sgd": functools.partial(optax.noisy_sgd, key=0),
    "novograd": optax.novograd,
    "optimistic_gradient_descent": optax.optimistic_gradient_descent,
    "radam": optax.radam,
    "rmsprop": optax.rmsprop,
    "sign_sgd": optax.sign_sgd,
    "momentum": functools.partial(optax.sgd, momentum=0.9),
    "yogi": optax.yogi,
    "adopt": functools.partial(optax.contrib.adopt, use_clipping=False),
    "ademamix": optax.contrib.ademamix,
    "muon": optax.contrib.muon,
    "acprop": optax.contrib.acprop,
}


INJECTED = {
    "adafactor": optax.inject_hyperparams(OPTIMIZERS["adafactor"], static_args="min_dim_size_to_factor"),
    "adamw": optax.inject_hyperparams(OPTIMIZERS["adamw"]),
    "lion": optax.inject_hyperparams(OPTIMIZERS["lion"]),
}


@pytest.mark.parametrize(
    ("name", "make"),
    [*OPTIMIZERS.items(), *INJECTED.items()],
    ids=[*OPTIMIZERS, *map("injected {}".format, INJECTED)],
)
def test_every_optimizer(name, make):
    """The rate is the ratio to the same optimizer at a constant rate of 1."""
    params = {"a": jnp.arange(1.0, 7.0).reshape(2, 3), "b": jnp.ones(3)}
    optimizer, reference = made(make(SCHEDULE)), made(OPTIMIZERS[name](1.0))

    @jax.jit
    def step(state, reference_state, number):
        grads = jax.tree.map(lambda x: jnp.cos(x + number), params)
        updates, state = optimizer.update(grads, state, params)
        reference_updates, reference_state = reference.update(grads, reference_state, params)
        return updates["a"] / reference_updates["a"], state, reference_state

    state, reference_state = optimizer.init(params), reference.init(params)
    compared = 0
    for number in range(3):
        expected = upcoming(SCHEDULE, state)
        found, state, reference_state = step(state, reference_state, number)
        found = np.asarray(found)[np.isfinite(found)]
        compared += found.size
        assert applied(SCHEDULE, state) == expected == SCHEDULE(number)
        np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert compared


@pytest.mark.parametrize("name", ["prodigy", "dadapt_adamw", "momo", "momo_adam", "madgrad"])
def test_optimizers_that_ask_with_their_own_count(name):
    optimizer, asked = asked_by(getattr(optax.contrib, name))
    state = optimizer.init(PARAMS)
    for number in range(3):
        expected = upcoming(SCHEDULE, state)
        _, state = optimizer.update(GRADS, state, PARAMS, value=jnp.float32(1.0))
        assert asked[-1] == number
        assert expected == applied(SCHEDULE, state) == SCHEDULE(number)


def test_low_precision_parameters():
    """The optimizer rounds the rate to the dtype of the gradients; the value here is not rounded."""
    params, grads = (jax.tree.map(lambda x: x.astype(jnp.bfloat16), tree) for tree in (PARAMS, GRADS))
    schedule = wo.linear(0.3, 0.1, 7)
    optimizer = made(sgd(schedule))
    updates, state = optimizer.update(grads, optimizer.init(params))
    value = applied(schedule, state)
    assert value == schedule(0)
    assert value.dtype == jax.dtypes.canonicalize_dtype(np.float64)
    assert updates["a"][0] == -value.astype(jnp.bfloat16)


class TestFlax:
    @pytest.fixture
    def nnx(self):
        return pytest.importorskip("flax.nnx")

    @pytest.mark.parametrize("make", [sgd, optax.inject_hyperparams(sgd)])
    @pytest.mark.parametrize("every", [1, 2])
    def test_nnx_optimizer(self, nnx, make, every):
        class Model(nnx.Module):
            def __init__(self):
                self.a = nnx.Param(jnp.full((3,), 2.0))

        optimizer = make(SCHEDULE)
        if every > 1:
            optimizer = optax.MultiSteps(optimizer, every)
        model = Model()
        optimizer = nnx.Optimizer(model, optimizer, wrt=nnx.Param)
        assert applied(SCHEDULE, optimizer) == SCHEDULE(0)
        grads = nnx.grad(lambda model: jnp.sum(model.a[...]))(model)

        @nnx.jit
        def step(model, optimizer):
            expected = upcoming(SCHEDULE, optimizer)
            optimizer.update(model, grads)
            return expected, applied(SCHEDULE, optimizer), applied(SCHEDULE, optimizer.opt_state)

        for call in range(4):
            before = np.asarray(model.a[...])[0]
            said = step(model, optimizer)
            moved = before - np.asarray(model.a[...])[0]
            number = call // every
            if (call + 1) % every == 0:
                assert moved == SCHEDULE(number)
                assert [float(x) for x in said] == [moved] * 3
                assert applied(SCHEDULE, optimizer) == applied(SCHEDULE, optimizer.opt_state) == moved
            else:
                assert moved == 0
                assert said[0] == SCHEDULE(number)

    def test_nnx_split_and_merge(self, nnx):
        model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, optax.adamw(SCHEDULE), wrt=nnx.Param)
        structure, state = nnx.split(optimizer)

        @jax.jit
        def ask(state):
            return upcoming(SCHEDULE, nnx.merge(structure, state))

        assert ask(state) == SCHEDULE(0)

    def test_linen_train_state(self):
        train_state = pytest.importorskip("flax.training.train_state")
        state = train_state.TrainState.create(apply_fn=None, params=PARAMS, tx=sgd(SCHEDULE))
        for number in range(3):
            before = state.params["a"][0]
            state = state.apply_gradients(grads=GRADS)
            assert before - state.params["a"][0] == applied(SCHEDULE, state) == SCHEDULE(number)
