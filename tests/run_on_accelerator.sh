#!/usr/bin/env bash
# The whole suite on the accelerator of this machine, and the largest error of every constructor on it.
#
#   tests/run_on_accelerator.sh [pytest arguments...]
#
# Needs this checkout and an environment with JAX for the device and the test extra, as from
# `pip install -e ".[test]" "jax[cuda13]"`. JAX_PLATFORMS says which device; without it, the one JAX finds.
# On a machine without one it stops: a run on a CPU must not pass for more.
set -euo pipefail
cd "$(dirname "$0")/.."

export XLA_PYTHON_CLIENT_PREALLOCATE=${XLA_PYTHON_CLIENT_PREALLOCATE:-false} # several processes, one GPU
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
if [ -z "${JAX_PLATFORMS:-}" ]; then
  JAX_PLATFORMS=$(python -c 'import jax; print({"gpu": "cuda"}.get(p := jax.default_backend(), p))')
fi
if [ "$JAX_PLATFORMS" = cpu ] && [ -z "${ALLOW_CPU:-}" ]; then
  echo "no accelerator here: JAX finds only the CPU (ALLOW_CPU=1 tries this script without one)" >&2
  exit 2
fi
case ",$JAX_PLATFORMS," in
  *,cpu,*) ;;
  *) JAX_PLATFORMS=$JAX_PLATFORMS,cpu ;; # `sample` computes on the host; so do the tests of many devices
esac
export JAX_PLATFORMS

python - <<'PYTHON'
import importlib.metadata as metadata, platform, jax
device = jax.devices()[0]
versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("jax", "jaxlib", "optax", "numpy"))
print(f"device: {device.device_kind} x {jax.device_count()} ({device.client.platform_version.strip()})")
print(f"python {platform.python_version()}, {versions}")
PYTHON

failed=0
python -m pytest -q -p no:cacheprovider "$@" || failed=$?
python -m benchmarks ulp_table || failed=$?
exit "$failed"
