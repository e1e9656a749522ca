"""Outcomes of ordered pairs: what a perceptron on the pair learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlock.errors import UsageError
from archlock.predictors.evidence import IntArray, TaskEvidence
from archlock.scores import FloatArray

PAIRS_PER_TASK = 4096


@dataclass(frozen=True)
class PairEvidence:
    """Outcomes of ordered pairs on one task.

    Attributes:
        embedding: shape (d,), the task.
        first, second: shape (pairs,), rows of the feature matrix.
        outcome: shape (pairs,), 1 where the first beats the second, 0 where it loses, between where votes are split.
    """

    embedding: FloatArray
    first: IntArray
    second: IntArray
    outcome: FloatArray

    def __post_init__(self) -> None:
        shapes = {np.shape(self.first), np.shape(self.second), np.shape(self.outcome)}
        if np.ndim(self.embedding) != 1 or len(shapes) > 1 or np.ndim(self.outcome) != 1:
            raise UsageError("pair evidence: expected embedding (d,) and first, second, outcome of one shape (pairs,)")
        if not np.isfinite(self.embedding).all() or not ((self.outcome >= 0) & (self.outcome <= 1)).all():
            raise UsageError("pair evidence: expected a finite embedding and outcomes in [0, 1]")

    @classmethod
    def of(cls, evidence: TaskEvidence, rng: np.random.Generator, limit: int = PAIRS_PER_TASK) -> PairEvidence:
        """All ordered pairs of some evidence whose values differ, or ``limit`` of them drawn at random."""
        first, second = np.nonzero(evidence.values[:, None] != evidence.values[None, :])
        if len(first) > limit:
            kept = rng.choice(len(first), limit, replace=False)
            first, second = first[kept], second[kept]
        outcome = (evidence.values[first] > evidence.values[second]).astype(np.float64)
        return cls(evidence.embedding, evidence.indices[first], evidence.indices[second], outcome)
