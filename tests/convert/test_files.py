"""Schedules in files: written and read, alone and inside the configuration of a run."""

import json
import sys

import pytest
import yaml

import warmup_optax as wo
from warmup_optax import _cli as cli
from warmup_optax._convert.files import FORMATS

SCHEDULES = [
    wo.linear(3e-4, 0.0, 10),
    wo.join([wo.warmup_cosine(1e-5, warmup_steps=3, total_steps=9), wo.constant(1e-7)], [9]),
    wo.with_warmup(wo.piecewise_constant([0.1, 1 / 3], [2**40]), steps=5, shape=wo.cosine),
    wo.linear(1.0, 0.0, 4) * 0.5 + 1e-12,
]
TRAIN = """
model: {width: 64, layers: !repeat [1, 2]}
optimizer:
  name: adamw
  lr: {version: 1, kind: warmup_cosine, peak_value: 3e-4, warmup_steps: 10, total_steps: 100}
groups:
- {lr: {version: 1, kind: constant, value: 1E-5}}
"""


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(TRAIN)
    return path


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda x: type(x).__name__)
def test_a_saved_schedule_loads(tmp_path, ending, schedule):
    path = tmp_path / f"schedule{ending}"
    wo.save(schedule, path)
    wo.save(schedule, str(path))
    assert wo.load(path) == wo.load(str(path)) == schedule


def test_a_number_is_saved_as_a_constant(tmp_path):
    wo.save(0.5, tmp_path / "x.json")
    assert wo.load(tmp_path / "x.json") == wo.constant(0.5)


def test_a_schedule_inside_a_file(train):
    assert wo.load(train, key="optimizer.lr") == wo.warmup_cosine(3e-4, warmup_steps=10, total_steps=100)
    assert wo.load(train, key="groups.0.lr") == wo.constant(1e-5)


@pytest.mark.parametrize("text", ["3e-4", "3E-4", "3.0e-4", "0.0003", "+3e-04", "30_0e-6", ".3e-3"])
def test_numbers_of_yaml(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(f"{{version: 1, kind: constant, value: {text}}}")
    assert wo.load(path) == wo.constant(3e-4)
    path.write_text(f"{{version: 1, kind: constant, value: '{text}'}}")
    with pytest.raises(TypeError, match="must be a finite number"):
        wo.load(path)


@pytest.mark.parametrize(
    ("name", "text", "key", "message"),
    [
        (
            "a.yaml",
            TRAIN,
            None,
            r'found a schedule at optimizer\.lr, groups\.0\.lr: pass key="optimizer\.lr"',
        ),
        (
            "a.yaml",
            f"version: 3{TRAIN}",
            None,
            r"no schedule is at the top; found a schedule at optimizer\.lr",
        ),
        ("a.yaml", TRAIN, "optimizer.rate", r"got 'optimizer\.rate'; optimizer has name, lr"),
        ("a.yaml", TRAIN, "groups.1.lr", "groups has list"),
        ("a.yaml", TRAIN, "model.width.x", r"model\.width has int"),
        ("a.yaml", TRAIN, "model", '"version" is missing'),
        ("a.json", "{}", None, '"version" is missing'),
        ("a.json", "{", None, "is not JSON"),
        ("a.json", '{"a": 1, "a": 2}', None, "key 'a' is given twice"),
        ("a.toml", "a =", None, "is not TOML"),
        ("a.yaml", "a: [", None, "is not YAML"),
        ("a.txt", "", None, r"must end in \.json, \.yaml, \.yml, \.toml, got '\.txt'"),
        (
            "a.json",
            '{"version": 1, "kind": "mine"}',
            None,
            "if it is a user-defined class, import its module first",
        ),
        ("a.json", '{"version": 1, "kind": "consant"}', None, "did you mean constant"),
    ],
)
def test_the_error_says_where_the_mistake_is(tmp_path, name, text, key, message):
    (tmp_path / name).write_text(text)
    with pytest.raises((ValueError, TypeError), match=message):
        wo.load(tmp_path / name, key=key)


def test_files_that_cannot_be_written_or_read(tmp_path):
    with pytest.raises(ValueError, match=r"save: path must end in \.json"):
        wo.save(wo.constant(1.0), tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError):
        wo.load(tmp_path / "a.json")
    with pytest.raises(TypeError, match="function"):
        wo.save(wo.as_schedule(lambda count: 0.1 * count), tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


def test_yaml_without_pyyaml(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="YAML files need PyYAML"):
        wo.save(wo.constant(1.0), tmp_path / "a.yaml")


def test_other_readers_read_them(tmp_path):
    for ending, read in ((".json", json.loads), (".yaml", yaml.safe_load)):
        wo.save(SCHEDULES[1], tmp_path / f"a{ending}")
        assert wo.from_config(read((tmp_path / f"a{ending}").read_text())) == SCHEDULES[1]


def test_one_line_of_ci(train, capsys):
    """`warmup-optax check train.yaml --key optimizer.lr --total-steps 100`."""
    assert cli.main(["check", str(train), "--key", "optimizer.lr", "--total-steps", "100"]) == 0
    assert "warning" not in capsys.readouterr().out
    assert cli.main(["check", str(train), "--key", "optimizer.lr", "--total-steps", "5"]) == 1
    assert cli.main(["check", str(train), "--total-steps", "100"]) == 2
    assert "found a schedule at optimizer.lr, groups.0.lr: pass --key optimizer.lr" in capsys.readouterr().err


def test_a_class_of_the_users_on_the_command_line(tmp_path, monkeypatch, capsys):
    source = "import warmup_optax as wo\nclass MyRate(wo.Schedule):\n    rate: float\n"
    (tmp_path / "my_rates.py").write_text(
        source + "    def evaluate(self, time):\n        return self.rate\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import my_rates

    wo.save(my_rates.MyRate(0.5), tmp_path / "a.json")
    arguments = ["check", "a.json", "--total-steps", "9"]
    assert cli.main([*arguments, "--import", "my_rates"]) == 0
    assert cli.main([*arguments, "--import", "no_such_module"]) == 2
    assert "--import no_such_module: No module named" in capsys.readouterr().err
