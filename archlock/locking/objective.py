"""What the engine optimises: predicted scores and modelled costs of canonical genotypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from archlock.attacks import edits
from archlock.engines import Archive, Evaluation, make_engine, optimise
from archlock.locking.budgets import excess
from archlock.locking.candidate import Candidate
from archlock.locking.knowledge import Knowledge
from archlock.locking.laboratory import HardwareCost, Laboratory
from archlock.locking.lock import PredictedLock
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype

Objectives = Callable[[Candidate], tuple[float, ...]]
Shortfall = Callable[[Candidate], float]


class Judge:
    """Judges genotypes with what a search knows; remembers every candidate by its canonical genotype."""

    def __init__(self, laboratory: Laboratory, knowledge: Knowledge) -> None:
        self.laboratory = laboratory
        self.knowledge = knowledge
        self.candidates: dict[Genotype, Candidate] = {}
        self.floor = knowledge.best_source_label - laboratory.plan.settings.source.micro_tolerance
        self._source_labels = knowledge.labels(knowledge.source)

    def judge(self, genotypes: Sequence[Genotype], stage: str) -> list[Candidate]:
        """Candidates in the order of the genotypes."""
        fresh = [genotype for genotype in dict.fromkeys(genotypes) if genotype not in self.candidates]
        if fresh:
            costs = self.laboratory.cost(fresh, stage)
            predicted = self.knowledge.predict(fresh)
            robust = self._robust(fresh, predicted.transfer_mean)
            columns = (predicted.source, predicted.transfer_mean, predicted.transfer_worst, robust)
            for genotype, *row in zip(fresh, *columns, strict=True):
                self.candidates[genotype] = self._candidate(genotype, [float(value) for value in row], costs[genotype])
        return [self.candidates[genotype] for genotype in genotypes]

    def over_budget(self, one: Candidate) -> float:
        """How far a candidate's cost is above the hardware budgets, relative to each, summed."""
        return self._over(one.cost)

    def _candidate(self, genotype: Genotype, scores: list[float], cost: HardwareCost) -> Candidate:
        source, mean, worst, robust = scores
        return Candidate(genotype, source, mean, worst, robust, cost, self._below(source) + self._over(cost))

    def labelled_shortfall(self, one: Candidate) -> float:
        """Shortfall by the candidate's own source label where it has one, else as predicted."""
        label = self._source_labels.get(one.genotype)
        return one.shortfall if label is None else self._below(label) + self._over(one.cost)

    def _below(self, source: float) -> float:
        return max(0.0, self.floor - source) / max(abs(self.floor), 1e-9)

    def _over(self, cost: HardwareCost) -> float:
        return excess(self.laboratory.plan, cost)

    def _robust(self, genotypes: Sequence[Genotype], own: FloatArray) -> FloatArray:
        """Highest mean transfer score over each genotype and what one surgery makes of it, shape (n,)."""
        plan = self.laboratory.plan
        edited = [list(edits(plan.space, genotype, plan.settings.attacks.edits).values()) for genotype in genotypes]
        flat = [genotype for group in edited for genotype in group]
        if not flat:
            return own
        scores = self.knowledge.predict(flat).transfer_mean
        groups = np.split(scores, np.cumsum([len(group) for group in edited])[:-1])
        return np.array([max([value, *group]) for value, group in zip(own, groups, strict=True)])


def lock_objectives(lock: PredictedLock, robust: bool) -> Objectives:
    """Source up; transfer down, mean and worst, and robust where asked; latency and energy down; all minimised.

    Transfer scores count by how far they are from what size and source score explain; see `PredictedLock`.
    """

    def objectives(one: Candidate) -> tuple[float, ...]:
        mean, worst, after_edits = map(float, lock.excess([one])[0])
        transfer = (mean, worst, after_edits) if robust else (mean, worst)
        return (-one.source, *transfer, one.cost.latency_s, one.cost.energy_j)

    return objectives


def source_objective(one: Candidate) -> tuple[float, ...]:
    """The source alone, to be minimised."""
    return (-one.source,)


def explore(
    judge: Judge,
    objectives: Objectives,
    shortfall: Shortfall,
    *,
    stage: str,
    seeds: Sequence[Genotype] = (),
    generations: int | None = None,
) -> list[Candidate]:
    """Optimise over the space; the judge remembers everything it saw on the way.

    Args:
        judge: scores genotypes.
        objectives: what is minimised.
        shortfall: constraint violation of a candidate, 0 where admissible.
        stage: seeds the engine.
        seeds: genotypes that the engine is told of before it is first asked.
        generations: number of generations, as configured by default.

    Returns:
        The constrained Pareto front.
    """
    settings = judge.laboratory.plan.settings
    rng = numpy_generator(settings.seed, "engine", stage)
    engine = make_engine(settings.engine.name, judge.laboratory.plan.space, settings.engine.population, rng)

    def evaluate(genotypes: Sequence[Genotype]) -> list[Evaluation]:
        judged = judge.judge(genotypes, "search")
        return [Evaluation(one.genotype, objectives(one), shortfall(one)) for one in judged]

    known = evaluate(seeds)
    engine.tell(known)
    archive = Archive(list(known))
    for generation in optimise(
        engine, evaluate, settings.engine.step or settings.engine.population, generations or settings.engine.generations
    ):
        archive.evaluations[len(known) :] = generation.evaluations
    return [judge.candidates[evaluation.genotype] for evaluation in archive.front()]
