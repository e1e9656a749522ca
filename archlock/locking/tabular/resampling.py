"""Intervals of a mean when tasks and seeds are drawn again (Efron's bootstrap, percentile method).

Pairs share tasks, so that resampling pairs as if they were independent would give too narrow an interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.intervals import LEVEL
from archlock.scores import FloatArray

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A percentile interval at `LEVEL`, and what was drawn again for it.

    Attributes:
        low, high: its ends.
        over: ``tasks``, ``seeds`` or ``tasks and seeds``.
    """

    low: float
    high: float
    over: str

    def __str__(self) -> str:
        return f"[{self.low:.3f}, {self.high:.3f}]"


def pair_interval(values: FloatArray, there: NDArray[np.bool_], rng: np.random.Generator) -> Interval | None:
    """Interval of the mean over pairs and seeds; a pair weighs as often as both its tasks are drawn.

    Draws that hold no pair (one task only) say nothing and are left out. Two tasks are one choice of pairs, so that
    only seeds are drawn again then.

    Args:
        values: shape (tasks, tasks, seeds).
        there: same shape, which of them are pairs.
        rng: draws.

    Returns:
        None with at most two tasks and one seed, where nothing can be drawn again.
    """
    weights = there.astype(np.float64)
    first, second = _counts(values.shape[0], rng), _counts(values.shape[2], rng)
    sums = np.einsum("bi,bj,bk,ijk->b", first, first, second, values * weights, optimize=True)
    sizes = np.einsum("bi,bj,bk,ijk->b", first, first, second, weights, optimize=True)
    return _quantiles(sums[sizes > 0] / sizes[sizes > 0], values.shape[0] > 2, values.shape[2] > 1)


def task_interval(values: FloatArray, rng: np.random.Generator) -> Interval | None:
    """Interval of the mean of values of tasks and seeds, shape (tasks, seeds); None for one task and one seed."""
    first, second = _counts(values.shape[0], rng), _counts(values.shape[1], rng)
    means = np.einsum("bi,bk,ik->b", first, second, values, optimize=True) / values.size
    return _quantiles(means, values.shape[0] > 1, values.shape[1] > 1)


def _counts(things: int, rng: np.random.Generator) -> FloatArray:
    """How often each of some things is drawn; shape (draws, things)."""
    return rng.multinomial(things, np.full(things, 1 / things), size=RESAMPLES).astype(np.float64)


def _quantiles(means: FloatArray, tasks: bool, seeds: bool) -> Interval | None:
    over = " and ".join(name for name, drawn in (("tasks", tasks), ("seeds", seeds)) if drawn)
    if not over:
        return None
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), over)
