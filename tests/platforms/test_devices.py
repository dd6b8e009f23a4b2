"""Eight devices: every constructor, every way JAX runs on many of them, gives the bits of plain `jit`.

All schedules are in one program for each way. The ways are used as a train step uses them: a device holds
the count and computes the rate. `test_with_optax.py` has the optimizers. By default each constructor meets
two or three of the ways; `-m exhaustive` runs the whole product.
"""

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from support.catalogue import ONE_OF_EACH

import warmup_optax as wo

COUNTS = np.array([0, 1, 29, 50, 99, 100, 101, 2**31 - 1], np.int32)  # one for each device
ALL = {case.name: case.schedule for case in ONE_OF_EACH}
WAYS = 3


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["some", "all"])
def everything(request):
    """Return whether a way is run with every constructor."""
    return request.param


def part(number, everything):
    """The schedules of a way: one part of three, or all."""
    return ALL if everything else dict([*ALL.items()][number::WAYS])


def rates(schedules, count):
    return {name: schedule(count) for name, schedule in schedules.items()}


def bits(values):
    """The values of each schedule as bytes."""
    return {name: np.asarray(value).tobytes() for name, value in values.items()}


@pytest.fixture(scope="module")
def plain():
    """The values under plain `jit`, count by count."""
    one = jax.jit(lambda count: rates(ALL, count))
    each = [one(count) for count in COUNTS]
    return bits({name: np.stack([value[name] for value in each]) for name in ALL})


@pytest.fixture(scope="module")
def mesh():
    assert len(jax.devices("cpu")) == 8
    return jax.make_mesh((8,), ("data",), (AxisType.Auto,), devices=jax.devices("cpu"))


def differing(plain, values):
    return [name for name, value in bits(values).items() if value != plain[name]]


def test_pmap(plain):
    pmapped = jax.pmap(lambda count: rates(ALL, count), devices=jax.devices("cpu"))
    assert differing(plain, pmapped(COUNTS)) == []


def test_shard_map(plain, mesh):
    spec = PartitionSpec("data")

    def local(counts):
        return {name: rate[None] for name, rate in rates(ALL, counts[0]).items()}

    mapped = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec)
    assert differing(plain, jax.jit(mapped)(COUNTS)) == []


def test_shard_map_with_the_schedules_as_data(mesh, everything):
    """Their numbers are replicated, the counts are split."""
    data, schedules = jax.jit(rates), part(0, everything)
    each = [data(schedules, count) for count in COUNTS]
    plain = bits({name: np.stack([value[name] for value in each]) for name in schedules})
    specs = PartitionSpec(), PartitionSpec("data")

    def local(schedules, counts):
        return {name: rate[None] for name, rate in rates(schedules, counts[0]).items()}

    mapped = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=specs[1])
    assert differing(plain, jax.jit(mapped)(schedules, COUNTS)) == []


def test_jit_over_a_replicated_sharding(plain, mesh, everything):
    """As in a train step: one count on all devices, and the rate on all of them, the same bits."""
    sharding, schedules = NamedSharding(mesh, PartitionSpec()), part(1, everything)
    one = jax.jit(lambda count: rates(schedules, count))
    found = {name: [] for name in schedules}
    for count in COUNTS:
        for name, value in one(jax.device_put(count, sharding)).items():
            copies = {np.asarray(shard.data).tobytes() for shard in value.addressable_shards}
            assert len(value.addressable_shards) == 8
            assert len(copies) == 1
            found[name].append(np.asarray(value))
    assert differing(plain, {name: np.stack(values) for name, values in found.items()}) == []


def test_jit_over_a_split_sharding(plain, mesh, everything):
    """A vector of counts, split, is the one thing that XLA may simplify in another order: 2 ULP."""
    sharding, schedules = NamedSharding(mesh, PartitionSpec("data")), part(2, everything)
    values = jax.jit(lambda counts: rates(schedules, counts))(jax.device_put(COUNTS, sharding))
    whole = [name for name, value in values.items() if not value.sharding.is_equivalent_to(sharding, 1)]
    assert set(whole) <= {"constant"}
    assert len(differing(plain, values)) <= len(schedules) // 8
    for name, value in values.items():
        same = np.frombuffer(plain[name], value.dtype)
        np.testing.assert_array_max_ulp(np.asarray(value), same, maxulp=2)


@pytest.mark.parametrize(
    "schedule",
    [
        wo.warmup_linear(1.0, warmup_steps=4, total_steps=40),
        wo.restart(wo.cosine(1.0, 0.0, 10), period=10, growth=1.5),
        wo.piecewise_constant([1.0 / (i + 1) for i in range(20)], range(1, 20)),
        # A table with a table in each row.
        wo.join([wo.piecewise_constant([k + i for i in range(20)], range(1, 20)) for k in (1.0, 2.0)], [30]),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_counts_whose_sharding_is_a_part_of_their_type(schedule):
    """Explicit axes, the default of `jax.make_mesh`: a lookup without a gather, which would need a sharding."""
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Explicit,))
    expected = schedule(np.arange(64))
    with jax.set_mesh(mesh):
        counts = jax.device_put(np.arange(64), NamedSharding(mesh, PartitionSpec("x")))
        for values in (schedule(counts), jax.jit(lambda c: jax.vmap(schedule)(c))(counts)):
            assert values.sharding.spec == PartitionSpec("x")
            # A program of another layout may round otherwise: within the 8 ULP of either.
            np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)
