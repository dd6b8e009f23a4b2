"""The laws of `docs/laws.md`, each for every schedule of the catalogue.

Each case is evaluated on one vector of counts, and the tests of laws 2 to 6 all read those values. By default
every case is evaluated as data, in a few programs for all (`support.together`), and one case of each constructor
by every way of calling; `-m exhaustive` runs the rest of the product. Distances are in ULP of float32, also
when the values are float64.
"""

import copy
import functools
import itertools
import pickle
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import reference
from support.catalogue import CASES, LONG, ONE_OF_EACH
from support.expressions import NEVER, Case, e, map_numbers, names_of_reprs, numbers, rounded, with_numbers
from support.together import FULL, together

import warmup_optax as wo

FLOAT = jax.dtypes.canonicalize_dtype(float)
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]
DTYPES += ["bfloat16", "float16", "float32", "float64"]
CRITICAL = 260  # as many counts as the case with the most critical ones has: one shape for all
WAYS = {
    "data": jax.jit(lambda schedule, counts: schedule(counts)),
    "jit": lambda schedule, counts: jax.jit(lambda c: schedule(c))(counts),
    "eager": lambda schedule, counts: schedule(counts),
    "host": lambda schedule, counts: wo.sample(schedule, counts),
}


def product_of(cases, ways, default):
    """Each case by each way; only `-m exhaustive` runs those that are not `default(case, way)`."""
    marked = [
        pytest.param(
            case, way, id=f"{case.name}-{way}", marks=() if default(case, way) else pytest.mark.exhaustive
        )
        for case in cases
        for way in ways
    ]
    return pytest.mark.parametrize(("case", "way"), marked)


def unless_one_of_each(cases):
    """Every case, those that are not the first of their constructor with `-m exhaustive` alone."""
    return [
        pytest.param(case, id=case.name, marks=() if case in ONE_OF_EACH else pytest.mark.exhaustive)
        for case in cases
    ]


def those_with(case):
    """The cases that are run together with this one."""
    return tuple(ONE_OF_EACH if case in ONE_OF_EACH else CASES)


every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
one_of_each = pytest.mark.parametrize("case", ONE_OF_EACH, ids=lambda case: case.name)
first_of_each = pytest.mark.parametrize("case", unless_one_of_each(CASES))
every_way = product_of(
    CASES,
    WAYS,
    # What differs between a sample on the host and an eager call: `view/test_sample.py`.
    lambda case, way: way == "data" or (case in ONE_OF_EACH and way != "host"),
)
long_cases = product_of(LONG, WAYS, lambda case, way: way in ("data", "jit"))
SOME = ["cosine-floor"]
MORE = ["exponential-staircase", "join-foreign", "piecewise_constant", "restart-1.5", "shift-back"]
some_cases = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case.name in SOME else pytest.mark.exhaustive)
        for case in CASES
        if case.name in SOME + MORE
    ],
)


def of_data(every):
    """The values of each expression at its counts, by the expression; its numbers are data."""
    calls = [lambda x=x, counts=counts: (x.on(wo), counts) for x, counts in every]
    return dict(zip((x for x, _ in every), together(WAYS["data"], calls), strict=True))


@functools.cache
def as_data():
    """The values of every case, and those of the variants of one of each, in the same programs."""
    return of_data([(case.expression, case.counts) for case in CASES] + variants(ONE_OF_EACH))


@functools.cache
def closed_over():
    """The same of one case of each constructor, its numbers constants of the program."""
    every = [
        (case, functools.partial(lambda case, counts: case.schedule(counts), case)) for case in ONE_OF_EACH
    ]
    calls = [lambda case=case: (case.counts,) for case, _ in every]
    values = together(
        lambda function, counts: function(counts), calls, options=FULL, keys=[f for _, f in every]
    )
    return dict(zip((case.name for case in ONE_OF_EACH), values, strict=True))


