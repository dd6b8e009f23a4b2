"""Every public docstring is rendered as the site renders it: what `help()` shows right must be right there too.

Docutils reads each part of a docstring: its description, and the text of each argument and error. A message of
Docutils is a failure. So is a table with an empty cell: in a simple table a line that begins in the first column
is a row, so that a first cell of two lines becomes two rows. A long first cell belongs into a ``list-table``.
"""

import importlib
import inspect
import pkgutil
import re
import textwrap

import pytest

import warmup_optax as wo

pytest.importorskip("docutils")
import docutils.core
import docutils.nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser, roles
from docutils.readers.standalone import Reader

# Single backticks are references on the site (`default_role`), and Sphinx adds the roles of the domain of Python.
PROLOGUE = ".. default-role:: literal\n\n"
for role in ("class", "func", "mod", "obj", "meth", "attr", "doc", "ref"):
    roles.register_local_role(role, roles.GenericRole(role, docutils.nodes.literal))

SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Yields")
ITEMS = ("Args", "Attributes", "Raises")
HEADER = re.compile(rf"^({'|'.join(SECTIONS)}):$", re.MULTILINE)
ITEM = re.compile(r"^([\w*`.,/ ]+?)(?: \(.*?\))?: (.*)$")


def documented():
    """The names and docstrings of modules, public functions, classes, and their methods."""
    found = {"warmup_optax": wo}
    for module in [wo.compat, wo.shapes, wo.nodes, *map(port, ports())]:
        found[module.__name__.removeprefix("warmup_optax.")] = module
    for home in list(found.values()):
        for name in getattr(home, "__all__", [n for n in vars(home) if n[0] != "_"]):
            value = getattr(home, name, None)
            if getattr(value, "__module__", "").startswith("warmup_optax") and callable(value):
                found[f"{home.__name__.removeprefix('warmup_optax.')}.{name}"] = value
    for name, value in list(found.items()):
        if isinstance(value, type):
            for method, member in vars(value).items():
                if method[0] != "_" and (callable(member) or isinstance(member, property)):
                    found[f"{name}.{method}"] = member
    return {name: inspect.getdoc(value) for name, value in found.items() if inspect.getdoc(value)}


def ports():
    return [module.name for module in pkgutil.iter_modules(wo.compat.__path__) if module.name[0] != "_"]


def port(name):
    return importlib.import_module(f"warmup_optax.compat.{name}")


def parts(text):
    """The texts that the site renders one by one, of a docstring in Google style."""
    pieces = HEADER.split(text)
    yield "description", pieces[0]
    for section, body in zip(pieces[1::2], pieces[2::2], strict=True):
        # What follows a section without being indented is description again.
        lines = body.strip("\n").split("\n")
        inside = next((i for i, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
        if "\n".join(lines[inside:]).strip():
            yield f"after {section}", "\n".join(lines[inside:])
        content = textwrap.dedent("\n".join(lines[:inside]))
        if section not in ITEMS:
            yield section, content
            continue
        for item in re.split(r"\n(?=\S)", content):
            first, _, rest = item.partition("\n")
            matched = ITEM.match(first)
            assert matched, f"{section}: {first!r} has no name"
            yield f"{section} {matched[1]}", f"{matched[2]}\n{textwrap.dedent(rest)}"


SETTINGS = get_default_settings(Parser, Reader)  # made once, which takes longer than a docstring does
SETTINGS.report_level, SETTINGS.halt_level, SETTINGS.warning_stream = 1, 5, False


def doctree(text):
    tree = docutils.core.publish_doctree(PROLOGUE + text, settings=SETTINGS)
    complaints = [node.astext() for node in tree.findall(docutils.nodes.system_message)]
    return tree, complaints


def rows(tree):
    """The cells of every row of every table."""
    for row in tree.findall(docutils.nodes.row):
        yield [cell.astext().strip() for cell in row.children]


DOCUMENTED = documented()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_it_is_rendered_as_it_reads(name):
    # An empty comment between two parts ends what the first one may have left open.
    tree, complaints = doctree("\n\n..\n\n".join(text for _, text in parts(DOCUMENTED[name])))
    assert not complaints
    for cells in rows(tree):
        assert all(cells), f"a row with an empty cell: {cells}"


def test_a_broken_table_is_found():
    broken = "=====  ====\none    two\nmore\n=====  ====\n"
    assert [""] in [cells[1:] for cells in rows(doctree(broken)[0])]
    assert doctree("====  ====\ntoo wide  two\n====  ====\n")[1]
    assert doctree("*not closed")[1]


def test_the_docstrings_are_found():
    assert len(DOCUMENTED) > 150
    assert {"warmup_optax.applied_value", "compat.scenic", "shapes.tanh"} <= DOCUMENTED.keys()
    assert [part for part, _ in parts(DOCUMENTED["warmup_optax.linear"])][:3] == [
        "description",
        "Args init_value",
        "Args end_value",
    ]
