"""The learning rate that an optimizer state has used, and the one that it will use next.

Optax keeps no learning rate, only counts: after update number ``n`` (from 0) the state of a schedule holds
``n + 1``, the count of the *next* update. Which count of a state is the schedule's is decided by rank:

1. The counts of states that exist to count for a schedule: those of ``scale_by_schedule`` (in every
   optimizer that was given a schedule), of a schedule in ``inject_hyperparams``, and of a scheduled weight
   decay; and the counts of the optimizers that ask a schedule themselves (``contrib.prodigy``,
   ``dadapt_adamw``, ``momo``, ``madgrad``, ``ademamix``).
2. ``step_count`` of ``contrib.schedule_free``, for a schedule that only it was given.
3. Any other ``count`` of updates: Adam's, say.

The first rank that is there answers. If it has several counts they must agree, and are never guessed among;
nor between a scheduled weight decay and ``contrib.schedule_free`` around it, which count from 0 and from 1.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.schedule import Schedule, ScheduleLike, as_schedule_argument

# By name, so that no optional part of Optax is imported, and some of these are not public.
_SCHEDULES = frozenset({"ScaleByScheduleState", "WrappedScheduleState", "WeightDecaySchedule"})
_OURS = frozenset({"FeedbackState"})  # these count for a schedule, too
# They may ask a schedule themselves; whether they were given one is not in their state.
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
# Their `count` is not of updates: it is of a metric's values, of micro-batches.
_OTHER = frozenset({"ReduceLROnPlateauState", "ApplyEvery"})
# These hold their inner state still at some updates: counts inside and outside of one drift apart.
_HOLDING = frozenset(
    {
        "MultiStepsState",
        "ApplyIfFiniteState",
        "ConditionallyTransformState",
        "ConditionallyMaskState",
        "SAMState",
    }
)


@runtime_checkable
class ReadsState(Protocol):
    """A stateful schedule that reads its values from an optimizer's state."""

    def applied_value(self, opt_state: Any) -> jax.Array: ...
    def next_value(self, opt_state: Any) -> jax.Array: ...


class _Count(NamedTuple):
    """A count of updates in a state.

    Attributes:
      path: Where it is.
      kind: The name of the state's class.
      rank: Which rank it is of, from 0.
      start: What it is before the first update.
      clock: The path to the innermost state that may hold it still; counts of one clock advance together.
      state: The state that it is in.
      value: The number.
    """

    path: tuple[Any, ...]
    kind: str
    rank: int
    start: int
    clock: tuple[Any, ...]
    state: Any
    value: Any

    def __str__(self) -> str:
        return f"{_shown(self.path, self.value)} ({self.kind})"


def _named(node: Any) -> bool:
    """Whether a node is a NamedTuple, as every state of Optax is."""
    return isinstance(node, tuple) and hasattr(node, "_fields")


