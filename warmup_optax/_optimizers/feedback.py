"""A schedule times a scale that follows the run: a rule adjusts it by a loss or a divergence."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.node import Node, checked, static
from .._core.scalars import default_float, real
from .._core.schedule import Schedule
from .._core.types import Number, ScheduleLike, Steps
from .state import StateLike, bare, count_of, value_at_last_update

State = TypeVar("State")
_SPIKE_AFTER = 10  # losses, before which none is a spike

if TYPE_CHECKING:

    class RuleLike(Protocol):
        """The methods of a rule."""

        # The state is the rule's, and a parameter of a protocol is contravariant: a rule with a typed state fits.
        def init(self) -> Any: ...
        def step(self, state: Any, value: jax.Array, /) -> Any: ...
        def scale(self, state: Any, /) -> jax.Array: ...

else:
    RuleLike = object


# ------------------------------------------------------------------ rules


def _whole(number: Steps) -> jax.Array:
    """Return a whole number as int32, the dtype of every count in a state."""
    return jnp.asarray(number).astype(jnp.int32)


def _select(condition: jax.Array, yes: State, no: State) -> State:
    """One of two states."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _better(value: jax.Array, best: jax.Array, margin: jax.Array) -> jax.Array:
    """Return whether a value is below the best one by more than a margin. The first finite value always is."""
    return value < best - jnp.where(jnp.isfinite(best), margin, 0)


def scale_or_infinity(where: str, name: str, value: Number) -> Number:
    infinite = isinstance(value, float) and value == np.inf
    return value if infinite else checks.number(where, name, value, above=0)


class Rule(Node, Generic[State]):
    r"""The base of every rule: a scale computed from the values passed to the updates.

    A rule is a frozen value with three pure functions. Subclass it to write one. Its fields are numbers,
    which may be traced, and choices, marked with `warmup_optax.static`.

    * ``init()`` returns the state before the first value: a tree of scalars.
    * ``step(state, value)`` returns the state after a value, with the same structure and dtypes. ``value``
      is a scalar of the default float dtype, and is not NaN: a NaN leaves the state unchanged.
    * ``scale(state)`` returns the scalar that the schedule is multiplied by.

    >>> import jax.numpy as jnp, warmup_optax as wo
    >>> class WhileAbove(wo.feedback.Rule):
    ...     '''A tenth of the rate while the loss is above a level.'''
    ...     level: float
    ...
    ...     def init(self):
    ...         return jnp.ones(())
    ...
    ...     def step(self, state, value):
    ...         return jnp.where(value > self.level, 0.1, 1.0)
    ...
    ...     def scale(self, state):
    ...         return state
    >>> wo.with_feedback(1e-3, WhileAbove(5.0))
    with_feedback(schedule=constant(value=0.001), rule=WhileAbove(level=5.0))
    """

    @abc.abstractmethod
    def init(self) -> State:
        """The state before the first value."""

    @abc.abstractmethod
    def step(self, state: State, value: jax.Array) -> State:
        """The state after a value."""

    @classmethod
    def _made_by_name(cls) -> str:
        return cls._kind if cls._is_ours else cls.__name__

    if TYPE_CHECKING:  # not a method of the base: `Spike` has a field of this name

        def scale(self, state: State) -> jax.Array:
            """Return the scale: the factor of the schedule."""
            ...


class PlateauState(NamedTuple):
    """The state of a `Plateau`.

    Attributes:
      scale: The scale.
      best: The best mean so far, with the sign changed for ``mode="max"``.
      bad: How many means in a row were no improvement.
      cooling: How many more means are passed over.
      passed: How many of the first ``begin`` values came.
      mean: The mean of the values that are collected.
      number: How many are.
    """

    scale: jax.Array
    best: jax.Array
    bad: jax.Array
    cooling: jax.Array
    passed: jax.Array
    mean: jax.Array
    number: jax.Array


