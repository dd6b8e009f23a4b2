"""Learning-rate schedules for JAX and Optax that you can print, compare, save and sweep.

>>> import warmup_optax as wo
>>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> schedule  # prints as the code that makes it
warmup_cosine(peak_value=0.0003, warmup_steps=100, total_steps=1000)
>>> import optax
>>> optimizer = optax.adamw(learning_rate=schedule)
"""

import inspect as _inspect
import sys as _sys
import typing as _typing

from . import feedback as feedback
from . import nodes as nodes
from . import shapes as shapes
from ._combinators.bounds import clip, maximum, minimum
from ._combinators.clocks import shift, staircase
from ._combinators.join import join
from ._combinators.ramps import with_cooldown, with_warmup
from ._combinators.restart import restart
from ._combinators.stack import stack, unstack
from ._combinators.stretch import stretch
from ._convert.config import from_config, to_config
from ._convert.files import load, save
from ._convert.keras import keras_class as _keras_class
from ._convert.keras import register_with_keras as _register_with_keras
from ._convert.keras import to_keras
from ._convert.schema import config_schema
from ._convert.torch import to_torch
from ._convert.torch import torch_class as _torch_class
from ._core.as_schedule import as_schedule, constant
from ._core.checks import ArgumentError, ArgumentTypeError
from ._core.node import static, steps
from ._core.schedule import Schedule
from ._core.time import Time
from ._optimizers.counter import counter_schedule
from ._optimizers.feedback import with_feedback
from ._optimizers.groups import groups, layerwise, path_mask
from ._optimizers.hyperparams import applied_values, scheduled
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
from ._run.merging import checkpoint_weights, merge_checkpoints
from ._run.range_test import suggest_learning_rate
from ._run.scaling import scale_hyperparams, scale_learning_rate
from ._run.seesaw import seesaw
from ._run.units import TrainingRun, adam_warmup_steps
from ._shapes.endless import exponential, inverse_sqrt, inverse_time
from ._shapes.finite import FiniteSchedule, cosine, geometric, linear, one_minus_sqrt, polynomial
from ._shapes.piecewise import piecewise_constant, piecewise_linear
from ._suggestions import no_attribute as _no_attribute
from ._view.check import check
from ._view.compare import compare
from ._view.describe import describe
from ._view.explore.explorer import explore
from ._view.plot import plot
from ._view.plot import png as _png
from ._view.sample import sample
from ._view.transfer import transfer_bound, transfer_peak

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "FiniteSchedule",
    "Schedule",
    "Time",
    "TrainingRun",
    "__version__",
    "adam_warmup_steps",
    "applied_value",
    "applied_values",
    "as_schedule",
    "check",
    "checkpoint_weights",
    "clip",
    "compare",
    "compat",
    "config_schema",
    "constant",
    "cosine",
    "counter_schedule",
    "describe",
    "explore",
    "exponential",
    "feedback",
    "from_config",
    "geometric",
    "groups",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "layerwise",
    "linear",
    "load",
    "maximum",
    "merge_checkpoints",
    "minimum",
    "next_value",
    "nodes",
    "one_cycle",
    "one_minus_sqrt",
    "path_mask",
    "piecewise_constant",
    "piecewise_linear",
    "plot",
    "polynomial",
    "restart",
    "sample",
    "save",
    "scale_hyperparams",
    "scale_learning_rate",
    "scheduled",
    "seesaw",
    "shapes",
    "shift",
    "stack",
    "staircase",
    "static",
    "steps",
    "stretch",
    "suggest_learning_rate",
    "to_config",
    "to_keras",
    "to_torch",
    "transfer_bound",
    "transfer_peak",
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
    "with_feedback",
    "with_warmup",
]

if _typing.TYPE_CHECKING:
    from . import compat as compat

    __version__: str
else:  # a type checker reports unknown names itself

    def __getattr__(name: str) -> _typing.Any:
        """Import `compat`, or build a class that needs Keras or PyTorch, on first use."""
        if name == "compat":
            import importlib

            return importlib.import_module(".compat", __name__)
        if name == "__version__":  # reading the metadata takes a twentieth of the import
            from importlib.metadata import version

            return version("warmup-optax")
        if name == "KerasSchedule":  # building the class registers it with Keras
            return _keras_class()
        if name == "TorchSchedule":
            return _torch_class()
        elsewhere = [f"wo.{home}.{rare}" for home in ("shapes", "nodes") for rare in globals()[home].__all__]
        raise _no_attribute(__name__, name, [*elsewhere, *__all__])


def __dir__() -> list[str]:
    return sorted(__all__)


# A pickle stores the module of a class. The public module stays the same if the layout changes. Python evaluates
# string annotations in the module of the class, so they are evaluated before it is replaced.
for _home in (feedback, nodes, shapes, _sys.modules[__name__]):
    for _value in map(vars(_home).get, _home.__all__):
        if _inspect.isclass(_value) and not issubclass(_value, tuple):
            _value.__annotations__ = _inspect.get_annotations(_value, eval_str=True)
        if hasattr(_value, "__module__"):
            _value.__module__ = _home.__name__
Schedule._repr_png_ = _png  # pyright: ignore[reportAttributeAccessIssue] # how a notebook shows a schedule; set here because the core must not import plotting
_register_with_keras()
