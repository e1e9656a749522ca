"""The noise floor of a table: how far two trainings of one network differ, as its twins show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from archlock.scores import FloatArray
from archlock.tables.archive import IntArray

UPPER_HALF = 50.0
"""Classes are looked at from this mean percentile on: a lock chooses among good networks."""


@dataclass(frozen=True)
class Noise:
    """How far a row is from the mean of its twins, over classes of the upper half that have any.

    Attributes:
        raw: standard deviation in the unit of the values.
        points: the same in percentile points among all rows.
        classes: how many classes it was measured on.
    """

    raw: float
    points: float
    classes: int


def noise_floor(values: FloatArray, classes: IntArray) -> Noise | None:
    """Pooled standard deviation of rows about their class, n - 1 for n twins; None where no class has twins.

    Args:
        values: shape (rows,), higher is better.
        classes: shape (rows,), row to class 0..C-1.
    """
    percentiles = (rankdata(values) - 1) * 100 / max(1, len(values) - 1)
    rows = np.bincount(classes)
    mean = np.bincount(classes, percentiles) / rows
    looked_at = (rows > 1) & (mean >= UPPER_HALF)
    if not looked_at.any():
        return None
    inside, freedom = looked_at[classes], float((rows[looked_at] - 1).sum())

    def spread(of: FloatArray) -> float:
        apart = of - (np.bincount(classes, of) / rows)[classes]
        return float(np.sqrt((apart[inside] ** 2).sum() / freedom))

    return Noise(spread(values), spread(percentiles), int(looked_at.sum()))
