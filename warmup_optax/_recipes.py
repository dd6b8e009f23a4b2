"""Complete schedules, most with a warmup. Each is a node whose fields are the arguments of its function."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp

from ._combinators.arithmetic import Add
from ._combinators.join import Join
from ._combinators.ramps import Shape, WithWarmup, shape_argument, try_shape
from ._combinators.restart import Restart
from ._core import checks
from ._core.lowered import Lowered
from ._core.node import checked, unchecked
from ._core.scalars import real
from ._core.schedule import Schedule
from ._core.types import Number, NumberField, NumbersField, OptionalField, ShapeLike, Steps
from ._shapes.endless import Exponential, InverseSqrt
from ._shapes.finite import Cosine, Linear, Polynomial, cosine, one_minus_sqrt
from ._shapes.piecewise import PiecewiseConstant


class Recipe(Schedule, kind="Recipe"):
    """A schedule that is an expression of shapes and combinators; its fields are the user's arguments."""

    @abc.abstractmethod
    def _expression(self) -> Schedule:
        """The equivalent expression, of numbers that are already checked."""

    def expand(self) -> Schedule:
        """Return the equivalent expression of shapes and combinators, with the same value at every count."""
        with unchecked():
            return self._expression()

    def lower(self) -> Lowered:
        return self.expand().lower()

    def phases(self) -> Schedule:
        return self.expand()


class _Warmup(Recipe):
    """A linear warmup to a peak."""

    peak_value: NumberField = checked(checks.number)
    warmup_steps: NumberField = checked(checks.steps)

    def _then(self, decay: Schedule, init_value: float, begin: float) -> Schedule:
        """The warmup, constant after its end, and a decay that begins at ``begin``."""
        return Join((Linear(init_value, self.peak_value, self.warmup_steps), decay), (begin,))


class _WarmupDecay(_Warmup):
    """A linear warmup, a plateau, and a decay to the end of the run."""

    total_steps: NumberField = checked(checks.steps, at_least=1)
    hold_steps: NumberField = checked(checks.steps, default=0)
    init_value: NumberField = checked(checks.number, default=0.0)
    end_value: NumberField = checked(checks.number, default=0.0)

    def _check_together(self) -> None:
        _fits(self, "total_steps", warmup_steps=self.warmup_steps, hold_steps=self.hold_steps)

    @abc.abstractmethod
    def _decay(self, steps: float) -> Schedule:
        """The decay, of a number of steps."""

    def _expression(self) -> Schedule:
        begin = self.warmup_steps + self.hold_steps  # pyright: ignore[reportOperatorIssue]
        return self._then(self._decay(self.total_steps - begin), self.init_value, begin)  # pyright: ignore


def _fits(node: Recipe, total: str, **parts: float) -> None:
    """Raise an error if the parts together are longer than the whole."""
    used, length = sum(parts.values()), getattr(node, total)
    allowed, fix = f"at least {' + '.join(parts)} = {used}", "shorten one of them or train longer"
    checks.at_least(node._kind, total, length, used, allowed, fix)


@final
class WarmupConstant(_Warmup, kind="warmup_constant"):
    """Made by `warmup_constant`."""

    init_value: NumberField = checked(checks.number, default=0.0)

    def _expression(self) -> Schedule:
        return Linear(self.init_value, self.peak_value, self.warmup_steps)


@checks.by_name
def warmup_constant(peak_value: Number, *, warmup_steps: Steps, init_value: Number = 0.0) -> WarmupConstant:
    """Linear warmup, then constant. Also known as constant with warmup.

    Every update after the warmup has ``peak_value``, including the last update.

    Typical: a warmup of 1 % to 10 % of the run. See also `with_cooldown`, which ends such a run, and
    :doc:`/guides/ending_a_run`.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and after it, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0. With 0 the first update has
        ``peak_value``. (In Optax the rate then stays at ``init_value``.)
      init_value: The rate of the first update.

    Returns:
      A `Schedule`: the same values as ``linear(init_value, peak_value, warmup_steps)``.

    Raises:
      ValueError: If ``warmup_steps`` is negative or not whole, or a rate is not finite.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.warmup_constant(1.0, warmup_steps=4)([0, 1, 4, 100]).tolist()
    [0.0, 0.25, 1.0, 1.0]
    """
    return WarmupConstant(peak_value, warmup_steps, init_value)


