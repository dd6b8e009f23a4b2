"""Every schedule of the library as a naive float64 equation: what the tests measure against.

Nothing here imports the library or JAX. A schedule is a `Curve`: a function from an array of counts
to an array of float64 values. The names and signatures are those of `warmup_optax`, so one
expression can be built on both sides (see `catalogue.py`).

float64 leaves 29 bits below float32, so plain NumPy is accurate enough as long as nothing cancels:
the elapsed fraction `p` and the remaining fraction `q` are each formed from exact counts, and each
weight from the fraction that makes it small. Restart bounds are exact rationals.
"""

import bisect
import functools
from fractions import Fraction

import numpy as np

LARGEST_COUNT = 2**33  # restart bounds are listed up to here: past every count of 32 bits


class Curve:
    """A function of the count that holds its value at 0 before 0, with the same operators."""

    def __init__(self, equation):
        self.equation = equation

    def __call__(self, counts):
        counts = np.maximum(np.asarray(counts, np.float64), 0.0)
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return np.asarray(self.equation(counts), np.float64) + np.zeros(counts.shape)

    def __mul__(self, other):
        return Curve(lambda t: self(t) * as_schedule(other)(t))

    def __add__(self, other):
        return Curve(lambda t: self(t) + as_schedule(other)(t))

    def __sub__(self, other):
        return Curve(lambda t: self(t) - as_schedule(other)(t))

    def __rsub__(self, other):
        return as_schedule(other) - self

    def __truediv__(self, other):
        return Curve(lambda t: self(t) / as_schedule(other)(t))

    def __neg__(self):
        return Curve(lambda t: -self(t))

    __rmul__ = __mul__
    __radd__ = __add__


def as_schedule(value):
    if isinstance(value, Curve):
        return value
    return Curve(value) if callable(value) else constant(value)


# ------------------------------------------------------------------------- shapes that end
def _between(init_value, end_value, steps, weights):
    """`init * w_remaining + end * w_elapsed`; `weights(p, q)` gives the two weights."""

    def equation(t):
        if steps == 0:
            return np.full(t.shape, float(end_value))
        p, q = np.minimum(t, steps) / steps, np.maximum(steps - t, 0) / steps
        remaining, elapsed = weights(p, q)
        return init_value * remaining + end_value * elapsed

    return Curve(equation)


def _one_minus_power(x, k):
    """`1 - (1 - x)**k` without cancellation for a small x."""
    return -np.expm1(k * np.log1p(-x))


def linear(init_value, end_value, steps):
    return _between(init_value, end_value, steps, lambda p, q: (q, p))


def cosine(init_value, end_value, steps, *, exponent=1.0):
    def weights(p, q):
        remaining, elapsed = np.sin(np.pi / 2 * q) ** 2, np.sin(np.pi / 2 * p) ** 2
        if exponent == 1:
            return remaining, elapsed
        return remaining**exponent, _one_minus_power(elapsed, exponent)

    return _between(init_value, end_value, steps, weights)


def polynomial(init_value, end_value, steps, *, power, origin="end"):
    def weights(p, q):
        if origin == "end":
            return q**power, _one_minus_power(p, power)
        return _one_minus_power(q, power), p**power

    return _between(init_value, end_value, steps, weights)


def one_minus_sqrt(init_value, end_value, steps):
    return _between(init_value, end_value, steps, lambda p, q: (q / (1 + np.sqrt(p)), np.sqrt(p)))


def geometric(init_value, end_value, steps):
    log_curve = linear(np.log(init_value), np.log(end_value), steps)
    return Curve(lambda t: np.exp(log_curve(t)))


# ------------------------------------------------------------------- shapes that never end
def constant(value):
    return Curve(lambda t: np.full(t.shape, float(value)))


def _transitions(t, steps, staircase):
    return np.floor_divide(t, steps) if staircase else t / steps


