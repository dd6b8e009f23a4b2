"""Rules for learning rates that follow the run, for `warmup_optax.with_feedback`.

>>> import warmup_optax as wo
>>> wo.with_feedback(wo.constant(1e-3), wo.feedback.Plateau(patience=5))
with_feedback(schedule=constant(value=0.001), rule=feedback.Plateau(patience=5))
"""

from ._optimizers.feedback import AdaptiveKL, Greedy, Plateau, Rule, Spike, mean_over_window

__all__ = ["AdaptiveKL", "Greedy", "Plateau", "Rule", "Spike", "mean_over_window"]
