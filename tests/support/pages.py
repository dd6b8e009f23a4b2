"""The executable cells of a page of the documentation."""

import ast
import re
from pathlib import Path

import jax

ROOT = Path(__file__).parents[2]
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::\w+:[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


def cells(text):
    """The code of each cell, at the line that it has on the page; options of MyST are left out."""
    found = []
    for cell in CELL.finditer(text):
        options = OPTIONS.match(cell[1])
        begin = cell.start(1) + (options.end() if options else 0)
        found.append("\n" * text[:begin].count("\n") + text[begin : cell.end(1)])
    return found


def run(page, names=None):
    """The names that the cells of a page define, run in JAX's default configuration.

    Prints the value of each cell's last line, as a notebook does.
    """
    names = {} if names is None else names
    path = ROOT / "docs" / f"{page}.md"
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        for code in cells(path.read_text()):
            tree = ast.parse(code)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, path, "exec"), names)
            if last and (value := eval(compile(ast.Expression(last.value), path, "eval"), names)) is not None:
                print(repr(value))
    return names
