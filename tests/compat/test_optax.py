"""`compat.optax` compared with the tables of Optax itself."""

import inspect

import jax
import numpy as np
import optax as peer
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import optax

ONE = optax.constant_schedule(1.0)
ZERO_RATE = "exp-rate0"  # Optax silently treats a decay rate of 0 as a constant


def make(name, **kwargs):
    return getattr(optax, name)(**kwargs)


@golden.each(golden.cases("optax"))
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
        (
            lambda: optax.piecewise_constant_schedule(1.0, {4: -0.5}),
            r"boundaries_and_scales\[4\] must be a finite number >= 0",
        ),
        (
            lambda: optax.piecewise_constant_schedule(1.0, {-4: 0.5}),
            "boundaries_and_scales must be",
        ),
        (
            lambda: optax.piecewise_interpolate_schedule("linar", 1.0),
            "interpolate_type must be one of",
        ),
        (lambda: optax.linear_onecycle_schedule(0, 1.0), "transition_steps must be"),
        (lambda: optax.cosine_onecycle_schedule(9, 1.0, div_factor=0.0), "div_factor must be"),
        (lambda: optax.join_schedules([ONE, ONE], []), "boundaries must be 1 numbers for 2 schedules"),
        (
            lambda: optax.join_schedules([ONE, ONE, ONE], [4, 2]),
            r"boundaries\[1\] must be a finite number >= ",
        ),
        (lambda: optax.sgdr_schedule([]), "cosine_kwargs must be at least one dict"),
        (lambda: optax.constant_schedule(float("nan")), "constant_schedule: value must be"),
    ],
)
def test_bad_input_raises_an_error(build, message):
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
    public = {name for name, x in vars(optax).items() if inspect.isfunction(x) and name[0] != "_"}
    assert made == {name for name in public if name in vars(peer)}


def test_numbers_may_be_traced():
    def at(peak, steps):
        return optax.warmup_cosine_decay_schedule(0.0, peak, 4, steps, end_value=0.1)(8)

    assert np.isclose(jax.jit(at)(1.0, 12), 0.55)
    assert np.isfinite(jax.grad(at)(1.0, 12))
    lines = jax.vmap(lambda begin: optax.linear_schedule(0.0, 1.0, 4, begin)(6))(np.arange(4))
    assert lines.tolist() == [1.0, 1.0, 1.0, 0.75]
    assert isinstance(optax.constant_schedule(1.0), wo.Schedule)


def test_surplus_boundaries_are_ignored_with_a_warning():
    """MaxText and others append the end of the run."""
    parts = [optax.linear_schedule(0.0, 1.0, 4), optax.linear_schedule(1.0, 0.0, 8)]
    with pytest.warns(
        UserWarning, match="2 schedules have 1 boundaries; ignoring the last of the 3"
    ) as caught:
        schedule = optax.join_schedules(parts, [4, 12, 20])
    assert caught[0].filename == __file__
    assert schedule == optax.join_schedules(parts, [4])


def closure(count):
    return 1.0 / (20.0 + count)


PASSED_TO_OPTAX = (
    lambda lib: lib.join_schedules([closure, lib.constant_schedule(0.5), closure], [4, 4]),
    lambda lib: lib.join_schedules([lib.constant_schedule(0.5), closure], [0]),
    lambda lib: lib.join_schedules([closure, lib.linear_schedule(1.0, 0.0, 8), closure], [2.5, 7.25]),
    lambda lib: lib.linear_schedule(1.0, 0.0, 9.7, 2.5),
    lambda lib: lib.polynomial_schedule(1.0, 0.0, 2, 9.7),
    lambda lib: lib.cosine_decay_schedule(1.0, 9.7, alpha=0.1),
    lambda lib: lib.exponential_decay(1.0, 2.5, 0.5, 1.5, staircase=True),
    lambda lib: lib.warmup_cosine_decay_schedule(0.0, 1.0, 2.5, 11.2),
    lambda lib: lib.warmup_exponential_decay_schedule(0.0, 1.0, 2.5, 3.3, 0.5),
    lambda lib: lib.piecewise_constant_schedule(1.0, {2.5: 0.5, 4: 0.5, 2.75: 0.1}),
    lambda lib: lib.piecewise_constant_schedule(-1.0, {3: 0.5}),
    lambda lib: lib.piecewise_interpolate_schedule("cosine", 1.0, {2.5: 0.5, 7: 0.5}),
    lambda lib: lib.linear_onecycle_schedule(15.5, 1.0),
)


@jax.numpy_dtype_promotion("standard")  # Optax needs it
def test_what_programs_pass_to_optax():
    """Lengths that are not whole, boundaries that are equal, and rates below 0 are as in Optax."""
    counts = np.arange(16)
    ours, theirs = jax.jit(
        lambda n: [[jax.vmap(make(lib))(n) for make in PASSED_TO_OPTAX] for lib in (optax, peer)]
    )(counts)
    for i, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_allclose(our, their, rtol=2e-6, atol=2e-7, err_msg=str(i))  # Optax's own rounding