class Plateau(Rule[PlateauState], kind="feedback.Plateau"):
    r"""A rule that lowers the scale when a loss stops improving. Also known as ReduceLROnPlateau.

    The scale starts at 1. It is multiplied by ``factor`` after each ``patience`` losses in a row without an
    improvement. A loss :math:`x` is an improvement on the best one :math:`b` if

    .. math:: x < b - \max(\text{rtol} \, |b|, \text{atol}).

    The margin is an absolute value, so negative losses work: a log-likelihood, an ELBO.

    Args:
      factor: What the scale is multiplied by, above 0 and below 1.
      patience: How many losses in a row without an improvement lower the scale, >= 1.
      rtol: How much better a loss must be, relative to the best one, >= 0.
      atol: How much better a loss must be, >= 0.
      cooldown: How many losses are passed over after the scale was lowered, >= 0. They may still be the
        best.
      mode: ``"min"`` for a loss, ``"max"`` for an accuracy or a reward.
      min_scale: The lowest scale, from 0 to 1.
      begin: How many losses are passed over at first: the length of the warmup. A loss that has not improved
        during a warmup says nothing.
      accumulation_size: Of how many losses a mean is taken, >= 1. Everything above then counts means. With
        the loss of every batch take many. With a validation loss that is measured every 100 updates, pass
        the last one
        each time and take 100.

    Raises:
      ValueError: If an argument is out of its range.
      TypeError: If an argument is of the wrong type.

    PyTorch's ``ReduceLROnPlateau`` waits for one loss more: its ``patience=10`` is ``patience=11`` here, its
    ``threshold`` is ``rtol`` (or ``atol`` with ``threshold_mode="abs"``), and its ``factor`` is 0.1 by
    default. Its relative mode, and Optax's ``contrib.reduce_on_plateau``, count every equal negative loss as
    an improvement.

    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau`` and ``optax.contrib.reduce_on_plateau``.

    >>> import warmup_optax as wo
    >>> rule = wo.feedback.Plateau(factor=0.5, patience=2)
    >>> state, scales = rule.init(), []
    >>> for loss in (-1.0, -1.0, -1.0, -1.0, -2.0):
    ...     scales.append(float(rule.scale(state)))
    ...     state = rule.step(state, loss)
    >>> scales
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    factor: float = checked(checks.number, default=0.5, kw_only=True, above=0, below=1)
    patience: int = checked(checks.steps, default=10, kw_only=True, at_least=1)
    rtol: float = checked(checks.number, default=1e-4, kw_only=True, at_least=0)
    atol: float = checked(checks.number, default=0.0, kw_only=True, at_least=0)
    cooldown: int = checked(checks.steps, default=0, kw_only=True)
    mode: str = checked(checks.choice, default="min", static=True, kw_only=True, words=("min", "max"))
    min_scale: float = checked(checks.number, default=0.0, kw_only=True, at_least=0, at_most=1)
    begin: int = checked(checks.steps, default=0, kw_only=True)
    accumulation_size: int = checked(checks.steps, default=1, kw_only=True, at_least=1)

    def init(self) -> PlateauState:
        """The state before the first loss."""
        zero = _whole(0)
        return PlateauState(real(1.0), real(np.inf), zero, zero, zero, real(0.0), zero)

    def step(self, state: PlateauState, value: jax.Array) -> PlateauState:
        """The state after a loss."""
        signed = -real(value) if self.mode == "max" else real(value)
        waiting = state.passed < _whole(self.begin)
        number = state.number + 1
        mean = state.mean + (signed - state.mean) / number.astype(signed.dtype)
        judged = self._judged(state, mean)._replace(mean=real(0.0), number=_whole(0))
        collected = state._replace(mean=mean, number=number)
        after = _select(number >= _whole(self.accumulation_size), judged, collected)
        return _select(waiting, state._replace(passed=state.passed + 1), after)

    def _judged(self, state: PlateauState, mean: jax.Array) -> PlateauState:
        better = _better(
            mean, state.best, jnp.maximum(real(self.rtol) * jnp.abs(state.best), real(self.atol))
        )
        cooling = state.cooling > 0
        bad = jnp.where(better | cooling, 0, state.bad + 1)
        lower = bad >= _whole(self.patience)
        lowered = jnp.maximum(state.scale * real(self.factor), real(self.min_scale))
        return state._replace(
            scale=jnp.where(lower, lowered, state.scale),
            best=jnp.where(better, mean, state.best),
            bad=jnp.where(lower, 0, bad),
            cooling=jnp.where(lower, _whole(self.cooldown), jnp.where(cooling, state.cooling - 1, 0)),
        )

    def scale(self, state: PlateauState) -> jax.Array:
        """The scale."""
        return state.scale


class GreedyState(NamedTuple):
    """The state of a `Greedy`.

    Attributes:
      scale: The scale.
      best: The best value so far, with the sign changed for ``mode="max"``.
      good: How many values in a row were an improvement.
      bad: How many values in a row were none.
      cooling: How many more values are passed over after the scale was lowered.
      warming: How many more values are passed over after the scale was raised.
      resets_in: How many more times the scale must be found at its least before everything starts again.
      window: The last values, if they are smoothed.
      filled: How many of these came.
    """

    scale: jax.Array
    best: jax.Array
    good: jax.Array
    bad: jax.Array
    cooling: jax.Array
    warming: jax.Array
    resets_in: jax.Array
    window: jax.Array | tuple[()]  # Orbax saves no array without a number
    filled: jax.Array


class Greedy(Rule[GreedyState], kind="feedback.Greedy"):
    r"""A rule that raises the scale while a loss improves, and lowers it otherwise. Also known as GreedyLR.

    After more than ``patience`` improvements in a row the scale is divided by ``factor``. After more than
    ``patience`` values in a row without an improvement it is multiplied by ``factor``. The arguments are those of
    ``transformers.GreedyLR``, with the rates in units of the schedule's: ``min_scale`` is its ``min_lr``
    over the first rate.

    Args:
      factor: Above 0 and below 1.
      patience: See above, >= 0.
      threshold: How much better than the best value an improvement is, >= 0.
      cooldown: How many values are passed over after the scale was lowered, >= 0.
      warmup: How many values are passed over after the scale was raised, >= 0.
      mode: ``"min"`` for a loss, ``"max"`` for an accuracy or a reward.
      threshold_mode: ``"abs"``, or ``"rel"`` for a threshold relative to the absolute value of the best.
      smooth: Whether the mean of the last ``window_size`` values is taken in place of each.
      window_size: A whole number >= 1, known before tracing.
      reset_start: After this number of reductions in a row that find the scale at ``min_scale``, everything
        starts again, with a scale of 1. A whole number >= 1.
      eps: A change of the scale that is not above this is not made, >= 0. A scale that is not further above
        ``min_scale`` counts as at it. (In ``transformers`` such a rate stays there, and is never reset.)
      min_scale: The lowest scale, >= 0.
      max_scale: The highest scale, above 0. Infinity is allowed.

    Raises:
      ValueError: If an argument is out of its range, or ``min_scale`` is above ``max_scale``.
      TypeError: If an argument is of the wrong type.

    ``transformers`` multiplies a rate that it starts at, and here the schedule may have a warmup or a decay.
    Its defaults are ``min_lr=1e-3`` and ``max_lr=1.0``, absolute, and its relative threshold counts every
    equal negative value as an improvement.

    Source: GreedyLR (2025), arXiv:2512.14527; ``transformers.GreedyLR`` 5.24.

    >>> import warmup_optax as wo
    >>> rule = wo.feedback.Greedy(factor=0.5, patience=1)
    >>> state, scales = rule.init(), []
    >>> for loss in (3.0, 2.0, 1.0, 1.0, 1.0):
    ...     state = rule.step(state, loss)
    ...     scales.append(float(rule.scale(state)))
    >>> scales
    [1.0, 2.0, 2.0, 2.0, 1.0]
    """

    factor: float = checked(checks.number, default=0.95, kw_only=True, above=0, below=1)
    patience: int = checked(checks.steps, default=10, kw_only=True)
    threshold: float = checked(checks.number, default=1e-6, kw_only=True, at_least=0)
    cooldown: int = checked(checks.steps, default=0, kw_only=True)
    warmup: int = checked(checks.steps, default=0, kw_only=True)
    mode: str = checked(checks.choice, default="min", static=True, kw_only=True, words=("min", "max"))
    threshold_mode: str = checked(
        checks.choice, default="abs", static=True, kw_only=True, words=("abs", "rel")
    )
    smooth: bool = checked(checks.boolean, default=False, static=True, kw_only=True)
    window_size: int = checked(checks.steps, default=50, static=True, kw_only=True, at_least=1)
    reset_start: int = checked(checks.steps, default=500, kw_only=True, at_least=1)
    eps: float = checked(checks.number, default=1e-8, kw_only=True, at_least=0)
    min_scale: float = checked(checks.number, default=0.0, kw_only=True, at_least=0)
    max_scale: float = checked(scale_or_infinity, default=np.inf, kw_only=True)

    def _check_together(self) -> None:
        allowed = f"at least min_scale = {self.min_scale}"
        checks.at_least(self._kind, "max_scale", self.max_scale, self.min_scale, allowed, "exchange the two")

    def init(self) -> GreedyState:
        """The state before the first value."""
        zero = _whole(0)
        window = jnp.zeros(self.window_size, default_float()) if self.smooth else ()
        start = _whole(self.reset_start)
        return GreedyState(real(1.0), real(np.inf), zero, zero, zero, zero, start, window, zero)

    def step(self, state: GreedyState, value: jax.Array) -> GreedyState:
        """The state after a value."""
        signed = -real(value) if self.mode == "max" else real(value)
        if self.smooth:
            window = jnp.roll(jnp.asarray(state.window), 1).at[0].set(signed)
            filled = jnp.minimum(state.filled + 1, self.window_size)
            signed = jnp.sum(window) / filled.astype(signed.dtype)  # of those that came: the others are 0
            state = state._replace(window=window, filled=filled)
        threshold = real(self.threshold)
        threshold = threshold * jnp.abs(state.best) if self.threshold_mode == "rel" else threshold
        cooling = state.cooling > 0
        warming = ~cooling & (state.warming > 0)
        live = ~cooling & ~warming
        better = live & _better(signed, state.best, threshold)
        good = jnp.where(better, state.good + 1, 0)
        bad = jnp.where(live & ~better, state.bad + 1, 0)
        higher = good > _whole(self.patience)
        lower = bad > _whole(self.patience)
        after = state._replace(
            best=jnp.where(better, signed, state.best),
            good=jnp.where(higher, 0, good),
            bad=jnp.where(lower, 0, bad),
            cooling=jnp.where(cooling, state.cooling - 1, 0),
            warming=jnp.where(warming, state.warming - 1, state.warming),
        )
        return _select(higher, self._raised(after), _select(lower, self._lowered(after), after))

    def _raised(self, state: GreedyState) -> GreedyState:
        found = jnp.minimum(state.scale / real(self.factor), real(self.max_scale))
        scale = jnp.where(found - state.scale > real(self.eps), found, state.scale)
        return state._replace(scale=scale, warming=_whole(self.warmup), resets_in=_whole(self.reset_start))

    def _lowered(self, state: GreedyState) -> GreedyState:
        found = jnp.maximum(state.scale * real(self.factor), real(self.min_scale))
        scale = jnp.where(state.scale - found > real(self.eps), found, state.scale)
        # Within eps of its least it is there: the change to the least itself would not be made.
        at_least = scale - real(self.min_scale) <= real(self.eps)
        resets_in = jnp.where(at_least, state.resets_in - 1, state.resets_in)
        after = state._replace(scale=scale, resets_in=resets_in)
        return _select(resets_in <= 0, self.init(), after)._replace(cooling=_whole(self.cooldown))

    def scale(self, state: GreedyState) -> jax.Array:
        """The scale."""
        return state.scale


class AdaptiveKL(Rule[jax.Array], kind="feedback.AdaptiveKL"):
    r"""A rule that keeps the KL divergence of a policy's updates near a target, as in PPO libraries.

    A divergence above :math:`2 \, \text{target}` divides the scale by ``factor``. One above 0 and below
    :math:`\text{target} / 2` multiplies it by ``factor``. Pass the mean divergence between the policies
    before and after an update: ``optimizer.update(grads, opt_state, params, kl=kl)`` with ``argument="kl"``.

    Args:
      target: The divergence that is aimed at, above 0; often 0.01.
      factor: Above 1.
      min_scale: The lowest scale, above 0 and at most 1.
      max_scale: The highest scale, at least 1.

    Raises:
      ValueError: If an argument is out of its range.
      TypeError: If an argument is of the wrong type.

    In rsl_rl and Brax the limits are rates, 1e-5 and 1e-2: for a first rate of 1e-3 they are the defaults
    with ``max_scale=10``.

    Source: rsl_rl, ``PPO.update`` with ``schedule="adaptive"``; Brax, ``adaptive_kl_learning_rate``.

    >>> import warmup_optax as wo
    >>> rule = wo.feedback.AdaptiveKL(0.01)
    >>> [round(float(rule.step(1.0, kl)), 3) for kl in (0.05, 0.01, 0.001, 0.0)]
    [0.667, 1.0, 1.5, 1.0]
    """

    target: float = checked(checks.number, above=0)
    factor: float = checked(checks.number, default=1.5, kw_only=True, above=1)
    min_scale: float = checked(checks.number, default=1e-2, kw_only=True, above=0, at_most=1)
    max_scale: float = checked(checks.number, default=1e2, kw_only=True, at_least=1)

    def init(self) -> jax.Array:
        """The state before the first divergence: the scale."""
        return real(1.0)

    def step(self, state: jax.Array, value: jax.Array) -> jax.Array:
        """The scale after a divergence."""
        scale, target, factor = real(state), real(self.target), real(self.factor)
        higher = (value < target / 2) & (value > 0)
        scale = jnp.where(value > 2 * target, scale / factor, jnp.where(higher, scale * factor, scale))
        return jnp.clip(scale, real(self.min_scale), real(self.max_scale))

    def scale(self, state: jax.Array) -> jax.Array:
        """The scale."""
        return state


class SpikeState(NamedTuple):
    """The state of a `Spike`.

    Attributes:
      mean: The running mean of the losses.
      weight: The sum of the weights in it, which tends to ``1 / (1 - decay)``.
      number: How many losses came, up to 10.
      lowered: For how many more updates the rate is lowered.
    """

    mean: jax.Array
    weight: jax.Array
    number: jax.Array
    lowered: jax.Array


class Spike(Rule[SpikeState], kind="feedback.Spike"):
    r"""A rule that lowers the rate for a number of updates after a loss far above its running mean.

    With the running mean :math:`m`, the loss of an update is a spike if

    .. math:: x > m + (\text{factor} - 1) \, |m|,

    for a positive mean :math:`x > \text{factor} \cdot m`. The next ``steps`` updates then have ``scale``
    times the schedule's rate. Another spike among them restarts this number. The first 10 losses are never
    spikes. In the mean a spike is replaced by the largest loss that is not a spike, so the mean follows a loss
    that stays high.

    Args:
      factor: Above 1.
      scale: What the schedule is multiplied by after a spike, from 0 to 1.
      steps: For how many updates, a whole number >= 1.
      decay: The decay of the mean, from 0 and below 1: a mean of about ``1 / (1 - decay)`` losses, corrected
        for its start.

    Raises:
      ValueError: If an argument is out of its range.
      TypeError: If an argument is of the wrong type.

    Use it for a loss that stays away from 0: close to it, every loss is far from the mean. The field ``scale``
    hides the function of the same name that every rule has: call it on the class.

    >>> import warmup_optax as wo
    >>> rule = wo.feedback.Spike(steps=2)
    >>> state, scales = rule.init(), []
    >>> for loss in [1.0] * 10 + [5.0] + [1.0] * 3:
    ...     scales.append(round(float(wo.feedback.Spike.scale(rule, state)), 3))
    ...     state = rule.step(state, loss)
    >>> scales[9:]
    [1.0, 1.0, 0.1, 0.1, 1.0]
    """

    factor: float = checked(checks.number, default=2.0, kw_only=True, above=1)
    scale: float = checked(checks.number, default=0.1, kw_only=True, at_least=0, at_most=1)  # pyright: ignore
    steps: int = checked(checks.steps, default=50, kw_only=True, at_least=1)
    decay: float = checked(checks.number, default=0.98, kw_only=True, at_least=0, below=1)

    def init(self) -> SpikeState:
        """The state before the first loss."""
        zero = _whole(0)
        return SpikeState(real(0.0), real(0.0), zero, zero)

    def step(self, state: SpikeState, value: jax.Array) -> SpikeState:
        """The state after a loss."""
        loss = real(value)
        highest = state.mean + (real(self.factor) - 1) * jnp.abs(state.mean)
        spike = (state.number >= _SPIKE_AFTER) & (loss > highest)
        weight = 1 + real(self.decay) * state.weight
        return SpikeState(
            mean=state.mean + (jnp.where(spike, highest, loss) - state.mean) / weight,
            weight=weight,
            number=jnp.minimum(state.number + 1, _SPIKE_AFTER),
            lowered=jnp.where(spike, _whole(self.steps), jnp.maximum(state.lowered - 1, 0)),
        )


def _scale_of_spike(rule: Spike, state: SpikeState) -> jax.Array:
    """Return the scale. Call it on the class, because an instance has a field of this name."""
    return jnp.where(state.lowered > 0, real(rule.scale), 1)


# Not in the class, whose field has the same name.
Spike.scale = _scale_of_spike  # pyright: ignore


class _Choice(Rule[object]):
    """A rule that is not a `Rule`, as a static choice: it is fixed in a compiled program."""

    rule: RuleLike = static()

    def init(self) -> object:
        return type(self.rule).init(self.rule)

    def step(self, state: object, value: jax.Array) -> object:
        return type(self.rule).step(self.rule, state, value)

    def scale(self, state: object) -> jax.Array:
        return type(self.rule).scale(self.rule, state)

    def __repr__(self) -> str:
        return repr(self.rule)


# ------------------------------------------------------------------ the schedule


class FeedbackState(NamedTuple):
    """The state of a `with_feedback`.

    Attributes:
      count: How many updates were made: the count of the schedule at the next update.
      rule: The state of the rule.
      scale: What the schedule is multiplied by at the next update.
      applied: What it was multiplied by at the last update; before the first, the same as ``scale``.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] # the name in every state of Optax
    rule: object
    scale: jax.Array
    applied: jax.Array


