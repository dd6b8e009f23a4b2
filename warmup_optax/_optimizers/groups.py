"""Learning rates for groups of parameters: a factor after one optimizer, chosen by the path of a parameter."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import itertools
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._core import checks
from .._core.as_schedule import Constant, as_schedule_argument
from .._core.schedule import Schedule
from .._core.types import Number, ScheduleLike, Steps
from .._view.sample import run_length, sample, to_look_at
from .state import StateLike, applied_value, count_of, states, value_at_last_update

if TYPE_CHECKING:
    from .._view.sample import HasLength

_SHOWN = 5  # paths or patterns in an error
_SAMPLED = 2**16  # counts at which `describe` looks for the highest rate

# In these the rate is not what the last step multiplies by, or all parameters share an estimate that it is
# in. By name, because some of these classes are not public.
_NOT_A_RATE = {
    "COCOBState": "cocob",
    "DAdaptAdamWState": "dadapt_adamw",
    "MadgradState": "madgrad",
    "MechanicState": "mechanize",
    "MomoAdamState": "momo_adam",
    "MomoState": "momo",
    "ProdigyState": "prodigy",
    "ScaleByLBFGSState": "lbfgs",
    "ScheduleFreeState": "schedule_free",
}
_AVERAGES = frozenset({"TraceState", "EmaState"})


class GroupsState(NamedTuple):
    """The state of `groups`.

    Attributes:
      count: How many updates were made: the count that the factors are evaluated at.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] # the name in every state of Optax


# ------------------------------------------------------------------ paths


def _names(tree: optax.Params) -> list[str]:
    """Return the path of each leaf, such as ``layers/3/attn/kernel``. A Flax Variable is one part of it."""
    nnx = sys.modules.get("flax.nnx")
    is_variable = lambda node: nnx is not None and isinstance(node, nnx.Variable)  # noqa: E731
    places = jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_variable)
    return [
        jax.tree_util.keystr(path, simple=True, separator="/")
        for path, node in places
        for _ in jax.tree.leaves(node)
    ]


