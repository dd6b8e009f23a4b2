"""T5X (April 2026, at cc342d4): ``create_learning_rate_scheduler`` of ``t5x.utils``, the factor strings.

The trainer calls it with ``train_state.step``, which is 0 at the first update. The function of the same name in
Flax's old examples (``lm1b``, ``wmt``) is this one with ``min_learning_rate=0.0``.
"""

from __future__ import annotations

from typing import Annotated

import warmup_optax as wo

from . import _factors
from ._arguments import Number, Whole
from ._parts import exact, in_ticks, in_updates, is_zero
from ._port import check_number, port


@port(factor="base_learning_rate", decay_rate="decay_factor")
def create_learning_rate_scheduler(
    factors: str = "constant * linear_warmup * rsqrt_decay",
    base_learning_rate: Number = 0.5,
    warmup_steps: Annotated[Number, "Updates of warmup, >= 0, whole or not."] = 1000,
    decay_factor: Annotated[
        Number, ">= 0; the factor of ``decay_every``, or the decrease per step of ``linear_decay``."
    ] = 0.5,
    steps_per_decay: Annotated[Number, "In updates, > 0, whole or not."] = 20_000,
    steps_per_cycle: Number = 100_000,
    step_offset: Annotated[Whole, ":math:`o`, in updates; before it the rate of step 0 applies."] = 0,
    min_learning_rate: Number = 1e-8,
) -> wo.Schedule:
    r"""The product of the factors named in a string, never below a minimum.

    .. math:: v(n) = \max\Big(m, \prod_i f_i(t)\Big), \qquad t = \max(0, n - o)

    ==========================  ==============================================================================
    factor                      its value at step :math:`t`
    ==========================  ==============================================================================
    ``constant``                ``base_learning_rate``
    ``linear_warmup``           ``min(1, t / warmup_steps)``
    ``linear_decay``            ``base_learning_rate * min(t / warmup_steps, 1 + decay_factor * (warmup_steps
                                - t))``: a constant and a warmup in one, then a linear decay *per step* that
                                continues below 0
    ``rsqrt_decay``             ``1 / sqrt(max(t, warmup_steps))``
    ``rsqrt_normalized_decay``  ``sqrt(warmup_steps) / sqrt(max(t, warmup_steps))``
    ``decay_every``             ``decay_factor ** (t // steps_per_decay)``, from step 0 on
    ``cosine_decay``            half a cosine from 1 to 0 from ``warmup_steps`` on, repeatedly, 1 before
    ==========================  ==============================================================================

    The schedule never ends. With ``warmup_steps=0`` T5X divides by 0 at step 0, which gives NaN or an infinite
    rate. Here that step has no warmup, and the ``rsqrt_decay`` of step 1. With a ``decay_factor`` above 1 the
    growth stops at ``exp(60)``.

    Args:
      factors: Names from the table joined by ``*``, in any order. The range of an argument applies if a factor
        uses it.
      base_learning_rate: The constant. With ``rsqrt_decay`` the peak is this divided by ``sqrt(warmup_steps)``.
      steps_per_cycle: In updates, > 0, whole or not. The rate is at the peak again at ``warmup_steps +
        steps_per_cycle``.
      min_learning_rate: :math:`m`, the lowest rate. It also bounds the warmup, so by default the first rate is
        1e-8, not 0.

    >>> t5x.create_learning_rate_scheduler(base_learning_rate=1.0, warmup_steps=4)([2, 4, 16]).tolist()
    [0.25, 0.5, 0.25]
    >>> schedule = t5x.create_learning_rate_scheduler("linear_decay", 1.0, warmup_steps=2, decay_factor=0.25)
    >>> schedule([0, 1, 2, 4, 6]).tolist()
    [9.99999993922529e-09, 0.5, 1.0, 0.5, 9.99999993922529e-09]
    """

    def linear_decay() -> wo.Schedule:
        check_number("warmup_steps", warmup_steps, at_least=0)
        check_number("decay_factor", decay_factor, at_least=0)
        ticks, (steps,) = in_ticks(warmup_steps)
        after = 1.0 if is_zero(decay_factor) else _factors.descent(ticks / exact(decay_factor))
        return in_updates(wo.join([wo.linear(0.0, 1.0, steps), after], [steps]), ticks) * base_learning_rate

    lengths = (warmup_steps, decay_factor, steps_per_decay, steps_per_cycle)
    meanings = _factors.t5_factors(base_learning_rate, *lengths) | {"linear_decay": linear_decay}
    product = _factors.multiply(factors, meanings)
    if not is_zero(step_offset):
        product = wo.shift(product, step_offset)
    return wo.clip(product, min_value=min_learning_rate)
