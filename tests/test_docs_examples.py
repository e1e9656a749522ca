"""Documentation that promises to be true: the worked example is run as it stands, and lists are held to the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click import Command

from archlock.attacks import ATTACKS, reference_names
from archlock.auditing.budgets import BUDGETS
from archlock.auditing.estimators.registry import ESTIMATORS
from archlock.auditing.prediction.predicting import shipped_calibration
from archlock.auditing.record import AuditRecord
from archlock.cli.audit import command as audit_command

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDE = (DOCS / "audit.md").read_text(encoding="utf-8")


def fences(text: str, language: str) -> list[str]:
    """Fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_worked_example_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / "audit_example.md").read_text(encoding="utf-8")
    scope: dict[str, object] = {"__name__": "audit_example"}
    for number, block in enumerate(fences(text, "python"), start=1):
        exec(compile(block, f"audit_example.md, block {number}", "exec"), scope)
    report = scope["report"]
    assert isinstance(report, AuditRecord)
    assert {row.target for row in report.advantages} == {"textures", "glyphs"}
    said = capsys.readouterr().out
    assert report.headline in said
    assert "cancelled" in said
    assert said.count("advantage ") >= 2


def test_every_attack_is_in_the_guide_with_its_summary() -> None:
    rows = {line.split("|")[1].strip(" `"): line.split("|")[2].strip() for line in GUIDE.splitlines() if "|" in line}
    for name, attack in ATTACKS.items():
        assert rows[name] == attack.summary


def test_budgets_references_and_estimates_are_in_the_guide() -> None:
    for name, budget in BUDGETS.items():
        [row] = [line for line in GUIDE.splitlines() if line.startswith(f"| `{name}` |")]
        cells = [cell.strip() for cell in row.split("|")[3:-1]]
        rates, shares = (", ".join(f"{each:g}" for each in part) for part in (budget.learning_rates, budget.fractions))
        assert cells == [
            str(budget.steps),
            str(budget.batch),
            rates,
            shares,
            str(len(budget.seeds)),
            f"{budget.samples:,}",
        ]
    assert all(f"`{name}`" in GUIDE for name in reference_names())
    assert all(estimator.title in GUIDE for estimator in ESTIMATORS.values())


def test_the_coverage_in_the_guide_is_what_was_measured() -> None:
    shipped = shipped_calibration()
    assert set(shipped.kinds) == {"classification"}
    known = shipped.kinds["classification"]
    assert known.coverage is not None
    said = " ".join(GUIDE.split())
    assert f"fitted to {known.anchors} cases, {known.half_width:.2f} to either side" in said
    assert f"and {known.coverage:.1%} of {known.cases} other cases".replace("%", " %") in said
    assert f"attacked by {', '.join(shipped.attacks[:-1])} and {shipped.attacks[-1]};" in said


def test_every_option_of_the_command_is_in_the_guide() -> None:
    assert isinstance(audit_command, Command)
    options = {name for each in audit_command.params for name in each.opts if name.startswith("--")}
    assert {name for name in options if f"`{name}" not in GUIDE and f" {name} " not in GUIDE} == set()


@pytest.mark.parametrize("page", ["audit.md", "policies.md", "audit_example.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DOCS / link).exists(), link
