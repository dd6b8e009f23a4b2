"""`compat.neox` compared with the tables of GPT-NeoX, and the keys of its files."""

import pytest
from support import golden

from warmup_optax.compat import neox

BLOCK = {"optimizer": {"type": "Adam", "params": {"lr": 6e-4, "betas": [0.9, 0.95]}}, "train_iters": 400}


@golden.each(golden.cases("neox"))
def test_the_table(case):
    golden.run(case, lambda name, **kwargs: getattr(neox, name)(**kwargs))


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        ({}, (6e-4, 4.0, 400, "linear")),
        ({"lr-decay-iters": 200, "warmup": 0.1, "lr-decay-style": "cosine"}, (6e-4, 20.0, 200, "cosine")),
        ({"lr_decay_fraction": 0.333, "warmup": 0}, (6e-4, 0, 133, "linear")),
        ({"lr_decay_fraction": 0.5, "lr_decay_iters": 300}, (6e-4, 3.0, 300, "linear")),
    ],
)
def test_the_keys(keys, arguments):
    assert neox.from_config(BLOCK | keys) == neox.AnnealingLR(*arguments)


def test_the_lowest_rate_and_a_length_that_epochs_decide():
    block = BLOCK | {"min-lr": 6e-5, "train_iters": None, "train_epochs": 2}
    assert neox.from_config(block, train_iters=400) == neox.AnnealingLR(6e-4, 4.0, 400, "linear", min_lr=6e-5)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"optimizer": {}}, r"config must be a configuration with optimizer\.params\.lr"),
        ({"train_iters": None}, "config must be a configuration with lr_decay_iters"),
        ({"warmup": 10}, "warmup must be a finite number >= 0 and < 1, got 10; it is a fraction"),
        ({"lr_decay_style": "step"}, "lr_decay_style must be one of 'constant'"),
        ({"min_lr": 1.0}, "min_lr must be a finite number <= 0.0006"),
        ({"optimizer": {"params": {"lr": "6e-4"}}}, "lr must be a finite number, got '6e-4'"),
    ],
)
def test_errors_name_the_key(keys, message):
    with pytest.raises((TypeError, ValueError), match=rf"^compat\.neox\.from_config: {message}"):
        neox.from_config(BLOCK | keys)
