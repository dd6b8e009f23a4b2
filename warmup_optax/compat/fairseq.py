"""fairseq (0.12.2): the schedules of ``fairseq.optim.lr_scheduler``, by ``step_update``.

A constructor takes the fields of its config class by name. ``lr`` is a number or a list, as in the
configs. Update 0 uses the rate of ``step_update(0)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import warmup_optax as wo

from ._arguments import Fixed, Length, NonNegative, Number, Positive, Steps, Whole
from ._config import Config, from_text, missing, only
from ._parts import in_ticks, in_updates, meaning, product, remaining, shrinking_cycles, warmed
from ._port import check_above, check_concrete, check_number, check_steps, is_concrete, port, refuse
from ._rules import Check, bounded, concrete, items, plain_number


def _rates(where: str, name: str, lr: object) -> list[Any]:
    """Return the rates of a list, or a list of the given rate."""
    if isinstance(lr, str) or not isinstance(lr, Sequence):
        return [plain_number(where, name, lr)]
    if not lr:
        refuse(name, lr, "a rate, or a list of at least one")
    return [plain_number(where, f"{name}[{i}]", rate) for i, rate in enumerate(lr)]


def _only(where: str, name: str, lr: object) -> object:
    """Return the only rate of a list; any other length raises an error."""
    rates = _rates(where, name, lr)
    if len(rates) != 1:
        refuse(name, lr, "one rate", "for one an epoch use FixedLRSchedule")
    return rates[0]


Rate = Annotated[Any, Check(_only), "The highest rate."]
Warmup = Annotated[Steps, "Updates of warmup."]
Shrink = Annotated[Positive, "The factor from one period to the next."]


@port()
def InverseSquareRootSchedule(
    lr: Rate,
    warmup_updates: Annotated[Length, "Updates of warmup."] = 4000,
    warmup_init_lr: Annotated[Number, "The rate of update 0; a negative one means 0."] = -1,
) -> wo.Schedule:
    """A linear ramp to ``lr`` at update ``warmup_updates``, then ``lr * sqrt(warmup_updates / n)``.

    >>> fairseq.InverseSquareRootSchedule([1.0], warmup_updates=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    init_lr = 0.0 if is_concrete(warmup_init_lr) and warmup_init_lr < 0 else warmup_init_lr
    return warmed(lr, warmup_updates, wo.inverse_sqrt(lr, timescale=warmup_updates), init_lr)


@port(steps="decay_steps")
def TriStageLRSchedule(
    lr: Rate,
    warmup_steps: Warmup = 0,
    hold_steps: Annotated[Steps, "Updates at ``lr``."] = 0,
    decay_steps: Annotated[Steps, "Updates of the decay, >= 1."] = 0,
    phase_ratio: Annotated[
        Sequence[float] | None,
        items("three parts of max_update", concrete, bounded("", at_least=0, at_most=1)),
        "The three lengths as fractions of ``max_update`` that add up to 1. Each length is rounded down.",
    ] = None,
    init_lr_scale: Annotated[float, "The rate of update 0 as a fraction of ``lr``."] = 0.01,
    final_lr_scale: Annotated[Positive, "The last rate as a fraction of ``lr``."] = 0.01,
    max_update: Annotated[Fixed[NonNegative], "The base of ``phase_ratio``."] = 0,
) -> wo.Schedule:
    """Linear warmup, plateau, and exponential decay to ``final_lr_scale * lr``, which stays.

    >>> schedule = fairseq.TriStageLRSchedule([1.0], 4, 4, 2, init_lr_scale=0.5, final_lr_scale=0.25)
    >>> schedule([0, 2, 4, 8, 9, 10]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5, 0.25]
    """
    if phase_ratio is not None:
        if len(phase_ratio) != 3 or abs(sum(phase_ratio) - 1) > 1e-9:
            refuse("phase_ratio", phase_ratio, "three numbers that add up to 1")
        check_number("max_update", max_update, above=0, fix="phase_ratio is a fraction of it")
        warmup_steps, hold_steps, decay_steps = (int(max_update * part) for part in phase_ratio)
    check_steps("decay_steps", decay_steps, fix="fairseq divides by it")
    ramp = wo.linear(init_lr_scale * lr, lr, warmup_steps)
    decay = wo.geometric(lr, final_lr_scale * lr, decay_steps)
    return wo.join([ramp, decay], [warmup_steps], [0, warmup_steps + hold_steps])


@port()
def PolynomialDecayLRSchedule(
    lr: Annotated[Any, Check(_rates), "The highest rate, or a list whose first rate is used."],
    total_num_update: Annotated[Positive, "Updates of the whole, warmup included."],
    warmup_updates: Warmup = 0,
    force_anneal: Annotated[object, "Ignored: it concerns the epochs of a longer list ``lr``."] = None,
    end_learning_rate: Annotated[Number, "The last rate."] = 0.0,
    power: Positive = 1.0,
) -> wo.Schedule:
    """Linear warmup from 0 to ``lr``, then polynomial decay to ``end_learning_rate``.

    Update ``warmup_updates`` belongs to the warmup and has ``lr``, even if the training is shorter.

    >>> fairseq.PolynomialDecayLRSchedule([1.0], 12, warmup_updates=4, power=2)([0, 2, 4, 8, 12]).tolist()
    [0.0, 0.5, 1.0, 0.25, 0.0]
    """
    ticks, (total, warmup) = in_ticks(total_num_update, warmup_updates)
    decay = wo.polynomial(lr[0], end_learning_rate, remaining(total, warmup, 0), power=power)
    return in_updates(wo.join([wo.linear(0.0, lr[0], warmup), decay], [warmup + 1], [0, warmup]), ticks)


@port(period="lr_period_updates", growth="t_mult", decay="lr_shrink")
def CosineLRSchedule(
    lr: Annotated[Rate, "The highest rate, above ``min_lr``."],
    max_update: Annotated[Whole, "Updates of the run, warmup included, for a period that is not given."] = 0,
    warmup_updates: Warmup = 0,
    warmup_init_lr: Annotated[Number, "The rate of update 0; a negative one means ``min_lr``."] = -1,
    min_lr: Annotated[Number, "The last rate of the first period."] = 0.0,
    t_mult: Annotated[Positive, "The length of each period divided by the last one's."] = 1.0,
    lr_period_updates: Annotated[Number, "The first period; <= 0 for all updates after the warmup."] = -1,
    lr_shrink: Shrink = 0.1,
) -> wo.Schedule:
    """Linear warmup, then half cosines from ``lr`` to ``min_lr`` (SGDR), each scaled by ``lr_shrink``.

    Both the peak and the floor shrink. Each period begins at the exact update, in fairseq sometimes one later.

    >>> schedule = fairseq.CosineLRSchedule([1.0], max_update=12, warmup_updates=4, lr_shrink=0.5)
    >>> schedule([0, 2, 4, 8, 12, 16]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.5, 0.25]
    """
    check_above("lr", lr, min_lr=min_lr)
    if is_concrete(lr_period_updates) and lr_period_updates <= 0:
        check_concrete("max_update", max_update)
        check_concrete("warmup_updates", warmup_updates)
        check_above("max_update", max_update, warmup_updates=warmup_updates)
        lr_period_updates = max_update - warmup_updates
    if is_concrete(t_mult) and t_mult < 1:
        check_concrete("lr_period_updates", lr_period_updates)

        def scaled(i: int, steps: int) -> wo.Schedule:
            return wo.cosine(lr * lr_shrink**i, min_lr * lr_shrink**i, steps)

        periods = shrinking_cycles(scaled, lr_period_updates, t_mult)
    else:
        ticks, (period,) = in_ticks(lr_period_updates)
        cosine = wo.cosine(lr, min_lr, period)
        periods = in_updates(wo.restart(cosine, period=period, growth=t_mult, decay=lr_shrink), ticks)
    init_lr = min_lr if is_concrete(warmup_init_lr) and warmup_init_lr < 0 else warmup_init_lr
    return warmed(lr, warmup_updates, periods, init_lr)


@port(decay="lr_shrink")
def TriangularLRSchedule(
    lr: Annotated[Rate, "The lowest rate, at update 0; below ``max_lr``."],
    max_lr: Annotated[Number, "The first peak."],
    lr_period_updates: Annotated[Number, bounded(">= 2", at_least=2), "An odd one is cut by 1."] = 5000,
    lr_shrink: Shrink = 0.1,
    shrink_min: Annotated[bool, "Whether the lowest rate shrinks as well."] = False,
) -> wo.Schedule:
    """Cyclical triangles from ``lr`` up to ``max_lr`` and back, each scaled by ``lr_shrink``.

    The peak shrinks. With ``shrink_min`` the lowest rate also shrinks. An odd period is one update shorter.

    >>> fairseq.TriangularLRSchedule([0.5], 1.5, lr_period_updates=4, lr_shrink=0.5)([0, 1, 2, 4, 6]).tolist()
    [0.5, 1.0, 1.5, 0.5, 0.75]
    """
    check_above("max_lr", max_lr, lr=lr)
    half = lr_period_updates // 2
    peaks = wo.restart(wo.shapes.triangle_wave(0.0, max_lr, half), period=2 * half, decay=lr_shrink)
    feet = wo.shapes.triangle_wave(lr, 0.0, half)
    return peaks + (wo.restart(feet, period=2 * half, decay=lr_shrink) if shrink_min else feet)


@port()
def FixedLRSchedule(
    lr: Annotated[Any, Check(_rates), "The rate, or a list of them, one for each epoch."],
    warmup_updates: Annotated[Steps, "Updates of warmup; the last of them has the full rate."] = 0,
    force_anneal: Annotated[Fixed[Steps] | None, "The first epoch (from 1) that shrinks, or None."] = None,
    lr_shrink: Annotated[Positive, "The factor of every epoch from ``force_anneal`` on."] = 0.1,
    *,
    updates_per_epoch: Length | None = None,
) -> wo.Schedule:
    """One rate per epoch, times a linear warmup: update ``n`` has the factor ``(n + 1) / warmup_updates``.

    The last rate of a list stays. From epoch ``force_anneal`` on it shrinks with every epoch.

    Args:
      updates_per_epoch: The number of updates in an epoch. With None the first epoch never ends, so ``lr[0]``
        stays. fairseq does the same if its ``step_begin_epoch`` is never called.

    >>> fairseq.FixedLRSchedule([1.0, 0.5], warmup_updates=4, updates_per_epoch=6)([0, 1, 3, 5, 6]).tolist()
    [0.25, 0.5, 1.0, 1.0, 0.5]
    """
    warmup = wo.shift(wo.linear(0.0, 1.0, warmup_updates), -1)
    if updates_per_epoch is None:
        return product(lr[0], warmup)
    epochs = wo.piecewise_constant(lr, range(1, len(lr)))
    if force_anneal is not None:
        annealed = wo.exponential(lr[-1], decay_rate=lr_shrink, transition_steps=1)
        epochs = wo.join([epochs, annealed], [max(force_anneal - 1, 0)], [0, force_anneal - 2])
    return product(wo.staircase(epochs, updates_per_epoch), warmup)


SCHEDULERS: dict[str, Callable[..., wo.Schedule]] = {
    "inverse_sqrt": InverseSquareRootSchedule,
    "tri_stage": TriStageLRSchedule,
    "polynomial_decay": PolynomialDecayLRSchedule,
    "cosine": CosineLRSchedule,
    "triangular": TriangularLRSchedule,
    "fixed": FixedLRSchedule,
}


@port()
def from_config(config: Config, *, updates_per_epoch: Length | None = None) -> wo.Schedule:
    """Build the schedule of a fairseq configuration (Hydra's YAML).

    Args:
      config: A mapping with ``lr_scheduler`` and ``optimization``. The former has the scheduler's name in
        ``_name``, and the fields of its config class. The defaults of ``lr`` and ``max_update`` are those of
        ``optimization``. The default of ``total_num_update`` is ``max_update``. Numbers may be strings, because
        OmegaConf converts them. ``???`` is a missing value.
      updates_per_epoch: The number of updates in an epoch, for "fixed".

    >>> block = {"lr_scheduler": {"_name": "polynomial_decay", "warmup_updates": 2}}
    >>> block["optimization"] = {"lr": ["5e-1"], "max_update": 10}
    >>> fairseq.from_config(block)([0, 2, 6, 10]).tolist()
    [0.0, 0.5, 0.25, 0.0]
    """
    block = missing("config", "lr_scheduler", config.get("lr_scheduler"))
    block = {"_name": block} if isinstance(block, str) else block
    fields = {key: x for key, x in block.items() if x is not None}
    name = fields.pop("_name", None)
    if name == "pass_through":
        fix = "each group of the composite optimizer has an lr_scheduler: pass it"
        refuse("lr_scheduler", name, "a schedule", fix)
    make = meaning(SCHEDULERS, "lr_scheduler._name", name)
    known = [key for key in inspect.signature(make).parameters if key != "updates_per_epoch"]
    only(fields, known, "lr_scheduler.{}", name)
    run = config.get("optimization") or {}
    shared = {"lr": run.get("lr", [0.25]), "max_update": run.get("max_update") or 0}
    fields = {**{key: x for key, x in shared.items() if key in known}, **fields}
    if make is PolynomialDecayLRSchedule and "total_num_update" not in fields:
        fields["total_num_update"] = shared["max_update"]
    for key, value in fields.items():
        missing("config", "optimization.max_update" if key == "total_num_update" else key, value)
        fields[key] = from_text(key, value)
    return make(**fields, **({"updates_per_epoch": updates_per_epoch} if make is FixedLRSchedule else {}))
