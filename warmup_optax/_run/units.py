"""Convert epochs, examples, tokens and fractions of a run to steps: the only module that rounds.

A step is one optimizer update. Results are rounded down, because a step counts when it is complete. The
arithmetic is exact, and a float is the decimal number that it prints as (see `exact`).
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from .._combinators.clocks import InSteps
from .._core import checks
from .._core.as_schedule import as_schedule_argument
from .._core.schedule import Schedule
from .._core.types import Count, Number, ScheduleLike
from .exact import Exact, exact_number, shortest, whole_number

_LARGEST = 2**53  # a step count of a schedule past int32 is kept as a float, exact up to this


class _Pairs(NamedTuple):
    """The words for an argument that may be a ramp.

    Attributes:
      name: The name of the argument.
      counted: The quantity that the first number of a pair counts.
      of: The meaning of the second number.
      example: An example of the argument.
    """

    name: str
    counted: str
    of: str
    example: str


_BATCH_SIZE = _Pairs("batch_size", "examples seen", "batch size", "[(0, 32), (1_000_000, 64)]")
_ACCUMULATION = _Pairs("accumulation_steps", "updates made", "batches to an update", "[(0, 4), (10_000, 8)]")


def _number_or_pairs(where: str, asked: _Pairs, value: object) -> int | tuple[tuple[int, int], ...]:
    """Return one number, or the pairs of a ramp."""
    name, unit, pair_of = asked.name, asked.counted.split()[0], f"({asked.counted}, {asked.of})"
    allowed = f"a whole number >= 1, or pairs {pair_of}"
    if isinstance(value, Mapping):
        fix = f"write {list(value.items())!r}"
        checks.raise_bad_argument(where, name, value, allowed, fix, error=TypeError)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return whole_number(where, name, value, at_least=1)
    pairs = []
    for i, pair in enumerate(value):
        is_pair = hasattr(pair, "__len__") and not isinstance(pair, (str, bytes, Mapping)) and len(pair) == 2
        if not is_pair:
            fix = f"for example, write {name}={asked.example}"
            checks.raise_bad_argument(where, f"{name}[{i}]", pair, f"a pair {pair_of}", fix, error=TypeError)
        count = whole_number(where, f"{name}[{i}][0]", pair[0], at_least=0)
        pairs.append((count, whole_number(where, f"{name}[{i}][1]", pair[1], at_least=1)))
    if not pairs:
        checks.raise_bad_argument(where, name, value, allowed)
    if pairs[0][0]:
        fix = f"the first pair says the {asked.of} at the start: ({0}, {pairs[0][1]})"
        checks.raise_bad_argument(where, f"{name}[0][0]", pairs[0][0], f"0 {unit}", fix)
    for i in range(1, len(pairs)):
        if pairs[i][0] <= pairs[i - 1][0]:
            fix = f"sort the pairs, and keep one for each number of {unit}"
            allowed = f"more {unit} than {name}[{i - 1}][0]={pairs[i - 1][0]}"
            checks.raise_bad_argument(where, f"{name}[{i}][0]", pairs[i][0], allowed, fix)
    return tuple(pairs)


@checks.by_name
class TrainingRun:
    r"""The length of a training run, which converts epochs, examples, tokens and fractions to steps.

    A step is one optimizer update. It takes :math:`k` batches of :math:`B` examples. An epoch of :math:`N`
    examples has :math:`m = \lfloor N / B \rfloor` batches, or :math:`m = \lceil N / B \rceil` with
    ``drop_last=False``. So

    .. math:: \text{steps}(\text{epochs} = e) = \left\lfloor \frac{e \, m}{k} \right\rfloor

    for whole and fractional :math:`e`. This is exact: a float is the decimal number that it prints as.

    **A batch-size ramp** is a sequence of pairs (examples seen, batch size). Update :math:`n` uses the batch
    size at the number of examples seen *before* it. With :math:`x_0 = 0`,

    .. math:: x_{n + 1} = x_n + k B(x_n), \qquad B(x) = b_i \ \text{for} \ e_i \le x < e_{i + 1}.

    An update is never split. If it begins below :math:`e_{i + 1}`, all of it uses :math:`b_i`. The next size
    begins with the first update at or past :math:`e_{i + 1}` examples. A size whose examples all fall inside
    one update is never used. The examples of a ramp are one stream, as in Megatron-LM. A batch may cross the
    end of an epoch, so nothing is dropped, and an epoch is :math:`N` examples seen.

    Args:
      num_examples: :math:`N`, the number of examples in the data set (on all hosts together), a whole number
        >= 1. Only lengths in epochs need it.
      batch_size: :math:`B`, the number of examples in a batch (on all devices together), a whole number >= 1.
        Or the pairs :math:`(e_i, b_i)` of a ramp, the first at 0 examples, with increasing numbers of
        examples. The sizes may grow or shrink. A run with ``total_steps`` that only converts fractions needs
        no batch size.
      num_epochs: The length of the run in epochs, a number > 0, whole or fractional.
      total_steps: The length of the run in steps, a whole number >= 1.
      total_tokens: The length of the run in tokens, a whole number >= 1. It needs ``tokens_per_example``.
        Give at most one length. Without a length, only `total_steps` and fractions are unavailable.
      tokens_per_example: The number of tokens in an example (the sequence length), a whole number >= 1.
      drop_last: Whether the loader drops the last, short batch of an epoch. ``False`` keeps it, and it counts
        as a batch. This needs ``num_examples``, and does not work with a ramp.
      accumulation_steps: :math:`k`, the number of batches in an update, a whole number >= 1: the
        ``every_k_schedule`` of ``optax.MultiSteps``, whose schedule counts updates. Or pairs
        :math:`(u_i, k_i)`, the first at 0: update :math:`n` takes :math:`k_i` batches for
        :math:`u_i \le n < u_{i + 1}`. Pass the method `every_k_schedule` to ``optax.MultiSteps``.
        ``batch_size`` is then the size of one micro-batch. If an epoch ends inside a window, the window
        continues in the next epoch, as in ``MultiSteps``. Only an incomplete window at the end of the run is
        not applied. (A loop that applies it at the end of each epoch makes ``ceil(m / k)`` steps per epoch.
        For such a loop, pass ``total_steps``.)

    Raises:
      ValueError: If a number is out of its range, if the pairs of a ramp do not begin at 0 examples or do not
        increase, if the batch is larger than the data set and ``drop_last`` leaves nothing, if the run is
        shorter than one step, if two lengths are given, or if an argument that a length needs is missing.
      TypeError: If an argument is not a number, or is traced.

    Runs with equal arguments are equal and have the same hash, and ``repr`` is code.
    ``run.replace(batch_size=64)`` is the run with another batch size. ``total_steps`` stays the same if it was
    passed. Otherwise it is computed again.

    >>> import warmup_optax as wo
    >>> run = wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90)
    >>> run.steps_per_epoch, run.total_steps, run.steps(epochs=5), run.steps(fraction=0.1)
    (390, 35100, 1950, 3510)
    >>> schedule = wo.warmup_cosine(0.1, warmup_steps=run.steps(epochs=5), total_steps=run.total_steps)
    >>> wo.TrainingRun(num_examples=22_720, batch_size=64).steps(epochs=2.16)
    766
    >>> wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90, accumulation_steps=4).total_steps
    8775

    A ramp from 768 to 1,536 sequences of 4,096 tokens, in a run of a trillion tokens:

    >>> run = wo.TrainingRun(
    ...     batch_size=[(0, 768), (61_000_000, 1536)], tokens_per_example=4096, total_tokens=10**12
    ... )
    >>> run.total_steps, run.steps(tokens=250 * 10**9), run.examples(79_427), run.examples(79_428)
    (198659, 79450, 60999936, 61000704)
    """

    num_examples: int | None
    batch_size: int | tuple[tuple[int, int], ...] | None
    num_epochs: Number | None
    total_steps: int  # pyright: ignore[reportRedeclaration]
    total_tokens: int | None
    tokens_per_example: int | None
    drop_last: bool
    accumulation_steps: int | tuple[tuple[int, int], ...]
    _given: tuple[str, ...]  # the arguments; `total_steps` is one of some runs and computed in the others

    def __init__(
        self,
        *,
        num_examples: Number | None = None,
        batch_size: Number | Iterable[tuple[Number, Number]] | None = None,
        num_epochs: Number | None = None,
        total_steps: Number | None = None,
        total_tokens: Number | None = None,
        tokens_per_example: Number | None = None,
        drop_last: bool = True,
        accumulation_steps: Number | Iterable[tuple[Number, Number]] = 1,
    ) -> None:
        where = "TrainingRun"

        def whole(name: str, value: Number | None) -> int | None:
            return None if value is None else whole_number(where, name, value, at_least=1)

        lengths = {"num_epochs": num_epochs, "total_steps": total_steps, "total_tokens": total_tokens}
        lengths = {name: value for name, value in lengths.items() if value is not None}
        if len(lengths) > 1:
            came = " and ".join(f"{name}={value!r}" for name, value in lengths.items())
            raise ValueError(
                f"{where}: a run has one length, got {came}; give one of them, and None for others"
            )
        if batch_size is None and total_steps is None:
            allowed = "given, unless the length of the run is given as total_steps"
            checks.raise_bad_argument(where, "batch_size", None, allowed)
        if num_epochs is not None:
            num_epochs = shortest(exact_number(where, "num_epochs", num_epochs).value, num_epochs)
        arguments: dict[str, Number | tuple[tuple[int, int], ...] | None] = {
            "num_examples": whole("num_examples", num_examples),
            "batch_size": None if batch_size is None else _number_or_pairs(where, _BATCH_SIZE, batch_size),
            "num_epochs": num_epochs,
            "total_tokens": whole("total_tokens", total_tokens),
            "tokens_per_example": whole("tokens_per_example", tokens_per_example),
            "drop_last": checks.boolean(where, "drop_last", drop_last),
            "accumulation_steps": _number_or_pairs(where, _ACCUMULATION, accumulation_steps),
        }
        if total_steps is not None:
            arguments["total_steps"] = whole("total_steps", total_steps)
        vars(self).update(arguments, _given=tuple(arguments))
        self._check_batches(where)
        if num_epochs is not None or total_tokens is not None:
            self._check_length(where, **lengths)

    def _check_batches(self, where: str) -> None:
        if not self.drop_last:
            if self.num_examples is None:
                allowed = "True without num_examples, which says where an epoch ends"
                fix = "give num_examples, or leave drop_last out"
                checks.raise_bad_argument(where, "drop_last", False, allowed, fix)
            if self._is_ramp:
                allowed = "True for a ramp, whose batches run on over an epoch's end"
                checks.raise_bad_argument(where, "drop_last", False, allowed, "leave it out")
        elif isinstance(self.batch_size, int) and self.batch_size > (self.num_examples or math.inf):
            allowed = f"at most num_examples = {self.num_examples}, or there is no batch"
            fix = "make it smaller, or keep the short batch with drop_last=False"
            checks.raise_bad_argument(where, "batch_size", self.batch_size, allowed, fix)

    def _check_length(self, where: str, **length: Number) -> None:
        """Raise an error if a run of some epochs or tokens is shorter than one step."""
        ((name, value),) = length.items()
        if not self.total_steps:
            allowed = f"as long as one step of {self._take(0)} examples"
            checks.raise_bad_argument(where, name, value, allowed, "train longer, or make the batch smaller")

    @functools.cached_property
    def total_steps(self) -> int:
        """The number of steps of the whole run.

        Raises:
          ValueError: If the run has no length.
        """
        if self.num_epochs is not None:
            return self._steps_of_epochs(exact_number("TrainingRun", "num_epochs", self.num_epochs))
        if self.total_tokens is not None:
            return self.steps(tokens=self.total_tokens)
        raise ValueError("TrainingRun: the run has no length; give num_epochs, total_steps or total_tokens")

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """The number of complete steps in the first epoch: ``steps(epochs=1)``.

        With a ramp, or if ``accumulation_steps`` does not divide the number of batches in an epoch, another
        epoch can have more steps. For several epochs use ``steps(epochs=...)``.

        Raises:
          ValueError: If the run has no ``num_examples``.
        """
        return self._steps_of_epochs(Exact(Fraction(1), Fraction(0)))

    def steps(
        self,
        *,
        steps: Number | None = None,
        epochs: Number | None = None,
        examples: Number | None = None,
        tokens: Number | None = None,
        fraction: Number | None = None,
    ) -> int:
        """Convert a duration, measured from the start of the run, to steps. Pass exactly one argument.

        Args:
          steps: Steps, a whole number >= 0, returned unchanged.
          epochs: Epochs, a number >= 0, whole or fractional. It needs ``num_examples``.
          examples: Examples that the loader has returned, a whole number >= 0. The examples of a dropped last
            batch do not count.
          tokens: Tokens of these examples, a whole number >= 0. It needs ``tokens_per_example``.
          fraction: A fraction of the steps of the run: 0, or from one step to 1. It needs only a length, so
            ``TrainingRun(total_steps=1000).steps(fraction=0.05)`` is 50.

        Returns:
          The number of complete steps, rounded down, as a Python ``int``. With a ramp they are counted from
          its start.

        Raises:
          ValueError: If a number is out of its range, if a positive fraction is less than one step, or if the
            run lacks an argument that the unit needs: a length, the batch size, the number of examples, or
            the tokens per example.
          TypeError: If not exactly one argument is passed, or it is not a number.

        >>> import warmup_optax as wo
        >>> run = wo.TrainingRun(num_examples=1000, batch_size=10, num_epochs=3, tokens_per_example=512)
        >>> run.steps(epochs=0.29), run.steps(fraction=0.29), run.steps(examples=95), run.steps(tokens=51_200)
        (29, 87, 9, 10)
        """
        where = "TrainingRun.steps"
        arguments = {
            "steps": steps,
            "epochs": epochs,
            "examples": examples,
            "tokens": tokens,
            "fraction": fraction,
        }
        given = [(name, value) for name, value in arguments.items() if value is not None]
        if len(given) != 1:
            came = " and ".join(f"{name}={value!r}" for name, value in given) or "none"
            raise TypeError(f"{where}: exactly one of {', '.join(arguments)} must be given, got {came}")
        ((name, value),) = given
        if name == "epochs":
            return self._steps_of_epochs(exact_number(where, name, value))
        if name == "fraction":
            part = exact_number(where, name, value)
            if part.value > 1:
                fix = "divide a percentage by 100, or pass steps= or epochs="
                checks.raise_bad_argument(where, name, value, "a number between 0 and 1", fix)
            found = part.times(self.total_steps).floor()
            if part.value > 0 and not found:
                allowed = f"0 or at least 1 / {self.total_steps}, one step of the run"
                fix = "the fraction is less than one step: pass a larger one, or 0 for no steps"
                checks.raise_bad_argument(where, name, value, allowed, fix)
            return found
        count = whole_number(where, name, value, at_least=0)
        if name == "steps":
            return count
        if name == "tokens":
            count //= self._known("tokens_per_example", "tokens")
        return self._steps_of_examples(count)

    def examples(self, steps: Number) -> int:
        """Return the number of examples seen in the first ``steps`` updates.

        Args:
          steps: A whole number >= 0.

        Returns:
          The number of examples, as a Python ``int``. Update ``n`` takes
          ``run.examples(n + 1) - run.examples(n)`` examples.

        Raises:
          ValueError: If ``steps`` is negative or fractional.
          TypeError: If it is not a number.

        >>> import warmup_optax as wo
        >>> [wo.TrainingRun(batch_size=[(0, 10), (15, 40)]).examples(n) for n in range(5)]
        [0, 10, 20, 60, 100]
        """
        return self._seen(whole_number("TrainingRun.examples", "steps", steps, at_least=0))

    def tokens(self, steps: Number) -> int:
        """Return the number of tokens seen in the first ``steps`` updates.

        It is ``examples(steps) * tokens_per_example``.

        Args:
          steps: A whole number >= 0.

        Returns:
          The number of tokens, as a Python ``int``.

        Raises:
          ValueError: If ``steps`` is negative or fractional, or the run has no ``tokens_per_example``.
          TypeError: If it is not a number.
        """
        steps = whole_number("TrainingRun.tokens", "steps", steps, at_least=0)
        return self._seen(steps) * self._known("tokens_per_example", "tokens")

    def epochs(self, steps: Number) -> float:
        """Convert a number of steps to epochs: the inverse of ``steps(epochs=...)``.

        Args:
          steps: A whole number >= 0.

        Returns:
          The epochs, as a ``float``; ``run.steps(epochs=run.epochs(n)) == n`` up to ``2**49`` examples.

        Raises:
          ValueError: If ``steps`` is negative or fractional, or the run has no ``num_examples``.
          TypeError: If it is not a number.

        >>> import warmup_optax as wo
        >>> round(wo.TrainingRun(num_examples=118_287, batch_size=64).epochs(4000), 2)
        2.16
        """
        steps = whole_number("TrainingRun.epochs", "steps", steps, at_least=0)
        if self._is_ramp:
            return self._seen(steps) / self._examples_of_an_epoch
        return self._batches(steps) / self._batches_per_epoch

    def every_k_schedule(self, count: Count) -> jax.Array:
        """Return the number of batches in update ``count``, for ``every_k_schedule`` of ``optax.MultiSteps``.

        Args:
          count: The count of the update, from 0: a whole number or an array of them, traced or not.

        Returns:
          An int32 array of the shape of ``count``.

        >>> import optax, warmup_optax as wo
        >>> run = wo.TrainingRun(batch_size=32, accumulation_steps=[(0, 1), (2, 4)])
        >>> run.every_k_schedule([0, 1, 2, 3]).tolist(), run.examples(3)
        ([1, 1, 4, 4], 192)
        >>> optimizer = optax.MultiSteps(optax.adamw(1e-3), every_k_schedule=run.every_k_schedule)
        """
        updates, _, take = self._windows
        counts = jnp.asarray(count)
        found = jnp.full(counts.shape, take[0], jnp.int32)
        for update, number in zip(updates[1:], take[1:], strict=True):
            found = jnp.where(counts < update, found, jnp.int32(number))
        return found

    def in_steps(
        self, schedule: ScheduleLike, unit: Literal["tokens", "examples", "epochs"] = "tokens"
    ) -> Schedule:
        r"""Convert a schedule of tokens, examples or epochs to a schedule of updates.

        .. math:: v(n) = s(x_n)

        with :math:`x_n` the tokens, examples or epochs seen before update :math:`n`, as `tokens`, `examples`
        and `epochs` return them. The first update uses the value at count 0. Every update of a batch-size
        ramp uses the rate at the tokens seen before it.

        Args:
          schedule: :math:`s`, a schedule of the unit: a schedule, a function of a count, or a number.
          unit: ``"tokens"`` (needs ``tokens_per_example``), ``"examples"``, or ``"epochs"`` (needs
            ``num_examples``). In epochs an update is a fraction of a count.

        Returns:
          A `Schedule` of updates. :math:`x_n` is exact up to :math:`2^{61}`. After the end of the run the ramp
          continues with its last batch size.

        Raises:
          ValueError: If ``unit`` is another word, if the run lacks an argument that the unit needs, if a ramp
            is longer than :math:`2^{53}` units, or if there are short batches (``drop_last=False``) in a run
            without a length.
          TypeError: If ``schedule`` has none of these types.

        >>> import warmup_optax as wo
        >>> run = wo.TrainingRun(
        ...     batch_size=[(0, 768), (61_000_000, 1536)], tokens_per_example=4096, total_tokens=10**12
        ... )
        >>> run.tokens(100_000)
        379286716416
        """
        schedule = as_schedule_argument("TrainingRun.in_steps", "schedule", schedule)
        return InSteps(schedule, *self._segments(unit))

    def _segments(self, unit: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
        """Return the clock of a unit: ``(boundaries, starts, rates, scale)``, whole numbers.

        Before update ``n`` of segment ``i`` (``boundaries[i - 1] <= n < boundaries[i]``) the run has seen
        ``(starts[i] + (n - boundaries[i - 1]) * rates[i]) / scale`` units, with ``boundaries[-1]`` read as 0.
        There is one boundary fewer than there are segments. ``scale`` is 1 except for epochs.
        """
        where = "TrainingRun.in_steps"
        checks.choice(where, "unit", unit, words=("tokens", "examples", "epochs"))
        if unit == "epochs" and not self._is_ramp:
            updates, seen, take = self._windows
            common = math.gcd(self._batches_per_epoch, *seen, *take)
            starts, rates = (tuple(x // common for x in column) for column in (seen, take))
            return tuple(updates[1:]), starts, rates, self._batches_per_epoch // common
        updates, seen, take = self._short_batch_segments(where) if self._has_short_batches else self._ramp
        each = self._known("tokens_per_example", "tokens") if unit == "tokens" else 1
        scale = self._examples_of_an_epoch if unit == "epochs" else 1
        common = math.gcd(scale, *seen, *take)
        starts = tuple(each * x // common for x in seen)
        rates = tuple(each * x // common for x in take)
        if max(*starts, *rates) >= _LARGEST:
            raise ValueError(f"{where}: a ramp must be shorter than 2**53 {unit}, got {max(*starts, *rates)}")
        return tuple(updates[1:]), starts, rates, scale // common

    def _short_batch_segments(self, where: str) -> tuple[list[int], list[int], list[int]]:
        """Return the same as `_ramp` if the last batch of an epoch is short, so its update has fewer examples."""
        if not self._has_length:
            raise ValueError(
                f"{where}: the short batches of drop_last=False must be known, and the run has no length; "
                "give num_epochs, total_steps or total_tokens"
            )
        epoch, (begins, _, _) = self._batches_per_epoch, self._windows
        updates, seen, take = [], [], []
        short = [self._update_of(i) for i in range(epoch - 1, self._batches(self.total_steps), epoch)]
        for n in sorted({*begins, *short, *(n + 1 for n in short)}):
            if not take or self._take(n) != take[-1]:
                updates.append(n)
                seen.append(self._seen(n))
                take.append(self._take(n))
        return updates, seen, take

    @functools.cached_property
    def _windows(self) -> tuple[list[int], list[int], list[int]]:
        """For each number of batches per update: its first update, the batches before that, and the number."""
        given = self.accumulation_steps
        pairs = given if isinstance(given, tuple) else ((0, given),)
        lengths = [k * (after - n) for (n, k), (after, _) in itertools.pairwise(pairs)]
        seen = list(itertools.accumulate(lengths, initial=0))
        return [n for n, _ in pairs], seen, [k for _, k in pairs]

    def _batches(self, steps: int) -> int:
        """Return the number of batches before an update."""
        updates, seen, take = self._windows
        i = bisect.bisect_right(updates, steps) - 1
        return seen[i] + (steps - updates[i]) * take[i]

    def _update_of(self, batch: int) -> int:
        """Return the update that uses a batch, which is the number of complete updates before it."""
        updates, seen, take = self._windows
        i = bisect.bisect_right(seen, batch) - 1
        return updates[i] + (batch - seen[i]) // take[i]

    @functools.cached_property
    def _ramp(self) -> tuple[list[int], list[int], list[int]]:
        """For each size of an update: its first update, the examples seen before that, and the size."""
        sizes = self.batch_size if isinstance(self.batch_size, tuple) else ((0, self._size),)
        begins, _, windows = self._windows
        updates, seen, take = [], [], []
        i = j = n = x = 0
        while True:
            while i + 1 < len(sizes) and x >= sizes[i + 1][0]:
                i += 1
            while j + 1 < len(begins) and n >= begins[j + 1]:
                j += 1
            each = sizes[i][1] * windows[j]
            updates.append(n)
            seen.append(x)
            take.append(each)
            lengths = [-(-(examples - x) // each) for examples, _ in sizes[i + 1 : i + 2]]
            lengths += [begin - n for begin in begins[j + 1 : j + 2]]
            if not lengths:
                return updates, seen, take
            n, x = n + min(lengths), x + min(lengths) * each

    def _seen(self, steps: int) -> int:
        """Return the number of examples before an update."""
        if self._has_short_batches:
            epochs, batches = divmod(self._batches(steps), self._batches_per_epoch)
            return epochs * self._examples_of_an_epoch + batches * self._size
        updates, seen, take = self._ramp
        i = bisect.bisect_right(updates, steps) - 1
        return seen[i] + (steps - updates[i]) * take[i]

    def _take(self, step: int) -> int:
        """Return the number of examples in an update."""
        return self._seen(step + 1) - self._seen(step)

    def _steps_of_examples(self, examples: int) -> int:
        if self._has_short_batches:
            epochs, rest = divmod(examples, self._examples_of_an_epoch)
            batches = epochs * self._batches_per_epoch + rest // self._size
            return self._update_of(batches)
        updates, seen, take = self._ramp
        i = bisect.bisect_right(seen, examples) - 1
        return updates[i] + (examples - seen[i]) // take[i]

    def _steps_of_epochs(self, epochs: Exact) -> int:
        if self._is_ramp:
            return self._steps_of_examples(epochs.times(self._examples_of_an_epoch).floor())
        batches = epochs.times(self._batches_per_epoch)
        updates, seen, take = self._windows
        i = bisect.bisect_right(seen, batches.value + batches.error) - 1
        within = Exact(batches.value - seen[i], batches.error)
        return updates[i] + within.times(Fraction(1, take[i])).floor()

    @property
    def _is_given_total_steps(self) -> bool:
        return "total_steps" in self._given

    @property
    def _has_length(self) -> bool:
        return self.num_epochs is not None or self.total_tokens is not None or self._is_given_total_steps

    @property
    def _is_ramp(self) -> bool:
        return isinstance(self.batch_size, tuple)

    @property
    def _size(self) -> int:
        """Return the batch size of a run without a ramp."""
        size = self._known("batch_size", "epochs, examples or tokens")
        assert isinstance(size, int)
        return size

    @property
    def _has_short_batches(self) -> bool:
        return not self.drop_last and self._examples_of_an_epoch % self._size != 0

    @property
    def _examples_of_an_epoch(self) -> int:
        return self._known("num_examples", "epochs")

    @property
    def _batches_per_epoch(self) -> int:
        whole, rest = divmod(self._examples_of_an_epoch, self._size)
        return whole if self.drop_last or not rest else whole + 1

    def _known(self, name: str, unit: str) -> int:
        value = getattr(self, name)
        if value is None:
            checks.raise_bad_argument("TrainingRun", name, None, f"given where {unit} are used")
        return value

    def replace(self, **changes: Any) -> TrainingRun:
        """Return a run with some arguments replaced. ``None`` removes an argument.

        Args:
          **changes: Arguments of `TrainingRun`, by name.

        Returns:
          A new `TrainingRun`. A length that is not an argument of this run is computed again.

        Raises:
          ValueError: If the arguments contradict each other, as for `TrainingRun`.
          TypeError: If there is no argument with this name, or a value has the wrong type.

        >>> import warmup_optax as wo
        >>> run = wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90)
        >>> run.replace(batch_size=64).total_steps
        70290
        """
        return type(self)(**{**self._arguments(), **changes})

    __replace__ = replace  # for `copy.replace`, Python 3.13 and later

    def _arguments(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in self._given}

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to {name!r}; write run.replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._arguments() == other._arguments()

    def __hash__(self) -> int:
        return hash(tuple(self._arguments().items()))

    def __repr__(self) -> str:
        defaults = {"drop_last": True, "accumulation_steps": 1}
        arguments = {k: v for k, v in self._arguments().items() if v is not None and v != defaults.get(k)}
        return f"TrainingRun({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


@checks.by_name
def adam_warmup_steps(b2: Number) -> int:
    r"""Return the number of linear warmup steps for Adam: the time that its second moment takes to settle.

    .. math:: \left\lfloor \frac{2}{1 - \beta_2} \right\rfloor

    Args:
      b2: :math:`\beta_2`, Adam's decay of the second moment: 0 <= ``b2`` < 1.

    Returns:
      The number of steps, as a Python ``int``: 2000 for 0.999, 40 for 0.95. (``int(2 / (1 - 0.999))`` is 1999.)

    Raises:
      ValueError: If ``b2`` is out of its range.
      TypeError: If it is not a number, or is traced.

    Source: Ma & Yarats, On the Adequacy of Untuned Warmup for Adaptive Optimization (2019), section 5.

    >>> import warmup_optax as wo
    >>> wo.adam_warmup_steps(0.999)
    2000
    """
    exact, error = exact_number("adam_warmup_steps", "b2", b2)
    if exact >= 1:
        checks.raise_bad_argument("adam_warmup_steps", "b2", b2, "a number >= 0 and < 1")
    steps = 2 / (1 - exact)
    return Exact(steps, steps * error / (1 - exact)).floor()
