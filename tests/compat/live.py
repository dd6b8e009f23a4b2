"""An old name of `support.live`, for the tests that still use it."""

import sys

from support import live

sys.modules[__name__] = live
