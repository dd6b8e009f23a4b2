"""The methods of `Time`, as a user-defined node calls them, against exact fractions on every kind of clock."""

import functools
import random
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax._core.scalars import Wide, divided, exact, lowered_steps, real, times
from warmup_optax._core.time import Time, _Parts

MOST = 2**31 - 1
SMALL = [0, 1, 2, 41, 10_000]
# Exact times, and how each kind of clock has it.
CLOCKS = {
    "whole": (lambda t: Time.of(jnp.asarray(t, jnp.int32)), [*SMALL, 2**24 + 1, MOST - 1, MOST]),
    "real": (
        lambda t: Time.of(jnp.asarray(float(t), jnp.float32)),
        [*SMALL, Fraction(1, 2), Fraction(41, 4), 2**24],
    ),
    "wide": (lambda t: Time(Wide.of(int(t))), [*SMALL, MOST, 2**31, 2**31 + 1, 2**45 + 12_345, 2**60 + 1]),
    "wide and a part": (
        lambda t: Time(Wide.of(int(t)), _Parts(jnp.float32(t % 1), jnp.float32(1 - t % 1))),
        [Fraction(1, 4), 2**31 + Fraction(1, 2), 2**50 + Fraction(3, 4)],
    ),
    "of 64 bits": (
        lambda t: Time.of(jnp.asarray(int(t), jnp.int64)),
        [*SMALL, MOST, 2**31, 2**45 + 12_345, 2**60 + 1],
    ),
    "of 64 bits and a part": (
        lambda t: Time(jnp.asarray(int(t), jnp.int64), _Parts(jnp.float64(t % 1), jnp.float64(1 - t % 1))),
        [Fraction(1, 4), 2**31 + Fraction(1, 2), 2**50 + Fraction(3, 4)],
    ),
}
LENGTHS = [1, 7, 41, 2**24 + 3, MOST, 2**31 + 5, 2**52]
clocks = pytest.mark.parametrize("clock", CLOCKS)


def length(n):
    """A number of steps as a lowered node has it."""
    return lowered_steps(n)


def value(x):
    """A whole number or a real one, exactly."""
    x = exact(x)
    return int(x.high) * 2**30 + int(x.low) if isinstance(x, Wide) else Fraction(np.asarray(x).item())


def exactly(time):
    """The whole count of a time, and its part."""
    return value(time._whole), 0 if time._parts is None else value(time._parts.elapsed)


def close(got, wanted, ulp=4):
    """Within a few roundings: of each of two numbers, of a sum, and of a division."""
    np.testing.assert_allclose(np.asarray(got, np.float64), float(wanted), rtol=ulp * 2.0**-23, atol=1e-30)


@pytest.fixture(autouse=True)
def mode(request):
    """With 64 bits there is no Wide. Operations on concrete numbers are NumPy's, which warns where one wraps."""
    clock = getattr(request.node, "callspec", None) and request.node.callspec.params.get("clock")
    with np.errstate(all="ignore"), jax.enable_x64("of 64 bits" in (clock or "")):
        yield


def each(clock):
    make, instants = CLOCKS[clock]
    for t in instants:
        yield Fraction(t), functools.partial(make, t)


@clocks
def test_what_time_it_is(clock):
    """`elapsed`, `count`, `started`, `reached`, `ratio`."""
    for t, make in each(clock):
        time = make()
        close(time.elapsed(), t)
        close(time.count(), t)
        close(time.ratio(3.0), t / 3)
        assert bool(time.started()) == (t > 0)
        for n in [*LENGTHS, int(t), int(t) + 1]:
            assert bool(time.reached(length(n))) == (t >= n), (t, n)


@clocks
def test_distances_and_fractions(clock):
    """`distances`, `progress`: each is an exact difference divided once."""
    for t, make in each(clock):
        time = make()
        for n in LENGTHS:
            since, until = time.distances(0, length(n))
            close(since, t)
            close(until, n - t)
            # Next to a begin that is not whole, differences are those of real numbers, and may cancel.
            off = np.subtract(time.distances(np.float32(2.5), length(n)), [float(t) - 2.5, float(n - t)])
            assert np.all(abs(off) <= 2.0**-22 * max(t, n))
            p, q = time.progress(length(n))
            close(p, min(t / n, 1))
            close(q, max((n - t) / n, 0))


def divisions(time, n):
    """`cycle`, `floor_divide`, `quotient`, `rescale`; a time as what it consists of, which `jit` can return."""
    (number, local), days, units = time.cycle(n), time.floor_divide(n), time.rescale(n)
    return number, _consists_of(local), _consists_of(days), time.quotient(n), _consists_of(units)


def _consists_of(time):
    return time._whole, time._parts


# Of a time and a length that are data: a program for each kind of them, as operation by operation a division of
# wide numbers takes milliseconds.
divisions_of_data = jax.jit(lambda time, n: divisions(Time(*time), n))


