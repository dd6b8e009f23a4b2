"""A warmup and a cosine, as each library makes it; None where the library is not installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import optax

import warmup_optax as wo

from ._measure import peer

Curve = Callable[[Any], Any]


def ours(peak: float, warmup: int, total: int) -> wo.Schedule:
    """`warmup_optax`."""
    return wo.warmup_cosine(peak, warmup_steps=warmup, total_steps=total)


def optax_(peak: float, warmup: int, total: int) -> Curve:
    """Optax."""
    return optax.warmup_cosine_decay_schedule(0.0, peak, warmup, total)


def keras_(peak: float, warmup: int, total: int) -> Curve | None:
    """Keras."""
    keras = peer("keras")
    if keras is None:
        return None
    decay = keras.optimizers.schedules.CosineDecay
    return decay(0.0, total - warmup, warmup_target=peak, warmup_steps=warmup)


def pytorch(peak: float, warmup: int, total: int) -> Curve | None:
    """PyTorch: each call is a step of the scheduler, whatever the count; its warmup cannot begin at 0."""
    torch = peer("torch")
    if torch is None:
        return None
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # without its optimizer
    optimizer = sgd(peak)
    schedulers = torch.optim.lr_scheduler
    rise = schedulers.LinearLR(optimizer, start_factor=1e-3, total_iters=warmup)
    fall = schedulers.CosineAnnealingLR(optimizer, total - warmup)
    scheduler = schedulers.SequentialLR(optimizer, [rise, fall], [warmup])

    def step(_: Any) -> float:
        value = optimizer.param_groups[0]["lr"]
        scheduler.step()
        return value

    return step


def transformers_(peak: float, warmup: int, total: int) -> Curve | None:
    """The function that transformers gives to PyTorch's scheduler."""
    transformers = peer("transformers")
    if transformers is None or peer("torch") is None:
        return None
    factor = transformers.get_cosine_schedule_with_warmup(sgd(peak), warmup, total).lr_lambdas[0]
    return lambda count: peak * factor(count)


def sgd(rate: float) -> Any:
    """An optimizer of PyTorch, for a scheduler to change the rate of."""
    torch: Any = peer("torch")
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
