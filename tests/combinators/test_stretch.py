"""`stretch`: what its factor is kept as, and a clock that is exact by every way in."""

import dataclasses
import math
import pickle
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.expressions import NEVER, names_of_reprs
from support.together import each_way, together

import warmup_optax as wo
from warmup_optax._core.scalars import Wide

LINE = wo.linear(0.0, 1.0, 4)
FACTORS = [
    1,
    2,
    41,
    Fraction(1, 4),
    Fraction(7, 3),
    0.1,
    1.1,
    2.5,
    1e-6,
    3e4,
    1 / 3,
    0.3333333333,
    12345.678901,
]


@pytest.mark.parametrize("factor", FACTORS)
def test_the_field_keeps_what_was_written(factor):
    """Law 8, and a config: a `Fraction` as "1/4", a float as its digits."""
    schedule = wo.stretch(LINE, factor)
    assert schedule.factor == factor
    assert type(schedule.factor) is type(factor)
    assert eval(repr(schedule), names_of_reprs()) == schedule
    saved = wo.to_config(schedule)["factor"]
    assert saved == (str(factor) if isinstance(factor, Fraction) else factor)
    assert wo.from_config(wo.to_config(schedule)) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert dataclasses.replace(schedule, schedule=LINE) == schedule


def test_every_concrete_factor_has_one_structure():
    """A sweep of factors is a stack, whichever way they are written."""
    stacked = wo.stack([wo.stretch(LINE, factor) for factor in (2, 0.5, Fraction(1, 4))])
    again = dataclasses.replace(stacked)  # the factor is a `Ratio` of arrays, which is accepted
    for schedules in (stacked, again):
        assert jax.vmap(lambda schedule: schedule(1))(schedules).tolist() == [0.125, 0.5, 1.0]
    assert jax.tree.leaves(wo.stretch(LINE, Fraction(1, 4)))[-2:] == [1, 4]
    assert [schedule.factor for schedule in wo.unstack(stacked)] == [2, 0.5, Fraction(1, 4)]


def due(factor):
    """A staircase with steps at whole local counts, and the counts at which they are due."""
    factor = Fraction(str(factor))
    bounds = [factor.denominator * k for k in (1, 2, 3, 5, 100)]
    return wo.piecewise_constant([float(i) for i in range(6)], bounds), [factor * bound for bound in bounds]


def test_a_boundary_that_is_due_at_a_whole_count_takes_effect_there():
    """Law 2: as a constant, as an argument, and with a traced factor, eagerly and under `jit`."""
    factors = [1, 2, 41, 0.1, 1.1, 0.3, 2.5, 4.1, Fraction(7, 3), Fraction(41, 61)]
    staircases, counts = zip(*map(due, factors), strict=True)
    around = [np.array([[int(c) - 1, int(c)] for c in bounds], np.int32) for bounds in counts]
    wanted = [[[i, i + 1] for i in range(5)]] * len(factors)
    schedules = list(map(wo.stretch, staircases, factors))
    traced = together(
        lambda staircase, factor, c: wo.stretch(staircase, factor)(c),
        [lambda f=f, c=c: (float(f), c) for f, c in zip(factors, around, strict=True)],
        keys=staircases,
    )
    for way, values in [*each_way(schedules, around), ("traced", traced)]:
        for factor, got, right in zip(factors, values, wanted, strict=True):
            np.testing.assert_array_equal(got, right, err_msg=f"{factor} {way}")


def test_far_counts_are_exact():
    """Up to 2**61 local units: a plan of 3e12 tokens, 2**20 for each update, and the last int32."""
    plan = wo.piecewise_constant([1.0, 2.0], [3 * 2**40])
    last = 3 * 2**20
    assert wo.stretch(plan, Fraction(1, 2**20))([last - 1, last]).tolist() == [1.0, 2.0]
    slow = wo.stretch(wo.piecewise_constant([1.0, 2.0], [NEVER // 3]), 3)
    assert slow([NEVER - 2, NEVER - 1, NEVER]).tolist() == [1.0, 2.0, 2.0]


def test_many_digits_stay_close():
    """A float of more digits than the clock has room for: the ratio is right to 1e-9, far counts too."""
    factor = 0.123456789012
    schedule = wo.stretch(wo.linear(0.0, 1.0, 2**30), factor)
    for count in (1, 1000, 10**8):
        np.testing.assert_allclose(schedule(count), count / factor / 2**30, rtol=2**-22)  # two roundings


def test_a_traced_factor_is_differentiable():
    found = jax.grad(lambda factor: wo.stretch(wo.linear(0.0, 1.0, 4), factor)(3))(2.0)
    np.testing.assert_allclose(found, -3 / 4 / 2.0**2, rtol=2**-22)  # the derivative of c / (4 f)
    assert jax.jit(lambda f: wo.stretch(wo.stretch(LINE, f), f)(jnp.float32(4.5)))(1.5) == 0.5


def test_stretches_nest_and_meet_real_counts():
    schedule = wo.stretch(wo.stretch(LINE, Fraction(3, 7)), Fraction(7, 3))
    np.testing.assert_allclose(schedule([0.5, 1, 2.25, 3]), LINE([0.5, 1, 2.25, 3]), rtol=2**-22)


BAD = [0, -1, float("nan"), np.inf, "1/0", "4", Fraction(-1, 2), Fraction(1, 2**60)]
OF_ANOTHER_TYPE = [True, None, LINE, [2], np.ones(3)]


@pytest.mark.parametrize(
    ("factor", "error"), [(x, ValueError) for x in BAD] + [(x, TypeError) for x in OF_ANOTHER_TYPE]
)
def test_bad_factors(factor, error):
    with pytest.raises(error, match=r"^stretch: factor must be"):
        wo.stretch(LINE, factor)


def test_phases_are_stretched():
    schedule = wo.stretch(wo.warmup_linear(1.0, warmup_steps=10, total_steps=100), 2.5)
    assert wo.describe(schedule).split()[5:10] == ["0", "25", "linear", "0", "1"]


def test_shortened_terms_are_the_float_that_was_written():
    """Within half of float64's spacing, for factors below and above 1."""
    for exponent in np.linspace(-3, 3, 200):
        factor = math.pi * 10**exponent
        terms = vars(wo.stretch(LINE, factor))["factor"].terms()
        whole = [(int(x.high) << 30) + int(x.low) if isinstance(x, Wide) else int(x) for x in terms]
        assert abs(Fraction(*whole) / Fraction(factor) - 1) <= Fraction(1, 2**53), factor


@pytest.mark.parametrize("factor", [420348389969572.44, 160776891924301.97])
def test_a_float_without_a_ratio_that_rounds_to_it_raises_an_error(factor):
    """Past 2^47, a ratio within the limit may be another float."""
    with pytest.raises(wo.ArgumentError, match="must be a ratio of whole numbers"):
        wo.stretch(LINE, factor)
