"""Open every page of the built site in a browser, on a desktop and on a phone, in light and dark mode.

    pip install playwright && apt-get install chromium
    python docs/check_pages.py docs/_build/html --out /tmp/pages

Fails on errors in the console, requests that leave the site, broken images, equations that were not rendered,
pages wider than the screen, code, tables, equations and sidebars wider than their box, signatures with types that
have no name, alt texts that are the name of a file, pictures without a caption, text of low contrast, and links
within the site that lead nowhere. With `--out` it leaves pictures of all pages.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import itertools
import os
import pathlib
import queue
import shutil
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
    ),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
]
SCREENS = {
    "laptop": (1280, 900),
    "desktop": (1440, 900),
    "telephone": (390, 844),
}
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA)
LOOK = (
    (pathlib.Path(__file__).parent / "check_page.js")
    .read_text()
    .replace("LEAST", str(LEAST_CONTRAST))
)


PREFIX = "/warmup-optax/"  # where the site is on its host; the page for a missing address depends on it


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of the site under `PREFIX` that logs nothing."""

    def translate_path(self, path: str) -> str:
        """Return the file for an address."""
        return super().translate_path("/" + path.removeprefix(PREFIX))

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def served(site: pathlib.Path) -> Iterator[str]:
    """Serve the site on a port of this machine."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), handler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


@contextlib.contextmanager
def watched(page: Page, root: str) -> Iterator[list[str]]:
    """Collect the faults of a page while it loads."""
    faults: list[str] = []
    host = "/".join(root.split("/")[:3]) + "/"  # favicon included

    def asked(request) -> None:
        if not request.url.startswith((host, "data:", "blob:")):
            faults.append(f"asks {request.url}")

    def said(message) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    listeners = {
        "request": asked,
        "console": said,
        "pageerror": lambda error: faults.append(f"script: {error}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield faults
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def load(page: Page, address: str) -> None:
    """Open a page, with its equations, and with the pictures below the screen."""
    page.goto(address, wait_until="load")
    page.evaluate(
        """async () => {
            for (const image of document.images) image.loading = 'eager';
            await window.MathJax?.startup?.promise;
            await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
        }"""
    )


def faults_of(seen: dict) -> list[str]:
    """Return the faults in the report of `check_page.js`."""
    faults = [f"broken image: {source}" for source in seen["broken"]]
    if seen["overflow"] > 0:
        faults.append(f"{seen['overflow']} pixels wider than the screen")
    faults += [f"wider than its box: {box}" for box in seen["wide"]]
    faults += [
        f"types that are not named: {text}" for text in seen["signatures"]
    ]
    faults += [f"no alt text: {source}" for source in seen["unnamed"]]
    faults += [f"no caption: {source}" for source in seen["captionless"]]
    faults += [f"low contrast: {text}" for text in seen["faint"]]
    if seen["rendered"] < seen["equations"] or seen["errors"]:
        faults.append(
            f"{seen['rendered']} of {seen['equations']} equations rendered, {seen['errors']} wrong"
        )
    return faults


def look(
    browser: Browser, root: str, name: str, out: pathlib.Path | None
) -> tuple[dict, list[str]]:
    """Check a page on every screen, in light and dark mode, and return its faults.

    It is loaded once for each width: an equation is broken into lines as it is set. A change of the
    color scheme loads nothing.
    """
    found: list[str] = []
    for screen, (width, height) in SCREENS.items():
        page = browser.contexts[0].new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(
            color_scheme="light", reduced_motion="reduce"
        )  # colors change without a transition
        with watched(page, root) as loading:
            load(page, root + name)
        found += [f"{name} ({screen}): {fault}" for fault in loading]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            seen = page.evaluate(LOOK)
            found += [
                f"{name} ({screen}, {scheme}): {fault}"
                for fault in faults_of(seen)
            ]
            if out:
                page.screenshot(
                    path=out
                    / f"{name.replace('/', '_')}.{screen}.{scheme}.png",
                    full_page=True,
                )
        page.close()
    return seen, found


def check(
    site: pathlib.Path,
    pages: list[str],
    out: pathlib.Path | None,
    jobs: int,
    executable: str,
) -> list[str]:
    """Return the faults of all pages. Each job has a browser."""
    waiting = queue.SimpleQueue()
    for name in pages:
        waiting.put(name)

    def work(root: str) -> list[tuple[str, dict, list[str]]]:
        done = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=executable, args=FLAGS
            )
            browser.new_context()
            with contextlib.suppress(queue.Empty):
                while True:
                    name = waiting.get_nowait()
                    done.append((name, *look(browser, root, name, out)))
            browser.close()
        return done

    with served(site) as root, ThreadPoolExecutor(jobs) as pool:
        looked = sorted(
            itertools.chain.from_iterable(pool.map(work, [root] * jobs))
        )
    anchors = {name: set(seen["anchors"]) for name, seen, _ in looked}
    links = [
        (name, urljoin(root + name, link))
        for name, seen, _ in looked
        for link in seen["links"]
    ]
    return [fault for *_, faults in looked for fault in faults] + dead(
        root, links, anchors
    )


def dead(
    root: str,
    links: list[tuple[str, str]],
    anchors: dict[str, set[str]],
) -> list[str]:
    """Return the links within the site whose page or anchor does not exist."""
    found = set()
    for name, link in links:
        if link.startswith(root):
            address, place = urldefrag(link)
            target = (
                unquote(urlsplit(address).path.removeprefix(PREFIX))
                or "index.html"
            )
            if target.endswith(".html") and target not in anchors:
                found.add(f"{name}: no page {target}")
            elif (
                place
                and target
                != "editor/index.html"  # the schedule of a link, not a place
                and target in anchors
                and unquote(place) not in anchors[target]
            ):
                found.add(f"{name}: no place #{place} in {target}")
    return sorted(found)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        help="a folder for pictures of all pages",
    )
    parser.add_argument(
        "--only", default="", help="pages whose name contains this"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--browser", default=BROWSER)
    arguments = parser.parse_args()
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
    every = sorted(
        str(page.relative_to(arguments.site))
        for page in arguments.site.rglob("*.html")
    )
    pages = [
        name
        for name in every
        if not name.startswith("_static/") and arguments.only in name
    ]
    faults = check(
        arguments.site,
        pages,
        arguments.out,
        arguments.jobs,
        arguments.browser,
    )
    if arguments.only:
        faults = [fault for fault in faults if ": no page " not in fault]
    print(*faults, f"{len(pages)} pages, {len(faults)} faults", sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
