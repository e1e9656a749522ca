"""How hard an audit tries: three sizes of attacker, each a superset of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archlock.attacks import ATTACKS, AttackBudget
from archlock.errors import UsageError, did_you_mean

BudgetName = Literal["quick", "standard", "thorough"]
PROBES = ("linear-probe", "hidden-probe")
"""Attacks that train nothing of the body, so that a model which loads in evaluation mode alone meets them in full."""
LEFT_OUT = "left out, though the budget has it"
"""Why an attack was not run that the budget of its name has, and that was not asked for."""


@dataclass(frozen=True)
class AuditBudget:
    """What the attacker may spend.

    Attributes:
        name: of the budget.
        attacks: which attacks are tried; surgeries that a model has no use for are left out.
        steps: gradient steps of a trial with all of the data; fewer with the root of the fraction.
        batch: samples per step.
        learning_rates: each is a trial.
        fractions: shares of the target's training data, ascending.
        seeds: each attack is run once per seed.
        repeats: further seeds of what decides an advantage: the strongest attack and reference per target and share.
        samples: most training, validation and test samples per target, each.
        references: public architectures are trained from scratch, too.
    """

    name: BudgetName
    attacks: tuple[str, ...]
    steps: int
    batch: int
    learning_rates: tuple[float, ...]
    fractions: tuple[float, ...]
    seeds: tuple[int, ...]
    samples: int
    references: bool
    repeats: tuple[int, ...] = ()

    @property
    def tunes(self) -> bool:
        """Some attack trains more than a head on frozen features."""
        return not set(self.attacks) <= set(PROBES)

    def at(self, fraction: float) -> AttackBudget:
        """One attack's budget at a share of the data: with a quarter of it half the steps are twice the epochs."""
        steps = max(1, round(self.steps * fraction**0.5))
        return AttackBudget(fraction, steps, self.batch, self.learning_rates)


BUDGETS: dict[str, AuditBudget] = {
    # What a reviewer waits for: one pass over each target's samples, probes, and a calibrated prediction of the rest.
    "quick": AuditBudget("quick", ("linear-probe",), 100, 32, (0.01,), (1.0,), (0,), 200, references=False),
    # Every attack, at the quickstart's schedule; the learning rates are those of a search. What decides the verdict is
    # run with three seeds, so that its interval holds the noise of training.
    "standard": AuditBudget(
        "standard", tuple(ATTACKS), 80, 32, (0.003, 0.01), (0.25, 1.0), (0,), 5_000, True, repeats=(1, 2)
    ),
    # Until more steps bring little: five times the schedule, three rates, three seeds, a curve over the data.
    "thorough": AuditBudget(
        "thorough", tuple(ATTACKS), 400, 32, (0.001, 0.003, 0.01), (0.1, 0.25, 0.5, 1.0), (0, 1, 2), 50_000, True
    ),
}


def find_budget(name: str) -> AuditBudget:
    """A budget by name.

    Raises:
        UsageError: no budget of that name.
    """
    if name not in BUDGETS:
        raise UsageError(f"budget {name!r} is not known.{did_you_mean(name, tuple(BUDGETS))}")
    return BUDGETS[name]
