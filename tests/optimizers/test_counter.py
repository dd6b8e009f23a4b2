"""Schedules driven by a counter in the optimizer's state, in real training steps."""

import pickle

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given

import warmup_optax as wo
from warmup_optax._core.scalars import Wide

SCHEDULE = wo.warmup_linear(1.0, warmup_steps=100, total_steps=1000)
TOKENS = [30, 90, 0, 250, 17, 400, 900]  # of seven packed batches
SEEN = np.cumsum([0, *TOKENS])
PARAMS = {"w": jnp.zeros(2), "b": jnp.zeros(())}
GRADIENTS = jax.tree.map(jnp.ones_like, PARAMS)


def equal(actual, expected):
    """Up to 4 ULP: XLA may turn a division by a constant into a product, in a train step and not outside."""
    np.testing.assert_allclose(actual, expected, rtol=4 * 2**-23)


def sgd(schedule):
    return optax.inject_hyperparams(optax.sgd)(schedule)


def accumulated(learning_rate):
    return optax.MultiSteps(optax.sgd(learning_rate), 2).gradient_transformation()


def train(optimizer, tokens, opt_state=None):
    """The last update of every call (the rates that were applied, negative) and the states after them."""
    step = jax.jit(lambda state, tokens: optimizer.update(GRADIENTS, state, PARAMS, tokens=tokens))
    state = optimizer.init(PARAMS) if opt_state is None else opt_state
    rates, states = [], []
    with jax.numpy_dtype_promotion("standard"):  # which MultiSteps needs
        for number in tokens:
            updates, state = step(state, jnp.asarray(number, jnp.int32))
            rates.append(-float(updates["b"]))
            states.append(state)
    return np.array(rates, np.float32), states


