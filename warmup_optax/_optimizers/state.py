"""Read the last and the next learning rate from an optimizer state.

Optax stores no learning rate, only counts. After update number ``n`` (from 0) the state of a schedule holds
``n + 1``, the count of the *next* update. A state may hold several counts. Their rank decides which one is
the count of the schedule:

1. The counts of states that exist to count for a schedule: those of ``scale_by_schedule`` (in every
   optimizer that was given a schedule), of a schedule in ``inject_hyperparams``, and of a scheduled weight
   decay; and the counts of the optimizers that evaluate a schedule themselves (``contrib.prodigy``,
   ``dadapt_adamw``, ``momo``, ``madgrad``, ``ademamix``).
2. ``step_count`` of ``contrib.schedule_free``, for a schedule that only this optimizer received.
3. Any other ``count`` of updates, such as that of Adam.

The first rank that is present is used. If several counts have that rank, they must agree; otherwise it is an
error. It is also an error if ``contrib.schedule_free``, which counts from 1, contains a scheduled weight decay
as the only schedule, which counts from 0.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, TypeAlias, TypeGuard, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.schedule import Schedule
from .._core.types import ScheduleLike

if TYPE_CHECKING:
    from jax.tree_util import KeyPath
    from jax.typing import ArrayLike

# By name, because some of these classes are not public, and so that no optional part of Optax is imported.
_SCHEDULES = frozenset({"ScaleByScheduleState", "WrappedScheduleState", "WeightDecaySchedule"})
_OURS = frozenset({"FeedbackState"})  # these count for a schedule too
# These may evaluate a schedule themselves. Their state does not say whether they have one.
_ASKING = frozenset(
    {
        "ProdigyState",
        "DAdaptAdamWState",
        "MomoState",
        "MomoAdamState",
        "MadgradState",
        "ScaleByAdemamixState",
    }
)
# Their `count` does not count updates, but the values of a metric, or micro-batches.
_OTHER = frozenset({"ReduceLROnPlateauState", "ApplyEvery"})
# These do not change their inner state at some updates, so counts inside and outside of one drift apart.
_HOLDING = frozenset(
    {
        "MultiStepsState",
        "ApplyIfFiniteState",
        "ConditionallyTransformState",
        "ConditionallyMaskState",
        "SAMState",
    }
)


class HoldsState(Protocol):
    """A ``TrainState`` or an ``nnx.Optimizer`` of Flax."""

    @property
    def opt_state(self) -> optax.OptState: ...


StateLike: TypeAlias = "optax.OptState | HoldsState"


@runtime_checkable
class ReadsState(Protocol):
    """A stateful schedule that reads its values from an optimizer state."""

    def applied_value(self, opt_state: StateLike) -> jax.Array: ...
    def next_value(self, opt_state: StateLike) -> jax.Array: ...


class _Count(NamedTuple):
    """A count of updates in a state.

    Attributes:
      path: Its path.
      kind: The name of the class of its state.
      rank: Its rank, from 0.
      start: Its value before the first update.
      clock: The path to the innermost state that may pause it. Counts with the same clock advance together.
      state: The state that contains it.
      value: The number.
    """

    path: KeyPath
    kind: str
    rank: int
    start: int
    clock: KeyPath
    state: Any
    value: ArrayLike

    def __str__(self) -> str:
        return f"{_shown(self.path, self.value)} ({self.kind})"


def _named(node: object) -> TypeGuard[NamedTuple]:
    """Return whether a node is a NamedTuple, as every Optax state is."""
    return isinstance(node, tuple) and hasattr(node, "_fields")


def states(tree: StateLike, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the path and the value of the outermost Optax states in a tree."""
    for key, node in jax.tree_util.tree_leaves_with_path(tree, is_leaf=_named):
        if _named(node):
            yield (*path, *key), node


def _counts(tree: StateLike, path: KeyPath = (), clock: KeyPath = ()) -> Iterator[_Count]:
    """Yield all counts of updates in a state, inside containers, wrappers or a Flax optimizer."""
    for place, node in states(tree, path):
        kind = type(node).__name__
        for field in node._fields:
            value, at = getattr(node, field), (*place, jax.tree_util.GetAttrKey(field))
            rank, start = _rank(kind, field)
            if rank is not None and _is_whole(number := bare(value)):
                yield _Count(at, kind, rank, start, clock, node, number)
            else:
                yield from _counts(value, at, at if kind in _HOLDING else clock)


