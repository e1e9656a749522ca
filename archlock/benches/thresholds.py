"""The thresholds that a user sets: JSON of task to raw source value."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from archlock.errors import UsageError


def read_thresholds(path: Path) -> dict[str, float]:
    """Task to raw value, in the units of what is bought.

    Raises:
        UsageError: unreadable, not such a file, a task given twice, or a value that is no finite number.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=lambda pairs: _once(path, pairs))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f'{path}: not JSON such as {{"cifar10": 93.2}}: {error}') from None
    if not isinstance(document, dict) or not document:
        raise UsageError(f'{path}: expected task and raw value, such as {{"cifar10": 93.2}}')
    for task, value in document.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UsageError(f"{path}: {task}: expected a finite number in the task's own units, not {value!r:.40}")
    return {task: float(value) for task, value in document.items()}


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path}: {name}: is given twice")
    return dict(pairs)
