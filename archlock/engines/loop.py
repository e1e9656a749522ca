"""Ask, evaluate, tell, until the budget of evaluations is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from archlock.engines.protocol import Engine, Evaluation, non_dominated
from archlock.spaces.protocol import Genotype

Evaluate = Callable[[Sequence[Genotype]], Sequence[Evaluation]]


@dataclass
class Archive:
    """Every evaluation of a run, in order, one per canonical genotype."""

    evaluations: list[Evaluation] = field(default_factory=list)

    def front(self) -> list[Evaluation]:
        """The constrained Pareto front of everything seen."""
        return non_dominated(self.evaluations)


def optimise(engine: Engine, evaluate: Evaluate, population: int, generations: int) -> Iterator[Archive]:
    """Run an engine and yield the archive after each generation.

    The caller decides what to do between generations: show progress, log, or stop.
    """
    archive = Archive()
    for _ in range(generations):
        asked = engine.ask(population)
        if not asked:
            return
        evaluations = list(evaluate(asked))
        engine.tell(evaluations)
        archive.evaluations.extend(evaluations)
        yield archive
