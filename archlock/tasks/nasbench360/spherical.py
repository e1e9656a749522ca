"""Spherical CIFAR-100: photographs projected on a sphere and turned at random."""

from __future__ import annotations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import Array, field, pickled_file
from archlock.tasks.nasbench360.cifar100 import VALIDATION_SHARE, class_names
from archlock.tasks.nasbench360.official import Part, Published, chosen, last_of, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/spherical/s2_cifar100.gz"
SHAPE = (3, 60, 60)


def spherical(settings: TaskSettings) -> Task:
    """CIFAR-100 projected on a randomly turned sphere, 3x60x60 (latitude by longitude), 100 classes.

    Reads ``s2_cifar100.gz`` without unpickling. The last fifth of train validates. Metric: accuracy, 1 - the published
    0-1 error. Source of the data: the projection of Cohen et al., Spherical CNNs, ICLR 2018.

    Raises:
        TaskError: the file is missing, damaged, or holds other shapes.
    """
    path = official(settings.name, "s2_cifar100.gz", HOME, "spherical")
    held = pickled_file(path, settings.name)
    train_x, train_y = _part(held, "train", f"{settings.name}: {path.name}")
    test_x, test_y = _part(held, "test", f"{settings.name}: {path.name}")
    fit, check = last_of(len(train_x), VALIDATION_SHARE)
    parts = [(train_x[fit], train_y[fit]), (train_x[check], train_y[check]), (test_x, test_y)]
    picked = chosen([len(x) for x, _ in parts], settings)
    used = [Part(x[keep] / np.float32(255), y[keep]) for (x, y), keep in zip(parts, picked, strict=True)]
    note = "Spherical CIFAR-100, official file"
    return official_task(used, Published(TaskKind.CLASSIFICATION, note, class_names()), settings)


def _part(held: object, name: str, where: str) -> tuple[Array, Array]:
    part = field(held, name, where)
    images, labels = np.asarray(field(part, "images", where)), np.asarray(field(part, "labels", where))
    if images.shape[1:] != SHAPE or labels.shape != (len(images),):
        raise TaskError(f"{where}: {name} images have shape {images.shape}, expected (n, 3, 60, 60) with n labels")
    return images, labels.astype(np.int64)
