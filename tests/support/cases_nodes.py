"""The cases of shapes, combinators and operators: one for each path their arguments can take."""

import jax.numpy as jnp
import numpy as np
import optax

from support import reference
from support.expressions import NEVER, Case, Foreign, e


def _foreign(schedule, equation):
    return Foreign(schedule, reference.Curve(equation))


# Closures of Optax, built once: a schedule compares the functions in it by identity. Not each of
# Optax's passes under strict dtype promotion; these do.
OPTAX_LINE = _foreign(optax.linear_schedule(0.5, 0.25, 64), lambda t: 0.5 - 0.25 * np.minimum(t, 64) / 64)
OPTAX_STEPS = _foreign(
    optax.exponential_decay(0.5, 32, 0.5, staircase=True, end_value=0.25),
    lambda t: np.where(t < 32, 0.5, 0.25),
)
PLAIN_FUNCTION = _foreign(lambda count: 1.0 / (2.0 + jnp.asarray(count, jnp.float32)), lambda t: 1 / (2 + t))

HALF_COSINE = e.cosine(0.1, 0.01, 100)

SHAPES = [
    # linear
    Case("linear", e.linear(0.1, 0.0, 1000), {0: 0.1, 1000: 0.0}, monotone=((0, 1000, -1),)),
    Case("linear-rise", e.linear(1e-6, 3e-4, 777), {0: 1e-6, 777: 3e-4}, monotone=((0, 777, 1),)),
    Case("linear-from-0", e.linear(0.0, 0.7, 30), {0: 0.0, 30: 0.7}, monotone=((0, 30, 1),)),
    Case("linear-one-step", e.linear(0.3, 0.1, 1), {0: 0.3, 1: 0.1}),
    Case("linear-no-steps", e.linear(0.3, 0.1, 0), {0: 0.1, 1: 0.1}),
    Case("linear-integers", e.linear(1, 0, 10), {0: 1, 10: 0}),
    Case("linear-int32", e.linear(1e-3, 0.0, NEVER), {0: 1e-3, NEVER: 0.0}),
    Case("linear-beyond-int32", e.linear(1e-3, 0.0, 3_000_000_000), {0: 1e-3}, (NEVER,)),
    # cosine
    Case("cosine", e.cosine(0.1, 0.0, 1000), {0: 0.1, 1000: 0.0}, monotone=((0, 1000, -1),)),
    Case("cosine-floor", e.cosine(3e-4, 3e-5, 2500), {0: 3e-4, 2500: 3e-5}, (1250,)),
    Case("cosine-rise", e.cosine(0.0, 0.1, 100), {0: 0.0, 100: 0.1}, monotone=((0, 100, 1),)),
    Case("cosine-one-step", e.cosine(0.3, 0.1, 1), {0: 0.3, 1: 0.1}),
    Case("cosine-no-steps", e.cosine(0.3, 0.1, 0), {0: 0.1}),
    Case("cosine-million", e.cosine(0.1, 0.0, 10**6), {0: 0.1, 10**6: 0.0}, (10**5,)),
    Case("cosine-squared", e.cosine(0.1, 0.0, 500, exponent=2), {0: 0.1, 500: 0.0}, ulp=16),
    Case("cosine-root", e.cosine(0.1, 0.01, 500, exponent=0.5), {0: 0.1, 500: 0.01}),
    # polynomial
    *[
        Case(
            f"polynomial-{origin}-{power}",
            e.polynomial(0.1, 0.0, 600, power=power, origin=origin),
            {0: 0.1, 600: 0.0},
            ulp=8 * max(power, 1),
            monotone=((0, 600, -1),),
        )
        for origin in ("end", "init")
        for power in (0.5, 1, 2)
    ],
    Case("polynomial", e.polynomial(0.3, 0.01, 300, power=0.9), {0: 0.3, 300: 0.01}),
    Case("polynomial-rise", e.polynomial(0.0, 0.1, 300, power=3.0), {0: 0.0, 300: 0.1}, ulp=24),
    Case("polynomial-no-steps", e.polynomial(0.3, 0.1, 0, power=2), {0: 0.1}),
    # one minus a square root; a straight line on a logarithmic axis
    Case("one_minus_sqrt", e.one_minus_sqrt(0.1, 0.0, 1000), {0: 0.1, 1000: 0.0}),
    Case("one_minus_sqrt-rise", e.one_minus_sqrt(0.01, 0.1, 50), {0: 0.01, 50: 0.1}),
    Case("one_minus_sqrt-no-steps", e.one_minus_sqrt(0.3, 0.1, 0), {0: 0.1}),
    Case("geometric", e.geometric(1e-2, 1e-5, 900), {0: 1e-2, 900: 1e-5}, halvings_from=0),
    Case("geometric-rise", e.geometric(1e-7, 10.0, 100), {0: 1e-7, 100: 10.0}, halvings_from=0),
    Case("geometric-no-steps", e.geometric(0.3, 0.1, 0), {0: 0.1}),
    # shapes that never end
    Case("constant", e.constant(0.1), {0: 0.1, NEVER: 0.1}),
    Case("constant-integer", e.constant(3), {0: 3, NEVER: 3}),
    Case("constant-0", e.constant(0), {0: 0, NEVER: 0}),
    Case(
        "exponential",
        e.exponential(0.1, decay_rate=0.96, transition_steps=100),
        {0: 0.1},
        halvings_from=0,
        monotone=((0, NEVER, -1),),
    ),
    Case(
        "exponential-every-step",
        e.exponential(0.1, decay_rate=0.999, transition_steps=1),
        {0: 0.1},
        halvings_from=0,
    ),
    Case(
        "exponential-staircase",
        e.exponential(0.1, decay_rate=0.5, transition_steps=100, staircase=True),
        {0: 0.1, 99: 0.1},
        (100, 200, 300),
        halvings_from=0,
    ),
    Case(
        "exponential-floor",
        e.exponential(0.1, decay_rate=0.9, transition_steps=10, end_value=0.01),
        {0: 0.1, 1000: 0.01, NEVER: 0.01},
        (218, 219),
        halvings_from=0,
        monotone=((0, NEVER, -1),),
    ),
    Case(
        "exponential-ceiling",
        e.exponential(1e-6, decay_rate=1.5, transition_steps=20, end_value=0.1),
        {0: 1e-6, 1000: 0.1, NEVER: 0.1},
        halvings_from=0,
        monotone=((0, NEVER, 1),),
    ),
    Case(
        "exponential-staircase-floor",
        e.exponential(0.1, decay_rate=0.3, transition_steps=7, staircase=True, end_value=1e-4),
        {0: 0.1, 6: 0.1, NEVER: 1e-4},
        (7, 14),
        halvings_from=0,
    ),
    Case("inverse_sqrt", e.inverse_sqrt(1e-3, timescale=4000), {0: 1e-3}, (4000,)),
    Case("inverse_sqrt-1", e.inverse_sqrt(0.5, timescale=1), {0: 0.5, 3: 0.25}),
    Case("inverse_time", e.inverse_time(0.1, decay_rate=0.5, transition_steps=100), {0: 0.1}),
    Case(
        "inverse_time-staircase",
        e.inverse_time(0.1, decay_rate=0.5, transition_steps=9, staircase=True),
        {0: 0.1, 8: 0.1},
        (9, 18, 27),
    ),
    Case(
        "piecewise_constant",
        e.piecewise_constant([0.1, 0.02, 0.003], [100, 250]),
        {0: 0.1, 99: 0.1, 100: 0.02, 249: 0.02, 250: 0.003, NEVER: 0.003},
    ),
    Case(
        "piecewise_constant-64",
        e.piecewise_constant([0.9**i for i in range(64)], [5 * i + 5 for i in range(63)]),
        {5 * i + k: 0.9**i for i in range(64) for k in (0, 4)},
    ),
    Case(
        "piecewise_linear",
        e.piecewise_linear([0.0, 0.1, 0.05, 0.0], [0, 100, 500, 1000]),
        {0: 0.0, 100: 0.1, 500: 0.05, 1000: 0.0, NEVER: 0.0},
        monotone=((0, 100, 1), (100, 1000, -1)),
    ),
    Case(
        "piecewise_linear-late",
        e.piecewise_linear([0.3, 0.1], [10, 11]),
        {0: 0.3, 10: 0.3, 11: 0.1, NEVER: 0.1},
    ),
]

