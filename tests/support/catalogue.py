"""`CASES`: one list that holds at least one schedule of every constructor."""

from support.cases_new_shapes import NEW_SHAPES
from support.cases_nodes import ARITHMETIC, COMBINATORS, SHAPES
from support.cases_powers import ARCS, POWERS
from support.cases_recipes import PEAK, RECIPES
from support.cases_waves import CLOCKS, FACTORS, WAVES
from support.expressions import Case, e

CASES = [*SHAPES, *POWERS, *ARCS, *NEW_SHAPES, *WAVES, *FACTORS, *COMBINATORS, *CLOCKS, *ARITHMETIC, *RECIPES]
LONG = [
    Case("cosine-100k", e.cosine(0.1, 0.0, 100_000), {0: 0.1, 100_000: 0.0}),
    Case(
        "warmup_linear-100k",
        e.warmup_linear(PEAK, warmup_steps=2000, total_steps=100_000),
        {0: 0.0, 2000: PEAK, 100_000: 0.0},
    ),
]

_first = {}
for _case in CASES:
    _first.setdefault(_case.expression.name, _case)
ONE_OF_EACH = list(_first.values())  # the first case of every constructor and every operator
