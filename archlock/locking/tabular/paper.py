"""The method of the ArchLock paper on a table, without its look at the answer: labels of the source alone.

Votes of seven proxies on the source and on simulated targets train the published perceptron on pairs; aging evolution
proposes admissible classes; their fitness is rank_T - 2 rank_S by Copeland's count, and the five fittest are proposed.
The published code proposes the one with the lowest *true* target accuracy; that pick is the baseline ``leak``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.engines import Evaluation
from archlock.engines.aging_evolution import AgingEvolution
from archlock.locking.tabular.edits import Edits
from archlock.locking.tabular.paper_edits import Exposures
from archlock.locking.tabular.paper_source import SourceConstraint
from archlock.locking.tabular.paper_votes import Ballot, hold_vote
from archlock.locking.tabular.problem import PICKS, IntArray, Problem, Proposal
from archlock.locking.tabular.random_picks import filled
from archlock.predictors import RelationMLP, contrast_fitness, copeland_ranks
from archlock.scores import FloatArray
from archlock.seeding import torch_generator
from archlock.spaces.protocol import Genotype

POPULATION, STEPS, KEPT = 10, 40, 30
"""Members alive, admissible proposals in all, and proposals remembered, as published."""
PANEL = 100
"""Classes that the proxies vote on."""
EPOCHS = 8


def paper(problem: Problem) -> Proposal:
    """The five fittest classes of the paper's search; only labels of the source are read."""
    return _paper(problem, None)


def robust_paper(problem: Problem) -> Proposal:
    """The same, with each class ranked on the simulated targets by the strongest of itself and its neighbours."""
    return _paper(problem, Edits(problem.pool.neighbours))


def _paper(problem: Problem, edits: Edits | None) -> Proposal:
    constraint = SourceConstraint(problem)
    fitness = Fitness.of(problem, edits)
    kept = _search(problem, constraint, fitness)
    fittest = [kept[at] for at in np.argsort(-fitness(kept), kind="stable")] if kept else []
    notes: dict[str, float | str] = {**fitness.notes, "admissible": float(len(constraint.admissible))}
    return Proposal(filled(problem, fittest[:PICKS]), notes)


class Fitness:
    """f = rank_T - 2 rank_S of classes among each other, by the perceptron's Copeland ranks.

    Args:
        features: shape (classes, f), encoded architectures.
        ballot: the tasks.
        model: the trained relation; None ranks at random, to show what the relation brings.
        rng: of random ranks.
        exposures: rank classes on the targets after their best edit; None ranks them as they are.
    """

    def __init__(
        self,
        features: FloatArray,
        ballot: Ballot,
        model: RelationMLP | None,
        rng: np.random.Generator,
        exposures: Exposures | None = None,
    ) -> None:
        self._features, self._ballot, self._model, self._rng = features, ballot, model, rng
        self._exposures = exposures

    @classmethod
    def of(cls, problem: Problem, edits: Edits | None = None) -> Fitness:
        """Hold the vote and train the relation; no label is read."""
        pool, rng = problem.pool, problem.rng
        panel = rng.permutation(pool.classes)[:PANEL].astype(np.int64)
        ballot = hold_vote(pool, problem.source, panel, rng, simulate="simulated" not in problem.ablated)
        features = pool.features["one_hot"]
        if "predictor" in problem.ablated:
            return cls(features, ballot, None, rng)
        generator = torch_generator(int(rng.integers(2**31)), "paper")
        model = RelationMLP.fit(features, ballot.evidence, generator, epochs=EPOCHS)
        exposures = None if edits is None else Exposures(edits, features, panel, ballot.targets, model)
        return cls(features, ballot, model, rng, exposures)

    @property
    def notes(self) -> dict[str, str]:
        """Whose proxies voted."""
        return self._ballot.notes

    def __call__(self, classes: Sequence[int]) -> FloatArray:
        """Higher is fitter; shape (n,)."""
        if self._model is None:
            return self._rng.random(len(classes))
        tasks = np.vstack([self._ballot.source, self._ballot.targets])
        wins = (self._model.outcomes(self._features[list(classes)], tasks) > 0.5).astype(np.float64)
        on_targets = wins[1:] if self._exposures is None else self._exposures.outcomes(classes)
        return contrast_fitness(copeland_ranks(on_targets), copeland_ranks(wins[0]))


class ClassMoves:
    """Moves of an engine over classes: a sample is likely admissible, a mutant is one edge edit away, likely too.

    Args:
        neighbours: of each class.
        constraint: says which are likely.
        mutates: else mutants are samples, to show what the engine brings.
    """

    def __init__(self, neighbours: Sequence[IntArray], constraint: SourceConstraint, mutates: bool = True) -> None:
        self._neighbours, self._constraint, self._mutates = neighbours, constraint, mutates

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A random likely class, as a genotype of one gene."""
        return (int(rng.choice(np.flatnonzero(self._constraint.likely()))),)

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        """A neighbour that is likely admissible; any neighbour where none is; a sample where it has no neighbour."""
        near = self._neighbours[genotype[0]]
        if not self._mutates or not len(near):
            return self.sample(rng)
        likely = near[self._constraint.likely()[near]]
        return (int(rng.choice(likely if len(likely) else near)),)


def _search(problem: Problem, constraint: SourceConstraint, fitness: Fitness) -> list[int]:
    """Admissible classes remembered by aging evolution, at most `KEPT`."""
    moves = ClassMoves(problem.pool.neighbours, constraint, mutates="acquisition" not in problem.ablated)
    engine = AgingEvolution(moves, POPULATION, problem.rng)
    kept = list(constraint.admissible)
    engine.tell([Evaluation((index,), (0.0,)) for index in kept])
    steps = len(kept)
    while steps < STEPS and not constraint.exhausted:
        _rank_members(engine, constraint, fitness)
        asked = engine.ask(1)
        if not asked:
            break
        index = asked[0][0]
        if index in constraint.labels:
            continue
        missed = constraint.shortfall(index)
        engine.tell([Evaluation(asked[0], (0.0,), missed)])
        if missed == 0:
            steps += 1
            kept = _fittest([*kept, index], fitness)
    return kept


def _rank_members(engine: AgingEvolution, constraint: SourceConstraint, fitness: Fitness) -> None:
    """Tell every living member its fitness among the living, which each birth and death changes."""
    living = engine.members
    if living:
        worth = fitness([genotype[0] for genotype in living])
        told = zip(living, worth, strict=True)
        engine.tell([Evaluation(one, (-float(value),), constraint.shortfall(one[0])) for one, value in told])


def _fittest(classes: list[int], fitness: Fitness) -> list[int]:
    """All of them, or the `KEPT` fittest among each other in their order."""
    if len(classes) <= KEPT:
        return classes
    kept = np.sort(np.argsort(-fitness(classes), kind="stable")[:KEPT])
    return [classes[at] for at in kept]
