"""MMEngine (0.10.7): the schedulers of a ``param_scheduler`` list, as its runner builds and steps them.

A scheduler changes the current rate in the counts ``begin <= n < end``, so several schedulers combine. Their
factors multiply, and a decay starts from the rate at its ``begin``. After ``end`` the last rate stays. A
scheduler by epoch (``by_epoch=True``, the default) steps after each ``epoch_length`` updates, after those by
iteration. With ``convert_to_iter_based`` its lengths are multiplied by ``epoch_length``, and it steps after every
update.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np

import warmup_optax as wo

from ._arguments import Counts, Declared, Fixed, Fraction, Length, NonNegative, Number, Positive, Whole
from ._config import Config, missing, only
from ._cycles import one_cycle
from ._parts import in_ticks, in_updates, joined, stairs
from ._port import check_steps, port, refuse, within_argument
from ._rules import Scalar, at_least, concrete, finite, items, one_of

MOST = 100_000  # updates of a table, where a decay to a floor and a factor act on one rate at the same time
NOT_READ = ("type", "verbose", "last_step", "_scope_", "param_name")
LENGTHS = ("begin", "end", "step_size", "milestones", "T_max", "total_steps", "periods")  # epochs or updates


class _Made(NamedTuple):
    """The effect of a scheduler on its local clock, whose step ``k`` is 0 at ``begin``.

    The next rate is ``floor + (rate - floor) * curve(k) / curve(k - 1)``, or the curve itself if it is absolute.
    """

    curve: wo.Schedule
    floor: float = 0.0
    absolute: bool = False


@dataclasses.dataclass
class _Common:
    """The arguments of every scheduler."""

    begin: NonNegative = 0
    end: Positive | None = None
    by_epoch: bool = True
    convert_to_iter_based: bool = False


@dataclasses.dataclass
class _Scheduler:
    """A scheduler, with its begin and end in updates."""

    begin: int
    end: int
    unit: int
    curve: wo.Schedule
    floor: float
    absolute: bool

    def by_update(self) -> wo.Schedule:
        """Return the curve as a function of the updates of the run."""
        curve = self.curve if self.unit == 1 else wo.staircase(self.curve, self.unit)
        return wo.shift(curve, self.begin)


@port()
def param_schedulers(
    schedulers: Annotated[Sequence[Config], items("a list of schedulers")],
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

    >>> warmup = {"type": "LinearLR", "start_factor": 0.5, "by_epoch": False, "end": 5}
    >>> steps = {"type": "MultiStepLR", "milestones": [2], "gamma": 0.5}
    >>> schedule = mmengine.param_schedulers([warmup, steps], lr=1.0, epoch_length=3, max_epochs=4)
    >>> schedule([0, 2, 4, 5, 6]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5]
    """
    ends = {True: max_epochs, False: max_iters}
    read = [_read(i, given, float(lr), epoch_length, ends) for i, given in enumerate(schedulers)]
    made = [x for x in read if x is not None]
    marks = sorted({0, *(x.begin for x in made), *(x.end for x in made)})
    rate, parts = float(lr), list[wo.Schedule]()
    for start, stop in zip(marks, [*marks[1:], marks[-1] + 1], strict=True):
        active = [x for x in made if x.begin <= start < x.end]
        part, rate = _together(active, rate, start, stop)
        parts.append(part)
    return joined(parts, marks, [0] * len(parts))


@port()
def from_config(
    config: Config | Sequence[Config],
    *,
    lr: Annotated[Fixed[Number] | None, "The optimizer's rate, if ``config`` does not have it."] = None,
    epoch_length: Annotated[Fixed[Length] | None, "Updates in an epoch, ``len(dataloader)``."] = None,
) -> wo.Schedule:
    """Build the schedule of an MMEngine configuration.

    Args:
      config: The mapping of a whole configuration, with ``param_scheduler``, ``optim_wrapper.optimizer.lr`` and
        ``train_cfg``. Or its ``param_scheduler`` alone, which is a scheduler or a list of them.

    >>> block = {"param_scheduler": {"type": "StepLR", "step_size": 2, "gamma": 0.5}}
    >>> block |= {"optim_wrapper": {"optimizer": {"lr": 0.5}}, "train_cfg": {"max_epochs": 4}}
    >>> mmengine.from_config(block, epoch_length=10)([0, 19, 20, 99]).tolist()
    [0.5, 0.5, 0.25, 0.25]
    """
    schedulers, max_epochs, max_iters = config, None, None
    if isinstance(config, Mapping) and "type" not in config:
        fix = "the rate is constant without"
        schedulers = missing("config", "param_scheduler", config.get("param_scheduler"), fix)
        optimizer = (config.get("optim_wrapper") or {}).get("optimizer") or {}
        train = config.get("train_cfg") or {}
        lr = optimizer.get("lr") if lr is None else lr
        max_epochs, max_iters = train.get("max_epochs"), train.get("max_iters")
    rate = missing("config", "optim_wrapper.optimizer.lr", lr, "or give lr")
    schedulers = [schedulers] if isinstance(schedulers, Mapping) else schedulers
    return param_schedulers(
        schedulers, lr=rate, epoch_length=epoch_length, max_epochs=max_epochs, max_iters=max_iters
    )


