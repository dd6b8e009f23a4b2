"""The gallery: the picture index of the reference, from the lines of `colab/gallery.py`.

Each line of code becomes a picture, a block to copy and a link to the page of its function. The sections, and the
text above them, are the notebook's. Cells that do more than show lines are in the notebook only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jupytext
import optax
import warmup_optax as wo

from curves import figure, picture

NAMES = {"wo": wo, "optax": optax, "partial": partial}
NOTEBOOK = "warmup-optax/warmup-optax/blob/main/colab/gallery.ipynb"
HEAD = f"""# Gallery

Each picture leads to the page of its function. Copy the code below a picture to get its curve. Each curve has
1000 steps. [The notebook](https://github.com/{NOTEBOOK}) has more pictures, and runs [in
Colab](https://colab.research.google.com/github/{NOTEBOOK}).
"""


def panels(code: str) -> tuple[list[str], int] | None:
    """The lines that a cell shows, and up to which count; None for another cell."""
    if not code.startswith("gallery("):
        return None
    call = ast.parse(code, mode="eval").body
    options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    return ast.literal_eval(call.args[0]), options["steps"]


def panel(line: str, steps: int) -> str:
    """A picture, links and the code, in MyST."""
    functions = dict.fromkeys(re.findall(r"\bwo\.((?:shapes\.)?[a-z]\w*)\(", line))
    links = [f'<a href="api/warmup_optax.{name}.html"><code>{name}</code></a>' for name in functions]
    drawn = picture(wo.as_schedule(eval(line, NAMES)), f"Learning rate against count for {line}", steps)
    if functions:
        drawn = f'<a href="api/warmup_optax.{next(iter(functions))}.html">{drawn}</a>'
    return f"""
::::{{grid-item}}
```{{raw}} html
{figure(drawn, ", ".join(links) or '<a href="../guides/steps.html">In other units</a>')}
```
```python
{wrapped(line)}
```
::::
"""


def wrapped(line: str) -> str:
    """A call on several lines if it is wider than a panel, which takes 34 columns: an argument each."""
    call = ast.parse(line, mode="eval").body
    if len(line) <= 34 or not isinstance(call, ast.Call):
        return line
    arguments = [ast.get_source_segment(line, argument) for argument in call.args]
    arguments += [ast.get_source_segment(line, keyword) for keyword in call.keywords]
    return f"{ast.unparse(call.func)}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def sections(notebook: Path) -> Iterator[str]:
    """The page, part by part."""
    yield HEAD
    text: list[str] = []
    for cell in jupytext.read(notebook)["cells"]:
        if cell["cell_type"] == "markdown":
            text = [cell["source"]] if cell["source"].startswith("#") else [*text, cell["source"]]
        elif shown := panels(cell["source"]):
            yield "\n\n".join(text)
            yield "\n:::::{grid} 1 1 2 2\n:gutter: 3\n"
            for line in shown[0]:
                yield panel(line, shown[1])
            yield ":::::\n"
            text = []
        else:
            text = []


def write(app: Any) -> None:
    """The page, before the sources are read."""
    page = Path(app.srcdir) / "_generated" / "gallery.md"
    page.parent.mkdir(exist_ok=True)
    text = "\n".join(sections(Path(app.srcdir).parent / "colab" / "gallery.py"))
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to the build."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
