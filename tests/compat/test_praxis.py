"""`compat.praxis` compared with the tables of Praxis's schedules, and its rules in float64."""

import math

import numpy as np
import pytest
from support import golden, rules

from warmup_optax.compat import praxis

COUNTS = np.arange(110)
CASES = golden.cases("praxis")


def make(name, **kwargs):
    return getattr(praxis, name)(**kwargs)


@golden.each([c for c in CASES if c.id != "cosine-0"])
def test_the_table(case):
    golden.run(case, make)


def test_a_cosine_without_steps_ends_immediately():
    """The original divides 0 by 0 at update 0; from update 1 on it is at its end."""
    case = golden.one("praxis", "cosine-0")
    assert np.isnan(case.values[0])
    golden.compare(golden.build(case, make)(case.steps), np.append(case.values[1], case.values[1:]), 1e-9)


# ------------------------------------------------------------------------ the rules, in float64
def polynomial(n, power, start, limit, origin):
    (x0, y0), (x1, y1) = start, limit
    part = min(max((n - x0) / (x1 - x0), 0), 1)
    return y0 + (y1 - y0) * (part**power if origin == "start" else 1 - (1 - part) ** power)


def exponential(n, start, limit):
    (x0, y0), (x1, y1) = start, limit
    return math.exp(polynomial(n, 1, (x0, math.log(y0)), (x1, math.log(y1)), "start"))


def cosine(n, start, limit):
    angle = polynomial(n, 1, (start[0], 0), (limit[0], math.pi), "start")
    return limit[1] + (start[1] - limit[1]) * (1 + math.cos(angle)) / 2


def ramp(n, warmup, begin, top, decay):
    if n < warmup:
        return top * n / warmup
    return top if n < begin else decay(n - begin)


def piecewise(n, boundaries, values):
    """The value of the interval, or of the next one that is set; 0 if none is before the last boundary."""
    if not boundaries or n >= boundaries[-1]:
        return values[-1]
    for boundary, value in zip(boundaries, values, strict=False):
        if n < boundary and value > 0:
            return value
    return 0


def transformer(n, warmup, dim, end):
    s = (n if end is None else min(n, end)) + 1
    return dim**-0.5 * (min(s * warmup**-1.5, s**-0.5) if warmup else s**-0.5)


def some(rng, low=1e-3, high=1.0):
    return float(f"{rng.uniform(low, high):.3g}")


def points(rng):
    begin = int(rng.integers(-5, 20))
    return (begin, some(rng)), (begin + int(rng.integers(1, 60)), some(rng))


def a_polynomial(rng):
    start, limit = points(rng)
    power, origin = float(rng.choice([0.5, 1, 2, 3])), rng.choice(["start", "limit"]).item()
    name = rng.choice(["Polynomial", "Linear"]).item()
    port = getattr(praxis, name)(power=power, start=start, limit=limit, origin=origin)
    return port, lambda n: polynomial(n, power, start, limit, origin)


def another_curve(rng):
    start, limit = points(rng)
    kind = rng.choice(["cosine", "delayed", "exponential"])
    if kind == "exponential":
        return praxis.Exponential(start, limit), lambda n: exponential(n, start, limit)
    if kind == "delayed":
        return praxis.DelayedCosine(start, limit), lambda n: cosine(n, start, limit)
    steps = limit[0] - start[0]
    port = praxis.Cosine(start[1], limit[1], steps)
    return port, lambda n: cosine(n, (0, start[1]), (steps, limit[1]))


def a_ramp(rng):
    warmup, hold, fall = (int(rng.integers(low, high)) for low, high in [(0, 20), (0, 20), (1, 50)])
    top, ratio, power, first = some(rng), some(rng), float(rng.choice([1, 2])), int(rng.integers(0, 20))
    names = {"warmup_steps": warmup, "decay_start": warmup + hold, "decay_end": warmup + hold + fall}
    names |= {"min_ratio": ratio, "max": top}
    start, limit = (0, top), (fall, top * ratio)
    kind = rng.choice(["Polynomial", "Cosine", "Exponential"]).item()
    if kind == "Polynomial":
        names |= {"power": power}
    if kind == "Cosine":
        names |= {"start_step": first}
    decay = {
        "Polynomial": lambda t: polynomial(t, power, start, limit, "start"),
        "Cosine": lambda t: cosine(t, start, limit),
        "Exponential": lambda t: exponential(t, start, limit),
    }[kind]

    def rule(n):
        if kind != "Cosine":
            return ramp(n, warmup, warmup + hold, top, decay)
        return 1 if n < first else ramp(n - first, warmup, warmup + hold, top, decay)

    return getattr(praxis, f"LinearRampup{kind}Decay")(**names), rule


