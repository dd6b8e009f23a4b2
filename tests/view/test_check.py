"""`check`: what it finds, and that it finds nothing where nothing is wrong."""

import inspect
import itertools
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

import warmup_optax as wo
from warmup_optax._view import check as _check

RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}


# 153 counts of warmup and plateau: at 10 an update the decay begins between two updates.
SPED_UP = wo.warmup_stable_decay(1.0, warmup_steps=10, decay_steps=50, total_steps=203, decay_shape=wo.linear)


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
    wo.linear(0.1, 0.1, 50),  # ends early, and is no decay
]


@pytest.mark.parametrize("schedule", PLAIN, ids=range(len(PLAIN)))
def test_check_finds_nothing_in_plain_use(schedule):
    assert wo.check(schedule, 1000) == []


def test_a_check_of_one_curve_compiles_one_program(compilations):
    """At the counts of the run. The values at a few of them are looked up."""
    schedule = 0.75 * wo.polynomial(1e-3, 0.0, 1000, power=1.5)  # which no other test has
    before = compilations()
    assert names(schedule, 900) == [("still_falling", 899)]
    assert compilations() - before == 1


RECIPES = [
    wo.warmup_linear(1e-3, **RUN),
    wo.warmup_cosine(1e-3, **RUN),
    wo.warmup_polynomial(1e-3, power=2, **RUN),
    wo.warmup_constant(1e-3, warmup_steps=100),
    wo.warmup_exponential(1e-3, warmup_steps=100, decay_rate=0.9, transition_steps=10),
    wo.warmup_piecewise_constant([0.1, 0.01], [500], warmup_steps=100),
    wo.warmup_inverse_sqrt(1e-3, warmup_steps=100),
    wo.warmup_stable_decay(1e-3, **RUN, decay_steps=200),
    wo.warmup_cosine_restarts(1e-3, warmup_steps=100, cycle_steps=150, growth=2),
    wo.one_cycle(1e-3, total_steps=1000),
]


@pytest.mark.parametrize("schedule", RECIPES, ids=range(len(RECIPES)))
def test_every_recipe_passes_with_its_defaults(schedule):
    """From 0 the first update is idle, which is a note; a gate on warnings lets them pass."""
    found = wo.check(schedule, 1000)
    assert {finding.severity for finding in found} <= {"note"}
    assert ("zero_first_update" in {f.name for f in found}) == (float(schedule(0)) == 0)


