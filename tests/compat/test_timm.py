"""`compat.timm` compared with the tables of timm's schedulers."""

import numpy as np
import pytest
from support import golden

from warmup_optax.compat import timm

LATE = "cosine-cyclemul3-log243"  # its logarithm of 243 is below 5


@golden.each(golden.cases("timm"))
def test_the_table(case):
    if case.id == LATE:
        values = [0.1 if step == 242 else value for step, value in zip(case.steps, case.values, strict=True)]
        case.fields.update(values=values)
    golden.run(case, lambda name, **kwargs: getattr(timm, name)(case.lr, **kwargs))


@pytest.mark.parametrize("multiplier", [2, 3, 5, 6, 7, 10])
@pytest.mark.parametrize("first", [1, 2, 3, 7, 10])
def test_a_restart_is_at_the_update_where_it_is_due(multiplier, first):
    schedule = timm.CosineLRScheduler(0.1, first, cycle_mul=multiplier, cycle_limit=100)
    due = first * np.cumsum(multiplier ** np.arange(8))
    np.testing.assert_array_equal(np.float32(schedule(due[due < 10**6])), np.float32(0.1))


def test_after_the_last_cycle_the_lowest_rate_holds():
    schedule = timm.PolyLRScheduler(0.1, 3, lr_min=0.01, cycle_mul=3, cycle_limit=5)
    assert float(schedule(362)) > 0.01
    np.testing.assert_array_equal(np.float32(schedule([363, 364, 10**6])), np.float32(0.01))


def test_a_decay_of_ones_own_is_a_table():
    make = {"lr_min": 0.01, "warmup_t": 3, "stable_fn": "rsqrt"}
    own = timm.WSDLRScheduler(0.1, 40, 30, decay_fn=lambda part: 1 - part**0.5, **make)
    golden.check_saved(own)
    counts = np.arange(80)
    golden.compare(own(counts), timm.WSDLRScheduler(0.1, 40, 30, **make)(counts), golden.EXACT)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("CosineLRScheduler", {"t_initial": 0}, "t_initial must be"),
        ("CosineLRScheduler", {"t_initial": 9, "noise_range_t": 5}, "noise_range_t must be None"),
        ("TanhLRScheduler", {"t_initial": 9, "lb": 4.0}, r"lb must be below ub=3\.0"),
        ("StepLRScheduler", {"decay_t": 0}, "decay_t must be"),
        ("WSDLRScheduler", {"t_initial": 9, "decay_t": 10}, "decay_t must be a finite number <= 9"),
        ("WSDLRScheduler", {"t_initial": 9, "decay_t": 3, "decay_fn": "sine"}, "decay_fn must be one of"),
        ("WSDLRScheduler", {"t_initial": 9, "decay_t": 3, "stable_fn": "rsqrt"}, "stable_timescale must be"),
    ],
)
def test_errors_speak_of_what_was_written(name, kwargs, message):
    with pytest.raises(ValueError, match=rf"^compat\.timm\.{name}: {message}"):
        getattr(timm, name)(0.1, **kwargs)


def test_an_unknown_argument_raises_an_error():
    with pytest.raises(
        TypeError, match=r"^compat\.timm\.StepLRScheduler: lr_max must be one of its arguments"
    ):
        timm.StepLRScheduler(0.1, 10, lr_max=1)
