"""Numbers and functions as schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast, final

import jax.numpy as jnp
from jax.typing import ArrayLike

from . import checks
from .node import checked, static
from .phases import CONSTANT, Phase, View
from .scalars import Numeric
from .schedule import Schedule
from .time import Time
from .types import Number, NumberField, ScheduleLike


@final
class Constant(Schedule, kind="constant"):
    """Made by `constant`."""

    value: NumberField = checked(checks.number)

    def evaluate(self, time: Time) -> Numeric:
        return self.value

    def walk(self, view: View) -> Iterator[Phase]:
        yield Phase(0, CONSTANT)


@checks.by_name
def constant(value: Number) -> Constant:
    """The same learning rate at every count.

    Every update has ``value``, including the last update of a run.

    See also `warmup_constant`, `with_cooldown`, which ends such a run, and :doc:`/guides/which`.

    Args:
      value: Any finite number.

    Returns:
      A `Schedule`, exactly ``value`` everywhere, of the shape of the count. Optax's constant schedule
      returns a Python number for every count.

    Raises:
      ValueError: If ``value`` is not finite.
      TypeError: If it is not a number.

    >>> import warmup_optax as wo
    >>> wo.constant(0.5)([0, 7]).tolist()
    [0.5, 0.5]
    """
    return Constant(value)


@final
class Function(Schedule, kind="as_schedule"):
    """Any function of a count as a schedule; made by `as_schedule`. Compares by the function."""

    function: Callable[..., ArrayLike] = static()

    def _is_pure(self) -> bool:
        return False

    def evaluate(self, time: Time) -> Numeric:
        value = time.call(self.function)
        if jnp.shape(value) != ():
            raise ValueError(
                f"a schedule must give one number for one count, got shape {jnp.shape(value)} "
                f"from {self.function!r}; return a scalar"
            )
        return cast(Numeric, value)

    def walk(self, view: View) -> Iterator[Phase]:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        yield Phase(0, name.split(".<locals>")[0])


@checks.by_name
def as_schedule(schedule: ScheduleLike) -> Schedule:
    """Convert a number, a function of a count, or a schedule to a `Schedule`.

    At the last update of a run of ``N`` updates, the function receives count ``N - 1``.

    See also `constant`, `Schedule`, and :doc:`/guides/own_nodes`.

    Args:
      schedule: A finite number, a callable ``count -> value`` such as an Optax schedule, or a `Schedule`,
        which is returned unchanged. A function must be pure, as for ``jax.jit``: other variables that it uses
        are read once, when it is traced.

    Returns:
      A `Schedule`. One made from a function has that function as a fixed part: it compares by the function,
      and cannot be saved by `to_config`.

    Raises:
      TypeError: If it is none of these.

    >>> import optax, warmup_optax as wo
    >>> wo.as_schedule(0.1)
    constant(value=0.1)
    >>> float(wo.as_schedule(optax.linear_schedule(0.0, 1.0, 4))(1))
    0.25
    """
    return as_schedule_argument("as_schedule", "schedule", schedule)


def is_stateful(schedule: object) -> bool:
    """Return whether it is a stateful schedule, which Optax recognizes by its methods."""
    return callable(schedule) and hasattr(schedule, "init") and hasattr(schedule, "update")


def as_schedule_argument(where: str, name: str, schedule: object) -> Schedule:
    """`as_schedule` for an argument ``name`` of a function ``where``, which its errors speak of."""
    if isinstance(schedule, Schedule):
        return schedule
    allowed = "a schedule, a function of a count, or a finite number"
    if is_stateful(schedule):
        fix = "its value depends on an optimizer's state: give it to scheduled or to optax.inject_hyperparams"
        checks.raise_bad_argument(where, name, schedule, allowed, fix, error=TypeError)
    if isinstance(schedule, type) or not (callable(schedule) or hasattr(schedule, "__float__")):
        fix = checks.text_fix(schedule) if isinstance(schedule, str) else ""
        checks.raise_bad_argument(where, name, schedule, allowed, fix, error=TypeError)
    if callable(schedule):
        return Function(cast(Callable[..., ArrayLike], schedule))
    return Constant(checks.number(where, name, schedule))


def schedules_argument(where: str, name: str, schedules: object) -> tuple[Schedule, ...]:
    """A sequence of schedules, at least one."""
    allowed = "a sequence of schedules"
    if isinstance(schedules, Schedule):
        checks.raise_bad_argument(where, name, schedules, allowed, "put it in a list", error=TypeError)
    schedules = checks.sequence(where, name, schedules, allowed)
    if not schedules:
        checks.raise_bad_argument(where, name, schedules, "at least one schedule")
    return tuple(as_schedule_argument(where, f"{name}[{i}]", x) for i, x in enumerate(schedules))


Schedule._convert = staticmethod(as_schedule_argument)
