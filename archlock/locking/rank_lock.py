"""The fitness of the ArchLock paper in a search: f = rank_T - 2 rank_S, ranks taken among the random population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from archlock.locking.candidate import Candidate
from archlock.predictors import contrast_fitness
from archlock.scores import FloatArray


class Lock(Protocol):
    """What candidates are ordered by."""

    def of(self, one: Candidate) -> float:
        """Lower is a stronger lock."""


@dataclass(frozen=True)
class RankLock:
    """Ranks among a fixed population, so that a candidate's fitness does not change with who is alive.

    Attributes:
        source, transfer: shape (population,), predicted scores, ascending.
    """

    source: FloatArray
    transfer: FloatArray

    @classmethod
    def fit(cls, population: Sequence[Candidate]) -> RankLock:
        """Ranks are counted among these."""
        return cls(
            np.sort(np.array([one.source for one in population], dtype=np.float64)),
            np.sort(np.array([one.transfer_mean for one in population], dtype=np.float64)),
        )

    def of(self, one: Candidate) -> float:
        """Minus the fitness; a tie in a rank counts half."""
        ranks = [_rank(self.transfer, one.transfer_mean), _rank(self.source, one.source)]
        return -float(contrast_fitness(np.array(ranks[:1]), np.array(ranks[1:]))[0])

    def objectives(self, one: Candidate) -> tuple[float, ...]:
        """The one objective, to be minimised."""
        return (self.of(one),)


def _rank(ascending: FloatArray, value: float) -> float:
    """How many are better, 0 for the best."""
    below, up_to = np.searchsorted(ascending, value, "left"), np.searchsorted(ascending, value, "right")
    return float(len(ascending) - (below + up_to) / 2)
