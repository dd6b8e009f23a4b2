"""The command line: what it prints, its statuses, and that no file makes it fall over."""

import builtins
import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from configs import ANYTHING, GOLDEN, malformed, nested
from hypothesis import strategies as st

import warmup_optax as wo
from warmup_optax._tools import cli

WSD = wo.warmup_stable_decay(3e-4, warmup_steps=100, decay_steps=200, total_steps=1000, init_value=1e-6)


@pytest.fixture
def config(tmp_path):
    """A function that writes a config and gives its path."""

    def write(schedule, name="run.json"):
        path = tmp_path / name
        path.write_text(json.dumps(schedule if isinstance(schedule, dict) else wo.to_config(schedule)))
        return str(path)

    return write


def run(*argv):
    """``(status, what went to standard output, what went to standard error)``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(argv))
        except SystemExit as exit:  # argparse
            status = exit.code
    return status, out.getvalue(), err.getvalue()


def refused(*argv):
    """The one line on standard error of a command with status 2."""
    status, _, err = run(*argv)
    assert status == 2
    assert err.startswith("warmup-optax: error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert err.isascii()
    return err


# ------------------------------------------------------------------ what it does
def test_show_prints_the_phases_and_draws_the_curve(config):
    status, out, err = run("show", config(WSD))
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert "run.json" in lines[0]
    cells = [line.replace("│", " ").split() for line in lines if line.startswith("│")]
    assert cells == [
        ["0", "100", "linear", "1e-06", "0.0003"],
        ["100", "800", "constant", "0.0003", "0.0003"],
        ["800", "1000", "one_minus_sqrt", "0.0003", "0"],
        ["1000", "constant", "0", "0"],
    ]
    assert sum("\u2800" <= letter <= "\u28ff" for letter in out) > 60  # the curve is drawn in braille
    assert "0.0003┤" in out
    assert lines[-3].split() == ["0", "250", "500", "750", "1000"]
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in out  # no colours into a file


def test_show_as_many_steps_as_asked(config):
    _, out, _ = run("show", config(WSD), "--total-steps", "400")
    assert out.splitlines()[-3].split() == ["0", "100", "200", "300", "400"]
    assert run("show", config(wo.constant(0.5)))[0] == 0
    assert run("show", config(wo.restart(wo.cosine(1.0, 0.0, 5), period=5)))[0] == 0


def test_check_has_status_1_on_findings(config):
    status, out, err = run("check", config(WSD), "--total-steps", "1000")
    assert (status, err) == (0, "")
    assert out == f"{config(WSD)}: nothing found in 1000 steps\n"
    status, out, err = run("check", config(WSD), "--total-steps", "1200")
    assert (status, err) == (1, "")
    assert out.startswith(
        f"{config(WSD)}: step 1000: zero_to_the_end: the rate is 0 from step 1000 to the end"
    )


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_plot_writes_a_picture_of_several(config, tmp_path, ending):
    picture = tmp_path / f"rates.{ending}"
    other = config(wo.warmup_cosine(1e-3, warmup_steps=10, total_steps=500), "cosine [x].json")
    status, out, err = run("plot", config(WSD), other, "--out", str(picture))
    assert (status, out, err) == (0, f"{picture}\n", "")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert picture.read_bytes().startswith(start)


def test_plot_tells_files_of_one_name_apart(config, tmp_path):
    (tmp_path / "a").mkdir()
    picture = tmp_path / "rates.svg"
    same = config(wo.constant(0.1), "a/run.json")
    assert run("plot", config(WSD), same, "--out", str(picture))[0] == 0
    assert "<!-- 1: run -->" in picture.read_text()
    assert "<!-- 2: run -->" in picture.read_text()


def test_a_config_from_standard_input(monkeypatch):
    text = io.TextIOWrapper(io.BytesIO(json.dumps(wo.to_config(WSD)).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    assert run("check", "-", "--total-steps", "1000") == (0, "-: nothing found in 1000 steps\n", "")


def test_text_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "windows.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(wo.to_config(WSD)).encode())
    assert run("check", str(path), "--total-steps", "1000")[0] == 0


def test_a_recipe_by_hand(config):
    by_hand = {"version": 1, "kind": "warmup_cosine", "peak_value": 1, "warmup_steps": 5, "total_steps": 9}
    assert "cosine" in run("show", config(by_hand))[1]


def test_the_process(config):
    """As a user runs it: another process, its statuses, and no colours into a pipe."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "warmup_optax"]
    shown = subprocess.run([*command, "show", config(WSD)], capture_output=True, env=environment)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"one_minus_sqrt" in shown.stdout  # braille is question marks there
    bad = subprocess.run(
        [*command, "check", "missing", "--total-steps", "9"], capture_output=True, env=environment
    )
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr == b"warmup-optax: error: missing: No such file or directory\n"


# ------------------------------------------------------------------ what it refuses
@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["draw"],
        ["show"],
        ["check", "x.json"],
        ["check", "x.json", "--total-steps", "0"],
        ["check", "x.json", "--total-steps", "2.5"],
        ["check", "x.json", "--total-steps", "3000000000"],
        ["plot", "x.json"],
    ],
    ids=" ".join,
)
def test_bad_arguments_have_status_2(argv):
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert "error: " in err


