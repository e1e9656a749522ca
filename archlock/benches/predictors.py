"""The predictors that ``bench predictor`` compares, each a mean for all classes from a few labels of one task."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from archlock.errors import UsageError, did_you_mean
from archlock.locking.tabular.kernels import feature_groups
from archlock.locking.tabular.problem import IntArray, Pool
from archlock.locking.tabular.surrogate import Surrogate
from archlock.scores import FloatArray

Predictor = Callable[[Pool, IntArray, FloatArray, np.random.Generator], FloatArray]
"""From a pool, labelled classes (n,), their raw values (n,) and a generator to a mean for all classes, (classes,)."""

TREES = 300


def gaussian_process(pool: Pool, indices: IntArray, values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The surrogate of the locking methods; it draws nothing."""
    surrogate = Surrogate(feature_groups(pool))
    surrogate.fit(indices, values)
    return surrogate.mean


def extra_trees(pool: Pool, indices: IntArray, values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Extremely randomised trees on one-hot operations (Geurts et al., 2006): the plain baseline."""
    features = pool.features["one_hot"]
    trees = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=int(rng.integers(2**31)), n_jobs=1)
    return np.asarray(trees.fit(features[indices], values).predict(features), dtype=np.float64)


PREDICTORS: dict[str, Predictor] = {"gaussian-process": gaussian_process, "extra-trees": extra_trees}


def load_predictor(name: str) -> Predictor:
    """A predictor by name.

    Raises:
        UsageError: no such predictor.
    """
    if name not in PREDICTORS:
        raise UsageError(f"predictor {name!r} is unknown.{did_you_mean(name, tuple(PREDICTORS))}")
    return PREDICTORS[name]
