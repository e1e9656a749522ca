"""A lock on a run folder that the operating system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from archlock.errors import RunFolderError

LOCK = "lock"
"""File name of the lock in a run folder."""


class FolderLock:
    """Exclusive right to write a run folder, held while the object is open.

    Raises:
        RunFolderError: another process (or another part of this one) holds it, or the lock file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunFolderError(f"{folder}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise RunFolderError(f"{folder}: is in use by process {holder}; wait for it or stop it") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; harmless when it was let go before."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
