"""`compat.megatron` compared with the tables of Megatron-LM, and its rules in float64."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import golden

import warmup_optax as wo
from warmup_optax.compat import megatron

STYLES = ["linear", "cosine", "constant", "inverse-square-root", "WSD"]
FALLS = {
    "linear": lambda p: 1 - p,
    "cosine": lambda p: (1 + math.cos(math.pi * p)) / 2,
    "exponential": lambda p: 2 * 0.5**p - 1,
    "minus_sqrt": lambda p: 1 - math.sqrt(p),
}
COUNTS = np.arange(160)


@golden.each(golden.cases("megatron"))
def test_the_table(case):
    increment = case.fields.get("increment", 1)
    golden.run(case, lambda name, **kwargs: getattr(megatron, name)(**kwargs, increment=increment))


def rule(n, init_lr, max_lr, min_lr, warmup, total, style, fall, fall_style):
    """The rate after ``n`` of Megatron's steps."""
    if warmup > 0 and n <= warmup:
        return init_lr + (max_lr - init_lr) * n / warmup
    if style == "constant":
        return max_lr
    if n > total:
        return min_lr
    if style == "inverse-square-root":
        return max(min_lr, max_lr * math.sqrt(max(warmup, 1) / max(n, 1)))
    if style != "WSD":
        return min_lr + (max_lr - min_lr) * FALLS[style]((n - warmup) / (total - warmup))
    if n <= total - fall:
        return max_lr
    return min_lr + (max_lr - min_lr) * FALLS[fall_style]((n - total + fall) / fall)


@given(
    rates=st.tuples(*[st.floats(0, 1).map(lambda x: round(x, 3))] * 3).map(sorted),
    warmup=st.one_of(st.integers(0, 60), st.sampled_from([0.5, 2.5, 7.3])),
    more=st.integers(1, 90),
    style=st.sampled_from(STYLES),
    fall=st.integers(0, 80),
    fall_style=st.sampled_from(sorted(FALLS)),
    increment=st.sampled_from([1, 1, 2, 3, 64]),
)
def test_random_arguments(rates, warmup, more, style, fall, fall_style, increment):
    min_lr, init_lr, max_lr = rates
    rest = (math.ceil(warmup) + more, style, fall, fall_style)
    schedule = megatron.OptimizerParamScheduler(
        init_lr,
        max_lr,
        min_lr,
        warmup,
        rest[0],
        style,
        wsd_decay_steps=fall,
        lr_wsd_decay_style=fall_style,
        increment=increment,
    )
    expected = [rule(n * increment, init_lr, max_lr, min_lr, warmup, *rest) for n in COUNTS.tolist()]
    golden.compare(wo.sample(schedule, COUNTS), expected, golden.EXACT, peak=max(max_lr, 1e-3), steps=COUNTS)
    golden.check_saved(schedule)


def test_more_examples_than_an_int32_counts():
    """The lengths are divided by the increment before anything is counted."""
    warmup, total = 4096 * 2000, 4096 * 1_001_000
    schedule = megatron.OptimizerParamScheduler(0.0, 1.0, 0.0, warmup, total, "linear", increment=4096)
    assert schedule([1000, 2000, 501_500, 1_001_000, 2**31 - 1]).tolist() == [0.5, 1.0, 0.5, 0.0, 0.0]


def test_a_decay_without_a_style_never_begins():
    schedule = megatron.OptimizerParamScheduler(0.0, 1.0, 0.0, 10, 50, "WSD", wsd_decay_steps=20)
    assert schedule([5, 30, 31, 100]).tolist() == [0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"min_lr": 2.0}, "min_lr must be a finite number >= 0 and <= 1"),
        ({"init_lr": 2.0}, "init_lr must be"),
        ({"lr_warmup_steps": 50}, "lr_warmup_steps must be below lr_decay_steps=50"),
        ({"lr_decay_style": "sine"}, "lr_decay_style must be one of"),
        ({"lr_decay_style": "WSD"}, "wsd_decay_steps must be a length"),
        ({"increment": 0}, "increment must be a finite number > 0"),
        (
            {"lr_decay_style": "WSD", "wsd_decay_steps": 9, "lr_wsd_decay_style": "sine"},
            "lr_wsd_decay_style must be one of",
        ),
    ],
)
def test_errors_speak_of_what_was_written(kwargs, message):
    good = {"init_lr": 0.0, "max_lr": 1.0, "min_lr": 0.0, "lr_warmup_steps": 5, "lr_decay_steps": 50}
    with pytest.raises(ValueError, match=rf"^compat\.megatron\.OptimizerParamScheduler: {message}"):
        megatron.OptimizerParamScheduler(**good | {"lr_decay_style": "linear"} | kwargs)
