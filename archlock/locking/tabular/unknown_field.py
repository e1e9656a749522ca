"""One smooth model of tasks that were labelled at the same classes: a Gaussian process each, one kernel for all.

The tasks share the length scale and the share of noise, so that one factorisation serves them all, and a label more
costs one row of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from archlock.locking.tabular.kernels import Groups, matern32, squared_distances
from archlock.scores import FloatArray

LENGTH_SCALES = (0.4, 0.8, 1.6, 3.2)
"""Two random classes are at distance 1."""

NOISE_SHARES = (0.03, 0.1, 0.3, 0.8)
"""Variance of training noise as a share of the variance of the smooth part."""


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

    def beside(self, other: Posterior) -> Posterior:
        """The tasks of both, this one's first."""
        return Posterior(
            np.hstack([self.mean, other.mean]),
            np.hstack([self.deviation, other.deviation]),
            np.hstack([self.noise, other.noise]),
        )


class SharedField:
    """Gaussian processes with a Matern 3/2 kernel on the same labelled classes.

    Args:
        groups: features of all classes; every group counts alike.
        room: most classes that will be labelled.

    Attributes:
        rows: labelled classes in the order of labelling.
    """

    def __init__(self, groups: Groups, room: int) -> None:
        self.rows: list[int] = []
        self._points = groups.features / np.sqrt(groups.count)
        self._whitened, self._factor = np.zeros((room, len(self._points))), np.zeros((room, room))
        self._length, self._noise, self._due = LENGTH_SCALES[2], NOISE_SHARES[1], 0

    def add(self, row: int) -> None:
        """One more labelled class: a row of the Cholesky factor and of the whitened kernel."""
        count = len(self.rows)
        before = self._whitened[:count, row]
        pivot = np.sqrt(1 + self._noise - before @ before)
        self._factor[count, :count], self._factor[count, count] = before, pivot
        self._whitened[count] = (self._kernel([row])[0] - before @ self._whitened[:count]) / pivot
        self.rows.append(row)

    def fit(self, labels: FloatArray, every: int) -> Posterior:
        """Mean and deviation of every class on every task.

        Args:
            labels: shape (rows, tasks).
            every: after how many further labels the length scale and the noise are estimated again.
        """
        if len(self.rows) >= self._due:
            self._tune(labels)
            self._due = len(self.rows) + every
        count, mean = len(self.rows), labels.mean(axis=0)
        solved = solve_triangular(self._factor[:count, :count], labels - mean, lower=True, check_finite=False)
        scale = np.maximum((solved**2).mean(axis=0), 1e-9)
        whitened = self._whitened[:count]
        left = np.maximum(1 - np.einsum("nc,nc->c", whitened, whitened), 1e-9)
        return Posterior(mean + whitened.T @ solved, np.sqrt(left[:, None] * scale), np.sqrt(self._noise * scale))

    def _tune(self, labels: FloatArray) -> None:
        """Take the length scale and noise of the greatest marginal likelihood, pooled over tasks, and refactor."""
        centred, points = labels - labels.mean(axis=0), self._points[self.rows]
        squared = squared_distances(points, points)
        found: list[tuple[float, float, float]] = []
        for length in LENGTH_SCALES:
            values, vectors = np.linalg.eigh(matern32(squared / length**2)[0])
            projected = (vectors.T @ centred) ** 2
            found += [(_likelihood(np.maximum(values, 0) + noise, projected), length, noise) for noise in NOISE_SHARES]
        _, self._length, self._noise = max(found)
        self._refactor()

    def _refactor(self) -> None:
        count, kernel = len(self.rows), self._kernel(self.rows)
        factor = cholesky(kernel[:, self.rows] + self._noise * np.eye(count), lower=True)
        self._factor[:count, :count] = factor
        self._whitened[:count] = solve_triangular(factor, kernel, lower=True, check_finite=False)

    def _kernel(self, rows: list[int]) -> FloatArray:
        """Shape (rows, classes)."""
        return matern32(squared_distances(self._points[rows], self._points) / self._length**2)[0]


def _likelihood(spectrum: FloatArray, projected: FloatArray) -> float:
    """Log likelihood up to a constant, the scale of each task at its optimum."""
    scale = np.maximum((projected / spectrum[:, None]).mean(axis=0), 1e-12)
    tasks = projected.shape[1]
    return float(-0.5 * len(spectrum) * np.log(scale).sum() - 0.5 * tasks * np.log(spectrum).sum())
