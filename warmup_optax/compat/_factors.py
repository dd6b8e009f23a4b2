"""Learning rates written as products: the factor strings of T5X, Scenic, Trax and Flax's old examples.

``"constant * linear_warmup * rsqrt_decay"`` names curves that are multiplied. `parse` reads such a string;
`t5_factors` is what its names mean in T5X, Trax and Flax (Scenic has its own). The rest are curves that are
needed only where factors are multiplied: a line that goes on below 0, and stairs listed by their heights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import warmup_optax as wo

from ._parts import exact, is_zero, known

FAR = 2**31 - 1  # the last count there is


def parse(factors: str, meanings: Iterable[str]) -> list[str]:
    """The names in a factor string, in the order written; one that is not in ``meanings`` is refused."""
    names = [name.strip() for name in factors.split("*")]
    for name in names:
        if name not in meanings:
            raise ValueError(f"Unknown factor {name}. The factors are {', '.join(meanings)}")
    return names


def multiply(factors: str, meanings: Mapping[str, Callable[[], Any]]) -> wo.Schedule:
    """The product of what the names in a factor string mean."""
    parts = [meanings[name]() for name in parse(factors, meanings)]
    return wo.product(*parts) if len(parts) > 1 else wo.as_schedule(parts[0])


def t5_factors(
    constant: Any, warmup_steps: Any, decay_factor: Any, steps_per_decay: Any, steps_per_cycle: Any
) -> dict[str, Callable[[], Any]]:
    """What the names mean in T5X, Trax and Flax's old examples, by their own step."""

    def rsqrt_decay() -> Any:
        whole(0, warmup_steps=warmup_steps)
        begin = 1 if is_zero(warmup_steps) else warmup_steps  # step 0 alone would be 1 / sqrt(0)
        return wo.shift(wo.inverse_sqrt(begin**-0.5, timescale=begin), begin)

    def rsqrt_normalized_decay() -> Any:
        whole(0, warmup_steps=warmup_steps)
        if is_zero(warmup_steps):
            return 0.0
        return wo.shift(wo.inverse_sqrt(1.0, timescale=warmup_steps), warmup_steps)

    def linear_warmup() -> Any:
        whole(0, warmup_steps=warmup_steps)
        return wo.linear(0.0, 1.0, warmup_steps)

    def decay_every() -> Any:
        whole(1, steps_per_decay=steps_per_decay)
        return decay(decay_factor, steps_per_decay, staircase=True)

    def cosine_decay() -> Any:
        whole(0, warmup_steps=warmup_steps)
        whole(1, steps_per_cycle=steps_per_cycle)
        cycles = wo.restart(wo.cosine(1.0, 0.0, steps_per_cycle), period=steps_per_cycle)
        return wo.shift(cycles, warmup_steps)

    return {
        "constant": lambda: wo.constant(constant),
        "linear_warmup": linear_warmup,
        "rsqrt_decay": rsqrt_decay,
        "rsqrt_normalized_decay": rsqrt_normalized_decay,
        "decay_every": decay_every,
        "cosine_decay": cosine_decay,
    }


def decay(rate: Any, steps: Any, *, staircase: bool) -> wo.Schedule:
    """``rate**(t / steps)``, or in stairs, for a ``rate`` of 0 too."""
    if is_zero(rate):
        return wo.piecewise_constant([1.0, 0.0], [steps if staircase else 1])
    return wo.exponential(1.0, decay_rate=rate, transition_steps=steps, staircase=staircase)


def descent(length: Any) -> wo.Schedule:
    """``1 - t / length``, on below 0 without an end; ``length`` need not be whole."""
    length = exact(length)
    crossing = math.ceil(length)  # two lines, so that none has a sum of two large numbers near 0

    def at(t: int) -> float:
        return float(1 - t / length)

    below = wo.linear(at(crossing), at(crossing + FAR), FAR)
    return wo.join([wo.linear(1.0, at(crossing), crossing), below], [crossing])


def cooldown(total_steps: Any, steps: Any) -> wo.Schedule:
    """``min(1, (total_steps - n) / steps)``: 1, then down to 0 at ``total_steps``, and on below 0."""
    return wo.shift(descent(steps), total_steps - steps)


def stairs(boundaries: Sequence[Any], heights: Sequence[Any]) -> wo.Schedule:
    """1, and ``heights[i]`` once ``i + 1`` boundaries have been reached, of two equal ones the second.

    The originals have NaN where heights are missing: there the last one holds.
    """
    reached = dict(zip(boundaries, heights, strict=False))
    return wo.piecewise_constant([1.0, *reached.values()], list(reached))


def whole(least: int, **lengths: Any) -> None:
    """Refuses a known length that is not a whole number of steps from ``least`` on."""
    for name, value in lengths.items():
        if known(value) and not (value >= least and value % 1 == 0):
            raise ValueError(f"{name} must be a whole number of steps >= {least}, got {value!r}")
