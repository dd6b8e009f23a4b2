"""Units: epochs, examples, tokens and fractions in steps, against loops that count and exact fractions."""

import copy
import dataclasses
import decimal
import json
import math
import pickle
from fractions import Fraction
from typing import Any, NamedTuple

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given

import warmup_optax as wo

RUN: dict[str, Any] = {"num_examples": 1000, "batch_size": 10, "num_epochs": 3}


def test_the_paddle_note():
    """118,287 images at batch 64: 4,000 iterations are 2.16 epochs; of 22,720 images 2.16 epochs are 766."""
    assert round(wo.TrainingRun(num_examples=118_287, batch_size=64).epochs(4000), 2) == 2.16
    run = wo.TrainingRun(num_examples=22_720, batch_size=64, num_epochs=2.16)
    assert run.steps_per_epoch == 355
    assert run.total_steps == run.steps(epochs=2.16) == run.steps(fraction=1) == 766


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("accumulation_steps", [1, 3, 7, [(0, 2), (3, 1), (10, 5)]])
def test_a_loop_that_counts(drop_last, accumulation_steps):
    """Every unit is what a loop over a loader, with the accumulation of `optax.MultiSteps`, counts."""
    num_examples, batch_size, num_epochs, tokens_per_example = 53, 5, 4, 11
    run = wo.TrainingRun(
        num_examples=num_examples,
        batch_size=batch_size,
        num_epochs=num_epochs,
        drop_last=drop_last,
        accumulation_steps=accumulation_steps,
        tokens_per_example=tokens_per_example,
    )
    optimizer = optax.MultiSteps(optax.sgd(0.1), every_k_schedule=run.every_k_schedule)
    state: Any = optimizer.init(jnp.zeros(()))
    with jax.numpy_dtype_promotion("standard"):  # which MultiSteps needs
        update = jax.jit(optimizer.update).lower(jnp.ones(()), state).compile()
    examples = 0
    for epoch in range(num_epochs):
        for first in range(0, num_examples, batch_size):
            size = min(batch_size, num_examples - first)
            if size < batch_size and drop_last:
                continue
            _, state = update(jnp.ones(()), state)
            # every count of examples that this batch completes
            examples += size
            done = int(state.gradient_step)
            assert run.steps(examples=examples) == done
            assert run.steps(tokens=examples * tokens_per_example) == done
            assert run.steps(tokens=(examples + 1) * tokens_per_example - 1) == done
        assert run.steps(epochs=epoch + 1) == int(state.gradient_step)
        if not epoch:
            assert run.steps_per_epoch == int(state.gradient_step)
    assert run.total_steps == int(state.gradient_step)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.29", 0.29),
        ("0.29", np.float64(0.29)),
        ("0.29", np.float32(0.29)),
        ("0.29", jnp.float32(0.29)),
        ("0.29", np.array(0.29)),
        ("0.29", decimal.Decimal("0.29")),
        ("1e-2", 1e-2),
        ("1", 1),
        ("1", 1.0),
        ("1", np.int8(1)),
        ("1/3", Fraction(1, 3)),
        ("1/3", 1 / 3),
        ("0.8", 0.7 + 0.1),
        ("0.3", 0.1 + 0.2),
    ],
)
def test_a_float_is_the_decimal_that_was_written(written, value):
    for total in (10, 100, 300, 12_345, 10**9):
        exact = math.floor(Fraction(written) * total)
        if exact:  # a fraction of less than a step raises an error
            assert wo.TrainingRun(total_steps=total).steps(fraction=value) == exact
        assert wo.TrainingRun(num_examples=total, batch_size=1).steps(epochs=value) == exact


