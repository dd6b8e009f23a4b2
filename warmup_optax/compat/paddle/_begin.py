"""What all of the schedulers share: the count that they begin at, and checks."""

from __future__ import annotations

import warmup_optax as wo


def beginning_at(last_epoch: int, schedule: wo.Schedule) -> wo.Schedule:
    """The schedule from its count ``last_epoch + 1`` on."""
    if last_epoch < -1:
        raise ValueError(f"last_epoch must be a whole number >= -1, got {last_epoch}")
    return schedule if last_epoch == -1 else wo.shift(schedule, -1 - last_epoch)


def positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be a finite number > 0, got {number!r}")


def below_1(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number < 1:
            raise ValueError(f"{name} must be a number below 1, got {number!r}")
