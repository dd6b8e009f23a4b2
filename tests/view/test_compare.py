"""Stopping, resuming, branching and extending a real run, through an Orbax checkpoint."""

import dataclasses
import functools
import math
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._view import compare

STABLE = wo.warmup_constant(0.05, warmup_steps=4)
WSD = wo.warmup_stable_decay(0.05, warmup_steps=4, decay_steps=6, total_steps=20)
COSINE = wo.warmup_cosine(0.05, warmup_steps=4, total_steps=20, end_value=0.005)


@pytest.fixture(autouse=True)
def _promotion():
    """Optax needs standard promotion."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def checkpoints(tmp_path):
    """``save(name, run)``, and ``restore(name, run)`` into the structure of a run that was just started."""
    ocp = pytest.importorskip("orbax.checkpoint")

    def save(name, run):
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(tmp_path / name, {"params": run.params, "opt_state": run.opt_state})

    def restore(name, run):
        like = jax.tree.map(
            ocp.utils.to_shape_dtype_struct, {"params": run.params, "opt_state": run.opt_state}
        )
        with ocp.StandardCheckpointer() as checkpointer:
            found = checkpointer.restore(tmp_path / name, like)
        run.params, run.opt_state = found["params"], found["opt_state"]
        return run

    return types.SimpleNamespace(save=save, restore=restore)


class Run:
    """A small training run, and the rates of its updates."""

    def __init__(self, schedule, *, optimizer=optax.adamw):
        tx, self._update = _compiled(schedule, optimizer)
        self.params: Any = {"w": jnp.ones(3), "b": jnp.zeros(())}
        self.opt_state: Any = tx.init(self.params)
        self.rates = []

    def train(self, updates):
        for _ in range(updates):
            self.params, self.opt_state, rate = self._update(self.params, self.opt_state)
            self.rates.append(rate.item())
        return self

    @property
    def bits(self):
        """Parameters and optimizer state, byte for byte."""
        return [np.asarray(x).tobytes() for x in jax.tree.leaves((self.params, self.opt_state))]


@functools.cache
def _compiled(schedule, optimizer):
    """The optimizer of a run, and its update. All runs of one schedule have one program."""
    inputs, targets = jax.random.normal(jax.random.key(0), (8, 3)), jnp.arange(8.0)
    tx = optimizer(schedule)

    def loss(params, step):
        batch = jnp.roll(inputs, step, 0)  # every step sees other data
        return jnp.mean((batch @ params["w"] + params["b"] - targets) ** 2)

    @jax.jit
    def update(params, opt_state):
        grads = jax.grad(loss)(params, wo.update_count(opt_state))
        updates, opt_state = tx.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, wo.applied_value(schedule, opt_state)

    return tx, update


OPTIMIZERS = [optax.adamw, lambda s: optax.chain(optax.clip(1.0), optax.inject_hyperparams(optax.sgd)(s))]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", [COSINE, WSD])
def test_stop_and_resume(checkpoints, schedule, optimizer):
    """The same rates and parameters, bit for bit, as the run that was never stopped."""
    whole = Run(schedule, optimizer=optimizer).train(20)
    stopped = Run(schedule, optimizer=optimizer).train(7)
    checkpoints.save("7", stopped)

    resumed = checkpoints.restore("7", Run(schedule, optimizer=optimizer))
    assert wo.update_count(resumed.opt_state) == 7
    # Read outside the step these may be a ULP from what XLA made of them inside; the runs themselves may not.
    assert float(wo.applied_value(schedule, resumed.opt_state)) == pytest.approx(stopped.rates[-1], rel=1e-6)
    assert float(wo.next_value(schedule, resumed.opt_state)) == pytest.approx(whole.rates[7], rel=1e-6)
    resumed.train(13)
    assert stopped.rates + resumed.rates == whole.rates
    np.testing.assert_allclose(whole.rates, schedule(np.arange(20)), rtol=1e-6)
    assert resumed.bits == whole.bits


@pytest.mark.parametrize(
    ("schedule", "shape"), [(STABLE, wo.linear), (WSD, wo.one_minus_sqrt), (COSINE, wo.cosine)]
)
def test_branch_a_cooldown(checkpoints, schedule, shape):
    """Off a checkpoint of a longer run: the past is untouched, and the rate does not jump."""
    trunk = Run(schedule).train(10)
    checkpoints.save("10", trunk)

    cooldown = wo.with_cooldown(schedule, begin=10, steps=6, shape=shape)
    change = wo.compare(schedule, cooldown, wo.update_count(trunk.opt_state))
    assert change.same_past
    assert change.ratio == 1.0

    branch = checkpoints.restore("10", Run(cooldown)).train(7)
    # A run that had the cooldown from its first update on is the same run, bit for bit.
    planned = Run(cooldown).train(10)
    assert planned.rates == trunk.rates
    assert planned.bits == trunk.bits
    planned.train(7)
    assert planned.rates[10:] == branch.rates
    assert planned.bits == branch.bits

    # The trunk continues from the same checkpoint.
    resumed = checkpoints.restore("10", Run(schedule)).train(10)
    assert resumed.bits == trunk.train(10).bits

    # The cooldown starts at the trunk's own rate, and falls from there.
    assert branch.rates[0] == trunk.rates[10]
    assert all(a > b for a, b in zip(branch.rates, branch.rates[1:], strict=False))
    assert branch.rates[-1] == 0.0


def test_branch_several_cooldowns_off_one_trunk():
    """The cooldowns of one compiled update: their lengths are numbers, not programs."""
    lengths = jnp.asarray([2, 4, 8])
    values = jax.vmap(lambda n: wo.with_cooldown(STABLE, begin=10, steps=n)(12))(lengths)
    np.testing.assert_allclose(values, [0.0, 0.025, 0.0375], rtol=1e-6)


def test_extend_a_stable_run(checkpoints):
    """More steps before the decay: from a checkpoint before the old decay nothing changes until there."""
    longer = wo.warmup_stable_decay(0.05, warmup_steps=4, decay_steps=6, total_steps=30)
    first = Run(WSD).train(14)
    checkpoints.save("14", first)
    change = wo.compare(WSD, longer, 14)
    assert (change.same_past, change.ratio) == (True, 1.0)
    extended = checkpoints.restore("14", Run(longer)).train(17)
    planned = Run(longer).train(31)
    assert first.rates + extended.rates == planned.rates
    assert extended.bits == planned.bits
    assert extended.rates[-1] == 0.0

    # From a checkpoint inside the old decay the rate would jump, and `compare` says so.
    late = wo.compare(WSD, longer, 17)
    assert late.first_difference == 15
    assert late.ratio > 1.5


def test_extend_a_finished_run(checkpoints):
    """A schedule keeps its last value: a finished run continues at it, or is joined to the next schedule."""
    finished = Run(COSINE).train(20)
    checkpoints.save("20", finished)
    assert checkpoints.restore("20", Run(COSINE)).train(3).rates == [COSINE(20).item()] * 3

    more = wo.join([COSINE, wo.linear(0.005, 0.0, 5)], [20])
    change = wo.compare(COSINE, more, 20)
    assert (change.same_past, change.ratio) == (True, 1.0)
    extended = checkpoints.restore("20", Run(more)).train(6)
    assert extended.rates[0] == COSINE(20)
    assert extended.rates[-1] == 0.0

    # The longer cosine is another one at every count after the warmup.
    longer = wo.warmup_cosine(0.05, warmup_steps=4, total_steps=40, end_value=0.005)
    change = wo.compare(COSINE, longer, 20)
    assert change.first_difference == 5
    assert change.ratio > 5


SCHEDULES = [
    STABLE,
    WSD,
    COSINE,
    wo.constant(0.05),
    wo.with_cooldown(WSD, begin=10, steps=6),
    wo.warmup_cosine_restarts(0.05, warmup_steps=4, cycle_steps=5),
    STABLE * 0.5,
    optax.cosine_decay_schedule(0.1, 10),
]


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, optax.lion, lambda s: optax.MultiSteps(optax.adam(s), 2)])
def test_a_schedule_adds_nothing_to_the_state(optimizer):
    """Any schedule can be resumed with any other: the state has the same structure, and the same leaves."""
    params = {"w": jnp.ones(3)}
    states = [optimizer(schedule).init(params) for schedule in SCHEDULES]
    assert len({jax.tree.structure(state) for state in states}) == 1
    assert len({str(jax.tree.map(jax.typeof, state)) for state in states}) == 1


def test_a_bare_number_has_another_state():
    """`wo.constant(0.05)`, not 0.05, for a rate that may later become a schedule."""
    params = {"w": jnp.ones(3)}
    number, schedule = (optax.adamw(rate).init(params) for rate in (0.05, wo.constant(0.05)))
    assert jax.tree.structure(number) != jax.tree.structure(schedule)


class TestCompare:
    def test_fields(self):
        old, new = wo.linear(1.0, 0.0, 8), wo.linear(1.0, 0.0, 16)
        change = wo.compare(old, new, 4)
        transfer = wo.transfer_peak(old, new, total_steps=8, new_total_steps=16)
        assert change == wo.nodes.Comparison(
            4, 0.5, 0.75, first_difference=1, past_difference=0.1875 / 0.8125, transfer=transfer
        )
        assert (change.same_past, change.ratio) == (False, 1.5)
        with pytest.raises(dataclasses.FrozenInstanceError):
            change.count = 3  # pyright: ignore[reportAttributeAccessIssue]

    @pytest.mark.parametrize(
        ("old", "new", "count", "here", "before"),
        [
            (
                STABLE,
                STABLE,
                10,
                "stays 0.05",
                "at every count before it the two schedules are the same, bit for bit",
            ),
            (STABLE, 0.1, 0, "changes from 0 to 0.1", "there is no past"),
            (
                STABLE,
                STABLE * 0.5,
                10,
                "changes from 0.05 to 0.025 (0.5 times)",
                "before it the two schedules differ from count 1 on, by up to 50 %",
            ),
            (
                wo.join([STABLE, 0.1], [8]),
                STABLE,
                10,
                "changes from 0.1 to 0.05 (0.5 times)",
                "before it the two schedules differ from count 8 on, by up to 50 %",
            ),
            (
                0.1,
                wo.linear(0.2, 0.1, 4),
                5,
                "stays 0.1",
                "before it the two schedules differ from count 0 on, by up to 50 %; the shapes differ, and "
                "transfer_peak multiplies a tuned peak by 1.17 (0.99 to 1.40)",
            ),
        ],
    )
    def test_a_sentence(self, old, new, count, here, before):
        assert str(wo.compare(old, new, count)) == f"at count {count} the value {here}; {before}"

    def test_the_factor_of_another_shape(self):
        """Of whole runs: as long as the decay of each, or of the one that has one."""
        cosine = wo.warmup_cosine(0.05, warmup_steps=4, total_steps=20)
        for old, new, lengths in (
            (cosine, WSD, (20, 20)),
            (STABLE, WSD, (20, 20)),
            (WSD, 0.05, (20, 20)),
            (cosine, wo.warmup_cosine(0.05, warmup_steps=4, total_steps=60), (20, 60)),
        ):
            expected = wo.transfer_peak(old, new, total_steps=lengths[0], new_total_steps=lengths[1])
            assert wo.compare(old, new, 0).transfer == expected
        given = wo.compare(cosine, WSD, 0, total_steps=15)
        assert given.transfer == wo.transfer_peak(cosine, WSD, total_steps=15)
        assert str(given).endswith(f"transfer_peak multiplies a tuned peak by {given.transfer}")

    @pytest.mark.parametrize(
        ("old", "new", "count"),
        [
            (STABLE, STABLE * 3, 10),  # one shape
            (STABLE, wo.with_cooldown(STABLE, begin=10, steps=4), 10),  # one past: the peak is behind it
            (STABLE, 0.1, 10),  # no length
            (STABLE, optax.cosine_decay_schedule(0.1, 10), 0),  # no length that is known
            (STABLE, wo.linear(0.1, -0.1, 10), 0),  # no learning rate
            (STABLE, wo.linear(0.1, 0.0, 2**30), 0),  # longer than a guard may take
            (COSINE, wo.warmup_cosine(0.05, warmup_steps=4, total_steps=20, end_value=0.00501), 0),
        ],
    )
    def test_no_factor(self, old, new, count):
        assert wo.compare(old, new, count).transfer is None

    def test_ratio_at_zero(self):
        assert wo.compare(0.0, 0.1, 3).ratio == math.inf
        assert wo.compare(0.0, -0.1, 3).ratio == -math.inf
        assert wo.compare(0.0, 0.0, 3).ratio == 1.0
        assert wo.compare(0.1, 0.0, 3).ratio == 0.0

    @pytest.mark.parametrize("count", [1, 65_535, 65_536, 65_537, 200_000])
    def test_every_count_before_is_looked_at(self, count):
        """Also across the blocks in which the past is evaluated, and no count after it."""
        for at in {0, count // 2, count - 1}:
            blip = wo.piecewise_constant([1.0, 2.0, 1.0], [at, at + 1])
            change = wo.compare(1.0, blip, count)
            assert (change.first_difference, change.past_difference) == (at, 0.5)
            assert change.ratio == 1.0
        later = wo.compare(1.0, wo.piecewise_constant([1.0, 2.0], [count + 1]), count)
        assert (later.same_past, later.past_difference, later.ratio) == (True, 0.0, 1.0)

    def test_rounding_is_distinguished_from_another_schedule(self):
        """Optax's own cosine is the same curve, rounded in another way."""
        theirs = optax.warmup_cosine_decay_schedule(0.0, 0.05, 4, 20, 0.005)
        change = wo.compare(theirs, COSINE, 18)
        assert change.past_difference < 1e-5
        assert change.ratio == pytest.approx(1.0, rel=1e-5)

    def test_a_guard(self):
        """From a restored state to a decision in one line."""
        run = Run(STABLE).train(10)
        for new, fine in ((wo.with_cooldown(STABLE, begin=10, steps=4), True), (STABLE * 10, False)):
            change = wo.compare(STABLE, new, wo.update_count(run.opt_state))
            assert (abs(change.ratio - 1) < 0.01) is fine

    @pytest.mark.parametrize(
        ("arguments", "error", "says"),
        [
            ((None, STABLE, 3), TypeError, "old must be"),
            ((STABLE, "fast", 3), TypeError, "new must be"),
            ((STABLE, STABLE, -1), ValueError, "count must be .* >= 0, got -1"),
            ((STABLE, STABLE, 2.5), ValueError, "count"),
            ((STABLE, STABLE, [1, 2]), TypeError, "count"),
        ],
    )
    def test_bad_arguments(self, arguments, error, says):
        with pytest.raises(error, match=f"compare: {says}"):
            wo.compare(*arguments)

    def test_bad_length(self):
        with pytest.raises(ValueError, match=r"compare: total_steps must be .* >= 1, got 0"):
            wo.compare(STABLE, COSINE, 3, total_steps=0)

    def test_traced_numbers_raise_errors(self):
        with pytest.raises(TypeError, match=r"compare: new must be .*; compare outside of jit"):
            jax.jit(lambda new: wo.compare(STABLE, new, 3).ratio)(STABLE)
        with pytest.raises(TypeError, match=r"compare: count must be a number known before tracing"):
            jax.jit(lambda count: wo.compare(STABLE, STABLE, count).ratio)(3)


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (1.0, "100 %"),
        (0.999, "100 %"),
        (0.5, "50 %"),
        (0.0123, "1.2 %"),
        (1e-4, "0.01 %"),
        (2e-5, "0.002 %"),
        (1.19e-7, "1.2e-5 %"),
        (1e-9, "1e-7 %"),
        (2.0, "200 %"),
    ],
)
def test_percentages_are_written_as_people_write_them(fraction, shown):
    assert str(wo.nodes.Comparison(9, 1.0, 1.0, 3, fraction)).endswith(f"from count 3 on, by up to {shown}")


def test_a_run_that_has_not_begun():
    """Without a count, the two plans differ from count 0 on, and no past is compared."""
    old, new = wo.linear(1.0, 0.0, 100), wo.cosine(1.0, 0.0, 100)
    assert wo.compare(old, new) == wo.compare(old, new, 0)
    assert wo.compare(old, new).count == 0


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        (wo.linear(1.0, 0.1, 100), 100),
        (wo.warmup_cosine(1.0, warmup_steps=10, total_steps=80), 80),
        (wo.constant(1.0), None),
        (wo.linear(0.1, 1.0, 100), None),  # it rises
        (wo.join([wo.linear(1.0, 0.2, 50), 0.1], [100]), None),  # a phase that the user wrote
        # The product still falls.
        (wo.linear(1.0, 0.5, 100) * wo.exponential(1.0, decay_rate=0.5, transition_steps=9), None),
        (wo.shift(wo.linear(1.0, 0.0, 100), -200), None),  # over before the run
    ],
)
def test_the_end_of_a_decay(schedule, end):
    """Where `compare` takes the run to end: a decay that is over, and stays."""
    assert compare._end(schedule) == end
