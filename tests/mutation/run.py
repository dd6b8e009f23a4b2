"""Mutation testing: does the default suite notice what a wrong character would do?

    python tests/mutation/run.py run --sample 300 --minutes 60     # resumable: what has a result is not run again
    python tests/mutation/run.py report                            # the score and the survivors

Each mutant gets the test files about its module (`FILES`), then those about all (`ALL`), until one fails. Of the
catalogue only those cases are used whose evaluation executes the mutated line, so that a run costs seconds and
not minutes; a mutant that survives may still be noticed by the rest of the suite. First every test file runs once
without a mutant; one that fails is left out. Each worker has a copy of the tree, and starts tests as a fork of a
process that has imported JAX. Results are lines of JSON in `--results`; `equivalent.txt` names the mutants that
change nothing that a caller can see, and why.
"""

from __future__ import annotations

import argparse
import ast
import collections
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from plant import Mutant, equivalents, mutants_of  # noqa: E402

LAWS, REFUSED, EXACT = "test_laws.py", "core/test_refused.py", "test_exact_time.py"
USER_DEFINED = "test_user_defined_schedules.py"
WIDE, TIME, USER = "test_wide_clocks.py", "core/test_time.py", "core/test_user_defined.py"
LIMITS, CALLS, NUMBERS = "core/test_limits.py", "core/test_calls.py", "core/test_number_types.py"
JOIN, DESCRIBE = "combinators/test_join.py", "view/test_describe.py"
SAMPLE, CHECK = "view/test_sample.py", "view/test_check.py"
CONFIG, STATE, GROUPS = "convert/test_config.py", "optimizers/test_state.py", "optimizers/test_groups.py"
FILES = {  # the first prefix that fits
    "_core/checks": [REFUSED, "core/test_errors.py", CALLS, CONFIG, USER_DEFINED, USER],
    "_core/node": [REFUSED, NUMBERS, CONFIG, USER_DEFINED, USER, LAWS],
    "_core/time": [TIME, LAWS, WIDE, EXACT, USER_DEFINED],
    "_core/scalars": [TIME, LAWS, WIDE, EXACT, USER],
    "_core/powers": [LAWS, LIMITS, EXACT],
    "_core/tables": [LAWS, LIMITS, EXACT, "platforms/test_devices.py"],
    "_core/phases": [DESCRIBE, CHECK, USER],
    "_core/received": [USER, CALLS, NUMBERS, LAWS, SAMPLE],
    "_core/evaluation": [CALLS, SAMPLE, "core/test_program_cache.py", LAWS],
    "_core/": [
        REFUSED,
        "combinators/test_arithmetic.py",
        CALLS,
        NUMBERS,
        LAWS,
        USER_DEFINED,
        USER,
        EXACT,
        SAMPLE,
    ],
    "_combinators/arithmetic": [REFUSED, "combinators/test_arithmetic.py", LAWS],
    "_combinators/stretch": [REFUSED, "combinators/test_stretch.py", LAWS, WIDE, EXACT],
    "_combinators/join": [REFUSED, JOIN, LAWS, DESCRIBE, EXACT],
    "_combinators/clocks": [REFUSED, DESCRIBE, LAWS, "view/test_never_endless.py", WIDE, EXACT],
    "_combinators/restart": [REFUSED, LAWS, DESCRIBE, CHECK, WIDE, EXACT],
    "_combinators/": [REFUSED, LAWS, NUMBERS, DESCRIBE],
    "_shapes/": [REFUSED, LAWS, LIMITS, "core/test_weights.py"],
    "_recipes": [LAWS, REFUSED],
    "_run/merging": ["run/test_merging.py"],
    "_run/range_test": ["run/test_range_test.py"],
    "_run/scaling": ["run/test_scaling.py", "run/test_units.py"],
    "_run/seesaw": ["run/test_seesaw.py"],
    "_run/": ["run/test_units.py", "run/test_scaling.py"],
    "_optimizers/counter": ["optimizers/test_counter.py", WIDE],
    "_optimizers/feedback": ["optimizers/test_feedback.py"],
    "_optimizers/groups": [GROUPS, STATE],
    "_optimizers/hyperparams": ["optimizers/test_hyperparams.py", STATE],
    "_optimizers/": [STATE, "optimizers/test_state_optimizers.py", GROUPS],
    "_convert/config": [CONFIG, USER_DEFINED, "convert/test_schema.py"],
    "_convert/files": ["convert/test_files.py"],
    "_convert/schema": ["convert/test_schema.py"],
    "_convert/": ["convert/test_keras_and_torch.py"],
    "_view/check": [CHECK],
    "_view/compare": ["view/test_compare.py"],
    "_view/describe": [DESCRIBE],
    "_view/explore": ["view/test_explore.py"],
    "_view/phases": [DESCRIBE, CHECK],
    "_view/plot": ["view/test_plot.py"],
    "_view/sample": [SAMPLE],
    "_view/transfer": ["view/test_transfer.py"],
}
# The remaining mutants are for the tests that involve every module: of values, and of code that uses values.
ALL = {
    "_view/": ["view/test_python_functions.py", "view/test_tools_limits.py", "view/test_never_endless.py"],
    "_run/": [],
    "_optimizers/": ["optimizers/test_upstream.py"],
    "_convert/": [],
    "": [
        LIMITS,
        "core/test_weights.py",
        NUMBERS,
        "core/test_errors.py",
        "core/test_program_cache.py",
        JOIN,
        DESCRIBE,
        SAMPLE,
        "test_random.py",
    ],
}
for _prefix, _files in ALL.items():
    _files += ["test_cli.py", "test_layout.py"] if _prefix else ["test_layout.py"]
