"""Schedules compared with their rules, many in one compiled program: compiling is most of a test's time."""

import jax
import numpy as np

import warmup_optax as wo

EXACT = 1e-9  # relative, in float64: the few float64 operations of a rule and of a schedule, with room


def values(schedules, counts):
    """``{name: schedule}`` at ``{name: counts}``, each as one vectorised call."""
    longest = max(map(len, counts.values()))  # one shape compiles faster
    padded = {name: np.pad(x, (0, longest - len(x)), mode="edge") for name, x in counts.items()}
    rates = jax.jit(lambda n: {name: schedule(n[name]) for name, schedule in schedules.items()})(padded)
    return {name: np.asarray(rates[name])[: len(counts[name])] for name in schedules}


def agree(schedules, rules, counts, *, tolerance=EXACT, near_zero=1e-12):
    """Each schedule is its rule, an array over ``counts``, in float64, where the rule is finite.

    Schedules that differ in their numbers alone are one stack, so one part of the program.
    """
    groups = {}
    for i, schedule in enumerate(schedules):
        groups.setdefault(str(jax.tree.structure(schedule)), []).append(i)
    with jax.enable_x64(True):
        stacks = [wo.stack([schedules[i] for i in group]) for group in groups.values()]
        found = jax.jit(lambda stacks, n: [jax.vmap(lambda s: s(n))(stack) for stack in stacks])(
            stacks, counts
        )
    for group, rates in zip(groups.values(), found, strict=True):
        for i, rate in zip(group, np.asarray(rates), strict=True):
            rule = np.broadcast_to(rules[i], rate.shape)
            known = np.isfinite(rule)
            peak = np.abs(rule[known]).max()
            off = np.abs(rate - rule) > tolerance * np.abs(rule) + near_zero * peak
            assert known.any(), schedules[i]
            assert np.isfinite(rate).all(), schedules[i]
            off &= known
            assert not off.any(), (schedules[i], counts[off][:5], rate[off][:5], rule[off][:5])
