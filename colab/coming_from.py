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
# # Ports next to the original libraries
#
# `warmup_optax.compat` has the schedules of other libraries, with their names and arguments. To port a run,
# change an import. The port keeps the off-by-one differences of the original.

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
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import warmup_optax as wo
from warmup_optax import compat

# In the repository, made by running the real libraries.
TABLES = Path("../tests/golden")


def compare(*panels):
    """Draw panels of (library, case, schedule, guess).

    Dots are the library's own numbers. The lines are ours, and the guess.
    """
    size = (6.4 * len(panels), 3.4)
    figure = plt.figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(panels))
    for ax, panel in zip(axes, panels, strict=True):
        library, case, schedule, guess = panel
        table = json.loads((TABLES / f"{library}.json").read_text())
        (case,) = [row for row in table["cases"] if row["id"] == case]
        counts = np.array(case["steps"])
        rates = np.array(case["values"], float)
        every = np.arange(counts[-1] + 1)
        easy, ours = wo.sample(guess, every), wo.sample(schedule, every)
        theirs = f"{library} {table['version']}"
        ax.plot(every, easy, "--", color="#c8553d", label="an easy guess")
        ax.plot(every, ours, color="#1b6ca8", label="compat")
        ax.plot(counts, rates, "o", color="0.1", ms=3.5, label=theirs)
        title = f"{library}: {case['callable'].split('.')[-1]}"
        ax.set_title(title, loc="left")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="count (optimizer updates)", ylabel="learning rate")
        ax.spines[["top", "right"]].set_visible(False)
        misses = np.abs(wo.sample(schedule, counts) - rates)
        off = np.max(misses) / np.max(np.abs(rates))
        print(
            f"{title}: within {off:.0e} of the largest rate, "
            f"at {len(counts)} counts"
        )
    handles = axes[0].get_legend_handles_labels()
    figure.legend(
        *handles, loc="outside lower center", ncols=3, frameon=False
    )
    return axes


# %% [markdown]
# In each plot, the dots are values from the original library, and the blue line is the port in `compat`. The
# dashed line is a first guess from memory.

# %% [markdown]
# ## PyTorch

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "PyTorch: the port is on the measured points. The easy guess misses them."}}
torch = compat.torch
parts = [
    torch.LinearLR(0.1, start_factor=0.1, total_iters=5),
    torch.CosineAnnealingLR(0.1, T_max=15),
]
_ = compare(
    (
        "torch",
        "seq-linear-cosine",
        torch.SequentialLR(parts, milestones=[5]),
        wo.warmup_cosine(
            0.1, warmup_steps=5, total_steps=20, init_value=0.01
        ),
    ),
    (
        "torch",
        "onecycle-20",
        torch.OneCycleLR(max_lr=0.1, total_steps=20),
        wo.one_cycle(0.1, total_steps=20),
    ),
)

# %% [markdown]
# - If you train past `T_max`, the rate of `CosineAnnealingLR` **rises again**.
# - `OneCycleLR` peaks one update before `pct_start * total_steps`, and ends at `total_steps - 1`.

# %% [markdown]
# ## Keras

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "Keras: the port is on the measured points. The easy guess misses them."}}
keras = compat.keras
_ = compare(
    (
        "keras",
        "cosine-warm",
        keras.CosineDecay(
            0.0, decay_steps=30, warmup_target=0.1, warmup_steps=10
        ),
        wo.warmup_cosine(0.1, warmup_steps=10, total_steps=30),
    ),
    (
        "keras",
        "piecewise-one",
        keras.PiecewiseConstantDecay(boundaries=[5], values=[1.0, 0.1]),
        wo.piecewise_constant([1.0, 0.1], [5]),
    ),
)

# %% [markdown]
# - `decay_steps` does **not** include the warmup, so this run ends at 40. (Optax's `decay_steps` includes
#   it.)
# - *At* a boundary, the old value still applies. In most other libraries, the new value applies there.

