"""Schedules that are written once and built on two sides.

An `Expression` is a call that has not been made: `e.cosine(0.1, 0.0, 1000)`. It is made `on` a
module: on `warmup_optax` it gives the schedule under test, on `reference` the float64 equation.
Because its numbers lie open, the tests can also trace them, round them, and change them one by one.
"""

import contextlib
import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import warmup_optax as wo
from support import reference

SIZE = 4096  # every case is evaluated on one vector of this length: one program per case and mode
NEVER = 2**31 - 1  # the last count that an int32 can hold
OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "neg")}


@dataclasses.dataclass(frozen=True, eq=False)
class Expression:
    """A constructor's name and its arguments, which may be expressions themselves."""

    name: str
    args: tuple = ()
    kwargs: dict = dataclasses.field(default_factory=dict)

    def on(self, module):
        function = {"partial": functools.partial, **OPERATORS}.get(self.name)
        function = function or find(module, self.name)
        args = [_build(branch, module) for branch in self.args]
        kwargs = {key: _build(branch, module) for key, branch in self.kwargs.items()}
        return function(*args, **kwargs)

    def __add__(self, other):
        return Expression("add", (self, other))

    def __radd__(self, other):
        return Expression("add", (other, self))

    def __sub__(self, other):
        return Expression("sub", (self, other))

    def __rsub__(self, other):
        return Expression("sub", (other, self))

    def __mul__(self, other):
        return Expression("mul", (self, other))

    def __rmul__(self, other):
        return Expression("mul", (other, self))

    def __truediv__(self, other):
        return Expression("truediv", (self, other))

    def __neg__(self):
        return Expression("neg", (self,))


@dataclasses.dataclass(frozen=True)
class Name:
    """A constructor: called it gives an expression, passed as it is it is the shape of a ramp."""

    name: str

    def __call__(self, *args, **kwargs):
        return Expression(self.name, args, kwargs)


@dataclasses.dataclass(frozen=True)
class Foreign:
    """A user's own function of the count, and the same in float64."""

    function: Callable
    equation: Callable


class Names:
    def __getattr__(self, name):
        return Name(name)


def find(module, name):
    """The object with a name. The rarer shapes are in `shapes` only, and one clock is in `nodes`."""
    if name == "in_steps" and module is wo:
        return functools.partial(wo.nodes.InSteps, boundaries=())
    return getattr(module, name) if hasattr(module, name) else getattr(module.shapes, name)


def names_of_reprs():
    """The names that `repr` writes, for `eval`."""
    rare = getattr(wo, "shapes", None)
    return {**(vars(rare) if rare else {}), **vars(wo), "functools": functools, "wo": wo}


def _build(tree, module):
    match tree:
        case Expression():
            return tree.on(module)
        case Name():
            return find(module, tree.name)
        case Foreign():
            return tree.equation if module is reference else tree.function
        case list() | tuple():
            return [_build(branch, module) for branch in tree]
    return tree


def map_numbers(function: Callable, tree: Any) -> Any:
    """The expression with every number replaced by `function(number)`, in the order written."""
    match tree:
        case Expression(name, args, kwargs):
            args = tuple(map_numbers(function, branch) for branch in args)
            return Expression(name, args, {k: map_numbers(function, v) for k, v in kwargs.items()})
        case list() | tuple():
            return [map_numbers(function, branch) for branch in tree]
        case bool():
            return tree
        case int() | float():
            return function(tree)
    return tree


def numbers(expression):
    """Every number in the expression, in the order written."""
    found = []
    map_numbers(found.append, expression)
    return found


def with_numbers(expression, values):
    """The expression with other numbers, in the order of `numbers`."""
    rest = iter(values)
    return map_numbers(lambda _: next(rest), expression)


def mentions(tree, kind):
    """Return whether any part of the expression is a `kind`."""
    match tree:
        case Expression(_, args, kwargs):
            return any(mentions(branch, kind) for branch in (*args, *kwargs.values()))
        case list() | tuple():
            return any(mentions(branch, kind) for branch in tree)
    return isinstance(tree, kind)


def rounded(expression):
    """The expression with the numbers that a program receives as float32 data."""
    return map_numbers(lambda n: float(np.float32(n)) if isinstance(n, float) else n, expression)


