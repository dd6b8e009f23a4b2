"""An adapter for Keras: a schedule as a Keras ``LearningRateSchedule``.

The class is created on first use, so that Keras is not imported before it is needed.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import checks
from .._core.as_schedule import as_schedule, as_schedule_argument
from .._core.schedule import Schedule
from .._view.sample import sample
from .config import JSON, from_config, to_config
from .host_rates import PACKAGE, HostRates, import_library

if TYPE_CHECKING:
    import keras  # pyright: ignore[reportMissingImports]

    from .._core.types import ScheduleLike


@checks.by_name
def to_keras(schedule: ScheduleLike) -> keras.optimizers.schedules.LearningRateSchedule:  # pyright: ignore[reportAttributeAccessIssue]
    """Convert a schedule to a Keras ``LearningRateSchedule``, for the ``learning_rate`` of an optimizer.

    The rate of optimizer update ``n``, counted from 0, is ``schedule(n)``, and all lengths are in updates.
    With ``gradient_accumulation_steps=k`` Keras passes the number of batches to a schedule, and only every
    k-th batch is an update. Keras's schedules therefore end after ``1 / k`` of their updates. This one
    finds the optimizer that calls it, and divides the count by its ``k``. Any other count, for example in a
    plot, is a count of updates.

    On the JAX backend the schedule is compiled into the training step. The same is true on the TensorFlow
    backend inside a ``tf.function``, through ``jax2tf``. On the torch backend the count is read on the host,
    which waits for the previous step on a GPU. The rates then come from `sample`, in blocks.

    The config that Keras saves is `to_config` of the schedule, so a model saved as ``.keras`` continues at
    the same count. The program that loads it must register the class with Keras: import ``warmup_optax``
    after ``keras``. If you import ``keras`` later, access ``warmup_optax.KerasSchedule`` once.

    Args:
      schedule: A `Schedule`, a function of a count that JAX can trace, or a number.

    Returns:
      A ``keras.optimizers.schedules.LearningRateSchedule``. Its rates are float32. Its ``schedule`` attribute
      is the `Schedule`.

    Raises:
      TypeError: If ``schedule`` has none of these types. On saving, if it contains a Python function.
      ImportError: If Keras 3 is not installed.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    >>> optimizer = keras.optimizers.AdamW(wo.to_keras(schedule))  # doctest: +SKIP
    """
    return keras_class()(as_schedule_argument("to_keras", "schedule", schedule))


@functools.cache
def keras_class() -> type:
    """Return the class of `to_keras`, registered with Keras."""
    keras = import_library("keras", "to_keras")
    if not hasattr(keras, "Variable"):
        raise ImportError(f"to_keras needs Keras 3, and this is {keras.__version__}; pip install -U keras")

    class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
        """A schedule as a Keras ``LearningRateSchedule``. `to_keras` returns it."""

        def __init__(self, schedule: ScheduleLike):
            self.schedule = as_schedule(schedule)
            self._host_rates = HostRates(self.schedule)

        def __call__(self, step: Any) -> Any:
            count = step.value if isinstance(step, keras.Variable) else step
            batches = _batches_per_update(step, keras.optimizers.Optimizer)
            if batches > 1:
                count = count // batches
            if keras.backend.backend() == "jax":
                return self.schedule(count)
            if keras.backend.backend() == "tensorflow" and _in_tensorflow_graph():
                return _tensorflow_rate(self.schedule, count)
            counts = np.asarray(keras.ops.convert_to_numpy(count))
            one = counts.ndim == 0 and counts.dtype.kind in "iu"
            rates = self._host_rates(int(counts)) if one else sample(self.schedule, counts)
            return keras.ops.convert_to_tensor(rates, dtype="float32")

        def __repr__(self) -> str:
            return f"to_keras({self.schedule!r})"

        def get_config(self) -> dict[str, JSON]:
            return {"schedule": to_config(self.schedule)}

        @classmethod
        def from_config(cls, config: dict[str, dict[str, JSON]]) -> KerasSchedule:
            return cls(from_config(config["schedule"]))

    KerasSchedule.__module__, KerasSchedule.__qualname__ = PACKAGE, "KerasSchedule"  # where pickle finds it
    return keras.saving.register_keras_serializable(package=PACKAGE)(KerasSchedule)


def register_with_keras() -> None:
    """Register the class of `to_keras` for loading models, if Keras 3 is already imported."""
    if hasattr(sys.modules.get("keras"), "Variable"):
        keras_class()


def _batches_per_update(step: Any, optimizer: type) -> int:
    """Return ``gradient_accumulation_steps`` of the Keras optimizer that has the count ``step``, or 1.

    Keras passes only the count of batches to a schedule, and the count has no reference to its optimizer. But
    the optimizer is the caller, directly or through another schedule, so it is on the stack. A second argument
    for the same number could contradict it, and then every rate would be silently wrong.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if "self" in frame.f_code.co_varnames[:1] and "self" in frame.f_locals:
            owner = frame.f_locals["self"]
            if isinstance(owner, optimizer) and owner._iterations is step:
                return owner.gradient_accumulation_steps or 1
        frame = frame.f_back
    return 1


def _in_tensorflow_graph() -> bool:
    import tensorflow as tf

    return not tf.executing_eagerly()


def _tensorflow_rate(schedule: Schedule, count: Any) -> Any:
    """Return the rate inside a ``tf.function``: the XLA program of the schedule, for any device."""
    import tensorflow as tf
    from jax.experimental import jax2tf

    platforms = ("cpu", "cuda", "tpu")
    program = jax2tf.convert(schedule.__call__, with_gradient=False, native_serialization_platforms=platforms)
    return program(tf.cast(count, tf.int32))
