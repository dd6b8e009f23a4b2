"""Joins, warmups, cooldowns, shifts: the only place that knows absolute counts. They know no curve.

Every combinator takes any function of a count, Optax's closures included, and gives each of its parts a
time that is held inside the part's own phase: a curve is never asked about a count that it does not own,
so a branch that is not taken cannot spoil a value or a gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import _checks
from ._node import Curve, static
from ._numerics import form, table
from ._schedule import Number, Schedule, taken
from ._shapes import linear
from ._time import UNROLLED, Time, default_int, real, take


class Join(Schedule):
    """Made by `join`."""

    schedules: tuple[Schedule, ...]
    boundaries: tuple[Number, ...]
    offsets: tuple[Number, ...] | None = None

    def prepare(self) -> Schedule:
        """Phases of one structure become one node whose numbers are tables: one gather, one evaluation."""
        forever = int(np.iinfo(default_int()).max)
        starts, ends = (0, *self.boundaries), (*self.boundaries, forever)
        offsets = starts if self.offsets is None else self.offsets
        groups: dict[Any, dict[int, list[Any]]] = {}
        for i, schedule in enumerate(self.schedules):
            leaves, structure = jax.tree.flatten(schedule.prepare())
            alike = structure, tuple(map(form, leaves))
            groups.setdefault(alike, {})[i] = [*leaves, starts[i], ends[i], offsets[i]]
        kinds = []
        for (structure, _), rows in groups.items():
            columns = zip(*rows.values(), strict=True)
            *leaves, start, end, offset = (x[0] if len(rows) == 1 else table(x) for x in columns)
            schedule = jax.tree.unflatten(structure, leaves)
            kinds.append(Kind(schedule, start, end, offset, tuple(rows), len(self.schedules)))
        short = len(self.boundaries) <= UNROLLED
        return Joined(tuple(kinds), self.boundaries if short else table(self.boundaries))


class Kind(Schedule):
    """All phases of a join that have one structure; its numbers are scalars, or tables with a row each."""

    schedule: Schedule
    start: Any
    end: Any
    offset: Any
    members: tuple[int, ...] = static()
    phases: int = static()

    def phase(self, time: Time, index: jax.Array) -> Any:
        """The value in phase ``index``, which is finite but of no meaning if another kind owns it."""
        one = self
        if len(self.members) > 1:
            row = index
            if len(self.members) < self.phases:
                rows = np.searchsorted(self.members, np.arange(self.phases), side="right") - 1
                row = take(np.maximum(rows, 0).astype(np.int32), index)
            one = jax.tree.map(lambda numbers: take(numbers, row), self)
        return real(one.schedule.evaluate(time.held(one.start, one.end).since(one.offset)))

    def owns(self, index: jax.Array) -> Any:
        """Whether phase ``index`` is of this kind."""
        first, last = self.members[0], self.members[-1]
        if last - first + 1 == len(self.members):
            return (index >= first) & (index <= last) if first < last else index == first
        return take(np.isin(np.arange(self.phases), self.members), index)


class Joined(Schedule):
    """A join ready for evaluation: its phases sorted by kind."""

    kinds: tuple[Kind, ...]
    boundaries: Any

    def evaluate(self, time: Time) -> Any:
        index = time.locate(self.boundaries)
        value = self.kinds[0].phase(time, index)
        for kind in self.kinds[1:]:
            value = jnp.where(kind.owns(index), kind.phase(time, index), value)
        return value


def join(schedules: Any, boundaries: Any, offsets: Any = None) -> Schedule:
    r"""One schedule after the other, each in its own phase.

    .. math:: v(c) = s_i(c - o_i) \quad\text{for}\quad b_{i-1} \le c < b_i

    Args:
      schedules: :math:`s_i`, a sequence of schedules, functions of a count, or numbers; at least one.
      boundaries: :math:`b_i`, the counts at which the next phase begins: whole numbers >= 0, strictly
        increasing, one fewer than ``schedules``. A first boundary of 0 leaves the first phase empty.
      offsets: :math:`o_i`, the count at which each phase's own clock is at 0, one whole number for each
        schedule. None: each phase starts at its own 0 (Optax, PyTorch's SequentialLR). All 0: every phase
        sees the global count (Keras, TF Model Garden, MediaPipe, Paddle). An offset later than the phase's
        begin holds the phase's first value until then; a negative one is a head start.

    Returns:
      A `Schedule`. Before count 0 the value at 0 holds. Nothing makes the ends of phases meet: see
      `with_warmup` and `with_cooldown` for that. The compiled program grows with the number of *kinds* of
      phases (a kind is a shape; its numbers do not matter), not with the number of phases.

    Raises:
      ValueError: If the lengths do not fit or the boundaries are not increasing (Optax accepts both in
        silence, and drops or skips a phase).
      TypeError: If an argument is not a sequence of what it should be.

    >>> import warmup_optax as wo
    >>> wo.join([wo.linear(0.0, 1.0, 4), wo.cosine(1.0, 0.0, 8)], [4])([0, 2, 4, 12]).tolist()
    [0.0, 0.5, 1.0, 0.0]
    >>> wo.join([0.0, wo.linear(0.0, 1.0, 4)], [2], offsets=[0, 0])([1, 2, 3]).tolist()
    [0.0, 0.5, 0.75]
    """
    if isinstance(schedules, Schedule):
        fix = "put the phases in a list"
        _checks.refuse("join", "schedules", schedules, "a sequence of schedules", fix, error=TypeError)
    schedules = _checks.sequence("join", "schedules", schedules, "a sequence of schedules")
    phases = tuple(taken("join", f"schedules[{i}]", s) for i, s in enumerate(schedules))
    if not phases:
        raise ValueError("join: schedules must hold at least one schedule, got none")
    boundaries = _checks.boundaries("join", boundaries, phases=len(phases), phase_name="schedules")
    if offsets is not None:
        offsets = _checks.sequence("join", "offsets", offsets, "None or a sequence of whole numbers of steps")
        if len(offsets) != len(phases):
            raise ValueError(
                f"join: offsets must be as many as schedules, got {len(offsets)} offsets for {len(phases)} "
                "schedules; give None to start each phase at its own 0"
            )
        offsets = tuple(
            _checks.steps("join", f"offsets[{i}]", x, at_least=None) for i, x in enumerate(offsets)
        )
    return Join(phases, boundaries, offsets)


class WithWarmup(Schedule):
    """Made by `with_warmup`."""

    schedule: Schedule
    steps: Number
    init_value: Number = 0.0
    shape: Curve = Curve(linear)
    overlap: bool = static(default=False)

    def evaluate(self, time: Time) -> Any:
        # Before the hand-over the schedule's time is held at it, so one evaluation is both the goal of the
        # warmup and the value after it.
        after = time.held(self.steps, None) if self.overlap else time.since(self.steps)
        value = real(self.schedule.evaluate(after))
        warmup = real(self.shape(self.init_value, value, self.steps).prepare().evaluate(time))
        return jnp.where(time.reached(self.steps), value, warmup)


def with_warmup(
    schedule: Any,
    *,
    steps: Number,
    init_value: Number = 0.0,
    shape: Callable[..., Any] = linear,
    overlap: bool = False,
) -> Schedule:
    r"""A warmup in front of any schedule, up to the schedule's own value, so without a jump.

    .. math:: v(c) = \text{shape}(I, s(h), W)(c) \ \text{for}\ c < W, \qquad
              v(c) = s(c - W) \ \text{(or } s(c) \text{ with overlap) from } W \text{ on}

    with the hand-over :math:`h = 0`, or :math:`h = W` with overlap.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`W`, in optimizer updates, a whole number >= 0; with 0 there is no warmup.
      init_value: :math:`I`, the learning rate of the first update. Any finite number that the shape takes.
      shape: The curve of the warmup: `linear`, `cosine`, any finite shape, a ``functools.partial`` of one
        (``partial(polynomial, power=2, origin="init")``), or any function ``(init_value, end_value, steps)``
        that makes a schedule.
      overlap: False: the schedule starts after the warmup (Optax, Hugging Face). True: it has been running
        under the warmup, which hides its first ``steps`` (TF Model Garden, MediaPipe).

    Returns:
      A `Schedule`. The full rate is at ``count == steps``; before 0 the value at 0 holds.

    Raises:
      ValueError: If ``steps`` is negative or fractional, or ``init_value`` is not one the shape takes.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> decay = wo.linear(1.0, 0.0, 10)
    >>> wo.with_warmup(decay, steps=5)([0, 1, 5, 10, 15]).round(1).tolist()
    [0.0, 0.20000000298023224, 1.0, 0.5, 0.0]
    >>> wo.with_warmup(decay, steps=5, overlap=True)([0, 5, 10]).tolist()
    [0.0, 0.5, 0.0]
    """
    schedule = taken("with_warmup", "schedule", schedule)
    steps = _checks.steps("with_warmup", "steps", steps)
    init_value = _checks.number("with_warmup", "init_value", init_value)
    curve = _curve("with_warmup", shape, init_value, 1.0, steps, "init_value", init_value)
    overlap = _checks.boolean("with_warmup", "overlap", overlap)
    return WithWarmup(schedule, steps, init_value, curve, overlap)


class WithCooldown(Schedule):
    """Made by `with_cooldown`."""

    schedule: Schedule
    begin: Number
    steps: Number
    end_value: Number = 0.0
    shape: Curve = Curve(linear)

    def evaluate(self, time: Time) -> Any:
        # From `begin` on the schedule's time is held there: its value is where the cooldown starts.
        value = real(self.schedule.evaluate(time.held(None, self.begin)))
        cooldown = self.shape(value, self.end_value, self.steps).prepare()
        return jnp.where(time.reached(self.begin), real(cooldown.evaluate(time.since(self.begin))), value)


def with_cooldown(
    schedule: Any,
    *,
    begin: Number,
    steps: Number,
    end_value: Number = 0.0,
    shape: Callable[..., Any] = linear,
) -> Schedule:
    r"""Branches a cooldown off any schedule, from whatever its value is there.

    .. math:: v(c) = s(c) \ \text{for}\ c < b, \qquad
              v(c) = \text{shape}(s(b), E, n)(c - b) \ \text{from } b \text{ on}

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      begin: :math:`b`, the count at which the cooldown begins, a whole number >= 0: a checkpoint's step.
      steps: :math:`n`, the length of the cooldown in optimizer updates, a whole number >= 0; with 0 it is
        ``end_value`` from ``begin`` on.
      end_value: :math:`E`, the learning rate at ``begin + steps`` and after it. Any finite number that the
        shape takes.
      shape: The curve: as for `with_warmup`. `one_minus_sqrt` does best in the literature.

    Returns:
      A `Schedule`. Before ``begin`` it is ``schedule``, bit for bit, so a run can be resumed with it.

    Raises:
      ValueError: If a number of steps is negative or fractional, or ``end_value`` is not one the shape takes.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.with_cooldown(wo.constant(1.0), begin=10, steps=4)([0, 10, 12, 14, 20]).tolist()
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    schedule = taken("with_cooldown", "schedule", schedule)
    begin = _checks.steps("with_cooldown", "begin", begin)
    steps = _checks.steps("with_cooldown", "steps", steps)
    end_value = _checks.number("with_cooldown", "end_value", end_value)
    curve = _curve("with_cooldown", shape, 1.0, end_value, steps, "end_value", end_value)
    return WithCooldown(schedule, begin, steps, end_value, curve)


def _curve(where: str, shape: Any, init: Any, end: Any, steps: Any, name: str, value: Any) -> Curve:
    """A shape as an argument, tried once so that what it refuses is refused here."""
    fix = "give linear, cosine, another finite shape, or functools.partial of one"
    if isinstance(shape, Curve):
        curve = shape
    elif isinstance(shape, Schedule):
        _checks.refuse(where, "shape", shape, "a function that makes a shape", fix, error=TypeError)
    elif isinstance(shape, functools.partial) and not shape.args:
        words = {k: v for k, v in shape.keywords.items() if v is None or isinstance(v, (str, bool))}
        rest = {k: v for k, v in sorted(shape.keywords.items()) if k not in words}
        numbers = {k: _checks.number(where, f"shape's {k}", v) for k, v in rest.items()}
        curve = Curve(shape.func, tuple(sorted(words.items())), tuple(numbers), tuple(numbers.values()))
    else:
        curve = Curve(_checks.function(where, "shape", shape, "a function that makes a shape", fix))
    try:
        made = curve(init, end, steps)
    except ValueError as error:
        raise ValueError(f"{where}: {name}={value!r} does not suit shape={curve!r}: {error}") from None
    except TypeError as error:
        raise TypeError(
            f"{where}: shape must take (init_value, end_value, steps), got {curve!r}: {error}; "
            "fix its other arguments with functools.partial"
        ) from None
    if not isinstance(made, Schedule):
        _checks.refuse(where, "shape", shape, "a function that makes a schedule", fix, error=TypeError)
    return curve


class Shift(Schedule):
    """Made by `shift`."""

    schedule: Schedule
    steps: Number

    def evaluate(self, time: Time) -> Any:
        return self.schedule.evaluate(time.since(self.steps))


def shift(schedule: Any, steps: Number) -> Schedule:
    r"""A schedule that starts later (or, with a negative number, has started already).

    .. math:: v(c) = s(\max(c - d, 0))

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      steps: :math:`d`, in optimizer updates, any whole number. The value at 0 is held before ``d``;
        a negative number skips the schedule's first ``-d`` steps.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If ``steps`` is not whole.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> wo.shift(wo.linear(0.0, 1.0, 4), 10)([0, 10, 12]).tolist()
    [0.0, 0.0, 0.5]
    >>> wo.shift(wo.linear(0.0, 1.0, 4), -1)([0, 1]).tolist()
    [0.25, 0.5]
    """
    return Shift(taken("shift", "schedule", schedule), _checks.steps("shift", "steps", steps, at_least=None))
