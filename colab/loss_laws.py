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
# # Loss laws
#
# Two published laws predict a training loss from the learning rates alone. This notebook fits them to two logged
# runs of a small language model, and predicts the loss of a third schedule before training with it. Then it
# optimizes the numbers of a `piecewise_linear` by gradient descent through one law, and trains with the result.
#
# It trains with four schedules and two seeds each, in a few minutes on two CPU cores.

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
import train_bytes
from scipy.optimize import minimize

import warmup_optax as wo

PEAK, STEPS = train_bytes.PEAK, train_bytes.STEPS
WARMUP = train_bytes.WARMUP_STEPS
SEEDS = [0, 1]

# %% [markdown]
# ## Two runs
#
# `train_bytes.py` trains a transformer of about 117,000 parameters to predict the next byte of Python's standard
# library, in one pass. Runs with the same seed share initial weights and batches, so only the schedule differs. The loss
# is measured on held-out text, in nats per byte.

# %%
schedules = {
    "constant": wo.warmup_constant(PEAK, warmup_steps=WARMUP),
    "cosine": wo.warmup_cosine(
        PEAK, warmup_steps=WARMUP, total_steps=STEPS, end_value=PEAK / 10
    ),
    "wsd": wo.warmup_stable_decay(
        PEAK,
        warmup_steps=WARMUP,
        decay_steps=STEPS // 5,
        total_steps=STEPS,
        end_value=PEAK / 10,
    ),
}
logged = ["constant", "cosine"]
results = {
    name: train_bytes.train(schedules[name], SEEDS) for name in logged
}
for name in logged:
    final = results[name].losses[:, -1].round(4)
    print(f"{name:<9} final loss of each seed: {final}")

# %% [markdown]
# ## Two laws
#
# In both, the loss decreases with the area $S$ under the learning rates, and decreases further after the rate
# has decreased. They differ in how a decrease $\eta_{k-1} - \eta_k$ affects the loss over time:
#
# * **multi-power** (Luo et al. 2025, [arXiv 2503.12811](https://arxiv.org/abs/2503.12811), equation 3):
#   $L_0 + A S(n)^{-\alpha} - B \sum_{k \le n} (\eta_{k-1} - \eta_k) G(\eta_k^{-\gamma} S_k(n))$ with
#   $G(x) = 1 - (1 + C x)^{-\beta}$, where $S_k(n)$ is the area from update $k$ to update $n$. As in the authors'
#   code, the increases of a warmup count as negative decreases. $\beta$ and $\gamma$ keep their published values.
# * **annealing** (Tissue et al. 2024, [arXiv 2408.11029](https://arxiv.org/abs/2408.11029), equation 1):
#   $L_0 + A S(n)^{-\alpha} - C S_2(n)$, where the contribution of each decrease to $S_2$ saturates exponentially.
#
# Rates are in units of the peak, and areas in units of a run at the peak.


# %%
def parts(rates, updates):
    """The area at ``updates``, and three arrays (evaluations, steps).

    They are the falls, whether each is past, and the area since then.
    """
    area = jnp.cumsum(rates) / len(rates)
    falls = -jnp.diff(rates, prepend=0.0)
    done = updates[:, None] > jnp.arange(len(rates))
    now = area[updates - 1]
    since = now[:, None] - area + rates / len(rates)
    since = jnp.where(done, since, 0.0)
    return now, jnp.where(done, falls, 0.0), done, since


def multi_power(numbers, rates, updates, beta=0.59, gamma=0.64):
    lowest, a, alpha, b, c = jnp.exp(numbers)  # all are positive
    area, falls, _, since = parts(rates, updates)
    grown = 1 + c * jnp.maximum(rates, 1e-6) ** -gamma * since
    gained = 1 - grown**-beta
    return lowest + a * area**-alpha - b * (falls * gained).sum(-1)


def annealing(numbers, rates, updates):
    lowest, a, alpha, c, memory = jnp.exp(numbers)
    area, falls, done, _ = parts(rates, updates)
    age = jnp.where(done, updates[:, None] - jnp.arange(len(rates)), 0)
    gained = -jnp.expm1(-age / (memory * len(rates))) * memory
    return lowest + a * area**-alpha - c * (falls * gained).sum(-1)


# Both laws have flat directions: one start leads to a better fit than the
# other.
STARTS = {
    multi_power: [[lowest, 0.5, 0.5, 0.06, 30.0] for lowest in (0.5, 1.3)],
    annealing: [[lowest, 0.5, 0.5, 0.2, 0.1] for lowest in (0.5, 1.3)],
}


