"""A lock bench goes on where it was stopped: by a signal, in the middle of a line, or with fewer seeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.benches.kept_records import KeptRecords
from archlock.benches.lock import LockBench, Trial, run_trial, trials
from archlock.benches.record import LockRecord, read_records
from archlock.benches.setting import TableChoice
from archlock.benches.terms import OF_A_PAIR, SHARED
from archlock.cli.main import run
from archlock.errors import UsageError
from archlock.executors import SerialExecutor
from archlock.locking.tabular.protocol import Rules


def bench(table_file: Path, seeds: tuple[int, ...] = (0, 1), **rules: object) -> LockBench:
    choice = TableChoice("", table_file, ("task0", "task1"))
    return LockBench(choice, replace(Rules("known", 20), **rules), seeds, {}, "random")


@pytest.fixture(scope="module")
def work(table_file: Path) -> list[Trial]:
    return trials(bench(table_file))


@pytest.fixture(scope="module")
def records(work: list[Trial]) -> list[LockRecord]:
    return [run_trial(trial) for trial in work]


def written(path: Path, records: list[LockRecord]) -> Path:
    path.write_text("".join(record.to_json() + "\n" for record in records))
    return path


def finished(path: Path, work: list[Trial]) -> list[LockRecord]:
    kept = KeptRecords(path, work)
    list(kept.run(kept.missing, SerialExecutor()))
    return kept.finish()


def command(table_file: Path, out: Path) -> list[str]:
    given = ["--mode", "known", "--method", "random", "--labels", "20", "--seeds", "40", "--workers", "1"]
    return ["bench", "lock", "--table", str(table_file), *given, "--out", str(out), "--json"]


@pytest.mark.slow
def test_a_killed_bench_loses_nothing_that_was_done(table_file, tmp_path, capsys):
    out, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    code = "from archlock.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, *command(table_file, out)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < deadline:
        if out.exists() and out.read_bytes().count(b"\n") >= 3:
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait(timeout=60) == -signal.SIGKILL, "it ended before it could be killed"
    lines = out.read_text().split("\n")
    done = [LockRecord.from_json(line) for line in lines[:-1]]
    assert 3 <= len(done) < 6 * 40
    # What was done is marked, so that a trial that is run again would lose its mark.
    marked = [replace(record, notes={"kept": "yes"}) for record in done]
    written(out, marked)
    assert run(command(table_file, out)) == 0
    assert run(command(table_file, whole)) == 0
    resumed, uninterrupted = read_records(out), read_records(whole)
    assert [record.notes == {"kept": "yes"} for record in resumed].count(True) == len(done)
    assert [replace(record, notes={}) for record in resumed] == [replace(record, notes={}) for record in uninterrupted]
    first, second = map(json.loads, _documents(capsys.readouterr().out))
    assert first == second


def _documents(text: str) -> tuple[str, str]:
    first, second = text.split("\n}\n{\n")
    return first + "\n}", "{\n" + second


@given(cut=st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_wherever_the_file_ends_the_whole_lines_are_kept_and_the_rest_is_run(cut, work, records, tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "out.jsonl"
    whole = written(path, records).read_bytes()
    left = whole[: cut % (len(whole) + 1)]
    path.write_bytes(left)
    kept = KeptRecords(path, work)
    assert len(kept.missing) == len(work) - left.count(b"\n")
    assert path.read_bytes() == left
    if cut % 5 == 0:
        assert finished(path, work) == records
        assert path.read_bytes() == whole


def test_lines_in_another_order_are_put_in_that_of_the_trials(work, records, tmp_path):
    path = written(tmp_path / "out.jsonl", records[::-1])
    assert finished(path, work) == records == read_records(path)


def test_more_seeds_go_on_from_fewer(table_file, work, records, tmp_path):
    path = written(tmp_path / "out.jsonl", records)
    more = trials(bench(table_file, seeds=(0, 1, 2)))
    assert [trial.seed for trial in KeptRecords(path, more).missing] == [2, 2]
    fewer = trials(bench(table_file, seeds=(0,)))
    with pytest.raises(UsageError, match=r"out.jsonl:2: a record of another bench: its source task0.*seed 1"):
        KeptRecords(path, fewer)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "paper"}, "its mode is paper, not known"),
        ({"robust": True}, "its robust is True, not False"),
        ({"ablated": ("predictor",)}, "its ablated is predictor, not none"),
        ({"bought": "valid"}, "its bought is valid, not truth"),
        ({"method": "known"}, "its method is known, not random"),
        ({"table": "other"}, "its table is other, not mine"),
        ({"budgets": {"task0": 64, "task1": 20}}, "its budgets is task0=64, task1=20, not task0=20, task1=20"),
        ({"threshold": 12.0}, "its threshold is 12, not"),
        ({"random": 1.0}, "its random is 1, not"),
        ({"oracle": 1.0}, "its oracle is 1, not"),
        ({"target": "task2"}, "target task2 and seed 0 are not asked for"),
    ],
)
def test_a_record_of_another_bench_is_refused_with_what_differs(changes, words, work, records, tmp_path):
    path = written(tmp_path / "out.jsonl", [replace(records[0], **changes), *records[1:]])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"out.jsonl:1: a record of another bench: .*{words}"):
        KeptRecords(path, work)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", [*SHARED, *OF_A_PAIR])
def test_every_term_that_is_compared_tells_two_records_apart(name, records):
    other = {str: "x", bool: None, tuple: ("x",), float: -1.0, dict: {}}[type(getattr(records[0], name))]
    assert records[0].difference(records[0], (*SHARED, *OF_A_PAIR)) == ""
    assert name.replace("_", " ") in records[0].difference(replace(records[0], **{name: other}), (name,))


def test_two_records_of_one_trial_must_agree(work, records, tmp_path):
    path = written(tmp_path / "out.jsonl", [records[0], records[0], records[1]])
    assert finished(path, work) == records
    written(path, [records[0], replace(records[0], notes={"x": 1.0})])
    with pytest.raises(UsageError, match=r"out.jsonl:2: a second record of a trial"):
        KeptRecords(path, work)


def test_what_is_no_record_is_refused_and_left(table_file, tmp_path, capsys):
    out = tmp_path / "notes.txt"
    out.write_text("my notes\n")
    assert run(command(table_file, out)) == 2
    assert "notes.txt:1: not a line of a lock bench" in capsys.readouterr().err
    assert out.read_text() == "my notes\n"
