"""The ten laws of `DESIGN.md`, each for every schedule of the catalogue.

Each case is evaluated once per way of calling it, on one vector of counts; the tests of laws 2 to 6
all read those values. Distances are in ULP of float32, also when the values are float64.
"""

import copy
import functools
import itertools
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import reference
from support.catalogue import CASES, LONG, ONE_OF_EACH
from support.expressions import NEVER, Case, e, map_numbers, numbers, rounded, with_numbers

import warmup_optax as wo

FLOAT = jax.dtypes.canonicalize_dtype(float)
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]
DTYPES += ["bfloat16", "float16", "float32", "float64"]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
one_of_each = pytest.mark.parametrize("case", ONE_OF_EACH, ids=lambda case: case.name)
every_way = pytest.mark.parametrize("way", ["eager", "jit", "data", "host"])
some_cases = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in {
        "cosine-floor", "exponential-staircase", "piecewise_constant", "join-foreign", "shift-back",
        "restart-1.5", "warmup_cosine-hold",
    }],
    ids=lambda case: case.name,
)  # fmt: skip
QUICK = {"xla_backend_optimization_level": 0}  # compiles twice as fast, from the same HLO
AS_DATA = jax.jit(lambda schedule, counts: schedule(counts))
WAYS = {
    "eager": lambda schedule, counts: schedule(counts),
    "jit": lambda schedule, counts: jax.jit(lambda c: schedule(c))(counts),
    "data": AS_DATA,
    "host": lambda schedule, counts: wo.sample(schedule, counts),
}


@functools.cache
def evaluate(case, way):
    """The values at `case.counts`."""
    return np.asarray(WAYS[way](case.schedule, case.counts), np.float64)


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
    """Within so many ULP of the equation, or of another one."""
    error = ulps(values, exact)
    if also is not None:
        error = np.minimum(error, ulps(values, also))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error - allowed))
    assert np.all(error <= allowed), (
        f"{np.sum(~(error <= allowed))} counts; the worst is {error.flat[worst]:.1f} ULP at count "
        f"{counts.flat[worst]}: {values.flat[worst]!r} for {exact.flat[worst]!r}"
    )


# ------------------------------------------------------------------------- law 1: one contract
@every_case
def test_shape_and_dtype_do_not_depend_on_the_count(case):
    """Law 1: the shape of the count, the default float dtype, strong; looked up without computing."""
    arrays = [jax.ShapeDtypeStruct((), dtype) for dtype in ("bool", "uint8", "int32", "bfloat16")]
    arrays += [jax.ShapeDtypeStruct(shape, "int32") for shape in [(2, 3), (0,)]]
    for count in [*arrays, 3, 3.0]:
        value = jax.eval_shape(lambda c: case.schedule(c), count)
        assert (value.shape, value.dtype) == (np.shape(count), FLOAT), count
        assert not value.weak_type, count


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
        if dtype in ("bool", "uint8", "int64", "bfloat16"):
            assert_value(given.reshape(-1, 1), counts)
            for scalar in [given[1], given[1].reshape(()), jnp.asarray(given[1])]:
                assert_value(scalar, counts[1:2])
    for python in [100, 100.0, True]:
        assert_value(python, np.array([int(python)]))


@every_case
def test_unsigned_counts_never_wrap(case):
    """Law 1: a local count below 0 stays below 0; 2**32 - 1 is not -1 but as far as counts go."""
    counts = np.array([0, 1, 2, 29, 41, 2**31, 2**32 - 1], np.uint32)
    values = jax.jit(lambda s, c: s(c), compiler_options=QUICK)(case.schedule, counts)
    held = counts if jax.config.jax_enable_x64 else np.minimum(counts, NEVER)
    exact, also = case.reference(held), as_float32(case.expression, held)
    assert_close(np.asarray(values), exact, case.tolerance(counts, exact), counts, also)


# ---------------------------------------------------------------------------- law 2: one clock
@every_case
@every_way
def test_the_start_and_the_end_are_held(case, way):
    """Law 2: below 0 the value at 0; past the end the last value, up to 2**31 - 1; bit for bit."""
    counts, values = case.counts, evaluate(case, way)
    assert np.all(values[counts < 0] == values[counts == 0])
    last = max([0, *case.ends, *case.marks])
    if len(set(expected(case)[counts >= last])) == 1:  # a schedule that ends
        assert len(set(values[counts >= last])) == 1


# ---------------------------------------------------------------------- law 3: ends are exact
@every_case
@every_way
def test_ends_are_the_numbers_given(case, way):
    """Law 3: `==` in float32, also under jit."""
    values = evaluate(case, way).astype(np.float32)
    got = {count: values[case.counts == count][0] for count in case.ends}
    assert got == {count: np.float32(number) for count, number in case.ends.items()}


