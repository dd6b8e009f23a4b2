r"""pytorch-warmup (0.2.0): warmup factors that multiply a schedule, which counts from the start of the run.

The first argument is the schedule, or the number, to multiply; the original reads it from the optimizer. Update
0 has the factor of step 1, so it is never 0. A linear warmup of period :math:`\tau` is complete at update
:math:`\tau - 1`. The schedule's own decay runs during the warmup. ``last_step`` shifts the warmup, and not the
schedule.
"""

from __future__ import annotations

import itertools
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Length, Number
from ._parts import product
from ._port import check_steps, is_concrete, port, refuse
from ._rules import Check, ScheduleLike, bounded


def _int(where: str, name: str, value: object) -> object:
    """Raise for a float, because the original accepts only an int. Tracers pass."""
    if isinstance(value, float):
        refuse(name, value, "an int", f"give {int(value)}", error=TypeError)
    return value


Dampened = Annotated[ScheduleLike, "The schedule, function of a count, or number to multiply."]
Period = Annotated[Length, Check(_int), "The length of the warmup, in updates."]
Last = Annotated[int, "The last completed step of the warmup; -1 for none."]
BETA = "Adam's decay rate of the second moment, which the original reads from the optimizer."
Beta = Annotated[Fixed[Number], bounded("in [0, 1)", at_least=0, below=1), BETA]


@port()
def LinearWarmup(schedule: Dampened, warmup_period: Period, last_step: Last = -1) -> wo.Schedule:
    """Linear warmup: the schedule times ``min(1, (n + 1) / warmup_period)``.

    Update 0 has ``1 / warmup_period`` of the rate. From update ``warmup_period - 1`` on, the factor is 1.

    >>> pytorch_warmup.LinearWarmup(1.0, warmup_period=4)([0, 1, 3, 9]).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """
    return _dampened(schedule, wo.linear(0.0, 1.0, warmup_period), 1, last_step)


@port()
def ExponentialWarmup(schedule: Dampened, warmup_period: Period, last_step: Last = -1) -> wo.Schedule:
    """Exponential warmup: the schedule times ``1 - exp(-(n + 1) / warmup_period)``, which approaches 1.

    Update 0 has about ``1 / warmup_period`` of the rate, and update ``warmup_period - 1`` has 63 %.

    >>> pytorch_warmup.ExponentialWarmup(1.0, warmup_period=4)([0, 3, 99]).round(3).tolist()
    [0.22100001573562622, 0.6320000290870667, 1.0]
    """
    factor = wo.shapes.exponential_approach(0.0, 1.0, timescale=warmup_period)
    return _dampened(schedule, factor, 1, last_step)


@port()
def UntunedLinearWarmup(schedule: Dampened, b2: Beta = 0.999, last_step: Last = -1) -> wo.Schedule:
    """`LinearWarmup` with the period ``int(2 / (1 - b2))``: an untuned warmup for Adam.

    The division is in float64, as in the original, so the period is 1999 for 0.999, not 2000.

    >>> pytorch_warmup.UntunedLinearWarmup(1.0, b2=0.75)([0, 3, 7, 8]).tolist()
    [0.125, 0.5, 1.0, 1.0]
    """
    return LinearWarmup(schedule, int(2.0 / (1.0 - b2)), last_step)


@port()
def UntunedExponentialWarmup(schedule: Dampened, b2: Beta = 0.999, last_step: Last = -1) -> wo.Schedule:
    """`ExponentialWarmup` with the period ``int(1 / (1 - b2))``: close to Adam's bias correction.

    >>> pytorch_warmup.UntunedExponentialWarmup(1.0, b2=0.75)([0, 3, 99]).round(3).tolist()
    [0.22100001573562622, 0.6320000290870667, 1.0]
    """
    return ExponentialWarmup(schedule, int(1.0 / (1.0 - b2)), last_step)


@port()
def RAdamWarmup(
    schedule: Dampened,
    b2: Annotated[Fixed[Number], bounded("in (0.6, 1)", above=0.6, below=1), BETA] = 0.999,
    last_step: Last = -1,
) -> wo.Schedule:
    """The schedule times RAdam's rectification term, from the first step at which it is defined.

    For a usual ``b2``, update 0 has the term of step 5 (1.7 % for 0.999). It approaches 1 after about ``20 / (1 -
    b2)`` updates.

    >>> pytorch_warmup.RAdamWarmup(1.0, b2=0.999)([0, 995, 19995]).round(4).tolist()
    [0.01730000041425228, 0.6452999711036682, 1.0]
    """
    longest = 2 / (1 - b2) - 1
    rho = (longest - 2 * t * b2**t / (1 - b2**t) for t in itertools.count(1))
    first = next(t for t, value in enumerate(rho, 1) if value > 4)
    return _dampened(schedule, wo.shapes.radam(1.0, b2=b2), first, last_step)


def _dampened(schedule: ScheduleLike, factor: wo.Schedule, first: int, last_step: int) -> wo.Schedule:
    """A schedule times a factor. Without a ``last_step``, update 0 has the factor of step ``first``."""
    check_steps("last_step", last_step, at_least=-1)
    last = -1 if is_concrete(last_step) and last_step == -1 else last_step
    return product(schedule, wo.shift(factor, -1 - last - first))
