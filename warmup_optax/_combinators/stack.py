"""Stack schedules with the same tree structure into one schedule with batched numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import jax
import jax.numpy as jnp

from .._core import checks
from .._core.node import as_python
from .._core.schedule import Schedule
from .._core.tables import table_of

S = TypeVar("S", bound=Schedule)


@checks.by_name
def stack(schedules: Sequence[S]) -> S:
    """Stack schedules into one schedule with batched numbers, for ``jax.vmap``.

    Use it to evaluate or train with many schedules in one compiled program, such as a sweep.

    See also `unstack`, `compare`, and :doc:`/guides/sweeps`.

    Args:
      schedules: A sequence of schedules with the same tree structure. They differ only in their numbers, such
        as 64 `warmup_cosine` schedules. At least one.

    Returns:
      A `Schedule` in which each number is an array, with one entry for each of ``schedules``. Map over it with
      ``jax.vmap``. You cannot call it with a count directly. `unstack` returns the schedules.

    Raises:
      ValueError: If ``schedules`` is empty, or two schedules differ in more than their numbers.
      TypeError: If ``schedules`` is not a sequence of schedules.

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
            fix = "convert it with as_schedule"
            checks.raise_bad_argument(where, f"{name}[{i}]", schedule, "a schedule", fix, error=TypeError)
        if jax.tree.structure(schedule) != jax.tree.structure(each[0]):
            allowed = f"built in the same way as schedules[0]={each[0]!r}, with other numbers only"
            checks.raise_bad_argument(where, f"{name}[{i}]", schedule, allowed)
    return jax.tree.map(lambda *numbers: jax.device_put(table_of(numbers)), *each)


@checks.by_name
def unstack(schedule: S) -> list[S]:
    """Return the schedules of a stack as a list.

    See also `stack` and :doc:`/guides/sweeps`.

    Args:
      schedule: A stack from `stack`, or a transformed one. Every number is an array with the same leading
        dimension.

    Returns:
      A list of schedules. Concrete numbers become Python numbers, so you can print, compare and save the
      schedules. A float32 number becomes the shortest decimal that rounds to it.

    Raises:
      ValueError: If the numbers are not arrays with the same leading dimension.
      TypeError: If ``schedule`` is not a schedule.

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
