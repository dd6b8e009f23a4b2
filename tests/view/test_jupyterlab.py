"""`explore` as its user has it: a real JupyterLab, in a real browser, with a mouse and a keyboard.

pip install jupyterlab ipywidgets playwright && apt-get install chromium
pytest -m notebooks tests/view/test_jupyterlab.py
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PACKAGES = ("ipykernel", "ipywidgets", "jupyterlab", "playwright")
pytestmark = [
    pytest.mark.notebooks,
    pytest.mark.skipif(
        not (BROWSER and all(map(importlib.util.find_spec, PACKAGES))),
        reason="chromium, jupyterlab or playwright is not installed",
    ),
]
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECONDS = 60  # no test of speed: what hangs is ended
CELL = """
import warmup_optax as wo
explorer = wo.explore(
    wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000),
    total_steps=1000,
    compare=wo.warmup_linear(3e-4, warmup_steps=100, total_steps=1000),
)
explorer
"""


def cell(source):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


@contextlib.contextmanager
def jupyterlab(folder, theme):
    """The address of a JupyterLab whose home is ``folder``, without a token."""
    cells = [cell(CELL.strip()), cell("print(explorer.schedule)")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4}
    (folder / "explore.ipynb").write_text(json.dumps(notebook))
    settings = {"themes": {"theme": f"JupyterLab {theme}"}, "notification": {"fetchNews": "false"}}
    for name, values in settings.items():
        file = folder / "settings" / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "0", "XLA_FLAGS": ""}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "IPYTHONDIR": str(folder / "ipython")}
    environment |= {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={address.rpartition(':')[2]}", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={folder}", f"--LabApp.user_settings_dir={folder / 'settings'}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        until = time.monotonic() + SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/status").close()
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(SECONDS)


@contextlib.contextmanager
def opened(address):
    """A page with the notebook, its first cell run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(1000 * SECONDS)
        page = context.new_page()
        page.goto(f"{address}/lab/tree/explore.ipynb?reset")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        run(page, 0)
        page.wait_for_selector(".jp-OutputArea svg[role=img]")
        yield page
        browser.close()


def run(page, i):
    """Runs a cell; a JupyterLab that is still starting may miss the first keys, or ask for a kernel."""
    from playwright.sync_api import TimeoutError

    prompt = page.locator(".jp-Notebook .jp-InputPrompt").nth(i)
    for _ in range(SECONDS // 5):
        if (asked := page.locator(".jp-Dialog .jp-mod-accept")).count():
            print(page.locator(".jp-Dialog").inner_text())
            asked.click()
        page.locator(".jp-Notebook .cm-content").nth(i).click()
        page.keyboard.press("Shift+Enter")
        with contextlib.suppress(TimeoutError):
            prompt.filter(has_text=re.compile("[*0-9]")).wait_for(timeout=5000)
            return


def test_a_slider_is_dragged_in_jupyterlab(tmp_path):
    """The line, the curve and the table follow; the button copies; the next cell has the schedule."""
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * SECONDS)

    with jupyterlab(tmp_path, "Light") as address, opened(address) as page:
        code = page.locator(".jp-OutputArea code").first
        curve = page.locator(".jp-OutputArea svg[role=img] path[stroke='#3b8ed8']")
        handles = page.locator(".jp-OutputArea .noUi-handle")
        line = "warmup_cosine(peak_value=0.0003, warmup_steps=100, total_steps=1000)"
        assert code.inner_text() == line
        before, handle = curve.get_attribute("d"), handles.nth(1).bounding_box()  # of warmup_steps
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y, steps=10)
        page.mouse.up()
        expect(code).not_to_have_text(line)
        steps = int(float(handles.nth(1).get_attribute("aria-valuenow")))  # what the mouse left it at
        assert 200 < steps < 500
        line = f"warmup_cosine(peak_value=0.0003, warmup_steps={steps}, total_steps=1000)"
        expect(code).to_have_text(line)
        assert curve.get_attribute("d") != before
        page.get_by_role("cell", name=str(steps), exact=True).first.wait_for()
        picture(page, "explore")

        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == line
        page.get_by_role("button", name="Copy", exact=True).wait_for()
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as without https
        page.evaluate("document.oncopy = () => { window.copied = getSelection().toString() }")
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("window.copied") == line

        handles.nth(0).focus()
        page.keyboard.press("ArrowRight")
        line = line.replace("0.0003", "0.00031")
        expect(code).to_have_text(line)
        run(page, 1)
        printed = page.locator(".jp-OutputArea-output pre").last
        printed.wait_for()
        assert printed.inner_text().strip() == line


def test_a_number_raises_an_error_in_jupyterlab(tmp_path):
    """In dark mode: the error, the last curve in gray, and the schedule again after the next number."""
    with jupyterlab(tmp_path, "Dark") as address, opened(address) as page:
        box = page.locator(".jp-OutputArea .widget-text input").nth(1)
        box.fill("1200")
        box.press("Enter")
        page.get_by_role("alert").wait_for()
        assert "at least warmup_steps + hold_steps = 1200, got 1000" in page.get_by_role("alert").inner_text()
        grey = "() => getComputedStyle(document.querySelector('.warmup-optax-follows')).opacity"
        assert page.evaluate(grey) == "0.3"
        picture(page, "error")
        box.fill("300")
        box.press("Enter")
        page.get_by_role("alert").wait_for(state="detached")
        assert page.evaluate(grey) == "1"
        assert "warmup_steps=300" in page.locator(".jp-OutputArea code").first.inner_text()


def picture(page, name):
    """A picture to look at, if PICTURES names a folder for them: docs/_static/explore.png was made so."""
    if "PICTURES" in os.environ:
        page.mouse.move(0, 0)
        widgets = page.locator(".jp-OutputArea-output .widget-vbox").first
        widgets.screenshot(path=Path(os.environ["PICTURES"]) / f"{name}.png")
