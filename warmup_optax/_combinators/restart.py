"""Restarts: a schedule again and again, each time longer and scaled."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.node import checked
from .._core.numerics import rate_power, split_rate, table
from .._core.schedule import Lowered, Number, NumberField, Schedule, ScheduleLike, Steps, as_schedule_argument
from .._core.time import (
    LARGEST,
    Factor,
    Time,
    default_float,
    default_int,
    divide_real,
    real,
    take,
    whole_number,
)

MOST_CYCLES = 2**16  # more would be a table of megabytes, for a growth that nobody can see
TRACED_CYCLES = 128  # cycles of a traced growth, whose number is not known
_DIGITS = 60  # of the host's arithmetic: a bound that should be whole is


class Restart(Schedule, kind="restart"):
    """Made by `restart`."""

    schedule: Schedule = checked(as_schedule_argument)
    period: NumberField = checked(checks.steps, at_least=1)
    growth: NumberField = checked(
        checks.number, at_least=1, default=1.0, fix="cycles cannot shrink: join() them"
    )
    decay: NumberField = checked(
        checks.number, above=0, default=1.0, fix="to stop after a cycle, join() a constant"
    )

    def _check_together(self) -> None:
        concrete = isinstance(self.growth, float) and not checks.is_traced(self.period)
        if concrete and _needed(self.period, self.growth) > MOST_CYCLES:
            allowed, fix = f"1, or large enough for {MOST_CYCLES} cycles", "give 1 for cycles of equal length"
            checks.raise_bad_argument(self._kind, "growth", self.growth, allowed, fix)

    def lower(self) -> Lowered:
        return _Restarted(self.schedule.lower(), self._clock(), *split_rate(self.decay))

    def _clock(self) -> Any:
        if not (isinstance(self.period, (int, float)) and isinstance(self.growth, (int, float))):
            return _TracedCycles(self.period, self.growth)
        if self.growth == 1:
            return _EqualCycles(whole_number(self.period))
        return _growing(int(self.period), Fraction(str(self.growth)))


class _Restarted(Lowered):
    _data = ("schedule", "clock", "decay", "dropped")

    def evaluate(self, time: Time) -> Any:
        number, within = self.clock.cycle(time)
        return real(self.schedule.evaluate(within)) * rate_power(real(self.decay), self.dropped, real(number))


class _Clock(Lowered):
    """Finds the cycle of a time, and the time within it as if the cycle had the first length."""

    def evaluate(self, time: Time) -> Any:
        raise NotImplementedError


class _EqualCycles(_Clock):
    _data = ("period",)

    def cycle(self, time: Time) -> tuple[Any, Time]:
        return time.cycle(self.period)


class _WholeCycles(_Clock):
    """Cycles that begin at whole counts, each a whole number of times as long as the first."""

    _data = ("starts", "units", "last")

    def cycle(self, time: Time) -> tuple[Any, Time]:
        row = jnp.minimum(time.locate(self.starts[1:]), jnp.asarray(self.last, jnp.int32))
        return row, time.since(take(self.starts, row)).over(take(self.units, row))


class _RealCycles(_Clock):
    """Cycles that begin between two counts: each is measured from the whole count before its begin."""

    _data = ("begins", "firsts", "bases", "borrows", "factors", "last")

    def cycle(self, time: Time) -> tuple[Any, Time]:
        found = time.locate((self.firsts if time.part is None else self.begins)[1:])
        row = jnp.minimum(found, jnp.asarray(self.last, jnp.int32))
        base, borrow, factor = (take(x, row) for x in (self.bases, self.borrows, self.factors))
        return row, time.since(base).scaled(factor).since(borrow)


class _TracedCycles(_Clock):
    """Cycles of a growth that is traced, and so at least 1 and not known to be whole."""

    _data = ("period", "growth")

    def cycle(self, time: Time) -> tuple[Any, Time]:
        starts, firsts, units, last = self._tables()
        row = jnp.minimum(time.locate((firsts if time.part is None else starts)[1:]), last)
        start, unit = (take(column, row) for column in (starts, units))
        base = jax.lax.stop_gradient(jnp.floor(start))
        passed = real(time.since(base.astype(default_int())).count())
        since = jnp.maximum(passed - (start - base), 0)
        number, rest = divide_real(since, unit)
        part, left = rest / unit, (unit - rest) / unit
        # Equal cycles are found by whole-number division, however many there are.
        alike = real(self.growth) == 1
        times, equal = time.cycle(self.period)
        whole = jnp.where(alike, equal.narrow(), number.astype(default_int()))
        exact = real(0) if equal.part is None else equal.part
        stop = jax.lax.stop_gradient
        part = part + stop(jnp.where(alike, exact - part, 0))
        left = left + stop(jnp.where(alike, 1 - exact - left, 0))
        return jnp.where(alike, real(times), real(row)), Time(whole, part, left)

    def _tables(self) -> tuple[Any, Any, Any, Any]:
        period, growth = real(self.period), real(self.growth)
        limit = math.log(LARGEST) / jnp.maximum(jnp.log(jax.lax.stop_gradient(growth)), 1e-6)
        # The limit is on the exponent: a power that overflows, even one that is cut off after, has no slope.
        units = jnp.power(growth, jnp.minimum(np.arange(TRACED_CYCLES).astype(default_float()), limit))
        below = np.tri(TRACED_CYCLES, k=-1, dtype=default_float())
        bounds = period * jnp.sum(below * units[None, :], axis=1)
        # A bound that should be whole is: 100 + 100 * 1.1 is 210, not 210.00002.
        nearest = jnp.round(bounds)
        near = abs(bounds - nearest) <= 4 * float(jnp.finfo(default_float()).eps) * jnp.maximum(nearest, 1)
        starts = bounds + jax.lax.stop_gradient(jnp.where(near, nearest - bounds, 0))
        largest = float(
            np.nextafter(
                np.asarray(np.iinfo(default_int()).max, default_float()), np.zeros((), default_float())
            )
        )
        firsts = jnp.ceil(jnp.minimum(jax.lax.stop_gradient(starts), largest)).astype(default_int())
        last = jnp.sum(starts <= largest, dtype=jnp.int32) - 1
        return jnp.where(starts <= largest, starts, largest), firsts, units, last


def _needed(period: float, growth: float) -> int:
    """How many cycles begin within the counts that the default integer holds."""
    reach = (growth - 1) * float(np.iinfo(default_int()).max) / period
    return 1 if growth == 1 else math.ceil(math.log1p(reach) / math.log(growth)) + 1


def _growing(period: int, growth: Fraction) -> Any:
    """The tables of growing cycles, worked out on the host."""
    largest = int(np.iinfo(default_int()).max)
    # A power of two of rows, so that other numbers seldom change the size of the program.
    rows = max(64, 1 << (_needed(period, float(growth)) - 1).bit_length())
    if growth.denominator == 1:
        starts, units, begin, unit = [], [], 0, 1
        while begin <= largest:
            starts.append(begin)
            units.append(min(unit, largest))
            begin, unit = begin + period * unit, unit * int(growth)
        # Rows past the last count repeat the last cycle that begins within it.
        padded = [table(tuple(x + [x[-1]] * (rows - len(x)))) for x in (starts, units)]
        return _WholeCycles(*padded, len(starts) - 1)
    with localcontext(prec=_DIGITS):
        ratio = Decimal(growth.numerator) / Decimal(growth.denominator)
        begin, unit = Decimal(0), Decimal(1)
        cycles: list[tuple[Any, ...]] = []
        while True:
            nearest = begin.to_integral_value()
            begin = nearest if abs(begin - nearest) < Decimal(10) ** -20 else begin
            base, first, factor = math.floor(begin), math.ceil(begin), 1 / unit
            if first > largest:
                break
            # The time before the begin is taken off: 1 is borrowed, and what is too much is the offset.
            borrow = int(begin > base)
            offset = Fraction(borrow - (begin - base) * factor)
            cycles.append((float(begin), first, base, borrow, Factor.of(Fraction(factor), offset)))
            begin, unit = begin + period * unit, unit * ratio
    *columns, factors = zip(*cycles, *[cycles[-1]] * (rows - len(cycles)), strict=True)
    factor = Factor(*map(np.stack, zip(*factors, strict=True)))
    return _RealCycles(*map(table, columns), factor, len(cycles) - 1)


def restart(schedule: ScheduleLike, *, period: Steps, growth: Number = 1, decay: Number = 1.0) -> Schedule:
    r"""A schedule again and again (SGDR): each cycle longer than the last, and scaled.

    .. math:: v(c) = d^i\, s\!\left(\frac{c - B_i}{g^i}\right) \ \text{for}\ B_i \le c < B_{i+1}, \qquad
              B_i = P \sum_{j < i} g^j

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number; in cycle :math:`i` it is stretched
        by :math:`g^i`. What it does after ``period`` steps of its own is not seen.
      period: :math:`P`, the length of the first cycle in optimizer updates, a whole number >= 1.
      growth: :math:`g` >= 1, whole or not: each cycle is so many times as long as the last.
      decay: :math:`d` > 0: each cycle is scaled by it once more, the floor with the peak.

    Returns:
      A `Schedule` without an end. A cycle begins exactly at its bound, a whole count where it should be
      (Keras, timm and fairseq find the cycle by a logarithm and can be one update late). Accuracy is the
      schedule's own, to the foot of each cycle; where cycles end between two counts it is that many ULP of
      the cycle's peak.

    Raises:
      ValueError: If ``period`` is not a whole number >= 1, ``growth`` < 1, ``decay`` <= 0, or ``growth`` is
        so little above 1 that there are more than 65,536 cycles to tell apart.
      TypeError: If an argument is of the wrong type.

    A traced ``growth`` has 128 cycles, the last of which does not end, and is of 32 bits: if it is not whole,
    cycles begin up to 1e-6 of their count early or late.

    Source: Loshchilov & Hutter, SGDR (2017), section 3.

    >>> import warmup_optax as wo
    >>> saw = wo.restart(wo.linear(1.0, 0.0, 4), period=4, growth=2, decay=0.5)
    >>> saw([0, 2, 4, 8, 12]).tolist()
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return Restart(schedule, period, growth, decay)  # pyright: ignore[reportArgumentType]
