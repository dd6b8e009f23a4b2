"""Hugging Face Transformers (5.23): the ``get_*_schedule*`` functions, and `get_scheduler` by name.

The base learning rate ``lr``, which the originals take from the optimizer, is the first argument. Update 0
has the rate 0 where there is a warmup, unless it is said below; ``num_training_steps`` includes the warmup.
A schedule with ``last_epoch`` begins one step behind it. ``get_reduce_on_plateau_schedule`` and
``get_greedy_schedule`` follow the loss and ``get_adafactor_schedule`` shows what its optimizer does: none of
them is a schedule (for the first, see ``optax.contrib.reduce_on_plateau``).
"""

from __future__ import annotations

import inspect
from typing import Any

import warmup_optax as wo

from ._parts import exact, in_ticks, in_updates, is_concrete, is_zero, meaning, remaining, starting_after
from ._port import check_concrete, check_number, check_steps, port, refuse

Number = Any


@port(value="lr")
def get_constant_schedule(lr: Number, last_epoch: int = -1) -> wo.Schedule:
    """The base learning rate at every update.

    Args:
      lr: The base learning rate.
      last_epoch: Ignored; accepted for compatibility: it is the same at every step.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_constant_schedule(0.5)([0, 9]).tolist()
    [0.5, 0.5]
    """
    check_steps("last_epoch", last_epoch, at_least=-1)
    return wo.constant(lr)


