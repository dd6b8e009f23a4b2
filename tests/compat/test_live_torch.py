"""`compat.torch` and `compat.pytorch_warmup` compared with the libraries themselves, over random arguments."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import golden, live

from warmup_optax.compat import pytorch_warmup as our_warmup
from warmup_optax.compat import torch as ours

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.live

SCHEDULES = {  # their own arguments, for one name each
    "StepLR": {"step_size": live.lengths, "gamma": st.one_of(live.decays, st.sampled_from([0.0, 1.0, 1.1]))},
    "MultiStepLR": {"milestones": st.lists(st.integers(-2, 150), max_size=12), "gamma": live.decays},
    "ConstantLR": {"factor": st.one_of(live.factors, st.just(0.0)), "total_iters": live.short},
    "LinearLR": {
        "start_factor": live.factors,
        "end_factor": st.one_of(live.factors, st.just(0.0)),
        "total_iters": live.short,
    },
    "ExponentialLR": {"gamma": st.one_of(live.decays, st.sampled_from([0.0, 1.0, 1.05]))},
    "PolynomialLR": {"total_iters": st.integers(0, 100), "power": st.one_of(live.powers, st.just(0.0))},
    "CosineAnnealingLR": {"T_max": st.integers(1, 100), "eta_min": st.one_of(st.just(0.0), live.rates)},
    "CosineAnnealingWarmRestarts": {
        "T_0": live.lengths,
        "T_mult": st.integers(1, 4),
        "eta_min": st.one_of(st.just(0.0), live.rates),
    },
}
CYCLES = {
    "base_lr": live.rates,
    "max_lr": live.rates,
    "step_size_up": st.one_of(live.lengths, st.sampled_from([2.5, 7.25, 10.1])),
    "step_size_down": st.one_of(st.none(), live.lengths, st.sampled_from([1.5, 3.2])),
    "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
    "gamma": st.one_of(live.decays, st.just(1.0)),
}
ONE_CYCLE = {
    "max_lr": live.rates,
    "total_steps": st.integers(1, 150),
    "pct_start": st.one_of(st.sampled_from([0.0, 0.25, 0.3, 0.5, 1 / 3, 1.0]), st.floats(0.0, 1.0)),
    "anneal_strategy": st.sampled_from(["cos", "linear"]),
    "div_factor": st.sampled_from([1.0, 10, 25.0]),
    "final_div_factor": st.sampled_from([1.0, 10, 1e4]),
    "three_phase": st.booleans(),
}


def sgd(lr):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def make(name, optimizer, kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(torch.optim.lr_scheduler, name)(optimizer, **kwargs)


def compare(name, lr, kwargs, schedule):
    optimizer = sgd(lr)
    scheduler = make(name, optimizer, kwargs)
    live.agree(schedule, live.recorded(optimizer, lambda n: scheduler.step()))


@pytest.mark.parametrize("name", SCHEDULES)
@given(data=st.data(), lr=live.rates)
def test_schedules(name, data, lr):
    kwargs = data.draw(st.fixed_dictionaries(SCHEDULES[name]))
    compare(name, lr, kwargs, getattr(ours, name)(lr, **kwargs))


@given(kwargs=st.fixed_dictionaries(CYCLES))
def test_cyclic(kwargs):
    compare("CyclicLR", 0.1, kwargs | {"cycle_momentum": False}, ours.CyclicLR(**kwargs))


@pytest.mark.parametrize("mode", ["cycle", "iterations"])
def test_cyclic_with_a_function(mode):
    kwargs = {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 5, "step_size_down": 7, "scale_mode": mode}
    kwargs |= {"scale_fn": lambda x: 1 / (1 + x)}
    optimizer = sgd(0.1)
    scheduler = make("CyclicLR", optimizer, kwargs | {"cycle_momentum": False})
    values = live.recorded(optimizer, lambda n: scheduler.step())
    golden.compare(ours.CyclicLR(**kwargs)(range(live.STEPS)), values, golden.EXACT)


@given(kwargs=st.fixed_dictionaries(ONE_CYCLE))
def test_one_cycle(kwargs):
    optimizer = sgd(0.1)
    try:
        scheduler = make("OneCycleLR", optimizer, kwargs | {"cycle_momentum": False})
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="pct_start"):
            ours.OneCycleLR(**kwargs)
        return
    live.agree(ours.OneCycleLR(**kwargs), live.recorded(optimizer, lambda n: scheduler.step()))


def nested(data, names):
    """Names and arguments of schedulers, but for those with which a late start differs or fails."""
    chosen = data.draw(st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=4))
    arguments = [data.draw(st.fixed_dictionaries(SCHEDULES[name])) for name in chosen]
    for kwargs in arguments:
        if "milestones" in kwargs:
            kwargs["milestones"] = [max(m, 0) for m in kwargs["milestones"]]
        if kwargs.get("total_iters") == 0:
            kwargs["total_iters"] = 7
        if kwargs.get("factor") == 0:
            kwargs["factor"] = 0.5
    return list(zip(chosen, arguments, strict=True))


@given(data=st.data(), lr=live.rates)
def test_one_after_the_other(data, lr):
    parts = nested(data, SCHEDULES)
    size = len(parts) - 1
    milestones = sorted(data.draw(st.lists(st.integers(0, 150), min_size=size, max_size=size)))
    optimizer = sgd(lr)
    schedulers = [make(name, optimizer, kwargs) for name, kwargs in parts]
    scheduler = make("SequentialLR", optimizer, {"schedulers": schedulers, "milestones": milestones})
    schedules = [getattr(ours, name)(lr, **kwargs) for name, kwargs in parts]
    live.agree(ours.SequentialLR(schedules, milestones), live.recorded(optimizer, lambda n: scheduler.step()))


@given(data=st.data(), lr=live.rates)
def test_all_parameters_together(data, lr):
    parts = nested(data, {"StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"})
    optimizer = sgd(lr)
    schedulers = [make(name, optimizer, kwargs) for name, kwargs in parts]
    scheduler = torch.optim.lr_scheduler.ChainedScheduler(schedulers)
    schedules = [getattr(ours, name)(lr, **kwargs) for name, kwargs in parts]
    live.agree(ours.ChainedScheduler(lr, schedules), live.recorded(optimizer, lambda n: scheduler.step()))


@given(lr=live.rates, last=st.integers(0, 60), size=live.lengths)
def test_begun_behind_a_step(lr, last, size):
    optimizer = sgd(lr)
    optimizer.param_groups[0]["initial_lr"] = lr
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.5 ** (n // size), last_epoch=last)
    values = live.recorded(optimizer, lambda n: scheduler.step())
    live.agree(ours.StepLR(lr, size, 0.5, last_epoch=last), values)


WARMUPS = {
    "LinearWarmup": {"warmup_period": live.lengths},
    "ExponentialWarmup": {"warmup_period": live.lengths},
    "UntunedLinearWarmup": {},
    "UntunedExponentialWarmup": {},
    "RAdamWarmup": {},
}


@pytest.mark.parametrize("name", WARMUPS)
@given(
    data=st.data(), lr=live.rates, b2=st.one_of(st.floats(0.8, 0.9999), st.sampled_from([0.9, 0.99, 0.999]))
)
def test_warmups(name, data, lr, b2):
    theirs = pytest.importorskip("pytorch_warmup")
    kwargs = data.draw(st.fixed_dictionaries(WARMUPS[name]))
    cosine = data.draw(st.one_of(st.none(), st.integers(10, 100)))
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=lr, betas=(0.9, b2))
    inner = None if cosine is None else make("CosineAnnealingLR", optimizer, {"T_max": cosine})
    warmup = getattr(theirs, name)(optimizer, **kwargs)

    def advance(n):
        with warmup.dampening():
            if inner is not None:
                inner.step()

    schedule = lr if cosine is None else ours.CosineAnnealingLR(lr, cosine)
    untuned = {} if kwargs else {"b2": b2}
    live.agree(getattr(our_warmup, name)(schedule, **kwargs, **untuned), live.recorded(optimizer, advance))
