"""The schedulers that go up again."""

from __future__ import annotations

import math
from typing import Any

import warmup_optax as wo

from .._port import port
from ._begin import beginning_at, positive


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
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CosineAnnealingDecay(1.0, T_max=4)([0, 2, 4, 6, 8]).round(6).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    return beginning_at(last_epoch, wo.shapes.cosine_wave(learning_rate, eta_min, T_max))


@port(init_value="learning_rate", end_value="eta_min", steps="T_0", period="T_0", growth="T_mult")
def CosineAnnealingWarmRestarts(
    learning_rate: float,
    T_0: int,
    T_mult: int = 1,
    eta_min: float = 0,
    last_epoch: int = -1,
    verbose: bool = False,
) -> wo.Schedule:
    """Half cosines again and again, each ``T_mult`` times as long as the last, for ever.

    ``learning_rate`` at 0 and at every restart; ``eta_min`` is never quite reached. The restarts are exact
    here. Paddle's, inside of a `LinearWarmup`, come from a logarithm that can be one update late.

    Args:
      learning_rate: The peak.
      T_0: The length of the first cycle, a whole number >= 1.
      T_mult: A whole number >= 1.
      eta_min: What every cycle falls to.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CosineAnnealingWarmRestarts(1.0, T_0=4, T_mult=2)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    positive(T_0=T_0)
    return beginning_at(
        last_epoch, wo.restart(wo.cosine(learning_rate, eta_min, T_0), period=T_0, growth=T_mult)
    )


@port(init_value="base_learning_rate", steps="step_size_up", back_steps="step_size_down")
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
    """Straight up to ``max_learning_rate`` and down again, for ever.

    ``base_learning_rate`` at 0. The height above it is the same in every cycle, or half that of the last
    (``triangular2``), or falls by ``exp_gamma`` with every update (``exp_range``).

    Args:
      base_learning_rate: The rate at the foot.
      max_learning_rate: The rate at the first peak, at ``step_size_up``.
      step_size_up: A whole number >= 1.
      step_size_down: A whole number >= 1; None for ``step_size_up``.
      mode: ``"triangular"``, ``"triangular2"`` or ``"exp_range"``.
      exp_gamma: > 0, for ``exp_range``.
      scale_fn: None: a function is not a number; multiply a `wo.shapes.triangle_wave` by it.
      scale_mode: Has a meaning only with a ``scale_fn``.
      last_epoch: Where it begins, less one.
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.CyclicLR(0.0, 1.0, 4, 2, mode="triangular2")([0, 2, 4, 5, 6, 10]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    if mode not in ("triangular", "triangular2", "exp_range"):
        raise ValueError(f"mode must be one of 'triangular', 'triangular2', 'exp_range', got {mode!r}")
    if scale_fn is not None:
        raise ValueError(f"scale_fn must be None, got {scale_fn!r}; multiply wo.shapes.triangle_wave by it")
    wave = wo.shapes.triangle_wave(0.0, max_learning_rate - base_learning_rate, step_size_up, step_size_down)
    if mode == "triangular2":
        period = step_size_up + (step_size_up if step_size_down is None else step_size_down)
        wave = wave * wo.exponential(1.0, decay_rate=0.5, transition_steps=period, staircase=True)
    elif mode == "exp_range":
        wave = wave * wo.exponential(1.0, decay_rate=exp_gamma, transition_steps=1)
    return beginning_at(last_epoch, wave + base_learning_rate)


@port(values="max_learning_rate")
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
      verbose: Taken and not used.

    >>> from warmup_optax.compat import paddle
    >>> paddle.OneCycleLR(1.0, 10, divide_factor=4.0, phase_pct=0.5)([0, 2, 4]).round(3).tolist()
    [0.25, 0.625, 1.0]
    """
    positive(total_steps=total_steps, divide_factor=divide_factor)
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(f"anneal_strategy must be one of 'cos', 'linear', got {anneal_strategy!r}")
    if not 0 <= phase_pct <= 1 or (three_phase and phase_pct >= 0.5):
        raise ValueError(f"phase_pct must be in [0, 1], and below 0.5 with three phases, got {phase_pct!r}")
    up, end = phase_pct * total_steps - 1, total_steps - 1
    first = max_learning_rate / divide_factor
    knots, values = [0.0, up], [first, max_learning_rate]
    if three_phase:
        knots, values = [*knots, 2 * up], [*values, first]
    if up < 0:  # there is no count in what comes before the last curve
        knots, values = knots[-1:], values[-1:]
    last = end
    if up < end:
        knots, values, last = [*knots, end], [*values, end_learning_rate], total_steps
    return beginning_at(last_epoch, _between(knots, values, last, anneal_strategy))


def _between(knots: list[float], values: list[float], last: int, strategy: str) -> wo.Schedule:
    """Curves between knots that need not be whole counts, going on past the last one until ``last``."""

    def at(count: int) -> float:
        i = next((i for i in range(1, len(knots)) if count <= knots[i]), len(knots) - 1)
        passed = (count - knots[i - 1]) / (knots[i] - knots[i - 1])
        passed = passed if strategy == "linear" else math.sin(math.pi / 2 * passed) ** 2
        return values[i - 1] + (values[i] - values[i - 1]) * passed

    if strategy == "cos":
        return wo.join([wo.shapes.piecewise_cosine(values, knots), at(last)], [last])
    # A line between two counts is the line between its values there.
    counts = {max(whole(knot), 0) for knot in knots for whole in (math.floor, math.ceil)} | {0, last}
    return wo.piecewise_linear([at(count) for count in sorted(counts)], sorted(counts))
