"""The page of each library: what you have, what you write, what differs; and what you write runs."""

import re
from pathlib import Path

import jax
import pytest

import warmup_optax as wo
from warmup_optax import compat

FOLDER = Path(__file__).parents[2] / "docs" / "coming_from"


@pytest.mark.parametrize("library", compat.__all__)
def test_a_page_says_what_to_write(library):
    text = (FOLDER / f"{library}.md").read_text()
    have, write, differs = map(text.index, ("**You have**", "**You write**", "**What differs**"))
    assert have < write < differs
    (code,) = re.findall(r"```python\n(.*?)```", text[write:differs], re.DOTALL)
    names = {}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        exec(compile(code, f"{library}.md", "exec"), names)
    assert isinstance(names["schedule"], wo.Schedule)
    assert names["optimizer"].init({"w": jax.numpy.ones(3)}) is not None
    assert max(map(len, code.splitlines())) <= 76
