"""What a few labels tell of all other classes: predicted ranks on each task, and the predicted contrast of two.

`predicted_scores` is the known mode's surrogate on its own, one task at a time. `joint_scores` learns from all tasks
at once, which helps where each is noisy, and needs the same classes labelled on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.locking.tabular.features import ROWS
from archlock.locking.tabular.joint_surrogate import joint_mean
from archlock.locking.tabular.kernels import feature_groups, rich_groups
from archlock.locking.tabular.problem import IntArray, Pool
from archlock.locking.tabular.surrogate import Scale, Surrogate
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


def joint_scores(pool: Pool, labels: Mapping[str, Labels]) -> dict[str, FloatArray]:
    """Expected normal score of every class on every task, from the labels of all tasks together; (classes,) each.

    Raises:
        UsageError: no task, no label, or tasks that are labelled at different classes.
    """
    if not labels or not all(labels.values()):
        raise UsageError("predictor: there is no label to learn from")
    first, *others = labels.values()
    if any(set(other) != set(first) for other in others):
        raise UsageError("joint predictor: label the same classes on every task, or use predicted_scores on each")
    indices = np.array(list(first), dtype=np.int64)
    scores = np.stack([_normal_scores(one, indices) for one in labels.values()])
    return dict(zip(labels, joint_mean(rich_groups(pool), indices, scores, measured_rows(pool)), strict=True))


def measured_rows(pool: Pool) -> FloatArray:
    """Of how many measured rows the value of each class is the mean; 1 where the pool does not say; (classes,)."""
    return pool.features[ROWS][:, 0] if ROWS in pool.features else np.ones(pool.classes)


def _normal_scores(labels: Labels, indices: IntArray) -> FloatArray:
    values = np.array([labels[int(index)] for index in indices], dtype=np.float64)
    return Scale.of(values)(values)


def predicted_contrast(pool: Pool, source: Labels, target: Labels) -> FloatArray:
    """Predicted rank on the source minus predicted rank on the target, among all classes; shape (classes,).

    Raises:
        UsageError: a task without labels.
    """
    return contrast_of_scores(pool, source, target, predicted_scores(pool, source), predicted_scores(pool, target))


def contrast_of_scores(
    pool: Pool, source: Labels, target: Labels, source_scores: FloatArray, target_scores: FloatArray
) -> FloatArray:
    """The predicted contrast, given predicted scores of both tasks; shape (classes,), centred.

    Where classes are labelled on both tasks, a model of the difference of their normal scores is averaged in: it sees
    what the two tasks do not share, which is little beside what they do.
    """
    apart = rankdata(source_scores) - rankdata(target_scores)
    both = np.array([index for index in source if index in target], dtype=np.int64)
    if len(both) < LEAST_SHARED:
        return np.asarray(apart, dtype=np.float64)
    difference = _normal_scores(source, both) - _normal_scores(target, both)
    unit = difference / (difference.std() or 1.0)
    direct = joint_mean(rich_groups(pool), both, unit[None], measured_rows(pool))[0]
    return np.asarray(rankdata(apart) + rankdata(direct) - len(apart) - 1, dtype=np.float64)
