"""``timm.scheduler`` (timm 1.0.31), counting optimizer updates: ``t_in_epochs=False`` and ``step_update``.

The first argument is the base learning rate ``lr``, which the originals read from the optimizer. Update 0 has
the rate that the constructor sets: ``warmup_lr_init``, or ``lr`` without a warmup. Without ``warmup_prefix`` the
decay runs during the warmup, and the rate jumps down after it. With ``warmup_prefix`` the decay starts after the
warmup. After the last cycle the rate stays at ``lr_min``. For a run that steps once per epoch, convert the
lengths to updates, or wrap the schedule in `warmup_optax.staircase`.
Restarts are at the exact update, while timm is one update late for some multipliers.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Length, Milestones, NonNegative, Number, OpenFraction, Positive, Steps
from ._parts import is_zero, meaning, shrinking_cycles, stairs
from ._port import check_below, check_concrete, check_number, is_concrete, port, refuse
from ._rules import Check, Scalar, Shape


def _no_noise(where: str, name: str, value: object) -> object:
    if name == "noise_range_t" and value is not None:
        refuse(name, value, "None", "random noise is not a schedule")
    return value


Rate = Annotated[Number, "The base learning rate."]
Cycle = Annotated[Length, "Updates of the first cycle."]
Floor = Annotated[NonNegative, "The last rate of every cycle, and the rate after the last cycle."]
Growth = Annotated[Positive, "The length of each cycle divided by that of the previous one."]
Shrink = Annotated[Positive, "The factor from one peak to the next; ``lr_min`` does not change."]
Limit = Annotated[Fixed[Steps], "The number of cycles."]
Warmup = Annotated[Steps, "Updates of a linear ramp from ``warmup_lr_init`` to ``lr``."]
First = Annotated[Number, "The rate of update 0, if there is a warmup."]
Prefix = Annotated[bool, "Whether the curve starts after the warmup."]
Bend = Annotated[Positive, "The exponent of the elapsed fraction of a cycle; 1 for none."]
OTHERS = ("t_in_epochs", "noise_range_t", "noise_pct", "noise_std", "noise_seed", "initialize")
Unused = Annotated[
    object,
    OTHERS,
    Check(_no_noise),
    "The other arguments, ignored. ``noise_range_t`` must be None: noise is random.",
]


@port(growth="cycle_mul", decay="cycle_decay", k="k_decay")
def CosineLRScheduler(
    lr: Rate,
    t_initial: Cycle,
    lr_min: Floor = 0.0,
    cycle_mul: Growth = 1.0,
    cycle_decay: Shrink = 1.0,
    cycle_limit: Limit = 1,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    warmup_prefix: Prefix = False,
    k_decay: Bend = 1.0,
    **unused: Unused,
) -> wo.Schedule:
    """Linear warmup, then ``cycle_limit`` cosine decays to ``lr_min``, with peaks scaled by ``cycle_decay``.

    >>> schedule = timm.CosineLRScheduler(1.0, t_initial=8, warmup_t=2, warmup_prefix=True)
    >>> schedule([0, 1, 2, 6, 10]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    shape = functools.partial(_bent, wo.cosine, k_decay)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, is_zero(cycle_limit))


@port(growth="cycle_mul", decay="cycle_decay", k="k_decay")
def PolyLRScheduler(
    lr: Rate,
    t_initial: Cycle,
    power: Annotated[Positive, "The exponent; the default decays slowly at first."] = 0.5,
    lr_min: Floor = 0.0,
    cycle_mul: Growth = 1.0,
    cycle_decay: Shrink = 1.0,
    cycle_limit: Limit = 1,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    warmup_prefix: Prefix = False,
    k_decay: Bend = 1.0,
    **unused: Unused,
) -> wo.Schedule:
    """Linear warmup, then ``cycle_limit`` polynomial decays from ``lr`` to ``lr_min``.

    >>> timm.PolyLRScheduler(1.0, t_initial=4, power=2)([0, 2, 4, 9]).tolist()
    [1.0, 0.25, 0.0, 0.0]
    """
    shape = functools.partial(_bent, functools.partial(wo.polynomial, power=power), k_decay)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, is_zero(cycle_limit))


