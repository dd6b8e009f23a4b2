"""`compat.paddle` compared with the tables of Paddle's own schedulers."""

import math

import numpy as np
import pytest
from support import golden

import warmup_optax as wo
from warmup_optax.compat import paddle


def make(name, **kwargs):
    return getattr(paddle, name)(**kwargs)


@golden.each(golden.cases("paddle") + golden.cases("paddle_rcnn"))
def test_the_table(case):
    golden.run(case, make)


def one_cycle(n, total, pct, strategy, three_phase, peak=0.5, divide=10.0, end=0.01):
    """Paddle's own search for the phase, in float64; the last value holds where it raises."""
    n = min(n, total)
    ends = [0, pct * total - 1, *([2 * pct * total - 2] if three_phase else []), total - 1]
    rates = [peak / divide, peak, *([peak / divide] if three_phase else []), end]
    for i in range(1, len(ends)):
        if n <= ends[i] or i == len(ends) - 1:
            p = (n - ends[i - 1]) / (ends[i] - ends[i - 1])
            p = p if strategy == "linear" else (1 - math.cos(math.pi * p)) / 2
            return rates[i - 1] + (rates[i] - rates[i - 1]) * p
    raise AssertionError


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize(
    ("total", "pct"), [(25, 0.3), (37, 0.123), (100, 0.45), (9, 0.2), (7, 0.1), (1001, 1 / 3)]
)
def test_one_cycle_peaks_between_two_counts(total, pct, strategy, three_phase):
    schedule = paddle.OneCycleLR(0.5, total, 10.0, 0.01, pct, strategy, three_phase)
    steps = np.arange(total + 20)
    expected = [one_cycle(n, total, pct, strategy, three_phase) for n in steps]
    golden.compare(wo.sample(schedule, steps), expected, golden.EXACT, steps=steps)


def test_one_cycle_that_only_rises():
    schedule = paddle.OneCycleLR(1.0, 11, divide_factor=4.0, phase_pct=1.0)
    golden.compare(schedule([0, 5, 10, 11]), [0.25, 0.625, 1.0, 1.0], golden.EXACT)


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
@pytest.mark.parametrize(("up", "down"), [(4, None), (5, 3), (1, 9)])
def test_cyclic(mode, up, down):
    steps, size = np.arange(100), up + (down or up)
    cycle, within = steps // size, steps % size
    height = np.where(within <= up, within / up, (size - within) / (down or up))
    height = height * {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": 0.97**steps}[mode]
    schedule = paddle.CyclicLR(0.01, 0.1, up, down, mode, exp_gamma=0.97)
    golden.compare(wo.sample(schedule, steps), 0.01 + 0.09 * height, golden.EXACT, steps=steps)


def test_restarts_inside_of_a_warmup_are_on_the_whole_step():
    """There Paddle takes a logarithm: int(log(243, 3)) is 4, so its restart at 242 comes at 243."""
    inner = paddle.CosineAnnealingWarmRestarts(0.1, T_0=2, T_mult=3)
    schedule = paddle.LinearWarmup(inner, warmup_steps=10, start_lr=0.0, end_lr=0.1)
    golden.compare(schedule([12, 18, 36, 90, 252, 738]), [0.1] * 6, golden.EXACT)


def test_a_last_epoch_is_a_head_start():
    whole, later = (paddle.PolynomialDecay(0.5, 20, last_epoch=epoch) for epoch in (-1, 6))
    assert later([0, 5, 13]).tolist() == whole([7, 12, 20]).tolist()
    assert paddle.StepDecay(1.0, 4, 0.5, 3, True)([0, 4]).tolist() == [0.5, 0.25]


def test_values_too_many_are_skipped_to_the_last():
    assert paddle.PiecewiseDecay([2], [1.0, 0.5, 0.25])([1, 2]).tolist() == [1.0, 0.25]


def test_the_values_of_the_seed_note():
    """Warmup, boundaries and values all on the global step: a rate times gamma ** i."""
    note = golden.table("seeds")["paddle_note"]["config"]
    values = [0.01 * note["lr_gamma"] ** i for i in range(3)]
    schedule = paddle.exponential_with_warmup_decay(0.01, note["lr_steps"], values, 4000, 1 / 3)
    steps = [0, 2000, 3999, 4000, 64_999, 65_000, 67_999, 68_000]
    expected = [0.01 / 3, 0.02 / 3, 0.01 * (1 / 3 / 4000 + 3999 / 4000), 0.01, 0.01, 0.001, 0.001, 1e-4]
    golden.compare(wo.sample(schedule, steps), expected, golden.EXACT)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: paddle.NoamDecay(0, 10), "NoamDecay: d_model must be"),
        (lambda: paddle.NoamDecay(8, 0), "NoamDecay: warmup_steps must be"),
        (lambda: paddle.PiecewiseDecay([], [1.0]), "boundaries must be at least one"),
        (lambda: paddle.PiecewiseDecay([4, 2], [1.0, 0.5, 0.1]), r"boundaries\[1\] must be greater"),
        (lambda: paddle.NaturalExpDecay(0.1, 0.0), "gamma must be"),
        (lambda: paddle.ExponentialDecay(0.1, 1.0), "gamma must be"),
        (lambda: paddle.MultiStepDecay(0.1, [4, 2]), r"milestones\[1\] must be greater"),
        (lambda: paddle.StepDecay(0.1, 0), "step_size must be"),
        (lambda: paddle.CosineAnnealingDecay(0.1, 0), "T_max must be"),
        (lambda: paddle.CosineAnnealingWarmRestarts(0.1, 4, T_mult=0), "T_mult must be"),
        (lambda: paddle.CyclicLR(0.0, 1.0, 0), "step_size_up must be"),
        (lambda: paddle.CyclicLR(0.0, 1.0, 4, mode="saw"), "mode must be one of"),
        (lambda: paddle.CyclicLR(0.0, 1.0, 4, scale_fn=abs, scale_mode="saw"), "scale_mode must be one"),
        (lambda: paddle.LinearLR(0.1, 4, start_factor=1.5), "start_factor must be"),
        (lambda: paddle.OneCycleLR(0.1, 20, phase_pct=0.6, three_phase=True), "phase_pct must be"),
        (lambda: paddle.OneCycleLR(0.1, 20, anneal_strategy="cosine"), "anneal_strategy must be"),
        (lambda: paddle.LinearWarmup(0.1, 5, 0.1, 0.1), "end_lr must be above start_lr"),
        (lambda: paddle.StepDecay(0.1, 4, last_epoch=-2), "last_epoch must be"),
    ],
)
def test_bad_input_raises_an_error(build, message):
    with pytest.raises(ValueError, match=rf"^compat\.paddle\..*{message}"):
        build()
