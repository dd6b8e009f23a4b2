"""The search finds a page by its other names: the words that `docs/reference/synonyms.md` gives for it.

That page has a row for each thing, with the names that people use on the left and links on the right. The names
become entries of the alphabetical index that lead to the linked pages, and keywords of these pages. The search
reads both: `_static/scorer.js` ranks a page first whose title or names are what was typed.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
PAGE = "reference/synonyms"
NAME = re.compile(r"\{index\}`(?:[^<`]*<single: )?([^<>`]+)>?`")
OBJECT = re.compile(r"\{py:obj\}`~?([\w.]+)`")
LINK = re.compile(r"\]\(([\w/.]+)\.md(?:#([\w-]+))?\)")


def names(env: Any) -> dict[str, list[tuple[str, str]]]:
    """By page, each of its names and the place on the page."""
    objects = {name: (page, anchor) for name, _, _, page, anchor, _ in env.get_domain("py").get_objects()}
    found: dict[str, list[tuple[str, str]]] = {}
    for row in re.findall(
        r"^\| *(\{index\}.*?) *\| *(.*) *\|$", Path(env.doc2path(PAGE)).read_text(), flags=re.M
    ):
        links = [
            (posixpath.normpath(f"{posixpath.dirname(PAGE)}/{to}"), at) for to, at in LINK.findall(row[1])
        ]
        places = links + [objects.get(name, (name, "")) for name in OBJECT.findall(row[1])]
        for page, anchor in places:
            if page not in env.found_docs:
                LOGGER.warning("a row of %s leads to %s, which is no page", PAGE, page)
            found.setdefault(page, []).extend((name, anchor) for name in NAME.findall(row[0]))
    return found


def entries(env: Any, docname: str) -> list[tuple[str, str, str, str, None]]:
    """A page's entries of the alphabetical index, the main ones of their words."""
    return [("single", name, anchor, "main", None) for name, anchor in env.names.get(docname, ())]


def into_the_index(app: Any, env: Any) -> None:
    """Entries of the alphabetical index that lead to the page."""
    env.names = names(env)
    index = env.get_domain("index").entries
    for page in env.names:
        added = entries(env, page)
        index[page] = [entry for entry in index.get(page, []) if entry not in added] + added


def into_the_page(app: Any, doctree: nodes.document, docname: str) -> None:
    """The same for the search, and the words themselves, which a page need not say to be found."""
    words = re.findall(r"\w+", " ".join(name for name, _ in app.env.names.get(docname, ())))
    if words:
        doctree.insert(0, nodes.meta(name="keywords", content=", ".join(dict.fromkeys(words))))
        doctree.insert(0, addnodes.index(entries=entries(app.env, docname)))


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("env-updated", into_the_index)
    app.connect("doctree-resolved", into_the_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
