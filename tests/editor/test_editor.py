"""The schedule editor as its user has it: one file in a browser, without a server.

PICTURES=folder leaves screenshots there, to look at.
"""

import contextlib
import importlib.util
import json
import os
import re
from pathlib import Path

import pytest
from support.editor import EDITOR, SECONDS, browser_page, needs_chromium

import warmup_optax as wo

pytestmark = [pytest.mark.browser, needs_chromium]
DESKTOP, TELEPHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}


def built():
    """The page as the build of the site writes it."""
    spec = importlib.util.spec_from_file_location("editor", EDITOR.parent / "_ext" / "editor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.single_file()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("editor") / "editor.html"
    path.write_text(built())
    return path.as_uri()


@contextlib.contextmanager
def opened(file, viewport=DESKTOP, scheme="light", fragment="", **options):
    """The page; in the end it must have been silent, and have asked nobody for anything."""
    with browser_page(viewport=viewport, color_scheme=scheme, **options) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        said, requests = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file + fragment)
        page.locator("#curve path.rate").wait_for()
        page.locator("#targets button").first.wait_for()
        yield page
        assert said == []
        assert {url.partition("#")[0] for url in requests} == {file}


def expected(page):
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * SECONDS)
    return expect


def config_of(page):
    """The config that the page shows."""
    page.locator("[data-target=JSON]").click()
    page.locator("#code", has_text='"version"').wait_for()  # the code follows the click
    return json.loads(page.locator("#code").text_content())


def handle(page, label):
    return page.locator(f'#curve [role=slider][aria-label^="{label}"]')


def center(locator):
    box = locator.locator(".spot").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, locator, dx, dy):
    x, y = center(locator)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=8)
    page.mouse.up()


def paste(page, text):
    if page.locator("#paste").is_hidden():
        page.get_by_role("button", name="Paste code or config").click()
    page.locator("#pasted").fill(text)
    page.get_by_role("button", name="Draw it").click()


def picture(page, name):
    if "PICTURES" in os.environ:
        page.screenshot(path=Path(os.environ["PICTURES"]) / f"{name}.png", full_page=True)


def test_a_wsd_schedule_by_dragging_and_its_pytorch_code(file):
    """The first things that a user does: choose, drag, copy. The copied code has the numbers of the curve."""
    with opened(file) as page:
        page.get_by_label("Recipe").select_option("warmup_stable_decay")
        before = page.locator("#curve path.rate").get_attribute("d")
        drag(page, handle(page, "Peak"), 40, 60)
        drag(page, handle(page, "Start of the decay"), -60, 0)
        expected(page)(page.locator("#curve path.rate")).not_to_have_attribute("d", before)
        config = config_of(page)
        assert 100 < config["warmup_steps"] < 250
        assert 1e-4 < config["peak_value"] < 3e-4
        assert 200 < config["decay_steps"] < 400
        wo.from_config(config)
        page.get_by_role("button", name="PyTorch").click()
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("button", name="Copied").wait_for()
        code = page.evaluate("navigator.clipboard.readText()")
        assert f"if step < {config['warmup_steps']}:" in code
        assert f"if step < {1000 - config['decay_steps']}:" in code
        assert "LambdaLR" in code
        compile(code, "<copied>", "exec")
        rows = page.locator("#phases tbody tr").all_inner_texts()
        assert [row.split("\t")[0] for row in rows] == [
            "0",
            str(config["warmup_steps"]),
            str(1000 - config["decay_steps"]),
            "1000",
        ]
        picture(page, "wsd")


def test_every_handle_of_every_recipe_moves(file):
    with opened(file) as page:
        for kind in page.locator("#recipe option").evaluate_all("all => all.map(option => option.value)"):
            page.get_by_label("Recipe").select_option(kind)
            handles = page.locator("#curve [role=slider]")
            assert handles.count() >= 1, kind
            for i in range(handles.count()):
                before = config_of(page)
                handles.nth(i).focus()
                label = handles.nth(i).get_attribute("aria-label")
                for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowUp"):
                    page.keyboard.press(key)
                after = config_of(page)
                wo.from_config(after)
                moves = "up and down" not in label  # left and right again: it has come back
                assert moves or after != before, (kind, label)
                paste(page, json.dumps(before))  # so that the next handle is where it was


def test_numbers_are_typed_and_a_wrong_one_shows_an_error(file):
    with opened(file) as page:
        expect = expected(page)
        box = page.get_by_label("peak value")
        box.fill("1e-3")
        box.press("Enter")
        expect(page.locator("#code")).to_contain_text("peak_value=1e-3")
        before = page.locator("#curve path.rate").get_attribute("d")
        box = page.get_by_label("warmup steps")
        box.fill("1200")
        box.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(
            "total_steps must be at least warmup_steps + hold_steps = 1200, got 1000"
        )
        assert page.locator("#curve path.rate").get_attribute("d") == before
        box.fill("200")
        box.press("Enter")
        expect(page.get_by_role("alert")).to_be_hidden()
        assert config_of(page)["warmup_steps"] == 200


