r"""pytorch-warmup (0.2.0): factors that dampen the rate of a schedule that has been running under them.

The first argument is what the optimizer carries there: the schedule, or the number, to dampen. Update 0
has the factor of step 1, so it is never 0, and a linear warmup of period :math:`\tau` is over at update
:math:`\tau - 1`. Before the warmup is over the schedule's own decay has begun.
"""

from __future__ import annotations

import itertools
from typing import Any

import warmup_optax as wo

from ._parts import starting_after
from ._port import check_concrete, check_number, check_steps, port, refuse


@port(steps="warmup_period")
def LinearWarmup(schedule: Any, warmup_period: int, last_step: int = -1) -> wo.Schedule:
    """The schedule times ``min(1, (n + 1) / warmup_period)``.

    Update 0 has ``1 / warmup_period`` of the rate, update ``warmup_period - 1`` and all later ones all of it.

    Args:
      schedule: The schedule, function of a count, or number to dampen.
      warmup_period: A whole number >= 1.
      last_step: The last step of the warmup that has been made; -1 is none. The schedule does not move.

    >>> from warmup_optax.compat import pytorch_warmup
    >>> pytorch_warmup.LinearWarmup(1.0, warmup_period=4)([0, 1, 3, 9]).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """
    factor = wo.shift(wo.linear(0.0, 1.0, _period(warmup_period)), -1)
    return wo.as_schedule(schedule) * starting_after(factor, last_step, "last_step")


@port(timescale="warmup_period")
def ExponentialWarmup(schedule: Any, warmup_period: int, last_step: int = -1) -> wo.Schedule:
    """The schedule times ``1 - exp(-(n + 1) / warmup_period)``, which comes ever closer to it.

    Update 0 has about ``1 / warmup_period`` of the rate, update ``warmup_period - 1`` has 63 % of it.

    Args:
      schedule: The schedule, function of a count, or number to dampen.
      warmup_period: A whole number >= 1.
      last_step: The last step of the warmup that has been made; -1 is none. The schedule does not move.

    >>> from warmup_optax.compat import pytorch_warmup
    >>> pytorch_warmup.ExponentialWarmup(1.0, warmup_period=4)([0, 3, 99]).round(3).tolist()
    [0.22100001573562622, 0.6320000290870667, 1.0]
    """
    factor = wo.shapes.exponential_approach(0.0, 1.0, timescale=_period(warmup_period))
    return wo.as_schedule(schedule) * starting_after(wo.shift(factor, -1), last_step, "last_step")


@port()
def UntunedLinearWarmup(schedule: Any, b2: float = 0.999, last_step: int = -1) -> wo.Schedule:
    """`LinearWarmup` of the period ``int(2 / (1 - b2))``: Adam's warmup without tuning.

    The division is the original's in float64, so the period is the original's too: 1999 for 0.999, not 2000.

    Args:
      schedule: The schedule, function of a count, or number to dampen.
      b2: Adam's decay of the second moment, which the original reads from the optimizer; in [0, 1).
      last_step: The last step of the warmup that has been made; -1 is none.

    >>> from warmup_optax.compat import pytorch_warmup
    >>> pytorch_warmup.UntunedLinearWarmup(1.0, b2=0.75)([0, 3, 7, 8]).tolist()
    [0.125, 0.5, 1.0, 1.0]
    """
    return LinearWarmup(schedule, int(2.0 / (1.0 - _decay(b2))), last_step)


@port()
def UntunedExponentialWarmup(schedule: Any, b2: float = 0.999, last_step: int = -1) -> wo.Schedule:
    """`ExponentialWarmup` of the period ``int(1 / (1 - b2))``: close to Adam's bias correction.

    Args:
      schedule: The schedule, function of a count, or number to dampen.
      b2: Adam's decay of the second moment, which the original reads from the optimizer; in [0, 1).
      last_step: The last step of the warmup that has been made; -1 is none.

    >>> from warmup_optax.compat import pytorch_warmup
    >>> pytorch_warmup.UntunedExponentialWarmup(1.0, b2=0.75)([0, 3, 99]).round(3).tolist()
    [0.22100001573562622, 0.6320000290870667, 1.0]
    """
    return ExponentialWarmup(schedule, int(1.0 / (1.0 - _decay(b2))), last_step)


@port()
def RAdamWarmup(schedule: Any, b2: float = 0.999, last_step: int = -1) -> wo.Schedule:
    """The schedule times RAdam's rectification, begun at the first step that has one.

    Update 0 has the rectification of step 5 for a usual ``b2`` (1.7 % for 0.999); it nears 1 after about
    ``20 / (1 - b2)`` updates.

    Args:
      schedule: The schedule, function of a count, or number to dampen.
      b2: Adam's decay of the second moment, which the original reads from the optimizer; in (0.6, 1).
      last_step: The last step of the warmup that has been made; -1 is none.

    >>> from warmup_optax.compat import pytorch_warmup
    >>> pytorch_warmup.RAdamWarmup(1.0, b2=0.999)([0, 995, 19995]).round(4).tolist()
    [0.01730000041425228, 0.6452999711036682, 1.0]
    """
    check_concrete("b2", b2)
    check_number("b2", b2, above=0.6, below=1)
    factor, longest = wo.shapes.radam(1.0, b2=b2), 2 / (1 - b2) - 1
    rho = (longest - 2 * t * b2**t / (1 - b2**t) for t in itertools.count(1))
    first = next(t for t, value in enumerate(rho, 1) if value > 4)
    return wo.as_schedule(schedule) * starting_after(wo.shift(factor, -first), last_step, "last_step")


def _period(warmup_period: Any) -> Any:
    """The original takes a Python int, and nothing else; a traced number is one too."""
    check_steps("warmup_period", warmup_period)
    if isinstance(warmup_period, float):
        refuse("warmup_period", warmup_period, "an int", f"give {int(warmup_period)}", error=TypeError)
    return warmup_period


def _decay(b2: Any) -> float:
    """A concrete decay of the second moment, from which a period can be worked out."""
    check_concrete("b2", b2)
    check_number("b2", b2, at_least=0, below=1)
    return b2
