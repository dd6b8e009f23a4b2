"""Compare two schedules, before a run continues with the second one."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import jax
import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.schedule import Schedule
from .._core.types import ScheduleLike, Steps
from .phases import CONSTANT, FAR, phases
from .sample import run_length, to_look_at, values_at
from .transfer import Transfer, host_rates, transfer_peak

if TYPE_CHECKING:
    from .sample import HasLength

_BLOCK = 2**16  # counts per evaluation, so that one compiled program serves every count
_LONGEST = 2**22  # the longest run, in updates, whose shape is compared by default: about 0.25 s
_SAME_SHAPE = 1e-3  # of the peak


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The result of `compare`: two schedules at a count and before it. It prints as a sentence.

    Attributes:
      count: The count at which the new schedule takes over.
      old_value: The value of the old schedule at ``count``.
      new_value: The value of the new schedule at ``count``.
      first_difference: The first count before ``count`` at which the two values differ in any bit, or None.
      past_difference: The largest difference before ``count``, as a fraction of the larger of the two values.
        It is 0.0 for the same bits, and about 1e-7 for the same formula with different rounding.
      transfer: The factor for a peak that was tuned for the old shape, as `transfer_peak` returns it. None if
        `compare` does not compute it.
    """

    count: int
    old_value: float
    new_value: float
    first_difference: int | None
    past_difference: float
    transfer: Transfer | None = None

    @property
    def same_past(self) -> bool:
        """Return whether the two values have the same bits at every count before ``count``."""
        return self.first_difference is None

    @property
    def ratio(self) -> float:
        """``new_value / old_value``: 1.0 if the rate does not jump, infinite if only ``old_value`` is 0."""
        if self.new_value == self.old_value:
            return 1.0
        return self.new_value / self.old_value if self.old_value else math.copysign(math.inf, self.new_value)

    def __str__(self) -> str:
        if self.transfer is None:
            return self._here_and_before()
        return (
            f"{self._here_and_before()}; the shapes differ, and transfer_peak multiplies a tuned peak by "
            f"{self.transfer}"
        )

    def _here_and_before(self) -> str:
        if self.new_value == self.old_value:
            here = f"at count {self.count} the value stays {self.old_value:.6g}"
        else:
            times = f" ({self.ratio:.4g} times)" if math.isfinite(self.ratio) else ""
            here = (
                f"at count {self.count} the value changes from {self.old_value:.6g} to "
                f"{self.new_value:.6g}{times}"
            )
        if not self.count:
            return here + "; there is no past"
        if self.same_past:
            return here + "; at every count before it the two schedules are the same, bit for bit"
        return (
            f"{here}; before it the two schedules differ from count {self.first_difference} on, "
            f"by up to {_percent(self.past_difference)}"
        )


def _percent(fraction: float) -> str:
    """Format a fraction as people write a percentage: 100 %, 0.25 %, 1e-5 %."""
    percent = float(f"{100 * fraction:.2g}")
    if percent >= 1e-3 or not percent:
        return f"{percent:.10f}".rstrip("0").rstrip(".") + " %"
    digits, _, exponent = f"{percent:e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)} %"