@functools.cache
def evaluate(case, way):
    """The values at `case.counts`."""
    if way == "data":
        values = as_data()[case.expression]
    elif way == "jit" and case in ONE_OF_EACH:
        values = closed_over()[case.name]
    else:
        values = WAYS[way](case.schedule, case.counts)
    return np.asarray(found(values), np.float64)


def found(result):
    """A result of `together`; what was raised instead is raised here, for the case that it belongs to."""
    if isinstance(result, Exception):
        raise result
    return result


@functools.cache
def expected(case):
    return case.reference(case.counts)


def as_float32(expression, counts):
    """The equation with its numbers as float32 holds them, which is what JAX passes to a program.

    A decay rate of 0.96 is another number in float32, and its powers soon differ by more than 8 ULP:
    a schedule passed in as data may be near either equation.
    """
    return rounded(expression).on(reference)(counts)


def ulps(values, exact):
    """The distance in ULP of float32; below its normal range a value may flush to zero."""
    tiny = np.finfo(np.float32).tiny
    size = np.abs(exact).astype(np.float32)
    ulp = np.where(size < tiny, tiny, np.spacing(np.maximum(size, tiny)))
    return np.abs(np.asarray(values, np.float64) - exact) / ulp


def assert_close(values, exact, allowed, counts, also=None):
    """Within a number of ULP of the equation, or of another one."""
    error = ulps(values, exact)
    if also is not None:
        error = np.minimum(error, ulps(values, also))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error - allowed))
    assert np.all(error <= allowed), (
        f"{np.sum(~(error <= allowed))} counts; the worst is {error.flat[worst]:.1f} ULP at count "
        f"{counts.flat[worst]}: {values.flat[worst]!r} for {exact.flat[worst]!r}"
    )


# ------------------------------------------------------------------------- law 1: one contract
def test_one_dtype_and_the_shape_of_the_count():
    """Law 1: the default float dtype, strong, in the shape of the count."""
    for case in CASES:
        value = found(as_data()[case.expression])
        assert (value.shape, value.dtype, value.weak_type) == (case.counts.shape, FLOAT, False), case.name


COUNTS = [jax.ShapeDtypeStruct((), dtype) for dtype in ("bool", "uint8", "bfloat16")]
COUNTS += [*(jax.ShapeDtypeStruct(shape, "int32") for shape in [(2, 3), (0,)]), 3.0]


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(i, marks=pytest.mark.exhaustive) for i in range(1, len(COUNTS)))]
)
def test_shape_and_dtype_do_not_depend_on_the_count(first):
    """Law 1: for one case of each constructor, the kinds of counts in turn, looked up without computing."""
    counts = [COUNTS[(first + i) % len(COUNTS)] for i in range(len(ONE_OF_EACH))]
    values = jax.eval_shape(
        lambda counts: [case.schedule(c) for case, c in zip(ONE_OF_EACH, counts, strict=True)], counts
    )
    for case, count, value in zip(ONE_OF_EACH, counts, values, strict=True):
        wanted = (np.shape(count), FLOAT, False)
        assert (value.shape, value.dtype, value.weak_type) == wanted, (case.name, count)


@some_cases
def test_every_kind_of_count_gives_the_same_value(case):
    """Law 1: NumPy, JAX and Python counts of every dtype; 0-d, vectors and matrices."""

    def assert_value(given, counts):
        value, exact = case.schedule(given), case.reference(counts)
        assert isinstance(value, jax.Array)
        assert (value.shape, value.dtype, value.weak_type) == (np.shape(given), FLOAT, False)
        got = np.asarray(value).reshape(counts.shape)
        assert_close(got, exact, case.tolerance(counts, exact), counts)

    for dtype in DTYPES:
        counts = np.array([0, 1, 28, 100, 127, 255])
        given = counts.astype(jnp.dtype(dtype))
        held = given.astype(np.int64) == counts  # those that the dtype can hold
        given, counts = given[held], counts[held]
        assert_value(given, counts)
        assert_value(jnp.asarray(given), counts)
        if dtype in ("uint8", "bfloat16"):
            assert_value(given.reshape(-1, 1), counts)
            for scalar in [given[1], given[1].reshape(()), jnp.asarray(given[1])]:
                assert_value(scalar, counts[1:2])
    for python in [100, 100.0, True]:
        assert_value(python, np.array([int(python)]))


