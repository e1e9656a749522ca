"""What every result is shown beside: source-only, the published vote, the peeking pick (`leak`), and the oracle.

These read the table, not the ledger: they are references, not methods. Random admissible classes need no picks, their
expected percentile is known exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archlock.locking.tabular.metrics import Judge, Judgement
from archlock.locking.tabular.problem import PICKS
from archlock.proxies.voting import vote
from archlock.scores import FloatArray, ScoreBatch

LEAK_DRAWS = 40
"""Architectures that the published search proposes before it peeks."""

SOURCE_WEIGHT = 2.0
"""Weight of the source rank in the fitness rank_T - 2 rank_S (ArchLock, ICLR 2024)."""

Picks = tuple[int, ...]


def source_only(source: FloatArray) -> Picks:
    """The five classes that are best on the source: what a release without a lock chooses. ``source``: (classes,)."""
    return tuple(int(index) for index in np.lexsort((np.arange(len(source)), -source))[:PICKS])


def leak(judge: Judge, rng: np.random.Generator) -> Picks:
    """The published final pick: of forty random admissible classes the five with the lowest *true* target value.

    It reads the answer, and no other method here may. Draws stand for the published search, whose proposals are
    filtered by true source accuracy too; forty of them reach its headline.
    """
    admissible = np.flatnonzero(judge.admissible)
    drawn = rng.permutation(admissible)[:LEAK_DRAWS]
    order = drawn[np.argsort(judge.target[drawn], kind="stable")]
    return tuple(int(index) for index in order[:PICKS])


def vote_fitness(source: Mapping[str, ScoreBatch], target: Mapping[str, ScoreBatch]) -> FloatArray:
    """Fitness rank_T - 2 rank_S of the paper from two sets of proxies, lower is the better lock; shape (classes,)."""
    return vote(target) - SOURCE_WEIGHT * vote(source)


def vote_picks(fitness: FloatArray, source: FloatArray, threshold: float, labels: int) -> Picks:
    """The paper's vote, honestly: go down the fitness and verify on the source, within the budget of labels.

    The best labelled classes fill up where fewer than five are admissible.

    Args:
        fitness: shape (classes,), lower first.
        source: shape (classes,), raw values; ``labels`` of them are looked at.
        threshold: raw source value.
        labels: how many classes may be verified.
    """
    looked = np.argsort(fitness, kind="stable")[: max(labels, PICKS)]
    met = looked[source[looked] >= threshold]
    best = looked[np.argsort(-source[looked], kind="stable")]
    return tuple(int(index) for index in dict.fromkeys([*met.tolist(), *best.tolist()]))[:PICKS]


def baselines(
    judge: Judge,
    source: FloatArray,
    threshold: float,
    labels: int,
    rng: np.random.Generator,
    fitness: FloatArray | None = None,
) -> dict[str, tuple[Picks, Judgement]]:
    """Picks and judgement of every baseline; ``vote`` only where the table has proxies.

    Args:
        judge: the judge of the pair.
        source: shape (classes,), raw source values that may be bought.
        threshold: raw source value in their units.
        labels: budget of the vote's verification.
        rng: of the peeking pick.
        fitness: shape (classes,), of `vote_fitness`.
    """
    picks = {"source_only": source_only(source)}
    if fitness is not None:
        picks["vote"] = vote_picks(fitness, source, threshold, labels)
    picks |= {"leak": leak(judge, rng), "oracle": judge.oracle_picks()}
    return {name: (chosen, judge.judge(chosen)) for name, chosen in picks.items()}
