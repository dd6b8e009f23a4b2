"""A rate that falls further when a loss no longer improves."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from .._core import checks
from .._core.schedule import Number, Steps
from .._core.time import default_float


class PlateauState(NamedTuple):
    """The state of `with_plateau`.

    Attributes:
      scale: What the updates are multiplied by.
      best_value: The best mean of losses so far.
      plateau_count: How many means in a row were no improvement.
      cooldown_count: How many means are still ignored after the last reduction.
      mean_count: How many losses are in ``mean_value``.
      mean_value: The mean of the losses since the last comparison.
      step: The number of the next update.
      inner_state: Of the optimizer.
    """

    scale: jax.Array
    best_value: jax.Array
    plateau_count: jax.Array
    cooldown_count: jax.Array
    mean_count: jax.Array
    mean_value: jax.Array
    step: jax.Array
    inner_state: optax.OptState


def with_plateau(
    optimizer: optax.GradientTransformation,
    *,
    begin: Steps = 0,
    factor: Number = 0.1,
    patience: Steps = 10,
    rtol: Number = 1e-4,
    atol: Number = 0.0,
    cooldown: Steps = 0,
    accumulation_size: Steps = 1,
    min_scale: Number = 0.0,
    mode: Literal["min", "max"] = "min",
) -> optax.GradientTransformationExtraArgs:
    """Multiplies what an optimizer does by a scale that falls when a loss stops improving.

    Also known as ``ReduceLROnPlateau``. The applied rate is the schedule's value times a scale. The scale starts
    at 1. It is multiplied by ``factor`` when ``patience`` means of ``accumulation_size`` losses in a row are no
    improvement. The first ``begin`` updates are ignored, because a loss that has not improved during a warmup
    says nothing. A mean ``m`` is an improvement over the best one ``b`` if

    * ``m < b - max(rtol * |b|, atol)`` for ``mode="min"``,
    * ``m > b + max(rtol * |b|, atol)`` for ``mode="max"``.

    The margin uses ``|b|``, so losses below 0 (a log-likelihood, an ELBO) have plateaus too.

    Args:
      optimizer: An optimizer of Optax, with or without a schedule of its own.
      begin: The number of the first update, counted from 0, whose loss is looked at: the length of the
        warmup, say. A whole number >= 0. "An update" is one call of ``update`` of this optimizer; inside of a
        ``MultiSteps`` those are the real updates, each with the loss of its last micro-batch (use the
        ``MultiSteps`` itself: its ``gradient_transformation()`` drops the loss); around one they are the
        micro-batches.
      factor: What the scale is multiplied by, in (0, 1).
      patience: After how many means without improvement the scale falls. A whole number >= 1.
      rtol: How much better a mean must be, relative to the best one. A number in [0, 1].
      atol: How much better it must be, absolutely. A number >= 0.
      cooldown: How many means are ignored after the scale has fallen.
      accumulation_size: Of how many losses a mean is taken. With the loss of every batch, take many. With a
        validation loss that stays the same for a hundred updates, take those hundred.
      min_scale: The scale does not fall below this. A number in [0, 1].
      mode: "min" for a loss, "max" for an accuracy or a reward.

    Returns:
      An ``optax.GradientTransformationExtraArgs``; call ``update(grads, opt_state, params, value=loss)``. All
      its memory is in its state, so a restored checkpoint continues exactly. `applied_value` of that state is
      the product of the schedule and the scale. `applied_values` has the scale next to the hyperparameters, as
      ``"plateau_scale"``. The state is in float32 whatever the parameters are in. A loss of NaN is ignored.

    Raises:
      TypeError: If ``optimizer`` is not an optimizer, or if ``update`` gets no ``value``.
      ValueError: If a number is out of its range, or if the loss is not one number.

    Where others differ: ``optax.contrib.reduce_on_plateau`` compares with ``(1 - rtol) * b - atol``. For ``b``
    below 0 this is above ``b``, so every mean is an improvement
    (https://github.com/google-deepmind/optax/pull/1767). It keeps the best loss in the dtype of the parameters:
    in bfloat16 an improvement of less than 0.4 % is lost.

    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``, which counts bad values from the first.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> import optax, warmup_optax as wo
    >>> schedule = wo.warmup_constant(0.5, warmup_steps=3)
    >>> optimizer = wo.with_plateau(optax.sgd(schedule), begin=3, factor=0.5, patience=2)
    >>> params = jnp.array([0.5])
    >>> opt_state, rates, update = optimizer.init(params), [], jax.jit(optimizer.update)
    >>> for _ in range(8):  # a loss that never improves
    ...     updates, opt_state = update(params, opt_state, params, value=1.0)
    ...     rates.append(round(float(wo.applied_value(schedule, opt_state)), 3))
    >>> rates
    [0.0, 0.167, 0.333, 0.5, 0.5, 0.25, 0.25, 0.125]
    """
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        fix = "give the optimizer, as in with_plateau(optax.adamw(schedule), begin=warmup_steps)"
        allowed = "an optimizer of Optax"
        checks.raise_bad_argument("with_plateau", "optimizer", optimizer, allowed, fix, error=TypeError)
    where = "with_plateau"
    first = checks.steps(where, "begin", begin)
    times = checks.number(where, "factor", factor, above=0, below=1)
    most = checks.steps(where, "patience", patience, at_least=1)
    relative = checks.number(where, "rtol", rtol, at_least=0, at_most=1)
    absolute = checks.number(where, "atol", atol, at_least=0)
    rest = checks.steps(where, "cooldown", cooldown)
    whole_size = checks.steps(where, "accumulation_size", accumulation_size, at_least=1)
    least = checks.number(where, "min_scale", min_scale, at_least=0, at_most=1)
    sign = 1.0 if checks.choice(where, "mode", mode, words=("min", "max")) == "min" else -1.0
    inner = optax.with_extra_args_support(optimizer)

    def init(params: optax.Params) -> PlateauState:
        real, zero = default_float(), jnp.int32(0)
        best = jnp.asarray(sign * jnp.inf, real)
        return PlateauState(
            jnp.ones((), real), best, zero, zero, zero, jnp.zeros((), real), zero, inner.init(params)
        )

    def observe(state: PlateauState, value: jax.Array) -> PlateauState:
        """The state after a loss, but for its inner state."""
        seen = (state.step >= first) & ~jnp.isnan(value)
        size = state.mean_count + 1
        mean = state.mean_value + (value - state.mean_value) / size.astype(value.dtype)
        whole = size >= whole_size
        best = state.best_value
        margin = jnp.maximum(relative * jnp.abs(best), absolute)
        margin = jnp.where(jnp.isfinite(best), margin, 0)  # inf - inf, before the first mean
        better = sign * mean < sign * best - margin
        cooling = state.cooldown_count > 0
        bad = jnp.where(better | cooling, 0, state.plateau_count + 1)
        reduce = bad >= most
        after = PlateauState(
            scale=jnp.where(reduce, jnp.maximum(state.scale * times, least), state.scale),
            best_value=jnp.where(better, mean, best),
            plateau_count=jnp.where(reduce, 0, bad),
            cooldown_count=jnp.where(reduce, rest, jnp.maximum(state.cooldown_count - 1, 0)),
            mean_count=jnp.zeros_like(size),
            mean_value=jnp.zeros_like(mean),
            step=state.step,
            inner_state=(),
        )
        between = state._replace(mean_count=size, mean_value=mean, inner_state=())
        before = state._replace(inner_state=())

        def choose(compared: jax.Array, meant: jax.Array, ignored: jax.Array) -> jax.Array:
            return jnp.where(seen, jnp.where(whole, compared, meant), ignored).astype(ignored.dtype)

        chosen = jax.tree.map(choose, after, between, before)
        return chosen._replace(step=optax.safe_increment(state.step))

    def update(
        updates: optax.Updates,
        state: PlateauState,
        params: optax.Params | None = None,
        *,
        value: ArrayLike | None = None,
        **extra: Any,
    ) -> tuple[optax.Updates, PlateauState]:
        if value is None:
            raise TypeError(
                "with_plateau: update needs the loss: write update(grads, opt_state, params, value=loss)"
            )
        if jnp.shape(value):
            allowed, fix = "one number, the loss", "take its mean"
            checks.raise_bad_argument("update", "value", value, allowed, fix)
        updates, inner_state = inner.update(updates, state.inner_state, params, value=value, **extra)
        after = observe(state, jnp.asarray(value, state.mean_value.dtype))
        # In the dtype of each update, so that the product has it too.
        updates = jax.tree.map(lambda update: update * after.scale.astype(update.dtype), updates)
        return updates, after._replace(inner_state=inner_state)

    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]
