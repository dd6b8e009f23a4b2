"""Groups of parameters: each applied update, compared with an optimizer for each group."""

import collections
import copy
import functools
import pickle
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from support.optimizer_states import GRADS, SCHEDULE, made, rate, standard_promotion  # noqa: F401 (a fixture)

import warmup_optax as wo

RATE = wo.warmup_cosine(2e-2, warmup_steps=5, total_steps=30, end_value=1e-3)
LATER = wo.join([0.0, wo.linear(0.0, 1.0, 5)], boundaries=[10])
FACTORS = {"embed": 0.1, "layers/0/": LATER, "layers/1/kernel": 0.5, "": 1.0}
PARAMS = {
    "embed": jnp.cos(jnp.arange(64.0)).reshape(8, 8),
    "layers": [
        {"kernel": jnp.sin(jnp.arange(64.0) + i).reshape(8, 8), "bias": jnp.ones(8) * (i + 1)}
        for i in range(2)
    ],
    "head": jnp.cos(jnp.arange(16.0)).reshape(8, 2),
}
TINY = {"a": jnp.full(3, 2.0), "b": jnp.full(2, 3.0)}


def matrices(tree):
    return jax.tree.map(lambda x: x.ndim > 1, tree)


OPTIMIZERS = {
    "adamw": functools.partial(optax.adamw, weight_decay=0.1, mask=matrices),
    "lion": functools.partial(optax.lion, weight_decay=0.1, mask=matrices),
    "momentum": functools.partial(optax.sgd, momentum=0.9, nesterov=True),
    "muon": functools.partial(optax.contrib.muon, weight_decay=0.1),
    "lamb": functools.partial(optax.lamb, weight_decay=0.1),
    "adafactor": functools.partial(optax.adafactor, min_dim_size_to_factor=2),
}


def trained(optimizer, params, updates=30):
    """The parameters after some updates, of a loss whose gradients depend on them."""

    @jax.jit
    def step(params, state, number):
        grads = jax.tree.map(lambda x: jnp.cos(3 * x + number) + 0.1 * x, params)
        changes, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, changes), state

    state = optimizer.init(params)
    for number in range(updates):
        params, state = step(params, state, jnp.float32(number))
    return params, state


def sharded(params):
    mesh = jax.make_mesh((8,), ("data",), (AxisType.Auto,), devices=jax.devices("cpu"))
    return jax.device_put(params, NamedSharding(mesh, PartitionSpec("data")))


# ------------------------------------------------------------------ what an update applies


# By default each optimizer in one place; sharded those that compile in less time, one with norms among them.
PLACES = [
    pytest.param(
        name,
        place,
        id=f"{name}-{where}",
        marks=pytest.mark.exhaustive if (i + j) % 2 else (),
    )
    for i, name in enumerate(OPTIMIZERS)
    for j, (where, place) in enumerate({"sharded": sharded, "one device": lambda params: params}.items())
]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_it_is_an_optimizer_for_each_group(name, place):
    """A constant factor, one that begins at update 10, and the others; the rate is a schedule too."""
    make, by_group = OPTIMIZERS[name], wo.groups(FACTORS)
    each = {pattern: make(RATE * factor) for pattern, factor in FACTORS.items()}
    expected, _ = trained(optax.partition(each, by_group.labels), place(PARAMS))
    found, state = trained(optax.chain(make(RATE), by_group), place(PARAMS))
    # 30 updates that feed back into the gradients, each with a product or two rounded in another order.
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, found, expected)
    rates = by_group.rates(RATE, state)
    np.testing.assert_allclose(rates["layers/0/"], RATE(29) * LATER(29), rtol=1e-6)
    assert rates[""] == RATE(29)


def test_the_first_match_wins():
    by_group = wo.groups({"bias": 0.25, "layers/1/": 0.5, "": 1.0})
    labels = by_group.labels(PARAMS)
    assert labels["layers"] == [{"kernel": "", "bias": "bias"}, {"kernel": "layers/1/", "bias": "bias"}]
    updates, _ = jax.jit(by_group.update)(PARAMS, by_group.init(PARAMS), PARAMS)
    np.testing.assert_array_equal(updates["layers"][1]["bias"], 0.25 * PARAMS["layers"][1]["bias"])
    np.testing.assert_array_equal(updates["layers"][1]["kernel"], 0.5 * PARAMS["layers"][1]["kernel"])
    np.testing.assert_array_equal(updates["head"], PARAMS["head"])


