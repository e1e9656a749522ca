"""Utilities from a relation on pairs: how many of a fixed panel an architecture beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from archlock.errors import UsageError
from archlock.predictors.evidence import TaskEvidence
from archlock.predictors.pairs import PairEvidence
from archlock.predictors.relation_mlp import RelationMLP
from archlock.scores import FloatArray


@dataclass(frozen=True)
class PanelRanking:
    """The published perceptron with a panel, so that what it says of one architecture does not depend on its company.

    Attributes:
        relation: P(a beats b | task).
        panel: shape (m, f), whom everyone is compared with.
    """

    relation: RelationMLP
    panel: FloatArray

    @classmethod
    def fit(
        cls,
        features: FloatArray,
        evidence: Sequence[TaskEvidence],
        rng: np.random.Generator,
        generator: torch.Generator,
        epochs: int = 20,
    ) -> PanelRanking:
        """Train on the votes of the evidence, as published; the panel is everyone who was voted on.

        Args:
            features: shape (n, f).
            evidence: only votes are learnt from; the first task's pairs count as often as those of all others together.
            rng: draws pairs where there are many.
            generator: draws weights and batches.
            epochs: passes over all pairs.

        Raises:
            UsageError: no votes, or as `RelationMLP.fit`.
        """
        votes = [item for item in evidence if item.kind == "vote"]
        if not votes:
            raise UsageError("panel ranking: the published relation learns from votes, and there are none")
        pairs = [PairEvidence.of(item, rng) for item in votes]
        repeats = max(len(pairs) - 1, 1)
        relation = RelationMLP.fit(features, pairs[:1] * repeats + pairs[1:], generator, epochs=epochs)
        return cls(relation, features[np.unique(np.concatenate([item.indices for item in votes]))])

    def score(self, features: FloatArray, embedding: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Copeland's share of wins against the panel, asked both ways, and a deviation of zero; shape (n,) each.

        The share is in [0, 1]. The perceptron says nothing of how sure it is.

        Raises:
            UsageError: the widths are not those of the fit.
        """
        forth = self.relation.outcomes(features, embedding, self.panel)
        back = self.relation.outcomes(self.panel, embedding, features)
        wins = np.sign(forth - back.T).mean(axis=1)
        return np.asarray((wins + 1) / 2, dtype=np.float64), np.zeros(len(features))