def _few(texts: Sequence[str]) -> str:
    """Some texts in quotes, and how many more there are."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(map(repr, texts[:_SHOWN])) + more


def _nearest(pattern: str, names: Sequence[str]) -> str:
    """Return a hint with the paths that are most similar to a pattern, whole or between slashes."""
    parts: dict[str, list[str]] = {}
    for name in names:
        for part in (name, *name.split("/")):
            parts.setdefault(part, []).append(name)
    near = difflib.get_close_matches(pattern.strip("/"), parts, 3, 0.5)
    paths = list(dict.fromkeys(name for part in near for name in parts[part])) or list(names)
    return f"the {'nearest ' if near else ''}paths are {_few(paths)}"


def _patterns(where: str, name: str, patterns: Sequence[object]) -> tuple[str, ...]:
    """Regular expressions, as strings."""
    for pattern in patterns:
        if not isinstance(pattern, str):
            allowed = "a regular expression on a path, as a string"
            checks.raise_bad_argument(where, name, pattern, allowed, error=TypeError)
        try:
            re.compile(pattern)
        except re.error as error:
            fix = f"{error}; put a backslash before a literal special character"
            checks.raise_bad_argument(where, name, pattern, "a regular expression", fix)
    return tuple(str(pattern) for pattern in patterns)


def _check_all_match(where: str, name: str, patterns: Sequence[str], used: set[str], names: Sequence[str]):
    """Raise an error for a pattern that matches no parameter."""
    for pattern in patterns:
        if pattern in used:
            continue
        shadowed = [path for path in names if re.search(pattern, path)]
        allowed = "patterns that each match a parameter"
        fix = f"{pattern!r} matches none; {_nearest(pattern, names)}"
        if shadowed:
            allowed += " that no earlier pattern matches"
            fix = f"earlier patterns match all that {pattern!r} does, {_few(shadowed)}: move it to the front"
        checks.raise_bad_argument(where, name, list(patterns), allowed, fix)


# ------------------------------------------------------------------ groups


@checks.by_name
class Groups(optax.GradientTransformationExtraArgs):
    """A gradient transformation that multiplies updates by the factors of their groups. `groups` returns it.

    It can be compared, and prints as code. It is a pytree whose leaves are the numbers of its factors, so it
    may be an argument of a jitted function.

    Attributes:
      factors: The factor of each pattern, as a `Schedule`, in the order in which the patterns are tried.
    """

    factors: dict[str, Schedule]
    _lost_order: bool

    def __new__(cls, factors: dict[str, Schedule], lost_order: bool = False) -> Groups:
        init = functools.partial(_init, factors, lost_order)
        update = functools.partial(_update, factors, lost_order)
        made = super().__new__(cls, init, update)  # pyright: ignore[reportArgumentType] # any state, to Optax
        made.factors, made._lost_order = factors, lost_order
        return made

    def labels(self, params: optax.Params) -> optax.Params:
        """Return the pattern of each parameter, as a tree of the same structure, for ``optax.partition``.

        Args:
          params: The parameters, or anything of the same structure.

        Returns:
          A tree of strings.

        Raises:
          ValueError: If a parameter is in no group, or a pattern matches none.

        >>> import warmup_optax as wo
        >>> wo.groups({"bias": 0.5, "": 1.0}).labels({"bias": 0.0, "w": 1.0})
        {'bias': 'bias', 'w': ''}
        """
        return jax.tree.unflatten(jax.tree.structure(params), self._labels("groups.labels", params))

    def rates(self, schedule: ScheduleLike, opt_state: StateLike) -> dict[str, jax.Array]:
        """Return the learning rate of each group at the last update, from an optimizer state: the rates to log.

        Args:
          schedule: The learning rate that the optimizer was given, as for `applied_value`.
          opt_state: The state after the update. It contains the state of the groups.

        Returns:
          A dict from each pattern to a JAX scalar, ``schedule(n) * factor(n)`` for the last update ``n``,
          inside and outside of ``jit``. Before the first update, the rates that it will use. Counts advance
          as the table of `applied_value` says. Inside ``jit``, NaN where counts that should agree do not.

        Raises:
          ValueError: If the state has no groups, or no single count, or if it is that of an optimizer for
            which a factor behind it is not a rate (see `groups`).

        >>> import optax, warmup_optax as wo
        >>> schedule, by_group = wo.linear(1.0, 0.0, 4), wo.groups({"bias": 0.5, "": 1.0})
        >>> optimizer = optax.chain(optax.sgd(schedule), by_group)
        >>> opt_state = optimizer.init({"bias": 0.0, "w": 1.0})
        >>> {pattern: float(rate) for pattern, rate in by_group.rates(schedule, opt_state).items()}
        {'bias': 0.5, '': 1.0}
        """
        where = "groups.rates"
        self._check_optimizer(where, opt_state)
        rate = applied_value(schedule, opt_state)
        found = count_of(where, opt_state, GroupsState)
        return {
            pattern: rate * value_at_last_update(factor, found).astype(rate.dtype)
            for pattern, factor in self.factors.items()
        }

    def describe(
        self,
        params: optax.Params,
        schedule: ScheduleLike,
        total_steps: Steps | HasLength,
        *,
        opt_state: StateLike | None = None,
    ) -> str:
        """Return a table of the groups: their arrays and numbers, their factors, and their rates in a run.

        Args:
          params: The parameters, or their shapes (``jax.eval_shape``).
          schedule: The learning rate that the optimizer is given: a schedule, a function of a count, or a
            number. Of a `with_feedback` it is the schedule without the feedback.
          total_steps: The length of the run in updates, >= 1, or a `TrainingRun`.
          opt_state: The optimizer's state. If it is given, `describe` checks that a factor behind this
            optimizer is a rate.

        Returns:
          Text with a line for each group, in the order of the patterns. ``highest`` is the highest rate in
          the run. In a run of more than 65,536 updates it is that of at most 65,536 of them.

        Raises:
          ValueError: If a parameter is in no group, if a pattern matches none, or as `rates` does.

        >>> import jax.numpy as jnp, warmup_optax as wo
        >>> params = {"embed": jnp.ones((8, 4)), "head": {"kernel": jnp.ones((4, 2)), "bias": jnp.ones(2)}}
        >>> schedule = wo.warmup_cosine(1e-3, warmup_steps=10, total_steps=100)
        >>> print(wo.groups({"embed": 0.1, "": 1.0}).describe(params, schedule, 100))
        group    arrays  numbers  factor  first  highest      last
        'embed'       1       32     0.1      0   0.0001  3.05e-08
        ''            2       10       1      0    0.001  3.05e-07
        """
        where = "groups.describe"
        if opt_state is not None:
            self._check_optimizer(where, opt_state)
        total = run_length(where, total_steps)
        labels = self._labels(where, params)
        sizes = [math.prod(getattr(leaf, "shape", ())) for leaf in jax.tree.leaves(params)]
        base = as_schedule_argument(where, "schedule", to_look_at(schedule))
        counts = np.arange(total) if total <= _SAMPLED else _spread(total)
        of_optimizer = sample(base, counts)
        rows = [["group", "arrays", "numbers", "factor", "first", "highest", "last"]]
        for pattern, factor in self.factors.items():
            mine = [size for size, label in zip(sizes, labels, strict=True) if label == pattern]
            rates = of_optimizer * sample(factor, counts)
            shown = f"{float(factor.value):.3g}" if type(factor) is Constant else "schedule"
            found = (f"{float(rate) + 0.0:.3g}" for rate in (rates[0], rates.max(), rates[-1]))
            rows.append([repr(pattern), str(len(mine)), str(sum(mine)), shown, *found])
        columns = []
        for header, *cells in zip(*rows, strict=True):
            width, align = max(map(len, (header, *cells))), "<" if header == "group" else ">"
            columns.append([f"{cell:{align}{width}}" for cell in (header, *cells)])
        return "\n".join("  ".join(cells) for cells in zip(*columns, strict=True))

    def _labels(self, where: str, params: optax.Params) -> list[str]:
        return _matched(where, self.factors, self._lost_order, params, strict=True)

    def _check_optimizer(self, where: str, opt_state: StateLike) -> None:
        constant = all(type(factor) is Constant for factor in self.factors.values())
        name = _no_rate(opt_state, constant)
        if name:
            raise ValueError(
                f"{where}: opt_state must be of an optimizer whose last act is to multiply by its learning "
                f"rate, got that of {name}, for which a factor behind it is not a learning rate; "
                "give each group an optimizer: optax.partition(optimizers, groups(...).labels)"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Groups) and list(self.factors.items()) == list(other.factors.items())

    def __hash__(self) -> int:
        return hash(tuple(self.factors.items()))

    def __repr__(self) -> str:
        factors = (
            f"{pattern!r}: {factor.value if type(factor) is Constant else factor!r}"
            for pattern, factor in self.factors.items()
        )
        return f"groups({{{', '.join(factors)}}})"

    def __reduce__(self) -> tuple[Callable[..., Groups], tuple[dict[str, Schedule]]]:
        return groups, (self.factors,)


def _matched(
    where: str, factors: Mapping[str, Schedule], lost_order: bool, tree: optax.Params, *, strict: bool
) -> list[str]:
    """Return the first pattern that matches each path. ``strict`` is for a whole tree of parameters."""
    names, found, without = _names(tree), [], []
    for name in names:
        matches = [pattern for pattern in factors if re.search(pattern, name)]
        if lost_order and len(matches) > 1:
            fix = (
                "jit sorts the keys of a dict that is its argument: pass the groups(...) themselves to the "
                "jitted function, or a collections.OrderedDict"
            )
            allowed = f"in the order in which you wrote them, because {name!r} matches several"
            checks.raise_bad_argument(where, "factors", list(factors), allowed, fix)
        found.extend(matches[:1])
        without.extend([] if matches else [name])
    if without:
        patterns = _few(list(factors))
        fix = f'add a pattern for them, or "" as the last one, which matches all; the patterns are {patterns}'
        allowed = "all in a group"
        checks.raise_bad_argument(where, "params", _Paths(without), allowed, fix)
    if strict:
        _check_all_match(where, "factors", list(factors), set(found), names)
    return found


def _spread(total: int) -> np.ndarray:
    """Counts of a long run: half of them evenly spaced, half by ratio, for the warmup."""
    even, early = np.linspace(0, total - 1, _SAMPLED // 2), np.geomspace(1, total, _SAMPLED // 2) - 1
    return np.unique(np.concatenate([even, early]).round().astype(np.int64))


class _Paths(list[str]):
    """Paths that print as some of them."""

    def __repr__(self) -> str:
        return f"{_few(self)} in none"


def _init(factors: Mapping[str, Schedule], lost_order: bool, params: optax.Params) -> GroupsState:
    _matched("groups", factors, lost_order, params, strict=True)
    return GroupsState(jnp.zeros((), jnp.int32))


def _update(
    factors: Mapping[str, Schedule],
    lost_order: bool,
    updates: optax.Updates,
    state: GroupsState,
    params: optax.Params | None = None,
    **extra_args: object,
) -> tuple[optax.Updates, GroupsState]:
    now = {pattern: factor(state.count) for pattern, factor in factors.items()}
    labels = _matched("groups", factors, lost_order, updates, strict=False)
    leaves, structure = jax.tree.flatten(updates)
    scaled = [_times(leaf, now[label]) for leaf, label in zip(leaves, labels, strict=True)]
    return jax.tree.unflatten(structure, scaled), GroupsState(jnp.asarray(optax.safe_increment(state.count)))


def _times(update: jax.Array, factor: jax.Array) -> jax.Array:
    """Return the product, rounded once to the dtype of the update. A factor of 0 gives 0 for any update."""
    update = jnp.asarray(update)
    wide = jnp.promote_types(update.dtype, factor.dtype)
    # Not 0 where the factor is: the product's derivative with respect to the factor is the update.
    finite = jnp.where((factor == 0) & ~jnp.isfinite(update), 0, update)
    return (finite.astype(wide) * factor.astype(wide)).astype(update.dtype)


def _flatten(tree: Groups) -> tuple[tuple[Schedule, ...], tuple[tuple[str, ...], bool]]:
    return tuple(tree.factors.values()), (tuple(tree.factors), tree._lost_order)


def _unflatten(static: tuple[tuple[str, ...], bool], factors: Sequence[Schedule]) -> Groups:
    patterns, lost_order = static
    return Groups(dict(zip(patterns, factors, strict=True)), lost_order)


jax.tree_util.register_pytree_node(Groups, _flatten, _unflatten)


def _no_rate(opt_state: StateLike, constant: bool) -> str:
    """Return the name of an optimizer in a state for which a factor is not a rate, or ""."""
    found = list(states(opt_state))
    for _, node in found:
        name = _NOT_A_RATE.get(type(node).__name__) or _no_rate(tuple(node), constant)
        if name:
            return name
    # The states of a chain are next to each other in a tuple.
    for _, chained in itertools.groupby(found, key=lambda place: place[0][:-1]):
        kinds = [type(node).__name__ for _, node in chained]
        if "FactoredState" in kinds:
            # Without either there are at most 5: the moments, the clipping, the rate, the parameters' scale,
            # the sign; and behind a scheduled rate at most 2.
            behind = (
                kinds[kinds.index("ScaleByScheduleState") + 1 :] if "ScaleByScheduleState" in kinds else []
            )
            if "EmaState" in kinds or "MaskedState" in kinds or len(kinds) > 5 or len(behind) > 2:
                return "adafactor with momentum or weight_decay_rate"
        for before, after in itertools.pairwise(kinds):
            if not constant and before == "ScaleByScheduleState" and after in _AVERAGES:
                return "an optimizer with momentum behind its rate (lars, rmsprop), with factors that change"
    return ""


@checks.by_name
def groups(factors: Mapping[str, ScheduleLike]) -> Groups:
    r"""Multiply the update of each parameter by the factor of its group.

    Also known as parameter groups, ``lr_mult``, per-parameter options, discriminative learning rates. Chain it
    after an optimizer: ``optax.chain(optax.adamw(schedule), groups({...}))``. Update :math:`n` of a parameter
    in group :math:`g` is

    .. math:: f_g(n) \, u_n

    with :math:`u_n` the update of the optimizer. An optimizer whose last act is to multiply by its learning
    rate :math:`\eta(n)` then acts as with the rate :math:`f_g(n) \, \eta(n)`, including its weight decay. All
    groups share one state, whereas ``optax.partition`` needs an optimizer for each group.

    Args:
      factors: A dict from patterns to factors. A pattern is a regular expression that is searched for in the
        path of each parameter, such as ``layers/3/attn/kernel``: keys, attributes and indices, joined by
        slashes. The first pattern that matches wins, and ``""`` matches all. A factor is a number >= 0 or a
        schedule of the number of updates before, from 0. A factor of 0 freezes the group. Numbers may be
        traced.

    Returns:
      An ``optax.GradientTransformation`` with ``labels(params)``, ``describe(params, schedule, total_steps)``
      and ``rates(schedule, opt_state)``. Updates keep their dtype.

    Raises:
      ValueError: If a factor is negative or not finite, or a pattern is no regular expression. When ``init``
        is called, if a parameter matches no pattern, or if a pattern matches no parameter that no earlier one
        matches. The message has the paths.
      TypeError: If ``factors`` is not a dict from strings to numbers, schedules or functions of a count.

    **For which optimizers.** A factor behind the optimizer equals a learning rate per group for ``sgd``,
    ``adam``, ``adamw``, ``lion``, ``lamb``, ``contrib.muon``, plain ``adafactor`` and most others of Optax.
    For these it does not, and each group needs its optimizer in an ``optax.partition``:

    * ``contrib.prodigy``, ``contrib.dadapt_adamw``, ``contrib.mechanize``, ``contrib.momo``,
      ``contrib.momo_adam`` and ``contrib.cocob``, which estimate a rate for all parameters together;
    * ``contrib.schedule_free``, ``contrib.madgrad``, ``lbfgs`` and ``fromage``;
    * ``adafactor`` with ``weight_decay_rate``, which is added behind the rate; and ``adafactor`` with
      ``momentum``, ``lars`` and ``rmsprop`` with ``momentum``, which average behind the rate. There a factor
      that changes acts immediately, and in a ``partition`` it acts through the average.

    ``rates`` raises an error where the optimizer's state shows one of these, and so does ``describe`` with an
    ``opt_state``. ``init`` cannot tell.

    **A factor of 0** makes the updates exactly 0, so the parameters stay as they are. Their gradients are still
    computed, they count in ``clip_by_global_norm``, and their moments are stored. ``optax.freeze`` saves those,
    for parameters that are never trained.

    **Factors are data.** Groups are a pytree. Pass them to a jitted train step, or make them inside of it from
    traced numbers: it compiles once. ``jax.vmap`` runs several together. A plain dict that is an argument of a
    jitted function arrives sorted by its keys, so ``groups`` raises an error where the order matters.

    ``MultiSteps``, ``apply_if_finite`` and the like go around the whole chain; then the factors count real
    updates. Other libraries: PyTorch's parameter groups take absolute rates, and each parameter is listed.

    >>> import jax, jax.numpy as jnp, optax, warmup_optax as wo
    >>> params = {"embed": jnp.ones(2), "layers": [{"w": jnp.ones(2)}, {"w": jnp.ones(2)}]}
    >>> by_group = wo.groups({"embed": 0.0, "layers/0/": wo.linear(0.0, 1.0, 4), "": 1.0})
    >>> optimizer = optax.chain(optax.sgd(0.5), by_group)
    >>> updates, opt_state = optimizer.update(params, optimizer.init(params), params)
    >>> updates, opt_state = optimizer.update(params, opt_state, params)
    >>> jax.tree.map(lambda x: float(x[0]), updates["layers"])
    [{'w': -0.125}, {'w': -0.5}]
    """
    where = "groups"
    if not isinstance(factors, Mapping) or not factors:
        fix = 'write groups({"embed": 0.1, "": 1.0})'
        kind = TypeError if not isinstance(factors, Mapping) else ValueError
        checks.raise_bad_argument(
            where, "factors", factors, "a dict from patterns to factors", fix, error=kind
        )
    made: dict[str, Schedule] = {}
    for pattern in _patterns(where, "factors", list(factors)):
        factor, name = factors[pattern], f"factors[{pattern!r}]"
        if isinstance(factor, Schedule) or callable(factor):
            made[pattern] = as_schedule_argument(where, name, factor)
        else:
            fix = "0 freezes a group; a negative factor would increase the loss"
            made[pattern] = Constant(checks.number(where, name, factor, at_least=0, fix=fix))
    is_traced = any(checks.is_traced(leaf) for leaf in jax.tree.leaves(list(made.values())))
    return Groups(made, is_traced and type(factors) is dict and list(factors) == sorted(factors))


# ------------------------------------------------------------------ what goes with them


@checks.by_name
def layerwise(
    decay: Number,
    num_layers: Steps,
    *,
    pattern: str = "layers/{}/",
    before: Sequence[str] = ("embed",),
    after: Sequence[str] = ("head",),
) -> dict[str, Number]:
    r"""Return the factors of layer-wise learning-rate decay, for `groups`. Also known as LLRD.

    .. math:: f_i = d^{L - i} \ (i = 0, ..., L - 1), \qquad f_\text{before} = d^{L + 1}, \qquad f_\text{after} = 1

    Args:
      decay: :math:`d`, above 0 and at most 1; often 0.65 to 0.95. It may be traced.
      num_layers: :math:`L`, a whole number >= 1.
      pattern: The regular expression of a layer. ``{}`` in it is the number of the layer, from 0. End it with
        what follows the number, because ``layers/1`` also matches ``layers/10``.
      before: Patterns of the parameters before the first layer: the embeddings.
      after: Patterns of the parameters after the last layer: the final norm, the head.

    Returns:
      A new dict from patterns to factors, the layers first, so that an embedding inside a layer belongs to
      its layer. Add to it what else the model has: ``layerwise(0.75, 12) | {"": 1.0}``.

    Raises:
      ValueError: If a number is out of its range, or ``pattern`` has no ``{}``.
      TypeError: If an argument is of the wrong type.

    These are the factors of BEiT, MAE and timm. ELECTRA's code counts one layer more below the head: its
    embeddings have :math:`d^{L + 2}`, and its layers :math:`d^{L + 1 - i}`.

    Source: Clark et al., ELECTRA (2020), arXiv:2003.10555, appendix B; Bao et al., BEiT (2021),
    arXiv:2106.08254, appendix H.

    >>> import warmup_optax as wo
    >>> wo.layerwise(0.5, 2)
    {'layers/0/': 0.25, 'layers/1/': 0.5, 'embed': 0.125, 'head': 1.0}
    """
    where = "layerwise"
    decay = checks.number(where, "decay", decay, above=0, at_most=1)
    layers = checks.steps(where, "num_layers", num_layers, at_least=1)
    if checks.is_traced(layers):
        checks.raise_bad_argument(where, "num_layers", layers, "known before tracing", error=TypeError)
    if "{}" not in _patterns(where, "pattern", [pattern])[0]:
        allowed, fix = "a pattern with {} for the number of the layer", 'write "layers/{}/", say'
        checks.raise_bad_argument(where, "pattern", pattern, allowed, fix)
    ends = {"before": before, "after": after}
    for name, patterns in ends.items():
        allowed = "a sequence of patterns"
        ends[name] = _patterns(where, name, checks.sequence(where, name, patterns, allowed))
    powers = {pattern.replace("{}", str(i)): layers - i for i in range(int(layers))}
    powers |= dict.fromkeys(ends["before"], layers + 1) | dict.fromkeys(ends["after"], 0)
    return {found: decay**power for found, power in powers.items()}


@dataclasses.dataclass(frozen=True)
class PathMask:
    """A mask by path. `path_mask` returns it.

    Attributes:
      patterns: The regular expressions.
      matches: The value where one of them matches; False for the complement, ``~mask``.
    """

    patterns: tuple[str, ...]
    matches: bool = True

    def __call__(self, params: optax.Params) -> optax.Params:
        """Return the mask of a tree of parameters: a tree of bools with the same structure."""
        names = _names(params)
        found = [{pattern for pattern in self.patterns if re.search(pattern, name)} for name in names]
        _check_all_match("path_mask", "patterns", self.patterns, set().union(*found), names)
        values = [bool(each) is self.matches for each in found]
        return jax.tree.unflatten(jax.tree.structure(params), values)

    def __invert__(self) -> PathMask:
        return dataclasses.replace(self, matches=not self.matches)

    def __repr__(self) -> str:
        return f"{'' if self.matches else '~'}path_mask({', '.join(map(repr, self.patterns))})"


@checks.by_name
def path_mask(*patterns: str) -> PathMask:
    """Make a mask by path: True for the parameters whose path matches a pattern.

    Use it for ``mask`` of ``optax.adamw`` and ``optax.add_decayed_weights``, and for ``optax.masked``. ``~mask``
    is its complement: ``mask=~path_mask("bias", "norm")`` decays all weights except biases and norms.

    Args:
      *patterns: Regular expressions on the path of a parameter, as in `groups`; at least one.

    Returns:
      A function from a tree of parameters to a tree of bools. It compares, hashes and prints as code.

    Raises:
      ValueError: If a pattern is no regular expression, or none is given. When the mask is applied, if a
        pattern matches no parameter; the message has the nearest paths.
      TypeError: If a pattern is not a string.

    >>> import warmup_optax as wo
    >>> mask = wo.path_mask("kernel$", "embed")
    >>> mask({"embed": 0.0, "dense": {"kernel": 0.0, "bias": 0.0}})
    {'dense': {'bias': False, 'kernel': True}, 'embed': True}
    >>> ~mask
    ~path_mask('kernel$', 'embed')
    """
    if not patterns:
        fix = 'write path_mask("kernel$"), say'
        checks.raise_bad_argument("path_mask", "patterns", patterns, "at least one pattern", fix)
    return PathMask(_patterns("path_mask", "patterns", patterns))
