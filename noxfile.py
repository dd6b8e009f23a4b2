"""The combinations that the suite is run on: `nox`, or `nox -s newest-3.13`.

Each session is a fresh virtual environment of one Python. The floors of `pyproject.toml` are the releases in
`tests/oldest.txt`; the newest are what the index has for that Python (JAX leaves old ones behind, so the
newest on 3.11 is older than on 3.13). Arguments after `--` go to pytest.
"""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
nox.options.sessions = ["oldest", "newest"]


def suite(session: nox.Session, *arguments: str) -> None:
    """The tests, in two processes unless told otherwise."""
    session.run("python", "-m", "pip", "list", "--format=freeze")
    session.run("pytest", *(session.posargs or arguments))


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The oldest JAX and Optax that the metadata admits, on the oldest Python."""
    session.install("-e", ".[test]", "-c", "tests/oldest.txt")
    suite(session, "-n", "2", "-q")


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The newest that a Python can have."""
    session.install("--upgrade", "-e", ".[test]")
    suite(session, "-n", "2", "-q")


@nox.session(python=[PYTHONS[0], PYTHONS[-1]])
def aot(session: nox.Session) -> None:
    """The compilers of TPUs and GPUs, on Linux x86-64."""
    session.install("-e", ".[test,aot-tpu,aot-cuda]")
    suite(session, "-m", "aot", "-q")


@nox.session(python=PYTHONS[0])
def exhaustive(session: nox.Session) -> None:
    """The product of what the default run has one of each of, with numbers of 32 and of 64 bits."""
    session.install("-e", ".[test]")
    for x64 in ("0", "1"):
        session.env["JAX_ENABLE_X64"] = x64
        suite(session, "-m", "exhaustive", "-n", "2", "-q")


@nox.session(python=PYTHONS[0])
def mutation(session: nox.Session) -> None:
    """Mutation testing; hours. Arguments after `--` go to the script, as `run --sample 300`."""
    session.install("-e", ".[mutation]")
    session.run("python", "tests/mutation/run.py", *(session.posargs or ("run",)))
