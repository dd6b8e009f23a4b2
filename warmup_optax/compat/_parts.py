"""What several of the foreign libraries need: lengths that are not whole, stairs, a late start."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from numbers import Rational, Real
from typing import Any

import warmup_optax as wo

from ._port import refuse

MOST = 2**52  # ticks in the longest length: a float64 holds them, and so does the clock
FINEST = 10**6  # the largest denominator that a written number is taken to mean


def known(number: Any) -> bool:
    """Whether it is a number of Python's or NumPy's, and not a traced one."""
    return isinstance(number, Real)


def exact(number: Any) -> Any:
    """The fraction that was meant: 0.3 is 3/10, not what binary makes of it. A traced number as itself."""
    if isinstance(number, Rational):
        return Fraction(int(number.numerator), int(number.denominator))
    return Fraction(float(number)).limit_denominator(FINEST) if known(number) else number


def in_ticks(*lengths: Any) -> tuple[int, tuple[Any, ...]]:
    """``(ticks, counts)``: how many ticks an update has, and the lengths counted in them.

    Where the longest would be more than 2^52 ticks they are coarser, and lengths are rounded to them. Traced lengths are taken to be whole numbers of updates.
    """
    meant = [exact(x) for x in lengths]
    if not all(isinstance(x, Fraction) for x in meant):
        return 1, lengths
    longest = max(1, *(math.ceil(abs(x)) for x in meant))
    ticks = min(math.lcm(*(x.denominator for x in meant)), max(MOST // longest, 1))
    return ticks, tuple(round(x * ticks) for x in meant)


def left(total: Any, passed: Any, least: int) -> Any:
    """What is left of ``total``, but ``least`` if that is known to be more."""
    rest = total - passed
    return max(rest, least) if known(rest) else rest


def timed(schedule: Any, ticks: int) -> wo.Schedule:
    """A schedule that counts ticks, by updates."""
    return wo.as_schedule(schedule) if ticks == 1 else wo.speed_up(schedule, ticks)


def resumed(schedule: Any, last: int) -> wo.Schedule:
    """A schedule whose update 0 comes after step ``last``, where -1 is none."""
    return wo.as_schedule(schedule) if last == -1 else wo.shift(schedule, -1 - last)


def stairs(lr: Any, gamma: Any, steps: Any) -> wo.Schedule:
    """``lr * gamma**(n // steps)``, for a ``gamma`` of 0 too and for ``steps`` that need not be whole."""
    ticks, (steps,) = in_ticks(steps)
    if is_zero(gamma):
        return timed(wo.piecewise_constant([lr, 0.0], [steps]), ticks)
    return timed(wo.exponential(lr, decay_rate=gamma, transition_steps=steps, staircase=True), ticks)


def shrinking(
    curve: Callable[[int, Any], wo.Schedule],
    period: Any,
    growth: Any,
    number: float = math.inf,
    after: Any = 0.0,
) -> wo.Schedule:
    """Cycles that get shorter, ``curve(i, steps)`` the i-th, and ``after`` behind ``number`` of them.

    They come closer and closer to a moment without reaching it. The originals take a logarithm of the time
    that is left until then, and fail from there on: there the last rate holds.
    """
    growth, length, begin = exact(growth), exact(period), Fraction(0)
    last = math.ceil(length / (1 - growth)) - 1
    cycles, i = [], 0
    while begin <= last and i < number:
        if math.ceil(begin) < begin + length:  # an update falls into it
            cycles.append((i, begin, length))
        begin, length, i = begin + length, length * growth, i + 1
    numbers, begins, lengths = zip(*cycles, strict=True)
    ticks, counts = in_ticks(*begins, begin, last, *lengths)
    *begins, end, last = counts[: len(begins) + 2]
    curves = [curve(i, steps) for i, steps in zip(numbers, counts[len(begins) + 2 :], strict=True)]
    if end <= last:
        curves.append(wo.as_schedule(after))
        offsets = [*begins, end]
    else:  # a clock that never starts holds the rate of the last update
        curves.append(wo.shift(curves[-1], begins[-1] - last))
        never = 2**60
        end, offsets = last + 1, [*begins, never]
    return timed(wo.join(curves, [*begins[1:], end], offsets), ticks)


def is_zero(number: Any) -> bool:
    """Whether a number is known to be 0."""
    return known(number) and number == 0


def within(name: str, number: Any, least: float, most: float, above: bool = False) -> None:
    """Refuses a concrete number outside ``[least, most]``, or at ``least`` where it must be above."""
    if not all(map(known, (number, least, most))):
        return
    if not (least < number <= most or (number == least and not above)):
        low = "" if least == -math.inf else f" {'>' if above else '>='} {least}"
        high = "" if most == math.inf else f" <= {most}"
        refuse(name, number, "a number" + " and".join(filter(None, (low, high))))


def chosen(words: dict[str, Any], name: str, word: Any) -> Any:
    """What a word stands for."""
    if word not in words:
        refuse(name, word, f"one of {', '.join(map(repr, words))}")
    return words[word]
