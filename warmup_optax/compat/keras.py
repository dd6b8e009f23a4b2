"""Keras's schedules (``keras.optimizers.schedules``, Keras 3.15), and two from its warmup guide.

Keras converts the count to float32, so neighboring counts above 2**24 become equal. Here the counts are exact
integers. Every constructor accepts Keras's ``name`` and ignores it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import warmup_optax as wo

from ._arguments import Ignored, Length, Number, Positive, Rates, Steps
from ._parts import warmed
from ._port import is_concrete, port, refuse
from ._rules import bounded, cut_counts

Rate = Annotated[Number, "The first rate."]
AtLeast1 = Annotated[Number, bounded(">= 1", at_least=1)]
Stairs = Annotated[bool, "Whether to apply the factor in discrete steps."]
Warmup = Annotated[Steps, "Updates of warmup."]
Hold = Annotated[Steps, "Updates at ``target_lr`` after the warmup."]
Total = Annotated[Steps, "Updates of the run, more than ``warmup_steps + hold``."]
Peak = Annotated[Number, "The full rate."]
NotUsed = Annotated[float, "Ignored, as in the original: the first update has rate 0."]


@port()
def ExponentialDecay(
    initial_learning_rate: Rate,
    decay_steps: Length,
    decay_rate: Positive,
    staircase: Stairs = False,
    name: Ignored = "ExponentialDecay",
) -> wo.Schedule:
    """Exponential decay: times ``decay_rate`` every ``decay_steps`` updates. It never ends.

    With ``staircase`` the new rate applies from ``count == decay_steps`` on.

    >>> keras.ExponentialDecay(1.0, 10, 0.5)([0, 10, 20]).tolist()
    [1.0, 0.5, 0.25]
    """
    return wo.exponential(
        initial_learning_rate, decay_rate=decay_rate, transition_steps=decay_steps, staircase=staircase
    )


@port()
def InverseTimeDecay(
    initial_learning_rate: Rate,
    decay_steps: Length,
    decay_rate: Positive,
    staircase: Annotated[bool, "Whether time is counted in whole ``decay_steps``."] = False,
    name: Ignored = "InverseTimeDecay",
) -> wo.Schedule:
    """Inverse-time decay: ``initial_learning_rate / (1 + decay_rate * count / decay_steps)``. It never ends.

    >>> keras.InverseTimeDecay(1.0, 10, 1.0)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    return wo.inverse_time(
        initial_learning_rate, decay_rate=decay_rate, transition_steps=decay_steps, staircase=staircase
    )


@port()
def PiecewiseConstantDecay(
    boundaries: Annotated[Sequence[float], cut_counts, "The last counts of each value, increasing."],
    values: Annotated[Rates, "The rates, one more than ``boundaries``."],
    name: Ignored = "PiecewiseConstant",
) -> wo.Schedule:
    """Step decay. At a boundary the *old* value still applies, and the new one from the next update on.

    So ``values[0]`` is the rate of ``boundaries[0] + 1`` updates. Optax, PyTorch and Paddle change one update
    earlier. A boundary that is not whole is truncated, as Keras does for integer counts.

    >>> keras.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])([0, 10, 11, 20, 21]).round(1).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.10000000149011612]
    """
    return wo.piecewise_constant(values, [i + 1 for i in boundaries])


@port(init_value="initial_learning_rate", end_value="end_learning_rate")
def PolynomialDecay(
    initial_learning_rate: Rate,
    decay_steps: Length,
    end_learning_rate: Annotated[Number, "The last rate."] = 0.0001,
    power: Positive = 1.0,
    cycle: Annotated[bool, "Whether ``decay_steps`` grows to its next multiple each time it ends."] = False,
    name: Ignored = "PolynomialDecay",
) -> wo.Schedule:
    """Polynomial decay from ``initial_learning_rate`` to ``end_learning_rate``: a power of the remaining time.

    ``end_learning_rate`` is reached at ``decay_steps`` and stays. With ``cycle`` the rate jumps up again
    instead, to a lower peak each time, and never ends. At a multiple of ``decay_steps`` the rate is still
    ``end_learning_rate``, and the jump comes one update later.

    >>> keras.PolynomialDecay(1.0, 4, 0.0)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> keras.PolynomialDecay(1.0, 4, 0.0, cycle=True)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.375]
    """
    first = wo.polynomial(initial_learning_rate, end_learning_rate, decay_steps, power=power)
    if not cycle:
        return first
    # Cycle i = 1, 2, ... is the same decay, one step later and times i ** -power.
    fall = wo.polynomial(initial_learning_rate - end_learning_rate, 0.0, decay_steps, power=power)
    falls = wo.restart(wo.shift(fall, -1), period=decay_steps)
    lower = wo.staircase(wo.shapes.power_law(1.0, power=-power), decay_steps)
    return wo.join([first, falls * lower + end_learning_rate], [decay_steps + 1], offsets=[0, 1])


