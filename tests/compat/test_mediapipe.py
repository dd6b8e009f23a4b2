"""`compat.mediapipe` beside the tables of MediaPipe Model Maker's own class."""

import golden
import pytest

from warmup_optax.compat import keras, mediapipe


def make(name, **kwargs):
    return mediapipe.WarmUp(**kwargs) if name == "WarmUp" else getattr(keras, name)(**kwargs)


@pytest.mark.parametrize("case", golden.cases("mediapipe"), ids=golden.name)
def test_the_table(case):
    golden.run(case, make)