def some_constants(rng):
    boundaries = sorted(rng.integers(0, 80, 4).tolist())
    values = [some(rng) if rng.random() < 0.7 else float(rng.choice([0.0, -0.5])) for _ in range(5)]
    if rng.random() < 0.6:
        return praxis.PiecewiseConstant(boundaries, values), lambda n: piecewise(n, boundaries, values)
    first, inner = boundaries[0] + 1, [b - boundaries[0] for b in boundaries[1:]]
    port = praxis.LinearRampupPiecewiseConstant([first, *(first + b for b in inner)], values[:4])
    return port, lambda n: values[0] * n / first if n < first else piecewise(n - first, inner, values[:4])


def a_root(rng):
    kind, warmup = rng.integers(3), int(rng.integers(1, 40))
    if kind == 0:
        dim, replicas = int(rng.integers(1, 999)), int(rng.integers(1, 3))
        warmup = int(rng.choice([0, warmup]))
        end = int(rng.integers(0, 90)) if rng.random() < 0.5 else None
        port = praxis.Transformer(warmup, dim, replicas, end)
        return port, lambda n: transformer(n, warmup * replicas, dim, end)
    if kind == 1:
        peak = some(rng)
        port = praxis.LinearRampupSqrtDecay(peak, warmup)
        return port, lambda n: peak * min(max(n, 1) / warmup, math.sqrt(warmup / max(n, 1)))
    begin, factor, offset = rng.choice([1, 7, 20.5]).item(), some(rng), some(rng, -40, 40)
    port = praxis.SqrtDecay(begin, factor, offset)
    return port, lambda n: factor / math.sqrt(max(n - offset, begin))


def a_composite(rng):
    lines = [points(rng) for _ in range(3)]
    ports = [praxis.Linear(start=start, limit=limit) for start, limit in lines]
    rules = [lambda n, p=p: polynomial(n, 1, *p, "start") for p in lines]
    if rng.random() < 0.5:
        first, second = sorted(rng.integers(1, 60, 2).tolist())
        second += 1
        port = praxis.PiecewiseSchedule([first, second], ports)
        begins = [0, first, second]
        return port, lambda n: rules[(n >= first) + (n >= second)](n - begins[(n >= first) + (n >= second)])
    steps = rng.integers(1, 20, 3).tolist()
    port, period = praxis.CycleSchedule(ports, steps), sum(steps)
    turns = np.repeat(np.arange(3), steps)
    return port, lambda n: rules[turns[n % period]](n)


def a_half_life(rng):
    first, begin, half, low = some(rng), int(rng.integers(-9, 40)), int(rng.integers(1, 30)), some(rng, 0.01)
    port = praxis.ContinuousSchedule(first, begin, half, low)
    return port, lambda n: first * max(low, 0.5 ** (max(n - begin, 0) / half))


MAKERS = [a_polynomial, another_curve, a_ramp, some_constants, a_root, a_composite, a_half_life]


@pytest.mark.parametrize("maker", MAKERS)
def test_random_arguments(maker):
    rng = np.random.default_rng(15)
    schedules, curves = zip(*(maker(rng) for _ in range(30)), strict=True)
    expected = [np.array([curve(n) for n in COUNTS.tolist()], float) for curve in curves]
    rules.agree(schedules, expected, COUNTS)


