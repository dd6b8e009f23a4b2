"""Levanter (2025): ``OptimizerConfig.lr_scheduler``, with the fields of the config as keywords.

A number up to and including 1 is a fraction of a cycle's steps (of the run's for ``cycle_length`` and
``cooldown``), cut to a whole number; above 1 it is a number of steps. So ``decay=1`` is all of the cycle.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from typing import Any

import warmup_optax as wo

from ._joined import joined
from ._parts import is_concrete, meaning
from ._port import check_concrete, check_number, check_steps, port, refuse

Number = Any


@dataclasses.dataclass(frozen=True)
class Cycle:
    """What an ``...LrSchedule`` is built for: the numbers of one cycle."""

    learning_rate: Number
    min_lr_ratio: Number
    warmup_steps: int
    decay_steps: int

    @property
    def min_lr(self) -> Number:
        """The floor."""
        return self.learning_rate * self.min_lr_ratio


@dataclasses.dataclass(frozen=True)
class ConstantLrSchedule:
    """The learning rate, without a decay."""

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        return wo.constant(cycle.learning_rate)


@dataclasses.dataclass(frozen=True)
class CosineLrSchedule:
    """A cosine to the floor, in a power of ``exponent``."""

    exponent: Number = 1.0

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        if cycle.decay_steps <= 0:
            refuse("decay", cycle.decay_steps, "above 0 steps for a cosine")
        return wo.cosine(cycle.learning_rate, cycle.min_lr, cycle.decay_steps, exponent=self.exponent)


@dataclasses.dataclass(frozen=True)
class LinearLrSchedule:
    """A line to the floor; without steps, the learning rate."""

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        return _line(cycle.learning_rate, cycle.min_lr, cycle.decay_steps)


@dataclasses.dataclass(frozen=True)
class InvSqrtLrSchedule:
    """``lr * sqrt(timescale / (t + warmup_steps))``, between the floor and ``lr``, without an end."""

    timescale: Number = 10000

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        check_number("timescale", self.timescale, at_least=0)
        curve = wo.inverse_sqrt(cycle.learning_rate * math.sqrt(self.timescale), timescale=1)
        curve = wo.shift(curve, 1 - cycle.warmup_steps)
        return wo.clip(wo.clip(curve, max_value=cycle.learning_rate), min_value=cycle.min_lr)


@dataclasses.dataclass(frozen=True)
class InvLrSchedule:
    """``1 / rate`` on a line, to the floor at the end of the decay; its first two steps are equal."""

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        ratio, steps = cycle.min_lr_ratio, cycle.decay_steps
        check_number("min_lr_ratio", ratio, above=0, fix="the inverse schedule divides by it")
        if ratio >= 1 or steps == 0:
            return wo.constant(cycle.min_lr)
        slope = 1 / ratio - 1
        if steps < 0:  # a warmup longer than its cycle: the line falls through 0, its step 0 counts as 1
            last = math.floor(-steps / slope)
            return wo.piecewise_constant([cycle.learning_rate, cycle.min_lr], [last + 1 if last else 0])
        curve = wo.inverse_time(cycle.learning_rate, decay_rate=slope, transition_steps=steps)
        return wo.clip(wo.shift(wo.shift(curve, -1), 1), min_value=cycle.min_lr)


@dataclasses.dataclass(frozen=True)
class PowerLrSchedule:
    """``batch_size * a * tokens**b``, at most the learning rate; tokens are counted from the warmup's end.

    The original multiplies them up in int32, which overflows from 2^31 tokens on; here they are meant.
    """

    batch_size: int
    seq_length: int
    a: Number = 4.6
    b: Number = -0.51

    def build(self, cycle: Cycle) -> wo.Schedule:
        """The decay of a cycle, on its own clock."""
        check_number("a", self.a, above=0)
        check_number("b", self.b, below=0)
        first = self.batch_size * self.a * (self.batch_size * self.seq_length) ** self.b
        curve = wo.clip(wo.shapes.power_law(first, power=self.b), max_value=cycle.learning_rate)
        return wo.join([cycle.learning_rate, curve], [1])


SCHEDULES = {
    "constant": ConstantLrSchedule(),
    "cosine": CosineLrSchedule(),
    "linear": LinearLrSchedule(),
    "inv_sqrt": InvSqrtLrSchedule(),
    "inv": InvLrSchedule(),
}


@port(value="learning_rate", init_value="learning_rate", end_value="min_lr_ratio")
def lr_scheduler(
    num_train_steps: int,
    override_lr: Number | None = None,
    *,
    learning_rate: Number = 6e-4,
    weight_decay: Number = 0.1,
    min_lr_ratio: Number = 0.1,
    warmup: Number = 0.01,
    decay: Number | None = None,
    rewarmup: Number = 0.0,
    cooldown: Number | None = None,
    cycle_length: Any = None,
    cycles: Any = None,
    lr_schedule: Any = "cosine",
    haps: list[int] | None = None,
    weight_decay_modules: Any = None,
    default_weight_decay_mask: bool | None = None,
) -> wo.Schedule:
    """Warmup, a stable part and a decay, once or in cycles; a later warmup starts where the last cycle ended.

    The floor, ``min_lr_ratio * learning_rate``, is first used at ``n == num_train_steps``, and held;
    "inv_sqrt" and "power" go on. Phases are joined as Optax joins them: a decay that is longer than its cycle
    leaves room for replaces what stands before it, the warmup too.

    Args:
      num_train_steps: The length of the run, in updates.
      override_lr: A rate in the place of ``learning_rate``.
      learning_rate: The highest rate.
      weight_decay: Taken and not used.
      min_lr_ratio: The lowest rate as a part of the highest; "constant" has none.
      warmup: The first cycle's line up from 0.
      decay: The decay of each cycle; None for all behind its warmup.
      rewarmup: The line up, from where the last cycle ended, of every later cycle; 0 is a jump.
      cooldown: A last line to the lowest rate, off the end of the run; deprecated, which warns.
      cycle_length: The length of a cycle, or a list of lengths. What is left at the end makes the last one
        longer, which warns; what a list leaves is one more.
      cycles: How many cycles, or a list of their ends. Not with ``cycle_length``.
      lr_schedule: "constant", "cosine", "linear", "inv_sqrt" or "inv"; or one of this module's
        ``...LrSchedule``, which carry their own numbers.
      haps: A list of the ends of cycles; deprecated, which warns.
      weight_decay_modules: Taken and not used.
      default_weight_decay_mask: Taken and not used.

    >>> from warmup_optax.compat import levanter
    >>> levanter.lr_scheduler(10, learning_rate=1.0, warmup=0.2, lr_schedule="linear")([0, 1, 2, 10]).tolist()
    [0.0, 0.5, 1.0, 0.10000000149011612]
    >>> schedule = levanter.lr_scheduler(8, learning_rate=1.0, warmup=0, cycles=2, lr_schedule="linear")
    >>> schedule([0, 3, 4, 8]).round(3).tolist()
    [1.0, 0.32500001788139343, 1.0, 0.10000000149011612]
    """
    check_concrete("num_train_steps", num_train_steps)
    check_steps("num_train_steps", num_train_steps, at_least=0)
    cooldown_steps = 0
    if cooldown is not None:
        warnings.warn("cooldown is deprecated: use decay", DeprecationWarning, stacklevel=3)
        cooldown_steps = _steps("cooldown", cooldown, num_train_steps)
    decays = _decay(lr_schedule)
    top = wo.constant(learning_rate if override_lr is None else override_lr).value
    ends = _ends(num_train_steps - cooldown_steps, cycle_length, cycles, haps)

    schedules: list[Any] = []
    begins: list[int] = []
    bottom: Any = 0.0
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        ramp = _steps("rewarmup", rewarmup, end - start) if i else _steps("warmup", warmup, end - start)
        fall = end - start - ramp if decay is None else _steps("decay", decay, end - start)
        curve = decays.build(Cycle(top, min_lr_ratio, ramp, fall))
        parts = [(_line(bottom, top, ramp), ramp), (wo.constant(top), end - start - ramp - fall)]
        for part, steps in parts:
            if steps:
                schedules.append(part)
                begins.append(start)
                start += steps
        schedules.append(curve)
        begins.append(start)
        # Its own step `fall` may be before its first.
        bottom = decays.build(Cycle(top, min_lr_ratio, ramp + min(fall, 0), fall))(max(fall, 0))
    if cooldown_steps:
        schedules.append(_line(bottom, top * min_lr_ratio, cooldown_steps))
        begins.append(ends[-1])
    return joined(schedules, [0, *begins[1:]])


def _decay(lr_schedule: Any) -> Any:
    if isinstance(lr_schedule, str):
        return meaning(SCHEDULES, "lr_schedule", lr_schedule)
    if not isinstance(lr_schedule, (*map(type, SCHEDULES.values()), PowerLrSchedule)):
        refuse("lr_schedule", lr_schedule, "a string or one of this module's ...LrSchedule", error=TypeError)
    return lr_schedule


def _ends(total: int, cycle_length: Any, cycles: Any, haps: Any) -> list[int]:
    """The first step of the run and the ends of its cycles."""
    if haps is not None:
        warnings.warn("haps is deprecated: use cycles", DeprecationWarning, stacklevel=4)
    if cycle_length is not None and (cycles is not None or haps is not None):
        other = "cycles" if haps is None else "haps"
        refuse("cycle_length", cycle_length, f"None where {other} is given", "Give one of the two")
    if isinstance(cycle_length, (int, float)):
        length = _steps("cycle_length", cycle_length, total)
        if not length:
            refuse("cycle_length", cycle_length, "at least one step")
        if total % length:
            said = "cycle_length does not divide the total number of steps: the last cycle will be longer"
            warnings.warn(said, stacklevel=4)
        ends = [i * length for i in range(1, total // length)]
    elif isinstance(cycle_length, list):
        ends = list(itertools.accumulate(cycle_length))
        if ends[-1] > total:
            allowed = f"lengths with a sum of at most the run's {total} steps"
            refuse("cycle_length", cycle_length, allowed, f"their sum is {ends[-1]}")
    elif cycle_length is not None:
        allowed = "a fraction, a number of steps, or a list of steps"
        refuse("cycle_length", cycle_length, allowed, error=TypeError)
    elif haps is not None:
        ends = list(haps)
    elif isinstance(cycles, int):
        ends = [int(total / cycles * (i + 1)) for i in range(cycles - 1)]
    elif cycles is None or isinstance(cycles, list):
        ends = list(cycles or [])
    else:
        refuse("cycles", cycles, "a whole number or a list of the ends of cycles", error=TypeError)
    return [0, *ends] if [0, *ends][-1] == total else [0, *ends, total]


def _steps(name: str, given: Any, total: int) -> int:
    """A fraction, or a number of steps above 1."""
    if not is_concrete(given) or given < 0 or (given > 1 and given % 1):
        refuse(name, given, "a fraction between 0 and 1, or a whole number of steps")
    return int(given * total) if given <= 1 else int(given)


def _line(start: Number, end: Number, steps: int) -> wo.Schedule:
    """Optax's line, which without steps stays at its start."""
    return wo.linear(start, end, steps) if steps > 0 else wo.constant(start)
