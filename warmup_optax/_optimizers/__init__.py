"""A schedule and an Optax optimizer: its state, its hyperparameters, its counters."""
