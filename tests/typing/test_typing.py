"""Reports of pyright and mypy about a user's program: none if it is right, one for each wrong line."""

import importlib.util
import inspect
import json
import os
import re
import runpy
import subprocess
import sys
import typing
from pathlib import Path

import jax
import pytest

import warmup_optax as wo

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RIGHT, WRONG = HERE / "user_right.py", HERE / "user_wrong.py"


def pyright():
    """Its errors in the two files: `{(file, line): rule}`."""
    arguments = ["--outputjson", "--pythonpath", sys.executable, str(RIGHT), str(WRONG)]
    found = run("pyright", arguments)
    diagnostics = json.loads(found)["generalDiagnostics"]
    return {
        (Path(d["file"]).name, d["range"]["start"]["line"] + 1): d.get("rule", d["message"])
        for d in diagnostics
        if d["severity"] == "error"
    }


def mypy():
    """As `pyright`, strict; errors inside the package and its dependencies are not a user's."""
    arguments = ["--strict", "--no-incremental", "--follow-imports=silent", "--no-error-summary"]
    arguments += ["--python-executable", sys.executable, "--cache-dir", os.devnull, str(RIGHT), str(WRONG)]
    lines = re.findall(r"^(\S+?):(\d+): error: .*\[([\w-]+)\]$", run("mypy", arguments), re.MULTILINE)
    return {(Path(file).name, int(line)): rule for file, line, rule in lines}


def run(checker, arguments):
    """Runs a checker from the root, on this tree and not on an installed one."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MYPYPATH": str(ROOT),
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
    command = [sys.executable, "-m", checker, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def expected(checker):
    """`{(file, line): rule}` of the comments, which name pyright's rule and mypy's."""
    place = ["pyright", "mypy"].index(checker)
    lines = enumerate(WRONG.read_text().splitlines(), 1)
    rules = {i: line.partition("# expected: ")[2].split(", ") for i, line in lines if "# expected: " in line}
    return {(WRONG.name, i): both[place] for i, both in rules.items()}


@pytest.mark.typing
@pytest.mark.parametrize("checker", [pyright, mypy], ids=["pyright", "mypy"])
def test_a_checker_reports_the_wrong_calls_and_no_other(checker):
    if importlib.util.find_spec(checker.__name__) is None:
        pytest.skip(f"{checker.__name__} is not installed")
    assert len(expected(checker.__name__)) >= 12
    assert checker() == expected(checker.__name__)


@pytest.mark.typing
def test_every_public_name_has_a_known_type():
    """But `Groups`, whose base is a class of Optax: a package without ``py.typed`` has no types, to pyright."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    report = json.loads(run("pyright", ["--outputjson", "--ignoreexternal", "--verifytypes", "warmup_optax"]))
    symbols = report["typeCompleteness"]["symbols"]
    assert len(symbols) > 500
    unknown = {each["name"] for each in symbols if each["isExported"] and not each["isTypeKnown"]}
    assert unknown == {"warmup_optax.groups", "warmup_optax.nodes.Groups"}


def test_the_right_calls_run():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # as a user runs it
        runpy.run_path(str(RIGHT))


@pytest.mark.parametrize("name", [name for name in wo.__all__ if inspect.isfunction(getattr(wo, name))])
def test_a_public_signature_names_public_classes(name):
    """A reader can look up each type that a hover shows."""
    signature = inspect.signature(getattr(wo, name))
    annotations = [p.annotation for p in signature.parameters.values()] + [signature.return_annotation]
    words = set(re.findall(r"\b_?[A-Z]\w+", " ".join(map(str, annotations))))
    known = {
        "Any",
        "Callable",
        "Iterable",
        "Sequence",
        "Mapping",
        "Literal",
        "None",
        "Number",
        "Steps",
        "Count",
    }
    known |= {
        "Factor",
        "HasLength",
        "ReadsState",
        "OptState",
        "Params",
        "StateLike",
        "RuleLike",
        "JSON",
        "PathLike",
        "Norms",
        "Rule",
        "ScheduleLike",
        "ShapeLike",
        "ArrayLike",
        "Array",
        "Axes",
        "GradientTransformation",
    }
    known |= {"GradientTransformationExtraArgs", "LearningRateSchedule", "LRScheduler", "Optimizer"}
    assert words <= known | set(wo.__all__) | set(wo.nodes.__all__)


@pytest.mark.live
@pytest.mark.parametrize(
    ("factory", "arguments", "expected"),
    [
        (
            wo.warmup_cosine,
            "--peak-value 1e-3 --warmup-steps 10 --total-steps 100",
            wo.warmup_cosine(1e-3, warmup_steps=10, total_steps=100),
        ),
        (
            wo.polynomial,
            "--init-value 1 --end-value 0 --steps 10 --power 2 --origin init",
            wo.polynomial(1.0, 0.0, 10, power=2, origin="init"),
        ),
        (wo.with_warmup, "--schedule 1e-3 --steps 10", wo.with_warmup(1e-3, steps=10)),
        (wo.one_cycle, "--peak-value 1e-3 --total-steps 100", wo.one_cycle(1e-3, total_steps=100)),
    ],
    ids=["recipe", "word", "schedule-and-shape", "shape"],
)
def test_a_command_line_can_be_made_of_a_signature(factory, arguments, expected):
    tyro = pytest.importorskip("tyro", reason="tyro is not installed")
    assert tyro.cli(factory, args=arguments.split()) == expected


@pytest.mark.parametrize("name", [name for name in wo.__all__ if inspect.isclass(getattr(wo, name))])
def test_the_annotations_of_a_public_class_can_be_read(name):
    """By the tools that make configs, command lines and checks of them."""
    assert typing.get_type_hints(getattr(wo, name)) is not None
