"""The documents are true: every block of the README runs, and every name and link in them is there."""

import doctest
import importlib
import importlib.util
import re
import runpy
import tomllib
from pathlib import Path

import jax
import matplotlib
import pytest
from support.pages import cells

import warmup_optax as wo

ROOT = Path(__file__).parent.parent
ADDRESS = r"github(?:\.com)?/([\w.-]+/warmup[-_]optax)\b"
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(document):
    return [(kind, text) for kind, text in BLOCK.findall((ROOT / document).read_text())]


def test_the_readme_runs_from_top_to_bottom():
    """Python blocks are executed and sessions compared, in one namespace, as typed by a reader."""
    matplotlib.use("Agg")
    names = {"__name__": "readme"}
    ran = []
    # A reader's JAX: 32 bits, and not the strict promotion, which Optax's own schedules do not take.
    standard = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with standard[0], standard[1], jax.enable_x64(False):
        run_blocks(names, ran)
    assert ran.count("python") >= 5
    assert ran.count("pycon") >= 1


def run_blocks(names, ran):
    for kind, text in blocks("README.md"):
        ran.append(kind)
        if "jax import export" in text and not importlib.util.find_spec("flatbuffers"):
            continue
        if kind == "python":
            exec(compile(text, "README.md", "exec"), names)
        elif kind == "pycon":
            session = doctest.DocTestParser().get_doctest(text, names, "README.md", "README.md", 0)
            results = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(session, clear_globs=False)
            assert results.attempted > 0
            assert results.failed == 0, "see the captured output"
            names.update(session.globs)


def test_the_documents_name_only_what_there_is():
    """Every `wo.name` is public; every linked file is there."""
    for document in ["README.md", "CONTRIBUTING.md"]:
        text = (ROOT / document).read_text()
        assert set(re.findall(r"\bwo\.(\w+)", text)) <= set(wo.__all__)
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / link).exists(), link


SITE = "https://warmup-optax.github.io/warmup-optax/"
# Pages that the build writes without a source of the same name.
GENERATED = ("_generated/", "editor/", "search.html", "genindex.html")


def source_of(page):
    """The source of a page of the site, or None."""
    stem = ROOT / "docs" / page.partition("#")[0].removesuffix(".html")
    return next(
        (file for file in (stem.with_suffix(".md"), stem.with_suffix(".rst")) if file.is_file()), None
    )


def test_links_into_the_site_lead_to_pages():
    """In the README, which a repository's front end shows, and wherever else a whole address is written."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "colab").glob("*.py")]
    found = 0
    for file in files:
        if "_generated" in file.parts or "_build" in file.parts:
            continue
        for page in re.findall(re.escape(SITE) + r"([\w./#-]*)", file.read_text()):
            found += 1
            assert page in ("", "index.html") or page.startswith(GENERATED) or source_of(page), (
                file.name,
                page,
            )
    assert found > 10


def test_links_between_sources_lead_to_files():
    """A repository's front end shows the sources of the pages, without what the build generates."""
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        if "_generated" in file.parts or "_build" in file.parts:
            continue
        text = re.sub(r"```.*?```", "", file.read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            assert "_generated" not in link, f"{file.relative_to(ROOT)} links to {link}"
            assert (file.parent / link).exists(), f"{file.relative_to(ROOT)} links to {link}"


def test_code_on_a_page_fits_its_box():
    """76 columns; a longer line is cut off or wrapped in the browser."""
    for file in (ROOT / "docs").rglob("*.md"):
        # One line of code is what the page without ports is about.
        if "_generated" in file.parts or file.name == "without_a_port.md":
            continue
        text = file.read_text()
        code = [c.lstrip("\n") for c in cells(text)]
        code += re.findall(r"^```(?:python|pycon|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        long = [
            line for block in code for line in block.splitlines() if len(line) > 78
        ]  # comments at an edge
        assert not long, (file.name, long)


def test_the_recipes_in_the_readme_are_all_of_them():
    """A new recipe is listed and drawn."""
    recipes = {name for name in wo.__all__ if name.startswith("warmup_")} | {"one_cycle"}
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(table) == recipes
    assert list(runpy.run_path(str(ROOT / "docs" / "recipes_picture.py"))["RECIPES"]) == table


def test_one_line_decides_the_address_of_the_repository():
    """Badges, notebooks and the command to clone have the address of `[project.urls]`."""
    address = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    files = [ROOT / "README.md", *(ROOT / "colab").glob("*.py"), *(ROOT / "docs").glob("**/*.md")]
    found = {url for file in files for url in re.findall(ADDRESS, file.read_text())}
    assert {f"https://github.com/{url}" for url in found} == {address}


def test_a_package_index_shows_the_pictures():
    """It has the README alone, so what the links of it lead to are whole addresses there."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    absolute = runpy.run_path(str(ROOT / "hatch_build.py"))["absolute"]
    text = absolute(
        "![curve](docs/a.png) [law](docs/laws.md#4) [jax](https://jax.dev) [up](#top)", "https://x/y"
    )
    assert text == (
        "![curve](https://x/y/raw/main/docs/a.png) [law](https://x/y/blob/main/docs/laws.md#4) "
        "[jax](https://jax.dev) [up](#top)"
    )
    readme = absolute((ROOT / "README.md").read_text(), "https://x/y")
    assert not re.findall(r"\]\((?!https://|#)", readme)


def test_changes_that_make_no_difference_are_of_code_that_is_there(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "mutation")
    plant = importlib.import_module("plant")
    text = (ROOT / "tests" / "mutation" / "equivalent.txt").read_text()
    assert all(plant.equivalents(text).values())
    with pytest.raises(ValueError, match=r"gone\.py:f: constant: 1"):
        plant.equivalents(text + "gone.py:f: constant: 1 -> (1 + 1) | it was removed")
