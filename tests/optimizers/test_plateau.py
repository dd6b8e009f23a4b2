"""A rate that falls when a loss no longer does: behind any schedule, and after a warmup."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import GRADS, PARAMS, made, rate, standard_promotion  # noqa: F401 (a fixture)

import warmup_optax as wo

SCHEDULE = wo.warmup_linear(1.0, warmup_steps=4, total_steps=68)  # float32 holds all its products with 0.5**n


def rates(optimizer, losses, state=None, schedule=SCHEDULE):
    """The rates that were applied, each held against `applied_value` inside and outside of `jit`."""
    optimizer = made(optimizer)
    ask = jax.jit(wo.applied_value)
    state = optimizer.init(PARAMS) if state is None else state
    found = []
    for loss in losses:
        updates, state = optimizer.update(GRADS, state, PARAMS, value=jnp.float32(loss))
        found.append(float(rate(updates)))
        assert found[-1] == wo.applied_value(schedule, state) == ask(schedule, state)
    return found, state


def scales(found):
    values = wo.sample(SCHEDULE, range(len(found)))
    return [r / v if v else 1.0 for r, v in zip(found, values.tolist(), strict=True)]


def test_it_multiplies_the_schedule_and_waits_for_the_warmup():
    """Bad losses are counted from update `begin` on: the first there is the best, two more are too many."""
    plateau = {"factor": 0.5, "patience": 2}
    found, _ = rates(wo.with_plateau(optax.sgd(SCHEDULE), begin=4, **plateau), [1.0] * 10)
    assert scales(found) == [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    early, _ = rates(wo.with_plateau(optax.sgd(SCHEDULE), **plateau), [1.0] * 10)
    assert scales(early) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("margin", [{"rtol": 0.05, "atol": 0.0}, {"rtol": 0.0, "atol": 0.02}])
def test_it_is_optax_behind_the_optimizer(seed, margin):
    """With `begin=0` and losses above 0 the same numbers as a chain, for every option."""
    options = {
        "factor": 0.5,
        "patience": 2,
        **margin,
        "cooldown": 1,
        "accumulation_size": 2,
        "min_scale": 0.1,
    }
    losses = np.random.default_rng(seed).random(40)
    found, state = rates(wo.with_plateau(optax.sgd(SCHEDULE), **options), losses)
    chain = made(optax.chain(optax.sgd(SCHEDULE), optax.contrib.reduce_on_plateau(**options)))
    plain, expected = chain.init(PARAMS), []
    for loss in losses:
        updates, plain = chain.update(GRADS, plain, PARAMS, value=jnp.float32(loss))
        expected.append(float(rate(updates)))
    assert found == expected
    assert wo.applied_values(state)["plateau_scale"] == optax.tree.get(plain, "scale") < 1


def test_a_checkpoint_goes_on_exactly():
    """Cut anywhere, during the warmup or while bad losses are counted: the same rates."""
    losses = np.random.default_rng(0).random(24)
    optimizer = wo.with_plateau(optax.sgd(SCHEDULE), begin=4, factor=0.5, patience=3)
    expected, _ = rates(optimizer, losses)
    assert len(set(scales(expected))) > 3
    for cut in (2, 4, 9):
        first, state = rates(optimizer, losses[:cut])
        rest, _ = rates(optimizer, losses[cut:], jax.tree.map(np.asarray, state))
        assert first + rest == expected


@pytest.mark.parametrize("inner", [optax.sgd, lambda s: wo.scheduled(optax.sgd, learning_rate=s)])
def test_inside_of_multi_steps(inner):
    """There one update is one call; the loss of its last micro-batch is the one that is looked at."""
    plateau = wo.with_plateau(inner(SCHEDULE), begin=1, factor=0.5, patience=1)
    optimizer = optax.MultiSteps(plateau, 2)
    update = jax.jit(optimizer.update)
    state = optimizer.init(PARAMS)
    assert wo.applied_value(SCHEDULE, state) == 0
    seen = []
    for loss in (9.0, 9.0, 0.5, 1.0, 0.5, 1.0, 2.0, 0.5):
        _, state = update(GRADS, state, PARAMS, value=jnp.float32(loss))
        seen.append(float(wo.applied_value(SCHEDULE, state)))
    assert seen == [0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0.375]  # 1.0, no better than 1.0, then better


def test_a_plateau_for_each_group():
    """Each group's rate is its own: a part of the state has one answer, the whole has none."""
    labels = {"a": "one", "b": "two"}
    optimizer = optax.partition(
        {
            "one": wo.with_plateau(optax.sgd(SCHEDULE), factor=0.5, patience=1),
            "two": wo.with_plateau(optax.sgd(SCHEDULE), factor=0.25, patience=1),
        },
        labels,
    )
    optimizer = made(optimizer)
    state = optimizer.init(PARAMS)
    assert wo.applied_value(SCHEDULE, state) == SCHEDULE(0)
    for _ in range(3):
        updates, state = optimizer.update(GRADS, state, PARAMS, value=jnp.float32(1.0))
    for group, leaf in (("one", "a"), ("two", "b")):
        assert wo.applied_value(SCHEDULE, state.inner_states[group]) == rate(updates, leaf)
    with pytest.raises(ValueError, match="applied_value: opt_state must have one plateau's scale"):
        wo.applied_value(SCHEDULE, state)
    assert np.isnan(jax.jit(wo.applied_value)(SCHEDULE, state))
    assert wo.next_value(SCHEDULE, state) == SCHEDULE(3)
    found = wo.applied_values(state)
    assert {name: float(x) for name, x in found.items()} == {
        "one/plateau_scale": 0.25,
        "two/plateau_scale": 0.0625,
    }