@final
class WarmupLinear(_WarmupDecay, kind="warmup_linear"):
    """Made by `warmup_linear`."""

    def _decay(self, steps: float) -> Schedule:
        return Linear(self.peak_value, self.end_value, steps)


@checks.by_name
def warmup_linear(
    peak_value: Number,
    *,
    warmup_steps: Steps,
    total_steps: Steps,
    hold_steps: Steps = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> WarmupLinear:
    """Linear warmup, then linear decay: the schedule of BERT. Also known as linear with warmup, or D2Z.

    At the last update, ``count == total_steps - 1``, the rate is one step of the decay above ``end_value``.

    Typical: a warmup of 1 % to 10 % of the run, and an ``end_value`` of 0. See also `warmup_cosine`,
    `with_cooldown`, and :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and on the plateau, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      total_steps: The number of updates of the whole run, a whole number >= 1. It includes the warmup and the
        plateau.
      hold_steps: The number of updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``count == total_steps`` and after it, exactly.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and plateau are longer than the run, a number of steps is negative or not whole, or
        a value is not finite or out of its range.
      TypeError: If an argument is not a number.

    Source: Devlin et al., BERT (2019), appendix A.2.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_linear(1.0, warmup_steps=4, total_steps=12)
    >>> schedule([0, 1, 4, 8, 12]).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    return WarmupLinear(peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value)


@final
class WarmupCosine(_WarmupDecay, kind="warmup_cosine"):
    """Made by `warmup_cosine`."""

    exponent: NumberField = checked(checks.number, above=0, default=1.0)

    def _decay(self, steps: float) -> Schedule:
        return Cosine(self.peak_value, self.end_value, steps, self.exponent)


@checks.by_name
def warmup_cosine(
    peak_value: Number,
    *,
    warmup_steps: Steps,
    total_steps: Steps,
    hold_steps: Steps = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
) -> WarmupCosine:
    """Linear warmup, then cosine decay: the usual schedule of training runs. Also known as cosine with warmup.

    The warmup is linear from ``init_value`` to ``peak_value``. The decay is half a period of a cosine, flat at
    both ends. At the last update, ``count == total_steps - 1``, the rate is close to ``end_value``.

    Typical: a warmup of 1 % to 10 % of the run, and an ``end_value`` of 0 or a tenth of the peak. See also
    `warmup_linear`, `warmup_stable_decay`, and :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and on the plateau, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      total_steps: The number of updates of the whole run, a whole number >= 1. It includes the warmup and the
        plateau. Optax calls it ``decay_steps``. The ``decay_steps`` of Keras excludes the warmup.
      hold_steps: The number of updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``count == total_steps`` and after it, exactly. A rate, not a fraction.
      exponent: The power of the cosine, a number > 0, as in Optax.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and plateau are longer than the run, a number of steps is negative or not whole, or
        a value is not finite or out of its range.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), with the warmup of Goyal et al. (2017), section 2.2.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(1.0, warmup_steps=4, total_steps=12)
    >>> schedule([0, 1, 4, 8, 12]).round(6).tolist()
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    return WarmupCosine(peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value, exponent)


@final
class WarmupPolynomial(_WarmupDecay, kind="warmup_polynomial"):
    """Made by `warmup_polynomial`."""

    power: NumberField = checked(checks.number, above=0, kw_only=True)

    def _decay(self, steps: float) -> Schedule:
        return Polynomial(self.peak_value, self.end_value, steps, self.power)


