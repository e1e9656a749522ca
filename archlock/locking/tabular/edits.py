"""What one edge edit can make of a class: the highest score among itself and all classes one edit away.

Scores that are uncertain have an uncertain maximum. Its distribution is followed on a grid of levels: the maximum is
below a level where all members are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.special import log_ndtr

from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray

LEVELS = 24
"""Scores at which the distribution of a neighbourhood's maximum is followed."""
LEAST_SPREAD = 1e-3
"""Least deviation of a maximum."""


class Edits:
    """Every class with what an edit makes of it.

    Args:
        neighbours: for each class the classes one edit away, never itself.

    Attributes:
        members: for each class itself, then its neighbours.
    """

    def __init__(self, neighbours: Sequence[IntArray]) -> None:
        self.members = tuple(np.concatenate([[index], near]) for index, near in enumerate(neighbours))
        columns = np.concatenate(self.members)
        starts = np.concatenate([[0], np.cumsum([len(members) for members in self.members])])
        self._sum = csr_array((np.ones(len(columns)), columns, starts), shape=(len(neighbours), len(neighbours)))

    def below(self, levels: FloatArray, score: FloatArray, deviation: FloatArray) -> FloatArray:
        """Probability that all members are below each level, members independent; shape (classes, levels).

        Args:
            levels: shape (levels,).
            score: shape (classes,), expected score of every class.
            deviation: shape (classes,), its standard deviation.
        """
        logs = log_ndtr((levels - score[:, None]) / deviation[:, None])
        return np.asarray(np.exp(self._sum @ np.maximum(logs, -1e4)), dtype=np.float64)

    def highest(self, score: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected maximum over the members, taken as independent, and its standard deviation; shape (classes,) each.

        Args:
            score: shape (classes,), expected score of every class.
            deviation: shape (classes,), its standard deviation.
        """
        levels = np.linspace((score - 4 * deviation).min(), (score + 4 * deviation).max(), LEVELS)
        below = self.below(levels, score, deviation)
        mean = levels[-1] - np.trapezoid(below, levels, axis=1)
        # The integrand ends with slope one: the trapezoid rule is off by its squared step over 12 (Euler-Maclaurin).
        ended = (levels[1] - levels[0]) ** 2 / 12
        square = levels[-1] ** 2 - 2 * (np.trapezoid(below * levels, levels, axis=1) - ended)
        spread = np.sqrt(np.maximum(square - mean**2, LEAST_SPREAD**2))
        return np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64)