@checks.by_name
def compare(
    old: ScheduleLike,
    new: ScheduleLike,
    count: Steps | None = None,
    *,
    total_steps: Steps | HasLength | None = None,
) -> Comparison:
    """Compare the schedule of a run with the one it continues with: a check before a run is resumed.

    Args:
      old: The schedule of the run so far: a schedule, a function of a count, or a number.
      new: The schedule that the run continues with.
      count: The count of the first update with the new schedule, a whole number >= 0. Pass `update_count` of
        the restored optimizer state. None: 0, for two plans of a run that has not begun.
      total_steps: The length of the run in updates, a whole number >= 1 or a `TrainingRun`, for the factor of
        `transfer_peak`. By default each schedule is as long as its decay. A schedule whose decay never ends,
        or that has none, is as long as the other.

    Returns:
      A `Comparison`: both values at ``count``, and how the two schedules differ before it. If they differ in
      shape, it also has the factor of `transfer_peak`. There is no factor if both have the same past, because
      the peak of such a run is over, or if neither length is known. It is computed on the host.

    Raises:
      ValueError: If ``count`` is negative or not whole, or ``total_steps`` is below 1 or not whole.
      TypeError: If an argument has the wrong type, or is traced.

    >>> import warmup_optax as wo
    >>> old = wo.warmup_constant(3e-4, warmup_steps=100)
    >>> change = wo.compare(old, wo.with_cooldown(old, begin=600, steps=200), count=600)
    >>> change.same_past, change.ratio
    (True, 1.0)
    >>> print(wo.compare(old, wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1100), count=600))
    at count 600 the value changes from 0.0003 to 0.00015 (0.5 times); before it the two schedules differ \
from count 101 on, by up to 50 %; the shapes differ, and transfer_peak \
multiplies a tuned peak by 2.72 (2.28 to 3.24)
    """
    old, new = _concrete("old", old), _concrete("new", new)
    if checks.is_traced(count):
        checks.raise_bad_argument("compare", "count", count, "a number known before tracing", error=TypeError)
    count = 0 if count is None else int(checks.steps("compare", "count", count))
    length = None if total_steps is None else run_length("compare", total_steps)
    first, largest = None, 0.0
    a = b = np.zeros(1)
    for start in range(0, count + 1, _BLOCK):
        # The last block repeats `count`, its last value, to the full length.
        counts = np.minimum(np.arange(start, start + _BLOCK), count)
        a, b = (values_at(schedule, counts).astype(np.float64) for schedule in (old, new))
        past = count - start
        differing = np.flatnonzero(a[:past] != b[:past])
        if differing.size:
            first = start + int(differing[0]) if first is None else first
            x, y = a[differing], b[differing]
            largest = max(largest, float(np.max(np.abs(x - y) / np.maximum(np.abs(x), np.abs(y)))))
    transfer = None if count and first is None else _transfer(old, new, length)
    return Comparison(count, float(a[-1]), float(b[-1]), first, largest, transfer)


def _transfer(old: Schedule, new: Schedule, length: int | None) -> Transfer | None:
    """Return the factor between two shapes, or None for equal shapes and values that cannot be rates."""
    ends = (length, length) if length else (_end(old), _end(new))
    known = [end for end in ends if end]
    if not known or (max(known) > _LONGEST and not length):
        return None
    lengths = [end or known[0] for end in ends]
    try:
        rates = [host_rates("compare", "", *pair) for pair in zip((old, new), lengths, strict=True)]
    except checks.ArgumentError:  # a negative value, for example
        return None
    a, b = (x / x.max() for x in rates)
    if len(a) == len(b) and np.max(np.abs(a - b)) < _SAME_SHAPE:
        return None
    return transfer_peak(old, new, total_steps=lengths[0], new_total_steps=lengths[1])


def _end(schedule: Schedule) -> int | None:
    """Return the count at which the final decay of a schedule ends, or None without one."""
    found = list(itertools.islice(phases(schedule), 2**10))
    last = found[-1]
    if last.cause != "end" or last.shape != CONSTANT or len(found) == 1 or last.first > FAR / 4:
        return None
    before, after = values_at(schedule, np.array([found[-2].first, last.first]))
    return last.first if after < before else None


def _concrete(name: str, schedule: ScheduleLike) -> Schedule:
    schedule = as_schedule_argument("compare", name, to_look_at(schedule))
    if any(map(checks.is_traced, jax.tree.leaves(schedule))):
        fix = "compare outside of jit"
        checks.raise_bad_argument(
            "compare", name, schedule, "a schedule without traced numbers", fix, error=TypeError
        )
    return schedule
