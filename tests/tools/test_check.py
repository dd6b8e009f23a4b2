"""`check`: what it finds, and that it finds nothing where nothing is wrong."""

import inspect
import itertools
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from catalogue import ONE_OF_EACH

import warmup_optax as wo
from warmup_optax._tools import check as _check
from warmup_optax._tools import phases as _phases

RECIPES = [case for case in ONE_OF_EACH if case.name.startswith(("warmup_", "one_cycle"))]
RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}


def names(schedule, total_steps):
    return [(finding.name, finding.step) for finding in wo.check(schedule, total_steps)]


PLAIN = [
    wo.warmup_linear(1e-3, **RUN, init_value=1e-5),
    wo.warmup_cosine(1e-3, **RUN, init_value=1e-5),
    wo.warmup_cosine(1e-3, **RUN, hold_steps=100, init_value=1e-5, end_value=1e-5, exponent=2),
    wo.warmup_polynomial(1e-3, power=2, **RUN, init_value=1e-5, end_value=1e-6),
    wo.warmup_constant(1e-3, warmup_steps=100, init_value=1e-5),
    wo.warmup_exponential(1e-3, warmup_steps=100, decay_rate=0.9, transition_steps=10, init_value=1e-5),
    wo.warmup_exponential(
        1e-3, warmup_steps=100, decay_rate=0.5, transition_steps=50, init_value=1e-5, end_value=1e-5
    ),
    wo.warmup_piecewise_constant([0.1, 0.01], [500], warmup_steps=100, init_value=1e-3),
    wo.warmup_inverse_sqrt(1e-3, warmup_steps=100, init_value=1e-5),
    wo.warmup_stable_decay(1e-3, **RUN, decay_steps=200, init_value=1e-5),
    wo.one_cycle(1e-3, total_steps=1000),
    wo.with_cooldown(wo.constant(1e-3), begin=800, steps=200),
    wo.constant(1e-3),
    wo.clip(wo.linear(1.0, 0.0, 1000), min_value=0.1),
]


@pytest.mark.parametrize("schedule", PLAIN, ids=range(len(PLAIN)))
def test_check_finds_nothing_in_plain_use(schedule):
    assert wo.check(schedule, 1000) == []


@pytest.mark.parametrize("case", RECIPES, ids=lambda case: case.name)
def test_check_says_no_more_of_the_recipes_defaults_than_is_true(case):
    """From 0 the first update is idle, and restarts rise again; nothing else is wrong with any recipe."""
    found = {name for name, _ in names(case.schedule, _phases.horizon(case.schedule))}
    assert found <= {"zero_first_update", "rises_after_the_end"}
    assert ("zero_first_update" in found) == (float(case.schedule(0)) == 0)
    assert ("rises_after_the_end" in found) == ("restarts" in case.name)


