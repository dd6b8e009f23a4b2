"""The JavaScript reader of configs next to the library: values, phases, findings and errors.

apt-get install nodejs chromium && pip install playwright && pytest -m browser tests/editor
"""

import gzip
import json
import re

import numpy as np
import pytest
from support.editor import (
    EDITOR,
    ROOT,
    browser_page,
    catalogue,
    expressions,
    in_node,
    mutated,
    needs_chromium,
    needs_node,
    sentence,
    served,
)

import warmup_optax as wo
from warmup_optax._view.describe import table
from warmup_optax._view.phases import concrete, horizon

pytestmark = [pytest.mark.browser, needs_node]

# Eight ULP of float32 are up to 9.5e-7 of a value. Both are measured by the largest value of the schedule.
TOLERANCE = 1e-6


def questions_of_catalogue():
    """The counts of each case, and times between counts that float32 holds."""
    found = []
    for case, config in catalogue():
        counts = np.unique(case.counts)
        between = counts[(counts >= 0) & (counts < 2**20)][:256] + np.float32(0.5)
        found += [(case.schedule, config, counts), (case.schedule, config, between)]
    return found


def questions_at_random(seed, structures, each):
    found = []
    for expression, counts in expressions(seed, structures, each):
        schedule = expression.on(wo)
        found.append((schedule, wo.to_config(schedule), np.asarray(counts)))
    return found


def asked(found):
    return [{"config": config, "counts": counts.tolist()} for _, config, counts in found]


def largest_error(found, answers, capsys):
    """The largest difference from `sample`, relative to the largest value of its schedule."""
    worst, number = 0.0, 0
    for (schedule, config, counts), answer in zip(found, answers, strict=True):
        assert "error" not in answer, (config, answer)
        wanted = wo.sample(schedule, counts).astype(np.float64)
        largest = max(np.abs(wanted).max(), np.finfo(np.float32).tiny)
        errors = np.abs(np.array(answer["values"]) - wanted) / largest
        at = int(np.argmax(errors))
        # Where cycles end between two counts, the library's clock inside them is a real number of float32.
        within = 4 * TOLERANCE if re.search(r'"growth": \d+\.[1-9]', json.dumps(config)) else TOLERANCE
        assert errors[at] <= within, (config, counts[at], answer["values"][at], wanted[at])
        worst, number = max(worst, float(errors[at])), number + counts.size
    with capsys.disabled():
        print(f"\n{len(found)} schedules, {number} values: largest error {worst:.1e} of the largest value")
    return worst


def test_the_catalogue_in_node(capsys):
    """At boundaries, between them, between counts, past the end and at the last int32."""
    found = questions_of_catalogue()
    largest_error(found, in_node(asked(found)), capsys)


@pytest.mark.parametrize("seed", range(4))
def test_random_expressions_in_node(seed, capsys):
    """A thousand expressions of four seeds: shapes in combinators in combinators."""
    found = questions_at_random(seed, 50, 5)
    largest_error(found, in_node(asked(found)), capsys)


@needs_chromium
def test_the_values_in_chromium(capsys):
    found = [*questions_of_catalogue(), *questions_at_random(0, 50, 5)]
    with served(ROOT) as address, browser_page() as page:
        page.goto(f"{address}/tests/editor/answers.mjs")
        script = "(questions) => import('/tests/editor/answers.mjs').then((m) => questions.map(m.answer))"
        answers = page.evaluate(script, asked(found))
    largest_error(found, answers, capsys)


def test_units_that_no_float64_holds():
    """2^55 tokens, one short of a boundary: as float64 their number would be the boundary."""
    count, rate = 2**26 + 7, 2**29 + 1
    boundary = count * rate + 1
    assert float(count * rate) == float(boundary) == boundary
    config = {
        "version": 1,
        "kind": "in_steps",
        "schedule": {"kind": "join", "schedules": [1.0, 2.0], "boundaries": [boundary]},
        "boundaries": [],
        "starts": [0],
        "rates": [rate],
    }
    (answer,) = in_node([{"config": config, "counts": [count, count + 1]}])
    assert answer["values"] == [1, 2]
    assert wo.sample(wo.from_config(config), np.array([count, count + 1])).tolist() == [1, 2]


# ------------------------------------------------------------------ phases and findings