BAD_FILES = {
    "empty": (b"", "is not JSON: Expecting value"),
    "no JSON": (b"{'kind': 3}", "is not JSON: Expecting property name"),
    "cut": (b'{"version": 1, "kind', "is not JSON: Unterminated string"),
    "bytes": (b"\xff\xfe\xfa\x80\x81", "is not text in UTF-8"),
    "latin": ('{"kind": "é"}'.encode("latin-1"), "is not text in UTF-8"),
    "a list": (b"[1, 2]", "from_config: config must be a dict"),
    "a number": (b"3", "from_config: config must be a dict"),
    "no version": (b'{"kind": "linear"}', 'from_config: "version" is missing'),
    "newer": (b'{"version": 99}', "from_config: version 99 is newer than 1"),
    "twice": (b'{"version": 1, "kind": "constant", "value": 1, "value": 2}', "key 'value' is given twice"),
    "NaN": (b'{"version": 1, "kind": "constant", "value": NaN}', "value must be a finite number, got nan"),
    "huge": (b'{"version": 1, "kind": "constant", "value": 1e999}', "value must be a finite number, got inf"),
    "long": (b'{"version": 1, "kind": "constant", "value": ' + b"9" * 9999 + b"}", "Exceeds the limit"),
    "surrogate": (b'{"version": 1, "kind": "\\ud800\\n\xe2\x82\xac"}', "kind must be one of"),
    "deep lists": (b"[" * 100_000, "is nested too deeply"),
    "deep dicts": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "is nested too deeply"),
    "deep config": (json.dumps(nested(150)).encode(), "may be nested 100 deep"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_give_one_line(name, tmp_path):
    path = tmp_path / "bad.json"
    content, message = BAD_FILES[name]
    path.write_bytes(content)
    for command in (["show"], ["check", "--total-steps", "10"], ["plot", "--out", str(tmp_path / "x.png")]):
        assert message in refused(command[0], str(path), *command[1:])
    assert not (tmp_path / "x.png").exists()


def test_bad_paths_give_one_line(config, tmp_path):
    assert "nowhere.json: No such file or directory" in refused("show", "nowhere.json")
    assert "Is a directory" in refused("show", str(tmp_path))
    assert "File name too long" in refused("show", "x" * 5000)
    assert "embedded null" in refused("show", "a\0b")
    refused("show", "\udcff\n€")


def test_bad_pictures_give_one_line(config, tmp_path):
    for out, message in (
        ("nowhere/rates.png", "No such file or directory"),
        ("rates.xyz", "is not supported"),
        ("rates", "needs an ending that says what kind of picture it is"),
        ("", "Is a directory|needs an ending"),
    ):
        line = refused("plot", config(WSD), "--out", str(tmp_path / out))
        assert any(part in line for part in message.split("|")), line


def test_the_tools_of_the_terminal_may_be_missing(config, monkeypatch):
    import_ = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.split(".")[0] in ("plotext", "matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_(name, *args, **kwargs)

    path = config(WSD)
    monkeypatch.setattr(builtins, "__import__", importing)
    assert 'pip install "warmup-optax[cli]"' in refused("show", path)
    assert 'pip install "warmup-optax[plot]"' in refused("plot", path, "--out", "x.png")
    assert run("check", path, "--total-steps", "1000")[0] == 0


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_kind_is_shown(file):
    assert run("show", str(file), "--total-steps", "50")[0] == 0


def test_as_deep_as_a_config_may_be(config):
    """99 combinators inside one another, read, evaluated and walked."""
    levels = [
        {"kind": "scale", "factor": 1.0},
        {"kind": "shift", "steps": 1},
        {"kind": "with_warmup", "steps": 1},
        {"kind": "with_cooldown", "begin": 200, "steps": 1},
    ]
    deep = wo.to_config(wo.cosine(0.1, 0.01, 50))
    for level in (levels * 25)[:99]:
        deep = {"version": 1, "schedule": deep, **level}
    status, out, err = run("check", config(deep), "--total-steps", "150")
    assert (status, err) == (1, "")
    assert "zero_first_update" in out


# ------------------------------------------------------------------ malformed by the hundred
SCRATCH = "malformed.json"
CHEAP = ["check", "--total-steps", "20"]


@hypothesis.settings(max_examples=300, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    content=st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | ANYTHING.map(json.dumps)
)
def test_no_file_gives_a_traceback(tmp_path, content):
    path = tmp_path / SCRATCH
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused("check", str(path), "--total-steps", "20")


@hypothesis.settings(max_examples=200, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(content=malformed())
def test_no_config_gives_a_traceback(tmp_path, content):
    path = tmp_path / SCRATCH
    path.write_text(json.dumps(content))
    status, out, err = run("check", str(path), "--total-steps", "20")
    assert status in (0, 1, 2)
    assert bool(err) == (status == 2)
    assert err.count("\n") == bool(err)
    assert bool(out) == (status != 2)


def test_the_script_is_declared():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'warmup-optax = "warmup_optax._tools.cli:script"' in text
