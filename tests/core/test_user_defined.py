"""Law 11: a number of a user-defined node is the same number in `evaluate`, however the node is called.

Each node is written as a user writes it. Its curve is written a second time in float64. Every way of calling
and every clock around the node must give that curve.
"""

import contextlib
import dataclasses
import functools
import itertools
import typing
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.together import three_ways, together

import warmup_optax as wo
from warmup_optax._core.scalars import ExactSteps


# ------------------------------------------------------------------------------------------------ nodes
class Parabola(wo.Schedule):
    """A number of steps whose square is past int32."""

    peak: float
    steps: int = wo.steps()

    def evaluate(self, time):
        return self.peak * (1.0 - time.ratio(1.0) ** 2 / self.steps**2)


class Powers(wo.Schedule):
    """A number of steps in every kind of arithmetic, on both sides."""

    n: int = wo.steps(default=70_000)

    def evaluate(self, time):
        return (
            2.0 * self.n**2 / self.n
            - self.n
            + jnp.minimum(self.n, 7.0)
            + jnp.sqrt(self.n)
            + (-self.n + self.n)
        )


class Relative(wo.Schedule):
    """The numbers of a child."""

    other: wo.Schedule
    fraction: float

    def evaluate(self, time):
        later = time.reached(self.other.warmup_steps)
        scaled = self.fraction * self.other.peak_value * self.other.warmup_steps**2 / self.other.total_steps
        return jnp.where(later, self.other.evaluate(time), scaled)


class Grandchild(wo.Schedule):
    """The numbers of a child of a child."""

    other: wo.Schedule

    def evaluate(self, time):
        decay = self.other.schedule
        return self.other.evaluate(time) + decay.evaluate(time) * decay.steps**2 / 70_000.0**2


class Table(wo.Schedule):
    """Two tuples; every count is exact."""

    counts: tuple[int, ...] = wo.steps()
    values: tuple[float, ...] = ()

    def evaluate(self, time):
        value = self.values[0]
        for count, later in zip(self.counts, self.values[1:], strict=True):
            value = jnp.where(time.reached(count), later, value)
        return value


class Noisy(wo.Schedule):
    """A seed, and a child that may be a number or a function of a count."""

    base: wo.Schedule
    seed: int = wo.static(default=0)

    def evaluate(self, time):
        key = jax.random.fold_in(jax.random.key(self.seed), jnp.asarray(time.count(), jnp.int32))
        return self.base.evaluate(time) * jax.random.uniform(key, minval=0.9, maxval=1.1, dtype=jnp.float32)


class Trapezoid(wo.Schedule):
    """An expression of the library inside `evaluate`, with the node's own numbers and a child in it."""

    peak: float
    steps: int = wo.steps()
    after: wo.Schedule = 0.25

    def evaluate(self, time):
        flat = wo.join([self.peak, self.after], [self.steps])
        return wo.with_warmup(flat * 2.0, steps=10).evaluate(time)


class Series(wo.Schedule):
    """A size that Python needs, and a number that may be missing."""

    decay: float
    terms: int = wo.static(default=3)
    floor: float | None = None

    def evaluate(self, time):
        x = time.ratio(100.0)
        value = sum((self.decay * x) ** k / (k + 1.0) for k in range(self.terms))
        return value if self.floor is None else jnp.maximum(value, self.floor)


class Shaped(wo.FiniteSchedule):
    """A finite shape whose weights read its length."""

    def weights(self, p, q):
        power = 1.0 + 3.0 / self.steps**2
        return q**power, 1.0 - q**power


class Decaying(wo.Schedule):
    """A constructor whose arguments are not the fields, and which assigns as in any class."""

    value: float
    rate: float

    def __init__(self, value, *, half_life=10):
        self.value, self.rate = value, 1 / half_life

    def evaluate(self, time):
        return self.value * 2.0 ** -(time.ratio(1.0) * self.rate)


class Mixture(wo.Schedule):
    """A dict of schedules that may be numbers and functions of a count."""

    parts: dict[str, wo.Schedule]
    shares: "list[float]"

    def evaluate(self, time):
        return sum(part.evaluate(time) * x for part, x in zip(self.parts.values(), self.shares, strict=True))


class Alternating(wo.Schedule):
    """The methods of `Time`: cycles, and the events in them."""

    low: float
    high: float
    period: int = wo.steps()

    def evaluate(self, time):
        number, rest = time.cycle(self.period)
        elapsed, remaining = rest.progress(self.period)
        up, down = self.low * remaining + self.high * elapsed, self.high * remaining + self.low * elapsed
        return jnp.where(number % 2 == 1, down, up)


class Louder(Parabola):
    """A node of a node."""

    gain: float = 2.0

    def evaluate(self, time):
        return self.gain * super().evaluate(time)


