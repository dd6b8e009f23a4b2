"""Many schedules in a few compiled programs.

Compiling is what a run of the suite costs: about a tenth of a second for each program, however small. So the
laws are not run by one program for each case, but by a few for each question, over every case: a function of
lists, whose n-th result belongs to the n-th case. Arguments of one structure share a place in the program,
which is called as often as the most frequent structure occurs.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

# As a user's program is compiled; `conftest.py` has the rest of the suite compiled in less time.
FULL = {"xla_backend_optimization_level": 3}
if "xla_cpu_use_fusion_emitters" in os.environ.get("XLA_FLAGS", ""):
    FULL["xla_cpu_use_fusion_emitters"] = True
if "xla_cpu_parallel_codegen_split_count" in os.environ.get("XLA_FLAGS", ""):
    FULL["xla_cpu_parallel_codegen_split_count"] = 32

# Structures in a program. XLA copies, fuses and lays out in more than linear time: a program of 100 takes a third
# longer than seven of these.
PLACES = 16


def structure(tree: Any) -> Any:
    """The key of a program: arguments with the same structure, shapes and dtypes share it."""
    leaves, treedef = jax.tree.flatten(tree)
    return treedef, tuple((type(leaf), np.shape(leaf), getattr(leaf, "dtype", None)) for leaf in leaves)


def together(
    function: Callable[..., Any],
    calls: Sequence[Callable[[], tuple[Any, ...]]],
    *,
    options: dict[str, Any] | None = None,
    keys: Sequence[Any] | None = None,
) -> list[Any]:
    """`function(*call())` for each of the calls, many in one program.

    Args:
      function: It is traced once for each structure of arguments.
      calls: One for each case: what makes its arguments. Schedules in them are data.
      options: For XLA: `FULL` where accuracy is measured.
      keys: What tells cases apart that are of one structure and yet not one program. The function gets the
        case's key first.

    Returns:
      The result of each case. In place of one that could not be made or traced, what was raised.
    """
    results: list[Any] = [None] * len(calls)
    places: dict[Any, list[int]] = {}
    arguments: list[Any] = [None] * len(calls)
    for i, call in enumerate(calls):
        try:
            arguments[i] = tuple(call())
        except Exception as error:
            results[i] = error
        else:
            key = None if keys is None else keys[i]
            places.setdefault((key, structure(arguments[i])), []).append(i)
    rows = list(places.values())
    for few in (rows[i : i + PLACES] for i in range(0, len(rows), PLACES)):
        _in_one_program(results, [_of(function, keys, row[0]) for row in few], few, arguments, options)
    return results


def values_of(schedules, counts, way):
    """The values of each schedule at its counts, or the error of one that failed.

    The way is "eager", or a few programs for all schedules, in which their numbers are constants ("jit") or an
    argument ("data").
    """
    if way == "eager":
        return [schedule(c) for schedule, c in zip(schedules, counts, strict=True)]
    if way == "jit":
        return together(lambda schedule, c: schedule(c), [lambda c=c: (c,) for c in counts], keys=schedules)
    pairs = zip(schedules, counts, strict=True)
    return together(lambda schedule, c: schedule(c), [lambda s=s, c=c: (s, c) for s, c in pairs])


def each_way(schedules, counts):
    """The ways of calling, each with the values of every schedule at its counts, as NumPy arrays.

    Eagerly, closed over by `jit`, and as an argument. One way at a time, in a few programs for all schedules.
    """
    for way in ("eager", "jit", "data"):
        called = [jax.tree.map(_of_any_size, s) for s in schedules] if way == "data" else schedules
        every = values_of(called, counts, way)
        for schedule, values in zip(schedules, every, strict=True):
            if isinstance(values, Exception):
                raise AssertionError(f"{way}: {schedule}") from values
        yield way, [np.asarray(values) for values in every]


def three_ways(schedule, counts):
    """The values of one schedule by `each_way`."""
    return [values for _, (values,) in each_way([schedule], [counts])]


def _of_any_size(leaf):
    """Convert a Python integer past int32, which `jit` rejects."""
    return (
        float(leaf)
        if isinstance(leaf, int) and abs(leaf) >= 2**31 and not jax.config.jax_enable_x64
        else leaf
    )


def _of(function, keys, i):
    return function if keys is None else lambda *given: function(keys[i], *given)


def _in_one_program(results, functions, rows, arguments, options):
    def program(every):
        return [one(*given) for one, given in zip(functions, every, strict=True)]

    compiled = jax.jit(program, compiler_options=options)
    for k in range(max(map(len, rows))):
        chosen = [row[min(k, len(row) - 1)] for row in rows]
        try:
            values = compiled([arguments[i] for i in chosen])
        except Exception:  # one of them: each by itself, to say which
            _one_by_one(results, functions, rows, arguments, options)
            break
        for i, value in zip(chosen, values, strict=True):
            results[i] = value


def _one_by_one(results, functions, rows, arguments, options):
    for function, row in zip(functions, rows, strict=True):
        compiled = jax.jit(function, compiler_options=options)
        for i in row:
            try:
                results[i] = compiled(*arguments[i])
            except Exception as error:
                results[i] = error
