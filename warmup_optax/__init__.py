"""Learning-rate schedules for JAX and Optax that are values.

>>> import warmup_optax as wo
>>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> schedule  # prints as the code that makes it
join(schedules=(linear(init_value=0.0, end_value=0.0003, steps=100), \
cosine(init_value=0.0003, end_value=0.0, steps=900)), boundaries=(100,), offsets=(0, 100))
>>> import optax
>>> optimizer = optax.adamw(learning_rate=schedule)
"""

from ._algebra import add, clip, divide, product, scale, stack
from ._combinators import join, shift, with_cooldown, with_warmup
from ._endless import exponential, inverse_sqrt, inverse_time
from ._piecewise import piecewise_constant, piecewise_linear
from ._recipes import (
    one_cycle,
    warmup_constant,
    warmup_cosine,
    warmup_cosine_restarts,
    warmup_exponential,
    warmup_inverse_sqrt,
    warmup_linear,
    warmup_piecewise_constant,
    warmup_polynomial,
    warmup_stable_decay,
)
from ._restart import restart
from ._schedule import Schedule, as_schedule
from ._shapes import constant, cosine, geometric, linear, one_minus_sqrt, polynomial

__all__ = [
    "Schedule",
    "add",
    "as_schedule",
    "clip",
    "constant",
    "cosine",
    "divide",
    "exponential",
    "geometric",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "linear",
    "one_cycle",
    "one_minus_sqrt",
    "piecewise_constant",
    "piecewise_linear",
    "polynomial",
    "product",
    "restart",
    "scale",
    "shift",
    "stack",
    "warmup_constant",
    "warmup_cosine",
    "warmup_cosine_restarts",
    "warmup_exponential",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_piecewise_constant",
    "warmup_polynomial",
    "warmup_stable_decay",
    "with_cooldown",
    "with_warmup",
]