class Ends(typing.NamedTuple):
    low: float
    high: float


class Between(wo.Schedule):
    """A named tuple."""

    ends: Ends
    at: int = wo.steps(default=100)

    def evaluate(self, time):
        return jnp.where(time.reached(self.at), self.ends.high, self.ends.low)


class Expression(wo.Schedule):
    """A node that defines `lower` instead, by an expression that reads a child."""

    other: wo.Schedule
    fraction: float

    def lower(self):
        return (self.other * self.fraction + self.other.peak_value).lower()


# --------------------------------------------------------------------------- what their values should be
RECIPE = wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=70_100)


def recipe(t):
    x = np.clip((t - 100) / 70_000, 0, 1)
    return np.where(t < 100, 1e-3 * t / 100, 1e-3 * np.cos(np.pi / 2 * x) ** 2)


def noise(t):
    keys = jax.vmap(lambda n: jax.random.fold_in(jax.random.key(7), n))(jnp.asarray(np.floor(t), jnp.int32))
    uniform = functools.partial(jax.random.uniform, minval=0.9, maxval=1.1, dtype=jnp.float32)
    return np.asarray(jax.vmap(uniform)(keys), np.float64)


def alternating(t):
    x = (t % 50) / 50
    return np.where(t % 100 < 50, 0.1 + 0.4 * x, 0.5 - 0.4 * x)


def clipped(t, n):
    return np.clip(t / n, 0, 1)


@dataclasses.dataclass(frozen=True)
class Example:
    """A node, its curve in float64, and whether its value depends on the whole count alone."""

    make: typing.Callable
    curve: typing.Callable
    smooth: bool = True


EXAMPLES = {
    "square of steps": Example(lambda: Parabola(0.1, 100_000), lambda t: 0.1 * (1 - (t / 100_000) ** 2)),
    "arithmetic": Example(lambda: Powers(), lambda t: 70_000 + 7 + np.sqrt(70_000) + 0 * t),
    "numbers of a child": Example(
        lambda: Relative(RECIPE, 0.5),
        lambda t: np.where(t < 100, 0.5 * 1e-3 * 100**2 / 70_100, recipe(t)),
        smooth=False,
    ),
    "numbers of a grandchild": Example(
        lambda: Grandchild(wo.with_warmup(wo.linear(1.0, 0.0, 70_000), steps=5)),
        lambda t: np.where(t < 5, t / 5, 1 - clipped(t - 5, 70_000)) + 1 - clipped(t, 70_000),
    ),
    "tables": Example(
        lambda: Table((10, 100), [0.5, 0.25, 0.125]),
        lambda t: np.where(t < 10, 0.5, np.where(t < 100, 0.25, 0.125)),
        smooth=False,
    ),
    "a seed": Example(lambda: Noisy(0.5, seed=7), lambda t: 0.5 * noise(t), smooth=False),
    "an expression inside": Example(
        lambda: Trapezoid(1.0, 90),
        lambda t: np.where(t < 10, 2 * t / 10, np.where(t < 100, 2, 0.5)),
        smooth=False,
    ),
    "a size": Example(lambda: Series(0.5, 4), lambda t: sum((0.005 * t) ** k / (k + 1) for k in range(4))),
    "a bound": Example(lambda: Series(0.5, 1, 1.5), lambda t: 1.5 + 0 * t),
    "weights": Example(
        lambda: Shaped(0.5, 0.25, 2),
        lambda t: 0.25 + 0.25 * (1 - clipped(t, 2)) ** 1.75,
    ),
    "a constructor": Example(lambda: Decaying(0.1, half_life=80), lambda t: 0.1 * 2 ** -(t / 80)),
    "a dict": Example(
        lambda: Mixture({"a": 0.5, "b": wo.linear(1.0, 0.0, 100)}, [0.5, 1]),
        lambda t: 0.25 + 1 - clipped(t, 100),
    ),
    "cycles": Example(lambda: Alternating(0.1, 0.5, 50), alternating),
    "a node of a node": Example(lambda: Louder(0.1, 100_000), lambda t: 0.2 * (1 - (t / 100_000) ** 2)),
    "a named tuple": Example(
        lambda: Between(Ends(0.5, 0.25)), lambda t: np.where(t < 100, 0.5, 0.25), smooth=False
    ),
    "lower": Example(lambda: Expression(RECIPE, 0.5), lambda t: 0.5 * recipe(t) + 1e-3),
}
# The length to which `sample` pads a vector, so that the array, the sample and the plot are one program.
COUNTS = np.array([*range(255), 1000])


@pytest.fixture(params=EXAMPLES)
def example(request):
    return EXAMPLES[request.param]