@given(
    st.integers(1, 10**7),
    st.integers(1, 10**4),
    st.integers(1, 9),
    st.booleans(),
    st.decimals(0, 1000, places=4),
)
def test_exact_rational_arithmetic(num_examples, batch_size, accumulation_steps, drop_last, epochs):
    batches = num_examples // batch_size if drop_last else -(-num_examples // batch_size)
    arguments = {"num_examples": num_examples, "batch_size": batch_size, "drop_last": drop_last}
    if not batches:
        with pytest.raises(ValueError, match="or there is no batch"):
            wo.TrainingRun(**arguments)
        return
    run = wo.TrainingRun(**arguments, accumulation_steps=accumulation_steps)
    exact = math.floor(Fraction(epochs) * batches / accumulation_steps)
    assert run.steps(epochs=float(epochs)) == exact
    assert run.steps(epochs=epochs) == exact
    if exact:
        assert wo.TrainingRun(
            **arguments, accumulation_steps=accumulation_steps, num_epochs=float(epochs)
        ) == (wo.TrainingRun(**arguments, accumulation_steps=accumulation_steps, num_epochs=epochs))


@given(st.integers(1, 10**9), st.integers(1, 10**4), st.integers(1, 9), st.integers(0, 10**12))
def test_epochs_is_the_inverse_of_steps(num_examples, batch_size, accumulation_steps, steps):
    run = wo.TrainingRun(
        num_examples=num_examples,
        batch_size=batch_size,
        drop_last=False,
        accumulation_steps=accumulation_steps,
    )
    assert run.steps(epochs=run.epochs(steps)) == steps


def test_a_run_is_a_value():
    run = wo.TrainingRun(**RUN)
    same = wo.TrainingRun(num_examples=np.int32(1000), batch_size=10.0, num_epochs=jnp.asarray(3))
    assert run == same == pickle.loads(pickle.dumps(run)) == copy.deepcopy(run)
    assert hash(run) == hash(same)
    assert run != wo.TrainingRun(**dict(RUN, num_epochs=4))
    assert run != wo.TrainingRun(num_examples=1000, batch_size=10, total_steps=300)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.batch_size = 3  # pyright: ignore[reportAttributeAccessIssue]
    assert type(run.total_steps) is type(run.steps_per_epoch) is type(run.steps(fraction=0.5)) is int


@pytest.mark.parametrize(
    "text",
    [
        "TrainingRun(num_examples=1000, batch_size=10)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=3)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=2.16)",
        "TrainingRun(num_examples=1000, batch_size=10, total_steps=777)",
        "TrainingRun(num_examples=1000, batch_size=10, num_epochs=1, tokens_per_example=1, drop_last=False, "
        "accumulation_steps=4)",
        "TrainingRun(batch_size=((0, 16), (1000, 32)), total_tokens=1000000, tokens_per_example=8)",
    ],
)
def test_repr_is_code(text):
    run = eval(text, {"TrainingRun": wo.TrainingRun})
    assert repr(run) == text
    assert eval(repr(run), {"TrainingRun": wo.TrainingRun}) == run


