"""The folder of an audit: made by the audit that began in it, and opened by no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from archlock.auditing.binding import Bound
from archlock.auditing.reading import read_audit
from archlock.auditing.record import AUDIT_KEY, AuditRecord
from archlock.errors import RunFolderError
from archlock.runs import RunFolder
from archlock.runs.manifest import MANIFEST

ANOTHER = "give --out a folder of its own"


def open_audit(out: Path, bound: Bound) -> tuple[RunFolder, Bound]:
    """A new folder, or the one that the same audit began, and the audit with the time at which it did.

    Raises:
        RunFolderError: the folder holds something else, or an audit of another model, with other settings, on other
            data or by other versions.
    """
    settings = _settings(bound)
    if not (out / MANIFEST).exists():
        folder = RunFolder.create(out, json.dumps(settings), versions=bound.versions)
    else:
        folder = RunFolder.open(out)
        try:
            _check_same(folder, settings, bound.versions)
        except RunFolderError:
            folder.close()
            raise
    return folder, replace(bound, created_at=folder.manifest.created_at)


def finished(folder: RunFolder, name: str) -> AuditRecord | None:
    """The record that the audit of this folder wrote; None where it has not ended.

    Raises:
        RunFolderError: a record that is not the one that was written there.
    """
    path = folder.path / name
    if not path.exists():
        return None
    record = read_audit(path)
    if not record.is_intact or record.created_at != folder.manifest.created_at:
        raise RunFolderError(f"{path}: is not what this audit wrote; delete it, and the same call writes it anew")
    return record


def _settings(bound: Bound) -> dict[str, Any]:
    plan = bound.plan
    return {
        AUDIT_KEY: {
            "model": bound.model_sha256,
            "source": plan.source.title,
            "targets": [target.title for target in plan.targets],
            # In full: two budgets of one name are two audits. As JSON has it, which knows no tuples.
            "budget": json.loads(json.dumps(asdict(plan.budget))),
            "reference": bound.reference_sha256,
            "data": bound.data_sha256,
        },
        "seed": 0,
    }


def _check_same(folder: RunFolder, settings: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    out, before = folder.path, folder.manifest.settings
    if AUDIT_KEY not in before:
        raise RunFolderError(f"{out}: holds another run; {ANOTHER}")
    began, asked = before[AUDIT_KEY], settings[AUDIT_KEY]
    different = [key for key, value in asked.items() if key != "data" and began.get(key) != value]
    if different:
        raise RunFolderError(f"{out}: holds an audit with other settings ({', '.join(different)}); {ANOTHER}")
    data = began.get("data", {})
    if changed := [title for title, sha256 in asked["data"].items() if data.get(title) != sha256]:
        raise RunFolderError(f"{out}: holds an audit on other data ({', '.join(changed)}); {ANOTHER}")
    if changed := [name for name, now in versions.items() if folder.manifest.versions.get(name) != now]:
        said = ", ".join(f"{each} {folder.manifest.versions.get(each)}, now {versions[each]}" for each in changed)
        raise RunFolderError(f"{out}: holds an audit by other versions ({said}); {ANOTHER}")
