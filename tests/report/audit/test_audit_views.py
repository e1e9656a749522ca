"""``archlock report AUDIT``: every format from a folder or a file, and records that are not what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archlock.auditing.record import AuditRecord
from archlock.cli.main import run
from archlock.cli.report import FORMATS
from archlock.errors import UsageError
from archlock.report.audit_views import AUDIT_VIEWS, find_audit

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def saved(make_audit, tmp_path: Path) -> Path:
    """The folder of an audit."""
    (tmp_path / "report.json").write_text(make_audit().model_dump_json(), encoding="utf-8")
    return tmp_path


def test_the_command_offers_every_view():
    assert set(FORMATS) == set(AUDIT_VIEWS)
    assert len({suffix for _, suffix in AUDIT_VIEWS.values()}) == len(AUDIT_VIEWS)


@pytest.mark.parametrize("form", FORMATS)
def test_a_view_is_printed_from_the_folder_and_from_the_file(saved: Path, make_audit, capsys: Captured, form: str):
    for place in (saved, saved / "report.json"):
        assert run(["report", str(place), "--format", form]) == 0
        out, err = capsys.readouterr()
        assert out == AUDIT_VIEWS[form][0](make_audit()) + "\n"
        assert err == ""


def test_a_view_goes_to_a_file(saved: Path, capsys: Captured):
    out = saved / "audit.sarif"
    assert run(["report", str(saved), "--format", "sarif", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert json.loads(out.read_text("utf-8"))["version"] == "2.1.0"


def test_json_gives_the_sealed_record_back(saved: Path, make_audit, capsys: Captured):
    assert run(["report", str(saved), "--json"]) == 0
    again = AuditRecord.model_validate_json(capsys.readouterr().out)
    assert again == make_audit()
    assert again.is_intact


@pytest.mark.parametrize("form", FORMATS)
def test_every_view_of_an_edited_record_says_so(saved: Path, capsys: Captured, form: str):
    path = saved / "report.json"
    record = json.loads(path.read_text("utf-8"))
    record["advantages"][0]["advantage"]["value"] = -0.5
    path.write_text(json.dumps(record), encoding="utf-8")
    assert run(["report", str(saved), "--format", form]) == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "changed after it was sealed" in err
    assert form == "json" or "changed after it was sealed" in out
    assert form != "json" or not AuditRecord.model_validate_json(out).is_intact


def test_a_record_that_is_no_audit_any_more_names_its_key(saved: Path, capsys: Captured):
    path = saved / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"secure": True}), encoding="utf-8")
    assert run(["report", str(saved)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"archlock: {path}: not the record of an audit: secure: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", ["", "[]", "{", "3", '{"format": "archlock-audit/9"}', "[" * 100_000, "\ufeff{}"])
def test_other_content_is_no_audit(tmp_path: Path, content: str):
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    assert find_audit(tmp_path) is None
    assert find_audit(tmp_path / "none") is None


def test_a_record_with_its_keys_in_another_order_is_the_same_audit(saved: Path, make_audit):
    path = saved / "report.json"
    shuffled = dict(reversed(json.loads(path.read_text("utf-8")).items()))
    path.write_text(json.dumps(shuffled), encoding="utf-8")
    assert find_audit(saved) == make_audit()
    assert find_audit(saved).is_intact


def test_an_incomplete_audit_is_an_error(tmp_path: Path):
    path = tmp_path / "report.json"
    path.write_text('{"format": "archlock-audit/1"}', encoding="utf-8")
    with pytest.raises(UsageError, match="headline"):
        find_audit(path)


def test_a_run_has_no_views_of_an_audit(tmp_path: Path, make_record, capsys: Captured):
    (tmp_path / "report.json").write_text(make_record().model_dump_json(), encoding="utf-8")
    for form in ("sarif", "junit", "card", "mlbom"):
        assert run(["report", str(tmp_path), "--format", form]) == 2
        assert capsys.readouterr().err == (
            f"archlock: {tmp_path}: {form} is a view of an audit; a run has html and json\n"
        )


@pytest.mark.parametrize("name", ["html", "sarif", "card"])
def test_views_tell_which_attacks_were_repeated_and_what_the_models_hash_covers(make_audit, name):
    record = make_audit(repeats=(1, 2))
    shown = AUDIT_VIEWS[name][0](record)
    told = "1 seed per attack (3 for the strongest: 6 of 30 attacks and 6 of 12 references)"
    assert told in record.headline
    assert shown.count(told) == (1 if name == "sarif" else 3 if name == "card" else 2)
    assert "5" * 64 in shown
    assert "zoo/nets.py" in shown
    assert ("Further seeds of what decides" in shown) == (name == "html")
    assert "Further seeds" not in AUDIT_VIEWS[name][0](make_audit())
