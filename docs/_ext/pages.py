"""Additions to the build: MathJax from a package, the notebooks, and checks of the reference."""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import warmup_optax as wo
from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
COLAB = "https://colab.research.google.com/github/warmup-optax/warmup-optax/blob/main/colab"
NOTEBOOKS = (
    "quickstart",
    "schedules_as_data",
    "resume_and_branch",
    "range_test",
    "loss_laws",
    "coming_from",
)


def copy_mathjax(app: Any, exception: Exception | None) -> None:
    """The one file that renders equations, and its fonts; the package holds ten more."""
    if exception is None:
        spec = find_spec("sphinx-mathjax-offline")
        source = Path(spec.submodule_search_locations[0]) / "static" / "mathjax"
        target = Path(app.outdir) / "_static" / "mathjax"
        shutil.copytree(source / "output" / "chtml", target / "output" / "chtml", dirs_exist_ok=True)
        shutil.copy(source / "tex-chtml-full.js", target)


def copy_notebooks(app: Any) -> None:
    """The notebooks, run in their own folder; with a link to Colab, without the cell that Colab needs."""
    colab = Path(app.srcdir).parent / "colab"
    folder = Path(app.srcdir) / "_generated" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for name in NOTEBOOKS:
        book = json.loads((colab / f"{name}.ipynb").read_text())
        title, *text = book["cells"][0]["source"]
        book["cells"][0]["source"] = [
            title.rstrip("\n"),
            f"\n\n[Open in Colab]({COLAB}/{name}.ipynb)\n\n",
            *text,
        ]
        for cell in book["cells"]:
            if "google.colab" in "".join(cell["source"]):
                cell["source"] = f"import os, sys\nos.chdir({str(colab)!r})\nsys.path.insert(0, os.getcwd())"
                cell["metadata"]["tags"] = ["remove-cell"]
        write(folder / f"{name}.ipynb", json.dumps(book, indent=1))


def link_notebooks(app: Any, docname: str, source: list[str]) -> None:
    """Point links at a notebook of the repository to the page of that notebook."""
    source[0] = re.sub(r"\]\((?:(?:\.\./)+colab/)?gallery\.ipynb\)", r"](/_generated/gallery.md)", source[0])
    source[0] = re.sub(r"\]\((?:\.\./)+colab/(\w+)\.ipynb\)", r"](/_generated/notebooks/\1.ipynb)", source[0])


def caption_schedules(app: Any, doctree: nodes.document) -> None:
    """An alt text and a caption for the picture of a schedule that is the value of a cell."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") == "mime_bundle":
            said = [child.astext() for child in bundle if child.get("mime_type") == "text/plain"]
            for image in list(bundle.findall(nodes.image)):
                if said and not image.get("alt") and not isinstance(image.parent, nodes.figure):
                    image["alt"] = f"Learning rate against count for {said[0]:.200}"
                    caption = nodes.caption("", "The schedule that this cell returns.")
                    figure = nodes.figure("", image.deepcopy(), caption)
                    doctree.set_id(figure)  # a figure without one has no number
                    image.replace_self(figure)


def find_elsewhere(app: Any, env: Any, node: Any, contents: Any) -> Any:
    """Resolve a name from another module: docstrings of shapes and ports mention `linear`, and the reverse."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    for home in ("warmup_optax", "warmup_optax.shapes"):
        name = f"{home}.{node['reftarget'].removeprefix('wo.')}"
        if name in domain.objects:
            here, role = node["refdoc"], "obj"
            return domain.resolve_xref(env, here, app.builder, role, name, node, contents)
    return None


def write(path: Path, text: str) -> None:
    """Writes a file unless it is the same, so that nothing is built again for it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def all_documented(app: Any, env: Any) -> None:
    """Every public name has its entry in the reference."""
    names = {name for name, *_ in env.get_domain("py").get_objects()}
    public = {
        f"warmup_optax.{name}"
        for name in wo.__all__
        if name not in ("__version__", "compat", "feedback", "nodes", "shapes")
    }
    public |= {f"warmup_optax.shapes.{name}" for name in wo.shapes.__all__ if name not in wo.__all__}
    if missing := sorted(public - names):
        LOGGER.warning("no page of docs/reference has %s", ", ".join(missing))


def cited_tests_exist(app: Any, env: Any) -> None:
    """Every test that a page names is there."""
    root = Path(app.srcdir).parent
    for page in (Path(app.srcdir) / "trust").glob("*.md"):
        for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()):
            if not (root / file).is_file() or f"def {test}(" not in (root / file).read_text():
                LOGGER.warning("%s names %s::%s, which is not there", page.name, file, test)


def write_llms_txt(app: Any, exception: Exception | None) -> None:
    """Write ``llms.txt``, the table of contents for language models: every page with its title and address."""
    if exception is not None or app.builder.name != "html":
        return
    root = app.config.html_baseurl
    ports = "coming_from/"
    titles = {name: title.astext() for name, title in app.env.titles.items() if name != "404"}
    lines = [
        f"# {app.config.project}\n",
        "> Learning-rate schedules for JAX and Optax as immutable values: print, compare, save, plot, vmap and "
        "differentiate them. `import warmup_optax as wo`.\n",
        "## Documentation\n",
        *(f"- [{title}]({root}{name}.html)" for name, title in titles.items() if not name.startswith(ports)),
        "\n## Ports of other libraries' schedules\n",
        *(f"- [{title}]({root}{name}.html)" for name, title in titles.items() if name.startswith(ports)),
    ]
    (Path(app.outdir) / "llms.txt").write_text("\n".join(lines) + "\n")


def skip_fields(app: Any, what: str, name: str, obj: object, skip: bool, options: Any) -> bool | None:
    """Skip the fields of a named tuple, whose docstring has them: Python says of each only its number."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("autodoc-skip-member", skip_fields)
    app.config.mathjax_path = "mathjax/tex-chtml-full.js"
    app.connect("builder-inited", copy_notebooks)
    app.connect("source-read", link_notebooks)
    app.connect("doctree-read", caption_schedules)
    app.connect("missing-reference", find_elsewhere)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_llms_txt)
    app.connect("env-check-consistency", all_documented)
    app.connect("env-check-consistency", cited_tests_exist)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
