"""What an audit is of and what was not done, as the record says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archlock.attacks import ATTACKS
from archlock.attacks.grafts import GRAFTS
from archlock.auditing.binding import Bound
from archlock.auditing.budgets import BUDGETS, LEFT_OUT, PROBES
from archlock.auditing.plan import AuditPlan
from archlock.auditing.record import AttackLine, BudgetFacts, ModelFacts, NotRun
from archlock.auditing.subject import HeldModel
from archlock.hwcost import trace

SURGERY = "surgery:"


def model_facts(bound: Bound, weakened: Sequence[str]) -> ModelFacts:
    """The audited model, and how attacks on it are weakened."""
    model = bound.plan.subject.load()
    assert model.network is not None  # a loot was made of it
    return ModelFacts(
        name=model.name,
        form=model.form,
        sha256=bound.model_sha256,
        hashed=bound.parts,
        parameters=sum(parameter.numel() for parameter in model.network.parameters()),
        macs=trace(model.network, (1, *model.input_shape)).macs,
        input_shape=model.input_shape,
        outputs=model.outputs,
        weakened=tuple(weakened),
        converted=model.converted,
    )


def budget_facts(plan: AuditPlan) -> BudgetFacts:
    """What the attacker could spend."""
    given = plan.budget
    return BudgetFacts(
        name=given.name,
        steps=given.steps,
        batch=given.batch,
        learning_rates=given.learning_rates,
        fractions=given.fractions,
        seeds=given.seeds,
        samples=given.samples,
        repeats=given.repeats,
    )


def settings_of(plan: AuditPlan) -> dict[str, Any]:
    """What was asked for, as plain JSON."""
    subject = plan.subject
    return {
        "model": subject.load().name if isinstance(subject, HeldModel) else subject.what,
        "source": plan.source.model_dump(mode="json"),
        "targets": [target.model_dump(mode="json") for target in plan.targets],
        "budget": plan.budget.name,
        "attacks": list(plan.budget.attacks),
        "reference": None if plan.reference is None else plan.reference.load().name,
    }


def not_run(plan: AuditPlan, attacks: Sequence[AttackLine], weakened: Sequence[str]) -> Iterator[NotRun]:
    """What an attacker could do besides, and why it was not done; what is weakened counts as not run.

    Args:
        plan: what was asked for.
        attacks: what was done.
        weakened: why attacks that train the body are weaker than a thief's.
    """
    ran, asked, named = {line.attack for line in attacks}, plan.budget.attacks, plan.budget.name
    surgeries = {SURGERY + edit for edit in (*plan.case(plan.source).loot().surgeries(), *GRAFTS)}
    for name in ATTACKS:
        if name.startswith(SURGERY) and name not in surgeries:
            continue
        if name not in asked:
            left_out = name in BUDGETS[named].attacks
            yield NotRun(attack=name, reason=LEFT_OUT if left_out else f"not part of the budget {named}")
        elif name not in ran:
            yield NotRun(attack=name, reason="nothing to change, or no data that it needs")
        elif weakened and name not in PROBES:
            yield NotRun(attack=name, reason=f"attack weakened: {'; '.join(weakened)}")
