"""The judge: nothing twice, floors as stated, and a robust score that no edit can beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from archlock.attacks import edits
from archlock.locking.budgets import excess
from archlock.locking.knowledge import Knowledge, Prediction
from archlock.locking.laboratory import Laboratory
from archlock.locking.lock import PredictedLock
from archlock.locking.objective import Judge, explore, lock_objectives, source_objective
from archlock.locking.plan import Plan
from archlock.spaces.protocol import Genotype


@pytest.fixture
def judge(laboratory: Laboratory, knowledge: Knowledge) -> Judge:
    return Judge(laboratory, knowledge)


@pytest.fixture
def lock(laboratory: Laboratory, knowledge: Knowledge, population: tuple[Genotype, ...]) -> PredictedLock:
    return PredictedLock.fit(Judge(laboratory, knowledge).judge(population, "search"))


def test_no_canonical_genotype_is_judged_or_costed_twice(
    judge: Judge, lock: PredictedLock, population: tuple[Genotype, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted: list[Genotype] = []
    costed: list[Genotype] = []
    predict, cost = Knowledge.predict, Laboratory.cost

    def noted_predict(knowledge: Knowledge, genotypes: Sequence[Genotype]) -> Prediction:
        predicted.extend(genotypes)
        return predict(knowledge, genotypes)

    def noted_cost(laboratory: Laboratory, genotypes: Sequence[Genotype], stage: str) -> object:
        costed.extend(genotypes)
        return cost(laboratory, genotypes, stage)

    monkeypatch.setattr(Judge, "_robust", lambda self, genotypes, own: own)
    monkeypatch.setattr(Knowledge, "predict", noted_predict)
    monkeypatch.setattr(Laboratory, "cost", noted_cost)
    explore(judge, lock_objectives(lock, True), lambda one: one.shortfall, stage="lock", seeds=population)
    explore(judge, source_objective, judge.over_budget, stage="source alone", seeds=population)
    first, *_, last = judge.judge([population[0], population[1], population[0]], "search")
    assert first is last
    space = judge.laboratory.plan.space
    for seen in (predicted, costed):
        assert len({space.canonical(genotype) for genotype in seen}) == len(seen) == len(judge.candidates)


def test_a_front_is_admissible_where_anything_is(
    judge: Judge, lock: PredictedLock, population: tuple[Genotype, ...]
) -> None:
    judge.floor = float(np.median(judge.knowledge.predict(population).source))
    front = explore(judge, lock_objectives(lock, True), lambda one: one.shortfall, stage="lock", seeds=population)
    assert front
    assert any(one.shortfall == 0 for one in judge.candidates.values())
    assert all(one.shortfall == 0 for one in front)


def test_the_floor_is_the_best_label_less_the_tolerance(judge: Judge, population: tuple[Genotype, ...]) -> None:
    tolerance = judge.laboratory.plan.settings.source.micro_tolerance
    assert judge.floor == pytest.approx(judge.knowledge.best_source_label - tolerance)
    judge.floor = float(np.median(judge.knowledge.predict(population).source))
    judged = judge.judge(population, "search")
    assert [one.shortfall == 0 for one in judged] == [one.source >= judge.floor for one in judged]


def test_a_shortfall_counts_what_is_missed_on_both_sides(
    laboratory: Laboratory,
    knowledge: Knowledge,
    population: tuple[Genotype, ...],
    make_laboratory: Callable[[Plan], Laboratory],
) -> None:
    settings = laboratory.plan.settings
    least = min(cost.latency_s for cost in laboratory.cost(population).values())
    hardware = settings.hardware.model_copy(update={"latency_s": least / 2})
    plan = replace(laboratory.plan, settings=settings.model_copy(update={"hardware": hardware}))
    limited = Judge(make_laboratory(plan), knowledge)
    free = Judge(laboratory, knowledge).judge(population, "search")
    for one, bound in zip(free, limited.judge(population, "search"), strict=True):
        assert bound.shortfall == pytest.approx(one.shortfall + excess(plan, one.cost))
        assert limited.over_budget(bound) >= 1


def test_robust_is_the_worst_of_a_network_and_its_edits(judge: Judge, population: tuple[Genotype, ...]) -> None:
    plan = judge.laboratory.plan
    for one in judge.judge(population, "search"):
        family = [one.genotype, *edits(plan.space, one.genotype, plan.settings.attacks.edits).values()]
        transfer = judge.knowledge.predict(family).transfer_mean
        assert one.robust == pytest.approx(float(np.max(transfer)))


def test_objectives_are_all_minimised(judge: Judge, lock: PredictedLock, population: tuple[Genotype, ...]) -> None:
    one = judge.judge(population[:1], "search")[0]
    safer = replace(one, transfer_mean=one.transfer_mean - 1, transfer_worst=one.transfer_worst - 1)
    quicker = replace(one, cost=replace(one.cost, latency_s=one.cost.latency_s / 2))
    frugal = replace(one, cost=replace(one.cost, energy_j=one.cost.energy_j / 2))
    for robust in (True, False):
        goal = lock_objectives(lock, robust)
        assert len(goal(one)) == (6 if robust else 5)
        for improved in (safer, quicker, frugal):
            assert all(new <= old for new, old in zip(goal(improved), goal(one), strict=True))
            assert goal(improved) != goal(one)
        assert goal(replace(one, source=one.source + 0.1))[0] < goal(one)[0]
    better = replace(one, source=one.source + 0.1)
    assert source_objective(better) < source_objective(one)
