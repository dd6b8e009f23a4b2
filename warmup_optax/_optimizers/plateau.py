"""A rate that falls further when a loss no longer does."""

from __future__ import annotations

from typing import Any, NamedTuple

import optax

from .._core import checks
from .._core.schedule import Steps


class PlateauState(NamedTuple):
    """The state of `with_plateau`.

    Attributes:
      plateau: Of ``optax.conditionally_transform``: the state of ``reduce_on_plateau``, and the count that it
        waits for.
      inner_state: Of the optimizer.
    """

    plateau: Any
    inner_state: Any


def with_plateau(
    optimizer: optax.GradientTransformation,
    *,
    begin: Steps = 0,
    factor: float = 0.1,
    patience: int = 10,
    rtol: float = 1e-4,
    atol: float = 0.0,
    cooldown: int = 0,
    accumulation_size: int = 1,
    min_scale: float = 0.0,
) -> optax.GradientTransformationExtraArgs:
    """Multiplies what an optimizer does by a scale that falls when a loss stops improving.

    It is `optax.contrib.reduce_on_plateau` behind the optimizer, and blind to the first ``begin`` updates: a
    loss that has not improved during a warmup says nothing. The rate that is applied is the schedule's times
    the scale; the scale starts at 1, and is multiplied by ``factor`` whenever ``patience`` means of
    ``accumulation_size`` losses have come in a row without one below ``(1 - rtol) * best - atol``.

    Args:
      optimizer: An optimizer of Optax, with or without a schedule of its own.
      begin: The number of the first update, counted from 0, whose loss is looked at: the length of the
        warmup, say. A whole number >= 0. "An update" is one call of ``update`` of this optimizer; inside of a
        ``MultiSteps`` those are the real updates, each with the loss of its last micro-batch (use the
        ``MultiSteps`` itself: its ``gradient_transformation()`` drops the loss); around one they are the
        micro-batches.
      factor: What the scale is multiplied by, in (0, 1).
      patience: How many means without improvement are waited for.
      rtol: How much less the loss must be, relative to the best one, to be an improvement.
      atol: How much less it must be, absolutely.
      cooldown: How many means are passed over after the scale has fallen.
      accumulation_size: Of how many losses a mean is taken. With the loss of every batch, take many; with a
        validation loss that stays the same for a hundred updates, take those hundred.
      min_scale: The scale does not fall below this.

    Returns:
      An ``optax.GradientTransformationExtraArgs``; call ``update(grads, opt_state, params, value=loss)``. All
      that it knows is in its state, so a restored checkpoint goes on as if there had been no stop. In it
      `applied_value` is the product of the schedule and the scale; `applied_values` has the scale beside
      the hyperparameters, as ``"plateau_scale"``.

    Raises:
      TypeError: If ``optimizer`` is not one, a schedule say.
      ValueError: If ``begin`` is not a whole number >= 0, or Optax refuses another argument.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`, which counts bad values from the first.

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
    first = checks.steps("with_plateau", "begin", begin)
    inner = optax.with_extra_args_support(optimizer)
    reduce = optax.contrib.reduce_on_plateau(
        factor=factor,
        patience=patience,
        rtol=rtol,
        atol=atol,
        cooldown=cooldown,
        accumulation_size=accumulation_size,
        min_scale=min_scale,
    )
    plateau = optax.conditionally_transform(reduce, lambda step, **_: step >= first)

    def init(params: Any) -> PlateauState:
        return PlateauState(plateau.init(params), inner.init(params))

    def update(
        updates: Any, state: Any, params: Any = None, *, value: Any = None, **extra: Any
    ) -> tuple[Any, PlateauState]:
        if value is None:
            raise TypeError(
                "with_plateau: update needs the loss: write update(grads, opt_state, params, value=loss)"
            )
        updates, inner_state = inner.update(updates, state.inner_state, params, value=value, **extra)
        updates, after = plateau.update(updates, state.plateau, params, value=value)
        return updates, PlateauState(after, inner_state)

    return optax.GradientTransformationExtraArgs(init, update)