def assert_close(values, expected, of_largest=2.0**-18):
    """Of the largest value: these curves are written in some ten operations, and some are differences."""
    assert np.shape(values) == np.shape(expected)
    size = np.abs(expected).max()
    np.testing.assert_allclose(np.asarray(values, np.float64), expected, rtol=0, atol=of_largest * size)


# ------------------------------------------------------------------------------------------- every way
def _drawn(schedule):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    (line,) = wo.plot(schedule, 255).lines[:1]
    pyplot.close("all")
    assert line.get_xdata().tolist() == list(range(256))
    return [*line.get_ydata()[:255], float(schedule(1000))]


EAGERLY = {
    "array": lambda s: s(COUNTS),
    "scalars": lambda s: [s(int(c)) for c in COUNTS],
    "real counts": lambda s: s(COUNTS.astype(np.float32)),
    "sample": lambda s: wo.sample(s, COUNTS),
    "plot": _drawn,
    "on the device": lambda s: jax.device_put(s)(COUNTS),
    "rebuilt": lambda s: jax.tree.unflatten(*jax.tree.flatten(s)[::-1])(COUNTS),
}
# Functions of a schedule that is an argument of `jit`, of one that is closed over, and of traced counts.
# They share one program, because compiling takes most of the time of a test.
TRACED = {
    "closed over by jit": lambda _, closed, c: closed(c),
    "argument of jit": lambda s, _, c: s(c),
    "traced, eager count": lambda s, *_: s(COUNTS),
    "scan": lambda s, _, c: jax.lax.scan(lambda s, c: (s, s(c)), s, c)[1],
    "stack": lambda s, *_: jax.vmap(lambda s: s(COUNTS))(wo.stack([s, s])),
}


def every_way(make):
    """The values of the schedule that `make` makes, by the name of the way of calling it."""
    for name, call in EAGERLY.items():
        with _named(name):
            yield name, call(make())
    closed = make()

    def traced(schedule, counts):
        values = {}
        for name, call in TRACED.items():
            with _named(name):
                values[name] = call(schedule, closed, counts)
        return values

    values = jax.jit(traced)(make(), COUNTS)
    first, second = values.pop("stack")
    np.testing.assert_array_equal(first, second)
    yield from (values | {"stack": first}).items()


@contextlib.contextmanager
def _named(way):
    try:
        yield
    except Exception as error:
        raise AssertionError(way) from error


# In 64 bits by default those whose numbers arrive in another form than a real scalar.
IN_64_BITS = {"square of steps", "numbers of a child", "tables", "a seed", "lower"}


@pytest.mark.parametrize(
    ("example", "x64"),
    [
        pytest.param(name, x64, marks=() if not x64 or name in IN_64_BITS else pytest.mark.exhaustive)
        for name, x64 in itertools.product(EXAMPLES, [False, True])
    ],
    indirect=["example"],
)
def test_every_way_of_calling(example, x64):
    """One curve, whichever way the numbers come in."""
    with jax.enable_x64(x64), jax.numpy_dtype_promotion("standard"):
        expected = example.curve(COUNTS.astype(np.float64))
        for name, values in every_way(example.make):
            with _named(name):
                assert_close(values, expected)


