"""A rate that reacts to the run: rules, what an update applied, and what a state says of it."""

import copy
import dataclasses
import functools
import inspect
import itertools
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import GRADS, PARAMS, made, rate, standard_promotion  # noqa: F401 (a fixture)

import warmup_optax as wo
from warmup_optax import feedback

SCHEDULE = wo.warmup_linear(1.0, warmup_steps=4, total_steps=68)  # float32 holds all its products with 0.5**n
RULES = {
    "plateau": feedback.Plateau(factor=0.5, patience=2, begin=3, cooldown=1),
    "means": feedback.Plateau(factor=0.5, patience=1, accumulation_size=3, mode="max"),
    "greedy": feedback.Greedy(factor=0.5, patience=1, cooldown=1, warmup=1, min_scale=0.25, reset_start=2),
    "smooth": feedback.Greedy(
        factor=0.5, patience=0, smooth=True, window_size=4, mode="max", threshold_mode="rel"
    ),
    "kl": feedback.AdaptiveKL(0.5, factor=2.0, min_scale=0.25, max_scale=4.0),
    "spike": feedback.Spike(steps=3, scale=0.5, decay=0.75),
}


def scales(rule, values):
    """The scale that each update has, update by update."""
    length = -(-len(values) // 64) * 64  # a program is compiled for each length
    padded = np.zeros(length, jax.dtypes.canonicalize_dtype(float))
    padded[: len(values)] = values
    return _scales(rule, padded)[: len(values)].tolist()


@jax.jit
def _scales(rule, values):
    """The numbers of a rule are data, so that rules of one structure share a program."""

    def step(state, value):
        scale = type(rule).scale(rule, state)
        return rule.step(state, value), scale

    return jax.lax.scan(step, rule.init(), values)[1]


def run(schedule, values, optimizer=None, state=None, argument="value"):
    """The rates of the updates, each compared with `applied_value` inside and outside `jit`."""
    optimizer, step = _compiled(schedule, optimizer, argument)
    state = optimizer.init(PARAMS) if state is None else state
    found = []
    for value in values:
        expected = wo.next_value(schedule, state)
        updates, state, upcoming, applied = step(schedule, state, jnp.float32(value))
        assert expected == upcoming
        found.append(float(rate(updates)))
        assert found[-1] == wo.applied_value(schedule, state) == applied == expected
        assert found[-1] == wo.applied_values(state)["learning_rate"]
    return found, state


@functools.cache
def _compiled(schedule, optimizer, argument):
    """The optimizer, and a compiled update with the `next_value` before it and the `applied_value` after it."""
    optimizer = optax.with_extra_args_support(optimizer or wo.scheduled(optax.sgd, learning_rate=schedule))

    @jax.jit
    def step(schedule, state, value):
        upcoming = wo.next_value(schedule, state)
        updates, state = optimizer.update(GRADS, state, PARAMS, **{argument: value})
        return updates, state, upcoming, wo.applied_value(schedule, state)

    return optimizer, step


# ------------------------------------------------------------------ rules


class TestPlateau:
    def test_it_falls_after_patience_losses_without_improvement(self):
        rule = feedback.Plateau(factor=0.5, patience=2)
        assert scales(rule, [1.0] * 8) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]

    @pytest.mark.parametrize("offset", [-1.0, -1e6, 0.0, 1e-3])
    def test_losses_of_any_sign(self, offset):
        """Equal losses are no improvement, whatever their sign: with a relative margin of |best|."""
        rule = feedback.Plateau(factor=0.5, patience=2)
        assert scales(rule, [offset] * 8) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
        assert scales(dataclasses.replace(rule, mode="max"), [offset] * 5) == [1, 1, 1, 0.5, 0.5]

    def test_the_margin_is_the_larger_of_the_two(self):
        rule = feedback.Plateau(factor=0.5, patience=1, rtol=0.125, atol=0.25)
        assert scales(rule, [-1.0, -1.25, -1.5, -1.75]) == [
            1,
            1,
            0.5,
            0.5,
        ]  # 0.25 is not more than atol; 0.5 is
        assert scales(rule, [-4.0, -4.5, -4.75, -5.0]) == [1, 1, 0.5, 0.5]  # rtol * 4 = 0.5
        assert scales(feedback.Plateau(factor=0.5, patience=1, rtol=0.0), [1.0, 1.0, 1.0 - 2**-23, 1.0]) == [
            1,
            1,
            0.5,
            0.5,
        ]

    def test_every_option_compared_with_optax(self):
        """For positive losses and `atol=0` it is Optax's rule, one update later."""
        options = {"factor": 0.5, "patience": 2, "rtol": 0.05, "cooldown": 1, "accumulation_size": 2}
        options["min_scale"] = 0.1
        for seed in range(3):
            losses = np.random.default_rng(seed).random(60).astype(np.float32)
            theirs = optax.contrib.reduce_on_plateau(**options)
            update = jax.jit(lambda state, loss: theirs.update(1.0, state, value=loss)[1])  # noqa: B023
            state, expected = theirs.init(1.0), []
            for loss in losses:
                expected.append(float(state.scale))
                state = update(state, loss)
            assert scales(feedback.Plateau(**options), losses) == expected
            assert min(expected) < 0.5

    @pytest.mark.parametrize("mode", ["min", "max"])
    @pytest.mark.parametrize("seed", range(4))
    def test_random_losses_of_both_signs(self, mode, seed):
        """Against the definition in Python floats. Multiples of 1/64, so that float32 holds them."""
        losses = np.random.default_rng(seed).integers(-128, 128, 40) / 64
        plateau = {"factor": 0.5, "patience": 2, "rtol": 0.25, "atol": 0.125, "mode": mode}
        sign, best, bad, scale, expected = 1 if mode == "min" else -1, np.inf, 0, 1.0, []
        for loss in sign * losses:
            expected.append(scale)
            margin = max(0.25 * abs(best), 0.125) if np.isfinite(best) else 0.0
            best, bad = (loss, 0) if loss < best - margin else (best, bad + 1)
            if bad == 2:
                scale, bad = scale * 0.5, 0
        assert scales(feedback.Plateau(**plateau), losses) == expected
        assert expected[-1] < 1

    def test_the_maximum_is_the_minimum_of_the_negative(self):
        losses = np.random.default_rng(0).normal(size=40)
        low, high = (feedback.Plateau(factor=0.5, patience=1, mode=mode) for mode in ("min", "max"))
        assert scales(low, losses) == scales(high, -losses)

    def test_begin_passes_over_the_first(self):
        rule = feedback.Plateau(factor=0.5, patience=2, begin=4)
        assert scales(rule, [0.0] * 4 + [1.0] * 6) == [1] * 7 + [0.5, 0.5, 0.25]


