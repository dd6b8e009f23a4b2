"""fairseq (0.12.2): the schedules of ``fairseq.optim.lr_scheduler``, by ``step_update``.

A constructor takes what its config class has, by name. ``lr`` is a number, or a list of which the first is
used, as in the configs. Update 0 has the rate of ``step_update(0)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import warmup_optax as wo

from ._parts import in_ticks, in_updates, is_concrete, remaining, shrinking_cycles
from ._port import as_tuple, check_concrete, check_number, check_steps, plain_number, port, refuse

Number = Any


@port(steps="warmup_updates", end_value="lr", init_value="warmup_init_lr", timescale="warmup_updates")
def InverseSquareRootSchedule(
    lr: Any, warmup_updates: int = 4000, warmup_init_lr: Number = -1
) -> wo.Schedule:
    """A line up to ``lr`` at update ``warmup_updates``, then ``lr * sqrt(warmup_updates / n)``.

    Args:
      lr: The highest rate.
      warmup_updates: Updates of warmup, >= 1.
      warmup_init_lr: The rate of update 0; one below 0 means 0.

    >>> from warmup_optax.compat import fairseq
    >>> fairseq.InverseSquareRootSchedule([1.0], warmup_updates=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    peak = _only(lr)
    check_steps("warmup_updates", warmup_updates)
    init_lr = 0.0 if is_concrete(warmup_init_lr) and warmup_init_lr < 0 else warmup_init_lr
    decay = wo.inverse_sqrt(peak, timescale=warmup_updates)
    return wo.join([wo.linear(init_lr, peak, warmup_updates), decay], [warmup_updates])


@port(steps="decay_steps", init_value="lr", end_value="final_lr_scale")
def TriStageLRSchedule(
    lr: Any,
    warmup_steps: int = 0,
    hold_steps: int = 0,
    decay_steps: int = 0,
    phase_ratio: Sequence[float] | None = None,
    init_lr_scale: float = 0.01,
    final_lr_scale: float = 0.01,
    max_update: Number = 0,
) -> wo.Schedule:
    """A line up, a hold, and an exponential decay to ``final_lr_scale * lr``, held after it.

    Args:
      lr: The highest rate.
      warmup_steps: Updates of the line, >= 0.
      hold_steps: Updates at ``lr``, >= 0.
      decay_steps: Updates of the decay, >= 1.
      phase_ratio: The three as parts of ``max_update``, that add up to 1; each is rounded down.
      init_lr_scale: The rate of update 0 as a part of ``lr``.
      final_lr_scale: The last rate as a part of ``lr``, > 0.
      max_update: What ``phase_ratio`` is a part of.

    >>> from warmup_optax.compat import fairseq
    >>> schedule = fairseq.TriStageLRSchedule([1.0], 4, 4, 2, init_lr_scale=0.5, final_lr_scale=0.25)
    >>> schedule([0, 2, 4, 8, 9, 10]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5, 0.25]
    """
    peak = _only(lr)
    if phase_ratio is not None:
        parts = as_tuple("phase_ratio", phase_ratio, "three parts of max_update")
        for i, part in enumerate(parts):
            check_concrete(f"phase_ratio[{i}]", part)
            check_number(f"phase_ratio[{i}]", part, at_least=0, at_most=1)
        if len(parts) != 3 or abs(sum(parts) - 1) > 1e-9:
            refuse("phase_ratio", parts, "three numbers that add up to 1")
        check_concrete("max_update", max_update)
        check_number("max_update", max_update, above=0, fix="phase_ratio is a part of it")
        warmup_steps, hold_steps, decay_steps = (int(max_update * part) for part in parts)
    check_steps("warmup_steps", warmup_steps, at_least=0)
    check_steps("hold_steps", hold_steps, at_least=0)
    check_steps("decay_steps", decay_steps, fix="fairseq divides by it")
    check_number("final_lr_scale", final_lr_scale, above=0)
    line = wo.linear(init_lr_scale * peak, peak, warmup_steps)
    decay = wo.geometric(peak, final_lr_scale * peak, decay_steps)
    return wo.join([line, decay], [warmup_steps], [0, warmup_steps + hold_steps])


@port(steps="total_num_update", init_value="lr", end_value="end_learning_rate")
def PolynomialDecayLRSchedule(
    lr: Any,
    total_num_update: Number,
    warmup_updates: int = 0,
    force_anneal: int | None = None,
    end_learning_rate: Number = 0.0,
    power: float = 1.0,
) -> wo.Schedule:
    """A line from 0 to ``lr``, then a power of the remaining time down to ``end_learning_rate``, which holds.

    Update ``warmup_updates`` is the warmup's still, with ``lr``, also where the training is over by then.

    Args:
      lr: The highest rate.
      total_num_update: Updates of the whole, warmup included.
      warmup_updates: Updates of the line, >= 0.
      force_anneal: Ignored; accepted for compatibility: it is about the epochs of a longer list ``lr``.
      end_learning_rate: The last rate.
      power: > 0.

    >>> from warmup_optax.compat import fairseq
    >>> fairseq.PolynomialDecayLRSchedule([1.0], 12, warmup_updates=4, power=2)([0, 2, 4, 8, 12]).tolist()
    [0.0, 0.5, 1.0, 0.25, 0.0]
    """
    peak = _rates(lr)[0]
    check_number("total_num_update", total_num_update, above=0)
    check_steps("warmup_updates", warmup_updates, at_least=0)
    ticks, (total, warmup) = in_ticks(total_num_update, warmup_updates)
    line = wo.linear(0.0, peak, warmup)
    decay = wo.polynomial(peak, end_learning_rate, remaining(total, warmup, 0), power=power)
    return in_updates(wo.join([line, decay], [warmup + 1], [0, warmup]), ticks)


@port(period="lr_period_updates", growth="t_mult", decay="lr_shrink", init_value="lr", end_value="min_lr")
def CosineLRSchedule(
    lr: Any,
    max_update: int = 0,
    warmup_updates: int = 0,
    warmup_init_lr: Number = -1,
    min_lr: Number = 0.0,
    t_mult: float = 1.0,
    lr_period_updates: Number = -1,
    lr_shrink: float = 0.1,
) -> wo.Schedule:
    """A line up to ``lr``, and half cosines down to ``min_lr``, each ``lr_shrink`` of the last.

    Peak and floor shrink. A period begins exactly where it is due; fairseq finds it by a logarithm, which for
    some ``t_mult`` is one update late: for 3 at the 5th restart, with the end of the old period.

    Args:
      lr: The highest rate, above ``min_lr``.
      max_update: Updates of the whole, for a period that is not given.
      warmup_updates: Updates of the line, >= 0.
      warmup_init_lr: The rate of update 0; one below 0 means ``min_lr``.
      min_lr: Where the first period ends.
      t_mult: > 0: each period is so many times as long as the last.
      lr_period_updates: Updates of the first period, whole or not; at most 0 for all after the warmup.
      lr_shrink: > 0: the factor from one period to the next.

    >>> from warmup_optax.compat import fairseq
    >>> schedule = fairseq.CosineLRSchedule([1.0], max_update=12, warmup_updates=4, lr_shrink=0.5)
    >>> schedule([0, 2, 4, 8, 12, 16]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.5, 0.25]
    """
    peak = _only(lr)
    check_steps("warmup_updates", warmup_updates, at_least=0)
    check_number("t_mult", t_mult, above=0)
    check_number("lr_shrink", lr_shrink, above=0)
    if is_concrete(peak) and is_concrete(min_lr) and not peak > min_lr:
        refuse("lr", lr, f"above min_lr={min_lr!r}")
    if is_concrete(lr_period_updates) and lr_period_updates <= 0:
        check_concrete("max_update", max_update)
        check_concrete("warmup_updates", warmup_updates)
        if not max_update > warmup_updates:
            fix = "or give lr_period_updates"
            refuse("max_update", max_update, f"more than warmup_updates={warmup_updates}", fix)
        lr_period_updates = max_update - warmup_updates
    init_lr = min_lr if is_concrete(warmup_init_lr) and warmup_init_lr < 0 else warmup_init_lr

    if is_concrete(t_mult) and t_mult < 1:
        check_concrete("lr_period_updates", lr_period_updates)

        def scaled(i: int, steps: Any) -> wo.Schedule:
            return wo.cosine(peak * lr_shrink**i, min_lr * lr_shrink**i, steps)

        periods = shrinking_cycles(scaled, lr_period_updates, t_mult)
    else:
        ticks, (period,) = in_ticks(lr_period_updates)
        cosine = wo.cosine(peak, min_lr, period)
        periods = in_updates(wo.restart(cosine, period=period, growth=t_mult, decay=lr_shrink), ticks)
    return wo.join([wo.linear(init_lr, peak, warmup_updates), periods], [warmup_updates])


@port(steps="lr_period_updates", decay_rate="lr_shrink")
def TriangularLRSchedule(
    lr: Any,
    max_lr: Number,
    lr_period_updates: Number = 5000,
    lr_shrink: float = 0.1,
    shrink_min: bool = False,
) -> wo.Schedule:
    """A triangle from ``lr`` up to ``max_lr`` and back, each ``lr_shrink`` of the last.

    The height of the peak shrinks, and with ``shrink_min`` the foot too. An odd period loses an update.

    Args:
      lr: The lowest rate, at update 0; below ``max_lr``.
      max_lr: The first peak.
      lr_period_updates: Updates of a triangle, >= 2; half of it is rounded down.
      lr_shrink: > 0: the factor from one peak to the next.
      shrink_min: Whether the lowest rate shrinks as well.

    >>> from warmup_optax.compat import fairseq
    >>> fairseq.TriangularLRSchedule([0.5], 1.5, lr_period_updates=4, lr_shrink=0.5)([0, 1, 2, 4, 6]).tolist()
    [0.5, 1.0, 1.5, 0.5, 0.75]
    """
    low = _only(lr)
    if is_concrete(low) and is_concrete(max_lr) and not max_lr > low:
        refuse("max_lr", max_lr, f"above lr={lr!r}")
    check_number("lr_period_updates", lr_period_updates, at_least=2)
    check_number("lr_shrink", lr_shrink, above=0)
    half = lr_period_updates // 2
    peaks = wo.restart(wo.shapes.triangle_wave(0.0, max_lr, half), period=2 * half, decay=lr_shrink)
    feet = wo.shapes.triangle_wave(low, 0.0, half)
    return peaks + (wo.restart(feet, period=2 * half, decay=lr_shrink) if shrink_min else feet)


@port(steps="warmup_updates", end_value="lr")
def FixedLRSchedule(
    lr: Any,
    warmup_updates: int = 0,
    force_anneal: int | None = None,
    lr_shrink: float = 0.1,
    *,
    updates_per_epoch: int | None = None,
) -> wo.Schedule:
    """A rate for each epoch, under a warmup in which update ``n`` has ``(n + 1) / warmup_updates`` of it.

    The last rate of a list holds, up to epoch ``force_anneal``, from which on it shrinks with every epoch.

    Args:
      lr: The rate, or a list of them, one for each epoch.
      warmup_updates: Updates of warmup; the last of them has the full rate.
      force_anneal: The epoch, counted from 1, that shrinks first; None for no such epoch.
      lr_shrink: The factor of every epoch from ``force_anneal`` on.
      updates_per_epoch: How many updates make an epoch. None: it stays the first epoch, with ``lr[0]``,
        as it is in fairseq where nobody announces an epoch.

    >>> from warmup_optax.compat import fairseq
    >>> fairseq.FixedLRSchedule([1.0, 0.5], warmup_updates=4, updates_per_epoch=6)([0, 1, 3, 5, 6]).tolist()
    [0.25, 0.5, 1.0, 1.0, 0.5]
    """
    rates = _rates(lr)
    check_steps("warmup_updates", warmup_updates, at_least=0)
    if updates_per_epoch is not None:
        check_steps("updates_per_epoch", updates_per_epoch)
    if force_anneal is not None:
        check_concrete("force_anneal", force_anneal)
        check_steps("force_anneal", force_anneal, at_least=0)
        check_number("lr_shrink", lr_shrink, above=0)
    warmup = wo.shift(wo.linear(0.0, 1.0, warmup_updates), -1)
    if updates_per_epoch is None:
        return wo.as_schedule(rates[0]) * warmup
    epochs = wo.piecewise_constant(rates, range(1, len(rates)))
    if force_anneal is not None:
        begin = max(force_anneal - 1, 0)
        annealed = wo.exponential(rates[-1], decay_rate=lr_shrink, transition_steps=1)
        epochs = wo.join([epochs, annealed], [begin], [0, force_anneal - 2])
    return wo.staircase(epochs, updates_per_epoch) * warmup


def _rates(lr: Any) -> list[Any]:
    """The rates of a list, or the one that is given."""
    if isinstance(lr, str) or not isinstance(lr, Sequence):
        return [plain_number("", "lr", lr)]
    if not lr:
        refuse("lr", lr, "a rate, or a list of at least one")
    return [plain_number("", f"lr[{i}]", rate) for i, rate in enumerate(lr)]


def _only(lr: Any) -> Any:
    """The rate of a list that must hold one."""
    rates = _rates(lr)
    if len(rates) != 1:
        refuse("lr", lr, "one rate", "for one an epoch use FixedLRSchedule")
    return rates[0]