@port(steps="num_warmup_steps", end_value="lr")
def get_constant_schedule_with_warmup(lr: Number, num_warmup_steps: int, last_epoch: int = -1) -> wo.Schedule:
    """A line from 0 to ``lr`` at update ``num_warmup_steps``, held after it.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_constant_schedule_with_warmup(1.0, num_warmup_steps=4)([0, 1, 4, 9]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    _check_lengths(num_warmup_steps)
    return starting_after(wo.linear(0.0, lr, num_warmup_steps), last_epoch)


@port(steps="num_warmup_steps", end_value="lr")
def get_linear_schedule_with_warmup(
    lr: Number, num_warmup_steps: int, num_training_steps: int, last_epoch: int = -1
) -> wo.Schedule:
    """A line up to ``lr``, and a line down to 0 at update ``num_training_steps``, held after it.

    A warmup longer than the training is finished, and falls to 0 at its end.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_linear_schedule_with_warmup(1.0, 4, 12)([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    decay = wo.linear(lr, 0.0, remaining(num_training_steps, num_warmup_steps, 0))
    return _warmed(lr, num_warmup_steps, decay, last_epoch)


@port(steps="num_warmup_steps", end_value="lr")
def get_cosine_schedule_with_warmup(
    lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> wo.Schedule:
    """A line up to ``lr``, and ``num_cycles`` whole cosines between ``lr`` and 0.

    After ``num_training_steps`` the cosine goes on: with half a cycle the rate *rises again*, and so on.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      num_cycles: Whole periods of the cosine in the training, whole or not; 0 is a constant rate.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_cosine_schedule_with_warmup(1.0, 4, 12)([0, 2, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 1.0]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    wave = _cosines(lr, 0.0, remaining(num_training_steps, num_warmup_steps, 1), num_cycles)
    return _warmed(lr, num_warmup_steps, wave, last_epoch)


@port(steps="num_warmup_steps", end_value="lr")
def get_cosine_with_hard_restarts_schedule_with_warmup(
    lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: int = 1,
    last_epoch: int = -1,
) -> wo.Schedule:
    """A line up to ``lr``, ``num_cycles`` half cosines to 0, and 0 from ``num_training_steps`` on.

    A cosine begins at the update where it is due; the original, which computes where it is in floating
    point, is at times one update late, with a rate of 0.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      num_cycles: How many half cosines, > 0; the last one may be a part of one.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> schedule = transformers.get_cosine_with_hard_restarts_schedule_with_warmup(1.0, 4, 12, num_cycles=2)
    >>> schedule([0, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 1.0, 0.5, 1.0, 0.5, 0.0]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    check_concrete("num_cycles", num_cycles)
    check_number("num_cycles", num_cycles, above=0)
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    ticks, (cycle,) = in_ticks(_part(rest, num_cycles))
    cycles = wo.restart(wo.cosine(lr, 0.0, cycle), period=cycle)
    phases = [wo.linear(0.0, lr, num_warmup_steps), in_updates(cycles, ticks), 0.0]
    return starting_after(wo.join(phases, [num_warmup_steps, num_warmup_steps + rest]), last_epoch)


@port(steps="num_warmup_steps", init_value="lr", end_value="lr_end")
def get_polynomial_decay_schedule_with_warmup(
    lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    lr_end: Number = 1e-7,
    power: float = 1.0,
    last_epoch: int = -1,
) -> wo.Schedule:
    """A line up to ``lr``, and a power of the remaining time down to ``lr_end``, held after the end.

    A warmup longer than the training is finished, and falls to ``lr_end``; if it is as long as the training
    its last rate holds (the original divides by 0 there).

    Args:
      lr: The base learning rate, above ``lr_end``.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      lr_end: The rate from ``num_training_steps`` on.
      power: > 0.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> schedule = transformers.get_polynomial_decay_schedule_with_warmup(1.0, 4, 12, lr_end=0.0, power=2)
    >>> schedule([0, 2, 4, 8, 12]).tolist()
    [0.0, 0.5, 1.0, 0.25, 0.0]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    if is_concrete(lr) and is_concrete(lr_end) and not lr > lr_end:
        refuse("lr_end", lr_end, f"smaller than lr={lr!r}")
    rest = remaining(num_training_steps, num_warmup_steps, 0)
    decay = wo.polynomial(lr, lr_end, rest, power=power)
    if is_zero(num_training_steps - num_warmup_steps) and num_warmup_steps > 0:
        decay = wo.constant(lr * (num_warmup_steps - 1) / num_warmup_steps)
    return _warmed(lr, num_warmup_steps, decay, last_epoch)


@port(steps="num_warmup_steps", end_value="lr")
def get_inverse_sqrt_schedule(
    lr: Number, num_warmup_steps: int, timescale: Number | None = None, last_epoch: int = -1
) -> wo.Schedule:
    """A line up to ``lr``, and ``lr / sqrt(1 + t / timescale)``, ``t`` updates after it.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      timescale: > 0. None is ``num_warmup_steps``, or 10,000 without a warmup.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_inverse_sqrt_schedule(1.0, num_warmup_steps=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    _check_lengths(num_warmup_steps)
    if timescale is None:
        timescale = 10_000 if is_zero(num_warmup_steps) else num_warmup_steps
    return _warmed(lr, num_warmup_steps, wo.inverse_sqrt(lr, timescale=timescale), last_epoch)


@port(steps="num_warmup_steps")
def get_cosine_with_min_lr_schedule_with_warmup(
    lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: Number | None = None,
    min_lr_rate: Number | None = None,
) -> wo.Schedule:
    """`get_cosine_schedule_with_warmup` with a cosine between ``lr`` and a lowest rate; it too rises again.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      num_cycles: Whole periods of the cosine in the training, whole or not; 0 is a constant rate.
      last_epoch: The last step that has been made; -1 is none.
      min_lr: The lowest rate; or ``min_lr_rate``, one of the two.
      min_lr_rate: The lowest rate as a part of ``lr``.

    >>> from warmup_optax.compat import transformers
    >>> schedule = transformers.get_cosine_with_min_lr_schedule_with_warmup(1.0, 4, 12, min_lr=0.5)
    >>> schedule([0, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 1.0, 0.75, 0.5, 1.0]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    wave = _cosines(lr, _lowest(lr, min_lr, min_lr_rate), rest, num_cycles)
    return _warmed(lr, num_warmup_steps, wave, last_epoch)


@port(steps="num_warmup_steps")
def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: Number | None = None,
    min_lr_rate: Number | None = None,
    warmup_lr_rate: Number | None = None,
) -> wo.Schedule:
    """The same, one update early: update 0 has ``lr / num_warmup_steps``, the last of the warmup has ``lr``.

    The cosine too is one update early: the lowest rate is at update ``num_training_steps - 1``.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of warmup, >= 0.
      num_training_steps: Updates of the whole.
      num_cycles: Whole periods of the cosine in the training, whole or not; 0 is a constant rate.
      last_epoch: The last step that has been made; -1 is none.
      min_lr: The lowest rate; or ``min_lr_rate``, one of the two.
      min_lr_rate: The lowest rate as a part of ``lr``.
      warmup_lr_rate: The rate of update 0 as a part of ``lr``; None for one step of the warmup.

    >>> from warmup_optax.compat import transformers
    >>> make = transformers.get_cosine_with_min_lr_schedule_with_warmup_lr_rate
    >>> make(1.0, 4, 12, min_lr=0.5)([0, 3, 7, 11]).round(6).tolist()
    [0.25, 1.0, 0.75, 0.5]
    """
    _check_lengths(num_warmup_steps, num_training_steps)
    rest = remaining(num_training_steps, num_warmup_steps, 1)
    wave = _cosines(lr, _lowest(lr, min_lr, min_lr_rate), rest, num_cycles)
    line, offset = wo.linear(0.0, lr, num_warmup_steps), -1
    if warmup_lr_rate is not None:
        line, offset = wo.linear(warmup_lr_rate * lr, lr, remaining(num_warmup_steps, 1, 1)), 0
    schedule = wo.join([line, wave], [num_warmup_steps], [offset, num_warmup_steps - 1])
    return starting_after(schedule, last_epoch)


@port(steps="num_decay_steps")
def get_wsd_schedule(
    lr: Number,
    num_warmup_steps: int,
    num_decay_steps: int,
    num_training_steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: Number = 0,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> wo.Schedule:
    """Up from ``min_lr_ratio * lr`` to ``lr``, ``lr`` for a while, and down to ``min_lr_ratio * lr`` again.

    Update 0 has ``min_lr_ratio * lr``, and so has every one after the end.

    Args:
      lr: The base learning rate.
      num_warmup_steps: Updates of the way up, >= 0.
      num_decay_steps: Updates of the way down, >= 0.
      num_training_steps: Updates of the whole.
      num_stable_steps: Updates between; None for what is left of ``num_training_steps``.
      warmup_type: "linear", "cosine" or "1-sqrt".
      decay_type: "linear", "cosine" or "1-sqrt".
      min_lr_ratio: The lowest rate as a part of ``lr``.
      num_cycles: Whole periods of a "cosine" in the decay; after them it jumps to the lowest rate.
      last_epoch: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import transformers
    >>> schedule = transformers.get_wsd_schedule(1.0, 4, 4, num_stable_steps=8, decay_type="1-sqrt")
    >>> schedule([0, 2, 4, 12, 13, 16]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    _check_lengths(num_warmup_steps)
    check_steps("num_decay_steps", num_decay_steps, at_least=0)
    check_concrete("num_cycles", num_cycles)
    if num_stable_steps is None:
        if num_training_steps is None:
            refuse("num_training_steps", None, "a number of updates", "or give num_stable_steps")
        check_steps("num_training_steps", num_training_steps, at_least=0)
        num_stable_steps = num_training_steps - num_warmup_steps - num_decay_steps
    else:
        check_steps("num_stable_steps", num_stable_steps, at_least=0)
    ups = {"linear": wo.linear, "cosine": wo.cosine, "1-sqrt": _one_minus_sqrt_of_the_rest}
    downs = {"linear": wo.linear, "cosine": wo.cosine, "1-sqrt": wo.one_minus_sqrt}
    low, begin = min_lr_ratio * lr, num_warmup_steps + num_stable_steps
    up = meaning(ups, "warmup_type", warmup_type)(low, lr, num_warmup_steps)
    down = meaning(downs, "decay_type", decay_type)(lr, low, num_decay_steps)
    if is_zero(num_decay_steps):
        down, begin = wo.piecewise_constant([lr, low], [remaining(begin, 0, 0)]), 0
    elif decay_type == "cosine" and num_cycles != 0.5:
        down = wo.join([_cosines(lr, low, num_decay_steps, num_cycles), low], [num_decay_steps])
    return starting_after(wo.join([up, down], [num_warmup_steps], [0, begin]), last_epoch)


@port()
def get_scheduler(
    name: Any,
    lr: Number,
    num_warmup_steps: int | None = None,
    num_training_steps: int | None = None,
    scheduler_specific_kwargs: dict[str, Any] | None = None,
) -> wo.Schedule:
    """The schedule of a name: "linear", "cosine", "warmup_stable_decay", ..., or the ``SchedulerType`` of it.

    Args:
      name: A key of `SCHEDULES`.
      lr: The base learning rate, where the original takes the optimizer.
      num_warmup_steps: Passed on; all but "constant" need it.
      num_training_steps: Passed on where it is taken.
      scheduler_specific_kwargs: Any other arguments, by name.

    >>> from warmup_optax.compat import transformers
    >>> transformers.get_scheduler("linear", 1.0, 4, 12)([0, 4, 8]).tolist()
    [0.0, 1.0, 0.5]
    """
    make = meaning(SCHEDULES, "name", getattr(name, "value", name))
    if make is get_constant_schedule:
        return make(lr)
    given = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    passed_on = {key: given[key] for key in given if key in inspect.signature(make).parameters}
    optional = "num_training_steps" if make is get_wsd_schedule else None
    for key, value in passed_on.items():
        if value is None and key != optional:
            refuse(key, value, f"a number of updates for {name!r}")
    return make(lr, **passed_on, **(scheduler_specific_kwargs or {}))


SCHEDULES = {
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


def _warmed(lr: Number, warmup: Any, decay: Any, last_epoch: int) -> wo.Schedule:
    """A line from 0 to ``lr``, and then a decay."""
    return starting_after(wo.join([wo.linear(0.0, lr, warmup), decay], [warmup]), last_epoch)


def _cosines(lr: Number, low: Number, steps: Any, num_cycles: float) -> wo.Schedule:
    """So many whole cosines between ``lr`` and ``low`` in so many updates, and on without an end."""
    check_concrete("num_cycles", num_cycles)
    if is_zero(num_cycles):
        return wo.constant(lr)
    ticks, (half,) = in_ticks(_part(steps, abs(2 * exact(num_cycles))))
    wave = in_updates(wo.shapes.cosine_wave(lr, low, half), ticks)
    return wo.clip(wave, min_value=0.0) if is_concrete(low) and low < 0 else wave


def _lowest(lr: Number, min_lr: Number | None, min_lr_rate: Number | None) -> Number:
    if (min_lr is None) == (min_lr_rate is None):
        refuse("min_lr", min_lr, "given where min_lr_rate is not", f"min_lr_rate={min_lr_rate}")
    return min_lr if min_lr_rate is None else min_lr_rate * lr


def _one_minus_sqrt_of_the_rest(init_value: Number, end_value: Number, steps: Any) -> wo.Schedule:
    return wo.polynomial(init_value, end_value, steps, power=0.5)


def _part(steps: Any, number: Any) -> Any:
    """A length over a number of cycles."""
    return exact(steps) / exact(number) if is_concrete(steps) else steps / float(number)


def _check_lengths(num_warmup_steps: Any, num_training_steps: Any = 0) -> None:
    check_steps("num_warmup_steps", num_warmup_steps, at_least=0)
    check_steps("num_training_steps", num_training_steps, at_least=0)
