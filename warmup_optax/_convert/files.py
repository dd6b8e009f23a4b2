"""A schedule in a file: JSON, YAML or TOML, alone or inside a larger configuration."""

from __future__ import annotations

import collections
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.schedule import ScheduleLike
from .._extras import install
from .config import from_config, to_config

if TYPE_CHECKING:
    from .._core.schedule import Schedule

MOST_MERGED = 10_000  # keys that YAML's merges may add up to
_NAMED = 3  # places of schedules that an error names
# YAML 1.2 has 3e-4 for a number; PyYAML follows 1.1, which wants a point and a sign: 3.0e-4.
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+")


def load(path: str | os.PathLike[str], *, key: str | None = None) -> Schedule:
    """Read the schedule in a file.

    Args:
      path: A ``.json``, ``.yaml``, ``.yml`` or ``.toml`` file. In YAML ``3e-4`` is a number; tags are ignored.
      key: Where the schedule is in a larger file, as ``"optimizer.lr"``; a number is an index of a list. None:
        the whole file is the schedule.

    Returns:
      A `Schedule`: `from_config` of that part of the file.

    Raises:
      OSError: If the file cannot be read.
      ImportError: If it is YAML, and PyYAML is not installed.
      ValueError: If the file is of another kind, or not what its ending says; if nothing is at ``key``; and for
        what `from_config` raises one. If no schedule is at the top of the file, the message says where one is.
      TypeError: For what `from_config` raises one.

    >>> import json, pathlib, tempfile, warmup_optax as wo
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.json"
    >>> run = {"width": 64, "optimizer": {"lr": wo.to_config(wo.linear(3e-4, 0.0, 9))}}
    >>> _ = path.write_text(json.dumps(run))
    >>> wo.load(path, key="optimizer.lr")
    linear(init_value=0.0003, end_value=0.0, steps=9)
    >>> wo.load(path)
    Traceback (most recent call last):
      ...
    ValueError: load: no schedule is at the top; found a schedule at optimizer.lr: pass key="optimizer.lr"
    """
    return chosen(parsed(Path(path).read_bytes(), Path(path).suffix.lower()), key, 'pass key="{}"')


