"""Schedules for every hyperparameter: what each update used, in every wrapper, and as data."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.optimizer_states import standard_promotion  # noqa: F401 (a fixture acts by being here)

import warmup_optax as wo

PARAMS = {"w": jnp.arange(1.0, 13.0).reshape(4, 3) / 12, "b": jnp.ones((3,))}
LABELS = {"w": "matrices", "b": "rest"}
RATE = wo.linear(0.1, 0.0, steps=8)
MOMENTUM = wo.linear(0.75, 0.95, steps=8)
DECAY = wo.linear(0.5, 0.0, steps=8)


def matrices(tree):
    return jax.tree.map(lambda x: x.ndim > 1, tree)


def dimensions(tree):
    def of(x):
        return optax.contrib.MuonDimensionNumbers() if x.ndim == 2 else None

    return jax.tree.map(of, tree)


def grads_at(number):
    return jax.tree.map(lambda x: jnp.cos(3 * x + number), PARAMS)


# A factory, the arguments that follow schedules, and those that are to be passed on as they are.
CASES = {
    "sgd": (optax.sgd, {"learning_rate": RATE, "momentum": MOMENTUM}, {"nesterov": True}),
    "adamw": (
        optax.adamw,
        {"learning_rate": RATE, "b1": MOMENTUM, "weight_decay": DECAY},
        {"b2": 0.99, "mask": matrices, "nesterov": True},
    ),
    "lion": (
        optax.lion,
        {"learning_rate": RATE, "b1": MOMENTUM, "weight_decay": DECAY},
        {"mask": {"w": True, "b": False}},
    ),
    "muon": (
        optax.contrib.muon,
        {"learning_rate": RATE, "beta": MOMENTUM, "weight_decay": DECAY, "adam_learning_rate": RATE * 0.5},
        {
            "ns_steps": 3,
            "weight_decay_mask": matrices,
            "muon_weight_dimension_numbers": dimensions,
            "preconditioning": "frobenius",
        },
    ),
    "ademamix": (
        optax.contrib.ademamix,
        {"learning_rate": RATE, "b3": MOMENTUM, "alpha": wo.linear(0.0, 5.0, 8)},
        {"mask": matrices, "weight_decay": 0.1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_optimizer_with_these_numbers(name):
    """At each step, the update of the same optimizer, built with the numbers of that count."""
    factory, schedules, rest = CASES[name]
    optimizer = wo.scheduled(factory, **schedules, **rest)

    @jax.jit
    def step(state, number):
        return optimizer.update(grads_at(number), state, PARAMS)

    @jax.jit
    def by_hand(state, number, values):
        return factory(**values, **rest).update(grads_at(number), state, PARAMS)

    state = optimizer.init(PARAMS)
    inner = factory(**{key: float(s(0)) for key, s in schedules.items()}, **rest).init(PARAMS)
    for number in range(4):
        values = {key: float(s(number)) for key, s in schedules.items()}
        updates, state = step(state, number)
        expected, inner = by_hand(inner, number, values)
        # The same program up to how XLA fuses it: a few roundings of float32.
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8), updates, expected)
        found = wo.applied_values(state)
        assert {key: float(x) for key, x in found.items()} == values
        assert wo.applied_value(RATE, state) == RATE(number)
        assert wo.update_count(state) == number + 1


@pytest.mark.parametrize("name", CASES)
def test_everything_else_is_passed_on(name):
    factory, schedules, rest = CASES[name]
    seen = []

    def spy(**arguments):
        seen.append(arguments)
        return factory(**arguments)

    wo.scheduled(spy, **schedules, **rest).init(PARAMS)
    for arguments in seen:
        assert all(arguments[key] is value for key, value in rest.items())
        assert arguments.keys() == schedules.keys() | rest.keys()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("x64", [False, True])
def test_parameters_of_low_precision(name, x64):
    """Updates and states keep the dtypes that they have with Python numbers."""
    factory, schedules, rest = CASES[name]
    with jax.enable_x64(x64):
        params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), PARAMS)
        numbers = dict.fromkeys(schedules, 0.5)
        optimizer, plain = wo.scheduled(factory, **schedules, **rest), factory(**numbers, **rest)
        state = optimizer.init(params)

        def kinds(tree):
            return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)

        updates, after = jax.eval_shape(optimizer.update, params, state, params)
        expected, inner = jax.eval_shape(plain.update, params, plain.init(params), params)
        assert kinds(updates) == kinds(expected)
        assert [x.dtype for x in jax.tree.leaves(after.inner_state)] == [
            x.dtype for x in jax.tree.leaves(inner)
        ]
        assert kinds(after) == kinds(state)  # or the second update would be compiled again
        assert {x.dtype for x in after.hyperparams.values()} == {RATE(0).dtype}


WRAPPED = {
    "chain": lambda inner: optax.chain(optax.clip_by_global_norm(1.0), inner),
    "MultiSteps": lambda inner: optax.MultiSteps(inner, 2).gradient_transformation(),
    "partition": lambda inner: optax.partition({"matrices": inner, "rest": optax.adam(0.1)}, LABELS),
    "apply_if_finite": lambda inner: optax.apply_if_finite(inner, 2),
    "all of them": lambda inner: optax.MultiSteps(
        optax.chain(
            optax.apply_if_finite(
                optax.partition({"matrices": optax.masked(inner, True), "rest": optax.adam(0.1)}, LABELS), 2
            )
        ),
        2,
    ).gradient_transformation(),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_inside_of_wrappers(name):
    """The values are read at any depth, inside and outside of `jit`, from the first micro-batch on."""
    inner = wo.scheduled(optax.adamw, learning_rate=RATE, b1=MOMENTUM)
    optimizer = WRAPPED[name](inner)
    every = 2 if name in ("MultiSteps", "all of them") else 1

    @jax.jit
    def step(state, number):
        _, state = optimizer.update(grads_at(number), state, PARAMS)
        return state, wo.applied_values(state), wo.applied_value(RATE, state)

    state = optimizer.init(PARAMS)
    assert wo.applied_values(state) == {"learning_rate": RATE(0), "b1": MOMENTUM(0)}
    for call in range(5):
        state, inside, rate = step(state, call)
        last = max((call + 1) // every - 1, 0)
        assert inside == wo.applied_values(state) == {"learning_rate": RATE(last), "b1": MOMENTUM(last)}
        assert rate == wo.applied_value(RATE, state) == RATE(last)


def test_names_that_several_states_have():
    """A group of a partition, or a place in a chain, tells them apart; a unique name stays short."""
    optimizer = optax.partition(
        {
            "matrices": wo.scheduled(optax.contrib.muon, learning_rate=RATE, beta=MOMENTUM),
            "rest": wo.scheduled(optax.adamw, learning_rate=RATE * 0.5),
        },
        LABELS,
    )
    found = wo.applied_values(optimizer.init(PARAMS))
    assert found == {
        "matrices/learning_rate": RATE(0),
        "rest/learning_rate": RATE(0) * 0.5,
        "beta": MOMENTUM(0),
    }
    twice = optax.chain(
        wo.scheduled(optax.sgd, learning_rate=RATE), wo.scheduled(optax.sgd, learning_rate=RATE)
    )
    assert list(wo.applied_values(twice.init(PARAMS))) == ["0/learning_rate", "1/learning_rate"]


def test_schedules_as_data(compilations):
    """A train step that takes its schedules as arguments is compiled once, and maps over a stack."""

    @jax.jit
    def step(schedules, params, state, number):
        optimizer = wo.scheduled(optax.adamw, **schedules, mask=matrices)
        updates, state = optimizer.update(grads_at(number), state, params)
        return optax.apply_updates(params, updates), state, wo.applied_values(state)

    def schedules(peak):
        rate = wo.warmup_cosine(peak, warmup_steps=2, total_steps=8)
        return {"learning_rate": rate, "b1": 0.95 - 0.1 * (rate / peak), "weight_decay": 0.1 * (rate / peak)}

    peaks, counts, ends = (0.1, 0.2, 0.4), [], []
    for peak in peaks:
        params, found = PARAMS, schedules(peak)
        state = wo.scheduled(optax.adamw, **found, mask=matrices).init(params)
        for number in range(3):
            params, state, values = step(found, params, state, number)
            for name, schedule in found.items():
                np.testing.assert_allclose(values[name], schedule(number), rtol=1e-6)
            counts.append(step._cache_size())
        ends.append(params)
    assert set(counts) == {1}

    @jax.jit
    @jax.vmap
    def population(schedules):
        params = PARAMS
        state = wo.scheduled(optax.adamw, **schedules, mask=matrices).init(params)
        for number in range(3):
            params, state, _ = step(schedules, params, state, number)
        return params

    together = population({name: wo.stack([schedules(p)[name] for p in peaks]) for name in schedules(0.1)})
    for i, end in enumerate(ends):
        # vmapped and single programs are fused apart; Adam divides by square roots of small numbers
        jax.tree.map(lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-5), together, end)


@pytest.mark.parametrize("name", ["b1", "learning_rate"])
def test_functions_of_a_count_are_schedules(name):
    """Optax's closures, a lambda: as `as_schedule` of them, wherever a number belongs."""
    for closure in (optax.linear_schedule(0.5, 0.0, 8), lambda count: 0.5 / (1 + count)):
        given = {"learning_rate": RATE, "b1": 0.9} | {name: closure}
        optimizer = wo.scheduled(optax.adamw, **given)
        state = optimizer.init(PARAMS)
        for number in range(2):
            _, state = jax.jit(optimizer.update)(grads_at(number), state, PARAMS)
            assert wo.applied_values(state)[name] == pytest.approx(float(closure(number)))
            assert wo.applied_value(closure, state) == pytest.approx(float(closure(number)))


