"""From the public files of a data set to the arrays that are kept.

The files have been checked by SHA-256 before they come here; what is checked here is that they say what this code
takes them to say, so that a change of the catalogue cannot go wrong in silence.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.errors import UsageError
from archlock.tables.catalogue import Dataset
from archlock.tables.cells import CELLS_FILE, EDGES, OPERATIONS, OTHERS, OTHERS_FILE, ROWS
from archlock.tables.errors import DownloadError
from archlock.tables.published import HARDWARE_FILE
from archlock.tables.transnas import MACRO_ROWS, MAIN_FILE, TASKS, TWINS_FILE
from archlock.tables.transnas import ROWS as TRANSNAS_ROWS
from archlock.tables.twins import first_of_kind, micro_twins

Arrays = dict[str, NDArray[Any]]
Files = Mapping[str, Path]
"""Path in the repository to the file on this machine."""

UPSTREAM = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16": "ImageNet16-120"}
"""Our name of an image task to the one in public files."""
NATS_COLUMNS = {
    "cifar10": "CIFAR10TestAccuracy200Epochs",
    "cifar100": "CIFAR100TestAccuracy200Epochs",
    "imagenet16": "ImageNetTestAccuracy200Epochs",
}
PARTS = {"train": "train accuracy", "valid": "validation accuracy", "test": "test accuracy"}
PRIMARY = {"segmentsemantic": "mIoU", "normal": "ssim", "autoencoder": "ssim", "room_layout": "neg_loss"}
"""Main metric of a TransNAS task; top1 where none is named."""
METRICS = {"top1": ("top1", "top5"), "mIoU": ("mIoU", "acc"), "ssim": ("ssim",), "neg_loss": ("neg_loss",)}
"""Metrics kept beside each main one. Losses are not: the source gives their worst epoch."""
MISSING_NAME = "64-113444-basic"
"""The one macro network that the list of names lacks, known by enumerating the space; it is the last row."""


def convert(dataset: Dataset, files: Files) -> dict[Path, Arrays]:
    """Converted file, relative to the data folder, to its arrays.

    Raises:
        UsageError: a reader that the data set needs is not installed.
        DownloadError: a file does not say what it should.
    """
    try:
        return CONVERTERS[dataset.name](files)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise DownloadError(
            f"{dataset.name}: the public files are not of the form that is known here ({type(error).__name__}: {error})"
        ) from None


def check_readers(dataset: Dataset) -> None:
    """Raise a `UsageError` where a data set needs a package that is not installed, before anything is downloaded."""
    parquet = any(source.path.endswith(".parquet") for source in dataset.sources)
    if parquet and find_spec("pyarrow") is None:
        raise UsageError(
            f"data set {dataset.name} is a parquet file, which needs pyarrow: pip install 'archlock[nasbench360]'"
        )


def _nasbench201(files: Files) -> dict[Path, Arrays]:
    rows = _table(files["nats_bench.csv"])
    strings = rows["ArchitectureString"]
    operations = np.array([_operations(string) for string in strings], dtype=np.int8)
    arrays: Arrays = {
        "ops": np.array(OPERATIONS),
        "edges": np.array(EDGES, dtype=np.int8),
        "arch_ops": _sized(operations, (ROWS, len(EDGES))),
        "arch_str": np.array(strings),
        "iso_rep": first_of_kind(rows["UniqueString"]).astype(np.int16),
    }
    for task, column in NATS_COLUMNS.items():
        arrays[f"nats_{task}_test_200"] = _floats(rows[column])
    for task, upstream in UPSTREAM.items():
        table = _table(files[f"data/nasbench201_{upstream}.csv"])
        if table["arch str"] != strings:
            raise ValueError(f"architectures of {upstream} are in another order")
        name = "cifar10valid" if task == "cifar10" else task
        for part, column in PARTS.items():
            arrays[f"nb201_{name}_{part}_200"] = _floats(table[column])
    return {CELLS_FILE: arrays}


def _operations(string: str) -> list[int]:
    """Genes of an architecture string such as ``|none~0|+|none~0|none~1|+|none~0|none~1|none~2|``."""
    parts = [part for node in string.split("+") for part in node.strip("|").split("|")]
    return [OPERATIONS.index(part.partition("~")[0]) for part in parts]


def _transnas(files: Files) -> dict[Path, Arrays]:
    names = {
        space: [
            name for name, _ in json.loads(_read(files[f"designspace/Trans_Micro/data/trans/{space}_class_scene.json"]))
        ]
        for space in ("macro", "micro")
    }
    macro, micro = [*names["macro"], MISSING_NAME], names["micro"]
    if len(macro) != MACRO_ROWS or len(macro) + len(micro) != TRANSNAS_ROWS:
        raise ValueError(f"{len(macro)} macro and {len(micro)} micro names")
    arrays: Arrays = {
        "arch": np.array([*macro, *micro]),
        "space": np.array(["macro"] * len(macro) + ["micro"] * len(micro)),
        "tasks": np.array(TASKS),
    }
    for task in TASKS:
        arrays |= _transnas_task(task, files[f"data/transbench101_{task}.csv"])
    for part in ("valid", "test"):
        arrays[f"primary_{part}"] = np.array([f"{task}__{part}_{PRIMARY.get(task, 'top1')}" for task in TASKS])
    codes = [name.split("-")[1] for name in macro]
    arrays["macro_codes"] = np.array([[int(code) for code in word.ljust(6, "0")] for word in codes], dtype=np.int8)
    cells = [name.split("-")[2].replace("_", "") for name in micro]
    arrays["micro_ops"] = np.array([[int(gene) for gene in word] for word in cells], dtype=np.int8)
    twins = micro_twins(arrays["micro_ops"].astype(np.int64)).astype(np.int16)
    return {MAIN_FILE: arrays, TWINS_FILE: {"iso_rep": twins}}


def _transnas_task(task: str, file: Path) -> Arrays:
    table = _table(file)
    if table["file_id"] != [str(row) for row in range(TRANSNAS_ROWS)]:
        raise ValueError(f"rows of {task} are in another order")
    arrays = {
        f"{task}__{part}_{metric}": _floats(table[f"{part}_{metric}"]).astype(np.float32)
        for metric in METRICS[PRIMARY.get(task, "top1")]
        for part in PARTS
    }
    return arrays | {f"{task}__seconds": _floats(table["time_elapsed"]).astype(np.float32)}


def _hardware(files: Files) -> dict[Path, Arrays]:
    arrays: Arrays = {}
    for task, upstream in UPSTREAM.items():
        table = _table(files[f"data/hw_{upstream}.csv"])
        columns = [name for name in table if name != "net"]
        arrays.setdefault("columns", np.array(columns))
        if arrays["columns"].tolist() != columns:
            raise ValueError(f"columns of {upstream} are in another order")
        arrays[task] = _sized(np.stack([_floats(table[name]) for name in columns], axis=1), (ROWS, len(columns)))
    return {HARDWARE_FILE: arrays}


def _nasbench360(files: Files) -> dict[Path, Arrays]:
    parquet = import_module("pyarrow.parquet")
    table = parquet.read_table(files["results/dataset.parquet"], columns=["arch_idx", "task", "accuracy"])
    rows, tasks = table.column("arch_idx").to_numpy(), np.array(table.column("task").to_pylist())
    accuracy = table.column("accuracy").to_numpy()
    arrays: Arrays = {}
    for task, key in OTHERS.items():
        mine = tasks == task
        # One line per device and framework; the accuracy is the architecture's, so all of them agree.
        values = np.full(ROWS, np.nan)
        values[rows[mine]] = accuracy[mine]
        if not (np.isfinite(values).all() and (values[rows[mine]] == accuracy[mine]).all()):
            raise ValueError(f"accuracies of {task} are missing, or differ between devices")
        arrays[key] = values
    return {OTHERS_FILE: arrays}


CONVERTERS: Mapping[str, Callable[[Files], dict[Path, Arrays]]] = {
    "nasbench201": _nasbench201,
    "transnasbench101": _transnas,
    "hwnasbench": _hardware,
    "nasbench360": _nasbench360,
}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _table(path: Path) -> dict[str, list[str]]:
    """Columns of a CSV file by name."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


def _floats(words: Sequence[str]) -> NDArray[np.float64]:
    return np.array([float(word) for word in words], dtype=np.float64)


def _sized(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if values.shape != shape:
        raise ValueError(f"{values.shape} values, expected {shape}")
    return values
