"""How strong a lock is: as predicted for any candidate, and as measured for those whose labels were bought.

The search is guided by predictions, for there are many candidates. What is released was measured: the best of many
predictions is the one that is most wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.locking.candidate import Candidate
from archlock.locking.knowledge import Knowledge
from archlock.locking.laboratory import HardwareCost
from archlock.locking.trend import Trend, trend_inputs
from archlock.scores import FloatArray
from archlock.spaces.protocol import Genotype


@dataclass(frozen=True)
class PredictedLock:
    """Predicted transfer scores by how far they lie from what size and predicted source score explain."""

    trend: Trend

    @classmethod
    def fit(cls, candidates: Sequence[Candidate]) -> PredictedLock:
        """Fit the trend to all candidates that were judged, those of the search for the source among them."""
        return cls(Trend.fit(_inputs(candidates), _scores(candidates)))

    def excess(self, candidates: Sequence[Candidate]) -> FloatArray:
        """Excess of `Candidate.transfer_mean`, ``transfer_worst``, ``robust``, shape (n, 3); lower is stronger."""
        return self.trend.excess(_inputs(candidates), _scores(candidates))

    def of(self, one: Candidate) -> float:
        """What candidates are ordered by, lower is stronger: mean, worst task and after one edit count alike."""
        return float(self.excess([one])[0].mean())


def measured_locks(
    knowledge: Knowledge, costs: Mapping[Genotype, HardwareCost], weights: Mapping[str, float]
) -> dict[Genotype, float]:
    """Lock of every architecture that is labelled on the source and on all of the library; lower is stronger.

    Labels of each task are standardised, and counted by how far they lie from what size and the architecture's own
    source label explain.

    Args:
        knowledge: holds the labels.
        costs: of all labelled architectures.
        weights: library task title to its weight in the mean.
    """
    labels = {title: knowledge.labels(title) for title in (knowledge.source, *weights)}
    chosen = [genotype for genotype in labels[knowledge.source] if all(genotype in known for known in labels.values())]
    if len(chosen) < 2:
        return {}
    inputs = trend_inputs([costs[genotype] for genotype in chosen], [labels[knowledge.source][g] for g in chosen])
    scores = np.array([[labels[title][genotype] for title in weights] for genotype in chosen], dtype=np.float64)
    scores = (scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-9)
    locks = Trend.fit(inputs, scores).excess(inputs, scores) @ np.array(list(weights.values()), dtype=np.float64)
    return dict(zip(chosen, map(float, locks), strict=True))


def _inputs(candidates: Sequence[Candidate]) -> FloatArray:
    return trend_inputs([one.cost for one in candidates], [one.source for one in candidates])


def _scores(candidates: Sequence[Candidate]) -> FloatArray:
    return np.array([(one.transfer_mean, one.transfer_worst, one.robust) for one in candidates], dtype=np.float64)
