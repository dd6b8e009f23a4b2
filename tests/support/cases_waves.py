"""The cases of waves, factors and clocks, with the float64 equations that `reference` lacks."""

import functools
import inspect
from fractions import Fraction

import numpy as np

from support import reference
from support.expressions import NEVER, Case, e
from support.reference import Curve


def _fold(t, out, back):
    """The parts of the way out that are done and left, from the exact count within the wave."""
    within = np.fmod(t, out + back)
    done = np.where(within <= out, within / out, (out + back - within) / back)
    left = np.where(within <= out, (out - within) / out, (within - out) / back)
    return done, left


def cosine_wave(init_value, end_value, steps):
    def equation(t):
        done, left = _fold(t, steps, steps)
        return init_value * np.sin(np.pi / 2 * left) ** 2 + end_value * np.sin(np.pi / 2 * done) ** 2

    return Curve(equation)


def triangle_wave(init_value, end_value, steps, back_steps=None):
    def equation(t):
        done, left = _fold(t, steps, steps if back_steps is None else back_steps)
        return init_value * left + end_value * done

    return Curve(equation)


def tanh(init_value, end_value, steps, *, start=-7.0, stop=3.0):
    def equation(t):
        place = (start * np.maximum(steps - t, 0) + stop * np.minimum(t, steps)) / max(steps, 1)
        value = init_value / (1 + np.exp(2 * place)) + end_value / (1 + np.exp(-2 * place))
        return np.where(t >= steps, end_value, value)

    return Curve(equation)


def finite_exponential(init_value, end_value, steps, *, ratio):
    def weights(p, q):
        log_ratio = np.log(ratio)
        return np.expm1(-log_ratio * q) / np.expm1(-log_ratio), np.expm1(log_ratio * p) / np.expm1(log_ratio)

    return reference._between(init_value, end_value, steps, weights)


def exponential_approach(init_value, end_value, *, timescale):
    return Curve(lambda t: init_value * np.exp(-t / timescale) - end_value * np.expm1(-t / timescale))


def radam(value, *, b2):
    def equation(t):
        longest = 2 / (1 - b2) - 1
        t = np.maximum(t, 1)
        rho = longest - 2 * t / np.expm1(-t * np.log(b2))
        square = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
        return value * np.sqrt(np.where(rho > 4, square, 0))

    return Curve(equation)


def k_decay(schedule, k):
    # The length of a finite shape, which its equation closes over.
    steps = inspect.getclosurevars(schedule.equation).nonlocals["steps"]
    return Curve(lambda t: schedule(steps * (np.minimum(t, steps) / max(steps, 1)) ** k))


def stretch(schedule, factor):
    ratio = Fraction(str(factor))
    up, down = float(ratio.denominator), float(ratio.numerator)
    return Curve(lambda t: reference.as_schedule(schedule)(t * up / down))


def minimum(*schedules):
    return Curve(lambda t: functools.reduce(np.minimum, [reference.as_schedule(s)(t) for s in schedules]))


def maximum(*schedules):
    return Curve(lambda t: functools.reduce(np.maximum, [reference.as_schedule(s)(t) for s in schedules]))


def in_steps(schedule, *, boundaries=(), starts, rates, scale=1):
    def equation(t):
        i = np.searchsorted(boundaries, t, side="right")
        units = np.take(starts, i) + (t - np.take([0, *boundaries], i)) * np.take(rates, i)
        return reference.as_schedule(schedule)(units / scale)

    return Curve(equation)


def staircase(schedule, steps):
    return Curve(lambda t: reference.as_schedule(schedule)(np.floor_divide(t, steps)))


# What an expression's name stands for on the side of the equations.
EQUATIONS = [cosine_wave, triangle_wave, tanh, finite_exponential, exponential_approach, radam, k_decay]
for _equation in [*EQUATIONS, stretch, minimum, maximum, in_steps, staircase]:
    setattr(reference, _equation.__name__, _equation)

_TURNS = {2 * i * 50: 0.1 for i in range(4)} | {(2 * i + 1) * 50: 0.0 for i in range(4)}

WAVES = [
    Case("cosine_wave", e.cosine_wave(0.1, 0.0, 50), _TURNS, monotone=((0, 50, -1), (50, 100, 1))),
    Case("cosine_wave-one-step", e.cosine_wave(0.3, 0.1, 1), {0: 0.3, 1: 0.1, 2: 0.3, NEVER: 0.1}),
    Case("triangle_wave", e.triangle_wave(0.0, 0.1, 50), {n: 0.1 - v for n, v in _TURNS.items()}),
    Case(
        "triangle_wave-back",
        e.triangle_wave(0.01, 0.1, 30, 7),
        {0: 0.01, 30: 0.1, 37: 0.01, 67: 0.1, 3700: 0.01},
        monotone=((0, 30, 1), (30, 37, -1)),
    ),
    # There and back is more than an int32 holds.
    Case("triangle_wave-int32", e.triangle_wave(1.0, 0.25, 1000, NEVER), {0: 1.0, 1000: 0.25}),
    Case(
        "triangle_wave-halved",
        e.triangle_wave(0.0, 0.1, 16, 16)
        * e.exponential(1.0, decay_rate=0.5, transition_steps=32, staircase=True),
        {0: 0.0, 16: 0.1, 48: 0.05, 64: 0.0},
        ulp=16,
        halvings_from=1,
    ),
]

