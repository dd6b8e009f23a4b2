"""An old name of `support.golden`, for the tests that still use it."""

import sys

from support import golden

sys.modules[__name__] = golden