def greedy(losses, *, mode, patience, threshold, relative, cooldown, warmup, window, reset, low, high):
    """The scales of `Greedy` by its docstring, in Python floats, with a factor of 0.5."""
    start = {"best": np.inf, "good": 0, "bad": 0, "cooling": 0, "warming": 0, "resets": reset, "scale": 1.0}
    now, kept, found = dict(start), [], []
    for loss in losses if mode == "min" else -losses:
        found.append(now["scale"])
        kept = [*kept, loss][-window:]
        value = sum(kept) / len(kept)
        margin = threshold * (abs(now["best"]) if relative else 1) if np.isfinite(now["best"]) else 0.0
        if now["cooling"] or now["warming"]:
            now["cooling" if now["cooling"] else "warming"] -= 1
            now |= {"good": 0, "bad": 0}
        elif value < now["best"] - margin:
            now |= {"best": value, "good": now["good"] + 1, "bad": 0}
        else:
            now |= {"good": 0, "bad": now["bad"] + 1}
        if now["good"] > patience:
            now |= {"scale": min(now["scale"] / 0.5, high), "good": 0, "warming": warmup, "resets": reset}
        elif now["bad"] > patience:
            now |= {"scale": max(now["scale"] * 0.5, low), "bad": 0}
            now["resets"] -= now["scale"] == low
            now, kept = (now, kept) if now["resets"] > 0 else (dict(start), [])
            now["cooling"] = cooldown
    return found


