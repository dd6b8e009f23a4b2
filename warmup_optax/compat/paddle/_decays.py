"""The schedulers that only fall, and the warmups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import warmup_optax as wo

from .. import keras
from .._port import port
from ._begin import beginning_at, below_1, positive


@port(peak_value="learning_rate")
def NoamDecay(
    d_model: int, warmup_steps: int, learning_rate: float = 1.0, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """The Transformer's schedule: a line up, then a fall as one over the square root of the count.

    0 at 0 (the paper counts from 1), the peak ``learning_rate / sqrt(d_model * warmup_steps)`` at
    ``warmup_steps``, and no end.

    Args:
      d_model: > 0: the width of the model.
      warmup_steps: A whole number >= 1.
      learning_rate: A factor.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.NoamDecay(d_model=4, warmup_steps=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.125, 0.25, 0.125]
    """
    positive(d_model=d_model, warmup_steps=warmup_steps)
    peak = learning_rate * d_model**-0.5 * warmup_steps**-0.5
    return beginning_at(last_epoch, wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps))


@port()
def PiecewiseDecay(
    boundaries: Sequence[int], values: Sequence[float], last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """Steps: ``values[i]`` up to, and without, ``boundaries[i]``.

    Args:
      boundaries: Increasing counts; at least one.
      values: One rate more. Of more than that Paddle skips to the last, and so does this.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.PiecewiseDecay([10, 20], [1.0, 0.5, 0.25])([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    if len(boundaries) == 0:
        raise ValueError("boundaries must hold at least one count, got none")
    if len(values) > len(boundaries):
        values = [*values[: len(boundaries)], values[-1]]
    return beginning_at(last_epoch, wo.piecewise_constant(values, boundaries))


@port(init_value="learning_rate")
def NaturalExpDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate * exp(-gamma * count)``, for ever.

    Args:
      learning_rate: The first rate.
      gamma: > 0.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> import math
    >>> from warmup_optax.compat import paddle
    >>> paddle.NaturalExpDecay(1.0, gamma=math.log(2))([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    positive(gamma=gamma)
    return beginning_at(
        last_epoch, wo.exponential(learning_rate, decay_rate=math.exp(-gamma), transition_steps=1)
    )


@port(init_value="learning_rate", decay_rate="gamma")
def InverseTimeDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate / (1 + gamma * count)``, for ever.

    Args:
      learning_rate: The first rate.
      gamma: > 0.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.InverseTimeDecay(1.0, gamma=0.5)([0, 2, 6]).tolist()
    [1.0, 0.5, 0.25]
    """
    return beginning_at(last_epoch, wo.inverse_time(learning_rate, decay_rate=gamma, transition_steps=1))


@port(initial_learning_rate="learning_rate", end_learning_rate="end_lr")
def PolynomialDecay(
    learning_rate: float,
    decay_steps: int,
    end_lr: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """A power of the remaining time: `compat.keras.PolynomialDecay`.

    ``learning_rate`` at 0, ``end_lr`` at ``decay_steps`` and after it; with ``cycle`` it jumps up again one
    update after each multiple of ``decay_steps``, each time less high.

    Args:
      learning_rate: The first rate.
      decay_steps: A whole number >= 1.
      end_lr: The last rate; 0.0001 if it is left out.
      power: > 0.
      cycle: Whether ``decay_steps`` grows to the next multiple of itself whenever it is over.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.PolynomialDecay(1.0, 4, end_lr=0.0)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return beginning_at(last_epoch, keras.PolynomialDecay(learning_rate, decay_steps, end_lr, power, cycle))


@port(init_value="start_lr", end_value="end_lr", steps="warmup_steps", schedules="learning_rate")
def LinearWarmup(
    learning_rate: Any,
    warmup_steps: int,
    start_lr: float,
    end_lr: float,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """A line from ``start_lr`` to ``end_lr``, then a schedule from its own beginning.

    ``start_lr`` at 0; ``end_lr`` would come at ``warmup_steps``, where ``learning_rate`` takes over, at its
    own 0: nothing ties the two together. After the end the schedule's own rule holds.

    Args:
      learning_rate: A schedule, any function of a count, or a number.
      warmup_steps: A whole number >= 1.
      start_lr: The rate of the first update.
      end_lr: What the line aims at, above ``start_lr``.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> decay = paddle.PiecewiseDecay([2], [1.0, 0.5])
    >>> paddle.LinearWarmup(decay, warmup_steps=4, start_lr=0.0, end_lr=1.0)([0, 1, 4, 5, 6]).tolist()
    [0.0, 0.25, 1.0, 1.0, 0.5]
    """
    positive(warmup_steps=warmup_steps)
    if not end_lr > start_lr:
        raise ValueError(f"end_lr must be more than start_lr={start_lr}, got {end_lr}")
    return beginning_at(
        last_epoch, wo.join([wo.linear(start_lr, end_lr, warmup_steps), learning_rate], [warmup_steps])
    )


@port(init_value="learning_rate", decay_rate="gamma")
def ExponentialDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate * gamma ** count``, for ever.

    Args:
      learning_rate: The first rate.
      gamma: Between 0 and 1.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.ExponentialDecay(1.0, gamma=0.5)([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    below_1(gamma=gamma)
    return beginning_at(last_epoch, wo.exponential(learning_rate, decay_rate=gamma, transition_steps=1))


@port(boundaries="milestones", values="learning_rate")
def MultiStepDecay(
    learning_rate: float,
    milestones: Sequence[int],
    gamma: float = 0.1,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """Steps: times ``gamma`` from each milestone on.

    Args:
      learning_rate: The first rate.
      milestones: Increasing counts.
      gamma: < 1.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.MultiStepDecay(1.0, [2, 4], gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    below_1(gamma=gamma)
    values = [learning_rate * gamma**i for i in range(len(milestones) + 1)]
    return beginning_at(last_epoch, wo.piecewise_constant(values, milestones))


@port(init_value="learning_rate", decay_rate="gamma", transition_steps="step_size")
def StepDecay(
    learning_rate: float, step_size: int, gamma: float = 0.1, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """Steps: times ``gamma`` every ``step_size`` updates, from each multiple on, for ever.

    Args:
      learning_rate: The first rate.
      step_size: A whole number >= 1.
      gamma: Between 0 and 1.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.StepDecay(1.0, step_size=2, gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    below_1(gamma=gamma)
    stairs = wo.exponential(learning_rate, decay_rate=gamma, transition_steps=step_size, staircase=True)
    return beginning_at(last_epoch, stairs)


@port()
def LinearLR(
    learning_rate: float,
    total_steps: int,
    start_factor: float = 1.0 / 3,
    end_factor: float = 1.0,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """A line from ``learning_rate * start_factor`` at 0 to ``learning_rate * end_factor``, which then holds.

    Args:
      learning_rate: What the factors are factors of.
      total_steps: The count at which the line ends, a whole number >= 1.
      start_factor: In (0, 1].
      end_factor: In [0, 1].
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.LinearLR(1.0, total_steps=4, start_factor=0.5)([0, 2, 4, 9]).tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    positive(total_steps=total_steps, start_factor=start_factor)
    if start_factor > 1:
        raise ValueError(f"start_factor must be a number in (0, 1], got {start_factor}")
    if not 0 <= end_factor <= 1:
        raise ValueError(f"end_factor must be a number in [0, 1], got {end_factor}")
    line = wo.linear(learning_rate * start_factor, learning_rate * end_factor, total_steps)
    return beginning_at(last_epoch, line)


@port(init_value="learning_rate", steps="warmup_iter")
def exponential_with_warmup_decay(
    learning_rate: float,
    boundaries: Sequence[int],
    values: Sequence[float],
    warmup_iter: int,
    warmup_factor: float,
) -> wo.Schedule:
    """The detection models' schedule: a line from a fraction of the rate, into steps (nothing exponential).

    ``learning_rate * warmup_factor`` at 0; from ``warmup_iter`` on the step of the global count: boundaries
    inside of the warmup are passed unseen, and at a boundary the new value holds. Nothing ties
    ``learning_rate``, what the line aims at, to ``values[0]``. The last value holds.

    Args:
      learning_rate: What the line aims at.
      boundaries: Increasing counts.
      values: The rates, one more than ``boundaries``.
      warmup_iter: Updates of warmup, a whole number >= 0.
      warmup_factor: The part of ``learning_rate`` that the first update has.

    >>> from warmup_optax.compat import paddle
    >>> schedule = paddle.exponential_with_warmup_decay(1.0, [8], [1.0, 0.5], 4, warmup_factor=0.5)
    >>> schedule([0, 2, 4, 7, 8]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    warmup = wo.linear(learning_rate * warmup_factor, learning_rate, warmup_iter)
    return wo.join([warmup, wo.piecewise_constant(values, boundaries)], [warmup_iter], offsets=[0, 0])
