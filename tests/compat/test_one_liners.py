"""The one-liners of the documentation give what each code base's own code computed."""

import pathlib
import re
from fractions import Fraction

import numpy as np
import pytest
from support import golden

import warmup_optax as wo

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "coming_from" / "without_a_port.md").read_text()
LINES = {
    title: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def named(**renamed):
    """Names of a line by the names of the original's arguments."""
    return lambda k, case: {ours: k[theirs] for ours, theirs in renamed.items()}


def nanochat(k, case):
    return decayed(k, "warmdown_ratio", "num_iterations") | {"f": k.get("final_lr_frac")}


def decayed(k, ratio, total):
    T, W = k[total], min(k.get("warmup_steps", 0), k[total])
    D = min(round(T * k[ratio]), T - W) if k.get(ratio) is not None else T - W
    return {"T": T, "W": W, "D": D}


def titan(k, case):
    shape = {"linear": wo.linear, "sqrt": wo.one_minus_sqrt, "cosine": wo.cosine}[k["decay_type"]]
    return decayed(k, "decay_ratio", "training_steps") | {"shape": shape, "f": k["min_lr_factor"]}


def olmo(k, case):
    T = case.fields["trainer"]["max_steps"]
    D = k.get("decay") or round(T * (k.get("decay_fraction") or 0))
    floor = k.get("decay_min_lr", k.get("alpha_f", 0.0) * case.lr)
    return {"T": T, "W": k["warmup"], "f": k.get("alpha_f", 0.0), "D": D, "floor": floor}


def composer(k, case):
    steps = int(case.fields["trainer"]["max_duration"][:-2])
    names = {"T": steps, "f": k["alpha_f"], "t_mult": k.get("t_mult")}
    lengths = {"W": k.get("t_warmup"), "t_0": k.get("t_0")}  # as "10ba"
    return names | {name: int(length[:-2]) for name, length in lengths.items() if length}


def detectron(k, case):
    g = k["GAMMA"]
    steps = [step for step in k.get("STEPS", (30000,)) if step < k["MAX_ITER"]]
    rates = [k["BASE_LR"] * g**i for i in range(len(steps) + 1)]
    names = {"lr": k["BASE_LR"], "T": k["MAX_ITER"], "W": k["WARMUP_ITERS"], "factor": k["WARMUP_FACTOR"]}
    return names | {"rates": rates, "steps": steps}


def fastai(k, case):
    T = k.get("n_epoch", 0) * k["n_iter"]
    names = {"lr": k.get("lr_max", k.get("lr")), "T": T, "p": round(k.get("pct_start", 0) * T)}
    names |= {"div": k.get("div"), "div_final": k.get("div_final")}
    return names | {"cycle": k.get("cycle_len", 0) * k["n_iter"], "cycle_mult": k.get("cycle_mult")}


def haiku(k, case):
    batch = k["train_device_batch_size"] * k["device_count"]
    names = {"lr": k["train_lr_init"] * batch / 256, "batch": batch, "examples": k["num_examples"]}
    names |= {"warmup_epochs": k["train_lr_warmup_epochs"], "epochs": k["train_epochs"]}
    return names | {"T": k["train_epochs"] * k["num_examples"] // batch}


def init2winit(k, case):
    h = k["schedule_hparams"]
    names = {"lr": h["base_lr"], "T": k["max_training_updates"], "W": h["warmup_steps"]}
    names |= {"squash": h.get("squash_steps"), "power": h.get("power")}
    return names | {"start": h.get("start_lr"), "end": h.get("end_lr")}


def mmengine(k, case):
    first, last = k["schedulers"][0]["kwargs"], k["schedulers"][-1]["kwargs"]
    names = {"start": first.get("start_factor"), "W": first["end"], "power": last.get("power")}
    return names | {"T": last["end"], "floor": last.get("eta_min", last.get("eta_min_ratio", 0.0) * case.lr)}


def simply(k, case):
    names = {"lr": k["value"], "W": k["warmup_steps"], "T": k.get("num_train_steps")}
    return names | {"S": k.get("decay_start", k["warmup_steps"]), "f": k.get("end_decay")}


def axolotl(k, case):
    names = {"W": k["num_warmup_steps"], "T": k.get("total_steps", k.get("num_training_steps"))}
    f = k["min_lr"] / k["max_lr"] if "max_lr" in k else k.get("min_lr_ratio")
    return names | {"f": f, "r": k.get("constant_lr_ratio")}


def bolts(k, case):
    names = {"W": k["warmup_epochs"], "T": k["max_epochs"]}
    return names | {"start": k["warmup_start_lr"], "floor": k["eta_min"]}


def nemo(k, case):
    return {"W": k["warmup_steps"], "T": k["max_steps"], "floor": k["min_lr"]}


# Title, which line, peer, its cases, the names of the line. "run": they differ after the end.
alphas = named(alpha="alpha", alpha_start="alpha_start", W="warmup")
betas = named(beta1="beta_start", beta3="beta_end", W="warmup")
decay = named(weight_decay="weight_decay_scaled", T="num_iterations")
ROWS = [
    ("AdEMAMix", 0, "ademamix", "alpha alpha-large alpha-start", alphas, "all"),
    ("AdEMAMix", 1, "ademamix", "beta3 beta3-large beta3-999", betas, "all"),
    ("axolotl", 0, "axolotl", "rex rex-warmup rex-warmup-1", axolotl, "all"),
    ("axolotl", 1, "axolotl", "quadratic", axolotl, "all"),
    ("axolotl", 2, "axolotl", "min_lr", axolotl, "all"),
    ("axolotl", 3, "axolotl", "decay-constant", axolotl, "all"),
    ("Composer", 0, "composer", "linear-warmup", composer, "all"),
    ("Composer", 1, "composer", "cosine-warmup", composer, "all"),
    ("Composer", 2, "composer", "restarts-mult2", composer, "all"),
    ("detectron2", 0, "detectron2", "default multistep multistep-in-warmup", detectron, "all"),
    ("detectron2", 1, "detectron2", "cosine", detectron, "run"),
    ("fastai", 0, "fastai", "one_cycle one_cycle-1-epoch", fastai, "all"),
    ("fastai", 1, "fastai", "flat_cos flat_cos-0.5", fastai, "all"),
    (
        "fastai",
        2,
        "fastai",
        "sgdr-mult3",
        fastai,
        "all",
    ),  # in "sgdr" rounding makes fastai's third cycle late
    ("Haiku's ImageNet example", 0, "haiku_imagenet", "default 8-devices small fractional", haiku, "run"),
    ("init2winit", 0, "init2winit", "cosine_warmup", init2winit, "all"),
    ("init2winit", 1, "init2winit", "rsqrt_warmup", init2winit, "all"),
    ("init2winit", 2, "init2winit", "mlperf_polynomial", init2winit, "all"),
    ("Lightning-Bolts", 0, "lightning_bolts", "cosine-past start-and-end W2", bolts, "all"),
    ("mmengine", 0, "mmengine", "warmup-cosine-ratio", mmengine, "run"),
    ("mmengine", 1, "mmengine", "poly", mmengine, "all"),
    ("nanochat", 0, "nanochat", "lr lr-default lr-0-warmup lr-round-half-even", nanochat, "run"),
    ("nanochat", 1, "nanochat", "momentum", nanochat, "run"),
    ("nanochat", 2, "nanochat", "weight-decay", decay, "run"),
    ("nanoGPT, NeMo", 0, "nemo", "cosine", nemo, "all"),
    ("nanoGPT, NeMo", 1, "nemo", "inv_sqrt", nemo, "run"),
    ("OLMo-core", 0, "olmo_core", "cosine", olmo, "all"),
    ("OLMo-core", 1, "olmo_core", "linear", olmo, "run"),
    ("OLMo-core", 2, "olmo_core", "wsd wsd-decay", olmo, "run"),
    ("OLMo-core", 3, "olmo_core", "inv_sqrt", olmo, "all"),
    ("Simply", 0, "simply", "cosine cosine-end cosine-hold", simply, "all"),
    ("Simply", 1, "simply", "constant", simply, "all"),
    (
        "torchtitan",
        0,
        "torchtitan",
        "linear linear-min wsd wsd-sqrt cosine wsd-cosine 0-warmup",
        titan,
        "run",
    ),
]


@pytest.mark.parametrize(
    ("title", "line", "peer", "ids", "names", "until"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS]
)
def test_a_line_is_its_original(title, line, peer, ids, names, until):
    for case in golden.cases(peer):
        if case.id in ids.split():
            arguments = (case.fields.get("defaults") or {}) | case.kwargs
            values = {"lr": case.fields.get("optimizer", {}).get("lr", 1.0)} | names(arguments, case)
            if "start_factor" in str(arguments):
                values["start"] = values["start"] or 1.0
            schedule = eval(LINES[title][line], {"wo": wo}, values)
            known = case.steps < values["T"] if until == "run" else np.isfinite(case.values)
            steps = case.steps[known]
            tolerance = max(case.tolerance, golden.SINGLE if peer == "fastai" else 0)
            # The foot of a cosine, where the original loses its digits.
            near_zero = 1e-7
            golden.compare(
                wo.sample(schedule, steps), case.values[known], tolerance, near_zero=near_zero, steps=steps
            )


# Code bases without a table: the title, the line, its names, and the equation as the code base writes it.
WITHOUT = [
    (
        "nanoGPT, NeMo",
        0,
        {"lr": 1e-3, "W": 10, "T": 60, "floor": 1e-4},
        lambda n: np.where(
            n < 10,
            1e-3 * (n + 1) / 11,
            1e-4 + 0.5 * (1 + np.cos(np.pi * (np.clip(n, 10, 60) - 10) / 50)) * 9e-4,
        ),
    ),
    (
        "Flax's examples, MaxDiffusion",
        0,
        {"lr": 1e-3, "W": 10},
        lambda n: 1e-3 * np.minimum(1, n / 10) * np.sqrt(10 / np.maximum(n, 10)),
    ),
    (
        "Flax's examples, MaxDiffusion",
        1,
        {"lr": 1e-3, "S": 55, "fraction": 0.1},
        lambda n: 1e-3 * np.minimum(1, n / 5),
    ),
    ("CleanRL", 0, {"lr": 0.1, "I": 7, "k": 8}, lambda n: 0.1 * np.maximum(1 - n // 8 / 7, 0)),
    ("CleanRL", 1, {"f": 0.01, "D": 30, "W": 20}, lambda n: np.clip(1 - 0.99 * (n - 20) / 30, 0.01, 1)),
    (
        "DINO",
        0,
        {"lr": 5e-4, "final": 1e-6, "W": 10, "T": 79},
        lambda n: np.concatenate(
            [
                np.linspace(0, 5e-4, 10),
                1e-6 + 0.5 * (5e-4 - 1e-6) * (1 + np.cos(np.pi * np.arange(70) / 69)),
            ]
        ),
    ),
    (
        "mmengine",
        2,
        {"lr": 0.02, "start": 0.001, "W": 10, "E": 5},
        lambda n: (
            0.02 * np.minimum(0.001 + 0.999 * n / 9, 1) * 0.1 ** np.searchsorted([8, 11], n // 5, "right")
        ),
    ),
    (
        "nanodo",
        0,
        {"lr": 1e-3, "W": 10, "T": 60, "floor": 1e-4},
        lambda n: np.where(
            n < 10, 1e-4 * n, 1e-4 + 9e-4 * (1 + np.cos(np.pi * (np.clip(n, 10, 60) - 10) / 50)) / 2
        ),
    ),
    (
        "Other units and warmups",
        0,
        {"lr": 3e-4, "S": 100, "s": 3},
        lambda n: 3e-4 * np.maximum(1 - 3 * n / 100, 0),
    ),
    ("Other units and warmups", 1, {"lr": 3e-4, "U": 9, "m": 8}, lambda n: 3e-4 * np.maximum(1 - n / 72, 0)),
    ("Other units and warmups", 2, {"lr": 0.1, "W": 9}, lambda n: 0.1 * np.minimum((n + 1) / 9, 1)),
    ("Other units and warmups", 3, {"lr": 0.1, "W": 9}, lambda n: 0.1 * np.minimum(np.maximum(n, 1) / 9, 1)),
    (
        "Other units and warmups",
        4,
        {"lr": 0.1, "floor": 0.02, "W": 5, "C": 20, "g": 0.5},
        lambda n: (
            0.02
            + 0.08
            * 0.5 ** (n // 20)
            * np.where(n % 20 < 5, n % 20 / 5, (1 + np.cos(np.pi * (n % 20 - 5) / 15)) / 2)
        ),
    ),
    (
        "YOLO (Ultralytics)",
        0,
        {"lr": 1e-2, "lrf": 0.01, "epochs": 10, "nb": 7, "nw": 21},
        lambda n: np.minimum(1, n / 21) * 1e-2 * (np.maximum(1 - n // 7 / 10, 0) * 0.99 + 0.01),
    ),
]


@pytest.mark.parametrize(("title", "line", "names", "equation"), WITHOUT, ids=[row[0] for row in WITHOUT])
def test_a_line_is_its_equation(title, line, names, equation):
    counts = np.arange(80)
    schedule = eval(LINES[title][line], {"wo": wo, "Fraction": Fraction}, names)
    golden.compare(wo.sample(schedule, counts), equation(counts), golden.EXACT, near_zero=1e-7)


def test_every_line_is_tested():
    tested = {(row[0], row[1]) for row in [*ROWS, *WITHOUT]}
    assert tested == {(title, i) for title, lines in LINES.items() for i in range(len(lines))}
