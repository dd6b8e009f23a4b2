"""Shared parts of the tests against an installed peer: the rates that it sets, and numbers to try."""

import contextlib
import warnings

import numpy as np
from hypothesis import strategies as st

from support import golden

STEPS = 160  # every comparison has as many counts, so that a kind of schedule is compiled once

rates = st.floats(1e-5, 1.0).map(lambda x: float(f"{x:.3g}"))
factors = st.floats(0.05, 1.0).map(lambda x: float(f"{x:.3g}"))
decays = st.floats(0.3, 0.99).map(lambda x: float(f"{x:.3g}"))
powers = st.sampled_from([0.5, 0.9, 1.0, 1.5, 2.0, 3.0])
lengths = st.integers(1, 60)
short = st.integers(0, 40)


def recorded(optimizer, advance, steps=STEPS):
    """The rate of updates 0, 1, ...; ``advance(n)`` goes to update n. Shorter where the peer raises."""
    values = []
    with warnings.catch_warnings(), contextlib.suppress(ArithmeticError, ValueError, TypeError):
        warnings.simplefilter("ignore")
        for n in range(steps):
            if n:
                optimizer.step()
                advance(n)
            values.append(float(optimizer.param_groups[0]["lr"]))
    return np.asarray(values)


def agree(schedule, values, skip=(), steps=STEPS):
    """The schedule is what the peer gave, and its last rate after that, but for the steps to skip."""
    assert len(values)
    expected = golden.held(np.pad(values, (0, steps - len(values)), mode="edge"))
    actual = np.asarray(schedule(np.arange(steps)))
    golden.check_saved(schedule)
    keep = np.setdiff1d(np.arange(steps), list(skip))
    peak = np.max(np.abs(expected))
    golden.compare(actual[keep], expected[keep], golden.EXACT, peak=peak, steps=keep)
