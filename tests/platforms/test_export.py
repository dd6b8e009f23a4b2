"""`jax.export` of a schedule: written down, read in a process that has no `warmup_optax`, the same bits."""

import json
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax import export
from support.catalogue import ONE_OF_EACH

import warmup_optax as wo

pytest.importorskip("flatbuffers", reason="jax.export writes with flatbuffers")

COUNT = jax.ShapeDtypeStruct((), np.int32)
COUNTS = [0, 1, 31, 100, 1000, 2**31 - 1]
SCHEDULES = {case.name: case.schedule for case in ONE_OF_EACH}
READER = """
import json, sys
import jax, numpy as np
from jax import export
program = export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
rates = [program.call(np.int32(count)) for count in json.loads(sys.argv[2])]
assert "warmup_optax" not in sys.modules
print(json.dumps([{name: np.asarray(rate).tobytes().hex() for name, rate in r.items()} for r in rates]))
"""


def test_saved_and_called_in_a_fresh_process(tmp_path):
    """Every constructor in one file, for every platform."""
    function = jax.jit(lambda count: {name: schedule(count) for name, schedule in SCHEDULES.items()})
    exported = export.export(function, platforms=["cpu", "cuda", "rocm", "tpu"])(COUNT)
    path = tmp_path / "schedules.bin"
    path.write_bytes(exported.serialize())
    command = [sys.executable, "-c", READER, str(path), json.dumps(COUNTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for count, found in zip(COUNTS, json.loads(done.stdout), strict=True):
        wanted = function(np.int32(count))
        assert found == {name: np.asarray(rate).tobytes().hex() for name, rate in wanted.items()}


def test_a_schedule_is_exported_as_it_is():
    """As the documentation says it, in two lines; and for counts of any shape."""
    schedule = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    saved = export.export(jax.jit(schedule))(COUNT).serialize()
    reloaded = export.deserialize(saved)
    for count in COUNTS:
        assert np.asarray(reloaded.call(np.int32(count))) == np.asarray(jax.jit(schedule)(count))

    (n,) = export.symbolic_shape("n")
    vector = export.export(jax.jit(schedule))(jax.ShapeDtypeStruct((n,), np.int32))
    counts = np.array(COUNTS, np.int32)
    values = export.deserialize(vector.serialize()).call(counts)
    np.testing.assert_array_equal(values, jax.jit(schedule)(counts))
