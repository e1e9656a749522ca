"""Whether a record is one that an audit can write: every task, attack and reference once, and of one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from archlock.auditing.attacking import GIVEN
from archlock.auditing.record import AttackLine, AuditRecord
from archlock.auditing.units import SCRATCH

HashableT = TypeVar("HashableT", bound=Hashable)


def fault_of(record: AuditRecord) -> str:
    """The first thing that no audit writes, in a sentence; empty where there is none.

    A line that stands there twice weighs twice in a mean over seeds, and a line of a task that is not described has no
    test samples to take an interval from.

    Args:
        record: of an audit.
    """
    sources = [task for task in record.tasks if task.role == "source"]
    if len(sources) != 1:
        return f"{len(sources)} source tasks are described"
    for title in _repeated(task.task for task in record.tasks):
        return f"the task {title} is described twice"
    for title in _repeated(each.target for each in record.predicted):
        return f"the attack on {title} is predicted twice"
    return _among(record.attacks, record, public=False) or _among(record.references, record, public=True)


def _among(lines: Sequence[AttackLine], record: AuditRecord, *, public: bool) -> str:
    """What is wrong with a record's attacks, or with its references."""
    for key in _repeated((line.attack, line.target, line.fraction, line.seed) for line in lines):
        name, target, fraction, seed = key
        return f"{name} on {target} with {fraction:.0%} of the data and seed {seed} is listed twice"
    for line in lines:
        if line.target not in record.target_titles:
            return f"{line.attack} is on {line.target}, which is no target of the audit"
        if line.attack.startswith((SCRATCH, GIVEN)) != public:
            return f"{line.attack} is listed among the {'references' if public else 'attacks'}"
    return ""


def _repeated(values: Iterable[HashableT]) -> list[HashableT]:
    return [value for value, count in Counter(values).items() if count > 1]
