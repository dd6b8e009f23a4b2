"""An adapter for PyTorch: a schedule as a PyTorch ``LRScheduler``.

The class is created on first use, so that PyTorch is not imported before it is needed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.schedule import Schedule
from .host_rates import PACKAGE, HostRates, import_library

if TYPE_CHECKING:
    import torch  # pyright: ignore[reportMissingImports]

    from .._core.types import ScheduleLike

_Group: TypeAlias = Mapping[str, Any]  # a parameter group of PyTorch, with its options


@checks.by_name
def to_torch(
    optimizer: torch.optim.Optimizer,  # pyright: ignore[reportAttributeAccessIssue]
    schedule: ScheduleLike,
    last_epoch: int = -1,
) -> torch.optim.lr_scheduler.LRScheduler:  # pyright: ignore[reportAttributeAccessIssue]
    """Convert a schedule to a PyTorch ``LRScheduler``, which sets the rates at each ``step()``.

    After ``n`` calls of ``step()`` the first parameter group has the rate ``schedule(n)``. If ``step()`` follows
    each ``optimizer.step()``, update ``n``, counted from 0, uses this rate. The other groups keep their
    proportion to the first: ``schedule(n) * initial_lr / initial_lr of the first group``. A schedule's values
    are rates. In contrast, ``LambdaLR`` multiplies each ``initial_lr`` by a factor. A group that you add later
    with ``optimizer.add_param_group`` has its ``lr`` until the next ``step()``, and keeps its proportion after
    that. (With ``LambdaLR`` that ``step()`` fails.)

    The rates come from `sample`, in blocks, and are Python floats of float32 values.

    Args:
      optimizer: The optimizer whose ``param_groups`` receive the rates.
      schedule: A `Schedule`, a function of a count that JAX can trace, or a number.
      last_epoch: The last count that was used, as in PyTorch. The scheduler continues after it. -1: start at
        count 0. To continue, the groups must have an ``initial_lr``, as those of a restored optimizer do.

    Returns:
      A ``torch.optim.lr_scheduler.LRScheduler``. Its ``state_dict`` contains the count and other numbers, but
      not the schedule. Save that with `to_config`. Inside ``SequentialLR`` its count starts at its milestone.

    Raises:
      TypeError: If ``optimizer`` is not a PyTorch optimizer, or ``schedule`` has none of these types.
      ValueError: If the rate of the first group is 0 and that of another group is not, so that there is no
        proportion.
      KeyError: From PyTorch, if ``last_epoch`` is given and a group has no ``initial_lr``.
      ImportError: If PyTorch is not installed.

    >>> import warmup_optax as wo
    >>> schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    >>> scheduler = wo.to_torch(optimizer, schedule)  # doctest: +SKIP
    """
    return torch_class()(optimizer, schedule, last_epoch)


@functools.cache
def torch_class() -> type:
    """Return the class of `to_torch`."""
    torch = import_library("torch", "to_torch")

    class TorchSchedule(torch.optim.lr_scheduler.LRScheduler):
        """A schedule as a PyTorch ``LRScheduler``. `to_torch` returns it."""

        def __init__(self, optimizer: torch.optim.Optimizer, schedule: ScheduleLike, last_epoch: int = -1):  # pyright: ignore[reportAttributeAccessIssue]
            if not isinstance(optimizer, torch.optim.Optimizer):
                allowed, fix = "a torch.optim.Optimizer", "write to_torch(optimizer, schedule)"
                checks.raise_bad_argument("to_torch", "optimizer", optimizer, allowed, fix, error=TypeError)
            self._host_rates = HostRates(as_schedule_argument("to_torch", "schedule", schedule))
            self.proportions: list[float] = []
            self.first_rate = _initial_rate(optimizer.param_groups[0])
            self._join(optimizer.param_groups)
            super().__init__(optimizer, last_epoch)

        def _join(self, groups: Sequence[_Group]) -> None:
            """Store the proportions of new groups: of all at first, then of those that were added."""
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
            """The schedule that was passed."""
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


def _initial_rate(group: _Group) -> float:
    """Return the initial rate of a PyTorch parameter group."""
    return float(group.get("initial_lr", group["lr"]))