def rule_argument(where: str, name: str, rule: RuleLike) -> Rule[object]:
    """Return a rule. One that is not a `Rule` becomes a static choice."""
    if isinstance(rule, Rule):
        return rule
    methods = [method for method in ("init", "step", "scale") if callable(getattr(type(rule), method, None))]
    if isinstance(rule, type) or len(methods) < 3:
        allowed = "a rule: a value with init(), step(state, value) and scale(state)"
        fix = "write feedback.Plateau(patience=5), or subclass feedback.Rule"
        checks.raise_bad_argument(where, name, rule, allowed, fix, error=TypeError)
    return _Choice(rule)


def argument_name(where: str, name: str, argument: str) -> str:
    if not isinstance(argument, str) or not argument.isidentifier():
        fix = 'give the name of the extra argument of the optimizer\'s update, "value" say'
        checks.raise_bad_argument(where, name, argument, "a name", fix, error=TypeError)
    return argument


class FeedbackSchedule(Node, kind="with_feedback"):
    """A schedule times the scale of a rule: a stateful schedule of Optax. `with_feedback` returns it.

    Attributes:
      schedule: The schedule.
      rule: The rule.
      argument: The name of the argument of ``update`` that the rule is given.
    """

    schedule: Schedule = checked(as_schedule_argument)
    rule: Rule[object] = checked(rule_argument)
    argument: str = checked(argument_name, default="value", static=True, kw_only=True)

    def _check_together(self) -> None:
        def shapes(tree: object) -> tuple[object, list[object]]:
            leaves, structure = jax.tree.flatten(tree)
            return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]

        rule, value = self.rule, jax.ShapeDtypeStruct((), default_float())
        before = jax.eval_shape(lambda: _arrays(rule.init()))
        after = jax.eval_shape(lambda state, value: _arrays(rule.step(state, value)), before, value)
        if shapes(before) != shapes(after):
            allowed = "a rule whose step returns a state like that of init"
            fix = f"init gives {before}, and step {after}"
            checks.raise_bad_argument(self._kind, "rule", rule, allowed, fix, error=TypeError)
        scale = jax.eval_shape(lambda state: _arrays(_scale(rule, state)), before)
        if getattr(scale, "shape", None) != () or not jnp.issubdtype(scale.dtype, jnp.floating):
            allowed = "a rule whose scale is a real number"
            checks.raise_bad_argument(self._kind, "rule", rule, allowed, f"it gives {scale}", error=TypeError)

    def init(self) -> FeedbackState:
        """The state before the first update."""
        state = _arrays(self.rule.init())
        scale = real(_scale(self.rule, state))
        return FeedbackState(jnp.zeros((), jnp.int32), state, scale, scale)

    def update(self, state: FeedbackState, **extra_args: object) -> FeedbackState:
        """Return the state after an update that received ``argument``."""
        value = given_number(self._kind, self.argument, extra_args)

        def kept(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(jnp.isnan(value), old, new).astype(jnp.asarray(old).dtype)

        after = jax.tree.map(kept, self.rule.step(state.rule, value), state.rule)
        count = jnp.asarray(optax.safe_increment(state.count))
        return FeedbackState(count, after, real(_scale(self.rule, after)), jnp.asarray(state.scale))

    def __call__(self, state: FeedbackState, **extra_args: object) -> jax.Array:
        """Return the value of the next update. It does not depend on the argument of that update."""
        if not isinstance(state, FeedbackState):
            allowed = "the state of this schedule, because its value depends on what the updates were given"
            fix = "give it to scheduled(optax.adamw, learning_rate=...), or optax.inject_hyperparams"
            checks.raise_bad_argument(self._kind, "state", state, allowed, fix, error=TypeError)
        return self.schedule(state.count) * state.scale

    @property
    def _note(self) -> str:
        return f"times the scale of {self.rule!r}, which follows the run"

    def applied_value(self, opt_state: StateLike) -> jax.Array:
        """Return the value at the last update, from an optimizer state, as `wo.applied_value` does.

        Args:
          opt_state: A state that contains the state of this schedule, at any depth.

        Returns:
          A JAX scalar, ``schedule(n)`` times the scale, for the last update ``n``. Before the first update,
          the value that it will use. Inside ``jit``, NaN where states that should agree do not.

        Raises:
          ValueError: If there is no such state, or there are several that differ.
        """
        found = count_of("applied_value", opt_state, FeedbackState)
        scale = _agreed("applied_value", [bare(each.state.applied) for each in found.found])
        return value_at_last_update(self.schedule, found) * scale

    def next_value(self, opt_state: StateLike) -> jax.Array:
        """Return the value at the next update, from an optimizer state. The argument is as in `applied_value`."""
        count, agree, _, found = count_of("next_value", opt_state, FeedbackState)
        value = self.schedule(count) * _agreed("next_value", [bare(each.state.scale) for each in found])
        return value if agree is None else jnp.where(agree, value, jnp.nan)


def _scale(rule: Rule[State], state: State) -> jax.Array:
    """Return the scale of a rule. ``rule.scale`` may be a field instead of the method."""
    return type(rule).scale(rule, state)


def _arrays(state: State) -> State:
    """Convert the values of a state to arrays, so that the dtypes do not depend on their Python types."""
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x)), state)


