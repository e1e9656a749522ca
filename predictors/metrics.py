"""How good predicted utilities and pair probabilities are: pair accuracy, Kendall tau, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from archlock.errors import UsageError
from archlock.scores import FloatArray, Score, ScoreFailed

BINS = 10


@dataclass(frozen=True)
class Pairs:
    """All pairs of architectures whose true values differ, the winner first.

    Attributes:
        winner, loser: shape (pairs,), positions.
    """

    winner: NDArray[np.int64]
    loser: NDArray[np.int64]

    @classmethod
    def of(cls, truth: FloatArray) -> Pairs:
        """Pairs of n true values, higher is better; shape of ``truth`` (n,)."""
        first, second = np.triu_indices(len(truth), 1)
        gap = truth[first] - truth[second]
        first, second, gap = first[gap != 0], second[gap != 0], gap[gap != 0]
        return cls(np.where(gap > 0, first, second), np.where(gap > 0, second, first))

    def __len__(self) -> int:
        return len(self.winner)


def pair_accuracy(predicted: FloatArray, truth: FloatArray) -> Score | ScoreFailed:
    """Share of pairs put in the right order; a predicted tie counts half. Shapes (n,)."""
    pairs = Pairs.of(truth)
    if len(pairs) == 0:
        return ScoreFailed("no two true values differ")
    margin = predicted[pairs.winner] - predicted[pairs.loser]
    return Score(float(((margin > 0) + 0.5 * (margin == 0)).mean()), "share of pairs")


def rank_correlation(predicted: FloatArray, truth: FloatArray) -> Score | ScoreFailed:
    """Kendall tau-b of predicted and true values; shapes (n,). Failed where either is constant."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return ScoreFailed("all values are equal")
    return Score(float(kendalltau(predicted, truth).statistic), "Kendall tau")


@dataclass(frozen=True)
class Reliability:
    """How often the predicted favourite wins, by how sure the prediction was.

    Attributes:
        confidence: shape (bins,), mean probability of the favourite, in [0.5, 1].
        frequency: shape (bins,), share of favourites that won.
        count: shape (bins,), pairs; empty bins are left out.
    """

    confidence: FloatArray
    frequency: FloatArray
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean gap of confidence and frequency over pairs (Guo et al., ICML 2017)."""
        return float(np.average(np.abs(self.confidence - self.frequency), weights=self.count))


def reliability(winner_probability: FloatArray, bins: int = BINS) -> Reliability:
    """Reliability diagram of pair probabilities.

    Each pair is told from its predicted favourite's side, so that the order in which pairs are given cannot matter.

    Args:
        winner_probability: shape (pairs,), the probability given to the true winner.
        bins: equal bins of the favourite's probability between 0.5 and 1.

    Raises:
        UsageError: no pairs, or a value outside [0, 1].
    """
    if len(winner_probability) == 0 or not ((winner_probability >= 0) & (winner_probability <= 1)).all():
        raise UsageError("reliability: expected at least one probability, all in [0, 1]")
    confidence = np.maximum(winner_probability, 1 - winner_probability)
    won = np.where(winner_probability == 0.5, 0.5, winner_probability > 0.5)
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    used = count > 0
    sums = [np.bincount(place, weights=values, minlength=bins)[used] / count[used] for values in (confidence, won)]
    return Reliability(sums[0], sums[1], count[used].astype(np.int64))


def log_loss(winner_probability: FloatArray) -> float:
    """Mean negative log probability of the true winner, nats; 0.693 is a coin's."""
    return float(-np.log(np.clip(winner_probability, 1e-12, 1.0)).mean())
