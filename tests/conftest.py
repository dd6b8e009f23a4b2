"""A hostile configuration: eight devices, strict dtype promotion, no silent rank promotion.

Warnings are errors through `filterwarnings = ["error"]` under `[tool.pytest.ini_options]` in
`pyproject.toml` (the same as `pytest -W error`). The environment is set before JAX is imported.
"""

import atexit
import gc
import importlib.metadata
import os

gc.disable()  # until the tests are collected: `pytest_collection_finish`

# Compiling is most of what a run costs. The programs of the suite are compiled in the quickest way there is, but
# where accuracy is measured (`support.together.FULL`); if you set flags for a run, they apply instead.
_quick = "--xla_backend_optimization_level=0"
_quick += (
    " --xla_cpu_parallel_codegen_split_count=1"  # one module of LLVM for a program: splitting it costs more
)
if importlib.metadata.version("jaxlib").startswith("0.10."):  # an unknown flag of XLA ends the process
    _quick += " --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", _quick) + " --xla_force_host_platform_device_count=8"
).strip()
_platforms = os.environ.get("JAX_PLATFORMS") or "cpu"  # not what `platforms/test_targets.py` compiles for
if "cpu" not in _platforms.split(","):  # the tests of many devices use the CPU's
    _platforms += ",cpu"
os.environ["JAX_PLATFORMS"] = _platforms

import hypothesis  # noqa: E402
import jax  # noqa: E402
import pytest  # noqa: E402

pytest.register_assert_rewrite("support")  # its assertions tell as much as a test's own

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_traceback_in_locations_limit", 0)  # no test reads them, and every program carries them

# The same examples on every run and machine; compiling has no deadline; no files are left behind.
_same = {"deadline": None, "derandomize": True, "database": None}
hypothesis.settings.register_profile("thorough", **_same, max_examples=400)  # --hypothesis-profile=thorough
hypothesis.settings.register_profile("suite", **_same, max_examples=20)
hypothesis.settings.load_profile("suite")


def pytest_configure(config):
    """Share compiled programs between workers and runs, until `pytest --cache-clear`."""
    # A program for a device that is not there cannot be read back.
    if hasattr(config, "cache") and config.getoption("-m") != "aot":
        settings = {
            "jax_compilation_cache_dir": str(config.cache.mkdir("jax")),
            "jax_persistent_cache_min_compile_time_secs": 0,
            "jax_persistent_cache_min_entry_size_bytes": -1,
        }
        for name, value in settings.items():
            jax.config.update(name, value)
            os.environ[name.upper()] = str(value)  # for the processes that a test starts


# A worker runs whole files. One that takes long and comes last is waited for, so these come first.
_LONG = (
    "laws exact_time wide_clocks layout user_defined transfer guides never_endless chex user_defined_schedules"
    " processes feedback groups train_bytes devices cli state_optimizers state random lowering check"
)
_RANK = {f"test_{name}": i for i, name in enumerate(_LONG.split())}


def pytest_collection_modifyitems(items):
    """Orders the files, which xdist would by their numbers of tests."""
    items.sort(key=lambda item: _RANK.get(item.path.stem, len(_RANK)))


def pytest_collection_finish():
    """The objects that exist now live to the end, so the garbage collector would scan them for nothing.

    While they were made, it would have scanned them more than once: collecting takes a third less time without.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(200_000, 20, 100)


def pytest_unconfigure():
    """Garbage is collected once: pytest and Python do it seven times at exit, over all programs of JAX."""
    gc.collect()
    gc.freeze()


if "PYTEST_XDIST_WORKER" in os.environ:
    # At its end a worker has reported everything, and JAX would free thousands of programs one by one. What is
    # registered last is called first.
    atexit.register(os._exit, 0)

_compilations = []


def _listen(event, duration, **_):
    if event == "/jax/core/compile/backend_compile_duration":
        _compilations.append(duration)


jax.monitoring.register_event_duration_secs_listener(_listen)


@pytest.fixture
def compilations():
    """A function: how many programs XLA has compiled in this process so far."""
    return lambda: len(_compilations)
