"""Schedules of other libraries under their original names. To port a run, change an import.

``warmup_optax.compat.<library>.<Name>(...)`` has the arguments of the original, with its names and its
defaults. It returns a schedule of this library on Optax's clock: ``count`` is 0 at the first update. At every
count, its value is the one that the original uses for that update. The counts after the end are included. Where
the original gives NaN or raises an error, the last value stays. Each port is a few lines over the public API,
so you can print, compare, save, join, plot and vmap the result.

Each signature states the ranges of its arguments, which are checked before anything is computed. An invalid
argument raises ``warmup_optax.ArgumentError``, a ``ValueError``, or ``ArgumentTypeError``, a ``TypeError``. The
error names the argument as the original does. A length may be traced unless the set of phases depends on it.
`from_config` of a module reads the schedule's part of a real configuration file, unchanged.

>>> import warmup_optax.compat
>>> from warmup_optax.compat import keras, optax
>>> theirs = keras.CosineDecay(0.0, decay_steps=90, warmup_target=1.0, warmup_steps=10)
>>> ours = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=10, decay_steps=100)
>>> counts = [0, 10, 55, 99, 100, 101]
>>> theirs(counts).tolist() == ours(counts).tolist()
True

`docs/coming_from/differences.md` lists where libraries differ by one update, after the end, or at a boundary.

A rate that depends on the training (a loss on a plateau, the norm of a gradient) is not a function of the
count, so it has no port.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._port import no_attribute

# fmt: off
if TYPE_CHECKING:
    from . import (  # isort: skip
        axlearn, big_vision, deepspeed, fairseq, keras, levanter, maxtext, mediapipe, megatron, mmengine, neox,
        optax, paddle, paddledet, praxis, pytorch_warmup, scenic, t5x, tfm, timm, torch, transformers, trax,
    )

__all__ = [
    "axlearn", "big_vision", "deepspeed", "fairseq", "keras", "levanter", "maxtext", "mediapipe",
    "megatron", "mmengine", "neox", "optax", "paddle", "paddledet", "praxis", "pytorch_warmup", "scenic",
    "t5x", "tfm", "timm", "torch", "transformers", "trax",
]
# fmt: on

if not TYPE_CHECKING:  # hidden from type checkers, so that they report an unknown name

    def __getattr__(name: str) -> Any:
        """Import the module of a library at its first use."""
        if name in __all__:
            return importlib.import_module(f"{__name__}.{name}")
        raise no_attribute(__name__, name, __all__, otherwise=f"it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
