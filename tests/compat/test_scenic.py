"""`compat.scenic` beside the tables of Scenic."""

import golden
import pytest

from warmup_optax.compat import scenic


@pytest.mark.parametrize("case", golden.cases("scenic"), ids=golden.name)
def test_the_table(case):
    golden.run(case, lambda name, **kwargs: getattr(scenic, name)(kwargs))
