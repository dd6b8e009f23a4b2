"""`compat.levanter` compared with the tables of Levanter, and its rules in float64."""

import contextlib
import math

import numpy as np
import pytest
from support import golden, rules

import warmup_optax as wo
from warmup_optax.compat import levanter

COUNTS = np.arange(140)
WARNS = {
    "cycle_length-uneven": UserWarning,
    "haps": DeprecationWarning,
    "cooldown": DeprecationWarning,
}


@golden.each(golden.cases("levanter"))
def test_the_table(case):
    warned = WARNS.get(case.id)
    with pytest.warns(warned) if warned else contextlib.nullcontext():
        golden.run(case, lambda name, **kwargs: getattr(levanter, name)(**kwargs))


# ------------------------------------------------------------------------ the rules, in float64
def length(given, total):
    return int(given * total) if given <= 1 else int(given)


def fallen(t, kind, numbers, top, ratio, ramp, fall):
    """The decay of a cycle at its own step ``t``."""
    low = top * ratio
    if fall == 0:
        return top
    if kind == "linear":
        return top + (low - top) * min(t / fall, 1)
    if kind == "cosine":
        wave = (1 + math.cos(math.pi * min(t / fall, 1))) / 2
        return low + (top - low) * wave ** numbers.get("exponent", 1)
    if kind == "inv_sqrt":
        return max(low, top * min(1, math.sqrt(numbers.get("timescale", 10000) / max(t + ramp, 1))))
    if kind == "inv":
        return max(low, top / ((1 / ratio - 1) * max(t, 1) / fall + 1))
    if kind == "polynomial":
        return low + (top - low) * max(1 - t / fall, 0) ** numbers["power"]
    if kind == "inv_sqrt_decay":
        return max(low, top / math.sqrt(1 + numbers["decay_constant"] * t / fall))
    if kind == "power":
        tokens = t * numbers["batch_size"] * numbers["seq_length"]
        return min(top, numbers["batch_size"] * numbers["a"] * tokens ** numbers["b"]) if t > 0 else top
    return top


def rule(total, top, ratio, warmup, decay, rewarmup, ends, kind, numbers):
    """The rates of all counts: every phase from its begin on, a later one over the earlier ones."""
    values, last, ends = np.zeros(len(COUNTS)), 0.0, [0, *ends, total]

    def lay(begin, curve):
        for n in range(max(begin, 0), len(COUNTS)):
            values[n] = curve(n - begin)

    for i in range(len(ends) - 1):
        begin, steps = ends[i], ends[i + 1] - ends[i]
        ramp = min(length(rewarmup if i else warmup, steps), steps)
        fall = steps - ramp if decay is None else min(length(decay, steps), steps - ramp)
        shape = (kind, numbers, top, ratio, ramp, fall)
        if ramp:
            lay(begin, lambda t, a=last, w=ramp: a + (top - a) * min(t / w, 1))
        if steps != ramp + fall:
            lay(begin + ramp, lambda t: top)
        lay(ends[i + 1] - fall, lambda t, shape=shape: fallen(t, *shape))
        last = fallen(fall, *shape)
    return values


def some(rng, low=1e-3, high=1.0):
    return float(f"{rng.uniform(low, high):.3g}")


KINDS = ["constant", "linear", "cosine", "inv_sqrt", "inv", "power", "polynomial", "inv_sqrt_decay"]


