"""Megatron-LM (core 0.20): the learning rate of ``OptimizerParamScheduler``.

Megatron counts in whatever its training loop adds after an update: by default the examples of a global batch.
All lengths are in that unit; ``increment``, which its ``step`` is called with, says how many make an update.
"""

from __future__ import annotations

import functools
from typing import Any

import warmup_optax as wo

from ._parts import exact, in_ticks, in_updates, is_concrete, meaning
from ._port import check_concrete, check_number, port, refuse

Number = Any


@port(init_value="init_lr", value="max_lr")
def OptimizerParamScheduler(
    init_lr: Number,
    max_lr: Number,
    min_lr: Number,
    lr_warmup_steps: Number,
    lr_decay_steps: Number,
    lr_decay_style: str,
    start_wd: Number = 0.0,
    end_wd: Number = 0.0,
    wd_incr_steps: Number = 0,
    wd_incr_style: str = "constant",
    use_checkpoint_opt_param_scheduler: bool = True,
    override_opt_param_scheduler: bool = False,
    wsd_decay_steps: Number | None = None,
    lr_wsd_decay_style: str | None = None,
    *,
    increment: Number = 1,
) -> wo.Schedule:
    """A line from ``init_lr`` to ``max_lr``, then a decay to ``min_lr`` at ``lr_decay_steps``, held after it.

    ``lr_decay_steps`` includes the warmup. ``max_lr`` is at ``lr_warmup_steps`` exactly, which belongs to the
    warmup still. "constant" never decays, whatever ``lr_decay_steps`` is; "inverse-square-root" is ``max_lr *
    sqrt(lr_warmup_steps / n)``, not below ``min_lr``, and jumps to it behind ``lr_decay_steps``; "WSD" stays
    at ``max_lr`` up to ``wsd_decay_steps`` before the end. Where its decay reaches back into the warmup, the
    rate jumps down to it behind the warmup.

    Args:
      init_lr: The rate of update 0, if there is a warmup; at most ``max_lr``.
      max_lr: The highest rate.
      min_lr: The last rate, in [0, max_lr].
      lr_warmup_steps: Length of the warmup, whole or not, below ``lr_decay_steps``.
      lr_decay_steps: Length of the whole, > 0.
      lr_decay_style: "linear", "cosine", "constant", "inverse-square-root" or "WSD".
      start_wd: Ignored, as all of the weight decay; accepted for compatibility.
      end_wd: Ignored; accepted for compatibility.
      wd_incr_steps: Ignored; accepted for compatibility.
      wd_incr_style: Ignored; accepted for compatibility.
      use_checkpoint_opt_param_scheduler: Ignored; accepted for compatibility.
      override_opt_param_scheduler: Ignored; accepted for compatibility.
      wsd_decay_steps: Length of the decay of "WSD".
      lr_wsd_decay_style: "linear", "cosine", "exponential" (``2 * 0.5**p - 1``) or "minus_sqrt"; None holds
        ``max_lr`` (the original fails where the decay would begin).
      increment: How far an update counts, > 0: the global batch size, where lengths are in examples.

    >>> from warmup_optax.compat import megatron
    >>> schedule = megatron.OptimizerParamScheduler(0.0, 1.0, 0.0, 64, 192, "linear", increment=16)
    >>> schedule([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    check_number("min_lr", min_lr, at_least=0, at_most=max_lr)
    check_number("init_lr", init_lr, at_most=max_lr)
    check_number("increment", increment, above=0)
    check_number("lr_warmup_steps", lr_warmup_steps, at_least=0)
    check_number("lr_decay_steps", lr_decay_steps, above=0)
    if is_concrete(lr_warmup_steps) and is_concrete(lr_decay_steps) and not lr_warmup_steps < lr_decay_steps:
        refuse("lr_warmup_steps", lr_warmup_steps, f"below lr_decay_steps={lr_decay_steps}")
    meaning(dict.fromkeys(STYLES), "lr_decay_style", lr_decay_style)
    if lr_decay_style == "WSD":
        if wsd_decay_steps is None:
            refuse("wsd_decay_steps", None, 'a length for lr_decay_style="WSD"')
        check_number("wsd_decay_steps", wsd_decay_steps, at_least=0)
    for name, length in {
        "lr_warmup_steps": lr_warmup_steps,
        "lr_decay_steps": lr_decay_steps,
        "wsd_decay_steps": wsd_decay_steps,
        "increment": increment,
    }.items():
        check_concrete(name, length)
    # In ticks, so that all lengths are whole; `one` is Megatron's own step.
    wsd = wsd_decay_steps if lr_decay_style == "WSD" else 0
    lengths = (exact(x) / exact(increment) for x in (lr_warmup_steps, lr_decay_steps, wsd, 1))
    ticks, (warmup, total, fall, one) = in_ticks(*lengths)
    line = wo.linear(init_lr, max_lr, warmup)
    if lr_decay_style == "constant" or (fall and lr_wsd_decay_style is None):
        return in_updates(line, ticks)
    if lr_decay_style == "inverse-square-root":
        begin = max(warmup, one)
        decay = wo.clip(wo.inverse_sqrt(max_lr, timescale=begin), min_value=min_lr)
    elif lr_decay_style == "WSD":
        begin = total - fall
        decay = wo.constant(max_lr)
        if fall:
            decay = meaning(SHAPES, "lr_wsd_decay_style", lr_wsd_decay_style)(max_lr, min_lr, fall)
    else:
        begin = warmup
        decay = SHAPES[lr_decay_style](max_lr, min_lr, total - warmup)
    # The update at lr_warmup_steps is the warmup's, the one at lr_decay_steps the decay's.
    after_warmup = warmup + 1 if warmup else 0
    return in_updates(wo.join([line, decay, min_lr], [after_warmup, total + 1], [0, begin, 0]), ticks)


STYLES = ("linear", "cosine", "constant", "inverse-square-root", "WSD")
SHAPES = {
    "linear": wo.linear,
    "cosine": wo.cosine,
    "exponential": functools.partial(wo.shapes.finite_exponential, ratio=0.5),
    "minus_sqrt": wo.one_minus_sqrt,
}
