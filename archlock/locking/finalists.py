"""Which candidates are trained in full, and which of them becomes the release: attacks on validation targets decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.attacks import AttackResult, strongest
from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import Laboratory, TrainedModel
from archlock.locking.objective import Judge, Shortfall, explore, source_objective
from archlock.spaces.protocol import Genotype

TWIN_GENERATIONS = 10


@dataclass(frozen=True)
class Choice:
    """The outcome among finalists.

    Attributes:
        locked: the model that is released.
        twin: the unlocked twin: of the finalists chosen for the source alone whose parameters and multiply-adds
            match the locked model's, the strongest on the source's validation part.
        source_only: the best finalist chosen for the source alone, whatever its size.
        within_tolerance: the locked model's validation metric is within the tolerance of ``source_only``.
        finalists: every finalist trained, in the order of their predicted lock.
        validation_attacks: attacks on validation targets by genotype.
        matched: the twin's parameters and multiply-adds match; else it is the nearest in size that was found.
    """

    locked: TrainedModel
    twin: TrainedModel
    source_only: TrainedModel
    within_tolerance: bool
    matched: bool
    finalists: tuple[TrainedModel, ...]
    validation_attacks: dict[Genotype, list[AttackResult]]


def choose(laboratory: Laboratory, judge: Judge) -> Choice:
    """Train finalists on the source, attack them on validation targets, choose the release, and find its twin."""
    for_source = laboratory.train(_best_for_source(judge, laboratory.plan.settings.finalists.count))
    source_only = max(for_source, key=lambda model: model.validation)
    floor = source_floor(laboratory, source_only.validation)
    finalists = _train_admissible(laboratory, judge, floor)
    admissible = [model for model in finalists if model.validation >= floor]
    within = bool(admissible)
    contenders = admissible or [max(finalists, key=lambda model: model.validation)]
    attacks = _attack(laboratory, contenders)
    locked = min(contenders, key=lambda model: (_reached(attacks[model.genotype]), model.genotype))
    twin, matched = _find_twin(laboratory, judge, locked)
    return Choice(locked, twin, source_only, within, matched, tuple(finalists), attacks)


def source_floor(laboratory: Laboratory, best: float) -> float:
    """Least admissible source metric, in raw units."""
    source = laboratory.plan.settings.source
    return max(best - source.tolerance, source.at_least if source.at_least is not None else -np.inf)


def _best_for_source(judge: Judge, count: int) -> list[Genotype]:
    """Candidates within the budgets with the best predicted source metric, by a search for the source alone."""
    explore(judge, source_objective, judge.over_budget, stage="source alone", seeds=judge.knowledge.population)
    return [one.genotype for one in _for_source(judge, judge.over_budget)[:count]]


def _for_source(judge: Judge, shortfall: Shortfall) -> list[Candidate]:
    """All candidates, those that meet the constraint first, the best predicted source metric first among them."""
    return sorted(judge.candidates.values(), key=lambda one: (shortfall(one), -one.source, one.genotype))


def _train_admissible(laboratory: Laboratory, judge: Judge, floor: float) -> list[TrainedModel]:
    """Train the best locked candidates; where none keeps the source metric, one more round of the next best.

    Where none is predicted to keep it, those that are predicted to miss it least are trained: a prediction alone must
    not end a run, since training decides what is within tolerance.
    """
    count = laboratory.plan.settings.finalists.count
    affordable = [one for one in judge.candidates.values() if judge.over_budget(one) == 0]
    admissible = [one for one in affordable if one.shortfall == 0]
    if admissible:
        ranked = sorted(admissible, key=lambda one: (one.lock, one.genotype))
    else:
        ranked = sorted(affordable, key=lambda one: (one.shortfall, one.lock, one.genotype))
    models = laboratory.train([one.genotype for one in ranked[:count]])
    if not any(model.validation >= floor for model in models):
        models += laboratory.train([one.genotype for one in ranked[count : 2 * count]])
    return models


def _attack(laboratory: Laboratory, models: Sequence[TrainedModel]) -> dict[Genotype, list[AttackResult]]:
    plan = laboratory.plan
    targets, budget = plan.settings.targets.validation, plan.budgets[-1]
    return laboratory.attack(models, targets, plan.attacks, (budget,), "attack finalists")


def _reached(results: Sequence[AttackResult]) -> float:
    """What attackers reach on validation targets: the strongest attack as released, and with surgery, count alike."""
    by_target: dict[str, list[AttackResult]] = {}
    for result in results:
        by_target.setdefault(result.target, []).append(result)
    as_released = [
        strongest(one for one in group if not one.is_surgery).best.validation for group in by_target.values()
    ]
    with_surgery = [strongest(group).best.validation for group in by_target.values()]
    return float(np.mean(as_released) + np.mean(with_surgery)) / 2


def _find_twin(laboratory: Laboratory, judge: Judge, locked: TrainedModel) -> tuple[TrainedModel, bool]:
    """Search for the source alone under the locked model's size, train the best, keep the strongest on the source."""
    like = judge.candidates[locked.genotype].cost
    match = laboratory.plan.settings.finalists.match

    def mismatch(one: Candidate) -> float:
        sizes = ((one.cost.parameters, like.parameters), (one.cost.macs, like.macs))
        return judge.over_budget(one) + sum(max(0.0, abs(size / wanted - 1) - match) for size, wanted in sizes)

    known = [one.genotype for one in _for_source(judge, mismatch)]
    population = laboratory.plan.settings.engine.population
    explore(judge, source_objective, mismatch, stage="twin", seeds=known[:population], generations=TWIN_GENERATIONS)
    ranked = [one for one in _for_source(judge, mismatch) if one.genotype != locked.genotype]
    chosen = ranked[: laboratory.plan.settings.finalists.count]
    matching = [one for one in chosen if mismatch(one) == 0] or chosen[:1]
    models = laboratory.train([one.genotype for one in matching])
    return max(models, key=lambda model: model.validation), mismatch(matching[0]) == 0
