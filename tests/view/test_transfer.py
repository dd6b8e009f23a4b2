"""The effect of a schedule on its best peak, against the authors' own figures and measured runs."""

import collections
import functools
import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.together import together

import warmup_optax as wo
from warmup_optax._view import transfer

GOLDEN = Path(__file__).parents[1] / "golden"

COSINE = wo.warmup_cosine(3e-4, warmup_steps=30, total_steps=1000)
WSD = wo.warmup_stable_decay(3e-4, warmup_steps=30, decay_steps=200, total_steps=1000)


@pytest.fixture(autouse=True)
def _promotion():
    """Functions of a user and Optax need standard promotion."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def authors_schedule(name, steps):
    """A schedule of the authors' classes; their runs have one update more, whose rate is 0."""

    def cooled(fraction, shape=wo.linear):
        cooldown = int(fraction * (steps + 1))
        return wo.with_cooldown(1.0, begin=steps - cooldown, steps=cooldown, shape=shape)

    return {
        "linear": lambda: wo.linear(1.0, 0.0, steps),
        "wsd-0.2": lambda: cooled(0.2),
        "wsd-0.5": lambda: cooled(0.5),
        "wsd-0.2-sqrt": lambda: cooled(0.2, wo.one_minus_sqrt),
        "one-minus-sqrt": lambda: wo.one_minus_sqrt(1.0, 0.0, steps),
        "inverse-sqrt": lambda: wo.inverse_sqrt(1.0, timescale=1),
        "constant": lambda: 1.0,
        "cosine": lambda: wo.cosine(1.0, 0.0, steps),
        "cosine-tenth": lambda: wo.cosine(1.0, 0.1, steps),
    }[name]()


def authors_cases():
    for case in json.loads((GOLDEN / "last_iterate_bound.json").read_text())["cases"]:
        name = case["id"].rpartition("-")[0]
        norms = 3 / np.sqrt(np.arange(case["updates"]) + 1) + 0.2 if name.endswith("-norms") else None
        yield case | {"name": name.removesuffix("-norms"), "norms": norms}


def factor_and_bound(schedule, steps, norms=None):
    """Best peak and bound in float64: relative to a single update of rate 1, for which both are 1."""
    one = wo.piecewise_constant([1.0, 0.0], [1])
    found = wo.transfer_peak(one, schedule, total_steps=steps, norms=norms)
    scale = 1.0 if norms is None else norms[0]
    return found.factor / scale, found.bound_ratio * scale


@pytest.mark.parametrize("case", list(authors_cases()), ids=lambda case: case["id"])
def test_the_authors_own_figures(case):
    """Their float64 class on their schedules. Ours are rounded to float32, so 1e-6 and not 1e-12."""
    steps, norms = case["updates"], case["norms"]
    peak, bound = factor_and_bound(authors_schedule(case["name"], steps), steps, norms)
    assert peak == pytest.approx(case["best_peak"], rel=1e-6)
    assert bound == pytest.approx(case["bound"], rel=1e-6)


@pytest.mark.parametrize("case", list(authors_cases()), ids=lambda case: case["id"])
def test_the_jax_form_gives_the_same(case):
    """Float32 throughout: rounding of rates and of sums in chunks, measured at 1.2e-7."""
    found = jax_forms()[case["id"]]
    assert found.peak.dtype == found.bound.dtype == jnp.zeros(()).dtype
    assert float(found.peak) == pytest.approx(case["best_peak"], rel=1e-6)
    assert float(found.bound) == pytest.approx(case["bound"], rel=1e-6)


