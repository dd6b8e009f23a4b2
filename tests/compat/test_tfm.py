"""`compat.tfm` beside the tables of TF Model Garden's own module, and the sentence of its documentation."""

import golden
import numpy as np
import pytest

from warmup_optax.compat import keras, tfm


def make(name, **kwargs):
    return getattr(tfm, name, None or getattr(keras, name, None))(**kwargs)


@pytest.mark.parametrize("case", golden.cases("tfm"), ids=golden.name)
def test_the_table(case):
    golden.run(case, make)


def test_the_sentence_of_the_documentation():
    example = golden.table("seeds")["tfm_example"]
    schedule = tfm.PiecewiseConstantDecayWithOffset(
        boundaries=example["boundaries"], values=example["values"]
    )
    golden.compare(schedule(example["steps"]), example["values_at"], golden.EXACT)
    values = np.asarray(schedule(np.arange(110_010)))
    assert [(values == np.float32(x)).sum() for x in (1.0, 0.5, 0.1)] == [100_001, 10_000, 9]
