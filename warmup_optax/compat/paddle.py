"""Paddle's schedulers (``paddle.optimizer.lr``, Paddle 3.3), and the detection models' warmup.

A scheduler that is stepped once after every update gives update number ``count`` the rate of its
``last_epoch == count``; that is the count here. Giving a constructor a ``last_epoch`` other than -1 starts
as if ``last_epoch + 1`` updates had been made. ``verbose`` is ignored;
accepted for compatibility.

Not here, since what they take is not numbers: ``LambdaDecay`` (multiply any function of a count by the rate:
``wo.as_schedule(function) * learning_rate``), ``MultiplicativeDecay`` (a function multiplied up update by
update), and ``ReduceOnPlateau`` (``optax.contrib.reduce_on_plateau``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

import warmup_optax as wo

from . import keras
from ._cycles import cyclic, one_cycle
from ._parts import is_concrete, starting_after
from ._port import as_tuple, check_number, check_steps, port, refuse


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
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.NoamDecay(d_model=4, warmup_steps=4)([0, 2, 4, 16]).tolist()
    [0.0, 0.125, 0.25, 0.125]
    """
    check_number("d_model", d_model, above=0)
    check_steps("warmup_steps", warmup_steps)
    peak = learning_rate * d_model**-0.5 * warmup_steps**-0.5
    return starting_after(wo.warmup_inverse_sqrt(peak, warmup_steps=warmup_steps), last_epoch)