@port(growth="cycle_mul", decay="cycle_decay", start="lb", stop="ub")
def TanhLRScheduler(
    lr: Rate,
    t_initial: Cycle,
    lb: Annotated[Number, "The first argument of tanh, below ``ub``."] = -7.0,
    ub: Annotated[Number, "The last argument of tanh."] = 3.0,
    lr_min: Floor = 0.0,
    cycle_mul: Growth = 1.0,
    cycle_decay: Shrink = 1.0,
    cycle_limit: Limit = 1,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    warmup_prefix: Prefix = False,
    **unused: Unused,
) -> wo.Schedule:
    """Linear warmup, then ``cycle_limit`` tanh decays from almost ``lr`` to almost ``lr_min``.

    Without ``warmup_prefix`` the warmup ends at the decay's own value, so the rate does not jump. Without a
    warmup update 0 has ``lr``. Otherwise the first update of a cycle has ``(1 - tanh(lb)) / 2`` of the peak.

    >>> timm.TanhLRScheduler(1.0, t_initial=10)([0, 5, 7, 9, 10]).round(3).tolist()
    [1.0, 0.9820000529289246, 0.5, 0.018000001087784767, 0.0]
    """
    check_below("lb", lb, ub=ub)
    shape = functools.partial(wo.shapes.tanh, start=lb, stop=ub)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    if is_zero(warmup_t) or warmup_prefix:
        return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, True)
    return wo.with_warmup(curve, steps=warmup_t, init_value=warmup_lr_init, overlap=True)


@port(transition_steps="decay_t", init_value="lr")
def StepLRScheduler(
    lr: Rate,
    decay_t: Annotated[Positive, "Updates from one factor to the next, whole or not."],
    decay_rate: Annotated[float, "The factor, > 0. With 0 the rate is 0 from ``decay_t`` on."] = 1.0,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    warmup_prefix: Prefix = True,
    **unused: Unused,
) -> wo.Schedule:
    """Linear warmup, then ``lr * decay_rate**(t // decay_t)``. By default ``t`` is 0 at the end of the warmup.

    >>> timm.StepLRScheduler(1.0, decay_t=4, decay_rate=0.5, warmup_t=2)([0, 1, 2, 5, 6]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5]
    """
    return _warmed(lr, stairs(lr, decay_rate, decay_t), warmup_t, warmup_lr_init, warmup_prefix)


