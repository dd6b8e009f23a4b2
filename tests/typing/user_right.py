"""Right calls: a checker passes this file as it stands. It is also run, so nothing here is only well typed."""

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]  # it has no py.typed

import warmup_optax as wo

# ------------------------------------------------------------------ every factory gives its class, a Schedule
constant: wo.Schedule = wo.constant(1e-3)
line: wo.Schedule = wo.linear(0.0, 1.0, 10)
half_cosine: wo.Schedule = wo.cosine(1.0, 0.0, steps=10, exponent=2)
bend: wo.Schedule = wo.polynomial(1.0, 0.0, 10, power=2, origin="init")
root: wo.Schedule = wo.one_minus_sqrt(1.0, 0.0, 10)
log_line: wo.Schedule = wo.geometric(1e-5, 1.0, 10)
halving: wo.Schedule = wo.exponential(
    1.0, decay_rate=0.5, transition_steps=10, staircase=True, end_value=1e-3
)
inverse_sqrt: wo.Schedule = wo.inverse_sqrt(1.0, timescale=100)
inverse_time: wo.Schedule = wo.inverse_time(1.0, decay_rate=0.5, transition_steps=10)
steps: wo.Schedule = wo.piecewise_constant([1.0, 0.1], [10])
knots: wo.Schedule = wo.piecewise_linear((0.0, 1.0, 0.5), (0, 10, 20))
rare: list[wo.Schedule] = [
    wo.shapes.tanh(1.0, 0.0, 10),
    wo.shapes.rex(1.0, 0.0, 10),
    wo.shapes.radam(1.0, b2=0.999),
]

# Numbers are whatever float() takes.
numbers = [
    wo.linear(0, np.float32(1), np.int64(10)),
    wo.linear(Fraction(1, 3), jnp.float32(1), 10.0),
    wo.warmup_cosine(jnp.asarray(1e-3), warmup_steps=np.int32(10), total_steps=100),
]

# ------------------------------------------------------------------ recipes
cosine = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000, hold_steps=10, end_value=3e-5)
wo.warmup_constant(1e-3, warmup_steps=10)
wo.warmup_linear(1e-3, warmup_steps=10, total_steps=100)
wo.warmup_polynomial(1e-3, power=2, warmup_steps=10, total_steps=100)
wo.warmup_exponential(1e-3, warmup_steps=10, decay_rate=0.5, transition_steps=10)
wo.warmup_piecewise_constant([1e-3, 1e-4], [50], warmup_steps=10)
wo.warmup_inverse_sqrt(1e-3, warmup_steps=10)
stable = wo.warmup_stable_decay(1e-3, warmup_steps=10, decay_steps=20, total_steps=100, decay_shape=wo.linear)
wo.warmup_cosine_restarts(1e-3, warmup_steps=10, cycle_steps=20, growth=1.5, decay=0.9)
wo.one_cycle(1e-3, total_steps=100, shape=wo.linear)
peak: float = float(cosine.peak_value)  # mypy reads the type that the field accepts, pyright float
recipe: wo.nodes.WarmupCosine = cosine
longer: wo.nodes.WarmupCosine = dataclasses.replace(cosine, total_steps=2000)
replaced = dataclasses.replace(wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000), total_steps=2000)

# ------------------------------------------------------------------ combinators and operators
joined = wo.join([line, optax.linear_schedule(1.0, 0.0, 10), 0.1], [10, 20], offsets=None)
slow_start = partial(wo.polynomial, power=2, origin="init")
warm: wo.Schedule = wo.with_warmup(cosine, steps=10, shape=slow_start, overlap=True)
cooled: wo.Schedule = wo.with_cooldown(stable, begin=50, steps=10, shape=wo.one_minus_sqrt)
clocks: list[wo.Schedule] = [
    wo.shift(line, 5),
    wo.stretch(line, Fraction(1, 2)),
    wo.staircase(line, 5),
    wo.restart(line, period=10),
]
bounded: list[wo.Schedule] = [wo.minimum(line, 0.5, stable), wo.maximum(line, cosine)]
clipped = wo.clip(line, min_value=0.1)
# A variable that is assigned another kind of schedule later is declared as a `wo.Schedule`.
s: wo.Schedule = wo.linear(0.0, 1.0, 10)
s = s * 2
s = wo.with_warmup(s, steps=10)
chosen: wo.Schedule
if peak > 1e-3:
    chosen = wo.warmup_cosine(peak, warmup_steps=100, total_steps=1000)