@port()
def PiecewiseDecay(
    boundaries: Sequence[int], values: Sequence[float], last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """Steps: ``values[i]`` up to, and without, ``boundaries[i]``.

    Args:
      boundaries: Increasing counts; at least one.
      values: One rate more. Of more than that Paddle skips to the last, and so does this.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.PiecewiseDecay([10, 20], [1.0, 0.5, 0.25])([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    boundaries = as_tuple("boundaries", boundaries, "a sequence of counts")
    values = as_tuple("values", values, "a sequence of rates")
    if not boundaries:
        refuse("boundaries", boundaries, "at least one count")
    if len(values) > len(boundaries):
        values = [*values[: len(boundaries)], values[-1]]
    return starting_after(wo.piecewise_constant(values, boundaries), last_epoch)


@port(init_value="learning_rate", decay_rate="gamma")
def NaturalExpDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate * exp(-gamma * count)``, without an end.

    Args:
      learning_rate: The first rate.
      gamma: > 0.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> import math
    >>> from warmup_optax.compat import paddle
    >>> paddle.NaturalExpDecay(1.0, gamma=math.log(2))([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    check_number("gamma", gamma, above=0)
    factor = math.exp(-gamma) if is_concrete(gamma) else jnp.exp(-gamma)
    decay = wo.exponential(learning_rate, decay_rate=factor, transition_steps=1)
    return starting_after(decay, last_epoch)


@port(init_value="learning_rate", decay_rate="gamma")
def InverseTimeDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate / (1 + gamma * count)``, without an end.

    Args:
      learning_rate: The first rate.
      gamma: > 0.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.InverseTimeDecay(1.0, gamma=0.5)([0, 2, 6]).tolist()
    [1.0, 0.5, 0.25]
    """
    return starting_after(wo.inverse_time(learning_rate, decay_rate=gamma, transition_steps=1), last_epoch)


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
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.PolynomialDecay(1.0, 4, end_lr=0.0)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return starting_after(keras.PolynomialDecay(learning_rate, decay_steps, end_lr, power, cycle), last_epoch)


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
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> decay = paddle.PiecewiseDecay([2], [1.0, 0.5])
    >>> paddle.LinearWarmup(decay, warmup_steps=4, start_lr=0.0, end_lr=1.0)([0, 1, 4, 5, 6]).tolist()
    [0.0, 0.25, 1.0, 1.0, 0.5]
    """
    check_steps("warmup_steps", warmup_steps)
    if is_concrete(start_lr) and is_concrete(end_lr) and not end_lr > start_lr:
        refuse("end_lr", end_lr, f"more than start_lr={start_lr}")
    schedule = wo.join([wo.linear(start_lr, end_lr, warmup_steps), learning_rate], [warmup_steps])
    return starting_after(schedule, last_epoch)


@port(init_value="learning_rate", decay_rate="gamma")
def ExponentialDecay(
    learning_rate: float, gamma: float, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """``learning_rate * gamma ** count``, without an end.

    Args:
      learning_rate: The first rate.
      gamma: Between 0 and 1.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.ExponentialDecay(1.0, gamma=0.5)([0, 1, 2]).tolist()
    [1.0, 0.5, 0.25]
    """
    check_number("gamma", gamma, above=0, below=1)
    return starting_after(wo.exponential(learning_rate, decay_rate=gamma, transition_steps=1), last_epoch)


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
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.MultiStepDecay(1.0, [2, 4], gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    check_number("gamma", gamma, below=1)
    milestones = as_tuple("milestones", milestones, "whole numbers of steps")
    values = [learning_rate * gamma**i for i in range(len(milestones) + 1)]
    return starting_after(wo.piecewise_constant(values, milestones), last_epoch)


@port(init_value="learning_rate", decay_rate="gamma", transition_steps="step_size")
def StepDecay(
    learning_rate: float, step_size: int, gamma: float = 0.1, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """Steps: times ``gamma`` every ``step_size`` updates, from each multiple on, without an end.

    Args:
      learning_rate: The first rate.
      step_size: A whole number >= 1.
      gamma: Between 0 and 1.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.StepDecay(1.0, step_size=2, gamma=0.5)([0, 1, 2, 4]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    check_steps("step_size", step_size)
    check_number("gamma", gamma, above=0, below=1)
    stairs = wo.exponential(learning_rate, decay_rate=gamma, transition_steps=step_size, staircase=True)
    return starting_after(stairs, last_epoch)


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
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.LinearLR(1.0, total_steps=4, start_factor=0.5)([0, 2, 4, 9]).tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    check_steps("total_steps", total_steps)
    check_number("start_factor", start_factor, above=0, at_most=1)
    check_number("end_factor", end_factor, at_least=0, at_most=1)
    line = wo.linear(learning_rate * start_factor, learning_rate * end_factor, total_steps)
    return starting_after(line, last_epoch)


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


@port(init_value="learning_rate", end_value="eta_min", steps="T_max")
def CosineAnnealingDecay(
    learning_rate: float, T_max: int, eta_min: float = 0, last_epoch: int = -1, verbose: bool = False
) -> wo.Schedule:
    """A cosine without an end: down to ``eta_min`` at ``T_max``, up again to ``learning_rate``, and so on.

    Args:
      learning_rate: The rate at 0, ``2 * T_max``, ...
      T_max: Half a period, a whole number >= 1.
      eta_min: The rate at ``T_max``, ``3 * T_max``, ...
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CosineAnnealingDecay(1.0, T_max=4)([0, 2, 4, 6, 8]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    return starting_after(wo.shapes.cosine_wave(learning_rate, eta_min, T_max), last_epoch)


@port(init_value="learning_rate", end_value="eta_min", steps="T_0", period="T_0", growth="T_mult")
def CosineAnnealingWarmRestarts(
    learning_rate: float,
    T_0: int,
    T_mult: int = 1,
    eta_min: float = 0,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """Half cosines again and again, each ``T_mult`` times as long as the last.

    ``learning_rate`` at 0 and at every restart; ``eta_min`` is never quite reached. The restarts are exact
    here. Paddle's, inside of a `LinearWarmup`, come from a logarithm that can be one update late.

    Args:
      learning_rate: The peak.
      T_0: The length of the first cycle, a whole number >= 1.
      T_mult: A whole number >= 1.
      eta_min: What every cycle falls to.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CosineAnnealingWarmRestarts(1.0, T_0=4, T_mult=2)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    check_steps("T_0", T_0)
    check_steps("T_mult", T_mult)
    cycles = wo.restart(wo.cosine(learning_rate, eta_min, T_0), period=T_0, growth=T_mult)
    return starting_after(cycles, last_epoch)


@port(init_value="base_learning_rate", end_value="max_learning_rate", decay_rate="exp_gamma")
def CyclicLR(
    base_learning_rate: float,
    max_learning_rate: float,
    step_size_up: int,
    step_size_down: int | None = None,
    mode: str = "triangular",
    exp_gamma: float = 1.0,
    scale_fn: Any = None,
    scale_mode: str = "cycle",
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """Straight up to ``max_learning_rate`` and down again.

    ``base_learning_rate`` at 0. The height above it is the same in every cycle, or half that of the last
    (``triangular2``), or falls by ``exp_gamma`` with every update (``exp_range``).

    Args:
      base_learning_rate: The rate at the foot.
      max_learning_rate: The rate at the first peak, at ``step_size_up``.
      step_size_up: A whole number >= 1.
      step_size_down: A whole number >= 1; None for ``step_size_up``.
      mode: ``"triangular"``, ``"triangular2"`` or ``"exp_range"``.
      exp_gamma: > 0, for ``exp_range``.
      scale_fn: A factor of the height in the place of ``mode``, written with ``jax.numpy``. It becomes part of
        the schedule, which can then not be saved.
      scale_mode: What ``scale_fn`` is a function of: the ``"cycle"``, counted from 1, or the number of
        ``"iterations"``.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CyclicLR(0.0, 1.0, 4, 2, mode="triangular2")([0, 2, 4, 5, 6, 10]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    check_steps("step_size_up", step_size_up)
    check_steps("step_size_down", step_size_up if step_size_down is None else step_size_down)
    rates = (base_learning_rate, max_learning_rate)
    cycle = cyclic(*rates, step_size_up, step_size_down, mode, exp_gamma, scale_fn, scale_mode)
    return starting_after(cycle, last_epoch)


@port(init_value="max_learning_rate")
def OneCycleLR(
    max_learning_rate: float,
    total_steps: int,
    divide_factor: float = 25.0,
    end_learning_rate: float = 0.0001,
    phase_pct: float = 0.3,
    anneal_strategy: str = "cos",
    three_phase: bool = False,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """Up to the peak and down to nearly nothing (1cycle), with the original's odd first and last steps.

    ``max_learning_rate / divide_factor`` at 0; the peak at ``phase_pct * total_steps - 1``, which may lie
    between two counts; ``end_learning_rate`` (a rate here, a divisor in PyTorch) at ``total_steps - 1``. One
    update later the last curve has gone on: a cosine is up again a little, a line is *below* its end, and
    below 0 if that is near. Then the original raises; here that rate holds.

    Args:
      max_learning_rate: The peak.
      total_steps: A whole number >= 1.
      divide_factor: The peak over the first rate.
      end_learning_rate: The rate at ``total_steps - 1``, >= 0.
      phase_pct: The part of the run that rises, in [0, 1]; below 0.5 with three phases.
      anneal_strategy: ``"cos"`` or ``"linear"``.
      three_phase: Whether it falls as fast as it rose, and only then to the end.
      last_epoch: Where it begins, less one.
      verbose: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import paddle
    >>> paddle.OneCycleLR(1.0, 10, divide_factor=4.0, phase_pct=0.5)([0, 2, 4]).round(3).tolist()
    [0.25, 0.625, 1.0]
    """
    check_steps("total_steps", total_steps)
    check_number("divide_factor", divide_factor, above=0)
    check_number("end_learning_rate", end_learning_rate, at_least=0)
    if three_phase:
        check_number("phase_pct", phase_pct, below=0.5, fix="with three phases the way down is as long")
    first = max_learning_rate / divide_factor
    cycle = one_cycle(
        first,
        max_learning_rate,
        end_learning_rate,
        total_steps,
        phase_pct,
        anneal_strategy,
        three_phase,
        part_name="phase_pct",
    )
    return starting_after(cycle, last_epoch)
