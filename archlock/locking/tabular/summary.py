"""Many trials as one figure: mean over pairs and pooled, with an interval over tasks and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.errors import UsageError
from archlock.locking.tabular.resampling import Interval, pair_interval

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
        interval: of the mean, tasks and seeds drawn again; None where nothing can be drawn again.
        pooled: sum of (random - ours) over sum of (random - oracle).
        positive: share of pairs with a mean gap above 0.
        admissible: share of admissible picks.
        ours, random, oracle: mean target percentiles.
        pairs, seeds: how many.
    """

    mean: float
    interval: Interval | None
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
    interval = pair_interval(gaps, there, np.random.default_rng(resampling_seed))
    pairs = there.any(axis=2)
    figures = np.array([(one.ours, one.random, one.oracle, one.admissible) for one in outcomes]).mean(axis=0)
    return Summary(
        mean=float(gaps[there].mean()), interval=interval, pooled=float(won[there].sum() / room[there].sum()),
        positive=float((gaps.mean(axis=2)[pairs] > 0).mean()), admissible=float(figures[3]), ours=float(figures[0]),
        random=float(figures[1]), oracle=float(figures[2]), pairs=int(pairs.sum()), seeds=len(seeds),
    )  # fmt: skip
