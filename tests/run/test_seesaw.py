"""A ramp of batch sizes in place of a part of a decay, against a simulation in integers."""

import math
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

COSINE = wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=10_000)


def simulated(rates, batch_size, doublings):
    """Update by update: the examples before each, its batch size, and the count whose rate the old run had."""
    top = max(range(len(rates)), key=rates.__getitem__)
    seen, found = 0, []
    while True:
        count, rest = divmod(seen, batch_size)
        assert rest == 0
        # The rate has fallen to 1/2, 1/4, ... of its peak at one of the counts up to this one.
        low = min(rates[top : count + 1], default=rates[top])
        halvings = sum(low <= rates[top] / 2**j for j in range(1, doublings + 1))
        size = batch_size * 2**halvings
        if seen + size > len(rates) * batch_size:
            return found
        found.append((seen, size, count))
        seen += size


def random_schedule(generator, steps):
    warmup = generator.randrange(steps // 3)
    end = generator.choice([0.0, 0.0, 0.01, 0.2])
    return generator.choice(
        [
            lambda: wo.warmup_cosine(1e-3, warmup_steps=warmup, total_steps=steps, end_value=1e-3 * end),
            lambda: wo.warmup_linear(1e-3, warmup_steps=warmup, total_steps=steps, end_value=1e-3 * end),
            lambda: wo.warmup_stable_decay(
                1e-3, warmup_steps=warmup, decay_steps=steps // 2, total_steps=steps, end_value=1e-3 * end
            ),
            lambda: wo.warmup_piecewise_constant(
                [1e-3, 2e-4, 1e-4], [warmup + steps // 3, warmup + steps // 2], warmup_steps=warmup
            ),
        ]
    )()


def fitting(rates, batch_size, doublings):
    """Return whether the largest batch has an update."""
    updates = simulated(rates, batch_size, doublings)
    return bool(updates) and updates[-1][1] == batch_size * 2**doublings


MORE = [pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 10)]


@pytest.mark.parametrize("seed", [0, 1, *MORE])
def test_a_simulation_in_integers(seed):
    """1,000 random plans, 100 here: the examples, the batch and the rate of every update, and their number."""
    generator = random.Random(seed)
    planned = refused = 0
    while planned < 100:
        steps, batch_size = generator.randrange(20, 400), generator.randrange(1, 50)
        doublings = generator.randrange(1, 6)
        schedule = random_schedule(generator, steps)
        rates = wo.sample(schedule, range(steps)).astype(np.float64).tolist()
        if not fitting(rates, batch_size, doublings):
            refused += 1
            with pytest.raises(ValueError, match=r"seesaw: doublings must be at most \d"):
                wo.seesaw(schedule, total_steps=steps, batch_size=batch_size, doublings=doublings)
            continue
        planned += 1
        new, run = wo.seesaw(schedule, total_steps=steps, batch_size=batch_size, doublings=doublings)
        expected = simulated(rates, batch_size, doublings)
        assert run.total_steps == len(expected)
        seen = [run.examples(n) for n in range(run.total_steps + 1)]
        assert seen[:-1] == [x for x, _, _ in expected]
        assert np.diff(seen).tolist() == [size for _, size, _ in expected]
        factors = [math.sqrt(size // batch_size) * rates[count] for _, size, count in expected]
        # A factor, a rate and a product, each rounded to float32.
        # All at the same number of counts, so that a schedule of each number of segments is one program.
        np.testing.assert_allclose(wo.sample(new, range(400))[: len(expected)], factors, rtol=2e-7)
    assert refused  # errors were among the plans


def test_the_figure_of_the_paper():
    """About 36 % fewer updates for a cosine to 0 (abstract), and the limit of more doublings is near it."""
    run = wo.seesaw(COSINE, total_steps=10_000, batch_size=256, doublings=3).run
    assert run.total_steps == 6415
    assert 1 - run.total_steps / 10_000 == pytest.approx(0.36, abs=0.005)  # "approximately 36 %"
    many = wo.seesaw(COSINE, total_steps=10_000, batch_size=256, doublings=8).run
    assert 0.36 < 1 - many.total_steps / 10_000 < 0.38


def test_the_noise_of_the_updates_is_that_of_the_old_run():
    """Rate / sqrt(batch size) at every number of examples."""
    new, run = wo.seesaw(COSINE, total_steps=10_000, batch_size=256, doublings=3)
    for n in range(0, run.total_steps, 97):
        seen, size = run.examples(n), run.examples(n + 1) - run.examples(n)
        assert float(new(n)) / math.sqrt(size) == pytest.approx(
            float(COSINE(seen // 256)) / math.sqrt(256), rel=3e-7
        )


def test_the_ramp_and_the_clock():
    new, run = wo.seesaw(wo.linear(1.0, 0.0, 64), total_steps=64, batch_size=10, doublings=2)
    assert run == wo.TrainingRun(batch_size=[(0, 10), (320, 20), (480, 40)], total_steps=44)
    assert new([0, 31, 32, 40]).tolist() == pytest.approx([1, 33 / 64, math.sqrt(2) / 2, 0.5])
    assert wo.from_config(wo.to_config(new)) == new
    float_counts = wo.seesaw(wo.linear(1.0, 0.0, 64), total_steps=64.0, batch_size=10, doublings=2.0)
    assert float_counts == (new, run)


def test_a_fall_of_several_halvings_at_one_count():
    """The batch grows in one step, and the rate keeps the remainder of the decay."""
    stairs = wo.piecewise_constant([1.0, 0.1], [32])
    new, run = wo.seesaw(stairs, total_steps=64, batch_size=2, doublings=3)
    assert run.batch_size == ((0, 2), (64, 16))
    assert run.total_steps == 32 + 4
    assert new([31, 32]).tolist() == pytest.approx([1.0, 0.1 * math.sqrt(8)])


def test_a_function_of_a_count():
    new, run = wo.seesaw(
        lambda count: 1 / (1 + count).astype(jnp.float32), total_steps=64, batch_size=1, doublings=2
    )
    assert run.batch_size == ((0, 1), (1, 2), (3, 4))
    assert float(new(2)) == pytest.approx(2 / 4)  # 3 examples, a batch of 4


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"doublings": 9}, ValueError, "doublings must be at most 8: .*, got 9; set doublings=8"),
        ({"doublings": 0}, ValueError, "doublings must be .* >= 1, got 0"),
        ({"doublings": 10**30}, ValueError, "doublings must be at most 8"),
        (
            {"schedule": wo.constant(1.0)},
            ValueError,
            "doublings must be at most 0: .*; give a schedule that decays to half of its peak",
        ),
        (
            {"schedule": wo.warmup_linear(1.0, warmup_steps=9, total_steps=10_000, end_value=0.3)},
            ValueError,
            "doublings must be at most 1",
        ),
        (
            {"schedule": wo.warmup_cosine_restarts(1.0, warmup_steps=9, cycle_steps=100)},
            ValueError,
            r"schedule\(109\) must be at most schedule\(108\) = .*; give one decay, without restarts",
        ),
        (
            {"schedule": wo.piecewise_linear([1.0, 0.25, 0.375, 0.0], [0, 90, 91, 200])},
            ValueError,
            r"schedule\(91\) must be at most schedule\(90\) = 0.25: no rise after the peak, got 0.375",
        ),
        ({"schedule": wo.linear(1.0, -1.0, 100)}, ValueError, r"schedule\(51\) must be a finite number >= 0"),
        ({"schedule": 0.0}, ValueError, "schedule must be above 0 at one of the counts"),
        ({"total_steps": 0}, ValueError, "total_steps must be"),
        ({"total_steps": 1, "schedule": wo.linear(1.0, 0.0, 9)}, ValueError, "doublings must be at most 0"),
        ({"batch_size": 1.5}, ValueError, "batch_size must be a whole number >= 1, got 1.5"),
        ({"schedule": "cosine"}, TypeError, "schedule must be"),
    ],
)
def test_bad_arguments(arguments, error, says):
    given = {"schedule": COSINE, "total_steps": 10_000, "batch_size": 256, "doublings": 2} | arguments
    with pytest.raises(error, match=f"seesaw: {says}"):
        wo.seesaw(given.pop("schedule"), **given)


def test_traced_numbers():
    with pytest.raises(TypeError, match="seesaw: schedule must be a schedule without traced numbers"):
        jax.jit(lambda s: wo.seesaw(s, total_steps=10, batch_size=1, doublings=1).schedule(0))(COSINE)
