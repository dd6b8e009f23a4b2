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
# # Schedules as data
#
# The numbers of a schedule are ordinary JAX data. So a sweep is one program, a new schedule does not
# recompile the train step, and you can learn a schedule.

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

schedule = wo.warmup_cosine(0.1, warmup_steps=20, total_steps=100)
jax.tree.leaves(schedule)

# %% [markdown]
# These are all its numbers, both rates and steps. The rest of the notebook relies on this.

# %% [markdown]
# ## The task
#
# The task is to classify handwritten digits with a plain network of eight hidden layers. It has no
# normalization layers, so a high rate at the start can ruin it permanently.

# %%
train_set, test_set = digits.load_digits()


def init(key, hidden=8):
    sizes = [64] + [32] * hidden + [10]
    keys = jax.random.split(key, hidden + 1)
    pairs = zip(keys, sizes, sizes[1:], strict=False)
    return [
        jax.random.normal(key, (n, m)) * np.sqrt(2 / n)
        for key, n, m in pairs
    ]


def loss_fn(params, images, labels):
    x = images.reshape(len(images), 64) - 0.3
    for weights in params[:-1]:
        x = jax.nn.relu(x @ weights)
    losses = optax.softmax_cross_entropy_with_integer_labels(
        x @ params[-1], labels
    )
    return losses.mean()


# %% [markdown]
# ## A sweep is one program
#
# A function trains one network with one schedule. `wo.stack` combines 64 schedules into a batch, and
# `jax.vmap` trains with all of them in one call, each with three seeds.

# %%
steps = 200
order = jnp.asarray(digits.batch_order(seed=0, steps=steps))


def final_loss(schedule, seed):
    """The mean loss of the last 20 updates."""
    optimizer = optax.adam(schedule)

    def update(carry, chosen):
        params, state = carry
        loss, gradients = jax.value_and_grad(loss_fn)(
            params, train_set.images[chosen], train_set.labels[chosen]
        )
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), loss

    params = init(jax.random.key(seed))
    carry = params, optimizer.init(params)
    _, losses = jax.lax.scan(update, carry, order)
    return losses[-20:].mean()


peaks = [0.002, 0.004, 0.007, 0.012, 0.02, 0.04, 0.07, 0.12]
warmups = [0, 2, 5, 10, 20, 40, 80, 120]
sweep = wo.stack(
    [
        wo.warmup_cosine(p, warmup_steps=w, total_steps=steps)
        for p in peaks
        for w in warmups
    ]
)

over_seeds = jax.vmap(final_loss, in_axes=(None, 0))
over_both = jax.jit(jax.vmap(over_seeds, in_axes=(0, None)))
losses = np.asarray(over_both(sweep, jnp.arange(3))).mean(axis=1)
losses = losses.reshape(len(peaks), len(warmups))

# %% mystnb={"image": {"alt": "A heat map of the final loss: a row for each peak, a column for each warmup."}, "figure": {"caption": "Peaks near 0.012 are best. With a warmup of 20 steps or more, 0.04 works too."}}
figure, axes = plt.subplots(figsize=(7.6, 5.2), layout="constrained")
picture = axes.imshow(
    losses, origin="lower", cmap="viridis_r", norm="log", aspect="auto"
)
style = {"ha": "center", "va": "center", "fontsize": 9}
for (i, j), loss in np.ndenumerate(losses):
    color = "white" if loss > 0.3 else "black"  # on dark, on light
    axes.text(j, i, f"{loss:.2f}", color=color, **style)
axes.set_xticks(range(len(warmups)), map(str, warmups))
axes.set_yticks(range(len(peaks)), map(str, peaks))
axes.set(xlabel=f"warmup_steps (of {steps})", ylabel="peak_value")
axes.set_title(
    "Final training loss of 64 schedules (mean of three seeds): "
    "chance is 2.30"
)
_ = figure.colorbar(picture)

# %% [markdown]
# The lowest peaks train too slowly with or without a warmup, and near the best peak the warmup hardly
# matters. At higher peaks it does. From 0.02 to 0.07, the loss with a warmup of 20 to 80 updates is about two
# to four times lower than without one. With a warmup of 120, the peak 0.07 diverges again, and at 0.12 no
# warmup helps. A warmup widens the range of peaks that work.
#
# `wo.unstack` returns the schedules as a list. This is the last one with a loss below 0.1, so it has the
# highest peak:

# %%
wo.unstack(sweep)[np.flatnonzero(losses < 0.1)[-1]]

# %% [markdown]
# ## A train step that is compiled once
#
# Pass the schedule to the step as an argument. JAX runs the Python function only when it traces it, so a
# counter in it counts the compilations.

# %%
traces = {"as data": 0, "as a constant": 0}


@jax.jit
def train_step(schedule, params, state, chosen):
    traces["as data"] += 1
    gradients = jax.grad(loss_fn)(
        params, train_set.images[chosen], train_set.labels[chosen]
    )
    updates, state = optax.adam(schedule).update(gradients, state, params)
    return optax.apply_updates(params, updates), state


params = init(jax.random.key(0))
for peak in (0.001, 0.003, 0.01):
    for warmup_steps in (0, 50, 100):
        schedule = wo.warmup_cosine(
            peak, warmup_steps=warmup_steps, total_steps=steps
        )
        state = optax.adam(schedule).init(params)
        train_step(schedule, params, state, order[0])

