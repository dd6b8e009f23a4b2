"""`compat.axlearn` compared with the tables of AXLearn's schedules, and its rules in float64."""

import math

import numpy as np
import optax
import pytest
from support import golden, rules

from warmup_optax.compat import axlearn

COUNTS = np.arange(110)


@golden.each(golden.cases("axlearn"))
def test_the_table(case):
    golden.run(case, lambda name, **kwargs: getattr(axlearn, name)(**kwargs))


# ------------------------------------------------- the rules: functions of the original's own step
def polynomial(s, begin, first, end, last, power=1):
    part = min(max((s - begin) / (end - begin), 0), 1) if end > begin else 0
    return first + (last - first) * part**power if end > begin else first


def exponential(s, begin, first, end, last):
    return math.exp(polynomial(s, begin, math.log(first), end, math.log(last)))


def adafactor(s, scale, warmup, power, offset):
    s = max(s + offset, 0)
    return scale * min(s * warmup ** (power - 1), s**power) if s else 0


def adafactor_decay_rate(s, c, offset):
    return 1 - max(s - offset, 1) ** -c


def decay_bias_correction(s, decay):
    return decay * (1 - decay ** (s - 1)) / (1 - decay**s) if s else 0


def ema_schedule(s, decay, warmup, offset):
    s = max(s - offset, 0)
    return s / (1 + s) if s < warmup else decay


def cosine(s, peak, steps, alpha):
    return peak * (alpha + (1 - alpha) * (1 + math.cos(math.pi * min(s / steps, 1))) / 2)


def segment_wise(s, parts):
    """Parts are pairs of a length and a function of a step that begins at 1 in each part."""
    for steps, curve in parts:
        if s <= steps:
            return curve(max(s, 1)) if s >= 1 else 0
        s -= steps
    raise AssertionError("the last part has no end")


def stepwise(s, curves, starts):
    last = max((i for i, start in enumerate(starts) if s >= start), default=-1)
    return curves[last + 1](s - (starts[last] if last >= 0 else 0))


def some(rng, low=1e-3, high=1.0):
    return float(f"{rng.uniform(low, high):.3g}")


def line(rng):
    """A line, as a port and as its rule."""
    begin, first, last = int(rng.integers(1, 9)), some(rng), some(rng)
    end, power = begin + int(rng.integers(1, 25)), float(rng.choice([0.5, 1, 2]))
    names = {"begin_step": begin, "begin_value": first, "end_step": end, "end_value": last, "power": power}
    return axlearn.polynomial(**names), lambda s: polynomial(s, begin, first, end, last, power)


def a_line(rng):
    """With neither a length nor a power, too."""
    if rng.random() < 0.7:
        return line(rng)
    begin, first, last = int(rng.integers(0, 9)), some(rng), some(rng)
    end, power = begin + int(rng.integers(0, 2)), float(rng.choice([0, 1]))
    names = {"begin_step": begin, "begin_value": first, "end_step": end, "end_value": last, "power": power}
    return axlearn.polynomial(**names), lambda s: polynomial(s, begin, first, end, last, power)


def an_exponential(rng):
    begin, first, last = int(rng.integers(-3, 9)), some(rng), some(rng)
    end = begin + int(rng.integers(1, 60))
    names = {"begin_step": begin, "begin_value": first, "end_step": end, "end_value": last}
    return axlearn.exponential(**names), lambda s: exponential(s, begin, first, end, last)


def a_root(rng):
    warmup = rng.choice([1, 3, 10, 2.5]).item()
    return axlearn.inverse_sqrt(warmup), lambda s: max(s, warmup) ** -0.5


def an_adafactor(rng):
    scale, warmup, offset = some(rng), int(rng.integers(1, 40)), int(rng.integers(0, 60))
    power = some(rng, -2, 0.9)
    port = axlearn.adafactor(scale, warmup_steps=warmup, decay_power=power, step_offset=offset)
    return port, lambda s: adafactor(s, scale, warmup, power, offset)


def a_beta(rng):
    if rng.random() < 0.5:
        c, offset = some(rng, 0.3, 2), int(rng.integers(0, 20))
        return axlearn.adafactor_decay_rate(c, offset), lambda s: adafactor_decay_rate(s, c, offset)
    decay = some(rng, 0.01, 0.999)
    return axlearn.decay_bias_correction(decay), lambda s: decay_bias_correction(s, decay)


def an_average(rng):
    decay, warmup, offset = some(rng), rng.choice([1, 7, 20, 2.5]).item(), int(rng.integers(-9, 20))
    port = axlearn.ema_schedule(decay, warmup_steps=warmup, step_offset=offset)
    return port, lambda s: ema_schedule(s, decay, warmup, offset)


def some_steps(rng):
    curves = [line(rng) for _ in range(3)]
    if rng.random() < 0.5:
        starts = sorted(rng.integers(0, 40, 2).tolist())
        port = axlearn.stepwise([schedule for schedule, _ in curves], starts)
        return port, lambda s: stepwise(s, [rule for _, rule in curves], starts)
    steps = rng.integers(0, 30, 2).tolist()
    port = axlearn.segment_wise([schedule for schedule, _ in curves], segment_steps=steps)
    parts = [(n, rule) for n, (_, rule) in zip([*steps, math.inf], curves, strict=True)]
    return port, lambda s: segment_wise(s, parts)


