"""A schedule's values on the host."""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
from collections.abc import Callable, Iterator

import jax
import numpy as np

from .._core import checks
from .._core.evaluation import evaluate_on_host
from .._core.scalars import default_float
from .._core.schedule import Count, Schedule, ScheduleLike, as_schedule_argument

LEAST = 256  # vectors of counts are padded to at least this length: fewer programs

Evaluator = Callable[[Schedule, np.ndarray], np.ndarray]
_evaluator = contextvars.ContextVar[Evaluator]("warmup_optax_evaluator", default=evaluate_on_host)
_inherited = False  # whether this process was forked from one whose JAX backend was running


def _after_fork() -> None:
    # The function is private to JAX. Without it a fork is taken for one of a process that had used JAX.
    bridge = sys.modules.get("jax._src.xla_bridge")
    global _inherited
    _inherited = _inherited or bool(getattr(bridge, "backends_are_initialized", lambda: True)())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def sample(schedule: ScheduleLike, counts: Count) -> np.ndarray:
    """A schedule's values at many counts, computed on the host.

    For loggers, data loaders, tests and plots: it runs on JAX's CPU backend, so it puts nothing on an
    accelerator and does not wait for what one is doing. (With ``JAX_PLATFORMS`` set, the CPU must be in it.)
    It also works under ``jax.transfer_guard("disallow")``.

    Args:
      schedule: A `Schedule`, a function of a count that JAX can trace (an Optax closure), or a number.
      counts: Counts of optimizer updates: a number, a range, a list or an array of any shape and dtype.

    Returns:
      A NumPy array of the shape of ``counts``, of JAX's default float dtype. Other counts of a similar number
      compile nothing: vectors are padded to the next power of two.

    Raises:
      TypeError: If ``counts`` are not numbers, or the schedule's own numbers are traced.
      ValueError: If the schedule is a stack.
      RuntimeError: In a process that was forked after its parent had used JAX: JAX's threads do not survive
        a fork, and a computation would wait for them indefinitely. Start workers with "spawn", or sample
        in the parent.

    >>> import warmup_optax as wo
    >>> wo.sample(wo.linear(0.0, 1.0, steps=4), range(6)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    schedule = as_schedule_argument("sample", "schedule", schedule)
    if isinstance(counts, range):
        counts = np.arange(counts.start, counts.stop, counts.step)
    with jax.transfer_guard("allow"):
        array = np.asarray(checks.count(counts))
    if not array.size:
        return np.zeros(array.shape, default_float())
    flat = array.ravel()
    padded = max(LEAST, 1 << (flat.size - 1).bit_length())
    values = values_at(schedule, np.pad(flat, (0, padded - flat.size), mode="edge"))
    return values[: flat.size].reshape(array.shape)


def values_at(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """The values at ``counts`` as they are: a program for each shape."""
    if _inherited:
        raise RuntimeError(
            "sample: this process was forked from one that had used JAX, whose threads do not survive "
            'a fork; start workers with the "spawn" method, or sample in the parent process'
        )
    with jax.transfer_guard("allow"):  # the guard is there for accelerators; this stays on the host
        return _evaluator.get()(schedule, counts)


@contextlib.contextmanager
def evaluate_with(evaluator: Evaluator) -> Iterator[None]:
    """Inside, whatever samples a schedule (`describe`, `check`, its phases) gets the values of ``evaluator``."""
    token = _evaluator.set(evaluator)
    try:
        yield
    finally:
        _evaluator.reset(token)
