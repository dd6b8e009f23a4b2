"""Schedules of one structure as one schedule with batched numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import jax
import jax.numpy as jnp

from .._core import checks
from .._core.node import as_python
from .._core.schedule import Schedule
from .._core.tables import table

S = TypeVar("S", bound=Schedule)


def stack(schedules: Sequence[S]) -> S:
    """Schedules of one structure as one schedule with batched numbers, for ``jax.vmap``.

    Args:
      schedules: A sequence of schedules built in the same way, with other numbers: 64 `warmup_cosine`, say.

    Returns:
      A `Schedule` each of whose numbers is an array with an entry for each of ``schedules``. It is data:
      map over it, it cannot be called with a count by itself. `unstack` gives the schedules back.

    Raises:
      ValueError: If there is none, or two differ in more than their numbers.
      TypeError: If one is not a schedule.

    >>> import jax, warmup_optax as wo
    >>> stacked = wo.stack([wo.linear(0.0, peak, 4) for peak in (1.0, 2.0)])
    >>> jax.vmap(lambda schedule: schedule(2))(stacked).tolist()
    [0.5, 1.0]
    """
    where, name, allowed = "stack", "schedules", "a sequence of schedules"
    if isinstance(schedules, Schedule):
        checks.raise_bad_argument(where, name, schedules, allowed, error=TypeError)
    each = checks.sequence(where, name, schedules, allowed)
    if not each:
        checks.raise_bad_argument(where, name, each, "at least one schedule")
    for i, schedule in enumerate(each):
        if not isinstance(schedule, Schedule):
            fix = "make it one with as_schedule"
            checks.raise_bad_argument(where, f"{name}[{i}]", schedule, "a schedule", fix, error=TypeError)
        if jax.tree.structure(schedule) != jax.tree.structure(each[0]):
            allowed = f"built as schedules[0]={each[0]!r} is, only with other numbers"
            checks.raise_bad_argument(where, f"{name}[{i}]", schedule, allowed)
    return jax.tree.map(lambda *numbers: jax.device_put(table(numbers)), *each)


def unstack(schedule: S) -> list[S]:
    """The schedules of a stack.

    Args:
      schedule: What `stack` gave, or what became of it: every number an array with as many entries.

    Returns:
      A list of schedules. Their numbers are Python's again where they are concrete, so they can be printed,
      compared and saved: the shortest decimals that the float32 numbers of the stack round to.

    Raises:
      ValueError: If the numbers are not arrays of one length.
      TypeError: If it is not a schedule.

    >>> import warmup_optax as wo
    >>> wo.unstack(wo.stack([wo.linear(0.0, peak, 4) for peak in (0.1, 0.2)]))
    [linear(init_value=0.0, end_value=0.1, steps=4), linear(init_value=0.0, end_value=0.2, steps=4)]
    """
    if not isinstance(schedule, Schedule):
        checks.raise_bad_argument("unstack", "schedule", schedule, "a stack of schedules", error=TypeError)
    leaves, structure = jax.tree.flatten(schedule)
    sizes = {jnp.shape(leaf)[:1] for leaf in leaves}
    if len(sizes) != 1 or sizes == {()}:
        fix = "stack([...]) makes one"
        checks.raise_bad_argument("unstack", "schedule", schedule, "a stack of schedules", fix)
    each = range(sizes.pop()[0])
    rows = [
        [leaf[i] for i in each] if checks.is_traced(leaf) else list(jax.device_get(leaf)) for leaf in leaves
    ]
    return [cast(S, jax.tree.unflatten(structure, [as_python(row[i]) for row in rows])) for i in each]