CASES = 12  # of the catalogue, at most, for one mutant
# Tests of the catalogue as a whole, or which a smaller one fails by itself.
DESELECTED = [
    "test_laws.py::test_another_kind_is_another_structure",
    "core/test_number_types.py::test_every_kind_is_among_them",
    "core/test_weights.py::test_every_finite_shape_is_here",
]
ARGUMENTS = ["-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-o", "addopts="]
MARKS = "not (aot or browser or exhaustive or live or notebooks or typing)"


def files_of(mutant: Mutant) -> list[str]:
    """The test files about a mutant's module."""
    both = (
        next(of for prefix, of in table.items() if mutant.path.startswith(prefix)) for table in (FILES, ALL)
    )
    return list(dict.fromkeys(itertools.chain(*both)))


# ------------------------------------------------------------------ which cases execute which line


def map_cases(tree: Path) -> dict[str, list[str]]:
    """The catalogue's cases by the lines that their making and tracing execute, as "path:line"."""
    code = f"""
import json, sys
sys.path[:0] = [{str(tree)!r}, {str(tree / "tests")!r}]
import coverage, jax
from pathlib import Path
package = Path({str(tree)!r}) / "warmup_optax"
cov = coverage.Coverage(data_file=None, config_file=False, source=[str(package)])
cov.start()
from support.catalogue import CASES
for case in CASES:
    cov.switch_context(case.name)
    try:
        schedule = case.schedule
        jax.make_jaxpr(lambda c: schedule(c))(case.counts)
        jax.make_jaxpr(lambda s, c: s(c))(schedule, case.counts)
    except Exception as error:
        print(case.name, error, file=sys.stderr)
    cov.switch_context("")
cov.stop()
lines, data = {{}}, cov.get_data()
for file in data.measured_files():
    for line, names in data.contexts_by_lineno(file).items():
        lines[f"{{Path(file).relative_to(package).as_posix()}}:{{line}}"] = [n for n in names if n]
print(json.dumps(lines))
"""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# ------------------------------------------------------------------ one mutant, in a separate process


class _Choice:
    """A pytest plugin: default marks, and the catalogue reduced to what a mutant needs."""

    def __init__(self, cases: list[str] | None):
        self.cases = cases

    def pytest_sessionstart(self, session):
        if self.cases is None:
            return
        from support import catalogue

        chosen = [case for case in catalogue.CASES if case.name in self.cases] or catalogue.CASES[:1]
        kinds = {case.expression.name: case for case in reversed(chosen)}
        catalogue.CASES[:] = chosen
        catalogue.ONE_OF_EACH[:] = kinds.values()


