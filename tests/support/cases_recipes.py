"""The cases of the recipes: one for each path their arguments can take."""

from support.expressions import NEVER, Case, e

PEAK = 3e-4


def _warmup(name, *args, ends, tail=(), cycles=None, **kwargs):
    """A recipe with 100 steps up to the peak."""
    expression = e.__getattr__(name.partition("-")[0])(*args, warmup_steps=100, **kwargs)
    return Case(name, expression, ends, tail, monotone=((0, 100, 1),), cycles=cycles)


RECIPES = [
    _warmup("warmup_constant", PEAK, ends={0: 0.0, 100: PEAK, NEVER: PEAK}),
    Case("warmup_constant-0", e.warmup_constant(PEAK, warmup_steps=0), {0: PEAK, NEVER: PEAK}),
    _warmup("warmup_linear", PEAK, total_steps=1000, ends={0: 0.0, 100: PEAK, 1000: 0.0}),
    _warmup(
        "warmup_linear-hold",
        PEAK,
        total_steps=1000,
        hold_steps=50,
        init_value=1e-6,
        end_value=1e-5,
        ends={0: 1e-6, 100: PEAK, 150: PEAK, 1000: 1e-5, NEVER: 1e-5},
    ),
    Case(
        "warmup_linear-0",
        e.warmup_linear(PEAK, warmup_steps=0, total_steps=50),
        {0: PEAK, 50: 0.0, NEVER: 0.0},
    ),
    _warmup("warmup_cosine", PEAK, total_steps=1000, ends={0: 0.0, 100: PEAK, 1000: 0.0}),
    _warmup(
        "warmup_cosine-hold",
        PEAK,
        total_steps=1000,
        hold_steps=50,
        init_value=1e-6,
        end_value=1e-5,
        ends={0: 1e-6, 100: PEAK, 149: PEAK, 150: PEAK, 1000: 1e-5},
    ),
    Case(
        "warmup_cosine-exponent",
        e.warmup_cosine(PEAK, warmup_steps=10, total_steps=400, exponent=1.5),
        {0: 0.0, 10: PEAK, 400: 0.0},
        ulp=12,
    ),
    Case(
        "warmup_cosine-0",
        e.warmup_cosine(PEAK, warmup_steps=0, total_steps=300),
        {0: PEAK, 300: 0.0},
    ),
    Case("warmup_cosine-1", e.warmup_cosine(PEAK, warmup_steps=1, total_steps=2), {1: PEAK, 2: 0.0}),
    Case(
        "warmup_cosine-no-decay",  # the ramp aims at the peak, and the run is over where it is due
        e.warmup_cosine(PEAK, warmup_steps=10, total_steps=10, end_value=1e-5),
        {0: 0.0, 10: 1e-5, NEVER: 1e-5},
        monotone=((0, 9, 1),),
    ),
    Case(
        "warmup_cosine-hold-to-the-end",
        e.warmup_cosine(PEAK, warmup_steps=10, hold_steps=20, total_steps=30),
        {0: 0.0, 10: PEAK, 29: PEAK, 30: 0.0},
    ),
    Case(
        "warmup_polynomial",
        e.warmup_polynomial(PEAK, power=2, warmup_steps=100, total_steps=900, hold_steps=30, end_value=1e-6),
        {0: 0.0, 100: PEAK, 130: PEAK, 900: 1e-6},
        ulp=16,
    ),
    Case(
        "warmup_exponential",
        e.warmup_exponential(PEAK, warmup_steps=100, decay_rate=0.96, transition_steps=40),
        {0: 0.0, 100: PEAK},
        halvings_from=100,
    ),
    Case(
        "warmup_exponential-all",
        e.warmup_exponential(
            PEAK,
            warmup_steps=100,
            decay_rate=0.5,
            transition_steps=40,
            hold_steps=25,
            staircase=True,
            end_value=1e-5,
            init_value=1e-6,
        ),
        {0: 1e-6, 100: PEAK, 125: PEAK, 164: PEAK, NEVER: 1e-5},
        (165, 205),
        halvings_from=125,
    ),
    _warmup(
        "warmup_piecewise_constant",
        [0.1, 0.02, 0.003],
        [150, 300],
        ends={0: 0.0, 100: 0.1, 149: 0.1, 150: 0.02, 300: 0.003, NEVER: 0.003},
    ),
    _warmup("warmup_inverse_sqrt", PEAK, ends={0: 0.0, 100: PEAK, 400: PEAK / 2}),
    Case(
        "warmup_inverse_sqrt-timescale",
        e.warmup_inverse_sqrt(PEAK, warmup_steps=10, timescale=1000, init_value=1e-5),
        {0: 1e-5, 10: PEAK, 3010: PEAK / 2},
    ),
    Case(
        "warmup_inverse_sqrt-0",
        e.warmup_inverse_sqrt(PEAK, warmup_steps=0, timescale=100),
        {0: PEAK, 300: PEAK / 2},
    ),
    _warmup(
        "warmup_stable_decay",
        PEAK,
        decay_steps=200,
        total_steps=1000,
        ends={0: 0.0, 100: PEAK, 800: PEAK, 1000: 0.0},
    ),
    _warmup(
        "warmup_stable_decay-shape",
        PEAK,
        decay_steps=900,
        total_steps=1000,
        init_value=1e-6,
        end_value=1e-5,
        decay_shape=e.linear,
        ends={0: 1e-6, 100: PEAK, 1000: 1e-5},
    ),
    Case(
        "warmup_stable_decay-0",
        e.warmup_stable_decay(PEAK, warmup_steps=0, decay_steps=0, total_steps=60, end_value=1e-5),
        {0: PEAK, 59: PEAK, 60: 1e-5},
    ),
    _warmup(
        "warmup_cosine_restarts",
        PEAK,
        cycle_steps=50,
        ends={0: 0.0, 100: PEAK, 150: PEAK, 200: PEAK, 250: PEAK},
    ),
    _warmup(
        "warmup_cosine_restarts-all",
        PEAK,
        cycle_steps=16,
        growth=1.5,
        decay=0.5,
        init_value=1e-6,
        end_value=1e-6,
        ends={0: 1e-6, 100: PEAK, 116: PEAK / 2, 140: PEAK / 4, 176: PEAK / 8},
        cycles=(100, 16, 1.5),
    ),
    Case(
        "warmup_cosine_restarts-0",
        e.warmup_cosine_restarts(PEAK, warmup_steps=0, cycle_steps=20, growth=2),
        {0: PEAK, 20: PEAK, 60: PEAK, 140: PEAK},
    ),
    Case(
        "one_cycle",
        e.one_cycle(0.1, total_steps=1000),
        {300: 0.1},
        (0, 1000),
        monotone=((0, 300, 1), (300, 1000, -1)),
    ),
    Case(
        "one_cycle-linear",
        e.one_cycle(
            0.1,
            total_steps=60,
            warmup_fraction=0.5,
            div_factor=10,
            final_div_factor=100,
            shape=e.linear,
        ),
        {30: 0.1},
        (0, 60),
    ),
]
