"""Law 2 where it is hard: clocks inside clocks, against exact rational time (`support/exact.py`).

A boundary, a stair or a cycle that is due at a whole count is reached at that count, for every length,
however deep the schedule that it belongs to is nested, for whole and for real counts, eager and under `jit`
over arrays. The schedules of a test are in one or two programs.
"""

import dataclasses
import functools
import itertools
import random
from fractions import Fraction

import jax
import numpy as np
import pytest
from support import exact, reference, together
from support.expressions import NEVER, e, find, rounded
from support.random_expressions import COMBINATORS, LENGTHS, REAL_CLOCKS, SHAPES, counts_of, nested
from support.together import each_way, three_ways

import warmup_optax as wo

SIZE = 256
FAR = [2**24 - 1, 2**24, 2**24 + 1, 2**24 + 3, 2**30 + 1, 123_456_789, 2**31 - 10_001, NEVER, -1, -(2**31)]


def values_of(expressions, counts, way="jit"):
    """The values of each expression at its counts, by one of the three ways."""
    found = together.values_of([expression.on(wo) for expression in expressions], counts, way)
    for value, expression in zip(found, expressions, strict=True):
        if isinstance(value, Exception):
            raise AssertionError(str(expression.on(wo))) from value
    return [np.asarray(value, np.float64) for value in found]


def differences(expressions, counts, values, width=0.0, *, data=False):
    """Describe the wrong values: expression, count, value, exact value.

    Within 64 ULP of the largest value: 8 for each of the at most four curves that are multiplied, and twice
    that for two operations on them. With a ``width``, the exact value may be that of a time that is off by
    as much, relatively: a clock that is not whole is known to float32. If the numbers are ``data``, it may be
    that of the numbers that float32 holds: after 64 cycles a growth of 1.1 is off by more than the width.
    """
    wrong = []
    for expression, at, got in zip(expressions, counts, values, strict=True):
        curve = expression.on(exact)
        wanted = np.array([curve(Fraction(t)) for t in np.asarray(at).tolist()])
        slack = 64 * np.spacing(np.float32(max(np.abs(wanted).max(), 1e-30)))
        for i in np.flatnonzero(~(np.abs(got - wanted) <= slack)):
            t = Fraction(np.asarray(at)[i].item())
            curves = [curve, *([rounded(expression).on(exact)] if data else [])]
            near = [c(t * (1 + Fraction(side * width))) for c in curves for side in (-1, 1)] if width else []
            near = [*near, wanted[i]]
            if not min(near) - slack <= got[i] <= max(near) + slack:
                wrong.append(f"{expression.on(wo)} at {at[i]}: {got[i]:.7g} instead of {wanted[i]:.7g}")
                break
    return wrong


def report(wrong):
    assert not wrong, f"{len(wrong)} schedules are wrong:\n" + "\n".join(wrong[:12])


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 20))]
# The expressions that are called in a way: numbers as data are a long program, an eager call is one by itself.
# None is called in both of these ways.
WAYS = {"jit": slice(None), "data": slice(1, None, 2), "eager": slice(0, None, 6)}
by_each_way = pytest.mark.parametrize("way", WAYS)


@by_each_way
@pytest.mark.parametrize("seed", SEEDS)
def test_nested_clocks_at_whole_counts(seed, way):
    """Law 2: whole counts, also far ones, through any two combinators around any shape."""
    expressions = nested(seed, 32)[WAYS[way]]
    counts = [counts_of(expression, SIZE - len(FAR)) + FAR for expression in expressions]
    counts = [np.array(c, np.int32) for c in counts]
    report(differences(expressions, counts, values_of(expressions, counts, way)))


@by_each_way
@pytest.mark.parametrize("seed", SEEDS)
def test_nested_clocks_at_real_counts(seed, way):
    """Law 2: a count of 41.0 is 41, and 40.5 lies before it."""
    expressions = nested(1000 + seed, 16)[WAYS[way]]
    counts = [np.array(counts_of(x, SIZE), np.float32) for x in expressions]
    counts = [c + np.resize(np.float32([0, 0, 0, 0.5]), SIZE) for c in counts]
    report(differences(expressions, counts, values_of(expressions, counts, way), width=2.0**-23))


