"""Suggestions for unknown attribute names: the nearest name, or where to find the feature."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

_PLATEAU = (
    "a rate that follows the loss depends on more than a count: with_feedback(schedule, feedback.Plateau(...)) "
    "is its rate, and scheduled takes it"
)
_FEEDBACK = "with_feedback(schedule, feedback.{}(...)) follows the run"
_GROUPS = "groups({pattern: factor}), chained behind the optimizer, gives groups of parameters their rates"
_RESTARTS = "warmup_cosine_restarts is the recipe, and restart repeats any schedule"
_STABLE = "warmup_stable_decay is the recipe, and with_cooldown branches the decay off any schedule"
_ROOT = "inverse_sqrt is the curve, and warmup_inverse_sqrt the recipe"
_CYCLES = "compat.torch.CyclicLR has the original's arguments, and restart repeats any schedule"
_FUNCTION = "any function of a count is a schedule: give it as it is, or as_schedule(function)"
_STEPS = "piecewise_constant takes the values themselves, and compat.torch.MultiStepLR the factor"
_RAMP = "seesaw replaces a decay by a ramp of batch sizes, and TrainingRun counts the updates of one"
_REWARM = "join([old, new], [count]), with a warmup in front of the new one: with_warmup(new, steps=...)"

# Names from other libraries and papers, in lower case without underscores and endings, to their equivalents.
ELSEWHERE = {
    "adaptivekl": _FEEDBACK.format("AdaptiveKL"),
    "annealing": "cosine and linear are the curves, and warmup_cosine the recipe",
    "batchramp": _RAMP,
    "batchsizeramp": _RAMP,
    "batchsizewarmup": _RAMP,
    "chained": "product(a, b), or a * b",
    "clr": _CYCLES,
    "constantwithwarmup": "warmup_constant is the recipe",
    "cosineannealing": "cosine is the curve, and warmup_cosine the recipe",
    "cosineannealingwarmrestarts": _RESTARTS,
    "cosinewithrestarts": _RESTARTS,
    "cyclic": _CYCLES,
    "cyclical": _CYCLES,
    "delay": "shift(schedule, steps)",
    "exponentialmovingaverage": "optax.ema; its decay may be a schedule, too",
    "greedy": _FEEDBACK.format("Greedy"),
    "injecthyperparams": "optax.inject_hyperparams takes these schedules as they are",
    "lambda": _FUNCTION,
    "layerdecay": "groups(layerwise(...)) gives each layer its rate",
    "lint": "check(schedule, total_steps) is the linter",
    "multiplicative": _FUNCTION,
    "multistep": _STEPS,
    "noam": _ROOT + ", and compat.paddle.NoamDecay has the original's arguments",
    "offset": "shift(schedule, steps)",
    "parametergroups": _GROUPS,
    "paramgroups": _GROUPS,
    "plateau": _PLATEAU,
    "reducelronplateau": _PLATEAU,
    "reduceonplateau": _PLATEAU,
    "rescale": "scale_hyperparams is for another batch size or length, and transfer_peak for another schedule",
    "rewarm": _REWARM,
    "rewarming": _REWARM,
    "rsqrt": _ROOT,
    "schedulefree": "optax.contrib.schedule_free; it takes a schedule as its learning rate",
    "sequential": "join(schedules, boundaries)",
    "sgdr": _RESTARTS,
    "step": _STEPS,
    "superconvergence": "one_cycle is the recipe",
    "trapezoid": _STABLE,
    "trapezoidal": _STABLE,
    "triangular": _CYCLES,
    "tristage": _STABLE + "; compat.fairseq.TriStageLRSchedule has the original's arguments",
    "warmrestarts": _RESTARTS,
    "warmuphold": "warmup_constant, or hold_steps of warmup_cosine and warmup_linear",
    "wsd": _STABLE,
}
# Names of versions 0.1 and 0.2, and of Optax, to their replacements.
RENAMED = {
    "add": "a + b",
    "divide": "schedule / divisor",
    "in_steps": "TrainingRun(...).in_steps(schedule, unit=...) or stretch(schedule, factor)",
    "merge_weights": "checkpoint_weights",
    "product": "a * b",
    "scale": "schedule * factor",
    "speed_up": "stretch(schedule, Fraction(1, factor))",
    "suggest": "suggest_learning_rate",
    "with_plateau": "with_feedback(schedule, feedback.Plateau(...)), as the learning rate of scheduled",
}
OPTAX = {
    "constant_schedule": "constant",
    "cosine_decay_schedule": "cosine or warmup_cosine",
    "cosine_onecycle_schedule": "one_cycle",
    "exponential_decay": "exponential",
    "join_schedules": "join",
    "linear_onecycle_schedule": "one_cycle",
    "linear_schedule": "linear",
    "piecewise_constant_schedule": "piecewise_constant",
    "piecewise_interpolate_schedule": "piecewise_linear",
    "polynomial_schedule": "polynomial",
    "sgdr_schedule": "warmup_cosine_restarts",
    "warmup_constant_schedule": "warmup_constant",
    "warmup_cosine_decay_schedule": "warmup_cosine",
    "warmup_exponential_decay_schedule": "warmup_exponential",
}
_ENDINGS = ("scheduler", "schedule", "decay", "lr")


def no_attribute(module_name: str, name: str, names: Iterable[str], otherwise: str = "") -> AttributeError:
    """Return the error for the ``__getattr__`` of a module.

    Args:
      module_name: The name of the module, such as ``warmup_optax.compat.torch``.
      name: The unknown attribute name.
      names: The names in the module. A dotted name is suggested for its last part.
      otherwise: The hint if no name is similar.

    Returns:
      An `AttributeError` to raise. It says where to find the feature, or suggests the nearest names of the
      module or of the modules in `compat`.

    >>> no_attribute("warmup_optax", "SGDR", ["cosine"])
    AttributeError("module 'warmup_optax' has no attribute 'SGDR'; warmup_cosine_restarts is the recipe, \
and restart repeats any schedule")
    >>> no_attribute("warmup_optax", "warm_up_cosine", ["warmup_cosine", "cosine", "linear"])
    AttributeError("module 'warmup_optax' has no attribute 'warm_up_cosine'; did you mean warmup_cosine?")
    """
    message = f"module {module_name!r} has no attribute {name!r}"
    if name.startswith("_"):  # looked up by Python itself, and by tools that look for methods
        return AttributeError(message, name=name)
    names = list(names)
    ported = _in_compat(module_name, name)
    first = ported if ".compat" in module_name else ""
    hint = first or _renamed(name, names) or _elsewhere(name) or _nearest(name, names) or ported or otherwise
    return AttributeError(f"{message}; {hint}" if hint else message, name=name)


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _renamed(name: str, names: Iterable[str]) -> str:
    """Return a hint for a name of an earlier version or of Optax, or ""."""
    if name in RENAMED:
        return f"did you mean {RENAMED[name]}?"
    if name in OPTAX:
        return f"did you mean {OPTAX[name]}? compat.optax.{name} takes the arguments of Optax"
    return f"did you mean wo.nodes.{name}?" if f"wo.nodes.{name}" in names else ""


def _elsewhere(name: str) -> str:
    folded = _folded(name).removeprefix("get")
    for ending in ("", *_ENDINGS):
        found = ELSEWHERE.get(folded.removesuffix(ending))
        if found:
            return found
    return ""


def _nearest(name: str, names: Iterable[str]) -> str:
    public = [name for name in names if not name.startswith(("_", "wo.nodes."))]
    folded = {_folded(each.rpartition(".")[2]): each for each in public}
    wanted = _folded(name)
    if wanted in folded:
        return f"did you mean {folded[wanted]}?"
    near = difflib.get_close_matches(wanted, folded, 3, 0.8)
    near = near or sorted((key for key in folded if len(wanted) > 3 and wanted in key), key=len)[:3]
    near = near or difflib.get_close_matches(wanted, folded, 3)
    return f"did you mean {' or '.join(folded[key] for key in near)}?" if near else ""


def _in_compat(module_name: str, name: str) -> str:
    """Return a hint that names the modules of `compat` with this name, or "". No module is imported."""
    folder = Path(__file__).parent / "compat"
    defines = re.compile(rf"^(?:def|class) {re.escape(name)}\b", re.MULTILINE)
    found = [path.stem for path in sorted(folder.glob("[!_]*.py")) if defines.search(path.read_text())]
    package = module_name.partition(".")[0]
    homes = [home for home in (f"{package}.compat.{stem}" for stem in found) if home != module_name]
    return f"{' and '.join(homes)} {'has' if len(homes) == 1 else 'have'} it" if homes else ""
