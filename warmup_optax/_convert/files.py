"""A schedule in a file: JSON, YAML or TOML, alone or inside a larger configuration."""

from __future__ import annotations

import collections
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._core import checks
from .._core.types import ScheduleLike
from .._extras import install
from .config import JSON, _read, to_config

if TYPE_CHECKING:
    from .._core.schedule import Schedule

MOST_MERGED = 10_000  # keys that YAML's merges may add up to
_NAMED = 3  # places of schedules that an error names
# In YAML 1.2, 3e-4 is a number. PyYAML follows YAML 1.1, which requires a point and a sign: 3.0e-4.
_FLOAT = r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+"


@checks.by_name
def load(path: str | os.PathLike[str], *, key: str | None = None) -> Schedule:
    """Read the schedule in a file.

    Args:
      path: A ``.json``, ``.yaml``, ``.yml`` or ``.toml`` file. In YAML ``3e-4`` is a number; tags are ignored.
      key: The path of the schedule in a larger file, such as ``"optimizer.lr"``. A number is an index of a list.
        None: the whole file is the schedule.

    Returns:
      A `Schedule`: `from_config` of that part of the file. For the kind ``"with_feedback"`` it is the result
      of `with_feedback`. The annotation names `Schedule` alone, because a type checker would reject
      ``optax.adamw(wo.load(path))`` for a union with `nodes.FeedbackSchedule`.

    Raises:
      OSError: If the file cannot be read.
      ImportError: If it is a YAML file, and PyYAML is not installed.
      ValueError: If the file has another ending, or its contents do not match its ending. If there is nothing
        at ``key``. Under the conditions of `from_config`. If there is no schedule at the top of the file, the
        message says where one is.
      TypeError: Under the conditions of `from_config`.

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


@checks.by_name
def save(schedule: ScheduleLike, path: str | os.PathLike[str]) -> None:
    """Write the config of a schedule (see `to_config`) to a file, for `load`.

    Args:
      schedule: A `Schedule` without Python functions, or a number.
      path: A ``.json``, ``.yaml``, ``.yml`` or ``.toml`` file. An existing file is replaced.

    Raises:
      OSError: If the file cannot be written.
      ImportError: If it is a YAML file, and PyYAML is not installed.
      ValueError: If the file has another ending, or under the conditions of `to_config`.
      TypeError: Under the conditions of `to_config`: if it contains a Python function or a traced number.

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
    """A text that its parser cannot read."""


def parsed(data: bytes, ending: str) -> JSON:
    """Parse the contents of a file, by its ending."""
    if ending not in FORMATS:
        raise ValueError(f"load: path must end in {', '.join(FORMATS)}, got {ending!r}")
    kind, parse, _ = FORMATS[ending]
    try:
        return parse(data.decode("utf-8-sig"))
    except NotTheFormat as error:
        raise NotTheFormat(f"is not {kind}: {error}") from None


def chosen(contents: JSON, key: str | None, advice: str) -> Schedule:
    """Return the schedule at a key of the contents of a file. ``advice`` says how to pass another key."""
    part = contents if key is None else _at(contents, key)
    if key is None and isinstance(part, Mapping) and "kind" not in part:
        places = [place for place, _ in zip(_places(part, ""), range(_NAMED), strict=False)]
        if places:
            found = ", ".join(places)
            raise ValueError(
                f"load: no schedule is at the top; found a schedule at {found}: {advice.format(places[0])}"
            )
    return _read(part, "from_config")


def _at(contents: JSON, key: str) -> JSON:
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


def _places(part: JSON, path: str) -> Iterator[str]:
    """Yield the paths of the schedules in the contents of a file."""
    if isinstance(part, Mapping) and "kind" in part and "version" in part:
        yield path
    elif isinstance(part, (Mapping, list)):
        for name, inner in part.items() if isinstance(part, Mapping) else enumerate(part):
            yield from _places(inner, f"{path}.{name}" if path else str(name))


def _parse_json(text: str) -> JSON:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise NotTheFormat(error) from None


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} is given twice")
    return found


def _parse_toml(text: str) -> JSON:
    import tomllib  # here, so that importing the library loads nothing that Optax does not

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotTheFormat(error) from None


def _yaml() -> ModuleType:
    try:
        import yaml
    except ImportError:
        raise ImportError(f"YAML files need PyYAML: {install('cli')}") from None
    return yaml


def _parse_yaml(text: str) -> JSON:
    yaml = _yaml()

    class Loader(yaml.SafeLoader):
        """A loader with the numbers of YAML 1.2 and without tags."""

    def untagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+0123456789."))
    Loader.add_multi_constructor("!", untagged)
    try:
        root = yaml.compose(text, Loader)
        if root is not None:
            _check_mappings(root, yaml)
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise NotTheFormat(error) from None


def _check_mappings(root: Any, yaml: ModuleType) -> None:
    """Raise an error for duplicate keys, and for merges (``<<: *name``) that are too large.

    PyYAML 6.0.3 and earlier copy merged keys into each mapping, so a kilobyte of text can grow to gigabytes.
    Every release keeps the last of two equal keys. The graph of nodes is a documented interface of PyYAML.
    """
    sizes: dict[int, int] = {}  # the number of keys that each node adds to a mapping that merges it

    def size(node: Any) -> int:
        if id(node) in sizes or not isinstance(node, yaml.CollectionNode):
            return sizes.get(id(node), 0)
        sizes[id(node)] = 0  # until it is known, because a node may contain itself
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


def _toml(value: JSON, *, top: bool = False) -> str:
    """Format a config as TOML, with one line for each key and inline tables."""
    if isinstance(value, Mapping):
        pairs = [f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items()]
        return "\n".join(pairs) + "\n" if top else "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


FORMATS: dict[str, tuple[str, Callable[[str], JSON], Callable[[JSON], str]]] = {
    ".json": ("JSON", _parse_json, lambda config: json.dumps(config, indent=2) + "\n"),
    ".yaml": ("YAML", _parse_yaml, lambda config: _yaml().safe_dump(config, sort_keys=False)),
    ".yml": ("YAML", _parse_yaml, lambda config: _yaml().safe_dump(config, sort_keys=False)),
    ".toml": ("TOML", _parse_toml, lambda config: _toml(config, top=True)),
}
