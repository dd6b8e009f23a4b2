"""``python -m benchmarks [names...] [--json OUT] [--quick] [--write]``: prints the tables."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from . import _report
from ._measure import environment

# In the order of the README. A table whose module is not here, or whose compilers are not, is passed over.
TABLES = (
    "accuracy",
    "ulp_table",
    "calls",
    "first_call",
    "tracing",
    "joins",
    "train_step",
    "groups",
    "kernels",
    "sweep",
    "scale",
    "curve",
    "explore",
    "editor",
    "imports",
)


def main(arguments: list[str] | None = None) -> int:
    """Runs the tables that were asked for; 1 if one of them failed."""
    names = [name for name in TABLES if importlib.util.find_spec(f"benchmarks.{name}")]
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="warmup_optax and its peers, measured."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"which tables: {', '.join(names)}; all")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not to cite")
    parser.add_argument("--write", action="store_true", help="put the figures into results/ and README.md")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - set(names))
    if unknown:
        parser.error(f"no table named {', '.join(unknown)}; there are {', '.join(names)}")
    if asked.quick and asked.write:
        parser.error("--quick is not for the record: leave it out, or --write")
    results, failed = {}, False
    for name in asked.names or names:
        table = measured(name, quick=asked.quick)
        failed |= "error" in table
        results[name] = table
        _report.show(name, table)
        if asked.json:
            asked.json.write_text(json.dumps(results, indent=1) + "\n")
        if asked.write and "error" not in table:
            if any(isinstance(value, (int, float)) for row in table["rows"] for value in row.values()):
                _report.record(name, table)
            else:
                print(f"{name}: nothing was measured, so its record stays as it is", file=sys.stderr)
    return int(failed)


def measured(name: str, *, quick: bool) -> dict[str, Any]:
    """One table: its title, how to read it, the machine, and its rows."""
    table: dict[str, Any] = {"title": name, "environment": environment()}
    start = time.perf_counter()
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        title, _, how = (module.__doc__ or name).partition("\n")
        table |= {"title": title.strip().rstrip("."), "how": how.strip()}
        with contextlib.redirect_stdout(sys.stderr):  # a library's own words are no part of the table
            table["rows"] = module.run(quick=quick)
    except Exception as error:
        table["error"] = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    table["seconds"] = round(time.perf_counter() - start)
    return table


if __name__ == "__main__":
    sys.exit(main())
