"""`compat.scenic` compared with the tables of Scenic, and its rules in float64."""

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import scenic

CASES = golden.cases("scenic")
LATE = {  # the logarithm of the original's float64 puts one cycle's m_mul an update late
    "cosine-t_mul3": {242: 0.1 * 0.5**5},
}
MILLIONTH = ("piecewise_linear", "piecewise_linear-up")  # of a step, which the original adds to each line
COUNTS = np.append(np.arange(150), [1000, 3001])


def make(name, **kwargs):
    return getattr(scenic, name)(kwargs)


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
    values = case.corrected(LATE.get(case.id, {})).values
    near_zero = 2e-7 if case.id in MILLIONTH else golden.NEAR_ZERO
    golden.compare(rates[case.id], values, case.tolerance, steps=case.steps, near_zero=near_zero)
    golden.check_saved(built[case.id])


# --------------------------------------------------------------------------- the rules of each factor
def cosine(n, steps_per_cycle, t_mul=1, m_mul=1.0, alpha=0.0, warmup_steps=0, start_decay_step=0, **more):
    length = steps_per_cycle - int(
        warmup_steps / (more.get("total_steps", steps_per_cycle) / steps_per_cycle)
    )
    if length <= 0:
        return np.ones_like(n)
    t, value = np.fmax(n - warmup_steps - start_decay_step, 0), np.full_like(n, np.nan)
    begin, i = 0.0, 0
    while begin <= t.max() and length > 1e-9:
        inside = (begin - 1e-9 <= t) & (t < begin + length - 1e-9)
        wave = 0.5 * m_mul**i * (1 + np.cos(np.pi * (t - begin) / length))
        value = np.where(inside, alpha + (1 - alpha) * wave, value)
        begin, length, i = begin + length, length * t_mul, i + 1
    last = np.flatnonzero(np.isfinite(value))[-1]  # of cycles that get shorter
    return np.where(np.arange(n.size) > last, value[last], value)


