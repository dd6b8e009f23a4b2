"""PaddleDetection (October 2024, at 666f597): the ``LearningRate`` block of its files, and its schedulers.

Its trainer steps the scheduler after every update, so update ``n`` uses the rate of ``last_epoch == n``. An epoch
has ``step_per_epoch`` updates. The decay counts from update 0, so it also runs during the warmup.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import warmup_optax as wo

from ._arguments import Fixed, Length, Number
from ._config import Config, missing, only
from ._parts import joined
from ._port import check_number, check_steps, port, refuse
from ._rules import Scalar, checked, finite, items

DECAYS: dict[str, Config] = {
    "PiecewiseDecay": {"gamma": [0.1, 0.01], "milestones": [8, 11], "values": None, "use_warmup": True},
    "CosineDecay": {"max_epochs": 1000, "use_warmup": True, "min_lr_ratio": 0.0, "last_plateau_epochs": 0},
}
WARMUPS: dict[str, Config] = {
    "LinearWarmup": {"steps": 500, "start_factor": 1.0 / 3, "epochs": None, "epochs_first": True},
    "ExpWarmup": {"steps": 1000, "epochs": None, "power": 2},
}


@port()
def LearningRate(
    base_lr: Annotated[Number, "The rate after the warmup."] = 0.01,
    schedulers: Annotated[Sequence[object] | None, items("a sequence of schedulers")] = None,
    *,
    step_per_epoch: Annotated[Fixed[Length], "The number of updates in an epoch."],
) -> wo.Schedule:
    """A warmup, and a decay that counts from the start of the run.

    "PiecewiseDecay" is ``base_lr * gamma[i]`` from epoch ``milestones[i]`` on. "CosineDecay" is half a cosine
    that ends ``last_plateau_epochs`` before ``max_epochs``. After the end the last rate stays. A cosine with
    neither a warmup nor a plateau *rises again*. If ``gamma`` is a number, it is divided by 10 at each further
    milestone.

    Args:
      schedulers: The decay and the warmup, in this order. A decay alone must have ``use_warmup: False``. Each is
        a mapping such as ``{"name": "PiecewiseDecay", "milestones": [8, 11]}``. It may also be an object with
        the arguments as attributes, whose class has that name, such as YAML's ``!PiecewiseDecay``. None for the
        defaults of the original.

    >>> decay = {"name": "PiecewiseDecay", "gamma": [0.5, 0.25], "milestones": [4, 6]}
    >>> warmup = {"name": "LinearWarmup", "steps": 4, "start_factor": 0.5}
    >>> paddledet.LearningRate(1.0, [decay, warmup], step_per_epoch=2)([0, 2, 4, 7, 8, 12]).tolist()
    [0.5, 0.75, 1.0, 1.0, 0.5, 0.25]
    """
    given = [{"name": "PiecewiseDecay"}, {"name": "LinearWarmup"}] if schedulers is None else schedulers
    if not given:
        refuse("schedulers", given, "a decay and a warmup")
    name, decay = _read(0, given[0], DECAYS)
    warmup, ramp = 0, None
    if decay["use_warmup"]:
        if len(given) < 2:
            refuse("schedulers", list(given), "a decay and a warmup", "or set use_warmup: False")
        warmup, ramp = _warmup(base_lr, *_read(1, given[1], WARMUPS), step_per_epoch)
    if name == "PiecewiseDecay":
        steps = _piecewise(base_lr, decay, step_per_epoch)
        return steps if ramp is None else wo.join([ramp, steps], [warmup], [0, 0])
    check_steps("max_epochs", decay["max_epochs"])
    check_steps("last_plateau_epochs", decay["last_plateau_epochs"], at_least=0)
    check_number("min_lr_ratio", decay["min_lr_ratio"])
    total, low = decay["max_epochs"] * step_per_epoch, base_lr * decay["min_lr_ratio"]
    end = total - decay["last_plateau_epochs"] * step_per_epoch
    if end <= warmup:  # no update is left for the cosine
        return wo.join([low if ramp is None else ramp, base_lr if total <= warmup else low], [warmup])
    if ramp is None and end == total:
        return wo.shapes.cosine_wave(base_lr, low, total)
    # The original has a table up to update `total - 1`, whose rate stays.
    part = min(total - 1 - warmup, end - warmup) / (end - warmup)
    last = low + (base_lr - low) * math.cos(math.pi / 2 * part) ** 2 if part < 1 else low
    phases = [low if ramp is None else ramp, wo.cosine(base_lr, low, end - warmup), last]
    return joined(phases, [0, warmup, max(total - 1, warmup)])


@port()
def from_config(config: Config, *, step_per_epoch: Fixed[Length]) -> wo.Schedule:
    """Build the schedule of a PaddleDetection configuration.

    Args:
      config: The ``LearningRate`` block, or the mapping of a whole file, merged with the files of its ``_BASE_``.
      step_per_epoch: The number of updates in an epoch, ``len(loader)`` in the original.

    >>> schedulers = [{"name": "CosineDecay", "max_epochs": 3}, {"name": "ExpWarmup", "epochs": 1}]
    >>> block = {"LearningRate": {"base_lr": 0.5, "schedulers": schedulers}, "epoch": 3}
    >>> paddledet.from_config(block, step_per_epoch=4)([0, 2, 4, 8]).round(6).tolist()
    [0.0, 0.125, 0.5, 0.25]
    """
    block = config.get("LearningRate", config)
    if not isinstance(block, Mapping):
        refuse("LearningRate", block, "a mapping with base_lr and schedulers", error=TypeError)
    if block is not config:
        only(block, ("base_lr", "schedulers"), "LearningRate[{!r}]", "it", ("name",))
    schedulers = block.get("schedulers")
    if "_BASE_" in config:
        missing("config", "LearningRate.schedulers", schedulers, "merge the files of _BASE_ first")
    return LearningRate(block.get("base_lr", 0.01), schedulers, step_per_epoch=step_per_epoch)


def _read(i: int, given: object, known: Mapping[str, Config]) -> tuple[str, Config]:
    """Return the name of a scheduler and its arguments, with the original's defaults."""
    fields = dict(given) if isinstance(given, Mapping) else {"name": type(given).__name__, **vars(given)}
    name = fields.pop("name", None)
    if name not in known:
        refuse(f"schedulers[{i}]", given, f"one of {', '.join(known)}")
    only(fields, known[name], f"schedulers[{i}]" + "[{!r}]", name)
    return name, {**known[name], **fields}