@pytest.mark.parametrize(
    ("schedule", "steps", "expected"),
    [
        # the first update, and updates that are wasted
        (wo.warmup_cosine(1e-3, **RUN), 1000, [("zero_first_update", 0)]),
        (
            wo.join([0.0, 1.0], [5]),
            9,
            [("zero_first_update", 0), ("jump", 5)],
        ),
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 1100, [("zero_to_the_end", 1000)]),
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 1001, [("zero_to_the_end", 1000)]),
        (wo.constant(0.0), 10, [("zero_to_the_end", 0)]),
        # the trap of user_needs 1: Optax's decay_steps includes the warmup
        (
            optax.warmup_cosine_decay_schedule(1e-5, 1e-3, 100, 1000 - 100),
            1000,
            [("zero_to_the_end", 900)],
        ),
        # jumps
        (wo.join([wo.linear(0.1, 1.0, 10), wo.cosine(0.5, 0.1, 90)], [10]), 100, [("jump", 10)]),
        (wo.join([wo.linear(0.1, 1.0, 2), wo.constant(0.5)], [2]), 100, [("jump", 2)]),
        (wo.join([wo.linear(0.1, 1.0, 10), wo.cosine(1.0, 0.1, 90)], [10], [0, 0]), 90, [("jump", 10)]),
        (wo.join([wo.linear(0.1, 1.0, 1), wo.cosine(1.0, 0.1, 90)], [1]), 91, []),
        (wo.join([wo.restart(wo.linear(1.0, 0.0, 10), period=10), 0.01], [50]), 100, [("jump", 50)]),
        (wo.join([wo.restart(wo.cosine(1.0, 0.01, 100), period=100), 0.01], [500]), 600, []),
        # ends
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 900, [("still_falling", 899)]),
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 999, []),
        (optax.cosine_decay_schedule(1e-3, 1000), 500, [("still_falling", 499)]),
        (wo.with_cooldown(1e-3, begin=900, steps=200), 1000, [("cooldown_cut", 900)]),
        (wo.with_cooldown(1e-3, begin=1000, steps=200), 1000, [("phase_not_reached", 1000)]),
        (
            wo.warmup_piecewise_constant([1.0, 0.5, 0.1], [100, 200], warmup_steps=0),
            100,
            [("phase_not_reached", 100)],
        ),
        (
            wo.warmup_linear(1e-3, **RUN, init_value=1e-5),
            50,
            [("rises_after_the_end", 50), ("phase_not_reached", 100)],
        ),
        (wo.restart(wo.linear(1.0, 0.1, 10), period=10), 100, [("rises_after_the_end", 100)]),
        # floors
        (
            wo.exponential(1.0, decay_rate=0.9, transition_steps=10, end_value=1e-3),
            100,
            [("floor_not_reached", 99)],
        ),
        (wo.exponential(1.0, decay_rate=0.9, transition_steps=10, end_value=0.5) * 0.1, 100, []),
        (wo.clip(wo.linear(1.0, 0.5, 100), min_value=0.1), 100, [("floor_not_reached", 99)]),
        # values
        (-wo.constant(1.0), 10, [("negative", 0)]),
        (wo.linear(1.0, -1.0, 10), 10, [("negative", 6)]),
        (lambda count: 1.0 / (50.0 - count.astype("float32")), 49, [("rises_after_the_end", 49)]),
        (lambda count: jnp.log(50.0 - count.astype("float32")), 51, [("not_finite", 50)]),
        (lambda count: jnp.sqrt(50.0 - count.astype("float32")), 60, [("not_finite", 51)]),
    ],
    ids=itertools.count(),
)
def test_check_finds(schedule, steps, expected):
    with jax.numpy_dtype_promotion("standard"):  # Optax's closures need it
        assert names(schedule, steps) == expected


def test_findings_say_what_to_do():
    (zero,) = wo.check(wo.warmup_cosine(1e-3, **RUN), 1000)
    assert zero.message == (
        "the first update has rate 0 and changes nothing; "
        "start the warmup at 1e-05, say, the rate of update 1"
    )
    assert str(zero) == f"step 0: zero_first_update: {zero.message}"
    assert zero == wo.Finding("zero_first_update", 0, zero.message)
    with pytest.raises(AttributeError):
        zero.step = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_check_documents_every_name_it_gives():
    table = re.findall(r"^([a-z]+_?[a-z_]*)  +[a-z]", inspect.getdoc(wo.check) or "", re.MULTILINE)
    given = set(re.findall(r'Finding\(\s*"(\w+)"', Path(_check.__file__).read_text()))
    assert set(table) - {"name"} == given
    assert len(given) == 10


def test_check_looks_at_long_runs_too():
    schedule = wo.warmup_cosine(1e-3, warmup_steps=1000, total_steps=10_000_000, init_value=1e-6)
    assert wo.check(schedule, 10_000_000) == []
    assert names(schedule, 10_000_500) == [("zero_to_the_end", 10_000_000)]
    assert names(wo.linear(1e-3, 0.0, 10**10), 2**31 - 1) == [("still_falling", 2**31 - 2)]


def test_check_refuses_bad_arguments():
    for steps, error in (
        (0, ValueError),
        (-5, ValueError),
        (2.5, ValueError),
        ("10", TypeError),
        (None, TypeError),
    ):
        with pytest.raises(error, match="check: total_steps must be a whole number of steps >= 1"):
            wo.check(wo.constant(1.0), steps)
