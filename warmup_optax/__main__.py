"""The command line: ``python -m warmup_optax``, or ``warmup-optax``, with the config files of `to_config`.

Statuses: 0, all is well; 1, `check` has findings; 2, the arguments or a file are no good, said in one line.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import warmup_optax as wo

from ._checks import INT32_MAX
from ._inspect import HEADER, sample, table
from ._phases import horizon, settled
from ._plot import points, save
from ._schedule import Schedule

COLUMNS = 100  # a drawing is at most so wide; a column of braille is two dots
_NOT_INSTALLED = 'the command line needs rich and plotext: pip install "warmup-optax[cli]"'


class _Bad(Exception):
    """What ends in one line on standard error and status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status.

    Args:
      argv: The arguments; None for those of the process.
    """
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except _Bad as error:
        line = " ".join(str(error).split())
    except BrokenPipeError:  # the reader of a pipe, as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    print("warmup-optax: error:", line.encode("ascii", "backslashreplace").decode(), file=sys.stderr)
    return 2


def script() -> None:
    """The process of a command: on the host alone, whatever an accelerator may be busy with."""
    jax.config.update("jax_platforms", "cpu")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no braille shows question marks
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="warmup-optax", description="Learning-rate schedules in config files, as to_config writes them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str, files: str | None = None) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("files", nargs=files or 1, metavar="CONFIG.json", help="- for standard input")
        return sub

    show = command("show", _show, "Prints a table of the phases, and draws the curve.")
    check = command("check", _check, "Looks for what is most often wrong; status 1 on findings.")
    plot = command("plot", _plot, "Writes a picture; several files are drawn over one another.", "+")
    plot.add_argument("--out", required=True, metavar="PICTURE", help="a .png, .svg or .pdf file to write")
    for sub in (show, plot):
        sub.add_argument("--steps", type=_steps, metavar="N", help="updates to show; default: all there is")
    check.add_argument("--steps", type=_steps, required=True, metavar="N", help="updates in the run")
    return parser


def _steps(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= INT32_MAX:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {INT32_MAX}, got {text!r}")
    return int(text)


def _load(name: str) -> Schedule:
    """The schedule in a file."""
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return settled("show", wo.from_config(json.loads(text, object_pairs_hook=_unique)))
    except OSError as error:
        raise _Bad(f"{name}: {error.strerror or error}") from None
    except UnicodeError:
        raise _Bad(f"{name}: is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _Bad(f"{name}: is not JSON: {error}") from None
    except RecursionError:
        raise _Bad(f"{name}: is nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise _Bad(f"{name}: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} is given twice")
    return found


def _show(options: argparse.Namespace) -> int:
    try:
        import plotext
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        raise _Bad(_NOT_INSTALLED) from None
    schedule = _load(options.files[0])
    rows, rest = table(schedule)
    phases = Table(
        *HEADER, title=Text(Path(options.files[0]).name), caption=rest or None, title_justify="left"
    )
    for column in phases.columns:
        column.justify = "left" if column.header == "shape" else "right"
    for row in rows:
        phases.add_row(*row)
    console = Console()
    console.print(phases)

    counts = points(schedule, options.steps or horizon(schedule), most=2 * COLUMNS)[0]
    values = sample(schedule, counts).astype(float)
    counts, values = counts[np.isfinite(values)], values[np.isfinite(values)]
    if not counts.size:
        raise _Bad(f"{options.files[0]}: has no finite value to draw")
    figure = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(min(console.width, COLUMNS), 18)
    for axis, numbers in (("x", counts), ("y", values)):
        ticks = np.unique(np.linspace(numbers.min(), numbers.max(), 5).astype(numbers.dtype))
        labels = [str(tick) if axis == "x" else f"{tick:.4g}" for tick in ticks]
        figure.ruler(axis).ticks(ticks.tolist(), labels)
    figure.label("count", "x")
    figure.draw(figure.signal(counts.tolist(), values.tolist(), marker="braille").lines())
    print(figure.build().string(colorless=not console.is_terminal))
    return 0


def _check(options: argparse.Namespace) -> int:
    name = options.files[0]
    findings = wo.check(_load(name), options.steps)
    for finding in findings:
        print(f"{name}: {finding}")
    if not findings:
        print(f"{name}: nothing found in {options.steps} steps")
    return 1 if findings else 0


def _plot(options: argparse.Namespace) -> int:
    if not Path(options.out).suffix:
        raise _Bad(f"{options.out}: needs an ending that says what kind of picture it is, as .png")
    names = [Path(file).stem[:40] for file in options.files]
    if len(set(names)) < len(names):
        names = [f"{i}: {name}" for i, name in enumerate(names, 1)]
    schedules = {name: _load(file) for name, file in zip(names, options.files, strict=True)}
    last = options.steps or max(map(horizon, schedules.values()))
    try:
        save(schedules, last, options.out, dpi=150)
    except ImportError as error:
        raise _Bad(str(error)) from None
    except OSError as error:
        raise _Bad(f"{options.out}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # an ending that matplotlib does not know, or has no tool for
        raise _Bad(f"{options.out}: {error}") from None
    print(options.out)
    return 0


if __name__ == "__main__":
    script()
