"""`compat.mmengine` compared with the tables of MMEngine, and its configurations."""

import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import mmengine

WARMUP = {"type": "LinearLR", "start_factor": 0.5, "by_epoch": False, "end": 4}


@golden.each(golden.cases("mmengine_runs"))
def test_a_run(case):
    golden.run(case, lambda name, **kwargs: mmengine.param_schedulers(**kwargs))


@golden.each([case for case in golden.cases("mmengine") if "momentum" not in case.id])
def test_schedulers_by_iteration(case):
    """The older table names classes; a length there is in epochs if there is an ``epoch_length``."""
    schedulers, length = [], None
    for given in case.kwargs["schedulers"]:
        fields = dict(given["kwargs"])
        length = fields.pop("epoch_length", None)
        fields |= {"by_epoch": length is not None, "convert_to_iter_based": length is not None}
        schedulers.append({"type": given["callable"].rpartition(".")[2], "end": 2**31 - 1, **fields})
        if fields.get("total_steps"):
            schedulers[-1]["end"] = fields["total_steps"] + 1
    schedule = mmengine.param_schedulers(schedulers, lr=case.lr, epoch_length=length)
    golden.check(schedule, case)


def test_a_momentum_is_no_learning_rate():
    schedulers = [WARMUP, {"type": "CosineAnnealingMomentum", "eta_min": 0.5, "end": 9}]
    assert mmengine.param_schedulers(schedulers, lr=1.0) == mmengine.param_schedulers([WARMUP], lr=1.0)


def test_a_whole_configuration():
    config = {
        "param_scheduler": [WARMUP, {"type": "mmengine.StepLR", "step_size": 1, "gamma": 0.5}],
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 1.0}},
        "train_cfg": {"type": "EpochBasedTrainLoop", "max_epochs": 3},
    }
    schedule = mmengine.from_config(config, epoch_length=5)
    assert schedule([0, 3, 4, 5, 9, 10, 14, 15]).tolist() == [0.5, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert mmengine.from_config(WARMUP, lr=1.0)([0, 3]).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("schedulers", "options", "message"),
    [
        ([{"type": "ReduceOnPlateauLR"}], {}, r"schedulers\[0\] must be of a type among StepLR"),
        ([{"type": "StepLR"}], {}, r"schedulers\[0\]\['step_size'\] must be given"),
        (
            [{"type": "StepLR", "step_size": "3"}],
            {},
            r"schedulers\[0\]\['step_size'\] must be a whole number",
        ),
        ([{"type": "StepLR", "step_size": 3, "gama": 1}], {}, r"schedulers\[0\]\['gama'\] must be left out"),
        (
            [{"type": "StepLR", "step_size": 3}],
            {},
            r"schedulers\[0\]\['end'\] must be given, got None; or give max_epochs",
        ),
        (
            [{"type": "StepLR", "step_size": 3, "end": 9}],
            {},
            "epoch_length must be a number of updates",
        ),
        ([{**WARMUP, "begin": 4}], {}, r"schedulers\[0\]\['end'\] must be above its begin \(4\), got 4"),
        ([{**WARMUP, "start_factor": 0}], {}, r"schedulers\[0\]\['start_factor'\] must be above 0"),
        ([{**WARMUP, "start_factor": 2}], {}, r"schedulers\[0\]\['start_factor'\] must be a finite number"),
        ([WARMUP, {"type": "OneCycleLR", "eta_max": 1.0, "by_epoch": False, "end": 9}], {}, "one at a time"),
        (5, {}, "schedulers must be a list of schedulers, got 5"),
    ],
)
def test_errors_speak_of_what_was_written(schedulers, options, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        mmengine.param_schedulers(schedulers, lr=1.0, **options)
    assert caught.value.function == "compat.mmengine.param_schedulers"


def test_a_missing_rate_is_named():
    with pytest.raises(wo.ArgumentError, match=r"a configuration with optim_wrapper\.optimizer\.lr"):
        mmengine.from_config({"param_scheduler": WARMUP})