def views():
    every = [config for _, config in catalogue()]
    every += [wo.to_config(expression.on(wo)) for expression, _ in expressions(17, 60, 1)]
    found = []
    for config in every:
        schedule = concrete("test", wo.from_config(config))
        length = horizon(schedule)
        if length <= 2**31:  # the values after the last count of int32 are those at it
            short = max(1, min(length, 20_000))
            found.append((schedule, config, length, [short, max(short // 2, 1), short + short // 3 + 1]))
    return found


@pytest.fixture(scope="module")
def viewed():
    found = views()
    answers = in_node([{"config": config, "totals": totals} for _, config, _, totals in found])
    return list(zip(found, answers, strict=True))


def near(text, number, largest):
    """Return whether a number is the one of a cell: six digits, of float32 next to float64."""
    if text == "" or number is None:
        return text == "" and number is None
    return abs(number - float(text)) <= 1e-5 * abs(number) + TOLERANCE * largest


def test_phases_are_those_of_describe(viewed):
    for (schedule, config, length, _), answer in viewed:
        rows, rest = table(schedule)
        mine = answer["phases"]["rows"]
        wanted = [(row[0], row[1], row[2]) for row in rows]
        assert [(str(r["from"]), str(r.get("to", "")), r["shape"]) for r in mine] == wanted, config
        assert answer["phases"]["rest"] == rest, config
        largest = max(abs(float(cell)) for row in rows for cell in row[3:] if cell)
        for row, one in zip(rows, mine, strict=True):
            assert near(row[3], one["start"], largest), (config, row, one)
            assert near(row[4], one.get("end"), largest), (config, row, one)
        assert answer["horizon"] == length, config


def test_findings_are_those_of_check(viewed):
    kinds = set()
    for (schedule, config, _, totals), answer in viewed:
        for total, mine in zip(totals, answer["findings"], strict=True):
            wanted = wo.check(schedule, total)
            names = [(x["name"], x["severity"]) for x in mine]
            assert names == [(x.name, x.severity) for x in wanted], (config, total)
            for ours, theirs in zip(mine, wanted, strict=True):
                if ours["name"] == "zero_to_the_end" and ours["step"] != theirs.step:
                    # A product of powers leaves the numbers of float32 one power early.
                    assert np.abs(wo.sample(schedule, [ours["step"], theirs.step])).max() < 1e-37
                    continue
                assert ours["step"] == theirs.step, (config, total)
                assert_same_text(ours["message"], theirs.message)
            kinds |= {x.name for x in wanted}
    assert len(kinds) >= 9, kinds  # of fourteen; one needs a Python function, one a count past int32


NUMBER = re.compile(r"(?<![\w.])-?\d[\d.]*(?:e[-+]\d+)?")


def assert_same_text(mine, wanted):
    """One sentence; its four-digit numbers may differ in the last digit, being of float32 there."""
    assert NUMBER.sub("#", mine) == NUMBER.sub("#", wanted)
    ours, theirs = ([float(x.rstrip(".")) for x in NUMBER.findall(text)] for text in (mine, wanted))
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-37, err_msg=f"{mine}\n{wanted}")


def test_findings_past_the_clock():
    config = {"version": 1, "kind": "linear", "init_value": 0.1, "end_value": 0.0, "steps": 3 * 10**9}
    (answer,) = in_node([{"config": config, "totals": [4 * 10**9]}])
    wanted = [str(finding) for finding in wo.check(wo.from_config(config), 4 * 10**9)]
    mine = [f"step {x['step']}: {x['severity']}: {x['name']}: {x['message']}" for x in answer["findings"][0]]
    assert mine == wanted
    assert "beyond_the_clock" in wanted[0]


# ------------------------------------------------------------------ errors


def comparable(text):
    """JavaScript has one type of number: it writes 1 where Python writes 1.0."""
    # Python 3.12 says "a required keyword-only argument".
    return text and re.sub(r"(\d)\.0(?!\d)", r"\1", text).replace("required keyword-only", "required")


def test_errors_have_the_sentence_of_from_config():
    configs = list(mutated())
    answers = in_node([{"config": config} for config in configs])
    wrong = 0
    for config, answer in zip(configs, answers, strict=True):
        wanted = comparable(sentence(config))
        assert comparable(answer.get("error")) == wanted, config
        wrong += wanted is not None
    assert wrong > 5000


def test_deep_large_and_odd_configs():
    deep = {"kind": "constant", "value": 1.0}
    for _ in range(120):
        deep = {"kind": "scale", "schedule": deep, "factor": 1.0}
    large = {"version": 1, "kind": "piecewise_constant", "values": [0.0] * (2**18 + 1), "boundaries": []}
    odd = [None, 3, "linear", [], {"version": 1, "kind": "__proto__"}, {"version": 1, "kind": "toString"}]
    odd += [{"version": 1, "kind": "constant", "value": 1, "__proto__": 2}]
    configs = [{"version": 1, **deep}, large, *odd]
    for config, answer in zip(configs, in_node([{"config": config} for config in configs]), strict=True):
        assert comparable(answer["error"]) == comparable(sentence(config))


def test_a_size_that_a_page_can_afford():
    """At most 15 kB each as a server sends them."""
    for name in ("schedule.mjs", "view.mjs"):
        assert len(gzip.compress((EDITOR / name).read_bytes(), 9)) <= 15_000


def test_no_module_needs_another_package():
    for file in EDITOR.glob("*.mjs"):
        text = file.read_text()
        assert "import(" not in text
        for source in re.findall(r'^import .* from "(.*)";$', text, flags=re.M):
            assert source.startswith("./"), (file, source)