# %% [markdown]
# ## TF Model Garden

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "TF Model Garden: the port is on the measured points. The easy guess misses them."}}
tfm = compat.tfm
axes = compare(
    (
        "tfm",
        "linwarm-cosine",
        tfm.LinearWarmup(
            keras.CosineDecay(0.1, decay_steps=50),
            warmup_steps=10,
            warmup_learning_rate=0.0,
        ),
        wo.warmup_cosine(0.1, warmup_steps=10, total_steps=60),
    ),
    (
        "tfm",
        "powoff-default",
        tfm.PowerDecayWithOffset(0.1, power=-0.5),
        wo.shift(wo.shapes.power_law(0.1, power=-0.5), 1),
    ),
)
axes[1].set_yscale("log")

# %% [markdown]
# - The decay runs **during the warmup**, and the warmup ends at the decayed value. So the peak is below 0.1.
# - `PowerDecayWithOffset` gives the first update a rate of **one million**, unless
#   `pre_offset_learning_rate` is set.

# %% [markdown]
# ## MediaPipe

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "MediaPipe: the port is on the measured points. The easy guess misses them."}}
mediapipe = compat.mediapipe
_ = compare(
    (
        "mediapipe",
        "cosine-60-12",
        mediapipe.WarmUp(
            0.1, keras.CosineDecay(0.1, decay_steps=60), warmup_steps=12
        ),
        wo.warmup_cosine(0.1, warmup_steps=12, total_steps=60),
    ),
    (
        "mediapipe",
        "different-peak",
        mediapipe.WarmUp(
            0.2,
            keras.ExponentialDecay(0.1, 10, 0.5, staircase=True),
            warmup_steps=7,
        ),
        wo.warmup_exponential(
            0.2,
            decay_rate=0.5,
            transition_steps=10,
            staircase=True,
            warmup_steps=7,
        ),
    ),
)

# %% [markdown]
# - Here the decay also runs during the warmup, but the warmup approaches the full rate and never reaches it.
#   The rate **drops** where they meet.
# - The peaks of the warmup and the decay are independent, so the drop can be large.

# %% [markdown]
# ## Paddle

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "Paddle: the port is on the measured points. The easy guess misses them."}}
paddle = compat.paddle
_ = compare(
    (
        "paddle",
        "warm-cosine",
        paddle.LinearWarmup(
            paddle.CosineAnnealingDecay(0.1, T_max=30),
            10,
            start_lr=0.0,
            end_lr=0.1,
        ),
        wo.warmup_cosine(0.1, warmup_steps=10, total_steps=40),
    ),
    (
        "paddle",
        "warm-other-end",
        paddle.LinearWarmup(0.3, warmup_steps=7, start_lr=0.01, end_lr=0.5),
        wo.with_warmup(0.3, steps=7, init_value=0.01),
    ),
)

# %% [markdown]
# - The cosine starts when the warmup ends, and **rises again** after `T_max`.
# - `end_lr` is the end of the warmup, and not the rate after it.

# %% [markdown]
# ## Hugging Face Transformers

# %% mystnb={"image": {"alt": "Two plots of rates: measured points on the port's curve, and an easy guess that differs."}, "figure": {"caption": "Transformers: the port is on the measured points. The easy guess misses them."}}
transformers = compat.transformers
_ = compare(
    (
        "transformers",
        "cosine-10-60",
        transformers.get_cosine_schedule_with_warmup(
            0.01, num_warmup_steps=10, num_training_steps=60
        ),
        wo.warmup_cosine(0.01, warmup_steps=10, total_steps=60),
    ),
    (
        "transformers",
        "minlr-warmrate-none",
        transformers.get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
            0.01, 10, 60, min_lr=0.001
        ),
        wo.warmup_cosine(
            0.01, warmup_steps=10, total_steps=60, end_value=0.001
        ),
    ),
)

# %% [markdown]
# - The plain cosine **rises again** after `num_training_steps`.
# - The one with a `warmup_lr_rate` is one update early throughout, so its first update does not have a rate
#   of 0.

# %% [markdown]
# ## And then
#
# A ported schedule is a schedule like any other. `describe` prints its phases, and `check` lists possible
# mistakes:

# %%
schedule = torch.SequentialLR(parts, milestones=[5])
print(wo.describe(schedule), "\n")
for finding in wo.check(schedule, total_steps=30):
    print(finding)

# %% [markdown]
# The page
# [Where libraries disagree](https://warmup-optax.github.io/warmup-optax/coming_from/differences.html) lists
# all these differences.
