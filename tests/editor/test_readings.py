"""Pasted code of other libraries: the rates of the config that it is read as, next to those of `compat`."""

import functools

import numpy as np
import pytest
from support.editor import in_node, needs_node

import warmup_optax as wo
from warmup_optax import compat

pytestmark = [pytest.mark.browser, needs_node]
torch, transformers, keras = compat.torch, compat.transformers, compat.keras

# Pairs of a text with an optimizer of rate 0.1 and the port of it.
ADAM = "optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)\nscheduler = "
TORCH = {
    "StepLR(optimizer, step_size=30)": torch.StepLR(0.1, 30),
    "StepLR(optimizer, 30, gamma=0.0)": torch.StepLR(0.1, 30, gamma=0.0),
    "MultiStepLR(optimizer, [50, 30, 50], gamma=0.5)": torch.MultiStepLR(0.1, [50, 30, 50], gamma=0.5),
    "ConstantLR(optimizer)": torch.ConstantLR(0.1),
    "ConstantLR(optimizer, factor=0.5, total_iters=0)": torch.ConstantLR(0.1, factor=0.5, total_iters=0),
    "LinearLR(optimizer, start_factor=1 / 10, total_iters=20)": torch.LinearLR(0.1, 0.1, total_iters=20),
    "ExponentialLR(optimizer, gamma=0.9)": torch.ExponentialLR(0.1, 0.9),
    "PolynomialLR(optimizer, total_iters=40, power=2.0)": torch.PolynomialLR(0.1, 40, 2.0),
    "CosineAnnealingLR(optimizer, T_max=40, eta_min=0.01)": torch.CosineAnnealingLR(0.1, 40, 0.01),
    "CosineAnnealingLR(optimizer, T_max=12.5)": torch.CosineAnnealingLR(0.1, 12.5),
    "CosineAnnealingLR(optimizer, T_max=40, last_epoch=9)": torch.CosineAnnealingLR(0.1, 40, last_epoch=9),
    "CosineAnnealingWarmRestarts(optimizer, 10, 2)": torch.CosineAnnealingWarmRestarts(0.1, 10, 2),
    "CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=10)": torch.CyclicLR(0.01, 0.1, 10),
    "CyclicLR(optimizer, 0.01, 0.1, 10, 5, mode='triangular2')": torch.CyclicLR(
        0.01, 0.1, 10, 5, "triangular2"
    ),
    "CyclicLR(optimizer, 0.01, 0.1, 10, 5, mode='exp_range', gamma=0.99)": torch.CyclicLR(
        0.01, 0.1, 10, 5, "exp_range", 0.99
    ),
    "OneCycleLR(optimizer, max_lr=0.1, total_steps=100)": torch.OneCycleLR(0.1, 100),
    "OneCycleLR(optimizer, 0.1, epochs=5, steps_per_epoch=5, anneal_strategy='linear', three_phase=True)": (
        torch.OneCycleLR(0.1, epochs=5, steps_per_epoch=5, anneal_strategy="linear", three_phase=True)
    ),
    "SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=10), CosineAnnealingLR(optimizer, T_max=90)],"
    " milestones=[10])": torch.SequentialLR(
        [torch.LinearLR(0.1, 0.1, total_iters=10), torch.CosineAnnealingLR(0.1, 90)], [10]
    ),
    "ChainedScheduler([ConstantLR(optimizer), ExponentialLR(optimizer, 0.9)])": torch.ChainedScheduler(
        0.1, [torch.ConstantLR(0.1), torch.ExponentialLR(0.1, 0.9)]
    ),
}
HUGGING_FACE = {
    "get_constant_schedule(optimizer)": transformers.get_constant_schedule(0.1),
    "get_constant_schedule_with_warmup(optimizer, 10)": transformers.get_constant_schedule_with_warmup(
        0.1, 10
    ),
    "get_linear_schedule_with_warmup(optimizer, 10, 100)": transformers.get_linear_schedule_with_warmup(
        0.1, 10, 100
    ),
    "get_cosine_schedule_with_warmup(optimizer, 10, 100)": transformers.get_cosine_schedule_with_warmup(
        0.1, 10, 100
    ),
    "get_cosine_schedule_with_warmup(optimizer, 10, 100, num_cycles=0.75)": (
        transformers.get_cosine_schedule_with_warmup(0.1, 10, 100, 0.75)
    ),
    "get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 10, 100, num_cycles=4)": (
        transformers.get_cosine_with_hard_restarts_schedule_with_warmup(0.1, 10, 100, 4)
    ),
    "get_polynomial_decay_schedule_with_warmup(optimizer, 10, 100, power=2)": (
        transformers.get_polynomial_decay_schedule_with_warmup(0.1, 10, 100, power=2)
    ),
    "get_inverse_sqrt_schedule(optimizer, 10)": transformers.get_inverse_sqrt_schedule(0.1, 10),
    "get_cosine_with_min_lr_schedule_with_warmup(optimizer, 10, 100, min_lr_rate=0.1)": (
        transformers.get_cosine_with_min_lr_schedule_with_warmup(0.1, 10, 100, min_lr_rate=0.1)
    ),
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate(optimizer, 10, 100, min_lr=0.01)": (
        transformers.get_cosine_with_min_lr_schedule_with_warmup_lr_rate(0.1, 10, 100, min_lr=0.01)
    ),
    "get_wsd_schedule(optimizer, 10, 20, num_training_steps=100, decay_type='1-sqrt', min_lr_ratio=0.1)": (
        transformers.get_wsd_schedule(0.1, 10, 20, 100, decay_type="1-sqrt", min_lr_ratio=0.1)
    ),
    "get_wsd_schedule(optimizer, 10, 20, num_stable_steps=30, warmup_type='cosine', num_cycles=1.5)": (
        transformers.get_wsd_schedule(0.1, 10, 20, num_stable_steps=30, warmup_type="cosine", num_cycles=1.5)
    ),
    "get_scheduler('cosine_with_restarts', optimizer=optimizer, num_warmup_steps=10, num_training_steps=90,"
    " scheduler_specific_kwargs={'num_cycles': 2})": transformers.get_scheduler(
        "cosine_with_restarts", 0.1, 10, 90, {"num_cycles": 2}
    ),
}
KERAS = {
    "ExponentialDecay(0.1, decay_steps=20, decay_rate=0.5, staircase=True)": keras.ExponentialDecay(
        0.1, 20, 0.5, True
    ),
    "InverseTimeDecay(0.1, 20, 0.5)": keras.InverseTimeDecay(0.1, 20, 0.5),
    "PiecewiseConstantDecay([10, 50], [0.1, 0.05, 0.01])": keras.PiecewiseConstantDecay(
        [10, 50], [0.1, 0.05, 0.01]
    ),
    "PolynomialDecay(0.1, 40, 0.01, power=2.0)": keras.PolynomialDecay(0.1, 40, 0.01, 2.0),
    "PolynomialDecay(0.1, 40, 0.01, cycle=True)": keras.PolynomialDecay(0.1, 40, 0.01, cycle=True),
    "CosineDecay(0.0, 90, alpha=0.1, warmup_target=0.1, warmup_steps=10)": keras.CosineDecay(
        0.0, 90, 0.1, warmup_target=0.1, warmup_steps=10
    ),
    "CosineDecayRestarts(0.1, 10, t_mul=2.0, m_mul=0.9, alpha=0.1)": keras.CosineDecayRestarts(
        0.1, 10, 2.0, 0.9, 0.1
    ),
}
OURS = {
    "wo.warmup_cosine(3e-4, warmup_steps=1_00, total_steps=10 * 100)": wo.warmup_cosine(
        3e-4, warmup_steps=100, total_steps=1000
    ),
    "import warmup_optax as wo\nfrom functools import partial\npeak = 2 ** -3\n# the schedule\n"
    "schedule = wo.with_warmup(wo.linear(peak, 0.0, 50), steps=9,\n    shape=partial(wo.polynomial, power=2))": (
        wo.with_warmup(wo.linear(0.125, 0.0, 50), steps=9, shape=functools.partial(wo.polynomial, power=2))
    ),
    "-wo.constant(0.5) + 2 * wo.linear(1, 0, 30) / 4 - 0.1": -wo.constant(0.5)
    + 2 * wo.linear(1, 0, 30) / 4
    - 0.1,
    "wo.join([0.1, wo.shapes.rex(0.1, 0.0, 40)], [20])": wo.join([0.1, wo.shapes.rex(0.1, 0.0, 40)], [20]),
    "wo.maximum(wo.linear(1, 0, 30), 0.3)": wo.maximum(wo.linear(1, 0, 30), 0.3),
    "optax.adamw(wo.stretch(wo.linear(1.0, 0.0, 30), Fraction(3, 2)))": wo.stretch(
        wo.linear(1.0, 0.0, 30), 1.5
    ),
}


