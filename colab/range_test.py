# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One short run against 64 full ones
#
# The range test (Smith 2017) is a short run whose rate rises until the loss explodes. Its curve suggests a
# peak. This notebook runs one, and compares the suggestion with the final losses of 64 full runs at 64 peaks,
# trained in one program.

# %% active="ipynb" cellView="form" jupyter={"source_hidden": true}
# # @title In Colab, run this first to install; elsewhere it does nothing
# import sys
#
# if "google.colab" in sys.modules:
#     !git clone -q --depth=1 https://github.com/warmup-optax/warmup-optax
#     %pip install -q "/content/warmup-optax[demo]" orbax-checkpoint
#     %cd /content/warmup-optax/colab

# %%
# %matplotlib inline
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import train_digits as digits

import warmup_optax as wo

# %% [markdown]
# ## The task
#
# The task is to classify handwritten digits with a plain network of four hidden layers and Adam.

# %%
train_set, _ = digits.load_digits()


def init(key):
    sizes = [64, 32, 32, 32, 32, 10]
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(keys, sizes, sizes[1:], strict=False)
    return [
        jax.random.normal(key, (n, m)) * np.sqrt(2 / n)
        for key, n, m in pairs
    ]


def loss_fn(params, batch):
    x = batch.images.reshape(-1, 64) - 0.3
    for weights in params[:-1]:
        x = jax.nn.relu(x @ weights)
    losses = optax.softmax_cross_entropy_with_integer_labels(
        x @ params[-1], batch.labels
    )
    return losses.mean()


def train(schedule, seed, steps):
    """The loss of every update; the seed fixes weights and batches."""
    optimizer = optax.adam(schedule)
    for_params, for_batches = jax.random.split(jax.random.key(seed))

    def update(carry, chosen):
        params, state = carry
        batch = digits.Batch(
            train_set.images[chosen], train_set.labels[chosen]
        )
        loss, gradients = jax.value_and_grad(loss_fn)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), loss

    params = init(for_params)
    images = len(train_set.labels)
    batches = jax.random.randint(for_batches, (steps, 32), 0, images)
    carry = params, optimizer.init(params)
    _, losses = jax.lax.scan(update, carry, batches)
    return losses


# %% [markdown]
# ## The range test
#
# With `wo.geometric`, the rate rises by the same factor at every update. `wo.suggest_learning_rate` smooths
# the losses, stops where they explode, and returns three suggestions. `steepest` is where the loss falls
# fastest per factor of the rate, `valley` is in the middle of the longest descent (both are fastai's), and
# `steepest_per_rate` is where it falls fastest per unit of the rate (Lightning's).

# %%
length = 100
rising = wo.geometric(1e-5, 1.0, length - 1)
rates = wo.sample(rising, range(length))
seeds = jnp.arange(32)
train_all = jax.jit(jax.vmap(lambda seed: train(rising, seed, length)))
tests = np.asarray(train_all(seeds))

suggestion = wo.suggest_learning_rate(rates, tests[0])
suggestion

# %% mystnb={"image": {"alt": "The loss against a growing rate, with three suggested peaks as vertical lines."}, "figure": {"caption": "The loss falls and then rises as the rate grows. The three rules suggest three peaks."}}
COLORS = {
    "steepest": "#1b6ca8",
    "valley": "#c8553d",
    "steepest_per_rate": "#3a8a4d",
}
figure, axes = plt.subplots(figsize=(9.6, 3.8), layout="constrained")
axes.semilogx(
    rates, tests[0], ".", color="0.7", label="loss of each update"
)
axes.semilogx(
    suggestion.rates, suggestion.losses, color="0.2", label="smoothed"
)
for name, color in COLORS.items():
    rate = getattr(suggestion, name)
    axes.axvline(rate, color=color, label=f"{name}: {rate:.2g}")
