"""The site: `sphinx-build -W -b html docs docs/_build/html`.

With WARMUP_OPTAX_DOCS_FAST=1 the notebooks of colab/, which take minutes, are not run.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE)]
# The kernels that run the pages inherit these.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

import warmup_optax as wo

project = "warmup_optax"
author = "The warmup_optax authors"
copyright = author
release = version = wo.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_design",
    "curves",
    "pages",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_links_external_new_tab = False
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_excludepatterns = ["_generated/notebooks/*"] if os.environ.get("WARMUP_OPTAX_DOCS_FAST") else []
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True
nb_ipywidgets_js = {}  # no page shows a widget, and the script would come from a third party

default_role = "py:obj"  # single backticks in docstrings
autodoc_typehints = "none"  # what an argument may be is said in words
autodoc_member_order = "bysource"
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_title = "warmup_optax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navigation_with_keys": False,
    "navbar_persistent": [],
}
html_context = {"default_mode": "auto"}
html_favicon = "_static/favicon.svg"
