"""One run's numbers at another batch size or length."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

from .._core import checks
from .._core.types import Number
from .exact import exact_number, whole_number

Rule: TypeAlias = Literal["linear", "sqrt"]
RULES: tuple[str, ...] = get_args(Rule)


@checks.by_name
def scale_learning_rate(
    base_value: Number,
    *,
    batch_size: Number,
    base_batch_size: Number = 256,
    rule: Rule = "linear",
) -> float:
    r"""Return the learning rate for another batch size than the one at which it was tuned.

    .. math:: \eta \frac{B}{B_0} \ \texttt{"linear"}, \qquad \eta \sqrt{\frac{B}{B_0}} \ \texttt{"sqrt"}

    Args:
      base_value: :math:`\eta`, the learning rate that suits ``base_batch_size``. Any finite number.
      batch_size: :math:`B`, examples in one optimizer update (over all devices, and over the batches that are
        accumulated), a whole number >= 1.
      base_batch_size: :math:`B_0`, a whole number >= 1; 256 is the value of Goyal et al.
      rule: ``"linear"``, for SGD with a warmup; or ``"sqrt"``, which keeps the noise of Adam's updates.

    Returns:
      A Python ``float``, for a peak value. A whole schedule is scaled by
      ``schedule * scale_learning_rate(1.0, batch_size=...)``. `scale_hyperparams` also returns Adam's other
      numbers.

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
    base = exact_number(where, "base_value", base_value, at_least=None).value
    ratio = _batch_ratio(where, batch_size, base_batch_size)
    return _scaled(base, ratio, checks.choice(where, "rule", rule, words=RULES))


@checks.by_name
def scale_hyperparams(
    *,
    learning_rate: Number,
    batch_size: Number,
    base_batch_size: Number,
    b1: Number | None = None,
    b2: Number | None = None,
    eps: Number | None = None,
    weight_decay: Number | None = None,
    rule: Rule = "sqrt",
    length_ratio: Number = 1.0,
) -> dict[str, float]:
    r"""Return one run's hyperparameters at another batch size or length.

    Also known as batch-size scaling rules: the square-root rule of Adam, the linear rule of SGD. With
    :math:`k = B / B_0`, :math:`\ell` = ``length_ratio``, and the learning rate :math:`\eta`:

    .. list-table::
       :header-rows: 1

       * - number
         - ``"sqrt"`` (Adam)
         - ``"linear"`` (SGD)
       * - ``learning_rate``
         - :math:`\eta \sqrt k`
         - :math:`\eta k`
       * - ``b1``, ``b2``
         - :math:`1 - k (1 - \beta)`
         - unchanged
       * - ``eps``
         - :math:`\epsilon / \sqrt k`
         - unchanged
       * - ``weight_decay``
         - :math:`\lambda \sqrt k / \ell`
         - :math:`\lambda / \ell`

    The weight decay of AdamW averages the updates over :math:`1 / (\eta \lambda)` updates. The rule keeps this
    timescale the same fraction of the run in examples: :math:`\lambda' = \lambda \, \eta k / (\eta' \ell)`.

    Args:
      learning_rate: :math:`\eta`, tuned at ``base_batch_size``. A finite number >= 0.
      batch_size: :math:`B`, examples in one optimizer update of the new run, a whole number >= 1.
      base_batch_size: :math:`B_0`, examples in one optimizer update of the tuned run, a whole number >= 1.
      b1: :math:`\beta_1`, Adam's decay of the first moment, or the momentum of SGD: 0 <= ``b1`` < 1.
      b2: :math:`\beta_2`, Adam's decay of the second moment: 0 <= ``b2`` < 1.
      eps: :math:`\epsilon`, Adam's addition to the denominator. A finite number >= 0.
      weight_decay: :math:`\lambda`, decoupled from the gradient, multiplied by the learning rate as in
        ``optax.adamw``. A finite number >= 0.
      rule: ``"sqrt"`` for Adam and its relatives, ``"linear"`` for SGD.
      length_ratio: :math:`\ell`, the examples (or tokens) of the new run divided by those of the tuned run. A
        finite number > 0. It changes only the weight decay; `transfer_peak` says what a length does to the peak.

    Returns:
      A dict of Python floats. It has ``learning_rate``, and each of ``b1``, ``b2``, ``eps`` and ``weight_decay``
      that was given, under its name. The examples of a warmup and of a decay stay, so their updates are divided
      by :math:`k`.

    Raises:
      ValueError: If a number is out of its range, ``rule`` is another word, or ``rule="sqrt"`` has no solution:
        :math:`k (1 - \beta) \ge 1`, where the moment would no longer be an average. For ``b1=0.9`` that is
        10 times the batch size.
      TypeError: If an argument is not a number, or is traced.

    Both rules hold while noise dominates the gradient, so up to a critical batch size that has to be measured.

    Source: Malladi et al., On the SDEs and Scaling Rules for Adaptive Gradient Algorithms (2022,
    arXiv 2205.10287); Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.1; Wang &
    Aitchison, How to set AdamW's weight decay as you scale model and dataset size (2024, arXiv 2405.13698).

    >>> import warmup_optax as wo
    >>> wo.scale_hyperparams(
    ...     learning_rate=3e-4, batch_size=1024, base_batch_size=256, b1=0.9, b2=0.95, weight_decay=0.1
    ... )
    {'learning_rate': 0.0006, 'b1': 0.6, 'b2': 0.8, 'weight_decay': 0.2}
    """
    where = "scale_hyperparams"
    rate = exact_number(where, "learning_rate", learning_rate).value
    ratio = _batch_ratio(where, batch_size, base_batch_size)
    kind = checks.choice(where, "rule", rule, words=RULES)
    length = exact_number(where, "length_ratio", length_ratio).value
    if not length:
        checks.raise_bad_argument(where, "length_ratio", length_ratio, "a finite number > 0")
    noise = ratio if kind == "sqrt" else Fraction(1)  # Goyal et al. change the rate alone
    scaled = {"learning_rate": _scaled(rate, ratio, kind)}
    for name, decay in (("b1", b1), ("b2", b2)):
        if decay is not None:
            scaled[name] = _scaled_decay(where, name, decay, noise)
    if eps is not None:
        scaled["eps"] = _scaled(exact_number(where, "eps", eps).value, 1 / noise, "sqrt")
    if weight_decay is not None:
        exact = exact_number(where, "weight_decay", weight_decay).value
        scaled["weight_decay"] = _scaled(exact / length, noise, "sqrt")
    return scaled


