"""`compat.deepspeed` compared with the tables of DeepSpeed's schedulers, and its rules in float64."""

import contextlib
import math

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import deepspeed, torch

CASES = golden.cases("deepspeed")
COUNTS = np.arange(100)


def maker(case, suffix=""):
    def make(name, **kwargs):
        if name == "WarmupCosineLR" or (name == "WarmupLR" and kwargs.get("warmup_max_lr") is None):
            kwargs["lr"] = case.lr
        return getattr(deepspeed, name + suffix)(**kwargs)

    return make


@golden.each(CASES)
def test_the_table(case):
    unknown = case.kwargs.get("warmup_type") == "cosine"
    with pytest.warns(UserWarning, match="unknown warmup_type") if unknown else contextlib.nullcontext():
        golden.run(case, maker(case))


@golden.each([c for c in CASES if "values_momentum" in c.fields])
def test_the_table_of_momenta(case):
    values = [float(x) for x in case.fields["values_momentum"]]
    schedule = golden.build(case, maker(case, "Momentum"))
    golden.compare(schedule(case.steps), values, case.tolerance, steps=case.steps)
    golden.check_saved(schedule)
    assert set(case.fields["values_beta2"]) == {0.99}


@golden.each([c for c in CASES if not c.raises_at_construction])
def test_the_block_of_a_configuration(case):
    unknown = case.kwargs.get("warmup_type") == "cosine"
    with pytest.warns(UserWarning, match="unknown") if unknown else contextlib.nullcontext():
        block = {"type": case.callable, "params": case.kwargs}
        assert deepspeed.from_config(block, lr=case.lr) == golden.build(case, maker(case))


# ---------------------------------------------------------------------------- the rules, in float64
def warmup(n, steps, kind):
    """The fraction of the warmup at update ``n`` >= 1, while ``n - 1 < steps``."""
    return math.log(n) / math.log(steps) if kind == "log" else (n - 1) / steps


def warmup_lr(n, low, high, steps, kind):
    return low if n == 0 else low + (high - low) * (warmup(n, steps, kind) if n <= steps else 1)


def warmup_decay_lr(n, total, low, high, steps, kind):
    if n <= steps:
        return warmup_lr(n, low, high, steps, kind)
    return low + (high - low) * max(0, (total - n + 1) / max(1, total - steps))


def warmup_cosine_lr(n, lr, total, first, steps, last, kind):
    if n == 0:
        return 0
    if n <= steps:
        return lr * (first + (1 - first) * warmup(n, steps, kind))
    fall = math.cos(math.pi * min(1, (n - steps) / max(1, total - steps)))
    return lr * max(0, last + (1 - last) * (1 + fall) / 2)


def height(n, first, second, stairs):
    """The height of the cycle at update ``n``, from 0 to 1."""
    within = n % (first + second)
    rising = within <= first and not (second == 0 and within == first)
    part = within / first if rising else (first + second - within) / second
    count = stairs[0 if rising else 1]
    # A stair is found from the product, whose quotient is whole where the stair begins.
    if count:
        whole = within * count / first if rising else (first + second - within) * count / second
        return math.floor(whole) / count
    return part


def one_cycle(n, low, high, first, second, stairs, rate, size):
    if n < first + second + 1:
        return low + (high - low) * height(n, first, second, stairs)
    return low / (1 + rate * (n - first - second) / size) if size else low


def one_cycle_momentum(n, low, high, first, second, stairs, rate, size):
    if n == 0:
        return low
    if n < first + second + 1:
        return high - (high - low) * height(n, first, second, stairs)
    return high * (1 + rate * (n - first - second) / size) if size else high