@port(values="lr")
def MultiStepLRScheduler(
    lr: Rate,
    decay_t: Annotated[Milestones, "The milestones, in increasing order."],
    decay_rate: Annotated[float, "The factor."] = 1.0,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    warmup_prefix: Prefix = True,
    **unused: Unused,
) -> wo.Schedule:
    """Linear warmup, then a factor at each milestone ``m``, from ``t == m - 1`` on: one update before PyTorch.

    >>> timm.MultiStepLRScheduler(1.0, decay_t=[4, 8], decay_rate=0.5)([0, 2, 3, 6, 7]).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    first = 1 if is_zero(warmup_t) else 0  # without a warmup update 0 has the constructor's rate
    begins = sorted({max(milestone - 1, first) for milestone in decay_t})
    rates = [lr, *(lr * decay_rate ** bisect.bisect_right(decay_t, begin + 1) for begin in begins)]
    return _warmed(lr, wo.piecewise_constant(rates, begins), warmup_t, warmup_lr_init, warmup_prefix)


@port(timescale="stable_timescale")
def WSDLRScheduler(
    lr: Rate,
    t_initial: Annotated[Length, "Updates of the stable phase and the decay together."],
    decay_t: Annotated[Length, "Updates of the decay, at most ``t_initial``."],
    lr_min: Annotated[NonNegative, "The last rate, and the minimum of the stable phase."] = 0.0,
    stable_fn: str = "constant",
    stable_timescale: Annotated[Positive | None, "None for ``warmup_t``."] = None,
    stable_power: Positive = 0.5,
    decay_fn: str | Callable[[float], float] = "1-sqrt",
    decay_power: Positive = 0.5,
    decay_ratio: Annotated[OpenFraction, 'The last factor of "exp", before it is rescaled to 0.'] = 0.1,
    warmup_t: Warmup = 0,
    warmup_lr_init: First = 0.0,
    **unused: Unused,
) -> wo.Schedule:
    """Warmup-stable-decay (WSD): the decay reaches ``lr_min`` at ``warmup_t + t_initial``, where it stays.

    If the stable phase decays, it continues during the final decay, which multiplies it.

    Args:
      stable_fn: "constant", "rsqrt", or "power": ``(1 + t / stable_timescale)**-stable_power``.
      decay_fn: "linear", "1-sqrt", "cosine", "power" (``1 - p**decay_power``), "exp", or a Python function of
        the elapsed fraction of the decay. It is evaluated once for each update of the decay.

    >>> timm.WSDLRScheduler(1.0, t_initial=8, decay_t=4, warmup_t=2)([0, 1, 2, 6, 7, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    check_number("decay_t", decay_t, at_most=t_initial)
    shapes: dict[str, Shape] = {
        "linear": wo.linear,
        "1-sqrt": wo.one_minus_sqrt,
        "cosine": wo.cosine,
        "power": functools.partial(wo.polynomial, power=decay_power, origin="init"),
        "exp": functools.partial(wo.shapes.finite_exponential, ratio=decay_ratio),
    }
    tabled = functools.partial(_tabled, decay_fn) if callable(decay_fn) else None
    shape = tabled or meaning(shapes, "decay_fn", decay_fn)
    begin = t_initial - decay_t
    if stable_fn == "constant":
        top = max(lr, lr_min) if is_concrete(lr) and is_concrete(lr_min) else lr
        curve = wo.shift(shape(top, lr_min, decay_t), begin)
    else:
        power = meaning({"rsqrt": 0.5, "power": stable_power}, "stable_fn", stable_fn)
        timescale = warmup_t if stable_timescale is None else stable_timescale
        stable = wo.clip(wo.shapes.power_law(lr, power=-power, timescale=timescale), min_value=lr_min)
        low = wo.shift(shape(0.0, lr_min, decay_t), begin)
        curve = stable * wo.shift(shape(1.0, 0.0, decay_t), begin) + low
    return _warmed(lr, curve, warmup_t, warmup_lr_init, True)


def _bent(shape: Shape, k: Scalar, init_value: Scalar, end_value: Scalar, steps: int) -> wo.Schedule:
    curve = shape(init_value, end_value, steps)
    return curve if is_concrete(k) and k == 1 else wo.shapes.k_decay(curve, k)


def _tabled(
    function: Callable[[float], float], init_value: Scalar, end_value: Scalar, steps: int
) -> wo.Schedule:
    """A table of a Python function of the elapsed fraction, with an entry for each update."""
    check_concrete("decay_t", steps)
    parts = [1.0, *(function(step / steps) for step in range(1, steps + 1))]
    rates = [end_value + (init_value - end_value) * part for part in parts]
    return wo.piecewise_constant(rates, range(1, steps + 1))


def _cycles(
    shape: Shape, lr: Scalar, steps: int, lr_min: Scalar, growth: Scalar, decay: Scalar, number: int
) -> wo.Schedule:
    """``number`` cycles of a shape from decreasing peaks to ``lr_min``, where the rate stays."""
    if number == 1:
        return shape(lr, lr_min, steps)
    if number == 0:
        return wo.constant(lr_min)
    check_concrete("cycle_mul", growth)
    if growth != 1:
        check_concrete("t_initial", steps)
    if growth < 1:
        return shrinking_cycles(lambda i, n: shape(lr * decay**i, lr_min, n), steps, growth, number, lr_min)
    peaks = wo.restart(shape(lr, 0.0, steps), period=steps, growth=growth, decay=decay)
    floor = wo.restart(shape(0.0, lr_min, steps), period=steps, growth=growth)
    cycles = peaks if is_zero(lr_min) else peaks + floor
    if growth == 1:
        return wo.join([cycles, lr_min], [steps * number])
    if number * math.log(growth) > 40:  # beyond all counts
        return cycles
    end = steps * (growth**number - 1) / (growth - 1)
    end = round(end) if abs(end - round(end)) < 1e-9 * end else math.ceil(end)
    return wo.join([cycles, lr_min], [end])


def _warmed(
    lr: Scalar, curve: wo.Schedule, steps: int, init_value: Scalar, prefix: bool, first: bool = False
) -> wo.Schedule:
    """Linear warmup before a curve, or over it. Without one, update 0 has ``lr`` if ``first`` is true."""
    if is_zero(steps):
        return wo.join([lr, curve], [1], [0, 0]) if first else curve
    return wo.join([wo.linear(init_value, lr, steps), curve], [steps], [0, steps if prefix else 0])