# %% [markdown]
# The usual way is a closure over the schedule, whose numbers become constants of the program:

# %%
for peak in (0.001, 0.003, 0.01):
    for warmup_steps in (0, 50, 100):
        schedule = optax.warmup_cosine_decay_schedule(
            0.0, peak, warmup_steps, decay_steps=steps
        )
        optimizer = optax.adam(schedule)

        @jax.jit
        def constant_step(params, state, chosen, optimizer=optimizer):
            traces["as a constant"] += 1
            gradients = jax.grad(loss_fn)(
                params, train_set.images[chosen], train_set.labels[chosen]
            )
            updates, state = optimizer.update(gradients, state, params)
            return optax.apply_updates(params, updates), state

        constant_step(params, optimizer.init(params), order[0])

traces

# %% [markdown]
# Nine schedules, one compilation.

# %% [markdown]
# ## A schedule learned by gradient descent
#
# What is the best schedule for a run of 60 updates? Unroll the run, compute the loss on held-out images, and
# differentiate it *with respect to the schedule*.

# %%
short, knots = 60, [0, 5, 10, 20, 30, 40, 50, 60]
start = wo.piecewise_linear([0.03] * len(knots), knots)
images, labels = train_set.images[:1000], train_set.labels[:1000]
unseen = train_set.images[1000:], train_set.labels[1000:]


def train(schedule, seed):
    """The loss on unseen images, and the losses on the way.

    The run is short, and its optimizer has momentum.
    """
    optimizer = optax.sgd(schedule, momentum=0.9)
    for_params, for_batches = jax.random.split(jax.random.key(seed))

    def update(carry, chosen):
        params, state = carry
        loss, gradients = jax.value_and_grad(loss_fn)(
            params, images[chosen], labels[chosen]
        )
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), loss

    params = init(for_params, hidden=3)
    batches = jax.random.randint(for_batches, (short, 32), 0, len(images))
    carry = params, optimizer.init(params)
    (params, _), losses = jax.lax.scan(update, carry, batches)
    return loss_fn(params, *unseen), losses


def validation_loss(schedule, seeds):
    return jax.vmap(lambda seed: train(schedule, seed)[0])(seeds).mean()


loss_and_gradient = jax.jit(
    jax.value_and_grad(validation_loss, allow_int=True)
)
loss, gradient = loss_and_gradient(start, jnp.arange(8))
np.round(gradient.values, 2)

# %% [markdown]
# The gradient of a schedule is a schedule: how much the loss changes with the rate at each knot. (`allow_int`
# is needed for the counts of the knots, which are whole numbers and have no gradient.)
#
# Now run gradient descent on the logarithms of the rates, so that the rates stay positive, with new seeds at
# every step. This outer descent uses a schedule too.

# %%
meta_steps = 30
optimizer = optax.adam(wo.cosine(0.1, 0.0, meta_steps))
logs = jnp.log(jnp.array(start.values))
state = optimizer.init(logs)
learning, learned = [], start
for i in range(meta_steps):
    loss, gradient = loss_and_gradient(learned, 8 * i + jnp.arange(8))
    of_logs = jnp.array(gradient.values) * jnp.exp(logs)  # the chain rule
    updates, state = optimizer.update(of_logs, state)
    logs = jnp.asarray(optax.apply_updates(logs, updates))
    learned = wo.piecewise_linear(jnp.exp(logs).tolist(), knots)
    learning.append(float(loss))

# %% [markdown]
# Compare the schedule before and after, on 32 new seeds:

# %% mystnb={"image": {"alt": "Three plots: the learned schedule, the progress of learning it, and the losses."}, "figure": {"caption": "The learned schedule trains to a lower loss than the best constant rate."}}
held_out = 1000 + jnp.arange(32)
runs = jax.jit(jax.vmap(train, in_axes=(None, 0)))
constants = wo.stack(
    [wo.constant(rate) for rate in np.geomspace(0.01, 0.3, 16)]
)
of_each = jax.jit(jax.vmap(validation_loss, in_axes=(0, None)))
best = of_each(constants, held_out).min()

figure = plt.figure(figsize=(13, 3.8), layout="constrained")
one, two, three = figure.subplots(1, 3)
compared = ("before", start, "#c8553d"), ("after", learned, "#1b6ca8")
for name, schedule, color in compared:
    final, losses = runs(schedule, held_out)
    one.plot(wo.sample(schedule, range(short + 1)), color=color)
    one.plot(knots, wo.sample(schedule, knots), "o", color=color)
    label = f"{name}: {final.mean():.2f} on unseen images"
    three.plot(losses.mean(axis=0), color=color, label=label)
two.plot(learning, color="0.3")
count = "count (optimizer updates)"
one.set(title="The schedule", xlabel=count, ylabel="learning rate")
two.set(title="Learning it", xlabel="meta-step", ylabel="validation loss")
three.set(title="Training with it", xlabel=count, ylabel="training loss")
three.plot([], color="none", label=f"best of 16 constant rates: {best:.2f}")
three.legend(frameon=False)
for axes in (one, two, three):
    axes.set_ylim(0, None)
    axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Starting from a constant rate, the descent found the usual shape, high at first and low at the end. It beats
# the best constant rate. You can print the learned schedule and save it with `wo.to_config`, like any other
# schedule.

# %%
print(wo.describe(learned))
