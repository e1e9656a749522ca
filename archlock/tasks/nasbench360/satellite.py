"""Satellite: what grows on a pixel of the ground, from its series of satellite pictures."""

from __future__ import annotations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import Array, field, npy_file
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.nasbench360.signals import seen_as, standardised
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/satellite/"
CLASSES = tuple(f"land cover {index}" for index in range(1, 25))


def satellite(settings: TaskSettings) -> Task:
    """Satellite time series, one channel of 46 steps, 24 land cover classes (Petitjean et al., 2012).

    Reads ``satellite_train.npy`` and ``satellite_test.npy``, dicts of ``data`` (n, 46) and ``label`` from 1, without
    unpickling. As many of the last training series as there are test series validate. Each series is standardised.
    ``view`` says how it is seen. Metric: accuracy, 1 - the published 0-1 error.

    Raises:
        TaskError: files are missing, damaged, or hold other shapes.
    """
    data, labels = _read(settings.name, "satellite_train.npy")
    test, test_labels = _read(settings.name, "satellite_test.npy")
    first = len(data) - len(test)
    parts = [(data[:first], labels[:first]), (data[first:], labels[first:]), (test, test_labels)]
    if first < 1:
        raise TaskError(f"{settings.name}: {len(data)} training series, expected more than the {len(test)} of test")
    picked = chosen([len(x) for x, _ in parts], settings)
    used = [
        Part(seen_as(standardised(x[keep])[:, None], settings.view), y[keep])
        for (x, y), keep in zip(parts, picked, strict=True)
    ]
    note = f"Satellite time series, official files, seen as a {settings.view}"
    return official_task(used, Published(TaskKind.CLASSIFICATION, note, CLASSES), settings)


def _read(task: str, name: str) -> tuple[Array, Array]:
    array = npy_file(official(task, name, f"{HOME}{name}", "satellite"), task)
    where = f"{task}: {name}"
    held = array.item() if array.shape == () else array
    data, labels = np.asarray(field(held, "data", where)), np.asarray(field(held, "label", where))
    if data.ndim != 2 or labels.shape != (len(data),):
        raise TaskError(f"{where}: data has shape {data.shape}, expected (n, 46) with n labels")
    return data, labels.astype(np.int64) - 1