@clocks
def test_division(clock):
    """`cycle`, `quotient`, `floor_divide`, `rescale`; the last time also by lengths that are constants."""
    instants = list(each(clock))
    for t, make in instants:
        for n in LENGTHS:
            time, n_ = make(), length(n)
            found = [divisions_of_data(_consists_of(time), n_)]
            if t == instants[-1][0]:
                found.append(divisions(time, n_))
            for number, local, days, (whole, part), units in found:
                assert value(number) == t // n
                assert exactly(Time(*local)) == divmod(t % n, 1)
                assert exactly(Time(*days)) == (t // n, 0)
                close(whole, t // n)
                close(part, t % n / n)
                units = Time(*units)
                assert value(units._whole) == t // n
                close(units._parts.elapsed, t % n / n)
                close(units._parts.remaining, 1 - t % n / n)


@clocks
def test_other_clocks(clock):
    """`after`, `shift`, `clamp`, `scale`, `advance`."""
    for t, make in each(clock):
        for n in LENGTHS:
            time, n_ = make(), length(n)
            assert exactly(time.scale(0)) == (0, 0)
            assert exactly(time.after(n_)) == divmod(max(t - n, 0), 1)
            assert exactly(time.shift(n_)) == divmod(max(t - n, 0), 1)
            assert exactly(time.shift(length(-n) if n <= MOST else -n_)) == divmod(t + n, 1)
            assert exactly(time.clamp(n_, None)) == divmod(max(t, n), 1)
            assert exactly(time.clamp(None, n_)) == divmod(min(t, n), 1)
            assert exactly(time.clamp(3, n_)) == divmod(min(max(t, 3), n), 1)
            if t * n < 2**61 and t % 1 == 0:
                assert exactly(time.scale(n_)) == (t * n, 0)
            elif t * n < 2**61:  # a part of a step is a float32, and so is the factor that multiplies it
                assert abs(sum(exactly(time.scale(n_))) - t * n) <= n * 2.0**-23
            if not (clock == "whole" and t + n > MOST):
                assert exactly(time.advance(n_)) == divmod(t + n, 1)


@clocks
def test_the_index_of_a_phase(clock):
    """`locate`: a tuple, and a table that is searched."""
    for t, make in each(clock):
        for size in (1, 8, 9, 70, 600):
            table = np.array([3 * i + 1 for i in range(size)], np.int32)
            wanted = int(np.searchsorted(table, float(t), side="right"))
            assert int(make().locate(table)) == wanted
            if size <= 9:
                assert int(make().locate(tuple(table.tolist()))) == wanted


def test_a_clock_before_0_is_at_0():
    for count in (-1, -(2**31), -0.5):
        assert exactly(Time.of(jnp.asarray(count))) == (0, 0)


def test_a_head_start_at_the_last_count_of_int64():
    with jax.enable_x64(True):
        assert wo.shift(wo.linear(0.0, 1.0, 10), -5)(2**63 - 1) == 1


@pytest.mark.parametrize("steps", [0, 3])
def test_a_shift_keeps_a_plain_count_whole(steps):
    count = Time.of(jnp.asarray(5)).shift(steps).count()
    assert jnp.issubdtype(jnp.result_type(count), jnp.integer)
    assert count == 5 - steps


def test_wide_numbers_against_those_of_python():
    """Sums, differences, products, quotients and comparisons, of either sign where there is one."""
    r = random.Random(0)

    def number(bits):
        return r.getrandbits(r.randint(1, bits)) * r.choice([1, 1, 1, -1])

    for _ in range(80):
        a, b = number(60), number(60)
        x, y = Wide.of(a), Wide.of(b)
        assert value(x) == a
        assert value(x + y) == a + b
        assert value(x - y) == a - b
        assert value(-x) == -a
        assert bool(x.at_least(y)) == (a >= b)
        close(real(x), a, ulp=2)
        c, d = number(30), number(30)
        assert value(Wide.of(c) * Wide.of(d)) == c * d
        a, b = abs(a), abs(b) or 1
        assert tuple(map(value, divided(Wide.of(a), Wide.of(b)))) == divmod(a, b)
        assert tuple(map(value, divided(Wide.of(a * b % 2**61), Wide.of(b)))) == divmod(a * b % 2**61, b)
        assert value(times(Wide.of(a), Wide.of(b))) == min(a * b, 2**61 - 1)
        assert tuple(map(value, divided(np.int32(a % 2**31), Wide.of(b)))) == divmod(a % 2**31, b)


@pytest.mark.parametrize(
    ("dtype", "most"),
    [(int, 2**61 - 1), (float, 2**61 - 1), (np.int64, 2**61 - 1), (np.float32, 2**61 - 2**37)],
    ids=["int", "float", "int64", "float32"],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_wide_holds_what_is_too_large_at_its_ends(dtype, most, sign):
    """Of float32, the end is the largest number below 2**61: there, 37 bits of a whole number are cut off."""
    for number in (2**61 - 2**37, 2**61 - 1, 2**61, 2**62, 2**63 - 1, 2**70):
        if dtype is not np.int64 or number < 2**63:
            held = Wide.of(dtype(sign * number))
            assert value(held) == sign * min(int(dtype(number)), most)
