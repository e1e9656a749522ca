"""Locking that holds after one edit: a class is as exposed as the best of itself and its neighbours on the target."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from archlock.locking.tabular.acquisition import Belief
from archlock.locking.tabular.edits import LEVELS, Edits
from archlock.locking.tabular.known import LabelledSearch
from archlock.locking.tabular.problem import IntArray, Problem, Proposal
from archlock.scores import FloatArray

INDEPENDENT = 0.5
"""Share of a deviation that neighbours do not have in common; the surrogate's errors on them go together."""


def robust(problem: Problem) -> Proposal:
    """Five classes that are admissible and as poor as can be found on the target at the best of their neighbours.

    Raises:
        SealedError: the source or the target may not be read.
    """
    return LabelledSearch(problem, Neighbourhood(problem.pool.neighbours)).run()


class Neighbourhood:
    """The exposure of a class through itself and all classes one edge edit away.

    Args:
        neighbours: for each class its neighbours, never itself.
    """

    def __init__(self, neighbours: tuple[IntArray, ...]) -> None:
        # Estimate and improvement are asked of the same belief one after the other.
        self._last: tuple[Belief, tuple[FloatArray, FloatArray]] | None = None
        self._edits = Edits(neighbours)

    def _below(self, target: Belief) -> tuple[FloatArray, FloatArray]:
        """Levels, and the probability that all members are below each; shapes (levels,) and (classes, levels)."""
        if self._last is None or self._last[0] is not target:
            self._last = (target, self._compute_below(target))
        return self._last[1]

    def _compute_below(self, target: Belief) -> tuple[FloatArray, FloatArray]:
        deviation = np.where(target.read, target.deviation, INDEPENDENT * target.deviation)
        levels = np.linspace(target.score.min() - 0.5, target.score.max() + 0.5, LEVELS)
        return levels, self._edits.below(levels, target.score, deviation)

    def estimate(self, target: Belief) -> FloatArray:
        """Expected maximum over the members; shape (classes,)."""
        levels, below = self._below(target)
        return np.asarray(levels[-1] - below.sum(axis=1) * (levels[1] - levels[0]), dtype=np.float64)

    def improvement(self, target: Belief, incumbent: float) -> FloatArray:
        """Expected amount by which the maximum falls below the incumbent; shape (classes,)."""
        levels, below = self._below(target)
        share = np.clip((incumbent - levels) / (levels[1] - levels[0]) + 0.5, 0, 1)
        return np.asarray(below @ share * (levels[1] - levels[0]), dtype=np.float64)

    def doubt(self, target: Belief, index: int, incumbent: float) -> tuple[int, float] | None:
        """The unread member most likely to be above the incumbent."""
        members = self._edits.members[index]
        unread = members[~target.read[members]]
        if not len(unread):
            return None
        chance = ndtr((target.score[unread] - incumbent) / target.deviation[unread])
        best = int(np.argmax(chance))
        return int(unread[best]), float(chance[best])
