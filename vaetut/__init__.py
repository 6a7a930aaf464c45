"""Autoencoders and variational autoencoders, drawn, trained and measured.

Values flow one way and imports follow them:

    datasets, analysis  ->  models  ->  recipes  ->  training  ->  measures  ->  runs
        ->  figures, widgets, claims  ->  book

`datasets` and `analysis` know no Keras: arrays in, arrays and numbers out. Four small
rooms stand beside the line: `atomic`, `checks`, `metrics` and `signals`.
"""

import os

__version__ = "0.1.0"

BACKENDS = ("tensorflow", "jax", "torch")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
