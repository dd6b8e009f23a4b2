"""Restarts: a schedule again and again, each time longer and scaled."""

from __future__ import annotations

import bisect
import functools
import math
import operator
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.lowered import Lowered, Record
from .._core.node import checked
from .._core.phases import FAR, Phase, View, mapped, window
from .._core.powers import rate_power, split_rate
from .._core.scalars import (
    LARGEST,
    Length,
    Scalar,
    Wide,
    default_float,
    default_int,
    real,
    whole_number,
)
from .._core.schedule import Number, NumberField, Schedule, ScheduleLike, Steps, as_schedule_argument
from .._core.tables import Moment, take, whole_table
from .._core.time import Time

MOST_CYCLES = 2**18  # more would be a table of several megabytes
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
        # A concrete decay of 1 is a structure of its own, which costs no power.
        decay = None if isinstance(self.decay, float) and self.decay == 1 else split_rate(self.decay)
        return _Restarted(self.schedule.lower(), self._clock(), decay)

    def _clock(self) -> _EqualCycles | _GrowingCycles:
        if not (isinstance(self.period, (int, float)) and isinstance(self.growth, (int, float))):
            return _traced_cycles(self.period, self.growth)
        if self.growth == 1:
            return _EqualCycles(whole_number(self.period))
        return _growing_cycles(int(self.period), Fraction(str(self.growth)))

    def walk(self, view: View) -> Iterator[Phase]:
        period, growth, decay = float(self.period), float(self.growth), float(self.decay)
        at_end = view.value(self.schedule, period)
        cycle = _cycle_at(view.begin, period, growth)
        while True:
            unit = growth**cycle
            first = period * (cycle if growth == 1 else (unit - 1) / (growth - 1))
            if period * unit < view.step:
                yield Phase(first, self._kind, "cycle" if cycle else "start", again=cycle > 0, short=True)
                if growth == 1:
                    return
                cycle = max(cycle + 1, math.ceil(math.log(view.step / period) / math.log(growth)))
                continue
            factor = _power(decay, cycle)
            inside = self.schedule.walk(view.after(first).scaled(1 / unit))
            for phase in window(inside, 0, period, None, at_end, "cycle" if cycle else "start"):
                floor = None if phase.floor is None else phase.floor * factor
                phase = mapped(phase, functools.partial(operator.mul, factor), floor)
                yield phase._replace(begin=first + phase.begin * unit, again=cycle > 0)
            if first + period * unit > FAR:
                return
            cycle += 1


class _Restarted(Lowered):
    schedule: Lowered
    cycles: _EqualCycles | _GrowingCycles
    decay: tuple[Scalar, Scalar] | None  # and what float32 cuts off from it

    def evaluate(self, time: Time) -> jax.Array:
        number, local = self.cycles.at(time)
        value = real(self.schedule.evaluate(local))
        if self.decay is None:
            return value
        decay, dropped = self.decay
        return value * rate_power(real(decay), dropped, real(number))


class _EqualCycles(Record):
    """Cycles of one length."""

    period: Length

    def at(self, time: Time) -> tuple[Any, Time]:
        """The number of the cycle at a time, and the time within it."""
        return time.cycle(self.period)


class _Table(Record):
    """Cycles in a table: where each begins, and how many times as long as the first it is."""

    begins: Any  # whole counts, or a Moment
    units: Any
    last: Scalar

    def at(self, time: Time) -> tuple[Any, Time]:
        """The number of the cycle, and the time within it as if the cycle had the first length."""
        row = jnp.minimum(
            time.locate(jax.tree.map(lambda x: x[1:], self.begins)), jnp.asarray(self.last, np.int32)
        )
        begin, unit = take((self.begins, self.units), row)
        if isinstance(begin, Moment):
            return row, time._stretched_since(begin, unit)
        return row, time.after(begin).rescale(unit)


class _GrowingCycles(Record):
    """Cycles each longer than the last. The first table ends with int32, the second is for wider clocks.

    Where the growth is traced and 1, the cycles are equal, however many there are.
    """

    near: _Table
    far: _Table | None
    equal: _EqualCycles | None = None
    alike: Any = None

    def at(self, time: Time) -> tuple[Any, Time]:
        """The number of the cycle, and the time within it as if the cycle had the first length."""
        table = self.near if self.far is None or time._is_narrow() else self.far
        number, local = table.at(time)
        if self.equal is None:
            return number, local
        count, within = self.equal.at(time)
        return jnp.where(self.alike, real(count), real(number)), local._replaced(self.alike, within)


