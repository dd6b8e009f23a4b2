"""`compat.optax` beside the tables of Optax itself."""

import inspect

import golden
import jax
import numpy as np
import optax as peer
import pytest

import warmup_optax as wo
from warmup_optax.compat import optax

ONE = optax.constant_schedule(1.0)
ZERO_RATE = "exp-rate0"  # Optax takes a decay rate of 0 for a constant, in silence


def make(name, **kwargs):
    return getattr(optax, name)(**kwargs)


@pytest.mark.parametrize("case", golden.cases("optax"), ids=golden.name)
def test_the_table(case):
    if case.id == ZERO_RATE:
        with pytest.raises(ValueError, match=r"compat\.optax\.exponential_decay: decay_rate must be"):
            golden.build(case, make)
    else:
        golden.run(case, make)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: optax.linear_schedule(0.0, 1.0, -1), "linear_schedule: transition_steps must be"),
        (
            lambda: optax.linear_schedule(0.0, 1.0, 4, -1),
            "linear_schedule: transition_begin must be",
        ),
        (
            lambda: optax.polynomial_schedule(0.0, 1.0, 2, -1),
            "polynomial_schedule: transition_steps must be",
        ),
        (
            lambda: optax.exponential_decay(1.0, -1, 0.5),
            "exponential_decay: transition_steps must be",
        ),
        (
            lambda: optax.exponential_decay(1.0, 4, 0.5, -1),
            "exponential_decay: transition_begin must be",
        ),
        (
            lambda: optax.warmup_constant_schedule(0.0, 1.0, -1),
            "warmup_constant_schedule: warmup_steps must",
        ),
        (lambda: optax.cosine_decay_schedule(1.0, 0), "cosine_decay_schedule: decay_steps must be"),
        (
            lambda: optax.warmup_cosine_decay_schedule(0.0, 1.0, 4, 4),
            "decay_steps must be more than",
        ),
        (lambda: optax.warmup_cosine_decay_schedule(0.0, 1.0, -4, 4), "warmup_steps must be"),
        (lambda: optax.piecewise_constant_schedule(1.0, {4: -0.5}), "a scale >= 0"),
        (
            lambda: optax.piecewise_constant_schedule(1.0, {-4: 0.5}),
            r"boundaries_and_scales\[0\] must be",
        ),
        (
            lambda: optax.piecewise_interpolate_schedule("linar", 1.0),
            "interpolate_type must be one of",
        ),
        (lambda: optax.linear_onecycle_schedule(0, 1.0), "transition_steps must be"),
        (lambda: optax.cosine_onecycle_schedule(9, 1.0, div_factor=0.0), "div_factor must be"),
        (lambda: optax.join_schedules([ONE, ONE], []), "boundaries must be one fewer"),
        (lambda: optax.join_schedules([ONE, ONE, ONE], [4, 2]), "strictly increasing"),
        (lambda: optax.sgdr_schedule([]), "schedules must hold at least one"),
        (lambda: optax.constant_schedule(float("nan")), "constant_schedule: value must be"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=rf"^compat\.optax\..*{message}"):
        build()


def test_a_missing_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match=r"^linear_schedule\(\) missing"):
        make("linear_schedule", init_value=0.0)


def test_closures_of_optax_are_joined():
    closures = [lambda count: 0.5, lambda count: 0.25]
    assert optax.join_schedules(closures, [3])([2, 3]).tolist() == [0.5, 0.25]


def test_a_bound_holds_where_the_decay_starts_too():
    ours = optax.exponential_decay(0.1, 4, 0.5, transition_begin=2, end_value=0.3)
    theirs = peer.exponential_decay(0.1, 4, 0.5, transition_begin=2, end_value=0.3)
    assert float(ours(0)) == np.asarray(theirs(0), np.float32) == np.float32(0.3)


def test_names_and_signatures_are_optaxs():
    endings = ("_schedule", "_decay", "_schedules")
    made = {x for x in vars(peer.schedules) if x.endswith(endings) and not x.startswith("_")}
    for name in made:
        ours = inspect.signature(getattr(optax, name)).parameters.values()
        theirs = inspect.signature(getattr(peer.schedules, name)).parameters.values()
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]
    assert made == {name for name, x in vars(optax).items() if inspect.isfunction(x) and name in vars(peer)}


def test_numbers_may_be_traced():
    def at(peak, steps):
        return optax.warmup_cosine_decay_schedule(0.0, peak, 4, steps, end_value=0.1)(8)

    assert np.isclose(jax.jit(at)(1.0, 12), 0.55)
    assert np.isfinite(jax.grad(at)(1.0, 12))
    lines = jax.vmap(lambda begin: optax.linear_schedule(0.0, 1.0, 4, begin)(6))(np.arange(4))
    assert lines.tolist() == [1.0, 1.0, 1.0, 0.75]
    assert isinstance(optax.constant_schedule(1.0), wo.Schedule)
