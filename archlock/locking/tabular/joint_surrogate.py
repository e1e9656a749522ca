"""One Gaussian process over classes and tasks at once: what tasks share is learnt from the labels of all of them.

The covariance of two labels is the covariance of their tasks times the kernel of their classes (intrinsic
coregionalisation: Bonilla, Chai and Williams, Multi-task Gaussian Process Prediction, NeurIPS 2007, eq. 2). Training
noise is independent from task to task, so that a task that was measured badly leans on the others. A class that is the
mean of several measured rows has that much less noise. Where all tasks are labelled at the same classes the covariance
has Kronecker structure, and two small eigendecompositions serve in place of a large factor (Rakitsch et al., It is all
in the noise, NeurIPS 2013, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, minimize

from archlock.locking.tabular.kernels import Groups, matern32, squared_distances
from archlock.locking.tabular.problem import IntArray
from archlock.locking.tabular.surrogate import JITTER, OTHER_WIDTH, WEIGHT_WIDTH, Hyperparameters
from archlock.scores import FloatArray

STEPS = 60
"""Most iterations of the optimiser."""
FURTHEST = 8.0
"""Standard deviations of the prior, either way, that a parameter may lie from it."""
OWN_SHARE = 0.1
"""Before any fit, the part of a task's variance that it has to itself; the rest varies as the labels do."""


@dataclass(frozen=True)
class JointLabels:
    """Labels of all tasks at the same classes.

    Attributes:
        scores: shape (tasks, n), normal scores, centred for each task.
        rows: shape (n,), of how many measurements each is the mean.
        distances: shape (groups, n * n), squared distances of the classes by group.
    """

    scores: FloatArray
    rows: FloatArray
    distances: FloatArray

    @property
    def tasks(self) -> int:
        """How many tasks."""
        return len(self.scores)


@dataclass(frozen=True)
class JointParameters:
    """What is fitted, as `vector` holds it.

    Attributes:
        weights: shape (groups,), log inverse squared length scales.
        mixing: shape (tasks, tasks), lower triangle whose product with its transpose is the covariance of tasks.
        noise: shape (tasks,), log variance of the noise of one measurement.
    """

    weights: FloatArray
    mixing: FloatArray
    noise: FloatArray

    @classmethod
    def prior(cls, labels: JointLabels) -> JointParameters:
        """Kernel and noise as of one task; the covariance of tasks is nearly the correlation of their labels."""
        single = Hyperparameters.prior(len(labels.distances))
        between = _correlation(labels.scores) * (1 - OWN_SHARE) + OWN_SHARE * np.eye(labels.tasks)
        mixing = np.asarray(np.linalg.cholesky(between), dtype=np.float64)
        return cls(single.weights, mixing, np.full(labels.tasks, single.noise))

    def vector(self) -> FloatArray:
        """All in one array; shape (groups + tasks (tasks + 1) / 2 + tasks,)."""
        return np.concatenate([self.weights, self.mixing[np.tril_indices(len(self.noise))], self.noise])

    @classmethod
    def of(cls, vector: FloatArray, tasks: int) -> JointParameters:
        """The inverse of `vector`."""
        groups = len(vector) - tasks - tasks * (tasks + 1) // 2
        mixing = np.zeros((tasks, tasks))
        mixing[np.tril_indices(tasks)] = vector[groups:-tasks]
        return cls(vector[:groups], mixing, vector[-tasks:])

    @property
    def between(self) -> FloatArray:
        """Covariance of tasks; shape (tasks, tasks)."""
        return np.asarray(self.mixing @ self.mixing.T + JITTER * np.eye(len(self.mixing)), dtype=np.float64)


def _correlation(scores: FloatArray) -> FloatArray:
    """Correlation of tasks; of one whose labels are all equal, none; shape (tasks, tasks)."""
    length = np.sqrt((scores**2).sum(axis=1))
    unit = scores / np.where(length > 0, length, 1.0)[:, None]
    correlation = unit @ unit.T
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation, dtype=np.float64)