CLOCKS = {
    "with_warmup": (lambda s: wo.with_warmup(s, steps=0), lambda c: c),
    "shift": (lambda s: wo.shift(s, -37), lambda c: c + 37),
    "join": (lambda s: wo.join([0.0, s, 0.0], [0, 2000]), lambda c: c),
    "restart": (lambda s: wo.restart(s, period=64), lambda c: c % 64),
    "staircase": (lambda s: wo.staircase(s, 3), lambda c: c // 3),
    "many counts an update": (lambda s: wo.stretch(s, Fraction(1, 3)), lambda c: 3 * c),
    "tokens": (lambda s: wo.nodes.InSteps(s, (), [0], [2**21]), lambda c: 2.0**21 * c),
    "many updates a count": (lambda s: wo.stretch(s, 4), lambda c: c / 4),
    "cycles between counts": (
        lambda s: wo.restart(s, period=64, growth=1.5),
        lambda c: np.where(c < 64, c, np.where(c < 160, (c - 64) / 1.5, (c - 160) / 2.25)),
    ),
}


# By default a third of the clocks for an example's numbers as constants and the next third for them as data: each
# example is in six of the nine, and each clock has ten examples.
@pytest.mark.parametrize("third", [0, *(pytest.param(i, marks=pytest.mark.exhaustive) for i in (1, 2))])
@pytest.mark.parametrize("data", [False, True], ids=["constant", "data"])
def test_every_clock(example, data, third):
    """Inside of the library's combinators the time may be wide, or between two counts."""
    counts = np.array([0, 1, 5, 20, 63, 64, 66, 100, 159, 160, 202, 300])
    first = (list(EXAMPLES.values()).index(example) + data + third) % 3
    clocks = dict(list(CLOCKS.items())[first::3])
    schedules = {name: wrap(example.make()) for name, (wrap, _) in clocks.items()}
    with jax.numpy_dtype_promotion("standard"):

        def every(schedules):
            return {name: schedule(counts) for name, schedule in schedules.items()}

        values = jax.jit(every)(schedules) if data else jax.jit(lambda: every(schedules))()
    for name, (_, local) in clocks.items():
        times = local(counts).astype(np.float64)
        # A seed folds in int32. A boundary is met within a rounding of a time between counts.
        rough = not example.smooth and name in ("tokens", "cycles between counts")
        kept = times < (2**31 if name == "tokens" else 64) if rough else times >= 0
        # A time of more than 24 bits is rounded once; the curves are at most cubic in it.
        assert_close(values[name][kept], example.curve(times[kept]), 2.0**-17)


gradient = jax.grad(lambda s: s(20), allow_int=True)


@functools.cache
def compiled_gradients():
    """The gradients of all examples, in one program."""
    found = together(gradient, [lambda example=example: (example.make(),) for example in EXAMPLES.values()])
    return dict(zip(EXAMPLES, found, strict=True))


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradients(name):
    """By every real number and by none of the steps: finite, and the same eagerly and compiled."""
    with jax.numpy_dtype_promotion("standard"):
        eager, compiled = gradient(EXAMPLES[name].make()), compiled_gradients()[name]
        for a, b in zip(*map(jax.tree.leaves, (eager, compiled)), strict=True):
            assert a.dtype == b.dtype
            if a.dtype != jax.dtypes.float0:
                assert np.isfinite(a)
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("length", [2**24 + 1, 2**31 - 1, 3 * 10**9 + 1])
def test_steps_are_exact_where_time_takes_them(length):
    """A boundary of any length is met at its count; a child's too."""

    class Due(wo.Schedule):
        at: int = wo.steps()

        def evaluate(self, time):
            return jnp.where(time.reached(self.at), 1.0, 0.0)

    class Follows(wo.Schedule):
        other: wo.Schedule

        def evaluate(self, time):
            return jnp.where(time.after(self.other.at).started(), 1.0, 0.0)

    per_update = 5
    before, rest = divmod(length, per_update)
    for schedule, extra in ((Due(length), 0), (Follows(Due(length)), 1)):
        clock = wo.nodes.InSteps(schedule, (), [per_update - rest - extra], [per_update])
        counts = [before - 1, before, before + 1]
        expected = [float(n * per_update + per_update - rest - extra >= length + extra) for n in counts]
        assert clock(counts).tolist() == expected
        # An argument of `jit` past int32 is a float32: law 4.
        if length < 2**31:
            assert jax.jit(lambda s, c: s(c))(clock, jnp.array(counts)).tolist() == expected


def test_a_child_of_thousands_of_numbers_costs_no_more():
    """Numbers that nobody reads are two tables: the program does not grow with them."""
    lines = []
    for phases in (40, 400):
        long = wo.join([wo.linear(1.0 + i, 0.0, 10) for i in range(phases)], range(10, 10 * phases, 10))
        leaves = len(jax.tree.leaves(Doubled(long).lower()))
        lines.append((leaves, len(str(jax.make_jaxpr(Doubled(long))(3)).splitlines())))
    assert lines[0][0] == lines[1][0]
    assert lines[1][1] <= lines[0][1] + 20  # a level of the search for the phase


class Doubled(wo.Schedule):
    other: wo.Schedule

    def evaluate(self, time):
        return self.other.evaluate(time) * 2.0


# ---------------------------------------------------------------------------- what a child can be and do
class Same(wo.Schedule):
    other: wo.Schedule

    def evaluate(self, time):
        return self.other.evaluate(time)


@pytest.mark.parametrize("child", [0.5, optax.constant_schedule(0.5), wo.constant(0.5), lambda count: 0.5])
def test_a_child_is_what_join_accepts(child):
    assert float(Same(child)(5)) == 0.5
    assert isinstance(Same(child).other, wo.Schedule)


@pytest.mark.parametrize("child", ["cosine", None, [0.5], float("nan"), jax.random.key(0), wo.Schedule])
def test_a_child_that_is_none_raises_an_error(child):
    with pytest.raises((TypeError, ValueError), match=r"^Same: other\S* must be "):
        Same(child)


def test_a_child_may_be_called():
    """With a count, as outside of `evaluate`."""

    class Called(Same):
        def evaluate(self, time):
            return self.other(time.count())

    assert Called(wo.linear(1.0, 0.0, 10))([0, 5, 10]).tolist() == [1.0, 0.5, 0.0]


def test_a_child_is_of_its_class_in_evaluate():
    """Its methods and properties are there."""

    class Base(wo.Schedule):
        value: float

        @property
        def half(self):
            return self.value / 2

        def evaluate(self, time):
            return self.value

    class Reads(Same):
        def evaluate(self, time):
            assert isinstance(self.other, Base)
            return self.other.half

    for call in (lambda s: s(3), lambda s: jax.jit(s)(3), lambda s: jax.jit(lambda s: s(3))(s)):
        assert float(call(Reads(Base(0.5)))) == 0.25
        with pytest.raises(AttributeError, match="no attribute 'halff'"):
            Base(0.5).halff  # noqa: B018


class BetweenTimes(wo.Schedule):
    """Times between two counts, in each place of `distances`."""

    half: float

    def evaluate(self, time):
        since, until = time.distances(self.half, 10)
        since_whole, until_half = time.distances(2, self.half + 10)
        return since + 16 * until + 256 * since_whole + 4096 * until_half


def test_distances_from_times_between_two_counts():
    t = np.arange(4)
    wanted = (t - 0.5) + 16 * (10 - t) + 256.0 * (t - 2) + 4096 * (10.5 - t)
    for values in three_ways(BetweenTimes(0.5), t):
        assert values.tolist() == wanted.tolist()


class Shown(wo.Schedule):
    """A field whose name is a word of the inside."""

    shown: float
    received: float
    as_received: float

    def evaluate(self, time):
        return self.shown + self.received + self.as_received


class Passed(wo.Schedule):
    inner: wo.Schedule

    def evaluate(self, time):
        return self.inner.evaluate(time)


class Reader(wo.Schedule):
    outer: Passed

    def evaluate(self, time):
        return self.outer.inner.shown + self.outer.evaluate(time)


def test_the_name_of_a_field_is_free():
    for values in three_ways(Reader(Passed(Shown(0.5, 0.25, 0.125))), np.arange(3)):
        np.testing.assert_array_equal(values, 0.5 + 0.875)


class AfterOffset(wo.Schedule):
    child: wo.Schedule

    def evaluate(self, time):
        return jnp.where(time.reached(self.child.offsets[1]), 1.0, 0.5)


def test_the_offsets_of_a_child_are_whole_numbers():
    """As its boundaries are: exact in the methods of time."""
    offset = 2**24 + 1
    schedule = AfterOffset(wo.join([0.0, 1.0], [5], offsets=[0, offset]))
    for values in three_ways(schedule, np.array([offset - 1, offset])):
        assert values.tolist() == [0.5, 1.0]


def test_a_switched_number_arrives_as_a_real_scalar():
    """Whatever Python type it was written with."""
    seen = []

    class Looks(wo.Schedule):
        value: float
        several: tuple
        steps: int = wo.steps(default=3)

        def evaluate(self, time):
            seen.extend([self.value, *self.several, jnp.asarray(self.steps)])
            return self.value

    schedule = Looks(3, (1, np.float64(2.5)))
    for call in (lambda s: s(3), lambda s: jax.jit(s)(3), lambda s: jax.jit(lambda s: s(3))(s)):
        call(schedule)
    default = jax.dtypes.canonicalize_dtype(float)
    assert {(x.dtype, x.shape, getattr(x, "weak_type", False)) for x in seen} == {(default, (), False)}
    assert len(seen) == 12


# ---------------------------------------------------------------------------- what raises an error, and when
class Flat(wo.Schedule):
    value: float

    def evaluate(self, time):
        return self.value


class Several(wo.Schedule):
    values: tuple[float, ...]
    end: float | None = None

    def evaluate(self, time):
        return self.values[0]


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: Flat(float("nan")), "finite number, got nan"),
        (lambda: Flat(-float("inf")), "finite number, got -inf"),
        (lambda: Flat(1e39), "float32 holds numbers up to 3.4e38"),
        (lambda: Flat(None), r"to allow None write value: float \| None = None"),
        (lambda: Flat("fast"), r"value: str = wo.static\(\)"),
        (lambda: Flat(True), r"value: bool = wo.static\(\)"),
        (lambda: Flat(np.bool_(True)), r"wo.static\(\)"),
        (lambda: Flat(jnp.sin), r"value: Callable = wo.static\(\)"),
        (lambda: Flat(object()), r"value: object = wo.static\(\)"),
        (lambda: Flat(wo.constant(0.1)), "value: wo.Schedule"),
        (lambda: Flat([0.1, 0.2]), r"value: tuple\[float, ...\]"),
        (lambda: Flat(np.arange(3.0)), r"write a tuple, as values.tolist\(\) gives it"),
        (lambda: Flat(jnp.arange(3.0)), "write a tuple"),
        (lambda: Flat(jax.random.key(0)), r"seed: int = wo.static\(\) and jax.random.key\(self.seed\)"),
        (lambda: Flat(jax.random.PRNGKey(0)), r"seed: int = wo.static\(\) and jax.random.key\(self.seed\)"),
        (lambda: jax.jit(lambda x: Flat(x)(0))(jnp.arange(3.0)), "write a tuple"),
        (lambda: Several((0.1, float("inf"))), r"values\[1\] must be a finite number, got inf"),
        (lambda: Several((0.1, None)), r"values\[1\] must be"),
        (lambda: Several(((0.1, "a"),)), r"values\[0\]\[1\] must be .*values: str = wo.static\(\)"),
        (lambda: Several((0.1,), float("nan")), "end must be a finite number"),
        (lambda: Parabola(1.0, 2.5), "steps must be a whole number of steps, got 2.5"),
        (lambda: Parabola(1.0, None), "steps must be a whole number of steps, got None"),
        (lambda: Parabola(1.0, "9"), "steps must be a whole number"),
        (lambda: Table((10, 2.5), (0.1, 0.2, 0.3)), r"counts\[1\] must be a whole number of steps"),
        (lambda: Noisy(0.1, seed=jax.random.key(0)), r"jax.random.key\(self.seed\)"),
        (lambda: Noisy(0.1, seed=[1]), "seed must be hashable"),
        (lambda: Noisy(0.1, seed=float("nan")), "seed must be finite"),
    ],
)
def test_what_cannot_be_a_field(make, fix):
    """Raises at construction, and says what to write instead."""
    with pytest.raises((wo.ArgumentError, wo.ArgumentTypeError), match=fix) as error:
        make()
    assert len(str(error.value)) < 400


