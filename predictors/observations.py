"""Evidence gathered into observations: what each value is of, and how far those things lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from archlock.errors import UsageError
from archlock.predictors.evidence import IntArray, TaskEvidence, normal_scores
from archlock.scores import FloatArray

MAX_POINTS = 1500
"""Values beyond this many are thinned out, evenly, votes first."""


@dataclass(frozen=True)
class Points:
    """Observations of a utility, and the distances between what they are of.

    Attributes:
        architecture, task: shape (points,), indices into the matrices below.
        is_vote, value, weight: shape (points,).
        squared: shape (a, a), squared distances of standardised features over twice their width.
        inner: shape (a, a), their inner products over their width.
        distance: shape (t, t), one minus cosine of task embeddings.
    """

    architecture: Tensor
    task: Tensor
    is_vote: Tensor
    value: Tensor
    weight: Tensor
    squared: Tensor
    inner: Tensor
    distance: Tensor

    def __len__(self) -> int:
        return len(self.value)

    def reduced(self, limit: int) -> Points:
        """At most so many observations, evenly spread over the labels first, then over the votes."""
        parts: list[Tensor] = []
        for positions in ((~self.is_vote).nonzero()[:, 0], self.is_vote.nonzero()[:, 0]):
            room = min(len(positions), limit - sum(len(part) for part in parts))
            parts.append(positions[torch.linspace(0, len(positions) - 1, room).round().long()])
        chosen = torch.cat(parts)
        fields = ("architecture", "task", "is_vote", "value", "weight")
        return replace(self, **{name: getattr(self, name)[chosen] for name in fields})


def task_distances(embeddings: FloatArray) -> FloatArray:
    """One minus cosine between embeddings; shape (t, t), in [0, 2]; a zero embedding is at 1 from all others."""
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    distances = np.clip(1 - unit @ unit.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    return np.asarray(distances)


def gather_points(evidence: Sequence[TaskEvidence], task: IntArray, architecture: IntArray, seen: FloatArray) -> Points:
    """Everything observed, with the distances between the architectures and tasks it is of."""
    counts = [len(item.values) for item in evidence]
    inner = seen @ seen.T / seen.shape[1]
    norms = inner.diagonal()
    squared = np.maximum(norms[:, None] + norms[None, :] - 2 * inner, 0.0) / 2
    embeddings = np.stack([item.embedding for item in evidence])
    _, first = np.unique(task, return_index=True)
    return Points(
        architecture=torch.from_numpy(architecture),
        task=torch.from_numpy(np.repeat(task, counts)),
        is_vote=torch.from_numpy(np.repeat([item.kind == "vote" for item in evidence], counts)),
        value=torch.from_numpy(np.concatenate([normal_scores(item.values) for item in evidence])),
        weight=torch.from_numpy(np.repeat([float(item.weight) for item in evidence], counts)),
        squared=torch.from_numpy(squared),
        inner=torch.from_numpy(inner),
        distance=torch.from_numpy(task_distances(embeddings[first])),
    )


def thin(evidence: Sequence[TaskEvidence], limit: int = MAX_POINTS) -> list[TaskEvidence]:
    """Evidence of about ``limit`` values at most: votes are spread thinner first, labels only where they must be."""
    labels = sum(len(item.values) for item in evidence if item.kind == "label")
    votes = sum(len(item.values) for item in evidence if item.kind == "vote")
    share = {
        "label": min(1.0, limit / max(labels, 1)),
        "vote": min(1.0, max(limit - labels, limit // 4) / max(votes, 1)),
    }
    if share["label"] == share["vote"] == 1.0:
        return list(evidence)
    return [_evenly(item, max(2, round(share[item.kind] * len(item.values)))) for item in evidence]


def _evenly(item: TaskEvidence, count: int) -> TaskEvidence:
    positions = np.linspace(0, len(item.values) - 1, min(count, len(item.values))).round().astype(np.int64)
    return item.take(positions)


def check_evidence(features: FloatArray, evidence: Sequence[TaskEvidence]) -> None:
    """Raise a `UsageError` that names the first fault of what a relation model is to learn from."""
    if not evidence or sum(len(item.values) for item in evidence) < 2:
        raise UsageError("relation model: needs at least two observations to learn from")
    if features.ndim != 2 or not np.isfinite(features).all():
        raise UsageError(f"relation model: expected finite features (n, f), not of shape {features.shape}")
    if len({item.embedding.shape for item in evidence}) > 1:
        raise UsageError("relation model: task embeddings differ in width")
    rows = np.concatenate([item.indices for item in evidence])
    low, high = rows.min(), rows.max()
    if low < 0 or high >= len(features):
        raise UsageError(f"relation model: evidence names rows {low} to {high} of {len(features)} architectures")
