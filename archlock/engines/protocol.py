"""The seam between optimisers and what they optimise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from archlock.scores import FloatArray
from archlock.spaces.protocol import Genotype, SearchSpace


@dataclass(frozen=True)
class Evaluation:
    """What a genotype is worth.

    Attributes:
        genotype: canonical form.
        objectives: every one to be minimised, in the objective's own order.
        violation: how far the budgets are missed, 0 where all are met; relative to each budget, summed.

    Raises:
        ValueError: an objective is NaN, which no order has a place for, or the violation is NaN or below 0.
    """

    genotype: Genotype
    objectives: tuple[float, ...]
    violation: float = 0.0

    def __post_init__(self) -> None:
        if any(math.isnan(value) for value in self.objectives):
            raise ValueError(f"genotype {self.genotype}: objectives must be numbers, not {self.objectives}")
        if not self.violation >= 0:
            raise ValueError(f"genotype {self.genotype}: a violation is at least 0, not {self.violation}")

    @property
    def feasible(self) -> bool:
        """Every budget is met."""
        return self.violation == 0


class Engine(Protocol):
    """An optimiser that is asked for genotypes and told their worth.

    `ask` returns canonical genotypes, distinct and never asked for before, or fewer than wanted (none at last) where
    the space has no more to find. `tell` takes them back in any number of parts. The same generator and the same
    worths give the same questions.
    """

    def ask(self, count: int) -> list[Genotype]:
        """Up to ``count`` genotypes to evaluate next."""

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """What they are worth."""


class EngineFactory(Protocol):
    """Makes an engine for a space."""

    def __call__(self, space: SearchSpace, population: int, rng: np.random.Generator) -> Engine:
        """An engine that keeps ``population`` genotypes and draws from ``rng`` alone."""


def non_dominated(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The constrained Pareto front: feasible ones that no feasible one dominates, or the least violating one."""
    feasible = [evaluation for evaluation in evaluations if evaluation.feasible]
    if not feasible:
        return sorted(evaluations, key=lambda e: (e.violation, e.genotype))[:1]
    values: FloatArray = np.array([evaluation.objectives for evaluation in feasible], dtype=np.float64)
    front = []
    for evaluation, row in zip(feasible, values, strict=True):
        dominated = np.all(values <= row, axis=1) & np.any(values < row, axis=1)
        if not dominated.any():
            front.append(evaluation)
    return front