def _traced_cycles(period: Any, growth: Any) -> _GrowingCycles:
    """The cycles of numbers of which one is traced."""
    growth, length, dtype = real(growth), real(period), default_float()
    limit = math.log(LARGEST) / jnp.maximum(jnp.log(jax.lax.stop_gradient(growth)), 1e-6)
    # The limit is on the exponent: a power that overflows, even one that is cut off after, has no gradient.
    units = jnp.power(growth, jnp.minimum(np.arange(TRACED_CYCLES).astype(dtype), limit))
    below = np.tri(TRACED_CYCLES, k=-1, dtype=dtype)
    bounds = length * jnp.sum(below * units[None, :], axis=1)
    # A bound that should be whole is: 100 + 100 * 1.1 is 210, not 210.00002.
    nearest = jnp.round(bounds)
    due = abs(bounds - nearest) <= 4 * float(jnp.finfo(dtype).eps) * jnp.maximum(nearest, 1)
    bounds = bounds + jax.lax.stop_gradient(jnp.where(due, nearest - bounds, 0))
    floors = jax.lax.stop_gradient(jnp.floor(bounds))

    def until(end: float) -> _Table:
        inside = floors < end
        wholes = jnp.where(inside, floors, np.nextafter(dtype.type(end), dtype.type(0)))
        wholes = Wide.of(wholes) if end > np.iinfo(default_int()).max else wholes.astype(default_int())
        begins = Moment(wholes, jnp.where(inside, bounds - floors, 0))
        return _Table(begins, units, jnp.sum(inside, dtype=jnp.int32) - 1)

    far = None if default_int() == np.int64 else until(float(LARGEST))
    near = until(float(min(LARGEST, np.iinfo(default_int()).max + 1)))
    return _GrowingCycles(near, far, _EqualCycles(period), growth == 1)


def _needed(period: float, growth: float) -> float:
    """How many cycles begin before the largest count, about."""
    reach = (growth - 1) * LARGEST / period
    return 1 if growth == 1 else math.log1p(reach) / math.log(growth)


def _growing_cycles(period: int, growth: Fraction) -> _GrowingCycles:
    """The cycles of concrete numbers, worked out on the host."""
    begins, units = [], []
    with localcontext(prec=_DIGITS):
        ratio = Decimal(growth.numerator) / Decimal(growth.denominator)
        begin, unit = Decimal(0), Decimal(1)
        while begin < LARGEST:
            nearest = begin.to_integral_value()
            begin = nearest if abs(begin - nearest) < Decimal(10) ** -20 else begin
            begins.append(begin)
            units.append(unit)
            begin, unit = begin + period * unit, unit * ratio
    wholes = [*map(math.floor, begins)]
    parts = [float(begin - whole) for begin, whole in zip(begins, wholes, strict=True)]

    def until(end: int) -> _Table:
        last = bisect.bisect_left(wholes, end) - 1
        # A power of two of rows, so that other numbers seldom change the size of the program.
        rows = max(64, 1 << last.bit_length())
        row = [*range(last + 1), *[last] * (rows - last - 1)]
        starts = whole_table(tuple(wholes[i] for i in row))
        if growth.denominator == 1:  # as integers, in which no boundary within a cycle is missed
            return _Table(starts, whole_table(tuple(min(int(units[i]), LARGEST - 1) for i in row)), last)
        part, unit = (
            np.asarray([float(column[i]) for i in row], default_float()) for column in (parts, units)
        )
        return _Table(Moment(starts, part), unit, last)

    if default_int() == np.int64:
        return _GrowingCycles(until(LARGEST), None)
    return _GrowingCycles(until(2**31), until(LARGEST))


def restart(schedule: ScheduleLike, *, period: Steps, growth: Number = 1, decay: Number = 1.0) -> Restart:
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
        so little above 1 that more than 262,144 cycles begin before count 2^61.
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


def _cycle_at(time: float, period: float, growth: float) -> int:
    """The cycle of a restart at a time, or the one before it where the arithmetic rounds."""
    if time <= period:
        return 0
    if growth == 1:
        return max(int(time // period) - 1, 0)
    return max(int(math.log1p(time * (growth - 1) / period) / math.log(growth)) - 1, 0)


def _power(base: float, exponent: int) -> float:
    try:
        return base**exponent
    except OverflowError:
        return math.inf
