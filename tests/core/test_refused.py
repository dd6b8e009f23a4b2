"""Law 9: bad input raises an error in the call that receives it, and the error names it; good input does not.

A message has the function's name, the user's own name of the argument, what came, and, where there
is one, the fix. A wrong type is a `TypeError`, a wrong value a `ValueError`.
"""

import math
import operator
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

NAN, INF = math.nan, math.inf
ARRAY = np.array([0.1, 0.2])
EITHER = (TypeError, ValueError)  # an array or 2.5 is a wrong type as much as a wrong value
LINE, COSINE = wo.linear(0.1, 0.0, 100), wo.cosine(0.1, 0.0, 100)

GOOD = {  # a good call of every function; the rows below put something else in
    "clip": {"schedule": LINE, "min_value": 0.02, "max_value": 0.05},
    "constant": {"value": 0.1},
    "cosine": {"init_value": 0.1, "end_value": 0.0, "steps": 9},
    "exponential": {"init_value": 0.1, "decay_rate": 0.9, "transition_steps": 10},
    "geometric": {"init_value": 0.1, "end_value": 0.01, "steps": 9},
    "inverse_sqrt": {"init_value": 0.1, "timescale": 10},
    "inverse_time": {"init_value": 0.1, "decay_rate": 0.5, "transition_steps": 10},
    "join": {"schedules": [LINE, COSINE, LINE], "boundaries": [10, 20]},
    "linear": {"init_value": 0.1, "end_value": 0.0, "steps": 9},
    "one_cycle": {"peak_value": 0.1, "total_steps": 100},
    "one_minus_sqrt": {"init_value": 0.1, "end_value": 0.0, "steps": 9},
    "piecewise_constant": {"values": [0.3, 0.2, 0.1], "boundaries": [10, 20]},
    "piecewise_linear": {"values": [0.3, 0.2], "boundaries": [10, 20]},
    "polynomial": {"init_value": 0.1, "end_value": 0.0, "steps": 9, "power": 2},
    "restart": {"schedule": COSINE, "period": 100},
    "stretch": {"schedule": LINE, "factor": 0.5},
    "shift": {"schedule": LINE, "steps": 5},
    "stack": {"schedules": [LINE, LINE]},
    "warmup_constant": {"peak_value": 0.1, "warmup_steps": 10},
    "warmup_cosine": {"peak_value": 0.1, "warmup_steps": 10, "total_steps": 100},
    "warmup_cosine_restarts": {"peak_value": 0.1, "warmup_steps": 10, "cycle_steps": 9},
    "warmup_exponential": {
        "peak_value": 0.1, "warmup_steps": 10, "decay_rate": 0.9, "transition_steps": 10
    },
    "warmup_inverse_sqrt": {"peak_value": 0.1, "warmup_steps": 10},
    "warmup_linear": {"peak_value": 0.1, "warmup_steps": 10, "total_steps": 100},
    "warmup_piecewise_constant": {"values": [0.1, 0.2], "boundaries": [20], "warmup_steps": 10},
    "warmup_polynomial": {
        "peak_value": 0.1, "power": 2, "warmup_steps": 10, "total_steps": 100
    },
    "warmup_stable_decay": {
        "peak_value": 0.1, "warmup_steps": 10, "decay_steps": 20, "total_steps": 100
    },
    "with_cooldown": {"schedule": LINE, "begin": 10, "steps": 9},
    "with_warmup": {"schedule": LINE, "steps": 9},
}  # fmt: skip

NO_NUMBER = ["0.1", None, True, np.bool_(True), 1j, lambda count: 0.1]
NO_FINITE_NUMBER = [NAN, np.float32(INF), jnp.float32(-INF)]
NO_SCALAR = [ARRAY, jnp.asarray(ARRAY)]

