"""Parts shared by all tables: timing in turn, counting compilations, fresh processes, and the machine."""

from __future__ import annotations

import datetime
import functools
import importlib
import importlib.metadata
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
PEERS = ("warmup-optax", "jax", "jaxlib", "optax", "numpy", "keras", "torch", "transformers")
ABSENT = "not installed"
MOST_CALLS = 10_000  # in one timed batch

os.environ.setdefault("KERAS_BACKEND", "jax")


def peer(name: str) -> ModuleType | None:
    """A library that need not be there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def absent(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a library that is not installed: its numbers, all None, make way for the word."""
    first = next(name for name, value in row.items() if value is None)
    return {**row, first: ABSENT}


# ------------------------------------------------------------------------------------------- timing


class Times(dict[str, list[float]]):
    """Seconds a call of each candidate, one for each round."""

    def seconds(self, name: str) -> float:
        """The median round."""
        return statistics.median(self[name])

    def quickest(self, name: str) -> float:
        """The time that a tenth of the rounds kept below: what it takes when the machine is left alone."""
        return sorted(self[name])[len(self[name]) // 10]

    def ratio(self, name: str, base: str) -> float:
        """Return the time relative to ``base``: the median of the ratios of the rounds."""
        return statistics.median(x / y for x, y in zip(self[name], self[base], strict=True))


def in_turn(
    candidates: dict[str, Callable[[], Any]], *, seconds: float, batch: float = 1e-3, rounds: int = 5
) -> Times:
    """Times candidates in turn, round after round, so that a busy machine is busy for all of them.

    Args:
      candidates: Functions to time, by name. Their last result in a batch is waited for.
      seconds: About how long to measure.
      batch: A cheap function is called repeatedly for this long, and the mean is taken: short enough to
        fit between two of the system's task switches.
      rounds: The least number of rounds, whatever they take.

    Returns:
      The seconds a call, of each candidate in each round.
    """
    calls = {}
    for name, function in candidates.items():
        function()
        _, took = timed(function)  # the second time it is warm
        calls[name] = min(max(1, int(batch / took)), MOST_CALLS)
    times = Times({name: [] for name in candidates})
    order, names = random.Random(0), list(candidates)
    begun = time.perf_counter()
    while rounds > 0 or time.perf_counter() - begun < seconds:
        rounds -= 1
        order.shuffle(names)  # so that none always follows the same other one
        for name in names:
            times[name].append(timed(candidates[name], calls[name])[1])
    return times


def timed(function: Callable[[], Any], calls: int = 1) -> tuple[Any, float]:
    """A function's last result, waited for, and the seconds a call."""
    import jax

    start = time.perf_counter()
    result = function()
    for _ in range(calls - 1):
        result = function()
    jax.block_until_ready(result)
    return result, (time.perf_counter() - start) / calls


# ------------------------------------------------------------------------------------- compilations


class Compilations:
    """The number of programs that XLA compiled, and the seconds that this took."""

    def __init__(self) -> None:
        self.number, self.seconds = 0, 0.0


@functools.cache
def _listening() -> list[Compilations]:
    """The counters that are on, and JAX's listener that feeds them."""
    import jax

    counters: list[Compilations] = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event.endswith("/backend_compile_duration"):
            for counter in counters:
                counter.number += 1
                counter.seconds += duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    return counters


@contextmanager
def compilations() -> Iterator[Compilations]:
    """Counts the compilations inside."""
    counters, counter = _listening(), Compilations()
    counters.append(counter)
    try:
        yield counter
    finally:
        counters.remove(counter)


# ---------------------------------------------------------------------------------- fresh processes


@functools.cache
def _bytecode() -> str:
    """A folder for compiled Python, so that the first process pays for it and the measured ones do not."""
    return tempfile.mkdtemp(prefix="benchmarks-pycache-")


def fresh(code: str, *, timeout: float = 600) -> list[Any]:
    """Runs Python code in a separate process.

    Args:
      code: The program. Every line that it prints as JSON is a result; other lines are passed over.
      timeout: The process is ended after this number of seconds. Its output until then counts.

    Returns:
      The results.

    Raises:
      RuntimeError: If the process fails.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": _bytecode(), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=timeout, capture_output=True, text=True, check=False
        )
        output = done.stdout
        if done.returncode:
            raise RuntimeError(f"{code}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    except subprocess.TimeoutExpired as stopped:
        output = (stopped.stdout or b"").decode()
    return [json.loads(line) for line in output.splitlines() if line.startswith(("{", "["))]


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each number over the rounds. Other entries are those of the first row."""
    result = dict(rows[0])
    for name, value in result.items():
        if isinstance(value, (int, float)):
            result[name] = statistics.median(row[name] for row in rows)
    return result


# --------------------------------------------------------------------------------------- the machine


def environment() -> dict[str, Any]:
    """The date, the versions and the machine, for the head of every table."""
    import jax

    versions = {}
    for name in PEERS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = ABSENT
    device = jax.devices()[0]
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        **versions,
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "device": device.device_kind if device.platform != "cpu" else "cpu",
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"
