"""Other libraries' schedules under their own names: porting a run means changing an import.

``warmup_optax.compat.<library>.<Name>(...)`` takes the arguments of the original, under its names and with
its defaults, and gives a schedule of this library, on Optax's clock: ``count`` is 0 at the first update. At
every count it is what the original gives to that update, past its end too; where the original gives NaN or
raises, its last value holds. Each is a few lines over the public API, so all of them print, compare, save,
join, plot and vmap. Bad arguments raise ``warmup_optax.ArgumentError``, a ``ValueError``, or its twin
``ArgumentTypeError``, in the words of the constructor. Lengths may be traced where the phases that there are
do not depend on them.

>>> import warmup_optax.compat
>>> from warmup_optax.compat import keras, optax
>>> theirs = keras.CosineDecay(0.0, decay_steps=90, warmup_target=1.0, warmup_steps=10)
>>> ours = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=10, decay_steps=100)
>>> counts = [0, 10, 55, 99, 100, 101]
>>> theirs(counts).tolist() == ours(counts).tolist()
True

**What differs.** ``n`` is the count, ``W`` the length of the warmup.

Warmup:

===============================  ===========  =======================  =================  ================
library                          lasts while  rate at ``n == 0``       full rate at       clock under it
===============================  ===========  =======================  =================  ================
optax ``warmup_...``             ``n < W``    ``init_value``           ``n == W``         starts at W
keras ``CosineDecay``            ``n < W``    ``initial_...``          ``n == W``         starts at W
keras guide, both                ``n < W``    0                        W .. W + hold      after the hold
tfm ``LinearWarmup``             ``n < W``    ``warmup_...``           aims at decay(W)   runs from 0
tfm ``PolynomialWarmUp``         ``n < W``    as at ``n == 1``         aims at decay(W)   runs from 0
mediapipe ``WarmUp``             ``n < W``    0                        never; jumps at W  runs from 0
paddle ``LinearWarmup``          ``n < W``    ``start_lr``             jumps at W         starts at W
paddle ``exponential_with_...``  ``n < W``    rate * factor            jumps at W         runs from 0
torch ``LinearLR``               ``n < W``    start factor             ``n == W``         multiplies
torch ``LearningRateWarmUP``     ``n < W``    target / W               ``n == W - 1``     at its 1 at W
transformers                     ``n < W``    0 [1]_                   ``n == W`` [1]_    starts at W
timm                             ``n < W``    ``warmup_lr_init``       ``n == W`` [2]_    runs from 0 [2]_
pytorch_warmup                   multiplies   1 / W                    ``n == W - 1``     runs from 0
megatron                         ``n <= W``   ``init_lr``              ``n == W``         starts at W
fairseq                          ``n < W``    ``warmup_init_lr`` [3]_  ``n == W`` [3]_    starts at W
t5x                              ``n < W``    1e-8, not 0 [4]_         ``n == W`` [4]_    most from W [5]_
scenic                           ``n < W``    ``warmup_alpha``         ``n == W``         most from W [5]_
trax ``warmup...``               ``n < W``    1 / (W + 1)              ``n == W``         starts at W
trax ``multifactor``             ``n < W-1``  1 / W                    ``n == W - 1``     as t5x, at n + 1
big_vision                       ``n < W``    0                        ``n == W``         from W; multiplies
maxtext                          ``n < W``    0                        ``n == W``         starts at W
levanter                         ``n < W``    0                        ``n == W``         starts at W
axlearn                          W - 1 long   the first step up        ``n == W - 1``     starts at W - 1
praxis ``LinearRampup...``       ``n < W``    0 [9]_                   ``n == W`` [9]_    starts at W
deepspeed, "log"                 ``n < W``    as at ``n == 1`` [10]_   ``n == W``         starts at W + 1
deepspeed, "linear"              ``n <= W``   as at ``n == 1`` [10]_   W + 1, or never    starts at W + 1
===============================  ===========  =======================  =================  ================

.. [1] ``wsd`` starts at ``min_lr_ratio``; ``cosine_warmup_with_min_lr`` at 1 / W and is full at W - 1.
.. [2] With ``warmup_prefix`` the decay starts at W. Without it cosine, poly and step decays have been running
   and jump down at W; tanh aims its warmup there.
.. [3] ``polynomial_decay`` starts at 0 and lasts while ``n <= W``; ``fixed`` starts at 1 / W, full at W - 1.
.. [4] ``min_learning_rate`` cuts the whole product, the warmup too. With ``rsqrt_decay`` the peak is the
   base rate over ``sqrt(W)``.
.. [5] ``decay_every`` counts from 0, and in scenic ``polynomial``, ``exponential_decay`` and the piecewise
   factors do: they have been running under the warmup, which multiplies them.

Decay:

===============================  ============================  ============================================
library                          its length counts the warmup  after its end
===============================  ============================  ============================================
optax                            yes (``decay_steps``)         ``end_value``
keras                            **no** (``decay_steps``)      ``alpha * peak``; ``cycle`` jumps up
keras guide, the function        yes (``total_steps``)         **rises again**
keras guide, the class           yes (``total_steps``)         0 for ``n > total_steps``
tfm                              yes, but for an ``offset``    the decay's; ``StepCosine`` NaN, so it holds
mediapipe                        yes                           the decay's
paddle                           no (own clock from W)         the inner one's; cosines **rise again**
paddle ``exponential_with_...``  yes (global boundaries)       the last value
torch                            no (``SequentialLR``)         ``CosineAnnealingLR`` **rises again** [6]_
transformers                     yes                           linear 0, polynomial ``lr_end``, wsd its
                                                               floor; plain cosine **rises again**
timm                             yes; not with the prefix      ``lr_min``
pytorch_warmup                   yes (it only multiplies)      the inner one's
megatron                         yes (``lr_decay_steps``)      ``min_lr`` for ``n > lr_decay_steps``
fairseq ``polynomial_decay``     yes (``total_num_update``)    ``end_learning_rate``
fairseq, the others              no                            cosine: a lower cycle; tri-stage: its
                                                               final rate; inverse_sqrt: no end
t5x, trax ``multifactor``        no (``steps_per_cycle``)      cosine: **back at the peak** at its end
scenic ``cosine_decay``          yes, of one cycle [7]_        **back at the peak** at its end
scenic ``linear_decay``          yes (``total_steps``)         ``end_learning_rate``
big_vision                       yes (``total_steps``)         cosine 0, linear ``end``, rsqrt: no end;
                                                               with a cooldown **below 0**, as scenic's
maxtext                          yes; ends at ``T - 1`` [8]_   0 if ``steps`` is above T; if not, cosines
                                                               **rise again** and lines hold
levanter                         yes (of a cycle)              ``min_lr``; inv_sqrt and power go on
axlearn                          yes (``max_step``)            the last value, from ``max_step - 1`` on; the
                                                               peak, where the decay has no steps
praxis                           yes (``decay_end``)           ``min_ratio * max``
deepspeed ``WarmupDecayLR``      yes (``total_num_steps``)     ``warmup_min_lr``, from one update later on
deepspeed ``WarmupCosineLR``     yes (``total_num_steps``)     ``cos_min_ratio * lr``
deepspeed ``OneCycle``           no warmup                     decays without an end, or the first rate
===============================  ============================  ============================================

.. [6] ``OneCycleLR``, here and in paddle, peaks at ``pct_start * total_steps - 1`` and ends at
   ``total_steps - 1``. It answers once more, extrapolated (below 0, if linear), and then raises: that last
   rate holds.
.. [7] ``steps_per_cycle`` less ``W`` over the number of cycles in ``total_steps``, rounded down.
.. [8] The floor is at the last update of the schedule. Before January 2026 it was at T, one after it.
.. [9] ``Transformer`` counts from 1: the first step up, full at W - 1. ``LinearRampupSqrtDecay`` takes update 0
   for 1. ``LinearRampupCosineDecay`` is 1 before ``start_step``.
.. [10] ``warmup_min_lr``, but for ``WarmupCosineLR``, whose update 0 has a rate of 0.

Boundaries, where a step changes:

========================================  ==========================================
library                                   the new value holds from
========================================  ==========================================
optax, torch ``MultiStepLR``, paddle      ``n == boundary``
big_vision ``stair``                      ``n == boundary``
keras and tfm ``PiecewiseConstantDecay``  ``n == boundary + 1``: the old one *at* it
scenic ``piecewise_constant``             ``n == boundary + 1``: the old one *at* it
trax ``two_constants``, ``decay_every``   ``n == boundary - 1``
timm ``MultiStepLRScheduler``             ``n == milestone - 1``
axlearn ``stepwise``                      ``n == start_step - 1``
axlearn ``segment_wise``, praxis          ``n == boundary``
========================================  ==========================================

Restarts by a multiplier come at the exact update here. Keras, timm, fairseq, Scenic, and Paddle inside of
its ``LinearWarmup``, find them by a logarithm, which for some multipliers is one update late.

What follows the training instead of the count (a loss that stops falling, the norm of a gradient) is not a
function of it, and is not here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._port import no_attribute

if TYPE_CHECKING:
    from . import (
        axlearn,
        big_vision,
        deepspeed,
        fairseq,
        keras,
        levanter,
        maxtext,
        mediapipe,
        megatron,
        optax,
        paddle,
        praxis,
        pytorch_warmup,
        scenic,
        t5x,
        tfm,
        timm,
        torch,
        transformers,
        trax,
    )

__all__ = [
    "axlearn",
    "big_vision",
    "deepspeed",
    "fairseq",
    "keras",
    "levanter",
    "maxtext",
    "mediapipe",
    "megatron",
    "optax",
    "paddle",
    "praxis",
    "pytorch_warmup",
    "scenic",
    "t5x",
    "tfm",
    "timm",
    "torch",
    "transformers",
    "trax",
]

if not TYPE_CHECKING:  # a checker refuses a name that is not there

    def __getattr__(name: str) -> Any:
        """A library's module, imported when it is first asked for."""
        if name in __all__:
            return importlib.import_module(f"{__name__}.{name}")
        raise no_attribute(__name__, name, __all__, otherwise=f"it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
