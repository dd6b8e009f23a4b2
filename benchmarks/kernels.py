"""In the train step of an accelerator: what a schedule adds to the compiled program.

Compiled for TPUs and GPUs that are not attached, so these are counts, not times. The step is AdamW over two
64 x 64 matrices, data-parallel over four chips (*large*: 1024 x 1024). A cell is the difference between the
step with the schedule and the step with a constant schedule: kernel *launches* on a GPU, *fusions* on a TPU,
whose scalar unit does the remaining work, and *instructions* of the optimized program. XLA computes a scalar
either inside the kernels that use it, without a launch, or once in a small separate kernel. On an A100 and in
large steps, it does the latter with nearly every schedule. Where ours adds more than Optax's, the reason is
this choice for a curve of a few more instructions, or a table. Optax writes a hundred phases out one by one.
Ours searches a table, which takes one launch or a few small fusions for any number of phases. Our restarts
count cycles in whole numbers for a run of any length, while Optax's are a join that ends. This benchmark
needs the extras ``aot-tpu`` and ``aot-cuda``.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

from ._measure import ABSENT, ROOT, fresh

LARGE = 1024
COLUMNS = (
    ("H100", 64, "kernels", "launches, H100"),
    ("B200", 64, "kernels", "B200"),
    ("A100", 64, "kernels", "A100"),
    ("H100", LARGE, "kernels", "H100, large"),
    ("H100", 64, "instructions", "instructions, H100"),
    ("TPU v5e", 64, "fusions", "fusions, TPU v5e"),
    ("TPU v5e", 64, "instructions", "instructions, TPU v5e"),
)
MOST_FOR_OPTAX = 64  # phases: its program grows with them, and so does the time to compile it


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each schedule and library."""
    code = f"from benchmarks import kernels; kernels.measure({quick})"
    return fresh(f"import os; os.environ['JAX_PLATFORMS'] = 'cpu'; {code}", timeout=1800)


def measure(quick: bool) -> None:
    """Measure in the fresh process, and print the rows."""
    sys.path[:0] = [str(ROOT / "tests")]
    import optax
    from support import hlo, targets  # pyright: ignore[reportMissingImports]

    import warmup_optax as wo

    found = {target.name: target for target in [*targets.TPUS, *targets.GPUS]}

    def program(name: str, width: int, schedule: Any) -> Any:
        matrices = targets.matrices("ab", width)
        return hlo.Program(
            targets.train_step(found[name], optax.adamw(schedule), matrices, columns=width).as_text()
        )

    wanted = [(name, width) for name, width, *_ in COLUMNS if targets.installed(found[name].platform)]
    steps = dict.fromkeys(wanted[:1] if quick else wanted)
    fixed = {step: program(*step, wo.constant(1e-3)) for step in steps}
    pairs = list(schedules().items())
    for what, libraries in pairs[:4] if quick else pairs:
        for library, schedule in libraries.items():
            row: dict[str, Any] = {"schedule": what, "library": library}
            programs = {step: program(*step, schedule) for step in steps} if schedule is not None else {}
            for name, width, measure, title in COLUMNS:
                step = name, width
                if step in programs:
                    row[title] = getattr(programs[step], measure) - getattr(fixed[step], measure)
                else:
                    row[title] = None if schedule is None or step in wanted else ABSENT
            print(json.dumps(row), flush=True)


def schedules() -> dict[str, dict[str, Any]]:
    """The schedules to compare, ours and Optax's; None for one that takes too long to compile."""
    import optax

    import warmup_optax as wo

    peak, warmup, total, cycle = 1e-3, 100, 1000, 20
    kinds = {
        "linear": (wo.linear(peak, 0.0, total), optax.linear_schedule(peak, 0.0, total)),
        "cosine": (wo.cosine(peak, 0.0, total), optax.cosine_decay_schedule(peak, total)),
        "exponential": (
            wo.exponential(peak, decay_rate=0.9, transition_steps=100),
            optax.exponential_decay(peak, 100, 0.9),
        ),
        "warmup, cosine": (
            wo.warmup_cosine(peak, warmup_steps=warmup, total_steps=total),
            optax.warmup_cosine_decay_schedule(0.0, peak, warmup, total),
        ),
        "warmup, exponential": (
            wo.warmup_exponential(peak, warmup_steps=warmup, decay_rate=0.9, transition_steps=100),
            optax.warmup_exponential_decay_schedule(0.0, peak, warmup, 100, 0.9),
        ),
        "warmup, restarts twice as long each": (
            wo.warmup_cosine_restarts(peak, warmup_steps=cycle, cycle_steps=cycle, growth=2),
            optax.join_schedules(
                [
                    optax.linear_schedule(0.0, peak, cycle),
                    *(optax.cosine_decay_schedule(peak, cycle * 2**i) for i in range(12)),
                ],
                [cycle * 2**i for i in range(12)],
            ),
        ),
    }
    for phases in (4, 16, 64, 512, 4096):
        bounds = range(5, 5 * phases, 5)
        values = [0.999**i for i in range(phases)]
        factors = dict.fromkeys(bounds, 0.999)
        theirs = optax.piecewise_constant_schedule(1.0, factors) if phases <= MOST_FOR_OPTAX else None
        kinds[f"{phases} steps"] = wo.piecewise_constant(values, bounds), theirs
    for phases in (2, 16, 64, 512):
        bounds = [cycle * i for i in range(1, phases)]
        peaks = list(itertools.islice(itertools.count(1.0), phases))
        theirs = None
        if phases <= MOST_FOR_OPTAX:
            cosines = [optax.cosine_decay_schedule(peak, cycle, 0.1) for peak in peaks]
            theirs = optax.join_schedules(cosines, bounds)
        kinds[f"{phases} cosines"] = wo.join([wo.cosine(p, p / 10, cycle) for p in peaks], bounds), theirs
    return {what: {"warmup_optax": ours, "Optax": theirs} for what, (ours, theirs) in kinds.items()}
