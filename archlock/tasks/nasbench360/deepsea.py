"""DeepSEA: which chromatin features a piece of DNA carries."""

from __future__ import annotations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import npz_arrays
from archlock.tasks.nasbench360.measures import MEAN_AUROC
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.nasbench360.signals import seen_as
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/deepsea/deepsea_filtered.npz"
PARTS = ("train", "val", "test")
BASES = 4
CLASSES = tuple(f"feature {index}" for index in range(36))


def deepsea(settings: TaskSettings) -> Task:
    """DNA, four channels (bases) of 1,000 places, 36 chromatin features (Zhou and Troyanskaya, 2015).

    Reads ``deepsea_filtered.npz``: ``x_*`` (n, 1000, 4) and ``y_*`` (n, 36) of train, val and test, the published
    parts. ``view`` says how the sequence is seen. Loss: binary cross-entropy. Metric: AUROC averaged over features.

    Raises:
        TaskError: the file is missing, damaged, or holds other shapes.
    """
    path = official(settings.name, "deepsea_filtered.npz", HOME, "deepsea")
    keys = tuple(f"{letter}_{part}" for part in PARTS for letter in "xy")
    arrays = npz_arrays(path, settings.name, keys)
    parts = list(zip(arrays[::2], arrays[1::2], strict=True))
    for key, (x, y) in zip(keys[::2], parts, strict=True):
        if x.ndim != 3 or x.shape[2] != BASES or y.shape != (len(x), len(CLASSES)):
            raise TaskError(f"{settings.name}: {key} has shape {x.shape}, expected (n, 1000, 4) with n x 36 labels")
    picked = chosen([len(x) for x, _ in parts], settings)
    used = [
        Part(seen_as(x[keep].transpose(0, 2, 1), settings.view), y[keep].astype(np.float32))
        for (x, y), keep in zip(parts, picked, strict=True)
    ]
    note = f"DeepSEA, official file, seen as a {settings.view}"
    return official_task(used, Published(TaskKind.MULTILABEL, note, CLASSES, MEAN_AUROC), settings)
