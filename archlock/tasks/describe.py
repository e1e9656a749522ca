"""Facts about tasks that people and programs read, without a view of their own on how to print them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc

import torch

from archlock.tasks.registry import BUILT_IN, FROM_FILES, GENERATED, NAS_BENCH_360, task_names
from archlock.tasks.task import Task, TaskKind

Facts = dict[str, str | int | float | list[int] | list[str]]


@dataclass(frozen=True)
class TaskRow:
    """One name, where its data comes from (``real``, ``generated``, ``file``, ``plug-in``), and one line about it."""

    name: str
    origin: str
    about: str


def list_tasks() -> tuple[TaskRow, ...]:
    """Every name that can be loaded, and the two that take a path; no data is read."""
    rows = []
    for name in task_names():
        if name in BUILT_IN:
            rows.append(TaskRow(name, "generated" if name in GENERATED else "real", _about(BUILT_IN[name])))
        elif name in NAS_BENCH_360:
            origin = "generated" if name.endswith("-generated") else "file"
            rows.append(TaskRow(name, origin, _about(NAS_BENCH_360[name])))
        else:
            rows.append(TaskRow(name, "plug-in", "a user's task, found by entry point"))
    rows += [TaskRow(f"{name}:PATH", "file", _about(place)) for name, place in FROM_FILES.items()]
    return tuple(rows)


def describe_task(task: Task) -> Facts:
    """Shape, parts, classes and class counts of a loaded task, as plain values."""
    facts: Facts = {
        "name": task.name,
        "kind": str(task.kind),
        "metric": task.metric_name,
        "input_shape": list(task.io.input_shape),
        "outputs": task.io.outputs,
        "train": len(task.train),
        "validation": len(task.validation),
        "test": len(task.test),
        "note": task.note,
    }
    if task.classes:
        facts["classes"] = list(task.classes)
    if task.kind is TaskKind.CLASSIFICATION:
        facts["train_per_class"] = torch.bincount(task.train.targets, minlength=task.io.outputs).tolist()
    return facts


def _about(place: str) -> str:
    """First sentence of a factory's documentation."""
    module, _, function = place.partition(":")
    text = " ".join((getdoc(getattr(import_module(module), function)) or "").split("\n\n")[0].split())
    return text if len(text) <= 110 else text[:107].rsplit(" ", 1)[0] + " ..."
