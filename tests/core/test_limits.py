"""The ends of ranges: numbers next to a bound that a docstring states, and values at large counts."""

import jax
import numpy as np
import pytest

import warmup_optax as wo

RUN = {"warmup_steps": 4, "total_steps": 20}
RANGES = {  # a constructor of one number: accepted numbers close to its bound, and invalid ones
    "cosine exponent": (lambda x: wo.cosine(1.0, 0.0, 4, exponent=x), [0.01, 0.5, 1, 1.5], [0, -1]),
    "polynomial power": (lambda x: wo.polynomial(1.0, 0.0, 4, power=x), [0.01, 0.5, 1, 1.5], [0, -1]),
    "geometric init_value": (lambda x: wo.geometric(x, 1.0, 4), [1e-6, 0.5], [0, -1.0]),
    "geometric end_value": (lambda x: wo.geometric(1.0, x, 4), [1e-6, 0.5], [0, -1.0]),
    "finite_exponential ratio": (
        lambda x: wo.shapes.finite_exponential(1.0, 0.0, 4, ratio=x), [0.01, 0.5, 0.99], [0, 1, 1.5],
    ),
    "exponential decay_rate": (
        lambda x: wo.exponential(1.0, decay_rate=x, transition_steps=2), [0.01, 0.5, 1, 1.5], [0, -0.5],
    ),
    "exponential transition_steps": (
        lambda x: wo.exponential(1.0, decay_rate=0.5, transition_steps=x), [1, 2], [0, 0.5, 1.5],
    ),
    "inverse_sqrt timescale": (lambda x: wo.inverse_sqrt(1.0, timescale=x), [0.01, 0.5, 1], [0, -1]),
    "inverse_time transition_steps": (
        lambda x: wo.inverse_time(1.0, decay_rate=0.5, transition_steps=x), [1, 2], [0, 0.5],
    ),
    "warmup_inverse_sqrt timescale": (
        lambda x: wo.warmup_inverse_sqrt(1.0, warmup_steps=4, timescale=x), [0.01, 0.5, 1], [0, -1],
    ),
    "warmup_cosine exponent": (lambda x: wo.warmup_cosine(1.0, **RUN, exponent=x), [0.01, 0.5, 1], [0, -1]),
    "warmup_polynomial power": (lambda x: wo.warmup_polynomial(1.0, **RUN, power=x), [0.01, 0.5, 1], [0, -1]),
    "linear steps": (lambda x: wo.linear(1.0, 0.0, x), [0, 1], [-1, 0.5]),
    "restart period": (lambda x: wo.restart(wo.linear(1.0, 0.0, 4), period=x), [1, 2], [0, -1, 0.5]),
    "restart growth": (lambda x: wo.restart(wo.linear(1.0, 0.0, 4), period=4, growth=x), [1, 1.01], [0.99, 0]),
    "restart decay": (lambda x: wo.restart(wo.linear(1.0, 0.0, 4), period=4, decay=x), [0.01, 0.5, 1], [0, -1]),
    "staircase steps": (lambda x: wo.staircase(wo.linear(1.0, 0.0, 4), x), [1, 2], [0, -1, 0.5]),
    "stretch factor": (lambda x: wo.stretch(wo.linear(1.0, 0.0, 4), x), [1, 2, 0.5, "1/4"], [0, -1, 0.0, "1/0"]),
    "one_cycle warmup_fraction": (
        lambda x: wo.one_cycle(1.0, total_steps=20, warmup_fraction=x), [0, 0.5, 1], [-0.1, 1.1],
    ),
    "divide divisor": (lambda x: wo.linear(1.0, 0.0, 4) / x, [0.01, -0.5], [0]),
    "with_warmup steps": (lambda x: wo.with_warmup(wo.constant(1.0), steps=x), [0, 1], [-1, 0.5]),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_a_number_next_to_its_bound(name):
    make, good, bad = RANGES[name]
    for number in good:
        assert np.all(np.isfinite(wo.sample(make(number), [0, 1, 3, 4, 1000])))
    for number in bad:
        with pytest.raises(wo.ArgumentError) as caught:
            make(number)
        function, argument = name.split()
        assert (caught.value.function, caught.value.argument) == (function, argument)
        assert str(caught.value).startswith(f"{function}: {argument} must be ")
        assert caught.value.value == number


# Real numbers that must be above 0. A growth is at least 1, and a factor a ratio of whole numbers of any size.
POSITIVE = [
    name for name, (_, good, bad) in RANGES.items() if (0 in bad and good[0] == 0.01) or "geometric" in name
]


@pytest.mark.parametrize("name", POSITIVE)
def test_a_number_that_float32_takes_for_0_raises_where_0_does(name):
    """XLA flushes numbers below 1.2e-38 to 0, and a rate, a power or a divisor of 0 has no curve."""
    make = RANGES[name][0]
    for number in (1.1e-38, 1e-45, 1e-300):
        with pytest.raises(wo.ArgumentError, match=r"float32 holds numbers down to 1\.2e-38"):
            make(number)
    smallest = float(np.finfo(np.float32).tiny)
    if name != "divide divisor":  # by which 1.0 divided is past the largest number
        assert np.all(np.isfinite(wo.sample(make(smallest), [0, 1, 3, 4, 1000])))


def test_a_growth_stops_at_exp_60():
    """At any count after that, whatever the rate, and however far the count."""
    for rate in (1.01, 2.0, 1e6):
        schedule = wo.exponential(1.0, decay_rate=rate, transition_steps=1)
        values = wo.sample(schedule, [10_000, 2**31 - 1]).astype(float)
        # The logarithm of a rate near 1 has few digits in float32, and is multiplied up to 60.
        np.testing.assert_allclose(values, np.exp(60.0), rtol=1e-3)


def test_a_rate_that_float32_rounds_the_most_stays_finite():
    """The dropped part times the last count is too large for exp, but the power is already 0."""
    for rate in (0.5 + 0.49 * 2.0**-24, 0.25 + 0.49 * 2.0**-25):
        schedule = wo.exponential(1.0, decay_rate=rate, transition_steps=1)
        assert (2**31 - 1) * (rate - float(np.float32(rate))) / rate > 88
        assert wo.sample(schedule, [10_000, 2**31 - 1]).tolist() == [0.0, 0.0]
        assert float(jax.jit(lambda c, s=schedule: s(c))(2**31 - 1)) == 0.0


def test_a_wave_whose_length_is_data_and_past_int32():
    """A float32 then, whose double is no int32 either."""
    schedule = jax.tree.map(np.float32, wo.shapes.triangle_wave(1.0, 0.0, 3_000_000_000))
    assert float(jax.jit(lambda s, count: s(count))(schedule, 1_500_000_000)) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("values", ["12", b"12", {0.1: 1, 0.2: 2}], ids=repr)
def test_what_can_be_gone_through_is_not_always_a_sequence(values):
    """The characters of a text and the keys of a dict are not the intended numbers."""
    for make in (
        lambda: wo.piecewise_constant(values, [5]),
        lambda: wo.join(values, [5]),
        lambda: wo.join([0.1, 0.2], values),
    ):
        with pytest.raises(wo.ArgumentTypeError, match="sequence"):
            make()


@pytest.mark.parametrize("at", [0, 1])
def test_one_boundary_is_traced_and_the_other_is_not(at):
    """The order of the two is not known then, and is not checked."""

    def value(boundary):
        boundaries = [boundary, 8] if at == 0 else [2, boundary]
        return wo.piecewise_constant([1.0, 0.5, 0.25], boundaries)(np.arange(10))

    expected = wo.piecewise_constant([1.0, 0.5, 0.25], [4, 8] if at == 0 else [2, 4])(np.arange(10))
    np.testing.assert_array_equal(jax.jit(value)(4), expected)


def test_a_decay_of_zero_stays_zero():
    """A moving average without a memory; and beta3 may start there."""
    assert wo.shapes.debiased_decay(0.0)(np.array([0, 1, 100])).tolist() == [0.0, 0.0, 0.0]
    half = wo.shapes.half_life(0.0, 0.5, 10)(np.array([0, 5, 10]))
    np.testing.assert_allclose(half, [0.0, 0.25, 0.5], rtol=1e-6)  # half of a half-life of one update
    traced = jax.jit(lambda first: wo.shapes.half_life(first, 0.5, 10)(5))(0.0)
    np.testing.assert_allclose(traced, 0.25, rtol=1e-6)
    # A half-life of 0.0007 updates: 2 ** -1520 is no number of float32.
    assert wo.shapes.half_life(0.0, 0.9, 10_000)(1) == 0.0
