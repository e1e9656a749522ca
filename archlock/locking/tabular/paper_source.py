"""The paper's source constraint within a budget: labels of the source, and a forest that says where more are worth it.

The published search looks up the true source accuracy of every proposal, hundreds of labels. Here each look counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from archlock.locking.tabular.paper_votes import voters
from archlock.locking.tabular.problem import Problem
from archlock.scores import FloatArray

TREES = 64
REFIT = 16
"""Labels after which the forest is grown anew."""
LIKELY = 0.05
"""Share of classes that count as likely admissible where fewer are predicted to be."""
WARM_SHARE = 0.375
"""Share of the budget that is spent before the search, so that it has a forest to go by."""
BLOCKS = ("one_hot_mean", "paths", "graph", "shape")


class SourceConstraint:
    """Buys source labels, and knows which classes are admissible, and which are likely to be.

    Args:
        problem: whose source budget is spent.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        own = voters(problem.pool, problem.source)
        blocks = [problem.pool.features[name] for name in BLOCKS if name in problem.pool.features]
        self._features: FloatArray = np.hstack([*blocks, own.scores])
        self._grown_at = 0
        self._likely = np.ones(problem.pool.classes, dtype=bool)
        self._warm_up(own.scores.sum(axis=1))

    @property
    def exhausted(self) -> bool:
        """No label is left."""
        return self._problem.remaining(self._problem.source) == 0

    @property
    def labels(self) -> dict[int, float]:
        """Class to source value, in the order bought."""
        return dict(self._problem.labels[self._problem.source])

    @property
    def admissible(self) -> list[int]:
        """Labelled classes that meet the threshold, in the order bought."""
        return [index for index, value in self.labels.items() if value >= self._problem.threshold]

    def shortfall(self, index: int) -> float:
        """Buy the label of a class; by how much it misses the threshold, 0 where it meets it.

        Raises:
            BudgetError: no label is left.
        """
        return max(0.0, self._problem.threshold - self._problem.read(self._problem.source, index))

    def likely(self) -> NDArray[np.bool_]:
        """Which classes are predicted to be admissible, never fewer than a share `LIKELY` of all; shape (classes,)."""
        if len(self.labels) - self._grown_at >= REFIT:
            self._grow()
        return self._likely

    def _warm_up(self, votes: FloatArray) -> None:
        """Half of the first labels at random, half at random among the tenth that the proxies put first."""
        problem, rng = self._problem, self._problem.rng
        count = round(WARM_SHARE * problem.remaining(problem.source))
        tenth = np.argsort(-votes, kind="stable")[: max(len(votes) // 10, count)]
        for index in (*rng.permutation(tenth)[: count // 2], *rng.permutation(len(votes))[: count - count // 2]):
            problem.read(problem.source, int(index))
        self._grow()

    def _grow(self) -> None:
        labels = self.labels
        rows, values = np.array(list(labels), dtype=np.int64), np.array(list(labels.values()))
        self._grown_at = len(labels)
        if len(rows) < 2:
            return
        forest = ExtraTreesRegressor(TREES, random_state=int(self._problem.rng.integers(2**31)))
        predicted = forest.fit(self._features[rows], values).predict(self._features)
        best = np.argsort(-predicted, kind="stable")
        count = max(int((predicted >= self._problem.threshold).sum()), int(LIKELY * len(best)), 1)
        self._likely = np.isin(np.arange(len(best)), best[:count])
