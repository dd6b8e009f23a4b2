"""`to_keras` and `to_torch`: a schedule of ours drives training in Keras and in PyTorch."""

import copy
import importlib
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import warmup_optax as wo
from warmup_optax._convert import host_rates

os.environ.setdefault("KERAS_BACKEND", "jax")

SCHEDULE = wo.warmup_cosine(0.125, warmup_steps=3, total_steps=12, init_value=0.01)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
TESTS = pathlib.Path(__file__).parent
GOLDEN = TESTS.parent / "golden" / "seed_guide.json"


@pytest.fixture
def keras():
    """Keras on JAX, whose own layers do not pass under strict promotion."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("keras")
        if library.backend.backend() != "jax":
            pytest.skip(f"KERAS_BACKEND is {library.backend.backend()}")
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            yield library


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


# ------------------------------------------------------------------ with neither installed


@pytest.mark.parametrize(
    ("library", "call"),
    [("keras", lambda: wo.to_keras(SCHEDULE)), ("torch", lambda: wo.to_torch(None, SCHEDULE))],
)
def test_a_library_that_is_not_installed_is_named(library, call, monkeypatch):
    """The error names the missing package and the command to install it."""
    name, module = f"{library}_class", importlib.import_module(f"warmup_optax._convert.{library}")
    monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    monkeypatch.setitem(sys.modules, library, None)
    message = f"to_{library} needs {library}, which is not installed; pip install {library}"
    with pytest.raises(ImportError, match=message):
        call()


def test_rates_on_the_host_are_the_schedule():
    """Sampled in blocks, in any order, they are what a call gives, bit for bit; only a new block samples."""
    rates, block = host_rates.HostRates(SCHEDULE), host_rates.BLOCK
    counts = [0, 1, 5, 11, 12, block - 1, block, 2, 10 * block + 1]
    assert [rates(count) for count in counts] == [float(value) for value in SCHEDULE(np.array(counts))]


# ------------------------------------------------------------------ Keras


def run_python(*arguments):
    """The last line that a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.live
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_every_backend_trains_at_the_rates_of_the_schedule(backend, tmp_path):
    """Also accumulating, also after saving and loading: update `n` uses `schedule(n)`, exactly."""
    pytest.importorskip("keras")
    pytest.importorskip(backend)
    report = json.loads(run_python(TESTS / "keras_worker.py", backend, tmp_path))
    rates = wo.sample(
        wo.warmup_linear(0.125, warmup_steps=4, total_steps=12, init_value=1 / 64), range(16)
    ).tolist()
    moved, shown = report["plain"]
    more, shown_later = report["plain, loaded"]
    assert moved + more == shown + shown_later == rates[:14]
    assert report["graph"] == report["plain"]

    # Three batches for each update: 14 batches are 4 updates and 2 batches on the way to the next.
    moved, shown = report["accumulated"]
    more, shown_later = report["accumulated, loaded"]
    assert moved + more == [
        rate if batch % 3 == 2 else 0.0 for batch in range(21) for rate in [rates[batch // 3]]
    ]
    assert shown + shown_later == [rates[batch // 3] for batch in range(21)]


@pytest.mark.live
@pytest.mark.parametrize(
    "imports",
    ["import keras, warmup_optax", "import warmup_optax, keras; warmup_optax.KerasSchedule"],
)
def test_a_fresh_process_loads_a_model(imports, tmp_path, keras):
    """Without a call of `to_keras`: importing the library after Keras, or naming the class, is enough."""
    path = tmp_path / "model.keras"
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(wo.to_keras(SCHEDULE)), loss="mse")
    model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))
    model.save(path)
    code = (
        f"{imports}; optimizer = keras.saving.load_model({str(path)!r}).optimizer; "
        "print(repr(optimizer._learning_rate.schedule), float(optimizer.learning_rate))"
    )
    assert run_python("-c", code) == f"{SCHEDULE!r} {float(SCHEDULE(1))}"


@pytest.mark.live
def test_the_keras_object_is_a_value_of_kerass_kind(keras):
    """Keras's class, its config plain JSON, its copies the same schedule; arrays of counts too."""
    made = wo.to_keras(SCHEDULE)
    assert isinstance(made, keras.optimizers.schedules.LearningRateSchedule)
    assert type(made) is wo.KerasSchedule
    assert made.get_config() == {"schedule": wo.to_config(SCHEDULE)}
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    for copied in (
        type(made).from_config(made.get_config()),
        keras.saving.deserialize_keras_object(config),
        pickle.loads(pickle.dumps(made)),
        copy.deepcopy(made),
    ):
        assert copied.schedule == SCHEDULE
    np.testing.assert_array_equal(made(np.arange(14)), SCHEDULE(np.arange(14)))
    with pytest.raises(TypeError, match="is a Python function"):
        wo.to_keras(lambda count: 0.1).get_config()


@pytest.mark.live
def test_the_step_is_compiled_with_the_schedule_in_it(keras, compilations):
    """On JAX the rate is part of the program: more steps compile nothing, and the host is not asked."""
    made = wo.to_keras(SCHEDULE)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(made), loss="mse")
    batch = np.ones((2, 1), np.float32)
    for _ in range(2):
        model.train_on_batch(batch, batch)
    before = compilations()
    for _ in range(14):
        model.train_on_batch(batch, batch)
    assert compilations() == before
    assert made._host_rates.block == []