def given_number(where: str, name: str, extra_args: Mapping[str, object]) -> jax.Array:
    """Return the extra argument ``name`` of an update, a real number, as a scalar of the default float dtype."""
    call = f"write optimizer.update(grads, opt_state, params, {name}=...)"
    value = extra_args.get(name)
    if value is None:
        came = ", ".join(sorted(extra_args)) or "no extra argument"
        raise TypeError(f"{where}: the optimizer's update must be given {name}, got {came}; {call}")
    number = (
        jnp.asarray(value) if isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)) else None
    )
    if number is None or number.ndim or number.dtype == bool or jnp.iscomplexobj(number):
        fix = f"give its mean: optimizer.update(grads, opt_state, params, {name}=jnp.mean({name}))"
        checks.raise_bad_argument(where, name, value, "one real number", fix, error=TypeError)
    return number.astype(default_float())


def _agreed(where: str, scales: list[jax.Array]) -> jax.Array:
    """Return the scale that several states have in common."""
    first, *others = scales
    if any(map(checks.is_traced, scales)):
        for other in others:
            first = jnp.where(first == other, first, jnp.nan)
        return first
    if not all(np.array_equal(first, other) for other in others):
        came = ", ".join(str(np.asarray(scale).tolist()) for scale in scales)
        raise ValueError(
            f"{where}: opt_state must hold scales that agree, got {came}; "
            "pass the part of the state that you want to read"
        )
    return first


