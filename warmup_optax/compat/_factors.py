"""Learning rates as products of factors: the factor strings of T5X, Scenic, Trax and Flax's old examples.

``"constant * linear_warmup * rsqrt_decay"`` names curves that are multiplied. `parse` reads such a string.
`t5_factors` has the meanings of the names in T5X, Trax and Flax; Scenic has its own. The other functions are
curves whose lengths need not be whole. Two of them are useful only as factors: a linear ramp that continues
below 0, and a staircase given by its heights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import warmup_optax as wo

from ._parts import exact, in_ticks, in_updates, is_zero, product
from ._parts import stairs as equal_stairs
from ._port import check_number, refuse
from ._rules import Scalar, ScheduleLike

FAR = 2**31 - 1  # the last count in int32
Meanings: TypeAlias = Mapping[str, Callable[[], ScheduleLike]]


def parse(factors: object, meanings: Iterable[str]) -> list[str]:
    """Return the names in a factor string, in order. A name that is not in ``meanings`` raises an error."""
    known = ", ".join(map(repr, meanings))
    if not isinstance(factors, str):
        refuse("factors", factors, f"names of factors ({known}) with * between them", error=TypeError)
    names = [name.strip() for name in factors.split("*")]
    for name in names:
        if name not in meanings:
            said = f"Unknown factor {name}."
            refuse("factors", name, f"names of factors with * between them, each one of {known}", said)
    return names


def multiply(factors: object, meanings: Meanings) -> wo.Schedule:
    """Return the product of the factors that a string names."""
    return product(*(meanings[name]() for name in parse(factors, meanings)))


def t5_factors(
    constant: Scalar,
    warmup_steps: Scalar,
    decay_factor: Scalar,
    steps_per_decay: Scalar,
    steps_per_cycle: Scalar,
) -> dict[str, Callable[[], ScheduleLike]]:
    """Return the meanings of the names in T5X, Trax and Flax's old examples, on the clock of these libraries."""

    def rsqrt_decay() -> ScheduleLike:
        begin = 1 if is_zero(warmup_steps) else warmup_steps  # step 0 alone would be 1 / sqrt(0)
        return rsqrt(begin**-0.5, begin, begin)

    def rsqrt_normalized_decay() -> ScheduleLike:
        return 0.0 if is_zero(warmup_steps) else rsqrt(1.0, warmup_steps, warmup_steps)

    def decay_every() -> ScheduleLike:
        check_number("steps_per_decay", steps_per_decay, above=0)
        return decay(decay_factor, steps_per_decay, staircase=True)

    def cosine_decay() -> ScheduleLike:
        check_number("steps_per_cycle", steps_per_cycle, above=0)
        ticks, (begin, period) = in_ticks(warmup_steps, steps_per_cycle)
        cycles = wo.restart(wo.cosine(1.0, 0.0, period), period=period)
        return in_updates(wo.shift(cycles, begin), ticks)

    def checked(factor: Callable[[], ScheduleLike]) -> Callable[[], ScheduleLike]:
        def made() -> ScheduleLike:
            check_number("warmup_steps", warmup_steps, at_least=0)
            return factor()

        return made

    return {
        "constant": lambda: wo.constant(constant),
        "linear_warmup": checked(lambda: warmup(0.0, warmup_steps)),
        "rsqrt_decay": checked(rsqrt_decay),
        "rsqrt_normalized_decay": checked(rsqrt_normalized_decay),
        "decay_every": decay_every,
        "cosine_decay": checked(cosine_decay),
    }


def warmup(start: Scalar, length: Scalar, end: Scalar = 1.0) -> wo.Schedule:
    """A linear ramp from ``start`` to ``end``. Its length need not be whole."""
    ticks, (steps,) = in_ticks(length)
    return in_updates(wo.linear(start, end, steps), ticks)


def rsqrt(peak: Scalar, begin: Scalar, timescale: Scalar) -> wo.Schedule:
    """``peak / sqrt(1 + (n - begin) / timescale)`` from ``begin`` on, ``peak`` before. Neither need be whole."""
    ticks, (start,) = in_ticks(begin)
    return in_updates(wo.shift(wo.inverse_sqrt(peak, timescale=timescale * ticks), start), ticks)


def decay(rate: Scalar, length: Scalar, *, staircase: bool) -> wo.Schedule:
    """``rate**(t / length)``, optionally as a staircase. ``rate`` may be 0."""
    if staircase:
        return equal_stairs(1.0, rate, length)
    if is_zero(rate):
        return wo.piecewise_constant([1.0, 0.0], [1])
    ticks, (steps,) = in_ticks(length)
    return in_updates(wo.exponential(1.0, decay_rate=rate, transition_steps=steps), ticks)


def descent(length: Scalar | Fraction, passed: Fraction | int = 0) -> wo.Schedule:
    """``1 - (t + passed) / length``, which continues below 0 and never ends. Neither length need be whole."""
    whole = exact(length)
    crossing = max(math.ceil(whole - passed), 0)  # two ramps, so that neither loses precision near 0

    def at(t: int) -> float:
        return float(1 - (t + passed) / whole)

    below = wo.linear(at(crossing), at(crossing + FAR), FAR)
    return wo.join([wo.linear(at(0), at(crossing), crossing), below], [crossing]) if crossing else below


def cooldown(total_steps: Scalar, steps: Scalar) -> wo.Schedule:
    """``min(1, (total_steps - n) / steps)``: 1, then a linear decay to 0 at ``total_steps`` and below it."""
    begin = exact(total_steps) - exact(steps)
    start = math.ceil(begin)
    line = descent(steps, start - begin)
    return wo.shift(line, start) if start == begin or start <= 0 else wo.join([1.0, line], [start])


def stairs(boundaries: Sequence[int], heights: Sequence[Scalar]) -> wo.Schedule:
    """A staircase: 1, and ``heights[i]`` after ``i + 1`` boundaries. Of two equal boundaries the second applies.

    Where heights are missing, the originals give NaN. Here the last height stays.
    """
    reached = dict(zip(boundaries, heights, strict=False))
    return wo.piecewise_constant([1.0, *reached.values()], list(reached))