def test_a_number_of_steps_goes_through():
    run = wo.TrainingRun(**RUN)
    assert run.steps(steps=0) == 0
    assert run.steps(steps=np.int64(12)) == 12
    assert run.steps(epochs=0) == run.steps(fraction=0) == run.steps(examples=0) == 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"num_examples": 0}, ValueError, "num_examples must be a finite number >= 1, got 0"),
        ({"num_examples": 10.5}, ValueError, "num_examples must be a whole number >= 1, got 10.5"),
        ({"num_examples": "10"}, TypeError, "num_examples .* without quotes"),
        ({"batch_size": True}, TypeError, "batch_size .* bool"),
        ({"batch_size": -1}, ValueError, "batch_size"),
        (
            {"batch_size": 1001},
            ValueError,
            "batch_size must be at most num_examples = 1000, .* got 1001; .*drop_last=False",
        ),
        ({"num_epochs": math.nan}, ValueError, "num_epochs"),
        ({"num_epochs": -1}, ValueError, "num_epochs"),
        (
            {"num_epochs": 0.001},
            ValueError,
            "num_epochs must be as long as one step of 10 examples, got 0.001",
        ),
        ({"num_epochs": 0}, ValueError, "num_epochs must be as long as one step"),
        (
            {"total_steps": 301},
            ValueError,
            "one length, got num_epochs=3 and total_steps=301; give one of them",
        ),
        (
            {"num_epochs": None, "total_tokens": 10**6},
            ValueError,
            "tokens_per_example must be given where tokens",
        ),
        (
            {"num_epochs": None, "total_tokens": 99, "tokens_per_example": 10},
            ValueError,
            "total_tokens must be as long as one step of 10 examples, got 99",
        ),
        ({"num_examples": None}, ValueError, "num_examples must be given where epochs"),
        (
            {"num_examples": None, "num_epochs": None, "drop_last": False},
            ValueError,
            "drop_last must be True without num_examples",
        ),
        (
            {"batch_size": [(0, 1), (9, 2)], "drop_last": False},
            ValueError,
            "drop_last must be True for a ramp",
        ),
        ({"batch_size": []}, ValueError, "batch_size must be a whole number >= 1, or pairs"),
        ({"batch_size": {0: 16, 9: 32}}, TypeError, r"write \[\(0, 16\), \(9, 32\)\]"),
        ({"batch_size": [16, 32]}, TypeError, r"batch_size\[0\] must be a pair"),
        ({"batch_size": [(0, 16, 1)]}, TypeError, r"batch_size\[0\] must be a pair"),
        ({"batch_size": [(8, 16)]}, ValueError, r"batch_size\[0\]\[0\] must be 0 examples, got 8"),
        ({"batch_size": [(0, 16), (9, 0)]}, ValueError, r"batch_size\[1\]\[1\] must be .* >= 1, got 0"),
        (
            {"batch_size": [(0, 16), (9, 32), (9, 64)]},
            ValueError,
            r"batch_size\[2\]\[0\] must be more examples than batch_size\[1\]\[0\]=9, got 9; sort the pairs",
        ),
        ({"num_epochs": None, "total_steps": 0}, ValueError, "total_steps"),
        ({"drop_last": 1}, TypeError, "drop_last must be True or False"),
        ({"accumulation_steps": 0}, ValueError, "accumulation_steps"),
        ({"accumulation_steps": [(1, 4)]}, ValueError, "accumulation_steps"),
        ({"accumulation_steps": [(0, 4), (0, 8)]}, ValueError, "accumulation_steps"),
        ({"accumulation_steps": [(0, 4), (5, 0)]}, ValueError, "accumulation_steps"),
        ({"accumulation_steps": [4, 8]}, TypeError, "accumulation_steps"),
        ({"accumulation_steps": {0: 4}}, TypeError, "accumulation_steps"),
        ({"tokens_per_example": 0}, ValueError, "tokens_per_example"),
    ],
)
def test_a_bad_run_raises_an_error(changes, error, says):
    with pytest.raises(error, match=f"TrainingRun: .*{says}"):
        wo.TrainingRun(**RUN | changes)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (
            {},
            TypeError,
            "exactly one of steps, epochs, examples, tokens, fraction must be given, got none",
        ),
        ({"steps": 1, "epochs": 0.5}, TypeError, "exactly one of .* got steps=1 and epochs=0.5"),
        ({"steps": 1.5}, ValueError, "steps must be a whole number >= 0, got 1.5"),
        ({"steps": -1}, ValueError, "steps"),
        ({"epochs": -0.1}, ValueError, "epochs"),
        ({"epochs": math.inf}, ValueError, "epochs"),
        ({"examples": 0.5}, ValueError, "examples"),
        (
            {"fraction": 10},
            ValueError,
            "fraction must be a number between 0 and 1, got 10; divide a percentage",
        ),
        ({"fraction": [0.1]}, TypeError, "fraction"),
        ({"tokens": 10}, ValueError, "tokens_per_example must be given where"),
    ],
)
def test_a_bad_duration_raises_an_error(arguments, error, says):
    with pytest.raises(error, match=f"TrainingRun(.steps)?: .*{says}"):
        wo.TrainingRun(**RUN).steps(**arguments)


def test_a_run_without_a_length_says_so():
    run = wo.TrainingRun(num_examples=1000, batch_size=10)
    assert run.steps(epochs=1.5) == 150
    for ask in (lambda: run.total_steps, lambda: run.steps(fraction=0.1)):
        with pytest.raises(ValueError, match="no length; give num_epochs, total_steps or total_tokens"):
            ask()