# Numbers next to the bound of one argument are in `test_limits.py`.
# function, the arguments that are wrong, the error; then words of the message beyond the names and
# the values of those arguments, which it always has
MISUSE = [
    # no numbers: for values and for steps, of shapes and of recipes
    *[
        (name, {argument: bad}, error)
        for name, argument in [
            ("linear", "init_value"),
            ("cosine", "steps"),
            ("warmup_cosine", "peak_value"),
            ("warmup_cosine", "warmup_steps"),
            ("warmup_stable_decay", "decay_steps"),
        ]
        for error, wrong in [
            (TypeError, NO_NUMBER),
            (ValueError, NO_FINITE_NUMBER),
            (EITHER, NO_SCALAR),
        ]
        for bad in wrong
    ],
    # no steps
    *[
        (name, {argument: bad}, EITHER, "whole")
        for name, argument in [
            ("geometric", "steps"),
            ("warmup_linear", "total_steps"),
            ("warmup_cosine", "hold_steps"),
            ("with_warmup", "steps"),
            ("with_cooldown", "begin"),
            ("one_cycle", "total_steps"),
        ]
        for bad in [-1, 2.5]
    ],
    # shapes
    ("linear", {"end_value": NAN}, ValueError),
    ("cosine", {"exponent": NAN}, ValueError),
    ("polynomial", {"power": "2"}, TypeError),
    ("polynomial", {"origin": "start"}, ValueError, "'end'", "'init'"),
    ("polynomial", {"origin": None}, EITHER, "'end'", "'init'"),
    ("one_minus_sqrt", {"end_value": None}, TypeError),
    ("geometric", {"end_value": 0.0}, ValueError, "> 0"),
    ("geometric", {"init_value": -0.1}, ValueError, "> 0"),
    ("constant", {"value": "0.1"}, TypeError, "quotes"),
    ("constant", {"value": -INF}, ValueError),
    ("constant", {"value": LINE}, TypeError),
    ("exponential", {"decay_rate": 0}, ValueError, "> 0"),
    ("exponential", {"decay_rate": -0.5}, ValueError, "> 0"),
    ("exponential", {"end_value": "0"}, TypeError),
    ("exponential", {"staircase": "yes"}, TypeError),
    ("inverse_time", {"decay_rate": -1.0}, ValueError),
    ("piecewise_constant", {"values": [0.1, 0.2]}, ValueError, "boundaries", "one fewer"),
    ("piecewise_constant", {"boundaries": [20, 10]}, ValueError, "greater", "20"),
    ("piecewise_constant", {"boundaries": [10, 10]}, ValueError, "greater", "10"),
    ("piecewise_constant", {"boundaries": [-1, 10]}, ValueError, "-1"),
    ("piecewise_constant", {"boundaries": [2.5, 10]}, EITHER, "whole", "2.5"),
    ("piecewise_constant", {"boundaries": 5}, TypeError),
    ("piecewise_constant", {"values": [0.1, NAN, 0.2]}, ValueError, "nan"),
    ("piecewise_constant", {"values": 0.1}, TypeError),
    ("piecewise_linear", {"values": [0.1, 0.2, 0.3]}, ValueError, "boundaries", "one for each of values"),
    ("piecewise_linear", {"boundaries": [20, 10]}, ValueError, "greater", "20"),
    ("piecewise_linear", {"values": []}, ValueError, "at least one"),
    # combinators
    ("join", {"boundaries": []}, ValueError, "schedules", "one fewer"),
    ("join", {"boundaries": [10]}, ValueError, "schedules", "one fewer"),
    ("join", {"schedules": []}, ValueError),
    ("join", {"boundaries": [30, 20]}, ValueError, "greater", "30", "20"),
    ("join", {"boundaries": [30, 30]}, ValueError, "greater", "30"),
    ("join", {"boundaries": [-3, 10]}, ValueError, "-3"),
    ("join", {"boundaries": [10, NAN]}, ValueError, "nan"),
    ("join", {"boundaries": [10, "20"]}, TypeError, "'20'"),
    ("join", {"boundaries": [10, True]}, TypeError, "True"),
    ("join", {"boundaries": 30}, TypeError),
    ("join", {"schedules": LINE}, TypeError),
    ("join", {"schedules": [LINE, None, LINE]}, TypeError, "None"),
    ("join", {"schedules": [LINE, "cosine", LINE]}, TypeError, "'cosine'"),
    ("join", {"offsets": [0]}, ValueError, "3"),
    ("join", {"offsets": [0, 0.5, 1]}, EITHER, "whole", "0.5"),
    ("with_warmup", {"schedule": None}, TypeError),
    ("with_warmup", {"schedule": "cosine"}, TypeError),
    ("with_warmup", {"init_value": NAN}, ValueError),
    ("with_warmup", {"shape": "linear"}, TypeError),
    ("with_warmup", {"shape": LINE}, TypeError),
    ("with_warmup", {"overlap": "yes"}, TypeError),
    ("with_cooldown", {"steps": -5}, ValueError),
    ("with_cooldown", {"end_value": None}, TypeError),
    ("shift", {"steps": 1.5}, EITHER, "whole"),
    ("shift", {"steps": None}, TypeError),
    ("shift", {"steps": LINE}, TypeError),
    ("restart", {"period": 2.5}, EITHER, "whole"),
    ("restart", {"growth": 0.5}, ValueError, ">= 1"),
    ("restart", {"growth": INF}, ValueError),
    ("stretch", {"factor": None}, TypeError),
    ("stretch", {"factor": NAN}, ValueError),
    ("stretch", {"factor": "2"}, ValueError),
    ("clip", {"min_value": 0.2, "max_value": 0.1}, ValueError, "swap"),
    ("clip", {"min_value": NAN}, ValueError),
    ("clip", {"max_value": "1"}, TypeError),
    ("stack", {"schedules": []}, ValueError),
    ("stack", {"schedules": LINE}, TypeError),
    ("stack", {"schedules": [LINE, 0.1]}, EITHER, "0.1"),
    ("stack", {"schedules": [LINE, COSINE]}, EITHER, "linear", "cosine"),
    ("stack", {"schedules": [LINE, wo.one_minus_sqrt(1.0, 0.0, 10)]}, EITHER, "linear", "one_minus_sqrt"),
    (
        "stack",
        {"schedules": [wo.piecewise_constant([1], []), wo.piecewise_constant([1, 2], [3])]},
        EITHER,
    ),
    # recipes
    ("warmup_cosine", {"warmup_steps": 101}, ValueError, "total_steps", "100"),
    ("warmup_cosine", {"init_value": "0"}, TypeError),
    ("warmup_cosine", {"end_value": NAN}, ValueError),
    ("warmup_cosine", {"peak_value": LINE}, TypeError),
    ("warmup_constant", {"warmup_steps": -1}, ValueError),
    ("warmup_linear", {"warmup_steps": 101}, ValueError, "total_steps", "100"),
    ("warmup_polynomial", {"warmup_steps": 101}, ValueError, "total_steps", "100"),
    ("warmup_exponential", {"decay_rate": 0}, ValueError),
    ("warmup_exponential", {"transition_steps": 0}, ValueError),
    ("warmup_piecewise_constant", {"values": [0.1]}, ValueError, "boundaries", "one fewer"),
    ("warmup_piecewise_constant", {"warmup_steps": -5}, ValueError),
    ("warmup_inverse_sqrt", {"warmup_steps": 0}, ValueError, "timescale"),
    ("warmup_stable_decay", {"decay_steps": -1}, ValueError),
    ("warmup_stable_decay", {"decay_shape": "linear"}, TypeError),
    ("warmup_cosine_restarts", {"cycle_steps": 0}, ValueError),
    ("warmup_cosine_restarts", {"growth": 0.9}, ValueError, ">= 1"),
    ("warmup_cosine_restarts", {"decay": NAN}, ValueError),
    ("one_cycle", {"div_factor": 0.0}, ValueError),
    ("one_cycle", {"div_factor": -25.0}, ValueError),
    ("one_cycle", {"final_div_factor": 0}, ValueError),
    ("one_cycle", {"shape": "cosine"}, TypeError),
]


