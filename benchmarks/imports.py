"""Import time over `import jax, optax`.

Fresh processes, in turn: one imports JAX and Optax, and one imports `warmup_optax` after them. The bytecode
is cached beforehand, as after an installation. *More* is the time of the last import alone, measured inside
the second process. On a busy machine, CPU seconds are steadier than wall time.
"""

from __future__ import annotations

from typing import Any

from ._measure import fresh, medians

ROUNDS = 15
CODE = """
import json, sys, time
started, used = time.perf_counter(), time.process_time()
import jax, optax
wall, cpu, modules = time.perf_counter() - started, time.process_time() - used, len(sys.modules)
{more}
print(json.dumps(dict(wall=wall, cpu=cpu, more_wall=time.perf_counter() - started - wall,
    more_cpu=time.process_time() - used - cpu, modules=len(sys.modules) - modules)))
"""


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each import, and one for the time that it adds."""
    plain, ours = [], []
    for i in range(3 if quick else ROUNDS + 1):
        pair = [fresh(CODE.format(more=more))[0] for more in ("", "import warmup_optax")]
        if i:  # the first pair fills the bytecode cache
            plain.append(pair[0])
            ours.append(pair[1])
    base, found = medians(plain), medians(ours)
    return [
        _row("import jax, optax", base["wall"], base["cpu"], found, modules=None),
        _row("import warmup_optax, on top", found["more_wall"], found["more_cpu"], found, found["modules"]),
    ]


def _row(what: str, wall: float, cpu: float, base: dict[str, Any], modules: Any) -> dict[str, Any]:
    return {
        "import": what,
        "wall (ms)": wall * 1e3,
        "CPU (ms)": cpu * 1e3,
        "of import jax, optax (CPU)": f"{100 * cpu / base['cpu']:.1f} %",
        "modules": modules,
    }
