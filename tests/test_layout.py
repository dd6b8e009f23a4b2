"""The layout: imports run one way, the surface is curated, the documentation is executed."""

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import os
import pickle
import pkgutil
import re
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
# A folder may import those before it, and no other; `compat` the package, which imports it lazily.
ORDER = ["_extras", "_suggestions", "_core", "_shapes", "_combinators", "_recipes"]
ORDER += [
    "_view",
    "_run",
    "_optimizers",
    "_convert",
    "feedback",
    "nodes",
    "shapes",
    "",
    "_cli",
    "__main__",
    "compat",
]
CORE = ["_core", "_shapes", "_combinators", "_recipes"]


def folder(path):
    """`_recipes` for `_recipes.py`, `compat` for everything in that folder."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    """The modules of the package that a file imports, inside functions too: their files."""
    package = ["warmup_optax", *path.relative_to(PACKAGE).parts[:-1]]
    found, tree = [], ast.parse(path.read_text())
    only_types = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    ignored = {id(inner) for node in only_types for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name.split(".") for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            found += [[*base, alias.name] for alias in node.names]
    files = {_file(name[1:]) for name in found if name[0] == "warmup_optax"} - {path}
    lazily = PACKAGE / "compat" / "__init__.py"
    return files - {lazily} if path == PACKAGE / "__init__.py" else files


def _file(names):
    """The file of a dotted name, whose last parts may be what the module defines."""
    while names:
        path = PACKAGE.joinpath(*names)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file
        names = names[:-1]
    return PACKAGE / "__init__.py"


def imports(path):
    """The other folders that a file imports; "" for the package itself."""
    return {"" if folder(file) == "__init__" else folder(file) for file in imported(path)} - {folder(path)}


FOLDERS = sorted({folder(path) for path in FILES} - {"__init__"})


def test_the_folders_are_those_of_the_layout():
    """The layout in CONTRIBUTING.md names these; elsewhere the tests of this file would look at nothing."""
    assert set(ORDER) - {""} == set(FOLDERS)
    assert imports(PACKAGE / "_recipes.py") == {"_core", "_shapes", "_combinators"}
    drawn = (PACKAGE.parent / "CONTRIBUTING.md").read_text().partition("```text\n")[2].partition("tests/")[0]
    files = {
        path for path in FILES if path.name != "__init__.py" and folder(path) not in ("compat", "__main__")
    }
    assert {path.stem for path in files} - set(re.findall(r"\w+", drawn)) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    """No file imports a folder after its own, inside functions too."""
    place = "" if folder(path) == "__init__" else folder(path)
    assert imports(path) <= set(ORDER[: ORDER.index(place)])


def test_there_is_no_import_cycle():
    """Between files, within a folder too; the one exception is the lazy import of `compat`."""
    edges = {path: imported(path) for path in FILES}
    while edges:
        free = [path for path, others in edges.items() if not others & set(edges)]
        assert free, {str(path.relative_to(PACKAGE)) for path in edges}
        for path in free:
            del edges[path]


def test_an_unknown_name_imports_nothing():
    """Tools call `hasattr` with names that no module has. Each module is checked before the next is imported."""
    code = """
import sys
for name in ("warmup_optax", "warmup_optax.shapes", "warmup_optax.compat.torch"):
    module = __import__(name, fromlist=["nope"])
    before = set(sys.modules)
    print(name, hasattr(module, "nope"), *set(sys.modules) - before)
"""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    printed = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    names = ["warmup_optax", "warmup_optax.shapes", "warmup_optax.compat.torch"]
    assert printed.splitlines() == [f"{name} False" for name in names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_decorator_is_applied_twice(path):
    for node in ast.walk(ast.parse(path.read_text())):
        applied = [ast.dump(decorator) for decorator in getattr(node, "decorator_list", ())]
        assert len(applied) == len(set(applied)), f"{path.name}:{node.lineno}"


def test_the_oldest_releases_tested_are_the_floors():
    """`tests/oldest.txt` pins what `pyproject.toml` admits at the least."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    pins = Path(__file__).with_name("oldest.txt").read_text().split()
    assert [floor.replace(">=", "==") for floor in project["dependencies"]] == [p for p in pins if "==" in p]


def test_combinators_import_one_curve():
    """Of the shapes, combinators import only the default one, `linear`."""
    names = set()
    for path in (PACKAGE / "_combinators").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and "_shapes" in (node.module or ""):
                names |= {alias.name for alias in node.names}
    assert names == {"linear"}


def test_compat_uses_the_public_names_only():
    """A thin file per library, over what any user can import; their argument checks alone reach further."""
    further = {
        "_rules.py": {"", "_core"},
        "_arguments.py": {"_core"},
        "_config.py": {"_core"},
        "_port.py": {"", "_core", "_suggestions"},
    }
    for path in (PACKAGE / "compat").rglob("*.py"):
        allowed = further.get(path.name, {""})
        assert imports(path) <= allowed, path


# ------------------------------------------------------------------------------- the surface
def test_all_is_sorted_and_is_what_can_be_seen():
    """A curated `__init__`: `__all__` is the public names, in order, and what `dir` shows."""
    for module in (wo, wo.feedback, wo.shapes, wo.nodes):
        assert sorted(module.__all__) == list(module.__all__)
        visible = {
            name for name, value in vars(module).items() if name[0] != "_" and not inspect.ismodule(value)
        }
        assert visible <= set(module.__all__)
    assert dir(wo) == sorted(wo.__all__)
    assert {"compat", "feedback", "nodes", "shapes", "__version__"} <= set(dir(wo))


