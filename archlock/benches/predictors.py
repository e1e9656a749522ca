"""The predictors that ``bench predictor`` compares: from a few labels of a task, an order of all classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from archlock.errors import UsageError, did_you_mean
from archlock.locking.tabular.predictor import contrast_of_scores, predicted_scores
from archlock.locking.tabular.problem import Pool
from archlock.scores import FloatArray

Labels = Mapping[int, float]
"""Class to raw value."""

TREES = 300


@dataclass(frozen=True)
class Predictor:
    """One way to predict.

    Attributes:
        scores: from a pool, labels of one task and a generator to a score of each class, shape (classes,).
        contrast: from a pool, labels of source and target, and the scores of both to source rank minus target rank,
            shape (classes,); None for the difference of the ranks of the scores.
    """

    scores: Callable[[Pool, Labels, np.random.Generator], FloatArray]
    contrast: Callable[[Pool, Labels, Labels, FloatArray, FloatArray], FloatArray] | None = None


def gaussian_process(pool: Pool, labels: Labels, rng: np.random.Generator) -> FloatArray:
    """The surrogate of the locking methods; it draws nothing."""
    return predicted_scores(pool, labels)


def extra_trees(pool: Pool, labels: Labels, rng: np.random.Generator) -> FloatArray:
    """Extremely randomised trees on one-hot operations (Geurts et al., 2006): the plain baseline."""
    features = pool.features["one_hot"]
    trees = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=int(rng.integers(2**31)), n_jobs=1)
    trees.fit(features[list(labels)], np.array(list(labels.values())))
    return np.asarray(trees.predict(features), dtype=np.float64)


PREDICTORS: dict[str, Predictor] = {
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
