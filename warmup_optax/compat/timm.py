"""``timm.scheduler`` (timm 1.0.31), counting optimizer updates: ``t_in_epochs=False`` and ``step_update``.

The base learning rate ``lr``, which the originals take from the optimizer, is the first argument. Update 0
has the rate that the constructor sets: ``warmup_lr_init``, or ``lr`` without a warmup. Without
``warmup_prefix`` the curve has been running under the warmup, and the rate jumps down behind it; with it the
curve starts there. After the last cycle ``lr_min`` holds. (For a run that stepped once an epoch give epochs
in updates, or put the schedule into `warmup_optax.staircase`.)

Restarts come exactly where they are due. timm finds the cycle by a logarithm, which for some multipliers is
one update late: for ``cycle_mul=3`` at the 5th restart, which then still shows the end of the old cycle.

Each takes ``t_in_epochs``, ``noise_pct``, ``noise_std``, ``noise_seed`` and ``initialize`` too, and ignores
them. A ``noise_range_t`` is refused: what PyTorch draws at random is no schedule.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import warmup_optax as wo

from ._parts import is_concrete, is_zero, meaning, shrinking_cycles, stairs
from ._port import as_tuple, check_concrete, check_number, check_steps, port, refuse

Number = Any
UNUSED = ("t_in_epochs", "noise_range_t", "noise_pct", "noise_std", "noise_seed", "initialize")


@port(steps="t_initial", period="t_initial", growth="cycle_mul", decay="cycle_decay", k="k_decay")
def CosineLRScheduler(
    lr: Number,
    t_initial: int,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    k_decay: float = 1.0,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, and ``cycle_limit`` half cosines from ``lr`` to ``lr_min``, each from a lower peak.

    Args:
      lr: The base learning rate.
      t_initial: Updates of the first cycle, >= 1.
      lr_min: Where every cycle ends, and what holds after the last.
      cycle_mul: > 0: each cycle is so many times as long as the last.
      cycle_decay: > 0: the factor from one peak to the next; ``lr_min`` stays.
      cycle_limit: How many cycles, >= 0.
      warmup_t: Updates of a line from ``warmup_lr_init`` to ``lr``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      warmup_prefix: Whether the cycles start after the warmup.
      k_decay: > 0: the power of time that the cosine runs in.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> schedule = timm.CosineLRScheduler(1.0, t_initial=8, warmup_t=2, warmup_prefix=True)
    >>> schedule([0, 1, 2, 6, 10]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    shape = functools.partial(_bent, wo.cosine, k_decay)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, unused, is_zero(cycle_limit))


@port(steps="t_initial", period="t_initial", growth="cycle_mul", decay="cycle_decay", k="k_decay")
def PolyLRScheduler(
    lr: Number,
    t_initial: int,
    power: float = 0.5,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    k_decay: float = 1.0,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, and ``cycle_limit`` powers of the remaining time from ``lr`` to ``lr_min``.

    Args:
      lr: The base learning rate.
      t_initial: Updates of the first cycle, >= 1.
      power: > 0; the default, 0.5, falls slowly first.
      lr_min: Where every cycle ends, and what holds after the last.
      cycle_mul: > 0: each cycle is so many times as long as the last.
      cycle_decay: > 0: the factor from one peak to the next; ``lr_min`` stays.
      cycle_limit: How many cycles, >= 0.
      warmup_t: Updates of a line from ``warmup_lr_init`` to ``lr``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      warmup_prefix: Whether the cycles start after the warmup.
      k_decay: > 0: the power of time that the curve runs in.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> timm.PolyLRScheduler(1.0, t_initial=4, power=2)([0, 2, 4, 9]).tolist()
    [1.0, 0.25, 0.0, 0.0]
    """
    shape = functools.partial(_bent, functools.partial(wo.polynomial, power=power), k_decay)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, unused, is_zero(cycle_limit))