class TestGreedy:
    # Every argument has two values, and mode, margin and window each come with the others' both.
    @pytest.mark.parametrize(
        ("mode", "relative", "window"),
        [("min", False, 1), ("max", True, 1), ("min", True, 2), ("max", False, 2)],
    )
    def test_random_losses_of_both_signs(self, mode, relative, window):
        """Multiples of 1/64, halved once in a mean, so that float32 holds them."""
        losses = np.random.default_rng(window).integers(-128, 128, 240) / 64
        losses[40:80] = -np.arange(40) / 4 if mode == "min" else np.arange(40) / 4  # improves each time
        given = {"patience": 1, "threshold": 0.125, "cooldown": 2, "warmup": 3}
        expected = greedy(
            losses, mode=mode, relative=relative, window=window, reset=3, low=0.125, high=4.0, **given
        )
        rule = feedback.Greedy(
            factor=0.5, mode=mode, threshold_mode="rel" if relative else "abs", smooth=window > 1,
            window_size=window, reset_start=3, min_scale=0.125, max_scale=4.0, **given
        )  # fmt: skip
        assert scales(rule, losses) == expected
        assert {0.125, 1.0, 4.0} <= set(expected)
        assert (0.125, 1.0) in itertools.pairwise(expected)  # it starts again

    def test_a_change_within_eps_is_not_made(self):
        rule = feedback.Greedy(
            factor=0.5, patience=0, eps=0.25, max_scale=1.25, min_scale=0.25, reset_start=2
        )
        assert scales(rule, [4.0, 3.0, 2.0]) == [1, 1, 1]  # up to 1.25 it is 0.25
        # 0.5 is within eps of the least: found there twice, and everything starts again
        assert scales(rule, [4.0] * 5) == [1, 1, 0.5, 1, 1]


class TestAdaptiveKL:
    def test_brax_and_rsl_rl(self):
        """Their rule, with limits 1e-5 and 1e-2 of rates: `max(1e-5, lr / 1.5)`, `min(1e-2, lr * 1.5)`."""
        target, first = 0.01, 1e-3
        rng = np.random.default_rng(0)
        values = np.concatenate(
            [[0.05] * 15, [0.001] * 30, [0.0, -0.1, 0.02, 0.005], rng.exponential(0.012, 400)]
        )
        lr, expected = first, []
        for kl in values.astype(np.float32):
            expected.append(lr)
            if kl > target * 2.0:
                lr = max(1e-5, lr / 1.5)
            elif kl < target / 2.0 and kl > 0.0:
                lr = min(1e-2, lr * 1.5)
        rule = feedback.AdaptiveKL(target, min_scale=1e-5 / first, max_scale=1e-2 / first)
        # a hundred products of float32 between two limits, which both are met
        np.testing.assert_allclose(first * np.array(scales(rule, values)), expected, rtol=1e-5)
        assert min(expected) == 1e-5
        assert max(expected) == 1e-2

    def test_half_and_twice_the_target_change_nothing(self):
        rule = feedback.AdaptiveKL(1.0, factor=2.0)
        assert scales(rule, [0.5, 2.0, 0.49, 2.1, 2.1]) == [1, 1, 1, 2, 1]


class TestSpike:
    def test_the_rate_is_lowered_for_n_updates(self):
        losses = np.ones(100)
        losses[40] = 5.0
        found = np.array(scales(feedback.Spike(), losses))
        np.testing.assert_array_equal(found[41:91], np.float32(0.1))
        assert (found[:41] == 1).all()
        assert (found[91:] == 1).all()

    def test_another_spike_restarts_the_updates(self):
        losses = np.ones(60)
        losses[[20, 24]] = 5.0
        found = scales(feedback.Spike(steps=10, scale=0.5), losses)
        assert found == [1] * 21 + [0.5] * 14 + [1] * 25

    def test_the_mean_is_weighted_by_powers_of_the_decay(self):
        rule = feedback.Spike(decay=0.5)
        state = functools.reduce(rule.step, map(jnp.float32, [1.0, 2.0, 3.0]), rule.init())
        assert state.weight == 1.75
        # Within a few roundings.
        assert float(state.mean) == pytest.approx((0.25 * 1 + 0.5 * 2 + 3) / 1.75, rel=1e-6)

    def test_negative_losses(self):
        """A likelihood at -1: a loss of -1 is none, one of 0.5 is."""
        losses = np.full(60, -1.0)
        losses[30] = 0.5
        assert scales(feedback.Spike(steps=5, scale=0.5), losses) == [1] * 31 + [0.5] * 5 + [1] * 24

    def test_the_mean_follows_a_loss_that_stays_high(self):
        found = scales(feedback.Spike(steps=5, scale=0.5), np.r_[np.ones(30), np.full(400, 50.0)])
        assert found[31] == 0.5
        assert found[-1] == 1

    def test_an_infinite_loss_is_a_spike_and_spoils_nothing(self):
        losses = np.ones(60)
        losses[30] = np.inf
        assert scales(feedback.Spike(steps=5, scale=0.5), losses) == [1] * 31 + [0.5] * 5 + [1] * 24


