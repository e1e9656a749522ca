"""Fetching from a real server that is good, cut off, wrong, slow, busy, or has no ranges; nothing partial is taken."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from public_server import CUT_BYTES, PublicServer, serve

from archlock.errors import UsageError
from archlock.runs.lock import FolderLock
from archlock.tables import DownloadError, TableError
from archlock.tables.catalogue import Source
from archlock.tables.fetch import Fetcher
from archlock.tables.mirrors import BUILT_IN, mirror_templates
from archlock.tables.transfer import Patience

CONTENT = np.random.default_rng(0).bytes(3 * CUT_BYTES + 1234)
SOURCE = Source("me/data", "c0ffee", "folder/a file.csv", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "MIT")
PATIENT = Patience(silence_s=60.0, window_s=60.0, attempts=2, pause_s=0.01, longest_pause_s=0.05)
HASTY = replace(PATIENT, silence_s=1.0, window_s=1.0)
"""For servers that are slow on purpose; a good one may be slow, too, where the machine is busy."""


@pytest.fixture
def server() -> Iterator[PublicServer]:
    with serve(lambda name: CONTENT if name == "me/data/c0ffee/folder/a file.csv" else None) as state:
        yield state


class Case:
    """A fetcher of the one file into a fresh folder."""

    def __init__(self, folder: Path, watcher: object, server: PublicServer) -> None:
        self.folder, self.watcher, self.server = folder, watcher, server

    def fetch(self, *behaviours: str, patience: Patience = PATIENT) -> Path:
        templates = [self.server.mirror(behaviour) for behaviour in behaviours]
        return Fetcher(self.folder, templates, self.watcher, patience).fetch([SOURCE])[SOURCE.path]  # type: ignore[arg-type]

    @property
    def part(self) -> Path:
        return self.folder / f"{SOURCE.sha256[:12]}-a file.csv.part"

    def starts(self, behaviour: str) -> list[int]:
        return [start for asked, _, start in self.server.asked if asked == behaviour]


@pytest.fixture
def case(tmp_path: Path, watcher: object, server: PublicServer) -> Case:
    return Case(tmp_path / "downloads", watcher, server)


def whole(path: Path) -> bool:
    return path.read_bytes() == CONTENT and not path.name.endswith(".part")


def test_a_file_is_fetched_once(case: Case) -> None:
    assert whole(case.fetch("good"))
    assert not case.part.exists()
    assert whole(case.fetch("good"))
    assert case.starts("good") == [0]


def test_a_truncated_answer_is_continued_where_it_ended(case: Case) -> None:
    assert whole(case.fetch("cut"))
    assert case.starts("cut") == [0, CUT_BYTES, 2 * CUT_BYTES, 3 * CUT_BYTES]


def test_a_stopped_download_is_continued_by_the_next_command(case: Case) -> None:
    case.folder.mkdir()
    case.part.write_bytes(CONTENT[:1_000_000])
    assert whole(case.fetch("good"))
    assert case.starts("good") == [1_000_000]
    assert case.watcher.started_with == [("a file.csv", 1_000_000, len(CONTENT))]  # type: ignore[attr-defined]


def test_a_part_of_something_else_is_thrown_away(case: Case) -> None:
    case.folder.mkdir()
    case.part.write_bytes(b"something else" * 1000)
    assert whole(case.fetch("good"))
    assert case.starts("good") == [14_000, 0]


@pytest.mark.parametrize("there", [len(CONTENT), len(CONTENT) + 1])
def test_a_part_as_long_as_the_file_or_longer_is_not_believed(case: Case, there: int) -> None:
    case.folder.mkdir()
    case.part.write_bytes(bytes(there))
    assert whole(case.fetch("good"))


def test_a_server_without_ranges_starts_anew(case: Case) -> None:
    case.folder.mkdir()
    case.part.write_bytes(CONTENT[:1_000_000])
    assert whole(case.fetch("norange"))


def test_a_server_without_ranges_that_always_cuts_is_given_up_for_the_next(case: Case) -> None:
    assert whole(case.fetch("norange_cut", "good"))
    assert 2 <= len(case.starts("norange_cut")) <= 3


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("missing", "answers 404"),
        ("wrong", "SHA-256 is not"),
        ("short", "expected 2101234"),
        ("stalled", "timed out"),
        ("away", "redirects to 'http://example.org/file', which is not https"),
    ],
)
def test_a_bad_mirror_is_named_and_the_next_one_is_tried(case: Case, behaviour: str, message: str) -> None:
    assert whole(case.fetch(behaviour, "good", patience=HASTY if behaviour == "stalled" else PATIENT))
    assert message in case.watcher.messages[0]  # type: ignore[attr-defined]
    assert f"/{behaviour}/" in case.watcher.messages[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("behaviour", ["missing", "wrong", "norange_cut"])
def test_where_no_mirror_has_it_nothing_looks_like_the_file(case: Case, behaviour: str) -> None:
    with pytest.raises(DownloadError, match="--mirror names another mirror") as caught:
        case.fetch(behaviour)
    assert "\n" not in str(caught.value)
    assert all(path.suffix == ".part" or path.name == "lock" for path in case.folder.iterdir())


def test_a_wrong_file_is_not_asked_for_again_and_again(case: Case) -> None:
    with pytest.raises(DownloadError):
        case.fetch("wrong")
    assert case.starts("wrong") == [0]
    assert not case.part.exists()


def test_a_trickle_is_too_slow(case: Case) -> None:
    with pytest.raises(DownloadError, match="too slow"):
        case.fetch("trickle", patience=HASTY)


def test_a_busy_server_is_asked_again(case: Case) -> None:
    with pytest.raises(DownloadError, match="answers 503"):
        case.fetch("busy")
    assert whole(case.fetch("busy"))


def test_nobody_listening_is_an_error_of_one_line(case: Case) -> None:
    with pytest.raises(DownloadError, match="refused"):
        Fetcher(case.folder, ["http://127.0.0.1:9/{path}"], case.watcher, PATIENT).fetch([SOURCE])  # type: ignore[arg-type]


def test_progress_reaches_the_size(case: Case) -> None:
    case.fetch("cut")
    seen: list[int] = case.watcher.bytes  # type: ignore[attr-defined]
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


def test_two_processes_do_not_write_one_part(case: Case) -> None:
    case.folder.mkdir()
    lock = FolderLock(case.folder)
    with pytest.raises(TableError, match="in use by process"):
        case.fetch("good")
    lock.release()
    assert whole(case.fetch("good"))


def test_a_full_disk_is_seen_before_anything_is_fetched(case: Case) -> None:
    vast = Source("me/data", "c0ffee", "vast.csv", 10**18, SOURCE.sha256, "MIT")
    with pytest.raises(DownloadError, match="disk full"):
        Fetcher(case.folder, [case.server.mirror("good")], case.watcher, PATIENT).fetch([vast])  # type: ignore[arg-type]
    assert not case.server.asked


def test_the_file_is_whole_whoever_looks_while_it_comes(case: Case) -> None:
    target = case.part.with_name(case.part.name.removesuffix(".part"))
    worker = threading.Thread(target=case.fetch, args=("cut",))
    worker.start()
    while worker.is_alive():
        assert not target.exists() or whole(target)
    worker.join()
    assert whole(target)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("http://example.org/{path}", "expected https"),
        ("ftp://example.org/{path}", "expected https"),
        ("file:///etc/{path}", "expected https"),
        ("https://example.org/", "needs {path}"),
        ("https://example.org/{pth}", "Did you mean 'path'"),
        ("https://example.org:port/{path}", "expected https"),
        ("http://127.0.0.1.example.org/{path}", "expected https"),
    ],
)
def test_a_mirror_that_cannot_be_trusted_is_refused(tmp_path: Path, template: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("{", r"\{")):
        mirror_templates([template], tmp_path)


def test_mirrors_come_from_option_environment_setting_and_last_the_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHLOCK_MIRRORS", "https://b.org/{path}  https://a.org/{path}")
    (tmp_path / "mirrors.txt").write_text("# ours\nhttp://localhost:8000/{sha256}  # inside\n\n")
    expected = ("https://a.org/{path}", "https://b.org/{path}", "http://localhost:8000/{sha256}", *BUILT_IN)
    assert mirror_templates(["https://a.org/{path}"], tmp_path) == expected
