"""Optional packages: the error that says how to install them."""

from __future__ import annotations


def install(extra: str) -> str:
    """Return the command that installs the packages of an extra."""
    return f'pip install -e ".[{extra}]" in a checkout of warmup_optax'


def missing(user: str, package: str, extra: str, error: ImportError | None = None) -> ImportError:
    """Return the error for a missing package that ``user`` needs."""
    reason = "" if error is None else f" ({error})"
    return ImportError(f"{user} needs {package}: {install(extra)}{reason}", name=error and error.name)
