"""The label ledger: every label that a search or an audit reads, in order, and the seal on those it must not read.

A label is a raw value of one task for one subject (an architecture, a sample count). It can be had only through
`Ledger.read`, which notes it first, so that reports can print what a result has cost and tests can replay it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from archlock.errors import RunFolderError, SealedError, UsageError

T = TypeVar("T")

HELD_OUT_ATTACK = "held-out attack"
"""The one stage at which held-out targets are read."""

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One reading.

    Attributes:
        task: title of the task.
        subject: what was labelled: a genotype, an architecture's id, or what the samples were.
        stage: stage of the run, such as ``micro-training``.
        labels: how many labels this reading used, at least 1.
    """

    task: str
    subject: str
    stage: str
    labels: int = 1


@dataclass(frozen=True)
class LedgerRow:
    """Sums over one task and stage: readings, labels, and how many different subjects they were of."""

    task: str
    stage: str
    readings: int
    labels: int
    subjects: int


@dataclass
class Ledger:
    """Readings in the order they were made, and which tasks are sealed.

    A sealed task can be read at no stage but those it was opened for. Sealing is not undone by sealing again: stages
    that were opened stay so until `seal` names the task anew.
    """

    _entries: list[Entry] = field(default_factory=list)
    _open_stages: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every reading so far, oldest first."""
        return tuple(self._entries)

    @property
    def sealed(self) -> tuple[str, ...]:
        """Titles of the sealed tasks, in the order they were sealed."""
        return tuple(self._open_stages)

    def read(self, task: str, subject: str, stage: str, value: Callable[[], T], *, labels: int = 1) -> T:
        """Note a reading, then have the value.

        The reading counts even where ``value`` raises: what was asked for was paid for.

        Args:
            task: title of the task.
            subject: what is labelled.
            stage: stage of the run.
            value: gives the label; not called where the task is sealed.
            labels: how many labels the value uses.

        Raises:
            SealedError: the task is sealed at this stage.
            UsageError: ``labels`` is less than 1, or a name is empty.
        """
        if labels < 1 or not (task and subject and stage):
            raise UsageError(f"ledger: a reading needs a task, a subject, a stage and at least one label, not {labels}")
        self.check(task, stage)
        self._entries.append(Entry(task, subject, stage, labels))
        return value()

    def check(self, task: str, stage: str) -> None:
        """Raise a `SealedError` where the task may not be read at the stage."""
        stages = self._open_stages.get(task)
        if stages is None or stage in stages:
            return
        opened = f"open only at stage {', '.join(map(repr, stages))}" if stages else "not open at any stage"
        raise SealedError(f"task {task!r} is sealed: it cannot be read at stage {stage!r}, it is {opened}")

    def seal(self, *tasks: str) -> None:
        """Forbid every further reading of some tasks, at any stage."""
        for task in tasks:
            self._open_stages[task] = ()

    def unseal(self, stage: str, *tasks: str) -> None:
        """Allow readings of some tasks at one more stage; at all others they stay sealed.

        Raises:
            UsageError: a task is not sealed.
        """
        for task in tasks:
            if task not in self._open_stages:
                raise UsageError(f"ledger: task {task!r} is not sealed, so that it cannot be opened for {stage!r}")
            if stage not in self._open_stages[task]:
                self._open_stages[task] = (*self._open_stages[task], stage)

    @contextmanager
    def opened(self, stage: str, *tasks: str) -> Iterator[None]:
        """Tasks open at a stage for the length of a ``with`` block; afterwards their seal is as it was.

        Raises:
            UsageError: a task is not sealed.
        """
        before = {task: self._open_stages.get(task, ()) for task in tasks}
        self.unseal(stage, *tasks)
        try:
            yield
        finally:
            self._open_stages.update(before)

    def counts(self) -> tuple[LedgerRow, ...]:
        """One row per task and stage, in the order they were first read."""
        groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._entries:
            groups.setdefault((entry.task, entry.stage), []).append(entry)
        return tuple(
            LedgerRow(task, stage, len(group), sum(one.labels for one in group), len({one.subject for one in group}))
            for (task, stage), group in groups.items()
        )

    def to_json(self) -> str:
        """The ledger as text; `from_json` gives it back, seals included."""
        document = {"format": FORMAT, "entries": [asdict(entry) for entry in self._entries], "seals": self._open_stages}
        return json.dumps(document, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Ledger:
        """Read what `to_json` wrote.

        Raises:
            RunFolderError: the text is not a ledger of this format.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            if document["format"] != FORMAT:
                raise RunFolderError(f"ledger: format {document['format']!r} cannot be read, expected {FORMAT}")
            entries = [Entry(**entry) for entry in document["entries"]]
            seals = {task: tuple(stages) for task, stages in document["seals"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunFolderError(f"ledger: not a ledger: {type(error).__name__}: {error}") from None
        return cls(entries, seals)
