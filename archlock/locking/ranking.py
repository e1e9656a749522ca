"""The two orders in which candidates are looked at: for the source alone, and for the lock."""

from __future__ import annotations

from collections.abc import Sequence

from archlock.locking.candidate import Candidate
from archlock.locking.objective import Judge, Shortfall
from archlock.locking.trend import Trend
from archlock.spaces.protocol import Genotype


def for_source(judge: Judge, shortfall: Shortfall) -> list[Candidate]:
    """All candidates, those that meet the constraint first, the best predicted source metric first among them."""
    return sorted(judge.candidates.values(), key=lambda one: (shortfall(one), -one.source, one.genotype))


def for_lock(judge: Judge, trend: Trend) -> list[Candidate]:
    """All candidates, admissible ones first, the strongest predicted lock first among them."""
    return sorted(judge.candidates.values(), key=lambda one: (one.shortfall, trend.lock(one), one.genotype))


def affordable(judge: Judge, ranked: Sequence[Candidate]) -> list[Candidate]:
    """Those of a ranking that are within the hardware budgets."""
    return [one for one in ranked if judge.over_budget(one) == 0]


def diverse(ranked: Sequence[Candidate], count: int, least: int = 3) -> list[Genotype]:
    """Genotypes of the first ``count`` of a ranking that differ from each other in at least ``least`` genes.

    Near twins would spend several trainings on one idea.
    """
    chosen: list[Genotype] = []
    for genotype in (one.genotype for one in ranked):
        if len(chosen) == count:
            break
        if all(sum(a != b for a, b in zip(genotype, other, strict=True)) >= least for other in chosen):
            chosen.append(genotype)
    return chosen
