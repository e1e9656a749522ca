"""What a few labels tell of all other classes: predicted ranks on one task, and the predicted contrast of two.

This is the known mode's surrogate on its own, so that it can be compared with published predictors.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.locking.tabular.kernels import feature_groups
from archlock.locking.tabular.problem import Pool
from archlock.locking.tabular.surrogate import Surrogate
from archlock.scores import FloatArray

Labels = Mapping[int, float]
"""Class to raw value."""
LEAST_SHARED = 20
"""Classes labelled on both tasks from which their contrast is modelled directly as well."""


def predicted_scores(pool: Pool, labels: Labels) -> FloatArray:
    """Expected normal score of every class from the labels of some, higher is better; shape (classes,).

    Raises:
        UsageError: no label.
    """
    if not labels:
        raise UsageError("predictor: there is no label to learn from")
    surrogate = Surrogate(feature_groups(pool))
    surrogate.fit(np.array(list(labels), dtype=np.int64), np.array(list(labels.values()), dtype=np.float64))
    return surrogate.mean


def predicted_contrast(pool: Pool, source: Labels, target: Labels) -> FloatArray:
    """Predicted rank on the source minus predicted rank on the target, among all classes; shape (classes,).

    Raises:
        UsageError: a task without labels.
    """
    return contrast_of_scores(pool, source, target, predicted_scores(pool, source), predicted_scores(pool, target))


def contrast_of_scores(
    pool: Pool, source: Labels, target: Labels, source_scores: FloatArray, target_scores: FloatArray
) -> FloatArray:
    """The predicted contrast, given what `predicted_scores` says of both tasks; shape (classes,), centred.

    Where classes are labelled on both tasks, a model of the difference of their ranks is averaged in: it sees what the
    two tasks do not share, which is little beside what they do.
    """
    apart = rankdata(source_scores) - rankdata(target_scores)
    both = [index for index in source if index in target]
    if len(both) < LEAST_SHARED:
        return np.asarray(apart, dtype=np.float64)
    ranks = rankdata([source[index] for index in both]) - rankdata([target[index] for index in both])
    direct = predicted_scores(pool, dict(zip(both, ranks.tolist(), strict=True)))
    return np.asarray(rankdata(apart) + rankdata(direct) - len(apart) - 1, dtype=np.float64)
