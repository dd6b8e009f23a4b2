"""Every schedule at an exact time: rational numbers for the clock, float64 for the values.

Where a boundary is due, which stair or cycle a count is in, and how far it is in it are questions about whole
and rational numbers, and are answered as such here; `reference` answers the rest. A growth of 1.1 is read as
the decimal that was written, 11/10, so that a cycle of 100 updates is followed by one of exactly 110.
"""

import functools
from fractions import Fraction

from support import cases_powers, cases_waves, reference  # noqa: F401 (they complete the reference)


class Exact:
    """A function of a rational time that holds its value at 0 before 0, with the same operators."""

    def __init__(self, at, steps=None):
        self.at, self.steps = at, steps

    def __call__(self, time):
        return float(self.at(max(Fraction(time), Fraction(0))))

    def __mul__(self, other):
        return Exact(lambda t: self(t) * as_schedule(other)(t))

    def __add__(self, other):
        return Exact(lambda t: self(t) + as_schedule(other)(t))

    def __sub__(self, other):
        return Exact(lambda t: self(t) - as_schedule(other)(t))

    def __rsub__(self, other):
        return as_schedule(other) - self

    def __truediv__(self, other):
        return Exact(lambda t: self(t) / as_schedule(other)(t))

    def __neg__(self):
        return Exact(lambda t: -self(t))

    __rmul__ = __mul__
    __radd__ = __add__


def as_schedule(value):
    return value if isinstance(value, Exact) else constant(value)


def rational(number):
    """The number as it was written."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)


# ----------------------------------------------------------------------------------- shapes
def _finite(name):
    @functools.wraps(getattr(reference, name))
    def shape(init_value, end_value, steps, **options):
        of_fraction = getattr(reference, name)(init_value, end_value, 1, **options)
        return Exact(lambda t: end_value if t >= steps else of_fraction(float(t / steps)), steps)

    return shape


linear, cosine, polynomial, one_minus_sqrt, geometric, tanh, finite_exponential = map(
    _finite,
    ["linear", "cosine", "polynomial", "one_minus_sqrt", "geometric", "tanh", "finite_exponential"],
)


def _endless(name):
    @functools.wraps(getattr(reference, name))
    def shape(*args, **options):
        curve = getattr(reference, name)(*args, **options)
        return Exact(lambda t: curve(float(t)))

    return shape


inverse_sqrt, exponential_approach, radam, power_law = map(
    _endless, ["inverse_sqrt", "exponential_approach", "radam", "power_law"]
)


def constant(value):
    return Exact(lambda t: value)


def _transitions(t, steps, staircase):
    return t // steps if staircase else float(t / steps)


def exponential(init_value, *, decay_rate, transition_steps, staircase=False, end_value=None):
    def at(t):
        value = init_value * float(decay_rate) ** _transitions(t, transition_steps, staircase)
        if end_value is None:
            return value
        return max(value, end_value) if decay_rate < 1 else min(value, end_value)

    return Exact(at)


def inverse_time(init_value, *, decay_rate, transition_steps, staircase=False):
    return Exact(lambda t: init_value / (1 + decay_rate * _transitions(t, transition_steps, staircase)))


def piecewise_constant(values, boundaries):
    return Exact(lambda t: values[sum(t >= boundary for boundary in boundaries)])


def _between_knots(shape):
    def piecewise(values, boundaries):
        spans = zip(values, values[1:], boundaries, boundaries[1:], strict=False)
        parts = [shape(a, b, end - begin) for a, b, begin, end in spans]
        return join([constant(values[0]), *parts, constant(values[-1])], boundaries)

    return piecewise


piecewise_linear, piecewise_cosine = _between_knots(linear), _between_knots(cosine)


def _wave(shape):
    def wave(init_value, end_value, steps, back_steps=None):
        back = steps if back_steps is None else back_steps
        there = shape(init_value, end_value, 1)

        def at(t):
            within = t % (steps + back)
            return there(within / steps if within <= steps else (steps + back - within) / back)

        return Exact(at)

    return wave


cosine_wave, triangle_wave = _wave(cosine), _wave(linear)


def k_decay(schedule, k):
    n = schedule.steps
    return Exact(lambda t: schedule(n) if t >= n else schedule(n * Fraction(float(t / n) ** k)))


# ------------------------------------------------------------------------------ combinators
def join(schedules, boundaries, offsets=None):
    offsets = [0, *boundaries] if offsets is None else offsets
    phases = [as_schedule(schedule) for schedule in schedules]

    def at(t):
        phase = sum(t >= boundary for boundary in boundaries)
        return phases[phase](t - offsets[phase])

    return Exact(at)


def with_warmup(schedule, *, steps, init_value=0.0, shape=linear, overlap=False):
    schedule, handover = as_schedule(schedule), steps if overlap else 0
    ramp = shape(init_value, schedule(handover), steps)
    return join([ramp, schedule], [steps], offsets=[0, steps - handover])


def with_cooldown(schedule, *, begin, steps, end_value=0.0, shape=linear):
    schedule = as_schedule(schedule)
    return join([schedule, shape(schedule(begin), end_value, steps)], [begin])


def shift(schedule, steps):
    schedule = as_schedule(schedule)
    return Exact(lambda t: schedule(t - steps))


def stretch(schedule, factor):
    schedule = as_schedule(schedule)
    return Exact(lambda t: schedule(t / rational(factor)))


def in_steps(schedule, *, boundaries=(), starts, rates, scale=1):
    schedule = as_schedule(schedule)

    def at(t):
        i = sum(t >= boundary for boundary in boundaries)
        first = boundaries[i - 1] if i else 0
        return schedule((starts[i] + (t - first) * rates[i]) / Fraction(scale))

    return Exact(at)


def staircase(schedule, steps):
    schedule = as_schedule(schedule)
    return Exact(lambda t: schedule(t // steps))


def restart(schedule, *, period, growth=1, decay=1.0):
    schedule, growth = as_schedule(schedule), rational(growth)
    begins, lengths = [Fraction(0)], [Fraction(period)]

    def at(t):
        if growth == 1:
            cycle, local = divmod(t, period)
        else:
            while begins[-1] + lengths[-1] <= t:
                begins.append(begins[-1] + lengths[-1])
                lengths.append(lengths[-1] * growth)
            cycle = max(i for i, begin in enumerate(begins) if begin <= t)
            local = (t - begins[cycle]) * period / lengths[cycle]
        return schedule(local) * float(decay) ** cycle

    return Exact(at)


def clip(schedule, min_value=None, max_value=None):
    low = float("-inf") if min_value is None else min_value
    high = float("inf") if max_value is None else max_value
    return Exact(lambda t: min(max(as_schedule(schedule)(t), low), high))


def minimum(*schedules):
    return Exact(lambda t: min(as_schedule(schedule)(t) for schedule in schedules))


def maximum(*schedules):
    return Exact(lambda t: max(as_schedule(schedule)(t) for schedule in schedules))


def warmup_cosine(peak_value, *, warmup_steps, total_steps, init_value=0.0, end_value=0.0):
    decay = cosine(peak_value, end_value, total_steps - warmup_steps)
    return join([linear(init_value, peak_value, warmup_steps), decay], [warmup_steps])