@pytest.mark.live
def test_a_schedule_around_ours_counts_updates_too(keras):
    """Accumulation is seen through a user-defined Keras schedule that calls ours."""

    class Half(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, step):
            return 0.5 * self.inner(step)

    made = wo.to_keras(SCHEDULE)
    optimizer = keras.optimizers.SGD(Half(made), gradient_accumulation_steps=4)
    optimizer._iterations.assign(9)
    assert float(optimizer.learning_rate) == 0.5 * float(SCHEDULE(2))
    assert float(made(9)) == float(SCHEDULE(9))  # nobody's count but the caller's: of updates


def guide_class(keras):
    """The class that the Keras guide on warmups tells its readers to write."""

    class WarmUpCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, start_lr, target_lr, warmup_steps, total_steps, hold):
            self.target_lr, self.total_steps = target_lr, total_steps
            self.warmup_steps, self.hold = warmup_steps, hold

        def __call__(self, step):
            ops = keras.ops
            step = ops.cast(step, "float32")
            begin = self.warmup_steps + self.hold
            angle = np.pi * (step - begin) / (self.total_steps - begin)
            rate = 0.5 * self.target_lr * (1 + ops.cos(angle))
            rate = ops.where(step > begin, rate, self.target_lr)
            rate = ops.where(step < self.warmup_steps, self.target_lr * step / self.warmup_steps, rate)
            return ops.where(step > self.total_steps, 0.0, rate)

    return WarmUpCosineDecay


@pytest.mark.live
def test_the_warmup_guide_runs_with_ours(keras):
    """Its model, its callback that records the rates, its class and ours: the same rates and losses."""
    golden = next(case for case in json.loads(GOLDEN.read_text())["cases"] if case["id"] == "c-hold5")
    transcribed = guide_class(keras)(**golden["kwargs"])(np.array(golden["steps"]))
    np.testing.assert_allclose(transcribed, golden["values"], rtol=1e-6, atol=1e-7 * 0.1)

    class Recorder(keras.callbacks.Callback):
        def __init__(self, setting=None):
            super().__init__()
            self.setting, self.rates, self.losses = setting, [], []

        def on_train_batch_begin(self, batch, logs=None):
            if self.setting is not None:
                self.model.optimizer.learning_rate = float(self.setting(len(self.rates)))
            self.rates.append(float(self.model.optimizer.learning_rate))

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(float(logs["loss"]))

    images = np.random.default_rng(0).normal(size=(96, 8)).astype(np.float32)
    labels = (images.sum(axis=1) > 0).astype(np.int32)
    total, warmup = 2 * 96 // 8, 3
    arguments = {
        "start_lr": 0.0,
        "target_lr": 1e-2,
        "warmup_steps": warmup,
        "total_steps": total,
        "hold": warmup,
    }
    ours = wo.warmup_cosine(1e-2, warmup_steps=warmup, hold_steps=warmup, total_steps=total)

    def fit(learning_rate, setting=None):
        keras.utils.set_random_seed(1)
        layers = [keras.Input((8,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)]
        model, recorder = keras.Sequential(layers), Recorder(setting)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
        model.fit(images, labels, batch_size=8, epochs=2, verbose=0, callbacks=[recorder])
        return recorder

    theirs, run, by_callback = fit(guide_class(keras)(**arguments)), fit(wo.to_keras(ours)), fit(1e-3, ours)
    assert run.rates == by_callback.rates == ours(np.arange(total)).tolist()
    # The guide's 1 + cos is rounded at the size of the peak; Adam then moves weights by about the rate.
    np.testing.assert_allclose(run.rates, theirs.rates, rtol=1e-6, atol=1e-7 * 1e-2)
    np.testing.assert_allclose(run.losses, theirs.losses, rtol=1e-5)
    np.testing.assert_allclose(run.losses, by_callback.losses, rtol=1e-5)
    assert run.losses[-1] < run.losses[0]


# ------------------------------------------------------------------ PyTorch


def torch_optimizer(torch, *rates, **options):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, **options)


