"""The table of a run: opened once per process, with its features and published scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from archlock.errors import TaskError, UsageError
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.problem import Pool
from archlock.locking.tabular.published import Published, load_published
from archlock.tables import Table, load_table
from archlock.tables.registry import open_table_file

WIDER = {"nasbench201": "nasbench360"}
"""Table to one of the same architectures with more tasks, taken where ``--tasks`` names one of those."""


@dataclass(frozen=True)
class TableChoice:
    """Which table, and which of its tasks are in play.

    Attributes:
        name: a published table, or the expected space of a user's file; empty for whatever the file says.
        file: a user's file of the documented schema.
        tasks: names; empty for all.
        data: data folder; None for the usual one.
    """

    name: str
    file: Path | None = None
    tasks: tuple[str, ...] = ()
    data: Path | None = None

    @classmethod
    def of(cls, name: str, file: Path | None, tasks: str, data: Path | None) -> TableChoice:
        """A choice as it is written on the command line: task names with commas between them.

        Raises:
            UsageError: neither a table's name nor a file, or a comma without a name.
        """
        if not name and file is None:
            raise UsageError("--space: name a table, such as transnas_micro, or give a file with --table")
        named = tuple(word.strip() for word in tasks.split(",")) if tasks else ()
        if "" in named:
            raise UsageError(f"--tasks {tasks}: expected names with commas between them, such as cifar10,cifar100")
        return cls(name, file, named, data)

    def open(self) -> Table:
        """The table.

        Raises:
            TableError: unknown, missing, damaged, or of another version.
            UsageError: the file's architectures are of another space.
        """
        if self.file is not None:
            table = open_table_file(self.file)
            if self.name not in ("", table.name, table.space):
                raise UsageError(f"{self.file}: architectures of {table.space!r}, not of {self.name!r}; set --space")
            return table
        table = load_table(self.name, self.data)
        if self.name in WIDER and not set(self.tasks) <= set(table.tasks):
            return load_table(WIDER[self.name], self.data)
        return table

    def tasks_in_play(self, at_least: int = 2) -> tuple[str, ...]:
        """The tasks named, or all of the table; a pair needs ``at_least`` two.

        Raises:
            TableError: a task that the table lacks.
            TaskError: a task named twice, or too few.
        """
        table = self.open()
        named = self.tasks or table.tasks
        for task in named:
            table.column(task)
        if len(set(named)) < len(named):
            raise TaskError(f"--tasks {','.join(named)}: a task is named twice; a target cannot be its own source")
        if len(named) < at_least:
            raise TaskError(f"--tasks {','.join(named)}: a lock needs a source and a target, name at least two tasks")
        return named


@dataclass(frozen=True)
class Setting:
    """An open table with what may be known about it without labels."""

    table: Table
    pool: Pool
    published: Published


@lru_cache(maxsize=2)
def open_setting(choice: TableChoice) -> Setting:
    """The setting of a choice, kept for the next trial in this process; raises as `TableChoice.open`."""
    table = choice.open()
    published = load_published(table, choice.data) if choice.file is None else Published()
    return Setting(table, pool_of(table, published.features()), published)
