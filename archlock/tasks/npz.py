"""Tasks from a ``.npz`` file: x_train, y_train, x_test, y_test and classes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archlock.errors import TaskError, did_you_mean
from archlock.tasks.samples import FOLDS, FloatImages, Parts, Samples, carve, check_class_counts, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

KEYS = ("x_train", "y_train", "x_test", "y_test", "classes")
LEAST_PER_CLASS = 2


def npz(settings: TaskSettings) -> Task:
    """The task of ``npz:PATH``.

    ``x_train`` and ``x_test`` are (n, h, w) or (n, h, w, channels), uint8 or float. ``classes`` holds the names.
    ``y_*`` are integers (n,) from 0 for classification, or 0/1 of shape (n, classes) for multi-label; with an empty
    ``classes``, floats (n,) or (n, values) for regression. One training sample in five validates; the fold says which.

    Raises:
        TaskError: the file is missing or corrupt, lacks a key, holds Python objects, NaN, labels out of range, unfit
            shapes, or a class with fewer than two training samples.
    """
    where = settings.name
    arrays = read_arrays(Path(settings.argument), where)
    x_train, x_test = (pictures(arrays[key], f"{where}: {key}") for key in ("x_train", "x_test"))
    if x_train.shape[1:] != x_test.shape[1:]:
        shapes = f"{arrays['x_train'].shape[1:]} and {arrays['x_test'].shape[1:]}"
        raise TaskError(f"{where}: pictures of x_train and x_test differ in shape: {shapes}")
    if arrays["x_train"].dtype != arrays["x_test"].dtype:
        raise TaskError(f"{where}: x_train is {arrays['x_train'].dtype} and x_test is {arrays['x_test'].dtype}")
    classes = class_names(arrays["classes"], where)
    targets = [checked_targets(arrays, part, classes, where) for part in ("train", "test")]
    if targets[0].shape[1:] != targets[1].shape[1:]:
        raise TaskError(f"{where}: targets of y_train and y_test differ in shape")
    kind = kind_of(targets[0], classes)
    inputs, both = np.concatenate([x_train, x_test]), np.concatenate(targets)
    samples = Samples(inputs, both, kind, classes, f"read from {Path(settings.argument).name}")
    train, validation = carve(np.arange(len(x_train)), samples, settings, share=FOLDS, turn=settings.fold)
    return make_task(samples, settings, Parts(train, validation, np.arange(len(x_train), len(inputs))))


def read_arrays(path: Path, where: str) -> dict[str, NDArray[np.generic]]:
    """The five arrays of a file; nothing in it is unpickled.

    Raises:
        TaskError: missing, unreadable or corrupt file, missing key, array of Python objects.
    """
    if not path.is_file():
        raise TaskError(f"{where}: no such file")
    try:
        if not zipfile.is_zipfile(path):
            raise TaskError(f"{where}: not a .npz archive, or damaged; write it with numpy.savez")
        with np.load(path, allow_pickle=False) as held:
            for key in KEYS:
                if key not in held.files:
                    raise TaskError(f"{where}: key {key!r} is missing.{did_you_mean(key, tuple(held.files))}")
            return {key: held[key] for key in KEYS}
    except TaskError:
        raise
    except Exception as error:  # a damaged archive fails in zipfile, zlib, tokenize or numpy, each in its own way
        if "allow_pickle" in str(error):
            raise TaskError(f"{where}: holds Python objects, which are never loaded; save plain arrays") from None
        raise TaskError(f"{where}: not a readable .npz: {' '.join(str(error).split())}") from None


def pictures(array: NDArray[np.generic], where: str) -> FloatImages:
    """(n, h, w) or (n, h, w, channels) to float32 (n, channels, h, w); uint8 is divided by 255.

    Raises:
        TaskError: another rank, an empty axis, or a type that is no picture.
    """
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise TaskError(
            f"{where}: has shape {array.shape}, expected (n, height, width) or (n, height, width, channels)"
        )
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise TaskError(f"{where}: has type {array.dtype}, expected uint8 or float")
    channels_last = array if array.ndim == 4 else array[..., None]
    scaled = channels_last.astype(np.float32) / (255 if array.dtype == np.uint8 else 1)
    if not np.isfinite(scaled).all():
        raise TaskError(f"{where}: holds NaN or infinite values")
    return np.ascontiguousarray(np.moveaxis(scaled, -1, 1))


def class_names(array: NDArray[np.generic], where: str) -> tuple[str, ...]:
    """Names of the classes, each once; none for regression.

    Raises:
        TaskError: a single name, one given twice, or more than one row of them.
    """
    names = tuple(str(name) for name in np.atleast_1d(array).tolist())
    if array.ndim > 1 or len(set(names)) != len(names) or len(names) == 1:
        raise TaskError(f"{where}: classes must be two or more different names in one row (none for regression)")
    return names


def checked_targets(
    arrays: dict[str, NDArray[np.generic]], part: str, classes: tuple[str, ...], where: str
) -> NDArray[np.generic]:
    """Targets of ``train`` or ``test``, in range and as many as there are pictures.

    Raises:
        TaskError: another number of targets than pictures, another type, or a class out of range.
    """
    key = f"y_{part}"
    targets, count = arrays[key], len(arrays[f"x_{part}"])
    if targets.ndim not in (1, 2) or len(targets) != count:
        raise TaskError(f"{where}: {key} has shape {targets.shape}, expected {count} targets")
    if not (np.issubdtype(targets.dtype, np.number) or targets.dtype == np.bool_):
        raise TaskError(f"{where}: {key} has type {targets.dtype}, expected numbers")
    if not classes:
        return targets.astype(np.float32).reshape(count, -1)
    if targets.ndim == 2:
        if targets.shape[1] != len(classes) or not np.isin(targets, (0, 1)).all():
            raise TaskError(f"{where}: {key} must hold 0 or 1 for each of {len(classes)} labels")
        return targets.astype(np.float32)
    if not np.issubdtype(targets.dtype, np.integer):
        raise TaskError(f"{where}: {key} has type {targets.dtype}, expected integer class indices")
    labels = targets.astype(np.int64)
    check_class_counts(f"{where}: {key}", labels, classes, LEAST_PER_CLASS if part == "train" else 0)
    return labels


def kind_of(targets: NDArray[np.generic], classes: tuple[str, ...]) -> TaskKind:
    """What targets that passed `checked_targets` are for."""
    if not classes:
        return TaskKind.REGRESSION
    return TaskKind.CLASSIFICATION if targets.ndim == 1 else TaskKind.MULTILABEL
