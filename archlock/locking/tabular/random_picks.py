"""The method that learns nothing: label random classes on the source until five are admissible."""

from __future__ import annotations

from archlock.locking.tabular.problem import PICKS, Problem, Proposal


def random_admissible(problem: Problem) -> Proposal:
    """Five random admissible classes; where the budget finds fewer, the best labelled ones fill up."""
    met: list[int] = []
    for index in problem.rng.permutation(problem.pool.classes):
        if len(met) == PICKS or not problem.remaining(problem.source):
            break
        if problem.read(problem.source, int(index)) >= problem.threshold:
            met.append(int(index))
    return Proposal(filled(problem, met))


def filled(problem: Problem, chosen: list[int]) -> tuple[int, ...]:
    """The first five chosen classes, filled up with the labelled classes that are best on the source.

    Where fewer than five are labelled the lowest indices follow; they are then as good as random ones.
    """
    labelled = problem.labels[problem.source]
    best = sorted(labelled, key=lambda index: (-labelled[index], index))
    return tuple(dict.fromkeys([*chosen, *best, *range(PICKS)]))[:PICKS]
