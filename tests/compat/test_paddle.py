"""`compat.paddle` beside the tables of Paddle's own schedulers."""

import golden
import pytest

from warmup_optax.compat import paddle


def make(name, **kwargs):
    return getattr(paddle, name)(**kwargs)


@pytest.mark.parametrize("case", golden.cases("paddle") + golden.cases("paddle_rcnn"), ids=golden.name)
def test_the_table(case):
    golden.run(case, make)
