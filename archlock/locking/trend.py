"""What transfer score to expect of an architecture's size and source score: a lock is what lies below that.

A smaller network transfers less whatever its architecture, and so does one that is worse at everything. Neither is a
lock: the unlocked twin has the same size and at least the same source score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.locking.laboratory import HardwareCost
from archlock.scores import FloatArray

RIDGE = 1e-3


@dataclass(frozen=True)
class Trend:
    """Quadratic ridge regression of k transfer scores on log parameters, log multiply-adds and source score.

    Attributes:
        centre, spread: shape (3,), standardisation of the three inputs.
        weights: shape (10, k), of the quadratic terms.
    """

    centre: FloatArray
    spread: FloatArray
    weights: FloatArray

    @classmethod
    def fit(cls, inputs: FloatArray, scores: FloatArray) -> Trend:
        """Fit to n architectures.

        Args:
            inputs: shape (n, 3), see `trend_inputs`.
            scores: shape (n, k).
        """
        centre, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-9).astype(np.float64)
        terms = _terms((inputs - centre) / spread)
        gram = terms.T @ terms + RIDGE * len(terms) * np.eye(terms.shape[1])
        return cls(centre, spread, np.asarray(np.linalg.solve(gram, terms.T @ scores), dtype=np.float64))

    def excess(self, inputs: FloatArray, scores: FloatArray) -> FloatArray:
        """Transfer scores minus what is expected, shape (n, k); lower is a stronger lock."""
        terms = _terms(np.clip((inputs - self.centre) / self.spread, -3, 3))
        return np.asarray(scores - terms @ self.weights)


def trend_inputs(costs: Sequence[HardwareCost], sources: Sequence[float] | FloatArray) -> FloatArray:
    """What a trend explains transfer by: sizes and source scores of n architectures, shape (n, 3)."""
    rows = [
        (np.log1p(cost.parameters), np.log1p(cost.macs), source) for cost, source in zip(costs, sources, strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _terms(inputs: FloatArray) -> FloatArray:
    """Constant, linear, square and product terms; shape (n, 10)."""
    first, second = np.triu_indices(inputs.shape[1])
    return np.hstack([np.ones((len(inputs), 1)), inputs, inputs[:, first] * inputs[:, second]])
