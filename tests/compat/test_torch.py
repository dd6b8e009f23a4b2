"""`compat.torch` compared with the tables of PyTorch's schedulers and of PyTorch-Learning-Rate-WarmUp."""

import inspect
import json

import numpy as np
import pytest
from support import golden

from warmup_optax.compat import torch


def maker(case):
    def make(name, **kwargs):
        constructor = getattr(torch, name)
        takes_lr = "lr" in inspect.signature(constructor).parameters
        return constructor(*[case.lr] * takes_lr, **kwargs)

    return make


@golden.each(golden.cases("torch") + golden.cases("seed_torch_warmup"))
def test_the_table(case):
    golden.run(case, maker(case))


def test_the_printed_twenty_rows():
    """The table that PyTorch-Learning-Rate-WarmUp prints for its own demonstration."""
    printed = json.loads((golden.TABLES / "seeds.json").read_text())["torch_warmup_table"]
    schedule = torch.LearningRateWarmUP(10, 0.01, torch.CosineAnnealingLR(0.01, T_max=10))
    golden.compare(schedule(printed["step"]), printed["lr"], golden.EXACT)


def test_a_late_start_begins_behind_the_step():
    counts = np.arange(40)
    for make in (
        lambda **late: torch.StepLR(0.1, 7, 0.5, **late),
        lambda **late: torch.MultiStepLR(0.1, [3, 9, 21], 0.5, **late),
        lambda **late: torch.LinearLR(0.1, total_iters=20, **late),
        lambda **late: torch.CosineAnnealingLR(0.1, 9, **late),
        lambda **late: torch.OneCycleLR(0.1, 30, **late),
        lambda **late: torch.CyclicLR(0.1, 0.5, 6, mode="exp_range", gamma=0.9, **late),
    ):
        np.testing.assert_array_equal(make(last_epoch=4)(counts), make()(counts + 5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("StepLR", 0.1, 0), "StepLR: step_size must be a whole number"),
        (("ConstantLR", 0.1, 1.5), "ConstantLR: factor must be a finite number >= 0 and <= 1"),
        (("LinearLR", 0.1, 0.0), "LinearLR: start_factor must be a finite number > 0"),
        (("LinearLR", 0.1, 0.5, 2.0), "LinearLR: end_factor must be a finite number >= 0"),
        (("CosineAnnealingLR", 0.1, 0), "CosineAnnealingLR: T_max must be"),
        (("CosineAnnealingWarmRestarts", 0.1, 5, 1.5), "T_mult must be a whole number"),
        (("CyclicLR", 0.1, 0.5, 4, 4, "sine"), "CyclicLR: mode must be one of"),
        (("OneCycleLR", 0.1), "OneCycleLR: total_steps must be a number of updates"),
        (("OneCycleLR", 0.1, 10, None, None, 1.5), "OneCycleLR: pct_start must be"),
        (("OneCycleLR", 0.1, 10, None, None, 0.1), "pct_start must be different from 1 / total_steps"),
        (("OneCycleLR", 0.1, 10, None, None, 0.3, "sine"), "anneal_strategy must be"),
        (("SequentialLR", [0.1, 0.2], []), "SequentialLR: milestones must be one fewer"),
    ],
)
def test_errors_speak_of_what_was_written(arguments, message):
    name, *rest = arguments
    with pytest.raises(ValueError, match=message):
        getattr(torch, name)(*rest)
