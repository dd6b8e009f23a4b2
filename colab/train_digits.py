"""Train a transformer twice at one peak rate: without a warmup, and with.

The images are the 1,797 real handwritten digits that come with
scikit-learn, so nothing is downloaded. The network is a small *post-norm*
transformer (it normalizes after each residual sum, as the first
transformers did), which is known to need a warmup (Xiong et al. 2020, "On
Layer Normalization in the Transformer Architecture"). Both runs share
everything but the schedule: the peak rate, the seeds, the initial weights,
the images of every batch.

    pip install "warmup-optax[demo]"
    python colab/train_digits.py   # under a minute on two CPU cores
    python colab/train_digits.py --steps 20 --seeds 1  # a first look

It does not show that a constant rate cannot train this network. A tenth of
this peak does, as well (try ``--peak 1e-3``). A warmup widens the range of
peaks that work. The decay alone does not save this one: with
``warmup_steps=0``, all five seeds stay at chance, 8 % of the digits.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn import datasets
from tqdm import tqdm

import warmup_optax as wo

LAYERS, WIDTH, HEADS, CLASSES = 6, 32, 4, 10
TRAIN_IMAGES = 1437  # four in five; the others are for the test
BATCH_SIZE = 64
CHUNK = 10  # updates per compiled call: few calls, but the bar still moves
SMOOTHING = 10  # updates in the running mean of the loss curves
COLORS = {"constant": "#c8553d", "warmup_cosine": "#1b6ca8"}

Params = dict[str, jax.Array]
State = tuple[Any, optax.OptState]  # the parameters, and what Optax keeps


class Batch(NamedTuple):
    """Images of shape (n, 8, 8), from 0 to 1, and labels of shape (n,)."""

    images: jax.Array
    labels: jax.Array


class Result(NamedTuple):
    """The results of a run.

    Attributes:
      losses: The loss of each update, of shape (seeds, steps).
      accuracy: The test accuracies, of shape (seeds,).
    """

    losses: np.ndarray
    accuracy: np.ndarray


def load_digits() -> tuple[Batch, Batch]:
    """The training and the test images: one split, whatever the seed."""
    pixels, classes = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(classes))
    pixels = pixels[order].reshape(-1, 8, 8) / 16.0
    images = jnp.asarray(pixels, jnp.float32)
    labels = jnp.asarray(classes[order], jnp.int32)
    n = TRAIN_IMAGES
    return Batch(images[:n], labels[:n]), Batch(images[n:], labels[n:])


def batch_order(seed: int, steps: int) -> np.ndarray:
    """Return the image indices of each update.

    Their shape is (steps, BATCH_SIZE). Each epoch is shuffled.
    """
    rng = np.random.default_rng(seed)
    epochs = math.ceil(steps * BATCH_SIZE / TRAIN_IMAGES)
    shuffled = [rng.permutation(TRAIN_IMAGES) for _ in range(epochs)]
    order = np.concatenate(shuffled)
    return order[: steps * BATCH_SIZE].reshape(steps, BATCH_SIZE)


def init_params(key: jax.Array) -> Params:
    """Random weights (Glorot, uniform).

    Those of the blocks have a leading axis of ``LAYERS``.
    """
    shapes = {
        "embed": (8, WIDTH),
        "position": (8, WIDTH),
        "qkv": (LAYERS, WIDTH, 3 * WIDTH),
        "merge": (LAYERS, WIDTH, WIDTH),
        "up": (LAYERS, WIDTH, 4 * WIDTH),
        "down": (LAYERS, 4 * WIDTH, WIDTH),
        "head": (WIDTH, CLASSES),
    }
    # One draw, cut up: XLA takes longer over a generator per matrix than
    # over the training step.
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    noise = jax.random.uniform(key, (ends[-1],), minval=-1.0)
    cut = jnp.split(noise, ends[:-1])
    params = {
        name: part.reshape(shape) * math.sqrt(6.0 / sum(shape[-2:]))
        for (name, shape), part in zip(shapes.items(), cut, strict=True)
    }
    return params | {
        "scale": jnp.ones((LAYERS, 2, WIDTH)),
        "shift": jnp.zeros((LAYERS, 2, WIDTH)),
    }


def predict(params: Params, images: jax.Array) -> jax.Array:
    """The logits of each image, read as a sequence of its eight rows."""
    x = images @ params["embed"] + params["position"]
    for i in range(LAYERS):
        p = {
            name: weights[i]
            for name, weights in params.items()
            if weights.ndim == 3
        }
        heads = (x @ p["qkv"]).reshape(*x.shape[:-1], HEADS, -1)
        q, k, v = jnp.split(heads, 3, axis=-1)
        attended = jax.nn.dot_product_attention(q, k, v).reshape(x.shape)
        # Post-norm: the sum itself is normalized, so no clean path leads
        # around the blocks.
        x = jax.nn.standardize(x + attended @ p["merge"])
        x = x * p["scale"][0] + p["shift"][0]
        hidden = jax.nn.relu(x @ p["up"])
        x = jax.nn.standardize(x + hidden @ p["down"])
        x = x * p["scale"][1] + p["shift"][1]
    return x.mean(axis=-2) @ params["head"]


def loss_fn(params: Params, batch: Batch) -> jax.Array:
    """The mean cross-entropy of a batch."""
    logits = predict(params, batch.images)
    losses = optax.softmax_cross_entropy_with_integer_labels(
        logits, batch.labels
    )
    return losses.mean()


def train(
    schedule: Callable[[Any], Any],
    seeds: Sequence[int],
    steps: int,
    *,
    label: str | None = None,
) -> Result:
    """Train one model per seed, all of them in one program.

    Args:
      schedule: The learning rate: anything that Optax takes for a schedule.
      seeds: Each fixes its model's initial weights and batches, whatever
        the schedule.
      steps: The number of updates.
      label: The name next to the progress bar; None shows no bar.

    Returns:
      The loss of each update's batch before that update, and the test
      accuracy after the last.
    """
    train_set, test_set = load_digits()
    optimizer = optax.adamw(learning_rate=schedule)

    def start(seed: jax.Array) -> State:
        params = init_params(jax.random.key(seed))
        return params, optimizer.init(params)

    def update(state: State, chosen: jax.Array) -> tuple[State, jax.Array]:
        params, opt_state = state
        batch = Batch(train_set.images[chosen], train_set.labels[chosen])
        loss, gradients = jax.value_and_grad(loss_fn)(params, batch)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    def accuracy(state: State) -> jax.Array:
        read = predict(state[0], test_set.images).argmax(axis=-1)
        return (read == test_set.labels).mean()

    # scan makes one call of many updates, vmap one program of all seeds.
    run_chunk = jax.jit(
        jax.vmap(lambda state, chosen: jax.lax.scan(update, state, chosen))
    )
    state = jax.jit(jax.vmap(start))(jnp.asarray(seeds))
    order = np.stack([batch_order(seed, steps) for seed in seeds])
    losses = []
    with tqdm(
        total=steps, desc=label, unit="update", disable=label is None
    ) as bar:
        bar.set_postfix_str("compiling")
        for first in range(0, steps, CHUNK):
            state, chunk = run_chunk(state, order[:, first : first + CHUNK])
            losses.append(np.asarray(chunk))
            mean = losses[-1].mean()
            bar.set_postfix_str(f"loss {mean:.3f}", refresh=False)
            bar.update(chunk.shape[1])
    accuracies = np.asarray(jax.jit(jax.vmap(accuracy))(state))
    return Result(np.concatenate(losses, axis=1), accuracies)


def schedules(peak: float, steps: int) -> dict[str, wo.Schedule]:
    """The two schedules: the same peak, but only one warms up to it.

    The warmup is a fifth of the run.
    """
    cosine = wo.warmup_cosine(
        peak, warmup_steps=steps // 5, total_steps=steps
    )
    return {"constant": wo.constant(peak), "warmup_cosine": cosine}


def table(results: dict[str, Result], seeds: Sequence[int]) -> str:
    """A row per seed, then their mean and standard deviation.

    The schedules stand side by side. The final loss is the mean of the last
    20 updates, the early ones are the first fifth.
    """
    metrics = {
        "final loss": "{:.3f}",
        "test accuracy": "{:.1%}",
        "largest early loss": "{:.2f}",
    }
    values = []  # one (metrics, seeds) array per schedule
    for losses, accuracy in results.values():
        early = losses[:, : max(1, losses.shape[1] // 5)]
        final = losses[:, -20:].mean(axis=1)
        values.append([final, accuracy, early.max(axis=1)])
    cells = np.swapaxes(values, 0, 1)  # to (metrics, schedules, seeds)
    rows = {str(seed): cells[..., i] for i, seed in enumerate(seeds)}
    if len(seeds) > 1:
        rows["mean"] = cells.mean(axis=-1)
        rows["std"] = cells.std(axis=-1, ddof=1)
    widths = [len(name) + 2 for name in results]  # 79 columns in all
    above = "".join(f"{metric:>{sum(widths)}}" for metric in metrics)
    heads = "".join(f"  {name}" for name in results) * len(metrics)
    lines = [f"    {above}", f"seed{heads}"]
    for name, row in rows.items():
        line = f"{name:<4}"
        for form, pair in zip(metrics.values(), row, strict=True):
            for value, width in zip(pair, widths, strict=True):
                line += f"{form.format(value):>{width}}"
        lines.append(line)
    return "\n".join(lines)


def running_mean(losses: np.ndarray) -> np.ndarray:
    """The mean of the last ``SMOOTHING`` losses at each update.

    The first updates have fewer.
    """
    steps = losses.shape[1]
    ones = np.ones(SMOOTHING)
    sums = np.stack([np.convolve(row, ones)[:steps] for row in losses])
    return sums / np.minimum(np.arange(1, steps + 1), SMOOTHING)


def draw(results: dict[str, Result], peak: float) -> Figure:
    """The learning rates, and below them the losses that they lead to."""
    seeds, steps = results["constant"].losses.shape
    warmup_steps = steps // 5
    # A separate Figure, not pyplot's: importing this file changes nobody's
    # plotting backend.
    figure = Figure(figsize=(9, 6), layout="constrained")
    figure.suptitle(
        "Same network, data, seeds and peak rate: only the schedule differs"
    )
    above, below = figure.subplots(2, sharex=True, height_ratios=(2, 3))
    for name, schedule in schedules(peak, steps).items():
        color, (losses, accuracy) = COLORS[name], results[name]
        smooth = running_mean(losses)
        low, high = smooth.min(axis=0), smooth.max(axis=0)
        label = f"{name}: {accuracy.mean():.1%} of the test digits right"
        line = {"color": color, "linewidth": 2.2}
        above.plot(wo.sample(schedule, range(steps)), **line)
        below.plot(smooth.mean(axis=0), label=label, **line)
        band = {"color": color, "alpha": 0.2, "linewidth": 0}
        below.fill_between(range(steps), low, high, **band)
    for axes in (above, below):
        axes.axvspan(0, warmup_steps, color="0.95", zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    phases = ("warmup", 0, warmup_steps), ("decay", warmup_steps, steps)
    for phase, begin, end in phases:
        if begin < end:
            middle = (begin + end) / 2, 1.08 * peak
            above.text(*middle, phase, color="0.4", ha="center")

    lengths = f"warmup_steps={warmup_steps}, total_steps={steps}"
    for name, x, y, call in (
        ("warmup_cosine", 0.22, 0.06, f"({peak:g}, {lengths})"),
        ("constant", 0.83, 0.88, f"({peak:g})"),
    ):
        code = {"family": "monospace", "fontsize": 9, "color": COLORS[name]}
        above.text(x * steps, y * peak, f"wo.{name}{call}", **code)
    above.set(ylabel="learning rate")
    above.set(xlim=(0, steps), ylim=(0, 1.05 * peak))
    guess = math.log(CLASSES)
    dotted = {"color": "0.3", "linewidth": 1, "linestyle": ":"}
    below.axhline(guess, zorder=3, **dotted)
    corner = {"ha": "right", "va": "top", "color": "0.4"}
    below.text(0.99 * steps, 0.97 * guess, "chance: ln 10", **corner)
    title = f"mean and range of {seeds} seeds" if seeds > 1 else "one seed"
    below.legend(title=title, frameon=False, alignment="left")
    below.set(ylim=(0, None), xlabel="optimizer updates")
    below.set_ylabel(
        f"training loss\n(mean of the last {SMOOTHING} updates)"
    )
    return figure


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Print the error, and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def main() -> None:
    """Train with both schedules, print the table, write the picture."""
    parser = Parser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    length = "updates per run (%(default)s)"
    add("--steps", type=int, default=400, help=length)
    add("--seeds", type=int, default=5, help="how many seeds (%(default)s)")
    rate = "the peak learning rate (%(default)s)"
    add("--peak", type=float, default=0.01, help=rate)
    picture = "the PNG to write (%(default)s)"
    add("--out", type=Path, default="build/train_digits.png", help=picture)
    args = parser.parse_args()
    for name in ("steps", "seeds", "peak"):
        value = getattr(args, name)
        if not 0 < value < math.inf:
            parser.error(
                f"argument --{name}: must be positive and finite, "
                f"got {value}"
            )
    try:  # now, not after the training
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.open("ab").close()
    except OSError as error:
        parser.error(f"argument --out: {error}")

    seeds = range(args.seeds)
    results = {
        name: train(schedule, seeds, args.steps, label=f"{name:>13}")
        for name, schedule in schedules(args.peak, args.steps).items()
    }
    print(f"\n{table(results, seeds)}\n")
    draw(results, args.peak).savefig(args.out, format="png", dpi=160)
    print(f"Wrote {args.out}")


if __name__ == "__main__":
    main()