WRAPPERS = {
    "alone": sgd,
    "chain": lambda s: optax.chain(optax.clip_by_global_norm(100.0), sgd(s)),
    "masked": lambda s: optax.masked(sgd(s), {"w": True, "b": True}),
    "partition": lambda s: optax.partition({"one": sgd(s), "other": sgd(s)}, {"w": "one", "b": "other"}),
    "apply_if_finite": lambda s: optax.apply_if_finite(sgd(s), 3),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_update_has_the_rate_of_the_tokens_before_it(name):
    schedule = wo.counter_schedule(SCHEDULE)
    rates, states = train(WRAPPERS[name](schedule), TOKENS)
    equal(rates, SCHEDULE(SEEN[:-1]))
    for n, state in enumerate(states):
        assert schedule.seen(state) == SEEN[n + 1]
        equal(schedule.applied_value(state), rates[n])
        equal(schedule.next_value(state), SCHEDULE(SEEN[n + 1]))


def test_accumulation_around_it_counts_the_updates_argument():
    """`MultiSteps` passes the argument of the call that updates, so pass the sum of the window there."""
    schedule = wo.counter_schedule(SCHEDULE)
    windows = [TOKENS[i : i + 2] for i in range(0, 6, 2)]
    given = [tokens for window in windows for tokens in (0, sum(window))]
    rates, states = train(optax.MultiSteps(sgd(schedule), 2), given)
    equal(rates[1::2], SCHEDULE(SEEN[:6:2]))
    assert not rates[::2].any()
    assert schedule.seen(states[-1]) == SEEN[6]


def test_accumulation_inside_of_it_counts_every_call():
    schedule = wo.counter_schedule(SCHEDULE)
    rates, states = train(optax.inject_hyperparams(accumulated)(schedule), TOKENS)
    equal(rates[1::2], SCHEDULE(SEEN[1:7:2]))
    assert schedule.seen(states[-1]) == SEEN[-1]


def test_an_update_that_is_rejected_does_not_count():
    schedule = wo.counter_schedule(SCHEDULE)
    optimizer = WRAPPERS["apply_if_finite"](schedule)
    state = optimizer.init(PARAMS)
    bad = jax.tree.map(lambda x: x * jnp.nan, GRADIENTS)
    with jax.numpy_dtype_promotion("standard"):
        for gradients in (GRADIENTS, bad, GRADIENTS):
            _, state = optimizer.update(gradients, state, PARAMS, tokens=10)
    assert schedule.seen(state) == 20


def test_a_checkpoint_resumes_bit_for_bit():
    schedule = wo.counter_schedule(SCHEDULE)
    optimizer = optax.chain(optax.clip_by_global_norm(100.0), sgd(schedule))
    rates, states = train(optimizer, TOKENS)
    saved = pickle.dumps(jax.tree.leaves(jax.device_get(states[2])))
    restored = jax.tree.unflatten(jax.tree.structure(optimizer.init(PARAMS)), pickle.loads(saved))
    resumed, again = train(optimizer, TOKENS[3:], restored)
    np.testing.assert_array_equal(resumed, rates[3:])
    assert schedule.seen(again[-1]) == SEEN[-1]


def test_other_hyperparameters_and_arguments():
    """Two counters of two arguments and a plain schedule, which counts updates."""
    rate = wo.counter_schedule(SCHEDULE)
    momentum = wo.counter_schedule(wo.linear(0.5, 0.9, 100), argument="examples")
    optimizer = optax.inject_hyperparams(optax.adamw)(
        rate, b1=momentum, b2=wo.linear(0.9, 0.99, 2), weight_decay=0.0
    )
    state = optimizer.init(PARAMS)
    with jax.numpy_dtype_promotion("standard"):  # which Adam needs for its powers
        for tokens, examples in ((30, 4), (90, 50), (5, 1)):
            _, state = optimizer.update(GRADIENTS, state, PARAMS, tokens=tokens, examples=examples)
    values = state.hyperparams  # pyright: ignore
    equal(values["learning_rate"], SCHEDULE(120))
    equal(values["b1"], wo.linear(0.5, 0.9, 100)(54))
    equal(values["b2"], 0.99)
    with pytest.raises(ValueError, match="applied_value: opt_state must hold counters that agree, got 2"):
        rate.applied_value(state)
    part = state.hyperparams_states["learning_rate"]  # pyright: ignore
    equal(rate.applied_value(part), SCHEDULE(120))


@given(st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 2**58), min_size=1, max_size=8))
def test_the_counter_is_exact(numbers):
    """Against Python's integers; those that int32 holds also as arrays."""
    counter, total = Wide(np.int32(0), np.int32(0)), 0
    for number in numbers:
        counter, before = counter + Wide.of(number), counter
        total += number
        assert (int(counter.high) << 30) + int(counter.low) == total
        assert 0 <= int(counter.low) < 2**30
        if number < 2**31:
            as_array = before + Wide.of(np.uint32(number))
            assert (int(as_array.high), int(as_array.low)) == (int(counter.high), int(counter.low))


@pytest.mark.parametrize("x64", [False, True])
def test_a_trillion_tokens(x64):
    """Past int32 too the schedule sees the number itself."""
    with jax.enable_x64(x64):
        schedule = wo.counter_schedule(wo.linear(1.0, 0.0, 2**40))
        state = schedule.init()
        update = jax.jit(lambda state, tokens: schedule.update(state, tokens=tokens))
        tokens = [2**31 - 1] * 3 + [1, 5]
        for number in tokens:
            state = update(state, jnp.asarray(number, jnp.int32))
        rest = 2**40 - sum(tokens) - 2**20
        # With 64 bits also a traced number can be past int32.
        state = update(state, jnp.asarray(rest)) if x64 else schedule.update(state, tokens=rest)
        assert schedule.seen(state) == 2**40 - 2**20
        np.testing.assert_allclose(schedule(state), 2.0**-20, rtol=1e-6)  # both are multiples of 2**20
        assert schedule(schedule.update(state, tokens=2**20 - 1)) == 2.0**-40
        assert schedule(schedule.update(state, tokens=2**20)) == 0


