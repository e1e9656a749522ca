"""Published scores of a table's architectures that are no labels: those of zero-cost proxies.

`archlock.tables.published` reads them; here they become scores of classes and features. Final or partial accuracies in
those files are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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
    """

    proxies: Mapping[str, Scores] = field(default_factory=dict)

    def features(self) -> dict[str, FloatArray]:
        """``voters_<task>`` for each task on which all `VOTERS` were scored: their ranks, shape (classes, 7)."""
        return {
            f"voters_{task}": np.stack([scores[name].ranks() for name in VOTERS], axis=1)
            for task, scores in self.proxies.items()
            if set(VOTERS) <= set(scores)
        }

    def voted_by(self, task: str) -> str:
        """The task whose proxies vote on one: itself, else the first that was scored; empty where none was."""
        scored = [name for name, scores in self.proxies.items() if set(VOTERS) <= set(scores)]
        return task if task in scored else next(iter(scored), "")

    def voters(self, task: str) -> Scores:
        """The seven voters on a task, or on the one that stands in for it; empty where none does."""
        scores = self.proxies.get(self.voted_by(task), {})
        return {name: scores[name] for name in VOTERS if name in scores}


def load_published(table: Table, data: Path | None = None) -> Published:
    """The published scores of a built-in table that lie in the data folder; nothing for any other table.

    They are joined row by row, and rows of a user's table are in an order of its own, whatever its space.

    Raises:
        TableError: a file is damaged or of another version.
    """
    folder, proxies = data_folder(data), dict[str, files.Published]()
    if table.name in ("nasbench201", "nasbench360") and (folder / files.CELL_PROXIES_FILE).exists():
        proxies = {task: files.load_cell_proxies(task, data) for task in files.IMAGE_TASKS}
    elif table.name == "transnas_micro" and (folder / files.MICRO_PROXIES_FILE).exists():
        proxies = {"class_scene": files.load_micro_proxies(data)}
    return Published({task: _by_class(one, table) for task, one in proxies.items()})


def _by_class(published: files.Published, table: Table) -> dict[str, ScoreBatch]:
    return {name: published.column(name, table) for name in published.names}
