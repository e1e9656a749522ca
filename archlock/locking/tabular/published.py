"""Published scores of a table's architectures that are no labels: zero-cost proxies and hardware measurements.

`archlock.tables.published` reads them; here they become scores of classes and features. Final or partial accuracies in
those files are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.stats import norm, rankdata

from archlock.scores import FloatArray, ScoreBatch
from archlock.tables import Table
from archlock.tables import published as files
from archlock.tables.folder import data_folder

VOTERS = ("fisher", "grad_norm", "grasp", "jacov", "plain", "snip", "synflow")
"""The seven proxies of the paper's vote (ArchLock, ICLR 2024); higher is better in the published files."""

Scores = Mapping[str, ScoreBatch]


@dataclass(frozen=True)
class Published:
    """What was found for a table; empty where its files are not in the data folder.

    Attributes:
        proxies: task to proxy to the scores of all classes; unknown where no row of the class was scored.
        hardware: measurement to its values, positive where known.
    """

    proxies: Mapping[str, Scores] = field(default_factory=dict)
    hardware: Scores = field(default_factory=dict)

    def features(self) -> dict[str, FloatArray]:
        """Feature blocks ``proxies`` and ``hardware`` of a `Pool`, each score beside whether it is known.

        And ``voters_<task>`` for each task on which all `VOTERS` were scored: their ranks, shape (classes, 7).
        """
        blocks = {
            "proxies": [batch for scores in self.proxies.values() for batch in scores.values()],
            "hardware": list(self.hardware.values()),
        }
        found = {name: np.hstack([_columns(batch) for batch in batches]) for name, batches in blocks.items() if batches}
        for task, scores in self.proxies.items():
            if set(VOTERS) <= set(scores):
                found[f"voters_{task}"] = np.stack([scores[name].ranks() for name in VOTERS], axis=1)
        return found

    def voters(self, task: str) -> Scores:
        """The seven voters on a task, or on the first scored task where this one has none; empty where none has."""
        scored = {name: scores for name, scores in self.proxies.items() if set(VOTERS) <= set(scores)}
        scores = scored.get(task) or next(iter(scored.values()), {})
        return {name: scores[name] for name in VOTERS if name in scores}


def load_published(table: Table, data: Path | None = None) -> Published:
    """The published scores of a published table that lie in the data folder; nothing for tables without any.

    Raises:
        TableError: a file is damaged or of another version.
    """
    folder = data_folder(data)
    there = {name for name in _FILES if (folder / _FILES[name]).exists()}
    if table.space == "nasbench201":
        proxies = {task: files.load_cell_proxies(task, data) for task in files.IMAGE_TASKS if "cells" in there}
        hardware = [files.load_hardware("cifar10", data)] if "hardware" in there else []
    elif table.space == "transnas_micro":
        proxies = {"class_scene": files.load_micro_proxies(data)} if "micro" in there else {}
        hardware = []
    else:
        return Published()
    return Published(
        {task: _by_class(one, table) for task, one in proxies.items()},
        {name: batch for one in hardware for name, batch in _by_class(one, table).items()},
    )


_FILES = {
    "cells": files.CELL_PROXIES_FILE,
    "hardware": files.HARDWARE_FILE,
    "micro": files.MICRO_PROXIES_FILE,
}


def _by_class(published: files.Published, table: Table) -> dict[str, ScoreBatch]:
    return {name: published.column(name, table) for name in published.names}


def _columns(batch: ScoreBatch) -> FloatArray:
    """Normal scores of the known values, 0 where unknown, and whether they are known; shape (classes, 2)."""
    column = np.zeros(len(batch.values))
    if batch.known.any():
        ranks = rankdata(batch.values[batch.known])
        column[batch.known] = norm.ppf(ranks / (len(ranks) + 1))
    return np.stack([column, batch.known.astype(np.float64)], axis=1)
