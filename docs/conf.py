"""The site: `sphinx-build -W -b html docs docs/_build/html`.

WARMUP_OPTAX_DOCS_FAST=1 leaves out the notebooks of colab/, which take minutes. WARMUP_OPTAX_DOCS_FAST=2 executes
nothing: for the prose.
"""

import inspect
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = "https://github.com/warmup-optax/warmup-optax"
SITE = "https://warmup-optax.github.io/warmup-optax/"
FAST = os.environ.get("WARMUP_OPTAX_DOCS_FAST", "")
sys.path[:0] = [str(HERE / "_ext"), str(HERE)]
# The kernels that run the pages inherit these.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import warmup_optax as wo
from curves import SOURCES
from sphinx.util.inspect import TypeAliasForwardRef

project = "warmup_optax"
author = "The warmup_optax authors"
copyright = author
release = version = wo.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.linkcode",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "notfound.extension",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_sitemap",
    "sphinxext.opengraph",
    "curves",
    "editor",
    "gallery",
    "inventories",
    "names",
    "ports",
    "pages",
]
source_suffix = {  # the first is what autosummary writes
    ".rst": "restructuredtext",
    ".md": "myst-nb",
    ".ipynb": "myst-nb",
}
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

myst_enable_extensions = [
    "dollarmath",
    "deflist",
    "colon_fence",
    "attrs_inline",
]
myst_links_external_new_tab = False
myst_heading_anchors = 3
nb_execution_mode = "off" if FAST == "2" else "cache"
nb_execution_excludepatterns = ["_generated/notebooks/*"] if FAST else []
# By their content, for one state of the library.
nb_execution_cache_path = str(HERE / "_build" / "cells" / SOURCES[:16])
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True
nb_ipywidgets_js = {}  # no page shows a widget, and the script would come from a third party

mathjax3_config = {"chtml": {"matchFontHeight": False}}

default_role = "py:obj"  # single backticks in docstrings
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# By their names; inside of `Sequence[...]` Sphinx 9.0 prints the repr.
autodoc_type_aliases = {
    name: name
    for name in ("ArrayLike", "ScheduleLike", "ShapeLike", "Count")
}
TypeAliasForwardRef.__repr__ = lambda self: self.name
autosummary_generate = True
autodoc_member_order = "bysource"
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
toc_object_entries_show_parents = "hide"

templates_path = ["_templates"]

html_theme = "sphinx_book_theme"
html_title = "warmup_optax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("fit.js", {"defer": "defer"})]
html_copy_source = False
html_domain_indices = False
html_baseurl = SITE
html_extra_path = ["robots.txt"]
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": "main",
    "path_to_docs": "docs",
    "use_repository_button": True,
    "use_edit_page_button": True,
    "use_issues_button": True,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navigation_with_keys": False,
    "navbar_persistent": [],
    "footer_content_items": "copyright.html",
}
html_context = {"default_mode": "auto"}
html_favicon = "_static/favicon.svg"
html_search_scorer = str(HERE / "_static" / "scorer.js")

sitemap_url_scheme = "{link}"
sitemap_show_lastmod = False
notfound_urls_prefix = "/warmup-optax/"
notfound_context = {
    "title": "Page not found",
    "body": f"""<h1>Page not found</h1>
<p>The page may have moved. Use the search, or continue with one of these:</p>
<ul><li><a href="{SITE}start/index.html">Install and get started</a></li>
<li><a href="{SITE}guides/index.html">Guides</a></li>
<li><a href="{SITE}coming_from/index.html">Port a run from another library</a></li>
<li><a href="{SITE}reference/index.html">Reference</a></li></ul>""",
}
ogp_site_url = SITE
ogp_site_name = "warmup_optax"
ogp_image = f"{SITE}_static/recipes.png"
ogp_image_alt = "The ten recipes as curves of the learning rate"
ogp_social_cards = {"enable": False}
ogp_enable_meta_description = True
copybutton_exclude = ".linenos, .gp, .go"

# Small local inventories, so that the build asks no other site; `_ext/inventories.py` writes them.
intersphinx_mapping = {
    "jax": (
        "https://docs.jax.dev/en/latest/",
        str(HERE / "_generated" / "inventories" / "jax.inv"),
    ),
    "optax": (
        "https://optax.readthedocs.io/en/latest/",
        str(HERE / "_generated" / "inventories" / "optax.inv"),
    ),
    "flax": (
        "https://flax.readthedocs.io/en/latest/",
        str(HERE / "_generated" / "inventories" / "flax.inv"),
    ),
    "python": (
        "https://docs.python.org/3/",
        str(HERE / "_generated" / "inventories" / "python.inv"),
    ),
}
intersphinx_disabled_reftypes = ["*"]


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """The address of the source of a Python object."""
    if domain != "py" or not info["module"]:
        return None
    found = sys.modules.get(info["module"])
    for part in info["fullname"].split("."):
        found = getattr(found, part, None)
    try:
        found = inspect.unwrap(found)
        file = (
            Path(inspect.getsourcefile(found))
            .resolve()
            .relative_to(HERE.parent)
        )
        lines, first = inspect.getsourcelines(found)
    except (TypeError, OSError, ValueError):
        return None
    return (
        f"{REPOSITORY}/blob/main/{file}#L{first}-L{first + len(lines) - 1}"
    )