def test_the_arguments_of_a_rule_are_given_by_name():
    """But for the target of `AdaptiveKL`."""
    for rule in RULES.values():
        kinds = {x.name: x.kind for x in inspect.signature(type(rule)).parameters.values()}
        positional = [name for name, kind in kinds.items() if kind is not inspect.Parameter.KEYWORD_ONLY]
        assert positional == (["target"] if isinstance(rule, feedback.AdaptiveKL) else [])


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_a_value(name):
    rule = RULES[name]
    assert eval(repr(rule), {"feedback": feedback}) == rule
    rebuilt = jax.tree.unflatten(jax.tree.structure(rule), jax.tree.leaves(rule))
    for same in (pickle.loads(pickle.dumps(rule)), copy.deepcopy(rule), rebuilt, dataclasses.replace(rule)):
        assert same == rule
        assert hash(same) == hash(rule)
    assert dataclasses.replace(rule, factor=rule.factor * 1.125) != rule
    assert type(rule).__module__ == "warmup_optax.feedback"


# ------------------------------------------------------------------ with an optimizer


@pytest.mark.parametrize("name", RULES)
def test_the_rate_is_the_schedule_times_the_scale(name):
    """A value of update n acts from update n + 1, for every rule, with a warmup and a decay."""
    rule = RULES[name]
    values = np.random.default_rng(1).exponential(size=40).astype(np.float32)
    values[20] = 50.0
    found, state = run(wo.with_feedback(SCHEDULE, rule), values)
    np.testing.assert_array_equal(found, wo.sample(SCHEDULE, range(40)) * np.float32(scales(rule, values)))
    assert len(set(scales(rule, values))) > 1
    assert wo.update_count(state) == 40
    assert wo.applied_value(SCHEDULE, state) == SCHEDULE(39)  # the schedule alone


@pytest.mark.parametrize(
    "inject", [optax.inject_hyperparams(optax.sgd), lambda s: wo.scheduled(optax.sgd, learning_rate=s)]
)
@pytest.mark.parametrize("around", [lambda inner: inner, lambda inner: optax.chain(optax.clip(9.0), inner)])
def test_the_guide_s_ways_to_use_it(inject, around):
    schedule = wo.with_feedback(SCHEDULE, feedback.AdaptiveKL(1.0, factor=2.0), argument="kl")
    found, _ = run(schedule, [1.0] * 5 + [5.0] * 2 + [0.25], around(inject(schedule)), argument="kl")
    assert found == [0, 0.25, 0.5, 0.75, 1.0, *(float(SCHEDULE(5)) * np.array([1])), *(
        float(SCHEDULE(6 + i)) / 2 ** (i + 1) for i in range(2)
    )]  # fmt: skip


def test_a_nan_changes_nothing_but_the_count():
    for rule in RULES.values():
        schedule = wo.with_feedback(SCHEDULE, rule)
        _, state = run(schedule, [1.0, 2.0, 3.0])
        _, after = run(schedule, [jnp.nan], state=state)
        before = state.hyperparams_states["learning_rate"]
        now = after.hyperparams_states["learning_rate"]
        jax.tree.map(np.testing.assert_array_equal, now.rule, before.rule)
        assert (now.count, now.scale) == (4, before.scale)


# Cut anywhere: during the warmup, or while values are counted. By default each rule at one of them.
CUTS = [
    pytest.param(name, cut, marks=() if i % 3 == j else pytest.mark.exhaustive)
    for i, name in enumerate(RULES)
    for j, cut in enumerate([2, 7, 13])
]


@pytest.mark.parametrize(("name", "cut"), CUTS)
def test_a_checkpoint_continues_exactly(name, cut, tmp_path):
    """Through Orbax."""
    ocp = pytest.importorskip("orbax.checkpoint")
    values = np.random.default_rng(0).exponential(size=24)
    schedule = wo.with_feedback(SCHEDULE, RULES[name])
    expected, last = run(schedule, values)
    checkpointer = ocp.StandardCheckpointer()
    first, state = run(schedule, values[:cut])
    checkpointer.save(tmp_path / "state", state)
    checkpointer.wait_until_finished()
    restored = checkpointer.restore(tmp_path / "state", jax.eval_shape(lambda: state))
    rest, again = run(schedule, values[cut:], state=restored)
    assert first + rest == expected
    jax.tree.map(np.testing.assert_array_equal, again, last)