def _warmup(base_lr: Scalar, name: str, fields: Config, step_per_epoch: int) -> tuple[int, wo.Schedule]:
    by_epochs = fields["epochs"] is not None and fields.get("epochs_first", True)
    key = "epochs" if by_epochs else "steps"
    check_steps(key, fields[key], at_least=0)
    steps = max(fields[key] * (step_per_epoch if by_epochs else 1), 1)
    if name == "LinearWarmup":
        check_number("start_factor", fields["start_factor"])
        return steps, wo.linear(base_lr * fields["start_factor"], base_lr, steps)
    check_number("power", fields["power"], above=0)
    return steps, wo.polynomial(0.0, base_lr, steps, power=fields["power"], origin="init")


def _piecewise(base_lr: Scalar, fields: Config, step_per_epoch: int) -> wo.Schedule:
    milestones, gamma, values = fields["milestones"], fields["gamma"], fields["values"]
    milestones = checked([items("a list of epochs", finite)], "", "milestones", milestones)
    if not isinstance(gamma, (list, tuple)):
        check_number("gamma", gamma)
        gamma = [gamma / 10**i for i in range(len(milestones))]
    factors = checked([items("a list of factors", finite)], "", "gamma", gamma)
    rates = [base_lr, *(base_lr * factor for factor in factors)]
    if values is not None:
        if fields["use_warmup"]:
            fix = "the original uses them as the rates of the warmup"
            refuse("values", values, "None with a warmup", fix)
        rates = checked([items("a list of rates", finite)], "", "values", values)
    if len(rates) < len(milestones) + 1:
        name, given = ("gamma", gamma) if values is None else ("values", values)
        refuse(name, given, "one for each milestone")
    begins = [math.ceil(step_per_epoch * epoch) for epoch in milestones]
    rates = [*rates[: len(begins)], rates[-1]]  # of additional rates Paddle uses the last one
    return wo.piecewise_constant(rates, begins)
