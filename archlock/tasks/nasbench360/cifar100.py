"""CIFAR-100: photographs of 100 classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import field, pickled_file
from archlock.tasks.nasbench360.official import Part, Published, chosen, last_of, official_task
from archlock.tasks.nasbench360.places import folder, official
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz, unpacked,"
BINARY_HOME = "cifar-100-binary"
CLASSES = 100
SHAPE = (3, 32, 32)
RECORD_BYTES = 2 + 3 * 32 * 32
"""Of the binary version: coarse label, fine label, pixels."""
VALIDATION_SHARE = 0.2


def cifar100(settings: TaskSettings) -> Task:
    """CIFAR-100 photographs, 3x32x32, 100 classes (Krizhevsky, 2009).

    Reads the Python version (files ``train``, ``test``, without unpickling) or the binary version (``train.bin``,
    ``test.bin``). The last fifth of the training file validates. Metric: accuracy, 1 - the published 0-1 error.

    Raises:
        TaskError: files are missing, damaged, or hold other shapes.
    """
    train_x, train_y = _read("train", settings.name)
    test_x, test_y = _read("test", settings.name)
    fit, check = last_of(len(train_x), VALIDATION_SHARE)
    parts = [(train_x[fit], train_y[fit]), (train_x[check], train_y[check]), (test_x, test_y)]
    picked = chosen([len(x) for x, _ in parts], settings)
    used = [Part(x[keep] / np.float32(255), y[keep]) for (x, y), keep in zip(parts, picked, strict=True)]
    return official_task(used, Published(TaskKind.CLASSIFICATION, "CIFAR-100, official files", class_names()), settings)


def class_names() -> tuple[str, ...]:
    """The official files number the fine classes alphabetically; they are named by number here."""
    return tuple(str(label) for label in range(CLASSES))


def _read(part: str, task: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    for group in ("", BINARY_HOME):
        binary = folder() / group / f"{part}.bin"
        if binary.is_file():
            return _read_binary(binary, task)
    path = official(task, part, HOME, "cifar-100-python")
    where = f"{task}: {path.name}"
    held = pickled_file(path, task)
    pixels, labels = np.asarray(field(held, "data", where)), np.asarray(field(held, "fine_labels", where))
    if pixels.ndim != 2 or pixels.shape[1] != int(np.prod(SHAPE)) or labels.shape != (len(pixels),):
        raise TaskError(f"{where}: data has shape {pixels.shape}, expected (n, 3072) with n fine_labels")
    return pixels.reshape(-1, *SHAPE), labels.astype(np.int64)


def _read_binary(path: Path, task: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    held = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    if len(held) == 0 or len(held) % RECORD_BYTES:
        raise TaskError(f"{task}: {path.name}: {len(held)} bytes, expected a multiple of {RECORD_BYTES}")
    records = held.reshape(-1, RECORD_BYTES)
    return records[:, 2:].reshape(-1, *SHAPE), records[:, 1].astype(np.int64)
