"""Tasks as an audited model sees them: at its input shape, with no more samples than the budget has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from archlock.tasks.registry import load_task
from archlock.tasks.resample import fit_to
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Split, Task


def task_for(settings: TaskSettings, shape: tuple[int, int, int], most: int) -> Task:
    """A task at a model's input shape, with at most so many samples in each part.

    Samples are chosen before they are resized: at 224x224 all of a small task's would fill a gigabyte.
    """
    return _brought(_Identity(load_task(settings)), shape, most)


@dataclass(frozen=True, eq=False)
class _Identity:
    """A task as the key of a cache: equal to none but itself, and kept as long as the key is."""

    task: Task

    def __hash__(self) -> int:
        return id(self.task)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.task is other.task


@lru_cache(maxsize=2)  # a unit of work needs the source and one target
def _brought(native: _Identity, shape: tuple[int, int, int], most: int) -> Task:
    task = native.task
    train, validation, test = (_first(split, most) for split in (task.train, task.validation, task.test))
    return fit_to(replace(task, train=train, validation=validation, test=test), shape)


def _first(split: Split, most: int) -> Split:
    """A part's samples, or ``most`` of them, evenly taken over its order."""
    if len(split) <= most:
        return split
    return split.take(torch.linspace(0, len(split) - 1, most).round().long())