def test_a_factor_of_zero_freezes_whatever_the_update_is():
    by_group = wo.groups({"a": 0.0, "b": wo.linear(0.0, 1.0, 2)})
    updates = {"a": jnp.array([jnp.nan, jnp.inf, 1.0]), "b": jnp.array([jnp.nan, 2.0])}
    found, state = by_group.update(updates, by_group.init(TINY), TINY)
    assert [x.tolist() for x in found.values()] == [[0.0, 0.0, 0.0], [0.0, 0.0]]
    found, _ = by_group.update(updates, state, TINY)
    assert found["a"].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(found["b"][0])
    assert found["b"][1] == 1.0


@pytest.mark.parametrize("x64", [False, True])
def test_updates_keep_their_dtype_and_are_rounded_once(x64):
    by_group = wo.groups({"a": 0.3, "b": wo.linear(0.7, 0.1, 9)})
    with jax.enable_x64(x64):
        for dtype in ("bfloat16", "float16", "float32", *(("float64",) if x64 else ())):
            dtype = jnp.dtype(dtype)
            updates = {"a": np.array([1.7, 0.3], dtype), "b": np.array([2.3], dtype)}
            found, _ = jax.jit(by_group.update)(updates, by_group.init(updates))
            assert {x.dtype for x in found.values()} == {dtype}
            wide = updates["a"].astype(jnp.promote_types(dtype, RATE(0).dtype))
            np.testing.assert_array_equal(found["a"], (wide * wide.dtype.type(0.3)).astype(dtype))


def test_groups_are_a_link_of_a_chain_that_takes_further_arguments():
    optimizer = optax.chain(optax.contrib.momo(0.1), wo.groups({"": 0.5}), optax.contrib.reduce_on_plateau())
    updates, _ = jax.jit(optimizer.update)(GRADS, optimizer.init(TINY), TINY, value=jnp.float32(1.0))
    assert set(updates) == {"a", "b"}


# ------------------------------------------------------------------ numbers as data


def test_a_sweep_over_factors_compiles_once():
    """The groups are an argument, or are made inside from traced numbers."""

    def step(by_group, state):
        return optax.chain(optax.sgd(SCHEDULE), by_group).update(GRADS, state, TINY)

    given = jax.jit(step)
    inside = jax.jit(lambda a, b, state: step(wo.groups({"b": b, "a": a}), state))
    state = optax.chain(optax.sgd(SCHEDULE), wo.groups({"": 1.0})).init(TINY)
    for a, b in ((0.5, 0.25), (0.125, 1.0), (0.0, 2.0)):
        by_group = wo.groups({"b": b, "a": a})
        for updates, _ in (given(by_group, state), inside(a, b, state)):
            assert (rate(updates, "a"), rate(updates, "b")) == (a, b)
    assert given._cache_size() == inside._cache_size() == 1
    schedules = [wo.groups({"a": wo.linear(1.0, 0.0, steps), "b": 1.0}) for steps in (4, 8)]
    for by_group in schedules:
        given(by_group, state)
    assert given._cache_size() == 2


def test_under_vmap():
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *(wo.groups({"b": f, "a": 1.0}) for f in (0.0, 0.5, 2.0)))

    @jax.jit
    @jax.vmap
    def one(by_group):
        optimizer = optax.chain(optax.sgd(1.0), by_group)
        updates, state = optimizer.update(GRADS, optimizer.init(TINY), TINY)
        return updates, by_group.rates(SCHEDULE, state)

    updates, rates = one(stacked)
    np.testing.assert_array_equal(updates["b"][:, 0], [-0.0, -0.5, -2.0])
    np.testing.assert_array_equal(rates["b"], [0.0, 0.5, 2.0])


