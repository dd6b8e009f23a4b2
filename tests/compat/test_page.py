"""The page of `compat`, and what every schedule of its modules can do."""

import copy
import functools
import importlib
import inspect
import pathlib
import pickle
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import golden
from support.together import together

import warmup_optax as wo
from warmup_optax import compat
from warmup_optax.compat import axlearn, deepspeed, keras, levanter, mediapipe, optax, paddle, praxis, tfm

MODULES = {
    "optax": [optax],
    "keras": [keras],
    "seed_guide": [keras],
    "tfm": [tfm, keras],
    "mediapipe": [mediapipe, keras],
    "paddle": [paddle],
    "paddle_rcnn": [paddle],
}
DOCS = pathlib.Path(__file__).parents[2] / "docs"
DIFFERENCES = (DOCS / "coming_from/differences.md").read_text()
REFUSED = ("exp-rate0",)
FIRST = {
    case.callable: case
    for peer in reversed(MODULES)
    for case in reversed(golden.cases(peer))
    if len(case.steps) > 1 and case.id not in REFUSED
}
one_of_each = pytest.mark.parametrize("case", FIRST.values(), ids=FIRST)


def built(case):
    def make(name, **kwargs):
        return next(getattr(module, name) for module in MODULES[case.peer] if hasattr(module, name))(**kwargs)

    return golden.build(case, make)


def public(module):
    """The constructors of a module of `compat`."""
    return {name: x for name in module.__all__ if inspect.isfunction(x := getattr(module, name))}


@pytest.mark.parametrize("name", compat.__all__)
def test_every_library_has_its_page(name):
    module = importlib.import_module(f"warmup_optax.compat.{name}")
    assert getattr(compat, name) is module
    assert len(module.__doc__ or "") > 60
    assert f"| {name}" in DIFFERENCES or f", {name} " in DIFFERENCES


def test_an_unknown_library_is_named():
    with pytest.raises(AttributeError, match="no attribute 'jax'; it has axlearn, big_vision, deepspeed"):
        _ = compat.jax
    assert dir(compat) == sorted(compat.__all__)


def test_a_library_is_imported_when_it_is_asked_for():
    code = (
        "import sys, warmup_optax as wo; wo.from_config(wo.to_config(wo.warmup_constant(1.0, warmup_steps=9)));"
        "print([m for m in sys.modules if 'compat.' in m]);"
        "import warmup_optax.compat as c; c.mediapipe; print('warmup_optax.compat.mediapipe' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["[]", "True"]


@pytest.mark.parametrize("module", [optax, keras, tfm, mediapipe, paddle], ids=lambda module: module.__name__)
def test_every_constructor_is_tabled(module):
    for name in public(module):
        assert name in FIRST, f"{name} has no table"


RELEASES = dict(
    re.findall(r"^\| (\w+) \| ([^|]+) \|", (DOCS / "coming_from/releases.md").read_text(), re.MULTILINE)
)


def test_every_library_has_its_release_in_the_table():
    assert RELEASES.keys() - {"port"} == {*compat.__all__}


@pytest.mark.parametrize("name", compat.__all__)
def test_the_top_of_a_module_and_the_table_name_the_same_release(name):
    head = (importlib.import_module(f"warmup_optax.compat.{name}").__doc__ or "").split("\n\n")[0]
    release = re.search(r"(?<=at )[0-9a-f]{7}\b|\d+(?:\.\d+)+", head)
    assert release, head
    assert release[0] in RELEASES[name]


@pytest.mark.parametrize("name", compat.__all__)
def test_every_argument_has_its_line_and_every_range_is_shown(name):
    """`port` writes into the docstring and the signature what the annotations say."""
    for constructor, function in public(getattr(compat, name)).items():
        text = function.__doc__ or ""
        for argument, parameter in inspect.signature(function).parameters.items():
            line = re.search(rf"^  \*{{0,2}}{argument}(?: \((.*)\))?: (.+)$", text, re.MULTILINE)
            ranges = getattr(parameter.annotation, "__metadata__", ())
            assert line or parameter.annotation in (float | jax.Array, str, bool), (constructor, argument)
            assert all(str(x) in (line[1], line[2][0].lower() + line[2][1:-1]) for x in ranges), argument


@pytest.mark.parametrize("name", compat.__all__)
def test_every_constructor_has_an_example(name):
    for constructor, function in public(getattr(compat, name)).items():
        assert ">>>" in (function.__doc__ or ""), constructor


@pytest.mark.parametrize("module", [axlearn, deepspeed, levanter, praxis], ids=lambda module: module.__name__)
def test_every_constructor_of_a_code_base_is_documented_and_tabled(module):
    tabled = {case.callable for case in golden.cases(module.__name__.rpartition(".")[2])}
    tabled |= {"OneCycleMomentum", "from_config"}  # whose tables are those of OneCycle and of all
    for name, constructor in public(module).items():
        assert ">>>" in (constructor.__doc__ or ""), name
        assert name in tabled, f"{name} has no table"


def test_mediapipes_signature():
    """The signature that the seed document prints."""
    printed = golden.table("seeds")["mediapipe_doc"]["signature"]
    written = [
        p.name + ("" if p.default is p.empty else f"={p.default}")
        for p in inspect.signature(mediapipe.WarmUp).parameters.values()
    ]
    assert written == printed


@one_of_each
def test_it_is_a_value(case):
    schedule, again = built(case), built(case)
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert pickle.loads(pickle.dumps(schedule)) == copy.deepcopy(schedule) == schedule


def values_and_gradients(schedule, counts):
    """At each count the value, and its gradient by every real number of the schedule."""
    leaves, structure = jax.tree.flatten(schedule)
    is_real = [jnp.issubdtype(jnp.result_type(x), jnp.floating) for x in leaves]

    def at(real, count):
        found = iter(real)
        merged = [next(found) if wanted else x for wanted, x in zip(is_real, leaves, strict=True)]
        return jax.tree.unflatten(structure, merged)(count)

    real = [x for wanted, x in zip(is_real, leaves, strict=True) if wanted]
    return jax.vmap(jax.value_and_grad(at), (None, 0))(real, counts)


def test_values_and_gradients_are_finite_everywhere():
    def arguments(case):
        last = int(case.steps[-1])
        counts = [-1, 0, 1, 2, 5, 10, last - 1, last, last + 1, 2**24, 2**31 - 1]
        return built(case), np.asarray(counts, np.int32)

    calls = [functools.partial(arguments, case) for case in FIRST.values()]
    found = together(values_and_gradients, calls)
    for name, values in zip(FIRST, found, strict=True):
        assert not isinstance(values, Exception), (name, values)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(values)), name


def test_each_kind_of_phase_is_one_program():
    """A warmup around a ported decay costs what it would around our own."""
    ported = tfm.LinearWarmup(keras.CosineDecay(0.1, 90), 10, 0.0)
    assert ported == wo.with_warmup(wo.cosine(0.1, 0.0, 90), steps=10, overlap=True)
