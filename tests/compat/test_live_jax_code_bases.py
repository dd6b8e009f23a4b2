"""`compat` compared with the files of JAX's own code bases that an index has, over random arguments.

``pip install --no-deps praxis axlearn trax maxtext``, and with ``--pre`` also ``marin-levanter``, are enough
(MaxText asks for Python 3.12). Their schedules run by themselves, with stand-ins for configuration classes: see
`support.originals`. T5X, Scenic and Big Vision are on no index.
"""

import dataclasses
import re
import types
import warnings
from typing import ClassVar

import numpy as np
import pytest
import test_axlearn as of_axlearn
import test_praxis as of_praxis
from support import golden, originals
from test_levanter import random_case as levanter_case

import warmup_optax as wo
from warmup_optax.compat import axlearn, levanter, maxtext, praxis, trax

pytestmark = pytest.mark.live

COUNTS = np.arange(110)
AT_LEAST = 200


def agree(schedule, rates, tolerance=golden.EXACT, near_zero=1e-6):
    """The schedule is what the original gave, and where that is NaN its last rate."""
    golden.compare(
        wo.sample(schedule, COUNTS), golden.held(rates), tolerance, near_zero=near_zero, steps=COUNTS
    )


# ------------------------------------------------------------------------------------------------ Praxis
class Configured:
    """A class whose ``config`` can be made into an object, as Praxis's are by Fiddle."""

    def __init_subclass__(cls):
        dataclasses.dataclass(cls)

    def __post_init__(self):
        pass

    @classmethod
    def config(cls, **fields):
        return types.SimpleNamespace(Instantiate=lambda: cls(**fields))


@pytest.fixture(scope="module")
def praxis_file():
    fiddle = {"Config": lambda cls, **fields: cls.config(**fields)}
    base = {"FiddleBaseParameterizable": Configured, "instantiate": lambda config: config.Instantiate()}
    return originals.load(
        "praxis", "schedules.py", {"praxis.base_hyperparams": base, "praxis.pax_fiddle": fiddle}
    )


@pytest.mark.parametrize("maker", of_praxis.MAKERS)
def test_praxis(maker, praxis_file, monkeypatch):
    monkeypatch.setattr(of_praxis, "praxis", originals.Both(praxis, praxis_file))
    """The release on the index is of 2024: its cosine has no ``start_step``."""
    rng, done = np.random.default_rng(7), 0
    while done < AT_LEAST:
        try:
            (ours, theirs), _rule = maker(rng)
        except TypeError as error:
            if "start_step" not in str(error):
                raise
            continue
        rates = originals.values(theirs.value_at, COUNTS)
        # It computes in float32 by its own casts, and some turns of a cosine end a rounding from 0.
        golden.compare(wo.sample(ours, COUNTS), golden.held(rates), 1e-4, peak=1.0, near_zero=1e-6)
        done += 1


# ----------------------------------------------------------------------------------------------- AXLearn
class OfFunction:
    """AXLearn's configuration of a function: keywords first, a call later."""

    def __init__(self, function):
        self.function, self.fields = function, {}

    def set(self, **fields):
        self.fields |= fields
        return self

    def instantiate(self):
        return self.function(**self.fields)


@pytest.fixture(scope="module")
def axlearn_file():
    config = {"InstantiableConfig": OfFunction, "config_for_function": OfFunction}
    stand_ins = {"axlearn.common.config": config, "axlearn.common.utils": {"Tensor": object}}
    file = originals.load("axlearn", "common/schedule.py", stand_ins)
    of_step, average = file.inverse_sqrt, file.ema_schedule
    file.inverse_sqrt = lambda warmup_steps: lambda step: of_step(step, warmup_steps)

    def ema_schedule(decay, *, warmup_steps, step_offset):  # which it does not have yet
        return lambda step: average(decay, warmup_steps=warmup_steps)(np.maximum(step - step_offset, 0))

    file.ema_schedule = ema_schedule
    return file


@pytest.mark.parametrize("maker", of_axlearn.MAKERS)
def test_axlearn(maker, axlearn_file, monkeypatch):
    """The release on the index is of 2024.

    It lacks some names, rejects a linear decay without a length, and its betas count their step from 0.
    """
    monkeypatch.setattr(of_axlearn, "axlearn", originals.Both(axlearn, axlearn_file))
    rng, done = np.random.default_rng(7), 0
    while done < AT_LEAST:
        try:
            (ours, theirs), _rule = maker(rng)
        except (AttributeError, ValueError) as error:
            if not re.search("segment_wise|warmup_stable_decay|must be < end_step", str(error)):
                raise
            continue
        steps = COUNTS if maker is of_axlearn.a_beta else COUNTS + 1
        # Activations are sums of products there, in float32 by its own casts.
        agree(ours, originals.values(theirs, steps), golden.SINGLE)
        done += 1