COMBINATORS = [
    # join
    Case(
        "join",
        e.join([e.linear(0.0, 0.1, 100), e.cosine(0.1, 0.01, 400)], [100]),
        {0: 0.0, 100: 0.1, 500: 0.01},
    ),
    Case(
        "join-global-count",
        e.join([e.linear(0.0, 0.1, 100), e.cosine(0.1, 0.01, 400)], [100], offsets=[0, 0]),
        {0: 0.0, 400: 0.01},
        (100,),
    ),
    Case(
        "join-offsets",  # the second phase starts before its boundary, the third after it
        e.join([e.constant(0.1), HALF_COSINE, e.linear(0.2, 0.0, 50)], [100, 200], [0, 40, 220]),
        {0: 0.1, 99: 0.1, 140: 0.01, 200: 0.2, 220: 0.2, 270: 0.0},
    ),
    Case("join-negative-offset", e.join([HALF_COSINE], [], [-30]), {70: 0.01}),
    Case(
        "join-40-cosines",
        e.join([e.cosine(0.1 + i, 0.05, 20) for i in range(40)], [20 * i for i in range(1, 40)]),
        {20 * i: 0.1 + i for i in range(40)},
    ),
    Case(
        "join-24-mixed",
        e.join(
            [
                (
                    e.cosine(0.1 + i, 0.05, 30),
                    e.linear(0.05, 1.0 + i, 20),
                    e.exponential(0.5, decay_rate=0.9, transition_steps=10),
                )[i % 3]
                for i in range(24)
            ],
            [25 * i for i in range(1, 24)],
        ),
        {25 * i: (0.1 + i, 0.05, 0.5)[i % 3] for i in range(24)},
        halvings_from=23 * 25,
    ),
    Case("join-optax", e.join([OPTAX_LINE, e.linear(0.25, 0.0, 32)], [64]), {64: 0.25, 96: 0.0}),
    Case("join-foreign", e.join([PLAIN_FUNCTION, OPTAX_STEPS, HALF_COSINE], [40, 80]), {80: 0.1}),
    Case(
        "join-nested",
        e.join([e.join([e.constant(0.1), e.linear(0.1, 0.2, 9)], [5]), HALF_COSINE], [20]),
        {0: 0.1, 5: 0.1, 14: 0.2, 19: 0.2, 20: 0.1, 120: 0.01},
    ),
    # with_warmup
    Case(
        "with_warmup",
        e.with_warmup(HALF_COSINE, steps=50),
        {0: 0.0, 50: 0.1, 150: 0.01},
        monotone=((0, 50, 1), (50, 150, -1)),
    ),
    Case("with_warmup-0", e.with_warmup(HALF_COSINE, steps=0), {0: 0.1, 100: 0.01}),
    Case("with_warmup-1", e.with_warmup(HALF_COSINE, steps=1), {0: 0.0, 1: 0.1, 101: 0.01}),
    Case(
        "with_warmup-overlap",
        e.with_warmup(HALF_COSINE, steps=50, init_value=0.02, overlap=True),
        {0: 0.02, 100: 0.01},
        (50,),
    ),
    Case("with_warmup-overlap-0", e.with_warmup(HALF_COSINE, steps=0, overlap=True), {0: 0.1}),
    Case(
        "with_warmup-down",
        e.with_warmup(HALF_COSINE, steps=9, init_value=0.5, shape=e.cosine),
        {0: 0.5, 9: 0.1, 109: 0.01},
    ),
    Case(
        "with_warmup-partial",
        e.with_warmup(HALF_COSINE, steps=80, shape=e.partial(e.polynomial, power=2)),
        {0: 0.0, 80: 0.1, 180: 0.01},
        ulp=16,
    ),
    Case(
        "with_warmup-foreign",
        e.with_warmup(OPTAX_LINE, steps=10, init_value=0.1),
        {0: 0.1, 10: 0.5},
    ),
    # with_cooldown
    Case(
        "with_cooldown",
        e.with_cooldown(e.constant(0.1), begin=300, steps=100, shape=e.one_minus_sqrt),
        {0: 0.1, 300: 0.1, 400: 0.0},
    ),
    Case(
        "with_cooldown-midway",
        e.with_cooldown(e.cosine(0.1, 0.0, 900), begin=500, steps=200, end_value=1e-3),
        {0: 0.1, 700: 1e-3},
        (500,),
        ulp=16,  # the ramp begins at a value that is itself within 8
    ),
    Case("with_cooldown-at-0", e.with_cooldown(HALF_COSINE, begin=0, steps=5), {0: 0.1, 5: 0.0}),
    Case("with_cooldown-0", e.with_cooldown(HALF_COSINE, begin=9, steps=0, end_value=0.2), {9: 0.2}),
    Case(
        "with_cooldown-both",
        e.with_cooldown(
            e.with_warmup(e.inverse_sqrt(0.1, timescale=50), steps=50),
            begin=500,
            steps=100,
            end_value=1e-4,
            shape=e.geometric,
        ),
        {0: 0.0, 50: 0.1, 600: 1e-4},
        (500,),
        ulp=16,
        halvings_from=500,
    ),
    # shift
    Case("shift", e.shift(HALF_COSINE, 25), {0: 0.1, 25: 0.1, 125: 0.01}),
    Case("shift-0", e.shift(HALF_COSINE, 0), {0: 0.1, 100: 0.01}),
    Case("shift-back", e.shift(HALF_COSINE, -25), {75: 0.01}, (25,)),
    Case("shift-both", e.shift(e.shift(HALF_COSINE, -25), 10), {85: 0.01}, (10,)),
    Case("shift-foreign", e.shift(OPTAX_STEPS, 5), {0: 0.5, 36: 0.5, 37: 0.25}),
    # restart
    Case(
        "restart",
        e.restart(e.cosine(0.1, 0.0, 50), period=50),
        {50 * i: 0.1 for i in range(20)},
        (50 * 20_000_000,),
    ),
    Case(
        "restart-double",
        e.restart(e.cosine(0.1, 0.0, 10), period=10, growth=2),
        {10 * (2**i - 1): 0.1 for i in range(18)},
    ),
    Case(
        "restart-1.5",  # real-valued bounds: 0, 16, 40, 76, 130, 211, 332.5, 514.75, ...
        e.restart(e.cosine(0.1, 0.01, 16), period=16, growth=1.5),
        {0: 0.1, 16: 0.1, 40: 0.1, 76: 0.1, 130: 0.1, 211: 0.1},
        (333, 515, 789),
        cycles=(0, 16, 1.5),
    ),
    Case(
        "restart-1.5-to-0",
        e.restart(e.cosine(0.1, 0.0, 64), period=64, growth=1.5),
        {0: 0.1, 64: 0.1, 160: 0.1, 304: 0.1},
        cycles=(0, 64, 1.5),
    ),
    Case(
        "restart-decay",
        e.restart(e.linear(0.1, 0.01, 30), period=30, growth=3, decay=0.5),
        {0: 0.1, 30: 0.05, 120: 0.025, 390: 0.0125},
    ),
    Case(
        "restart-decay-forever",
        e.restart(e.cosine(0.1, 0.01, 30), period=30, decay=0.9),
        {0: 0.1},
        (30, 60, 90),
        halvings_from=0,
    ),
    Case("restart-cut", e.restart(HALF_COSINE, period=40), {0: 0.1, 40: 0.1, 80: 0.1}),
    Case("restart-every-step", e.restart(HALF_COSINE, period=1), {0: 0.1, 1: 0.1, 2: 0.1, NEVER: 0.1}),
    Case(
        "restart-warmup",
        e.restart(e.with_warmup(HALF_COSINE, steps=28), period=128, growth=2),
        {0: 0.0, 28: 0.1, 128: 0.0, 184: 0.1, 384: 0.0},
    ),
]

