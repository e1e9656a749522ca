"""Whether a run may begin in a folder: it must be empty but for what a start that was killed has left there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from archlock.errors import RunFolderError
from archlock.runs.artifacts import PART
from archlock.runs.lock import LOCK
from archlock.runs.log import LOG, holds_nothing
from archlock.runs.manifest import MANIFEST, Manifest

LOG_FILES = (LOG, f"{LOG}-wal", f"{LOG}-shm", f"{LOG}-journal")


def make_vacant(path: Path, manifest: Manifest) -> None:
    """See that the folder is there and vacant.

    Raises:
        RunFolderError: it is a file, cannot be made or read, or holds something.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        check_vacant(path, manifest)
    except FileExistsError:
        raise RunFolderError(f"{path}: is a file; a run needs a folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunFolderError(f"{str(path)!r:.200}: cannot be made or read: {reason}") from None


def check_vacant(path: Path, manifest: Manifest) -> None:
    """Refuse a folder that holds anything but a lock file and what a killed start has left.

    Such a start has no manifest yet, since that is written last, and no unit or event in its log.

    Raises:
        RunFolderError: it holds something; says what, and what to do.
    """
    names = {entry.name for entry in path.iterdir()} - {LOCK}
    if all(name in LOG_FILES or name.startswith(PART) for name in names) and holds_nothing(path / LOG):
        return
    raise RunFolderError(f"{path}: {_occupant(path, manifest)}")


def clear(path: Path) -> None:
    """Take away what `RunFolder.create` writes into a vacant folder before it is done; the caller holds the lock."""
    for file in (path / MANIFEST, *(path / name for name in LOG_FILES), *path.glob(f"{PART}*")):
        with suppress(OSError):
            file.unlink()


def _occupant(path: Path, manifest: Manifest) -> str:
    """What a folder that is not vacant holds, and what to do."""
    try:
        same = Manifest.load(path).settings_digest == manifest.settings_digest
    except RunFolderError:
        return "is not empty and holds no run that can be read; choose another folder"
    if same:
        return f"already holds a run of this configuration: use `archlock resume {path}`"
    return "already holds a run of another configuration; choose another folder"
