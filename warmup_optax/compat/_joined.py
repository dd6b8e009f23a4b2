"""What the ports of libraries on `optax.join_schedules` share: phases whose begins are in no order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import warmup_optax as wo


def joined(schedules: Sequence[Any], begins: Sequence[int], offsets: Sequence[int] | None = None) -> Any:
    """Each schedule from its begin on, whatever stands before it; its own clock is at 0 at its offset.

    A later schedule wins over an earlier one wherever it has begun, as in Optax, so one that begins no
    later than its predecessor replaces it. `join` refuses such phases; here they are left out.
    """
    phases: list[tuple[Any, int, int]] = []
    for schedule, begin, offset in zip(schedules, begins, offsets or begins, strict=True):
        while phases and phases[-1][1] >= begin:
            phases.pop()
        phases.append((schedule, max(begin, 0) if phases else 0, offset))
    parts, starts, clocks = (list(x) for x in zip(*phases, strict=True))
    return wo.join(parts, starts[1:], None if clocks == starts else clocks)
