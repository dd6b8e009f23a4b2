"""Shared by `to_keras` and `to_torch`: rates as Python floats, and the error for a missing library."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from .._core.schedule import Schedule
from .._view.sample import sample

PACKAGE = __name__.partition(".")[0]  # the home of both classes, which does not change with the layout
BLOCK = 1024  # counts that are sampled together: one compiled program, and few calls of it


class HostRates:
    """The rates of a schedule as Python floats, count by count, sampled a block at a time."""

    def __init__(self, schedule: Schedule):
        self.schedule = schedule
        self.first = 0
        self.block: list[float] = []

    def __call__(self, count: int) -> float:
        if not 0 <= count - self.first < len(self.block):
            self.first = count - count % BLOCK
            self.block = sample(self.schedule, np.arange(self.first, self.first + BLOCK)).tolist()
        return self.block[count - self.first]


def import_library(library: str, where: str) -> ModuleType:
    """Import a library for the function ``where``. If it is missing, the error says how to install it."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name == "tensorflow":
            raise ImportError(
                f"{where}: Keras imports TensorFlow, which is not installed; "
                'set the environment variable KERAS_BACKEND to "jax" before keras is imported'
            ) from error
        if error.name != library:
            raise
        raise ImportError(
            f"{where} needs {library}, which is not installed; pip install {library}"
        ) from error
