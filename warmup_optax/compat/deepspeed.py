"""DeepSpeed (0.19.8): the schedulers of ``deepspeed.runtime.lr_schedules``, and its ``"scheduler"`` block.

Its engine steps the scheduler after the optimizer. So update 0 uses the rate that the constructor sets, and
update ``n`` uses the rate of scheduler step ``n - 1``. The arguments contain the rates. Only `WarmupCosineLR`,
and `WarmupLR` without a ``warmup_max_lr``, use the optimizer's. An argument may be a list of one number, as for
an optimizer with one parameter group. With several groups, build one schedule for each.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import warmup_optax as wo

from ._arguments import IGNORED, Fixed, Length, NonNegative, Number, Positive, Whole
from ._config import Config
from ._factors import FAR
from ._parts import in_ticks, in_updates, is_zero
from ._port import is_concrete, port, refuse
from ._rules import LAST, Check, Scalar, plain_number


def _one(where: str, name: str, value: object) -> object:
    """Return a number, also from a list of one."""
    if isinstance(value, (list, tuple)):
        if len(value) != 1:
            refuse(name, value, "a number, or a list of one", "build one schedule for each parameter group")
        value = value[0]
    return plain_number(where, name, value)


Rate = Annotated[Any, Check(_one)]
Warmup = Annotated[Fixed[Length], "Updates of warmup, ``W``; 1 counts as 2."]
Total = Annotated[Fixed[Whole], "Updates of the run, ``T``, warmup included."]
Kind = Annotated[str, '"log" or "linear". Any other word warns and means "log", as in the original.']
LastStep = Annotated[int, LAST, "The last completed step; -1 for none."]
First = Annotated[Positive, "Updates of the first half, whole or not."]
Second = Annotated[NonNegative | None, "Updates of the second half; None for the length of the first."]
Stairs = Annotated[Fixed[Whole], "Steps of a staircase in the first half; 0 for a linear ramp."]
SecondStairs = Annotated[Fixed[Whole] | None, "Steps in the second half; None for the same number."]
DecaySize = Annotated[Number, "``size``, the updates of one decay step; 0 for no decay."]
Momentum = Annotated[object, IGNORED]


@port()
def WarmupLR(
    warmup_min_lr: Annotated[Rate, "The rate of updates 0 and 1."] = 0.0,
    warmup_max_lr: Annotated[Rate | None, "The rate after the warmup; None for ``lr``."] = None,
    warmup_num_steps: Warmup = 1000,
    warmup_type: Kind = "log",
    last_batch_iteration: LastStep = -1,
    *,
    lr: Annotated[Number | None, "The optimizer's rate, for a ``warmup_max_lr`` of None."] = None,
) -> wo.Schedule:
    """A warmup from ``warmup_min_lr`` to ``warmup_max_lr``, then constant.

    Updates 0 and 1 both have ``warmup_min_lr``. With "log" the fraction of the rise is ``ln(n) / ln(W)``, and
    the full rate is at ``n == W``. With "linear" it is ``(n - 1) / W``, and the full rate is at ``n == W + 1``.

    >>> deepspeed.WarmupLR(0.0, 1.0, warmup_num_steps=16)([0, 1, 2, 4, 16, 99]).round(6).tolist()
    [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    >>> deepspeed.WarmupLR(0.0, 1.0, 4, "linear")([0, 1, 2, 4, 5]).tolist()
    [0.0, 0.0, 0.25, 0.75, 1.0]
    """
    top = lr if warmup_max_lr is None else warmup_max_lr
    if top is None:
        refuse("lr", None, "a number where warmup_max_lr is None")
    steps, warmup = _warmup(warmup_min_lr, top, warmup_num_steps, warmup_type)
    return wo.join([warmup, top], [steps + 1])


@port()
def WarmupDecayLR(
    total_num_steps: Total,
    warmup_min_lr: Annotated[Rate, "The first rate and the last."] = 0.0,
    warmup_max_lr: Annotated[Rate, "The highest rate. The default is not the optimizer's rate."] = 0.001,
    warmup_num_steps: Warmup = 1000,
    warmup_type: Kind = "log",
    last_batch_iteration: LastStep = -1,
) -> wo.Schedule:
    """`WarmupLR`, then a linear decay to ``warmup_min_lr`` at ``n == T + 1``.

    The decay, ``(T - n + 1) / (T - W)``, starts at the full rate at ``n == W + 1``. So "log" has two updates at
    the full rate. With ``T <= W`` there is no decay, and the rate jumps down.

    >>> deepspeed.WarmupDecayLR(8, 0.0, 1.0, 4, "linear")([1, 4, 5, 7, 8, 9]).tolist()
    [0.0, 0.75, 1.0, 0.5, 0.25, 0.0]
    """
    steps, warmup = _warmup(warmup_min_lr, warmup_max_lr, warmup_num_steps, warmup_type)
    decay = wo.linear(warmup_max_lr, warmup_min_lr, max(int(total_num_steps) - steps, 0))
    return wo.join([warmup, decay], [steps + 1])


@port()
def WarmupCosineLR(
    lr: Annotated[Number, "The optimizer's rate."],
    total_num_steps: Total,
    warmup_min_ratio: Annotated[Number, "The rate of update 1, as a fraction of ``lr``."] = 0.0,
    warmup_num_steps: Warmup = 1000,
    cos_min_ratio: Annotated[Number, "The last rate, as a fraction of ``lr``."] = 0.0001,
    warmup_type: Kind = "log",
    last_batch_iteration: LastStep = -1,
) -> wo.Schedule:
    """A warmup to ``lr``, then half a cosine down to ``cos_min_ratio * lr``.

    Update 0 always has rate 0, and update 1 has ``warmup_min_ratio * lr``. The cosine runs over ``(n - W) / (T -
    W)`` from ``n == W + 1`` on. A "linear" warmup is ``1 / W`` below the full rate at ``n == W``, so the full
    rate is never used. The lowest rate is at ``n == T`` and stays.

    >>> schedule = deepspeed.WarmupCosineLR(1.0, 12, 0.5, 4, cos_min_ratio=0.0, warmup_type="linear")
    >>> schedule([0, 1, 4, 8, 12, 20]).round(6).tolist()
    [0.0, 0.5, 0.875, 0.5, 0.0, 0.0]
    """
    steps, warmup = _warmup(lr * warmup_min_ratio, lr, warmup_num_steps, warmup_type)
    cosine = wo.cosine(lr, lr * cos_min_ratio, max(int(total_num_steps) - steps, 1))
    if is_concrete(cos_min_ratio) and cos_min_ratio < 0:
        cosine = wo.clip(cosine, min_value=0.0)
    return wo.join([0.0, warmup, cosine], [1, steps + 1], [0, 0, steps])


@port()
def OneCycle(
    cycle_min_lr: Annotated[Rate, "The rate of update 0, and of the end of the cycle."],
    cycle_max_lr: Annotated[Rate, "The highest rate."],
    decay_lr_rate: Annotated[Number, "The decay after the cycle; 0 for none."] = 0.0,
    cycle_first_step_size: First = 2000,
    cycle_second_step_size: Second = None,
    cycle_first_stair_count: Stairs = 0,
    cycle_second_stair_count: SecondStairs = None,
    decay_step_size: DecaySize = 0,
    cycle_momentum: Momentum = True,
    cycle_min_mom: Momentum = 0.8,
    cycle_max_mom: Momentum = 0.9,
    decay_mom_rate: Momentum = 0.0,
    last_batch_iteration: LastStep = -1,
) -> wo.Schedule:
    """One cycle of linear ramps or staircases, then ``cycle_min_lr / (1 + decay_lr_rate * k / size)``.

    The peak is at ``n == first``. With a second half of 0 steps it is not used. The rate is ``cycle_min_lr``
    again at ``n == first + second``, where ``k`` is 0. `OneCycleMomentum` has the momenta.

    >>> schedule = deepspeed.OneCycle(0.25, 1.0, 0.5, cycle_first_step_size=4, decay_step_size=1)
    >>> schedule([0, 2, 4, 6, 8, 10]).tolist()
    [0.25, 0.625, 1.0, 0.625, 0.25, 0.125]
    """
    rate = 0.0 if is_zero(decay_step_size) or is_zero(decay_lr_rate) else decay_lr_rate / decay_step_size
    if is_concrete(rate) and rate < 0:  # the original divides by 0 on the way, and goes below it
        refuse("decay_lr_rate", decay_lr_rate, f"of the sign of decay_step_size ({decay_step_size})")

    def after(ticks: int) -> wo.Schedule:
        if is_zero(rate):
            return wo.constant(cycle_min_lr)
        return wo.inverse_time(cycle_min_lr, decay_rate=rate / ticks, transition_steps=1)

    sizes = (cycle_first_step_size, cycle_second_step_size)
    stairs = (cycle_first_stair_count, cycle_second_stair_count)
    return _cycle(cycle_min_lr, cycle_max_lr, sizes, stairs, after)


@port()
def OneCycleMomentum(
    cycle_min_lr: Momentum = 0.0,
    cycle_max_lr: Momentum = 0.0,
    decay_lr_rate: Momentum = 0.0,
    cycle_first_step_size: First = 2000,
    cycle_second_step_size: Second = None,
    cycle_first_stair_count: Stairs = 0,
    cycle_second_stair_count: SecondStairs = None,
    decay_step_size: DecaySize = 0,
    cycle_momentum: Annotated[bool, "Must be True: with False there are no momenta."] = True,
    cycle_min_mom: Annotated[Rate, "The momentum of update 0 and of the middle of the cycle."] = 0.8,
    cycle_max_mom: Annotated[Rate, "The momentum of both ends of the cycle."] = 0.9,
    decay_mom_rate: Annotated[Number, "The growth after the cycle; 0 for none."] = 0.0,
    last_batch_iteration: LastStep = -1,
) -> wo.Schedule:
    """The momentum (Adam's ``b1``) that `OneCycle` sets with the same arguments: high while the rate is low.

    Update 0 has ``cycle_min_mom``, update 1 almost ``cycle_max_mom``. After the cycle it is ``cycle_max_mom *
    (1 + decay_mom_rate * k / size)``, so a positive ``decay_mom_rate`` makes it grow beyond 1. The original also
    sets ``b2`` to 0.99. It changes neither in an optimizer without betas.

    >>> schedule = deepspeed.OneCycleMomentum(cycle_first_step_size=4, cycle_min_mom=0.5, cycle_max_mom=0.75)
    >>> schedule([0, 1, 2, 4, 6, 8, 9]).tolist()
    [0.5, 0.6875, 0.625, 0.5, 0.625, 0.75, 0.75]
    """
    if not cycle_momentum:
        refuse("cycle_momentum", cycle_momentum, "True", "without it there are no momenta")
    rate = 0.0 if is_zero(decay_step_size) else decay_mom_rate / decay_step_size

    def after(ticks: int) -> wo.Schedule:
        return wo.constant(cycle_max_mom) if is_zero(rate) else _growing(cycle_max_mom, rate / ticks)

    sizes = (cycle_first_step_size, cycle_second_step_size)
    stairs = (cycle_first_stair_count, cycle_second_stair_count)
    cycle = _cycle(cycle_max_mom, cycle_min_mom, sizes, stairs, after)
    return wo.join([cycle_min_mom, cycle], [1], [0, 0])


@port()
def LRRangeTest(
    lr_range_test_min_lr: Annotated[Rate, "The rate of update 0."] = 1e-3,
    lr_range_test_step_size: Annotated[Fixed[Length], "``size``, in updates."] = 2000,
    lr_range_test_step_rate: Annotated[Number, "The relative growth in ``size`` updates."] = 1.0,
    lr_range_test_staircase: Annotated[bool, "Whether the growth comes in one step."] = False,
    last_batch_iteration: LastStep = -1,
) -> wo.Schedule:
    """A learning-rate range test: ``min * (1 + rate * n / size)``, linear or a staircase. It never ends.

    >>> deepspeed.LRRangeTest(0.5, 4)([0, 2, 4, 40]).tolist()
    [0.5, 0.75, 1.0, 5.5]
    >>> deepspeed.LRRangeTest(0.5, 4, lr_range_test_staircase=True)([0, 3, 4, 40]).tolist()
    [0.5, 0.5, 1.0, 5.5]
    """
    if lr_range_test_staircase:
        return wo.staircase(_growing(lr_range_test_min_lr, lr_range_test_step_rate), lr_range_test_step_size)
    return _growing(lr_range_test_min_lr, lr_range_test_step_rate / lr_range_test_step_size)


@port()
def from_config(
    block: Config,
    *,
    lr: Annotated[Number | None, "The optimizer's rate, for the types that use it."] = None,
) -> wo.Schedule:
    """Build the schedule of the ``"scheduler"`` block of a DeepSpeed configuration.

    Args:
      block: ``{"type": ..., "params": {...}}``. A ``type`` that is not DeepSpeed's is a PyTorch scheduler, as in
        DeepSpeed: see `compat.torch`. You may also pass the whole configuration, which contains ``lr``.

    >>> block = {"type": "WarmupLR", "params": {"warmup_max_lr": 1.0, "warmup_num_steps": 16}}
    >>> deepspeed.from_config(block)([1, 4, 16]).round(6).tolist()
    [0.0, 0.5, 1.0]
    """
    if isinstance(block, Mapping) and isinstance(block.get("scheduler"), Mapping):
        optimizer = block.get("optimizer") or {}
        lr = (optimizer.get("params") or {}).get("lr") if lr is None else lr
        block = block["scheduler"]
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        allowed = "a mapping with a type and params, as WarmupLR and its arguments"
        refuse("block", block, allowed, error=TypeError)
    name, params = block["type"], block.get("params")
    if not isinstance(params, Mapping):
        refuse("params", params, "a mapping of the arguments of the type", error=TypeError)
    for key, value in (*params.items(), ("lr", lr)):
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


SCHEDULERS: dict[str, Callable[..., wo.Schedule]] = {
    make.__name__: make for make in (LRRangeTest, OneCycle, WarmupLR, WarmupDecayLR, WarmupCosineLR)
}
TORCH = (
    "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR",
    "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR",
)  # fmt: skip


def _warmup(bottom: Scalar, top: Scalar, steps: int, warmup_type: str) -> tuple[int, wo.Schedule]:
    """Return the length of a warmup from ``bottom`` at updates 0 and 1 to ``top``, and its curve."""
    steps = max(2, int(steps))
    if warmup_type == "linear":
        return steps, wo.shift(wo.linear(bottom, top, steps), 1)
    if warmup_type != "log":
        said = f"Using unknown warmup_type: {warmup_type}. The increasing function is set to default (log)"
        warnings.warn(said, stacklevel=4)
    return steps, wo.shapes.logarithmic(bottom, top, steps)


def _growing(start: Scalar, rate: Scalar) -> wo.Schedule:
    """``start * (1 + rate * n)`` for every int32 count."""
    return wo.linear(start, start * (1 + rate * FAR), FAR)


def _cycle(
    start: Scalar,
    middle: Scalar,
    sizes: tuple[Scalar, Scalar | None],
    stairs: tuple[int, int | None],
    after: Callable[[int], wo.Schedule],
) -> wo.Schedule:
    """A cycle from ``start`` to ``middle`` and back, then ``after(ticks)``, with ``ticks`` in an update."""
    ticks, (up, down) = in_ticks(float(sizes[0]), float(sizes[0] if sizes[1] is None else sizes[1]))
    there = _half(start, middle, up, stairs[0])
    back = _half(middle, start, down, stairs[0] if stairs[1] is None else stairs[1], falling=True)
    cycle = wo.join([there, back], [up])
    if ticks > 1:  # a fraction of an update after its end, the cycle has restarted
        cycle = wo.restart(cycle, period=up + down)
    last = math.ceil((up + down) / ticks) + 1
    return in_updates(wo.join([cycle, after(ticks)], [last * ticks], [0, up + down]), ticks)


def _half(start: Scalar, end: Scalar, steps: int, stairs: int, falling: bool = False) -> wo.Schedule:
    """A linear ramp or a staircase. A step applies from its count on, in the second half after its count."""
    count = int(stairs)
    if count <= 0 or not steps:
        return wo.linear(start, end, steps)
    begins = {
        (k - 1) * steps // count + 1 if falling else -(-k * steps // count): start
        + (end - start) * (k / count)
        for k in range(1, count + 1)
    }
    return wo.piecewise_constant([start, *begins.values()], list(begins))