@pytest.mark.parametrize(
    ("schedule", "steps", "expected"),
    [
        # the first update, and updates that are wasted
        (wo.warmup_cosine(1e-3, **RUN), 1000, [("zero_first_update", 0)]),
        (
            wo.join([0.0, 1.0], [5]),
            9,
            [("zero_at_the_start", 0), ("jump", 5)],
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
            [("ends_in_warmup", 49)],
        ),
        (wo.restart(wo.linear(1.0, 0.1, 10), period=10), 100, []),
        # runs that end inside the warmup, and those that only rise
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 100, [("ends_in_warmup", 99)]),
        (wo.warmup_cosine(1e-3, **RUN, init_value=1e-5), 101, [("still_falling", 100)]),
        (wo.with_warmup(1e-3, steps=100, init_value=1e-5, shape=wo.cosine), 60, [("ends_in_warmup", 59)]),
        (wo.linear(1e-5, 1e-3, 100), 99, [("ends_in_warmup", 98)]),
        (wo.linear(1e-5, 1e-3, 100), 100, []),
        # rises inside the run
        (wo.shapes.cosine_wave(1e-3, 0.0, 1000), 1900, [("rises_again", 1000)]),
        (wo.shapes.cosine_wave(1e-3, 0.0, 1000) * 0.1, 3000, [("rises_again", 1000)]),
        (wo.shapes.cosine_wave(1e-3, 0.0, 1000), 1000, [("rises_after_the_end", 1079)]),
        (wo.shapes.cosine_wave(1e-5, 1e-3, 1000), 2000, [("rises_after_the_end", 2095)]),
        (lambda count: 1.0 + jnp.cos(count.astype("float32") * 0.01), 500, [("rises_again", 314)]),
        (wo.shapes.triangle_wave(1e-5, 1e-3, 100), 1000, []),
        (
            wo.shapes.triangle_wave(1e-5, 1e-3, 100)
            * wo.exponential(1.0, decay_rate=0.5, transition_steps=200),
            999,
            [],
        ),
        (wo.restart(wo.cosine(1.0, 0.1, 100), period=100, growth=2), 1000, []),
        (
            wo.join(
                [wo.cosine(1.0, 0.1, 100), wo.linear(0.1, 1.0, 50), wo.cosine(1.0, 0.1, 100)], [100, 150]
            ),
            250,
            [],
        ),
        (wo.piecewise_linear([1.0, 0.1, 1.0, 0.1], [0, 10, 20, 30]), 30, []),
        # clocks
        (
            wo.stretch(
                wo.warmup_linear(1.0, warmup_steps=10**9, total_steps=10**11, init_value=0.1),
                Fraction(1, 2**22),
            ),
            1000,
            [("still_falling", 999)],
        ),
        (wo.linear(1.0, 0.1, 10**10), 10**10, [("beyond_the_clock", 2**31 - 1)]),
        (wo.constant(1.0), 10**10, []),
        # phases that meet between two updates
        (wo.stretch(SPED_UP, Fraction(1, 10)), 20, [("zero_first_update", 0), ("still_falling", 19)]),
        (wo.stretch(SPED_UP, Fraction(1, 10)), 21, [("zero_first_update", 0)]),
        (wo.stretch(wo.join([1.0, 0.5], [153]), Fraction(1, 10)), 20, [("jump", 16)]),
        (2 * wo.stretch(wo.join([1.0, 0.5], [153]), Fraction(1, 10)) + 1.0, 20, [("jump", 16)]),
        # floors
        (
            wo.exponential(1.0, decay_rate=0.9, transition_steps=10, end_value=1e-3),
            100,
            [("floor_not_reached", 99)],
        ),
        (wo.exponential(1.0, decay_rate=0.9, transition_steps=10, end_value=0.5) * 0.1, 100, []),
        (wo.clip(wo.linear(1.0, 0.5, 100), min_value=0.1), 100, [("floor_not_reached", 99)]),
        (wo.clip(wo.linear(1.0, 0.5, 100), min_value=0.1) * -1.0 * -1.0, 100, [("floor_not_reached", 99)]),
        (wo.clip(wo.linear(1.0, 0.5, 100), min_value=0.1) * -1.0, 100, [("negative", 0)]),
        (
            wo.restart(wo.exponential(1.0, decay_rate=0.9, transition_steps=10, end_value=1e-3), period=50),
            100,
            [("floor_not_reached", 49)],
        ),
        # reached in the second cycle
        (wo.clip(wo.restart(wo.linear(1.0, 0.5, 50), period=50, decay=0.5), min_value=0.3), 100, []),
        # values
        # a decay that is over before the run, at a rate above 0
        (wo.linear(1.0, 0.5, 90), 100, [("flat_to_the_end", 90)]),
        (wo.linear(1.0, 0.5, 98), 100, [("flat_to_the_end", 98)]),
        (wo.linear(1.0, 0.5, 99), 100, []),  # one update at the end value is how a run ends
        (wo.linear(1.0, 0.5, 100), 100, []),
        (wo.linear(0.5, 1.0, 90), 100, []),  # a warmup
        (wo.join([wo.linear(1.0, 0.5, 90), 0.5], [90]), 100, []),  # written as constant
        (wo.join([wo.linear(1.0, 0.5, 90), 0.5], [95]), 100, [("flat_to_the_end", 90)]),
        (wo.join([wo.linear(1.0, 0.5, 50), 0.25], [95]), 100, [("jump", 95)]),
        (wo.restart(wo.linear(1.0, 0.5, 30), period=40), 100, []),
        # a warmup that is over before the second update
        (
            wo.stretch(wo.warmup_constant(1.0, warmup_steps=1, init_value=0.1), Fraction(1, 10)),
            9,
            [("warmup_below_one_step", 0)],
        ),
        (wo.warmup_constant(1.0, warmup_steps=1, init_value=0.1), 9, []),
        (wo.stretch(wo.linear(1.0, 0.0, 5), Fraction(1, 10)), 1, []),  # a decay
        # cycles that are shorter than an update, and those that are just long enough
        (
            wo.stretch(wo.restart(wo.linear(1.0, 0.5, 9), period=9), Fraction(1, 10)),
            9,
            [("cycles_below_one_step", 0)],
        ),
        (wo.stretch(wo.restart(wo.linear(1.0, 0.5, 10), period=10), Fraction(1, 10)), 9, []),
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
        "the first update has rate 0 and changes nothing, and makes the parameters of Prodigy and "
        "D-Adaptation NaN; start the warmup at 1e-05, say, the rate of update 1"
    )
    assert str(zero) == f"step 0: note: zero_first_update: {zero.message}"
    assert zero == wo.nodes.Finding("zero_first_update", "note", 0, zero.message)
    with pytest.raises(AttributeError):
        zero.step = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_check_documents_every_name_that_it_gives():
    rows = re.findall(r"^([a-z_]+) +(warning|note) ", inspect.getdoc(wo.check) or "", re.MULTILINE)
    given = set(re.findall(r'_finding\(\s*"(\w+)"', Path(_check.__file__).read_text()))
    assert {name for name, _ in rows} == given
    assert {name for name, severity in rows if severity == "warning"} == set(_check.WARNINGS)
    assert {name for name, severity in rows if severity == "note"} == set(_check.NOTES)


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ((), ["zero_first_update", "zero_to_the_end"]),
        ("zero_to_the_end", ["zero_first_update"]),
        (["zero_to_the_end", "zero_first_update"], []),
        ({"jump"}, ["zero_first_update", "zero_to_the_end"]),
    ],
)
def test_findings_can_be_ignored(ignore, left):
    found = wo.check(wo.warmup_cosine(1e-3, **RUN), 1100, ignore=ignore)
    assert [finding.name for finding in found] == left


