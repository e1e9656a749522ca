"""The gate: every clause both ways, exit codes, and what may not be believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.auditing.budgets import LEFT_OUT
from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Keeps, Limits, Policy, Required, load_policy, policy_names
from archlock.auditing.record import AttackLine, AuditRecord, NotRun, PredictedAttack
from archlock.audits import gate
from archlock.cli.main import run
from archlock.errors import ConfigError, UsageError
from archlock.figures import Figure
from archlock.scores import Origin

from .conftest import MakeRecord, compared

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
PREDICTED = tuple(
    PredictedAttack(target=name, coverage=0.9, cases=200,
                    figure=Figure(value=0.4, low=0.3, high=0.5, level=0.9, origin=Origin.PREDICTED))
    for name in ("glyphs", "darcy")
)  # fmt: skip

# Clause to (policy that a plain record meets, and a change of the policy or of the record by which it fails).
BOTH_WAYS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "report_sha256": ({}, {}, {"seal": False}),
    "model_sha256": ({"model_sha256": "ab" * 32}, {"model_sha256": "ba" * 32}, {}),
    "maximum_age_days": ({"maximum_age_days": 2}, {"maximum_age_days": 0.5}, {}),
    "required.source": ({"required": Required(source="digits")}, {"required": Required(source="shapes")}, {}),
    "required.budget": ({}, {"required": Required(budget="thorough")}, {}),
    "required.targets": ({}, {"required": Required(targets=("glyphs", "counting"))}, {}),
    "required.fraction": ({}, {}, {"fractions": (0.25,)}),
    "required.attacks.fine-tune": ({}, {}, {"not_run": (NotRun(attack="fine-tune", reason="attack weakened: …"),)}),
    "required.attacks.fine-tune ": ({}, {"required": Required(seeds=2)}, {}),
    "required.attacks.adapters": ({"required": Required(attacks=("adapters",))}, {}, {"fractions": (0.5,)}),
    "required.surgery": ({}, {}, {"not_run": (NotRun(attack="surgery:side", reason="attack weakened: …"),)}),
    "limits.advantage": ({}, {}, {"by_surgery": 0.51}),
    "limits.advantage_high": ({"limits": Limits(advantage_high=0.1)}, {"limits": Limits(advantage_high=0.0)}, {}),
    "limits.mean_advantage": ({"limits": Limits(mean_advantage=0.0)}, {"limits": Limits(mean_advantage=-0.06)}, {}),
    "limits.value": ({"limits": Limits(value=0.45)}, {"limits": Limits(value=0.44)}, {}),
    "limits.relative": ({"limits": Limits(relative=0.9)}, {"limits": Limits(relative=0.89)}, {}),
    "limits.interval_width": ({"limits": Limits(interval_width=0.2)}, {"limits": Limits(interval_width=0.1)}, {}),
    "limits.estimate": ({"limits": Limits(estimate=0.5)}, {"limits": Limits(estimate=0.49)}, {}),
    "advantages": ({}, {}, {"attacked": 0.9, "advantages": ()}),
    "required.complete": ({}, {}, {"not_run": (NotRun(attack="undo", reason=LEFT_OUT),)}),
    "required.least_targets": ({}, {"required": Required(least_targets=3)}, {}),
    "required.samples": ({}, {"required": Required(samples=601)}, {}),
    "keeps.source": ({"keeps": Keeps(source=0.95)}, {"keeps": Keeps(source=0.951)}, {}),
}


@pytest.mark.parametrize("clause", sorted(BOTH_WAYS))
def test_every_clause_passes_and_fails(clause: str, make_record: MakeRecord) -> None:
    given_policy, changed_policy, changed_record = BOTH_WAYS[clause]
    met = judge(make_record(predicted=PREDICTED), Policy(**given_policy), NOW)
    clause = clause.strip()  # a second way to fail
    assert clause in {one.name for one in met.clauses}
    assert met.passed, met.failed
    broken = judge(
        make_record(**{"predicted": PREDICTED, **changed_record}), Policy(**{**given_policy, **changed_policy}), NOW
    )
    assert clause in {one.name for one in broken.failed}


def test_a_record_from_the_future_is_not_believed(make_record: MakeRecord) -> None:
    failed = judge(make_record(), Policy(), NOW - timedelta(days=30)).failed
    assert [one.name for one in failed] == ["maximum_age_days"]


def test_a_record_without_a_time_is_too_old(make_record: MakeRecord) -> None:
    failed = judge(make_record(created_at="yesterday"), Policy(), NOW).failed
    assert [one.said for one in failed] == ["the audit has no time: 'yesterday'"]


def test_a_budget_by_name_alone_is_none(make_record: MakeRecord) -> None:
    record = make_record()
    starved = record.model_copy(update={"budget": record.budget.model_copy(update={"steps": 1})}).sealed()
    assert [one.name for one in judge(starved, Policy(), NOW).failed] == ["required.budget"]


def test_rates_that_train_nothing_are_no_budget(make_record: MakeRecord) -> None:
    record = make_record()
    idle = record.budget.model_copy(update={"learning_rates": (1e-12, 1e-11)})
    failed = judge(record.model_copy(update={"budget": idle}).sealed(), Policy(), NOW).failed
    assert [one.name for one in failed] == ["required.budget"]


def test_steps_that_no_line_took_are_no_budget(make_record: MakeRecord) -> None:
    record = make_record()
    short = tuple(line.model_copy(update={"steps": 2}) for line in record.attacks)
    failed = judge(record.model_copy(update={"attacks": short}).sealed(), Policy(), NOW).failed
    assert "required.budget" in {one.name for one in failed}


def test_a_budget_whose_verdict_rests_on_one_seed_is_none(make_record: MakeRecord) -> None:
    [failed] = judge(make_record(repeats=()), Policy(), NOW).failed
    assert (failed.name, failed.said.endswith("too few seeds")) == ("required.budget", True)
    assert judge(make_record(seeds=(0, 1, 2), repeats=()), Policy(), NOW).passed


def helping_on_one(make_record: MakeRecord) -> AuditRecord:
    """An audit in which the model helps on glyphs by ten points, and on darcy lacks ten."""
    record = make_record(predicted=PREDICTED)

    def moved(line: AttackLine) -> AttackLine:
        value = 0.6 if line.target == "glyphs" else 0.4
        return line.model_copy(update={"validation": value, "value": Figure(value=value, origin=Origin.ATTACKED)})

    return record.model_copy(update=compared(tuple(map(moved, record.attacks)), record.references)).sealed()


@pytest.mark.parametrize(
    ("targets", "mean", "passed"), [((), "+0.000", True), (("glyphs",), "+0.100", False), (("darcy",), "-0.100", True)]
)
def test_the_mean_is_that_of_the_required_targets(
    make_record: MakeRecord, targets: tuple[str, ...], mean: str, passed: bool
) -> None:
    limit = Policy(required=Required(targets=targets), limits=Limits(advantage=None, mean_advantage=0.05))
    decision = judge(helping_on_one(make_record), limit, NOW)
    [clause] = [one for one in decision.clauses if one.name == "limits.mean_advantage"]
    assert (clause.passed, decision.passed) == (passed, passed)
    assert clause.said.startswith(f"{mean} over {', '.join(targets or ('glyphs', 'darcy'))} with ")


def test_a_mean_over_a_target_without_a_reference_is_none(make_record: MakeRecord) -> None:
    asked = Policy(required=Required(targets=("glyphs", "counting")), limits=Limits(advantage=None, mean_advantage=1))
    failed = {one.name: one.said for one in judge(make_record(), asked, NOW).failed}
    assert failed["limits.mean_advantage"].startswith("not every target has a reference")


@pytest.mark.parametrize(("targets", "passed"), [((), False), (("glyphs",), True), (("darcy",), False)])
def test_predictions_count_on_the_required_targets(
    make_record: MakeRecord, targets: tuple[str, ...], passed: bool
) -> None:
    high = PREDICTED[1].model_copy(update={"figure": PREDICTED[1].figure.model_copy(update={"high": 0.9})})
    asked = Policy(required=Required(targets=targets), limits=Limits(estimate=0.5))
    assert judge(make_record(predicted=(PREDICTED[0], high)), asked, NOW).passed == passed


def test_a_required_target_without_a_prediction_fails(make_record: MakeRecord) -> None:
    [failed] = judge(make_record(predicted=PREDICTED[:1]), Policy(limits=Limits(estimate=0.5)), NOW).failed
    assert failed.said == "an attack was predicted on 1 of 2 targets"


def test_another_audits_advantages_are_not_believed(make_record: MakeRecord) -> None:
    strong, weak = make_record(attacked=0.9), make_record()
    forged = strong.model_copy(update={"advantages": weak.advantages, "summaries": weak.summaries}).sealed()
    assert forged.is_intact
    assert [one.name for one in judge(forged, Policy(), NOW).failed] == ["advantages"]


def test_an_attack_with_less_data_than_asked_for_has_not_run(make_record: MakeRecord) -> None:
    record = make_record()
    kept = tuple(one for one in record.attacks if one.attack != "fine-tune" or one.fraction < 1)
    partial = record.model_copy(update={"attacks": kept}).sealed()
    assert "required.attacks.fine-tune" in {one.name for one in judge(partial, Policy(), NOW).failed}


def test_a_quick_audit_has_no_advantage_to_show(make_record: MakeRecord) -> None:
    quick = make_record(advantages=(), summaries=())
    assert "limits.advantage" in {one.name for one in judge(quick, Policy(), NOW).failed}


@given(field=st.sampled_from(("headline", "created_at")), text=st.text(min_size=1))
def test_any_edit_by_hand_is_seen(make_record: MakeRecord, field: str, text: str) -> None:
    record = make_record()
    edited = record.model_copy(update={field: getattr(record, field) + text})
    assert record.is_intact
    assert not edited.is_intact


def test_a_record_survives_its_file(make_record: MakeRecord, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    record = make_record()
    path.write_text(record.model_dump_json(indent=1), encoding="utf-8")
    assert AuditRecord.model_validate_json(path.read_text()).is_intact
    assert gate(tmp_path, Policy(maximum_age_days=None)).passed


@pytest.mark.parametrize("name", policy_names())
def test_every_shipped_policy_is_read(name: str, make_record: MakeRecord) -> None:
    policy = load_policy(name)
    assert policy.note
    assert judge(make_record(), policy, NOW).passed
    assert not judge(make_record(by_surgery=0.7), policy, NOW).passed


class TestCommand:
    @pytest.fixture
    def report(self, make_record: MakeRecord, tmp_path: Path) -> Path:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        (tmp_path / "report.json").write_text(make_record(created_at=now).model_dump_json(), encoding="utf-8")
        return tmp_path

    def test_exit_0_where_all_is_met(self, report: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["gate", str(report), "--policy", "no-advantage", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["passed"] is True

    def test_exit_1_names_the_failed_clause(
        self, report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        policy = tmp_path / "strict.yaml"
        policy.write_text("limits: {advantage: -0.2}\n")
        assert run(["gate", str(report), "--policy", str(policy)]) == 1
        said = capsys.readouterr()
        assert "FAIL  limits.advantage: -0.050" in said.out
        assert said.err.strip().endswith("limits.advantage")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("limits: {advantge: 0}\n", "strict.yaml:1: limits.advantge: unknown key. Did you mean 'advantage'?"),
            ("required:\n  attacks: [finetune]\n", "strict.yaml:2: required.attacks"),
            ("maximum_age_days: -1\n", "strict.yaml:1: maximum_age_days"),
        ],
    )
    def test_exit_2_for_a_wrong_policy(
        self, report: Path, tmp_path: Path, text: str, expected: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        policy = tmp_path / "strict.yaml"
        policy.write_text(text)
        assert run(["gate", str(report), "--policy", str(policy)]) == 2
        assert expected in capsys.readouterr().err

    def test_exit_2_for_what_is_no_audit(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "report.json").write_text("{}")
        assert run(["gate", str(tmp_path), "--policy", "no-advantage"]) == 2
        assert "not the record of an audit" in capsys.readouterr().err
        assert run(["gate", str(tmp_path / "missing.json"), "--policy", "no-advantage"]) == 2

    def test_exit_2_for_an_unknown_policy(self, report: Path) -> None:
        with pytest.raises(UsageError, match="Did you mean 'no-advantage'"):
            load_policy("no-advantages")
        assert run(["gate", str(report), "--policy", "no-advantages"]) == 2


def test_a_policy_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("note: x\nrequired:\n  seeds: 0\n")
    with pytest.raises(ConfigError, match=r"p.yaml:3: required.seeds"):
        load_policy(path)