# -------------------------------------------------------------------------- law 4: accurate
@every_case
@every_way
def test_within_eight_ulp(case, way):
    """Law 4: against the float64 equation from the same Python numbers."""
    exact = expected(case)
    also = as_float32(case.expression, case.counts) if way == "data" else None
    allowed = case.tolerance(case.counts, exact)
    assert_close(evaluate(case, way), exact, allowed, case.counts, also)


@every_case
def test_between_two_counts(case):
    """Law 4 at real counts that are no whole number; a knot or a restart may lie between two counts too."""
    start = np.unique(case.counts[(case.counts >= -1) & (case.counts < 2**20)])
    counts = np.resize(np.add.outer(start, [0.25, 0.5]).astype(np.float32), 2 * len(case.counts))
    exact = case.reference(counts.astype(np.float64))
    # One ULP more for the rounding of the count, and one of its product with a length.
    assert_close(case.schedule(counts), exact, case.tolerance(counts, exact) + 2, counts)


@pytest.mark.parametrize("growth", [1.1, 1.51326])
@pytest.mark.parametrize("way", ["eager", "jit", "host"])  # as data a growth is of 32 bits, another number
def test_within_ten_ulp_at_the_foot_of_cycles_that_end_between_two_counts(growth, way):
    """Law 4 where a restarted schedule has a small part of a step left."""
    sawtooth = e.join([e.linear(0.0, 0.1, 8), e.cosine(0.1, 0.0, 56)], [8])
    case = Case("restart", e.restart(sawtooth, period=64, growth=growth), {0: 0.0, 64: 0.0})
    counts = np.arange(30_000, dtype=np.int32)
    exact = case.reference(counts)
    # A part of a step in float32 carries two roundings more than a whole count, and the arc squares them.
    assert_close(np.asarray(WAYS[way](case.schedule, counts)), exact, 10, counts)


@pytest.mark.parametrize("case", LONG, ids=lambda case: case.name)
@every_way
def test_within_eight_ulp_at_each_of_100_000_steps(case, way):
    """Law 4 at every count of a long run, its last steps before 0 included."""
    counts = np.arange(100_010, dtype=np.int32)
    exact = case.reference(counts)
    values = np.asarray(WAYS[way](case.schedule, counts), np.float64)
    assert_close(values, exact, case.tolerance(counts, exact), counts)


# --------------------------------------------------------------------------- law 5: monotone
@every_case
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
@functools.partial(jax.jit, compiler_options=QUICK)
def slopes_at(schedule, counts):
    """For each count: the value, and its gradient with respect to every number."""
    of_one = jax.value_and_grad(lambda s, count: s(count), allow_int=True)
    return jax.vmap(of_one, (None, 0))(schedule, counts)


@every_case
def test_values_and_gradients_are_finite(case):
    """Law 6: at every end and boundary and one step beside it, 2**24 and 2**31 - 1."""
    assert np.all(np.isfinite(evaluate(case, "data")))
    counts = case.critical_counts()
    values, gradient = slopes_at(case.schedule, counts)
    slopes = [g for g in jax.tree.leaves(gradient) if g.dtype != jax.dtypes.float0]
    assert slopes or all(isinstance(n, int) for n in numbers(case.expression))
    for i, slope in enumerate([values, *slopes]):
        assert np.all(np.isfinite(slope)), (i, counts[~np.isfinite(slope)], slope)


# --------------------------------------------------- law 7: no Python control flow on numbers
def _lowered(function, *args):
    return jax.jit(function).lower(*args).as_text()


@every_case
def test_the_program_is_a_straight_line(case):
    """Law 7: no loop, branch or call out of the program, the schedule closed over or passed in."""
    count = jax.ShapeDtypeStruct((), jnp.int32)
    program = _lowered(lambda c: case.schedule(c), count)
    program += _lowered(lambda s, c: s(c), case.schedule, count)
    assert "stablehlo" in program
    assert not re.findall(r"stablehlo\.(?:while|case|if|custom_call|send|recv)\b", program)


@every_case
def test_every_number_can_be_traced_and_differentiated(case):
    """Law 7: built from tracers, it has the value and the slopes of the equation."""
    every = [n if abs(n) <= NEVER else np.float32(n).item() for n in numbers(rounded(case.expression))]
    given = [np.int32(n) if isinstance(n, int) else np.float32(n) for n in every]
    # float32 knows counts before 2**20 well enough for a restart whose bounds it sums up itself
    counts = case.counts[(case.counts >= 0) & (case.counts < 2**20)]
    counts = np.random.default_rng(0).choice(counts, 64, replace=len(counts) < 64)

    def one_value(floats, every, count):
        floats = iter(floats)
        every = [next(floats) if n.dtype == np.float32 else n for n in every]
        return with_numbers(case.expression, every).on(wo)(count)

    floats = [n for n in given if n.dtype == np.float32]
    program = jax.vmap(jax.value_and_grad(one_value), (None, None, 0))
    values, gradient = jax.jit(program, compiler_options=QUICK)(floats, given, counts)
    exact = with_numbers(case.expression, every).on(reference)(counts)
    assert_close(np.asarray(values), exact, 2 * case.tolerance(counts, exact), counts)

    for slope, (below, above) in zip(gradient, _slopes(case, every, counts), strict=True):
        assert np.all(np.isfinite(slope))
        size = np.abs(below).max() + np.abs(slope).max() + np.abs(exact).max()
        smooth = np.abs(above - below) <= 1e-3 * size  # not at a count where the equation jumps
        assert np.mean(smooth) > 0.5
        np.testing.assert_allclose(slope[smooth], above[smooth], rtol=2e-2, atol=1e-3 * size)


