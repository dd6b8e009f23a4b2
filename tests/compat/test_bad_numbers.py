"""Every number of every table, replaced by a value that is not a number: the error names the original's argument.

Each port checks its arguments before it computes with them. What the originals take as well, so that there is no
error, is listed below with the place in their code.
"""

import copy
import inspect
import math

import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import (
    axlearn,
    big_vision,
    deepspeed,
    fairseq,
    keras,
    levanter,
    maxtext,
    mediapipe,
    megatron,
    mmengine,
    neox,
    optax,
    paddle,
    paddledet,
    praxis,
    pytorch_warmup,
    scenic,
    t5x,
    tfm,
    timm,
    torch,
    transformers,
    trax,
)
from warmup_optax.compat._arguments import IGNORED, Declared

MODULES = {
    "axlearn": [axlearn],
    "big_vision": [big_vision],
    "deepspeed": [deepspeed],
    "fairseq": [fairseq],
    "keras": [keras],
    "levanter": [levanter],
    "maxtext": [maxtext],
    "mediapipe": [mediapipe, keras],
    "megatron": [megatron],
    "mmengine_runs": [mmengine],
    "neox": [neox],
    "optax": [optax],
    "paddle": [paddle],
    "paddle_rcnn": [paddle],
    "paddledet": [paddledet],
    "praxis": [praxis],
    "pytorch_warmup": [pytorch_warmup, torch],
    "scenic": [scenic],
    "seed_guide": [keras],
    "t5x": [t5x],
    "tfm": [tfm, keras],
    "timm": [timm],
    "torch": [torch],
    "transformers": [transformers],
    "trax": [trax],
}
# As YAML 1.1 reads 3e-4: as text.
BAD = {
    "text": lambda x: f"{x:.0e}",
    "None": lambda x: None,
    "NaN": lambda x: math.nan,
    "list": lambda x: [x, x, x],
}
# (table, argument, value), where the original accepts it too.
ACCEPTED = {
    (
        "fairseq",
        "lr",
        "list",
    ): "PolynomialDecayLRSchedule and FixedLRSchedule: cfg.lr is a list, lr[0] is used",
    ("levanter", "cycles", "list"): "_get_cycle_minima: a list of the ends of cycles",
    ("levanter", "cycle_length", "list"): "_get_cycle_minima: a list of lengths",
    ("paddledet", "gamma", "list"): "PiecewiseDecay.__init__: type(gamma) is list",
    ("axlearn", "sub", "None"): "as_schedule_fn(None) is a constant 1",
    ("axlearn", "segments", "None"): "as_schedule_fn(None) is a constant 1",
    ("scenic", "base_learning_rate", "unused"): "read by the factor constant alone",
    ("paddledet", "epochs", "unused"): "LinearWarmup.__call__: not read without epochs_first",
    ("big_vision", "steps", "None"): "kw.get(name + '_steps'): None counts as not given",
}
OTHERWISE = {
    ("transformers", "num_stable_steps"): {"num_training_steps"},
    ("transformers", "min_lr_rate"): {"min_lr"},
    ("mmengine_runs", "max_epochs"): {"end"},
    ("mmengine_runs", "max_iters"): {"end"},
}  # one of the two must be given
# None, where the original's own default is None, or where a mapping reads None as absent.
ABSENT = ("maxtext", "scenic", "big_vision", "paddledet", "mmengine_runs", "levanter")


