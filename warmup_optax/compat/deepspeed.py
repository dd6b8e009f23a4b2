"""DeepSpeed (0.19): the schedulers of ``deepspeed.runtime.lr_schedules``, and its ``"scheduler"`` block.

Its engine steps the scheduler after the optimizer, so update 0 has what the constructor sets, and update
``n`` what the scheduler calls step ``n - 1``. Rates stand in the arguments; only `WarmupCosineLR`, and
`WarmupLR` without a ``warmup_max_lr``, read the optimizer's. An argument may be a list of one, as for an
optimizer of one parameter group; for more groups, build one schedule for each.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import warmup_optax as wo

from ._parts import in_ticks, in_updates, is_concrete, is_zero, starting_after
from ._port import check_concrete, check_steps, port, refuse

Number = Any
Rate = Any  # a number, or a list of one
FAR = 2**31 - 1  # a line without an end is one up to here


@port(value="warmup_max_lr", init_value="warmup_min_lr", end_value="warmup_max_lr")
def WarmupLR(
    warmup_min_lr: Rate = 0.0,
    warmup_max_lr: Rate | None = None,
    warmup_num_steps: int = 1000,
    warmup_type: str = "log",
    last_batch_iteration: int = -1,
    *,
    lr: Number | None = None,
) -> wo.Schedule:
    """From ``warmup_min_lr`` up to ``warmup_max_lr``, held after it.

    Updates 0 and 1 both have ``warmup_min_lr``. "log" is ``ln(n) / ln(W)`` of the way, and at the top at ``n
    == W``; "linear" is ``(n - 1) / W``, and at the top at ``n == W + 1``.

    Args:
      warmup_min_lr: The rate of updates 0 and 1.
      warmup_max_lr: The rate after the warmup; None for ``lr``.
      warmup_num_steps: ``W`` > 0; 1 is taken for 2.
      warmup_type: "log" or "linear"; any other word warns and is taken for "log", as in the original.
      last_batch_iteration: The last step that has been made; -1 is none.
      lr: The optimizer's rate, for a ``warmup_max_lr`` of None.

    >>> from warmup_optax.compat import deepspeed
    >>> deepspeed.WarmupLR(0.0, 1.0, warmup_num_steps=16)([0, 1, 2, 4, 16, 99]).round(6).tolist()
    [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    >>> deepspeed.WarmupLR(0.0, 1.0, 4, "linear")([0, 1, 2, 4, 5]).tolist()
    [0.0, 0.0, 0.25, 0.75, 1.0]
    """
    top = lr if warmup_max_lr is None else _one("warmup_max_lr", warmup_max_lr)
    if top is None:
        refuse("lr", None, "a number where warmup_max_lr is None")
    bottom, steps = _one("warmup_min_lr", warmup_min_lr), _warmup_steps(warmup_num_steps)
    warmup = _warmup(bottom, top, steps, warmup_type)
    return starting_after(wo.join([warmup, top], [steps + 1]), last_batch_iteration, "last_batch_iteration")


@port(init_value="warmup_max_lr", end_value="warmup_min_lr", steps="total_num_steps", value="warmup_min_lr")
def WarmupDecayLR(
    total_num_steps: int,
    warmup_min_lr: Rate = 0.0,
    warmup_max_lr: Rate = 0.001,
    warmup_num_steps: int = 1000,
    warmup_type: str = "log",
    last_batch_iteration: int = -1,
) -> wo.Schedule:
    """`WarmupLR`, and then a line down to ``warmup_min_lr``: there at ``n == T + 1``.

    The line, ``(T - n + 1) / (T - W)``, starts at ``n == W + 1`` at the top: "log" has two updates there.
    With ``T <= W`` there is no way down: the rate jumps.

    Args:
      total_num_steps: ``T``, with the warmup.
      warmup_min_lr: The first rate and the last.
      warmup_max_lr: The highest rate; 0.001 unless given, not the optimizer's.
      warmup_num_steps: ``W`` > 0; 1 is taken for 2.
      warmup_type: "log" or "linear"; any other word warns and is taken for "log".
      last_batch_iteration: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import deepspeed
    >>> deepspeed.WarmupDecayLR(8, 0.0, 1.0, 4, "linear")([1, 4, 5, 7, 8, 9]).tolist()
    [0.0, 0.75, 1.0, 0.5, 0.25, 0.0]
    """
    bottom, top = _one("warmup_min_lr", warmup_min_lr), _one("warmup_max_lr", warmup_max_lr)
    steps = _warmup_steps(warmup_num_steps)
    warmup = _warmup(bottom, top, steps, warmup_type)
    decay = wo.linear(top, bottom, max(_whole("total_num_steps", total_num_steps) - steps, 0))
    return starting_after(wo.join([warmup, decay], [steps + 1]), last_batch_iteration, "last_batch_iteration")


@port(value="lr")
def WarmupCosineLR(
    lr: Number,
    total_num_steps: int,
    warmup_min_ratio: Number = 0.0,
    warmup_num_steps: int = 1000,
    cos_min_ratio: Number = 0.0001,
    warmup_type: str = "log",
    last_batch_iteration: int = -1,
) -> wo.Schedule:
    """From 0 and ``warmup_min_ratio * lr`` up to ``lr``, and a cosine down to ``cos_min_ratio * lr``.

    Update 0 has a rate of 0, whatever ``warmup_min_ratio`` is, which is that of update 1. The cosine is over
    ``(n - W) / (T - W)`` from ``n == W + 1`` on: with a "linear" warmup, which is ``1 / W`` short of the top
    at ``n == W``, the full rate is never used. The lowest rate is at ``n == T`` and held.

    Args:
      lr: The optimizer's rate.
      total_num_steps: ``T``, with the warmup.
      warmup_min_ratio: The rate of update 1, as a part of ``lr``.
      warmup_num_steps: ``W`` > 0; 1 is taken for 2.
      cos_min_ratio: The last rate, as a part of ``lr``.
      warmup_type: "log" or "linear"; any other word warns and is taken for "log".
      last_batch_iteration: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import deepspeed
    >>> schedule = deepspeed.WarmupCosineLR(1.0, 12, 0.5, 4, cos_min_ratio=0.0, warmup_type="linear")
    >>> schedule([0, 1, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 0.5, 0.875, 0.5, 0.0, 0.0]
    """
    steps = _warmup_steps(warmup_num_steps)
    warmup = _warmup(lr * warmup_min_ratio, lr, steps, warmup_type)
    cosine = wo.cosine(lr, lr * cos_min_ratio, max(_whole("total_num_steps", total_num_steps) - steps, 1))
    if is_concrete(cos_min_ratio) and cos_min_ratio < 0:
        cosine = wo.clip(cosine, min_value=0.0)
    schedule = wo.join([0.0, warmup, cosine], [1, steps + 1], [0, 0, steps])
    return starting_after(schedule, last_batch_iteration, "last_batch_iteration")


@port(init_value="cycle_min_lr", end_value="cycle_max_lr")
def OneCycle(
    cycle_min_lr: Rate,
    cycle_max_lr: Rate,
    decay_lr_rate: Number = 0.0,
    cycle_first_step_size: Number = 2000,
    cycle_second_step_size: Number | None = None,
    cycle_first_stair_count: int = 0,
    cycle_second_stair_count: int | None = None,
    decay_step_size: Number = 0,
    cycle_momentum: bool = True,
    cycle_min_mom: Rate = 0.8,
    cycle_max_mom: Rate = 0.9,
    decay_mom_rate: Number = 0.0,
    last_batch_iteration: int = -1,
) -> wo.Schedule:
    """A line or stairs up and down again, and then ``cycle_min_lr / (1 + decay_lr_rate * k / size)``.

    The peak is at ``n == first``, and not used with a second half of 0 steps; ``cycle_min_lr`` is back at
    ``n == first + second``, from where ``k`` counts. The momenta are `OneCycleMomentum`.

    Args:
      cycle_min_lr: The rate of update 0, and of the end of the cycle.
      cycle_max_lr: The highest rate.
      decay_lr_rate: >= 0; 0 holds ``cycle_min_lr`` after the cycle.
      cycle_first_step_size: Length of the way up, above 0, whole or not.
      cycle_second_step_size: Length of the way down, >= 0; None for that of the way up.
      cycle_first_stair_count: Stairs on the way up, each held; 0 for a line.
      cycle_second_stair_count: Stairs on the way down; None for as many as on the way up.
      decay_step_size: The size in the decay; 0 holds ``cycle_min_lr`` after the cycle.
      cycle_momentum: Taken and not used, as all of the momenta: this is the learning rate.
      cycle_min_mom: Taken and not used.
      cycle_max_mom: Taken and not used.
      decay_mom_rate: Taken and not used.
      last_batch_iteration: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import deepspeed
    >>> schedule = deepspeed.OneCycle(0.25, 1.0, 0.5, cycle_first_step_size=4, decay_step_size=1)
    >>> schedule([0, 2, 4, 6, 8, 10]).tolist()
    [0.25, 0.625, 1.0, 0.625, 0.25, 0.125]
    """
    bottom, top = _one("cycle_min_lr", cycle_min_lr), _one("cycle_max_lr", cycle_max_lr)
    rate = _decay_rate("decay_lr_rate", decay_lr_rate, decay_step_size)
    sizes = (cycle_first_step_size, cycle_second_step_size)
    stairs = (cycle_first_stair_count, cycle_second_stair_count)

    def after(ticks: int) -> Any:
        return wo.inverse_time(bottom, decay_rate=rate / ticks, transition_steps=1) if rate else bottom

    return starting_after(
        _cycle(bottom, top, sizes, stairs, after), last_batch_iteration, "last_batch_iteration"
    )


@port(init_value="cycle_max_mom", end_value="cycle_min_mom")
def OneCycleMomentum(
    cycle_min_lr: Rate = 0.0,
    cycle_max_lr: Rate = 0.0,
    decay_lr_rate: Number = 0.0,
    cycle_first_step_size: Number = 2000,
    cycle_second_step_size: Number | None = None,
    cycle_first_stair_count: int = 0,
    cycle_second_stair_count: int | None = None,
    decay_step_size: Number = 0,
    cycle_momentum: bool = True,
    cycle_min_mom: Rate = 0.8,
    cycle_max_mom: Rate = 0.9,
    decay_mom_rate: Number = 0.0,
    last_batch_iteration: int = -1,
) -> wo.Schedule:
    """The momentum (Adam's ``b1``) that `OneCycle` of the same arguments sets: high where the rate is low.

    Update 0 has ``cycle_min_mom``, update 1 almost ``cycle_max_mom``. After the cycle it is ``cycle_max_mom *
    (1 + decay_mom_rate * k / size)``: a positive rate makes it grow, past 1. The original sets ``b2`` to 0.99
    meanwhile, and leaves both alone for an optimizer without betas.

    Args:
      cycle_min_lr: Taken and not used, as all of the rates: this is the momentum.
      cycle_max_lr: Taken and not used.
      decay_lr_rate: Taken and not used.
      cycle_first_step_size: Length of the first half, above 0, whole or not.
      cycle_second_step_size: Length of the second half, >= 0; None for that of the first.
      cycle_first_stair_count: Stairs in the first half; 0 for a line.
      cycle_second_stair_count: Stairs in the second half; None for as many as in the first.
      decay_step_size: The size in what follows the cycle; 0 holds ``cycle_max_mom``.
      cycle_momentum: True: without it there are no momenta.
      cycle_min_mom: The momentum of update 0 and of the middle of the cycle.
      cycle_max_mom: The momentum of both ends of the cycle.
      decay_mom_rate: 0 holds ``cycle_max_mom`` after the cycle.
      last_batch_iteration: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import deepspeed
    >>> schedule = deepspeed.OneCycleMomentum(cycle_first_step_size=4, cycle_min_mom=0.5, cycle_max_mom=0.75)
    >>> schedule([0, 1, 2, 4, 6, 8, 9]).tolist()
    [0.5, 0.6875, 0.625, 0.5, 0.625, 0.75, 0.75]
    """
    if not cycle_momentum:
        refuse("cycle_momentum", cycle_momentum, "True", "without it there are no momenta")
    low, high = _one("cycle_min_mom", cycle_min_mom), _one("cycle_max_mom", cycle_max_mom)
    rate = 0.0 if is_zero(decay_step_size) else decay_mom_rate / decay_step_size
    sizes = (cycle_first_step_size, cycle_second_step_size)
    stairs = (cycle_first_stair_count, cycle_second_stair_count)
    cycle = _cycle(
        high, low, sizes, stairs, lambda ticks: high if is_zero(rate) else _line(high, rate / ticks)
    )
    return starting_after(wo.join([low, cycle], [1], [0, 0]), last_batch_iteration, "last_batch_iteration")


@port(init_value="lr_range_test_min_lr")
def LRRangeTest(
    lr_range_test_min_lr: Rate = 1e-3,
    lr_range_test_step_size: int = 2000,
    lr_range_test_step_rate: Number = 1.0,
    lr_range_test_staircase: bool = False,
    last_batch_iteration: int = -1,
) -> wo.Schedule:
    """A rate that grows by a line, or by stairs, and does not stop: ``min * (1 + rate * n / size)``.

    Args:
      lr_range_test_min_lr: The rate of update 0.
      lr_range_test_step_size: The size, in updates, a whole number > 0.
      lr_range_test_step_rate: How much is added in that many updates, as a part of the first rate.
      lr_range_test_staircase: Whether it is added at once.
      last_batch_iteration: The last step that has been made; -1 is none.

    >>> from warmup_optax.compat import deepspeed
    >>> deepspeed.LRRangeTest(0.5, 4)([0, 2, 4, 40]).tolist()
    [0.5, 0.75, 1.0, 5.5]
    >>> deepspeed.LRRangeTest(0.5, 4, lr_range_test_staircase=True)([0, 3, 4, 40]).tolist()
    [0.5, 0.5, 1.0, 5.5]
    """
    size = lr_range_test_step_size
    check_concrete("lr_range_test_step_size", size)
    check_steps("lr_range_test_step_size", size)
    lowest = _one("lr_range_test_min_lr", lr_range_test_min_lr)
    if lr_range_test_staircase:
        schedule = wo.staircase(_line(lowest, lr_range_test_step_rate), size)
    else:
        schedule = _line(lowest, lr_range_test_step_rate / size)
    return starting_after(schedule, last_batch_iteration, "last_batch_iteration")


SCHEDULERS = {
    "LRRangeTest": LRRangeTest,
    "OneCycle": OneCycle,
    "WarmupLR": WarmupLR,
    "WarmupDecayLR": WarmupDecayLR,
    "WarmupCosineLR": WarmupCosineLR,
}


@port()
def from_config(block: Mapping[str, Any], *, lr: Number | None = None) -> wo.Schedule:
    """The schedule of the ``"scheduler"`` block of a DeepSpeed configuration.

    Args:
      block: ``{"type": ..., "params": {...}}``. A ``type`` that is not DeepSpeed's is one of PyTorch's
        schedulers, as there: `compat.torch` has them.
      lr: The optimizer's rate (``config["optimizer"]["params"]["lr"]``), for the types that read it.

    >>> from warmup_optax.compat import deepspeed
    >>> block = {"type": "WarmupLR", "params": {"warmup_max_lr": 1.0, "warmup_num_steps": 16}}
    >>> deepspeed.from_config(block)([1, 4, 16]).round(6).tolist()
    [0.0, 0.5, 1.0]
    """
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        allowed = "a mapping with a type and params, as WarmupLR and its arguments"
        refuse("block", block, allowed, error=TypeError)
    name, params = block["type"], block.get("params")
    if not isinstance(params, Mapping):
        refuse("params", params, "a mapping of the arguments of the type", error=TypeError)
    for key, value in params.items():
        if isinstance(value, str) and value == "auto":
            refuse(key, value, "a number", "write the one that the trainer fills in")
    from . import torch

    make = SCHEDULERS.get(name) or getattr(torch, name if name in TORCH else "", None)
    if make is None:
        refuse("type", name, f"one of {', '.join(map(repr, (*SCHEDULERS, *TORCH)))}")
    if make is WarmupLR:
        return WarmupLR(**params, lr=lr)
    if make in SCHEDULERS.values() and make is not WarmupCosineLR:
        return make(**params)
    if lr is None:
        refuse("lr", None, f"a number for {name}", "it reads the optimizer's rate")
    return make(lr=lr, **params)


TORCH = (
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "PolynomialLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
)


def _warmup(bottom: Number, top: Number, steps: int, warmup_type: Any) -> wo.Schedule:
    """From ``bottom`` at updates 0 and 1 to ``top``."""
    if warmup_type == "linear":
        return wo.shift(wo.linear(bottom, top, steps), 1)
    if warmup_type != "log":
        said = f"Using unknown warmup_type: {warmup_type}. The increasing function is set to default (log)"
        warnings.warn(said, stacklevel=4)
    return wo.shapes.logarithmic(bottom, top, steps)


def _warmup_steps(steps: Any) -> int:
    check_concrete("warmup_num_steps", steps)
    check_steps("warmup_num_steps", steps)
    return max(2, int(steps))


def _whole(name: str, steps: Any) -> int:
    check_concrete(name, steps)
    check_steps(name, steps, at_least=None)
    return int(steps)


def _one(name: str, value: Any) -> Any:
    """The number of an optimizer with one parameter group."""
    if not isinstance(value, (list, tuple)):
        return value
    if len(value) != 1:
        fix = "build one schedule for each parameter group"
        refuse(name, value, "a number, or a list of one", fix)
    return value[0]


def _line(start: Number, slope: Number) -> wo.Schedule:
    """``start * (1 + slope * n)`` for every count there is."""
    return wo.linear(start, start * (1 + slope * FAR), FAR)


def _decay_rate(name: str, rate: Any, size: Any) -> Any:
    """What the decay adds to its divisor with every update; 0 for no decay."""
    if is_zero(size) or is_zero(rate):
        return 0.0
    if is_concrete(rate) and rate / size < 0:  # the original divides by 0 on the way, and goes below it
        refuse(name, rate, f"of the sign of decay_step_size ({size})")
    return rate / size


def _cycle(start: Number, middle: Number, sizes: Any, stairs: Any, after: Any) -> wo.Schedule:
    """From ``start`` to ``middle`` and back, and then ``after(ticks)``, on a clock of so many an update."""
    first, second = float(sizes[0]), float(sizes[0] if sizes[1] is None else sizes[1])
    if not first > 0:
        refuse("cycle_first_step_size", sizes[0], "a number > 0")
    if not second >= 0:
        refuse("cycle_second_step_size", sizes[1], "a number >= 0")
    ticks, (up, down) = in_ticks(first, second)
    there = _half(start, middle, up, stairs[0])
    back = _half(middle, start, down, stairs[0] if stairs[1] is None else stairs[1], falling=True)
    cycle = wo.join([there, back], [up])
    if ticks > 1:  # a part of an update past its end, the cycle has begun anew
        cycle = wo.restart(cycle, period=up + down)
    last = math.ceil((up + down) / ticks) + 1
    return in_updates(wo.join([cycle, after(ticks)], [last * ticks], [0, up + down]), ticks)


def _half(start: Number, end: Number, steps: int, stairs: Any, falling: bool = False) -> wo.Schedule:
    """A line, or so many stairs: a stair is on the way up from its count on, on the way down behind it."""
    count = _whole("stair_count", stairs)
    if count <= 0 or not steps:
        return wo.linear(start, end, steps)
    begins = {
        (k - 1) * steps // count + 1 if falling else -(-k * steps // count): start
        + (end - start) * (k / count)
        for k in range(1, count + 1)
    }
    return wo.piecewise_constant([start, *begins.values()], list(begins))
