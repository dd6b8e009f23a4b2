"""Hugging Face Transformers (5.24): the ``get_*_schedule*`` functions, and `get_scheduler` by name.

The first argument is the base learning rate ``lr``, which the originals read from the optimizer. Update 0 has
rate 0 if there is a warmup, unless noted below. ``num_training_steps`` includes the warmup. A schedule given
``last_epoch`` starts one step after that step.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Any

import warmup_optax as wo

from ._arguments import Fixed, LastStep, Number, Positive, Steps
from ._config import Config, from_text
from ._parts import exact, in_ticks, in_updates, is_zero, meaning, remaining, warmed
from ._port import check_below, is_concrete, port, refuse
from ._rules import Scalar, one_of, plain_number

Rate = Annotated[Number, "The base learning rate."]
Warmup = Annotated[Steps, "Updates of warmup."]
Total = Annotated[Steps, "Updates of the run, warmup included."]
Cycles = Annotated[Fixed[float], "The number of periods of the cosine; 0 for a constant rate."]
Low = Annotated[Number | None, "The lowest rate. Pass either this or ``min_lr_rate``."]
LowRatio = Annotated[Number | None, "The lowest rate as a fraction of ``lr``."]
Ratio = Annotated[Number, "The lowest rate as a fraction of ``lr``."]


@port(value="lr")
def get_constant_schedule(lr: Rate, last_epoch: LastStep = -1) -> wo.Schedule:
    """The base learning rate at every update.

    >>> transformers.get_constant_schedule(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    return wo.constant(lr)


@port()
def get_constant_schedule_with_warmup(
    lr: Rate, num_warmup_steps: Warmup, last_epoch: LastStep = -1
) -> wo.Schedule:
    """Linear warmup from 0 to ``lr`` at update ``num_warmup_steps``, then constant.

    >>> transformers.get_constant_schedule_with_warmup(1.0, num_warmup_steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return wo.linear(0.0, lr, num_warmup_steps)


@port()
def get_linear_schedule_with_warmup(
    lr: Rate, num_warmup_steps: Warmup, num_training_steps: Total, last_epoch: LastStep = -1
) -> wo.Schedule:
    """Linear warmup to ``lr``, then linear decay to 0 at update ``num_training_steps``, where it stays.

    A warmup longer than the training runs to its end, and the rate then drops to 0.

    >>> transformers.get_linear_schedule_with_warmup(1.0, 4, 12)([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    return warmed(
        lr, num_warmup_steps, wo.linear(lr, 0.0, remaining(num_training_steps, num_warmup_steps, 0))
    )


@port()
def get_cosine_schedule_with_warmup(
    lr: Rate,
    num_warmup_steps: Warmup,
    num_training_steps: Total,
    num_cycles: Cycles = 0.5,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Linear warmup to ``lr``, then ``num_cycles`` periods of a cosine between ``lr`` and 0.

    After ``num_training_steps`` the cosine continues. With half a cycle, the default, the rate *rises again*.

    >>> transformers.get_cosine_schedule_with_warmup(1.0, 4, 12)([0, 2, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 1.0]
    """
    wave = _cosines(lr, 0.0, remaining(num_training_steps, num_warmup_steps, 1), num_cycles)
    return warmed(lr, num_warmup_steps, wave)


@port()
def get_cosine_with_hard_restarts_schedule_with_warmup(
    lr: Rate,
    num_warmup_steps: Warmup,
    num_training_steps: Total,
    num_cycles: Annotated[Fixed[Positive], "The number of half cosines; the last one may be partial."] = 1,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Linear warmup to ``lr``, then ``num_cycles`` cosine decays to 0, and 0 from ``num_training_steps`` on.

    Each cosine begins at the exact update. The original computes it in floating point and is sometimes one update
    late, with a rate of 0.

    >>> schedule = transformers.get_cosine_with_hard_restarts_schedule_with_warmup(1.0, 4, 12, num_cycles=2)
    >>> schedule([0, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 1.0, 0.5, 1.0, 0.5, 0.0]
    """
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    ticks, (cycle,) = in_ticks(_part(rest, num_cycles))
    cycles = in_updates(wo.restart(wo.cosine(lr, 0.0, cycle), period=cycle), ticks)
    phases = [wo.linear(0.0, lr, num_warmup_steps), cycles, 0.0]
    return wo.join(phases, [num_warmup_steps, num_warmup_steps + rest])


@port()
def get_polynomial_decay_schedule_with_warmup(
    lr: Annotated[Number, "The base learning rate, above ``lr_end``."],
    num_warmup_steps: Warmup,
    num_training_steps: Total,
    lr_end: Annotated[Number, "The rate from ``num_training_steps`` on."] = 1e-7,
    power: Positive = 1.0,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Linear warmup to ``lr``, then polynomial decay to ``lr_end``, where it stays.

    A warmup longer than the training runs to its end, and the rate then drops to ``lr_end``. If the warmup is
    exactly as long as the training, its last rate stays, while the original divides by 0.

    >>> schedule = transformers.get_polynomial_decay_schedule_with_warmup(1.0, 4, 12, lr_end=0.0, power=2)
    >>> schedule([0, 2, 4, 8, 12]).tolist()
    [0.0, 0.5, 1.0, 0.25, 0.0]
    """
    check_below("lr_end", lr_end, lr=lr)
    decay = wo.polynomial(lr, lr_end, remaining(num_training_steps, num_warmup_steps, 0), power=power)
    if is_zero(num_training_steps - num_warmup_steps) and num_warmup_steps > 0:
        decay = wo.constant(lr * (num_warmup_steps - 1) / num_warmup_steps)
    return warmed(lr, num_warmup_steps, decay)


@port()
def get_inverse_sqrt_schedule(
    lr: Rate,
    num_warmup_steps: Warmup,
    timescale: Annotated[Positive | None, "None for ``num_warmup_steps``, or 10,000 if that is 0."] = None,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Linear warmup to ``lr``, then inverse-square-root decay: ``lr / sqrt(1 + t / timescale)``.

    >>> transformers.get_inverse_sqrt_schedule(1.0, num_warmup_steps=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if timescale is None:
        timescale = 10_000 if is_zero(num_warmup_steps) else num_warmup_steps
    return warmed(lr, num_warmup_steps, wo.inverse_sqrt(lr, timescale=timescale))


@port()
def get_cosine_with_min_lr_schedule_with_warmup(
    lr: Rate,
    num_warmup_steps: Warmup,
    num_training_steps: Total,
    num_cycles: Cycles = 0.5,
    last_epoch: LastStep = -1,
    min_lr: Low = None,
    min_lr_rate: LowRatio = None,
) -> wo.Schedule:
    """`get_cosine_schedule_with_warmup` with a lowest rate. After the end, the cosine *rises again*.

    >>> schedule = transformers.get_cosine_with_min_lr_schedule_with_warmup(1.0, 4, 12, min_lr=0.5)
    >>> schedule([0, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 1.0, 0.75, 0.5, 1.0]
    """
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    return warmed(lr, num_warmup_steps, _cosines(lr, _lowest(lr, min_lr, min_lr_rate), rest, num_cycles))


@port()
def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    lr: Rate,
    num_warmup_steps: Warmup,
    num_training_steps: Total,
    num_cycles: Cycles = 0.5,
    last_epoch: LastStep = -1,
    min_lr: Low = None,
    min_lr_rate: LowRatio = None,
    warmup_lr_rate: Annotated[
        Number | None, "The first rate / ``lr``; None for ``1 / num_warmup_steps``."
    ] = None,
) -> wo.Schedule:
    """`get_cosine_with_min_lr_schedule_with_warmup`, one update earlier.

    Update 0 has ``lr / num_warmup_steps``, and the last update of the warmup has ``lr``. The cosine is also one
    update earlier, so the lowest rate is at update ``num_training_steps - 1``.

    >>> make = transformers.get_cosine_with_min_lr_schedule_with_warmup_lr_rate
    >>> make(1.0, 4, 12, min_lr=0.5)([0, 3, 7, 11]).round(6).tolist()
    [0.25, 1.0, 0.75, 0.5]
    """
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    wave = _cosines(lr, _lowest(lr, min_lr, min_lr_rate), rest, num_cycles)
    ramp, offset = wo.linear(0.0, lr, num_warmup_steps), -1
    if warmup_lr_rate is not None:
        ramp, offset = wo.linear(warmup_lr_rate * lr, lr, remaining(num_warmup_steps, 1, 1)), 0
    return wo.join([ramp, wave], [num_warmup_steps], [offset, num_warmup_steps - 1])


@port()
def get_wsd_schedule(
    lr: Rate,
    num_warmup_steps: Annotated[Steps, "Updates of the warmup."],
    num_decay_steps: Annotated[Steps, "Updates of the decay."],
    num_training_steps: Total | None = None,
    num_stable_steps: Annotated[Steps | None, "Updates of the stable phase; None for the remainder."] = None,
    warmup_type: Annotated[str, one_of("linear", "cosine", "1-sqrt")] = "linear",
    decay_type: Annotated[str, one_of("linear", "cosine", "1-sqrt")] = "cosine",
    min_lr_ratio: Ratio = 0,
    num_cycles: Annotated[Fixed[float], 'The periods of a "cosine" decay.'] = 0.5,
    last_epoch: LastStep = -1,
) -> wo.Schedule:
    """Warmup-stable-decay (WSD): warmup to ``lr``, a plateau, and a decay to ``min_lr_ratio * lr``.

    Update 0 has ``min_lr_ratio * lr``, and so has every update after the end.

    >>> schedule = transformers.get_wsd_schedule(1.0, 4, 4, num_stable_steps=8, decay_type="1-sqrt")
    >>> schedule([0, 2, 4, 12, 13, 16]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    if num_stable_steps is None:
        if num_training_steps is None:
            refuse("num_training_steps", None, "a number of updates", "or give num_stable_steps")
        num_stable_steps = num_training_steps - num_warmup_steps - num_decay_steps
    shapes = {"linear": wo.linear, "cosine": wo.cosine, "1-sqrt": wo.one_minus_sqrt}
    low, begin = min_lr_ratio * lr, num_warmup_steps + num_stable_steps
    if warmup_type == "1-sqrt":
        up = wo.polynomial(low, lr, num_warmup_steps, power=0.5)
    else:
        up = shapes[warmup_type](low, lr, num_warmup_steps)
    down = shapes[decay_type](lr, low, num_decay_steps)
    if is_zero(num_decay_steps):
        down, begin = wo.piecewise_constant([lr, low], [remaining(begin, 0, 0)]), 0
    elif decay_type == "cosine" and num_cycles != 0.5:
        down = wo.join([_cosines(lr, low, num_decay_steps, num_cycles), low], [num_decay_steps])
    return wo.join([up, down], [num_warmup_steps], [0, begin])


@port()
def get_scheduler(
    name: object,
    lr: Rate,
    num_warmup_steps: Annotated[Steps | None, 'Required by all schedules but "constant".'] = None,
    num_training_steps: Annotated[Steps | None, "Passed to the schedules that have this argument."] = None,
    scheduler_specific_kwargs: Config | None = None,
) -> wo.Schedule:
    """Build the schedule with a name, such as "linear" or "cosine", or with a ``SchedulerType``.

    Args:
      name: A key of `SCHEDULES`.
      scheduler_specific_kwargs: Any other arguments, by name.

    >>> transformers.get_scheduler("linear", 1.0, 4, 12)([0, 4, 8]).tolist()
    [0.0, 1.0, 0.5]
    """
    others = {} if scheduler_specific_kwargs is None else scheduler_specific_kwargs
    if not isinstance(others, Mapping):
        fix = "read JSON text with json.loads" if isinstance(others, str) else ""
        refuse("scheduler_specific_kwargs", others, "a mapping of arguments", fix, error=TypeError)
    make = meaning(SCHEDULES, "name", getattr(name, "value", name))
    if make is get_constant_schedule:
        return make(lr)
    given = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    passed_on = {key: x for key, x in given.items() if key in inspect.signature(make).parameters}
    for key, value in passed_on.items():
        if value is None and (key, make) != ("num_training_steps", get_wsd_schedule):
            refuse(key, value, f"a number of updates for {name!r}")
    return make(lr, **passed_on, **others)


@port()
def from_config(config: Config, *, num_training_steps: Fixed[Steps] | None = None) -> wo.Schedule:
    """Build the schedule of a configuration for ``TrainingArguments``, axolotl or LLaMA-Factory.

    Args:
      config: A mapping with ``learning_rate`` (5e-5), ``lr_scheduler_type`` ("linear"), ``lr_scheduler_kwargs``
        (a mapping or JSON text), ``warmup_steps`` (0; below 1 a fraction), and ``warmup_ratio`` (a fraction, used
        without ``warmup_steps``). Fractions are rounded up. Other keys are ignored. Numbers may be strings. With
        axolotl's key ``lr_scheduler``, axolotl's rules apply. ``warmup_ratio`` is rounded down. The default
        warmup is 3 % of the run, but at most 100 steps. A warmup of one step becomes two. The keys
        ``cosine_min_lr_ratio``, ``cosine_constant_lr_ratio`` and ``lr_quadratic_warmup`` are read.
      num_training_steps: The length of the run, in updates; None for ``max_steps``.

    >>> block = {"learning_rate": "2e-4", "lr_scheduler_type": "cosine", "warmup_ratio": 0.1}
    >>> transformers.from_config(block, num_training_steps=100)([0, 5, 10, 100]).round(6).tolist()
    [0.0, 9.999999747378752e-05, 0.00019999999494757503, 0.0]
    """

    def number(key: str, default: Any) -> Any:
        value = config.get(key)
        return plain_number("", key, from_text(key, default if value is None else value))

    lr, total = number("learning_rate", 5e-5), num_training_steps
    if total is None and number("max_steps", -1) > 0:
        total = number("max_steps", -1)
    kwargs = config.get("lr_scheduler_kwargs") or {}
    if isinstance(kwargs, str) and kwargs.lstrip().startswith("{"):
        kwargs = json.loads(kwargs)
    if not isinstance(kwargs, Mapping):
        refuse("lr_scheduler_kwargs", kwargs, "a mapping, or one as JSON text", error=TypeError)
    kwargs = {
        key: from_text(key, x) if key not in ("warmup_type", "decay_type") else x for key, x in kwargs.items()
    }
    axolotl = "lr_scheduler" in config
    name = config.get("lr_scheduler" if axolotl else "lr_scheduler_type") or (
        "cosine" if axolotl else "linear"
    )
    if name == "constant":
        return get_constant_schedule(lr)
    if total is None:
        refuse("num_training_steps", None, "a number of updates", "or give max_steps in the configuration")
    steps, ratio = number("warmup_steps", 0), number("warmup_ratio", 0.0)
    if axolotl and config.get("warmup_steps") is None:
        steps = int(ratio * total) if config.get("warmup_ratio") is not None else min(int(0.03 * total), 100)
    elif not axolotl and not steps > 0:
        steps = ratio if ratio < 1 else refuse("warmup_ratio", ratio, "in [0, 1)", "write warmup_steps")
    steps = 2 if axolotl and steps == 1 else steps
    if steps < 0:
        refuse("warmup_steps", steps, ">= 0")
    warmup = int(steps) if steps >= 1 else math.ceil(total * steps)
    low, part = number("cosine_min_lr_ratio", 0.0), number("cosine_constant_lr_ratio", 0.0)
    if axolotl and name == "cosine" and config.get("lr_quadratic_warmup") is True:
        rise = functools.partial(wo.polynomial, power=2.0, origin="init")
        decay = _cosines(lr, 0.0, remaining(total, warmup, 1), 0.5)
        return wo.with_warmup(decay, steps=warmup, shape=rise)
    if axolotl and name == "cosine" and low:
        end = int(total * part) if part else total
        wave = wo.cosine if part else wo.shapes.cosine_wave
        return warmed(lr, warmup, wave(lr, low * lr, max(end - warmup, 1)))
    return get_scheduler(name, lr, warmup, total, kwargs)


SCHEDULES: dict[str, Callable[..., wo.Schedule]] = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "cosine_with_restarts": get_cosine_with_hard_restarts_schedule_with_warmup,
    "polynomial": get_polynomial_decay_schedule_with_warmup,
    "constant": get_constant_schedule,
    "constant_with_warmup": get_constant_schedule_with_warmup,
    "inverse_sqrt": get_inverse_sqrt_schedule,
    "cosine_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_warmup_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "warmup_stable_decay": get_wsd_schedule,
}


def _cosines(lr: Scalar, low: Scalar, steps: int, num_cycles: float) -> wo.Schedule:
    """A cosine between ``lr`` and ``low`` with ``num_cycles`` periods in ``steps`` updates. It never ends."""
    if is_zero(num_cycles):
        return wo.constant(lr)
    ticks, (half,) = in_ticks(_part(steps, abs(2 * exact(num_cycles))))
    wave = in_updates(wo.shapes.cosine_wave(lr, low, half), ticks)
    return wo.clip(wave, min_value=0.0) if is_concrete(low) and low < 0 else wave


def _lowest(lr: Scalar, min_lr: Scalar | None, min_lr_rate: Scalar | None) -> Scalar:
    if min_lr is not None and min_lr_rate is None:
        return min_lr
    if min_lr is None and min_lr_rate is not None:
        return min_lr_rate * lr
    refuse("min_lr", min_lr, "given where min_lr_rate is not", f"min_lr_rate={min_lr_rate}")


def _part(steps: int, number: Scalar | Fraction) -> Scalar | Fraction:
    """A length divided by a number of cycles."""
    return exact(steps) / exact(number) if is_concrete(steps) else steps / float(number)