def test_functions_of_other_things_are_passed_on():
    """A mask, a dtype, a function that the optimizer calls itself."""
    clip = {"clip_value_fn": lambda step: step**0.5}
    state = wo.scheduled(optax.contrib.adopt, learning_rate=RATE, **clip).init(PARAMS)
    assert list(wo.applied_values(state)) == ["learning_rate"]
    masks = matrices, lambda tree: jax.tree.map(lambda x: True, tree), wo.path_mask("w")
    for mask in masks:
        state = wo.scheduled(optax.adamw, learning_rate=RATE, mask=mask, mu_dtype=jnp.bfloat16).init(PARAMS)
        assert list(wo.applied_values(state)) == ["learning_rate"]
        assert optax.tree.get(state, "mu")["w"].dtype == jnp.bfloat16


def test_stateful_schedules():
    """A `counter_schedule` goes in as it is."""
    schedule = wo.counter_schedule(wo.linear(1.0, 0.0, 1000))
    optimizer = wo.scheduled(optax.sgd, learning_rate=schedule, momentum=MOMENTUM)
    state = optimizer.init(PARAMS)
    for tokens in (100, 250):
        _, state = optimizer.update(grads_at(0), state, PARAMS, tokens=tokens)
    assert wo.applied_values(state) == {"learning_rate": schedule.schedule(100), "momentum": MOMENTUM(1)}
    assert schedule.seen(state) == 350