ARITHMETIC = [
    Case("times-0", HALF_COSINE * 0, {0: 0.0, NEVER: 0.0}),
    Case("clip", e.clip(e.linear(0.1, 0.0, 100), 0.02, 0.07), {0: 0.07, 100: 0.02}, (30, 80)),
    Case("clip-below", e.clip(e.linear(0.1, 0.0, 100), min_value=0.02), {0: 0.1, 100: 0.02}),
    Case("clip-above", e.clip(e.linear(0.1, 0.0, 100), max_value=0.07), {0: 0.07, 100: 0.0}),
    Case("minimum", e.minimum(HALF_COSINE, e.linear(0.0, 0.2, 60), 0.07), {0: 0.0, 100: 0.01}, (20, 60)),
    Case("maximum", e.maximum(HALF_COSINE, e.linear(0.0, 0.2, 60)), {0: 0.1, 60: 0.2, NEVER: 0.2}, (30,)),
    Case("maximum-foreign", e.maximum(0.3, OPTAX_STEPS), {0: 0.5, NEVER: 0.3}),
    Case(
        "product-3",
        HALF_COSINE * OPTAX_STEPS * e.constant(2.0),
        {0: 0.1, 100: 0.005},
        ulp=16,
    ),
    Case(
        "brackets",
        -(HALF_COSINE * (e.linear(1.0, 0.5, 60) - 2.0)) * 0.5 - (1 - HALF_COSINE) / 4,
        {},
        (0, 60, 100),
        ulp=16,
    ),
    Case("times-number", HALF_COSINE * 0.5, {0: 0.05, 100: 0.005}),
    Case("number-times", 2 * HALF_COSINE, {0: 0.2, 100: 0.02}),
    Case("times-schedule", HALF_COSINE * e.linear(1.0, 0.5, 60), {0: 0.1, 100: 0.005}, ulp=16),
    Case("plus-number", HALF_COSINE + 0.5, {}, (0, 100)),
    Case("number-plus", 0.5 + HALF_COSINE, {}, (0, 100)),
    Case("plus-schedule", HALF_COSINE + e.linear(1.0, 0.5, 60), {}, (0, 60, 100)),
    Case("minus-number", HALF_COSINE - 0.5, {}, (0, 100)),
    Case("number-minus", 0.5 - HALF_COSINE, {}, (0, 100)),
    Case("minus-schedule", e.linear(1.0, 0.5, 60) - HALF_COSINE, {}, (0, 60, 100)),
    Case("over-number", HALF_COSINE / 0.1, {0: 1.0}, (100,)),
    Case("minus", -HALF_COSINE, {0: -0.1, 100: -0.01}),
    Case(
        "nested",
        e.with_cooldown(
            e.clip(
                e.restart(e.shift(e.cosine(0.1, 0.0, 64), -4) * 2.0, period=60) + 0.001,
                max_value=0.15,
            ),
            begin=150,
            steps=50,
            shape=e.partial(e.polynomial, power=2),
        ),
        {0: 0.15, 60: 0.15, 120: 0.15, 200: 0.0},
        (150,),
        ulp=16,
    ),
]
