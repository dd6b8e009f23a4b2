"""The long description of the package: README.md, its relative links made absolute.

A package index shows the README without the other files. The address is that of `[project.urls]`.
"""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parent
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


def absolute(text: str, repository: str) -> str:
    """The text with every relative link, and every picture, as an address in the repository."""
    kinds = {"!": "raw", "": "blob"}
    return LINK.sub(lambda m: f"{m[1]}[{m[2]}]({repository}/{kinds[m[1]]}/main/{m[3]})", text)


class CustomMetadataHook(MetadataHookInterface):
    """Reached through `[tool.hatch.metadata.hooks.custom]` in `pyproject.toml`."""

    def update(self, metadata: dict) -> None:
        """Adds the description to the metadata."""
        text = absolute((ROOT / "README.md").read_text(encoding="utf-8"), metadata["urls"]["Repository"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
