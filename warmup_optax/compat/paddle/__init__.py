"""Paddle's schedulers (``paddle.optimizer.lr``, Paddle 3.3), and the detection models' warmup.

A scheduler that is stepped once after every update gives update number ``count`` the rate of its
``last_epoch == count``; that is the count here. Giving a constructor a ``last_epoch`` other than -1 starts
as if ``last_epoch + 1`` updates had been made. ``verbose`` is taken and not used.

Not here, since what they take is not numbers: ``LambdaDecay`` (multiply any function of a count by the rate:
``wo.as_schedule(function) * learning_rate``), ``MultiplicativeDecay`` (a function multiplied up update by
update), and ``ReduceOnPlateau`` (``optax.contrib.reduce_on_plateau``).
"""

from ._cycles import CosineAnnealingDecay, CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from ._decays import (
    ExponentialDecay,
    InverseTimeDecay,
    LinearLR,
    LinearWarmup,
    MultiStepDecay,
    NaturalExpDecay,
    NoamDecay,
    PiecewiseDecay,
    PolynomialDecay,
    StepDecay,
    exponential_with_warmup_decay,
)

__all__ = [
    "CosineAnnealingDecay",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearLR",
    "LinearWarmup",
    "MultiStepDecay",
    "NaturalExpDecay",
    "NoamDecay",
    "OneCycleLR",
    "PiecewiseDecay",
    "PolynomialDecay",
    "StepDecay",
    "exponential_with_warmup_decay",
]