def states(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The states of Optax in a tree, without those inside of them, and where each is."""
    for key, node in jax.tree_util.tree_leaves_with_path(tree, is_leaf=_named):
        if _named(node):
            yield (*path, *key), node


def _counts(tree: Any, path: tuple[Any, ...] = (), clock: tuple[Any, ...] = ()) -> Iterator[_Count]:
    """All counts of updates in a state, whatever holds it: containers, wrappers, a Flax optimizer."""
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
    """The rank of a field, None if it is no count of updates, and its value before the first update."""
    if (kind, field) == ("ScheduleFreeState", "step_count"):
        return 1, 1
    if field != "count" or kind in _OTHER:
        return None, 0
    return (0 if kind in _SCHEDULES | _OURS | _ASKING else 2), 0


def bare(value: Any) -> Any:
    """The number in a leaf, or in a Variable of Flax around one."""
    leaves = jax.tree.leaves(value)
    return leaves[0] if len(leaves) == 1 else None


def _is_whole(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return type(value) is int or (dtype is not None and jnp.issubdtype(dtype, jnp.integer))


def _shown(path: tuple[Any, ...], value: Any) -> str:
    number = "traced" if checks.is_traced(value) else np.asarray(value).tolist()
    return f"opt_state{jax.tree_util.keystr(path)}={number}"


def _none(where: str, opt_state: Any, kind: type | None) -> NoReturn:
    if kind is not None:
        raise ValueError(
            f"{where}: opt_state must hold a {kind.__name__}, got none; give the state of the optimizer that "
            "they are in"
        )
    leaves = jax.tree_util.tree_leaves_with_path(opt_state)
    found = [_shown(path, x) for path, x in leaves if _is_whole(x) and not np.ndim(x)]
    others = f" (whole numbers in it: {', '.join(found[:20])})" if found else ""
    raise ValueError(
        f"{where}: opt_state must hold a count of updates in a state of Optax, got none{others}; "
        "give the optimizer the schedule itself, as in optax.sgd(schedule), or call schedule(count) "
        "with a count of your own"
    )


class Found(NamedTuple):
    """What a state says: the count of the next update, the first count, and the counts that it is one of.

    ``agree`` is None where the count is known to be it, and otherwise a traced bool.
    """

    count: Any
    agree: Any
    start: int
    found: list[_Count]


def count_of(where: str, opt_state: Any, kind: type | None = None) -> Found:
    """The count of updates in a state; with ``kind``, that of the states of this class alone."""
    every = [count for count in _counts(opt_state) if kind is None or count.kind == kind.__name__]
    if not every:
        _none(where, opt_state, kind)
    rank = min(count.rank for count in every)
    found = [count for count in every if count.rank == rank]
    averages = [count for count in every if count.rank == 1]
    if averages and {count.kind for count in found} == {"WeightDecaySchedule"}:
        came = ", ".join(map(str, (*found, *averages)))
        raise ValueError(
            f"{where}: opt_state must say whose count is meant, got that of a scheduled weight decay and "
            f"that of schedule_free: {came}; give opt_state.base_optimizer_state for the decay's, "
            "opt_state._replace(base_optimizer_state=()) for schedule_free's"
        )
    first, values = found[0], [count.value for count in found]
    if len(found) == 1:
        return Found(first.value, None, first.start, found)
    together = len({count.clock for count in found}) == 1  # what is around them decides, not this update
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
            f"give the part of the state that is meant, as {_part(found)}"
        )
    return Found(value, agree, first.start, found)


def _part(found: list[_Count]) -> str:
    """The largest part of a state that holds the first of several counts and none that may differ from it."""
    first = found[0].path
    others = [x.path for x in found if x.clock != found[0].clock] or [x.path for x in found[1:]]
    alone = next(n for n in range(1, len(first) + 1) if all(first[:n] != path[:n] for path in others))
    return f"opt_state{jax.tree_util.keystr(first[:alone])}"


def update_count(opt_state: Any) -> jax.Array:
    """The number of the next update, counted from 0, by an optimizer state: where to resume.

    It is the count that the next update will hand to the schedule, so the number of updates that were made;
    see `applied_value` for what advances it.

    Args:
      opt_state: As for `applied_value`.

    Returns:
      A whole JAX scalar; one more where only ``contrib.schedule_free`` has the schedule, which counts from
      1. Inside ``jit``, where counts that should agree but do not cannot raise, it is then -1.

    Raises:
      ValueError: As `applied_value` does.

    >>> import optax, warmup_optax as wo
    >>> opt_state = optax.adamw(wo.linear(0.0, 1.0, 4)).init({"w": 0.5})
    >>> int(wo.update_count(opt_state))
    0
    """
    count, agree, *_ = count_of("update_count", opt_state)
    return jnp.asarray(count) if agree is None else jnp.where(agree, count, -1)


def next_value(schedule: ScheduleLike, opt_state: Any) -> jax.Array:
    """The value of a schedule that the next update will use, by an optimizer state.

    Args:
      schedule: The schedule that the optimizer was given: a schedule, a function of a count, a number, or a
        `counter_schedule` or a `with_feedback`.
      opt_state: As for `applied_value`.

    Returns:
      A JAX scalar, ``schedule(update_count(opt_state))``, also before the first update. That of a
      `with_feedback` has the scale in it. Inside ``jit``, where counts that should agree but do not cannot
      raise, it is then NaN.

    Raises:
      ValueError: As `applied_value` does.
      TypeError: If ``schedule`` is none of these.

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


def applied_value(schedule: ScheduleLike, opt_state: Any) -> jax.Array:
    """The value of a schedule that the last update used, by an optimizer state: what to log.

    It is the schedule's value, in the schedule's precision; that of a `with_feedback` has the scale in it. What
    else multiplies it on its way (the ``scale`` of a ``contrib.reduce_on_plateau`` beside the optimizer, the
    factors of `groups`, a trust ratio, Adam's own scaling) is not in it, and optimizers round it to the dtype
    of their gradients. The count that it is read from advances as follows;
    "a call" is one call of the optimizer's ``update``.

    .. list-table::
       :header-rows: 1

       * - in the optimizer
         - the schedule's count advances
       * - ``chain``, ``named_chain``
         - with every call
       * - every optimizer of Optax that takes a schedule
         - with every call: ``adamw``, ``lion``, ``adafactor``, ``lamb``, ...
       * - ``masked``, ``partition``, ``multi_transform``, ``freeze``
         - with every call, whatever the labels say: the counts of all groups agree
       * - ``inject_hyperparams``
         - with every call; its ``hyperparams["learning_rate"]`` is this value, not the next
       * - ``MultiSteps``
         - with every k-th call, the one that updates; not with a micro-batch that
           ``should_skip_update_fn`` skips
       * - ``apply_every``
         - with every call, also those that emit nothing
       * - ``apply_if_finite``
         - with every call but those it rejects, NaN or infinite; a gradient that you set to zero yourself
           (``zero_nans``) does advance it
       * - ``conditionally_transform``, ``conditionally_mask``
         - with every call whose condition holds, not with the others
       * - ``adamw(weight_decay=schedule)``, ``add_decayed_weights(schedule)``
         - with every call: a scheduled rate and a scheduled weight decay have a count each, and the two
           agree
       * - `with_feedback`, in `scheduled` or ``inject_hyperparams``
         - with every call; the scale is in the value, if ``schedule`` is what `with_feedback` returned
       * - `groups`
         - with every call; ``groups(...).rates`` has the factors in it
       * - ``contrib.reduce_on_plateau``
         - with every call; its own counters are of losses. The rate is this value times
           ``optax.tree.get(opt_state, "scale")``
       * - ``contrib.schedule_free``
         - with every call. The base optimizer's count is from 0, and scales the steps; that is the value
           here. ``schedule_free`` itself asks the schedule from 1 on, only to weigh its average: that is
           the value here if the base optimizer has no schedule. If the base has a scheduled weight decay
           alone, the state is ambiguous
       * - ``lookahead``, ``contrib.mechanize``
         - with every call, of the inner optimizer's
       * - ``contrib.sam``
         - with every synchronization, the ``sync_period``-th call: the outer optimizer's. If the
           adversarial one has a schedule too, the state is ambiguous: give its ``opt_state`` or
           ``adv_state``
       * - ``contrib.prodigy``, ``dadapt_adamw``, ``momo``, ``momo_adam``, ``madgrad``, ``ademamix``
           (``b3``, ``alpha``)
         - with every call: they ask the schedule with their own count. If a schedule beside them has a
           count too, the two must agree
       * - ``flax.nnx.Optimizer``
         - as in the optimizer inside; give it, or its ``opt_state``
       * - ``flax`` ``TrainState``
         - as in the optimizer inside; give it, or its ``opt_state``

    Args:
      schedule: The schedule that the optimizer was given: a schedule, a function of a count, a number, or a
        `with_feedback`, or a `counter_schedule`, which has no value before the first update. Nothing in a
        state says which schedule that was.
      opt_state: The state after the update: what ``update`` gave back, or any pytree that holds it. A batch
        of states (``vmap``) gives a batch of values.

    Returns:
      A JAX scalar, ``schedule(n)`` for the last update ``n``. Before the first update, and so in the first
      micro-batches of a ``MultiSteps``, it is the value that the first update will use, ``schedule(0)``: a
      line that logs every batch needs no special case. `update_count` tells the two apart. Inside ``jit``,
      counts that should agree but do not (one group's state was reset, say) cannot raise, and give NaN.

    Raises:
      ValueError: If there is no count (``optax.sgd(0.1)`` keeps none). If there are several of one rank that
        differ, or that could come to differ because a ``MultiSteps``, an ``apply_if_finite`` or a
        ``conditionally_transform`` holds one and not the other. This is decided by the structure, so a logging
        loop that starts does not end when a group is frozen. If the scales of a `with_feedback` differ. If a
        scheduled weight decay is the only schedule inside of a ``contrib.schedule_free``, which keeps a count
        of its own. The message lists what was found.
      TypeError: If ``schedule`` is none of these.

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
    """The value of a schedule at the last update; NaN where counts that should agree do not."""
    count, agree, start, _ = found
    if checks.is_traced(count):
        value = schedule(jnp.maximum(count, start + 1) - 1)
    else:  # put on the device by name, which a transfer guard allows
        value = schedule(jax.device_put(np.maximum(jax.device_get(count), start + 1) - 1))
    return value if agree is None else jnp.where(agree, value, jnp.nan)
