"""NinaPro DB5: hand gestures from the electrical activity of the forearm."""

from __future__ import annotations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import Array, npy_file
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/ninapro/"
CLASSES = tuple(f"gesture {index}" for index in range(18))
STEPS, ELECTRODES = 52, 16


def ninapro(settings: TaskSettings) -> Task:
    """EMG windows, 1x16x52 (electrodes by time), 18 hand gestures (NinaPro DB5).

    Reads ``ninapro_{train,val,test}.npy``, (n, 52, 16), and ``label_{train,val,test}.npy``, the published parts.
    Metric: accuracy, 1 - the published 0-1 error.

    Raises:
        TaskError: files are missing, damaged, or hold other shapes.
    """
    parts = [_part(settings.name, name) for name in ("train", "val", "test")]
    picked = chosen([len(x) for x, _ in parts], settings)
    used = [Part(x[keep].transpose(0, 2, 1)[:, None], y[keep]) for (x, y), keep in zip(parts, picked, strict=True)]
    note = "NinaPro DB5, official files as processed by NAS-Bench-360"
    return official_task(used, Published(TaskKind.CLASSIFICATION, note, CLASSES), settings)


def _part(task: str, part: str) -> tuple[Array, Array]:
    names = (f"ninapro_{part}.npy", f"label_{part}.npy")
    data, labels = (npy_file(official(task, name, f"{HOME}{name}", "ninapro"), task) for name in names)
    if data.ndim != 3 or data.shape[1:] != (STEPS, ELECTRODES) or labels.shape != (len(data),):
        raise TaskError(f"{task}: {names[0]}: has shape {data.shape}, expected (n, 52, 16) with n labels")
    return data.astype(np.float32), labels.astype(np.int64)
