"""Argument checks, and the one error that a bad argument raises.

A check takes the name of a function, the name of its argument and the value. It returns the value in the one
form that the library keeps: a Python ``float`` for a number, a Python ``int`` for a count of steps, a tuple
for a sequence. Traced numbers pass through: nothing about them is known yet.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NoReturn, SupportsFloat, TypeGuard, TypeVar, cast

import jax
import numpy as np
from jax.core import Tracer

from .scalars import (
    INT32_MAX,
    LARGEST,
    ExactSteps,
    Numeric,
    Wide,
    default_float,
    default_int,
    exact,
    integer,
    is_integral,
    real,
)

F = TypeVar("F", bound=Callable[..., object])  # a function or a class, whose signature a checker keeps
T = TypeVar("T")

FLOAT32_MAX = float(np.finfo(np.float32).max)
FLOAT32_MIN = float(np.finfo(np.float32).tiny)  # the smallest normal number


def _in_words(text: str, names: Mapping[str, str], pattern: str = "{}") -> str:
    """A text of an error: ``${steps}`` in it is what the caller calls the core's ``steps``."""
    # Not by `str.format` or `string.Template`: a value in the text may contain braces or a dollar sign.
    return re.sub(r"\$\{(\w+)\}", lambda found: pattern.format(names.get(found[1], found[1])), text)


class _BadArgument(Exception):
    """The base of `ArgumentError` and `ArgumentTypeError`. Their texts write other arguments as ``${steps}``."""

    def __init__(self, function: str, argument: str, value: object, allowed: str, fix: str = "") -> None:
        super().__init__(function, argument, value, allowed, fix)
        self.function: str = function
        self.argument: str = argument
        self.value: object = value
        self._allowed, self._fix = allowed, fix

    @property
    def allowed(self) -> str:
        """The allowed values, in words that follow "must be"."""
        return _in_words(self._allowed, {})

    @property
    def fix(self) -> str:
        """The advice at the end of the message, or ""."""
        return _in_words(self._fix, {})

    def __str__(self) -> str:
        shown = shortened(self.value)
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.function}: {self.argument} must be {self.allowed}, got {shown}{fix}"

    def renamed(self, function: str, names: Mapping[str, str]) -> _BadArgument:
        """This error in the words of the function that called."""
        name, bracket, index = self.argument.partition("[")
        allowed, fix = (_in_words(text, names, "${{{}}}") for text in (self._allowed, self._fix))
        return type(self)(function, names.get(name, name) + bracket + index, self.value, allowed, fix)


class ArgumentError(_BadArgument, ValueError):
    """An argument that has the wrong value.

    Attributes:
      function: The function that was called, as its caller writes it.
      argument: Its argument; an element of a sequence is ``boundaries[1]``.
      value: What was given.
      allowed: What is allowed.
      fix: What to write instead, or "".
    """


class ArgumentTypeError(_BadArgument, TypeError):
    """An argument of the wrong type: a word or a bool where a number belongs, say.

    Its attributes are those of `ArgumentError`.
    """


@contextlib.contextmanager
def renamed(function: str, **names: str) -> Iterator[None]:
    """Lets the argument errors raised inside name ``function``, and its arguments instead of the inner ones."""
    try:
        yield
    except _BadArgument as error:
        raise error.renamed(function, names) from None


def shortened(value: object) -> str:
    """The `repr` of a value, cut where it is long."""
    shown = " ".join(repr(value).split()) if not isinstance(value, str) else repr(value)
    return shown if len(shown) <= 200 else shown[:197] + "..."


def is_traced(value: object) -> TypeGuard[jax.Array]:
    """Return whether ``value`` is a tracer: a number that has no value yet."""
    return isinstance(value.high if isinstance(value, Wide) else value, Tracer)