axes.set(xlabel="learning rate", ylabel="training loss", ylim=(0, 4))
figure.legend(frameon=False, loc="outside right upper")
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## The 64 full runs
#
# What matters is the loss at the *end* of a full run. Schedules are data, so 64 peaks with four seeds each
# run in one program that compiles once.

# %%
steps = 200
peaks = np.geomspace(1e-4, 1.0, 64)
sweep = wo.stack(
    [
        wo.warmup_cosine(peak, warmup_steps=20, total_steps=steps)
        for peak in peaks
    ]
)


def final_loss(schedule, seed):
    """The mean loss of the last 20 updates."""
    return train(schedule, seed, steps)[-20:].mean()


over_seeds = jax.vmap(final_loss, in_axes=(None, 0))
over_both = jax.jit(jax.vmap(over_seeds, in_axes=(0, None)))
finals = np.asarray(over_both(sweep, seeds[:4]))
best = peaks[finals.mean(axis=1).argmin()]
print(f"best peak: {best:.3g}")

# %% [markdown]
# ## How good is the suggestion?
#
# Run the range test with 32 seeds. How often is a suggestion within a factor of 3 of the best peak?

# %%
suggestions = [wo.suggest_learning_rate(rates, losses) for losses in tests]
readings = {
    name: np.array([getattr(s, name) for s in suggestions])
    for name in COLORS
}
print("reading              median  lowest  highest  within a factor of 3")
for name, found in readings.items():
    near = np.abs(np.log(found / best)) <= np.log(3)
    low, middle, high = found.min(), np.median(found), found.max()
    print(
        f"{name:<18} {middle:8.2g} {low:7.2g} {high:8.2g}"
        f"  {near.sum():>2} of {len(near)}"
    )

# %% mystnb={"image": {"alt": "Above, the final loss of full runs against their peak. Below, a dot for each suggestion."}, "figure": {"caption": "The rule `steepest` suggests peaks near the best one of full runs. The other rules stay below it."}}
figure = plt.figure(figsize=(7.6, 5), layout="constrained")
above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1.2))
mean = finals.mean(axis=1)
above.loglog(peaks, finals, color="0.8", linewidth=1)
above.loglog(
    peaks, mean, color="0.2", linewidth=2, label="mean of four seeds"
)
above.set(ylabel=f"final loss after {steps} updates")
for height, (name, found) in enumerate(readings.items()):
    jitter = np.linspace(-0.3, 0.3, len(found))
    below.semilogx(found, height + jitter, ".", color=COLORS[name])
below.set_yticks(range(len(readings)), list(readings))
below.set(xlabel="peak learning rate", ylim=(-0.6, len(readings) - 0.4))
label = "within a factor of 3 of the best"
for axes in (above, below):
    axes.axvspan(best / 3, best * 3, color="0.93", zorder=0, label=label)
    axes.axvline(best, color="0.5", linestyle=":")
    axes.spines[["top", "right"]].set_visible(False)
_ = above.legend(frameon=False, loc="lower left")

# %% [markdown]
# Here `steepest` is close for every seed. `valley` is about a third of the best peak, and within the factor
# of 3 for one seed in three. It is the conservative suggestion. `steepest_per_rate` is never within the
# factor of 3 and depends mostly on the first rate of the test. The smoothing of the losses matters too:

# %%
for smoothing in (0.0, 0.9, 0.98):
    suggestions = [
        wo.suggest_learning_rate(rates, losses, smoothing=smoothing)
        for losses in tests
    ]
    found = np.array([s.steepest for s in suggestions])
    near = np.abs(np.log(found / best)) <= np.log(3)
    print(
        f"{smoothing=:<5} steepest from {found.min():.2g} "
        f"to {found.max():.2g}, {near.sum()} of 32 are near"
    )

# %% [markdown]
# This is one small network with one optimizer and 200 updates. The method applies to other models. If you can
# afford to repeat a run, the second test answers the question directly, and shows how wide the range of good
# peaks is. The first test costs half of one run.
