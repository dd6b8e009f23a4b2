"""MediaPipe Model Maker's warmup (``mediapipe_model_maker`` 0.2.1, ``model_util.WarmUp``)."""

from __future__ import annotations

from typing import Annotated

import warmup_optax as wo

from ._arguments import Ignored, Number, Steps
from ._port import port
from ._rules import ScheduleLike


@port(schedules="decay_schedule_fn")
def WarmUp(
    initial_learning_rate: Annotated[Number, "The end of the ramp; it need not be the decay's begin."],
    decay_schedule_fn: Annotated[ScheduleLike, "A schedule, any function of a count, or a number."],
    warmup_steps: Annotated[Steps, "Updates of warmup; 0 for none."],
    name: Ignored = None,
) -> wo.Schedule:
    """Linear warmup from 0 to ``initial_learning_rate``, then a decay that counts from the start of the run.

    From update ``warmup_steps`` on, the rate is ``decay_schedule_fn`` at the *unshifted* count. So the first
    ``warmup_steps`` updates of the decay are never used, and at ``warmup_steps`` the rate jumps to the decay's
    value. The original's docstring says "larger than warmup_steps", but its code and this port change *at* it.

    >>> from warmup_optax.compat import keras
    >>> decay = keras.PolynomialDecay(1.0, decay_steps=8, end_learning_rate=0.0)
    >>> mediapipe.WarmUp(1.0, decay, warmup_steps=4)([0, 3, 4, 8]).tolist()
    [0.0, 0.75, 0.5, 0.0]
    """
    warmup = wo.linear(0.0, initial_learning_rate, warmup_steps)
    return wo.join([warmup, decay_schedule_fn], [warmup_steps], offsets=[0, 0])
