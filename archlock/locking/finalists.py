"""Which candidates are trained in full, and which of them becomes the release: attacks on validation targets decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.attacks import AttackResult, strongest
from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import Laboratory, TrainedModel
from archlock.locking.objective import Judge
from archlock.locking.plan import TRAINED_PER_FINALIST, VERIFICATIONS, VERIFIED_PER_FINALIST, Plan
from archlock.locking.ranking import affordable, diverse, for_source
from archlock.locking.twin import find_twin
from archlock.spaces.protocol import Genotype


@dataclass(frozen=True)
class Choice:
    """The outcome among finalists.

    Attributes:
        locked: the model that is released.
        twin: the unlocked twin, see `find_twin`.
        source_only: the best finalist chosen for the source alone, whatever its size.
        within_tolerance: the locked model's verified metric is within the tolerance of that of ``source_only``.
        verified: source metric over several validation parts, of those chosen for the source alone, the twin among
            them, and of the finalists worth verifying.
        finalists: every architecture trained for its lock, the strongest lock first.
        validation_attacks: attacks on validation targets and on the library by genotype: finalists within tolerance.
        matched: the twin's parameters and multiply-adds match; else it is the nearest in size that was found.
    """

    locked: TrainedModel
    twin: TrainedModel
    source_only: TrainedModel
    within_tolerance: bool
    verified: Mapping[Genotype, float]
    matched: bool
    finalists: tuple[TrainedModel, ...]
    validation_attacks: dict[Genotype, list[AttackResult]]


def choose(laboratory: Laboratory, judge: Judge, ranked: Sequence[Candidate]) -> Choice:
    """Train finalists on the source, verify them, attack those within tolerance, choose.

    The release is the one that gives attackers least on validation targets and on the library, whatever its size: it
    is not compared with what may become its twin, so that the choice does not favour a weak one.

    Args:
        laboratory: where finalists are trained and attacked.
        judge: holds every candidate, those of a search for the source alone among them.
        ranked: candidates in the order in which they are worth training, see `for_release`.
    """
    count = laboratory.plan.settings.finalists.count
    leaders = laboratory.train([one.genotype for one in for_source(judge, judge.over_budget)[:count]])
    floor = source_floor(laboratory.plan, max(model.validation for model in leaders))
    finalists = laboratory.train(diverse(affordable(judge, ranked), TRAINED_PER_FINALIST * count))
    within = [model for model in finalists if model.validation >= floor]
    hopeful = within[: VERIFIED_PER_FINALIST * count] or [max(finalists, key=lambda model: model.validation)]
    verified = laboratory.verify([*leaders, *hopeful], VERIFICATIONS)
    source_only = max(leaders, key=lambda model: verified[model.genotype])
    floor = source_floor(laboratory.plan, verified[source_only.genotype])
    admissible = [model for model in hopeful if verified[model.genotype] >= floor]
    contenders = admissible or [max(hopeful, key=lambda model: verified[model.genotype])]
    attacks = _attack(laboratory, contenders)
    locked = min(contenders, key=lambda model: (_reached(attacks[model.genotype]), model.genotype))
    twin = find_twin(laboratory, judge, locked.genotype)
    return Choice(
        locked,
        twin.model,
        source_only,
        bool(admissible),
        {**verified, **twin.verified},
        twin.matched,
        tuple(finalists),
        attacks,
    )


def source_floor(plan: Plan, best: float) -> float:
    """Least admissible source metric, in raw units, beside the best that is known."""
    source = plan.settings.source
    return max(best - source.tolerance, source.at_least if source.at_least is not None else -np.inf)


def _attack(laboratory: Laboratory, models: Sequence[TrainedModel]) -> dict[Genotype, list[AttackResult]]:
    """Validation attacks at the largest budget.

    One task tells little of another. The library's labels chose finalists by short trainings; on the trained models
    they are measured anew.
    """
    plan = laboratory.plan
    targets = plan.settings.targets.validation + plan.settings.targets.search
    return laboratory.attack(models, targets, plan.validation_attacks, plan.budgets[-1:], "attack finalists")


def _reached(results: Sequence[AttackResult]) -> float:
    """What attackers reach, mean over targets: the strongest attack as released, and with surgery, count alike."""
    by_target: dict[str, list[AttackResult]] = {}
    for result in results:
        by_target.setdefault(result.target, []).append(result)
    as_released = [
        strongest(one for one in group if not one.is_surgery).best.validation for group in by_target.values()
    ]
    with_surgery = [strongest(group).best.validation for group in by_target.values()]
    return float(np.mean(as_released) + np.mean(with_surgery)) / 2
