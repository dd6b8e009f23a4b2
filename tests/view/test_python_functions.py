"""Functions of a count that JAX cannot trace: the tools that look at a schedule call them count by count."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

TABLE = [0.1, 0.2, 0.4, 0.8]


def with_if(count):
    """As nanoGPT's ``get_lr``."""
    if count < 100:
        return 6e-4 * (count + 1) / 101
    if count > 1000:
        return 6e-5
    return 6e-5 + 0.5 * (1 + math.cos(math.pi * (count - 100) / 900)) * 5.4e-4


def from_a_list(count):
    return TABLE[min(count, 3)]


def from_a_dict(count):
    return dict(enumerate(TABLE)).get(count, 0.0)


def of_a_loop(count):
    return sum(0.5**i for i in range(count))


def of_jax_with_if(count):
    return jnp.cos(jnp.float32(0.1)) if count < 2 else jnp.float32(0.5)


FUNCTIONS = [with_if, from_a_list, from_a_dict, of_a_loop, of_jax_with_if]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("counts", [range(5), [[0, 3], [2, 1]], 2, np.arange(40, dtype=np.uint8)], ids=str)
def test_sample(function, counts):
    expected = np.vectorize(lambda count: float(function(int(count))))(np.asarray(counts)).astype(np.float32)
    np.testing.assert_array_equal(wo.sample(function, counts), expected)


def test_counts_before_0_have_the_value_at_0():
    assert wo.sample(with_if, [-5, 0]).tolist() == [np.float32(with_if(0))] * 2


def test_real_counts_arrive_as_real_numbers():
    assert wo.sample(with_if, [0.5, 99.5]).tolist() == [np.float32(with_if(0.5)), np.float32(with_if(99.5))]


def test_an_error_of_the_function_is_its_own():
    with pytest.raises(KeyError, match="7"):
        wo.sample(lambda count: {0: 0.1}[count], [0, 7])


def test_a_node_that_cannot_be_traced_raises_as_in_a_call():
    """Only functions of a count are called with Python numbers."""

    class Branching(wo.Schedule):
        value: float

        def evaluate(self, time):
            return self.value if self.value > 0 else 0.0

    for ask in (Branching(1.0), lambda counts: wo.sample(Branching(1.0), counts)):
        with pytest.raises(TypeError, match="traced"):
            ask([0, 7])


def test_each_count_is_called_once():
    """Vectors are padded, and blocks repeat their last count."""
    asked = []
    wo.sample(lambda count: asked.append(count) or (0.1 if count else 0.2), [3, 1, 3, 1])
    assert [count for count in asked if type(count) is int] == [1, 3]


EXPRESSIONS = {
    "join": (lambda f: wo.join([f, wo.linear(1.0, 0.5, 4), f], [10, 20]), lambda n: f_of_join(n)),
    "product": (
        lambda f: wo.as_schedule(f) * wo.linear(1.0, 0.0, 8) * 2,
        lambda n: f(n) * max(1 - n / 8, 0) * 2,
    ),
    "shift": (lambda f: wo.shift(f, 3), lambda n: f(max(n - 3, 0))),
    "restart": (lambda f: wo.restart(f, period=7), lambda n: f(n % 7)),
    "warmup": (lambda f: wo.with_warmup(f, steps=5), lambda n: f(0) * n / 5 if n < 5 else f(n - 5)),
    "two": (
        lambda f: wo.as_schedule(f) + (lambda n: 1.0 if n > 3 else 2.0),
        lambda n: f(n) + (1.0 if n > 3 else 2.0),
    ),
}


def f(count):
    return 0.25 if count < 2 else 1.0 / count


def f_of_join(n):
    if n < 10:
        return f(n)
    return max(1 - (n - 10) / 8, 0.5) if n < 20 else f(n - 20)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_inside_of_other_schedules(name):
    make, expected = EXPRESSIONS[name]
    schedule = make(f)
    for counts in (range(30), [29, 3], [[5]]):
        want = np.vectorize(expected)(np.asarray(counts))
        # a few roundings of float32
        np.testing.assert_allclose(wo.sample(schedule, counts), want, rtol=1e-6)


def test_inside_of_a_clock_of_tokens():
    """The function compares with a number past int32, and receives real counts there."""
    run = wo.TrainingRun(batch_size=1000, tokens_per_example=1000, total_tokens=10**11)
    schedule = run.in_steps(lambda tokens: 1.0 if tokens < 3 * 10**9 else 0.5)
    assert wo.sample(schedule, [0, 2000, 2999, 3000, 90_000]).tolist() == [1.0, 1.0, 1.0, 0.5, 0.5]


def test_in_a_join_of_many():
    """The library evaluates many schedules of one structure as a table."""
    schedule = wo.join([f] * 12, range(10, 120, 10))
    expected = [f(n % 10) if n < 110 else f(n - 110) for n in range(130)]
    np.testing.assert_allclose(wo.sample(schedule, range(130)), expected, rtol=1e-6)  # float32


def test_the_tools():
    ours = wo.warmup_cosine(6e-4, warmup_steps=100, total_steps=1000, end_value=6e-5)
    assert wo.compare(with_if, ours, 500).new_value == wo.sample(ours, 500)
    assert wo.compare(with_if, with_if, 500).same_past
    assert wo.check(with_if, 1000) == []
    assert [finding.name for finding in wo.check(lambda n: -1.0 if n > 5 else 1.0, 10)] == ["negative"]
    assert wo.describe(with_if).splitlines()[1].split() == ["0", "with_if", "5.94059e-06"]
    assert "with_if" in wo.describe(wo.join([with_if, 0.1], [50]))


def test_plot():
    pytest.importorskip("matplotlib").use("agg")
    axes = wo.plot({"theirs": with_if, "list": from_a_list}, 50)
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(y, [with_if(int(count)) for count in x], rtol=1e-6)  # float32
    import matplotlib.pyplot as plt

    plt.close("all")


def test_traced_numbers_still_raise_errors():
    with pytest.raises(TypeError, match="traced"):
        jax.jit(lambda x: wo.sample(wo.as_schedule(f) * x, 3))(1.0)


def test_a_function_that_jax_traces_is_one_program():
    """It is called with a tracer alone, and not once for each count."""
    asked = []
    wo.sample(lambda count: asked.append(count) or jnp.float32(0.5), range(100))
    assert len(asked) == 1