def rates_of(optimizer, scheduler, steps):
    """The rates of each group at each of the next updates, as rows."""
    rows = []
    for _ in range(steps):
        rows.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return np.array(rows).T


EXPECTED = wo.sample(SCHEDULE, range(20)).tolist()


@pytest.mark.live
def test_a_torch_scheduler_gives_one_rate_for_each_step(torch):
    """PyTorch's own kind of object; the first group has the schedule's rate, the others their part of it."""
    optimizer = torch_optimizer(torch, 0.4, 0.1, 0.4)
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    first, second, third = rates_of(optimizer, scheduler, 20)
    assert first.tolist() == third.tolist() == EXPECTED
    np.testing.assert_allclose(second, 0.25 * np.array(EXPECTED), rtol=1e-15)
    assert scheduler.get_last_lr()[0] == EXPECTED[-1]
    assert scheduler.schedule == SCHEDULE


@pytest.mark.live
def test_a_group_that_joins_later(torch):
    """Gradual unfreezing: its proportion is that of its rate to the first group's initial rate; saved, too."""
    optimizer = torch_optimizer(torch, 0.4)
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    (first,) = rates_of(optimizer, scheduler, 5)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.04})
    assert optimizer.param_groups[1]["lr"] == 0.04
    optimizer.step()
    scheduler.step()
    both = rates_of(optimizer, scheduler, 4)
    assert [*first, *both[0]] == [*EXPECTED[:5], *EXPECTED[6:10]]
    np.testing.assert_allclose(both[1], 0.1 * both[0], rtol=1e-15)
    again = torch_optimizer(torch, 0.4, 0.04)
    restored = wo.to_torch(again, SCHEDULE)
    again.load_state_dict(optimizer.state_dict())
    restored.load_state_dict(scheduler.state_dict())
    np.testing.assert_array_equal(rates_of(again, restored, 3), rates_of(optimizer, scheduler, 3))
    frozen = torch_optimizer(torch, 0.0)
    scheduler = wo.to_torch(frozen, SCHEDULE)
    frozen.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.04})
    frozen.step()
    with pytest.raises(
        ValueError, match=r"to_torch: the first parameter group's lr must not be 0 next to others"
    ):
        scheduler.step()


@pytest.mark.live
def test_a_tensor_rate_stays_the_same_tensor(torch):
    """Compiled PyTorch steps hold the rate in a tensor, which is written in place."""
    rate = torch.tensor(1.0)
    optimizer = torch_optimizer(torch, rate, foreach=False)
    held = optimizer.param_groups[0]["lr"]
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    assert rates_of(optimizer, scheduler, 14)[0].tolist() == EXPECTED[:14]
    assert optimizer.param_groups[0]["lr"] is held


@pytest.mark.live
def test_a_state_dict_continues_where_it_was(torch):
    """Numbers alone, so `torch.load` reads them safely; a new scheduler with them continues."""
    optimizer = torch_optimizer(torch, 0.4, 0.1)
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    rates_of(optimizer, scheduler, 7)
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), scheduler.state_dict()], file)
    file.seek(0)
    states = torch.load(file, weights_only=True)

    other = torch_optimizer(torch, 0.4, 0.1)
    resumed = wo.to_torch(other, SCHEDULE)
    other.load_state_dict(states[0])
    resumed.load_state_dict(states[1])
    assert resumed.state_dict() == scheduler.state_dict()
    assert rates_of(other, resumed, 7).tolist() == rates_of(optimizer, scheduler, 7).tolist()
    assert resumed.get_last_lr()[0] == EXPECTED[14]


@pytest.mark.live
def test_last_epoch_resumes(torch):
    """As with PyTorch's own: the last count that was used, and groups that store their first rate."""
    optimizer = torch_optimizer(torch, 0.4, 0.1)
    rates_of(optimizer, wo.to_torch(optimizer, SCHEDULE), 5)
    resumed = wo.to_torch(optimizer, SCHEDULE, last_epoch=5)
    first, second = rates_of(optimizer, resumed, 8)
    assert first.tolist() == EXPECTED[6:14]
    np.testing.assert_allclose(second, 0.25 * first, rtol=1e-15)
    with pytest.raises(KeyError, match="initial_lr"):
        wo.to_torch(torch_optimizer(torch, 0.4), SCHEDULE, last_epoch=5)


