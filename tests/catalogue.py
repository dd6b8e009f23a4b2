"""An old name of `support.catalogue`, for the tests that still use it."""

import sys

from support import catalogue

sys.modules[__name__] = catalogue
