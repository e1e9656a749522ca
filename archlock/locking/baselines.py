"""What a search without its parts would have released, from the same labels: shown beside every result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from archlock.locking.objective import Judge
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype


def random_admissible(judge: Judge) -> Genotype:
    """One of the random population that is predicted admissible, drawn at random; any one where none is."""
    seen = judge.judge(judge.knowledge.population, "search")
    admissible = [one.genotype for one in seen if one.shortfall == 0] or [one.genotype for one in seen]
    rng = numpy_generator(judge.laboratory.plan.settings.seed, "random admissible")
    return admissible[int(rng.integers(len(admissible)))]


def proxy_vote(judge: Judge) -> Genotype:
    """What the paper's proxy vote alone would choose of the population: the least of rank_T - 2 rank_S."""
    knowledge = judge.knowledge
    source = judge.laboratory.plan.settings.source.task.title
    ranks = {title: rankdata(known.votes) for title, known in knowledge.tasks.items()}
    targets = np.mean([rank for title, rank in ranks.items() if title != source], axis=0)
    return knowledge.population[int(np.argmin(targets - 2 * ranks[source]))]


BASELINES: dict[str, Callable[[Judge], Genotype]] = {
    "random admissible": random_admissible,
    "proxy vote": proxy_vote,
}
"""Baseline to its pick; the source-only winner comes with the finalists."""
SOURCE_ONLY = "source-only winner"
