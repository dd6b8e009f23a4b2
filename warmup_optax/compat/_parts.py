"""Helpers that several ports share: fractional lengths, staircases, shrinking cycles."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from numbers import Rational
from typing import TypeVar, cast

import warmup_optax as wo

from ._port import is_concrete, refuse
from ._rules import Scalar, ScheduleLike

T = TypeVar("T")
MOST = 2**52  # ticks in the longest length: a float64 holds them
FASTEST = 2**30  # ticks in an update: the clock counts to 2**61, so no 32-bit count overflows it
FINEST = 10**6  # the largest denominator when a float is read as a fraction
_DIGITS = 60  # decimal digits of a begin, which is a sum of shrinking lengths


def is_zero(number: object) -> bool:
    """Return whether a number is concrete and 0."""
    return is_concrete(number) and number == 0


def exact(number: Scalar | Fraction) -> Fraction:
    """Return the intended fraction: 0.3 is 3/10, not its binary value.

    A tracer is returned unchanged. It has the operators of a fraction, and is typed as one.
    """
    if isinstance(number, Rational):
        return Fraction(int(number.numerator), int(number.denominator))
    if is_concrete(number):
        return Fraction(float(number)).limit_denominator(FINEST)
    return cast(Fraction, number)


def in_ticks(*lengths: Scalar | Fraction) -> tuple[int, tuple[int, ...]]:
    """Return ``(ticks, counts)``: the number of ticks in an update, and the lengths in ticks.

    Lengths without a small common denominator are rounded to a tick. The longest length has at most 2^52 ticks,
    an update at most 2^30. Traced lengths are treated as whole numbers of updates.
    """
    meant = [exact(x) for x in lengths]
    if not all(isinstance(x, Fraction) for x in meant):
        return 1, cast(tuple[int, ...], lengths)
    ticks = _common(meant, max(1, *(math.ceil(abs(x)) for x in meant)))
    return ticks, tuple(round(x * ticks) for x in meant)


def _common(lengths: Iterable[Fraction | Decimal], longest: int) -> int:
    """Return the least number of ticks that makes all lengths whole, or the largest that the clock allows."""
    ticks, most = 1, max(min(MOST // longest, FASTEST), 1)
    for length in lengths:
        ticks = math.lcm(ticks, Fraction(length).denominator)
        if ticks > most:
            return most
    return ticks


def remaining(total: int, passed: int, least: int) -> int:
    """Return ``total - passed``, and at least ``least`` if the difference is concrete."""
    rest = total - passed
    return max(rest, least) if is_concrete(rest) else rest


def in_updates(schedule: ScheduleLike, ticks: int) -> wo.Schedule:
    """Convert a schedule that counts ticks to one that counts updates."""
    return wo.as_schedule(schedule) if ticks == 1 else wo.stretch(schedule, Fraction(1, ticks))


def warmed(lr: Scalar, steps: int, decay: ScheduleLike, init_lr: Scalar = 0.0) -> wo.Schedule:
    """A linear ramp to ``lr``, followed by a decay on its own clock."""
    return wo.join([wo.linear(init_lr, lr, steps), decay], [steps])


def product(*factors: ScheduleLike) -> wo.Schedule:
    """Return the product of schedules or numbers."""
    return functools.reduce(operator.mul, map(wo.as_schedule, factors))


def stairs(lr: Scalar, gamma: Scalar, steps: Scalar | Fraction) -> wo.Schedule:
    """``lr * gamma**(n // steps)``. ``gamma`` may be 0, and ``steps`` need not be whole."""
    ticks, (each,) = in_ticks(steps)
    if is_zero(gamma):
        return in_updates(wo.piecewise_constant([lr, 0.0], [each]), ticks)
    return in_updates(wo.exponential(lr, decay_rate=gamma, transition_steps=each, staircase=True), ticks)


def shrinking_cycles(
    curve: Callable[[int, int], wo.Schedule],
    period: Scalar,
    growth: Scalar,
    number: float = math.inf,
    after: Scalar = 0.0,
) -> wo.Schedule:
    """Cycles that get shorter: ``curve(i, steps)`` is the i-th. ``after`` follows the last of ``number`` cycles.

    An unlimited number of cycles converges to a count without reaching it. The originals take a logarithm of the
    time that remains until that count, which fails at and after it. Here the last rate stays.
    """
    shrink, first = exact(growth), exact(period)
    last = math.ceil(first / (1 - shrink)) - 1
    cycles: list[tuple[int, Decimal, Decimal]] = []
    with localcontext(prec=_DIGITS):
        factor = Decimal(shrink.numerator) / Decimal(shrink.denominator)
        length = Decimal(first.numerator) / Decimal(first.denominator)
        begin, i = Decimal(0), 0
        while begin <= last and i < number:
            if math.ceil(begin) < begin + length:  # it contains an update
                cycles.append((i, begin, length))
            begin, length, i = _whole_if_near(begin + length), _whole_if_near(length * factor), i + 1
        begins, lengths = [x[1] for x in cycles], [x[2] for x in cycles]
        ticks = _common([*begins, begin, *lengths], max(last, math.ceil(first)))
        starts, counts = ([round(x * ticks) for x in column] for column in (begins, lengths))
        end = round(begin * ticks)
    curves = [curve(x[0], steps) for x, steps in zip(cycles, counts, strict=True)]
    if begin <= last:
        curves.append(wo.as_schedule(after))
        offsets = [*starts, end]
    else:  # a clock that never starts stays at the rate of the last update
        curves.append(wo.shift(curves[-1], starts[-1] - last * ticks))
        end, offsets = last * ticks + 1, [*starts, 2**60]
    return in_updates(wo.join(curves, [*starts[1:], end], offsets), ticks)


def _whole_if_near(moment: Decimal) -> Decimal:
    nearest = moment.to_integral_value()
    return nearest if abs(moment - nearest) < Decimal(10) ** -20 else moment


def meaning(words: Mapping[str, T], name: str, word: object) -> T:
    """Return the meaning of a word. An unknown word raises an error."""
    if not isinstance(word, str) or word not in words:
        refuse(name, word, f"one of {', '.join(map(repr, words))}")
    return words[word]


def joined(
    schedules: Sequence[ScheduleLike], begins: Sequence[int], offsets: Sequence[int] | None = None
) -> wo.Schedule:
    """Join schedules, each from its begin on. The clock of each is 0 at its offset.

    After its begin, a later schedule replaces all earlier ones, as in Optax. A schedule that begins no later
    than its predecessor replaces it entirely. `join` raises an error for such phases; here they are left out.
    """
    phases: list[tuple[ScheduleLike, int, int]] = []
    for schedule, begin, offset in zip(schedules, begins, offsets or begins, strict=True):
        while phases and phases[-1][1] >= begin:
            phases.pop()
        phases.append((schedule, max(begin, 0) if phases else 0, offset))
    parts, starts, clocks = (list(x) for x in zip(*phases, strict=True))
    return wo.join(parts, starts[1:], None if clocks == starts else clocks)
