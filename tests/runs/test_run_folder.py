"""A run on disk: nothing overwritten, damage named, one writer at a time."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from archlock.errors import RunFolderError
from archlock.runs import RunFolder
from archlock.runs.artifacts import write_atomically
from archlock.runs.manifest import digest_of

SETTINGS = '{"seed": 3, "space": "hybrid"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed run with one unit."""
    path = tmp_path / "deep" / "run"
    with RunFolder.create(path, SETTINGS, versions={"python": "3"}) as run:
        run.put("unit", "stage", {"loss": 0.1})
        run.save_weights("net", {"w": torch.ones(200)})
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Every file but SQLite's helpers, which a reader of a WAL database may leave until the next writer closes."""
    helpers = ("-wal", "-shm")
    return {
        str(file): file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name[-4:] not in helpers
    }


OPEN_AND_WAIT = """
import sys
from pathlib import Path
from archlock.runs import RunFolder

run = RunFolder.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_run_comes_back_with_its_manifest(path: Path) -> None:
    with RunFolder.open(path) as run:
        assert run.manifest.settings == {"seed": 3, "space": "hybrid"}
        assert (run.manifest.seed, run.manifest.versions) == (3, {"python": "3"})
        assert run.manifest.settings_digest == digest_of({"space": "hybrid", "seed": 3})
        assert run.get("unit") == {"loss": 0.1}
    assert sorted(file.name for file in path.iterdir()) == ["events.sqlite", "lock", "manifest.json", "weights"]


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ('{"space":"hybrid","seed":3}', "of this configuration: use `archlock resume"),
        ("{}", "of another configuration"),
    ],
)
def test_a_run_is_never_overwritten(path: Path, settings: str, advice: str) -> None:
    before = contents(path)
    with pytest.raises(RunFolderError, match=advice):
        RunFolder.create(path, settings, versions={})
    assert contents(path) == before


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="not empty and holds no run"):
        RunFolder.create(tmp_path, SETTINGS, versions={})
    assert list(tmp_path.iterdir()) == [tmp_path / "thesis.tex"]


@pytest.mark.parametrize("where", ["file", "file/below", "no\0pe", "x" * 300])
def test_a_folder_that_cannot_be_made(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError):
        RunFolder.create(tmp_path / where, SETTINGS, versions={})


def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(RunFolderError, match="cannot be"):
        RunFolder.create(Path("/proc/archlock-run"), SETTINGS, versions={})


def test_settings_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="must be JSON"):
        RunFolder.create(tmp_path / "run", "seed: 3", versions={})
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such run folder"):
        RunFolder.open(tmp_path / "absent")
    with pytest.raises(RunFolderError, match=r"not a run: it has no manifest\.json"):
        RunFolder.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "damaged"),
        (b"[]", "damaged: expected an object"),
        (b"\xff\xfe\x00", "damaged"),
        (b"{}", "run format None"),
        (b'{"format_version": 99}', "run format 99; this archlock reads format 1"),
        (b'{"format_version": 1}', "damaged"),
        (b'{"format_version": 1, "odd": 2}', "damaged"),
    ],
)
def test_a_damaged_manifest_is_named(path: Path, content: bytes, message: str) -> None:
    (path / "manifest.json").write_bytes(content)
    for open_run in (RunFolder.open, RunFolder.view):
        with pytest.raises(RunFolderError, match=f"manifest.json: {message}"):
            open_run(path)


def test_edited_settings_are_noticed(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["settings"]["seed"] = 4
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunFolderError, match="do not match their digest"):
        RunFolder.open(path)


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "missing", "no table", "other column"])
def test_a_damaged_log_is_named(path: Path, damage: str) -> None:
    log = path / "events.sqlite"
    if damage == "garbage":
        log.write_bytes(b"not a database at all" * 100)
    elif damage == "truncated":
        log.write_bytes(log.read_bytes()[:5000])
    elif damage == "empty":
        log.write_bytes(b"")
    elif damage == "missing":
        log.unlink()
    else:
        with sqlite3.connect(log) as connection:
            connection.execute(
                "DROP TABLE units" if damage == "no table" else "ALTER TABLE units RENAME stage TO phase"
            )
        connection.close()
    for open_run in (RunFolder.view, RunFolder.open):
        with pytest.raises(RunFolderError, match=r"events\.sqlite: the event log"):
            open_run(path)
    (path / "events.sqlite").unlink(missing_ok=True)
    with pytest.raises(RunFolderError, match="missing"):
        RunFolder.open(path)  # and not "in use": the failed attempts let go of the lock


def test_damaged_weights_are_named(path: Path) -> None:
    file = path / "weights" / "net.safetensors"
    whole = file.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40], b"\xff" * 100):
        file.write_bytes(damaged)
        with RunFolder.view(path) as run, pytest.raises(RunFolderError, match=r"net\.safetensors: damaged weights"):
            run.load_weights("net")


def test_one_writer_at_a_time_and_any_number_of_readers(path: Path) -> None:
    with RunFolder.open(path) as run:
        with pytest.raises(RunFolderError, match="is in use by process"):
            RunFolder.open(path)
        with RunFolder.view(path) as first, RunFolder.view(path) as second:
            run.put("later", "stage", 2)
            assert first.get("later") == second.get("later") == 2
    RunFolder.open(path).close()


def test_the_lock_of_another_process_is_seen_and_ends_with_it(path: Path) -> None:
    command = [sys.executable, "-c", OPEN_AND_WAIT, str(path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(RunFolderError, match=f"in use by process {child.pid};"):
            RunFolder.open(path)
    finally:
        child.kill()
        child.communicate()
    RunFolder.open(path).close()


def test_a_viewed_run_is_never_written(path: Path) -> None:
    before = contents(path)
    with RunFolder.view(path) as run:
        for write in (
            lambda: run.put("x", "stage", 1),
            lambda: run.event("x"),
            lambda: run.save_weights("x", {}),
            lambda: run.write_text("x.html", ""),
        ):
            with pytest.raises(RunFolderError, match="reading only"):
                write()
    assert contents(path) == before


def test_an_archived_run_is_read_without_touching_its_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlock.runs.log.os.access", lambda *_: False)  # root may write anywhere, so it is asked
    with RunFolder.view(path) as run:
        assert run.get("unit") == {"loss": 0.1}
        assert sorted(file.name for file in path.iterdir()) == ["events.sqlite", "lock", "manifest.json", "weights"]


def test_a_run_that_cannot_begin_leaves_the_folder_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise RunFolderError("no space left")

    with monkeypatch.context() as disk:
        disk.setattr("archlock.runs.manifest.write_atomically", no_space)
        with pytest.raises(RunFolderError, match="no space left"):
            RunFolder.create(tmp_path / "run", SETTINGS, versions={})
    RunFolder.create(tmp_path / "run", SETTINGS, versions={}).close()


def test_text_is_written_whole_and_inside(path: Path, tmp_path: Path) -> None:
    (path / "out").symlink_to(tmp_path)
    with RunFolder.open(path) as run:
        assert run.write_text("report.html", "ü").read_text(encoding="utf-8") == "ü"
        assert run.write_text("report.html", "second").read_text() == "second"
        for name in ("../x", "/x", "out/x", "manifest.json", "lock", "events.sqlite", "events.sqlite-wal"):
            with pytest.raises(RunFolderError):
                run.write_text(name, "no")
    assert not (tmp_path / "x").exists()


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "kept").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_atomically(tmp_path / "report", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["report"]


def test_importing_the_room_stays_light() -> None:
    code = "import sys, archlock.runs, archlock.executors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