FACTORS = {
    "constant": lambda n, base_learning_rate, **_: base_learning_rate + 0 * n,
    "polynomial": lambda n, decay_steps, end_factor, power, **_: (
        end_factor + (1 - end_factor) * (np.fmax(decay_steps - n, 0) / decay_steps) ** power
    ),
    "piecewise_constant": lambda n, decay_events, decay_factors, **_: np.array([1.0, *decay_factors])[
        np.searchsorted(decay_events, n)
    ],
    "piecewise_linear": lambda n, decay_events, decay_factors, **_: np.interp(
        n, [0, *decay_events], [1, *decay_factors]
    ),
    "linear_warmup": lambda n, warmup_steps, warmup_alpha=0, **_: (
        np.interp(n, [0, warmup_steps], [warmup_alpha, 1]) if warmup_steps else 1 + 0 * n
    ),
    "rsqrt_decay": lambda n, warmup_steps=0, timescale=10_000, **_: np.sqrt(
        timescale / (timescale + np.fmax(n - warmup_steps, 0))
    ),
    "decay_every": lambda n, steps_per_decay, decay_factor, **_: decay_factor ** (n // steps_per_decay),
    "exponential_decay": lambda n, decay_steps, decay_rate, staircase=False, **_: (
        decay_rate ** (n // decay_steps if staircase else n / decay_steps)
    ),
    "cosine_decay": cosine,
    "linear_cooldown": lambda n, total_steps, cooldown_steps, warmup_steps=0, **_: np.fmin(
        (total_steps - np.fmax(n, warmup_steps)) / cooldown_steps, 1
    ),
}


def rule(config):
    """The rate of each count, from the factors in their order."""
    n, ratio = COUNTS.astype(float), 1.0
    for name in config["factors"].split("*"):
        if name == "linear_decay":
            begin, end = config.get("warmup_steps", 0), config.get("end_learning_rate", 0.0)
            left = np.interp(n, [begin, config["total_steps"]], [1, 0])
            ratio = end + (ratio - end) * left
        else:
            ratio = ratio * FACTORS[name](n, **config)
    return ratio


STRINGS = [
    "polynomial*constant",
    "constant*piecewise_constant",
    "linear_warmup*piecewise_linear*constant",
    "constant*rsqrt_decay*linear_warmup",
    "constant*decay_every",
    "constant*linear_warmup*exponential_decay",
    "constant*linear_warmup*cosine_decay",
    "constant*linear_warmup*linear_decay",
    "linear_decay*exponential_decay*constant*linear_decay",
    "constant*rsqrt_decay*linear_cooldown",
]


def drawn(random, string, case):
    """Entries for a string of factors, those that others use among them; ``case`` chooses their structure."""
    some = random.integers(1, 60, 6).tolist()
    ratios = random.uniform(0.1, 1, 6).tolist()
    return {
        "factors": string,
        "base_learning_rate": ratios[0],
        "warmup_steps": some[0],
        "warmup_alpha": ratios[1],
        "decay_steps": some[1],
        "end_factor": random.choice([0.0, 0.1, 1.2]).item(),
        "power": random.choice([0.5, 1.0, 2.0]).item(),
        "decay_events": np.cumsum(random.integers(1, 50, 3)).tolist(),
        "decay_factors": random.uniform(0, 2, 3).tolist(),
        "steps_per_decay": some[2],
        "decay_factor": ratios[2],
        "decay_rate": ratios[3],
        "staircase": case == 1,
        "timescale": random.choice([some[3], 10_000]).item(),
        "steps_per_cycle": some[4] + 2,
        "t_mul": random.choice([1.0, 2.0, 3.0]).item(),
        "m_mul": [0.5, 1.0, 0.7][case],
        "alpha": [0.1, 0.05, 0.0][case],
        "start_decay_step": random.choice([0, 5]).item(),
        "total_steps": some[0] + some[5],
        "cooldown_steps": some[1],
        "end_learning_rate": [0.05, 0.0, 0.01][case],
    }


def test_the_rules():
    random, configs = np.random.default_rng(0), []
    for i, string in enumerate(STRINGS * 21):
        configs.append(drawn(random, string, case=i % 3))
    rules.agree(list(map(scenic.compound_lr_scheduler, configs)), list(map(rule, configs)), COUNTS)


def test_other_cycles():
    """Of lengths that are not whole, that get shorter, and a single one."""
    config = {"factors": "cosine_decay", "steps_per_cycle": 20, "warmup_steps": 4, "alpha": 0.1}
    others = [{"t_mul": 1.5}, {"t_mul": 0.5, "m_mul": 0.8}, {"m_mul": 0.0}, {"t_mul": 0.75}]
    configs = {str(entries): config | entries for entries in others}
    schedules = {name: scenic.compound_lr_scheduler(config) for name, config in configs.items()}
    for name, rates in rules.values(schedules, dict.fromkeys(configs, COUNTS)).items():
        golden.compare(rates, rule(configs[name]), golden.EXACT, near_zero=2e-7, steps=COUNTS)


def test_lengths_need_not_be_whole():
    config = {"warmup_steps": 2.5, "steps_per_cycle": 20.5, "total_steps": 40.25, "cooldown_steps": 7.5}
    config |= {
        "steps_per_decay": 4.5,
        "decay_factor": 0.5,
        "decay_steps": 30.5,
        "end_factor": 0.1,
        "power": 2.0,
    }
    strings = [
        "linear_warmup*cosine_decay*decay_every*linear_cooldown",
        "linear_decay*polynomial*rsqrt_decay",
    ]
    for string in strings:
        entries = config | {"factors": string}
        rates = scenic.compound_lr_scheduler(entries)(COUNTS)
        golden.compare(rates, rule(entries), golden.EXACT, near_zero=1e-6, steps=COUNTS)


def test_only_the_entries_of_its_factors_are_asked_for():
    schedule = scenic.compound_lr_scheduler({"factors": "constant", "base_learning_rate": 0.5, "power": "?"})
    assert schedule([0, 9]).tolist() == [0.5, 0.5]


def test_events_may_be_unsorted_and_factors_too_few():
    """The original counts the events that have passed; past the last factor it has NaN."""
    config = {"factors": "piecewise_constant", "decay_events": [7, 3, 5], "decay_factors": [0.5, 0.25]}
    schedule = scenic.compound_lr_scheduler(config)
    assert schedule([3, 4, 5, 6, 7, 8]).tolist() == [1.0, 0.5, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, r"config must be a mapping with the entry 'factors', which its factors use, got \[\]"),
        (
            {"factors": "constant*warmup"},
            r"factors must be names of factors with \* between.*, got 'warmup'; Unknown factor warmup\.",
        ),
        ({"factors": "constant"}, r"config must be a mapping with the entry.*, got \['factors'\]"),
        ({"factors": "constant", "base_learning_rate": np.nan}, "base_learning_rate must be a finite number"),
        ({"factors": "linear_warmup", "warmup_steps": -1}, "warmup_steps must be .* >= 0, got -1"),
        (
            {"factors": "linear_warmup", "warmup_steps": 2, "warmup_alpha": 2},
            "warmup_alpha must be a finite number <= 1, got 2",
        ),
        ({"factors": "rsqrt_decay", "timescale": 0}, "timescale must be a finite number > 0"),
        (
            {"factors": "decay_every", "steps_per_decay": 0},
            "steps_per_decay must be a finite number > 0, got 0",
        ),
        (
            {"factors": "cosine_decay", "steps_per_cycle": 0},
            "steps_per_cycle must be a finite number > 0, got 0",
        ),
        (
            {"factors": "cosine_decay", "steps_per_cycle": 4, "t_mul": 0},
            "t_mul must be a finite number > 0, got 0",
        ),
        ({"factors": "cosine_decay", "steps_per_cycle": 4, "m_mul": -1}, "m_mul must be a finite number > 0"),
        (
            {"factors": "linear_decay", "warmup_steps": 3, "total_steps": 3},
            r"total_steps must be above warmup_steps \(3\), got 3",
        ),
        (
            {"factors": "linear_cooldown", "total_steps": 9},
            r"config must be a mapping with the entry.*, got \['factors', 'total_steps'\]",
        ),
        (
            {"factors": "piecewise_linear", "decay_events": [5, 3], "decay_factors": [1, 2]},
            r"decay_events\[2\] must be greater than the one before it, 5, got 3",
        ),
    ],
)
def test_errors_speak_of_what_was_written(config, message):
    with pytest.raises(ValueError, match=rf"^compat\.scenic\.compound_lr_scheduler: {message}"):
        scenic.compound_lr_scheduler(config)
