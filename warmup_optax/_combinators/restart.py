"""Warm restarts: repeat a schedule, optionally with longer and scaled cycles."""

from __future__ import annotations

import bisect
import functools
import math
import operator
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import final

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule_argument
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
    lowered_steps,
    real,
)
from .._core.schedule import Schedule
from .._core.tables import Moment, Table, table_of, table_of_steps, take
from .._core.time import Time
from .._core.types import Number, NumberField, ScheduleField, ScheduleLike, Steps

MOST_CYCLES = 2**18  # more would need a table of several megabytes
TRACED_CYCLES = 128  # a traced growth has a fixed number of cycles, because shapes must be static
_DIGITS = 60  # of the decimal arithmetic on the host, so that a bound that should be whole is whole


@final
class Restart(Schedule, kind="restart"):
    """Made by `restart`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    period: NumberField = checked(checks.steps, at_least=1)
    growth: NumberField = checked(
        checks.number, at_least=1, default=1.0, fix="to shorten the cycles, join() them"
    )
    decay: NumberField = checked(
        checks.number, above=0, default=1.0, fix="to stop after a cycle, join() a constant"
    )

    def _check_together(self) -> None:
        concrete = isinstance(self.growth, float) and isinstance(self.period, (int, float))
        if concrete and _needed(self.period, self.growth) > MOST_CYCLES:
            allowed, fix = f"1, or large enough for {MOST_CYCLES} cycles", "pass 1 for cycles of equal length"
            checks.raise_bad_argument(self._kind, "growth", self.growth, allowed, fix)

    def lower(self) -> Lowered:
        # A concrete decay of 1 has a separate tree structure, whose program computes no power.
        decay = None if isinstance(self.decay, float) and self.decay == 1 else split_rate(self.decay)
        return _Restarted(self.schedule.lower(), self._clock(), decay)

    def _clock(self) -> _EqualCycles | _GrowingCycles:
        if not (isinstance(self.period, (int, float)) and isinstance(self.growth, (int, float))):
            return _traced_cycles(self.period, self.growth)
        if self.growth == 1:
            return _EqualCycles(lowered_steps(self.period))
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
                # A floor is for the first cycle, whose factor is 1.
                phase = mapped(phase, functools.partial(operator.mul, factor), None if cycle else phase.floor)
                yield phase._replace(begin=first + phase.begin * unit, again=cycle > 0)
            if first + period * unit > FAR:
                return
            cycle += 1


class _Restarted(Lowered):
    schedule: Lowered
    cycles: _EqualCycles | _GrowingCycles
    decay: tuple[Scalar, Scalar] | None  # the factor, and its rounding error in float32

    def evaluate(self, time: Time) -> jax.Array:
        number, local = self.cycles.at(time)
        value = self.schedule.evaluate(local)
        if self.decay is None:
            return value
        decay, dropped = self.decay
        return value * rate_power(real(decay), dropped, real(number))


class _EqualCycles(Record):
    """Cycles of equal length."""

    period: Length

    def at(self, time: Time) -> tuple[Length, Time]:
        """The index of the cycle at a time, and the time within the cycle."""
        return time.cycle(self.period)


class _CycleTable(Record):
    """Cycles in a table: the start of each, and its length as a multiple of the first cycle."""

    begins: Table  # whole counts, or a Moment
    units: jax.Array | Wide
    last: Scalar

    def at(self, time: Time) -> tuple[Length, Time]:
        """The index of the cycle, and the time within it, rescaled to the length of the first cycle."""
        row = jnp.minimum(
            time.locate(jax.tree.map(lambda x: x[1:], self.begins)), jnp.asarray(self.last, np.int32)
        )
        begin, unit = take((self.begins, self.units), row)
        if isinstance(begin, Moment):
            return row, time._stretched_since(begin, unit)
        return row, time.after(begin).rescale(unit)


class _GrowingCycles(Record):
    """Cycles that grow. The table ``near`` ends at the largest int32, and ``far`` serves wider times.

    If a traced growth is 1, the equal cycles are used instead, so that their number is not limited.
    """

    near: _CycleTable
    far: _CycleTable | None
    equal: _EqualCycles | None = None
    alike: jax.Array | None = None

    def at(self, time: Time) -> tuple[Length, Time]:
        """The index of the cycle, and the time within it, rescaled to the length of the first cycle."""
        table = self.near if self.far is None or time._is_narrow() else self.far
        number, local = table.at(time)
        if self.equal is None or self.alike is None:
            return number, local
        count, within = self.equal.at(time)
        return jnp.where(self.alike, real(count), real(number)), local._replaced(self.alike, within)


def _traced_cycles(period: Scalar, growth: Scalar) -> _GrowingCycles:
    """The cycles if ``period`` or ``growth`` is traced."""
    growth, length, dtype = real(growth), real(period), default_float()
    # The exponent is limited, because a power that overflows has no finite gradient, even if it is clipped. No
    # cycle that begins before the largest count is longer than ``growth`` times that count.
    reach = jnp.log(float(LARGEST) / jnp.maximum(jax.lax.stop_gradient(length), 1) + 1)
    limit = reach / jnp.maximum(jnp.log(jax.lax.stop_gradient(growth)), 1e-6) + 1
    units = jnp.power(growth, jnp.minimum(np.arange(TRACED_CYCLES).astype(dtype), limit))
    below = np.tri(TRACED_CYCLES, k=-1, dtype=dtype)
    bounds = length * jnp.sum(below * units[None, :], axis=1)
    # Round a bound that should be whole: 100 + 100 * 1.1 must be 210, not 210.00002.
    nearest = jnp.round(bounds)
    due = abs(bounds - nearest) <= 4 * float(jnp.finfo(dtype).eps) * jnp.maximum(nearest, 1)
    bounds = bounds + jax.lax.stop_gradient(jnp.where(due, nearest - bounds, 0))
    floors = jax.lax.stop_gradient(jnp.floor(bounds))

    def until(end: float) -> _CycleTable:  # the table of the cycles that begin before ``end``
        inside = floors < end
        wholes = jnp.where(inside, floors, np.nextafter(dtype.type(end), dtype.type(0)))
        wholes = Wide.of(wholes) if end > np.iinfo(default_int()).max + 1 else wholes.astype(default_int())
        begins = Moment(wholes, jnp.where(inside, bounds - floors, 0))
        return _CycleTable(begins, units, jnp.sum(inside, dtype=jnp.int32) - 1)

    far = None if default_int() == np.int64 else until(float(LARGEST))
    near = until(float(min(LARGEST, np.iinfo(default_int()).max + 1)))
    return _GrowingCycles(near, far, _EqualCycles(period), growth == 1)


def _needed(period: float, growth: float) -> float:
    """The approximate number of cycles that begin before the largest count."""
    reach = (growth - 1) * LARGEST / period
    return 1 if growth == 1 else math.log1p(reach) / math.log(growth)


def _growing_cycles(period: int, growth: Fraction) -> _GrowingCycles:
    """The cycles of concrete numbers, computed on the host."""
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

    def until(end: int) -> _CycleTable:
        last = bisect.bisect_left(wholes, end) - 1
        # The number of rows is a power of two, so that other numbers rarely change the shape of the table.
        rows = max(64, 1 << last.bit_length())
        row = [*range(last + 1), *[last] * (rows - last - 1)]
        starts = table_of_steps(tuple(wholes[i] for i in row))
        if growth.denominator == 1 and units[last] < LARGEST:  # integers keep boundaries within a cycle exact
            return _CycleTable(starts, table_of_steps(tuple(int(units[i]) for i in row)), last)
        part, unit = (table_of([float(column[i]) for i in row]) for column in (parts, units))
        return _CycleTable(Moment(starts, part), unit, last)

    if default_int() == np.int64:
        return _GrowingCycles(until(LARGEST), None)
    return _GrowingCycles(until(2**31), until(LARGEST))


@checks.by_name
def restart(schedule: ScheduleLike, *, period: Steps, growth: Number = 1, decay: Number = 1.0) -> Restart:
    r"""Repeat a schedule with warm restarts (SGDR), optionally with longer and scaled cycles.

    Also known as cosine annealing with warm restarts if ``schedule`` is a cosine.

    .. math:: v(c) = d^i\, s\!\left(\frac{c - B_i}{g^i}\right) \ \text{for}\ B_i \le c < B_{i+1}, \qquad
              B_i = P \sum_{j < i} g^j

    No cycle reaches the value of ``schedule`` at ``period``. The last update of the first cycle, at
    ``c = period - 1``, has the value of ``schedule`` at that count.

    Typical: a ``growth`` of 1 or 2 (SGDR). See also `warmup_cosine_restarts`, `shapes.triangle_wave`,
    `shapes.cosine_wave`, and :doc:`/guides/which`.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number. In cycle :math:`i` it is stretched by
        :math:`g^i`. Its values from its count ``period`` onwards are not used.
      period: :math:`P`, the length of the first cycle in optimizer updates, a whole number >= 1.
      growth: :math:`g`, the length of each cycle divided by that of the previous one, a whole or fractional
        number >= 1.
      decay: :math:`d`, the factor from one cycle to the next, a number > 0. It scales the whole curve, so the
        floor decays with the peak.

    Returns:
      A `Schedule` that never ends. The value at 0 applies before 0. A cycle begins exactly at its boundary.
      A boundary that should be a whole count is one, and the value there is the first value of ``schedule``,
      scaled. (Keras, timm and fairseq compute the cycle with a logarithm, and can be one update late.)

      It is as accurate as ``schedule``, down to the end of each cycle. If cycles end between two counts, the
      error is the same number of ULP of the peak of the cycle.

    Raises:
      ValueError: If ``period`` is not a whole number >= 1, ``growth`` < 1, ``decay`` <= 0, or ``growth`` is so
        close to 1 that more than 262,144 cycles begin before count 2^61.
      TypeError: If ``schedule`` is not a schedule, a function or a number, or another argument is not a number.

    A traced ``growth`` has 128 cycles, of which the last never ends. In float32, if it is not whole, a cycle
    begins early or late by up to 1e-6 of its count. That is for the growth that float32 holds: with 1.1, the
    65th cycle begins another 1e-6 of its count late.

    Source: Loshchilov & Hutter, SGDR (2017), section 3.

    >>> import warmup_optax as wo
    >>> saw = wo.restart(wo.linear(1.0, 0.0, 4), period=4, growth=2, decay=0.5)
    >>> saw([0, 2, 4, 8, 12]).tolist()
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return Restart(schedule, period, growth, decay)


def _cycle_at(time: float, period: float, growth: float) -> int:
    """The index of the cycle at a time, or one less if the arithmetic rounds."""
    if time <= period:
        return 0
    if growth == 1:
        return int(time // period) - 1
    return max(int(math.log1p(time * (growth - 1) / period) / math.log(growth)) - 1, 0)


def _power(base: float, exponent: int) -> float:
    try:
        return base**exponent
    except OverflowError:
        return math.inf
