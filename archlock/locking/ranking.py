"""The orders in which candidates are looked at: for the source alone, for the predicted and for the measured lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archlock.locking.candidate import Candidate
from archlock.locking.objective import Judge, Shortfall
from archlock.locking.rank_lock import Lock
from archlock.spaces.protocol import Genotype


def for_source(judge: Judge, shortfall: Shortfall) -> list[Candidate]:
    """All candidates, those that meet the constraint first, the best predicted source metric first among them."""
    return sorted(judge.candidates.values(), key=lambda one: (shortfall(one), -one.source, one.genotype))


def for_lock(judge: Judge, lock: Lock) -> list[Candidate]:
    """All candidates, admissible ones first, the strongest predicted lock first among them."""
    return sorted(judge.candidates.values(), key=lambda one: (one.shortfall, lock.of(one), one.genotype))


def for_release(judge: Judge, predicted: Lock, measured: Mapping[Genotype, float]) -> list[Candidate]:
    """All candidates, admissible ones first; among them measured locks before predicted ones, the strongest first.

    A measured candidate is admissible by its own source label, any other by its prediction.
    """

    def key(one: Candidate) -> tuple[float, bool, float, Genotype]:
        known = one.genotype in measured
        lock = measured[one.genotype] if known else predicted.of(one)
        return judge.labelled_shortfall(one), not known, lock, one.genotype

    return sorted(judge.candidates.values(), key=key)


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
