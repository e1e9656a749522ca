"""Aging evolution (Real et al., AAAI 2019): a tournament picks a parent, its mutant enters, the oldest leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.stats import rankdata

from archlock.engines.fresh import FreshDraws
from archlock.engines.protocol import Evaluation
from archlock.spaces.protocol import Genotype

PATIENCE = 15
"""Inadmissible children in a row after which proposals are random again, as in the code published with ArchLock."""


class Moves(Protocol):
    """The part of a `archlock.spaces.protocol.SearchSpace` that this engine needs."""

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A random canonical genotype."""

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        """A canonical genotype that differs from the given one."""


class AgingEvolution:
    """Steady-state evolution without crossover in which members die of age, not of being worse.

    A tournament draws as many members as the population holds, with replacement, and the best becomes a parent (of
    several objectives the least mean rank decides; ties go to the younger). Where budgets are missed the published
    ArchLock search (ICLR 2024) is followed: an inadmissible child does not enter a population that has an admissible
    member, and after `PATIENCE` of them in a row random genotypes are proposed until one is admissible.

    A member that is told again has its worth replaced and grows no older, so that a fitness relative to the
    population, such as ArchLock's ranks, can be told anew at every step; `members` are those to tell.

    Args:
        space: draws and mutates genotypes.
        population: how many members live at a time.
        rng: the only source of randomness.
        tournament: members drawn for a parent; as many as the population by default.
    """

    def __init__(self, space: Moves, population: int, rng: np.random.Generator, tournament: int | None = None) -> None:
        self._space = space
        self._size = population
        self._rng = rng
        self._tournament_size = tournament or population
        self._fresh = FreshDraws()
        self._members: list[Evaluation] = []
        self._misses = 0

    @property
    def members(self) -> tuple[Genotype, ...]:
        """The living, the oldest first."""
        return tuple(member.genotype for member in self._members)

    def ask(self, count: int) -> list[Genotype]:
        """Random genotypes until the population is full, mutants of tournament winners from then on."""
        stuck = not self._members or self._misses >= PATIENCE
        asked = self._fresh.draw(count if stuck else min(count, self._vacant), self._random)
        if self._members:
            asked += self._fresh.draw(count - len(asked), self._child)
        # Where every mutant of the living is known, the space need not be: a random one goes on.
        return asked + self._fresh.draw(count - len(asked), self._random)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Newcomers enter in the order told, each in place of an inadmissible member or of the oldest."""
        for evaluation in evaluations:
            places = [index for index, one in enumerate(self._members) if one.genotype == evaluation.genotype]
            if places:
                self._members[places[0]] = evaluation
            else:
                self._misses = 0 if evaluation.feasible else self._misses + 1
                self._admit(evaluation)

    @property
    def _vacant(self) -> int:
        return self._size - len(self._members)

    def _admit(self, newcomer: Evaluation) -> None:
        if not newcomer.feasible and not self._vacant and any(one.feasible for one in self._members):
            return
        self._members.append(newcomer)
        if len(self._members) > self._size:
            inadmissible = (index for index, one in enumerate(self._members[:-1]) if not one.feasible)
            del self._members[next(inadmissible, 0)]

    def _random(self) -> Genotype:
        return self._space.sample(self._rng)

    def _child(self) -> Genotype:
        return self._space.mutate(self._parent().genotype, self._rng)

    def _parent(self) -> Evaluation:
        """Best of a random sample: the least violation, then the least mean rank, then the youngest."""
        drawn = self._rng.integers(len(self._members), size=self._tournament_size)
        places: list[int] = sorted(set(drawn.tolist()))
        sample = [self._members[place] for place in places]
        ranks = rankdata([one.objectives for one in sample], axis=0).mean(axis=1)
        order = zip((one.violation for one in sample), ranks.tolist(), (-place for place in places), strict=True)
        return self._members[-min(order)[2]]