# -------------------------------------------------------------------------------------------------- Trax
@pytest.fixture(scope="module")
def trax_file():
    gin = {"configurable": lambda function=None, **_: function or (lambda x: x)}
    return originals.load("trax", "supervised/lr_schedules.py", {"gin": gin, "trax.fastmath": {"numpy": np}})


STRINGS = [
    "constant * linear_warmup * rsqrt_decay",
    "linear_warmup*rsqrt_normalized_decay * two_constants",
    "constant * decay_every",
    "linear_warmup * constant * cosine_decay",
]


def test_trax(trax_file):
    """Of one step at a time, as it chooses its branch by it; the first is 1."""
    rng = np.random.default_rng(7)
    for i in range(AT_LEAST):
        rate, low, factor = rng.uniform([1e-3, 1e-5, 0.1], [1, 1e-3, 1]).tolist()
        lengths = rng.integers(1, 60, 4).tolist()
        names = ["warmup_steps", "steps_per_decay", "steps_per_cycle", "second_constant_step"]
        fields = dict(zip(names, lengths, strict=True))
        fields |= {"constant": rate, "second_constant": rate / 3, "decay_factor": factor, "minimum": low}
        make = [
            lambda m, f=fields, i=i: m.multifactor(STRINGS[i // 4 % 4], **f),
            lambda m, w=lengths[0], r=rate: m.warmup(w, r),
            lambda m, w=lengths[0], r=rate: m.warmup_and_rsqrt_decay(w, r),
            lambda m, n=lengths, r=rate, x=low: m._BodyAndTail(
                r, n[0], n[0] + n[1], m._CosineSawtoothTail(n[2], x)
            ),
        ][i % 4]
        theirs = make(trax_file)
        agree(make(trax), np.asarray([float(theirs(int(n) + 1)) for n in COUNTS]))


# ----------------------------------------------------------------------------------------------- MaxText
@pytest.fixture(scope="module")
def maxtext_function():
    import jax.numpy as jnp
    import optax

    kinds = types.SimpleNamespace(
        LearningRateScheduleType=types.SimpleNamespace(COSINE="cosine", WSD="wsd"),
        WsdDecayStyle=types.SimpleNamespace(LINEAR="linear", COSINE="cosine"),
    )
    names = {"jnp": jnp, "optax": optax, "types": kinds}
    return originals.function("maxtext", "utils/maxtext_utils.py", "create_learning_rate_schedule", names)


def test_maxtext(maxtext_function):
    rng = np.random.default_rng(7)
    for i in range(AT_LEAST):
        total = int(rng.integers(1, 90))
        warmup, decay = rng.choice([0.0, 0.1, 0.25, 0.5], 2).tolist()
        config = types.SimpleNamespace(
            learning_rate=rng.uniform(1e-4, 1),
            steps=total + int(rng.choice([0, 9])),
            learning_rate_schedule_steps=total,
            lr_schedule_type=["cosine", "wsd"][i % 2],
            learning_rate_final_fraction=rng.uniform(0, 0.5),
            warmup_steps_fraction=warmup,
            wsd_decay_steps_fraction=decay,
            wsd_decay_style=["linear", "cosine"][i // 2 % 2],
        )
        theirs = originals.values(maxtext_function(config), COUNTS)
        agree(maxtext.create_learning_rate_schedule(config), theirs)


# ---------------------------------------------------------------------------------------------- Levanter
class Choices:
    """A registry of draccus's, which leaves its classes as they are."""

    by_name: ClassVar[dict[str, type]] = {}

    @classmethod
    def register_subclass(cls, name):
        return lambda registered: cls.by_name.setdefault(name, registered)


@pytest.fixture(scope="module")
def levanter_file():
    names = {
        "draccus": {"ChoiceRegistry": Choices},
        "equinox": {},
        "haliax": {},
        "levanter.tracker": {},
        "levanter.optim.clip_update_norm": {"ClipUpdateNormConfig": object},
        "levanter.optim.skipstep": {"SkipStepConfig": object},
        "levanter.optim.util": {"log_norm_passthrough": None, "scan_aware_clip_by_block_rms": None},
        "levanter.utils.jax_utils": {"leaf_key_paths": None},
    }
    return originals.load("levanter", "optim/config.py", names)


def test_levanter(levanter_file):
    class Config(levanter_file.OptimizerConfig):
        def build(self, num_train_steps):
            raise NotImplementedError

    rng = np.random.default_rng(7)
    for _ in range(AT_LEAST):
        total, arguments, _rule = levanter_case(rng)
        decay = arguments["lr_schedule"]
        if isinstance(decay, dict):  # as in a YAML file, from which draccus makes an object
            decay = Choices.by_name[decay["type"]](**{k: v for k, v in decay.items() if k != "type"})
        elif not isinstance(decay, str):
            decay = getattr(levanter_file, type(decay).__name__)(**dataclasses.asdict(decay))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = Config(**arguments | {"lr_schedule": decay}).lr_scheduler(total)
            rates = originals.values(theirs, COUNTS)
        agree(levanter.lr_scheduler(total, **arguments), rates)