@port(steps="t_initial", period="t_initial", growth="cycle_mul", decay="cycle_decay", start="lb", stop="ub")
def TanhLRScheduler(
    lr: Number,
    t_initial: int,
    lb: float = -7.0,
    ub: float = 3.0,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, and ``cycle_limit`` pieces of a hyperbolic tangent from nearly ``lr`` to nearly ``lr_min``.

    Without ``warmup_prefix`` the warmup aims at what the curve has come to behind it: nothing jumps. Without
    a warmup update 0 has ``lr``; otherwise the first update of a cycle has ``(1 - tanh(lb)) / 2`` of it.

    Args:
      lr: The base learning rate.
      t_initial: Updates of the first cycle, >= 1.
      lb: Where the piece of the tangent begins, below ``ub``.
      ub: Where it ends.
      lr_min: Where every cycle is bound for, and what holds after the last.
      cycle_mul: > 0: each cycle is so many times as long as the last.
      cycle_decay: > 0: the factor from one peak to the next; ``lr_min`` stays.
      cycle_limit: How many cycles, >= 0.
      warmup_t: Updates of a line from ``warmup_lr_init``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      warmup_prefix: Whether the cycles start after the warmup.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> timm.TanhLRScheduler(1.0, t_initial=10)([0, 5, 7, 9, 10]).round(3).tolist()
    [1.0, 0.9820000529289246, 0.5, 0.018000001087784767, 0.0]
    """
    if is_concrete(lb) and is_concrete(ub) and not lb < ub:
        refuse("lb", lb, f"below ub={ub!r}")
    shape = functools.partial(wo.shapes.tanh, start=lb, stop=ub)
    curve = _cycles(shape, lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    if is_zero(warmup_t) or warmup_prefix:
        return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, unused, True)
    _refuse_noise(unused)
    check_steps("warmup_t", warmup_t, at_least=0)
    return wo.with_warmup(curve, steps=warmup_t, init_value=warmup_lr_init, overlap=True)


@port(transition_steps="decay_t", init_value="lr")
def StepLRScheduler(
    lr: Number,
    decay_t: Number,
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = True,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, and ``lr * decay_rate**(t // decay_t)``.

    Args:
      lr: The base learning rate.
      decay_t: Updates from one factor to the next, whole or not.
      decay_rate: The factor, > 0; or 0, for a rate of 0 from ``decay_t`` on.
      warmup_t: Updates of a line from ``warmup_lr_init`` to ``lr``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      warmup_prefix: Whether ``t`` counts from the end of the warmup; here it does unless told otherwise.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> timm.StepLRScheduler(1.0, decay_t=4, decay_rate=0.5, warmup_t=2)([0, 1, 2, 5, 6]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5]
    """
    check_number("decay_t", decay_t, above=0)
    curve = stairs(lr, decay_rate, decay_t)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, unused)