def random_case(rng):
    """Random numbers in one of sixteen structures, as each is a part of the compiled program."""
    case = int(rng.integers(16))
    pick, kind = np.random.default_rng(case), KINDS[case % 8]
    warms, rewarms, cut = (
        pick.random() < 0.8,
        pick.random() < 0.7,
        pick.choice(["", "ends", "lengths", "length"]),
    )
    part = pick.choice(["none", "some", "all"])

    top, ratio = some(rng), some(rng, 0.01, 0.6)
    total = 72 if cut == "length" else int(rng.integers(60, 120))
    warmup, rewarmup = (
        rng.choice([0.1, 0.25, 3, 7, 15]).item() if wanted else 0 for wanted in (warms, rewarms and cut)
    )
    decay = {"none": None, "some": rng.choice([0.2, 0.5, 4, 11]).item(), "all": 1}[part]
    numbers, given = {}, kind
    if kind == "cosine" and pick.random() < 0.5:
        numbers = {"exponent": some(rng, 1.5, 3)}
        given = levanter.CosineLrSchedule(**numbers)
    if kind == "inv_sqrt":
        numbers = {"timescale": rng.choice([1, 5, 20]).item()}
        given = levanter.InvSqrtLrSchedule(**numbers)
    if kind == "power":
        numbers = {"batch_size": 4, "seq_length": 16, "a": some(rng, 0.01, 0.2), "b": some(rng, -1.5, -0.2)}
        given = levanter.PowerLrSchedule(**numbers)
    if kind == "polynomial":
        numbers = {"power": some(rng, 0.5, 3)}
        given = {"type": "polynomial", **numbers}
    if kind == "inv_sqrt_decay":
        numbers = {"decay_constant": some(rng, 5, 40)}
        given = levanter.InvSqrtDecayLrSchedule(**numbers)
    ends, cycles = {
        "": ([], {}),
        "ends": ([total // 4, total // 2], {"cycles": [total // 4, total // 2]}),
        "lengths": ([21, 40], {"cycle_length": [21, 19]}),
        "length": ([18, 36, 54], {"cycle_length": 18} if pick.random() < 0.5 else {"cycles": 4}),
    }[cut.item()]
    arguments = {"learning_rate": top, "min_lr_ratio": ratio, "warmup": warmup, "rewarmup": rewarmup}
    arguments |= {"decay": decay, "lr_schedule": given, **cycles}
    return total, arguments, (total, top, ratio, warmup, decay, rewarmup, ends, kind, numbers)


def test_random_arguments():
    rng = np.random.default_rng(15)
    cases = [random_case(rng) for _ in range(200)]
    schedules = [levanter.lr_scheduler(total, **arguments) for total, arguments, _ in cases]
    expected = [rule(*given) for _, _, given in cases]
    rules.agree(schedules, expected, COUNTS, tolerance=1e-6)  # a later warmup starts at a float32


@pytest.mark.parametrize("kind", ["constant", "linear", "cosine", "inv_sqrt", "inv"])
def test_a_warmup_longer_than_its_cycle(kind):
    """It is as long as its cycle then, and the next cycle starts at the highest rate."""
    numbers = {"learning_rate": 1.0, "min_lr_ratio": 0.3, "warmup": 12, "rewarmup": 9, "lr_schedule": kind}
    for cycles in ([10], [4, 10]):
        schedule = levanter.lr_scheduler(16, **numbers, cycles=cycles)
        expected = rule(16, 1.0, 0.3, 12, None, 9, cycles, kind, {})
        golden.compare(wo.sample(schedule, COUNTS), expected, golden.EXACT, steps=COUNTS)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"warmup": 2.5}, r"warmup must be a fraction between 0 and 1, or a whole number of steps, got 2\.5"),
        ({"warmup": -1}, "warmup must be a fraction between 0 and 1, or a whole number of steps, got -1"),
        (
            {"lr_schedule": "poly"},
            "lr_schedule must be one of 'constant', 'cosine', 'linear', 'inv_sqrt', 'inv', got 'poly'",
        ),
        (
            {"lr_schedule": "power"},
            "lr_schedule must be one of 'constant', 'cosine', 'linear', 'inv_sqrt', 'inv', got 'power'",
        ),
        ({"lr_schedule": 3}, r"lr_schedule must be a string or one of this module's \.\.\.LrSchedule, got 3"),
        ({"cycles": 2, "cycle_length": 5}, "cycle_length must be None where cycles is given, got 5"),
        ({"cycles": 2.5}, "cycles must be a whole number or a list"),
        (
            {"cycle_length": [10, 15]},
            r"cycle_length must be lengths with a sum of at most the run's 20 steps, got \[10, 15\]",
        ),
        (
            {"cycle_length": "5"},
            "cycle_length must be a finite number, got '5'; write the number without quotes",
        ),
        ({"cycle_length": 0}, "cycle_length must be at least one step"),
        ({"lr_schedule": "inv", "min_lr_ratio": 0.0}, r"min_lr_ratio must be a finite number > 0, got 0\.0"),
        ({"learning_rate": "0.1"}, "learning_rate must be"),
        ({"lr_schedule": {"type": "poly"}}, r"lr_schedule\['type'\] must be one of 'constant'"),
        (
            {"lr_schedule": {"type": "inv_sqrt", "power": 2}},
            r"lr_schedule\['power'\] must be left out, got 2",
        ),
        ({"lr_schedule": {"type": "power", "seq_length": 9}}, r"lr_schedule\['batch_size'\] must be given"),
        ({"cycles": [12, 8]}, r"cycles must be in increasing order, up to the run's 20 steps"),
    ],
)
def test_errors_speak_of_what_was_written(kwargs, message):
    with pytest.raises((TypeError, ValueError), match=rf"^compat\.levanter\.lr_scheduler: {message}"):
        levanter.lr_scheduler(20, **kwargs)


def test_the_power_schedule_checks_its_numbers():
    with pytest.raises(ValueError, match=r"lr_scheduler: b must be a finite number < 0, got 0\.5"):
        levanter.lr_scheduler(20, lr_schedule=levanter.PowerLrSchedule(4, 16, b=0.5))
