"""What one edge edit makes of a class by the paper's relation, which says of pairs alone who wins.

A best-of-neighbours needs scores, so that every class is compared with one fixed panel: on each simulated target it is
as strong as the share of the panel that it beats, and as exposed as the strongest of itself and its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.locking.tabular.edits import Edits
from archlock.locking.tabular.problem import IntArray
from archlock.predictors import RelationMLP
from archlock.scores import FloatArray

BLOCK = 32
"""Classes that are compared with the panel at once, so that memory stays small."""


class Exposures:
    """Strength of classes after their best edit, on each simulated target; every class is asked about once.

    Args:
        edits: who is one edit away.
        features: shape (classes, f), encoded architectures.
        panel: classes that all are compared with.
        targets: shape (t, d), embeddings of simulated targets.
        model: the relation.
    """

    def __init__(
        self, edits: Edits, features: FloatArray, panel: IntArray, targets: FloatArray, model: RelationMLP
    ) -> None:
        self._edits, self._features, self._panel, self._targets = edits, features, features[panel], targets
        self._model = model
        self._strength = np.full((len(targets), len(features)), np.nan)

    def outcomes(self, classes: Sequence[int]) -> FloatArray:
        """Who of some classes is more exposed than whom: 1, 0, or 1/2 for a tie; shape (t, n, n)."""
        members = [self._edits.members[index] for index in classes]
        self._ask(np.unique(np.concatenate(members)))
        exposed = np.stack([self._strength[:, near].max(axis=1) for near in members], axis=1)
        return np.asarray((np.sign(exposed[:, :, None] - exposed[:, None, :]) + 1) / 2, dtype=np.float64)

    def _ask(self, classes: IntArray) -> None:
        """Compare what was not compared before."""
        fresh = classes[np.isnan(self._strength[0, classes])]
        for start in range(0, len(fresh), BLOCK):
            block = fresh[start : start + BLOCK]
            wins = self._model.outcomes(self._features[block], self._targets, self._panel) > 0.5
            self._strength[:, block] = wins.mean(axis=2)