def _batch_ratio(where: str, batch_size: Number, base_batch_size: Number) -> Fraction:
    """``B / B_0``."""
    new = whole_number(where, "batch_size", batch_size, at_least=1)
    return Fraction(new, whole_number(where, "base_batch_size", base_batch_size, at_least=1))


def _scaled(value: Fraction, ratio: Fraction, rule: str) -> float:
    """Return a number times a ratio or its square root, rounded once if the root is rational."""
    if rule == "linear":
        return float(value * ratio)
    roots = math.isqrt(ratio.numerator), math.isqrt(ratio.denominator)
    if roots[0] ** 2 == ratio.numerator and roots[1] ** 2 == ratio.denominator:
        return float(value * Fraction(*roots))
    return float(value) * math.sqrt(ratio)


def _scaled_decay(where: str, name: str, decay: Number, ratio: Fraction) -> float:
    """``1 - k (1 - b)``: the decay of an average over the same examples."""
    exact = exact_number(where, name, decay).value
    if exact >= 1:
        checks.raise_bad_argument(where, name, decay, "a number >= 0 and < 1")
    rest = ratio * (1 - exact)
    if rest >= 1 and ratio != 1:
        largest = float(1 / (1 - exact))
        allowed = f"above {float(1 - 1 / ratio):.6g} for a batch {float(ratio):.6g} times as large"
        fix = (
            f"k (1 - {name}) is {float(rest):.6g}, and the rule has no solution once this reaches 1: "
            f"take less than {largest:.6g} times the batch size, or leave {name} out and tune it"
        )
        checks.raise_bad_argument(where, name, decay, allowed, fix)
    return float(1 - rest)