@functools.cache
def at_unsigned_counts(cases):
    counts = np.array([0, 1, 2, 29, 41, 2**31, 2**32 - 1], np.uint32)
    calls = [lambda case=case: (case.schedule, counts) for case in cases]
    return counts, dict(zip(cases, together(WAYS["data"], calls), strict=True))


@first_of_each
def test_unsigned_counts_never_wrap(case):
    """Law 1: a local count below 0 stays below 0; 2**32 - 1 is not -1 but as far as counts go."""
    counts, values = at_unsigned_counts(those_with(case))
    held = counts if jax.config.jax_enable_x64 else np.minimum(counts, NEVER)
    exact, also = case.reference(held), as_float32(case.expression, held)
    assert_close(np.asarray(found(values[case])), exact, case.tolerance(counts, exact), counts, also)


# ---------------------------------------------------------------------------- law 2: one clock
@every_way
def test_constant_before_the_start_and_after_the_end(case, way):
    """Law 2: below 0 the value at 0; past the end the last value, up to 2**31 - 1; bit for bit."""
    counts, values = case.counts, evaluate(case, way)
    assert np.all(values[counts < 0] == values[counts == 0])
    last = max([0, *case.ends, *case.marks])
    if len(set(expected(case)[counts >= last])) == 1:  # a schedule that ends
        assert len(set(values[counts >= last])) == 1


# ---------------------------------------------------------------------- law 3: ends are exact
@every_way
def test_ends_are_the_numbers_given(case, way):
    """Law 3: `==` in float32, also under jit."""
    values = evaluate(case, way).astype(np.float32)
    got = {count: values[case.counts == count][0] for count in case.ends}
    assert got == {count: np.float32(number) for count, number in case.ends.items()}


# -------------------------------------------------------------------------- law 4: accurate
@every_way
def test_within_eight_ulp(case, way):
    """Law 4: against the float64 equation from the same Python numbers."""
    exact = expected(case)
    also = as_float32(case.expression, case.counts) if way == "data" else None
    allowed = case.tolerance(case.counts, exact)
    assert_close(evaluate(case, way), exact, allowed, case.counts, also)


@functools.cache
def between_two_counts(cases):
    """For each case, real counts that are no whole number, and the values there."""
    every = {}
    for case in cases:
        start = np.unique(case.counts[(case.counts >= 0) & (case.counts < 2**20)])
        there = np.append([-3.5, -0.75], np.add.outer(start, [0.25, 0.5]))  # law 2 has it that before 0 is 0
        every[case] = np.resize(there.astype(np.float32), 2 * len(case.counts))
    calls = [lambda case=case: (case.schedule, every[case]) for case in cases]
    return dict(zip(cases, zip(every.values(), together(WAYS["data"], calls), strict=True), strict=True))


@first_of_each
def test_between_two_counts(case):
    """Law 4 at real counts that are no whole number; a knot or a restart may lie between two counts too."""
    counts, values = between_two_counts(those_with(case))[case]
    there = counts.astype(np.float64)
    exact, also = case.reference(there), as_float32(case.expression, there)
    # One ULP more for the rounding of the count, and one of its product with a length.
    assert_close(np.asarray(found(values)), exact, case.tolerance(counts, exact) + 2, counts, also)


@functools.cache
def sawtooth(growth):
    """Restarts whose cycles end between two counts, and their values."""
    inner = e.join([e.linear(0.0, 0.1, 8), e.cosine(0.1, 0.0, 56)], [8])
    case = Case("restart", e.restart(inner, period=64, growth=growth), {0: 0.0, 64: 0.0})
    counts = np.arange(30_000, dtype=np.int32)
    return case, counts, case.reference(counts)


