"""`sample`: any counts, on the host, in forked processes and under transfer guards."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._core import evaluation

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FLOAT = jax.dtypes.canonicalize_dtype(float)


@pytest.mark.parametrize(
    "counts",
    [
        5,
        2.5,
        True,
        np.int64(7),
        [0, 4, 9],
        range(2, 50, 7),
        range(0),
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.zeros((2, 0)),
        np.array([0, 3.5], np.float16),
        [2**40, -(2**40)],
        10**30,
    ],
    ids=str,
)
def test_sample_takes_any_counts(counts):
    schedule = wo.warmup_linear(0.5, warmup_steps=8, total_steps=40)
    values = wo.sample(schedule, counts)
    assert type(values) is np.ndarray
    assert values.dtype == FLOAT
    assert values.shape == np.shape(counts)
    assert np.array_equal(
        values, np.asarray(schedule(counts if not isinstance(counts, range) else list(counts)))
    )


def test_sample_takes_arrays_of_jax_and_functions_of_others():
    counts = jnp.arange(10)
    line = optax.linear_schedule(0.5, 0.25, 8)
    assert wo.sample(line, counts).tolist() == [line(count) for count in range(10)]
    assert wo.sample(3, counts).tolist() == [3.0] * 10


def test_sample_raises_an_error_for_an_invalid_count():
    for counts in ("5", [1, "a"], None, {1, 2}):
        with pytest.raises(TypeError, match="count must be a whole or real number"):
            wo.sample(wo.constant(1.0), counts)
    with pytest.raises(TypeError, match=r"sample.*traced"):
        jax.jit(lambda x: wo.sample(wo.constant(x), [1]))(1.0)
    with pytest.raises(ValueError, match="stack"):
        wo.sample(wo.stack([wo.constant(1.0), wo.constant(2.0)]), [1])


def test_sample_of_a_million_steps_compiles_one_program(compilations):
    schedule = wo.warmup_cosine(3e-4, warmup_steps=1000, total_steps=900_000)
    wo.sample(schedule, range(2**20))
    before = compilations()
    values = wo.sample(schedule, range(1_000_000))
    assert compilations() == before  # the same power of two
    assert values[1000] == np.asarray(3e-4, FLOAT)


def test_sample_compiles_nothing_for_other_lengths(compilations):
    schedule = wo.warmup_cosine(3e-4, warmup_steps=10, total_steps=777)
    wo.sample(schedule, range(100))
    before = compilations()
    for length in (0, 1, 2, 3, 17, 255, 256):
        assert wo.sample(schedule, range(length)).shape == (length,)
    wo.sample(schedule, 7)
    assert compilations() == before


def test_sample_runs_on_the_cpu_backend_and_nowhere_else(monkeypatch):
    """Another device is the default, and is said to be of another backend, as a GPU would be."""
    accelerator, cpu = jax.devices()[5], jax.local_devices(backend="cpu")[0]
    ran_on = []
    program_of = evaluation.program_of

    def watched(schedule):
        program = program_of(schedule)
        assert program is not None

        def run(*arguments):
            value = program.run(*arguments)
            ran_on.append(value.devices())
            return value

        return evaluation.Program(run, program.numbers, program.x64)

    monkeypatch.setattr(evaluation, "program_of", watched)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    schedule = wo.warmup_linear(0.5, warmup_steps=8, total_steps=40)
    with jax.default_device(accelerator):
        assert jnp.ones(()).devices() == {accelerator}
        held = [array for array in jax.live_arrays() if accelerator in array.devices()]
        for counts in (5, range(100)):
            wo.sample(schedule, counts)
        wo.describe(schedule)
        wo.check(schedule, 40)
        plt.close(wo.plot(schedule, 40).figure)
        left = [array for array in jax.live_arrays() if accelerator in array.devices()]
    assert len(ran_on) >= 5
    assert set(map(frozenset, ran_on)) == {frozenset([cpu])}
    assert len(left) <= len(held)


def test_sample_without_a_cpu_backend_says_what_to_do(monkeypatch):
    def no_cpu(*args, **kwargs):
        raise RuntimeError("Unknown backend cpu")

    monkeypatch.setattr(jax, "local_devices", no_cpu)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(RuntimeError, match="JAX_PLATFORMS leaves the CPU backend out; add it"):
        wo.sample(wo.constant(0.5), 3)


def test_the_tools_work_under_a_transfer_guard():
    """They read on the host by design, so a guard against unintended transfers is none of theirs."""
    schedule = jax.tree.map(jnp.asarray, wo.warmup_piecewise_constant([0.5, 0.1], [30], warmup_steps=8))
    counts = jnp.arange(50)
    with jax.transfer_guard("disallow"):
        assert wo.sample(schedule, range(50)).tolist() == wo.sample(schedule, counts).tolist()
        assert "constant" in wo.describe(schedule)
        assert [finding.name for finding in wo.check(schedule, 50)] == ["zero_first_update"]
        assert wo.compare(schedule, schedule, 40).same_past
        assert wo.to_config(schedule)["kind"]
        plt.close(wo.plot(schedule, 50).figure)


FORKED = """
import os, sys, warnings
warnings.simplefilter("ignore")  # JAX's own warning of the fork
import warmup_optax as wo
if "before" in sys.argv:
    import jax.numpy as jnp
    jnp.zeros(()).block_until_ready()
child = os.fork()
if not child:
    try:
        print(wo.sample(wo.linear(0.0, 1.0, 4), range(5)).tolist(), flush=True)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is of POSIX")
@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (
            "before",
            "sample: this process was forked from one that had used JAX, whose threads do not survive",
        ),
        ("not", "[0.0, 0.25, 0.5, 0.75, 1.0]"),
    ],
)
def test_a_forked_process_samples_or_says_that_it_cannot(used, expected):
    command = [sys.executable, "-c", FORKED, used]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    shown = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert shown.stdout.startswith(expected), shown
    assert shown.stdout.count("\n") == 1
