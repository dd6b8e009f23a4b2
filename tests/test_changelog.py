"""`.ci/changelog`: a change of the library needs a line in the top section of the changelog."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "changelog"
CHANGELOG = "# Changelog\n\n## 2 (unreleased)\n\n- New.\n\n## 1\n\n- Old.\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize(
    ("changes", "message", "accepted"),
    [
        ({"docs/a.md": "text"}, "Docs", True),
        ({"warmup_optax/a.py": "x = 2"}, "Library", False),
        ({"warmup_optax/a.py": "x = 2"}, "Library\n\nChangelog: none", True),
        ({"warmup_optax/a.py": "x = 2", "CHANGELOG.md": CHANGELOG.replace("New.", "Newer.")}, "Both", True),
        ({"warmup_optax/a.py": "x = 2", "CHANGELOG.md": CHANGELOG.replace("Old.", "Older.")}, "Past", False),
    ],
)
def test_a_change_of_the_library_needs_a_line(tmp_path, changes, message, accepted):
    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True
        )

    def commit(files, message):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        git("add", ".")
        git("commit", "--quiet", "--message", message)

    git("init", "--quiet", "--initial-branch", "main")
    commit({"CHANGELOG.md": CHANGELOG, "warmup_optax/a.py": "x = 1"}, "First")
    git("checkout", "--quiet", "-b", "branch")
    commit(changes, message)
    run = subprocess.run([SCRIPT, "main"], cwd=tmp_path, capture_output=True, text=True)
    assert (run.returncode == 0) == accepted, run.stderr
    assert accepted or "CHANGELOG.md" in run.stderr


def test_the_top_section_is_the_coming_version():
    sections = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    version = (ROOT / "pyproject.toml").read_text().partition('\nversion = "')[2].partition('"')[0]
    assert sections[0].startswith(f"## {version}")
