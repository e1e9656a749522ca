"""The handwritten digits that ship with scikit-learn."""

from __future__ import annotations

import numpy as np

from archlock.tasks.samples import Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind


def digits(settings: TaskSettings) -> Task:
    """1,797 real 8x8 grey pictures of ten digits; one stratified fifth is the test part.

    Source: the test set of the UCI optical recognition of handwritten digits data, Alpaydin and Kaynak 1998.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    inputs = (data.images[:, None] / 16).astype(np.float32)
    note = "1,797 real handwritten digits, 8x8 grey (UCI, from scikit-learn)"
    samples = Samples(inputs, data.target.astype(np.int64), TaskKind.CLASSIFICATION, tuple("0123456789"), note)
    return make_task(samples, settings)