def test_the_derivative_with_respect_to_a_factor():
    """Of the sum of the updates it is the sum of the gradients, also at a factor of 0."""

    def total(factor):
        by_group = wo.groups({"a": factor, "": 1.0})
        return sum(jnp.sum(x) for x in by_group.update(GRADS, by_group.init(TINY))[0].values())

    assert [float(jax.jit(jax.grad(total))(x)) for x in (0.0, 0.5)] == [3.0, 3.0]


def test_a_dict_whose_order_jit_has_lost_raises_an_error():
    """JAX sorts the keys; it matters where two patterns match one parameter."""
    factors = {"layers/0/": 0.5, "bias": 0.25, "": 1.0}
    step = jax.jit(lambda factors: wo.groups(factors).update(PARAMS, wo.groups(factors).init(PARAMS))[0])
    with pytest.raises(ValueError, match=r"groups: factors must be in the order .*OrderedDict"):
        step(factors)
    found = step(collections.OrderedDict(factors))
    np.testing.assert_array_equal(found["layers"][0]["bias"], 0.5 * PARAMS["layers"][0]["bias"])
    apart = jax.jit(lambda factors: wo.groups(factors).update(GRADS, wo.groups(factors).init(TINY))[0])
    assert rate(apart({"b": 0.5, "a": 0.25}), "a") == -0.25


def test_groups_are_a_value():
    by_group = wo.groups(FACTORS)
    same = wo.groups(dict(FACTORS))
    assert by_group == same
    assert hash(by_group) == hash(same)
    assert by_group != wo.groups(FACTORS | {"": 0.5})
    assert by_group != wo.groups(dict(reversed(FACTORS.items())))
    names = {name: getattr(wo, name) for name in wo.__all__}
    assert eval(repr(by_group), names) == by_group
    for copied in (
        pickle.loads(pickle.dumps(by_group)),
        copy.deepcopy(by_group),
        jax.tree.map(lambda x: x, same),
    ):
        assert repr(copied) == repr(by_group)
    assert isinstance(pickle.loads(pickle.dumps(by_group)), optax.GradientTransformation)


# ------------------------------------------------------------------ paths


class Pair(NamedTuple):
    left: Any
    right: Any


def test_paths_of_containers():
    from flax.core import freeze

    trees = [
        ({"encoder": {"kernel": 0.0}}, "encoder/kernel"),
        (freeze({"encoder": {"kernel": 0.0}}), "encoder/kernel"),
        ({"linear/~/conv": {"w": 0.0}}, "linear/~/conv/w"),  # Haiku's
        ({"layers": [{"w": 0.0}]}, "layers/0/w"),
        (Pair(0.0, None), "left"),
        (Pair(None, (0.0,)), "right/0"),
        (jnp.ones(3), ""),
    ]
    for tree, path in trees:
        (label,) = jax.tree.leaves(wo.groups({f"^{path}$": 1.0}).labels(tree))
        assert label == f"^{path}$"


