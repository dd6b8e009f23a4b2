"""What few programs come to: the other side of a check, and values at the edge of a type."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import warmup_optax as wo

REFUSED = {
    "a clip of nothing": (
        lambda: wo.clip(wo.constant(1.0)),
        "clip: min_value must be a number where max_value is None, got None; give min_value, max_value or both",
    ),
    "a shape that makes a number": (
        lambda: wo.with_warmup(wo.constant(1.0), steps=4, shape=lambda a, b, n: 0.5),
        "shape must be a function that makes a schedule",
    ),
    "a growth that needs too many cycles": (
        lambda: wo.restart(wo.linear(1.0, 0.0, 4), period=1, growth=1.0001),
        "restart: growth must be 1, or large enough for 262144 cycles, got 1.0001; give 1",
    ),
    "a traced bool": (
        lambda: jax.jit(lambda x: wo.constant(x)(0))(True),
        "value must be a finite number, got .*; a bool is not a number here",
    ),
    "a number that float32 does not hold": (
        lambda: wo.constant(1e39),
        r"value must be a finite number, got 1e\+39; float32 holds numbers up to 3.4e38",
    ),
    "a number that no float holds": (lambda: wo.constant(10**400), "value must be a finite number, got inf"),
    "a matrix of boundaries": (
        lambda: wo.piecewise_constant([1.0, 2.0, 3.0], np.ones((2, 2))),  # pyright: ignore[reportArgumentType]
        "boundaries must be a sequence of whole numbers of steps",
    ),
    "counts of two lengths": (
        lambda: wo.constant(1.0)([[1], [1, 2]]),
        "a schedule's count must be a whole or real number, got ",
    ),
    "a list of counts with one that no float holds": (
        lambda: wo.constant(1.0)([10**400, 0.5]),
        "a schedule's count must be a whole or real number, got ",
    ),
    "a complex count": (
        lambda: jax.jit(wo.constant(1.0))(1j),
        "a schedule's count must be a whole or real number, got dtype complex",
    ),
    "a function that gives a vector": (
        lambda: wo.as_schedule(lambda count: jnp.ones(3))(0),
        r"a schedule must give one number for one count, got shape \(3,\) from .*; return a scalar",
    ),
    "a knot past every count": (
        lambda: wo.shapes.piecewise_cosine([1.0, 0.0], [0.0, 2.0**61]),
        r"piecewise_cosine: boundaries\[1\] must be within 2\^61 of 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_argument_gets_one_sentence(name):
    make, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_field_cannot_be_deleted():
    schedule = wo.constant(1.0)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'value'"):
        del schedule.value


def test_the_slope_of_a_whole_number_has_a_text():
    """JAX's own kind of nothing, in the place of the steps."""
    slopes = jax.grad(lambda schedule: schedule(2), allow_int=True)(wo.linear(0.0, 1.0, 4))
    assert slopes.steps.dtype == jax.dtypes.float0
    assert "end_value=0.5" in repr(slopes)


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


def test_names_that_are_imported_when_they_are_asked_for():
    import warmup_optax.compat

    ask = vars(wo)["__getattr__"]  # `wo.compat` would be there by now
    assert ask("compat") is warmup_optax.compat