else:
    chosen = wo.warmup_linear(peak, warmup_steps=100, total_steps=1000)
s = 2 * s + 0.1 - line / 4
s = -s * np.float32(0.5) + (lambda count: 0.1)
s = sum([line, line], start=wo.constant(0.0))
from_function: wo.Schedule = wo.as_schedule(optax.exponential_decay(0.1, 10, 0.9))

# ------------------------------------------------------------------ a schedule is called, and is Optax's
value: jax.Array = cosine(0)
several: jax.Array = cosine([0, 50, 100])
many: jax.Array = cosine(jnp.arange(10)) + cosine(np.arange(10)) + cosine(range(10))
as_optax: optax.Schedule = cosine
optimizer = optax.adamw(learning_rate=cosine)
optax.inject_hyperparams(optax.sgd)(learning_rate=cosine)
optax.join_schedules([cosine, optax.constant_schedule(0.1)], [10])
compiled: jax.Array = jax.jit(cosine)(3)
slope: wo.Schedule = jax.grad(lambda schedule: schedule(50), allow_int=True)(line)


def train_step(schedule: optax.Schedule, count: jax.Array) -> jax.Array:
    """A program that only uses the types of Optax."""
    return jnp.asarray(schedule(count))


train_step(cosine, jnp.int32(3))

# ------------------------------------------------------------------ as data
stacked: wo.Schedule = wo.stack([wo.linear(0.0, p, 10) for p in (1.0, 2.0)])
rows: list[wo.Schedule] = wo.unstack(stacked)
config: dict[str, Any] = wo.to_config(cosine)
loaded: wo.Schedule = wo.from_config(config)
mapping: Mapping[str, Any] = config
again: wo.Schedule = wo.from_config(mapping)


# ------------------------------------------------------------------ nodes of a user's own
class Breathing(wo.Schedule):
    """A number, a schedule and a choice."""

    child: wo.Schedule
    period: float
    name: str = wo.static(default="slow")

    def evaluate(self, time: wo.Time) -> Any:
        """The child, swelling and shrinking."""
        return self.child.evaluate(time) * (1.5 + 0.5 * jnp.cos(2 * jnp.pi * time.ratio(self.period)))


class Straight(wo.FiniteSchedule):
    """A finite shape, with a fourth field."""

    unused: float = 0.0

    def weights(self, p: Any, q: Any) -> tuple[Any, Any]:
        """A straight line's."""
        return q, p


class Both(wo.Schedule):
    """An expression of other schedules."""

    peak: float

    def lower(self) -> Any:
        """The equivalent schedule, lowered."""
        return wo.join([wo.linear(0.0, self.peak, 10), wo.constant(self.peak)], [10]).lower()


breathing = Breathing(cosine, 50.0, name="fast")
word: str = breathing.name
period: float = breathing.period
straight = Straight(0.0, 1.0, steps=10, unused=1.0)
straights: list[Straight] = wo.unstack(wo.stack([straight, Straight(0.0, 2.0, 10)]))
stack_of_own: Straight = wo.stack([straight, straight])
lengthened: Straight = dataclasses.replace(straight, steps=20)
wo.with_warmup(breathing, steps=10, shape=Straight)
wo.join([Both(1.0), breathing], [20])(3)