def test_none_where_it_may_be():
    """An optional field is a part of the structure."""
    assert Several((0.1,)).end is None
    assert jax.tree.structure(Several((0.1,))) != jax.tree.structure(Several((0.1,), 0.2))
    assert repr(Several((0.1,), None)) == "Several(values=(0.1,))"


def a_class(annotation, **names):
    names = {"evaluate": lambda self, time: 1.0, **names}
    return type(
        "Made", (wo.Schedule,), {"__module__": __name__, "__annotations__": {"n": annotation}, **names}
    )


Length = int


@pytest.mark.parametrize(
    "annotation",
    [int, "int", "Length", tuple[int, ...], "tuple[tuple[int, float], ...]", "int | None", "list['int']"],
)
def test_an_unmarked_int_raises_when_the_class_is_made(annotation):
    with pytest.raises(
        TypeError, match=r"Made: n is .* = wo.steps\(\) for .* = wo.static\(\) for .* or float"
    ):
        a_class(annotation)


def test_the_default_of_an_unmarked_int_is_in_the_message():
    with pytest.raises(TypeError, match=r"wo.steps\(default=3\)"):
        a_class(int, n=3)


@pytest.mark.parametrize("annotation", [str, bool, "str", "str | None", typing.Literal["a", "b"]])
def test_an_unmarked_choice_raises_when_the_class_is_made(annotation):
    with pytest.raises(
        TypeError, match=r"Made: n is a .* which is a choice and not a number; .* wo.static\(\)"
    ):
        a_class(annotation)


