"""Inline code of the documents is true: names are there, calls run, files exist.

Each span between backticks is one of these, decided by its form:

* a path (an ending of a file, or a folder of this repository in front): the file is there, and the test in it;
* **code**: an expression that names a library of `LIBRARIES`, that calls a public function by its bare name, or
  whose names are all known; or arguments in the form ``name=value``. It is evaluated, with `NAMES` and
  `OF_A_PAGE`;
* the same with ``...`` in it: its names are looked up, and nothing is called;
* words: everything else (a word, a shell command, a formula of another library). It is not read.

What looks like code and cannot run carries the mark ``<!-- not run -->`` behind the span: a line that is shown
because it is wrong, or code of another library. A mark on what runs is an error.
"""

import ast
import builtins
import contextlib
import copy
import dataclasses
import functools
import re
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(r"^ *(```+|:::+)[^\n]*\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)(\s*<!-- not run -->)?")
ROLE = re.compile(r"\{[\w:]+\}`[^`]*`")
ENDINGS = r"\.(?:py|md|txt|toml|json|ipynb|sh|mjs|html|css|svg|png)"
FOLDERS = r"(?:tests|docs|colab|benchmarks|warmup_optax|\.ci|\.github)/"
PATH = re.compile(rf"(?:[\w./]+{ENDINGS}|{FOLDERS}[\w./]*)(?:::(\w+))?")

LIBRARIES = {
    "wo": wo,
    "warmup_optax": wo,
    "optax": optax,
    "jax": jax,
    "jnp": jnp,
    "np": np,
    "lax": jax.lax,
    "functools": functools,
    "copy": copy,
    "dataclasses": dataclasses,
}
schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
params = {"w": jnp.ones(2)}
optimizer = optax.adamw(schedule)
opt_state = optimizer.init(params)


PUBLIC = frozenset(wo.__all__)
PUBLIC_NAMES = {name: getattr(wo, name) for name in wo.__all__}
NAMES = {
    "schedule": schedule,
    "optimizer": optimizer,
    "opt_state": opt_state,
    "params": params,
    "total_steps": 1000,
    "count": 7,
    "n": 7,
    "k": 4,
    "run": wo.TrainingRun(num_examples=80, batch_size=4, num_epochs=3, tokens_per_example=2),
    "schedules": [schedule, wo.linear(1.0, 0.5, 10)],
    "boundaries": [0, 100],
    "i": 1,
    "warmup_steps": 100,
    "step": 3,
    "steps_per_epoch": 20,
    "peak": 3e-4,
    "rate": schedule,
    "wd": 0.1,
    "W": 10,
    "T": 100,
}
OF_A_PAGE = {
    "guides/frameworks.md": {
        "optimizer": SimpleNamespace(opt_state=opt_state),
        "model": SimpleNamespace(optimizer=SimpleNamespace(learning_rate=3e-4)),  # of Keras
        "opt_state": optax.inject_hyperparams(optax.adamw)(schedule).init(params),
    },
    "guides/hyperparameters.md": {"s": schedule, "adamw": optax.adamw, "decay_per_update": 3e-5},
    "guides/steps.md": {"optimizer": SimpleNamespace(iterations=3)},  # of Keras
    "guides/deadline.md": {"schedule": SimpleNamespace(seen=lambda state: 7)},  # a counter_schedule
    "guides/keras_pytorch.md": {"optimizer": SimpleNamespace(learning_rate=3e-4)},  # of Keras
    "guides/own_nodes.md": {"my_function": lambda count: 0.1},
    "guides/groups.md": {"by_group": wo.groups({"": 1.0})},
}


def spans():
    for page in PAGES:
        name = str(page.relative_to(ROOT / "docs" if page.is_relative_to(ROOT / "docs") else ROOT))
        text = page.read_text()
        text = re.sub(r"\A---\n.*?^---$", "", text, flags=re.MULTILINE | re.DOTALL)
        for found in SPAN.finditer(ROLE.sub("", FENCE.sub("", text))):
            yield name, " ".join(found[1].split()), bool(found[2])


def parsed(text):
    """An expression, or arguments by name as those of a call; None if it is not Python."""
    if text.startswith("warmup-optax"):  # the command, not a difference
        return None
    with contextlib.suppress(SyntaxError, ValueError):
        return ast.parse(text, mode="eval").body
    if re.match(r"[a-z_]\w*=\S", text):
        with contextlib.suppress(SyntaxError, ValueError):
            return ast.parse(f"dict({text})", mode="eval").body
    return None


