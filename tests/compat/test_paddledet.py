"""`compat.paddledet` compared with the tables of PaddleDetection, and its files."""

import pytest
import yaml
from support import golden

from warmup_optax.compat import paddledet

FILE = """
LearningRate:
  base_lr: 0.01
  schedulers:
  - !PiecewiseDecay
    gamma: 0.1
    milestones: [8, 11]
  - !LinearWarmup
    start_factor: 0.001
    steps: 10
"""


class LinearWarmup:
    """PaddleDetection's object for the YAML tag of this name."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


@golden.each(golden.cases("paddledet"))
def test_the_table(case):
    kwargs = dict(case.kwargs)
    golden.check(paddledet.LearningRate(**kwargs), case)


def test_a_file_with_tags():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor(
        "!", lambda load, name, node: {"name": name, **load.construct_mapping(node, True)}
    )
    case = golden.one("paddledet", "1x")
    golden.check(paddledet.from_config(yaml.load(FILE, Loader), step_per_epoch=4), case)


def test_objects_are_read_as_mappings():
    decay = {"name": "CosineDecay", "max_epochs": 3}
    warmup = LinearWarmup(steps=2, start_factor=0.5)
    expected = paddledet.LearningRate(
        1.0, [decay, {"name": "LinearWarmup", "steps": 2, "start_factor": 0.5}], step_per_epoch=4
    )
    assert paddledet.LearningRate(1.0, [decay, warmup], step_per_epoch=4) == expected


WARMUP = {"name": "LinearWarmup", "steps": 2}


@pytest.mark.parametrize(
    ("schedulers", "message"),
    [
        ([], "schedulers must be a decay and a warmup"),
        ([{"name": "CosineDecay"}], "schedulers must be a decay and a warmup"),
        ([WARMUP, WARMUP], r"schedulers\[0\] must be one of PiecewiseDecay, CosineDecay"),
        (
            [{"name": "CosineDecay", "epochs": 3}, WARMUP],
            r"schedulers\[0\]\['epochs'\] must be left out, got 3",
        ),
        ([{"name": "CosineDecay", "max_epochs": "3"}, WARMUP], "max_epochs must be a whole number"),
        ([{"name": "PiecewiseDecay", "gamma": [0.1]}, WARMUP], "gamma must be one for each milestone"),
        ([{"name": "PiecewiseDecay", "gamma": "0.1"}, WARMUP], "gamma must be a finite number"),
        ([{"name": "PiecewiseDecay", "values": [1, 0.5, 0.1]}, WARMUP], "values must be None with a warmup"),
        ([{"name": "CosineDecay"}, {"name": "LinearWarmup", "steps": 2.5}], "steps must be a whole number"),
        ([{"name": "CosineDecay"}, {"name": "ExpWarmup", "power": 0}], "power must be a finite number > 0"),
    ],
)
def test_errors_name_the_scheduler(schedulers, message):
    with pytest.raises((TypeError, ValueError), match=rf"^compat\.paddledet\.LearningRate: {message}"):
        paddledet.LearningRate(0.1, schedulers, step_per_epoch=4)


def test_a_base_file_must_be_merged():
    with pytest.raises(
        ValueError, match=r"LearningRate\.schedulers, got None; merge the files of _BASE_ first"
    ):
        paddledet.from_config(
            {"_BASE_": ["optimizer_1x.yml"], "LearningRate": {"base_lr": 0.1}}, step_per_epoch=4
        )
