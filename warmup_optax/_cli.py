"""The command line: ``python -m warmup_optax``, or ``warmup-optax``, with the config files of `to_config`.

Exit statuses: 0 for success, 1 if `check` has warnings, 2 for bad arguments or an unreadable file. With status 2
there is one line on standard error.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.metadata
import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import jax
import numpy as np

import warmup_optax as wo

from ._convert import files
from ._core.checks import INT32_MAX
from ._core.schedule import Schedule
from ._extras import install
from ._view.check import NOTES, WARNINGS
from ._view.describe import HEADER, table
from ._view.phases import concrete, horizon
from ._view.plot import points, save
from ._view.sample import sample

COLUMNS = 80  # nothing that is printed is wider; in a drawing a column is two dots of braille


class _Bad(Exception):
    """An error that is printed as one line on standard error, with status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
      argv: The arguments. None: those of the process.
    """
    status = 0
    try:
        options = _parser().parse_args(argv)
        _import(getattr(options, "modules", ()))
        status, text = options.run(options)
        print(text)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except _Bad as error:
        return _refuse(str(error))
    except BrokenPipeError:  # the reader of the pipe, such as `head`, has closed it
        _discard_output()
        return status
    except OSError as error:
        _discard_output()
        return _refuse(f"standard output: {error.strerror or error}")


def script() -> None:
    """Run a command as a process that uses only the host, and no accelerator."""
    jax.config.update("jax_platforms", "cpu")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without braille characters shows question marks
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    except Exception as error:  # status 1 means warnings, so nothing may end in a traceback
        status = _refuse(f"unexpected {type(error).__name__}: {error}")
    sys.exit(status)


def _refuse(message: str) -> int:
    line = " ".join(message.split()).encode("ascii", "backslashreplace").decode()
    if sys.stderr is not None:
        print("warmup-optax: error:", line, file=sys.stderr)
    return 2


def _discard_output() -> None:
    """Discard output that is still buffered, because writing it when the process ends would fail again."""
    if sys.stdout is not None:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError):  # not a file
            sys.stdout = None


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        raise _Bad(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    formatter = functools.partial(argparse.HelpFormatter, width=COLUMNS - 2)
    parser = _Parser(
        prog="warmup-optax",
        description="Learning-rate schedules in config files, as to_config writes them.",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], object], text: str, files: str | None = None
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=text, description=text, formatter_class=formatter, allow_abbrev=False
        )
        sub.set_defaults(run=run)
        about = "a .json, .yaml, .yml or .toml file (others are read as JSON); - for JSON from standard input"
        sub.add_argument(
            "--key", metavar="KEY", help="where the schedule is in a larger file, as optimizer.lr"
        )
        about_import = "a module with user-defined classes, imported first; may be given several times"
        sub.add_argument(
            "--import", dest="modules", action="append", default=[], metavar="MODULE", help=about_import
        )
        sub.add_argument("files", nargs=files or 1, metavar="CONFIG", help=about)
        return sub

    show = command("show", _show, "Prints a table of the phases, and draws the curve.")
    check = command("check", _check, "Looks for what is most often wrong; status 1 on warnings.")
    plot = command("plot", _plot, "Writes a picture; several files are drawn over one another.", "+")
    plot.add_argument("--out", required=True, metavar="PICTURE", help="a .png, .svg or .pdf file to write")
    schema = commands.add_parser(
        "schema", help=_SCHEMA, description=_SCHEMA, formatter_class=formatter, allow_abbrev=False
    )
    schema.set_defaults(run=_schema)
    for sub in (show, plot):
        sub.add_argument(
            "--total-steps", type=_steps, metavar="N", help="updates to show; default: all there is"
        )
    check.add_argument("--total-steps", type=_steps, required=True, metavar="N", help="updates in the run")
    names = sorted((*WARNINGS, *NOTES))
    about = "leave this kind of finding out; may be given several times: " + ", ".join(names)
    check.add_argument("--ignore", action="append", default=[], choices=names, metavar="NAME", help=about)
    check.add_argument("--strict", action="store_true", help="status 1 on notes too")
    return parser


_SCHEMA = "Prints the JSON Schema of configs, with which an editor completes and checks them."


def _schema(options: argparse.Namespace) -> tuple[int, str]:
    return 0, json.dumps(wo.config_schema(), indent=2)


def _version() -> str:
    try:
        return importlib.metadata.version("warmup-optax")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "(not installed)"


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= INT32_MAX):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {INT32_MAX}, got {text[:40]!r}")
    return int(text)


# ------------------------------------------------------------------ files


def _load(name: str, key: str | None) -> Schedule:
    """Read the schedule in a file."""
    ending = Path(name).suffix.lower()
    try:
        if name == "-" and sys.stdin is None:
            raise _Bad("-: standard input is closed")
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        contents = files.parsed(data, ending if ending in files.FORMATS else ".json")
        return concrete("show", files.chosen(contents, key, "pass --key {}"))
    except OSError as error:
        raise _Bad(f"{name}: {error.strerror or error}") from None
    except ImportError as error:
        raise _Bad(str(error)) from None
    except UnicodeError:
        raise _Bad(f"{name}: is not text in UTF-8") from None
    except (RecursionError, MemoryError):
        raise _Bad(f"{name}: is nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise _Bad(f"{name}: {error}") from None


def _import(modules: Sequence[str]) -> None:
    """Import the modules of user-defined classes, also from the working directory."""
    sys.path.insert(0, "")
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise _Bad(f"--import {module}: {error}") from None


# ------------------------------------------------------------------ commands: each returns a status and a text


def _show(options: argparse.Namespace) -> tuple[int, str]:
    try:
        import plotext
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        raise _Bad(f"show needs rich and plotext: {install('cli')}") from None
    schedule = _load(options.files[0], options.key)
    rows, rest = table(schedule)
    phases = Table(
        *HEADER, title=Text(Path(options.files[0]).name), caption=rest or None, title_justify="left"
    )
    for column in phases.columns:
        column.justify = "left" if column.header == "shape" else "right"
    for row in rows:
        phases.add_row(*row)
    width = min(shutil.get_terminal_size((COLUMNS, 24)).columns, COLUMNS)
    console = Console(width=width)
    with console.capture() as capture:
        console.print(phases)

    counts = points(schedule, options.total_steps or horizon(schedule), most=2 * COLUMNS)[0]
    values = sample(schedule, counts).astype(float)
    counts, values = counts[np.isfinite(values)], values[np.isfinite(values)]
    if not counts.size:
        raise _Bad(f"{options.files[0]}: has no finite value to draw")
    figure = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(width, 18)
    for axis, numbers in (("x", counts), ("y", values)):
        ticks = np.unique(np.linspace(numbers.min(), numbers.max(), 5).astype(numbers.dtype))
        labels = [str(tick) if axis == "x" else f"{tick:.4g}" for tick in ticks]
        figure.ruler(axis).ticks(ticks.tolist(), labels)
    figure.label("count", "x")
    figure.draw(figure.signal(counts.tolist(), values.tolist(), marker="braille").lines())
    return 0, capture.get() + figure.build().string(colorless=not console.is_terminal)


def _check(options: argparse.Namespace) -> tuple[int, str]:
    name, total = options.files[0], options.total_steps
    findings = wo.check(_load(name, options.key), total, ignore=options.ignore)
    if not findings:
        return 0, _wrapped(f"{name}: nothing found in {total} steps")
    failing = [finding for finding in findings if options.strict or finding.severity == "warning"]
    return int(bool(failing)), "\n".join(_wrapped(f"{name}: {finding}") for finding in findings)


def _wrapped(line: str) -> str:
    """Wrap a line to the columns, only between words, so that names and paths stay whole."""
    return textwrap.fill(
        line, COLUMNS, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _plot(options: argparse.Namespace) -> tuple[int, str]:
    if not Path(options.out).suffix:
        raise _Bad(f"{options.out}: needs an ending that says what kind of picture it is, as .png")
    names = [Path(file).stem[:40] for file in options.files]
    if len(set(names)) < len(names):
        names = [f"{i}: {name}" for i, name in enumerate(names, 1)]
    schedules = {name: _load(file, options.key) for name, file in zip(names, options.files, strict=True)}
    last = options.total_steps or max(map(horizon, schedules.values()))
    try:
        save(schedules, last, options.out, dpi=150)
    except ImportError as error:
        raise _Bad(str(error)) from None
    except OSError as error:
        raise _Bad(f"{options.out}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # an ending that matplotlib does not know, or has no tool for
        raise _Bad(f"{options.out}: {error}") from None
    return 0, options.out
