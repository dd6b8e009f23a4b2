"""`compat.big_vision` compared with the tables of Big Vision, and its rules in float64."""

import numpy as np
import pytest
from support import golden, rules

import warmup_optax as wo
from warmup_optax.compat import big_vision

CASES = golden.cases("big_vision")
REFUSED = {  # in the words of the original
    "warmup-not-below-total": "warmup_steps is >= total_steps",
    "two-durations": "Only one of 'warmup_percent, warmup_steps' should be defined",
    "unknown": "decay_type must be one of",
}
COUNTS = np.append(np.arange(130), [1000, 54321])


def make(name, **kwargs):
    return getattr(big_vision, name)(**kwargs)


@pytest.fixture(scope="module")
def built():
    return {case.id: golden.build(case, make) for case in CASES if not case.raises_at_construction}


@pytest.fixture(scope="module")
def rates(built):
    return rules.values(built, {case.id: case.steps for case in CASES if not case.raises_at_construction})


@pytest.mark.parametrize("case", CASES, ids=golden.name)
def test_the_table(case, built, rates):
    if case.raises_at_construction:
        with pytest.raises(ValueError, match=REFUSED[case.id]):
            golden.build(case, make)
        return
    golden.compare(rates[case.id], golden.held(case.values), case.tolerance, steps=case.steps)
    golden.check_saved(built[case.id])


def drawn(random, name, most, total, batch, data):
    """An argument for a duration, and the steps that it means."""
    steps = int(random.integers(1, most))
    exact = steps + random.uniform(-0.4, 0.4)
    return [
        ({f"{name}_steps": steps, f"{name}_percent": -1}, steps),
        ({f"{name}_examples": exact * batch, f"{name}_epochs": None}, steps),
        ({f"{name}_epochs": exact * batch / data}, steps),
        ({f"{name}_percent": exact / total}, steps),
    ][random.integers(4)]


def test_the_rules():
    random, schedules, expected, n = np.random.default_rng(0), [], [], COUNTS.astype(float)
    for i, decay_type in enumerate(["stair", "linear", "polynomial", "cosine", "rsqrt"] * 50):
        total, batch = random.integers([40, 1], [120, 600]).tolist()
        data, base, scaled = batch * 17.3, random.uniform(1e-3, 1), random.choice([True, False]).item()
        durations = {
            name: drawn(random, name, most, total, batch, data)
            for name, most in {
                "warmup": total - 1,
                "cooldown": total,
                "timescale": total,
                "shift": 20,
            }.items()
            if i % 50 >= 10  # with all of them absent now and then: few kinds of structure are fast
        }
        defaults = {"warmup": 0, "cooldown": 0, "timescale": 10_000, "shift": random.choice([0, 2.5]).item()}
        warmup, cooldown, timescale, shift = (
            durations.get(name, ({}, steps))[1] for name, steps in defaults.items()
        )
        events = (np.cumsum(random.integers(1, 40, 3))).tolist()
        mults, power = random.uniform(0, 2, len(events)).tolist(), random.choice([0.5, 1.0, 2.0]).item()
        end = random.uniform(0, 0.5)
        kwargs = {"steps": events, "mults": mults, "power": power, "shift": defaults["shift"]}
        kwargs["end" if decay_type == "polynomial" else "linear_end"] = end
        for given, _ in durations.values():
            kwargs |= given
        schedules.append(
            big_vision.create_learning_rate_schedule(
                total, batch, data, base, decay_type, scale_with_batchsize=scaled, **kwargs
            )
        )
        lr = base * batch / 256 if scaled else base
        left = np.interp(n, [warmup, total], [1, 0])
        line = end + (lr - end) * left**power
        rate = {
            "stair": lr * np.array([1.0, *mults])[np.searchsorted(events, n, side="right")],
            "linear": line,
            "polynomial": line,
            "cosine": lr * np.sin(np.pi / 2 * left) ** 2,
            "rsqrt": lr * (1 + (np.fmax(n - warmup, 0) + shift) / timescale) ** -0.5,
        }[decay_type]
        rate = rate * np.fmin(n / warmup, 1) if warmup else rate
        expected.append(rate * np.fmin((total - n) / cooldown, 1) if cooldown else rate)
    rules.agree(schedules, expected, COUNTS)


