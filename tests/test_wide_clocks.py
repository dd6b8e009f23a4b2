"""Law 2 where an int32 is too short: clocks of tokens up to 2^61, and the last counts of the plain clock.

Every shape in every combinator, its lengths multiplied until they are counted in tokens, against exact rational
time. Each is called with its numbers inside the program, as an argument of it, and, every few, eagerly; in 32 and
in 64 bits.
"""

import itertools
import random
from fractions import Fraction

import jax
import numpy as np
import optax
import pytest
from support import exact
from support.expressions import Expression, e, map_numbers
from support.random_expressions import COMBINATORS, SHAPES, counts_of, nested
from support.together import three_ways, values_of

import warmup_optax as wo
from warmup_optax._core.scalars import Wide

UNITS = {  # in an update; and how many updates one step of the plain expression becomes
    "2**41": (1_000_003, 100),  # an odd number of tokens, so that little is due at a whole update
    "2**52": (2**30, 8),
    "2**60": (2**36, 4),
}
COUNTS = 36  # counts of an expression: 24 at which something is due and 12 others, each with its neighbors
# Numbers as data: a length past int32 is a float32 there, and time is known to a few roundings of it.
WIDTHS = {
    ("jit", False): 0.0,
    ("jit", True): 0.0,
    ("data", False): 2.0**-19,
    ("data", True): 2.0**-40,
}


def in_tokens(expression, factor):
    """The expression with every number of steps multiplied."""
    growth = expression.kwargs.get("growth")
    parts = [in_tokens(x, factor) if isinstance(x, Expression) else x for x in expression.args]
    named = {
        k: in_tokens(x, factor) if isinstance(x, Expression) else x for k, x in expression.kwargs.items()
    }
    parts = [map_inside(x, factor) for x in parts]
    named = {k: map_inside(x, factor) for k, x in named.items()}
    if growth is not None:
        named["growth"] = growth
    return Expression(expression.name, tuple(parts), named)


def map_inside(tree, factor):
    if isinstance(tree, Expression):
        return tree
    if isinstance(tree, (list, tuple)):
        return [in_tokens(x, factor) if isinstance(x, Expression) else map_inside(x, factor) for x in tree]
    return map_numbers(lambda n: n * factor if isinstance(n, int) else n, tree)


def wrong(expressions, counts, values, width):
    """The schedules that are wrong, as sentences.

    Within 64 ULP of the largest value, as in `test_exact_time`. With a ``width``, the exact value may be that of
    a time that is off by it, relatively, and the value off by 2**-12: across a jump, a curve has then moved on.
    """
    found = []
    for expression, at, got in zip(expressions, counts, values, strict=True):
        if isinstance(got, Exception):
            raise AssertionError(str(expression.on(wo))) from got
        got, curve = np.asarray(got, np.float64), expression.on(exact)
        wanted = [curve(Fraction(int(t))) for t in at]
        slack = 64 * np.spacing(np.float32(max(*np.abs(wanted), 1e-30))) if not width else 2.0**-12
        for t, value, want in zip(at, got, wanted, strict=True):
            if abs(value - want) <= slack:
                continue
            near = [curve(int(t) * (1 + Fraction(side * width))) for side in (-1, 1)] + [want]
            if not min(near) - slack <= value <= max(near) + slack:
                found.append(f"{expression.on(wo)} at {t}: {value:.8g} instead of {want:.8g}")
                break
    return found


def report(found):
    assert not found, f"{len(found)} schedules are wrong:\n" + "\n".join(found[:8])


def every(seed):
    """Each shape by itself, and each combinator around some shape, and nested ones.

    Units of units are left out: their number would pass 2^61.
    """
    r = random.Random(seed)
    shapes = [make(r) for make in SHAPES.values()]
    combinators = {name: make for name, make in COMBINATORS.items() if not name.startswith("in_steps")}
    return [*shapes, *nested(7040 + seed, 10, combinators)]


