"""Fixtures for the tests of a target: the targets, one after the other."""

import pytest
from support import targets


def pytest_generate_tests(metafunc):
    """Each test that takes a `tpu`, a `gpu` or a `target` is run for all of them, or skipped."""
    lists = {"tpu": targets.TPUS, "gpu": targets.GPUS, "target": [*targets.TPUS, *targets.GPUS]}
    for name in lists.keys() & set(metafunc.fixturenames):
        marked = [pytest.param(target, marks=_needs(target)) for target in lists[name]]
        metafunc.parametrize(name, marked, ids=str)


def _needs(target):
    extra = {"tpu": "aot-tpu", "cuda": "aot-cuda"}[target.platform]
    reason = f"needs the compiler in the extra {extra}"
    return [pytest.mark.aot, pytest.mark.skipif(not targets.installed(target.platform), reason=reason)]
