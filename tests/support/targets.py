"""Accelerators that are not here: their compilers run on any machine, and what they make is read.

A target is compiled *for*; nothing compiled here runs. libtpu holds the TPU compiler, JAX's CUDA plugin the
other one, which takes a description of the GPU in place of a GPU. The sharding of the arguments chooses the
target: without it the program is silently compiled for the CPU, so `kinds` is always asserted.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec

if "tpu" not in os.environ.get("JAX_PLATFORMS", ""):  # no TPU here: libtpu shall not look for one
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault("TPU_ACCELERATOR_TYPE", "v5litepod-4")
    os.environ.setdefault("TPU_LOG_DIR", "disabled")
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # or a second process finds a lock file

COUNT = jax.ShapeDtypeStruct((), jnp.int32)


@dataclasses.dataclass(frozen=True)
class Target:
    """Four chips of a kind, compiled for on a machine that has none of them.

    Attributes:
      name: What people call it.
      platform: JAX's word, ``"tpu"`` or ``"cuda"``.
      kind: What the device calls itself.
      topology: How the chips are laid out.
      description: For a GPU, the properties that XLA would ask the driver for.
    """

    name: str
    platform: str
    kind: str
    topology: str
    description: str | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def device_platform(self) -> str:
        """The platform of its devices."""
        return {"tpu": "tpu", "cuda": "gpu"}[self.platform]

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The four chips in a row."""
        if self.platform == "tpu":
            found = topologies.get_topology_desc(self.topology, "tpu")
        else:
            given = {"target_config": self.description, "topology": self.topology}
            found = topologies.get_topology_desc(platform="cuda", **given)
        return Mesh(np.array(found.devices), ("data",))

    def place(self, tree: Any, *axes: str) -> Any:
        """The arrays of a tree, as shapes that live on the target."""
        sharding = NamedSharding(self.mesh, PartitionSpec(*axes))

        def one(leaf: Any) -> jax.ShapeDtypeStruct:
            array = leaf if hasattr(leaf, "dtype") else jnp.asarray(leaf)
            return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)

        return jax.tree.map(one, tree)


def _gpu(name: str, kind: str, capability: int, feature: str, **limits: float) -> Target:
    """A GPU by the numbers in which one generation differs from the next."""
    same = {
        "threads_per_block_limit": 1024,
        "threads_per_warp": 32,
        "threads_per_core_limit": 2048,
        "shared_memory_per_block": 49152,
        "block_dim_limit_x": 2**31 - 1,
        "block_dim_limit_y": 65535,
        "block_dim_limit_z": 65535,
        "thread_dim_limit_x": 1024,
        "thread_dim_limit_y": 1024,
        "thread_dim_limit_z": 64,
        "registers_per_core_limit": 65536,
        "registers_per_block_limit": 65536,
    }
    numbers = "\n".join(f"{key}: {value}" for key, value in (same | limits).items())
    architecture = f"cuda_compute_capability {{ major: {capability} feature_extension: {feature} }}"
    description = f"""
        gpu_device_info {{ {numbers} {architecture} }}
        platform_name: "CUDA"
        dnn_version_info {{ major: 9 minor: 12 }}
        runtime_version {{ major: 13 }}
        device_description_str: "{kind}"
    """
    return Target(name, "cuda", kind, "1x1x4", description)


TPUS = [
    Target("TPU v4", "tpu", "TPU v4", "v4:2x2x1"),
    Target("TPU v5e", "tpu", "TPU v5 lite", "v5e:2x2"),
    Target("TPU v5p", "tpu", "TPU v5", "v5p:2x2x1"),
    Target("TPU v6e", "tpu", "TPU v6 lite", "v6e:2x2"),
    Target("TPU7x", "tpu", "TPU7x", "tpu7x:2x2x1"),
]
GPUS = [
    _gpu(
        "A100",
        "NVIDIA A100-SXM4-80GB",
        8,
        "NONE",
        core_count=108,
        fpus_per_core=64,
        shared_memory_per_core=167936,
        shared_memory_per_block_optin=166912,
        memory_bandwidth=2_039_040_000_000,
        l2_cache_size=41_943_040,
        clock_rate_ghz=1.41,
        device_memory_size=85_100_068_864,
    ),
    _gpu(
        "H100",
        "NVIDIA H100 80GB HBM3",
        9,
        "ACCELERATED_FEATURES",
        core_count=132,
        fpus_per_core=128,
        shared_memory_per_core=233472,
        shared_memory_per_block_optin=232448,
        memory_bandwidth=3_352_320_000_000,
        l2_cache_size=52_428_800,
        clock_rate_ghz=1.98,
        device_memory_size=84_942_979_072,
    ),
    _gpu(
        "B200",
        "NVIDIA B200",
        10,
        "ACCELERATED_FEATURES",
        core_count=148,
        fpus_per_core=128,
        shared_memory_per_core=233472,
        shared_memory_per_block_optin=232448,
        memory_bandwidth=7_672_320_000_000,
        l2_cache_size=132_644_864,
        clock_rate_ghz=1.965,
        device_memory_size=191_514_411_008,
    ),
]


def installed(platform: str) -> bool:
    """Return whether the compiler for a platform is there: the extras ``aot-tpu`` and ``aot-cuda``."""
    package = {"tpu": "libtpu", "cuda": "jax_plugins.xla_cuda13"}[platform]
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # no `jax_plugins` at all
        return False


def lower_for(target: Target, function: Callable[..., Any], *arguments: Any) -> Any:
    """A function of replicated arguments, lowered: what `compile` then makes a program of."""
    return jax.jit(function).lower(*(target.place(argument) for argument in arguments))


def train_step(target: Target, optimizer: Any, params: Any, *, rows: int = 2, columns: int = 64) -> Any:
    """A compiled data-parallel update of matrices, its params and state donated.

    Every matrix of ``params`` is a separate layer over the same batch; the batch is split over the chips.
    """

    def loss(params: Any, batch: jax.Array) -> jax.Array:
        each = [jnp.mean(jnp.tanh(batch @ w) ** 2) for w in jax.tree.leaves(params)]
        return jnp.stack(each).sum()

    def step(params: Any, state: Any, batch: jax.Array) -> tuple[Any, Any]:
        updates, state = optimizer.update(jax.grad(loss)(params, batch), state, params)
        return optax.apply_updates(params, updates), state

    # Optax's own optimizers (Adam's `decay**count`) do not pass under strict promotion.
    with jax.numpy_dtype_promotion("standard"):
        state = jax.eval_shape(optimizer.init, params)
        batch = jax.ShapeDtypeStruct((rows * target.mesh.size, columns), jnp.float32)
        given = target.place(params), target.place(state), target.place(batch, "data")
        return jax.jit(step, donate_argnums=(0, 1)).lower(*given).compile()


def matrices(names: Any, columns: int = 64) -> dict[str, jax.ShapeDtypeStruct]:
    """A square matrix for each name."""
    return {name: jax.ShapeDtypeStruct((columns, columns), jnp.float32) for name in names}


def kinds(program: Any) -> set[tuple[str, str]]:
    """The platform and the kind of every device that a compiled program takes an argument from."""
    shardings = jax.tree.leaves(program.input_shardings)
    return {(d.platform, d.device_kind) for sharding in shardings for d in sharding.device_set}