def fastest(x):
    """The units of its fastest clock that pass in one unit of the expression."""
    if not isinstance(x, Expression):
        return max(map(fastest, x), default=1) if isinstance(x, (list, tuple)) else 1
    inside = max(map(fastest, (*x.args, *x.kwargs.values())), default=1)
    return inside / x.args[1] if x.name == "stretch" else inside


def every_way(*axes, default):
    """The product of the axes; what is not among the default ones runs with `-m exhaustive` alone."""
    return [
        pytest.param(*values, marks=() if values in default else pytest.mark.exhaustive)
        for values in itertools.product(*axes)
    ]


# Numbers of 32 bits take the longest code path; each size, way and width once.
SOME = [(0, "2**41", "data", False), (0, "2**60", "jit", False), (0, "2**60", "data", True)]
SOME += [(0, "2**52", "eager", False)]
# Of how many expressions one is taken: numbers as data are a long program, an eager call is one by itself.
WAYS = {"jit": 1, "data": 2, "eager": 8}


@pytest.mark.parametrize(
    ("seed", "size", "way", "x64"),
    every_way(range(10), UNITS, WAYS, [False, True], default=SOME),
)
def test_every_schedule_in_tokens(seed, size, way, x64):
    """Up to 2^41, 2^52 and 2^60 tokens."""
    rate, updates = UNITS[size]
    # Of numbers as data one half in 32 bits and the other in 64, and the next seed the other way around.
    plain = every(seed)[(seed + x64) % WAYS[way] :: WAYS[way]]
    expressions = [e.in_steps(in_tokens(x, rate * updates), starts=[0], rates=[rate]) for x in plain]
    counts = []
    for x in plain:
        # A stretched schedule is exact up to 2^61 units of its clock, which a fast one reaches early.
        due = np.array([n for n in counts_of(x, COUNTS) if n * max(fastest(x), 4) < 2**21])
        due = np.resize(np.unique(np.add.outer(due * updates, [-1, 0, 1]).clip(0)), 3 * COUNTS)
        counts.append(due.astype(np.int32))
    with jax.enable_x64(x64):
        values = values_of([x.on(wo) for x in expressions], counts, way)
    report(wrong(expressions, counts, values, WIDTHS.get((way, x64), 0.0)))


GROWING = [
    e.restart(inner, period=period, growth=growth, decay=0.75)
    for growth in (2, 3, 5, 1.5, 1.1, 2.75)
    for period, inner in [
        (10**9, e.linear(1.0, 0.0, 10**9)),
        (3 * 10**9, e.piecewise_constant([1.0, 0.5, 0.25], [10**9, 2 * 10**9])),
        (1000, e.linear(1.0, 0.0, 900)),
    ]
] + [e.restart(e.linear(1.0, 0.0, 1), period=1, growth=growth) for growth in (10, 1000)]  # a cycle past 2^61


@pytest.mark.parametrize(
    ("rate", "way", "x64"),
    every_way(
        [1_000_000, 2**30],
        WAYS,
        [False, True],
        default=[
            (1_000_000, "data", False),
            (1_000_000, "eager", False),
            (2**30, "jit", False),
            (2**30, "data", True),
        ],
    ),
)
def test_growing_restarts(rate, way, x64):
    """Cycles are found past 2^31 tokens, up to 2^61; whole ones exactly."""
    expressions = [e.in_steps(x, starts=[0], rates=[rate]) for x in GROWING][:: WAYS[way]]
    counts = [np.unique(np.concatenate([np.arange(40), np.geomspace(1, 2**31 - 1, 160)])).astype(np.int32)]
    with jax.enable_x64(x64):
        values = values_of([x.on(wo) for x in expressions], counts * len(expressions), way)
    for expression, got in zip(expressions, values, strict=True):
        growth = expression.args[0].kwargs["growth"]
        width = 0.0 if growth % 1 == 0 and way != "data" else 2.0**-20 if not x64 else 2.0**-40
        if way == "data" and growth == 1.1:  # the last of the 128 cycles of a traced growth does not end
            continue
        report(wrong([expression], counts, [got], width))


