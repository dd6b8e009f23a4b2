"""All shapes: curves of a local count that starts at 0.

The common shapes are also at the top level, such as `warmup_optax.cosine`. The others are only here.
"""

import typing as _typing

from ._core.as_schedule import constant
from ._shapes.endless import (
    debiased_decay,
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
    half_life,
    k_decay,
    linear,
    logarithmic,
    one_minus_sqrt,
    polynomial,
    rex,
    tanh,
)
from ._shapes.piecewise import piecewise_constant, piecewise_cosine, piecewise_linear
from ._shapes.waves import cosine_wave, triangle_wave

__all__ = [
    "constant",
    "cosine",
    "cosine_wave",
    "debiased_decay",
    "exponential",
    "exponential_approach",
    "finite_exponential",
    "geometric",
    "half_life",
    "inverse_sqrt",
    "inverse_time",
    "k_decay",
    "linear",
    "logarithmic",
    "one_minus_sqrt",
    "piecewise_constant",
    "piecewise_cosine",
    "piecewise_linear",
    "polynomial",
    "power_law",
    "radam",
    "rex",
    "tanh",
    "triangle_wave",
]

if not _typing.TYPE_CHECKING:  # a type checker reports unknown names itself

    def __getattr__(name: str) -> _typing.NoReturn:
        """Raise an error that suggests the nearest names."""
        from ._suggestions import no_attribute

        raise no_attribute(__name__, name, __all__)
