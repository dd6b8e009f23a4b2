"""Learning-rate schedules for JAX and Optax that are values.

>>> import warmup_optax as wo
>>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> schedule  # prints as the code that makes it
warmup_cosine(peak_value=0.0003, warmup_steps=100, total_steps=1000)
>>> import optax
>>> optimizer = optax.adamw(learning_rate=schedule)
"""

import typing as _typing
from importlib.metadata import version as _version
from inspect import get_annotations as _get_annotations

from . import shapes as shapes
from ._combinators.arithmetic import add, clip, divide, product, scale
from ._combinators.clocks import in_steps, shift, speed_up, staircase
from ._combinators.join import join
from ._combinators.ramps import with_cooldown, with_warmup
from ._combinators.restart import restart
from ._combinators.stack import stack, unstack
from ._convert import frameworks as _adapters
from ._convert.config import from_config, to_config
from ._convert.frameworks import to_keras, to_torch
from ._core.checks import ArgumentError, ArgumentTypeError
from ._core.node import Node as _Node
from ._core.node import static
from ._core.schedule import Schedule, as_schedule
from ._core.time import Time
from ._optimizers.counter import CounterSchedule, counter_schedule
from ._optimizers.groups import groups, layerwise, path_mask
from ._optimizers.hyperparams import applied_values, scheduled
from ._optimizers.plateau import with_plateau
from ._optimizers.state import applied_value, next_value, update_count
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
from ._run.merging import merge_checkpoints, merge_weights
from ._run.range_test import Suggestion, suggest
from ._run.units import TrainingRun, adam_warmup_steps, scale_learning_rate
from ._shapes.endless import constant, exponential, inverse_sqrt, inverse_time
from ._shapes.finite import FiniteSchedule, cosine, geometric, linear, one_minus_sqrt, polynomial
from ._shapes.piecewise import piecewise_constant, piecewise_linear
from ._suggestions import no_attribute as _no_attribute
from ._view.check import Finding, check
from ._view.compare import Comparison, compare
from ._view.describe import describe
from ._view.explore.explorer import Explorer, explore
from ._view.plot import plot
from ._view.plot import png as _png
from ._view.sample import sample

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "Comparison",
    "CounterSchedule",
    "Explorer",
    "Finding",
    "FiniteSchedule",
    "Schedule",
    "Suggestion",
    "Time",
    "TrainingRun",
    "__version__",
    "adam_warmup_steps",
    "add",
    "applied_value",
    "applied_values",
    "as_schedule",
    "check",
    "clip",
    "compare",
    "compat",
    "constant",
    "cosine",
    "counter_schedule",
    "describe",
    "divide",
    "explore",
    "exponential",
    "from_config",
    "geometric",
    "groups",
    "in_steps",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "layerwise",
    "linear",
    "merge_checkpoints",
    "merge_weights",
    "next_value",
    "one_cycle",
    "one_minus_sqrt",
    "path_mask",
    "piecewise_constant",
    "piecewise_linear",
    "plot",
    "polynomial",
    "product",
    "restart",
    "sample",
    "scale",
    "scale_learning_rate",
    "scheduled",
    "shapes",
    "shift",
    "speed_up",
    "stack",
    "staircase",
    "static",
    "suggest",
    "to_config",
    "to_keras",
    "to_torch",
    "unstack",
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
    "with_plateau",
    "with_warmup",
]

__version__ = _version("warmup-optax")

if _typing.TYPE_CHECKING:
    from . import compat as compat
else:  # a checker refuses a name that is not there

    def __getattr__(name: str) -> _typing.Any:
        """Imports `compat` when it is asked for: most programs never do. Finds the classes by name."""
        if name == "compat":
            import importlib

            return importlib.import_module(".compat", __name__)
        if name == "KerasSchedule":  # made when it is asked for, and so registered with Keras
            return _adapters.KerasSchedule
        if name in _CLASSES:
            return _CLASSES[name]
        raise _no_attribute(__name__, name, (*(f"wo.shapes.{rare}" for rare in shapes.__all__), *__all__))


def __dir__() -> list[str]:
    return sorted(__all__)


def _move(value: _typing.Any, module: str) -> None:
    """Gives a class or a function another module; the annotations of a class are read in its own first."""
    if isinstance(value, type):
        named_tuple = issubclass(value, tuple)  # whose annotations are no strings, nor what they stand for
        hints = _typing.get_type_hints(value) if named_tuple else _get_annotations(value, eval_str=True)
        value.__annotations__ = hints
    value.__module__ = module


def _publish() -> dict[str, type]:
    """Gives everything public the name it is reached by, so that pickles do not carry the layout."""
    for home in (shapes, None):
        for name in home.__all__ if home else __all__:
            value = getattr(home, name) if home else globals().get(name)
            if hasattr(value, "__module__") and not isinstance(value, str):
                _move(value, home.__name__ if home else __name__)
    classes: dict[str, type] = {}
    rest: list[type] = [_Node]
    while rest:
        cls = rest.pop()
        rest.extend(cls.__subclasses__())
        if cls.__name__[0] != "_" and cls.__module__.startswith(f"{__name__}."):
            _move(cls, __name__)
            classes[cls.__name__] = cls
    return classes


_CLASSES = _publish()
Schedule._repr_png_ = _png  # pyright: ignore[reportAttributeAccessIssue] # how a notebook shows a schedule; the core knows no pictures
_adapters.register_with_keras()
