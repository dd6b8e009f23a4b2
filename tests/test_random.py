"""Random schedules, nested at will: what holds for each part holds for every whole.

The examples are the same on every run (`derandomize`, in `conftest.py`). Tolerances are in ULP of
the largest value: within a random sum or product a small value can be the difference of large ones.
"""

import functools
import pickle

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.expressions import e

import warmup_optax as wo

COUNTS = np.unique(
    np.concatenate([np.arange(-3, 260), 2 ** np.arange(9, 31), 2 ** np.arange(9, 32) - 1])
).astype(np.int32)

values = st.sampled_from([0.0, 1e-6, 0.03125, 0.1, 0.7, 1.0, 3.0])
positive = st.sampled_from([1e-6, 0.03125, 0.1, 0.7, 1.0])
steps = st.integers(0, 100)
spans = st.integers(1, 100)
boundaries = st.lists(spans, min_size=1, max_size=4, unique=True).map(sorted)
ramps = st.sampled_from([e.linear, e.cosine, e.one_minus_sqrt, e.partial(e.polynomial, power=2)])


def _knots(args, extra):
    levels, bounds = args
    return levels[: len(bounds) + extra], bounds


levels = st.lists(values, min_size=5, max_size=5)
finite_shapes = st.one_of(
    st.builds(e.linear, values, values, steps),
    st.builds(e.cosine, values, values, steps, exponent=st.sampled_from([0.5, 1.0, 2.0])),
    st.builds(
        e.polynomial,
        values,
        values,
        steps,
        power=st.sampled_from([0.5, 1.0, 2.0]),
        origin=st.sampled_from(["end", "init"]),
    ),
    st.builds(e.one_minus_sqrt, values, values, steps),
    st.builds(e.geometric, positive, positive, steps),
)
shapes = finite_shapes | st.one_of(
    st.builds(e.constant, values),
    st.builds(
        e.exponential,
        values,
        decay_rate=st.sampled_from([0.3, 0.9]),
        transition_steps=spans,
        staircase=st.booleans(),
        end_value=st.none() | st.just(0.0),
    ),
    st.builds(e.inverse_sqrt, values, timescale=spans),
    st.builds(e.inverse_time, values, decay_rate=positive, transition_steps=spans),
    st.tuples(levels, boundaries).map(lambda a: e.piecewise_constant(*_knots(a, 1))),
    st.tuples(levels, boundaries).map(lambda a: e.piecewise_linear(*_knots(a, 0))),
)


def _wrap(inner):
    """One combinator around schedules from `inner`."""
    return st.one_of(
        st.tuples(st.lists(inner, min_size=5, max_size=5), boundaries).map(lambda a: e.join(*_knots(a, 1))),
        st.builds(
            e.with_warmup,
            inner,
            steps=steps,
            init_value=values,
            shape=ramps,
            overlap=st.booleans(),
        ),
        st.builds(e.with_cooldown, inner, begin=steps, steps=steps, end_value=values, shape=ramps),
        st.builds(e.shift, inner, st.integers(-50, 50)),
        st.builds(e.restart, inner, period=spans, growth=st.sampled_from([1, 2, 4])),
        st.builds(e.scale, inner, values),
        st.builds(e.clip, inner, min_value=values, max_value=st.just(3.0)),
        st.builds(e.product, inner, inner),
        st.builds(lambda a, b: a + b, inner, inner | values),
        st.builds(lambda a, b: a * b, inner, inner | values),
    )


schedules = st.recursive(shapes, _wrap, max_leaves=4)


def assert_close(got, wanted, ulp):
    """Within so many ULP of the largest value."""
    one = np.spacing(np.float32(np.abs(wanted).max())) + np.finfo(np.float32).tiny
    np.testing.assert_allclose(
        np.asarray(got, np.float64), np.asarray(wanted, np.float64), rtol=0, atol=ulp * one
    )


@given(schedules)
def test_one_value_however_it_is_called(expression):
    """Eager, jit, as data and vmapped over counts agree; all are finite and near the equation."""
    schedule = expression.on(wo)
    eager = schedule(COUNTS)
    assert np.all(np.isfinite(eager))
    assert_close(jax.jit(lambda counts: schedule(counts))(COUNTS), eager, 32)
    assert_close(jax.jit(jax.vmap(lambda s, c: s(c), (None, 0)))(schedule, COUNTS), eager, 32)
    # 8 for each shape, and up to four are multiplied; a restart's cycles are not compared far out,
    # nor is anything beside a jump: here only where float32 knows the count well
    near = COUNTS < 2**20
    assert_close(np.asarray(eager)[near], expression.on(reference)(COUNTS[near]), 64)


@given(schedules)
def test_a_value(expression):
    """Equality, hash, `repr` and pickle round-trip for everything that can be built."""
    schedule, again = expression.on(wo), expression.on(wo)
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert eval(repr(schedule), {**vars(wo), "functools": functools}) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert jax.tree.map(lambda leaf: leaf, schedule) == schedule


@given(finite_shapes)
def test_the_end_is_held_for_ever(expression):
    """After its last step a shape is its end value, bit for bit, and before 0 its first."""
    _, end_value, last = expression.args
    got = expression.on(wo)(COUNTS)
    assert np.all(np.asarray(got)[last <= COUNTS].astype(np.float32) == np.float32(end_value))
    assert np.all(np.asarray(got)[COUNTS < 0] == np.asarray(got)[COUNTS == 0])


@given(schedules, boundaries)
def test_cut_and_join_is_the_whole(expression, cuts):
    """A schedule joined with itself, every phase on the global count, is the schedule."""
    whole = expression.on(wo)
    parts = wo.join([whole] * (len(cuts) + 1), cuts, offsets=[0] * (len(cuts) + 1))
    assert_close(parts(COUNTS), whole(COUNTS), 8)


@given(schedules, steps)
def test_a_cooldown_does_not_touch_what_comes_before(expression, begin):
    """`with_cooldown` is the schedule itself before `begin`, bit for bit."""
    whole = expression.on(wo)
    cooled = wo.with_cooldown(whole, begin=begin, steps=10)
    before = begin > COUNTS
    assert np.array_equal(np.asarray(cooled(COUNTS))[before], np.asarray(whole(COUNTS))[before])
