"""What it does to a run to go on with another schedule."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import numpy as np

from .._core import checks
from .._core.schedule import Schedule, ScheduleLike, Steps, as_schedule_argument
from .sample import values_at

_BLOCK = 2**16  # counts evaluated at once: one compiled program whatever the count


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Made by `compare`: two schedules at a count, and before it. Printed, it is a sentence.

    Attributes:
      count: The count at which the new schedule takes over.
      old_value: What the old schedule gives there.
      new_value: What the new schedule gives there.
      first_difference: The first count before it at which the two differ in any bit, or None.
      past_difference: The largest difference before it, as a fraction of the larger of the two values: 0.0
        for the same bits, about 1e-7 for the same formula rounded in another way.
    """

    count: int
    old_value: float
    new_value: float
    first_difference: int | None
    past_difference: float

    @property
    def same_past(self) -> bool:
        """Whether the two agree bit for bit at every count before `count`."""
        return self.first_difference is None

    @property
    def ratio(self) -> float:
        """``new_value / old_value``: 1.0 where the rate goes on without a jump, infinite after a 0."""
        if self.new_value == self.old_value:
            return 1.0
        return self.new_value / self.old_value if self.old_value else math.copysign(math.inf, self.new_value)

    def __str__(self) -> str:
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
            f"by up to {100 * self.past_difference:.2g} %"
        )


def compare(old: ScheduleLike, new: ScheduleLike, count: Steps) -> Comparison:
    """What a run that goes on with another schedule will notice: a guard for the start of a resumed run.

    Args:
      old: The schedule that the run has had until now: a schedule, a function of a count, or a number.
      new: The schedule that it goes on with.
      count: The number of the first update with the new one, a whole number >= 0: `update_count` of the
        restored optimizer state.

    Returns:
      A `Comparison`: both values at ``count``, and how the two differ before it. Computed on the host.

    Raises:
      ValueError: If ``count`` is negative or fractional.
      TypeError: If an argument is of the wrong type, or traced.

    >>> import warmup_optax as wo
    >>> old = wo.warmup_constant(3e-4, warmup_steps=100)
    >>> change = wo.compare(old, wo.with_cooldown(old, begin=600, steps=200), count=600)
    >>> change.same_past, change.ratio
    (True, 1.0)
    >>> print(wo.compare(old, wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1100), count=600))
    at count 600 the value changes from 0.0003 to 0.00015 (0.5 times); before it the two schedules differ \
from count 101 on, by up to 50 %
    """
    old, new = _concrete("old", old), _concrete("new", new)
    if checks.is_traced(count):
        checks.raise_bad_argument("compare", "count", count, "a number known before tracing", error=TypeError)
    count = int(checks.steps("compare", "count", count))
    first, largest = None, 0.0
    a = b = np.zeros(1)
    for start in range(0, count + 1, _BLOCK):
        # The last block repeats `count`, its last value, to the full length.
        counts = np.minimum(np.arange(start, start + _BLOCK), count)
        a, b = (values_at(schedule, counts).astype(np.float64) for schedule in (old, new))
        past = min(count - start, _BLOCK)
        differing = np.flatnonzero(a[:past] != b[:past])
        if differing.size:
            first = start + int(differing[0]) if first is None else first
            x, y = a[differing], b[differing]
            largest = max(largest, float(np.max(np.abs(x - y) / np.maximum(np.abs(x), np.abs(y)))))
    return Comparison(count, float(a[-1]), float(b[-1]), first, largest)


def _concrete(name: str, schedule: Any) -> Schedule:
    schedule = as_schedule_argument("compare", name, schedule)
    if any(map(checks.is_traced, jax.tree.leaves(schedule))):
        fix = "compare outside of jit"
        checks.raise_bad_argument(
            "compare", name, schedule, "a schedule without traced numbers", fix, error=TypeError
        )
    return schedule
