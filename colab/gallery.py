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
# Every recipe, shape and combinator as a plot, with the code that makes it.

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
from functools import partial

import matplotlib.pyplot as plt
import optax

import warmup_optax as wo


def gallery(lines, steps, columns=2, limits=(-0.05, 1.05)):
    """Plot each line of code in a panel with that line as its title.

    Dots mark where a phase begins.
    """
    names = {"wo": wo, "optax": optax, "partial": partial}
    rows = -(-len(lines) // columns)
    size = (6.2 * columns, 2.1 * rows)
    figure = plt.figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for axes, line in zip(panels.flat, lines, strict=False):
        wo.plot(eval(line, names), steps, ax=axes)
        axes.set_title(line, family="monospace", fontsize=8.5, loc="left")
        axes.set(xlabel=None, ylabel=None)
        axes.set_ylim(limits)
    for axes in panels.flat[len(lines) :]:
        axes.remove()


# %% [markdown]
# ## Recipes
#
# Complete schedules that cover most runs. The peak is at `count == warmup_steps`, and `total_steps` includes
# the warmup.

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
# ## Finite shapes
#
# A finite shape goes from one value to another in `steps` steps. It reaches both values exactly. After
# the last step, the value stays constant.

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
#
# These shapes do not take a total number of steps. To end one, add a cooldown.

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
# ## Decay rates of moving averages
#
# Use these two shapes for Adam's `b1` and `b2`, or for the decay rate of averaged weights. Near 1, a small change in
# the decay rate changes the half-life a lot. Both shapes account for this.

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
# ## Piecewise shapes
#
# You choose the values and the counts at which they apply.

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
# ## Warmups and cooldowns of any shape
#
# A warmup ramps up to the value of the schedule, and a cooldown starts from it, so the curve never jumps.

# %%
shapes = {
    "linear": wo.linear,
    "cosine": wo.cosine,
    "polynomial, power=2": partial(wo.polynomial, power=2),
    'polynomial, power=2, origin="init"': partial(
        wo.polynomial, power=2, origin="init"
    ),
    "one_minus_sqrt": wo.one_minus_sqrt,
    "tanh": wo.shapes.tanh,
}
warmups = {
    name: wo.with_warmup(1.0, steps=300, shape=shape)
    for name, shape in shapes.items()
}
cooldowns = {
    name: wo.with_cooldown(1.0, begin=100, steps=300, shape=shape)
    for name, shape in shapes.items()
}

figure, (left, right) = plt.subplots(
    1, 2, figsize=(12.4, 4.2), layout="constrained", sharey=True
)
wo.plot(warmups, 420, ax=left).get_legend().remove()
wo.plot(cooldowns, 420, ax=right).get_legend().remove()
style = {"family": "monospace", "fontsize": 9, "loc": "left"}
left.set_title("wo.with_warmup(1.0, steps=300, shape=...)", **style)
right.set_title(
    "wo.with_cooldown(1.0, begin=100, steps=300, shape=...)", **style
)
right.set_ylabel(None)
lines = [
    line
    for line in left.get_lines()
    if not line.get_label().startswith("_")
]
_ = figure.legend(
    handles=lines, loc="outside lower center", ncols=3, frameon=False
)

# %% [markdown]
# You can add a warmup or a cooldown to any schedule, including Optax schedules:

# %%
gallery(
    [
        "wo.with_warmup(optax.exponential_decay(1.0, 300, 0.5), steps=150)",
        "wo.with_cooldown(wo.inverse_sqrt(1.0, timescale=100), begin=600, steps=300)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Joins: local or global counts
#
# By default, each phase of a join starts at its own count 0, as in Optax and PyTorch. With `offsets=[0, 0]`, both
# phases receive the global count, as in Keras. Here are the same two phases both ways:

# %%
gallery(
    [
        "wo.join([wo.linear(0.0, 1.0, 300), wo.cosine(1.0, 0.0, 700)], [300])",
        "wo.join([wo.linear(0.0, 1.0, 300), wo.cosine(1.0, 0.0, 700)], [300], offsets=[0, 0])",
    ],
    steps=1000,
)

# %% [markdown]
# In the second plot, the cosine has already run for 300 updates when it takes over, so the rate jumps.
# `with_warmup` ramps to the value that the cosine has at the handover, so it never jumps:

# %%
gallery(
    [
        "wo.with_warmup(wo.cosine(1.0, 0.0, 700), steps=300)",
        "wo.with_warmup(wo.cosine(1.0, 0.0, 700), steps=300, overlap=True)",
    ],
    steps=1000,
)

# %% [markdown]
# ## Combinators and operators
#
# A combinator or an operator turns schedules into a new schedule.

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
# You can combine operators: `wo.cosine(1.0, 0.0, 800) / 4 + 0.1` is a schedule as well.

# %% [markdown]
# ## Schedules in other units
#
# This linear decay takes 8,000 examples. The first 400 updates consume 5 examples each, and every later one
# consumes 15. `TrainingRun.in_steps` computes these numbers from a batch-size ramp.

# %%
gallery(
    [
        "wo.nodes.InSteps(wo.linear(1.0, 0.0, 8000), (400,), (0, 2000), (5, 15))"
    ],
    steps=1000,
    columns=1,
)

# %% [markdown]
# ## Mistakes that `check` finds
#
# Each of these schedules would run for 1000 updates without an error. The gray area is after the end of the run.
# `wo.check` reports the problem and its step before you start. A *note* (blue) may be intentional. A *warning* (red)
# is probably a mistake.

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
figure = plt.figure(figsize=(12.4, 12), layout="constrained")
panels = figure.subplots(5, 2, sharex=True, sharey=True)
for axes, line in zip(panels.flat, looked_at, strict=True):
    schedule = eval(line, {"wo": wo})
    wo.plot(schedule, 1250, ax=axes)
    # After the end of the run.
    axes.axvspan(1000, 1250, color="0.93", zorder=0)
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
