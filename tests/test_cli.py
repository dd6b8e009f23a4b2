"""The command line: what it prints, its statuses, and that no file makes it fall over."""

import builtins
import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
import tomli_w
import yaml
from hypothesis import strategies as st
from support.configs import ANYTHING, GOLDEN, malformed, nested

import warmup_optax as wo
from warmup_optax import _cli as cli

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


def error_of(*argv):
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
    assert "\x1b" not in out  # no colors in a file


def test_show_the_requested_number_of_steps(config):
    _, out, _ = run("show", config(WSD), "--total-steps", "400")
    assert out.splitlines()[-3].split() == ["0", "100", "200", "300", "400"]
    assert run("show", config(wo.constant(0.5)))[0] == 0
    assert run("show", config(wo.restart(wo.cosine(1.0, 0.0, 5), period=5)))[0] == 0


def words(text):
    """A text without its line breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("options", "status", "severities"),
    [
        (["--total-steps", "1000"], 0, ["note"]),
        (["--total-steps", "1000", "--strict"], 1, ["note"]),
        (["--total-steps", "1000", "--strict", "--ignore", "zero_first_update"], 0, []),
        (["--total-steps", "1200"], 1, ["note", "warning"]),
        (["--total-steps", "1200", "--ignore", "zero_to_the_end"], 0, ["note"]),
        (
            [
                "--total-steps",
                "1200",
                "--ignore",
                "zero_to_the_end",
                "--ignore=zero_first_update",
                "--strict",
            ],
            0,
            [],
        ),
    ],
    ids=lambda x: " ".join(map(str, x)) if isinstance(x, list) else str(x),
)
def test_check_has_status_1_on_warnings_alone(config, options, status, severities):
    path = config(wo.warmup_cosine(1e-3, warmup_steps=100, total_steps=1000))
    found, out, err = run("check", path, *options)
    assert (found, err) == (status, "")
    assert re.findall(r": step \d+: (\w+):", words(out)) == severities
    if not severities:
        assert words(out) == f"{path}: nothing found in {options[1]} steps"


def test_text_is_wrapped_between_words_within_80_columns(config, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    line, cosine, root = (f(1.0, 0.5, 123_456_789) for f in (wo.linear, wo.cosine, wo.one_minus_sqrt))
    wide = line * cosine * root
    for schedule in (WSD, wide):
        path = config(schedule, "a.json")
        printed = [run("show", path)[1], run("check", path, "--total-steps", "1200")[1]]
        for name in ("show", "check", "plot"):
            printed.append(run(name, "--help")[1])
        for line in "\n".join(printed).splitlines():
            assert len(line) <= 80 or path in line
    assert words(printed[1]) in {words(f"{path}: {f}") for f in wo.check(wide, 1200)}


def test_files_are_read_by_their_endings(config, tmp_path):
    saved = wo.to_config(WSD)
    for name, text in (
        ("run.yaml", yaml.safe_dump(saved)),
        ("run.yml", "\ufeff" + yaml.safe_dump(saved)),
        ("run.toml", tomli_w.dumps(saved)),
        ("run.JSON", json.dumps(saved)),
        ("run", json.dumps(saved)),
    ):
        path = tmp_path / name
        path.write_text(text)
        status, out, err = run("check", str(path), "--total-steps", "1000")
        assert (status, err) == (0, ""), name
        assert words(out) == f"{path}: nothing found in 1000 steps"


BOMB = "version: 1\nkind: join\nboundaries: []\nschedules:\n- &a0 [1, 1]\n" + "".join(
    f"- &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 45)
)
MERGES = "version: 1\nx0: &m0 {a: 1, b: 2}\n" + "".join(
    f"x{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 45)
)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bomb.yaml", BOMB, "a config may hold 262144 values"),
        ("merges.yaml", MERGES, "merged keys add up to more than 10000"),
        ("itself.yaml", "&a\nversion: 1\nkind: scale\nfactor: 1\nschedule: *a", "may be nested 100 deep"),
        ("twice.yaml", "version: 1\nkind: constant\nvalue: 1\nvalue: 2", "key 'value' is given twice"),
        ("text.yaml", "version: 1\nkind: constant\nvalue: '3e-4'", "must be a finite number"),
        ("tag.yaml", "!!python/object:os.system {}", "is not YAML: could not determine a constructor"),
        ("two.yaml", "a: 1\n---\nb: 2", "is not YAML: expected a single document"),
        ("cut.yaml", "a: [1", "is not YAML: while parsing a flow sequence"),
        ("empty.yaml", "", "config must be a dict"),
        ("deep.yaml", "[" * 5000, "is nested too deeply"),
        ("cut.toml", "version = ", "is not TOML: Invalid value"),
        ("twice.toml", "version = 1\nversion = 1", "is not TOML: Cannot overwrite a value"),
        ("date.toml", 'version = 1\nkind = "constant"\nvalue = 2026-01-01', "value must be a finite number"),
        ("deep.toml", "a = " + "[" * 5000, "is nested too deeply"),
    ],
)
def test_bad_yaml_and_toml_give_one_line(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    assert message in error_of("check", str(tmp_path / name), "--total-steps", "10")


def test_yaml_may_share_what_it_repeats(tmp_path):
    path = tmp_path / "shared.yaml"
    path.write_text(
        "version: 1\nkind: join\nboundaries: [5]\nschedules:\n"
        "- &first {kind: linear, init_value: 1.0, end_value: 0.5, steps: 5}\n- {<<: *first, init_value: 0.5}"
    )
    assert words(run("check", str(path), "--total-steps", "10")[1]) == f"{path}: nothing found in 10 steps"


def test_the_version(capsys):
    status, out, _ = run("--version")
    assert status == 0
    assert re.fullmatch(r"warmup-optax (\d+\.\d+\.\d+|\(not installed\))\n", out)


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
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it where the descriptor is closed
    assert "-: standard input is closed" in error_of("check", "-", "--total-steps", "1000")


def test_text_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "windows.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(wo.to_config(WSD)).encode())
    assert run("check", str(path), "--total-steps", "1000")[0] == 0


def test_a_recipe_by_hand(config):
    by_hand = {"version": 1, "kind": "warmup_cosine", "peak_value": 1, "warmup_steps": 5, "total_steps": 9}
    assert "cosine" in run("show", config(by_hand))[1]


def test_the_process(config):
    """As a user runs it: another process, its statuses, and no colors in a pipe."""
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_disk_that_is_full_and_a_pipe_that_is_closed(config, monkeypatch, capfd):
    """The output fails when it is flushed: in the command, not when the process ends."""
    arguments = ["check", config(WSD), "--total-steps", "1200"]
    full = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    monkeypatch.setattr(sys, "stdout", full)
    assert cli.main(arguments) == 2
    full.close()
    assert capfd.readouterr().err == "warmup-optax: error: standard output: No space left on device\n"
    reader, writer = os.pipe()
    os.close(reader)
    pipe = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stdout", pipe)
    assert cli.main(arguments) == 1  # the findings are there, whether anybody reads them or not
    pipe.close()
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(arguments) == 1
    assert capfd.readouterr().err == ""


def test_what_nobody_thought_of_is_one_line_too(monkeypatch, capsys):
    def fail():
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli.script()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "warmup-optax: error: unexpected RuntimeError: two lines\n"


# ------------------------------------------------------------------ errors
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
        assert message in error_of(command[0], str(path), *command[1:])
    assert not (tmp_path / "x.png").exists()


def test_bad_paths_give_one_line(config, tmp_path):
    assert "nowhere.json: No such file or directory" in error_of("show", "nowhere.json")
    assert "Is a directory" in error_of("show", str(tmp_path))
    assert "File name too long" in error_of("show", "x" * 5000)
    assert "embedded null" in error_of("show", "a\0b")
    error_of("show", "\udcff\n€")


def test_bad_pictures_give_one_line(config, tmp_path):
    for out, message in (
        ("nowhere/rates.png", "No such file or directory"),
        ("rates.xyz", "is not supported"),
        ("rates", "needs an ending that says what kind of picture it is"),
        ("", "Is a directory|needs an ending"),
    ):
        line = error_of("plot", config(WSD), "--out", str(tmp_path / out))
        assert any(part in line for part in message.split("|")), line


def test_the_tools_of_the_terminal_may_be_missing(config, monkeypatch):
    import_ = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.split(".")[0] in ("plotext", "matplotlib", "yaml"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_(name, *args, **kwargs)

    path = config(WSD)
    monkeypatch.setattr(builtins, "__import__", importing)
    assert 'pip install -e ".[cli]"' in error_of("show", path)
    assert 'pip install -e ".[plot]"' in error_of("plot", path, "--out", "x.png")
    assert run("check", path, "--total-steps", "1000")[0] == 0
    Path(path).with_suffix(".yaml").write_text("version: 1")
    message = error_of("check", path.replace(".json", ".yaml"), "--total-steps", "1000")
    assert 'YAML files need PyYAML: pip install -e ".[cli]"' in message


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_kind_is_shown(file):
    assert run("show", str(file), "--total-steps", "50")[0] == 0


def test_as_deep_as_a_config_may_be(config):
    """99 combinators inside one another, read, evaluated and walked."""
    levels = [
        {"kind": "scale", "factor": 1.0},
        {"kind": "shift", "steps": 1},
    ]
    deep = wo.to_config(wo.cosine(0.1, 0.01, 100))  # its 50 shifts make it 150 steps long
    for level in (levels * 50)[:99]:
        deep = {"version": 1, "schedule": deep, **level}
    status, out, err = run("check", config(deep), "--total-steps", "150")
    assert (status, err) == (0, "")
    assert words(out).endswith("nothing found in 150 steps")


# ------------------------------------------------------------------ malformed by the hundred
SCRATCH = "malformed.json"
CHEAP = ["check", "--total-steps", "20"]


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    content=st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | ANYTHING.map(json.dumps)
)
def test_no_file_gives_a_traceback(tmp_path, content):
    path = tmp_path / SCRATCH
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error_of("check", str(path), "--total-steps", "20")


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
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
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert 'warmup-optax = "warmup_optax._cli:script"' in text


def test_schema_prints_the_json_schema():
    status, out, err = run("schema")
    assert (status, err) == (0, "")
    assert json.loads(out) == wo.config_schema()
