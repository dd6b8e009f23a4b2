"""Megatron-LM (core 0.20): the learning rate of ``OptimizerParamScheduler``.

Megatron counts in units that its training loop adds after each update. By default these are the examples of a
global batch. All lengths are in that unit. ``increment``, the argument of its ``step``, is the number of units
in an update.
"""

from __future__ import annotations

import functools
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Ignored, NonNegative, Number, Positive
from ._parts import exact, in_ticks, in_updates, meaning
from ._port import check_below, check_number, port, refuse
from ._rules import Shape, one_of


@port()
def OptimizerParamScheduler(
    init_lr: Annotated[Number, "The rate of update 0, if there is a warmup; at most ``max_lr``."],
    max_lr: Annotated[Number, "The highest rate."],
    min_lr: Annotated[NonNegative, "The last rate, at most ``max_lr``."],
    lr_warmup_steps: Annotated[Fixed[NonNegative], "Warmup, whole or not, below ``lr_decay_steps``."],
    lr_decay_steps: Annotated[Fixed[Positive], "The length of the run, warmup included."],
    lr_decay_style: Annotated[str, one_of("linear", "cosine", "constant", "inverse-square-root", "WSD")],
    start_wd: Ignored = 0.0,
    end_wd: Ignored = 0.0,
    wd_incr_steps: Ignored = 0,
    wd_incr_style: Ignored = "constant",
    use_checkpoint_opt_param_scheduler: Ignored = True,
    override_opt_param_scheduler: Ignored = False,
    wsd_decay_steps: Annotated[Fixed[NonNegative] | None, 'The length of the decay of "WSD".'] = None,
    lr_wsd_decay_style: str | None = None,
    *,
    increment: Annotated[Fixed[Positive], "Units in an update, such as the examples of a global batch."] = 1,
) -> wo.Schedule:
    """Linear warmup from ``init_lr`` to ``max_lr``, then a decay to ``min_lr`` at ``lr_decay_steps``.

    The rate is ``max_lr`` at ``lr_warmup_steps``, which belongs to the warmup. "constant" never decays and
    ignores ``lr_decay_steps``. "inverse-square-root" is ``max_lr * sqrt(lr_warmup_steps / n)``, at least
    ``min_lr``, and jumps to ``min_lr`` after ``lr_decay_steps``. "WSD" stays at ``max_lr`` until
    ``wsd_decay_steps`` before the end. If its decay begins within the warmup, the rate jumps down after the
    warmup.

    Args:
      lr_wsd_decay_style: "linear", "cosine", "exponential" (``2 * 0.5**p - 1``) or "minus_sqrt". With None the
        rate stays at ``max_lr``, while the original fails where the decay would begin.

    >>> schedule = megatron.OptimizerParamScheduler(0.0, 1.0, 0.0, 64, 192, "linear", increment=16)
    >>> schedule([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    wsd = wsd_decay_steps if lr_decay_style == "WSD" else 0
    if wsd is None:
        refuse("wsd_decay_steps", None, 'a length for lr_decay_style="WSD"')
    check_number("min_lr", min_lr, at_least=0, at_most=max_lr)
    check_number("init_lr", init_lr, at_most=max_lr)
    check_below("lr_warmup_steps", lr_warmup_steps, lr_decay_steps=lr_decay_steps)
    # In ticks, so that all lengths are whole. `one` is one Megatron unit.
    lengths = (exact(x) / exact(increment) for x in (lr_warmup_steps, lr_decay_steps, wsd, 1))
    ticks, (warmup, total, fall, one) = in_ticks(*lengths)
    ramp = wo.linear(init_lr, max_lr, warmup)
    if lr_decay_style == "constant" or (fall and lr_wsd_decay_style is None):
        return in_updates(ramp, ticks)
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
    # The update at lr_warmup_steps belongs to the warmup, the one at lr_decay_steps to the decay.
    after_warmup = warmup + 1 if warmup else 0
    return in_updates(wo.join([ramp, decay, min_lr], [after_warmup, total + 1], [0, begin, 0]), ticks)


SHAPES: dict[str, Shape] = {
    "linear": wo.linear,
    "cosine": wo.cosine,
    "exponential": functools.partial(wo.shapes.finite_exponential, ratio=0.5),
    "minus_sqrt": wo.one_minus_sqrt,
}
