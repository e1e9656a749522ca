"""An audit's record from its file, which anyone may have written: JSON of one meaning, types and ranges as said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from archlock.auditing.record import AuditRecord
from archlock.errors import UsageError

LARGEST_BYTES = 64 * 1024 * 1024
"""A thorough audit of many targets takes a few."""


def read_audit(path: Path) -> AuditRecord:
    """An audit's record from its JSON file; it may have been edited, see `AuditRecord.is_intact`.

    A key that is given twice is refused, since other readers of the file may take the other value; so are numbers that
    are none, and numbers written as text or as truth values.

    Raises:
        UsageError: no such file, or not a record of an audit.
    """
    content = _content(path)
    try:
        json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_number, parse_float=_finite)
        return AuditRecord.model_validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: not the record of an audit: {place or 'content'}: {first['msg']}") from None
    except RecursionError:
        raise UsageError(f"{path}: not the record of an audit: nested too deeply") from None
    except ValueError as error:  # of json, of numbers of too many digits, and of the functions below
        raise UsageError(f"{path}: not the record of an audit: {str(error)[:200]}") from None


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise UsageError(f"{path}: not the record of an audit: more than {LARGEST_BYTES:,} bytes")
        return content.decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; give the report.json of an audit") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} is given twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value
