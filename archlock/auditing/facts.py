"""What an audit is of and what was not done, as the record says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archlock.attacks import ATTACKS
from archlock.attacks.grafts import GRAFTS
from archlock.attacks.tuning import NORMS
from archlock.auditing.binding import Bound
from archlock.auditing.budgets import BUDGETS, LEFT_OUT, PROBES
from archlock.auditing.evasion.evasions import SPOIL_PROBES
from archlock.auditing.plan import AuditPlan
from archlock.auditing.record import AttackLine, BudgetFacts, ModelFacts, NotRun
from archlock.auditing.subject import HeldModel
from archlock.hwcost import trace

SURGERY = "surgery:"
NO_NORMS = (
    "no batch, layer or group normalisation to train: the model has none, they were folded into its convolutions, or "
    "its file holds them as bare operators"
)


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


def without_use(plan: AuditPlan) -> dict[str, str]:
    """Attacks that the model has nothing for, and why: they would be others under their names."""
    network = plan.subject.load().network
    assert network is not None  # a loot was made of it
    return {} if any(isinstance(module, NORMS) for module in network.modules()) else {"norms": NO_NORMS}


def not_run(plan: AuditPlan, attacks: Sequence[AttackLine], weakened: Sequence[str]) -> Iterator[NotRun]:
    """What an attacker could do besides, and why it was not done; what is weakened counts as not run.

    Args:
        plan: what was asked for.
        attacks: what was done.
        weakened: why attacks are weaker than a thief's; probes only by what spoils features.
    """
    ran, asked, named = {line.attack for line in attacks}, plan.budget.attacks, plan.budget.name
    surgeries = {SURGERY + edit for edit in (*plan.case(plan.source).loot().surgeries(), *GRAFTS)}
    unfit = without_use(plan)
    for name in ATTACKS:
        if name.startswith(SURGERY) and name not in surgeries:
            continue
        weaker = [each for each in weakened if name not in PROBES or each.startswith(SPOIL_PROBES)]
        if name not in asked:
            left_out = name in BUDGETS[named].attacks
            yield NotRun(attack=name, reason=LEFT_OUT if left_out else f"not part of the budget {named}")
        elif name not in ran:
            yield NotRun(attack=name, reason=unfit.get(name, "nothing to change, or no data that it needs"))
        elif weaker:
            yield NotRun(attack=name, reason=f"attack weakened: {'; '.join(weaker)}")
