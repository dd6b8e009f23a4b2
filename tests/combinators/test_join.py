"""Joins: whose phase it is, and what their programs cost."""

import jax
import numpy as np
import pytest

import warmup_optax as wo

COUNTS = np.arange(10)


def _lowered(function, *arguments):
    return jax.jit(function).lower(*arguments).as_text()


def test_a_join_costs_its_kinds_not_its_phases():
    """Law 7: 512 cosines trace to about the program of 2, and 96 mixed phases to that of 6.

    "About" is at most twice: a table of many boundaries is looked up in another way than one.
    """

    def sizes(phases):
        schedule = wo.join(phases, range(10, 10 * len(phases), 10))
        within = _lowered(lambda count: schedule(count), 0)
        as_data = _lowered(lambda s, count: s(count), schedule, 0)  # whose numbers come one by one
        return within.count("stablehlo."), as_data.count("stablehlo.multiply")

    def cosines(n):
        return [wo.cosine(1.0 + i, 0.1, 10) for i in range(n)]

    def mixed(n):
        kinds = [wo.cosine, wo.linear, wo.geometric]
        return [kinds[i % 3](1.0 + i, 0.1, 10) for i in range(n)]

    assert np.all(np.array(sizes(cosines(512))) <= 2 * np.array(sizes(cosines(2))))
    assert np.all(np.array(sizes(mixed(96))) <= 2 * np.array(sizes(mixed(6))))


@pytest.mark.parametrize("kinds", ["ccl", "cclll", "lccl", "clclcl", "lcccll", "cllcclcc"])
def test_a_phase_is_evaluated_by_its_group(kinds):
    """Phases of one kind are a group, wherever they are in the row, next to each other or not."""
    make = {"c": wo.cosine, "l": wo.linear}
    schedules = [make[kind](1.0 + i, 0.5 * i, 10) for i, kind in enumerate(kinds)]
    joined = wo.join(schedules, range(10, 10 * len(kinds), 10))
    for i, schedule in enumerate(schedules):
        # As a part of a larger program it is rounded otherwise: both are within 8 ULP, law 4.
        np.testing.assert_allclose(joined(10 * i + COUNTS), schedule(COUNTS), rtol=2e-6)
