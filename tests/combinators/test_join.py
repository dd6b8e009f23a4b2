"""Joins: what their programs cost."""

import jax
import numpy as np

import warmup_optax as wo


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
