"""Epochs, examples, tokens and fractions of a run, in steps: the only place where rounding is decided.

A step is one optimizer update, and everything is rounded down: a step counts once it is complete. The
arithmetic is exact. A float stands for the decimal number that it prints as, so 0.29 of 100 steps are 29
although ``0.29 * 100 < 29`` in floating point; and a result that misses a whole number by no more than the
rounding of that float (a relative ``2**-50``) is that number, so ``1/3`` of 300 steps are 100.
"""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from typing import Any

import numpy as np

from . import _checks

Number = Any  # what float() takes: Python's, NumPy's and JAX's numbers, fractions and decimals

_ROUNDING = 2**50  # a float is wrong by one part in this, a few units in the last place


def _known(where: str, name: str, value: Any, allowed: str) -> None:
    if _checks.traced(value):
        fix = "convert units outside of jit, before the schedule is made"
        _checks.refuse(where, name, value, f"{allowed}, known before tracing", fix, error=TypeError)


def _whole(where: str, name: str, value: Any, *, at_least: int) -> int:
    """A whole number of things other than steps, as a Python ``int`` of any size."""
    allowed = f"a whole number >= {at_least}"
    _known(where, name, value, allowed)
    as_float = _checks.number(where, name, value, at_least=at_least)
    if not as_float.is_integer():
        _checks.refuse(where, name, value, allowed)
    return int(value)


def _ratio(where: str, name: str, value: Any, *, at_least: float | None = 0) -> tuple[int, int]:
    """A finite number as two whole ones: a float is the decimal that it prints as, in its own precision."""
    _known(where, name, value, "a finite number")
    as_float = _checks.number(where, name, value, at_least=at_least)
    if hasattr(value, "dtype"):
        value = Decimal(str(np.asarray(value)[()]))
    elif isinstance(value, float) or not hasattr(value, "as_integer_ratio"):
        value = Decimal(str(as_float))
    return value.as_integer_ratio()  # exact for int, Fraction and Decimal


