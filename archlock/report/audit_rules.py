"""Findings of an audit: what a reviewer is to be told, each of a kind that is described once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from archlock.auditing.record import Advantage, AuditRecord
from archlock.figures import Figure
from archlock.report.audit_findings import helped_rows, is_weakened, surgeries_on
from archlock.report.audit_text import (
    NOT_INTACT,
    NOT_JUDGED,
    advantage_sentence,
    not_run_sentence,
    recovery_sentence,
)

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Rule:
    """A kind of finding.

    Attributes:
        name: in Pascal case, as SARIF asks for.
        level: of a finding, unless it says otherwise.
        severity: ``security-severity`` as code scanning sorts by, 0 to 10; the scale is that of CVSS, the choice ours.
        short: what was found.
        meaning: why it matters and what to do.
    """

    name: str
    level: Level
    severity: float
    short: str
    meaning: str


RULES: dict[str, Rule] = {
    "archlock/transfer-advantage": Rule(
        "TransferAdvantage",
        "warning",
        7.0,
        "Having the model helps on a target",
        "The strongest attack on the model, surgery included, ends above the strongest reference with the same data "
        "and budget. Whoever takes the file gains by it. Release another model, or accept the advantage in the policy.",
    ),
    "archlock/surgery-undoes-lock": Rule(
        "SurgeryUndoesLock",
        "error",
        8.0,
        "Surgery undoes a lock",
        "An edit of the architecture recovers more than half of what the model lacked as released. A lock counts only "
        "as far as it stands after surgery: search with surgeries among the attacks.",
    ),
    "archlock/attack-not-run": Rule(
        "AttackNotRun",
        "note",
        2.0,
        "An attack was not run",
        "What was not tried is not excluded. Audit with a larger budget, or name the attack.",
    ),
    "archlock/attack-weakened": Rule(
        "AttackWeakened",
        "warning",
        4.0,
        "An attack could not be run in full",
        "Loading could not restore what the attack needs, so what it reached is a lower bound only. Give the model as "
        "weights and architecture rather than as an exported program.",
    ),
    "archlock/not-judged": Rule(
        "NotJudged",
        "warning",
        5.0,
        "The model was not judged",
        "No attack was compared with a reference. Audit with the budget standard or thorough.",
    ),
    "archlock/record-not-intact": Rule(
        "RecordNotIntact",
        "error",
        9.0,
        "The record was changed after it was sealed",
        "The digest of the record does not fit its content. Audit the model again, and sign the record.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """A result, before it takes SARIF's form; ``about`` tells findings of one rule apart from run to run."""

    rule: str
    level: Level
    text: str
    about: str
    properties: dict[str, Any]


def findings(record: AuditRecord) -> Iterator[Finding]:
    """All findings of a record, the gravest kinds first."""
    properties: dict[str, Any]
    if not record.is_intact:
        properties = {"stated": record.report_sha256, "computed": record.digest()}
        yield Finding("archlock/record-not-intact", "error", NOT_INTACT, "record", properties)
    if not record.advantages:
        yield Finding("archlock/not-judged", "warning", NOT_JUDGED, "model", {})
    yield from _helped(record)
    for found in surgeries_on(record):
        if found.undoes_lock:
            about = f"{found.row.target}@{found.row.fraction:.15g}"
            recovered = {"surgery": found.surgery, "recoveredShareOfGap": found.share}
            properties = {**row_properties(found.row), **recovered}
            yield Finding("archlock/surgery-undoes-lock", "error", recovery_sentence(found), about, properties)
    for attack in record.not_run:
        rule = "archlock/attack-weakened" if is_weakened(attack) else "archlock/attack-not-run"
        properties = {"attack": attack.attack, "target": attack.target, "reason": attack.reason}
        about = f"{attack.attack}@{attack.target or 'all'}"
        yield Finding(rule, RULES[rule].level, not_run_sentence(attack), about, properties)


def _helped(record: AuditRecord) -> Iterator[Finding]:
    """One finding per target; an error where the interval of the advantage lies above zero."""
    for target in dict.fromkeys(row.target for row in record.advantages):
        rows = helped_rows(record, target)
        if rows:
            sure = any(row.advantage.low is not None and row.advantage.low > 0 for row in rows)
            others = "".join(f" {advantage_sentence(row)}" for row in rows[1:])
            properties = {"rows": [row_properties(row) for row in rows]}
            text = advantage_sentence(rows[0]) + others
            yield Finding("archlock/transfer-advantage", "error" if sure else "warning", text, target, properties)


def row_properties(row: Advantage) -> dict[str, Any]:
    """A row of the headline as plain values, each with its source class."""
    return {
        "target": row.target,
        "fraction": row.fraction,
        "attack": row.attack,
        "value": _figure(row.value),
        "releasedAttack": row.released_attack,
        "asReleased": _figure(row.as_released),
        "reference": row.reference,
        "referenceValue": _figure(row.reference_value),
        "transferAdvantage": _figure(row.advantage),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {name: value for name, value in figure.model_dump(mode="json").items() if value not in (None, "")}
