"""Real programs, killed and interrupted in the middle: what was finished is kept and the end is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from search_script import search

from archlock.errors import RunFolderError
from archlock.executors import SerialExecutor
from archlock.runs import InMemoryRun, RunFolder

SCRIPT = Path(__file__).with_name("search_script.py")


BOTH = pytest.mark.parametrize("half_done", ["serial", "processes"], indirect=True)
PROCESSES = pytest.mark.parametrize("half_done", ["processes"], indirect=True)


def _begin(path: Path, kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(path), kind]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture
def half_done(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A running search with some of its 18 units done."""
    path = tmp_path / "run"
    child = _begin(path, request.param)
    try:
        _wait_for_units(path, 4)
        yield child, path
    finally:
        child.kill()
        child.communicate()


def _wait_for_units(path: Path, units: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (path / "manifest.json").exists():
            run = RunFolder.view(path)
            done = sum(run.counts().values())
            run.close()
            if done >= units:
                return
        time.sleep(0.02)
    raise AssertionError("the search did not get going")


def _finish_and_compare(path: Path) -> None:
    with RunFolder.open(path) as run:
        kept = sum(run.counts().values())
        assert 4 <= kept < 18, "the search was not stopped in the middle"
        before = {unit.key: unit.finished_at for unit in run.units()}
        resumed = search(run, SerialExecutor())
        after = {unit.key: unit.finished_at for unit in run.units()}
    assert len(after) == 18
    assert before.items() <= after.items(), "finished units were computed again"
    assert resumed == search(InMemoryRun(), SerialExecutor())


def _group_is_gone(group: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@PROCESSES
def test_killed_in_the_middle_it_goes_on_to_the_same_end(half_done: tuple[subprocess.Popen[str], Path]) -> None:
    child, path = half_done
    with pytest.raises(RunFolderError, match=rf"is in use by process {child.pid};"):
        RunFolder.open(path)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert _group_is_gone(child.pid), "workers outlived their parent"
    _finish_and_compare(path)


@BOTH
def test_ctrl_c_ends_quickly_in_one_line_and_is_resumable(half_done: tuple[subprocess.Popen[str], Path]) -> None:
    child, path = half_done
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the program and all its workers
    began = time.monotonic()
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 130
    assert time.monotonic() - began < 10
    assert errors.count("\n") == 1, errors
    assert "interrupted" in errors
    assert "kept" in errors
    _finish_and_compare(path)


@pytest.mark.slow
def test_ctrl_c_while_workers_start_is_one_line_too(tmp_path: Path) -> None:
    child = _begin(tmp_path / "run", "processes")
    _wait_for_units(tmp_path / "run", 0)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert errors == "interrupted; what was finished is kept\n"
    assert _group_is_gone(child.pid)
