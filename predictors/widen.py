"""Task embeddings brought to a stated width without changing any angle or length."""

from __future__ import annotations

import numpy as np

from archlock.errors import UsageError
from archlock.scores import FloatArray

PAPER_WIDTH = 2048
"""Width of the task embedding that the code published with ArchLock (ICLR 2024) gives its predictor."""


def widen(embeddings: FloatArray, width: int, generator: np.random.Generator) -> FloatArray:
    """Embeddings in a wider space, by one random isometry: cosines and norms stay as they are.

    Simulated targets are then drawn in ``width`` dimensions, as in the paper, where a random direction is all but
    orthogonal to every real task.

    Args:
        embeddings: shape (t, d).
        width: at least d.
        generator: draws the isometry; the same state gives the same one for the same d.

    Returns:
        shape (t, width).

    Raises:
        UsageError: a width below d, or embeddings that are not (t, d).
    """
    if embeddings.ndim != 2 or width < embeddings.shape[1]:
        raise UsageError(f"widen: expected embeddings (t, d) of at most {width} values, not {np.shape(embeddings)}")
    columns, _ = np.linalg.qr(generator.standard_normal((width, embeddings.shape[1])))
    return np.asarray(embeddings @ columns.T, dtype=np.float64)