def test_under_scan_and_vmap():
    """A population with different losses and factors has the results of separate runs."""
    losses = jnp.asarray(np.random.default_rng(0).exponential(size=(3, 20)), jnp.float32)
    rules = [feedback.Plateau(factor=f, patience=2) for f in (0.5, 0.25, 0.125)]
    stacked = jax.tree.map(lambda *x: jnp.stack([jnp.asarray(y) for y in x]), *rules)

    def train(rule, losses):
        schedule = wo.with_feedback(SCHEDULE, rule)
        optimizer = wo.scheduled(optax.sgd, learning_rate=schedule)

        def step(state, loss):
            _, state = optimizer.update(GRADS, state, PARAMS, value=loss)
            return state, wo.applied_value(schedule, state)

        return jax.lax.scan(step, optimizer.init(PARAMS), losses)

    states, found = jax.vmap(train)(stacked, losses)
    for i, rule in enumerate(rules):
        expected, _ = run(wo.with_feedback(SCHEDULE, rule), losses[i])
        np.testing.assert_array_equal(found[i], expected)
    last = wo.applied_value(
        wo.with_feedback(SCHEDULE, rules[0]), states
    )  # a batch of states, a batch of values
    np.testing.assert_array_equal(last, found[:, -1])


def test_numbers_of_rules_and_schedules_are_data():
    @jax.jit
    def rates(schedule, losses):
        optimizer = wo.scheduled(optax.sgd, learning_rate=schedule)

        def step(state, loss):
            _, state = optimizer.update(GRADS, state, PARAMS, value=loss)
            return state, wo.applied_value(schedule, state)

        return jax.lax.scan(step, optimizer.init(PARAMS), losses)[1]

    losses = jnp.ones(12)
    for peak, factor, patience in ((1.0, 0.5, 2), (0.5, 0.25, 3)):
        schedule = wo.with_feedback(peak, feedback.Plateau(factor=factor, patience=patience))
        np.testing.assert_array_equal(rates(schedule, losses), run(schedule, losses)[0])
    assert rates._cache_size() == 1


def test_inside_of_multi_steps():
    """One update is one call there, with the value of the k-th; with the mean if it is asked for."""
    schedule = wo.with_feedback(SCHEDULE, feedback.Plateau(patience=1, begin=1))
    values = (9.0, 9.0, 0.5, 1.0, 0.5, 1.0, 2.0, 0.5, 1.0, 1.0)
    inner = optax.MultiSteps(wo.scheduled(optax.sgd, learning_rate=schedule), 2)
    for optimizer, expected in (
        (inner, [0, 0, 0, 0.25, 0.25, 0.5, 0.5, 0.375, 0.375, 0.5]),  # 1.0, 1.0 no better, 0.5 better
        (
            feedback.mean_over_window(inner),
            [0, 0, 0, 0.25, 0.25, 0.5, 0.5, 0.375, 0.375, 0.25],
        ),  # 0.75, 0.75, 1.25
    ):
        update = jax.jit(optimizer.update)
        state = optimizer.init(PARAMS)
        assert wo.applied_value(schedule, state) == 0
        seen = []
        for value in values:
            _, state = update(GRADS, state, PARAMS, value=jnp.float32(value))
            seen.append(float(wo.applied_value(schedule, state)))
        assert seen == expected


def test_a_skipped_call_is_not_in_the_mean():
    def skip(updates, step, params):
        bad = ~jnp.isfinite(updates["a"][0])
        return bad, {"should_skip": bad}

    schedule = wo.with_feedback(1.0, feedback.AdaptiveKL(1.0, factor=2.0), argument="kl")
    inner = wo.scheduled(optax.sgd, learning_rate=schedule)
    optimizer = feedback.mean_over_window(
        optax.MultiSteps(inner, 2, should_skip_update_fn=skip), argument="kl"
    )
    state = optimizer.init(PARAMS)
    nan = {"a": GRADS["a"] * jnp.nan, "b": GRADS["b"]}
    for grads, kl in ((GRADS, 1.0), (nan, 100.0), (GRADS, 1.5)):
        _, state = optimizer.update(grads, state, PARAMS, kl=jnp.float32(kl))
    assert state.mean == 1.25
    assert wo.next_value(schedule, state) == 1.0
    with pytest.raises(TypeError, match=r"mean_over_window: optimizer must be an optax\.MultiSteps"):
        feedback.mean_over_window(optax.sgd(0.1))


