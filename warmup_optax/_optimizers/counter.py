"""A schedule that counts what each update is given, not updates: tokens of packed or variable batches.

Its state lies in the optimizer's, so it is checkpointed, sharded and donated with it. A count is two int32
numbers, ``high * 2**30 + low``, and so exact up to ``2**61`` with and without x64.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.evaluation import lowered_form
from .._core.scalars import Wide, default_int, real
from .._core.schedule import Schedule, ScheduleLike, as_schedule_argument
from .._core.time import Time


class CounterState(NamedTuple):
    """The state of a `counter_schedule`.

    Attributes:
      seen: What was counted up to the next update, which has the schedule's value there.
      applied: The same of the last update; -1 and -1 before the first.
    """

    seen: Wide
    applied: Wide


@dataclasses.dataclass(frozen=True, repr=False)
class CounterSchedule:
    """A schedule driven by a counter in the optimizer's state: an ``optax.StatefulSchedule``.

    Made by `counter_schedule`, whose docstring says how it counts.

    Attributes:
      schedule: The schedule, whose counts are what the counter counts.
      argument: The name of the argument of ``update`` that is added up.
    """

    schedule: Schedule
    argument: str

    @property
    def _note(self) -> str:
        return f"counts are {self.argument}, as the updates are given them"

    def init(self) -> CounterState:
        """The state before the first update."""
        zero, none = jnp.zeros((), jnp.int32), jnp.full((), -1, jnp.int32)
        return CounterState(Wide(zero, zero), Wide(none, none))

    def update(self, state: CounterState, **extra_args: Any) -> CounterState:
        """The state after an update that was given ``argument``."""
        return CounterState(state.seen + Wide.of(self._number(extra_args)), state.seen)

    def __call__(self, state: CounterState, **extra_args: Any) -> jax.Array:
        """The value that the next update uses: it does not depend on what that update is given."""
        return self._at(state.seen)

    def applied_value(self, opt_state: Any) -> jax.Array:
        """The value that the last update used, by an optimizer state: what `wo.applied_value` gives.

        Args:
          opt_state: A state that holds this schedule's, however deep.

        Returns:
          A JAX scalar. Inside ``jit`` it is the value at 0 before the first update, and NaN where counters
          that should agree do not.

        Raises:
          ValueError: Before the first update; if there is no counter, or there are several that differ.
        """
        applied, agree = _the_counter("applied_value", opt_state, "applied")
        if not checks.is_traced(applied.high) and (np.asarray(applied.high) < 0).any():
            raise ValueError(
                "applied_value: opt_state must have made an update, got one from before the first; "
                "next_value gives the value that the first update will use"
            )
        return self._checked(applied, agree)

    def next_value(self, opt_state: Any) -> jax.Array:
        """The value that the next update will use, by an optimizer state: as `applied_value`."""
        return self._checked(*_the_counter("next_value", opt_state, "seen"))

    def seen(self, opt_state: Any) -> int:
        """What was counted so far, by an optimizer state on the host: the number to log and to resume from.

        Args:
          opt_state: A state that holds this schedule's, however deep; not traced.

        Returns:
          The count, exact, as a Python ``int``.

        Raises:
          ValueError: If there is no counter, or there are several that differ.
        """
        high, low = jax.device_get(_the_counter("seen", opt_state, "seen")[0])
        return int(high) * 2**30 + int(low)

    def _at(self, count: Wide) -> jax.Array:
        high, low = jnp.asarray(count.high), jnp.asarray(count.low)
        if default_int() == np.int64:
            return self.schedule(high.astype(np.int64) * 2**30 + low.astype(np.int64))
        return _value_at(lowered_form(self.schedule), jnp.maximum(high, 0), low)

    def _checked(self, count: Wide, agree: Any) -> jax.Array:
        value = self._at(count)
        return value if agree is None else jnp.where(agree, value, jnp.nan)

    def _number(self, extra_args: dict[str, Any]) -> Any:
        where, name = "counter_schedule", self.argument
        allowed = "a whole number >= 0, what this update adds to the count"
        if name not in extra_args:
            came = ", ".join(sorted(extra_args)) or "no extra argument"
            raise TypeError(
                f"{where}: the optimizer's update must be given {name}, got {came}; "
                f"write optimizer.update(gradients, opt_state, params, {name}=...)"
            )
        number = extra_args[name]
        if hasattr(number, "dtype"):
            if number.ndim or not jnp.issubdtype(number.dtype, jnp.integer):
                fix = "sum it over the batch and the devices, in an integer dtype"
                checks.raise_bad_argument(where, name, number, allowed, fix, error=TypeError)
        elif isinstance(number, bool) or not hasattr(number, "__index__"):
            checks.raise_bad_argument(where, name, number, allowed, error=TypeError)
        if checks.is_traced(number):
            return number if number.dtype.itemsize >= 4 else number.astype(jnp.int32)
        number = int(number)
        if not 0 <= number < 2**61:
            checks.raise_bad_argument(where, name, number, f"{allowed}, and below 2**61")
        return number

    def __repr__(self) -> str:
        return f"counter_schedule({self.schedule!r}, argument={self.argument!r})"


def _the_counter(where: str, opt_state: Any, field: str) -> tuple[Wide, Any]:
    """The one counter of a state, and whether several of them agree (None: they do)."""
    nodes = jax.tree.leaves(opt_state, is_leaf=lambda node: isinstance(node, CounterState))
    found = [getattr(node, field) for node in nodes if isinstance(node, CounterState)]
    if not found:
        raise ValueError(
            f"{where}: opt_state must hold the state of a counter_schedule, got none; "
            "give the optimizer the schedule by optax.inject_hyperparams"
        )
    first, *others = found
    if not others:
        return first, None
    agree = functools.reduce(jnp.logical_and, [(first.high == x.high) & (first.low == x.low) for x in others])
    if checks.is_traced(agree):
        return first, agree
    if not agree.all():
        raise ValueError(
            f"{where}: opt_state must hold counters that agree, got {len(found)} that differ; "
            "give the part of the state that is meant"
        )
    return first, None


@functools.partial(jax.jit, inline=True)
def _value_at(lowered: Any, high: jax.Array, low: jax.Array) -> jax.Array:
    """The value at a count of two halves, exact beyond int32."""
    for _ in range(high.ndim):  # a batch of states
        return jax.vmap(_value_at, (None, 0, 0))(lowered, high, low)
    return real(lowered.evaluate(Time(Wide(high, low))))


def counter_schedule(schedule: ScheduleLike, argument: str = "tokens") -> CounterSchedule:
    r"""A schedule that is driven by what the updates are given: tokens of packed or variable batches.

    .. math:: v_n = s\Big(\sum_{i < n} x_i\Big)

    with :math:`x_i` the ``argument`` of the optimizer's update :math:`i`: the first update has the value at
    0, and each later one that of the tokens seen before it. Where every update has the same number of tokens,
    or a known ramp of them, `TrainingRun.in_steps` is a plain schedule that does the same without a state.

    It goes where Optax takes an ``optax.StatefulSchedule``: into ``optax.inject_hyperparams``. Wrappers
    (``chain``, ``masked``, ``partition``) hand the argument on. Mind these:

    * ``optax.MultiSteps`` around it hands on the argument of its k-th call alone, and the others are lost:
      give that call the sum of its window. (Inside of it, as the third example shows, every call counts;
      the rate then knows the first k - 1 parts of the window that it is applied to.)
    * An update that ``apply_if_finite`` rejects does not count what it was given.
    * In ``pmap`` or ``shard_map`` give the sum over all devices, `jax.lax.psum`, as for the gradients.

    Args:
      schedule: :math:`s`, whose counts are tokens: a schedule, a function of a count, or a number.
      argument: The name of the extra argument that is counted. It is given to every update: a whole number >=
        0, a Python one or an array of shape () and an integer dtype; below :math:`2^{31}` inside ``jit``
        without x64.

    Returns:
      An ``optax.StatefulSchedule`` with ``applied_value(opt_state)``, ``next_value(opt_state)`` (as
      `applied_value` and `next_value`) and ``seen(opt_state)``, the count on the host. The count is exact up
      to :math:`2^{61}`, also in the schedule. A function of a count receives a real number past the largest
      int32.

    Raises:
      TypeError: If ``schedule`` is none of these, or ``argument`` is not a name; when an update is made, if
        it is not given the argument, or it is not one whole number.
      ValueError: When an update is made, if the argument is negative.

    >>> import jax, optax, warmup_optax as wo
    >>> schedule = wo.counter_schedule(wo.linear(1.0, 0.0, 1000))
    >>> optimizer = optax.chain(optax.clip(1.0), optax.inject_hyperparams(optax.sgd)(schedule))
    >>> params = {"w": 0.5}
    >>> opt_state = optimizer.init(params)
    >>> for tokens in (100, 250):
    ...     updates, opt_state = optimizer.update({"w": 0.1}, opt_state, params, tokens=tokens)
    >>> schedule.seen(opt_state)
    350
    >>> float(schedule.applied_value(opt_state)), round(float(schedule.next_value(opt_state)), 6)
    (0.8999999761581421, 0.65)

    With accumulation, every call counted:

    >>> def accumulated(learning_rate):
    ...     return optax.MultiSteps(optax.sgd(learning_rate), 4).gradient_transformation()
    >>> optimizer = optax.inject_hyperparams(accumulated)(schedule)
    """
    if not isinstance(argument, str) or not argument.isidentifier():
        fix = 'give the name of the extra argument of the optimizer\'s update, "tokens" say'
        checks.raise_bad_argument("counter_schedule", "argument", argument, "a name", fix, error=TypeError)
    return CounterSchedule(as_schedule_argument("counter_schedule", "schedule", schedule), argument)
