"""The gate: a record against a policy, clause by clause; what it says, and whether it may be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from archlock.auditing.advantage import advantages, summarise
from archlock.auditing.gating.decision import Clause, Decision
from archlock.auditing.gating.limiting import limits
from archlock.auditing.gating.policy import Policy
from archlock.auditing.gating.requiring import required
from archlock.auditing.record import AuditRecord

CLOCK_SLACK_S = 300.0
"""A record from the future is not believed; clocks differ by less than this."""


def judge(record: AuditRecord, policy: Policy, now: datetime | None = None) -> Decision:
    """Hold a record against a policy.

    Args:
        record: of an audit.
        policy: what a release must show.
        now: time of the decision; the clock's by default.
    """
    moment = now or datetime.now(UTC)
    groups: tuple[Callable[[], Iterator[Clause]], ...] = (
        lambda: _trust(record, policy, moment),
        lambda: required(record, policy),
        lambda: limits(record, policy),
        lambda: _keeps(record, policy),
    )
    return Decision(tuple(clause for group in groups for clause in group()))


def _trust(record: AuditRecord, policy: Policy, now: datetime) -> Iterator[Clause]:
    """Whether the record is what the audit wrote, of this model, and not too old."""
    said = "the record's digest fits its content" if record.is_intact else "the record was changed after it was sealed"
    yield Clause("report_sha256", record.is_intact, said)
    sizes = {task.task: task.test for task in record.tasks}
    rows = advantages(record.attacks, record.references, sizes)
    follows = rows == record.advantages and summarise(rows) == record.summaries
    said = "advantages follow from the attacks" if follows else "advantages are not those of the record's own attacks"
    yield Clause("advantages", follows, said)
    if policy.model_sha256 is not None:
        same = record.model.sha256 == policy.model_sha256
        yield Clause("model_sha256", same, f"the audited model is {record.model.sha256[:12]}…")
    if policy.maximum_age_days is not None:
        yield _age(record.created_at, policy.maximum_age_days, now)


def _age(created_at: str, most_days: float, now: datetime) -> Clause:
    try:
        made = datetime.fromisoformat(created_at)
    except ValueError:  # edited by hand
        return Clause("maximum_age_days", False, f"the audit has no time: {created_at[:40]!r}")
    age_s = (now - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds()
    fresh = -CLOCK_SLACK_S <= age_s <= most_days * 86_400
    return Clause("maximum_age_days", fresh, f"the audit is {age_s / 86_400:.1f} days old")


def _keeps(record: AuditRecord, policy: Policy) -> Iterator[Clause]:
    least = policy.keeps.source
    if least is not None:
        found = record.source_value
        met = found is not None and found.value >= least
        said = "the source metric is not known" if found is None else f"the source metric is {found.value:.3f}"
        yield Clause("keeps.source", met, said)