def test_inside_of_apply_if_finite():
    schedule = wo.with_feedback(SCHEDULE, feedback.Plateau(patience=1))
    optimizer = made(optax.apply_if_finite(wo.scheduled(optax.sgd, learning_rate=schedule), 5))
    state = optimizer.init(PARAMS)
    for grads in (GRADS, {"a": GRADS["a"] * jnp.nan, "b": GRADS["b"]}):
        _, state = optimizer.update(grads, state, PARAMS, value=jnp.float32(1.0))
    assert wo.update_count(state) == 1
    assert wo.next_value(schedule, state) == SCHEDULE(1)


def test_two_groups_whose_scales_differ():
    """A part of the state has one answer, the whole has none."""
    one, two = (wo.with_feedback(SCHEDULE, feedback.Plateau(factor=f, patience=1)) for f in (0.5, 0.25))
    each = {name: wo.scheduled(optax.sgd, learning_rate=s) for name, s in (("one", one), ("two", two))}
    optimizer = made(optax.partition(each, {"a": "one", "b": "two"}))
    state = optimizer.init(PARAMS)
    assert wo.applied_value(one, state) == SCHEDULE(0)
    for _ in range(3):
        updates, state = optimizer.update(GRADS, state, PARAMS, value=jnp.float32(1.0))
    for schedule, leaf, group in ((one, "a", "one"), (two, "b", "two")):
        assert wo.applied_value(schedule, state.inner_states[group]) == rate(updates, leaf)
        assert wo.applied_values(state)[f"{group}/learning_rate"] == rate(updates, leaf)
    for ask in (wo.applied_value, wo.next_value):
        with pytest.raises(ValueError, match="opt_state must hold scales that agree, got"):
            ask(one, state)
        assert np.isnan(jax.jit(ask)(one, state))


def test_with_groups():
    schedule = wo.with_feedback(SCHEDULE, feedback.Plateau(patience=1))
    by_group = wo.groups({"a": 0.5, "b": 1.0})
    optimizer = made(optax.chain(wo.scheduled(optax.sgd, learning_rate=schedule), by_group))
    state = optimizer.init(PARAMS)
    for _ in range(4):
        updates, state = optimizer.update(GRADS, state, PARAMS, value=jnp.float32(1.0))
    assert by_group.rates(schedule, state) == {"a": rate(updates, "a"), "b": rate(updates, "b")}
    assert "0.5" in by_group.describe(PARAMS, schedule, 10)


def test_flax_nnx():
    nnx = pytest.importorskip("flax.nnx")
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    schedule = wo.with_feedback(0.5, feedback.Plateau(patience=1))
    optimizer = nnx.Optimizer(model, wo.scheduled(optax.sgd, learning_rate=schedule), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, loss):
        grads = nnx.grad(lambda model: jnp.sum(model(jnp.ones((1, 2))) ** 2))(model)
        optimizer.update(model, grads, value=loss)
        return wo.applied_value(schedule, optimizer), wo.next_value(schedule, optimizer)

    found = [tuple(map(float, step(model, optimizer, jnp.float32(1.0)))) for _ in range(3)]
    assert found == [(0.5, 0.5), (0.5, 0.25), (0.25, 0.125)]
    assert wo.applied_value(schedule, optimizer) == 0.25


