"""Learning-rate schedules for JAX and Optax that are values.

>>> import warmup_optax as wo
>>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> schedule  # prints as the code that makes it
warmup_cosine(peak_value=0.0003, warmup_steps=100, total_steps=1000)
>>> import optax
>>> optimizer = optax.adamw(learning_rate=schedule)
"""

from . import shapes
from ._combinators.arithmetic import add, clip, divide, product, scale, stack, unstack
from ._combinators.clocks import shift, speed_up, staircase
from ._combinators.join import join
from ._combinators.ramps import with_cooldown, with_warmup
from ._combinators.restart import restart
from ._core.checks import ArgumentError, ArgumentTypeError
from ._core.node import static
from ._core.schedule import Schedule, as_schedule
from ._core.time import Time
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
from ._shapes.endless import constant, exponential, inverse_sqrt, inverse_time
from ._shapes.finite import FiniteSchedule, cosine, geometric, linear, one_minus_sqrt, polynomial
from ._shapes.piecewise import piecewise_constant, piecewise_linear
