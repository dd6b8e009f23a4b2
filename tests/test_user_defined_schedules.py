"""Law 11: nodes written as a user writes them, under the same laws as the library's own.

Each example is a class and what its values should be. One comes from a module on disk, and one from a cell of
a notebook, which is code without a file.
"""

import copy
import dataclasses
import functools
import importlib
import json
import pickle
import sys
import textwrap
import types
import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import warmup_optax as wo

try:
    from typing import override
except ImportError:  # Python 3.11
    from typing_extensions import override

COUNTS = np.array([0, 1, 2, 5, 9, 10, 11, 19, 20, 40, 1000], np.int32)


# --------------------------------------------------------------------- eight nodes and what they are
class Breathing(wo.Schedule):
    """A choice next to the numbers."""

    value: float
    period: float
    wave: str = wo.static(default="cos")

    def evaluate(self, time):
        wave = {"cos": jnp.cos, "sin": jnp.sin}[self.wave]
        return self.value * (1.5 + 0.5 * wave(2 * jnp.pi * time.ratio(self.period)))


class Halving(wo.Schedule):
    """A user-defined constructor, whose arguments are not the fields."""

    value: float
    rate: float

    def __init__(self, value, *, half_life=10.0):
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "rate", 1.0 / half_life)

    def evaluate(self, time):
        return self.value * 2.0 ** -(time.ratio(1.0) * self.rate)

    def __repr__(self):
        return f"halving({self.value!r}, half_life={1.0 / self.rate!r})"


class Checked(wo.Schedule):
    """A check of what it is given, which a number within a trace must not meet."""

    value: float
    floor: float = 0.01

    def __post_init__(self):
        if self.floor > self.value:
            raise ValueError(f"floor must be at most value, got {self.floor} and {self.value}")

    def evaluate(self, time):
        return jnp.maximum(self.value / (1.0 + time.ratio(10.0)), self.floor)


class Twice(wo.Schedule):
    """A number of steps, and `override`."""

    value: float
    steps: int = wo.steps()

    @override
    def evaluate(self, time):
        elapsed, remaining = time.progress(self.steps)
        return self.value * (remaining + 0.5 * elapsed)


class Mean(wo.Schedule):
    """A list of schedules."""

    parts: list

    def evaluate(self, time):
        return sum(part.evaluate(time) for part in self.parts) / len(self.parts)


class Weighted(wo.Schedule):
    """A dict of schedules, and a tuple of them."""

    parts: dict
    factors: tuple

    def evaluate(self, time):
        return sum(
            self.parts[k].evaluate(time) * f.evaluate(time) for k, f in zip("ab", self.factors, strict=True)
        )


class Damped(wo.Schedule):
    """A wrapper around any schedule."""

    schedule: wo.Schedule
    timescale: float

    def evaluate(self, time):
        return self.schedule.evaluate(time) * (1.0 - jnp.exp(-time.ratio(self.timescale)))


class Smoothstep(wo.FiniteSchedule):
    """A shape between two values: the weight of the first one, and the weight of the second."""

    def weights(self, p, q):
        return q * q * (3.0 - 2.0 * q), p * p * (3.0 - 2.0 * p)


class Rounded(wo.FiniteSchedule):
    """A shape with an additional number."""

    power: float = 2.0

    def weights(self, p, q):
        return q**self.power, 1.0 - q**self.power


MODULE = """
import warmup_optax as wo


class Zigzag(wo.Schedule):
    low: float
    high: float
    steps: int = wo.steps()

    def evaluate(self, time):
        whole, rest = time.cycle(self.steps)
        return self.low + (self.high - self.low) * rest.progress(self.steps)[0]
"""
CELL = MODULE.replace("Zigzag", "Sawtooth")

T = COUNTS.astype(float)
P, Q = np.minimum(T, 20) / 20, np.maximum(20 - T, 0) / 20
LINE = 1.0 - 0.9 * P


def halving(value, *, half_life=10.0):
    return Halving(value, half_life=half_life)


@functools.cache
def from_a_module(folder):
    (folder / "my_schedules.py").write_text(MODULE)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("my_schedules").Zigzag
    finally:
        sys.path.remove(str(folder))


@functools.cache
def from_a_cell():
    names = {"__name__": "__main__"}  # as IPython runs a cell; `__main__` itself does not get the name
    exec(compile(CELL, "<cell 1>", "exec"), names)
    return names["Sawtooth"]


@dataclasses.dataclass(frozen=True)
class Example:
    """A node, as it is made; its values at `COUNTS`; and one of its numbers, to be changed."""

    make: typing.Callable
    values: np.ndarray
    number: str = "value"
    importable: bool = True


