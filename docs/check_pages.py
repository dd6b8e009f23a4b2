"""Opens every page of the built site in a browser, on a desktop and on a telephone, in the light and in the dark.

    pip install playwright && apt-get install chromium
    python docs/check_pages.py docs/_build/html --out /tmp/pages

Fails on errors in the console, requests that leave the site, broken images, equations that were not rendered,
pages wider than the screen, code, tables and equations wider than their box, alt texts that are the name of a
file, pictures without a caption, text of low contrast, and links within the site that lead nowhere. Leaves a
picture of each page.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import pathlib
import sys
import tempfile
import threading
from collections.abc import Iterator
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
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA)
LOOK = (
    (pathlib.Path(__file__).parent / "check_page.js")
    .read_text()
    .replace("LEAST", str(LEAST_CONTRAST))
)


PREFIX = "/warmup-optax/"  # where the site is on its host; the page for a missing address depends on it


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site under `PREFIX`, without a line in the log for each file."""

    def translate_path(self, path: str) -> str:
        """The file for an address."""
        return super().translate_path("/" + path.removeprefix(PREFIX))

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def served(site: pathlib.Path) -> Iterator[str]:
    """The site on a port of this machine."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), handler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


def look(page: Page, address: str) -> tuple[dict, list[str]]:
    """The layout of a page, and its faults."""
    faults: list[str] = []
    root = "/".join(address.split("/")[:3]) + "/"  # favicon included

    def asked(request) -> None:
        if not request.url.startswith((root, "data:", "blob:")):
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
    page.goto(address, wait_until="load")
    page.evaluate(
        "() => { for (const i of document.images) i.loading = 'eager'; }"
    )
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.wait_for_function(
        "() => [...document.images].every(i => i.complete)", timeout=20_000
    )
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    seen = page.evaluate(LOOK)
    faults += [f"broken image: {source}" for source in seen["broken"]]
    if seen["overflow"] > 0:
        faults.append(f"{seen['overflow']} pixels wider than the screen")
    faults += [f"wider than its box: {box}" for box in seen["wide"]]
    faults += [f"no alt text: {source}" for source in seen["unnamed"]]
    faults += [f"no caption: {source}" for source in seen["captionless"]]
    faults += [f"low contrast: {text}" for text in seen["faint"]]
    if seen["rendered"] < seen["equations"] or seen["errors"]:
        faults.append(
            f"{seen['rendered']} of {seen['equations']} equations rendered, {seen['errors']} wrong"
        )
    return seen, faults


def check(
    browser: Browser, root: str, pages: list[str], out: pathlib.Path
) -> list[str]:
    """The faults of all pages."""
    found: list[str] = []
    anchors: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    for screen, (width, height) in SCREENS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
            )
            page = context.new_page()
            for name in pages:
                seen, faults = look(page, root + name)
                found += [
                    f"{name} ({screen}, {scheme}): {fault}"
                    for fault in faults
                ]
                page.screenshot(
                    path=out
                    / f"{name.replace('/', '_')}.{screen}.{scheme}.png",
                    full_page=True,
                )
                anchors[name] = set(seen["anchors"])
                if (screen, scheme) == ("desktop", "light"):
                    links += [
                        (name, urljoin(root + name, link))
                        for link in seen["links"]
                    ]
            context.close()
    return found + dead(root, links, anchors, out)


def dead(
    root: str,
    links: list[tuple[str, str]],
    anchors: dict[str, set[str]],
    out: pathlib.Path,
) -> list[str]:
    """Links within the site whose page or place is not there."""
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
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path(tempfile.gettempdir()) / "pages",
    )
    parser.add_argument(
        "--only", default="", help="pages whose name contains this"
    )
    parser.add_argument("--browser", default="/usr/bin/chromium")
    arguments = parser.parse_args()
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
    with served(arguments.site) as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.browser, args=FLAGS
        )
        faults = check(browser, root, pages, arguments.out)
        browser.close()
    if arguments.only:
        faults = [fault for fault in faults if ": no page " not in fault]
    print(
        *faults,
        f"{len(pages)} pages, {len(faults)} faults; pictures in {arguments.out}",
        sep="\n",
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