def test_turns_without_a_length():
    """A turn of 0 updates is left out, and a turn alone is the schedule itself."""
    line = praxis.Linear(start=(0, 1.0), limit=(8, 0.0))
    values = praxis.CycleSchedule([0.5, line, 0.25], [0, 2, 1])([0, 1, 2, 3, 5])
    assert values.tolist() == [1.0, 0.875, 0.25, 0.625, 0.25]
    assert praxis.CycleSchedule([line, 0.5], [3, 0]) == line
    assert praxis.LinearRampupSqrtDecay(1.0, 0)([0, 9]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: praxis.Polynomial(1, (4, 1.0), (4, 0.1)),
            r"Polynomial: limit must be at an update after that of start \(4\), got \(4, 0\.1\)",
        ),
        (
            lambda: praxis.Polynomial(1, (4,), (5, 0.1)),
            r"Polynomial: start must be a point \(update, value\), of length 2, got \(4,\)",
        ),
        (lambda: praxis.Polynomial(0, (0, 1.0), (5, 0.1)), "Polynomial: power must be"),
        (lambda: praxis.Linear(origin="end"), "Linear: origin must be one of 'start', 'limit', got 'end'"),
        (lambda: praxis.Exponential((0, 1.0), (5, 0.0)), "Exponential: limit must be"),
        (
            lambda: praxis.DelayedCosine((0, 0.0), (5, 0.0)),
            r"DelayedCosine: start\[1\] must be a finite number > 0, got 0\.0",
        ),
        (
            lambda: praxis.DelayedCosine((0, 1.0), (5, -0.1)),
            r"DelayedCosine: limit\[1\] must be a finite number >= 0, got -0\.1",
        ),
        (lambda: praxis.Cosine(total_steps=-1), "Cosine: total_steps must be"),
        (
            lambda: praxis.LinearRampupCosineDecay(0, 4, 4, 9),
            r"LinearRampupCosineDecay: max must be a finite number > 0, got 0\.0",
        ),
        (
            lambda: praxis.LinearRampupCosineDecay(0, 4, 3, 9, max=1.0),
            r"LinearRampupCosineDecay: decay_start must be a whole number of steps >= 4, got 3",
        ),
        (
            lambda: praxis.LinearRampupPolynomialDecay(4, 4, 4, max=1.0),
            r"LinearRampupPolynomialDecay: decay_end must be a whole number of steps >= 5, got 4",
        ),
        (lambda: praxis.LinearRampupExponentialDecay(4, 4, 9, 0.0, 1.0), "Decay: min_ratio must be"),
        (
            lambda: praxis.PiecewiseConstant([5], [1.0]),
            r"PiecewiseConstant: values must be of length 2, one more than the boundaries, got \[1\.0\]",
        ),
        (
            lambda: praxis.PiecewiseConstant([5, 4], [1.0, 0.5, 0.1]),
            r"PiecewiseConstant: boundaries must be sorted, got \[5, 4\]",
        ),
        (
            lambda: praxis.PiecewiseConstant(None, [1.0]),
            "PiecewiseConstant: boundaries must be a sequence of numbers, got None",
        ),
        (
            lambda: praxis.LinearRampupPiecewiseConstant([0], [1.0]),
            r"LinearRampupPiecewiseConstant: boundaries\[0\] must be a whole number of steps >= 1, got 0",
        ),
        (
            lambda: praxis.LinearRampupPiecewiseConstant([], []),
            r"LinearRampupPiecewiseConstant: boundaries must be of the same length as the values \(0\), .*, got",
        ),
        (
            lambda: praxis.Transformer(model_dim=0),
            "Transformer: model_dim must be a finite number > 0, got 0",
        ),
        (
            lambda: praxis.Transformer(decay_end=-1),
            "Transformer: decay_end must be a whole number of steps >= 0, got -1",
        ),
        (lambda: praxis.SqrtDecay(0), "SqrtDecay: decay_start must be a finite number > 0, got 0"),
        (
            lambda: praxis.PiecewiseSchedule([5, 4], [1.0, 1.0, 1.0]),
            r"PiecewiseSchedule: boundaries\[1\] must be a whole number of steps >= 5, got 4",
        ),
        (
            lambda: praxis.PiecewiseSchedule([5], [1.0]),
            r"PiecewiseSchedule: boundaries must be one fewer than the schedules \(1\), got \[5\]",
        ),
        (
            lambda: praxis.CycleSchedule([1.0], [1, 2]),
            r"CycleSchedule: steps must be of the same length as the schedules \(1\), with .*, got \[1, 2\]",
        ),
        (
            lambda: praxis.CycleSchedule([1.0], [0]),
            r"steps must be of the same length as the schedules \(1\), with a number above 0",
        ),
        (
            lambda: praxis.ContinuousSchedule(min=1.0),
            r"ContinuousSchedule: min must be a finite number > 0 and < 1, got 1\.0",
        ),
        (lambda: praxis.ContinuousSchedule(half_life_steps=0), "half_life_steps must be"),
    ],
)
def test_errors_speak_of_what_was_written(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
