"""The docstrings of recipes, shapes and combinators: related functions, and the rate of the last update.

Off-by-one errors are most visible at the last update, at count ``steps - 1``. So each docstring states its value.
"""

import inspect
import math
import re
from pathlib import Path

import pytest

import warmup_optax as wo

DOCS = Path(__file__).parent.parent / "docs"
SOURCES = ("_recipes", "_shapes.", "_combinators.", "_core.as_schedule")
STACKS = ("stack", "unstack")  # a stack has no value at a count


def functions():
    """The public functions of the modules that define recipes, shapes and combinators, by name."""
    for name in {*wo.__all__, *wo.shapes.__all__}:
        value = getattr(wo, name, None) or getattr(wo.shapes, name)
        home = getattr(inspect.unwrap(value), "__globals__", {}).get("__name__", "")
        if inspect.isfunction(value) and home.startswith(tuple(f"warmup_optax.{part}" for part in SOURCES)):
            yield name, value


FUNCTIONS = dict(sorted(functions()))


def test_the_functions_are_found():
    assert set(wo.shapes.__all__) | {"warmup_cosine", "one_cycle", "join", "clip", "stretch"} <= set(
        FUNCTIONS
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_names_related_functions_and_a_page(name):
    """Each name and each page in its "See also" exists."""
    (see,) = re.findall(r"See also\s(.*?)\.(?:\n\n|$)", inspect.getdoc(FUNCTIONS[name]), flags=re.S)
    pages = re.findall(r":doc:`/([\w/]+)`", see)
    assert pages
    assert all((DOCS / f"{page}.md").is_file() for page in pages)
    related = re.findall(r"(?<!:)`([\w.]+)`", see)
    assert related
    for other in related:
        home = wo if other.partition(".")[0] in wo.__all__ else wo.shapes
        for part in other.split("."):
            home = getattr(home, part)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in STACKS])
def test_a_docstring_states_the_last_update(name):
    assert re.search(r"last\s(\S+\s)?update", inspect.getdoc(FUNCTIONS[name]))


