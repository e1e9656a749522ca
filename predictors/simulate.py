"""Simulated targets: embeddings, and data sets, that stand for the tasks an attacker may have in mind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archlock.errors import UsageError
from archlock.scores import FloatArray


def simulate_targets(embedding: FloatArray, count: int, cosine: float, generator: np.random.Generator) -> FloatArray:
    """Embeddings in random directions at exactly a stated cosine similarity to a task's, and of its norm.

    The directions are uniform on the cone around the embedding. ArchLock (ICLR 2024) uses 15 at a similarity of 0.9.
    Embeddings of `archlock.predictors.embedding` are signed (centred logarithms of Fisher information), so every
    direction of the space stands for a valid, positive Fisher information.

    Args:
        embedding: shape (d,), d at least 2 and not zero.
        count: how many.
        cosine: in [-1, 1].
        generator: source of the directions.

    Returns:
        shape (count, d).

    Raises:
        UsageError: a cosine outside [-1, 1], a negative count, or an embedding that has no direction.
    """
    if not -1.0 <= cosine <= 1.0:
        raise UsageError(f"simulated targets: cosine must be in [-1, 1], not {cosine}")
    if count < 0:
        raise UsageError(f"simulated targets: count must not be negative, not {count}")
    norm = float(np.linalg.norm(embedding)) if np.ndim(embedding) == 1 and len(embedding) > 1 else 0.0
    if not (np.isfinite(norm) and norm > 0):
        raise UsageError("simulated targets: the embedding must be a finite non-zero vector of at least two values")
    axis = embedding / norm
    across = generator.standard_normal((count, len(axis)))
    for _ in range(2):  # the second pass removes what rounding left along the axis
        across -= np.outer(across @ axis, axis)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
    sine = np.sqrt(max(0.0, 1.0 - cosine**2))
    return np.asarray(norm * (cosine * axis + sine * across), dtype=np.float64)


def cosine_similarity(first: FloatArray, second: FloatArray) -> FloatArray:
    """Cosines between the rows of (k, d) and (m, d); shape (k, m). A zero row has similarity 0 to everything."""
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (first, second)]
    return np.asarray(np.clip(unit[0] @ unit[1].T, -1.0, 1.0), dtype=np.float64)


def nearest(simulated: FloatArray, library: FloatArray) -> NDArray[np.int64]:
    """For each simulated embedding the row of the library most similar to it, which turns it into a data set.

    Args:
        simulated: shape (k, d).
        library: shape (m, d), embeddings of tasks whose data can be had.

    Returns:
        shape (k,), rows of ``library``; the first of equals.

    Raises:
        UsageError: an empty library, or widths that differ.
    """
    if simulated.ndim != 2 or library.ndim != 2 or simulated.shape[1] != library.shape[1] or len(library) == 0:
        raise UsageError(f"nearest: expected shapes (k, d) and (m, d), not {simulated.shape} and {library.shape}")
    return np.asarray(cosine_similarity(simulated, library).argmax(axis=1), dtype=np.int64)
