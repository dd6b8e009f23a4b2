"""Evaluate schedules on the host."""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, SupportsFloat, cast

import jax
import numpy as np
from jax.typing import ArrayLike

from .._core import checks
from .._core.as_schedule import Function, as_schedule_argument, is_stateful
from .._core.evaluation import evaluate_on_host
from .._core.phases import FAR
from .._core.scalars import default_float, default_int
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Count, ScheduleLike, Steps

if TYPE_CHECKING:
    from typing import Protocol

    class HasLength(Protocol):
        """A `TrainingRun`, which this module does not import."""

        @property
        def total_steps(self) -> int: ...


LEAST = 256  # vectors of counts are padded to at least this length, to compile fewer programs

Evaluator = Callable[[Schedule, np.ndarray], np.ndarray]
_evaluator = contextvars.ContextVar[Evaluator]("warmup_optax_evaluator", default=evaluate_on_host)
_inherited = False  # whether this process was forked from one whose JAX backend was running


def _after_fork() -> None:
    # The function is private to JAX. Without it, assume that the parent process had used JAX.
    bridge = sys.modules.get("jax._src.xla_bridge")
    global _inherited
    _inherited = bool(getattr(bridge, "backends_are_initialized", lambda: True)())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def to_look_at(schedule: ScheduleLike) -> ScheduleLike:
    """Return the schedule inside a stateful one, which is known before a run; others unchanged."""
    base = getattr(schedule, "schedule", None) if is_stateful(schedule) else None
    return base if isinstance(base, Schedule) else schedule


def note_of(schedule: ScheduleLike) -> str:
    """Return the note to show with the schedule of a stateful one, or ""."""
    return getattr(schedule, "_note", "") if is_stateful(schedule) else ""