@pytest.mark.parametrize("growth", [1.1, 1.51326])
@pytest.mark.parametrize("way", ["eager", "jit"])  # as data a growth is of 32 bits, another number
def test_within_ten_ulp_of_the_peak_where_cycles_end_between_two_counts(growth, way):
    """Law 4 where a restarted schedule has a small part of a step left: in ULP of the cycle's peak."""
    case, counts, exact = sawtooth(growth)
    values = np.asarray(WAYS[way](case.schedule, counts), np.float64)
    # A part of a step in float32 carries two roundings more than a whole count, and the arc squares them.
    np.testing.assert_allclose(values, exact, rtol=0, atol=10 * np.spacing(np.float32(0.1)))


@pytest.mark.parametrize("growth", [1.1, 1.51326])
@pytest.mark.parametrize("way", ["eager", "jit"])  # as data a growth is of 32 bits, another number
def test_a_wave_in_a_cycle_is_off_by_its_clock_alone(growth, way):
    """Law 4 there: the time since a cycle began is good to 2**-23 of it, which a wave of two steps shows."""
    period, ratio, counts = 102, Fraction(repr(growth)), range(12_000)
    schedule = wo.restart(wo.shapes.cosine_wave(0.7, 1.0, 1), period=period, growth=growth)
    values = np.asarray(WAYS[way](schedule, np.asarray(counts)), np.float64)
    begin, unit, local = Fraction(0), Fraction(1), []
    for count in counts:
        if count >= begin + period * unit:
            begin, unit = begin + period * unit, unit * ratio
        local.append(float((count - begin) / unit))
    near = np.array([np.multiply(local, 1 + side * 2.0**-23) for side in (-1, 0, 1)])
    wave = 0.85 - 0.15 * np.cos(np.pi * near)
    slack = 8 * np.spacing(np.float32(1.0))
    assert np.all(values >= wave.min(axis=0) - slack)
    assert np.all(values <= wave.max(axis=0) + slack)


@long_cases
def test_within_eight_ulp_at_each_of_100_000_steps(case, way):
    """Law 4 at every count of a long run, its last steps before 0 included."""
    counts = np.arange(100_010, dtype=np.int32)
    exact = case.reference(counts)
    values = np.asarray(WAYS[way](case.schedule, counts), np.float64)
    assert_close(values, exact, case.tolerance(counts, exact), counts)


# --------------------------------------------------------------------------- law 5: monotone
@every_way
def test_monotone_where_the_mathematics_is(case, way):
    """Law 5: no step against the direction of the equation by more than the rounding of law 4."""
    exact, values = expected(case), evaluate(case, way)
    slack = case.tolerance(case.counts, exact)[1:] * np.spacing(np.abs(exact[1:], dtype=np.float32))
    assert np.all(np.sign(np.diff(exact)) * np.diff(values) >= -slack)
    for begin, end, direction in case.monotone:
        inside = (case.counts >= begin) & (case.counts <= end)
        assert np.all(direction * np.diff(exact[inside]) >= 0), "the case itself is wrong"
        low, high = np.sort(values[inside][[0, -1]])
        assert np.all((values[inside] >= low) & (values[inside] <= high)), (begin, end)


# ----------------------------------------------------------------------------- law 6: finite
def gradients_at(twice, schedule, counts):
    """For each count: the value, its gradient by every number; the second derivative along all, or None."""
    leaves, structure = jax.tree.flatten(schedule)
    real = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]

    def one(numbers, count):
        rest = iter(numbers)
        return jax.tree.unflatten(
            structure, [next(rest) if r else n for r, n in zip(real, leaves, strict=True)]
        )(count)

    def along(numbers, count):
        ones = [jnp.ones_like(number) for number in numbers]
        return jax.jvp(lambda n: one(n, count), (numbers,), (ones,))[1]

    def second(numbers, count):
        ones = [jnp.ones_like(number) for number in numbers]
        return jax.jvp(lambda n: along(n, count), (numbers,), (ones,))[1]

    floats = [leaf for leaf, r in zip(leaves, real, strict=True) if r]
    values, gradient = jax.vmap(jax.value_and_grad(one), (None, 0))(floats, counts)
    return values, gradient, jax.vmap(second, (None, 0))(floats, counts) if twice else None


