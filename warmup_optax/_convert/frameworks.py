"""A schedule in Keras and in PyTorch: their own schedule classes around one of ours.

Neither library is imported before it is needed, so the classes are made on first use, once.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

import warmup_optax as wo

from .._core import checks
from .._core.schedule import as_schedule_argument

if TYPE_CHECKING:
    import keras  # pyright: ignore[reportMissingImports]
    import torch  # pyright: ignore[reportMissingImports]

    from .._core.schedule import ScheduleLike

BLOCK = 1024  # counts that are sampled at once: one compiled program, and few calls of it


def to_keras(schedule: ScheduleLike) -> keras.optimizers.schedules.LearningRateSchedule:
    """A schedule as Keras's ``LearningRateSchedule``, to be an optimizer's ``learning_rate``.

    The rate of optimizer update ``n``, counted from 0, is ``schedule(n)``, and all lengths are in updates.
    With ``gradient_accumulation_steps=k`` Keras counts batches for its schedules, of which only every k-th
    is an update, so that Keras's own schedules run k times too fast there. This one finds the optimizer
    that calls it and divides by its ``k``. Called with any other count, in a plot say, it takes that as
    updates.

    On Keras's JAX backend the schedule is compiled into the training step; so it is on the TensorFlow
    backend inside a ``tf.function``, through ``jax2tf``. On the torch backend the count is read on the host
    (on a GPU that waits for the step before), and the rates come from `sample`, in blocks.

    The config that Keras saves is `to_config` of the schedule, so a model that was saved as ``.keras`` goes
    on where it was. The program that loads it must have the class registered with Keras, which is done by
    ``import warmup_optax`` after ``import keras``; in another order by naming
    ``warmup_optax.KerasSchedule``.

    Args:
      schedule: A `Schedule`, a function of a count that JAX can trace, or a number.

    Returns:
      A ``keras.optimizers.schedules.LearningRateSchedule``. Its rates are float32. Its ``schedule`` attribute
      is the `Schedule`.

    Raises:
      TypeError: If ``schedule`` is none of these; on saving, if it holds a Python function.
      ImportError: If Keras 3 is not installed.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    >>> optimizer = keras.optimizers.AdamW(wo.to_keras(schedule))  # doctest: +SKIP
    """
    return keras_class()(as_schedule_argument("to_keras", "schedule", schedule))


def to_torch(
    optimizer: torch.optim.Optimizer, schedule: ScheduleLike, last_epoch: int = -1
) -> torch.optim.lr_scheduler.LRScheduler:
    """A schedule as PyTorch's ``LRScheduler``: a new rate for the optimizer at each ``step()``.

    After ``n`` calls of ``step()`` the first parameter group has the rate ``schedule(n)``, so update ``n``,
    counted from 0, uses it if ``step()`` follows each ``optimizer.step()``. The other groups keep their
    proportion to the first: ``schedule(n) * initial_lr / initial_lr of the first group``. A schedule's values
    are rates; ``LambdaLR``, in contrast, multiplies each ``initial_lr`` by a factor.

    The rates come from `sample`, in blocks, and are Python floats of float32 values.

    Args:
      optimizer: Whose ``param_groups`` get the rates.
      schedule: A `Schedule`, a function of a count that JAX can trace, or a number.
      last_epoch: The last count that was used, to go on after it, as in PyTorch; -1 to begin. To go on, the
        groups must have an ``initial_lr``, as those of a restored optimizer do.

    Returns:
      A ``torch.optim.lr_scheduler.LRScheduler``. Its ``state_dict`` holds the count and other numbers, and
      not the schedule, which `to_config` saves. Inside ``SequentialLR`` its count starts at its milestone.

    Raises:
      TypeError: If ``optimizer`` is not a PyTorch optimizer, or ``schedule`` none of the three.
      ValueError: If the first group's rate is 0 and another's is not: they have no proportion.
      KeyError: From PyTorch, if ``last_epoch`` is given and a group has no ``initial_lr``.
      ImportError: If PyTorch is not installed.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    >>> scheduler = wo.to_torch(optimizer, schedule)  # doctest: +SKIP
    """
    return torch_class()(optimizer, schedule, last_epoch)


class HostRates:
    """The rates of a schedule as Python floats, count by count, sampled a block at a time."""

    def __init__(self, schedule: wo.Schedule):
        self.schedule = schedule
        self.first = 0
        self.block: list[float] = []

    def __call__(self, count: int) -> float:
        if not 0 <= count - self.first < len(self.block):
            self.first = count - count % BLOCK
            self.block = wo.sample(self.schedule, np.arange(self.first, self.first + BLOCK)).tolist()
        return self.block[count - self.first]


@functools.cache
def keras_class() -> type:
    """The class of `to_keras`, registered with Keras."""
    keras = _import("keras", "to_keras")
    if not hasattr(keras, "Variable"):
        raise ImportError(f"to_keras needs Keras 3, and this is {keras.__version__}; pip install -U keras")

    class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
        """Made by `to_keras`."""

        def __init__(self, schedule: Any):
            self.schedule = wo.as_schedule(schedule)
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
            rates = self._host_rates(int(counts)) if one else wo.sample(self.schedule, counts)
            return keras.ops.convert_to_tensor(rates, dtype="float32")

        def __repr__(self) -> str:
            return f"to_keras({self.schedule!r})"

        def get_config(self) -> dict[str, Any]:
            return {"schedule": wo.to_config(self.schedule)}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> KerasSchedule:
            return cls(wo.from_config(config["schedule"]))

    KerasSchedule.__qualname__ = "KerasSchedule"  # where pickle finds it: `__getattr__` below
    return keras.saving.register_keras_serializable(package="warmup_optax")(KerasSchedule)


@functools.cache
def torch_class() -> type:
    """The class of `to_torch`."""
    torch = _import("torch", "to_torch")

    class TorchSchedule(torch.optim.lr_scheduler.LRScheduler):
        """Made by `to_torch`."""

        def __init__(self, optimizer: Any, schedule: Any, last_epoch: int = -1):
            if not isinstance(optimizer, torch.optim.Optimizer):
                allowed, fix = "a torch.optim.Optimizer", "write to_torch(optimizer, schedule)"
                checks.raise_bad_argument("to_torch", "optimizer", optimizer, allowed, fix, error=TypeError)
            self._host_rates = HostRates(as_schedule_argument("to_torch", "schedule", schedule))
            rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
            first = rates[0]
            if first == 0.0 and any(rates):
                raise ValueError(
                    f"to_torch: the first parameter group's lr must not be 0 beside others, got {rates}; "
                    "the groups keep their proportions to the first"
                )
            self.proportions = [1.0 if rate == first else rate / first for rate in rates]
            super().__init__(optimizer, last_epoch)

        @property
        def schedule(self) -> wo.Schedule:
            """The schedule that was given."""
            return self._host_rates.schedule

        def get_lr(self) -> list[float]:
            rate = self._host_rates(self.last_epoch)
            return [rate * proportion for proportion in self.proportions]

        def state_dict(self) -> dict[str, Any]:
            state = super().state_dict()
            del state["_host_rates"]
            return state

    TorchSchedule.__qualname__ = "TorchSchedule"
    return TorchSchedule


def register_with_keras() -> None:
    """Makes models that were saved with `to_keras` loadable, if Keras 3 is already imported."""
    if hasattr(sys.modules.get("keras"), "Variable"):
        keras_class()


def __getattr__(name: str) -> type:
    """The two classes by name, made when they are asked for: pickle looks here."""
    if name == "KerasSchedule":
        return keras_class()
    if name == "TorchSchedule":
        return torch_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _import(library: str, where: str) -> Any:
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if library == "keras" and error.name == "tensorflow":
            raise ImportError(
                f"{where}: Keras imports TensorFlow, which is not installed; "
                'set the environment variable KERAS_BACKEND to "jax" before keras is imported'
            ) from error
        if error.name != library:
            raise
        raise ImportError(
            f"{where} needs {library}, which is not installed; pip install {library}"
        ) from error


def _batches_per_update(step: Any, optimizer: Any) -> int:
    """``gradient_accumulation_steps`` of the Keras optimizer whose count ``step`` is; 1 for any other count.

    Keras passes a schedule the count alone, and that is of batches; nothing leads from the count to its
    optimizer. But the optimizer is what calls, directly or through another schedule, so it is on the stack. A
    second argument for the same number could contradict it, and then every rate would be wrong in silence.
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


def _tensorflow_rate(schedule: wo.Schedule, count: Any) -> Any:
    """The rate inside a ``tf.function``: XLA's program of the schedule, for whatever device it runs on."""
    import tensorflow as tf
    from jax.experimental import jax2tf

    platforms = ("cpu", "cuda", "tpu")
    program = jax2tf.convert(schedule.__call__, with_gradient=False, native_serialization_platforms=platforms)
    return program(tf.cast(count, tf.int32))