def test_flax_nnx():
    """`init` is given Variables, `update` their arrays: one path for both."""
    nnx = pytest.importorskip("flax.nnx")

    class Model(nnx.Module):
        def __init__(self, rngs):
            self.layers = nnx.List([nnx.Linear(2, 2, rngs=rngs) for _ in range(2)])
            self.scale = nnx.Param(jnp.ones(2))

    model = Model(nnx.Rngs(0))
    by_group = wo.groups({"^layers/0/kernel$": 0.5, "^layers/.*bias$": 0.0, "^scale$": 2.0, "": 1.0})
    optimizer = nnx.Optimizer(model, optax.chain(optax.sgd(1.0), by_group), wrt=nnx.Param)
    before = nnx.to_pure_dict(nnx.state(model))

    @nnx.jit
    def step(model, optimizer):
        grads = nnx.grad(lambda model: sum(jnp.sum(x) for x in jax.tree.leaves(nnx.state(model))))(model)
        optimizer.update(model, grads)
        return by_group.rates(1.0, optimizer)

    rates = step(model, optimizer)
    moved = jax.tree.map(
        lambda a, b: float(jnp.ravel(a - b)[0].round(5)), before, nnx.to_pure_dict(nnx.state(model))
    )
    assert moved["layers"] == {0: {"kernel": 0.5, "bias": 0.0}, 1: {"kernel": 1.0, "bias": 0.0}}
    assert moved["scale"] == 2.0
    assert rates == {"^layers/0/kernel$": 0.5, "^layers/.*bias$": 0.0, "^scale$": 2.0, "": 1.0}
    assert "^scale$" in by_group.describe(nnx.state(model, nnx.Param), RATE, 30)
    assert jax.tree.leaves(wo.path_mask("bias$")(nnx.state(model, nnx.Param))) == [
        True,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.live
def test_equinox_and_haiku():
    eqx, hk = pytest.importorskip("equinox"), pytest.importorskip("haiku")
    module = eqx.filter(eqx.nn.MLP(2, 2, 3, 1, key=jax.random.key(0)), eqx.is_array)
    by_group = wo.groups({"^layers/0/weight$": 0.5, "^layers/": 1.0})
    optimizer = optax.chain(optax.sgd(1.0), by_group)
    updates, _ = optimizer.update(module, optimizer.init(module), module)
    np.testing.assert_array_equal(updates.layers[0].weight, -0.5 * module.layers[0].weight)
    np.testing.assert_array_equal(updates.layers[1].weight, -module.layers[1].weight)
    network = hk.transform(lambda x: hk.nets.MLP([3, 2])(x))
    params = network.init(jax.random.key(0), jnp.ones((1, 2)))
    labels = wo.groups({"mlp/~/linear_0/": 0.5, "": 1.0}).labels(params)
    assert labels["mlp/~/linear_0"] == {"w": "mlp/~/linear_0/", "b": "mlp/~/linear_0/"}
    assert labels["mlp/~/linear_1"] == {"w": "", "b": ""}


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (
            {"embed": 0.1, "layers": 1.0},
            r"groups: params must be all in a group, got 'head' in none; add a pattern for them, or \"\" as the "
            r"last one, .*'embed', 'layers'",
        ),
        ({"embd": 0.1, "": 1.0}, r"groups: factors must be patterns that each match .*'embd' matches none; the "
         r"nearest paths are 'embed'"),
        ({"layers/2/": 0.1, "": 1.0}, r"'layers/2/' matches none; the nearest paths are 'layers/0/bias'"),
        ({"": 1.0, "bias": 0.1}, r"earlier patterns match all that 'bias' does, 'layers/0/bias', .*to the front"),
    ],
)  # fmt: skip
def test_parameters_and_patterns_that_match_nothing(factors, message):
    by_group = wo.groups(factors)
    for call in (by_group.init, by_group.labels, lambda params: by_group.describe(params, 0.1, 10)):
        with pytest.raises(ValueError, match=message.replace("groups: ", r"groups(\.\w+)?: ")):
            call(PARAMS)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({}, "factors must be a dict from patterns to factors"),
        ([("a", 1.0)], "factors must be a dict"),
        ({"a": -0.5}, r"factors\['a'\] must be a finite number >= 0, got -0.5"),
        ({"a": float("nan")}, r"factors\['a'\] must be a finite number"),
        ({"a": "0.5"}, r"factors\['a'\] must be a finite number .*, got '0.5'"),
        ({"a": None}, r"factors\['a'\] must be"),
        ({1: 0.5}, "factors must be a regular expression on a path, as a string, got 1"),
        ({"a(": 0.5}, r"factors must be a regular expression, got 'a\('; missing \)"),
    ],
)
def test_bad_factors(factors, message):
    with pytest.raises((ValueError, TypeError), match=f"groups: {message}"):
        wo.groups(factors)


# ------------------------------------------------------------------ what a state says


