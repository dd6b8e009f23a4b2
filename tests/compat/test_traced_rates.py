"""The rates of the ports can be traced, mapped over and differentiated; their lengths are whole and known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from warmup_optax.compat import (
    axlearn,
    big_vision,
    deepspeed,
    fairseq,
    levanter,
    maxtext,
    megatron,
    praxis,
    pytorch_warmup,
    scenic,
    t5x,
    timm,
    torch,
    transformers,
    trax,
)

COUNTS = np.arange(60)
COMPOUND = {
    "factors": "constant*linear_warmup*cosine_decay*linear_decay*linear_cooldown",
    "warmup_steps": 5,
    "steps_per_cycle": 20,
    "total_steps": 50,
    "cooldown_steps": 10,
}
PORTS = {
    "StepLR": lambda lr: torch.StepLR(lr, 7),
    "MultiStepLR": lambda lr: torch.MultiStepLR(lr, [3, 30]),
    "ConstantLR": torch.ConstantLR,
    "LinearLR": torch.LinearLR,
    "ExponentialLR": lambda lr: torch.ExponentialLR(lr, 0.9),
    "PolynomialLR": lambda lr: torch.PolynomialLR(lr, 20, 2.0),
    "CosineAnnealingLR": lambda lr: torch.CosineAnnealingLR(lr, 20, lr / 10),
    "CosineAnnealingWarmRestarts": lambda lr: torch.CosineAnnealingWarmRestarts(lr, 7, 2),
    "CyclicLR": lambda lr: torch.CyclicLR(lr / 10, lr, 7, mode="triangular2"),
    "OneCycleLR": lambda lr: torch.OneCycleLR(lr, 50, pct_start=0.33),
    "ChainedScheduler": lambda lr: torch.ChainedScheduler(lr, [torch.LinearLR(lr), torch.StepLR(lr, 9)]),
    "LearningRateWarmUP": lambda lr: torch.LearningRateWarmUP(9, lr, torch.CosineAnnealingLR(lr, 20)),
    "get_cosine_schedule_with_warmup": lambda lr: transformers.get_cosine_schedule_with_warmup(lr, 5, 40),
    "get_polynomial_decay_schedule_with_warmup": lambda lr: (
        transformers.get_polynomial_decay_schedule_with_warmup(lr, 5, 40, lr / 9)
    ),
    "get_wsd_schedule": lambda lr: transformers.get_wsd_schedule(lr, 5, 20, 50, min_lr_ratio=0.1),
    "CosineLRScheduler": lambda lr: timm.CosineLRScheduler(lr, 12, lr / 9, 2.0, 0.5, 3, 5, lr / 99),
    "TanhLRScheduler": lambda lr: timm.TanhLRScheduler(lr, 40, warmup_t=5),
    "WSDLRScheduler": lambda lr: timm.WSDLRScheduler(lr, 40, 10, lr / 9, "rsqrt", warmup_t=5),
    "LinearWarmup": lambda lr: pytorch_warmup.LinearWarmup(lr, 9),
    "RAdamWarmup": pytorch_warmup.RAdamWarmup,
    "OptimizerParamScheduler": lambda lr: megatron.OptimizerParamScheduler(
        0.0, lr, lr / 9, 5, 40, "cosine", increment=2
    ),
    "InverseSquareRootSchedule": lambda lr: fairseq.InverseSquareRootSchedule([lr], 9),
    "TriStageLRSchedule": lambda lr: fairseq.TriStageLRSchedule([lr], 9, 9, 20),
    "CosineLRSchedule": lambda lr: fairseq.CosineLRSchedule([lr], 40, 5, lr / 99, t_mult=2),
    "TriangularLRSchedule": lambda lr: fairseq.TriangularLRSchedule([lr], 3 * lr, 10),
    "t5x": lambda lr: t5x.create_learning_rate_scheduler(
        "linear_decay", lr, 10, 0.1, min_learning_rate=lr / 99
    ),
    "compound_lr_scheduler": lambda lr: scenic.compound_lr_scheduler(
        COMPOUND | {"base_learning_rate": lr, "end_learning_rate": lr / 9}
    ),
    "warmup_and_rsqrt_decay": lambda lr: trax.warmup_and_rsqrt_decay(9, lr),
    "multifactor": lambda lr: trax.multifactor("two_constants", lr, second_constant=lr / 9, minimum=lr / 99),
    "big_vision": lambda lr: big_vision.create_learning_rate_schedule(
        50, base=lr, decay_type="polynomial", end=lr / 9, warmup_steps=5, cooldown_steps=5
    ),
    "big_vision rsqrt": lambda lr: big_vision.create_learning_rate_schedule(
        50, 512, base=lr, decay_type="rsqrt", scale_with_batchsize=True
    ),
    "maxtext": lambda lr: maxtext.create_learning_rate_schedule(learning_rate=lr, steps=50),
    "WarmupLR": lambda lr: deepspeed.WarmupLR(lr / 9, lr, 9),
    "WarmupDecayLR": lambda lr: deepspeed.WarmupDecayLR(40, lr / 9, lr, 9, "linear"),
    "WarmupCosineLR": lambda lr: deepspeed.WarmupCosineLR(lr, 40, 0.1, 9),
    "OneCycle": lambda lr: deepspeed.OneCycle(lr / 9, lr, 0.5, 9, decay_step_size=4),
    "LRRangeTest": lambda lr: deepspeed.LRRangeTest(lr, 9),
    "lr_scheduler": lambda lr: levanter.lr_scheduler(50, learning_rate=lr, cycles=2, rewarmup=5, decay=0.5),
    "inv": lambda lr: levanter.lr_scheduler(50, learning_rate=lr, lr_schedule="inv"),
    "warmup_stable_decay": lambda lr: axlearn.warmup_stable_decay(
        lr, max_step=50, decay_begin_step=30, warmup_steps=9, alpha=0.1
    ),
    "adafactor": lambda lr: axlearn.adafactor(lr, warmup_steps=9),
    "LinearRampupExponentialDecay": lambda lr: praxis.LinearRampupExponentialDecay(5, 9, 40, 0.1, lr),
    "SqrtDecay": lambda lr: praxis.SqrtDecay(9, lr),
    "ContinuousSchedule": lambda lr: praxis.ContinuousSchedule(lr, 9, 9),
}


@pytest.fixture(scope="module")
def traced():
    """Of each port the values and gradients at a traced rate, and the values at a concrete one."""

    def every(lr, counts):
        return {name: make(lr)(counts) for name, make in PORTS.items()}

    @jax.jit
    def program(lr, counts):
        values, gradients = jax.jvp(lambda lr: every(lr, counts), (lr,), (jnp.ones_like(lr),))
        return values, gradients, every(0.25, counts)

    return program(jnp.asarray(0.25), COUNTS)


@pytest.mark.parametrize("name", PORTS)
def test_a_rate_can_be_traced(name, traced):
    """Every port is linear in its rates, so its derivative is its value divided by the rate."""
    values, gradients, known = (results[name] for results in traced)
    np.testing.assert_allclose(values, known, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(gradients, values / 0.25, rtol=1e-4, atol=1e-6)
