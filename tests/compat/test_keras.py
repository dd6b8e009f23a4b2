"""`compat.keras` compared with the tables of Keras, and of the code and the plot of its warmup guide."""

import numpy as np
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import keras

# floor(log(243) / log(3)) is 4 in float64: the restart that is due at 242 comes one update late there.
LATE = ("restarts-tmul3-log243", 242)
GUIDE = golden.table("seeds")["guide"]


def make(name, **kwargs):
    return getattr(keras, name)(**kwargs)


@golden.each(golden.cases("keras"))
def test_the_table(case):
    if case.id == LATE[0]:
        case = case.corrected({LATE[1]: case.kwargs["initial_learning_rate"]})
    golden.run(case, make)


@golden.each(golden.cases("seed_guide"))
def test_the_guide(case):
    golden.run(case, make)


@pytest.mark.parametrize("example", ["plotted_example", "subclass_example"])
def test_the_examples_of_the_guide(example):
    example = GUIDE[example]
    schedule = make(example["callable"].split(" ")[0], **example["kwargs"])
    for prefix in ("", "beyond_"):
        if f"{prefix}steps" in example:
            steps, values = example[f"{prefix}steps"], example[f"{prefix}values"]
            golden.compare(wo.sample(schedule, steps), values, golden.EXACT, peak=1e-3, steps=steps)


def test_a_start_lr_is_ignored_as_in_the_guide():
    """The guide's own call, with a start above its target, starts at 0 all the same."""
    lengths = {"warmup_steps": 8, "total_steps": 40, "hold": 3}
    for make in (keras.lr_warmup_cosine_decay, keras.WarmUpCosineDecay):
        schedule = make(start_lr=0.05, target_lr=0.01, **lengths)
        assert schedule == make(start_lr=0.0, target_lr=0.01, **lengths)
        assert schedule(0) == 0.0


@pytest.mark.parametrize("multiplier", [2, 3, 5, 7, 10])
@pytest.mark.parametrize("first", [1, 3, 10, 100])
def test_restarts_are_on_the_whole_step(multiplier, first):
    schedule = keras.CosineDecayRestarts(0.1, first, t_mul=float(multiplier), m_mul=0.9, alpha=0.01)
    begins = [first * (multiplier**i - 1) // (multiplier - 1) for i in range(1, 9)]
    begins = [begin for begin in begins if begin < 2**24]
    peaks = [0.1 * (0.99 * 0.9**i + 0.01) for i in range(1, len(begins) + 1)]
    golden.compare(wo.sample(schedule, begins), peaks, golden.EXACT, steps=begins)
    assert (np.asarray(schedule(np.asarray(begins[3:]) - 1)) < 0.2 * np.asarray(peaks[3:])).all()


def test_fractional_bounds_of_restarts():
    schedule = keras.CosineDecayRestarts(1.0, 10, t_mul=1.5)  # bounds at 10, 25, 47.5
    expected = [0.5 + 0.5 * np.cos(np.pi * x) for x in ((47 - 25) / 22.5, (48 - 47.5) / 33.75)]
    golden.compare(schedule([47, 48]), expected, golden.EXACT)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: keras.CosineDecay(0.1, 0), "CosineDecay: decay_steps must be"),
        (
            lambda: keras.CosineDecay(0.1, 9, warmup_target=1.0, warmup_steps=-1),
            "warmup_steps must be",
        ),
        (lambda: keras.CosineDecayRestarts(0.1, 0), "first_decay_steps must be"),
        (lambda: keras.CosineDecayRestarts(0.1, 9, t_mul=0.5), "t_mul must be"),
        (lambda: keras.CosineDecayRestarts(0.1, 9, m_mul=0.0), "m_mul must be"),
        (lambda: keras.ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay: decay_steps must be"),
        (lambda: keras.ExponentialDecay(0.1, 9, 0.0), "decay_rate must be"),
        (lambda: keras.InverseTimeDecay(0.1, 9.5, 0.5), "decay_steps must be"),
        (lambda: keras.PolynomialDecay(float("nan"), 9), "initial_learning_rate must be"),
        (lambda: keras.PolynomialDecay(0.1, 9, power=-1.0), "power must be"),
        (lambda: keras.PiecewiseConstantDecay([9], [1.0]), "boundaries must be of length 0"),
        (lambda: keras.lr_warmup_cosine_decay(9), "total_steps must be more than warmup_steps=9"),
        (lambda: keras.WarmUpCosineDecay(0.0, 1.0, 9, 20, -1), "hold must be"),
    ],
)
def test_bad_input_raises_an_error(build, message):
    with pytest.raises(ValueError, match=rf"^compat\.keras\..*{message}"):
        build()
