"""Other libraries' schedules under their own names: porting a run means changing an import.

``warmup_optax.compat.<library>.<Name>(...)`` takes the arguments of the original, under its names and with its
defaults, and returns a schedule of this library, on Optax's clock: ``count`` is 0 at the first update. At every
count it has the value that the original gives to that update, past its end too; where the original gives NaN or
raises, its last value stays. Each is a few lines over the public API, so all of them print, compare, save,
join, plot and vmap.

The range of an argument is in its signature, and is checked before anything is computed. Bad arguments raise
``warmup_optax.ArgumentError``, a ``ValueError``, or its twin ``ArgumentTypeError``, with the name of the
original's argument. Lengths may be traced where the phases that there are do not depend on them. `from_config`
of a module takes the schedule's part of a real configuration file as it stands.

>>> import warmup_optax.compat
>>> from warmup_optax.compat import keras, optax
>>> theirs = keras.CosineDecay(0.0, decay_steps=90, warmup_target=1.0, warmup_steps=10)
>>> ours = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=10, decay_steps=100)
>>> counts = [0, 10, 55, 99, 100, 101]
>>> theirs(counts).tolist() == ours(counts).tolist()
True

Where the libraries disagree by one update, after the end, or at a boundary: `docs/coming_from/differences.md`.

A rate that follows the training instead of the count (a loss that stops falling, the norm of a gradient) is not
a function of the count, and is not here.
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

if not TYPE_CHECKING:  # a checker refuses a name that is not there

    def __getattr__(name: str) -> Any:
        """A library's module, imported when it is first asked for."""
        if name in __all__:
            return importlib.import_module(f"{__name__}.{name}")
        raise no_attribute(__name__, name, __all__, otherwise=f"it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
