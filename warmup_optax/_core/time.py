"""The clock that a node is evaluated at, and the one home of division and floor of time.

A time is a whole count of steps and, between two counts, the elapsed and the remaining part of the current
step. Integer counts stay integers until the last division, so every boundary at a whole count is found exactly,
whatever stretches, repeats or shifts the schedule around it. The elapsed and the remaining time are each formed
from exact differences: ``t / n`` in float32 is good to half a unit in the last place (ULP), but ``1 - t / n``
near the end has lost every digit, so no curve subtracts a fraction from one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from .scalars import (
    LARGEST,
    ExactSteps,
    Length,
    Wide,
    at_least,
    choose,
    default_float,
    default_int,
    divided,
    exact,
    integer,
    is_integral,
    may_be_negative,
    minus,
    plus,
    real,
    select,
    times,
    x64,
)
from .tables import UNROLLED, Moment, Table, take

BLOCKS = 8  # of a level when more are searched


class _Parts(NamedTuple):
    """The elapsed part of the current step, in [0, 1), and the remaining one: 1 minus it, kept by itself."""

    elapsed: jax.Array
    remaining: jax.Array


@dataclass(frozen=True)
class Time:
    """A local time of a schedule, in steps, never negative.

    ``evaluate(time)`` of a node receives one. Its methods work for every kind of count: whole, real, and past
    2^31 (tokens). `progress` and `ratio` are what most curves need; `reached` and `locate` compare with
    boundaries; `cycle`, `quotient` and `floor_divide` are for what repeats; `shift`, `clamp`, `scale` and
    `rescale` make another clock for a child.

    >>> import warmup_optax as wo
    >>> class Sawtooth(wo.Schedule):
    ...     peak: float
    ...     period: float
    ...
    ...     def evaluate(self, time):
    ...         number, local = time.cycle(self.period)
    ...         elapsed, remaining = local.progress(self.period)
    ...         return self.peak * remaining
    >>> Sawtooth(1.0, 4)([0, 1, 3, 4, 5]).tolist()
    [1.0, 0.75, 0.25, 1.0, 0.75]
    """

    _whole: jax.Array | Wide  # the whole steps: a scalar of the default integer dtype, or a Wide
    _parts: _Parts | None = None  # None at a whole count

    @classmethod
    def of(cls, count: jax.Array) -> Time:
        """The time at ``count`` on Optax's clock, whatever its dtype; counts before 0 are 0."""
        if not jnp.issubdtype(count.dtype, jnp.integer) and count.dtype != jnp.bool_:
            if not jnp.issubdtype(count.dtype, jnp.floating):
                raise TypeError(f"a schedule's count must be a whole or real number, got dtype {count.dtype}")
            return cls._of_real(real(count))
        largest = min(LARGEST, np.iinfo(default_int()).max)
        if jnp.issubdtype(count.dtype, jnp.unsignedinteger):
            # An unsigned count past the largest signed one stays there; a plain cast would wrap below 0.
            largest = min(jnp.iinfo(count.dtype).max, largest)
            return cls(integer(lax.min(jnp.asarray(count), count.dtype.type(largest))))
        count = lax.max(integer(count), default_int().type(0))
        return cls(count if default_int() == np.int32 else lax.min(count, np.int64(largest)))

    @classmethod
    def _of_real(cls, count: jax.Array) -> Time:
        """The time at a real number of steps; before 0 it is 0."""
        count = jnp.clip(count, 0, float(LARGEST))
        steps = lax.stop_gradient(jnp.floor(count))
        part = count - steps
        return cls(
            Wide.of(steps) if default_int() == np.int32 else steps.astype(np.int64), _Parts(part, 1 - part)
        )

    # ---------------------------------------------------------------- what time it is

    def elapsed(self) -> jax.Array:
        """The steps since 0, as a real scalar: exact up to 2^24, and to half a ULP after that."""
        return real(self._whole) if self._parts is None else real(self._whole) + self._parts.elapsed

    def count(self) -> jax.Array:
        """The time as a plain number: whole on a clock of whole counts below 2^31, otherwise real."""
        return self.elapsed() if self._parts or isinstance(self._whole, Wide) else self._whole

    def call(self, function: Callable[..., ArrayLike]) -> ArrayLike:
        """The value of a function of a plain count.

        It receives whole counts below 2^31 as integers, and all others as real numbers. A function that does not
        take real numbers, because it indexes a table, receives 2^31 - 1 for every count past that.
        """
        steps = self._whole
        if self._parts or not isinstance(steps, Wide):
            return function(self.count())
        near = function(steps.narrow())
        try:
            far = function(steps.real())
        except TypeError:
            return near
        return jnp.where(steps.fits(), near, far)

    def started(self) -> jax.Array:
        """Return whether any time has passed."""
        begun = at_least(self._whole, 1)
        return begun if self._parts is None else begun | (self._parts.elapsed > 0)

    def reached(self, steps: Length | Moment) -> jax.Array:
        """Return whether ``steps`` have passed, ``time >= steps``."""
        if isinstance(steps, Moment):
            if self._parts is None:  # the next whole count: one comparison instead of three
                return at_least(self._whole, plus(steps.whole, integer(steps.part > 0)))
            after, at = at_least(self._whole, plus(steps.whole, 1)), at_least(self._whole, steps.whole)
            return after | (at & (self._parts.elapsed >= steps.part))
        return at_least(self._whole, steps) if is_integral(steps) else self.elapsed() >= real(steps)

    def distances(self, begin: Length, end: Length) -> tuple[jax.Array, jax.Array]:
        """The steps since ``begin`` and those to ``end`` as real scalars, negative on the wrong side."""
        if not (is_integral(begin) and is_integral(end)):
            return self.elapsed() - real(begin), real(end) - self.elapsed()
        from_0 = isinstance(begin, int) and begin == 0  # subtracting it takes six instructions for a Wide
        since = self._whole if from_0 else minus(self._whole, begin)
        until = minus(end, self._whole)
        if self._parts is None:  # below, a remainder past 2^24 would be rounded twice
            return real(since), real(until)
        return real(since) + self._parts.elapsed, real(minus(until, 1)) + self._parts.remaining

    def progress(self, steps: Length) -> tuple[jax.Array, jax.Array]:
        """The elapsed fraction ``t / n`` and the remaining one ``(n - t) / n``, ``t`` clamped to ``[0, n]``.

        Each is an exact difference divided once. A length of 0 gives finite fractions without a meaning: the
        caller selects the end there.
        """
        length, zero, one = real(steps), real(0.0), real(1.0)
        if not is_integral(steps):
            elapsed, remaining = self.distances(0, steps)
            safe = select(length > 0, length, one)
            return lax.div(lax.min(elapsed, length), safe), lax.div(lax.max(remaining, zero), safe)
        safe = max(length, one) if isinstance(steps, int) else lax.max(length, one)
        if self._parts is None and not isinstance(self._whole, Wide) and not isinstance(steps, Wide):
            # One clamp of integers instead of two of reals: 14 instructions for `linear` instead of 15.
            end = integer(steps)
            passed = lax.min(self._whole, end)
            return lax.div(real(passed), safe), lax.div(real(lax.sub(end, passed)), safe)
        elapsed, remaining = self.distances(0, steps)
        return lax.div(lax.min(elapsed, length), safe), lax.div(lax.max(remaining, zero), safe)

    def ratio(self, scale: Length) -> jax.Array:
        """``t / scale`` as a real scalar, for a scale that need not be whole."""
        return self.elapsed() / real(scale)

    def locate(self, boundaries: tuple[Length, ...] | Table) -> jax.Array:
        """Return the number of the increasing ``boundaries`` that have been reached: the index of the phase.

        A few are compared one by one. A table of more is searched, eight blocks to a level: each
        level takes one row of seven boundaries, so the program grows with the logarithm alone, and a
        reduction of seven is short enough to need no separate kernel on a GPU. `jnp.searchsorted` is a loop
        (https://github.com/jax-ml/jax/pull/3873).
        """
        if type(boundaries) is tuple:
            found = [self.reached(boundary).astype(np.int32) for boundary in boundaries]
            return sum(found[1:], found[0]) if found else jnp.asarray(0, np.int32)
        size = jax.tree.leaves(boundaries)[0].shape[0]
        if size <= UNROLLED:
            return self.locate(tuple(jax.tree.map(lambda x, i=i: x[i], boundaries) for i in range(size)))
        block = 1
        while block * BLOCKS <= size:
            block *= BLOCKS

        def laid_out(column: jax.Array | np.ndarray) -> jax.Array | np.ndarray:
            # Padding repeats the last boundary; the count of what was reached is cut to the real ones.
            xp = np if isinstance(column, np.ndarray) else jnp
            return xp.concatenate([column, xp.broadcast_to(column[-1], (block * BLOCKS - size,))])

        table = jax.tree.map(laid_out, boundaries)
        found = np.int32(0)
        while block:
            ends = jax.tree.map(lambda x, n=block: x[n - 1 :: n].reshape(-1, BLOCKS)[:, : BLOCKS - 1], table)
            first = block * BLOCKS > size  # of one row, which needs no gather
            row = jax.tree.map(lambda x: x[0], ends) if first else take(ends, found)
            reached = jnp.sum(self.reached(row), dtype=jnp.int32)
            found = reached if first else found * BLOCKS + reached
            block //= BLOCKS
        return lax.min(found, np.int32(size))

    # ---------------------------------------------------------------- division

    def cycle(self, steps: Length) -> tuple[ExactSteps | jax.Array, Time]:
        """Return the number of times that ``steps`` have passed, and the time since the last of them.

        The number is exact in the methods of a time. In any other arithmetic it is a real scalar.
        """
        number, rest = self._cycle(steps)
        return ExactSteps(number) if isinstance(number, Wide) or is_integral(number) else number, rest

    def _cycle(self, steps: Length) -> tuple[Wide | jax.Array, Time]:
        steps = exact(steps)
        if is_integral(steps):
            safe = max(steps, 1) if isinstance(steps, int) else choose(at_least(steps, 1), steps, 1)
            number, rest = divided(self._whole, safe)
            return number, Time(rest, self._parts)
        number, rest = _divided_reals(self.elapsed(), jnp.where(real(steps) > 0, real(steps), 1))
        return number, Time._of_real(rest)

    def quotient(self, steps: Length) -> tuple[jax.Array, jax.Array]:
        """``(whole, part)`` as real scalars: how many times ``steps`` have passed, and the fraction since."""
        number, rest = self._cycle(steps)
        return real(number), rest.progress(steps)[0]

    def floor_divide(self, steps: Length) -> Time:
        """The time that advances by one with every ``steps``."""
        number, _ = self._cycle(steps)
        return Time(
            number if isinstance(number, Wide) or is_integral(number) else Time._of_real(number)._whole
        )

    # ---------------------------------------------------------------- other clocks

    def after(self, start: Length) -> Time:
        """The time on a clock that starts at ``start >= 0``, and is at 0 before that."""
        if isinstance(start, int) and start == 0:  # as in every join: no instruction
            return self
        if not is_integral(start):
            passed = real(self._whole) - real(start)
            return Time._of_real(passed if self._parts is None else passed + self._parts.elapsed)
        passed = minus(self._whole, start)
        return Time(passed, self._parts).clamp(0, None)

    def shift(self, steps: Length) -> Time:
        """The time on a clock that starts at ``steps``, and is at 0 before that.

        Negative ``steps`` are a head start: the clock is at ``-steps`` when this one is at 0.
        """
        steps = exact(steps)
        if not may_be_negative(steps) or not is_integral(steps):
            return self.after(steps)
        if x64():  # both are at most 2**61
            passed = lax.min(lax.sub(integer(self._whole), integer(steps)), np.int64(LARGEST))
            return Time(passed, self._parts).clamp(0, None)
        # A head start leads past the last int32, and two of them past the last Wide, which wraps.
        now, start = Wide.of(self._whole), Wide.of(steps)
        passed = now - start
        passed = select(now.at_least(start) & passed.negative(), Wide.of(LARGEST), passed)
        return Time(passed, self._parts)._whole_where(passed.negative(), 0)

    def clamp(self, first: Length | None, last: Length | None) -> Time:
        """This time clamped to ``[first, last]``, numbers >= 0; ``None``: no bound."""
        time = self if first is None else self._bounded(first, lower=True)
        return time if last is None else time._bounded(last, lower=False)

    def _bounded(self, bound: Length, *, lower: bool) -> Time:
        bound = exact(bound)
        if not is_integral(bound):
            return Time._of_real((jnp.maximum if lower else jnp.minimum)(self.elapsed(), real(bound)))
        if self._parts is None and not isinstance(self._whole, Wide):
            if not isinstance(bound, Wide):
                return Time((lax.max if lower else lax.min)(self._whole, integer(bound)))
            if not lower:  # narrow: a join with a boundary past int32 takes 39 instructions, not 87
                return Time(lax.min(self._whole, bound.narrow()))
        reached = at_least(self._whole, bound)
        return self._whole_where(~reached if lower else reached, bound)

    def _whole_where(self, condition: jax.Array, moment: Length) -> Time:
        """The whole count ``moment`` where the condition is true, otherwise this time."""
        steps = choose(condition, moment, self._whole)
        if self._parts is None:
            return Time(steps)
        return Time(
            steps, _Parts(*(select(condition, x, y) for x, y in zip(_none(), self._parts, strict=True)))
        )

    def scale(self, factor: Length) -> Time:
        """The time that advances by ``factor`` with every step, a whole number >= 0."""
        steps = times(self._whole, factor)
        if self._parts is None:
            return Time(steps)
        inside = Time._of_real(self._parts.elapsed * real(factor))
        return Time(plus(steps, inside._whole), inside._parts)

    def advance(self, steps: Length) -> Time:
        """The time ``steps`` later, a whole number >= 0."""
        return Time(plus(self._whole, steps), self._parts)

    def rescale(self, unit: Length) -> Time:
        """The time in units of ``unit`` steps, a number > 0. Both parts of a unit are exact for a whole one."""
        if is_integral(unit):
            number, rest = self._cycle(unit)
            elapsed, remaining = rest.distances(0, unit)
            return Time(number, _Parts(elapsed / real(unit), remaining / real(unit)))
        number, parts = _in_units(self.elapsed(), real(unit))
        return Time(Time._of_real(number)._whole, parts)

    def _stretched_since(self, start: Moment, unit: Length) -> Time:
        """The time since ``start``, which has been reached, in units of ``unit`` steps, a number >= 1."""
        local = self.after(start.whole)
        number, parts = _in_units(lax.max(local.elapsed() - start.part, real(0.0)), real(unit))
        if isinstance(local._whole, Wide):
            return Time(Wide.of(number), parts)
        largest = np.nextafter(default_float().type(min(LARGEST, np.iinfo(default_int()).max)), 0)
        return Time(lax.min(number, largest.astype(default_float())).astype(default_int()), parts)

    def _is_narrow(self) -> bool:
        """Return whether the whole counts have the default integer dtype."""
        return not isinstance(self._whole, Wide)

    def _replaced(self, condition: jax.Array, other: Time) -> Time:
        """Another time where the condition is true; gradients are those of this one."""
        parts = [
            mine + lax.stop_gradient(jnp.where(condition, theirs - mine, 0))
            for mine, theirs in zip(self._parts or _none(), other._parts or _none(), strict=True)
        ]
        return Time(choose(condition, other._whole, self._whole), _Parts(*parts))


