"""`compat.deepspeed` compared with the file of the installed package, over random arguments.

The file by itself: the package compiles kernels, and it is enough that its sources lie on the path.
"""

import logging

import numpy as np
import pytest
from support import golden, originals

import warmup_optax as wo
from warmup_optax.compat import deepspeed as ours

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.live

COUNTS = np.arange(100)


def some(rng, low=1e-4, high=1.0):
    return float(f"{rng.uniform(low, high):.3g}")


def arguments(name, rng):
    """Random arguments of a scheduler, by name."""
    kind, size = rng.choice(["log", "linear"]).item(), int(rng.integers(1, 40))
    if name == "LRRangeTest":
        names = ("min_lr", "step_size", "step_rate", "staircase")
        values = (some(rng), size, some(rng, 0, 3), bool(rng.random() < 0.5))
        return {f"lr_range_test_{key}": value for key, value in zip(names, values, strict=True)}
    if name == "OneCycle":
        return {
            "cycle_min_lr": some(rng),
            "cycle_max_lr": some(rng),
            "decay_lr_rate": some(rng, 0, 2),
            "cycle_first_step_size": int(rng.integers(8, 30)),
            "cycle_second_step_size": int(rng.choice([0, 9, 20])),
            "cycle_first_stair_count": int(rng.choice([0, 0, 3])),
            "cycle_second_stair_count": int(rng.choice([0, 0, 8])),
            "decay_step_size": int(rng.integers(0, 5)),
            "cycle_min_mom": some(rng),
            "cycle_max_mom": some(rng),
            "decay_mom_rate": some(rng, -1, 1),
        }
    given = {"warmup_num_steps": size, "warmup_type": kind}
    if name == "WarmupCosineLR":
        return given | {
            "total_num_steps": int(rng.integers(1, 90)),
            "warmup_min_ratio": some(rng),
            "cos_min_ratio": some(rng, -0.2, 0.5),
        }
    given |= {"warmup_min_lr": some(rng), "warmup_max_lr": some(rng)}
    return given | ({"total_num_steps": int(rng.integers(1, 90))} if name == "WarmupDecayLR" else {})


@pytest.fixture(scope="module")
def theirs():
    logger = {"logger": logging.getLogger("deepspeed")}
    return originals.load("deepspeed", "runtime/lr_schedules.py", {"deepspeed.utils": logger})


def played(theirs, name, lr, given):
    """The rate and the first beta of every update, in the order of DeepSpeed's engine."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = getattr(theirs, name)(optimizer, **given)
    rates, betas = [], []
    for _ in COUNTS:
        rates.append(optimizer.param_groups[0]["lr"])
        betas.append(optimizer.param_groups[0]["betas"][0])
        scheduler.step()
    return rates, betas


@pytest.mark.parametrize("name", list(ours.SCHEDULERS))
def test_random_arguments(name, theirs):
    rng = np.random.default_rng(15)
    for _ in range(200):
        given, lr = arguments(name, rng), some(rng)
        rates, betas = played(theirs, name, lr, given)
        schedule = ours.from_config({"type": name, "params": given}, lr=lr)
        # Where a line of momenta crosses 0 the difference of its two parts is left.
        golden.compare(wo.sample(schedule, COUNTS), rates, golden.EXACT, near_zero=1e-6, steps=COUNTS)
        if name == "OneCycle":
            momenta = wo.sample(ours.OneCycleMomentum(**given), COUNTS)
            golden.compare(momenta, betas, golden.EXACT, near_zero=1e-6, steps=COUNTS)