def _rank(kind: str, field: str) -> tuple[int | None, int]:
    """Return the rank of a field (None if it is not a count of updates), and its value before any update."""
    if (kind, field) == ("ScheduleFreeState", "step_count"):
        return 1, 1
    if field != "count" or kind in _OTHER:
        return None, 0
    return (0 if kind in _SCHEDULES | _OURS | _ASKING else 2), 0


def bare(value: optax.OptState) -> Any:
    """Return the number in a leaf, or in a Flax Variable around one."""
    leaves = jax.tree.leaves(value)
    return leaves[0] if len(leaves) == 1 else None


def _is_whole(value: object) -> bool:
    dtype = getattr(value, "dtype", None)
    return type(value) is int or (dtype is not None and jnp.issubdtype(dtype, jnp.integer))


def _shown(path: KeyPath, value: ArrayLike) -> str:
    number = "traced" if checks.is_traced(value) else np.asarray(value).tolist()
    return f"opt_state{jax.tree_util.keystr(path)}={number}"


def _none(where: str, opt_state: StateLike, kind: type | None) -> NoReturn:
    if kind is not None:
        raise ValueError(
            f"{where}: opt_state must hold a {kind.__name__}, got none; pass the state of the optimizer that "
            "contains it"
        )
    leaves = jax.tree_util.tree_leaves_with_path(opt_state)
    found = [_shown(path, x) for path, x in leaves if _is_whole(x) and not np.ndim(x)]
    others = f" (whole numbers in it: {', '.join(found[:20])})" if found else ""
    raise ValueError(
        f"{where}: opt_state must hold a count of updates in a state of Optax, got none{others}; "
        "give the optimizer the schedule itself, as in optax.sgd(schedule), or call schedule(count) "
        "with your own count"
    )


class Found(NamedTuple):
    """The count of the next update in a state, the first count, and all counts of its rank.

    ``agree`` is None if the counts are known to agree, and otherwise a traced bool.
    """

    next_count: ArrayLike
    agree: jax.Array | None
    start: int
    found: list[_Count]


def count_of(where: str, opt_state: StateLike, kind: type | None = None) -> Found:
    """Return the count of updates in a state; with ``kind``, only in states of this class."""
    every = [count for count in _counts(opt_state) if kind is None or count.kind == kind.__name__]
    if not every:
        _none(where, opt_state, kind)
    rank = min(count.rank for count in every)
    found = [count for count in every if count.rank == rank]
    averages = [count for count in every if count.rank == 1]
    if averages and {count.kind for count in found} == {"WeightDecaySchedule"}:
        came = ", ".join(map(str, (*found, *averages)))
        raise ValueError(
            f"{where}: opt_state must have one count, got that of a scheduled weight decay and "
            f"that of schedule_free: {came}; give opt_state.base_optimizer_state for the first, "
            "opt_state._replace(base_optimizer_state=()) for the second"
        )
    first, values = found[0], [count.value for count in found]
    if len(found) == 1:
        return Found(first.value, None, first.start, found)
    together = len({count.clock for count in found}) == 1  # decided by their wrappers, not by this update
    if any(map(checks.is_traced, values)):
        value, *others = (jnp.asarray(value) for value in values)
        agree = functools.reduce(jnp.logical_and, [value == x.astype(value.dtype) for x in others])
    else:
        value, *others = jax.device_get(values)
        together, agree = together and all(np.array_equal(value, x) for x in others), None
    if not together:
        came = ", ".join(map(str, found))
        raise ValueError(
            f"{where}: opt_state must hold counts that advance together, got {came}; "
            f"pass the part of the state that you want to read, for example {_part(found)}"
        )
    return Found(value, agree, first.start, found)


def _part(found: list[_Count]) -> str:
    """Return the largest part of a state with the first of several counts and none that may differ from it."""
    first = found[0].path
    others = [x.path for x in found if x.clock != found[0].clock] or [x.path for x in found[1:]]
    alone = next(n for n in range(1, len(first) + 1) if all(first[:n] != path[:n] for path in others))
    return f"opt_state{jax.tree_util.keystr(first[:alone])}"