@port()
def CosineDecay(
    initial_learning_rate: Rate,
    decay_steps: Annotated[Length, "Updates of the cosine, warmup excluded."],
    alpha: Annotated[Number, "The floor, as a fraction of the full rate."] = 0.0,
    name: Ignored = "CosineDecay",
    warmup_target: Annotated[Number | None, "The full rate; None for no warmup."] = None,
    warmup_steps: Warmup = 0,
) -> wo.Schedule:
    """Cosine decay, with a linear warmup if there is a ``warmup_target``.

    ``decay_steps`` *excludes* the warmup: the floor is reached at ``warmup_steps + decay_steps`` and stays. The
    warmup starts at ``initial_learning_rate`` and reaches the target, which is the full rate, at ``count ==
    warmup_steps``. Without a target, ``initial_learning_rate`` is the full rate and ``warmup_steps`` has no
    effect.

    >>> schedule = keras.CosineDecay(0.0, 8, warmup_target=1.0, warmup_steps=4)
    >>> schedule([0, 2, 4, 8, 12, 13]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """
    peak = initial_learning_rate if warmup_target is None else warmup_target
    decay = wo.cosine(peak, alpha * peak, decay_steps)
    return decay if warmup_target is None else warmed(peak, warmup_steps, decay, initial_learning_rate)


@port(growth="t_mul", decay="m_mul")
def CosineDecayRestarts(
    initial_learning_rate: Annotated[Number, "The first peak."],
    first_decay_steps: Annotated[Length, "The length of the first cycle."],
    t_mul: Annotated[AtLeast1, "The length of each cycle divided by that of the previous one."] = 2.0,
    m_mul: Annotated[Positive, "The factor from one peak to the next, measured above the floor."] = 1.0,
    alpha: Annotated[Number, "The floor of all cycles, as a fraction of ``initial_learning_rate``."] = 0.0,
    name: Ignored = "SGDRDecay",
) -> wo.Schedule:
    """Cosine decay with warm restarts (SGDR): each cycle is longer, and its peak lower, than the previous one.

    The peaks are at 0 and at every restart, ``first_decay_steps * (1 + t_mul + t_mul**2 + ...)``. The floor is
    approached but not reached, and the cycles never end. Restarts are exact, in Keras sometimes one update late.

    >>> keras.CosineDecayRestarts(1.0, 4, m_mul=0.5)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    floor = alpha * initial_learning_rate
    fall = wo.cosine(initial_learning_rate - floor, 0.0, first_decay_steps)
    return wo.restart(fall, period=first_decay_steps, growth=t_mul, decay=m_mul) + floor


@port()
def lr_warmup_cosine_decay(
    warmup_steps: Warmup,
    hold: Hold = 0,
    total_steps: Total = 0,
    start_lr: NotUsed = 0.0,
    target_lr: Peak = 1e-3,
) -> wo.Schedule:
    """The function of the Keras warmup guide: linear warmup, plateau, and a cosine that never ends.

    The rate is 0 at count 0, ``target_lr`` from ``warmup_steps`` to ``warmup_steps + hold``, and 0 at
    ``total_steps``. *After* that the cosine rises again to ``target_lr``, and repeats. `WarmUpCosineDecay`
    stays at 0.

    The original never uses ``start_lr``, so both warmups start at 0. For a warmup from ``start_lr`` and a
    constant end, use ``wo.warmup_cosine(target_lr, warmup_steps=warmup_steps, hold_steps=hold,
    total_steps=total_steps, init_value=start_lr)``.

    >>> schedule = keras.lr_warmup_cosine_decay(4, hold=2, total_steps=10, target_lr=1.0)
    >>> schedule([0, 2, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.5]
    """
    begin = _begin_of_decay(warmup_steps, hold, total_steps)
    wave = wo.shapes.cosine_wave(target_lr, 0.0, total_steps - begin)
    return wo.join([wo.linear(0.0, target_lr, warmup_steps), wave], [warmup_steps], offsets=[0, begin])


@port()
def WarmUpCosineDecay(
    start_lr: NotUsed, target_lr: Peak, warmup_steps: Warmup, total_steps: Total, hold: Hold
) -> wo.Schedule:
    """The schedule class of the Keras warmup guide: linear warmup, plateau, and cosine decay to 0.

    The rate is 0 at count 0, ``target_lr`` from ``warmup_steps`` to ``warmup_steps + hold``, and 0 from
    ``total_steps`` on. As in `lr_warmup_cosine_decay`, ``start_lr`` has no effect.

    >>> schedule = keras.WarmUpCosineDecay(0.0, 1.0, warmup_steps=4, total_steps=10, hold=2)
    >>> schedule([0, 2, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]
    """
    _begin_of_decay(warmup_steps, hold, total_steps)
    return wo.warmup_cosine(target_lr, warmup_steps=warmup_steps, total_steps=total_steps, hold_steps=hold)


def _begin_of_decay(warmup_steps: int, hold: int, total_steps: int) -> int:
    begin = warmup_steps + hold
    if is_concrete(begin) and is_concrete(total_steps) and not total_steps > begin:
        allowed = f"more than warmup_steps={warmup_steps} + hold={hold}"
        refuse("total_steps", total_steps, allowed, "it includes them")
    return begin
