"""What the relation model learns from: orderings of architectures on tasks, by proxies or by training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.scores import FloatArray, ScoreBatch

IntArray = NDArray[np.int64]
EvidenceKind = Literal["vote", "label"]
KINDS: tuple[EvidenceKind, ...] = ("label", "vote")


@dataclass(frozen=True)
class TaskEvidence:
    """How some architectures compare on one task, from one source.

    Only the order of ``values`` within this evidence matters, so tasks of different metrics may stand side by side.

    Attributes:
        embedding: shape (d,), the task; equal embeddings are the same task.
        indices: shape (k,), rows of the feature matrix.
        values: shape (k,), higher is better: a metric after training, or a share of won votes (`vote_share`).
        kind: ``label`` for trained values, ``vote`` for proxies.
        weight: how much one value counts: its noise variance is divided by it.
    """

    embedding: FloatArray
    indices: IntArray
    values: FloatArray
    kind: EvidenceKind
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"evidence: unknown kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        if np.ndim(self.embedding) != 1 or np.ndim(self.values) != 1 or np.shape(self.indices) != np.shape(self.values):
            raise UsageError(
                f"evidence: expected embedding (d,), indices (k,) and values (k,), not shapes "
                f"{np.shape(self.embedding)}, {np.shape(self.indices)} and {np.shape(self.values)}"
            )
        if not (np.isfinite(self.embedding).all() and np.isfinite(self.values).all()):
            raise UsageError("evidence: NaN or infinite values; leave out what could not be scored")
        if not self.weight > 0:
            raise UsageError(f"evidence: weight must be positive, not {self.weight}")

    def take(self, positions: IntArray) -> TaskEvidence:
        """The same evidence reduced to some positions of ``indices``."""
        return TaskEvidence(self.embedding, self.indices[positions], self.values[positions], self.kind, self.weight)


def vote_share(proxies: Sequence[ScoreBatch]) -> FloatArray:
    """Share of votes each architecture wins, over all opponents and proxies; ties count half.

    The row mean of the pairwise vote of ArchLock (ICLR 2024), that is the Borda count of the proxies' rankings; a
    failed score loses to every known one.

    Args:
        proxies: scores of the same n architectures, one batch per proxy.

    Returns:
        shape (n,), in [0, 1].

    Raises:
        UsageError: no proxies, or batches of different lengths.
    """
    if len({len(batch.values) for batch in proxies}) != 1:
        raise UsageError("vote: expected at least one proxy, all scoring the same architectures")
    return np.asarray(np.mean([batch.ranks() for batch in proxies], axis=0), dtype=np.float64)


def normal_scores(values: FloatArray) -> FloatArray:
    """Values replaced by the normal quantiles of their ranks (Blom, 1958), ties averaged; shape (k,)."""
    return np.asarray(ndtri((rankdata(values) - 0.375) / (len(values) + 0.25)), dtype=np.float64)