@checks.by_name
def warmup_polynomial(
    peak_value: Number,
    *,
    power: Number,
    warmup_steps: Steps,
    total_steps: Steps,
    hold_steps: Steps = 0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> WarmupPolynomial:
    """Linear warmup, then polynomial decay: a power of the remaining fraction of the run.

    Also known as polynomial decay with warmup, or poly.

    At the last update, ``count == total_steps - 1``, the rate is one step of the decay above ``end_value``.

    Typical: a ``power`` of 1 (BERT), 2 (LARS) or 0.9 (DeepLab). See also `polynomial` and :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and on the plateau, exactly.
      power: A number > 0. 1 is `warmup_linear`; with 2 the rate decays faster at first.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      total_steps: The number of updates of the whole run, a whole number >= 1. It includes the warmup and the
        plateau.
      hold_steps: The number of updates at the peak between warmup and decay, a whole number >= 0.
      init_value: The rate of the first update.
      end_value: The rate at ``count == total_steps`` and after it, exactly.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If warmup and plateau are longer than the run, a number of steps is negative or not whole, or
        a value is not finite or out of its range.
      TypeError: If an argument is not a number.

    >>> import warmup_optax as wo
    >>> wo.warmup_polynomial(1.0, power=2, warmup_steps=4, total_steps=12)([4, 8, 12]).tolist()
    [1.0, 0.25, 0.0]
    """
    return WarmupPolynomial(
        peak_value, warmup_steps, total_steps, hold_steps, init_value, end_value, power=power
    )


@final
class WarmupExponential(_Warmup, kind="warmup_exponential"):
    """Made by `warmup_exponential`."""

    decay_rate: NumberField = checked(checks.number, above=0)
    transition_steps: NumberField = checked(checks.steps, at_least=1)
    hold_steps: NumberField = checked(checks.steps, default=0)
    staircase: bool = checked(checks.boolean, default=False, static=True)
    end_value: OptionalField = checked(checks.number, default=None)
    init_value: NumberField = checked(checks.number, default=0.0)

    def _expression(self) -> Schedule:
        arguments = self.decay_rate, self.transition_steps, self.staircase, self.end_value
        begin = self.warmup_steps + self.hold_steps  # pyright: ignore[reportOperatorIssue]
        return self._then(Exponential(self.peak_value, *arguments), self.init_value, begin)


@checks.by_name
def warmup_exponential(
    peak_value: Number,
    *,
    warmup_steps: Steps,
    decay_rate: Number,
    transition_steps: Steps,
    hold_steps: Steps = 0,
    staircase: bool = False,
    end_value: Number | None = None,
    init_value: Number = 0.0,
) -> WarmupExponential:
    """Linear warmup, then exponential decay: a factor for every ``transition_steps``.

    Also known as exponential decay with warmup; with ``staircase=True``, step decay.

    The last update of a run of N updates is at count N - 1, and the decay continues after it.

    Typical: ``decay_rate=0.97`` every 2.4 epochs (EfficientNet). See also `exponential` and :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == warmup_steps`` and on the plateau, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      decay_rate: The factor for each ``transition_steps``, a number > 0.
      transition_steps: The number of updates from one factor to the next, a whole number >= 1.
      hold_steps: The number of updates at the peak between warmup and decay, a whole number >= 0.
      staircase: If true, apply the factor in discrete steps, as Optax does.
      end_value: A bound that the decay does not cross, as in `exponential`. ``None``: no bound.
      init_value: The rate of the first update.

    Returns:
      A `Schedule` that never ends.

    Raises:
      ValueError: If a number of steps is negative or not whole, or a value is not finite or out of its range.
      TypeError: If an argument is of the wrong type.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_exponential(1.0, warmup_steps=4, decay_rate=0.5, transition_steps=10)
    >>> schedule([0, 4, 14, 24]).tolist()
    [0.0, 1.0, 0.5, 0.25]
    """
    return WarmupExponential(
        peak_value,
        warmup_steps,
        decay_rate,
        transition_steps,
        hold_steps,
        staircase,
        end_value,
        init_value,
    )


@final
class WarmupPiecewiseConstant(Recipe, kind="warmup_piecewise_constant"):
    """Made by `warmup_piecewise_constant`."""

    values: NumbersField = checked(checks.numbers)
    boundaries: NumbersField = checked(checks.boundaries)
    warmup_steps: NumberField = checked(checks.steps)
    init_value: NumberField = checked(checks.number, default=0.0)

    _check_together = PiecewiseConstant._check_together  # pyright: ignore

    def _expression(self) -> Schedule:
        stairs = PiecewiseConstant(self.values, self.boundaries)
        return WithWarmup(stairs, self.warmup_steps, self.init_value, overlap=True)


@checks.by_name
def warmup_piecewise_constant(
    values: Sequence[Number], boundaries: Sequence[Steps], *, warmup_steps: Steps, init_value: Number = 0.0
) -> WarmupPiecewiseConstant:
    """Linear warmup, then constant values that change at given steps: the schedule of ResNet.

    Also known as multi-step or step decay with warmup.

    At the last update, the rate is that of the last phase that has begun.

    Typical: a factor of 0.1 at epochs 30, 60 and 80 of 90, after a warmup of 5 (ResNet-50). See also
    `piecewise_constant` and :doc:`/guides/which`.

    Args:
      values: The rate of each phase, as for `piecewise_constant`.
      boundaries: The counts at which the next value begins, from the start of the run, warmup included.
      warmup_steps: The number of warmup updates, a whole number >= 0. The warmup ends at the value that applies
        at ``warmup_steps``.
      init_value: The rate of the first update.

    Returns:
      A `Schedule`.

    Raises:
      ValueError: If there is not one more value than boundaries, the boundaries are not increasing, a number of
        steps is negative or not whole, or a value is not finite.
      TypeError: If an argument is of the wrong type.

    Source: He et al., Deep Residual Learning (2016), section 3.4, with the warmup of Goyal et al. (2017).

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_piecewise_constant([1.0, 0.5], [10], warmup_steps=4)
    >>> schedule([0, 2, 4, 9, 10]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5]
    """
    return WarmupPiecewiseConstant(values, boundaries, warmup_steps, init_value)  # pyright: ignore[reportArgumentType]


@final
class WarmupInverseSqrt(_Warmup, kind="warmup_inverse_sqrt"):
    """Made by `warmup_inverse_sqrt`."""

    timescale: OptionalField = checked(checks.number, above=0, default=None)
    init_value: NumberField = checked(checks.number, default=0.0)

    def _check_together(self) -> None:
        steps = self.warmup_steps
        if self.timescale is None and not checks.is_traced(steps) and steps == 0:
            allowed = "a number > 0 when warmup_steps=0"
            checks.raise_bad_argument(self._kind, "timescale", None, allowed, "give one, as 10_000")

    def _expression(self) -> Schedule:
        timescale = self.timescale
        if timescale is None:
            # A traced warmup of 0 steps has no timescale. Its gradient must stay finite.
            steps = self.warmup_steps
            timescale = jnp.maximum(real(steps), 1) if checks.is_traced(steps) else float(steps)
        return self._then(InverseSqrt(self.peak_value, timescale), self.init_value, self.warmup_steps)


@checks.by_name
def warmup_inverse_sqrt(
    peak_value: Number, *, warmup_steps: Steps, timescale: Number | None = None, init_value: Number = 0.0
) -> WarmupInverseSqrt:
    r"""Linear warmup, then inverse square-root decay: the Noam schedule of the Transformer. Also known as rsqrt.

    The paper writes the rate as ``d_model**-0.5 * min(n**-0.5, n * warmup_steps**-1.5)``. Its peak is
    ``peak_value = d_model**-0.5 * warmup_steps**-0.5``.

    The last update of a run of N updates is at count N - 1, and the decay continues after it.

    Typical: ``warmup_steps=4000`` (Transformer). See also `inverse_sqrt`, `with_cooldown`, which ends the run,
    and :doc:`/guides/ending_a_run`.

    Args:
      peak_value: The rate at ``count == warmup_steps``, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      timescale: :math:`\tau` of `inverse_sqrt`, a number > 0. ``None``: ``warmup_steps``, which gives
        ``peak_value * sqrt(warmup_steps / count)``, as in the paper, fairseq and T5.
      init_value: The rate of the first update.

    Returns:
      A `Schedule` that never ends.

    Raises:
      ValueError: If ``warmup_steps`` is 0 and there is no ``timescale``, a number of steps is negative or not
        whole, or a value is not finite or out of its range.
      TypeError: If an argument is not a number.

    Source: Vaswani et al., Attention Is All You Need (2017), section 5.3.

    >>> import warmup_optax as wo
    >>> wo.warmup_inverse_sqrt(1.0, warmup_steps=100)([0, 50, 100, 400]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return WarmupInverseSqrt(peak_value, warmup_steps, timescale, init_value)


@final
class WarmupStableDecay(_Warmup, kind="warmup_stable_decay"):
    """Made by `warmup_stable_decay`."""

    decay_steps: NumberField = checked(checks.steps)
    total_steps: NumberField = checked(checks.steps, at_least=1)
    init_value: NumberField = checked(checks.number, default=0.0)
    end_value: NumberField = checked(checks.number, default=0.0)
    decay_shape: Shape = checked(shape_argument, default=Shape(one_minus_sqrt))

    def _check_together(self) -> None:
        _fits(self, "total_steps", warmup_steps=self.warmup_steps, decay_steps=self.decay_steps)
        ends = self.peak_value, self.end_value, self.decay_steps
        names = {"init_value": "peak_value", "steps": "decay_steps"}
        try_shape(self._kind, "decay_shape", self.decay_shape, *ends, **names)

    def _expression(self) -> Schedule:
        decay = self.decay_shape(self.peak_value, self.end_value, self.decay_steps)
        return self._then(decay, self.init_value, self.total_steps - self.decay_steps)  # pyright: ignore


@checks.by_name
def warmup_stable_decay(
    peak_value: Number,
    *,
    warmup_steps: Steps,
    decay_steps: Steps,
    total_steps: Steps,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    decay_shape: ShapeLike = one_minus_sqrt,
) -> WarmupStableDecay:
    """Warmup-stable-decay (WSD): linear warmup, a long plateau, and a short decay. Also known as trapezoidal.

    During the plateau, you can stop, extend or branch the run.

    At the last update, ``count == total_steps - 1``, the rate is one step of the decay above ``end_value``.

    Typical: ``decay_steps`` of 10 % to 20 % of the run. See also `with_cooldown`, which adds the decay later,
    and :doc:`/guides/ending_a_run`.

    Args:
      peak_value: The rate from ``count == warmup_steps`` to the start of the decay, exactly.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      decay_steps: The number of updates of the decay alone, a whole number >= 0. It ends at ``total_steps``.
      total_steps: The number of updates of the whole run, a whole number >= 1.
      init_value: The rate of the first update.
      end_value: The rate at ``count == total_steps`` and after it, exactly.
      decay_shape: The curve of the decay: a finite shape such as `linear`, or a ``functools.partial`` of one.

    Returns:
      A `Schedule`. To branch a cooldown from a run that continues, use `with_cooldown`.

    Raises:
      ValueError: If warmup and decay are longer than the run, a number of steps is negative or not whole, or a
        value is not finite.
      TypeError: If an argument is of the wrong type.

    Source: Hu et al., MiniCPM (2024), section 4; the shape: Hägele et al. (2024).

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_stable_decay(1.0, warmup_steps=4, decay_steps=4, total_steps=20)
    >>> schedule([0, 4, 16, 17, 20]).tolist()
    [0.0, 1.0, 1.0, 0.5, 0.0]
    """
    return WarmupStableDecay(
        peak_value,
        warmup_steps,
        decay_steps,
        total_steps,
        init_value,
        end_value,
        decay_shape,  # pyright: ignore[reportArgumentType]
    )


@final
class WarmupCosineRestarts(_Warmup, kind="warmup_cosine_restarts"):
    """Made by `warmup_cosine_restarts`."""

    cycle_steps: NumberField = checked(checks.steps, at_least=1)
    growth: NumberField = checked(checks.number, at_least=1, default=1.0)
    decay: NumberField = checked(checks.number, above=0, default=1.0)
    init_value: NumberField = checked(checks.number, default=0.0)
    end_value: NumberField = checked(checks.number, default=0.0)

    def _check_together(self) -> None:
        with checks.renamed(self._kind, period="cycle_steps"):
            Restart(Linear(0.0, 0.0, 0), self.cycle_steps, self.growth)

    def _expression(self) -> Schedule:
        steps = self.cycle_steps
        # Only the part that comes from the peak is scaled from cycle to cycle; the part from the floor is not.
        falling = Restart(Cosine(self.peak_value, 0.0, steps), steps, self.growth, self.decay)
        if isinstance(self.end_value, float) and self.end_value == 0:
            return self._then(falling, self.init_value, self.warmup_steps)
        rising = Restart(Cosine(0.0, self.end_value, steps), steps, self.growth)
        return self._then(Add((falling, rising)), self.init_value, self.warmup_steps)


@checks.by_name
def warmup_cosine_restarts(
    peak_value: Number,
    *,
    warmup_steps: Steps,
    cycle_steps: Steps,
    growth: Number = 1,
    decay: Number = 1.0,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> WarmupCosineRestarts:
    """One linear warmup, then cosine decays that restart at the peak (SGDR). Also known as cosine with restarts.

    Other names: warm restarts, cosine annealing with hard restarts.

    Typical: a ``growth`` of 1 or 2 (SGDR). See also `restart`, which repeats any schedule, and
    :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == warmup_steps``, exactly. Cycle ``i`` starts at
        ``peak_value * decay**i``.
      warmup_steps: The number of warmup updates, a whole number >= 0.
      cycle_steps: The number of updates of the first cycle, a whole number >= 1.
      growth: A number >= 1, whole or not. Each cycle is ``growth`` times as long as the last.
      decay: The factor from one peak to the next, a number > 0.
      init_value: The rate of the first update.
      end_value: The rate that every cycle decays to. The last update of a cycle does not reach it, because the
        next cycle starts at that count.

    Returns:
      A `Schedule` that never ends.

    Raises:
      ValueError: If a number of steps is negative or not whole, or a value is not finite or out of its range.
      TypeError: If an argument is not a number.

    Source: Loshchilov & Hutter, SGDR (2017), section 3.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine_restarts(1.0, warmup_steps=4, cycle_steps=8, decay=0.5)
    >>> schedule([0, 4, 8, 12, 16]).round(6).tolist()
    [0.0, 1.0, 0.5, 0.5, 0.25]
    """
    return WarmupCosineRestarts(peak_value, warmup_steps, cycle_steps, growth, decay, init_value, end_value)


@final
class OneCycle(Recipe, kind="one_cycle"):
    """Made by `one_cycle`."""

    peak_value: NumberField = checked(checks.number)
    total_steps: NumberField = checked(checks.steps, at_least=1)
    warmup_fraction: NumberField = checked(
        checks.number, at_least=0, at_most=1, default=0.3, fix="it is a part of total_steps"
    )
    div_factor: NumberField = checked(checks.number, above=0, default=25.0)
    final_div_factor: NumberField = checked(checks.number, above=0, default=1e4)
    shape: Shape = checked(shape_argument, default=Shape(cosine))

    def _check_together(self) -> None:
        first, last, rise, fall = self._numbers()
        for name, ends in (
            ("init_value", (first, self.peak_value, rise)),
            ("end_value", (self.peak_value, last, fall)),
        ):
            names = {"init_value": "peak_value", "end_value": "peak_value", name: "peak_value"}
            try_shape(self._kind, "shape", self.shape, *ends, **names)

    def _numbers(self) -> tuple[float, float, float | jax.Array, float | jax.Array]:
        """The first and the last rate, and the lengths of both ways."""
        peak, total, fraction = self.peak_value, self.total_steps, self.warmup_fraction
        first = peak / self.div_factor  # pyright: ignore[reportOperatorIssue]
        if isinstance(total, (int, float)) and isinstance(fraction, (int, float)):
            rise = round(fraction * total)
            return first, first / self.final_div_factor, rise, total - rise
        rise = jnp.round(real(fraction) * real(total))
        return first, first / self.final_div_factor, rise, real(total) - rise

    def _expression(self) -> Schedule:
        first, last, rise, fall = self._numbers()
        ways = self.shape(first, self.peak_value, rise), self.shape(self.peak_value, last, fall)
        return Join(ways, (rise,))


@checks.by_name
def one_cycle(
    peak_value: Number,
    *,
    total_steps: Steps,
    warmup_fraction: Number = 0.3,
    div_factor: Number = 25.0,
    final_div_factor: Number = 1e4,
    shape: ShapeLike = cosine,
) -> OneCycle:
    """The 1cycle policy: one rise from a fraction of the peak to the peak, then one decay to almost 0.

    Also known as OneCycleLR and super-convergence.

    At the last update, ``count == total_steps - 1``, the rate is one step of the decay above the end value.

    Typical: a ``warmup_fraction`` of 0.3. See also `warmup_cosine`, whose warmup is given in steps, and
    :doc:`/guides/which`.

    Args:
      peak_value: The rate at ``count == round(warmup_fraction * total_steps)``, exactly.
      total_steps: The number of updates of the whole run, a whole number >= 1.
      warmup_fraction: The fraction of the run in which the rate rises, in [0, 1].
      div_factor: A number > 0. The rate of the first update is ``peak_value / div_factor``.
      final_div_factor: A number > 0. The rate at ``total_steps`` is the rate of the first update divided by it.
      shape: The curve of the rise and of the decay: a finite shape, or a ``functools.partial`` of one.

    Returns:
      A `Schedule`. PyTorch's OneCycleLR peaks one update earlier and raises an error after the end. The port in
      ``compat.torch`` peaks there too.

    Raises:
      ValueError: If ``total_steps`` is below 1 or not whole, or a value is not finite or out of its range.
      TypeError: If an argument is of the wrong type.

    Source: Smith & Topin, Super-Convergence (2018), section 4.

    >>> import warmup_optax as wo
    >>> schedule = wo.one_cycle(1.0, total_steps=100, div_factor=4.0, final_div_factor=2.0)
    >>> schedule([0, 30, 100]).tolist()
    [0.25, 1.0, 0.125]
    """
    return OneCycle(peak_value, total_steps, warmup_fraction, div_factor, final_div_factor, shape)  # pyright: ignore[reportArgumentType]