def _read(
    i: int, given: object, lr: float, epoch_length: int | None, ends: Mapping[bool, int | None]
) -> _Scheduler | None:
    """Read a scheduler of a configuration. Return None if it is for another parameter."""
    where = f"schedulers[{i}]"
    fields = dict(given) if isinstance(given, Mapping) else {"type": given}
    name = str(fields.get("type", given)).rpartition(".")[2]
    if name.endswith(("Momentum", "WeightDecay")) or fields.get("param_name", "lr") != "lr":
        return None
    name = name.replace("ParamScheduler", "LR")  # the same for any parameter; this one is the rate
    if name not in SCHEDULERS:
        fix = "a rate that follows the loss is not a schedule"
        refuse(where, given, f"of a type among {', '.join(SCHEDULERS)}", fix)
    make = SCHEDULERS[name]
    own = [key for key in inspect.signature(make).parameters if key not in ("lr", "length")]
    parameters = {**inspect.signature(_Common).parameters, **inspect.signature(make).parameters}
    hints = get_type_hints(_Common, include_extras=True) | get_type_hints(make, include_extras=True)
    known = [key for key in parameters if key not in ("lr", "length")]
    only(fields, known, where + "[{!r}]", name, NOT_READ)
    with within_argument(where, known):
        values: dict[str, Any] = {}
        for key in known:
            values[key] = parameters[key].default
            if key in fields:
                values[key] = Declared(hints[key]).read("", key, fields[key])
            elif values[key] is inspect.Parameter.empty:
                refuse(key, None, "given")
        by_epoch, unit = values["by_epoch"], 1
        values["end"] = ends[by_epoch] if values["end"] is None else values["end"]
        if values["end"] is None:
            refuse("end", None, "given", f"or give {'max_epochs' if by_epoch else 'max_iters'}")
        if by_epoch and epoch_length is None:
            refuse("epoch_length", None, f"a number of updates: {where} is stepped by epoch")
        if by_epoch and epoch_length is not None:
            if values["convert_to_iter_based"]:
                for key in values.keys() & {*LENGTHS}:
                    values[key] = _times(values[key], epoch_length)
                values["begin"], values["end"] = int(values["begin"]), int(values["end"])
            else:
                unit = epoch_length
        begin, end = values["begin"], values["end"]
        check_steps("begin", begin, at_least=0)
        check_steps("end", end, at_least=0)
        if not begin < end:
            refuse("end", end, f"above its begin ({begin})")
        return _Scheduler(
            begin * unit, end * unit, unit, *make(lr, end - begin, **{key: values[key] for key in own})
        )


def _times(length: Any, epoch: int) -> Any:
    if isinstance(length, tuple):
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
        allowed = f"at most {MOST} updates in which a decay to a floor and a factor act together"
        refuse("schedulers", stop - start, allowed)
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


def _floor(lr: float, eta_min: Scalar | None, eta_min_ratio: Scalar | None) -> float:
    if eta_min is not None and eta_min_ratio is not None:
        refuse("eta_min", eta_min, "left out where eta_min_ratio is given")
    if eta_min_ratio is not None:
        return float(lr * eta_min_ratio)
    return 0.0 if eta_min is None else float(eta_min)


# The schedulers: functions of the optimizer's rate, the length, and the arguments of the original.


def _step(lr: float, length: int, *, step_size: Length, gamma: Number = 0.1) -> _Made:
    return _Made(stairs(1.0, gamma, step_size))