def test_looking_shows_the_schedule_and_says_so():
    """Before a run, the tools show the schedule and name the rule."""
    plt = pytest.importorskip("matplotlib.pyplot")
    schedule = wo.with_feedback(SCHEDULE, RULES["plateau"])
    np.testing.assert_array_equal(wo.sample(schedule, range(70)), wo.sample(SCHEDULE, range(70)))
    table, note = wo.describe(schedule).rsplit("\n", 1)
    assert table == wo.describe(SCHEDULE)
    assert note == f"times the scale of {RULES['plateau']!r}, which follows the run"
    assert wo.check(schedule, 40) == wo.check(SCHEDULE, 40) != []
    assert str(wo.compare(schedule, SCHEDULE, 10)) == str(wo.compare(SCHEDULE, SCHEDULE, 10))
    for drawn in (schedule, [schedule, 0.5], {"one": 0.5, "two": schedule}):
        ax = wo.plot(drawn, 68)
        assert ax.get_title(loc="left") == note
        plt.close("all")
    assert wo.plot(SCHEDULE, 68).get_title(loc="left") == ""
    plt.close("all")
    assert wo.describe(wo.counter_schedule(SCHEDULE)).endswith(
        "counts are tokens, as the updates are given them"
    )


# ------------------------------------------------------------------ user-defined rules


class Halved(feedback.Rule):
    """Half the rate after a value above a level."""

    level: float

    def init(self):
        return {"seen": jnp.zeros((), jnp.int32), "scale": 1.0}

    def step(self, state, value):
        high = value > self.level
        return {"seen": state["seen"] + 1, "scale": jnp.where(high, 0.5, 1.0)}

    def scale(self, state):
        return state["scale"]


@dataclasses.dataclass(frozen=True)
class Plain:
    level: float

    def init(self):
        return 1.0

    def step(self, state, value):
        return jnp.where(value > self.level, 0.5, 1.0)

    def scale(self, state):
        return state


@pytest.mark.parametrize("rule", [Halved(2.0), Plain(2.0)])
def test_a_rule_of_the_user_s(rule):
    schedule = wo.with_feedback(SCHEDULE, rule)
    found, _ = run(schedule, [1.0, 3.0, 1.0, 3.0, 1.0])
    assert found == [0, 0.25, 0.25, 0.75, 0.5]
    assert (
        schedule == wo.with_feedback(SCHEDULE, type(rule)(2.0)) != wo.with_feedback(SCHEDULE, type(rule)(3.0))
    )
    assert repr(rule) in repr(schedule)
    jax.jit(lambda schedule: schedule(schedule.init()))(schedule)


class Bad(Halved):
    def step(self, state, value):
        return {"seen": state["seen"] + 1.0, "scale": value}


class NoScale(Halved):
    def scale(self, state):
        return jnp.ones(3)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: feedback.Plateau(factor=1.0), "feedback.Plateau: factor must be .* > 0 and < 1, got 1.0"),
        (lambda: feedback.Plateau(patience=0), "feedback.Plateau: patience must be .* >= 1, got 0"),
        (lambda: feedback.Plateau(patience=1.5), "patience must be a whole number"),
        (lambda: feedback.Plateau(rtol=-1.0), "rtol must be .* >= 0"),
        (lambda: feedback.Plateau(mode="least"), "feedback.Plateau: mode must be one of 'min', 'max'"),
        (lambda: feedback.Plateau(min_scale=2.0), "min_scale must be"),
        (lambda: feedback.Plateau(accumulation_size=0), "accumulation_size must be"),
        (lambda: feedback.Greedy(factor=0.0), "feedback.Greedy: factor must be"),
        (lambda: feedback.Greedy(min_scale=2.0, max_scale=1.0), "max_scale must be at least min_scale = 2.0"),
        (lambda: feedback.Greedy(max_scale=float("nan")), "max_scale must be a finite number > 0"),
        (lambda: feedback.Greedy(smooth=1), "smooth must be True or False"),
        (lambda: feedback.AdaptiveKL(0.0), "feedback.AdaptiveKL: target must be a finite number > 0"),
        (lambda: feedback.AdaptiveKL(0.1, factor=1.0), "factor must be a finite number > 1"),
        (lambda: feedback.Spike(decay=1.0), "feedback.Spike: decay must be"),
        (lambda: feedback.Spike(steps=0), "steps must be"),
        (lambda: wo.with_feedback("fast", RULES["kl"]), "with_feedback: schedule must be a schedule"),
        (lambda: wo.with_feedback(SCHEDULE, feedback.Plateau), "with_feedback: rule must be a rule: .* write"),
        (lambda: wo.with_feedback(SCHEDULE, 0.5), "with_feedback: rule must be a rule"),
        (lambda: wo.with_feedback(SCHEDULE, Bad(1.0)), "rule must be a rule whose step returns a state"),
        (lambda: wo.with_feedback(SCHEDULE, NoScale(1.0)), "rule must be a rule whose scale is a real number"),
        (lambda: wo.with_feedback(SCHEDULE, RULES["kl"], argument=3), "with_feedback: argument must be a name"),
        (lambda: wo.with_feedback(SCHEDULE, RULES["kl"])(3), "with_feedback: state must be .* scheduled"),
        (lambda: wo.with_feedback(wo.with_feedback(SCHEDULE, RULES["kl"]), RULES["kl"]), "schedule must be"),
        (lambda: wo.join([wo.with_feedback(SCHEDULE, RULES["kl"]), 0.1], [3]), r"schedules\[0\] must be"),
    ],
)  # fmt: skip
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {},
            r"must be given value, got no extra argument; write optimizer\.update\(.*, value=",
        ),
        ({"loss": 1.0}, "must be given value, got loss"),
        ({"value": None}, "must be given value"),
        ({"value": jnp.ones(3)}, r"value must be one real number, got .*value=jnp.mean\(value\)"),
        ({"value": jnp.ones((1,))}, "value must be one real number"),
        ({"value": "low"}, "value must be one real number, got 'low'"),
        ({"value": True}, "value must be one real number"),
        ({"value": 1j}, "value must be one real number"),
    ],
)
def test_an_update_without_a_value(given, message):
    schedule = wo.with_feedback(SCHEDULE, RULES["plateau"])
    optimizer = wo.scheduled(optax.sgd, learning_rate=schedule)
    state = optimizer.init(PARAMS)
    for update in (
        optimizer.update,
        jax.jit(optimizer.update) if "low" not in given.values() else optimizer.update,
    ):
        with pytest.raises(TypeError, match=f"with_feedback: .*{message}"):
            update(GRADS, state, PARAMS, **given)
    for value in (1, 1.0, np.float64(1.0), np.int32(1), jnp.float16(1.0), jnp.int8(1)):
        _, after = optimizer.update(GRADS, state, PARAMS, value=value)
        assert wo.update_count(after) == 1