def save(schedule: ScheduleLike, path: str | os.PathLike[str]) -> None:
    """Write a schedule to a file that `load` reads, as `to_config` describes it.

    Args:
      schedule: A `Schedule` that a config can hold, or a number.
      path: A ``.json``, ``.yaml``, ``.yml`` or ``.toml`` file; one that exists is replaced.

    Raises:
      OSError: If the file cannot be written.
      ImportError: If it is YAML, and PyYAML is not installed.
      ValueError: If the ending is another, or for what `to_config` raises one.
      TypeError: For what `to_config` raises one: a function inside, a traced number.

    >>> import pathlib, tempfile, warmup_optax as wo
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "schedule.toml"
    >>> wo.save(wo.linear(0.1, 0.0, 10), path)
    >>> wo.load(path) == wo.linear(0.1, 0.0, 10)
    True
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"save: path must end in {', '.join(FORMATS)}, got {str(path)!r}")
    Path(path).write_text(FORMATS[ending][2](to_config(schedule)), encoding="utf-8")


class NotTheFormat(ValueError):
    """A text that its parser refuses."""


def parsed(data: bytes, ending: str) -> Any:
    """The contents of a file, by its ending."""
    if ending not in FORMATS:
        raise ValueError(f"load: path must end in {', '.join(FORMATS)}, got {ending!r}")
    kind, parse, _ = FORMATS[ending]
    try:
        return parse(data.decode("utf-8-sig"))
    except NotTheFormat as error:
        raise NotTheFormat(f"is not {kind}: {error}") from None


def chosen(contents: Any, key: str | None, advice: str) -> Schedule:
    """The schedule at a key of the contents of a file; ``advice`` says how to pass another key."""
    part = contents if key is None else _at(contents, key)
    if key is None and isinstance(part, Mapping) and "kind" not in part:
        places = [place for place, _ in zip(_places(part, ""), range(_NAMED), strict=False)]
        if places:
            found = ", ".join(places)
            raise ValueError(
                f"load: no schedule is at the top; found a schedule at {found}: {advice.format(places[0])}"
            )
    return from_config(part)


def _at(contents: Any, key: str) -> Any:
    part, passed = contents, ""
    for name in key.split("."):
        if isinstance(part, list) and name.isdecimal() and int(name) < len(part):
            part = part[int(name)]
        elif isinstance(part, Mapping) and name in part:
            part = part[name]
        else:
            keys = ", ".join(map(str, part)) if isinstance(part, Mapping) else type(part).__name__
            raise ValueError(
                f"load: key must be one of the file, got {key!r}; {passed or 'the file'} has {keys}"
            )
        passed = f"{passed}.{name}" if passed else name
    return part


def _places(part: Any, path: str) -> Iterator[str]:
    """Where schedules are in the contents of a file."""
    if isinstance(part, Mapping) and "kind" in part and "version" in part:
        yield path
    elif isinstance(part, (Mapping, list)):
        for name, inner in part.items() if isinstance(part, Mapping) else enumerate(part):
            yield from _places(inner, f"{path}.{name}" if path else str(name))


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise NotTheFormat(error) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} is given twice")
    return found


def _parse_toml(text: str) -> Any:
    import tomllib  # here, so that importing the library loads no more than Optax does

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotTheFormat(error) from None


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError(f"YAML files need PyYAML: {install('cli')}") from None
    return yaml


def _parse_yaml(text: str) -> Any:
    yaml = _yaml()

    class Loader(yaml.SafeLoader):
        """YAML 1.2's numbers, and no tags."""

    def untagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    Loader.add_multi_constructor("!", untagged)
    try:
        root = yaml.compose(text, Loader)
        if root is not None:
            _check_mappings(root, yaml)
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise NotTheFormat(error) from None


def _check_mappings(root: Any, yaml: Any) -> None:
    """Raises for a key that is given twice, and for merges (``<<: *name``) that grow without bound.

    PyYAML 6.0.3 and earlier copy what is merged into each mapping, so that a kilobyte of text can grow to
    gigabytes; and every release keeps the last of two equal keys. The graph of nodes is documented.
    """
    sizes: dict[int, int] = {}  # of what each node gives to a mapping that merges it

    def size(node: Any) -> int:
        if id(node) in sizes or not isinstance(node, yaml.CollectionNode):
            return sizes.get(id(node), 0)
        sizes[id(node)] = 0  # while it is open: a node may contain itself
        if isinstance(node, yaml.SequenceNode):
            sizes[id(node)] = sum(map(size, node.value))
            return sizes[id(node)]
        keys = collections.Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = next((key for key, times in keys.items() if times > 1), None)
        if twice is not None:
            raise ValueError(f"key {twice!r} is given twice")
        merged = sum([size(item) for key, item in node.value if key.value == "<<"])
        if merged > MOST_MERGED:
            raise ValueError(f"merged keys add up to more than {MOST_MERGED}; write them out")
        sizes[id(node)] = len(node.value) + merged
        for _, item in node.value:
            size(item)
        return sizes[id(node)]

    size(root)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _toml(value: Any, *, top: bool = False) -> str:
    """A config as TOML: a line for each key, tables inside on the line."""
    if isinstance(value, Mapping):
        pairs = [f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items()]
        return "\n".join(pairs) + "\n" if top else "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


FORMATS: dict[str, tuple[str, Callable[[str], Any], Callable[[Any], str]]] = {
    ".json": ("JSON", _parse_json, lambda config: json.dumps(config, indent=2) + "\n"),
    ".yaml": ("YAML", _parse_yaml, lambda config: _yaml().safe_dump(config, sort_keys=False)),
    ".yml": ("YAML", _parse_yaml, lambda config: _yaml().safe_dump(config, sort_keys=False)),
    ".toml": ("TOML", _parse_toml, lambda config: _toml(config, top=True)),
}
