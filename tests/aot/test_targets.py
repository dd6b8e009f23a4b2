"""Every constructor, and a train step with every constructor, compiled for TPUs and GPUs.

All schedules go into one program for each target, which takes seconds; if that has a loop, a branch or a
call in it, they are compiled one by one to say whose it is.
"""

import optax
import targets
from catalogue import CASES, ONE_OF_EACH
from hlo import Program
from targets import COUNT, compile_for, matrices, train_step

EVERY = {case.name: case.schedule for case in CASES}
FIRST = {case.name: case.schedule for case in ONE_OF_EACH}


def at(schedules, count):
    """All of them, as data."""
    return {name: schedule(count) for name, schedule in schedules.items()}


def controlled(target, schedules):
    """The names of those whose own program is not a straight line."""
    programs = {
        name: [
            compile_for(target, lambda c, schedule=schedule: schedule(c), COUNT),
            compile_for(target, lambda s, c: s(c), schedule, COUNT),
        ]
        for name, schedule in schedules.items()
    }
    return [
        name for name, pair in programs.items() if any(Program(program.as_text()).control for program in pair)
    ]


def test_every_constructor(target):
    """Numbers closed over: the target is the target, and the program is a straight line."""
    program = compile_for(target, lambda count: at(EVERY, count), COUNT)
    assert targets.kinds(program) == {(target.device_platform, target.kind)}
    if Program(program.as_text()).control:
        assert controlled(target, EVERY) == []


def test_every_constructor_as_data(target):
    """Numbers as arguments, so that nothing is folded away: still a straight line."""
    program = compile_for(target, at, FIRST, COUNT)
    assert targets.kinds(program) == {(target.device_platform, target.kind)}
    if Program(program.as_text()).control:
        assert controlled(target, FIRST) == []


def test_train_step(target):
    """AdamW with a schedule of every kind, each for a matrix of its own, data-parallel and donated."""
    optimizers = {name: optax.adamw(schedule) for name, schedule in FIRST.items()}
    params = matrices(FIRST)
    optimizer = optax.partition(optimizers, {name: name for name in FIRST})
    step = train_step(target, optimizer, params)
    assert targets.kinds(step) == {(target.device_platform, target.kind)}

    program = Program(step.as_text())
    assert not program.control
    assert {"all-reduce", "all-reduce-start"} & set(program.operations)  # the gradients' mean
    one = 4 * 64 * 64  # bytes of a matrix; donated are params and both moments
    assert step.memory_analysis().alias_size_in_bytes >= 3 * one * len(params)
