"""The learning rate in an optimizer state, against the rate that was really applied: Optax's wrappers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import (  # noqa: F401 (a fixture acts by being here)
    GRADS,
    LABELS,
    NAN,
    OTHER,
    PARAMS,
    SCHEDULE,
    applied,
    made,
    rate,
    run,
    sgd,
    standard_promotion,
    upcoming,
    update_count,
)

import warmup_optax as wo

EVERY_CALL = {
    "sgd": sgd(SCHEDULE),
    "chain": optax.chain(optax.clip(10.0), optax.chain(optax.identity(), sgd(SCHEDULE))),
    "named_chain": optax.named_chain(("clip", optax.clip(10.0)), ("descent", sgd(SCHEDULE))),
    "scale_by_schedule": optax.chain(optax.scale_by_schedule(SCHEDULE), optax.scale(-1.0)),
    "next to another count": optax.chain(optax.ema(0.0, debias=False), sgd(SCHEDULE)),
    "inject_hyperparams": optax.inject_hyperparams(sgd)(SCHEDULE),
    "inject_hyperparams of a closure": optax.inject_hyperparams(sgd)(lambda count: SCHEDULE(count)),
    "masked": optax.masked(sgd(SCHEDULE), {"a": True, "b": False}),
    "partition": optax.partition({"one": sgd(SCHEDULE), "two": sgd(SCHEDULE)}, LABELS),
    "partition with a group that has another schedule": optax.partition(
        {"one": sgd(SCHEDULE), "two": optax.inject_hyperparams(sgd)(OTHER)}, LABELS
    ),
    "partition with a group at a constant rate": optax.partition(
        {"one": sgd(SCHEDULE), "two": optax.adam(0.1)}, LABELS
    ),
    "multi_transform": optax.multi_transform({"one": sgd(SCHEDULE), "two": optax.set_to_zero()}, LABELS),
    "freeze": optax.chain(sgd(SCHEDULE), optax.freeze({"a": False, "b": True})),
    "apply_if_finite": optax.apply_if_finite(sgd(SCHEDULE), max_consecutive_errors=3),
    "MultiSteps of 1": optax.MultiSteps(sgd(SCHEDULE), every_k_schedule=1).gradient_transformation(),
    "a scheduled weight decay": optax.chain(
        optax.add_decayed_weights(lambda count: 0.0 * OTHER(count)), sgd(SCHEDULE)
    ),
    "a masked scheduled weight decay": optax.chain(
        optax.add_decayed_weights(OTHER, mask={"a": False, "b": True}), sgd(SCHEDULE)
    ),
    "inject_hyperparams of two schedules": optax.inject_hyperparams(
        lambda learning_rate, decay: optax.chain(optax.add_decayed_weights(0.0 * decay), sgd(learning_rate))
    )(SCHEDULE, OTHER),
    "flatten": optax.flatten(sgd(SCHEDULE)),
}


@pytest.mark.parametrize("name", EVERY_CALL)
def test_every_call_advances(name):
    run(EVERY_CALL[name], range(4))


def test_without_a_group_that_is_masked_out():
    """The count of a group advances whether or not the group has parameters."""
    run(optax.partition({"one": sgd(SCHEDULE), "two": sgd(SCHEDULE)}, {"a": "two", "b": "two"}), range(3))


def test_multi_steps_advances_with_every_kth_call():
    optimizer = optax.MultiSteps(sgd(SCHEDULE), every_k_schedule=3).gradient_transformation()
    state = run(optimizer, [None, None, 0, None, None, 1, None])
    assert (int(state.mini_step), int(state.gradient_step)) == (1, 2)


def test_multi_steps_whose_k_is_scheduled():
    optimizer = optax.MultiSteps(sgd(SCHEDULE), lambda step: jnp.where(jnp.less(step, 2), 1, 3))
    run(optimizer.gradient_transformation(), [0, 1, None, None, 2, None])


def test_multi_steps_does_not_count_skipped_micro_batches():
    optimizer = optax.MultiSteps(sgd(SCHEDULE), 2, should_skip_update_fn=optax.skip_not_finite)
    optimizer = made(optimizer.gradient_transformation())
    state = optimizer.init(PARAMS)
    for call, (grads, number) in enumerate(
        [(GRADS, None), (NAN, None), (GRADS, 0), (NAN, 0), (GRADS, 0), (GRADS, 1)]
    ):
        updates, state = optimizer.update(grads, state)
        assert update_count(state) == (0 if number is None else number + 1)
        if call in (2, 5):
            assert rate(updates) == applied(SCHEDULE, state) == SCHEDULE(number)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda inner: optax.chain(optax.clip(10.0), inner),
        lambda inner: optax.masked(inner, {"a": True, "b": False}),
        lambda inner: optax.apply_if_finite(inner, 3),
        lambda inner: optax.partition({"one": inner, "two": optax.set_to_zero()}, LABELS),
    ],
)
@pytest.mark.parametrize("inside", [sgd, optax.inject_hyperparams(sgd)])
def test_wrappers_nest(wrapped, inside):
    optimizer = optax.MultiSteps(inside(SCHEDULE), every_k_schedule=2).gradient_transformation()
    run(wrapped(optimizer), [None, 0, None, 1])
    optimizer = made(
        optax.MultiSteps(wrapped(inside(SCHEDULE)), every_k_schedule=2).gradient_transformation()
    )
    run(optimizer, [None, 0, None, 1])


def test_apply_every_advances_with_every_call():
    """The emitted update mixes several rates, and calls that emit nothing count too."""
    optimizer = made(optax.chain(sgd(SCHEDULE), optax.apply_every(2)))
    state = optimizer.init(PARAMS)
    for number in range(4):
        updates, state = optimizer.update(GRADS, state)
        assert applied(SCHEDULE, state) == SCHEDULE(number)
        assert rate(updates) == (SCHEDULE(number) + SCHEDULE(number - 1) if number % 2 else 0)


def test_apply_if_finite_does_not_count_what_it_rejects():
    optimizer = made(optax.apply_if_finite(sgd(SCHEDULE), max_consecutive_errors=2))
    state = run(optimizer, [0, 1])
    for expected in (1, 1, 2):  # the third in a row is let through
        updates, state = optimizer.update(NAN, state)
        assert applied(SCHEDULE, state) == SCHEDULE(expected)
        assert rate(updates, "b") == (SCHEDULE(2) if expected == 2 else 0)
    updates, state = optimizer.update(GRADS, state)
    assert rate(updates) == applied(SCHEDULE, state) == SCHEDULE(3)


def test_a_gradient_set_to_zero_by_hand_is_counted():
    optimizer = made(optax.chain(optax.zero_nans(), sgd(SCHEDULE)))
    state = optimizer.init(PARAMS)
    for number in range(3):
        updates, state = optimizer.update(NAN, state)
        assert rate(updates, "b") == applied(SCHEDULE, state) == SCHEDULE(number)


@pytest.mark.parametrize("wrapper", [optax.conditionally_transform, optax.conditionally_mask])
def test_conditional_wrappers_count_when_the_condition_holds(wrapper):
    optimizer = made(wrapper(sgd(SCHEDULE), lambda step, **_: jnp.equal(step % 2, 1)))
    state = optimizer.init(PARAMS)
    for call in range(6):
        expected = upcoming(SCHEDULE, state)
        updates, state = optimizer.update(GRADS, state)
        if call % 2:
            assert rate(updates) == expected == applied(SCHEDULE, state) == SCHEDULE(call // 2)
        else:
            assert rate(updates) == (-1 if wrapper is optax.conditionally_transform else 0)
    assert update_count(state) == 3


def test_inject_hyperparams_shows_the_applied_value():
    state = run(optax.inject_hyperparams(sgd)(SCHEDULE), range(3))
    assert state.hyperparams["learning_rate"] == applied(SCHEDULE, state) == SCHEDULE(2)


def test_a_hyperparameter_set_by_hand():
    """Without a schedule inside, the count is that of the calls; the loop sets the rate from it."""
    optimizer = made(optax.inject_hyperparams(sgd)(learning_rate=0.0))
    state = optimizer.init(PARAMS)
    for number in range(3):
        state.hyperparams["learning_rate"] = upcoming(SCHEDULE, state)
        updates, state = optimizer.update(GRADS, state)
        assert rate(updates) == applied(SCHEDULE, state) == SCHEDULE(number)


@pytest.mark.parametrize(
    ("optimizer", "times"),
    [
        (optax.adamw(SCHEDULE, weight_decay=OTHER), SCHEDULE),
        (optax.adamw(0.125, weight_decay=OTHER), wo.constant(0.125)),
        (optax.inject_hyperparams(optax.adamw)(SCHEDULE, weight_decay=OTHER), SCHEDULE),
        (optax.inject_hyperparams(optax.adamw)(0.125, weight_decay=OTHER), wo.constant(0.125)),
        (optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(OTHER), sgd(1.0)), wo.constant(1.0)),
        (optax.chain(optax.add_decayed_weights(OTHER, {"a": True, "b": False}), sgd(SCHEDULE)), SCHEDULE),
    ],
)
def test_the_weight_decay_that_was_applied(optimizer, times):
    """Recovered from a parameter without a gradient, which only the decay (times the rate) moves."""
    none = jax.tree.map(jnp.zeros_like, GRADS)
    optimizer = made(optimizer)
    state = optimizer.init(PARAMS)
    for number in range(3):
        expected = upcoming(OTHER, state)
        updates, state = optimizer.update(none, state, PARAMS)
        assert expected == applied(OTHER, state) == OTHER(number)
        np.testing.assert_allclose(rate(updates) / PARAMS["a"][0], OTHER(number) * times(number), rtol=1e-6)


def test_reduce_on_plateau_multiplies():
    """Its counters count losses and are never read; its scale is separate from the value, and can be read."""
    plateau = optax.contrib.reduce_on_plateau(factor=0.5, patience=2, accumulation_size=2)
    optimizer = made(optax.chain(sgd(SCHEDULE), plateau))
    state = optimizer.init(PARAMS)
    scales = set()
    for number in range(12):
        updates, state = optimizer.update(GRADS, state, PARAMS, value=1.0)
        scale = optax.tree.get(state, "scale")
        scales.add(float(scale))
        assert applied(SCHEDULE, state) == SCHEDULE(number)
        assert rate(updates) == applied(SCHEDULE, state) * scale
    assert scales == {1.0, 0.5, 0.25}


def test_reduce_on_plateau_alone_has_no_count():
    state = optax.chain(sgd(0.1), optax.contrib.reduce_on_plateau()).init(PARAMS)
    with pytest.raises(ValueError, match=r"got none \(whole numbers in it: opt_state\[1\].plateau_count=0"):
        upcoming(SCHEDULE, state)


def test_any_schedule_is_taken():
    state = run(sgd(SCHEDULE), range(2))
    assert applied(optax.linear_schedule(1.0, 0.5, 64), state) == SCHEDULE(1)
    assert applied(lambda count: 2 * count, state) == 2
    assert applied(0.25, state) == 0.25
    with pytest.raises(TypeError, match="applied_value: schedule must be"):
        applied(None, state)


def test_a_schedule_that_is_data():
    """Traced numbers in the schedule, and a population of schedules and states under `vmap`."""
    optimizer = made(optax.inject_hyperparams(sgd)(0.0))

    def two_updates(schedule):
        state, updates = optimizer.init(PARAMS), GRADS
        for _ in range(2):
            state = state._replace(hyperparams={"learning_rate": upcoming(schedule, state)})
            updates, state = optimizer.update(GRADS, state, PARAMS)
        return -updates["a"][0], applied(schedule, state), state

    schedules = [wo.linear(peak, 0.0, 4) for peak in (1.0, 2.0, 4.0)]
    rates, values, states = jax.vmap(two_updates)(wo.stack(schedules))
    assert rates.tolist() == values.tolist() == [0.75, 1.5, 3.0]
    assert applied(schedules[0], states).tolist() == [0.75] * 3  # a batch of states: a batch of values
    rate, value, _ = jax.jit(two_updates)(schedules[1])
    assert rate == value == 1.5


@pytest.mark.parametrize(
    ("optimizer", "first"),
    [
        (sgd(SCHEDULE), 0),
        (optax.MultiSteps(sgd(SCHEDULE), 3).gradient_transformation(), 0),
        (optax.contrib.schedule_free(sgd(0.1), SCHEDULE), 1),
    ],
)
def test_before_the_first_update(optimizer, first):
    """The value that the first update will use, inside and outside of `jit`: a loop may log every batch."""
    state = optimizer.init(PARAMS)
    assert update_count(state) == first
    for found in (state, jax.tree.map(np.asarray, state)):
        for ask in (upcoming, applied, jax.jit(applied)):
            assert ask(SCHEDULE, found) == SCHEDULE(first)


def test_counts_on_the_host_and_plain_numbers():
    """A state that a checkpoint library gave back as NumPy arrays, or that was written by hand."""
    state = run(sgd(SCHEDULE), range(3))
    for convert in (np.asarray, int):
        found = jax.tree.map(convert, state)
        assert update_count(found) == 3
        assert applied(SCHEDULE, found) == SCHEDULE(2)


def test_a_count_of_several_devices():
    mesh = jax.make_mesh((len(jax.devices()),), ("data",))
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    state = jax.device_put(run(sgd(SCHEDULE), range(3)), everywhere)
    assert applied(SCHEDULE, state) == jax.jit(applied)(SCHEDULE, state) == SCHEDULE(2)


@pytest.mark.parametrize("optimizer", [sgd(0.1), optax.sgd(0.1, momentum=0.9), optax.identity()])
@pytest.mark.parametrize("ask", [applied, upcoming, jax.jit(upcoming), lambda _, state: update_count(state)])
def test_no_count_raises_an_error(optimizer, ask):
    with pytest.raises(ValueError, match=r"opt_state must hold a count .*, got none; give the optimizer the"):
        ask(SCHEDULE, optimizer.init(PARAMS))


def test_what_was_found_is_listed():
    state = optax.MultiSteps(optax.apply_if_finite(sgd(0.1), 3), 2).init(PARAMS)
    with pytest.raises(ValueError, match="applied_value: opt_state must hold a count") as caught:
        applied(SCHEDULE, state)
    for found in ("mini_step=0", "gradient_step=0", "inner_opt_state.notfinite_count=0", "total_notfinite=0"):
        assert found in str(caught.value)
    with pytest.raises(ValueError, match=r"opt_state.mini_step=traced"):
        jax.jit(applied)(SCHEDULE, state)


def test_parameters_named_count_are_not_counts():
    params = {"count": jnp.ones(3), "step_count": jnp.zeros((), jnp.int32), "a": jnp.ones(3)}
    state = made(optax.chain(optax.trace(0.9), sgd(SCHEDULE))).init(params)
    assert upcoming(SCHEDULE, state) == SCHEDULE(0)
    with pytest.raises(ValueError, match="got none"):
        upcoming(SCHEDULE, state[0])


def drift():
    """A scheduled weight decay at every call, a scheduled rate at every other."""
    return optax.chain(
        optax.add_decayed_weights(OTHER),
        optax.MultiSteps(sgd(SCHEDULE), every_k_schedule=2).gradient_transformation(),
    )


def test_the_part_to_read_where_counts_of_one_kind_differ():
    """As two states put together from two checkpoints: the part that is named holds one count."""
    pair = made(optax.chain(optax.scale_by_schedule(SCHEDULE), optax.scale_by_schedule(OTHER)))
    (first, second), rest = pair.init(PARAMS), optax.sgd(0.1).init(PARAMS)
    opt_state = ((first, second._replace(count=second.count + 1)), rest)
    with pytest.raises(ValueError, match="must hold counts that advance together") as caught:
        upcoming(SCHEDULE, opt_state)
    part = eval(str(caught.value).partition("for example ")[2], {"opt_state": opt_state})
    assert wo.update_count(part) == 0


def test_counts_that_differ_raise_errors():
    optimizer = made(drift())
    state = optimizer.init(PARAMS)
    with pytest.raises(ValueError, match="must hold counts that advance together"):
        upcoming(SCHEDULE, state)  # both are 0, and will not stay so
    for _ in range(2):
        _, state = optimizer.update(GRADS, state, PARAMS)
    for ask in (applied, upcoming):
        with pytest.raises(ValueError, match="must hold counts that advance together") as caught:
            ask(SCHEDULE, state)
        assert "opt_state[0].count=2 (WeightDecaySchedule)" in str(caught.value)
        assert "opt_state[1].inner_opt_state[1].count=1 (ScaleByScheduleState)" in str(caught.value)
    assert applied(OTHER, state[0]) == OTHER(1)
    assert applied(SCHEDULE, state[1]) == SCHEDULE(0)


@pytest.mark.parametrize("ask", [applied, upcoming])
def test_counts_that_could_differ_raise_errors_when_traced(ask):
    """At the first trace: not on the day when they do."""
    with pytest.raises(ValueError, match=r"opt_state\[0\].count=traced \(WeightDecaySchedule\)"):
        jax.jit(ask)(SCHEDULE, drift().init(PARAMS))


def test_a_group_that_freezes_does_not_end_a_logging_loop():
    """The refusal is at the first call, and not in the middle of a run; its fix works at every call."""
    frozen = optax.conditionally_transform(sgd(SCHEDULE), lambda count: count < 3)
    optimizer = made(optax.partition({"one": sgd(SCHEDULE), "two": frozen}, LABELS))
    state = optimizer.init(PARAMS)
    for update in range(6):
        with pytest.raises(ValueError, match=r"for example opt_state\.inner_states\['one'\]") as caught:
            wo.applied_value(SCHEDULE, state)
        fix = str(caught.value).rpartition("for example ")[2]
        assert wo.applied_value(SCHEDULE, eval(fix, {"opt_state": state})) == SCHEDULE(max(update - 1, 0))
        _, state = optimizer.update(GRADS, state, PARAMS)


def test_counts_that_should_agree_but_do_not():
    """The state of one group was reset by hand: an error, or NaN where no error can be raised."""
    optimizer = made(optax.partition({"one": sgd(SCHEDULE), "two": sgd(SCHEDULE)}, LABELS))
    state = run(optimizer, range(3))
    fresh = optimizer.init(PARAMS)
    mixed = state._replace(inner_states=state.inner_states | {"two": fresh.inner_states["two"]})
    with pytest.raises(ValueError, match=r"inner_states\['one'\].*count=3 .*\['two'\].*count=0"):
        applied(SCHEDULE, mixed)
    assert np.isnan(jax.jit(applied)(SCHEDULE, mixed))
    assert np.isnan(jax.jit(upcoming)(SCHEDULE, mixed))
    assert jax.jit(update_count)(mixed) == -1
    assert jax.jit(update_count)(state) == update_count(state) == 3
    assert applied(SCHEDULE, mixed.inner_states["one"]) == SCHEDULE(2)


DECAY_IN_SCHEDULE_FREE = optax.contrib.schedule_free(optax.adamw(0.1, weight_decay=OTHER), SCHEDULE)


@pytest.mark.parametrize("ask", [applied, upcoming, jax.jit(applied)])
def test_a_decay_inside_of_schedule_free_is_ambiguous(ask):
    """The decay is evaluated at 0, 1, ..., the averaging at 1, 2, ...: neither count is the right one."""
    optimizer = made(DECAY_IN_SCHEDULE_FREE)
    _, state = optimizer.update(GRADS, optimizer.init(PARAMS), PARAMS)
    with pytest.raises(ValueError, match=r"must have one count, .* give opt_state.base_optimizer_state"):
        ask(SCHEDULE, state)
    assert applied(OTHER, state.base_optimizer_state) == OTHER(0)
    assert applied(SCHEDULE, state._replace(base_optimizer_state=())) == SCHEDULE(1)


ASKING = ["prodigy", "dadapt_adamw", "momo", "momo_adam", "madgrad", "ademamix"]


@pytest.mark.parametrize("name", ["prodigy", "ademamix"])
def test_the_count_of_one_that_asks_itself_is_not_passed_over(name):
    """Two rejected gradients stopped its count, while the other schedule continued."""
    make = getattr(optax.contrib, name)
    optimizer = made(optax.chain(optax.apply_if_finite(make(SCHEDULE), 5), optax.scale_by_schedule(OTHER)))
    state = optimizer.init(PARAMS)
    for grads in (GRADS, NAN, NAN):
        _, state = optimizer.update(grads, state, PARAMS)
    for ask in (applied, upcoming, jax.jit(applied)):
        with pytest.raises(ValueError, match="must hold counts that advance together"):
            ask(SCHEDULE, state)
    assert applied(SCHEDULE, state[0]) == SCHEDULE(0)
    assert applied(OTHER, state[1]) == OTHER(2)


def test_under_a_transfer_guard():
    """A loop that forbids hidden transfers can still log."""
    optimizer = made(sgd(SCHEDULE))
    _, state = optimizer.update(GRADS, optimizer.init(PARAMS), PARAMS)
    schedule = wo.warmup_cosine(1.0, warmup_steps=2, total_steps=9)
    with jax.transfer_guard("disallow"):
        assert jax.device_get(wo.applied_value(schedule, state)) == 0
        assert wo.sample(schedule, range(3)).tolist() == [0, 0.5, 1]
        assert wo.sample(schedule, 2) == 1


def test_the_names_are_those_of_optax():
    """The state classes are known by name: each is one that Optax makes."""
    from warmup_optax._optimizers import state

    made = [
        sgd(SCHEDULE),
        optax.inject_hyperparams(sgd)(SCHEDULE),
        optax.add_decayed_weights(OTHER),
        optax.contrib.reduce_on_plateau(),
        optax.apply_every(2),
        optax.MultiSteps(sgd(0.1), 2),
        optax.apply_if_finite(sgd(0.1), 2),
        optax.conditionally_transform(sgd(0.1), lambda step, **_: jnp.less(step, 3)),
        optax.conditionally_mask(sgd(0.1), lambda step, **_: jnp.less(step, 3)),
        optax.contrib.sam(sgd(0.1), sgd(0.1)),
        *(getattr(optax.contrib, name)(0.1) for name in ASKING),
    ]
    found = set()

    def visit(tree):
        for node in jax.tree.leaves(tree, is_leaf=lambda x: hasattr(x, "_fields")):
            if hasattr(node, "_fields"):
                found.add(type(node).__name__)
                visit(list(node))

    visit([optimizer.init(PARAMS) for optimizer in made])
    known = state._SCHEDULES | state._ASKING | state._OTHER | state._HOLDING
    assert known <= found


def test_one_trace_and_no_work_except_the_schedule(compilations):
    """Inside `jit` the walk leaves nothing behind but the schedule at the count."""
    optimizer = made(optax.chain(optax.clip(1.0), optax.adam(SCHEDULE)))
    state = optimizer.init(PARAMS)
    asked = jax.make_jaxpr(lambda state: upcoming(SCHEDULE, state))(state)
    alone = jax.make_jaxpr(lambda count: SCHEDULE(count))(state[1][1].count)
    assert len(asked.eqns) == len(alone.eqns)
    compiled = []
    for _ in range(5):
        _, state = optimizer.update(GRADS, state)
        assert applied(SCHEDULE, state) == jax.device_get(applied(SCHEDULE, state))
        compiled.append(compilations())
    assert compiled[1:] == [compiled[1]] * 4  # the second state may be laid out unlike the first