def shown(value):
    """The part of a value that the message must contain, whatever its brackets and types."""
    if callable(value):
        return "lambda" if not isinstance(value, wo.Schedule) else repr(value).partition("(")[0]
    if isinstance(value, list):
        return ""  # its row names the part that is wrong
    if isinstance(value, np.ndarray | jax.Array):
        return repr(np.asarray(value).ravel()[-1].item())[:3]
    return repr(value.item() if isinstance(value, np.generic) else value)


@pytest.mark.parametrize("row", MISUSE, ids=[f"{row[0]}-{next(iter(row[1]))}" for row in MISUSE])
def test_errors_say_what_to_change(row):
    """Law 9: the type of the error, and every word that its message owes the user."""
    function, wrong, error, *words = row
    with pytest.raises(error) as caught:
        getattr(wo, function)(**GOOD[function] | wrong)
    words += [function, *wrong, *map(shown, wrong.values())]
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize(
    ("function", "lengths", "words"),
    [
        ("warmup_cosine", {"warmup_steps": 60, "hold_steps": 50}, "warmup_steps + hold_steps = 110"),
        ("warmup_stable_decay", {"warmup_steps": 81}, "warmup_steps + decay_steps = 101"),
    ],
)
def test_lengths_that_do_not_fit_are_added_up(function, lengths, words):
    with pytest.raises(
        ValueError, match=f"{function}: total_steps must be at least {re.escape(words)}, got 100"
    ):
        getattr(wo, function)(**GOOD[function] | lengths)