@pytest.mark.parametrize("module", [wo, wo.feedback, wo.shapes, wo.nodes], ids=lambda module: module.__name__)
def test_a_public_name_says_where_it_is_found(module):
    """A pickle names the module of a class: the public one, which does not change with the layout."""
    for name in set(module.__all__) - {"compat", "feedback", "nodes", "shapes", "__version__"}:
        value = getattr(module, name)
        home = wo if name in wo.__all__ else module
        assert value.__module__ == home.__name__, name
        assert getattr(importlib.import_module(value.__module__), value.__name__) is value


def test_a_pickle_does_not_carry_the_layout():
    """Schedules name the package alone."""
    kinds = wo.warmup_cosine(1.0, warmup_steps=1, total_steps=3), wo.shapes.tanh(1.0, 0.0, 3)
    for schedule in (*kinds, wo.join([kinds[0], wo.with_warmup(kinds[1], steps=2)], [4])):
        assert b"warmup_optax._" not in pickle.dumps(schedule)
        assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_names_that_are_imported_when_they_are_asked_for():
    import warmup_optax.compat

    ask = vars(wo)["__getattr__"]  # `wo.compat` would be there by now
    assert ask("compat") is warmup_optax.compat


def test_the_version_is_the_metadata_s():
    """One version, in `pyproject.toml`."""
    assert wo.__version__ == importlib.metadata.version("warmup-optax")


PINNED = """
Schedule as_schedule clip constant cosine exponential geometric inverse_sqrt inverse_time join
linear maximum minimum one_cycle one_minus_sqrt piecewise_constant piecewise_linear polynomial
restart sample plot shift stack stretch warmup_constant warmup_cosine warmup_cosine_restarts
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
    "stretch": "schedule, factor",
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
    "sample": "schedule, counts",
    "describe": "schedule, total_steps=None",
    "check": "schedule, total_steps, *, ignore=()",
    "compare": "old, new, count=None, *, total_steps=None",
    "plot": "schedules, total_steps=None, *, ax=None",
    "explore": "schedule, total_steps=None, *, compare=None",
    "load": "path, *, key=None",
    "save": "schedule, path",
    "groups": "factors",
    "layerwise": "decay, num_layers, *, pattern='layers/{}/', before=('embed',), after=('head',)",
    "with_feedback": "schedule, rule, *, argument='value'",
    "transfer_peak": "old, new, *, total_steps, new_total_steps=None, norms=None",
    "scale_hyperparams": "*, learning_rate, batch_size, base_batch_size, b1=None, b2=None, eps=None, "
    "weight_decay=None, rule='sqrt', length_ratio=1.0",
    "seesaw": "schedule, *, total_steps, batch_size, doublings",
    "checkpoint_weights": "shape, num_checkpoints",
    "one_cycle": "peak_value, *, total_steps, warmup_fraction=0.3, div_factor=25.0, "
    "final_div_factor=10000.0, shape=cosine",
}


def test_the_pinned_names_are_there_and_documented():
    """Users rely on these names; section 6: the docstring is the specification."""
    assert set(PINNED.split()) <= set(wo.__all__)
    for name in wo.__all__:
        if callable(getattr(wo, name)):
            assert len(inspect.getdoc(getattr(wo, name)) or "") > 100, name


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_pinned_signatures(name):
    """parameters, their order, their kinds and their defaults."""
    found = []
    for parameter in inspect.signature(getattr(wo, name)).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in found:
            found.append("*")
        default = getattr(parameter.default, "__name__", repr(parameter.default))
        required = parameter.default is parameter.empty
        found.append(parameter.name if required else f"{parameter.name}={default}")
    assert ", ".join(found) == SIGNATURES[name]


def test_importing_it_loads_no_more_than_optax():
    """Neither matplotlib nor anything that a plain `import optax` does not load."""
    code = """
import sys
import optax
before = {module.partition(".")[0] for module in sys.modules}
import warmup_optax
print(*{module.partition(".")[0] for module in sys.modules} - before)
"""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    loaded = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split()
    assert "warmup_optax" in loaded
    assert set(loaded) <= {"warmup_optax", "fractions"}  # one file of Python's own


# -------------------------------------------------------------------------------- examples
@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    """Every example is executed, as a user runs it: in JAX's default configuration."""
    module = importlib.import_module(name)
    promotion, rank = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with promotion, rank, jax.enable_x64(False):
        failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0


def test_every_public_function_of_the_core_has_an_example():
    """shapes, combinators and recipes each show one."""
    missing = [name for name in PINNED.split() if ">>>" not in (getattr(wo, name).__doc__ or "")]
    assert missing == []


CLASSES = [value for value in map(vars(wo.nodes).get, wo.nodes.__all__) if inspect.isclass(value)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_class_is_abstract_or_final(cls):
    """A class is abstract or final: no subclass overrides a method of a class with instances."""
    subclasses = [sub for sub in cls.__subclasses__() if sub.__module__.startswith("warmup_optax")]
    assert inspect.isabstract(cls) or not subclasses
    if issubclass(cls, wo.Schedule):  # and a type checker says so
        assert inspect.isabstract(cls) != getattr(cls, "__final__", False)
