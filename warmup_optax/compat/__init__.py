"""Other libraries' schedules under their own names: porting a run means changing an import."""

import importlib as _importlib

_MODULES = (
    "fairseq",
    "keras",
    "mediapipe",
    "megatron",
    "optax",
    "paddle",
    "pytorch_warmup",
    "tfm",
    "timm",
    "torch",
    "transformers",
)


def __getattr__(name):
    if name in _MODULES:
        return _importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