@checks.by_name
def with_feedback(schedule: ScheduleLike, rule: RuleLike, *, argument: str = "value") -> FeedbackSchedule:
    r"""Multiply a schedule by a scale that follows the run: its loss, or its KL divergence.

    .. math:: v_n = s(n) \, c_n

    with the scale :math:`c_n` of the rule after the values of the updates before :math:`n`. A warmup, a
    decay or a cooldown of :math:`s` still applies. The value that update :math:`n` is given acts from update
    :math:`n + 1` on. A value of NaN changes nothing but the count.

    It is a stateful schedule of Optax, not a `Schedule`. Give it to `scheduled`, or to
    ``optax.inject_hyperparams``, and pass the value to every update: ``optimizer.update(grads, opt_state,
    params, value=loss)``. ``chain``, ``masked`` and ``partition`` forward it.

    The state of the rule is in the optimizer's, so a restored checkpoint continues exactly. `applied_value`
    and `applied_values` return the product. Note:

    * ``optax.MultiSteps`` around the optimizer forwards only the value of its k-th call. For the mean of its k
      calls, wrap it in `feedback.mean_over_window`.
    * An update that ``apply_if_finite`` rejects changes nothing.
    * On several devices pass the same number to all: ``jax.lax.pmean(loss, axis_name)``.

    Args:
      schedule: :math:`s`, a schedule, a function of a count, or a number.
      rule: One of `feedback.Plateau`, `feedback.Greedy`, `feedback.AdaptiveKL` and `feedback.Spike`, or a
        user-defined rule: a subclass of `feedback.Rule`, or any other hashable value with its three
        functions.
      argument: The name of the extra argument of ``update`` that the rule is given.

    Returns:
      A `FeedbackSchedule`. It compares, prints as code, and `to_config` saves it. `describe`, `check`,
      `plot` and the others that look at a schedule show its schedule.

    Raises:
      TypeError: If an argument is of the wrong type. When an update is made, if it is not given the
        argument, or that is not one real number.
      ValueError: If an argument of a rule is out of its range.

    >>> import optax, warmup_optax as wo
    >>> schedule = wo.with_feedback(
    ...     wo.warmup_constant(0.5, warmup_steps=2), wo.feedback.Plateau(patience=2, begin=2)
    ... )
    >>> optimizer = wo.scheduled(optax.sgd, learning_rate=schedule)
    >>> params = {"w": 1.0}
    >>> opt_state, rates = optimizer.init(params), []
    >>> for _ in range(6):  # a loss that never improves
    ...     updates, opt_state = optimizer.update(params, opt_state, params, value=1.0)
    ...     rates.append(float(wo.applied_value(schedule, opt_state)))
    >>> rates
    [0.0, 0.25, 0.5, 0.5, 0.5, 0.25]
    """
    return FeedbackSchedule(schedule, rule, argument=argument)  # pyright: ignore[reportArgumentType] # checked