def test_without_a_schedule_it_is_the_optimizer():
    state = wo.scheduled(optax.adamw, learning_rate=0.1).init(PARAMS)
    assert jax.tree.structure(state.inner_state) == jax.tree.structure(optax.adamw(0.1).init(PARAMS))
    assert state.hyperparams == {}


def test_a_restored_state_continues_where_it_was():
    """All of a run is its state: NumPy leaves, as a checkpoint library may give them back."""
    optimizer = wo.scheduled(optax.sgd, learning_rate=RATE, momentum=MOMENTUM)
    step = jax.jit(lambda state, number: optimizer.update(grads_at(number), state, PARAMS))
    state, restored = optimizer.init(PARAMS), None
    for number in range(6):
        if number == 3:
            restored = jax.tree.map(np.asarray, state)
        updates, state = step(state, number)
        if restored is not None:
            again, restored = step(restored, number)
            jax.tree.map(np.testing.assert_array_equal, again, updates)


def test_flax_nnx():
    nnx = pytest.importorskip("flax.nnx")
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(
        model, wo.scheduled(optax.sgd, learning_rate=RATE, momentum=MOMENTUM), wrt=nnx.Param
    )

    @nnx.jit
    def step(model, optimizer):
        grads = nnx.grad(lambda model: jnp.sum(model(jnp.ones((1, 2))) ** 2))(model)
        optimizer.update(model, grads)
        return wo.applied_values(optimizer)

    for number in range(2):
        inside = step(model, optimizer)
        assert inside == wo.applied_values(optimizer)
        assert inside == {"learning_rate": RATE(number), "momentum": MOMENTUM(number)}


