"""Some processes train and stop, and more continue from the checkpoint: one rate, bit for bit, at every step."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import support

pytest.importorskip("orbax.checkpoint")

WORKER = Path(support.__file__).with_name("worker.py")
STOP, LAST = 5, 9
TIMEOUT = 300


def run(processes, folder, first, last, save=None):
    """The reports of several processes, which have eight devices together, sorted by rank."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = f"--xla_force_host_platform_device_count={8 // processes}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    common = {"processes": processes, "port": port, "folder": str(folder), "save": save}
    workers = []
    for rank in range(processes):
        given = json.dumps(common | {"rank": rank, "steps": [first, last]})
        log = (folder / f"{processes}-{rank}.log").open("w")
        command = [sys.executable, str(WORKER), given]
        workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        log.close()
    try:
        codes = [worker.wait(timeout=TIMEOUT) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    logs = [(folder / f"{processes}-{rank}.log").read_text() for rank in range(processes)]
    assert codes == [0] * processes, "\n".join(log[-2000:] for log in logs)
    return [json.loads((folder / f"{processes}-{rank}.json").read_text()) for rank in range(processes)]


def one_rate(results):
    """The rate of each step, which is one for all devices of all processes."""
    rates = []
    for step in zip(*(result["rates"] for result in results), strict=True):
        bits = {device for process in step for device in process}
        assert len(bits) == 1, f"devices disagree: {step}"
        rates += bits
    return rates


@pytest.mark.parametrize(
    ("before", "after"), [(1, 2), pytest.param(2, 4, marks=pytest.mark.exhaustive)], ids=str
)
def test_stopped_and_resumed_in_more_processes(tmp_path, before, after):
    """Eight devices in total for any number of processes; the run stops, and others continue from there."""
    from support.worker import SCHEDULE

    whole = run(before, tmp_path, 0, LAST, save=STOP)
    resumed = run(after, tmp_path, STOP, LAST)
    assert [r["devices"] for r in whole] == [8 // before] * before
    assert [r["devices"] for r in resumed] == [8 // after] * after
    assert {r["count"] for r in whole + resumed} == {LAST}

    rates = one_rate(whole)
    assert one_rate(resumed) == rates[STOP:]
    plain = jax.jit(SCHEDULE)
    assert rates == [np.asarray(plain(count)).tobytes().hex() for count in range(LAST)]

    # The same training too, up to the order in which gloo adds.
    losses = [r["losses"] for r in whole]
    np.testing.assert_allclose(losses[0], losses[-1], rtol=1e-6)
    for r in resumed:
        np.testing.assert_allclose(r["losses"], losses[0][STOP:], rtol=1e-3)
