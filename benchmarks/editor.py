"""A redraw of the schedule editor in Chromium.

The time from a new config to the drawn curve of about 1,000 points, with its layout, in a window of 1280 x 1000
pixels: the config is read and checked, the points are evaluated, the elements are replaced. The phases and the
findings follow when a handle is dropped. A screen shows a frame every 16.7 ms. It needs playwright and Chromium.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import warmup_optax as wo

REDRAWS = 200
RUN: dict[str, Any] = {"warmup_steps": 100, "total_steps": 1000}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row for a schedule."""
    from playwright.sync_api import sync_playwright

    build = Path(__file__).parents[1] / "docs" / "_ext" / "editor.py"
    spec = importlib.util.spec_from_file_location("editor", build)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    phases = [wo.cosine(1e-3 / (i + 1), 1e-5, 25) for i in range(40)]
    schedules = {
        "warmup_cosine": wo.warmup_cosine(3e-4, **RUN),
        "warmup_cosine_restarts, growth 1.5": wo.warmup_cosine_restarts(
            3e-4, warmup_steps=100, cycle_steps=100, growth=1.5
        ),
        "with_cooldown of a warmup_stable_decay": wo.with_cooldown(
            wo.warmup_stable_decay(3e-4, **RUN, decay_steps=200), begin=500, steps=100
        ),
        "a join of 40 cosines": wo.join(phases, range(25, 1000, 25)),
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "editor.html"
        page_file.write_text(module.single_file())
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        rows = []
        for name, schedule in schedules.items():
            page.goto(page_file.as_uri() + f"#{module.link(wo.to_config(schedule))}")
            page.reload()
            page.locator("#curve path.rate").wait_for()
            times = page.evaluate(
                "n => Array.from({ length: n }, () => timeOfRedraw(1))", 20 if quick else REDRAWS
            )
            times = times[len(times) // 10 :]  # the first ones are compiled
            points = (page.locator("#curve path.rate").get_attribute("d") or "").count("L") + 1
            rows.append(
                {
                    "schedule": name,
                    "points": points,
                    "median (ms)": statistics.median(times),
                    "95 % (ms)": statistics.quantiles(times, n=20)[-1],
                }
            )
        browser.close()
    return rows