@port(values="lr")
def MultiStepLRScheduler(
    lr: Number,
    decay_t: Sequence[int],
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = True,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, and a factor at every milestone ``m``: from ``t == m - 1`` on, one update before PyTorch's.

    Args:
      lr: The base learning rate.
      decay_t: The milestones, in increasing order.
      decay_rate: The factor.
      warmup_t: Updates of a line from ``warmup_lr_init`` to ``lr``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      warmup_prefix: Whether ``t`` counts from the end of the warmup; here it does unless told otherwise.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> timm.MultiStepLRScheduler(1.0, decay_t=[4, 8], decay_rate=0.5)([0, 2, 3, 6, 7]).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    decay_t = as_tuple("decay_t", decay_t, "whole numbers of steps")
    for i, milestone in enumerate(decay_t):
        check_concrete(f"decay_t[{i}]", milestone)
        check_steps(f"decay_t[{i}]", milestone, at_least=None)
    first = 1 if is_zero(warmup_t) else 0  # without a warmup update 0 has the constructor's rate
    begins = sorted({max(milestone - 1, first) for milestone in decay_t})
    rates = [lr, *(lr * decay_rate ** bisect.bisect_right(decay_t, begin + 1) for begin in begins)]
    curve = wo.piecewise_constant(rates, begins)
    return _warmed(lr, curve, warmup_t, warmup_lr_init, warmup_prefix, unused)


@port(steps="decay_t", timescale="stable_timescale", power="stable_power", ratio="decay_ratio")
def WSDLRScheduler(
    lr: Number,
    t_initial: int,
    decay_t: int,
    lr_min: Number = 0.0,
    stable_fn: str = "constant",
    stable_timescale: Number | None = None,
    stable_power: float = 0.5,
    decay_fn: str | Callable[[float], float] = "1-sqrt",
    decay_power: float = 0.5,
    decay_ratio: float = 0.1,
    warmup_t: int = 0,
    warmup_lr_init: Number = 0.0,
    **unused: Any,
) -> wo.Schedule:
    """A warmup, a stable phase, and a decay to ``lr_min`` at ``warmup_t + t_initial``, held after it.

    A stable phase that falls goes on falling under the decay, which is a factor on it.

    Args:
      lr: The base learning rate.
      t_initial: Updates of the stable phase and the decay.
      decay_t: Updates of the decay, in (0, t_initial].
      lr_min: The last rate; the stable phase does not fall below it.
      stable_fn: "constant", "rsqrt", or "power": ``(1 + t / stable_timescale)**-stable_power``.
      stable_timescale: > 0; None for ``warmup_t``.
      stable_power: > 0.
      decay_fn: "linear", "1-sqrt", "cosine", "power" (``1 - p**decay_power``), "exp", or a Python function of
        the part of the decay that is over, which is asked once for each of its updates.
      decay_power: > 0.
      decay_ratio: In (0, 1): what "exp" would fall to, were it not stretched to reach ``lr_min``.
      warmup_t: Updates of a line from ``warmup_lr_init`` to ``lr``.
      warmup_lr_init: The rate of update 0, if there is a warmup.
      **unused: See the top of the module.

    >>> from warmup_optax.compat import timm
    >>> timm.WSDLRScheduler(1.0, t_initial=8, decay_t=4, warmup_t=2)([0, 1, 2, 6, 7, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    check_steps("t_initial", t_initial)
    check_steps("decay_t", decay_t)
    check_number("decay_t", decay_t, at_most=t_initial)
    check_number("lr_min", lr_min, at_least=0)
    check_number("decay_power", decay_power, above=0)
    check_number("decay_ratio", decay_ratio, above=0, below=1)
    shapes = {
        "linear": wo.linear,
        "1-sqrt": wo.one_minus_sqrt,
        "cosine": wo.cosine,
        "power": functools.partial(wo.polynomial, power=decay_power, origin="init"),
        "exp": functools.partial(wo.shapes.finite_exponential, ratio=decay_ratio),
    }
    tabled = functools.partial(_tabled, decay_fn)  # pyright: ignore[reportArgumentType]
    shape = tabled if callable(decay_fn) else meaning(shapes, "decay_fn", decay_fn)
    begin = t_initial - decay_t
    if stable_fn == "constant":
        top = max(lr, lr_min) if is_concrete(lr) and is_concrete(lr_min) else lr
        curve = wo.shift(shape(top, lr_min, decay_t), begin)
    else:
        power = meaning({"rsqrt": 0.5, "power": stable_power}, "stable_fn", stable_fn)
        check_number("stable_power", power, above=0)
        timescale = warmup_t if stable_timescale is None else stable_timescale
        stable = wo.clip(wo.shapes.power_law(lr, power=-power, timescale=timescale), min_value=lr_min)
        curve = stable * wo.shift(shape(1.0, 0.0, decay_t), begin) + wo.shift(
            shape(0.0, lr_min, decay_t), begin
        )
    return _warmed(lr, curve, warmup_t, warmup_lr_init, True, unused)


def _bent(shape: Callable[..., Any], k: Any, init_value: Any, end_value: Any, steps: Any) -> wo.Schedule:
    curve = shape(init_value, end_value, steps)
    return curve if is_concrete(k) and k == 1 else wo.shapes.k_decay(curve, k)


def _tabled(function: Callable[[float], float], init_value: Any, end_value: Any, steps: int) -> wo.Schedule:
    """What a Python function of the elapsed fraction gives, as a table with an entry for each update."""
    check_concrete("decay_t", steps)
    parts = [1.0, *(function(step / steps) for step in range(1, steps + 1))]
    rates = [end_value + (init_value - end_value) * part for part in parts]
    return wo.piecewise_constant(rates, range(1, steps + 1))


def _cycles(
    shape: Callable[..., Any], lr: Any, steps: Any, lr_min: Any, growth: Any, decay: Any, number: int
) -> wo.Schedule:
    """So many cycles of a shape from a falling peak to ``lr_min``, which then holds."""
    check_steps("t_initial", steps)
    check_number("lr_min", lr_min, at_least=0)
    check_number("cycle_mul", growth, above=0)
    check_number("cycle_decay", decay, above=0)
    check_concrete("cycle_limit", number)
    check_steps("cycle_limit", number, at_least=0)
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
    lr: Any,
    curve: Any,
    steps: Any,
    init_value: Any,
    prefix: bool,
    unused: dict[str, Any],
    first: bool = False,
) -> wo.Schedule:
    """A line before a curve, or over it; without one, ``first`` says that update 0 has ``lr``."""
    _refuse_noise(unused)
    check_steps("warmup_t", steps, at_least=0)
    if is_zero(steps):
        return wo.join([lr, curve], [1], [0, 0]) if first else curve
    return wo.join([wo.linear(init_value, lr, steps), curve], [steps], [0, steps if prefix else 0])


def _refuse_noise(unused: dict[str, Any]) -> None:
    for name, value in unused.items():
        if name not in UNUSED:
            refuse(name, value, "left out", "there is no such argument", error=TypeError)
        if name == "noise_range_t" and value is not None:
            refuse(name, value, "None", "random noise is no schedule")