EXAMPLES = {
    "choice": Example(lambda: Breathing(0.1, 40.0, wave="sin"), 0.1 * (1.5 + 0.5 * np.sin(np.pi * T / 20))),
    "constructor": Example(lambda: Halving(0.1, half_life=8.0), 0.1 * 2.0 ** -(T / 8)),
    "check": Example(lambda: Checked(0.1, floor=0.02), np.maximum(0.1 / (1 + T / 10), 0.02)),
    "steps": Example(lambda: Twice(0.1, 20), 0.1 * (1 - 0.5 * P)),
    "list": Example(
        lambda: Mean([wo.linear(1.0, 0.1, 20), wo.constant(0.5), wo.join([1.0, 0.25], [10])]),
        (LINE + 0.5 + np.where(T < 10, 1.0, 0.25)) / 3,
        "parts",
    ),
    "dict": Example(
        lambda: Weighted(
            {"a": wo.linear(1.0, 0.1, 20), "b": wo.warmup_cosine(1.0, warmup_steps=20, total_steps=40)},
            (wo.constant(0.5), wo.constant(2.0)),
        ),
        0.5 * LINE + 2.0 * np.where(T < 20, P, np.cos(np.pi / 2 * np.clip((T - 20) / 20, 0, 1)) ** 2),
        "factors",
    ),
    "wrapper": Example(
        lambda: Damped(wo.restart(wo.linear(1.0, 0.1, 20), period=20), 4.0),
        (1.0 - 0.9 * (T % 20) / 20) * -np.expm1(-T / 4),
        "timescale",
    ),
    "shape": Example(
        lambda: Smoothstep(1.0, 0.1, 20), 1.0 * Q * Q * (3 - 2 * Q) + 0.1 * P * P * (3 - 2 * P), "init_value"
    ),
    "shape with a number": Example(
        lambda: Rounded(1.0, 0.1, 20, power=3.0), Q**3 + 0.1 * (1 - Q**3), "init_value"
    ),
    "module": Example(lambda: from_a_module.node(0.1, 0.5, 20), 0.1 + 0.4 * (T % 20) / 20, "low"),
    "cell": Example(lambda: from_a_cell()(0.1, 0.5, 20), 0.1 + 0.4 * (T % 20) / 20, "low", importable=False),
}


@pytest.fixture(autouse=True, scope="module")
def module_on_disk(tmp_path_factory):
    from_a_module.node = from_a_module(tmp_path_factory.mktemp("modules"))
    yield
    sys.modules.pop("my_schedules", None)


@pytest.fixture(params=EXAMPLES)
def example(request):
    return EXAMPLES[request.param]


def assert_close(values, wanted, ulp=16):
    """16 ULP of the largest: what these curves' own arithmetic takes, as they are written."""
    np.testing.assert_allclose(
        np.asarray(values), wanted, rtol=0, atol=ulp * np.spacing(np.float32(np.abs(wanted).max()))
    )


# --------------------------------------------------------------------------------- laws 1 and 7
def test_values(example):
    """Law 1: eager, on the host, under `jit` as a constant and as data, mapped over counts: the values."""
    schedule = example.make()
    assert schedule(5).shape == ()
    assert schedule(5).dtype == jax.dtypes.canonicalize_dtype(float)
    assert not schedule(5).weak_type
    assert_close(schedule(COUNTS), example.values)
    assert_close(wo.sample(schedule, COUNTS), example.values)

    @jax.jit
    def constant_and_data(s, counts):
        return schedule(counts), jax.vmap(lambda s, c: s(c), (None, 0))(s, counts)

    for values in constant_and_data(schedule, COUNTS):
        assert_close(values, example.values)
    assert schedule(-3) == schedule(0)
    assert not hasattr(schedule, "init")


def test_numbers_are_leaves(example):
    """Law 7: each number is a leaf, has a finite derivative at each count, and a stack is one vmapped program."""
    schedule = example.make()
    leaves = jax.tree.leaves(schedule)
    assert all(isinstance(leaf, (int, float)) for leaf in leaves)

    def gradients(count):
        return jax.grad(lambda s: s(count), allow_int=True)(schedule)

    doubled = jax.tree.map(lambda x: x * 2 if isinstance(x, float) else x, schedule)
    stacked = wo.stack([schedule, doubled])
    found, rows = jax.jit(
        lambda counts, stacked: (jax.vmap(gradients)(counts), jax.vmap(lambda s: s(COUNTS))(stacked))
    )(COUNTS, stacked)
    assert type(found) is type(schedule)
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(found) if g.dtype != jax.dtypes.float0)
    assert_close(rows[0], example.values)
    assert_close(rows[1], doubled(COUNTS))
    first, second = wo.unstack(stacked)
    assert type(first) is type(second) is type(schedule)


