"""Configs for tests: those of the past, deep ones, and malformed ones by the hundred."""

import json
from pathlib import Path

from hypothesis import strategies as st

GOLDEN = sorted((Path(__file__).parents[1] / "golden_config").glob("*.json"))
RULES = sorted((Path(__file__).parents[1] / "golden_config" / "rules").glob("*.json"))
HALF = {"kind": "cosine", "init_value": 0.1, "end_value": 0.0, "steps": 100}


def nested(depth):
    config = HALF
    for _ in range(depth):
        config = {"kind": "scale", "schedule": config, "factor": 1.0}
    return {"version": 1, **config}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["linear", "cosine", "join", "kind", "3e-4", 10**400, -(2**31), 1e308]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["kind", "steps", "version"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@st.composite
def malformed(draw):
    """A config of the past with one thing in it replaced, taken out or put in."""
    config = json.loads(draw(st.sampled_from(GOLDEN)).read_text())
    place = config
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    change = draw(st.sampled_from(["replace", "drop", "add"]))
    if change == "drop":
        del place[key]
    elif change == "add" and isinstance(place, dict):
        place[draw(st.text(max_size=8))] = draw(ANYTHING)
    else:
        place[key] = draw(ANYTHING)
    return config
