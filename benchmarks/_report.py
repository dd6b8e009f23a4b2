"""The tables on the screen, in `results/`, and in README.md between their markers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ._measure import peer

HERE = Path(__file__).parent
NOTHING = "-"


def cell(value: Any) -> str:
    """A figure as people read it: three digits that mean something."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        if value == 0 or 1e-3 <= abs(value) < 1e7:
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return f"{value:.1e}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine(table: dict[str, Any]) -> str:
    """The date, the versions and the machine, in a line."""
    found = dict(table["environment"])
    head = [found.pop(name) for name in ("date", "machine")]
    load, device = found.pop("load"), found.pop("device")
    versions = ", ".join(f"{name} {version}" for name, version in found.items())
    return f"{head[0]}, {head[1]}, on {device}, load {load} at the start, {table['seconds']} s; {versions}"


def show(name: str, table: dict[str, Any]) -> None:
    """Prints one table, with rich if it is there."""
    rich = peer("rich.console")
    print(f"\n{name}: {table['title']}\n{machine(table)}")
    rows = table.get("rows")
    if not rows:
        print(table.get("error", "no rows"))
    elif rich is None:
        print("\n".join(markdown(rows)))
    else:
        from rich.table import Table

        drawn = Table(*rows[0], header_style="bold")
        for column, value in zip(drawn.columns, rows[0].values(), strict=True):
            column.justify = "left" if isinstance(value, str) else "right"
        for row in rows:
            drawn.add_row(*map(cell, row.values()))
        rich.Console(width=None if rich.Console().is_terminal else 200).print(drawn)


def markdown(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as the lines of a Markdown table, numbers to the right."""
    names = list(rows[0])
    left = [all(isinstance(row[name], str) or row[name] is None for row in rows) for name in names]
    lines = [names, ["---" if is_left else "---:" for is_left in left]]
    lines += [[cell(row[name]) for name in names] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def record(name: str, table: dict[str, Any]) -> None:
    """Puts one table into the day's results, and into README.md in place of its last."""
    found = table["environment"]
    kind = "cpu" if found["device"] == "cpu" else re.sub(r"\W+", "-", found["device"].lower())
    file = HERE / "results" / f"{kind}-{found['date']}.json"
    file.parent.mkdir(exist_ok=True)
    tables = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(tables | {name: table}, indent=1, ensure_ascii=False) + "\n")
    text = [f"### {table['title']}", "", table["how"], "", f"`{name}`: {machine(table)}", ""]
    section = "\n".join([f"<!-- {name} -->", *text, *markdown(table["rows"]), f"<!-- /{name} -->"])
    readme = HERE / "README.md"
    old = readme.read_text()
    pattern = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
    if not pattern.search(old):
        raise ValueError(f"README.md has no place for the table: add <!-- {name} --><!-- /{name} -->")
    readme.write_text(pattern.sub(lambda _: section, old))
