"""Stretch the time of a schedule by an exact ratio."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, final

import jax

from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.lowered import Lowered
from .._core.node import as_python, checked
from .._core.phases import Phase, View
from .._core.scalars import Length, Numeric, lowered_steps, real
from .._core.schedule import Schedule
from .._core.time import Time
from .._core.types import Number, ScheduleField, ScheduleLike

LARGEST_TERM = 2**53  # float64 represents every whole number up to it
_SHORT = 2**30  # a term up to this limit, times any int32 count, is below 2**61
_RATIO = re.compile(r"(\d+)/(\d+)")

if TYPE_CHECKING:
    from .._core.types import Field

    Factor: TypeAlias = Number | str
    FactorField: TypeAlias = Field[float, Factor]
else:
    Factor: TypeAlias = float
    FactorField: TypeAlias = float


class Ratio(NamedTuple):
    """A positive ratio of two whole numbers, each a leaf.

    A whole number and a `Fraction` are in lowest terms. The two terms of a float have a common factor of 2, so
    that `written` can return a float again. All kinds of factors have the same tree structure.
    """

    numerator: int | float | jax.Array
    denominator: int | float | jax.Array

    @classmethod
    def of(cls, value: numbers.Rational | float) -> Ratio | None:
        """Return a concrete number > 0 as a ratio, or ``None`` if its terms are too large."""
        if isinstance(value, numbers.Rational):
            terms = int(value.numerator), int(value.denominator)
        else:
            exact, most = Fraction(repr(value)), LARGEST_TERM // 4
            # A decimal of 16 or 17 digits is replaced by the nearest ratio, which rounds to the same float.
            short = exact.limit_denominator(max(1, int(most / max(value, 1.0))))
            fits = max(exact.numerator, exact.denominator) <= most
            exact = exact if fits or float(short) != value else short
            terms = 2 * exact.numerator, 2 * exact.denominator
        if max(terms) > LARGEST_TERM:
            return None
        return cls(*(checks.steps("", "", term) for term in terms))

    def written(self) -> int | float | Fraction | Ratio:
        """Return the number as the user wrote it, or the ratio itself if its terms are traced or stacked."""
        terms = as_python(self.numerator), as_python(self.denominator)
        if not all(isinstance(term, (int, float)) for term in terms):
            return self
        exact = Fraction(int(terms[0]), int(terms[1]))
        if exact.denominator != terms[1]:
            return float(exact)
        return int(exact) if exact.denominator == 1 else exact

    def as_received(self) -> jax.Array:
        """Return the number that the ``evaluate`` of a user-defined node receives."""
        return real(self.numerator) / real(self.denominator)

    def terms(self) -> tuple[Length, Length]:
        """Return the terms for the arithmetic of time. The terms of a float are shortened if possible."""
        value = self.written()
        if not isinstance(value, float):
            return (self.numerator, self.denominator) if isinstance(value, Ratio) else _terms(Fraction(value))
        exact = Fraction(int(self.numerator), int(self.denominator))
        if min(exact.numerator, exact.denominator) > _SHORT:
            exact = exact.limit_denominator(int(_SHORT * max(1, 1 / exact)))
        return _terms(exact)


def _terms(ratio: Fraction) -> tuple[Length, Length]:
    return lowered_steps(ratio.numerator), lowered_steps(ratio.denominator)


def factor_argument(where: str, name: str, value: object) -> Ratio | Numeric:
    """Check that the argument is a factor > 0, and return it as a `Ratio` or a tracer."""
    if isinstance(value, Ratio) or checks.is_traced(value):
        return value if isinstance(value, Ratio) else checks.number(where, name, value)
    number = value
    if isinstance(value, str):
        found = _RATIO.fullmatch(value.strip())
        if found is None or not int(found[2]):
            checks.raise_bad_argument(where, name, value, 'a number > 0, or a ratio such as "1/4"')
        number = Fraction(int(found[1]), int(found[2]))
    number = as_python(number)
    if isinstance(number, bool) or not isinstance(number, numbers.Rational) or number <= 0:
        number = float(checks.number(where, name, number, above=0))
    ratio = Ratio.of(number)
    if ratio is None:
        checks.raise_bad_argument(where, name, value, "a ratio of whole numbers up to 2**53", "round it")
    return ratio


@final
class Stretch(Schedule, kind="stretch"):
    """Made by `stretch`."""

    schedule: ScheduleField = checked(as_schedule_argument)
    factor: FactorField = checked(factor_argument)

    def lower(self) -> Lowered:
        factor = vars(self)["factor"]
        if not isinstance(factor, Ratio):
            return _Stretched(self.schedule.lower(), None, factor)
        terms = [None if isinstance(term, int) and term == 1 else term for term in factor.terms()]
        return _Stretched(self.schedule.lower(), terms[1], terms[0])

    def walk(self, view: View) -> Iterator[Phase]:
        factor = Fraction(str(self.factor)) if isinstance(self.factor, float) else Fraction(self.factor)
        numerator, denominator = float(factor.numerator), float(factor.denominator)
        for phase in self.schedule.walk(view.scaled(denominator / numerator)):
            yield phase._replace(begin=phase.begin * numerator / denominator)


class _Written:
    """The field as the user wrote it. The node stores the two terms."""

    def __get__(self, node: Stretch | None, owner: type[Stretch]) -> object:
        if node is not None and "factor" not in vars(node):
            raise AttributeError("factor")  # not yet computed: `Node.__getattr__` computes it
        value = self if node is None else vars(node)["factor"]
        return value.written() if isinstance(value, Ratio) else value

    def __set__(self, node: Stretch, value: object) -> None:
        vars(node)["factor"] = value


Stretch.factor = _Written()  # pyright: ignore[reportAttributeAccessIssue]


class _Stretched(Lowered):
    schedule: Lowered
    multiplier: Length | None
    divisor: Length | None

    def evaluate(self, time: Time) -> jax.Array:
        time = time if self.multiplier is None else time.scale(self.multiplier)
        return self.schedule.evaluate(time if self.divisor is None else time.rescale(self.divisor))


@checks.by_name
def stretch(schedule: ScheduleLike, factor: Factor) -> Stretch:
    r"""Stretch a schedule so that it takes ``factor`` times as long. Also known as time scaling.

    .. math:: v(c) = s(c / f)

    A factor below 1 makes the schedule shorter. For example, PPO schedules are often written in environment
    steps. If each update takes 2048 of them, write ``stretch(plan, Fraction(1, 2048))``. After a change of the
    batch size, ``stretch(schedule, Fraction(old_batch, new_batch))`` keeps the number of examples.

    A schedule of ``n`` steps ends at ``f * n``. At the last update, ``c = f * n - 1``, it is evaluated at
    ``n - 1 / f``.

    See also `shift`, `staircase`, `TrainingRun`, and :doc:`/guides/steps`.

    Args:
      schedule: :math:`s`: a schedule, a function of a count, or a number.
      factor: :math:`f`, a number > 0. A whole number, a `fractions.Fraction`, or a string such as ``"1/4"`` is
        exact. A float stands for the decimal that it prints as, so 0.1 is exactly one tenth. A traced factor
        is a real number, and differentiable.

    Returns:
      A `Schedule`. Time is exact up to 2^61 units, so a boundary at a whole count takes effect at that count.
      With a traced factor it is exact up to count 2^24. A config saves a `Fraction` as ``"1/4"``.

    Raises:
      ValueError: If ``factor`` is not finite or not above 0, or a term of its ratio is above 2^53.
      TypeError: If ``factor`` is not a number, or ``schedule`` is not a schedule, a function or a number.

    >>> import warmup_optax as wo
    >>> wo.stretch(wo.linear(0.0, 1.0, 4), 2)([0, 2, 4, 8]).tolist()
    [0.0, 0.25, 0.5, 1.0]
    >>> from fractions import Fraction
    >>> faster = wo.stretch(wo.linear(0.0, 1.0, 4), Fraction(1, 2))
    >>> faster([0, 1, 2]).tolist(), faster
    ([0.0, 0.5, 1.0], stretch(schedule=linear(init_value=0.0, end_value=1.0, steps=4), factor='1/2'))
    """
    return Stretch(schedule, factor)
