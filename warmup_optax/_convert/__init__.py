"""A schedule as something else: JSON, a Keras schedule, a PyTorch scheduler."""
