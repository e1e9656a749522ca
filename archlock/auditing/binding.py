"""What the figures of an audit are of, fixed before any work: time, versions, the model's bytes, and the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archlock.auditing.plan import AuditPlan
from archlock.auditing.record import HashedPart, TaskFacts
from archlock.auditing.subject import digest_of_parts
from archlock.auditing.units import Case
from archlock.errors import ModelError, TaskError
from archlock.loading.digest import sha256_of_weights
from archlock.runs.log import now_utc
from archlock.tasks.settings import TaskSettings


@dataclass(frozen=True)
class AuditedTask:
    """A task of an audit, and its kind, such as ``classification``."""

    facts: TaskFacts
    kind: str


@dataclass(frozen=True)
class Bound:
    """A plan, and what it was found to be of.

    Attributes:
        plan: what is asked for; its models load as they are now, or not at all.
        created_at: when the audit began, ISO 8601 in UTC.
        versions: of what the result depends on.
        parts: of the model, with their digests.
        reference_sha256: of the other model, where there is one.
        tasks: title to task, the source first.
    """

    plan: AuditPlan
    created_at: str
    versions: Mapping[str, str]
    parts: tuple[HashedPart, ...]
    reference_sha256: str | None
    tasks: Mapping[str, AuditedTask]

    @property
    def model_sha256(self) -> str:
        """Of the audited model."""
        return digest_of_parts(self.parts)

    @property
    def data_sha256(self) -> dict[str, str]:
        """Title to the digest of the task's data as the model sees it."""
        return {title: task.facts.sha256 for title, task in self.tasks.items()}

    def check(self) -> None:
        """See that model and data are still what they were.

        Raises:
            ModelError, TaskError: they were changed while the audit ran.
        """
        if self.plan.subject.parts() != self.parts:
            raise ModelError(f"{self.plan.subject.load().name}: was changed while it was audited; audit it again")
        now = {title: task.facts.sha256 for title, task in _tasks(self.plan).items()}
        if changed := [title for title, sha256 in self.data_sha256.items() if now[title] != sha256]:
            raise TaskError(f"{', '.join(changed)}: the data was changed while the audit ran; audit the model again")


def bind(plan: AuditPlan, versions: Mapping[str, str]) -> Bound:
    """Read models and data once, so that what cannot be attacked is refused before anything is written.

    Args:
        plan: what is asked for.
        versions: of what the result depends on.

    Raises:
        ModelError: a model cannot be trained or does not fit the source task.
        UsageError, TaskError: an unknown task, or no such file.
    """
    subjects = [subject for subject in (plan.subject, plan.reference) if subject is not None]
    for subject in subjects:
        Case(subject, plan.source, plan.source, plan.budget).loot()
    own, *others = (subject.parts() for subject in subjects)
    pinned = None if plan.reference is None else plan.reference.pin()
    bound = replace(plan, subject=plan.subject.pin(), reference=pinned)
    given = digest_of_parts(others[0]) if others else None
    return Bound(bound, now_utc(), dict(versions), own, given, _tasks(plan))


def _tasks(plan: AuditPlan) -> dict[str, AuditedTask]:
    return {task.title: _described(plan, task) for task in (plan.source, *plan.targets)}


def _described(plan: AuditPlan, settings: TaskSettings) -> AuditedTask:
    """Sizes, metric and digest of a task as the model sees it."""
    task = plan.case(settings).task()
    parts = {"train": task.train, "validation": task.validation, "test": task.test}
    tensors = {f"{name}.{kind}": getattr(part, kind) for name, part in parts.items() for kind in ("inputs", "targets")}
    facts = TaskFacts(
        task=settings.title,
        role="source" if settings == plan.source else "target",
        metric=task.metric_name,
        train=len(task.train),
        validation=len(task.validation),
        test=len(task.test),
        sha256=sha256_of_weights(tensors),
    )
    return AuditedTask(facts, task.kind.value)
