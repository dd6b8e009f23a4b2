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
# # Three cooldowns from one checkpoint
#
# This notebook trains one long run at a constant rate and finishes it from one checkpoint in three ways. It
# compares each with an average of checkpoints. Then it shows what happens if a run resumes with a different
# schedule.

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
import ast
import math
import os
import shutil
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import orbax.checkpoint as ocp

import warmup_optax as wo

# %% [markdown]
# ## The text
#
# The training text is the docstrings of Python's standard library, about 900,000 characters of English.

# %%
docstrings = []
for path in sorted(Path(os.__file__).parent.glob("*.py")):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            docstrings.append(ast.get_docstring(node))

docstrings = [docstring for docstring in docstrings if docstring]
np.random.default_rng(0).shuffle(docstrings)
text = "\n\n".join(docstrings).encode("ascii", "ignore")
characters = jnp.asarray(np.frombuffer(text, np.uint8))
train_text, held_out = jnp.split(characters, [int(0.95 * len(characters))])
sample = text[:300].decode()
print(f"{len(characters):,} characters, for instance:\n\n{sample}")

# %% [markdown]
# ## A small transformer
#
# Two layers read 64 characters, each together with the previous one, and predict the next character at every
# position.

# %%
LAYERS, WIDTH, HEADS, CONTEXT, BATCH = 2, 64, 4, 64, 8


def init(key):
    shapes = {
        "embed": (128, WIDTH),
        "before": (128, WIDTH),
        "position": (CONTEXT, WIDTH),
        "qkv": (LAYERS, WIDTH, 3 * WIDTH),
        "merge": (LAYERS, WIDTH, WIDTH),
        "up": (LAYERS, WIDTH, 4 * WIDTH),
        "down": (LAYERS, 4 * WIDTH, WIDTH),
    }
    keys = jax.random.split(key, len(shapes))
    pairs = zip(keys, shapes.items(), strict=True)
    return {
        name: jax.random.normal(key, shape) / math.sqrt(WIDTH) / 2
        for key, (name, shape) in pairs
    }


def loss_fn(params, windows):
    """The mean loss per character, in nats.

    Each of the windows has CONTEXT + 1 characters.
    """
    read = windows[:, :-1]
    before = jnp.pad(windows[:, :-2], ((0, 0), (1, 0)))
    x = params["embed"][read] + params["before"][before]
    x += params["position"]
    for i in range(LAYERS):
        layer = {
            name: params[name][i] for name in ("qkv", "merge", "up", "down")
        }
        heads = jax.nn.standardize(x) @ layer["qkv"]
        heads = heads.reshape(*x.shape[:2], HEADS, -1)
        q, k, v = jnp.split(heads, 3, axis=-1)
        attended = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        x += attended.reshape(x.shape) @ layer["merge"]
        hidden = jax.nn.gelu(jax.nn.standardize(x) @ layer["up"])
        x += hidden @ layer["down"]
    logits = jax.nn.standardize(x) @ params["embed"].T
    losses = optax.softmax_cross_entropy_with_integer_labels(
        logits, windows[:, 1:]
    )
    return losses.mean()


def windows_of(text, starts):
    return text[jnp.asarray(starts)[:, None] + jnp.arange(CONTEXT + 1)]


# %% [markdown]
# One function continues from any state, for `n` updates, with any schedule. The schedule is data, so all runs
# below share one compiled program.

# %%
CHUNK = 20  # updates per compiled call
every = len(held_out) // 64
test_starts = range(0, len(held_out) - CONTEXT - 1, every)
test_windows = windows_of(held_out, test_starts)


@jax.jit
def train_chunk(schedule, params, state):
    optimizer = optax.adamw(schedule)
    last = len(train_text) - CONTEXT - 1

    def update(carry, _):
        params, state = carry
        # The text of an update depends on its count alone: a run that
        # resumes reads on where it stopped.
        key = jax.random.key(wo.update_count(state))
        starts = jax.random.randint(key, (BATCH,), 0, last)
        windows = windows_of(train_text, starts)
        gradients = jax.grad(loss_fn)(params, windows)
        updates, state = optimizer.update(gradients, state, params)
        rate = wo.applied_value(schedule, state)
        return (optax.apply_updates(params, updates), state), rate

    carry, rates = jax.lax.scan(update, (params, state), length=CHUNK)
    params, state = carry
    return params, state, rates, loss_fn(params, test_windows)