@pytest.mark.parametrize(("total", "warmup"), [(0, 0), (0, 6), (1, 1), (1, 6)])
@pytest.mark.parametrize("decay_type", ["polynomial", "cosine"])
def test_a_debug_run_may_be_shorter_than_its_warmup(decay_type, total, warmup):
    """The decay then runs backwards, or has no length: NaN in the one step that is affected."""
    n = np.arange(12.0)
    with np.errstate(all="ignore"):
        left = 1 - np.clip((n - warmup) / np.float64(total - warmup), 0, 1)
    curve = {"polynomial": 0.1 + 0.4 * left**2, "cosine": 0.5 * np.sin(np.pi / 2 * left) ** 2}[decay_type]
    rates = np.asarray(
        big_vision.create_learning_rate_schedule(
            total, base=0.5, decay_type=decay_type, warmup_steps=warmup, power=2, end=0.1
        )(n.astype(int))
    )
    expected = curve * (np.fmin(n / warmup, 1) if warmup else 1)
    known = np.isfinite(expected)
    golden.compare(rates[known], expected[known], golden.EXACT)
    assert np.isfinite(rates).all()


def test_a_duration_without_what_converts_it_is_not_given():
    schedule = big_vision.create_learning_rate_schedule(10, warmup_epochs=3, cooldown_examples=9)
    assert schedule([0, 9]).tolist() == [1.0, 1.0]


def test_lengths_need_not_be_whole():
    n = np.arange(60)
    schedule = big_vision.create_learning_rate_schedule(
        40.5, decay_type="cosine", warmup_steps=2.5, cooldown_steps=7.25
    )
    wave = np.sin(np.pi / 2 * np.interp(n, [2.5, 40.5], [1, 0])) ** 2
    expected = wave * np.fmin(n / 2.5, 1) * np.fmin((40.5 - n) / 7.25, 1)
    golden.compare(wo.sample(schedule, n), expected, golden.EXACT, near_zero=1e-6)


def test_of_equal_steps_the_last_counts():
    schedule = big_vision.create_learning_rate_schedule(10, steps=[3, 3, 5], mults=[0.5, 0.25, 0.125])
    assert schedule([2, 3, 5]).tolist() == [1.0, 0.25, 0.125]


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        (
            {"decay_type": "step"},
            ValueError,
            "decay_type must be one of 'stair', .*, got 'step'",
        ),
        ({"warmpu_steps": 3}, TypeError, "warmpu_steps must be one of .*, got 3; write warmup_steps=3"),
        (
            {"warmup_steps": 10},
            ValueError,
            r"warmup_steps must be a number below total_steps \(10\), got 10",
        ),
        (
            {"warmup_percent": 1.5},
            ValueError,
            r"warmup_percent must be a fraction <= 1 of total_steps, got 1\.5",
        ),
        (
            {"warmup_steps": 2, "warmup_epochs": 1},
            ValueError,
            "warmup_epochs must be None or left out, where warmup_steps is given, got 1",
        ),
        (
            {"steps": [5, 3], "mults": [0.5, 0.1]},
            ValueError,
            r"steps\[1\] must be greater than the one before it, 5, got 3",
        ),
        ({"decay_type": "linear", "base": np.nan}, ValueError, "base must be a finite number, got nan"),
        ({"decay_type": "linear", "power": 0}, ValueError, "power must be a finite number > 0, got 0"),
        (
            {"decay_type": "rsqrt", "timescale": 5, "shift": -5},
            ValueError,
            "shift must be a finite number > -5, got -5",
        ),
        (
            {"decay_type": "rsqrt", "timescale": -1},
            ValueError,
            "timescale must be a finite number > 0, got -1",
        ),
        (
            {"scale_with_batchsize": True},
            TypeError,
            "batch_size must be a number for scale_with_batchsize, got None",
        ),
    ],
)
def test_errors_speak_of_what_was_written(kwargs, error, message):
    with pytest.raises(error, match=rf"^compat\.big_vision\.create_learning_rate_schedule: {message}"):
        big_vision.create_learning_rate_schedule(10, **kwargs)
