"""Keras's schedules (``keras.optimizers.schedules``, Keras 3.15), and two from its warmup guide.

Keras casts the count to the rate's float32, so that past 2**24 updates its counts collapse; here they stay
whole. Every constructor takes Keras's ``name``, which is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence

import warmup_optax as wo

from ._parts import is_concrete
from ._port import as_tuple, check_concrete, check_number, check_steps, port, refuse


@port(init_value="initial_learning_rate", transition_steps="decay_steps")
def ExponentialDecay(
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str = "ExponentialDecay",
) -> wo.Schedule:
    """Multiplies by ``decay_rate`` every ``decay_steps``, without an end.

    ``initial_learning_rate`` at 0. In stairs the new rate holds from ``count == decay_steps`` on.

    Args:
      initial_learning_rate: The first rate.
      decay_steps: A whole number >= 1.
      decay_rate: > 0.
      staircase: Whether the factor comes all at once.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import keras
    >>> keras.ExponentialDecay(1.0, 10, 0.5)([0, 10, 20]).tolist()
    [1.0, 0.5, 0.25]
    """
    check_steps("decay_steps", decay_steps)
    return wo.exponential(
        initial_learning_rate, decay_rate=decay_rate, transition_steps=decay_steps, staircase=staircase
    )


@port(init_value="initial_learning_rate", transition_steps="decay_steps")
def InverseTimeDecay(
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str = "InverseTimeDecay",
) -> wo.Schedule:
    """``initial_learning_rate / (1 + decay_rate * count / decay_steps)``, without an end.

    Args:
      initial_learning_rate: The first rate.
      decay_steps: A whole number >= 1.
      decay_rate: > 0.
      staircase: Whether time is counted in whole ``decay_steps``.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import keras
    >>> keras.InverseTimeDecay(1.0, 10, 1.0)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    check_steps("decay_steps", decay_steps)
    return wo.inverse_time(
        initial_learning_rate, decay_rate=decay_rate, transition_steps=decay_steps, staircase=staircase
    )


@port()
def PiecewiseConstantDecay(
    boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
) -> wo.Schedule:
    """Steps; at a boundary the *old* value still holds, the new one from the next update on.

    So ``values[0]`` is the rate of ``boundaries[0] + 1`` updates: Optax, PyTorch and Paddle change one
    update earlier. A boundary that is not whole is cut to one, as Keras does beside a whole count.

    Args:
      boundaries: The last counts of each value, increasing.
      values: The rates, one more than ``boundaries``.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import keras
    >>> keras.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])([0, 10, 11, 20, 21]).round(1).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.10000000149011612]
    """
    return wo.piecewise_constant(values, [i + 1 for i in _whole_boundaries(boundaries)])


@port(init_value="initial_learning_rate", end_value="end_learning_rate", steps="decay_steps")
def PolynomialDecay(
    initial_learning_rate: float,
    decay_steps: int,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str = "PolynomialDecay",
) -> wo.Schedule:
    """A power of the remaining time, from ``initial_learning_rate`` to ``end_learning_rate``.

    ``initial_learning_rate`` at 0, ``end_learning_rate`` at ``decay_steps`` and after it. With ``cycle`` it
    jumps up again instead, each time less high, without an end: at a multiple of ``decay_steps`` the rate
    is still ``end_learning_rate``, the jump comes one update later.

    Args:
      initial_learning_rate: The first rate.
      decay_steps: A whole number >= 1.
      end_learning_rate: The last rate; 0.0001 if it is left out.
      power: > 0.
      cycle: Whether ``decay_steps`` grows to the next multiple of itself whenever it is over.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import keras
    >>> keras.PolynomialDecay(1.0, 4, 0.0)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> keras.PolynomialDecay(1.0, 4, 0.0, cycle=True)([0, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.0, 0.375]
    """
    check_steps("decay_steps", decay_steps)
    first = wo.polynomial(initial_learning_rate, end_learning_rate, decay_steps, power=power)
    if not cycle:
        return first
    # Cycle i = 1, 2, ... is the same fall, a step later and times i ** -power.
    fall = wo.polynomial(initial_learning_rate - end_learning_rate, 0.0, decay_steps, power=power)
    falls = wo.restart(wo.shift(fall, -1), period=decay_steps)
    lower = wo.staircase(wo.shapes.power_law(1.0, power=-power), decay_steps)
    return wo.join([first, falls * lower + end_learning_rate], [decay_steps + 1], offsets=[0, 1])


