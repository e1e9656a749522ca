"""The predictors that ``bench predictor`` compares: from a few labels of a task, an order of all classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from archlock.errors import UsageError, did_you_mean
from archlock.locking.tabular.predictor import contrast_of_scores, joint_scores, predicted_scores
from archlock.locking.tabular.problem import Pool
from archlock.scores import FloatArray

Labels = Mapping[int, float]
"""Class to raw value."""
Scores = dict[str, FloatArray]
"""Task to a score of each class, shape (classes,) each."""
Generators = Callable[[str], np.random.Generator]
"""Task to the generator of what is random on it."""

TREES = 300
SEEN = ("one_hot_mean", "paths", "graph", "shape")
"""What the trees see: operations averaged over twins, paths and graph of cells, shape of macro networks."""


@dataclass(frozen=True)
class Predictor:
    """One way to predict.

    Attributes:
        scores: from a pool, task to labels, and task to generator to task to scores.
        contrast: from a pool, labels of source and target, and the scores of both to source rank minus target rank,
            shape (classes,); None for the difference of the ranks of the scores.
    """

    scores: Callable[[Pool, Mapping[str, Labels], Generators], Scores]
    contrast: Callable[[Pool, Labels, Labels, FloatArray, FloatArray], FloatArray] | None = None


def joint_gaussian_process(pool: Pool, labels: Mapping[str, Labels], generators: Generators) -> Scores:
    """One process over all tasks in play; it draws nothing."""
    return joint_scores(pool, labels)


def gaussian_process(pool: Pool, labels: Mapping[str, Labels], generators: Generators) -> Scores:
    """The surrogate of the locking methods, each task on its own; it draws nothing."""
    return {task: predicted_scores(pool, own) for task, own in labels.items()}


def extra_trees(pool: Pool, labels: Mapping[str, Labels], generators: Generators) -> Scores:
    """Extremely randomised trees (Geurts et al., 2006), each task on its own: the baseline.

    They see everything of `SEEN` that the pool has; a leaf may hold one label.
    """
    features = np.hstack([pool.features[name] for name in SEEN if name in pool.features])
    return {task: _trees(features, own, generators(task)) for task, own in labels.items()}


def _trees(features: FloatArray, labels: Labels, rng: np.random.Generator) -> FloatArray:
    trees = ExtraTreesRegressor(TREES, random_state=int(rng.integers(2**31)), n_jobs=1)
    trees.fit(features[list(labels)], np.array(list(labels.values())))
    return np.asarray(trees.predict(features), dtype=np.float64)


PREDICTORS: dict[str, Predictor] = {
    "joint-gp": Predictor(joint_gaussian_process, contrast_of_scores),
    "gaussian-process": Predictor(gaussian_process, contrast_of_scores),
    "extra-trees": Predictor(extra_trees),
}


def load_predictor(name: str) -> Predictor:
    """A predictor by name.

    Raises:
        UsageError: no such predictor.
    """
    if name not in PREDICTORS:
        raise UsageError(f"predictor {name!r} is unknown.{did_you_mean(name, tuple(PREDICTORS))}")
    return PREDICTORS[name]
