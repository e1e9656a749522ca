"""The SARIF 2.1.0 view of an audit: what a code review shows, one rule per kind of finding.

Source: OASIS Standard SARIF 2.1.0 with errata 01; properties as GitHub's code scanning reads them.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from archlock.auditing.record import AuditRecord
from archlock.auditing.repeats import repeats_of
from archlock.report.audit_findings import headline_rows
from archlock.report.audit_rules import RULES, Finding, Rule, findings, row_properties
from archlock.report.audit_text import as_json, digest_or_none, moment

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PLACES = {name: place for place, name in enumerate(RULES)}


def sarif(record: AuditRecord) -> str:
    """The record as a SARIF 2.1.0 log with one run; findings only, so that a model that gives nothing has none."""
    run = {
        "tool": {"driver": _driver(record)},
        "automationDetails": {"id": "archlock/audit/"},
        "invocations": [_invocation(record)],
        "artifacts": [_artifact(record)],
        "results": [_result(record, finding) for finding in findings(record)],
        "columnKind": "unicodeCodePoints",
        "properties": _run_properties(record),
    }
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(record: AuditRecord, finding: Finding) -> dict[str, Any]:
    about = hashlib.sha256(f"{finding.rule}\n{finding.about}".encode()).hexdigest()
    place = {"artifactLocation": {"uri": model_uri(record), "index": 0}, "region": {"startLine": 1}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": PLACES[finding.rule],
        "kind": "fail",
        "level": finding.level,
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"archlockFinding/v1": about},
        "properties": finding.properties,
    }


def model_uri(record: AuditRecord) -> str:
    """The model as a URI reference: its path as it was given, relative where it was so, percent-encoded."""
    given = record.settings.get("model")
    path = PurePosixPath(given if isinstance(given, str) and given else record.model.name).as_posix()
    return quote(f"/{path.lstrip('/')}" if path.startswith("/") else path, safe="/")


def _artifact(record: AuditRecord) -> dict[str, Any]:
    digest = digest_or_none(record.model.sha256)
    facts = record.model
    return {
        "location": {"uri": model_uri(record)},
        "roles": ["analysisTarget"],
        "description": {"text": f"{facts.name}: {facts.parameters} parameters, form {facts.form}"},
        **({"hashes": {"sha-256": digest}} if digest else {}),
        "properties": facts.model_dump(mode="json"),
    }


def _driver(record: AuditRecord) -> dict[str, Any]:
    version = record.versions.get("archlock")
    return {
        "name": "archlock",
        **({"version": version} if version else {}),
        "rules": [_descriptor(name, rule) for name, rule in RULES.items()],
    }


def _descriptor(name: str, rule: Rule) -> dict[str, Any]:
    return {
        "id": name,
        "name": rule.name,
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": f"{rule.short}. {rule.meaning}"},
        "help": {"text": rule.meaning},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"security-severity": f"{rule.severity:.1f}", "tags": ["security", "transferability"]},
    }


def _invocation(record: AuditRecord) -> dict[str, Any]:
    """The audit itself went well: what it found, and what it could not try, are results."""
    when = moment(record)
    return {"executionSuccessful": True, **({"endTimeUtc": when} if when else {})}


def _run_properties(record: AuditRecord) -> dict[str, Any]:
    return {
        "headline": record.headline,
        "recordIsIntact": record.is_intact,
        "reportSha256": record.report_sha256,
        "settingsSha256": record.settings_sha256,
        "budget": record.budget.model_dump(mode="json"),
        "repeats": asdict(repeats_of(record.budget, record.attacks, record.references)),
        "data": {task.task: task.sha256 for task in record.tasks},
        "advantages": [row_properties(row) for row in headline_rows(record)],
    }
