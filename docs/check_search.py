"""Types what users type into the search of the built site, and fails if the answer is not among the first hits.

    python docs/check_search.py docs/_build/html

`docs/reference/synonyms.md` has the words by which the search finds a page that does not say them.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from playwright.sync_api import Page, sync_playwright

from check_pages import BROWSER, FLAGS, served

FIRST = 3
WO = "_generated/api/warmup_optax."
ANSWERS: dict[str, tuple[str, ...]] = {
    # query: the pages, any of which answers it
    "1cycle": (f"{WO}one_cycle",),
    "one cycle": (f"{WO}one_cycle",),
    "one-cycle": (f"{WO}one_cycle",),
    "change batch size": (
        "guides/change_the_schedule",
        "guides/steps",
    ),
    "number of gpus": (
        "guides/devices",
        "guides/resuming",
        "guides/faq",
    ),
    "trapezoidal schedule": (f"{WO}warmup_stable_decay",),
    "accumulate gradients": ("guides/steps",),
    "average checkpoints": (
        "guides/ending_a_run",
        f"{WO}merge_checkpoints",
    ),
    "batch size": (
        "guides/change_the_schedule",
        "guides/steps",
    ),
    "bfloat16": ("guides/bf16",),
    "changelog": ("changelog",),
    "citation": ("start/index",),
    "cite": ("start/index",),
    "cli": ("guides/command_line",),
    "command line": ("guides/command_line",),
    "constant with warmup": (f"{WO}warmup_constant",),
    "cooldown": (
        "guides/ending_a_run",
        f"{WO}with_cooldown",
    ),
    "cosine annealing": (
        f"{WO}warmup_cosine",
        f"{WO}cosine",
    ),
    "cosine decay": (
        f"{WO}warmup_cosine",
        f"{WO}cosine",
    ),
    "cosine with restarts": (f"{WO}warmup_cosine_restarts",),
    "custom schedule": ("guides/own_nodes",),
    "cyclical learning rate": (
        f"{WO}shapes.triangle_wave",
        "reference/synonyms",
    ),
    "deadline": ("guides/deadline",),
    "decay_steps": (
        "guides/faq",
        "coming_from/differences",
        "coming_from/index",
        f"{WO}warmup_stable_decay",
    ),
    "deepspeed": ("coming_from/deepspeed",),
    "deepspeed config": (
        "coming_from/deepspeed",
        "guides/config_files",
        "coming_from/real_files",
    ),
    "discriminative learning rates": ("guides/groups",),
    "editor": ("guides/editor",),
    "epochs to steps": ("guides/steps",),
    "equinox": ("guides/frameworks",),
    "exponential decay": (
        f"{WO}exponential",
        f"{WO}warmup_exponential",
    ),
    "flax": ("guides/frameworks",),
    "freeze": ("guides/groups",),
    "freeze a group": ("guides/groups",),
    "freeze layers": ("guides/groups",),
    "get_cosine_schedule_with_warmup": ("coming_from/transformers",),
    "gradient accumulation": ("guides/steps",),
    "hugging face": ("coming_from/transformers",),
    "huggingface": ("coming_from/transformers",),
    "hydra": ("guides/config_files",),
    "hyperparameter search": ("guides/sweeps",),
    "install": ("start/index",),
    "installation": ("start/index",),
    "inverse square root": (
        f"{WO}warmup_inverse_sqrt",
        f"{WO}inverse_sqrt",
    ),
    "json": ("guides/configs",),
    "keras": (
        "coming_from/keras",
        "guides/keras_pytorch",
    ),
    "last update": ("guides/faq",),
    "layer-wise learning rate decay": (
        "guides/groups",
        f"{WO}layerwise",
    ),
    "layerwise decay": (
        "guides/groups",
        f"{WO}layerwise",
    ),
    "learning rate finder": (
        "guides/range_test",
        f"{WO}suggest_learning_rate",
    ),
    "linear warmup": (
        f"{WO}with_warmup",
        f"{WO}warmup_linear",
        f"{WO}linear",
    ),
    "log learning rate": ("guides/logging",),
    "log the learning rate": ("guides/logging",),
    "lr finder": (
        "guides/range_test",
        f"{WO}suggest_learning_rate",
    ),
    "lr range test": ("guides/range_test",),
    "megatron": ("coming_from/megatron",),
    "momentum schedule": ("guides/hyperparameters",),
    "multiple gpus": ("guides/devices",),
    "multistep": (
        f"{WO}piecewise_constant",
        f"{WO}warmup_piecewise_constant",
    ),
    "multisteps": (
        "guides/steps",
        "guides/faq",
    ),
    "noam": (
        f"{WO}warmup_inverse_sqrt",
        "reference/synonyms",
    ),
    "onecycle": (f"{WO}one_cycle",),
    "onecyclelr": (
        "coming_from/torch",
        f"{WO}one_cycle",
    ),
    "orbax": (
        "guides/resuming",
        "guides/ending_a_run",
    ),
    "plot": (
        "guides/explore",
        f"{WO}plot",
    ),
    "pmap": ("guides/devices",),
    "polynomial decay": (
        f"{WO}polynomial",
        f"{WO}warmup_polynomial",
    ),
    "ppo": (
        "guides/feedback",
        "guides/steps",
        f"{WO}feedback.AdaptiveKL",
    ),
    "pytorch": (
        "coming_from/torch",
        "guides/keras_pytorch",
    ),
    "quickstart": (
        "_generated/notebooks/quickstart",
        "start/index",
    ),
    "rate is 0 at step 0": ("guides/faq",),
    "reduce on plateau": ("guides/feedback",),
    "reducelronplateau": (
        "guides/feedback",
        "coming_from/torch",
    ),
    "reinforcement learning": (
        "guides/feedback",
        "guides/steps",
        f"{WO}feedback.AdaptiveKL",
    ),
    "resume": ("guides/resuming",),
    "resume a run": ("guides/resuming",),
    "resume from checkpoint": ("guides/resuming",),
    "resume training": ("guides/resuming",),
    "rsqrt": (
        f"{WO}warmup_inverse_sqrt",
        f"{WO}inverse_sqrt",
    ),
    "save schedule": ("guides/configs",),
    "sgdr": (f"{WO}warmup_cosine_restarts",),
    "step decay": (
        f"{WO}piecewise_constant",
        f"{WO}warmup_piecewise_constant",
        f"{WO}staircase",
    ),
    "super-convergence": (f"{WO}one_cycle",),
    "sweep": ("guides/sweeps",),
    "tensorboard": ("guides/logging",),
    "time budget": ("guides/deadline",),
    "tokens": ("guides/steps",),
    "triangular": (f"{WO}shapes.triangle_wave",),
    "type checking": ("guides/typing",),
    "unfreeze": ("guides/groups",),
    "vmap": ("guides/sweeps",),
    "wandb": ("guides/logging",),
    "warm restarts": (f"{WO}warmup_cosine_restarts",),
    "warmup stable decay": (f"{WO}warmup_stable_decay",),
    "weight decay schedule": ("guides/hyperparameters",),
    "wsd": (
        f"{WO}warmup_stable_decay",
        "guides/ending_a_run",
    ),
    "yaml": (
        "guides/config_files",
        "guides/configs",
    ),
}


def hits(page: Page, address: str) -> list[str]:
    """The pages that a search finds, the best first, each once."""
    page.goto(address)
    page.wait_for_function(
        """() => {
            const said = document.querySelector('#search-results .search-summary')?.textContent;
            return said && !/Searching|Preparing/.test(document.querySelector('#search-results h2').textContent);
        }"""
    )
    found = page.eval_on_selector_all(
        "#search-results ul.search > li > a",
        "links => links.map(a => a.href)",
    )
    root = address.partition("search.html")[0]
    return list(
        dict.fromkeys(
            link.removeprefix(root).partition(".html")[0] for link in found
        )
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument("--browser", default=BROWSER)
    arguments = parser.parse_args()
    missed = 0
    with (
        served(arguments.site) as root,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=arguments.browser, args=FLAGS
        ) as browser,
    ):
        page = browser.new_page()
        for query, answers in ANSWERS.items():
            found = hits(page, f"{root}search.html?q={query}")
            rank = next(
                (at for at, hit in enumerate(found, 1) if hit in answers),
                None,
            )
            print(
                f"{rank or '-'}\t{query}",
                "" if rank == 1 else f"\t{', '.join(found[:FIRST])}",
                sep="",
            )
            missed += rank is None or rank > FIRST
    print(
        f"{len(ANSWERS)} queries, {missed} without their answer in the first {FIRST} hits"
    )
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
