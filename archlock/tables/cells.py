"""The NAS-Bench-201 cells: 15,625 architectures with results on image tasks and, by NAS-Bench-360, on two others.

Sources: Dong and Yang, NAS-Bench-201, ICLR 2020; Dong et al., NATS-Bench, TPAMI 2021; Tu et al., NAS-Bench-360,
NeurIPS 2022. Columns and units are described in docs/tables.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archlock.scores import FloatArray
from archlock.tables.archive import Archive, IntArray, open_archive
from archlock.tables.table import Table, make_table

ROWS = 15_625
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""Option of each gene's integer."""
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""From which node to which node each of the six genes leads."""

CELLS_FILE = Path("nasbench201", "nasbench201.npz")
OTHERS_FILE = Path("nasbench360", "nb201_nb360.npz")

TRUTH = {task: f"nats_{task}_test_200" for task in ("cifar10", "cifar100", "imagenet16")}
VALID = {
    "cifar10": "nb201_cifar10valid_valid_200",
    "cifar100": "nb201_cifar100_valid_200",
    "imagenet16": "nb201_imagenet16_valid_200",
}
EARLY = {task: f"nb201_{task}_test_12" for task in TRUTH}
OTHERS = {"ninapro": "ninapro_acc_test_200", "darcy": "darcy_score_test_200"}
UNITS = {"cifar10": "%", "cifar100": "%", "imagenet16": "%", "ninapro": "%", "darcy": ""}


def read_nasbench201(data: Path) -> Table:
    """The three image tasks; early values where the file has the 12-epoch columns.

    Raises:
        TableError: the file is missing, damaged, or of another version.
    """
    return _read("nasbench201", data, {})


def read_nasbench360(data: Path) -> Table:
    """The three image tasks, NinaPro and Darcy Flow, on the same cells.

    NinaPro and Darcy Flow have neither validation nor early values.

    Raises:
        TableError: one of the two files is missing, damaged, or of another version.
    """
    return _read("nasbench360", data, read_others(data))


def read_others(data: Path) -> dict[str, FloatArray]:
    """NinaPro and Darcy Flow alone: task to its values, shape (rows,).

    Raises:
        TableError: the file is missing, damaged, or of another version.
    """
    with open_archive(data / OTHERS_FILE, "nasbench360", hint("nasbench360")) as archive:
        return {task: archive.numbers(key, (ROWS,)) for task, key in OTHERS.items()}


def hint(name: str) -> str:
    """What to do about a missing or unfit file of the catalogue."""
    return f"To get it: archlock data get {name}"


def _read(name: str, data: Path, others: dict[str, FloatArray]) -> Table:
    with open_archive(data / CELLS_FILE, "nasbench201", hint("nasbench201")) as archive:
        genotypes, twins = _cells(archive)
        truth = {task: archive.numbers(key, (ROWS,)) for task, key in TRUTH.items()}
        valid = {task: archive.numbers(key, (ROWS,)) for task, key in VALID.items()}
        early = {task: archive.numbers(key, (ROWS,)) for task, key in EARLY.items() if key in archive.keys}
    units = {task: UNITS[task] for task in (*truth, *others)}
    return make_table(name, "nasbench201", genotypes, twins, truth | others, valid=valid, early=early, units=units)


def _cells(archive: Archive) -> tuple[IntArray, IntArray]:
    """Genotypes, shape (rows, 6), and the smallest row of each row's class, shape (rows,)."""
    genotypes = archive.integers("arch_ops", (ROWS, len(EDGES)), 0, len(OPERATIONS) - 1)
    if archive.words("ops", (len(OPERATIONS),)) != OPERATIONS:
        raise archive.fault(f"array 'ops' names other operations than {', '.join(OPERATIONS)}")
    if not np.array_equal(archive.array("edges", (len(EDGES), 2)), EDGES):
        raise archive.fault("array 'edges' is in another order than the architecture string")
    return check_distinct(archive, "arch_ops", genotypes), read_twins(archive, "iso_rep", ROWS)


def check_distinct(archive: Archive, key: str, genotypes: IntArray) -> IntArray:
    """The genotypes; raises a `TableError` where a row occurs twice."""
    _, first = np.unique(genotypes, axis=0, return_index=True)
    if len(first) < len(genotypes):
        again = np.setdiff1d(np.arange(len(genotypes)), first)[0]
        raise archive.fault(f"array {key!r}: row {again} is a genotype that stands in an earlier row, too")
    return genotypes


def read_twins(archive: Archive, key: str, rows: int) -> IntArray:
    """The smallest row of each row's class; raises a `TableError` where it is not that."""
    twins = archive.integers(key, (rows,), 0, rows - 1)
    smallest = np.full(rows, rows)
    np.minimum.at(smallest, twins, np.arange(rows))
    if not np.array_equal(smallest[twins], twins):
        wrong = int(np.flatnonzero(smallest[twins] != twins)[0])
        raise archive.fault(f"array {key!r}: row {wrong} names {twins[wrong]}, not the smallest row of its class")
    return twins
