"""`compat.big_vision` beside the tables of big_vision."""

import golden
import pytest

from warmup_optax.compat import big_vision


@pytest.mark.parametrize("case", golden.cases("big_vision"), ids=golden.name)
def test_the_table(case):
    golden.run(case, lambda name, **kwargs: getattr(big_vision, name)(**kwargs))
