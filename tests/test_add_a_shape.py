"""The section "Add a shape" of CONTRIBUTING.md is true: its shape, in a copy of the tree, obeys the laws."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECTION = (ROOT / "CONTRIBUTING.md").read_text().partition("## Add a shape\n")[2].partition("\n## ")[0]
SNIPPET = re.compile(r"^```python\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BRACKETED = re.compile(r"^(\S[^\n]*[(\[]\n)((?: [^\n]*\n)+)([)\]]\n)", re.MULTILINE)


def added(text, snippet):
    """The file with a snippet: a line in brackets into those brackets, in order; everything else at the end."""
    lists = [] if snippet.startswith(("def ", "class ")) else BRACKETED.findall(snippet)
    if not lists:
        return f"{text}\n\n{snippet}"
    for opening, lines, closing in lists:
        before, found, rest = text.partition(opening)
        assert found, f"no {opening!r}"
        inside, _, after = rest.partition(f"\n{closing}")
        # A case may have several lines, and no order; a name has one.
        inside = (
            "\n".join(sorted(f"{inside}\n{lines}".split("\n")[:-1]))
            if '"""' not in inside and all(line.count(" ") == 4 for line in inside.split("\n"))
            else f"{inside}\n{lines[:-1]}"
        )
        text = f"{before}{opening}{inside}\n{closing}{after}"
    return text


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    copy = tmp_path_factory.mktemp("tree")
    for folder in ("warmup_optax", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "CONTRIBUTING.md", "README.md"):
        shutil.copy(ROOT / file, copy)
    snippets = SNIPPET.findall(SECTION)
    assert len(snippets) == 5
    for path, snippet in snippets:
        (copy / path).write_text(added((copy / path).read_text(), snippet))
    (config,) = re.findall(r"^```json\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    folder = copy / "tests" / "golden_config"
    (folder / "quarter_sine.json").write_text(config)
    place = sorted(file.stem for file in folder.glob("*.json")).index("quarter_sine")
    lines = (folder / "written_as.txt").read_text().splitlines()
    fields = ", ".join(f"{k}={v}" for k, v in json.loads(config).items() if k not in ("version", "kind"))
    lines.insert(place, f"quarter_sine({fields})")
    (folder / "written_as.txt").write_text("\n".join(lines) + "\n")
    return copy


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("file", "chosen", "least"),
    [
        ("tests/test_laws.py", "quarter_sine", 10),
        ("tests/convert/test_config.py", "quarter_sine or every_kind", 2),
        ("tests/test_layout.py", "sorted or says_where or (examples and shapes) or (examples and nodes)", 4),
    ],
    ids=["laws", "configs", "names-and-example"],
)
def test_the_shape_of_contributing_can_be_added(tree, file, chosen, least):
    command = [sys.executable, "-m", "pytest", file, "-q", "-k", chosen, "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) >= least
