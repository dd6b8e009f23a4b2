"""The golden tables, and what it means to agree with one.

`cases` reads a table; `build` makes a case's schedule with the constructors of a compat module; `check`
holds the schedule against the table at every listed step; `run` is all of it.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import warmup_optax as wo

TABLES = pathlib.Path(__file__).parents[1] / "golden"
EXACT, SINGLE = 2e-6, 2e-5  # relative, where the table is float64 and where only float32 exists
NEAR_ZERO = 1e-9  # of the peak


@dataclasses.dataclass(frozen=True)
class Case:
    """One case of a table; ``values`` is the most precise reference that the table has."""

    peer: str
    id: str
    fields: dict[str, Any] = dataclasses.field(repr=False)

    @property
    def callable(self) -> str:
        """The last part of the dotted name of what was built."""
        return self.fields["callable"].rpartition(".")[2]

    @property
    def kwargs(self) -> dict[str, Any]:
        return self.fields["kwargs"]

    @property
    def lr(self) -> float:
        """The base learning rate of the case's optimizer."""
        return self.fields["optimizer"]["lr"]

    @property
    def steps(self) -> np.ndarray:
        return np.asarray(self.fields["steps"], np.int64)

    @property
    def values(self) -> np.ndarray:
        """The reference at `steps`; NaN where the peer gives no finite number."""
        values = np.asarray([float(x) for x in self.fields.get("values_f64", self.fields["values"])])
        return np.where(np.isfinite(values), values, np.nan)

    @property
    def tolerance(self) -> float:
        exact = "values_f64" in self.fields or self.fields["precision"].startswith("float64")
        return EXACT if exact else SINGLE

    def corrected(self, values: dict[int, float]) -> Case:
        """This case with other values at some steps: where the peer's own rounding is at fault."""
        pairs = zip(self.steps.tolist(), self.values.tolist(), strict=True)
        fields = self.fields | {"values": [values.get(step, value) for step, value in pairs]}
        fields.pop("values_f64", None)
        return dataclasses.replace(self, fields=fields)

    def without(self, *arguments: str) -> Case:
        """This case without some of its arguments."""
        kwargs = {name: x for name, x in self.kwargs.items() if name not in arguments}
        return dataclasses.replace(self, fields=self.fields | {"kwargs": kwargs})

    @property
    def raises_at_construction(self) -> bool:
        """Return whether the peer's constructor raised an error, so that there is no schedule."""
        return "raises" in self.fields and not self.fields["steps"]


def name(case: Case) -> str:
    """For ``pytest.mark.parametrize(..., ids=golden.name)``."""
    return case.id


def each(cases: list[Case]) -> Any:
    """Parametrizes a test: one case by default of each constructor, word, set of arguments and of zeros."""
    seen, marked = set(), []
    for case in cases:
        words = {key: x if isinstance(x, str) else None for key, x in case.kwargs.items()}
        zeros = frozenset(key for key, x in case.kwargs.items() if type(x) in (int, float) and x == 0)
        kind = case.fields["callable"], case.raises_at_construction, frozenset(words.items()), zeros
        marks = pytest.mark.exhaustive if kind in seen else ()
        marked.append(pytest.param(case, id=case.id, marks=marks))
        seen.add(kind)
    return pytest.mark.parametrize("case", marked)


def table(peer: str) -> dict[str, Any]:
    """A whole table file."""
    return json.loads((TABLES / f"{peer}.json").read_text())


def cases(peer: str) -> list[Case]:
    """The cases of one table file."""
    return [Case(peer, fields["id"], fields) for fields in table(peer)["cases"]]


def one(peer: str, case_id: str) -> Case:
    """The case of one name."""
    return next(case for case in cases(peer) if case.id == case_id)


def build(case: Case, make: Callable[..., Any]) -> Any:
    """The case's schedule: ``make(name, **kwargs)`` builds it and, first, those among its arguments.

    ``name`` is the last part of the peer's dotted name. Keys that JSON made strings are numbers again.
    """

    def resolve(x: Any) -> Any:
        if isinstance(x, dict) and set(x) >= {"callable", "kwargs"}:
            return make(x["callable"].rpartition(".")[2], **resolve(x["kwargs"]))
        if isinstance(x, dict):
            return {int(k) if k.lstrip("-").isdigit() else k: resolve(v) for k, v in x.items()}
        return [resolve(item) for item in x] if isinstance(x, list) else x

    return resolve({"callable": case.fields["callable"], "kwargs": case.kwargs})


def held(values: np.ndarray) -> np.ndarray:
    """Where the peer gives NaN the last finite value holds."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    return values[last]


def compare(
    actual: Any,
    expected: Any,
    tolerance: float,
    *,
    peak: float | None = None,
    near_zero: float = NEAR_ZERO,
    steps: Any = None,
) -> None:
    """Equal to a relative ``tolerance``, or absolutely to ``near_zero`` of the peak."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all(), f"not finite at {np.asarray(steps)[~np.isfinite(actual)]}"
    peak = np.max(np.abs(expected)) if peak is None else peak
    off = np.abs(actual - expected) - tolerance * np.abs(expected) - near_zero * peak
    worst = int(np.argmax(off))
    at = worst if steps is None else steps[worst]
    wrong = np.flatnonzero(off > 0)
    shown = wrong[:12] if steps is None else np.asarray(steps)[wrong[:12]]
    assert not wrong.size, (
        f"{wrong.size} of {expected.size} steps differ, as {shown.tolist()}; "
        f"worst at {at}: {actual.flat[worst]!r} instead of {expected.flat[worst]!r}"
    )


def check(schedule: Any, case: Case) -> None:
    """The schedule is the case's table at every listed step, in one call, and after what raised.

    By `wo.sample`, which pads the steps: tables of one structure share a program, whatever their length.
    """
    steps, values = case.steps, held(case.values)
    if "raises" in case.fields:  # from the first step that raised on, the last value holds
        first = case.fields["raises"]["first_step_without_value"]
        steps = np.append(steps, [first, first + 1, first + 1000])
        values = np.append(values, [values[-1]] * 3)
    compare(wo.sample(schedule, steps), values, case.tolerance, steps=steps)


def check_saved(schedule: Any) -> None:
    """The schedule is a value: its ``repr`` rebuilds it, and so does its configuration as JSON."""
    assert isinstance(schedule, wo.Schedule)
    assert eval(repr(schedule), vars(wo) | vars(wo.shapes) | {"functools": functools}) == schedule
    assert wo.from_config(json.loads(json.dumps(wo.to_config(schedule)))) == schedule


def run(case: Case, make: Callable[..., Any]) -> None:
    """Everything a case asks for. If the peer raised an error for its arguments, ours must too."""
    if case.raises_at_construction:
        with pytest.raises((TypeError, ValueError)):
            build(case, make)
        return
    schedule = build(case, make)
    check(schedule, case)
    check_saved(schedule)
