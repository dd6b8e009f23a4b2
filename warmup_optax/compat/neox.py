"""GPT-NeoX (May 2026, at ea7aefd): the learning rate of ``AnnealingLR``, and the keys of its YAML files.

DeepSpeed's engine steps the scheduler after the optimizer, so update ``n`` uses the rate of iteration ``n``.
"""

from __future__ import annotations

import math
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Ignored, NonNegative, Number, Positive, Steps
from ._config import Config, missing
from ._parts import in_ticks, in_updates
from ._port import check_below, check_number, port, refuse
from ._rules import one_of

STYLES = ("constant", "linear", "cosine", "exponential")


@port(decay_rate="decay_style")
def AnnealingLR(
    start_lr: Annotated[Number, "The highest rate."],
    warmup_iter: Annotated[
        Fixed[NonNegative],
        "The length of the warmup, ``W``, whole or not, because the original computes it from a fraction.",
    ],
    total_iters: Annotated[Fixed[Positive], "``T``, the length of the run, warmup included."],
    decay_style: Annotated[str, one_of(*STYLES)],
    last_iter: Annotated[Steps, "The iteration of update 0."] = 0,
    min_lr: Annotated[NonNegative, "The lowest rate of the decay; the warmup may start below it."] = 0.0,
    use_checkpoint_lr_scheduler: Ignored = True,
    override_lr_scheduler: Ignored = False,
    use_mup: Ignored = False,
) -> wo.Schedule:
    """Linear warmup, ``start_lr * max(1, n) / W``, then a decay over the remaining iterations.

    The warmup includes ``n == W``. "linear" decays to 0 at ``T``, and "exponential" to half of ``start_lr``. Both
    are at least ``min_lr``. After ``T``, "exponential" continues to decay down to ``min_lr``, "linear" stays, and
    "cosine", which decays to ``min_lr`` at ``T``, *rises again*.

    >>> schedule = neox.AnnealingLR(1.0, warmup_iter=4, total_iters=12, decay_style="cosine")
    >>> schedule([0, 1, 4, 8, 12, 20]).round(6).tolist()
    [0.25, 0.25, 1.0, 0.5, 0.0, 1.0]
    """
    check_below("warmup_iter", warmup_iter, total_iters=total_iters)
    ticks, (warmup, rest) = in_ticks(warmup_iter, total_iters - warmup_iter)
    decay = {
        "constant": lambda: wo.constant(start_lr),
        "linear": lambda: wo.linear(start_lr, 0.0, rest),
        "cosine": lambda: wo.shapes.cosine_wave(start_lr, min_lr, rest),
        "exponential": lambda: wo.exponential(start_lr, decay_rate=math.exp(-0.693), transition_steps=rest),
    }[decay_style]()
    decay = decay if decay_style == "cosine" else wo.clip(decay, min_value=min_lr)
    ramp = wo.shift(
        wo.shift(wo.linear(0.0, start_lr, warmup), -ticks), ticks
    )  # the count, but at least 1 update
    if 0 < warmup < ticks:
        ramp = wo.constant(start_lr / warmup_iter)
    begin = warmup + 1 if warmup else 0
    schedule = in_updates(wo.join([ramp, decay], [begin], [0, warmup]), ticks)
    return wo.shift(schedule, -last_iter) if last_iter else schedule


@port()
def from_config(config: Config, *, train_iters: Fixed[Steps] | None = None) -> wo.Schedule:
    """Build the schedule of a GPT-NeoX configuration. Its keys may be written with ``-`` or ``_``.

    Args:
      config: The mapping of a file, or of several merged files, as the original merges them. It has ``optimizer``
        with ``params.lr``, ``min_lr`` (0), ``lr_decay_style`` ("linear") and ``warmup`` (0.01, a fraction). The
        length is ``lr_decay_iters``, ``lr_decay_fraction`` of ``train_iters``, or ``train_iters``. Other keys
        are ignored.
      train_iters: The number of iterations. Pass it if ``config`` has ``train_epochs`` instead.

    >>> block = {"optimizer": {"type": "Adam", "params": {"lr": 6e-4}}, "train-iters": 1000, "min-lr": 6e-5}
    >>> neox.from_config(block | {"lr-decay-style": "cosine", "warmup": 0.01})([0, 10, 1000]).round(7).tolist()
    [6.000000212225132e-05, 0.0006000000284984708, 6.000000212225132e-05]
    """
    keys = {str(key).replace("-", "_"): value for key, value in config.items()}
    params = (keys.get("optimizer") or {}).get("params") or {}
    lr = missing("config", "optimizer.params.lr", params.get("lr"), "another file of the run may have it")
    train_iters = keys.get("train_iters") if train_iters is None else train_iters
    total, fraction, warmup = (
        keys.get("lr_decay_iters"),
        keys.get("lr_decay_fraction"),
        keys.get("warmup", 0.01),
    )
    if total is None:
        total = missing("config", "lr_decay_iters", train_iters, "or give train_iters")
        check_number("train_iters", total, at_least=0)
        if fraction is not None:
            check_number("lr_decay_fraction", fraction, at_least=0, at_most=1)
            total = math.floor(total * fraction)
    check_number("lr_decay_iters", total)
    check_number("warmup", warmup, at_least=0, below=1, fix="it is a fraction of lr_decay_iters")
    total, style = max(1, total), keys.get("lr_decay_style", "linear")
    if style not in STYLES:
        refuse("lr_decay_style", style, f"one of {', '.join(map(repr, STYLES))}")
    check_number("lr", lr)
    check_number("min_lr", keys.get("min_lr", 0.0), at_most=lr)
    return AnnealingLR(lr, warmup * total, total, style, min_lr=keys.get("min_lr", 0.0))
