"""Random schedules, nested at will: what holds for each part holds for every whole.

The examples are the same on every run, and those of a test are in one program; `-m exhaustive` tries more.
Tolerances are in ULP of the largest value: within a random sum or product a small value can be the difference
of large ones. `test_exact_time.py` has their values.
"""

import functools
import pickle
import random

import jax
import numpy as np
import pytest
from support.expressions import names_of_reprs
from support.random_expressions import COMBINATORS, SHAPES, nested
from support.together import together

import warmup_optax as wo

COUNTS = np.unique(
    np.concatenate([np.arange(-3, 260), 2 ** np.arange(9, 31), 2 ** np.arange(9, 32) - 1])
).astype(np.int32)
CALM = {name: make for name, make in COMBINATORS.items() if not name.startswith("stretch")}
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 10))]

seeds = pytest.mark.parametrize("seed", SEEDS)


def schedules(seed, size, combinators=CALM):
    return [expression.on(wo) for expression in nested(3000 + seed, size, combinators)]


def closed_over(every):
    """The values of each at `COUNTS`, their numbers constants of the program."""
    return together(lambda schedule, counts: schedule(counts), [lambda: (COUNTS,)] * len(every), keys=every)


@functools.cache
def wholes(seed):
    """Ten schedules, and the values of each as a part of a program."""
    every = schedules(seed, 10)
    return every, closed_over(every)


def assert_close(got, wanted, ulp, schedule):
    """Within a number of ULP of the largest value."""
    wanted = np.asarray(wanted, np.float64)
    one = np.spacing(np.float32(np.abs(wanted).max())) + np.finfo(np.float32).tiny
    np.testing.assert_allclose(
        np.asarray(got, np.float64), wanted, rtol=0, atol=ulp * one, err_msg=str(schedule)
    )


@seeds
def test_one_value_however_it_is_called(seed):
    """Law 1: under `jit`, as data (half of them) and eager (some) agree; all are finite (law 6)."""
    for i, (schedule, inside) in enumerate(zip(*wholes(seed), strict=True)):
        assert np.all(np.isfinite(inside)), schedule
        if i % 5 == 0:
            assert_close(schedule(COUNTS), inside, 32, schedule)
    every, inside = (x[1::2] for x in wholes(seed))
    data = together(lambda s, c: s(c), [lambda s=s: (s, COUNTS) for s in every])
    for schedule, one, other in zip(every, inside, data, strict=True):
        assert_close(other, one, 32, schedule)


@seeds
def test_a_value(seed):
    """Law 8: equality, hash, `repr` and pickle round-trip for everything that can be built."""
    for schedule, again in zip(schedules(seed, 200), schedules(seed, 200), strict=True):
        assert schedule == again
        assert hash(schedule) == hash(again)
        assert eval(repr(schedule), names_of_reprs()) == schedule
        assert pickle.loads(pickle.dumps(schedule)) == schedule
        assert jax.tree.map(lambda leaf: leaf, schedule) == schedule


FINITE = ["linear", "cosine", "polynomial", "one_minus_sqrt", "geometric", "tanh", "finite_exponential"]


@seeds
def test_constant_after_the_end(seed):
    """Law 3: after its last step a shape is its end value, bit for bit, and before 0 its first."""
    r = random.Random(seed)
    expressions = [SHAPES[name](r) for name in FINITE for _ in range(8)]
    every = [expression.on(wo) for expression in expressions]
    data = together(lambda s, c: s(c), [lambda s=s: (s, COUNTS) for s in every])
    for expression, got in zip(expressions, map(np.asarray, data), strict=True):
        _, end_value, last = expression.args
        assert np.all(got[last <= COUNTS].astype(np.float32) == np.float32(end_value)), expression
        assert np.all(got[COUNTS < 0] == got[COUNTS == 0]), expression


@seeds
def test_cut_and_join_is_the_whole(seed):
    """Law 2: a schedule joined with itself, every phase on the global count, is the schedule."""
    whole, values = wholes(seed)
    r = random.Random(seed)
    cuts = [sorted(r.sample(range(1, 200), 1 + i % 4)) for i in range(len(whole))]
    parts = [
        wo.join([s] * (len(c) + 1), c, offsets=[0] * (len(c) + 1)) for s, c in zip(whole, cuts, strict=True)
    ]
    for schedule, one, other in zip(whole, values, closed_over(parts), strict=True):
        assert_close(other, one, 8, schedule)


@seeds
def test_a_cooldown_does_not_change_earlier_rates(seed):
    """`with_cooldown` is the schedule itself before `begin`; the last bit may differ from program to program."""
    for i, whole in enumerate(schedules(seed, 6)):
        begin = 20 * i + 7
        before = begin > COUNTS
        cooled = np.asarray(wo.with_cooldown(whole, begin=begin, steps=10)(COUNTS))
        assert_close(cooled[before], np.asarray(whole(COUNTS))[before], 1, whole)
