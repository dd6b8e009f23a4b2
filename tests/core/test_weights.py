"""The two weights of every finite shape, which `k_decay` and a shape of a warmup use by themselves."""

import functools
import inspect

import jax
import numpy as np
import pytest
from support.catalogue import CASES

import warmup_optax as wo
from warmup_optax._convert import config
from warmup_optax._core.node import Node
from warmup_optax._core.scalars import real
from warmup_optax._shapes.endless import _coth

STEPS = 8
P = np.arange(1, STEPS) / STEPS  # exact in binary
FINITE = {
    "linear": wo.linear(0.2, 0.9, STEPS),
    "cosine": wo.cosine(0.2, 0.9, STEPS),
    "cosine, exponent": wo.cosine(0.2, 0.9, STEPS, exponent=1.5),
    "polynomial": wo.polynomial(0.2, 0.9, STEPS, power=2),
    "polynomial, from the start": wo.polynomial(0.2, 0.9, STEPS, power=2.5, origin="init"),
    "one_minus_sqrt": wo.one_minus_sqrt(0.2, 0.9, STEPS),
    "geometric": wo.geometric(0.2, 0.9, STEPS),
    "geometric, level": wo.geometric(0.2, 0.2, STEPS),
    "tanh": wo.shapes.tanh(0.2, 0.9, STEPS, start=-1.0),
    "finite_exponential": wo.shapes.finite_exponential(0.2, 0.9, STEPS, ratio=0.1),
    "logarithmic": wo.shapes.logarithmic(0.2, 0.9, STEPS),
    "rex": wo.shapes.rex(0.2, 0.9, STEPS),
    "half_life": wo.shapes.half_life(0.2, 0.9, STEPS),
    "half_life, level": wo.shapes.half_life(0.2, 0.2, STEPS),
}


def test_every_finite_shape_is_here():
    shapes = {type(case.schedule) for case in CASES if isinstance(case.schedule, wo.FiniteSchedule)}
    assert shapes == {type(schedule) for schedule in FINITE.values()}


@functools.cache
def of_each():
    """Of every shape, in one program: its weights, its values at all counts, and those under `k_decay`."""

    def of(schedule, p, counts):
        warped = wo.shapes.k_decay(schedule, 2.0)
        return schedule.weights(p, 1 - p), schedule(counts), warped(counts)

    program = jax.jit(
        lambda *arguments: {name: of(schedule, *arguments) for name, schedule in FINITE.items()}
    )
    return program(real(P), np.arange(STEPS + 1))


@pytest.mark.parametrize("name", FINITE)
def test_weights_add_up_to_one_and_make_the_curve(name):
    schedule, (weights, values, _) = FINITE[name], of_each()[name]
    of_init, of_end = (np.asarray(w, float) for w in weights)
    # A weight is good to a few roundings of numbers up to 1; half_life's is a ratio of differences.
    np.testing.assert_allclose(of_init + of_end, 1, atol=1e-6)
    assert np.all(of_end[1:] > of_end[:-1])
    curve = schedule.init_value * of_init + schedule.end_value * of_end
    np.testing.assert_allclose(curve, values[1:STEPS], rtol=2e-6)


@pytest.mark.parametrize("name", FINITE)
def test_a_power_of_time_moves_along_the_same_curve(name):
    """`k_decay` of power 2 is at count 4 of 8 where the shape itself is at 2."""
    values, warped = map(np.asarray, of_each()[name][1:])
    np.testing.assert_allclose(warped[[0, 4, 8]], values[[0, 2, 8]], rtol=2e-6)


KINDS = {kind: known for kind, known in config._kinds().items() if inspect.isfunction(known.make)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_and_its_class_have_the_same_defaults(kind):
    """`repr` omits the defaults of the class; a config without a key gets the default of the function."""
    function = inspect.signature(KINDS[kind].make).parameters
    node = inspect.signature(KINDS[kind].node).parameters
    assert issubclass(KINDS[kind].node, Node)
    for name in function.keys() & node.keys():
        ours, theirs = function[name].default, node[name].default
        if inspect.Parameter.empty in (ours, theirs) or callable(ours):
            continue
        assert ours == theirs, name


@pytest.mark.parametrize(("peak", "end"), [(1.0, 0.2), (5.0, 1.0)])
def test_a_floor_of_restarts_is_not_scaled_with_the_cycles(peak, end):
    schedule = wo.warmup_cosine_restarts(peak, warmup_steps=0, cycle_steps=4, decay=0.5, end_value=end)
    values = schedule([0, 3, 4, 7, 8])
    foot = (1 + np.cos(0.75 * np.pi)) / 2  # the weight of the peak at the last count of a cycle
    expected = [peak, peak * foot + end * (1 - foot), peak / 2]
    expected += [peak / 2 * foot + end * (1 - foot), peak / 4]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("period", "growth"),
    # The first three have one cycle more than a power of two, which is the size of a table of them.
    [(387, 1.05), (992, 1.1), (26, 1.3), (1, 1.05), (7, 1.3), (100, 1.5), (1, 2), (7, 3)],
)
def test_the_last_cycle_is_known(period, growth):
    """At the largest count too: the decay has been applied once for each cycle before it."""
    schedule = wo.restart(wo.constant(1.0), period=period, growth=growth, decay=0.9)
    last = 2**31 - 1
    cycles = np.floor(np.log1p(last * (growth - 1) / period) / np.log(growth))
    np.testing.assert_allclose(schedule(last), 0.9**cycles, rtol=2e-5)  # a power of up to 400 in float32


def test_the_series_of_a_hyperbolic_cotangent():
    """As far as `radam` uses it, to 4 ULP: seven terms, each with its own rounding."""
    x = np.linspace(0.01, 0.75, 75)
    values, held = (np.asarray(y, np.float64) for y in (_coth(real(x)), real(x)))
    np.testing.assert_allclose(values, held / np.tanh(held) - 1, rtol=4 * 2.0**-23)
