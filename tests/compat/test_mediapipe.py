"""`compat.mediapipe` compared with the tables of MediaPipe Model Maker's own class."""

import pytest
from support import golden

from warmup_optax.compat import keras, mediapipe


def make(name, **kwargs):
    return mediapipe.WarmUp(**kwargs) if name == "WarmUp" else getattr(keras, name)(**kwargs)


@golden.each(golden.cases("mediapipe"))
def test_the_table(case):
    golden.run(case, make)


def test_bad_input_raises_an_error():
    with pytest.raises(ValueError, match=r"^compat\.mediapipe\.WarmUp: warmup_steps must be"):
        mediapipe.WarmUp(0.1, 0.1, -1)
    with pytest.raises(TypeError, match=r"^compat\.mediapipe\.WarmUp: decay_schedule_fn\[1\] must be"):
        mediapipe.WarmUp(0.1, "cosine", 5)