def test_adamc():
    """A decay that follows the rate: what has no gradient shrinks by wd * rate**2 / peak."""
    peak, decay = 0.1, 0.5
    optimizer = wo.scheduled(optax.adamw, learning_rate=RATE, weight_decay=decay * (RATE / peak))
    none = jax.tree.map(jnp.zeros_like, PARAMS)
    state = optimizer.init(PARAMS)
    for number in range(3):
        updates, state = optimizer.update(none, state, PARAMS)
        rate = float(RATE(number))
        np.testing.assert_allclose(updates["b"], -decay * rate**2 / peak, rtol=1e-6)  # three roundings


def test_nanochat_momentum_and_decay():
    """The guide's lines, against what nanochat's own functions gave."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "nanochat.json").read_text())
    case = next(case for case in golden["cases"] if case["id"] == "momentum")
    total = case["kwargs"]["num_iterations"]
    warmdown = round(case["kwargs"]["warmdown_ratio"] * total)
    momentum = wo.piecewise_linear([0.85, 0.97, 0.97, 0.9], [0, 400, total - warmdown, total])
    inside = [step <= total for step in case["steps"]]
    found, expected = wo.sample(momentum, case["steps"]), np.asarray(case["values"])
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-6)  # float32 against float64
    case = next(case for case in golden["cases"] if case["id"] == "weight-decay")
    total, peak = case["kwargs"]["num_iterations"], case["kwargs"]["weight_decay_scaled"]
    inside = [step <= total for step in case["steps"]]
    found, expected = wo.sample(wo.cosine(peak, 0.0, total), case["steps"]), np.asarray(case["values"])
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-6, atol=1e-17)


@pytest.mark.parametrize(
    ("factory", "arguments", "message"),
    [
        (optax.adamw(1e-3), {"learning_rate": RATE}, "optimizer must be a function that makes .* write"),
        ("adamw", {"learning_rate": RATE}, "optimizer must be a function"),
        (optax.adamw, {"learning_rte": RATE}, "hyperparameters must be arguments of adamw, got learning_rte"),
        (optax.adamw, {"b1": MOMENTUM}, "missing a required argument: 'learning_rate'"),
    ],
)
def test_bad_input(factory, arguments, message):
    with pytest.raises(TypeError, match=f"scheduled: .*{message}"):
        wo.scheduled(factory, **arguments)


@pytest.mark.parametrize("optimizer", [optax.adamw(RATE), optax.sgd(0.1)])
def test_a_state_without_hyperparameters(optimizer):
    with pytest.raises(ValueError, match=r"applied_values: opt_state must hold .* applied_value"):
        wo.applied_values(optimizer.init(PARAMS))


def test_a_function_that_is_no_schedule_where_the_optimizer_takes_a_number():
    """Optax's own error would come from inside of the first update."""
    for function in (lambda count: 0.9 if count < 3 else 0.8, lambda count: [0.9], lambda: 0.9):
        with pytest.raises(
            TypeError, match=r"scheduled: b1 must be a number or a schedule, got .*traced count"
        ):
            wo.scheduled(optax.adamw, learning_rate=1e-3, b1=function)
