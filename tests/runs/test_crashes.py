"""A run may be killed after any line: what was put is there, what was half done is done again, nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from archlock.errors import RunFolderError
from archlock.runs import RunFolder
from archlock.runs.log import LOG, EventLog, holds_nothing

SCRIPT = Path(__file__).with_name("crash_script.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_after_any_line_a_run_goes_on_with_all_that_it_acknowledged(tmp_path: Path, step: int) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *faults, lines = done.stdout.splitlines()
    assert int(lines) > 150, "the script did not trace the room"
    assert faults == []


def begun(path: Path) -> EventLog:
    """A folder as a start leaves it that is killed before its manifest is written."""
    path.mkdir()
    (path / "lock").write_text("1\n")
    (path / ".part-x1").write_text('{"format')
    return EventLog(path / LOG, create=True)


def test_a_start_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    begun(tmp_path / "run").close()
    with RunFolder.create(tmp_path / "run", "{}", versions={}) as run:
        run.put("unit", "stage", 1)
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == [LOG, "lock", "manifest.json"]


@pytest.mark.parametrize("what", ["unit", "event", "file", "other table", "no database"])
def test_anything_of_worth_in_the_folder_is_left_as_it_is(tmp_path: Path, what: str) -> None:
    path = tmp_path / "run"
    log = begun(path)
    if what == "unit":
        log.put("unit", "stage", 1)
    elif what == "event":
        log.event("started")
    log.close()
    if what == "file":
        (path / "thesis.tex").write_text("precious")
    elif what == "other table":
        with closing(sqlite3.connect(path / LOG)) as connection:
            connection.execute("DROP TABLE units")
    elif what == "no database":
        (path / LOG).write_bytes(b"precious" * 1000)
    before = {file.name: file.read_bytes() for file in path.iterdir() if not file.name.endswith("-shm")}
    with pytest.raises(RunFolderError, match="is not empty and holds no run that can be read"):
        RunFolder.create(path, "{}", versions={})
    assert {file.name: file.read_bytes() for file in path.iterdir() if file.name in before} == before


def test_a_log_holds_nothing_until_something_was_put(tmp_path: Path) -> None:
    path = tmp_path / LOG
    assert holds_nothing(path)
    path.write_bytes(b"")
    assert holds_nothing(path)
    log = EventLog(path, create=True)
    assert holds_nothing(path)
    log.event("started")
    assert not holds_nothing(path), "seen while the writer still has it open"
    log.close()
    assert not holds_nothing(path)


def test_parts_of_files_are_swept_when_a_run_goes_on_and_not_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run"
    RunFolder.create(path, "{}", versions={}).close()
    parts = [path / ".part-1", path / "weights" / "finalists" / ".part-2"]
    parts[1].parent.mkdir(parents=True)
    for part in parts:
        part.write_text("half")
    RunFolder.view(path).close()
    assert all(part.exists() for part in parts)
    RunFolder.open(path).close()
    assert not any(part.exists() for part in parts)
