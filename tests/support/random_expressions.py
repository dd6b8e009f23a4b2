"""Random schedules: every shape inside every combinator inside every combinator, from a seed.

Lengths are those where a product with the reciprocal goes wrong in float32 (`41 * (1 / 41) < 1`), as well as
ordinary ones. No curve grows without bound, so that an error can be measured by the largest value.
"""

import itertools
import random
from fractions import Fraction

from support.expressions import e, numbers

LENGTHS = [1, 2, 3, 10, 41, 47, 55, 61, 82, 83, 94, 97, 100]
VALUES = [0.0, 1e-6, 0.03125, 0.1, 0.7, 1.0, 3.0]
POSITIVE = VALUES[1:]
RAMPS = [e.linear, e.cosine, e.one_minus_sqrt, e.partial(e.polynomial, power=2)]


def _steps(r):
    return r.choice(LENGTHS)


def _bounds(r, n):
    return sorted(r.sample(range(1, 400), n))


def _ends(r):
    return r.choice(POSITIVE), r.choice(VALUES), _steps(r)


SHAPES = {
    "constant": lambda r: e.constant(r.choice(POSITIVE)),
    "linear": lambda r: e.linear(*_ends(r)),
    "cosine": lambda r: e.cosine(*_ends(r), exponent=r.choice([0.5, 1.0, 2.0])),
    "polynomial": lambda r: e.polynomial(
        *_ends(r), power=r.choice([0.5, 1.0, 2.0]), origin=r.choice(["end", "init"])
    ),
    "one_minus_sqrt": lambda r: e.one_minus_sqrt(*_ends(r)),
    "geometric": lambda r: e.geometric(r.choice(POSITIVE), r.choice(POSITIVE), _steps(r)),
    "tanh": lambda r: e.tanh(*_ends(r)),
    "finite_exponential": lambda r: e.finite_exponential(*_ends(r), ratio=r.choice([0.01, 0.5, 0.999])),
    "k_decay": lambda r: e.k_decay(e.cosine(*_ends(r)), 2.0),
    "exponential": lambda r: e.exponential(
        r.choice(POSITIVE), decay_rate=r.choice([0.3, 0.9]), transition_steps=_steps(r), end_value=0.0
    ),
    "exponential-staircase": lambda r: e.exponential(
        r.choice(POSITIVE), decay_rate=r.choice([0.3, 0.9]), transition_steps=_steps(r), staircase=True
    ),
    "inverse_sqrt": lambda r: e.inverse_sqrt(r.choice(POSITIVE), timescale=_steps(r)),
    "inverse_time": lambda r: e.inverse_time(r.choice(POSITIVE), decay_rate=0.5, transition_steps=_steps(r)),
    "inverse_time-staircase": lambda r: e.inverse_time(
        r.choice(POSITIVE), decay_rate=0.5, transition_steps=_steps(r), staircase=True
    ),
    "exponential_approach": lambda r: e.exponential_approach(0.1, 1.0, timescale=_steps(r)),
    "power_law": lambda r: e.power_law(r.choice(POSITIVE), power=-0.5, timescale=_steps(r)),
    "radam": lambda r: e.radam(r.choice(POSITIVE), b2=1 - 2**-6),
    "piecewise_constant": lambda r: e.piecewise_constant(r.sample(VALUES, 4), _bounds(r, 3)),
    "piecewise_linear": lambda r: e.piecewise_linear(r.sample(VALUES, 4), _bounds(r, 4)),
    "piecewise_cosine": lambda r: e.piecewise_cosine(r.sample(VALUES, 3), _bounds(r, 3)),
    "cosine_wave": lambda r: e.cosine_wave(*_ends(r)),
    "triangle_wave": lambda r: e.triangle_wave(*_ends(r), _steps(r)),
    "warmup_cosine": lambda r: e.warmup_cosine(0.1, warmup_steps=_steps(r), total_steps=100 + _steps(r)),
}


