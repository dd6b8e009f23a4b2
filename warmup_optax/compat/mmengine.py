"""MMEngine (0.10.7): the schedulers of a ``param_scheduler`` list, as its runner builds and steps them.

A scheduler changes the current rate in the counts ``begin <= n < end``, so several schedulers combine. Their
factors multiply, and a decay starts from the rate at its ``begin``. After ``end`` the last rate stays. A
scheduler by epoch (``by_epoch=True``, the default) steps after each ``epoch_length`` updates, after those by
iteration. With ``convert_to_iter_based`` its lengths are multiplied by ``epoch_length``, and it steps after every
update.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np

import warmup_optax as wo

from ._arguments import Counts, Declared, Fixed, Fraction, Length, NonNegative, Number, Positive, Whole
from ._cycles import one_cycle
from ._parts import in_ticks, in_updates, joined, missing, stairs
from ._port import check_steps, port, refuse
from ._rules import at_least, concrete, finite, items, one_of

MOST = 100_000  # updates of a table, where a decay to a floor and a factor act on one rate at the same time
COMMON = {"begin": 0, "end": None, "by_epoch": True, "convert_to_iter_based": False}
NUMBERS = {  # the rule of each argument; those in LENGTHS are multiplied by the epoch's length
    "begin": NonNegative, "end": Positive, "step_size": Length, "gamma": Number, "milestones": Counts,
    "factor": Fraction, "start_factor": Fraction, "end_factor": Fraction, "T_max": Positive, "eta_min": Number,
    "eta_min_ratio": Number, "power": Positive, "eta_max": Number, "total_steps": Length, "pct_start": Fraction,
    "div_factor": Positive, "final_div_factor": Positive, "by_epoch": bool, "convert_to_iter_based": bool,
    "three_phase": bool, "anneal_strategy": Annotated[str, one_of("cos", "linear")],
    "periods": Annotated[Any, items("whole numbers of steps", concrete, at_least(1))],
    "restart_weights": Annotated[Any, items("a sequence of factors", finite)],
}  # fmt: skip
OPTIONAL = ("end", "T_max", "eta_min", "eta_min_ratio", "total_steps")
LENGTHS = ("begin", "end", "step_size", "milestones", "T_max", "total_steps", "periods")
REQUIRED = object()
ARGUMENTS: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": REQUIRED, "gamma": 0.1},
    "MultiStepLR": {"milestones": REQUIRED, "gamma": 0.1},
    "ConstantLR": {"factor": 1.0 / 3},
    "ExponentialLR": {"gamma": REQUIRED},
    "LinearLR": {"start_factor": 1.0 / 3, "end_factor": 1.0},
    "CosineAnnealingLR": {"T_max": None, "eta_min": None, "eta_min_ratio": None},
    "PolyLR": {"eta_min": 0.0, "power": 1.0},
    "OneCycleLR": {
        "eta_max": REQUIRED, "total_steps": None, "pct_start": 0.3, "anneal_strategy": "cos", "div_factor": 25.0,
        "final_div_factor": 1e4, "three_phase": False,
    },
    "CosineRestartLR": {"periods": REQUIRED, "restart_weights": (1,), "eta_min": None, "eta_min_ratio": None},
    "QuadraticWarmupLR": {},
}  # fmt: skip


@dataclasses.dataclass
class _Scheduler:
    """A scheduler, with its lengths in updates and its curve on its own clock.

    The next rate is ``floor + (rate - floor) * curve(k) / curve(k - 1)``, or the curve itself if it is absolute.
    """

    begin: int
    end: int
    unit: int
    curve: wo.Schedule
    floor: float = 0.0
    absolute: bool = False

    def steps(self, updates: Any) -> Any:
        """Return the scheduler's own step at an update."""
        return (updates - self.begin) // self.unit

    def by_update(self) -> wo.Schedule:
        """Return the curve as a function of the updates of the run."""
        curve = self.curve if self.unit == 1 else wo.staircase(self.curve, self.unit)
        return wo.shift(curve, self.begin)