@port(init_value="initial_learning_rate", end_value="warmup_target", steps="warmup_steps")
def CosineDecay(
    initial_learning_rate: float,
    decay_steps: int,
    alpha: float = 0.0,
    name: str = "CosineDecay",
    warmup_target: float | None = None,
    warmup_steps: int = 0,
) -> wo.Schedule:
    """Half a cosine, with a linear warmup in front if there is a ``warmup_target``.

    ``decay_steps`` leaves the warmup *out*: the floor is reached at ``warmup_steps + decay_steps`` and
    holds. At 0 the rate is ``initial_learning_rate``; with a target that is where the warmup starts, and the
    full rate, at ``count == warmup_steps``, is the target. Without a target ``warmup_steps`` has no effect.

    Args:
      initial_learning_rate: The first rate.
      decay_steps: Updates of the cosine alone, a whole number >= 1.
      alpha: The floor, as a fraction of the full rate: of the target, if there is one.
      name: Ignored; accepted for compatibility.
      warmup_target: The full rate; None for no warmup.
      warmup_steps: Updates of warmup, a whole number >= 0.

    >>> from warmup_optax.compat import keras
    >>> schedule = keras.CosineDecay(0.0, 8, warmup_target=1.0, warmup_steps=4)
    >>> schedule([0, 2, 4, 8, 12, 13]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """
    check_steps("decay_steps", decay_steps)
    check_steps("warmup_steps", warmup_steps, at_least=0)
    if warmup_target is None:
        return wo.cosine(initial_learning_rate, alpha * initial_learning_rate, decay_steps)
    warmup = wo.linear(initial_learning_rate, warmup_target, warmup_steps)
    return wo.join([warmup, wo.cosine(warmup_target, alpha * warmup_target, decay_steps)], [warmup_steps])


