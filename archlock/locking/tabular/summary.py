"""Many trials as one figure: mean over pairs and pooled, with an interval over tasks and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.errors import UsageError
from archlock.scores import FloatArray

LEVEL = 0.9
RESAMPLES = 2000
WANTED_ADMISSIBLE = 0.95
"""Share of proposals that must be admissible."""


@dataclass(frozen=True)
class Outcome:
    """One trial's figures.

    Attributes:
        source, target, seed: which trial.
        ours, random, oracle: mean target percentiles.
        admissible: share of its five picks that are admissible.
    """

    source: str
    target: str
    seed: int
    ours: float
    random: float
    oracle: float
    admissible: float = 1.0


@dataclass(frozen=True)
class Summary:
    """A cell of the results.

    Attributes:
        mean: mean gap closed over pairs and seeds.
        low, high: percentile interval of the mean, at `LEVEL`, from resampling tasks and seeds; equal to the mean
            where there is nothing to resample.
        pooled: sum of (random - ours) over sum of (random - oracle).
        positive: share of pairs with a mean gap above 0.
        admissible: share of admissible picks.
        ours, random, oracle: mean target percentiles.
        pairs, seeds: how many.
    """

    mean: float
    low: float
    high: float
    pooled: float
    positive: float
    admissible: float
    ours: float
    random: float
    oracle: float
    pairs: int
    seeds: int

    @property
    def admissible_enough(self) -> bool:
        """At least 95 % of the picks are admissible."""
        return self.admissible >= WANTED_ADMISSIBLE


def summarise(outcomes: Sequence[Outcome], resampling_seed: int = 0) -> Summary:
    """All trials of one cell.

    Raises:
        UsageError: no trials, or a pair that lacks some seeds.
    """
    tasks = sorted({task for one in outcomes for task in (one.source, one.target)})
    seeds = sorted({one.seed for one in outcomes})
    if not outcomes:
        raise UsageError("there are no trials to sum up")
    won, room = np.zeros((len(tasks), len(tasks), len(seeds))), np.zeros((len(tasks), len(tasks), len(seeds)))
    for one in outcomes:
        place = (tasks.index(one.source), tasks.index(one.target), seeds.index(one.seed))
        won[place], room[place] = one.random - one.ours, one.random - one.oracle
    there = room > 0
    if (there.sum(axis=2) % len(seeds)).any() or there.sum() != len(outcomes):
        raise UsageError("every pair needs the same seeds, each once")
    gaps = np.divide(won, room, out=np.zeros_like(won), where=there)
    low, high = _interval(gaps, there, np.random.default_rng(resampling_seed))
    pairs = there.any(axis=2)
    figures = np.array([(one.ours, one.random, one.oracle, one.admissible) for one in outcomes]).mean(axis=0)
    return Summary(
        mean=float(gaps[there].mean()), low=low, high=high, pooled=float(won[there].sum() / room[there].sum()),
        positive=float((gaps.mean(axis=2)[pairs] > 0).mean()), admissible=float(figures[3]), ours=float(figures[0]),
        random=float(figures[1]), oracle=float(figures[2]), pairs=int(pairs.sum()), seeds=len(seeds),
    )  # fmt: skip


def _interval(gaps: FloatArray, there: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Interval of the mean when tasks and seeds are drawn again; a pair weighs as often as both its tasks are drawn.

    Pairs share tasks, so that resampling pairs as if they were independent would give too narrow an interval. Draws
    that hold no pair (one task only) say nothing and are left out.
    """
    tasks, seeds = gaps.shape[0], gaps.shape[2]
    task_counts = rng.multinomial(tasks, np.full(tasks, 1 / tasks), size=RESAMPLES).astype(np.float64)
    seed_counts = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES).astype(np.float64)
    sums = np.einsum("bi,bj,bk,ijk->b", task_counts, task_counts, seed_counts, gaps * there, optimize=True)
    weights = np.einsum("bi,bj,bk,ijk->b", task_counts, task_counts, seed_counts, there.astype(float), optimize=True)
    means = sums[weights > 0] / weights[weights > 0]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
