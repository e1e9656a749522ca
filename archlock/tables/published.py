"""Figures that others published for the same architectures: zero-cost proxy scores, latency and energy.

They are evidence to compare with, never labels: what they say of a task's accuracy is what a proxy says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archlock.errors import did_you_mean
from archlock.scores import Direction, FloatArray, ScoreBatch
from archlock.tables.archive import Archive, IntArray, open_archive
from archlock.tables.cells import ROWS, hint
from archlock.tables.errors import TableError
from archlock.tables.folder import data_folder
from archlock.tables.table import Table
from archlock.tables.transnas import MICRO_ROWS

HARDWARE_FILE = Path("hwnasbench_nb201", "hwnasbench_nb201.npz")
CELL_PROXIES_FILE = Path("nasbench201_zerocost", "nb201_zerocost.npz")
MICRO_PROXIES_FILE = Path("transnasbench101", "tnb101_micro_class_scene_zerocost.npz")
IMAGE_TASKS = ("cifar10", "cifar100", "imagenet16")
HARDWARE_UNITS = {"latency": "ms", "energy": "mJ"}
"""Unit by the last word of a column's name; the source states none for arithmetic intensity."""
FAILED = -1.0
"""What HW-NAS-Bench writes for a network that the device's compiler refused."""
IMPORT_HINT = "It is not in the download catalogue: archlock data import FILE --name {}"


@dataclass(frozen=True, eq=False)
class Published:
    """Figures of a table's rows.

    Attributes:
        name: of the source and task, for messages.
        names: what was measured, one per column.
        units: one per column, empty where only the order means anything.
        better: direction of the columns.
        values: shape (rows, columns); what stands where ``known`` is false means nothing.
        known: shape (rows, columns), bool.
    """

    name: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    better: Direction
    values: FloatArray
    known: NDArray[np.bool_]

    @property
    def failures(self) -> Mapping[str, int]:
        """Column to the number of rows without a figure."""
        return dict(zip(self.names, (~self.known).sum(axis=0).tolist(), strict=True))

    def column(self, name: str, classes: Table | None = None) -> ScoreBatch:
        """One column, by row; by class where a table is given, each the mean over its rows that have a figure.

        Raises:
            TableError: no such column, or the table has other rows.
        """
        if name not in self.names:
            raise TableError(f"{self.name}: no column {name!r}.{did_you_mean(name, self.names)}")
        at = self.names.index(name)
        values, known = np.where(self.known[:, at], self.values[:, at], 0.0), self.known[:, at]
        if classes is not None:
            if len(classes.classes) != len(values):
                raise TableError(
                    f"{self.name}: {len(values)} rows, but table {classes.name} has {len(classes.classes)}"
                )
            count = np.bincount(classes.classes, weights=known)
            values = np.bincount(classes.classes, weights=values) / np.maximum(count, 1)
            known = count > 0
        reasons = tuple("" if has else "not measured or not compilable" for has in known.tolist())
        return ScoreBatch(values, known, reasons, self.units[at], self.better)


def load_hardware(task: str, data: Path | None = None) -> Published:
    """HW-NAS-Bench (Li et al., ICLR 2021): latency and energy of the NAS-Bench-201 cells on six devices.

    Args:
        task: ``cifar10``, ``cifar100`` or ``imagenet16``: the size of input and classifier.
        data: the data folder; None for ``$ARCHLOCK_DATA`` or the user's cache folder.

    Raises:
        TableError: unknown task, or a file that is missing, damaged, or of another version.
    """
    _check_task(task, IMAGE_TASKS, "hwnasbench")
    with open_archive(data_folder(data) / HARDWARE_FILE, "hwnasbench", hint("hwnasbench")) as archive:
        names = archive.words("columns", (10,))
        values = archive.numbers(task, (ROWS, len(names)))
    units = tuple(HARDWARE_UNITS.get(name.rpartition("_")[2], "") for name in names)
    return Published(f"hwnasbench {task}", names, units, "lower", values, values != FAILED)


def load_cell_proxies(task: str, data: Path | None = None) -> Published:
    """Published zero-cost scores of the NAS-Bench-201 cells.

    Columns without a prefix are NAS-Bench-Suite-Zero's (Krishnakumar et al., NeurIPS 2022; ``flops`` and ``params`` in
    millions), for 9,445 of the cells and not for cifar100; ``freerea/`` and ``fracapuano/`` are two other measurements.

    Raises:
        TableError: unknown task, or a file that is missing, damaged, or of another version.
    """
    _check_task(task, IMAGE_TASKS, "nasbench201_zerocost")
    where = IMPORT_HINT.format("nasbench201_zerocost")
    columns: dict[str, FloatArray] = {}
    with open_archive(data_folder(data) / CELL_PROXIES_FILE, "nasbench201_zerocost", where) as archive:
        if f"suitezero_{task}" in archive.keys:
            names = archive.words("suitezero_columns", (None,))
            table = _maybe_unknown(archive, f"suitezero_{task}", (ROWS, len(names)))
            columns |= {name: table[:, at] for at, name in enumerate(names)}
        for key in archive.keys:
            source, _, rest = key.partition("_")
            if source in ("freerea", "fracapuano") and rest.startswith(f"{task}_"):
                columns[f"{source}/{rest.removeprefix(f'{task}_')}"] = _maybe_unknown(archive, key, (ROWS,))
        if not columns:
            raise archive.fault(f"no scores for task {task!r}")
    return _published(f"nasbench201_zerocost {task}", columns)


def load_micro_proxies(data: Path | None = None) -> Published:
    """NAS-Bench-Suite-Zero's scores of 2,128 TransNAS micro cells on ``class_scene``; the other rows have none.

    Raises:
        TableError: the file is missing, damaged, or of another version.
    """
    where = IMPORT_HINT.format("transnas_zerocost")
    with open_archive(data_folder(data) / MICRO_PROXIES_FILE, "transnas_zerocost", where) as archive:
        rows: IntArray = archive.integers("micro_index", (None,), 0, MICRO_ROWS - 1)
        names = archive.words("columns", (None,))
        values = archive.numbers("values", (len(rows), len(names)))
    table = np.full((MICRO_ROWS, len(names)), np.nan)
    table[rows] = values
    return _published("transnas_zerocost class_scene", {name: table[:, at] for at, name in enumerate(names)})


def _check_task(task: str, known: tuple[str, ...], name: str) -> None:
    if task not in known:
        raise TableError(f"{name}: no task {task!r}.{did_you_mean(task, known)}")


def _maybe_unknown(archive: Archive, key: str, shape: tuple[int | None, ...]) -> FloatArray:
    """Numbers of which some may be NaN or infinite: a score that could not be had."""
    values = archive.array(key, shape)
    if values.dtype.kind != "f":
        raise archive.fault(f"array {key!r} holds {values.dtype}, expected numbers")
    return values.astype(np.float64)


def _published(name: str, columns: Mapping[str, FloatArray]) -> Published:
    values = np.stack(list(columns.values()), axis=1)
    units = tuple({"flops": "M", "params": "M"}.get(column, "") for column in columns)
    known = np.isfinite(values)
    return Published(name, tuple(columns), units, "higher", np.where(known, values, 0.0), known)