def _none() -> _Parts:
    """The parts of a step at a whole count."""
    return _Parts(real(0.0), real(1.0))


def _divided_reals(x: jax.Array, steps: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``divmod(x, steps)`` of reals, ``x >= 0``: a quotient that should be whole is.

    XLA may turn the division into a product with a reciprocal, which misses whole quotients (41 of 41:
    https://github.com/tensorflow/tensorflow/issues/24061), and fuse the product of the remainder with its
    difference (https://github.com/jax-ml/jax/issues/18507). So the floor is repaired by the remainder, and one
    within a few roundings of a whole number is that number.
    """
    number = lax.stop_gradient(jnp.floor(x / steps))
    rest = x - number * steps
    slack = steps * _roundings(number + 1)
    step = lax.stop_gradient(jnp.where(rest >= steps - slack, 1, jnp.where(rest < -slack, -1, 0)))
    number = number + step
    rest = x - number * steps
    return number, rest + lax.stop_gradient(jnp.maximum(-rest, 0))


def _in_units(x: jax.Array, unit: jax.Array) -> tuple[jax.Array, _Parts]:
    """``x / unit`` of reals: its floor, the part after that, and one minus it. It may be early, never late."""
    number, rest = _divided_reals(x, unit)
    part, left = rest / unit, (unit - rest) / unit
    # Beyond 2**20 units, four roundings are a quarter of one or more: a boundary must not be late by them.
    stop, far = lax.stop_gradient, number > 2.0**20
    early = stop(jnp.floor(x / unit * (1 + 4 * float(jnp.finfo(default_float()).eps))))
    number = jnp.where(far, jnp.maximum(early, number), number)
    return number, _Parts(part + stop(jnp.where(far, -part, 0)), left + stop(jnp.where(far, 1 - left, 0)))


def _roundings(size: jax.Array) -> jax.Array:
    """Return a bound on the error of a real number of this size: about four roundings."""
    return jnp.minimum(2 * float(jnp.finfo(default_float()).eps) * size, 0.25)


def _refuse_operator(self: Time, other: object = None) -> NoReturn:
    raise TypeError(
        "a Time has no operators; use its methods: time.elapsed() is the number of steps, time.ratio(n) is that "
        "divided by n, time.reached(n) is whether it is at least n"
    )


# A checker reports these instead, so it does not see them. `time == 0` would be False at every count.
_OPERATORS = ["lt", "le", "gt", "ge", "eq", "ne", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv"]
_OPERATORS += ["rtruediv", "floordiv", "mod", "pow", "neg", "bool"]
for _name in _OPERATORS:
    setattr(Time, f"__{_name}__", _refuse_operator)