def exponential(init_value, *, decay_rate, transition_steps, staircase=False, end_value=None):
    def equation(t):
        value = init_value * float(decay_rate) ** _transitions(t, transition_steps, staircase)
        if end_value is None:
            return value
        return np.maximum(value, end_value) if decay_rate < 1 else np.minimum(value, end_value)

    return Curve(equation)


def inverse_sqrt(init_value, *, timescale):
    return Curve(lambda t: init_value * np.sqrt(timescale / (timescale + t)))


def inverse_time(init_value, *, decay_rate, transition_steps, staircase=False):
    return Curve(lambda t: init_value / (1 + decay_rate * _transitions(t, transition_steps, staircase)))


def piecewise_constant(values, boundaries):
    return join([constant(value) for value in values], boundaries)


def piecewise_linear(values, boundaries):
    spans = zip(values, values[1:], boundaries, boundaries[1:], strict=False)
    lines = [linear(a, b, end - begin) for a, b, begin, end in spans]
    return join([constant(values[0]), *lines, constant(values[-1])], boundaries)


# ------------------------------------------------------------------------------ combinators
def join(schedules, boundaries, offsets=None):
    offsets = [0, *boundaries] if offsets is None else offsets
    phases = [as_schedule(schedule) for schedule in schedules]

    def equation(t):
        phase = sum((t >= boundary).astype(int) for boundary in boundaries) + np.zeros(t.shape, int)
        value = np.empty(t.shape)
        for i, (schedule, offset) in enumerate(zip(phases, offsets, strict=True)):
            value[phase == i] = schedule(t[phase == i] - offset)
        return value

    return Curve(equation)


def with_warmup(schedule, *, steps, init_value=0.0, shape=linear, overlap=False):
    schedule = as_schedule(schedule)
    handover = steps if overlap else 0
    ramp = shape(init_value, float(schedule(handover)), steps)
    return join([ramp, schedule], [steps], offsets=[0, steps - handover])


def with_cooldown(schedule, *, begin, steps, end_value=0.0, shape=linear):
    schedule = as_schedule(schedule)
    return join([schedule, shape(float(schedule(begin)), end_value, steps)], [begin])


def shift(schedule, steps):
    schedule = as_schedule(schedule)
    return Curve(lambda t: schedule(t - steps))


@functools.cache
def restart_bounds(period, growth):
    """`bound[i]`, the sum of `period * growth**j` for j < i, as exact rationals, and `growth**i`."""
    bounds, units = [Fraction(0)], [Fraction(1)]
    while bounds[-1] <= LARGEST_COUNT:
        bounds.append(bounds[-1] + period * units[-1])
        units.append(units[-1] * Fraction(growth))
    return bounds, units


def _cycles(t, period, growth):
    """For each count: its cycle, and the count within it as if the cycle had the first length."""
    if growth == 1:
        cycle = np.floor_divide(t, period)
        return cycle, t - cycle * period
    bounds, units = restart_bounds(period, growth)
    counts, where = np.unique(t, return_inverse=True)
    exact = [Fraction(count) for count in counts.tolist()]
    cycle = [bisect.bisect_right(bounds, count) - 1 for count in exact]
    local = [float((count - bounds[i]) / units[i]) for count, i in zip(exact, cycle, strict=True)]
    return (np.reshape(np.array(x, float)[where], t.shape) for x in (cycle, local))


def restart(schedule, *, period, growth=1, decay=1.0):
    schedule = as_schedule(schedule)

    def equation(t):
        cycle, local = _cycles(t, period, growth)
        return schedule(local) * float(decay) ** cycle

    return Curve(equation)


def clip(schedule, min_value=None, max_value=None):
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    return Curve(lambda t: np.clip(as_schedule(schedule)(t), low, high))


# ---------------------------------------------------------------------------------- recipes
def _recipe(peak_value, init_value, warmup_steps, hold_steps, decay):
    """A line up to the peak over [0, W), the peak over [W, W + H), then `decay` from its own 0."""
    ramp = linear(init_value, peak_value, warmup_steps)
    begin = warmup_steps + hold_steps
    return join([ramp, constant(peak_value), decay], [warmup_steps, begin])


