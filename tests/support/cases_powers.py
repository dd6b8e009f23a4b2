"""The cases of power laws and of half cosines between knots, with the equations that `reference` lacks."""

import numpy as np

from support import reference
from support.expressions import NEVER, Case, e
from support.reference import Curve


def power_law(init_value, *, power, timescale=1.0):
    return Curve(lambda t: init_value * np.exp(np.minimum(power * np.log1p(t / timescale), 60)))


def piecewise_cosine(values, boundaries):
    def equation(t):
        found = np.where(t < boundaries[0], values[0], values[-1]).astype(np.float64)
        for i in range(len(boundaries) - 1):
            begin, end = boundaries[i], boundaries[i + 1]
            length, inside = end - begin, (begin <= t) & (t < end)
            of_init = np.sin(np.pi / 2 * (end - t[inside]) / length) ** 2
            of_end = np.sin(np.pi / 2 * (t[inside] - begin) / length) ** 2
            found[inside] = values[i] * of_init + values[i + 1] * of_end
        return found

    return Curve(equation)


for _equation in (power_law, piecewise_cosine):
    setattr(reference, _equation.__name__, _equation)

POWERS = [
    Case("power_law", e.power_law(0.1, power=-0.5), {0: 0.1}, monotone=((0, NEVER, -1),)),
    Case("power_law-timescale", e.power_law(0.1, power=-0.7, timescale=2500.5), {0: 0.1}),
    Case("power_law-steep", e.power_law(0.1, power=-2.5, timescale=10), {0: 0.1}, ulp=20),
    Case("power_law-growth", e.power_law(1e-3, power=1.5), {0: 1e-3}, ulp=12, monotone=((0, NEVER, 1),)),
    Case("power_law-flat", e.power_law(0.1, power=0), {0: 0.1, NEVER: 0.1}),
    Case("with_warmup-power_law", e.with_warmup(e.power_law(0.1, power=-0.5), steps=20), {0: 0.0, 20: 0.1}),
]

ARCS = [
    Case("piecewise_cosine", e.piecewise_cosine([0.0, 0.1, 0.0], [0, 30, 100]), {0: 0.0, 30: 0.1, 100: 0.0}),
    Case(
        "piecewise_cosine-between-counts",
        e.piecewise_cosine([0.004, 0.1, 1e-6], [0, 6.5, 24]),
        {0: 0.004, 24: 1e-6, NEVER: 1e-6},
        (6,),
        monotone=((0, 6, 1), (7, 24, -1)),
    ),
    Case(
        "piecewise_cosine-far",
        e.piecewise_cosine([0.004, 0.1, 0.0], [0, 300_000.3, 1_000_000]),
        {0: 0.004, 1_000_000: 0.0},
        (300_000,),
    ),
    Case("piecewise_cosine-before-0", e.piecewise_cosine([0.1, 0.01], [-1.75, 20.25]), {21: 0.01}),
    Case("piecewise_cosine-close", e.piecewise_cosine([0.1, 0.3, 0.2], [3.25, 3.75, 9]), {0: 0.1, 9: 0.2}),
    Case("piecewise_cosine-one", e.piecewise_cosine([0.1], [4]), {0: 0.1, 9: 0.1}),
    Case(
        "restart-piecewise_cosine",
        e.restart(e.piecewise_cosine([0.0, 0.1, 0.0], [0, 6.5, 24]), period=24),
        {0: 0.0, 24: 0.0},
    ),
]