PASTED = {
    '{"version": 1, "kind": "linear", "init_value": 0.1, "end_value": 0, "steps": 50}': "linear",
    "model: big\nschedule:\n  version: 1\n  kind: warmup_cosine\n  peak_value: 3e-4\n  warmup_steps: 10\n"
    "  total_steps: 90": "warmup_cosine",
    "import warmup_optax as wo\nschedule = wo.one_cycle(0.1, total_steps=100)": "one_cycle",
    "wo.with_cooldown(wo.constant(0.1) * 0.5 + 1e-3, begin=10, steps=5,\n  shape=wo.linear)": "with_cooldown",
    "optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)\n"
    "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)": "cosine_wave",
    "get_cosine_schedule_with_warmup(optimizer, 10, 100)": "join",
    "keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)": "exponential",
}


def test_code_and_configs_are_pasted(file):
    with opened(file) as page:
        for text, kind in PASTED.items():
            paste(page, text)
            expected(page)(page.get_by_role("alert")).to_be_hidden()
            assert config_of(page)["kind"] == kind, text


HOSTILE = [
    "__import__('os').system('true')",
    "(lambda: 1)()",
    "constructor.constructor('alert(1)')()",
    "__proto__(1)",
    "wo.constant(alert(1))",
    "wo.constant(constructor)",
    "<script>document.title = 'hit'</script>",
    '{"version": 1, "kind": "<img src=x onerror=\\"document.title=\'hit\'\\">"}',
    '{"__proto__": {"kind": "constant"}, "version": 1, "constructor": 1}',
    "kind: !!js/function 'function() { document.title = 1 }'",
    "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
    "c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
    "d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\n"
    "f: &f [*e, *e, *e, *e, *e, *e, *e, *e]\ng: [*f, *f, *f, *f, *f, *f, *f, *f]\nkind: join\nversion: 1",
    "(" * 5000 + "1" + ")" * 5000,
    "[" * 100_000,
    "wo.constant(1e999)",
    "wo.constant(0.1" + ")" * 9,
    '{"version": 1, "kind": "restart", "period": 1, "growth": 1.0000001, "schedule": 1}',
    "wo.linear(1, 0, 3).evaluate",
]


def test_hostile_text_is_data(file):
    """Each is an error that is shown as text; nothing runs, nothing hangs, and the curve stays."""
    with opened(file) as page:
        title, before = page.title(), page.locator("#curve path.rate").get_attribute("d")
        for text in HOSTILE:
            paste(page, text)
            expected(page)(page.get_by_role("alert")).to_be_visible()
            assert page.get_by_role("alert").inner_text().strip(), text
            assert page.title() == title
            assert page.locator("img, script[src], iframe").count() == 0
            assert page.locator("#curve path.rate").get_attribute("d") == before, text
            page.evaluate("document.querySelector('#error').hidden = true")


def test_a_hostile_address_shows_an_error(file):
    for fragment in ("#x", "#" + "A" * 60_000, "#eyJjb25maWciOnsia2luZCI6Il9fcHJvdG9fXyJ9fQ", "#bnVsbA"):
        with opened(file, fragment=fragment) as page:
            expected(page)(page.get_by_role("alert")).to_be_visible()
            assert page.locator("#recipe").input_value() == "warmup_cosine"


def test_the_policy_forbids_requests_and_injected_scripts(file):
    """The Content-Security-Policy of the page itself, tried out."""
    with browser_page() as page:
        requests = []
        page.on("requestfinished", lambda request: requests.append(request.url))
        page.goto(file)
        page.locator("#curve path.rate").wait_for()
        fetched = "() => fetch('https://example.org').then(() => 'sent', (error) => String(error))"
        assert "Failed to fetch" in page.evaluate(fetched)
        assert all(url.startswith("file:") for url in requests)
        injected = """() => {
            const script = document.createElement('script');
            script.text = 'window.hit = 1';
            document.body.append(script);
        }"""
        with contextlib.suppress(Exception):  # trusted types raise an error
            page.evaluate(injected)
        assert page.evaluate("window.hit === undefined")
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_undo_redo_and_the_link(file):
    with opened(file) as page:
        first = config_of(page)
        drag(page, handle(page, "End"), -100, -80)
        second = config_of(page)
        assert second != first
        page.keyboard.press("Control+z")
        assert config_of(page) == first
        page.get_by_role("button", name="Redo").click()
        assert config_of(page) == second
        page.get_by_label("Logarithmic axis").check()
        page.get_by_label("Unit").select_option("epochs")
        page.get_by_role("button", name="Copy link").click()
        page.get_by_role("button", name="Copied").wait_for()
        link, curve = (
            page.evaluate("navigator.clipboard.readText()"),
            page.locator("#curve path.rate").get_attribute("d"),
        )
    assert link.startswith(file + "#")
    with opened(file, fragment="#" + link.partition("#")[2]) as page:
        assert page.locator("#curve path.rate").get_attribute("d") == curve
        assert page.get_by_label("Unit").input_value() == "epochs"
        assert config_of(page) == second