@checks.by_name
def update_count(opt_state: StateLike) -> jax.Array:
    """Return the count of the next update from an optimizer state: the count at which to resume.

    The next update will evaluate the schedule at this count. It is equal to the number of completed updates.
    `applied_value` lists when it advances.

    Args:
      opt_state: As for `applied_value`.

    Returns:
      A whole JAX scalar, from 0. It is larger by 1 if only ``contrib.schedule_free``, which counts from 1, has
      the schedule. Inside ``jit`` it is -1 if counts that should agree do not, because an error cannot be
      raised there.

    Raises:
      ValueError: Under the same conditions as `applied_value`.

    >>> import optax, warmup_optax as wo
    >>> opt_state = optax.adamw(wo.linear(0.0, 1.0, 4)).init({"w": 0.5})
    >>> int(wo.update_count(opt_state))
    0
    """
    count, agree, *_ = count_of("update_count", opt_state)
    return jnp.asarray(count) if agree is None else jnp.where(agree, count, -1)


@checks.by_name
def next_value(schedule: ScheduleLike | ReadsState, opt_state: StateLike) -> jax.Array:
    """Return the value of a schedule at the next update, from an optimizer state.

    Args:
      schedule: The schedule that the optimizer was given: a schedule, a function of a count, a number, or a
        `counter_schedule` or a `with_feedback`.
      opt_state: As for `applied_value`.

    Returns:
      A JAX scalar, ``schedule(update_count(opt_state))``, also before the first update. For a `with_feedback`
      it includes the scale. Inside ``jit`` it is NaN if counts that should agree do not, because an error
      cannot be raised there.

    Raises:
      ValueError: Under the same conditions as `applied_value`.
      TypeError: If ``schedule`` has none of these types.

    >>> import optax, warmup_optax as wo
    >>> schedule = wo.linear(1.0, 0.0, steps=4)
    >>> opt_state = optax.sgd(schedule).init({"w": 0.5})
    >>> float(wo.next_value(schedule, opt_state))
    1.0
    """
    if isinstance(schedule, ReadsState):
        return schedule.next_value(opt_state)
    schedule = as_schedule_argument("next_value", "schedule", schedule)
    count, agree, *_ = count_of("next_value", opt_state)
    value = schedule(count)
    return value if agree is None else jnp.where(agree, value, jnp.nan)