def test(tree: Path, files: list[str], cases: list[str] | None) -> int:
    """Run the files until one fails: 0 if none did."""
    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "tests")]
    sys.dont_write_bytecode = True
    import pytest

    for file in files:
        arguments = [f"tests/{file}", *ARGUMENTS, "-m", MARKS, *(f"--deselect=tests/{x}" for x in DESELECTED)]
        code = pytest.main(arguments, plugins=[_Choice(cases)])
        if code not in (0, 5):  # 5: no test of the file is about these cases
            print("FAILED IN", file, flush=True)
            return int(code)
    return 0


def start(tree: Path, log: Path, files: list[str], cases: list[str] | None) -> int:
    """The process that runs the tests of one mutant; its group is its own."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(tree), str(tree / "tests")])
        code = test(tree, files, cases)
    except BaseException as error:
        print("ERROR", repr(error), flush=True)
    finally:
        os._exit(code)


# ------------------------------------------------------------------ all of them


def preload(compiled: Path) -> None:
    """Import what every test imports, so that no fork has to. No JAX backend starts here.

    pytest rewrites the assertions of Hypothesis and Chex when it imports them, so they are not among these.
    """
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    # Most programs are the same with and without a mutant.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(compiled)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    import warnings

    warnings.filterwarnings("ignore", message=r".*os\.fork\(\)")
    import jax
    import matplotlib.pyplot  # noqa: F401
    import optax  # noqa: F401
    import pytest  # noqa: F401

    assert not jax._src.xla_bridge._backends


def copied(to: Path) -> Path:
    """A copy of the tree that tests can run in."""
    ignored = shutil.ignore_patterns(
        ".git", "__pycache__", ".venv*", "_build", "dist", "build", ".hypothesis"
    )
    shutil.copytree(ROOT, to, ignore=ignored)
    # Compiled once, and looked at by their contents: a mutant may have the size and the second of the original.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", to], check=False
    )
    return to


def run(options: argparse.Namespace) -> None:
    """Plant, test, and write down."""
    equivalents((HERE / "equivalent.txt").read_text())  # fails before the hours, not after them
    work = Path(tempfile.mkdtemp(prefix="mutation-"))
    results = Path(options.results)
    every = [m for m in mutants_of() if m.path.startswith(tuple(options.only))]
    known = {row["name"] for row in read(results)}
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    chosen = [m for m in chosen if m.name not in known and is_python(m)]
    print(f"{len(every)} mutants, {len(chosen)} to run, work in {work}", flush=True)
    trees = [copied(work / f"tree{i}") for i in range(options.workers)]
    lines = map_cases(trees[0])
    preload(work / "compiled")
    began = time.monotonic()
    free, running = list(range(options.workers)), {}

    def begin(mutant: Mutant | None, files: list[str], cases: list[str] | None) -> None:
        i = free.pop()
        if mutant is not None:
            place = trees[i] / "warmup_optax" / mutant.path
            place.write_bytes(mutant.applied(place.read_bytes()))
        child = start(trees[i], work / f"log{i}", files, cases)
        running[child] = (i, mutant, tuple(files), time.monotonic())

    def finish() -> None:
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child:
                break
            for other, (_, mutant, _files, since) in running.items():
                limit = options.timeout if mutant is not None else 10 * options.timeout
                if time.monotonic() - since > limit:
                    os.killpg(other, signal.SIGKILL)
            time.sleep(0.05)
        i, mutant, files, since = running.pop(child)
        log = (work / f"log{i}").read_text(errors="replace")
        signalled, code = os.WIFSIGNALED(status), os.waitstatus_to_exitcode(status)
        took = time.monotonic() - since
        free.append(i)
        if mutant is None:
            if code != 0:
                print(log[-3000:])
                print(f"LEFT OUT, since it fails without a mutant: {files[0]}", flush=True)
                for about in (*FILES.values(), *ALL.values()):
                    about[:] = [file for file in about if file != files[0]]
                return
            print(f"without a mutant: {took:.0f} s {' '.join(files)}", flush=True)
            return
        (trees[i] / "warmup_optax" / mutant.path).write_bytes(
            (ROOT / "warmup_optax" / mutant.path).read_bytes()
        )
        result = (
            "timeout"
            if signalled
            else "survived"
            if code == 0
            else "killed"
            if code in (1, 2, 3, 4)  # 3 and 4: the tests could not even be collected
            else f"rc {code}"
        )
        last = [line for line in log.splitlines() if line.startswith(("FAILED", "ERROR"))]
        by = " ".join(last[-2:])[:300]
        row = {
            "name": mutant.name,
            "line": mutant.line,
            "result": result,
            "by": by,
            "seconds": round(took, 1),
        }
        row |= {"date": time.strftime("%Y-%m-%d"), "files": files}
        with results.open("a") as out:
            out.write(json.dumps(row) + "\n")
        print(
            f"{result:9} {took:5.0f} s  {mutant.path}:{mutant.line} {mutant.name.split(': ', 1)[1][:100]}",
            flush=True,
        )

    try:
        if options.baseline:
            for file in sorted({file for mutant in chosen for file in files_of(mutant)}):
                if not free:
                    finish()
                begin(None, [file], some_cases(lines, None))
            while running:
                finish()
        for mutant in chosen:
            if not files_of(mutant):
                continue
            if time.monotonic() - began > 60 * options.minutes:
                print("stopped by --minutes; run again to continue")
                break
            while not free:
                finish()
            begin(mutant, files_of(mutant), some_cases(lines, mutant))
        while running:
            finish()
    finally:
        for child in running:
            os.killpg(child, signal.SIGKILL)
        shutil.rmtree(work, ignore_errors=True)
    report(options)


def is_python(mutant: Mutant) -> bool:
    """Return whether the file still parses."""
    try:
        ast.parse(mutant.applied((ROOT / "warmup_optax" / mutant.path).read_bytes()))
    except SyntaxError:
        return False
    return True


def some_cases(lines: dict[str, list[str]], mutant: Mutant | None) -> list[str] | None:
    """Cases for a mutant: those that execute its line, spread over the catalogue; a few where none does."""
    names = sorted({name for every in lines.values() for name in every})
    if mutant is not None:
        # A line within a statement may not be counted: then those of the line before it.
        near = (lines.get(f"{mutant.path}:{mutant.line - k}") for k in range(8))
        names = sorted(next(filter(None, near), names))
    return names[:: max(1, -(-len(names) // CASES))]


def read(results: Path) -> list[dict]:
    """The rows so far."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def report(options: argparse.Namespace) -> None:
    """The score by module, and the survivors that are not known to be equivalent."""
    rows, same = read(Path(options.results)), equivalents((HERE / "equivalent.txt").read_text())
    table = collections.defaultdict(collections.Counter)
    for row in rows:
        result = "equivalent" if row["name"] in same and row["result"] == "survived" else row["result"]
        table[row["name"].split(":")[0]][result] += 1
    columns = ("killed", "timeout", "equivalent", "survived", "other")
    print(f"\n{'module':24} {'mutants':>8}", *(f"{column:>10}" for column in columns))
    for module, counts in [*sorted(table.items()), ("all", sum(table.values(), collections.Counter()))]:
        numbers = [counts[column] for column in columns[:-1]]
        numbers.append(counts.total() - sum(numbers))
        print(f"{module:24} {counts.total():8}", *(f"{number:10}" for number in numbers))
    print()
    for row in rows:
        if row["result"] not in ("killed", "timeout") and row["name"] not in same:
            print(f"{row['result']:9} line {row['line']:4}  {row['name']}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=["run", "report", "list"])
    parser.add_argument("--sample", type=int, default=300, help="how many of all mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="start no mutant after this")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds for one mutant; past them it is killed"
    )
    parser.add_argument(
        "--only", nargs="+", default=[""], help="how the paths of modules begin, as `_core _shapes`"
    )
    parser.add_argument(
        "--no-baseline", dest="baseline", action="store_false", help="do not first run without a mutant"
    )
    parser.add_argument("--deselect", action="append", default=[], help="a test that fails by itself")
    parser.add_argument("--results", default=str(HERE / "results.jsonl"))
    options = parser.parse_args()
    DESELECTED.extend(options.deselect)
    if options.do == "list":
        for mutant in mutants_of():
            print(mutant.line, mutant.name)
    elif options.do == "report":
        report(options)
    else:
        run(options)


if __name__ == "__main__":
    main()
