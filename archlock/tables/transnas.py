"""TransNAS-Bench-101: 4,096 micro (cell) and 3,256 macro (skeleton) architectures with results on seven tasks.

Source: Duan et al., TransNAS-Bench-101, CVPR 2021. Columns and units are described in docs/tables.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archlock.tables.archive import Archive, open_archive
from archlock.tables.cells import check_distinct, hint, read_twins
from archlock.tables.table import Table, make_table

MACRO_ROWS, MICRO_ROWS = 3_256, 4_096
ROWS = MACRO_ROWS + MICRO_ROWS
TASKS = ("class_scene", "class_object", "room_layout", "jigsaw", "segmentsemantic", "normal", "autoencoder")
MAIN_FILE = Path("transnasbench101", "transnasbench101.npz")
TWINS_FILE = Path("transnasbench101", "micro_iso.npz")
UNITS = {"top1": "%", "mIoU": "%", "ssim": "", "neg_loss": ""}
"""Unit by metric; all are higher is better in the file."""


def read_transnas_micro(data: Path) -> Table:
    """Cells of four nodes, twins merged.

    Raises:
        TableError: one of the two files is missing, damaged, or of another version.
    """
    with open_archive(data / TWINS_FILE, "transnas_micro", hint("transnasbench101")) as archive:
        twins = read_twins(archive, "iso_rep", MICRO_ROWS)
    with open_archive(data / MAIN_FILE, "transnas_micro", hint("transnasbench101")) as archive:
        genotypes = check_distinct(archive, "micro_ops", archive.integers("micro_ops", (MICRO_ROWS, 6), 0, 3))
        return _read("transnas_micro", archive, genotypes, twins, slice(MACRO_ROWS, ROWS))


def read_transnas_macro(data: Path) -> Table:
    """Skeletons of four to six modules; every row is a class of its own.

    Raises:
        TableError: the file is missing, damaged, or of another version.
    """
    with open_archive(data / MAIN_FILE, "transnas_macro", hint("transnasbench101")) as archive:
        genotypes = check_distinct(archive, "macro_codes", archive.integers("macro_codes", (MACRO_ROWS, 6), 0, 4))
        return _read("transnas_macro", archive, genotypes, np.arange(MACRO_ROWS), slice(0, MACRO_ROWS))


def _read(name: str, archive: Archive, genotypes: np.ndarray, twins: np.ndarray, part: slice) -> Table:
    if archive.words("tasks", (len(TASKS),)) != TASKS:
        raise archive.fault(f"array 'tasks' names other tasks than {', '.join(TASKS)}")
    keys = {kind: archive.words(f"primary_{kind}", (len(TASKS),)) for kind in ("test", "valid")}
    truth, valid = (
        {task: archive.numbers(key, (ROWS,))[part] for task, key in zip(TASKS, keys[kind], strict=True)}
        for kind in ("test", "valid")
    )
    metrics = [key.partition("__")[2].partition("_")[2] for key in keys["test"]]
    units = {task: UNITS.get(metric, "") for task, metric in zip(TASKS, metrics, strict=True)}
    return make_table(name, name, genotypes, twins, truth, valid=valid, units=units)