FACTORS = [
    Case("tanh", e.tanh(0.1, 0.0, 300), {300: 0.0, NEVER: 0.0}, monotone=((0, 300, -1),)),
    # The smaller weight begins at exp(-14), so twenty halvings from 1.
    Case("tanh-rise", e.tanh(0.0, 0.1, 300), {300: 0.1}, ulp=28, monotone=((0, 299, 1),)),
    Case(
        "finite_exponential",
        e.finite_exponential(0.1, 0.0, 1000, ratio=0.5),
        {0: 0.1, 1000: 0.0},
        monotone=((0, 1000, -1),),
    ),
    Case(
        "finite_exponential-steep",
        e.finite_exponential(0.1, 0.01, 600, ratio=1e-4),
        {0: 0.1, 600: 0.01},
        ulp=22,
    ),
    Case("finite_exponential-flat", e.finite_exponential(0.1, 0.0, 90, ratio=0.999), {0: 0.1, 90: 0.0}),
    Case(
        "exponential_approach",
        e.exponential_approach(0.0, 0.1, timescale=100),
        {0: 0.0, NEVER: 0.1},
        monotone=((0, NEVER, 1),),
    ),
    Case(
        "exponential_approach-0",
        e.exponential_approach(0.1, 0.0, timescale=4.5),
        {0: 0.1},
        halvings_from=0,
    ),
    # Powers of two below 1, which a program that is given them as float32 data has as they are.
    Case(
        "radam", e.radam(0.1, b2=1 - 2**-10), {0: 0.0, 4: 0.0}, (5, 1500, 20_000), monotone=((4, 15_000, 1),)
    ),
    Case("radam-fast", e.radam(3e-4, b2=1 - 2**-4), {0: 0.0, 4: 0.0}, (5, 14, 15, 16)),
    Case("k_decay", e.k_decay(e.cosine(0.1, 0.0, 500), 2.0), {0: 0.1, 500: 0.0}, ulp=24),
    Case(
        "k_decay-polynomial",
        e.k_decay(e.polynomial(0.1, 0.0, 300, power=0.5), 1.5),
        {0: 0.1, 300: 0.0},
        ulp=20,
    ),
    Case(
        "restart-k_decay",
        e.restart(e.k_decay(e.cosine(0.1, 0.0, 40), 3.0), period=40),
        {0: 0.1, 40: 0.1},
        ulp=32,
    ),
]

CLOCKS = [
    Case("stretch", e.stretch(e.cosine(0.1, 0.0, 230), 3), {0: 0.1, 690: 0.0, NEVER: 0.0}),
    Case(
        "stretch-faster", e.stretch(e.cosine(0.1, 0.0, 230), Fraction(1, 10)), {0: 0.1, 23: 0.0, NEVER: 0.0}
    ),
    Case("stretch-decimal", e.stretch(e.cosine(0.1, 0.0, 230), 1.1), {0: 0.1, 253: 0.0, NEVER: 0.0}),
    Case(
        "stretch-steps",
        e.stretch(e.piecewise_constant([0.1, 0.2, 0.3], [10, 410]), 0.3),
        {0: 0.1, 2: 0.1, 3: 0.2, 122: 0.2, 123: 0.3},
    ),
    Case("stretch-wave", e.stretch(e.triangle_wave(0.0, 0.1, 5, 9), Fraction(1, 2)), {0: 0.0, 7: 0.0}),
    Case(
        "stretch-in-a-join",
        e.join([0.1, e.stretch(e.linear(0.1, 0.0, 25), Fraction(1, 2))], [40]),
        {40: 0.1, 53: 0.0},
    ),
    Case(
        "in_steps", e.in_steps(e.cosine(0.1, 0.0, 300), starts=[0], rates=[10]), {0: 0.1, 30: 0.0, NEVER: 0.0}
    ),
    Case(
        "in_steps-ramp",
        e.in_steps(e.linear(0.1, 0.0, 20), boundaries=[2, 5], starts=[0, 6, 18], rates=[3, 4, 7], scale=2),
        {0: 0.1, 9: 0.0},
        (2, 5),
    ),
    Case(
        "in_steps-table",
        e.in_steps(
            e.warmup_cosine(0.1, warmup_steps=40, total_steps=400),
            boundaries=[3 * i for i in range(1, 12)],
            starts=[6 * i + 3 * i * (i - 1) // 2 for i in range(12)],
            rates=[2 + i for i in range(12)],
        ),
        {0: 0.0},
        (3, 30, 33),
    ),
    Case("staircase", e.staircase(e.linear(0.1, 0.0, 4), 100), {0: 0.1, 99: 0.1, 400: 0.0}, (100, 200)),
]
