"""A Gaussian process over the classes of a table: fitted to a few labels, updated by every further one.

The posterior is kept for all classes at once. A new label costs one row of a triangular factor, so that labels can be
chosen one after another; length scales are fitted anew now and then by marginal likelihood under a prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize
from scipy.special import ndtri

from archlock.locking.tabular.kernels import Groups, matern32
from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray

JITTER = 1e-6
FIT_LABELS = 256
"""Length scales are fitted to at most so many labels, evenly spread over the order of reading."""
FIRST_STEPS, LATER_STEPS = 30, 15
"""Iterations of the optimiser from the prior, and from the last fit."""


@dataclass(frozen=True)
class Scale:
    """A monotone map of raw values to normal scores: heavy tails become light, and rank is what counts.

    Attributes:
        raw: shape (k,), ascending distinct raw values.
        score: shape (k,), normal score of each (Blom's plotting position, ties averaged).
    """

    raw: FloatArray
    score: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> Scale:
        """The scale of labelled values; shape (n,), n >= 1."""
        raw, counts = np.unique(values, return_counts=True)
        if len(raw) == 1:
            return cls(np.array([raw[0], raw[0] + 1.0]), np.array([0.0, 1.0]))
        return cls(raw, ndtri((np.cumsum(counts) - counts / 2) / len(values)))

    def __call__(self, values: FloatArray) -> FloatArray:
        """Scores of raw values, linear beyond the ends at the slope of the outermost twentieth; shape as given."""
        end = min(len(self.raw), max(3, len(self.raw) // 20))
        low = (self.score[end - 1] - self.score[0]) / (self.raw[end - 1] - self.raw[0])
        high = (self.score[-1] - self.score[-end]) / (self.raw[-1] - self.raw[-end])
        inside = np.interp(values, self.raw, self.score)
        below, above = np.minimum(values - self.raw[0], 0), np.maximum(values - self.raw[-1], 0)
        return np.asarray(inside + low * below + high * above, dtype=np.float64)


@dataclass(frozen=True)
class Hyperparameters:
    """Natural logarithms of the kernel's parameters, and the normal prior they are fitted under.

    Attributes:
        variance: log prior variance of a score.
        weights: shape (groups,), log inverse squared length scale of each group.
        noise: log noise variance of a label.
    """

    variance: float
    weights: FloatArray
    noise: float

    @classmethod
    def prior(cls, groups: int) -> Hyperparameters:
        """Unit variance, noise a tenth of it, and all groups together at length scale 1."""
        return cls(0.0, np.full(groups, -np.log(groups)), float(np.log(0.1)))

    def vector(self) -> FloatArray:
        """All in one array; shape (groups + 2,)."""
        return np.concatenate([[self.variance], self.weights, [self.noise]])

    @classmethod
    def of(cls, vector: FloatArray) -> Hyperparameters:
        """The inverse of `vector`."""
        return cls(float(vector[0]), vector[1:-1], float(vector[-1]))


WEIGHT_WIDTH, OTHER_WIDTH = 1.5, 1.0
"""Standard deviations of the prior: of log weights, and of log variance and log noise."""


def fit_hyperparameters(
    groups: Groups, indices: IntArray, scores: FloatArray, start: Hyperparameters, steps: int
) -> Hyperparameters:
    """Maximise marginal likelihood times prior.

    Args:
        groups: features of all classes.
        indices: shape (n,), labelled classes.
        scores: shape (n,), their centred scores.
        start: where to start.
        steps: most iterations.
    """
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(len(indices), FIT_LABELS)).astype(np.int64))
    distances = groups.squared_distances(indices[chosen])
    prior = Hyperparameters.prior(groups.count).vector()
    width = np.concatenate([[OTHER_WIDTH], np.full(groups.count, WEIGHT_WIDTH), [OTHER_WIDTH]])

    def loss(vector: FloatArray) -> tuple[float, FloatArray]:
        value, slope = negative_log_evidence(vector, scores[chosen], distances)
        away = (vector - prior) / width
        return value + 0.5 * float(away @ away), slope + away / width

    found = minimize(loss, start.vector(), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return Hyperparameters.of(np.asarray(found.x, dtype=np.float64))


def negative_log_evidence(vector: FloatArray, scores: FloatArray, distances: FloatArray) -> tuple[float, FloatArray]:
    """Minus the log marginal likelihood, up to a constant, and its gradient (Rasmussen and Williams, eq. 5.8, 5.9).

    Args:
        vector: shape (groups + 2,), as of `Hyperparameters.vector`.
        scores: shape (n,), centred.
        distances: shape (groups, n * n), squared distances by group.
    """
    count = len(scores)
    variance, weights, noise = np.exp(vector[0]), np.exp(vector[1:-1]), np.exp(vector[-1])
    kernel, slope = matern32((weights @ distances).reshape(count, count))
    covariance = variance * kernel + (noise + JITTER) * np.eye(count)
    factor, failed = dpotrf(covariance, lower=1)
    if failed:
        return 1e10, np.zeros_like(vector)
    solved = cho_solve((factor, True), scores, check_finite=False)
    lower = np.tril(dpotri(factor, lower=1)[0])
    inverse = lower + np.tril(lower, -1).T
    pull = 0.5 * (inverse - np.outer(solved, solved))
    by_weight = variance * weights * (distances @ (pull * slope).ravel())
    gradient = np.concatenate([[variance * (pull * kernel).sum()], by_weight, [noise * np.trace(pull)]])
    return float(0.5 * scores @ solved + np.log(np.diag(factor)).sum()), gradient


class Surrogate:
    """The posterior of one task over all classes, in normal scores.

    Attributes:
        mean, variance: shape (classes,), of the score without a label's noise.
        noise: variance of a label's noise.
        scale: raw values to scores, as of the last fit.
    """

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.hyperparameters = Hyperparameters.prior(groups.count)
        self._steps = FIRST_STEPS

    def fit(self, indices: IntArray, values: FloatArray, room: int = 0) -> None:
        """Fit the scale and the hyperparameters, then condition on all labels.

        Args:
            indices: shape (n,), labelled classes, n >= 1.
            values: shape (n,), raw.
            room: how many labels may be added before the next fit; it only saves copies.
        """
        self.scale = Scale.of(values)
        scores = self.scale(values)
        centre = float(scores.mean())
        self.hyperparameters = fit_hyperparameters(
            self.groups, indices, scores - centre, self.hyperparameters, self._steps
        )
        self._steps = LATER_STEPS
        self._condition(indices, scores, centre, room)

    def _condition(self, indices: IntArray, scores: FloatArray, centre: float, room: int) -> None:
        weights = np.exp(self.hyperparameters.weights)
        self._scaled = self.groups.features * np.sqrt(weights)[self.groups.group]
        self._norms = (self._scaled**2).sum(axis=1)
        self._prior, self.noise = np.exp(self.hyperparameters.variance), float(np.exp(self.hyperparameters.noise))
        cross = self._covariances(indices)
        within = cross[:, indices] + (self.noise + JITTER) * np.eye(len(indices))
        factor = cholesky(within, lower=True, check_finite=False)
        self._count = len(indices)
        self._rows = np.empty((self._count + room, cross.shape[1]))
        self._rows[: self._count] = solve_triangular(factor, cross, lower=True, check_finite=False)
        answer = solve_triangular(factor, scores - centre, lower=True, check_finite=False)
        self.mean = centre + answer @ self._rows[: self._count]
        self.variance = np.maximum(self._prior - (self._rows[: self._count] ** 2).sum(axis=0), JITTER)

    def _covariances(self, indices: IntArray) -> FloatArray:
        """Prior covariance of some classes with all; shape (n, classes)."""
        inner = self._scaled[indices] @ self._scaled.T
        kernel, _ = matern32(np.maximum(self._norms[indices][:, None] + self._norms - 2 * inner, 0.0))
        return np.asarray(self._prior * kernel, dtype=np.float64)

    def add(self, index: int, value: float) -> None:
        """Condition on one more label: one more row of the triangular factor.

        Args:
            index: labelled class, not labelled before.
            value: raw.
        """
        if self._count == len(self._rows):
            self._rows = np.vstack([self._rows, np.empty((max(16, self._count // 2), self._rows.shape[1]))])
        known = self._rows[: self._count]
        spread = np.sqrt(self.variance[index] + self.noise + JITTER)
        row = (self._covariances(np.array([index]))[0] - known[:, index] @ known) / spread
        surprise = (float(self.scale(np.array([value]))[0]) - self.mean[index]) / spread
        self._rows[self._count] = row
        self._count += 1
        self.mean = self.mean + surprise * row
        self.variance = np.maximum(self.variance - row**2, JITTER)

    @property
    def deviation(self) -> FloatArray:
        """Standard deviation of a label that would be read, noise included; shape (classes,)."""
        return np.asarray(np.sqrt(self.variance + self.noise), dtype=np.float64)