@functools.cache
def critical_gradients(cases):
    calls = [lambda case=case: (case.schedule, critical_counts(case)) for case in cases]
    twice = [
        i % 3 == 0 or len(cases) == len(CASES) for i in range(len(cases))
    ]  # by default some, a second time
    return dict(zip(cases, together(gradients_at, calls, keys=twice), strict=True))


def critical_counts(case):
    return np.resize(case.critical_counts(), CRITICAL)


@first_of_each
def test_values_and_derivatives_are_finite(case):
    """Law 6: at every end and boundary and one step from it, 2**24 and 2**31 - 1; by every leaf."""
    counts = critical_counts(case)
    values, gradient, second = found(critical_gradients(those_with(case))[case])
    assert gradient or all(isinstance(n, int) for n in numbers(case.expression))
    for what, value in [("value", values), *enumerate(gradient), ("second derivative", second)]:
        assert value is None or np.all(np.isfinite(value)), (what, counts[~np.isfinite(value)], value)


def test_values_are_finite():
    """Law 6: at every count that the other laws are tried at."""
    assert [case.name for case in CASES if not np.all(np.isfinite(evaluate(case, "data")))] == []


# ----------------------------------------------------------------- law 7: numbers are data
# That every program is a straight line: `platforms/test_lowering.py`.
def trace_numbers(expression):
    """The numbers that a program gets in place of the expression's, and where float32 counts well enough."""
    every = [n if abs(n) <= NEVER else np.float32(n).item() for n in numbers(rounded(expression))]
    return every, [np.int32(n) if isinstance(n, int) else np.float32(n) for n in every]


def near_counts(case):
    # float32 resolves counts before 2**20 well enough for a restart whose bounds it sums up itself
    counts = case.counts[(case.counts >= 0) & (case.counts < 2**20)]
    return np.random.default_rng(0).choice(counts, 64, replace=len(counts) < 64)


@functools.cache
def traced(cases):
    """Every case built within a program from traced numbers: its values and its gradients."""
    forms = {case: _Form(case.expression) for case in cases}
    forms = {case: {form.text: form for form in forms.values()}[form.text] for case, form in forms.items()}

    def program(form, given, counts):
        floats = [n for n in given if n.dtype == np.float32]

        def one_value(floats, count):
            rest = iter(floats)
            every = [next(rest) if n.dtype == np.float32 else n for n in given]
            return with_numbers(form.expression, every).on(wo)(count)

        return jax.vmap(jax.value_and_grad(one_value), (None, 0))(floats, counts)

    def call(case):
        return trace_numbers(case.expression)[1], np.concatenate([near_counts(case), critical_counts(case)])

    calls = [functools.partial(call, case) for case in cases]
    values = together(program, calls, keys=[forms[case] for case in cases])
    return dict(zip(cases, values, strict=True))


class _Form:
    """An expression without its numbers."""

    def __init__(self, expression):
        self.expression = expression
        self.text = repr(map_numbers(lambda n: type(n).__name__, expression))


