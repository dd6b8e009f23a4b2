"""MaxText (August 2026, at e591f30): ``create_learning_rate_schedule`` of ``maxtext.utils.maxtext_utils``.

MaxText passes it to Optax, so its step is 0 at the first update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import warmup_optax as wo

from ._config import Config, from_text
from ._parts import meaning
from ._port import check_number, check_steps, port, refuse
from ._rules import Scalar, plain_number

FIELDS: dict[str, object] = {  # with the values of base.yml
    "learning_rate": 3e-5,
    "steps": 150_001,
    "learning_rate_schedule_steps": -1,
    "lr_schedule_type": "cosine",
    "learning_rate_final_fraction": 0.1,
    "warmup_steps_fraction": 0.1,
    "wsd_decay_steps_fraction": 0.1,
    "wsd_decay_style": "linear",
}
OLD = "cosine_learning_rate_final_fraction"
WORDS = ("lr_schedule_type", "wsd_decay_style")
Field = Annotated[object, (*FIELDS, OLD)]


@port(value="learning_rate", init_value="learning_rate", end_value="learning_rate")
def create_learning_rate_schedule(config: object = None, **fields: Field) -> wo.Schedule:
    r"""Linear warmup from 0, cosine decay or a stable phase and a decay, then 0 for the remainder of the run.

    .. math:: v(n) = \begin{cases}
              L\, n / W & n < W \\
              F + (L - F)\, \tfrac12 \left(1 + \cos \pi \frac{n - W}{T - W - 1}\right) & n \ge W \\
              0 & n \ge T \text{, if steps} > T
              \end{cases}

    The length :math:`T` is ``learning_rate_schedule_steps``. :math:`W` is ``T * warmup_steps_fraction``, rounded
    down. :math:`F` is reached at the last update of the schedule, ``T - 1``. With ``lr_schedule_type="wsd"`` the
    rate is :math:`L` up to ``T - D``, and then decays to :math:`F` at ``T - 1``. :math:`D` is ``T *
    wsd_decay_steps_fraction``, rounded down.

    Args:
      config: An object or a mapping with the fields below, such as MaxText's own. A missing field that its
        schedule uses raises an error, as in MaxText.
      **fields: The same fields by name; they override those of ``config``. Without a ``config``, the defaults
        are those of MaxText's ``base.yml``, in parentheses here:

        * ``learning_rate`` (3e-5): :math:`L`, the peak.
        * ``steps`` (150,001): Updates of the run. -1 means ``learning_rate_schedule_steps``.
        * ``learning_rate_schedule_steps`` (-1): :math:`T`, updates of the schedule, >= 0. -1 means ``steps``.
        * ``learning_rate_final_fraction`` (0.1): :math:`F / L`.
        * ``warmup_steps_fraction`` (0.1), ``wsd_decay_steps_fraction`` (0.1): In [0, 1].
        * ``lr_schedule_type`` ("cosine"): "cosine" or "wsd".
        * ``wsd_decay_style`` ("linear"): "linear" or "cosine".
        * ``cosine_learning_rate_final_fraction``: The name of :math:`F / L` before January 2026. With it, the
          cosine is also the one before that date: its length is ``T - W``, so it reaches :math:`F` at :math:`T`.

    If ``steps`` is at most :math:`T`, the rate is not 0 after :math:`T`: a cosine *rises again*, and a linear
    decay stays at :math:`F`. A cosine of one update is at :math:`F`, a linear decay of one update at :math:`L`.
    If no update remains for the decay, the rate stays at :math:`L`.

    >>> schedule = maxtext.create_learning_rate_schedule(learning_rate=1.0, steps=11, warmup_steps_fraction=0.2)
    >>> schedule([0, 1, 2, 6, 10, 14]).round(6).tolist()
    [0.0, 0.5, 1.0, 0.550000011920929, 0.10000000149011612, 0.550000011920929]
    >>> shorter = {"learning_rate_schedule_steps": 10, "lr_schedule_type": "wsd"}
    >>> schedule = maxtext.create_learning_rate_schedule(learning_rate=1.0, steps=12, **shorter)
    >>> schedule([0, 1, 8, 9, 10]).tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    values = _read(config) | fields
    old = OLD in values
    if old and "learning_rate_final_fraction" in values:
        refuse(OLD, values[OLD], "left out: it is the old name of learning_rate_final_fraction")
    if config is not None:
        _refuse_missing(config, values, old)
    values = FIELDS | values
    numbers = {name: plain_number("", name, x) for name, x in values.items() if name not in WORDS}
    steps, total = numbers["steps"], numbers["learning_rate_schedule_steps"]
    check_steps("steps", steps, at_least=-1)
    check_steps("learning_rate_schedule_steps", total, at_least=-1)
    steps, total = (total if steps == -1 else steps), (steps if total == -1 else total)
    if max(steps, total) < 1:
        refuse("steps", values["steps"], "a whole number of steps >= 1, or learning_rate_schedule_steps")
    for name in ("warmup_steps_fraction", "wsd_decay_steps_fraction"):
        check_number(name, numbers[name], at_least=0, at_most=1)
    peak = numbers["learning_rate"]
    floor = peak * numbers[OLD if old else "learning_rate_final_fraction"]
    cosine = meaning(TYPES, "lr_schedule_type", _word(values["lr_schedule_type"]))
    style = meaning(STYLES, "wsd_decay_style", _word(values["wsd_decay_style"]))

    warmup = int(total * numbers["warmup_steps_fraction"])
    rest, decay = total - warmup, int(total * numbers["wsd_decay_steps_fraction"])
    phases: list[tuple[int, wo.Schedule]] = [(0, wo.linear(0.0, peak, warmup))]
    if cosine and old:
        # If the warmup takes all updates, its last rate stays. The original has NaN then.
        last = peak * (warmup - 1) / max(warmup, 1)
        phases.append((warmup, wo.shapes.cosine_wave(peak, floor, rest) if rest else wo.constant(last)))
    elif cosine and rest:
        phases.append((warmup, _cosine(peak, floor, rest)))
    elif not cosine and decay:
        phases.append((max(warmup, total - decay), style(peak, floor, decay)))
    if steps > total:
        phases.append((total, wo.constant(0.0)))
    ends = [begin for begin, _ in phases[1:]]
    phases = [phase for phase, end in zip(phases, [*ends, None], strict=True) if phase[0] != end]
    return wo.join([schedule for _, schedule in phases], [begin for begin, _ in phases[1:]])


