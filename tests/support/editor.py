"""The schedule editor of the documentation: what runs its JavaScript, and the configs that it is given."""

import contextlib
import copy
import functools
import http.server
import importlib.util
import itertools
import json
import random
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

import warmup_optax as wo
from support.catalogue import CASES, LONG
from support.random_expressions import COMBINATORS, REAL_CLOCKS, SHAPES, counts_of

ROOT = Path(__file__).parents[2]
EDITOR = ROOT / "docs" / "editor"
NODE = shutil.which("node") or shutil.which("nodejs")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECONDS = 60  # no test of speed: what hangs is ended
needs_node = pytest.mark.skipif(not NODE, reason="node is not installed")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and importlib.util.find_spec("playwright")),
    reason="chromium or playwright is not installed",
)


def in_node(questions, script="answers.mjs"):
    """The answers of ``tests/editor/answers.mjs`` to a list of questions."""
    command = [NODE, str(ROOT / "tests" / "editor" / script)]
    done = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def guess_type(self, path):
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a server of the files of a folder."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextlib.contextmanager
def browser_page(**options):
    """A page of a browser without a past."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(**options)
        context.set_default_timeout(1000 * SECONDS)
        yield context.new_page()
        browser.close()


# ------------------------------------------------------------------ configs


def saved(schedule):
    """The config, or None for what cannot be saved."""
    try:
        return wo.to_config(schedule)
    except TypeError:
        return None


def catalogue():
    """Pairs of a case and its config."""
    pairs = ((case, saved(case.schedule)) for case in (*CASES, *LONG) if case.serialisable)
    return [(case, config) for case, config in pairs if config is not None]


def expressions(seed, structures, each):
    """``structures * each`` random expressions: ``each`` of one structure, with other numbers.

    What `sample` compiles for a structure serves all of its numbers.
    """
    r = random.Random(seed)
    combinators = COMBINATORS | REAL_CLOCKS

    def cycled(names):
        names = list(names)
        while True:
            r.shuffle(names)
            yield from names

    kinds = zip(cycled(combinators), cycled(combinators), cycled(SHAPES), strict=False)
    found = []
    for outer, inner, shape in itertools.islice(kinds, structures):
        for _ in range(each):
            expression = combinators[outer](r, combinators[inner](r, SHAPES[shape](r)))
            found.append((expression, counts_of(expression, 256, len(found))))
    return found


# ------------------------------------------------------------------ configs with one thing wrong


def sentence(config):
    """The error of a config, or None."""
    try:
        wo.from_config(config)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


WRONG = [
    *(None, True, "3e-4", "word", 'it\'s "x"', -1, 0, 1, 2.5, 0.3, 1e39, 1e-7, 3_000_000_000, [], {}, [1]),
    *([1, 2, 3], ["a"], "cosine", "polynomial", {"kind": "polynomial", "power": -1}, {"kind": "lineer"}),
    {"kind": "linear", "init_value": 1, "end_value": 0, "steps": 3},
    *({"version": 1, "kind": "constant", "value": 0.5}, {"version": 2, "kind": "constant"}, {"kind": 7}),
]


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _changed(config, path, change):
    """A copy of a config with ``change(owner, key)`` made at a place."""
    owner = root = {"": copy.deepcopy(config)}
    for key in (whole := ("", *path))[:-1]:
        owner = owner[key]
    change(owner, whole[-1])
    return root[""]


def mutated():
    """Two configs of each kind, with each of their values replaced, dropped or joined by another."""
    seen: dict[str, int] = {}
    for _, config in catalogue():
        kind = config["kind"]
        if len(json.dumps(config)) > 1500 or seen.get(kind, 0) == 2:
            continue
        seen[kind] = seen.get(kind, 0) + 1
        for path in _places(config):
            for value in WRONG:
                yield _changed(config, path, lambda owner, key, v=value: owner.__setitem__(key, v))
            if path:
                yield _changed(config, path, lambda owner, key: owner.__delitem__(key))
            yield _changed(config, path, lambda owner, key: _add(owner[key]))


def _add(value):
    if isinstance(value, dict):
        value["stepz"] = 1
    elif isinstance(value, list):
        value.append(1)