def _plain(r):
    return SHAPES[r.choice(["linear", "cosine", "piecewise_constant", "constant", "exponential-staircase"])](
        r
    )


COMBINATORS = {
    "join": lambda r, s: e.join([_plain(r), s, _plain(r)], _bounds(r, 2)),
    "join-global": lambda r, s: e.join([s, _plain(r)], _bounds(r, 1), offsets=[0, 0]),
    "with_warmup": lambda r, s: e.with_warmup(
        s, steps=_steps(r), init_value=r.choice(VALUES), shape=r.choice(RAMPS), overlap=r.random() < 0.5
    ),
    "with_cooldown": lambda r, s: e.with_cooldown(s, begin=_steps(r), steps=_steps(r), shape=r.choice(RAMPS)),
    "shift": lambda r, s: e.shift(s, r.randint(-50, 50)),
    "shift-ahead": lambda r, s: e.shift(s, -r.choice([1, 41, 300, 2**20])),
    "join-ahead": lambda r, s: e.join([s, _plain(r)], _bounds(r, 1), offsets=[-r.choice([1, 41, 300]), 0]),
    "in_steps": lambda r, s: e.in_steps(s, starts=[r.choice([0, 7])], rates=[r.choice([1, 3, 41])]),
    "in_steps-ramp": lambda r, s: e.in_steps(
        s, boundaries=[10, 30], starts=[0, 20, 100], rates=[2, 4, 9], scale=r.choice([1, 2, 5])
    ),
    "restart": lambda r, s: e.restart(s, period=_steps(r) + r.choice([0, 41, 300])),
    "restart-growing": lambda r, s: e.restart(s, period=_steps(r) + 10, growth=r.choice([2, 3]), decay=0.5),
    "staircase": lambda r, s: e.staircase(s, _steps(r)),
    "stretch-faster": lambda r, s: e.stretch(s, Fraction(1, r.choice([2, 3, 41]))),
    "times": lambda r, s: s * 0.5,
    "clip": lambda r, s: e.clip(s, 0.01, 2.0),
    "product": lambda r, s: s * _plain(r),
    "minimum": lambda r, s: e.minimum(s, _plain(r), 1.5),
    "maximum": lambda r, s: e.maximum(s, _plain(r)),
    "sum": lambda r, s: s + _plain(r) * 0.5,
}
# A cycle that ends between two counts: the clock inside is not whole, and known to float32 only.
REAL_CLOCKS = {
    "restart-1.5": lambda r, s: e.restart(s, period=_steps(r) + 30, growth=1.5, decay=0.9),
    "restart-1.1": lambda r, s: e.restart(s, period=_steps(r) + 100, growth=1.1),
}


def nested(seed, size, combinators=COMBINATORS):
    """``size`` expressions, each a shape inside two combinators; each kind occurs as often as the others."""
    r = random.Random(seed)

    def cycled(names):
        names = list(names)
        while True:
            r.shuffle(names)
            yield from names

    kinds = zip(cycled(combinators), cycled(combinators), cycled(SHAPES), strict=False)
    return [
        combinators[outer](r, combinators[inner](r, SHAPES[shape](r)))
        for outer, inner, shape in itertools.islice(kinds, size)
    ]


def counts_of(expression, size, seed=0):
    """Counts where something is due: around multiples of the lengths in it and of their products."""
    lengths = sorted({abs(n) for n in numbers(expression) if isinstance(n, int) and n})
    lengths += [a * b for a, b in itertools.combinations(lengths, 2)]
    due = {k * n + d for n in lengths for k in (1, 2, 3, 5) for d in (-1, 0, 1)}
    due |= {a + b for a, b in itertools.combinations(lengths[:6], 2)} | set(range(5))
    due = sorted(n for n in due if 0 <= n < 2**23)
    chosen = random.Random(seed).choices(range(max(due)), k=32)
    if len(due) > size - 32:
        due = random.Random(seed).sample(due, size - 32)
    return sorted([*due, *chosen, *[chosen[0]] * (size - 32 - len(due))])