# ------------------------------------------------------------------ accumulation


class WindowMeanState(NamedTuple):
    """The state of `mean_over_window`.

    Attributes:
      mean: The mean of the values of this window so far.
      inner_state: The state of the ``optax.MultiSteps``.
    """

    mean: jax.Array
    inner_state: optax.MultiStepsState


@checks.by_name
def mean_over_window(
    optimizer: optax.MultiSteps, *, argument: str = "value"
) -> optax.GradientTransformationExtraArgs:
    """Pass the mean of the values in a gradient-accumulation window to a rule, instead of the last value.

    ``optax.MultiSteps`` calls its optimizer at every k-th call, with the arguments of that call. With this
    wrapper a rule receives the mean of all k values.

    Args:
      optimizer: An ``optax.MultiSteps``, with the optimizer inside.
      argument: The name of the extra argument of ``update``.

    Returns:
      An ``optax.GradientTransformationExtraArgs``. A call that the ``MultiSteps`` skips is not in the mean.
      If a value of a window is NaN, so is its mean, which a rule passes over.

    Raises:
      TypeError: If ``optimizer`` is not an ``optax.MultiSteps``. When an update is made, as `with_feedback`
        does.

    >>> import optax, warmup_optax as wo
    >>> schedule = wo.with_feedback(1.0, wo.feedback.Plateau(patience=1))
    >>> inner = wo.scheduled(optax.sgd, learning_rate=schedule)
    >>> optimizer = wo.feedback.mean_over_window(optax.MultiSteps(inner, every_k_schedule=2))
    >>> opt_state = optimizer.init(1.0)
    >>> for loss in (1.0, 3.0, 9.0, 1.0, 1.0, 1.0):  # means of 2, 5 and 1
    ...     _, opt_state = optimizer.update(1.0, opt_state, 1.0, value=loss)
    >>> float(wo.applied_value(schedule, opt_state))
    0.5
    """
    where = "mean_over_window"
    if not isinstance(optimizer, optax.MultiSteps):
        fix = "write mean_over_window(optax.MultiSteps(optimizer, k))"
        checks.raise_bad_argument(where, "optimizer", optimizer, "an optax.MultiSteps", fix, error=TypeError)
    name = argument_name(where, "argument", argument)

    def init(params: optax.Params) -> WindowMeanState:
        return WindowMeanState(real(0.0), optimizer.init(params))

    def update(
        updates: optax.Updates,
        state: WindowMeanState,
        params: optax.Params | None = None,
        **extra_args: object,
    ) -> tuple[optax.Updates, WindowMeanState]:
        value = given_number(where, name, extra_args)
        inner = state.inner_state
        number = (jnp.asarray(inner.mini_step) + 1).astype(value.dtype)
        mean = jnp.where(number == 1, value, state.mean + (value - state.mean) / number)
        updates, after = optimizer.update(updates, inner, params, **extra_args | {name: mean})
        skipped = (after.mini_step == inner.mini_step) & (after.gradient_step == inner.gradient_step)
        return updates, WindowMeanState(jnp.where(skipped, state.mean, mean), after)

    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]
