"""Hardware budgets: what counts as excess, populations that meet them, and what is said where none does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.errors import BudgetError
from archlock.locking.budgets import draw_population, excess
from archlock.locking.laboratory import HardwareCost, Laboratory
from archlock.locking.plan import Plan, make_plan
from archlock.spaces.protocol import Genotype

COSTS = st.floats(1e-9, 1e3)
MakePlan = Callable[..., Plan]


@pytest.fixture(scope="session")
def budgeted(make_settings: Callable[..., Any]) -> MakePlan:
    return lambda **budgets: make_plan(make_settings(hardware=budgets))


@given(latency_s=COSTS, energy_j=COSTS)
def test_without_budgets_nothing_is_too_much(laboratory: Laboratory, latency_s: float, energy_j: float) -> None:
    assert excess(laboratory.plan, HardwareCost(latency_s, energy_j, 1, 1)) == 0


def test_excess_is_relative_to_each_budget_and_summed(budgeted: MakePlan) -> None:
    plan = budgeted(latency_s=0.1, energy_j=2.0)
    assert excess(plan, HardwareCost(0.1, 2.0, 1, 1)) == 0
    assert excess(plan, HardwareCost(0.15, 1.0, 1, 1)) == pytest.approx(0.5)
    assert excess(plan, HardwareCost(0.15, 5.0, 1, 1)) == pytest.approx(2.0)


def test_a_population_is_distinct_and_canonical(laboratory: Laboratory, population: tuple[Genotype, ...]) -> None:
    space = laboratory.plan.space
    assert len(set(population)) == len(population) == 10
    assert all(space.canonical(genotype) == genotype for genotype in population)


def test_a_population_meets_the_budget_that_half_of_random_ones_miss(
    laboratory: Laboratory,
    population: tuple[Genotype, ...],
    budgeted: MakePlan,
    make_laboratory: Callable[[Plan], Laboratory],
) -> None:
    latencies = sorted(cost.latency_s for cost in laboratory.cost(population).values())
    limited = make_laboratory(budgeted(latency_s=latencies[5]))
    found = draw_population(limited, 10)
    assert len(set(found)) == 10
    assert all(cost.latency_s <= latencies[5] for cost in limited.cost(found).values())
    assert set(found) != set(population)


def test_no_label_is_read_for_a_population(population: tuple[Genotype, ...], laboratory: Laboratory) -> None:
    fresh = Laboratory(laboratory.plan, laboratory.workshop, type(laboratory.ledger)())
    assert draw_population(fresh, 10) == population
    assert fresh.ledger.entries == ()


def test_a_budget_that_nothing_meets_names_the_least_figure_found(
    budgeted: MakePlan, make_laboratory: Callable[[Plan], Laboratory]
) -> None:
    limited = make_laboratory(budgeted(latency_s=1e-9, energy_j=1e-15))
    with pytest.raises(BudgetError) as caught:
        draw_population(limited, 4)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 1
    least = re.findall(r"(latency|energy) (\S+) (s|J) is the least found", message)
    assert [(name, unit) for name, _, unit in least] == [("latency", "s"), ("energy", "J")]
    assert float(least[0][1]) > 1e-9
    assert float(least[1][1]) > 1e-15
    assert "budget 1e-09 s" in message
    assert limited.ledger.entries == ()


def test_a_tight_budget_is_searched_for_where_random_draws_miss_it(
    laboratory: Laboratory,
    population: tuple[Genotype, ...],
    budgeted: MakePlan,
    make_laboratory: Callable[[Plan], Laboratory],
) -> None:
    least = min(cost.energy_j for cost in laboratory.cost(population).values())
    limited = make_laboratory(budgeted(energy_j=0.9 * least))
    found = draw_population(limited, 6)
    assert len(set(found)) == len(found) >= 2
    assert all(cost.energy_j <= 0.9 * least for cost in limited.cost(found).values())