def _down(number: int, over: int) -> int:
    """``number / over`` rounded down, if it is not whole but for the rounding of a float."""
    return number * (_ROUNDING + 1) // (over * _ROUNDING)


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class TrainingRun:
    r"""How long a training run is: converts epochs, examples, tokens and fractions of it into steps.

    A step is one optimizer update. An epoch has :math:`m` batches, :math:`\lfloor N / B \rfloor` of them,
    or :math:`\lceil N / B \rceil` with ``drop_last=False``; an update takes :math:`k` batches. So

    .. math:: \text{steps}(\text{epochs} = e) = \left\lfloor \frac{e \, m}{k} \right\rfloor

    for whole and fractional :math:`e`, exactly, whatever the rounding of floats (see the head of the module).

    Args:
      num_examples: :math:`N`, examples in the data set (of all hosts together), a whole number >= 1.
      batch_size: :math:`B`, examples in a batch (of all devices together), a whole number >= 1.
      num_epochs: The length of the run in epochs, a number > 0 that need not be whole.
      total_steps: The length of the run in steps, a whole number >= 1. Give either; if both are given they
        must agree; with neither only `steps_per_epoch`, `epochs`, and `steps` of what is not a fraction of
        the run are known.
      drop_last: Whether the loader leaves out the last, short batch of an epoch. ``False`` keeps it, and it
        counts as a batch.
      accumulation_steps: :math:`k`, batches to an update, a whole number >= 1: the ``every_k_schedule`` of
        ``optax.MultiSteps``, whose schedule counts updates. ``batch_size`` is then that of one micro-batch.
        `MultiSteps` carries a window that an epoch's end cuts over into the next epoch, and so does this;
        only what is left at the end of the run is never applied. (A loop that applies the cut window at each
        epoch's end makes ``ceil(m / k)`` steps of an epoch: give it ``total_steps``.)
      tokens_per_example: Tokens in an example (the sequence length), for ``steps(tokens=...)``.

    Raises:
      ValueError: If a number is out of its range, if the batch is larger than the data set and
        ``drop_last`` leaves nothing, if the run is shorter than one step, or if ``num_epochs`` and
        ``total_steps`` disagree.
      TypeError: If an argument is not a number, or is traced.

    Equal arguments make equal, equally hashed values; ``repr`` is code.

    >>> import warmup_optax as wo
    >>> run = wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90)
    >>> run.steps_per_epoch, run.total_steps, run.steps(epochs=5), run.steps(fraction=0.1)
    (390, 35100, 1950, 3510)
    >>> schedule = wo.warmup_cosine(0.1, warmup_steps=run.steps(epochs=5), total_steps=run.total_steps)
    >>> wo.TrainingRun(num_examples=22_720, batch_size=64).steps(epochs=2.16)
    766
    >>> wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90, accumulation_steps=4).total_steps
    8775
    """

    num_examples: int
    batch_size: int
    num_epochs: float | None
    drop_last: bool
    accumulation_steps: int
    tokens_per_example: int | None
    _total_steps: int | None

    def __init__(
        self,
        *,
        num_examples: Number,
        batch_size: Number,
        num_epochs: Number | None = None,
        total_steps: Number | None = None,
        drop_last: bool = True,
        accumulation_steps: Number = 1,
        tokens_per_example: Number | None = None,
    ) -> None:
        where = "TrainingRun"

        def set_field(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)  # frozen for everyone else

        set_field("num_examples", _whole(where, "num_examples", num_examples, at_least=1))
        set_field("batch_size", _whole(where, "batch_size", batch_size, at_least=1))
        set_field("drop_last", _checks.boolean(where, "drop_last", drop_last))
        set_field("accumulation_steps", _whole(where, "accumulation_steps", accumulation_steps, at_least=1))
        if tokens_per_example is not None:
            tokens_per_example = _whole(where, "tokens_per_example", tokens_per_example, at_least=1)
        set_field("tokens_per_example", tokens_per_example)
        if not self._batches_per_epoch:
            raise ValueError(
                f"{where}: batch_size={self.batch_size} is more than num_examples={self.num_examples}, which "
                "leaves no batch; make it smaller, or keep the short batch with drop_last=False"
            )
        if total_steps is not None:
            total_steps = _whole(where, "total_steps", total_steps, at_least=1)
        if num_epochs is not None:
            epochs, over = _ratio(where, "num_epochs", num_epochs)
            steps = self._steps_of_epochs(epochs, over)
            if not steps:
                raise ValueError(
                    f"{where}: num_epochs={num_epochs} is shorter than one step of "
                    f"{self.batch_size * self.accumulation_steps} examples; train longer, or make the batch "
                    "smaller"
                )
            if total_steps not in (None, steps):
                raise ValueError(
                    f"{where}: num_epochs={num_epochs} is {steps} steps, got total_steps={total_steps}; "
                    "give one of them"
                )
            num_epochs, total_steps = epochs if over == 1 else epochs / over, steps
        set_field("num_epochs", num_epochs)
        set_field("_total_steps", total_steps)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run.

        Raises:
          ValueError: If neither ``num_epochs`` nor ``total_steps`` was given.
        """
        if self._total_steps is None:
            raise ValueError("TrainingRun: the run has no length; give num_epochs or total_steps")
        return self._total_steps

    @property
    def steps_per_epoch(self) -> int:
        """Complete steps in the first epoch: ``steps(epochs=1)``.

        With ``accumulation_steps`` that do not divide the batches of an epoch, two epochs can be a step more
        than twice this: use ``steps(epochs=...)`` for more than one.
        """
        return self._steps_of_epochs(1, 1)

    def steps(
        self,
        *,
        steps: Number | None = None,
        epochs: Number | None = None,
        examples: Number | None = None,
        tokens: Number | None = None,
        fraction: Number | None = None,
    ) -> int:
        """A duration in steps; exactly one of the arguments says what it is.

        Args:
          steps: Steps, a whole number >= 0, given back as it is.
          epochs: Epochs, a number >= 0 that need not be whole.
          examples: Examples that the loader has given out, a whole number >= 0; those of a dropped last
            batch are never given out.
          tokens: Tokens in the same sense, a whole number >= 0; needs ``tokens_per_example``.
          fraction: A fraction of the run, between 0 and 1.

        Returns:
          The number of steps that are complete by then, rounded down, as a Python ``int``.

        Raises:
          ValueError: If a number is out of its range, or ``fraction`` or ``tokens`` is given to a run that
            does not know its length or its tokens per example.
          TypeError: If not exactly one argument is given, or it is not a number.

        >>> import warmup_optax as wo
        >>> run = wo.TrainingRun(num_examples=1000, batch_size=10, num_epochs=3, tokens_per_example=512)
        >>> run.steps(epochs=0.29), run.steps(fraction=0.29), run.steps(examples=95), run.steps(tokens=51_200)
        (29, 87, 9, 10)
        """
        where = "TrainingRun.steps"
        arguments = {
            "steps": steps,
            "epochs": epochs,
            "examples": examples,
            "tokens": tokens,
            "fraction": fraction,
        }
        given = [(name, value) for name, value in arguments.items() if value is not None]
        if len(given) != 1:
            came = " and ".join(f"{name}={value!r}" for name, value in given) or "none"
            raise TypeError(f"{where}: exactly one of {', '.join(arguments)} must be given, got {came}")
        ((name, value),) = given
        if name == "epochs":
            return self._steps_of_epochs(*_ratio(where, name, value))
        if name == "fraction":
            part, over = _ratio(where, name, value)
            if part > over:
                fix = "divide a percentage by 100; steps and epochs have arguments of their own"
                _checks.refuse(where, name, value, "a number between 0 and 1", fix)
            return _down(part * self.total_steps, over)
        count = _whole(where, name, value, at_least=0)
        if name == "steps":
            return count
        if name == "tokens":
            if self.tokens_per_example is None:
                fix = "give TrainingRun tokens_per_example"
                raise ValueError(f"{where}: tokens={count} are of an unknown number of examples; {fix}")
            count //= self.tokens_per_example
        epochs_over, rest = divmod(count, self._examples_per_epoch)
        batches = epochs_over * self._batches_per_epoch + rest // self.batch_size
        return batches // self.accumulation_steps

    def epochs(self, steps: Number) -> float:
        """How many epochs a number of steps is: the inverse of ``steps(epochs=...)``.

        Args:
          steps: A whole number >= 0.

        Returns:
          The epochs, as a ``float``; ``run.steps(epochs=run.epochs(n)) == n``.

        Raises:
          ValueError: If ``steps`` is negative or fractional.
          TypeError: If it is not a number.

        >>> import warmup_optax as wo
        >>> round(wo.TrainingRun(num_examples=118_287, batch_size=64).epochs(4000), 2)
        2.16
        """
        steps = _whole("TrainingRun.epochs", "steps", steps, at_least=0)
        return steps * self.accumulation_steps / self._batches_per_epoch

    @property
    def _batches_per_epoch(self) -> int:
        whole, rest = divmod(self.num_examples, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    @property
    def _examples_per_epoch(self) -> int:
        """Those that the loader gives out."""
        return self._batches_per_epoch * self.batch_size if self.drop_last else self.num_examples

    def _steps_of_epochs(self, epochs: int, over: int) -> int:
        return _down(epochs * self._batches_per_epoch, over * self.accumulation_steps)

    def __repr__(self) -> str:
        # `num_epochs` says what `total_steps` would; what is at its default is left out.
        length = {} if self.num_epochs is not None else {"total_steps": self._total_steps}
        shown = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "_total_steps"}
        defaults = {"drop_last": True, "accumulation_steps": 1}
        arguments = {k: v for k, v in (shown | length).items() if v is not None and v != defaults.get(k)}
        return f"TrainingRun({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


def scale_learning_rate(
    base_value: Number, *, batch_size: Number, base_batch_size: Number = 256, rule: str = "linear"
) -> float:
    r"""The learning rate for another batch size than the one it was tuned at.

    .. math:: \eta \frac{B}{B_0} \ \text{("linear")}, \qquad \eta \sqrt{\frac{B}{B_0}} \ \text{("sqrt")}

    Args:
      base_value: :math:`\eta`, the learning rate that suits ``base_batch_size``. Any finite number.
      batch_size: :math:`B`, examples in one optimizer update (over all devices, and over the batches that are
        accumulated), a whole number >= 1.
      base_batch_size: :math:`B_0`, a whole number >= 1; 256 is Goyal et al.'s.
      rule: ``"linear"``, for SGD with a warmup; or ``"sqrt"``, which keeps the noise of Adam's updates.

    Returns:
      A Python ``float``, for a peak value. A whole schedule is scaled by
      ``schedule * scale_learning_rate(1.0, batch_size=...)``.

    Raises:
      ValueError: If a batch size is below 1 or fractional, or ``rule`` is another word.
      TypeError: If an argument is not a number, or is traced.

    Source: Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.1 (linear); Krizhevsky, One Weird
    Trick (2014), section 5, and Malladi et al., On the SDEs and Scaling Rules for Adaptive Gradient
    Algorithms (2022) (square root).

    >>> import warmup_optax as wo
    >>> wo.scale_learning_rate(0.1, batch_size=768)
    0.3
    >>> wo.scale_learning_rate(3e-4, batch_size=1024, rule="sqrt")
    0.0006
    """
    where = "scale_learning_rate"
    base, over = _ratio(where, "base_value", base_value, at_least=None)
    batch_size = _whole(where, "batch_size", batch_size, at_least=1)
    base_batch_size = _whole(where, "base_batch_size", base_batch_size, at_least=1)
    if _checks.choice(where, "rule", rule, ("linear", "sqrt")) == "sqrt":
        return base / over * math.sqrt(batch_size / base_batch_size)
    return base * batch_size / (over * base_batch_size)


def adam_warmup_steps(b2: Number) -> int:
    r"""The linear warmup that Adam needs: as long as its second moment takes to settle.

    .. math:: \left\lfloor \frac{2}{1 - \beta_2} \right\rfloor

    Args:
      b2: :math:`\beta_2`, Adam's decay of the second moment: 0 <= ``b2`` < 1.

    Returns:
      The steps, as a Python ``int``: 2000 for 0.999, 40 for 0.95. (``int(2 / (1 - 0.999))`` is 1999.)

    Raises:
      ValueError: If ``b2`` is out of its range.
      TypeError: If it is not a number, or is traced.

    Source: Ma & Yarats, On the Adequacy of Untuned Warmup for Adaptive Optimization (2019), section 5.

    >>> import warmup_optax as wo
    >>> wo.adam_warmup_steps(0.999)
    2000
    """
    part, over = _ratio("adam_warmup_steps", "b2", b2)
    if part >= over:
        _checks.refuse("adam_warmup_steps", "b2", b2, "a number >= 0 and < 1")
    # An error of b2 is larger, relative to 1 - b2: by over / (over - part).
    left = over - part
    return 2 * over * (left * _ROUNDING + over) // (left * left * _ROUNDING)
