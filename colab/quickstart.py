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
# # Quickstart
#
# Why a learning rate should warm up, and how to build a schedule, look at it, train with it, and save it.

# %% active="ipynb" cellView="form" jupyter={"source_hidden": true}
# # @title In Colab, run this first to install; elsewhere it does nothing
# import sys
#
# if "google.colab" in sys.modules:
#     !git clone -q --depth=1 https://github.com/warmup-optax/warmup-optax
#     %pip install -q "/content/warmup-optax[demo]" orbax-checkpoint
#     %cd /content/warmup-optax/colab

# %% [markdown]
# ## Why warm up
#
# A small transformer learns to read handwritten digits, twice. The network, the data, the seeds and the
# peak rate are the same. Only the schedule differs.

# %% mystnb={"image": {"alt": "Above, a constant rate and a warmup with a cosine. Below, the training losses of both."}, "figure": {"caption": "Without a warmup the loss stays at chance level. With one it falls."}}
# %matplotlib inline
import matplotlib.pyplot as plt
import train_digits as digits

peak, steps = 0.01, 240
results = {
    name: digits.train(schedule, seeds=[0, 1, 2], steps=steps)
    for name, schedule in digits.schedules(peak, steps).items()
}
digits.draw(results, peak)

# %% [markdown]
# With the full rate from the first update, the accuracy stays at chance level. With a warmup, the network
# learns. At a constant rate ten times lower, it learns too. A warmup widens the range of peaks that work.

# %% [markdown]
# ## Build a schedule

# %%
import jax
import jax.numpy as jnp
import optax

import warmup_optax as wo

schedule = wo.warmup_cosine(0.01, warmup_steps=48, total_steps=steps)
schedule

# %% [markdown]
# The dot marks the end of the warmup. A schedule is a function of the update's number, which starts at 0, and
# it keeps its arguments.

# %%
schedule(24), schedule([0, 24, 48, 144, 240]), schedule.peak_value

# %%
print(wo.describe(schedule))

# %% [markdown]
# A linter looks for common mistakes. A probable mistake is a *warning*. A finding that is usually intended is
# a *note*. Here it finds one note: the first update has a rate of 0.

# %%
for finding in wo.check(schedule, total_steps=steps):
    print(finding)

# %% [markdown]
# These are other recipes with the same peak ([the gallery](gallery.ipynb) shows all of them):

# %% mystnb={"image": {"alt": "Three schedules with the same warmup and different decays."}, "figure": {"caption": "Three recipes share the warmup and the peak. They differ in the decay."}}
recipes = {
    "cosine": schedule,
    "linear": wo.warmup_linear(0.01, warmup_steps=48, total_steps=steps),
    "stable, then decay": wo.warmup_stable_decay(
        0.01, warmup_steps=48, decay_steps=60, total_steps=steps
    ),
    "inverse sqrt": wo.warmup_inverse_sqrt(0.01, warmup_steps=48),
}
ax = wo.plot(recipes, steps)

# %% [markdown]
# ## Train with it
#
# Pass the schedule to Optax. `wo.applied_value` reads the rate of the last update from the optimizer's state,
# even inside `jit`. So you log the rate that was used and not the planned one.

# %%
optimizer = optax.chain(
    optax.clip_by_global_norm(1.0), optax.adamw(schedule)
)
train_set, test_set = digits.load_digits()
order = digits.batch_order(seed=0, steps=steps)


@jax.jit
def train_step(params, state, chosen):
    batch = digits.Batch(train_set.images[chosen], train_set.labels[chosen])
    loss, gradients = jax.value_and_grad(digits.loss_fn)(params, batch)
    updates, state = optimizer.update(gradients, state, params)
    log = {"loss": loss, "rate": wo.applied_value(schedule, state)}
    return optax.apply_updates(params, updates), state, log


params = digits.init_params(jax.random.key(0))
state = optimizer.init(params)
logs, halfway = [], (params, state)
for count in range(steps):
    if count == 120:
        halfway = params, state  # for later
    params, state, log = train_step(params, state, order[count])
    logs.append(log)

read = digits.predict(params, test_set.images).argmax(axis=-1)
right = (read == test_set.labels).mean()
print(f"{right:.1%} of the test digits are read right")

# %% mystnb={"image": {"alt": "Above, the schedule with the logged rates on it. Below, the loss."}, "figure": {"caption": "The logged rates are on the curve of the schedule, and the loss falls."}}
figure, (above, below) = plt.subplots(
    2, figsize=(7.2, 5), sharex=True, layout="constrained"
)
wo.plot(schedule, steps, ax=above)
counts, rates = range(0, steps, 8), [log["rate"] for log in logs[::8]]
above.plot(counts, rates, "o", color="#c8553d", label="logged")
above.set_xlabel(None)
above.legend(frameon=False)
below.plot([log["loss"] for log in logs], color="#c8553d")
below.set(xlabel="count (optimizer updates)", ylabel="training loss")
below.set_ylim(0, None)
below.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Save it, restore it
#
# Save a schedule as plain JSON, and load it as an equal schedule.

# %%
import json

text = json.dumps(wo.to_config(schedule), indent=2)
print(text)
restored = wo.from_config(json.loads(text))
restored == schedule

# %% [markdown]
# A schedule has no state to save, because the count is in the optimizer's state, which your checkpoint
# contains. A run that resumes halfway with the restored schedule ends with exactly the same parameters.

# %%
schedule = restored
again, state_again = halfway
print("continues at count", wo.update_count(state_again))
for count in range(120, steps):
    again, state_again, _ = train_step(again, state_again, order[count])

all(bool(jnp.array_equal(again[name], params[name])) for name in params)

# %% [markdown]
# ## Where to go next
#
# - [Gallery](gallery.ipynb): a plot of every shape, recipe and combinator.
# - [Schedules as data](schedules_as_data.ipynb): sweep, swap and learn schedules.
# - [Three cooldowns from one checkpoint](resume_and_branch.ipynb): resume a run, average checkpoints, and replace
#   the schedule.
# - [One short run against 64 full ones](range_test.ipynb): two ways to find the peak.
# - [Loss laws](loss_laws.ipynb): predict the training loss from the rates.
# - [Ports next to the original libraries](coming_from.ipynb): keep the curve of PyTorch, Keras and others.