def test_a_program_for_the_structure(example, compilations):
    """Law 7: other numbers do not compile anything."""
    schedule = example.make()
    schedule(COUNTS)
    before = compilations()
    # An exponent of 1 is a separate structure, which computes no power.
    jax.tree.map(lambda x: x * 1.5 if isinstance(x, float) and x != 1 else x, schedule)(COUNTS)
    assert compilations() == before or not example.importable


# --------------------------------------------------------------------------------------- law 8
def test_a_value(example):
    """Law 8: equality, hash, copies, the pytree."""
    schedule, again = example.make(), example.make()
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert copy.deepcopy(schedule) == schedule
    assert copy.copy(schedule) == schedule
    leaves, structure = jax.tree.flatten(schedule)
    assert jax.tree.unflatten(structure, leaves) == schedule
    assert structure == jax.tree.structure(again)
    changed = jax.tree.map(lambda x: x + 1, schedule)
    assert changed != schedule
    assert jax.tree.structure(changed) == structure
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        setattr(schedule, example.number, 1.0)


def test_text(example):
    """Law 8: `repr` is code."""
    schedule = example.make()
    kinds = [Breathing, Checked, Twice, Mean, Weighted, Damped, Smoothstep, Rounded]
    kinds += [from_a_module.node, from_a_cell()]
    names = {kind.__name__.lower(): kind for kind in kinds} | {kind.__name__: kind for kind in kinds}
    assert eval(repr(schedule), vars(wo) | names | {"halving": halving}) == schedule


def test_files(example):
    """Law 8: pickle and the config, where the class can be imported again; else one sentence that says so."""
    schedule = example.make()
    if example.importable:
        assert pickle.loads(pickle.dumps(schedule)) == schedule
        saved = json.loads(json.dumps(wo.to_config(schedule)))
        assert wo.from_config(saved) == schedule
        joined = wo.join([schedule, 0.1], [10])
        assert wo.from_config(json.loads(json.dumps(wo.to_config(joined)))) == joined
    else:
        with pytest.raises((TypeError, ValueError), match="Sawtooth"):
            wo.to_config(schedule)


def test_another_number(example):
    """Law 8: `dataclasses.replace`, by the constructor's own check."""
    if example.number in ("parts", "factors") or isinstance(example.make(), Halving):
        pytest.skip("no number, or no constructor that takes the fields")
    schedule = example.make()
    changed = dataclasses.replace(schedule, **{example.number: 0.25})
    assert getattr(changed, example.number) == 0.25
    assert changed != schedule


def test_a_user_defined_check_runs_for_every_new_node_and_for_no_trace():
    """Law 9: `__post_init__` raises errors; a pytree of other leaves does not call it."""
    with pytest.raises(ValueError, match="floor must be at most value"):
        Checked(0.1, floor=0.2)
    with pytest.raises(ValueError, match="floor must be at most value"):
        dataclasses.replace(Checked(0.1), floor=0.2)
    schedule = Checked(0.1, floor=0.02)
    assert jax.jit(lambda s: s(10))(schedule) == schedule(10)
    assert jax.tree.map(lambda _: None, schedule, is_leaf=lambda x: x is None) is not None