@pytest.mark.parametrize("group", ["torch", "transformers", "keras", "ours"])
def test_a_call_has_the_rates_of_its_port(group):
    pairs = {"torch": TORCH, "transformers": HUGGING_FACE, "keras": KERAS, "ours": OURS}[group]
    texts = [ADAM + text if group in ("torch", "transformers") else text for text in pairs]
    for text, wanted, answer in zip(texts, pairs.values(), in_node(texts, "readings.mjs"), strict=True):
        assert "error" not in answer, (text, answer)
        assert answer["note"] == ""
        counts = np.arange(260)
        rates = wo.sample(wanted, counts).astype(np.float64)
        read = wo.sample(wo.from_config(answer["config"]), counts)
        # A clock in ticks, and a sum in another order: the same up to a few ULP of the largest rate.
        np.testing.assert_allclose(read, rates, rtol=0, atol=1e-6 * np.abs(rates).max(), err_msg=text)


def test_a_rate_that_is_not_in_the_text_is_assumed_and_said():
    (answer,) = in_node(["CosineAnnealingLR(optimizer, T_max=10)"], "readings.mjs")
    assert answer["config"]["init_value"] == 1e-3
    assert "1e-3 is assumed" in answer["note"]


def test_what_cannot_be_read_is_an_error_that_says_so():
    wrong = {
        "StepLR(optimizer)": "StepLR lacks step_size",
        "StepLR(optimizer, stepsize=3)": "StepLR takes no 'stepsize'; its arguments are step_size, gamma",
        "StepLR(optimizer, step_size=n)": "StepLR: step_size is n, which has no value here: write the number.",
        "StepLR(optimizer, '30')": "StepLR: step_size must be a number.",
        "MultiStepLR(optimizer, 30)": "MultiStepLR: milestones must be a list.",
        "CyclicLR(o, 0.1, 1.0, scale_fn=f)": "CyclicLR: scale_fn is f, which has no value here",
        "ReduceLROnPlateau(optimizer)": "ReduceLROnPlateau is not a function that this page knows.",
        "wo.linear(1, 2, 3, 4)": "linear takes 3 arguments, got 4.",
        "model: 3": "There is no schedule in this",
        "wo.linear(1, 0, 3) ** 2": "Cannot compute **",
        "{broken": "This is neither JSON nor YAML nor a call",
        "": "Paste a config",
    }
    for (text, words), answer in zip(wrong.items(), in_node(list(wrong), "readings.mjs"), strict=True):
        assert words in str(answer), (text, answer)