@checks.by_name
def applied_value(schedule: ScheduleLike | ReadsState, opt_state: StateLike) -> jax.Array:
    """Return the value of a schedule at the last update, from an optimizer state: the learning rate to log.

    It is the value of the schedule, in the precision of the schedule. For a `with_feedback` it includes the
    scale. It does not include other factors: the ``scale`` of a separate ``contrib.reduce_on_plateau``, the
    factors of `groups`, a trust ratio, or Adam's scaling. Optimizers round it to the dtype of their gradients.
    The count advances as follows, where "a call" is one call of the optimizer's ``update``.

    .. list-table::
       :header-rows: 1

       * - in the optimizer
         - the schedule's count advances
       * - ``chain``, ``named_chain``
         - with every call
       * - every optimizer of Optax that takes a schedule
         - with every call: ``adamw``, ``lion``, ``adafactor``, ``lamb``, ...
       * - ``masked``, ``partition``, ``multi_transform``, ``freeze``
         - with every call, for all labels: the counts of all groups agree
       * - ``inject_hyperparams``
         - with every call; its ``hyperparams["learning_rate"]`` is this value, not the next
       * - ``MultiSteps``
         - with every k-th call, the one that updates; not with a micro-batch that
           ``should_skip_update_fn`` skips
       * - ``apply_every``
         - with every call, including those that emit nothing
       * - ``apply_if_finite``
         - with every call, except with NaN or infinite gradients, which it rejects; a gradient that you set to
           zero yourself (``zero_nans``) does advance it
       * - ``conditionally_transform``, ``conditionally_mask``
         - with every call whose condition is true
       * - ``adamw(weight_decay=schedule)``, ``add_decayed_weights(schedule)``
         - with every call; a scheduled rate and a scheduled weight decay have one count each, and the two
           agree
       * - `with_feedback`, in `scheduled` or ``inject_hyperparams``
         - with every call; the value includes the scale if ``schedule`` is the result of `with_feedback`
       * - `groups`
         - with every call; ``groups(...).rates`` includes the factors
       * - ``contrib.reduce_on_plateau``
         - with every call; its counters count losses. The rate is this value times
           ``optax.tree.get(opt_state, "scale")``
       * - ``contrib.schedule_free``
         - with every call. If the base optimizer has the schedule, it counts from 0 and this is its value.
           ``schedule_free`` evaluates the schedule from count 1, only to weight its average. This is the value
           if the base optimizer has no schedule. If the base optimizer has only a scheduled weight decay, the
           state is ambiguous
       * - ``lookahead``, ``contrib.mechanize``
         - with every call of the inner optimizer
       * - ``contrib.sam``
         - with every synchronization (every ``sync_period``-th call), for the outer optimizer. If the
           adversarial optimizer has a schedule too, the state is ambiguous: pass ``opt_state`` or
           ``adv_state`` of the state
       * - ``contrib.prodigy``, ``dadapt_adamw``, ``momo``, ``momo_adam``, ``madgrad``, ``ademamix``
           (``b3``, ``alpha``)
         - with every call: they evaluate the schedule at their own count. If another schedule in the chain has
           a count too, the two must agree
       * - ``flax.nnx.Optimizer``
         - as in the optimizer inside; pass the object or its ``opt_state``
       * - ``flax`` ``TrainState``
         - as in the optimizer inside; pass the object or its ``opt_state``

    Args:
      schedule: The schedule that the optimizer was given: a schedule, a function of a count, a number, or a
        `with_feedback`, or a `counter_schedule`, which has no value before the first update. A state does not
        record its schedule, so this cannot be checked.
      opt_state: The state that ``update`` returned, or any pytree that contains it. A batch of states
        (``vmap``) gives a batch of values.

    Returns:
      A JAX scalar, ``schedule(n)`` for the last update ``n``. Before the first update it is the value that the
      first update will use, ``schedule(0)``. This includes the first micro-batches of a ``MultiSteps``, so
      code that logs every batch needs no special case. `update_count` distinguishes the two. Inside ``jit`` it
      is NaN if counts that should agree do not, for example because one group's state was reset. An error
      cannot be raised there.

    Raises:
      ValueError: If there is no count (``optax.sgd(0.1)`` keeps none). If several counts of one rank differ, or
        could differ later because a ``MultiSteps``, an ``apply_if_finite`` or a ``conditionally_transform``
        pauses only one of them. The structure decides this, so a logging loop that works at the start does not
        fail when a group is frozen. If the scales of a `with_feedback` differ. If a scheduled weight decay is
        the only schedule inside a ``contrib.schedule_free``, which has a separate count. The message lists the
        counts.
      TypeError: If ``schedule`` has none of these types.

    >>> import optax, warmup_optax as wo
    >>> schedule = wo.linear(1.0, 0.0, steps=4)
    >>> optimizer = optax.chain(optax.clip(1.0), optax.adam(schedule))
    >>> params = {"w": 0.5}
    >>> opt_state = optimizer.init(params)
    >>> for _ in range(2):
    ...     updates, opt_state = optimizer.update({"w": 0.1}, opt_state, params)
    >>> float(wo.applied_value(schedule, opt_state)), float(wo.next_value(schedule, opt_state))
    (0.75, 0.5)
    """
    if isinstance(schedule, ReadsState):
        return schedule.applied_value(opt_state)
    schedule = as_schedule_argument("applied_value", "schedule", schedule)
    return value_at_last_update(schedule, count_of("applied_value", opt_state))


def value_at_last_update(schedule: Schedule, found: Found) -> jax.Array:
    """Return the value of a schedule at the last update, or NaN if counts that should agree do not."""
    count, agree, start, _ = found
    if checks.is_traced(count):
        value = schedule(jnp.maximum(count, start + 1) - 1)
    else:  # an explicit transfer, which a transfer guard allows
        value = schedule(jax.device_put(np.maximum(jax.device_get(count), start + 1) - 1))
    return value if agree is None else jnp.where(agree, value, jnp.nan)
