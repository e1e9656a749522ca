"""No hostile file runs code, leaves its folder, or takes much memory or time; each is refused with its reason."""

from __future__ import annotations

import importlib.util
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import FILES, genuine
from hostile.corpus import Hostile, written

from archlock.errors import ModelError
from archlock.loading import Limits, load_model
from archlock.loading.guard import WEIGHTS
from archlock.loading.jobs import JOBS

FACTORY = "hostile.genuine:Net"
MOST_BYTES = 2 * 1024**3
MOST_SECONDS = 30.0


def test_the_corpus_is_large_enough() -> None:
    assert len(FILES) >= 60


def test_no_reason_would_do_for_any_refusal() -> None:
    """A reason that matches a message about nothing would let a refusal for the wrong reason through."""
    for name, entry in FILES.items():
        assert len(entry.reason) >= 8, name
        assert not re.search(entry.reason, "model.pt2: damaged: refused; read within 30 s"), name


def opened(path: Path) -> None:
    """A file as a user would have it opened."""
    if path.suffix in (".safetensors", ".pt", ".pth", ".bin", ".ckpt"):
        load_model(FACTORY, weights=path, input_shape=(3, 8, 8))
    load_model(str(path))


def check_apart(files: dict[str, Hostile], folder: Path) -> None:
    canary, children = folder / "canary", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    for entry, name, path in written(files, folder / "files", canary):
        before = snapshot(folder)
        started = time.process_time() + children_s()
        with pytest.raises(ModelError) as caught:
            opened(path)
        assert not canary.exists(), f"{name} ran its payload"
        assert snapshot(folder) == before, f"{name} changed files"
        assert time.process_time() + children_s() - started < MOST_SECONDS, name
        check_reason(name, entry, str(caught.value))
    # The largest of all children there ever were: those of other tests are not to be held against these files.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest == children or largest * 1024 < MOST_BYTES


def check_reason(name: str, entry: Hostile, message: str) -> None:
    """One line, for the reason that the entry tells."""
    assert "\n" not in message, name
    assert re.search(entry.reason, message), f"{name} is refused for another reason than {entry.reason!r}: {message}"


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_size for path in folder.rglob("*")}


def test_files_of_every_kind_are_refused_in_a_process_of_their_own(tmp_path: Path) -> None:
    check_apart({name: FILES[name] for name in ("pickled_weight", "giant_header", "external_0", "target_4")}, tmp_path)


@pytest.mark.slow
def test_every_file_is_refused_in_a_process_of_its_own(tmp_path: Path) -> None:
    check_apart(FILES, tmp_path)


LATE = {"huge_activation", "division_by_zero", "huge_constant"}
"""Well formed, and asking for too much only when they are run: the trial refuses them (slow test)."""


def test_every_file_is_refused_by_its_reader(tmp_path: Path) -> None:
    """The readers themselves, without the process around them."""
    canary, accepted = tmp_path / "canary", set()
    for entry, name, path in written(FILES, tmp_path / "files", canary):
        out = tmp_path / "out" / name
        out.mkdir(parents=True)
        order = {"path": str(path), "where": path.name, "folder": str(out)}
        job = "weights" if path.suffix in (".safetensors", ".pt") else "program" if path.suffix == ".pt2" else "unknown"
        reason = refusal_of(_onnx if path.suffix == ".onnx" else JOBS[job], order)
        if reason:
            check_reason(name, entry, reason)
        else:
            accepted.add(name)
        assert not canary.exists(), f"{name} ran its payload"
    assert accepted == LATE


def refusal_of(job: Callable[..., object], order: dict[str, str]) -> str:
    """Why a job refuses a file; empty where it does not. Anything but a `ModelError` fails the test."""
    try:
        job(order, Limits())
    except ModelError as error:
        return str(error)
    return ""


def _onnx(order: dict[str, str], limits: Limits) -> object:
    pytest.importorskip("onnx")
    from archlock.loading.onnx.job import read

    return read(order, limits)


def test_the_genuine_files_that_the_corpus_is_made_of_are_read(tmp_path: Path) -> None:
    """Without this, a reader that refuses everything would pass."""
    for job, file, data in (
        ("program", "model.pt2", genuine.program()),
        ("weights", "weights.safetensors", genuine.weights()),
        ("weights", "weights.pt", genuine.state_dict()),
    ):
        path = tmp_path / file
        path.write_bytes(data)
        answer = JOBS[job]({"path": str(path), "where": file, "folder": str(tmp_path)}, Limits())
        assert len(answer["sha256"]) == 64
        assert (tmp_path / WEIGHTS).stat().st_size > 1000
        (tmp_path / WEIGHTS).unlink()
    path = tmp_path / "model.onnx"
    path.write_bytes(genuine.graph())
    _onnx({"path": str(path), "where": "model.onnx", "folder": str(tmp_path)}, Limits())
    assert len(json.loads((tmp_path / "program.json").read_text())["nodes"]) == 5


def test_a_few_hundred_mutated_files_are_read_or_refused_with_a_clear_error() -> None:
    """The benchmark does the same with 20,000."""
    path = Path(__file__).parents[2] / "benchmarks" / "hostile_files.py"
    spec = importlib.util.spec_from_file_location("hostile_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_files"] = module
    spec.loader.exec_module(module)
    tallies = module.fuzz(files=240, seconds=20.0, seed=7)
    assert [finding for tally in tallies.values() for finding in tally.findings] == []
    assert all(tally.refused for tally in tallies.values())
