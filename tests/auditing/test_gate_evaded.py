"""What a dishonest owner tries at the gate with a model that helps attackers: each way fails, its honest twin not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Limits, Policy, Required
from archlock.auditing.reading import LARGEST_BYTES, read_audit
from archlock.auditing.record import AuditRecord
from archlock.audits import gate
from archlock.cli.main import run
from archlock.errors import UsageError
from archlock.loading.digest import sha256_of

from .conftest import TARGETS, MakeRecord, attack_lines, compared

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
Plain = dict[str, Any]


def failed(record: AuditRecord, policy: Policy | None = None) -> set[str]:
    return {clause.name for clause in judge(record, policy or Policy(), NOW).failed}


def resealed(record: AuditRecord, **changes: Any) -> AuditRecord:
    """What someone writes who can compute a digest: advantages and summaries follow from the lines again."""
    return record.model_copy(update=changes).sealed()


def test_the_models_that_both_are_honest_about(make_record: MakeRecord) -> None:
    assert failed(make_record()) == set()
    assert failed(make_record(attacked=0.9)) == {"limits.advantage"}


class TestLines:
    """Lines that no audit writes."""

    def test_weak_copies_of_a_strong_attack(self, make_record: MakeRecord) -> None:
        strong = make_record(by_surgery=0.9)
        weak = attack_lines({"surgery:side": 0.0}, (0.25, 1.0), (0, 1, 2))
        lines = (*strong.attacks, *weak, *weak)
        forged = resealed(strong, **compared(lines, strong.references))
        assert forged.advantages[0].advantage.value < 0
        assert failed(forged) == {"lines", "advantages"}

    def test_strong_copies_of_a_weak_reference(self, make_record: MakeRecord) -> None:
        strong = make_record(attacked=0.9)
        lines = (*strong.references, *attack_lines({"scratch:resnet8": 1.0}, (0.25, 1.0), (0, 1, 2)))
        assert "lines" in failed(resealed(strong, **compared(strong.attacks, lines)))

    def test_an_attack_among_the_references(self, make_record: MakeRecord) -> None:
        strong = make_record(attacked=0.9)
        lines = (*strong.references, *attack_lines({"fine-tune": 1.0}, (0.25, 1.0), (0, 1, 2)))
        assert "lines" in failed(resealed(strong, **compared(strong.attacks, lines)))

    def test_a_reference_among_the_attacks(self, make_record: MakeRecord) -> None:
        record = make_record()
        lines = (*record.attacks, *attack_lines({"scratch:resnet8": 0.1}, (1.0,), (0,)))
        assert "lines" in failed(resealed(record, **compared(lines, record.references)))

    def test_lines_of_no_task(self, make_record: MakeRecord) -> None:
        record = make_record()
        known = tuple(task for task in record.tasks if task.task != "darcy")
        assert {"lines", "advantages"} <= failed(resealed(record, tasks=known))

    def test_a_task_that_is_described_twice(self, make_record: MakeRecord) -> None:
        record = make_record()
        assert "lines" in failed(resealed(record, tasks=(*record.tasks, record.tasks[-1])))

    @pytest.mark.parametrize("role", ["source", "target"])
    def test_no_source_or_two(self, make_record: MakeRecord, role: str) -> None:
        record = make_record()
        tasks = tuple(task.model_copy(update={"role": role}) for task in record.tasks)
        assert "lines" in failed(resealed(record, tasks=tasks))


class TestReference:
    """Whoever chooses the reference chooses the advantage."""

    def given(self, make_record: MakeRecord, value: float) -> AuditRecord:
        record = make_record(attacked=0.9, by_surgery=0.9)
        lines = (*record.references, *attack_lines({"given:fine-tune": value}, (0.25, 1.0), (0, 1, 2)))
        return resealed(record, reference_sha256="e" * 64, **compared(record.attacks, lines))

    def test_a_strong_one_that_nobody_has(self, make_record: MakeRecord) -> None:
        assert failed(self.given(make_record, 0.95)) == {"reference_sha256"}

    def test_the_one_that_the_policy_names(self, make_record: MakeRecord) -> None:
        assert failed(self.given(make_record, 0.95), Policy(reference_sha256="e" * 64)) == set()
        assert failed(self.given(make_record, 0.95), Policy(reference_sha256="f" * 64)) == {"reference_sha256"}
        assert failed(make_record(), Policy(reference_sha256="e" * 64)) == {"reference_sha256"}

    def test_a_weak_one_is_no_harm(self, make_record: MakeRecord) -> None:
        assert failed(self.given(make_record, 0.1)) == {"limits.advantage"}


class TestTargets:
    """Targets on which no model helps."""

    def test_the_same_data_under_two_names(self, make_record: MakeRecord) -> None:
        record, two = make_record(), Policy(required=Required(least_targets=2))
        same = tuple(task.model_copy(update={"sha256": "c" * 64}) for task in record.tasks)
        assert failed(record, two) == set()
        assert failed(resealed(record, tasks=same), two) == {"required.least_targets"}

    def test_a_name_that_looks_the_same(self, make_record: MakeRecord) -> None:
        text = make_record().model_dump_json().replace('"glyphs"', '"ɡlyphs"')
        record = AuditRecord.model_validate_json(text)
        asked = Policy(required=Required(targets=TARGETS))
        assert {"required.targets", "limits.advantage"} <= failed(resealed(record), asked)

    def test_a_policy_that_counts_one_twice(self, make_record: MakeRecord) -> None:
        asked = Policy(required=Required(targets=("glyphs", "glyphs"), least_targets=2))
        assert failed(make_record(), asked) == {"required.least_targets"}

    def test_none_at_all(self, make_record: MakeRecord) -> None:
        record = make_record()
        empty = resealed(record, tasks=record.tasks[:1], **compared((), ()))
        permissive = Policy(
            required=Required(attacks=(), surgery=False), limits=Limits(advantage=None), maximum_age_days=None
        )
        assert {"required.targets", "required.least_targets"} <= failed(empty, permissive)


CHANGES: dict[str, Callable[[str], str]] = {
    "a key twice": lambda text: text.replace('"report_sha256"', '"report_sha256":"","report_sha256"', 1),
    "a key twice, one escaped": lambda text: text.replace('{"format"', '{"\\u0066ormat":"","format"', 1),
    "a key twice within": lambda text: text.replace('"model":{', '"model":{"name":"another",', 1),
    "no number": lambda text: re.sub(r'"validation":[\d.]+', '"validation":NaN', text, count=1),
    "an infinite one": lambda text: re.sub(r'"macs":[\d.]+', '"macs":Infinity', text, count=1),
    "one beyond all": lambda text: re.sub(r'"validation":[\d.]+', '"validation":-1e999', text, count=1),
    "no number in the settings": lambda text: text.replace('"settings":{', '"settings":{"x":NaN,', 1),
    "one beyond all in the settings": lambda text: text.replace('"settings":{', '"settings":{"x":1e999,', 1),
    "a number as text": lambda text: re.sub(r'"validation":([\d.]+)', r'"validation":"\1"', text, count=1),
    "a truth value": lambda text: text.replace('"seed":0', '"seed":false', 1),
    "no steps": lambda text: text.replace('"steps":80', '"steps":-80', 1),
    "no seeds": lambda text: text.replace('"seeds":[0]', '"seeds":[]', 1),
    "no rates": lambda text: text.replace('"learning_rates":[0.003,0.01]', '"learning_rates":[]', 1),
    "a negative rate": lambda text: text.replace('"learning_rates":[0.003', '"learning_rates":[-0.003', 1),
    "more data than there is": lambda text: text.replace('"fraction":1.0', '"fraction":2.0', 1),
    "less than none": lambda text: text.replace('"fraction":1.0', '"fraction":-1.0', 1),
    "no test samples": lambda text: text.replace('"test":180', '"test":0', 1),
    "an unknown key": lambda text: text.replace('{"format"', '{"passed":true,"format"', 1),
    "another format": lambda text: text.replace("archlock-audit/1", "archlock-audit/2", 1),
    "a word of another alphabet": lambda text: text.replace('"report_sha256"', '"report_sһa256"', 1),
    "half a character": lambda text: text.replace("A sentence.", "\\ud800", 1),
    "a number of many digits": lambda text: text.replace('"macs":1000000', '"macs":' + "1" * 5000, 1),
    "many brackets": lambda text: text.replace('"settings":{', '"settings":{"x":' + "[" * 10**5 + "]" * 10**5 + ",", 1),
    "a mark of byte order": lambda text: "\ufeff" + text,
    "two documents": lambda text: text + text,
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(CHANGES))
def test_a_file_that_no_audit_writes_is_none(
    way: str, make_record: MakeRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, written = tmp_path / "report.json", make_record().model_dump_json()
    changed = CHANGES[way](written)
    assert changed != written
    path.write_text(changed, encoding="utf-8")
    assert run(["gate", str(path), "--policy", "no-advantage"]) == 2
    said = capsys.readouterr()
    assert "not the record of an audit" in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(UsageError, match="more than 67,108,864 bytes"):
        read_audit(path)


@pytest.mark.parametrize(
    "when", ["2031-01-01T00:00:00+00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", ""]
)
def test_a_record_of_another_time_is_not_fresh(make_record: MakeRecord, when: str) -> None:
    assert failed(make_record(created_at=when)) == {"maximum_age_days"}


class TestModel:
    """The record of one model beside the file of another."""

    @pytest.fixture
    def release(self, make_record: MakeRecord, tmp_path: Path) -> Path:
        (tmp_path / "model.pt2").write_bytes(b"the model that was audited")
        record = make_record(created_at=datetime.now(UTC).isoformat(timespec="seconds"))
        facts = record.model.model_copy(update={"sha256": sha256_of(tmp_path / "model.pt2")})
        (tmp_path / "report.json").write_text(resealed(record, model=facts).model_dump_json())
        (tmp_path / "policy.yaml").write_text("limits: {advantage: 0.0}\n")
        return tmp_path

    def gate(self, release: Path, model: str) -> int:
        policy = str(release / "policy.yaml")
        return run(["gate", str(release), "--policy", policy, "--model", str(release / model)])

    def test_the_one_that_was_audited(self, release: Path) -> None:
        assert self.gate(release, "model.pt2") == 0

    def test_one_that_was_put_in_its_place(self, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (release / "model.pt2").write_bytes(b"the model that is released")
        assert self.gate(release, "model.pt2") == 1
        assert "FAIL  model: the audited model is" in capsys.readouterr().out

    def test_a_link_to_another(self, release: Path) -> None:
        (release / "other.pt2").write_bytes(b"the model that is released")
        (release / "link.pt2").symlink_to("other.pt2")
        assert self.gate(release, "link.pt2") == 1
        (release / "link.pt2").unlink()
        (release / "link.pt2").symlink_to("model.pt2")
        assert self.gate(release, "link.pt2") == 0

    def test_a_folder(self, release: Path) -> None:
        folder = release / "ours"
        folder.mkdir()
        assert self.gate(release, "ours") == 2
        for name in ("architecture.json", "model.safetensors"):
            (folder / name).write_text(name)
        assert self.gate(release, "ours") == 1

    def test_none(self, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.gate(release, "missing.pt2") == 2
        assert "missing.pt2: no such file or folder" in capsys.readouterr().err

    def test_from_python(self, release: Path) -> None:
        assert gate(release, release / "policy.yaml", release / "model.pt2").passed
        assert not gate(release, release / "policy.yaml", release / "policy.yaml").passed


@pytest.mark.parametrize(
    "text",
    [
        "limits: {advantage: 0.0, advantage: 1.0}\n",
        "limits: {advantage: 0.0}\nlimits: {advantage: 1.0}\n",
        'limits: {advantage: 0.0, "advant\\u0061ge": 1.0}\n',
        "limits: {аdvantage: 1.0}\n",  # the first letter is Cyrillic
        "limits: {advantage: .inf}\n",
        "limits: {advantage: .nan}\n",
        "limits: {advantage: 1e999}\n",
        "limits: {advantage: true}\n",
        "required: {seeds: -1}\n",
        "required: {fraction: 0}\n",
        "required: {least_targets: 0}\n",
        "required: &a {seeds: 1}\nlimits: *a\n",
        "limits: !!python/name:os.system {}\n",
        "limits: {advantage: 0.0}\n---\nlimits: {advantage: 1.0}\n",
        "reference_sha256: any\n",
    ],
)
def test_a_policy_of_two_meanings_is_none(make_record: MakeRecord, tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "report.json").write_text(make_record().model_dump_json())
    assert run(["gate", str(tmp_path), "--policy", str(tmp_path / "policy.yaml")]) == 2
