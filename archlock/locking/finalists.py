"""Which candidates are trained in full, and which of them becomes the release: attacks on validation targets decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.attacks import AttackResult, strongest
from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import Laboratory, TrainedModel
from archlock.locking.objective import Judge, Shortfall, explore, source_objective
from archlock.locking.ranking import affordable, diverse, for_source
from archlock.spaces.protocol import Genotype
from archlock.spaces.text import format_genotype

TWIN_GENERATIONS = 6
VERIFICATIONS = 2
"""Further trainings of a finalist, each judged by other validation samples."""
TRAINED_PER_FINALIST = 3
"""A short training tells little of who keeps the source metric in a full one: more are trained than are attacked."""


@dataclass(frozen=True)
class Choice:
    """The outcome among finalists.

    Attributes:
        locked: the model that is released.
        twin: the unlocked twin: of the finalists chosen for the source alone whose parameters and multiply-adds
            match the locked model's, the strongest on the source's validation part.
        source_only: the best finalist chosen for the source alone, whatever its size.
        within_tolerance: the locked model's verified metric is within the tolerance of that of ``source_only``.
        verified: source metric over several validation parts, of ``source_only`` and of the finalists worth verifying.
        finalists: every architecture trained for its lock, the strongest lock first.
        validation_attacks: attacks on validation targets by genotype: finalists within tolerance, and a peer of each
            one's size.
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
    """Train finalists on the source, attack each and a peer of its size on validation targets, choose, find the twin.

    Args:
        laboratory: where finalists are trained and attacked.
        judge: holds every candidate, those of a search for the source alone among them.
        ranked: candidates in the order in which they are worth training, see `for_release`.
    """
    count = laboratory.plan.settings.finalists.count
    best = [one.genotype for one in for_source(judge, judge.over_budget)[:count]]
    source_only = max(laboratory.train(best), key=lambda model: model.validation)
    floor = source_floor(laboratory, source_only.validation)
    finalists = laboratory.train(diverse(affordable(judge, ranked), TRAINED_PER_FINALIST * count))
    within = [model for model in finalists if model.validation >= floor]
    hopeful = within[: 2 * count] or [max(finalists, key=lambda model: model.validation)]
    verified = laboratory.verify([source_only, *hopeful], VERIFICATIONS)
    floor = source_floor(laboratory, verified[source_only.genotype])
    admissible = [model for model in hopeful if verified[model.genotype] >= floor][:count]
    contenders = admissible or [max(hopeful, key=lambda model: verified[model.genotype])]
    peers = {model.genotype: _peers(judge, model.genotype) for model in contenders}
    attacks = _attack(laboratory, contenders, [ranked[0].genotype for ranked in peers.values()])

    def gain(model: TrainedModel) -> float:
        peer = peers[model.genotype][0].genotype
        return _reached(attacks[peer]) - _reached(attacks[model.genotype])

    locked = max(contenders, key=lambda model: (gain(model), model.genotype))
    matching = [one for one in peers[locked.genotype][:count] if _mismatch(judge, locked.genotype)(one) == 0]
    candidates = matching or peers[locked.genotype][:1]
    twin = max(laboratory.train([one.genotype for one in candidates]), key=lambda model: model.validation)
    return Choice(locked, twin, source_only, bool(admissible), verified, bool(matching), tuple(finalists), attacks)


def source_floor(laboratory: Laboratory, best: float) -> float:
    """Least admissible source metric, in raw units."""
    source = laboratory.plan.settings.source
    return max(best - source.tolerance, source.at_least if source.at_least is not None else -np.inf)


def _attack(
    laboratory: Laboratory, models: Sequence[TrainedModel], peers: Sequence[Genotype]
) -> dict[Genotype, list[AttackResult]]:
    """Validation attacks at the largest budget, on models and peers."""
    plan = laboratory.plan
    everyone = {model.genotype: model for model in (*models, *laboratory.train(list(dict.fromkeys(peers))))}
    targets, budget = plan.settings.targets.validation, plan.budgets[-1]
    return laboratory.attack(list(everyone.values()), targets, plan.validation_attacks, (budget,), "attack finalists")


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


def _mismatch(judge: Judge, genotype: Genotype) -> Shortfall:
    """How far a candidate's size is from an architecture's, beyond the tolerance, and its cost beyond the budgets."""
    like = judge.candidates[genotype].cost
    match = judge.laboratory.plan.settings.finalists.match

    def mismatch(one: Candidate) -> float:
        sizes = ((one.cost.parameters, like.parameters), (one.cost.macs, like.macs))
        return judge.over_budget(one) + sum(max(0.0, abs(size / wanted - 1) - match) for size, wanted in sizes)

    return mismatch


def _peers(judge: Judge, genotype: Genotype) -> list[Candidate]:
    """Architectures of the same size by predicted source metric, after a search for the source alone at that size."""
    mismatch = _mismatch(judge, genotype)
    known = [one.genotype for one in for_source(judge, mismatch)]
    population = judge.laboratory.plan.settings.engine.population
    stage = f"twin of {format_genotype(genotype)}"
    explore(judge, source_objective, mismatch, stage=stage, seeds=known[:population], generations=TWIN_GENERATIONS)
    return [one for one in for_source(judge, mismatch) if one.genotype != genotype]
