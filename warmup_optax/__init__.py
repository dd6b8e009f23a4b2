"""Learning-rate schedules for JAX and Optax that are values.

>>> import warmup_optax as wo
>>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> schedule  # prints as the code that makes it
join(schedules=(linear(init_value=0.0, end_value=0.0003, steps=100), \
cosine(init_value=0.0003, end_value=0.0, steps=900)), boundaries=(100,))
>>> import optax
>>> optimizer = optax.adamw(learning_rate=schedule)
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._algebra import add, clip, divide, product, scale, stack
from ._arcs import piecewise_cosine
from ._check import Finding, check
from ._clock import speed_up, staircase
from ._combinators import join, shift, with_cooldown, with_warmup
from ._config import from_config, to_config
from ._endless import exponential, inverse_sqrt, inverse_time
from ._factors import exponential_approach, finite_exponential, k_decay, radam, tanh
from ._inspect import describe, sample
from ._piecewise import piecewise_constant, piecewise_linear
from ._plot import plot
from ._powers import power_law
from ._recipes import (
    one_cycle,
    warmup_cosine,
    warmup_linear,
    warmup_polynomial,
    warmup_stable_decay,
)
from ._recipes_endless import (
    warmup_constant,
    warmup_cosine_restarts,
    warmup_exponential,
    warmup_inverse_sqrt,
    warmup_piecewise_constant,
)
from ._restart import restart
from ._resume import Comparison, compare
from ._schedule import Schedule, as_schedule
from ._shapes import constant, cosine, geometric, linear, one_minus_sqrt, polynomial
from ._state import applied_value, next_value, update_count
from ._tools import adapters as _adapters
from ._tools.adapters import to_keras, to_torch
from ._units import TrainingRun, adam_warmup_steps, scale_learning_rate
from ._waves import cosine_wave, triangle_wave

__all__ = [
    "Comparison",
    "Finding",
    "Schedule",
    "TrainingRun",
    "adam_warmup_steps",
    "add",
    "applied_value",
    "as_schedule",
    "check",
    "clip",
    "compare",
    "constant",
    "cosine",
    "cosine_wave",
    "describe",
    "divide",
    "exponential",
    "exponential_approach",
    "finite_exponential",
    "from_config",
    "geometric",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "k_decay",
    "linear",
    "next_value",
    "one_cycle",
    "one_minus_sqrt",
    "piecewise_constant",
    "piecewise_cosine",
    "piecewise_linear",
    "plot",
    "polynomial",
    "power_law",
    "product",
    "radam",
    "restart",
    "sample",
    "scale",
    "scale_learning_rate",
    "shift",
    "speed_up",
    "stack",
    "staircase",
    "tanh",
    "to_config",
    "to_keras",
    "to_torch",
    "triangle_wave",
    "update_count",
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

if _TYPE_CHECKING:
    from . import compat as compat


def __getattr__(name: str) -> _Any:
    """What most programs never ask for: `compat`, and the class of `to_keras`."""
    if name == "compat":
        import importlib

        return importlib.import_module(".compat", __name__)
    if name == "KerasSchedule":  # made when it is asked for, and so registered with Keras
        return _adapters.KerasSchedule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_adapters.register_with_keras()
