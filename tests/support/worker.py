"""One of several JAX processes that train a small model together: `python worker.py '{...}'`.

`jax.distributed` is the engine, gloo on the loopback carries the gradients, Orbax writes the checkpoint.
The batch is split over all devices of all processes; weights and optimizer state are on each of them. Every
process writes down the rate that each of its devices used at each step, bit by bit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import warmup_optax as wo

SCHEDULE = wo.warmup_cosine(3e-3, warmup_steps=3, total_steps=10, end_value=1e-5)


def main(rank: int, processes: int, port: int, folder: str, steps: list[int], save: int | None) -> None:
    """Train from the first to the last of ``steps``; a start after 0 is from the checkpoint."""
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=processes, process_id=rank)
    assert (jax.process_count(), jax.device_count()) == (processes, 8)
    mesh = jax.make_mesh((8,), ("data",), (AxisType.Auto,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec("data"))
    optimizer = optax.adamw(SCHEDULE)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(steps[1], 64, 8)).astype(np.float32)
    targets = np.tanh(inputs @ rng.normal(size=(8,)).astype(np.float32))

    @jax.jit
    def start() -> Any:
        params = {"inner": 0.3 * jax.random.normal(jax.random.key(0), (8, 16)), "outer": jnp.ones(16)}
        return jax.lax.with_sharding_constraint((params, optimizer.init(params)), everywhere)

    def loss_of(params: Any, batch: Any) -> jax.Array:
        inputs, targets = batch
        return jnp.mean(jnp.square(jnp.tanh(inputs @ params["inner"]) @ params["outer"] - targets))

    @jax.jit
    def update(carry: Any, batch: Any) -> Any:
        params, state = carry
        rate = wo.next_value(SCHEDULE, state)
        loss, gradients = jax.value_and_grad(loss_of)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        carry = optax.apply_updates(params, updates), state
        return jax.lax.with_sharding_constraint((carry, rate, loss), everywhere)

    def batch_of(step: int) -> Any:
        """This process's part of the batch of a step, as part of an array over all processes."""
        mine = [np.split(x[step], processes)[rank] for x in (inputs, targets)]
        return [jax.make_array_from_process_local_data(split, part) for part in mine]

    carry, checkpoints = start(), ocp.StandardCheckpointer()
    path = Path(folder) / "checkpoint"
    if steps[0]:
        carry = checkpoints.restore(path, jax.tree.map(ocp.utils.to_shape_dtype_struct, carry))
    rates, losses = [], []
    for step in range(*steps):
        if step == save:
            checkpoints.save(path, carry)
            checkpoints.wait_until_finished()
        carry, rate, loss = update(carry, batch_of(step))
        rates.append([np.asarray(shard.data).tobytes().hex() for shard in rate.addressable_shards])
        losses.append(float(np.asarray(loss.addressable_shards[0].data)))
    count = int(wo.update_count(carry[1]).addressable_shards[0].data)
    result = {"rates": rates, "losses": losses, "count": count, "devices": jax.local_device_count()}
    (Path(folder) / f"{processes}-{rank}.json").write_text(json.dumps(result))
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
