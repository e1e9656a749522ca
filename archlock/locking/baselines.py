"""What a search without its parts would have released, from the same labels: shown beside every result.

A baseline ranks architectures; the first that keeps the source metric once trained, among the first few, is its pick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import rankdata

from archlock.locking.lock import measured_locks
from archlock.locking.objective import Judge
from archlock.locking.plan import TRAINED_PER_FINALIST
from archlock.locking.ranking import diverse
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype


def random_admissible(judge: Judge) -> list[Genotype]:
    """Some of the random population that are predicted admissible, drawn at random; any where none is."""
    seen = judge.judge(judge.knowledge.population, "search")
    admissible = [one.genotype for one in seen if one.shortfall == 0] or [one.genotype for one in seen]
    order = _rng(judge, "random admissible").permutation(len(admissible))
    return [admissible[index] for index in order[:TRAINED_PER_FINALIST]]


def proxy_vote(judge: Judge) -> list[Genotype]:
    """What the paper's proxy vote alone would choose of the population: the least of rank_T - 2 rank_S."""
    knowledge = judge.knowledge
    ranks = {title: rankdata(known.votes) for title, known in knowledge.tasks.items()}
    targets = np.mean([rank for title, rank in ranks.items() if title != knowledge.source], axis=0)
    return [knowledge.population[int(np.argmin(targets - 2 * ranks[knowledge.source]))]]


def random_labels(judge: Judge) -> list[Genotype]:
    """The strongest measured locks of the random population: engine and predictor left out, and the labels they buy."""
    return _strongest(judge, judge.knowledge.simulated.weights, set(judge.knowledge.population))


def random_targets(judge: Judge) -> list[Genotype]:
    """The strongest measured locks where random weights of the library tasks stand for simulated targets."""
    titles = list(judge.knowledge.simulated.weights)
    weights = _rng(judge, "random targets").dirichlet(np.ones(len(titles)))
    return _strongest(judge, dict(zip(titles, map(float, weights), strict=True)), set(judge.knowledge.architectures))


def _strongest(judge: Judge, weights: Mapping[str, float], among: set[Genotype]) -> list[Genotype]:
    costs = {genotype: one.cost for genotype, one in judge.candidates.items()}
    locks = measured_locks(judge.knowledge, costs, weights)
    seen = [judge.candidates[genotype] for genotype in sorted(among & locks.keys())]
    ranked = sorted(seen, key=lambda one: (judge.labelled_shortfall(one), locks[one.genotype]))
    return diverse(ranked, TRAINED_PER_FINALIST) or random_admissible(judge)


def _rng(judge: Judge, purpose: str) -> np.random.Generator:
    return numpy_generator(judge.laboratory.plan.settings.seed, purpose)


BASELINES: dict[str, Callable[[Judge], list[Genotype]]] = {
    "random admissible": random_admissible,
    "proxy vote": proxy_vote,
    "random labels": random_labels,
    "random targets": random_targets,
}
"""Baseline to its ranking; the source-only winner comes with the finalists."""
SOURCE_ONLY = "source-only winner"
