"""AXLearn (July 2026, at 34aed43): the functions of ``axlearn.common.schedule``, as its optimizers use them.

Its ``scale_by_schedule`` calls a schedule with ``count + 1``, so update ``n`` uses the value at AXLearn's step
``n + 1``. Every schedule of this module includes that shift: it is ``shift(theirs, -1)``. If you pass one as an
argument, it runs on AXLearn's steps, as in the original. So does any other function.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ParamSpec

import warmup_optax as wo

from . import _port
from ._arguments import Counts, Fixed, Number, Positive, Steps, Whole
from ._parts import is_zero, joined
from ._port import check_steps, refuse
from ._rules import Check, Scalar, ScheduleLike, bounded, items, plain_number

P = ParamSpec("P")
SHIFT = type(wo.shift(0.0, -1))


def _own(where: str, name: str, schedule: object) -> object:
    """Return a schedule on AXLearn's steps. None means 1."""
    if isinstance(schedule, SHIFT) and schedule.steps == -1:  # made here
        return schedule.schedule
    return (
        1.0 if schedule is None else schedule if callable(schedule) else plain_number(where, name, schedule)
    )


Schedules = Annotated[Sequence[Any], items("a sequence of schedules", Check(_own))]
Peak = Annotated[Number, "The highest rate."]
First = Annotated[Number, "The rate of AXLearn's step 0, where the ramp starts."]
Alpha = Annotated[Number, "The last rate, as a fraction of ``peak_lr``. It stays after the end."]
Warmup = Annotated[Fixed[Steps], "AXLearn's step of the peak."]
End = Annotated[Fixed[Whole], "AXLearn's step of the end, warmup included."]
StartValue = Annotated[Number, "The value up to ``begin_step``."]
EndValue = Annotated[Number, "The value from ``end_step`` on."]


def port(**names: str) -> Callable[[Callable[P, wo.Schedule]], Callable[P, wo.Schedule]]:
    """`_port.port` for schedules on AXLearn's steps, shifted as its optimizers evaluate them."""

    def decorate(make: Callable[P, wo.Schedule]) -> Callable[P, wo.Schedule]:
        @functools.wraps(make)
        def used(*args: P.args, **kwargs: P.kwargs) -> wo.Schedule:
            return wo.shift(make(*args, **kwargs), -1)

        return _port.port(**names)(used)

    return decorate


@port()
def polynomial(
    *,
    begin_step: Annotated[Fixed[Whole], "The step of ``begin_value``: update ``begin_step - 1``."] = 0,
    begin_value: StartValue = 0,
    end_step: Annotated[Fixed[Whole], "AXLearn's step of ``end_value``; ``begin_step`` for no decay."] = 1,
    end_value: EndValue = 0,
    power: Annotated[Number, bounded(">= 0", at_least=0)] = 1,
) -> wo.Schedule:
    """A polynomial: ``begin_value + (end_value - begin_value) * p**power``, with the elapsed fraction ``p``.

    >>> axlearn.polynomial(begin_value=0.0, end_step=4, end_value=1.0)([0, 1, 3, 9]).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """
    if begin_step > end_step:
        refuse("begin_step", begin_step, f"<= end_step ({end_step})")
    return _polynomial(begin_value, end_value, begin_step, end_step, power)


@port(steps="begin_step")
def exponential(
    *,
    begin_step: Annotated[Fixed[Whole], "AXLearn's step of ``begin_value``."] = 0,
    begin_value: Annotated[Positive, "The value up to ``begin_step``; required."] = 0,
    end_step: Annotated[Fixed[Whole], "AXLearn's step of ``end_value``, after ``begin_step``."] = 1,
    end_value: Annotated[Positive, "The value from ``end_step`` on; required."] = 0,
) -> wo.Schedule:
    """Exponential interpolation between two steps: a straight line on a logarithmic axis.

    >>> axlearn.exponential(begin_value=1.0, end_step=2, end_value=0.25)([0, 1, 9]).tolist()
    [0.5, 0.25, 0.25]
    """
    if begin_step >= end_step:
        refuse("begin_step", begin_step, f"< end_step ({end_step})")
    for name, value in (("begin_value", begin_value), ("end_value", end_value)):
        _port.check_number(name, value, above=0)
    return wo.shift(wo.geometric(begin_value, end_value, end_step - begin_step), begin_step)


@port()
def inverse_sqrt(warmup_steps: Positive = 1) -> wo.Schedule:
    """``max(step, warmup_steps) ** -0.5``, constant in the warmup and without a scale.

    The original takes the step as its first argument. This port returns the function of the step.

    >>> axlearn.inverse_sqrt(4)([0, 3, 15]).tolist()
    [0.5, 0.5, 0.25]
    """
    return wo.clip(wo.shift(wo.inverse_sqrt(1.0, timescale=1), 1), max_value=warmup_steps**-0.5)


