"""What labels of the source and of other tasks say about a sealed target: how poor a class is on an average task.

Every task counts in units of its own spread among the classes that are probably admissible, because that spread is
what there is to gain on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from archlock.locking.tabular.acquisition import expected_improvement
from archlock.locking.tabular.edits import Edits
from archlock.locking.tabular.problem import IntArray
from archlock.locking.tabular.unknown_field import Posterior
from archlock.scores import FloatArray

GRID = np.linspace(0, 100, 201)
"""Percentiles at which the distribution of the pool is kept."""


@dataclass(frozen=True)
class Outlook:
    """What is believed of every class, shape (classes,) each.

    Attributes:
        admissible: probability that the source label meets the threshold; 0 or 1 where it was read.
        danger: expected score on a task like those that were labelled; lower is the better lock.
        deviation: its standard deviation.
    """

    admissible: FloatArray
    danger: FloatArray
    deviation: FloatArray

    @property
    def verified(self) -> IntArray:
        """Classes that were read and found admissible, ascending."""
        return np.flatnonzero(self.admissible == 1)

    def value(self, incumbent_rank: int) -> FloatArray:
        """Chance of being admissible times expected fall below the n-th least dangerous verified class; (classes,)."""
        found = np.sort(self.danger[self.verified])
        if not len(found):
            return self.admissible
        incumbent = float(found[min(incumbent_rank, len(found)) - 1])
        return self.admissible * expected_improvement(incumbent, self.danger, self.deviation)


def chance_admissible(source: Posterior, threshold: float, rows: list[int], met: FloatArray) -> FloatArray:
    """Probability that a label, its noise included, reaches a threshold; shape (classes,).

    Args:
        source: posterior of the source alone.
        threshold: on the scale of the posterior.
        rows: classes that were read.
        met: whether each of them reached it, shape (rows,).
    """
    spread = np.hypot(source.deviation[:, 0], source.noise[0])
    chance = np.clip(ndtr((source.mean[:, 0] - threshold) / spread), 1e-9, 1 - 1e-9)
    chance[rows] = met
    return np.asarray(chance, dtype=np.float64)


def percentile_scale(mean: FloatArray, deviation: FloatArray, pool: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Beliefs in percentiles of the expected values of the pool, 0 to 100; shape (classes, tasks) each.

    Args:
        mean: what is believed, shape (classes, tasks).
        deviation: of the same shape.
        pool: expected value of every class as it is, of the same shape.
    """
    expected, spread = np.empty_like(mean), np.empty_like(mean)
    for task in range(mean.shape[1]):
        ordered = np.quantile(pool[:, task], GRID / 100)
        middle, width = mean[:, task], deviation[:, task]
        expected[:, task] = np.interp(middle, ordered, GRID)
        spread[:, task] = np.interp(middle + width, ordered, GRID) - np.interp(middle - width, ordered, GRID)
    return expected, np.maximum(spread, 1e-3) / 2


def highest_by_task(edits: Edits, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What one edit makes of every class, on each task by itself, and its deviation; shape (classes, tasks) each."""
    found = [edits.highest(mean[:, task], deviation[:, task]) for task in range(mean.shape[1])]
    return np.stack([one for one, _ in found], axis=1), np.stack([one for _, one in found], axis=1)


def average_task(
    mean: FloatArray, deviation: FloatArray, weights: FloatArray, admissible: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Expected value and deviation on the weighted average task, in spreads among admissible classes; (classes,) each.

    Args:
        mean: shape (classes, tasks).
        deviation: of the same shape.
        weights: shape (tasks,).
        admissible: probability of each class; shape (classes,).
    """
    share = admissible / admissible.sum() if admissible.sum() > 0 else np.full(len(mean), 1 / len(mean))
    centre = share @ mean
    spread = np.sqrt(share @ (mean - centre) ** 2) + 1e-9
    part = weights / weights.sum()
    return ((mean - centre) / spread) @ part, np.sqrt((deviation / spread) ** 2 @ part**2)
