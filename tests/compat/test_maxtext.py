"""`compat.maxtext` compared with the tables of MaxText, of 2026 and of 2024, and its rules in float64."""

import enum
import types

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import maxtext

CASES = golden.cases("maxtext")
COUNTS = np.arange(160)
OLD = {"cosine_learning_rate_final_fraction": 0.1}  # what base.yml had in 2024


def built_of(case):
    old = OLD if case.fields["callable"].startswith("MaxText.") else {}
    return golden.build(case, lambda name, **kwargs: getattr(maxtext, name)(**kwargs, **old))


@pytest.fixture(scope="module")
def built():
    return {case.id: built_of(case) for case in CASES}


@pytest.fixture(scope="module")
def rates(built):
    return rules.values(built, {case.id: case.steps for case in CASES})


@pytest.mark.parametrize("case", CASES, ids=golden.name)
def test_the_table(case, built, rates):
    golden.compare(rates[case.id], case.values, case.tolerance, steps=case.steps)
    golden.check_saved(built[case.id])


def rule(peak, steps, total, kind, style, final, warmup, decay, old):
    """The rate of each count, from the definition of the phases."""
    warmup, decay = int(total * warmup), int(total * decay)
    begin = warmup if kind == "cosine" else max(warmup, total - decay)
    last = (total if old else total - 1) - begin if kind == "cosine" else decay - 1
    floor, n = peak * final, np.asarray(COUNTS, float)
    up = np.fmin(n, warmup) / warmup if warmup else np.ones_like(n)
    value = peak * up
    if kind == "cosine" and (last > 0 or (last == 0 and not old)):
        part = (n - begin) / last if last else np.ones_like(n)
        value = np.where(n < begin, value, floor + (peak - floor) * (0.5 + 0.5 * np.cos(np.pi * part)))
    elif kind == "wsd" and decay:
        part = (n - begin) / last if last else np.full_like(n, style == "cosine")
        line = floor + (peak - floor) * np.fmax(1 - part, 0)
        down = line if style == "linear" else floor + (peak - floor) * (0.5 + 0.5 * np.cos(np.pi * part))
        value = np.where(n < begin, value, down)
    elif old:  # divides by 0 after the warmup
        value = np.where(n < begin, value, np.nan)
    return np.where((n >= total) & (steps > total), 0, value)


def test_the_rules():
    random, schedules, expected = np.random.default_rng(0), [], []
    for i in range(240):
        total = int(random.integers(1, 120))
        steps = total if i % 2 else int(random.integers(1, 140))
        kind, style = random.choice(["cosine", "wsd"]).item(), random.choice(["linear", "cosine"]).item()
        peak, final = random.uniform(1e-4, 1), random.choice([0.0, 0.1, random.uniform(0, 1.5)]).item()
        warmup, decay = (
            random.choice([0.0, 0.1, 0.25, 1.0]).item(),
            random.choice([0.0, 0.05, 0.5, 0.9]).item(),
        )
        old = i % 5 == 0 and kind == "cosine"
        schedules.append(
            maxtext.create_learning_rate_schedule(
                learning_rate=peak,
                steps=steps,
                learning_rate_schedule_steps=total,
                lr_schedule_type=kind,
                wsd_decay_style=style,
                warmup_steps_fraction=warmup,
                wsd_decay_steps_fraction=decay,
                **{("cosine_" if old else "") + "learning_rate_final_fraction": final},
            )
        )
        expected.append(rule(peak, steps, total, kind, style, final, warmup, decay, old))
    rules.agree(schedules, expected, COUNTS)


def test_a_config_is_a_mapping_or_an_object():
    fields = maxtext.FIELDS | {"steps": 20, "learning_rate_schedule_steps": 10, "lr_schedule_type": "wsd"}
    by_name = maxtext.create_learning_rate_schedule(**fields)
    kinds = enum.Enum("LearningRateScheduleType", {"COSINE": "cosine", "WSD": "wsd"})

    class HyperParameters:
        """MaxText raises a ValueError for an unknown field."""

        def __getattr__(self, name):
            if name not in fields:
                raise ValueError(name)
            return fields[name]

    assert maxtext.create_learning_rate_schedule(fields) == by_name
    assert maxtext.create_learning_rate_schedule(HyperParameters()) == by_name
    named = types.SimpleNamespace(**fields | {"lr_schedule_type": kinds.WSD})
    assert maxtext.create_learning_rate_schedule(named) == by_name
    assert maxtext.create_learning_rate_schedule(named, steps=10) == maxtext.create_learning_rate_schedule(
        **fields | {"steps": 10}
    )


def test_a_config_must_have_what_its_schedule_reads():
    fields = {"learning_rate": 0.5, "steps": 20, "learning_rate_schedule_steps": 10}
    fields |= {"warmup_steps_fraction": 0.1, **OLD}
    assert maxtext.create_learning_rate_schedule(fields) == maxtext.create_learning_rate_schedule(**fields)
    message = (
        "config must be a configuration with learning_rate, wsd_decay_steps_fraction, wsd_decay_style, got"
    )
    with pytest.raises(ValueError, match=message):
        maxtext.create_learning_rate_schedule(
            {k: x for k, x in fields.items() if k != "learning_rate"}, lr_schedule_type="wsd"
        )


def test_a_length_of_minus_1_is_the_other_one():
    ten = maxtext.create_learning_rate_schedule(steps=10, learning_rate_schedule_steps=10)
    assert maxtext.create_learning_rate_schedule(steps=10) == ten
    assert maxtext.create_learning_rate_schedule(steps=-1, learning_rate_schedule_steps=10) == ten


def test_a_warmup_that_was_all_in_2024_holds_its_last_rate():
    schedule = maxtext.create_learning_rate_schedule(
        steps=10, learning_rate=1.0, warmup_steps_fraction=1.0, **OLD
    )
    np.testing.assert_allclose(schedule([8, 9, 10, 99]), [0.8, 0.9, 0.9, 0.9], rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            {"warmup_steps": 10},
            TypeError,
            "warmup_steps must be one of its arguments, config, .*, got 10; write warmup_steps_fraction=10",
        ),
        ({"lr_schedule_type": "linear"}, ValueError, "lr_schedule_type must be one of 'cosine', 'wsd'"),
        ({"wsd_decay_style": "sqrt"}, ValueError, "wsd_decay_style must be one of 'linear', 'cosine'"),
        (
            {"warmup_steps_fraction": -0.1},
            ValueError,
            r"warmup_steps_fraction must be a finite number >= 0 and <= 1, got -0\.1",
        ),
        (
            {"wsd_decay_steps_fraction": 1.1},
            ValueError,
            r"wsd_decay_steps_fraction must be a finite number >= 0 and <= 1, got 1\.1",
        ),
        ({"steps": 2.5}, ValueError, "steps must be a whole number of steps >= -1, got 2.5"),
        (
            {"steps": -1},
            ValueError,
            "steps must be a whole number of steps >= 1, or learning_rate_schedule_steps, got -1",
        ),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate must be a finite number, got nan"),
        (
            OLD | {"learning_rate_final_fraction": 0.1},
            ValueError,
            "cosine_learning_rate_final_fraction must be left out: it is the old name of .*, got 0",
        ),
    ],
)
def test_errors_speak_of_what_was_written(fields, error, message):
    with pytest.raises(error, match=rf"^compat\.maxtext\.create_learning_rate_schedule: {message}"):
        maxtext.create_learning_rate_schedule(**fields)
