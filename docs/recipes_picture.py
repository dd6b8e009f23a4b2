"""Draws the picture of the ten recipes in the README, `docs/_static/recipes.png`."""

from pathlib import Path

import matplotlib.pyplot as plt
import warmup_optax as wo

TOTAL = 1000
RECIPES = {
    "warmup_constant": wo.warmup_constant(1.0, warmup_steps=100),
    "warmup_linear": wo.warmup_linear(
        1.0, warmup_steps=100, total_steps=TOTAL
    ),
    "warmup_cosine": wo.warmup_cosine(
        1.0, warmup_steps=100, total_steps=TOTAL
    ),
    "warmup_polynomial": wo.warmup_polynomial(
        1.0, power=3, warmup_steps=100, total_steps=TOTAL
    ),
    "warmup_exponential": wo.warmup_exponential(
        1.0, warmup_steps=100, decay_rate=0.5, transition_steps=200
    ),
    "warmup_piecewise_constant": wo.warmup_piecewise_constant(
        [1.0, 0.4, 0.15], [400, 700], warmup_steps=100
    ),
    "warmup_inverse_sqrt": wo.warmup_inverse_sqrt(1.0, warmup_steps=100),
    "warmup_stable_decay": wo.warmup_stable_decay(
        1.0, warmup_steps=100, decay_steps=250, total_steps=TOTAL
    ),
    "warmup_cosine_restarts": wo.warmup_cosine_restarts(
        1.0, warmup_steps=100, cycle_steps=130, growth=2, decay=0.8
    ),
    "one_cycle": wo.one_cycle(1.0, total_steps=TOTAL),
}


def draw(file: Path) -> None:
    """One small panel for each recipe, in the order of the table."""
    counts = range(0, TOTAL + 1, 2)
    panels = plt.subplots(
        2,
        5,
        figsize=(11, 3.1),
        layout="constrained",
        sharex=True,
        sharey=True,
    )[1]
    for axes, (name, schedule) in zip(
        panels.flat, RECIPES.items(), strict=True
    ):
        values = wo.sample(schedule, counts)
        axes.fill_between(
            counts, values, alpha=0.15, color="C0", linewidth=0
        )
        axes.plot(counts, values, color="C0", linewidth=1.8)
        axes.set_title(name, family="monospace", fontsize=8.5)
        axes.set(
            xticks=[0, 100, TOTAL],
            yticks=[0, 1],
            yticklabels=["0", "peak"],
            ylim=(-0.04, 1.1),
        )
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
    axes.figure.savefig(file, dpi=96, metadata={"Software": None})


if __name__ == "__main__":
    draw(Path(__file__).parent / "_static" / "recipes.png")