@first_of_each
def test_every_number_can_be_traced_and_differentiated(case):
    """Law 7: built from tracers, it has the value and gradients of the equation; law 6: they are finite."""
    every, _ = trace_numbers(case.expression)
    values, gradient = found(traced(those_with(case))[case])
    critical = critical_counts(case)
    for i, derivative in enumerate([values, *gradient]):
        beyond = np.asarray(derivative)[64:]
        assert np.all(np.isfinite(beyond)), (i, critical[~np.isfinite(beyond)])
    counts, values = near_counts(case), np.asarray(values)[:64]
    exact, decimal = (
        x.on(reference)(counts) for x in (with_numbers(case.expression, every), case.expression)
    )
    # A boundary at step 10 stretched by 0.3 is due at 3, also if float32 holds a little more than 0.3.
    assert_close(values, exact, 2 * case.tolerance(counts, exact), counts, decimal)

    for derivative, (below, above) in zip(gradient, _gradients(case, every, counts), strict=True):
        derivative = np.asarray(derivative)[:64]
        assert np.all(np.isfinite(derivative))
        size = np.abs(below).max() + np.abs(derivative).max() + np.abs(exact).max()
        # Not at a count where the equation jumps, or where it does as float32 rounds a number.
        smooth = (np.abs(above - below) <= 1e-3 * size) & (np.abs(exact - decimal) <= 1e-3 * size)
        assert np.mean(smooth) > 0.5
        np.testing.assert_allclose(derivative[smooth], above[smooth], rtol=2e-2, atol=1e-3 * size)


def _gradients(case, every, counts):
    """The derivative by each float, from below and from above: differences in float64."""
    middle = with_numbers(case.expression, every).on(reference)(counts)
    for i, number in enumerate(every):
        if isinstance(number, float):
            width = 1e-7 * max(abs(number), 1e-3)
            below, above = (
                with_numbers(case.expression, [*every[:i], other, *every[i + 1 :]])
                for other in (number - width, number + width)
            )
            yield (
                (middle - below.on(reference)(counts)) / width,
                (above.on(reference)(counts) - middle) / width,
            )


def variants(cases):
    """The cases with one number changed, one after the other; and the counts that matter, in one shape."""
    return [
        (variant, np.resize(near(case.critical_counts()), len(case.counts)))
        for case in cases
        for variant in case.variants
    ]


@functools.cache
def variants_of_the_rest():
    return of_data(variants([case for case in CASES if case not in ONE_OF_EACH]))


def near(counts):
    """Those that float32 resolves well enough for a restart whose bounds it sums up itself."""
    return counts[counts < 2**20]


@first_of_each
def test_other_numbers_are_other_data(case):
    """Law 7: the program of one schedule, given the numbers of another, has the values of that one."""
    every = as_data() if case in ONE_OF_EACH else variants_of_the_rest()
    assert case.variants
    counts = near(case.critical_counts())
    for variant in case.variants:
        exact, also = variant.on(reference)(counts), as_float32(variant, counts)
        values = np.asarray(found(every[variant]), np.float64)[: len(counts)]
        assert_close(values, exact, 2 * case.tolerance(counts, exact), counts, also)


@functools.cache
def stacked(cases):
    def mapped(stack, counts):
        return jax.vmap(lambda schedule: schedule(counts))(stack)

    def call(case):
        return wo.stack([variant.on(wo) for variant in case.variants]), near(case.critical_counts())

    calls = [functools.partial(call, case) for case in cases]
    return dict(zip(cases, together(mapped, calls), strict=True))


@first_of_each
def test_a_stack_is_one_vmapped_program(case):
    """Law 7: `vmap` over a stack gives what each of its schedules gives alone."""
    counts = near(case.critical_counts())
    values = found(stacked(those_with(case))[case])
    assert values.shape == (len(case.variants), len(counts))
    for variant, row in zip(case.variants, np.asarray(values, np.float64), strict=True):
        exact, also = variant.on(reference)(counts), as_float32(variant, counts)
        assert_close(row, exact, 2 * case.tolerance(counts, exact), counts, also)


@first_of_each
def test_another_schedule_of_the_structure_compiles_nothing(case, compilations):
    """Law 7: eager calls compile once per structure and count type, whatever the numbers."""
    if not case.serialisable:
        pytest.skip("the program of a closure is kept on its schedule, and dies with it")
    evaluate(case, "eager")
    before = compilations()
    values = [variant.on(wo)(case.counts) for variant in case.variants]
    assert compilations() == before
    assert len(values) == len(case.variants) > 0


