"""A schedule is a value for every type of number in it, and accepts counts of every numeric type."""

import dataclasses
import datetime
import decimal
import fractions
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec
from support.catalogue import CASES, ONE_OF_EACH

import warmup_optax as wo
from warmup_optax._core.as_schedule import Function


def nodes_of(schedule):
    """All nodes inside, itself first; shapes of ramps too."""
    yield schedule
    for name in schedule._fields:
        for child in jax.tree.leaves(getattr(schedule, name), is_leaf=lambda x: isinstance(x, wo.Schedule)):
            if isinstance(child, wo.Schedule):
                yield from nodes_of(child)


NODES = {}  # one node of every kind
for case in [*ONE_OF_EACH, *CASES]:
    for node in nodes_of(case.schedule):
        NODES.setdefault(type(node), node)
NODES[Function] = wo.as_schedule(jnp.asarray)
NODES[wo.nodes.InSteps] = wo.nodes.InSteps(wo.linear(0.0, 1.0, 100), (2,), (0, 20), (10, 40))
NODES[wo.nodes.SpeedUp] = wo.nodes.SpeedUp(wo.linear(0.0, 1.0, 100), 2)
every_node = pytest.mark.parametrize("node", NODES.values(), ids=lambda node: type(node).__name__)


def test_every_kind_is_among_them():
    public = [getattr(wo.nodes, name) for name in wo.nodes.__all__]
    ours = {cls for cls in public if isinstance(cls, type) and issubclass(cls, wo.Schedule)}
    assert {cls for cls in ours if not cls.__abstractmethods__} <= set(NODES) | {wo.FiniteSchedule}


# ------------------------------------------------------------------ numbers in arrays
@every_node
def test_concrete_arrays_are_the_numbers_they_hold(node):
    """`==`, `hash`, `repr` and the config do not tell a number from a 0-d array of it."""
    held = jax.tree.map(jnp.asarray, node)
    real = jnp.asarray(0.5).dtype.type
    plain = jax.tree.map(lambda x: x if isinstance(x, int) else float(str(real(x))), node)
    assert held == plain
    assert plain == held
    assert hash(held) == hash(plain)
    assert repr(held) == repr(plain)
    if not isinstance(node, Function):
        assert wo.to_config(held) == wo.to_config(plain)


def test_stacks_and_tracers_are_equal_to_themselves_alone():
    stack, other = (wo.stack([wo.constant(1.0), wo.constant(2.0)]) for _ in range(2))
    assert stack == stack
    assert stack != other

    @jax.jit
    def build(value):
        schedule = wo.constant(value)
        assert schedule == schedule
        assert schedule != wo.constant(value)
        return value

    build(1.0)


def test_unstack_returns_the_stacked_schedules():
    every = [wo.warmup_cosine(peak, warmup_steps=w, total_steps=100) for peak, w in ((0.1, 5), (3e-4, 7))]
    assert wo.unstack(wo.stack(every)) == every
    assert [repr(schedule) for schedule in wo.unstack(wo.stack(every))] == list(map(repr, every))


@pytest.mark.parametrize("number", [0, 2, 0.5])
def test_a_number_on_either_side_is_added(number):
    """Only the 0 that `sum` begins with adds nothing to the expression, either."""
    schedule = wo.linear(0.25, 1.0, 3)
    assert (number + schedule)(0) == (schedule + number)(0) == 0.25 + number
    assert (number - schedule)(0) == number - 0.25
    assert sum([schedule, schedule])(0) == 0.5
    assert (0 + schedule) is schedule


def test_a_stack_is_made_without_a_program(compilations):
    """And without a transfer that `jax.transfer_guard` would reject."""
    before = compilations()
    with jax.transfer_guard("disallow"):
        stack = wo.stack([wo.linear(0.0, 0.1 * k, 7) for k in range(13)])
    assert compilations() == before
    assert {type(leaf) for leaf in jax.tree.leaves(stack)} == {type(jnp.ones(3))}


def test_unstack_inside_a_trace():
    stack = wo.stack([wo.linear(0.0, 1.0, 4), wo.linear(0.0, 2.0, 4)])
    values = jax.jit(lambda stack: [schedule(2) for schedule in wo.unstack(stack)])(stack)
    assert [float(value) for value in values] == [0.5, 1.0]


@pytest.mark.parametrize("bad", [wo.linear(0.0, 1.0, 4), jax.tree.map(jnp.asarray, wo.constant(1.0))])
def test_unstack_of_one_schedule_raises_an_error(bad):
    with pytest.raises(ValueError, match=r"unstack: schedule must be a stack of schedules, got .*; stack"):
        wo.unstack(bad)
    with pytest.raises(TypeError, match=r"unstack: schedule must be a stack of schedules, got 0\.1"):
        wo.unstack(0.1)


# ------------------------------------------------------------------ fields
@every_node
def test_every_field_replaced_by_itself(node):
    for field in dataclasses.fields(node):
        assert dataclasses.replace(node, **{field.name: getattr(node, field.name)}) == node
    assert dataclasses.replace(node) == node


@every_node
def test_the_error_of_a_replaced_field_names_the_function(node):
    nonsense = types.SimpleNamespace()  # no number, no schedule, no word, and not callable
    for field in dataclasses.fields(node):
        with pytest.raises((wo.ArgumentError, wo.ArgumentTypeError)) as caught:
            dataclasses.replace(node, **{field.name: nonsense})
        assert caught.value.function == node._kind
        assert caught.value.argument.partition("[")[0] == field.name