def fit(law, runs):
    """The numbers of a law, from the losses after the warmup.

    The cost is a Huber loss of the logarithms, as in both papers.
    """

    def cost(numbers):
        total = 0.0
        for result in runs:
            late = np.flatnonzero(result.updates > 1.2 * WARMUP)[::2]
            rates = result.rates.astype(float) / PEAK
            measured = result.losses[:, late].astype(float)
            expected = law(numbers, rates, result.updates[late])
            expected = jnp.maximum(expected, 1e-3)
            misses = jnp.log(expected) - np.log(measured)
            total += optax.huber_loss(misses, delta=1e-3).mean()
        return 1e3 * total

    with jax.enable_x64(True):
        run = jax.jit(jax.value_and_grad(cost))

        def host(numbers):
            value, gradient = map(np.asarray, run(numbers))
            if np.isfinite(gradient).all():
                return value, gradient
            return 1e6, np.zeros_like(numbers)

        how = {"method": "L-BFGS-B", "options": {"maxiter": 150}}
        bounds = [(-12, 12)] * 5
        fits = [
            minimize(host, np.log(start), jac=True, bounds=bounds, **how)
            for start in STARTS[law]
        ]
    return min(fits, key=lambda found: found.fun).x


def predict(law, numbers, schedule, updates=(STEPS,)):
    with jax.enable_x64(True):
        rates = wo.sample(schedule, range(STEPS)).astype(float) / PEAK
        return np.asarray(law(numbers, rates, np.asarray(updates)))


# %% [markdown]
# Each law is fitted three times: to both seeds, and to each seed alone. The spread of the predictions is the
# error bar.


# %%
def of_seed(result, seed):
    return result._replace(losses=result.losses[[seed]])


def fits_of(law):
    runs = [results[name] for name in logged]
    fits = [fit(law, runs)]
    for seed in range(len(SEEDS)):
        fits.append(fit(law, [of_seed(run, seed) for run in runs]))
    return fits


laws = {law: fits_of(law) for law in (multi_power, annealing)}
for law, fits in laws.items():
    print(
        f"{law.__name__:<12} lowest loss and four numbers, "
        f"both seeds: {np.exp(fits[0]).round(3)}"
    )

# %% [markdown]
# ## Predict a schedule that was not fitted
#
# Predict its loss first, and then train with it.

# %%
for law, fits in laws.items():
    both, *each = [
        float(predict(law, numbers, schedules["wsd"])[0])
        for numbers in fits
    ]
    print(
        f"{law.__name__:<12} predicts {both:.4f} for wsd "
        f"(by the seeds alone {np.round(each, 4)})"
    )

# %%
results["wsd"] = train_bytes.train(schedules["wsd"], SEEDS)
final = results["wsd"].losses[:, -1]
seeds = final.round(4)
print(f"{'measured':<12} {final.mean():22.4f}         (the seeds {seeds})")

# %% mystnb={"image": {"alt": "Above, the rates of the schedules. Below, measured losses as dots and the law's curves."}, "figure": {"caption": "The law follows the loss of a schedule that it was not fitted to."}}
COLORS = {
    "constant": "#c8553d",
    "cosine": "#1b6ca8",
    "wsd": "#3a8a4d",
    "chosen": "#7a4fa3",
}


def draw(names, law):
    """Rates above; below them the measured losses and the law's curve.

    The losses are dots. Each schedule has its color.
    """
    figure = plt.figure(figsize=(8.4, 5.6), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(1, 2))
    for name in names:
        result, color = results[name], COLORS[name]
        above.plot(result.rates, color=color, label=name)
        below.plot(
            result.updates, result.losses.T, ".", color=color, markersize=3
        )
        late = result.updates[result.updates > WARMUP]
        curve = predict(law, laws[law][0], schedules[name], late)
        below.plot(late, curve, color=color)
    above.set(ylabel="learning rate")
    below.set(xlabel="updates", ylabel="test loss in nats per byte")
    below.set_ylim(1.55, 2.2)
    above.legend(
        frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1)
    )
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


_ = draw(["constant", "cosine", "wsd"], multi_power)

