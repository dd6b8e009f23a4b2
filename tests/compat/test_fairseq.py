"""`compat.fairseq` compared with the tables of fairseq, and its rules in float64."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import golden

import warmup_optax as wo
from warmup_optax.compat import fairseq

LATE = "cosine-tmult3-log243"  # its logarithm of 243 is below 5
COUNTS = np.arange(160)
rates = st.floats(1e-4, 1.0).map(lambda x: float(f"{x:.3g}"))


@golden.each(golden.cases("fairseq"))
def test_the_table(case):
    if case.id == LATE:
        values = [0.1 if step == 242 else value for step, value in zip(case.steps, case.values, strict=True)]
        case.fields.update(values=values)
    golden.run(case, lambda name, **kwargs: getattr(fairseq, name)(**kwargs))


def agree(schedule, rule, skip=()):
    """The schedule follows a rule for the rate of update ``n``."""
    keep = np.setdiff1d(COUNTS, list(skip))
    golden.compare(wo.sample(schedule, keep), [rule(n) for n in keep.tolist()], golden.EXACT, steps=keep)
    golden.check_saved(schedule)


@given(lr=rates, warmup=st.integers(1, 60), init=st.one_of(st.just(-1), rates))
def test_inverse_square_root(lr, warmup, init):
    start = max(init, 0)

    def rule(n):
        return start + n * (lr - start) / warmup if n < warmup else lr * math.sqrt(warmup / n)

    agree(fairseq.InverseSquareRootSchedule(lr, warmup, init), rule)


@given(
    lr=rates,
    sizes=st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 60)),
    scales=st.tuples(st.floats(0, 2), st.floats(1e-3, 2)),
)
def test_tri_stage(lr, sizes, scales):
    (warmup, hold, decay), (first, last) = sizes, scales

    def rule(n):
        if n < warmup:
            return lr * (first + (1 - first) * n / warmup)
        return lr * last ** min(max(n - warmup - hold, 0) / decay, 1)

    agree(fairseq.TriStageLRSchedule([lr], *sizes, init_lr_scale=first, final_lr_scale=last), rule)


@given(
    lr=rates,
    total=st.integers(1, 100),
    warmup=st.integers(0, 60),
    end=st.one_of(st.just(0.0), rates),
    power=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_polynomial(lr, total, warmup, end, power):
    def rule(n):
        if warmup > 0 and n <= warmup:
            return lr * n / warmup
        if n >= total:
            return end
        return (lr - end) * ((total - n) / (total - warmup)) ** power + end

    made = fairseq.PolynomialDecayLRSchedule([lr], total, warmup, end_learning_rate=end, power=power)
    agree(made, rule)


@given(
    lr=rates,
    floor=st.sampled_from([0.0, 0.01, 0.5]),
    warmup=st.integers(0, 40),
    init=st.one_of(st.just(-1), rates),
    period=st.one_of(st.integers(1, 40), st.just(7.5)),
    growth=st.sampled_from([1.0, 2.0, 1.5, 0.5, 0.75]),
    shrink=st.sampled_from([0.1, 0.5, 1.0, 1.2]),
)
def test_cosine(lr, floor, warmup, init, period, growth, shrink):
    low = lr * floor
    start = low if init < 0 else init
    length, begin, cycles = float(period), 0.0, []
    while begin <= len(COUNTS) and length > 1e-6:
        cycles.append((begin, length))
        begin, length = begin + length, length * growth
    last = math.ceil(period / (1 - growth)) - 1 if growth < 1 else math.inf

    def rule(n):
        if n < warmup:
            return start + n * (lr - start) / warmup
        n = min(n - warmup, last)
        i = max(i for i, (begin, _) in enumerate(cycles) if begin <= n + 1e-9)
        begin, length = cycles[i]
        wave = (1 + math.cos(math.pi * (n - begin) / length)) / 2
        return shrink**i * (low + (lr - low) * wave)

    more = {"min_lr": low, "warmup_init_lr": init, "t_mult": growth, "lr_shrink": shrink}
    agree(fairseq.CosineLRSchedule(lr, 0, warmup, lr_period_updates=period, **more), rule)


@given(
    lr=rates,
    above=st.floats(1e-3, 1),
    period=st.integers(2, 60),
    shrink=st.sampled_from([0.1, 0.5, 1.0]),
    shrink_min=st.booleans(),
)
def test_triangular(lr, above, period, shrink, shrink_min):
    half = period // 2

    def rule(n):
        cycle, within = divmod(n, 2 * half)
        low = lr * shrink**cycle if shrink_min else lr
        return low + ((lr + above) * shrink**cycle - low) * (1 - abs(within / half - 1))

    agree(fairseq.TriangularLRSchedule([lr], lr + above, period, shrink, shrink_min), rule)


@given(
    lr=st.lists(rates, min_size=1, max_size=4),
    warmup=st.integers(0, 40),
    anneal=st.one_of(st.none(), st.integers(1, 8)),
    epoch=st.one_of(st.none(), st.integers(1, 40)),
)
def test_fixed(lr, warmup, anneal, epoch):
    def rule(n):
        number = 1 if epoch is None else n // epoch + 1
        rate = lr[min(number, len(lr)) - 1]
        if epoch is not None and anneal is not None and number >= anneal:
            rate = lr[-1] * 0.5 ** (number + 1 - anneal)
        return rate * min((n + 1) / warmup, 1) if warmup else rate

    made = fairseq.FixedLRSchedule(lr, warmup, anneal, lr_shrink=0.5, updates_per_epoch=epoch)
    agree(made, rule)


@pytest.mark.parametrize("growth", [2, 3, 5, 6, 7])
def test_a_restart_is_at_the_update_where_it_is_due(growth):
    schedule = fairseq.CosineLRSchedule(0.1, lr_period_updates=2, t_mult=growth, lr_shrink=1.0)
    due = 2 * np.cumsum(growth ** np.arange(7))
    np.testing.assert_array_equal(np.float32(schedule(due[due < 10**6])), np.float32(0.1))


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("InverseSquareRootSchedule", {"warmup_updates": 0}, "warmup_updates must be"),
        ("InverseSquareRootSchedule", {"lr": [0.1, 0.2]}, "lr must be one rate"),
        (
            "TriStageLRSchedule",
            {"phase_ratio": [0.5, 0.1, 0.1], "max_update": 10},
            "phase_ratio must be three numbers that add up",
        ),
        ("TriStageLRSchedule", {"warmup_steps": 5}, "decay_steps must be a whole number of steps >= 1"),
        ("CosineLRSchedule", {"min_lr": 0.5, "max_update": 9}, "lr must be above min_lr"),
        ("CosineLRSchedule", {}, "max_update must be above warmup_updates"),
        ("TriangularLRSchedule", {"max_lr": 0.01}, "max_lr must be above lr"),
    ],
)
def test_errors_speak_of_what_was_written(name, kwargs, message):
    with pytest.raises(ValueError, match=rf"^compat\.fairseq\.{name}: {message}"):
        getattr(fairseq, name)(**{"lr": [0.1]} | kwargs)
