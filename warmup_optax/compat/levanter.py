"""Levanter (June 2026, marin-levanter 0.2.20): ``OptimizerConfig.lr_scheduler`` and the fields of the config.

A length up to and including 1 is a fraction of the cycle's steps, rounded down. For ``cycle_length`` and
``cooldown`` it is a fraction of the run. A length above 1 is a number of steps. Since marin#3086 (February 2026)
a warmup and a decay are at most as long as their cycle. Before that, they extended into the previous cycle.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import warmup_optax as wo

from ._arguments import Counts, Declared, Fixed, Ignored, Number, Steps
from ._config import Config, from_text, only
from ._parts import joined, meaning
from ._port import check_number, is_concrete, port, refuse
from ._rules import Check, Scalar, plain_number


@dataclasses.dataclass(frozen=True)
class ConstantLrSchedule:
    """A constant learning rate, without a decay."""


@dataclasses.dataclass(frozen=True)
class CosineLrSchedule:
    """A cosine decay to the floor, raised to the power ``exponent``."""

    exponent: Scalar = 1.0


@dataclasses.dataclass(frozen=True)
class LinearLrSchedule:
    """A linear decay to the floor."""


@dataclasses.dataclass(frozen=True)
class PolynomialLrSchedule:
    """A polynomial decay to the floor: a power of the remaining time."""

    power: Scalar = 2.0


@dataclasses.dataclass(frozen=True)
class InvSqrtLrSchedule:
    """``lr * sqrt(timescale / (t + warmup_steps))``, between the floor and ``lr``. It never ends."""

    timescale: Scalar = 10000


@dataclasses.dataclass(frozen=True)
class InvSqrtDecayLrSchedule:
    """``lr / sqrt(1 + decay_constant * t / decay_steps)``, not below the floor."""

    decay_constant: Scalar = 28.6


@dataclasses.dataclass(frozen=True)
class InvLrSchedule:
    """A decay with a linear ``1 / rate``, to the floor at the end. Its first two steps are equal."""


@dataclasses.dataclass(frozen=True)
class PowerLrSchedule:
    """``batch_size * a * tokens**b``, capped at the learning rate. Tokens count from the end of the warmup.

    The original counts tokens in int32, which overflows at 2^31 tokens. Here they are exact.
    """

    batch_size: int
    seq_length: int
    a: Scalar = 4.6
    b: Scalar = -0.51


NAMED: dict[str, type[Any]] = {
    "constant": ConstantLrSchedule,
    "cosine": CosineLrSchedule,
    "linear": LinearLrSchedule,
    "inv_sqrt": InvSqrtLrSchedule,
    "inv": InvLrSchedule,
}
TYPES: dict[str, type[Any]] = NAMED | {
    "polynomial": PolynomialLrSchedule,
    "inv_sqrt_decay": InvSqrtDecayLrSchedule,
    "power": PowerLrSchedule,
}
__all__ = [
    "ConstantLrSchedule", "CosineLrSchedule", "InvLrSchedule", "InvSqrtDecayLrSchedule", "InvSqrtLrSchedule",
    "LinearLrSchedule", "PolynomialLrSchedule", "PowerLrSchedule",
]  # fmt: skip
FRACTION = "a fraction between 0 and 1, or a whole number of steps"


def _frac_or_steps(where: str, name: str, given: object) -> object:
    """Check a fraction up to and including 1, or a whole number of steps above 1."""
    value = plain_number(where, name, given)
    if not is_concrete(value) or value < 0 or (value > 1 and value % 1):
        refuse(name, given, FRACTION)
    return value


def _cycle_length(where: str, name: str, given: object) -> object:
    return (_cycles if isinstance(given, (list, tuple)) else _frac_or_steps)(where, name, given)


def _cycles(where: str, name: str, given: object) -> object:
    if isinstance(given, (list, tuple)):
        return [*Declared(Counts).read(where, name, given)]
    number = Declared(Fixed[Number]).read(where, name, given)
    if number < 1 or number % 1:
        refuse(name, given, "a whole number or a list of the ends of cycles")
    return int(number)


def _lr_schedule(where: str, name: str, given: Any) -> object:
    """Convert a name, or a mapping with a type from YAML, to an ``...LrSchedule``."""
    if isinstance(given, str):
        return meaning(NAMED, name, given)()
    if isinstance(given, Mapping):
        fields = dict(given)
        made = meaning(TYPES, f"{name}['type']", fields.pop("type", None))
        known = [field.name for field in dataclasses.fields(made)]
        only(fields, known, name + "[{!r}]", made.__name__)
        for field in dataclasses.fields(made):
            key = f"{name}[{field.name!r}]"
            if field.name in fields:
                fields[field.name] = plain_number(where, key, fields[field.name])
            elif field.default is dataclasses.MISSING:
                refuse(key, None, "given")
        return made(**fields)
    if not isinstance(given, tuple(TYPES.values())):
        refuse(name, given, "a string or one of this module's ...LrSchedule", error=TypeError)
    for field in dataclasses.fields(given):
        plain_number(where, field.name, getattr(given, field.name))
    return given


FracOrSteps: TypeAlias = Annotated[float, Check(_frac_or_steps)]
Ends: TypeAlias = Annotated[int | list[int] | None, Check(_cycles)]


@port(init_value="learning_rate", end_value="min_lr_ratio")
def lr_scheduler(
    num_train_steps: Annotated[Fixed[Steps], "The length of the run, in updates."],
    override_lr: Annotated[Number | None, "A rate that replaces ``learning_rate``; None for none."] = None,
    *,
    learning_rate: Annotated[Number, "The highest rate."] = 6e-4,
    weight_decay: Ignored = 0.1,
    min_lr_ratio: Annotated[Number, 'The lowest rate divided by the highest; not for "constant".'] = 0.1,
    warmup: Annotated[FracOrSteps, "The length of the first cycle's linear warmup from 0."] = 0.01,
    decay: Annotated[FracOrSteps | None, "Each cycle's decay; None for all steps after its warmup."] = None,
    rewarmup: FracOrSteps = 0.0,
    cooldown: Annotated[FracOrSteps | None, "A final linear decay to the lowest rate; deprecated."] = None,
    cycle_length: Annotated[float | list[int] | None, Check(_cycle_length)] = None,
    cycles: Annotated[Ends, "Their number, or a list of their ends; not with ``cycle_length``."] = None,
    lr_schedule: Annotated[Any, Check(_lr_schedule)] = "cosine",
    haps: Annotated[Counts | None, "The ends of cycles; deprecated, with a warning."] = None,
    weight_decay_modules: Ignored = None,
    default_weight_decay_mask: Ignored = None,
) -> wo.Schedule:
    """Warmup, stable phase and decay, once or in cycles. A later warmup starts where the previous cycle ended.

    The floor, ``min_lr_ratio * learning_rate``, is first used at ``n == num_train_steps``, and stays. After the
    end, "inv_sqrt", "inv_sqrt_decay" and "power" continue to decay.

    Args:
      rewarmup: The length of the linear warmup of every later cycle, from the last rate of the previous one. With
        0 the rate jumps up.
      cycle_length: The length of a cycle, or a list of lengths. A remainder makes the last cycle longer, with a
        warning. After a list, the remainder is one more cycle.
      lr_schedule: "constant", "cosine", "linear", "inv_sqrt" or "inv". Or one of this module's
        ``...LrSchedule``, which have their parameters as fields. Or a mapping from a YAML file, such as
        ``{"type": "inv_sqrt", "timescale": 100}``, whose type may also be "polynomial", "inv_sqrt_decay" or
        "power".

    >>> levanter.lr_scheduler(10, learning_rate=1.0, warmup=0.2, lr_schedule="linear")([0, 1, 2, 10]).tolist()
    [0.0, 0.5, 1.0, 0.10000000149011612]
    >>> schedule = levanter.lr_scheduler(8, learning_rate=1.0, warmup=0, cycles=2, lr_schedule="linear")
    >>> schedule([0, 3, 4, 8]).round(3).tolist()
    [1.0, 0.32500001788139343, 1.0, 0.10000000149011612]
    """
    cooldown_steps = 0
    if cooldown is not None:
        warnings.warn("cooldown is deprecated: use decay", DeprecationWarning, stacklevel=3)
        cooldown_steps = _steps(cooldown, num_train_steps)
    decays = NAMED[lr_schedule]() if isinstance(lr_schedule, str) else lr_schedule
    top = learning_rate if override_lr is None else override_lr
    ends = _ends(num_train_steps - cooldown_steps, cycle_length, cycles, haps)

    schedules: list[wo.Schedule] = []
    begins: list[int] = []
    bottom: Scalar = 0.0
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        ramp = min(_steps(rewarmup if i else warmup, end - start), end - start)
        fall = end - start - ramp if decay is None else min(_steps(decay, end - start), end - start - ramp)
        curve = _decay(decays, top, min_lr_ratio, ramp, fall) if fall else wo.constant(top)
        schedules += [wo.linear(bottom, top, ramp), wo.constant(top), curve]
        begins += [start, start + ramp, end - fall]
        bottom = curve(fall)
    if cooldown_steps:
        schedules.append(wo.linear(bottom, top * min_lr_ratio, cooldown_steps))
        begins.append(ends[-1])
    return joined(schedules, begins)


OTHERS = {  # keys of its optimizers
    "type", "adam_lr", "adam_weight_decay", "adamc_weight_decay", "adamnorm_eps", "backend_steps", "beta",
    "beta1", "beta2", "block_size", "clip_update_norm", "coefficient_type", "col_state_clamp_c", "eps",
    "epsilon", "gamma", "lax_map_batch_size", "lax_map_scanned_layers", "max_grad_norm",
    "max_precond_dim", "max_size_triangular", "memory_save_mode", "merge_small_dims",
    "min_ndim_triangular", "momentum", "mu2", "mu_dtype", "muon_epsilon", "nesterov", "normalize_grads",
    "one_diag", "params_sharding", "partition_grads_into_blocks", "precond_dtype",
    "precond_grads_precision", "precond_update_precision", "precondition_frequency",
    "preconditioner_init_scale", "preconditioner_lr", "preconditioner_sharding",
    "preconditioner_update_probability", "scale_coeff", "scion_epsilon", "scion_to_signum_lr",
    "shampoo_beta", "skip_bad_steps", "target_merged_dim_size", "update_interval",
    "update_prob_flat_start", "update_rms_clipping", "use_kimi_scaling", "weight_decay",
}  # fmt: skip


@port()
def from_config(config: Config, *, num_train_steps: Fixed[Steps] | None = None) -> wo.Schedule:
    """Build the schedule of a Levanter configuration.

    Args:
      config: The mapping of a whole file, with ``optimizer`` and ``trainer.num_train_steps``. Or its
        ``optimizer`` alone. Keys of Levanter's optimizers are ignored. Other keys raise an error, as in
        Levanter. Numbers may be strings.
      num_train_steps: The length of the run, in updates. None for ``trainer.num_train_steps``, which defaults to
        400,000.

    >>> block = {"optimizer": {"learning_rate": "6E-4", "beta1": 0.9, "lr_schedule": {"type": "linear"}}}
    >>> levanter.from_config(block, num_train_steps=1000)([0, 10, 1000]).round(6).tolist()
    [0.0, 0.0005999999702908099, 5.999999848427251e-05]
    """
    whole = "optimizer" in config
    block = (config["optimizer"] or {}) if whole else config
    known = [
        x for x in inspect.signature(lr_scheduler).parameters if x not in ("num_train_steps", "override_lr")
    ]
    only(block, known, "optimizer.{}", "the schedule", OTHERS)
    if num_train_steps is None:
        trainer = (config.get("trainer") or {}) if whole else {}
        if not whole:
            refuse("num_train_steps", None, "a number of updates", "or give the whole configuration")
        num_train_steps = from_text("trainer.num_train_steps", trainer.get("num_train_steps", 400_000))
    fields = {key: x for key, x in block.items() if key in known and x is not None}
    for key, value in fields.items():
        if isinstance(value, Mapping):
            fields[key] = {k: x if k == "type" else from_text(k, x) for k, x in value.items()}
        elif key not in ("lr_schedule", "weight_decay_modules", "weight_decay"):
            fields[key] = from_text(key, value)
    return lr_scheduler(num_train_steps, **fields)  # pyright: ignore[reportArgumentType]


def _decay(kind: object, top: Scalar, ratio: Scalar, warmup_steps: int, steps: int) -> wo.Schedule:
    """Return the decay of a cycle, on its own clock."""
    low = top * ratio
    match kind:
        case CosineLrSchedule(exponent):
            return wo.cosine(top, low, steps, exponent=exponent)
        case LinearLrSchedule():
            return wo.linear(top, low, steps)
        case PolynomialLrSchedule(power):
            return wo.polynomial(top, low, steps, power=power)
        case InvSqrtLrSchedule(timescale):
            check_number("timescale", timescale, at_least=0)
            curve = wo.shift(wo.inverse_sqrt(top * math.sqrt(timescale), timescale=1), 1 - warmup_steps)
            return wo.clip(wo.clip(curve, max_value=top), min_value=low)
        case InvSqrtDecayLrSchedule(decay_constant):
            check_number("decay_constant", decay_constant, above=0)
            return wo.clip(wo.inverse_sqrt(top, timescale=steps / decay_constant), min_value=low)
        case InvLrSchedule():
            check_number("min_lr_ratio", ratio, above=0, fix="the inverse schedule divides by it")
            if ratio >= 1:
                return wo.constant(low)
            curve = wo.inverse_time(top, decay_rate=1 / ratio - 1, transition_steps=steps)
            return wo.clip(wo.shift(wo.shift(curve, -1), 1), min_value=low)
        case PowerLrSchedule(batch_size, seq_length, a, b):
            check_number("a", a, above=0)
            check_number("b", b, below=0)
            first = batch_size * a * (batch_size * seq_length) ** b
            return wo.join([top, wo.clip(wo.shapes.power_law(first, power=b), max_value=top)], [1])
    return wo.constant(top)


def _ends(
    total: int,
    cycle_length: float | list[int] | None,
    cycles: int | list[int] | None,
    haps: Sequence[int] | None,
) -> list[int]:
    """Return the first step of the run and the ends of its cycles."""
    name, given = ("cycles", cycles) if haps is None else ("haps", list(haps))
    if haps is not None:
        warnings.warn("haps is deprecated: use cycles", DeprecationWarning, stacklevel=4)
    if cycle_length is not None and given is not None:
        refuse("cycle_length", cycle_length, f"None where {name} is given", "Give one of the two")
    ends = given if isinstance(given, list) else []
    if isinstance(cycle_length, list):
        ends = list(itertools.accumulate(cycle_length))
        if ends and ends[-1] > total:
            allowed = f"lengths with a sum of at most the run's {total} steps"
            refuse("cycle_length", cycle_length, allowed, f"their sum is {ends[-1]}")
    elif cycle_length is not None:
        length = _steps(cycle_length, total)
        if not length:
            refuse("cycle_length", cycle_length, "at least one step")
        if total % length:
            said = "cycle_length does not divide the total number of steps: the last cycle will be longer"
            warnings.warn(said, stacklevel=4)
        ends = [i * length for i in range(1, total // length)]
    elif isinstance(given, int):
        ends = [int(total / given * (i + 1)) for i in range(given - 1)]
    for left, right in itertools.pairwise([0, *ends, total]):
        if right < left:
            refuse(name, given, f"in increasing order, up to the run's {total} steps")
    return [0, *ends] if [0, *ends][-1] == total else [0, *ends, total]


def _steps(given: float, total: int) -> int:
    return int(given * total) if given <= 1 else int(given)