def maker(case):
    def make(name, **kwargs):
        module = next(
            module for module in MODULES[case.peer] if hasattr(module, name) or len(MODULES[case.peer]) == 1
        )
        if case.peer == "scenic":
            return scenic.compound_lr_scheduler(kwargs)
        if case.peer == "trax" and isinstance(kwargs.get("tail_fn"), dict):
            kwargs["tail_fn"] = getattr(trax, kwargs["tail_fn"]["callable"].rpartition(".")[2])
        constructor = getattr(module, name)
        if case.peer == "pytorch_warmup":
            b2 = (
                {"b2": case.fields["optimizer"]["betas"][1]}
                if "b2" in inspect.signature(constructor).parameters
                else {}
            )
            return (
                constructor(case.lr, **b2, **kwargs)
                if module is pytorch_warmup
                else constructor(case.lr, **kwargs)
            )
        parameters = inspect.signature(constructor).parameters
        if "lr" in parameters and "lr" not in kwargs and "optimizer" in case.fields:
            kwargs = {"lr": case.lr, **kwargs}
        return constructor(**kwargs)

    return make


def numbers(x, path=()):
    """The paths to the numbers in the arguments of a case, without those of other callables."""
    if isinstance(x, bool) or (isinstance(x, dict) and "callable" in x):
        return
    if isinstance(x, (int, float)):
        yield path
    elif isinstance(x, (dict, list)):
        for key, value in x.items() if isinstance(x, dict) else enumerate(x):
            yield from numbers(value, (*path, key))


def replaced(x, path, change):
    x = copy.deepcopy(x)
    inner = x
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = change(inner[path[-1]])
    return x


def calls():
    """``(case, path, word)``: one of each kind by default, all of them with ``-m exhaustive``."""
    seen = set()
    for peer in MODULES:
        for case in golden.cases(peer):
            if case.raises_at_construction:
                continue
            for path in numbers(case.kwargs):
                for word in BAD:
                    kind = (
                        case.fields["callable"],
                        *(key if isinstance(key, str) else 0 for key in path),
                        word,
                    )
                    marks = pytest.mark.exhaustive if kind in seen else ()
                    seen.add(kind)
                    name = f"{peer}-{case.id}-{'.'.join(map(str, path))}-{word}"
                    yield pytest.param(case, path, word, id=name, marks=marks)


def unused(case, argument):
    """Return whether the port declares an argument as ignored."""
    for module in MODULES[case.peer]:
        constructor = getattr(module, case.callable, None)
        if constructor is not None and argument in inspect.signature(constructor).parameters:
            hints = inspect.get_annotations(inspect.unwrap(constructor), eval_str=True)
            found = Declared(hints.get(argument))
            return found.text == IGNORED or found.text.startswith("Ignored")
    return False


def optional(case, argument):
    for module in MODULES[case.peer]:
        constructor = getattr(module, case.callable, None)
        if constructor is not None and argument in inspect.signature(constructor).parameters:
            hints = inspect.get_annotations(inspect.unwrap(constructor), eval_str=True)
            return Declared(hints.get(argument)).optional
    return False


@pytest.mark.filterwarnings("ignore:Using unknown warmup_type")
@pytest.mark.parametrize(("case", "path", "word"), list(calls()))
def test_an_error_names_the_argument(case, path, word):
    kwargs = replaced(case.kwargs, path, BAD[word])
    changed = type(case)(case.peer, case.id, case.fields | {"kwargs": kwargs})
    named = {key for key in path if isinstance(key, str)}
    try:
        schedule, error = golden.build(changed, maker(case)), None
    except (wo.ArgumentError, wo.ArgumentTypeError) as refusal:
        schedule, error = None, refusal
    if error is None:
        assert isinstance(schedule, wo.Schedule)
        argument = path[-1] if isinstance(path[-1], str) else path[0]
        words = [(case.peer, argument, word), (case.peer, argument, "unused")]
        accepted = any(x in ACCEPTED for x in words) or unused(case, argument)
        absent = word == "None" and (case.peer in ABSENT or optional(case, argument))
        assert accepted or absent, f"{case.peer}: {argument} took {word}"
    else:
        assert error.function.startswith("compat.")
        words = set(error.argument.replace("'", "").replace("]", "").replace("[", ".").split("."))
        assert words & (named | OTHERWISE.get((case.peer, path[-1]), set())), str(error)
        if word == "text":
            assert "YAML 1.1 reads " in str(error)
            assert "or read the file with load" in str(error)
