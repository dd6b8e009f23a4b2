"""What the laws do not ask of the new shapes: second derivatives, and bad input in their own words."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

SHAPES = {
    "logarithmic": wo.shapes.logarithmic(0.1, 0.0, 100),
    "rex": wo.shapes.rex(0.1, 0.0, 100, curvature=0.9),
    "half_life": wo.shapes.half_life(0.9, 0.9999, 100),
    "debiased_decay": wo.shapes.debiased_decay(0.99),
}


@pytest.mark.parametrize("schedule", SHAPES.values(), ids=SHAPES)
def test_second_derivatives_are_finite(schedule):
    """For a schedule that is itself learned by a method of second order, at and beside every end."""
    leaves, structure = jax.tree.flatten(schedule)
    real = [x for x in leaves if isinstance(x, float)]

    def at(real, count):
        given = iter(real)
        return jax.tree.unflatten(structure, [next(given) if isinstance(x, float) else x for x in leaves])(
            count
        )

    counts = jnp.array([-1, 0, 1, 2, 50, 99, 100, 101, 2**24, 2**31 - 1])
    hessian = jax.jit(jax.vmap(jax.hessian(at), (None, 0)))(real, counts)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(hessian))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wo.shapes.logarithmic(0.0, 0.1, 2.5), "logarithmic: steps must be"),
        (lambda: wo.shapes.logarithmic(math.nan, 0.1, 2), "logarithmic: init_value must be"),
        (
            lambda: wo.shapes.rex(0.1, 0.0, 10, curvature=1.0),
            r"rex: curvature must be a finite number < 1, got 1\.0",
        ),
        (lambda: wo.shapes.rex(0.1, 0.0, -1), "rex: steps must be"),
        (
            lambda: wo.shapes.half_life(1.0, 0.9, 10),
            r"half_life: init_value must be a finite number >= 0 and < 1, got 1\.0",
        ),
        (
            lambda: wo.shapes.half_life(0.9, -0.1, 10),
            r"half_life: end_value must be a finite number >= 0 and < 1",
        ),
        (
            lambda: wo.shapes.debiased_decay(1.5),
            r"debiased_decay: decay must be a finite number >= 0 and < 1, got 1\.5",
        ),
        (lambda: wo.shapes.debiased_decay("0.9"), "debiased_decay: decay must be"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_decay_of_zero_stays_zero():
    """A moving average without a memory; and beta3 may start there."""
    assert wo.shapes.debiased_decay(0.0)(np.array([0, 1, 100])).tolist() == [0.0, 0.0, 0.0]
    half = wo.shapes.half_life(0.0, 0.5, 10)(np.array([0, 5, 10]))
    np.testing.assert_allclose(half, [0.0, 0.25, 0.5], rtol=1e-6)  # half of a half-life of one update
    traced = jax.jit(lambda first: wo.shapes.half_life(first, 0.5, 10)(5))(0.0)
    np.testing.assert_allclose(traced, 0.25, rtol=1e-6)
    # A half-life of 0.0007 updates: 2 ** -1520 is no number of float32.
    assert wo.shapes.half_life(0.0, 0.9, 10_000)(1) == 0.0
