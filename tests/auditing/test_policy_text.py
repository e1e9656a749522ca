"""The page on policies is held to the policies: every clause with its default, and examples that are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from archlock.attacks import ATTACKS
from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Keeps, Limits, Policy, Required, load_policy, policy_names
from archlock.documents import Document, validate
from archlock.strict_yaml import parse_yaml

from .conftest import MakeRecord

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
POLICIES = PAGE.read_text(encoding="utf-8")


def clauses(model: type[Document], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every key of a policy, dotted, with its default; sections are entered."""
    for name, info in model.model_fields.items():
        section = {"required": Required, "limits": Limits, "keeps": Keeps}.get(name)
        if section is None:
            yield prefix + name, info.default
        else:
            yield from clauses(section, f"{name}.")


def shown(default: object) -> str:
    """A default as YAML would have it."""
    if default is None or default == "":
        return "none" if default is None else "empty"
    if isinstance(default, tuple):
        return f"`[{', '.join(default)}]`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`".replace("True", "true")


@pytest.mark.parametrize(("name", "default"), list(clauses(Policy)), ids=lambda each: str(each)[:30])
def test_every_clause_of_a_policy_is_documented_with_its_default(name: str, default: object) -> None:
    [row] = [line for line in POLICIES.splitlines() if line.startswith(f"| `{name}` |")]
    assert row.split("|")[2].strip() == shown(default)


def test_policies_on_the_page_are_policies() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", POLICIES, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 3
    for text in examples:
        policy = validate(Policy, parse_yaml(text, "policies.md"))
        assert set(policy.required.attacks) <= set(ATTACKS)
    assert all(f"`{name}`" in POLICIES and load_policy(name).note for name in policy_names())


def test_every_clause_that_the_gate_names_is_on_the_page(make_record: MakeRecord) -> None:
    policy = Policy(
        required=Required(source="digits"),
        limits=Limits(value=1, estimate=1, mean_advantage=1),
        model_sha256="0" * 64,
        keeps=Keeps(source=0),
    )
    for clause in judge(make_record(), policy).clauses:
        section = ".".join(clause.name.split(".")[:2])
        assert f"`{section}`" in POLICIES