@port(
    init_value="initial_learning_rate",
    steps="first_decay_steps",
    period="first_decay_steps",
    growth="t_mul",
    decay="m_mul",
)
def CosineDecayRestarts(
    initial_learning_rate: float,
    first_decay_steps: int,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str = "SGDRDecay",
) -> wo.Schedule:
    """Half cosines again and again (SGDR), each longer and lower than the last.

    At 0 and at every restart, ``first_decay_steps * (1 + t_mul + t_mul**2 + ...)``, the rate is a peak; the
    floor is never quite reached, and there is no end. The restarts are exact here. Keras finds them with a
    logarithm, which can be one update late (in float64 the restart at 242 for ``first_decay_steps=2,
    t_mul=3``).

    Args:
      initial_learning_rate: The first peak.
      first_decay_steps: The length of the first cycle, a whole number >= 1.
      t_mul: >= 1: how many times longer each cycle is than the last.
      m_mul: > 0: the factor from one peak, above the floor, to the next.
      alpha: The floor, as a fraction of ``initial_learning_rate``, the same in all cycles.
      name: Ignored; accepted for compatibility.

    >>> from warmup_optax.compat import keras
    >>> keras.CosineDecayRestarts(1.0, 4, m_mul=0.5)([0, 2, 4, 8, 12]).round(6).tolist()
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    check_steps("first_decay_steps", first_decay_steps)
    floor = alpha * initial_learning_rate
    fall = wo.cosine(initial_learning_rate - floor, 0.0, first_decay_steps)
    falls = wo.restart(fall, period=first_decay_steps, growth=t_mul, decay=m_mul)
    return falls + floor


@port(init_value="start_lr", end_value="target_lr", steps="warmup_steps")
def lr_warmup_cosine_decay(
    warmup_steps: int, hold: int = 0, total_steps: int = 0, start_lr: float = 0.0, target_lr: float = 1e-3
) -> wo.Schedule:
    """The function of the Keras warmup guide: a line up, a hold, and a cosine that has no end.

    0 at 0, ``target_lr`` from ``warmup_steps`` to ``warmup_steps + hold``, 0 at ``total_steps``; *after* it
    the cosine rises again, up to ``target_lr`` and down, and so on. `WarmUpCosineDecay` stays at 0.

    The original never uses ``start_lr``: its line always starts at 0, and so does this one. The line that
    was meant, and an end that holds, is ``wo.warmup_cosine(target_lr, warmup_steps=warmup_steps,
    hold_steps=hold, total_steps=total_steps, init_value=start_lr)``.

    Args:
      warmup_steps: Updates of warmup, a whole number >= 0.
      hold: Updates at ``target_lr`` after the warmup, a whole number >= 0.
      total_steps: Updates of the whole, more than ``warmup_steps + hold``.
      start_lr: Ignored, as in the original: the first update has the rate 0.
      target_lr: The full rate.

    >>> from warmup_optax.compat import keras
    >>> schedule = keras.lr_warmup_cosine_decay(4, hold=2, total_steps=10, target_lr=1.0)
    >>> schedule([0, 2, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.5]
    """
    begin = _begin_of_decay(warmup_steps, hold, total_steps)
    warmup = wo.linear(0.0, target_lr, warmup_steps)
    return wo.join(
        [warmup, wo.shapes.cosine_wave(target_lr, 0.0, total_steps - begin)],
        [warmup_steps],
        offsets=[0, begin],
    )


@port(init_value="start_lr", peak_value="target_lr", hold_steps="hold")
def WarmUpCosineDecay(
    start_lr: float, target_lr: float, warmup_steps: int, total_steps: int, hold: int
) -> wo.Schedule:
    """The schedule class of the Keras warmup guide: a line up, a hold, a cosine down to 0.

    0 at 0, ``target_lr`` from ``warmup_steps`` to ``warmup_steps + hold``, 0 from ``total_steps`` on.

    The original never uses ``start_lr``: its line always starts at 0, and so does this one. The line that
    was meant is ``wo.warmup_cosine(target_lr, warmup_steps=warmup_steps, hold_steps=hold,
    total_steps=total_steps, init_value=start_lr)``.

    Args:
      start_lr: Ignored, as in the original: the first update has the rate 0.
      target_lr: The full rate.
      warmup_steps: Updates of warmup, a whole number >= 0.
      total_steps: Updates of the whole, more than ``warmup_steps + hold``.
      hold: Updates at ``target_lr`` after the warmup, a whole number >= 0.

    >>> from warmup_optax.compat import keras
    >>> schedule = keras.WarmUpCosineDecay(0.0, 1.0, warmup_steps=4, total_steps=10, hold=2)
    >>> schedule([0, 2, 4, 6, 8, 10, 12]).round(6).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]
    """
    _begin_of_decay(warmup_steps, hold, total_steps)
    return wo.warmup_cosine(target_lr, warmup_steps=warmup_steps, total_steps=total_steps, hold_steps=hold)


def _whole_boundaries(boundaries: Sequence[float]) -> list[int]:
    """Boundaries cut to whole counts, as Keras cuts them beside a whole count."""
    given = as_tuple("boundaries", boundaries, "a sequence of counts")
    for i, boundary in enumerate(given):
        check_concrete(f"boundaries[{i}]", boundary)
        check_number(f"boundaries[{i}]", boundary)
    return [int(boundary) for boundary in given]


def _begin_of_decay(warmup_steps: int, hold: int, total_steps: int) -> int:
    check_steps("warmup_steps", warmup_steps, at_least=0)
    check_steps("hold", hold, at_least=0)
    check_steps("total_steps", total_steps, at_least=0)
    begin = warmup_steps + hold
    if is_concrete(begin) and is_concrete(total_steps) and not total_steps > begin:
        allowed = f"more than warmup_steps={warmup_steps} + hold={hold}"
        refuse("total_steps", total_steps, allowed, "it includes them")
    return begin
