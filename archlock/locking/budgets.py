"""Hardware budgets: how far an architecture misses them, and a population that meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlock.engines import Evaluation, make_engine, optimise
from archlock.errors import BudgetError
from archlock.locking.laboratory import HardwareCost, Laboratory
from archlock.locking.plan import Plan
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype

_Objective = Callable[[HardwareCost], tuple[float, ...]]
ROUNDS = 4
RESCUE_GENERATIONS = 10


def excess(plan: Plan, cost: HardwareCost) -> float:
    """How far a cost is above the budgets, relative to each, summed; 0 where all are met."""
    hardware = plan.settings.hardware
    pairs = ((cost.latency_s, hardware.latency_s), (cost.energy_j, hardware.energy_j))
    return sum(max(0.0, value / budget - 1) for value, budget in pairs if budget is not None)


def draw_population(laboratory: Laboratory, count: int) -> tuple[Genotype, ...]:
    """Distinct random architectures that meet the budgets, found before any label is bought.

    Raises:
        BudgetError: fewer than two were found, by sampling and then by searching for them; names the nearest figures.
    """
    plan = laboratory.plan
    rng = numpy_generator(plan.settings.seed, "population")
    engine = make_engine("random", plan.space, count, rng)
    found: list[Genotype] = []
    for _ in range(ROUNDS):
        asked = engine.ask(count)
        costs = laboratory.cost(asked)
        found += [genotype for genotype in asked if excess(plan, costs[genotype]) == 0]
        if len(found) >= count or not asked:
            break
    if len(found) < min(count, 8):
        found += [genotype for genotype in _rescue(laboratory, count) if genotype not in found]
    if len(found) < 2:
        raise BudgetError(f"no architecture meets the hardware budgets: {_nearest(laboratory, count)}")
    return tuple(found[:count])


def _rescue(laboratory: Laboratory, count: int) -> list[Genotype]:
    """Search for architectures within the budgets where random ones are not."""
    evaluations = _minimise(laboratory, count, lambda cost: (excess(laboratory.plan, cost),), "rescue")
    return [evaluation.genotype for evaluation in evaluations if evaluation.objectives[0] == 0]


def _nearest(laboratory: Laboratory, count: int) -> str:
    hardware = laboratory.plan.settings.hardware
    parts = []
    if hardware.latency_s is not None:
        least = min(e.objectives[0] for e in _minimise(laboratory, count, lambda c: (c.latency_s,), "latency"))
        parts.append(f"latency {least:.3g} s is the least found, budget {hardware.latency_s:.3g} s")
    if hardware.energy_j is not None:
        least = min(e.objectives[0] for e in _minimise(laboratory, count, lambda c: (c.energy_j,), "energy"))
        parts.append(f"energy {least:.3g} J is the least found, budget {hardware.energy_j:.3g} J")
    return "; ".join(parts)


def _minimise(laboratory: Laboratory, count: int, objective: _Objective, purpose: str) -> list[Evaluation]:
    plan = laboratory.plan

    def evaluate(genotypes: Sequence[Genotype]) -> list[Evaluation]:
        costs = laboratory.cost(genotypes)
        return [Evaluation(genotype, objective(costs[genotype])) for genotype in genotypes]

    population = min(count, 32)
    engine = make_engine("nsga2", plan.space, population, numpy_generator(plan.settings.seed, "budgets", purpose))
    evaluations: list[Evaluation] = []
    for archive in optimise(engine, evaluate, population, RESCUE_GENERATIONS):
        evaluations = archive.evaluations
    return evaluations