@pytest.mark.parametrize(
    "annotation", ["typing.Callable[[int], int]", optax.Schedule, "optax.Schedule | None"]
)
def test_a_function_may_be_a_schedule_or_a_choice(annotation):
    with pytest.raises(
        TypeError, match=r"write n: wo.Schedule for .* n: Callable = wo.static\(\) for any other"
    ):
        a_class(annotation)


@pytest.mark.parametrize("mark", [wo.steps, wo.nodes.static])
def test_a_mark_without_parentheses_raises_when_the_class_is_made(mark):
    with pytest.raises(
        TypeError, match=rf"n needs the parentheses .* write n: int = wo\.{mark.__name__}\(\)"
    ):
        a_class(int, n=mark)


def test_a_class_attribute_is_no_field():
    made = type("Made", (wo.Schedule,), {"peak": 0.1, "evaluate": lambda self, time: self.peak})
    assert np.float32(made()(0)) == np.float32(0.1)
    with pytest.raises(
        wo.ArgumentTypeError, match=r"Made has no arguments, got 0.2; .* annotate it: peak: float"
    ):
        made(peak=0.2)


@pytest.mark.parametrize(
    "annotation",
    [float, "float", dict[str, float], "dict[str, 'wo.Schedule']", typing.Any, "Unknown", "jax.Array", Ends],
)
def test_other_annotations_are_taken(annotation):
    """The keys of a dict are strings; a name that only a type checker resolves is any number or schedule."""
    assert a_class(annotation)({"a": 1.0} if "ict" in str(annotation) else 1.0)(0) == 1.0


def test_a_second_dataclass_raises():
    """It would drop the marks of the fields."""
    with pytest.raises(TypeError, match="Flat is a dataclass already, as every node is; remove @dataclass"):
        dataclasses.dataclass(frozen=True)(Flat)


