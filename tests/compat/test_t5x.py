"""`compat.t5x` compared with the tables of T5X, and its rules in float64."""

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import t5x

CASES = golden.cases("t5x")
COUNTS = np.append(np.arange(120), [1000, 54321, 2**24, 2**30])
FACTORS = {
    "constant": lambda t, base, **_: base,
    "linear_warmup": lambda t, warmup, **_: np.fmin(1, t / warmup),
    "linear_decay": lambda t, base, warmup, factor, **_: (
        base * np.where(t < warmup, t / warmup, 1 - factor * (t - warmup))
    ),
    "rsqrt_decay": lambda t, warmup, **_: np.fmax(t, warmup) ** -0.5,
    "rsqrt_normalized_decay": lambda t, warmup, **_: (np.fmax(t, warmup) / warmup) ** -0.5,
    "decay_every": lambda t, factor, per_decay, **_: factor ** (t // per_decay),
    "cosine_decay": lambda t, warmup, per_cycle, **_: (
        0.5 + 0.5 * np.cos(np.pi * (np.fmax(t - warmup, 0) % per_cycle) / per_cycle)
    ),
}
STRINGS = [
    "constant",
    "linear_warmup",
    "constant * linear_warmup * rsqrt_decay",
    "constant*rsqrt_normalized_decay",
    "constant * linear_warmup * rsqrt_normalized_decay",
    "linear_decay",
    " linear_decay *cosine_decay",
    "constant * linear_warmup * decay_every",
    "cosine_decay*linear_warmup*constant",
    "constant * decay_every * cosine_decay * rsqrt_decay",
]


def make(name, **kwargs):
    return getattr(t5x, name)(**kwargs)


@pytest.fixture(scope="module")
def built():
    return {case.id: golden.build(case, make) for case in CASES if not case.raises_at_construction}


@pytest.fixture(scope="module")
def rates(built):
    return rules.values(built, {case.id: case.steps for case in CASES if not case.raises_at_construction})


@pytest.mark.parametrize("case", CASES, ids=golden.name)
def test_the_table(case, built, rates):
    if case.raises_at_construction:
        with pytest.raises(ValueError, match=case.fields["raises"]["message"]):
            golden.build(case, make)
        return
    golden.compare(rates[case.id], golden.held(case.values), case.tolerance, steps=case.steps)
    golden.check_saved(built[case.id])


@np.errstate(all="ignore")
def test_the_rules():
    random, schedules, expected = np.random.default_rng(0), [], []
    for string in STRINGS * 24:
        base, factor = random.uniform(1e-4, 1), random.choice([0.5, 0.02, random.uniform(0, 0.99)])
        warmup, per_decay, per_cycle = random.integers([1, 1, 1], [60, 40, 80]).tolist()
        offset, least = random.choice([-30, 7, 50]).item(), random.choice([1e-8, 0.0, 0.05, -1e12]).item()
        schedules.append(
            t5x.create_learning_rate_scheduler(
                string, base, warmup, factor, per_decay, per_cycle, offset, least
            )
        )
        t, value = np.fmax(COUNTS - offset, 0).astype(float), 1.0
        for name in string.split("*"):
            value = value * FACTORS[name.strip()](
                t, base=base, warmup=warmup, factor=factor, per_decay=per_decay, per_cycle=per_cycle
            )
        expected.append(np.fmax(value, least))
    rules.agree(schedules, expected, COUNTS)


def test_without_a_warmup_the_first_rate_is_finite():
    """T5X divides by 0 there, and by what follows from step 1 on."""
    counts = [0, 1, 4]
    for factors in ("linear_warmup * rsqrt_decay", "rsqrt_decay"):
        assert t5x.create_learning_rate_scheduler(factors, warmup_steps=0)(counts).tolist() == [1, 1, 0.5]
    normalized = t5x.create_learning_rate_scheduler("rsqrt_normalized_decay", warmup_steps=0)
    assert normalized(counts).tolist() == [np.float32(1e-8)] * 3


def test_the_function_of_flax_has_no_minimum():
    schedule = t5x.create_learning_rate_scheduler(warmup_steps=1000, min_learning_rate=0.0)
    assert float(schedule(0)) == 0.0


def test_lengths_need_not_be_whole():
    string = "linear_decay * decay_every * cosine_decay * rsqrt_decay"
    schedule = t5x.create_learning_rate_scheduler(string, 0.5, 2.5, 0.125, 7.5, 20.25, min_learning_rate=-9.0)
    lengths = {"base": 0.5, "warmup": 2.5, "factor": 0.125, "per_decay": 7.5, "per_cycle": 20.25}
    t = np.arange(60.0)
    expected = np.prod([FACTORS[name.strip()](t, **lengths) for name in string.split("*")], 0)
    golden.compare(schedule(t.astype(int)), expected, golden.EXACT, near_zero=1e-6)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"factors": "constant * warmup"},
            r"factors must be names of factors with \* between.*, got 'warmup'; Unknown factor warmup\.",
        ),
        ({"factors": ""}, r"factors must be names of factors with \* between.*, got ''; Unknown factor \."),
        ({"warmup_steps": -1}, "warmup_steps must be a finite number >= 0, got -1"),
        (
            {"factors": "decay_every", "steps_per_decay": 0},
            "steps_per_decay must be a finite number > 0, got 0",
        ),
        ({"factors": "decay_every", "decay_factor": -1}, "decay_factor must be a finite number > 0, got -1"),
        (
            {"factors": "linear_decay", "decay_factor": -1},
            "decay_factor must be a finite number >= 0, got -1",
        ),
        (
            {"factors": "cosine_decay", "steps_per_cycle": 0},
            "steps_per_cycle must be a finite number > 0, got 0",
        ),
        ({"min_learning_rate": float("nan")}, "min_learning_rate must be a finite number, got nan"),
        ({"base_learning_rate": float("inf")}, "base_learning_rate must be a finite number, got inf"),
        ({"step_offset": 0.5}, "step_offset must be a whole number of steps, got 0.5"),
    ],
)
def test_errors_speak_of_what_was_written(kwargs, message):
    with pytest.raises(ValueError, match=rf"^compat\.t5x\.create_learning_rate_scheduler: {message}"):
        t5x.create_learning_rate_scheduler(**kwargs)
