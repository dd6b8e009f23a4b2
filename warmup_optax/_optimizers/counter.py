"""A schedule that counts tokens or examples instead of updates, for packed or variable batches.

Its state is part of the optimizer state, so it is checkpointed, sharded and donated with it. A count consists
of two int32 numbers, ``high * 2**30 + low``, so it is exact up to ``2**61``, with and without x64.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.evaluation import lowered_form
from .._core.lowered import Lowered
from .._core.scalars import Wide, default_int, real
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import ScheduleLike
from .state import StateLike


class CounterState(NamedTuple):
    """The state of a `counter_schedule`.

    Attributes:
      seen: The count at which the next update evaluates the schedule.
      applied: The count at which the last update evaluated it; -1 and -1 before the first update.
    """

    seen: Wide
    applied: Wide


@dataclasses.dataclass(frozen=True, repr=False)
class CounterSchedule:
    """A schedule with a counter in the optimizer state: an ``optax.StatefulSchedule``.

    It is the result of `counter_schedule`, which describes how it counts.

    Attributes:
      schedule: The schedule, evaluated at the count of the counter.
      argument: The name of the argument of ``update`` that the counter adds up.
    """

    schedule: Schedule
    argument: str

    @property
    def _note(self) -> str:
        return f"counts are {self.argument}, as the updates are given them"

    def init(self) -> CounterState:
        """Return the state before the first update."""
        zero, none = jnp.zeros((), jnp.int32), jnp.full((), -1, jnp.int32)
        return CounterState(Wide(zero, zero), Wide(none, none))

    def update(self, state: CounterState, **extra_args: Any) -> CounterState:
        """Return the state after an update that received ``argument``."""
        return CounterState(state.seen + Wide.of(self._number(extra_args)), state.seen)

    def __call__(self, state: CounterState, **extra_args: Any) -> jax.Array:
        """Return the value of the next update. It does not depend on the argument of that update."""
        return self._at(state.seen)

    def applied_value(self, opt_state: StateLike) -> jax.Array:
        """Return the value at the last update, from an optimizer state, as `wo.applied_value` does.

        Args:
          opt_state: A state that contains the state of this schedule, at any depth.

        Returns:
          A JAX scalar. Inside ``jit`` it is the value at count 0 before the first update, and NaN if counters
          that should agree do not.

        Raises:
          ValueError: If no update was made, if there is no counter, or if there are several that differ.
        """
        applied, agree = _the_counter("applied_value", opt_state, "applied")
        if not checks.is_traced(applied.high) and (np.asarray(applied.high) < 0).any():
            raise ValueError(
                "applied_value: opt_state must have made an update, got one from before the first; "
                "next_value gives the value that the first update will use"
            )
        return self._checked(applied, agree)

    def next_value(self, opt_state: StateLike) -> jax.Array:
        """Return the value at the next update, from an optimizer state. The argument is as in `applied_value`."""
        return self._checked(*_the_counter("next_value", opt_state, "seen"))

    def seen(self, opt_state: StateLike) -> int:
        """Return the count so far, from an optimizer state on the host: the number to log and to resume from.

        Args:
          opt_state: A state that contains the state of this schedule, at any depth. It must not be traced.

        Returns:
          The exact count, as a Python ``int``.

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

    def _checked(self, count: Wide, agree: jax.Array | None) -> jax.Array:
        value = self._at(count)
        return value if agree is None else jnp.where(agree, value, jnp.nan)

    def _number(self, extra_args: dict[str, Any]) -> jax.Array | int:
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


def _the_counter(where: str, opt_state: StateLike, field: str) -> tuple[Wide, jax.Array | None]:
    """Return the counter of a state, and whether several counters agree (None: they do)."""
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
            "pass the part of the state that you want to read"
        )
    return first, None


@functools.partial(jax.jit, inline=True)
def _value_at(lowered: Lowered, high: jax.Array, low: jax.Array) -> jax.Array:
    """Return the value at a count of two halves, exact beyond int32."""
    for _ in range(high.ndim):  # a batch of states
        return jax.vmap(_value_at, (None, 0, 0))(lowered, high, low)
    return real(lowered.evaluate(Time(Wide(high, low))))


@checks.by_name
def counter_schedule(schedule: ScheduleLike, argument: str = "tokens") -> CounterSchedule:
    r"""Make a schedule of the tokens or examples that the updates receive, for packed or variable batches.

    .. math:: v_n = s\Big(\sum_{i < n} x_i\Big)

    with the ``argument`` :math:`x_i` of the optimizer's update :math:`i`. The first update uses the value
    at count 0, and each later one uses the value at the number of tokens seen before it. If every update has the
    same number of tokens, or a known ramp of them, use `TrainingRun.in_steps`. It does the same without a
    state.

    Pass it to ``optax.inject_hyperparams``, which accepts an ``optax.StatefulSchedule``. Wrappers (``chain``,
    ``masked``, ``partition``) forward the argument. Note:

    * ``optax.MultiSteps`` around the optimizer forwards only the argument of its k-th call. Pass the sum over
      the window to that call. With the counter outside ``MultiSteps``, as in the last example, every call
      counts. The rate then includes the first k - 1 calls of the window that it is applied to.
    * An update that ``apply_if_finite`` rejects does not count its argument.
    * In ``pmap`` or ``shard_map`` pass the sum over all devices (`jax.lax.psum`).

    Args:
      schedule: :math:`s`, a schedule of tokens: a schedule, a function of a count, or a number.
      argument: The name of the extra argument that is counted. Pass it to every update. Its value is a whole
        number >= 0: a Python number, or an array of shape () and an integer dtype. Inside ``jit`` without x64
        it must be below :math:`2^{31}`.

    Returns:
      An ``optax.StatefulSchedule`` with the methods ``applied_value(opt_state)`` and ``next_value(opt_state)``
      (as `applied_value` and `next_value`), and ``seen(opt_state)``, which returns the count on the host. The
      count is exact up to :math:`2^{61}`, also in the schedule. A user-defined function of a count receives a
      real number beyond int32.

    Raises:
      TypeError: If ``schedule`` has none of these types, or ``argument`` is not a name. When an update is
        made: if it does not receive the argument, or the argument is not one whole number.
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

    With gradient accumulation, counting every call:

    >>> def accumulated(learning_rate):
    ...     return optax.MultiSteps(optax.sgd(learning_rate), 4).gradient_transformation()
    >>> optimizer = optax.inject_hyperparams(accumulated)(schedule)
    """
    if not isinstance(argument, str) or not argument.isidentifier():
        fix = 'give the name of the extra argument of the optimizer\'s update, "tokens" say'
        checks.raise_bad_argument("counter_schedule", "argument", argument, "a name", fix, error=TypeError)
    return CounterSchedule(as_schedule_argument("counter_schedule", "schedule", schedule), argument)
