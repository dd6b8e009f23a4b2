"""Every shape by name: curves on a local count that starts at 0.

The shapes that a trainer types are at the top level too (`warmup_optax.cosine`); the rarer ones are here alone.
"""

from ._shapes.endless import (
    constant,
    exponential,
    exponential_approach,
    inverse_sqrt,
    inverse_time,
    power_law,
    radam,
)
from ._shapes.finite import (
    cosine,
    finite_exponential,
    geometric,
    k_decay,
    linear,
    one_minus_sqrt,
    polynomial,
    tanh,
)
from ._shapes.piecewise import piecewise_constant, piecewise_cosine, piecewise_linear
from ._shapes.waves import cosine_wave, triangle_wave

__all__ = [
    "constant",
    "cosine",
    "cosine_wave",
    "exponential",
    "exponential_approach",
    "finite_exponential",
    "geometric",
    "inverse_sqrt",
    "inverse_time",
    "k_decay",
    "linear",
    "one_minus_sqrt",
    "piecewise_constant",
    "piecewise_cosine",
    "piecewise_linear",
    "polynomial",
    "power_law",
    "radam",
    "tanh",
    "triangle_wave",
]