def a_recipe(rng):
    peak, first, last, alpha = (some(rng) for _ in range(4))
    warmup, hold, rest = (int(rng.integers(0, 30)) for _ in range(3))
    total, begin = warmup + hold + rest, warmup + hold
    up = (warmup, lambda s: polynomial(s, 0, first, warmup, peak))
    held = (hold, lambda s: peak)
    name = rng.choice(["cosine", "stable", "constant", "linear"])
    if name == "cosine":
        rest += 1
        names = {"max_step": total + 1, "warmup_steps": warmup, "begin_value": first, "alpha": alpha}
        names["decay_begin_step"] = begin if hold or rng.random() < 0.5 else None
        port = axlearn.cosine_with_linear_warmup(peak, **names)
        parts = [up, held, (math.inf, lambda s: cosine(s, peak, rest, alpha))]
    elif name == "stable":
        names = {"max_step": total, "decay_begin_step": begin, "begin_value": first, "alpha": alpha}
        port = axlearn.warmup_stable_decay(peak, warmup_steps=warmup, **names)
        parts = [up, held, (math.inf, lambda s: polynomial(s, 0, peak, rest, peak * alpha))]
    elif name == "constant":
        port = axlearn.constant_with_linear_warmup(peak, warmup_steps=warmup, begin_value=first)
        parts = [up, (math.inf, lambda s: peak)]
    else:
        names = {"max_step": total, "warmup_steps": warmup, "begin_value": first, "end_value": last}
        port = axlearn.linear_schedule_with_warmup(peak, **names)
        parts = [up, (math.inf, lambda s: polynomial(s, 0, peak, hold + rest, last))]
    return port, lambda s: segment_wise(s, parts)


MAKERS = [a_line, an_exponential, a_root, an_adafactor, a_beta, an_average, some_steps, a_recipe]


@pytest.mark.parametrize("make", MAKERS)
def test_random_arguments(make):
    """Update ``n`` has the value of the original's own step ``n + 1``."""
    rng = np.random.default_rng(15)
    schedules, curves = zip(*(make(rng) for _ in range(30)), strict=True)
    expected = [np.array([curve(n + 1) for n in COUNTS.tolist()]) for curve in curves]
    rules.agree(schedules, expected, COUNTS)


def test_a_schedule_of_another_library_is_a_function_of_the_own_step():
    line = optax.linear_schedule(1.0, 0.0, 8)
    schedule = axlearn.segment_wise([0.5, line], segment_steps=[4])
    assert schedule([3, 4, 5]).tolist() == [0.5, 0.875, 0.75]
    assert axlearn.stepwise([0.5, line], [4])([2, 3, 4]).tolist() == [0.5, 1.0, 0.875]
    assert axlearn.stepwise([None], [])([7]).tolist() == [1.0]


def test_own_step_0_is_kept_inside():
    """A stepwise schedule begins each part with its own step 0, which no update of the part alone has."""
    line = axlearn.polynomial(end_step=4, end_value=1.0)
    assert line([0]).tolist() == [0.25]
    assert axlearn.stepwise([0.5, line], [3])([1, 2, 3]).tolist() == [0.5, 0.0, 0.25]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: axlearn.polynomial(begin_step=4, end_step=3),
            r"polynomial: begin_step must be <= end_step \(3\), got 4",
        ),
        (lambda: axlearn.polynomial(begin_value="0"), "polynomial: begin_value must be"),
        (lambda: axlearn.polynomial(power=-1), "polynomial: power must be"),
        (
            lambda: axlearn.exponential(begin_value=0.1, end_value=0),
            "exponential: end_value must be a finite number > 0, got 0",
        ),
        (
            lambda: axlearn.exponential(begin_step=1),
            r"exponential: begin_step must be < end_step \(1\), got 1",
        ),
        (lambda: axlearn.inverse_sqrt(0), "inverse_sqrt: warmup_steps must be a finite number > 0, got 0"),
        (
            lambda: axlearn.adafactor(warmup_steps=0),
            "adafactor: warmup_steps must be a whole number of steps >= 1, got 0",
        ),
        (
            lambda: axlearn.adafactor(decay_power=1),
            "adafactor: decay_power must be a finite number < 1, got 1",
        ),
        (
            lambda: axlearn.decay_bias_correction(1.0),
            r"decay_bias_correction: decay must be a finite number >= 0 and < 1, got 1\.0",
        ),
        (
            lambda: axlearn.ema_schedule(warmup_steps=0),
            "ema_schedule: warmup_steps must be a finite number > 0, got 0",
        ),
        (
            lambda: axlearn.stepwise([0.1, 0.2], [5, 6]),
            r"stepwise: start_step must be one step for each of the 2 schedules but the first, got \[5, 6\]",
        ),
        (lambda: axlearn.stepwise([0.1, 0.2, 0.3], [5, 4]), "stepwise: start_step must be >= 0 and in order"),
        (
            lambda: axlearn.segment_wise([0.1], segment_steps=[1]),
            r"segment_wise: segment_steps must be one length for each of the 1 segments but the last, got \[1\]",
        ),
        (
            lambda: axlearn.segment_wise([0.1, 0.2], segment_steps=[-1]),
            r"segment_wise: segment_steps\[0\] must be a whole number of steps >= 0, got -1",
        ),
        (
            lambda: axlearn.cosine_with_linear_warmup(0.1, max_step=9, warmup_steps=9),
            "cosine_with_linear_warmup: max_step must be above 9, so that the decay has steps, got 9",
        ),
        (
            lambda: axlearn.warmup_stable_decay(0.1, max_step=20, decay_begin_step=3, warmup_steps=4),
            r"warmup_stable_decay: decay_begin_step must be >= warmup_steps \(4\), got 3",
        ),
        (
            lambda: axlearn.warmup_stable_decay(0.1, max_step=2, decay_begin_step=3, warmup_steps=1),
            r"warmup_stable_decay: max_step must be >= decay_begin_step \(3\), got 2",
        ),
    ],
)
def test_errors_speak_of_what_was_written(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
