"""What a table is: architectures, their twins merged into classes, and values of tasks, one per class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np

from archlock.errors import did_you_mean
from archlock.scores import FloatArray
from archlock.tables.archive import IntArray
from archlock.tables.errors import TableError
from archlock.tables.noise import Noise, noise_floor
from archlock.tables.twins import class_mean, neighbouring_classes

Kind = Literal["truth", "valid", "early"]
NOTHING: Mapping[str, FloatArray] = MappingProxyType({})


@dataclass(frozen=True)
class Column:
    """The values of one task, one per class.

    Attributes:
        name: the task.
        unit: such as ``%``; empty where the value has none.
        values: shape (C,), higher is better.
    """

    name: str
    unit: str
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Table:
    """Architectures of a space with results that others measured.

    A *class* is all rows that compute the same function (twins); its value is the mean over its rows, and methods see
    classes 0 .. C-1 only. Classes are numbered in the order of their smallest rows. Arrays are read-only and shared
    between callers.

    Attributes:
        name: ``nasbench201``, ``nasbench360``, ``transnas_micro``, ``transnas_macro``, or a user's.
        space: name of the search space that the genotypes are of.
        genotypes: shape (rows, genes), each gene the index of an option.
        classes: shape (rows,), row to class.
        representatives: shape (C,), class to its smallest row.
        tasks: names, in the order of the source.
        truth: task to shape (C,), the value a lock is judged by, higher is better.
        valid: task to shape (C,), validation values where the source has them.
        early: task to shape (C,), values of a shorter training where the source has them.
        units: task to unit of its values.
        noise: task to how far two trainings of one network differ; lacks tasks of tables without twins.
    """

    name: str
    space: str
    genotypes: IntArray
    classes: IntArray
    representatives: IntArray
    tasks: tuple[str, ...]
    truth: Mapping[str, FloatArray]
    valid: Mapping[str, FloatArray] = field(default_factory=lambda: NOTHING)
    early: Mapping[str, FloatArray] = field(default_factory=lambda: NOTHING)
    units: Mapping[str, str] = field(default_factory=dict)
    noise: Mapping[str, Noise] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.representatives)

    @property
    def class_genotypes(self) -> IntArray:
        """Genotype of each class's smallest row; shape (C, genes)."""
        return self.genotypes[self.representatives]

    @cached_property
    def neighbours(self) -> tuple[IntArray, ...]:
        """Class to the classes one edit away, ascending, itself never among them.

        Two classes are neighbours where some row of one and some row of the other differ in exactly one gene.
        """
        return neighbouring_classes(self.genotypes, self.classes)

    def column(self, task: str, kind: Kind = "truth") -> Column:
        """The values of one task.

        Raises:
            TableError: no such task, or the table has no values of that kind for it.
        """
        if task not in self.tasks:
            raise TableError(f"table {self.name}: no task {task!r}.{did_you_mean(task, self.tasks)}")
        values: Mapping[str, FloatArray] = getattr(self, kind)
        if task not in values:
            has = ", ".join(values) or "no task"
            raise TableError(f"table {self.name}: task {task!r} has no {kind} values here; they are there for {has}")
        return Column(task, self.units.get(task, ""), values[task])


def make_table(
    name: str,
    space: str,
    genotypes: IntArray,
    twins: IntArray,
    truth: Mapping[str, FloatArray],
    *,
    valid: Mapping[str, FloatArray] = NOTHING,
    early: Mapping[str, FloatArray] = NOTHING,
    units: Mapping[str, str] = MappingProxyType({}),
) -> Table:
    """Merge twins and average their values.

    Args:
        name: of the table.
        space: name of the search space.
        genotypes: shape (rows, genes), rows distinct.
        twins: shape (rows,), the smallest row of each row's class.
        truth: task to one judged value per row, shape (rows,), higher is better; gives the order of the tasks.
        valid: likewise, validation values.
        early: likewise, values of a shorter training.
        units: task to unit.
    """
    representatives, classes = np.unique(twins, return_inverse=True)
    for array in (genotypes, classes, representatives):
        array.setflags(write=False)

    def merged(columns: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        return MappingProxyType({task: class_mean(values, classes) for task, values in columns.items()})

    floors = {task: noise_floor(values, classes) for task, values in truth.items()}
    noise = {task: floor for task, floor in floors.items() if floor}
    return Table(
        name, space, genotypes, classes, representatives, tuple(truth),
        merged(truth), merged(valid), merged(early), MappingProxyType(dict(units)), MappingProxyType(noise),
    )  # fmt: skip
