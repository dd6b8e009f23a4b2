"""Train a small transformer on Python's own source, with any schedule.

The text is the standard library of the Python that runs this, read byte by
byte, so nothing is downloaded. Each run is one pass: no update sees a byte
twice. Runs of one seed start from the same weights and see the same
batches, so only the schedule differs. A run of 2,000 updates with two seeds
takes about a minute on two CPU cores.

    python colab/train_bytes.py                # a cosine, two seeds
    python colab/train_bytes.py --steps 200    # a first look
    python colab/train_bytes.py schedule.json  # saved by wo.to_config
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import warmup_optax as wo

LAYERS, WIDTH, HEADS = 2, 64, 4
VOCABULARY = 128  # bytes past ASCII are dropped
CONTEXT = 32  # bytes that a prediction sees
BATCH_SIZE = 16  # windows in a batch
TEST_WINDOWS = 256
STEPS, WARMUP_STEPS, PEAK = 2000, 100, 4e-3
CHUNK = 25  # updates between two evaluations

Params = dict[str, jax.Array]
State = tuple[Params, optax.OptState]

# Everything of AdamW but the learning rate, which `update` multiplies by.
OPTIMIZER = optax.chain(
    optax.clip_by_global_norm(1.0),
    optax.scale_by_adam(b1=0.9, b2=0.95),
    optax.add_decayed_weights(0.1),
)


class Result(NamedTuple):
    """The log of a run.

    Attributes:
      rates: The learning rate of each update, of shape (steps,).
      updates: The number of updates before each evaluation, of shape
        (evaluations,).
      losses: The test losses at each evaluation in nats per byte, of shape
        (seeds, evaluations).
    """

    rates: np.ndarray
    updates: np.ndarray
    losses: np.ndarray


@functools.cache
def load_windows() -> tuple[np.ndarray, np.ndarray]:
    """Return the windows for training and those for the test.

    Each has ``CONTEXT + 1`` bytes. Their order is fixed.
    """
    library = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(library.glob("*.py"))
    files += sorted(library.glob("[a-e]*/*.py"))
    source = b"\n".join(path.read_bytes() for path in files)
    text = np.frombuffer(source, np.uint8)
    text = text[text < VOCABULARY].astype(np.int32)
    whole = len(text) // (CONTEXT + 1) * (CONTEXT + 1)
    windows = text[:whole].reshape(-1, CONTEXT + 1)
    order = np.random.default_rng(0).permutation(len(windows))
    return windows[order[TEST_WINDOWS:]], windows[order[:TEST_WINDOWS]]


def batches_of(seed: int, steps: int) -> np.ndarray:
    """Return the windows of each update, none of them twice.

    Their shape is (steps, BATCH_SIZE, CONTEXT + 1).
    """
    windows, _ = load_windows()
    most = len(windows) // BATCH_SIZE
    if steps > most:
        raise ValueError(
            f"batches_of: `steps` must be at most {most}, "
            f"one pass over the text, got {steps}"
        )
    order = np.random.default_rng(seed + 1).permutation(len(windows))
    return windows[order[: steps * BATCH_SIZE].reshape(steps, BATCH_SIZE)]


def init_params(key: jax.Array) -> Params:
    """Return random weights.

    Those of the blocks have a leading axis of ``LAYERS``.
    """
    shapes = {
        "embed": (VOCABULARY, WIDTH),
        "position": (CONTEXT, WIDTH),
        "qkv": (LAYERS, WIDTH, 3 * WIDTH),
        "merge": (LAYERS, WIDTH, WIDTH),
        "up": (LAYERS, WIDTH, 4 * WIDTH),
        "down": (LAYERS, 4 * WIDTH, WIDTH),
        "head": (WIDTH, VOCABULARY),
    }
    scales = {
        name: 1 / math.sqrt(shape[-2]) for name, shape in shapes.items()
    }
    scales |= {"embed": 0.02, "position": 0.02}
    keys = jax.random.split(key, len(shapes))
    return {
        name: jax.random.normal(key, shape) * scales[name]
        for (name, shape), key in zip(shapes.items(), keys, strict=True)
    }


def predict(params: Params, tokens: jax.Array) -> jax.Array:
    """Return the logits of the byte that follows each byte.

    The blocks are pre-norm, without biases.
    """
    x = params["embed"][tokens] + params["position"][: tokens.shape[-1]]
    for i in range(LAYERS):
        p = {
            name: weights[i]
            for name, weights in params.items()
            if weights.ndim == 3
        }
        heads = jax.nn.standardize(x) @ p["qkv"]
        heads = heads.reshape(*x.shape[:-1], HEADS, -1)
        q, k, v = jnp.split(heads, 3, axis=-1)
        attended = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        x = x + attended.reshape(x.shape) @ p["merge"]
        x = x + jax.nn.gelu(jax.nn.standardize(x) @ p["up"]) @ p["down"]
    return jax.nn.standardize(x) @ params["head"]


def loss_fn(params: Params, windows: jax.Array) -> jax.Array:
    """Return the mean cross-entropy of the next byte, in nats."""
    logits = predict(params, windows[:, :-1])
    losses = optax.softmax_cross_entropy_with_integer_labels(
        logits, windows[:, 1:]
    )
    return losses.mean()


def start(seed: jax.Array) -> State:
    """Return the weights of a seed and a new optimizer state."""
    params = init_params(jax.random.key(seed))
    return params, OPTIMIZER.init(params)


def run_chunk(
    state: State, batches: jax.Array, rates: jax.Array, test: jax.Array
) -> tuple[State, jax.Array]:
    """Do one update per batch; return the state and the test loss."""

    def update(
        state: State, step: tuple[jax.Array, jax.Array]
    ) -> tuple[State, None]:
        params, opt_state = state
        windows, rate = step
        gradients = jax.grad(loss_fn)(params, windows)
        directions, opt_state = OPTIMIZER.update(
            gradients, opt_state, params
        )
        params = jax.tree.map(lambda p, d: p - rate * d, params, directions)
        return (params, opt_state), None

    state, _ = jax.lax.scan(update, state, (batches, rates))
    return state, loss_fn(state[0], test)


# The rates are an argument, so one program serves every schedule. vmap
# trains all seeds in it.
start_all = jax.jit(jax.vmap(start))
run_chunk_all = jax.jit(jax.vmap(run_chunk, in_axes=(0, 0, None, None)))


def train(
    schedule: wo.Schedule, seeds: Sequence[int], steps: int = STEPS
) -> Result:
    """Train one model per seed.

    Args:
      schedule: The learning rates.
      seeds: Each fixes its model's initial weights and batches, whatever
        the schedule.
      steps: The number of updates, a multiple of ``CHUNK``.

    Returns:
      The rates, and the test losses every ``CHUNK`` updates.

    Raises:
      ValueError: If ``steps`` is not a multiple of ``CHUNK``, or more than
        one pass over the text.
    """
    if steps < 1 or steps % CHUNK:
        raise ValueError(
            f"train: `steps` must be a positive multiple of {CHUNK}, "
            f"got {steps}"
        )
    rates = wo.sample(schedule, range(steps)).astype(np.float32)
    batches = np.stack([batches_of(seed, steps) for seed in seeds])
    test = load_windows()[1]
    state = start_all(jnp.asarray(seeds))
    losses = []
    for first in range(0, steps, CHUNK):
        chunk = slice(first, first + CHUNK)
        inputs = batches[:, chunk], rates[chunk]
        state, loss = run_chunk_all(state, *inputs, test)
        losses.append(np.asarray(loss))
    updates = np.arange(CHUNK, steps + 1, CHUNK)
    return Result(rates, updates, np.stack(losses, axis=1))


def main() -> None:
    """Train with one schedule and print the test losses."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    saved = "a schedule saved by wo.to_config; a cosine if absent"
    add("config", type=Path, nargs="?", help=saved)
    length = "updates per run (%(default)s)"
    add("--steps", type=int, default=STEPS, help=length)
    add("--seeds", type=int, default=2, help="how many seeds (%(default)s)")
    args = parser.parse_args()
    if args.config is None:
        warmup_steps = min(WARMUP_STEPS, args.steps // 5)
        schedule: wo.Schedule = wo.warmup_cosine(
            PEAK, warmup_steps=warmup_steps, total_steps=args.steps
        )
    else:
        schedule = wo.from_config(json.loads(args.config.read_text()))
    _, updates, losses = train(schedule, range(args.seeds), args.steps)
    every = max(1, len(updates) // 10)
    shown = slice(every - 1, None, every)
    for count, row in zip(updates[shown], losses.T[shown], strict=True):
        of_seeds = " ".join(f"{loss:.4f}" for loss in row)
        print(f"{count:>6} updates: test loss {of_seeds}")


if __name__ == "__main__":
    main()
