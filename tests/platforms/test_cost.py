"""The cost of a schedule in a compiled train step, compared with the same step with a constant rate.

On a GPU every launch counts. XLA decides whether a scalar is computed inside the kernels that use it or
once, in a small separate kernel. For an A100 it does the latter with any schedule, Optax's linear schedule
too: there, the limit is the cost of that linear schedule, and one more. A table that must be searched (more than
eight phases, or cycles that grow) may cost one launch. On a TPU the scalar unit does it; fusions count.
"""

import functools

import jax
import numpy as np
import optax
import pytest
from support.catalogue import ONE_OF_EACH
from support.hlo import Program
from support.targets import matrices, train_step

import warmup_optax as wo

LINE = optax.linear_schedule(1e-3, 0.0, 1000)  # the plainest schedule there is
TABLE = 8  # rows; a longer table is searched
LONG = 16  # phases, as few as a table needs


def cosines(phases):
    """Join `n` cosines."""
    each = [wo.cosine(1.0 + i, 0.1, 20) for i in range(phases)]
    return wo.join(each, [20 * i for i in range(1, phases)])


def steps(phases):
    """Run `n` steps."""
    return wo.piecewise_constant([0.999**i for i in range(phases)], range(5, 5 * phases, 5))


@functools.cache
def step(target, schedule):
    """AdamW over two matrices."""
    return Program(train_step(target, optax.adamw(schedule), matrices("ab")).as_text())


def fixed(target):
    """The same step at a constant rate."""
    return step(target, wo.constant(1e-3))


def added(target, schedule, what="kernels"):
    """The cost that a schedule adds to the step."""
    return getattr(step(target, schedule), what) - getattr(fixed(target), what)


def longest_table(schedule):
    """The number of rows of its longest table; 1 for a schedule of plain numbers."""
    return max(np.size(leaf) for leaf in jax.tree.leaves(schedule.lower()))


def test_a_schedule_launches_no_kernel(gpu):
    """On CUDA: no separate kernel that XLA does not also create for Optax's simplest schedule."""
    plain = added(gpu, LINE)
    if gpu.name != "A100":
        assert plain == 0
    plain += gpu.name == "A100"
    found = {case.name: added(gpu, case.schedule) for case in cases_for(gpu)}
    # Knots between two counts, inside of cycles, are more than XLA repeats in each kernel.
    tables = {c.name for c in cases_for(gpu) if longest_table(c.schedule) > TABLE} | {
        "restart-piecewise_cosine"
    }
    allowed = {name: plain + (name in tables) for name in found}
    assert {name: cost for name, cost in found.items() if cost > allowed[name]} == {}


def cases_for(target):
    """One of each constructor on one GPU and one TPU; on the others a few, for the time it takes."""
    if target.name in ("H100", "TPU v5e"):
        return ONE_OF_EACH
    names = {"cosine", "piecewise_linear", "warmup_cosine", "warmup_exponential", "one_cycle"}
    return [case for case in ONE_OF_EACH if case.name in names]


def test_a_schedule_is_no_fusion_of_a_tpu(tpu):
    """On a TPU: scalar arithmetic; only a table needs a fusion."""
    scalars = [case for case in cases_for(tpu) if longest_table(case.schedule) == 1]
    costs = {case.name: added(tpu, case.schedule, "fusions") for case in scalars}
    assert {name: cost for name, cost in costs.items() if cost} == {}
    assert len(costs) > 2


@pytest.mark.parametrize(("join", "few", "many"), [(cosines, 2, 512), (steps, 4, 4096)])
def test_launches_do_not_grow_with_the_phases(gpu, join, few, many):
    """On CUDA: one launch more where there is a table to search, whatever its length."""
    assert added(gpu, join(many)) <= added(gpu, join(few)) + 1
    long = added(gpu, join(LONG), "instructions")
    assert added(gpu, join(many), "instructions") <= 2 * long


@pytest.mark.parametrize(("join", "few", "many"), [(cosines, 2, 512), (steps, 4, 4096)])
def test_the_program_of_a_tpu_does_not_grow_with_the_phases(tpu, join, few, many):
    """On a TPU: one small fusion for each eightfold of the phases, and about the same program."""
    assert added(tpu, join(few), "fusions") == 0
    assert added(tpu, join(many), "fusions") <= np.ceil(np.log(many) / np.log(8))
    long = added(tpu, join(LONG), "instructions")
    assert added(tpu, join(many), "instructions") <= 2 * long
