"""The CycloneDX 1.6 view of an audit: a bill of materials of the model and of the data that it was audited on.

Source: ECMA-424 / CycloneDX 1.6, ``machine-learning-model`` components with a model card.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from archlock.auditing.record import AuditRecord, TaskFacts
from archlock.auditing.verdict import NO_INTERVAL
from archlock.figures import Figure
from archlock.report.audit_findings import source_of
from archlock.report.audit_text import NOT_INTACT, as_json, digest_or_none, meanings, moment, not_run_sentence

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
MODEL_REF = "model"


def mlbom(record: AuditRecord) -> str:
    """The record as a CycloneDX 1.6 bill of materials; the same record gives the same serial number."""
    serial = uuid.uuid5(uuid.NAMESPACE_OID, f"archlock-audit:{record.digest()}")
    data = [_data(task, f"data-{place}") for place, task in enumerate(record.tasks)]
    return as_json(
        {
            "$schema": SCHEMA,
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{serial}",
            "version": 1,
            "metadata": _metadata(record),
            "components": [_model(record, [each["bom-ref"] for each in data]), *data],
            "dependencies": [{"ref": MODEL_REF}],
        }
    )


def _metadata(record: AuditRecord) -> dict[str, Any]:
    when = moment(record)
    version = record.versions.get("archlock")
    tool = {"type": "application", "name": "archlock", **({"version": version} if version else {})}
    return {
        **({"timestamp": when} if when else {}),
        "tools": {"components": [tool]},
        "properties": _properties(
            {
                "record-is-intact": str(record.is_intact).lower(),
                "report-sha256": record.report_sha256,
                "settings-sha256": record.settings_sha256,
                "budget": record.budget.name,
                **{f"version:{name}": value for name, value in record.versions.items()},
            }
        ),
    }


def _model(record: AuditRecord, data: list[str]) -> dict[str, Any]:
    facts = record.model
    shape = "x".join(map(str, facts.input_shape))
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        "name": facts.name,
        "description": record.headline,
        **_hashes(facts.sha256),
        "modelCard": {
            "modelParameters": {
                "task": source_of(record),
                "modelArchitecture": facts.name,
                "datasets": [{"ref": each} for each in data],
                "inputs": [{"format": f"float32[batch,{shape.replace('x', ',')}]"}],
                "outputs": [{"format": f"float32[batch,{facts.outputs}]"}],
            },
            "quantitativeAnalysis": {"performanceMetrics": list(_metrics(record))},
            "considerations": {
                "useCases": [source_of(record)],
                "technicalLimitations": _limitations(record),
                "ethicalConsiderations": [
                    {"name": "Use of the model for tasks that it was not released for", "mitigationStrategy": said}
                    for said in meanings(record)[:1]
                ],
            },
        },
        "properties": _properties(
            {
                "form": facts.form,
                "parameters": str(facts.parameters),
                **({"macs": str(facts.macs)} if facts.macs is not None else {}),
                **{f"converted:{place}": each for place, each in enumerate(facts.converted)},
            }
        ),
    }


def _limitations(record: AuditRecord) -> list[str]:
    said = [] if record.is_intact else [NOT_INTACT]
    return [*said, *meanings(record)[1:], *(not_run_sentence(attack) for attack in record.not_run)]


def _metrics(record: AuditRecord) -> Iterator[dict[str, Any]]:
    """Figures of the record; the source class stands in the type, since CycloneDX has no place of its own for it."""
    if record.source_value is not None:
        metric = next((task.metric for task in record.tasks if task.role == "source"), "metric")
        yield _metric(f"{metric}, test part", source_of(record), record.source_value)
    for row in record.advantages:
        part = f"{row.target}, {row.fraction:.0%} of its training data"
        yield _metric(f"strongest attack ({row.attack})", part, row.value)
        yield _metric(f"strongest attack as released ({row.released_attack})", part, row.as_released)
        yield _metric(f"strongest reference ({row.reference})", part, row.reference_value)
        yield _metric("transfer advantage", part, row.advantage)
    for each in record.summaries:
        part = f"mean over {each.targets} targets, {each.fraction:.0%} of their training data"
        yield _metric("transfer advantage", part, each.advantage)
    for found in record.predicted:
        unlike = f" ({NO_INTERVAL})" if found.outside else ""
        yield _metric(f"strongest attack{unlike}", found.target, found.figure)


def _metric(kind: str, part: str, figure: Figure) -> dict[str, Any]:
    ends = {"lowerBound": figure.low, "upperBound": figure.high}
    return {
        "type": f"{kind} [{figure.origin}]",
        "value": f"{figure.value:.6g}",
        "slice": part,
        **(
            {"confidenceInterval": {name: f"{end:.6g}" for name, end in ends.items() if end is not None}}
            if any(end is not None for end in ends.values())
            else {}
        ),
    }


def _data(task: TaskFacts, ref: str) -> dict[str, Any]:
    """A task's data as the model saw it; the digest is of its tensors."""
    sizes = {"train": task.train, "validation": task.validation, "test": task.test}
    described = f"{task.role} task, metric {task.metric}"
    return {
        "type": "data",
        "bom-ref": ref,
        "name": task.task,
        "description": described,
        **_hashes(task.sha256),
        "data": [{"type": "dataset", "name": task.task, "description": described}],
        "properties": _properties({f"samples:{part}": str(size) for part, size in sizes.items()}),
    }


def _hashes(digest: str) -> dict[str, Any]:
    known = digest_or_none(digest)
    return {"hashes": [{"alg": "SHA-256", "content": known}]} if known else {}


def _properties(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": f"archlock:{name}", "value": value} for name, value in values.items()]
