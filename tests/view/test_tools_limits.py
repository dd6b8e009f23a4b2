"""The tools where few programs come: broken streams, numbers past every float, phases that are over."""

import importlib.metadata
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax import _cli as cli
from warmup_optax._view.explore.svg import svg
from warmup_optax._view.phases import horizon, phases


def test_a_schedule_that_is_nested_too_deep_for_a_config():
    schedule = wo.constant(1.0)
    for _ in range(3000):
        schedule = wo.shift(schedule, 1)
    with pytest.raises(ValueError, match=r"to_config: .* nested 100 deep"):
        wo.to_config(schedule)


def test_a_leaf_that_no_config_holds():
    """JAX lets a tree be built of anything."""
    with pytest.raises(TypeError, match="to_config: value must be a number, got <object"):
        wo.to_config(jax.tree.map(lambda leaf: object(), wo.constant(1.0)))


def test_a_picture_names_a_place_under_the_cursor():
    formatter = pytest.importorskip("warmup_optax._view.plot")._formatter()
    assert formatter(0.25) == "0.25"


def test_a_run_is_no_number():
    run = wo.TrainingRun(batch_size=8, total_steps=10)
    assert run != 10
    assert run == wo.TrainingRun(batch_size=8, total_steps=10)


def test_a_batch_of_states_has_a_value_each():
    """Of a counter: as a vmapped training step has them."""
    schedule = wo.counter_schedule(wo.linear(0.0, 1.0, 10))
    optimizer = optax.inject_hyperparams(optax.sgd)(schedule)
    params = {"w": jnp.zeros(())}

    def state_after(tokens):
        return optimizer.update(params, optimizer.init(params), params, tokens=tokens)[1]

    states = jax.vmap(state_after)(jnp.asarray([2, 5], jnp.int32))
    values = jax.vmap(lambda state: wo.next_value(schedule, state))(states)
    np.testing.assert_allclose(values, [0.2, 0.5], rtol=4 * 2.0**-23)
    np.testing.assert_allclose(wo.next_value(schedule, states), values, rtol=4 * 2.0**-23)


# ------------------------------------------------------------------ phases and findings
def test_a_decay_whose_power_no_float_holds():
    """Of the 400th cycle: the phases are found all the same."""
    schedule = wo.restart(wo.linear(1.0, 0.5, 2), period=2, decay=10.0)
    late = next(phase for phase in phases(schedule) if phase.first >= 800)
    assert late.first == 800
    assert late.again


def test_a_cooldown_that_is_over_before_the_run_begins():
    schedule = wo.shift(wo.with_cooldown(wo.constant(1.0), begin=5, steps=5, end_value=0.5), -12)
    assert [(phase.first, phase.shape) for phase in phases(schedule)] == [(0, "constant")]


def test_the_horizon_of_a_product_is_that_of_its_slowest_factor():
    slow = wo.inverse_sqrt(1.0, timescale=500)
    assert horizon(slow * wo.inverse_sqrt(1.0, timescale=10)) == horizon(slow) == 2000


def test_a_rising_phase_that_the_run_cuts_off_was_not_still_falling():
    schedule = wo.join([wo.linear(1.0, 0.5, 10), wo.linear(0.5, 0.6, 100)], [10])
    assert [finding.name for finding in wo.check(schedule, 50)] == ["rises_after_the_end"]


def test_a_picture_of_seven_counts_ends_at_the_last():
    counts = np.arange(8)
    picture = svg(counts, {"blue": counts / 7}, [])
    assert ">6<" in picture
    assert ">8<" not in picture


# ------------------------------------------------------------------ the command line as a process
def test_no_value_to_draw(tmp_path, capsys):
    path = tmp_path / "run.json"
    schedule = wo.constant(3e38)
    for _ in range(8):  # no float64 holds that either
        schedule = schedule * 3e38
    path.write_text(json.dumps(wo.to_config(schedule)))
    assert cli.main(["show", str(path)]) == 2
    assert capsys.readouterr().err.endswith("has no finite value to draw\n")


def test_a_checkout_that_is_not_installed_has_no_version(monkeypatch, capsys):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert "(not installed)" in capsys.readouterr().out


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (ArithmeticError("no"), 2)])
def test_a_process_ends_with_a_status(error, status, monkeypatch):
    def main():
        raise error

    monkeypatch.setattr(cli, "main", main)
    monkeypatch.setattr("sys.stdout", io.StringIO())  # no file, as in some notebooks
    monkeypatch.setattr("sys.stderr", None)  # as under pythonw
    monkeypatch.setattr(jax.config, "update", lambda *args: None)  # the process of the tests keeps its own
    with pytest.raises(SystemExit) as ended:
        cli.script()
    assert ended.value.code == status


def test_output_that_is_not_a_file_is_let_go(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    cli._discard_output()
    assert cli.sys.stdout is None
    cli._discard_output()  # and once more, where there is none
