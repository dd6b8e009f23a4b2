"""AXLearn (2026): the functions of ``axlearn.common.schedule``, as its optimizers use them.

``scale_by_schedule`` there calls a schedule with ``count + 1``: update ``n`` has what the function gives at
its own step ``n + 1``. So does every schedule made here: it is ``shift(own, -1)`` of one on its own steps. A
schedule among the arguments, made here, is used on its own steps, as there; so is any other function.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import warmup_optax as wo

from ._joined import joined
from ._parts import is_zero
from ._port import check_concrete, check_number, check_steps, port, refuse

Number = Any
P = ParamSpec("P")
SHIFT = type(wo.shift(0.0, -1))


def _used(make: Callable[P, Any]) -> Callable[P, wo.Schedule]:
    """What an optimizer does with a schedule on its own steps: update ``n`` is step ``n + 1``."""

    @functools.wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> wo.Schedule:
        return wo.shift(make(*args, **kwargs), -1)

    return made


def _own(schedule: Any) -> Any:
    """A schedule on its own steps."""
    if schedule is None:
        return 1.0
    made_here = isinstance(schedule, SHIFT) and schedule.steps == -1
    return schedule.schedule if made_here else schedule


@port(init_value="begin_value", value="begin_value")
@_used
def polynomial(
    *,
    begin_step: int = 0,
    begin_value: Number = 0,
    end_step: int = 1,
    end_value: Number = 0,
    power: Number = 1,
) -> wo.Schedule:
    """``begin_value + (end_value - begin_value) * p**power``, with ``p`` the part done between two own steps.

    Args:
      begin_step: The own step of ``begin_value``, which holds before it; update ``begin_step - 1``.
      begin_value: The first value.
      end_step: The own step of ``end_value``, which holds after it; where it is ``begin_step``,
        ``begin_value`` holds without an end.
      end_value: The last value.
      power: >= 0; 1 is a line.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.polynomial(begin_value=0.0, end_step=4, end_value=1.0)([0, 1, 3, 9]).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """
    if begin_step > end_step:
        refuse("begin_step", begin_step, f"<= end_step ({end_step})")
    return _polynomial(begin_value, end_value, begin_step, end_step, power)


@port(init_value="begin_value", steps="begin_step")
@_used
def exponential(
    *, begin_step: int = 0, begin_value: Number = 0, end_step: int = 1, end_value: Number = 0
) -> wo.Schedule:
    """A straight line on a logarithmic axis between two own steps.

    Args:
      begin_step: The own step of ``begin_value``, which holds before it.
      begin_value: The first value, above 0.
      end_step: The own step of ``end_value``, which holds after it; after ``begin_step``.
      end_value: The last value, above 0.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.exponential(begin_value=1.0, end_step=2, end_value=0.25)([0, 1, 9]).tolist()
    [0.5, 0.25, 0.25]
    """
    if begin_step >= end_step:
        refuse("begin_step", begin_step, f"< end_step ({end_step})")
    check_number("begin_value", begin_value, above=0)
    check_number("end_value", end_value, above=0)
    return wo.shift(wo.geometric(begin_value, end_value, end_step - begin_step), begin_step)


@port()
@_used
def inverse_sqrt(warmup_steps: Number = 1) -> wo.Schedule:
    """``max(step, warmup_steps) ** -0.5``: without a scale, constant in the warmup.

    Args:
      warmup_steps: Above 0. (The original is itself the function of the step, which comes first there.)

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.inverse_sqrt(4)([0, 3, 15]).tolist()
    [0.5, 0.5, 0.25]
    """
    check_number("warmup_steps", warmup_steps, above=0)
    return wo.clip(wo.shift(wo.inverse_sqrt(1.0, timescale=1), 1), max_value=warmup_steps**-0.5)


@port(steps="warmup_steps", timescale="warmup_steps")
@_used
def adafactor(
    scale: Number = 1.0,
    *,
    warmup_steps: int = 10_000,
    decay_power: Number = -0.5,
    step_offset: int = 0,
) -> wo.Schedule:
    """A line up to ``scale * warmup_steps**decay_power``, and ``scale * step**decay_power`` after it.

    Args:
      scale: The value of step 1 without a warmup.
      warmup_steps: The own step of the peak, >= 1; update ``warmup_steps - 1``.
      decay_power: Below 1.
      step_offset: Added to the own step; 1 is Lingvo's.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.adafactor(2.0, warmup_steps=4)([0, 1, 3, 15]).tolist()
    [0.25, 0.5, 1.0, 0.5]
    """
    check_number("decay_power", decay_power, below=1)
    check_steps("warmup_steps", warmup_steps)
    peak = scale * warmup_steps**decay_power
    decay = wo.shapes.power_law(peak, power=decay_power, timescale=warmup_steps)
    clocks = [-step_offset, warmup_steps - step_offset]
    return joined([wo.linear(0.0, peak, warmup_steps), decay], clocks, clocks)


@port(power="c", steps="step_offset")
@_used
def adafactor_decay_rate(c: Number = 0.8, step_offset: int = 0) -> wo.Schedule:
    """Adafactor's second beta, ``1 - step**-c``: 0 at the first update.

    Args:
      c: The exponent.
      step_offset: Taken off the own step, which is at least 1 then.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.adafactor_decay_rate(1.0)([0, 1, 3]).tolist()
    [0.0, 0.5, 0.75]
    """
    return wo.shift(1.0 - wo.shapes.power_law(1.0, power=-c), step_offset + 1)


@port()
@_used
def decay_bias_correction(decay: Number) -> wo.Schedule:
    """The beta of a moving average without bias: 0 at the first update, then up to ``decay``.

    Args:
      decay: In [0, 1).

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.decay_bias_correction(0.5)([0, 1, 40]).round(6).tolist()
    [0.0, 0.33333298563957214, 0.5]
    """
    return wo.shift(wo.shapes.debiased_decay(decay), 1)


@port()
@_used
def stepwise(sub: Sequence[Any], start_step: Sequence[int]) -> wo.Schedule:
    """One schedule after the other; each begins with its own step 0.

    Args:
      sub: The schedules, or numbers.
      start_step: The own steps at which all but the first begin, none before the one before it: update
        ``start_step - 1`` is the first with a new one.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.stepwise([1.0, 0.5], [4])([0, 2, 3]).tolist()
    [1.0, 1.0, 0.5]
    """
    if len(sub) != len(start_step) + 1:
        refuse("start_step", list(start_step), f"one step for each of the {len(sub)} schedules but the first")
    if min([0, *start_step]) < 0 or list(start_step) != sorted(start_step):
        refuse("start_step", list(start_step), ">= 0 and in order")
    return joined([_own(x) for x in sub], [0, *start_step])


@port()
@_used
def segment_wise(segments: Sequence[Any], *, segment_steps: Sequence[int]) -> wo.Schedule:
    """One schedule after the other; each begins with its own step 1, as an optimizer begins.

    Args:
      segments: The schedules, or numbers.
      segment_steps: How long each but the last is, >= 0.

    >>> from warmup_optax.compat import axlearn
    >>> line = axlearn.polynomial(end_step=4, end_value=1.0)
    >>> axlearn.segment_wise([line, 0.5], segment_steps=[4])([0, 3, 4]).tolist()
    [0.25, 1.0, 0.5]
    """
    return _segments([_own(x) for x in segments], segment_steps)


@port(init_value="begin_value")
@_used
def cosine_with_linear_warmup(
    peak_lr: Number,
    *,
    max_step: int,
    warmup_steps: int = 500,
    begin_value: Number = 0.0,
    alpha: Number = 0.0,
    decay_begin_step: int | None = None,
) -> wo.Schedule:
    """A line up to ``peak_lr`` at update ``warmup_steps - 1``, and a cosine down at update ``max_step - 1``.

    Args:
      peak_lr: The highest rate. Without a warmup or a hold it is not used: the cosine begins with its step 1.
      max_step: The own step of the end, with the warmup.
      warmup_steps: The own step of the peak; 0 for no warmup.
      begin_value: The rate of own step 0, from which the line comes.
      alpha: The last rate, which is held, as a part of ``peak_lr``.
      decay_begin_step: The last own step at ``peak_lr``; not used unless after ``warmup_steps``.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.cosine_with_linear_warmup(1.0, max_step=8, warmup_steps=4)([0, 3, 5, 7]).round(6).tolist()
    [0.25, 1.0, 0.5, 0.0]
    """
    segments: list[Any] = []
    steps: list[int] = []
    if warmup_steps > 0:
        segments, steps = [_polynomial(begin_value, peak_lr, 0, warmup_steps)], [warmup_steps]
    if decay_begin_step is not None and decay_begin_step > warmup_steps:
        segments, steps = [*segments, peak_lr], [*steps, decay_begin_step - warmup_steps]
    rest = max_step - sum(steps)
    if rest <= 0:
        refuse("max_step", max_step, f"above {sum(steps)}, so that the decay has steps")
    return _segments([*segments, wo.cosine(peak_lr, peak_lr * alpha, rest)], steps)


@port(init_value="begin_value")
@_used
def warmup_stable_decay(
    peak_lr: Number,
    *,
    max_step: int,
    decay_begin_step: int,
    warmup_steps: int = 500,
    begin_value: Number = 0.0,
    alpha: Number = 0.0,
) -> wo.Schedule:
    """A line up to ``peak_lr``, ``peak_lr`` for a while, and a line down at update ``max_step - 1``.

    Args:
      peak_lr: The highest rate, which holds without an end where the decay has no steps.
      max_step: The own step of the end, with the warmup.
      decay_begin_step: The last own step at ``peak_lr``.
      warmup_steps: The own step of the peak.
      begin_value: The rate of own step 0, from which the line comes.
      alpha: The last rate, which is held, as a part of ``peak_lr``.

    >>> from warmup_optax.compat import axlearn
    >>> schedule = axlearn.warmup_stable_decay(1.0, max_step=12, decay_begin_step=8, warmup_steps=4)
    >>> schedule([0, 3, 7, 9, 11]).tolist()
    [0.25, 1.0, 1.0, 0.5, 0.0]
    """
    check_steps("warmup_steps", warmup_steps, at_least=0)
    if decay_begin_step < warmup_steps:
        refuse("decay_begin_step", decay_begin_step, f">= warmup_steps ({warmup_steps})")
    if max_step < decay_begin_step:
        refuse("max_step", max_step, f">= decay_begin_step ({decay_begin_step})")
    up = _polynomial(begin_value, peak_lr, 0, warmup_steps)
    down = _polynomial(peak_lr, peak_lr * alpha, 0, max_step - decay_begin_step)
    return _segments([up, peak_lr, down], [warmup_steps, decay_begin_step - warmup_steps])


@port(init_value="begin_value", value="peak_lr")
@_used
def constant_with_linear_warmup(
    peak_lr: Number, *, warmup_steps: int = 500, begin_value: Number = 0.0
) -> wo.Schedule:
    """A line up to ``peak_lr`` at update ``warmup_steps - 1``, held.

    Args:
      peak_lr: The highest rate.
      warmup_steps: The own step of the peak.
      begin_value: The rate of own step 0, from which the line comes.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.constant_with_linear_warmup(1.0, warmup_steps=4)([0, 3, 9]).tolist()
    [0.25, 1.0, 1.0]
    """
    check_steps("warmup_steps", warmup_steps, at_least=0)
    return _segments([_polynomial(begin_value, peak_lr, 0, warmup_steps), peak_lr], [warmup_steps])


@port(init_value="begin_value", value="peak_lr")
@_used
def linear_schedule_with_warmup(
    peak_lr: Number,
    *,
    max_step: int,
    warmup_steps: int,
    begin_value: Number = 0.0,
    end_value: Number = 0.0,
) -> wo.Schedule:
    """A line up to ``peak_lr`` at update ``warmup_steps - 1``, and a line down at update ``max_step - 1``.

    Args:
      peak_lr: The highest rate, which holds without an end where the warmup is everything.
      max_step: The own step of the end, with the warmup.
      warmup_steps: The own step of the peak.
      begin_value: The rate of own step 0, from which the line comes.
      end_value: The last rate, which is held.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.linear_schedule_with_warmup(1.0, max_step=8, warmup_steps=4)([0, 3, 5, 7]).tolist()
    [0.25, 1.0, 0.5, 0.0]
    """
    check_steps("warmup_steps", warmup_steps, at_least=0)
    if max_step < warmup_steps:
        refuse("max_step", max_step, f">= warmup_steps ({warmup_steps})")
    up = _polynomial(begin_value, peak_lr, 0, warmup_steps)
    down = _polynomial(peak_lr, end_value, 0, max_step - warmup_steps)
    return _segments([up, down], [warmup_steps])


@port(value="decay")
@_used
def ema_schedule(decay: Number = 0.9999, *, warmup_steps: Number = 1, step_offset: int = 0) -> wo.Schedule:
    """The decay of a moving average: the plain mean's ``step / (1 + step)`` in the warmup, then ``decay``.

    Args:
      decay: The decay from own step ``warmup_steps`` on, update ``warmup_steps - 1``.
      warmup_steps: Above 0; 1 is no warmup.
      step_offset: Taken off the own step, which is at least 0 then.

    >>> from warmup_optax.compat import axlearn
    >>> axlearn.ema_schedule(0.875, warmup_steps=4)([0, 1, 2, 3]).tolist()
    [0.5, 0.6666666269302368, 0.75, 0.875]
    """
    check_concrete("warmup_steps", warmup_steps)
    check_number("warmup_steps", warmup_steps, above=0)
    mean = 1.0 - wo.inverse_time(1.0, decay_rate=1.0, transition_steps=1)
    end = -(-warmup_steps // 1)  # the first whole step that is not below it
    return joined([mean, decay], [0, int(end) + step_offset], [step_offset, 0])


def _polynomial(start: Number, end: Number, begin: int, stop: int, power: Number = 1) -> Any:
    """A polynomial on its own steps, which without any stays at its start."""
    if begin == stop:
        return wo.constant(start)
    if is_zero(power):
        return wo.constant(end)
    curve = wo.polynomial(start, end, stop - begin, power=power, origin="init")
    return wo.shift(curve, begin) if begin else curve


def _segments(segments: list[Any], segment_steps: Sequence[int]) -> wo.Schedule:
    """Segments on their own steps, from 1 on; before that, 0."""
    if len(segments) != len(segment_steps) + 1:
        allowed = f"one length for each of the {len(segments)} segments but the last"
        refuse("segment_steps", list(segment_steps), allowed)
    if min([0, *segment_steps]) < 0:
        refuse("segment_steps", list(segment_steps), "lengths >= 0")
    ends = list(itertools.accumulate(segment_steps, initial=0))
    return joined([0.0, *segments], [0, *(end + 1 for end in ends)], [0, *ends])
