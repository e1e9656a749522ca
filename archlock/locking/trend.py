"""What transfer score to expect of an architecture's size and source score: a lock is what lies below that.

A smaller network transfers less whatever its architecture, and so does one that is worse at everything. Neither is a
lock: the unlocked twin has the same size and at least the same source score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.locking.candidate import Candidate
from archlock.scores import FloatArray

RIDGE = 1e-3


@dataclass(frozen=True)
class Trend:
    """Quadratic ridge regression of transfer scores on log parameters, log multiply-adds and source score.

    Attributes:
        centre, spread: shape (3,), standardisation of the three inputs.
        weights: shape (10, 3), of the quadratic terms, for `Candidate.transfer_mean`, ``transfer_worst``, ``robust``.
    """

    centre: FloatArray
    spread: FloatArray
    weights: FloatArray

    @classmethod
    def fit(cls, candidates: Sequence[Candidate]) -> Trend:
        """Fit to candidates that were not chosen for their lock."""
        inputs, scores = _inputs(candidates), _scores(candidates)
        centre, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-9).astype(np.float64)
        terms = _terms((inputs - centre) / spread)
        gram = terms.T @ terms + RIDGE * len(terms) * np.eye(terms.shape[1])
        return cls(centre, spread, np.asarray(np.linalg.solve(gram, terms.T @ scores), dtype=np.float64))

    def excess(self, candidates: Sequence[Candidate]) -> FloatArray:
        """Transfer scores minus what is expected, shape (n, 3): mean, worst, robust; lower is a stronger lock."""
        inputs = np.clip((_inputs(candidates) - self.centre) / self.spread, -3, 3)
        return np.asarray(_scores(candidates) - _terms(inputs) @ self.weights)

    def lock(self, one: Candidate) -> float:
        """What finalists are ordered by, lower is stronger: mean, worst task and after one edit count alike."""
        return float(self.excess([one])[0].mean())


def _inputs(candidates: Sequence[Candidate]) -> FloatArray:
    rows = [(np.log1p(one.cost.parameters), np.log1p(one.cost.macs), one.source) for one in candidates]
    return np.array(rows, dtype=np.float64)


def _scores(candidates: Sequence[Candidate]) -> FloatArray:
    return np.array([(one.transfer_mean, one.transfer_worst, one.robust) for one in candidates], dtype=np.float64)


def _terms(inputs: FloatArray) -> FloatArray:
    """Constant, linear, square and product terms; shape (n, 10)."""
    first, second = np.triu_indices(inputs.shape[1])
    return np.hstack([np.ones((len(inputs), 1)), inputs, inputs[:, first] * inputs[:, second]])
