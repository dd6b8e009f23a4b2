"""Trains with `to_keras` on one backend of Keras, saves, loads and continues: `keras_worker.py BACKEND FOLDER`.

A process has one backend, so each has a separate process. `test_keras_and_torch.py` reads the JSON it prints.
"""

import itertools
import json
import os
import pathlib
import sys

if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = sys.argv[1]

import keras
import numpy as np

import warmup_optax as wo

# Multiples of 1/64: weights that are sums of them are exact in float32.
SCHEDULE = wo.warmup_linear(0.125, warmup_steps=4, total_steps=12, init_value=1 / 64)
ONE = np.ones((2, 1), np.float32)


def model(learning_rate, accumulation=None, **options):
    """One weight, from 0, whose gradient is 1 at every batch: it moves by minus the rate."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    made = keras.Sequential([keras.Input((1,)), layer])
    optimizer = keras.optimizers.SGD(learning_rate, gradient_accumulation_steps=accumulation)
    made.compile(optimizer, loss="mae", **options)
    return made


def train(model, batches):
    """``(what each batch took off the weight, the rate that the optimizer shows before each batch)``."""
    weights, shown = [float(model.get_weights()[0][0, 0])], []
    for _ in range(batches):
        shown.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
        model.train_on_batch(ONE, -1000 * ONE)
        weights.append(float(model.get_weights()[0][0, 0]))
    return [before - after for before, after in itertools.pairwise(weights)], shown


def main(folder):
    plain, accumulated = model(wo.to_keras(SCHEDULE)), model(wo.to_keras(SCHEDULE), 3)
    report = {"plain": train(plain, 6), "accumulated": train(accumulated, 14)}
    for name, trained, batches in (("plain", plain, 8), ("accumulated", accumulated, 7)):
        path = folder / f"{name}.keras"
        trained.save(path)
        report[f"{name}, loaded"] = train(keras.saving.load_model(path), batches)
    report["graph"] = train(model(wo.to_keras(SCHEDULE), run_eagerly=True), 6)
    return report


if __name__ == "__main__":
    print(json.dumps(main(pathlib.Path(sys.argv[2]))))