@dataclass(frozen=True)
class Whitened:
    """Labels in units of their own noise: their covariance is one of tasks times one of classes, plus 1.

    Attributes:
        unit: shape (tasks, n), standard deviation of each label's noise.
        scores: shape (tasks, n).
        tasks: shape (tasks, tasks).
        classes: shape (n, n).
    """

    unit: FloatArray
    scores: FloatArray
    tasks: FloatArray
    classes: FloatArray

    @classmethod
    def of(cls, own: JointParameters, labels: JointLabels, kernel: FloatArray) -> Whitened:
        """Labels under some parameters; the kernel is of shape (n, n)."""
        deviation, root = np.exp(own.noise / 2), np.sqrt(labels.rows)
        unit = np.outer(deviation, 1 / root)
        classes = (kernel + JITTER * np.eye(len(root))) * np.outer(root, root)
        return cls(unit, labels.scores / unit, own.between / np.outer(deviation, deviation), classes)

    def solve(self) -> tuple[FloatArray, float, FloatArray, FloatArray]:
        """The inverse covariance times the scores, the log determinant, and its slope by `tasks` and by `classes`."""
        (of_tasks, left), (of_classes, right) = _spectrum(self.tasks), _spectrum(self.classes)
        total = 1 + np.outer(of_tasks, of_classes)
        solved = left @ (left.T @ self.scores @ right / total) @ right.T
        by_tasks = (left * (of_classes / total).sum(axis=1)) @ left.T
        by_classes = (right * (of_tasks[:, None] / total).sum(axis=0)) @ right.T
        return solved, float(np.log(total).sum()), by_tasks, by_classes


def _spectrum(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues, rounding below zero cut off, and eigenvectors of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return np.maximum(values, 0.0), vectors


def negative_log_evidence(vector: FloatArray, labels: JointLabels) -> tuple[float, FloatArray]:
    """Minus the log marginal likelihood of all labels, up to a constant, and its gradient.

    Args:
        vector: as of `JointParameters.vector`.
        labels: of all tasks.
    """
    own, count = JointParameters.of(vector, labels.tasks), len(labels.rows)
    weights, deviation, root = np.exp(own.weights), np.exp(own.noise / 2), np.sqrt(labels.rows)
    kernel, slope = matern32((weights @ labels.distances).reshape(count, count))
    white = Whitened.of(own, labels, kernel)
    solved, log_determinant, by_tasks, by_classes = white.solve()
    value = 0.5 * (white.scores * solved).sum() + 0.5 * log_determinant + 0.5 * count * own.noise.sum()
    by_tasks = by_tasks - solved @ white.classes @ solved.T
    by_classes = (by_classes - solved.T @ white.tasks @ solved) * np.outer(root, root)
    gradient = JointParameters(
        0.5 * weights * (labels.distances @ (by_classes * slope).ravel()),
        by_tasks / np.outer(deviation, deviation) @ own.mixing,
        0.5 * (count - (by_tasks * white.tasks).sum(axis=1) - (solved * white.scores).sum(axis=1)),
    )
    return float(value), gradient.vector()


def fit_joint(labels: JointLabels) -> JointParameters:
    """Maximise marginal likelihood times prior, from the prior on."""
    prior = JointParameters.prior(labels)
    start, groups = prior.vector(), len(prior.weights)
    width = np.full(len(start), OTHER_WIDTH)
    width[:groups] = WEIGHT_WIDTH

    def loss(vector: FloatArray) -> tuple[float, FloatArray]:
        value, slope = negative_log_evidence(vector, labels)
        away = (vector - start) / width
        return value + 0.5 * float(away @ away), slope + away / width

    # A line search that steps far out would overflow, and eigenvalues of NaN are looked for without an end.
    bounds = Bounds(start - FURTHEST * width, start + FURTHEST * width)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    return JointParameters.of(np.asarray(found.x, dtype=np.float64), labels.tasks)


def joint_mean(groups: Groups, indices: IntArray, scores: FloatArray, rows: FloatArray) -> FloatArray:
    """Expected score of every class on every task; shape (tasks, classes).

    Args:
        groups: features of all classes.
        indices: shape (n,), classes labelled on all tasks.
        scores: shape (tasks, n), their normal scores.
        rows: shape (classes,), of how many measurements the label of a class is the mean.
    """
    centre = scores.mean(axis=1, keepdims=True)
    labels = JointLabels(scores - centre, rows[indices], groups.squared_distances(indices))
    own = fit_joint(labels)
    scaled = groups.features * np.exp(own.weights / 2)[groups.group]
    kernel = matern32(squared_distances(scaled[indices], scaled))[0]
    white = Whitened.of(own, labels, kernel[:, indices])
    return np.asarray(centre + own.between @ (white.solve()[0] / white.unit) @ kernel, dtype=np.float64)
