"""The originals of `compat` whose packages do not import here: the one file with the schedules, by itself.

The packages of JAX's code bases ask for TensorFlow, TPUs or another Python. ``pip install --no-deps`` lays
their files down, and the schedules need little of the rest: `load` runs the installed file with stand-ins for
what the file imports in addition to JAX, NumPy and Optax, and `function` runs one function of it.
"""

import ast
import importlib.util
import pathlib
import sys
import types
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest


def path(package: str, file: str) -> pathlib.Path:
    """A file of an installed package, which is not imported; the test is skipped where there is none."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        if (pathlib.Path(folder) / file).exists():
            return pathlib.Path(folder) / file
    return pytest.skip(f"{package}/{file} is not installed")


def load(package: str, file: str, stand_ins: dict[str, dict[str, object]]) -> types.ModuleType:
    """The file as a module; ``stand_ins`` has the names in each module that it is not to import."""
    modules = {}
    for name, names in stand_ins.items():
        module = modules[name] = types.ModuleType(name)
        vars(module).update(names)
        parent, _, last = name.rpartition(".")
        if parent:
            parent_module = modules.setdefault(parent, types.ModuleType(parent))
            setattr(parent_module, last, module)
    name = f"original_of_{package}"
    spec = importlib.util.spec_from_file_location(name, path(package, file))
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {**modules, name: module}):
        spec.loader.exec_module(module)
    return module


def function(package: str, file: str, name: str, names: dict[str, object]) -> object:
    """One function of the file, which finds ``names`` as its globals."""
    tree = ast.parse(path(package, file).read_text())
    tree.body = [x for x in tree.body if isinstance(x, ast.FunctionDef) and x.name == name]
    assert tree.body, f"{package}/{file} has no {name}"
    exec(compile(tree, file, "exec"), names)
    return names[name]


def values(schedule: object, counts: np.ndarray) -> np.ndarray:
    """The values of an original at each count, in float64 and with JAX's standard promotion."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return np.broadcast_to(np.asarray(schedule(jnp.asarray(counts)), np.float64), counts.shape)


class Both:
    """A module of `compat` and its original: each call builds a `Pair`, of pairs among its arguments too."""

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs

    def __getattr__(self, name):
        def build(*args, **kwargs):
            ours, theirs = ((_side(args, i), _side(kwargs, i)) for i in (0, 1))
            return Pair(
                getattr(self.ours, name)(*ours[0], **ours[1]),
                getattr(self.theirs, name)(*theirs[0], **theirs[1]),
            )

        return build


class Pair(tuple):
    """Our schedule and theirs."""

    def __new__(cls, *both):
        return super().__new__(cls, both)


def _side(x, i):
    if isinstance(x, Pair):
        return x[i]
    if isinstance(x, dict):
        return {key: _side(value, i) for key, value in x.items()}
    return type(x)(_side(value, i) for value in x) if isinstance(x, (list, tuple)) else x
