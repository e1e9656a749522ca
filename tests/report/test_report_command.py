"""``archlock report``: the views of a finished run, and a record that claims what it did not test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archlock.cli.main import run
from archlock.report.record import RunRecord

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def saved(make_record: Any, tmp_path: Path) -> Path:
    """A run folder that holds a report."""
    (tmp_path / "report.json").write_text(make_record().model_dump_json(), encoding="utf-8")
    return tmp_path


def test_html_is_the_default_and_json_gives_the_record_back(saved: Path, capsys: Captured) -> None:
    assert run(["report", str(saved)]) == 0
    assert capsys.readouterr().out.lstrip().lower().startswith("<!doctype html>")
    outs = []
    for arguments in (["--format", "json"], ["--json"]):
        assert run(["report", str(saved / "report.json"), *arguments]) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1]
    assert RunRecord.model_validate_json(outs[0]).headline.startswith("On ")


def test_a_view_goes_to_a_file_or_says_why_not(saved: Path, capsys: Captured) -> None:
    out = saved / "page.html"
    assert run(["report", str(saved), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert "</html>" in out.read_text(encoding="utf-8")
    assert run(["report", str(saved), "--out", str(saved / "none" / "page.html")]) == 2
    assert (
        capsys.readouterr().err == f"archlock: {saved}/none/page.html: cannot be written: No such file or directory\n"
    )


def test_a_record_edited_to_claim_without_an_attack_is_refused(saved: Path, capsys: Captured) -> None:
    path = saved / "report.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    target = record["targets"][0]["target"]
    record["attacks"] = [attack for attack in record["attacks"] if attack["target"] != target]
    path.write_text(json.dumps(record), encoding="utf-8")
    assert run(["report", str(saved)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"claim about {target} without an attack" in err
    assert "a lock is not claimed" in err


@pytest.mark.parametrize("change", [{"headline": 3}, {"seed": "x"}, {"notes": []}, {"secure": True}])
def test_an_edited_record_names_its_key(change: dict[str, object], saved: Path, capsys: Captured) -> None:
    path = saved / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    assert run(["report", str(saved), "--json"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"archlock: {path}: {next(iter(change))}: ")
    assert err.count("\n") == 1