def test_a_state_without_feedback():
    with pytest.raises(ValueError, match="applied_value: opt_state must hold a FeedbackState, got none"):
        wo.applied_value(wo.with_feedback(SCHEDULE, RULES["kl"]), optax.adamw(SCHEDULE).init(PARAMS))


# ------------------------------------------------------------------ saved


@pytest.mark.parametrize("rule", [*RULES.values(), Halved(2.0)], ids=[*RULES, "user's"])
def test_configs(rule):
    schedule = wo.with_feedback(SCHEDULE, rule, argument="loss")
    config = json.loads(json.dumps(wo.to_config(schedule)))
    assert config["kind"] == "with_feedback"
    assert wo.from_config(config) == schedule
    assert wo.to_config(wo.from_config(config)) == config
    names = {name: getattr(wo, name) for name in wo.__all__} | {"Halved": Halved}
    assert eval(repr(schedule), names) == schedule


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": {"kind": "feedback.Platau"}}, "rule: kind must be one of .*did you mean feedback.Plateau"),
        ({"rule": {"patience": 3}}, 'rule: "kind" is missing'),
        (
            {"rule": {"kind": "feedback.Plateau", "patince": 3}},
            "rule: feedback.Plateau takes no 'patince'; its keys",
        ),
        ({"rule": {"kind": "feedback.Plateau", "factor": 3.0}}, "rule: feedback.Plateau: factor must be"),
        ({"rule": {"kind": "feedback.AdaptiveKL"}}, "rule: feedback.AdaptiveKL lacks target"),
        ({"rule": 3}, "with_feedback: rule must be a rule"),
        ({"schedule": {"kind": "lineal"}}, "schedule: kind must be one of"),
        ({"arguments": "loss"}, "with_feedback takes no 'arguments'"),
    ],
)
def test_bad_configs(changes, message):
    config = wo.to_config(wo.with_feedback(SCHEDULE, feedback.Plateau())) | changes
    with pytest.raises((ValueError, TypeError), match=f"from_config: .*{message}"):
        wo.from_config(config)


def test_a_plain_rule_has_no_config():
    with pytest.raises(TypeError, match=r"to_config: rule has no form .* subclass feedback\.Rule"):
        wo.to_config(wo.with_feedback(SCHEDULE, Plain(1.0)))