def test_the_good_calls_are_good():
    """Law 9: no row of the table above raises an error because of an argument that all rows share."""
    for function, arguments in GOOD.items():
        assert isinstance(getattr(wo, function)(**arguments), wo.Schedule)


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: wo.minimum(LINE, None), TypeError, "None"),
        (lambda: wo.minimum(), EITHER, "minimum"),
        (lambda: wo.as_schedule("0.1"), TypeError, "'0.1'"),
        (lambda: wo.as_schedule(None), TypeError, "None"),
        (lambda: wo.as_schedule(NAN), ValueError, "nan"),
        (lambda: LINE * "2", TypeError, "'2'"),
        (lambda: LINE + None, TypeError, "None"),
        (lambda: LINE * NAN, ValueError, "nan"),
        (lambda: LINE / 0, (ValueError, ZeroDivisionError), "0"),
        (lambda: operator.lt(LINE, 0.1), TypeError, "<"),
        (lambda: LINE("5"), TypeError, "'5'"),
        (lambda: LINE(None), TypeError, "None"),
        (lambda: LINE(1j), TypeError, "1j"),
    ],
)
def test_operators_and_counts(call, error, word):
    """Law 9 where no argument has a name."""
    with pytest.raises(error) as caught:
        call()
    assert word in str(caught.value)


ACCEPTED = [
    (wo.linear(0.1, 0.0, 100.0), wo.linear(0.1, 0.0, 100), "integral float"),
    (wo.linear(0.1, 0.0, np.float32(100)), wo.linear(0.1, 0.0, 100), "integral NumPy float"),
    (wo.linear(0.1, 0.0, np.int8(100)), wo.linear(0.1, 0.0, 100), "NumPy integer"),
    (wo.linear(0.1, 0.0, np.array(100)), wo.linear(0.1, 0.0, 100), "0-d NumPy array"),
    (wo.linear(0.1, 0.0, jnp.int32(100)), wo.linear(0.1, 0.0, 100), "0-d JAX array"),
    (wo.linear(np.float64(0.1), 0, 9), wo.linear(0.1, 0.0, 9), "NumPy value, integer value"),
    (wo.linear(jnp.float32(0.5), jnp.int32(0), 9), wo.linear(0.5, 0.0, 9), "JAX values"),
    (wo.join((LINE, LINE), np.array([5])), wo.join([LINE, LINE], [5]), "array of boundaries"),
    (wo.join([LINE, LINE], range(5, 6)), wo.join([LINE, LINE], [5]), "range of boundaries"),
    (wo.piecewise_constant(ARRAY, [5]), wo.piecewise_constant([0.1, 0.2], [5]), "array of values"),
    (wo.shift(LINE, -5.0), wo.shift(LINE, -5), "negative shift"),
    (wo.as_schedule(LINE), LINE, "a schedule as it is"),
    (wo.as_schedule(0.1), wo.constant(0.1), "a number"),
]


@pytest.mark.parametrize(("given", "same", "_what"), ACCEPTED, ids=[row[2] for row in ACCEPTED])
def test_accepted(given, same, _what):
    """Law 9: whole numbers in any clothes are steps, and real ones are values."""
    assert given == same
    assert hash(given) == hash(same)
    assert repr(given) == repr(same)


@pytest.mark.parametrize("steps", [2**31, 3_000_000_000, 10**12, 1e12, 2**61, 1e30])
def test_horizons_beyond_int32_are_accepted(steps):
    """Law 9: a run may be longer than int32 counts; the value is right as far as they go."""
    counts = np.array([0, 2**30, 2**31 - 1])
    wanted = 0.1 * (1 - counts / steps)
    for way in (lambda s: s(counts), jax.jit(lambda s: s(counts))):
        values = way(wo.linear(0.1, 0.0, steps))
        np.testing.assert_allclose(values, wanted, rtol=10 * 2.0**-23, atol=0.1 * 2.0**-24)


def test_no_warmup_is_accepted():
    """Law 9: 0 warmup steps begin at the peak, however they are written."""
    for steps in (0, 0.0, np.int32(0), jnp.int32(0)):
        assert float(wo.warmup_cosine(0.1, warmup_steps=steps, total_steps=100)(0)) == np.float32(0.1)


