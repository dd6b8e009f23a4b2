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
# # Gallery
#
# Every shape, recipe and combinator as a picture, under the line that made it.

# %% cellView="form" jupyter={"source_hidden": true}
# @title In Colab, run this first: it installs the library. Anywhere else it only shows the device.
import os
import shutil
import subprocess
import sys

if "google.colab" in sys.modules:
    if not os.path.exists("/content/warmup-optax"):
        repository = "https://github.com/warmup-optax/warmup-optax"
        subprocess.run(["git", "clone", "-q", "--depth=1", repository, "/content/warmup-optax"], check=True)
    jax_wheel = "jax[cuda12]" if shutil.which("nvidia-smi") else "jax"
    packages = ["/content/warmup-optax[demo]", "orbax-checkpoint", jax_wheel]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *packages], check=True)
    os.chdir("/content/warmup-optax/colab")

import jax

print(f"{jax.default_backend().upper()}: {jax.devices()[0].device_kind}")

# %%
# %matplotlib inline
from functools import partial

import matplotlib.pyplot as plt
import optax

import warmup_optax as wo


def gallery(lines, steps, columns=2, limits=(-0.05, 1.05)):
    """A panel for each line of code, titled with it. The dots are where a phase begins."""
    rows = -(-len(lines) // columns)
    size = (6.2 * columns, 2.1 * rows)
    panels = plt.subplots(rows, columns, figsize=size, layout="constrained", sharex=True, squeeze=False)[1]
    for axes, line in zip(panels.flat, lines, strict=False):
        wo.plot(eval(line, {"wo": wo, "optax": optax, "partial": partial}), steps, ax=axes)
        axes.set_title(line, family="monospace", fontsize=8.5, loc="left")
        axes.set(xlabel=None, ylabel=None)
        axes.set_ylim(limits)
    for axes in panels.flat[len(lines) :]:
        axes.remove()


# %% [markdown]
# ## Recipes
#
# What most runs need. The peak is at `count == warmup_steps`, and `total_steps` includes the warmup.

# %%
gallery(
    [
        "wo.warmup_constant(1.0, warmup_steps=100)",
        "wo.warmup_linear(1.0, warmup_steps=100, total_steps=900)",
        "wo.warmup_cosine(1.0, warmup_steps=100, total_steps=900)",
        "wo.warmup_cosine(1.0, warmup_steps=100, hold_steps=200, total_steps=900)",
        "wo.warmup_polynomial(1.0, power=3, warmup_steps=100, total_steps=900)",
        "wo.warmup_stable_decay(1.0, warmup_steps=100, decay_steps=200, total_steps=900)",
        "wo.warmup_inverse_sqrt(1.0, warmup_steps=100)",
        "wo.warmup_exponential(1.0, warmup_steps=100, decay_rate=0.5, transition_steps=200)",
        "wo.warmup_piecewise_constant([1.0, 0.3, 0.1], [400, 700], warmup_steps=100)",
        "wo.warmup_cosine_restarts(1.0, warmup_steps=100, cycle_steps=120, growth=2, decay=0.8)",
        "wo.one_cycle(1.0, total_steps=900)",
        "wo.one_cycle(1.0, total_steps=900, warmup_fraction=0.5, shape=wo.linear)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Shapes with an end
#
# From one value to another in `steps` steps. Both ends are exactly your numbers, and the last one continues.

# %%
gallery(
    [
        "wo.linear(1.0, 0.1, steps=800)",
        "wo.cosine(1.0, 0.1, steps=800)",
        "wo.polynomial(1.0, 0.1, steps=800, power=2)",
        'wo.polynomial(1.0, 0.1, steps=800, power=2, origin="init")',
        "wo.one_minus_sqrt(1.0, 0.1, steps=800)",
        "wo.geometric(1.0, 0.1, steps=800)",
        "wo.shapes.tanh(1.0, 0.1, steps=800)",
        "wo.shapes.tanh(1.0, 0.1, steps=800, start=-3.0, stop=3.0)",
        "wo.shapes.rex(1.0, 0.1, steps=800)",
        "wo.shapes.rex(1.0, 0.1, steps=800, curvature=0.9)",
        "wo.shapes.finite_exponential(1.0, 0.1, steps=800, ratio=0.01)",
        "wo.shapes.logarithmic(0.0, 1.0, steps=800)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Shapes that never end

# %%
gallery(
    [
        "wo.constant(1.0)",
        "wo.exponential(1.0, decay_rate=0.5, transition_steps=200)",
        "wo.exponential(1.0, decay_rate=0.5, transition_steps=200, staircase=True)",
        "wo.inverse_sqrt(1.0, timescale=100)",
        "wo.inverse_time(1.0, decay_rate=1.0, transition_steps=100)",
        "wo.shapes.power_law(1.0, power=-0.3, timescale=50)",
        "wo.shapes.exponential_approach(0.0, 1.0, timescale=150)",
        "wo.shapes.radam(1.0, b2=0.99)",
        "wo.shapes.cosine_wave(1.0, 0.1, steps=200)",
        "wo.shapes.triangle_wave(0.1, 1.0, steps=100, back_steps=200)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Decays of moving averages
#
# Adam's `b1` and `b2`, or the decay of averaged weights: near 1 a small difference is a large one, and these
# two shapes know it.

# %%
gallery(
    [
        "wo.shapes.half_life(0.9, 0.99, steps=800)",
        "wo.shapes.debiased_decay(0.99)",
    ],
    steps=1000,
    limits=(0.895, 1.0),
)

# %% [markdown]
# ## Shapes from a table

# %%
gallery(
    [
        "wo.piecewise_constant([1.0, 0.5, 0.1], [300, 700])",
        "wo.piecewise_linear([0.0, 1.0, 0.6, 0.5, 0.0], [0, 100, 200, 700, 900])",
        "wo.shapes.piecewise_cosine([0.0, 1.0, 0.6, 0.5, 0.0], [0, 100, 200, 700, 900])",
    ],
    steps=1000,
    columns=3,
)

# %% [markdown]
# ## A warmup of any shape, a cooldown of any shape
#
# A shape has two places: in front of a schedule, up to the schedule's own value, and at its end, from the
# value that it has there. So the two always meet.

# %%
shapes = {
    "linear": wo.linear,
    "cosine": wo.cosine,
    "polynomial, power=2": partial(wo.polynomial, power=2),
    'polynomial, power=2, origin="init"': partial(wo.polynomial, power=2, origin="init"),
    "one_minus_sqrt": wo.one_minus_sqrt,
    "tanh": wo.shapes.tanh,
}
warmups = {name: wo.with_warmup(1.0, steps=300, shape=shape) for name, shape in shapes.items()}
cooldowns = {name: wo.with_cooldown(1.0, begin=100, steps=300, shape=shape) for name, shape in shapes.items()}

figure, (left, right) = plt.subplots(1, 2, figsize=(12.4, 4.2), layout="constrained", sharey=True)
wo.plot(warmups, 420, ax=left).get_legend().remove()
wo.plot(cooldowns, 420, ax=right).get_legend().remove()
left.set_title("wo.with_warmup(1.0, steps=300, shape=...)", family="monospace", fontsize=9, loc="left")
right.set_title(
    "wo.with_cooldown(1.0, begin=100, steps=300, shape=...)", family="monospace", fontsize=9, loc="left"
)
right.set_ylabel(None)
lines = [line for line in left.get_lines() if not line.get_label().startswith("_")]
_ = figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False)

# %% [markdown]
# Any schedule can be warmed up or cooled down, one of Optax's too:

# %%
gallery(
    [
        "wo.with_warmup(optax.exponential_decay(1.0, 300, 0.5), steps=150)",
        "wo.with_cooldown(wo.inverse_sqrt(1.0, timescale=100), begin=600, steps=300)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Joins, and the two clocks
#
# A phase of a join starts at its own 0 (Optax, PyTorch), or it has been running from the first update on
# (Keras, TensorFlow). One argument says which. The same two phases, on either clock:

# %%
gallery(
    [
        "wo.join([wo.linear(0.0, 1.0, 300), wo.cosine(1.0, 0.0, 700)], [300])",
        "wo.join([wo.linear(0.0, 1.0, 300), wo.cosine(1.0, 0.0, 700)], [300], offsets=[0, 0])",
    ],
    steps=1000,
)

# %% [markdown]
# On the right the cosine is 300 updates old when it takes over, so the rate jumps. `with_warmup` aims at
# what the decay has come to, so it does not:

# %%
gallery(
    [
        "wo.with_warmup(wo.cosine(1.0, 0.0, 700), steps=300)",
        "wo.with_warmup(wo.cosine(1.0, 0.0, 700), steps=300, overlap=True)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Combine and bend

# %%
gallery(
    [
        "wo.shift(wo.cosine(1.0, 0.0, 600), 200)",
        "wo.restart(wo.cosine(1.0, 0.0, 130), period=130, growth=2, decay=0.7)",
        "wo.clip(wo.cosine(1.0, 0.0, 800), min_value=0.2, max_value=0.8)",
        "wo.cosine(1.0, 0.0, 800) * 0.5",
        "wo.cosine(1.0, 0.0, 800) / 4",
        "wo.linear(0.5, 0.0, 800) + wo.shapes.cosine_wave(0.1, 0.0, steps=50)",
        "wo.cosine(1.0, 0.0, 800) * wo.piecewise_constant([1.0, 0.5], [400])",
        "wo.shapes.k_decay(wo.cosine(1.0, 0.0, 800), k=2)",
        "wo.minimum(wo.linear(0.0, 1.0, 200), wo.inverse_sqrt(1.0, timescale=100))",
        "wo.maximum(wo.cosine(1.0, 0.0, 800), wo.linear(0.4, 0.2, 800))",
        "wo.stretch(wo.cosine(1.0, 0.0, 800), 0.5)",
        "wo.staircase(wo.linear(1.0, 0.0, 8), steps=100)",
    ],
    steps=1000,
)

# %% [markdown]
# `+`, `-`, `*` and `/` work too: `wo.cosine(1.0, 0.0, 800) / 4 + 0.1` is a schedule.

# %% [markdown]
# ## Written in other units
#
# A line over 8,000 examples, on the clock of updates: each of the first 400 takes 5 examples, each later one
# takes 15. (`wo.TrainingRun(...).in_steps` works these numbers out of a ramp of batch sizes.)

# %%
gallery(
    ["wo.nodes.InSteps(wo.linear(1.0, 0.0, 8000), (400,), (0, 2000), (5, 15))"],
    steps=1000,
    columns=1,
)

# %% [markdown]
# ## What `check` says
#
# Each of these trains without an error, for 1000 updates; the part after them is gray. `wo.check` finds
# what is wrong, and where, before the run does. What is usually meant is a *note* (blue), the rest are
# *warnings* (red).

# %%
looked_at = [
    "wo.warmup_cosine(1.0, warmup_steps=500, total_steps=1000)",
    "wo.shapes.cosine_wave(1.0, 0.01, steps=1000)",
    "wo.shapes.cosine_wave(1.0, 0.01, steps=700)",
    "wo.warmup_cosine(1.0, warmup_steps=100, total_steps=700, init_value=0.01)",
    "wo.join([wo.linear(0.1, 1.0, 200), wo.linear(0.6, 0.1, 800)], [200])",
    "wo.with_cooldown(1.0, begin=800, steps=400)",
    "wo.linear(1.0, 0.0, 1500)",
    "wo.exponential(1.0, decay_rate=0.5, transition_steps=600, end_value=0.1)",
    "wo.warmup_piecewise_constant([1.0, 0.1], [1200], warmup_steps=100, init_value=0.01)",
    "wo.linear(1.0, 0.05, 800) - 0.1",
]
panels = plt.subplots(5, 2, figsize=(12.4, 12), layout="constrained", sharex=True, sharey=True)[1]
for axes, line in zip(panels.flat, looked_at, strict=True):
    schedule = eval(line, {"wo": wo})
    wo.plot(schedule, 1250, ax=axes)
    axes.axvspan(1000, 1250, color="0.93", zorder=0)  # after the end of the run
    axes.set_title(line, family="monospace", fontsize=8.5, loc="left")
    axes.set(xlabel=None, ylabel=None)
    (finding,) = wo.check(schedule, total_steps=1000)
    print(finding, end="\n\n")
    color = {"warning": "#c8553d", "note": "#1b6ca8"}[finding.severity]
    axes.axvline(finding.step, color=color, linestyle="--")
    right = finding.step > 500
    place = {
        "xy": (finding.step, 0.82),
        "xycoords": ("data", "axes fraction"),
        "ha": "right" if right else "left",
    }
    axes.annotate(f" {finding.name} ", color=color, weight="bold", **place)
