"""How sure a relation may be: one temperature, from predictions that each value had no part in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from archlock.scores import FloatArray

LOG_WIDTH = 0.7
"""Standard deviation of the normal prior on the temperature's logarithm."""


def leave_group_out(values: FloatArray, precision: FloatArray, group: NDArray[np.int64]) -> FloatArray:
    """What a Gaussian process predicts for each value from the values of all other groups; shape (points,).

    Grouped by architecture, it tells what would be said of an architecture that nothing is known of on any task.

    Source: the block form of Rasmussen & Williams, 2006, eq. 5.12.
    """
    pulled = precision @ values
    predicted = np.empty_like(values)
    for name in np.unique(group):
        rows = np.flatnonzero(group == name)
        predicted[rows] = values[rows] - np.linalg.solve(precision[np.ix_(rows, rows)], pulled[rows])
    return predicted


def pair_margins(predicted: FloatArray, actual: FloatArray, group: NDArray[np.int64]) -> FloatArray:
    """Predicted difference of every pair within a group, positive where the order is right; ties left out."""
    margins = [np.empty(0)]
    for name in np.unique(group):
        rows = np.flatnonzero(group == name)
        first, second = (rows[side] for side in np.triu_indices(len(rows), 1))
        sign = np.sign(actual[first] - actual[second])
        margins.append(((predicted[first] - predicted[second]) * sign)[sign != 0])
    return np.concatenate(margins)


def fit_temperature(margins: FloatArray, observations: int) -> float:
    """The factor on logit margins that makes their sigmoid the likeliest (Platt, 1999, without the offset).

    Args:
        margins: shape (pairs,), logits of the right outcome.
        observations: how many values the pairs were made of; pairs share them, so the pairs' mean likelihood counts
            this many times against the prior that the margins are already right.
    """
    if len(margins) == 0:
        return 1.0

    def loss(log_factor: float) -> float:
        likelihood = np.logaddexp(0.0, -np.exp(log_factor) * margins).mean() * observations
        return float(likelihood + 0.5 * (log_factor / LOG_WIDTH) ** 2)

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))