def test_traced_numbers_are_never_looked_at():
    """Law 9: a number that would raise an error is accepted as a tracer, and the program is finite."""

    @jax.jit
    def build(value, steps):
        return (
            wo.warmup_cosine(value, warmup_steps=steps, total_steps=10)(5),
            wo.geometric(value, -value, steps)(5),
            wo.restart(LINE, period=steps, growth=value)(5),
            wo.join([LINE, LINE, LINE], [steps, steps])(5),
            wo.clip(LINE, value, 0.0)(5),
        )

    values = build(0.5, 50)  # longer than the run, negative, growth < 1, repeated, crossed
    assert all(value.shape == () for value in values)


ONE_SENTENCE = {
    "a clip of nothing": (
        lambda: wo.clip(wo.constant(1.0)),
        "clip: min_value must be a number where max_value is None, got None; pass min_value, max_value or both",
    ),
    "a shape that makes a number": (
        lambda: wo.with_warmup(wo.constant(1.0), steps=4, shape=lambda a, b, n: 0.5),
        "shape must be a function that makes a schedule",
    ),
    "a growth that needs too many cycles": (
        lambda: wo.restart(wo.linear(1.0, 0.0, 4), period=1, growth=1.0001),
        "restart: growth must be 1, or large enough for 262144 cycles, got 1.0001; pass 1",
    ),
    "a traced bool": (
        lambda: jax.jit(lambda x: wo.constant(x)(0))(True),
        "value must be a finite number, got .*; a bool is not a number here",
    ),
    "a number that float32 does not hold": (
        lambda: wo.constant(1e39),
        r"value must be a finite number, got 1e\+39; float32 holds numbers up to 3.4e38",
    ),
    "a number that no float holds": (lambda: wo.constant(10**400), "value must be a finite number, got inf"),
    "a matrix of boundaries": (
        lambda: wo.piecewise_constant([1.0, 2.0, 3.0], np.ones((2, 2))),  # pyright: ignore[reportArgumentType]
        "boundaries must be a sequence of whole numbers of steps",
    ),
    "counts of two lengths": (
        lambda: wo.constant(1.0)([[1], [1, 2]]),
        "a schedule's count must be a whole or real number, got ",
    ),
    "a list of counts with one that no float holds": (
        lambda: wo.constant(1.0)([10**400, 0.5]),
        "a schedule's count must be a whole or real number, got ",
    ),
    "a complex count": (
        lambda: jax.jit(wo.constant(1.0))(1j),
        "a schedule's count must be a whole or real number, got dtype complex",
    ),
    "a function that gives a vector": (
        lambda: wo.as_schedule(lambda count: jnp.ones(3))(0),
        r"a schedule must give one number for one count, got shape \(3,\) from .*; return a scalar",
    ),
    "a knot past every count": (
        lambda: wo.shapes.piecewise_cosine([1.0, 0.0], [0.0, 2.0**61]),
        r"piecewise_cosine: boundaries\[1\] must be within 2\^61 of 0",
    ),
}


@pytest.mark.parametrize("name", ONE_SENTENCE)
def test_a_bad_argument_gets_one_sentence(name):
    make, message = ONE_SENTENCE[name]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wo.shapes.logarithmic(0.0, 0.1, 2.5), "logarithmic: steps must be"),
        (lambda: wo.shapes.logarithmic(math.nan, 0.1, 2), "logarithmic: init_value must be"),
        (
            lambda: wo.shapes.rex(0.1, 0.0, 10, curvature=1.0),
            r"rex: curvature must be a finite number < 1, got 1\.0",
        ),
        (lambda: wo.shapes.rex(0.1, 0.0, -1), "rex: steps must be"),
        (
            lambda: wo.shapes.half_life(1.0, 0.9, 10),
            r"half_life: init_value must be a finite number >= 0 and < 1, got 1\.0",
        ),
        (
            lambda: wo.shapes.half_life(0.9, -0.1, 10),
            r"half_life: end_value must be a finite number >= 0 and < 1",
        ),
        (
            lambda: wo.shapes.debiased_decay(1.5),
            r"debiased_decay: decay must be a finite number >= 0 and < 1, got 1\.5",
        ),
        (lambda: wo.shapes.debiased_decay("0.9"), "debiased_decay: decay must be"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