def _multi_step(lr: float, length: int, *, milestones: Counts, gamma: Number = 0.1) -> _Made:
    begins = sorted(set(milestones))
    factors = [gamma ** sum(m <= begin for m in milestones) for begin in begins]
    return _Made(wo.piecewise_constant([1.0, *factors], begins))


def _constant(lr: float, length: int, *, factor: Fraction = 1.0 / 3) -> _Made:
    if length == 1:
        return _Made(wo.constant(factor))
    if factor == 0:
        refuse("factor", factor, "above 0", "the original divides by it at the end")
    return _Made(wo.piecewise_constant([factor, 1.0], [length - 1]))


def _exponential(lr: float, length: int, *, gamma: Number) -> _Made:
    return _Made(stairs(1.0, gamma, 1))


def _linear(lr: float, length: int, *, start_factor: Fraction = 1.0 / 3, end_factor: Fraction = 1.0) -> _Made:
    if start_factor == 0 and length > 1:
        refuse("start_factor", start_factor, "above 0", "the original divides by it")
    return _Made(wo.linear(start_factor, end_factor if length > 1 else start_factor, length - 1))


def _cosine(
    lr: float,
    length: int,
    *,
    T_max: Positive | None = None,
    eta_min: Number | None = None,
    eta_min_ratio: Number | None = None,
) -> _Made:
    ticks, (half,) = in_ticks(length if T_max is None else T_max)
    floor = _floor(lr, eta_min, eta_min_ratio)
    return _Made(in_updates(wo.shapes.cosine_wave(1.0, 0.0, half), ticks), floor)


def _poly(lr: float, length: int, *, eta_min: Number = 0.0, power: Positive = 1.0) -> _Made:
    return _Made(wo.polynomial(1.0, 0.0, length - 1, power=power), float(eta_min))


def _one_cycle(
    lr: float,
    length: int,
    *,
    eta_max: Number,
    total_steps: Length | None = None,
    pct_start: Fraction = 0.3,
    anneal_strategy: Annotated[str, one_of("cos", "linear")] = "cos",
    div_factor: Positive = 25.0,
    final_div_factor: Positive = 1e4,
    three_phase: bool = False,
) -> _Made:
    rates = eta_max / div_factor, eta_max, eta_max / div_factor / final_div_factor
    style = length if total_steps is None else total_steps, anneal_strategy, three_phase
    return _Made(one_cycle(*rates, *style, pct_start=pct_start), absolute=True)


def _cosine_restart(
    lr: float,
    length: int,
    *,
    periods: Annotated[Sequence[int], items("whole numbers of steps", concrete, at_least(1))],
    restart_weights: Annotated[Sequence[float], items("a sequence of factors", finite)] = (1,),
    eta_min: Number | None = None,
    eta_min_ratio: Number | None = None,
) -> _Made:
    if eta_min is None and eta_min_ratio is None:
        refuse("eta_min", None, "given where eta_min_ratio is not")
    if len(periods) != len(restart_weights):
        refuse("restart_weights", restart_weights, f"one for each of the {len(periods)} periods")
    floor, begins = _floor(lr, eta_min, eta_min_ratio), [sum(periods[: i + 1]) for i in range(len(periods))]
    pairs = zip(restart_weights, periods, strict=True)
    done = (periods[-1] - 1) / periods[-1]  # one step before the floor
    last = floor + (lr * restart_weights[-1] - floor) * math.cos(math.pi / 2 * done) ** 2
    cosines = [wo.cosine(lr * weight, floor, period) for weight, period in pairs]
    return _Made(wo.join([*cosines, last], begins), absolute=True)


def _quadratic(lr: float, length: int) -> _Made:
    ramp = wo.polynomial(0.0, lr, length, power=2.0, origin="init")
    return _Made(wo.shift(ramp, -1), absolute=True)


SCHEDULERS: dict[str, Callable[..., _Made]] = {
    "StepLR": _step,
    "MultiStepLR": _multi_step,
    "ConstantLR": _constant,
    "ExponentialLR": _exponential,
    "LinearLR": _linear,
    "CosineAnnealingLR": _cosine,
    "PolyLR": _poly,
    "OneCycleLR": _one_cycle,
    "CosineRestartLR": _cosine_restart,
    "QuadraticWarmupLR": _quadratic,
}
