"""The cases of the logarithm, REX, the half-life and the debiased decay, with their equations."""

import numpy as np

from support import reference
from support.expressions import NEVER, Case, e
from support.reference import Curve, _between


def logarithmic(init_value, end_value, steps):
    def equation(t):
        if steps == 0:
            return np.full(t.shape, float(end_value))
        inside = np.clip(t, 1, max(steps, 1))
        whole = np.log(max(steps, 2))
        of_end, of_init = np.log(inside) / whole, np.log1p((max(steps, 1) - inside) / inside) / whole
        value = init_value * of_init + end_value * of_end
        return np.where(t >= steps, end_value, np.where(t > 1, value, init_value))

    return Curve(equation)


def rex(init_value, end_value, steps, *, curvature=0.5):
    def weights(p, q):
        return q / (1 - curvature * p), (1 - curvature) * p / (1 - curvature * p)

    return _between(init_value, end_value, steps, weights)


def half_life(init_value, end_value, steps):
    def life(decay):
        return np.log(0.5) / np.log(decay) if decay > 0 else 0.0

    line = _between(life(init_value), life(end_value), steps, lambda p, q: (q, p))
    return Curve(lambda t: 0.5 ** (1 / line(t)))


def debiased_decay(decay):
    def equation(t):
        if decay == 0:
            return 0 * t
        return decay * np.expm1(t * np.log(decay)) / np.expm1((t + 1) * np.log(decay))

    return Curve(equation)


for _equation in (logarithmic, rex, half_life, debiased_decay):
    setattr(reference, _equation.__name__, _equation)

NEW_SHAPES = [
    Case("logarithmic", e.logarithmic(0.0, 0.1, 1000), {0: 0.0, 1: 0.0, 1000: 0.1}, monotone=((0, 1000, 1),)),
    Case("logarithmic-fall", e.logarithmic(0.1, 0.0, 77_777), {0: 0.1, 1: 0.1, 77_777: 0.0}),
    Case("logarithmic-one-step", e.logarithmic(0.3, 0.1, 1), {0: 0.3, 1: 0.1}),
    Case("logarithmic-two-steps", e.logarithmic(0.3, 0.1, 2), {0: 0.3, 1: 0.3, 2: 0.1}),
    Case("logarithmic-no-steps", e.logarithmic(0.3, 0.1, 0), {0: 0.1}),
    Case("rex", e.rex(0.1, 0.0, 1000), {0: 0.1, 1000: 0.0}, monotone=((0, 1000, -1),)),
    Case("rex-late", e.rex(0.1, 0.001, 600, curvature=0.999), {0: 0.1, 600: 0.001}),
    Case("rex-early", e.rex(0.0, 0.1, 300, curvature=-9.0), {0: 0.0, 300: 0.1}, monotone=((0, 300, 1),)),
    Case("rex-line", e.rex(0.1, 0.0, 50, curvature=0), {0: 0.1, 50: 0.0}),
    Case("rex-no-steps", e.rex(0.3, 0.1, 0), {0: 0.1}),
    Case("half_life", e.half_life(0.9, 0.9999, 1000), {0: 0.9, 1000: 0.9999}, monotone=((0, 1000, 1),)),
    Case("half_life-fall", e.half_life(0.999, 0.5, 90), {0: 0.999, 90: 0.5}, monotone=((0, 90, -1),)),
    Case("half_life-no-steps", e.half_life(0.9, 0.99, 0), {0: 0.99}),
    Case("debiased_decay", e.debiased_decay(0.9), {0: 0.0, NEVER: 0.9}, monotone=((0, 200, 1),)),
    Case("debiased_decay-long", e.debiased_decay(0.9999), {0: 0.0, NEVER: 0.9999}),
    Case(
        "with_warmup-logarithmic",
        e.with_warmup(e.constant(0.1), steps=40, shape=e.logarithmic),
        {0: 0.0, 40: 0.1},
    ),
    Case(
        "restart-rex", e.restart(e.rex(0.1, 0.0, 50, curvature=0.9), period=50, growth=2), {0: 0.1, 50: 0.1}
    ),
]
