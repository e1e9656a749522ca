"""The gate: a record against a policy, clause by clause; what it says, and whether it may be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from archlock.auditing.advantage import advantages, summarise
from archlock.auditing.attacking import GIVEN
from archlock.auditing.gating.decision import Clause, Decision
from archlock.auditing.gating.limiting import limits
from archlock.auditing.gating.policy import Policy
from archlock.auditing.gating.requiring import required
from archlock.auditing.gating.whole import fault_of
from archlock.auditing.record import AuditRecord

CLOCK_SLACK_S = 300.0
"""A record from the future is not believed; clocks differ by less than this."""


def judge(
    record: AuditRecord, policy: Policy, now: datetime | None = None, released_sha256: str | None = None
) -> Decision:
    """Hold a record against a policy.

    Args:
        record: of an audit.
        policy: what a release must show.
        now: time of the decision; the clock's by default.
        released_sha256: of the model that is about to be released, where it is at hand.
    """
    moment = now or datetime.now(UTC)
    groups: tuple[Callable[[], Iterator[Clause]], ...] = (
        lambda: _trust(record, policy, moment),
        lambda: _of_model(record, (policy.model_sha256, "model_sha256"), (released_sha256, "model")),
        lambda: required(record, policy),
        lambda: limits(record, policy),
        lambda: _keeps(record, policy),
    )
    return Decision(tuple(clause for group in groups for clause in group()))


def _trust(record: AuditRecord, policy: Policy, now: datetime) -> Iterator[Clause]:
    """Whether the record is what an audit wrote, is not too old, and compares with what anyone can have."""
    said = "the record's digest fits its content" if record.is_intact else "the record was changed after it was sealed"
    yield Clause("report_sha256", record.is_intact, said)
    fault = fault_of(record)
    yield Clause("lines", not fault, fault or "every task, attack and reference is listed once")
    follows = not fault and _follow(record)
    said = "advantages follow from the attacks" if follows else "advantages are not those of the record's own attacks"
    yield Clause("advantages", follows, said)
    yield _measured_against(record, policy)
    if policy.maximum_age_days is not None:
        yield _age(record.created_at, policy.maximum_age_days, now)


def _of_model(record: AuditRecord, *wanted: tuple[str | None, str]) -> Iterator[Clause]:
    """Whether the audited model is the one that is meant, by each digest that is known, with its clause's name."""
    for sha256, name in wanted:
        if sha256 is not None:
            said = f"the audited model is {record.model.sha256[:12]}…, and the one that is meant {sha256[:12]}…"
            yield Clause(name, record.model.sha256 == sha256, said)


def _follow(record: AuditRecord) -> bool:
    rows = advantages(record.attacks, record.references, {task.task: task.test for task in record.tasks})
    return rows == record.advantages and summarise(rows) == record.summaries


def _measured_against(record: AuditRecord, policy: Policy) -> Clause:
    """Whether advantages are over what anyone can have: public networks, or the one model that the policy names.

    Whoever chooses the reference chooses the advantage: a strong one that attackers do not have hides what they get.
    """
    named, given = policy.reference_sha256, record.reference_sha256
    wanted = policy.required.targets or record.target_titles
    decided = sorted({row.target for row in record.advantages if row.reference.startswith(GIVEN)} & set(wanted))
    if named is not None:
        said = f"the given reference is {given[:12]}…" if given else "no reference was given"
        return Clause("reference_sha256", given == named, said)
    if decided:
        said = f"the reference on {', '.join(decided)} is a model that the policy does not name"
        return Clause("reference_sha256", False, said)
    return Clause("reference_sha256", True, "no reference but public networks decides")


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
