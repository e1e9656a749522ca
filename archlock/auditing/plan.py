"""What an audit is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from archlock.auditing.budgets import AuditBudget
from archlock.auditing.subject import Subject
from archlock.auditing.units import Case
from archlock.errors import UsageError
from archlock.tasks.settings import TaskSettings


@dataclass(frozen=True)
class AuditPlan:
    """What is asked for.

    Attributes:
        subject: the model.
        source: the task it is released for.
        targets: tasks that someone might want of it.
        budget: how hard to try; its ``attacks`` are what is run.
        reference: another model that attackers could take instead, such as the unlocked twin.
    """

    subject: Subject
    source: TaskSettings
    targets: tuple[TaskSettings, ...]
    budget: AuditBudget
    reference: Subject | None = None

    def __post_init__(self) -> None:
        titles = [target.title for target in self.targets]
        if not titles or len(set(titles)) < len(titles):
            raise UsageError("an audit needs targets, each named once")
        if self.source.title in titles:
            raise UsageError(
                f"target {self.source.title}: is the source task; name tasks the model is not released for"
            )

    def case(self, target: TaskSettings) -> Case:
        """The audited model, and a target."""
        return Case(self.subject, self.source, target, self.budget)
