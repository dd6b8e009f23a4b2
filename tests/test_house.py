"""The house: imports run one way, the surface is curated, the documentation is executed."""

import ast
import doctest
import functools
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import pytest

import warmup_optax as wo

PACKAGE = Path(wo.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = sorted({wo.__name__, *(m.name for m in pkgutil.walk_packages([PACKAGE], "warmup_optax."))})
NAMED = ["_checks", "_schedule", "_shapes", "_combinators", "_recipes"]  # from the ground upwards
BESIDE = {"_tools", "_units", "_state", "compat"}  # nothing in the core imports these
LIMIT = 400  # lines of a file


def room(path):
    """`_shapes` for `_shapes.py`, `compat` for everything in that folder."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """The other rooms that a file imports, at any depth of its code; "" for the package itself."""
    package = ["warmup_optax", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name.split(".") for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            found += [[*base, alias.name] for alias in node.names]
    ours = [name[1:] or [""] for name in found if name[0] == "warmup_optax"]
    return {name[0] if name[0] in ROOMS else "" for name in ours} - {room(path)}


ROOMS = sorted({room(path) for path in FILES} - {"__init__"})


@functools.cache
def reached(name):
    """Every room that a room imports, directly or through others."""
    files = [path for path in FILES if room(path) == name]
    direct = set().union(*(imports(path) for path in files)) if files else set()
    return direct.union(*(reached(other) for other in direct if other))


def test_the_named_rooms_are_there():
    """Section 1 names these; if they are elsewhere the tests of this file look at nothing."""
    assert set(NAMED) | BESIDE <= set(ROOMS)
    assert imports(PACKAGE / "_recipes.py")


def test_the_oldest_releases_tested_are_the_floors():
    """`tests/oldest.txt` pins what `pyproject.toml` admits at the least."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    pins = Path(__file__).with_name("oldest.txt").read_text().split()
    assert [floor.replace(">=", "==") for floor in project["dependencies"]] == [p for p in pins if "==" in p]


@pytest.mark.parametrize("name", ROOMS)
def test_imports_run_one_way(name):
    """Section 1: no room is imported, however indirectly, by a room that it imports."""
    for other in reached(name) - {""}:
        assert name not in reached(other), f"{name} and {other} import each other"


def test_the_core_looks_neither_up_nor_beside():
    """Section 1: a named room reaches none above it, and none of the side rooms."""
    for i, name in enumerate(NAMED):
        assert not reached(name) & {*NAMED[i + 1 :], *BESIDE, ""}, name
    assert reached("_checks") == set()
    assert reached("_units") <= {"_checks"}


def test_combinators_know_one_curve_by_name():
    """Section 1: of the shapes, combinators import only the default one, `linear`."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / "_combinators.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("_shapes"):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "_shapes":
            names.add(node.attr)
    assert names <= {"linear", "Linear"}


def test_compat_uses_the_public_names_only():
    """Section 1: a thin file per library, over what any user can import."""
    for path in (PACKAGE / "compat").rglob("*.py"):
        assert imports(path) <= {""}, path.name


# ------------------------------------------------------------------------------- the surface
def test_all_is_sorted_and_is_what_can_be_seen():
    """A curated `__init__`: `__all__` is the visible public names, in order."""
    visible = {name for name in vars(wo) if not name.startswith("_")}
    modules = {name for name in visible if inspect.ismodule(getattr(wo, name))}
    assert sorted(wo.__all__) == list(wo.__all__)
    assert set(wo.__all__) - {"__version__"} >= visible - modules
    assert set(wo.__all__) <= visible | {"__version__"}
    assert modules <= {"compat"}


PINNED = """
Schedule as_schedule clip constant cosine exponential geometric inverse_sqrt inverse_time join
linear one_cycle one_minus_sqrt piecewise_constant piecewise_linear polynomial product restart
sample plot scale shift stack warmup_constant warmup_cosine warmup_cosine_restarts
warmup_exponential warmup_inverse_sqrt warmup_linear warmup_piecewise_constant warmup_polynomial
warmup_stable_decay with_cooldown with_warmup
"""
SIGNATURES = {
    "cosine": "init_value, end_value, steps, *, exponent=1.0",
    "exponential": "init_value, *, decay_rate, transition_steps, staircase=False, end_value=None",
    "join": "schedules, boundaries, offsets=None",
    "polynomial": "init_value, end_value, steps, *, power, origin='end'",
    "restart": "schedule, *, period, growth=1, decay=1.0",
    "with_warmup": "schedule, *, steps, init_value=0.0, shape=linear, overlap=False",
    "with_cooldown": "schedule, *, begin, steps, end_value=0.0, shape=linear",
    "clip": "schedule, min_value=None, max_value=None",
    "warmup_cosine": "peak_value, *, warmup_steps, total_steps, hold_steps=0, init_value=0.0, "
    "end_value=0.0, exponent=1.0",
    "warmup_exponential": "peak_value, *, warmup_steps, decay_rate, transition_steps, "
    "hold_steps=0, staircase=False, end_value=None, init_value=0.0",
    "warmup_inverse_sqrt": "peak_value, *, warmup_steps, timescale=None, init_value=0.0",
    "warmup_piecewise_constant": "values, boundaries, *, warmup_steps, init_value=0.0",
    "warmup_stable_decay": "peak_value, *, warmup_steps, decay_steps, total_steps, init_value=0.0, "
    "end_value=0.0, decay_shape=one_minus_sqrt",
    "warmup_cosine_restarts": "peak_value, *, warmup_steps, cycle_steps, growth=1, decay=1.0, "
    "init_value=0.0, end_value=0.0",
    "one_cycle": "peak_value, *, total_steps, warmup_fraction=0.3, div_factor=25.0, "
    "final_div_factor=10000.0, shape=cosine",
}


def test_the_pinned_names_are_there_and_documented():
    """Section 3: users rely on these names; section 6: the docstring is the specification."""
    assert set(PINNED.split()) <= set(wo.__all__)
    for name in wo.__all__:
        if callable(getattr(wo, name)):
            assert len(inspect.getdoc(getattr(wo, name)) or "") > 100, name


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_pinned_signatures(name):
    """Section 3: parameters, their order, their kinds and their defaults."""
    found = []
    for parameter in inspect.signature(getattr(wo, name)).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in found:
            found.append("*")
        default = getattr(parameter.default, "__name__", repr(parameter.default))
        required = parameter.default is parameter.empty
        found.append(parameter.name if required else f"{parameter.name}={default}")
    assert ", ".join(found) == SIGNATURES[name]


def test_importing_it_loads_no_more_than_optax():
    """Section 1: neither matplotlib nor anything that a plain `import optax` does not load."""
    code = "import sys, {}; print(*sorted(m.partition('.')[0] for m in sys.modules))"

    def loaded(name):
        environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
        command = [sys.executable, "-c", code.format(name)]
        return set(subprocess.check_output(command, env=environment, text=True).split())

    assert loaded("warmup_optax") - loaded("optax") == {"warmup_optax"}


# ------------------------------------------------------------------------- text and size
@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    """Section 6: every example is executed, as a user runs it: in JAX's default configuration."""
    module = importlib.import_module(name)
    promotion, rank = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with promotion, rank, jax.enable_x64(False):
        failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0


def test_every_public_function_of_the_core_has_an_example():
    """Section 6: shapes, combinators and recipes each show one."""
    missing = [name for name in PINNED.split() if ">>>" not in (getattr(wo, name).__doc__ or "")]
    assert missing == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_outgrows_its_concept(path):
    """A reader opens one file and reads it."""
    assert len(path.read_text().splitlines()) <= LIMIT
