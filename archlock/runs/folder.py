"""A run on disk: manifest, event log, weights and reports in one folder that one process at a time may write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from archlock.errors import RunFolderError
from archlock.runs.artifacts import Artifacts
from archlock.runs.lock import LOCK, FolderLock
from archlock.runs.log import LOG, EventLog
from archlock.runs.manifest import MANIFEST, Manifest
from archlock.runs.records import EventRecord, Json, Key, UnitRecord
from archlock.runs.vacancy import check_vacant, clear, make_vacant

if TYPE_CHECKING:
    from torch import Tensor


class RunFolder:
    """`RunStore` in a folder; made by `create`, `open` or `view`, and a context manager that closes it.

    Attributes:
        path: the folder.
        manifest: settings, digest, seed and versions of the run.
        read_only: whether it was opened by `view`; then every write raises `RunFolderError`.
    """

    def __init__(self, path: Path, manifest: Manifest, log: EventLog, lock: FolderLock | None) -> None:
        self.path = path
        self.manifest = manifest
        self._log = log
        self._lock = lock
        self._artifacts = Artifacts(path)

    @classmethod
    def create(cls, path: Path, settings_json: str, *, versions: Mapping[str, str]) -> RunFolder:
        """Begin a run in a new or empty folder and hold its lock.

        What a start that was killed before it was one has left in the folder is taken away.

        Raises:
            RunFolderError: the folder holds a run or anything else, or cannot be made or written. Nothing that was
                there is changed.
        """
        manifest = Manifest.of(settings_json, versions)
        make_vacant(path, manifest)
        lock = FolderLock(path)
        try:
            # Looked at again under the lock: another process may have begun and ended a run here just now.
            check_vacant(path, manifest)
            clear(path)
            try:
                log = EventLog(path / LOG, create=True)
                manifest.save(path)
            except BaseException:
                clear(path)
                raise
        except BaseException:
            lock.release()
            raise
        return cls(path, manifest, log, lock)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Go on with a run, holding its lock.

        Raises:
            RunFolderError: no run, damaged, of an unknown format, or in use by another process.
        """
        manifest = Manifest.load(path)
        lock = FolderLock(path)
        try:
            Artifacts(path).sweep()
            return cls(path, manifest, EventLog(path / LOG), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def view(cls, path: Path) -> RunFolder:
        """Read a run, also while another process writes it; raises as `open`, except that it needs no lock."""
        return cls(path, Manifest.load(path), EventLog(path / LOG, read_only=True), None)

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self._lock is None

    def get(self, key: Key) -> Json | None:
        """Result of a finished unit, or None."""
        return self._log.get(key)

    def put(self, key: Key, stage: str, result: Any, seconds: float = 0.0) -> None:
        """Commit a finished unit at once; see `RunStore.put`."""
        self._writable()._log.put(key, stage, result, seconds)

    def units(self, stage: str | None = None) -> Iterator[UnitRecord]:
        """Finished units of one stage or of all, in the order in which they were put."""
        return self._log.units(stage)

    def counts(self) -> dict[str, int]:
        """Finished units by stage, in the order in which the stages began."""
        return self._log.counts()

    def event(self, kind: str, body: Any = None) -> None:
        """Commit an event; see `RunStore.event`."""
        self._writable()._log.event(kind, body)

    def events(self, kind: str | None = None) -> Iterator[EventRecord]:
        """Events of one kind or all, oldest first."""
        return self._log.events(kind)

    def save_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Save tensors as ``weights/NAME.safetensors``; see `RunStore.save_weights`."""
        self._writable()._artifacts.save_weights(name, weights)

    def load_weights(self, name: str) -> dict[str, Tensor]:
        """The tensors of ``weights/NAME.safetensors``; see `RunStore.load_weights`."""
        return self._artifacts.load_weights(name)

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file such as ``report.html`` into the folder and return its path.

        Raises:
            RunFolderError: the name would leave the folder or is one of the run's own files, or the disk refuses.
        """
        if name in (MANIFEST, LOCK) or name.startswith(LOG):
            raise RunFolderError(f"{self.path / name}: belongs to the run itself; choose another name")
        return self._writable()._artifacts.write_text(name, text)

    def close(self) -> None:
        """Close the log and let go of the lock; harmless when done twice."""
        self._log.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _writable(self) -> Self:
        if self.read_only:
            raise RunFolderError(f"{self.path}: was opened for reading only")
        return self
