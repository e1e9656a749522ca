"""One smooth model of several tasks that were labelled at the same classes: a Gaussian process for each, one kernel for all.

The tasks share the length scale and the share of noise, so that one factorisation serves them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from archlock.locking.tabular.problem import Pool
from archlock.scores import FloatArray

LENGTH_SCALES = (0.6, 1.2, 2.4, 4.8)
"""In units of the root mean squared distance per standardised feature."""

NOISE_SHARES = (0.03, 0.1, 0.3, 0.8)
"""Variance of training noise as a share of the variance of the smooth part."""

GROUPS = (("shape",), ("graph", "paths", "one_hot_mean"), ("one_hot_mean",), ("one_hot",))
"""Features to use: the first line of which all are there. Each group counts alike."""


def coordinates(pool: Pool) -> FloatArray:
    """Coordinates whose squared distances are means over the features of each group, then over groups; (classes, width)."""
    groups = next((line for line in GROUPS if all(name in pool.features for name in line)), tuple(pool.features)[:1])
    parts = [_standardised(pool.features[name]) for name in groups]
    return np.hstack([part / np.sqrt(max(part.shape[1], 1) * len(parts)) for part in parts])


def _standardised(features: FloatArray) -> FloatArray:
    spread = features.std(axis=0)
    kept = features[:, spread > 0]
    return np.asarray((kept - kept.mean(axis=0)) / spread[spread > 0], dtype=np.float64)


@dataclass(frozen=True)
class Posterior:
    """What is believed of every class.

    Attributes:
        mean: shape (classes, tasks).
        deviation: of the smooth part, same shape.
        noise: standard deviation of a label's training noise, shape (tasks,).
    """

    mean: FloatArray
    deviation: FloatArray
    noise: FloatArray


class SharedField:
    """Gaussian processes with a Matern 3/2 kernel on the same labelled classes.

    Args:
        points: shape (classes, width), see `coordinates`.
    """

    def __init__(self, points: FloatArray) -> None:
        self.rows: list[int] = []
        self._points, self._squares = points, (points**2).sum(axis=1)
        self._distance = np.empty((len(points), 0))
        self._length, self._noise = LENGTH_SCALES[-2], NOISE_SHARES[1]

    def add(self, rows: list[int]) -> None:
        """Labelled classes that are new."""
        if rows:
            self.rows += rows
            squared = self._squares[:, None] + self._squares[rows] - 2 * self._points @ self._points[rows].T
            self._distance = np.hstack([self._distance, np.sqrt(np.maximum(squared, 0))])

    def tune(self, labels: FloatArray) -> None:
        """Length scale and noise of the greatest marginal likelihood, pooled over tasks; ``labels``: (rows, tasks)."""
        centred, distance = labels - labels.mean(axis=0), self._distance[self.rows]
        found: list[tuple[float, float, float]] = []
        for length in LENGTH_SCALES:
            values, vectors = np.linalg.eigh(_matern(distance, length))
            projected = (vectors.T @ centred) ** 2
            found += [(_likelihood(np.maximum(values, 0) + noise, projected), length, noise) for noise in NOISE_SHARES]
        _, self._length, self._noise = max(found)

    def posterior(self, labels: FloatArray) -> Posterior:
        """Mean and deviation of every class on every task; ``labels``: (rows, tasks)."""
        mean = labels.mean(axis=0)
        kernel = _matern(self._distance, self._length)
        factor = cho_factor(kernel[self.rows] + self._noise * np.eye(len(self.rows)), lower=True)
        weights = cho_solve(factor, labels - mean)
        scale = np.maximum(((labels - mean) * weights).mean(axis=0), 1e-9)
        explained = (solve_triangular(factor[0], kernel.T, lower=True, check_finite=False) ** 2).sum(axis=0)
        left = np.maximum(1 - explained, 1e-9)
        return Posterior(mean + kernel @ weights, np.sqrt(left[:, None] * scale), np.sqrt(self._noise * scale))


def _matern(distance: FloatArray, length: float) -> FloatArray:
    scaled = distance * (np.sqrt(3) / length)
    return np.asarray((1 + scaled) * np.exp(-scaled), dtype=np.float64)


def _likelihood(spectrum: FloatArray, projected: FloatArray) -> float:
    """Log likelihood up to a constant, the scale of each task at its optimum."""
    scale = np.maximum((projected / spectrum[:, None]).mean(axis=0), 1e-12)
    tasks = projected.shape[1]
    return float(-0.5 * len(spectrum) * np.log(scale).sum() - 0.5 * tasks * np.log(spectrum).sum())
