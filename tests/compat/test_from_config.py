"""Blocks of real configuration files as they stand: keys and numbers, with what a reader makes of them."""

import math

import numpy as np
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import deepspeed, fairseq, levanter, maxtext, transformers

STEPS = 2000


def hugging(count, lr, warmup, decay):
    """A linear ramp, and a decay by the elapsed fraction."""
    return lr * (count / warmup if count < warmup else decay((count - warmup) / (STEPS - warmup)))


def cosine(p):
    return (1 + math.cos(math.pi * p)) / 2


HUGGING = {
    "axolotl ratio": (
        {"lr_scheduler": "cosine", "learning_rate": 0.0002, "warmup_ratio": 0.1},
        2e-4,
        200,
        cosine,
    ),
    "axolotl ratio is rounded down": (
        {"lr_scheduler": "linear", "learning_rate": 5e-6, "warmup_ratio": 0.03333},
        5e-6,
        66,
        lambda p: 1 - p,
    ),
    "axolotl default": ({"lr_scheduler": "cosine", "learning_rate": "2e-5"}, 2e-5, 60, cosine),
    "axolotl one step": (
        {"lr_scheduler": "cosine", "learning_rate": 1e-4, "warmup_steps": 1},
        1e-4,
        2,
        cosine,
    ),
    "axolotl constant": (
        {"lr_scheduler": "constant_with_warmup", "learning_rate": 1e-4, "warmup_steps": 10},
        1e-4,
        10,
        lambda p: 1.0,
    ),
    "axolotl floor": (
        {"lr_scheduler": "cosine", "learning_rate": 1e-4, "warmup_steps": 10, "cosine_min_lr_ratio": 0.1},
        1e-4,
        10,
        lambda p: 0.1 + 0.9 * cosine(p),
    ),
    "LLaMA-Factory": (
        {"lr_scheduler_type": "cosine", "learning_rate": "1.0e-4", "warmup_ratio": 0.1, "bf16": True},
        1e-4,
        200,
        cosine,
    ),
    "handbook": (
        {
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
            "learning_rate": 2.0e-05,
            "warmup_ratio": 0.03,
        },
        2e-5,
        60,
        lambda p: 0.1 + 0.9 * cosine(p),
    ),
    "json text": (
        {
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": '{"min_lr_rate": 0.1}',
            "learning_rate": "5.0e-7",
            "warmup_steps": 0.1,
        },
        5e-7,
        200,
        lambda p: 0.1 + 0.9 * cosine(p),
    ),
    "steps first": (
        {"lr_scheduler_type": "linear", "learning_rate": 1e-5, "warmup_steps": 5, "warmup_ratio": 0.1},
        1e-5,
        5,
        lambda p: 1 - p,
    ),
    "defaults": ({"output_dir": "out"}, 5e-5, 0, lambda p: 1 - p),
}


@pytest.mark.parametrize("name", HUGGING)
def test_training_arguments(name):
    block, lr, warmup, decay = HUGGING[name]
    counts = np.asarray([0, 1, 5, 60, 66, 67, 199, 200, 700, 1999])
    schedule = transformers.from_config(block, num_training_steps=STEPS)
    expected = [hugging(count, lr, warmup, decay) for count in counts]
    golden.compare(wo.sample(schedule, counts), expected, golden.EXACT, steps=counts)
    assert transformers.from_config({**block, "max_steps": STEPS}) == schedule


def test_axolotl_rises_by_a_square_and_stops_before_the_end():
    block = {"lr_scheduler": "cosine", "learning_rate": 1.0, "warmup_steps": 100}
    quadratic = transformers.from_config({**block, "lr_quadratic_warmup": True}, num_training_steps=STEPS)
    assert quadratic([0, 50, 100, 1050]).round(6).tolist() == [0.0, 0.25, 1.0, 0.5]
    ratios = {"cosine_min_lr_ratio": 0.5, "cosine_constant_lr_ratio": 0.8}
    stops = transformers.from_config(block | ratios, num_training_steps=STEPS)
    assert stops([100, 850, 1600, 1999]).round(6).tolist() == [1.0, 0.75, 0.5, 0.5]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            {"learning_rate": "${LEARNING_RATE}"},
            r"learning_rate must be a number, .*; fill in what the variable",
        ),
        ({"warmup_steps": 10}, "num_training_steps must be a number of updates, got None; or give max_steps"),
        ({"lr_scheduler_type": "greedy", "max_steps": 9}, "name must be one of 'linear'"),
        ({"lr_scheduler_kwargs": "min_lr=1", "max_steps": 9}, "lr_scheduler_kwargs must be a mapping"),
        ({"warmup_ratio": 5, "max_steps": 9}, r"warmup_ratio must be in \[0, 1\), got 5; write warmup_steps"),
    ],
)
def test_training_arguments_that_are_missing(block, message):
    with pytest.raises((TypeError, ValueError), match=message):
        transformers.from_config(block)


def run(lr, updates):
    return {"optimization": {"lr": lr, "max_update": updates}}


