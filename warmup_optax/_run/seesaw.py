"""A ramp of batch sizes that replaces a part of a decay."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._combinators.clocks import InSteps
from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.schedule import Schedule
from .._core.types import Number, ScheduleLike
from .._shapes.piecewise import piecewise_constant
from .._view.transfer import host_rates
from .exact import whole_number
from .units import TrainingRun

_ROUNDING = 1e-6  # of the peak: a decay in float32 may rise by a few units in the last place


class Seesaw(NamedTuple):
    """The result of `seesaw`: a schedule, and the run with its batch sizes.

    Attributes:
      schedule: The learning rates, a schedule of the new run's updates.
      run: The `TrainingRun` with the ramp of batch sizes and the number of updates.
    """

    schedule: Schedule
    run: TrainingRun


@checks.by_name
def seesaw(schedule: ScheduleLike, *, total_steps: Number, batch_size: Number, doublings: Number) -> Seesaw:
    r"""Replace a part of a decay by a ramp of batch sizes, so that the run takes fewer updates.

    Also known as a batch-size warmup in place of a learning-rate decay. Each time the schedule would have
    halved its rate, the batch is doubled and the rate is only divided by :math:`\sqrt 2`. Noise in Adam's
    updates depends on :math:`\eta / \sqrt B`, so it decays as before.

    The old run has :math:`B` examples in an update, and so :math:`x / B` updates behind it after :math:`x`
    examples. Its rate falls to :math:`2^{-j}` of its peak at update :math:`c_j` or, in examples,
    :math:`c_j B`. Update :math:`n` of the new run begins after :math:`x_n` examples and has

    .. math::
      2^j B \ \text{examples and the rate} \ 2^{j / 2} \, s(x_n / B)

      \text{with the largest} \ j \le d \ \text{for which} \ c_j B \le x_n.

    :math:`x_n` is a multiple of :math:`B`, so :math:`x_n / B` is a whole count of the old schedule.

    Args:
      schedule: :math:`s`, the schedule of the old run, with a decay after its peak and no rise after that: a
        schedule, a function of a count, or a number.
      total_steps: The updates of the old run, a whole number >= 1.
      batch_size: :math:`B`, examples in an update of the old run, a whole number >= 1.
      doublings: :math:`d`, how often the batch size is doubled, a whole number >= 1. The largest batch has
        :math:`2^d B` examples. It should not be above the critical batch size.

    Returns:
      A `Seesaw` ``(schedule, run)``. ``run.batch_size`` is the ramp and ``run.total_steps`` the updates that the
      old run's ``total_steps * batch_size`` examples are enough for: an update that they do not fill is left out.
      ``schedule`` has the same clock. Both are exact.

    Raises:
      ValueError: If a number is out of its range, if the schedule rises after its peak or has a negative or NaN
        rate, if it does not fall to :math:`2^{-d}` of its peak, or if no update of the largest batch fits into
        the run. The last two errors name the number of doublings that fits.
      TypeError: If an argument is of the wrong type, or traced.

    A cosine to 0 over 10,000 updates becomes 36 % shorter, as in the paper. The rule holds where noise dominates
    the gradient. Adam's ``b1`` and ``b2`` stay as they are; `scale_hyperparams` changes them with the batch.

    Source: Meterez et al., Seesaw: Accelerating Training by Balancing Learning Rate and Batch Size Scheduling
    (2025, arXiv 2510.14717), with a factor of 2.

    >>> import warmup_optax as wo
    >>> cosine = wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=10_000)
    >>> schedule, run = wo.seesaw(cosine, total_steps=10_000, batch_size=256, doublings=3)
    >>> run.total_steps, run.batch_size
    (6415, ((0, 256), (1292800, 512), (1715200, 1024), (1977088, 2048)))
    >>> [f"{rate:.2e}" for rate in schedule([0, 100, 5049, 5050, 6414])]
    ['0.00e+00', '1.00e-03', '5.00e-04', '7.07e-04', '1.03e-08']
    """
    where = "seesaw"
    old = as_schedule_argument(where, "schedule", schedule)
    updates = whole_number(where, "total_steps", total_steps, at_least=1)
    size = whole_number(where, "batch_size", batch_size, at_least=1)
    wanted = whole_number(where, "doublings", doublings, at_least=1)
    halvings = _halvings(where, host_rates(where, "schedule", old, updates), wanted)
    runs = [_run_with(halvings[:d], size, updates * size) for d in range(1, len(halvings) + 1)]
    fitting = max((d for d, run in enumerate(runs, start=1) if run is not None), default=0)
    run = runs[wanted - 1] if wanted <= len(runs) else None
    if run is None:
        allowed = f"at most {fitting}: each halving of the rate needs an update after it in {updates} updates"
        fix = f"set doublings={fitting}" if fitting else "give a schedule that decays to half of its peak"
        checks.raise_bad_argument(where, "doublings", doublings, allowed, fix)
    boundaries, starts, takes, _ = run._segments("examples")
    sizes = [take // size for take in takes]
    old_clock = InSteps(old, boundaries, [x // size for x in starts], sizes)
    return Seesaw(old_clock * piecewise_constant([math.sqrt(x) for x in sizes], boundaries), run)


def _halvings(where: str, rates: np.ndarray, most: int) -> list[int]:
    """Return the counts at which the rate has fallen to 1/2, 1/4, ... of its peak, at most ``most``."""
    top = int(rates.argmax())
    peak, decay = rates[top], rates[top:]
    rises = np.flatnonzero(np.diff(decay) > _ROUNDING * peak)
    if rises.size:
        before = top + int(rises[0])
        allowed = f"at most schedule({before}) = {rates[before]:g}: no rise after the peak"
        fix = "give one decay, without restarts"
        checks.raise_bad_argument(where, f"schedule({before + 1})", float(rates[before + 1]), allowed, fix)
    found: list[int] = []
    # A batch of more examples than the run has fits nowhere.
    for j in range(1, min(most, len(rates).bit_length()) + 1):
        low = decay <= peak / 2**j
        if not low.any():
            break
        found.append(top + int(low.argmax()))
    return found


def _run_with(halvings: list[int], size: int, examples: int) -> TrainingRun | None:
    """Return the run whose batch doubles at these counts of the old run, or None if the last has no update."""
    ramp = {0: size} | {count * size: size << j for j, count in enumerate(halvings, start=1)}
    run = TrainingRun(batch_size=ramp.items())
    total_steps = run.steps(examples=examples)
    if total_steps <= run._segments("examples")[0][-1]:
        return None
    return TrainingRun(batch_size=run.batch_size, total_steps=total_steps)
