"""Read a learning-rate range test: the losses of a short run whose rate rises until the loss diverges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import checks

_NAME = "suggest_learning_rate"
LEAST = 21  # with fewer losses even a perfect fall does not exceed `_chance`
RESOLUTION = 1e-6  # smaller differences, relative to the largest loss, are the rounding of float32


class Suggestion(NamedTuple):
    """The result of `suggest_learning_rate`: the learning rates that a range test suggests.

    Attributes:
      steepest: The rate from which the loss falls fastest per factor of the rate (fastai's ``steep``).
      valley: The rate in the middle of the longest descent (fastai's ``valley``).
      steepest_per_rate: The rate at which the loss falls fastest per unit of the rate (Lightning's). It is
        less than ``steepest``, because the same fall counts 10 times more at a tenth of the rate.
      rates: The rates that were used.
      losses: The smoothed losses at these rates.
    """

    steepest: float
    valley: float
    steepest_per_rate: float
    rates: np.ndarray
    losses: np.ndarray

    def __repr__(self) -> str:
        return (
            f"Suggestion(steepest={self.steepest:.3g}, valley={self.valley:.3g}, "
            f"steepest_per_rate={self.steepest_per_rate:.3g})"
        )


@checks.by_name
def suggest_learning_rate(
    rates: ArrayLike | Sequence[float],
    losses: ArrayLike | Sequence[float],
    *,
    smoothing: float = 0.98,
    blow_up: float | None = 4.0,
    skip_begin: int | None = None,
    skip_end: int = 5,
) -> Suggestion:
    """Return the peak rates that a learning-rate range test suggests. Also known as a learning-rate finder.

    The test is a short run with the rates ``geometric(1e-7, 10.0, 100)``, and with one loss for each update.
    The losses are smoothed, and those after a divergence are dropped. With ``L_i`` the smoothed loss at the
    rate ``r_i``:

    * ``steepest`` is the ``r_i`` with the smallest ``(L_(i+1) - L_i) / (ln r_(i+1) - ln r_i)``.
    * ``valley`` is about in the middle of the longest strictly falling subsequence of the ``L_i``. With ``m``
      the length of the subsequence and ``e`` the first index where one of this length ends, it is the ``r_i``
      with ``i = e - m + int(m / 3) + int(m / 6)``.
    * ``steepest_per_rate`` is the ``r_i`` with the smallest ``dL/dr``, by second-order differences.

    One run of a hundred updates is a rough guide. The final losses of real runs at several peaks (a `stack`
    under ``jax.vmap``) are a better one.

    **A fall must exceed what noise produces by chance.** Otherwise a flat loss would suggest a rate. The test
    uses ranks, so it makes no assumption about the size or the distribution of the noise. The ``n`` losses,
    before smoothing, are replaced by their ranks ``R``, with the mean rank for ties.
    Losses closer than 1e-6 of the largest are ties, because float32 does not resolve them. The fall is the
    largest

    ``(mean(R[:k]) - mean(R[k:m])) / (std(R[:m]) * sqrt(1 / k + 1 / (m - k)))``

    over all ``k`` and ``m`` with at least ``n // 10`` losses on either side: how much lower the losses from ``k``
    to ``m`` are than those before ``k``. It must exceed ``sqrt(2 * ln(100 * n))``, which is 4.3 for 100 losses.
    Of series in random order at most 1 in 250 exceed it, whatever their distribution (measured for 20 to 400
    losses). The noise must be independent from loss to loss, so pass losses that are not smoothed.

    Args:
      rates: The rate of each update: a sequence of numbers > 0, each greater than the one before.
      losses: The loss of each update, before any smoothing. It has the same length as ``rates``. Losses after
        a NaN or an infinity are ignored.
      smoothing: The decay of the bias-corrected moving average of the losses, in [0, 1). 0: no smoothing.
      blow_up: The test ends where the smoothed loss exceeds this factor times the smallest one so far, > 1.
        None: it never ends early. Losses below 0 need None.
      skip_begin: The number of points to drop at the beginning, where the average has few terms, >= 0. None:
        a tenth of the points.
      skip_end: The number of points to drop at the end, before the divergence if there is one, >= 0.

    Returns:
      A `Suggestion`, with ``.steepest`` and ``.valley``.

    Raises:
      TypeError: If ``rates`` or ``losses`` are not sequences of numbers.
      ValueError: If they differ in length, if the rates are not positive and increasing, if fewer than 21
        losses remain, or if the loss does not fall by more than noise does.

    Where others differ: fastai uses the defaults here. Lightning uses ``skip_begin=10, skip_end=1`` and
    ``steepest_per_rate``, which on a geometric sweep is often little more than the lowest rate that was not
    skipped.

    Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks (arXiv:1506.01186), section 3.3,
    for the test; fastai's ``callback.schedule`` and Lightning's ``tuner.lr_finder`` for the readings.

    >>> import numpy as np
    >>> import warmup_optax as wo
    >>> rates = wo.sample(wo.geometric(1e-5, 10.0, 99), range(100))
    >>> losses = 2 - 1 / (1 + (rates / 0.01) ** -2) + rates**2  # falls around 0.01, rises after 1
    >>> wo.suggest_learning_rate(rates, losses, smoothing=0.0)
    Suggestion(steepest=0.00933, valley=0.00175, steepest_per_rate=0.00614)
    """
    rates = _vector("rates", rates)
    losses = _vector("losses", losses)
    checks.as_many(_NAME, "losses", losses.tolist(), len(rates), "the number of rates")
    if not (np.isfinite(rates).all() and (rates > 0).all() and (np.diff(rates) > 0).all()):
        fix = "give the rates in the order of the updates, as geometric makes them"
        checks.raise_bad_argument(
            _NAME, "rates", rates, "positive numbers, each greater than the one before", fix
        )
    checks.number(_NAME, "smoothing", smoothing, at_least=0)
    if not smoothing < 1:
        checks.raise_bad_argument(_NAME, "smoothing", smoothing, "a number in [0, 1)")
    first = checks.steps(_NAME, "skip_begin", len(rates) // 10 if skip_begin is None else skip_begin)
    last = checks.steps(_NAME, "skip_end", skip_end)

    finite = len(losses) if np.isfinite(losses).all() else int(np.argmin(np.isfinite(losses)))
    smooth = _smoothed(losses[:finite], smoothing)
    end = min(finite, _end(smooth, blow_up, len(losses)) - last)
    rates, smooth, read = rates[first:end], smooth[first:end], losses[first:end]
    if len(rates) < LEAST:
        allowed = f"at least {LEAST} before the blow-up and without those that are skipped"
        fix = f"{max(len(rates), 0)} remain: begin at a lower rate, or take more updates"
        checks.raise_bad_argument(_NAME, "losses", smooth.tolist(), allowed, fix)
    fall, chance, lengths = _fall(read), _chance(len(read)), _falling(smooth)
    if not fall > chance or lengths.max() == 1:
        allowed = (
            f"falling by more than noise does (more than {chance:.1f} standard deviations, see the docstring)"
        )
        fix = (
            f"these fall by {fall:.1f}: begin at a lower rate, take more updates or a larger batch, or "
            "check that all parameters are trained"
        )
        checks.raise_bad_argument(_NAME, "losses", losses.tolist(), allowed, fix)
    stop = int(np.argmax(lengths))
    size = int(lengths[stop])
    return Suggestion(
        steepest=float(rates[np.argmin(np.diff(smooth) / np.diff(np.log(rates)))]),
        valley=float(rates[stop - size + int(size / 3) + int(size / 3 / 2)]),
        steepest_per_rate=float(rates[np.argmin(np.gradient(smooth, rates))]),
        rates=rates,
        losses=smooth,
    )


def _vector(name: str, values: ArrayLike | Sequence[float]) -> np.ndarray:
    allowed = "a sequence of numbers, one for each update"
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        checks.raise_bad_argument(_NAME, name, values, allowed, error=TypeError)
    if array.ndim != 1:
        checks.raise_bad_argument(_NAME, name, values, allowed, error=TypeError)
    return array


def _smoothed(losses: np.ndarray, decay: float) -> np.ndarray:
    """Return the moving average of the losses, divided by the sum of its weights."""
    found, mean = np.empty_like(losses), 0.0
    for i, loss in enumerate(losses):
        mean = decay * mean + (1 - decay) * loss
        found[i] = mean / (1 - decay ** (i + 1))
    return found


def _end(smooth: np.ndarray, blow_up: float | None, length: int) -> int:
    """Return the index after the first diverged loss, or the length of the test if none diverged."""
    if blow_up is None or not len(smooth):
        return length
    if smooth.min() < 0:
        checks.raise_bad_argument(_NAME, "blow_up", blow_up, "None for losses below 0", "write blow_up=None")
    over = smooth > checks.number(_NAME, "blow_up", blow_up, above=1) * np.minimum.accumulate(smooth)
    return int(np.argmax(over)) + 1 if over.any() else length


def _fall(losses: np.ndarray) -> float:
    """Return how much lower some losses are than those before them, by the equation in the docstring above."""
    resolved = np.round(losses / (RESOLUTION * max(np.abs(losses).max(), np.finfo(float).tiny)))
    _, which, times = np.unique(resolved, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[which]
    total, squares = np.cumsum(ranks), np.cumsum(ranks**2)
    least, largest = max(len(losses) // 10, 1), 0.0
    for m in range(
        2 * least, len(losses) + 1
    ):  # one row at a time, so that memory does not grow with the square of the length
        k = np.arange(least, m - least + 1)
        variance = squares[m - 1] / m - (total[m - 1] / m) ** 2
        if variance > 0:
            lower = total[k - 1] / k - (total[m - 1] - total[k - 1]) / (m - k)
            largest = max(largest, float(np.max(lower / np.sqrt(variance * (1 / k + 1 / (m - k))))))
    return largest


def _chance(length: int) -> float:
    """Return the fall that losses in random order rarely exceed. The tests measure how rarely."""
    return math.sqrt(2 * math.log(100 * length))


def _falling(values: np.ndarray) -> np.ndarray:
    """Return the length of the longest strictly falling subsequence that ends at each index."""
    lengths = np.ones(len(values), np.int64)
    for i in range(1, len(values)):
        lengths[i] += np.max(lengths[:i], where=values[:i] > values[i], initial=0)
    return lengths