def test_fields_are_the_arguments_of_the_user():
    schedule = wo.warmup_cosine(0.1, warmup_steps=5, total_steps=10)
    schedule(3)  # the compiled program and the hash are not part of it
    hash(schedule)
    assert dataclasses.asdict(schedule) == {
        "peak_value": 0.1,
        "warmup_steps": 5,
        "total_steps": 10,
        "hold_steps": 0,
        "init_value": 0.0,
        "end_value": 0.0,
        "exponent": 1.0,
    }
    joined = wo.join([0.5, wo.linear(0.5, 0.0, 4)], [2])
    assert dataclasses.asdict(joined) == {
        "schedules": ({"value": 0.5}, {"init_value": 0.5, "end_value": 0.0, "steps": 4}),
        "boundaries": (2,),
        "offsets": None,
    }


# ------------------------------------------------------------------ counts
class Held:
    """Like the variables of Flax and Keras."""

    def __init__(self, value):
        self.value = value

    def __jax_array__(self):
        return self.value

    def __repr__(self):
        return f"Held({self.value!r})"


LINE = wo.linear(1.0, 0.0, 10)


@pytest.mark.parametrize(
    "count",
    [
        Held(jnp.asarray(2.5)),
        Held(np.float64(2.5)),
        Held(2.5),
        fractions.Fraction(5, 2),
        decimal.Decimal("2.5"),
        np.longdouble(2.5),
        np.float16(2.5),
        jnp.bfloat16(2.5),
    ],
    ids=repr,
)
def test_counts_of_any_numeric_type(count):
    assert LINE(count) == 0.75


def test_a_variable_of_flax_is_a_count():
    nnx = pytest.importorskip("flax.nnx")
    step = nnx.Variable(jnp.asarray(3))
    assert LINE(step) == LINE(3)
    # Two programs may differ by the rounding of a product.
    np.testing.assert_allclose(jax.jit(lambda step: LINE(step[...]))(step), LINE(3), rtol=2**-23)


@pytest.mark.parametrize(
    "count",
    [
        np.timedelta64(3, "s"),
        np.datetime64("2020-01-01"),
        datetime.timedelta(seconds=3),
        np.array([3, None]),
        np.array(["3"], object),
        {},
    ],
    ids=repr,
)
def test_an_invalid_count_raises_an_error(count):
    with pytest.raises(TypeError, match="a schedule's count must be a whole or real number, got "):
        LINE(count)


# ------------------------------------------------------------------ depth
def test_a_schedule_that_is_nested_too_deep_says_so():
    deep = LINE
    for _ in range(500):
        deep = deep * 1.0
    for ask in (lambda: deep(3), lambda: jax.eval_shape(deep, 3), lambda: wo.sample(deep, 3)):
        with pytest.raises(RecursionError, match=r"nested deeper than Python's stack allows; write many"):
            ask()


def test_a_function_is_read_again_by_another_schedule():
    """A program is kept with its schedule alone, because the variables of a function may change."""
    rate = [1.0]

    def constant(count):
        return jnp.full((), rate[0])

    assert wo.as_schedule(constant)(0) == 1.0
    rate[0] = 2.0
    assert wo.as_schedule(constant)(0) == 2.0
    assert (wo.as_schedule(constant) * 2)(0) == 4.0
    rate[0] = 3.0
    assert (wo.as_schedule(constant) * 2)(0) == 6.0


def test_numbers_on_a_device_print_as_they_were_written():
    """Defaults are left out of the text there too."""
    schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    assert repr(jax.device_put(schedule)) == repr(schedule)


class Paired(wo.Schedule):
    """A tuple of numbers of a user's own."""

    parts: tuple

    def evaluate(self, time):
        return self.parts[0] + self.parts[1] * time.ratio(1.0)


def test_numbers_of_numpy_in_a_tuple_become_pythons():
    schedule = Paired((np.float64(0.5), np.int32(2)))
    assert [type(x) for x in schedule.parts] == [float, float]
    assert schedule == Paired((0.5, 2))


def test_a_sum_of_schedules_has_no_zero_in_it():
    """Python's `sum` starts at 0."""
    some = [wo.linear(0.0, 1.0, 4), wo.constant(0.5), wo.constant(0.25)]
    assert sum(some) == some[0] + some[1] + some[2] == wo.nodes.Add(tuple(some))


def test_a_field_cannot_be_deleted():
    schedule = wo.constant(1.0)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'value'"):
        del schedule.value


class Rebuilt(wo.Schedule):
    """Makes a schedule while it is evaluated, which is slower and no less right."""

    value: float

    def evaluate(self, time):
        return wo.join([wo.linear(0.0, self.value, 4), self.value], [4]).evaluate(time)


def test_a_schedule_made_while_another_is_evaluated():
    assert Rebuilt(2.0)([0, 2, 4, 9]).tolist() == [0.0, 1.0, 2.0, 2.0]


def test_an_eager_shard_map():
    """Everything is traced there, the numbers that a program keeps on the device as well."""
    mesh = jax.make_mesh((8,), ("data",), (jax.sharding.AxisType.Auto,), devices=jax.devices("cpu"))
    spec = PartitionSpec("data")
    schedule = wo.linear(0.0, 8.0, 8)
    mapped = jax.shard_map(
        lambda count: schedule(3) + schedule(count), mesh=mesh, in_specs=spec, out_specs=spec
    )
    np.testing.assert_array_equal(mapped(np.arange(8)), 3.0 + np.arange(8))
