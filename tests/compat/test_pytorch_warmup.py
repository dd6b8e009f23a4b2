"""`compat.pytorch_warmup` compared with the tables of pytorch-warmup."""

import numpy as np
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import pytorch_warmup, torch


def maker(case):
    inner = case.fields.get("inner_schedule")
    b2 = {"b2": case.fields["optimizer"]["betas"][1]} if not case.kwargs else {}

    def make(name, **kwargs):
        schedule = case.lr
        if inner is not None:
            schedule = getattr(torch, inner["callable"].rpartition(".")[2])(case.lr, **inner["kwargs"])
        return getattr(pytorch_warmup, name)(schedule, **kwargs, **b2)

    return make


@golden.each(golden.cases("pytorch_warmup"))
def test_the_table(case):
    golden.run(case, maker(case))


@pytest.mark.parametrize("b2", [0.61, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999])
def test_radam_in_float64(b2):
    t = np.arange(1, 4000, dtype=np.float64)
    longest = 2 / (1 - b2) - 1
    rho = longest - 2 * t * b2**t / (1 - b2**t)
    first = np.argmax(rho > 4)
    rho = rho[first:]
    factor = np.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
    schedule = pytorch_warmup.RAdamWarmup(0.1, b2)
    golden.compare(schedule(np.arange(len(rho))), 0.1 * factor, golden.EXACT)


def test_a_late_start_moves_the_factor_alone():
    decay, counts = wo.linear(1.0, 0.0, 50), np.arange(50)
    late = pytorch_warmup.LinearWarmup(decay, 20, last_step=4)
    golden.compare(late(counts), decay(counts) * np.minimum((counts + 6) / 20, 1), golden.EXACT)


@pytest.mark.parametrize("name", ["LinearWarmup", "ExponentialWarmup"])
def test_a_period_is_an_int_above_0(name):
    with pytest.raises(ValueError, match=rf"compat\.pytorch_warmup\.{name}: warmup_period"):
        getattr(pytorch_warmup, name)(0.1, 0)
    with pytest.raises(ValueError, match="warmup_period must be a whole number"):
        getattr(pytorch_warmup, name)(0.1, 2.5)
    with pytest.raises(TypeError, match="warmup_period must be an int"):
        getattr(pytorch_warmup, name)(0.1, 2.0)


@pytest.mark.parametrize("name", ["UntunedLinearWarmup", "UntunedExponentialWarmup", "RAdamWarmup"])
def test_a_decay_is_below_1(name):
    with pytest.raises(ValueError, match=rf"compat\.pytorch_warmup\.{name}: b2 must be"):
        getattr(pytorch_warmup, name)(0.1, 1.0)
