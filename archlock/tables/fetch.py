"""Public files by commit and SHA-256: fetched from the first mirror that has them, resumed, checked, then named."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from archlock.errors import UsageError
from archlock.runs.lock import FolderLock
from archlock.tables.catalogue import Source
from archlock.tables.errors import DownloadError, TableError
from archlock.tables.mirrors import address, is_safe
from archlock.tables.storing import PART, disk_errors, make_folder
from archlock.tables.transfer import MirrorError, Patience, TransientError, continue_transfer

MARGIN_BYTES = 8 << 20
"""Room that must be left on the disk beside what is fetched, for the converted file."""


class Watcher(Protocol):
    """Is told how downloads go; all methods may be called often."""

    def started(self, name: str, have_bytes: int, size_bytes: int) -> None:
        """A file begins, with the bytes that an earlier attempt left."""

    def progressed(self, have_bytes: int) -> None:
        """So many bytes of it are there."""

    def message(self, text: str) -> None:
        """One line worth knowing, such as a mirror that failed."""


@dataclass(frozen=True)
class Fetcher:
    """Fetches files into a folder.

    Attributes:
        folder: where they go; a file that is not whole ends in ``.part``.
        templates: of URLs, tried in order.
        watcher: is told how it goes.
        patience: when to give up.
        sleep: waits for some seconds.
    """

    folder: Path
    templates: Sequence[str]
    watcher: Watcher
    patience: Patience
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, sources: Sequence[Source]) -> dict[str, Path]:
        """Files by their path in the repository, each of the right size and SHA-256.

        Raises:
            UsageError: an address that is neither https nor this machine, or another process is at it.
            TableError: the folder may not be written.
            DownloadError: no mirror gave a file whole, or the disk is full.
        """
        make_folder(self.folder)
        try:
            lock = FolderLock(self.folder)
        except UsageError as error:
            raise TableError(f"downloads: {error}") from None
        try:
            self._check_room(sources)
            return {source.path: self._one(source) for source in sources}
        finally:
            lock.release()

    def target(self, source: Source) -> Path:
        """Where a file goes; the name tells versions apart."""
        return self.folder / f"{source.sha256[:12]}-{Path(source.path).name}"

    def _check_room(self, sources: Sequence[Source]) -> None:
        missing = [source for source in sources if not self.target(source).exists()]
        there = sum(_there(_part(self.target(source))) for source in missing)
        need = sum(source.size_bytes for source in missing) - there + MARGIN_BYTES * bool(missing)
        free = shutil.disk_usage(self.folder).free
        if need > free:
            raise DownloadError(
                f"{self.folder}: disk full: {need / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free. "
                "Free space and run the command again: what is there is kept"
            )

    def _one(self, source: Source) -> Path:
        target = self.target(source)
        if target.exists() and _sha256(target) == source.sha256:
            return target
        part = _part(target)
        self.watcher.started(Path(source.path).name, _there(part), source.size_bytes)
        faults = []
        for template in self.templates:
            url = address(template, source)
            if not is_safe(url):
                raise UsageError(f"{url!r}: expected https://…, or http:// to this machine")
            fault = self._from(url, source, part)
            if fault is None:
                with disk_errors(target):
                    part.replace(target)
                return target
            faults.append(f"{urlsplit(url).netloc}: {fault}")
            self.watcher.message(f"{url}: {fault}")
        raise DownloadError(f"{source.path}: no mirror gave it whole ({'; '.join(faults)}). {_advice(part, source)}")

    def _from(self, url: str, source: Source, part: Path) -> str | None:
        """Try one address until it gives the file or up; why it did not, None where it did."""
        failed, fault = 0, ""
        for _ in range(self.patience.most_attempts):
            before = _there(part)
            try:
                continue_transfer(url, part, source.size_bytes, self.patience, self.watcher.progressed)
                if _sha256(part) == source.sha256:
                    return None
                part.unlink()
                if before == 0:
                    return f"the file's SHA-256 is not {source.sha256[:12]}…: it is damaged or was replaced"
                # The bytes of an earlier attempt may be the wrong ones; this address has not been proved wrong.
                continue
            except MirrorError as error:
                return str(error)
            except TransientError as error:
                fault, wait_s = str(error), error.wait_s
            gained = _there(part) >= before + self.patience.least_bytes
            failed = 0 if gained else failed + 1
            if failed >= self.patience.attempts:
                break
            pause_s = max(wait_s, self.patience.pause_s * 2 ** max(failed - 1, 0))
            self.sleep(min(pause_s, self.patience.longest_pause_s))
        return f"{fault}, each time it was asked"


def _part(target: Path) -> Path:
    return target.with_name(target.name + PART)


def _there(part: Path) -> int:
    """Bytes of a file that is not whole yet."""
    return part.stat().st_size if part.exists() else 0


def _advice(part: Path, source: Source) -> str:
    kept = f" goes on from {_there(part)} of {source.size_bytes} bytes," if _there(part) else " tries again,"
    return f"Running the command again{kept} --mirror names another mirror"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
