"""The Hugging Face view of an audit: a model card, YAML metadata with a model index and Markdown below it.

Source: the metadata specification of the Hugging Face Hub's model cards (``model-index``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml

from archlock.auditing.record import Advantage, AuditRecord
from archlock.auditing.recovery import recoveries
from archlock.auditing.repeats import repeats_of
from archlock.figures import Figure
from archlock.report.audit_findings import headline_rows, metric_of, source_of
from archlock.report.audit_text import (
    HIDDEN,
    NOT_INTACT,
    meanings,
    not_run_sentence,
    range_text,
    recovery_sentence,
    signed_points,
    visible,
)

TASK_TYPES = {"accuracy": "image-classification", "macro F1": "image-classification"}
"""Metric to the Hub's name of the kind of task; the Hub has a word for anything else: ``other``."""
METRIC_TYPES = {"accuracy": "accuracy", "macro F1": "f1", "R2": "r_squared"}
"""Metric to the Hub's own metric, where it has one."""
SPECIAL = re.compile(r"[\\`*_{}\[\]|~<>&$@]|://|www\.|!(?=\[)|^[-+#=]|^\d+[.)]")
"""What Markdown would read as something else than text, in the middle of a line or at its start."""
REFERENCES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", "://": "&#58;//"}


def model_card(record: AuditRecord) -> str:
    """The record as a model card: what the Hub reads, and what people read."""
    dump: Callable[..., str] = yaml.dump
    metadata = dump(_metadata(record), Dumper=_CardDumper, sort_keys=False, allow_unicode=True, width=math.inf)
    return visible(f"---\n{metadata}---\n{_body(record)}")


class _CardDumper(yaml.SafeDumper):
    """Writes a value out wherever it stands, and a text with hidden characters in quotes, where they can be escaped."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = HIDDEN.search(text) or len(text.splitlines()) > 1
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_CardDumper.add_representer(str, _text_node)


def _metadata(record: AuditRecord) -> dict[str, Any]:
    tags = ["archlock", "transferability-audit", *([] if record.is_intact else ["record-not-intact"])]
    return {"tags": tags, "model-index": [{"name": record.model.name, "results": list(_results(record))}]}


def _results(record: AuditRecord) -> Iterator[dict[str, Any]]:
    """One result per task and share of its data."""
    if record.source_value is not None:
        source = source_of(record)
        metric = metric_of(record, source)
        value = {
            "type": METRIC_TYPES.get(metric, metric or "other"),
            "value": record.source_value.value,
            "name": metric,
        }
        yield _result(record, source, "test", [value])
    for row in record.advantages:
        metric = metric_of(record, row.target)
        values = [
            {"type": "transfer_advantage", "value": row.advantage.value, "name": f"Transfer advantage by {row.attack}"},
            _value(metric, row.value, f"Strongest attack, {row.attack}"),
            _value(metric, row.as_released, f"Strongest attack as released, {row.released_attack}"),
            _value(metric, row.reference_value, f"Strongest reference, {row.reference}"),
        ]
        yield _result(record, row.target, f"test, attacked with {row.fraction:.0%} of the training part", values)


def _result(record: AuditRecord, task: str, split: str, metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kind = TASK_TYPES.get(metric_of(record, task), "other")
    return {
        "task": {"type": kind, "name": task},
        "dataset": {"name": task, "type": task, "split": split},
        "metrics": list(metrics),
    }


def _value(metric: str, figure: Figure, name: str) -> dict[str, Any]:
    return {"type": METRIC_TYPES.get(metric, metric or "other"), "value": figure.value, "name": name}


def _body(record: AuditRecord) -> str:
    facts = record.model
    parts = [
        f"# {escaped(facts.name)}",
        *([] if record.is_intact else [f"> **Warning.** {escaped(NOT_INTACT)}"]),
        escaped(record.headline),
        "## Intended use",
        f"Released for the task {escaped(source_of(record))}"
        f"{_reached(record)}. Inputs: {_code('x'.join(map(str, facts.input_shape)))}; outputs: {facts.outputs}; "
        f"parameters: {facts.parameters}.",
        "## What it gives to other tasks",
        *_advantages(record),
        "## Limits",
        "\n".join(f"- {escaped(each)}" for each in meanings(record)),
        *_not_run(record),
        "## Provenance",
        _provenance(record),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _reached(record: AuditRecord) -> str:
    if record.source_value is None:
        return ""
    metric = metric_of(record, source_of(record))
    figure = record.source_value
    return escaped(f"; {metric} {figure.value:.3f}{range_text(figure)} on its test part ({figure.origin})")


def _advantages(record: AuditRecord) -> Iterator[str]:
    if not record.advantages:
        return
    names = ("Target", "Metric", "Data", "Strongest attack", "As released", "Reference", "Transfer advantage")
    lines = [names, tuple("---" for _ in names), *(_row(record, row) for row in record.advantages)]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
    yield (
        "All figures are attacked: measured on test data after an attack on the model, or after training a public "
        "architecture. Transfer advantage: the strongest attack, surgery included, minus the strongest reference with "
        "the same data and budget. At most zero means that having the model does not help."
    )
    found = recoveries(headline_rows(record), record.attacks)
    yield "\n".join(f"- {escaped(recovery_sentence(each))}" for each in found)


def _row(record: AuditRecord, row: Advantage) -> tuple[str, ...]:
    return (
        escaped(row.target),
        escaped(metric_of(record, row.target)),
        f"{row.fraction:.0%}",
        f"{row.value.value:.3f} {_code(row.attack)}",
        f"{row.as_released.value:.3f} {_code(row.released_attack)}",
        f"{row.reference_value.value:.3f} {_code(row.reference)}",
        escaped(signed_points(row.advantage.value) + range_text(row.advantage, points=True)),
    )


def _not_run(record: AuditRecord) -> Iterator[str]:
    if record.not_run:
        yield "### Attacks not run"
        yield "\n".join(f"- {escaped(not_run_sentence(attack))}" for attack in record.not_run)


def _provenance(record: AuditRecord) -> str:
    rows = [
        ("Model", record.model.sha256),
        *((f"Part of the model, {part.what}", part.sha256) for part in record.model.hashed),
        *((f"Data of {task.task}", task.sha256) for task in record.tasks),
        ("Settings", record.settings_sha256),
        ("Report", record.report_sha256),
    ]
    table = "\n".join(f"| {escaped(name)} | {_code(digest)} |" for name, digest in rows)
    spent = f"{record.budget.name}, {repeats_of(record.budget, record.attacks, record.references).sentence}"
    when = f"Audited {escaped(record.created_at)} by archlock, budget {escaped(spent)}."
    return f"{when}\n\n| What | SHA-256 |\n| --- | --- |\n{table}"


def escaped(text: str) -> str:
    """Text as one line of Markdown that means nothing but itself, in a table too."""
    return SPECIAL.sub(_character, " ".join(text.split()))


def _character(found: re.Match[str]) -> str:
    text = found[0]
    if text in REFERENCES:
        return REFERENCES[text]
    return f"{text[:-1]}\\{text[-1]}" if len(text) > 1 else f"\\{text}"


def _code(text: str) -> str:
    """Text as code: a span of HTML, since a span of backticks cannot hold every text within a table."""
    return f"<code>{escaped(text)}</code>"
