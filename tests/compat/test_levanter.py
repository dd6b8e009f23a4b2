"""`compat.levanter` beside the tables of Levanter's `OptimizerConfig.lr_scheduler`, and its rules in float64."""

import contextlib
import math
import warnings

import golden
import numpy as np
import pytest

import warmup_optax as wo
from warmup_optax.compat import levanter

COUNTS = np.arange(140)
WARNS = {
    "cycle_length-uneven": UserWarning,
    "haps": DeprecationWarning,
    "cooldown": DeprecationWarning,
}


@pytest.mark.parametrize("case", golden.cases("levanter"), ids=golden.name)
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
    if kind == "linear":
        return top + (low - top) * min(t / fall, 1) if fall > 0 else top
    if kind == "cosine":
        wave = (1 + math.cos(math.pi * min(t / fall, 1))) / 2
        return low + (top - low) * wave ** numbers.get("exponent", 1)
    if kind == "inv_sqrt":
        return max(low, top * min(1, math.sqrt(numbers.get("timescale", 10000) / max(t + ramp, 1))))
    if kind == "inv":
        below = (1 / ratio - 1) * max(t, 1) / fall + 1 if fall else math.inf
        return max(low, top * min(1, 1 / below if below else math.inf))
    if kind == "power":
        tokens = t * numbers["batch_size"] * numbers["seq_length"]
        return min(top, numbers["batch_size"] * numbers["a"] * tokens ** numbers["b"]) if t else top
    return top


def rule(total, top, ratio, warmup, decay, rewarmup, ends, kind, numbers):
    """The rates of all counts: every phase from its begin on, a later one over the earlier ones."""
    values, last, ends = np.zeros(len(COUNTS)), 0.0, [0, *ends, total]

    def lay(begin, curve):
        for n in range(max(begin, 0), len(COUNTS)):
            values[n] = curve(n - begin)

    for i in range(len(ends) - 1):
        begin, steps = ends[i], ends[i + 1] - ends[i]
        ramp = length(rewarmup if i else warmup, steps)
        fall = steps - ramp if decay is None else length(decay, steps)
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


def random_case(rng):
    total, top, ratio = int(rng.integers(20, 120)), some(rng), some(rng, 0.01, 0.6)
    warmup, rewarmup = (rng.choice([0, 0.0, 0.1, 0.25, 3, 7, 15]).item() for _ in range(2))
    decay = rng.choice([None, None, 0.2, 0.5, 1, 4, 11, 30])
    kind = rng.choice(["constant", "linear", "cosine", "inv_sqrt", "inv", "power"]).item()
    numbers, given = {}, kind
    if kind == "cosine" and rng.random() < 0.5:
        numbers = {"exponent": float(rng.choice([0.5, 2.0]))}
        given = levanter.CosineLrSchedule(**numbers)
    if kind == "inv_sqrt":
        numbers = {"timescale": float(rng.choice([1, 5, 20]))}
        given = levanter.InvSqrtLrSchedule(**numbers)
    if kind == "power":
        numbers = {"batch_size": 4, "seq_length": 16, "a": some(rng, 0.01, 0.2), "b": some(rng, -1.5, -0.2)}
        given = levanter.PowerLrSchedule(**numbers)
    ends, cut = [], {}
    choice = rng.integers(5)
    if choice == 0:
        cut, ends = {"cycles": 3}, [int(total / 3), int(total / 3 * 2)]
    elif choice == 1:
        cut = {"cycle_length": 18}
        ends = [18 * i for i in range(1, total // 18)]
    elif choice == 2:
        ends = [total // 4, total // 2]
        cut = {"cycles": list(ends)}
    elif choice == 3:
        ends, cut = [6, 15], {"cycle_length": [6, 9]}
    arguments = {"learning_rate": top, "min_lr_ratio": ratio, "warmup": warmup, "rewarmup": rewarmup}
    arguments |= {"decay": decay, "lr_schedule": given, **cut}
    return total, arguments, (total, top, ratio, warmup, decay, rewarmup, ends, kind, numbers)


def test_random_arguments():
    """Where a decay has no steps Optax refuses the cosine, and so does the port."""
    rng, refused = np.random.default_rng(15), 0
    for _ in range(240):
        total, arguments, expected = random_case(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                values = rule(*expected)
            except ZeroDivisionError:
                with pytest.raises(ValueError, match="decay must be above 0 steps"):
                    levanter.lr_scheduler(total, **arguments)
                refused += 1
                continue
            try:
                schedule = levanter.lr_scheduler(total, **arguments)
            except ValueError as error:
                assert "decay must be above 0 steps" in str(error), arguments
                refused += 1
                continue
        golden.compare(wo.sample(schedule, COUNTS), values, golden.EXACT, steps=COUNTS)
    assert refused < 20


def test_every_cycle_has_its_own_floor_of_decay():
    """A warmup longer than the cycle is laid over what follows until the next phase begins."""
    schedule = levanter.lr_scheduler(10, learning_rate=1.0, warmup=20, lr_schedule="inv", min_lr_ratio=0.5)
    assert schedule([0, 10, 19, 20, 29, 31]).tolist() == [0.0, 0.5, pytest.approx(0.95), 1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"warmup": 2.5}, r"Invalid fraction 2\.5\. Must be between 0 and 1"),
        ({"warmup": -1}, "Invalid fraction -1"),
        ({"lr_schedule": "poly"}, "Unknown lr_schedule: poly"),
        ({"lr_schedule": "power"}, "Unknown lr_schedule: power"),
        ({"lr_schedule": 3}, "lr_schedule must be a string or an instance of LrSchedule, got 3"),
        ({"cycles": 2, "cycle_length": 5}, "Can't use both cycle_length and cycles"),
        ({"cycles": 2.5}, "cycles must be a whole number or a list"),
        ({"cycle_length": [10, 15]}, "Cycle lengths exceed total number of steps: 25 > 20"),
        ({"cycle_length": "5"}, "Invalid cycle_length"),
        ({"cycle_length": 0}, "cycle_length must be at least one step"),
        ({"lr_schedule": "inv", "min_lr_ratio": 0.0}, "min_lr_ratio must be above 0 for inv"),
        ({"learning_rate": "0.1"}, "learning_rate must be"),
        ({"warmup": 1}, "decay must be above 0 steps for a cosine, got 0"),
    ],
)
def test_errors_speak_of_what_was_written(kwargs, message):
    with pytest.raises((TypeError, ValueError), match=rf"^compat\.levanter\.lr_scheduler: {message}"):
        levanter.lr_scheduler(20, **kwargs)


def test_the_power_schedule_checks_its_numbers():
    with pytest.raises(ValueError, match="expects a > 0 and b < 0"):
        levanter.PowerLrSchedule(4, 16, b=0.5)
