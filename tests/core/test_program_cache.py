"""The cache of compiled programs keeps the allowed number of them, and no schedule."""

import functools
import gc
import threading
import weakref

import pytest

import warmup_optax as wo
from warmup_optax._core import evaluation


def steps(number, value=1.0):
    """A structure for each number."""
    return wo.piecewise_constant([value / (i + 1) for i in range(number + 1)], range(1, number + 1))


@pytest.fixture
def few(monkeypatch):
    """Room for three programs, and none there yet."""
    compiled = functools.lru_cache(3)(evaluation._compiled.__wrapped__)
    monkeypatch.setattr(evaluation, "_compiled", compiled)
    return lambda: compiled.cache_info().currsize


def test_the_programs_of_the_last_structures_are_kept(few, compilations):
    for number in (1, 2, 3, 1, 4):
        steps(number)(0)
    assert few() == 3
    before = compilations()
    for number in (1, 3, 4):  # 2 was asked for the longest time ago
        steps(number, 0.5)(0)
    assert compilations() == before


def test_a_program_keeps_no_schedule_alive(few):
    threads = threading.active_count()
    schedules = [wo.warmup_cosine(0.1 * k, warmup_steps=5, total_steps=50) for k in range(1, 20)]
    assert len({float(schedule(5)) for schedule in schedules}) == len(schedules)
    references = list(map(weakref.ref, schedules))
    del schedules
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)
    assert few() == 1
    assert threading.active_count() == threads


def test_a_function_has_its_program_with_its_schedule(few):
    """It may read what changes, so another schedule of that function must not find it."""
    schedule = wo.as_schedule(lambda count: 0.5) * 2.0
    assert schedule(0) == 1.0
    assert few() == 0