def test_a_constructor_that_forgets_a_field():
    class Forgets(wo.Schedule):
        value: float
        extra: float = 2.0

        def __init__(self, value=None):
            if value is not None:
                self.value = value

        def evaluate(self, time):
            return self.value * self.extra

    assert float(Forgets(1.5)(0)) == 3.0
    with pytest.raises(TypeError, match=r"Forgets\.__init__ must assign value"):
        Forgets()


def test_a_constructor_assigns_fields_alone():
    """Another attribute would be missing in `evaluate`, where a node is rebuilt from its fields."""

    class Adds(Flat):
        def __init__(self, value):
            self.valu = value

    with pytest.raises(AttributeError, match=r"Adds\.__init__ assigns valu, .* \['value'\]; .* valu: float"):
        Adds(1.0)

    class Through(Flat):
        """A property is allowed."""

        def __init__(self, value):
            self.double = 2 * value

        @property
        def double(self):
            return 2 * self.value

        @double.setter
        def double(self, double):
            self.value = double / 2

    assert Through(1.0)(0) == 1.0


@pytest.mark.parametrize(
    "formula",
    [
        lambda time: time > 3,
        lambda time: time == 0,
        lambda time: time != 0,
        lambda time: 1 + time,
        lambda time: time / 10,
        lambda time: time % 10,
        lambda time: -time,
        lambda time: 1.0 if time else 0.0,
        lambda time: time**2,
    ],
)
def test_a_time_is_no_number(formula):
    """`time == 0` would be False at every count, and `if time` true."""
    made = a_class(float, evaluate=lambda self, time: formula(time))(1.0)
    for call in (lambda s: s(3), lambda s: s(2.5), lambda s: jax.jit(s)(3)):
        with pytest.raises(TypeError, match=r"a Time has no operators; .* time\.reached\(n\)"):
            call(made)


def test_a_time_is_no_value():
    made = a_class(float, evaluate=lambda self, time: time.shift(1))(1.0)
    with pytest.raises(TypeError, match=r"got a Time; return time\.elapsed\(\)"):
        made(3)


def test_a_child_is_not_called_with_a_time():
    made = a_class(wo.Schedule, evaluate=lambda self, time: self.n(time))(wo.linear(1.0, 0.0, 5))
    with pytest.raises(TypeError, match=r"got a Time; call child\.evaluate\(time\)"):
        made(3)


CHILDREN = [
    wo.constant(1.0),
    wo.linear(1.0, 0.0, 5),
    2 * wo.as_schedule(abs),
    a_class(float, evaluate=lambda self, time: time.ratio(self.n))(2.0),
]


@pytest.mark.parametrize("child", CHILDREN, ids=str)
@pytest.mark.parametrize("given", [3, 3.0, None, "time.elapsed()"])
def test_a_child_is_evaluated_at_a_time(child, given):
    made = a_class(
        wo.Schedule,
        evaluate=lambda self, time: self.n.evaluate(time.elapsed() if isinstance(given, str) else given),
    )(child)
    for schedule in (made, 2 * made, jax.jit(made)):
        with pytest.raises(TypeError, match=r"must receive a Time, got .*; write child\.evaluate\(time\)"):
            schedule(3)


@pytest.mark.parametrize(
    "phases", [["a", "b"], [0, 5], [("a", 0)], {0: "a"}, [(0, 3)], ["ab"], [(0, "a", "b")], [(None, "a")]]
)
def test_a_phase_is_a_count_and_a_name(phases):
    made = a_class(float, phases=lambda self: phases)(1.0)
    with pytest.raises(TypeError, match=r"Made\.phases\(\) must give pairs of a count and a name, got \["):
        wo.describe(made)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (lambda self: jnp.stack([self.value, 1.0]), ValueError, r"one scalar, got shape \(2,\)"),
        (lambda self: None, TypeError, "one scalar, got None"),
        (
            lambda self: wo.constant(1.0),
            TypeError,
            r"one scalar, got constant.*return schedule.evaluate\(time\)",
        ),
        (lambda self: "0.1", TypeError, "one scalar"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: wo.with_warmup(s, steps=3)])
def test_evaluate_returns_one_scalar(value, error, message, wrap):
    class Wrong(wo.Schedule):
        value: float

        def evaluate(self, time):
            return value(self)

    for call in (lambda s: s(5), lambda s: jax.jit(s)(5), lambda s: jax.jit(lambda s: s(5))(s)):
        with pytest.raises(error, match=f"Wrong.evaluate must return {message}"):
            call(wrap(Wrong(1.0)))


