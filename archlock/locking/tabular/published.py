"""Published scores of a table's architectures that are no labels: zero-cost proxies and hardware measurements.

Sources: Krishnakumar et al., NAS-Bench-Suite-Zero, 2022; Cavagnero et al., FreeREA, 2023; Li et al., HW-NAS-Bench,
2021; inference times of TransNAS-Bench-101. Final or partial accuracies in those files are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.stats import norm, rankdata

from archlock.locking.tabular.features import Architectures
from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray, ScoreBatch
from archlock.tables.archive import Archive, open_archive
from archlock.tables.folder import data_folder

CELL_PROXIES = Path("nasbench201_zerocost", "nb201_zerocost.npz")
CELL_HARDWARE = Path("hwnasbench_nb201", "hwnasbench_nb201.npz")
MICRO_PROXIES = Path("transnasbench101", "tnb101_micro_class_scene_zerocost.npz")
MICRO_MAIN = Path("transnasbench101", "transnasbench101.npz")

VOTERS = ("fisher", "grad_norm", "grasp", "jacov", "plain", "snip", "synflow")
"""The seven proxies of the paper's vote (ArchLock, ICLR 2024); higher is better in the published files."""

CELL_ROWS, MICRO_ROWS = 15_625, 4_096


@dataclass(frozen=True)
class Published:
    """What was found for a table; empty where its files are not in the data folder.

    Attributes:
        proxies: task to proxy to the scores of all classes; unknown where no row of the class was scored.
        hardware: name to shape (classes,), positive measurements, NaN-free, with unknown ones masked.
    """

    proxies: Mapping[str, Mapping[str, ScoreBatch]] = field(default_factory=dict)
    hardware: Mapping[str, ScoreBatch] = field(default_factory=dict)

    def features(self) -> dict[str, FloatArray]:
        """Feature blocks ``proxies`` and ``hardware`` of a `Pool`, each score beside whether it is known."""
        blocks = {
            "proxies": [batch for scores in self.proxies.values() for batch in scores.values()],
            "hardware": list(self.hardware.values()),
        }
        return {name: np.hstack([_columns(batch) for batch in batches]) for name, batches in blocks.items() if batches}

    def voters(self, task: str) -> Mapping[str, ScoreBatch]:
        """The seven voters on a task, or on the first scored task where this one has none; empty where none has."""
        scored = {name: scores for name, scores in self.proxies.items() if set(VOTERS) <= set(scores)}
        scores = scored.get(task) or next(iter(scored.values()), {})
        return {name: scores[name] for name in VOTERS if name in scores}


def load_published(table: Architectures, data: Path | None = None) -> Published:
    """The published scores of a table's space that lie in the data folder.

    Raises:
        TableError: a file is damaged or of another version.
    """
    folder, classes = data_folder(data), table.classes
    if table.space == "nasbench201" and len(classes) == CELL_ROWS:
        return Published(_cell_proxies(folder / CELL_PROXIES, classes), _cell_hardware(folder / CELL_HARDWARE, classes))
    if table.space == "transnas_micro" and len(classes) == MICRO_ROWS:
        return Published(_micro_proxies(folder / MICRO_PROXIES, classes), _micro_times(folder / MICRO_MAIN, classes))
    return Published()


def _cell_proxies(path: Path, classes: IntArray) -> dict[str, dict[str, ScoreBatch]]:
    if not path.exists():
        return {}
    with open_archive(path, "nasbench201 proxies", _hint("nasbench201")) as archive:
        names = archive.words("suitezero_columns", (None,))
        found = {
            task: _batches(names, archive.array(f"suitezero_{task}", (CELL_ROWS, len(names))), classes)
            for task in ("cifar10", "imagenet16")
        }
        found["cifar100"] = {
            name: _batch(archive.array(f"freerea_cifar100_{name}", (CELL_ROWS,)), classes)
            for name in ("naswot", "logsynflow")
        }
    return found


def _cell_hardware(path: Path, classes: IntArray) -> dict[str, ScoreBatch]:
    if not path.exists():
        return {}
    with open_archive(path, "hwnasbench", _hint("hwnasbench")) as archive:
        names = archive.words("columns", (None,))
        values = archive.array("cifar10", (CELL_ROWS, len(names)))
    # -1 stands for a network that the device's compiler refused.
    return _batches(names, np.where(values > 0, values, np.nan), classes)


def _micro_proxies(path: Path, classes: IntArray) -> dict[str, dict[str, ScoreBatch]]:
    if not path.exists():
        return {}
    with open_archive(path, "transnas_micro proxies", _hint("transnasbench101")) as archive:
        names = archive.words("columns", (None,))
        rows = archive.integers("micro_index", (None,), 0, MICRO_ROWS - 1)
        values = np.full((MICRO_ROWS, len(names)), np.nan)
        values[rows] = archive.array("values", (len(rows), len(names)))
    return {"class_scene": _batches(names, values, classes)}


def _micro_times(path: Path, classes: IntArray) -> dict[str, ScoreBatch]:
    if not path.exists():
        return {}
    with open_archive(path, "transnas_micro", _hint("transnasbench101")) as archive:
        values = _times(archive)
    return _batches(tuple(f"inference_time_{column}" for column in range(values.shape[1])), values, classes)


def _times(archive: Archive) -> FloatArray:
    values = archive.array("micro_inference_time", (MICRO_ROWS, None)).astype(np.float64)
    return np.asarray(np.where(values > 0, values, np.nan), dtype=np.float64)


def _batches(names: tuple[str, ...], values: FloatArray, classes: IntArray) -> dict[str, ScoreBatch]:
    return {name: _batch(values[:, column], classes) for column, name in enumerate(names)}


def _batch(values: FloatArray, classes: IntArray) -> ScoreBatch:
    """Mean over the scored rows of each class."""
    finite, count = np.isfinite(values), int(classes.max()) + 1
    scored = np.bincount(classes[finite], minlength=count)
    sums = np.bincount(classes[finite], weights=values[finite], minlength=count)
    known = scored > 0
    reasons = tuple("" if one else "not in the published file" for one in known)
    return ScoreBatch(np.asarray(sums / np.maximum(scored, 1), dtype=np.float64), known, reasons)


def _columns(batch: ScoreBatch) -> FloatArray:
    """Normal scores of the known values, 0 where unknown, and whether they are known; shape (classes, 2)."""
    column = np.zeros(len(batch.values))
    if batch.known.any():
        ranks = rankdata(batch.values[batch.known])
        column[batch.known] = norm.ppf(ranks / (len(ranks) + 1))
    return np.stack([column, batch.known.astype(np.float64)], axis=1)


def _hint(name: str) -> str:
    return f"To get it: archlock data get {name}"