def warmup_constant(peak_value, *, warmup_steps, init_value=0.0):
    return _recipe(peak_value, init_value, warmup_steps, 0, constant(peak_value))


def warmup_linear(peak_value, *, warmup_steps, total_steps, hold_steps=0, init_value=0.0, end_value=0.0):
    decay = linear(peak_value, end_value, total_steps - warmup_steps - hold_steps)
    return _recipe(peak_value, init_value, warmup_steps, hold_steps, decay)


def warmup_cosine(
    peak_value,
    *,
    warmup_steps,
    total_steps,
    hold_steps=0,
    init_value=0.0,
    end_value=0.0,
    exponent=1.0,
):
    steps = total_steps - warmup_steps - hold_steps
    decay = cosine(peak_value, end_value, steps, exponent=exponent)
    return _recipe(peak_value, init_value, warmup_steps, hold_steps, decay)


def warmup_polynomial(
    peak_value, *, power, warmup_steps, total_steps, hold_steps=0, init_value=0.0, end_value=0.0
):
    steps = total_steps - warmup_steps - hold_steps
    decay = polynomial(peak_value, end_value, steps, power=power)
    return _recipe(peak_value, init_value, warmup_steps, hold_steps, decay)


def warmup_exponential(
    peak_value,
    *,
    warmup_steps,
    decay_rate,
    transition_steps,
    hold_steps=0,
    staircase=False,
    end_value=None,
    init_value=0.0,
):
    decay = exponential(
        peak_value,
        decay_rate=decay_rate,
        transition_steps=transition_steps,
        staircase=staircase,
        end_value=end_value,
    )
    return _recipe(peak_value, init_value, warmup_steps, hold_steps, decay)


def warmup_piecewise_constant(values, boundaries, *, warmup_steps, init_value=0.0):
    steps = piecewise_constant(values, boundaries)
    ramp = linear(init_value, float(steps(warmup_steps)), warmup_steps)
    return Curve(lambda t: np.where(t < warmup_steps, ramp(t), steps(t)))


def warmup_inverse_sqrt(peak_value, *, warmup_steps, timescale=None, init_value=0.0):
    tau = warmup_steps if timescale is None else timescale
    decay = inverse_sqrt(peak_value, timescale=tau)
    return _recipe(peak_value, init_value, warmup_steps, 0, decay)


def warmup_stable_decay(
    peak_value,
    *,
    warmup_steps,
    decay_steps,
    total_steps,
    init_value=0.0,
    end_value=0.0,
    decay_shape=one_minus_sqrt,
):
    hold_steps = total_steps - decay_steps - warmup_steps
    decay = decay_shape(peak_value, end_value, decay_steps)
    return _recipe(peak_value, init_value, warmup_steps, hold_steps, decay)


def warmup_cosine_restarts(
    peak_value, *, warmup_steps, cycle_steps, growth=1, decay=1.0, init_value=0.0, end_value=0.0
):
    """Only the part from the peak is scaled by decay**i: each cycle falls to the same end."""

    def cycles(t):
        cycle, local = _cycles(t, cycle_steps, growth)
        falling, rising = cosine(1, 0, cycle_steps), cosine(0, 1, cycle_steps)
        return peak_value * float(decay) ** cycle * falling(local) + end_value * rising(local)

    return _recipe(peak_value, init_value, warmup_steps, 0, Curve(cycles))


def one_cycle(
    peak_value,
    *,
    total_steps,
    warmup_fraction=0.3,
    div_factor=25.0,
    final_div_factor=1e4,
    shape=cosine,
):
    """PyTorch's and Optax's one cycle: up from peak/div, down to peak/div/final_div."""
    init_value = peak_value / div_factor
    rise = round(warmup_fraction * total_steps)
    up = shape(init_value, peak_value, rise)
    down = shape(peak_value, init_value / final_div_factor, total_steps - rise)
    return join([up, down], [rise])