@pytest.mark.parametrize(
    "weights", [lambda p, q: q, lambda p, q: (p, q, q), lambda p, q: (p, jnp.stack([q, q]))]
)
def test_weights_are_two_scalars(weights):
    class Wrong(wo.FiniteSchedule):
        def weights(self, p, q):
            return weights(p, q)

    with pytest.raises(TypeError, match=r"Wrong\.weights must return two scalars"):
        wo.with_warmup(Wrong(1.0, 0.0, 4), steps=2)(3)


def test_of_evaluate_and_lower_the_newer_one_is_the_curve():
    """A subclass of a class of the library may define either, and call the other by `super`."""

    class Raised(wo.nodes.Cosine):
        def evaluate(self, time):
            return super().evaluate(time) + 1.0

    class Back(Raised):
        def lower(self):
            return wo.linear(self.init_value, self.end_value, self.steps).lower()

    counts = np.array([0, 5, 10, 20])
    cosine = np.asarray(wo.cosine(1.0, 0.0, 10)(counts))
    for call in (lambda s: s(counts), lambda s: jax.jit(lambda s: s(counts))(s)):
        np.testing.assert_allclose(call(Raised(1.0, 0.0, 10)), cosine + 1, rtol=1e-6)
        assert call(Back(1.0, 0.0, 10)).tolist() == [1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("make", [Flat, Same, lambda v: Same(Flat(v)), lambda v: Mixture({"a": v}, [v])])
def test_a_stack_that_is_called_is_no_vector(make):
    with pytest.raises(ValueError, match=r"a stack of numbers of shape .* map over it"):
        wo.stack([make(1.0), make(2.0)])(5)


def test_a_number_of_steps_is_no_python_int():
    class Loops(wo.Schedule):
        n: int = wo.steps(default=3)

        def evaluate(self, time):
            return sum(time.ratio(1.0) for _ in range(self.n))

    with pytest.raises(TypeError, match=r"may be traced; .*wo.static\(\)"):
        Loops()(0)


def test_phases_of_a_subclass_of_the_library():
    """The newer definition is what `describe` shows; pairs may come from a generator."""

    class Halves(wo.FiniteSchedule):
        def weights(self, p, q):
            return q, p

        def phases(self):
            yield 0, "first half"
            yield self.steps // 2, "second half"

    assert [line.split()[0] for line in wo.describe(Halves(1.0, 0.0, 10)).splitlines()] == ["from", "0", "5"]
    assert "5  10" not in wo.describe(Halves(1.0, 0.0, 10))

    class Backwards(Halves):
        def phases(self):
            return [(0, "a"), (7, "b"), (7, "c")]

    with pytest.raises(ValueError, match=r"Backwards\.phases\(\) must give pairs"):
        wo.describe(Backwards(1.0, 0.0, 10))


# ------------------------------------------------------------------ numbers past int32


class Scaled(wo.Schedule):
    """The number of a cycle of one step, in arithmetic."""

    def evaluate(self, time):
        return time.cycle(1)[0] * 100_000


def test_the_number_of_a_cycle_does_not_wrap_in_arithmetic():
    assert float(Scaled()(100_000)) == 1e10


class FarAhead(wo.Schedule):
    """A clock moved by more than a clock can hold."""

    steps: int = wo.static()

    def evaluate(self, time):
        return time.shift(self.steps).elapsed()


@pytest.mark.parametrize("steps", [-(2**61), -(2**100)])
def test_a_clock_moved_too_far_is_held_at_its_largest_time(steps):
    assert float(FarAhead(steps)(0)) == 2.0**61


# ------------------------------------------------------------------ a child with a computed field


class TimesFactor(wo.Schedule):
    schedule: wo.Schedule

    def evaluate(self, time):
        return self.schedule.evaluate(time) * self.schedule.factor  # pyright: ignore[reportAttributeAccessIssue]


def test_the_factor_of_a_stretch_can_be_read():
    assert float(TimesFactor(wo.stretch(wo.linear(0.0, 1.0, 10), 2))(5)) == 0.5


class Refuses(wo.Schedule):
    def __init__(self, **options):
        raise TypeError(f"no such option: {[*options]}")

    def evaluate(self, time):
        return time.elapsed()


def test_an_error_that_a_constructor_raises_is_the_users_own():
    with pytest.raises(TypeError, match=r"no such option: .'rate'."):
        Refuses(rate=1.0)


ARITHMETIC = [
    f"a {sign} b" for sign in ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=")
]


@pytest.mark.parametrize("code", [*ARITHMETIC, "divmod(a, b)"])
def test_a_field_of_steps_is_a_real_number_in_arithmetic(code):
    """With another one, and on either side of a number."""
    wanted = eval(code, {"a": 7.0, "b": 2.0})
    for a, b in [(ExactSteps(7), ExactSteps(2)), (ExactSteps(7), 2.0), (7.0, ExactSteps(2))]:
        np.testing.assert_allclose(eval(code, {"a": a, "b": b}), wanted, rtol=1e-6)  # float32