# ------------------------------------------------------------------- inside the library's own nodes
def test_inside_others(example):
    """Law 11: joined, warmed up, shifted, scaled, summed, restarted, in stairs: as any other schedule."""
    inner = example.make()
    counts = np.arange(60)
    alone = np.asarray(inner(counts), np.float64)
    at = {int(c): alone[c] for c in counts}
    several = {
        "join": (wo.join([inner, inner], [7]), [at[c] if c < 7 else at[c - 7] for c in counts]),
        "restart": (wo.restart(inner, period=7), [at[c % 7] for c in counts]),
        "staircase": (wo.staircase(inner, 3), [at[c // 3] for c in counts]),
        "shift": (wo.shift(inner, 4), [at[max(c - 4, 0)] for c in counts]),
        "product": (inner * 0.5 + inner, 1.5 * alone),
        "clip": (wo.clip(inner, 0.05, 0.3), np.clip(alone, 0.05, 0.3)),
        "with_warmup": (
            wo.with_warmup(inner, steps=5),
            [at[0] * c / 5 if c < 5 else at[c - 5] for c in counts],
        ),
    }
    values = jax.jit(lambda c: {name: schedule(c) for name, (schedule, _) in several.items()})(counts)
    for name, (schedule, wanted) in several.items():
        assert_close(values[name], np.array(wanted))
        assert schedule == copy.deepcopy(schedule), name
        assert isinstance(repr(schedule), str)
        hash(schedule)
    assert_close(several["restart"][0](counts), np.array(several["restart"][1]))


@pytest.mark.parametrize("shape", [Smoothstep, functools.partial(Rounded, power=3.0)])
def test_a_shape_of_ones_own_is_a_ramp(shape):
    """Law 11: the curve of a warmup, of a cooldown, of a recipe; and under `k_decay`."""
    up = shape(0.0, 1.0, 10)
    counts = np.arange(31)
    warm = wo.with_warmup(wo.constant(1.0), steps=10, shape=shape)
    assert_close(warm(counts), up(counts))
    cooled = wo.with_cooldown(wo.constant(1.0), begin=10, steps=10, shape=shape)
    assert_close(cooled(counts), np.where(counts < 10, 1.0, shape(1.0, 0.0, 10)(counts - 10)))
    stable = wo.warmup_stable_decay(1.0, warmup_steps=5, decay_steps=10, total_steps=30, decay_shape=shape)
    assert_close(stable(counts[20:]), shape(1.0, 0.0, 10)(counts[:11]))
    k_decay = getattr(wo, "k_decay", None) or wo.shapes.k_decay
    np.testing.assert_allclose(
        k_decay(shape(1.0, 0.1, 4), 1.0)(np.arange(5)), shape(1.0, 0.1, 4)(np.arange(5))
    )
    assert wo.from_config(wo.to_config(warm)) == warm


@pytest.mark.parametrize("kind", [Smoothstep, Rounded])
def test_a_shape_has_exact_ends_and_no_length(kind):
    """Laws 3, 8 and 9 hold for a shape by its base: the ends, 0 steps, and the errors."""
    schedule = kind(0.3, 0.1, 777)
    assert (np.float32(schedule(0)), np.float32(schedule(777))) == (np.float32(0.3), np.float32(0.1))
    assert np.float32(schedule(10**6)) == np.float32(0.1)
    assert np.float32(kind(0.3, 0.1, 0)(0)) == np.float32(0.1)
    assert kind(np.float64(0.3), 0.1, np.int64(777)) == schedule
    with pytest.raises((TypeError, ValueError), match="steps"):
        kind(0.3, 0.1, 2.5)
    with pytest.raises((TypeError, ValueError), match="init_value"):
        kind("0.3", 0.1, 10)


# --------------------------------------------------------------------------- errors
def test_the_bases_are_abstract():
    """Law 11: what has no curve cannot be made."""
    with pytest.raises(TypeError):
        wo.Schedule()
    with pytest.raises(TypeError):
        wo.FiniteSchedule(1.0, 0.0, 3)


def sentence(error):
    """The message, which is one sentence."""
    text = str(error.value)
    assert "\n" not in text.strip()
    return text


@pytest.mark.parametrize(("kind", "value"), [(str, "cos"), (bool, True)])
def test_a_choice_that_is_not_marked(kind, value):
    """Law 11: a word or a flag is no number, and the message says what it is instead."""

    def with_evaluate():
        names = {"wo": wo, "kind": kind}
        code = """
            class Mode(wo.Schedule):
                value: float
                mode: kind

                def evaluate(self, time):
                    return self.value
        """
        exec(textwrap.dedent(code), names)
        return names["Mode"](0.1, value)

    with pytest.raises(TypeError) as error:
        with_evaluate()
    assert "mode" in sentence(error)
    assert "wo.static()" in sentence(error)


@pytest.mark.parametrize("name", ["evaluate", "lower", "kind"])
def test_a_field_named_as_a_method(name):
    """Law 11: a field would hide the method, so the class raises an error that names the field."""
    names = {"__annotations__": {"value": float, name: float}, "__module__": __name__}
    if name != "evaluate":
        names["evaluate"] = lambda self, time: self.value

    def define_and_make():
        types.new_class("Hidden", (wo.Schedule,), {}, lambda ns: ns.update(names))(0.1, 0.2)

    with pytest.raises(TypeError) as error:
        define_and_make()
    assert name in sentence(error)


class Ends(typing.NamedTuple):
    low: float
    high: float


class Between(wo.Schedule):
    """A field that is a named tuple."""

    ends: Ends

    def evaluate(self, time):
        return jnp.where(time.reached(3), self.ends.low, self.ends.high)


def test_a_named_tuple_stays_one():
    schedule = Between(Ends(0.1, 0.2))
    assert schedule.ends == Ends(0.1, 0.2)
    assert isinstance(schedule.ends, Ends)
    np.testing.assert_allclose(schedule([0, 3]), [0.2, 0.1], rtol=2.0**-23)  # as float32 has them