def test_a_whole_count_up_to_int32():
    """The last tokens of a decay that a float32 count would round away."""
    schedule = wo.counter_schedule(wo.linear(1.0, 0.0, 2**31 - 1))
    state = schedule.update(schedule.init(), tokens=2**31 - 3)
    assert schedule(state) == pytest.approx(2 / (2**31 - 1), rel=1e-6)


def test_states_inside_jit():
    schedule = wo.counter_schedule(SCHEDULE)
    optimizer = sgd(schedule)
    state = optimizer.init(PARAMS)
    with pytest.raises(ValueError, match="applied_value: opt_state must have made an update"):
        schedule.applied_value(state)
    assert jax.jit(schedule.applied_value)(state) == schedule.next_value(state) == 0
    _, states = train(optimizer, [10, 20])
    assert jax.jit(schedule.applied_value)(states[0]) == 0
    equal(jax.jit(schedule.next_value)(states[0]), SCHEDULE(10))
    assert jnp.isnan(jax.jit(schedule.applied_value)(states))  # two states that differ
    with pytest.raises(
        ValueError, match="seen: opt_state must hold the state of a counter_schedule, got none"
    ):
        schedule.seen(optax.adam(0.1).init(PARAMS))


def test_the_functions_of_a_state_see_it():
    schedule = wo.counter_schedule(SCHEDULE)
    _, states = train(sgd(schedule), TOKENS[:3])
    equal(wo.applied_value(schedule, states[-1]), SCHEDULE(SEEN[2]))
    equal(wo.next_value(schedule, states[-1]), SCHEDULE(SEEN[3]))


def test_it_is_a_value():
    schedule = wo.counter_schedule(SCHEDULE, argument="examples")
    assert schedule == wo.counter_schedule(SCHEDULE, argument="examples") != wo.counter_schedule(SCHEDULE)
    assert hash(schedule) == hash(pickle.loads(pickle.dumps(schedule)))
    assert repr(schedule) == f"counter_schedule({SCHEDULE!r}, argument='examples')"
    assert isinstance(schedule, optax.schedules.StatefulSchedule)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, TypeError, "must be given tokens, got no extra argument; write optimizer.update"),
        ({"examples": 3}, TypeError, "must be given tokens, got examples;"),
        ({"tokens": -1}, ValueError, "tokens must be a whole number >= 0.*got -1"),
        ({"tokens": jnp.asarray(-1)}, ValueError, "tokens .* got -1"),
        ({"tokens": 2**61}, ValueError, r"below 2\*\*61"),
        ({"tokens": 3.0}, TypeError, "tokens must be a whole number"),
        ({"tokens": True}, TypeError, "tokens must be a whole number"),
        ({"tokens": jnp.ones((), jnp.float32)}, TypeError, r"got Array\(1.*float32\); sum it over the batch"),
        ({"tokens": jnp.ones(3, jnp.int32)}, TypeError, r"got Array\(\[1, 1, 1\].*; sum it"),
    ],
)
def test_bad_arguments_of_an_update_raise_errors(arguments, error, says):
    schedule = wo.counter_schedule(SCHEDULE)
    with pytest.raises(error, match=f"counter_schedule: .*{says}"):
        schedule.update(schedule.init(), **arguments)


@pytest.mark.parametrize("nothing", [0, jnp.asarray(0)])
def test_an_update_that_adds_nothing(nothing):
    schedule = wo.counter_schedule(SCHEDULE)
    state = schedule.update(schedule.init(), tokens=50)
    assert schedule(schedule.update(state, tokens=nothing)) == schedule(state) == SCHEDULE(50)


def test_bad_arguments_raise_errors():
    with pytest.raises(TypeError, match="counter_schedule: schedule must be"):
        wo.counter_schedule(None)
    with pytest.raises(TypeError, match="counter_schedule: argument must be a name, got 'two words'"):
        wo.counter_schedule(SCHEDULE, argument="two words")
