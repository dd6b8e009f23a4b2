"""The schedule editor as one file: `docs/editor/` has its parts, which the build puts together.

A browser loads no module from ``file://``, so the page that people save holds its scripts and styles itself. The
Content-Security-Policy allows exactly these, by their hashes, and no request at all.

    python docs/_ext/editor.py /tmp/editor.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parents[1] / "editor"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', flags=re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", flags=re.M)


def module(name: str) -> str:
    """A module as an entry of ``modules``: a function that returns what it exports."""
    text = (SOURCES / name).read_text()
    exported = EXPORT.findall(text)
    for names, source in IMPORT.findall(text):
        offered = EXPORT.findall((SOURCES / source).read_text())
        if missing := [name for name in names.replace(",", " ").split() if name not in offered]:
            raise ValueError(f"{name} imports {', '.join(missing)}, which {source} does not export")
    text = IMPORT.sub(lambda found: f"const {{{found[1]}}} = modules[{found[2]!r}];\n", EXPORT.sub("", text))
    if leftover := re.search(r"^(?:import|export)\b.*", text, flags=re.M):
        raise ValueError(f"{name}: the build cannot inline {leftover[0]!r}")
    returned = f"return {{ {', '.join(exported)} }};"
    return f"modules[{name!r}] = (() => {{\n{text}\n{returned}\n}})();"


def ordered(name: str, seen: dict[str, None]) -> dict[str, None]:
    """The modules that a module needs, each after its own."""
    for _, needed in IMPORT.findall((SOURCES / name).read_text()):
        ordered(needed, seen)
    seen.setdefault(name)
    return seen


def single_file() -> str:
    """The page with its scripts and styles inside."""
    modules = "\n".join(map(module, ordered("editor.mjs", {})))
    script = f'"use strict";\nconst modules = {{}};\n{modules}'
    library = (SOURCES / "vendor" / "js-yaml.min.js").read_text()
    style = (SOURCES / "editor.css").read_text()
    for text in (script, library):
        if "</script" in text.lower() or "<!--" in text:
            raise ValueError("a script must not hold what ends a script element")
    hashes = [_hash(text) for text in (library, script)]
    page = (SOURCES / "index.html").read_text()
    parts = {
        "script-src 'self'": f"script-src {' '.join(hashes)}",
        "style-src 'self'": f"style-src {_hash(style)}",
        '<link rel="stylesheet" href="editor.css">': f"<style>{style}</style>",
        '<script src="vendor/js-yaml.min.js"></script>': f"<script>{library}</script>",
        '<script type="module" src="editor.mjs"></script>': f"<script>{script}</script>",
    }
    for old, new in parts.items():
        if page.count(old) != 1:
            raise ValueError(f"index.html must hold {old!r} once")
        page = page.replace(old, new)
    return page


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def link(config: dict[str, Any]) -> str:
    """The part of an address after ``#`` that shows a config."""
    return base64.urlsafe_b64encode(json.dumps({"config": config}).encode()).decode().rstrip("=")


def write(app: Any, exception: Exception | None) -> None:
    """The page, the modules and the JSON Schema, in the folder ``editor`` of the site."""
    if exception is None:
        import warmup_optax as wo

        folder = Path(app.outdir) / "editor"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(single_file())
        for name in ("schedule.mjs", "view.mjs"):
            shutil.copy(SOURCES / name, folder / name)
        (folder / "schema.json").write_text(json.dumps(wo.config_schema(), indent=1) + "\n")


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(single_file())
