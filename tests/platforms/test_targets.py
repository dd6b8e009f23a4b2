"""Every constructor, and a train step with every constructor, compiled for TPUs and GPUs.

All schedules go into one program for each target, which takes seconds; if that has a loop, a branch or a
call in it, they are compiled one by one to say whose it is.
"""

import optax
from support import targets
from support.catalogue import CASES, ONE_OF_EACH
from support.hlo import Program, control_before
from support.targets import COUNT, lower_for, matrices, train_step

EVERY = {case.name: case.schedule for case in CASES}
FIRST = {case.name: case.schedule for case in ONE_OF_EACH}


def at(schedules, count):
    """All of them, as data."""
    return {name: schedule(count) for name, schedule in schedules.items()}


def bent(target, function, *arguments):
    """Return whether XLA's input, or the program it makes of it, leaves the straight line, and the program."""
    lowered = lower_for(target, function, *arguments)
    if control_before(lowered.as_text()):
        return True, None  # and some compilers fail on it
    program = lowered.compile()
    return bool(Program(program.as_text()).control), program


def check(target, function, schedules, *arguments):
    """One program for all; one for each, given both ways, only if there is something to find."""
    bends, program = bent(target, function, *arguments)
    assert program is None or targets.kinds(program) == {(target.device_platform, target.kind)}
    if bends:
        guilty = [
            name
            for name, schedule in schedules.items()
            if bent(target, lambda c, schedule=schedule: schedule(c), COUNT)[0]
            or bent(target, lambda s, c: s(c), schedule, COUNT)[0]
        ]
        raise AssertionError(f"for {target} these are no straight line: {guilty}")


def test_every_constructor(target):
    """Numbers closed over: the target is the target, and the program is a straight line."""
    check(target, lambda count: at(EVERY, count), EVERY, COUNT)


def test_every_constructor_as_data(target):
    """Numbers as arguments, so that nothing is folded away: still a straight line."""
    check(target, at, FIRST, FIRST, COUNT)


def test_train_step(target):
    """AdamW with a schedule of every kind, each for a separate matrix, data-parallel and donated."""
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