# ---------------------------------------------------------------------------- law 8: a value
@every_case
def test_equal_arguments_give_equal_schedules(case):
    """Law 8: `==`, hash, deepcopy, the pytree round trip; another number is another value."""
    schedule, again = case.schedule, case.make()
    leaves, structure = jax.tree.flatten(schedule)
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert copy.deepcopy(schedule) == schedule
    assert jax.tree.unflatten(structure, leaves) == schedule
    assert {type(leaf) for leaf in leaves} <= {int, float}
    assert isinstance(schedule, wo.Schedule)
    assert schedule != object()
    for variant in case.variants:
        assert variant.on(wo) != schedule, variant


def test_another_kind_is_another_structure():
    """Law 8: JAX finds a program by the structure, so no two classes may share one, whatever their fields."""

    class Sine(wo.Schedule):
        value: float

        def evaluate(self, time):
            return self.value

    class Cosine(Sine):
        pass

    kinds = {type(case.schedule): case.schedule for case in CASES} | {Sine: Sine(0.1), Cosine: Cosine(0.1)}
    for one, other in itertools.combinations(map(jax.tree.structure, kinds.values()), 2):
        assert one != other


@every_case
def test_text_rebuilds_the_schedule(case):
    """Law 8: `repr` is code, and pickle round-trips; the functions of others have neither."""
    if not case.serialisable:
        pytest.skip("holds a function of another library")
    assert eval(repr(case.schedule), names_of_reprs()) == case.schedule
    assert pickle.loads(pickle.dumps(case.schedule)) == case.schedule


@first_of_each
def test_numpy_and_jax_scalars_become_python_numbers(case):
    """Law 8: factories turn concrete scalars into Python numbers, a float32 into its shortest decimal."""

    def as_numpy(n):
        return np.int64(n) if isinstance(n, int) else np.float64(n)

    def as_jax(n):
        return jnp.asarray(n) if abs(n) <= NEVER else n

    assert map_numbers(as_numpy, case.expression).on(wo) == case.schedule
    same = map_numbers(
        lambda n: n if isinstance(n, int) else float(str(np.asarray(as_jax(n)))), case.expression
    )
    assert map_numbers(as_jax, case.expression).on(wo) == same.on(wo)


@functools.cache
def with_array_leaves():
    """One case of each constructor with arrays for numbers, and its values."""
    schedules = [jax.tree.map(jnp.asarray, case.schedule) for case in ONE_OF_EACH]
    calls = [lambda case=case: (case.counts,) for case in ONE_OF_EACH]
    values = together(lambda schedule, counts: jax.jit(schedule)(counts), calls, keys=schedules)
    return dict(zip(ONE_OF_EACH, zip(schedules, values, strict=True), strict=True))


@one_of_each
def test_array_leaves_are_the_numbers_that_they_hold(case):
    """Law 8: with arrays of one number for leaves it is a value; a stack compares by identity."""
    arrays, values = with_array_leaves()[case]
    other = jax.tree.map(jnp.asarray, case.schedule)
    assert arrays == other
    assert len({arrays, other}) == 1
    assert repr(arrays) == repr(other)
    if jax.tree.leaves(case.schedule):
        stack, again = (wo.stack([case.schedule]) for _ in range(2))
        assert stack == stack
        assert stack != again
        assert len({stack, again}) == 2
    exact, also = expected(case), as_float32(case.expression, case.counts)
    values = np.asarray(found(values), np.float64)
    assert values.shape == case.counts.shape
    assert_close(values, exact, 2 * case.tolerance(case.counts, exact), case.counts, also)


# --------------------------------------------------------------------------- law 10: no state
def test_no_optimizer_state():
    """Law 10: Optax takes anything that has `init` and `update` for a stateful schedule."""
    for name in ("init", "update"):
        assert [case.name for case in CASES if hasattr(case.schedule, name)] == []