@port()
def from_config(config: Config, **fields: Field) -> wo.Schedule:
    """Build the schedule of a MaxText configuration. Missing fields have the values of ``base.yml``.

    Args:
      config: The mapping of a file. Other keys are ignored. Numbers may be strings.
      **fields: Fields by name; they override those of ``config``, as on MaxText's command line.

    >>> block = {"base_config": "base.yml", "learning_rate": "5e-1", "warmup_steps_fraction": 0.2}
    >>> maxtext.from_config(block, steps=100)([0, 10, 20]).tolist()
    [0.0, 0.25, 0.5]
    """
    given = {name: config[name] for name in (*FIELDS, OLD) if name in config} | fields
    return create_learning_rate_schedule(
        **{name: x if name in WORDS else from_text(name, x) for name, x in given.items()}
    )


def _cosine(peak: Scalar, floor: Scalar, steps: int) -> wo.Schedule:
    """A cosine that is at ``floor`` in the last of ``steps`` updates, and then rises again."""
    return wo.shapes.cosine_wave(peak, floor, steps - 1) if steps > 1 else wo.constant(floor)


def _linear(peak: Scalar, floor: Scalar, steps: int) -> wo.Schedule:
    """A linear decay that is at ``floor`` from the last of ``steps`` updates on."""
    return wo.linear(peak, floor, steps - 1) if steps > 1 else wo.constant(peak)


TYPES = {"cosine": True, "wsd": False}
STYLES = {"linear": _linear, "cosine": _cosine}


def _refuse_missing(config: object, values: Config, old: bool) -> None:
    """Raise if a configuration lacks a field that its kind of schedule uses."""
    needed = set(FIELDS)
    if old:
        needed -= {"learning_rate_final_fraction", "lr_schedule_type"}
    if _word(values.get("lr_schedule_type", "cosine")) != "wsd":
        needed -= {"wsd_decay_steps_fraction", "wsd_decay_style"}
    missing = [name for name in FIELDS if name in needed and name not in values]
    if missing:
        fix = f"give {' and '.join(missing)}, by name or in it"
        refuse("config", type(config).__name__, f"a configuration with {', '.join(missing)}", fix)


def _read(config: object) -> dict[str, object]:
    """Return the fields that a configuration has."""
    found: dict[str, object] = {}
    for name in (*FIELDS, OLD):
        try:
            found[name] = config[name] if isinstance(config, Mapping) else getattr(config, name)
        except (AttributeError, KeyError, ValueError):  # MaxText's own raises the last of these
            continue
    return found


def _word(word: object) -> object:
    """Return the value of a member of an enumeration, or the string itself."""
    return getattr(word, "value", word)