@checks.by_name
def sample(schedule: ScheduleLike, counts: Count) -> np.ndarray:
    """Return a schedule's values at many counts, computed on the host.

    Use it in loggers, data loaders, tests and plots. It runs on JAX's CPU backend. It puts nothing on an
    accelerator and never waits for one. If ``JAX_PLATFORMS`` is set, it must include the CPU. The function
    works under ``jax.transfer_guard("disallow")``.

    Args:
      schedule: A `Schedule`, a function of a count, or a number. A function that JAX cannot trace, for example
        because of a Python ``if`` on its count, is called once per count, with Python numbers. A
        `with_feedback` is evaluated without the feedback.
      counts: Counts of optimizer updates: a number, a range, a list or an array of any shape and dtype.

    Returns:
      A NumPy array of the shape of ``counts``, in JAX's default float dtype. Vectors are padded to the next
      power of two, so a call with a similar number of counts compiles nothing.

    Raises:
      TypeError: If ``counts`` are not numbers, or the schedule has traced numbers.
      ValueError: If the schedule is a stack.
      RuntimeError: In a process that was forked after its parent had used JAX. JAX's threads do not survive
        a fork, and a computation would wait for them indefinitely. Start workers with "spawn", or sample
        in the parent.

    >>> import warmup_optax as wo
    >>> wo.sample(wo.linear(0.0, 1.0, steps=4), range(6)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    schedule = as_schedule_argument("sample", "schedule", to_look_at(schedule))
    if isinstance(counts, range):
        counts = np.arange(counts.start, counts.stop, counts.step)
    if isinstance(counts, np.ndarray) and counts.dtype.kind in "iu" and checks.are_whole_counts(counts):
        array, dtype = counts, default_int()  # which the padding below converts
    else:
        with jax.transfer_guard("allow"):
            array = np.asarray(checks.count(counts))
        dtype = array.dtype
    if not array.size:
        return np.zeros(array.shape, default_float())
    flat = array.ravel()
    padded = max(LEAST, 1 << (flat.size - 1).bit_length())
    filled = np.empty(padded, dtype)
    filled[: flat.size], filled[flat.size :] = flat, flat[-1]
    values = values_at(schedule, filled)
    return values[: flat.size].reshape(array.shape)


def run_length(where: str, total_steps: Steps | HasLength, name: str = "total_steps") -> int:
    """Return the length of a run in updates: a whole number >= 1, or the length of a `TrainingRun`."""
    if not isinstance(total_steps, Schedule) and hasattr(type(total_steps), "total_steps"):
        total_steps = total_steps.total_steps  # pyright: ignore[reportAttributeAccessIssue]
    return min(int(checks.steps(where, name, total_steps, at_least=1)), int(FAR))


def values_at(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """Return the values at ``counts`` without padding: each shape compiles a program."""
    if _inherited:
        raise RuntimeError(
            "sample: this process was forked from one that had used JAX, whose threads do not survive "
            'a fork; start workers with the "spawn" method, or sample in the parent process'
        )
    with jax.transfer_guard("allow"):  # the guard protects accelerators; this stays on the host
        if "_is_python" not in vars(schedule):
            try:
                return _evaluator.get()(schedule, counts)
            except (TypeError, OverflowError):  # an `if`, a `math.cos` or a list; a number past int32
                leaves = jax.tree.leaves(schedule)
                if not list(_functions(schedule)) or any(map(checks.is_traced, leaves)):
                    raise
        values = _count_by_count(schedule, counts)
        vars(schedule)["_is_python"] = True  # the next call need not try to trace it
        return values


def _is_function(node: object) -> bool:
    return isinstance(node, Function)


def _functions(schedule: Schedule) -> Iterator[Function]:
    nodes = jax.tree.leaves(schedule, is_leaf=_is_function)
    return (node for node in nodes if isinstance(node, Function))


def _count_by_count(schedule: Schedule, counts: np.ndarray) -> np.ndarray:
    """Return the values of a schedule that contains Python functions, which receive Python numbers.

    A first program records the counts at which the functions are called. A second one receives their values.
    `jax.pure_callback` could deadlock: a function that uses JAX may wait in it for its own thread.
    """
    if isinstance(schedule, Function):
        return _called(schedule.function, counts).reshape(counts.shape)
    asked: list[tuple[Callable[..., ArrayLike], jax.Array]] = []
    answers: Iterator[jax.Array] = iter(())

    def recorded(node: Schedule) -> Schedule:
        if not isinstance(node, Function):
            return node
        function = node.function

        def record(count: jax.Array) -> jax.Array:
            asked.append((function, count))
            return jax.numpy.zeros((), default_float())

        return Function(record)

    def answered(node: Schedule) -> Schedule:
        return Function(lambda _: next(answers)) if isinstance(node, Function) else node

    def ask(count: jax.Array) -> list[jax.Array]:
        asked.clear()
        jax.tree.map(recorded, schedule, is_leaf=_is_function).lower().evaluate(Time.of(count))
        return [count for _, count in asked]

    def answer(count: jax.Array, *values: jax.Array) -> jax.Array:
        nonlocal answers
        answers = iter(values)
        return jax.tree.map(answered, schedule, is_leaf=_is_function).lower().evaluate(Time.of(count))

    with jax.ensure_compile_time_eval():
        flat = counts.ravel()
        times = jax.jit(jax.vmap(ask))(flat)
        values = [_called(function, np.asarray(at)) for (function, _), at in zip(asked, times, strict=True)]
        return np.asarray(jax.jit(jax.vmap(answer))(flat, *values)).reshape(counts.shape)


def _called(function: Callable[..., ArrayLike], counts: np.ndarray) -> np.ndarray:
    """Return the values of a Python function at ``counts``. It is called once for each distinct count."""
    each, where = np.unique(np.maximum(counts.ravel(), 0), return_inverse=True)  # constant before 0
    return np.asarray(
        [float(cast(SupportsFloat, function(count))) for count in each.tolist()], default_float()
    )[where]


@contextlib.contextmanager
def evaluate_with(evaluator: Evaluator) -> Iterator[None]:
    """Make everything that samples a schedule (`describe`, `check`, phases) use ``evaluator``."""
    token = _evaluator.set(evaluator)
    try:
        yield
    finally:
        _evaluator.reset(token)