def test_a_whole_float_of_many_digits_is_exact():
    """It is no decimal fraction that was cut off, though as many digits are written."""
    run = wo.TrainingRun(num_examples=1, batch_size=1, accumulation_steps=2**20)
    assert run.steps(epochs=float(2**53 - 1)) == 2**33 - 1


@pytest.mark.parametrize("big", [2**53, 2**60 + 1, 10**30 + 7])
def test_exact_of_any_size(big):
    run = wo.TrainingRun(num_examples=big, batch_size=1, total_steps=big)
    assert run.steps_per_epoch == run.steps(epochs=1.0) == run.steps(fraction=1) == big
    assert run.steps(examples=big - 1) == run.examples(big - 1) == big - 1
    assert run.steps(fraction=Fraction(big - 1, big)) == run.steps(epochs=Fraction(big - 1, big)) == big - 1
    third = wo.TrainingRun(num_examples=3 * big, batch_size=1, num_epochs=Fraction(1, 3))
    assert third.total_steps == third.replace().total_steps == big


def test_the_fields_are_the_arguments():
    """`replace` computes the length again, unless it was the argument."""
    epochs = wo.TrainingRun(**RUN)
    assert epochs.total_steps == 300
    assert epochs.replace(batch_size=20) == wo.TrainingRun(**RUN | {"batch_size": 20})
    assert epochs.replace(batch_size=20).total_steps == 150
    steps = wo.TrainingRun(num_examples=1000, batch_size=10, total_steps=300)
    assert steps.replace(batch_size=20).total_steps == 300
    assert steps.replace(total_steps=7).total_steps == 7
    assert steps.replace(total_steps=None, num_epochs=3) == epochs
    assert epochs.replace(num_epochs=None, total_steps=300) == steps
    ramp = wo.TrainingRun(batch_size=((0, 4), (40, 8)), tokens_per_example=2, total_tokens=240)
    for run in (epochs, steps, ramp, wo.TrainingRun(batch_size=8)):
        assert run.replace() == run.__replace__() == copy.copy(run) == run
    with pytest.raises(TypeError, match="TrainingRun: spam must be one of its arguments, num_examples, "):
        epochs.replace(spam=3)
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"write run\.replace\(batch_size=\.\.\.\)"):
        epochs.batch_size = 3  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete 'batch_size'"):
        del epochs.batch_size


# ------------------------------------------------------------------------------- ramps and clocks
class Plan(NamedTuple):
    """The numbers of a run that a training loop needs."""

    run: wo.TrainingRun
    updates: int


@st.composite
def plans(draw):
    """Runs of each kind: a ramp, one batch size, short batches; accumulated or not, or more and more."""
    kind = draw(st.sampled_from(["ramp", "one", "short"]))
    arguments: dict[str, Any] = {
        "accumulation_steps": draw(st.integers(1, 4)),
        "tokens_per_example": draw(st.integers(1, 9)),
        "num_examples": draw(st.integers(20, 200)),
    }
    if kind == "ramp":
        later = draw(st.lists(st.integers(1, 400), max_size=4, unique=True).map(sorted))
        arguments["batch_size"] = [(x, draw(st.integers(1, 60))) for x in (0, *later)]
    else:
        arguments |= {"batch_size": draw(st.integers(1, 20)), "drop_last": kind == "one"}
    if draw(st.booleans()):
        later = draw(st.lists(st.integers(1, 50), max_size=3, unique=True).map(sorted))
        arguments["accumulation_steps"] = [(n, draw(st.integers(1, 5))) for n in (0, *later)]
    updates = draw(st.integers(1, 60))
    return Plan(wo.TrainingRun(**arguments, total_steps=updates), updates)


def loop(plan):
    """A training loop that only counts: (batches, examples) before each update and after the last."""
    run = plan.run
    examples, batches, left_in_epoch = 0, 0, run.num_examples
    seen = [(0, 0)]
    for update in range(plan.updates):
        given = run.accumulation_steps
        window = [k for n, k in given if n <= update][-1] if isinstance(given, tuple) else given
        if isinstance(run.batch_size, tuple):
            size = [size for threshold, size in run.batch_size if threshold <= examples][-1]
            batches, examples = batches + window, examples + size * window
        else:
            for _ in range(window):
                if left_in_epoch < (run.batch_size if run.drop_last else 1):
                    left_in_epoch = run.num_examples
                size = min(run.batch_size, left_in_epoch)
                left_in_epoch -= size
                batches, examples = batches + 1, examples + size
        seen.append((batches, examples))
    return seen


