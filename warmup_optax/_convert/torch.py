"""A schedule in PyTorch: PyTorch's own scheduler class around one of ours.

PyTorch is not imported before it is needed, so the class is made on first use, once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core import checks
from .._core.schedule import Schedule, as_schedule_argument
from .host_rates import PACKAGE, HostRates, import_library

if TYPE_CHECKING:
    import torch  # pyright: ignore[reportMissingImports]

    from .._core.schedule import ScheduleLike


def to_torch(
    optimizer: torch.optim.Optimizer,  # pyright: ignore[reportAttributeAccessIssue]
    schedule: ScheduleLike,
    last_epoch: int = -1,
) -> torch.optim.lr_scheduler.LRScheduler:  # pyright: ignore[reportAttributeAccessIssue]
    """A schedule as PyTorch's ``LRScheduler``: a new rate for the optimizer at each ``step()``.

    After ``n`` calls of ``step()`` the first parameter group has the rate ``schedule(n)``, so update ``n``,
    counted from 0, uses it if ``step()`` follows each ``optimizer.step()``. The other groups keep their
    proportion to the first: ``schedule(n) * initial_lr / initial_lr of the first group``. A schedule's values
    are rates; ``LambdaLR``, in contrast, multiplies each ``initial_lr`` by a factor. A group that joins later, by
    ``optimizer.add_param_group``, has its ``lr`` until the next ``step()``, and then its proportion, too. (With
    ``LambdaLR`` that ``step()`` fails.)

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


@functools.cache
def torch_class() -> type:
    """The class of `to_torch`."""
    torch = import_library("torch", "to_torch")

    class TorchSchedule(torch.optim.lr_scheduler.LRScheduler):
        """Made by `to_torch`."""

        def __init__(self, optimizer: Any, schedule: Any, last_epoch: int = -1):
            if not isinstance(optimizer, torch.optim.Optimizer):
                allowed, fix = "a torch.optim.Optimizer", "write to_torch(optimizer, schedule)"
                checks.raise_bad_argument("to_torch", "optimizer", optimizer, allowed, fix, error=TypeError)
            self._host_rates = HostRates(as_schedule_argument("to_torch", "schedule", schedule))
            self.proportions: list[float] = []
            self.first_rate = _initial_rate(optimizer.param_groups[0])
            self._join(optimizer.param_groups)
            super().__init__(optimizer, last_epoch)

        def _join(self, groups: list[Any]) -> None:
            """Takes the proportions of the groups that are not known yet: all, or those that were added."""
            for group in groups[len(self.proportions) :]:
                rate, first = _initial_rate(group), self.first_rate
                if first == 0.0 and rate:
                    raise ValueError(
                        "to_torch: the first parameter group's lr must not be 0 next to others, got "
                        f"{[_initial_rate(each) for each in groups]}; the groups keep their proportions to "
                        "the first"
                    )
                self.proportions.append(1.0 if rate == first else rate / first)

        @property
        def schedule(self) -> Schedule:
            """The schedule that was given."""
            return self._host_rates.schedule

        def get_lr(self) -> list[float]:
            groups = self.optimizer.param_groups
            for added in groups[len(self.proportions) :]:
                added.setdefault("initial_lr", _initial_rate(added))  # what a restored optimizer needs
            self._join(groups)
            rate = self._host_rates(self.last_epoch)
            return [rate * proportion for proportion in self.proportions]

        def state_dict(self) -> dict[str, Any]:
            state = super().state_dict()
            del state["_host_rates"]
            return state

    TorchSchedule.__module__, TorchSchedule.__qualname__ = PACKAGE, "TorchSchedule"  # where pickle finds it
    return TorchSchedule


def _initial_rate(group: Mapping[str, Any]) -> float:
    """The rate that a parameter group of PyTorch was made with."""
    return float(group.get("initial_lr", group["lr"]))