@port()
def adafactor(
    scale: Annotated[Number, "The value of step 1 without a warmup."] = 1.0,
    *,
    warmup_steps: Annotated[int, "AXLearn's step of the peak: update ``warmup_steps - 1``."] = 10_000,
    decay_power: Annotated[Number, bounded("< 1", below=1)] = -0.5,
    step_offset: Annotated[Fixed[Whole], "Added to AXLearn's step; Lingvo uses 1."] = 0,
) -> wo.Schedule:
    """A linear ramp up to ``scale * warmup_steps**decay_power``, then ``scale * step**decay_power``.

    >>> axlearn.adafactor(2.0, warmup_steps=4)([0, 1, 3, 15]).tolist()
    [0.25, 0.5, 1.0, 0.5]
    """
    check_steps("warmup_steps", warmup_steps)
    peak = scale * warmup_steps**decay_power
    decay = wo.shapes.power_law(peak, power=decay_power, timescale=warmup_steps)
    clocks = [-step_offset, warmup_steps - step_offset]
    return joined([wo.linear(0.0, peak, warmup_steps), decay], clocks, clocks)


@port()
def adafactor_decay_rate(
    c: Annotated[Number, "The exponent."] = 0.8,
    step_offset: Annotated[Whole, "Subtracted from AXLearn's step; the result is at least 1."] = 0,
) -> wo.Schedule:
    """Adafactor's decay rate of the second moment, ``1 - step**-c``: 0 at the first update.

    >>> axlearn.adafactor_decay_rate(1.0)([0, 1, 3]).tolist()
    [0.0, 0.5, 0.75]
    """
    return wo.shift(1.0 - wo.shapes.power_law(1.0, power=-c), step_offset + 1)


@port()
def decay_bias_correction(decay: Annotated[Number, bounded("in [0, 1)", at_least=0, below=1)]) -> wo.Schedule:
    """The decay rate of a bias-corrected moving average: 0 at the first update, then up to ``decay``.

    >>> axlearn.decay_bias_correction(0.5)([0, 1, 40]).round(6).tolist()
    [0.0, 0.33333298563957214, 0.5]
    """
    return wo.shift(wo.shapes.debiased_decay(decay), 1)


@port()
def stepwise(
    sub: Annotated[Schedules, "The schedules, or numbers."],
    start_step: Annotated[Counts, "AXLearn's steps at which all but the first begin, in order."],
) -> wo.Schedule:
    """Schedules in sequence. Each begins with its step 0, at update ``start_step - 1``.

    >>> axlearn.stepwise([1.0, 0.5], [4])([0, 2, 3]).tolist()
    [1.0, 1.0, 0.5]
    """
    if len(sub) != len(start_step) + 1:
        refuse("start_step", list(start_step), f"one step for each of the {len(sub)} schedules but the first")
    if list(start_step) != sorted(start_step):
        refuse("start_step", list(start_step), ">= 0 and in order")
    return joined(sub, [0, *start_step])


@port()
def segment_wise(
    segments: Annotated[Schedules, "The schedules, or numbers."],
    *,
    segment_steps: Annotated[Counts, "The lengths in updates, of all but the last."],
) -> wo.Schedule:
    """Schedules in sequence. Each begins with its step 1, as in an optimizer.

    >>> ramp = axlearn.polynomial(end_step=4, end_value=1.0)
    >>> axlearn.segment_wise([ramp, 0.5], segment_steps=[4])([0, 3, 4]).tolist()
    [0.25, 1.0, 0.5]
    """
    return _segments(segments, segment_steps)


