"""An old name of `support.configs`, for the tests that still use it."""

import sys

from support import configs

sys.modules[__name__] = configs