@port()
def param_schedulers(
    schedulers: Annotated[Sequence[Mapping[str, Any]], items("a list of schedulers")],
    *,
    lr: Annotated[Fixed[Number], "The optimizer's rate."],
    epoch_length: Annotated[Fixed[Length] | None, "Updates in an epoch, for schedulers by epoch."] = None,
    max_epochs: Annotated[Fixed[Whole] | None, "The default ``end`` of schedulers by epoch."] = None,
    max_iters: Annotated[Fixed[Whole] | None, "The default ``end`` of schedulers by iteration."] = None,
) -> wo.Schedule:
    """The combined rate of a list of schedulers, which are built in this order and step together.

    If a decay to a floor and a factor act in the same updates, the rates of these updates are stored in a table.

    Args:
      schedulers: ``{"type": "LinearLR", "start_factor": 0.001, "by_epoch": False, "begin": 0, "end": 500}``,
        ... The types are "StepLR", "MultiStepLR", "ConstantLR", "ExponentialLR", "LinearLR",
        "CosineAnnealingLR", "PolyLR", "OneCycleLR", "CosineRestartLR" and MMDetection's "QuadraticWarmupLR".
        Schedulers of other parameters are ignored.

    >>> from warmup_optax.compat import mmengine
    >>> warmup = {"type": "LinearLR", "start_factor": 0.5, "by_epoch": False, "end": 5}
    >>> steps = {"type": "MultiStepLR", "milestones": [2], "gamma": 0.5}
    >>> schedule = mmengine.param_schedulers([warmup, steps], lr=1.0, epoch_length=3, max_epochs=4)
    >>> schedule([0, 2, 4, 5, 6]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    ends = {True: max_epochs, False: max_iters}
    read = [_read(i, given, lr, epoch_length, ends) for i, given in enumerate(schedulers)]
    made = [x for x in read if x is not None]
    marks = sorted({0, *(x.begin for x in made), *(x.end for x in made)})
    rate, parts = float(lr), []
    for start, stop in zip(marks, [*marks[1:], marks[-1] + 1], strict=True):
        active = [x for x in made if x.begin <= start < x.end]
        part, rate = _together(active, rate, start, stop)
        parts.append(part)
    return joined(parts, marks, [0] * len(parts))


@port()
def from_config(
    config: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    lr: Annotated[Fixed[Number] | None, "The optimizer's rate, if ``config`` does not have it."] = None,
    epoch_length: Annotated[
        Fixed[Length] | None, "Updates in an epoch: the original's ``len(dataloader)``."
    ] = None,
) -> wo.Schedule:
    """Build the schedule of an MMEngine configuration.

    Args:
      config: The mapping of a whole configuration, with ``param_scheduler``, ``optim_wrapper.optimizer.lr`` and
        ``train_cfg``. Or its ``param_scheduler`` alone, which is a scheduler or a list of them.

    >>> from warmup_optax.compat import mmengine
    >>> block = {"param_scheduler": {"type": "StepLR", "step_size": 2, "gamma": 0.5}}
    >>> block |= {"optim_wrapper": {"optimizer": {"lr": 0.5}}, "train_cfg": {"max_epochs": 4}}
    >>> mmengine.from_config(block, epoch_length=10)([0, 19, 20, 99]).tolist()
    [0.5, 0.5, 0.25, 0.25]
    """
    schedulers, train = config, {}
    if isinstance(config, Mapping) and "type" not in config:
        schedulers = missing(
            "config", "param_scheduler", config.get("param_scheduler"), "the rate is constant without"
        )
        optimizer = (config.get("optim_wrapper") or {}).get("optimizer") or {}
        lr, train = (optimizer.get("lr") if lr is None else lr), config.get("train_cfg") or {}
    rate: Any = missing("config", "optim_wrapper.optimizer.lr", lr, "or give lr")
    ends = {"max_epochs": train.get("max_epochs"), "max_iters": train.get("max_iters")}
    schedulers = [schedulers] if isinstance(schedulers, Mapping) else schedulers
    return param_schedulers(schedulers, lr=rate, epoch_length=epoch_length, **ends)


def _read(i: int, given: Any, lr: Any, epoch_length: Any, ends: Mapping[bool, Any]) -> _Scheduler | None:
    """Read a scheduler of a configuration. Return None if it is for another parameter."""
    where = f"schedulers[{i}]"
    fields = dict(given) if isinstance(given, Mapping) else {}
    name = str(fields.pop("type", given)).rpartition(".")[2]
    if name.endswith(("Momentum", "WeightDecay")) or fields.get("param_name", "lr") != "lr":
        return None
    name = name.replace("ParamScheduler", "LR")  # the same for any parameter; this one is the rate
    if name not in ARGUMENTS:
        refuse(
            where,
            given,
            f"of a type among {', '.join(ARGUMENTS)}",
            "a rate that follows the loss is not a schedule",
        )
    known = {**COMMON, **ARGUMENTS[name]}
    fields = {
        key: x for key, x in fields.items() if key not in ("verbose", "last_step", "_scope_", "param_name")
    }
    for key, value in fields.items():
        if key not in known:
            refuse(f"{where}[{key!r}]", value, "left out", f"{name} has {', '.join(known)}")
        if value is not None or key not in OPTIONAL:
            fields[key] = Declared(NUMBERS[key]).read("", f"{where}[{key!r}]", value)
    values = known | fields
    for key, value in values.items():
        if value is REQUIRED:
            refuse(f"{where}[{key!r}]", None, "given")
    by_epoch = values["by_epoch"]
    if values["end"] is None:
        values["end"] = ends[by_epoch]
    if values["end"] is None:
        refuse(f"{where}['end']", None, "given", f"or give {'max_epochs' if by_epoch else 'max_iters'}")
    unit = 1
    if by_epoch:
        if epoch_length is None:
            refuse("epoch_length", None, f"a number of updates: {where} is stepped by epoch")
        if values["convert_to_iter_based"]:
            for key in LENGTHS:
                values[key] = _times(values.get(key), epoch_length)
            values["begin"], values["end"] = int(values["begin"]), int(values["end"])
        else:
            unit = epoch_length
    for key in ("begin", "end"):
        check_steps(f"{where}[{key!r}]", values[key], at_least=0)
    if not values["begin"] < values["end"]:
        refuse(f"{where}['end']", values["end"], f"above its begin ({values['begin']})")
    curve, floor, absolute = MAKERS[name](values, lr, values["end"] - values["begin"], where)
    return _Scheduler(values["begin"] * unit, values["end"] * unit, unit, curve, floor, absolute)


def _times(length: Any, epoch: int) -> Any:
    if isinstance(length, (list, tuple)):
        return tuple(x * epoch for x in length)
    return None if length is None else length * epoch


def _together(active: list[_Scheduler], rate: float, start: int, stop: int) -> tuple[wo.Schedule, float]:
    """Return the rate under the active schedulers from ``start`` to ``stop``, and its last value."""
    if not active:
        return wo.constant(rate), rate
    if any(x.absolute for x in active):
        if len(active) > 1:
            refuse("schedulers", [x.begin for x in active], "one at a time where one sets the rate itself")
        return active[0].by_update(), float(wo.sample(active[0].by_update(), [stop - 1])[0])
    before = [1.0 if x.begin == start else float(wo.sample(x.by_update(), [start - 1])[0]) for x in active]
    floors = {x.floor for x in active} if len(active) == 1 else {x.floor for x in active} | {0.0}
    if len(floors) > 1:
        return _tabled(active, rate, start, stop)
    (floor,) = floors
    scale = rate - floor
    for value in before:
        scale = scale / value if value else 0.0
    curve = active[0].by_update()
    for other in active[1:]:
        curve = curve * other.by_update()
    curve = curve * scale if not floor else curve * scale + floor
    return curve, float(wo.sample(curve, [stop - 1])[0])


def _tabled(active: list[_Scheduler], rate: float, start: int, stop: int) -> tuple[wo.Schedule, float]:
    """Return a table of rates, each computed from the previous one as in the original."""
    if stop - start > MOST:
        refuse(
            "schedulers",
            stop - start,
            f"at most {MOST} updates in which a decay to a floor and a factor act together",
        )
    counts = np.arange(start - 1, stop)
    values = [np.asarray(wo.sample(x.by_update(), np.maximum(counts, x.begin)), np.float64) for x in active]
    rates = []
    later = sorted(range(len(active)), key=lambda i: active[i].unit > 1)  # by epoch after by iteration
    for n in range(start, stop):
        for i in later if n else range(len(active)):
            x, now = active[i], n - start + 1
            if n == x.begin:
                rate = x.floor + (rate - x.floor) * values[i][now]
            elif (n - x.begin) % x.unit == 0 and values[i][now - 1]:
                rate = x.floor + (rate - x.floor) * values[i][now] / values[i][now - 1]
        rates.append(rate)
    return wo.piecewise_constant(rates, range(start + 1, stop)), rate


_Made = tuple[wo.Schedule, float, bool]


def _floor(values: Mapping[str, Any], lr: float, where: str) -> float:
    if values["eta_min"] is not None and values["eta_min_ratio"] is not None:
        refuse(f"{where}['eta_min']", values["eta_min"], "left out where eta_min_ratio is given")
    if values["eta_min_ratio"] is not None:
        return lr * values["eta_min_ratio"]
    return 0.0 if values["eta_min"] is None else values["eta_min"]


def _multi_step(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    begins = sorted(set(values["milestones"]))
    factors = [values["gamma"] ** sum(m <= begin for m in values["milestones"]) for begin in begins]
    return wo.piecewise_constant([1.0, *factors], begins), 0.0, False


def _constant(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    factor, back = values["factor"], length - 1
    if back == 0:
        return wo.constant(factor), 0.0, False
    if factor == 0:
        refuse(f"{where}['factor']", factor, "above 0", "the original divides by it at the end")
    return wo.piecewise_constant([factor, 1.0], [back]), 0.0, False


def _linear(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    first, last = values["start_factor"], values["end_factor"]
    if first == 0 and length > 1:
        refuse(f"{where}['start_factor']", first, "above 0", "the original divides by it")
    return wo.linear(first, last if length > 1 else first, length - 1), 0.0, False


def _cosine(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    ticks, (half,) = in_ticks(values["T_max"] or length)
    return in_updates(wo.shapes.cosine_wave(1.0, 0.0, half), ticks), _floor(values, lr, where), False


def _poly(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    if values["eta_min"] is None:
        refuse(f"{where}['eta_min']", None, "a finite number")
    return wo.polynomial(1.0, 0.0, length - 1, power=values["power"]), values["eta_min"], False


def _one_cycle(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    peak, total = values["eta_max"], values["total_steps"] or length
    rates = peak / values["div_factor"], peak, peak / values["div_factor"] / values["final_div_factor"]
    style = values["anneal_strategy"], values["three_phase"]
    return one_cycle(*rates, total, *style, pct_start=values["pct_start"]), 0.0, True


def _cosine_restart(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    periods, weights = values["periods"], values["restart_weights"]
    if values["eta_min"] is None and values["eta_min_ratio"] is None:
        refuse(f"{where}['eta_min']", None, "given where eta_min_ratio is not")
    if len(periods) != len(weights):
        refuse(f"{where}['restart_weights']", weights, f"one for each of the {len(periods)} periods")
    floor, begins = _floor(values, lr, where), [sum(periods[:i]) for i in range(len(periods) + 1)]
    cosines = [wo.cosine(lr * weight, floor, period) for weight, period in zip(weights, periods, strict=True)]
    done = (periods[-1] - 1) / periods[-1]
    last = floor + (lr * weights[-1] - floor) * math.cos(math.pi / 2 * done) ** 2  # one step before the floor
    return wo.join([*cosines, last], begins[1:]), 0.0, True


def _quadratic(values: Mapping[str, Any], lr: float, length: int, where: str) -> _Made:
    return wo.shift(wo.polynomial(0.0, lr, length, power=2.0, origin="init"), -1), 0.0, True


MAKERS: dict[str, Callable[[Mapping[str, Any], float, int, str], _Made]] = {
    "StepLR": lambda values, lr, length, where: (
        stairs(1.0, values["gamma"], values["step_size"]),
        0.0,
        False,
    ),
    "MultiStepLR": _multi_step,
    "ConstantLR": _constant,
    "ExponentialLR": lambda values, lr, length, where: (stairs(1.0, values["gamma"], 1), 0.0, False),
    "LinearLR": _linear,
    "CosineAnnealingLR": _cosine,
    "PolyLR": _poly,
    "OneCycleLR": _one_cycle,
    "CosineRestartLR": _cosine_restart,
    "QuadraticWarmupLR": _quadratic,
}
