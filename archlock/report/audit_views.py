"""Views of an audit by name, and the reading of the record that they are views of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from archlock.auditing.reading import read_audit
from archlock.auditing.record import AUDIT_FORMAT, AuditRecord
from archlock.report.audit_page import render_audit
from archlock.report.junit import junit
from archlock.report.mlbom import mlbom
from archlock.report.model_card import model_card
from archlock.report.sarif import sarif

RECORD = "report.json"
Renderer = Callable[[AuditRecord], str]


def record_json(record: AuditRecord) -> str:
    """The record itself, as it was sealed."""
    return record.model_dump_json(indent=1)


AUDIT_VIEWS: dict[str, tuple[Renderer, str]] = {
    "html": (render_audit, ".html"),
    "json": (record_json, ".json"),
    "sarif": (sarif, ".sarif"),
    "junit": (junit, ".xml"),
    "card": (model_card, ".md"),
    "mlbom": (mlbom, ".cdx.json"),
}
"""Format to the function that renders it and the suffix of its file."""


def find_audit(place: Path) -> AuditRecord | None:
    """The audit in a folder or a file, or None where there is something else, or nothing.

    Raises:
        UsageError: it says that it is an audit, and is not one.
    """
    try:
        path = place / RECORD if place.is_dir() else place
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != AUDIT_FORMAT:
        return None
    return read_audit(path)