@functools.cache
def jax_forms():
    """The bounds of all cases, of schedules that are data, in a few programs."""
    cases = {case["id"]: case for case in authors_cases()}

    def bound(name, schedule):
        case = cases[name]
        return wo.transfer_bound(schedule, total_steps=case["updates"], norms=case["norms"])

    def argument(case):
        return (wo.as_schedule(authors_schedule(case["name"], case["updates"])),)

    calls = [functools.partial(argument, case) for case in cases.values()]
    return dict(zip(cases, together(bound, calls, keys=list(cases)), strict=True))


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 17, 1000, 1_000_000])
def test_the_two_forms_agree(steps):
    """To a million updates, at lengths that fill the chunks of the sums and that do not."""
    schedules = (wo.warmup_cosine(3e-4, warmup_steps=steps // 10, total_steps=steps + 1), wo.constant(0.1))
    first, second = jax.jit(lambda many: [wo.transfer_bound(s, total_steps=steps) for s in many])(schedules)
    found = wo.transfer_peak(*schedules, total_steps=steps)
    assert float(second.peak / first.peak) == pytest.approx(found.factor, rel=2e-6)  # two of 1e-6
    assert float(second.bound / first.bound) == pytest.approx(found.bound_ratio, rel=2e-6)


def test_an_eager_call_gives_the_same():
    """As under `jit`, up to the order of float32 sums."""
    eager, jitted = (call(WSD) for call in (bound_of_1000, jax.jit(bound_of_1000)))
    assert float(eager.peak) == pytest.approx(float(jitted.peak), rel=1e-6)
    assert float(eager.bound) == pytest.approx(float(jitted.bound), rel=1e-6)


def bound_of_1000(schedule):
    return wo.transfer_bound(schedule, total_steps=1000)


@pytest.mark.parametrize("steps", [1, 2, 7, 50])
@pytest.mark.parametrize("with_norms", [False, True])
def test_the_definition(steps, with_norms):
    """The sums as the theorem writes them, in a loop."""
    random = np.random.default_rng(steps)
    eta = random.uniform(0.1, 1.0, steps).astype(np.float32).astype(np.float64)
    norms = random.uniform(0.5, 2.0, steps) if with_norms else np.ones(steps)
    work = eta**2 * norms**2
    t2 = work.sum() / eta.sum()
    for k in range(steps - 1):
        t2 += eta[k] / eta[k + 1 :].sum() * work[k:].sum() / eta[k:].sum()
    t1, t2 = 1 / (2 * eta.sum()), t2 / 2
    values = jnp.asarray(eta, jnp.float32)
    peak, bound = factor_and_bound(lambda count: values[count], steps, norms)
    assert peak == pytest.approx(np.sqrt(t1 / t2) * eta.max(), rel=1e-12)
    assert bound == pytest.approx(2 * np.sqrt(t1 * t2), rel=1e-12)


class TestLaws:
    def test_equal_schedules_give_one(self):
        for schedule in (COSINE, WSD, wo.constant(0.1), optax.cosine_decay_schedule(0.1, 1000)):
            found = wo.transfer_peak(schedule, schedule, total_steps=1000)
            assert (found.factor, found.bound_ratio) == (1.0, 1.0)

    @pytest.mark.parametrize("scale", [2.0, 1e-20, 1e20, 1 / 3])
    def test_the_scale_of_a_schedule_makes_no_difference(self, scale):
        """Up to the rounding of the scaled rates to float32."""
        plain = wo.transfer_peak(COSINE, WSD, total_steps=1000)
        for old, new in ((COSINE * scale, WSD), (COSINE, WSD * scale)):
            found = wo.transfer_peak(old, new, total_steps=1000)
            assert found.factor == pytest.approx(plain.factor, rel=1e-6)
            assert found.bound_ratio == pytest.approx(plain.bound_ratio, rel=1e-6)

    @pytest.mark.parametrize("scale", [1e-25, 1e25])
    def test_the_scale_of_norms_cancels(self, scale):
        norms = np.linspace(1.0, 3.0, 1000)
        plain = wo.transfer_peak(COSINE, WSD, total_steps=1000, norms=norms)
        assert wo.transfer_peak(COSINE, WSD, total_steps=1000, norms=scale * norms).factor == pytest.approx(
            plain.factor, rel=1e-12
        )
        one, other = (wo.transfer_bound(WSD, total_steps=1000, norms=x * norms) for x in (1, scale))
        assert float(other.peak) == pytest.approx(float(one.peak) / scale, rel=1e-5)  # 2e-6 each, and 1e25
        assert wo.transfer_peak(COSINE, WSD, total_steps=1000, norms=[2] * 1000).factor == pytest.approx(
            wo.transfer_peak(COSINE, WSD, total_steps=1000).factor, rel=1e-12
        )

    def test_there_and_back(self):
        forth = wo.transfer_peak(COSINE, WSD, total_steps=1000, new_total_steps=3000)
        back = wo.transfer_peak(WSD, COSINE, total_steps=3000, new_total_steps=1000)
        assert forth.factor * back.factor == pytest.approx(1, rel=1e-12)
        assert forth.bound_ratio * back.bound_ratio == pytest.approx(1, rel=1e-12)
        assert forth.low * back.high == pytest.approx(1, rel=1e-12)
        assert forth.high * back.low == pytest.approx(1, rel=1e-12)

    def test_zeros_at_the_end_change_nothing(self):
        short = wo.transfer_peak(WSD, COSINE, total_steps=1000)
        late = wo.transfer_peak(WSD, COSINE, total_steps=1000, new_total_steps=1500)
        assert late.factor == pytest.approx(short.factor, rel=1e-12)
        peaks = jax.jit(lambda s: [wo.transfer_bound(s, total_steps=n).peak for n in (1000, 1500)])(COSINE)
        assert float(peaks[1]) == pytest.approx(float(peaks[0]), rel=1e-6)

    def test_zeros_elsewhere_are_updates_that_do_nothing(self):
        """Those at the start as well: a warmup from 0 has one."""
        rates = jnp.asarray([0, 1, 0.5, 0.25], jnp.float32)
        spread = jnp.asarray([0, 0, 1, 0.5, 0, 0, 0.25, 0], jnp.float32)
        found = wo.transfer_peak(
            lambda count: rates[count], lambda count: spread[count], total_steps=4, new_total_steps=8
        )
        assert found.factor == pytest.approx(1, rel=1e-12)

    @pytest.mark.parametrize("seed", range(6))
    def test_no_decreasing_schedule_is_far_below_the_linear_decay(self, seed):
        """For 1,000 updates; by 0.07 % at the most, where its last rate is raised."""
        random, steps = np.random.default_rng(seed), 1000
        linear = transfer._best(np, 1 - np.arange(steps) / steps, None)[1]
        for _ in range(100):
            knots = random.integers(2, 8)
            at = np.r_[0, np.sort(random.integers(1, steps - 1, knots)), steps]
            rates = [
                np.sort(random.random(steps))[::-1],
                np.cumsum(random.pareto(random.uniform(0.3, 3), steps))[::-1],
                np.interp(np.arange(steps), at, np.sort(random.random(knots + 2))[::-1]),
                (1 - np.arange(steps) / steps) ** random.uniform(0.2, 3),
                1 - np.arange(steps) / steps + random.uniform(0, 0.02),
            ][seed % 5]
            assert (np.diff(rates) <= 0).all()
            assert transfer._best(np, rates, None)[1] > 0.997 * linear

    def test_a_raised_last_rate_is_rewarded(self):
        """As the docstring warns: 3 % at 20 updates."""
        found = wo.transfer_peak(wo.linear(1.0, 0.0, 20), wo.inverse_sqrt(1.0, timescale=1), total_steps=20)
        assert found.bound_ratio == pytest.approx(0.968, abs=0.001)


class TestGradient:
    def test_by_the_length_of_a_cooldown(self):
        """A longer one is better up to the whole run, and so is the difference quotient."""

        def bound(steps):
            cooled = wo.with_cooldown(1.0, begin=1000 - steps, steps=steps)
            return wo.transfer_bound(cooled, total_steps=1000).bound

        run = jax.jit(jax.value_and_grad(bound))
        for steps in (50.0, 200.0, 600.0, 900.0):
            gradient = float(run(steps)[1])
            quotient = float(run(1.01 * steps)[0] - run(0.99 * steps)[0]) / (0.02 * steps)
            assert gradient < 0
            # The quotient is of float32 values, and the bound curves within 1 %.
            assert gradient == pytest.approx(quotient, rel=0.02, abs=2e-9)

    def test_every_number_has_a_finite_gradient(self):
        """Zeros and the last update included."""

        def bound(peak, end):
            schedule = wo.warmup_cosine(peak, warmup_steps=5, total_steps=40, end_value=end)
            return wo.transfer_bound(schedule, total_steps=60).bound

        grad = jax.jit(jax.grad(bound, argnums=(0, 1)))
        assert np.isfinite(grad(3e-4, 0.0)).all()
        assert np.isfinite(grad(3e-4, 1e-5)).all()

    def test_of_the_best_peak_by_the_scale(self):
        """The best peak does not depend on the scale of the rates."""
        grad = jax.grad(lambda peak: wo.transfer_bound(wo.linear(peak, 0.0, 50), total_steps=50).peak)
        assert float(jax.jit(grad)(0.5)) == pytest.approx(0.0, abs=1e-6)  # of 0.14, in float32

    def test_a_stack_is_mapped(self):
        stacked = wo.stack([wo.linear(1.0, end, 50) for end in (0.0, 0.1, 0.5)])

        @jax.jit
        def bound(schedule):
            return wo.transfer_bound(schedule, total_steps=50).bound

        found = jax.vmap(bound)(stacked)
        each = [bound(wo.linear(1.0, end, 50)) for end in (0.0, 0.1, 0.5)]
        np.testing.assert_allclose(found, each, rtol=1e-6)  # float32


def measured_groups():
    """Of each group of published runs: its schedule, length, best peak, and loss there."""
    for runs in json.loads((GOLDEN / "llm_124m.json").read_text())["runs"]:
        losses = {float(peak): loss for peak, loss in runs["final_validation_loss"].items()}
        if len(losses) < 3:
            continue
        peaks = np.log(sorted(losses))
        values = np.array([losses[peak] for peak in sorted(losses)])
        i = int(np.clip(values.argmin(), 1, len(values) - 2))
        a, b, c = np.polyfit(peaks[i - 1 : i + 2], values[i - 1 : i + 2], 2)
        steps, warmup = runs["total_steps"], runs["warmup_steps"]
        schedule = wo.warmup_stable_decay(
            1.0,
            warmup_steps=warmup,
            decay_steps=int(runs["cooldown_fraction"] * steps),
            total_steps=steps,
            decay_shape=getattr(wo, runs["decay_shape"]),
        )
        key = runs["decay_shape"], runs["cooldown_fraction"]
        yield key, steps, schedule, math.exp(-b / (2 * a)), c - b * b / (4 * a)


def test_the_measured_spread_and_exponents():
    """The constants behind ``low`` and ``high``, from the published runs."""
    groups = list(measured_groups())
    reference = groups[0]
    found = [
        wo.transfer_peak(reference[2], schedule, total_steps=reference[1], new_total_steps=steps)
        for _, steps, schedule, _, _ in groups
    ]
    misses = [np.log(x.factor * reference[3] / group[3]) for x, group in zip(found, groups, strict=True)]
    assert len(groups) == 26
    assert np.std(misses) == pytest.approx(transfer.SPREAD, abs=0.0005)
    for length in (15_000, 25_000, 35_000, 50_000):  # the docstring: 0.05 to 0.08 among runs of one length
        of_length = [miss for miss, group in zip(misses, groups, strict=True) if group[1] == length]
        assert 0.05 < np.std(of_length) < 0.08
    losses, bounds = [group[4] for group in groups], [x.bound_ratio for x in found]
    assert np.corrcoef(losses, bounds)[0, 1] == pytest.approx(0.996, abs=0.0005)
    by_shape = collections.defaultdict(list)
    for key, steps, _, peak, _ in groups:
        by_shape[key].append((np.log(steps), np.log(peak)))
    exponents = [np.polyfit(*np.transpose(x), 1)[0] for x in by_shape.values() if len(x) > 2]
    assert len(exponents) >= 3
    assert max(exponents) == pytest.approx(transfer.WEAKEST_EXPONENT, abs=0.005)
    assert min(exponents) == pytest.approx(-0.27, abs=0.005)


def test_the_length_of_a_training_run():
    run = wo.TrainingRun(num_examples=1000, batch_size=10, num_epochs=10)
    expected = wo.transfer_peak(COSINE, WSD, total_steps=1000, new_total_steps=500)
    half = wo.TrainingRun(batch_size=8, total_steps=500)
    assert wo.transfer_peak(COSINE, WSD, total_steps=run, new_total_steps=half) == expected
    assert wo.transfer_bound(WSD, total_steps=run) == wo.transfer_bound(WSD, total_steps=1000)
    assert wo.compare(COSINE, WSD, 0, total_steps=half) == wo.compare(COSINE, WSD, 0, total_steps=500)


def test_a_function_with_an_if():
    """Called count by count, on the host."""
    found = wo.transfer_peak(lambda count: 1.0 if count < 6 else 0.5, 1.0, total_steps=10)
    staircase = wo.piecewise_constant([1.0, 0.5], [6])
    assert found == wo.transfer_peak(staircase, 1.0, total_steps=10)


class TestRange:
    def test_of_another_schedule(self):
        found = wo.transfer_peak(COSINE, WSD, total_steps=1000)
        assert found.low == pytest.approx(found.factor * math.exp(-0.175))
        assert found.high == pytest.approx(found.factor * math.exp(0.175))

    @pytest.mark.parametrize("ratio", [4, 0.25])
    def test_of_another_length(self, ratio):
        """It reaches from the bound's T^-0.5 to the weakest measured T^-0.07."""
        steps = int(1000 * ratio)
        longer = wo.warmup_constant(3e-4, warmup_steps=0)
        found = wo.transfer_peak(longer, longer, total_steps=1000, new_total_steps=steps)
        ends = sorted([found.factor, found.factor * ratio**0.43])
        assert found.low == pytest.approx(ends[0] * math.exp(-0.175))
        assert found.high == pytest.approx(ends[1] * math.exp(0.175))

    @pytest.mark.parametrize(
        ("numbers", "text"),
        [
            ((0.6594, 0.5536, 0.7856), "0.66 (0.55 to 0.79)"),
            ((1.0, 0.839, 1.191), "1.00 (0.84 to 1.19)"),
            ((0.0123, 0.0103, 123.4), "0.012 (0.01 to 1.2e+02)"),
            ((99.5, 0.1, 100.0), "99.50 (0.10 to 1e+02)"),
        ],
    )
    def test_it_prints(self, numbers, text):
        assert str(transfer.Transfer(*numbers, bound_ratio=1.0)) == text


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "error", "says"),
        [
            ({"old": wo.linear(1.0, -1.0, 1000)}, ValueError, r"old\(501\) must be a finite number >= 0"),
            ({"new": wo.constant(0.0)}, ValueError, r"new must be above 0 at one of the counts 0 to 999"),
            ({"new": lambda count: jnp.nan * count}, ValueError, r"new\(0\) must be a finite number"),
            ({"new": "cosine"}, TypeError, "new must be"),
            ({"total_steps": 0}, ValueError, "total_steps must be .* >= 1, got 0"),
            ({"new_total_steps": 2.5}, ValueError, "new_total_steps must be .*, got 2.5"),
            (
                {"norms": [1.0] * 999},
                ValueError,
                r"norms must be of shape \(1000,\), .*got 'shape \(999,\)'; log one norm",
            ),
            (
                {"norms": np.ones((1000, 1))},
                ValueError,
                r"norms must be of shape \(1000,\), .*; pass one row",
            ),
            ({"norms": [1.0] * 500 + [0.0] * 500}, ValueError, r"norms\[500\] must be a finite number > 0"),
            ({"norms": [np.inf] * 1000}, ValueError, r"norms\[0\] must be a finite number > 0, got inf"),
            ({"norms": "all"}, TypeError, "norms must be a sequence of gradient norms"),
            (
                {"norms": [1.0] * 1000, "new_total_steps": 1000},
                ValueError,
                "norms must be None together with new_total_steps",
            ),
        ],
    )
    def test_bad_arguments(self, arguments, error, says):
        with pytest.raises(error, match=f"transfer_peak: {says}"):
            wo.transfer_peak(**({"old": COSINE, "new": WSD, "total_steps": 1000} | arguments))

    def test_traced_numbers(self):
        with pytest.raises(TypeError, match="transfer_peak: new must be a schedule without traced numbers"):
            jax.jit(lambda s: wo.transfer_peak(COSINE, s, total_steps=1000).factor)(WSD)
        with pytest.raises(TypeError, match="transfer_bound: total_steps must be known before tracing"):
            jax.jit(lambda n: wo.transfer_bound(WSD, total_steps=n).bound)(1000)
        with pytest.raises(TypeError, match="transfer_bound: norms must be known before tracing"):
            jax.jit(lambda x: wo.transfer_bound(WSD, total_steps=1000, norms=x).bound)(jnp.ones(1000))

    def test_the_jax_form_checks_concrete_numbers(self):
        with pytest.raises(ValueError, match=r"transfer_bound: schedule\(0\) must be a finite number >= 0"):
            wo.transfer_bound(-1.0, total_steps=10)
        with pytest.raises(ValueError, match=r"transfer_bound: norms\[1\] must be"):
            wo.transfer_bound(1.0, total_steps=2, norms=[1.0, -1.0])
        assert np.isnan(jax.jit(lambda s: wo.transfer_bound(s, total_steps=5).bound)(wo.constant(0.0)))