def raise_bad_argument(
    where: str, name: str, value: object, allowed: str, fix: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raises the one sentence that every bad argument gets."""
    kind = ArgumentTypeError if issubclass(error, TypeError) else ArgumentError
    raise kind(where, name, value, allowed, fix) from None


def as_python(leaf: T) -> T | float:
    """A concrete scalar as a Python number, a float32 as its shortest decimal; anything else unchanged."""
    dtype = None if type(leaf) in (int, float) or isinstance(leaf, Tracer) else getattr(leaf, "dtype", None)
    if dtype is None or dtype == jax.dtypes.float0 or np.shape(cast(np.generic, leaf)):
        return leaf  # float0: the gradient of a whole number
    array = np.asarray(leaf)
    if array.dtype.kind in "iub":
        return array.item()
    array = array.astype(np.float32) if array.dtype.itemsize < 4 else array
    return float(str(array[()]))


def _scalar(where: str, name: str, value: object, allowed: str) -> Numeric:
    """One concrete number as a Python ``int`` or ``float``; a tracer as itself."""
    if type(value) is int or type(value) is float:
        return value
    if isinstance(value, (bool, np.bool_)):
        raise_bad_argument(where, name, value, allowed, "a bool is not a number here", error=TypeError)
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        if value.ndim:
            fix = "build one schedule per number and stack() them, or map over the numbers with jax.vmap"
            raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
        if value.dtype == bool:
            raise_bad_argument(where, name, value, allowed, "a bool is not a number here", error=TypeError)
        if is_traced(value):
            return value
        return _scalar(where, name, as_python(value), allowed)
    if callable(value):
        fix = "a schedule goes where a schedule is asked for, a number here"
        raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
    if isinstance(value, (str, bytes, complex)) or value is None:
        fix = text_fix(value) if isinstance(value, (str, bytes)) else ""
        raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
    try:
        index = getattr(value, "__index__", None)
        return float(cast(SupportsFloat, value)) if index is None else index()
    except (TypeError, ValueError, OverflowError):
        raise_bad_argument(where, name, value, allowed, error=TypeError)


def text_fix(text: str | bytes) -> str:
    """Return the advice for a number in a string, or "" for words. YAML 1.1 (PyYAML) reads 3e-4 as a string."""
    shown = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    # PyYAML reads exponent notation only with a dot and a sign: https://github.com/yaml/pyyaml/issues/173
    found = re.fullmatch(r"\s*([-+]?\d+(?:\.\d*)?)[eE]([-+]?)(\d+)\s*", shown)
    if found:
        digits, sign, exponent = found.groups()
        written = f"{digits if '.' in digits else digits + '.0'}e{sign or '+'}{exponent}"
        return (
            f"YAML 1.1 reads {shown.strip()} as text: write {written}, or read the file with load; outside of "
            "YAML write the number without quotes"
        )
    is_number = re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", shown)
    return "write the number without quotes" if is_number else ""


def number(
    where: str,
    name: str,
    value: object,
    *,
    above: float | None = None,
    below: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    nonzero: bool = False,
    fix: str = "",
) -> Numeric:
    """A finite number as a Python ``float``, or a tracer of the default float dtype."""
    allowed = "a finite number"
    bounds = {">": above, ">=": at_least, "<": below, "<=": at_most}
    shown = [f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None]
    allowed = " ".join([allowed, " and ".join(shown)]) if shown else allowed
    allowed += " other than 0" if nonzero else ""
    value = real(value) if isinstance(value, ExactSteps) else value
    value = _scalar(where, name, value, allowed)
    if is_traced(value):
        return real(value)  # so that it mixes with the others
    try:
        as_float = float(value)
    except OverflowError:
        as_float = math.inf
    if not math.isfinite(as_float) or abs(as_float) > FLOAT32_MAX:
        too_large = "float32 holds numbers up to 3.4e38" if as_float == as_float else ""
        raise_bad_argument(where, name, as_float, allowed, too_large)
    # XLA treats a subnormal number as 0: https://github.com/jax-ml/jax/issues/16200
    if (nonzero or above == 0) and 0 < abs(as_float) < FLOAT32_MIN:
        raise_bad_argument(where, name, value, allowed, "float32 holds numbers down to 1.2e-38")
    if (
        (above is not None and not as_float > above)
        or (at_least is not None and not as_float >= at_least)
        or (below is not None and not as_float < below)
        or (at_most is not None and not as_float <= at_most)
        or (nonzero and as_float == 0)
    ):
        raise_bad_argument(where, name, value, allowed, fix)
    return as_float


def steps(where: str, name: str, value: object, *, at_least: int | None = 0, fix: str = "") -> Numeric:
    """A whole number of steps as a Python ``int``, a whole ``float`` past int32, or a tracer."""
    allowed = "a whole number of steps" + ("" if at_least is None else f" >= {at_least}")
    value = exact(value)  # inside the evaluate of a user-defined node
    if isinstance(value, Wide):
        return value if is_traced(value) else float(int(value.high) * 2**30 + int(value.low))
    value = _scalar(where, name, value, allowed)
    if is_traced(value):
        return integer(value) if is_integral(value) else real(value)  # short ones would wrap in a sum
    if isinstance(value, float) and not value.is_integer():  # NaN and the infinities are not integers either
        raise_bad_argument(where, name, value, allowed, _whole_fix(value))
    if at_least is not None and value < at_least:
        raise_bad_argument(where, name, value, allowed, fix)
    return int(value) if abs(value) <= INT32_MAX else number(where, name, value)


def _whole_fix(value: float) -> str:
    """Return the advice for a number of steps that is not whole."""
    if not math.isfinite(value):
        return ""
    if 0 < value < 1:  # rounded it would be 0
        return (
            f"for a fraction of the run write TrainingRun(total_steps=...).steps(fraction={value:g}); "
            "a step is one optimizer update"
        )
    return "round it: a step is one optimizer update"


def at_least(where: str, name: str, value: Numeric, bound: Numeric, allowed: str, fix: str) -> None:
    """Raise an error if ``value < bound``, when both are concrete."""
    if not is_traced(value) and not is_traced(bound) and value < bound:
        raise_bad_argument(where, name, value, allowed, fix)


def numbers(where: str, name: str, values: object) -> tuple[Numeric, ...]:
    """A sequence of finite numbers, at least one, as a tuple."""
    values = sequence(where, name, values, "a sequence of numbers")
    if not values:
        raise_bad_argument(where, name, values, "at least one number")
    return tuple(number(where, f"{name}[{i}]", value) for i, value in enumerate(values))


def boundaries(where: str, name: str, values: object) -> tuple[Numeric, ...]:
    """Step counts >= 0, each greater than the one before."""
    return increasing(where, name, step_counts(where, name, values))


def step_counts(where: str, name: str, values: object, *, at_least: int | None = 0) -> tuple[Numeric, ...]:
    """Integer numbers >= 0, or of both signs."""
    values = sequence(where, name, values, "a sequence of whole numbers of steps")
    return tuple(steps(where, f"{name}[{i}]", value, at_least=at_least) for i, value in enumerate(values))


def increasing(where: str, name: str, values: tuple[Numeric, ...]) -> tuple[Numeric, ...]:
    """Numbers each greater than the one before."""
    for i, (left, right) in enumerate(itertools.pairwise(values)):
        if not is_traced(left) and not is_traced(right) and left >= right:
            allowed = f"greater than the one before it, {left}"
            raise_bad_argument(where, f"{name}[{i + 1}]", right, allowed, "sort them and drop repeated ones")
    return values


def as_many(where: str, name: str, values: Sequence[object], length: int, allowed: str) -> None:
    """Raise an error if the sequence has another length."""
    if len(values) != length:
        given = f"of length {length}, {allowed}"
        raise_bad_argument(where, name, tuple(values), given, f"its length is {len(values)}")


def sequence(where: str, name: str, values: object, allowed: str) -> tuple[object, ...]:
    """Any list, tuple or 1-d array as a tuple of its items."""
    if isinstance(values, (jax.Array, np.ndarray)):
        if values.ndim != 1:
            raise_bad_argument(where, name, values, allowed, error=TypeError)
        return tuple(values)
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        raise_bad_argument(where, name, values, allowed, f"put it in a list: [{values!r}]", error=TypeError)
    return tuple(values)


def boolean(where: str, name: str, value: object) -> bool:
    """True or False: a choice, never traced."""
    if not isinstance(value, (bool, np.bool_)):
        raise_bad_argument(
            where, name, value, "True or False (a choice, known before tracing)", error=TypeError
        )
    return bool(value)


def choice(where: str, name: str, value: object, *, words: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in words:
        raise_bad_argument(where, name, value, "one of " + ", ".join(map(repr, words)))
    return value


# What Optax and others call an argument, and what it is here; the first name that a function has applies.
_ELSEWHERE = {
    "decay_steps": ("total_steps", "steps", "transition_steps", "cycle_steps"),
    "transition_steps": ("total_steps", "steps"),
    "num_training_steps": ("total_steps",),
    "num_steps": ("total_steps", "steps"),
    "steps": ("total_steps",),
    "num_warmup_steps": ("warmup_steps",),
    "learning_rate": ("peak_value", "init_value"),
    "lr": ("peak_value", "init_value"),
    "max_lr": ("peak_value",),
    "peak_lr": ("peak_value",),
    "min_lr": ("end_value",),
    "eta_min": ("end_value",),
    "final_value": ("end_value",),
    "init_lr": ("init_value",),
}
_WARMUP_IN_IT = "; it includes the warmup, as decay_steps of optax.warmup_cosine_decay_schedule does"


def by_name(target: F) -> F:
    """Decorate a public function or class: an error about the names of its arguments says what to write.

    Of a class, the constructor and the public methods. The call is Python's own; only its error is replaced.
    """
    if isinstance(target, type):
        for name, method in list(vars(target).items()):
            if inspect.isfunction(method) and (name == "__init__" or not name.startswith("_")):
                setattr(target, name, by_name(method))
        return target  # pyright: ignore[reportReturnType]

    @functools.wraps(target)
    def call(*args: object, **kwargs: object) -> object:
        try:
            return target(*args, **kwargs)
        except TypeError as error:
            explain_call(error, target, args, kwargs)
            raise

    return call  # pyright: ignore[reportReturnType]


def explain_call(
    error: TypeError, target: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Raise the error for a call that Python rejects because of the names of its arguments.

    To be called where ``error`` was caught, which tells by its traceback whether ``target`` has begun.
    """
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return
    where = target.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")
    parameters = list(inspect.signature(target).parameters.values())
    if parameters and parameters[0].name == "self":
        parameters, args = parameters[1:], args[1:]
    check_names(where, parameters, args, kwargs)


def check_names(
    where: str,
    parameters: Iterable[inspect.Parameter],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> None:
    """Raise the error for an argument with an unknown name, or passed by position instead of by name."""
    parameters = [*parameters]
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_name_only = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    names, most = [*positional, *(p.name for p in by_name_only)], len(positional)
    if most < len(args) <= len(names):
        required_first = sorted(by_name_only, key=lambda p: p.default is not p.empty)
        named = [f"{p.name}={x!r}" for p, x in zip(required_first, args[most:], strict=False)]
        written = ", ".join([*map(repr, args[:most]), *named, *(f"{k}={v!r}" for k, v in kwargs.items())])
        after = f"given by name after {names[most - 1]}" if most else "given by name"
        raise_bad_argument(where, "arguments", args, after, f"write {where}({written})", error=TypeError)
    name = next((name for name in kwargs if name not in names), None)
    if name is None:  # an argument is missing or given twice, which Python says
        return
    if not parameters:
        fix = f"to make {name} a field of a class, annotate it: {name}: float"
        raise_bad_argument(
            where, name, kwargs[name], f"left out: {where} has no arguments", fix, error=TypeError
        )
    if not names:
        values = kwargs[name] if isinstance(kwargs[name], (list, tuple)) else [kwargs[name]]
        fix = f"write {where}({', '.join(map(repr, values))})"  # pyright: ignore[reportArgumentType]
        raise_bad_argument(where, name, kwargs[name], "given by position", fix, error=TypeError)
    allowed = f"one of its arguments, {', '.join(names)}"
    meant = next((here for here in _ELSEWHERE.get(name, ()) if here in names), "")
    meant = meant or next(iter(difflib.get_close_matches(name, names)), "")
    fix = f"write {meant}={shortened(kwargs[name])}" if meant else ""
    if meant == "total_steps" and "warmup_steps" in names:
        fix += _WARMUP_IN_IT
    raise_bad_argument(where, name, kwargs[name], allowed, fix, error=TypeError)


def function(where: str, name: str, value: object, *, allowed: str, fix: str = "") -> Callable[..., object]:
    """Something that can be called."""
    if not callable(value):
        raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
    return value


def _no_count(value: object) -> TypeError:
    is_state = lambda x: hasattr(x, "_fields")  # noqa: E731  # of an optimizer: a NamedTuple, or a tuple of them
    state = any(map(is_state, jax.tree.leaves(value, is_leaf=is_state)))
    fix = "; of an optimizer's state take applied_value(schedule, opt_state)" if state else ""
    if hasattr(value, "reached"):  # a Time, in `evaluate` of a user-defined node
        return TypeError(
            "a schedule's count must be a whole or real number, got a Time; call child.evaluate(time)"
        )
    return TypeError(f"a schedule's count must be a whole or real number, got {shortened(value)}{fix}")


def count(value: object) -> Numeric | np.ndarray:
    """A concrete count in a form that ``jit`` takes without wrapping: 64-bit integers need care."""
    if type(value) is int:  # first and without a look at the mode: an eager call costs some microseconds
        if -INT32_MAX <= value <= INT32_MAX:
            return value
        limits = np.iinfo(default_int())
        return value if limits.min <= value <= limits.max else float(max(-LARGEST, min(value, LARGEST)))
    if isinstance(value, (jax.Array, float, bool)):
        return value
    convert = getattr(value, "__jax_array__", None)  # of a variable of Flax or Keras
    if convert is not None:
        return count(convert())
    if isinstance(value, np.integer) and not isinstance(value, np.timedelta64):
        return count(int(value))
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_count(value) from error
    if array.dtype.kind == "O" and all(hasattr(x, "__float__") for x in array.flat):  # None would be NaN
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            array = array.astype(np.float64)  # whole numbers past int64, fractions, decimals
    if not (array.dtype.kind in "biuf" or jax.numpy.issubdtype(array.dtype, np.floating)):  # bfloat16 is "V"
        raise _no_count(value)
    if array.dtype.kind in "iu":
        if not are_whole_counts(array):
            return array.astype(default_float())
        return array.astype(default_int())
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array  # a long double


def are_whole_counts(array: np.ndarray) -> bool:
    """Return whether an array of whole numbers fits the default integer dtype."""
    limits = np.iinfo(default_int())
    # One pass for the usual counts: the bits of all of them are those of a number in the range.
    bits = int(np.bitwise_or.reduce(array, axis=None))
    return 0 <= bits <= limits.max or (limits.min <= array.min() and array.max() <= limits.max)
