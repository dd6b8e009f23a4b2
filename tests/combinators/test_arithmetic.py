"""Operators: what they print as, what they flatten, and the errors of those that a schedule does not have."""

import jax
import numpy as np
import pytest
from support.expressions import names_of_reprs

import warmup_optax as wo

A, B = wo.linear(0.0, 1.0, 4), wo.cosine(1.0, 0.0, 8)
TEXTS = {
    "a * 2.0": A * 2,
    "-a": -A,
    "-(a * 2.0)": -(A * 2),
    "-a * 2.0": -A * 2,
    "a - 1.0": A - 1,
    "1.0 - a": 1 - A,
    "a - b": A - B,
    "a - b * 2.0": A - B * 2,
    "a - (b + a)": A - (B + A),
    "a + (b + a)": A + (B + A),
    "a + b + a": A + B + A,
    "(a + b) * 2.0": (A + B) * 2,
    "(a + b) * b": (A + B) * B,
    "a * b / 2.0": A * B / 2,
    "a * (b / 2.0)": A * (B / 2),
    "a * (b * 2.0)": A * (B * 2),
    "a * (b * a)": A * (B * A),
    "constant(value=1.0) + 2.0": wo.constant(1.0) + 2,
    "constant(value=2.0) * a": wo.constant(2.0) * A,
    "nodes.Add(schedules=(a + b, a))": wo.nodes.Add((A + B, A)),
    "nodes.Add(schedules=(a,))": wo.nodes.Add((A,)),
    "nodes.Product(schedules=(a * b, a))": wo.nodes.Product((A * B, A)),
    "minimum(minimum(a, b), constant(value=0.5))": wo.minimum(wo.minimum(A, B), 0.5),
    "maximum(a)": wo.maximum(A),
}


@pytest.mark.parametrize("text", TEXTS)
def test_an_expression_prints_as_it_is_written(text):
    """Law 8: operators print as operators with the fewest parentheses, and other trees as their class."""
    schedule = TEXTS[text]
    assert repr(schedule).replace(repr(A), "a").replace(repr(B), "b") == text
    assert eval(repr(schedule), names_of_reprs()) == schedule
    assert wo.from_config(wo.to_config(schedule)) == schedule


def test_a_number_is_subtracted_as_a_number():
    assert wo.nodes.Add((A, wo.constant(-1.0))) == A - 1
    assert A - wo.constant(1.0) == A - 1
    traced = jax.jit(lambda x: (A - x)(np.arange(3)))(1.0)
    np.testing.assert_array_equal(traced, (A - 1)(np.arange(3)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: 1 / A, r"division: the divisor must be a number, .*lambda count: number / divisor\(count\)"),
        (lambda: A / B, r"division: the divisor must be a number, .*schedule\(count\) / divisor\(count\)"),
        (lambda: A**2, r"schedule \*\* power: the base must be a number, .*write schedule \* schedule"),
        (lambda: 2**A, r"schedule \*\* power"),
    ],
)
def test_an_operator_that_is_not_there_says_what_to_write(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_the_gradient_where_two_are_equal_is_shared():
    low, high = wo.constant(0.5), wo.constant(0.5)
    for function in (wo.minimum, wo.maximum):
        gradients = jax.grad(lambda a, b, f=function: f(a, b)(3), argnums=(0, 1))(low, high)
        assert [float(gradient.value) for gradient in gradients] == [0.5, 0.5]


def test_the_gradient_of_a_whole_number_prints_as_float0():
    gradient = jax.grad(lambda schedule: schedule(3), allow_int=True)(wo.cosine(1.0, 0.0, 10))
    assert "steps=float0" in repr(gradient)
    gradient = jax.grad(lambda schedule: schedule(3), allow_int=True)(wo.piecewise_constant([1.0, 2.0], [10]))
    assert repr(gradient) == "piecewise_constant(values=(1.0, 0.0), boundaries=(float0,))"


def test_a_float32_is_the_decimal_that_it_prints_as():
    assert wo.constant(np.float32(0.1)) == wo.constant(0.1)
    assert repr(wo.constant(jax.numpy.float32(0.1))) == "constant(value=0.1)"
    assert repr(wo.constant(jax.numpy.bfloat16(0.1))) == "constant(value=0.100097656)"
