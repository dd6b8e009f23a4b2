"""Chex: every constructor in every variant, and one trace however the numbers change."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from support.catalogue import ONE_OF_EACH

import warmup_optax as wo

COUNTS = np.array([0, 1, 29, 30, 31, 99, 100, 101, 300, 1000, 2**31 - 1], np.int32)
SCHEDULES = {case.name: case.schedule for case in ONE_OF_EACH}


def every(counts):
    return {name: schedule(counts) for name, schedule in SCHEDULES.items()}


class Variants(chex.TestCase):
    @chex.variants(with_jit=True, without_jit=True, with_device=True, without_device=True)
    def test_contract_and_value(self):
        """Laws 1 and 4 under jit, op by op, from device arrays and from NumPy: one of each."""
        found = self.variant(every)(COUNTS)
        for case in ONE_OF_EACH:
            with self.subTest(case.name):
                values = found[case.name]
                chex.assert_shape(values, COUNTS.shape)
                chex.assert_type(values, float)
                chex.assert_tree_all_finite(values)
                # 16 float32 roundings of each value: the sharp bound per count is in `test_laws.py`
                exact = case.reference(COUNTS)
                np.testing.assert_allclose(values, exact, rtol=case.ulp * 2.0**-22, atol=1e-37)

    @chex.variants(with_jit=True, without_jit=True)
    def test_vmap_over_counts_is_a_vector_call(self):
        """Law 1: a schedule maps over counts element by element."""
        some = ONE_OF_EACH[::8]
        mapped = self.variant(jax.vmap(lambda count: {case.name: case.schedule(count) for case in some}))(
            COUNTS
        )
        for case in some:
            with self.subTest(case.name):
                vector = case.schedule(COUNTS)
                np.testing.assert_allclose(mapped[case.name], vector, rtol=case.ulp * 2.0**-22, atol=1e-37)


class Traces(chex.TestCase):
    def test_one_trace_for_all_numbers(self):
        """Law 7: a program that takes schedules as data is traced once, whatever their numbers become."""
        chex.clear_trace_counter()
        program = jax.jit(chex.assert_max_traces(lambda s, c: [one(c) for one in s], n=1))
        count = jnp.int32(31)
        variants = [[case.schedule, *(variant.on(wo) for variant in case.variants)] for case in ONE_OF_EACH]
        assert min(map(len, variants)) > 1
        first = program.trace([row[0] for row in variants], count)  # traced, and not compiled
        for k in range(1, max(map(len, variants))):
            again = program.trace([row[k % len(row)] for row in variants], count)
            assert again.jaxpr is first.jaxpr