def test_a_redraw_during_a_click(file):
    """The button that was pressed is still there when it is released."""
    with opened(file) as page:
        box = page.locator("[data-target=JSON]").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.get_by_label("Unit").evaluate("unit => unit.dispatchEvent(new Event('change'))")
        page.mouse.up()
        page.locator("#code", has_text='"version"').wait_for()


def test_a_click_before_the_event_of_a_written_link(file):
    """The link that the page writes is of an earlier state, to which it must not return."""
    with opened(file) as page:
        page.evaluate(
            """() => {
                const later = setTimeout;
                globalThis.setTimeout = (write, time) => later(() => {
                    globalThis.setTimeout = later;
                    write();
                    document.querySelector("[data-target=JSON]").click();
                }, time);
            }"""
        )
        page.get_by_label("Unit").select_option("epochs")
        page.locator("[data-target=JSON][aria-pressed=true]").wait_for()
        page.wait_for_timeout(300)  # an earlier state would have returned by then
        assert page.locator("[data-target=JSON]").get_attribute("aria-pressed") == "true"


def test_with_the_keyboard_alone(file):
    """Tab to a recipe, to a handle, to a target and to the button that copies."""
    with opened(file) as page:

        def tab_to(selector):
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate("s => document.activeElement.matches(s)", selector):
                    return
            raise AssertionError(f"{selector} is not reached")

        tab_to("#recipe")
        page.keyboard.type("warmup_linear")
        expected(page)(page.locator("#code")).to_contain_text("warmup_linear")
        tab_to("[role=slider][aria-label^=Peak]")
        before = config_of(page)
        handle(page, "Peak").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Shift+ArrowRight")
        expected(page)(page.locator("#said")).to_contain_text("Peak")
        after = config_of(page)
        assert after["peak_value"] > before["peak_value"]
        assert after["warmup_steps"] >= before["warmup_steps"] + 10
        tab_to("#copy")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Copied").wait_for()
        assert json.loads(page.evaluate("navigator.clipboard.readText()")) == after


def test_what_a_screen_reader_reads(file):
    """Every control has a name, and a handle its value in words."""
    with opened(file) as page:
        nameless = """() => [...document.querySelectorAll('button, input, select, textarea, [role=slider]')]
            .filter(x => !(x.labels?.length || x.textContent.trim() || x.getAttribute('aria-label')))
            .map(x => x.id)"""
        assert page.evaluate(nameless) == []
        peak = handle(page, "Peak")
        assert peak.get_attribute("aria-valuetext") == "3e-4 at 100 steps"
        assert peak.get_attribute("aria-valuenow") == "100"
        assert page.get_by_role("heading").count() >= 4


def test_units_and_a_second_curve(file):
    with opened(file) as page:
        expect = expected(page)
        page.get_by_role("button", name="Keep for comparison").click()
        drag(page, handle(page, "Peak"), 60, 40)
        assert page.locator("#curve path.other").count() == 1
        page.get_by_label("Unit").select_option("tokens")
        page.get_by_label("Batch size").fill("512")
        page.get_by_label("Batch size").press("Enter")
        page.get_by_label("Tokens per example").fill("2048")
        page.get_by_label("Tokens per example").press("Enter")
        # 1000 steps of 512 examples of 2048 tokens
        expect(page.locator("#phases tbody tr").last.locator("td").first).to_have_text("1.049B")
        steps = page.get_by_label("total steps (tokens)")
        steps.fill("2097152000")
        steps.press("Enter")
        assert config_of(page)["total_steps"] == 2000
        picture(page, "compared")
        page.get_by_role("button", name="Remove").click()
        assert page.locator("#curve path.other").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, TELEPHONE], ids=["desktop", "telephone"])
def test_it_fits_the_screen(file, viewport, scheme):
    with opened(file, viewport, scheme, has_touch=viewport is TELEPHONE) as page:
        paste(page, next(text for text, kind in PASTED.items() if kind == "with_cooldown"))
        page.get_by_role("button", name="PyTorch").click()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 384) == (scheme == "dark")
        picture(page, f"{'telephone' if viewport is TELEPHONE else 'desktop'}-{scheme}")


def test_a_finding_and_what_it_means(file):
    with opened(file) as page:
        page.get_by_label("Run").fill("1500")
        page.get_by_label("Run").press("Enter")
        found = page.locator("#findings li.warning").first
        expected(page)(found).to_contain_text("the rate is 0 from step 1000 to the end of the run")
        found.locator("summary").click()
        expected(page)(found.locator("details")).to_contain_text("change no weight")


def test_a_target_that_cannot_express_it_says_so(file):
    with opened(file) as page:
        paste(page, "wo.restart(wo.shapes.radam(0.1, b2=0.9), period=40)")
        page.get_by_role("button", name="PyTorch (table)").click()
        expected(page)(page.locator("#about")).to_contain_text("PyTorch cannot express radam")
        expected(page)(page.locator("#code")).to_contain_text("RATES = [")


def test_a_redraw_of_a_thousand_points(file):
    """Not a test of speed (see the benchmarks): it draws that many points, and in less than a second."""
    with opened(file) as page:
        points = page.locator("#curve path.rate").get_attribute("d").count("L")
        assert points >= 999
        assert page.evaluate("timeOfRedraw(3)") < 1000