def range_test(n, low, size, rate, stairs):
    return low * (1 + rate * (n // size if stairs else n / size))


def some(rng, low=1e-4, high=1.0):
    return float(f"{rng.uniform(low, high):.3g}")


def of_warmup(rng, name):
    low, high, given = some(rng), some(rng), int(rng.integers(1, 40))
    kind, total, steps = rng.choice(["log", "linear"]).item(), int(rng.integers(1, 90)), max(2, given)
    if name == "WarmupLR":
        return deepspeed.WarmupLR(low, high, given, kind), (warmup_lr, low, high, steps, kind)
    if name == "WarmupDecayLR":
        rule = (warmup_decay_lr, total, low, high, steps, kind)
        return deepspeed.WarmupDecayLR(total, low, high, given, kind), rule
    last = some(rng, -0.2, 0.5)
    rule = (warmup_cosine_lr, high, total, low, steps, last, kind)
    return deepspeed.WarmupCosineLR(high, total, low, given, last, kind), rule


def of_cycle(rng, name):
    low, high, rate = some(rng), some(rng), some(rng, 0, 2)
    halves, stairs = (int(rng.integers(8, 30)), int(rng.choice([0, *range(8, 30)]))), (0, 0)
    if rng.random() < 0.3:  # without stairs, which a part of an update more would have one of
        halves = (halves[0] + 0.5, halves[1] + 1.25)
    elif rng.random() < 0.5:
        stairs = [(3, 0), (0, 8), (8, 40)][rng.integers(3)]
        halves = (halves[0], 9) if stairs[1] else halves  # as many stairs each time: one program
    size = int(rng.integers(0, 5))
    arguments = (rate, *halves, *stairs, size)
    if name == "OneCycle":
        schedule = deepspeed.OneCycle(low, high, *arguments)
        return schedule, (one_cycle, low, high, *halves, stairs, rate, size)
    rate = rate - 1
    schedule = deepspeed.OneCycleMomentum(low, high, *arguments, True, low, high, rate)
    return schedule, (one_cycle_momentum, low, high, *halves, stairs, rate, size)


def of_range(rng, name):
    low, size, rate = some(rng), int(rng.integers(1, 30)), some(rng, 0, 3)
    stairs = bool(rng.random() < 0.5)
    return deepspeed.LRRangeTest(low, size, rate, stairs), (range_test, low, size, rate, stairs)


MAKERS = {
    "WarmupLR": of_warmup,
    "WarmupDecayLR": of_warmup,
    "WarmupCosineLR": of_warmup,
    "OneCycle": of_cycle,
    "OneCycleMomentum": of_cycle,
    "LRRangeTest": of_range,
}


@pytest.mark.parametrize("name", MAKERS)
def test_random_arguments(name):
    rng = np.random.default_rng(15)
    schedules, curves = zip(*(MAKERS[name](rng, name) for _ in range(40)), strict=True)
    expected = [np.array([rule(n, *given) for n in COUNTS.tolist()], float) for rule, *given in curves]
    rules.agree(schedules, expected, COUNTS)


# ---------------------------------------------------------------------------- compared with the tables
def test_a_late_start_begins_behind_the_step():
    for make in (
        lambda **late: deepspeed.WarmupLR(0.1, 1.0, 9, **late),
        lambda **late: deepspeed.WarmupDecayLR(30, 0.1, 1.0, 9, "linear", **late),
        lambda **late: deepspeed.WarmupCosineLR(1.0, 30, 0.1, 9, **late),
        lambda **late: deepspeed.OneCycle(0.1, 1.0, cycle_first_step_size=7, **late),
        lambda **late: deepspeed.LRRangeTest(0.1, 5, **late),
    ):
        np.testing.assert_array_equal(make(last_batch_iteration=4)(COUNTS), make()(COUNTS + 5))


def test_a_list_is_of_one_parameter_group():
    assert deepspeed.WarmupLR([0.1], [1.0], 9) == deepspeed.WarmupLR(0.1, 1.0, 9)
    with pytest.raises(ValueError, match="WarmupLR: warmup_max_lr must be a number, or a list of one, got"):
        deepspeed.WarmupLR(0.1, [1.0, 2.0], 9)


def test_a_block_may_name_a_scheduler_of_pytorch():
    block = {"type": "StepLR", "params": {"step_size": 7, "gamma": 0.5}}
    assert deepspeed.from_config(block, lr=0.1) == torch.StepLR(0.1, 7, 0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: deepspeed.WarmupLR(0.0, 0.1, 0),
            "WarmupLR: warmup_num_steps must be a whole number of steps >= 1, got 0",
        ),
        (
            lambda: deepspeed.WarmupLR(0.0, 0.1, 2.5),
            r"WarmupLR: warmup_num_steps must be a whole number of steps >= 1, got 2\.5",
        ),
        (
            lambda: deepspeed.WarmupLR(0.0),
            "WarmupLR: lr must be a number where warmup_max_lr is None, got None",
        ),
        (lambda: deepspeed.WarmupLR("0", 0.1), "WarmupLR: warmup_min_lr must be"),
        (lambda: deepspeed.WarmupDecayLR(9.5), "WarmupDecayLR: total_num_steps must be a whole number"),
        (
            lambda: deepspeed.WarmupCosineLR(0.1, 9, 0, -1),
            "WarmupCosineLR: warmup_num_steps must be a whole number of steps >= 1, got -1",
        ),
        (
            lambda: deepspeed.OneCycle(0.1, 1.0, 0, 0),
            "OneCycle: cycle_first_step_size must be a finite number > 0, got 0",
        ),
        (
            lambda: deepspeed.OneCycle(0.1, 1.0, 0, 4, -1),
            "OneCycle: cycle_second_step_size must be a finite number >= 0, got -1",
        ),
        (
            lambda: deepspeed.OneCycle(0.1, 1.0, -0.5, decay_step_size=1),
            r"OneCycle: decay_lr_rate must be of the sign of decay_step_size \(1\), got -0\.5",
        ),
        (
            lambda: deepspeed.OneCycleMomentum(cycle_momentum=False),
            "OneCycleMomentum: cycle_momentum must be True",
        ),
        (
            lambda: deepspeed.LRRangeTest(0.1, 0),
            "LRRangeTest: lr_range_test_step_size must be a whole number of steps >= 1, got 0",
        ),
        (lambda: deepspeed.from_config({}), "from_config: block must be a mapping with a type"),
        (
            lambda: deepspeed.from_config({"type": "WarmupLR"}),
            "from_config: params must be a mapping of the arguments of the type, got None",
        ),
        (
            lambda: deepspeed.from_config({"type": "Cosine", "params": {}}),
            "from_config: type must be one of 'LRRange",
        ),
        (
            lambda: deepspeed.from_config({"type": "WarmupLR", "params": {"warmup_max_lr": "auto"}}),
            "from_config: warmup_max_lr must be a number, got 'auto'",
        ),
        (
            lambda: deepspeed.from_config({"type": "WarmupCosineLR", "params": {"total_num_steps": 9}}),
            "from_config: lr must be a number for WarmupCosineLR, got None",
        ),
        (
            lambda: deepspeed.from_config({"type": "WarmupLR", "params": {"steps": 9}}),
            "from_config: steps must be one of its arguments, warmup_min_lr, .*, got 9",
        ),
    ],
)
def test_errors_speak_of_what_was_written(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
