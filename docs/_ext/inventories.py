"""Links to the documentation of other projects, from small inventories that are kept here.

The build asks no other site. `INVENTORIES` has the objects that our pages mention; the build writes each as the
``objects.inv`` that `sphinx.ext.intersphinx` reads (format: Sphinx's inventory, version 2).
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

INVENTORIES: dict[str, dict[str, list[tuple[str, str]]]] = {
    # project: {"role": [(name, address within the project's site)]}
    "jax": {
        "py:function": [
            (f"jax.{name}", f"_autosummary/jax.{name}.html#jax.{name}")
            for name in (
                "jit",
                "vmap",
                "grad",
                "pmap",
                "shard_map",
                "device_put",
                "value_and_grad",
                "lax.scan",
            )
        ],
        "py:class": [("jax.Array", "_autosummary/jax.Array.html#jax.Array")],
    },
    "optax": {
        "py:function": [
            *[
                (f"optax.{name}", f"api/optimizers.html#optax.{name}")
                for name in ("adamw", "adam", "sgd", "lion", "lamb", "adafactor")
            ],
            *[
                (f"optax.{name}", f"api/optimizer_schedules.html#optax.schedules.{name}")
                for name in (
                    *("join_schedules", "cosine_decay_schedule", "warmup_cosine_decay_schedule"),
                    *("linear_schedule", "exponential_decay", "piecewise_constant_schedule", "sgdr_schedule"),
                    *("inject_hyperparams", "constant_schedule", "polynomial_schedule"),
                )
            ],
            ("optax.partition", "api/combining_optimizers.html#optax.partition"),
            ("optax.chain", "api/combining_optimizers.html#optax.chain"),
            ("optax.add_decayed_weights", "api/transformations.html#optax.add_decayed_weights"),
            ("optax.contrib.reduce_on_plateau", "api/contrib.html#optax.contrib.reduce_on_plateau"),
        ],
        "py:class": [
            ("optax.MultiSteps", "api/optimizer_wrappers.html#optax.MultiSteps"),
            ("optax.Schedule", "api/optimizer_schedules.html#optax.Schedule"),
        ],
    },
    "flax": {"py:class": [("flax.nnx.Optimizer", "api_reference/flax.nnx/training/optimizer.html")]},
    "python": {
        "py:function": [
            ("functools.partial", "library/functools.html#functools.partial"),
            ("dataclasses.replace", "library/dataclasses.html#dataclasses.replace"),
        ],
        "py:class": [("fractions.Fraction", "library/fractions.html#fractions.Fraction")],
    },
}


def inventory(project: str) -> bytes:
    """The ``objects.inv`` of a project."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = [
        f"{name} {role} 1 {address} -\n"
        for role, objects in INVENTORIES[project].items()
        for name, address in objects
    ]
    return head.encode() + zlib.compress("".join(lines).encode())


def setup(app: Any) -> dict[str, bool]:
    """Write the inventories before intersphinx, which reads them when the builder starts."""
    folder = Path(app.srcdir) / "_generated" / "inventories"
    folder.mkdir(parents=True, exist_ok=True)
    for project in INVENTORIES:
        (folder / f"{project}.inv").write_bytes(inventory(project))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