def _slopes(case, every, counts):
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


def test_a_join_costs_its_kinds_not_its_phases():
    """Section 3: 512 cosines trace to about the program of 2, and 96 mixed phases to that of 6.

    "About" is at most twice: a table of many boundaries is looked up in another way than one.
    """

    def sizes(phases):
        schedule = wo.join(phases, range(10, 10 * len(phases), 10))
        within = _lowered(lambda count: schedule(count), 0)
        as_data = _lowered(lambda s, count: s(count), schedule, 0)  # whose numbers come one by one
        return within.count("stablehlo."), as_data.count("stablehlo.multiply")

    def cosines(n):
        return [wo.cosine(1.0 + i, 0.1, 10) for i in range(n)]

    def mixed(n):
        kinds = [wo.cosine, wo.linear, wo.geometric]
        return [kinds[i % 3](1.0 + i, 0.1, 10) for i in range(n)]

    assert np.all(np.array(sizes(cosines(512))) <= 2 * np.array(sizes(cosines(2))))
    assert np.all(np.array(sizes(mixed(96))) <= 2 * np.array(sizes(mixed(6))))


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
    names = {**vars(wo), "functools": functools}
    assert eval(repr(case.schedule), names) == case.schedule
    assert pickle.loads(pickle.dumps(case.schedule)) == case.schedule


@every_case
def test_numpy_and_jax_scalars_become_python_numbers(case):
    """Law 8: factories turn concrete scalars into Python numbers."""

    def as_numpy(n):
        return np.int64(n) if isinstance(n, int) else np.float64(n)

    def as_jax(n):
        return jnp.asarray(n) if abs(n) <= NEVER else n

    assert map_numbers(as_numpy, case.expression).on(wo) == case.schedule
    same = map_numbers(lambda n: as_jax(n).item() if abs(n) <= NEVER else n, case.expression)
    assert map_numbers(as_jax, case.expression).on(wo) == same.on(wo)


@one_of_each
def test_array_leaves_compare_by_identity(case):
    """Law 8: with arrays for leaves it is still callable, a pytree, hashable and jittable."""
    arrays = jax.tree.map(jnp.asarray, case.schedule)
    other = jax.tree.map(jnp.asarray, case.schedule)
    assert arrays == arrays
    assert arrays != other
    assert len({arrays, other}) == 2
    assert isinstance(repr(arrays), str)
    exact, also = expected(case), as_float32(case.expression, case.counts)
    values = np.asarray(jax.jit(arrays)(case.counts), np.float64)
    assert_close(values, exact, 2 * case.tolerance(case.counts, exact), case.counts, also)


@every_case
def test_a_stack_is_one_vmapped_program(case):
    """Section 3: `vmap` over a stack gives what each of its schedules gives alone."""
    # As above: float32 knows counts before 2**20 well enough for a restart whose bounds it sums up itself.
    counts = case.critical_counts()
    counts = counts[counts < 2**20]
    stack = wo.stack([variant.on(wo) for variant in case.variants])
    values = jax.jit(jax.vmap(lambda s: s(counts)), compiler_options=QUICK)(stack)
    assert values.shape == (len(case.variants), len(counts))
    for variant, row in zip(case.variants, np.asarray(values, np.float64), strict=True):
        exact, also = variant.on(reference)(counts), as_float32(variant, counts)
        assert_close(row, exact, 2 * case.tolerance(counts, exact), counts, also)


@every_case
def test_another_schedule_of_the_structure_compiles_nothing(case, compilations):
    """Section 4: eager calls compile once per structure and count type, whatever the numbers."""
    if not case.serialisable:
        pytest.skip("the program of a closure is kept on its schedule, and dies with it")
    evaluate(case, "eager")
    before = compilations()
    values = [variant.on(wo)(case.counts) for variant in case.variants]
    assert compilations() == before
    assert len(values) == len(case.variants) > 0


# --------------------------------------------------------------------------- law 10: no state
@every_case
def test_no_optimizer_state(case):
    """Law 10: Optax takes anything that has `init` and `update` for a stateful schedule."""
    assert not hasattr(case.schedule, "init")
    assert not hasattr(case.schedule, "update")
