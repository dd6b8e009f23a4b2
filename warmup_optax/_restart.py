"""Restarts: a schedule again and again, each time longer and scaled."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import _checks
from ._node import prepared
from ._numerics import rate_power, with_dropped
from ._schedule import Number, Schedule, taken
from ._time import FLOAT_COUNT_MAX, Time, default_float, default_int, real, take

MOST_CYCLES = 2**16  # more would be a table of megabytes, for a growth that nobody can see
TRACED_CYCLES = 128  # cycles in the table of a traced growth, whose number is not known


class Restart(Schedule):
    """Made by `restart`."""

    schedule: Schedule
    period: Number
    growth: Number = 1.0
    decay: Number = 1.0
    cycles: Any = prepared(default=None)  # a row for each cycle: where it begins, how long it is
    dropped: Any = prepared(default=None)  # what float32 drops from the decay

    def prepare(self) -> Restart:
        node = dataclasses.replace(with_dropped(self, "decay"), schedule=self.schedule.prepare())
        if self.cycles is not None:
            return node
        concrete = isinstance(self.period, (int, float)) and isinstance(self.growth, float)
        return dataclasses.replace(node, cycles=_cycles(self.period, self.growth, np if concrete else jnp))

    def evaluate(self, time: Time) -> Any:
        begins, _, leads, *_ = self.cycles
        # A whole count is in the next cycle from the first whole count on.
        row = time.locate(begins if time.whole else real(begins) - leads[1:])
        start, lead, span, tail, unit, number = (take(column, row) for column in self.cycles[1:])
        since, until = time.between(start, start + span)
        # Equal cycles are found by whole-number division, however many there are; growing ones by table.
        alike, period = real(self.growth) == 1, real(self.period)
        times, equal = time.cycle(self.period)
        count = jnp.where(alike, real(equal.plain()), jnp.maximum(since + lead, 0))
        left = jnp.where(alike, period - count, jnp.maximum(until + tail, 0))
        within = Time(count, jnp.where(alike, 1, unit), (left, period))
        value = self.schedule.evaluate(within)
        return real(value) * rate_power(real(self.decay), self.dropped, jnp.where(alike, times, number))


def _needed(period: float, growth: float) -> int:
    """How many cycles begin within the counts that the default integer holds."""
    reach = (growth - 1) * float(np.iinfo(default_int()).max) / period
    return 1 if growth == 1 else math.ceil(math.log1p(reach) / math.log(growth)) + 1


def _cycles(period: Any, growth: Any, xp: Any) -> tuple[Any, ...]:
    """The tables of a restart: in float64 on the host (``xp`` NumPy) or of traced numbers (JAX).

    Returns ``begins`` (the count at which each later cycle is found), and for each cycle ``starts`` (its
    first whole count), ``leads`` (how long before that it began), ``spans`` (from there to the last whole
    count not after its end), ``tails`` (how long after that it ends), ``units`` (how many times longer than
    the first it is) and ``numbers``.
    """
    dtype, whole = (np.float64 if xp is np else default_float()), default_int()
    largest = np.iinfo(whole).max
    # A power of two of rows, so that other numbers seldom change the size of the program.
    rows = TRACED_CYCLES if xp is jnp else max(64, 1 << (_needed(period, growth) - 1).bit_length())
    number = np.arange(rows + 1).astype(dtype)
    period, growth = xp.asarray(period, dtype), xp.asarray(growth, dtype)
    safe = xp.where(growth == 1, 2, growth)
    # No cycle is longer than the largest count. The limit is on the exponent: a power that overflows, even
    # one that is cut off after, has no finite gradient.
    limit = math.log(FLOAT_COUNT_MAX) / xp.maximum(xp.log(safe), 1e-18)
    units = safe ** xp.minimum(number, limit if xp is np else jax.lax.stop_gradient(limit))
    bounds = period * ((units - 1) / (safe - 1))
    # A bound that should be whole is whole: 100 + 100 * 1.1 is 210, not 210.00000000000003.
    nearest = xp.round(bounds)
    slack = 1e-12 * rows if xp is np else 4 * float(jnp.finfo(dtype).eps)
    missed = xp.where(abs(bounds - nearest) <= slack * xp.maximum(nearest, 1), nearest - bounds, 0)
    bounds = bounds + (missed if xp is np else jax.lax.stop_gradient(missed))
    inside = bounds[:-1] < xp.asarray(largest, dtype)
    # Rows past the last count repeat the last cycle that begins within it.
    row = xp.minimum(np.arange(rows), xp.sum(inside) - 1)
    end, bounds, units = bounds[row + 1], bounds[row], units[row]
    firsts = xp.ceil(bounds)
    # Both parts of a step are kept as what is added to a whole number, so that neither sum cancels.
    lasts = xp.minimum(xp.floor(end), np.nextafter(np.asarray(largest, dtype), np.asarray(0, dtype)))
    starts, spans = firsts.astype(whole), lasts.astype(whole) - firsts.astype(whole)
    begins = xp.where(inside, starts, largest)[1:]
    leads, tails, units, number = (
        x.astype(default_float()) for x in (firsts - bounds, end - lasts, units, xp.asarray(number)[row])
    )
    return begins, starts, leads, spans, tails, units, number


def restart(schedule: Any, *, period: Number, growth: Number = 1, decay: Number = 1.0) -> Schedule:
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
      schedule's own, to the foot of each cycle, while the counts are below 2^24; where cycles end between two
      counts it is within 10 ULP for a schedule within 8.

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
    schedule = taken("restart", "schedule", schedule)
    period = _checks.steps("restart", "period", period, at_least=1)
    growth = _checks.number("restart", "growth", growth, at_least=1, fix="cycles cannot shrink: join() them")
    decay = _checks.number("restart", "decay", decay, above=0, fix="to stop after a cycle, join() a constant")
    if isinstance(growth, float) and not _checks.traced(period) and _needed(period, growth) > MOST_CYCLES:
        fix = "give 1 for cycles of equal length"
        _checks.refuse("restart", "growth", growth, f"1, or large enough for {MOST_CYCLES} cycles", fix)
    return Restart(schedule, period, growth, decay)
