"""From who beats whom to ranks: Copeland's count of wins, and the fitness that ArchLock makes of two such ranks."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.scores import FloatArray


def copeland_scores(outcomes: FloatArray) -> FloatArray:
    """Share of the others that each architecture beats, a tie counting half; shape (n,), in [0, 1].

    A relation that was learnt on ordered pairs need not be antisymmetric: a pair counts for a where (a, b) and (b, a)
    together say so more than they say the contrary, so that the result does not depend on the order of the rows.

    Args:
        outcomes: shape (n, n), or (tasks, n, n): entry (a, b) is 1 where a is said to beat b, 0 where b beats a, or a
            probability between. The diagonal is not read. Of several tasks the wins are added up.

    Returns:
        shape (n,); 1/2 where there is only one architecture.

    Raises:
        UsageError: not square, or values outside [0, 1].

    Source: Copeland, 1951; ArchLock (ICLR 2024) sorts its population by the same count, of ordered pairs a < b alone.
    """
    tasks = outcomes[None] if outcomes.ndim == 2 else outcomes
    if tasks.ndim != 3 or tasks.shape[1] != tasks.shape[2] or not ((tasks >= 0) & (tasks <= 1)).all():
        raise UsageError(f"Copeland: expected (n, n) or (tasks, n, n) outcomes in [0, 1], not {np.shape(outcomes)}")
    count = tasks.shape[1]
    if count < 2 or len(tasks) == 0:
        return np.full(count, 0.5)
    wins = np.sign(tasks - tasks.swapaxes(1, 2)).sum(axis=(0, 2))
    return np.asarray((wins / (len(tasks) * (count - 1)) + 1) / 2, dtype=np.float64)


def copeland_ranks(outcomes: FloatArray) -> FloatArray:
    """Rank of each architecture by `copeland_scores`, 0 the best, ties averaged; shape (n,). Raises as that does."""
    return np.asarray(rankdata(-copeland_scores(outcomes)) - 1, dtype=np.float64)


def contrast_fitness(target_ranks: FloatArray, source_ranks: FloatArray) -> FloatArray:
    """The fitness rank_T - 2 rank_S, higher is better: late on the targets, early on the source; shapes (n,).

    Args:
        target_ranks: rank over the simulated targets, 0 the best there.
        source_ranks: rank on the source, 0 the best.

    Source: the fitness of ArchLock (ICLR 2024).
    """
    return np.asarray(target_ranks - 2 * source_ranks, dtype=np.float64)
