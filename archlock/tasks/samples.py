"""From arrays to a `Task`: disjoint parts, and a scale that is learnt from the training part alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from archlock.errors import TaskError
from archlock.iospec import IOSpec
from archlock.seeding import numpy_generator
from archlock.tasks.resample import normalised
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import OUTPUT_OF, Split, Task, TaskKind

FloatImages = NDArray[np.float32]
Indices = NDArray[np.int64]
FOLDS = 5


@dataclass(frozen=True)
class Samples:
    """Samples before they are parted.

    Attributes:
        inputs: shape (n, channels, height, width), finite.
        targets: (n,) int class indices; (n, labels) 0/1; (n, values); or (n, channels, height, width).
        kind: what is learned.
        classes: class or label names.
        note: one line on where the data comes from.
    """

    inputs: FloatImages
    targets: NDArray[np.generic]
    kind: TaskKind
    classes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Parts:
    """Sample indices of three disjoint parts."""

    train: Indices
    validation: Indices
    test: Indices


def fold_of_each(samples: Samples, settings: TaskSettings) -> Indices:
    """The fold, 0 to 4, of every sample; each class is spread evenly over the folds. Shape (n,).

    Raises:
        TaskError: a class has too few samples to be in every fold, or there are too few samples at all.
    """
    count = len(samples.inputs)
    if count < 3 * FOLDS:
        raise TaskError(f"{settings.name}: {count} samples are too few, at least {3 * FOLDS} are needed")
    shuffled = numpy_generator(settings.seed, "folds", count).permutation(count)
    if samples.kind is not TaskKind.CLASSIFICATION:
        folds = np.empty(count, dtype=np.int64)
        folds[shuffled] = np.arange(count) % FOLDS
        return folds
    labels = np.asarray(samples.targets, dtype=np.int64)
    check_class_counts(settings.name, labels, samples.classes, FOLDS)
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    folds = np.empty(count, dtype=np.int64)
    folds[order] = np.arange(count) % FOLDS
    return folds


def check_class_counts(where: str, labels: NDArray[np.int64], classes: tuple[str, ...], least: int) -> None:
    """Raise a `TaskError` that names the first class with fewer than ``least`` samples, or a label out of range."""
    if len(labels) and (labels.min() < 0 or labels.max() >= len(classes)):
        raise TaskError(f"{where}: labels run from {labels.min()} to {labels.max()}, expected 0 to {len(classes) - 1}")
    for name, count in zip(classes, np.bincount(labels, minlength=len(classes)), strict=True):
        if count < least:
            raise TaskError(f"{where}: class {name!r} has {count} samples, at least {least} are needed")


def folded(samples: Samples, settings: TaskSettings) -> Parts:
    """The settings' fifth for test, a sixth of the rest for validation, the remainder for training."""
    folds = fold_of_each(samples, settings)
    rest = np.flatnonzero(folds != settings.fold)
    train, validation = carve(rest, samples, settings, share=6)
    return Parts(train, validation, np.flatnonzero(folds == settings.fold))


def carve(
    rest: Indices, samples: Samples, settings: TaskSettings, *, share: int, turn: int = 0
) -> tuple[Indices, Indices]:
    """Part ``rest`` into train and validation: every ``share``-th of each class, from the ``turn``-th, validates."""
    mixed = rest[numpy_generator(settings.seed, "validation", len(rest)).permutation(len(rest))]
    if samples.kind is TaskKind.CLASSIFICATION:
        mixed = mixed[np.argsort(np.asarray(samples.targets)[mixed], kind="stable")]
    chosen = np.arange(len(mixed)) % share == turn
    return np.sort(mixed[~chosen]), np.sort(mixed[chosen])


def make_task(samples: Samples, settings: TaskSettings, parts: Parts | None = None) -> Task:
    """A task in the shape of its samples, inputs scaled by the mean and spread of the training part.

    Args:
        samples: all samples.
        settings: what the task is called and which fold is its test part.
        parts: the parts, where they are given by the data; else `folded`.

    Raises:
        TaskError: too few samples, or anything that `Task` refuses.
    """
    parts = parts or folded(samples, settings)
    if not np.isfinite(samples.inputs).all():
        raise TaskError(f"{settings.name}: inputs hold NaN or infinite values")
    _, channels, height, width = samples.inputs.shape
    dtype = torch.int64 if samples.kind is TaskKind.CLASSIFICATION else torch.float32
    outputs = len(samples.classes) or int(samples.targets.shape[1])
    inputs, targets = torch.from_numpy(samples.inputs), torch.from_numpy(samples.targets.copy()).to(dtype)

    def part(indices: Indices) -> Split:
        chosen = torch.from_numpy(indices)
        return Split(inputs[chosen].float(), targets[chosen])

    task = Task(
        name=settings.title,
        kind=samples.kind,
        io=IOSpec(channels, height, width, OUTPUT_OF[samples.kind], outputs),
        train=part(parts.train),
        validation=part(parts.validation),
        test=part(parts.test),
        classes=samples.classes,
        note=samples.note,
        settings={key: value for key, value in settings.model_dump().items() if value is not None},
    )
    return normalised(task)
