"""Chex: every constructor in every variant, and one trace however the numbers change."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from support.catalogue import CASES, ONE_OF_EACH

import warmup_optax as wo

COUNTS = np.array([0, 1, 29, 30, 31, 99, 100, 101, 300, 1000, 2**31 - 1], np.int32)


def named(cases):
    return parameterized.named_parameters(*((f"_{case.name}", case) for case in cases))


class Variants(chex.TestCase):
    @chex.variants(with_jit=True, without_jit=True, with_device=True, without_device=True, with_pmap=True)
    @named(ONE_OF_EACH)
    def test_contract_and_value(self, case):
        """Laws 1 and 4 under jit, op by op, from device arrays, from NumPy, and under pmap."""
        schedule = case.schedule
        values = self.variant(lambda counts: schedule(counts))(COUNTS)
        exact = case.reference(COUNTS)
        chex.assert_shape(values, COUNTS.shape)
        chex.assert_type(values, float)
        chex.assert_tree_all_finite(values)
        # 16 float32 roundings of each value: the sharp bound per count is in `test_laws.py`
        np.testing.assert_allclose(values, exact, rtol=case.ulp * 2.0**-22, atol=1e-37)

    @chex.variants(with_jit=True, without_jit=True)
    @named(ONE_OF_EACH)
    def test_vmap_over_counts_is_a_vector_call(self, case):
        """Law 1: a schedule maps over counts element by element."""
        schedule = case.schedule
        mapped = self.variant(jax.vmap(lambda count: schedule(count)))(COUNTS)
        np.testing.assert_allclose(mapped, schedule(COUNTS), rtol=case.ulp * 2.0**-22, atol=1e-37)


class Traces(chex.TestCase):
    @named(CASES)
    def test_one_trace_for_all_numbers(self, case):
        """Section 4: a program that takes the schedule as data is traced once, whatever changes."""
        chex.clear_trace_counter()
        program = jax.jit(chex.assert_max_traces(lambda schedule, c: schedule(c), n=1))
        count = jnp.int32(31)
        values = [program(case.schedule, count)]
        values += [program(variant.on(wo), count) for variant in case.variants]
        assert len(values) > 1
        chex.assert_tree_all_finite(values)
