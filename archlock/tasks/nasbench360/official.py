"""From the official parts of a task to a `Task`: the published split, a seeded share of it, groups and measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from archlock.errors import TaskError
from archlock.seeding import numpy_generator
from archlock.tasks.samples import FloatImages, Indices, Parts, Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Measure, Split, Task, TaskKind

Groups = NDArray[np.int64]
ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """One official part.

    Attributes:
        inputs: shape (n, channels, height, width).
        targets: as `archlock.tasks.samples.Samples` states.
        groups: which recording, clip or protein a sample is of, (n,) or (n, k); None where samples stand alone.
    """

    inputs: NDArray[np.generic]
    targets: NDArray[np.generic]
    groups: Groups | None = None


@dataclass(frozen=True)
class Published:
    """What the benchmark says of a task: kind, classes, measure, and a line on the data."""

    kind: TaskKind
    note: str
    classes: tuple[str, ...] = ()
    measure: Measure | None = None


def chosen(sizes: Sequence[int], settings: TaskSettings) -> tuple[Indices, ...]:
    """Which samples of each part are used: all, or ``samples`` of them in the parts' proportions, drawn by the seed.

    Args:
        sizes: samples of the official parts.
        settings: ``samples`` and ``seed`` of the task.

    Returns:
        sorted indices of each part, at least two.
    """
    total = sum(sizes)
    if settings.samples is None or settings.samples >= total:
        return tuple(np.arange(size) for size in sizes)
    picked = []
    for place, size in enumerate(sizes):
        count = min(size, max(2, round(settings.samples * size / total)))
        generator = numpy_generator(settings.seed, settings.name, "share", place)
        picked.append(np.sort(generator.permutation(size)[:count]))
    return tuple(picked)


def last_of(count: int, share: float) -> tuple[Indices, Indices]:
    """Training and validation indices where the published split takes the last ``share`` of a file to validate."""
    first = int((1 - share) * count)
    return np.arange(first), np.arange(first, count)


def official_task(parts: Sequence[Part], published: Published, settings: TaskSettings) -> Task:
    """The task of train, validation and test parts, inputs scaled by the training part (`make_task`).

    Raises:
        TaskError: an empty part, parts of different shapes, more targets than inputs, or what `Task` refuses.
    """
    for name, part in zip(ORDER, parts, strict=True):
        _check(f"{settings.name}: {name}", part, parts[0])
    stops = np.cumsum([0, *(len(part.inputs) for part in parts)])
    spans = [np.arange(start, stop) for start, stop in pairwise(stops)]
    inputs: FloatImages = np.concatenate([part.inputs.astype(np.float32, copy=False) for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    samples = Samples(inputs, targets, published.kind, published.classes, published.note)
    task = make_task(samples, settings, Parts(*spans))
    train, validation, test = map(_grouped, (task.train, task.validation, task.test), parts)
    return replace(task, measure=published.measure, train=train, validation=validation, test=test)


def _check(where: str, part: Part, first: Part) -> None:
    if len(part.inputs) == 0:
        raise TaskError(f"{where}: the file holds no samples")
    if len(part.inputs) != len(part.targets):
        raise TaskError(f"{where}: {len(part.inputs)} inputs and {len(part.targets)} targets")
    for name, one, other in (("inputs", part.inputs, first.inputs), ("targets", part.targets, first.targets)):
        if one.shape[1:] != other.shape[1:]:
            raise TaskError(f"{where}: {name} have shape {one.shape[1:]}, in train {other.shape[1:]}")


def _grouped(split: Split, part: Part) -> Split:
    return split if part.groups is None else replace(split, groups=torch.from_numpy(part.groups))