N = 1000
FALL = (1.0, 0.0, N)  # from 1 to 0: the rate is the distance to the end
RUN = {"warmup_steps": 100, "total_steps": 100 + N}
RAMP = wo.linear(1.0, 0.0, N)
COSINE = math.sin(math.pi / (2 * N)) ** 2
STATED = {
    "constant": lambda: (wo.constant(0.3)(N - 1), 0.3),
    "as_schedule": lambda: (wo.as_schedule(lambda count: count.astype(float))(N - 1), N - 1),
    "linear": lambda: (wo.linear(*FALL)(N - 1), 1 / N),
    "cosine": lambda: (wo.cosine(*FALL)(N - 1), 2.5e-6),
    "polynomial": lambda: (wo.polynomial(*FALL, power=2)(N - 1), N**-2),
    "one_minus_sqrt": lambda: (wo.one_minus_sqrt(*FALL)(N - 1), 1 / (2 * N)),
    "geometric": lambda: (wo.geometric(1.0, 1e-6, 4)(3), 1e-6 / 1e-6 ** (1 / 4)),
    "tanh": lambda: (wo.shapes.tanh(*FALL)(N - 1), 0.0025),
    "finite_exponential": lambda: (
        wo.shapes.finite_exponential(*FALL, ratio=0.1)(N - 1),
        0.1 * math.log(10) / 0.9 / N,
    ),
    "logarithmic": lambda: (wo.shapes.logarithmic(*FALL)(N - 1), 1 / (N * math.log(N))),
    "rex": lambda: (wo.shapes.rex(*FALL)(N - 1), 2 / N),
    "half_life": lambda: (
        math.log(0.5) / math.log(wo.shapes.half_life(0.9, 0.9999, 4)(3)),
        (math.log(0.5) / math.log(0.9) + 3 * math.log(0.5) / math.log(0.9999)) / 4,
    ),
    "k_decay": lambda: (wo.shapes.k_decay(RAMP, 3)(N - 1), 3 / N),
    "exponential": lambda: (
        wo.exponential(1.0, decay_rate=0.5, transition_steps=10)(99),
        0.5 ** (99 / 10),
    ),
    "inverse_sqrt": lambda: (wo.inverse_sqrt(1.0, timescale=1)(N - 1), N**-0.5),
    "inverse_time": lambda: (wo.inverse_time(1.0, decay_rate=1.0, transition_steps=1)(9), 1 / 10),
    "power_law": lambda: (wo.shapes.power_law(1.0, power=-0.7)(9), 10**-0.7),
    "exponential_approach": lambda: (
        wo.shapes.exponential_approach(1.0, 0.0, timescale=2)(9),
        math.exp(-9 / 2),
    ),
    "radam": lambda: (wo.shapes.radam(0.3, b2=0.99)(2000 - 1), 0.3),
    "debiased_decay": lambda: (1 - wo.shapes.debiased_decay(0.9)(N - 1), 0.1),
    "piecewise_constant": lambda: (wo.piecewise_constant([1.0, 0.5], [N])(N - 1), 1.0),
    "piecewise_linear": lambda: (wo.piecewise_linear([1.0, 0.0], [0, N])(N - 1), 1 / N),
    "piecewise_cosine": lambda: (wo.shapes.piecewise_cosine([1.0, 0.0], [0, N])(N - 1), COSINE),
    "cosine_wave": lambda: (1 - wo.shapes.cosine_wave(*FALL)(2 * N - 1), COSINE),
    "triangle_wave": lambda: (wo.shapes.triangle_wave(*FALL)(N - 1), 1 / N),
    "join": lambda: (wo.join([RAMP, 1.0], [N])(N - 1), 1 / N),
    "with_warmup": lambda: (1 - wo.with_warmup(1.0, steps=N)(N - 1), 1 / N),
    "with_cooldown": lambda: (wo.with_cooldown(1.0, begin=10, steps=N)(10 + N - 1), 1 / N),
    "restart": lambda: (wo.restart(RAMP, period=N)(N - 1), 1 / N),
    "shift": lambda: (wo.shift(RAMP, 7)(7 + N - 1), 1 / N),
    "staircase": lambda: (wo.staircase(RAMP, 5)(5 * N - 1), 1 / N),
    "stretch": lambda: (wo.stretch(RAMP, 5)(5 * N - 1), 1 / (5 * N)),
    "clip": lambda: (wo.clip(RAMP, 0.25)(N - 1), 0.25),
    "minimum": lambda: (wo.minimum(RAMP, 0.25)(N - 1), 1 / N),
    "maximum": lambda: (wo.maximum(RAMP, 0.25)(N - 1), 0.25),
    "warmup_constant": lambda: (wo.warmup_constant(0.3, warmup_steps=100)(N - 1), 0.3),
    "warmup_linear": lambda: (wo.warmup_linear(1.0, **RUN)(99 + N), 1 / N),
    "warmup_cosine": lambda: (wo.warmup_cosine(1.0, **RUN)(99 + N), COSINE),
    "warmup_polynomial": lambda: (wo.warmup_polynomial(1.0, power=2, **RUN)(99 + N), N**-2),
    "warmup_exponential": lambda: (
        wo.warmup_exponential(1.0, warmup_steps=4, decay_rate=0.5, transition_steps=10)(103),
        0.5 ** (99 / 10),
    ),
    "warmup_inverse_sqrt": lambda: (wo.warmup_inverse_sqrt(1.0, warmup_steps=4)(99), (4 / 99) ** 0.5),
    "warmup_piecewise_constant": lambda: (
        wo.warmup_piecewise_constant([1.0, 0.5], [N], warmup_steps=4)(N - 1),
        1.0,
    ),
    "warmup_stable_decay": lambda: (
        wo.warmup_stable_decay(1.0, warmup_steps=4, decay_steps=N, total_steps=2 * N)(2 * N - 1),
        1 / (2 * N),
    ),
    "warmup_cosine_restarts": lambda: (
        wo.warmup_cosine_restarts(1.0, warmup_steps=4, cycle_steps=N)(4 + N - 1),
        COSINE,
    ),
    "one_cycle": lambda: (
        wo.one_cycle(1.0, total_steps=N, shape=wo.linear)(N - 1),
        1 / 25e4 + (1 - 1 / 25e4) / 700,
    ),
}


def test_each_statement_is_checked():
    assert set(STATED) == set(FUNCTIONS) - set(STACKS)


@pytest.mark.parametrize("name", STATED)
def test_the_last_update_is_as_stated(name):
    """To the two digits of a docstring. One count earlier or later differs by far more, or has another phase."""
    found, stated = STATED[name]()
    assert float(found) == pytest.approx(stated, rel=0.02)
