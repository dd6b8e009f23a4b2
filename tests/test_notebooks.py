"""The notebooks of `colab/`: in step with their scripts, empty of outputs, and run from top to bottom.

The scripts (jupytext's percent format) are the source: `jupytext --update --to ipynb`
makes a notebook of one, and keeps the names of its cells.
"""

import ast
import inspect
import json
import os
import re
import shutil
from pathlib import Path

import pytest

import warmup_optax as wo

ROOT = Path(__file__).parent.parent
COLAB = ROOT / "colab"
REPOSITORY = "warmup-optax/warmup-optax"  # where Colab finds the library; the badges of the README agree
NAMES = [
    "quickstart",
    "gallery",
    "schedules_as_data",
    "resume_and_branch",
    "range_test",
    "loss_laws",
    "coming_from",
]
MODULES = ["train_bytes", "train_digits"]  # what they import
SECONDS = 900  # no test of speed: a cell that hangs is ended


def notebook(name):
    return json.loads((COLAB / f"{name}.ipynb").read_text())


def code_cells(name):
    return ["".join(cell["source"]) for cell in notebook(name)["cells"] if cell["cell_type"] == "code"]


def test_the_notebooks_are_these():
    """Each notebook has a script next to it, and a run below."""
    assert sorted(path.stem for path in COLAB.glob("*.ipynb")) == sorted(NAMES)
    assert {path.stem for path in COLAB.glob("*.py")} - set(MODULES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_the_script(name):
    """Cell by cell what jupytext makes of the script."""
    jupytext = pytest.importorskip("jupytext")
    from_script = jupytext.read(COLAB / f"{name}.py")["cells"]
    made = [(cell["cell_type"], cell["source"]) for cell in from_script]
    kept = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook(name)["cells"]]
    assert kept == made


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_as_before_a_run(name):
    """No outputs, no counts: a difference in git is a difference in text."""
    for cell in notebook(name)["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("name", NAMES)
def test_the_code_fits_its_box(name):
    """76 columns, as on every page; a panel of the gallery has a line of code as its title.

    The line that begins a cell, with captions, is in the script only.
    """
    lines = [line for cell in code_cells(name) for line in cell.splitlines()]
    if name == "gallery":
        lines = [line for line in lines if not re.fullmatch(r""" +(["'])wo\..*\1,?""", line)]
    assert [line for line in lines if len(line) > 76] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_first_cell_installs_in_colab_only(name):
    """The same short cell everywhere, folded. Outside Colab it runs nothing."""
    first = code_cells(name)[0]
    (metadata,) = [cell["metadata"] for cell in notebook(name)["cells"] if "".join(cell["source"]) == first]
    assert metadata["cellView"] == "form"  # how Colab folds a cell, and JupyterLab
    assert metadata["jupyter"] == {"source_hidden": True}
    assert first == code_cells(NAMES[0])[0]
    assert f"https://github.com/{REPOSITORY}" in first
    commands = re.findall(r"(?m)^ +[!%](.*)", first)
    assert [command.split()[0] for command in commands] == ["git", "pip", "cd"]
    title, *statements = re.sub(r"(?m)^ +[!%].*", "    pass", first).splitlines()
    assert title.startswith("# @title")
    assert statements == [
        "import sys",
        "",
        'if "google.colab" in sys.modules:',
        *["    pass"] * len(commands),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_cell_can_be_left_out(name):
    """The later cells import what they use themselves."""
    # `%matplotlib` is IPython's
    first, *others = (re.sub("(?m)^( *)[%!].*", r"\1pass", cell) for cell in code_cells(name))
    assert _names(first, imported=True) & _names("\n".join(others)) <= _names(
        "\n".join(others), imported=True
    )


def _names(code, imported=False):
    """The names that code uses, or those that it imports."""
    nodes = list(ast.walk(ast.parse(code)))
    if imported:
        imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
        return {name.asname or name.name.split(".")[0] for node in imports for name in node.names}
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def test_the_badges_of_the_readme_lead_to_the_notebooks():
    """Each badge opens a notebook that is there, from the one repository."""
    readme = (ROOT / "README.md").read_text()
    links = re.findall(r"colab\.research\.google\.com/github/([\w-]+/[\w-]+)/blob/\w+/([\w/.]+)", readme)
    assert links == [(REPOSITORY, f"colab/{name}.ipynb") for name in NAMES]


def title(text):
    """The first heading of a page in Markdown."""
    return re.search(r"(?m)^# (.*)", text)[1]


TITLES = {name: title("".join(notebook(name)["cells"][0]["source"])) for name in NAMES}


def test_a_title_is_unlike_those_of_the_guides():
    """A reader tells a notebook from a guide in the results of a search."""
    guides = [title(path.read_text()) for path in (ROOT / "docs" / "guides").glob("*.md")]
    for own in TITLES.values():
        for guide in guides:
            shared = {word for word in _words(own) & _words(guide) if len(word) > 3}
            assert len(shared) < 2, (own, guide)


def _words(text):
    return set(re.findall(r"[a-z]+", text.lower()))


@pytest.mark.parametrize("page", ["README.md", "docs/start/index.md", "colab/quickstart.py"])
def test_a_list_of_the_notebooks_has_their_titles(page):
    """The quickstart lists the others."""
    found = re.findall(r"\[([^]\[]*)\]\([^)]*?(\w+)\.(?:ipynb|html)\)", (ROOT / page).read_text())
    links = {name: text for text, name in found if name in NAMES and text[0].isupper()}
    assert links == {name: TITLES[name] for name in NAMES if name != Path(page).stem}


def test_the_gallery_has_every_way_to_make_a_schedule():
    """The gallery contains every public function."""
    text = (COLAB / "gallery.py").read_text()
    rare = {f"shapes.{name}": getattr(wo.shapes, name) for name in set(wo.shapes.__all__) - set(wo.__all__)}
    functions = {name: getattr(wo, name) for name in wo.__all__} | rare
    made_by = {name for name, value in functions.items() if _makes_a_schedule(value)}
    assert {"warmup_cosine", "linear", "with_warmup", "staircase", "shapes.rex"} <= made_by
    not_a_picture = {"as_schedule", "from_config", "load"}
    assert [name for name in sorted(made_by - not_a_picture) if f"wo.{name}(" not in text] == []


def _makes_a_schedule(value):
    """By its annotation: a `Schedule`, or one of its nodes."""
    nodes = {cls.__name__ for cls in _with_subclasses(wo.Schedule)}
    return inspect.isfunction(value) and inspect.signature(value).return_annotation in nodes


def _with_subclasses(cls):
    return [cls, *(found for sub in cls.__subclasses__() for found in _with_subclasses(sub))]


@pytest.mark.notebooks
@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_runs(name, tmp_path, monkeypatch):
    """Every cell, in a copy of the folder, on the CPU; nothing is printed as an error and no file is left."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    folder = tmp_path / "colab"
    folder.mkdir()
    for module in MODULES:
        shutil.copy(COLAB / f"{module}.py", folder)
    shutil.copytree(ROOT / "tests" / "golden", tmp_path / "tests" / "golden")
    before = set(tmp_path.rglob("*"))
    for variable, value in {
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "0",
        "XLA_FLAGS": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": str(tmp_path / "home"),
        "TMPDIR": str(folder),
        # Whatever the suite is run with, the notebook draws as in a browser.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }.items():
        monkeypatch.setenv(variable, value)
    ran = nbformat.read(COLAB / f"{name}.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        ran, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()

    outputs = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    left = {path for path in tmp_path.rglob("*") if tmp_path / "home" not in [path, *path.parents]}
    assert left == before
    assert sorted(os.listdir(folder)) == [f"{module}.py" for module in MODULES]
