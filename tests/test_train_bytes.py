"""The small language model behind the notebook on loss laws: its data, its model and its runner."""

import collections
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

COLAB = Path(__file__).parents[1] / "colab"


@pytest.fixture(autouse=True)
def _promotion():
    """As a user runs it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="module")
def train_bytes():
    sys.path.insert(0, str(COLAB))
    try:
        import train_bytes
    finally:
        sys.path.remove(str(COLAB))
    return train_bytes


class TestData:
    def test_windows_are_bytes_of_the_library(self, train_bytes):
        train, test = train_bytes.load_windows()
        assert train.shape[1] == test.shape[1] == train_bytes.CONTEXT + 1
        assert len(test) == train_bytes.TEST_WINDOWS
        assert 0 <= train.min() <= train.max() < train_bytes.VOCABULARY
        text = bytes(train[:200].astype(np.uint8).ravel())
        assert b"self" in text  # source code

    def test_no_window_is_in_two_batches(self, train_bytes):
        """One pass: the windows of all updates are different rows of the text, and none is a test window."""
        windows, _ = train_bytes.load_windows()
        steps = len(windows) // train_bytes.BATCH_SIZE
        assert steps >= train_bytes.STEPS  # the text is long enough for the notebook
        used = train_bytes.batches_of(0, steps).reshape(-1, windows.shape[1])

        def rows(windows):
            return collections.Counter(row.tobytes() for row in windows)

        assert rows(used) <= rows(windows)

    def test_a_seed_fixes_the_order(self, train_bytes):
        np.testing.assert_array_equal(train_bytes.batches_of(3, 4), train_bytes.batches_of(3, 8)[:4])
        assert (train_bytes.batches_of(3, 4) != train_bytes.batches_of(4, 4)).any()

    def test_a_second_pass_is_an_error(self, train_bytes):
        with pytest.raises(ValueError, match=r"`steps` must be at most \d+, one pass over the text"):
            train_bytes.batches_of(0, 10**6)


class TestModel:
    def test_a_prediction_does_not_see_later_bytes(self, train_bytes):
        params = train_bytes.init_params(jax.random.key(0))
        tokens = jnp.asarray(train_bytes.load_windows()[1][:1, :-1])
        changed = tokens.at[0, 20].add(1)
        predict = jax.jit(train_bytes.predict)
        before, after = (predict(params, x) for x in (tokens, changed))
        np.testing.assert_array_equal(before[0, :20], after[0, :20])
        assert (before[0, 20:] != after[0, 20:]).any(-1).all()

    def test_it_starts_near_chance(self, train_bytes):
        params = train_bytes.init_params(jax.random.key(0))
        loss = jax.jit(train_bytes.loss_fn)(params, jnp.asarray(train_bytes.load_windows()[1]))
        # Random logits have a variance of about 1, which costs half a nat.
        assert np.log(train_bytes.VOCABULARY) < float(loss) < np.log(train_bytes.VOCABULARY) + 1

    def test_its_size_is_that_of_the_notebook(self, train_bytes):
        sizes = [weights.size for weights in jax.tree.leaves(train_bytes.init_params(jax.random.key(0)))]
        assert sum(sizes) == 116_736
        assert "about 117,000 parameters" in (COLAB / "loss_laws.py").read_text()


STEPS = 50
SCHEDULE = wo.warmup_linear(4e-3, warmup_steps=10, total_steps=STEPS)


@pytest.fixture(scope="module")
def result(train_bytes):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return train_bytes.train(SCHEDULE, [0, 1], STEPS)


class TestTrain:
    def test_it_logs_rates_and_losses(self, train_bytes, result):
        np.testing.assert_array_equal(result.rates, wo.sample(SCHEDULE, range(STEPS)))
        assert result.updates.tolist() == [25, 50]
        assert result.losses.shape == (2, 2)

    def test_the_loss_falls(self, result):
        assert (result.losses[:, 1] < result.losses[:, 0]).all()
        assert (result.losses[:, 1] < np.log(128) - 1).all()  # chance

    def test_seeds_differ_and_repeat(self, train_bytes, result):
        assert (result.losses[0] != result.losses[1]).all()
        again = train_bytes.train(SCHEDULE, [0, 1], train_bytes.CHUNK)
        np.testing.assert_array_equal(again.losses[:, 0], result.losses[:, 0])

    def test_a_rate_of_zero_changes_nothing(self, train_bytes, result):
        """The rate multiplies everything, weight decay included. One program serves every schedule."""
        programs = train_bytes.run_chunk_all._cache_size()
        frozen = train_bytes.train(wo.constant(0.0), [0, 1], STEPS)
        np.testing.assert_array_equal(frozen.losses[:, 0], frozen.losses[:, 1])
        assert train_bytes.run_chunk_all._cache_size() == programs

    @pytest.mark.parametrize("steps", [0, -25, 30])
    def test_bad_lengths(self, train_bytes, steps):
        with pytest.raises(ValueError, match=f"`steps` must be a positive multiple of 25, got {steps}"):
            train_bytes.train(wo.constant(1e-3), [0], steps)


@pytest.mark.exhaustive
def test_the_command(tmp_path):
    """A saved schedule is trained, and the losses are printed."""
    import json

    config = tmp_path / "schedule.json"
    config.write_text(json.dumps(wo.to_config(wo.warmup_constant(4e-3, warmup_steps=5))))
    command = [sys.executable, COLAB / "train_bytes.py", config, "--steps", "50", "--seeds", "1"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in printed.splitlines()] == ["25", "50"]
