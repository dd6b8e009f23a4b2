"""Big Vision (May 2025, at 0127fb6): ``create_learning_rate_schedule`` of ``big_vision.utils``.

Big Vision passes it to Optax, so its step is 0 at the first update. Big Vision multiplies the result by
``config.lr``. Here, pass it as ``base``, or multiply: ``schedule * lr``.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import warmup_optax as wo

from . import _factors
from ._arguments import Declared, Milestones, NonNegative, Number, Rates
from ._config import Config
from ._parts import in_ticks, in_updates, product
from ._port import check_number, port, refuse
from ._rules import Check, Scalar, one_of, plain_number

DURATIONS = tuple(
    f"{name}_{unit}"
    for name in ("warmup", "cooldown", "timescale", "shift")
    for unit in ("steps", "examples", "epochs", "percent")
)
ARGUMENTS = (*DURATIONS, "power", "end", "linear_end", "timescale", "shift", "steps", "mults")


def _known(where: str, name: str, value: object) -> object:
    """Check an argument that the original reads."""
    if name in ("steps", "mults"):
        return Declared(Milestones if name == "steps" else Rates).read(where, name, value)
    return None if value is None and name in DURATIONS else plain_number(where, name, value)


@port(init_value="base", end_value="end", boundaries="steps", values="mults")
def create_learning_rate_schedule(
    total_steps: Annotated[NonNegative, ":math:`T`, in updates; above the warmup if it exceeds 1."],
    batch_size: Annotated[Number | None, "Examples in an update, for other units and for scaling."] = None,
    data_size: Annotated[Number | None, "Examples in an epoch, for durations in epochs."] = None,
    base: Annotated[Number, "The full rate. Any finite number."] = 1.0,
    decay_type: Annotated[str, one_of("stair", "linear", "polynomial", "cosine", "rsqrt")] = "stair",
    scale_with_batchsize: bool = False,
    **kw: Annotated[Any, ARGUMENTS, Check(_known)],
) -> wo.Schedule:
    r"""The product of a decay, a linear warmup and a linear cooldown.

    .. math:: v(n) = d(n)\, \min(1, n / W)\, \min(1, (T - n) / C)

    with a warmup of :math:`W` updates and a cooldown of :math:`C`. A length of 0 leaves its factor out. In the
    decays :math:`d`, the fraction :math:`p` is ``clip((n - W) / (T - W), 0, 1)``:

    ==============================  ==========================================================================
    ``decay_type``                  its value
    ==============================  ==========================================================================
    ``"stair"``                     ``base``, then ``base * mults[i]`` from update ``steps[i]`` on
    ``"linear"``, ``"polynomial"``  ``end + (base - end) * (1 - p) ** power``
    ``"cosine"``                    half a cosine from ``base`` to 0 over ``p``
    ``"rsqrt"``                     ``base / sqrt(1 + (n - W + shift) / timescale)``, its first value up to W
    ==============================  ==========================================================================

    From ``total_steps`` on, a cosine is 0 and a linear decay stays at its end. A cooldown continues, to
    **negative** rates. With fewer ``mults`` than ``steps`` the original gives NaN. Here the last rate stays.

    Args:
      scale_with_batchsize: Whether to multiply ``base`` by ``batch_size / 256``. ``end`` is not scaled.
      **kw: Durations: ``warmup_...``, ``cooldown_...`` (0), ``timescale_...`` (10,000) and ``shift_...`` (0),
        with ``steps``, ``examples``, ``epochs`` or ``percent`` (a fraction of ``total_steps``, in [0, 1]) for
        the dots. A duration in another unit is rounded, half to even, to at least 1 step unless it is 0. It is
        ignored if it is None or negative, or if the ``batch_size`` or ``data_size`` that it needs is missing.
        Without such a duration, ``timescale`` and ``shift`` are in steps, whole or not. Also ``power`` (1),
        ``end`` or ``linear_end`` (0), ``steps`` and ``mults`` (empty). Any other name raises an error, while
        the original ignores it.

    >>> schedule = big_vision.create_learning_rate_schedule(12, decay_type="cosine", warmup_percent=1 / 3)
    >>> schedule([0, 2, 4, 8, 12]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    >>> decay = {"decay_type": "rsqrt", "timescale": 4, "cooldown_steps": 4}
    >>> schedule = big_vision.create_learning_rate_schedule(12, **decay)
    >>> schedule([0, 12, 16]).tolist()
    [1.0, 0.0, -0.4472135901451111]
    """

    def steps(name: str, default: float = 0) -> float:
        return _steps(name, kw, data_size, batch_size, total_steps, default)

    warmup_steps, cooldown_steps = steps("warmup"), steps("cooldown")
    check_number("warmup_steps", warmup_steps)
    check_number("cooldown_steps", cooldown_steps)
    if total_steps > 1 and warmup_steps >= total_steps:
        said = "warmup_steps is >= total_steps"
        refuse("warmup_steps", warmup_steps, f"a number below total_steps ({total_steps})", said)
    if scale_with_batchsize and batch_size is None:
        refuse("batch_size", None, "a number for scale_with_batchsize", error=TypeError)
    lr = base * (batch_size or 0) / 256.0 if scale_with_batchsize else base
    if decay_type in ("linear", "polynomial"):
        end = kw.get("end", kw.get("linear_end", 0.0))
        schedule = _between(lr, end, warmup_steps, total_steps, power=kw.get("power", 1))
    elif decay_type == "cosine":
        schedule = _between(lr, 0.0, warmup_steps, total_steps)
    elif decay_type == "rsqrt":
        timescale = steps("timescale", kw.get("timescale", 10_000))
        shift = steps("shift", kw.get("shift", 0))
        check_number("timescale", timescale, above=0)
        check_number("shift", shift, above=-timescale)
        peak = lr / math.sqrt(1 + shift / timescale)
        schedule = _factors.rsqrt(peak, warmup_steps, timescale + shift)
    else:
        schedule = _factors.stairs(kw.get("steps", []), kw.get("mults", [])) * lr
    factors = [schedule]
    if warmup_steps:
        factors.append(_factors.warmup(0.0, warmup_steps))
    if cooldown_steps:
        factors.append(_factors.cooldown(total_steps, cooldown_steps))
    return product(*factors)


def _steps(
    name: str,
    kw: Config,
    data_size: Scalar | None,
    batch_size: Scalar | None,
    total_steps: Scalar,
    default: float,
) -> float:
    """Return a duration in steps, from the one of its four units that is given."""
    units = ("steps", "examples", "epochs", "percent")
    given = {unit: kw.get(f"{name}_{unit}") for unit in units}
    given = {unit: x for unit, x in given.items() if x is not None and x >= 0}
    if len(given) > 1:
        names = sorted(f"{name}_{unit}" for unit in given)
        said = f"Only one of '{', '.join(names)}' should be defined."
        refuse(names[0], kw[names[0]], f"None or left out, where {names[1]} is given", said)
    if "steps" in given:
        return given["steps"]
    if "examples" in given and batch_size:
        return _rounded(given["examples"] / batch_size)
    if "epochs" in given and batch_size and data_size:
        return _rounded(given["epochs"] * (data_size / batch_size))
    if "percent" in given and total_steps:
        if given["percent"] > 1:
            said = "Percents should lie in [0.0, 1.0]"
            refuse(f"{name}_percent", given["percent"], "a fraction <= 1 of total_steps", said)
        return _rounded(given["percent"] * total_steps)
    return default


def _rounded(steps: float) -> int:
    return max(1, round(steps)) if steps else 0


def _between(
    lr: Scalar, end: Scalar, begin_step: float, total_steps: Scalar, power: Scalar | None = None
) -> wo.Schedule:
    """A decay from ``lr`` at ``begin_step`` to ``end`` at ``total_steps``, the earlier one in a run of 1 step."""

    def curve(first: Scalar, last: Scalar, steps: int, origin: Literal["end", "init"]) -> wo.Schedule:
        if power is None:
            return wo.cosine(first, last, steps)
        return wo.polynomial(first, last, steps, power=power, origin=origin)

    ticks, (begin, end_step) = in_ticks(begin_step, total_steps)
    if begin < end_step:
        schedule = wo.shift(curve(lr, end, end_step - begin, "end"), begin)
    elif begin > end_step:
        schedule = wo.shift(curve(end, lr, begin - end_step, "init"), end_step)
    else:
        return wo.join([lr, end], [math.ceil(total_steps) + 1])
    return in_updates(schedule, ticks)
