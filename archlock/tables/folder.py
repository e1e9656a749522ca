"""Where tables lie on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "ARCHLOCK_DATA"
"""Environment variable that names the data folder."""


def data_folder(data: Path | None = None) -> Path:
    """The folder given, else ``$ARCHLOCK_DATA``, else ``archlock`` in the user's cache folder; it need not exist."""
    if data is not None:
        return data
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else _cache_folder() / "archlock"


def _cache_folder() -> Path:
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