# ------------------------------------------------------------------ tools
findings: list[wo.nodes.Finding] = wo.check(cosine, 1000, ignore=["jump"])
severities = {finding.severity == "warning" for finding in findings} | {
    f.step > 0 and f.message for f in findings
}
text: str = wo.describe(cosine)
sampled: np.ndarray = wo.sample(cosine, range(100))
comparison: wo.nodes.Comparison = wo.compare(cosine, longer, 100)
first: int | None = comparison.first_difference
run = wo.TrainingRun(num_examples=50_000, batch_size=128, num_epochs=90)
whole: int = run.steps(epochs=5)
ramp = wo.TrainingRun(batch_size=[(0, 8), (800, 16)], tokens_per_example=10, total_tokens=10**6)
in_tokens: wo.Schedule = ramp.in_steps(wo.linear(1.0, 0.0, 10**6), unit="tokens")
rate: float = wo.scale_learning_rate(0.1, batch_size=1024, rule="sqrt")
scaled: dict[str, float] = wo.scale_hyperparams(
    learning_rate=3e-4, batch_size=512, base_batch_size=256, b1=0.9, length_ratio=2
)
change: wo.nodes.Transfer = wo.transfer_peak(cosine, 0.1, total_steps=1000, norms=[1.0] * 1000)
new_peak: float = 3e-4 * change.factor
bound: jax.Array = wo.transfer_bound(cosine, total_steps=1000).bound
ramped, ramped_run = wo.seesaw(cosine, total_steps=1000, batch_size=8, doublings=2)
ramped_steps: int = ramped_run.total_steps
untuned: int = wo.adam_warmup_steps(0.999)
suggestion: wo.nodes.Suggestion = wo.suggest_learning_rate(
    np.geomspace(1e-5, 1.0, 30), list(np.linspace(2.0, 1.0, 30))
)
weights: np.ndarray = wo.checkpoint_weights(wo.one_minus_sqrt, 4)

# ------------------------------------------------------------------ in the optimizer
params = {"w": jnp.ones(3)}
state = optimizer.init(params)
updates, state = optimizer.update(params, state, params)
applied: jax.Array = wo.applied_value(cosine, state)
following: jax.Array = wo.next_value(cosine, state)
count: jax.Array = wo.update_count(state)
both: optax.GradientTransformationExtraArgs = wo.scheduled(
    optax.adamw, learning_rate=cosine, weight_decay=line
)
rates: dict[str, jax.Array] = wo.applied_values(both.init(params))
reacting: wo.nodes.FeedbackSchedule = wo.with_feedback(cosine, wo.feedback.Plateau(begin=100, factor=0.5))
reacting_optimizer = wo.scheduled(optax.adamw, learning_rate=reacting)
of_reacting: jax.Array = wo.applied_value(reacting, reacting_optimizer.init(params))
by_group: optax.GradientTransformation = wo.groups(wo.layerwise(0.75, 12) | {"bias": line, "": 1.0})
grouped = wo.groups({"": 1.0})
of_groups: dict[str, jax.Array] = grouped.rates(
    cosine, optax.chain(optax.adamw(cosine), grouped).init(params)
)
masked = optax.adamw(cosine, weight_decay=0.1, mask=~wo.path_mask("bias", "norm"))

# ------------------------------------------------------------------ ports
ported: list[wo.Schedule] = [
    wo.compat.keras.CosineDecay(0.1, decay_steps=100),
    wo.compat.torch.StepLR(0.1, step_size=10),
    wo.compat.transformers.get_linear_schedule_with_warmup(0.1, num_warmup_steps=1, num_training_steps=10),
]
factory: Callable[..., wo.Schedule] = wo.compat.optax.cosine_decay_schedule

# ------------------------------------------------------------------ errors, pictures, adapters
try:
    wo.linear(0.0, 1.0, -1)
except wo.ArgumentError as error:
    parts: tuple[str, str, str] = error.function, error.argument, error.fix


def show() -> None:
    """A picture of two."""
    axes = wo.plot({"one": cosine, "two": lambda count: 0.1}, 1000)
    axes.set_title("two")


def to_keras() -> Any:
    """For a Keras optimizer."""
    return wo.to_keras(cosine)
