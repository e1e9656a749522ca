"""Darcy flow: from the permeability of a square to the pressure in it."""

from __future__ import annotations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import Array, mat_field
from archlock.tasks.nasbench360.measures import RELATIVE_L2
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/"
TRAIN_FILE, TEST_FILE = "piececonst_r421_N1024_smooth1.mat", "piececonst_r421_N1024_smooth2.mat"
GRID, STEP = 421, 5
SIZE = (GRID - 1) // STEP + 1
"""85: every fifth point of the 421 x 421 grid."""
FIT, CHECK, TEST = 900, 100, 100


def darcy(settings: TaskSettings) -> Task:
    """Permeability to pressure of Darcy flow, 1x85x85 (Li et al., Fourier Neural Operator, ICLR 2021).

    Reads ``piececonst_r421_N1024_smooth1.mat`` (900 to train, the next 100 to validate) and ``..._smooth2.mat`` (100
    to test), variables ``coeff`` and ``sol``, every fifth point. Targets are in units of the training part's root mean
    square, which leaves the published measure as it is. Loss: relative L2 error. Metric: 1 - relative L2 error.

    Raises:
        TaskError: files are missing, damaged, of another size, or MATLAB 7.3 without h5py.
    """
    train_x, train_y = _read(settings.name, TRAIN_FILE)
    test_x, test_y = _read(settings.name, TEST_FILE)
    fit = min(FIT, len(train_x) * FIT // (FIT + CHECK))
    spans = [(train_x[:fit], train_y[:fit]), (train_x[fit : fit + CHECK], train_y[fit : fit + CHECK])]
    return darcy_task(
        [*spans, (test_x[:TEST], test_y[:TEST])], "Darcy flow, official files, every fifth point", settings
    )


def darcy_task(parts: list[tuple[Array, Array]], note: str, settings: TaskSettings) -> Task:
    """The task of (permeability, pressure) pairs, (n, 85, 85) each, of train, validation and test."""
    picked = chosen([len(x) for x, _ in parts], settings)
    unit = np.sqrt(np.mean(np.square(parts[0][1][picked[0]], dtype=np.float64)))
    used = [
        Part(x[keep][:, None], (y[keep] / unit)[:, None].astype(np.float32))
        for (x, y), keep in zip(parts, picked, strict=True)
    ]
    return official_task(used, Published(TaskKind.DENSE, note, measure=RELATIVE_L2), settings)


def _read(task: str, name: str) -> tuple[Array, Array]:
    path = official(task, name, f"{HOME}{name}")
    fields = [mat_field(path, task, variable) for variable in ("coeff", "sol")]
    for field in fields:
        if field.shape[1:] != (GRID, GRID) or len(field) != len(fields[0]):
            raise TaskError(f"{task}: {name}: a field has shape {field.shape}, expected (n, 421, 421)")
    permeability, pressure = (np.ascontiguousarray(field[:, ::STEP, ::STEP], dtype=np.float32) for field in fields)
    return permeability, pressure