@pytest.mark.parametrize("first", [2**61 - 2**40, 2**61, 2**62, 2**63, 2**70])
@pytest.mark.parametrize("segments", [2, 12])
@pytest.mark.parametrize("x64", [False, True])
def test_a_segment_that_begins_past_every_count(first, segments, x64):
    """A boundary of 2^61 or more is never reached, and no other one moves."""
    boundaries = (*range(10, 9 + segments), first)
    with jax.enable_x64(x64):
        line = wo.nodes.InSteps(
            wo.linear(0.0, 1.0, 100), boundaries, (0, *boundaries[:-1], 0), (1,) * (segments + 1)
        )
        np.testing.assert_allclose(line([0, 10, 50, 2**31 - 1]), [0, 0.1, 0.5, 1], rtol=1e-6)  # a few ULP
        tokens = wo.nodes.InSteps(line, (), (0,), (2**30,))
        assert tokens([0, 1, 2**30]).tolist() == [0, 1, 1]


def test_cycles_past_int32_are_not_in_the_table_of_int32_counts():
    """A table with a wide start would make every count wide."""
    begins = range(2**30, 2**33, 2**30)  # cycles of growth 1.5 begin below, at, and past 2^31
    for period in begins:
        restarts = wo.restart(wo.linear(1.0, 0.0, period), period=period, growth=1.5)
        with jax.enable_x64(False):
            assert not isinstance(restarts.lower().cycles.near.begins.whole, Wide), period

    def traced(growth):
        restarts = wo.restart(wo.linear(1.0, 0.0, 100), period=100, growth=growth)
        assert not isinstance(restarts.lower().cycles.near.begins.whole, Wide)

    with jax.enable_x64(False):
        jax.eval_shape(traced, 1.5)


