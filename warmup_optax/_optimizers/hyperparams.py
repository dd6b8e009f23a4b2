"""Schedules for every hyperparameter of an optimizer, and their values at the last update."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._core import checks
from .._core.as_schedule import as_schedule, is_stateful
from .._core.scalars import default_float
from .._core.schedule import Schedule
from .._core.types import ScheduleLike
from .state import StateLike, bare, states

if TYPE_CHECKING:
    from jax.tree_util import KeyPath

_INJECTED = frozenset({"InjectStatefulHyperparamsState", "InjectHyperparamsState"})


@checks.by_name
def scheduled(
    optimizer: Callable[..., optax.GradientTransformation], /, **hyperparameters: Any
) -> optax.GradientTransformationExtraArgs:
    """Make an Optax optimizer whose hyperparameters follow schedules.

    The update number ``count`` (from 0) of ``scheduled(optax.adamw, learning_rate=s, b1=m)`` is the update of
    ``optax.adamw(learning_rate=s(count), b1=m(count))``. All schedules are evaluated at the same count. Other
    arguments (numbers, masks, flags, Muon's dimension numbers) are passed unchanged, and are not part of the
    state. It uses `optax.inject_hyperparams`.

    Each value acts like a Python number: it takes the dtype of the array that it multiplies, so bfloat16
    parameters keep bfloat16 updates. The state stores it in float32 (float64 under x64).

    Args:
      optimizer: A function that makes an optimizer: ``optax.adamw``, ``optax.lion``, ``optax.contrib.muon``,
        or a user-defined function. Pass the function, not an optimizer.
      **hyperparameters: Its arguments, by name. A schedule is a `Schedule`, a `with_feedback` or another
        stateful schedule of Optax, or a function that returns one real number for a count, such as one of
        Optax's schedules. Numbers in a schedule may be traced: a train step that takes its schedules as
        arguments and calls ``scheduled`` inside is compiled once.

    Returns:
      An ``optax.GradientTransformationExtraArgs``. It works in ``chain``, ``partition`` and ``MultiSteps``.
      `applied_values`, `applied_value`, `next_value` and `update_count` read its state.

    Raises:
      TypeError: If ``optimizer`` is not a function, or does not take these arguments.

    Optax's optimizers use these values as follows:

    * A weight decay is multiplied by the learning rate: ``adamw`` shrinks a parameter by the fraction
      ``learning_rate * weight_decay``. So the effect of a constant decay already falls with the rate. With
      ``wd * (s / peak)`` it falls with the square of the rate, as in AdamC (Defazio 2025, arXiv:2506.02285).
    * Adam's bias correction is ``1 - b1**n`` with the value of ``b1`` at that update. It is exact only for a
      constant ``b1``. The error vanishes like ``b1**n``.
    * ``1 - b2`` is computed in the dtype of the value. In float32, for 0.999, its relative difference from the
      result for a Python number is at most 5e-5.
    * ``optax.contrib.prodigy`` and ``dadapt_adamw`` divide by a sum of learning rates. If the first rate is 0,
      every parameter becomes NaN, also if the optimizer receives the schedule directly. Start the warmup above
      0 (``init_value``), or use ``wo.shift(schedule, -1)``.

    >>> import optax, warmup_optax as wo
    >>> rate = wo.one_cycle(0.1, total_steps=100)
    >>> momentum = 0.95 - 0.1 * (rate / 0.1)
    >>> optimizer = wo.scheduled(optax.sgd, learning_rate=rate, momentum=momentum, nesterov=True)
    >>> params = {"w": 0.5}
    >>> opt_state = optimizer.init(params)
    >>> updates, opt_state = optimizer.update({"w": 0.1}, opt_state, params)
    >>> {name: round(float(value), 4) for name, value in wo.applied_values(opt_state).items()}
    {'learning_rate': 0.004, 'momentum': 0.946}
    """
    name = getattr(optimizer, "__name__", None) or getattr(
        getattr(optimizer, "func", None), "__name__", repr(optimizer)
    )
    if not callable(optimizer):
        allowed = "a function that makes an optimizer"
        fix = "write scheduled(optax.adamw, learning_rate=...), not scheduled(optax.adamw(...))"
        checks.raise_bad_argument("scheduled", "optimizer", optimizer, allowed, fix, error=TypeError)
    try:
        inspect.signature(optimizer).bind(**hyperparameters)
    except TypeError as error:
        takes = ", ".join(inspect.signature(optimizer).parameters)
        came = ", ".join(hyperparameters) or "none"
        raise TypeError(
            f"scheduled: hyperparameters must be arguments of {name}, got {came} ({error}); it takes {takes}"
        ) from None
    parameters = inspect.signature(optimizer).parameters
    schedules = {
        key: as_schedule(cast(ScheduleLike, x)) if callable(x) and not is_stateful(x) else x
        for key, x in hyperparameters.items()
        if _is_schedule(x, parameters.get(key))
    }
    for key, x in hyperparameters.items():
        default = parameters[key].default if key in parameters else None
        if callable(x) and key not in schedules and type(default) in (int, float):
            fix = "a function is a schedule if it returns one real number for a traced count"
            checks.raise_bad_argument("scheduled", key, x, "a number or a schedule", fix, error=TypeError)
    rest = {key: x for key, x in hyperparameters.items() if key not in schedules}

    def make(**values: jax.Array) -> optax.GradientTransformation:
        return optimizer(**rest, **{key: _like_a_python_number(x) for key, x in values.items()})

    # Optax injects the parameters in the signature. It lists only the schedules, so no other argument is treated
    # as a schedule or converted to an array.
    keyword = inspect.Parameter.KEYWORD_ONLY
    make.__signature__ = inspect.Signature([inspect.Parameter(key, keyword) for key in schedules])  # pyright: ignore[reportFunctionMemberAccess]
    return optax.inject_hyperparams(make, hyperparam_dtype=default_float())(**schedules)


def _is_schedule(value: object, parameter: inspect.Parameter | None) -> bool:
    """Return whether an argument is a schedule: one of ours, a stateful one, or a function of a count.

    A mask returns no number for a count, and a dtype is a class. If the default of an argument is a function
    (``clip_value_fn`` of ``adopt``), the optimizer calls it itself.
    """
    if isinstance(value, Schedule) or is_stateful(value):
        return True
    default = inspect.Parameter.empty if parameter is None else parameter.default
    calls_it = callable(default) and default is not inspect.Parameter.empty
    if not callable(value) or isinstance(value, type) or calls_it:
        return False
    try:
        found = jax.eval_shape(value, jax.ShapeDtypeStruct((), np.int32))
    except Exception:  # a function of other arguments may raise any error for a count
        return False
    dtype = getattr(found, "dtype", None)
    is_real = dtype is not None and any(jnp.issubdtype(dtype, kind) for kind in (jnp.floating, jnp.integer))
    return is_real and found.shape == ()


def _like_a_python_number(value: jax.Array) -> jax.Array:
    """Return the number as a weakly typed array, which does not promote the array that it multiplies."""
    return jnp.asarray(0.0).at[...].set(value)


@checks.by_name
def applied_values(opt_state: StateLike) -> dict[str, jax.Array]:
    """Return every scheduled hyperparameter at the last update, from an optimizer state: the values to log.

    Args:
      opt_state: The state that ``update`` of an optimizer made by `scheduled` (or ``optax.inject_hyperparams``)
        returned, or any pytree that contains such states. ``chain``, ``partition``, ``MultiSteps`` and the
        other wrappers in the table of `applied_value` may be around it.

    Returns:
      A dict from names to JAX scalars, inside and outside of ``jit``. Before the first update it has the values
      that the first update will use. This includes the first micro-batches of a ``MultiSteps``. If several
      states have the same name, the path comes first: ``"matrices/learning_rate"`` for the group ``matrices``
      of a ``partition``, ``"0/learning_rate"`` for the first element of a ``chain``. The constant numbers that
      ``inject_hyperparams`` stores are included. The value of a `with_feedback` includes the scale.

    Raises:
      ValueError: If there is no such state. ``optax.adamw(schedule)`` stores only a count; use
        ``applied_value(schedule, opt_state)`` for it.

    >>> import optax, warmup_optax as wo
    >>> optimizer = wo.scheduled(optax.lion, learning_rate=wo.linear(1.0, 0.0, 4), b1=wo.constant(0.9))
    >>> wo.applied_values(optimizer.init({"w": 0.5}))["learning_rate"]
    Array(1., dtype=float32)
    """
    found = list(_values(opt_state))
    if not found:
        raise ValueError(
            "applied_values: opt_state must hold the state of a scheduled optimizer, got none; make it by "
            "wo.scheduled(optax.adamw, learning_rate=schedule), where an Optax schedule is wrapped in "
            "wo.as_schedule, or read one schedule by applied_value(schedule, opt_state)"
        )
    times = Counter(each.name for each in found)
    return {each.name if times[each.name] == 1 else each.long_name(): each.value for each in found}


class _Value(NamedTuple):
    path: KeyPath
    name: str
    value: jax.Array

    def long_name(self) -> str:
        """The name after the groups and indices of its path, without the field names of Optax."""
        keys = (getattr(key, "key", getattr(key, "idx", None)) for key in self.path)
        return "/".join([*(str(key) for key in keys if key is not None), self.name])


def _values(tree: StateLike, path: KeyPath = ()) -> Iterator[_Value]:
    for place, node in states(tree, path):
        kind = type(node).__name__
        if kind in _INJECTED:
            for name, value in node.hyperparams.items():
                yield _Value(place, name, bare(value))
        for field in node._fields:
            at = (*place, jax.tree_util.GetAttrKey(field))
            yield from _values(getattr(node, field), at)
