"""`compat.timm` compared with the installed library, over random arguments."""

import importlib.util
import sys
import types

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import live

from warmup_optax.compat import timm as ours

torch = pytest.importorskip("torch")
if "timm" not in sys.modules and (spec := importlib.util.find_spec("timm")):
    # Only its schedulers: the package itself needs torchvision and more.
    sys.modules["timm"] = types.ModuleType("timm")
    sys.modules["timm"].__path__ = list(spec.submodule_search_locations or [])
theirs = pytest.importorskip("timm.scheduler")
pytestmark = pytest.mark.live

WARMUP = {
    "warmup_t": st.one_of(st.just(0), st.integers(1, 30)),
    "warmup_lr_init": st.one_of(st.just(0.0), live.rates),
    "warmup_prefix": st.booleans(),
}
CYCLES = WARMUP | {
    "t_initial": st.integers(1, 50),
    "lr_min": st.one_of(st.just(0.0), live.rates),
    "cycle_mul": st.sampled_from([1.0, 1.0, 2.0, 3, 1.5, 0.5, 0.7]),
    "cycle_decay": st.one_of(st.just(1.0), live.decays),
    "cycle_limit": st.integers(0, 7),
}
MILESTONES = st.lists(st.integers(-2, 60), max_size=6)
STABLE = {
    "sizes": st.tuples(st.integers(1, 60), st.integers(0, 50)),
    "lr_min": st.one_of(st.just(0.0), st.sampled_from([1e-6, 1e-3])),
    "stable_fn": st.sampled_from(["constant", "rsqrt", "power"]),
    "stable_timescale": st.one_of(st.none(), st.integers(1, 50), st.just(12.5)),
    "stable_power": live.powers,
    "decay_fn": st.sampled_from(["linear", "1-sqrt", "cosine", "power", "exp", lambda part: 1 - part**3]),
    "decay_power": live.powers,
    "decay_ratio": st.sampled_from([0.1, 0.5, 0.01]),
    "warmup_t": live.short,
    "warmup_lr_init": st.one_of(st.just(0.0), live.rates),
}


def compare(name, lr, kwargs, skip=()):
    # Cycles that get shorter may be over, and timm's logarithm fail, before the warmup is.
    assume(kwargs.get("cycle_mul", 1) >= 1 or kwargs["t_initial"] > kwargs["warmup_t"])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = getattr(theirs, name)(optimizer, t_in_epochs=False, **kwargs)
    values = live.recorded(optimizer, scheduler.step_update)
    live.agree(getattr(ours, name)(lr, t_in_epochs=False, **kwargs), values, skip)


def restarts(kwargs):
    """The updates where a cycle is due: by its logarithm timm may be late."""
    start = kwargs["warmup_t"] if kwargs["warmup_prefix"] else 0
    bound, length, found = 0, kwargs["t_initial"], set()
    while kwargs["cycle_mul"] != 1 and bound < live.STEPS and length >= 1e-3:
        bound, length = bound + length, length * kwargs["cycle_mul"]
        if abs(bound - round(bound)) < 1e-6:
            found.add(start + round(bound))
    return [n for n in found if n < live.STEPS]


@given(
    lr=live.rates, kwargs=st.fixed_dictionaries(CYCLES | {"k_decay": st.sampled_from([1.0, 0.5, 1.5, 2.0])})
)
def test_cosine(lr, kwargs):
    compare("CosineLRScheduler", lr, kwargs, restarts(kwargs))


@given(
    lr=live.rates,
    kwargs=st.fixed_dictionaries(
        CYCLES | {"power": live.powers, "k_decay": st.sampled_from([1.0, 0.5, 1.5, 2.0])}
    ),
)
def test_poly(lr, kwargs):
    compare("PolyLRScheduler", lr, kwargs, restarts(kwargs))


@given(
    lr=live.rates,
    kwargs=st.fixed_dictionaries(
        CYCLES | {"lb": st.sampled_from([-7.0, -4.0, -1.0]), "ub": st.sampled_from([3.0, 1.0, 6.0])}
    ),
)
def test_tanh(lr, kwargs):
    compare("TanhLRScheduler", lr, kwargs, restarts(kwargs))


@given(
    lr=live.rates,
    kwargs=st.fixed_dictionaries(
        WARMUP
        | {
            "decay_t": st.one_of(live.lengths, st.just(2.5)),
            "decay_rate": st.one_of(live.decays, st.just(0.0)),
        }
    ),
)
def test_step(lr, kwargs):
    compare("StepLRScheduler", lr, kwargs)


@given(
    lr=live.rates,
    kwargs=st.fixed_dictionaries(WARMUP | {"decay_t": MILESTONES.map(sorted), "decay_rate": live.decays}),
)
def test_multi_step(lr, kwargs):
    compare("MultiStepLRScheduler", lr, kwargs)


@given(lr=live.rates, kwargs=st.fixed_dictionaries(STABLE))
def test_warmup_stable_decay(lr, kwargs):
    decay, more = kwargs.pop("sizes")
    kwargs |= {"decay_t": decay, "t_initial": decay + more}
    if kwargs["warmup_t"] == 0 and kwargs["stable_timescale"] is None:
        kwargs["stable_timescale"] = 20
    if kwargs["warmup_t"] == 0 and lr < kwargs["lr_min"]:
        return  # update 0 would have lr
    compare("WSDLRScheduler", lr, kwargs)


def test_noise_raises_an_error():
    with pytest.raises(ValueError, match=r"compat\.timm\.CosineLRScheduler: noise_range_t must be None"):
        ours.CosineLRScheduler(0.1, 10, noise_range_t=(3, 5))
    with pytest.raises(TypeError, match="lr_max"):
        ours.CosineLRScheduler(0.1, 10, lr_max=3)
