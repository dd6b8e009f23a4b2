"""Transfer a tuned peak to another schedule, with the last-iterate bound of convex optimization."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.scalars import default_float
from .._core.types import ScheduleLike, Steps
from .sample import run_length, sample

if TYPE_CHECKING:
    from .sample import HasLength

Array = TypeVar("Array", np.ndarray, jax.Array)
Norms = Sequence[float] | np.ndarray | jax.Array

# Measured on the runs in tests/golden/llm_124m.json; tests/view/test_transfer.py measures both again.
SPREAD = 0.175  # standard deviation of log(predicted / measured best peak) over 26 groups of runs
# The best peak changes with the length to this power: in the bound, and at the least in those runs.
BOUND_EXPONENT, WEAKEST_EXPONENT = -0.5, -0.07


class TransferBound(NamedTuple):
    """The result of `transfer_bound`: the bound of one schedule at its best peak.

    Attributes:
      peak: The peak with the lowest bound, in units of distance / gradient norm.
      bound: The bound at that peak, in units of distance * gradient norm.
    """

    peak: jax.Array
    bound: jax.Array


@dataclasses.dataclass(frozen=True)
class Transfer:
    """The result of `transfer_peak`: how the best peak changes. It prints as ``0.66 (0.56 to 0.79)``.

    Attributes:
      factor: What the bound multiplies the peak by.
      low: The lower end of the range of factors that measured runs admit.
      high: The upper end.
      bound_ratio: The bound of the new schedule divided by that of the old, each at its best peak. Below 1
        the bound prefers the new schedule.
    """

    factor: float
    low: float
    high: float
    bound_ratio: float

    def __str__(self) -> str:
        return f"{_short(self.factor)} ({_short(self.low)} to {_short(self.high)})"


@checks.by_name
def transfer_peak(
    old: ScheduleLike,
    new: ScheduleLike,
    *,
    total_steps: Steps | HasLength,
    new_total_steps: Steps | HasLength | None = None,
    norms: Norms | None = None,
) -> Transfer:
    r"""Return the factor for a tuned peak when the schedule or the length changes.

    Also known as learning-rate transfer across schedules. For a peak :math:`\gamma` and rates
    :math:`\gamma \eta_t` with :math:`\max_t \eta_t = 1`, the last iterate of SGD on a convex function satisfies

    .. math:: E f(x_T) - f^* \le \frac{D^2}{\gamma} T_1 + \gamma T_2, \qquad T_1 = \frac{1}{2 \sum_t \eta_t},

    .. math:: T_2 = \frac12 \left( \frac{\sum_t \eta_t^2 G_t^2}{\sum_t \eta_t}
        + \sum_{k < T} \frac{\eta_k}{\sum_{t > k} \eta_t}
        \cdot \frac{\sum_{t \ge k} \eta_t^2 G_t^2}{\sum_{t \ge k} \eta_t} \right)

    with the distance :math:`D` from the start to the optimum and the gradient norms :math:`G_t`. The best peak
    is :math:`\gamma^* = D \sqrt{T_1 / T_2}`, where the bound is :math:`2 D \sqrt{T_1 T_2}`. :math:`D` and a
    constant :math:`G` cancel in ratios. So no run and no fit is needed:

    .. math:: \text{factor} = \frac{\gamma^*_\text{new}}{\gamma^*_\text{old}}

    Multiply the old run's tuned peak by ``factor`` to get a first guess for the new run's. The scale of either
    schedule makes no difference, and equal schedules give 1.

    ``low`` and ``high`` say how far to trust the factor. They come from 26 groups of published runs of a
    124M-parameter language model. The predicted best peaks missed the measured ones by a standard deviation of
    0.175 in the logarithm, so both ends are a factor of ``exp(0.175)`` away. (Among runs of one length it was
    0.05 to 0.08.) With the length the measured best peaks changed more slowly than the bound says: like
    :math:`T^{-0.07}` to :math:`T^{-0.27}` instead of :math:`T^{-0.5}`. So for another length the range extends
    to what :math:`T^{-0.07}` gives, and the better guess is between ``factor`` and that end.

    Args:
      old: The schedule of the run whose peak is tuned: a schedule, a function of a count, or a number.
      new: The schedule of the next run.
      total_steps: :math:`T`, the updates of both runs: counts 0 to ``total_steps - 1``. A whole number >= 1, or a
        `TrainingRun`.
      new_total_steps: The updates of the new run, if they differ: a whole number >= 1, or a `TrainingRun`.
      norms: :math:`G_t`, the gradient norm at each update of ``old``: numbers > 0 of any scale, one for each of
        ``total_steps``. By default they are constant. They describe one length, so they cannot be combined
        with ``new_total_steps``.

    Returns:
      A `Transfer` with ``factor``, ``low``, ``high`` and ``bound_ratio``. Computed on the host in float64 from
      `sample`. Rates of 0 at the end change nothing and are dropped first.

    Raises:
      ValueError: If a length is not a whole number >= 1, if a schedule has a negative, infinite or NaN rate or
        is 0 everywhere, if ``norms`` has another length or a number that is not positive, or if both ``norms``
        and ``new_total_steps`` are given.
      TypeError: If an argument is of the wrong type or traced. Inside ``jit``, use `transfer_bound`.

    The bound judges sensible schedules and is not an objective to minimize without constraints. It rewards a
    raised last rate: for 20 updates ``inverse_sqrt`` is 3 % below the linear decay. It is convex theory for SGD:
    weight decay, the benefit of a warmup and instability are not part of it. Read a factor above 2 or below 0.5
    as a direction and not as a number. The guide "Transfer a tuned peak learning rate" shows its errors.

    Source: Defazio et al., Optimal Linear Decay Learning Rate Schedules and Further Refinements (2023,
    arXiv 2310.07831), theorem 10; Schaipp et al., The Surprising Agreement Between Convex Optimization Theory
    and Learning-Rate Scheduling for Large Model Training (2025, arXiv 2501.18965), theorem 3.1 and the runs.

    >>> import warmup_optax as wo
    >>> cosine = wo.warmup_cosine(3e-4, warmup_steps=300, total_steps=10_000)
    >>> wsd = wo.warmup_stable_decay(
    ...     3e-4, warmup_steps=300, decay_steps=4_500, total_steps=10_000, decay_shape=wo.linear
    ... )
    >>> change = wo.transfer_peak(cosine, wsd, total_steps=10_000)
    >>> print(change)
    0.66 (0.56 to 0.79)
    >>> peak = cosine.peak_value * change.factor
    """
    where = "transfer_peak"
    steps = _length(where, "total_steps", total_steps)
    new_steps = steps
    if new_total_steps is not None:
        new_steps = _length(where, "new_total_steps", new_total_steps)
        if norms is not None:
            fix = "leave out norms: those of one length say nothing about another"
            checks.raise_bad_argument(where, "norms", norms, "None together with new_total_steps", fix)
    known_norms = None if norms is None else _norms(where, norms, steps)
    peaks, bounds = zip(
        *(
            _best(np, host_rates(where, name, schedule, length), known_norms)
            for name, schedule, length in (("old", old, steps), ("new", new, new_steps))
        ),
        strict=True,
    )
    factor = float(peaks[1] / peaks[0])
    slower = (new_steps / steps) ** (WEAKEST_EXPONENT - BOUND_EXPONENT)  # 1 for the same length
    return Transfer(
        factor=factor,
        low=factor * min(slower, 1.0) * math.exp(-SPREAD),
        high=factor * max(slower, 1.0) * math.exp(SPREAD),
        bound_ratio=float(bounds[1] / bounds[0]),
    )


@checks.by_name
def transfer_bound(
    schedule: ScheduleLike, *, total_steps: int | HasLength, norms: Norms | None = None
) -> TransferBound:
    r"""Return the best peak of a schedule and the last-iterate bound there, in JAX.

    The quantities whose ratios `transfer_peak` returns, as a differentiable function of the schedule's numbers:
    :math:`\gamma^*` and :math:`2 \sqrt{T_1 T_2}` there, for :math:`D = 1`. It can be traced, so it works
    under ``jit``, ``vmap`` and ``grad`` with a schedule whose real numbers are traced.

    Args:
      schedule: A schedule, a function of a count that JAX can trace, or a number.
      total_steps: :math:`T`, the updates of the run: counts 0 to ``total_steps - 1``. A whole number >= 1, known
        before tracing, or a `TrainingRun`.
      norms: :math:`G_t`, one number > 0 for each update. By default they are 1.

    Returns:
      A `TransferBound` ``(peak, bound)`` of scalars of the default float dtype. In float32 both are within 1e-6
      of `transfer_peak`'s float64 arithmetic on the same rates, up to a million updates: sums are taken in
      chunks of about :math:`\sqrt{T}` terms and no difference is formed. Both are NaN if every rate is 0. A
      traced negative rate is not noticed.

    Raises:
      ValueError: If ``total_steps`` is not a whole number >= 1, if a concrete schedule has a negative, infinite
        or NaN rate or is 0 everywhere, or if ``norms`` has another length or a number that is not positive.
      TypeError: If an argument is of the wrong type, or ``total_steps`` is traced.

    Descend on it only along one parameter of a sensible schedule, such as the length of a cooldown. Without
    constraints it ends at a schedule with a raised last rate; see `transfer_peak`.

    >>> import jax
    >>> import warmup_optax as wo
    >>> def bound(steps):
    ...     cooled = wo.with_cooldown(1.0, begin=1000 - steps, steps=steps)
    ...     return wo.transfer_bound(cooled, total_steps=1000).bound
    >>> bool(jax.jit(jax.grad(bound))(200.0) < 0)  # a longer cooldown is better
    True
    """
    where = "transfer_bound"
    steps = _length(where, "total_steps", total_steps)
    schedule = as_schedule_argument(where, "schedule", schedule)
    rates = schedule(jnp.arange(steps))
    if not checks.is_traced(rates):
        _check_rates(where, "schedule", np.asarray(rates))
    known_norms = None if norms is None else jnp.asarray(_norms(where, norms, steps), default_float())
    return TransferBound(*_best(jnp, rates, known_norms))


def _best(xp: ModuleType, rates: Array, norms: Array | None) -> tuple[Array, Array]:
    """Return the best peak and its bound, for D = 1: float64 with NumPy, the default float dtype with JAX."""
    # Divided by their largest value, neither rates nor norms lose digits to the range of float32.
    shape = rates / xp.max(rates)
    unit = 1.0 if norms is None else xp.max(norms)
    square = xp.square(shape if norms is None else shape * (norms / unit))
    area, energy = _sums_to_the_end(xp, shape), _sums_to_the_end(xp, square)
    # Where no area follows, the iterate is the last: rates of 0 at the end leave it where it is.
    divisor = xp.where(area > 0, area, xp.inf)
    weight, mean = shape[:-1] / divisor[1:], energy / divisor
    before = _sums_to_the_end(xp, weight * mean[:-1])[:1].sum()  # no terms where there is one update
    t1, t2 = 1 / (2 * area[0]), (mean[0] + before) / 2
    return xp.sqrt(t1 / t2) / unit, 2 * xp.sqrt(t1 * t2) * unit


def _sums_to_the_end(xp: ModuleType, terms: Array) -> Array:
    """``sum(terms[k:])`` for every ``k``, in chunks: the rounding of a sum grows with its length."""
    size = len(terms)
    chunk = math.isqrt(size) + 1
    rows = xp.pad(terms[::-1], (0, -size % chunk)).reshape(-1, chunk)
    within = xp.cumsum(rows, axis=1)
    before = xp.pad(xp.cumsum(within[:-1, -1]), (1, 0))[: len(rows)]
    return (within + before[:, None]).reshape(-1)[:size][::-1]


def host_rates(where: str, name: str, schedule: ScheduleLike, steps: int) -> np.ndarray:
    """Return the learning rates of a run of ``steps`` updates in float64: finite, >= 0 and not all 0."""
    schedule = as_schedule_argument(where, name, schedule)
    if any(map(checks.is_traced, jax.tree.leaves(schedule))):
        allowed, fix = "a schedule without traced numbers", f"call {where} outside of jit"
        checks.raise_bad_argument(where, name, schedule, allowed, fix, error=TypeError)
    rates = sample(schedule, range(steps)).astype(np.float64)
    _check_rates(where, name, rates)
    return rates


def _check_rates(where: str, name: str, rates: np.ndarray) -> None:
    bad = np.flatnonzero(~((rates >= 0) & (rates < np.inf)))
    if bad.size:
        fix = "give a schedule of learning rates"
        checks.raise_bad_argument(
            where, f"{name}({bad[0]})", float(rates[bad[0]]), "a finite number >= 0", fix
        )
    if not rates.any():
        allowed = f"above 0 at one of the counts 0 to {len(rates) - 1}"
        checks.raise_bad_argument(where, name, 0.0, allowed, "give the schedule of a run that trains")


def _norms(where: str, norms: Norms, steps: int) -> np.ndarray:
    """One positive number for each update, as float64."""
    if checks.is_traced(norms):
        fix = "pass the numbers that the run logged"
        checks.raise_bad_argument(where, "norms", norms, "known before tracing", fix, error=TypeError)
    allowed = "a sequence of gradient norms, one for each update"
    try:
        array = np.asarray(norms, np.float64)
    except (TypeError, ValueError):
        checks.raise_bad_argument(where, "norms", norms, allowed, error=TypeError)
    if array.shape != (steps,):
        fix = "log one norm for each update" if array.ndim == 1 else "pass one row"
        checks.raise_bad_argument(
            where, "norms", f"shape {array.shape}", f"of shape ({steps},), one for each update", fix
        )
    bad = np.flatnonzero(~((array > 0) & (array < np.inf)))
    if bad.size:
        fix = "drop updates that were skipped, or fill them with a neighbor's norm"
        checks.raise_bad_argument(where, f"norms[{bad[0]}]", float(array[bad[0]]), "a finite number > 0", fix)
    return array


def _length(where: str, name: str, value: Steps | HasLength) -> int:
    """Return a number of updates that is known before tracing."""
    if checks.is_traced(value):
        fix = "it sets the sizes of arrays: make it static"
        checks.raise_bad_argument(where, name, value, "known before tracing", fix, error=TypeError)
    return run_length(where, value, name)


def _short(value: float) -> str:
    """Two decimals, or two digits where the number is far from 1."""
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:.2g}"
