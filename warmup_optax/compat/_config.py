"""Reading the blocks of configuration files, for the `from_config` of the ports."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from .._core import checks
from ._port import refuse

T = TypeVar("T")
Config: TypeAlias = Mapping[str, Any]  # a block of a file; its values are checked where they are read


def from_text(name: str, value: object) -> Any:
    """Convert a string that holds a number to that number, as typed readers of configurations do."""
    if isinstance(value, (list, tuple)):
        return [from_text(name, x) for x in value]
    if not isinstance(value, str):
        return value
    text = value.strip().replace("_", "")
    with contextlib.suppress(ValueError):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    fix = "fill in what the variable stands for" if "$" in text else ""
    fix = "??? stands for a value that you must give" if text == "???" else fix
    checks.raise_bad_argument("", name, value, "a number", fix, error=TypeError)


def missing(argument: str, key: str, value: T | None, fix: str = "") -> T:
    """Return a required value of a configuration. OmegaConf writes ``???`` for a missing one."""
    if value is None or value == "???":
        refuse(argument, value, f"a configuration with {key}", fix)
    return value


def only(fields: Config, known: Iterable[str], form: str, owner: str, also: Container[str] = ()) -> None:
    """Raise for a key that is neither in ``known`` nor in ``also``, and suggest the nearest one."""
    names = list(known)
    for key, value in fields.items():
        if key not in names and key not in also:
            near = "".join(f"; did you mean {x}?" for x in difflib.get_close_matches(str(key), names, 1))
            refuse(
                form.format(key), value, "left out", f"{owner} has {', '.join(names) or 'no numbers'}{near}"
            )