# %% [markdown]
# ## Optimize a schedule through a law
#
# The numbers of a schedule are leaves, so the law's final loss has a gradient with respect to each of them. The
# schedule is a warmup followed by a `piecewise_linear` with 20 free decreases, each at least 0. Adam minimizes the
# loss that the multi-power law predicts, as fitted to `constant` and `cosine`.

# %%
KNOTS = np.linspace(WARMUP, STEPS, 21).round().astype(int)


def through(values):
    """A warmup, then lines from the peak through the values."""
    boundaries = [int(knot - WARMUP) for knot in KNOTS]
    lines = wo.piecewise_linear([PEAK, *values], boundaries)
    return wo.with_warmup(lines, steps=WARMUP)


def falling(free):
    falls = jax.nn.softplus(free)
    return through(PEAK * (1 - jnp.cumsum(falls) / (1 + falls.sum())))


def descend(law, numbers, updates=400):
    optimizer = optax.adam(0.05)
    counts = jnp.arange(STEPS)

    def final_loss(free):
        rates = falling(free)(counts) / PEAK
        return law(numbers, rates, np.array([STEPS]))[0]

    def step(carry, _):
        free, state = carry
        loss, gradient = jax.value_and_grad(final_loss)(free)
        changes, state = optimizer.update(gradient, state)
        return (optax.apply_updates(free, changes), state), loss

    def run(free):
        carry = free, optimizer.init(free)
        return jax.lax.scan(step, carry, None, updates)

    with jax.enable_x64(True):
        (free, _), losses = jax.jit(run)(jnp.full(20, -3.0))
        values = falling(free)(KNOTS[1:])
    return [float(f"{value:.3g}") for value in values], losses


values, losses = descend(multi_power, laws[multi_power][0])
schedules["chosen"] = through(values)
print(
    f"predicted final loss: {losses[0]:.4f} at the start of the descent, "
    f"{losses[-1]:.4f} at its end"
)
percents = [round(100 * value / PEAK) for value in values]
print("percent of the peak at each knot:", *percents)

# %% [markdown]
# Now the run:

# %%
results["chosen"] = train_bytes.train(schedules["chosen"], SEEDS)
print("schedule  multi-power  annealing  measured  seeds")
for name, result in results.items():
    predicted = [
        float(predict(law, fits[0], schedules[name])[0])
        for law, fits in laws.items()
    ]
    final = result.losses[:, -1]
    print(
        f"{name:<9} {predicted[0]:11.4f} {predicted[1]:10.4f} "
        f"{final.mean():9.4f}  {final.round(4)}"
    )

# %% mystnb={"image": {"alt": "Above, three schedules. Below, their measured losses as dots and the law's curves."}, "figure": {"caption": "The schedule that the law chose, next to the cosine and warmup-stable-decay."}}
_ = draw(["cosine", "wsd", "chosen"], multi_power)

# %% [markdown]
# ## Results
#
# The notebook printed these results on 28 November 2026, with JAX 0.10.2 on two CPU cores (nats per byte):
#
# | schedule | multi-power | annealing | measured | its two seeds |
# | --- | --- | --- | --- | --- |
# | constant (fitted) | 1.7432 | 1.7425 | 1.7481 | 1.7451, 1.7512 |
# | cosine (fitted) | 1.6309 | 1.6310 | 1.6223 | 1.6348, 1.6098 |
# | wsd | 1.5947 | 1.5501 | 1.5980 | 1.6042, 1.5918 |
# | chosen | 1.5876 | 1.5536 | 1.5903 | 1.5979, 1.5826 |
#
# * The multi-power law missed `wsd` by 0.003. Fitted to one seed alone it predicted 1.625 and 1.589, so the error
#   bar is larger than that miss. The annealing law was 0.048 too low, outside its error bar of 1.536 to 1.570.
# * The chosen schedule is constant for the first half. Then it decays, almost linearly, to 6 % of the
#   peak: a WSD with a long cooldown.
# * It was better than `wsd` with both seeds, by 0.006 and 0.009. The law had predicted 0.007. It was better than the
#   cosine that the law was fitted to by 0.037 and 0.027.
# * The two seeds of one schedule differ by 0.006 to 0.025. Compare schedules seed by seed, not their means with
#   other means. The lowest loss $L_0$ was fitted as 0.003 and 0.035: runs of this length do not determine it.
#
# A law is a summary of the runs that it was fitted to: one model, one length, one peak. Its error is about as
# large as the differences between good schedules, so it says which kinds of schedules are worth a run, and a run
# decides. Two seeds give a first idea of the noise and no more.