@by_each_way
@pytest.mark.parametrize("seed", SEEDS)
def test_cycles_that_end_between_two_counts(seed, way):
    """Law 4: inside a stretched cycle time is known to float32, whatever is nested there."""
    more = {f"{k}-too": v for k, v in REAL_CLOCKS.items()}
    expressions = nested(2000 + seed, 16, COMBINATORS | REAL_CLOCKS | more)[WAYS[way]]
    counts = [np.array(counts_of(x, SIZE), np.int32) for x in expressions]
    values = values_of(expressions, counts, way)
    report(differences(expressions, counts, values, width=2.0**-20, data=way == "data"))


@by_each_way
def test_stairs_of_a_length_that_is_not_whole(way):
    """Law 2: the fifth stair of 1.2 steps is reached at count 6, though its length is a number of the program."""
    lengths = [1.2, 1.1, 2.5, 0.7, 1.3, 41.0, 3.3]
    whole = wo.inverse_time(1.0, decay_rate=1.0, transition_steps=7, staircase=True)
    schedules, counts, wanted = [], [], []
    for length in lengths:
        exactly = Fraction(str(length))
        due = np.array([c for c in range(2000) if c % exactly == 0])
        due = np.resize(np.concatenate([due, due[1:] - 1]), 800).astype(np.int32)  # one shape for all
        schedules.append(jax.tree.map(lambda x, length=length: length if x == 7 else x, whole))
        counts.append(due)
        wanted.append([1.0 / (1.0 + c // exactly) for c in due.tolist()])
    # Within a quotient rounded a few times.
    np.testing.assert_allclose(together.values_of(schedules, counts, way), wanted, rtol=1e-6)


def test_stairs_counted_in_epochs():
    """Law 2: the drop of every 41st epoch is at its first update, for every length."""
    lengths = range(1, 131)
    step = e.exponential(0.1, decay_rate=0.5, transition_steps=41, staircase=True)
    form = jax.jit(lambda schedule, counts: schedule(counts))
    wrong = []
    for n in lengths:
        epochs = {
            "stairs": wo.exponential(1.0, decay_rate=0.5, transition_steps=n, staircase=True),
            "restart": wo.restart(wo.linear(1.0, 0.5, n), period=n),
            "wave": find(wo, "triangle_wave")(1.0, 0.5, n),
        }
        counts = np.add.outer(np.array([1, 2, 3, 7]) * 100 * n, [-1, 0, 99, 100]).ravel()
        epoch = counts // 100
        wanted = {
            "stairs": 0.5 ** (epoch // n).astype(float),
            "restart": 1.0 - 0.5 * (epoch % n) / n,
            "wave": 1.0 - 0.5 * np.minimum(epoch % (2 * n), 2 * n - epoch % (2 * n)) / n,
        }
        for name, schedule in epochs.items():
            values = np.asarray(form(wo.staircase(schedule, 100), counts))
            if not np.allclose(values, wanted[name], rtol=1e-5, atol=0):
                wrong.append((name, n))
    assert wrong == []
    counts = np.array([40.0, 41.0, 42.0])
    np.testing.assert_allclose(step.on(wo)(counts), [0.1, 0.05, 0.05], rtol=1e-6)


@pytest.mark.parametrize("way", ["eager", "jit", "data", pytest.param("host", marks=pytest.mark.exhaustive)])
def test_a_boundary_inside_a_stretched_cycle(way):
    """Law 2: 50 steps of a cycle stretched by 1.2 are 60 updates, and the boundary is at the 60th."""
    growths = [1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.5, 3.3]
    inner = e.join([1.0, 0.5, 0.25, 0.125], [10, 50, 90]) + e.piecewise_constant([3.0, 2.0, 4.0], [30, 70])
    inner = inner + e.exponential(8.0, decay_rate=0.5, transition_steps=20, staircase=True)
    expressions = [e.restart(inner, period=100, growth=g) for g in growths]
    counts = np.arange(480, dtype=np.int32)
    call = {
        "eager": lambda schedule: schedule(counts),
        "host": lambda schedule: wo.sample(schedule, counts),
    }
    if way in ("jit", "data"):
        values = values_of(expressions, [counts] * len(expressions), way)
    else:
        values = [np.asarray(call[way](x.on(wo)), np.float64) for x in expressions]
    due = [Fraction(c) for c in counts.tolist()]
    wrong = []
    for expression, got in zip(expressions, values, strict=True):
        curve = expression.on(exact)
        off = [(int(t), v) for t, v in zip(due, got, strict=True) if abs(v - curve(t)) > 1e-5]
        if off:
            wrong.append(f"{expression.on(wo)}: {off[:3]}")
    report(wrong)


def test_stretched_cycles_in_float64():
    """Law 4: a factor of time is one number then."""
    expressions = [e.restart(e.linear(1.0, 0.0, 100), period=100, growth=growth) for growth in (1.1, 1.5)]
    counts = np.arange(0, 3000, 7)
    wanted = [[x.on(exact)(Fraction(c)) for c in counts.tolist()] for x in expressions]
    # The count times the factor is rounded once, to 2**-42 for counts below 2**12, and 100 of it are 1. As data
    # the begin of a cycle is a sum of rounded powers, so twice that.
    bounds = {"eager": 2.0**-48, "jit": 2.0**-48, "data": 2.0**-47}
    with jax.enable_x64(True):
        for way, values in each_way([x.on(wo) for x in expressions], [counts] * 2):
            np.testing.assert_allclose(values, wanted, rtol=0, atol=bounds[way])


def test_a_phase_keeps_far_counts_apart():
    """Law 2: that it ends does not make its whole counts real ones, of which float32 holds every other here."""
    inner = wo.piecewise_constant([1.0, 0.5, 0.25], [2**24 + 1, 2**24 + 3])
    counts = np.arange(2**24, 2**24 + 4)
    schedules = [
        wo.join([inner, 0.1], [2**25]),
        wo.join([0.1, inner, 0.1], [9, 2**25], offsets=[0, 0, 0]),
    ]
    for way, values in each_way(schedules, [counts] * 2):
        np.testing.assert_array_equal(values, [[1.0, 0.5, 0.5, 0.25]] * 2, err_msg=way)


def test_a_quotient_that_float32_rounds_up():
    """Law 2: 2**26 - 1 steps are one cycle of 2**25 and all but one step of the next."""
    schedule = wo.stretch(wo.restart(wo.linear(1.0, 0.0, 2**25), period=2**25), Fraction(1, 3))
    count = (2**26 - 1) // 3
    assert 3 * count == 2**26 - 1
    for values in three_ways(schedule, np.array([count, count + 1])):
        np.testing.assert_allclose(values, [2.0**-25, 1.0 - 2 * 2.0**-25], rtol=1e-6)


def test_a_faster_clock_in_float64():
    with jax.enable_x64(True):
        fast = wo.stretch(wo.linear(0.0, 1.0, 3 * 2**40), Fraction(1, 2**40))
        every = [np.asarray(values) for values in three_ways(fast, np.array([0, 1, 2, 3, 2**60]))]
    for values in every:
        np.testing.assert_allclose(values, [0.0, 1 / 3, 2 / 3, 1.0, 1.0], rtol=1e-15)  # a division's rounding


# ------------------------------------------------- restarts of what ends before the period does
EARLY = [
    (e.linear(1.0, 1.0, 1000), 10**9, 1, [0, 1, 500, 999]),
    (e.linear(1.0, 0.1, 1000), 10**8, 1, [0, 1, 10, 999, 1000, 1001]),
    (e.tanh(0.1, 0.0, 1, start=-2.0, stop=5.0), 2**30, 1, [0, 1]),
    (e.linear(0.1, 0.01, 100), 10_000, 1.1, [0, 10_000, 10_001, 10_055, 21_000, 21_001, 33_100, 33_150]),
    (e.linear(0.1, 0.01, 100), 1_000_000, 1.3, [1_000_000, 1_000_001, 1_000_126, 2_300_100]),
    (e.cosine(0.1, 0.0, 41), 2**20, 1, [2**20, 2**20 + 40, 2**20 + 41, 2**23 - 1]),
]


def test_a_phase_that_ends_before_its_cycle():
    """Law 4: the digits of a short phase do not go with the length of the cycle; 8 ULP of its peak."""
    every = [e.restart(inner, period=period, growth=growth) for inner, period, growth, _ in EARLY]
    counts = [np.resize(np.array(due), 8) for *_, due in EARLY]  # one shape for all
    for way, values in each_way([expression.on(wo) for expression in every], counts):
        for expression, at, got in zip(every, counts, values, strict=True):
            wanted = [expression.on(exact)(count) for count in at.tolist()]
            atol = 8 * np.spacing(np.float32(max(wanted)))
            np.testing.assert_allclose(got, wanted, rtol=0, atol=atol, err_msg=f"{way}: {expression}")


# ------------------------------------------------------------------------------ NaN and beyond
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_count_that_is_nan_gives_nan(every):
    """Law 1: no value is made up for no count."""
    schedules = {name: expression.on(wo) for name, expression in [*one_of_each().items()][::every]}
    values = jax.jit(lambda c: {name: schedule(c) for name, schedule in schedules.items()})(np.float32("nan"))
    assert [name for name, value in values.items() if not np.isnan(value)] == []
    assert np.isnan(wo.linear(0.0, 1.0, 3)(float("nan")))
    both = wo.linear(0.0, 1.0, 4)(np.array([np.nan, 1.0]))
    assert np.isnan(both[0])
    assert both[1] == 0.25


def one_of_each():
    r = random.Random(0)
    every = {name: make(r) for name, make in SHAPES.items()}
    return every | {
        name: make(r, e.cosine(0.1, 0.0, 41)) for name, make in (COMBINATORS | REAL_CLOCKS).items()
    }


BEYOND = [  # whole numbers that an int32 cannot hold
    (lambda: jax.tree.map(lambda x: x * 2, wo.linear(0.0, 1.0, 2_000_000_000)), 10**9, 0.5),  # 2.0 / 4e9
    (lambda: dataclasses.replace(wo.linear(0.0, 1.0, 10), steps=5_000_000_000), 10**9, 0.2),
    (lambda: wo.linear(0.0, 1.0, 5_000_000_000), 10**9, 0.2),
    (lambda: wo.shift(wo.linear(0.0, 1.0, 8_000_000_000), -4_000_000_000), 0, 0.5),
    (lambda: wo.restart(wo.linear(0.0, 1.0, 5_000_000_000), period=5_000_000_000), 10**9, 0.2),
]


def test_whole_numbers_past_int32():
    """Law 1: a length that an int32 cannot hold is kept as a float, however it came to be; it never wraps."""
    schedules = [make() for make, *_ in BEYOND]
    counts, wanted = [np.int32(count) for _, count, _ in BEYOND], [value for *_, value in BEYOND]
    on_host = [wo.sample(schedule, int(count)) for schedule, count in zip(schedules, counts, strict=True)]
    for way, values in [*each_way(schedules, counts), ("host", on_host)]:
        np.testing.assert_allclose(values, wanted, rtol=2e-6, err_msg=way)


def test_a_boundary_that_is_never_reached_rounds_no_other():
    """Law 2: next to it, boundaries past 2^24 are where they are due."""
    counts = np.arange(2**24, 2**24 + 7, dtype=np.int32)
    schedules, wanted = [], []
    for never, others in itertools.product([3 * 10**9, 2**61, 1e30], [3, 11]):
        boundaries = [*range(2**24 + 1, 2**24 + 2 * others, 2), never]
        schedules += [
            wo.piecewise_constant(range(others + 2), boundaries),
            wo.join([float(i) for i in range(others + 2)], boundaries),
            wo.nodes.InSteps(
                wo.piecewise_constant(range(4), [1, 2, 3]), boundaries, range(others + 2), [0] * (others + 2)
            ),
            wo.piecewise_linear(range(others + 1), boundaries),
        ]
        wanted += [[0, 1, 1, 2, 2, 3, 3]] * 3 + [[0, 0, 0.5, 1, 1.5, 2, 2.5 if others > 3 else 2]]
    on_host = [wo.sample(schedule, counts) for schedule in schedules]
    for way, every in [*each_way(schedules, [counts] * len(schedules)), ("host", on_host)]:
        for schedule, values, right in zip(schedules, every, wanted, strict=True):
            # One step of the last ramp, of at least 3e9 - 2^25, is the difference that float64 shows.
            rtol = 1e-9 if isinstance(schedule, wo.nodes.PiecewiseLinear) else 0
            np.testing.assert_allclose(values, right, rtol=rtol, err_msg=f"{way}: {schedule}")


def test_a_clock_that_runs_faster_than_int32():
    """Law 1: the count times the factor may be more than an int32 holds."""
    schedule = wo.stretch(wo.linear(0.0, 1.0, 300_000_000_000), Fraction(1, 4_194_304))
    counts = np.array([0, 1, 511, 512, 513, 40_000, 71_525, 71_526, 80_000, NEVER])
    wanted = np.minimum(counts * 4_194_304 / 3e11, 1.0)
    for got in [*three_ways(schedule, counts), wo.sample(schedule, counts)]:
        np.testing.assert_allclose(got, wanted, rtol=2e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
def test_traced_lengths_of_few_bits(dtype):
    """Law 7: sums of traced lengths do not wrap in the dtype that they came in."""
    short = np.array(100 if dtype == "int8" else 200, dtype)
    long = np.int32(short)
    counts = np.array([0, 50, 99, 100, 199, 200, 250, 399, 400, 700])

    def built(n):
        return [
            wo.warmup_cosine(1.0, warmup_steps=n, hold_steps=n, total_steps=1000)(counts),
            wo.warmup_linear(1.0, warmup_steps=n, hold_steps=n, total_steps=1000)(counts),
            wo.warmup_stable_decay(1.0, warmup_steps=n, decay_steps=n, total_steps=1000)(counts),
            wo.with_cooldown(wo.with_warmup(wo.constant(1.0), steps=n), begin=2 * long, steps=n)(counts),
            wo.join([1.0, 0.5, 0.25], [n, 2 * long])(counts),
            wo.restart(wo.linear(1.0, 0.0, n), period=n)(counts),
        ]

    program = jax.jit(built)
    for got, wanted in zip(program(short), built(int(long)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


# ------------------------------------------------------------------------ numbers that are 1
DERIVATIVES = {  # the number, and a schedule that has it as an argument
    "cosine exponent": lambda x: e.cosine(1.0, 0.0, 100, exponent=x),
    "polynomial power": lambda x: e.polynomial(1.0, 0.0, 100, power=x),
    "polynomial power, from the start": lambda x: e.polynomial(1.0, 0.0, 100, power=x, origin="init"),
    "warmup_cosine exponent": lambda x: e.warmup_cosine(1.0, warmup_steps=10, total_steps=100, exponent=x),
    "warmup_polynomial power": lambda x: e.warmup_polynomial(1.0, power=x, warmup_steps=10, total_steps=100),
    "k_decay k": lambda x: e.k_decay(e.cosine(1.0, 0.0, 100), x),
    "restart growth": lambda x: e.restart(e.linear(1.0, 0.0, 40), period=40, growth=x),
}


@functools.cache
def derivatives():
    """The derivative of each at count 50: by the number, and by the field of its schedule."""

    def built(make, number):
        return jax.grad(lambda x: make(x).on(wo)(50))(number)

    def by_field(schedule):
        return jax.grad(lambda s: s(50), allow_int=True)(schedule)

    ones = together.together(built, [lambda: (1.0,)] * len(DERIVATIVES), keys=list(DERIVATIVES.values()))
    fields = together.together(
        by_field, [lambda make=make: (make(1.0).on(wo),) for make in DERIVATIVES.values()]
    )
    return dict(zip(DERIVATIVES, zip(ones, fields, strict=True), strict=True))


@pytest.mark.parametrize("name", DERIVATIVES)
def test_the_derivative_with_respect_to_a_number_that_is_1(name):
    """Law 7: 1 is where an exponent starts to be learned; its derivative is that of the numbers next to it."""
    make = DERIVATIVES[name]
    count, width = 50, 2.0**-16
    if name == "restart growth":  # the second cycle begins at 40: its rate is 1 - (50 - 40) / (40 * growth)
        wanted = (50 - 40) / 40
    else:
        curve = {side: make(1.0 + side * width).on(reference)(np.array([count])).item() for side in (-1, 1)}
        wanted = (curve[1] - curve[-1]) / (2 * width)
    found, by_field = derivatives()[name]
    np.testing.assert_allclose(found, wanted, rtol=2e-3)
    assert abs(wanted) > 0.01
    field = name.partition(",")[0].split()[1]
    np.testing.assert_allclose(getattr(by_field, field), wanted, rtol=2e-3)


def test_an_exponential_whose_ratio_is_almost_1_is_a_line():
    """Law 6: finite, and near 1 a straight line, although float32 has no such number below 1."""
    ratios = [0.5, 0.999, 0.9999999, 0.99999998, 1 - 2.0**-40, 1 - 2.0**-53]
    schedules = [find(wo, "finite_exponential")(1.0, 0.1, 100, ratio=ratio) for ratio in ratios]
    counts = np.arange(0, 101, 5)
    p = counts / 100
    elapsed = [np.expm1(np.log(r) * p) / np.expm1(np.log(r)) if r < 1 - 1e-12 else p for r in ratios]
    for way, values in each_way(schedules, [counts] * len(ratios)):
        np.testing.assert_allclose(values, 1.0 - 0.9 * np.array(elapsed), rtol=8 * 2.0**-23, err_msg=way)


def test_the_lists_of_this_file_are_what_they_say():
    """Every length is tried where it matters, and counts are not all alike."""
    assert {41, 47, 55, 61, 82, 83, 94, 97} <= set(LENGTHS)
    different = [len(set(counts_of(x, SIZE))) for x in nested(0, 46)]
    assert min(different) > 4
    assert np.median(different) > 50
