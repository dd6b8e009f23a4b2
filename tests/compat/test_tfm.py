"""`compat.tfm` compared with the tables of TF Model Garden's module, and with its documentation."""

import numpy as np
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import keras, tfm


def make(name, **kwargs):
    return getattr(tfm if hasattr(tfm, name) else keras, name)(**kwargs)


@golden.each(golden.cases("tfm"))
def test_the_table(case):
    golden.run(case, make)


def test_the_sentence_of_the_documentation():
    example = golden.table("seeds")["tfm_example"]
    schedule = tfm.PiecewiseConstantDecayWithOffset(
        boundaries=example["boundaries"], values=example["values"]
    )
    golden.compare(schedule(example["steps"]), example["values_at"], golden.EXACT)
    values = np.float32(schedule(np.arange(110_010)))
    assert [(values == np.float32(x)).sum() for x in (1.0, 0.5, 0.1)] == [100_001, 10_000, 9]


STEPS = np.arange(60)


@pytest.mark.parametrize("offset", [-7, 0, 5, 20, 33])
def test_offsets_of_falls(offset):
    """``Base(n - offset)``, without a clamp below: the equations, on both sides of the offset."""
    t = STEPS - offset
    options = {"initial_learning_rate": 0.1, "decay_steps": 16}
    linear = tfm.PolynomialDecayWithOffset(offset, **options, end_learning_rate=0.01, power=1.5)
    golden.compare(linear(STEPS), 0.01 + 0.09 * (1 - np.minimum(t, 16) / 16) ** 1.5, golden.EXACT)
    for staircase in (False, True):
        smooth = tfm.ExponentialDecayWithOffset(offset, **options, decay_rate=0.7, staircase=staircase)
        golden.compare(smooth(STEPS), 0.1 * 0.7 ** (t // 16 if staircase else t / 16), golden.EXACT)
    cosine = tfm.CosineDecayWithOffset(offset, **options, alpha=0.1)
    golden.compare(cosine(STEPS), 0.01 + 0.045 * (1 + np.cos(np.pi * np.minimum(t, 16) / 16)), golden.EXACT)
    warm = tfm.CosineDecayWithOffset(offset, **options, alpha=0.1, warmup_target=0.12, warmup_steps=8)
    line = 0.1 + 0.02 * t / 8
    expected = 0.012 + 0.054 * (1 + np.cos(np.pi * np.clip(t - 8, 0, 16) / 16))
    golden.compare(warm(STEPS), np.where(t < 8, line, expected), golden.EXACT)


@pytest.mark.parametrize("offset", [-7, 0, 5, 20])
@pytest.mark.parametrize("power", [-0.5, 1.0, -1.3])
def test_power_laws(offset, power):
    t = STEPS - offset
    law = 0.1 * np.maximum(t, 1.0) ** power
    both = tfm.PowerAndLinearDecay(0.1, 30, power, linear_decay_fraction=0.3, offset=offset)
    golden.compare(both(STEPS), np.maximum(law * np.minimum(1, (30 - t) / 9), 0), golden.EXACT)
    capped = tfm.PowerDecayWithOffset(0.1, power, offset, pre_offset_learning_rate=0.07)
    golden.compare(capped(STEPS), np.where(t > 0, np.minimum(law, 0.07), 0.07), golden.EXACT)


@pytest.mark.parametrize("offset", [-3, 0, 11])
@pytest.mark.parametrize("boundaries", [[0, 8, 30], [5, 8, 30], [10, 13, 21]])
def test_steps_of_cosines(offset, boundaries):
    """The first one has no start, and goes up and down; the last value holds where there is NaN."""
    levels, t = [0.1, 0.04, 0.01], STEPS - offset
    arc = [
        (0.5 + 0.5 * np.cos(np.pi * (t - b) / n))
        for b, n in zip((0, boundaries[1]), np.diff(boundaries), strict=True)
    ]
    first, second = 0.04 + 0.06 * arc[0], 0.01 + 0.03 * arc[1]
    expected = np.where(t < boundaries[1], first, second)
    expected = np.where(t < boundaries[2], expected, expected[boundaries[2] + offset - 1 == STEPS])
    golden.compare(tfm.StepCosineDecayWithOffset(boundaries, levels, offset)(STEPS), expected, golden.EXACT)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_a_polynomial_warmup_never_starts_at_0(power):
    schedule = tfm.PolynomialWarmUp(keras.InverseTimeDecay(0.1, 10, 1.0), 20, power)
    rise = 0.1 / 3 * (np.maximum(STEPS, 1) / 20) ** power
    golden.compare(
        wo.sample(schedule, STEPS), np.where(STEPS < 20, rise, 0.1 / (1 + STEPS / 10)), golden.EXACT
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tfm.LinearWarmup(0.1, -1, 0.0), "LinearWarmup: warmup_steps must be"),
        (lambda: tfm.LinearWarmup(0.1, 9, float("inf")), "LinearWarmup: warmup_learning_rate must be"),
        (lambda: tfm.PolynomialWarmUp(0.1, 9, power=0.0), "PolynomialWarmUp: .*power must be"),
        (lambda: tfm.PowerAndLinearDecay(0.1, -9), "total_decay_steps must be"),
        (
            lambda: tfm.PowerAndLinearDecay(0.1, 9, linear_decay_fraction=-0.1),
            "linear_decay_fraction must be",
        ),
        (
            lambda: tfm.StepCosineDecayWithOffset([0], [1.0]),
            "boundaries must be of the same length as values",
        ),
        (lambda: tfm.StepCosineDecayWithOffset([0, 9, 4], [1.0, 0.5, 0.1]), "must be"),
        (
            lambda: tfm.ExponentialDecayWithOffset(
                5, initial_learning_rate=1.0, decay_steps=0, decay_rate=0.5
            ),
            "ExponentialDecayWithOffset: decay_steps must be",
        ),
        (
            lambda: make("PolynomialDecayWithOffset", offset=5.5, initial_learning_rate=1.0, decay_steps=9),
            "PolynomialDecayWithOffset: .*must be a whole number",
        ),
    ],
)
def test_bad_input_raises_an_error(build, message):
    with pytest.raises(ValueError, match=rf"^compat\.tfm\..*{message}"):
        build()