@given(plans(), st.data())
def test_a_simulation_update_by_update(plan, data):
    """Examples, tokens and epochs before every update, and the updates that are complete by any of them."""
    run, seen = plan.run, loop(plan)
    for n, (batches, examples) in enumerate(seen):
        assert run.examples(n) == examples
        assert run.tokens(n) == examples * run.tokens_per_example
        assert run.steps(examples=examples) == run.steps(tokens=examples * run.tokens_per_example) == n
        if n:
            assert run.steps(examples=examples - 1) == n - 1
            assert run.steps(tokens=examples * run.tokens_per_example - 1) == n - 1
        if isinstance(run.batch_size, tuple):
            epochs = Fraction(examples, run.num_examples)
        else:
            epochs = Fraction(batches, run.num_examples // run.batch_size + bool(run._has_short_batches))
        assert run.steps(epochs=epochs) == n
        assert run.epochs(n) == float(epochs)
        assert run.steps(epochs=run.epochs(n)) == n
        for unit, units in {
            "examples": examples,
            "tokens": examples * run.tokens_per_example,
            "epochs": epochs,
        }.items():
            assert at(run._segments(unit), n) == units
    between = data.draw(st.integers(0, seen[-1][1] - 1))
    assert run.steps(examples=between) == max(
        n for n, (_, examples) in enumerate(seen) if examples <= between
    )


def at(segments, n):
    """The units before update ``n`` by the segments of a clock."""
    boundaries, starts, rates, scale = segments
    i = sum(boundary <= n for boundary in boundaries)
    return Fraction(starts[i] + (n - (0, *boundaries)[i]) * rates[i], scale)


def test_segments_are_as_few_as_there_are_batch_sizes():
    run = wo.TrainingRun(batch_size=[(0, 4), (10, 8), (11, 16), (100, 2)], tokens_per_example=5)
    assert run._segments("examples") == ((3, 9), (0, 12, 108), (4, 16, 2), 1)  # at 11 < 12 the 8 are past
    assert run._segments("tokens") == ((3, 9), (0, 60, 540), (20, 80, 10), 1)
    run = wo.TrainingRun(num_examples=48, batch_size=16, accumulation_steps=2)
    assert run._segments("epochs") == ((), (0,), (2,), 3)
    run = wo.TrainingRun(num_examples=10, batch_size=4, drop_last=False, num_epochs=2)
    assert run._segments("examples") == ((2, 3, 5, 6), (0, 8, 10, 18, 20), (4, 2, 4, 2, 4), 1)


def test_accumulation_that_grows():
    """OpenNMT's: 1, 2 and 4 batches; the schedule of `optax.MultiSteps` and the count of updates agree."""
    pairs = [(0, 1), (4, 2), (6, 4)]
    run = wo.TrainingRun(batch_size=8, accumulation_steps=pairs, num_examples=96, num_epochs=1)
    assert [run.examples(n) // 8 for n in range(8)] == [0, 1, 2, 3, 4, 6, 8, 12]
    assert run.total_steps == 7
    assert run._segments("examples") == ((4, 6), (0, 32, 64), (8, 16, 32), 1)
    assert run._segments("epochs") == ((4, 6), (0, 4, 8), (1, 2, 4), 12)
    found = jax.jit(run.every_k_schedule)(jnp.arange(8))
    assert found.dtype == jnp.int32
    assert found.tolist() == [1, 1, 1, 1, 2, 2, 4, 4]
    optimizer = optax.MultiSteps(optax.sgd(1.0), every_k_schedule=run.every_k_schedule)
    state: Any = optimizer.init(jnp.zeros(()))
    done = []
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(12):
            _, state = jax.jit(optimizer.update)(jnp.ones(()), state)
            done.append(int(state.gradient_step))
    assert done == [1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7]
    assert eval(repr(run), {"TrainingRun": wo.TrainingRun}) == run
    assert run.replace(batch_size=4).accumulation_steps == tuple(pairs)
    both = wo.TrainingRun(batch_size=[(0, 4), (10, 8)], accumulation_steps=[(0, 1), (4, 2)])
    assert [both.examples(n) for n in range(7)] == [0, 4, 8, 12, 20, 36, 52]


def test_fifteen_trillion_tokens():
    """Ten million updates, every number beyond int32: exact."""
    sizes = [(0, 96), (10**8, 192), (5 * 10**8, 384)]
    run = wo.TrainingRun(batch_size=sizes, tokens_per_example=4096, total_tokens=15 * 10**12)
    boundaries, starts, rates, scale = run._segments("tokens")
    assert scale == 1
    assert rates == (393_216, 786_432, 1_572_864)
    first = -(-(10**8) // 96)
    second = first + -(-(5 * 10**8 - first * 96) // 192)
    assert boundaries == (first, second)
    assert starts == (0, first * rates[0], first * rates[0] + (second - first) * rates[1])
    assert run.total_steps == second + (15 * 10**12 - starts[2]) // rates[2]
    assert run.total_steps > 10**7
    assert run.tokens(run.total_steps) <= 15 * 10**12 < run.tokens(run.total_steps + 1)


@pytest.mark.parametrize(("start", "increment", "over", "final"), [(16, 8, 5859, 128), (32, 32, 1000, 256)])
def test_the_ramp_of_megatron(start, increment, over, final):
    """`--rampup-batch-size start increment over`, as its calculator steps through it."""
    count = (final - start) // increment
    pairs = [(-(-i * over // count), start + i * increment) for i in range(count + 1)]
    run = wo.TrainingRun(batch_size=pairs)
    consumed = 0
    for n in range(300):
        assert run.examples(n) == consumed
        size = final if consumed > over else start + int(consumed / (over / count)) * increment
        consumed += size


def test_a_lost_clock_raises_an_error():
    with pytest.raises(ValueError, match="unit must be one of 'tokens', 'examples', 'epochs', got 'updates'"):
        wo.TrainingRun(batch_size=8)._segments("updates")
    with pytest.raises(ValueError, match="tokens_per_example must be given where tokens"):
        wo.TrainingRun(batch_size=8)._segments("tokens")
    with pytest.raises(ValueError, match="num_examples must be given where epochs"):
        wo.TrainingRun(batch_size=8)._segments("epochs")
    with pytest.raises(ValueError, match=r"short batches .* no length"):
        wo.TrainingRun(batch_size=8, num_examples=12, drop_last=False)._segments("examples")
    with pytest.raises(ValueError, match=r"shorter than 2\*\*53 tokens"):
        wo.TrainingRun(batch_size=[(0, 1), (2**52, 2)], tokens_per_example=1024)._segments("tokens")


RAMP = wo.TrainingRun(
    num_examples=10**9,
    batch_size=[(0, 96), (10**8, 192), (5 * 10**8, 384)],
    tokens_per_example=4096,
    total_tokens=15 * 10**12,
)


@pytest.mark.parametrize("unit", ["tokens", "examples", "epochs"])
def test_a_schedule_in_a_unit_has_the_rate_of_what_was_seen(unit):
    """Against exact fractions, near every change of the batch size and at both ends of the decay."""
    total = {"tokens": RAMP.tokens, "examples": RAMP.examples, "epochs": lambda n: int(RAMP.epochs(n))}[unit](
        RAMP.total_steps
    )
    schedule = RAMP.in_steps(wo.linear(1.0, 0.0, total), unit=unit)
    segments = RAMP._segments(unit)
    near = [0, *segments[0], RAMP.total_steps]
    counts = [n + i for n in near for i in (-2, -1, 0, 1, 2) if n + i >= 0]
    expected = np.array([float(max(1 - at(segments, n) / total, 0)) for n in counts])
    # 8 ULP of float32, the accuracy of every schedule
    np.testing.assert_allclose(np.asarray(schedule(np.array(counts)), np.float64), expected, rtol=8 * 2**-23)


@given(plans(), st.sampled_from(["tokens", "examples", "epochs"]))
@hypothesis.settings(max_examples=5)  # each may compile a program
def test_in_steps_of_any_plan(plan, unit):
    segments = plan.run._segments(unit)
    schedule = plan.run.in_steps(wo.exponential(1.0, decay_rate=0.5, transition_steps=100), unit=unit)
    expected = [0.5 ** float(at(segments, n) / 100) for n in range(plan.updates)]
    got = np.asarray(schedule(np.arange(plan.updates)), np.float64)
    # 8 ULP, and one more for each halving; a value below the smallest normal float32 is 0
    np.testing.assert_allclose(got, expected, rtol=138 * 2**-23, atol=2.0**-126)


def test_in_steps_is_a_schedule_like_any_other():
    schedule = RAMP.in_steps(wo.warmup_cosine(3e-4, warmup_steps=10**9, total_steps=15 * 10**12))
    assert wo.from_config(json.loads(json.dumps(wo.to_config(schedule)))) == schedule
    assert wo.describe(schedule)
    with pytest.raises(TypeError, match=r"TrainingRun.in_steps: schedule"):
        RAMP.in_steps("linear")


# ------------------------------------------------------------------------------- what other libraries count
def test_what_optax_counts():
    """`MultiSteps` counts updates, `apply_every` calls: the rate of the updates that are made."""
    made = {}
    rate = optax.sgd(lambda count: 10.0 + count)
    for optimizer in (optax.MultiSteps(rate, 4), optax.chain(optax.apply_every(4), rate)):
        state: Any = optimizer.init(jnp.zeros(()))
        with jax.numpy_dtype_promotion("standard"):  # which MultiSteps needs
            update = jax.jit(optimizer.update)
            updates = []
            for _ in range(8):
                change, state = update(jnp.ones(()), state)
                updates.append(-float(change))
        made[type(optimizer).__name__] = [change for change in updates if change]
    assert made["MultiSteps"] == [10, 11]
    assert made["GradientTransformationExtraArgs"] == [4 * 13, 4 * 17]  # the sum of four


@pytest.mark.live
@pytest.mark.filterwarnings("ignore")
def test_what_keras_counts(monkeypatch):
    """With accumulation Keras shows its schedule every call, and applies the last call's rate."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return keras.ops.cast(step, "float32") + 10.0

    with jax.numpy_dtype_promotion("standard"):
        optimizer = keras.optimizers.SGD(Schedule(), gradient_accumulation_steps=4)
        variable = keras.Variable(np.zeros(1, np.float32))
        optimizer.build([variable])
        values = [0.0]
        for _ in range(8):
            optimizer.apply([np.ones(1, np.float32)], [variable])
            values.append(float(variable.value[0]))
    assert [-change for change in np.diff(values) if change] == [13, 17]
    assert int(optimizer.iterations) == 2


def test_traced_numbers_raise_errors():
    with pytest.raises(TypeError, match=r"TrainingRun.steps: epochs .* outside of jit"):
        jax.jit(lambda x: wo.TrainingRun(**RUN).steps(epochs=x))(1.0)
    with pytest.raises(TypeError, match=r"scale_learning_rate: base_value .* outside of jit"):
        jax.jit(lambda x: wo.scale_learning_rate(x, batch_size=512))(1.0)


def test_scale_learning_rate():
    assert wo.scale_learning_rate(0.1, batch_size=8192) == 3.2
    assert wo.scale_learning_rate(0.1, batch_size=768) == 0.3  # not 0.30000000000000004
    assert wo.scale_learning_rate(0.1, batch_size=64, base_batch_size=128) == 0.05
    assert wo.scale_learning_rate(np.float32(0.1), batch_size=256) == 0.1
    assert wo.scale_learning_rate(-0.1, batch_size=512) == -0.2
    assert wo.scale_learning_rate(1e-3, batch_size=1024, rule="sqrt") == 2e-3
    assert wo.scale_learning_rate(1.0, batch_size=512, rule="sqrt") == math.sqrt(2)
    scaled = wo.constant(0.1) * wo.scale_learning_rate(1.0, batch_size=512)
    assert float(scaled(0)) == pytest.approx(0.2, rel=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 32.5}, ValueError, "batch_size must be a whole number >= 1, got 32.5"),
        ({"batch_size": 32, "base_batch_size": 0}, ValueError, "base_batch_size"),
        (
            {"batch_size": 32, "rule": "log"},
            ValueError,
            "rule must be one of 'linear', 'sqrt', got 'log'",
        ),
        ({"base_value": math.nan, "batch_size": 32}, ValueError, "base_value"),
        ({"base_value": wo.constant(0.1), "batch_size": 32}, TypeError, "base_value"),
    ],
)
def test_a_bad_scaling_raises_an_error(arguments, error, says):
    with pytest.raises(error, match=f"scale_learning_rate: .*{says}"):
        wo.scale_learning_rate(**{"base_value": 0.1} | arguments)


@pytest.mark.parametrize(
    ("b2", "steps"),
    [
        (0.999, 2000),
        (np.float32(0.999), 2000),
        (jnp.float32(0.999), 2000),
        (0.99, 200),
        (0.98, 100),
        (0.95, 40),
        (0.9999, 20_000),
        (0.9999999, 20_000_000),
        (0.997, 666),
        (1 - 1 / 1500, 3000),
        (1 - 1 / 7000, 14_000),
        (0.99999996, 50_000_000),
        (decimal.Decimal("0.9999999999999999999"), 2 * 10**19),
        (0, 2),
        (0.0, 2),
    ],
)
def test_adam_warmup_steps(b2, steps):
    assert wo.adam_warmup_steps(b2) == steps


@pytest.mark.parametrize("b2", [1, 1.0, 1.5, -0.1, math.nan])
def test_a_bad_b2_raises_an_error(b2):
    with pytest.raises(ValueError, match=f"adam_warmup_steps: b2 must be .*, got {b2}"):
        wo.adam_warmup_steps(b2)


def test_a_run_of_steps_needs_no_batch_size_for_fractions():
    run = wo.TrainingRun(total_steps=1000)
    assert run.steps(fraction=0.05) == 50
    assert run.steps(fraction=0) == 0
    assert run.steps(steps=7) == 7
    assert repr(run) == "TrainingRun(total_steps=1000)"
    assert eval(repr(run), {"TrainingRun": wo.TrainingRun}) == run
    assert hash(run) == hash(wo.TrainingRun(total_steps=1000))
    assert run.replace(batch_size=8).examples(2) == 16


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: run.steps(examples=8),
        lambda run: run.steps(epochs=1),
        lambda run: run.steps(tokens=8),
        lambda run: run.examples(1),
        lambda run: run.epochs(1),
        lambda run: run.tokens(1),
        lambda run: run.steps_per_epoch,
        lambda run: run.in_steps(0.1, "examples"),
        lambda run: run.in_steps(0.1, "epochs"),
    ],
)
def test_the_other_units_need_a_batch_size(ask):
    run = wo.TrainingRun(total_steps=9, num_examples=90, tokens_per_example=2)
    with pytest.raises(
        ValueError, match="TrainingRun: batch_size must be given where epochs, examples or tokens are"
    ):
        ask(run)


@pytest.mark.parametrize("arguments", [{}, {"num_examples": 9, "num_epochs": 3}, {"total_tokens": 9}])
def test_a_length_in_other_units_needs_a_batch_size(arguments):
    with pytest.raises(ValueError, match="TrainingRun: batch_size must be given, unless the length"):
        wo.TrainingRun(**arguments)


@pytest.mark.parametrize("fraction", [0.001, 0.0199, Fraction(1, 51)])
def test_a_fraction_of_less_than_a_step(fraction):
    """Rounded down it would be no warmup, without a word (senwu/emmental#85)."""
    run = wo.TrainingRun(total_steps=50)
    with pytest.raises(
        ValueError, match="steps: fraction must be 0 or at least 1 / 50, one step of the run, got"
    ):
        run.steps(fraction=fraction)
    assert run.steps(fraction=0.02) == run.steps(fraction=Fraction(1, 50)) == 1
