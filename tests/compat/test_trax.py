"""`compat.trax` compared with the tables of Trax, and its rules in float64."""

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import trax

CASES = golden.cases("trax")
COUNTS = np.append(np.arange(120), [1000, 54321, 2**24, 2**30])
STEPS = COUNTS + 1.0  # Trax's own
STRINGS = [
    "constant",
    "constant * linear_warmup * rsqrt_decay",
    "linear_warmup*rsqrt_normalized_decay * two_constants",
    "constant * rsqrt_decay",
    "two_constants",
    "constant * decay_every",
    "linear_warmup * constant * cosine_decay",
]


def make(name, *, tail_fn=None, **kwargs):
    if isinstance(tail_fn, dict):  # the one without arguments is the function itself
        tail_fn = getattr(trax, tail_fn["callable"].rpartition(".")[2])
    return getattr(trax, name)(**kwargs, **({} if tail_fn is None else {"tail_fn": tail_fn}))


@pytest.fixture(scope="module")
def built():
    return {case.id: golden.build(case, make) for case in CASES if not case.raises_at_construction}


@pytest.fixture(scope="module")
def rates(built):
    return rules.values(built, {case.id: case.steps for case in CASES if not case.raises_at_construction})


@pytest.mark.parametrize("case", CASES, ids=golden.name)
def test_the_table(case, built, rates):
    if case.raises_at_construction:
        with pytest.raises(ValueError, match=r"Unknown factor linear_decay\.|warmup_steps must be .* got 0"):
            golden.build(case, make)
        return
    golden.compare(rates[case.id], golden.held(case.values), case.tolerance, steps=case.steps)
    golden.check_saved(built[case.id])


def test_the_rules_of_multifactor():
    random, schedules, expected = np.random.default_rng(0), [], []
    for string in STRINGS * 30:
        constant, second = random.uniform(1e-4, 1, 2).tolist()
        warmup, per_decay, per_cycle, switch = random.integers(1, 60, 4).tolist()
        factor, minimum = random.choice([0.5, 1.5, random.uniform(0.1, 1)]), random.choice([0, 1e-3]).item()
        if factor > 1:
            per_decay = 2**28  # a growth ends at exp(60)
        schedules.append(
            trax.multifactor(
                string, constant, warmup, factor, per_decay, per_cycle, second, switch, minimum=minimum
            )
        )
        factors = {
            "constant": constant,
            "two_constants": np.where(switch <= STEPS, second, constant),
            "linear_warmup": np.fmin(STEPS / warmup, 1),
            "rsqrt_decay": np.fmax(STEPS, warmup) ** -0.5,
            "rsqrt_normalized_decay": np.fmax(STEPS / warmup, 1) ** -0.5,
            "decay_every": factor ** (STEPS // per_decay),
            "cosine_decay": np.cos(np.pi / 2 * (np.fmax(STEPS - warmup, 0) % per_cycle) / per_cycle) ** 2,
        }
        product = np.prod([np.broadcast_to(factors[f.strip()], STEPS.shape) for f in string.split("*")], 0)
        expected.append(np.fmax(product, minimum))
    rules.agree(schedules, expected, COUNTS)


def test_the_rules_of_the_bodies_and_tails():
    random, schedules, expected = np.random.default_rng(1), [], []
    for i in range(200):
        value, (warmup, begin, cycle) = (
            random.uniform(1e-4, 1),
            random.integers([0, 1, 1], [50, 70, 40]).tolist(),
        )
        low = value / 10
        up = np.fmin(STEPS / (warmup + 1), 1) * value
        sine = np.sin(np.pi / 2 * ((STEPS - begin) % cycle) / cycle) ** 2
        saw = {"tail_start": begin, "tail_fn": trax._CosineSawtoothTail(cycle, low)}
        kind, rule = [
            (trax.constant(value), np.full_like(STEPS, value)),
            (trax.warmup(warmup, value), up),
            (trax.warmup_and_rsqrt_decay(warmup, value), np.fmin(up, value * ((warmup + 1) / STEPS) ** 0.5)),
            (
                trax._BodyAndTail(value, warmup + 1, **saw),
                np.where(np.fmax(warmup + 1, begin) <= STEPS, low * sine + value * (1 - sine), up),
            ),
        ][i % 4]
        schedules.append(kind)
        expected.append(rule)
    rules.agree(schedules, expected, COUNTS)


def test_a_warmup_need_not_be_whole():
    step = np.arange(1.0, 40.0)
    rates = trax.warmup_and_rsqrt_decay(5.5, 0.5)(np.arange(39))
    golden.compare(rates, 0.5 * np.fmin(step / 6.5, (step / 6.5) ** -0.5), golden.EXACT)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("constant", {"value": np.nan}, "value must be a finite number, got nan"),
        ("warmup", {"n_warmup_steps": -1, "max_value": 1.0}, "n_warmup_steps must be .* >= 0, got -1"),
        ("warmup", {"n_warmup_steps": 3, "max_value": np.inf}, "max_value must be a finite number, got inf"),
        (
            "multifactor",
            {"factors": "constant*rsqrt"},
            r"factors must be names of factors with \* between.*, got 'rsqrt'; Unknown factor rsqrt\.",
        ),
        ("multifactor", {"constant": np.nan}, "constant must be a finite number, got nan"),
        ("multifactor", {"warmup_steps": -3}, "warmup_steps must be .* >= 0, got -3"),
        (
            "multifactor",
            {"factors": "decay_every", "steps_per_decay": -1},
            "steps_per_decay must be a finite number > 0, got -1",
        ),
        (
            "multifactor",
            {"factors": "two_constants", "second_constant_step": -1},
            "second_constant_step must",
        ),
        ("multifactor", {"minimum": np.nan}, "minimum must be a finite number, got nan"),
    ],
)
def test_errors_speak_of_what_was_written(name, kwargs, message):
    with pytest.raises(ValueError, match=rf"^compat\.trax\.{name}: {message}"):
        getattr(trax, name)(**kwargs)


def test_a_body_or_a_tail_must_be_given():
    with pytest.raises(
        ValueError, match=r"_BodyAndTail: body_start must be a step, or tail_start one, got None"
    ):
        trax._BodyAndTail(1.0)
    with pytest.raises(
        ValueError, match=r"_BodyAndTail: tail_fn must be a function where a tail_start is given"
    ):
        trax._BodyAndTail(1.0, tail_start=4)
