"""MediaPipe Model Maker's warmup (``mediapipe_model_maker`` 0.2.1, ``model_util.WarmUp``)."""

from __future__ import annotations

from typing import Annotated, Any

import warmup_optax as wo

from ._arguments import Ignored, Number, Steps
from ._port import port


@port(schedules="decay_schedule_fn")
def WarmUp(
    initial_learning_rate: Annotated[Number, "The end of the ramp; nothing ties it to the decay's start."],
    decay_schedule_fn: Annotated[Any, "A schedule, any function of a count, or a number."],
    warmup_steps: Annotated[Steps, "Updates of warmup; with 0 there is none."],
    name: Ignored = None,
) -> wo.Schedule:
    """A linear ramp from 0 to ``initial_learning_rate``, then a decay that has been running under it.

    From update ``warmup_steps`` on it is ``decay_schedule_fn`` of the *unshifted* count: the decay has lost its
    first ``warmup_steps`` updates, and the rate jumps there from ``initial_learning_rate`` to the decay's
    value. (The original's text says "larger than warmup_steps"; its code, and this, hand over *at* it.)

    >>> import warmup_optax as wo
    >>> from warmup_optax.compat import keras, mediapipe
    >>> decay = keras.PolynomialDecay(1.0, decay_steps=8, end_learning_rate=0.0)
    >>> mediapipe.WarmUp(1.0, decay, warmup_steps=4)([0, 3, 4, 8]).tolist()
    [0.0, 0.75, 0.5, 0.0]
    """
    warmup = wo.linear(0.0, initial_learning_rate, warmup_steps)
    return wo.join([warmup, decay_schedule_fn], [warmup_steps], offsets=[0, 0])
