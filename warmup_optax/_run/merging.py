"""Average checkpoints of a constant rate to estimate a cooldown without running it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from .._core import checks
from .._core.scalars import Numeric
from .._core.schedule import Schedule
from .._core.types import Number, ShapeLike, Steps
from .._view.sample import sample

Params = TypeVar("Params", bound=optax.Params)
_Number: TypeAlias = jax.Array | np.ndarray | float | complex
_Kind: TypeAlias = np.dtype | type  # the dtype of an array, or the type of a Python number
_Leaf: TypeAlias = tuple[str, tuple[int, ...], _Kind]  # its path, shape and kind


@checks.by_name
def checkpoint_weights(shape: ShapeLike, num_checkpoints: Steps) -> np.ndarray:
    """Return weights for averaging checkpoints of a constant rate, as an estimate of a cooldown.

    With ``n`` checkpoints and ``w_j = shape(1, 0, n)(j)``, checkpoint ``j`` (from 0, the oldest) has the
    weight ``c_j = w_j - w_(j+1)``, so ``c_0 = 1 - w_1`` and ``c_(n-1) = w_(n-1)``. The average multiplies the
    change from checkpoint ``j - 1`` to checkpoint ``j`` by ``w_j``. A cooldown multiplies the constant rate by
    ``w_j``, but its gradients differ from those of the constant run. So the average is an estimate of the
    cooldown. The two are equal if gradients do not depend on the parameters and each update is its rate times
    the gradient.

    Args:
      shape: The curve of the cooldown: a finite shape such as ``linear`` (the plain mean), ``cosine``,
        ``one_minus_sqrt``, a ``functools.partial`` of one, or any function ``(init_value, end_value, steps)
        -> schedule`` that runs from ``init_value`` to ``end_value``.
      num_checkpoints: The number of checkpoints, a whole number >= 1. They are the same number of updates
        apart. The cooldown would start from the oldest. With a checkpoint after every update, the average is
        an estimate of ``with_cooldown(constant(rate), begin=begin, steps=num_checkpoints, shape=shape)`` after
        its last update with a rate above 0. The oldest checkpoint is then the one after update ``begin``.

    Returns:
      A float64 NumPy array of ``num_checkpoints`` weights, that of the oldest checkpoint first, computed in
      float64 with and without x64. They add up to 1. Where a shape rises, its weights are negative.

    Raises:
      TypeError: If ``shape`` is not a function of three numbers that returns a schedule.
      ValueError: If ``num_checkpoints`` is not a whole number >= 1, or the shape does not run from 1 to 0
        (``geometric`` cannot).

    Source: Tian et al. 2025, WSM: Decay-Free Learning Rate Schedule via Checkpoint Merging
    (arXiv:2507.17634).

    >>> import warmup_optax as wo
    >>> wo.checkpoint_weights(wo.linear, 4).tolist()
    [0.25, 0.25, 0.25, 0.25]
    >>> wo.checkpoint_weights(wo.one_minus_sqrt, 4).round(3).tolist()  # the oldest has the largest weight
    [0.5, 0.207, 0.159, 0.134]
    """
    n = int(checks.steps("checkpoint_weights", "num_checkpoints", num_checkpoints, at_least=1))
    allowed = "a shape that falls from 1 to 0, such as linear or one_minus_sqrt"
    if isinstance(shape, Schedule) or not callable(shape):
        fix = "give the function, as in checkpoint_weights(linear, 8)"
        checks.raise_bad_argument("checkpoint_weights", "shape", shape, allowed, fix, error=TypeError)
    with jax.enable_x64(True):
        try:
            weights = sample(shape(1.0, 0.0, n), np.arange(n + 1)).astype(np.float64)
        except ValueError as error:
            checks.raise_bad_argument("checkpoint_weights", "shape", shape, allowed, f"with it: {error}")
    if not (weights[0] == 1 and weights[-1] == 0):
        checks.raise_bad_argument(
            "checkpoint_weights", "shape", shape, allowed, f"it runs from {weights[0]} to {weights[-1]}"
        )
    return weights[:-1] - weights[1:]


@checks.by_name
def merge_checkpoints(weights: ArrayLike | Sequence[Number], trees: Iterable[Params]) -> Params:
    """Return the weighted average of trees of parameters, with one of them in memory at a time.

    Args:
      weights: One weight for each tree. They must add up to 1. `checkpoint_weights` returns such weights.
      trees: The trees in the same order: an iterable. Each tree is released before the next one is requested,
        so a generator can restore one checkpoint at a time. Leaves are JAX or NumPy arrays (or numbers) of
        real or complex dtype. The trees have the same structure, shapes and dtypes.

    Returns:
      A tree with the same structure and dtypes. Its leaves are NumPy arrays if those of the trees are, and
      JAX arrays stay on their devices. The sum is computed in float32, or in the dtype of the leaves if that is
      wider.

    Raises:
      ValueError: If the numbers of trees and weights differ, the weights do not add up to 1 (to 1e-6), or a
        tree differs from the first in structure, shape or dtype. The message names the leaf.
      TypeError: If a leaf contains whole numbers or bools (a step count, a random key). Pass only the
        parameters.

    With Orbax, for a run that saved ``{"params": ..., "opt_state": ...}`` every thousand updates::

        import orbax.checkpoint as ocp

        steps = [8_000, 9_000, 10_000, 11_000]
        with ocp.CheckpointManager(directory) as manager:
            restore = ocp.args.StandardRestore()
            trees = (manager.restore(step, args=restore)["params"] for step in steps)
            params = wo.merge_checkpoints(wo.checkpoint_weights(wo.one_minus_sqrt, len(steps)), trees)

    >>> import warmup_optax as wo
    >>> trees = ({"w": float(i)} for i in range(4))
    >>> wo.merge_checkpoints(wo.checkpoint_weights(wo.linear, 4), trees)
    {'w': 1.5}
    """
    values = checks.numbers("merge_checkpoints", "weights", weights)
    if abs(sum(values) - 1) > 1e-6:
        fix = "divide them by their sum"
        checks.raise_bad_argument(
            "merge_checkpoints", "weights", list(values), "numbers that add up to 1", fix
        )
    total: Params | None = None
    first: list[_Leaf] = []
    structure, seen = None, 0
    for tree in trees:
        if seen == len(values):
            raise ValueError(f"merge_checkpoints: trees must match weights in number, got more than {seen}")
        if structure is None:
            first, structure = _layout(tree), jax.tree.structure(tree)
            total = jax.tree.map(lambda x: values[0] * _wide(x), tree)
        else:
            _same(first, _layout(tree), seen)
            if jax.tree.structure(tree) != structure:
                raise ValueError(
                    f"merge_checkpoints: trees must be alike, got {structure} in tree 0 and "
                    f"{jax.tree.structure(tree)} in tree {seen}"
                )
            total = _plus(total, values[seen], tree)
        del tree  # or it would stay in memory while the next one is loaded
        seen += 1
    if seen != len(values):
        raise ValueError(
            f"merge_checkpoints: trees must match weights in number, got {seen} trees for {len(values)} weights"
        )
    assert structure is not None
    leaves = jax.tree.leaves(total)
    return structure.unflatten([_cast(x, kind) for x, (_, _, kind) in zip(leaves, first, strict=True)])


def _layout(tree: optax.Params) -> list[_Leaf]:
    """Return the path, the shape and the dtype of each leaf; the type for a Python number."""
    found = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        place = jax.tree_util.keystr(path) or "the tree itself"
        kind = type(leaf) if isinstance(leaf, (bool, int, float, complex)) else getattr(leaf, "dtype", None)
        if kind is None or not jnp.issubdtype(kind, jnp.inexact):
            raise TypeError(
                f"merge_checkpoints: trees must have leaves of real or complex numbers, got "
                f"{kind or type(leaf)} at {place}; give the parameters alone, without counts and keys"
            )
        found.append((place, np.shape(leaf), kind))
    return found


def _same(first: list[_Leaf], other: list[_Leaf], number: int) -> None:
    for a, b in zip(first, other, strict=False):
        if a != b:
            raise ValueError(
                f"merge_checkpoints: trees must be alike, got {a[2]}{list(a[1])} at {a[0]} in tree 0 and "
                f"{b[2]}{list(b[1])} at {b[0]} in tree {number}"
            )
    if len(first) != len(other):
        raise ValueError(
            f"merge_checkpoints: trees must be alike, got {len(first)} leaves in tree 0 and {len(other)} in "
            f"tree {number}"
        )


def _wide(x: _Number) -> _Number:
    return x if isinstance(x, (int, float, complex)) else x.astype(np.promote_types(x.dtype, np.float32))


def _plus(total: Params | None, weight: Numeric, tree: Params) -> Params:
    return jax.tree.map(lambda sum_, x: sum_ + weight * _wide(x), total, tree)


def _cast(x: _Number, kind: _Kind) -> _Number:
    return x if isinstance(x, (int, float, complex)) else x.astype(kind)
