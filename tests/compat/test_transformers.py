"""`compat.transformers` compared with the tables of Hugging Face's schedules."""

import numpy as np
import pytest
from support import golden

from warmup_optax.compat import transformers


@golden.each(golden.cases("transformers"))
def test_the_table(case):
    golden.run(case, lambda name, **kwargs: getattr(transformers, name)(case.lr, **kwargs))


@pytest.mark.parametrize("num_cycles", [1, 3, 5, 7, 10, 49])
def test_a_hard_restart_is_at_the_update_where_it_is_due(num_cycles):
    """``num_cycles * progress % 1.0`` is at times 0.999..., which is the end of the cosine before."""
    make = transformers.get_cosine_with_hard_restarts_schedule_with_warmup
    schedule = make(0.1, 4, 4 + 11 * num_cycles, num_cycles=num_cycles)
    np.testing.assert_array_equal(np.float32(schedule(4 + 11 * np.arange(num_cycles))), np.float32(0.1))
    assert float(schedule(4 + 11 * num_cycles)) == 0


def test_a_cycle_need_not_be_a_whole_number_of_updates():
    make = transformers.get_cosine_with_hard_restarts_schedule_with_warmup
    counts = np.arange(100)
    expected = 0.05 * (1 + np.cos(np.pi * (7 * counts % 100 / 100)))
    golden.compare(make(0.1, 0, 100, num_cycles=7)(counts), expected, golden.EXACT)


@pytest.mark.parametrize("name", transformers.SCHEDULES)
def test_by_name(name):
    special = {"warmup_stable_decay": {"num_decay_steps": 5}}.get(name, {})
    special |= {"min_lr": 0.01} if "min_lr" in name else {}
    lengths = {"num_warmup_steps": 5, "num_training_steps": 50}
    schedule = transformers.get_scheduler(name, 0.1, **lengths, scheduler_specific_kwargs=special)
    golden.check_saved(schedule)
    if name != "constant":
        assert schedule != transformers.get_scheduler(name, 0.2, 5, 50, special)
        with pytest.raises(ValueError, match="num_warmup_steps must be a number of updates"):
            transformers.get_scheduler(name, 0.1, num_training_steps=50, scheduler_specific_kwargs=special)


def test_a_late_start_begins_behind_the_step():
    make, counts = transformers.get_cosine_schedule_with_warmup, np.arange(40)
    late = make(0.1, 4, 20, last_epoch=6)
    np.testing.assert_array_equal(late(counts), make(0.1, 4, 20)(counts + 7))


def test_a_negative_floor_is_cut_at_0():
    schedule = transformers.get_cosine_with_min_lr_schedule_with_warmup(0.1, 0, 10, min_lr=-0.05)
    assert float(schedule(10)) == 0
    assert np.float32(schedule(20)) == np.float32(0.1)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("get_linear_schedule_with_warmup", {"num_warmup_steps": -1}, "num_warmup_steps must be"),
        ("get_polynomial_decay_schedule_with_warmup", {"lr_end": 0.2}, "lr_end must be below lr=0.1"),
        ("get_cosine_with_min_lr_schedule_with_warmup", {}, "min_lr must be given where min_lr_rate is not"),
        ("get_wsd_schedule", {"num_decay_steps": 2, "decay_type": "sine"}, "decay_type must be one of"),
    ],
)
def test_errors_speak_of_what_was_written(name, kwargs, message):
    with pytest.raises(ValueError, match=rf"^compat\.transformers\.{name}: {message}"):
        getattr(transformers, name)(0.1, **{"num_warmup_steps": 2, "num_training_steps": 9} | kwargs)


def test_a_wsd_needs_one_of_two_lengths():
    with pytest.raises(ValueError, match=r"num_training_steps must be a number .*num_stable_steps"):
        transformers.get_wsd_schedule(0.1, 5, 5)
    with pytest.raises(ValueError, match="name must be one of 'linear'"):
        transformers.get_scheduler("greedy", 0.1, 5, 50)
