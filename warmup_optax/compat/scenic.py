"""Scenic (2026, at 4a38d47): ``compound_lr_scheduler`` of ``scenic.train_lib.lr_schedules``, factor strings.

Its factors have the names of T5X's, but most have another meaning. Scenic passes the schedule to Optax, so its
step is 0 at the first update.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import warmup_optax as wo

from . import _factors
from ._config import Config
from ._parts import in_ticks, in_updates, is_zero, product, shrinking_cycles
from ._port import is_concrete, port, refuse
from ._rules import ScheduleLike, checked, plain_number, rates


@port(boundaries="decay_events", values="decay_factors", growth="t_mul", decay="m_mul")
def compound_lr_scheduler(config: Config) -> wo.Schedule:
    r"""The factors named in ``config["factors"]``, applied in this order.

    .. math:: r \mapsto r\, f(n) \quad\text{or, for linear\_decay,}\quad r \mapsto r\, f(n) + E\, (1 - f(n))

    The first :math:`r` is 1. In the table, :math:`W` is ``warmup_steps`` and :math:`T` is ``total_steps``.

    ======================  ==================================================================================
    factor                  its value at update :math:`n`, and the entries of ``config`` that it uses
    ======================  ==================================================================================
    ``constant``            ``base_learning_rate``
    ``linear_warmup``       a linear ramp from ``warmup_alpha`` (0) to 1 at :math:`W`, >= 0
    ``polynomial``          ``end_factor + (1 - end_factor) * (1 - n / decay_steps) ** power``, from update 0
                            on, constant from ``decay_steps`` on
    ``piecewise_constant``  1, then ``decay_factors[i]`` from update ``decay_events[i] + 1`` on, absolute
    ``piecewise_linear``    linear ramps from 1 at update 0 to ``decay_factors[i]`` at ``decay_events[i]``
    ``rsqrt_decay``         ``sqrt(timescale / (n + timescale - W))``, 1 up to :math:`W` (0); ``timescale``
                            (10,000)
    ``decay_every``         ``decay_factor ** (n // steps_per_decay)``
    ``exponential_decay``   ``decay_rate ** (n / decay_steps)``, optionally as a ``staircase`` (False)
    ``cosine_decay``        half a cosine from 1 to ``alpha`` (0) from :math:`W` (0) + ``start_decay_step``
                            (0) on, repeatedly. A cycle has ``steps_per_cycle`` minus
                            ``int(W / (total_steps / steps_per_cycle))`` steps (``total_steps``: one cycle). If
                            none remains, the factor is 1. Each cycle is ``t_mul`` (1) times as long as the
                            previous one, and ``m_mul`` (1) times as high above ``alpha``.
    ``linear_decay``        :math:`f` decays from 1 at :math:`W` (0) to 0 at :math:`T`. The product of the
                            factors to its left decays to ``end_learning_rate`` (0), :math:`E`
    ``linear_cooldown``     ``min(1, (T - n) / cooldown_steps)``, before :math:`W` (0) its value there;
                            **negative** after :math:`T`
    ======================  ==================================================================================

    Args:
      config: A dictionary or ConfigDict with ``factors``, which are names from the table joined by ``*``, and the
        entries that they use. The table has the defaults in parentheses. Lengths are in updates, whole or not.

    The differences from the original are these. With ``t_mul``, ``m_mul`` applies from the first update of a
    cycle, in the original sometimes one later. The last value stays where the original gives NaN: if a ``t_mul``
    below 1 leaves no further cycle, or if there are fewer ``decay_factors`` than ``decay_events``. The original
    adds a millionth of a step to ``piecewise_linear``, to avoid a division by 0. This port does not.

    >>> config = {"factors": "constant*linear_warmup*rsqrt_decay", "base_learning_rate": 0.5}
    >>> scenic.compound_lr_scheduler(config | {"warmup_steps": 4, "timescale": 1})([0, 2, 4, 7]).tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    factors: list[ScheduleLike] = []
    for name in _factors.parse(_entry(config, "factors"), FACTORS):
        factor = FACTORS[name](config)
        end = _number(config, "end_learning_rate", 0.0) if name == "linear_decay" else 0.0
        factors.append(factor)
        if not is_zero(end):
            factors = [product(*factors) + _fall(config, 0.0, 1.0) * end]
    return product(*factors)


def _entry(config: Config, name: str) -> object:
    """Return a required entry."""
    try:
        return config[name]
    except KeyError:
        refuse("config", sorted(config), f"a mapping with the entry {name!r}, which its factors use")


def _number(config: Config, name: str, default: float | None = None, **bounds: float) -> float:
    """Return an entry that is a number within bounds. Without a default it is required."""
    given = _entry(config, name) if default is None else config.get(name, default)
    return plain_number("", name, given, **bounds)


def _numbers(config: Config, name: str) -> tuple[float, ...]:
    return checked([rates], "", name, _entry(config, name))


def _warmup_steps(config: Config) -> float:
    return _number(config, "warmup_steps", 0, at_least=0)


def _polynomial(config: Config) -> wo.Schedule:
    ticks, (steps,) = in_ticks(_number(config, "decay_steps", above=0))
    end, power = _number(config, "end_factor"), _number(config, "power", above=0)
    return in_updates(wo.polynomial(1.0, end, steps, power=power), ticks)


def _piecewise_constant(config: Config) -> wo.Schedule:
    begins = [max(math.floor(event) + 1, 0) for event in sorted(_numbers(config, "decay_events"))]
    return _factors.stairs(begins, _numbers(config, "decay_factors"))


def _piecewise_linear(config: Config) -> wo.Schedule:
    ticks, events = in_ticks(0, *_numbers(config, "decay_events"))
    return in_updates(wo.piecewise_linear([1.0, *_numbers(config, "decay_factors")], events), ticks)


def _linear_warmup(config: Config) -> wo.Schedule:
    steps = _number(config, "warmup_steps", at_least=0)
    return _factors.warmup(_number(config, "warmup_alpha", 0.0, at_most=1), steps)


def _rsqrt_decay(config: Config) -> wo.Schedule:
    return _factors.rsqrt(1.0, _warmup_steps(config), _number(config, "timescale", 10_000, above=0))


def _decay_every(config: Config) -> wo.Schedule:
    length = _number(config, "steps_per_decay", above=0)
    return _factors.decay(_number(config, "decay_factor", at_least=0), length, staircase=True)


def _exponential_decay(config: Config) -> wo.Schedule:
    length, rate = _number(config, "decay_steps", above=0), _number(config, "decay_rate", at_least=0)
    return _factors.decay(rate, length, staircase=config.get("staircase", False))


def _cosine_decay(config: Config) -> ScheduleLike:
    steps_per_cycle, warmup_steps = _number(config, "steps_per_cycle", above=0), _warmup_steps(config)
    t_mul, m_mul = _number(config, "t_mul", 1.0, above=0), _number(config, "m_mul", 1.0)
    alpha, start = _number(config, "alpha", 0.0), _number(config, "start_decay_step", 0, at_least=0)
    whole_cycles = _number(config, "total_steps", steps_per_cycle, above=0) / steps_per_cycle
    ticks, (cycle, begin) = in_ticks(steps_per_cycle - int(warmup_steps / whole_cycles), warmup_steps + start)
    if cycle <= 0:
        return 1.0
    cosine = wo.cosine(1 - alpha, 0.0, cycle)
    if is_zero(m_mul):
        cycles = wo.join([cosine, 0.0], [cycle])
    elif t_mul < 1:
        cycles = shrinking_cycles(
            lambda i, steps: wo.cosine((1 - alpha) * m_mul**i, 0.0, steps), cycle, t_mul
        )
    elif is_concrete(m_mul) and m_mul == 1:  # no sum is needed, because the cosine can end at alpha
        cycles, alpha = wo.restart(wo.cosine(1.0, alpha, cycle), period=cycle, growth=t_mul), 0.0
    else:
        cycles = wo.restart(cosine, period=cycle, growth=t_mul, decay=m_mul)
    return in_updates(wo.shift(cycles if is_zero(alpha) else cycles + alpha, begin), ticks)


def _linear_decay(config: Config) -> wo.Schedule:
    return _fall(config, 1.0, 0.0)


def _fall(config: Config, first: float, last: float) -> wo.Schedule:
    """A linear ramp between the warmup and the end of the run."""
    total_steps, warmup_steps = _number(config, "total_steps"), _warmup_steps(config)
    if not total_steps > warmup_steps:
        said = "With linear decay, total_steps should be higher than warmup_steps."
        refuse("total_steps", total_steps, f"above warmup_steps ({warmup_steps})", said)
    ticks, (begin, end) = in_ticks(warmup_steps, total_steps)
    return in_updates(wo.shift(wo.linear(first, last, end - begin), begin), ticks)


def _linear_cooldown(config: Config) -> wo.Schedule:
    total_steps = _number(config, "total_steps", at_least=0)
    cooldown_steps, warmup_steps = _number(config, "cooldown_steps", above=0), _warmup_steps(config)
    decay = _factors.cooldown(total_steps, cooldown_steps)
    if total_steps - cooldown_steps >= warmup_steps:
        return decay
    first = (total_steps - warmup_steps) / cooldown_steps  # the cooldown has begun before the warmup ends
    begin = math.ceil(warmup_steps)
    return wo.join([first, decay], [begin], [0, 0]) if begin else decay


FACTORS: dict[str, Callable[[Config], ScheduleLike]] = {
    "constant": lambda config: wo.constant(_number(config, "base_learning_rate")),
    "polynomial": _polynomial,
    "piecewise_constant": _piecewise_constant,
    "piecewise_linear": _piecewise_linear,
    "linear_warmup": _linear_warmup,
    "rsqrt_decay": _rsqrt_decay,
    "decay_every": _decay_every,
    "exponential_decay": _exponential_decay,
    "cosine_decay": _cosine_decay,
    "linear_decay": _linear_decay,
    "linear_cooldown": _linear_cooldown,
}
