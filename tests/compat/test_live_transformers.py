"""`compat.transformers` compared with the installed library, over random arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import live

from warmup_optax.compat import transformers as ours

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("transformers.optimization")
pytestmark = pytest.mark.live

LENGTHS = {"num_warmup_steps": live.short, "num_training_steps": st.integers(0, 150)}
CYCLES = st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0, 1.25, 2.0, 3.0, 0.333])
LOWEST = st.one_of(
    st.fixed_dictionaries({"min_lr": live.rates}), st.fixed_dictionaries({"min_lr_rate": live.factors})
)
WSD = {
    "num_warmup_steps": live.short,
    "num_decay_steps": live.short,
    "warmup_type": st.sampled_from(["linear", "cosine", "1-sqrt"]),
    "decay_type": st.sampled_from(["linear", "cosine", "1-sqrt"]),
    "min_lr_ratio": st.one_of(st.just(0), live.factors),
    "num_cycles": CYCLES,
}
SCHEDULES = {
    "get_constant_schedule": st.just({}),
    "get_constant_schedule_with_warmup": st.fixed_dictionaries({"num_warmup_steps": live.short}),
    "get_linear_schedule_with_warmup": st.fixed_dictionaries(LENGTHS),
    "get_cosine_schedule_with_warmup": st.fixed_dictionaries(LENGTHS | {"num_cycles": CYCLES}),
    "get_polynomial_decay_schedule_with_warmup": st.fixed_dictionaries(
        LENGTHS | {"lr_end": st.sampled_from([0.0, 1e-7, 1e-6]), "power": live.powers}
    ),
    "get_inverse_sqrt_schedule": st.fixed_dictionaries(
        {"num_warmup_steps": live.short, "timescale": st.one_of(st.none(), st.integers(1, 500))}
    ),
    "get_cosine_with_min_lr_schedule_with_warmup": st.tuples(
        st.fixed_dictionaries(LENGTHS | {"num_cycles": CYCLES}), LOWEST
    ).map(lambda parts: parts[0] | parts[1]),
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": st.tuples(
        st.fixed_dictionaries(
            LENGTHS | {"num_cycles": CYCLES, "warmup_lr_rate": st.one_of(st.none(), live.factors)}
        ),
        LOWEST,
    ).map(lambda parts: parts[0] | parts[1]),
    "get_wsd_schedule": st.one_of(
        st.fixed_dictionaries(WSD | {"num_stable_steps": live.short}),
        st.fixed_dictionaries(WSD | {"num_training_steps": st.integers(0, 150)}),
    ),
}
RESTARTS = "get_cosine_with_hard_restarts_schedule_with_warmup"


def recorded(name, lr, kwargs):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = getattr(theirs, name)(optimizer, **kwargs)
    return live.recorded(optimizer, lambda n: scheduler.step())


@pytest.mark.parametrize("name", SCHEDULES)
@given(data=st.data(), lr=live.rates)
def test_schedules(name, data, lr):
    kwargs = data.draw(SCHEDULES[name])
    try:
        values = recorded(name, lr, kwargs)
    except (ArithmeticError, ValueError):  # without one rate there is no schedule
        return
    live.agree(getattr(ours, name)(lr, **kwargs), values)


@given(
    lr=live.rates,
    warmup=live.short,
    total=st.integers(0, 150),
    cycles=st.one_of(st.integers(1, 12), st.sampled_from([0.5, 1.5, 2.7])),
)
def test_hard_restarts(lr, warmup, total, cycles):
    kwargs = {"num_warmup_steps": warmup, "num_training_steps": total, "num_cycles": cycles}
    values = recorded(RESTARTS, lr, kwargs)
    # Where a cosine begins exactly, the original's remainder may be all but 1 instead of 0.
    rest = max(total - warmup, 1)
    begins = [
        n for n in range(warmup, total) if isinstance(cycles, int) and (n - warmup) * cycles % rest == 0
    ]
    live.agree(getattr(ours, RESTARTS)(lr, **kwargs), values, skip=begins)
    np.testing.assert_allclose(getattr(ours, RESTARTS)(lr, **kwargs)(np.array(begins, int)), lr, rtol=1e-6)


@pytest.mark.parametrize("name", ours.SCHEDULES)
def test_by_name(name):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    special = {"num_decay_steps": 20} if name == "warmup_stable_decay" else {}
    special |= {"min_lr": 0.01} if "min_lr" in name else {}
    scheduler = theirs.get_scheduler(name, optimizer, 10, 100, special)
    values = live.recorded(optimizer, lambda n: scheduler.step())
    live.agree(ours.get_scheduler(name, 0.1, 10, 100, special), values)
    live.agree(ours.get_scheduler(theirs.SchedulerType(name), 0.1, 10, 100, special), values)


def test_every_name_but_those_that_follow_a_metric():
    others = {"reduce_lr_on_plateau", "greedy"}
    assert {kind.value for kind in theirs.SchedulerType} - others == set(ours.SCHEDULES)