def train(schedule, params, state, updates):
    """Continue, and return the parameters, the state, and the log.

    The log has counts, rates and held-out losses.
    """
    log = {"count": [], "rate": [], "loss": []}
    for _ in range(updates // CHUNK):
        params, state, rates, loss = train_chunk(schedule, params, state)
        log["count"].append(int(wo.update_count(state)))
        log["rate"].append(float(rates[-1]))
        log["loss"].append(float(loss))
    return params, state, log


# %% [markdown]
# ## The trunk
#
# The trunk is a warmup and then a constant rate without a planned end.

# %%
trunk = wo.warmup_constant(0.004, warmup_steps=60)
params = init(jax.random.key(0))
state = optax.adamw(trunk).init(params)
params, state, trunk_log = train(trunk, params, state, 800)
loss = trunk_log["loss"][-1]
print(f"held-out loss at count {wo.update_count(state)}: {loss:.3f}")

# %% [markdown]
# ## The checkpoint
#
# A schedule has no state. Orbax saves the parameters and the optimizer's state, which contains the count. The
# schedule is saved as JSON next to them.

# %%
folder = Path(tempfile.mkdtemp())
with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
    run = ocp.args.StandardSave({"params": params, "state": state})
    schedule = ocp.args.JsonSave(wo.to_config(trunk))
    both = ocp.args.Composite(run=run, schedule=schedule)
    checkpointer.save(folder / "800", both)


def restore():
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        run = ocp.args.StandardRestore({"params": params, "state": state})
        schedule = ocp.args.JsonRestore()
        both = ocp.args.Composite(run=run, schedule=schedule)
        saved = checkpointer.restore(folder / "800", both)
    run, schedule = saved["run"], wo.from_config(saved["schedule"])
    return run["params"], run["state"], schedule


_, restored_state, restored_trunk = restore()
same = restored_trunk == trunk
print("count:", wo.update_count(restored_state), " same schedule:", same)

# %% [markdown]
# ## Three branches
#
# Each branch starts from the checkpoint and cools down with a different shape or length. Before the run,
# `wo.compare` reports how the rate changes.

# %%
endings = {
    "one_minus_sqrt, 200": (wo.one_minus_sqrt, 200),
    "linear, 200": (wo.linear, 200),
    "one_minus_sqrt, 80": (wo.one_minus_sqrt, 80),
}
branches = {
    name: wo.with_cooldown(
        restored_trunk, begin=800, steps=updates, shape=shape
    )
    for name, (shape, updates) in endings.items()
}
print(wo.compare(trunk, branches["linear, 200"], count=800))

# %% mystnb={"image": {"alt": "Above, three cooldowns that leave the trunk. Below, their held-out losses."}, "figure": {"caption": "Each cooldown lowers the loss below that of the run without one."}}
logs = {
    name: train(branch, *restore()[:2], endings[name][1])[2]
    for name, branch in branches.items()
}
logs["no cooldown"] = train(trunk, *restore()[:2], 200)[2]


def draw(logs, schedules, first=0):
    """Rates above, held-out losses below; the trunk is gray."""
    figure = plt.figure(figsize=(8.4, 6.2), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    style = {"color": "0.4", "linewidth": 2.2}
    counts = np.arange(first, 801)
    above.plot(counts, wo.sample(trunk, counts), **style)
    counts = np.array(trunk_log["count"])
    losses = np.array(trunk_log["loss"])
    shown = counts >= first
    below.plot(counts[shown], losses[shown], **style)
    colors = ("#1b6ca8", "#c8553d", "#3a8a4d", "0.7")
    for color, (name, log) in zip(colors, logs.items(), strict=False):
        counts = np.arange(800, log["count"][-1] + 1)
        above.plot(counts, wo.sample(schedules[name], counts), color=color)
        counts = [800, *log["count"]]
        losses = [trunk_log["loss"][-1], *log["loss"]]
        label = f"{name}: {losses[-1]:.3f}"
        below.plot(counts, losses, color=color, marker=".", label=label)
    above.set(ylabel="learning rate", ylim=(0, None))
    below.set(xlabel="count (optimizer updates)", ylabel="held-out loss")
    below.legend(frameon=False, title="final loss", alignment="left")
    for axes in (above, below):
        axes.axvline(800, color="0.5", linestyle=":")
        axes.spines[["top", "right"]].set_visible(False)
    return below


_ = draw(logs, branches | {"no cooldown": trunk}).set_ylim(None, 2.6)

# %% [markdown]
# A cooldown helps quickly. After 80 updates, the short one has a lower loss than the trunk after 200 more
# updates. The trunk is unchanged. It can continue, and you can branch from it again later.

# %% [markdown]
# ## Or average checkpoints
#
# A cooldown gives late updates less weight. An average of checkpoints of the trunk does this without a
# cooldown run. `wo.checkpoint_weights` returns the weights that correspond to a cooldown shape.
# `wo.merge_checkpoints` reads one checkpoint after the other, so only one is in memory at a time. Here the
# trunk continues for 200 updates at its constant rate, and Orbax saves its parameters every 20.

# %%
params, state, _ = restore()
with ocp.StandardCheckpointer() as checkpointer:
    for count in range(800, 1001, CHUNK):
        checkpointer.save(folder / f"steady-{count}", params)
        params, state, *_ = train_chunk(trunk, params, state)


def merged_loss(shape, updates):
    """The held-out loss of the average of the checkpoints from 800 on."""
    counts = range(800, 800 + updates + 1, CHUNK)
    with ocp.StandardCheckpointer() as checkpointer:
        trees = (
            checkpointer.restore(folder / f"steady-{count}", params)
            for count in counts
        )
        weights = wo.checkpoint_weights(shape, len(counts))
        average = wo.merge_checkpoints(weights, trees)
    return float(loss_fn(average, test_windows))


print(
    "held-out loss         neither  average  cooldown  "
    "average's share of the gain"
)
for name, (shape, updates) in endings.items():
    neither = logs["no cooldown"]["loss"][updates // CHUNK - 1]
    cooled = logs[name]["loss"][-1]
    average = merged_loss(shape, updates)
    share = (neither - average) / (neither - cooled)
    print(
        f"{name:<20} {neither:8.3f} {average:8.3f} {cooled:9.3f} "
        f"{share:28.0%}"
    )

# %% [markdown]
# Each average is better than the trunk, and none is as good as the corresponding cooldown. It has about 60 to
# 80 % of the gain. The gradients of a cooldown come from a path with less noise, which an average of the
# trunk's checkpoints does not have. But an average needs no further run. One trunk gives all three, and
# continues.

# %% [markdown]
# ## Resume with a different schedule
#
# The count continues, so the new schedule starts *in the middle*. Here the trunk is replaced by three other
# schedules:

# %%
swaps = {
    "a cosine as if from the start": wo.warmup_cosine(
        0.004, warmup_steps=60, total_steps=880
    ),
    "five times the rate": trunk * 5,
    "a new warmup, on the old count": wo.warmup_constant(
        0.004, warmup_steps=1200
    ),
}
for name, schedule in swaps.items():
    print(f"{name}: {wo.compare(trunk, schedule, count=800)}\n")

# %% mystnb={"image": {"alt": "Above, the rates after a resume with other schedules. Below, the losses."}, "figure": {"caption": "Five times the rate raises the loss. The two other swaps do not."}}
swapped = {
    name: train(schedule, *restore()[:2], 80)[2]
    for name, schedule in swaps.items()
}
_ = draw(swapped, swaps, first=600)

# %% [markdown]
# Five times the rate undoes the progress of hundreds of updates. The cosine is nearly over, so the model
# learns little more. The third schedule is not a new warmup, because at count 800 it is two thirds up. To
# start a warmup at count 800, use a join:
# `wo.join([trunk, wo.warmup_constant(0.004, warmup_steps=60)], [800])`.
#
# Guard the start of a resumed run with one line:
#
#     assert wo.compare(old, new, count=wo.update_count(state)).same_past

# %%
shutil.rmtree(folder)
