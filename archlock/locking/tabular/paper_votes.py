"""What the paper's predictor learns from: the seven-proxy vote on the source and on simulated targets of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlock.locking.tabular.problem import IntArray, Pool
from archlock.predictors import PAPER_WIDTH, PairEvidence, nearest, simulate_targets
from archlock.proxies.voting import pairwise_votes
from archlock.scores import FloatArray, ScoreBatch
from archlock.seeding import numpy_generator

BLOCK = "voters_"
"""Pool features of this prefix are a task's proxies, see `archlock.locking.tabular.published`."""

SIMULATED, COSINE = 15, 0.9
"""K and d of the paper."""

PAIRS = 300
"""Voted pairs of a simulated target; the source has as many as all of them, since it is ranked against them."""


@dataclass(frozen=True)
class Voters:
    """The proxies that vote on a task.

    Attributes:
        scores: shape (classes, proxies), higher is better.
        of: task that they were scored on, which stands in where the table has none of the task itself; ``size`` where
            it has none at all and only the size of the networks votes.
    """

    scores: FloatArray
    of: str


def voters(pool: Pool, task: str) -> Voters:
    """A task's own proxies, else those of the first task that has any, else size."""
    scored = [name.removeprefix(BLOCK) for name in pool.features if name.startswith(BLOCK)]
    if scored:
        found = task if task in scored else scored[0]
        return Voters(pool.features[BLOCK + found], found)
    if "shape" in pool.features:  # log2 of weights and of multiply-accumulates, see `macro_shape`
        return Voters(pool.features["shape"][:, -2:], "size")
    return Voters((pool.operations > 1).sum(axis=1, keepdims=True).astype(np.float64), "size")


def embed_task(task: str, width: int = PAPER_WIDTH) -> FloatArray:
    """A table has no pictures to embed: a random direction of its own stands for each task; shape (width,)."""
    return numpy_generator(0, "table task", task).standard_normal(width)


@dataclass(frozen=True)
class Ballot:
    """Everything that the predictor is trained on and asked about.

    Attributes:
        source: shape (d,), embedding of the source.
        targets: shape (k, d), simulated targets.
        evidence: voted pairs, rows are classes.
        notes: task to the task whose proxies voted for it.
    """

    source: FloatArray
    targets: FloatArray
    evidence: tuple[PairEvidence, ...]
    notes: dict[str, str]


def hold_vote(pool: Pool, source: str, panel: IntArray, rng: np.random.Generator, simulate: bool = True) -> Ballot:
    """Let the proxies vote on pairs of a panel: the source's own, and for each simulated target the nearest task's.

    Args:
        pool: the classes; tasks that have proxies in it are those that a simulated target can be nearest to.
        source: the source task.
        panel: classes that are compared.
        rng: draws simulated targets and pairs.
        simulate: put targets at the paper's cosine from the source; else anywhere.
    """
    own = embed_task(source)
    targets = simulate_targets(own, SIMULATED, COSINE, rng) if simulate else rng.standard_normal((SIMULATED, len(own)))
    others = [name.removeprefix(BLOCK) for name in pool.features if name.startswith(BLOCK)]
    library = [task for task in others if task != source] or [source]
    stands_for = nearest(targets, np.stack([embed_task(task) for task in library]))
    cast = {task: _cast(voters(pool, task), panel) for task in {source, *library}}
    evidence = [_pairs(own, panel, cast[source], rng, SIMULATED * PAIRS)]
    evidence += [_pairs(one, panel, cast[library[at]], rng, PAIRS) for one, at in zip(targets, stands_for, strict=True)]
    notes = {"source vote": voters(pool, source).of, "target votes": ", ".join(voters(pool, one).of for one in library)}
    return Ballot(own, targets, tuple(evidence), notes)


def _cast(of: Voters, panel: IntArray) -> FloatArray:
    """Majority of every pair of the panel; shape (panel, panel)."""
    known = np.ones(len(panel), dtype=bool)
    columns = {str(at): ScoreBatch(one[panel], known, ("",) * len(panel)) for at, one in enumerate(of.scores.T)}
    return pairwise_votes(columns)


def _pairs(
    embedding: FloatArray, panel: IntArray, outcomes: FloatArray, rng: np.random.Generator, count: int
) -> PairEvidence:
    first, second = np.nonzero(~np.eye(len(panel), dtype=bool))
    kept = rng.choice(len(first), min(count, len(first)), replace=False)
    first, second = first[kept], second[kept]
    return PairEvidence(embedding, panel[first], panel[second], outcomes[first, second])