def is_code(tree, page):
    if isinstance(tree, ast.Name | ast.Constant | None):
        return False
    bound = {arg.arg for node in ast.walk(tree) if isinstance(node, ast.Lambda) for arg in node.args.args}
    free = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    by_name = isinstance(tree, ast.Call) and bool(tree.keywords) and getattr(tree.func, "id", "") == "dict"
    known = names_of(page)
    return bool(by_name or free & LIBRARIES.keys() or called & PUBLIC or (free and free <= known.keys()))


def dotted(tree):
    """The full names in a tree that begin with a library."""
    for node in ast.walk(tree):
        parts, value = [], node
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if parts and isinstance(value, ast.Name) and value.id in LIBRARIES:
            yield value.id, parts[::-1]


def names_of(page):
    return {**vars(builtins), **PUBLIC_NAMES, **LIBRARIES, **NAMES, **OF_A_PAGE.get(page, {})}


def path_of(text):
    """The file that a span names, if it names one."""
    found = PATH.fullmatch(text)
    if not found:
        return None
    file = text.partition("::")[0]
    homes = (
        ROOT / "docs" / "editor",
        ROOT,
        ROOT / "docs",
        ROOT / "warmup_optax",
        ROOT / "tests",
        ROOT / "tests" / "core",
        ROOT / "tests/typing",
    )
    return next((home / file for home in homes if (home / file).exists()), ROOT / file), found[1]


def kind_of(page, text):
    if path_of(text):
        return "path"
    tree = parsed(text)
    if not is_code(tree, page):
        return "words"
    return "names" if any(isinstance(x, ast.Constant) and x.value is ... for x in ast.walk(tree)) else "code"


def evaluated(page, text):
    expression = ast.fix_missing_locations(ast.Expression(parsed(text)))
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return eval(compile(expression, page, "eval"), names_of(page))


EVERY = list(dict.fromkeys(spans()))


def each(kind):
    found = [(page, text) for page, text, marked in EVERY if not marked and kind_of(page, text) == kind]
    return pytest.mark.parametrize(("page", "text"), found, ids=[f"{page}: {text}" for page, text in found])


@each("path")
def test_files_exist(page, text):
    path, test = path_of(text)
    built = path.is_relative_to(ROOT / "docs" / "_build") or path.is_relative_to(ROOT / "docs" / "_generated")
    assert path.exists() or built, f"{page} names {text}, which is not there"
    assert test is None or re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE), (
        f"{text}: no such test"
    )


@each("names")
def test_names_exist(page, text):
    for library, parts in dotted(parsed(text)):
        functools.reduce(getattr, parts, LIBRARIES[library])


@each("code")
def test_code_runs(page, text):
    with contextlib.suppress(ImportError):  # of a library that the default tests do not install
        evaluated(page, text)


def test_no_mark_is_without_need():
    """A mark on what would run is a statement that nobody tests."""
    for page, text, marked in EVERY:
        if marked and kind_of(page, text) == "path":  # a file of another library
            assert not path_of(text)[0].exists(), f"{page}: {text} is here"
        elif marked:
            assert kind_of(page, text) == "code", f"{page}: {text} is not read anyway"
            with pytest.raises(Exception):  # noqa: B017, PT011
                evaluated(page, text)


def test_the_forms():
    kinds = {
        "tests/test_laws.py": "path",
        "tests/test_laws.py::test_values_are_finite": "path",
        ".ci/run": "path",
        "wo.linear(1.0, 0.0, 10)": "code",
        "weight_decay=wd * (unheard / of)": "code",
        "end_value=1e-4": "code",
        "check(schedule, total_steps)": "code",
        "s(n) * wd": "words",  # `s` is no name here
        "check(..., ignore='jump')": "names",
        "optax.MultiSteps(..., k)": "names",
        "jit": "words",
        "pip install -e": "words",
        "nnx.Optimizer(model)": "words",
    }
    assert {text: kind_of("README.md", text) for text in kinds} == kinds
    found = [kind_of(page, text) for page, text, _ in EVERY]
    assert found.count("code") > 40
    assert found.count("path") > 30