@pytest.mark.live
def test_inside_sequential_lr_its_clock_starts_at_the_milestone(torch):
    """PyTorch's join: first or last, together with PyTorch's schedulers."""
    schedulers = torch.optim.lr_scheduler
    optimizer = torch_optimizer(torch, 0.5)
    parts = [
        wo.to_torch(optimizer, SCHEDULE),
        schedulers.ConstantLR(optimizer, factor=0.5, total_iters=100),
        wo.to_torch(optimizer, SCHEDULE * 2),
    ]
    joined = schedulers.SequentialLR(optimizer, parts, milestones=[4, 6])
    wanted = EXPECTED[:4] + [0.25, 0.25] + [2 * rate for rate in EXPECTED[:6]]
    assert rates_of(optimizer, joined, 9)[0].tolist() == wanted[:9]
    state = copy.deepcopy(joined.state_dict())
    joined.load_state_dict(state)
    assert rates_of(optimizer, joined, 3)[0].tolist() == wanted[9:]


@pytest.mark.live
def test_a_copy_of_a_torch_scheduler_continues_alone(torch):
    """`copy.deepcopy` copies the optimizer with it."""
    optimizer = torch_optimizer(torch, 0.5)
    scheduler = wo.to_torch(optimizer, SCHEDULE)
    rates_of(optimizer, scheduler, 3)
    copied = copy.deepcopy(scheduler)
    assert type(copied) is type(scheduler)
    assert rates_of(copied.optimizer, copied, 4)[0].tolist() == EXPECTED[3:7]
    assert scheduler.last_epoch == 3
    assert pickle.loads(pickle.dumps(type(scheduler))) is type(scheduler)


@pytest.mark.live
def test_errors_of_to_torch(torch):
    """Arguments the wrong way round; groups without a proportion."""
    with pytest.raises(TypeError, match=r"optimizer must be a torch\.optim\.Optimizer, got constant"):
        wo.to_torch(wo.constant(0.1), torch_optimizer(torch, 0.1))
    with pytest.raises(ValueError, match="first parameter group's lr must not be 0 next to others"):
        wo.to_torch(torch_optimizer(torch, 0.0, 0.1), SCHEDULE)
    optimizer = torch_optimizer(torch, 0.0, 0.0)
    assert rates_of(optimizer, wo.to_torch(optimizer, SCHEDULE), 12).tolist() == [EXPECTED[:12]] * 2


@pytest.mark.live
def test_one_schedule_trains_the_same_net_in_pytorch_and_in_jax(torch):
    """The same rate at every step, and so the same losses, both up to rounding."""
    random = np.random.default_rng(0)
    shapes = {"w1": (4, 8), "b1": (8,), "w2": (8, 1)}
    first = {name: random.normal(size=shape, scale=0.5).astype(np.float32) for name, shape in shapes.items()}
    inputs = random.normal(size=(16, 4)).astype(np.float32)
    targets = np.sin(inputs.sum(axis=1, keepdims=True))
    schedule = wo.warmup_cosine(0.1, warmup_steps=5, total_steps=30)

    parameters = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in first.items()}
    optimizer = torch.optim.SGD(parameters.values(), lr=1.0)
    scheduler = wo.to_torch(optimizer, schedule)
    torch_rates, torch_losses = [], []
    for _ in range(32):
        optimizer.zero_grad()
        hidden = torch.tanh(torch.tensor(inputs) @ parameters["w1"] + parameters["b1"])
        loss = ((hidden @ parameters["w2"] - torch.tensor(targets)) ** 2).mean()
        loss.backward()
        torch_rates.append(scheduler.get_last_lr()[0])
        torch_losses.append(loss.item())
        optimizer.step()
        scheduler.step()

    tx = optax.sgd(schedule)

    def loss_of(weights):
        hidden = jnp.tanh(inputs @ weights["w1"] + weights["b1"][None])
        return jnp.mean((hidden @ weights["w2"] - targets) ** 2)

    @jax.jit
    def step(weights, state):
        loss, gradients = jax.value_and_grad(loss_of)(weights)
        updates, state = tx.update(gradients, state, weights)
        return optax.apply_updates(weights, updates), state, loss, wo.applied_value(schedule, state)

    weights, state = first, tx.init(first)
    rates, losses = [], []
    for _ in range(32):
        weights, state, loss, rate = step(weights, state)
        rates.append(float(rate))
        losses.append(float(loss))
    np.testing.assert_allclose(torch_rates, rates, rtol=8 * 2.0**-23)  # two programs of one schedule: 8 ULP
    np.testing.assert_allclose(torch_losses, losses, rtol=1e-4)  # 32 steps of float32 in another order
    assert losses[-1] < 0.5 * losses[0]