WRAPPED = {
    "alone": (lambda chain: chain, 1),
    "MultiSteps": (lambda chain: optax.MultiSteps(chain, 2).gradient_transformation(), 2),
    "apply_if_finite": (lambda chain: optax.apply_if_finite(chain, 2), 1),
    "masked": (lambda chain: optax.masked(chain, {"a": True, "b": True}), 1),
    "all": (lambda chain: optax.MultiSteps(optax.apply_if_finite(optax.masked(chain, True), 2), 2), 2),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("make", [optax.sgd, lambda s: wo.scheduled(optax.sgd, learning_rate=s)])
def test_rates_in_wrappers(name, make):
    """They return the applied rates, inside and outside of `jit`."""
    wrap, every = WRAPPED[name]
    by_group = wo.groups({"a": wo.linear(1.0, 0.5, 8), "b": 0.25})
    optimizer = wrap(optax.chain(make(SCHEDULE), by_group))

    @jax.jit
    def step(state):
        updates, state = optimizer.update(GRADS, state, TINY)
        return updates, state, by_group.rates(SCHEDULE, state)

    state = optimizer.init(TINY)
    assert by_group.rates(SCHEDULE, state) == {"a": 1.0, "b": 0.25}
    for call in range(5):
        updates, state, inside = step(state)
        assert inside == by_group.rates(SCHEDULE, state)
        if (call + 1) % every == 0:
            assert inside == {"a": rate(updates, "a"), "b": rate(updates, "b")}
    assert inside["a"] < inside["b"] * 4 < 1


def test_a_rejected_update_advances_nothing():
    by_group = wo.groups({"a": wo.linear(1.0, 0.5, 8), "b": 1.0})
    optimizer = made(optax.apply_if_finite(optax.chain(optax.sgd(SCHEDULE), by_group), 5))
    _, state = optimizer.update(GRADS, optimizer.init(TINY), TINY)
    before = by_group.rates(SCHEDULE, state)
    _, state = optimizer.update({"a": GRADS["a"] * jnp.nan, "b": GRADS["b"]}, state, TINY)
    assert by_group.rates(SCHEDULE, state) == before


def test_a_state_without_groups():
    with pytest.raises(ValueError, match=r"groups\.rates: opt_state must hold a GroupsState, got none"):
        wo.groups({"": 1.0}).rates(SCHEDULE, optax.sgd(SCHEDULE).init(TINY))


def test_groups_that_disagree():
    """Two parts with separate counts: an error, and NaN inside `jit`."""
    by_group = wo.groups({"": 1.0})
    chain = optax.chain(optax.sgd(SCHEDULE), by_group)
    optimizer = optax.partition({"one": chain, "two": chain}, {"a": "one", "b": "two"})
    state = optimizer.init(TINY)
    assert by_group.rates(SCHEDULE, state) == {"": 1.0}
    _, moved = optimizer.update(GRADS, state, TINY)
    state = moved._replace(inner_states={"one": moved.inner_states["one"], "two": state.inner_states["two"]})
    with pytest.raises(ValueError, match="must hold counts that advance together"):
        by_group.rates(SCHEDULE, state)
    assert np.isnan(jax.jit(by_group.rates)(SCHEDULE, state)[""])


NOT_A_RATE = {
    "prodigy": optax.contrib.prodigy(SCHEDULE),
    "dadapt_adamw": optax.contrib.dadapt_adamw(SCHEDULE),
    "schedule_free": optax.contrib.schedule_free(optax.sgd(SCHEDULE), SCHEDULE),
    "lbfgs": optax.lbfgs(0.1, linesearch=None),
    "mechanize": optax.contrib.mechanize(optax.sgd(SCHEDULE)),
    "momo": optax.contrib.momo(SCHEDULE),
    "madgrad": optax.contrib.madgrad(SCHEDULE),
    "cocob": optax.contrib.cocob(),
    "adafactor with momentum": optax.adafactor(SCHEDULE, momentum=0.9),
    "adafactor with weight_decay_rate": optax.adafactor(SCHEDULE, weight_decay_rate=0.1),
    "adafactor with momentum or weight_decay_rate": optax.adafactor(0.1, weight_decay_rate=0.1),
    "adafactor with momentum or ": optax.adafactor(
        SCHEDULE, weight_decay_rate=0.1, multiply_by_parameter_scale=True, clipping_threshold=None
    ),
    "adafactor with mo": optax.MultiSteps(
        optax.adafactor(SCHEDULE, momentum=0.9), 2
    ).gradient_transformation(),
}


@pytest.mark.parametrize("name", NOT_A_RATE)
def test_optimizers_for_which_a_factor_is_not_a_rate(name):
    by_group = wo.groups({"a": 0.5, "b": 1.0})
    state = optax.chain(NOT_A_RATE[name], by_group).init(TINY)
    named = "adafactor with momentum or weight_decay_rate" if name.startswith("adafactor") else name
    for ask in (
        lambda: by_group.rates(SCHEDULE, state),
        lambda: by_group.describe(TINY, 0.1, 9, opt_state=state),
    ):
        with pytest.raises(
            ValueError, match=rf"groups\.\w+: opt_state must be of .* got that of {named}.*partition"
        ):
            ask()


@pytest.mark.parametrize("make", [optax.lars, functools.partial(optax.rmsprop, momentum=0.9)])
def test_momentum_behind_the_rate(make):
    """With factors that stay it is the same as a rate; with those that change it is not."""
    constant, changing = wo.groups({"a": 0.5, "b": 1.0}), wo.groups({"a": wo.linear(1.0, 0.0, 9), "b": 1.0})
    assert constant.rates(SCHEDULE, optax.chain(make(SCHEDULE), constant).init(TINY)) == {"a": 0.5, "b": 1.0}
    with pytest.raises(ValueError, match="momentum behind its rate"):
        changing.rates(SCHEDULE, optax.chain(make(SCHEDULE), changing).init(TINY))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_others_are_no_findings(name):
    by_group = wo.groups(FACTORS)
    for learning_rate in (0.1, RATE):
        state = optax.chain(OPTIMIZERS[name](learning_rate), by_group).init(PARAMS)
        assert by_group.rates(learning_rate, state)[""] == wo.as_schedule(learning_rate)(0)
        assert by_group.describe(PARAMS, learning_rate, 30, opt_state=state)


def test_describe():
    by_group = wo.groups({"embed": 0.1, "layers": LATER, "": 1.0})
    table = by_group.describe(PARAMS, RATE, 30).splitlines()
    assert table[0].split() == ["group", "arrays", "numbers", "factor", "first", "highest", "last"]
    last = float(RATE(29))
    highest = max(float(RATE(n) * LATER(n)) for n in range(30))
    expected = [
        ["'embed'", 1, 64, "0.1", 0, 2e-3, 0.1 * last],
        ["'layers'", 4, 144, "schedule", 0, highest, last],
        ["''", 1, 16, "1", 0, 2e-2, last],
    ]
    for row, cells in zip(table[1:], expected, strict=True):
        found = row.split()
        assert found[:4] == [str(cell) for cell in cells[:4]]
        assert [float(x) for x in found[4:]] == pytest.approx(cells[4:], rel=5e-3)  # three digits
    run = wo.TrainingRun(num_examples=30, batch_size=1, num_epochs=1)
    shapes = jax.eval_shape(lambda: PARAMS)
    assert by_group.describe(shapes, RATE, run).splitlines() == table
    assert "0.02" in by_group.describe(PARAMS, RATE, 10**9)
    with pytest.raises(ValueError, match=r"groups\.describe: total_steps must be .* >= 1, got 0"):
        by_group.describe(PARAMS, RATE, 0)


def test_labels_are_what_partition_takes():
    by_group = wo.groups({"a": 0.5, "b": 1.0})
    optimizer = optax.partition({"a": optax.sgd(0.5), "b": optax.sgd(1.0)}, by_group.labels)
    updates, _ = optimizer.update(GRADS, optimizer.init(TINY), TINY)
    assert (rate(updates, "a"), rate(updates, "b")) == (0.5, 1.0)


# ------------------------------------------------------------------ layerwise and path_mask


def test_layerwise():
    """BEiT: decay ** (num_layers + 1 - id), with id 0 for the embedding and i + 1 for layer i."""
    factors = wo.layerwise(0.75, 12, before=("patch_embed", "cls_token"), after=("norm", "head"))
    assert factors["patch_embed"] == factors["cls_token"] == 0.75**13
    assert factors["norm"] == factors["head"] == 1.0
    assert [factors[f"layers/{i}/"] for i in range(12)] == [0.75 ** (13 - (i + 1)) for i in range(12)]
    assert list(wo.layerwise(0.5, 2, pattern=r"h_{}\b", before=(), after=())) == [r"h_0\b", r"h_1\b"]
    params = {"layers": {str(i): {"pos_embed": 0.0} for i in range(12)}, "embed": 0.0, "head": 0.0}
    labels = wo.groups(wo.layerwise(0.75, 12)).labels(params)
    assert labels["layers"]["1"]["pos_embed"] == "layers/1/"
    assert labels["layers"]["11"]["pos_embed"] == "layers/11/"
    traced = jax.jit(lambda decay: wo.layerwise(decay, 3)["layers/0/"])
    assert traced(0.5) == 0.125


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decay": 0.0}, "decay must be a finite number > 0 and <= 1, got 0.0"),
        ({"decay": 1.5}, "decay must be"),
        ({"num_layers": 0}, "num_layers must be a whole number of steps >= 1, got 0"),
        ({"num_layers": 2.5}, "num_layers must be"),
        ({"pattern": "layers/"}, "pattern must be a pattern with {}"),
        ({"before": "embed"}, "before must be a sequence of patterns"),
        ({"after": (1,)}, "after must be a regular expression"),
    ],
)
def test_bad_layerwise(arguments, message):
    with pytest.raises((ValueError, TypeError), match=f"layerwise: {message}"):
        wo.layerwise(**{"decay": 0.5, "num_layers": 2} | arguments)