@port(init_value="begin_value")
def cosine_with_linear_warmup(
    peak_lr: Peak,
    *,
    max_step: End,
    warmup_steps: Annotated[Fixed[Whole], "AXLearn's step of the peak; 0 or less for no warmup."] = 500,
    begin_value: First = 0.0,
    alpha: Alpha = 0.0,
    decay_begin_step: Annotated[Fixed[Whole] | None, "The last step at the peak; None for none."] = None,
) -> wo.Schedule:
    """A linear ramp to ``peak_lr`` at update ``warmup_steps - 1``, then a cosine that ends at ``max_step - 1``.

    Without a warmup or a hold, ``peak_lr`` is never reached, because the cosine begins with its step 1.

    >>> axlearn.cosine_with_linear_warmup(1.0, max_step=8, warmup_steps=4)([0, 3, 5, 7]).round(6).tolist()
    [0.25, 1.0, 0.5, 0.0]
    """
    segments: list[ScheduleLike] = []
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
def warmup_stable_decay(
    peak_lr: Peak,
    *,
    max_step: End,
    decay_begin_step: Annotated[Fixed[Whole], "AXLearn's last step at ``peak_lr``."],
    warmup_steps: Warmup = 500,
    begin_value: First = 0.0,
    alpha: Alpha = 0.0,
) -> wo.Schedule:
    """A linear ramp to ``peak_lr``, a plateau, and a linear decay that ends at update ``max_step - 1``.

    If the decay has no steps, the rate stays at ``peak_lr``.

    >>> schedule = axlearn.warmup_stable_decay(1.0, max_step=12, decay_begin_step=8, warmup_steps=4)
    >>> schedule([0, 3, 7, 9, 11]).tolist()
    [0.25, 1.0, 1.0, 0.5, 0.0]
    """
    if decay_begin_step < warmup_steps:
        refuse("decay_begin_step", decay_begin_step, f">= warmup_steps ({warmup_steps})")
    if max_step < decay_begin_step:
        refuse("max_step", max_step, f">= decay_begin_step ({decay_begin_step})")
    up = _polynomial(begin_value, peak_lr, 0, warmup_steps)
    down = _polynomial(peak_lr, peak_lr * alpha, 0, max_step - decay_begin_step)
    return _segments([up, peak_lr, down], [warmup_steps, decay_begin_step - warmup_steps])


@port(init_value="begin_value")
def constant_with_linear_warmup(
    peak_lr: Peak, *, warmup_steps: Warmup = 500, begin_value: First = 0.0
) -> wo.Schedule:
    """A linear ramp to ``peak_lr`` at update ``warmup_steps - 1``, then constant.

    >>> axlearn.constant_with_linear_warmup(1.0, warmup_steps=4)([0, 3, 9]).tolist()
    [0.25, 1.0, 1.0]
    """
    return _segments([_polynomial(begin_value, peak_lr, 0, warmup_steps), peak_lr], [warmup_steps])


@port(init_value="begin_value")
def linear_schedule_with_warmup(
    peak_lr: Peak,
    *,
    max_step: End,
    warmup_steps: Warmup,
    begin_value: First = 0.0,
    end_value: Annotated[Number, "The last rate. It stays after the end."] = 0.0,
) -> wo.Schedule:
    """A linear ramp to ``peak_lr`` at update ``warmup_steps - 1``, then a linear decay until ``max_step - 1``.

    If the warmup takes all steps, the rate stays at ``peak_lr``.

    >>> axlearn.linear_schedule_with_warmup(1.0, max_step=8, warmup_steps=4)([0, 3, 5, 7]).tolist()
    [0.25, 1.0, 0.5, 0.0]
    """
    if max_step < warmup_steps:
        refuse("max_step", max_step, f">= warmup_steps ({warmup_steps})")
    up = _polynomial(begin_value, peak_lr, 0, warmup_steps)
    return _segments([up, _polynomial(peak_lr, end_value, 0, max_step - warmup_steps)], [warmup_steps])


@port()
def ema_schedule(
    decay: Annotated[Number, "The decay rate from update ``warmup_steps - 1`` on."] = 0.9999,
    *,
    warmup_steps: Annotated[Fixed[Positive], "Updates of warmup; 1 for none."] = 1,
    step_offset: Annotated[Fixed[Whole], "Subtracted from AXLearn's step; the result is at least 0."] = 0,
) -> wo.Schedule:
    """The decay rate of a moving average: ``step / (1 + step)`` (a plain mean) in the warmup, then ``decay``.

    >>> axlearn.ema_schedule(0.875, warmup_steps=4)([0, 1, 2, 3]).tolist()
    [0.5, 0.6666666269302368, 0.75, 0.875]
    """
    mean = 1.0 - wo.inverse_time(1.0, decay_rate=1.0, transition_steps=1)
    return joined([mean, decay], [0, math.ceil(warmup_steps) + step_offset], [step_offset, 0])


def _polynomial(start: Scalar, end: Scalar, begin: int, stop: int, power: Scalar = 1) -> wo.Schedule:
    """A polynomial on AXLearn's steps. With a length of 0 it stays at its start."""
    if begin == stop:
        return wo.constant(start)
    if is_zero(power):
        return wo.constant(end)
    curve = wo.polynomial(start, end, stop - begin, power=power, origin="init")
    return wo.shift(curve, begin) if begin else curve


def _segments(segments: Sequence[ScheduleLike], segment_steps: Sequence[int]) -> wo.Schedule:
    """Segments in sequence, from AXLearn's step 1 on. Before that, the value is 0."""
    if len(segments) != len(segment_steps) + 1:
        allowed = f"one length for each of the {len(segments)} segments but the last"
        refuse("segment_steps", list(segment_steps), allowed)
    ends = list(itertools.accumulate(segment_steps, initial=0))
    return joined([0.0, *segments], [0, *(end + 1 for end in ends)], [0, *ends])