def test_behind_an_optimizer_that_needs_the_loss_itself():
    state = rates(wo.with_plateau(optax.chain(optax.contrib.momo(0.0), optax.sgd(SCHEDULE)), begin=2), [1.0])[
        1
    ]
    assert wo.update_count(state) == 1


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        (SCHEDULE, {}, "with_plateau: optimizer must be an optimizer of Optax, .* give the optimizer"),
        (optax.adamw, {}, "with_plateau: optimizer must be an optimizer of Optax"),
        (optax.sgd(0.1), {"begin": -1}, "with_plateau: begin must be a whole number of steps >= 0, got -1"),
        (optax.sgd(0.1), {"begin": 1.5}, "with_plateau: begin must be a whole number"),
        (
            optax.sgd(0.1),
            {"factor": 1.0},
            "with_plateau: factor must be a finite number > 0 and < 1, got 1.0",
        ),
        (
            optax.sgd(0.1),
            {"patience": 0},
            "with_plateau: patience must be a whole number of steps >= 1, got 0",
        ),
        (
            optax.sgd(0.1),
            {"rtol": -0.1},
            "with_plateau: rtol must be a finite number >= 0 and <= 1, got -0.1",
        ),
        (optax.sgd(0.1), {"mode": "rel"}, "with_plateau: mode must be one of 'min', 'max', got 'rel'"),
    ],
)
def test_bad_input(optimizer, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        wo.with_plateau(optimizer, **options)


def test_an_update_without_a_loss():
    optimizer = wo.with_plateau(optax.sgd(0.1))
    with pytest.raises(TypeError, match=r"with_plateau: update needs the loss: .* value=loss"):
        optimizer.update(GRADS, optimizer.init(PARAMS), PARAMS)


def mirrored(losses, factor=0.5, patience=2, rtol=1e-4, atol=0.0, mode="min"):
    """The scales, in Python floats, from the definition in the docstring."""
    sign = 1 if mode == "min" else -1
    best, bad, scale, found = sign * np.inf, 0, 1.0, []
    for loss in losses:
        margin = max(rtol * abs(best), atol) if np.isfinite(best) else 0.0
        if sign * loss < sign * best - margin:
            best, bad = loss, 0
        else:
            bad += 1
        if bad == patience:
            scale, bad = scale * factor, 0
        found.append(scale)
    return found


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("start", [1.0, -1.0, 0.0])
@pytest.mark.parametrize("change", [0.0, 0.03, -0.03])  # far from the margin of 0.01: no rounding decides
def test_losses_of_both_signs_have_plateaus(mode, start, change):
    """Optax's margin has the wrong sign below 0 (google-deepmind/optax#1767)."""
    losses = start + change * np.arange(8)
    plateau = {"factor": 0.5, "patience": 2, "rtol": 0.0, "atol": 0.01, "mode": mode}
    schedule = wo.constant(1.0)
    found, _ = rates(wo.with_plateau(optax.sgd(schedule), **plateau), losses, schedule=schedule)
    assert found == mirrored(losses, **plateau)
    improves = change < 0 if mode == "min" else change > 0
    assert found[-1] == (1.0 if improves else 0.125)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("seed", range(4))
def test_the_margin_is_relative_to_the_size_of_the_best(mode, seed):
    """Random losses around 0, against the definition. Multiples of 1/64, so that float32 holds them."""
    losses = np.random.default_rng(seed).integers(-128, 128, 40) / 64
    plateau = {"factor": 0.5, "patience": 2, "rtol": 0.25, "atol": 0.125, "mode": mode}
    schedule = wo.constant(1.0)
    found, _ = rates(wo.with_plateau(optax.sgd(schedule), **plateau), losses, schedule=schedule)
    assert found == mirrored(losses, **plateau)
    assert found[-1] < 1


def test_the_state_is_float32_where_the_parameters_are_bfloat16():
    """Optax's best loss has the dtype of the parameters, and bfloat16 loses an improvement of 0.1 %."""
    params = {"a": jnp.ones(2, jnp.bfloat16)}
    optimizer = wo.with_plateau(optax.sgd(1.0), patience=2)
    state = optimizer.init(params)
    for loss in np.linspace(1.0, 0.99, 11):
        updates, state = jax.jit(optimizer.update)(params, state, params, value=loss)
    assert updates["a"].dtype == jnp.bfloat16
    assert state.scale == 1
    assert state.best_value.dtype == jnp.float32


def test_a_loss_of_nan_is_ignored():
    losses = [1.0, 1.0, np.nan, np.nan, np.nan, 1.0, 1.0]
    schedule = wo.constant(1.0)
    found, _ = rates(wo.with_plateau(optax.sgd(schedule), factor=0.5, patience=2), losses, schedule=schedule)
    assert found == [1, 1, 1, 1, 1, 0.5, 0.5]


def test_a_loss_that_is_not_one_number():
    """Optax fails inside of its `lax.cond`."""
    optimizer = wo.with_plateau(optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"update: value must be one number, the loss, got .* take its mean"):
        optimizer.update(GRADS, optimizer.init(PARAMS), PARAMS, value=jnp.ones(1))