FAIRSEQ = [
    (
        {"_name": "polynomial_decay", "warmup_updates": 122},
        run(["2e-05"], 2036),
        fairseq.PolynomialDecayLRSchedule(2e-5, 2036, 122),
    ),
    (
        {"_name": "polynomial_decay", "warmup_updates": 8000, "total_num_update": 320000},
        run([5e-05], None),
        fairseq.PolynomialDecayLRSchedule(5e-5, 320_000, 8000),
    ),
    (
        {"_name": "tri_stage", "phase_ratio": [0.1, 0.4, 0.5], "final_lr_scale": 0.05},
        run([3e-05], 80000),
        fairseq.TriStageLRSchedule(3e-5, phase_ratio=[0.1, 0.4, 0.5], final_lr_scale=0.05, max_update=80_000),
    ),
    (
        {
            "_name": "tri_stage",
            "phase_ratio": None,
            "warmup_steps": 8000,
            "hold_steps": 0,
            "decay_steps": 72000,
            "final_lr_scale": 0.05,
        },
        run(["1e-5"], 60000),
        fairseq.TriStageLRSchedule(1e-5, 8000, 0, 72_000, final_lr_scale=0.05),
    ),
    (
        {"_name": "cosine", "warmup_updates": 4000},
        run(["6e-5"], 13000),
        fairseq.CosineLRSchedule(6e-5, 13_000, 4000),
    ),
    (
        {"_name": "fixed", "warmup_updates": 4},
        {"optimization": {"lr": [0.5, 0.25]}},
        fairseq.FixedLRSchedule([0.5, 0.25], 4),
    ),
    ("inverse_sqrt", run([0.0005], 400000), fairseq.InverseSquareRootSchedule(0.0005)),
]


@pytest.mark.parametrize(("block", "others", "schedule"), FAIRSEQ)
def test_fairseq(block, others, schedule):
    assert fairseq.from_config({"lr_scheduler": block, **others, "task": {"_name": "audio"}}) == schedule


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "config must be a configuration with lr_scheduler"),
        ({"lr_scheduler": "pass_through"}, "lr_scheduler must be a schedule, got 'pass_through'; each group"),
        ({"lr_scheduler": {"_name": "step"}}, r"lr_scheduler\._name must be one of 'inverse_sqrt'"),
        ({"lr_scheduler": {"_name": "cosine", "warmup": 4}}, r"lr_scheduler\.warmup must be left out, got 4"),
        (
            {"lr_scheduler": {"_name": "polynomial_decay"}, **run([0.1], "???")},
            r"config must be a configuration with optimization\.max_update, got '\?\?\?'",
        ),
        ({"lr_scheduler": {"_name": "polynomial_decay"}, **run(["a"], 9)}, "lr must be a number, got 'a'"),
    ],
)
def test_fairseq_that_is_incomplete(config, message):
    with pytest.raises((TypeError, ValueError), match=rf"compat\.fairseq\.from_config: {message}"):
        fairseq.from_config(config)


LEVANTER = [
    ({"learning_rate": "6E-4", "weight_decay": 0.1, "min_lr_ratio": 0.1}, 10000, {"learning_rate": 6e-4}),
    (
        {
            "learning_rate": 4e-4,
            "type": "adam",
            "beta2": 0.95,
            "warmup": 5000,
            "cooldown": None,
            "lr_schedule": "linear",
        },
        50000,
        {"learning_rate": 4e-4, "warmup": 5000, "lr_schedule": "linear"},
    ),
    (
        {
            "type": "sophia-h",
            "learning_rate": 0.85e-3,
            "gamma": 0.01,
            "warmup": "0.01",
            "skip_bad_steps": True,
        },
        20000,
        {"learning_rate": 0.85e-3},
    ),
    (
        {
            "learning_rate": 1e-3,
            "lr_schedule": {"type": "inv_sqrt", "timescale": "1e2"},
            "cycles": [100, "200"],
        },
        400,
        {"learning_rate": 1e-3, "lr_schedule": levanter.InvSqrtLrSchedule(100.0), "cycles": [100, 200]},
    ),
]


@pytest.mark.parametrize(("block", "steps", "arguments"), LEVANTER)
def test_levanter(block, steps, arguments):
    expected = levanter.lr_scheduler(steps, **arguments)
    config = {"optimizer": block, "trainer": {"num_train_steps": steps, "mp": "p=f32"}, "data": {}}
    assert levanter.from_config(config) == levanter.from_config(block, num_train_steps=steps) == expected


def test_levanter_raises_an_error_for_unknown_keys():
    with pytest.raises(
        wo.ArgumentError, match=r"optimizer\.warmup_steps must be left out, got 10; the schedule has"
    ):
        levanter.from_config({"warmup_steps": 10}, num_train_steps=10)
    with pytest.raises(wo.ArgumentError, match="num_train_steps must be a number of updates"):
        levanter.from_config({"warmup": 10})
    assert levanter.from_config({"optimizer": None}) == levanter.lr_scheduler(400_000)


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (
            {"base_config": "base.yml", "learning_rate": "5e-7", "steps": 10},
            {"learning_rate": 5e-7, "steps": 10},
        ),
        ({"learning_rate": 2e-5, "use_sft": True}, {"learning_rate": 2e-5}),
        (
            {"steps": 100_000, "learning_rate_schedule_steps": 100_000, "warmup_steps_fraction": 0.08},
            {"steps": 100_000, "learning_rate_schedule_steps": 100_000, "warmup_steps_fraction": 0.08},
        ),
    ],
)
def test_maxtext_is_read_over_its_base(block, fields):
    assert maxtext.from_config(block) == maxtext.create_learning_rate_schedule(**fields)
    assert maxtext.from_config(block, steps=7) == maxtext.create_learning_rate_schedule(
        **fields | {"steps": 7}
    )


def test_a_whole_deepspeed_file():
    block = {"type": "WarmupLR", "params": {"warmup_num_steps": 16}}
    config = {
        "optimizer": {"type": "Adam", "params": {"lr": 0.5}},
        "scheduler": block,
        "fp16": {"enabled": True},
    }
    assert deepspeed.from_config(config) == deepspeed.from_config(block, lr=0.5)
