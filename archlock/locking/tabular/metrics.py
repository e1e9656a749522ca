"""How a proposal is judged: percentiles among classes, the gap closed between random and oracle, the paper's metric.

All of it is computed from the table after the method has answered; a method never sees a percentile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from archlock.errors import BudgetError, UsageError
from archlock.locking.tabular.problem import PICKS, IntArray
from archlock.scores import FloatArray

BoolArray = NDArray[np.bool_]

ADMISSIBLE_PERCENTILE = 95.0
"""Source percentile from which a class is admissible, unless a threshold is given."""


def percentiles(values: FloatArray) -> FloatArray:
    """Rank of each class among all, 0 the worst and 100 the best, ties averaged; shape (classes,).

    Raises:
        UsageError: fewer than two classes.
    """
    if len(values) < 2:
        raise UsageError(f"percentiles need at least two classes, not {len(values)}")
    return np.asarray((rankdata(values) - 1) * 100 / (len(values) - 1), dtype=np.float64)


def robust_percentiles(plain: FloatArray, neighbours: Sequence[IntArray]) -> FloatArray:
    """The best percentile that one edit reaches: the maximum over a class and its neighbours; shape (classes,)."""
    return np.array([max(own, plain[near].max(initial=0)) for own, near in zip(plain, neighbours, strict=True)])


def raw_threshold(values: FloatArray, percentile: float = ADMISSIBLE_PERCENTILE) -> float:
    """The lowest raw value whose percentile is at least the given one; the best value where ties leave none."""
    met = values[percentiles(values) >= percentile]
    return float(met.min()) if len(met) else float(values.max())


@dataclass(frozen=True)
class Judgement:
    """What a proposal is worth.

    Attributes:
        target_percentiles, source_percentiles: of each pick as it is; in a robust judgement the target's are the best
            after one edit.
        admissible: whether each pick meets the source threshold.
        target_percentile: mean over the picks, an inadmissible one counted as the admissible mean.
        random: mean target percentile of all admissible classes.
        oracle: mean of the five lowest among them.
    """

    target_percentiles: tuple[float, ...]
    source_percentiles: tuple[float, ...]
    admissible: tuple[bool, ...]
    target_percentile: float
    random: float
    oracle: float

    @property
    def gap_closed(self) -> float:
        """(random - ours) / (random - oracle): 0 as good as random admissible classes, 1 as good as the oracle."""
        return (self.random - self.target_percentile) / (self.random - self.oracle)


@dataclass(frozen=True)
class Judge:
    """The percentiles of one pair of tasks.

    Attributes:
        source, target: shape (classes,); ``target`` is after the best one-edit change in a robust judge.
        admissible: shape (classes,).
    """

    source: FloatArray
    target: FloatArray
    admissible: BoolArray

    @classmethod
    def of(
        cls, source: FloatArray, target: FloatArray, threshold: float, neighbours: Sequence[IntArray] | None = None
    ) -> Judge:
        """A judge of raw values, shape (classes,) each, higher is better; robust where neighbours are given.

        Raises:
            BudgetError: too few classes meet the threshold for a choice among them; names what can be met.
            UsageError: all admissible classes are equal on the target.
        """
        admissible = source >= threshold
        if admissible.sum() <= PICKS:
            nearest = float(np.sort(source)[-min(PICKS + 1, len(source))])
            raise BudgetError(
                f"threshold {threshold:g}: {int(admissible.sum())} of {len(source)} architectures meet it and at least "
                f"{PICKS + 1} must, or there is nothing to choose; at {nearest:g} there are as many"
            )
        plain = percentiles(target)
        judge = cls(
            percentiles(source), plain if neighbours is None else robust_percentiles(plain, neighbours), admissible
        )
        if judge.random - judge.oracle <= 0:
            raise UsageError("every admissible architecture is equally good on the target: there is no lock to find")
        return judge

    @property
    def random(self) -> float:
        """Expected target percentile of a random admissible class."""
        return float(self.target[self.admissible].mean())

    @property
    def oracle(self) -> float:
        """Mean of the five lowest target percentiles among the admissible classes."""
        return float(np.sort(self.target[self.admissible])[:PICKS].mean())

    def oracle_picks(self) -> tuple[int, ...]:
        """The five admissible classes with the lowest target percentile."""
        order = np.lexsort((np.arange(len(self.target)), self.target, ~self.admissible))
        return tuple(int(index) for index in order[:PICKS])

    def judge(self, picks: Sequence[int]) -> Judgement:
        """What five classes are worth."""
        chosen = list(picks)
        target, met = self.target[chosen], self.admissible[chosen]
        counted = np.where(met, target, self.random)
        return Judgement(
            tuple(target.tolist()), tuple(self.source[chosen].tolist()), tuple(met.tolist()),
            float(counted.mean()), self.random, self.oracle,
        )  # fmt: skip


@dataclass(frozen=True)
class PaperMetric:
    """The metric of the ArchLock paper, against the architectures that a release without a lock would choose.

    Attributes:
        target_fall: relative fall of the target percentile, 0.5 for half.
        source_lost: source percentile lost, in points.
    """

    target_fall: float
    source_lost: float


def paper_metric(locked: Judgement, unlocked: Judgement) -> PaperMetric:
    """Relative fall of the target percentile and loss of source percentile; every pick counts as it is.

    Raises:
        UsageError: the unlocked architectures are the worst on the target, so that nothing can fall.
    """
    before = float(np.mean(unlocked.target_percentiles))
    if before <= 0:
        raise UsageError("the unlocked architectures are the worst of all on the target: a relative fall is undefined")
    fall = (before - float(np.mean(locked.target_percentiles))) / before
    lost = float(np.mean(unlocked.source_percentiles)) - float(np.mean(locked.source_percentiles))
    return PaperMetric(fall, lost)
