"""The unlocked twin: what the same search finds for the source alone, at the size of the release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import Laboratory, TrainedModel
from archlock.locking.objective import Judge, Shortfall, explore, source_objective
from archlock.locking.plan import VERIFICATIONS
from archlock.locking.ranking import for_source
from archlock.spaces.protocol import Genotype
from archlock.spaces.text import format_genotype

TWIN_GENERATIONS = 6


@dataclass(frozen=True)
class Twin:
    """The strongest of those that were trained.

    Attributes:
        model: trained like the release.
        matched: parameters and multiply-adds match the release's; else it is the nearest in size that was found.
        verified: source metric over several validation parts, of all that were trained.
    """

    model: TrainedModel
    matched: bool
    verified: Mapping[Genotype, float]


def find_twin(laboratory: Laboratory, judge: Judge, locked: Genotype) -> Twin:
    """Search for the source alone at a release's size, train and verify the best few, keep the strongest.

    It is verified as finalists are: the best of three on one small validation part would be partly lucky, and a
    weaker twin than need be.

    Args:
        laboratory: where they are trained.
        judge: holds every candidate.
        locked: the release.
    """
    ranked = of_size(judge, locked)
    mismatch = size_mismatch(judge, locked)
    matching = [one for one in ranked if mismatch(one) == 0][: laboratory.plan.settings.finalists.count]
    models = laboratory.train([one.genotype for one in matching or ranked[:1]])
    verified = laboratory.verify(models, VERIFICATIONS)
    return Twin(max(models, key=lambda model: verified[model.genotype]), bool(matching), verified)


def of_size(judge: Judge, genotype: Genotype) -> list[Candidate]:
    """All others by predicted source metric, those of an architecture's size first, after a search at that size."""
    mismatch = size_mismatch(judge, genotype)
    known = [one.genotype for one in for_source(judge, mismatch)]
    population = judge.laboratory.plan.settings.engine.population
    stage = f"twin of {format_genotype(genotype)}"
    explore(judge, source_objective, mismatch, stage=stage, seeds=known[:population], generations=TWIN_GENERATIONS)
    return [one for one in for_source(judge, mismatch) if one.genotype != genotype]


def size_mismatch(judge: Judge, genotype: Genotype) -> Shortfall:
    """How far a candidate's size is from an architecture's, beyond the tolerance, and its cost beyond the budgets."""
    like = judge.candidates[genotype].cost
    match = judge.laboratory.plan.settings.finalists.match

    def mismatch(one: Candidate) -> float:
        sizes = ((one.cost.parameters, like.parameters), (one.cost.macs, like.macs))
        return judge.over_budget(one) + sum(max(0.0, abs(size / wanted - 1) - match) for size, wanted in sizes)

    return mismatch