@pytest.mark.parametrize("way", WAYS)
def test_a_boundary_in_a_growing_cycle_is_never_late(way):
    """Law 4: it may be early by 1e-6 of the cycle. A whole growth of concrete numbers is exact."""
    half, period = 10**9 // 2, 10**9
    growths = [2, 3, 1.5, 1.1]
    clocks, counts, wanted = [], [], []
    for growth in growths:
        schedule = wo.restart(wo.piecewise_constant([1.0, 2.0], [half]), period=period, growth=growth)
        clocks.append(wo.nodes.InSteps(schedule, (), (0,), (1000,)))
        begin, unit, ratio = Fraction(0), Fraction(1), Fraction(str(growth))
        due = {}
        for _ in range(8):
            at = (begin + unit * half) / 1000
            first = -(-at.numerator // at.denominator)
            early = int(unit * period * Fraction(1, 10**6) / 1000) + 1
            due |= {first: 2.0, first + 1: 2.0, first - early: 1.0}
            begin, unit = begin + unit * period, unit * ratio
        due = [(count, value) for count, value in due.items() if count < 2**31]
        due = np.resize(np.array(due, np.int64), (24, 2))  # one shape for all
        # A traced table of cycles is of float32 itself: its bounds are 1e-6 of their count early or late.
        late = np.where(due[:, 1] == 2, (due[:, 0] * 1e-6).astype(int) + 1, 0) if way == "data" else 0
        counts.append((due[:, 0] + late).astype(np.int32))
        wanted.append(due[:, 1])
    for growth, values, right in zip(growths, values_of(clocks, counts, way), wanted, strict=True):
        np.testing.assert_array_equal(values, right, err_msg=str(growth))


def test_a_period_of_two_lengths_past_int32():
    """Law 2: it is their sum exactly. A float32 is 254 tokens short, and 2^60 tokens are six periods more."""
    wave = e.in_steps(e.triangle_wave(1.0, 0.1, 3_000_000_127, 4_000_000_127), starts=[0], rates=[2**29])
    counts = np.geomspace(1, 2**31 - 1, 200).astype(np.int32)
    with jax.enable_x64(False):
        report(wrong([wave], [counts], [wave.on(wo)(counts)], 0.0))


@pytest.mark.parametrize(
    "known", [{0: 1_600_000_001}, {1: 2_100_000_127}, {}], ids=["first", "second", "none"]
)
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_a_period_past_int32_of_lengths_below_it(known, dtype):
    """Each of the two fits int32, and their sum does not: also where one of them, or both, are traced."""
    traced = [dtype(x) for x in (1_600_000_001, 2_100_000_127)]
    lengths = [known.get(i, int(x)) for i, x in enumerate(traced)]
    counts = np.geomspace(1, 2**31 - 1, 50).astype(np.int32)

    def wave(*lengths):
        return wo.shapes.triangle_wave(1.0, 0.0, *(known.get(i, x) for i, x in enumerate(lengths)))(counts)

    with jax.enable_x64(False):
        values = jax.jit(wave)(*traced)
    report(wrong([e.triangle_wave(1.0, 0.0, *lengths)], [counts], [values], 0.0))


@pytest.mark.parametrize("lengths", [(2.5, 4), (4, 2.5), (2.5, 3.25)])
def test_a_period_of_traced_lengths_that_are_not_whole(lengths):
    """Either may be a real number, and the sum is then one."""
    counts = np.arange(40, dtype=np.int32)
    values = jax.jit(lambda *xs: wo.shapes.triangle_wave(1.0, 0.0, *xs)(counts))(*lengths)
    report(wrong([e.triangle_wave(1.0, 0.0, *lengths)], [counts], [values], 0.0))


@pytest.mark.parametrize("x64", [False, True])
def test_a_function_of_a_count_in_tokens(x64):
    """A closure of Optax continues past int32, and below that receives the whole number."""
    counts = np.array([0, 100, 2147, 2148, 3000, 5000, 10_000, 20_000])
    cosine = optax.cosine_decay_schedule(1.0, 10**10)
    parity = lambda count: jax.numpy.asarray(count % 2, np.float32)  # noqa: E731
    # Not each of Optax's closures passes under strict promotion.
    with jax.enable_x64(x64), jax.numpy_dtype_promotion("standard"):
        clocks = [wo.nodes.InSteps(f, (), (1,), (10**6,)) for f in (cosine, parity)]
        # As data the rate of a clock is a real number, and so is the count that the function receives.
        rates, parities = (
            [np.asarray(x) for x in three_ways(s, counts)][:n] for s, n in zip(clocks, (3, 2), strict=True)
        )
    for values in rates:
        wanted = 0.5 + 0.5 * np.cos(np.pi * np.minimum(counts / 1e4, 1))
        np.testing.assert_allclose(values, wanted, atol=2e-6)
    for values in parities:
        assert values[:3].tolist() == [1.0, 1.0, 1.0]


def test_a_function_that_takes_no_real_numbers():
    """It receives the last int32 for every count past that. As data the rate of its clock would be real."""
    table = np.linspace(1.0, 2.0, 8, dtype=np.float32)

    def rate(count):
        return jax.numpy.asarray(table)[jax.numpy.minimum(count // 10**9, 7)]

    schedule = wo.nodes.InSteps(rate, (), (0,), (10**6,))
    with jax.enable_x64(False):
        counts = np.array([0, 1000, 2000, 9000])
        every = [schedule(counts), jax.jit(lambda c: schedule(c))(counts)]
    for values in every:
        assert values.tolist() == table[[0, 1, 2, 2]].tolist()


class Within(wo.Schedule):
    """A node that gives its steps to a schedule of the library."""

    steps: int = wo.steps()

    def evaluate(self, time):
        return wo.linear(0.0, 1.0, self.steps).evaluate(time)


def test_steps_past_int32_go_to_a_schedule_in_evaluate():
    with jax.enable_x64(False):
        every = three_ways(Within(9 * 2**29), np.array([9 * 2**27]))
    for values in every:
        assert values.tolist() == [0.25]


# ------------------------------------------------------------------ the last counts of the plain clock
LAST = np.unique(  # every seventh of the last 1,000 counts, and those around the boundaries below
    [2**31 - n for n in range(1, 1001) if n % 7 == 1 or n % 100 in (0, 1, 99) or 900 - n in range(0, 900, 91)]
).astype(np.int32)
NEAR = 2**31
INNER = [
    e.cosine_wave(1.0, 0.1, 97),
    e.triangle_wave(1.0, 0.1, 41, 55),
    e.triangle_wave(1.0, 0.1, 1_500_000_000, 1_400_000_000),
    e.restart(e.linear(1.0, 0.0, 83), period=83),
    e.restart(e.linear(1.0, 0.0, 3), period=3, growth=2, decay=0.9),
    e.restart(e.cosine(1.0, 0.0, 715_827_883), period=715_827_883, growth=2),
    e.inverse_time(1.0, decay_rate=1e-6, transition_steps=47, staircase=True),
    e.piecewise_constant([1.0, 2.0, 3.0, 4.0], [NEAR - 700, NEAR - 300, NEAR + 200]),
    e.piecewise_constant([float(i % 7) for i in range(21)], [NEAR - 900 + 91 * i for i in range(20)]),
    e.piecewise_linear([1.0, 2.0, 1.0], [NEAR - 800, NEAR - 500, NEAR + 100]),
    e.join(
        [1.0, e.linear(2.0, 1.0, 900), e.linear(1.0, 0.0, 600), 0.5], [NEAR - 950, NEAR - 600, NEAR + 300]
    ),
    e.exponential(1.0, decay_rate=0.999999, transition_steps=55, staircase=True, end_value=0.1),
]
OUTER = {
    "plain": lambda s, d: s,
    "shift": lambda s, d: e.shift(s, d),
    "head start": lambda s, d: e.shift(s, -d),
    "two head starts": lambda s, d: e.shift(e.shift(s, -d), -123_456_789),
    "offsets": lambda s, d: e.join([0.5, s], [10], offsets=[0, d]),
    "offsets ahead": lambda s, d: e.join([s, s], [2**31 - 500], offsets=[-d, -d]),
    "warmup": lambda s, d: e.with_warmup(s, steps=d),
    "cooldown": lambda s, d: e.with_cooldown(s, begin=2**31 - 400, steps=d),
    "in cycles": lambda s, d: e.restart(e.shift(s, -d), period=2**31 - 300),
    "faster": lambda s, d: e.stretch(s, Fraction(1, 3)),
    "slower": lambda s, d: e.stretch(e.shift(s, -NEAR), 2),
}


# By default every clock in 32 bits, by one way in turn, and one in 64.
TURNS = [(outer, ("jit", "data", "eager")[i % 3], False) for i, outer in enumerate(OUTER)]


@pytest.mark.parametrize(
    ("outer", "way", "x64"),
    every_way(OUTER, WAYS, [False, True], default=[*TURNS, ("offsets", "data", True)]),
)
def test_the_last_counts_of_int32(outer, way, x64):
    """Law 2: the last 1,000 counts, under shifts, offsets and head starts."""
    expressions = [OUTER[outer](inner, 997) for inner in INNER[:: WAYS[way]]]
    if way == "data" and not x64:  # there a number past int32 is a float32, to which these counts are one
        expressions = [x for x in expressions if all(abs(n) < 2**31 for n in whole_numbers(x))]
    with jax.enable_x64(x64):
        values = values_of([x.on(wo) for x in expressions], [LAST] * len(expressions), way)
    for expression, value in zip(expressions, values, strict=True):
        # The table of a traced growth is of reals.
        width = 0.0 if way != "data" or "growth" not in str(expression) else 2.0**-20
        report(wrong([expression], [LAST], [value], width))


def whole_numbers(expression):
    found = []
    map_numbers(found.append, expression)
    return [n for n in found if isinstance(n, int)]


def test_every_constructor_is_here():
    """The shapes and combinators of the random expressions are all of the library's clocks and curves."""
    names = {name for x in itertools.chain(every(0), INNER) for name in names_in(x)}
    assert {e_.name for e_ in (make(random.Random(0)) for make in SHAPES.values())} <= names
    assert {"join", "with_warmup", "with_cooldown", "shift", "restart", "staircase", "stretch"} <= names


def names_in(tree):
    if isinstance(tree, Expression):
        yield tree.name
        for part in (*tree.args, *tree.kwargs.values()):
            yield from names_in(part)
    elif isinstance(tree, (list, tuple)):
        for part in tree:
            yield from names_in(part)
