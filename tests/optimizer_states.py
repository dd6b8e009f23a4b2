"""An old name of `support.optimizer_states`, for the tests that still use it."""

import sys

from support import optimizer_states

sys.modules[__name__] = optimizer_states
