"""The event log of a run: one SQLite file that every finished unit of work is committed to at once."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archlock.errors import RunFailedError, RunFolderError
from archlock.runs.records import EventRecord, Json, Key, UnitRecord, decode_key, encode_json, encode_key, encode_result

LOG = "events.sqlite"
"""File name of the log in a run folder."""

_TABLES = """
BEGIN;
CREATE TABLE IF NOT EXISTS units (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, result TEXT NOT NULL, seconds REAL NOT NULL, finished_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
COMMIT;
"""
_BUSY_TIMEOUT_S = 10.0


def now_utc() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def holds_nothing(path: Path) -> bool:
    """Whether there is no log, or one without units and events, as a run leaves that was killed while it began."""
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            counts = "SELECT (SELECT COUNT(*) FROM units) + (SELECT COUNT(*) FROM events)"
            # Both tables appear in one step; a file without any is one that SQLite has only just made.
            return not tables or ({"units", "events"} <= tables and connection.execute(counts).fetchone() == (0,))
    except sqlite3.Error:
        return False


class EventLog:
    """Finished units and events in SQLite, in WAL mode: readers never wait for the writer.

    Every write is one statement in autocommit mode, so a process killed between two writes leaves both whole. WAL
    with ``synchronous=NORMAL`` survives the death of the process at any moment; a power cut may cost the last units.

    Raises:
        RunFolderError: by any method: the file is missing, damaged or cannot be written.
    """

    def __init__(self, path: Path, *, create: bool = False, read_only: bool = False) -> None:
        self.path = path
        if not create and not path.is_file():
            raise RunFolderError(f"{path}: the event log of the run is missing")
        with self._guarded():
            self._connection = self._connect(read_only)
            try:
                self._prepare(create, read_only)
            except BaseException:
                self._connection.close()
                raise

    def _connect(self, read_only: bool) -> sqlite3.Connection:
        where = f"{self.path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        if (
            read_only
            and not os.access(self.path.parent, os.W_OK)
            and not self.path.with_name(f"{self.path.name}-wal").exists()
        ):
            where += "&immutable=1"  # an archived run: SQLite's own helper files could not be made beside it
        return sqlite3.connect(where, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)

    def _prepare(self, create: bool, read_only: bool) -> None:
        if not read_only:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
        if create:
            self._connection.executescript(_TABLES)
        fault = self._connection.execute("PRAGMA quick_check").fetchone()[0]
        if fault != "ok":
            raise RunFolderError(f"{self.path}: the event log is damaged: {' '.join(fault.split())}")
        self._connection.execute("SELECT key, stage, result, seconds, finished_at FROM units LIMIT 1")
        self._connection.execute("SELECT id, at, kind, body FROM events LIMIT 1")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """SQLite's and JSON's complaints as one clear line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunFolderError(f"{self.path}: the event log cannot be used: {error}") from None
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise RunFolderError(f"{self.path}: the event log is damaged: {error}") from None

    def get(self, key: Key) -> Json | None:
        """Result of a finished unit, or None."""
        with self._guarded():
            row = self._connection.execute("SELECT result FROM units WHERE key = ?", (encode_key(key),)).fetchone()
            return None if row is None else json.loads(row[0])

    def put(self, key: Key, stage: str, result: Any, seconds: float = 0.0) -> None:
        """Commit a finished unit; see `RunStore.put`."""
        name, text = encode_key(key), encode_result(key, result)
        try:
            with self._guarded():
                self._write("INSERT INTO units VALUES (?, ?, ?, ?, ?)", (name, stage, text, seconds, now_utc()))
        except _DuplicateError:
            raise RunFailedError(
                f"unit {name} of stage {stage}: finished already; give each unit its own key"
            ) from None

    def event(self, kind: str, body: Any = None) -> None:
        """Commit an event; see `RunStore.event`."""
        text = encode_json(body, f"event {kind}")
        with self._guarded():
            self._write("INSERT INTO events (at, kind, body) VALUES (?, ?, ?)", (now_utc(), kind, text))

    def units(self, stage: str | None = None) -> Iterator[UnitRecord]:
        """Finished units of one stage or of all, in the order in which they were put."""
        query = (
            "SELECT key, stage, result, seconds, finished_at FROM units WHERE ?1 IS NULL OR stage = ?1 ORDER BY rowid"
        )
        with self._guarded():
            for name, of, text, seconds, at in self._connection.execute(query, (stage,)).fetchall():
                yield UnitRecord(decode_key(name), of, json.loads(text), seconds, at)

    def events(self, kind: str | None = None) -> Iterator[EventRecord]:
        """Events of one kind or all, oldest first."""
        query = "SELECT id, at, kind, body FROM events WHERE ?1 IS NULL OR kind = ?1 ORDER BY id"
        with self._guarded():
            for number, at, of, text in self._connection.execute(query, (kind,)).fetchall():
                yield EventRecord(number, at, of, json.loads(text))

    def counts(self) -> dict[str, int]:
        """Finished units by stage, in the order in which the stages began."""
        query = "SELECT stage, COUNT(*) FROM units GROUP BY stage ORDER BY MIN(rowid)"
        with self._guarded():
            return dict(self._connection.execute(query).fetchall())

    def close(self) -> None:
        """Fold the write-ahead file into the log and let go of it."""
        self._connection.close()

    def _write(self, statement: str, values: tuple[str | float, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.IntegrityError:
            raise _DuplicateError from None


class _DuplicateError(Exception):
    """A key that is in the log already."""