def _other_numbers(number):
    """Numbers near this one, to try in its place."""
    if isinstance(number, int):  # beyond int32 it would be a float
        return [n for n in (number + 1, number - 1, number + 2) if n <= NEVER or number > NEVER]
    return (number * 0.9375, number * 1.0625) if number else (2.0**-10,)


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One schedule, and the facts about it that the laws need.

    Attributes:
      name: the id of its tests.
      expression: the schedule.
      ends: the user's own numbers, at the counts where the value must be that number exactly.
      marks: other counts whose neighborhood matters (boundaries).
      ulp: tolerance in ULP of float32. 8 is the promise; an exponent or power multiplies it, and
        factors of a product add up.
      halvings_from: for an exponential, the count where it starts: one more ULP is allowed for
        each halving since, the rounding of one float32 `exp`.
      monotone: ranges of counts, both ends included, and the direction (+1, -1) in each.
      cycles: for a restart whose cycles end between two counts: where the first one begins, its length and
        the growth. There law 4 is in ULP of the cycle's peak, which is its first value.
    """

    name: str
    expression: Expression
    ends: dict[int, float]
    marks: tuple[int, ...] = ()
    ulp: float = 8
    halvings_from: int | None = None
    monotone: tuple[tuple[int, int, int], ...] = ()
    cycles: tuple[int, int, float] | None = None

    @functools.cached_property
    def schedule(self):
        return self.expression.on(wo)

    def make(self):
        """A new schedule, equal to `schedule`."""
        return self.expression.on(wo)

    def reference(self, counts):
        return self.expression.on(reference)(counts)

    @functools.cached_property
    def variants(self):
        """The expression with one number changed, for each of (at most about 24 of) its numbers."""
        every = numbers(self.expression)
        return [self._change(every, i) for i in range(0, len(every), 1 + len(every) // 24)]

    def _change(self, every, i):
        for other in _other_numbers(every[i]):
            variant = with_numbers(self.expression, [*every[:i], other, *every[i + 1 :]])
            with contextlib.suppress(ValueError):  # say a boundary that meets the next one
                variant.on(wo)
                return variant
        raise AssertionError(f"{self.name}: no number near {every[i]!r} (number {i}) is accepted")

    @property
    def serialisable(self):
        return not mentions(self.expression, Foreign)

    @functools.cached_property
    def counts(self):
        """The start of the run, both sides of every boundary, far counts; sorted, SIZE of them."""
        important = [0, *self.ends, *self.marks, *(c for r in self.monotone for c in r[:2])]
        near = np.add.outer(important, np.arange(-8, 9)).ravel()
        last = max(max(important), 1)
        along = np.geomspace(1, last, 200).astype(int)
        before_the_end = last - along
        far = [-(2**31), -1000, -1, 2**24 - 1, 2**24, 2**24 + 1, 2**30, NEVER - 1, NEVER]
        start = np.arange(min(3000, last + 50))
        counts = np.unique(np.concatenate([start, near, along, before_the_end, far]))
        counts = counts[(counts >= -(2**31)) & (counts <= NEVER)]
        return np.pad(counts, (0, SIZE - len(counts)), mode="edge").astype(np.int32)

    def tolerance(self, counts, expected):
        """In ULP of float32, for each count."""
        allowed = np.full(counts.shape, float(self.ulp))
        allowed[counts > 2**24] *= 10 / 8  # there the count itself is rounded
        if self.halvings_from is not None:
            start = np.abs(self.reference(np.array([self.halvings_from])))
            tiny = np.finfo(np.float32).tiny
            allowed += np.abs(np.log2(np.maximum(np.abs(expected), tiny) / start))
        if self.cycles is not None:
            begin, period, growth = self.cycles
            bounds = begin + np.array(reference.restart_bounds(period, growth)[0], float)
            cycle = np.searchsorted(bounds, counts, "right") - 1
            peaks = np.abs(self.reference(np.nextafter(bounds[np.maximum(cycle, 0)], np.inf)))
            size = np.maximum(np.abs(expected), np.finfo(np.float32).tiny).astype(np.float32)
            in_ulp = np.spacing(np.maximum(peaks.astype(np.float32), size)) / np.spacing(size)
            allowed *= np.where(cycle < 0, 1, in_ulp)
        return allowed

    def critical_counts(self):
        """Where gradients break: around 0, W and T, and at the far end of float32 and int32."""
        important = {0, *self.ends, *self.marks}
        near = {c + k for c in important for k in (-1, 0, 1)} | {-1, 0, 1, 2**24, NEVER}
        return np.array(sorted(c for c in near if c <= NEVER), np.int32)


e = Names()