def test_path_mask():
    mask = wo.path_mask("kernel$", "embed")
    expected = {
        "embed": True,
        "layers": [{"kernel": True, "bias": False}, {"kernel": True, "bias": False}],
        "head": False,
    }
    assert mask(PARAMS) == expected
    assert (~mask)(PARAMS) == jax.tree.map(lambda x: not x, expected)
    assert ~~mask == mask == wo.path_mask("kernel$", "embed") != ~mask
    assert len({mask, ~~mask, ~mask}) == 2
    assert eval(repr(~mask), vars(wo)) == ~mask == pickle.loads(pickle.dumps(~mask))
    optimizer = optax.adamw(0.1, weight_decay=0.5, mask=mask)
    no_grads = jax.tree.map(jnp.zeros_like, PARAMS)
    updates, _ = jax.jit(optimizer.update)(no_grads, optimizer.init(PARAMS), PARAMS)
    decayed = jax.tree.map(lambda x: bool(jnp.any(x != 0)), updates)
    assert decayed == expected


def test_bad_path_masks():
    with pytest.raises(
        ValueError, match=r"path_mask: patterns must be patterns that .*'kernal' matches none"
    ):
        optax.adamw(0.1, mask=wo.path_mask("kernal")).init(PARAMS)
    with pytest.raises(ValueError, match="path_mask: patterns must be at least one pattern"):
        wo.path_mask()
    with pytest.raises(TypeError, match="path_mask: patterns must be a regular expression"):
        wo.path_mask(lambda path: True)  # type: ignore[arg-type]


def test_a_decay_for_each_group():
    """The guide's recipe: decays in front of the rate, each with a mask by path."""
    optimizer = optax.chain(
        optax.add_decayed_weights(0.5, mask=wo.path_mask("kernel$")),
        optax.add_decayed_weights(0.25, mask=wo.path_mask("embed")),
        optax.scale_by_learning_rate(0.5),
        wo.groups({"embed": 0.5, "": 1.0}),
    )
    no_grads = jax.tree.map(jnp.zeros_like, PARAMS)
    updates, _ = jax.jit(optimizer.update)(no_grads, optimizer.init(PARAMS), PARAMS)
    np.testing.assert_array_equal(updates["embed"], -0.25 * 0.5 * 0.5 * PARAMS["embed"])
    np.testing.assert_array_equal(updates["layers"][0]["kernel"], -0.5 * 0.5 * PARAMS["layers"][0]["kernel"])
    assert not updates["head"].any()


def test_a_traced_number_of_layers():
    with pytest.raises(TypeError, match="layerwise: num_layers must be known before tracing"):
        jax.jit(lambda layers: wo.layerwise(0.5, layers))(3)