def test_a_name_that_no_finding_has_raises_an_error():
    with pytest.raises(
        ValueError, match=r"^check: ignore must be one or .*, got 'jumps'; did you mean jump\?"
    ):
        wo.check(wo.constant(1.0), 10, ignore="jumps")
    with pytest.raises(TypeError, match=r"^check: ignore must be"):
        wo.check(wo.constant(1.0), 10, ignore=3)  # pyright: ignore[reportArgumentType]


def test_a_port_that_climbs_back_to_its_peak_is_found():
    port = wo.compat.transformers.get_cosine_schedule_with_warmup
    schedule = port(1e-3, num_warmup_steps=100, num_training_steps=1000)
    warnings = [f for f in wo.check(schedule, 1900) if f.severity == "warning"]
    assert [(f.name, f.step) for f in warnings] == [("rises_again", 1000)]
    assert "falls to 0 at step 1000 and rises again, to 0.001" in warnings[0].message
    assert [f.name for f in wo.check(schedule, 1000) if f.severity == "warning"] == []


def test_a_jump_inside_a_cycle_is_reported_once():
    assert names(wo.restart(wo.join([1.0, 0.5], [5]), period=10), 40) == [("jump", 5)]


def test_a_wave_of_three_counts_is_one():
    wave = wo.as_schedule(lambda count: jnp.abs(count - 1).astype(jnp.float32) + jnp.float32(0.1))
    assert names(wave, 3) == [("rises_again", 1)]


def test_check_looks_at_long_runs_too():
    schedule = wo.warmup_cosine(1e-3, warmup_steps=1000, total_steps=10_000_000, init_value=1e-6)
    assert wo.check(schedule, 10_000_000) == []
    assert names(schedule, 10_000_500) == [("zero_to_the_end", 10_000_000)]
    assert names(wo.linear(1e-3, 0.0, 10**10), 2**31 - 1) == [("still_falling", 2**31 - 2)]


def test_bad_arguments_of_check_raise_errors():
    for steps, error in (
        (0, ValueError),
        (-5, ValueError),
        (2.5, ValueError),
        ("10", TypeError),
        (None, TypeError),
    ):
        with pytest.raises(error, match="check: total_steps must be a whole number of steps >= 1"):
            wo.check(wo.constant(1.0), steps)


def test_a_function_that_is_0_throughout_does_not_keep_falling():
    findings = wo.check(wo.as_schedule(lambda count: jnp.zeros(())), 100)
    assert [finding.name for finding in findings] == ["zero_to_the_end"]


@pytest.mark.parametrize(("boundary", "found"), [(2**31 - 1, False), (2**31, True)])
def test_a_phase_that_begins_at_the_last_count_of_the_clock(boundary, found):
    names = [finding.name for finding in wo.check(wo.join([1.0, 0.5], [boundary]), 2**31 + 9)]
    assert ("beyond_the_clock" in names) is found
